"""Which playlists, or which artists, are learned from and which are kept for the test.

For playlist completion whole playlists are set aside; for new tracks and for probes whole
*artists*, because the genre of a track is nearly always its artist's, so that a split by track
would test whether artists are recognised (Pampalk, Flexer & Widmer, ISMIR 2005, call for such an
artist filter).

Conventions
-----------
Positions are of playlists in ``Catalog.playlists``, ascending int64. A split is made from a seed
and nothing else: the same for every method.

Contents
--------
- :class:`Split`: training, validation and test playlists; saved as JSON.
- :func:`split_playlists`, :func:`split_artists`: the two ways to split;
  :func:`fold_playlists`: playlists in folds, each a test playlist once.
- :func:`artist_groups`: which tracks are by the same artist.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from musig.catalog import Catalog
from musig.errors import MusigError, counted
from musig.files import aside


@dataclass(frozen=True, eq=False)
class Split:
    """Three sets of playlists that share none."""

    train: np.ndarray
    """shape (n_train,), int64, ascending."""
    valid: np.ndarray
    """shape (n_valid,), int64, ascending."""
    test: np.ndarray
    """shape (n_test,), int64, ascending."""
    seed: int
    name: str

    def save(self, path: Path) -> None:
        """Write as JSON, aside and then renamed.

        Parameters
        ----------
        path : Path
        """
        sets = {key: getattr(self, key).tolist() for key in ("train", "valid", "test")}
        with aside(Path(path)) as passing:
            passing.write_text(json.dumps({"name": self.name, "seed": self.seed} | sets))

    @classmethod
    def load(cls, path: Path) -> Split:
        """Read what :meth:`save` wrote.

        Parameters
        ----------
        path : Path

        Returns
        -------
        Split

        Raises
        ------
        MusigError
            If the file is missing or not a split.
        """
        try:
            saved = json.loads(Path(path).read_text())
            sets = {key: np.array(saved[key], dtype=np.int64) for key in ("train", "valid", "test")}
            return cls(**sets, seed=int(saved["seed"]), name=str(saved["name"]))
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise MusigError(
                f"{path} is not a saved split ({type(error).__name__}: {error}); expected JSON "
                "with name, seed, train, valid and test, as Split.save writes it."
            ) from error


def split_playlists(
    playlists: int | Catalog, seed: int, fractions: tuple[float, float, float] = (0.8, 0.1, 0.1)
) -> Split:
    """Split playlists at random.

    Parameters
    ----------
    playlists : int or Catalog
        How many there are, or a catalogue with them.
    seed : int, >= 0
    fractions : tuple of three floats, each >= 0, sum 1
        Of training, validation and test playlists.

    Returns
    -------
    Split
        Validation and test are rounded to the nearest playlist; the rest is for training.

    Raises
    ------
    MusigError
        If the fractions are no fractions, or leave nothing for training.

    Notes
    -----
    Notebook: 01_catalog

    Examples
    --------
    >>> split = split_playlists(10, seed=0)
    >>> len(split.train), len(split.valid), len(split.test), split.name
    (8, 1, 1, 'playlists 80/10/10')
    """
    n = playlists if isinstance(playlists, int) else len(playlists.playlists)
    if len(fractions) != 3 or min(fractions) < 0 or abs(sum(fractions) - 1) > 1e-6:
        raise MusigError(
            f"The playlists cannot be split by the fractions {fractions}: give three numbers of "
            "at least 0 whose sum is 1, for training, validation and test."
        )
    n_valid, n_test = (int(np.floor(n * fraction + 0.5)) for fraction in fractions[1:])
    n_train = n - n_valid - n_test
    if n_train < 1:
        raise MusigError(
            f"Of {counted(n, 'playlist')}, the fractions {fractions} leave none for training: use "
            "more playlists or a larger first fraction."
        )
    order = np.random.default_rng(seed).permutation(n).astype(np.int64)
    train, valid, test = np.split(order, [n_train, n_train + n_valid])
    name = "playlists " + "/".join(f"{100 * fraction:g}" for fraction in fractions)
    return Split(np.sort(train), np.sort(valid), np.sort(test), seed, name)


def fold_playlists(
    playlists: int | Catalog, fold: int, folds: int = 5, seed: int = 0, valid: float = 0.1
) -> Split:
    """Split playlists for one fold of a cross-validation.

    Parameters
    ----------
    playlists : int or Catalog
        How many there are, or a catalogue with them.
    fold : int, from 0 to folds - 1
        Which part is the test.
    folds : int, > 1
        How many parts the shuffled playlists are cut into; their sizes differ by one at most.
    seed : int, >= 0
        Shuffles the playlists, the same for all folds.
    valid : float in [0, 1)
        Share of *all* playlists that validate: drawn, by seed and fold, of those that do not test.

    Returns
    -------
    Split
        Over the folds every playlist is a test playlist exactly once.

    Raises
    ------
    MusigError
        If there is no such fold, fewer playlists than folds, or none is left for training.

    Notes
    -----
    Where small differences matter: every playlist counts in the mean, once.
    Notebook: 07_methods

    Examples
    --------
    >>> splits = [fold_playlists(10, fold) for fold in range(5)]
    >>> splits[0].name, len(splits[0].train), len(splits[0].valid), len(splits[0].test)
    ('fold 1 of 5', 7, 1, 2)
    >>> sorted(np.concatenate([split.test for split in splits]).tolist()) == list(range(10))
    True
    """
    n = playlists if isinstance(playlists, int) else len(playlists.playlists)
    if folds < 2 or not 0 <= fold < folds:
        raise MusigError(
            f"There is no fold {fold} of {folds}: give two folds or more, and a fold from 0 to the "
            "last."
        )
    if not 0 <= valid < 1:
        raise MusigError(f"The share of validation playlists is {valid}; expected one in [0, 1).")
    if n < folds:
        raise MusigError(
            f"{counted(n, 'playlist')} cannot be cut into {folds} folds: use fewer folds or more "
            "playlists."
        )
    parts = np.array_split(np.random.default_rng(seed).permutation(n).astype(np.int64), folds)
    rest = np.concatenate([part for k, part in enumerate(parts) if k != fold])
    n_valid = int(np.floor(n * valid + 0.5))
    if n_valid >= len(rest):
        raise MusigError(
            f"Of {counted(n, 'playlist')}, {folds} folds and a validation share of {valid} leave "
            "none for training: use more folds or a smaller share."
        )
    rest = np.random.default_rng([seed, fold]).permutation(rest)
    name = f"fold {fold + 1} of {folds}"
    return Split(np.sort(rest[n_valid:]), np.sort(rest[:n_valid]), np.sort(parts[fold]), seed, name)


def split_artists(catalog: Catalog, seed: int, fraction: float = 0.1) -> np.ndarray:
    """Hold out tracks by whole artists.

    Parameters
    ----------
    catalog : Catalog
    seed : int, >= 0
    fraction : float in (0, 1)
        Of the tracks. Artists are drawn at random and taken while they fit.

    Returns
    -------
    ndarray of bool, shape (n_tracks,)
        True where a track is held out; no artist is on both sides.

    Raises
    ------
    MusigError
        If the fraction is not between 0 and 1, or the catalogue has only one artist.

    Notes
    -----
    Notebook: 01_catalog
    """
    if not 0 < fraction < 1:
        raise MusigError(
            f"Artists cannot be held out by the fraction {fraction}: give a number above 0 and "
            "below 1."
        )
    artist = artist_groups(catalog.tracks)
    sizes = np.bincount(artist)
    if len(sizes) < 2:
        raise MusigError(
            f"No artist of {catalog.name} can be held out, because it has "
            f"{counted(len(sizes), 'artist')}: use data with two artists or more."
        )
    order = np.random.default_rng(seed).permutation(len(sizes))
    fits = np.cumsum(sizes[order]) <= fraction * len(artist)
    fits[0] = True  # hold out something, even if the first artist is a large one
    held_out = np.zeros(len(sizes), dtype=bool)
    held_out[order[fits]] = True
    return held_out[artist]


def artist_groups(tracks: pd.DataFrame) -> np.ndarray:
    """Give one number to all tracks by one artist.

    Parameters
    ----------
    tracks : DataFrame
        With ``artist_id`` or ``artist`` or both.

    Returns
    -------
    ndarray of int64, shape (n_tracks,)
        From 0. Tracks that share the id *or* the name of the artist are by the same; a track
        with neither stands alone.

    Notes
    -----
    In real tables the id of an artist is known for some of his tracks and not for others; by id
    alone he would be on both sides of a split. Two artists of one name count as one, which is
    the harmless mistake.
    Notebook: 01_catalog

    Examples
    --------
    >>> tracks = pd.DataFrame({"artist_id": ["1", None, None], "artist": ["Can", "can", None]})
    >>> artist_groups(tracks).tolist()
    [0, 0, 1]
    """
    n = len(tracks)
    ends, total = [], n  # nodes: the tracks, then every id, then every name
    for column in ("artist_id", "artist"):
        if column in tracks:
            values = tracks[column].astype("str").str.casefold()
            codes, unique = pd.factorize(values)
            rows = np.flatnonzero(codes >= 0)
            ends.append(np.stack([rows, codes[rows] + total]))
            total += len(unique)
    rows, nodes = np.concatenate([np.empty((2, 0), np.int64), *ends], axis=1)
    links = coo_array((np.ones(len(rows), dtype=bool), (rows, nodes)), shape=(total, total))
    groups = connected_components(links, directed=False)[1][:n]
    return np.unique(groups, return_inverse=True)[1].astype(np.int64)
