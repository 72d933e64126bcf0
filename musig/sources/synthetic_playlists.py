"""Playlists of the embedded catalogue: lengths, themes, where tracks come from, their order.

Each entry of a playlist comes from one of four places: its first theme, its second theme, an
artist the playlist returns to, or the hits. Lengths are log-normal, as those of real playlists
roughly are. Tracks follow each other smoothly, as people order them.

Conventions
-----------
Playlists and tracks are row positions. An *entry* is a track in a playlist; entries are flat
arrays, and everything works on those of all playlists at once.

Contents
--------
- :func:`lognormal_lengths`
- :func:`choose_themes`
- :class:`Sampler`: where the next track of a playlist comes from
- :func:`listening_order`
"""

from __future__ import annotations

import numpy as np
from scipy.special import ndtr, ndtri

from musig.sources.synthetic_draws import Table
from musig.sources.synthetic_themes import Themes
from musig.sources.synthetic_tracks import FACTORS, TrackTruth

FROM_FIRST, FROM_SECOND, FROM_ARTIST, FROM_HITS = range(4)  # where an entry comes from

MIN_LENGTH = 5
HITS = 0.10  # share of entries that are hits from anywhere
RETURNS = 0.20  # share of entries by an artist the playlist returns to
FAVOURITES = np.array([0.6, 0.3, 0.1])  # how those divide among a playlist's favourite artists
TWO_THEMES = 0.4  # share of playlists with two themes
SECOND_SHARE = 0.35  # the second theme's share of the entries drawn from themes
ROUGHNESS = 0.4  # noise of the order; the smooth path has standard deviation about 1
ARTIST_RUNS = 0.6  # share of entries that stand beside their artist's others


def lognormal_lengths(
    n: int, median: float, sigma: float, longest: int, rng: np.random.Generator
) -> np.ndarray:
    """Draw playlist lengths: log-normal, conditional on MIN_LENGTH to `longest`.

    Parameters
    ----------
    n : int
        How many.
    median, sigma : float > 0
        Median, and standard deviation of the logarithm, before conditioning.
    longest : int > MIN_LENGTH
        The longest that may occur.
    rng : numpy.random.Generator
        The source of chance.

    Returns
    -------
    ndarray of int64, shape (n,)
        Lengths.

    Notes
    -----
    By the inverse of the distribution function, so nothing piles up at the two ends.
    Notebook: 01_catalog

    Examples
    --------
    >>> lengths = lognormal_lengths(1000, 20, 0.5, 60, np.random.default_rng(0))
    >>> lengths.min() >= 5, lengths.max() <= 60, abs(np.median(lengths) - 20) < 2
    (np.True_, np.True_, np.True_)
    """
    low, high = ndtr(np.log(np.array([MIN_LENGTH, longest + 1]) / median) / sigma)
    z = ndtri(low + (high - low) * rng.random(n))
    return np.clip(np.floor(median * np.exp(sigma * z)).astype(np.int64), MIN_LENGTH, longest)


