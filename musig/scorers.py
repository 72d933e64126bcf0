"""What completes playlists: the shape of every method, and the simplest model-based one.

Baselines and models are compared as *scorers*: objects that learn from training playlists and then
give every track a score for a list of seeds. Nothing else is asked of a method.

Conventions
-----------
Scores are float32, shape (n_playlists, n_candidates), higher is better; -inf is for a track never
to be recommended, NaN is refused. Tracks are positions in the universe (a catalogue restricted by
``Catalog.restrict``). Calls are for a block of playlists at a time: the whole table would not fit.

Contents
--------
Scorer, the protocol; EmbeddingScorer, for anything that gives a track a vector; recommend, a list
to look at; checked_scores, for those who rank.
"""

from __future__ import annotations

from typing import Protocol, Self

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from musig.catalog import Catalog, Playlists
from musig.errors import MusigError
from musig.ranking import ranking
from musig.splits import Split


class Scorer(Protocol):
    """What completes playlists: any object with these three, a model or a baseline.

    Notes
    -----
    ``fit`` learns and returns the object itself; ``score`` gives every track a number, a row a
    playlist, and is asked for a block of playlists at a time.

    Notebook: 06_playlist_completion
    """

    name: str

    def fit(self, catalog: Catalog, split: Split) -> Self:
        """Learn from the training playlists of a catalogue restricted to the universe."""
        ...

    def score(self, seeds: Playlists, candidates: np.ndarray | None = None) -> Tensor:
        """Score the candidates (all tracks) for each seed list: float32, (n_playlists, n)."""
        ...


class EmbeddingScorer:
    """Complete a playlist with the tracks nearest to the mean of its seeds.

    Parameters
    ----------
    name : str
        The method's name in tables.
    embeddings : Tensor or ndarray, shape (n_tracks, dimension)
        One vector for each track of the universe. A zero vector is similar to nothing: 0.

    Notes
    -----
    Seeds are scaled to length 1 before the mean, so that none outweighs the others; the score is
    the cosine with the mean.

    Notebook: 06_playlist_completion

    Examples
    --------
    >>> scorer = EmbeddingScorer("plane", np.array([[2.0, 0.0], [0.0, 1.0], [3.0, 3.0]]))
    >>> scorer.score(Playlists.from_lists([[0], [0, 1]])).round(decimals=3)
    tensor([[1.0000, 0.0000, 0.7070],
            [0.7070, 0.7070, 1.0000]])
    """

    def __init__(self, name: str, embeddings: Tensor | np.ndarray) -> None:
        self.name = name
        vectors = torch.as_tensor(embeddings, dtype=torch.float32).detach()
        if not bool(torch.isfinite(vectors).all()):
            raise MusigError(
                f"Some embeddings of '{name}' are not finite; expected numbers only. The training"
                " that made them has probably diverged."
            )
        self.unit = torch.nn.functional.normalize(vectors)  # (n_tracks, dimension)

    def fit(self, catalog: Catalog, split: Split) -> Self:
        """Check that there is one vector a track; there is nothing to learn."""
        if len(catalog.tracks) != len(self.unit):
            raise MusigError(
                f"'{self.name}' has {len(self.unit)} embeddings for {len(catalog.tracks)} tracks of"
                " the universe; expected one for each."
            )
        return self

    def score(self, seeds: Playlists, candidates: np.ndarray | None = None) -> Tensor:
        """Cosine of candidates with the mean seed: float32, (n_playlists, n_candidates)."""
        device = self.unit.device
        total = torch.nn.functional.embedding_bag(  # the sum has the direction of the mean
            torch.as_tensor(seeds.tracks, dtype=torch.long, device=device),
            self.unit,
            torch.as_tensor(seeds.indptr[:-1], device=device),
            mode="sum",
        )
        among = self.unit
        if candidates is not None:
            among = among[torch.as_tensor(candidates, dtype=torch.long, device=device)]
        return torch.nn.functional.normalize(total) @ among.T


def checked_scores(scorer: Scorer, seeds: Playlists, n_tracks: int) -> Tensor:
    """Score all tracks and refuse what has another shape.

    Parameters
    ----------
    scorer : Scorer
        Fitted.
    seeds : Playlists
        A block of seed lists.
    n_tracks : int
        Size of the universe.

    Returns
    -------
    Tensor of float32, shape (n_playlists, n_tracks)

    Raises
    ------
    MusigError
        If the shape is another.

    Notes
    -----
    A score that is NaN is found and refused where it is ranked.

    Notebook: 06_playlist_completion
    """
    scores = scorer.score(seeds)
    if scores.shape != (len(seeds), n_tracks):
        raise MusigError(
            f"Method '{scorer.name}' gave scores of shape {tuple(scores.shape)}; expected"
            f" {(len(seeds), n_tracks)}, a row a playlist and a column a track. Was it fitted on"
            " another universe?"
        )
    return scores


def recommend(scorer: Scorer, seeds: np.ndarray, catalog: Catalog, k: int = 20) -> pd.DataFrame:
    """Complete one playlist and name what is recommended.

    Parameters
    ----------
    scorer : Scorer
        Fitted on this catalogue.
    seeds : ndarray of int, shape (n_seeds,)
        Positions of the tracks to go on from.
    catalog : Catalog
        The universe.
    k : int
        Number of tracks wanted.

    Returns
    -------
    DataFrame
        k rows, best first, or fewer if fewer tracks may be recommended: ``rank`` (from 1),
        ``track_id``, ``name``, ``artist`` (None where unknown), ``score``.

    Raises
    ------
    MusigError
        If there is no seed, a seed is not a track of the universe, or k is below 1.

    Notes
    -----
    Notebook: 06_playlist_completion

    Examples
    --------
    >>> tracks = pd.DataFrame({"name": ["Un", "Deux", "Trois"]}, index=["a", "b", "c"])
    >>> catalog = Catalog(tracks, Playlists.from_lists([]), "tiny")
    >>> scorer = EmbeddingScorer("line", np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]))
    >>> recommend(scorer, np.array([0]), catalog, k=1)["track_id"].tolist()
    ['c']
    """
    n_tracks = len(catalog.tracks)
    seeds = np.asarray(seeds)
    if len(seeds) == 0:
        raise MusigError("No seed track was given; expected at least one to go on from.")
    if seeds.min() < 0 or seeds.max() >= n_tracks:
        raise MusigError(
            f"A seed is at position {seeds[(seeds < 0) | (seeds >= n_tracks)][0]}; expected"
            f" positions from 0 to {n_tracks - 1}, those of the tracks that can be recommended."
        )
    if k < 1:
        raise MusigError(f"Parameter k is {k}; expected the number of tracks wanted, at least 1.")
    playlist = Playlists.from_lists([seeds])
    scores = checked_scores(scorer, playlist, n_tracks)
    nothing = Playlists.from_lists([[]])
    top = ranking(scores, playlist, nothing, k, k, method=scorer.name).top[0]
    best = top[top >= 0].numpy()
    chosen = catalog.tracks.iloc[best]
    return pd.DataFrame(
        {
            "rank": np.arange(1, len(best) + 1),
            "track_id": chosen.index.to_numpy(),
            "name": chosen["name"].to_numpy() if "name" in chosen else None,
            "artist": chosen["artist"].to_numpy() if "artist" in chosen else None,
            "score": scores[0].cpu().numpy()[best],
        }
    )
