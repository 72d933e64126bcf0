"""Drawing many samples at once, with and without replacement.

The embedded catalogue of the paper's size has 6 million entries; they are drawn in a few passes
over arrays, with no loop over playlists in Python and nothing to compile.

Conventions
-----------
Playlists and tracks are row positions, int64. Chances are float64 and sum to 1.

Contents
--------
- :class:`Table`: many rows of chances, drawn from at once
- :func:`fill_distinct`: draw until every playlist has its number of different tracks
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np


class Table:
    """Rows of chances to draw columns from, many rows at once.

    Parameters
    ----------
    chances : ndarray of float64, shape (rows, columns)
        Each row sums to 1.
    """

    def __init__(self, chances: np.ndarray) -> None:
        self.columns = chances.shape[1]
        # Row r occupies (r, r + 1] of one long ascending array: one search serves all rows.
        steps = np.minimum(np.cumsum(chances, axis=1), 1.0) + np.arange(len(chances))[:, None]
        self.steps = steps.ravel()

    def draw(self, rows: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Draw one column (int64) for each of `rows`."""
        rows = rows.astype(np.int64)
        found = np.searchsorted(self.steps, rows + rng.random(len(rows)), side="right")
        return np.clip(found - rows * self.columns, 0, self.columns - 1)  # rounding at a row's end


def fill_distinct(
    lengths: np.ndarray,
    n_tracks: int,
    draw: Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]],
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Draw until every playlist holds its number of different tracks.

    Parameters
    ----------
    lengths : ndarray of int64, shape (m,)
        How many each is to hold; far fewer than the tracks it can draw.
    n_tracks : int
        Number of tracks.
    draw : callable
        Given playlists (int64, repeated as needed), returns a track and a source for each.

    Returns
    -------
    playlist, track : ndarray of int64, shape (n_entries,)
        Sorted by playlist, then track.
    source : ndarray of int8, shape (n_entries,)
        Why each track is there.

    Notes
    -----
    Successive sampling: draws with replacement, repeats ignored, which is sampling without
    replacement in proportion to the weights of what is left. In rounds over all unfinished
    playlists, each round larger than the last, so a long playlist on a narrow theme ends too.
    Notebook: 01_catalog

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> def dice(playlist):
    ...     return rng.integers(0, 6, playlist.size), np.zeros(playlist.size, np.int8)
    >>> playlist, track, _ = fill_distinct(np.array([2, 6]), 6, dice)
    >>> playlist.tolist(), track[2:].tolist()
    ([0, 0, 1, 1, 1, 1, 1, 1], [0, 1, 2, 3, 4, 5])
    """
    m = len(lengths)
    key = np.empty(0, dtype=np.int64)  # playlist · n_tracks + track of each entry so far, sorted
    source = np.empty(0, dtype=np.int8)
    missing, draws_each = lengths, 1.25
    while missing.any():
        playlist = np.repeat(np.arange(m), np.ceil(missing * draws_each).astype(np.int64))
        track, why = draw(playlist)
        # `when` orders what was drawn: entries of earlier rounds, then this one's in order.
        key, when = np.unique(np.concatenate([key, playlist * n_tracks + track]), return_index=True)
        source = np.concatenate([source, why])[when]
        # Too many in a playlist: the first drawn stay. Any other choice would change the chances.
        playlist = key // n_tracks
        by_time = np.lexsort((when, playlist))
        place = np.arange(len(key)) - np.searchsorted(playlist, np.arange(m))[playlist]
        kept = np.sort(by_time[place < lengths[playlist]])
        key, source = key[kept], source[kept]
        missing = lengths - np.bincount(key // n_tracks, minlength=m)
        draws_each *= 2
    return key // n_tracks, key % n_tracks, source
