"""Acoustic vectors: eight numbers a track, learned from its sound.

Saravanou et al. (ISMIR 2021) have a deep model on the recording in 30-second windows, trained on
the binary classification "do these two tracks co-occur in a playlist"; its last layer, projected
to 8 dimensions, is the feature. The sound is all the network is given, so a track that is in no
playlist has a vector as well.

Conventions
-----------
- Playlists are the training playlists of a split; others are never read.
- *Unseen* tracks are those of a quarter of the artists, drawn from the whole catalogue by
  :func:`musig.splits.split_artists`: they train nothing. The artists that later experiments hold
  out are a tenth, drawn in the same order with the same seed, so they are among these.
- A further tenth of the artists is validated on: looked at while training, and nothing more.
- A vector is float32 ``(8,)`` in [-1, 1]: the mean over the windows of a track; NaN where a track
  has no sound.

Contents
--------
- :func:`with_vectors`: a catalogue with acoustic_0 to acoustic_7.
- :func:`fitted`, :class:`Fitted`: the network, its history, and the tracks it was fitted without;
  :func:`held_out` says which.
- :func:`embed_recording`, :func:`nearest_tracks`: for listening.

The parts, in the order of the paper: :mod:`musig.mel` and :mod:`musig.spectrograms` (sound),
:mod:`musig.acoustic_network`, :mod:`musig.acoustic_pairs` (the task), :mod:`musig.acoustic_train`,
:mod:`musig.acoustic_auc` and :mod:`musig.acoustic_evaluation` (unseen artists).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from musig import cache
from musig.acoustic_config import AcousticConfig
from musig.acoustic_network import VECTOR, AcousticNetwork
from musig.acoustic_pairs import Pairs, make_pairs
from musig.acoustic_train import (
    TrainedNetwork,
    embed_tracks,
    fresh_network,
    load_network,
    train_acoustic,
)
from musig.catalog import Catalog, Playlists
from musig.errors import MusigError, counted
from musig.features import ACOUSTIC
from musig.files import aside
from musig.spectrograms import Spectrograms, from_recordings, spectrograms_of
from musig.splits import Split, split_artists

UNSEEN = 0.25
"""Of the tracks, by whole artists: fitted without, and judged on."""
WATCHED = 0.1
"""Of the tracks, by whole artists: looked at while training."""
FEWEST = 3
"""Recordings without which there cannot be a pair that says yes and one that says no."""


@dataclass(frozen=True, eq=False)
class Fitted:
    """A fitted network with the vectors of all tracks that have sound."""

    trained: TrainedNetwork
    """The network and its history."""
    rows: np.ndarray
    """int64, shape (n,), ascending: positions of the tracks that have sound."""
    vectors: np.ndarray
    """float32, shape (n, 8); NaN for a damaged recording."""
    unseen: np.ndarray
    """bool, shape (n,): whether the network was fitted without the track, by its artist."""
    learned: np.ndarray
    """int64, ascending: positions of the tracks it was fitted on. A damaged one taught nothing."""


def with_vectors(
    catalog: Catalog, split: Split, config: AcousticConfig, progress: bool = True
) -> Catalog:
    """Give the catalogue with an acoustic vector of every track that has sound.

    Parameters
    ----------
    catalog : Catalog
        One that has vectors already, or no sound at all, is returned as it is.
    split : Split
        Of its playlists; only the training playlists are read.
    config : AcousticConfig
    progress : bool
        Bars on stderr.

    Returns
    -------
    Catalog
        With columns acoustic_0 to acoustic_7, NaN where there is no sound.

    Raises
    ------
    MusigError
        If there is no pair to learn from.

    Notes
    -----
    Computed once and kept; chapters with the same settings share it.
    Notebook: 03_acoustic_vectors
    """
    if not catalog.has_sound or all(name in catalog.tracks for name in ACOUSTIC):
        return catalog
    found = fitted(catalog, split.train, config, progress)
    columns = np.full((catalog.n_tracks, VECTOR), np.nan, dtype=np.float32)
    columns[found.rows] = found.vectors
    tracks = catalog.tracks.assign(**dict(zip(ACOUSTIC, columns.T, strict=True)))
    return replace(catalog, tracks=tracks)


def fitted(
    catalog: Catalog, train: np.ndarray, config: AcousticConfig, progress: bool = True
) -> Fitted:
    """Fit the network on tracks that are not held out; embed every track that has sound.

    Parameters
    ----------
    catalog : Catalog
        With recordings.
    train : ndarray of int, shape (m,)
        Positions of the training playlists.
    config : AcousticConfig
    progress : bool
        Bars on stderr.

    Returns
    -------
    Fitted
        From the cache if it was computed before.

    Raises
    ------
    MusigError
        If no track has sound, or there is no pair to learn from.

    Notes
    -----
    The key of the cache holds what the recordings hold, not where they are.
    Notebook: 03_acoustic_vectors
    """
    spectrograms = spectrograms_of(catalog, config.window, config.windows, progress, config.device)
    return fitted_on(spectrograms, catalog, catalog.playlists.subset(train), config, progress)


def fitted_on(
    spectrograms: Spectrograms,
    catalog: Catalog,
    playlists: Playlists,
    config: AcousticConfig,
    progress: bool = True,
) -> Fitted:
    """Do the same with spectrograms and playlists of one's own choice.

    Parameters
    ----------
    spectrograms : Spectrograms
        Of tracks of the catalogue.
    catalog : Catalog
        Says whose the tracks are.
    playlists : Playlists
        Those that count, for example permuted ones as a control.
    config : AcousticConfig
    progress : bool
        Bars on stderr.

    Returns
    -------
    Fitted

    Raises
    ------
    MusigError
        If there is no pair to learn from.

    Notes
    -----
    Notebook: 03_acoustic_vectors
    """
    rows = spectrograms.rows
    unseen, watched = held_out(catalog, rows, config.seed)
    learned = rows[~unseen & ~watched]
    pairs = make_pairs(playlists, learned, catalog.n_tracks, config.min_weight)
    valid = _pairs_or_none(playlists, rows[watched], catalog.n_tracks, config.min_weight)

    def make(folder: Path) -> None:
        found = train_acoustic(spectrograms, pairs, config, folder, progress, valid)
        vectors = embed_tracks(found.network, spectrograms, rows, config.device, progress)
        with aside(folder / "vectors.npy") as passing:
            np.save(passing, vectors)

    inputs = {
        "sound": spectrograms.fingerprint,
        "pairs": [pairs.fingerprint, valid.fingerprint if valid is not None else None],
        "config": config.settings(),
    }
    folder = cache.stage("acoustic", inputs, make, fitted_on)
    return Fitted(load_network(folder), rows, np.load(folder / "vectors.npy"), unseen, pairs.tracks)


def held_out(catalog: Catalog, rows: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Say which tracks with sound are not learned from, by whole artists.

    Parameters
    ----------
    catalog : Catalog
        A track whose artist is not known is an artist of its own.
    rows : ndarray of int, shape (n,)
        Positions of the tracks that have sound.
    seed : int, >= 0

    Returns
    -------
    unseen : ndarray of bool, shape (n,)
        Those to judge on.
    watched : ndarray of bool, shape (n,)
        Those to look at while training.

    Raises
    ------
    MusigError
        If there are not even two pairs, or only one artist.

    Notes
    -----
    Notebook: 03_acoustic_vectors
    """
    if len(rows) < FEWEST:
        raise MusigError(
            f"{catalog.name} has {counted(len(rows), 'recording')}; pairs need at least {FEWEST}, "
            "of which two share a playlist and two share none: use more recordings."
        )
    unseen = split_artists(catalog, seed, UNSEEN)[rows]
    return unseen, split_artists(catalog, seed, UNSEEN + WATCHED)[rows] & ~unseen


