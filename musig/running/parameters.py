"""Parameters of a notebook, and their strict check.

Papermill lets a misspelt parameter pass with a warning and looks at no type. Here the cell
tagged ``parameters`` is the one declaration: a name, a type, a default and, in the comment, what
it means and what it may be. Everything is checked against it before a kernel starts.

Conventions
-----------
Each line reads ``name: type = default  # help, unit, choices``. Types are ``int``, ``float``,
``str``, ``bool`` and lists of them. The help may hold rules, which are kept to: ``one of
auto|cpu|cuda``, ``>= 0`` (or ``≥ 0``), ``> 0``, ``<= 1``, ``< 1``, ``in [0, 1]``, ``in (0, 1]``.
For a list they hold for each item. Plain papermill's own ``--help-notebook`` cannot read a line
with two equals signs, so ``≥`` is the better spelling in a notebook.

Contents
--------
- :class:`Parameter`: one line; :func:`parameters`: all of a notebook; :func:`declared`: of a text;
  :func:`class_fields`: of a dataclass;
- :func:`parse`: a value written on the command line; :func:`check`: a value of the right type
  that keeps to the rules.
"""

from __future__ import annotations

import ast
import io
import json
import math
import re
import tokenize
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from musig.errors import MusigError, nearest

TYPES: dict[str, type] = {"int": int, "float": float, "str": str, "bool": bool}
_NUMBER = r"-?\d+(?:\.\d+)?(?:e-?\d+)?"
_BOUND = re.compile(rf"(>=|≥|<=|≤|>|<)\s*({_NUMBER})(?!\w|\.\d)")
_RANGE = re.compile(rf"\bin ([\[(])\s*({_NUMBER})\s*,\s*({_NUMBER})\s*([\])])")
_CHOICES = re.compile(r"\b[Oo]ne of ([\w@+-]+(?:\|[\w@+-]+)+)")


@dataclass(frozen=True)
class Parameter:
    """One line of a parameters cell."""

    name: str
    """As in the notebook."""
    type: str
    """``int``, ``float``, ``str``, ``bool``, or ``list[...]`` of one of them."""
    default: Any
    """Its value if nobody gives another."""
    help: str
    """The comment at the end of its line, with its rules."""

    @property
    def choices(self) -> tuple[str, ...]:
        """What it may be, where its help says ``one of``; else empty."""
        found = _CHOICES.search(self.help)
        return tuple(found[1].split("|")) if found else ()

    @property
    def bounds(self) -> tuple[tuple[str, float], ...]:
        """Its limits as signs and numbers, for example ``((">=", 0.0), ("<", 1.0))``."""
        bounds = [(sign, float(number)) for sign, number in _BOUND.findall(self.help)]
        for left, low, high, right in _RANGE.findall(self.help):
            bounds.append((">=" if left == "[" else ">", float(low)))
            bounds.append(("<=" if right == "]" else "<", float(high)))
        return tuple((sign.replace("≥", ">=").replace("≤", "<="), n) for sign, n in bounds)


def parameters(notebook: Path) -> list[Parameter]:
    """Read what a notebook declares.

    Parameters
    ----------
    notebook : Path
        An ``.ipynb`` file.

    Returns
    -------
    list of Parameter
        In the order of the cell; empty where no cell is tagged ``parameters``.

    Raises
    ------
    MusigError
        If the file is not a notebook, or a line of the cell is not a declaration.

    Notes
    -----
    Notebook: 01_catalog
    """
    notebook = Path(notebook)
    try:
        content = json.loads(notebook.read_text("utf-8"))
        for cell in content["cells"]:
            if "parameters" in cell["metadata"].get("tags", []):
                return declared("".join(cell["source"]), notebook.name)
    except OSError as error:
        raise MusigError(f"The notebook {notebook} cannot be read: {error.strerror}.") from error
    except (UnicodeDecodeError, json.JSONDecodeError, KeyError, TypeError) as error:
        raise MusigError(
            f"{notebook} is not a notebook in version 4 of the format: open it in Jupyter and "
            "save it, or name another file."
        ) from error
    return []


