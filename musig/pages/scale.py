"""What the chapter on speed and scale shows of growth, and of sizes beyond what was measured.

Conventions
-----------
Points of growth are those of :mod:`musig.scaling`, recorded by ``benchmarks/growth.py``, or made of
a catalogue at hand. What is reckoned is written to two digits: over so far a way there is no third.

Contents
--------
- :func:`points_table`: what was measured.
- :func:`exponents`, :func:`side_by_side`, :func:`growth`: how steps grow.
- :func:`own`: the growth of a catalogue at hand.
- :func:`growth_told`, :func:`steepest`: the same in sentences.
- :func:`whole_table`, :func:`whole_told`: one large size from tables to metrics.
- :func:`limits_shown`, :func:`limits_told`: where one machine ends.
- :func:`scaled_shown`, :func:`scaled_told`, :func:`spark_told`: beyond it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from musig.catalog import Catalog
from musig.errors import MusigError, counted
from musig.growth import STEPS, measure
from musig.pages.style import DASHES, MARKERS, PALETTE, log_scales, nothing
from musig.pages.tables import percent
from musig.scaling import AXES, SPARK, Point, along, power_law

LABELS = dict(zip(AXES, ("playlists, with tracks in proportion", *AXES[1:]), strict=True))
LABELS["embedding_size"] = "embedding size"
"""How an axis is labelled."""
WORDS = {"cpu": "CPU seconds", "peak_mb": "peak memory, MB"}


def points_table(points: Sequence[Point] | None) -> pd.DataFrame:
    """List every point of growth: its size, what it held, and how it ended.

    Parameters
    ----------
    points : sequence of mapping or None

    Returns
    -------
    DataFrame
        Sorted by size, with the mean number of a track's neighbours, the sum of the steps' CPU
        seconds and the largest peak.

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
                "neighbours": 2 * point.get("edges", float("nan")) / point.get("universe", 1),
                "CPU, s": sum(each["cpu"] for each in spent),
                "peak, MB": max(peaks, default=float("nan")),
                "end": end,
            }
        )
    table = pd.DataFrame(rows, columns=[*sizes, "neighbours", "CPU, s", "peak, MB", "end"])
    return table.sort_values(sizes[:5], ignore_index=True)


def _size(axis: str) -> str:
    return "playlists" if axis == "both" else axis


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
        ``n`` points.

    Notes
    -----
    Notebook: 15_speed_and_scale
    """
    rows = []
    for axis in AXES:
        chosen = along(points, axis)
        sizes = [point[_size(axis)] for point in chosen]
        for step in STEPS:
            for what in WORDS:
                law = power_law(sizes, _values(chosen, step, what))
                found = {"exponent": law.exponent, "low": law.low, "high": law.high, "n": law.n}
                rows.append({"axis": axis, "step": step, "what": what, **found})
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
            cell = f"{row['exponent']:z.2f}"
            if not math.isnan(row["low"]):
                cell += f" [{row['low']:z.2f},\u00a0{row['high']:z.2f}]"
        rows[row["step"]][LABELS[row["axis"]]] = cell
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
    chosen = along(points, axis)
    x = np.array([point[_size(axis)] for point in chosen], dtype=float)
    there = [
        what
        for what in WORDS
        if any(value > 0 for step in STEPS for value in _values(chosen, step, what))
    ] or ["cpu"]
    fig, axes = plt.subplots(len(there), 1, figsize=(5.6, 3.8 * len(there)), squeeze=False)
    for ax, what in zip(axes.flat, there, strict=True):
        ax.set(xlabel=LABELS[axis], ylabel=WORDS[what])
        drawn = False
        for n, step in enumerate(STEPS):
            y = np.array(_values(chosen, step, what))
            known = y > 0
            if not known.any():
                continue
            drawn = True
            law = power_law(x.tolist(), y.tolist())
            name = step if math.isnan(law.exponent) else f"{step} ({law.exponent:z.2f})"
            ax.plot(x[known], y[known], MARKERS[n], color=PALETTE[n], label=name)
            line = [law.at(size) for size in x[known]]
            ax.plot(x[known], line, color=PALETTE[n], linestyle=DASHES[n], linewidth=1.2)
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
    'nothing was recorded; python benchmarks/growth.py measures it'
    """
    finished = [point for point in points or [] if point["stopped"] is None]
    if not finished:
        return "nothing was recorded; python benchmarks/growth.py measures it"
    largest = max(finished, key=lambda point: point["playlists"] * point["tracks"])
    stopped = len(points or []) - len(finished)
    versions = len({point.get("code") for point in points or []})
    return (
        f"{len(finished)} points, the largest of {largest['playlists']:,} playlists and "
        f"{largest['tracks']:,} tracks; {stopped} were stopped at a limit"
        + (f"; they are of {versions} versions of the code" if versions > 1 else "")
    )


