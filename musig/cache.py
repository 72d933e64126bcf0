"""Results that are computed once: the stage cache.

Any notebook can be run alone, first, in any order. What makes that affordable is that a slow
stage (a graph, a trained model) is kept under a name made from everything it depends on, so a
kept result is either right or not found. The idea is that of build systems with
content-derived names [1]_, and of showyourwork's record of all inputs.

Conventions
-----------
A stage's key is the SHA-256 of its inputs (plain JSON values: parameters and fingerprints), the
source of its module and of every module of the project that module imports, however deep, and
the versions of the numerical libraries. Comments, docstrings and layout are not part of the
source. A stage is a folder ``NAME-KEY`` below :func:`root`; while it is made it is called
``NAME-KEY.partial`` and held by ``NAME-KEY.lock``.

Contents
--------
- :func:`root`: where the cache is; :func:`stage`: a folder, made or found;
- :func:`source_key`: the fingerprint of a module's source; :func:`versions`: of its libraries;
- :func:`digest`: the fingerprint of plain values.

References
----------
.. [1] Dolstra, de Jonge, Visser (2004). Nix: a safe and policy-free system for software
   deployment. LISA.
"""

from __future__ import annotations

import hashlib
import json
import logging
import math
import os
import shutil
from collections.abc import Callable, Iterable
from importlib import metadata
from pathlib import Path
from types import ModuleType
from typing import Any

import platformdirs
from filelock import FileLock, Timeout

from musig.errors import MusigError
from musig.files import aside, flush
from musig.source import source_key

__all__ = ["LIBRARIES", "digest", "root", "source_key", "stage", "versions"]

LIBRARIES = (
    "torch",
    "torch-geometric",
    "lightning-fabric",
    "numba",
    "numpy",
    "pandas",
    "scipy",
    "scikit-learn",
    "librosa",
    "pyloudnorm",
    "soundfile",
    "soxr",
    "vibenet",
)
"""The libraries whose version may change a number."""

_LISTING = ".stage.json"  # what a finished folder holds, to notice a damaged one
log = logging.getLogger(__name__)


def root() -> Path:
    """Folder of the cache: ``MUSIG_CACHE``, else in the checkout, else the user's.

    Returns
    -------
    Path
        The folder, which exists.

    Raises
    ------
    MusigError
        If it cannot be made.

    Notes
    -----
    Notebook: 05_multitask_training
    """
    checkout = Path(__file__).resolve().parents[1]
    if os.environ.get("MUSIG_CACHE"):
        folder = Path(os.environ["MUSIG_CACHE"]).expanduser()
    elif (checkout / "pyproject.toml").exists() and os.access(checkout, os.W_OK):
        folder = checkout / ".cache" / "musig"
    else:
        folder = platformdirs.user_cache_path("musig")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise MusigError(
            f"The cache folder {folder} cannot be made ({error.strerror}): "
            "set MUSIG_CACHE to a folder that can be written."
        ) from error
    return folder.resolve()


