r"""Playlist neighbours: what stands in the training playlists most like the seeds.

Herlocker, Konstan, Borchers, Riedl: An Algorithmic Framework for Performing Collaborative
Filtering, SIGIR 1999, with playlists for users. One of the strong simple methods of Ferrari Dacrema
et al. (RecSys 2019).

Conventions
-----------
Tracks are positions in the universe. Only training playlists are neighbours.

Contents
--------
UserKNN.
"""

from __future__ import annotations

from typing import ClassVar, Self

import numpy as np
import torch
from scipy import sparse
from torch import Tensor

from musig.baselines.incidence import add_rows, bm25, check, incidence
from musig.catalog import Catalog, Playlists
from musig.errors import MusigError
from musig.splits import Split

BLOCK = 2**26  # similarities at a time: 256 MB


class UserKNN:
    r"""Score a track by the summed similarity of the playlists that hold it to the seeds.

    :math:`s(i) = \sum_{p \in N(S), i \in p} \mathrm{sim}(S, p)^q` over the neighbours
    :math:`N(S)` of the seeds :math:`S`, with
    :math:`\mathrm{sim}(S, p) = |S \cap p| / (\sqrt{|S| |p|} + \lambda)`: the cosine of seeds and
    playlist, as rows of the binary playlist-by-track matrix.

    Parameters
    ----------
    neighbours : int >= 1, optional
        How many playlists are asked, the most similar (ties: lower position); by default all.
    shrinkage : float >= 0
        :math:`\lambda`: tempers the similarity to short playlists.
    weighting : {"cosine", "bm25"}
        Whether tracks count alike, or by BM25: a frequent track says less. Then the similarity
        is the cosine of two rows of the weighted matrix, the seeds being one playlist more.
    power : float > 0
        :math:`q`: the larger, the more the nearest decide (Breese, Heckerman, Kadie: Empirical
        Analysis of Predictive Algorithms for Collaborative Filtering, UAI 1998).

    Notes
    -----
    Nothing is computed before there are seeds: the fitted method is the training playlists.

    Notebook: 07_methods

    Examples
    --------
    >>> import pandas as pd
    >>> playlists = Playlists.from_lists([[0, 1], [0, 1, 2, 3], [2, 3]])
    >>> catalog = Catalog(pd.DataFrame(index=list("abcd")), playlists, "tiny")
    >>> split = Split(np.arange(3), np.array([], int), np.array([], int), seed=0, name="all")
    >>> UserKNN().fit(catalog, split).score(Playlists.from_lists([[0]])).round(decimals=3)
    tensor([[1.2070, 1.2070, 0.5000, 0.5000]])
    """

    name = "userknn"
    cannot: ClassVar[str] = "cannot score a track that stands in no playlist with a seed"

    def __init__(
        self,
        neighbours: int | None = None,
        shrinkage: float = 0.0,
        weighting: str = "cosine",
        power: float = 1.0,
    ) -> None:
        check(neighbours, shrinkage, weighting)
        if not power > 0:
            raise MusigError(f"Parameter power is {power}; expected a number above 0.")
        self.neighbours = neighbours
        self.shrinkage = shrinkage
        self.weighting = weighting
        self.power = power

    @property
    def size(self) -> int:
        """How many numbers are kept: one an entry of a training playlist."""
        return self.members.nnz

    def fit(self, catalog: Catalog, split: Split) -> Self:
        """Keep the training playlists."""
        self.members = incidence(catalog.playlists.subset(split.train), len(catalog.tracks))
        weighted = self.members
        self.weight = np.ones(weighted.shape[1], dtype=np.float32)  # of a seed, by track
        if self.weighting == "bm25":
            weighted = bm25(self.members)
            held = np.log1p(self.members.sum(axis=0))
            self.weight = (np.log(max(1, weighted.shape[0])) - held).astype(np.float32)
        self.norm = np.sqrt((weighted * weighted).sum(axis=1)).astype(np.float32)
        self.holding = sparse.csr_array(weighted.T)  # of each track: its playlists
        return self

    def similarity(self, seeds: Playlists) -> np.ndarray:
        """Compare with all training playlists: float32, (n_playlists, n_training playlists)."""
        similar = np.zeros((len(seeds), self.holding.shape[1]), dtype=np.float32)
        weight = self.weight[seeds.tracks]
        table = self.holding.indptr, self.holding.indices, self.holding.data
        add_rows(seeds.indptr, seeds.tracks, weight, *table, similar)
        row = np.repeat(np.arange(len(seeds)), seeds.lengths)
        length = np.sqrt(np.bincount(row, weight**2, len(seeds))).astype(np.float32)
        below = length[:, None] * self.norm + np.float32(self.shrinkage)
        np.divide(similar, below, out=similar, where=below > 0)
        return similar

    def score(self, seeds: Playlists, candidates: np.ndarray | None = None) -> Tensor:
        """Sum over the nearest playlists: float32, (n_playlists, n_candidates)."""
        n_playlists, n_tracks = self.members.shape
        total = np.zeros((len(seeds), n_tracks), dtype=np.float32)
        table = self.members.indptr, self.members.indices, self.members.data
        step = max(1, BLOCK // max(1, n_playlists))
        for start in range(0, len(seeds), step):
            rows = np.arange(start, min(start + step, len(seeds)))
            near = [_nearest(row, self.neighbours) for row in self.similarity(seeds.subset(rows))]
            starts = np.cumsum([0, *(len(asked) for asked, _ in near)])
            asked, alike = (np.concatenate(part) for part in zip(*near, strict=True))
            add_rows(starts, asked, alike**self.power, *table, total[start:])
        scores = torch.from_numpy(total)
        return scores if candidates is None else scores[:, torch.as_tensor(candidates)]


def _nearest(similar: np.ndarray, neighbours: int | None) -> tuple[np.ndarray, np.ndarray]:
    """Find the largest similarities above 0, of equals the first: ascending positions, values."""
    found = np.flatnonzero(similar > 0)
    if neighbours is not None and len(found) > neighbours:
        values = similar[found]
        least = np.partition(values, -neighbours)[-neighbours]
        above = values > least
        equal = np.flatnonzero(values == least)[: neighbours - int(above.sum())]
        above[equal] = True
        found = found[above]
    return found, similar[found]
