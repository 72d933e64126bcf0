"""Playlists as ragged arrays: the first of the paper's three sources of information.

A million playlists as Python lists would take tens of gigabytes; as two flat arrays they take a
few hundred megabytes, and counting or selecting is one vectorised step.

Conventions
-----------
- ``tracks[indptr[i]:indptr[i + 1]]`` (int32 positions of tracks) is playlist ``i`` in listening
  order, each track once. ``indptr`` is int64 and has one entry more than there are playlists.

Contents
--------
- :class:`Playlists`: the lists, with their ids and names.
- :func:`distinct`: drops repeats of a track within a playlist.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd


@dataclass(frozen=True, eq=False)
class Playlists:
    """Ragged lists of track positions, in listening order, distinct within a playlist.

    Examples
    --------
    >>> playlists = Playlists.from_lists([[0, 2], [2, 1, 2]], names=["calm", "loud"])
    >>> len(playlists), playlists[1].tolist(), playlists.counts(3).tolist()
    (2, [2, 1], [1, 1, 2])
    """

    ids: np.ndarray
    """shape (n,), int64 or object (str), unique: the ids of the data set."""
    names: np.ndarray
    """shape (n,), object: str, or None where unknown."""
    indptr: np.ndarray
    """shape (n + 1,), int64: where each playlist starts in ``tracks``."""
    tracks: np.ndarray
    """shape (n_entries,), int32: positions of tracks."""

    @classmethod
    def from_lists(
        cls,
        lists: Iterable[Sequence[int] | np.ndarray],
        ids: Sequence | np.ndarray | None = None,
        names: Sequence | np.ndarray | None = None,
    ) -> Playlists:
        """Build from one sequence of track positions a playlist; a repeat is dropped.

        Parameters
        ----------
        lists : iterable of int sequences
            Track positions, in listening order. Of a repeated track the first entry stays.
        ids : sequence of int or str, optional
            By default 0, 1, 2, ...
        names : sequence of str or None, optional
            By default all unknown.

        Returns
        -------
        Playlists
        """
        arrays = [np.asarray(entries, dtype=np.int32) for entries in lists]
        lengths = np.array([len(entries) for entries in arrays], dtype=np.int64)
        indptr = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        tracks = np.concatenate([np.empty(0, np.int32), *arrays])
        indptr, tracks, _ = distinct(indptr, tracks)
        n = len(arrays)
        return cls(
            ids=np.arange(n) if ids is None else _id_array(ids),
            names=np.full(n, None, dtype=object) if names is None else _object_array(names),
            indptr=indptr,
            tracks=tracks,
        )

    def __len__(self) -> int:
        return len(self.indptr) - 1

    def __getitem__(self, i: int) -> np.ndarray:
        i = range(len(self))[i]  # understands negative numbers, raises IndexError beyond the end
        return self.tracks[self.indptr[i] : self.indptr[i + 1]]

    @property
    def lengths(self) -> np.ndarray:
        """Number of tracks of each playlist: int64, shape (n,)."""
        return np.diff(self.indptr)

    def subset(self, positions: np.ndarray) -> Playlists:
        """Return the playlists at these positions, in the given order.

        Parameters
        ----------
        positions : ndarray of int, shape (m,)

        Returns
        -------
        Playlists
            Of length m.
        """
        positions = np.asarray(positions, dtype=np.int64)
        lengths = self.lengths[positions]
        indptr = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        # entry j of the result belongs to a playlist whose entries moved by `shift`
        shift = np.repeat(self.indptr[positions] - indptr[:-1], lengths)
        return Playlists(
            ids=self.ids[positions],
            names=self.names[positions],
            indptr=indptr,
            tracks=self.tracks[np.arange(indptr[-1]) + shift],
        )

    def restrict(self, positions: np.ndarray, n_tracks: int) -> Playlists:
        """Keep only entries of these tracks, which are numbered anew.

        Parameters
        ----------
        positions : ndarray of int, shape (m,)
            Old positions of the tracks to keep; entry ``j`` becomes position ``j``.
        n_tracks : int
            Number of tracks there were.

        Returns
        -------
        Playlists
            Of the same length; a playlist may have become empty.
        """
        new = np.full(n_tracks, -1, dtype=np.int32)
        new[positions] = np.arange(len(positions), dtype=np.int32)
        moved = new[self.tracks]
        kept = moved >= 0
        return Playlists(self.ids, self.names, _kept_indptr(self.indptr, kept), moved[kept])

    def counts(self, n_tracks: int) -> np.ndarray:
        """Count the playlists that hold each track: int64, shape (n_tracks,)."""
        return np.bincount(self.tracks, minlength=n_tracks).astype(np.int64)


def distinct(indptr: np.ndarray, tracks: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Drop repeats of a track within a playlist; the first entry stays.

    Parameters
    ----------
    indptr : ndarray of int64, shape (n + 1,)
    tracks : ndarray of int32, shape (n_entries,)

    Returns
    -------
    indptr : ndarray of int64, shape (n + 1,)
    tracks : ndarray of int32
        Without the repeats.
    dropped : ndarray of int64, shape (n,)
        How many entries each playlist lost.

    Notes
    -----
    A co-occurrence counts *distinct* playlists, so a repeat carries nothing.
    Notebook: 01_catalog

    Examples
    --------
    >>> distinct(np.array([0, 3, 4]), np.array([5, 2, 5, 5], dtype=np.int32))
    (array([0, 2, 3]), array([5, 2, 5], dtype=int32), array([1, 0]))
    """
    owner = np.repeat(np.arange(len(indptr) - 1, dtype=np.int64), np.diff(indptr))
    width = int(tracks.max()) + 1 if len(tracks) else 1
    kept = ~pd.Series(owner * width + tracks).duplicated().to_numpy()
    shorter = _kept_indptr(indptr, kept)
    return shorter, tracks[kept], np.diff(indptr) - np.diff(shorter)


def _kept_indptr(indptr: np.ndarray, kept: np.ndarray) -> np.ndarray:
    return np.concatenate([[0], np.cumsum(kept, dtype=np.int64)])[indptr]


def _object_array(values: Sequence | np.ndarray) -> np.ndarray:
    array = np.empty(len(values), dtype=object)
    array[:] = list(values)
    return array


def _id_array(ids: Sequence | np.ndarray) -> np.ndarray:
    array = np.asarray(ids)
    return array.astype(np.int64) if array.dtype.kind in "iu" else _object_array(ids)
