"""A folder of one's own recordings: the files are the tracks, and playlists are found beside them.

A listener's folder says little about a track and much about what belongs together: playlist
files of a player, a list of collections, or simply which files lie in one folder.

Conventions
-----------
- A track is a file that ends as :data:`musig.recordings.SUFFIXES` say, at any depth. Its id is
  its path in the folder, with ``/`` between the parts, and its name is the file's without ending.
  Artist and album stay unknown: names of folders are not read as such.
- Playlists are the first of these of which there is any: playlist files (``.m3u``, ``.m3u8``: a
  path a line, relative to the file; lines that begin with ``#`` are comments); collections of
  ``index.csv`` (columns ``file`` and ``collection``, others are not used); folders below this one
  with two files or more; else one playlist of everything.
- A playlist file is in UTF-8. A ``.m3u`` that is not is read in the Windows encoding for Western
  Europe, in which old players wrote.

Contents
--------
- :func:`read`: a catalogue and every problem.
- :func:`holds`: whether a folder has a recording in it.
"""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from urllib.parse import unquote

import pandas as pd

from musig import recordings
from musig.catalog import Catalog, Playlists, Problem
from musig.errors import MusigError, counted
from musig.sources.columns import read_frame
from musig.sources.report import Report, short

INDEX = "index.csv"
"""The file that may name the collection of each recording."""

_LISTS = (".m3u", ".m3u8")

Lists = list[tuple[str, str, list[str]]]  # of each playlist the id, the name, the ids of tracks


def holds(folder: Path) -> bool:
    """Tell whether a folder has a recording in it, at any depth.

    Parameters
    ----------
    folder : Path

    Returns
    -------
    bool

    Notes
    -----
    Notebook: 02_audio_features

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> holds(folder)
    False
    """
    try:
        return bool(recordings.find(folder))
    except MusigError:
        return False


def read(folder: Path) -> tuple[Catalog | None, list[Problem]]:
    """Read a folder of recordings.

    Parameters
    ----------
    folder : Path
        With at least one recording.

    Returns
    -------
    catalog : Catalog or None
        With ``name`` and ``recording``. None if there is an error.
    problems : list of Problem
        Lines and rows that name no recording are dropped, with a warning for each file of them.

    Raises
    ------
    MusigError
        If there is no recording.

    Notes
    -----
    The sound itself is not opened here: a file that cannot be played is found when it is needed.
    Notebook: 02_audio_features
    """
    folder = Path(folder).resolve()
    report = Report(folder.name)
    paths = [path.relative_to(folder).as_posix() for path in recordings.find(folder)]
    for path in paths:
        if path != path.encode(errors="replace").decode():
            report.error(None, None, ascii(path), "a file name in UTF-8: rename the file")
    if report.failed():
        return None, report.problems
    tracks = pd.DataFrame(
        {
            "name": pd.array([Path(path).stem for path in paths], dtype="str"),
            "recording": pd.array(paths, dtype="str"),
        },
        index=pd.Index(paths, name="track_id", dtype="str"),
    )
    lists = _playlist_files(folder, set(paths), report.problems)
    lists = lists or _collections(folder, set(paths), report.problems)
    lists = lists or _folders(paths) or [(folder.name, folder.name, paths)]
    ids, names, entries = zip(*lists, strict=True)
    position = {path: i for i, path in enumerate(paths)}
    playlists = Playlists.from_lists(
        [[position[path] for path in listed] for listed in entries], ids=ids, names=names
    )
    catalog = Catalog(tracks, playlists, folder.name, sound=partial(Path, folder))
    return (None if report.failed() else catalog), report.problems


def _playlist_files(folder: Path, known: set[str], problems: list[Problem]) -> Lists:
    files = sorted(path for path in folder.rglob("*") if path.suffix.lower() in _LISTS)
    lists: Lists = []
    for file in files:
        name = file.relative_to(folder).as_posix()
        if not file.is_file() or any(part.startswith(".") for part in name.split("/")):
            continue
        report = Report(name, problems)
        entries, lost = [], []
        for row, line in enumerate(_text(file).splitlines()):
            if line.strip() and not line.startswith("#"):
                track = _track(line.strip(), file.parent, folder, known)
                entries.append(track) if track else lost.append((row, line.strip()))
        if lost:
            row, line = lost[0]
            more = f" (and {counted(len(lost) - 1, 'line')} more like it)" if lost[1:] else ""
            report.warning(row, None, f"{line!r}{more}, dropped", "a recording in the folder")
        if repeats := len(entries) - len(set(entries)):
            found = f"{counted(repeats, 'repeat')} of a recording, dropped"
            report.warning(None, None, found, "each recording once")
        if entries:
            lists.append((name, file.stem, entries))
        else:
            report.warning(None, None, "no recording, so no playlist", "at least one")
    return lists


def _text(file: Path) -> str:
    raw = file.read_bytes()
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return raw.decode("cp1252", errors="replace")


def _track(line: str, beside: Path, folder: Path, known: set[str]) -> str | None:
    """Return the track that a line of a playlist file means; players write it in several ways."""
    for text in (line, line.replace("\\", "/"), unquote(line)):
        path = Path(os.path.normpath(beside / text))
        if path.is_relative_to(folder) and (track := path.relative_to(folder).as_posix()) in known:
            return track
    return None


def _collections(folder: Path, known: set[str], problems: list[Problem]) -> Lists:
    if not (folder / INDEX).is_file():
        return []
    report = Report(INDEX, problems)
    frame = read_frame(folder / INDEX, report)
    if frame is None:
        return []
    if not {"file", "collection"} <= set(frame):
        found = "only " + ", ".join(map(str, frame.columns))
        report.warning(None, None, found, "columns file and collection; the file is not used")
        return []
    lists: dict[str, list[str]] = {}
    lost = []
    for row, (file, collection) in enumerate(zip(frame["file"], frame["collection"], strict=True)):
        if file not in known:
            lost.append(row)
        elif isinstance(collection, str):
            lists.setdefault(collection, []).append(file)
    if lost:
        more = f" (and {counted(len(lost) - 1, 'row')} more like it)" if lost[1:] else ""
        file = frame["file"].iloc[lost[0]]
        found = f"{short(file if isinstance(file, str) else None)}{more}, dropped"
        report.warning(lost[0], "file", found, "a recording in the folder")
    if unnamed := len(known - set(frame["file"])):
        found = f"no row for {counted(unnamed, 'recording')}, which are in no playlist"
        report.warning(None, "file", found, "every recording")
    return [(name, name, entries) for name, entries in lists.items()]


def _folders(paths: list[str]) -> Lists:
    lists: dict[str, list[str]] = {}
    for path in paths:
        if "/" in path:
            lists.setdefault(path.rpartition("/")[0], []).append(path)
    return [(name, Path(name).name, of) for name, of in lists.items() if len(of) > 1]
