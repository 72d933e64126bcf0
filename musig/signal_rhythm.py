"""Rhythm by signal processing: how fast, how clear, how steady the pulse is.

Everything starts from one curve, the onset strength: how much louder the bands of a mel
spectrogram become from one frame to the next [1]_. A pulse is where both the curve's spectrum and
its autocorrelation are strong. The spectrum of a pulse has peaks at its tempo and multiples of it,
the autocorrelation at its tempo and fractions of it: only the tempo is in both [2]_. Which of the
pulse, its half and its double is called the tempo, is left to librosa's estimator [6]_, which is
the better judge of that; of the period, the product of both curves is.

Conventions
-----------
Time in seconds, tempo in beats per minute. Curves are measured in windows of :data:`WINDOW`
seconds and averaged, so that a tempo that drifts is not averaged away. What cannot be told is NaN.
All of it is independent of level, since onset strength is a difference of decibels.

An octave error, half or double the tempo a listener taps, remains possible wherever the sound has
both pulses: a preference for tempi near :data:`PREFERRED_TEMPO` decides then [3]_, ours and
librosa's.
How clear a pulse is, is read from the autocorrelation [4]_, and so is whether there is any: it has
to be stronger than noise has it [5]_.

Contents
--------
- :func:`onset_strength`: the curve; :func:`periodicity`: spectrum and autocorrelation of it;
- :func:`tempo`: from both; :func:`beats`: at a tempo; :func:`rhythm`: all measures of rhythm.

References
----------
.. [1] Böck, Widmer (2013). Maximum filter vibrato suppression for onset detection. DAFx. As
   implemented by ``librosa.onset.onset_strength``.
.. [2] Peeters (2007). Template-based estimation of time-varying tempo. EURASIP JASP 2007.
.. [3] Moelants (2002). Preferred tempo reconsidered. ICMPC. Ellis (2007). Beat tracking by
   dynamic programming. JNMR 36(1): the form of the weighting.
.. [4] Lartillot, Eerola, Toiviainen, Fornari (2008). Multi-feature modeling of pulse clarity.
   ISMIR.
.. [5] Bartlett (1946). On the theoretical specification and sampling properties of
   autocorrelated time-series. JRSS 8(1).
.. [6] McFee et al. (2015). librosa: audio and music signal analysis in Python. SciPy:
   ``librosa.feature.tempo``, autocorrelation over 8 s, weighted by a preference as in [3]_.
"""

from __future__ import annotations

from itertools import pairwise

import librosa
import numpy as np

RATE = 22050
"""Samples a second of the mono signal that is analysed."""

HOP = 512
"""Samples from one frame to the next: 23 ms."""

FRAMES = RATE / HOP
"""Frames a second."""

SLOWEST, FASTEST = 40.0, 200.0
"""Tempi looked for. Slower ones are not felt as a pulse, faster ones as its division."""

PREFERRED_TEMPO = 120.0
"""Centre of the preference, as in librosa and of Moelants (2002)."""

PREFERENCE = 0.5
"""Its deviation in octaves: our choice, narrower than librosa's 1, since the spectrum of the curve
is strong at divisions of the beat."""

WINDOW = 12.0
"""Seconds that a curve is measured over: our choice, 8 beats at the slowest tempo."""

SHORTEST = 3.0
"""Seconds below which no rhythm is told: two beats at the slowest tempo."""

FEWEST = 125
"""Frames that so many seconds have, each of 93 ms."""

SURE = 6.0
"""An autocorrelation of noise deviates by 1/sqrt(frames), Bartlett (1946), and by about
sqrt(3/frames) where frames overlap as ours do. A pulse below SURE/sqrt(frames) is none: our choice,
with which about one noise in a hundred has a tempo."""

PRESENT = 0.1
"""Share of the spectrum at a pulse that there has to be at its half or double to be the tempo: our
choice. Even clicks return at half their tempo, but do not have it."""

SMOOTH = 1.0
"""Deviation in frames of the bell that the curve is smoothed with, so that a pulse between two
frames is as strong as one on a frame: our choice."""

ONSET = 1.0
"""Decibels, as a mean over bands, by which an onset rises above its surroundings: our choice."""

