"""Data sets that anyone can download, checked against a known checksum.

Conventions
-----------
Nothing is ever downloaded by reading: only :func:`fetch` (``musig data get``) uses the network.
Files are kept under the folder ``data`` of the cache (:func:`musig.cache.root`); a copy under
``$MUSIG_DATA/data/NAME`` is used where there is one.

Contents
--------
- :data:`FILES`: address and checksum of every file.
- :func:`fetch`: a verified download.
- :func:`local`: where a downloaded file is, if it is.
"""

from __future__ import annotations

import os
from pathlib import Path

from musig import cache
from musig.errors import MusigError, nearest
from musig.sources import aotm, tidytuesday

FILES = {
    "aotm2011": (aotm.URL, f"md5:{aotm.MD5}"),
    "tidytuesday": (tidytuesday.URL, f"sha256:{tidytuesday.SHA256}"),
}
"""Name of a data set -> address and checksum."""


def fetch(name: str) -> Path:
    """Download a data set, unless it is here already, and verify its checksum.

    Parameters
    ----------
    name : str
        A key of :data:`FILES`.

    Returns
    -------
    Path
        The file. A download that was interrupted or does not match leaves nothing.

    Raises
    ------
    MusigError
        If the name is unknown, the file cannot be reached, or its checksum is another.

    Notes
    -----
    Notebook: 01_catalog
    """
    if name not in FILES:
        raise MusigError(f"No data set {name!r} can be downloaded; {nearest(name, FILES)}")
    import pooch  # brings tqdm's notebook bar, which warns where widgets are missing

    url, checksum = FILES[name]
    folder = _folder() / name
    try:
        path = pooch.retrieve(
            url, checksum, fname=Path(url).name, path=folder, progressbar=os.isatty(2)
        )
    except ValueError as error:  # how pooch says that the checksum differs
        raise MusigError(
            f"{url} is not the file that was published ({checksum} was expected): the download was "
            "broken or the file was changed. Nothing was kept; try again later."
        ) from error
    except OSError as error:  # requests' errors are of this kind
        raise MusigError(
            f"{url} cannot be downloaded ({type(error).__name__}); check the connection, or "
            f"download it with a browser and put it into {folder}."
        ) from error
    return Path(path)


def local(name: str) -> Path | None:
    """Return a data set's file if it is on this machine; never downloads.

    Parameters
    ----------
    name : str
        A key of :data:`FILES`.

    Returns
    -------
    Path or None

    Notes
    -----
    Notebook: 01_catalog
    """
    file = Path(FILES[name][0]).name
    folders = [_folder() / name]
    if data := os.environ.get("MUSIG_DATA"):
        folders.append(Path(data) / "data" / name)
    for folder in folders:
        for path in (folder / file, folder / (file + ".gz")):
            if path.is_file():
                return path
    return None


def _folder() -> Path:
    return cache.root() / "data"