def untrained(
    spectrograms: Spectrograms, learned: np.ndarray, config: AcousticConfig, progress: bool = True
) -> np.ndarray:
    """Give the vectors of the network before its first step: what its form alone tells.

    Parameters
    ----------
    spectrograms : Spectrograms
    learned : ndarray of int
        Positions of the tracks whose windows standardise the bands.
    config : AcousticConfig
        Its seed draws the weights with which the training begins.
    progress : bool
        A bar on stderr.

    Returns
    -------
    ndarray of float32, shape (n, 8)
        A row a track of ``spectrograms.rows``.

    Notes
    -----
    Notebook: 03_acoustic_vectors
    """
    network = fresh_network(spectrograms, learned, config)
    return embed_tracks(network, spectrograms, spectrograms.rows, config.device, progress)


def embed_recording(
    network: AcousticNetwork, path: Path | str, config: AcousticConfig
) -> np.ndarray:
    """Give the acoustic vector of one recording.

    Parameters
    ----------
    network : AcousticNetwork
    path : path
        A sound file.
    config : AcousticConfig
        Of the network; says how the recording is cut into windows.

    Returns
    -------
    ndarray of float32, shape (8,)

    Raises
    ------
    MusigError
        If it cannot be read, or the network was trained on spectrograms of another kind.

    Notes
    -----
    Notebook: 03_acoustic_vectors
    """
    rows = np.array([0])
    sound = from_recordings(
        [path], rows, config.window, config.windows, progress=False, device=config.device
    )
    if sound.n_mels != len(network.mean):
        raise MusigError(
            f"The network was trained on spectrograms of {len(network.mean)} bands, those of a "
            f"recording have {sound.n_mels}: embed recordings by a network trained on recordings."
        )
    return embed_tracks(network, sound, rows, config.device, progress=False)[0]


