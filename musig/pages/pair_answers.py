"""Pairs of tracks with their answers: how many there are, and how well vectors tell them.

The question is that of the paper (Saravanou et al., ISMIR 2021): do two tracks co-occur in a
playlist? A pair that shares no playlist is a *no*, one that shares any a *yes*; where answers are
judged, a yes has to be strict: more than so many playlists.

Conventions
-----------
Tracks are positions in the catalogue, ascending. Playlists are the training playlists; a track
that is in none of them is left out, because nothing is known of its pairs. Which tracks count is
said by :func:`musig.acoustic_auc.asked`, here as in the table.

Contents
--------
- :func:`pair_counts`: how many pairs say what; :func:`strictness`: what a strict yes can be;
  :func:`shared_with`: what one track shares.
- :func:`judge`: the network and its controls; :func:`roc_table`: answers at every threshold.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields

import numpy as np
import pandas as pd

from musig.acoustic_auc import Judged, answers, asked
from musig.acoustic_config import AcousticConfig
from musig.acoustic_evaluation import auc_table, contestants
from musig.acoustic_pairs import listed, shared_playlists
from musig.catalog import Catalog
from musig.errors import MusigError
from musig.playlists import Playlists
from musig.spectrograms import Spectrograms


def pair_counts(
    playlists: Playlists, tracks: np.ndarray, n_tracks: int, strict: int
) -> dict[str, int]:
    """Count what the pairs of some tracks say.

    Parameters
    ----------
    playlists : Playlists
    tracks : ndarray of int, shape (n,)
    n_tracks : int
        Number of tracks of the catalogue.
    strict : int, >= 0
        A strict yes shares more playlists than this.

    Returns
    -------
    dict of str to int
        ``tracks`` in a playlist, ``pairs``, ``no``, ``yes``, and ``yes, strictly``, which are
        among the yes.

    Notes
    -----
    Notebook: 03_acoustic_vectors

    Examples
    --------
    >>> playlists = Playlists.from_lists([[0, 1], [1, 0], [1, 2]])
    >>> pair_counts(playlists, np.array([0, 1, 2]), 3, strict=1)
    {'tracks': 3, 'pairs': 3, 'no': 1, 'yes': 2, 'yes, strictly': 1}
    """
    count = _shared(playlists, tracks, n_tracks)
    known = listed(playlists, np.asarray(tracks), n_tracks)
    found = {"tracks": known.sum(), "pairs": len(count), "no": (count == 0).sum()}
    found |= {"yes": (count > 0).sum(), "yes, strictly": (count > strict).sum()}
    return {name: int(number) for name, number in found.items()}


def shared_with(playlists: Playlists, track: int, others: np.ndarray, n_tracks: int) -> np.ndarray:
    """Count the playlists that a track shares with each of some others.

    Parameters
    ----------
    playlists : Playlists
    track : int
    others : ndarray of int, shape (n,)
        In any order.
    n_tracks : int
        Number of tracks of the catalogue.

    Returns
    -------
    ndarray of int, shape (n,)
        For the track itself, in how many it is.

    Notes
    -----
    Notebook: 03_acoustic_vectors

    Examples
    --------
    >>> playlists = Playlists.from_lists([[0, 1], [1, 0], [1, 2]])
    >>> shared_with(playlists, 1, np.array([2, 1, 0]), 3).tolist()
    [1, 3, 2]
    """
    both = np.unique([track, *others])
    count = shared_playlists(playlists, both, n_tracks)
    return count[np.searchsorted(both, track), np.searchsorted(both, others)]


def strictness(playlists: Playlists, tracks: np.ndarray, n_tracks: int, wanted: int) -> int:
    """Say how strict a yes can be among some tracks.

    Parameters
    ----------
    playlists : Playlists
    tracks : ndarray of int, shape (n,)
    n_tracks : int
        Number of tracks of the catalogue.
    wanted : int, >= 0
        So strict if possible.

    Returns
    -------
    int
        `wanted`, or 0 where no pair shares more playlists than that: in a folder of one's own
        music two tracks share one.

    Notes
    -----
    Notebook: 03_acoustic_vectors

    Examples
    --------
    >>> playlists = Playlists.from_lists([[0, 1], [1, 0], [1, 2]])
    >>> strictness(playlists, np.arange(3), 3, wanted=1), strictness(playlists, np.arange(3), 3, 2)
    (1, 0)
    """
    return wanted if (_shared(playlists, tracks, n_tracks) > wanted).any() else 0


def judge(
    catalog: Catalog,
    train: np.ndarray,
    config: AcousticConfig,
    strict: int,
    sound: Spectrograms,
) -> tuple[pd.DataFrame, pd.DataFrame, str]:
    """Judge the network and its controls on unseen artists, if these have pairs to judge by.

    Parameters
    ----------
    catalog : Catalog
        With sound.
    train : ndarray of int
        Positions of the training playlists.
    config : AcousticConfig
    strict : int, >= 0
        A yes shares more playlists than this.
    sound : Spectrograms
        Of the catalogue.

    Returns
    -------
    table : DataFrame
        As :func:`musig.acoustic_evaluation.auc_table` makes it; NaN where nothing can be judged.
    curves : DataFrame
        As :func:`roc_table` makes it, of the networks.
    why_not : str
        A sentence; empty where all was judged.

    Notes
    -----
    Few files of one's own leave one or two unseen, and these may have no pair that says no.
    Notebook: 03_acoustic_vectors
    """
    try:
        found = contestants(catalog, train, config, sound, progress=False)
        table = auc_table(found, catalog.n_tracks, config.seed, strict)
    except MusigError as error:
        names = [field.name for field in fields(Judged)]
        return pd.DataFrame(np.nan, ["trained"], names), roc_table({}), str(error)
    told = {
        name: answers(vectors, lists, found.tracks, catalog.n_tracks, strict)
        for name, (vectors, lists) in found.judged.items()
        if name != "nine features"  # no network
    }
    curves = roc_table({name: (-each.distance, each.positive) for name, each in told.items()})
    return table, curves, ""


def roc_table(answers: Mapping[str, tuple[np.ndarray, np.ndarray]]) -> pd.DataFrame:
    """Tabulate, for every share of false alarms, the share of true pairs that are found.

    Parameters
    ----------
    answers : mapping of str to (ndarray of float, ndarray of bool), each shape (n,)
        Name to scores and truth. Without a true and a false pair there is no curve.

    Returns
    -------
    DataFrame
        Index: 101 shares of false alarms; a column a name. The area under a column is its AUC.

    Notes
    -----
    Receiver operating characteristic (Fawcett, Pattern Recognition Letters 27, 2006).
    Notebook: 03_acoustic_vectors

    Examples
    --------
    >>> truth = np.array([True, True, False, False])
    >>> table = roc_table({"right": (np.array([4, 3, 2, 1]), truth)})
    >>> table["right"].iloc[[0, 50, 100]].tolist()
    [1.0, 1.0, 1.0]
    """
    from sklearn.metrics import roc_curve

    grid = np.linspace(0, 1, 101)
    index = pd.Index(grid, name="share of no pairs taken for yes")
    columns = {}
    for name, (scores, truth) in answers.items():
        if truth.all() or not truth.any():
            continue
        alarms, hits, _ = roc_curve(truth, scores)
        first = np.searchsorted(alarms, grid, side="right") - 1  # the best at an equal share
        between = np.interp(grid, alarms, hits)
        columns[name] = np.maximum(between, hits[first])
    return pd.DataFrame(columns, index=index)


def _shared(playlists: Playlists, tracks: np.ndarray, n_tracks: int) -> np.ndarray:
    """Playlists that each pair of the tracks asked shares, the upper triangle row by row."""
    tracks = np.asarray(tracks)[asked(playlists, tracks, n_tracks)]
    count = shared_playlists(playlists, tracks, n_tracks)
    return count[np.triu_indices(len(count), 1)]
