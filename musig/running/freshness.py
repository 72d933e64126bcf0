"""What an executed notebook depends on, and whether it still holds.

Running a notebook again is needed when, and only when, something it depends on has changed. What
that is, is fingerprinted here and stored in the executed notebook.

Conventions
-----------
The fingerprint covers the code of the cells (without comments), the parameters, the source of the
``musig`` modules the cells import, the data, the recorded results in ``results/``, those files of
measurements in ``benchmarks/`` that the cells name, and the versions of the libraries. It is in the
executed notebook's metadata, under ``musig``, beside one of all that a reader sees: where only that
differs, outputs are kept and the prose is replaced.

Contents
--------
- :func:`run_key`: the fingerprint; :func:`data_fingerprint`: of a folder of data;
- :func:`mark`: store it in an executed notebook;
- :func:`keep`: keep an executed notebook where it still holds.
"""

from __future__ import annotations

import ast
import hashlib
import json
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from musig import cache
from musig import source as code
from musig.errors import MusigError
from musig.files import aside
from musig.running import records

if TYPE_CHECKING:
    import nbformat

DRAWING = ("ipykernel", "matplotlib", "pyarrow")
"""Libraries whose version may change what a page shows, beside those of the cache."""


def run_key(source: nbformat.NotebookNode, values: dict[str, Any], label: list[Any]) -> str:
    """Fingerprint of everything an executed notebook depends on.

    Parameters
    ----------
    source : nbformat.NotebookNode
        The notebook.
    values : dict
        All its parameters.
    label : list
        What the provenance line says beside: the profile's name, what was changed by hand.

    Returns
    -------
    str
        SHA-256, 64 hexadecimal digits.

    Notes
    -----
    Notebook: 01_catalog
    """
    checkout = Path(__file__).resolve().parents[2]
    cells = [cell.source for cell in source.cells if cell.cell_type == "code"]
    results, measured = checkout / "results", sorted((checkout / "benchmarks").glob("*.json"))
    return cache.digest(
        {
            "cells": [_code(cell) for cell in cells],
            "parameters": values,
            "label": label,
            "data": _data(
                str(values.get("recordings") or values.get("data", "")),
                str(values.get("dataset", "")),
            ),
            "results": _contents(results) if results.is_dir() else None,
            "measured": [_contents(path) for path in measured if path.name in "".join(cells)],
            "versions": cache.versions((*cache.LIBRARIES, *DRAWING)),
        }
    )


def _data(data: str, dataset: str) -> Any:
    """Fingerprint what a notebook's parameters name: a folder, a generator or a download."""
    if data:
        return data_fingerprint(data)
    if not dataset:
        return None
    from musig.sources.download import FILES, local

    path = local(dataset) if dataset in FILES else None
    return [_brought(["musig.sources"]), _contents(path) if path else None]


def data_fingerprint(data: str) -> str:
    """Fingerprint of a folder (or file) of data by its contents, remembered between calls.

    Parameters
    ----------
    data : str
        Path; a relative one that does not exist is looked up under ``$MUSIG_DATA/data``.

    Returns
    -------
    str
        SHA-256, 64 hexadecimal digits, of the names and contents of all files. A file is read
        again only where its size or its time of change differs.

    Raises
    ------
    MusigError
        If there is no such folder.

    Notes
    -----
    Notebook: 01_catalog
    """
    from musig.sources import locate  # pandas: only where there is a folder

    return _contents(locate(data))


def _contents(place: Path) -> str:
    files = sorted(place.rglob("*")) if place.is_dir() else [place]
    memory = cache.root() / "fingerprints" / f"{cache.digest(str(place.resolve()))[:20]}.json"
    try:
        known = json.loads(memory.read_text("utf-8"))
    except (OSError, ValueError):
        known = {}
    seen = {}
    for path in files:
        if path.is_file() and not path.name.startswith("."):
            name, stat = path.relative_to(place).as_posix(), path.stat()
            size, changed, content = known.get(name, (None, None, None))
            if (size, changed) != (stat.st_size, stat.st_mtime_ns):
                with path.open("rb") as stream:
                    content = hashlib.file_digest(stream, "sha256").hexdigest()
            seen[name] = (stat.st_size, stat.st_mtime_ns, content)
    if seen != {name: tuple(entry) for name, entry in known.items()}:
        with aside(memory) as passing:
            passing.write_text(json.dumps(seen), "utf-8")
    return cache.digest({name: content for name, (_, _, content) in seen.items()})


