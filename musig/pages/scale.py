"""What the chapter on speed and scale shows of growth.

Conventions
-----------
Points of growth are those of :mod:`musig.scaling`, recorded by ``benchmarks/growth.py``, or made of
a catalogue at hand. Memory is in MB.

Contents
--------
- :func:`points_table`: what was measured; :func:`along`: the points of an axis.
- :func:`exponents`, :func:`side_by_side`, :func:`growth`: how steps grow.
- :func:`own`: the growth of a catalogue at hand.
- :func:`growth_told`, :func:`steepest`: the same in sentences.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from musig.catalog import Catalog
from musig.errors import MusigError
from musig.growth import STEPS, measure
from musig.pages.style import DASHES, MARKERS, PALETTE, log_scales, nothing
from musig.scaling import Point, power_law

AXES = {
    "both": "playlists, with tracks in proportion",
    "playlists": "playlists",
    "tracks": "tracks",
    "embedding_size": "embedding size",
    "hops": "hops",
}
"""What growth is measured along, and how an axis is labelled."""
WORDS = {"cpu": "CPU seconds", "peak_mb": "peak memory, MB"}


def _points(points: Sequence[Point] | None, min_weight: int | None = None) -> list[Point]:
    """Give the points of one cut-off: by default the one that most points have."""
    found = list(points or [])
    if not found:
        return []
    weights = pd.Series([point["min_weight"] for point in found])
    chosen = int(weights.mode().max()) if min_weight is None else min_weight
    return [point for point in found if point["min_weight"] == chosen]


def points_table(points: Sequence[Point] | None) -> pd.DataFrame:
    """List every point of growth: its size, what it held, and how it ended.

    Parameters
    ----------
    points : sequence of mapping or None

    Returns
    -------
    DataFrame
        Sorted by size, with the sum of the steps' CPU seconds and the largest peak.

    Notes
    -----
    Notebook: 15_speed_and_scale
    """
    sizes = ["playlists", "tracks", "embedding_size", "hops", "min_weight", "entries", "edges"]
    rows = []
    for point in points or []:
        spent = point["measured"].values()
        peaks = [each["peak_mb"] for each in spent if each.get("peak_mb")]
        end = "finished" if point["stopped"] is None else f"stopped by {point['stopped']}"
        if point["stopped"] and point.get("last"):
            end += f" in {point['last']}"
        rows.append(
            {
                **{key: point.get(key, float("nan")) for key in sizes},
                "CPU, s": sum(each["cpu"] for each in spent),
                "peak, MB": max(peaks, default=float("nan")),
                "end": end,
            }
        )
    table = pd.DataFrame(rows, columns=[*sizes, "CPU, s", "peak, MB", "end"])
    return table.sort_values(sizes[:5], ignore_index=True)


def along(points: Sequence[Point] | None, axis: str) -> list[Point]:
    """Choose the points that differ along one axis only.

    Parameters
    ----------
    points : sequence of mapping or None
    axis : {"both", "playlists", "tracks", "embedding_size", "hops"}
        ``both``: playlists and tracks in the same proportion.

    Returns
    -------
    list of mapping
        The largest such family, smallest first.

    Notes
    -----
    Notebook: 15_speed_and_scale
    """
    if axis not in AXES:
        raise MusigError(f"axis is '{axis}'; expected one of {', '.join(AXES)}.")
    sizes = ("playlists", "tracks", "embedding_size", "hops")

    def family(point: Point) -> tuple[Any, ...]:
        if axis == "both":
            ratio = round(point["playlists"] / point["tracks"], 6)
            return ratio, point["embedding_size"], point["hops"]
        return tuple(point[size] for size in sizes if size != axis)

    families: dict[tuple[Any, ...], list[Point]] = {}
    for point in _points(points):
        families.setdefault(family(point), []).append(point)
    size = "playlists" if axis == "both" else axis
    chosen = max(families.values(), key=len, default=[])
    return sorted(chosen, key=lambda point: point[size])


def _values(points: Sequence[Point], step: str, what: str) -> list[float]:
    found = ((point["measured"].get(step) or {}).get(what) for point in points)
    return [float("nan") if value is None else float(value) for value in found]


def exponents(points: Sequence[Point] | None) -> pd.DataFrame:
    """Fit the exponent of each step along each axis.

    Parameters
    ----------
    points : sequence of mapping or None

    Returns
    -------
    DataFrame
        ``axis``, ``step``, ``what`` (``cpu`` or ``peak_mb``), ``exponent``, ``low``, ``high``,
        ``n`` points, ``from``, ``to`` (the sizes).

    Notes
    -----
    Notebook: 15_speed_and_scale
    """
    rows = []
    for axis in AXES:
        chosen = along(points, axis)
        size = "playlists" if axis == "both" else axis
        for step in STEPS:
            for what in WORDS:
                values = _values(chosen, step, what)
                there = [point for point, value in zip(chosen, values, strict=True) if value > 0]
                law = power_law(values, size=[point[size] for point in chosen])
                rows.append(
                    {
                        "axis": axis,
                        "step": step,
                        "what": what,
                        "exponent": law.exponents[0],
                        "low": law.low[0],
                        "high": law.high[0],
                        "n": law.n,
                        "from": min((point[size] for point in there), default=float("nan")),
                        "to": max((point[size] for point in there), default=float("nan")),
                    }
                )
    return pd.DataFrame(rows)


def side_by_side(fitted: pd.DataFrame, what: str) -> pd.DataFrame:
    """Put exponents into one table, a row a step and a column an axis.

    Parameters
    ----------
    fitted : DataFrame
        Of :func:`exponents`.
    what : {"cpu", "peak_mb"}

    Returns
    -------
    DataFrame
        Each cell an exponent with its interval; missing where it could not be fitted.

    Notes
    -----
    Notebook: 15_speed_and_scale
    """
    rows: dict[str, dict[str, Any]] = {step: {"step": step} for step in STEPS}
    for row in fitted[fitted["what"] == what].to_dict("records"):
        cell = None
        if not math.isnan(row["exponent"]):
            cell = f"{row['exponent']:.2f}"
            if not math.isnan(row["low"]):
                cell += f" [{row['low']:.2f},\u00a0{row['high']:.2f}]"
        rows[row["step"]][AXES[row["axis"]]] = cell
    return pd.DataFrame(list(rows.values()))


def growth(points: Sequence[Point] | None, axis: str) -> tuple[Figure, np.ndarray]:
    """Draw time and memory of each step along an axis, both logarithmic.

    Parameters
    ----------
    points : sequence of mapping or None
    axis : {"both", "playlists", "tracks", "embedding_size", "hops"}

    Returns
    -------
    Figure, ndarray of Axes
        Time, and memory where it was measured: lines are the fitted laws, markers what was
        measured; the legend has the exponents.

    Notes
    -----
    Notebook: 15_speed_and_scale
    """
    chosen, size = along(points, axis), "playlists" if axis == "both" else axis
    x = np.array([point[size] for point in chosen], dtype=float)
    there = [
        what
        for what in WORDS
        if any(value > 0 for step in STEPS for value in _values(chosen, step, what))
    ] or ["cpu"]
    fig, axes = plt.subplots(len(there), 1, figsize=(5.6, 3.8 * len(there)), squeeze=False)
    for ax, what in zip(axes.flat, there, strict=True):
        ax.set(xlabel=AXES[axis], ylabel=WORDS[what])
        drawn = False
        for n, step in enumerate(STEPS):
            y = np.array(_values(chosen, step, what))
            known = y > 0
            if not known.any():
                continue
            drawn = True
            law = power_law(y.tolist(), size=x.tolist())
            name = step if np.isnan(law.exponents[0]) else f"{step} ({law.exponents[0]:.2f})"
            ax.plot(x[known], y[known], MARKERS[n], color=PALETTE[n], label=name)
            if not np.isnan(law.exponents[0]):
                fit = [law.predict(size=at)[0] for at in x[known]]
                ax.plot(x[known], fit, color=PALETTE[n], linestyle=DASHES[n], linewidth=1.2)
        if not drawn:
            nothing(fig, ax, "nothing was recorded")
            continue
        log_scales(ax, "xy")
        ax.legend(fontsize=8, ncols=2)
    return fig, axes[:, 0]


def own(
    load: Callable[[], Catalog], shares: Sequence[float], timings: int, **settings: Any
) -> list[dict[str, Any]]:
    """Measure the growth of a catalogue: the same steps on shares of its playlists.

    Parameters
    ----------
    load : callable
        Gives the catalogue.
    shares : sequence of float in (0, 1]
        Of the playlists, from the first; tracks stay, those that are in too few playlists leave.
    timings : int, > 0
        How often each is done; the least is kept, which is the one least disturbed.
    **settings
        Of :func:`musig.growth.measure`.

    Returns
    -------
    list of dict
        Points, smallest first; memory is not measured.

    Raises
    ------
    MusigError
        If a share leaves too few playlists.

    Notes
    -----
    Done once before, unmeasured, so that nothing is compiled while it is timed.
    Notebook: 15_speed_and_scale
    """
    whole = load()
    measure(lambda: _share(whole, max(shares)), **settings)
    points = []
    for share in sorted(set(shares)):
        part = _share(whole, share)
        runs = [measure(lambda part=part: part, **settings) for _ in range(timings)]  # type: ignore[misc]
        spent = {
            step: {"cpu": min(run["measured"][step].cpu for run in runs), "peak_mb": None}
            for step in STEPS[1:]
        }
        points.append(
            {
                **runs[0],
                "playlists": len(part.playlists),
                "tracks": whole.n_tracks,
                "embedding_size": settings["embedding_size"],
                "hops": settings.get("hops", 2),
                "min_weight": settings["min_weight"],
                "measured": spent,
                "stopped": None,
            }
        )
    return points


def _share(catalog: Catalog, share: float) -> Catalog:
    n = round(share * len(catalog.playlists))
    if n < 20:
        raise MusigError(
            f"A share of {share:g} leaves {n} of the {len(catalog.playlists)} playlists of "
            f"{catalog.name}; expected 20 or more: leave it out of shares."
        )
    return replace(catalog, playlists=catalog.playlists.subset(np.arange(n)))


def growth_told(points: Sequence[Point] | None) -> str:
    """Say what was measured, and up to which size.

    Parameters
    ----------
    points : sequence of mapping or None

    Returns
    -------
    str

    Notes
    -----
    Notebook: 15_speed_and_scale

    Examples
    --------
    >>> growth_told(None)
    'nothing was recorded; `python benchmarks/growth.py` measures it'
    """
    finished = [point for point in points or [] if point["stopped"] is None]
    if not finished:
        return "nothing was recorded; `python benchmarks/growth.py` measures it"
    largest = max(finished, key=lambda point: point["playlists"] * point["tracks"])
    stopped = len(points or []) - len(finished)
    return (
        f"{len(finished)} points, the largest of {largest['playlists']:,} playlists and "
        f"{largest['tracks']:,} tracks; {stopped} were stopped at a limit"
    )


def steepest(fitted: pd.DataFrame, axis: str, what: str = "cpu") -> str:
    """Say which step grows fastest along an axis.

    Parameters
    ----------
    fitted : DataFrame
        Of :func:`exponents`.
    axis : str
        One of :data:`AXES`.
    what : {"cpu", "peak_mb"}

    Returns
    -------
    str

    Notes
    -----
    Notebook: 15_speed_and_scale
    """
    rows = fitted[(fitted["axis"] == axis) & (fitted["what"] == what)].dropna(subset=["exponent"])
    if not len(rows):
        return "not measured"
    row = rows.sort_values("exponent").iloc[-1]
    sure = "" if np.isnan(row["low"]) else f" (95 % interval {row['low']:.2f} to {row['high']:.2f})"
    return f"{row['step']}, with an exponent of {row['exponent']:.2f}{sure}"
