"""Instruments of the embedded catalogue: tones, a voice, drums.

All sound here is synthetic and meant to be told apart, by an ear and by a network: a plucked
string fades and loses its high partials first, a synthesiser holds them, a voice has the formants
of its vowels, a drum is a falling sine or a burst of noise. Tones are read from one-cycle tables
whose partials stop below half the sampling rate (wavetable synthesis: Bristow-Johnson, *Wavetable
synthesis 101*, AES 1996). Formants: men's averages of Peterson and Barney, *Control methods used
in a study of the vowels*, JASA 24 (1952).

Conventions
-----------
Sound is float32 ``(samples,)`` about 1 in size. Frequencies are in Hz, durations in seconds.

Contents
--------
- :class:`Timbre`, :data:`TIMBRES`, :func:`tone`: pitched instruments and the voice
- :func:`kick`, :func:`snare`, :func:`hat`: drums
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

SHIFT = 22
TABLE = 1 << (32 - SHIFT)  # samples in one cycle
VIBRATO = 5.5  # Hz


@dataclass(frozen=True)
class Timbre:
    """How an instrument sounds."""

    slope: float
    """Partial k has amplitude k ** -slope."""
    decay: float = 0.0
    """Seconds in which a struck or plucked tone falls to 1/e; 0: it is held."""
    attack: float = 0.004
    """Seconds in which it sets in."""
    even: float = 1.0
    """Amplitude of the even partials; a clarinet or a square wave has few."""
    vibrato: float = 0.0
    """Depth of the vibrato, as a part of the frequency."""
    chorus: float = 0.0
    """Distance of a second, detuned voice, as a part of the frequency."""
    body: tuple[float, ...] = ()
    """Frequencies that resonate."""
    width: float = 0.2
    """Width of the resonances, as a part of their frequency."""


TIMBRES = {
    # struck and plucked
    "guitar": Timbre(1.2, decay=0.45, body=(110, 220, 420)),
    "banjo": Timbre(0.5, decay=0.13, body=(700, 1800, 3200)),
    "piano": Timbre(1.4, decay=0.7),
    "harp": Timbre(1.9, decay=0.6),
    "rhodes": Timbre(2.3, decay=0.9, chorus=0.003),
    "bell": Timbre(3.0, decay=0.35),
    "marimba": Timbre(2.6, decay=0.14, even=0.2),
    "pluck": Timbre(0.7, decay=0.16, chorus=0.004),
    "upright": Timbre(1.7, decay=0.3),
    "slap": Timbre(1.0, decay=0.22),
    "chop": Timbre(0.8, decay=0.06, body=(900, 1500)),
    # held
    "strings": Timbre(1.2, attack=0.15, vibrato=0.002, chorus=0.004, body=(300, 1000, 2800)),
    "flute": Timbre(2.6, attack=0.06, vibrato=0.002),
    "accordion": Timbre(0.9, attack=0.04, chorus=0.008, body=(600, 1400)),
    "organ": Timbre(1.5, attack=0.01, vibrato=0.001, even=0.6),
    "horn": Timbre(0.8, attack=0.035, body=(900, 1600)),
    "sax": Timbre(1.0, attack=0.04, vibrato=0.003, body=(550, 1300, 2600)),
    "steel": Timbre(1.1, attack=0.09, vibrato=0.005, body=(1200,)),
    "saw": Timbre(0.9, attack=0.01, chorus=0.007),
    "square": Timbre(0.9, attack=0.008, even=0.05),
    "fuzz": Timbre(0.35, attack=0.006, chorus=0.003, body=(700, 1500, 3200), width=0.35),
    "sub": Timbre(3.0, attack=0.01),
    "drone": Timbre(1.6, attack=0.4, vibrato=0.001, chorus=0.005),
}
# Formants of five vowels.
VOWELS = (
    (730.0, 1090.0, 2440.0),  # as in father
    (530.0, 1840.0, 2480.0),  # as in head
    (270.0, 2290.0, 3010.0),  # as in heed
    (570.0, 840.0, 2410.0),  # as in hawed
    (300.0, 870.0, 2240.0),  # as in who'd
)


def tone(
    frequency: float | np.ndarray, samples: int, timbre: Timbre, bright: float, rate: int
) -> np.ndarray:
    """Play one tone.

    Parameters
    ----------
    frequency : float, or ndarray of shape (samples,)
        Pitch in Hz, perhaps moving.
    samples : int > 0
        Length.
    timbre : Timbre
        The instrument.
    bright : float
        Added to the exponent of the partials: above 0 brighter, below 0 duller.
    rate : int
        Samples a second.

    Returns
    -------
    ndarray of float32, shape (samples,)

    Notes
    -----
    Of a decaying tone, the upper partials die three times as fast.
    Notebook: 02_audio_features

    Examples
    --------
    >>> tone(440.0, 100, TIMBRES["flute"], 0.0, 22050).shape
    (100,)
    """
    moving = isinstance(frequency, np.ndarray)
    quarter_tones = round(24 * np.log2(np.mean(frequency) / 440))  # near is near enough, and kept
    table, dull_table = tables(440 * 2 ** (quarter_tones / 24), timbre, round(bright, 1), rate)
    # A cycle is 2 ** 32, so that phases of 32 bits wrap by themselves.
    turn = np.asarray(frequency) * (2**32 / rate)
    if moving:
        phase = np.cumsum(turn).astype(np.uint64).astype(np.uint32)
    else:
        phase = np.arange(samples, dtype=np.uint32) * np.uint32(turn)
    t = np.arange(samples, dtype=np.float32) / np.float32(rate)
    if timbre.vibrato:
        swing = np.sin(np.float32(2 * np.pi * VIBRATO) * t)
        swing *= np.float32(np.mean(turn) * rate * timbre.vibrato / (2 * np.pi * VIBRATO))
        phase += swing.astype(np.int64).astype(np.uint32)
    sound = table[phase >> SHIFT]
    if timbre.chorus:
        phase += np.arange(samples, dtype=np.uint32) * np.uint32(np.mean(turn) * timbre.chorus)
        sound = np.float32(0.7) * (sound + table[phase >> SHIFT])
    onset, end = int(timbre.attack * rate) + 1, int(0.01 * rate) + 1
    if timbre.decay:
        fall = np.exp(t * np.float32(-1 / timbre.decay))
        dull = dull_table[phase >> SHIFT]
        sound = ((sound - dull) * fall * fall + dull) * fall
    sound[:onset] *= np.linspace(0, 1, onset, dtype=np.float32)[: len(sound)]
    sound[-end:] *= np.linspace(1, 0, end, dtype=np.float32)[-len(sound) :]
    return sound


@lru_cache(maxsize=4096)
def tables(pitch: float, timbre: Timbre, bright: float, rate: int) -> tuple[np.ndarray, np.ndarray]:
    """Compute one cycle of a tone, and one of its lowest three partials alone.

    Parameters
    ----------
    pitch : float
        In Hz; partials reach to 0.45 of the sampling rate.
    timbre : Timbre
        The instrument.
    bright : float
        Added to the exponent of the partials.
    rate : int
        Samples a second.

    Returns
    -------
    table, dull : ndarray of float32, shape (TABLE,)

    Notes
    -----
    Phases after Schroeder (1970), which keep the peaks low.
    Notebook: 02_audio_features
    """
    k = np.arange(1, max(2, min(80, int(0.45 * rate / pitch))))
    amplitude = k ** (min(bright, timbre.slope) - timbre.slope) * np.where(k % 2, 1, timbre.even)
    if timbre.body:
        distance = (k[:, None] * pitch / np.array(timbre.body) - 1) / timbre.width
        amplitude = amplitude * (0.15 + (1 / (1 + distance**2)).sum(axis=1))
    amplitude /= np.sqrt(np.square(amplitude).sum())
    spectrum = np.zeros(TABLE // 2 + 1, dtype=np.complex128)
    spectrum[k] = amplitude * np.exp(-1j * np.pi * k * (k - 1) / len(k)) * TABLE / 2
    table = np.fft.irfft(spectrum).astype(np.float32)
    spectrum[4:] = 0
    return table, np.fft.irfft(spectrum).astype(np.float32)


def vowel(which: int) -> Timbre:
    """Give the voice on one of :data:`VOWELS`.

    Parameters
    ----------
    which : int
        Position in VOWELS.

    Returns
    -------
    Timbre

    Notes
    -----
    Notebook: 02_audio_features
    """
    return Timbre(0.8, attack=0.04, vibrato=0.025, body=(*VOWELS[which], 2900.0), width=0.09)


def kick(rate: int, depth: float) -> np.ndarray:
    """Strike a bass drum: a sine that falls to `depth` Hz.

    Parameters
    ----------
    rate : int
        Samples a second.
    depth : float
        Where the pitch ends, in Hz.

    Returns
    -------
    ndarray of float32, shape (0.25 · rate,)

    Notes
    -----
    Notebook: 02_audio_features
    """
    t = np.arange(int(0.25 * rate), dtype=np.float32) / rate
    phase = depth * t + 3.0 * (1 - np.exp(-t / 0.025))
    return np.sin(2 * np.pi * phase) * np.exp(-t / 0.09) * np.minimum(1, t[::-1] / 0.02)


def snare(rate: int, pitch: float, noise: np.ndarray) -> np.ndarray:
    """Strike a snare or a hand drum: a short tone with noise.

    Parameters
    ----------
    rate : int
        Samples a second.
    pitch : float
        Of its skin, in Hz; below 150 hardly any noise is added.
    noise : ndarray of float32
        White noise to take from.

    Returns
    -------
    ndarray of float32, shape (0.2 · rate,)

    Notes
    -----
    Notebook: 02_audio_features
    """
    t = np.arange(int(0.2 * rate), dtype=np.float32) / rate
    hiss = np.diff(noise[: len(t) + 1]) * np.exp(-t / 0.05) * (0.5 if pitch < 330 else 0.05)
    return np.sin(2 * np.pi * pitch * t) * np.exp(-t / 0.06) + hiss


def hat(rate: int, length: float, noise: np.ndarray) -> np.ndarray:
    """Strike a cymbal or a shaker: noise without its lows.

    Parameters
    ----------
    rate : int
        Samples a second.
    length : float
        Seconds in which it falls to 1/e.
    noise : ndarray of float32
        White noise to take from.

    Returns
    -------
    ndarray of float32, shape (4 · length · rate,)

    Notes
    -----
    Notebook: 02_audio_features
    """
    t = np.arange(int(4 * length * rate), dtype=np.float32) / rate
    return np.diff(noise[: len(t) + 2], n=2) * np.exp(-t / length) * 0.4
