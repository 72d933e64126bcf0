"""Content alone: tracks that are described alike, whatever playlists they are in.

A measuring stick and no method of the paper: what the attributes of a track say without the graph.
If content and structure complement each other, the two together are above each alone.

Conventions
-----------
Tracks are positions in the universe. Training playlists are only counted, for POPULARITY.

Contents
--------
Content.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Self

import numpy as np
from torch import Tensor

from musig.catalog import Catalog, Playlists
from musig.features import fit_attributes, known_groups
from musig.scorers import EmbeddingScorer
from musig.splits import Split


class Content:
    """Complete a playlist with the tracks whose attributes are nearest to the mean of its seeds'.

    Parameters
    ----------
    groups : sequence of {"GENRE", "POPULARITY", "AUDIO", "ACOUSTIC"}
        None: all that are known.
    popularity : {"train_count", "external"}
        See :func:`musig.features.fit_attributes`.

    Notes
    -----
    Attributes are standardised, each group is of the same weight: its columns are divided by the
    root of their number.

    Notebook: 08_attribute_groups

    Examples
    --------
    >>> import pandas as pd
    >>> tracks = pd.DataFrame({"main_genre": ["rock", "pop", "rock"]}, index=list("abc"))
    >>> catalog = Catalog(tracks, Playlists.from_lists([[0]]), "tiny")
    >>> split = Split(np.array([0]), np.array([], int), np.array([], int), seed=0, name="all")
    >>> Content(["GENRE"]).fit(catalog, split).score(Playlists.from_lists([[0]])).round(decimals=3)
    tensor([[1., 0., 1.]])
    """

    name = "content"
    cannot: ClassVar[str] = "Content alone cannot tell apart tracks that are described alike."

    def __init__(self, groups: Sequence[str] = (), popularity: str = "train_count") -> None:
        self.groups = tuple(groups)
        self.popularity = popularity

    def fit(self, catalog: Catalog, split: Split) -> Self:
        """Standardise the attributes of the universe."""
        counts = catalog.playlists.subset(split.train).counts(len(catalog.tracks))
        groups = self.groups or known_groups(catalog.tracks, self.popularity)
        known = fit_attributes(
            catalog.tracks, groups, popularity=self.popularity, train_count=counts
        )
        x = known.x.copy()
        for start, stop in known.groups.values():
            x[:, start:stop] /= np.sqrt(stop - start)
        self.scorer = EmbeddingScorer(self.name, x)
        return self

    def score(self, seeds: Playlists, candidates: np.ndarray | None = None) -> Tensor:
        """Cosine with the mean of the seeds: float32, (n_playlists, n_candidates)."""
        return self.scorer.score(seeds, candidates)

    @property
    def size(self) -> int:
        """Numbers kept: the attributes."""
        return self.scorer.unit.numel()
