"""Themes of the embedded catalogue: what playlists are about.

A theme prefers a few genres, a region of the feature space (through a few of the nine features:
"calm folk"), some artists, and has tastes of its own that no attribute explains. So structure and
content each say something about a playlist that the other does not.

Conventions
-----------
Themes, genres and tracks are row positions; features are standardised, in the order of
:data:`musig.catalog.FEATURES`.

Contents
--------
- :class:`Themes`, :func:`plant_themes`
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from musig.catalog import FEATURES
from musig.sources.synthetic_tracks import GENRES, TrackTruth

GENRE_TASTE = np.array([1.0, 0.35, 0.15])  # weights of the genres a theme likes, best first
OTHER_GENRES = 0.01  # weight added to every genre
RELEVANCE = np.array([2.0, 1.5, 1.0, 0.5])  # how much a theme cares about its features, most first
ARTIST_TASTE, TRACK_TASTE = 0.8, 0.8  # standard deviations of log weights nothing else explains
# What a theme is called by the feature it cares most about: low end, high end.
ADJECTIVES = {
    "acousticness": ("electric", "acoustic"),
    "danceability": ("free-form", "danceable"),
    "energy": ("calm", "charged"),
    "instrumentalness": ("sung", "wordless"),
    "liveness": ("studio", "live"),
    "loudness": ("quiet", "loud"),
    "speechiness": ("melodic", "spoken"),
    "valence": ("sad", "sunny"),
    "tempo": ("slow", "fast"),
}


@dataclass(frozen=True)
class Themes:
    """What playlists are about."""

    weight: np.ndarray
    """(n_themes,) float64, sums to 1: how common each is as a playlist's theme."""
    genres: np.ndarray
    """(n_themes, n_genres) float64, rows sum to 1: the taste for each genre."""
    centre: np.ndarray
    """(n_themes, 9) float64: the liked point of the standardised features."""
    relevance: np.ndarray
    """(n_themes, 9) float64 ≥ 0: how much each feature matters; mostly 0."""
    tracks: np.ndarray
    """(n_themes, n_tracks) float64, rows sum to 1: the chance of each track, hits more."""
    names: tuple[str, ...]
    """Words for each theme, such as "calm folk"."""


def plant_themes(
    n_themes: int, n_genres: int, tracks: TrackTruth, rng: np.random.Generator
) -> Themes:
    """Draw what playlists are about, and from it how likely each track is in each theme.

    Parameters
    ----------
    n_themes, n_genres : int
        How many themes, over how many genres.
    tracks : TrackTruth
        The tracks.
    rng : numpy.random.Generator
        The source of chance.

    Returns
    -------
    Themes
        See its fields.

    Notes
    -----
    The weight of track ``i`` in theme ``t`` is ``popularity_i · genre_t[genre_i] · exp(-½ Σ_f
    relevance_tf (z_if - centre_tf)²) · exp(taste_t,artist + taste_t,i)``. Sums avoid BLAS, whose
    rounding depends on the number of threads.
    Notebook: 01_catalog

    Examples
    --------
    >>> from musig.sources.synthetic_tracks import plant
    >>> rng = np.random.default_rng(0)
    >>> themes = plant_themes(4, 3, plant(50, 10, 3, 1.0, rng), rng)
    >>> themes.tracks.shape, themes.tracks.sum(axis=1).round(6).tolist()
    ((4, 50), [1.0, 1.0, 1.0, 1.0])
    """
    n, n_artists = len(tracks.genre), len(tracks.artist_genre)
    weight = rng.permutation((np.arange(n_themes) + 3.0) ** -0.6)

    # A theme grows around one track: the genre of it comes first, the sound of it is the centre.
    around = rng.choice(n, n_themes, replace=False)
    genres = np.full((n_themes, n_genres), OTHER_GENRES)
    for taste, best in zip(genres, tracks.genre[around], strict=True):
        others = rng.permutation(np.delete(np.arange(n_genres), best))
        liked = [best, *others][: len(GENRE_TASTE)]
        taste[liked] += GENRE_TASTE[: len(liked)]
    genres /= genres.sum(axis=1, keepdims=True)

    centre = tracks.z[around] + 0.3 * rng.normal(size=(n_themes, len(FEATURES)))
    relevance = np.zeros((n_themes, len(FEATURES)))
    relevance[:, : len(RELEVANCE)] = RELEVANCE
    relevance = rng.permuted(relevance, axis=1)
    # Σ r (z - c)² = Σ r z² - 2 Σ r c z + Σ r c²; the last is the same for all tracks of a theme.
    distance = np.einsum("tf,nf->tn", relevance, tracks.z**2)
    distance -= 2 * np.einsum("tf,nf->tn", relevance * centre, tracks.z)

    log_weight = np.log(tracks.popularity) + np.log(genres[:, tracks.genre]) - distance / 2
    log_weight += ARTIST_TASTE * rng.normal(size=(n_themes, n_artists))[:, tracks.artist]
    log_weight += TRACK_TASTE * rng.normal(size=(n_themes, n))
    chance = np.exp(log_weight - log_weight.max(axis=1, keepdims=True))
    chance /= chance.sum(axis=1, keepdims=True)

    names = tuple(
        f"{ADJECTIVES[FEATURES[f]][int(c[f] > 0)]} {GENRES[g].name}"
        for f, c, g in zip(relevance.argmax(axis=1), centre, genres.argmax(axis=1), strict=True)
    )
    return Themes(weight / weight.sum(), genres, centre, relevance, chance, names)
