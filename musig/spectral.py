r"""Spectral coordinates of tracks: where a track lies on the graph of playlists and tracks.

Playlists and tracks are the two sides of a graph; its normalised incidence matrix
:math:`N = L^{-1/4} R D^{-1/4}` (R: who holds what; L: lengths of playlists; D: playlists a track
is in) has singular vectors that are the graph's slow and fast vibrations, large singular values
being the slow ones. A *low-pass filter* keeps what neighbours agree on and damps the rest:

.. math::  h(\sigma) = \sigma^2 / (\sigma^2 + \sigma_m^2)

which is what infinitely many rounds of averaging over neighbours with a pull back to the start
arrive at (Tikhonov's filter of graph signal processing). GF-CF (Shen et al., CIKM 2021) showed that
such filters explain much of what graph networks do for recommendation; EASE^R (Steck 2019), which
is among our baselines, is such a filter with all frequencies and its diagonal removed.

Conventions
-----------
Tracks are positions in the universe; only the playlists that are given are looked at. Rows of
coordinates are float32. A track that is in none of these playlists lies at zero.

Contents
--------
- :class:`Spectrum`: coordinates and singular values; :func:`spectrum` computes them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from musig.catalog import Playlists

QUARTER = -0.25
"""Power of lengths and counts in the normalisation: half of the usual one, so that popular tracks
still count for more. Chosen on validation playlists."""
ROUNDS = 5
"""Of the randomised decomposition: with fewer, the last coordinates are blurred."""


@dataclass(frozen=True, eq=False)
class Spectrum:
    """What :func:`spectrum` found."""

    vectors: np.ndarray
    """float32, shape (n_tracks, d): orthonormal columns, slowest vibration first."""
    values: np.ndarray
    """float32, shape (d,): singular values, largest first, > 0."""
    counts: np.ndarray
    """int64, shape (n_tracks,): playlists that hold each track."""

    def low_pass(self, half_at: int) -> np.ndarray:
        """Answer of the filter to each vibration, in (0, 1): half at the `half_at`-th.

        Parameters
        ----------
        half_at : int, > 0
            At most the number of coordinates; the last one stands for more.

        Returns
        -------
        ndarray of float32, shape (d,)
        """
        squares = self.values**2
        return squares / (squares + squares[min(half_at, len(squares)) - 1])


def spectrum(playlists: Playlists, n_tracks: int, dimension: int, seed: int = 0) -> Spectrum:
    """Find the slowest vibrations of the graph of playlists and tracks.

    Parameters
    ----------
    playlists : Playlists
        Those to learn from.
    n_tracks : int
        Size of the universe.
    dimension : int, > 0
        How many; fewer where the graph has fewer.
    seed : int, >= 0
        Of the randomised decomposition.

    Returns
    -------
    Spectrum

    Notes
    -----
    scikit-learn's ``randomized_svd`` (Halko, Martinsson, Tropp, SIAM Review 53(2), 2011): memory
    and time grow with ``(n_playlists + n_tracks) * dimension`` and not with their product.

    Notebook: 07_methods

    Examples
    --------
    Two groups of tracks that never meet make two equally slow vibrations:

    >>> found = spectrum(Playlists.from_lists([[0, 1], [0, 1], [2, 3], [2, 3]]), 4, dimension=2)
    >>> found.values.round(3).tolist(), found.low_pass(2).tolist()
    ([1.4140000343322754, 1.4140000343322754], [0.5, 0.5])
    """
    from sklearn.utils.extmath import randomized_svd

    ones = np.ones(len(playlists.tracks), dtype=np.float32)
    shape = (len(playlists), n_tracks)
    incidence = sparse.csr_array((ones, playlists.tracks, playlists.indptr), shape=shape)
    counts, lengths = playlists.counts(n_tracks), playlists.lengths
    left, right = (
        sparse.diags_array(np.maximum(each, 1).astype(np.float32) ** QUARTER)
        for each in (lengths, counts)
    )
    kept = max(1, min(dimension, min(shape) - 1))
    _, values, vectors = randomized_svd(
        (left @ incidence @ right).tocsr(), kept, n_iter=ROUNDS, random_state=seed
    )
    found = values > 1e-4 * values[0]  # the others are noise of the arithmetic
    return Spectrum(
        np.ascontiguousarray(vectors[found].T, dtype=np.float32),
        values[found].astype(np.float32),
        counts,
    )
