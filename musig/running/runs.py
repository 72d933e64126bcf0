"""Runs of notebooks: checked first, kept where nothing changed, never half-written.

Notebooks are executed by papermill. Around it: names and types are refused before a kernel
starts; an executed notebook appears under its name only when it is whole; one whose inputs did
not change is kept; and one that fails takes nothing with it.

Conventions
-----------
Progress goes to the standard error stream, never into an output. A notebook that is being
executed, or failed, is in ``unfinished`` in the cache, which nobody keeps or publishes.

Contents
--------
- :func:`run_notebook`: one; :func:`run_notebooks`: several, some side by side;
- :class:`Outcome`: what became of it.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from musig import cache
from musig.errors import MusigError
from musig.running import freshness, kernels
from musig.running.machine import available_cores
from musig.running.parameters import find, parameters
from musig.running.profiles import Profile, load_profile, settle

__all__ = [
    "Outcome",
    "Profile",
    "load_profile",
    "parameters",
    "run_notebook",
    "run_notebooks",
    "settle",
]


@dataclass(frozen=True)
class Outcome:
    """What became of one notebook."""

    path: Path
    """The executed notebook."""
    status: str
    """``executed``, ``unchanged, kept`` or ``text changed, results kept``."""
    seconds: float
    """How long this took."""


def run_notebook(
    notebook: Path,
    out: Path,
    profile: Profile | str | Path | None = None,
    overrides: Mapping[str, Any] | None = None,
    progress: bool = False,
) -> Outcome:
    """Execute a notebook, unless it was executed before with the same inputs.

    Parameters
    ----------
    notebook : Path
        The source, an ``.ipynb`` file without outputs.
    out : Path
        File for the executed notebook.
    profile : Profile, str, Path or None
        A profile, its name or its file; None for the notebook's defaults.
    overrides : mapping, optional
        Parameters that go before the profile's; strings are read by the declared type.
    progress : bool
        Whether to show a bar (or lines, where there is no terminal) on standard error.

    Returns
    -------
    Outcome
        With the path of the executed notebook.

    Raises
    ------
    MusigError
        For a parameter that is refused, or a cell that fails: then what was executed is kept
        elsewhere, named by the message, and an earlier good output stays as it was.

    Notes
    -----
    Notebook: 01_catalog
    """
    return _run_all({Path(notebook): Path(out)}, profile, overrides or {}, progress, 1)[0]


def run_notebooks(
    notebooks: Sequence[Path],
    out: Path,
    profile: Profile | str | Path | None = None,
    overrides: Mapping[str, Any] | None = None,
    progress: bool = False,
    *,
    jobs: int = 1,
) -> list[Outcome]:
    """Execute several notebooks; one that fails does not stop the others.

    Parameters
    ----------
    notebooks : sequence of Path
        The sources.
    out : Path
        Folder for the executed notebooks, which keep their names.
    profile, progress
        As for :func:`run_notebook`.
    overrides : mapping, optional
        As for :func:`run_notebook`; each name must be declared by one of the notebooks at least,
        and is given to those that declare it.
    jobs : int
        How many at a time; the cores are shared among them.

    Returns
    -------
    list of Outcome
        In the order given.

    Raises
    ------
    MusigError
        Before anything runs, if a parameter is refused; after all have run, naming every
        notebook that failed.

    Notes
    -----
    An interrupt ends the kernels; notebooks that were finished stay.

    Notebook: 01_catalog
    """
    targets = {Path(path): Path(out) / Path(path).name for path in notebooks}
    return _run_all(targets, profile, overrides or {}, progress, jobs)


def _run_all(
    targets: dict[Path, Path],
    profile: Profile | str | Path | None,
    overrides: Mapping[str, Any],
    progress: bool,
    jobs: int,
) -> list[Outcome]:
    """Check all, then run all, and at the end say which failed."""
    if not isinstance(profile, Profile):
        beside = next(iter(targets)).parent
        profile = load_profile(profile, beside) if profile else Profile()
    settled = _settle_all(list(targets), profile, overrides)
    jobs = max(1, min(jobs, len(settled)))
    threads = max(1, available_cores() // jobs) if jobs > 1 else None
    started = kernels.Started()
    # In threads, because in the main one papermill's event loop would take an interrupt for itself.
    with ThreadPoolExecutor(max_workers=jobs) as pool:
        futures: list[Future[Outcome]] = []
        try:
            for number, (path, (values, changed)) in enumerate(settled.items()):
                variables = kernels.environment(profile.name, changed, threads)
                label = [profile.name, changed]
                row = number % jobs if progress else None
                arguments = (path, targets[path], values, label, variables, started, row)
                futures.append(pool.submit(_run, *arguments))
            # in short steps: a wait without a limit would hold an interrupt back
            while wait(futures, timeout=0.2).not_done:
                pass
        except BaseException:
            started.end()
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    errors = [error for future in futures if (error := future.exception()) is not None]
    for error in errors:
        if not isinstance(error, MusigError):
            raise error
    if errors:
        raise MusigError("\n".join(str(error) for error in errors))
    return [future.result() for future in futures]


def _settle_all(
    notebooks: list[Path], profile: Profile, overrides: Mapping[str, Any]
) -> dict[Path, tuple[dict[str, Any], dict[str, Any]]]:
    """Check the parameters of all notebooks, before the first is run."""
    declared = {path: {item.name: item for item in parameters(path)} for path in notebooks}
    everything = {name: item for items in declared.values() for name, item in items.items()}
    names = ", ".join(path.name for path in notebooks)
    for name in overrides:
        find(list(everything.values()), name, names)
    return {
        path: settle(path, profile, {k: v for k, v in overrides.items() if k in declared[path]})
        for path in notebooks
    }


def _run(
    notebook: Path,
    target: Path,
    values: dict[str, Any],
    label: list[Any],
    variables: dict[str, str],
    started: kernels.Started,
    row: int | None,
) -> Outcome:
    """Execute or keep one notebook whose parameters are settled; ``row`` is its bar's."""
    import nbformat  # takes more than a second: not before the parameters are checked

    began = time.perf_counter()
    source = nbformat.read(notebook, as_version=4)
    key = freshness.run_key(source, values, label)
    status = freshness.keep(source, target, key)
    if not status:
        _say(notebook, "running", row)
        bar = {"desc": notebook.stem, "leave": False, "position": row, "file": sys.stderr}
        defaults = {item.name: item.default for item in parameters(notebook)}
        given = {name: value for name, value in values.items() if value != defaults[name]}
        working = cache.root() / "unfinished" / f"{notebook.stem}-{key[:8]}.ipynb"
        shown = bar if row is not None and sys.stderr.isatty() else False
        started.go_on()
        executed = kernels.execute(source, notebook.name, working, given, variables, shown, started)
        freshness.mark(executed, source, key)
        # papermill notes where the files are on this machine, which is nobody's business
        executed.metadata.papermill.update(input_path=notebook.name, output_path=notebook.name)
        freshness.write(executed, target)
        working.unlink(missing_ok=True)
        status = "executed"
    seconds = time.perf_counter() - began
    _say(notebook, status if status != "executed" else f"executed in {seconds:.1f} s", row)
    return Outcome(target, status, seconds)


def _say(notebook: Path, text: str, row: int | None) -> None:
    """Write a line on standard error, above the bars."""
    if row is not None:
        from tqdm import tqdm

        tqdm.write(f"{notebook.stem}: {text}", file=sys.stderr)
