"""Timbre and modulation by signal processing.

Conventions
-----------
One mel spectrogram serves all measures. Bands cover :data:`LOWEST` to :data:`HIGHEST` Hz, so that
recordings at 22.05, 44.1 and 48 kHz of the same sound are measured alike. The signal is scaled to
a power of 1 first, so nothing depends on its level. Frames more than :data:`QUIET` dB below the
mean power count as silence and are left out of means of timbre.

Percussion is told by median filters [2]_, speech by the modulation of its syllables and by its
pauses [1]_, singing by changes of the spectral envelope [3]_.

Contents
--------
- :func:`mel_power`: the spectrogram; :func:`decibels`: of it;
- :func:`timbre`: brightness, bass, entropy, percussion, floor;
- :func:`modulation`: of speech and singing.

References
----------
.. [1] Scheirer, Slaney (1997). Construction and evaluation of a robust multifeature speech/music
   discriminator. ICASSP.
.. [2] FitzGerald (2010). Harmonic/percussive separation using median filtering. DAFx.
.. [3] Rocamora, Herrera (2007). Comparing audio descriptors for singing voice detection in music
   audio files. SBCM: that a voice changes the spectral envelope is what tells it best.
"""

from __future__ import annotations

from functools import cache

import librosa
import numpy as np
from scipy import fft, ndimage

from musig.signal_rhythm import FRAMES, HOP, RATE

N_FFT = 2048
"""Samples a frame: 93 ms."""

BANDS = 96
"""Mel bands."""

LOWEST, HIGHEST = 50.0, 9000.0
"""Hz. The highest is below what resampling to 22.05 kHz begins to attenuate."""

QUIET = 40.0
"""Decibels below the mean power at which a frame is silence: our choice."""

RANGE = 80.0
"""Decibels below the loudest band that are told apart, as usual for mel spectrograms."""

SYLLABIC = (3.0, 6.0)
"""Hz, around the 4 syllables a second of speech: Scheirer and Slaney (1997)."""

_BLOCK = 512  # frames that are transformed at a time, to bound memory


def mel_power(samples: np.ndarray) -> np.ndarray:
    """Give the power in mel bands.

    Parameters
    ----------
    samples : ndarray of float32, shape (n,)
        Mono, at :data:`musig.signal_rhythm.RATE`.

    Returns
    -------
    ndarray of float32, shape (BANDS, n_frames)
        Whole frames only: nothing is added before or after, whose edges would sound like onsets.

    Notes
    -----
    Notebook: 02_audio_features
    """
    filters, window = _filters()
    frames = np.lib.stride_tricks.sliding_window_view(samples, N_FFT)[::HOP]
    power = np.empty((BANDS, len(frames)), np.float32)
    for start in range(0, len(frames), _BLOCK):
        spectrum = fft.rfft(frames[start : start + _BLOCK] * window, axis=1)
        squares = spectrum.real**2 + spectrum.imag**2
        power[:, start : start + _BLOCK] = filters @ squares.T
    return power


def decibels(power: np.ndarray) -> np.ndarray:
    """Give decibels against the mean power of a frame's strongest band.

    Parameters
    ----------
    power : ndarray, shape (n_bands, n_frames)

    Returns
    -------
    ndarray, shape (n_bands, n_frames)
        Not more than :data:`RANGE` below the largest.

    Notes
    -----
    Notebook: 02_audio_features
    """
    reference = max(float(power.max()), 1e-30)
    return 10 * np.log10(np.maximum(power / reference, 10 ** (-RANGE / 10)))


