"""The nine audio features of a folder of recordings, as a table.

One process a core, a file at a time. Each result is kept as soon as it is there, so that a run
that was stopped or killed loses at most the files it had in work, and a later run computes only
what is new or has changed.

Conventions
-----------
A row a sound file, in the order of their paths: `path` in the folder (with ``/``), the nine of
:data:`musig.catalog.FEATURES`, and `error`: a sentence where none of the nine could be told, else
None. One feature that could not be told is NaN and no error.

Beside a table ``features.parquet`` lies ``features.parquet.rows``, a line of JSON for each result,
under a key of the estimator with its window, and of the file's path, size and time of change and
the code. Results of another estimator or window stay there. It may be removed: then everything is
computed anew. What failed for a reason outside the file, as memory or a library that is missing,
is in the table but not kept: the next run tries again.

Contents
--------
- :func:`feature_table`: the table of a folder; :func:`broken`: its errors, as sentences;
  :func:`told`: an error without the path.
"""

from __future__ import annotations

import json
import math
import os
import signal
from collections.abc import Generator, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from multiprocessing import get_context, parent_process
from pathlib import Path
from threading import Thread
from typing import Any

import pandas as pd
from threadpoolctl import threadpool_limits
from tqdm import tqdm

from musig.audio import check_options, estimate
from musig.cache import digest, source_key, versions
from musig.catalog import FEATURES
from musig.errors import MusigError
from musig.files import aside
from musig.recordings import find
from musig.running.machine import available_cores
from musig.signal_measures import compile_first

SUFFIXES = (".parquet", ".csv")
"""How the name of a table may end."""

_LIBRARIES = ("librosa", "numpy", "pyloudnorm", "scipy", "soundfile", "soxr", "vibenet")
_Row = dict[str, Any]


def feature_table(
    folder: str | Path,
    out: str | Path | None = None,
    estimator: str = "signal",
    window: float | None = None,
    jobs: int | None = None,
    progress: bool = True,
) -> pd.DataFrame:
    """Estimate the nine audio features of every sound file of a folder.

    Parameters
    ----------
    folder : str or Path
    out : str or Path, optional
        Where to write the table, ``.parquet`` or ``.csv``; also what makes it resume.
    estimator : {"signal", "vibenet"}
    window : float, seconds, optional
        As for :func:`musig.audio.audio_features`.
    jobs : int, >= 1, optional
        Files at a time; by default one a core.
    progress : bool
        Whether to draw a bar on standard error.

    Returns
    -------
    DataFrame
        Columns ``path``, the nine features, ``error``.

    Raises
    ------
    MusigError
        If there is no sound, or an option is wrong. A broken file is a row, not an exception.

    Notes
    -----
    Notebook: 02_audio_features
    """
    folder = Path(folder)
    out = None if out is None else Path(out)
    if out is not None and out.suffix not in SUFFIXES:
        raise MusigError(f"{out} is not a table: its name has to end in .parquet or .csv.")
    check_options(estimator, window)
    paths = find(folder)
    settings = f"{estimator} {'whole' if window is None else float(window)} "
    keys = _keys(folder, paths, settings)
    journal = None if out is None else out.with_name(out.name + ".rows")
    kept = _read(journal)
    wanted = set(keys)
    done = {key: row for key, row in kept.items() if key in wanted}
    others = {key: row for key, row in kept.items() if not key.startswith(settings)}
    todo = [(key, path) for key, path in zip(keys, paths, strict=True) if key not in done]
    work = partial(_row, folder=folder, estimator=estimator, window=window)
    jobs = min(jobs or available_cores(), len(todo))
    if journal is not None:
        _rewrite(journal, others | done)
    bar = tqdm(total=len(paths), initial=len(done), unit="file", disable=not progress)
    with bar:
        for key, row in _computed(work, todo, jobs):
            done[key] = row
            if journal is not None and not row.pop("again", False):
                with journal.open("a", encoding="utf-8") as file:
                    file.write(json.dumps({key: row}) + "\n")
            bar.update()
    names = [path.relative_to(folder).as_posix() for path in paths]
    rows = [{"path": name, **done[key]} for name, key in zip(names, keys, strict=True)]
    table = pd.DataFrame(rows, columns=["path", *FEATURES, "error"])
    table = table.astype({"path": "str", **dict.fromkeys(FEATURES, "float64"), "error": "str"})
    if out is not None:
        with aside(out) as passing:
            if out.suffix == ".csv":
                table.to_csv(passing, index=False)
            else:
                table.to_parquet(passing, index=False)
    return table