def choose_themes(n: int, weight: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draw one or two themes for each of `n` playlists.

    Parameters
    ----------
    n : int
        How many playlists.
    weight : ndarray of float64, shape (n_themes,)
        How common each theme is; sums to 1.
    rng : numpy.random.Generator
        The source of chance.

    Returns
    -------
    ndarray of int32, shape (n, 2)
        First and second theme, different; the second is -1 where there is one only.

    Notes
    -----
    Notebook: 01_catalog

    Examples
    --------
    >>> choose_themes(2, np.array([1.0]), np.random.default_rng(0)).tolist()
    [[0, -1], [0, -1]]
    """
    pair = rng.choice(len(weight), (n, 2), p=weight)
    pair[(pair[:, 0] == pair[:, 1]) | (rng.random(n) >= TWO_THEMES), 1] = -1
    return pair.astype(np.int32)


class Sampler:
    """Draws the next track of any playlist.

    Parameters
    ----------
    tracks : TrackTruth
        The tracks.
    themes : Themes
        What playlists can be about.
    playlist_themes : ndarray of int32, shape (m, 2)
        See :func:`choose_themes`.
    rng : numpy.random.Generator
        The source of chance, for the favourite artists of each playlist and for every draw.
    """

    def __init__(
        self,
        tracks: TrackTruth,
        themes: Themes,
        playlist_themes: np.ndarray,
        rng: np.random.Generator,
    ) -> None:
        self.rng = rng
        self.playlist_themes = playlist_themes
        self.in_theme = Table(themes.tracks)
        self.among_hits = Table(tracks.popularity[None])
        # The tracks of an artist, side by side, with the running sum of their popularity.
        self.by_artist = np.argsort(tracks.artist, kind="stable")
        self.start = np.concatenate([[0], np.cumsum(np.bincount(tracks.artist))])
        self.cumulative = np.concatenate([[0.0], np.cumsum(tracks.popularity[self.by_artist])])
        typical = self.in_theme.draw(np.repeat(playlist_themes[:, 0], len(FAVOURITES)), rng)
        self.favourites = tracks.artist[typical].reshape(-1, len(FAVOURITES))

    def draw(self, playlist: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Draw one track for each entry of `playlist`; also say where it comes from (int8)."""
        rng, size = self.rng, len(playlist)
        second = self.playlist_themes[playlist, 1] >= 0
        source = np.where(second & (rng.random(size) < SECOND_SHARE), FROM_SECOND, FROM_FIRST)
        u = rng.random(size)
        source[u < HITS + RETURNS] = FROM_ARTIST
        source[u < HITS] = FROM_HITS
        track = np.empty(size, dtype=np.int64)
        for kind in (FROM_FIRST, FROM_SECOND):
            at = np.flatnonzero(source == kind)
            track[at] = self.in_theme.draw(self.playlist_themes[playlist[at], kind], rng)
        at = np.flatnonzero(source == FROM_ARTIST)
        nth = rng.choice(len(FAVOURITES), len(at), p=FAVOURITES)
        track[at] = self.of_artist(self.favourites[playlist[at], nth])
        at = np.flatnonzero(source == FROM_HITS)
        track[at] = self.among_hits.draw(np.zeros(len(at), dtype=np.int64), rng)
        return track, source.astype(np.int8)

    def of_artist(self, artist: np.ndarray) -> np.ndarray:
        """Draw one track of each artist, in proportion to popularity."""
        first, end = self.start[artist], self.start[artist + 1]
        low, high = self.cumulative[first], self.cumulative[end]
        place = low + (high - low) * self.rng.random(len(artist))
        found = np.searchsorted(self.cumulative, place, side="right") - 1
        return self.by_artist[np.clip(found, first, end - 1)]  # rounding may step over an end


def listening_order(
    playlist: np.ndarray, track: np.ndarray, tracks: TrackTruth, rng: np.random.Generator
) -> np.ndarray:
    """Order the tracks within each playlist: neighbours sound alike, artists come in runs.

    Parameters
    ----------
    playlist, track : ndarray of int64, shape (n_entries,)
        Entries; playlists ascending.
    tracks : TrackTruth
        The tracks.
    rng : numpy.random.Generator
        The source of chance.

    Returns
    -------
    ndarray of int64, shape (n_entries,)
        Positions of the entries, playlists ascending, in listening order within each.

    Notes
    -----
    Each playlist walks from calm to intense, from stiff to groovy, or some way between of its own,
    with some noise. A share of its tracks stand where their artist's typical track would.
    Notebook: 01_catalog

    Examples
    --------
    >>> from musig.sources.synthetic_tracks import plant
    >>> playlist, track = np.repeat([0, 1], 20), np.tile(np.arange(20), 2)
    >>> tracks = plant(20, 4, 3, 1.0, np.random.default_rng(0))
    >>> order = listening_order(playlist, track, tracks, np.random.default_rng(0))
    >>> sorted(track[order[:20]].tolist()) == list(range(20))
    True
    """
    direction = rng.normal(size=(int(playlist.max()) + 1, len(FACTORS))) @ FACTORS
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    path = np.einsum("ef,ef->e", direction[playlist], tracks.z[track])
    path += ROUGHNESS * rng.normal(size=len(path))

    typical = np.zeros((len(tracks.artist_genre), tracks.z.shape[1]))
    np.add.at(typical, tracks.artist, tracks.z)
    typical /= np.bincount(tracks.artist)[:, None]
    runs = np.flatnonzero(rng.random(len(path)) < ARTIST_RUNS)
    sound = typical[tracks.artist[track[runs]]]
    path[runs] = np.einsum("ef,ef->e", direction[playlist[runs]], sound)
    return np.lexsort((path, playlist))