def steepest(fitted: pd.DataFrame, axis: str, what: str = "cpu") -> str:
    """Say which step grows fastest along an axis.

    Parameters
    ----------
    fitted : DataFrame
        Of :func:`exponents`.
    axis : str
        One of :data:`musig.scaling.AXES`.
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
    ends = f" (95 % interval {row['low']:z.2f} to {row['high']:z.2f})"
    sure = "" if math.isnan(row["low"]) else ends
    return f"{row['step']}, with an exponent of {row['exponent']:z.2f}{sure}"


def whole_table(runs: Sequence[Mapping[str, Any]] | None) -> pd.DataFrame:
    """List the parts of the largest whole run: a process a step, from tables to metrics.

    Parameters
    ----------
    runs : sequence of mapping or None
        As ``benchmarks/whole.py`` writes them.

    Returns
    -------
    DataFrame
        ``step``, ``part``, ``CPU minutes``, ``minutes``, ``peak, GB`` of the process so far in this
        part. Empty where nothing was recorded.

    Notes
    -----
    Notebook: 15_speed_and_scale
    """
    return pd.DataFrame(
        [
            {
                "step": step,
                "part": part,
                "CPU minutes": each["cpu"] / 60,
                "minutes": each["wall"] / 60,
                "peak, GB": math.nan if each["peak_mb"] is None else each["peak_mb"] / 1000,
            }
            for step, parts in _largest(runs).get("steps", {}).items()
            for part, each in parts.items()
        ]
    )


def whole_told(runs: Sequence[Mapping[str, Any]] | None) -> str:
    """Say of the largest whole run whether it came to its end, and with how much.

    Parameters
    ----------
    runs : sequence of mapping or None

    Returns
    -------
    str

    Notes
    -----
    Notebook: 15_speed_and_scale

    Examples
    --------
    >>> whole_told(None)
    'not measured; python benchmarks/whole.py does'
    """
    run, table = _largest(runs), whole_table(runs)
    if not len(table):
        return "not measured; python benchmarks/whole.py does"
    size = f"{run['playlists']:,} playlists over {run['tracks']:,} tracks"
    if run["stopped"]:
        return f"{size} were stopped by {run['stopped']}, at a limit of {run['gigabytes']:g} GiB"
    heaviest = table.sort_values("peak, GB").iloc[-1]
    peak = (
        f", at most {heaviest['peak, GB']:.2g} GB of memory ({heaviest['step']}: "
        f"{heaviest['part']}) of the {run['gigabytes'] * 2**30 / 1e9:.2g} that were allowed"
    )
    return (
        f"{size}, {run['entries']:,} entries and {run['edges']:,} edges, were made, built, trained "
        f"on for {counted(run['epochs'], 'epoch')} and evaluated in "
        f"{table['CPU minutes'].sum() / 60:.2g} CPU hours"
        f"{peak if table['peak, GB'].notna().all() else ''}"
    )


def _largest(runs: Sequence[Mapping[str, Any]] | None) -> Mapping[str, Any]:
    return max(runs or [{}], key=lambda run: run.get("playlists", 0))


def limits_shown(table: pd.DataFrame) -> pd.DataFrame:
    """Write where one machine ends as it is read.

    Parameters
    ----------
    table : DataFrame
        Of :func:`musig.scaling.limits`, perhaps several below each other, with a column
        ``min_weight``.

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
        Of :func:`musig.scaling.limits`.
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


