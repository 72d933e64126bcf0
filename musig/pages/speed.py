"""What the chapter on speed and scale shows of speed: peers beside ours, and a graphics card.

Conventions
-----------
Measurements are JSON files in ``benchmarks/`` of the repository, recorded by the scripts there;
where one is missing the page says so and how to make it.

Contents
--------
- :func:`recorded`: a file of measurements, or nothing; :func:`origin`: what it tells of itself.
- :func:`peers`, :func:`ratios`, :func:`ratios_told`: speed beside others, on a CPU.
- :func:`roofline`, :func:`aggregation`, :func:`card_times`, :func:`card_bars`, :func:`card_told`,
  :func:`ways_told`: on a GPU.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from musig.errors import MusigError, counted
from musig.pages.style import DASHES, GREY, MARKERS, PALETTE, log_scales, new_axes, nothing, plain

FOLDER = Path(__file__).resolve().parents[2] / "benchmarks"
"""Of the recorded measurements; not there where the package is installed without its repository."""


def recorded(name: str, folder: Path = FOLDER) -> Any:
    """Read a file of measurements.

    Parameters
    ----------
    name : str
        Such as ``growth.json``.
    folder : Path

    Returns
    -------
    object
        What the file holds; None where there is none.

    Raises
    ------
    MusigError
        If the file is not JSON.

    Notes
    -----
    Notebook: 15_speed_and_scale
    """
    path = folder / name
    if not path.is_file():
        return None
    try:
        return json.loads(path.read_text("utf-8"))
    except ValueError as error:
        raise MusigError(
            f"{path} is not JSON ({error}): restore it, or remove it and measure again."
        ) from error


def origin(name: str, folder: Path = FOLDER) -> str:
    """Say where measurements were made, as far as their file tells.

    Parameters
    ----------
    name : str
        As :func:`recorded` takes it.
    folder : Path

    Returns
    -------
    str
        One line; without a file, that nothing was recorded.

    Raises
    ------
    MusigError
        As :func:`recorded`.

    Notes
    -----
    Notebook: 15_speed_and_scale

    Examples
    --------
    >>> origin("nowhere.json")
    'benchmarks/nowhere.json · not recorded'
    """
    found = recorded(name, folder)
    parts = [f"benchmarks/{name}"]
    if not found:
        return f"{parts[0]} · not recorded"
    if isinstance(found, Mapping):  # of a card
        machine = found.get("machine", {})
        parts.append(str(machine.get("name") or machine.get("device") or "no machine in the file"))
        parts += [f"{each} {machine[each]}" for each in ("torch", "cuda") if machine.get(each)]
        return " · ".join([*parts, "no date in the file"])
    parts.append(counted(len(found), "measurement"))
    for key, word in (("threads", "threads"), ("code", "code")):
        known = sorted({one[key] for one in found if key in one})
        if known:
            parts.append(f"{word} {', '.join(map(str, known))}")
    return " · ".join([*parts, "no machine and no date in the file"])


def peers(entries: Sequence[Mapping[str, Any]] | None, threads: int = 1) -> pd.DataFrame:
    """Put measurements beside peers into a table.

    Parameters
    ----------
    entries : sequence of mapping or None
        As ``make bench`` writes them.
    threads : int, > 0
        Which of them.

    Returns
    -------
    DataFrame
        ``no``, ``work``, ``peer``, ``ours``, ``theirs`` (seconds), ``ratio``, ``low``, ``high``
        (its range over the repeats), ``n`` repeats, ``bar`` (NaN where none is set), ``equal``.

    Notes
    -----
    Notebook: 15_speed_and_scale
    """
    columns = ["no", "work", "peer", "ours", "theirs", "ratio", "low", "high", "n", "bar", "equal"]
    rows = [
        {
            **{key: one[key] for key in ("work", "peer", "ours", "theirs", "ratio")},
            "low": one["ratio_range"][0],
            "high": one["ratio_range"][1],
            "n": one["repeats"],
            "bar": float("nan") if one["bar"] is None else one["bar"],
            "equal": {True: "yes", False: "no", None: "nothing to compare"}[one["equal"]],
        }
        for one in entries or []
        if one["threads"] == threads
    ]
    works = {work: n for n, work in enumerate(dict.fromkeys(row["work"] for row in rows), 1)}
    table = pd.DataFrame([{"no": works[row["work"]], **row} for row in rows], columns=columns)
    return table.sort_values("no", kind="stable", ignore_index=True)


def _short(name: str, width: int = 34) -> str:
    """Cut a name that is too long for a label, inside a word where it has to be."""
    return name if len(name) <= width else name[: width - 2].rstrip(" ,(") + " …"


def ratios(table: pd.DataFrame, ax: Axes | None = None) -> tuple[Figure, Axes]:
    """Draw how many times as fast ours is, a row a peer, with the range over the repeats.

    Parameters
    ----------
    table : DataFrame
        Of :func:`peers`.
    ax : Axes, optional
        Where to draw.

    Returns
    -------
    Figure, Axes
        The axis is logarithmic; a bar that was set is an upright stroke.

    Notes
    -----
    Notebook: 15_speed_and_scale
    """
    fig, ax = new_axes(ax, width=4.8, height=max(1.6, 0.9 + 0.26 * len(table)))
    if not len(table):
        return nothing(fig, ax, "nothing was recorded")
    for place, row in enumerate(table.to_dict("records")):
        ax.plot([row["low"], row["high"]], [place] * 2, color=PALETTE[0], linestyle="-", lw=1.5)
        ax.plot(row["ratio"], place, "o", color=PALETTE[0])
        if not math.isnan(row["bar"]):
            ax.plot(row["bar"], place, "|", color=PALETTE[1], markersize=14, markeredgewidth=2)
    labels = [f"{row['no']}  {plain(_short(row['peer']))}" for row in table.to_dict("records")]
    ax.set_yticks(range(len(table)), labels, fontsize=8)
    ax.invert_yaxis()
    ax.axvline(1, color=GREY, linestyle="--", linewidth=1)
    ax.set_xlabel("times as fast as the peer")
    log_scales(ax, "x")
    return fig, ax


def ratios_told(table: pd.DataFrame) -> str:
    """Say how many comparisons there are, and which bars are missed.

    Parameters
    ----------
    table : DataFrame
        Of :func:`peers`.

    Returns
    -------
    str

    Notes
    -----
    Notebook: 15_speed_and_scale

    Examples
    --------
    >>> ratios_told(peers(None))
    'nothing was recorded; make bench measures it'
    """
    if not len(table):
        return "nothing was recorded; make bench measures it"
    barred = table[table["bar"].notna()]
    missed = barred[barred["ratio"] < barred["bar"]]
    slower = int((table["ratio"] < 1).sum())
    told = f"{len(table)} comparisons, {slower} of them lost; {len(barred)} have a bar, and "
    if not len(missed):
        return told + "each is reached"
    rows = (
        f"{row['ratio']:.3g} where {row['bar']:g} is asked for (row {row['no']}, {row['peer']})"
        for row in missed.to_dict("records")
    )
    return told + f"{len(missed)} of those are missed: {'; '.join(rows)}"


def roofline(found: Mapping[str, Any] | None, ax: Axes | None = None) -> tuple[Figure, Axes]:
    """Draw the product of the graph under the roofs of the card that it ran on.

    Parameters
    ----------
    found : mapping or None
        As ``benchmarks/gpu.py`` writes it.
    ax : Axes, optional
        Where to draw.

    Returns
    -------
    Figure, Axes
        Operations a second against operations a byte: the slope is what memory allows, the flat
        parts are what arithmetic allows, each as measured; a marker is a way to make the product.

    Notes
    -----
    Williams, Waterman & Patterson 2009. Bytes are counted once each: the graph, the rows, the
    result.
    Notebook: 15_speed_and_scale
    """
    ways = _ways(found)
    bounds = (found or {}).get("limits", {})
    if not len(ways) or "bytes_a_second" not in bounds:
        return nothing(*new_axes(ax, height=1.2), "not measured")
    fig, ax = new_axes(ax, height=4.2)
    ax.set(xlabel="operations a byte", ylabel="operations a second, billions")
    rate = bounds["bytes_a_second"]
    intensity = ways["operations"] / ways["bytes"]
    x = np.geomspace(intensity.min() / 4, intensity.max() * 16, 100)
    for n, kind in enumerate(("float32", "tf32", "bfloat16")):
        roof = np.minimum(x * rate, bounds[f"operations_a_second_{kind}"]) / 1e9
        ax.plot(x, roof, color=GREY, linestyle=DASHES[n], linewidth=1.2, label=f"roof, {kind}")
    for n, row in enumerate(ways.to_dict("records")):
        at = row["operations"] / row["bytes"]
        ax.plot(
            at,
            row["operations_a_second"] / 1e9,
            MARKERS[n % len(MARKERS)],
            color=PALETTE[n % len(PALETTE)],
            label=plain(row["way"]),
        )
    log_scales(ax, "xy")
    ax.legend(fontsize=8)
    return fig, ax


def aggregation(found: Mapping[str, Any] | None) -> pd.DataFrame:
    """List the ways to make the product of the graph, the fastest first.

    Parameters
    ----------
    found : mapping or None
        As ``benchmarks/gpu.py`` writes it.

    Returns
    -------
    DataFrame
        ``way``, ``milliseconds``, ``of bandwidth``, ``of roofline`` (shares), ``with every row read
        anew`` (share of the bandwidth if a row of numbers is counted for each edge), ``largest
        error``. Empty where nothing was measured.

    Notes
    -----
    Notebook: 15_speed_and_scale
    """
    ways = _ways(found)
    if not len(ways):
        return pd.DataFrame()
    shown = pd.DataFrame(
        {
            "way": ways["way"],
            "milliseconds": 1000 * ways["seconds"],
            "of bandwidth": ways["share_of_bandwidth"],
            "of roofline": ways["share_of_roofline"],
            "with every row read anew": ways["share_of_bandwidth_so_counted"].astype(float),
            "largest error": ways["largest_error"],
        }
    )
    return shown.sort_values("milliseconds", ignore_index=True)


def _ways(found: Mapping[str, Any] | None) -> pd.DataFrame:
    """Every way to make the product that did not fail."""
    ways = (found or {}).get("aggregation", {}).get("ways", {})
    return pd.DataFrame([{"way": name, **one} for name, one in ways.items() if "seconds" in one])


def card_times(found: Mapping[str, Any] | None) -> pd.DataFrame:
    """List what an epoch over all pairs takes, and a whole training.

    Parameters
    ----------
    found : mapping or None
        As ``benchmarks/gpu.py`` writes it.

    Returns
    -------
    DataFrame
        ``what``, ``way``, ``seconds``; a way that failed has its error instead in ``remark``. Empty
        where nothing was measured.

    Notes
    -----
    Notebook: 15_speed_and_scale
    """
    found = found or {}
    parts = {
        "an epoch over all pairs": found.get("pairs", {}).get("ways", {}),
        "a whole training": found.get("training", {}),
        "a whole training, with files": found.get("train", {}),
    }
    rows = [
        {
            "what": what,
            "way": name,
            "seconds": one.get("seconds", float("nan")),
            "remark": one.get("error"),
        }
        for what, ways in parts.items()
        for name, one in ways.items()
        if isinstance(one, Mapping)
    ]
    return pd.DataFrame(rows, columns=["what", "way", "seconds", "remark"])


def card_bars(found: Mapping[str, Any] | None) -> pd.DataFrame:
    """List the bars for a card, with what was measured.

    Parameters
    ----------
    found : mapping or None
        As ``benchmarks/gpu.py`` writes it.

    Returns
    -------
    DataFrame
        ``what``, ``measured``, ``asked for``, ``state`` (reached, missed or not judged). Empty
        where nothing was measured.

    Notes
    -----
    Notebook: 15_speed_and_scale
    """
    state = {True: "reached", False: "missed", None: "not judged"}
    return pd.DataFrame(
        [
            {
                "what": row["what"],
                "measured": "–" if row["value"] is None else format(row["value"], ".3g"),
                "asked for": f"{row['side']} {row['bar']:g}",
                "state": state[row["met"]],
            }
            for row in (found or {}).get("bars", [])
        ],
        columns=["what", "measured", "asked for", "state"],
    )


def card_told(found: Mapping[str, Any] | None) -> str:
    """Say which card it was, and how many bars were reached.

    Parameters
    ----------
    found : mapping or None
        As ``benchmarks/gpu.py`` writes it.

    Returns
    -------
    str

    Notes
    -----
    Notebook: 15_speed_and_scale

    Examples
    --------
    >>> card_told(None)
    'no GPU was at hand, so nothing is measured here'
    """
    if not found:
        return "no GPU was at hand, so nothing is measured here"
    machine = found.get("machine", {})
    where = machine.get("name") or "a CPU, which shows that the script works and nothing else"
    told = f"measured on {where}, with {found.get('edges', 0):,} edges"
    bars = card_bars(found)
    counts = bars["state"].value_counts()
    kinds = [f"{counts[kind]} {kind}" for kind in ("reached", "missed", "not judged")
             if kind in counts]  # fmt: skip
    return f"{told}; of {len(bars)} bars {', '.join(kinds)}" if kinds else told


def ways_told(found: Mapping[str, Any] | None) -> str:
    """Say which way to make the product was the fastest, what bfloat16 gains, where a host waits.

    Parameters
    ----------
    found : mapping or None
        As ``benchmarks/gpu.py`` writes it.

    Returns
    -------
    str
        Without a full stop.

    Notes
    -----
    Notebook: 15_speed_and_scale

    Examples
    --------
    >>> ways_told(None)
    'nothing was measured'
    """
    found, ways = found or {}, aggregation(found)
    took = dict(zip(ways.get("way", ()), ways.get("milliseconds", ()), strict=True))
    forward = [way for way in took if "gradient" not in way]
    told = []
    if "sparse float32" in forward:
        gain = took["sparse float32"] / took[forward[0]]
        told.append(
            f"the fastest product is {forward[0]}, {gain:.1f} times as fast as sparse float32"
        )
    trained = found.get("training", {})
    if all("seconds" in trained.get(kind, {}) for kind in ("float32", "bfloat16")):
        share = trained["bfloat16"]["seconds"] / trained["float32"]["seconds"]
        told.append(f"a whole training in bfloat16 takes {share:.2f} times what float32 takes")
    trips = found.get("round_trips", {})
    if trips.get("waits_of_an_epoch"):
        steps = trips["steps_an_epoch"]
        each = [line for line, times in trips["waits"].items() if times >= steps]
        where = f", in each of {steps} steps at {' and '.join(each)}" if each else ""
        told.append(f"the host waits {trips['waits_of_an_epoch']} times in an epoch{where}")
    return "; ".join(told) or "nothing was measured"
