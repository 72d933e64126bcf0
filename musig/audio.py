"""The nine audio features of a recording.

Two estimators, by name. ``signal`` measures (:mod:`musig.signal_features`). ``vibenet`` asks a
learned network for seven of the nine (:mod:`musig.vibenet_features`), and takes loudness and tempo
from ``signal``.

Conventions
-----------
Features have the names, order and ranges of :data:`musig.catalog.FEATURES`: seven within 0 to 1,
loudness in LUFS, tempo in beats a minute. NaN means that it could not be told; the reason is in
:attr:`Estimate.reasons`. What is not sound raises a sentence.

With windows, eight features are averaged over them. Loudness is not, since the loudness of EBU R
128 is that of the whole programme, with gates that windows of their own would set elsewhere.

Contents
--------
- :data:`ESTIMATORS`; :func:`audio_features`: nine numbers;
- :func:`estimate`: the same, with reasons and with what was measured;
- :func:`check_options`: whether an estimator can be asked.
"""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Real
from pathlib import Path

import numpy as np

from musig.catalog import FEATURES
from musig.errors import MusigError, nearest
from musig.recordings import checked, read, window_starts
from musig.signal_features import features_from
from musig.signal_measures import Measures, loudness_of, measure
from musig.signal_rhythm import SHORTEST

ESTIMATORS = ("signal", "vibenet")
"""Names of the estimators."""


@dataclass(frozen=True)
class Estimate:
    """What was found out about a recording.

    Notes
    -----
    Made by :func:`estimate`.

    Notebook: 02_audio_features
    """

    features: dict[str, float]
    """The nine, in the order of :data:`musig.catalog.FEATURES`."""
    reasons: dict[str, str]
    """Why a feature is NaN, by its name."""
    measures: tuple[Measures, ...]
    """Of each window, one if there are no windows."""


def audio_features(
    recording: str | Path | np.ndarray,
    rate: int | None = None,
    estimator: str = "signal",
    window: float | None = None,
) -> dict[str, float]:
    """Estimate the nine audio features of a recording.

    Parameters
    ----------
    recording : str, Path, or ndarray of float, shape (n,) or (channels, n)
        A sound file, or samples within -1 to 1.
    rate : int, Hz, optional
        Of samples; a file knows its own.
    estimator : {"signal", "vibenet"}
    window : float, seconds, optional
        Take the mean over windows of this length, for tempo the median, but for loudness the whole
        recording; by default that is one window. Where the last window overlaps the one before
        (:func:`musig.recordings.window_starts`), what is in both counts twice.

    Returns
    -------
    dict of str to float
        The nine, in the order of :data:`musig.catalog.FEATURES`; NaN if it cannot be told.

    Raises
    ------
    MusigError
        If it is not sound, an option is wrong, or the estimator is not installed.

    Notes
    -----
    Notebook: 02_audio_features

    Examples
    --------
    >>> clicks = np.zeros(6 * 22050, np.float32)
    >>> clicks[::11025] = 0.5  # two a second
    >>> round(audio_features(clicks, 22050)["tempo"])
    120
    """
    return estimate(recording, rate, estimator, window).features


def estimate(
    recording: str | Path | np.ndarray,
    rate: int | None = None,
    estimator: str = "signal",
    window: float | None = None,
) -> Estimate:
    """Estimate the nine audio features of a recording, with what they were made from.

    Parameters
    ----------
    recording : str, Path, or ndarray of float, shape (n,) or (channels, n)
        As for :func:`audio_features`.
    rate : int, Hz, optional
        Of samples.
    estimator : {"signal", "vibenet"}
    window : float, seconds, optional
        Length of a window.

    Returns
    -------
    Estimate

    Raises
    ------
    MusigError
        As for :func:`audio_features`.

    Notes
    -----
    Notebook: 02_audio_features

    Examples
    --------
    >>> estimate(np.zeros(22050, np.float32), 22050).reasons["loudness"]
    'it is silent: nowhere above -70 LUFS'
    """
    check_options(estimator, window)
    samples, rate = _samples(recording, rate)
    seconds = samples.shape[-1] / rate
    length = seconds if window is None else window
    measures, rows = [], []
    reasons: dict[str, str] = {}
    for start in window_starts(seconds, length):
        part = samples[..., round(start * rate) : round((start + length) * rate)]
        found = measure(part, rate)
        features, why = features_from(found)
        if estimator == "vibenet" and "all" not in found.reasons:
            from musig.vibenet_features import predict

            features |= predict(part, rate)
        measures.append(found)
        rows.append([features[name] for name in FEATURES])
        reasons |= why
    table = np.array(rows)
    known = ~np.isnan(table)
    values = {}
    for column, name in enumerate(FEATURES):
        middle = np.median if name == "tempo" else np.mean
        told = table[known[:, column], column]
        values[name] = float(middle(told)) if len(told) else np.nan
    if window is not None and not np.isnan(values["loudness"]):
        values["loudness"] = loudness_of(samples, rate)[0]
    missing = {name: reasons[name] for name in FEATURES if np.isnan(values[name])}
    return Estimate(values, missing, tuple(measures))


def check_options(estimator: str, window: float | None = None) -> None:
    """Refuse an estimator that is not there, before any sound is read.

    Parameters
    ----------
    estimator : {"signal", "vibenet"}
    window : float, seconds, optional
        Length of a window.

    Raises
    ------
    MusigError
        If there is no such estimator, it is not installed, or the window is too short.

    Notes
    -----
    Notebook: 02_audio_features
    """
    if estimator not in ESTIMATORS:
        raise MusigError(f"Unknown estimator '{estimator}': {nearest(estimator, ESTIMATORS)}")
    if estimator == "vibenet":
        from musig.vibenet_features import need

        need()
    if window is not None and not window >= SHORTEST:
        raise MusigError(
            f"A window of {window:g} s was asked for: expected {SHORTEST:g} s or more, which all "
            "features but loudness need."
        )


def _samples(recording: str | Path | np.ndarray, rate: int | None) -> tuple[np.ndarray, int]:
    """Read or check a recording."""
    if isinstance(recording, str | Path):
        return read(recording, mono=False)
    if not isinstance(recording, np.ndarray):
        raise MusigError(
            f"The recording is a {type(recording).__name__}: expected the path of a sound file, or "
            "an array of samples."
        )
    if rate is None:
        raise MusigError("The rate of the samples was not given: rate=44100, for example.")
    if not isinstance(rate, Real) or not rate > 0:
        raise MusigError(
            f"The rate is {rate!r}: expected samples a second, rate=44100 for example."
        )
    return checked(recording, "The recording"), rate
