"""A catalogue in tables: its playlists, how unequal popularity is, and what a split leaves.

Every choice later in the book rests on what these tables show: few tracks are in many playlists,
and most tracks are in few.

Conventions
-----------
A function takes a :class:`musig.catalog.Catalog`, or counts of playlists, first; shares are in
[0, 1]. Counting is over all playlists unless a split is given. What is known of the tracks
themselves is in :mod:`musig.pages.attributes`.

Contents
--------
- :func:`playlist_table`: a playlist, to be read; :func:`words`: any tracks, to be read.
- :func:`zipf_exponent`, :func:`head_share`: how unequal popularity is.
- :func:`universe_table`, :func:`seen_artist_share`: what a split leaves.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from musig.errors import MusigError

if TYPE_CHECKING:
    from musig.catalog import Catalog
    from musig.splits import Split


def playlist_table(catalog: Catalog, position: int, rows: int = 10) -> pd.DataFrame:
    """List the first tracks of a playlist in words.

    Parameters
    ----------
    catalog : Catalog
    position : int
        Which playlist, from 0.
    rows : int
        At most so many tracks.

    Returns
    -------
    DataFrame
        ``title``, ``artist``, ``genre``, ``playlists`` (how many hold the track), in listening
        order. A track without a title is listed by its id.

    Raises
    ------
    MusigError
        If there is no such playlist.

    Notes
    -----
    Notebook: 01_catalog
    """
    n = len(catalog.playlists)
    if not 0 <= position < n:
        raise MusigError(
            f"Playlist {position} does not exist: {catalog.name} has {n:,}, numbered 0 to {n - 1}."
        )
    tracks = catalog.playlists[position][:rows]
    counts = catalog.playlists.counts(catalog.n_tracks)
    return words(catalog.tracks, tracks).assign(playlists=counts[tracks])


def words(tracks: pd.DataFrame, positions: np.ndarray) -> pd.DataFrame:
    """Describe tracks to a person.

    Parameters
    ----------
    tracks : DataFrame
        As ``Catalog.tracks``.
    positions : ndarray of int, shape (m,)

    Returns
    -------
    DataFrame
        ``title`` (the track's id where it has none), ``artist``, ``genre``; None where unknown.

    Notes
    -----
    Notebook: 01_catalog
    """
    rows = tracks.iloc[positions]
    ids = pd.Series(rows.index, index=rows.index)
    table = {
        "title": rows["name"].fillna(ids) if "name" in rows else ids,
        "artist": rows.get("artist", pd.Series(None, index=rows.index, dtype=object)),
        "genre": rows.get("main_genre", pd.Series(None, index=rows.index, dtype=object)),
    }
    return pd.DataFrame(table).reset_index(drop=True)


def zipf_exponent(counts: np.ndarray, share: float = 0.1) -> float:
    """Fit the slope of the popularity curve's head on logarithmic axes.

    Parameters
    ----------
    counts : ndarray of int, shape (n_tracks,)
        Playlists that hold each track.
    share : float in (0, 1]
        Which part of the tracks, from the top, is fitted (at least ten).

    Returns
    -------
    float
        The exponent s of ``count ∝ rank ** -s``; NaN with fewer than ten tracks.

    Notes
    -----
    Least squares at ranks evenly spaced on the logarithmic axis, so that the many ranks at the end
    do not outvote the few at the top.
    Notebook: 01_catalog

    Examples
    --------
    >>> round(zipf_exponent(1e6 / np.arange(1, 1001)), 3)
    1.0
    """
    ordered = np.sort(counts[counts > 0])[::-1]
    n = max(10, int(share * len(ordered)))
    if len(ordered) < 10:
        return float("nan")
    ranks = np.unique(np.geomspace(1, n, 50).round().astype(int))
    slope, _ = np.polyfit(np.log(ranks), np.log(ordered[ranks - 1]), 1)
    return float(-slope)


def head_share(counts: np.ndarray, share: float = 0.01) -> float:
    """Give the share of all playlist entries that the most popular tracks take.

    Parameters
    ----------
    counts : ndarray of int, shape (n_tracks,)
        Playlists that hold each track.
    share : float in (0, 1]
        How many tracks are "the most popular", among those in any playlist; at least one.

    Returns
    -------
    float in [0, 1]

    Notes
    -----
    Notebook: 01_catalog

    Examples
    --------
    >>> head_share(np.array([6, 2, 1, 1]), share=0.25)
    0.6
    """
    ordered = np.sort(counts[counts > 0])[::-1]
    n = max(1, round(share * len(ordered)))
    return float(ordered[:n].sum() / max(1, ordered.sum()))


def universe_table(catalog: Catalog, split: Split, thresholds: Sequence[int]) -> pd.DataFrame:
    """Show what a threshold on training playlists keeps.

    Parameters
    ----------
    catalog : Catalog
    split : Split
    thresholds : sequence of int
        Values of ``min_playlists``.

    Returns
    -------
    DataFrame
        Index ``min_playlists``; ``tracks``, the share kept of those in any training playlist;
        ``test entries``, the share of test playlists' entries whose track is kept.

    Notes
    -----
    Notebook: 01_catalog
    """
    counts = catalog.playlists.subset(split.train).counts(catalog.n_tracks)
    tested = counts[catalog.playlists.subset(split.test).tracks]
    rows = {
        threshold: (
            (counts >= threshold).sum() / max(1, (counts > 0).sum()),
            (tested >= threshold).mean() if len(tested) else np.nan,
        )
        for threshold in thresholds
    }
    table = pd.DataFrame.from_dict(rows, orient="index", columns=["tracks", "test entries"])
    return table.rename_axis("min_playlists")


def seen_artist_share(catalog: Catalog, split: Split) -> float:
    """Give the share of test entries whose artist is also in a training playlist.

    Parameters
    ----------
    catalog : Catalog
    split : Split

    Returns
    -------
    float in [0, 1]
        NaN where artists are not known, or nothing is tested.

    Notes
    -----
    Notebook: 01_catalog
    """
    if "artist" not in catalog.tracks:
        return float("nan")
    artist, _ = pd.factorize(catalog.tracks["artist"])  # -1 where unknown
    tested = artist[catalog.playlists.subset(split.test).tracks]
    seen = artist[catalog.playlists.subset(split.train).tracks]
    tested = tested[tested >= 0]
    return float(np.isin(tested, seen).mean()) if len(tested) else float("nan")
