"""The teacher's page: plans of sessions, and whether the computing fits into their minutes.

A plan is a table that a teacher reads; here it is read as well, so that a test can hold its minutes
against the times that :mod:`musig.running.timing` measured, and so that titles of exercises, links
and seconds are filled in when the book is built and never typed.

Conventions
-----------
A plan begins with a label ``(plan-MINUTES)=`` above its heading, and has one table whose columns
are minutes, what, notebook, exercise. A notebook is named by its number, ``05``, an exercise by
chapter and number, ``05.2``; several stand with commas between. A chapter that is named is run in
the row where it is named first, with an empty cache.

Contents
--------
- :class:`Row`, :class:`Plan`; :func:`plans`: those of a page;
- :func:`work`: seconds of what a plan runs; :func:`short`: what does not fit;
- :func:`fill`, :func:`times_table`: the page with what was measured.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from musig.errors import MusigError, counted, nearest
from musig.running import exercises, ledger, reference
from musig.running.profiles import find_notebook

SLOWER = 2.0
"""A laptop in class is reckoned to take this many times what was measured."""
NOT_TIMED = "Not timed yet: `python -m musig.running.timing` measures it."
TIMES, SUM = "<!-- teach:times -->", "<!-- teach:sum -->"
HEAD = ["minutes", "what", "notebook", "exercise"]
PAGE = "book/teach.md"
_NAME = re.compile(r"\b\d\d(?:\.\d+)?\b")


@dataclass(frozen=True)
class Row:
    """One line of a plan."""

    minutes: int
    """How long it is given."""
    what: str
    """What is done."""
    chapters: tuple[str, ...]
    """Numbers of the notebooks that are opened, such as ``05``."""
    exercises: tuple[str, ...]
    """Exercises that are done, such as ``05.2``."""


@dataclass(frozen=True)
class Plan:
    """One session."""

    minutes: int
    """As its label says."""
    rows: tuple[Row, ...]
    """In their order."""


def plans(page: str) -> list[Plan]:
    r"""Read the plans of the teacher's page.

    Parameters
    ----------
    page : str
        Its source.

    Returns
    -------
    list of Plan
        In their order.

    Raises
    ------
    MusigError
        If a plan has no table with the four columns, or a line of it cannot be read.

    Notes
    -----
    Notebook: 05_multitask_training

    Examples
    --------
    >>> page = "(plan-9)=\n| minutes | what | notebook | exercise |\n| - | - | - | - |\n"
    >>> plans(page + "| 9 | look | 05 | 05.1, 05.2 |")[0].rows[0].exercises
    ('05.1', '05.2')
    """
    parts = re.split(r"^\(plan-(\d+)\)=$", page, flags=re.M)[1:]
    found = []
    for minutes, text in zip(parts[::2], parts[1::2], strict=True):
        where = f"The plan of {minutes} minutes"
        table = re.search(r"^\|.*(?:\n\|.*)*", text, re.M)
        lines = [_cells(line) for line in table[0].splitlines()] if table else [[]]
        if lines[0] != HEAD:
            raise MusigError(f"{where} has no table with the columns {', '.join(HEAD)}.")
        rows = []
        for line in lines[2:]:
            if len(line) != len(HEAD) or not line[0].isdecimal():
                raise MusigError(f"{where}: expected minutes and three cells more, found {line}.")
            named = [tuple(_NAME.findall(cell)) for cell in line[2:]]
            rows.append(Row(int(line[0]), line[1], *named))
        found.append(Plan(int(minutes), tuple(rows)))
    return found


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip().strip("|").split("|")]


def work(plan: Plan, times: Mapping[str, Any]) -> list[dict[str, float | None]]:
    """Look up how long each run of a plan takes.

    Parameters
    ----------
    plan : Plan
        One session.
    times : mapping
        From :func:`musig.running.timing.read`.

    Returns
    -------
    list of dict
        For every row the seconds of what it runs, by name: chapters in the row where they are
        named first, exercises with the commands of their solutions. None where it was not timed.

    Notes
    -----
    Notebook: 05_multitask_training
    """
    chapters = {name.partition("_")[0]: one for name, one in times.get("chapters", {}).items()}
    runs: list[dict[str, float | None]] = []
    seen: set[str] = set()
    for row in plan.rows:
        found: dict[str, float | None] = {}
        for name in row.chapters:
            if name not in seen:
                found[name] = chapters[name]["seconds"] if name in chapters else None
                seen.add(name)
        for name in row.exercises:
            of = chapters.get(name.partition(".")[0])
            again = of["exercises"].get(name, {}) if of else {}
            exercise = _exercises(name).get(name)
            found[name] = again.get("seconds") if exercise and exercise.runs else 0.0
        runs.append(found)
    return runs


def _exercises(name: str) -> dict[str, exercises.Exercise]:
    """Give the exercises of the chapter of one, by name."""
    found = exercises.exercises(find_notebook(name.partition(".")[0]))
    return {one.name: one for one in found}


def short(plan: Plan, times: Mapping[str, Any]) -> list[str]:
    """List what is wrong with a plan, held against what was measured.

    Parameters
    ----------
    plan : Plan
        One session.
    times : mapping
        From :func:`musig.running.timing.read`; empty: only the minutes are added up.

    Returns
    -------
    list of str
        Sentences; none where every row has time for what it runs.

    Notes
    -----
    Notebook: 05_multitask_training

    Examples
    --------
    >>> short(Plan(9, (Row(5, "look", (), ()),)), {})
    ['The rows have 5 minutes, the plan 9.']
    """
    total = sum(row.minutes for row in plan.rows)
    told = (
        []
        if total == plan.minutes
        else [f"The rows have {total} minutes, the plan {plan.minutes}."]
    )
    for row, runs in zip(plan.rows, work(plan, times), strict=True) if times else ():
        told += [f"{name} was not timed." for name, seconds in runs.items() if seconds is None]
        needed = SLOWER * sum(seconds or 0 for seconds in runs.values()) / 60
        if needed > row.minutes:
            told.append(
                f"{row.what!r} has {row.minutes} minutes, and on a machine {SLOWER:g} times slower "
                f"than the one measured its runs take {needed:.1f}."
            )
    return told


def fill(page: str, times: Mapping[str, Any]) -> str:
    """Fill the teacher's page: links and titles in the plans, and what was measured.

    Parameters
    ----------
    page : str
        With the line ``<!-- teach:times -->``, and ``<!-- teach:sum -->`` after each plan.
    times : mapping
        From :func:`musig.running.timing.read`; empty where nothing was timed.

    Returns
    -------
    str
        The page.

    Raises
    ------
    MusigError
        If a plan names an exercise or a notebook that there is not.

    Notes
    -----
    Notebook: 05_multitask_training
    """
    found = plans(page)
    for plan in found:
        page = page.replace(SUM, _told(plan, times), 1)
    page = page.replace(TIMES, times_table(times))
    lines = page.splitlines()
    inside = False
    for at, line in enumerate(lines):
        inside = line.startswith("|") and (inside or _cells(line) == HEAD)
        if inside and _cells(line)[0].isdecimal():
            minutes, what, chapters, asked = _cells(line)
            cells = (minutes, what, _NAME.sub(_chapter, chapters), _NAME.sub(_exercise, asked))
            lines[at] = f"| {' | '.join(cells)} |"
    return "\n".join(lines) + "\n"


def _told(plan: Plan, times: Mapping[str, Any]) -> str:
    """Say in a sentence how long the machine works in a plan."""
    runs = [seconds for row in work(plan, times) for seconds in row.values()]
    if not times or None in runs:
        return NOT_TIMED
    seconds = sum(each or 0 for each in runs)
    return (
        f"Measured, the machine works {seconds / 60:.1f} of these {plan.minutes} minutes: every "
        "notebook run once with an empty cache, and the commands of the exercises."
    )


def times_table(times: Mapping[str, Any]) -> str:
    """Write what was measured as a table, with the machine it was measured on.

    Parameters
    ----------
    times : mapping
        From :func:`musig.running.timing.read`.

    Returns
    -------
    str
        Markdown; a sentence where nothing was timed.

    Notes
    -----
    Notebook: 05_multitask_training

    Examples
    --------
    >>> times_table({}) == NOT_TIMED
    True
    """
    if not times:
        return NOT_TIMED
    rows: list[Sequence[object]] = []
    for name, one in times["chapters"].items():
        again = [f"{each}: {of['seconds']:.0f}" for each, of in one["exercises"].items()]
        number = name.partition("_")[0]
        rows.append(
            [_NAME.sub(_chapter, number), f"{one['seconds']:.0f}", f"{one['cpu_seconds']:.0f}",
             ", ".join(again) or "–"]
        )  # fmt: skip
    head = ["chapter", "seconds, first and alone", "of the processor", "exercises, once it was run"]
    every = times["chapters"].values()
    total = sum(one["seconds"] for one in every) / 60
    commits = sorted({(one["commit"] or "none")[:9] for one in every})
    return (
        f"{ledger.table(head, rows)}\n\n"
        f"All of them, one after the other and each with an empty cache: {total:.0f} minutes.\n"
        f"Profile `{times['profile']}`, {counted(times['threads'], 'thread')}, "
        f"{counted(times['cores'], 'core')} ({times['machine']}), Python {times['python']}, "
        f"commit {', '.join(commits)}, {ledger.span(one['when'][:10] for one in every)}."
    )


def _chapter(found: re.Match[str]) -> str:
    """Link a chapter, with its title."""
    path = find_notebook(found[0])
    return f"[{found[0]} {reference.title(path)}](../notebooks/{path.name})"


def _exercise(found: re.Match[str]) -> str:
    """Link an exercise, with its title."""
    name = found[0]
    there = _exercises(name)
    if name not in there:
        raise MusigError(f"A plan names exercise {name}; {nearest(name, there)}")
    place = f"../notebooks/{there[name].chapter}.html#try-it"
    return f'<a class="reference internal" href="{place}">{name}</a> {there[name].title}'
