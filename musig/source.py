"""The fingerprint of source code: what a module computes, without how it is written down.

A cached result must be forgotten when the code that made it changes, and must not be when
somebody corrects a comment. So the syntax tree is fingerprinted rather than the text, and with
it the trees of the project's modules that are imported, however deep and wherever in the code.

Conventions
-----------
"The project" is the package ``musig`` and the package of the module asked about. Modules are
found on the disk by their dotted name; nothing is imported. A name imported from a package
(``from musig import graph``) counts as a module where it is one, and the ``__init__`` of every
package on the way counts too, because importing runs it.

Contents
--------
- :func:`source_key`: the fingerprint of a module and of what it imports;
- :func:`code_key`: the same for a piece of code, such as the cells of a notebook;
- :func:`closure`: the modules concerned.
"""

from __future__ import annotations

import ast
import hashlib
import sys
from collections.abc import Callable, Iterator
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

from musig.errors import MusigError

PROJECT = "musig"


def source_key(source: ModuleType | Callable[..., Any] | str) -> str:
    """Fingerprint of the source of a module and of the project's modules it imports.

    Parameters
    ----------
    source : module, function, class or str
        A module, its dotted name, or something defined in it.

    Returns
    -------
    str
        SHA-256, 64 hexadecimal digits. The same after any change of comments, docstrings or layout.

    Raises
    ------
    MusigError
        If there is no such module in a file, as for what is defined in a notebook.

    Notes
    -----
    Notebook: 05_multitask_training

    Examples
    --------
    >>> from musig import errors
    >>> source_key(errors) == source_key("musig.errors") == source_key(errors.nearest)
    True
    """
    name = source if isinstance(source, str) else _module_name(source)
    return _key(closure(name), "")


def code_key(code: str) -> str:
    """Fingerprint of a piece of code and of the project's modules it imports.

    Parameters
    ----------
    code : str
        Python source, for example all cells of a notebook.

    Returns
    -------
    str
        SHA-256, 64 hexadecimal digits.

    Notes
    -----
    Notebook: 05_multitask_training

    Examples
    --------
    >>> code_key("x = 1  # one") == code_key("x = 1")
    True
    """
    tree = ast.parse(code)
    modules: dict[str, Path] = {}
    for name in _imports(tree, "", is_package=False):
        modules |= closure(name, tops=(PROJECT,), strict=False)
    return _key(modules, _normal(tree))


def closure(
    name: str, *, tops: tuple[str, ...] | None = None, strict: bool = True
) -> dict[str, Path]:
    """Modules of the project that are run when a module is imported and used.

    Parameters
    ----------
    name : str
        Dotted name of a module.
    tops : tuple of str, optional
        Top-level packages that count; by default ``musig`` and the module's own.
    strict : bool
        Whether it is an error if there is no such module.

    Returns
    -------
    dict
        Dotted name to file, the module itself included.

    Raises
    ------
    MusigError
        If ``strict`` and the module is not found, or a module cannot be read as Python.

    Notes
    -----
    Notebook: 05_multitask_training

    Examples
    --------
    >>> sorted(closure("musig.files"))
    ['musig', 'musig.errors', 'musig.files']
    """
    tops = tops or tuple({PROJECT, name.partition(".")[0]})
    if strict and _find(name, tops) is None:
        raise MusigError(
            f"There is no file with the source of {name!r}. A cached stage takes a module or a "
            "function of a module; move the function from the notebook to a module."
        )
    found: dict[str, Path] = {}
    waiting = [name]
    while waiting:
        candidate = waiting.pop()
        while candidate:  # the module and, because importing runs them, the packages it is in
            path = _find(candidate, tops)
            if path is not None and candidate not in found:
                found[candidate] = path
                tree = _parse(path, path.stat().st_mtime_ns, path.stat().st_size)[0]
                waiting += _imports(tree, candidate, is_package=path.name == "__init__.py")
            candidate = candidate.rpartition(".")[0]
    return found


def _key(modules: dict[str, Path], code: str) -> str:
    total = hashlib.sha256(code.encode("utf-8", "surrogatepass"))
    for name, path in sorted(modules.items()):
        stat = path.stat()
        total.update(f"{name}:{_parse(path, stat.st_mtime_ns, stat.st_size)[1]}".encode())
    return total.hexdigest()


def _module_name(source: Any) -> str:
    """Dotted name of a module, or of the module in which something is defined."""
    name = source.__name__ if isinstance(source, ModuleType) else getattr(source, "__module__", "")
    if name == "__main__":  # a module run with -m knows its real name; a notebook has none
        spec = getattr(sys.modules["__main__"], "__spec__", None)
        name = spec.name if spec is not None else name
    return str(name)


def _find(name: str, tops: tuple[str, ...]) -> Path | None:
    """File of a module, without importing it; None for what is not a module of these packages."""
    top, *rest = name.split(".")
    if top not in tops or "" in (top, *rest):
        return None
    places, origin = _top(top)
    if not rest:
        return Path(origin) if origin and Path(origin).suffix == ".py" else None
    for place in places:
        stem = Path(place, *rest)
        for path in (stem / "__init__.py", stem.with_name(stem.name + ".py")):
            if path.is_file():
                return path
    return None


def _top(name: str) -> tuple[tuple[str, ...], str | None]:
    """Folders and file of a top-level module."""
    try:
        spec = find_spec(name)
    except ValueError:  # __main__ of an interactive session
        spec = None
    if spec is None:
        return (), None
    return tuple(spec.submodule_search_locations or ()), spec.origin


@lru_cache(maxsize=1024)
def _parse(path: Path, mtime_ns: int, size: int) -> tuple[ast.Module, str]:
    """Tree of a file and the fingerprint of what it does; time and size tell a change."""
    try:
        tree = ast.parse(path.read_text("utf-8"), filename=str(path))
    except (SyntaxError, UnicodeDecodeError) as error:
        raise MusigError(f"{path} cannot be read as Python: {error}.") from error
    return tree, hashlib.sha256(_normal(tree).encode("utf-8", "surrogatepass")).hexdigest()


def _normal(tree: ast.Module) -> str:
    """Text of a tree without docstrings; comments and layout were never in it."""
    return ast.dump(_Bare().visit(tree))


class _Bare(ast.NodeTransformer):
    """Removes strings that stand alone: docstrings, also those under a field."""

    def visit_Expr(self, node: ast.Expr) -> ast.AST | None:
        alone = isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        return None if alone else self.generic_visit(node)


def _imports(tree: ast.Module, name: str, *, is_package: bool) -> Iterator[str]:
    """Names that may be modules, in every import of a module, at its top or in a function."""
    package = name.split(".") if is_package else name.split(".")[:-1]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            # one dot is this package, each further dot the one around it
            base = package[: len(package) - node.level + 1] if node.level else []
            start = ".".join([*base, *(node.module.split(".") if node.module else [])])
            yield start
            yield from (f"{start}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
            called = getattr(node.func, "attr", getattr(node.func, "id", ""))
            if called == "import_module" and isinstance(node.args[0].value, str):
                yield node.args[0].value
