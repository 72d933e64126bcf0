"""The recorded cells: `make results` computes those that are missing, `make results ROW=…` one.

Conventions
-----------
A cell that is recorded with the same settings, data and source is left as it is, unless it is
asked to be made again. Every finished cell is on the disk at once: what was stopped goes on.

Contents
--------
- :func:`main`: ``python -m musig.running.results``.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from musig.errors import counted
from musig.running import book

DATA = "mpd_sample"


def main(arguments: Sequence[str] | None = None) -> int:
    """Compute the cells of the book's wide tables and record them.

    Parameters
    ----------
    arguments : sequence of str, optional
        As on the command line.

    Returns
    -------
    int
        Exit code: 0 if every cell is there, 1 if one failed, 130 if it was stopped.

    Notes
    -----
    Cells of other data than that of the book are kept in ``_build/cells``: the recorded ones are
    those the book argues from.

    Notebook: 07_methods
    """
    parser = argparse.ArgumentParser(
        prog="python -m musig.running.results",
        description="Compute the cells of the book's wide tables and record them.",
    )
    parser.add_argument(
        "rows",
        nargs="*",
        metavar="ROW",
        help="an experiment, EXPERIMENT/ROW, with -foldF and -seedS if need be; * stands for "
        "anything; none: all. Example: 07_methods/ease",
    )
    parser.add_argument("--data", default=DATA, help=f"a folder (default {DATA})")
    parser.add_argument("--jobs", type=int, default=2, help="processes of one thread each")
    parser.add_argument("--device", default="cpu", choices=["cpu", "cuda", "auto"])
    parser.add_argument("--again", action="store_true", help="compute also what is recorded")
    parser.add_argument("--list", action="store_true", help="only say what is there and what not")
    parser.add_argument("--out", type=Path, help="folder of the cells")
    options = parser.parse_args(arguments)
    return book.exit_code(lambda: _results(options))


def _results(options: argparse.Namespace) -> int:
    from musig import sources  # only here: a mistyped option is told at once
    from musig.experiments import plans, store
    from musig.experiments.work import run

    cells = plans.chosen(options.rows)
    catalog = sources.load(options.data or DATA)
    folder = options.out
    if folder is None:
        folder = store.RECORDED
        if catalog.name != DATA:
            folder = store.RECORDED.parents[1] / "_build" / "cells" / catalog.name
    if options.list:
        _list(store.read(cells, folder, catalog.fingerprint), folder)
        return 0
    run(
        cells,
        catalog,
        folder=folder,
        jobs=options.jobs,
        device=options.device,
        again=options.again,
        say=lambda line: print(line, flush=True),
    )
    print(f"{counted(len(cells), 'cell')} recorded in {_shown(folder)}")
    return 0


def _list(results: Sequence, folder: Path) -> None:
    """Print a line a row: how many of its cells are there, and how long the rest takes."""
    from musig.experiments import store

    left = [result.cell for result in results if result.remark]
    seconds = store.seconds_of(left, folder)
    by_row: dict[str, list] = {}
    for result in results:
        by_row.setdefault(f"{result.cell.experiment}/{result.cell.row}", []).append(result)
    for row, parts in by_row.items():
        there = sum(not part.remark for part in parts)
        remarks = sorted({part.remark for part in parts if part.remark})
        absent = sorted({f"not in this data: {part.absent}" for part in parts if part.absent})
        print(f"{row}: {there} of {len(parts)}{''.join('; ' + told for told in remarks + absent)}")
    print(
        f"{len(results) - len(left)} of {counted(len(results), 'cell')} recorded; the rest takes"
        f" about {sum(seconds.values()) / 3600:.1f} CPU hours"
    )


def _shown(folder: Path) -> str:
    """Name a folder as seen from here."""
    try:
        return str(folder.resolve().relative_to(Path.cwd()))
    except ValueError:
        return str(folder)


if __name__ == "__main__":
    sys.exit(main())
