"""FMA: 106,574 recordings under Creative Commons licences, with genres and eight audio features.

A dump of the Free Music Archive by Defferrard, Benzi, Vandergheynst and Bresson ("FMA: a dataset
for music analysis", ISMIR 2017, arXiv 1612.01840). There are no playlists in it: it is an outside
measure for features that are estimated from sound.

Conventions
-----------
- ``tracks.csv`` has two rows of column names, then a row that holds ``track_id``; ``echonest.csv``
  has three and that row. Rows are counted from 1 after these.
- ``genres`` are the names of ``genres_all`` (a track's genres and those above them), ``main_genre``
  is ``genre_top``, unknown for a track with several.
- Audio features are those of the Echo Nest, known for 13,129 tracks; its table has no loudness.
- ``listens`` are counts since a track was published, not a popularity of 0 to 100, and are not
  read: the scale and the time behind them differ.
- Recordings are ``fma_small/000/000002.mp3``: the id in six digits, the first three as folder.

Contents
--------
- :func:`read`: a catalogue and every problem.
- :func:`read_echonest`: the table of features alone.
- :func:`find`: where the tables are, if a folder is FMA.
"""

from __future__ import annotations

import csv
import json
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from musig.catalog import FEATURES, Catalog, Playlists, Problem
from musig.errors import counted
from musig.sources.columns import read_frame, tidy_tracks
from musig.sources.report import Report, short, usable

ECHONEST = tuple(feature for feature in FEATURES if feature != "loudness")
"""The features that are in ``echonest.csv``."""

AUDIO = ("fma_full", "fma_large", "fma_medium", "fma_small")
"""Folders of recordings; a track that is in several is taken from the first."""

SHA1 = {
    "fma_metadata": "f0df49ffe5f2a6008d7dc83c6915b31835dfe733",
    "fma_small": "ade154f733639d52e35e32f5593efe5be76c6d70",
}
"""Checksum of each archive."""

URL = "https://os.unil.cloud.switch.ch/fma/{}.zip"
"""Address of an archive, by name."""

_TRACKS: dict[tuple[str, ...], str] = {
    ("track", "title"): "name",
    ("artist", "name"): "artist",
    ("artist", "id"): "artist_id",
    ("album", "title"): "album",
    ("track", "genre_top"): "main_genre",
    ("track", "genres_all"): "genres",
}
_WHOLE = "the whole file, as it was published: copy or download it again"


def find(folder: Path) -> Path | None:
    """Return the folder that holds the tables, if there is one.

    Parameters
    ----------
    folder : Path
        The tables' own folder, one that holds ``fma_metadata``, or ``fma_small`` beside it.

    Returns
    -------
    Path or None

    Notes
    -----
    A folder of our own tables may hold a file ``tracks.csv``, too; that of FMA has ``genres.csv``
    beside it and no playlists, or names its ids in the third row.
    Notebook: 02_audio_features
    """
    places = [folder, folder / "fma_metadata"]
    if folder.name in AUDIO:
        places.append(folder.parent / "fma_metadata")
    for place in places:
        tracks = place / "tracks.csv"
        if not tracks.is_file():
            continue
        if (place / "genres.csv").is_file() and not list(place.glob("playlists.*")):
            return place
        rows = _first_rows(tracks, 3)
        if len(rows) == 3 and rows[0][0] == rows[1][0] == "" and rows[2][0] == "track_id":
            return place
    return None


def read(folder: Path) -> tuple[Catalog | None, list[Problem]]:
    """Read the tables, and see which recordings are there.

    Parameters
    ----------
    folder : Path
        As for :func:`find`. Recordings are looked for in it and beside it.

    Returns
    -------
    catalog : Catalog or None
        Without playlists. None if there is an error.
    problems : list of Problem

    Notes
    -----
    Notebook: 02_audio_features
    """
    folder = Path(folder).resolve()
    tables = find(folder) or folder
    report = Report("tracks.csv")
    titles = _genres(tables / "genres.csv", Report("genres.csv", report.problems))
    frame = _read_levels(tables / "tracks.csv", 2, _TRACKS, report)
    if frame is None or titles is None:
        return None, report.problems
    frame["genres"] = _titles(frame["genres"], titles, report)
    tracks = tidy_tracks(frame, report)
    features = None
    echonest = Report("echonest.csv", report.problems)
    if (tables / "echonest.csv").is_file():
        features = _features(tables / "echonest.csv", echonest)
    else:
        echonest.warning(None, None, "no file", "echonest.csv, for the audio features")
    if tracks is None or report.failed():
        return None, report.problems
    if features is not None:
        if unknown := len(features.index.difference(tracks.index)):
            found = f"{counted(unknown, 'track')} that tracks.csv lacks, dropped"
            echonest.warning(None, "track_id", found, "ids from tracks.csv")
        tracks[list(ECHONEST)] = features.reindex(tracks.index)
        tracks["loudness"] = np.float32(np.nan)
        echonest.warning(None, "loudness", "no such column", "nine features: it stays unknown")
    base, recordings = _recordings(tables, folder)
    if recordings:
        tracks["recording"] = pd.array([recordings.get(id_) for id_ in tracks.index], dtype="str")
    sound = partial(Path, base) if recordings else None
    return Catalog(tracks, Playlists.from_lists([]), "fma", sound=sound), report.problems


