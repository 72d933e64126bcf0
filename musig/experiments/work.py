"""Cells are computed: several processes of one thread each, any of which may fail or be killed.

Two processes of one thread are far faster on two cores than one of two. Every finished cell is on
the disk at once, so that whatever ends a run costs the cells that were being computed and no more.

Conventions
-----------
Processes are started afresh (``spawn``), get the catalogue once and then a cell at a time. They
leave an interrupt to the process that started them, which ends them; what they were writing they
take away. A cell that fails, even by taking its process with it, is reported at the end; the
others go on.

Contents
--------
- :func:`run`: compute cells, or find them.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import sys
import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from pathlib import Path
from typing import Any

from musig.catalog import Catalog
from musig.device import one_thread
from musig.errors import MusigError, counted
from musig.experiments import store
from musig.experiments.cells import Cell, CellResult, run_cell
from musig.files import aside

PATIENCE = 5.0
"""Seconds a process has to end by itself."""

THREADS = tuple(f"{name}_NUM_THREADS" for name in ("OMP", "OPENBLAS", "MKL", "NUMBA"))


def run(
    cells: Iterable[Cell],
    catalog: Catalog,
    *,
    folder: Path | None = None,
    jobs: int = 1,
    device: str = "cpu",
    again: bool = False,
    say: Callable[[str], None] | None = None,
) -> list[CellResult]:
    """Compute cells, those apart that are there already.

    Parameters
    ----------
    cells : iterable of Cell
        From :mod:`musig.experiments.plans`.
    catalog : Catalog
        The whole data set.
    folder : Path, optional
        Where they are recorded; by default the cache, and a cell that is recorded in
        :data:`musig.experiments.store.RECORDED` is taken from there.
    jobs : int, >= 1
        Processes at a time, of one thread each; 1: this one.
    device : {"cpu", "cuda", "auto"}
        Where methods train that can.
    again : bool
        Whether to compute also what is recorded. What is in the cache stays as it is.
    say : callable, optional
        Is told, a line a cell, what was done and how long the rest will take.

    Returns
    -------
    list of CellResult
        One a cell, in this order.

    Raises
    ------
    MusigError
        At the end, naming every cell that failed. The others are kept.

    Notes
    -----
    Notebook: 07_methods

    Examples
    --------
    >>> import tempfile
    >>> from musig.experiments import Evaluation
    >>> from musig.sources.synthetic import make
    >>> cell = Cell("07_methods", "popularity", "popularity", evaluation=Evaluation(2, 3))
    >>> folder = Path(tempfile.mkdtemp())
    >>> for _ in range(2):
    ...     _ = run([cell], make("smoke"), folder=folder, say=lambda line: print(line[:17]))
    1 of 1 cells left
    07_methods/popula
    0 of 1 cells left
    """
    if jobs < 1:
        raise MusigError(f"Parameter jobs is {jobs}; expected 1 process or more.")
    wanted = {cell.name: cell for cell in cells}
    tell = say or (lambda line: None)
    failed: dict[str, str] = {}
    keys = {}
    for name, cell in wanted.items():
        try:
            keys[name] = store.key(cell, catalog.fingerprint)
        except Exception as error:  # such as a method whose module is missing
            failed[name] = _told(error)
    known = {} if again else store.found(store.RECORDED if folder is None else folder)
    there = {
        name: path
        for name, each in keys.items()
        if (path := known.get((each["inputs"], each["source"]))) is not None
    }
    if folder is not None:
        for name, path in there.items():
            _adopt(wanted[name], path, folder)
    tasks, same = _once([_Task(wanted[name], keys[name]) for name in keys if name not in there])
    left = store.seconds_of([task.cell for task in tasks], folder)
    tell(
        f"{len(tasks)} of {len(wanted)} cells left to compute, about"
        f" {sum(left.values()) / 3600:.1f} CPU hours; {jobs} at a time"
    )
    place = _Place(catalog, folder, device)
    ended = (_in_processes if jobs > 1 and len(tasks) > 1 else _here)(tasks, place, jobs)
    for name, wrong, seconds in ended:
        left.pop(name)
        hours = sum(left.values()) / 3600
        if wrong:
            failed[name] = wrong
        told = f"failed: {wrong}" if wrong else f"{seconds:.1f} s"
        tell(f"{name}: {told}; {counted(len(left), 'cell')} left, about {hours:.1f} CPU hours")
    for name, first in same.items():  # the same cell under another name
        if first in failed:
            failed[name] = f"as {first}"
        elif folder is not None:
            _adopt(wanted[name], folder / f"{first}.json", folder)
    if failed:
        lines = "\n".join(f"- {name}: {wrong}" for name, wrong in failed.items())
        raise MusigError(f"{counted(len(failed), 'cell')} failed, the others are kept:\n{lines}")
    return [_result(cell, keys[name], there, place) for name, cell in wanted.items()]


@dataclass(frozen=True)
class _Task:
    """A cell that has to be computed, and its key."""

    cell: Cell
    key: Mapping[str, str]


def _once(tasks: list[_Task]) -> tuple[list[_Task], dict[str, str]]:
    """Take tasks that are the same but for their name once; say which is as which."""
    first: dict[tuple[str, str], _Task] = {}
    same = {}
    for task in tasks:
        known = first.setdefault((task.key["inputs"], task.key["source"]), task)
        if known is not task:
            same[task.cell.name] = known.cell.name
    return list(first.values()), same


@dataclass(frozen=True)
class _Place:
    """What all tasks share: the data, and where results go."""

    catalog: Catalog
    folder: Path | None
    device: str


def _compute(task: _Task, place: _Place) -> None:
    """Compute a cell and keep it."""

    def compute() -> CellResult:
        return run_cell(task.cell, place.catalog, place.device)

    with one_thread(), _one_thread_elsewhere(), warnings.catch_warnings():
        # torch says once a process that sparse tensors are young: on a page that would be an error
        warnings.filterwarnings("ignore", message="Sparse ")
        if place.folder is None:
            store.kept(task.cell, place.catalog, task.key, compute, place.device)
        else:
            path = place.folder / f"{task.cell.name}.json"
            store.save(compute(), path, place.catalog, task.key, place.device)


def _result(
    cell: Cell, key: Mapping[str, str], there: Mapping[str, Path], place: _Place
) -> CellResult:
    """Read what was found or computed."""
    if place.folder is not None:
        return store.load(place.folder / f"{cell.name}.json", cell)[0]
    if cell.name in there:
        return store.load(there[cell.name], cell)[0]

    def lost() -> CellResult:
        return run_cell(cell, place.catalog, place.device)

    return store.kept(cell, place.catalog, key, lost, place.device)


def _adopt(cell: Cell, source: Path, folder: Path) -> None:
    """Give a cell that is there under another name this one too."""
    target = folder / f"{cell.name}.json"
    if source == target:
        return
    content = json.loads(source.read_text("utf-8"))
    content["cell"] |= {"experiment": cell.experiment, "row": cell.row}
    content["same_as"] = f"{source.parent.name}/{source.stem}"
    target.unlink(missing_ok=True)
    scores = source.with_suffix(".parquet")
    if scores.exists():
        with aside(target.with_suffix(".parquet")) as passing:
            passing.write_bytes(scores.read_bytes())
    with aside(target) as passing:
        text = json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False)
        passing.write_text(text + "\n", "utf-8")


def _told(error: BaseException) -> str:
    """Put an error in a line; one that is no sentence of ours with its kind."""
    kind = "" if isinstance(error, MusigError) else f"{type(error).__name__}: "
    return kind + str(error)


def _here(tasks: list[_Task], place: _Place, jobs: int) -> Iterator[tuple[str, str, float]]:
    """Compute one after the other, in this process."""
    for task in tasks:
        began, error = time.perf_counter(), ""
        try:
            _compute(task, place)
        except Exception as raised:
            error = _told(raised)
        yield task.cell.name, error, time.perf_counter() - began


def _in_processes(tasks: list[_Task], place: _Place, jobs: int) -> Iterator[tuple[str, str, float]]:
    """Compute side by side; a process that dies is replaced."""
    waiting = list(reversed(tasks))
    busy: dict[Connection, tuple[SpawnProcess, _Task, float]] = {}
    idle: list[tuple[Connection, SpawnProcess]] = []
    try:
        while waiting or busy:
            while waiting and len(busy) < jobs:
                with _interrupts_held():
                    connection, process = idle.pop() if idle else _started(place)
                    task = waiting.pop()
                    connection.send(task)
                    busy[connection] = (process, task, time.perf_counter())
            for ready in wait(list(busy)):
                assert isinstance(ready, Connection)
                process, task, began = busy.pop(ready)
                try:
                    error = ready.recv()
                    idle.append((ready, process))
                except (EOFError, OSError):  # it died, perhaps for want of memory
                    process.join(10)
                    ready.close()
                    error = f"its process ended with code {process.exitcode}"
                yield task.cell.name, error, time.perf_counter() - began
    finally:
        started = [*idle, *((one, each[0]) for one, each in busy.items())]
        for _, process in started:
            process.terminate()
        for connection, process in started:
            process.join(PATIENCE)
            process.kill()  # one that computes in a library hears only at its end
            process.join()
            connection.close()


def _started(place: _Place) -> tuple[Connection, SpawnProcess]:
    """Start a process with one thread."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    before = {name: os.environ.get(name) for name in THREADS}
    os.environ.update(dict.fromkeys(THREADS, "1"))
    try:
        process = context.Process(target=_work, args=(theirs, place), daemon=True)
        process.start()
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
    theirs.close()  # so that its end is noticed here
    return ours, process


@contextmanager
def _interrupts_held() -> Iterator[None]:
    """Let an interrupt wait; a process that is started meanwhile never hears of one."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    resource_tracker.ensure_running()  # it starts with the first process, and lets them in again
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _work(connection: Any, place: _Place) -> None:
    """Compute what comes, until nothing does."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # files half-written are taken away
    while True:
        try:
            task = connection.recv()
        except (EOFError, OSError):  # whoever started this process is gone
            return
        error = ""
        try:
            _compute(task, place)
        except Exception as raised:
            error = _told(raised)
        connection.send(error)


@contextmanager
def _one_thread_elsewhere() -> Iterator[None]:
    """Keep the libraries beneath numpy and numba to one thread, too."""
    import numba
    from threadpoolctl import threadpool_limits

    before = numba.get_num_threads()
    numba.set_num_threads(1)
    try:
        with threadpool_limits(1):
            yield
    finally:
        numba.set_num_threads(before)