def broken(table: pd.DataFrame) -> list[str]:
    """Say of which files nothing could be told.

    Parameters
    ----------
    table : DataFrame
        Of :func:`feature_table`.

    Returns
    -------
    list of str
        A sentence each.

    Notes
    -----
    Notebook: 02_audio_features

    Examples
    --------
    >>> broken(pd.DataFrame({"path": ["a.ogg", "b.ogg"], "error": [None, "it is silent"]}))
    ['b.ogg: it is silent']
    """
    rows = table.loc[table["error"].notna(), ["path", "error"]]
    return [f"{path}: {error}" for path, error in rows.itertuples(index=False)]


def told(error: MusigError, path: str | Path) -> str:
    """Say what is wrong with a file, without where it lies on this machine.

    Parameters
    ----------
    error : MusigError
    path : str or Path
        Of the file.

    Returns
    -------
    str
        The sentence; what it would begin with, the path, is left out.

    Notes
    -----
    Notebook: 02_audio_features

    Examples
    --------
    >>> told(MusigError("music/a.ogg is empty"), "music/a.ogg")
    'is empty'
    """
    return str(error).removeprefix(f"{path} ").replace(str(path), Path(path).name)


def _keys(folder: Path, paths: list[Path], settings: str) -> list[str]:
    """Give a name to each result, made of everything it depends on."""
    made_by = {"source": source_key("musig.audio"), **versions(_LIBRARIES)}
    keys = []
    for path in paths:
        status = path.stat()
        name = path.relative_to(folder).as_posix()
        keys.append(settings + digest([name, status.st_size, status.st_mtime_ns, made_by]))
    return keys


def _row(path: Path, folder: Path, estimator: str, window: float | None) -> _Row:
    """Make the row of a file; None for what could not be told, as JSON has no NaN.

    ``again`` is in it if another run may do better.
    """
    try:
        found = estimate(path, estimator=estimator, window=window)
    except MusigError as error:
        outside = isinstance(error.__cause__, OSError) or not path.is_file()
        return _failed(told(error, path), again=outside)
    except Exception as error:  # a bug, memory, a library: one file's, not the run's
        return _failed(f"it failed ({type(error).__name__}: {error})", again=True)
    known = {name: None if math.isnan(value) else value for name, value in found.features.items()}
    untold = all(value is None for value in known.values())
    return {**known, "error": found.reasons["loudness"] if untold else None}


def _failed(error: str, again: bool) -> _Row:
    return {**dict.fromkeys(FEATURES), "error": error, **({"again": True} if again else {})}


def _computed(
    work: partial[_Row], todo: list[tuple[str, Path]], jobs: int
) -> Iterator[tuple[str, _Row]]:
    """Compute rows as they come, in processes if there is more than one job."""
    if jobs <= 1:
        with threadpool_limits(1):
            for key, path in todo:
                yield key, work(path)
        return
    compile_first()
    suspects = yield from _pooled(work, todo, jobs)
    while suspects:  # a process died, of one of a few files: each gets a process of its own
        lost = []
        for item in suspects[: 2 * jobs]:
            if (yield from _pooled(work, [item], 1)):
                lost.append(item)
        for key, _ in lost:
            why = "reading it ended the process: it is damaged, or larger than memory"
            yield key, _failed(why, again=True)
        suspects = yield from _pooled(work, suspects[2 * jobs :], jobs)


def _pooled(
    work: partial[_Row], todo: list[tuple[str, Path]], jobs: int
) -> Generator[tuple[str, _Row], None, list[tuple[str, Path]]]:
    """Compute rows in processes; return what is left if one of them died, what it had first."""
    waiting = list(reversed(todo))
    running: dict[Future[_Row], tuple[str, Path]] = {}
    pool = ProcessPoolExecutor(jobs, get_context("spawn"), initializer=_begin)
    try:
        while waiting or running:
            while waiting and len(running) < 2 * jobs:  # the next is there when one is done
                item = waiting.pop()
                running[pool.submit(work, item[1])] = item
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                row = future.result()
                yield running.pop(future)[0], row
    except BrokenProcessPool:
        return [*running.values(), *reversed(waiting)]
    finally:
        pool.shutdown(cancel_futures=True)
    return []


def _begin() -> None:
    """Begin a process: one thread, an interruption is the parent's to answer, its end is ours."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threadpool_limits(1)
    Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
    os._exit(1)


def _read(journal: Path | None) -> dict[str, _Row]:
    """Read results that were kept; a line that was not written to its end is none."""
    kept: dict[str, _Row] = {}
    if journal is not None and journal.is_file():
        for line in journal.read_text(encoding="utf-8", errors="replace").splitlines():
            try:
                kept |= json.loads(line)
            except (ValueError, TypeError):
                continue
    return kept


def _rewrite(journal: Path, done: dict[str, _Row]) -> None:
    """Leave out what is of no use any more."""
    with aside(journal) as passing:
        lines = (json.dumps({key: row}) + "\n" for key, row in done.items())
        passing.write_text("".join(lines), encoding="utf-8")
