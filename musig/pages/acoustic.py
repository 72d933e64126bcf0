"""Looking at acoustic vectors: a map, neighbours to listen to, what they go along with.

The map is of principal components (Pearson, *On lines and planes of closest fit*, 1901): a
straight look at the vectors from one side, in which distances can only shrink.

Conventions
-----------
Vectors are a float array of shape (n, 8), a row a track; near means a small Euclidean distance.

Contents
--------
- :func:`with_sound`: a catalogue that has sound; :func:`split`: its playlists, divided;
  :func:`unseen_name`: what is held out.
- :func:`listen`: tracks to play.
- :func:`plane`: a map of the vectors; :func:`corners`: the tracks at its corners.
- :func:`same_label_share`: whether near tracks are of one kind; :func:`rank_correlations`: what a
  dimension follows.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from IPython.display import HTML

from musig import recordings
from musig.errors import MusigError
from musig.pages.listening import excerpt, is_synthetic
from musig.pages.listening import with_sound as audible
from musig.pages.sound import players
from musig.splits import Split, split_playlists
from musig.statistics import CELLS

if TYPE_CHECKING:
    from musig.catalog import Catalog


FEW = 20
"""Playlists of one's own music below which all are training playlists."""
QUERIES = 2_000
"""Tracks whose neighbours are looked at, at most."""


def with_sound(catalog: Catalog, dataset: str, seed: int) -> Catalog:
    """Give the catalogue, or one with sound in its place.

    Parameters
    ----------
    catalog : Catalog
        Spectrograms are sound here: the network hears nothing else.
    dataset : str
        A name that is tried first, as :func:`musig.pages.listening.with_sound` does.
    seed : int, >= 0
        Of an embedded catalogue.

    Returns
    -------
    Catalog
        With a note if it is another.

    Notes
    -----
    Notebook: 03_acoustic_vectors
    """
    return catalog if catalog.has_sound else audible(catalog, dataset, seed)


def split(catalog: Catalog, seed: int, own: bool) -> Split:
    """Divide the playlists of a catalogue; a few of one's own are not divided.

    Parameters
    ----------
    catalog : Catalog
    seed : int, >= 0
    own : bool
        Whether it is a folder of one's own music.

    Returns
    -------
    Split
        As :func:`musig.splits.split_playlists` makes it; with fewer than :data:`FEW` playlists of
        one's own music, all are for training.

    Raises
    ------
    MusigError
        If there is no playlist.

    Notes
    -----
    The network is judged on tracks that it never heard, whichever playlists they are in.
    Notebook: 03_acoustic_vectors
    """
    n = len(catalog.playlists)
    if not n:
        raise MusigError(
            f"{catalog.name} has no playlists. Acoustic vectors are learned from which tracks are "
            "in a playlist together: use data with playlists."
        )
    return split_playlists(catalog, seed, (1, 0, 0) if own and n < FEW else (0.8, 0.1, 0.1))


def unseen_name(catalog: Catalog) -> str:
    """Say what is held out: artists, or tracks where no artist is known.

    Parameters
    ----------
    catalog : Catalog

    Returns
    -------
    str
        ``"unseen artists"`` or ``"unseen tracks"``.

    Notes
    -----
    Notebook: 03_acoustic_vectors
    """
    known = catalog.tracks.reindex(columns=["artist_id", "artist"]).notna().any(axis=None)
    return "unseen artists" if known else "unseen tracks"


def listen(catalog: Catalog, tracks: Sequence[int], labels: Sequence[str], seconds: float) -> HTML:
    """Put the middles of some recordings on the page, to play.

    Parameters
    ----------
    catalog : Catalog
        With sound.
    tracks : sequence of int
        Positions in the catalogue, of tracks that have a recording.
    labels : sequence of str
        One a track; those of synthetic recordings are called so.
    seconds : float, > 0
        Of each.

    Returns
    -------
    IPython.display.HTML
        A sentence where the data hold spectrograms instead of recordings.

    Notes
    -----
    Notebook: 03_acoustic_vectors
    """
    paths = catalog.recordings()[catalog.tracks.index[list(tracks)]]
    if not all(path.lower().endswith(recordings.SUFFIXES) for path in paths):
        return HTML("<p>These data hold spectrograms and no recordings: nothing can be played.</p>")
    kind = "synthetic · " if is_synthetic(catalog) else ""
    each = zip(paths, labels, strict=True)
    return players([(kind + label, *excerpt(path, seconds)) for path, label in each])


def plane(vectors: np.ndarray) -> tuple[np.ndarray, float]:
    """Lay vectors out in the plane of their two first principal components.

    Parameters
    ----------
    vectors : ndarray of float, shape (n, d)

    Returns
    -------
    xy : ndarray of float64, shape (n, 2)
        Centred; the first coordinate varies most. The largest value of each component is positive,
        so that the map is not mirrored from run to run.
    share : float in [0, 1]
        Of the variance that the plane shows; NaN where all vectors are the same.

    Notes
    -----
    Notebook: 03_acoustic_vectors

    Examples
    --------
    >>> xy, share = plane(np.array([[0.0, 0, 1], [2, 0, 1], [0, 1, 1], [2, 1, 1]]))
    >>> np.abs(xy[0]).round(6).tolist(), share
    ([1.0, 0.5], 1.0)
    """
    centred = np.asarray(vectors, dtype=np.float64)
    centred = centred - centred.mean(axis=0)
    _, sizes, axes = np.linalg.svd(centred, full_matrices=False)
    axes, sizes = axes[:2], np.square(sizes)
    axes = axes * np.sign(axes[np.arange(len(axes)), np.abs(axes).argmax(axis=1)])[:, None]
    xy = np.zeros((len(centred), 2))
    xy[:, : len(axes)] = centred @ axes.T
    total = sizes.sum()
    return xy, float(sizes[:2].sum() / total) if total > 1e-12 else float("nan")


