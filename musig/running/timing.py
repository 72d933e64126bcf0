"""How long a chapter takes, first and alone, and how long the whole book: kept for its pages.

A plan for a lesson is only as good as its minutes. So every chapter is executed in a process of its
own, with a cache that holds nothing, on one thread; then the commands of its exercises that a plan
uses are run, with the cache that the chapter left, as a class would. Seconds of the clock and of
the processor are kept, of the whole command: start, imports, computing, drawing.

Conventions
-----------
``python -m musig.running.timing`` times all chapters and writes ``book/times.json``, again after
each of them, so that it may be stopped; named chapters alone are replaced in the file, and with
``--book`` the times of building. The profile and the machine stand at the top of the file and hold
for all of it: times of others are refused. The commit and the time of day stand with each entry, or
at the top where they are the same for all. Nothing else heavy should run meanwhile: the processor's
seconds tell whether something did.

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
ABOUT = ("profile", "threads", "cores", "machine", "python")
"""What is the same for all times of a file."""
MADE = ("commit", "when")
"""What every entry has of its own."""
BUILDING = ("book", "again", "changed", "chapter")
"""What :func:`time_book` times."""
COMMAND = (sys.executable, "-m", "musig.cli")


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
            if exercise.name in of_exercises and exercise.runs:
                each = [run(path, given) for path, given in exercise.runs]
                again[exercise.name] = {
                    name: round(sum(one[name] for one in each), 1) for name in each[0]
                }
    return {**found, "exercises": again}


def time_book(profile: str = "classroom") -> dict[str, dict[str, float]]:
    """Time ``make book``, the same again, and ``make chapter N=05`` after it and without it.

    Parameters
    ----------
    profile : str
        A name in ``notebooks/profiles``.

    Returns
    -------
    dict
        ``book``, with an empty cache; ``again``, with nothing changed; ``changed``, the chapter
        with another weight of a task, after the book; ``chapter``, with an empty cache. Each with
        ``seconds`` and ``cpu_seconds``, and threads as the commands choose them; installing is not
        in it.

    Raises
    ------
    MusigError
        If one of them fails.

    Notes
    -----
    Notebook: 05_multitask_training
    """
    book_command, chapter = ("book",), ("chapter", "05")
    found = {}
    for steps in (
        {"book": book_command, "again": book_command, "changed": (*chapter, "weight_genre=0")},
        {"chapter": chapter},
    ):
        with tempfile.TemporaryDirectory() as empty:
            places = {"MUSIG_CACHE": "cache", "MUSIG_RUNS": "runs"}
            variables = {name: str(Path(empty, place)) for name, place in places.items()}
            for name, (module, *given) in steps.items():
                run = (sys.executable, "-m", f"musig.running.{module}", *given)
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
        By name; empty where nothing was timed yet. Every entry has its commit and its time.

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
        kept = dict(json.loads(path.read_text("utf-8")))
        of_all = {name: kept.pop(name) for name in MADE if name in kept}
        building = [kept["building"][name] for name in BUILDING] if "building" in kept else []
        for one in [*kept["chapters"].values(), *building]:
            one.update(of_all | one)
            float(one["seconds"]), float(one["cpu_seconds"]), [one[name] for name in MADE]
        for one in kept["chapters"].values():
            [float(again["seconds"]) for again in one["exercises"].values()]
        [kept[name] for name in ABOUT]
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise MusigError(
            f"{path} does not hold the times of chapters ({error}): remove it, and run "
            "python -m musig.running.timing."
        ) from error
    return kept


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
    return book.exit_code(lambda: _time(options))


def _time(options: argparse.Namespace) -> int:
    from musig.running import teaching  # which reads what is written here

    about: dict[str, Any] = {
        "profile": options.profile,
        "threads": 1,
        "cores": available_cores(),
        "machine": platform.machine(),
        "python": platform.python_version(),
    }
    kept = read(options.out)
    other = [
        f"{name} {kept[name]}, not {about[name]}"
        for name in ABOUT
        if name in kept and kept[name] != about[name]
    ]
    if other:
        raise MusigError(
            f"{options.out} holds times of another kind ({'; '.join(other)}): give another --out, "
            "or remove it and time all again."
        )
    content = about | kept
    chapters = content.pop("chapters", {})
    listed = [path.stem for path in book.chapters()]
    commit = git_state()[0]

    def made(found: dict[str, Any]) -> dict[str, Any]:
        when = datetime.now(UTC).isoformat(timespec="seconds")
        return {**found, "commit": commit, "when": when}

    def keep() -> None:
        there = {name: chapters[name] for name in listed if name in chapters}
        with aside(options.out) as passing:
            passing.write_text(json.dumps({**content, "chapters": there}, indent=1) + "\n", "utf-8")

    if options.book:
        found = time_book(options.profile)
        content["building"] = {name: made(one) for name, one in found.items()}
        keep()
        return 0
    plans = teaching.plans((book.ROOT / teaching.PAGE).read_text("utf-8"))
    wanted = [name for plan in plans for row in plan.rows for name in row.exercises]
    for notebook in [find_notebook(name) for name in options.chapters or listed]:
        one = made(time_chapter(str(notebook), options.profile, wanted))
        chapters[notebook.stem] = one
        print(f"{notebook.stem}: {one['seconds']:.0f} s", file=sys.stderr, flush=True)
        keep()
    return 0


if __name__ == "__main__":
    sys.exit(main())
