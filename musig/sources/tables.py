"""A folder of tables: ``playlists``, ``tracks``, ``playlist_info``, as Parquet or CSV.

The shape is the project's own: what ``musig data join`` and ``musig data make`` write and what
anyone can bring their data into.

Conventions
-----------
- ``playlists``: a row an entry, with ``pid`` (int or text), ``track_id`` and, optionally, ``pos``;
  without ``pos`` the order of rows is the listening order. Playlists are numbered in the order
  of their first row.
- ``tracks``: a row a track, columns as in :class:`musig.catalog.Catalog`. It may be missing where
  only the graph is wanted.
- ``playlist_info`` (optional): ``pid`` and ``name``; other columns are not used.
- ``recording`` is a path in the folder ``recordings`` beside the tables, or beside the tables
  themselves if there is no such folder.

Contents
--------
- :func:`read`: a catalogue and every problem; :mod:`musig.sources.writing` has the reverse.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from musig.catalog import Catalog, Playlists, Problem, distinct
from musig.errors import counted
from musig.sources.columns import read_frame, tidy_numbers, tidy_tracks
from musig.sources.report import Report, short

NAMES = ("playlists", "tracks", "playlist_info")
"""The tables."""

SOUND = "recordings"
"""The folder of recordings beside the tables."""

SUFFIXES = (".parquet", ".csv", ".csv.gz")
"""How a table's file name may end."""


def find(folder: Path, table: str, problems: list[Problem]) -> Path | None:
    """Return the file of a table, if there is exactly one.

    Parameters
    ----------
    folder : Path
    table : str
        One of :data:`NAMES`.
    problems : list of Problem
        Two files for one table are appended as an error.

    Returns
    -------
    Path or None

    Notes
    -----
    Notebook: 01_catalog
    """
    paths = [folder / (table + suffix) for suffix in SUFFIXES]
    paths = [path for path in paths if path.is_file()]
    if len(paths) > 1:
        found = " and ".join(path.name for path in paths)
        Report(folder.name, problems).error(None, None, found, "one file for each table")
    return paths[0] if paths else None


def read(folder: Path) -> tuple[Catalog | None, list[Problem]]:
    """Read a folder of tables.

    Parameters
    ----------
    folder : Path
        Holds ``playlists.parquet`` or ``.csv`` or ``.csv.gz``, and the other tables likewise.

    Returns
    -------
    catalog : Catalog or None
        None if there is an error.
    problems : list of Problem
        Of all tables.

    Notes
    -----
    Notebook: 01_catalog
    """
    report = Report(folder.name)
    problems = report.problems
    tracks, tracks_path = None, find(folder, "tracks", problems)
    if tracks_path is None:
        expected = "tracks.parquet or tracks.csv, unless only the graph is wanted"
        report.warning(None, None, "no table of tracks", expected)
    else:
        tracks_report = Report(tracks_path.name, problems)
        frame = read_frame(tracks_path, tracks_report)
        tracks = None if frame is None else tidy_tracks(frame, tracks_report)
    entries_path = find(folder, "playlists", problems)
    if entries_path is None:
        report.error(None, None, "no table of playlists", "playlists.parquet or playlists.csv")
        return None, problems
    entries_report = Report(entries_path.name, problems)
    entries = _read_entries(entries_path, entries_report)
    if entries is None or (tracks is None and tracks_path is not None):
        return None, problems
    playlists, ids = _playlists(entries, tracks, entries_report)
    if tracks is None:
        tracks = pd.DataFrame(index=pd.Index(ids, name="track_id", dtype="str"))
    info_path = find(folder, "playlist_info", problems)
    if info_path is not None:
        playlists = _with_names(playlists, info_path, Report(info_path.name, problems))
    sound = _sound(tracks, folder, tracks_path, problems)
    catalog = Catalog(tracks, playlists, folder.name, sound=sound)
    return (None if report.failed() else catalog), problems


def _sound(
    tracks: pd.DataFrame, folder: Path, tracks_path: Path | None, problems: list[Problem]
) -> partial[Path] | None:
    """Return what gives the folder of recordings, if any is named; those not there are told."""
    if tracks_path is None or "recording" not in tracks or tracks["recording"].isna().all():
        return None
    base = (folder / SOUND if (folder / SOUND).is_dir() else folder).resolve()
    named = tracks["recording"].items()
    missing = [
        (row, path)
        for row, (_, path) in enumerate(named)
        if isinstance(path, str) and not (base / path).is_file()
    ]
    if missing:
        row, path = missing[0]
        more = f" (and {counted(len(missing) - 1, 'file')} more)" if missing[1:] else ""
        expected = f"a file in {folder.name} or its folder {SOUND}"
        Report(tracks_path.name, problems).warning(
            row, "recording", f"no file {short(path)}{more}", expected
        )
    return partial(Path, base)