def timbre(power: np.ndarray) -> dict[str, float]:
    """Measure what the sound is like.

    Parameters
    ----------
    power : ndarray, shape (BANDS, n_frames)
        Of :func:`mel_power`.

    Returns
    -------
    dict of str to float
        ``brightness``, ``bass``, ``entropy``, ``percussive``, ``floor``, ``floor_flatness``:
        fields of :class:`musig.signal_measures.Measures`.

    Notes
    -----
    Notebook: 02_audio_features
    """
    centres = _centres()
    total = power.sum(axis=0)
    active = power[:, total > total.mean() * 10 ** (-QUIET / 10)]
    mean = active.mean(axis=1) / active.sum(axis=0).mean()
    shares = active / active.sum(axis=0)
    entropy = -(shares * np.log(np.maximum(shares, 1e-12))).sum(axis=0) / np.log(BANDS)
    magnitude = np.sqrt(active)  # median filters of 17 frames and 17 bands, as FitzGerald has them
    lasting = ndimage.median_filter(magnitude, (1, 17), mode="nearest") ** 2
    abrupt = ndimage.median_filter(magnitude, (17, 1), mode="nearest") ** 2
    mask = abrupt / np.maximum(lasting + abrupt, 1e-30)
    high = (centres > 1000) & (centres < 8000)
    floor = np.maximum(np.quantile(power[high], 0.1, axis=1), 1e-8 * mean[high] * total.mean())
    return {
        "brightness": _share(mean, centres > 1500),
        "bass": _share(mean, centres < 120),
        "entropy": float(entropy.mean()),
        "percussive": float((mask * active).sum() / active.sum()),
        "floor": _decibels(floor.sum() / max(power[high].mean(axis=1).sum(), 1e-30)),
        "floor_flatness": float(10 * np.log10(floor).mean()) - _decibels(floor.mean()),
    }


def modulation(power: np.ndarray) -> dict[str, float]:
    """Measure the modulations that speech and singing have.

    Parameters
    ----------
    power : ndarray, shape (BANDS, n_frames)
        Of :func:`mel_power`.

    Returns
    -------
    dict of str to float
        ``modulation_4hz``, ``low_energy``, ``articulation``: fields of
        :class:`musig.signal_measures.Measures`.

    Notes
    -----
    Notebook: 02_audio_features
    """
    n = power.shape[1]
    total = power.sum(axis=0)
    level = np.sqrt(total)
    around = ndimage.uniform_filter1d(level, round(FRAMES), mode="nearest")
    bands = np.sqrt(power)
    mean = bands.mean(axis=1)
    spectrum = np.abs(fft.rfft((bands - mean[:, None]) * np.hanning(n), axis=1)) ** 2
    frequency = fft.rfftfreq(n, 1 / FRAMES)
    syllabic = (frequency >= SYLLABIC[0]) & (frequency <= SYLLABIC[1])
    variance = 2 * spectrum[:, syllabic].sum() / n / (0.375 * n)  # Parseval; 0.375 is Hann's power
    voice = (_centres() > 300) & (_centres() < 3500)
    shape = decibels(power[voice])
    shape = ndimage.uniform_filter1d(shape - shape.mean(axis=0), 7, axis=0)  # not single partials
    shape = np.maximum(shape, -20)
    change = ndimage.uniform_filter1d(shape, 3, axis=1)
    change -= ndimage.uniform_filter1d(shape, round(0.5 * FRAMES), axis=1)
    return {
        "modulation_4hz": float(np.sqrt(variance / np.maximum((mean**2).sum(), 1e-30))),
        "low_energy": float((level < 0.5 * around).mean()),
        "articulation": float(change[:, total > total.mean() / 100].std()),
    }


def _share(mean: np.ndarray, bands: np.ndarray) -> float:
    return _decibels(max(float(mean[bands].sum()), 10 ** (-RANGE / 10)))


def _decibels(ratio: float) -> float:
    return float(10 * np.log10(ratio))


@cache
def _filters() -> tuple[np.ndarray, np.ndarray]:
    filters = librosa.filters.mel(
        sr=RATE, n_fft=N_FFT, n_mels=BANDS, fmin=LOWEST, fmax=HIGHEST, norm=None
    )
    return filters.astype(np.float32), np.hanning(N_FFT + 1)[:-1].astype(np.float32)


@cache
def _centres() -> np.ndarray:
    return librosa.mel_frequencies(BANDS + 2, fmin=LOWEST, fmax=HIGHEST)[1:-1]
