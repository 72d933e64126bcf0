"""The run ledger: tables of runs, cells, studies and recorded results, for the book.

Nothing here is typed by hand: a run writes its record (:mod:`musig.running.records`), and these
tables are made from the records, so that a number can be followed back to the run that made it.

Conventions
-----------
Tables are Markdown. A recorded result is the record of a run in ``results/*.json`` whose metrics
hold ``table``: rows with ``method``, ``metric``, ``mean``, ``low``, ``high`` (a 95 % interval)
and ``n`` (test playlists), as :mod:`musig.experiments` makes them. Cells, in ``results/cells``, are
read by :mod:`musig.experiments` only. Text from data is escaped.

Contents
--------
- :func:`runs_table`, :func:`versions_table`: the runs of one build and what they ran on;
- :func:`results`: the recorded results; :func:`result_table`: one of them; :func:`command`: what
  repeats it;
- :func:`cells`: the recorded cells; :func:`studies`: the tuning;
- :func:`lettered`, :func:`from_cells`: rows of a table of all methods, and its provenance;
- :func:`table`, :func:`escaped`, :func:`estimate`, :func:`span`: how they are written;
- :func:`sign`: the line under a figure or table.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path
from typing import Any

from musig.errors import MusigError, counted
from musig.running import records
from musig.running.records import RunRecord

SHOWN = ("hit_rate@10", "recall@100", "r_precision", "ndcg@100")
LETTERS = (
    "Means over playlists, each a test playlist once, with 95 % intervals. The letters after a"
    " result are those of the rows that it beats: paired tests, corrected by Holm's method over all"
    " pairs."
)


def table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Write a Markdown table.

    Parameters
    ----------
    header : sequence of str
        Names of the columns.
    rows : sequence of sequence
        Cells; anything with a ``str``.

    Returns
    -------
    str
        With a line a row; cells are taken as Markdown.

    Notes
    -----
    Notebook: 01_catalog

    Examples
    --------
    >>> print(table(["a", "b"], [[1, 2]]))
    | a | b |
    | --- | --- |
    | 1 | 2 |
    """
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


def escaped(text: object) -> str:
    r"""Escape what Markdown or HTML would read as markup.

    Parameters
    ----------
    text : object
        For example the name of a folder of data.

    Returns
    -------
    str
        On one line.

    Notes
    -----
    Notebook: 01_catalog

    Examples
    --------
    >>> escaped("a|b <i>_c_")
    'a\\|b &lt;i&gt;\\_c\\_'
    """
    plain = " ".join(str(text).split()).replace("&", "&amp;").replace("<", "&lt;")
    return re.sub(r"([\\`*_{}\[\]|$])", r"\\\1", plain.replace(">", "&gt;"))


def estimate(row: Any, value: str = "mean") -> str:
    """Write an estimate with its interval.

    Parameters
    ----------
    row : mapping
        Holds ``low`` and ``high``, None where there is no interval.
    value : str
        What the estimate itself is called there.

    Returns
    -------
    str
        With three digits after the point.

    Notes
    -----
    Notebook: 07_methods

    Examples
    --------
    >>> estimate({"mean": 0.5, "low": 0.4, "high": 0.6})
    '0.500 [0.400, 0.600]'
    """
    interval = f" [{row['low']:.3f}, {row['high']:.3f}]" if row["low"] is not None else ""
    return f"{row[value]:.3f}{interval}"


def span(values: Iterable[Any]) -> str:
    """Write the least and the most of some values, or the one that they all are.

    Parameters
    ----------
    values : iterable of int or str
        Any number.

    Returns
    -------
    str
        To be put into a sentence; empty where there is none.

    Notes
    -----
    Notebook: 07_methods

    Examples
    --------
    >>> span([11, 1200, 30]), span([7, 7]), span(["2026-01-02", "2026-01-01"])
    ('11 to 1,200', '7', '2026-01-01 to 2026-01-02')
    """
    each = sorted(values)
    ends = (end if isinstance(end, str) else f"{end:,}" for end in each[:1] + each[-1:])
    return " to ".join(dict.fromkeys(ends))


