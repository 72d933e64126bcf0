"""Tracks and playlists: the one shape in which every data set reaches the rest of the package.

The paper learns from three sources about a track: the playlists it is in, its sound, and its
genre (Saravanou et al., ISMIR 2021). A :class:`Catalog` holds all three, whoever provided them.

Conventions
-----------
- A *track id* is a string and unique. A *position* is the row number of a track in
  ``Catalog.tracks``, or of a playlist in ``Catalog.playlists``; arrays hold positions, not ids.
- Unknown is NaN or None (an empty list for ``genres``), never 0: a popularity of 0 is a value.
- No column of ``tracks`` is derived from playlists, so none can leak a test playlist.

Contents
--------
- :class:`Catalog`: the tracks with their playlists.
- :func:`universe`: the tracks an experiment is about.

The ragged lists are in :mod:`musig.playlists`, what makes a catalogue valid in
:mod:`musig.validation`; their names can be imported from here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from musig.errors import MusigError, counted
from musig.playlists import Playlists, distinct
from musig.validation import FEATURES, Problem, validate

__all__ = ["FEATURES", "Catalog", "Playlists", "Problem", "distinct", "universe", "validate"]


@dataclass(frozen=True, eq=False)
class Catalog:
    """A data set: what is known about each track, and the playlists.

    Examples
    --------
    >>> tracks = pd.DataFrame({"name": ["Träume", "<b>"]}, index=pd.Index(["a", "b"]))
    >>> catalog = Catalog(tracks, Playlists.from_lists([[0, 1], [1]]), name="tiny")
    >>> catalog.restrict(np.array([1])).playlists.tracks.tolist()
    [0, 0]
    """

    tracks: pd.DataFrame
    """A row a track. Index ``track_id`` (str, unique). Columns, each optional: ``name``,
    ``artist``, ``artist_id``, ``album``, ``popularity`` (0-100), ``genres`` (list of str),
    ``main_genre``, the nine :data:`FEATURES`, ``acoustic_0`` to ``acoustic_7``, ``recording``
    (a path in the folder of :attr:`sound`), ``feature_source``."""
    playlists: Playlists
    name: str
    """The name of the data set, or of its folder."""
    notes: tuple[str, ...] = ()
    """What a reader dropped or wondered about, a sentence each."""
    sound: Callable[[], Path] | None = None
    """Gives the folder of the recordings. Called when sound is needed and not before: the embedded
    catalogue renders its sound then. Paths stay relative, so that the fingerprint of the same
    data is the same on every machine."""

    @property
    def n_tracks(self) -> int:
        """Number of tracks."""
        return len(self.tracks)

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 (64 hexadecimal digits) of the contents; the name and the notes do not count.

        Notes
        -----
        Runs and cached results are tied to this. None and an empty list of genres are the same.
        """
        digest = hashlib.sha256()
        for column in ["track_id", *sorted(self.tracks.columns)]:
            values = self.tracks.index if column == "track_id" else self.tracks[column]
            digest.update(column.encode() + b"\0")
            digest.update(_column_bytes(values))
        digest.update(np.ascontiguousarray(self.playlists.indptr, dtype=np.int64).tobytes())
        digest.update(np.ascontiguousarray(self.playlists.tracks, dtype=np.int32).tobytes())
        digest.update(_text_bytes([str(value) for value in self.playlists.ids]))
        digest.update(_text_bytes(self.playlists.names))
        return digest.hexdigest()

    def restrict(self, positions: np.ndarray) -> Catalog:
        """Keep only these tracks.

        Parameters
        ----------
        positions : ndarray of int, shape (m,)
            Positions of the tracks to keep, ascending.

        Returns
        -------
        Catalog
            With m tracks, and *all* playlists, so that playlist positions stay what they were;
            entries of other tracks are gone and a playlist may have become empty.
        """
        positions = np.asarray(positions, dtype=np.int64)
        if np.any(np.diff(positions) <= 0):
            raise MusigError(
                f"The tracks of {self.name} to keep are given out of order or twice: give their "
                "positions ascending and each once, as numpy.unique returns them."
            )
        playlists = self.playlists.restrict(positions, self.n_tracks)
        return replace(self, tracks=self.tracks.iloc[positions], playlists=playlists)

    @property
    def has_sound(self) -> bool:
        """Whether any track has a recording."""
        known = "recording" in self.tracks and self.tracks["recording"].notna().any()
        return self.sound is not None and bool(known)

    def recordings(self) -> pd.Series:
        """Where the recording of each track is.

        Returns
        -------
        Series of str
            Paths by track id, of the tracks that have a recording.

        Raises
        ------
        MusigError
            If no track has one.
        """
        if self.sound is None or not self.has_sound:
            raise MusigError(
                f"{self.name} has no sound: no track has a recording. Use data with recordings, "
                "such as embedded-classroom or a folder of your own music."
            )
        folder = self.sound()
        return self.tracks["recording"].dropna().map(lambda path: str(folder / path))


def universe(catalog: Catalog, train: np.ndarray, min_playlists: int) -> np.ndarray:
    """Return the tracks an experiment is about: those in enough *training* playlists.

    Parameters
    ----------
    catalog : Catalog
    train : ndarray of int, shape (m,)
        Positions of the training playlists.
    min_playlists : int, >= 0
        In how many of them a track must be.

    Returns
    -------
    ndarray of int64
        Ascending positions of tracks.

    Raises
    ------
    MusigError
        If no track is in so many training playlists.

    Notes
    -----
    Counted over training playlists only, and the same for every method compared.
    Notebook: 01_catalog

    Examples
    --------
    >>> tracks = pd.DataFrame(index=pd.Index(["a", "b", "c"]))
    >>> catalog = Catalog(tracks, Playlists.from_lists([[0, 1], [1, 2], [2]]), name="tiny")
    >>> universe(catalog, train=np.array([0, 1]), min_playlists=2)
    array([1])
    """
    counts = catalog.playlists.subset(train).counts(catalog.n_tracks)
    kept = np.flatnonzero(counts >= min_playlists)
    if len(kept) == 0:
        raise MusigError(
            f"No track of {catalog.name} is in at least {min_playlists} of the "
            f"{counted(len(train), 'training playlist')} (at best {counts.max(initial=0)}): lower "
            "min_playlists."
        )
    return kept


def _column_bytes(values: pd.Series | pd.Index) -> bytes:
    if values.name == "genres":
        return _text_bytes(["" if tags is None else "\x1f".join(tags) for tags in values])
    if pd.api.types.is_numeric_dtype(values.dtype):
        numbers = values.to_numpy(dtype=np.float64)
        return np.where(np.isnan(numbers), np.nan, numbers).tobytes()  # one NaN, not many
    return _text_bytes(values)


def _text_bytes(values: pd.Series | pd.Index | np.ndarray | list[str]) -> bytes:
    """Lengths and characters of all texts; no text is the same as None."""
    texts = pa.array(values, type=pa.large_string(), from_pandas=True)
    texts = texts.combine_chunks() if isinstance(texts, pa.ChunkedArray) else texts
    texts = texts.fill_null("\x00")
    if len(texts) == 0:
        return b""
    ends = np.frombuffer(texts.buffers()[1], dtype=np.int64)
    ends = ends[texts.offset : texts.offset + len(texts) + 1]
    characters = texts.buffers()[2]
    return (ends - ends[0]).tobytes() + (characters[ends[0] : ends[-1]] if characters else b"")
