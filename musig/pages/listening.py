"""What the page on audio features computes: which recordings are heard, and what they are like.

Conventions
-----------
A recording is known by its track's id. Of a long one a window around the middle stands for all of
it. Features are in tables with a row a track and the columns of :data:`musig.catalog.FEATURES`,
NaN where they could not be told. A catalogue is synthetic if its name says that it is embedded.

Contents
--------
- :func:`with_sound`: a catalogue that can be heard; :func:`spread`: some of its recordings;
  :func:`groups`, :func:`labels`: what they are; :func:`origin`: where their features are from.
- :func:`excerpt`: samples of one; :func:`momentary`: its loudness; :func:`onsets`: its beats.
- :func:`analysed`: features of many, kept in the cache; :func:`second_opinion`: by vibenet.

What is shown of such features is in :mod:`musig.pages.estimates`.
"""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from musig import cache, recordings, signal_rhythm, signal_timbre
from musig.audio import check_options, estimate
from musig.catalog import FEATURES, Catalog
from musig.errors import MusigError
from musig.feature_table import told
from musig.recordings import SUFFIXES
from musig.signal_measures import BLOCK, loudness_of

SPARE = "embedded-classroom"
"""What is heard where the data have no sound."""
SOUND_LIBRARIES = ("librosa", "pyloudnorm", "soundfile", "soxr", "vibenet")
"""Libraries that what was analysed depends on."""


def with_sound(catalog: Catalog, dataset: str, seed: int) -> Catalog:
    """Give the catalogue, or one that can be heard in its place.

    Parameters
    ----------
    catalog : Catalog
    dataset : str
        A name that is tried first, then :data:`SPARE`.
    seed : int, >= 0
        Of an embedded catalogue.

    Returns
    -------
    Catalog
        With a note if it is another.

    Notes
    -----
    Notebook: 02_audio_features
    """
    from musig import sources

    for name in (None, dataset, SPARE):
        heard = catalog if name is None else sources.load("", name, seed)
        if _audible(heard):
            break
    if heard is catalog:
        return catalog
    told = f"{catalog.name} has no recordings, so this page is about those of {heard.name}."
    return replace(heard, notes=(told, *heard.notes))


def is_synthetic(catalog: Catalog) -> bool:
    """Tell whether a catalogue is an embedded one.

    Parameters
    ----------
    catalog : Catalog

    Returns
    -------
    bool

    Notes
    -----
    Notebook: 02_audio_features
    """
    return catalog.name.startswith("embedded-")


def origin(catalog: Catalog) -> str:
    """Say where the features come from that a catalogue has.

    Parameters
    ----------
    catalog : Catalog

    Returns
    -------
    str
        Such as ``planted``.

    Notes
    -----
    Notebook: 02_audio_features
    """
    return "planted, synthetic" if is_synthetic(catalog) else f"table of {catalog.name}"


