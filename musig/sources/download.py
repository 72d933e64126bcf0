"""Data sets that anyone can download, checked against a known checksum.

Conventions
-----------
Nothing is ever downloaded by reading: only :func:`fetch` (``musig data get``) uses the network.
Files are kept under the folder ``data`` of the cache (:func:`musig.cache.root`); a copy under
``$MUSIG_DATA/data/NAME`` is used where there is one. An archive is unpacked beside itself and then
removed, for it would take the room twice.

Contents
--------
- :data:`FILES`, :data:`ARCHIVES`: address and checksum of every file.
- :func:`fetch`: a verified download.
- :func:`local`: where a downloaded file is, if it is.
"""

from __future__ import annotations

import os
import shutil
import zipfile
from pathlib import Path

from tqdm import tqdm

from musig import cache
from musig.errors import MusigError, nearest
from musig.sources import aotm, fma, tidytuesday

FILES = {
    "aotm2011": (aotm.URL, f"md5:{aotm.MD5}"),
    "tidytuesday": (tidytuesday.URL, f"sha256:{tidytuesday.SHA256}"),
}
"""Name of a data set -> address and checksum."""

ARCHIVES = {name: (fma.URL.format(name), f"sha1:{sha1}") for name, sha1 in fma.SHA1.items()}
"""Name of a folder of FMA -> address and checksum of the archive that holds it."""


def fetch(name: str) -> Path:
    """Download a data set, unless it is here already, and verify its checksum.

    Parameters
    ----------
    name : str
        A key of :data:`FILES` or :data:`ARCHIVES`.

    Returns
    -------
    Path
        The file, or the folder that was in the archive. A download that was interrupted or does
        not match leaves nothing.

    Raises
    ------
    MusigError
        If the name is unknown, the file cannot be reached or unpacked, or its checksum is another.

    Notes
    -----
    Notebook: 01_catalog
    """
    if name in ARCHIVES:
        folder = _folder() / "fma"
        if not (folder / name).is_dir():
            _unpack(_retrieve(*ARCHIVES[name], folder), name)
        return folder / name
    if name not in FILES:
        known = nearest(name, (*FILES, *ARCHIVES))
        raise MusigError(f"No data set {name!r} can be downloaded; {known}")
    return _retrieve(*FILES[name], _folder() / name)


def _retrieve(url: str, checksum: str, folder: Path) -> Path:
    import pooch  # brings tqdm's notebook bar, which warns where widgets are missing

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


def _unpack(archive: Path, name: str) -> None:
    """Unpack the folder of this name beside its archive, aside and then renamed."""
    aside = archive.with_name(f".{name}.partial")
    shutil.rmtree(aside, ignore_errors=True)
    try:
        with zipfile.ZipFile(archive) as packed:
            for member in tqdm(packed.infolist(), desc=name, unit="file", disable=None):
                packed.extract(member, aside)
        (aside / name).rename(archive.with_name(name))
    except (OSError, zipfile.BadZipFile) as error:
        shutil.rmtree(aside, ignore_errors=True)
        raise MusigError(
            f"{archive} cannot be unpacked ({error}): make room for it, or unpack it by hand so "
            f"that {archive.with_name(name)} is there."
        ) from error
    shutil.rmtree(aside, ignore_errors=True)
    archive.unlink()


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
