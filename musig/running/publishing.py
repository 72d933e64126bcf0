"""What is published beside the chapters: the README, the model card, the licences, filled pages.

As in the ledger (:mod:`musig.running.ledger`), nothing here is typed by hand: numbers come from
recorded cells, licences from what the installed packages say of themselves.

Conventions
-----------
Tables are Markdown. A place in a page is a comment on a line of its own, such as
``<!-- model:results -->``. Results are means over playlists with 95 % intervals. A licence is what
a package declares in its metadata [1]_: the expression, else the classifier, else the first line of
its text. What a package bundles (a C library, a font) is its own affair and not told here.

Contents
--------
- :func:`fill_readme`, :func:`readme_block`: the README's results, each row with its command;
- :func:`model_results`, :func:`model_popularity`, :func:`model_data`: of the model card;
- :func:`licence`, :func:`installed`, :func:`licences`: of the packages;
- :func:`fill`: the places in a page, these and those of the modules that it names.

References
----------
.. [1] https://packaging.python.org/specifications/core-metadata
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

from musig.errors import MusigError, counted
from musig.running import landing, ledger, reference, teaching, timing
from musig.running.records import RunRecord

BEGIN, END = "<!-- results:begin -->", "<!-- results:end -->"
TIME_BEGIN, TIME_END = "<!-- time:begin -->", "<!-- time:end -->"
IN_README = ("hit_rate@10", "recall@10")
"""The two readings of the hit-rate that the paper reports."""
OF_MODEL = ("hit_rate@10", "recall@10", "ndcg@100", "r_precision")
BESIDE = ("popularity", "itemknn", "als", "musig", "musig-best")
"""Rows of the model card: what the model is, and what to compare it with."""
TENTHS = {1: "rarest tenth", 5: "fifth tenth", 10: "most popular tenth"}
"""Of all tracks, by how many training playlists they are in."""


def fill_readme(readme: str, results_folder: Path) -> str:
    """Bring the README's results up to date, and the sentence on how long the chapters take.

    Parameters
    ----------
    readme : str
        Holds the comments between which they stand.
    results_folder : Path
        Of the recorded results; the times are in ``book/times.json`` beside it.

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
    Notebook: 07_methods
    """
    shown = readme_block(results_folder / "cells") or ledger.result_blocks(results_folder)
    readme = _between(readme, BEGIN, END, shown)
    return _between(readme, TIME_BEGIN, TIME_END, _time(results_folder.parent / timing.KEPT))


def _between(text: str, begin: str, end: str, new: str) -> str:
    if text.find(begin) < 0 or text.find(end) < text.find(begin):
        raise MusigError(f"The README lacks {begin} and {end}: put them around what is made.")
    head, rest = text.split(begin, 1)
    return f"{head}{begin}\n{new}\n{end}{rest.split(end, 1)[1]}"


def _time(path: Path) -> str:
    chapters = timing.read(path).get("chapters", {})
    if not chapters:
        return "How long the chapters take has not been measured yet."
    seconds = {name: one["seconds"] for name, one in chapters.items()}
    longest = max(seconds, key=lambda name: seconds[name])
    return (
        f"Measured on one thread, each by itself and with nothing computed before: the"
        f" {counted(len(seconds), 'chapter')} take {sum(seconds.values()) / 60:.0f} minutes in all,"
        f" the longest, `{longest}`, {seconds[longest]:.0f} seconds."
    )


def readme_block(folder: Path, metrics: Sequence[str] = IN_README) -> str:
    """Write the table of all methods with the time and the command behind each row.

    Parameters
    ----------
    folder : Path
        Of the recorded cells.
    metrics : sequence of str
        Columns.

    Returns
    -------
    str
        Markdown; empty where no cell of 07_methods is recorded.

    Notes
    -----
    The time is that of one thread, for all folds of the row alone, as its cells kept it.

    Notebook: 07_methods
    """
    if not any(folder.glob("07_methods/*.json")):
        return ""
    from musig.experiments import plans, store, tables

    read = store.read(plans.methods_table(), folder)
    made = tables.table(read, metrics)
    total, alone = 0.0, dict.fromkeys(made["method"], 0.0)
    for cell in read:
        took = cell.measures.get("cpu_seconds", 0)
        total += took
        # the parts of a blend are fitted once for all rows, but count for it as well
        alone[cell.cell.row] += max(took, cell.measures.get("fit_seconds", 0))
    lines = []
    for name, values in ledger.lettered(made, metrics).items():
        about = made[made["method"] == name].iloc[0]
        label = values[0] + (f" ({about['remark']})" if about["remark"] else "")
        lines.append([label, *values[1:], _minutes(alone[name]), f"`{about['command']}`"])
    head = ["method", *(f"`{metric}`" for metric in metrics), "minutes", "made again by"]
    playlists = ledger.span(made.loc[made["n"] > 0, "n"])
    return (
        f"{ledger.table(head, lines)}\n\n"
        f"{ledger.LETTERS} Playlists: {playlists}. Minutes: of one thread, for the row"
        f" alone; {_minutes(total)} for all.\n\n"
        f"{ledger.from_cells('07_methods', read)}\n\n"
        f"The whole table: `{plans.command('07_methods')}`"
    )


def _minutes(seconds: float) -> str:
    return f"{seconds / 60:.0f}" if seconds >= 30 else "under 1"


def model_results(folder: Path) -> str:
    """Write how well the model completes playlists, beside what it should be compared with.

    Parameters
    ----------
    folder : Path
        Of the recorded cells.

    Returns
    -------
    str
        Markdown; a sentence where nothing is recorded.

    Notes
    -----
    Who beats whom is in the table of all methods, which corrects for all its comparisons.

    Notebook: 07_methods
    """
    read, rows = _rows(folder)
    if not rows:
        return "No cell of the methods table has been recorded yet."
    from musig.experiments import plans, tables

    lines = []
    for name, row in rows.items():
        known = tables.means([row.per_playlist[metric].to_numpy() for metric in OF_MODEL])
        size = _mean(row, "size")
        lines.append([name, *map(ledger.estimate, known), len(row.per_playlist), f"{size:,.0f}"])
    head = ["method", *(f"`{metric}`" for metric in OF_MODEL), "playlists", "numbers kept"]
    return (
        f"{ledger.table(head, lines)}\n\n{ledger.from_cells('07_methods', read)}\n\n"
        f"Command: `{plans.command('07_methods/musig')}`"
    )


def model_popularity(folder: Path) -> str:
    """Write which tracks the model finds, by how popular they are, and which share it ever names.

    Parameters
    ----------
    folder : Path
        Of the recorded cells.

    Returns
    -------
    str
        Markdown; a sentence where nothing is recorded.

    Notes
    -----
    Of the first fold, whose cells keep it by tenths of the tracks.

    Notebook: 10_sensitivity
    """
    read, rows = _rows(folder)
    from musig.experiments import tables

    first = [cell for cell in read if cell.cell.fold == 0]
    found = tables.by_popularity(first)
    if found.empty:
        return "No cell of the methods table has been recorded yet."
    lines = []
    for name, row in rows.items():
        of = found[found["method"] == name].set_index("decile")
        told = [
            ledger.estimate(of.loc[tenth], "found") if tenth in of.index else "–"
            for tenth in TENTHS
        ]
        lines.append([name, *told, f"{100 * _mean(row, 'coverage'):.1f} %"])
    ranges = found.drop_duplicates("decile").set_index("decile")[["least", "most"]]
    named = [
        f"{what} (in {ledger.span(ranges.loc[tenth])} playlists)" if tenth in ranges.index else what
        for tenth, what in TENTHS.items()
    ]
    head = ["method", *named, "coverage"]
    return f"{ledger.table(head, lines)}\n\n{ledger.from_cells('07_methods', first)}"


def model_data(folder: Path) -> str:
    """Say in a sentence which data the recorded model was trained on.

    Parameters
    ----------
    folder : Path
        Of the recorded cells.

    Returns
    -------
    str
        Markdown.

    Notes
    -----
    Notebook: 07_methods
    """
    read, rows = _rows(folder)
    if "musig" not in rows:
        return "No cell of the methods table has been recorded yet."
    row = rows["musig"]
    of = sorted({f"`{cell.run['data']}` (`{cell.run['data_fingerprint'][:8]}`)" for cell in read})
    tracks = [int(cell.measures["n_tracks"]) for cell in row.results]
    rules = row.results[0].cell.evaluation
    fit = sum(cell.measures["fit_cpu_seconds"] for cell in row.results) / len(row.results)
    return (
        f"Trained on {' and '.join(of)}: in each of {counted(len(row.folds), 'fold')} the"
        f" {ledger.span(tracks)} tracks that are in {rules.min_playlists} training"
        f" playlists or more, and tested on {len(row.per_playlist):,} playlists, each once."
        f" One training took {fit:.0f} seconds of one processor, on average."
    )


def _rows(folder: Path) -> tuple[list[Any], dict[str, Any]]:
    """Read the rows of the model card: cells, and rows that are there."""
    from musig.experiments import plans, store, tables  # torch: only where there is a card

    read = [cell for cell in store.read(plans.methods_table(BESIDE), folder) if cell.run]
    return read, tables.rows(read)


def _mean(row: Any, measure: str) -> float:
    values = [cell.measures[measure] for cell in row.results]
    return float(sum(values) / len(values))


def licence(name: str) -> str:
    """Say under which licence an installed package says it is.

    Parameters
    ----------
    name : str
        As on the package index.

    Returns
    -------
    str
        On one line; ``not stated`` where its metadata do not tell.

    Raises
    ------
    MusigError
        If the package is not installed.

    Notes
    -----
    Notebook: 01_catalog

    Examples
    --------
    >>> licence("click")
    'BSD-3-Clause'
    """
    try:
        told = metadata.metadata(name)
    except metadata.PackageNotFoundError as error:
        raise MusigError(
            f"{name} is not installed, so its licence cannot be read: pip install {name}."
        ) from error
    for expression in told.get_all("License-Expression") or []:
        return str(expression)
    kinds = [line for line in told.get_all("Classifier") or [] if line.startswith("License ::")]
    if kinds:
        return ", ".join(line.rpartition(" :: ")[2] for line in kinds)
    lines = "\n".join(told.get_all("License") or []).strip().splitlines()
    return lines[0] if lines else "not stated"


def installed(name: str = "musig") -> dict[str, str]:
    """List what a package needs, and what that needs, with versions.

    Parameters
    ----------
    name : str
        As on the package index; its extras are left out.

    Returns
    -------
    dict of str to str
        Name to version, in the order of the alphabet, without the package itself.

    Notes
    -----
    Notebook: 01_catalog

    Examples
    --------
    >>> "numpy" in installed() and "musig" not in installed()
    True
    """
    found: dict[str, str] = {}
    asked = [(name, "")]
    seen = set(asked)
    while asked:
        for called, extras in _needs(*asked.pop()):
            try:
                found[called] = metadata.version(called)
            except metadata.PackageNotFoundError:
                continue  # for another system
            new = {(called, one) for one in ("", *extras)} - seen
            seen |= new
            asked += new
    return dict(sorted(found.items()))


def _needs(name: str, extra: str = "") -> list[tuple[str, set[str]]]:
    """List what a package, or an extra of it, asks for on this system: names, and their extras."""
    from packaging.requirements import Requirement
    from packaging.utils import canonicalize_name

    needs = map(Requirement, metadata.requires(name) or [])
    return [
        (canonicalize_name(need.name), need.extras)
        for need in needs
        if not need.marker or need.marker.evaluate({"extra": extra})
    ]


COPYLEFT = re.compile(r"\b(A?GPL|LGPL|MPL|EUPL|GNU|Mozilla)", re.I)


def licences(name: str = "musig") -> str:
    """Write the licences of what is installed with a package.

    Parameters
    ----------
    name : str
        As on the package index.

    Returns
    -------
    str
        Markdown: what the package asks for itself as a table; of all that comes with it, those
        whose licence asks that changes to them be shared.

    Notes
    -----
    Notebook: 01_catalog
    """
    every = installed(name)
    told = {each: licence(each) for each in every}
    direct = sorted(each for each, _ in _needs(name) if each in every)
    rows = [[each, every[each], ledger.escaped(told[each])] for each in direct]
    shared = [f"{each} ({told[each]})" for each in every if COPYLEFT.search(told[each])]
    return (
        f"{ledger.table(['package', 'version', 'licence'], rows)}\n\n"
        f"With all that these bring, {counted(len(every), 'package')} are installed here."
        " Those whose licence, or one of whose licences, asks that changes to the package itself be"
        f" shared: {ledger.escaped(', '.join(shared)) or 'none'}."
    )


def fill(page: str, runs: Sequence[RunRecord], results_folder: Path) -> str:
    """Fill the places of a page, whichever it has.

    Parameters
    ----------
    page : str
        With any of the marks below, such as ``<!-- ledger:runs -->``, or the teacher's page.
    runs : sequence of RunRecord
        The runs of this build.
    results_folder : Path
        Of the recorded results, in the folder of the project.

    Returns
    -------
    str
        The page.

    Notes
    -----
    Notebook: 01_catalog

    Examples
    --------
    >>> fill("Runs: <!-- ledger:runs -->", [], Path("results"))
    'Runs: No run has been recorded yet.'
    """
    root, cells = results_folder.parent, results_folder / "cells"
    marks = {
        "ledger:runs": lambda: (
            f"{ledger.runs_table(runs)}\n\n{ledger.versions_table(runs)}".strip()
        ),
        "ledger:results": lambda: (
            f"{ledger.runs_table(ledger.results(results_folder))}\n\n"
            f"{ledger.result_blocks(results_folder)}"
        ),
        "ledger:cells": lambda: ledger.cells(cells),
        "ledger:studies": lambda: ledger.studies(results_folder / "studies"),
        "results:landing": lambda: landing.landing(cells),
        "landing:routes": lambda: landing.routes(root),
        "landing:laptop": lambda: landing.laptop(root / timing.KEPT)[1],
        "landing:real": lambda: landing.real(results_folder),
        "landing:gpu": lambda: landing.gpu(root / "benchmarks/gpu.json")[1],
        "reference:parameters": lambda: reference.parameters_page(root / "notebooks"),
        "model:results": lambda: model_results(cells),
        "model:popularity": lambda: model_popularity(cells),
        "model:data": lambda: model_data(cells),
        "licences:installed": licences,
    }
    for mark, write in marks.items():
        place = f"<!-- {mark} -->"
        page = page.replace(place, write()) if place in page else page
    if teaching.TIMES in page:  # its tables are filled as well
        page = teaching.fill(page, timing.read(root / timing.KEPT))
    return page
