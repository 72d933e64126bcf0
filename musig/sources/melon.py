"""Melon Playlist Dataset: playlists, genres and mel-spectrograms of 649,091 songs.

Collected by Kakao from Melon, a Korean service (Ferraro et al., "Melon Playlist Dataset: a public
dataset for audio-based playlist generation and music tagging", ICASSP 2021, arXiv 2102.00201).
The one public data set that has both playlists and sound, so the whole paper can be run on it.

Conventions
-----------
- Of the playlists only ``train.json`` is read: in ``val.json`` and ``test.json``, the questions of
  a competition, part of the songs is hidden.
- ``main_genre`` is the name of a song's first genre (``song_gn_gnr_basket``). ``genres`` are the
  detailed ones, written "genre: detail", because a detail such as "'90" is in many genres; the
  detail "all" is the genre itself. A code without a name stays a code.
- Of several artists the first counts, as in Spotify's tables.
- There is no popularity of songs: ``like_cnt`` belongs to a playlist.
- Mel-spectrograms stay in their tars (see :mod:`musig.sources.melon_sound`): ``recording`` is
  ``arena_mel_K.tar:MEMBER``, such as ``arena_mel_3.tar:53/53712.npy``.

Contents
--------
- :func:`read`: a catalogue and every problem.
- :func:`read_mel`: the mel-spectrogram of a recording.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import ijson
import pandas as pd
from tqdm import tqdm

from musig.catalog import Catalog, Problem
from musig.errors import counted
from musig.sources.collect import Collector, json_problem
from musig.sources.melon_sound import members, read_mel, tars
from musig.sources.report import Report, short

__all__ = ["NAMES", "read", "read_mel"]

NAMES = ("train.json", "song_meta.json", "genre_gn_all.json")
"""The files that must be there; the first and the last are no one else's names together."""

ALL = "세부장르전체"
"""Name of the detail "all" of each genre."""

_COLUMNS = ("name", "artist", "artist_id", "album", "main_genre")


def read(folder: Path) -> tuple[Catalog | None, list[Problem]]:
    """Read songs and playlists, streamed, and see which spectrograms are there.

    Parameters
    ----------
    folder : Path
        Holds :data:`NAMES`, and as many ``arena_mel_K.tar`` as there are.

    Returns
    -------
    catalog : Catalog or None
        With every song of ``song_meta.json``. None if there is an error.
    problems : list of Problem
        Empty playlists and repeated songs are dropped and counted.

    Notes
    -----
    Notebook: 03_acoustic_vectors
    """
    folder = Path(folder).resolve()
    problems: list[Problem] = []
    for name in NAMES:
        if not (folder / name).is_file():
            Report(name, problems).error(None, None, "no such file", f"all of {', '.join(NAMES)}")
    if problems:
        return None, problems
    names = _genre_names(folder / NAMES[2], Report(NAMES[2], problems))
    collector = Collector(_COLUMNS)
    genres = _songs(folder / NAMES[1], names, collector, Report(NAMES[1], problems))
    if not any(problem.level == "error" for problem in problems):
        _playlists(folder / NAMES[0], collector, Report(NAMES[0], problems))
    recordings = _recordings(folder, collector.positions, problems)
    if any(problem.level == "error" for problem in problems):
        return None, problems
    catalog = collector.catalog("melon")
    tracks = catalog.tracks.assign(genres=pd.Series(genres, catalog.tracks.index, dtype=object))
    if recordings:
        column = [recordings.get(song) for song in tracks.index]
        tracks["recording"] = pd.array(column, dtype="str")
        catalog = replace(catalog, sound=partial(Path, folder))
    return replace(catalog, tracks=tracks), problems


def _items(path: Path, report: Report) -> Iterator[tuple[str, Any]]:
    """Give the objects of a JSON list with their places; a broken file is told."""
    empty = True
    try:
        with path.open("rb") as file:
            items = ijson.items(file, "item", use_float=True)
            for number, item in enumerate(tqdm(items, desc=path.name, unit="item", disable=None)):
                empty = False
                yield f"item {number + 1}", item
    except (ijson.JSONError, UnicodeDecodeError):
        report.problems.append(json_problem(path))
        return
    if empty:
        report.error(None, None, "no item", "a list of objects")


def _genre_names(path: Path, report: Report) -> dict[str, str]:
    try:
        names = json.loads(path.read_bytes())
    except ValueError:
        report.problems.append(json_problem(path))
        return {}
    if not isinstance(names, dict) or not all(isinstance(name, str) for name in names.values()):
        report.error(None, None, short(names), 'an object such as {"GN0100": "발라드"}')
        return {}
    full = dict(names)
    for code, name in names.items():
        above = code[:4] + "00"
        if above in names and code != above:
            full[code] = names[above] if name == ALL else f"{names[above]}: {name}"
    return full


