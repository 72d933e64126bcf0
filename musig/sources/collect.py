"""Playlists that arrive one by one, gathered into arrays.

The Million Playlist Dataset is 33 GB of JSON and 66 million entries, but only two million
tracks. What is kept here grows with the result: a number an entry, and the text of each track
once (a million playlists take about two gigabytes in all).

Conventions
-----------
Tracks are numbered in the order in which they first appear. Of several texts for one track the
first that is known counts.

Contents
--------
- :class:`Collector`: takes playlists, gives a catalogue.
- :func:`json_problem`: says where a JSON file breaks.
"""

from __future__ import annotations

import gzip
import json
import zlib
from array import array
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd

from musig.catalog import Catalog, Playlists, Problem


class Collector:
    """Takes playlists one by one.

    Parameters
    ----------
    columns : tuple of str
        Columns of text that are known about tracks.

    Examples
    --------
    >>> collector = Collector(("name",))
    >>> tracks = [collector.track("a", ("Air",)), collector.track("b", (None,)), 0]
    >>> collector.playlist(7, "calm", tracks)
    1
    >>> collector.catalog("tiny").playlists[0].tolist()
    [0, 1]
    """

    def __init__(self, columns: tuple[str, ...]) -> None:
        self.columns: dict[str, list[str | None]] = {column: [] for column in columns}
        self.positions: dict[str, int] = {}
        self.incomplete: set[int] = set()
        self.entries = array("i")
        self.indptr = array("q", [0])
        self.ids: dict[int | str, None] = {}  # a dict, because it keeps the order
        self.names: list[str | None] = []
        self._texts: dict[str, str] = {}  # an artist's name is stored once, not once a track

    def known(self, track_id: str) -> int | None:
        """Return the position of a track of which nothing is left to learn, else None."""
        position = self.positions.get(track_id)
        return None if position in self.incomplete else position

    def track(self, track_id: str, texts: tuple[str | None, ...]) -> int:
        """Return the position of a track, which is new or known.

        Parameters
        ----------
        track_id : str
        texts : tuple of str or None
            As many as there are columns; None or an empty text: unknown.

        Returns
        -------
        int
        """
        position = self.positions.get(track_id)
        if position is None:
            position = len(self.positions)
            self.positions[track_id] = position
            for values, text in zip(self.columns.values(), texts, strict=True):
                values.append(self._texts.setdefault(text, text) if text else None)
            if not all(texts):
                self.incomplete.add(position)
        elif position in self.incomplete:
            for values, text in zip(self.columns.values(), texts, strict=True):
                values[position] = values[position] or text or None
            if all(values[position] for values in self.columns.values()):
                self.incomplete.remove(position)
        return position

    def playlist(self, playlist_id: int | str, name: str | None, tracks: Iterable[int]) -> int:
        """Add a playlist and return how many repeats of a track it lost."""
        tracks = list(tracks)
        kept = dict.fromkeys(tracks)
        self.ids[playlist_id] = None
        self.names.append(name or None)
        self.entries.extend(kept)
        self.indptr.append(len(self.entries))
        return len(tracks) - len(kept)

    def catalog(self, name: str) -> Catalog:
        """Return what was gathered; columns in which nothing is known are left out."""
        index = pd.Index(list(self.positions), name="track_id", dtype="str")
        tracks = pd.DataFrame(index=index)
        for column, values in self.columns.items():
            if any(values):
                tracks[column] = pd.array(values, dtype="str")
        ids = list(self.ids)
        whole = all(isinstance(value, int) for value in ids)
        id_array = np.array(ids if whole else [str(value) for value in ids], dtype=object)
        names = np.empty(len(self.names), dtype=object)
        names[:] = self.names
        playlists = Playlists(
            ids=id_array.astype(np.int64) if whole else id_array,
            names=names,
            indptr=np.array(self.indptr, dtype=np.int64),
            tracks=np.array(self.entries, dtype=np.int32),
        )
        return Catalog(tracks, playlists, name)


def json_problem(path: Path) -> Problem:
    """Say where and how a JSON file (or a gzip file of JSON) breaks.

    Parameters
    ----------
    path : Path
        A file in which a streaming reader has found an error.

    Returns
    -------
    Problem
        With line and column.

    Notes
    -----
    The streaming reader knows only which block of the file it was in; reading the one broken
    file again as a whole gives the place.
    Notebook: 01_catalog
    """
    expected = "the whole file, as it was published: copy or download it again"
    try:
        opener = gzip.open if path.suffix == ".gz" else open
        with opener(path, "rb") as file:
            raw = file.read()
    except (gzip.BadGzipFile, zlib.error, EOFError) as error:
        found = "text or another format where a gzip file should be"
        if isinstance(error, EOFError):
            found = "a gzip file that breaks off before its end"
        elif path.read_bytes()[:2] == b"\x1f\x8b":
            found = f"a damaged gzip file ({error})"
        return Problem("error", path.name, None, None, found, expected)
    try:
        text = raw.decode()
        json.loads(text)
    except UnicodeDecodeError as error:
        found = f"a byte that is not UTF-8 (byte {error.start:,} of {len(raw):,})"
        return Problem("error", path.name, None, None, found, expected)
    except json.JSONDecodeError as error:
        place = f"line {error.lineno:,}, column {error.colno:,}"
        place += f" (character {error.pos:,} of {len(text):,})"
        # a text that is cut off in the middle of a string "ends" where the string begins
        if not text.strip():
            found = "an empty file"
        elif error.msg.startswith("Unterminated") or error.pos >= len(text.rstrip()):
            found = "JSON that breaks off here: the end of the file is missing"
        else:
            found = f"{text[error.pos : error.pos + 20]!r}, which is not JSON ({error.msg})"
        return Problem("error", path.name, place, None, found, expected)
    return Problem("error", path.name, None, None, "JSON that cannot be streamed", expected)