def corners(xy: np.ndarray, n: int = 4) -> list[int]:
    """Find points at the corners of a map: far out, and far from each other.

    Parameters
    ----------
    xy : ndarray of float, shape (m, 2)
    n : int, > 0
        How many; fewer where there are fewer points.

    Returns
    -------
    list of int
        Positions, clockwise from the left of the map.

    Notes
    -----
    The first is furthest from the middle, each next one furthest from those before (Gonzalez,
    *Clustering to minimize the maximum intercluster distance*, 1985).
    Notebook: 03_acoustic_vectors

    Examples
    --------
    >>> corners(np.array([[0, 0], [1, 1], [-1, 1], [1, -1], [-1, -1.0]]))
    [2, 1, 3, 4]
    """
    out = xy - xy.mean(axis=0)
    found: list[int] = []
    away = np.square(out).sum(axis=1)
    while len(found) < min(n, len(xy)):
        away[found] = -1  # each once, even where all points are the same
        found.append(int(away.argmax()))
        to_last = np.square(xy - xy[found[-1]]).sum(axis=1)
        away = to_last if len(found) == 1 else np.minimum(away, to_last)
    # angles from the left, clockwise
    angle = np.arctan2(out[found, 1], -out[found, 0]) % (2 * np.pi)
    return [found[place] for place in np.argsort(angle, kind="stable")]


def same_label_share(
    vectors: np.ndarray, labels: pd.Series, artists: np.ndarray, k: int = 5
) -> tuple[float, float]:
    """Give the share of the nearest tracks by other artists that have a track's own label.

    Parameters
    ----------
    vectors : ndarray of float, shape (n, d)
    labels : Series, length n
        Such as a genre; None where unknown.
    artists : ndarray of int, shape (n,)
        A number an artist. One artist's tracks would be alike in label and in sound anyway.
    k : int, > 0
        Neighbours of each track.

    Returns
    -------
    tuple of float
        The share, and what it would be if any track by another artist were as near. Tracks
        without a label do not count. NaN where there is no pair to count. Of more than
        :data:`QUERIES` tracks, the neighbours of so many are looked at, taken evenly.

    Notes
    -----
    Notebook: 03_acoustic_vectors

    Examples
    --------
    >>> vectors = np.array([[0.0], [1.0], [5.0], [6.0]])
    >>> labels = pd.Series(["folk", "folk", "metal", "metal"])
    >>> share, by_chance = same_label_share(vectors, labels, np.arange(4), k=1)
    >>> share, round(by_chance, 3)
    (1.0, 0.333)
    """
    codes, _ = pd.factorize(labels)  # -1 where unknown
    known = np.flatnonzero(codes >= 0)
    codes, artists, rows = codes[known], np.asarray(artists)[known], np.asarray(vectors)[known]
    if not len(rows):
        return float("nan"), float("nan")
    squares = np.square(rows).sum(axis=1)
    n, k = len(rows), min(k, len(rows))
    queries = np.arange(min(n, QUERIES)) * n // min(n, QUERIES)
    near = of_near = pairs = of_pairs = 0
    for block in np.split(queries, range(size := max(1, CELLS // n), len(queries), size)):
        same, other = codes[block, None] == codes, artists[block, None] != artists  # (b, n)
        distances = squares[block, None] + squares - 2 * rows[block] @ rows.T
        order = np.where(other, distances, np.inf).argpartition(k - 1, axis=1)[:, :k]
        told = np.take_along_axis(other, order, axis=1)
        near += (np.take_along_axis(same, order, axis=1) & told).sum()
        of_near += told.sum()
        pairs += (same & other).sum()
        of_pairs += other.sum()
    if not of_pairs:
        return float("nan"), float("nan")
    return float(near / of_near), float(pairs / of_pairs)


def rank_correlations(vectors: np.ndarray, features: pd.DataFrame) -> pd.DataFrame:
    """Correlate the ranks of every dimension with those of every feature.

    Parameters
    ----------
    vectors : ndarray of float, shape (n, d)
    features : DataFrame, length n
        Numbers, NaN where unknown.

    Returns
    -------
    DataFrame
        A row a feature, a column a dimension, named by its number: Spearman's correlation over the
        tracks where the feature is known; NaN where fewer than three are, or all are alike.

    Notes
    -----
    Spearman, The American Journal of Psychology 15, 1904.
    Notebook: 03_acoustic_vectors

    Examples
    --------
    >>> features = pd.DataFrame({"energy": [1.0, 2, 4, 8], "tempo": [np.nan] * 4})
    >>> rank_correlations(np.array([[1.0], [2], [3], [4]]), features)[0].tolist()
    [1.0, nan]
    """
    dimensions = pd.DataFrame(np.asarray(vectors))
    named = dimensions.columns.rename("dimension")
    found = pd.DataFrame(index=features.columns, columns=named, dtype=float)
    for name, values in features.reset_index(drop=True).items():
        known = values.notna()
        if known.sum() < 3 or values.nunique() < 2:
            continue
        ranks = values[known].astype(float).rank()
        found.loc[name] = dimensions[known].rank().corrwith(ranks).to_numpy()
    return found
