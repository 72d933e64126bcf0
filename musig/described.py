r"""Attributes as they are, of the track and of its neighbours: what an encoder has to beat.

An encoder that is given genre, popularity and sound can tell a listener's genre, popularity and
sound without having learned anything. So beside it stand its inputs: the attributes of the track
itself, and their mean over its neighbours, hop by hop, the same means that the encoder takes and
nothing trained (Frasca et al., SIGN, arXiv 2004.11198, 2020, feed such means to a classifier).

Conventions
-----------
Tracks are positions in the universe. Training playlists are counted, for POPULARITY, and make the
graph.

Contents
--------
Described.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Self

import numpy as np
import torch
from torch import Tensor

from musig.catalog import Catalog, Playlists
from musig.errors import MusigError
from musig.features import Attributes, apply_attributes, fit_attributes, known_groups, mask_group
from musig.graph import music_graph, to_csr
from musig.product import product
from musig.sampling import full_blocks
from musig.scorers import EmbeddingScorer
from musig.splits import Split


class Described:
    """Complete a playlist with the tracks whose attributes, and neighbours', are most alike.

    Parameters
    ----------
    hops : int, >= 0
        How many times attributes are averaged over neighbours; every average is kept beside the
        attributes themselves. 0: the track alone, without the graph.
    groups : sequence of {"GENRE", "POPULARITY", "AUDIO", "ACOUSTIC"}
        None: all that are known.
    popularity : {"train_count", "external"}
        See :func:`musig.features.fit_attributes`.
    min_weight : int, >= 0
        Edges of this weight or less are dropped.

    Raises
    ------
    MusigError
        If `hops` is negative, or as :func:`musig.features.fit_attributes`.

    Notes
    -----
    Each group is of the same weight: its columns are divided by the root of their number. With 0
    hops this is :class:`musig.baselines.content.Content`, which can hide nothing.

    Notebook: 14_generalization

    Examples
    --------
    >>> import pandas as pd
    >>> tracks = pd.DataFrame({"main_genre": ["rock", "pop", None]}, index=list("abc"))
    >>> catalog = Catalog(tracks, Playlists.from_lists([[0, 2]]), "tiny")
    >>> split = Split(np.array([0]), np.array([], int), np.array([], int), seed=0, name="all")
    >>> Described(hops=1, groups=["GENRE"], min_weight=0).fit(catalog, split).view().shape
    torch.Size([3, 6])
    """

    name = "attributes"
    cannot: ClassVar[str] = "Attributes as they are cannot tell apart tracks described alike."

    def __init__(
        self,
        hops: int = 0,
        groups: Sequence[str] = (),
        popularity: str = "train_count",
        min_weight: int = 2,
    ) -> None:
        if hops < 0:
            raise MusigError(f"Parameter hops is {hops}; expected a whole number, 0 or more.")
        self.hops, self.groups, self.popularity = hops, tuple(groups), popularity
        self.min_weight = min_weight

    def fit(self, catalog: Catalog, split: Split) -> Self:
        """Standardise the attributes of the universe; make the graph."""
        train = catalog.playlists.subset(split.train)
        self.counts = train.counts(catalog.n_tracks)
        groups = self.groups or known_groups(catalog.tracks, self.popularity)
        self._set(
            fit_attributes(
                catalog.tracks, groups, popularity=self.popularity, train_count=self.counts
            )
        )
        (block,) = full_blocks(to_csr(music_graph(train, catalog.n_tracks, self.min_weight)), 1)
        self._mean = block.matrix()
        self.scorer = EmbeddingScorer(self.name, self.view())
        return self

    def describe(self, catalog: Catalog) -> Self:
        """Take the attributes from another table of the same tracks; nothing is fitted again."""
        self._set(apply_attributes(catalog.tracks, self._state, self.counts))
        return self

    def _set(self, known: Attributes) -> None:
        self._x, self._ranges, self._state = torch.from_numpy(known.x), known.groups, known.state

    def view(self, hidden: Tensor | None = None, groups: Sequence[str] = ()) -> Tensor:
        """Give the vectors of all tracks, with groups of the tracks `hidden` masked."""
        x = self._x.clone()
        for group in groups:
            if hidden is not None and group in self._ranges:
                x = mask_group(x, self._ranges, group, hidden)
        for start, stop in self._ranges.values():
            x[:, start:stop] /= (stop - start) ** 0.5
        parts = [x]
        for _ in range(self.hops):
            parts.append(product(self._mean, parts[-1]))
        return torch.cat(parts, dim=1)

    def score(self, seeds: Playlists, candidates: np.ndarray | None = None) -> Tensor:
        """Cosine with the mean of the seeds: float32, (n_playlists, n_candidates)."""
        return self.scorer.score(seeds, candidates)

    @property
    def size(self) -> int:
        """Numbers kept: the attributes and their means."""
        return self.scorer.unit.numel()
