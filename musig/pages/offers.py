"""Models that complete playlists on a page, and playlists to begin with.

MUSIG beside two of the paper's baselines, and beside itself: trained once more for each of its
three tasks alone, so that a page can take apart what they do together.

Conventions
-----------
*Universe*: the tracks that the models are fitted on. *Shown*: those of them that a page is about,
ascending positions in the universe. Seeds and targets of an example are in shown positions: row i
is track ``shown[i]`` of the universe.

Contents
--------
- :func:`fit`, :class:`Models`: MUSIG, Track2Vec, item-kNN and the models of one task.
- :func:`most_frequent`: which tracks are shown.
- :func:`examples`: playlists to begin with.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from musig import methods
from musig.catalog import Catalog
from musig.completion import holdout
from musig.errors import MusigError
from musig.features import known_groups
from musig.pages.methods import quick
from musig.scorers import Scorer
from musig.splits import Split

TASKS = ("cooccurrence", "similarity", "genre")
"""The paper's three tasks."""
FEWEST, MOST = 3, 10
"""How many seeds are taken."""


@dataclass(frozen=True, eq=False)
class Models:
    """Fitted methods, all on the same training playlists.

    Notes
    -----
    Made by :func:`fit`.

    Notebook: 16_playground
    """

    catalog: Catalog
    """The universe."""
    split: Split
    """Which playlists trained."""
    methods: Mapping[str, Any]
    """``musig``, ``track2vec`` and ``itemknn``: scorers."""
    parts: Mapping[str, Any]
    """MUSIG trained by one task alone, by task; of :data:`TASKS` those that the data can teach."""
    weights: Mapping[str, float]
    """How much each of these tasks counted when MUSIG was trained by all of them."""
    counts: np.ndarray
    """int64, shape (n_tracks,): in how many training playlists each track is."""

    @property
    def scorers(self) -> dict[str, Any]:
        """All of them: the methods, then the parts."""
        return {**self.methods, **self.parts}


def fit(
    catalog: Catalog,
    split: Split,
    *,
    epochs: int,
    embedding_size: int,
    neighbours: int,
    seed: int = 0,
    device: str = "auto",
) -> Models:
    """Fit three methods, and MUSIG once more for each task alone.

    Parameters
    ----------
    catalog : Catalog
        The universe.
    split : Split
        Of its playlists.
    epochs : int, >= 1
        Of each training of MUSIG; Track2Vec makes a tenth as many passes.
    embedding_size : int, >= 2
        Numbers a track.
    neighbours : int, >= 1
        For how many tracks each seed of item-kNN speaks.
    seed : int, >= 0
    device : {"auto", "cpu", "cuda"}

    Returns
    -------
    Models

    Raises
    ------
    MusigError
        If a setting makes no sense, or a training fails.

    Notes
    -----
    Trainings of MUSIG go through the cache. The models of one task differ from MUSIG in their task
    weights only: 1 for one task, 0 for the others. Validation playlists are looked at after the
    last epoch and stop nothing: a model that is to know sound alone should not be chosen by
    playlists.

    Notebook: 16_playground
    """
    quickly = quick(epochs, embedding_size)["musig"] | {"evaluate_every": epochs}
    settings = {**methods.tuned("musig"), **quickly}
    known = known_groups(catalog.tracks, "train_count")
    can = {
        "cooccurrence": True,
        "similarity": "AUDIO" in known or "ACOUSTIC" in known,
        "genre": "GENRE" in known,
    }
    taught = [task for task in TASKS if can[task]]

    def musig(weights: Mapping[str, float]) -> Scorer:
        own = {f"weight_{task}": float(weights.get(task, 0)) for task in TASKS}
        return methods.make("musig", {**settings, **own}, seed=seed, device=device)

    usual = {**methods.settings_of("musig"), **settings}
    weights = {task: float(usual[f"weight_{task}"]) for task in taught}
    passes = {"epochs": max(1, epochs // 10), "dimension": embedding_size}
    track2vec = {**methods.tuned("track2vec"), **passes}
    made = {
        "musig": musig(weights),
        "track2vec": methods.make("track2vec", track2vec, seed=seed),
        "itemknn": methods.make("itemknn", {"neighbours": neighbours}),
    }
    parts = {task: musig({task: 1}) for task in taught}
    train = catalog.playlists.subset(split.train)
    return Models(
        catalog,
        split,
        {name: method.fit(catalog, split) for name, method in made.items()},
        {task: method.fit(catalog, split) for task, method in parts.items()},
        weights,
        train.counts(catalog.n_tracks),
    )


def most_frequent(counts: np.ndarray, at_most: int) -> np.ndarray:
    """Choose the tracks that are shown: those in most training playlists.

    Parameters
    ----------
    counts : ndarray of int, shape (n_tracks,)
    at_most : int, >= 1

    Returns
    -------
    ndarray of int64
        Positions, ascending. Of tracks in equally many playlists the first are taken.

    Notes
    -----
    Notebook: 16_playground

    Examples
    --------
    >>> most_frequent(np.array([5, 9, 5, 7]), 3).tolist()
    [0, 1, 3]
    """
    return np.sort(np.argsort(-np.asarray(counts), kind="stable")[:at_most])


def examples(
    models: Models,
    shown: np.ndarray,
    heard: Sequence[int],
    *,
    seed: int,
    first: int = 0,
    most: int = 12,
) -> list[dict[str, Any]]:
    """Take test playlists to begin with: some tracks as seeds, the rest to be found.

    Parameters
    ----------
    models : Models
    shown : ndarray of int, shape (n_shown,)
    heard : sequence of int
        Shown positions of tracks that can be played. Playlists with many of them among their seeds
        come first.
    seed : int
        Draws the halves.
    first : int
        Which of them comes first, counted round.
    most : int
        How many at most.

    Returns
    -------
    list of dict
        ``name``, ``seeds`` (ten if there are so many, at least three) and ``targets``.

    Raises
    ------
    MusigError
        If no test playlist has three seeds among the shown tracks.

    Notes
    -----
    Notebook: 16_playground
    """
    held = holdout(models.catalog, shown, models.split.test, seed)
    lengths = np.minimum(held.seeds.lengths, MOST)
    rows = np.flatnonzero(lengths == max(FEWEST, lengths.max(initial=0)))
    if len(rows) == 0:
        raise MusigError(
            f"No test playlist of {models.catalog.name} has {FEWEST} seeds among the"
            f" {len(shown):,} tracks that are shown: show more tracks, or use more playlists."
        )
    played = [int(np.isin(held.seeds[int(row)][:MOST], heard).sum()) for row in rows]
    best = rows[np.argsort(-np.array(played), kind="stable")[:most]].tolist()
    found = [
        {
            "name": str(held.seeds.names[row] or f"playlist {held.seeds.ids[row]}"),
            "seeds": held.seeds[row][:MOST].tolist(),
            "targets": sorted(held.targets[row].tolist()),
        }
        for row in best
    ]
    at = first % len(found)
    return found[at:] + found[:at]
