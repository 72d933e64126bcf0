"""From measured growth to other sizes: exponents, unit costs, where one machine ends, and beyond.

Two ways to say how a step grows. An *exponent* (twice the tracks, so much more time) is short, and
misleads where a step has a constant part, or two that grow apart. A *unit cost* (so much for each
entry, pair, edge, score) needs to know what the step works through, and then holds further. The
first is drawn, the second is what other sizes are reckoned with.

Conventions
-----------
A *point* is a dict, as ``benchmarks/growth.py`` writes them: what was varied (``playlists``,
``tracks``, ``embedding_size``, ``hops``, ``min_weight``), what was found (``entries``, ``pairs``,
``edges``, ``way``) and ``measured``: by step ``cpu`` (seconds of all threads), ``wall`` and
``peak_mb`` (the most the process held while the step ran, over what it held before everything; None
where it cannot be measured). Other sizes are reckoned for :data:`HOPS` hops. Memory is in GiB, time
in hours of one core. Intervals are of 95 %.

Contents
--------
- :data:`AXES`, :func:`along`: the points of an axis; :class:`PowerLaw`, :func:`power_law`:
  exponents, fitted to logarithms.
- :data:`DRIVERS`, :func:`drivers`, :class:`UnitCosts`, :func:`unit_costs`: what a step works
  through, and what a unit of it costs.
- :func:`sized`: what another size holds.
- :func:`limits`, :func:`breaking_point`: where one machine ends.
- :class:`Cluster`, :func:`scaled`: what a size beyond it would take.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import optimize, stats

from musig.errors import MusigError, counted
from musig.growth import STEPS

AXES = ("both", "playlists", "tracks", "embedding_size", "hops")
"""What growth is measured along; ``both``: playlists and tracks in the same proportion."""
SPARK = "spark"
"""The step that Spark takes in place of ``graph``; its points are measured apart."""
LEVEL = 0.95
HOPS = 2
TEST_SHARE = 0.1
"""Of the playlists, in the split that is measured."""
BATCH = 1024
"""Tracks of a step, in the training that is measured."""
GIB = 2**30
HOUR = 3600.0
UNITS = {"peak_mb": 1e6 / GIB, "cpu": 1 / HOUR}
Point = Mapping[str, Any]


def along(points: Sequence[Point] | None, axis: str) -> list[Point]:
    """Choose the points that differ along one axis only.

    Parameters
    ----------
    points : sequence of mapping or None
        Of several thresholds, those of the one that most have.
    axis : str
        One of :data:`AXES`.

    Returns
    -------
    list of mapping
        The largest such family, smallest point first.

    Raises
    ------
    MusigError
        If there is no such axis.

    Notes
    -----
    Notebook: 15_speed_and_scale
    """
    if axis not in AXES:
        raise MusigError(f"axis is '{axis}'; expected one of {', '.join(AXES)}.")
    sizes = ("playlists", "tracks", "embedding_size", "hops")
    families: dict[tuple[Any, ...], list[Point]] = {}
    for point in points or []:
        if axis == "both":
            ratio = round(point["playlists"] / point["tracks"], 2)
            kin = (ratio, point["embedding_size"], point["hops"])
        else:
            kin = tuple(point[size] for size in sizes if size != axis)
        families.setdefault((point["min_weight"], *kin), []).append(point)
    size = "playlists" if axis == "both" else axis
    chosen = max(families.values(), key=len, default=[])
    return sorted(chosen, key=lambda point: point[size])


@dataclass(frozen=True)
class PowerLaw:
    """A quantity as a power of a size: ``value = factor · size ** exponent``."""

    exponent: float
    """NaN where there were too few points."""
    low: float
    """Of the exponent's interval; NaN without a point to spare."""
    high: float
    n: int
    """Points that were fitted."""
    factor: float

    def at(self, size: float) -> float:
        """Reckon the value of another size."""
        return self.factor * size**self.exponent


