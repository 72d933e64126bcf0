"""Where catalogues come from: folders of data, downloads, and the embedded synthetic one.

Conventions
-----------
- A folder is recognised by the names of its files: ``mpd.slice.*.json`` (Million Playlist
  Dataset), ``playlists.parquet`` or ``.csv`` (tables), ``spotify_songs.csv`` (TidyTuesday),
  ``aotm2011_playlists.json.gz`` (AotM-2011), ``train.json`` with ``song_meta.json`` (Melon),
  ``tracks.csv`` with ``genres.csv`` (FMA). One with none of these and with sound is read as a
  folder of recordings.
- A relative folder that does not exist is also looked up under ``$MUSIG_DATA/data``, then under
  ``$MUSIG_DATA``.
- Reading never uses the network.

Contents
--------
- :func:`load`: a catalogue, or one error that says what is wrong.
- :func:`inspect`: a catalogue and every problem.
- :func:`locate`: where a folder is.
- :func:`describe`, :func:`list_sources`, :func:`fetch`, :func:`write_folder`, :func:`join`: see
  :mod:`musig.sources.cards`, :mod:`~musig.sources.download`, :mod:`~musig.sources.writing`,
  :mod:`~musig.sources.join`.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from musig.catalog import Catalog, Problem, validate
from musig.errors import MusigError, nearest
from musig.sources import aotm, fma, melon, mpd, tables, tidytuesday
from musig.sources.cards import CARDS, Card, describe, list_sources
from musig.sources.download import FILES, fetch, local
from musig.sources.join import join
from musig.sources.report import usable
from musig.sources.writing import write_folder

__all__ = [
    "CARDS",
    "DATASETS",
    "Card",
    "describe",
    "fetch",
    "inspect",
    "join",
    "list_sources",
    "load",
    "locate",
    "write_folder",
]

DATASETS = ("embedded-smoke", "embedded-classroom", "embedded-paper", "tidytuesday", "aotm2011")
"""Names that ``--dataset`` takes."""

_SHOWN = 5  # names of files in a message


def load(data: Path | str | None = None, dataset: str | None = None, seed: int = 0) -> Catalog:
    """Load a catalogue from a folder or by name.

    Parameters
    ----------
    data : Path or str, optional
        A folder, or one of the files that are recognised. An empty text means none.
    dataset : str, optional
        One of :data:`DATASETS`; used if there is no ``data``.
    seed : int, >= 0
        Of the embedded synthetic catalogue; other data have none.

    Returns
    -------
    Catalog
        Warnings are in its ``notes``.

    Raises
    ------
    MusigError
        If the data are not there or have an error.

    Notes
    -----
    ``data`` wins over ``dataset``, because every notebook has a default for the latter.
    Notebook: 01_catalog
    """
    if data in (None, "") and not dataset:
        raise MusigError("No data: give a folder (data) or the name of a data set (dataset).")
    source = str(data) if data not in (None, "") else str(dataset)
    catalog, problems = _named(source, seed) if data in (None, "") else inspect(locate(source))
    hint = f"`musig data validate {source}` lists every problem."
    catalog = usable(catalog, problems, source, hint)
    return replace(catalog, notes=tuple(str(problem) for problem in problems))


def inspect(data: Path | str) -> tuple[Catalog | None, list[Problem]]:
    """Read a folder, or a data set by name, and find every problem.

    Parameters
    ----------
    data : Path or str
        A folder, a recognised file, or one of :data:`DATASETS`.

    Returns
    -------
    catalog : Catalog or None
        None if there is an error.
    problems : list of Problem
        Errors and warnings.

    Raises
    ------
    MusigError
        If there is no such folder or name.

    Notes
    -----
    Notebook: 01_catalog
    """
    if str(data) in DATASETS and not Path(data).exists():
        return _named(str(data), seed=0)
    return _read(locate(data))


def locate(data: Path | str) -> Path:
    """Find a folder: as given, or under ``$MUSIG_DATA/data``, or under ``$MUSIG_DATA``.

    Parameters
    ----------
    data : Path or str

    Returns
    -------
    Path
        That exists.

    Raises
    ------
    MusigError
        If it is in none of these places.

    Notes
    -----
    Notebook: 01_catalog
    """
    path = Path(data).expanduser()
    places = [path]
    if root := os.environ.get("MUSIG_DATA"):
        places += [Path(root) / "data" / path, Path(root) / path]
    for place in places:
        if place.exists():
            return place
    looked = " or ".join(str(place) for place in places)
    if str(data) in DATASETS:
        raise MusigError(
            f"No folder {looked}: {data} is the name of a data set, so give it as dataset "
            f"(--dataset {data})."
        )
    known = dict.fromkeys([*DATASETS, *_folders(places[1:2])])  # each once
    hint = "" if path.parts[1:] else f" If one by its name was meant: {nearest(str(data), known)}"
    raise MusigError(f"No folder {looked}: give a folder that exists.{hint}")


def _folders(places: list[Path]) -> list[str]:
    """List names of the folders beside places that do not exist."""
    roots = [place.parent for place in places if place.parent.is_dir()]
    return sorted(path.name for root in roots for path in root.iterdir() if path.is_dir())


def _named(name: str, seed: int) -> tuple[Catalog | None, list[Problem]]:
    if name in FILES:
        path = local(name)
        if path is None:
            raise MusigError(
                f"The data set {name} is not on this machine: download it with "
                f"`musig data get {name}`."
            )
        return _read(path)
    if name not in DATASETS:
        raise MusigError(f"Unknown data set {name!r}: {nearest(name, DATASETS)}")
    from musig.sources import synthetic  # only here: nobody else waits for it

    catalog = synthetic.make(name.removeprefix("embedded-"), seed)
    return catalog, validate(catalog)


def _read(path: Path) -> tuple[Catalog | None, list[Problem]]:
    folder, names = (path, None) if path.is_dir() else (path.parent, {path.name})
    files = sorted(file.name for file in folder.iterdir() if names is None or file.name in names)
    found: list[tuple[str, Callable[[Path], tuple[Catalog | None, list[Problem]]], Path]] = []
    if path.is_dir():
        if mpd.slices(path):
            found.append(("slices of the Million Playlist Dataset", mpd.read, path))
        fma_tables = fma.find(path)
        if fma_tables is not None:
            found.append(("FMA", fma.read, path))
        ours = any(table + suffix in files for table in tables.NAMES for suffix in tables.SUFFIXES)
        if ours and fma_tables != path:  # FMA has a tracks.csv, too
            found.append(("tables", tables.read, path))
        if sum(name in files for name in melon.NAMES) > 1:
            found.append(("Melon", melon.read, path))
    for name in files:
        if name in tidytuesday.NAMES:
            found.append((name, tidytuesday.read, folder / name))
        if name == aotm.NAME:
            found.append((name, aotm.read, folder / name))
    if len(found) == 1:
        return found[0][1](found[0][2])
    if not found and path.is_dir():
        from musig.sources import music  # only here: nobody else waits for the decoders

        if music.holds(path):
            return music.read(path)
    expected = (
        "one data set: mpd.slice.FIRST-LAST.json files, or playlists.parquet (or .csv) with "
        f"tracks.parquet (or .csv), or {tidytuesday.NAMES[0]}, or {aotm.NAME}, or "
        f"{melon.NAMES[0]} with {melon.NAMES[1]}, or tracks.csv with genres.csv of FMA, or "
        "recordings"
    )
    told = "nothing: the folder is empty"
    if found:
        told = "more than one data set: " + " and ".join(kind for kind, _, _ in found)
    elif files:
        told = "only files of other names: " + ", ".join(files[:_SHOWN])
        told += ", …" if len(files) > _SHOWN else ""
    return None, [Problem("error", path.name, None, None, told, expected)]
