"""What is measured of a signal, before any of it is called a feature.

Conventions
-----------
A measure has a unit and a source and says nothing about music. Only :attr:`Measures.loudness`
depends on level. Loudness [1]_ and its range [2]_ are measured on the channels at their own rate,
all else on their mean at 22.05 kHz, scaled to a power of 1. A mono signal counts as the same signal
in two channels, as players play it: it is as loud as its stereo copy, 3 LU louder than BS.1770 has
it for one channel.
What cannot be told is NaN, and :attr:`Measures.reasons` says why.

Each field of :class:`Measures` names its source: rhythm [3]_ [4]_ [5]_ [6]_, articulation [7]_,
spectrum [8]_ [9]_ [10]_, speech and voice [11]_ [12]_ [13]_, mode [14]_.

Contents
--------
- :class:`Measures`; :func:`measure`: of samples; :func:`loudness_of`: one of them, by itself.
- :func:`compile_first`: before several processes measure.

References
----------
.. [1] EBU R 128 (2020) and ITU-R BS.1770-4: loudness. By ``pyloudnorm``: Steinmetz, Reiss (2021).
   pyloudnorm: a simple yet flexible loudness meter in Python. AES 150.
.. [2] EBU Tech 3342 (2016): loudness range.
.. [3] Peeters (2007). Template-based estimation of time-varying tempo. EURASIP JASP 2007.
.. [4] Lartillot, Eerola, Toiviainen, Fornari (2008). Multi-feature modeling of pulse clarity.
   ISMIR.
.. [5] Ellis (2007). Beat tracking by dynamic programming. JNMR 36(1).
.. [6] Böck, Krebs, Schedl (2012). Evaluating the online capabilities of onset detection methods.
   ISMIR: how peaks are picked, by ``librosa.util.peak_pick``.
.. [7] Juslin (2000). Cue utilization in communication of emotion in music performance: relating
   performance to perception. Journal of Experimental Psychology: Human Perception and
   Performance 26(6).
.. [8] Misra, Ikbal, Bourlard, Hermansky (2004). Spectral entropy based feature for robust ASR.
   ICASSP.
.. [9] FitzGerald (2010). Harmonic/percussive separation using median filtering. DAFx.
.. [10] Peeters (2004). A large set of audio features for sound description (similarity and
   classification) in the CUIDADO project. IRCAM.
.. [11] Scheirer, Slaney (1997). Construction and evaluation of a robust multifeature speech/music
   discriminator. ICASSP.
.. [12] Rocamora, Herrera (2007). Comparing audio descriptors for singing voice detection in music
   audio files. SBCM.
.. [13] Regnier, Peeters (2009). Singing voice detection in music tracks using direct voice vibrato
   detection. ICASSP.
.. [14] Krumhansl (1990). Cognitive foundations of musical pitch.
"""

from __future__ import annotations

import hashlib
import tempfile
import warnings
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from functools import lru_cache
from importlib import import_module
from pathlib import Path

import librosa
import numpy as np
import pyloudnorm
from filelock import FileLock

from musig.errors import MusigError
from musig.recordings import resampled
from musig.signal_rhythm import RATE, SHORTEST, rhythm
from musig.signal_timbre import decibels, mel_power, modulation, timbre
from musig.signal_tones import glide, mode, pitch_classes

BLOCK = 0.4
"""Seconds that loudness is defined on."""

LOWEST_RATE = 8000
"""Hz. Below it little is left of music."""

CANCELLED = 1e-3
"""A mean of channels of less than this share of their level, -60 dB, is what opposites leave."""


