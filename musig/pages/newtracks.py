"""New tracks on a page: curves against what is told, sentences, and one track looked at closely.

Conventions
-----------
Takes what :mod:`musig.experiments.scenarios` gives, and only arranges it. A sentence says that a
row is better only where a corrected test does.

Contents
--------
- :func:`wide`, :func:`drawn`: tables and curves, with scenarios as
  :data:`musig.experiments.scenarios.HEADS` calls them.
- :func:`compared`, :func:`differences`: two rows, scenario by scenario; :func:`in_the_way`: new
  among all;
  :func:`first_places`, :func:`crowded`: what a list of all tracks holds; :func:`best_of`: the
  highest.
- :func:`told_of`, :func:`nearest`: one track.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from musig.experiments.scenarios import HEADS
from musig.inductive import Embedded
from musig.modelfolder import Trained
from musig.newtracks import Newcomers, told
from musig.pages import methods
from musig.pages.groups import NO_TEST
from musig.pages.groups import told as told_pair

NO_NUMBER = "not run yet"


def wide(table: pd.DataFrame) -> pd.DataFrame:
    """Put rows one under the other, a column a scenario.

    Parameters
    ----------
    table : DataFrame
        From :func:`musig.experiments.scenarios.table`.

    Returns
    -------
    DataFrame
        As :func:`musig.pages.methods.wide`; letters name the rows that one beats in that scenario.

    Notes
    -----
    Notebook: 12_new_tracks
    """
    shown = list(dict.fromkeys(table["metric"]))
    whole = table.iloc[table["metric"].map(shown.index).argsort(kind="stable")]
    # every row is in the scenario "0", not in "none": its letter is the one it has there
    order = {name: n for n, name in enumerate(_order(table))}
    whole = whole.iloc[whole["method"].map(order).argsort(kind="stable")]
    made = methods.wide(whole, shown, ("n", "folds", "seeds", "remark"))
    return made.rename(columns={name: f"told {HEADS[name]}" for name in shown})


def _order(table: pd.DataFrame) -> list[str]:
    """Give the rows in the order of the scenario that has most of them."""
    sizes = table.groupby("metric")["method"].nunique()
    return table[table["metric"] == sizes.idxmax()]["method"].tolist()


def drawn(series: pd.DataFrame, rows: Sequence[str]) -> pd.DataFrame:
    r"""Choose what a curve shows, for :func:`musig.pages.intervals.steps`.

    Parameters
    ----------
    series : DataFrame
        From :func:`musig.experiments.scenarios.series`.
    rows : sequence of str
        Those that are not there are left out.

    Returns
    -------
    DataFrame
        Columns ``method``, ``told``, ``mean``, ``low``, ``high``; the rows in the order given.

    Notes
    -----
    Notebook: 12_new_tracks

    Examples
    --------
    >>> columns = ["method", "scenario", "mean", "low", "high"]
    >>> lines = [("a", "none", 0.1, 0.0, 0.2), ("b", "0", 0.1, 0.0, 0.2)]
    >>> drawn(pd.DataFrame(lines, columns=columns), ["b"])["told"].tolist()
    ['ten\nlike it']
    """
    places = {name: n for n, name in enumerate(HEADS)}
    chosen = series[series["method"].isin(list(rows))].copy()
    keys = chosen["scenario"].map(places) * 100 + chosen["method"].map(list(rows).index)
    chosen = chosen.iloc[keys.to_numpy(dtype=float).argsort(kind="stable")]
    chosen["told"] = chosen["scenario"].map(HEADS).str.replace(" ", "\n", n=1)  # narrow steps
    return chosen[["method", "told", "mean", "low", "high"]].reset_index(drop=True)


def compared(tests: pd.DataFrame, first: str, second: str) -> str:
    """Put the comparison of two rows in words, scenario by scenario.

    Parameters
    ----------
    tests : DataFrame
        From :func:`musig.experiments.scenarios.tests`.
    first, second : str
        Rows.

    Returns
    -------
    str
        Without a full stop; says where there is no test yet.

    Notes
    -----
    Notebook: 12_new_tracks

    Examples
    --------
    >>> columns = ["scenario", "metric", "method", "against", "difference", "low", "high", "p_holm"]
    >>> line = ("0", "recall@10", "a", "b", 0.1, 0.05, 0.15, 0.01, "better")
    >>> compared(pd.DataFrame([line], columns=[*columns, "verdict"]), "a", "b")
    'told ten like it: +0.100 [+0.050, +0.150] (better, p = 0.010)'
    """
    parts = []
    for scenario in dict.fromkeys(tests["scenario"]) if len(tests) else ():
        of = tests[tests["scenario"] == scenario]
        (metric,) = of["metric"].unique()
        text = told_pair(of, first, second, [metric]).partition(": ")[2]
        if text != NO_TEST:
            parts.append(f"told {HEADS[scenario]}: {text.replace(f' in {metric}', '')}")
    return "; ".join(parts) or NO_TEST


def differences(
    tests: pd.DataFrame, pairs: Sequence[tuple[str, str]], scenarios: Sequence[str]
) -> pd.DataFrame:
    """Put comparisons of rows in a table, a column a scenario.

    Parameters
    ----------
    tests : DataFrame
        From :func:`musig.experiments.scenarios.tests`.
    pairs : sequence of (str, str)
        Rows: the first less the second.
    scenarios : sequence of str

    Returns
    -------
    DataFrame
        ``difference`` (the rows), and for each scenario what :func:`compared` says of it; None
        where there is no test.

    Notes
    -----
    Notebook: 12_new_tracks
    """
    lines = []
    for first, second in pairs:
        line: dict[str, str | None] = {"difference": f"{first} less {second}"}
        for scenario in scenarios:
            text = compared(tests[tests["scenario"] == scenario], first, second)
            told = text.partition(": ")[2] if text != NO_TEST else None
            line[f"told {HEADS[scenario]}"] = told
        lines.append(line)
    return pd.DataFrame(lines)


def in_the_way(among_new: pd.DataFrame, among_all: pd.DataFrame, row: str, scenario: str) -> str:
    """Say how much less is found where known tracks are ranked, too.

    Parameters
    ----------
    among_new, among_all : DataFrame
        From :func:`musig.experiments.scenarios.series`, of either kind.
    row, scenario : str

    Returns
    -------
    str
        Without a full stop.

    Notes
    -----
    Notebook: 12_new_tracks
    """
    means = []
    for series in (among_new, among_all):
        of = series[(series["method"] == row) & (series["scenario"] == scenario)]["mean"]
        if of.empty:
            return NO_NUMBER
        means.append(f"{of.iloc[0]:.3f}")
    return f"{means[0]} among new tracks, {means[1]} among all"


def first_places(shares: pd.DataFrame) -> pd.DataFrame:
    """Put what stands in the first ten places in a table.

    Parameters
    ----------
    shares : DataFrame
        From :func:`musig.experiments.scenarios.first_ten`.

    Returns
    -------
    DataFrame
        One row a row; for each scenario the share of new tracks, and that of known ones that
        belong to the playlist, with their intervals.

    Notes
    -----
    Notebook: 12_new_tracks

    Examples
    --------
    >>> columns = ["method", "scenario", "of", "mean", "low", "high", "chance"]
    >>> shares = pd.DataFrame([("a", "all", "new", 0.5, 0.4, 0.6, 0.1)], columns=columns)
    >>> first_places(shares).to_numpy().tolist()
    [['a', '50.0 % [40.0, 60.0]']]
    """
    made: dict[str, dict[str, str]] = {}
    for line in shares.to_dict("records"):
        mean, low, high = (100 * line[name] for name in ("mean", "low", "high"))
        text = f"{mean:.1f} % [{low:.1f}, {high:.1f}]"
        made.setdefault(line["method"], {"method": line["method"]})[
            f"{line['of']}, told {HEADS[line['scenario']]}"
        ] = text
    return pd.DataFrame(made.values())


def crowded(shares: pd.DataFrame, row: str, scenario: str) -> str:
    """Say how many of the first ten of a row are new.

    Parameters
    ----------
    shares : DataFrame
        From :func:`musig.experiments.scenarios.first_ten`.
    row, scenario : str

    Returns
    -------
    str
        Without a full stop.

    Notes
    -----
    Notebook: 12_new_tracks

    Examples
    --------
    >>> columns = ["method", "scenario", "of", "mean", "low", "high", "chance"]
    >>> shares = pd.DataFrame([("a", "all", "new", 0.5, 0.4, 0.6, 0.1)], columns=columns)
    >>> crowded(shares, "a", "all")
    '50 % of the first ten are new'
    """
    chosen = (shares[["method", "scenario", "of"]] == (row, scenario, "new")).all(axis=1)
    means = shares.loc[chosen, "mean"]
    return f"{100 * means.iloc[0]:.0f} % of the first ten are new" if len(means) else NO_NUMBER


def best_of(series: pd.DataFrame, scenario: str) -> str:
    """Name the row with the highest mean of a scenario, and say that this is no test.

    Parameters
    ----------
    series : DataFrame
        From :func:`musig.experiments.scenarios.series`.
    scenario : str

    Returns
    -------
    str

    Notes
    -----
    Notebook: 12_new_tracks
    """
    of = series[series["scenario"] == scenario].dropna(subset="mean")
    if of.empty:
        return NO_NUMBER
    first = of.iloc[int(of["mean"].to_numpy().argmax())]
    return f"{first['method']} ({first['mean']:.3f} [{first['low']:.3f}, {first['high']:.3f}])"


def told_of(setting: Newcomers, place: int, scenario: str) -> pd.DataFrame:
    """List the edges that a scenario tells of one new track.

    Parameters
    ----------
    setting : Newcomers
    place : int
        Of the track among the new ones.
    scenario : str

    Returns
    -------
    DataFrame
        ``source`` (the new track), ``target`` (known ones) and ``weight``, as
        :func:`musig.inductive.embed_tracks` takes them.

    Notes
    -----
    Notebook: 12_new_tracks
    """
    row = told(setting, scenario)[[place]]
    track = setting.whole.tracks.index[setting.new][place]
    known = setting.known.tracks.index
    return pd.DataFrame({"source": track, "target": known[row.indices], "weight": row.data})


def nearest(model: Trained, made: Embedded, k: int = 3) -> pd.DataFrame:
    """List the tracks of a model nearest to the first of some new ones.

    Parameters
    ----------
    model : Trained
    made : Embedded
        From :func:`musig.inductive.embed_tracks`.
    k : int, > 0

    Returns
    -------
    DataFrame
        ``track_id``, ``name``, ``artist``, ``cosine``, the nearest first.

    Notes
    -----
    Notebook: 12_new_tracks
    """
    cosine = model.embeddings.numpy() @ made.vectors[0]
    best = np.argsort(-cosine, kind="stable")[:k]
    shown = model.tracks.iloc[best].reset_index()[["track_id", "name", "artist"]]
    return shown.assign(cosine=cosine[best])