def stage(
    name: str,
    inputs: dict[str, Any],
    make: Callable[[Path], object],
    source: ModuleType | Callable[..., Any] | str,
) -> Path:
    """Give the folder of a stage, computing it only where it was never finished.

    Parameters
    ----------
    name : str
        A word for people, such as ``"graph"``; begins the folder's name.
    inputs : dict
        Everything the result depends on besides source: numbers, strings, booleans, ``None``, and
        lists and dicts of them. Data go in as their fingerprint.
    make : callable
        Called with a folder; writes the result there. The folder may hold what a killed run
        left, from which ``make`` may go on; one that does not must write every file anew.
    source : module, function or module name
        What computes the result. Its source, with that of the modules of the project it imports,
        is a part of the key.

    Returns
    -------
    Path
        The finished folder. Read it, never write to it.

    Raises
    ------
    MusigError
        If an input is not a plain value, or the cache cannot be written.

    Notes
    -----
    Runs that want the same stage wait for the first of them. Whatever ``make`` raises is passed
    on, and its unfinished folder stays for the next attempt.

    Notebook: 05_multitask_training

    Examples
    --------
    >>> import tempfile
    >>> os.environ["MUSIG_CACHE"] = tempfile.mkdtemp()
    >>> def make(folder):
    ...     _ = (folder / "answer.txt").write_text("42")
    ...     print("computed")
    >>> folder = stage("answer", {"seed": 0}, make, source="musig.errors")
    computed
    >>> folder == stage("answer", {"seed": 0}, make, source="musig.errors")
    True
    >>> del os.environ["MUSIG_CACHE"]
    """
    if not name or not name.replace("-", "").replace("_", "").isalnum():
        raise MusigError(f"A stage is named by letters, digits, - and _, not {name!r}.")
    plain(inputs, "inputs")
    key = digest({"inputs": inputs, "source": source_key(source), "versions": versions()})[:20]
    folder = root() / f"{name}-{key}"
    if _whole(folder):
        return folder
    lock = FileLock(root() / f"{name}-{key}.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        log.info("%s is being computed by another run: waiting for it", folder.name)
        lock.acquire()
    try:
        if _whole(folder):  # by the run we waited for
            return folder
        _discard(folder)  # damaged
        partial = folder.with_name(folder.name + ".partial")
        partial.mkdir(exist_ok=True)
        make(partial)
        _finish(partial, inputs)
        partial.rename(folder)
        flush(folder.parent)
        return folder
    finally:
        lock.release()


def _finish(partial: Path, inputs: dict[str, Any]) -> None:
    """Put a finished folder on the disk, and beside it the list of what it holds."""
    files = [p for p in sorted(partial.rglob("*")) if p.is_file() and p != partial / _LISTING]
    for file in files:
        flush(file)
    sizes = {file.relative_to(partial).as_posix(): file.stat().st_size for file in files}
    with aside(partial / _LISTING) as passing:
        passing.write_text(json.dumps({"inputs": inputs, "files": sizes}, indent=1), "utf-8")
    flush(partial)


def _whole(folder: Path) -> bool:
    """Tell whether a folder is there with all its files, at their size."""
    try:
        files = json.loads((folder / _LISTING).read_text("utf-8"))["files"]
        return all((folder / name).stat().st_size == size for name, size in files.items())
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _discard(folder: Path) -> None:
    """Remove a damaged folder, its name first, so that nobody finds a half of it."""
    if folder.exists():
        log.warning("%s is damaged (a file is missing or cut): computed again", folder)
        leaving = folder.with_name(f"{folder.name}.damaged-{os.getpid()}")
        folder.rename(leaving)
        shutil.rmtree(leaving, ignore_errors=True)


def versions(names: Iterable[str] = LIBRARIES) -> dict[str, str | None]:
    """Versions of installed libraries, without importing them.

    Parameters
    ----------
    names : iterable of str
        Names as on the package index.

    Returns
    -------
    dict
        Name to version; ``None`` where it is not installed.

    Notes
    -----
    Notebook: 01_catalog

    Examples
    --------
    >>> versions(["click", "no-such-library"])["no-such-library"] is None
    True
    """
    found: dict[str, str | None] = {}
    for name in names:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = None
    return found


def digest(value: Any) -> str:
    """Fingerprint of a plain value; the order of a dict's keys does not matter.

    Parameters
    ----------
    value : dict, list, tuple, str, int, float, bool or None
        Plain values only; see :func:`plain`.

    Returns
    -------
    str
        SHA-256, 64 hexadecimal digits.

    Notes
    -----
    Notebook: 05_multitask_training

    Examples
    --------
    >>> digest({"a": 1, "b": [2]}) == digest({"b": [2], "a": 1})
    True
    """
    plain(value)
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, allow_nan=False)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def plain(value: Any, where: str = "value") -> None:
    """Refuse what JSON would change or cannot hold.

    Parameters
    ----------
    value : object
        What is to be part of a key.
    where : str
        What to call it in the message.

    Raises
    ------
    MusigError
        For anything but ``None``, booleans, finite numbers, strings, and lists, tuples and dicts
        with string keys of them.

    Notes
    -----
    Notebook: 05_multitask_training
    """
    if value is None or isinstance(value, bool | str | int):
        return
    if isinstance(value, float):
        if not math.isfinite(value):
            raise MusigError(f"{where} is {value}: a cache key takes finite numbers only.")
    elif isinstance(value, list | tuple):
        for position, item in enumerate(value):
            plain(item, f"{where}[{position}]")
    elif isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(key, str):
                raise MusigError(f"{where} has the key {key!r}: keys must be strings.")
            plain(item, f"{where}[{key!r}]")
    else:
        raise MusigError(
            f"{where} is a {type(value).__name__}: a cache key takes numbers, strings, booleans, "
            "None, lists and dicts. Give data as a fingerprint, a path as a string."
        )
