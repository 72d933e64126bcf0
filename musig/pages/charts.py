"""Figures of named things: bars, boxes, tables of colours, small graphs.

Conventions
-----------
As in :mod:`musig.pages.plots`: data first, ``ax=None``, returns ``(figure, axes)``, and only draws.

Contents
--------
- :func:`bars`: one number a name; :func:`boxes`: the values of each group;
- :func:`heatmap`: a table; :func:`small_graph`: a graph whose weights can be counted by eye;
- :func:`points`: a map of things that have a group; :func:`moves`: where a few of them went.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from musig.pages.style import (
    DASHES,
    GREY,
    HEIGHT,
    MARKERS,
    PALETTE,
    WIDTH,
    new_axes,
    nothing,
    plain,
)

SHAPES = ("o", "s", "D", "^", "v", "P", "X")
"""Of points that carry a letter: those with most room for it come first."""
RINGS = (1.35, 1.0, 0.65)


def bars(
    values: pd.Series, ax: Axes | None = None, *, xlabel: str, percent: bool = False
) -> tuple[Figure, Axes]:
    r"""Draw one horizontal bar a name, the first on top.

    Parameters
    ----------
    values : Series of numbers
        The index holds the names.
    ax : Axes, optional
        Where to draw.
    xlabel : str
        Label of the values.
    percent : bool
        Whether values in [0, 1] are written as percentages.

    Returns
    -------
    Figure, Axes

    Notes
    -----
    Notebook: 01_catalog

    Examples
    --------
    >>> fig, ax = bars(pd.Series({"folk": 0.4, "$oul$": 0.2}), xlabel="share of tracks")
    >>> [tick.get_text() for tick in ax.get_yticklabels()]
    ['folk', '\\$oul\\$']
    """
    fig, ax = new_axes(ax, height=max(1.6, 0.5 + 0.27 * len(values)))
    ax.set(xlabel=xlabel)
    if not len(values):
        return nothing(fig, ax)
    ax.barh([plain(name) for name in values.index], values.to_numpy(), color=PALETTE[0])
    ax.invert_yaxis()
    ax.grid(axis="y", visible=False)
    if percent:
        ax.xaxis.set_major_formatter(PercentFormatter(1, symbol=" %"))
    return fig, ax


def boxes(
    values: pd.Series, groups: pd.Series, ax: Axes | None = None, *, xlabel: str
) -> tuple[Figure, Axes]:
    """Draw the middle half of the values of each group as a box, sorted by median.

    Parameters
    ----------
    values : Series of numbers
        NaN is left out.
    groups : Series of str, the same index
        None is left out.
    ax : Axes, optional
        Where to draw.
    xlabel : str
        Label of the values.

    Returns
    -------
    Figure, Axes
        Whiskers reach from the 5th to the 95th percentile.

    Notes
    -----
    Notebook: 01_catalog

    Examples
    --------
    >>> values = pd.Series([0.1, 0.2, 0.9, 0.8])
    >>> fig, ax = boxes(values, pd.Series(["folk", "folk", "metal", "metal"]), xlabel="energy")
    >>> [tick.get_text() for tick in ax.get_yticklabels()]
    ['metal', 'folk']
    """
    known = pd.DataFrame({"value": values.astype(float), "group": groups}).dropna()
    order = known.groupby("group")["value"].median().sort_values(ascending=False, kind="stable")
    fig, ax = new_axes(ax, height=max(1.6, 0.5 + 0.27 * len(order)))
    if not len(known):
        ax.set(xlabel=xlabel)
        return nothing(fig, ax)
    drawn = ax.boxplot(
        [known["value"][known["group"] == name] for name in order.index],
        positions=range(len(order)), orientation="horizontal", whis=(5, 95), showfliers=False,
        widths=0.6, patch_artist=True, medianprops={"color": PALETTE[1], "linewidth": 2},
    )  # fmt: skip
    for box in drawn["boxes"]:
        box.set(facecolor="#cce3f0", edgecolor=PALETTE[0])
    ax.set_yticks(range(len(order)), [plain(name) for name in order.index])
    ax.set(xlabel=xlabel)
    ax.invert_yaxis()
    ax.grid(axis="y", visible=False)
    return fig, ax


def heatmap(
    table: pd.DataFrame,
    ax: Axes | None = None,
    *,
    label: str,
    limit: float | None = None,
) -> tuple[Figure, Axes]:
    """Draw a table as numbers on colours: orange below 0, blue above, grey where nothing is known.

    Parameters
    ----------
    table : DataFrame of float
        Rows are drawn from the top; a name that the columns have is written under them.
    ax : Axes, optional
        Where to draw.
    label : str
        What the colours mean.
    limit : float, optional
        Value of the strongest colour; by default the largest magnitude in the table.

    Returns
    -------
    Figure, Axes

    Notes
    -----
    Notebook: 01_catalog

    Examples
    --------
    >>> table = pd.DataFrame([[1.0, -1.0]], index=["folk"], columns=["energy", "tempo"])
    >>> fig, ax = heatmap(table, label="standard deviations")
    >>> sorted(text.get_text() for text in ax.texts)
    ['-1.0', '1.0']
    """
    from matplotlib.colors import LinearSegmentedColormap

    n_rows, n_columns = table.shape
    height = max(2.0, 1.3 + 0.28 * n_rows)
    fig, ax = new_axes(ax, width=max(WIDTH, 2 + 0.42 * n_columns), height=height)
    known = table.to_numpy(dtype=float)
    if not np.isfinite(known).any():
        return nothing(fig, ax)
    top = limit or float(np.nanmax(np.abs(known))) or 1.0
    ends = [PALETTE[1], "#ffffff", PALETTE[0]]
    two_ways = LinearSegmentedColormap.from_list("musig", ends).with_extremes(bad="#d9d9d9")
    mesh = ax.pcolormesh(known, cmap=two_ways, vmin=-top, vmax=top, edgecolors="white", lw=0.5)
    for (row, column), value in np.ndenumerate(known):
        if np.isfinite(value):
            ink = "white" if abs(value) > 0.8 * top else "black"
            text = f"{value.round(1) + 0.0:.1f}"  # + 0.0: no "-0.0"
            ax.text(column + 0.5, row + 0.5, text, ha="center", va="center", size=8, color=ink)
    fig.colorbar(mesh, ax=ax, label=label).outline.set_visible(False)
    names = [plain(column) for column in table.columns]
    slanted = max(map(len, names)) > 2
    turn, side = (55, "right") if slanted else (0, "center")
    ax.set_xticks(np.arange(n_columns) + 0.5, names, rotation=turn, ha=side)
    ax.set_xlabel(plain(table.columns.name or ""))
    ax.set_yticks(np.arange(n_rows) + 0.5, map(plain, table.index))
    ax.invert_yaxis()
    ax.grid(visible=False)
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    return fig, ax


def small_graph(
    weights: np.ndarray,
    names: Sequence[str],
    ax: Axes | None = None,
    *,
    min_weight: int = 0,
    places: np.ndarray | None = None,
    groups: Sequence[str] | None = None,
) -> tuple[Figure, Axes]:
    """Draw a graph of a few nodes, with the weight written on each edge.

    Parameters
    ----------
    weights : ndarray of int, shape (n, n)
        Symmetric; 0 where there is no edge.
    names : sequence of str, length n
        Written in the nodes; one or two letters fit.
    ax : Axes, optional
        Where to draw.
    min_weight : int
        Edges of this weight or less are drawn dashed, their number left out: those that would be
        dropped.
    places : ndarray of float, shape (n, 2), optional
        Where the nodes are; by default on a circle, clockwise from the top.
    groups : sequence of str, length n, optional
        Told by colour and shape of the nodes, and a legend.

    Returns
    -------
    Figure, Axes

    Notes
    -----
    Notebook: 04_music_graph

    Examples
    --------
    >>> fig, ax = small_graph(np.array([[0, 2], [2, 0]]), ["A", "B"])
    >>> [text.get_text() for text in ax.texts]
    ['2', 'A', 'B']
    """
    n = len(names)
    if places is None:
        angle = np.pi / 2 - 2 * np.pi * np.arange(n) / n
        places = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    fig, ax = new_axes(ax, width=4.8, height=3.9)
    for i, j in zip(*np.nonzero(np.triu(weights, 1)), strict=True):
        dropped = weights[i, j] <= min_weight
        width = 1 if dropped else 1.2 * weights[i, j]
        ax.plot(
            *places[[i, j]].T, color=GREY if dropped else PALETTE[0], lw=width, zorder=1,
            linestyle=DASHES[1 if dropped else 0], alpha=0.6 if dropped else 1,
        )  # fmt: skip
        if dropped:
            continue
        # Not in the middle: edges that cross there would hide each other's numbers.
        x, y = places[i] + 0.4 * (places[j] - places[i])
        ax.text(
            x, y, f"{weights[i, j]}", ha="center", va="center", color=PALETTE[0], zorder=2,
            weight="bold", bbox={"facecolor": "white", "edgecolor": "none", "pad": 1},
        )  # fmt: skip
    kinds = np.asarray(groups if groups is not None else [""] * n)
    for k, kind in enumerate(dict.fromkeys(kinds)):
        edge = "black" if groups is None else PALETTE[k]
        x, y = places[kinds == kind].T
        ax.scatter(
            x, y, s=430, color="white", edgecolors=edge, linewidths=2,
            marker=SHAPES[k], zorder=3, label=plain(kind),
        )  # fmt: skip
    for (x, y), name in zip(places, names, strict=True):
        ax.text(x, y, plain(name), ha="center", va="center", zorder=4)
    ax.margins(0.12)
    ax.set_aspect("equal")
    ax.axis("off")
    if groups is not None:
        ax.legend(loc="upper center", bbox_to_anchor=(0.5, 0), ncols=4, markerscale=0.5)
    return fig, ax


def points(
    xy: np.ndarray, groups: pd.Series, ax: Axes | None = None, *, most: int = 6
) -> tuple[Figure, Axes]:
    """Draw a map: a point each, its group told by colour and by shape.

    Parameters
    ----------
    xy : ndarray of float, shape (n, 2)
        Places; only who is near whom matters, so the axes have no numbers.
    groups : Series of str, length n
        None where unknown.
    ax : Axes, optional
        Where to draw.
    most : int
        Groups with a colour, the largest; the others are small grey dots.

    Returns
    -------
    Figure, Axes

    Notes
    -----
    Notebook: 05_multitask_training

    Examples
    --------
    >>> fig, ax = points(np.eye(3)[:, :2], pd.Series(["folk", "folk", None]))
    >>> [text.get_text() for text in ax.get_legend().get_texts()]
    ['folk', 'other or unknown']
    """
    fig, ax = new_axes(ax, height=1.4 * HEIGHT)
    names = groups.value_counts().index[: min(most, len(PALETTE))]
    rest = ~groups.isin(names).to_numpy()
    for n, name in enumerate(names):
        own = (groups == name).to_numpy()
        ax.scatter(
            xy[own, 0], xy[own, 1], s=16, color=PALETTE[n], marker=MARKERS[n], label=plain(name)
        )
    if rest.any():
        label = "other or unknown"
        x, y = xy[rest].T
        ax.scatter(x, y, s=4, color=GREY, alpha=0.6, label=label, zorder=0)
    ax.set(xticks=[], yticks=[])
    ax.grid(visible=False)
    ax.legend(loc="upper center", bbox_to_anchor=(0.5, 0), ncols=3, markerscale=1.5)
    return fig, ax


def moves(
    before: np.ndarray,
    after: np.ndarray,
    names: Sequence[str],
    groups: Sequence[str],
    ax: Axes | None = None,
    *,
    title: str = "",
) -> tuple[Figure, Axes]:
    """Draw where a few directions of the plane went.

    Parameters
    ----------
    before, after : ndarray of float, shape (n, 2)
        Rows of length 1.
    names : sequence of str, length n
        A letter each, written where the point was.
    groups : sequence of str, length n
        Told by colour and shape.
    ax : Axes, optional
        Where to draw.
    title : str
        Stands above.

    Returns
    -------
    Figure, Axes
        An angle each. Points that would cover each other are on circles of their own.

    Notes
    -----
    Notebook: 05_multitask_training

    Examples
    --------
    >>> beside = np.array([[-1, 0.1], [-1, -0.1], [1, 0]])  # A and B
    >>> fig, ax = moves(beside, beside, "ABC", ["folk", "jazz", "folk"])
    >>> [(text.get_text(), round(np.hypot(*text.get_position()).item(), 2)) for text in ax.texts]
    [('A', 1.0), ('B', 1.35), ('C', 1.35)]
    """
    fig, ax = new_axes(ax, width=2.8, height=2.8)
    start = np.arctan2(before[:, 1], before[:, 0])
    turn = np.arctan2(after[:, 1], after[:, 0]) - start
    turn = (turn + np.pi) % (2 * np.pi) - np.pi  # the short way
    rings = np.full(len(before), RINGS[0])
    for place, n in enumerate(order := np.argsort(start)):
        apart = start[n] - start[order[:place]]
        near = order[:place][np.minimum(apart, 2 * np.pi - apart) < 0.55]
        free = [ring for ring in RINGS if ring not in rings[near]]
        rings[n] = free[0] if free else RINGS[-1]
    around = np.linspace(0, 2 * np.pi, 200)
    for ring in RINGS:
        ax.plot(ring * np.cos(around), ring * np.sin(around), color="#d9d9d9", lw=0.8, ls="-")
    kinds = list(dict.fromkeys(groups))
    for n, (ring, name) in enumerate(zip(rings, names, strict=True)):
        k = kinds.index(groups[n])
        arc = start[n] + turn[n] * np.linspace(0, 1, 40)
        way = ring * np.stack([np.cos(arc), np.sin(arc)], axis=1)
        if abs(turn[n]) > 0.03:  # behind the point: what hardly moves shows no arrow
            ax.plot(*way[:-2].T, color=PALETTE[k], lw=2, linestyle="-", zorder=2)
            arrow = {"arrowstyle": "-|>", "color": PALETTE[k], "shrinkA": 0, "shrinkB": 0}
            ax.annotate("", way[-1], way[-6], arrowprops={**arrow, "mutation_scale": 12}, zorder=2)
        label = plain(groups[n]) if groups.index(groups[n]) == n else None
        x, y = way[0]
        ax.scatter(
            x, y, s=190, color="white", edgecolors=PALETTE[k], marker=SHAPES[k], linewidths=1.5,
            zorder=3, label=label,
        )  # fmt: skip
        ax.text(x, y, plain(name), ha="center", va="center", size=10, zorder=4)
    ax.set_title(title)
    ax.set(xlim=(-1.5, 1.5), ylim=(-1.5, 1.5), aspect="equal")
    ax.axis("off")
    return fig, ax