def _code(text: str) -> str:
    """Fingerprint of a cell; of its text where it is not plain Python (a magic)."""
    try:
        tree = ast.parse(text)
    except SyntaxError:
        return cache.digest(text)
    return cache.digest([ast.dump(tree), _brought(code._imports(tree, "", is_package=False))])


def _brought(names: Iterable[str]) -> dict[str, str]:
    """Fingerprints of the modules that imports bring, however deep.

    As :func:`musig.source.closure` finds them, but each module is walked through once for all cells
    of all notebooks: they import much the same, and this is most of what an unchanged book takes.
    """
    found: dict[str, str] = {}
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        while name and name not in found:  # the module, and the packages it is in
            path = code._find(name, (code.PROJECT,))
            if path is not None:
                stat = path.stat()
                found[name], brought = _module(name, path, stat.st_mtime_ns, stat.st_size)
                waiting += brought
            name = name.rpartition(".")[0]
    return found


@lru_cache(maxsize=1024)
def _module(name: str, path: Path, changed: int, size: int) -> tuple[str, tuple[str, ...]]:
    """Fingerprint of a module and the names it imports; time and size tell a change."""
    tree, key = code._parse(path, changed, size)
    return key, tuple(code._imports(tree, name, is_package=path.name == "__init__.py"))


def _text(source: nbformat.NotebookNode) -> str:
    """Fingerprint of all a reader sees of a source."""
    cells = [[cell.cell_type, cell.source, cell.metadata] for cell in source.cells]
    return cache.digest(json.loads(json.dumps([cells, source.metadata])))


def mark(executed: nbformat.NotebookNode, source: nbformat.NotebookNode, key: str) -> None:
    """Store in an executed notebook what it depends on.

    Parameters
    ----------
    executed : nbformat.NotebookNode
        Changed in place.
    source : nbformat.NotebookNode
        What was executed.
    key : str
        See :func:`run_key`.

    Notes
    -----
    Notebook: 01_catalog
    """
    executed.metadata["musig"] = {"key": key, "text": _text(source)}


def keep(source: nbformat.NotebookNode, target: Path, key: str) -> str:
    """Keep an executed notebook where it still holds.

    Parameters
    ----------
    source : nbformat.NotebookNode
        The notebook as it is now.
    target : Path
        The executed notebook, which may not exist; given the new prose where only that changed.
    key : str
        See :func:`run_key`.

    Returns
    -------
    str
        How it was kept; empty where it has to be executed.

    Notes
    -----
    Notebook: 01_catalog
    """
    if not target.is_file():
        return ""
    import nbformat  # takes more than a second

    try:
        executed = nbformat.read(target, as_version=4)
        kept = executed.metadata["musig"]
    except Exception:  # damaged: whatever it is, it is made anew
        return ""
    if kept.get("key") != key:
        return ""
    status = "unchanged, kept"
    if kept.get("text") != _text(source):
        write(_graft(source, executed, key), target)
        status = "text changed, results kept"
    record = records.from_notebook(target)
    # The manifest may have been removed, or be another run's. One that says the same stays as it
    # is, also where its entries are in another order: the book is drawn anew if a byte changes.
    if record is not None and not _told(record):
        record.write()
    return status


def _told(record: records.RunRecord) -> bool:
    """Tell whether the manifest of a run is there already."""
    try:
        return records.load(record.path()) == record
    except (OSError, MusigError):
        return False


def _graft(
    source: nbformat.NotebookNode, executed: nbformat.NotebookNode, key: str
) -> nbformat.NotebookNode:
    """Join a source's cells and the outputs of the executed notebook, whose code is the same."""
    import nbformat

    done = [cell for cell in executed.cells if cell.cell_type == "code"]
    cells = []
    for cell in source.cells:
        if cell.cell_type == "code":
            if "injected-parameters" in done[0].metadata.get("tags", []):
                cells.append(done.pop(0))
            old = done.pop(0)
            cell.outputs, cell.execution_count = old.outputs, old.execution_count
        cells.append(cell)
    metadata = {**executed.metadata, **source.metadata}
    joined = nbformat.from_dict({**executed, "cells": cells, "metadata": metadata})
    mark(joined, source, key)
    return joined


def write(node: nbformat.NotebookNode, target: Path) -> None:
    """Write a notebook aside, then give it its name.

    Parameters
    ----------
    node : nbformat.NotebookNode
        The notebook.
    target : Path
        Its file.

    Notes
    -----
    Notebook: 01_catalog
    """
    import nbformat

    with aside(target) as passing:
        nbformat.write(node, passing)