def spread(paths: pd.Series, at_most: int) -> pd.Series:
    """Take some recordings, evenly from all of them.

    Parameters
    ----------
    paths : Series of str
        As :meth:`musig.catalog.Catalog.recordings` gives them.
    at_most : int, >= 1

    Returns
    -------
    Series of str

    Notes
    -----
    Notebook: 02_audio_features

    Examples
    --------
    >>> spread(pd.Series(list("abcdef")), 3).tolist()
    ['a', 'c', 'e']
    """
    n = min(at_most, len(paths))
    return paths.iloc[np.arange(n) * len(paths) // n]


def groups(catalog: Catalog) -> pd.Series:
    """Say which genre each track has, or, where no genre is known, which playlist it is in.

    Parameters
    ----------
    catalog : Catalog

    Returns
    -------
    Series of str
        By track id; None where unknown. Of several playlists the first counts.

    Notes
    -----
    Notebook: 02_audio_features

    Examples
    --------
    >>> from musig.catalog import Playlists
    >>> tracks = pd.DataFrame({"name": ["x", "y"]}, index=pd.Index(["a", "b"], name="track_id"))
    >>> lists = Playlists.from_lists([[1], [1, 0]], names=["quiet", "all"])
    >>> groups(Catalog(tracks, lists, "mine")).tolist()
    ['all', 'quiet']
    """
    tracks = catalog.tracks
    if "main_genre" in tracks and tracks["main_genre"].notna().any():
        genre = tracks["main_genre"].astype(object)
        return genre.where(genre.notna(), None)
    found: list[str | None] = [None] * len(tracks)
    for n in reversed(range(len(catalog.playlists))):
        for position in catalog.playlists[n]:
            found[position] = catalog.playlists.names[n]
    return pd.Series(found, index=tracks.index, dtype=object)


def labels(catalog: Catalog, of: pd.Series) -> pd.Series:
    """Say in a few words what each recording is.

    Parameters
    ----------
    catalog : Catalog
    of : Series of str
        The group of each track to be named, by its id; None where unknown.

    Returns
    -------
    Series of str
        By track id: its name and its group, and whether it is synthetic.

    Notes
    -----
    Notebook: 02_audio_features

    Examples
    --------
    >>> from musig.catalog import Playlists
    >>> tracks = pd.DataFrame({"name": ["Aria"]}, index=pd.Index(["a"], name="track_id"))
    >>> mine = Catalog(tracks, Playlists.from_lists([]), "mine")
    >>> labels(mine, pd.Series({"a": "quiet"})).tolist(), labels(mine, pd.Series({"a": None}))["a"]
    (['Aria · quiet'], 'Aria')
    """
    known = catalog.tracks["name"].reindex(of.index)
    mark = ["synthetic"] if is_synthetic(catalog) else []
    texts = [
        " · ".join([*mark, *(str(part) for part in (name, group) if not pd.isna(part))])
        for name, group in zip(known, of, strict=True)
    ]
    return pd.Series(texts, index=of.index, dtype=object)


def excerpt(path: str | Path, seconds: float, mono: bool = True) -> tuple[np.ndarray, int]:
    """Read a window around the middle of a recording.

    Parameters
    ----------
    path : str or Path
    seconds : float, > 0
        All of a recording that is shorter.
    mono : bool
        Whether to take the mean of the channels.

    Returns
    -------
    samples : ndarray of float32, shape (n,) or (channels, n)
    rate : int
        In Hz.

    Raises
    ------
    MusigError
        If the file cannot be read as sound.

    Notes
    -----
    Notebook: 02_audio_features
    """
    start = max(0.0, (recordings.duration(path) - seconds) / 2)
    return recordings.read(path, mono=mono, start=start, seconds=seconds)


def momentary(samples: np.ndarray, rate: int) -> pd.Series:
    """Measure the loudness of every 0.4 s, a new block every 0.1 s.

    Parameters
    ----------
    samples : ndarray of float32, shape (n,) or (channels, n)
        Channels count as for :func:`musig.signal_measures.loudness_of`.
    rate : int, Hz

    Returns
    -------
    Series of float
        In LUFS, -inf for silence; the index is the middle of the block in seconds.

    Notes
    -----
    EBU Tech 3341 (2016), by :func:`musig.signal_measures.loudness_of`.
    Notebook: 02_audio_features

    Examples
    --------
    >>> tone = 0.1 * np.sin(2 * np.pi * 1000 * np.arange(48_000) / 48_000)
    >>> momentary(tone, 48_000).round(1).tolist()[:2]
    [-20.0, -20.0]
    """
    if samples.shape[-1] < BLOCK * rate:
        return pd.Series(dtype=float)
    level = loudness_of(samples, rate)[1]
    return pd.Series(level, index=BLOCK / 2 + BLOCK / 4 * np.arange(len(level)))


def onsets(samples: np.ndarray, rate: int) -> tuple[np.ndarray, np.ndarray, float]:
    """Give the onset strength of a recording, and place beats on it.

    Parameters
    ----------
    samples : ndarray of float32, shape (n,)
    rate : int, Hz

    Returns
    -------
    strength : ndarray of float, shape (frames,)
        In decibels.
    beats : ndarray of float
        In seconds; none where there is no tempo.
    frame : float
        Seconds from one frame to the next.

    Notes
    -----
    Beats of :func:`musig.signal_rhythm.beats`, at the tempo of :func:`musig.signal_rhythm.tempo`.
    Notebook: 02_audio_features
    """
    mono = recordings.resampled(samples, rate, signal_rhythm.RATE)
    mono = mono / max(float(mono.std()), 1e-9)
    curve = signal_rhythm.onset_strength(signal_timbre.decibels(signal_timbre.mel_power(mono)))
    beats = signal_rhythm.beats(curve, signal_rhythm.tempo(curve)[0])
    late = signal_timbre.N_FFT // 2 // signal_rhythm.HOP  # a frame hears a stroke before its middle
    frame = signal_rhythm.HOP / signal_rhythm.RATE
    return np.pad(curve, (late, 0))[: len(curve)], (beats + late) * frame, frame


def analysed(
    paths: pd.Series, seconds: float, estimator: str = "signal"
) -> tuple[pd.DataFrame, pd.DataFrame, dict[str, str]]:
    """Estimate the features of recordings, or find them in the cache.

    Parameters
    ----------
    paths : Series of str
        By track id.
    seconds : float, > 0
        Of each, around its middle.
    estimator : {"signal", "vibenet"}

    Returns
    -------
    features : DataFrame
        By track id, the nine.
    measures : DataFrame
        By track id, the fields of :class:`musig.signal_measures.Measures`.
    untold : dict of str to str
        Why nothing is known of a track, by its id.

    Raises
    ------
    MusigError
        If the estimator is not installed.

    Notes
    -----
    Kept by what the files hold, not by where they are.
    Notebook: 02_audio_features
    """
    check_options(estimator)
    inputs: dict[str, Any] = {
        "contents": recordings.content_key(paths), "seconds": seconds, "estimator": estimator,
        "libraries": cache.versions(SOUND_LIBRARIES),
    }  # fmt: skip

    def make(folder: Path) -> None:
        rows = [_row(path, seconds, estimator) for path in paths]
        (folder / "rows.json").write_text(json.dumps(rows), "utf-8")

    kept = cache.stage("audio-features", inputs, make, source=__name__) / "rows.json"
    rows = json.loads(kept.read_text("utf-8"))
    features = pd.DataFrame([row["features"] for row in rows], index=paths.index)
    measures = pd.DataFrame([row["measures"] for row in rows], index=paths.index)
    untold = {str(key): row["error"] for key, row in zip(paths.index, rows, strict=True)}
    return (
        features.reindex(columns=list(FEATURES)).astype(float),
        measures.astype(float),
        {key: why for key, why in untold.items() if why},
    )


def second_opinion(
    paths: pd.Series, seconds: float, estimator: str
) -> tuple[pd.DataFrame | None, str]:
    """Ask the estimator vibenet, if it is wanted and there.

    Parameters
    ----------
    paths : Series of str
        By track id.
    seconds : float, > 0
        Of each, around its middle.
    estimator : {"signal", "vibenet"}
        It is wanted if this is its name.

    Returns
    -------
    features : DataFrame or None
        As of :func:`analysed`.
    why_not : str
        A sentence; empty where there are features.

    Notes
    -----
    Notebook: 02_audio_features
    """
    if estimator == "signal":
        return None, "Not asked here: estimator is signal. Run it with `-p estimator vibenet`."
    try:
        return analysed(paths, seconds, estimator)[0], ""
    except MusigError as error:
        return None, str(error)


def _audible(catalog: Catalog) -> bool:
    """Tell whether any recording is a sound file; spectrograms cannot be heard."""
    if catalog.sound is None or "recording" not in catalog.tracks:
        return False
    return bool(catalog.tracks["recording"].dropna().str.lower().str.endswith(SUFFIXES).any())


def _row(path: str, seconds: float, estimator: str) -> dict[str, Any]:
    """Analyse one recording; what cannot be read becomes a row that says why."""
    try:
        found = estimate(*excerpt(path, seconds, mono=False), estimator)
    except MusigError as error:
        return {"features": {}, "measures": {}, "error": told(error, path)}
    measures = asdict(found.measures[0])
    reasons = measures.pop("reasons")
    return {"features": found.features, "measures": measures, "error": reasons.get("all", "")}
