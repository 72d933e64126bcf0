"""Recordings of the embedded catalogue: synthetic music that sounds as its features say.

A track's nine planted features and its genre become a few seconds of sound. The genre chooses the
instruments and the rhythm, the features the rest:

========================  ==========================================================================
tempo                     the beat
danceability              weight of the beat and of the bass, evenness of the timing
energy                    brightness, cymbals, notes a beat
acousticness              plucked and blown instead of held and electric, swelling, fewer drums
instrumentalness          a lead instrument instead of a singing voice
speechiness               a talking voice: four syllables a second, no stable pitch
liveness                  a room, and people in it
valence                   major or minor, a high melody with bells or a low one with a drone
loudness                  integrated loudness by EBU R 128, reached by gain and a soft limit
========================  ==========================================================================

What an analysis finds in such sound shows that the analysis works, not that it is right about
music that people made.

Conventions
-----------
Sound is mono float32 ``(samples,)``, at most 1 in size. Features are on their natural scales in
the order of :data:`musig.catalog.FEATURES`; inside, they are turned back into standard deviations.

Contents
--------
- :func:`render`: one recording
- :func:`recorded_rows`: which tracks have one
- :func:`folder`: all of them, rendered once and kept
"""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pyloudnorm
import scipy.fft
import soundfile
from joblib import Parallel, cpu_count, delayed
from scipy.ndimage import maximum_filter1d, uniform_filter1d
from scipy.special import expit, logit
from tqdm import tqdm

from musig import cache
from musig.catalog import FEATURES, Playlists
from musig.errors import MusigError, nearest
from musig.files import aside
from musig.sources.synthetic_music import PALETTES, Player
from musig.sources.synthetic_tracks import CURVES, GENRES

RATE = 22_050  # samples a second
KNOWN_IN = 25  # a track with a recording is in so many playlists, where enough tracks are
PEAK = 0.98
WORTH_PROCESSES = 100  # from so many recordings on, one process a core is started


def render(
    features: np.ndarray, genre: str, seconds: float, rate: int, rng: np.random.Generator
) -> np.ndarray:
    """Play a track.

    Parameters
    ----------
    features : ndarray of float64, shape (9,)
        Its planted features on their natural scales, in the order of FEATURES.
    genre : str
        One of the names in :data:`musig.sources.synthetic_tracks.GENRES`.
    seconds : float
        How much of it.
    rate : int
        Samples a second.
    rng : numpy.random.Generator
        Chooses key, chords, melody, words.

    Returns
    -------
    ndarray of float32, shape (seconds · rate,)
        Mono, at most 1 in size.

    Raises
    ------
    MusigError
        If there is no such genre.

    Notes
    -----
    Notebook: 02_audio_features

    Examples
    --------
    >>> from musig.sources.synthetic_tracks import natural_scale
    >>> average = natural_scale(np.zeros((1, 9)))[0]
    >>> sound = render(average, "jazz", 2.0, 22050, np.random.default_rng(0))
    >>> len(sound), bool(np.abs(sound).max() <= 1)
    (44100, True)
    """
    if genre not in PALETTES:
        raise MusigError(f"Nobody plays the genre {genre!r}; {nearest(genre, PALETTES)}")
    z = deviations(features)
    tempo = float(features[FEATURES.index("tempo")])
    mix = Player(z, tempo, PALETTES[genre], round(seconds * rate), rate, rng).mix()
    mix = in_a_room(mix, z["liveness"], z["energy"], PALETTES[genre].colour, rate, rng)
    return at_loudness(mix, float(features[FEATURES.index("loudness")]), rate)


