"""The area under the ROC curve of vectors that should tell which tracks co-occur.

It is the chance that a pair of tracks that co-occurs lies nearer together than a pair that never
does. The curve of a page and the area are made of the same answers (:func:`answers`).

Conventions
-----------
A pair is positive if it shares more than `min_weight` playlists (10, as the paper's graph is
read), negative if it shares none; a track that is in no playlist is in no pair. Pairs with a
track in common are not independent, so an interval resamples *tracks*, with all their pairs
(Snijders and Borgatti: Non-parametric standard errors and tests for network statistics,
Connections 22(2), 1999).

Contents
--------
- :func:`asked`: the tracks whose pairs count; :func:`answers`, :class:`Answers`: the pairs.
- :func:`pair_auc`, :class:`Judged`: area and interval.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from musig.acoustic_pairs import listed, shared_playlists
from musig.errors import MusigError, counted
from musig.playlists import Playlists
from musig.statistics import CELLS, RESAMPLES

TRACKS = 1_000
"""Tracks whose pairs are judged, at most: half a million pairs, whose own error is small."""


@dataclass(frozen=True)
class Judged:
    """What :func:`pair_auc` found."""

    auc: float
    """Area under the ROC curve; 0.5 is chance."""
    low: float
    """Lower end of the 95 % interval."""
    high: float
    """Upper end."""
    n_tracks: int
    n_positive: int
    n_negative: int


@dataclass(frozen=True, eq=False)
class Answers:
    """Pairs with their answers, and how far apart they are."""

    first: np.ndarray
    """int64, shape (pairs,): the one track, a number from 0 among those asked."""
    second: np.ndarray
    """int64, shape (pairs,): the other."""
    positive: np.ndarray
    """bool, shape (pairs,)."""
    distance: np.ndarray
    """float64, shape (pairs,): of the two vectors."""
    n_tracks: int
    """Tracks asked."""


def asked(playlists: Playlists, tracks: np.ndarray, n_tracks: int) -> np.ndarray:
    """Choose the tracks whose pairs are asked about.

    Parameters
    ----------
    playlists : Playlists
        Those that count.
    tracks : ndarray of int, shape (n,)
        Positions in the catalogue, ascending.
    n_tracks : int
        Number of tracks of the catalogue.

    Returns
    -------
    ndarray of int64, shape (m,)
        Places in `tracks`, ascending: of all that are in a playlist, and evenly from these where
        there are more than :data:`TRACKS`.

    Notes
    -----
    Notebook: 03_acoustic_vectors

    Examples
    --------
    >>> asked(Playlists.from_lists([[0, 2]]), np.array([1, 2]), 3).tolist()
    [1]
    """
    places = np.flatnonzero(listed(playlists, tracks, n_tracks))
    n = min(TRACKS, len(places))
    return places[np.arange(n) * len(places) // max(n, 1)]


def answers(
    vectors: np.ndarray, playlists: Playlists, tracks: np.ndarray, n_tracks: int, min_weight: int
) -> Answers:
    """Give the answers of the pairs of some tracks, with their distances.

    Parameters
    ----------
    vectors : ndarray of float, shape (n, d)
        A row a track; NaN where unknown, and then the track is left out.
    playlists : Playlists
    tracks : ndarray of int, shape (n,)
        Positions in the catalogue, ascending.
    n_tracks : int
        Number of tracks of the catalogue.
    min_weight : int, >= 0
        Positive pairs share more playlists than this; pairs between yes and no are left out.

    Returns
    -------
    Answers

    Notes
    -----
    Notebook: 03_acoustic_vectors

    Examples
    --------
    >>> playlists = Playlists.from_lists([[0, 1], [2]])
    >>> told = answers(np.array([[0.0], [1.0], [3.0]]), playlists, np.arange(3), 3, min_weight=0)
    >>> told.distance.tolist(), told.positive.tolist()
    ([1.0, 3.0, 2.0], [True, False, False])
    """
    known = np.isfinite(vectors).all(axis=1)
    vectors, tracks = np.asarray(vectors, np.float64)[known], np.asarray(tracks)[known]
    chosen = asked(playlists, tracks, n_tracks)
    vectors, tracks = vectors[chosen], tracks[chosen]
    count = shared_playlists(playlists, tracks, n_tracks)
    first, second = np.triu_indices(len(tracks), 1)
    count = count[first, second]
    told = (count > min_weight) | (count == 0)
    first, second = first[told], second[told]
    distance = np.linalg.norm(vectors[first] - vectors[second], axis=1)
    return Answers(first, second, count[told] > min_weight, distance, len(tracks))


def pair_auc(
    vectors: np.ndarray,
    playlists: Playlists,
    tracks: np.ndarray,
    n_tracks: int,
    generator: np.random.Generator,
    min_weight: int = 10,
    resamples: int = RESAMPLES,
) -> Judged:
    """Judge vectors by the pairs of some tracks.

    Parameters
    ----------
    vectors : ndarray of float, shape (n, d)
        A row a track of `tracks`; NaN where unknown, and then the track is left out.
    playlists : Playlists
        The training playlists. A track that is in none of them is left out.
    tracks : ndarray of int, shape (n,)
        Positions in the catalogue, ascending.
    n_tracks : int
        Number of tracks of the catalogue.
    generator : numpy.random.Generator
        Draws the resamples.
    min_weight : int, >= 0
        Positive pairs share more playlists than this.
    resamples : int
        How many.

    Returns
    -------
    Judged

    Raises
    ------
    MusigError
        If there is no positive or no negative pair.

    Notes
    -----
    Equal to ``sklearn.metrics.roc_auc_score`` of minus the distance; a resample counts a pair as
    often as the product of how often its two tracks were drawn, and a track with itself never.
    Notebook: 03_acoustic_vectors
    """
    told = answers(vectors, playlists, tracks, n_tracks, min_weight)
    first, second, positive, distance = told.first, told.second, told.positive, told.distance
    n_positive = int(positive.sum())
    n_negative = len(positive) - n_positive
    if not n_positive or not n_negative:
        raise MusigError(
            f"Among the {counted(told.n_tracks, 'unseen track')} with sound and a training "
            f"playlist, {counted(n_positive, 'pair')} share more than "
            f"{counted(min_weight, 'playlist')} and {counted(n_negative, 'pair')} share none: both "
            "are needed to judge. Lower the number of shared playlists that makes a yes, or use "
            "more tracks."
        )
    order = np.argsort(distance, kind="stable")
    first, second, positive = first[order], second[order], positive[order]
    tie = np.unique(distance[order], return_inverse=True)[1]
    starts = np.flatnonzero(np.diff(tie, prepend=-1))

    def area(times: np.ndarray) -> np.ndarray:
        """Area for how often each track counts: (r, n) to (r,)."""
        weight = times[:, first] * times[:, second]
        near = np.add.reduceat(weight * positive, starts, axis=1)
        far = np.add.reduceat(weight * ~positive, starts, axis=1)
        beyond = far.sum(1, keepdims=True) - far.cumsum(1)  # negatives that lie further away
        total = near.sum(1) * far.sum(1)
        won = (near * (beyond + far / 2)).sum(1)
        return np.divide(won, total, out=np.full(len(won), np.nan), where=total > 0)

    auc = float(area(np.ones((1, told.n_tracks)))[0])
    areas = []
    for start in range(0, resamples, batch := max(1, CELLS // len(first))):
        size = min(batch, resamples - start)
        drawn = generator.integers(0, told.n_tracks, (size, told.n_tracks))
        drawn += told.n_tracks * np.arange(size)[:, None]
        times = np.bincount(drawn.ravel(), minlength=size * told.n_tracks)
        areas.append(area(times.reshape(size, -1).astype(np.float64)))
    spread = np.concatenate(areas)
    spread = spread[np.isfinite(spread)]  # a resample may hold no positive pair
    low, high = np.quantile(spread, [0.025, 0.975]) if len(spread) else (np.nan, np.nan)
    return Judged(auc, float(low), float(high), told.n_tracks, n_positive, n_negative)
