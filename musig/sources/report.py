"""What a reader finds wrong in a file, written down with its place.

Conventions
-----------
Readers count rows from 0, people from 1: the change is made here and nowhere else.

Contents
--------
- :class:`Report`: appends problems of one file.
- :func:`usable`: what was read, or an error that tells what is wrong with it.
- :func:`short`: a value as a message shows it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np

from musig.catalog import Problem
from musig.errors import MusigError

Result = TypeVar("Result")

_TOLD = 5  # errors in a message; `musig data validate` lists all


@dataclass
class Report:
    """Problems of one file, appended to a list that may be shared by many.

    Examples
    --------
    >>> report = Report("tracks.csv")
    >>> report.error(0, "energy", "'loud'", "a number")
    >>> print(report.problems[0])
    error: tracks.csv, row 1, column energy: found 'loud'; expected a number.
    """

    file: str
    problems: list[Problem] = field(default_factory=list)
    rows: np.ndarray | None = None
    """shape (n,): the row of the file, from 1, behind each row of a table taken from it."""

    def error(self, row: Any, column: str | None, found: str, expected: str) -> None:
        """Append an error; ``row`` is counted from 0, or words for a place, or None."""
        self.problems.append(Problem("error", self.file, self._place(row), column, found, expected))

    def warning(self, row: Any, column: str | None, found: str, expected: str) -> None:
        """Append a warning; ``row`` as for :meth:`error`."""
        place = self._place(row)
        self.problems.append(Problem("warning", self.file, place, column, found, expected))

    def _place(self, row: Any) -> int | str | None:
        if row is None or isinstance(row, str):
            return row
        return int(row) + 1 if self.rows is None else int(self.rows[row])

    def missing(self, column: str, columns: Iterable[object]) -> None:
        """Append that a column is not there."""
        found = "only " + ", ".join(map(str, columns))
        self.error(None, column, found, f"a column {column}")

    def unknown(self, columns: Iterable[object], known: Iterable[str]) -> None:
        """Append a warning for each column that is not among the known ones."""
        known = tuple(known)
        found, expected = "a column of an unknown name, which is ignored", "one of "
        for column in map(str, columns):
            if column not in known:
                self.warning(None, column, found, expected + ", ".join(known))

    def failed(self) -> bool:
        """Whether there is an error, in this file or in another that shares the list."""
        return any(problem.level == "error" for problem in self.problems)


def usable(result: Result | None, problems: list[Problem], source: str, hint: str = "") -> Result:
    """Return what was read, unless there is an error.

    Parameters
    ----------
    result : object or None
    problems : list of Problem
    source : str
        What was read, as the user named it.
    hint : str
        A last sentence for the message.

    Returns
    -------
    object
        The result.

    Raises
    ------
    MusigError
        That tells the first errors.

    Notes
    -----
    Notebook: 01_catalog
    """
    errors = [problem for problem in problems if problem.level == "error"]
    if result is not None and not errors:
        return result
    told = " ".join(str(problem).removeprefix("error: ") for problem in errors[:_TOLD])
    more = f" And {len(errors) - _TOLD:,} more." if len(errors) > _TOLD else ""
    raise MusigError(" ".join(filter(None, [f"{source} cannot be used.", told + more, hint])))


def short(value: object) -> str:
    """Return a value as Python writes it, cut to 60 characters.

    Parameters
    ----------
    value : object

    Returns
    -------
    str

    Notes
    -----
    Notebook: 01_catalog

    Examples
    --------
    >>> short("x" * 99)[-5:], short(None)
    ('xx...', 'nothing')
    """
    text = "nothing" if value is None else repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
