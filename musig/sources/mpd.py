"""Slices of the Million Playlist Dataset (MPD), streamed.

MPD is Spotify's release for the RecSys Challenge 2018 (Chen et al. 2018; Zamani et al. 2019): a
million playlists in a thousand files ``mpd.slice.FIRST-LAST.json``, each an object with ``info``
and ``playlists``.

Conventions
-----------
- A track id is what follows ``spotify:track:`` in ``track_uri``; an artist id likewise.
- Required are ``pid`` and ``tracks`` of a playlist and ``track_uri`` of a track; every other
  official field may be missing. Tracks are in the order of ``pos`` where all have one.
- Files are read in the order of their first playlist number, so 2000 comes before 10000.
- A file with an error gives nothing: half a data set is never passed off as a whole one.

Contents
--------
- :func:`slices`: the files of a folder.
- :func:`read`: a catalogue and every problem.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import ijson
import numpy as np
from tqdm import tqdm

from musig.catalog import Catalog, Problem
from musig.errors import counted
from musig.sources.collect import Collector, json_problem
from musig.sources.report import Report, short

_FILE = re.compile(r"mpd\.slice\.(\d+)-(\d+)\.json")

PLAYLIST_FIELDS = frozenset(
    (
        *("name", "description", "collaborative", "pid", "modified_at", "duration_ms", "tracks"),
        *("num_tracks", "num_albums", "num_artists", "num_followers", "num_edits"),
        *("num_samples", "num_holdouts"),  # of the challenge set
    )
)
"""Official fields of a playlist."""

TRACK_FIELDS = frozenset(
    (
        *("pos", "duration_ms", "track_uri", "track_name"),
        *("artist_uri", "artist_name", "album_uri", "album_name"),
    )
)
"""Official fields of a track."""

_TEXTS = ("track_name", "artist_name", "artist_uri", "album_name")
_COLUMNS = ("name", "artist", "artist_id", "album")
_REPORT_EVERY = 1000  # playlists between two steps of the progress bar


def slices(folder: Path) -> list[Path]:
    """List the slices of a folder, by the number of their first playlist.

    Parameters
    ----------
    folder : Path

    Returns
    -------
    list of Path

    Notes
    -----
    Notebook: 01_catalog
    """
    found = []
    for path in folder.iterdir():
        if match := _FILE.fullmatch(path.name):
            found.append((int(match[1]), int(match[2]), path))
    return [path for _, _, path in sorted(found)]


def read(folder: Path) -> tuple[Catalog | None, list[Problem]]:
    """Read all slices of a folder.

    Parameters
    ----------
    folder : Path
        Holds files named ``mpd.slice.FIRST-LAST.json``.

    Returns
    -------
    catalog : Catalog or None
        With ``name``, ``artist``, ``artist_id`` and ``album`` where the slices have them. None if
        there is an error in any file.
    problems : list of Problem
        Of all files.

    Notes
    -----
    Memory is bounded by the result and by one playlist, not by the JSON.
    Notebook: 01_catalog
    """
    paths = slices(folder)
    reader = _Reader()
    size = sum(path.stat().st_size for path in paths)
    # disable=None: no bar where nobody watches
    with tqdm(total=size, desc="slices", unit="B", unit_scale=True, disable=None) as bar:
        for path in paths:
            reader.read(path, bar)
    report = Report(folder.name, reader.problems)
    if reader.repeats:
        found = f"{counted(reader.repeats, 'repeat')} of a track within a playlist, dropped"
        report.warning(None, "tracks", found, "each track once")
    return (None if report.failed() else reader.collector.catalog(folder.name)), reader.problems


class _Reader:
    """The state of reading many files: what was gathered, and what was found wrong."""

    def __init__(self) -> None:
        self.collector = Collector(_COLUMNS)
        self.problems: list[Problem] = []
        self.repeats = 0
        self._unknown: set[str] = set()

    def read(self, path: Path, bar: tqdm) -> None:
        """Read one slice."""
        report = Report(path.name, self.problems)
        with path.open("rb") as file:
            done = 0
            try:
                if wrong := _missing_playlists(file):
                    expected = "an object with a list 'playlists', as every slice has"
                    report.error(None, None, wrong, expected)
                    return
                file.seek(0)
                for number, playlist in enumerate(_stream(file)):
                    self._playlist(report, number, playlist)
                    if number % _REPORT_EVERY == 0:
                        bar.update(file.tell() - done)
                        done = file.tell()
            except (ijson.JSONError, UnicodeDecodeError):
                self.problems.append(json_problem(path))
            bar.update(path.stat().st_size - done)

    def _playlist(self, report: Report, number: int, playlist: Any) -> None:
        place = f"playlist {number + 1}"
        if not isinstance(playlist, dict):
            report.error(place, None, short(playlist), "an object")
            return
        if not playlist.keys() <= PLAYLIST_FIELDS:
            self._unknown_fields(report, place, playlist.keys() - PLAYLIST_FIELDS)
        pid, name, entries = (playlist.get(key) for key in ("pid", "name", "tracks"))
        if type(pid) is not int:
            report.error(place, "pid", short(pid), "a whole number")
        else:
            place += f" (pid {pid})"
            if pid in self.collector.ids:
                report.error(place, "pid", short(pid), "each pid once in all slices")
        if name is not None and not isinstance(name, str):
            report.error(place, "name", short(name), "text, or nothing")
            name = None
        if not isinstance(entries, list):
            report.error(place, "tracks", short(entries), "a list of tracks")
            return
        if not entries:
            report.error(place, "tracks", short(entries), "at least one track")
            return
        announced = playlist.get("num_tracks", len(entries))
        if announced != len(entries):
            found = f"{counted(len(entries), 'track')} where num_tracks says {announced}"
            report.warning(place, "num_tracks", found, "the same number")
        positions = self._tracks(report, place, entries)
        if type(pid) is int:  # else the file has an error and gives nothing
            self.repeats += self.collector.playlist(pid, name, positions)

    def _tracks(self, report: Report, place: str, entries: list) -> list[int]:
        positions, order = [], []
        for number, entry in enumerate(entries):
            if not isinstance(entry, dict):
                report.error(_nth(place, number), None, short(entry), "an object")
                continue
            if not entry.keys() <= TRACK_FIELDS:
                where = _nth(place, number)
                self._unknown_fields(report, where, entry.keys() - TRACK_FIELDS)
            uri = entry.get("track_uri")
            if not isinstance(uri, str) or not uri:
                report.error(
                    _nth(place, number), "track_uri", short(uri), "text such as 'spotify:track:…'"
                )
                continue
            pos = entry.get("pos", number)
            if type(pos) is not int:
                report.error(_nth(place, number), "pos", short(pos), "a whole number")
                continue
            track_id = uri.removeprefix("spotify:track:")
            position = self.collector.known(track_id)
            if position is None:  # else its texts are known, and nine entries in ten end here
                texts = self._texts(report, _nth(place, number), entry)
                position = self.collector.track(track_id, texts)
            positions.append(position)
            order.append(pos)
        if order != sorted(order):  # never so in the official files
            positions = [positions[i] for i in np.argsort(order, kind="stable")]
        return positions

    def _texts(self, report: Report, place: str, entry: dict[str, Any]) -> tuple[str | None, ...]:
        texts: list[str | None] = []
        for field in _TEXTS:
            text = entry.get(field)
            if text is not None and not isinstance(text, str):
                report.error(place, field, short(text), "text, or nothing")
                text = None
            texts.append(text.removeprefix("spotify:artist:") if text else None)
        return tuple(texts)

    def _unknown_fields(self, report: Report, place: str, fields: set[str]) -> None:
        for field in sorted(fields - self._unknown):  # told once for all slices
            self._unknown.add(field)
            found = "a field of an unknown name, which is ignored"
            report.warning(place, field, found, "the official fields of MPD only")


def _nth(place: str, number: int) -> str:
    return f"{place}, track {number + 1}"


def _stream(file: BinaryIO) -> Iterator[Any]:
    return ijson.items(file, "playlists.item", use_float=True)


def _missing_playlists(file: BinaryIO) -> str | None:
    """Say what is there instead of ``{"playlists": [...]}``; None if that is what is there."""
    events = ijson.parse(file)
    _, event, _ = next(events)
    if event != "start_map":
        return "a list" if event == "start_array" else f"a single {event}"
    for prefix, event, value in events:
        if prefix == "" and event == "map_key" and value == "playlists":
            _, event, _ = next(events)
            kind = "an object" if event == "start_map" else event
            return None if event == "start_array" else f"'playlists' of another type ({kind})"
    return "no 'playlists'"
