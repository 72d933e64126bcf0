"""Figures of numbers: lines, ranks, distributions.

Conventions
-----------
Every function takes the data first and ``ax=None``, draws on new axes where none are given, and
returns ``(figure, axes)``. It only draws: no number that is reported is computed here. The look is
that of :mod:`musig.pages.style`.

Contents
--------
- :func:`curves`: one line a column; :func:`survival`: how many values are at least so large;
  :func:`rank_curve`: sorted counts.
- :func:`histogram`: how values spread; :func:`histograms`: the same for nine columns.
- :func:`style`: see :mod:`musig.pages.style`.

Figures of named things are in :mod:`musig.pages.charts`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from musig.pages.style import (
    DASHES,
    GREY,
    HEIGHT,
    MARKERS,
    PALETTE,
    WIDTH,
    log_scales,
    new_axes,
    nothing,
    plain,
    style,
)

__all__ = ["curves", "histogram", "histograms", "rank_curve", "style", "survival"]


def curves(
    table: pd.DataFrame,
    ax: Axes | None = None,
    *,
    ylabel: str = "",
    percent: bool = False,
    log: str = "",
) -> tuple[Figure, Axes]:
    """Draw one line a column, told apart by colour, dash and marker.

    Parameters
    ----------
    table : DataFrame
        The index is the horizontal axis and its name the label; columns name the lines.
    ax : Axes, optional
        Where to draw.
    ylabel : str
        Label of the vertical axis.
    percent : bool
        Whether values in [0, 1] are written as percentages, on an axis that begins at 0.
    log : str, one of "", "x", "y", "xy"
        Which axes are logarithmic.

    Returns
    -------
    Figure, Axes

    Notes
    -----
    Notebook: 01_catalog

    Examples
    --------
    >>> table = pd.DataFrame({"kept": [1.0, 0.4]}, index=pd.Index([0, 1], name="weight above"))
    >>> fig, ax = curves(table, ylabel="share", percent=True)
    >>> len(ax.lines), ax.get_xlabel()
    (1, 'weight above')
    """
    fig, ax = new_axes(ax)
    ax.set(xlabel=plain(table.index.name or ""), ylabel=ylabel)
    if not np.isfinite(table.to_numpy(dtype=float)).any():
        return nothing(fig, ax)
    every = max(1, len(table) // 8)  # a few markers tell lines apart; many hide them
    for n, column in enumerate(table.columns):
        ax.plot(
            table.index.to_numpy(),
            table[column].to_numpy(dtype=float),
            color=PALETTE[n % len(PALETTE)],
            linestyle=DASHES[n % len(DASHES)],
            marker=MARKERS[n % len(MARKERS)],
            markevery=(min(n * every // 4, max(0, len(table) - 1)), every),
            label=plain(column),
        )
    if percent:
        ax.set_ylim(bottom=0)
        ax.yaxis.set_major_formatter(PercentFormatter(1, symbol=" %"))
    log_scales(ax, log)
    if "x" not in log and pd.api.types.is_integer_dtype(table.index.dtype):
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    if len(table.columns) > 1:
        ax.legend()
    return fig, ax


def survival(
    samples: Mapping[str, np.ndarray], ax: Axes | None = None, *, xlabel: str, ylabel: str
) -> tuple[Figure, Axes]:
    """Draw, for each value, how many are at least as large; both axes are logarithmic.

    Parameters
    ----------
    samples : mapping of str to ndarray, shape (n,)
        Names and values; values that are not positive are counted but cannot be drawn.
    ax : Axes, optional
        Where to draw.
    xlabel, ylabel : str
        Labels.

    Returns
    -------
    Figure, Axes

    Notes
    -----
    Needs no bins, so a long tail shows without noise.
    Notebook: 04_music_graph

    Examples
    --------
    >>> fig, ax = survival({"graph": np.array([1, 1, 2, 4])}, xlabel="weight", ylabel="edges")
    >>> ax.lines[0].get_ydata().tolist()
    [4, 2, 1]
    """
    fig, ax = new_axes(ax)
    for n, (name, values) in enumerate(samples.items()):
        x, counts = np.unique(np.asarray(values), return_counts=True)
        at_least = counts[::-1].cumsum()[::-1]
        positive = x > 0
        ax.plot(
            x[positive],
            at_least[positive],
            color=PALETTE[n % len(PALETTE)],
            linestyle=DASHES[n % len(DASHES)],
            marker=MARKERS[n % len(MARKERS)],
            markevery=0.12,
            label=plain(name),
        )
    ax.set(xlabel=xlabel, ylabel=ylabel)
    log_scales(ax, "xy")
    if len(samples) > 1:
        ax.legend()
    return fig, ax


def rank_curve(
    counts: np.ndarray, ax: Axes | None = None, *, threshold: float | None = None
) -> tuple[Figure, Axes]:
    """Draw counts from the largest to the smallest, on logarithmic axes.

    Parameters
    ----------
    counts : ndarray of int, shape (n,)
        Such as the number of playlists that hold each track; zeros are left out.
    ax : Axes, optional
        Where to draw.
    threshold : float, optional
        A height to mark by a dashed line.

    Returns
    -------
    Figure, Axes

    Notes
    -----
    A straight line is Zipf's law.
    Notebook: 01_catalog

    Examples
    --------
    >>> fig, ax = rank_curve(np.array([0, 1, 5, 2]))
    >>> ax.lines[0].get_ydata().tolist()
    [5, 2, 1]
    """
    fig, ax = new_axes(ax)
    ordered = np.sort(counts[counts > 0])[::-1]
    ax.plot(np.arange(1, len(ordered) + 1), ordered, color=PALETTE[0])
    ax.set(xlabel="track, by rank", ylabel="playlists that hold it")
    log_scales(ax, "xy")
    if threshold is not None:
        ax.axhline(threshold, color=PALETTE[1], linestyle=DASHES[1])
        ax.annotate(
            f"{threshold:g} playlists",
            (1, threshold),
            (2, 4),
            textcoords="offset points",
            color=PALETTE[1],
        )
    return fig, ax


def histogram(
    values: np.ndarray, ax: Axes | None = None, *, xlabel: str, ylabel: str, log: bool = False
) -> tuple[Figure, Axes]:
    """Draw how values spread, and mark their median.

    Parameters
    ----------
    values : ndarray, shape (n,)
        NaN is left out.
    ax : Axes, optional
        Where to draw.
    xlabel, ylabel : str
        Labels.
    log : bool
        Whether bins and axis are logarithmic; values must then be whole and positive.

    Returns
    -------
    Figure, Axes

    Notes
    -----
    Notebook: 01_catalog

    Examples
    --------
    >>> fig, ax = histogram(np.array([1.0, 2.0, np.nan]), xlabel="tracks", ylabel="playlists")
    >>> int(sum(bar.get_height() for bar in ax.patches))
    2
    """
    fig, ax = new_axes(ax)
    values = np.asarray(values, dtype=float)
    values = values[np.isfinite(values)]
    ax.set(xlabel=plain(xlabel), ylabel=ylabel)
    if not len(values):
        return nothing(fig, ax)
    bins: Any = 30
    if log:
        bins = np.unique(np.geomspace(values.min(), values.max() + 1, 25).round()) - 0.5
    ax.hist(values, bins=bins, color=PALETTE[0], edgecolor="white", linewidth=0.5)
    ax.axvline(np.median(values), color=PALETTE[1], linestyle=DASHES[1])
    if log:
        log_scales(ax, "x")
    return fig, ax


def histograms(table: pd.DataFrame, labels: Mapping[str, str]) -> tuple[Figure, np.ndarray]:
    """Draw how each of nine columns spreads, in three rows of three.

    Parameters
    ----------
    table : DataFrame
        Columns of numbers; one that is missing, or all NaN, leaves its panel empty.
    labels : mapping of str to str
        The columns to draw, at most nine, and what to write under each.

    Returns
    -------
    Figure, ndarray of Axes, shape (3, 3)

    Notes
    -----
    Notebook: 01_catalog
    """
    fig, axes = plt.subplots(3, 3, figsize=(WIDTH, 1.45 * HEIGHT))
    for ax, (column, label) in zip(axes.flat, labels.items(), strict=False):
        values = table[column].to_numpy() if column in table else np.empty(0)
        histogram(values, ax, xlabel=label, ylabel="")
        ax.set_yticks([])
        ax.spines["left"].set_visible(False)
        ax.xaxis.set_major_locator(MaxNLocator(3))
        ax.tick_params(labelsize=9)
    fig.supylabel("tracks", color=GREY)
    return fig, axes