def _read_entries(path: Path, report: Report) -> pd.DataFrame | None:
    frame = read_frame(path, report)
    if frame is None:
        return None
    report.unknown(frame.columns, ("pid", "track_id", "pos"))
    missing = [column for column in ("pid", "track_id") if column not in frame]
    for column in missing:
        report.missing(column, frame.columns)
    if missing:
        return None
    if frame.empty:
        report.error(None, None, "no rows", "a row for each track of each playlist")
    return frame


def _playlists(
    entries: pd.DataFrame, tracks: pd.DataFrame | None, report: Report
) -> tuple[Playlists, pd.Index]:
    """Turn rows into ragged arrays; also return the ids that the positions refer to."""
    for column in ("pid", "track_id"):
        for row in np.flatnonzero(entries[column].isna().to_numpy()):
            report.error(row, column, "nothing", "an id")
    owner, first_pids = pd.factorize(entries["pid"])  # without an id: -1
    pids = _pids(first_pids)
    codes, ids = pd.factorize(entries["track_id"])
    ids = pd.Index(ids).astype("str")
    positions = codes
    if tracks is not None:
        known = tracks.index[~tracks.index.duplicated()]
        lookup = np.append(known.get_indexer(ids), -1)  # the last: for a missing id, code -1
        positions = lookup[codes]
        counts = np.bincount(codes[codes >= 0], minlength=len(ids))
        for code in np.flatnonzero(lookup[:-1] < 0):
            first = int((codes == code).argmax())
            where = f"playlist {pids[owner[first]]}" if owner[first] >= 0 else "one without an id"
            count = counted(counts[code], "entry")
            found = f"{ids[int(code)]!r} ({count}, the first in {where})"
            report.error(first, "track_id", found, "an id from the table of tracks")
        ids = known
    order = np.argsort(owner, kind="stable")
    if "pos" in entries:
        pos = tidy_numbers(entries["pos"], report)
        order = np.lexsort((pos, owner))  # stable too
    counts = np.bincount(owner[owner >= 0], minlength=len(pids))
    indptr = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    order = order[len(order) - indptr[-1] :]  # entries without a pid, code -1, came first
    flat = positions[order].astype(np.int32)
    indptr, flat, dropped = distinct(indptr, flat)
    if dropped.any():
        found = f"{counted(dropped.sum(), 'repeat')} of a track within a playlist "
        found += f"({(dropped > 0).sum():,} of {counted(len(pids), 'playlist')}), dropped"
        report.warning(None, "track_id", found, "each track once")
    names = np.full(len(pids), None, dtype=object)
    return Playlists(pids, names, indptr, flat), ids


def _pids(values: Any) -> np.ndarray:
    """Make int64 of ids that are whole numbers, in CSV too; text of any other."""
    array = np.asarray(values)
    if array.dtype.kind in "iu":
        return array.astype(np.int64)
    if array.dtype.kind == "f" and (array % 1 == 0).all():  # whole, beside empty cells
        return array.astype(np.int64)
    texts = np.array([str(value) for value in values], dtype=object)
    if all(text.isascii() and text.isdigit() and str(int(text)) == text for text in texts):
        return texts.astype(np.int64)
    return texts


def _with_names(playlists: Playlists, path: Path, report: Report) -> Playlists:
    frame = read_frame(path, report)
    if frame is None:
        return playlists
    if "pid" not in frame:
        report.missing("pid", frame.columns)
        return playlists
    given = frame["pid"].notna().to_numpy()
    for row in np.flatnonzero(~given):
        report.error(row, "pid", "nothing", "an id")
    frame, rows = frame[given], np.flatnonzero(given)
    pids = pd.Index(_pids(frame["pid"]))
    for i in np.flatnonzero(pids.duplicated()):
        report.error(rows[i], "pid", str(pids[int(i)]), "each pid once")
    where = pd.Index(playlists.ids).get_indexer(pids)
    for i in np.flatnonzero(where < 0):
        found = f"playlist {pids[int(i)]}, which is empty: the table of playlists lacks it"
        report.error(rows[i], "pid", found, "at least one track in every playlist")
    names = playlists.names.copy()
    if "name" in frame:
        text = frame["name"].astype("str")
        listed = where >= 0
        names[where[listed]] = [
            name if isinstance(name, str) and name else None for name in text[listed]
        ]
    return Playlists(playlists.ids, names, playlists.indptr, playlists.tracks)
