"""Figures of task weights: triangles of mixtures, and what one measure costs another.

Three weights that add up to one are a point of a triangle: at a corner one task alone, on an edge
two of them, in the middle all three alike.

Conventions
-----------
Weights are of co-occurrence, similarity and genre, in this order; only their proportions place a
point. Rows are named as :func:`musig.experiments.plans.point_name` names them.

Contents
--------
- :func:`place`: where a mixture is drawn; :func:`weights_of`: the weights in a row's name.
- :func:`triangles`: one triangle a measure; :func:`tradeoff`: two measures against each other.
- :func:`measured`, :func:`differences`, :func:`beating`: what probes found; tests against a row.
- :func:`paths`: how weights were learned; :func:`learned`: where they ended.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from musig.experiments.cells import CellResult
from musig.pages.groups import NO_TEST
from musig.pages.style import DASHES, GREY, MARKERS, PALETTE, WIDTH, new_axes, plain

TASKS = ("co-occurrence", "similarity", "genre")
CORNERS = np.array([[0.5, 3**0.5 / 2], [0.0, 0.0], [1.0, 0.0]])
"""Where each task alone is drawn: co-occurrence on top."""


def place(weights: Sequence[float]) -> np.ndarray:
    """Say where a mixture of tasks is drawn.

    Parameters
    ----------
    weights : sequence of float, >= 0
        Three, not all zero.

    Returns
    -------
    ndarray of float, shape (2,)
        In a triangle with sides of length 1.

    Notes
    -----
    Notebook: 09_task_weights

    Examples
    --------
    >>> place((1, 0, 0)).round(3).tolist(), place((0, 2, 2)).tolist()
    ([0.5, 0.866], [0.5, 0.0])
    """
    given = np.asarray(weights, dtype=float)
    return given / given.sum() @ CORNERS


def weights_of(row: str) -> tuple[float, ...] | None:
    """Read the weights in the name of a row.

    Parameters
    ----------
    row : str

    Returns
    -------
    tuple of float or None
        None where the name is no point, such as ``surgery``.

    Notes
    -----
    Notebook: 09_task_weights

    Examples
    --------
    >>> weights_of("0.67-0.17-0.17"), weights_of("surgery")
    ((0.67, 0.17, 0.17), None)
    """
    try:
        weights = tuple(map(float, row.split("-")))
    except ValueError:
        return None
    return weights if len(weights) == 3 else None


def triangles(
    values: Mapping[str, pd.Series],
    *,
    lower: Sequence[str] = (),
    others: Mapping[str, Sequence[float]] | None = None,
) -> tuple[Figure, np.ndarray]:
    """Draw a triangle a measure: a dot a mixture, its colour and the number beside it the value.

    Parameters
    ----------
    values : mapping of str to Series
        At most three measures; the index of each is names of rows, of which those that are points
        are drawn. NaN is drawn as a hollow dot without a number.
    lower : sequence of str
        Measures of which less is better: their colours are turned round, dark is good everywhere.
    others : mapping of str to weights, optional
        Where rows whose name is no point are drawn, such as a default: as diamonds, without number.

    Returns
    -------
    Figure, ndarray of Axes, shape (4,)
        The last says what the corners are. The best value of a triangle has a ring.

    Notes
    -----
    Notebook: 09_task_weights

    Examples
    --------
    >>> fig, axes = triangles({"recall": pd.Series({"1.00-0.00-0.00": 0.25})})
    >>> [text.get_text() for text in axes[0].texts]
    ['.250']
    """
    fig, grid = plt.subplots(2, 2, figsize=(WIDTH, 5.6))
    axes = grid.ravel()
    for ax, (name, series) in zip(axes, values.items(), strict=False):
        points = {
            row: place(at)
            for row in series.index
            if (at := weights_of(row) or (others or {}).get(row)) is not None
        }
        _triangle(ax)
        ax.set_title(plain(name), pad=12)
        _mixtures(ax, series, points, name in lower)
    for ax in axes[len(values) :]:
        ax.set_axis_off()
    _key(axes[-1])
    return fig, axes


def _triangle(ax: Axes) -> None:
    ring = CORNERS[[0, 1, 2, 0]]
    ax.plot(ring[:, 0], ring[:, 1], color=GREY, linestyle=DASHES[0], linewidth=1, zorder=1)
    ax.set(xlim=(-0.17, 1.17), ylim=(-0.22, 1.0), aspect="equal")
    ax.axis("off")


def _mixtures(ax: Axes, series: pd.Series, points: Mapping[str, np.ndarray], less: bool) -> None:
    numbers = series.reindex(list(points)).astype(float)
    known = numbers.dropna()
    if known.empty:
        ax.text(0.5, 0.25, "no result", ha="center", color=GREY)
    low, high = (float(known.min()), float(known.max())) if len(known) else (0.0, 1.0)
    spread = Normalize(low, high)
    best = None if known.empty else known.idxmin() if less else known.idxmax()
    for row, (x, y) in points.items():
        value = numbers[row]
        named = weights_of(row) is None
        marker, size = ("D", 6) if named else ("o", 11)
        if pd.isna(value):
            ax.plot(x, y, marker, color=GREY, markerfacecolor="white", markersize=size, zorder=3)
            continue
        share = float(spread(value)) if high > low else float(not less)
        colour = plt.get_cmap("cividis_r")(1 - share if less else share)
        ax.plot(x, y, marker, color=colour, markeredgecolor=GREY, markersize=size, zorder=3)
        if row == best and len(known) > 1:
            ax.plot(x, y, "o", color="none", markeredgecolor=PALETTE[1], mew=2, ms=16, zorder=2)
        if not named:
            text = f"{value:.3f}".removeprefix("0")
            at, side, height = (x, y - 0.08), "center", "top"
            if y > 0:  # beside, where others may lie below
                left = x < 0.49
                at, height = (x - 0.075 if left else x + 0.075, y), "center"
                side = "right" if left else "left"
            paper = {"facecolor": "white", "edgecolor": "none", "pad": 0.5, "alpha": 0.8}
            ax.text(*at, text, ha=side, va=height, fontsize=9, zorder=4, bbox=paper)


def _key(ax: Axes) -> None:
    """Say what the corners are, and how to read a dot."""
    _triangle(ax)
    ax.set_visible(True)
    for (x, y), name in zip(CORNERS, TASKS, strict=True):
        low = y == 0
        ax.text(x, y + (-0.06 if low else 0.04), name, ha="center", va="top" if low else "bottom")
    ax.plot(0.5, 0.5, "o", color="none", markeredgecolor=PALETTE[1], mew=2, ms=16)
    ax.text(0.5, 0.38, "ring: highest or,\nof errors, lowest", ha="center", va="top", fontsize=9)
    ax.text(0.5, 0.14, "dark: good", ha="center", va="top", fontsize=9)


def measured(held: pd.DataFrame, measures: Mapping[str, str]) -> pd.DataFrame:
    r"""Put rows one under the other, with what probes found and the trivial answer.

    Parameters
    ----------
    held : DataFrame
        From :func:`musig.experiments.tables.held_out`.
    measures : mapping of str to str
        Measure to the one that is its trivial answer.

    Returns
    -------
    DataFrame
        ``row``, then one column a measure: mean and interval, without one where there is none. The
        last row is the trivial answer, where there is any.

    Notes
    -----
    Notebook: 09_task_weights

    Examples
    --------
    >>> given = pd.DataFrame({"method": ["a", "a"], "measure": ["f1", "f1_frequent"],
    ...                       "mean": [0.5, 0.1], "low": [0.4, np.nan], "high": [0.6, np.nan]})
    >>> measured(given, {"f1": "f1_frequent"}).to_numpy().tolist()
    [['a', '0.500 [0.400,\xa00.600]'], ['trivial answer', '0.100']]
    """
    rows = list(dict.fromkeys(held["method"]))
    lines: list[dict[str, str | None]] = [{"row": row, **dict.fromkeys(measures)} for row in rows]
    for line in held[held["measure"].isin(measures)].to_dict("records"):
        text = f"{line['mean']:.3f}"
        if not pd.isna(line["low"]):
            text += f" [{line['low']:.3f},\u00a0{line['high']:.3f}]"
        lines[rows.index(line["method"])][line["measure"]] = text
    means = held.groupby("measure")["mean"].mean()
    trivial = {
        measure: f"{means[answer]:.3f}" for measure, answer in measures.items() if answer in means
    }
    if trivial:
        lines.append({"row": "trivial answer", **dict.fromkeys(measures), **trivial})
    return pd.DataFrame(lines, columns=["row", *measures])


def differences(tests: pd.DataFrame, metrics: Sequence[str]) -> pd.DataFrame:
    r"""Put tests against one row one under the other.

    Parameters
    ----------
    tests : DataFrame
        From :func:`musig.experiments.tables.tests`, with a reference.
    metrics : sequence of str

    Returns
    -------
    DataFrame
        ``row``, then one column a metric: the difference to the reference, its interval, and
        "better", "worse" or "not sure" after correction.

    Notes
    -----
    Notebook: 09_task_weights
    """
    rows = list(dict.fromkeys(tests["method"]))
    lines: list[dict[str, str | None]] = [{"row": row, **dict.fromkeys(metrics)} for row in rows]
    for line in tests[tests["metric"].isin(metrics)].to_dict("records"):
        lines[rows.index(line["method"])][line["metric"]] = (
            f"{line['difference']:+.3f} [{line['low']:+.3f},\u00a0{line['high']:+.3f}]"
            f" {line['verdict'] or 'not sure'}"
        )
    return pd.DataFrame(lines, columns=["row", *metrics])


def beating(tests: pd.DataFrame, metric: str) -> str:
    """Say which rows are better than the reference, which worse, and how many are not sure.

    Parameters
    ----------
    tests : DataFrame
        From :func:`musig.experiments.tables.tests`, with a reference.
    metric : str

    Returns
    -------
    str
        Without a full stop; :data:`musig.pages.groups.NO_TEST` where there is none.

    Notes
    -----
    Notebook: 09_task_weights

    Examples
    --------
    >>> given = pd.DataFrame({"metric": "mrr", "method": ["a", "b"], "verdict": ["worse", ""]})
    >>> beating(given, "mrr"), beating(given, "ndcg@10")
    ('better none, worse a, not sure 1', 'no test yet')
    """
    of_metric = tests[tests["metric"] == metric]
    if of_metric.empty:
        return NO_TEST
    named = {
        verdict: ", ".join(of_metric[of_metric["verdict"] == verdict]["method"]) or "none"
        for verdict in ("better", "worse")
    }
    unsure = int((of_metric["verdict"] == "").sum())
    return f"better {named['better']}, worse {named['worse']}, not sure {unsure}"


def tradeoff(
    table: pd.DataFrame, ax: Axes | None = None, *, xlabel: str, ylabel: str
) -> tuple[Figure, Axes]:
    """Draw rows by two measures, a letter each: what one costs of the other.

    Parameters
    ----------
    table : DataFrame
        The index names the rows; columns ``letter``, ``x, x_low, x_high`` and ``y, y_low, y_high``
        (NaN for no interval). Rows with a NaN in ``x`` or ``y`` are left out.
    ax : Axes, optional
        Where to draw.
    xlabel, ylabel : str

    Returns
    -------
    Figure, Axes
        Points of the simplex are circles, other rows have markers of their own and are named
        in the legend.

    Notes
    -----
    Notebook: 09_task_weights
    """
    fig, ax = new_axes(ax, height=4.2)
    ax.set(xlabel=xlabel, ylabel=ylabel)
    known = table.dropna(subset=["x", "y"])
    if known.empty:
        ax.text(0.5, 0.5, "no result", ha="center", color=GREY, transform=ax.transAxes)
        ax.set(xticks=[], yticks=[])
        return fig, ax
    others = [row for row in known.index if weights_of(str(row)) is None]
    told = False
    for name, row in known.iterrows():
        n = others.index(name) + 1 if name in others else 0
        colour, marker = PALETTE[n % len(PALETTE)], MARKERS[n % len(MARKERS)]
        spans = [
            None if row[[low, high]].isna().any() else [[row[at] - row[low]], [row[high] - row[at]]]
            for at, low, high in (("x", "x_low", "x_high"), ("y", "y_low", "y_high"))
        ]
        ax.errorbar(
            row["x"], row["y"], xerr=spans[0], yerr=spans[1], color=colour, linestyle="none",
            linewidth=1, alpha=0.6,
        )  # fmt: skip
        label = None if told else "points of the simplex"
        told = told or n == 0
        if n:
            label = f"{row['letter']} {plain(name)}"
        else:
            ax.annotate(row["letter"], (row["x"], row["y"]), (6, 5), textcoords="offset points")
        ax.plot(row["x"], row["y"], marker, color=colour, markersize=7, label=label)
    if others:
        ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.16), ncols=3, fontsize=9)
    ax.margins(0.1)
    return fig, ax


def paths(history: pd.DataFrame, start: Mapping[str, float]) -> pd.DataFrame:
    """Give the share of each task in the weights, epoch by epoch.

    Parameters
    ----------
    history : DataFrame
        Of a training with learned weights: ``epoch`` and one column ``weight_TASK`` a task.
    start : mapping of str to float
        Task to the weight it began with.

    Returns
    -------
    DataFrame
        Index ``epoch``, from 0; one column a task; rows add up to 1. Empty where no weight was
        learned.

    Notes
    -----
    Notebook: 09_task_weights

    Examples
    --------
    >>> told = pd.DataFrame({"epoch": [1], "weight_genre": [3.0], "weight_similarity": [1.0]})
    >>> paths(told, {"genre": 1.0, "similarity": 1.0}).to_numpy().tolist()
    [[0.5, 0.5], [0.75, 0.25]]
    """
    prefix = "weight_"
    tasks = [name.removeprefix(prefix) for name in history.columns if name.startswith(prefix)]
    if not tasks:
        return pd.DataFrame()
    table = history.set_index("epoch")[[prefix + task for task in tasks]]
    table.columns = pd.Index(tasks)
    first = pd.DataFrame([[start[task] for task in tasks]], columns=tasks, index=[0])
    table = pd.concat([first, table])
    table.index.name = "epoch"
    return table.div(table.sum(axis=1), axis=0)


def learned(results: Iterable[CellResult], row: str = "uncertainty") -> tuple[float, ...] | None:
    """Give the weights with which trainings ended, averaged over trainings.

    Parameters
    ----------
    results : iterable of CellResult
    row : str

    Returns
    -------
    tuple of float or None
        Of co-occurrence, similarity and genre, adding up to 1; 0 for a task that was left out. None
        where nothing was learned.

    Notes
    -----
    Notebook: 09_task_weights
    """
    names = [f"weight_{task}" for task in ("cooccurrence", "similarity", "genre")]
    ends = [
        [float(told.get(name, 0)) for name in names]
        for result in results
        if result.cell.row == row and (told := result.measures.get("balance") or {})
    ]
    ends = [end for end in ends if sum(end) > 0]
    if not ends:
        return None
    shares = np.array(ends) / np.sum(ends, axis=1, keepdims=True)
    return tuple(map(float, shares.mean(axis=0)))