def declared(code: str, where: str) -> list[Parameter]:
    """Read the declarations in a text.

    Parameters
    ----------
    code : str
        Lines of ``name: type = default  # help``.
    where : str
        What to call the text in a message.

    Returns
    -------
    list of Parameter
        In their order.

    Raises
    ------
    MusigError
        If a line is something else, or a default is not of its type or breaks its own rules.

    Notes
    -----
    Notebook: 01_catalog

    Examples
    --------
    >>> declared('seed: int = 0  # ≥ 0', "a cell")
    [Parameter(name='seed', type='int', default=0, help='≥ 0')]
    """
    try:
        tree = ast.parse(code)
        comments = {
            token.start[0]: token.string.lstrip("#").strip()
            for token in tokenize.generate_tokens(io.StringIO(code).readline)
            if token.type == tokenize.COMMENT
        }
    except (SyntaxError, tokenize.TokenError) as error:
        raise MusigError(f"{where}: the parameters cell is not Python ({error}).") from error
    found = []
    for node in tree.body:
        line = f"{where}, parameters cell, line {node.lineno}"
        if not isinstance(node, ast.AnnAssign) or not isinstance(node.target, ast.Name):
            raise MusigError(f"{line}: expected `name: type = default  # help`.")
        kind = ast.unparse(node.annotation)
        if _item_type(kind) not in TYPES:
            valid = [*TYPES, *(f"list[{name}]" for name in TYPES)]
            raise MusigError(f"{line}: unknown type {kind!r}; {nearest(kind, valid)}")
        try:
            default = ast.literal_eval(node.value) if node.value is not None else None
            default = list(default) if isinstance(default, tuple) else default
        except ValueError:
            default = None
        if default is None:
            raise MusigError(f"{line}: {node.target.id} needs a default that is a plain value.")
        help_ = comments.get(node.end_lineno or node.lineno, "")
        parameter = Parameter(node.target.id, kind, default, help_)
        check(parameter, default, f"{line}: the default")
        found.append(parameter)
    return found


def class_fields(code: str, name: str, where: str) -> list[Parameter]:
    r"""Read the fields of a dataclass as parameters, without importing its module.

    Parameters
    ----------
    code : str
        Source of the module.
    name : str
        Name of the class; under each field stands a string that says what it is.
    where : str
        What to call the module in a message.

    Returns
    -------
    list of Parameter
        In their order; a tuple counts as a list.

    Raises
    ------
    MusigError
        If a field is not as a line of a parameters cell is.

    Notes
    -----
    Notebook: 05_multitask_training

    Examples
    --------
    >>> class_fields('class A:\n    n: int = 3\n    "How many, > 0."', "A", "a module")
    [Parameter(name='n', type='int', default=3, help='How many, > 0.')]
    """
    classes = [node for node in ast.walk(ast.parse(code)) if isinstance(node, ast.ClassDef)]
    body = next(node for node in classes if node.name == name).body
    lines = []
    for field, below in zip(body, [*body[1:], None], strict=True):
        if isinstance(field, ast.AnnAssign):
            told = below.value if isinstance(below, ast.Expr) else None
            text = told.value if isinstance(told, ast.Constant) else ""
            line = ast.unparse(field).replace("tuple[", "list[").replace(", ...]", "]")
            lines.append(f"{line}  # {' '.join(str(text).split())}")
    return declared("\n".join(lines), where)


def find(declarations: Sequence[Parameter], name: str, where: str) -> Parameter:
    """Find a parameter by its name.

    Parameters
    ----------
    declarations : sequence of Parameter
        What is declared.
    name : str
        What is asked for.
    where : str
        What declares it, for the message.

    Returns
    -------
    Parameter
        The one with that name.

    Raises
    ------
    MusigError
        If there is none, with the nearest name.

    Notes
    -----
    Notebook: 01_catalog

    Examples
    --------
    >>> find([Parameter("seed", "int", 0, "")], "sede", "05_x")
    Traceback (most recent call last):
    musig.errors.MusigError: 05_x has no parameter 'sede'; did you mean 'seed'? Valid: seed.
    """
    for parameter in declarations:
        if parameter.name == name:
            return parameter
    valid = [parameter.name for parameter in declarations]
    if not valid:
        raise MusigError(f"{where} has no parameter {name!r}: it declares none.")
    raise MusigError(f"{where} has no parameter {name!r}; {nearest(name, valid)}")


