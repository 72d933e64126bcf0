"""The embedded catalogue: synthetic playlists with a planted truth, from a seed.

Real playlists cannot be shipped; this catalogue stands in for them in every chapter and test. Its
mechanism is known, so a test can ask whether a method finds what is there. It is no evidence
about which method is better on real playlists: synthetic ones can reverse a ranking.

The ``paper`` size imitates the graph of Saravanou et al. (ISMIR 2021): 15.9K tracks, 95K playlists,
5.2M edges. That these are the undirected edges of weight above 10 is our reading of second-hand
reading notes (edges of weight ≤ 10 are said to be excluded; before or after the count, and one
direction or both, is not known), not a fact from the paper.

Conventions
-----------
Tracks, artists, themes and playlists are row positions. A generator is spawned from ``seed`` for
each part, so changing one (say the names) leaves the others as they were. All of it is numpy on
one thread: the same seed and versions give the same bits.

Contents
--------
- :data:`SIZES`, :class:`Size`: the three sizes
- :func:`make`: the catalogue
- :func:`make_with_truth`, :class:`Truth`: the catalogue, and what was planted

The parts, in the order they are made: :mod:`~musig.sources.synthetic_tracks` (artists, genres,
sound), :mod:`~musig.sources.synthetic_themes`, :mod:`~musig.sources.synthetic_playlists` (drawn by
:mod:`~musig.sources.synthetic_draws`), :mod:`~musig.sources.synthetic_table` (what of it is seen).
Some tracks can be heard: :mod:`~musig.sources.synthetic_sound` renders their recordings when they
are asked for.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np

from musig.catalog import Catalog, Playlists
from musig.errors import MusigError, nearest
from musig.sources import synthetic_sound
from musig.sources.synthetic_draws import fill_distinct
from musig.sources.synthetic_names import playlist_names
from musig.sources.synthetic_playlists import (
    Sampler,
    choose_themes,
    listening_order,
    lognormal_lengths,
)
from musig.sources.synthetic_table import observe
from musig.sources.synthetic_themes import Themes, plant_themes
from musig.sources.synthetic_tracks import TrackTruth, plant


@dataclass(frozen=True)
class Size:
    """How much to generate."""

    n_tracks: int
    n_artists: int
    n_genres: int
    n_themes: int
    n_playlists: int
    median_length: float
    """Median of the log-normal playlist length, before it is cut to 5 … max_length."""
    sigma_length: float
    """Standard deviation of the logarithm of the length."""
    max_length: int
    exponent: float = 0.7
    """Of the Zipf-Mandelbrot law of track popularity."""
    n_recordings: int = 0
    """How many of the tracks have a recording."""
    seconds: float = 10.0
    """Length of a recording."""


# The paper size is calibrated to 5.2M edges of weight > 10 by its median length alone, counting
# with musig.graph.cooccurrence: 4.23M and 4.32M (seeds 0 and 1) at 48, 4.93M and 5.03M at 52, and
# 53.3 by interpolation. It has 400 themes because with 250 the count varied twice as much from
# seed to seed. Calibrate anew after any change to themes, tracks or playlists.
SIZES: dict[str, Size] = {
    "smoke": Size(300, 50, 5, 10, 600, 12.0, 0.5, 50, n_recordings=60, seconds=4.0),
    "classroom": Size(2_000, 300, 12, 50, 8_000, 24.0, 0.6, 120, n_recordings=300),
    "paper": Size(15_900, 2_400, 12, 400, 95_000, 53.3, 0.8, 250),
}


@dataclass(frozen=True)
class Truth:
    """What was planted: the answers to a test's questions."""

    tracks: TrackTruth
    themes: Themes
    track_themes: np.ndarray
    """(n_tracks, n_themes) float32, rows sum to 1: which themes a track belongs to."""
    playlist_themes: np.ndarray
    """(n_playlists, 2) int32: first and second theme; second is -1 where there is one only."""
    source: np.ndarray
    """(n_entries,) int8, along Playlists.tracks: where an entry comes from, one of the ``FROM_…``
    constants of :mod:`musig.sources.synthetic_playlists`."""


def make(size: str = "classroom", seed: int = 0) -> Catalog:
    """Generate the embedded catalogue.

    Parameters
    ----------
    size : str, one of smoke, classroom, paper
        See :data:`SIZES`.
    seed : int ≥ 0
        Same seed, same catalogue.

    Returns
    -------
    Catalog
        Named ``embedded-<size>``; valid.

    Raises
    ------
    MusigError
        The size is unknown or the seed negative.

    Notes
    -----
    Notebook: 01_catalog

    Examples
    --------
    >>> catalog = make("smoke")
    >>> len(catalog.tracks), len(catalog.playlists)
    (300, 600)
    """
    return make_with_truth(size, seed)[0]


def make_with_truth(size: str = "classroom", seed: int = 0) -> tuple[Catalog, Truth]:
    """Generate the embedded catalogue and say what was planted.

    Parameters
    ----------
    size : str, one of smoke, classroom, paper
        See :data:`SIZES`.
    seed : int ≥ 0
        Same seed, same catalogue.

    Returns
    -------
    Catalog, Truth
        The catalogue of :func:`make`, and the truth behind it.

    Raises
    ------
    MusigError
        The size is unknown or the seed negative.

    Notes
    -----
    Notebook: 01_catalog

    Examples
    --------
    >>> catalog, truth = make_with_truth("smoke", seed=1)
    >>> truth.playlist_themes.shape
    (600, 2)
    """
    if size not in SIZES:
        raise MusigError(f"Unknown size {size!r} of the embedded catalogue; {nearest(size, SIZES)}")
    if seed < 0:
        raise MusigError(f"The seed is {seed}; it must be an integer ≥ 0.")
    s = SIZES[size]
    parts = np.random.default_rng(seed).spawn(5)
    for_tracks, for_themes, for_playlists, for_table, for_sound = parts

    tracks = plant(s.n_tracks, s.n_artists, s.n_genres, s.exponent, for_tracks)
    themes = plant_themes(s.n_themes, s.n_genres, tracks, for_themes)
    belongs = themes.tracks.T / themes.tracks.sum(axis=0)[:, None]

    rng = for_playlists
    lengths = lognormal_lengths(s.n_playlists, s.median_length, s.sigma_length, s.max_length, rng)
    about = choose_themes(s.n_playlists, themes.weight, rng)
    sampler = Sampler(tracks, themes, about, rng)
    playlist, track, source = fill_distinct(lengths, s.n_tracks, sampler.draw)
    order = listening_order(playlist, track, tracks, rng)

    playlists = Playlists(
        ids=np.arange(s.n_playlists, dtype=np.int64),
        names=playlist_names([themes.names[first] for first in about[:, 0]], for_table),
        indptr=np.concatenate([[0], np.cumsum(lengths)]),
        tracks=track[order].astype(np.int32),
    )
    recorded = synthetic_sound.recorded_rows(playlists, s.n_tracks, s.n_recordings, for_sound)
    catalog = Catalog(
        tracks=observe(tracks, recorded, for_table),
        playlists=playlists,
        name=f"embedded-{size}",
        sound=partial(synthetic_sound.folder, size, seed) if s.n_recordings else None,
    )
    return catalog, Truth(tracks, themes, belongs.astype(np.float32), about, source[order])
