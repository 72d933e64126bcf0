"""Chance: what is reached by knowing nothing.

Conventions
-----------
Tracks are positions in the universe.

Contents
--------
Random.
"""

from __future__ import annotations

from typing import ClassVar, Self

import numpy as np
import torch
from torch import Tensor

from musig.catalog import Catalog, Playlists
from musig.errors import MusigError
from musig.splits import Split


class Random:
    """Put the tracks in a random order, another for every playlist.

    Parameters
    ----------
    seed : int, >= 0
        With the seed tracks of a playlist, whatever their order, it draws the order.

    Notes
    -----
    Scores are ranks, 0 to n_tracks - 1, which float32 holds exactly up to 16.7 million tracks.

    Notebook: 07_methods

    Examples
    --------
    >>> import pandas as pd
    >>> playlists = Playlists.from_lists([[0, 1]])
    >>> catalog = Catalog(pd.DataFrame(index=["a", "b", "c"]), playlists, "tiny")
    >>> split = Split(np.arange(1), np.array([], int), np.array([], int), seed=0, name="all")
    >>> scores = Random(seed=0).fit(catalog, split).score(Playlists.from_lists([[0, 1], [1, 0]]))
    >>> scores[0].equal(scores[1]), sorted(scores[0].tolist())
    (True, [0.0, 1.0, 2.0])
    """

    name = "random"
    cannot: ClassVar[str] = "cannot learn"

    def __init__(self, seed: int = 0) -> None:
        if seed < 0:
            raise MusigError(f"Parameter seed is {seed}; expected 0 or more.")
        self.seed = seed

    @property
    def size(self) -> int:
        """How many numbers are kept: none."""
        return 0

    def fit(self, catalog: Catalog, split: Split) -> Self:
        """Note how many tracks there are; there is nothing to learn."""
        self.n_tracks = len(catalog.tracks)
        return self

    def score(self, seeds: Playlists, candidates: np.ndarray | None = None) -> Tensor:
        """Draw an order for each playlist: float32, (n_playlists, n_candidates)."""
        scores = np.empty((len(seeds), self.n_tracks), dtype=np.float32)
        for row, out in enumerate(scores):
            entropy = [self.seed, *np.sort(seeds[row]).tolist()]
            out[:] = np.random.default_rng(entropy).permutation(self.n_tracks)
        drawn = torch.from_numpy(scores)
        return drawn if candidates is None else drawn[:, torch.as_tensor(candidates)]