def runs_table(runs: Sequence[RunRecord]) -> str:
    """Write one row a run.

    Parameters
    ----------
    runs : sequence of RunRecord
        Finished records of notebooks.

    Returns
    -------
    str
        A Markdown table; a sentence if there is no run.

    Notes
    -----
    Notebook: 01_catalog
    """
    if not runs:
        return "No run has been recorded yet."
    rows = [
        [
            f"[{run.notebook}](../notebooks/{run.notebook}.ipynb)",
            run.profile or "none",
            ", ".join(f"{escaped(k)}={escaped(v)}" for k, v in run.changed.items()) or "–",
            f"{escaped(run.data)} `{run.data_fingerprint[:8]}`",
            run.seed,
            (f"`{run.commit[:9]}`" if run.commit else "none") + (" changed" if run.dirty else ""),
            f"{escaped(run.device)}, {run.threads}",
            f"{run.seconds:.0f}",
        ]
        for run in runs
    ]
    head = ["chapter", "profile", "by hand", "data", "seed", "commit", "device, threads", "seconds"]
    return table(head, rows)


def versions_table(runs: Sequence[RunRecord]) -> str:
    """Write the versions that runs used; those of one package are joined if they differ.

    Parameters
    ----------
    runs : sequence of RunRecord
        Finished records.

    Returns
    -------
    str
        A Markdown table, empty if there is no run.

    Notes
    -----
    Notebook: 01_catalog
    """
    found: dict[str, list[str]] = {}
    for run in runs:
        for package, version in run.versions.items():
            if version and version not in found.setdefault(package, []):
                found[package].append(version)
    rows = [[package, " and ".join(versions)] for package, versions in found.items()]
    return table(["package", "version"], rows) if rows else ""


def results(folder: Path) -> list[RunRecord]:
    """Read the recorded results.

    Parameters
    ----------
    folder : Path
        Holds ``*.json``; a folder that is not there holds none.

    Returns
    -------
    list of RunRecord
        In the order of the files' names.

    Raises
    ------
    MusigError
        If a file is not a record.

    Notes
    -----
    Notebook: 06_playlist_completion
    """
    return [records.load(path) for path in sorted(folder.glob("*.json"))]


def command(record: RunRecord) -> str:
    """Say what repeats a run.

    Parameters
    ----------
    record : RunRecord
        Of a notebook or of a command.

    Returns
    -------
    str
        To be typed in the folder of the project.

    Notes
    -----
    Notebook: 06_playlist_completion

    Examples
    --------
    >>> command(RunRecord("06_x", "real", {"seed": 1}, {}, "mpd_sample", "", 1, ""))
    'musig run notebooks/06_x.ipynb --profile real -p seed 1'
    """
    if not re.match(r"\d\d_", record.notebook):
        return record.notebook
    changed = "".join(f" -p {name} {value}" for name, value in record.changed.items())
    profile = f" --profile {record.profile}" if record.profile else ""
    return f"musig run notebooks/{record.notebook}.ipynb{profile}{changed}"


def result_table(record: RunRecord, metrics: Sequence[str] = SHOWN) -> str:
    """Write one recorded result: methods by metrics, means with their intervals.

    Parameters
    ----------
    record : RunRecord
        From :func:`results`.
    metrics : sequence of str
        Columns; those the record lacks are left out.

    Returns
    -------
    str
        A Markdown table.

    Raises
    ------
    MusigError
        If a row of the record's table lacks a column.

    Notes
    -----
    Notebook: 06_playlist_completion
    """
    cells: dict[str, dict[str, str]] = {}
    numbers: dict[str, list[int]] = {}  # playlists, trainings
    try:
        for row in record.metrics["table"]:
            cells.setdefault(row["method"], {})[row["metric"]] = estimate(row)
            numbers[row["method"]] = [row["n"], row.get("trainings", 1)]
    except KeyError as error:
        raise MusigError(
            f"The recorded table of {record.notebook} has a row without {error}: it needs "
            "method, metric, mean, low, high and n. Record the run again."
        ) from error
    known = [metric for metric in metrics if any(metric in values for values in cells.values())]
    rows = [
        [escaped(method), *(values.get(metric, "–") for metric in known), *numbers[method]]
        for method, values in cells.items()
    ]
    return table(["method", *(f"`{metric}`" for metric in known), "playlists", "trainings"], rows)