def _songs(
    path: Path, names: dict[str, str], collector: Collector, report: Report
) -> list[list[str]]:
    """Hand all songs to the collector; return the genres of each."""
    genres = []
    unnamed: dict[str, int] = {}
    for where, song in _items(path, report):
        if not isinstance(song, dict) or type(song.get("id")) is not int:
            report.error(where, "id", short(song), "an object with 'id', a whole number")
            continue
        if str(song["id"]) in collector.positions:
            report.error(where, "id", str(song["id"]), "each song once")
            continue
        lists = {}
        for key, kind in (
            ("artist_id_basket", int),
            ("artist_name_basket", str),
            ("song_gn_gnr_basket", str),
            ("song_gn_dtl_gnr_basket", str),
        ):
            values = song.get(key) or []
            if not isinstance(values, list) or not all(isinstance(v, kind) for v in values):
                word = "numbers" if kind is int else "texts"
                report.error(where, key, short(values), f"a list of {word}, or nothing")
                values = []
            lists[key] = values
        for key in ("song_name", "album_name"):
            if not isinstance(song.get(key), str | None):
                report.error(where, key, short(song[key]), "a text, or nothing")
                song[key] = None
        codes = lists["song_gn_gnr_basket"]
        detailed = lists["song_gn_dtl_gnr_basket"]
        for code in (*codes, *detailed):
            if code not in names:
                unnamed[code] = unnamed.get(code, 0) + 1
        first = {key: values[0] if values else None for key, values in lists.items()}
        artist_id, code = first["artist_id_basket"], first["song_gn_gnr_basket"]
        texts = (
            song.get("song_name"),
            first["artist_name_basket"],
            None if artist_id is None else str(artist_id),
            song.get("album_name"),
            None if code is None else names.get(code, code),
        )
        collector.track(str(song["id"]), texts)
        genres.append(list(dict.fromkeys(names.get(code, code) for code in detailed or codes)))
    for code, count in unnamed.items():
        found = f"{code!r} of {counted(count, 'song')}, kept as a code"
        report.warning(None, "song_gn_gnr_basket", found, "codes from genre_gn_all.json")
    return genres


def _playlists(path: Path, collector: Collector, report: Report) -> None:
    repeats = empty = 0
    for where, item in _items(path, report):
        if not isinstance(item, dict) or type(item.get("id")) is not int:
            report.error(where, "id", short(item), "an object with 'id', a whole number")
            continue
        if item["id"] in collector.ids:
            report.error(where, "id", str(item["id"]), "each playlist once")
            continue
        songs = item.get("songs")
        if not isinstance(songs, list) or not all(type(song) is int for song in songs):
            report.error(where, "songs", short(songs), "a list of whole numbers")
            continue
        positions = [collector.positions.get(str(song), -1) for song in songs]
        if -1 in positions:
            found = str(songs[positions.index(-1)])
            report.error(where, "songs", found, "ids from song_meta.json")
        elif positions:
            title = item.get("plylst_title")
            named = title if isinstance(title, str) else None
            repeats += collector.playlist(item["id"], named, positions)
        else:
            empty += 1
    for number, noun, which in (
        (repeats, "repeat", " of a song within a playlist"),
        (empty, "empty playlist", ""),
    ):
        if number:
            report.warning(None, None, f"{counted(number, noun)}{which}, dropped", "none")


def _recordings(folder: Path, songs: dict[str, int], problems: list[Problem]) -> dict[str, str]:
    """Return the recording of each song, by its id."""
    found: dict[str, str] = {}
    unknown = twice = 0
    paths = tars(folder)
    for path in tqdm(paths, desc="tars", unit="tar", disable=None):
        report = Report(path.name, problems)
        table = members(path, report)
        if table is None:
            continue
        for name in table:
            song = Path(name).stem
            unknown += song not in songs
            twice += song in found
            if song in songs:
                found.setdefault(song, f"{path.name}:{name}")
    report = Report("arena_mel_*.tar", problems)
    without = len(songs) - len(found)
    for number, what, expected in (
        (unknown, "of which song_meta.json knows nothing, dropped", "songs of song_meta.json"),
        (twice, "of a song that has one already, dropped", "one a song"),
    ):
        if number:
            report.warning(None, None, f"{counted(number, 'spectrogram')} {what}", expected)
    if without and paths:
        found_ = f"no spectrogram of {counted(without, 'song')} of {len(songs):,}"
        report.warning(None, None, found_, "one a song, if all 40 files are there")
    elif not paths:
        report.warning(None, None, "no such file", "spectrograms, where sound is wanted")
    return found
