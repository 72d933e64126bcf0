"""TidyTuesday's ``spotify_songs.csv``: small, public, with all nine features.

Published for the TidyTuesday of 21 January 2020, collected by Kaylin Pavlik with the R package
``spotifyr``: 32,833 rows, each a track in one of 471 playlists.

Conventions
-----------
- A row is an entry of a playlist and repeats what is known of its track. ``NA`` is unknown.
- The rows have no positions: the order of rows is taken as the listening order.
- ``playlist_genre`` belongs to the *playlist*, so it is not a track's genre here: as an attribute
  it would say which playlist a track is in.

Contents
--------
- :func:`read`: a catalogue and every problem.
- :data:`URL`, :data:`SHA256`: the public file.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from musig.catalog import FEATURES, Catalog, Playlists, Problem, distinct
from musig.errors import counted
from musig.sources.columns import read_frame, tidy_tracks
from musig.sources.report import Report

URL = (
    "https://raw.githubusercontent.com/rfordatascience/tidytuesday/main/"
    "data/2020/2020-01-21/spotify_songs.csv"
)
SHA256 = "9902920cfe4940f0914ebb6716801a42f7f19ac88fbd6693eaae7e2822b16845"
"""Of the file in the repository at commit 2c423ba: 7,971,379 bytes, 32,834 lines."""

NAMES = ("spotify_songs.csv", "spotify_songs.csv.gz")
"""File names that are recognised."""

_TRACK = {
    "track_id": "track_id",
    "track_name": "name",
    "track_artist": "artist",
    "track_album_name": "album",
    "track_popularity": "popularity",
} | {feature: feature for feature in FEATURES}
_PLAYLIST = ("playlist_id", "playlist_name")
_UNUSED = (
    "track_album_id",
    "track_album_release_date",
    "playlist_genre",
    "playlist_subgenre",
    "key",
    "mode",
    "duration_ms",
)


def read(path: Path) -> tuple[Catalog | None, list[Problem]]:
    """Read the file.

    Parameters
    ----------
    path : Path
        ``spotify_songs.csv`` or ``spotify_songs.csv.gz``.

    Returns
    -------
    catalog : Catalog or None
        None if there is an error.
    problems : list of Problem

    Notes
    -----
    Notebook: 01_catalog
    """
    report = Report(path.name)
    frame = read_frame(path, report, unknown=("", "NA"))
    if frame is None:
        return None, report.problems
    used = (*_TRACK, *_PLAYLIST)
    missing = [column for column in used if column not in frame]
    for column in missing:
        report.missing(column, frame.columns)
    report.unknown(frame.columns, (*used, *_UNUSED))
    if missing:
        return None, report.problems
    for column in ("track_id", "playlist_id"):
        for row in np.flatnonzero(frame[column].isna().to_numpy()):
            report.error(row, column, "nothing", "an id")
    first = np.flatnonzero(~frame["track_id"].duplicated().to_numpy())  # what a track is said to be
    rows = frame.iloc[first][list(_TRACK)].rename(columns=_TRACK)
    tracks = tidy_tracks(rows, Report(path.name, report.problems, rows=first + 1))
    if tracks is None or report.failed():
        return None, report.problems
    return Catalog(tracks, _playlists(frame, tracks, report), "tidytuesday"), report.problems


def _playlists(frame: pd.DataFrame, tracks: pd.DataFrame, report: Report) -> Playlists:
    owner, ids = pd.factorize(frame["playlist_id"])
    order = np.argsort(owner, kind="stable")
    flat = tracks.index.get_indexer(pd.Index(frame["track_id"]))[order].astype(np.int32)
    indptr = np.concatenate([[0], np.cumsum(np.bincount(owner, minlength=len(ids)))])
    indptr, flat, dropped = distinct(indptr.astype(np.int64), flat)
    if dropped.any():
        found = f"{counted(dropped.sum(), 'repeat')} of a track within a playlist, dropped"
        report.warning(None, "track_id", found, "each track once")
    first = frame.drop_duplicates("playlist_id")["playlist_name"]
    names = np.array([name if isinstance(name, str) else None for name in first], dtype=object)
    return Playlists(np.asarray(ids, dtype=object), names, indptr, flat)