def cells(folder: Path) -> str:
    """Write what is recorded of each experiment, cell by cell put together in rows.

    Parameters
    ----------
    folder : Path
        Of the recorded cells; one that is not there holds none.

    Returns
    -------
    str
        Markdown: for each experiment a sentence, and its rows in a table that is unfolded.

    Notes
    -----
    Notebook: 07_methods
    """
    from musig.experiments import plans, store  # torch: only where cells are listed

    blocks = []
    for name, plan in plans.EXPERIMENTS.items():
        found = store.read(plan(), folder)
        by_row: dict[str, list[Any]] = {}
        for result in found:
            by_row.setdefault(result.cell.row, []).append(result)
        lines = [_row_of_cells(name, row, parts) for row, parts in by_row.items()]
        there = sum(result.remark != store.NOT_RUN for result in found)
        head = ["row", "cells", "data", "commit", "when", "CPU minutes", "remark", "made again by"]
        blocks.append(
            f"**{escaped(name)}**: {there} of {len(found)} cells are recorded.\n\n"
            f":::{{dropdown}} The rows of {name}\n{table(head, lines)}\n:::"
        )
    return "\n\n".join(blocks)


def _row_of_cells(experiment: str, row: str, parts: Sequence[Any]) -> list[object]:
    from musig.experiments import plans, store

    runs = [part.run for part in parts if part.run]
    commits = sorted({(run["commit"] or "none")[:9] for run in runs})
    days = [run["when"][:10] for run in runs]
    minutes = sum(part.measures.get("cpu_seconds", 0) for part in parts) / 60
    remarks = sorted({part.remark for part in parts if part.remark})
    remarks += sorted({f"not in this data: {part.absent}" for part in parts if part.absent})
    return [
        f"`{row}`",
        f"{sum(part.remark != store.NOT_RUN for part in parts)} of {len(parts)}",
        ", ".join(sorted({escaped(run["data"]) for run in runs})) or "–",
        ", ".join(f"`{commit}`" for commit in commits) or "–",
        span(days) or "–",
        f"{minutes:.1f}" if runs else "–",
        escaped("; ".join(remarks)) or "–",
        f"`{plans.command(f'{experiment}/{row}')}`",
    ]


def studies(folder: Path) -> str:
    """Write what the studies tried and chose.

    Parameters
    ----------
    folder : Path
        Of ``NAME.json``, as :func:`musig.tuning.study` writes them.

    Returns
    -------
    str
        A Markdown table; a sentence if there is none.

    Notes
    -----
    Notebook: 07_methods
    """
    from musig.tuning import read_study  # Optuna: only where studies are listed

    lines = []
    for path in sorted(folder.glob("*.json")):
        kept = read_study(path)
        best = kept["best"] or {"value": float("nan"), "settings": {}}
        settings = ", ".join(f"{name} {_short(value)}" for name, value in best["settings"].items())
        lines.append(
            [
                escaped(kept["method"]),
                len(kept["trials"]),
                f"{best['value']:.4f}",
                escaped(settings) or "–",
                f"{sum(trial['seconds'] for trial in kept['trials']) / 60:.0f}",
                f"{escaped(kept.get('data', ''))} `{kept['fingerprint'][:8]}`",
            ]
        )
    head = ["method", "trials", "best value", "settings chosen", "minutes", "data"]
    return table(head, lines) if lines else "No study has been recorded yet."