FAINT = 0.5
"""Decibels: a curve that never reaches it has no onset, as a tone that lasts (our choice)."""


def onset_strength(decibels: np.ndarray) -> np.ndarray:
    """Give how much louder the bands become, frame by frame.

    Parameters
    ----------
    decibels : ndarray, shape (n_bands, n_frames)
        A mel spectrogram in decibels.

    Returns
    -------
    ndarray of float, shape (n_frames,)
        The mean over bands of the rise since the frame before, in decibels, >= 0.

    Notes
    -----
    By ``librosa.onset.onset_strength``.

    Notebook: 02_audio_features

    Examples
    --------
    >>> bands = np.zeros((2, 4)); bands[:, 2] = 6
    >>> onset_strength(bands).round(1).tolist()
    [0.0, 0.0, 6.0, 0.0]
    """
    return librosa.onset.onset_strength(S=decibels, sr=RATE, hop_length=HOP, center=False)


def periodicity(curve: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Measure how strongly a curve returns, by its spectrum and by its autocorrelation.

    Parameters
    ----------
    curve : ndarray, shape (n_frames,)
        Onset strength.

    Returns
    -------
    spectrum : ndarray, shape (n_tempi,)
        Magnitude at each of :func:`tempi`, of which the strongest is 1; the mean over windows.
    autocorrelations : ndarray, shape (n_windows, n_lags)
        At lags of 0, 1, ... frames, each divided by its value at 0.
    lags : ndarray, shape (n_tempi,)
        The lag of each tempo, in frames, not whole.

    Notes
    -----
    Notebook: 02_audio_features
    """
    grid = tempi()
    lags = 60 * FRAMES / grid
    length = min(len(curve), round(WINDOW * FRAMES))
    starts = np.arange(0, len(curve) - length + 1, max(length // 2, 1))
    bell = np.exp(-0.5 * (np.arange(-3, 4) / SMOOTH) ** 2)
    smooth = np.convolve(curve, bell / bell.sum(), mode="same")
    windows = np.lib.stride_tricks.sliding_window_view(smooth, length)[starts]
    windows = windows - windows.mean(axis=1, keepdims=True)
    size = 2 ** int(np.ceil(np.log2(64 * FRAMES)))  # 1/64 Hz, then interpolated
    size = max(size, 2 ** int(np.ceil(np.log2(4 * length))))
    frequencies = np.fft.rfftfreq(size, 1 / FRAMES)
    magnitude = np.abs(np.fft.rfft(windows * np.hanning(length), size)).mean(axis=0)
    spectrum = np.interp(grid / 60, frequencies, magnitude)
    power = np.abs(np.fft.rfft(windows, size)) ** 2
    n_lags = min(int(np.ceil(lags.max())) + 2, length)
    autocorrelation = np.fft.irfft(power, size)[:, :n_lags]
    autocorrelation = autocorrelation / (1 - np.arange(n_lags) / length)  # as many terms at a lag
    strongest = np.maximum(autocorrelation[:, :1], 1e-12)
    return spectrum / max(float(spectrum.max()), 1e-12), autocorrelation / strongest, lags


def tempi() -> np.ndarray:
    """List the tempi looked for, 0.2 % apart.

    Returns
    -------
    ndarray of float
        Beats per minute, ascending.

    Notes
    -----
    Notebook: 02_audio_features
    """
    steps = int(np.log(FASTEST / SLOWEST) / np.log(1.002)) + 1
    return np.geomspace(SLOWEST, FASTEST, steps)


def tempo(curve: np.ndarray) -> tuple[float, float]:
    """Find the tempo of a curve, and how clear its pulse is.

    Parameters
    ----------
    curve : ndarray, shape (n_frames,)
        Onset strength.

    Returns
    -------
    tempo : float, beats per minute
        NaN if the recording is shorter than :data:`SHORTEST` or has no pulse that noise would
        not have too.
    clarity : float
        Largest autocorrelation at the tempi looked for, clipped to 0 to 1: the pulse
        clarity of Lartillot et al. (2008). NaN if it is too short.

    Notes
    -----
    Notebook: 02_audio_features
    """
    if len(curve) < FEWEST:
        return np.nan, np.nan
    if curve.max() < FAINT:
        return np.nan, 0.0
    spectrum, autocorrelations, lags = periodicity(curve)
    mean = autocorrelations.mean(axis=0)
    returns = np.interp(lags, np.arange(len(mean)), mean)
    clarity = float(np.clip(returns.max(), 0, 1))
    sure = returns >= SURE / np.sqrt(len(curve))
    if not sure.any():
        return np.nan, clarity
    preference = np.exp(-0.5 * (np.log2(tempi() / PREFERRED_TEMPO) / PREFERENCE) ** 2)
    pulse = tempi()[np.argmax(spectrum * returns * preference * sure)]
    levels = pulse * np.array([0.5, 1, 2])
    strength = np.interp(levels, tempi(), spectrum, left=-1, right=-1)  # not out of range
    levels = levels[strength >= PRESENT * strength[1]]
    felt = librosa.feature.tempo(onset_envelope=curve, sr=RATE, hop_length=HOP)[0]
    return float(levels[np.argmin(np.abs(np.log2(levels / felt)))]), clarity


def beats(curve: np.ndarray, bpm: float) -> np.ndarray:
    """Place beats on a curve.

    Parameters
    ----------
    curve : ndarray, shape (n_frames,)
        Onset strength.
    bpm : float, beats per minute
        The tempo; NaN for none.

    Returns
    -------
    ndarray of int
        Frames, ascending; none where there is no tempo.

    Notes
    -----
    Ellis (2007), by ``librosa.beat.beat_track``.

    Notebook: 02_audio_features
    """
    if not bpm > 0:
        return np.empty(0, int)
    found = librosa.beat.beat_track(
        onset_envelope=curve, sr=RATE, hop_length=HOP, bpm=bpm, trim=False
    )
    return np.asarray(found[1])


def rhythm(decibels: np.ndarray) -> dict[str, float]:
    """Measure rhythm.

    Parameters
    ----------
    decibels : ndarray, shape (n_bands, n_frames)
        A mel spectrogram in decibels.

    Returns
    -------
    dict of str to float
        ``tempo``, ``pulse_clarity``, ``regularity``, ``beat_strength``, ``onset_rate``: fields of
        :class:`musig.signal_measures.Measures`.

    Notes
    -----
    Notebook: 02_audio_features
    """
    curve = onset_strength(decibels)
    found, clarity = tempo(curve)
    return {
        "tempo": found,
        "pulse_clarity": clarity,
        "regularity": _regularity(curve),
        "beat_strength": _beat_strength(curve, found),
        "onset_rate": _onset_rate(curve),
    }


def _regularity(curve: np.ndarray) -> float:
    """Correlate the autocorrelation of a half-window with that of the next one, on average."""
    if len(curve) < FEWEST or curve.max() < FAINT:
        return np.nan
    length = min(len(curve) // 2, round(WINDOW / 2 * FRAMES))
    shortest, longest = round(60 / FASTEST * FRAMES), min(round(1.5 * FRAMES), length // 2)
    curves = []
    for start in range(0, len(curve) - length + 1, length):
        own = periodicity(curve[start : start + length])[1][0]
        curves.append(own[shortest:longest])
    pairs = [(one, other) for one, other in pairwise(curves) if np.ptp(one) > 0 < np.ptp(other)]
    return float(np.mean([np.corrcoef(*pair)[0, 1] for pair in pairs])) if pairs else np.nan


def _beat_strength(curve: np.ndarray, found: float) -> float:
    """Mean onset strength on the beats, against the mean everywhere."""
    places = beats(curve, found)
    if len(places) < 3:
        return np.nan
    near = np.maximum(curve, np.maximum(np.roll(curve, 1), np.roll(curve, -1)))
    return float(np.log2(near[places].mean() / curve.mean()))


def _onset_rate(curve: np.ndarray) -> float:
    """Count peaks of the curve that rise above what surrounds them."""
    span = round(0.1 * FRAMES)
    peaks = librosa.util.peak_pick(
        curve, pre_max=span // 2, post_max=span // 2 + 1, pre_avg=4 * span, post_avg=4 * span + 1,
        delta=ONSET, wait=span // 2,
    )  # fmt: skip
    return len(peaks) / (len(curve) / FRAMES)
