"""Tables and a figure of methods by attribute groups: what each method gains from which content.

Conventions
-----------
Rows are named ``METHOD+GROUP``, as :func:`musig.experiments.attribute_groups` names them. Tables
are arranged from those of :mod:`musig.experiments.tables`, and sentences are made from tests: none
says that something helps unless a corrected test does.

Contents
--------
- :func:`chosen`: which rows a page shows;
- :func:`grid`: groups down, methods across, with whom each cell beats; :func:`particulars`: what
  else is known of the rows; :func:`remarks`: what must be;
- :func:`panels`: the same as dots with intervals, one panel a method;
- :func:`over`: what each group adds to a control; :func:`told`: one such comparison in words;
- :func:`interactions`, :func:`counted`: does content help more with several tasks?
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from IPython.display import HTML
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from musig.experiments import tables
from musig.experiments.cells import CellResult
from musig.experiments.plans import GROUPS
from musig.experiments.tables import after_plus, before_plus
from musig.pages.methods import NAMED, TOLD, folded, together
from musig.pages.style import GREY, PALETTE, WIDTH
from musig.pages.tables import show
from musig.statistics import holm

CONTROLS = ("none", "random", "constant")
"""Groups that hold no knowledge of the tracks."""

READINGS = ("hit_rate@10", "recall@10")
"""Any hit among ten, and the share of the targets among ten: both forms of hit-rate."""

LETTERS = "abcdefghijklmnopqrstuvwxyz"
LEVEL = 0.05

NO_TEST = "no test yet"
"""Where a row that a comparison needs is missing or not whole."""


def chosen(groups: Sequence[str], controls: Sequence[str]) -> list[str]:
    """Say which attribute groups and controls a page shows.

    Parameters
    ----------
    groups : sequence of str
        POPULARITY stands for both of its variants. None: all but ACOUSTIC, for which a network has
        to be trained first.
    controls : sequence of str
        None: all.

    Returns
    -------
    list of str
        Of :data:`musig.experiments.plans.GROUPS`, in their order.

    Notes
    -----
    Notebook: 08_attribute_groups

    Examples
    --------
    >>> chosen(["POPULARITY"], ["random"])
    ['POPULARITY-external', 'POPULARITY-train_count', 'random']
    """
    known = {name.partition("-")[0] for name in GROUPS} - {"ACOUSTIC"}
    wanted = {*(groups or known - set(CONTROLS)), *(controls or CONTROLS)}
    return [name for name in GROUPS if name.partition("-")[0] in wanted]


def grid(table: pd.DataFrame, metric: str, *, across: bool = False) -> pd.DataFrame:
    r"""Put attribute groups down and methods across.

    Parameters
    ----------
    table : DataFrame
        From :func:`musig.experiments.tables.table`, of one family:
        :func:`~musig.experiments.tables.before_plus`, or, if `across`,
        :func:`~musig.experiments.tables.after_plus`.
    metric : str
    across : bool
        Whether letters name methods and not groups.

    Returns
    -------
    DataFrame
        ``attributes``, then one column a method. The letters after a result name what it beats: the
        groups of its column, or, if `across`, the methods of its row. A row without results says
        why: "not in this data", "not run yet".

    Notes
    -----
    Notebook: 08_attribute_groups

    Examples
    --------
    >>> columns = ["method", "metric", "mean", "low", "high", "beats", "remark"]
    >>> given = [("musig+AUDIO", "mrr", 0.6, 0.5, 0.7, "musig+none", ""),
    ...          ("musig+none", "mrr", 0.1, 0.0, 0.2, "", "")]
    >>> grid(pd.DataFrame(given, columns=columns), "mrr").to_numpy().tolist()
    [['a AUDIO', '0.600 [0.500,\xa00.700] b'], ['b none', '0.100 [0.000,\xa00.200]']]
    """
    of_metric = table[table["metric"] == metric]
    groups = list(dict.fromkeys(map(after_plus, of_metric["method"])))
    named = list(dict.fromkeys(map(before_plus, of_metric["method"])))
    part, lettered = (before_plus, named) if across else (after_plus, groups)
    letters = dict(zip(lettered, LETTERS, strict=False))
    down = {group: group if across else f"{letters[group]} {group}" for group in groups}
    heads = {name: f"{letters[name]} {name}" if across else name for name in named}
    lines: dict[str, dict[str, str | None]] = {
        group: {"attributes": down[group], **dict.fromkeys(heads.values())} for group in groups
    }
    for row in of_metric.to_dict("records"):
        text = str(row["remark"]).partition(":")[0]
        if not pd.isna(row["mean"]):
            beaten = [letters[part(each)] for each in str(row["beats"]).split(", ") if each]
            text = f"{row['mean']:.3f} [{row['low']:.3f},\u00a0{row['high']:.3f}]"
            text = f"{text} {together(sorted(beaten))}".strip()
        lines[after_plus(row["method"])][heads[before_plus(row["method"])]] = text
    return pd.DataFrame(list(lines.values()), columns=["attributes", *heads.values()])


def particulars(table: pd.DataFrame, *, commands: bool = True) -> HTML:
    """List what is known of each row beside its results, folded.

    Parameters
    ----------
    table : DataFrame
        From :func:`musig.experiments.tables.table`.
    commands : bool
        Whether the command that makes a recorded row again is among it.

    Returns
    -------
    IPython.display.HTML

    Notes
    -----
    Notebook: 08_attribute_groups
    """
    columns = [column for column in TOLD if column in table] + ["command"] * commands
    rows = table.drop_duplicates("method")[["method", *columns]]
    rows = rows.rename(columns={"method": "row", **NAMED})
    numbers = dict.fromkeys(set(rows.columns) - {"row", "remark", "command"}, "{:,.0f}")
    summary = "Each row: n, folds, trainings, trials of tuning, looks by hand, remark"
    return folded(show(rows, "", numbers), summary + (", command" if commands else ""))


def remarks(table: pd.DataFrame) -> str:
    """Say in a line what must be known of the rows, and of how many.

    Parameters
    ----------
    table : DataFrame
        From :func:`musig.experiments.tables.table`.

    Returns
    -------
    str
        Without a full stop; "nothing" where there is nothing to say.

    Notes
    -----
    Notebook: 08_attribute_groups

    Examples
    --------
    >>> given = pd.DataFrame({"method": ["a", "b", "c"], "remark": ["not run yet"] * 2 + [""]})
    >>> remarks(given)
    'not run yet (2 of 3 rows)'
    """
    rows = table.drop_duplicates("method")
    counts = rows["remark"].replace("", pd.NA).dropna().value_counts(sort=False)
    told = [f"{remark} ({count} of {len(rows)} rows)" for remark, count in counts.items()]
    return "; ".join(told) or "nothing"


def panels(table: pd.DataFrame, metric: str) -> tuple[Figure, np.ndarray]:
    """Draw a panel a method: a dot and its interval for each attribute group, the first on top.

    Parameters
    ----------
    table : DataFrame
        From :func:`musig.experiments.tables.table`.
    metric : str

    Returns
    -------
    Figure, ndarray of Axes
        Two panels in a row, the same values across; the last panel that is free is the legend.
        Controls are hollow squares. What has no result says why.

    Notes
    -----
    Notebook: 08_attribute_groups
    """
    of_metric = table[table["metric"] == metric]
    groups = list(dict.fromkeys(map(after_plus, of_metric["method"])))
    named = list(dict.fromkeys(map(before_plus, of_metric["method"])))
    n_rows = max(1, -(-(len(named) + 1) // 2))
    height = n_rows * (0.75 + 0.19 * len(groups)) + 0.3
    fig, axes = plt.subplots(
        n_rows, 2, figsize=(WIDTH, height), sharex=True, sharey=True, squeeze=False
    )
    for ax, name in zip(axes.flat, named, strict=False):
        rows = {row["method"]: row for row in of_metric.to_dict("records")}
        for place, group in enumerate(groups):
            row = rows.get(f"{name}+{group}", {"mean": np.nan, "remark": "–"})
            _dot(ax, place, group not in CONTROLS, row)
        ax.set_title(name)
        ax.grid(axis="y", visible=False)
        ax.tick_params(labelsize=9)
    axes[0, 0].set_yticks(range(len(groups)), groups)
    axes[0, 0].set_ylim(len(groups) - 0.5, -0.5)
    free = list(axes.flat[len(named) :])
    for ax in free:
        ax.set_axis_off()
    for ax in axes.flat[max(0, len(named) - 2) : len(named)]:  # the lowest of each column
        ax.set_xlabel(metric)
        ax.tick_params(labelbottom=True)
    if free:
        legend = [_marker(True, "attributes"), _marker(False, "controls")]
        free[-1].legend(handles=legend, loc="center")
    return fig, axes


def _dot(ax: plt.Axes, place: int, known: bool, row: dict) -> None:
    """Draw a result, or say why there is none."""
    if pd.isna(row["mean"]):
        told = str(row["remark"]).rpartition("; ")[2].partition(":")[0]
        text = ax.text(
            0.03, place, told, color=GREY, va="center", fontsize=8,
            transform=ax.get_yaxis_transform(),
        )  # fmt: skip
        text.set_in_layout(False)  # a long reason takes no place from the dots
        return
    colour = PALETTE[0] if known else PALETTE[1]
    ax.plot([row["low"], row["high"]], [place, place], color=colour, linestyle="-", linewidth=1.5)
    mark = _marker(known, "")
    ax.plot(
        row["mean"], place, color=colour, marker=mark.get_marker(), markersize=5.5,
        markerfacecolor=mark.get_markerfacecolor(),
    )  # fmt: skip


def _marker(known: bool, label: str) -> Line2D:
    colour = PALETTE[0] if known else PALETTE[1]
    return Line2D(
        [], [], color=colour, linestyle="-", marker="o" if known else "s", label=label,
        markerfacecolor=colour if known else "white",
    )  # fmt: skip


def over(
    tests: pd.DataFrame, contents: Sequence[str], against: Sequence[str], metric: str
) -> pd.DataFrame:
    """Say for each method what a group adds to a control, and whether that is sure.

    Parameters
    ----------
    tests : DataFrame
        From :func:`musig.experiments.tables.tests`, within methods.
    contents, against : sequence of str
        Groups, and the controls they are held against.
    metric : str

    Returns
    -------
    DataFrame
        ``attributes``, ``over``, then one column a method: the difference of the means, its
        interval, and "better", "worse" or "not sure" after correction; None where there is no test.

    Notes
    -----
    Notebook: 08_attribute_groups
    """
    found = {
        (row["method"], row["against"]): row
        for row in _both_ways(tests[tests["metric"] == metric]).to_dict("records")
    }
    names = list(dict.fromkeys(before_plus(one) for one, _ in found))
    lines = []
    for content in contents:
        for control in against:
            line: dict[str, str | None] = {"attributes": content, "over": control}
            for name in names:
                row = found.get((f"{name}+{content}", f"{name}+{control}"))
                line[name] = None if row is None else _difference(row)
            if any(line[name] for name in names):
                lines.append(line)
    known = [name for name in names if any(line[name] for line in lines)]  # content has no control
    return pd.DataFrame(lines, columns=["attributes", "over", *known])


def _both_ways(tests: pd.DataFrame) -> pd.DataFrame:
    """Add every test as it is seen from the other row."""
    other = tests.rename(columns={"method": "against", "against": "method"})
    other = other.assign(
        difference=-tests["difference"],
        low=-tests["high"],
        high=-tests["low"],
        verdict=tests["verdict"].map({"better": "worse", "worse": "better"}).fillna(""),
    )
    return pd.concat([tests, other], ignore_index=True)


def _difference(row: dict) -> str:
    sure = row["verdict"] or "not sure"
    return f"{row['difference']:+.3f} [{row['low']:+.3f},\u00a0{row['high']:+.3f}] {sure}"


def told(tests: pd.DataFrame, first: str, second: str, metrics: Sequence[str] = READINGS) -> str:
    """Put the comparison of two rows in words.

    Parameters
    ----------
    tests : DataFrame
        From :func:`musig.experiments.tables.tests`.
    first, second : str
        Rows.
    metrics : sequence of str

    Returns
    -------
    str
        Without a full stop; :data:`NO_TEST` where there is none.

    Notes
    -----
    Notebook: 08_attribute_groups

    Examples
    --------
    >>> columns = ["metric", "method", "against", "difference", "low", "high", "p_holm", "verdict"]
    >>> given = pd.DataFrame([("mrr", "a", "b", 0.1, 0.05, 0.15, 0.01, "better")], columns=columns)
    >>> told(given, "b", "a", ["mrr"])
    'b less a: -0.100 [-0.150, -0.050] in mrr (worse, p = 0.010)'
    >>> told(given, "b", "c", ["mrr"])
    'b less c: no test yet'
    """
    both = _both_ways(tests)
    parts = []
    for metric in metrics:
        same = (both["method"] == first) & (both["against"] == second) & (both["metric"] == metric)
        for row in both[same].to_dict("records"):
            sure = row["verdict"] or "not sure"
            p = "p < 0.001" if row["p_holm"] < 0.001 else f"p = {row['p_holm']:.3f}"
            parts.append(
                f"{row['difference']:+.3f} [{row['low']:+.3f}, {row['high']:+.3f}] in {metric}"
                f" ({sure}, {p})"
            )
    return f"{first} less {second}: " + (", ".join(parts) or NO_TEST)


def interactions(
    results: Iterable[CellResult],
    contents: Sequence[str],
    against: Sequence[str],
    metrics: Sequence[str] = READINGS,
    first: str = "musig-multi",
    second: str = "musig-single",
) -> pd.DataFrame:
    """Test whether content adds more to one method than to another, on the same playlists.

    Parameters
    ----------
    results : iterable of CellResult
    contents, against : sequence of str
        Groups, and the controls they are held against.
    metrics : sequence of str
    first, second : str
        Methods.

    Returns
    -------
    DataFrame
        One row a content, control and metric: ``attributes, over, metric``, the gain of each
        method under its name, ``difference`` (of the gains), ``low, high, p, p_holm, n`` and
        ``verdict``: "more", "less" or "not sure". Combinations that are not whole are left out.

    Notes
    -----
    Each test is :func:`musig.experiments.tables.interaction`; Holm's method corrects over all rows
    of the table.

    Notebook: 08_attribute_groups
    """
    results = list(results)
    known = tables.rows(results)
    parts = []
    for content in contents:
        for control in against:
            one, other = ((f"{name}+{content}", f"{name}+{control}") for name in (first, second))
            if all(row in known for row in one + other):
                made = tables.interaction(results, one, other, metrics)
                parts.append(made.assign(attributes=content, over=control))
    columns = ["attributes", "over", "metric", first, second, "difference", "low", "high"]
    parts = [part for part in parts if len(part)]
    if not parts:
        return pd.DataFrame(columns=[*columns, "p", "p_holm", "n", "verdict"])
    table = pd.concat(parts, ignore_index=True).rename(columns={"first": first, "second": second})
    table["p_holm"] = holm(table["p"].to_numpy())
    sure = table["p_holm"] <= LEVEL
    table["verdict"] = np.select(
        [sure & (table["difference"] > 0), sure & (table["difference"] < 0)],
        ["more", "less"],
        "not sure",
    )
    return table[[*columns, "p", "p_holm", "n", "verdict"]]


def counted(table: pd.DataFrame) -> str:
    """Say in a sentence how many interactions go which way.

    Parameters
    ----------
    table : DataFrame
        From :func:`interactions`.

    Returns
    -------
    str
        Without a full stop.

    Notes
    -----
    Notebook: 08_attribute_groups

    Examples
    --------
    >>> counted(pd.DataFrame({"verdict": ["more", "not sure", "less"]}))
    'of 3 comparisons, content helps more with several tasks in 1, less in 1, and 1 is not sure'
    >>> counted(pd.DataFrame({"verdict": []}))
    'no test yet'
    """
    if table.empty:
        return NO_TEST
    counts = [int((table["verdict"] == verdict).sum()) for verdict in ("more", "less", "not sure")]
    told = f"{counts[2]} {'is' if counts[2] == 1 else 'are'} not sure"
    return (
        f"of {len(table)} comparisons, content helps more with several tasks in {counts[0]}, less"
        f" in {counts[1]}, and {told}"
    )
