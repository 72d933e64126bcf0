r"""Track2Vec: word2vec, with playlists for sentences and tracks for words.

One of the baselines of the paper (Saravanou et al., ISMIR 2021). Barkan, Koenigstein: Item2Vec:
Neural Item Embedding for Collaborative Filtering, MLSP 2016, is the same idea.

Conventions
-----------
Tracks are positions in the universe. Only training playlists are read.

Contents
--------
Track2Vec; joined, which puts attributes beside vectors.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import inf
from typing import ClassVar, Self

import numpy as np
import torch
from torch import Tensor

from musig.catalog import Catalog, Playlists
from musig.errors import MusigError, nearest
from musig.features import GROUPS, fit_attributes
from musig.scorers import EmbeddingScorer
from musig.skipgram import SkipGram, skipgram
from musig.splits import Split

ORDERS = ("kept", "shuffled")
POPULARITIES = ("train_count", "external")


class Track2Vec:
    """Complete a playlist with the tracks whose word2vec vectors are nearest to its seeds'.

    Parameters
    ----------
    order : {"kept", "shuffled"}
        Of the tracks in a playlist, as word2vec reads it. Shuffled anew in every epoch.
    dimension, window, epochs, negative, ns_exponent, sample, alpha
        See :class:`musig.skipgram.SkipGram`.
    groups : sequence of {"GENRE", "POPULARITY", "AUDIO", "ACOUSTIC"}
        Attributes aggregated with the vectors; none by default.
    popularity : {"train_count", "external"}
        What POPULARITY is: see :func:`musig.features.fit_attributes`.
    attributes : ndarray of float, shape (n_tracks, d), optional
        Taken instead of groups, as they are: a control, of one row a track of the universe.
    content_weight : float >= 0
        Of the attributes against the vector: 0 is Track2Vec without content.
    seed : int >= 0

    Notes
    -----
    The score is the cosine of a candidate with the mean of the seeds' vectors of length 1
    (:class:`musig.scorers.EmbeddingScorer`). The paper aggregates content with the vector and
    does not say how in what we have; ours is :func:`joined`.

    Notebook: 07_methods

    Examples
    --------
    >>> import pandas as pd
    >>> playlists = Playlists.from_lists([[0, 1, 2, 3], [4, 5, 6, 7]] * 50)
    >>> catalog = Catalog(pd.DataFrame(index=list("abcdefghi")), playlists, "tiny")
    >>> split = Split(np.arange(100), np.array([], int), np.array([], int), seed=0, name="all")
    >>> method = Track2Vec(dimension=8, epochs=5).fit(catalog, split)
    >>> scores = method.score(Playlists.from_lists([[0]]))[0]
    >>> sorted(scores.topk(4).indices.tolist()), scores[8].item(), method.size
    ([0, 1, 2, 3], 0.0, 72)
    """

    name = "track2vec"
    cannot: ClassVar[str] = "Track2Vec cannot embed a track that is in no training playlist."

    def __init__(
        self,
        order: str = "shuffled",
        dimension: int = 32,
        window: int | None = 3,
        epochs: int = 40,
        negative: int = 5,
        ns_exponent: float = -0.5,
        sample: float = 0.0,
        alpha: float = 0.1,
        groups: Sequence[str] = (),
        popularity: str = "train_count",
        attributes: np.ndarray | None = None,
        content_weight: float = 1.0,
        seed: int = 0,
    ) -> None:
        for option, value, valid in (
            ("order", order, ORDERS),
            ("popularity", popularity, POPULARITIES),
            *(("groups", group, GROUPS) for group in groups),
        ):
            if value not in valid:
                raise MusigError(f"Parameter {option} has '{value}'; {nearest(value, valid)}")
        if groups and attributes is not None:
            raise MusigError(
                f"Both groups ({', '.join(groups)}) and attributes were given; expected only one"
                " of them."
            )
        if not 0 <= content_weight < inf:
            raise MusigError(
                f"Parameter content_weight is {content_weight}; expected a number, 0 or more."
            )
        if seed < 0:
            raise MusigError(f"Parameter seed is {seed}; expected a whole number, 0 or more.")
        self.settings = SkipGram(dimension, window, epochs, negative, ns_exponent, sample, alpha)
        self.order = order
        self.groups = tuple(groups)
        self.popularity = popularity
        self.attributes = attributes
        self.content_weight = content_weight
        self.seed = seed

    def fit(self, catalog: Catalog, split: Split) -> Self:
        """Train on the training playlists; put the attributes, if any, beside the vectors."""
        n_tracks = len(catalog.tracks)
        train = catalog.playlists.subset(split.train)
        attributes = self._attributes(catalog, train)

        def sentences(epoch: int) -> Iterator[np.ndarray]:
            generator = np.random.default_rng([self.seed, epoch])
            for tracks in np.split(train.tracks, train.indptr[1:-1]):
                yield tracks if self.order == "kept" else generator.permutation(tracks)

        vectors = skipgram(sentences, n_tracks, self.settings, seed=self.seed)
        if attributes is not None:
            vectors = joined(vectors, attributes, self.content_weight)
        self.scorer = EmbeddingScorer(self.name, vectors)
        return self

    def score(self, seeds: Playlists, candidates: np.ndarray | None = None) -> Tensor:
        """Cosine with the mean of the seeds: float32, (n_playlists, n_candidates)."""
        return self.scorer.score(seeds, candidates)

    @property
    def size(self) -> int:
        """Numbers kept: a vector a track, with its attributes."""
        return self.scorer.unit.numel()

    def _attributes(self, catalog: Catalog, train: Playlists) -> np.ndarray | None:
        """Make what goes beside the vectors, before anything is trained."""
        n_tracks = len(catalog.tracks)
        if self.groups:
            return fit_attributes(
                catalog.tracks,
                self.groups,
                popularity=self.popularity,
                train_count=train.counts(n_tracks),
            ).x
        if self.attributes is not None and len(self.attributes) != n_tracks:
            raise MusigError(
                f"attributes has {len(self.attributes)} rows; expected one for each of the"
                f" {n_tracks} tracks of the universe."
            )
        return self.attributes


def joined(vectors: np.ndarray, attributes: np.ndarray, weight: float) -> np.ndarray:
    r"""Put attributes beside vectors so that the cosine is the weighted mean of both cosines.

    Parameters
    ----------
    vectors : ndarray of float32, shape (n, dimension)
    attributes : ndarray of float, shape (n, d)
    weight : float >= 0
        Of the attributes against the vectors.

    Returns
    -------
    ndarray of float32, shape (n, dimension + d)
        :math:`[v / |v|, \sqrt{w} \, a / |a|]`, of which the cosine is
        :math:`(\cos(v, v') + w \cos(a, a')) / (1 + w)`; with a weight of 0 `vectors` itself.

    Notes
    -----
    A row that is zero on one side is compared by the other alone.

    Notebook: 08_attribute_groups

    Examples
    --------
    >>> both = joined(np.array([[2.0, 0.0], [0.0, 1.0]]), np.array([[3.0], [4.0]]), weight=3.0)
    >>> EmbeddingScorer("both", both).score(Playlists.from_lists([[0]])).round(decimals=3)
    tensor([[1.0000, 0.7500]])
    """
    if weight == 0:
        return vectors
    v, a = (
        torch.nn.functional.normalize(torch.as_tensor(part, dtype=torch.float32))
        for part in (vectors, attributes)
    )
    return torch.cat([v, weight**0.5 * a], dim=1).numpy()