def read_echonest(path: Path) -> pd.DataFrame:
    """Read the Echo Nest's audio features.

    Parameters
    ----------
    path : Path
        ``echonest.csv``.

    Returns
    -------
    DataFrame
        A row a track: index ``track_id`` (str), columns :data:`ECHONEST` (float32).

    Raises
    ------
    MusigError
        If the file is missing or has an error.

    Notes
    -----
    Notebook: 02_audio_features
    """
    path = Path(path)
    report = Report(path.name)
    features = None
    if path.is_file():
        features = _features(path, report)
    else:
        report.error(None, None, "no such file", "echonest.csv, which is in fma_metadata.zip")
    return usable(features, report.problems, str(path))


def _features(path: Path, report: Report) -> pd.DataFrame | None:
    wanted: dict[tuple[str, ...], str] = {
        ("echonest", "audio_features", feature): feature for feature in ECHONEST
    }
    frame = _read_levels(path, 3, wanted, report)
    return None if frame is None else tidy_tracks(frame[["track_id", *ECHONEST]], report)


def _first_rows(path: Path, number: int) -> list[list[str]]:
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
        return [row or [""] for row, _ in zip(csv.reader(file), range(number), strict=False)]


def _read_levels(
    path: Path, levels: int, wanted: dict[tuple[str, ...], str], report: Report
) -> pd.DataFrame | None:
    """Read a CSV file with several rows of column names, and of it the wanted columns."""
    header = _first_rows(path, levels + 1)
    if len(header) <= levels or header[levels][0] != "track_id":
        expected = f"{levels} rows of column names, then a row that begins with track_id"
        begins = " / ".join(",".join(row)[:30] for row in header) or "nothing"
        report.error(None, None, f"a file that begins {begins!r}", expected)
        return None
    places = {name: i for i, name in enumerate(zip(*header[:levels], strict=False))}
    missing = [name for name in wanted if name not in places]
    for name in missing:
        found = f"{counted(len(places) - 1, 'column')} of other names"
        report.error(None, " / ".join(name), found, "this column")
    if missing:
        return None
    with path.open("rb") as file:
        file.seek(-1, 2)
        if file.read() != b"\n":
            report.error(None, None, "a last row that breaks off", _WHOLE)
            return None
    columns = {0: "track_id"} | {places[name]: column for name, column in wanted.items()}
    try:
        frame = pd.read_csv(
            path,
            header=None,
            skiprows=levels + 1,
            usecols=list(columns),
            dtype="str",
            keep_default_na=False,
            na_values=[""],
            encoding="utf-8",
        )
    except UnicodeDecodeError as error:
        found = f"a byte that is not UTF-8 ({error.reason})"
    except pd.errors.EmptyDataError:
        found = "no row of a track"
    except (pd.errors.ParserError, ValueError) as error:
        found = f"a damaged file ({' '.join(str(error).split())[:100]})"
    else:
        return frame.rename(columns=columns)
    report.error(None, None, found, _WHOLE)
    return None


def _genres(path: Path, report: Report) -> dict[int, str] | None:
    if not path.is_file():
        report.error(None, None, "no such file", "genres.csv beside tracks.csv: it names genres")
        return None
    frame = read_frame(path, report)
    if frame is None:
        return None
    missing = [column for column in ("genre_id", "title") if column not in frame]
    for column in missing:
        report.missing(column, frame.columns)
    if missing:
        return None
    titles: dict[int, str] = {}
    for row, (number, title) in enumerate(zip(frame["genre_id"], frame["title"], strict=True)):
        if not (isinstance(number, str) and number.isdigit()):
            found = short(number if isinstance(number, str) else None)
            report.error(row, "genre_id", found, "a number")
        elif not isinstance(title, str):
            report.error(row, "title", "nothing", "the name of the genre")
        else:
            titles[int(number)] = title
    return titles


def _titles(cells: pd.Series, titles: dict[int, str], report: Report) -> pd.Series:
    """Turn texts such as "[21, 45]" into names; unknown numbers are dropped and counted."""
    unnamed: dict[int, int] = {}
    lists: list[list[str]] = []
    for row, cell in enumerate(cells):
        try:
            numbers = json.loads(cell) if isinstance(cell, str) else []
            if not isinstance(numbers, list) or not all(type(n) is int for n in numbers):
                raise ValueError(cell)
        except ValueError:  # what json raises, too
            report.error(row, "genres_all", short(cell), "a list of numbers such as [21, 45]")
            numbers = []
        for number in numbers:
            if number not in titles:
                unnamed.setdefault(number, row)
        lists.append([titles[number] for number in numbers if number in titles])
    for number, row in unnamed.items():
        report.warning(row, "genres_all", f"{number}, dropped", "numbers from genres.csv")
    return pd.Series(lists, index=cells.index, dtype=object)


def _recordings(tables: Path, folder: Path) -> tuple[Path, dict[str, str]]:
    """Return a folder, and in it the path of each recording by track id."""
    for base in dict.fromkeys((tables, tables.parent, folder.parent)):
        found: dict[str, str] = {}
        for name in AUDIO:
            for path in sorted((base / name).glob("[0-9][0-9][0-9]/[0-9]*.mp3")):
                if len(path.stem) == 6 and path.stem.isdigit():
                    found.setdefault(str(int(path.stem)), path.relative_to(base).as_posix())
        if found:
            return base, found
    return tables, {}