def parse(parameter: Parameter, text: str, where: str = "parameter") -> Any:
    """Read a value as it is written on the command line.

    Parameters
    ----------
    parameter : Parameter
        Its type says how to read the text. A list is ``a,b,c`` or JSON; a bool is ``true`` or
        ``false``.
    text : str
        What was written.
    where : str
        How the message begins.

    Returns
    -------
    int, float, str, bool or list
        The value, checked.

    Raises
    ------
    MusigError
        If the text is not of the type, or the value breaks a rule.

    Notes
    -----
    Notebook: 01_catalog

    Examples
    --------
    >>> parse(Parameter("groups", "list[str]", [], ""), "GENRE,AUDIO")
    ['GENRE', 'AUDIO']
    """
    item = _item_type(parameter.type)
    value: Any
    if parameter.type.startswith("list"):
        try:
            value = json.loads(text) if text.lstrip().startswith("[") else None
        except ValueError:
            value = None
        if value is None:
            parts = [part.strip() for part in text.split(",")] if text.strip() else []
            value = [_read(part, item) for part in parts]
    else:
        value = _read(text, item)
    return check(parameter, value, where)


def _read(text: str, kind: str) -> Any:
    """Give the value a text stands for, or the text where it stands for none."""
    if kind == "bool":
        return {"true": True, "false": False}.get(text.strip().lower(), text)
    if kind in ("int", "float"):
        try:
            return TYPES[kind](text)
        except ValueError:
            return text
    return text


def check(parameter: Parameter, value: Any, where: str = "parameter") -> Any:
    """Check that a value is of a parameter's type and keeps to its rules.

    Parameters
    ----------
    parameter : Parameter
        What is declared.
    value : object
        What is given. An int is taken for a float; nothing else is converted.
    where : str
        How the message begins, for example which file gave the value.

    Returns
    -------
    int, float, str, bool or list
        The value.

    Raises
    ------
    MusigError
        With the name, the value, and what was expected.

    Notes
    -----
    Notebook: 01_catalog

    Examples
    --------
    >>> check(Parameter("rate", "float", 0.1, "> 0"), 1)
    1.0
    >>> check(Parameter("rate", "float", 0.1, "> 0"), 0)
    Traceback (most recent call last):
    musig.errors.MusigError: parameter rate is 0, expected a number > 0.
    """
    kind = _item_type(parameter.type)
    said = f"{where} {parameter.name} is {value!r}"
    if parameter.type.startswith("list"):
        if not isinstance(value, list):
            raise MusigError(f"{said}, expected a list of {_noun(kind)}s.")
        items = [_item(item, kind) for item in value]
        if any(item is None for item in items):
            raise MusigError(f"{said}, expected a list of {_noun(kind)}s only.{_hint(value, kind)}")
    else:
        items = [_item(value, kind)]
        if items[0] is None:
            raise MusigError(f"{said}, expected {_article(kind)}.{_hint([value], kind)}")
    for item in items:
        if parameter.choices and str(item) not in parameter.choices:
            hint = nearest(str(item), parameter.choices)
            raise MusigError(f"{said}{', ' if hint.startswith('expected') else ': '}{hint}")
        for sign, bound in parameter.bounds:
            keeps = {">=": item >= bound, ">": item > bound, "<=": item <= bound, "<": item < bound}
            if not keeps[sign]:
                rule = " and ".join(f"{sign} {bound:g}" for sign, bound in parameter.bounds)
                raise MusigError(f"{said}, expected {_article(kind)} {rule}.")
    return items if parameter.type.startswith("list") else items[0]


def _item_type(kind: str) -> str:
    """Type of the items of a list type; another type itself."""
    return kind[5:-1] if kind.startswith("list[") else kind


def _item(value: Any, kind: str) -> Any:
    """Give the value as that type; None where it is of another."""
    if kind == "float" and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    fits = type(value) is TYPES[kind]  # a bool is an int to isinstance
    return value if fits and not (kind == "float" and not math.isfinite(value)) else None


def _noun(kind: str) -> str:
    return {"int": "whole number", "float": "number", "str": "string", "bool": "true or false"}[
        kind
    ]


def _article(kind: str) -> str:
    return "true or false" if kind == "bool" else f"a {_noun(kind)}"


def _hint(values: list[Any], kind: str) -> str:
    """Say how to write it, where YAML reads 1e-3 as a text."""
    for value in values:
        if kind == "float" and isinstance(value, str) and re.fullmatch(r"-?\d+e-?\d+", value):
            return f" In YAML write it with a point: {value.replace('e', '.0e')}."
    return ""
