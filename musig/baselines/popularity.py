"""Popularity: everybody gets the most frequent tracks.

The least a method must beat, and the measure of how far popularity alone carries (Cremonesi, Koren,
Turrin: Performance of Recommender Algorithms on Top-N Recommendation Tasks, RecSys 2010).

Conventions
-----------
Tracks are positions in the universe. Only training playlists are counted.

Contents
--------
Popularity.
"""

from __future__ import annotations

from typing import ClassVar, Self

import numpy as np
import torch
from torch import Tensor

from musig.catalog import Catalog, Playlists
from musig.splits import Split


class Popularity:
    """Score a track by the number of training playlists that hold it.

    Notes
    -----
    The same list for all, less the seeds, which the evaluation takes out.

    Notebook: 06_playlist_completion

    Examples
    --------
    >>> import pandas as pd
    >>> playlists = Playlists.from_lists([[0, 1], [1], [0, 1, 2]])
    >>> catalog = Catalog(pd.DataFrame(index=["a", "b", "c"]), playlists, "tiny")
    >>> split = Split(np.array([0, 1]), np.array([], int), np.array([2]), seed=0, name="all")
    >>> Popularity().fit(catalog, split).score(Playlists.from_lists([[0]]))
    tensor([[1., 2., 0.]])
    """

    name = "popularity"
    cannot: ClassVar[str] = "cannot tell one playlist from another"

    @property
    def size(self) -> int:
        """How many numbers are kept: one a track."""
        return len(self.counts)

    def fit(self, catalog: Catalog, split: Split) -> Self:
        """Count the training playlists that hold each track of the universe."""
        counts = catalog.playlists.subset(split.train).counts(len(catalog.tracks))
        self.counts = torch.as_tensor(counts, dtype=torch.float32)
        return self

    def score(self, seeds: Playlists, candidates: np.ndarray | None = None) -> Tensor:
        """Give every playlist the same scores: float32, (n_playlists, n_candidates)."""
        counts = self.counts if candidates is None else self.counts[torch.as_tensor(candidates)]
        return counts.expand(len(seeds), -1)  # a view: no copy a playlist