def deviations(features: np.ndarray) -> dict[str, float]:
    """Turn natural values back into standard deviations, kept within 3.

    Parameters
    ----------
    features : ndarray of float64, shape (9,)
        In the order of FEATURES.

    Returns
    -------
    dict of str to float

    Notes
    -----
    The inverse of :func:`musig.sources.synthetic_tracks.natural_scale`.
    Notebook: 02_audio_features

    Examples
    --------
    >>> from musig.sources.synthetic_tracks import natural_scale
    >>> {round(value, 6) for value in deviations(natural_scale(np.full((1, 9), 0.5))[0]).values()}
    {0.5}
    """
    z = {}
    for name, value in zip(FEATURES, features.tolist(), strict=True):
        kind, a, b = CURVES[name]
        if kind == "logit":
            deviation = (logit(np.clip(value, 1e-7, 1 - 1e-7)) - a) / b
        elif kind == "dB":
            deviation = (a - np.log(max(-value, 0.1))) / b
        else:
            floor = 0.025 if kind == "speech" else 0.0
            deviation = (np.log(max(value - floor, 1e-4)) - a) / b
        z[name] = float(np.clip(deviation, -3, 3))
    return z


def in_a_room(
    sound: np.ndarray,
    live: float,
    energy: float,
    colour: tuple[float, ...],
    rate: int,
    rng: np.random.Generator,
) -> np.ndarray:
    """Equalise, and add a room with its audience.

    Parameters
    ----------
    sound : ndarray of float32, shape (samples,)
    live : float
        Liveness in standard deviations.
    energy : float
        Energy in standard deviations: brighter above 0.
    colour : tuple of float
        See :class:`musig.sources.synthetic_music.Palette`.
    rate : int
        Samples a second.
    rng : numpy.random.Generator

    Returns
    -------
    ndarray of float32, shape (samples,)

    Notes
    -----
    The room is exponentially decaying noise, a common model of late reverberation (Moorer, *About
    this reverberation business*, CMJ 1979). The audience is noise around 1800 Hz that swells.
    Notebook: 02_audio_features
    """
    n = len(sound)
    length = scipy.fft.next_fast_len(n + rate, real=True)
    t = np.arange(rate, dtype=np.float32) / rate
    room = rng.standard_normal(rate, dtype=np.float32) * np.exp(-t / (0.12 * math.exp(0.45 * live)))
    room *= 10 ** ((-12 + 5 * live) / 20) / np.sqrt(np.square(room).sum())
    room[0] += 1
    people = rng.standard_normal(n, dtype=np.float32)
    people *= 1 + 0.4 * np.sin(
        2 * np.pi * (0.3 * np.arange(n, dtype=np.float32) / rate + rng.random())
    )
    level = 10 ** ((-19 + 8 * live) / 20) * np.sqrt(np.mean(np.square(sound)))
    # Curves over frequency, at a few hundred points and straight between them.
    f = np.geomspace(1, rate / 2, 400)
    band = 1 / (1 + np.square(f / 1800 - 1800 / f))
    high = np.square(f / 1500)
    tilt = (1 + 10 ** (0.25 * energy) * high) / (1 + high) * np.square(f) / (np.square(f) + 900)
    tilt *= 10 ** (np.interp(np.log(f), np.log((60, 300, 1500, 6000)), colour) / 20)
    at = scipy.fft.rfftfreq(length, 1 / rate)
    spectrum = scipy.fft.rfft(sound, length) * scipy.fft.rfft(room, length)
    spectrum += np.interp(at, f, level * band).astype(np.float32) * scipy.fft.rfft(people, length)
    spectrum *= np.interp(at, f, tilt).astype(np.float32)
    return scipy.fft.irfft(spectrum, length)[:n]


