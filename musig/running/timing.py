"""How long a chapter takes, first and alone, and how long the whole book: kept for its pages.

A plan for a lesson is only as good as its minutes. So every chapter is executed in a process of its
own, with a cache that holds nothing, on one thread; then the commands of its exercises that a plan
uses are run, with the cache that the chapter left, as a class would. Seconds of the clock and of
the processor are kept, of the whole command: start, imports, computing, drawing.

Conventions
-----------
``python -m musig.running.timing`` times all chapters and writes ``book/times.json``, again after
each of them, so that it may be stopped; named chapters alone are replaced in the file, and with
``--book`` the times of building. Nothing else heavy should run meanwhile: the processor's seconds
tell whether something did.

Contents
--------
- :func:`timed`: seconds of one command; :func:`time_chapter`: a chapter and its exercises;
  :func:`time_book`: building all, again, and one chapter;
- :func:`read`: what was kept; :func:`told`: of one chapter, in a sentence;
  :func:`main`: ``python -m musig.running.timing``.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from musig.errors import MusigError, counted
from musig.files import aside
from musig.running import book, exercises
from musig.running.machine import available_cores, git_state
from musig.running.profiles import find_notebook

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
KEPT = "book/times.json"
"""Where the times are, in the folder of the project."""
COMMAND = (sys.executable, "-c", "from musig.cli import main; main()")


def timed(command: Sequence[str], variables: Mapping[str, str]) -> dict[str, float]:
    """Measure a command and all that it starts.

    Parameters
    ----------
    command : sequence of str
        Program and arguments.
    variables : mapping
        Its environment, on top of this process's.

    Returns
    -------
    dict
        ``seconds`` on the clock, and ``cpu_seconds`` of the processor.

    Raises
    ------
    MusigError
        If it ends in an error, with its last lines.

    Notes
    -----
    Notebook: 05_multitask_training

    Examples
    --------
    >>> sorted(timed([sys.executable, "-c", "pass"], {}))
    ['cpu_seconds', 'seconds']
    """
    before, began = os.times(), time.perf_counter()
    done = subprocess.run(
        list(command), env={**os.environ, **variables}, capture_output=True, text=True, check=False
    )
    seconds, after = time.perf_counter() - began, os.times()
    if done.returncode:
        told = "\n".join((done.stderr or done.stdout).strip().splitlines()[-5:])
        raise MusigError(f"{' '.join(command[-4:])} could not be timed, for it failed:\n{told}")
    # of children that ended, and of theirs; always 0 on Windows
    cpu = sum(after[2:4]) - sum(before[2:4])
    return {"seconds": round(seconds, 1), "cpu_seconds": round(cpu, 1)}


def time_chapter(
    chapter: str, profile: str = "classroom", of_exercises: Sequence[str] = ()
) -> dict[str, Any]:
    """Time a chapter with an empty cache, and then the commands of some of its exercises.

    Parameters
    ----------
    chapter : str
        As ``musig run`` takes it.
    profile : str
        A name in ``notebooks/profiles``.
    of_exercises : sequence of str
        Names such as ``05.2``; those of other chapters are passed over.

    Returns
    -------
    dict
        ``seconds`` and ``cpu_seconds``, and under ``exercises`` the same of each, all its commands
        together.

    Raises
    ------
    MusigError
        If a run fails.

    Notes
    -----
    What numba compiled stays beside the modules, as on any machine on which something ran before;
    the very first run after an installation takes longer.

    Notebook: 05_multitask_training
    """
    notebook = find_notebook(chapter)
    with tempfile.TemporaryDirectory() as empty:
        places = {"MUSIG_CACHE": "cache", "MUSIG_RUNS": "runs"}
        variables = {name: str(Path(empty, place)) for name, place in places.items()}
        variables |= dict.fromkeys(THREADS, "1")

        def run(path: Path, given: Mapping[str, str]) -> dict[str, float]:
            options = [part for name, value in given.items() for part in ("-p", name, value)]
            out = ("--profile", profile, "--out", str(Path(empty, "executed")))
            return timed([*COMMAND, "run", str(path), *out, *options], variables)

        found: dict[str, Any] = run(notebook, {})
        again = {}
        for exercise in exercises.exercises(notebook):
            runs = [read for line in exercise.commands if (read := exercises.rerun(line))]
            if exercise.name in of_exercises and runs:
                each = [run(path, given) for path, given in runs]
                again[exercise.name] = {
                    name: round(sum(one[name] for one in each), 1) for name in each[0]
                }
    return {**found, "exercises": again}


def time_book(profile: str = "classroom") -> dict[str, dict[str, float]]:
    """Time ``make book`` with an empty cache, the same again, and ``make chapter N=05``.

    Parameters
    ----------
    profile : str
        A name in ``notebooks/profiles``.

    Returns
    -------
    dict
        ``book``, ``again`` and ``chapter`` (with an empty cache, too), each with ``seconds`` and
        ``cpu_seconds``. Threads as the commands themselves choose them; installing is not in it.

    Raises
    ------
    MusigError
        If one of them fails.

    Notes
    -----
    Notebook: 05_multitask_training
    """
    found = {}
    for names, module, given in (
        (("book", "again"), "book", ()),
        (("chapter",), "chapter", ("05",)),
    ):
        with tempfile.TemporaryDirectory() as empty:
            places = {"MUSIG_CACHE": "cache", "MUSIG_RUNS": "runs"}
            variables = {name: str(Path(empty, place)) for name, place in places.items()}
            run = (sys.executable, "-m", f"musig.running.{module}", *given)
            for name in names:
                found[name] = timed([*run, "--profile", profile, "--out", empty], variables)
    return found


def read(path: Path) -> dict[str, Any]:
    """Read the times that were kept.

    Parameters
    ----------
    path : Path
        ``book/times.json``.

    Returns
    -------
    dict
        By name; empty where nothing was timed yet.

    Raises
    ------
    MusigError
        If the file is not what :func:`main` writes.

    Notes
    -----
    Notebook: 05_multitask_training

    Examples
    --------
    >>> read(Path("no such file"))
    {}
    """
    if not path.is_file():
        return {}
    try:
        kept = json.loads(path.read_text("utf-8"))
        for one in kept["chapters"].values():
            float(one["seconds"]), float(one["cpu_seconds"]), dict(one["exercises"])
    except (ValueError, TypeError, KeyError) as error:
        raise MusigError(
            f"{path} does not hold the times of chapters ({error}): remove it, and run "
            "python -m musig.running.timing."
        ) from error
    return dict(kept)


def told(path: Path, chapter: str) -> str:
    """Say how long a chapter took.

    Parameters
    ----------
    path : Path
        ``book/times.json``.
    chapter : str
        Such as ``05_multitask_training``.

    Returns
    -------
    str
        A sentence, empty where it was not timed.

    Notes
    -----
    Notebook: 05_multitask_training

    Examples
    --------
    >>> told(Path("no such file"), "05_multitask_training")
    ''
    """
    found = read(path).get("chapters", {}).get(chapter)
    if not found:
        return ""
    seconds = counted(max(1, round(found["seconds"])), "second")
    return f"With an empty cache and one thread, it was timed once: {seconds}."


def main(arguments: Sequence[str] | None = None) -> int:
    """Time chapters, and keep the times for the teacher's page.

    Parameters
    ----------
    arguments : sequence of str, optional
        As on the command line.

    Returns
    -------
    int
        Exit code: 0 if all went well.

    Notes
    -----
    Notebook: 05_multitask_training
    """
    parser = argparse.ArgumentParser(
        prog="python -m musig.running.timing", description=main.__doc__
    )
    parser.add_argument("chapters", nargs="*", help="numbers or names; none: all")
    parser.add_argument("--book", action="store_true", help="the building instead")
    parser.add_argument("--profile", default="classroom", help="a name in notebooks/profiles")
    parser.add_argument("--out", type=Path, default=book.ROOT / KEPT, help="the file")
    options = parser.parse_args(arguments)
    from musig.running import teaching  # which reads what is written here

    try:
        content = read(options.out)
        chapters = content.pop("chapters", {})
        listed = [path.stem for path in book.chapters()]

        def keep() -> None:
            there = {name: chapters[name] for name in listed if name in chapters}
            with aside(options.out) as passing:
                passing.write_text(
                    json.dumps({**content, "chapters": there}, indent=1) + "\n", "utf-8"
                )

        content |= {
            "profile": options.profile,
            "threads": 1,
            "cores": available_cores(),
            "machine": platform.machine(),
            "python": platform.python_version(),
            "commit": git_state()[0],
            "when": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        if options.book:
            content["building"] = time_book(options.profile)
            keep()
            return 0
        plans = teaching.plans((book.ROOT / "book/teach.md").read_text("utf-8"))
        wanted = [name for plan in plans for row in plan.rows for name in row.exercises]
        for notebook in [find_notebook(name) for name in options.chapters or listed]:
            one = time_chapter(str(notebook), options.profile, wanted)
            chapters[notebook.stem] = one
            print(f"{notebook.stem}: {one['seconds']:.0f} s", file=sys.stderr, flush=True)
            keep()
    except MusigError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
