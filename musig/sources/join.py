"""Playlists joined with public tables about their tracks: how the real data set is rebuilt.

The Million Playlist Dataset has titles and artists but no features, popularity or genres. Tables
of these, on Spotify's ids, are public; whoever holds the slices can join the two.

Conventions
-----------
- The table of features has a row a track: ``track_id`` (with or without ``spotify:track:``) and
  any of the nine features, ``popularity``, ``name``, ``artist``, ``artist_id``.
- The table of genres has a row an artist: ``artist_id`` or ``artist`` or both, and ``genres`` or
  ``main_genre`` or both. Where only ``genres`` is given, :func:`musig.sources.genres.main_genre`
  chooses the main one.
- ``feature_source`` says where a track's features are from: ``id`` (its own row), ``name``
  (a row of another id with the same artist and title: the same song, but perhaps another
  recording), ``none``. Popularity belongs to an id and is never taken from another.
- What no table knows stays unknown; no track and no playlist is dropped.

Contents
--------
- :func:`join`: slices and two tables to a folder of tables.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from musig.catalog import FEATURES, Catalog, Problem
from musig.errors import MusigError
from musig.sources import mpd
from musig.sources.columns import read_frame, tidy_genres, tidy_tracks
from musig.sources.genres import main_genre
from musig.sources.report import Report, usable
from musig.sources.writing import write_folder


def join(
    slices_folder: Path,
    features_table: Path,
    genres_table: Path,
    out_folder: Path,
    problems: list[Problem] | None = None,
) -> Path:
    """Join slices with a table of features and a table of genres.

    Parameters
    ----------
    slices_folder : Path
        Holds ``mpd.slice.FIRST-LAST.json`` files.
    features_table : Path
        Parquet or CSV, a row a track.
    genres_table : Path
        Parquet or CSV, a row an artist.
    out_folder : Path
        Must not exist; written aside and renamed.
    problems : list of Problem, optional
        Warnings about the slices and the tables are appended.

    Returns
    -------
    Path
        ``out_folder``, with ``playlists``, ``playlist_info`` and ``tracks`` as Parquet.

    Raises
    ------
    MusigError
        If the slices or a table have an error, or the folder exists.

    Notes
    -----
    Notebook: 01_catalog
    """
    slices_folder, out_folder = Path(slices_folder), Path(out_folder)
    if out_folder.exists():  # told now, not after an hour of reading
        raise MusigError(f"{out_folder} exists already: choose another name, or remove it first.")
    for path in (slices_folder, Path(features_table), Path(genres_table)):
        if not path.exists():
            raise MusigError(f"{path} does not exist: join needs slices and two tables.")
    if not slices_folder.is_dir() or not mpd.slices(slices_folder):
        raise MusigError(f"{slices_folder} holds no slice: expected mpd.slice.FIRST-LAST.json.")
    problems = [] if problems is None else problems
    features = _features(Path(features_table), problems)  # the small files first
    genres = _genres(Path(genres_table), problems)
    read, found = mpd.read(slices_folder)
    catalog = usable(read, found, str(slices_folder))
    problems += found
    tracks = _with_genres(_with_features(catalog.tracks, features), genres)
    return write_folder(Catalog(tracks, catalog.playlists, out_folder.name), out_folder)


def _features(path: Path, problems: list[Problem]) -> pd.DataFrame:
    report = Report(path.name)
    frame = read_frame(path, report)
    tracks = None
    if frame is not None:
        if "track_id" in frame and pd.api.types.is_string_dtype(frame["track_id"].dtype):
            frame["track_id"] = frame["track_id"].str.removeprefix("spotify:track:")
        tracks = tidy_tracks(frame, report)
        if not {*FEATURES, "popularity"} & set(frame.columns):
            report.missing(f"of features (such as {FEATURES[0]}) or popularity", frame.columns)
    problems += report.problems
    return usable(tracks, report.problems, str(path))


def _genres(path: Path, problems: list[Problem]) -> pd.DataFrame:
    report = Report(path.name)
    frame = read_frame(path, report)
    if frame is not None:
        for either in (("artist_id", "artist"), ("genres", "main_genre")):
            if not set(either) & set(frame.columns):
                report.missing(" or ".join(either), frame.columns)
        if "artist_id" in frame:
            ids = frame["artist_id"]
            for row in np.flatnonzero((ids.duplicated() & ids.notna()).to_numpy()):
                report.error(row, "artist_id", repr(ids.iloc[row]), "each artist once")
        if "genres" in frame:
            frame["genres"] = pd.Series(tidy_genres(frame["genres"], report), index=frame.index)
            if "main_genre" not in frame:
                frame["main_genre"] = frame["genres"].map(main_genre)
    problems += report.problems
    return usable(frame, report.problems, str(path))


def _with_features(tracks: pd.DataFrame, table: pd.DataFrame) -> pd.DataFrame:
    tracks = tracks.copy()
    own = table.reindex(tracks.index)
    columns = [column for column in FEATURES if column in table]
    has_own = own[columns].notna().any(axis=1).to_numpy()
    source = np.where(has_own, "id", "none").astype(object)
    values = own[columns].copy()
    if columns and {"name", "artist"} <= set(table) & set(tracks):
        known = table[table[columns].notna().any(axis=1)]
        keys = _song(known)
        known = known[columns].set_axis(keys, axis=0)
        known = known[keys.notna() & ~keys.duplicated()]
        others = known.reindex(_song(tracks)).set_axis(tracks.index, axis=0)
        by_name = ~has_own & others.notna().any(axis=1).to_numpy()
        source[by_name] = "name"
        values.loc[by_name] = others.loc[by_name]
    for column in columns:
        tracks[column] = values[column].astype(np.float32)
    if "popularity" in table:
        tracks["popularity"] = own["popularity"]
    if "artist_id" in table:
        tracks["artist_id"] = _first_known(tracks.get("artist_id"), own["artist_id"])
    tracks["feature_source"] = pd.array(source, dtype="str")
    return tracks


def _with_genres(tracks: pd.DataFrame, table: pd.DataFrame) -> pd.DataFrame:
    tracks = tracks.copy()
    row = np.full(len(tracks), -1)  # of the table of genres
    for column in ("artist", "artist_id"):  # the id, being surer, has the last word
        if column in table and column in tracks:
            keys = table[column] if column == "artist_id" else table[column].str.casefold()
            wanted = tracks[column] if column == "artist_id" else tracks[column].str.casefold()
            usable_keys = keys.notna() & ~keys.duplicated(keep=False)  # two artists of one name
            rows = np.append(np.flatnonzero(usable_keys), -1)
            found = rows[pd.Index(keys[usable_keys]).get_indexer(pd.Index(wanted))]
            row = np.where(found >= 0, found, row)
    if "genres" in table:
        lists = [*table["genres"], []]  # the last, at -1: unknown
        tracks["genres"] = pd.Series([lists[i] for i in row], index=tracks.index)
    main = [*table["main_genre"], None]
    tracks["main_genre"] = pd.array([main[i] for i in row], dtype="str")
    return tracks


def _song(table: pd.DataFrame) -> pd.Index:
    """Artist and title as one text, without regard to case; NaN where one is unknown."""
    both = table["artist"].str.casefold() + "\x1f" + table["name"].str.casefold()
    return pd.Index(both)


def _first_known(first: pd.Series | None, second: pd.Series) -> pd.Series:
    return second if first is None else first.fillna(second)
