r"""Item neighbours: tracks that share playlists with the seeds.

Sarwar, Karypis, Konstan, Riedl: Item-Based Collaborative Filtering Recommendation Algorithms, WWW
2001; Deshpande and Karypis: Item-Based Top-N Recommendation Algorithms, ACM TOIS 22(1), 2004. The
collaborative filtering of the tables, and with cosine a strong one on playlists.

Conventions
-----------
Tracks are positions in the universe. Only training playlists are counted. Similarities are a scipy
CSR matrix, float32: row j holds what a seed j gives to each other track.

Contents
--------
ItemKNN.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Self

import numba
import numpy as np
import torch
from scipy import sparse
from torch import Tensor

from musig.catalog import Catalog, Playlists
from musig.cooccurrence import cooccurrence
from musig.errors import MusigError
from musig.splits import Split


class ItemKNN:
    r"""Score a track by the sum over the seeds of its similarity to them.

    :math:`s(i) = \sum_{j \in \mathrm{seeds}} c_{ij} / (\sqrt{c_i c_j} + \lambda)` with
    :math:`c_i` the training playlists that hold track i and :math:`c_{ij}` those that hold both:
    the cosine of two columns of the binary playlist-by-track matrix.

    Parameters
    ----------
    neighbours : int >= 1, optional
        Each seed speaks only for that many of its most similar tracks (ties: lower position); by
        default for all.
    shrinkage : float >= 0
        :math:`\lambda`, in playlists: tempers similarities that rest on few of them.

    Notes
    -----
    The options are those tuned by Ferrari Dacrema et al. (RecSys 2019). Neighbours are kept by
    seed, as Deshpande and Karypis do, not by candidate.

    Notebook: 06_playlist_completion

    Examples
    --------
    >>> import pandas as pd
    >>> playlists = Playlists.from_lists([[0, 1], [0, 1], [1, 2]])
    >>> catalog = Catalog(pd.DataFrame(index=["a", "b", "c"]), playlists, "tiny")
    >>> split = Split(np.arange(3), np.array([], int), np.array([], int), seed=0, name="all")
    >>> ItemKNN().fit(catalog, split).score(Playlists.from_lists([[1]])).round(decimals=3)
    tensor([[0.8160, 0.0000, 0.5770]])
    """

    name = "itemknn"

    def __init__(self, neighbours: int | None = None, shrinkage: float = 0.0) -> None:
        if neighbours is not None and neighbours < 1:
            raise MusigError(
                f"Parameter neighbours is {neighbours}; expected at least 1, or None for all."
            )
        if not shrinkage >= 0:
            raise MusigError(
                f"Parameter shrinkage is {shrinkage}; expected a number of playlists, 0 or more."
            )
        self.neighbours = neighbours
        self.shrinkage = shrinkage

    def fit(self, catalog: Catalog, split: Split) -> Self:
        """Compute the similarities of all pairs that share a training playlist."""
        n_tracks = len(catalog.tracks)
        train = catalog.playlists.subset(split.train)
        root = np.sqrt(train.counts(n_tracks))
        indptr, indices, weights = cooccurrence(train.indptr, train.tracks, n_tracks)
        values = weights.astype(np.float32)
        for track in range(n_tracks):  # a row at a time: there are up to n_tracks² pairs
            row = slice(indptr[track], indptr[track + 1])
            values[row] /= root[track] * root[indices[row]] + self.shrinkage
        if self.neighbours is not None:
            kept = _nearest(indptr, values, self.neighbours)
            indptr, indices, values = np.searchsorted(kept, indptr), indices[kept], values[kept]
        self.similarity = sparse.csr_array((values, indices, indptr), shape=(n_tracks, n_tracks))
        return self

    def score(self, seeds: Playlists, candidates: np.ndarray | None = None) -> Tensor:
        """Sum the similarities to the seeds: float32, (n_playlists, n_candidates)."""
        table = self.similarity
        total = np.zeros((len(seeds), table.shape[0]), dtype=np.float32)
        _add_rows(seeds.indptr, seeds.tracks, table.indptr, table.indices, table.data, total)
        scores = torch.from_numpy(total)
        return scores if candidates is None else scores[:, torch.as_tensor(candidates)]


def _nearest(indptr: np.ndarray, values: np.ndarray, neighbours: int) -> np.ndarray:
    """Find the largest values of each row, of equals the first: ascending positions."""
    kept = []
    for begin, end in pairwise(indptr):
        best = np.argsort(-values[begin:end], kind="stable")[:neighbours]
        kept.append(begin + np.sort(best))
    return np.concatenate(kept)


@numba.njit(cache=True, nogil=True)
def _add_rows(
    starts: np.ndarray,
    seeds: np.ndarray,
    indptr: np.ndarray,
    indices: np.ndarray,
    values: np.ndarray,
    total: np.ndarray,
) -> None:
    """Add up the rows of the seeds, densely: scipy's sparse product takes several times as long."""
    for playlist in range(len(starts) - 1):
        out = total[playlist]
        for seed in seeds[starts[playlist] : starts[playlist + 1]]:
            for entry in range(indptr[seed], indptr[seed + 1]):
                out[indices[entry]] += values[entry]
