"""What is known of tracks beside their playlists: genre, audio features, and what is missing.

Two of the paper's three sources of information are attributes of a track: its sound and its genre.
Neither is known for every track, nor is what is missing missing at random; and a genre says who
the artist is more than what the track is.

Conventions
-----------
A function takes a :class:`musig.catalog.Catalog` and returns a pandas table; shares are in [0, 1].
A column that a data set does not have counts as unknown for every track.

Contents
--------
- :data:`MEANINGS`: the nine audio features in words.
- :func:`feature_table`, :func:`feature_by_genre`: how they spread.
- :func:`genre_table`, :func:`one_genre_share`: genres, and whose they are.
- :func:`missing_by_popularity`: which tracks lack what.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from musig.validation import FEATURES

if TYPE_CHECKING:
    from musig.catalog import Catalog

MEANINGS = {
    "acousticness": ("0 to 1", "confidence that the track is acoustic"),
    "danceability": ("0 to 1", "tempo, stability of rhythm, strength of beat, regularity"),
    "energy": ("0 to 1", "perceived intensity"),
    "instrumentalness": ("0 to 1", "likelihood of no vocals; above 0.5 meant as instrumental"),
    "liveness": ("0 to 1", "presence of an audience; above 0.8 likely live"),
    "loudness": ("dB, about −60 to 0", "mean over the track"),
    "speechiness": ("0 to 1", "above 0.66 speech, 0.33 to 0.66 mixed, below 0.33 music"),
    "valence": ("0 to 1", "musical positiveness"),
    "tempo": ("beats per minute", "from the mean duration of a beat"),
}
"""Feature -> range and meaning, as the Spotify Web API's reference defines them."""


def feature_table(catalog: Catalog) -> pd.DataFrame:
    """Set the nine audio features beside what they mean.

    Parameters
    ----------
    catalog : Catalog

    Returns
    -------
    DataFrame
        ``feature``, ``range`` and ``meaning`` by definition; ``5 %``, ``median``, ``95 %`` as
        found; ``unknown``, a share.

    Notes
    -----
    Notebook: 01_catalog
    """
    rows = []
    for name, (span, meaning) in MEANINGS.items():
        values = catalog.tracks.get(name, pd.Series(np.nan, index=catalog.tracks.index))
        low, middle, high = values.astype(float).quantile([0.05, 0.5, 0.95])
        found = {"5 %": low, "median": middle, "95 %": high, "unknown": values.isna().mean()}
        rows.append({"feature": name, "range": span, "meaning": meaning} | found)
    return pd.DataFrame(rows)


def feature_by_genre(catalog: Catalog) -> pd.DataFrame:
    """Say how each genre's mean differs from that of all tracks, in standard deviations.

    Parameters
    ----------
    catalog : Catalog

    Returns
    -------
    DataFrame
        A row a genre, most tracks first; a column a feature; NaN where nothing is known.

    Notes
    -----
    Notebook: 01_catalog
    """
    features = catalog.tracks.reindex(columns=list(FEATURES)).astype(float)
    standard = (features - features.mean()) / features.std()
    genres = genre_table(catalog)["genre"]
    if genres.empty:
        return pd.DataFrame(columns=list(FEATURES), dtype=float)
    return standard.groupby(catalog.tracks["main_genre"]).mean().loc[genres]


def genre_table(catalog: Catalog) -> pd.DataFrame:
    """Count tracks, entries and artists of each main genre.

    Parameters
    ----------
    catalog : Catalog

    Returns
    -------
    DataFrame
        ``genre``, ``tracks``, ``share of tracks``, ``share of entries``, ``artists``; most tracks
        first. Tracks of unknown genre are left out and the shares are of the others.

    Notes
    -----
    Notebook: 01_catalog
    """
    tracks = pd.DataFrame(index=catalog.tracks.index)
    for column in ("main_genre", "artist"):
        tracks[column] = catalog.tracks.get(column)
    tracks["entries"] = catalog.playlists.counts(catalog.n_tracks)
    groups = tracks.dropna(subset="main_genre").groupby("main_genre")
    table = pd.DataFrame({"tracks": groups.size()})
    table["share of tracks"] = table["tracks"] / max(1, table["tracks"].sum())
    table["share of entries"] = groups["entries"].sum() / max(1, groups["entries"].sum().sum())
    table["artists"] = groups["artist"].nunique()
    table = table.rename_axis("genre").reset_index()
    return table.sort_values(["tracks", "genre"], ascending=[False, True], ignore_index=True)


def one_genre_share(catalog: Catalog) -> float:
    """Give the share of artists, of two tracks or more, whose tracks all have one main genre.

    Parameters
    ----------
    catalog : Catalog

    Returns
    -------
    float in [0, 1]
        NaN where no artist has two tracks of known genre.

    Notes
    -----
    Near 1, a genre is a property of the artist: predicting it for a new track of a known artist
    is recognising the artist.
    Notebook: 01_catalog
    """
    columns = ["artist", "main_genre"]
    if not set(columns) <= set(catalog.tracks.columns):
        return float("nan")
    by_artist = catalog.tracks[columns].dropna().groupby("artist")["main_genre"]
    several = by_artist.size() >= 2
    return float((by_artist.nunique()[several] == 1).mean())


def missing_by_popularity(catalog: Catalog, n_groups: int = 10) -> pd.DataFrame:
    """Give the share of tracks that lack an attribute, from the most to the least popular group.

    Parameters
    ----------
    catalog : Catalog
    n_groups : int
        Groups of equal size of the tracks that are in any playlist; ties go by position.

    Returns
    -------
    DataFrame
        Index ``group of tracks, 1 = in most playlists``; ``genre``, ``popularity``,
        ``audio features`` (any of the nine unknown), shares in [0, 1].

    Notes
    -----
    Notebook: 01_catalog
    """
    counts = catalog.playlists.counts(catalog.n_tracks)
    order = np.argsort(-counts, kind="stable")[: int((counts > 0).sum())]
    groups = np.arange(len(order)) * n_groups // max(1, len(order)) + 1
    lacks = pd.DataFrame(_lacks(catalog.tracks)).iloc[order]
    table = lacks.groupby(groups).mean()
    return table.rename_axis("group of tracks, 1 = in most playlists")


def _lacks(tracks: pd.DataFrame) -> dict[str, np.ndarray]:
    everyone = np.ones(len(tracks), dtype=bool)

    def unknown(column: str) -> np.ndarray:
        return tracks[column].isna().to_numpy() if column in tracks else everyone

    return {
        "genre": unknown("main_genre"),
        "popularity": unknown("popularity"),
        "audio features": np.any([unknown(name) for name in FEATURES], axis=0),
    }
