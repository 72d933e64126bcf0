"""Figures of estimates and how sure they are: a dot and its interval a row.

Conventions
-----------
As in :mod:`musig.pages.plots`: data first, ``ax=None``, returns ``(figure, axes)``, and only draws.

Contents
--------
- :func:`dots`: one dot a row; :func:`steps`: several methods, step by step.
- :func:`folds`: which playlists are the test of which fold.
"""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import shorten

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from musig.errors import MusigError
from musig.pages.style import DASHES, GREY, MARKERS, PALETTE, new_axes, nothing, plain
from musig.splits import Split

PARTS = {"training": ("#cce3f0", ""), "validation": ("#E69F00", "///"), "test": ("#0072B2", "")}
"""Colour and hatch of each."""


def dots(
    table: pd.DataFrame, ax: Axes | None = None, *, xlabel: str, at: float | None = None
) -> tuple[Figure, Axes]:
    """Draw a dot with its interval for each row, the first on top.

    Parameters
    ----------
    table : DataFrame
        The index names the rows; columns ``mean``, ``low``, ``high``, and perhaps ``sure``: where
        it is False the dot is hollow. A row of NaN keeps its place and says why: its ``remark``, if
        there is such a column, else "not run yet".
    ax : Axes, optional
        Where to draw.
    xlabel : str
        Label of the values.
    at : float, optional
        Where to draw a dashed upright line, such as 0 for differences.

    Returns
    -------
    Figure, Axes

    Notes
    -----
    Notebook: 10_sensitivity

    Examples
    --------
    >>> table = pd.DataFrame({"mean": [0.2], "low": [0.1], "high": [0.4]}, index=["hops=1"])
    >>> fig, ax = dots(table, xlabel="recall@10", at=0)
    >>> [tick.get_text() for tick in ax.get_yticklabels()]
    ['hops=1']
    """
    fig, ax = new_axes(ax, height=max(1.6, 0.7 + 0.27 * len(table)))
    places = range(len(table))
    remarks = table["remark"].tolist() if "remark" in table else [""] * len(table)
    sure = table["sure"].to_numpy(bool) if "sure" in table else np.ones(len(table), bool)
    values = table[["mean", "low", "high"]].to_numpy(dtype=float).reshape(-1, 3)
    for place, (mean, low, high), filled in zip(places, values, sure, strict=True):
        if np.isnan(mean):
            why = shorten(remarks[place] or "not run yet", 50, placeholder=" …")
            ax.text(
                0.02, place, plain(why), color=GREY, va="center", fontsize=9,
                transform=ax.get_yaxis_transform(),
            )  # fmt: skip
            continue
        ax.plot([low, high], [place, place], color=PALETTE[0], linestyle="-", linewidth=1.5)
        face = PALETTE[0] if filled else "white"
        ax.plot(mean, place, "o", markeredgecolor=PALETTE[0], markerfacecolor=face)
    if at is not None:
        ax.axvline(at, color=PALETTE[1], linestyle=DASHES[1], linewidth=1.2)
    ax.set_yticks(places, [plain(name) for name in table.index])
    ax.set_ylim(len(table) - 0.5, -0.5)
    ax.set(xlabel=xlabel)
    if not np.isfinite(values).any():
        ax.set_xticks([])
    ax.grid(axis="y", visible=False)
    return fig, ax


