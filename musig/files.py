"""Files that are never half-written.

A reader of a file of ours finds the old content or the new, whatever was killed in between:
content goes to a neighbour with another name, is flushed to the disk, and is renamed [1]_.

Conventions
-----------
The neighbour begins with a dot and ends in the process's number, so that two processes that
write the same file do not meet; the last to finish wins.

Contents
--------
- :func:`aside`: a context in which a file is written under a passing name.

References
----------
.. [1] IEEE Std 1003.1, ``rename()``: the change of name is atomic on one file system.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import get_ident

from musig.errors import MusigError


@contextmanager
def aside(path: Path) -> Iterator[Path]:
    """Write a file aside, then give it its name.

    Parameters
    ----------
    path : Path
        Where the file is wanted. Its folder is made if need be.

    Yields
    ------
    Path
        Where to write it. Nothing is left there if the block raises.

    Raises
    ------
    MusigError
        If the folder cannot be written.

    Notes
    -----
    Notebook: 01_catalog

    Examples
    --------
    >>> import tempfile
    >>> target = Path(tempfile.mkdtemp()) / "note.txt"
    >>> with aside(target) as passing:
    ...     _ = passing.write_text("whole", encoding="utf-8")
    >>> target.read_text(encoding="utf-8")
    'whole'
    """
    path = Path(path)
    # The ending is kept: writers such as pyarrow's and numpy's look at it.
    passing = path.with_name(f".{path.stem}.{os.getpid()}-{get_ident()}{path.suffix}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        passing.touch()
    except OSError as error:
        raise MusigError(
            f"{path} cannot be written ({error.strerror}): choose a folder that can be."
        ) from error
    try:
        yield passing
        flush(passing)
        passing.replace(path)
    except BaseException:
        passing.unlink(missing_ok=True)
        raise


def flush(path: Path) -> None:
    """Have the system put a file, or the names in a folder, on the disk before going on.

    Parameters
    ----------
    path : Path
        A file or a folder.

    Notes
    -----
    Notebook: 01_catalog
    """
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except OSError:  # a system that does not open folders
        return
    try:
        os.fsync(descriptor)
    except OSError:  # a file system without it, for example some network ones
        pass
    finally:
        os.close(descriptor)
