"""Node2Vec: word2vec, with random walks over the music graph for sentences.

One of the baselines of the paper (Saravanou et al., ISMIR 2021): structure without content. Grover,
Leskovec: node2vec: Scalable Feature Learning for Networks, KDD 2016.

Conventions
-----------
Tracks are positions in the universe. The graph is that of the training playlists.

Contents
--------
Node2Vec.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, Self

import numpy as np
from torch import Tensor

from musig.alias import build_alias
from musig.catalog import Catalog, Playlists
from musig.errors import MusigError
from musig.graph import music_graph, to_csr
from musig.scorers import EmbeddingScorer
from musig.skipgram import SkipGram, skipgram
from musig.splits import Split
from musig.walks import check_walk, walk_blocks


class Node2Vec:
    """Complete a playlist with the tracks whose node2vec vectors are nearest to its seeds'.

    Parameters
    ----------
    min_weight : int >= 0
        Edges of this weight or less are dropped (:func:`musig.graph.music_graph`).
    p, q : float > 0
        Reluctance to turn back, and to go away (:mod:`musig.walks`).
    walks : int >= 1
        Walks from each track. Each round of them is walked anew and is one epoch of the skip-gram
        model: 10 rounds once are 10 walks a track, read once.
    length : int >= 2
        Tracks in a walk.
    dimension, window, negative, ns_exponent, sample, alpha
        See :class:`musig.skipgram.SkipGram`.
    seed : int >= 0

    Notes
    -----
    The score is the cosine of a candidate with the mean of the seeds' vectors of length 1
    (:class:`musig.scorers.EmbeddingScorer`). A track without an edge has a zero vector.

    Notebook: 07_methods

    Examples
    --------
    >>> import pandas as pd
    >>> playlists = Playlists.from_lists([[0, 1, 2], [3, 4]])
    >>> catalog = Catalog(pd.DataFrame(index=list("abcdef")), playlists, "tiny")
    >>> split = Split(np.arange(2), np.array([], int), np.array([], int), seed=0, name="all")
    >>> method = Node2Vec(0, walks=100, length=8, dimension=8, alpha=0.1).fit(catalog, split)
    >>> scores = method.score(Playlists.from_lists([[3]]))[0]
    >>> scores.argsort(descending=True)[:2].tolist(), scores[5].item()
    ([3, 4], 0.0)
    """

    name = "node2vec"
    cannot: ClassVar[str] = (
        "Node2Vec cannot embed a track without an edge in the graph of the training playlists."
    )

    def __init__(
        self,
        min_weight: int = 0,
        p: float = 1.0,
        q: float = 1.0,
        walks: int = 40,
        length: int = 40,
        dimension: int = 32,
        window: int | None = 2,
        negative: int = 3,
        ns_exponent: float = 0.0,
        sample: float = 0.0,
        alpha: float = 0.1,
        seed: int = 0,
    ) -> None:
        if min_weight < 0:
            raise MusigError(
                f"Parameter min_weight is {min_weight}; expected a number of playlists, 0 or more."
            )
        if walks < 1:
            raise MusigError(
                f"Parameter walks is {walks}; expected the walks from each track, at least 1."
            )
        check_walk(length, p, q)
        if length < 2:
            raise MusigError(f"Parameter length is {length}; expected at least 2 tracks in a walk.")
        if seed < 0:
            raise MusigError(f"Parameter seed is {seed}; expected a whole number, 0 or more.")
        self.settings = SkipGram(dimension, window, walks, negative, ns_exponent, sample, alpha)
        self.min_weight = min_weight
        self.p = p
        self.q = q
        self.length = length
        self.seed = seed

    def fit(self, catalog: Catalog, split: Split) -> Self:
        """Make the graph of the training playlists, walk, and train on the walks."""
        n_tracks = len(catalog.tracks)
        train = catalog.playlists.subset(split.train)
        csr = to_csr(music_graph(train, n_tracks, self.min_weight))
        alias = build_alias(csr)

        def sentences(epoch: int) -> Iterator[np.ndarray]:
            generator = np.random.default_rng([self.seed, epoch])
            for block in walk_blocks(csr, alias, self.length, generator, p=self.p, q=self.q):
                yield from block  # no walk ends early: both directions of an edge are there

        vectors = skipgram(sentences, n_tracks, self.settings, seed=self.seed)
        self.scorer = EmbeddingScorer(self.name, vectors)
        return self

    def score(self, seeds: Playlists, candidates: np.ndarray | None = None) -> Tensor:
        """Cosine with the mean of the seeds: float32, (n_playlists, n_candidates)."""
        return self.scorer.score(seeds, candidates)

    @property
    def size(self) -> int:
        """Numbers kept: a vector a track."""
        return self.scorer.unit.numel()
