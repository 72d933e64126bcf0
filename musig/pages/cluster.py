"""What the chapter on speed and scale reckons: where one machine ends, and what comes after it.

Conventions
-----------
Memory is in GiB, time in hours of one core. Points of growth are those of :mod:`musig.scaling`.
What is reckoned is written to two digits: over so far a way there is no third.

Contents
--------
- :func:`limits`, :func:`limits_shown`, :func:`limits_told`: where one machine ends.
- :class:`Cluster`, :func:`scaled`, :func:`scaled_shown`, :func:`scaled_told`, :data:`REPLACED`:
  beyond it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from musig.errors import MusigError
from musig.growth import STEPS
from musig.pages.tables import percent
from musig.scaling import Point, breaking_point, drivers, sized, unit_costs

GIB = 2**30
HOUR = 3600.0
REPLACED = {
    "read": "Spark reads the tables in pieces, on every node its own",
    "graph": "Spark counts the pairs; those of the longest playlists are split, hot tracks salted",
    "prepare": "counts and scalers by Spark; the graph is stored by rows, a part a node",
    "begin": "each node keeps the tables of its own rows",
    "epoch": "torchrun; neighbours are drawn where their rows are; of tracks whose genre is hidden "
    "only their neighbours are corrected",
    "evaluate": "a sample of the test playlists; nearest neighbours found approximately",
}
"""What takes the place of a step of ours where it no longer does."""


def limits(
    points: Sequence[Point] | None,
    ratio: float,
    embedding_size: int,
    memory: float,
    hours: float,
    min_weight: int = 10,
) -> pd.DataFrame:
    """Find the size at which a single machine no longer does, step by step.

    Parameters
    ----------
    points : sequence of mapping or None
        As recorded.
    ratio : float, > 0
        Playlists for each track.
    embedding_size : int, > 0
    memory : float, > 0
        GiB of the machine.
    hours : float, > 0
        On one core, that a step may take.
    min_weight : int, >= 0
        Cut-off of the graph; one that was recorded.

    Returns
    -------
    DataFrame
        A row a step: playlists at which it needs more than the memory (``by_memory``) and more
        than the time (``by_time``), ``first`` of the two, ``limit``. The first to break is the
        first row. Empty where too few points were recorded.

    Notes
    -----
    Notebook: 15_speed_and_scale
    """
    if _size(points, 1000.0 * ratio, 1000.0, embedding_size, min_weight) is None:
        return pd.DataFrame()
    rows = []
    for step in STEPS:
        found: dict[str, float] = {}
        for what, name, limit in (
            ("peak_mb", "by_memory", memory * GIB / 1e6),
            ("cpu", "by_time", hours * HOUR),
        ):
            try:
                fitted = unit_costs(points or [], step, what)
            except MusigError:
                found[name] = float("nan")
                continue

            def cost(playlists: float, fitted: Any = fitted) -> float:
                tracks = playlists / ratio
                size = sized(points or [], playlists, tracks, embedding_size, min_weight)
                return float(fitted.predict(drivers(size))[0])

            found[name] = breaking_point(cost, limit, least=1000.0)
        first = float(np.nanmin([*found.values(), np.inf]))
        why = "memory" if first == found["by_memory"] else "time"
        rows.append({"step": step, **found, "first": first, "limit": why})
    return pd.DataFrame(rows).sort_values("first", kind="stable", ignore_index=True)


def limits_shown(table: pd.DataFrame) -> pd.DataFrame:
    """Write where one machine ends as it is read.

    Parameters
    ----------
    table : DataFrame
        Of :func:`limits`, perhaps several below each other, with a column ``min_weight``.

    Returns
    -------
    DataFrame

    Notes
    -----
    Notebook: 15_speed_and_scale
    """
    names = {"by_memory": "playlists that fill the memory", "by_time": "that take too long"}
    shown = table.drop(columns="first", errors="ignore").rename(columns=names)
    for name in names.values():
        if name in shown:
            shown[name] = [_rounded(value) for value in shown[name]]
    return shown


def limits_told(table: pd.DataFrame, memory: float, hours: float) -> str:
    """Say which step is the first that a single machine cannot do.

    Parameters
    ----------
    table : DataFrame
        Of :func:`limits`.
    memory, hours : float
        The limits.

    Returns
    -------
    str

    Notes
    -----
    Notebook: 15_speed_and_scale

    Examples
    --------
    >>> limits_told(pd.DataFrame(), 24, 24)
    'too few points were recorded to say'
    """
    if not len(table):
        return "too few points were recorded to say"
    row = table.iloc[0]
    if not np.isfinite(row["first"]):
        return "no step reaches a limit at any size"
    limit = f"{memory:g} GiB" if row["limit"] == "memory" else f"{hours:g} hours on one core"
    return (
        f"{row['step']}, which needs more than {limit} from {_rounded(row['first'])} playlists on"
    )


@dataclass(frozen=True)
class Cluster:
    """Nodes that are alike, and what is asked of them.

    Parameters
    ----------
    memory : float, > 0
        GiB of a node.
    cores : int, > 0
        Of a node; a core is taken to be as fast as the one that was measured.
    price : float, >= 0
        Of a node, an hour.
    hours : float, > 0
        In which a step should be over.
    efficiency : float in (0, 1]
        Share of the cores' time that goes into the work.
    """

    memory: float
    cores: int
    price: float
    hours: float
    efficiency: float

    def nodes(self, gib: float, cpu_hours: float) -> float:
        """How many it takes, for the memory and for the time: whichever is more."""
        by_time = cpu_hours / (self.cores * self.efficiency * self.hours)
        return max(1.0, float(np.ceil(gib / self.memory)), float(np.ceil(by_time)))

    def cost(self, cpu_hours: float) -> float:
        """Price of the work, on however many nodes."""
        return cpu_hours / (self.cores * self.efficiency) * self.price


def scaled(
    points: Sequence[Point] | None,
    playlists: float,
    tracks: float,
    embedding_size: int,
    cluster: Cluster,
    min_weight: int = 10,
) -> pd.DataFrame:
    """Reckon what each step would take at another size.

    Parameters
    ----------
    points : sequence of mapping or None
        As recorded.
    playlists, tracks : float, > 0
    embedding_size : int, > 0
    cluster : Cluster
    min_weight : int, >= 0
        Cut-off of the graph; one that was recorded.

    Returns
    -------
    DataFrame
        A row a step: ``gib`` of memory and ``hours`` of CPU, each with ``_low`` and ``_high`` (the
        range over fits that lack one point) and ``_most`` (with as many edges as the pairs allow);
        ``nodes``, ``cost``, ``worst`` (the largest error of the fits at a measured point),
        ``instead``. Empty where too few points were recorded.

    Notes
    -----
    By unit costs: :func:`musig.scaling.unit_costs`.
    Notebook: 15_speed_and_scale
    """
    size = _size(points, playlists, tracks, embedding_size, min_weight)
    if size is None:
        return pd.DataFrame()
    most = drivers({**size, "edges": size["edges_most"]})
    rows = []
    for step in STEPS:
        row: dict[str, Any] = {"step": step}
        worst = []
        for what, name, unit in (("peak_mb", "gib", 1e6 / GIB), ("cpu", "hours", 1 / HOUR)):
            names = [name, f"{name}_low", f"{name}_high", f"{name}_most"]
            try:
                fitted = unit_costs(points or [], step, what)
            except MusigError:  # of a system that does not tell the peak, or no such points
                row |= dict.fromkeys(names, float("nan"))
                continue
            values = [*fitted.predict(drivers(size)), fitted.predict(most)[0]]
            row |= dict(zip(names, (value * unit for value in values), strict=True))
            worst.append(fitted.worst)
        known = not math.isnan(row["gib"] + row["hours"])
        row["nodes"] = cluster.nodes(row["gib"], row["hours"]) if known else float("nan")
        row["cost"] = cluster.cost(row["hours"])
        rows.append(row | {"worst": max(worst, default=float("nan")), "instead": REPLACED[step]})
    return pd.DataFrame(rows)


def scaled_shown(table: pd.DataFrame) -> pd.DataFrame:
    """Write a reckoning as it is read: a row a step, numbers with their ranges.

    Parameters
    ----------
    table : DataFrame
        Of :func:`scaled`.

    Returns
    -------
    DataFrame

    Notes
    -----
    Notebook: 15_speed_and_scale
    """

    def ranged(row: Mapping[Any, Any], name: str) -> str | None:
        if math.isnan(row[name]):
            return None
        ends = f"{_rounded(row[f'{name}_low'])} to {_rounded(row[f'{name}_high'])}"
        return f"{_rounded(row[name])} ({ends})"

    return pd.DataFrame(
        [
            {
                "step": row["step"],
                "GiB (range)": ranged(row, "gib"),
                "GiB at most": _rounded(row["gib_most"]),
                "CPU hours (range)": ranged(row, "hours"),
                "nodes": row["nodes"],
                "price": _rounded(row["cost"]),
                "worst error": row["worst"],
                "instead of ours": row["instead"],
            }
            for row in table.to_dict("records")
        ]
    )


def scaled_told(table: pd.DataFrame) -> str:
    """Say what all steps together would take.

    Parameters
    ----------
    table : DataFrame
        Of :func:`scaled`.

    Returns
    -------
    str

    Notes
    -----
    Notebook: 15_speed_and_scale

    Examples
    --------
    >>> scaled_told(pd.DataFrame())
    'too few points were recorded to say'
    """
    if not len(table):
        return "too few points were recorded to say"
    known = table.dropna(subset=["gib", "hours"])
    if not len(known):
        return "memory was not measured"
    largest, longest = (known.sort_values(name).iloc[-1] for name in ("gib", "hours"))
    share = percent(float(longest["hours"]) / float(known["hours"].sum()))
    return (
        f"{_rounded(known['hours'].sum())} CPU hours, of which {longest['step']} takes {share}, at "
        f"a price of {_rounded(known['cost'].sum())}; the most memory, "
        f"{_rounded(largest['gib'])} GiB, is taken by {largest['step']}; "
        f"{known['nodes'].max():,.0f} nodes at most"
    )


def _size(
    points: Sequence[Point] | None, playlists: float, tracks: float, width: int, min_weight: int
) -> dict[str, Any] | None:
    """Reckon what another size holds; None where too few were recorded to tell."""
    if not any(point["min_weight"] == min_weight for point in points or []):
        return None
    size = sized(points or [], playlists, tracks, width, min_weight)
    return size if np.isfinite(size["edges"]) else None


def _rounded(value: float) -> str:
    """Write to two digits: what is reckoned over so far a way has no third."""
    if math.isnan(value):
        return "–"
    if math.isinf(value):
        return "never"
    if value == 0:
        return "0"
    digits = 1 - math.floor(math.log10(abs(value)))
    rounded = round(value, digits)
    for size, word in ((1e12, "trillion"), (1e9, "billion"), (1e6, "million")):
        if rounded >= size:
            return f"{rounded / size:g} {word}"
    return f"{rounded:,.0f}" if digits <= 0 else f"{rounded:.{min(digits, 6)}f}"
