"""How well acoustic vectors tell, for artists never heard before, which tracks co-occur.

The measure is the area under the ROC curve (:mod:`musig.acoustic_auc`). It is taken among tracks
of *unseen artists* only (:mod:`musig.acoustic`), and on training playlists, which the network saw
without these tracks.

Contents
--------
- :func:`contestants`, :class:`Contestants`: what is judged: trained, untrained, shuffled.
- :func:`auc_table`, :func:`unseen_auc`: the table of a chapter; :func:`over_seeds`.
- :func:`permuted`: the control's playlists.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace

import numpy as np
import pandas as pd

from musig.acoustic import fitted_on, untrained
from musig.acoustic_auc import pair_auc
from musig.acoustic_config import AcousticConfig
from musig.catalog import FEATURES, Catalog, Playlists
from musig.spectrograms import Spectrograms, spectrograms_of
from musig.splits import Split, split_playlists


@dataclass(frozen=True, eq=False)
class Contestants:
    """Vectors of the same tracks, to be judged."""

    tracks: np.ndarray
    """int64, shape (n,), ascending: positions of the unseen tracks that have sound."""
    judged: dict[str, tuple[np.ndarray, Playlists]]
    """By name: vectors, a row a track, and the playlists that have the answers."""


def contestants(
    catalog: Catalog,
    train: np.ndarray,
    config: AcousticConfig,
    spectrograms: Spectrograms,
    progress: bool = True,
) -> Contestants:
    """Make the vectors of unseen artists, by the network and by its controls.

    Parameters
    ----------
    catalog : Catalog
        With sound.
    train : ndarray of int
        Positions of the training playlists.
    config : AcousticConfig
    spectrograms : Spectrograms
        Of the catalogue.
    progress : bool
        Bars on stderr.

    Returns
    -------
    Contestants
        ``trained``; ``untrained``, the same network before its first step; ``shuffled
        playlists``, trained and judged on playlists in which the tracks with sound have changed
        places at random, so that who is with whom has nothing to do with sound; and, where the
        nine features are known, ``nine features``, their plain standardised distance.

    Raises
    ------
    MusigError
        If there is nothing to learn from.

    Notes
    -----
    Notebook: 03_acoustic_vectors
    """
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
        features = np.where(np.isnan(features), np.nanmean(features, axis=0), features)[rows]
        readable = np.isfinite(found.vectors[found.unseen]).all(axis=1)
        judged["nine features"] = (np.where(readable[:, None], features, np.nan), playlists)
    return Contestants(rows, judged)


def auc_table(
    contestants: Contestants, n_tracks: int, seed: int, min_weight: int = 10
) -> pd.DataFrame:
    """Judge contestants by the pairs of their tracks.

    Parameters
    ----------
    contestants : Contestants
    n_tracks : int
        Number of tracks of the catalogue.
    seed : int, >= 0
        Draws the resamples.
    min_weight : int, >= 0
        Positive pairs share more playlists than this.

    Returns
    -------
    DataFrame
        A row a contestant; columns: the fields of :class:`musig.acoustic_auc.Judged`.

    Raises
    ------
    MusigError
        If there is nothing to judge by.

    Notes
    -----
    Notebook: 03_acoustic_vectors
    """
    rows = contestants.tracks
    table = {
        name: asdict(
            pair_auc(vectors, lists, rows, n_tracks, np.random.default_rng([seed, 2]), min_weight)
        )
        for name, (vectors, lists) in contestants.judged.items()
    }
    return pd.DataFrame.from_dict(table, orient="index")


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
        :func:`auc_table` of the :func:`contestants`.

    Raises
    ------
    MusigError
        If there is nothing to learn from, or nothing to judge by.

    Notes
    -----
    Notebook: 03_acoustic_vectors
    """
    if spectrograms is None:
        spectrograms = spectrograms_of(
            catalog, config.window, config.windows, progress, config.device
        )
    found = contestants(catalog, train, config, spectrograms, progress)
    return auc_table(found, catalog.n_tracks, config.seed, min_weight)


def over_seeds(
    load: Callable[[int], Catalog],
    seeds: Sequence[int],
    config: AcousticConfig,
    min_weight: int = 10,
    split: Callable[[Catalog, int], Split] = split_playlists,
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
    split : callable
        Gives the split of a catalogue's playlists by a seed.

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
    The interval of :func:`musig.acoustic_auc.pair_auc` is about the tracks of *one* draw; this
    tells how much draws and trainings differ.
    Notebook: 03_acoustic_vectors
    """
    table = {}
    for seed in seeds:
        catalog = load(seed)
        train = split(catalog, seed).train
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
