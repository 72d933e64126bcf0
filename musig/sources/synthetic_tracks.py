"""Tracks of the embedded catalogue: artists, genres, popularity, and the nine features.

The shapes follow what Spotify's audio features look like on popular music (definitions and
ranges: Spotify Web API reference, "audio features"): most tracks are not acoustic, not live and
not instrumental, loudness lies a few dB below 0, tempo near 120 BPM. Their *relation* to genre is
planted: a track's features are its genre's shift plus its artist's plus its own, in units of
standard deviations, pushed through one monotone curve per feature.

Conventions
-----------
Tracks and artists are row positions. ``z`` is float64 ``(n, 9)`` in the order of
:data:`musig.catalog.FEATURES`, each column with mean 0 and standard deviation 1. Latent
popularity is positive and sums to 1.

Contents
--------
- :data:`GENRES`, :data:`CURVES`: the planted genre profiles and the marginal shapes
- :class:`TrackTruth`, :func:`plant`: who made what, how popular, how it sounds
- :func:`natural_scale`: from standard deviations to the values of Spotify's audio features
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from musig.catalog import FEATURES


@dataclass(frozen=True)
class Genre:
    """A block of the catalogue: how its tracks differ from the average, and its finer tags."""

    name: str
    share: float
    """Relative number of artists."""
    shift: tuple[float, ...]
    """Mean of each feature in standard deviations, in the order of FEATURES."""
    tags: tuple[str, ...]


# The signs and rough sizes of the shifts follow common knowledge of the genres; the rest is ours.
# acousticness danceability energy instrumentalness liveness loudness speechiness valence tempo
GENRES = (
    Genre("pop", 5, (0.0, 0.3, 0.2, -0.5, 0.0, 0.5, 0.0, 0.3, 0.0),
          ("dance pop", "synth pop", "bedroom pop", "power pop")),
    Genre("hip hop", 5, (-0.2, 1.0, -0.1, -0.6, 0.2, 0.2, 1.6, 0.0, 0.0),
          ("boom bap", "trap", "cloud rap", "jazz rap")),
    Genre("rock", 4, (-0.4, -0.6, 0.6, 0.2, 0.1, -0.2, -0.5, 0.4, 0.1),
          ("garage rock", "soft rock", "psychedelic rock", "blues rock")),
    Genre("electronic", 3, (-0.6, 0.5, 0.6, 1.3, 0.0, 0.4, 0.0, -0.4, 0.4),
          ("house", "techno", "downtempo", "drum and bass")),
    Genre("folk", 2.5, (1.4, -0.6, -1.2, 0.5, -0.2, -1.0, -0.7, -0.5, -0.2),
          ("indie folk", "chamber folk", "traditional folk")),
    Genre("metal", 2, (-1.4, -1.1, 1.3, 0.3, 0.2, 0.8, 0.1, -0.5, 0.4),
          ("doom metal", "thrash metal", "progressive metal")),
    Genre("latin", 2, (0.3, 1.0, 0.4, -0.4, 0.0, 0.5, 0.1, 1.0, -0.1),
          ("latin pop", "cumbia", "salsa", "bachata")),
    Genre("country", 2, (0.2, -0.2, 0.3, -0.5, 0.0, 0.3, -0.8, 0.4, 0.2),
          ("outlaw country", "bluegrass", "country road")),
    Genre("r&b/soul", 2, (0.4, 0.4, -0.5, 0.1, -0.1, -0.5, 0.0, 0.2, -0.4),
          ("neo soul", "classic soul", "slow jams")),
    Genre("jazz", 1, (1.4, -0.1, -1.2, 1.1, 0.0, -1.4, -0.3, 0.0, -0.3),
          ("cool jazz", "swing", "jazz fusion")),
    Genre("classical", 1, (2.0, -1.2, -1.9, 2.0, -0.1, -2.3, -0.4, -1.2, -0.4),
          ("baroque", "romantic era", "minimalism")),
    Genre("reggae", 0.8, (-0.1, 1.2, -0.1, -0.1, 0.0, -0.2, 0.6, 1.3, -0.2),
          ("dub", "roots reggae", "ska")),
)  # fmt: skip

# Within a genre, two things vary together: intensity, and groove. Columns as FEATURES.
FACTORS = np.array(
    [
        (-0.55, 0.0, 0.85, -0.1, 0.15, 0.7, 0.1, 0.25, 0.15),
        (-0.05, 0.65, 0.0, -0.15, -0.1, 0.05, 0.35, 0.6, -0.15),
    ]
)
# How a standard deviation z becomes a value: see natural_scale.
# a and b put the median and the 10 % and 90 % points near those of popular recorded music.
CURVES: dict[str, tuple[str, float, float]] = {
    "acousticness": ("logit", -2.2, 2.4),
    "danceability": ("logit", 0.5, 0.7),
    "energy": ("logit", 0.8, 1.0),
    "instrumentalness": ("logit", -11.0, 5.5),
    "liveness": ("logit", -1.9, 0.85),
    "loudness": ("dB", 1.83, 0.44),
    "speechiness": ("speech", -3.6, 1.2),
    "valence": ("logit", 0.0, 1.1),
    "tempo": ("log", 4.79, 0.24),
}
TEMPO_RANGE = (40.0, 220.0)  # BPM
SILENT_INSTRUMENT = 1e-6  # instrumentalness below this is reported as a true 0, as Spotify does

ARTIST_SHARE, TRACK_SHARE = 0.6, 0.75  # standard deviation of artist and track parts of z
OTHER_GENRE = 0.05  # share of tracks whose genre is not their artist's


@dataclass(frozen=True)
class TrackTruth:
    """What is true of the tracks, whether the table shows it or not."""

    genre: np.ndarray
    """(n,) int32, position in GENRES."""
    artist: np.ndarray
    """(n,) int32; tracks of one artist are not adjacent."""
    artist_genre: np.ndarray
    """(n_artists,) int32."""
    popularity: np.ndarray
    """(n,) float64, sums to 1; Zipf-Mandelbrot in its own rank."""
    z: np.ndarray
    """(n, 9) float64, standardised features."""
    features: np.ndarray
    """(n, 9) float64, the same on their natural scales, none missing."""


def plant(
    n: int, n_artists: int, n_genres: int, exponent: float, rng: np.random.Generator
) -> TrackTruth:
    """Draw artists, genres, popularity and features of ``n`` tracks.

    Parameters
    ----------
    n, n_artists : int
        Tracks and artists; every artist has at least one track.
    n_genres : int, 1 to len(GENRES)
        The first so many of :data:`GENRES` are used.
    exponent : float > 0
        Popularity is proportional to ``(rank + n / 100) ** -exponent``.
    rng : numpy.random.Generator
        The source of chance.

    Returns
    -------
    TrackTruth
        See its fields.

    Notes
    -----
    Zipf-Mandelbrot, as the head of real playlist counts is flatter than a pure power law.
    Notebook: 01_catalog

    Examples
    --------
    >>> truth = plant(50, 10, 3, 1.0, np.random.default_rng(0))
    >>> truth.z.shape, round(float(truth.popularity.sum()), 6)
    ((50, 9), 1.0)
    """
    shares = np.array([genre.share for genre in GENRES[:n_genres]])
    artist_genre = rng.choice(n_genres, n_artists, p=shares / shares.sum()).astype(np.int32)
    productivity = rng.permutation((np.arange(n_artists) + 2.0) ** -0.7)
    more = rng.choice(n_artists, n - n_artists, p=productivity / productivity.sum())
    artist = rng.permutation(np.concatenate([np.arange(n_artists), more])).astype(np.int32)
    genre = artist_genre[artist].copy()
    strays = rng.random(n) < OTHER_GENRE
    genre[strays] = rng.integers(0, n_genres, strays.sum())

    fame = rng.normal(size=n_artists)[artist] + rng.normal(size=n)  # artists rise as a whole
    rank = np.empty(n)
    rank[np.argsort(-fame, kind="stable")] = np.arange(n)
    popularity = (rank + n / 100) ** -exponent
    popularity /= popularity.sum()

    shift = np.array([genre.shift for genre in GENRES])
    own = rng.normal(size=(n, 2)) @ FACTORS + 0.7 * rng.normal(size=(n, len(FEATURES)))
    z = shift[genre] + ARTIST_SHARE * rng.normal(size=(n_artists, 9))[artist] + TRACK_SHARE * own
    z = (z - z.mean(axis=0)) / z.std(axis=0)
    return TrackTruth(genre, artist, artist_genre, popularity, z, natural_scale(z))


def natural_scale(z: np.ndarray) -> np.ndarray:
    """Turn standardised features into values in the ranges of Spotify's audio features.

    Parameters
    ----------
    z : ndarray float64, shape (n, 9)
        Standard deviations, in the order of FEATURES.

    Returns
    -------
    ndarray float64, shape (n, 9)
        Values: loudness in dB (-60 to 0), tempo in BPM, the others in [0, 1]. Increasing in ``z``.

    Notes
    -----
    Notebook: 01_catalog

    Examples
    --------
    >>> natural_scale(np.zeros((1, 9))).round(2).tolist()
    [[0.1, 0.62, 0.69, 0.0, 0.13, -6.23, 0.05, 0.5, 120.3]]
    """
    values = np.empty_like(z)
    for j, name in enumerate(FEATURES):
        kind, a, b = CURVES[name]
        if kind == "logit":
            values[:, j] = expit(a + b * z[:, j])
        elif kind == "dB":
            values[:, j] = np.maximum(-np.exp(a - b * z[:, j]), -60.0)
        elif kind == "speech":  # no recording has none: a floor, then a long tail
            values[:, j] = np.minimum(0.025 + np.exp(a + b * z[:, j]), 0.96)
        else:
            values[:, j] = np.clip(np.exp(a + b * z[:, j]), *TEMPO_RANGE)
    column = FEATURES.index("instrumentalness")
    values[values[:, column] < SILENT_INSTRUMENT, column] = 0.0
    return values
