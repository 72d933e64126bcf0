"""Tables of many methods on a page: who beats whom, how each was tuned, what makes a row again.

Conventions
-----------
Takes what :mod:`musig.experiments.tables` gives, and only arranges it. Sentences about results are
in :mod:`musig.pages.standing`.

Contents
--------
- :func:`quick`: settings that train in seconds, for a page that is played with.
- :func:`wide`: one line a method; :func:`together`: its letters; :func:`commands`, :func:`folded`:
  what is opened by a click.
- :func:`gains`: by what share rows are above the best of others.
- :func:`settings`: those that were chosen, and how many trials it took; :func:`told`: in words;
  :func:`limits`, :data:`CANNOT`: what methods cannot do.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

import pandas as pd
from IPython.display import HTML

from musig import methods
from musig.errors import MusigError
from musig.experiments.cells import CellResult
from musig.experiments.claims import CLAIMED_GAIN
from musig.experiments.tables import STUDIES, by_hand, comparable, gain, rows
from musig.pages.tables import show
from musig.tuning import SPACES, read_study

LETTERS = "abcdefghijklmnopqrstuvwxyz"
TOLD = ("n", "folds", "seeds", "trials", "by_hand", "remark")
"""Columns of a table that are about its rows and not about one metric."""
NAMED = {"seeds": "trainings", "by_hand": "by hand"}
"""What they are called on a page, where that is not their name; playlists have seeds too."""
CANNOT = {"musig-best": "rank a track that it was not trained on: it keeps a number for each"}
"""What a class does not say of itself; in its source it would make all its recorded cells old."""


def quick(epochs: int, embedding_size: int) -> dict[str, dict[str, Any]]:
    """Give settings with which every method is fitted in seconds on the embedded catalogue.

    Parameters
    ----------
    epochs : int >= 1
        Of GraphSAGE and MUSIG; Track2Vec makes half as many passes, Node2Vec half as many rounds
        of walks, and musig-best five times as many steps.
    embedding_size : int >= 2
        Numbers a track, in all of them.

    Returns
    -------
    dict
        Settings by method, on top of the committed ones: the ``adjust`` of
        :mod:`musig.experiments.plans`.

    Notes
    -----
    Notebook: 07_methods

    Examples
    --------
    >>> quick(10, 32)["musig"]["epochs"]
    10
    """
    encoder = {
        "epochs": epochs,
        "embedding_size": embedding_size,
        "batch_size": 512,
        "evaluate_every": max(1, epochs // 2),
    }
    half, steps = max(1, epochs // 2), 5 * epochs
    best = {
        "steps": steps,
        "evaluate_every": max(1, steps // 2),
        "embedding_size": embedding_size,
        "frequencies": 128,
        "coordinates": embedding_size,
        "folds": 2,
    }
    return {
        "als": {"factors": embedding_size},
        "track2vec": {"epochs": half, "dimension": embedding_size},
        "node2vec": {"walks": half, "length": 20, "dimension": embedding_size},
        "graphsage": encoder,
        "musig": encoder,
        "musig-best": best,
    }


def wide(table: pd.DataFrame, metrics: Sequence[str], about: Sequence[str] = TOLD) -> pd.DataFrame:
    r"""Put many methods one under the other, with their intervals and whom each one beats.

    Parameters
    ----------
    table : DataFrame
        From :func:`musig.experiments.tables.table`.
    metrics : sequence of str
        Which to show, one column each.
    about : sequence of str
        Which columns about the row itself to show; those that the table has not are left out.

    Returns
    -------
    DataFrame
        One row a method, with a letter; the letters after a result are those of the rows that it
        beats, "a–d" being all from a to d. A row without results has None in every metric, and
        keeps its remark.

    Notes
    -----
    Notebook: 07_methods

    Examples
    --------
    >>> columns = ["method", "metric", "mean", "low", "high", "beats", "n", "remark"]
    >>> given = [("ease", "mrr", 0.6, 0.5, 0.7, "als", 9, ""),
    ...          ("als", "mrr", 0.1, 0.0, 0.2, "", 9, ""),
    ...          ("musig", "mrr", None, None, None, "", 0, "not run yet")]
    >>> wide(pd.DataFrame(given, columns=columns), ["mrr"])["mrr"].tolist()
    ['0.600 [0.500,\xa00.700] b', '0.100 [0.000,\xa00.200]', None]
    """
    names = list(dict.fromkeys(table["method"]))
    letters = dict(zip(names, LETTERS, strict=False))
    columns = [column for column in about if column in table]
    lines: dict[str, dict[str, Any]] = {name: {} for name in names}
    for row in table.to_dict("records"):
        line, name = lines[row["method"]], row["method"]
        if not line:
            line |= {"": letters.get(name, ""), "row": name, **dict.fromkeys(metrics)}
            line |= {NAMED.get(column, column): _about(row, column) for column in columns}
        if row["metric"] in metrics and not pd.isna(row["mean"]):
            text = f"{row['mean']:.3f}"
            if not pd.isna(row["low"]):
                text += f" [{row['low']:.3f},\u00a0{row['high']:.3f}]"  # does not break
            beaten = [letters[each] for each in str(row.get("beats", "")).split(", ") if each]
            line[row["metric"]] = f"{text} {together(beaten)}".strip()
    return pd.DataFrame(list(lines.values()), dtype=object)


def together(letters: Sequence[str]) -> str:
    """Write letters that follow each other as a range.

    Parameters
    ----------
    letters : sequence of str
        One letter each.

    Returns
    -------
    str

    Notes
    -----
    Notebook: 07_methods

    Examples
    --------
    >>> together("abcdf")
    'a–d f'
    """
    runs: list[str] = []
    for letter in letters:
        if runs and ord(letter) == ord(runs[-1][-1]) + 1:
            runs[-1] += letter
        else:
            runs.append(letter)
    return " ".join(f"{run[0]}–{run[-1]}" if len(run) > 2 else " ".join(run) for run in runs)


def _about(row: Mapping[Any, Any], column: str) -> str | None:
    """Write what is known of a row; where it has no playlists nothing was counted."""
    value = row[column]
    if isinstance(value, str):
        return value or None
    counted = column in ("n", "folds", "seeds")
    return None if pd.isna(value) or (counted and not value) else f"{value:,.0f}"


def folded(content: HTML, summary: str) -> HTML:
    """Hide something behind a line that is clicked.

    Parameters
    ----------
    content : IPython.display.HTML
    summary : str
        The line.

    Returns
    -------
    IPython.display.HTML

    Notes
    -----
    Notebook: 07_methods

    Examples
    --------
    >>> folded(HTML("<p>much</p>"), "more & more").data
    '<details><summary>more &amp; more</summary><p>much</p></details>'
    """
    return HTML(f"<details><summary>{escape(summary)}</summary>{content.data}</details>")


def commands(table: pd.DataFrame) -> HTML:
    """List what makes each row again, folded.

    Parameters
    ----------
    table : DataFrame
        With columns ``method`` and ``command``, as of :func:`musig.experiments.tables.table`.

    Returns
    -------
    IPython.display.HTML

    Notes
    -----
    Notebook: 07_methods

    Examples
    --------
    >>> given = pd.DataFrame({"method": ["ease"], "command": ["make results ROW=07_methods/ease"]})
    >>> "ROW=07_methods/ease" in commands(given).data
    True
    """
    of_row = table[["method", "command"]].drop_duplicates().rename(columns={"method": "row"})
    return folded(show(of_row), "The command of each row")


def gains(
    results: Iterable[CellResult],
    ours: Sequence[str],
    others: Sequence[str],
    metrics: Sequence[str],
) -> pd.DataFrame:
    """Say by what share rows are above the best of others.

    Parameters
    ----------
    results : iterable of CellResult
    ours : sequence of str
        Rows.
    others : sequence of str
        Rows; the best of them, by its mean, is what each is held against.
    metrics : sequence of str
        Of which more is better.

    Returns
    -------
    DataFrame
        One row a row and metric: ``row, metric, value, best, of_best, gain, low, high, n`` and
        ``asked``: the value that a gain of 27 % would need, which may be more than 1. Empty where
        one of the others, or all of ours, are not whole.

    Notes
    -----
    Picked after the fact, the best is a little harder to beat than any method named before.

    Notebook: 07_methods
    """
    made = rows(results)
    fit = comparable({name: made[name] for name in (*ours, *others) if name in made})
    columns = ["row", "metric", "value", "best", "of_best", "gain", "low", "high", "n", "asked"]
    lines = []
    if all(name in fit for name in others):
        for name in ours:
            for metric in metrics if name in fit else ():
                means = {other: fit[other].values(metric).mean() for other in others}
                best = max(means, key=lambda other: means[other])
                if not means[best] > 0:
                    continue  # nothing to be a share of
                a, b = (fit[row].values(metric).to_numpy() for row in (name, best))
                share, low, high = gain(a, b)
                asked = (1 + CLAIMED_GAIN) * means[best]
                lines.append(
                    (name, metric, a.mean(), best, means[best], share, low, high, len(a), asked)
                )
    return pd.DataFrame(lines, columns=columns)


def settings(names: Sequence[str] | None = None, studies: Path | None = None) -> pd.DataFrame:
    """List the settings that every method is run with, and where they come from.

    Parameters
    ----------
    names : sequence of str, optional
        By default all of :data:`musig.methods.METHODS`.
    studies : Path, optional
        Folder of ``NAME.json``; by default ``results/studies``.

    Returns
    -------
    DataFrame
        One row a method: ``method``, ``chosen`` (settings that a study chose, in words),
        ``trials``, ``by hand`` (configurations looked at before), ``ndcg of the defaults`` and
        ``of the best`` trial on validation playlists. What has no settings to choose says so.

    Notes
    -----
    A setting that no study was about has the default of its class.

    Notebook: 07_methods

    Examples
    --------
    >>> settings(["popularity"])["chosen"].item()
    'nothing to choose'
    """
    folder = STUDIES if studies is None else studies
    columns = ["method", "chosen", "trials", "by_hand", "defaults", "best"]
    lines = []
    for name in methods.METHODS if names is None else names:
        line: dict[str, Any] = {"method": name, "trials": None, "defaults": None, "best": None}
        if name not in SPACES:
            lines.append(line | {"chosen": "nothing to choose"})
            continue
        chosen = methods.tuned(name)
        line["chosen"] = told(chosen) or "the defaults"
        line["by_hand"] = by_hand(name)
        try:
            kept = read_study(folder / f"{name}.json")
        except MusigError:
            kept = None
        if kept is not None:
            first = next((t["value"] for t in kept["trials"] if t["number"] == 0), None)
            line["trials"] = len(kept["trials"])
            line["defaults"], line["best"] = first, (kept["best"] or {}).get("value")
        lines.append(line)
    table = pd.DataFrame(lines, columns=columns)
    told_as = {"defaults": "ndcg of the defaults", "best": "of the best"}
    return table.rename(columns=told_as | NAMED)


def told(chosen: Mapping[str, Any]) -> str:
    """Write settings in a line.

    Parameters
    ----------
    chosen : mapping of str to value

    Returns
    -------
    str

    Notes
    -----
    Notebook: 07_methods

    Examples
    --------
    >>> told({"neighbours": None, "alpha": 0.41236, "fanouts": [10, 10]})
    'neighbours none, alpha 0.412, fanouts [10, 10]'
    """

    def written(value: Any) -> str:
        if value is None:
            return "none"
        return f"{value:.3g}" if isinstance(value, float) else str(value)

    return ", ".join(f"{name} {written(value)}" for name, value in chosen.items())


def limits(names: Sequence[str] | None = None) -> pd.DataFrame:
    """List what methods cannot do.

    Parameters
    ----------
    names : sequence of str, optional
        By default all of :data:`musig.methods.METHODS`.

    Returns
    -------
    DataFrame
        Columns ``method``, ``in the code`` and ``cannot``, None where there is no such sentence.

    Notes
    -----
    Notebook: 07_methods

    Examples
    --------
    >>> limits(["popularity"])["cannot"].item()
    'tell one playlist from another'
    """
    lines = []
    for name in methods.METHODS if names is None else names:
        kind = type(methods.make(name))
        sentence = str(getattr(kind, "cannot", "")).removeprefix(f"{kind.__name__} ")
        sentence = sentence.removeprefix("cannot ").rstrip(".") or CANNOT.get(name, "")
        lines.append((name, f"{kind.__module__}.{kind.__name__}", sentence or None))
    return pd.DataFrame(lines, columns=["method", "in the code", "cannot"])
