"""Exercises of the chapters: read from the notebooks, so that their solutions can be run.

A solution that nobody runs is right until the code changes. The exercises stand in the chapters'
Markdown; here they are taken apart: what is asked, what the folded solution says, the commands
that it gives and the lines of code that it adds to the page.

Conventions
-----------
An exercise is an admonition titled ``Exercise N: title``, or ``Exercise N (open): title`` where no
single answer is the right one. The next admonition is its ``Solution``, of class ``dropdown``.
Commands stand in blocks marked ``sh``, or in the text between backticks where they begin with
``musig run``; code stands in blocks marked ``python`` and may use every name of its page. An
exercise is called by chapter and number: ``05.2``.

Contents
--------
- :class:`Exercise`: one of them; :func:`exercises`: those of a notebook;
- :func:`rerun`: the notebook and the parameters of a command;
- :func:`with_solutions`: a notebook that ends with the code of its solutions.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from musig.errors import MusigError
from musig.running.profiles import find_notebook

_ADMONITION = re.compile(r"^(:{3,})\{admonition\} ([^\n]*)\n(.*?)\n\1$", re.M | re.S)
_TITLE = re.compile(r"Exercise (\d+)( \(open\))?: (\S.*)")
_BLOCK = re.compile(r"^```(\w+)\n(.*?)\n```$", re.M | re.S)
_INLINE = re.compile(r"(?<!`)`(musig run [^`\n]+)`(?!`)")


@dataclass(frozen=True)
class Exercise:
    """One exercise of a chapter, with its solution."""

    chapter: str
    """The notebook's name without ending."""
    number: int
    """Within its chapter, from 1."""
    title: str
    """In a few words."""
    open: bool
    """Whether more than one answer can be right."""
    text: str
    """What is asked, in Markdown."""
    solution: str
    """What the folded solution says, in Markdown."""

    @property
    def name(self) -> str:
        """Chapter and number, such as ``05.2``."""
        return f"{self.chapter.partition('_')[0]}.{self.number}"

    @property
    def code(self) -> tuple[str, ...]:
        """Lines that the solution adds to its page, a text a block."""
        return tuple(text for kind, text in _BLOCK.findall(self.solution) if kind == "python")

    @property
    def commands(self) -> tuple[str, ...]:
        """Commands of the solution, in their order; those within sentences come last."""
        shell = [text for kind, text in _BLOCK.findall(self.solution) if kind == "sh"]
        lines = "\n".join(shell).replace("\\\n", " ").splitlines()
        within = _INLINE.findall(_BLOCK.sub("", self.solution))
        return tuple(" ".join(line.split()) for line in [*lines, *within] if line.strip())

    @property
    def runs(self) -> tuple[tuple[Path, dict[str, str]], ...]:
        """What its commands run again: notebooks with their parameters."""
        return tuple(read for line in self.commands if (read := rerun(line)))


def exercises(notebook: Path) -> list[Exercise]:
    """Read the exercises of a chapter.

    Parameters
    ----------
    notebook : Path
        An ``.ipynb`` file.

    Returns
    -------
    list of Exercise
        In their order; empty where the chapter has none.

    Raises
    ------
    MusigError
        If a title is not as above, a number is not the next one, or a solution is missing or
        open to see at once.

    Notes
    -----
    Notebook: 05_multitask_training

    Examples
    --------
    >>> found = exercises(find_notebook("04"))
    >>> found[1].name, found[1].commands
    ('04.2', ('musig run 04 -p min_weight 10',))
    """
    notebook = Path(notebook)
    cells = json.loads(notebook.read_text("utf-8"))["cells"]
    texts = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown"]
    boxes = [found.groups()[1:] for text in texts for found in _ADMONITION.finditer(text)]
    read: list[Exercise] = []
    for at, (title, body) in enumerate(boxes):
        if title.startswith("Exercise"):
            where = f"{notebook.name}, {title!r}"
            named = _TITLE.fullmatch(title.strip())
            if not named or int(named[1]) != len(read) + 1:
                raise MusigError(
                    f"{where}: expected 'Exercise {len(read) + 1}: title', or '(open)' before the "
                    "colon."
                )
            follows = boxes[at + 1] if at + 1 < len(boxes) else ("", "")
            if follows[0].strip() != "Solution" or ":class: dropdown" not in follows[1]:
                raise MusigError(
                    f"{where}: expected an admonition 'Solution' of class dropdown right after it."
                )
            told = follows[1].replace(":class: dropdown", "", 1).strip()
            read.append(
                Exercise(notebook.stem, int(named[1]), named[3], bool(named[2]), body, told)
            )
    return read


def rerun(command: str) -> tuple[Path, dict[str, str]] | None:
    """Read which notebook a command runs again, and with which parameters.

    Parameters
    ----------
    command : str
        One of :attr:`Exercise.commands`.

    Returns
    -------
    tuple of Path and dict, or None
        The notebook and its parameters, as text; None where the command runs something else.

    Raises
    ------
    MusigError
        If there is no such notebook, or the command has other options than ``-p``.

    Notes
    -----
    Notebook: 05_multitask_training

    Examples
    --------
    >>> notebook, given = rerun("musig run 05 -p hops 3")
    >>> notebook.name, given
    ('05_multitask_training.ipynb', {'hops': '3'})
    >>> rerun("musig doctor") is None
    True
    """
    words = shlex.split(command)
    if words[:2] != ["musig", "run"]:
        return None
    named, options = words[2:3], words[3:]
    if not named or len(options) % 3 or any(mark != "-p" for mark in options[::3]):
        raise MusigError(f"`{command}`: expected musig run CHAPTER -p name value …")
    return find_notebook(named[0]), dict(zip(options[1::3], options[2::3], strict=True))


def with_solutions(notebook: Path, blocks: Mapping[str, str]) -> dict[str, Any]:
    """Put the code of solutions at the end of a notebook.

    Parameters
    ----------
    notebook : Path
        The chapter, an ``.ipynb`` file.
    blocks : mapping of str to str
        By a cell id that the notebook does not have, the lines of that cell.

    Returns
    -------
    dict
        The notebook as JSON has it, with a cell more for each, in their order.

    Raises
    ------
    MusigError
        If the notebook has a cell of that id.

    Notes
    -----
    A solution may use every name of its page, and no other solution's: each starts from the names
    that the page left, and what it adds or changes is put back after it.

    Notebook: 07_methods
    """
    whole = json.loads(Path(notebook).read_text("utf-8"))
    there = {cell["id"] for cell in whole["cells"]}
    for name, lines in blocks.items():
        if name in there:
            raise MusigError(f"{Path(notebook).name} has a cell {name!r} already.")
        for part, text in (
            (f"{name}-before", "_page = {k: v for k, v in globals().items() if k[:1] != '_'}"),
            (name, lines),
            (
                f"{name}-after",
                "for _name in [k for k in globals() if k[:1] != '_' and k not in _page]:\n"
                "    del globals()[_name]\n"
                "globals().update(_page)",
            ),
        ):
            cell: dict[str, Any] = {
                "cell_type": "code",
                "execution_count": None,
                "id": part,
                "outputs": [],
            }
            whole["cells"].append({**cell, "metadata": {}, "source": text})
    return dict(whole)
