"""The reference of parameters: what can be changed in every notebook, read from the notebooks.

A parameters cell is the one declaration of what a notebook takes
(:mod:`musig.running.parameters`). So its reference is not written but made from the cells and the
profiles when the book is built, and cannot tell another story than the notebooks do.

Conventions
-----------
Tables are Markdown; text from cells is escaped. Of a comment, what is a rule (``one of``, a bound,
a range) stands in the column *may be* and the rest in *what it is*. Of the profiles only values
are told that are not the default.

Contents
--------
- :class:`Chapter`, :func:`read`: a notebook with its parameters and what profiles make of them;
  :func:`title`: its first heading;
- :func:`allowed`, :func:`told`: a comment in two parts; :func:`value`: a value as it is written;
- :func:`index_table`: which notebooks have a parameter; :func:`chapter_table`: one notebook;
  :func:`parameters_page`: all of it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from musig.running.ledger import escaped, table
from musig.running.parameters import Parameter, parameters
from musig.running.profiles import load_profile, settle

SIGNS = {">=": "≥", "<=": "≤"}
_RULE = re.compile(
    r"(?:[Oo]ne of [\w@+-]+(?:\|[\w@+-]+)+|in [\[(][^\])]*[\])]|(?:>=|≥|<=|≤|>|<)\s*-?[\d.e-]+)"
)


@dataclass(frozen=True)
class Chapter:
    """A notebook and all that it takes."""

    name: str
    """Its file without ending."""
    title: str
    """Its first heading."""
    parameters: tuple[Parameter, ...]
    """As its cell declares them."""
    profiles: dict[str, dict[str, Any]]
    """By profile the values it is run with."""


def title(notebook: Path) -> str:
    """Give the first heading of a notebook.

    Parameters
    ----------
    notebook : Path
        An ``.ipynb`` file.

    Returns
    -------
    str
        The file's name without ending where there is no heading.

    Notes
    -----
    Notebook: 01_catalog

    Examples
    --------
    >>> from musig.running.profiles import find_notebook
    >>> title(find_notebook("04"))
    'Music graph'
    """
    cells = json.loads(notebook.read_text("utf-8"))["cells"]
    text = "\n".join("".join(c["source"]) for c in cells if c["cell_type"] == "markdown")
    heading = re.search(r"^# (.+)$", text, re.M)
    return heading[1].strip() if heading else notebook.stem


def read(folder: Path) -> list[Chapter]:
    """Read the parameters of all notebooks, and the profiles.

    Parameters
    ----------
    folder : Path
        Holds notebooks, and ``profiles``.

    Returns
    -------
    list of Chapter
        In the order of the files' names.

    Raises
    ------
    MusigError
        If a notebook or a profile is not as it should be.

    Notes
    -----
    Notebook: 01_catalog
    """
    names = sorted(path.stem for path in (folder / "profiles").glob("*.yml"))
    profiles = {name: load_profile(folder / "profiles" / f"{name}.yml") for name in names}
    found = []
    for path in sorted(folder.glob("*.ipynb")):
        values = {name: settle(path, profile, {})[0] for name, profile in profiles.items()}
        found.append(Chapter(path.stem, title(path), tuple(parameters(path)), values))
    return found


def allowed(parameter: Parameter) -> str:
    """Write what a parameter may be, from the rules in its comment.

    Parameters
    ----------
    parameter : Parameter

    Returns
    -------
    str
        Markdown; an en dash where everything of its type is taken.

    Notes
    -----
    Notebook: 01_catalog

    Examples
    --------
    >>> allowed(Parameter("device", "str", "auto", "one of auto|cpu|cuda"))
    '`auto`, `cpu` or `cuda`'
    >>> allowed(Parameter("share", "float", 0.5, "in (0, 1]"))
    '> 0, ≤ 1'
    """
    if parameter.choices:
        *others, last = (f"`{choice}`" for choice in parameter.choices)
        return f"{', '.join(others)} or {last}" if others else last
    if parameter.type == "bool":
        return "`true` or `false`"
    bounds = [f"{SIGNS.get(sign, sign)} {number:g}" for sign, number in parameter.bounds]
    return ", ".join(bounds) or "–"


def told(parameter: Parameter) -> str:
    """Write what a parameter is: its comment without the rules.

    Parameters
    ----------
    parameter : Parameter

    Returns
    -------
    str
        Escaped.

    Notes
    -----
    Notebook: 01_catalog

    Examples
    --------
    >>> told(Parameter("k", "int", 3, "how many, ≥ 1; more is slower"))
    'how many; more is slower'
    """
    kept = ""
    for part in re.findall(r"(?:[\[(][^\])]*[\])]|[^;,\[(])+[;,]?|[\[(]", parameter.help):
        if not _RULE.fullmatch(part.strip(" ;,")):
            kept += part
        elif part.endswith(";"):  # what follows is another sentence still
            kept = kept.rstrip(" ,") + ";"
    return escaped(kept.strip(" ;,:")) or "–"


def value(given: Any) -> str:
    """Write a value as it is typed after ``-p``.

    Parameters
    ----------
    given : int, float, str, bool or list

    Returns
    -------
    str
        As code; *empty* in words.

    Notes
    -----
    Notebook: 01_catalog

    Examples
    --------
    >>> value([0.5, 1.0]), value(True), value("")
    ('`0.5,1.0`', '`true`', 'empty')
    """
    if isinstance(given, list):
        text = ",".join(map(str, given))
    else:
        text = str(given).lower() if isinstance(given, bool) else str(given)
    return f"`{text}`" if text else "empty"


def _otherwise(chapter: Chapter, parameter: Parameter) -> str:
    """Tell in which profiles a parameter is not its default."""
    by_value: dict[str, list[str]] = {}
    for name, values in chapter.profiles.items():
        if values[parameter.name] != parameter.default:
            by_value.setdefault(value(values[parameter.name]), []).append(name)
    return "; ".join(f"{', '.join(names)}: {text}" for text, names in by_value.items()) or "–"


def chapter_table(chapter: Chapter) -> str:
    """Write the parameters of one notebook.

    Parameters
    ----------
    chapter : Chapter

    Returns
    -------
    str
        A Markdown table; a sentence where there is none.

    Notes
    -----
    Notebook: 01_catalog
    """
    if not chapter.parameters:
        return "It has no parameters."
    rows = [
        [
            f"`{each.name}`",
            value(each.default),
            told(each),
            allowed(each),
            f"`{each.type}`",
            _otherwise(chapter, each),
        ]
        for each in chapter.parameters
    ]
    return table(["name", "default", "what it is", "may be", "type", "in profiles"], rows)


def index_table(chapters: Sequence[Chapter]) -> str:
    """Write which notebooks have a parameter.

    Parameters
    ----------
    chapters : sequence of Chapter

    Returns
    -------
    str
        A Markdown table in the order of the alphabet, each number a link to its section.

    Notes
    -----
    Notebook: 01_catalog
    """
    having: dict[str, list[Chapter]] = {}
    for chapter in chapters:
        for parameter in chapter.parameters:
            having.setdefault(parameter.name, []).append(chapter)
    rows = []
    for name, those in sorted(having.items()):
        numbers = " ".join(f"[{_number(each)}](#{_label(each)})" for each in those)
        rows.append([f"`{name}`", "all" if len(those) == len(chapters) else numbers])
    return table(["parameter", "notebooks"], rows)


def _number(chapter: Chapter) -> str:
    return chapter.name.partition("_")[0]


def _label(chapter: Chapter) -> str:
    return f"parameters-{chapter.name.replace('_', '-')}"


def parameters_page(folder: Path) -> str:
    """Write the reference of all parameters.

    Parameters
    ----------
    folder : Path
        Holds notebooks, and ``profiles``.

    Returns
    -------
    str
        Markdown: a section with the index, and one for each notebook.

    Raises
    ------
    MusigError
        If a notebook or a profile is not as it should be.

    Notes
    -----
    Notebook: 01_catalog
    """
    chapters = read(folder)
    parts = ["## Which notebooks have it", index_table(chapters)]
    for chapter in chapters:
        first = next((each for each in chapter.parameters if each.name not in SHARED), None)
        example = f" -p {first.name} {_typed(first)}" if first else ""
        parts += [
            f"({_label(chapter)})=\n## {_number(chapter)} {chapter.title}",
            f"[Read the chapter](../notebooks/{chapter.name}.ipynb), or run it: "
            f"`musig run {_number(chapter)}{example}`.",
            chapter_table(chapter),
        ]
    return "\n\n".join(parts)


SHARED = ("dataset", "data", "seed", "device")
"""What every notebook begins with."""


def _typed(parameter: Parameter) -> str:
    text = value(parameter.default).strip("`")
    return "NAME" if text == "empty" else f'"{text}"' if " " in text else text
