"""Whether a catalogue can be believed: every problem, told with its place.

Conventions
-----------
- Rows are counted from 1, a header not counted. Ranges of the nine features are those of the
  Spotify Web API's documentation; the Million Song Dataset introduced most of them
  (Bertin-Mahieux et al., ISMIR 2011).
- An *error* means that the data cannot be used as it is; a *warning* that something was dropped,
  ignored or is odd.

Contents
--------
- :class:`Problem`: one finding.
- :func:`validate`: all findings about a catalogue.
- :func:`check_tracks`: the part of it that readers apply to a table of tracks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd

from musig.errors import counted
from musig.playlists import Playlists, distinct

if TYPE_CHECKING:
    from musig.catalog import Catalog

FEATURES = (
    "acousticness",
    "danceability",
    "energy",
    "instrumentalness",
    "liveness",
    "loudness",
    "speechiness",
    "valence",
    "tempo",
)
"""The nine audio features, in the paper's order."""

ACOUSTIC = tuple(f"acoustic_{i}" for i in range(8))
"""The eight dimensions of the acoustic vector."""

TEXT = ("name", "artist", "artist_id", "album", "main_genre", "recording", "feature_source")
"""Columns of text."""

RANGES = dict.fromkeys(FEATURES, (0.0, 1.0)) | {
    # quieter than -60 dB is silence; recordings mastered above full scale reach a few dB over 0
    "loudness": (-100.0, 6.0),
    "tempo": (0.0, 300.0),
    "popularity": (0.0, 100.0),
    **dict.fromkeys(ACOUSTIC, (-np.inf, np.inf)),
}
"""Column of numbers -> smallest and largest value that can be right."""

COLUMNS = ("genres", *TEXT, *RANGES)
"""Every column a table of tracks may have beside ``track_id``."""


@dataclass(frozen=True)
class Problem:
    """One finding about a data set.

    Examples
    --------
    >>> print(Problem("error", "tracks.csv", 7, "energy", "1.7", "a number in [0, 1], or nothing"))
    error: tracks.csv, row 7, column energy: found 1.7; expected a number in [0, 1], or nothing.
    """

    level: Literal["error", "warning"]
    file: str
    row: int | str | None
    """Row of a table, or words for a place that is not a row (``"playlist 3"``)."""
    column: str | None
    found: str
    expected: str

    def __str__(self) -> str:
        row = f"row {self.row}" if isinstance(self.row, int) else self.row
        column = f"column {self.column}" if self.column else None
        place = ", ".join(part for part in (self.file, row, column) if part)
        return f"{self.level}: {place}: found {self.found}; expected {self.expected}."


def validate(catalog: Catalog) -> list[Problem]:
    """Find every problem in a catalogue's contents.

    Parameters
    ----------
    catalog : Catalog

    Returns
    -------
    list of Problem
        Empty if all is well.

    Notes
    -----
    Notebook: 01_catalog
    """
    problems = []
    index = catalog.tracks.index
    for row in np.flatnonzero(index.duplicated()):
        problems.append(
            Problem(
                "error", "tracks", int(row) + 1, "track_id", repr(index[int(row)]), "each id once"
            )
        )
    problems += check_tracks(catalog.tracks, "tracks")
    problems += _check_playlists(catalog.playlists, catalog.n_tracks)
    return problems


def check_tracks(tracks: pd.DataFrame, file: str, rows: np.ndarray | None = None) -> list[Problem]:
    """Find every value out of range, and what is odd about the columns as a whole.

    Parameters
    ----------
    tracks : DataFrame
        As ``Catalog.tracks``; numbers are numbers already.
    file : str
        The file's name, for the messages.
    rows : ndarray of int, shape (n_tracks,), optional
        The row of the file each track is from; by default 1, 2, 3, ...

    Returns
    -------
    list of Problem

    Notes
    -----
    Notebook: 01_catalog
    """
    rows = np.arange(1, len(tracks) + 1) if rows is None else rows
    problems = []
    for column in tracks.columns:
        if column in RANGES:
            low, high = RANGES[column]
            values = tracks[column].to_numpy(dtype=np.float64)
            wrong = np.isinf(values) | (values < low) | (values > high)
            expected = "a finite number" if high == np.inf else f"a number in [{low:g}, {high:g}]"
            for i in np.flatnonzero(wrong):
                found = f"{values[i]:g}"
                problems.append(
                    Problem(
                        "error",
                        file,
                        int(rows[i]),
                        column,
                        found,
                        f"{expected}, or nothing if unknown",
                    )
                )
        elif column not in COLUMNS:
            found = "a column of an unknown name"
            expected = "one of " + ", ".join(COLUMNS)
            problems.append(Problem("warning", file, None, column, found, expected))
    return problems + _odd_columns(tracks, file)


def _odd_columns(tracks: pd.DataFrame, file: str) -> list[Problem]:
    problems = []
    if "loudness" in tracks:
        loud = tracks["loudness"].to_numpy(dtype=np.float64)
        loud = loud[(loud > 0) & (loud <= RANGES["loudness"][1])]
        if len(loud):
            found = f"{counted(len(loud), 'value')} above 0 dB, the highest {loud.max():.3f}"
            problems.append(Problem("warning", file, None, "loudness", found, "at most 0 dB"))
    if "tempo" in tracks and (still := int((tracks["tempo"] == 0).sum())):
        found = f"the value 0 (count: {still:,})"
        expected = "beats per minute above 0, or nothing where no beat was found"
        problems.append(Problem("warning", file, None, "tempo", found, expected))
    features = [column for column in FEATURES if column in tracks]
    if features:
        known = tracks[features].notna().sum(axis=1)
        if partly := int(((known > 0) & (known < len(features))).sum()):
            found = f"NaN in some but not all audio features of {counted(partly, 'track')}"
            problems.append(
                Problem("warning", file, None, None, found, "all of a track's features, or none")
            )
    if "popularity" in tracks:
        zero = float((tracks["popularity"] == 0).mean())
        if zero > 0.5 and tracks["popularity"].notna().all():
            found = f"0 for {zero:.0%} of the tracks and unknown for none"
            expected = "nothing where popularity is unknown: 0 is a value"
            problems.append(Problem("warning", file, None, "popularity", found, expected))
    return problems


def _check_playlists(playlists: Playlists, n_tracks: int) -> list[Problem]:
    problems = []
    ids = pd.Index(playlists.ids)
    for row in np.flatnonzero(ids.duplicated()):
        problems.append(
            Problem("error", "playlists", int(row) + 1, "pid", str(ids[int(row)]), "each id once")
        )
    for row in np.flatnonzero(playlists.lengths == 0):
        where = f"playlist {playlists.ids[row]}"
        problems.append(
            Problem("error", "playlists", where, None, "no track", "at least one track")
        )
    outside = (playlists.tracks < 0) | (playlists.tracks >= n_tracks)
    owner = np.repeat(np.arange(len(playlists)), playlists.lengths)
    for entry in np.flatnonzero(outside):
        where = f"playlist {playlists.ids[owner[entry]]}"
        found = f"position {playlists.tracks[entry]}"
        expected = f"a position from 0 to {n_tracks - 1}"
        problems.append(Problem("error", "playlists", where, "track_id", found, expected))
    dropped = distinct(playlists.indptr, playlists.tracks)[2]
    for row in np.flatnonzero(dropped):
        where = f"playlist {playlists.ids[row]}"
        found = f"{counted(dropped[row], 'repeat')} of a track"
        problems.append(Problem("error", "playlists", where, "track_id", found, "each track once"))
    return problems