@dataclass(frozen=True)
class Measures:
    """Measures of a signal. The mean of the channels is meant unless channels are named.

    Notes
    -----
    Made by :func:`measure`.

    Notebook: 02_audio_features
    """

    loudness: float = np.nan
    """Integrated loudness of the channels, LUFS: EBU R 128, ITU-R BS.1770-4."""
    loudness_range: float = np.nan
    """From the 10th to the 95th percentile of loudness over 3 s, LU: an approximation of EBU Tech
    3342, whose 3 s are made here of blocks of 0.4 s."""
    crest: float = np.nan
    """What 0.1 % of samples exceed against the root mean square, dB. A sine has 3, compressed
    music about 8, music with dynamics more than 14."""
    tempo: float = np.nan
    """Beats a minute: :mod:`musig.signal_rhythm`, after Peeters (2007), its level by librosa."""
    pulse_clarity: float = np.nan
    """Largest autocorrelation of the onset strength at any tempo, 0 to 1: Lartillot et al.
    (2008)."""
    regularity: float = np.nan
    """Correlation of that autocorrelation with the one 6 s later, -1 to 1: whether the same
    periods last (our choice)."""
    beat_strength: float = np.nan
    """Onset strength on the beats against its mean, octaves (log2): beats of Ellis (2007), by
    librosa."""
    onset_rate: float = np.nan
    """Onsets a second: peaks, as Böck et al. (2012) pick them, of the onset strength of Böck and
    Widmer (2013): :mod:`musig.signal_rhythm`."""
    brightness: float = np.nan
    """Power above 1500 Hz of all, dB: Juslin (2000)."""
    bass: float = np.nan
    """Power below 120 Hz of all, dB (our choice)."""
    entropy: float = np.nan
    """Entropy over mel bands, 0 for a tone to 1 for all bands alike: Misra et al. (2004)."""
    percussive: float = np.nan
    """Share of power that is short in time and wide in frequency, 0 to 1: FitzGerald (2010)."""
    floor: float = np.nan
    """Power from 1 to 8 kHz that is there 90 % of the time, of all power there, dB: what goes on
    between notes, as room and audience do, but pads too (our choice)."""
    floor_flatness: float = np.nan
    """How evenly that floor is spread over its bands, dB, 0 for noise: geometric over arithmetic
    mean, as spectral flatness, Peeters (2004)."""
    modulation_4hz: float = np.nan
    """Modulation of the bands' envelopes by 3 to 6 Hz, effective, of their mean: Scheirer and
    Slaney (1997)."""
    low_energy: float = np.nan
    """Share of frames below half the root mean square of the second around: Scheirer and Slaney
    (1997)."""
    articulation: float = np.nan
    """How the spectral envelope from 300 to 3500 Hz changes within half a second, dB: Rocamora
    and Herrera (2007) found its change to tell singing best."""
    glide: float = np.nan
    """How far the strongest tone from 200 to 2000 Hz moves from frame to frame where it lasts,
    effective, cents: vibrato and portamento, after Regnier and Peeters (2009)."""
    mode: float = np.nan
    """Correlation with the best major key less that with the best minor key: Krumhansl (1990)."""
    reasons: dict[str, str] = field(default_factory=dict)
    """Why a measure is NaN, by its name, or by ``all`` for every one that is."""


def measure(samples: np.ndarray, rate: int) -> Measures:
    """Measure a signal.

    Parameters
    ----------
    samples : ndarray of float32, shape (n,) or (channels, n)
        Finite, within -1 to 1: see :func:`musig.recordings.checked`.
    rate : int, Hz
        Of the samples, >= 8000.

    Returns
    -------
    Measures

    Raises
    ------
    MusigError
        If the rate is too low.

    Notes
    -----
    Notebook: 02_audio_features

    Examples
    --------
    >>> silence = measure(np.zeros(44100, np.float32), 44100)
    >>> silence.loudness, silence.reasons["all"]
    (nan, 'it is silent: nowhere above -70 LUFS')
    """
    if rate < LOWEST_RATE:
        raise MusigError(
            f"The sound has {rate:,} samples a second: expected {LOWEST_RATE:,} or more."
        )
    channels = np.atleast_2d(samples)
    seconds = channels.shape[1] / rate
    if seconds < BLOCK:
        why = f"{seconds:.2f} s is shorter than the {BLOCK} s that loudness needs"
        return Measures(reasons={"all": why})
    loudness, momentary = loudness_of(channels, rate)
    if not np.isfinite(loudness):
        return Measures(reasons={"all": "it is silent: nowhere above -70 LUFS"})
    channels = channels - channels.mean(axis=1, keepdims=True)  # 0 Hz is not heard
    mono = channels.mean(axis=0)
    if seconds < SHORTEST:
        why = f"{seconds:.1f} s is shorter than the {SHORTEST:.0f} s that all but loudness need"
        return Measures(loudness=loudness, reasons={"all": why})
    if mono.std() < CANCELLED * channels.std():
        why = "its channels are opposites, which cancel each other in mono"
        return Measures(loudness=loudness, reasons={"all": why})
    compile_first()
    mono = resampled(mono, rate, RATE)
    mono = mono / mono.std()
    power = mel_power(mono)
    found = {
        "loudness": loudness,
        "loudness_range": _range(momentary),
        "crest": 20 * np.log10(float(np.quantile(np.abs(mono), 0.999))),
        **rhythm(decibels(power)),
        **timbre(power),
        **modulation(power),
        "glide": glide(mono),
        "mode": mode(pitch_classes(mono)),
    }
    return Measures(**found, reasons=_reasons(found))


