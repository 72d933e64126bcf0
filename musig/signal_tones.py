"""Tones by signal processing: which there are, whether they glide, major or minor.

Conventions
-----------
Tones are peaks of the spectrum, between bins by a parabola through the logarithm of the peak and
its neighbours. For pitch classes frames are four times as long as for timbre, so that low
neighbours are told apart [1]_. Pitch is in cents or semitones, pitch classes go from C up. Major
and minor are told by the profiles of keys [2]_, singing by how a tone glides [3]_.

Contents
--------
- :func:`glide`: how the strongest tone moves;
- :func:`pitch_classes`, :func:`mode`: major or minor.

References
----------
.. [1] Gómez (2006). Tonal description of polyphonic audio for music content processing.
   INFORMS J. Computing 18(3): pitch classes from interpolated spectral peaks.
.. [2] Krumhansl (1990). Cognitive foundations of musical pitch: the profiles of Krumhansl and
   Kessler (1982), and correlation with all 24 keys.
.. [3] Regnier, Peeters (2009). Singing voice detection in music tracks using direct voice vibrato
   detection. ICASSP.
"""

from __future__ import annotations

import numpy as np
from scipy import fft

from musig.signal_rhythm import FRAMES, HOP, RATE
from musig.signal_timbre import N_FFT

MAJOR = (6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88)
MINOR = (6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17)
"""How well each tone, from the tonic up, fits a key: Krumhansl (1990)."""

_BLOCK = 512  # frames that are transformed at a time, to bound memory


def glide(samples: np.ndarray) -> float:
    """Measure how the strongest tone moves where it lasts.

    Parameters
    ----------
    samples : ndarray of float32, shape (n,)
        Mono, at :data:`musig.signal_rhythm.RATE`.

    Returns
    -------
    float
        ``glide`` of :class:`musig.signal_measures.Measures`, in cents; NaN without a tone.

    Notes
    -----
    Notebook: 02_audio_features
    """
    spectra, first = _spectra(samples, N_FFT, HOP, 200.0, 2000.0)
    frames = np.arange(len(spectra))
    peak = 1 + spectra[:, 1:-1].argmax(axis=1)
    height = spectra[frames, peak]
    cents = 1200 * np.log2((first + peak + _vertex(spectra, frames, peak)) * RATE / N_FFT)
    step = np.abs(np.diff(cents))
    loud = height > height.mean() / 10
    lasting = (step < 100) & loud[1:] & loud[:-1]
    return float(np.sqrt((step[lasting] ** 2).mean())) if lasting.sum() > FRAMES / 2 else np.nan


def pitch_classes(samples: np.ndarray) -> np.ndarray:
    """Add up the strength of spectral peaks by pitch class.

    Parameters
    ----------
    samples : ndarray of float32, shape (n,)
        Mono, at :data:`musig.signal_rhythm.RATE`.

    Returns
    -------
    ndarray of float, shape (12,)
        From C up, summing to 1, after Gómez (2006); a common deviation
        from 440 Hz is taken out. Zeros if there is no peak.

    Notes
    -----
    Notebook: 02_audio_features

    Examples
    --------
    >>> tone = np.sin(2 * np.pi * 442 * np.arange(RATE) / RATE).astype(np.float32)
    >>> int(pitch_classes(tone).argmax())  # an A
    9
    """
    spectra, first = _spectra(samples, 4 * N_FFT, 8 * HOP, 80.0, 2000.0)
    inner = spectra[:, 1:-1]
    strong = inner > 0.01 * spectra.max(axis=1, keepdims=True, initial=1e-12)
    frames, peaks = np.nonzero((inner > spectra[:, :-2]) & (inner >= spectra[:, 2:]) & strong)
    if len(frames) == 0:
        return np.zeros(12)
    peaks += 1
    weight = spectra[frames, peaks]
    frequency = (first + peaks + _vertex(spectra, frames, peaks)) * RATE / (4 * N_FFT)
    pitch = 12 * np.log2(frequency / 440) + 9  # semitones from a C
    tuning = np.angle((weight * np.exp(2j * np.pi * pitch)).sum()) / (2 * np.pi)
    classes = np.round(pitch - tuning).astype(int) % 12
    return np.bincount(classes, weight, 12) / weight.sum()


def mode(classes: np.ndarray) -> float:
    """Compare pitch classes with major and with minor keys.

    Parameters
    ----------
    classes : ndarray, shape (12,)
        Of :func:`pitch_classes`.

    Returns
    -------
    float
        Correlation with the best major key less that with the best minor key,
        Krumhansl (1990): above 0 for major. NaN if all classes are alike.

    Notes
    -----
    Notebook: 02_audio_features

    Examples
    --------
    >>> c_major, c_minor = np.zeros(12), np.zeros(12)
    >>> c_major[[0, 4, 7]] = c_minor[[0, 3, 7]] = 1
    >>> mode(c_major) > 0 > mode(c_minor)
    True
    """
    if np.ptp(classes) < 1e-9:
        return np.nan
    major, minor = (
        max(np.corrcoef(np.roll(profile, tonic), classes)[0, 1] for tonic in range(12))
        for profile in (MAJOR, MINOR)
    )
    return float(major - minor)


def _spectra(
    samples: np.ndarray, n_fft: int, hop: int, lowest: float, highest: float
) -> tuple[np.ndarray, int]:
    """Magnitudes between two frequencies, a row a frame, and which bin is the first."""
    window = np.hanning(n_fft + 1)[:-1].astype(np.float32)
    first, last = int(lowest * n_fft / RATE), int(highest * n_fft / RATE)
    frames = np.lib.stride_tricks.sliding_window_view(samples, n_fft)[::hop]
    parts = [
        np.abs(fft.rfft(frames[start : start + _BLOCK] * window, axis=1)[:, first:last])
        for start in range(0, len(frames), _BLOCK)
    ]
    return np.concatenate(parts), first


def _vertex(spectra: np.ndarray, frames: np.ndarray, peaks: np.ndarray) -> np.ndarray:
    """Where a parabola through a peak and its neighbours has its vertex, within half a bin."""
    before, at, after = (
        np.log(np.maximum(spectra[frames, peaks + shift], 1e-12)) for shift in (-1, 0, 1)
    )
    bend = np.minimum(before - 2 * at + after, -1e-9)
    return np.clip(0.5 * (before - after) / bend, -0.5, 0.5)