def steps(
    table: pd.DataFrame, by: str, ax: Axes | None = None, *, value: str = "mean", ylabel: str = ""
) -> tuple[Figure, Axes]:
    """Draw estimates of several methods at the same few steps, side by side, with intervals.

    Parameters
    ----------
    table : DataFrame
        Columns ``method``, `by` (the steps, in their order), `value`, ``low`` and ``high``.
    by : str
        Which column holds the steps.
    ax : Axes, optional
        Where to draw.
    value : str
        Which column holds the estimates.
    ylabel : str
        Label of the estimates.

    Returns
    -------
    Figure, Axes
        Told apart by colour, dash and marker; at most seven methods.

    Raises
    ------
    MusigError
        If there are more methods.

    Notes
    -----
    Notebook: 10_sensitivity

    Examples
    --------
    >>> lines = [("ease", "2 to 4", 0.2, 0.1, 0.3), ("ease", "5 or more", 0.4, 0.3, 0.5)]
    >>> table = pd.DataFrame(lines, columns=["method", "length", "mean", "low", "high"])
    >>> fig, ax = steps(table, "length", ylabel="recall@10")
    >>> [tick.get_text() for tick in ax.get_xticklabels()]
    ['2 to 4', '5 or more']
    """
    fig, ax = new_axes(ax)
    names, labels = list(dict.fromkeys(table["method"])), list(dict.fromkeys(table[by]))
    if not names:
        return nothing(fig, ax, "not run yet")
    if len(names) > len(PALETTE):
        raise MusigError(
            f"There are {len(names)} methods; expected at most {len(PALETTE)}, or they cannot be"
            " told apart."
        )
    for n, name in enumerate(names):
        of_name = table[table["method"] == name]
        places = np.array([labels.index(step) for step in of_name[by]], dtype=float)
        places += 0.09 * (n - (len(names) - 1) / 2)
        mean = of_name[value].to_numpy(dtype=float)
        ends = of_name[["low", "high"]].to_numpy(dtype=float)
        away = np.clip(np.abs(ends - mean[:, None]).T, 0, None)
        ax.errorbar(
            places, mean, away, color=PALETTE[n], linestyle=DASHES[n], marker=MARKERS[n],
            markersize=5, linewidth=1, elinewidth=1.5, label=plain(name),
        )  # fmt: skip
    small = sum(len(str(label)) for label in labels) > 40  # or they would touch
    ax.set_xticks(
        range(len(labels)), [plain(label) for label in labels], fontsize=8 if small else 10
    )
    ax.set(ylabel=ylabel, xlabel=plain(by))
    ax.set_ylim(0, 1.2 * ax.get_ylim()[1])  # room for the legend
    ax.grid(axis="x", visible=False)
    ax.legend(ncols=3, fontsize=9)
    return fig, ax


def folds(splits: Sequence[Split], ax: Axes | None = None) -> tuple[Figure, Axes]:
    """Draw what each playlist is in each fold.

    Parameters
    ----------
    splits : sequence of Split
        The folds, all of the same playlists; few enough to be told apart.
    ax : Axes, optional
        Where to draw.

    Returns
    -------
    Figure, Axes
        Playlists are in the order in which they are test playlists.

    Raises
    ------
    MusigError
        If a playlist is not the test of exactly one fold.

    Notes
    -----
    Notebook: 07_methods

    Examples
    --------
    >>> from musig.splits import fold_playlists
    >>> fig, ax = folds([fold_playlists(10, fold) for fold in range(5)])
    >>> len(ax.patches)
    50
    """
    order = np.concatenate([split.test for split in splits])
    if not np.array_equal(np.sort(order), np.arange(len(order))):
        raise MusigError("These are no folds: expected every playlist in exactly one test part.")
    fig, ax = new_axes(ax, height=0.8 + 0.3 * len(splits))
    for fold, split in enumerate(splits):
        for place, playlist in enumerate(order):
            parts = {"training": split.train, "validation": split.valid, "test": split.test}
            part = next(name for name, of in parts.items() if playlist in of)
            colour, hatch = PARTS[part]
            ax.barh(fold, 0.9, 0.8, place, color=colour, hatch=hatch, edgecolor="white")
    ax.set_yticks(range(len(splits)), [f"fold {fold}" for fold in range(len(splits))])
    ax.set(xlabel=f"{len(order)} playlists", ylim=(len(splits) - 0.5, -0.5))
    ax.set_xticks([])
    ax.grid(visible=False)
    legend = [Patch(fc=c, hatch=h, ec="white", label=part) for part, (c, h) in PARTS.items()]
    ax.legend(handles=legend, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=3)
    return fig, ax
