"""The run ledger: tables of runs and of recorded results, for the book and the README.

Nothing here is typed by hand: a run writes its record (:mod:`musig.running.records`), and these
tables are made from the records, so that a number can be followed back to the run that made it.

Conventions
-----------
Tables are Markdown. A recorded result is the record of a run in ``results/*.json`` whose metrics
hold ``table``: rows with ``method``, ``metric``, ``mean``, ``low``, ``high`` (a 95 % interval)
and ``n`` (test playlists), as :mod:`musig.experiments` makes them. Text from data is escaped.

Contents
--------
- :func:`runs_table`, :func:`versions_table`: the runs of one build and what they ran on;
- :func:`results`: the recorded results; :func:`result_table`: one of them; :func:`command`: what
  repeats it;
- :func:`sign`: the line under a figure or table; :func:`fill`: the ledger page;
  :func:`fill_readme`: the README's results.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

from musig.errors import MusigError
from musig.running import records
from musig.running.records import RunRecord

SHOWN = ("hit_rate@10", "recall@100", "r_precision", "ndcg@100")
BEGIN, END = "<!-- results:begin -->", "<!-- results:end -->"


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
            interval = f" [{row['low']:.3f}, {row['high']:.3f}]" if row["low"] is not None else ""
            cells.setdefault(row["method"], {})[row["metric"]] = f"{row['mean']:.3f}{interval}"
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


def sign(notebook: dict[str, Any], line: str) -> dict[str, Any]:
    """Put a line of provenance under every figure and table of an executed notebook.

    Parameters
    ----------
    notebook : dict
        The notebook as JSON has it.
    line : str
        From :func:`musig.running.records.provenance`.

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
    >>> [cell["id"] for cell in sign({"cells": [shown]}, "01_x · seed 0")["cells"]]
    ['a', 'a-from']
    """
    cells = []
    for cell in notebook["cells"]:
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


def fill(page: str, runs: Sequence[RunRecord], results_folder: Path) -> str:
    """Fill the ledger page's two places.

    Parameters
    ----------
    page : str
        With the lines ``<!-- ledger:runs -->`` and ``<!-- ledger:results -->``.
    runs : sequence of RunRecord
        The runs of this build.
    results_folder : Path
        Of the recorded results.

    Returns
    -------
    str
        The page.

    Notes
    -----
    Notebook: 01_catalog
    """
    live = f"{runs_table(runs)}\n\n{versions_table(runs)}".strip()
    page = page.replace("<!-- ledger:runs -->", live)
    recorded = f"{runs_table(results(results_folder))}\n\n{result_blocks(results_folder)}"
    return page.replace("<!-- ledger:results -->", recorded)


def fill_readme(readme: str, results_folder: Path) -> str:
    """Bring the README's results up to date.

    Parameters
    ----------
    readme : str
        Holds the two comments between which the results stand.
    results_folder : Path
        Of the recorded results.

    Returns
    -------
    str
        The new text.

    Raises
    ------
    MusigError
        If a comment is missing.

    Notes
    -----
    Notebook: 06_playlist_completion
    """
    if readme.find(BEGIN) < 0 or readme.find(END) < readme.find(BEGIN):
        raise MusigError(f"The README lacks {BEGIN} and {END}: put them around its results.")
    head, rest = readme.split(BEGIN, 1)
    tail = rest.split(END, 1)[1]
    return f"{head}{BEGIN}\n{result_blocks(results_folder)}\n{END}{tail}"
