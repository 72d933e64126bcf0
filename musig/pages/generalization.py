"""Tables and figures of other uses: methods by tasks, and what one use costs of another.

Conventions
-----------
Takes cells of the protocol :mod:`musig.downstream`. Completion is by playlists, all else is by
artists of unseen tracks, but for themes, which are by playlists too: every interval and test is
over those. Nothing is named as better that a corrected test does not tell apart.

Contents
--------
- :data:`TASKS`: what is asked, in words; :func:`chosen`: which rows a page computes.
- :func:`side_by_side`: all rows and tasks in one long table; :func:`matrix`: the same to look at;
  :func:`trivial`: the answers that need no embedding; :func:`lacking`: what could not be asked.
- :func:`shares`: how far each row gets, for a heat map; :func:`features`: sound, one by one.
- :func:`removed`: what is left of an attribute group that was taken away.
- :func:`front`, :func:`fronts`, :func:`pareto`: who is beaten by nobody in two uses at once.
- :func:`fooled`: one question asked with and without care.
- :func:`against`, :func:`helped`: rows against one row; whether further tasks help.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from IPython.display import HTML
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from musig.catalog import FEATURES, Catalog
from musig.downstream import MEASURES, ask
from musig.errors import MusigError, nearest
from musig.experiments import tables
from musig.experiments.cells import CellResult
from musig.experiments.plans import USES
from musig.pages.groups import NO_TEST
from musig.pages.methods import folded, wide
from musig.pages.simplex import measured
from musig.pages.style import GREY, MARKERS, PALETTE, WIDTH, plain
from musig.pages.tables import show
from musig.splits import Split
from musig.tasks import Embed

COMPLETION = "recall@10"
TASKS = {
    COMPLETION: "completion, recall@10",
    "genre_f1": "genre, macro F1",
    "popularity_spearman": "popularity, Spearman",
    "audio_r2": "sound, R²",
    "artist_r_precision": "artist, R-precision",
    "theme_auc": "theme, AUC",
    "version_mrr": "version, MRR",
}
"""Every measure in words; the first is what the methods are made for."""

COMPUTED = (
    "random",
    "attributes+neighbours",
    "als",
    "track2vec",
    "graphsage",
    "musig-single",
    "musig",
    "musig-uncertainty",
    "musig+artist",
    "musig+next",
    "musig-no-GENRE",
)
"""Rows that the chapter computes, where nobody says which."""

ASKED_OF = {"GENRE": "genre_f1", "AUDIO": "audio_r2", "POPULARITY": "popularity_spearman"}
"""Attribute group to the measure that asks for it."""

TRADED = (
    "musig-single",
    "musig",
    "musig-uncertainty",
    "musig-surgery",
    "musig+artist",
    "musig+next",
    "musig+artist+next",
)
"""Rows of one encoder, taught differently: those among which a front is drawn."""


def chosen(compared: str) -> list[str]:
    """List the rows that a page computes.

    Parameters
    ----------
    compared : str
        Rows of the plan, with commas; none: :data:`COMPUTED`; "all": all of them.

    Returns
    -------
    list of str
        In the order of the plan, each once.

    Raises
    ------
    MusigError
        If there is no such row.

    Notes
    -----
    Notebook: 14_generalization

    Examples
    --------
    >>> chosen("musig, als,als")
    ['als', 'musig']
    >>> chosen("mussig")
    Traceback (most recent call last):
    musig.errors.MusigError: Unknown row 'mussig': did you mean 'musig'? Valid: random, ...
    """
    asked = [name.strip() for name in compared.split(",") if name.strip()]
    if asked == ["all"]:
        return list(USES)
    for name in asked:
        if name not in USES:
            raise MusigError(f"Unknown row '{name}': {nearest(name, USES)}")
    return [name for name in USES if name in (asked or COMPUTED)]


def side_by_side(results: Iterable[CellResult], level: float = 0.95) -> pd.DataFrame:
    """Put all rows and tasks in one long table.

    Parameters
    ----------
    results : iterable of CellResult
    level : float in (0, 1)
        Of the intervals; 1 - level is the chance, for each task, of any false "beats".

    Returns
    -------
    DataFrame
        One row a row and task, as :func:`musig.experiments.tables.table` has it: ``method, metric``
        (of :data:`TASKS`), ``mean, low, high, n`` (playlists or artists), ``folds, seeds, beats,
        remark, command``. A task that could not be asked has NaN.

    Notes
    -----
    Notebook: 14_generalization
    """
    results = list(results)
    completed = tables.table(results, [COMPLETION], level)
    completed = completed.drop(columns=["trials", "by_hand", "spread", "least", "most"])
    held = tables.held_out(results, level)
    held = held[held["measure"].isin(MEASURES)].set_index(["method", "measure"])
    there = [name for name in MEASURES if name in held.index.get_level_values("measure")]
    found = tables.held_out_tests(results, there, level=level) if there else pd.DataFrame()
    parts = [completed]
    for measure in MEASURES:
        lines = completed.assign(metric=measure, mean=np.nan, low=np.nan, high=np.nan, n=0)
        lines["beats"] = ""
        for at, name in zip(lines.index, lines["method"], strict=True):
            if (name, measure) in held.index:
                known = held.loc[(name, measure)]
                for column in ("mean", "low", "high"):
                    lines.loc[at, column] = known[column]
                lines.loc[at, "n"] = 0 if pd.isna(known["artists"]) else int(known["artists"])
                beaten = _beaten(found, name, measure)
                lines.loc[at, "beats"] = ", ".join(n for n in lines["method"] if n in beaten)
        parts.append(lines)
    return pd.concat(parts, ignore_index=True)


def _beaten(found: pd.DataFrame, name: str, measure: str) -> set[str]:
    """Find the rows that one beats, whichever side of the test it stood on."""
    if found.empty:
        return set()
    of = found[found["metric"] == measure]
    ahead = of[(of["method"] == name) & (of["verdict"] == "better")]
    behind = of[(of["against"] == name) & (of["verdict"] == "worse")]
    return {*ahead["against"], *behind["method"]}


def trivial(results: Iterable[CellResult]) -> pd.Series:
    """Give the answers that need no embedding, averaged over cells: they share them.

    Parameters
    ----------
    results : iterable of CellResult

    Returns
    -------
    Series of float
        By measure, of those that were asked.

    Notes
    -----
    Notebook: 14_generalization
    """
    told = [dict(result.measures.get("held_out") or {}) for result in results]
    known = {
        name: [each[f"{name}_trivial"] for each in told if f"{name}_trivial" in each]
        for name in MEASURES
    }
    return pd.Series({name: np.mean(each) for name, each in known.items() if each}, dtype=float)


def lacking(results: Iterable[CellResult]) -> str:
    """Say which tasks the data cannot ask, and which rows cannot be asked.

    Parameters
    ----------
    results : iterable of CellResult

    Returns
    -------
    str
        Without a full stop; "nothing" where all could be asked.

    Notes
    -----
    Notebook: 14_generalization

    Examples
    --------
    >>> lacking([])
    'nothing'
    """
    asked: dict[str, dict[str, None]] = {}
    for result in results:
        for measure, why in (result.measures.get("lacking") or {}).items():
            tasks = asked.setdefault(why, {})
            if measure != "all":
                tasks[TASKS[measure].partition(",")[0]] = None
    told = [f"{', '.join(tasks)}: {why}" if tasks else why for why, tasks in asked.items()]
    return "; ".join(told) or "nothing"


def matrix(table: pd.DataFrame, answers: pd.Series) -> pd.DataFrame:
    r"""Write the long table as rows by tasks.

    Parameters
    ----------
    table : DataFrame
        From :func:`side_by_side`.
    answers : Series
        From :func:`trivial`: the last line.

    Returns
    -------
    DataFrame
        As :func:`musig.pages.methods.wide`, without tasks that nobody was asked.

    Notes
    -----
    Notebook: 14_generalization
    """
    asked = [name for name in TASKS if (table["metric"] == name).any()]
    known = table.groupby("metric")["mean"].count()
    asked = [name for name in asked if known[name] or name == COMPLETION]
    made = wide(table, asked, about=("seeds", "remark"))
    if len(answers):
        line = {"row": "trivial answer"} | {
            name: f"{answers[name]:.3f}" for name in asked if name in answers
        }
        made = pd.concat([made, pd.DataFrame([line], dtype=object)], ignore_index=True)
        made = made.astype(object).where(made.notna(), None)
    return made.rename(columns=TASKS)


def features(results: Iterable[CellResult], level: float = 0.95) -> HTML:
    """Show how much of each audio feature a probe explains, folded.

    Parameters
    ----------
    results : iterable of CellResult
    level : float in (0, 1)
        Of the intervals, over artists.

    Returns
    -------
    IPython.display.HTML
        Rows by features: R² and its interval; a dash where nothing is known.

    Notes
    -----
    Notebook: 14_generalization
    """
    held = tables.held_out(results, level)
    names = {name: f"audio_r2_{name}" for name in FEATURES}
    shown = measured(held[held["measure"].isin(names.values())], dict.fromkeys(names.values(), ""))
    shown = shown.rename(columns={measure: name for name, measure in names.items()})
    return folded(show(shown), "R² of each of the nine features")


def shares(table: pd.DataFrame, answers: pd.Series) -> pd.DataFrame:
    """Say how far each row gets from the trivial answer to the best row, task by task.

    Parameters
    ----------
    table : DataFrame
        From :func:`side_by_side`.
    answers : Series
        From :func:`trivial`; completion begins at 0.

    Returns
    -------
    DataFrame of float
        Rows by tasks, 1 for the best row; below 0 for what is worse than the trivial answer, cut at
        -1. NaN where nothing was asked, or no row is better than the trivial answer.

    Notes
    -----
    Notebook: 14_generalization

    Examples
    --------
    >>> given = pd.DataFrame({"method": ["a", "b"], "metric": "theme_auc", "mean": [0.75, 1.0]})
    >>> shares(given, pd.Series({"theme_auc": 0.5}))["theme, AUC"].tolist()
    [0.5, 1.0]
    """
    wide = table.pivot_table(index="method", columns="metric", values="mean", sort=False)
    wide = wide.reindex(index=list(dict.fromkeys(table["method"])))
    made = {}
    for name, words in TASKS.items():
        if name not in wide:
            continue
        bottom = float(answers.get(name, 0.0))
        best = float(wide[name].max())
        made[words] = (
            ((wide[name] - bottom) / (best - bottom)).clip(lower=-1)
            if (best > bottom)
            else wide[name] * np.nan
        )
    return pd.DataFrame(made, index=wide.index)


def removed(table: pd.DataFrame) -> pd.DataFrame:
    r"""Put what is known of a group beside what is left of it where it was taken away.

    Parameters
    ----------
    table : DataFrame
        From :func:`side_by_side`.

    Returns
    -------
    DataFrame
        ``row``, and one column a group with the measure that asks for it, mean and interval:
        attributes alone and with neighbours, then each encoder with the group and without, given
        and taught neither.

    Notes
    -----
    Notebook: 14_generalization
    """
    lines: list[dict[str, str | None]] = []
    for encoder in ("attributes", "attributes+neighbours", "graphsage", "musig-single", "musig"):
        if encoder in set(table["method"]):
            told = {group: _told(table, encoder, group) for group in ASKED_OF}
            lines.append({"row": encoder, **told})
        without = {group: f"{encoder}-no-{group}" for group in ASKED_OF}
        if any(name in set(table["method"]) for name in without.values()):
            told = {group: _told(table, name, group) for group, name in without.items()}
            lines.append({"row": f"{encoder}, without the group", **told})
    columns = {group: f"{group}: {TASKS[name]}" for group, name in ASKED_OF.items()}
    return pd.DataFrame(lines, columns=["row", *ASKED_OF]).rename(columns=columns)


def _told(table: pd.DataFrame, row: str, group: str) -> str | None:
    found = table[(table["method"] == row) & (table["metric"] == ASKED_OF[group])]
    if found.empty or pd.isna(found["mean"].iloc[0]):
        return None
    line = found.iloc[0]
    return f"{line['mean']:.3f} [{line['low']:.3f},\u00a0{line['high']:.3f}]"


def front(x: pd.Series, y: pd.Series) -> list[str]:
    """Find the rows that no other is above in both.

    Parameters
    ----------
    x, y : Series of float
        By row; of both, more is better.

    Returns
    -------
    list of str
        By x, ascending. Intervals are not looked at: a front may lie within them.

    Notes
    -----
    Notebook: 14_generalization

    Examples
    --------
    >>> front(pd.Series({"a": 1, "b": 2, "c": 1}), pd.Series({"a": 2, "b": 1, "c": 1}))
    ['a', 'b']
    """
    both = pd.DataFrame({"x": x, "y": y}).dropna().sort_values(["x", "y"], ascending=False)
    kept, best = [], -np.inf
    for name, row in both.iterrows():
        if row["y"] > best:
            kept.append(str(name))
            best = row["y"]
    return kept[::-1]


def pareto(
    table: pd.DataFrame, answers: pd.Series, rows: Sequence[str] = TRADED
) -> tuple[Figure, np.ndarray]:
    """Draw every other use against completion: what one costs of the other.

    Parameters
    ----------
    table : DataFrame
        From :func:`side_by_side`.
    answers : Series
        From :func:`trivial`: a dashed line.
    rows : sequence of str
        Those of which the front is drawn, at most seven; others are grey dots, as far as they are
        near.

    Returns
    -------
    Figure, ndarray of Axes
        A panel a task, with 95 % intervals both ways.

    Notes
    -----
    Notebook: 14_generalization
    """
    by_metric = {name: part.set_index("method") for name, part in table.groupby("metric")}
    nothing = pd.DataFrame(columns=["mean", "low", "high"], dtype=float)
    x = by_metric.get(COMPLETION, nothing)
    asked = [m for m in MEASURES if by_metric.get(m, nothing)["mean"].notna().any()]
    fig, grid = plt.subplots(3, 2, figsize=(WIDTH, 7.6), sharex=True)
    axes = grid.ravel()
    for ax, measure in zip(axes, asked, strict=False):
        _panel(ax, x, by_metric[measure], rows, answers.get(measure))
        ax.set_title(plain(TASKS[measure]), fontsize=10)
    for ax in axes[len(asked) :]:
        ax.set_axis_off()
    for ax in axes[max(0, len(asked) - 2) : len(asked)]:
        ax.set_xlabel(plain(TASKS[COMPLETION]))
        ax.tick_params(labelbottom=True)
    if not asked:
        axes[0].text(0.5, 0.5, "no result", ha="center", color=GREY, transform=axes[0].transAxes)
        return fig, axes
    handles, labels = axes[0].get_legend_handles_labels()
    fig.legend(handles, labels, loc="outside lower center", ncols=3, fontsize=8)
    return fig, axes


def _panel(
    ax: Axes, x: pd.DataFrame, y: pd.DataFrame, rows: Sequence[str], answer: float | None
) -> None:
    told = False
    for name in y.index:
        if pd.isna(y["mean"][name]) or name not in x.index or pd.isna(x["mean"][name]):
            continue
        if name not in rows:
            label = None if told else "other rows"
            told = True
            ax.plot(x["mean"][name], y["mean"][name], ".", color="#a0a0a0", label=label, zorder=1)
            continue
        n = list(rows).index(name)
        spans = [
            None
            if pd.isna(of["low"][name])
            else [[of["mean"][name] - of["low"][name]], [of["high"][name] - of["mean"][name]]]
            for of in (x, y)
        ]
        ax.errorbar(
            x["mean"][name], y["mean"][name], xerr=spans[0], yerr=spans[1],
            color=PALETTE[n % 7], marker=MARKERS[n % 7], markersize=6, linewidth=1,
            elinewidth=0.8, linestyle="none", label=plain(name), zorder=3,
        )  # fmt: skip
    ours = [name for name in rows if name in x.index and name in y.index]
    edge = front(x["mean"].reindex(ours), y["mean"].reindex(ours))
    if len(edge) > 1:
        ax.plot(x["mean"][edge], y["mean"][edge], color=GREY, linewidth=1, zorder=2)
    if answer is not None:
        ax.axhline(answer, color=GREY, linestyle=(0, (5, 2)), linewidth=0.8, label="trivial answer")
    known = [name for name in ours if not pd.isna(y["mean"][name])]
    for of, limit in ((x, ax.set_xlim), (y, ax.set_ylim)):
        if known:  # about the rows in question: others may be far away
            ends = of.loc[known, ["mean", "low", "high"]].to_numpy(dtype=float)
            low, high = np.nanmin(ends), np.nanmax(ends)
            limit(low - 0.1 * (high - low or 1), high + 0.1 * (high - low or 1))


def fooled(
    view: Embed, catalog: Catalog, split: Split, unseen: np.ndarray, seed: int = 0
) -> pd.DataFrame:
    """Ask one embedding for the genre of tracks, with less and less in sight.

    Parameters
    ----------
    view : callable
        From :func:`musig.downstream.view_of`.
    catalog : Catalog
        The universe with all that is known.
    split : Split
    unseen : ndarray of bool, shape (n_tracks,)
        Whole artists.
    seed : int, >= 0
        Draws as many tracks of any artists.

    Returns
    -------
    DataFrame
        ``asked about``, ``GENRE of these tracks`` and ``macro F1``: the same classifier on the same
        embedding; the last line is how the chapter asks. NaN where the data know no genre.

    Notes
    -----
    Notebook: 14_generalization
    """
    drawn = np.zeros_like(unseen)
    drawn[np.random.default_rng(seed).choice(len(unseen), int(unseen.sum()), replace=False)] = True

    def in_sight(*hidden: object) -> Tensor:
        return view()

    ways: list[tuple[str, str, Embed, np.ndarray]] = [
        ("tracks of any artist", "in sight", in_sight, drawn),
        ("artists that are new", "in sight", in_sight, unseen),
        ("tracks of any artist", "hidden", view, drawn),
        ("artists that are new", "hidden", view, unseen),
    ]
    lines = []
    for about, genre, way, rows in ways:
        found = ask(way, catalog, split, rows, seed, only=("genre_f1",))[0].measures
        value = found.get("genre_f1", float("nan"))
        lines.append({"asked about": about, "GENRE of these tracks": genre, "macro F1": value})
    return pd.DataFrame(lines)


def against(results: Iterable[CellResult], reference: str = "musig") -> pd.DataFrame:
    """Test every row against one, in completion and in all other tasks.

    Parameters
    ----------
    results : iterable of CellResult
    reference : str

    Returns
    -------
    DataFrame
        As :func:`musig.experiments.tables.tests`; corrected for each task apart. Empty where the
        reference is not there.

    Notes
    -----
    Notebook: 14_generalization
    """
    results = list(results)
    made = tables.rows(results)
    nothing = tables.tests([], None)
    if reference not in made:
        return nothing
    known = {m for r in results for m in (r.measures.get("held_out") or {}) if m in MEASURES}
    parts = [tables.tests(results, [COMPLETION], reference)]
    if known:
        asked = [name for name in MEASURES if name in known]
        parts.append(tables.held_out_tests(results, asked, reference))
    parts = [part for part in parts if len(part)]
    return pd.concat(parts, ignore_index=True) if parts else nothing


def helped(found: pd.DataFrame, rows: Mapping[str, str]) -> str:
    """Say whether rows are better or worse than what they were tested against.

    Parameters
    ----------
    found : DataFrame
        From :func:`against`.
    rows : mapping of str to str
        Row to how it is called in the sentence.

    Returns
    -------
    str
        Without a full stop; :data:`musig.pages.groups.NO_TEST` where there is none.

    Notes
    -----
    Notebook: 14_generalization

    Examples
    --------
    >>> given = pd.DataFrame({"method": "b", "metric": ["genre_f1", "theme_auc"],
    ...                       "difference": [0.1, 0.0], "verdict": ["better", ""]})
    >>> helped(given, {"b": "the artist task"})
    'the artist task: better in genre (+0.100); worse in nothing; not told apart in theme'
    """
    told = []
    for row, name in rows.items():
        lines = found[found["method"] == row].to_dict("records")
        if not lines:
            continue
        said: dict[str, list[str]] = {"better": [], "worse": [], "": []}
        for line in lines:
            words = TASKS[line["metric"]].partition(",")[0]
            size = f" ({line['difference']:+.3f})" if line["verdict"] else ""
            said[line["verdict"]].append(words + size)
        better, worse, level = (", ".join(said[key]) or "nothing" for key in said)
        told.append(f"{name}: better in {better}; worse in {worse}; not told apart in {level}")
    return ". ".join(told) or NO_TEST


def fronts(table: pd.DataFrame, rows: Sequence[str] = TRADED) -> dict[str, Any]:
    """List, for every task, the rows that no other is above in it and in completion.

    Parameters
    ----------
    table : DataFrame
        From :func:`side_by_side`.
    rows : sequence of str

    Returns
    -------
    dict of str to list of str
        Task in words to rows.

    Notes
    -----
    Notebook: 14_generalization
    """
    means = table.pivot_table(index="method", columns="metric", values="mean", sort=False)
    means = means.reindex(list(rows)).dropna(how="all")
    if COMPLETION not in means:
        return {}
    return {
        TASKS[name]: front(means[COMPLETION], means[name]) for name in MEASURES if name in means
    }
