"""Sentences about results, made from their tests.

Conventions
-----------
Takes what :mod:`musig.experiments.tables` gives. A sentence names no row as better than another
unless a corrected test does, and where nothing is recorded it says so (:data:`NOTHING`). None ends
in a full stop: they are pasted into the prose of a page.

Contents
--------
- :func:`there`, :func:`origin`: what is recorded, and where it was.
- :func:`standing`, :func:`leaders`: who beats whom; :func:`moved`: whether another table agrees.
- :func:`difference_told`, :func:`changes_told`: one test, and all against one row;
  :func:`against`: the same for a figure.
- :func:`gain_told`: a gain in percent, and the most it could be.
- :func:`spread`, :func:`noise_told`: how far trainings of the same settings are from each other.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import pandas as pd

from musig.experiments.cells import CellResult
from musig.experiments.comparison import LOWER_IS_BETTER
from musig.experiments.plans import command

NOTHING = "no recorded run yet"
"""What is said where nothing can be."""


def standing(table: pd.DataFrame, name: str, metric: str) -> str:
    """Say which rows one beats, which beat it, and from which no test tells it apart.

    Parameters
    ----------
    table : DataFrame
        From :func:`musig.experiments.tables.table`, made of all rows that are compared.
    name : str
        A row.
    metric : str

    Returns
    -------
    str
        Without a full stop; :data:`NOTHING` where the row was not run or cannot be tested.

    Notes
    -----
    Notebook: 07_methods

    Examples
    --------
    >>> columns = ["method", "metric", "mean", "beats", "remark"]
    >>> given = [("ease", "mrr", 0.6, "als", ""), ("als", "mrr", 0.1, "", ""),
    ...          ("musig", "mrr", 0.5, "als", "")]
    >>> standing(pd.DataFrame(given, columns=columns), "ease", "mrr")
    'ease beats als; no test tells it from musig'
    """
    known = _known(table, metric)
    if name not in known.index:
        return f"{name}: {NOTHING}"
    beats = {row: set(filter(None, text.split(", "))) for row, text in known["beats"].items()}
    others = [row for row in known.index if row != name]
    ahead = [row for row in others if row in beats[name]]
    behind = [row for row in others if name in beats[row]]
    level = [row for row in others if row not in ahead and row not in behind]
    parts = []
    if ahead:
        parts.append(f"beats {', '.join(ahead)}")
    if behind:
        parts.append(f"is beaten by {', '.join(behind)}")
    if not others:
        return f"{name} has nobody to be compared with"
    if not parts:
        return f"no test tells {name} from any other row"
    if level:
        parts.append(f"no test tells it from {', '.join(level)}")
    return f"{name} {'; '.join(parts)}"


def _known(table: pd.DataFrame, metric: str) -> pd.DataFrame:
    """Keep the rows that can be compared: with all of their cells, for fewer are never tested."""
    of_metric = table[table["metric"] == metric].set_index("method")
    partly = of_metric["remark"].str.contains(r"\d+ of \d+ cells")
    return of_metric[of_metric["mean"].notna() & ~partly]


def leaders(table: pd.DataFrame, metric: str) -> str:
    """Say which rows no other row beats.

    Parameters
    ----------
    table : DataFrame
        From :func:`musig.experiments.tables.table`.
    metric : str

    Returns
    -------
    str
        Without a full stop. Names one row as the best only where it beats every other.

    Notes
    -----
    Notebook: 07_methods

    Examples
    --------
    >>> columns = ["method", "metric", "mean", "beats", "remark"]
    >>> given = [("ease", "mrr", 0.6, "als", ""), ("als", "mrr", 0.1, "", ""),
    ...          ("musig", "mrr", 0.5, "als", "")]
    >>> leaders(pd.DataFrame(given, columns=columns), "mrr")
    'no single row beats all others; beaten by none: ease, musig'
    """
    known = _known(table, metric)
    if len(known) < 2:
        return f"which row is best: {NOTHING}"
    beats = {row: set(filter(None, text.split(", "))) for row, text in known["beats"].items()}
    alone = [row for row in known.index if len(beats[row] & set(known.index)) == len(known) - 1]
    if alone:
        return f"{alone[0]} beats every other row"
    beaten = set().union(*beats.values())
    unbeaten = [row for row in known.index if row not in beaten]
    return f"no single row beats all others; beaten by none: {', '.join(unbeaten)}"


def moved(table: pd.DataFrame, other: pd.DataFrame, metric: str) -> str:
    """Say how far a second table of the same rows is from a first.

    Parameters
    ----------
    table, other : DataFrame
        From :func:`musig.experiments.tables.table`.
    metric : str

    Returns
    -------
    str
        The largest change of a mean, and the pairs of rows whose verdict turned round, if any.

    Notes
    -----
    Notebook: 07_methods

    Examples
    --------
    >>> columns = ["method", "metric", "mean", "beats", "remark"]
    >>> given = pd.DataFrame([("ease", "mrr", 0.6, "als", ""), ("als", "mrr", 0.1, "", "")],
    ...                      columns=columns)
    >>> moved(given, given.assign(mean=[0.59, 0.1]), "mrr")
    'the largest change of a mean is -0.010, of ease; no row beats here one that beats it there'
    """
    first, second = _known(table, metric), _known(other, metric)
    shared = [row for row in first.index if row in second.index]
    if not shared:
        return NOTHING
    change = (second["mean"] - first["mean"])[shared]
    most = str(change.abs().idxmax())
    turned = [
        f"{b} beats {a} here, and {a} beats {b} there"
        for a in shared
        for b in shared
        if b in first["beats"][a].split(", ") and a in second["beats"][b].split(", ")
    ]
    told = "; ".join(turned) or "no row beats here one that beats it there"
    return f"the largest change of a mean is {change[most]:+.3f}, of {most}; {told}"


def difference_told(tests: pd.DataFrame, row: str, other: str, metric: str) -> str:
    """Put the test of two rows in words.

    Parameters
    ----------
    tests : DataFrame
        From :func:`musig.experiments.tables.tests`, with the pair in either order.
    row, other : str
    metric : str

    Returns
    -------
    str
        Without a full stop; says where the pair was not tested.

    Notes
    -----
    Notebook: 07_methods

    Examples
    --------
    >>> columns = ["metric", "method", "against", "difference", "low", "high", "p_holm", "verdict"]
    >>> given = pd.DataFrame([("mrr", "als", "ease", -0.1, -0.2, 0.0, 0.04, "worse")],
    ...                      columns=columns)
    >>> difference_told(given, "ease", "als", "mrr")
    'ease is +0.1000 [+0.0000, +0.2000] from als, corrected p 0.0400: ease beats als'
    """
    of_metric = tests[tests["metric"] == metric]
    for a, b, sign in ((row, other, 1), (other, row, -1)):
        found = of_metric[(of_metric["method"] == a) & (of_metric["against"] == b)]
        if found.empty:
            continue
        test = found.iloc[0]
        ends = sorted((sign * test["low"] + 0.0, sign * test["high"] + 0.0))
        better = test["verdict"] == ("better" if sign > 0 else "worse")
        told = "no test tells the two apart"
        if test["verdict"]:
            told = f"{row} beats {other}" if better else f"{other} beats {row}"
        return (
            f"{row} is {sign * test['difference']:+.4f} [{ends[0]:+.4f}, {ends[1]:+.4f}] from"
            f" {other}, corrected p {test['p_holm']:.4f}: {told}"
        )
    return f"{row} against {other}: {NOTHING}"


def against(tests: pd.DataFrame, order: Sequence[str]) -> pd.DataFrame:
    """Arrange differences to one row for :func:`musig.pages.intervals.dots`.

    Parameters
    ----------
    tests : DataFrame
        From :func:`musig.experiments.tables.tests` with a reference and one metric.
    order : sequence of str
        Rows to show; one that was not tested has NaN.

    Returns
    -------
    DataFrame
        Index the rows; ``mean`` (the difference), ``low``, ``high``, and ``sure``: whether the
        corrected test tells it from chance.

    Notes
    -----
    Notebook: 10_sensitivity
    """
    found = tests.set_index("method").rename(columns={"difference": "mean"})
    found = found.reindex(list(order))[["mean", "low", "high", "verdict"]]
    found["sure"] = found["verdict"].isin(["better", "worse"])
    return found.drop(columns="verdict").astype({"mean": float, "low": float, "high": float})


def changes_told(tests: pd.DataFrame) -> str:
    """Say which rows are better and which worse than their reference, and of which no test tells.

    Parameters
    ----------
    tests : DataFrame
        From :func:`musig.experiments.tables.tests` with a reference and one metric.

    Returns
    -------
    str
        Without a full stop; :data:`NOTHING` where there are no tests.

    Notes
    -----
    Notebook: 10_sensitivity

    Examples
    --------
    >>> columns = ["metric", "method", "against", "difference", "verdict"]
    >>> given = [("mrr", "hops=1", "default", -0.1, "worse"), ("mrr", "hops=3", "default", 0, "")]
    >>> changes_told(pd.DataFrame(given, columns=columns))
    'In mrr, below default: hops=1 (-0.100); above it: none; not told apart from it: hops=3'
    """
    if tests.empty:
        return NOTHING[0].upper() + NOTHING[1:]
    reference, metric = tests["against"].iloc[0], tests["metric"].iloc[0]
    verdicts = {"worse": [], "better": [], "": []}  # type: dict[str, list[str]]
    for row in tests.to_dict("records"):
        size = f" ({row['difference']:+.3f})" if row["verdict"] else ""
        verdicts[row["verdict"]].append(row["method"] + size)
    below, above, level = (", ".join(verdicts[kind]) or "none" for kind in verdicts)
    below, above = (above, below) if metric in LOWER_IS_BETTER else (below, above)
    return (
        f"In {metric}, below {reference}: {below}; above it: {above}; not told apart from it:"
        f" {level}"
    )


def spread(table: pd.DataFrame, metric: str) -> pd.DataFrame:
    """List how far trainings of the same settings are from each other.

    Parameters
    ----------
    table : DataFrame
        From :func:`musig.experiments.tables.table`.
    metric : str

    Returns
    -------
    DataFrame
        Columns ``row``, ``trainings``, ``lowest``, ``highest`` (means of single trainings) and
        ``deviation``: as text, None where there are not two.

    Notes
    -----
    Notebook: 10_sensitivity

    Examples
    --------
    >>> columns = ["method", "metric", "seeds", "least", "most", "spread"]
    >>> given = [("default", "mrr", 3, 0.1, 0.12, 0.01), ("hops=1", "mrr", 0, None, None, None)]
    >>> spread(pd.DataFrame(given, columns=columns), "mrr")["deviation"].tolist()
    ['0.0100', None]
    """
    of_metric = table[table["metric"] == metric]
    lines = pd.DataFrame(
        {"row": of_metric["method"], "trainings": of_metric["seeds"]}, dtype=object
    )
    lines["trainings"] = [str(count) if count else None for count in of_metric["seeds"]]
    for name, column in (("lowest", "least"), ("highest", "most"), ("deviation", "spread")):
        values = [None if pd.isna(value) else f"{value:.4f}" for value in of_metric[column]]
        lines[name] = pd.Series(values, index=lines.index, dtype=object)
    return lines.reset_index(drop=True)


def noise_told(table: pd.DataFrame, name: str, metric: str) -> str:
    """Say how far the trainings of one row are from each other.

    Parameters
    ----------
    table : DataFrame
        From :func:`musig.experiments.tables.table`.
    name, metric : str

    Returns
    -------
    str
        Without a full stop.

    Notes
    -----
    Notebook: 10_sensitivity

    Examples
    --------
    >>> columns = ["method", "metric", "seeds", "least", "most", "spread"]
    >>> given = pd.DataFrame([("default", "mrr", 3, 0.1, 0.12, 0.01)], columns=columns)
    >>> noise_told(given, "default", "mrr")
    'the means of 3 trainings of default range from 0.1000 to 0.1200, standard deviation 0.0100'
    """
    found = table[(table["method"] == name) & (table["metric"] == metric)]
    if found.empty or pd.isna(found["spread"].iloc[0]):
        return NOTHING
    row = found.iloc[0]
    return (
        f"the means of {row['seeds']} trainings of {name} range from {row['least']:.4f} to"
        f" {row['most']:.4f}, standard deviation {row['spread']:.4f}"
    )


def there(table: pd.DataFrame) -> str:
    """Say how much of a recorded table is there.

    Parameters
    ----------
    table : DataFrame
        From :func:`musig.experiments.tables.table`.

    Returns
    -------
    str
        Without a full stop.

    Notes
    -----
    Notebook: 07_methods

    Examples
    --------
    >>> columns = ["method", "mean", "remark"]
    >>> given = [("ease", 0.6, ""), ("als", 0.1, "3 of 5 cells"), ("musig", None, "not run yet")]
    >>> there(pd.DataFrame(given, columns=columns))
    '1 of 3 rows are whole, 2 with a remark'
    """
    rows_of = table.groupby("method", sort=False).agg({"mean": "count", "remark": "first"})
    whole = int(((rows_of["mean"] > 0) & ~rows_of["remark"].str.contains("of .* cells")).sum())
    if not (rows_of["mean"] > 0).any():
        return f"none of {len(rows_of)} rows has been recorded"
    remarks = int((rows_of["remark"] != "").sum())
    return f"{whole} of {len(rows_of)} rows are whole, {remarks or 'none'} with a remark"


def origin(results: Iterable[CellResult]) -> str:
    """Say on which data, from which source and where recorded cells were computed.

    Parameters
    ----------
    results : iterable of CellResult
        From :func:`musig.experiments.read`.

    Returns
    -------
    str
        One line, or the command that records them.

    Notes
    -----
    Notebook: 07_methods
    """
    results = list(results)
    runs = [result.run for result in results if result.run]
    if not runs:
        names = sorted({result.cell.experiment for result in results})
        return f"{NOTHING}; to make it: {command(' '.join(names))}"
    days = sorted({str(run["when"])[:10] for run in runs})
    commits = sorted({str(run["commit"] or "no commit")[:9] for run in runs})
    parts = [
        ", ".join(sorted({str(run["data"]) for run in runs})),
        f"{len(runs)} of {len(results)} cells",
        "commit " + ", ".join(commits[:3]) + (", …" if len(commits) > 3 else ""),
        ", ".join(sorted({str(run["device"]) for run in runs})),
        days[0] if len(days) == 1 else f"{days[0]} to {days[-1]}",
    ]
    for remark in sorted({result.remark for result in results if result.run and result.remark}):
        parts.append(f"{sum(result.remark == remark for result in results)} {remark}")
    return " · ".join(parts)


def gain_told(table: pd.DataFrame, name: str, metric: str) -> str:
    """Put a gain in words.

    Parameters
    ----------
    table : DataFrame
        From :func:`musig.pages.methods.gains`.
    name, metric : str

    Returns
    -------
    str
        Without a full stop; :data:`NOTHING` where there is none.

    Notes
    -----
    Notebook: 07_methods

    Examples
    --------
    >>> line = ("musig", "hit_rate@10", 0.7, "als", 0.8, -0.125, -0.13, -0.12, 900, 1.016)
    >>> columns = ["row", "metric", "value", "best", "of_best", "gain", "low", "high", "n", "asked"]
    >>> gain_told(pd.DataFrame([line], columns=columns), "musig", "hit_rate@10")
    '-12 % [-13, -12] against als; 27 % more than 0.800 is 1.016, above the most there is'
    """
    found = table[(table["row"] == name) & (table["metric"] == metric)]
    if found.empty:
        return NOTHING
    row = found.iloc[0]
    low, high = round(100 * row["low"]), round(100 * row["high"])
    text = f"{100 * row['gain']:+.0f} % [{low:+d}, {high:+d}] against {row['best']}"
    asked = f"; 27 % more than {row['of_best']:.3f} is {row['asked']:.3f}"
    return text + asked + (", above the most there is" if row["asked"] > 1 else "")