def at_loudness(sound: np.ndarray, target: float, rate: int) -> np.ndarray:
    """Bring sound to an integrated loudness, rounding off what would go beyond full scale.

    Parameters
    ----------
    sound : ndarray of float32, shape (samples,)
    target : float
        LUFS, by EBU R 128, of the sound in two channels: players play mono on both.
    rate : int
        Samples a second.

    Returns
    -------
    ndarray of float32, shape (samples,)
        At most 1 in size. What is asked too loud for that stays below.

    Notes
    -----
    Loudness is that of ITU-R BS.1770-4, measured by pyloudnorm.
    Notebook: 02_audio_features
    """
    if not np.any(sound):
        return sound
    hop = rate // 100
    envelope = maximum_filter1d(np.abs(sound), 2 * hop)
    envelope = uniform_filter1d(envelope, 4 * hop) + 1e-6 * np.abs(sound).max()
    squeeze = float(expit((target + 6) / 2)) * 0.6
    sound = sound / envelope**squeeze
    meter = pyloudnorm.Meter(rate, block_size=min(0.4, 0.9 * len(sound) / rate))
    target -= 10 * math.log10(2)  # two loudspeakers play it
    # Limiting takes level away: from a sample of the sound, how much at which gain.
    few = sound[::61].astype(np.float64)
    gains = np.arange(-40.0, 60.0, 2.0) - 10 * np.log10(np.mean(np.square(few)))
    limited_few = np.tanh(few * 10 ** (gains[:, None] / 20))
    taken = gains + 10 * np.log10(np.mean(np.square(few)) / np.mean(np.square(limited_few), axis=1))
    gain = np.interp(target - meter.integrated_loudness(sound), gains - taken, gains)
    for _ in range(4):
        limited = PEAK * np.tanh(sound * np.float32(10 ** (gain / 20)))
        missing = target - meter.integrated_loudness(limited)
        if abs(missing) < 0.2:
            break
        gain += np.clip(1.5 * missing, -12, 12)
    return limited


def recorded_rows(
    playlists: Playlists, n_tracks: int, n: int, rng: np.random.Generator
) -> np.ndarray:
    """Choose the tracks that have a recording, among the better known.

    Parameters
    ----------
    playlists : Playlists
    n_tracks : int
        Number of tracks.
    n : int
        How many have one.
    rng : numpy.random.Generator
        The source of chance.

    Returns
    -------
    ndarray of int64, shape (n,)
        Ascending positions, of tracks in at least KNOWN_IN playlists, or of the n best known where
        these are too few.

    Notes
    -----
    Notebook: 01_catalog

    Examples
    --------
    >>> few = Playlists.from_lists([[0, 1], [1, 2], [1]])
    >>> recorded_rows(few, 4, 1, np.random.default_rng(0))
    array([1])
    """
    counts = playlists.counts(n_tracks)
    known = np.flatnonzero(counts >= KNOWN_IN)
    if len(known) < n:
        known = np.argsort(-counts, kind="stable")[:n]
    return np.sort(rng.choice(known, n, replace=False)).astype(np.int64)


def _write(path: Path, features: np.ndarray, genre: str, seconds: float, seed: list[int]) -> None:
    """Render one recording; its generator is its own, so any order gives the same."""
    sound = render(features, genre, seconds, RATE, np.random.default_rng(seed))
    with aside(path) as passing:
        soundfile.write(passing, sound, RATE, subtype="PCM_16", format="FLAC")


def folder(size: str, seed: int) -> Path:
    """Give the folder of the recordings of an embedded catalogue, rendering them the first time.

    Parameters
    ----------
    size : str
        See :data:`musig.sources.synthetic.SIZES`.
    seed : int
        Of the catalogue.

    Returns
    -------
    Path
        Holds ``<track_id>.flac``, mono, 16 bit, of every track with a recording.

    Notes
    -----
    Kept in the cache (:func:`musig.cache.stage`). A run that was killed goes on where it stopped.
    Notebook: 02_audio_features
    """
    from musig.sources import synthetic  # which uses this module

    def make(partial: Path) -> None:
        catalog, truth = synthetic.make_with_truth(size, seed)
        seconds = synthetic.SIZES[size].seconds
        work = []
        for row in np.flatnonzero(catalog.tracks["recording"].notna()):
            path = partial / catalog.tracks["recording"].iloc[row]
            genre = GENRES[truth.tracks.genre[row]].name
            if not path.exists():
                features = truth.tracks.features[row]
                work.append(delayed(_write)(path, features, genre, seconds, [seed, row]))
        jobs = cpu_count() if len(work) > WORTH_PROCESSES else 1
        done = Parallel(jobs, return_as="generator_unordered")(work)
        for _ in tqdm(done, "sound", len(work), unit="track", delay=3.0, disable=None):
            pass

    return cache.stage("sound", {"size": size, "seed": seed}, make, source=synthetic)