def _short(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def lettered(made: Any, metrics: Sequence[str]) -> dict[str, list[str]]:
    """Write each row of a table of methods, with letters for the rows that it beats.

    Parameters
    ----------
    made : DataFrame
        From :func:`musig.experiments.tables.table`.
    metrics : sequence of str
        Columns.

    Returns
    -------
    dict of str to list of str
        Row to its label and a text for each metric: mean, interval, letters.

    Notes
    -----
    Notebook: 07_methods
    """
    names = list(dict.fromkeys(made["method"]))
    letters = dict(zip(names, "abcdefghijklmnopqrstuvwxyz", strict=False))
    lines = {}
    for name in names:
        rows = made[made["method"] == name].set_index("metric")
        values = [f"{letters[name]} {name}"]
        for metric in metrics:
            row = rows.loc[metric]
            beaten = "".join(letters[each] for each in row["beats"].split(", ") if each)
            values.append(f"{estimate(row)} {beaten}".strip() if row["n"] else "–")
        lines[name] = values
    return lines


def from_cells(name: str, read: Sequence[Any]) -> str:
    """Write the line of provenance of what is made of recorded cells.

    Parameters
    ----------
    name : str
        The experiment.
    read : sequence of CellResult
        Its cells.

    Returns
    -------
    str
        Data, commits, device and threads, escaped.

    Notes
    -----
    Notebook: 07_methods
    """
    runs = [result.run for result in read if result.run]
    commits = sorted({(run["commit"] or "none")[:9] for run in runs})
    source = [
        name,
        *sorted({f"{run['data']} {run['data_fingerprint'][:8]}" for run in runs}),
        f"commit {', '.join(commits[:3])}{', …' if len(commits) > 3 else ''}",
        *sorted({f"{run['device']}, {counted(run['threads'], 'thread')}" for run in runs}),
    ]
    return escaped(" · ".join(source))


def result_blocks(folder: Path) -> str:
    """Write every recorded table of methods with its command and its line of provenance.

    Parameters
    ----------
    folder : Path
        Of the recorded results.

    Returns
    -------
    str
        Markdown; a sentence if there is none.

    Notes
    -----
    Notebook: 06_playlist_completion
    """
    blocks = [
        f"{result_table(record)}\n\n{escaped(records.provenance(record))}\n\n"
        f"Command: `{command(record)}`"
        for record in results(folder)
        if "table" in record.metrics
    ]
    return "\n\n".join(blocks) or "No run has been recorded yet."


TIME = "<!-- time -->"
"""In a chapter: where the seconds of its run are put."""


def sign(notebook: dict[str, Any], line: str, took: str) -> dict[str, Any]:
    """Put a line of provenance under every figure and table of an executed notebook.

    Parameters
    ----------
    notebook : dict
        The notebook as JSON has it.
    line : str
        From :func:`musig.running.records.provenance`.
    took : str
        A sentence on how long it takes, for the place of the mark :data:`TIME`; may be empty.

    Returns
    -------
    dict
        A copy with a cell after each that shows a figure or a table. Cells tagged ``recorded``
        show the results of other runs and say themselves whose.

    Notes
    -----
    Notebook: 06_playlist_completion

    Examples
    --------
    >>> shown = {"id": "a", "metadata": {}, "outputs": [{"data": {"image/png": "…"}}]}
    >>> [cell["id"] for cell in sign({"cells": [shown]}, "01_x · seed 0", "")["cells"]]
    ['a', 'a-from']
    """
    cells = []
    for cell in notebook["cells"]:
        if TIME in (words := "".join(cell.get("source", ""))):
            told = words.replace(TIME, took and f" {took}")
            cell = {**cell, "source": told.splitlines(keepends=True)}
        cells.append(cell)
        shown = [output.get("data", {}) for output in cell.get("outputs", [])]
        whole = any("image/png" in data or "<table" in _text(data) for data in shown)
        if whole and "recorded" not in cell["metadata"].get("tags", []):
            text = f'<p class="provenance">{escape(line)}</p>'
            of = {"id": f"{cell['id']}-from", "cell_type": "markdown", "metadata": {}}
            cells.append({**of, "source": [text]})
    return {**notebook, "cells": cells}


def _text(data: dict[str, Any]) -> str:
    return "".join(data.get("text/html", ""))