def scaled_shown(table: pd.DataFrame) -> pd.DataFrame:
    """Write a reckoning as it is read: a row a step, numbers from the low to the high end.

    Parameters
    ----------
    table : DataFrame
        Of :func:`musig.scaling.scaled`.

    Returns
    -------
    DataFrame

    Notes
    -----
    Notebook: 15_speed_and_scale
    """
    return pd.DataFrame(
        [
            {
                "step": row["step"],
                "GiB": _ranged(row["gib_low"], row["gib_high"]),
                "CPU hours": _ranged(row["hours_low"], row["hours_high"]),
                "nodes": row["nodes"],
                "price": _ranged(row["cost_low"], row["cost_high"]),
            }
            for row in table.to_dict("records")
        ]
    )


def scaled_told(table: pd.DataFrame) -> dict[str, str]:
    """Say what all steps together would take.

    Parameters
    ----------
    table : DataFrame
        Of :func:`musig.scaling.scaled`.

    Returns
    -------
    dict of str to str
        ``total``, the graph by Spark where that was measured; ``longest`` and ``largest``, the
        steps with the most time and memory; ``worst``, how far the fits are from what was measured.

    Notes
    -----
    Notebook: 15_speed_and_scale

    Examples
    --------
    >>> scaled_told(pd.DataFrame())["total"]
    'too few points were recorded to say'
    """
    if not len(table):
        keys = ("total", "longest", "largest", "worst")
        return dict.fromkeys(keys, "too few points were recorded to say")
    once = table[table["step"] != "graph"] if SPARK in set(table["step"]) else table
    total = once.sum(numeric_only=True)
    longest = once.sort_values("hours_high", na_position="first").iloc[-1]
    largest = table.sort_values("gib_high", na_position="first").iloc[-1]
    gib = f"{largest['step']}, {_ranged(largest['gib_low'], largest['gib_high'])} GiB"
    return {
        "total": f"{_ranged(total['hours_low'], total['hours_high'])} CPU hours, at a price of "
        f"{_ranged(total['cost_low'], total['cost_high'])}, on up to "
        f"{once['nodes'].max():,.0f} nodes",
        "longest": f"{longest['step']}, {percent(longest['hours_high'] / total['hours_high'])} "
        "at the high end",
        "largest": "not measured" if math.isnan(largest["gib_high"]) else gib,
        "worst": percent(table["worst"].max()),
    }


def spark_told(points: Sequence[Point] | None, spark: Sequence[Point] | None) -> str:
    """Say how long Spark took to count the graphs that our kernel counted.

    Parameters
    ----------
    points, spark : sequence of mapping or None
        As recorded.

    Returns
    -------
    str

    Notes
    -----
    Notebook: 15_speed_and_scale

    Examples
    --------
    >>> spark_told(None, None)
    'not measured; python benchmarks/growth.py --spark does'
    """
    sizes = ("playlists", "tracks", "min_weight")
    spent: list[dict[Any, float]] = [
        {
            tuple(point[size] for size in sizes): point["measured"][step]["cpu"]
            for point in each or []
            if step in point["measured"]
        }
        for each, step in ((points, "graph"), (spark, SPARK))
    ]
    ours, theirs = spent
    times = [theirs[size] / ours[size] for size in theirs if size in ours]
    if not times:
        return "not measured; python benchmarks/growth.py --spark does"
    return f"{_ranged(min(times), max(times))} times the CPU seconds of our own kernel"


def _ranged(low: float, high: float) -> str | None:
    """Write both ends, or one where they are the same; None where they are not known."""
    if math.isnan(high):
        return None
    ends = _rounded(low), _rounded(high)
    return ends[0] if ends[0] == ends[1] else " to ".join(ends)


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