def power_law(sizes: Sequence[float], values: Sequence[float]) -> PowerLaw:
    """Fit an exponent by least squares in the logarithms.

    Parameters
    ----------
    sizes, values : sequence of float, length n
        Points where a number is missing or not above 0 are left out.

    Returns
    -------
    PowerLaw
        All NaN where fewer than two sizes are left.

    Notes
    -----
    The errors of logarithms are errors in per cent, the same for small and large values. Intervals
    are those of ordinary least squares, by Student's t. They hold if the law does: a step that has
    a constant part as well grows more slowly at first than later.
    Notebook: 15_speed_and_scale

    Examples
    --------
    >>> law = power_law([1, 2, 4, 8], [1, 4, 16, 64])
    >>> round(law.exponent, 6), round(law.at(16), 3)
    (2.0, 256.0)
    """
    table = np.array([sizes, values], dtype=float)
    table = table[:, (np.isfinite(table) & (table > 0)).all(axis=0)]
    n = table.shape[1]
    if len(np.unique(table[0])) < 2:
        return PowerLaw(math.nan, math.nan, math.nan, n, math.nan)
    line = stats.linregress(*np.log(table))
    reach = stats.t.ppf((1 + LEVEL) / 2, n - 2) * line.stderr if n > 2 else math.nan
    low, high = (float(line.slope + side * reach) for side in (-1, 1))
    return PowerLaw(float(line.slope), low, high, n, float(np.exp(line.intercept)))


DRIVERS: dict[str, dict[str, tuple[str, ...]]] = {
    "cpu": {
        "read": ("constant", "entries", "tracks"),
        "graph": ("constant", "entries", "pairs", "edges"),
        SPARK: ("constant", "pairs"),
        "prepare": ("constant", "entries", "pairs", "edges", "tracks"),
        "begin": ("constant", "entries", "edges", "numbers"),
        "epoch": ("constant", "numbers", "hidden"),
        "evaluate": ("constant", "entries", "edges", "scores"),
    },
    "peak_mb": {
        "read": ("constant", "entries", "tracks"),
        "graph": ("constant", "entries", "edges"),
        "prepare": ("constant", "entries", "edges", "tracks"),
        "begin": ("constant", "entries", "edges", "numbers"),
        "epoch": ("constant", "entries", "edges", "numbers"),
        "evaluate": ("constant", "entries", "edges", "numbers"),
    },
}
"""What each step works through, and what it holds. See :func:`drivers`."""


def drivers(point: Point) -> dict[str, float]:
    """Count what the steps of a point work through.

    Parameters
    ----------
    point : mapping
        With ``playlists``, ``tracks``, ``entries``, ``pairs``, ``edges``, ``embedding_size``.

    Returns
    -------
    dict of str to float
        ``constant``, 1; ``entries`` of playlists; ``tracks``; ``pairs`` of tracks in the same
        playlist, playlist by playlist; ``edges``; ``numbers``, tracks times the embedding's width;
        ``scores``, test playlists times tracks; ``hidden``, edges that an epoch goes through anew
        where genre is hidden: all of them in each step, and there are as many steps as tracks ask
        for.

    Notes
    -----
    Notebook: 15_speed_and_scale
    """
    playlists, tracks, edges = (float(point[key]) for key in ("playlists", "tracks", "edges"))
    return {
        "constant": 1.0,
        "entries": float(point["entries"]),
        "tracks": tracks,
        "pairs": float(point["pairs"]),
        "edges": edges,
        "numbers": tracks * point["embedding_size"],
        "scores": TEST_SHARE * playlists * tracks,
        "hidden": tracks / BATCH * edges,
    }


@dataclass(frozen=True)
class UnitCosts:
    """What a step costs, as a sum over what it works through."""

    costs: dict[str, float]
    """Of a unit of each driver, 0 or more."""
    others: tuple[dict[str, float], ...]
    """The same, fitted without one of the points in turn."""
    worst: float
    """The largest error of a point that was fitted, as a share of it."""
    n: int
    """Points that were fitted."""

    def predict(self, counts: Mapping[str, float]) -> tuple[float, float, float]:
        """Reckon the cost of another size.

        Parameters
        ----------
        counts : mapping of str to float
            Of :func:`drivers`.

        Returns
        -------
        value, low, high : float
            With the range over fits that lack one of the points.
        """
        value, *others = (
            sum(cost * counts[name] for name, cost in costs.items())
            for costs in (self.costs, *self.others)
        )
        return value, min(value, *others), max(value, *others)


