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
from typing import ClassVar, Self

import numpy as np
import torch
from scipy import sparse
from torch import Tensor

from musig.baselines.incidence import add_rows, bm25, check, incidence
from musig.catalog import Catalog, Playlists
from musig.cooccurrence import cooccurrence
from musig.errors import MusigError
from musig.splits import Split


class ItemKNN:
    r"""Score a track by the sum over the seeds of its similarity to them.

    :math:`s(i) = \sum_{j \in \mathrm{seeds}} c_{ij} / (c_i^\alpha c_j^{1 - \alpha} + \lambda)` with
    :math:`c_i` the training playlists that hold track i and :math:`c_{ij}` those that hold both:
    with :math:`\alpha = 1/2`, the cosine of two columns of the binary playlist-by-track matrix.

    Parameters
    ----------
    neighbours : int >= 1, optional
        Each seed speaks only for that many of its most similar tracks (ties: lower position); by
        default for all.
    shrinkage : float >= 0
        :math:`\lambda`, in playlists: tempers similarities that rest on few of them.
    weighting : {"cosine", "bm25"}
        Whether playlists count alike, or by BM25: a track of a long playlist says less. Then
        :math:`c_{ij}` is the inner product of two columns of the weighted matrix, and :math:`c_i`
        of one with itself.
    alpha : float in [0, 1]
        How much of the normalisation falls on the candidate: at 0 popular tracks come to the
        front, at 1 rare ones.

    Notes
    -----
    Neighbours and shrinkage are the options tuned by Ferrari Dacrema et al. (RecSys 2019); the
    asymmetric cosine is Aiolli's (RecSys 2013). Neighbours are kept by seed, as Deshpande and
    Karypis do, not by candidate.

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
    cannot: ClassVar[str] = "cannot score a track that shares no training playlist with a seed"

    def __init__(
        self,
        neighbours: int | None = None,
        shrinkage: float = 0.0,
        weighting: str = "cosine",
        alpha: float = 0.5,
    ) -> None:
        check(neighbours, shrinkage, weighting)
        if not 0 <= alpha <= 1:
            raise MusigError(
                f"Parameter alpha is {alpha}; expected a share between 0 and 1, such as 0.5."
            )
        self.neighbours = neighbours
        self.shrinkage = shrinkage
        self.weighting = weighting
        self.alpha = alpha

    @property
    def size(self) -> int:
        """How many numbers are kept: one a pair of tracks that are neighbours."""
        return self.similarity.nnz

    def fit(self, catalog: Catalog, split: Split) -> Self:
        """Compute the similarities of all pairs that share a training playlist."""
        n_tracks = len(catalog.tracks)
        train = catalog.playlists.subset(split.train)
        if self.weighting == "cosine":
            squares = train.counts(n_tracks)
            indptr, indices, weights = cooccurrence(train.indptr, train.tracks, n_tracks)
            values = weights.astype(np.float32)
        else:
            member = bm25(incidence(train, n_tracks))
            gram = sparse.csr_array(member.T @ member)
            gram.sort_indices()
            squares = gram.diagonal()
            gram.setdiag(0)
            gram.eliminate_zeros()
            indptr, indices, values = gram.indptr, gram.indices, gram.data
        of_candidate, of_seed = squares**self.alpha, squares ** (1 - self.alpha)
        for track in range(n_tracks):  # a row at a time: there are up to n_tracks² pairs
            row = slice(indptr[track], indptr[track + 1])
            values[row] /= of_seed[track] * of_candidate[indices[row]] + self.shrinkage
        if self.neighbours is not None:
            kept = _nearest(indptr, values, self.neighbours)
            indptr, indices, values = np.searchsorted(kept, indptr), indices[kept], values[kept]
        self.similarity = sparse.csr_array((values, indices, indptr), shape=(n_tracks, n_tracks))
        return self

    def score(self, seeds: Playlists, candidates: np.ndarray | None = None) -> Tensor:
        """Sum the similarities to the seeds: float32, (n_playlists, n_candidates)."""
        table = self.similarity
        total = np.zeros((len(seeds), table.shape[0]), dtype=np.float32)
        once = np.ones(len(seeds.tracks), dtype=np.float32)
        sparse_rows = table.indptr, table.indices, table.data
        add_rows(seeds.indptr, seeds.tracks, once, *sparse_rows, total)
        scores = torch.from_numpy(total)
        return scores if candidates is None else scores[:, torch.as_tensor(candidates)]


def _nearest(indptr: np.ndarray, values: np.ndarray, neighbours: int) -> np.ndarray:
    """Find the largest values of each row, of equals the first: ascending positions."""
    kept = []
    for begin, end in pairwise(indptr):
        best = np.argsort(-values[begin:end], kind="stable")[:neighbours]
        kept.append(begin + np.sort(best))
    return np.concatenate(kept)