def nearest_tracks(catalog: Catalog, vector: np.ndarray, k: int = 5) -> pd.DataFrame:
    """Find the tracks whose acoustic vector is nearest.

    Parameters
    ----------
    catalog : Catalog
        With vectors, of :func:`with_vectors`.
    vector : ndarray of float, shape (8,)
        Of a recording, or of a track, which is then its own nearest.
    k : int, > 0
        How many.

    Returns
    -------
    DataFrame
        Columns ``rank, track_id, name, artist, main_genre`` (those that there are) and
        ``distance``, the nearest first.

    Raises
    ------
    MusigError
        If the catalogue has no vectors, or the vector is unknown.

    Notes
    -----
    By Euclidean distance: what the network was trained to make small.
    Notebook: 03_acoustic_vectors
    """
    if not all(name in catalog.tracks for name in ACOUSTIC):
        raise MusigError(
            f"{catalog.name} has no acoustic vectors: make them with musig.acoustic.with_vectors."
        )
    if not np.isfinite(vector).all():
        raise MusigError("The vector is unknown (NaN): its recording could not be read.")
    known = catalog.tracks.dropna(subset=list(ACOUSTIC))
    distance = np.linalg.norm(known[list(ACOUSTIC)].to_numpy(np.float64) - vector, axis=1)
    order = np.argsort(distance, kind="stable")[:k]
    columns = [name for name in ("name", "artist", "main_genre") if name in known]
    table = known.iloc[order][columns].reset_index(names="track_id")
    table.insert(0, "rank", np.arange(1, len(table) + 1))
    return table.assign(distance=distance[order])


def _pairs_or_none(
    playlists: Playlists, tracks: np.ndarray, n_tracks: int, min_weight: int
) -> Pairs | None:
    """Pairs of the validation artists, if there are any: nothing depends on them."""
    try:
        return make_pairs(playlists, tracks, n_tracks, min_weight)
    except MusigError:
        return None