def unit_costs(points: Sequence[Point] | None, step: str, what: str = "cpu") -> UnitCosts:
    """Fit what a unit of each driver costs.

    Parameters
    ----------
    points : sequence of mapping or None
        As measured. Those that lack the step or have other :data:`HOPS` are left out, and of
        ``begin`` and ``epoch`` those whose steps are full, as those of large graphs are not.
    step : str
        A step of :data:`DRIVERS`.
    what : {"cpu", "peak_mb"}

    Returns
    -------
    UnitCosts

    Raises
    ------
    MusigError
        If there are fewer than three points.

    Notes
    -----
    Least squares of the errors in per cent, no cost below 0 (Lawson & Hanson 1974). Unlike a
    power law it stays right where a step has a constant part or two that grow apart; what it
    cannot know is a part that was too small to be seen at the sizes that were measured.
    Notebook: 15_speed_and_scale
    """
    names = DRIVERS[what][step]
    used = [
        point
        for point in points or []
        if (point["measured"].get(step) or {}).get(what)
        and point["hops"] == HOPS
        and (step not in ("begin", "epoch") or point["way"] == "sampled")
    ]
    if len(used) < 3:
        raise MusigError(
            f"{counted(len(used), 'point')} of growth with a number for {step} ({what}); expected "
            "three or more: run python benchmarks/growth.py."
        )
    y = np.array([point["measured"][step][what] for point in used], dtype=float)
    x = np.array([[drivers(point)[name] for name in names] for point in used])
    shares = x / y[:, None]  # of the value: 1 is what their sum should be

    def fit(rows: np.ndarray) -> dict[str, float]:
        scale = shares[rows].max(axis=0)
        found, _ = optimize.nnls(shares[rows] / scale, np.ones(len(rows)))
        return dict(zip(names, (found / scale).tolist(), strict=True))

    every = np.arange(len(y))
    costs = fit(every)
    worst = float(np.abs(shares @ np.array(list(costs.values())) - 1).max())
    return UnitCosts(costs, tuple(fit(np.delete(every, n)) for n in every), worst, len(y))


def sized(
    points: Sequence[Point],
    playlists: float,
    tracks: float,
    edges: float,
    min_weight: int,
    embedding_size: int = 128,
) -> dict[str, float]:
    """Reckon what another size holds.

    Parameters
    ----------
    points : sequence of mapping
        As measured: a playlist is as long as theirs, and as many pairs are in it.
    playlists, tracks : float, > 0
    edges : float, >= 0
        As many as are expected. There are never more than the pairs allow, of which each edge takes
        more than `min_weight`, and never more than there are pairs of tracks.
    min_weight : int, >= 0
    embedding_size : int, > 0

    Returns
    -------
    dict
        A point that :func:`drivers` takes.

    Notes
    -----
    Notebook: 15_speed_and_scale
    """
    known = [point for point in points if "pairs" in point]  # others were stopped early
    entries, pairs = (
        playlists * float(np.mean([point[name] / point["playlists"] for point in known]))
        for name in ("entries", "pairs")
    )
    return {
        "playlists": playlists,
        "tracks": tracks,
        "embedding_size": embedding_size,
        "entries": entries,
        "pairs": pairs,
        "edges": min(edges, pairs / (min_weight + 1), tracks * (tracks - 1) / 2),
    }


def breaking_point(
    cost: Callable[[float], float], limit: float, least: float = 1.0, most: float = 1e12
) -> float:
    """Find the size at which a cost reaches a limit.

    Parameters
    ----------
    cost : callable
        Of a size; it grows.
    limit : float
    least, most : float, > 0
        Between which sizes to look.

    Returns
    -------
    float
        `least` where the limit is passed from the start, infinity where it is not reached.

    Notes
    -----
    Notebook: 15_speed_and_scale

    Examples
    --------
    >>> round(breaking_point(lambda n: n**2, limit=100.0), 6)
    10.0
    """
    if cost(least) >= limit:
        return least
    if cost(most) < limit:
        return math.inf
    ends = np.log(least), np.log(most)
    return float(np.exp(optimize.brentq(lambda size: cost(np.exp(size)) - limit, *ends)))


