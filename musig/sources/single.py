"""One table by itself: tracks that belong to no data set yet, playlists that hold some of them.

Conventions
-----------
As in :mod:`musig.sources.tables`, whose folders have both and check one against the other. Here the
ids of playlists may be of tracks that are known elsewhere.

Contents
--------
- :func:`read_tracks`, :func:`read_playlists`.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from musig.errors import MusigError
from musig.sources.columns import read_frame, tidy_tracks
from musig.sources.report import Report, usable
from musig.sources.tables import SUFFIXES


def read_tracks(path: Path) -> pd.DataFrame:
    """Read a table of new tracks.

    Parameters
    ----------
    path : Path
        Parquet or CSV, with ``track_id`` and columns as in :class:`musig.catalog.Catalog`.

    Returns
    -------
    DataFrame
        Index ``track_id``.

    Raises
    ------
    MusigError
        If it is not there, or not in order.

    Notes
    -----
    Notebook: 12_new_tracks
    """
    frame, report = _frame(path)
    tracks = None if frame is None else tidy_tracks(frame, report)
    return usable(tracks, report.problems, str(path))


def read_playlists(path: Path) -> list[np.ndarray]:
    """Read playlists that hold new tracks.

    Parameters
    ----------
    path : Path
        Parquet or CSV, a row an entry: ``pid`` and ``track_id``.

    Returns
    -------
    list of ndarray of str
        Track ids of each playlist.

    Raises
    ------
    MusigError
        If it is not there, or has not these columns, or an id is missing.

    Notes
    -----
    Notebook: 12_new_tracks
    """
    frame, report = _frame(path)
    lists: list[np.ndarray] = []
    if frame is not None:
        lacking = [column for column in ("pid", "track_id") if column not in frame]
        for column in lacking:
            report.missing(column, frame.columns)
        for column in () if lacking else ("pid", "track_id"):
            for row in np.flatnonzero(frame[column].isna().to_numpy()):
                report.error(row, column, "nothing", "an id")
        if not report.failed():
            ids = frame["track_id"].astype("str")
            lists = [part.to_numpy() for _, part in ids.groupby(frame["pid"], sort=False)]
    return usable(None if frame is None else lists, report.problems, str(path))


def _frame(path: Path) -> tuple[pd.DataFrame | None, Report]:
    """Read a table of any of the kinds that are known."""
    path = Path(path)
    if not path.is_file():
        raise MusigError(f"There is no file {path}: give a table, .parquet or .csv.")
    if not path.name.endswith(SUFFIXES):
        raise MusigError(f"{path} is of an unknown kind; expected a table, .parquet or .csv.")
    report = Report(path.name)
    return read_frame(path, report), report
