"""The table of tracks of the embedded catalogue: what of the truth is seen.

Names, tags, a noisy popularity, and gaps. As in real playlists joined with public tables, gaps
are not random: the less popular a track, the more is unknown of it.

Conventions
-----------
Unknown is NaN or None (an empty list for ``genres``), never 0; a popularity of 0 is a value.

Contents
--------
- :data:`MISSING`: how much is unknown
- :func:`observe`: from what is true to the table
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from musig.catalog import FEATURES
from musig.sources import synthetic_names
from musig.sources.synthetic_tracks import GENRES, TrackTruth

ALBUM_TRACKS = 8

# Share unknown at the head and at the tail of popularity, so not at random: in all about 14 % of
# the features, 28 % of the popularity, 3 % of the genres, as in real playlists joined with tables.
MISSING = {"features": (0.03, 0.35), "popularity": (0.10, 0.65), "genres": (0.005, 0.08)}
POPULARITY_NOISE = 12.0  # points of 100


def observe(truth: TrackTruth, recorded: np.ndarray, rng: np.random.Generator) -> pd.DataFrame:
    """Make the table of tracks: names, noisy popularity, tags, and what is unknown.

    Parameters
    ----------
    truth : TrackTruth
        What is true.
    recorded : ndarray of int, shape (m,)
        Positions of the tracks that have a recording.
    rng : numpy.random.Generator
        The source of chance.

    Returns
    -------
    DataFrame
        Indexed by ``track_id``; columns of a catalogue. ``popularity`` is 0 to 100, rises with the
        latent popularity up to noise, and its zeros are true zeros; NaN is unknown.

    Notes
    -----
    The less popular, the more is unknown (see :data:`MISSING`), so dropping incomplete tracks
    favours hits, as it does in real data.
    Notebook: 01_catalog

    Examples
    --------
    >>> from musig.sources.synthetic_tracks import plant
    >>> rng = np.random.default_rng(0)
    >>> table = observe(plant(50, 10, 3, 1.0, rng), np.array([7]), rng)
    >>> table.index.name, table["name"].isna().sum(), table["recording"].iloc[7]
    ('track_id', np.int64(0), 't000007.flac')
    """
    n, n_artists = len(truth.artist), len(truth.artist_genre)
    obscurity = np.argsort(np.argsort(-truth.popularity, kind="stable")) / n  # 0 head, 1 tail

    def unknown(what: str, obscurity: np.ndarray) -> np.ndarray:
        head, tail = MISSING[what]
        return rng.random(len(obscurity)) < head + (tail - head) * obscurity**2

    points = 90 - 85 * obscurity + POPULARITY_NOISE * rng.normal(size=n)
    popularity = np.clip(np.round(points), 0, 100)
    popularity[unknown("popularity", obscurity)] = np.nan

    features = np.round(truth.features, 4)
    features[unknown("features", obscurity)] = np.nan

    fame = np.full(n_artists, 1.0)
    np.minimum.at(fame, truth.artist, obscurity)
    genreless = unknown("genres", fame)[truth.artist]  # a genre table knows artists, not tracks
    tags = [artist_tags(genre, rng) for genre in truth.artist_genre]
    genres = np.empty(n, dtype=object)
    main = np.empty(n, dtype=object)
    for i, (artist, genre) in enumerate(zip(truth.artist, truth.genre, strict=True)):
        stray = genre != truth.artist_genre[artist]
        genres[i] = [] if genreless[i] else [GENRES[genre].tags[0]] * int(stray) + tags[artist]
        main[i] = None if genreless[i] else GENRES[genre].name

    album = album_of(truth.artist)
    artist_name = synthetic_names.artist_names(n_artists, rng)
    columns = {
        "name": synthetic_names.track_names(n, rng),
        "artist": artist_name[truth.artist],
        "artist_id": np.array([f"a{a:05d}" for a in truth.artist], dtype=object),
        "album": synthetic_names.album_names(int(album.max()) + 1, rng)[album],
        "popularity": popularity,
        "genres": genres,
        "main_genre": main,
    }
    columns |= {name: features[:, j].astype(np.float32) for j, name in enumerate(FEATURES)}
    index = pd.Index([f"t{i:06d}" for i in range(n)], name="track_id")
    recording = np.full(n, None, dtype=object)
    recording[recorded] = [f"{index[i]}.flac" for i in recorded]
    columns["recording"] = recording
    return pd.DataFrame(columns, index=index)


def artist_tags(genre: int, rng: np.random.Generator) -> list[str]:
    """Draw one to three different finer tags of a genre.

    Parameters
    ----------
    genre : int
        Its number.
    rng : numpy.random.Generator

    Returns
    -------
    list of str

    Notes
    -----
    Notebook: 01_catalog
    """
    tags = GENRES[genre].tags
    return [tags[k] for k in rng.permutation(len(tags))[: rng.integers(1, 4)]]


def album_of(artist: np.ndarray) -> np.ndarray:
    """Give albums numbers: each artist's tracks in order, at most ALBUM_TRACKS to an album.

    Parameters
    ----------
    artist : ndarray of int, shape (n,)
        Artist of each track.

    Returns
    -------
    ndarray of int, shape (n,)
        Album of each track, from 0.

    Notes
    -----
    Notebook: 01_catalog
    """
    order = np.argsort(artist, kind="stable")
    start = np.searchsorted(artist[order], artist[order], side="left")
    block = (np.arange(len(artist)) - start) // ALBUM_TRACKS
    album = np.empty(len(artist), dtype=np.int64)
    album[order] = np.unique(artist[order] * (block.max() + 1) + block, return_inverse=True)[1]
    return album