@lru_cache(maxsize=1)
def compile_first() -> None:
    """Compile what librosa compiles, or load it, while no other process does so.

    Two that compile a generalised function of librosa at the same time may leave files behind that
    do not fit each other, and from then on every process that loads them crashes: issue 10128 of
    numba. librosa compiles them where its modules are first used.

    Notes
    -----
    Measuring begins with it. Before starting several processes that use other parts of librosa,
    call it once; half a minute the first time on a machine.

    Notebook: 02_audio_features

    Examples
    --------
    >>> compile_first()
    """
    which = hashlib.sha256(librosa.__file__.encode()).hexdigest()[:16]
    path = Path(tempfile.gettempdir()) / f"musig-{which}.lock"
    with ExitStack() as stack:
        with suppress(OSError):  # no place for a lock, or another user's: then as without
            stack.enter_context(FileLock(path))
        import_module("librosa.beat")  # and with it librosa.util, .core, .onset and .feature


def loudness_of(samples: np.ndarray, rate: int) -> tuple[float, np.ndarray]:
    """Measure loudness, of the whole and of its blocks.

    Parameters
    ----------
    samples : ndarray of float32, shape (n,) or (channels, n)
        At least :data:`BLOCK` seconds. Of six channels the fourth, low effects, does not count; of
        more, their mean does.
    rate : int, Hz

    Returns
    -------
    integrated : float, LUFS
        ITU-R BS.1770-4; -inf for silence.
    momentary : ndarray of float, LUFS
        Of each block of 0.4 s, a new one every 0.1 s.

    Notes
    -----
    Notebook: 02_audio_features

    Examples
    --------
    >>> tone = 0.1 * np.sin(2 * np.pi * 1000 * np.arange(48_000) / 48_000)
    >>> round(loudness_of(tone, 48_000)[0])
    -20
    """
    channels = np.atleast_2d(samples)
    channels = channels - channels.mean(axis=1, keepdims=True)  # 0 Hz is not heard
    if len(channels) == 1:
        channels = channels * np.float32(np.sqrt(2))  # as two channels
    elif len(channels) == 6:
        channels = channels[[0, 1, 2, 4, 5]]  # BS.1770 leaves out the fourth, low effects
    elif len(channels) > 5:
        channels = channels.mean(axis=0, keepdims=True) * np.float32(np.sqrt(2))
    meter = pyloudnorm.Meter(rate, block_size=BLOCK)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # of silent blocks
        loudness = float(meter.integrated_loudness(channels.T))
    return loudness, np.array(meter.blockwise_loudness)


def _range(momentary: np.ndarray) -> float:
    """Loudness range, nearly [2]: 3 s are the mean of 27 blocks of 0.4 s, each 0.1 s after another.

    Such a mean weighs the ends of the 3 s less than their middle.
    """
    power = 10 ** (momentary / 10)
    short = 10 * np.log10(np.maximum(np.convolve(power, np.ones(27) / 27, mode="valid"), 1e-10))
    if short.max() <= -70:  # a short sound in a long silence
        return np.nan
    gate = 10 * np.log10(np.mean(10 ** (short[short > -70] / 10))) - 20
    low, high = np.quantile(short[short > max(gate, -70)], [0.1, 0.95])
    return float(high - low)


def _reasons(found: dict[str, float]) -> dict[str, str]:
    """Say why a measure is NaN."""
    why = {
        "tempo": "there is no pulse that noise would not have too",
        "beat_strength": "there are no beats",
        "regularity": "there are no onsets",
        "mode": "there are no tones",
        "glide": "no tone lasts",
        "loudness_range": "no 3 s of it are above -70 LUFS",
    }
    return {name: why[name] for name, value in found.items() if np.isnan(value)}