def limits(
    points: Sequence[Point] | None, memory: float, hours: float, min_weight: int = 10
) -> pd.DataFrame:
    """Find the size at which a single machine no longer does, step by step.

    Parameters
    ----------
    points : sequence of mapping or None
        As recorded. Playlists and tracks grow in the proportion in which they do there, and edges
        by the power law that they follow there.
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
    points = points or []
    family = [p for p in along([p for p in points if p["min_weight"] == min_weight], "both")]
    family = [point for point in family if "edges" in point]  # others were stopped early
    law = power_law(*([point[key] for point in family] for key in ("playlists", "edges")))
    if law.n < 3:
        return pd.DataFrame()
    ratio = family[0]["playlists"] / family[0]["tracks"]

    def counts(playlists: float) -> dict[str, float]:
        edges = law.at(playlists)
        return drivers(sized(points, playlists, playlists / ratio, edges, min_weight))

    def reached(step: str, what: str, limit: float) -> float:
        try:
            fitted = unit_costs(points, step, what)
        except MusigError:  # of a system that does not tell the peak, or no such points
            return math.nan
        allowed = limit / UNITS[what]
        return breaking_point(lambda n: fitted.predict(counts(n))[0], allowed, least=1000.0)

    rows = []
    for step in STEPS:
        ends = {"memory": reached(step, "peak_mb", memory), "time": reached(step, "cpu", hours)}
        first = float(np.nanmin([*ends.values(), np.inf]))
        why = "memory" if first == ends["memory"] else "time"
        ways = {f"by_{name}": end for name, end in ends.items()}
        rows.append({"step": step, **ways, "first": first, "limit": why})
    return pd.DataFrame(rows).sort_values("first", kind="stable", ignore_index=True)


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

    def node_hours(self, cpu_hours: float) -> float:
        """How many hours of a node it takes to do so many of one core."""
        return cpu_hours / (self.cores * self.efficiency)

    def nodes(self, gib: float, cpu_hours: float) -> float:
        """How many it takes, for the memory (NaN: none to speak of) and for the time."""
        by_time = math.ceil(self.node_hours(cpu_hours) / self.hours)
        return float(max(1, 0 if math.isnan(gib) else math.ceil(gib / self.memory), by_time))


def scaled(
    points: Sequence[Point] | None,
    playlists: float,
    tracks: float,
    neighbours: Sequence[float],
    cluster: Cluster,
    *,
    epochs: int = 1,
    min_weight: int = 10,
    spark: Sequence[Point] | None = None,
) -> pd.DataFrame:
    """Reckon what each step would take at another size.

    Parameters
    ----------
    points : sequence of mapping or None
        As recorded.
    playlists, tracks : float, > 0
    neighbours : sequence of float
        Of a track in the graph, at least and at most: a law of edges does not hold so far.
    cluster : Cluster
    epochs : int, > 0
        Of the training.
    min_weight : int, >= 0
        Cut-off of the graph.
    spark : sequence of mapping, optional
        Points of the same kind, of a graph that was counted by Spark: a row more, ``spark``.

    Returns
    -------
    DataFrame
        A row a step, each from ``_low`` (with the fewest neighbours) to ``_high`` (the most), and
        over fits that lack one point: ``gib`` of memory, ``hours`` of CPU, ``cost``; ``nodes``,
        for the high ends; ``worst``, the largest error of the fits at a measured point. Missing
        where it was not measured, empty where nothing was.

    Notes
    -----
    By unit costs: :func:`unit_costs`.
    Notebook: 15_speed_and_scale
    """
    if not any("pairs" in point for point in points or []):
        return pd.DataFrame()
    ends = [
        drivers(sized(points or [], playlists, tracks, tracks * each / 2, min_weight))
        for each in (min(neighbours), max(neighbours))
    ]
    by_spark = [SPARK] if spark else []
    rows = []
    for step in [*STEPS[:2], *by_spark, *STEPS[2:]]:
        row: dict[str, Any] = {"step": step}
        worst = []
        times = epochs if step == "epoch" else 1
        for what, name in (("peak_mb", "gib"), ("cpu", "hours")):
            unit = UNITS[what] * (times if what == "cpu" else 1)
            row |= {f"{name}_low": math.nan, f"{name}_high": math.nan}
            if step in DRIVERS[what]:
                try:
                    fitted = unit_costs(spark if step == SPARK else points, step, what)
                except MusigError:  # of a system that does not tell the peak, or no such points
                    continue
                row[f"{name}_low"] = unit * fitted.predict(ends[0])[1]
                row[f"{name}_high"] = unit * fitted.predict(ends[1])[2]
                worst.append(fitted.worst)
        for end in ("low", "high"):
            row[f"cost_{end}"] = cluster.price * cluster.node_hours(row[f"hours_{end}"])
        known = not math.isnan(row["hours_high"])
        row["nodes"] = cluster.nodes(row["gib_high"], row["hours_high"]) if known else math.nan
        rows.append(row | {"worst": max(worst, default=math.nan)})
    return pd.DataFrame(rows)
