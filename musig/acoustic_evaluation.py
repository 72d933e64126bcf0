"""How well acoustic vectors tell, for artists never heard before, which tracks co-occur.

The measure is the area under the ROC curve: the chance that a pair of tracks that co-occurs lies
nearer together than a pair that never does. It is taken among tracks of *unseen artists* only
(:mod:`musig.acoustic`), and on training playlists, which the network saw without these tracks.

Conventions
-----------
A pair is positive if it shares more than `min_weight` training playlists (10, as the paper's graph
is read), negative if it shares none. Pairs with a track in common are not independent, so
an interval resamples *tracks*, with all their pairs (Snijders and Borgatti: Non-parametric standard
errors and tests for network statistics, Connections 22(2), 1999).

Contents
--------
- :func:`pair_auc`, :class:`Judged`: area and interval of vectors.
- :func:`unseen_auc`: the table of a chapter: trained, untrained, shuffled; :func:`over_seeds`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace

import numpy as np
import pandas as pd

from musig.acoustic import fitted_on, untrained
from musig.acoustic_config import AcousticConfig
from musig.acoustic_pairs import shared_playlists
from musig.catalog import FEATURES, Catalog, Playlists
from musig.errors import MusigError, counted
from musig.spectrograms import Spectrograms, spectrograms_of
from musig.splits import split_playlists
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
        The training playlists.
    tracks : ndarray of int, shape (n,)
        Positions in the catalogue, ascending.
    n_tracks : int
        Number of tracks of the catalogue.
    generator : numpy.random.Generator
        Draws the resamples, and the tracks where there are more than :data:`TRACKS`.
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
    known = np.flatnonzero(np.isfinite(vectors).all(axis=1))
    if len(known) > TRACKS:
        known = np.sort(generator.choice(known, TRACKS, replace=False))
    vectors, tracks = np.asarray(vectors, np.float64)[known], np.asarray(tracks)[known]
    count = shared_playlists(playlists, tracks, n_tracks)
    first, second = np.triu_indices(len(tracks), 1)
    count = count[first, second]
    told = (count > min_weight) | (count == 0)
    first, second, positive = first[told], second[told], count[told] > min_weight
    n_positive = int(positive.sum())
    n_negative = len(positive) - n_positive
    if not n_positive or not n_negative:
        raise MusigError(
            f"Among the {counted(len(tracks), 'unseen track')} with sound, "
            f"{counted(n_positive, 'pair')} share more than {counted(min_weight, 'playlist')} and "
            f"{counted(n_negative, 'pair')} share none: both are needed to judge. Lower min_weight "
            "or use more tracks."
        )
    distance = np.linalg.norm(vectors[first] - vectors[second], axis=1)
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

    auc = float(area(np.ones((1, len(tracks))))[0])
    areas = []
    for start in range(0, resamples, batch := max(1, CELLS // len(first))):
        size = min(batch, resamples - start)
        drawn = generator.integers(0, len(tracks), (size, len(tracks)))
        drawn += len(tracks) * np.arange(size)[:, None]
        times = np.bincount(drawn.ravel(), minlength=size * len(tracks))
        areas.append(area(times.reshape(size, -1).astype(np.float64)))
    spread = np.concatenate(areas)
    spread = spread[np.isfinite(spread)]  # a resample may hold no positive pair
    low, high = np.quantile(spread, [0.025, 0.975]) if len(spread) else (np.nan, np.nan)
    return Judged(auc, float(low), float(high), len(tracks), n_positive, n_negative)


def unseen_auc(
    catalog: Catalog,
    train: np.ndarray,
    config: AcousticConfig,
    min_weight: int = 10,
    spectrograms: Spectrograms | None = None,
    progress: bool = True,
) -> pd.DataFrame:
    """Judge the network on unseen artists, beside its controls.

    Parameters
    ----------
    catalog : Catalog
        With recordings.
    train : ndarray of int
        Positions of the training playlists.
    config : AcousticConfig
    min_weight : int, >= 0
        Positive pairs share more playlists than this.
    spectrograms : Spectrograms, optional
        Of the catalogue; by default made from its sound.
    progress : bool
        Bars on stderr.

    Returns
    -------
    DataFrame
        Index: ``trained``; ``untrained``, the same network before its first step; ``shuffled
        playlists``, trained and judged on playlists in which the tracks with sound have changed
        places at random, so that who is with whom has nothing to do with sound; and, where the
        nine features are known, ``nine features``, their plain standardised distance. Columns:
        the fields of :class:`Judged`.

    Raises
    ------
    MusigError
        If there is nothing to learn from, or nothing to judge by.

    Notes
    -----
    Notebook: 03_acoustic_vectors
    """
    if spectrograms is None:
        spectrograms = spectrograms_of(catalog, config.window, config.windows, progress)
    playlists, n = catalog.playlists.subset(train), catalog.n_tracks
    found = fitted_on(spectrograms, catalog, playlists, config, progress)
    moved = permuted(playlists, found.rows, n, np.random.default_rng([config.seed, 1]))
    control = fitted_on(spectrograms, catalog, moved, config, progress)
    rows = found.rows[found.unseen]
    initial = untrained(spectrograms, found.learned, config, progress)
    judged = {
        "trained": (found.vectors[found.unseen], playlists),
        "untrained": (initial[found.unseen], playlists),
        "shuffled playlists": (control.vectors[found.unseen], moved),
    }
    known = [name for name in FEATURES if name in catalog.tracks]
    if known:
        features = catalog.tracks[known].to_numpy(np.float64, na_value=np.nan)
        deviation = np.nanstd(features, axis=0)
        features = features / np.where(deviation > 0, deviation, 1)
        features = np.where(np.isnan(features), np.nanmean(features, axis=0), features)
        judged["nine features"] = (features[rows], playlists)
    table = {
        name: asdict(
            pair_auc(vectors, lists, rows, n, np.random.default_rng([config.seed, 2]), min_weight)
        )
        for name, (vectors, lists) in judged.items()
    }
    return pd.DataFrame.from_dict(table, orient="index")


def over_seeds(
    load: Callable[[int], Catalog],
    seeds: Sequence[int],
    config: AcousticConfig,
    min_weight: int = 10,
) -> pd.DataFrame:
    """Judge again and again, everything that is drawn being drawn anew.

    Parameters
    ----------
    load : callable
        Gives the catalogue of a seed: an embedded one is another each time, other data are the
        same.
    seeds : sequence of int, each >= 0
        Of the catalogue, the split of its playlists, the unseen artists, and the training.
    config : AcousticConfig
        Its own seed is not used.
    min_weight : int, >= 0
        As in :func:`unseen_auc`.

    Returns
    -------
    DataFrame
        One row a seed, index ``seed``; columns are the rows of :func:`unseen_auc`, values are AUC.

    Raises
    ------
    MusigError
        If there is nothing to learn from, or nothing to judge by, with one of the seeds.

    Notes
    -----
    The interval of :func:`pair_auc` is about the tracks of *one* draw; this tells how much draws
    and trainings differ.
    Notebook: 03_acoustic_vectors
    """
    table = {}
    for seed in seeds:
        catalog = load(seed)
        train = split_playlists(catalog, seed).train
        judged = unseen_auc(catalog, train, replace(config, seed=seed), min_weight, progress=False)
        table[seed] = judged["auc"]
    return pd.DataFrame(table).T.rename_axis("seed")


def permuted(
    playlists: Playlists, tracks: np.ndarray, n_tracks: int, generator: np.random.Generator
) -> Playlists:
    """Have some tracks change places in the playlists at random.

    Parameters
    ----------
    playlists : Playlists
    tracks : ndarray of int, shape (n,)
        Which; every other track stays.
    n_tracks : int
        Number of tracks of the catalogue.
    generator : numpy.random.Generator

    Returns
    -------
    Playlists
        The same pattern of who is with whom, under other names.

    Notes
    -----
    Notebook: 03_acoustic_vectors

    Examples
    --------
    >>> playlists = Playlists.from_lists([[0, 1], [2, 3]])
    >>> permuted(playlists, np.array([0, 2]), 4, np.random.default_rng(3)).tracks.tolist()
    [2, 1, 0, 3]
    """
    name = np.arange(n_tracks, dtype=playlists.tracks.dtype)
    name[tracks] = generator.permutation(np.asarray(tracks))
    return replace(playlists, tracks=name[playlists.tracks])
