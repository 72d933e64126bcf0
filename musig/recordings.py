"""Sound files: finding, reading, resampling.

Files are decoded by libsndfile and resampled by soxr in its high quality, which has a precision of
20 bits [1]_. A part of a file is read without decoding what comes after it.

Conventions
-----------
Samples are float32 within -1 to 1, time last: ``(n,)`` in mono, else ``(channels, n)``. Mono is
the mean of the channels. Times are in seconds, rates in Hz. Nothing is cut, normalised or faded.
A file that cannot be read as it says it is, raises a sentence; it is never read as silence.

Contents
--------
- :func:`find`: the sound files of a folder; :func:`passed_over`: what :func:`find` cannot read;
- :func:`read`: samples; :func:`checked`, :func:`resampled`: of an array;
- :func:`duration`: seconds; :func:`window_starts`: where windows of a length begin;
- :func:`content_key`: a fingerprint of what files hold.

References
----------
.. [1] The SoX Resampler library, ``soxr.h``.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import soundfile
import soxr

from musig.errors import MusigError, counted

SUFFIXES = (".wav", ".flac", ".ogg", ".mp3")
"""How the name of a sound file ends, in any case."""

OTHER_SUFFIXES = (".aac", ".aif", ".aiff", ".ape", ".m4a", ".mp2", ".oga", ".opus", ".wma", ".wv")
"""How names of sound files end that are not read: to be converted first."""

LARGEST = 16.0
"""A sample beyond this, 24 dB over full scale, is not sound within -1 to 1."""

# A frame of MP3 may need bits of earlier ones: 511 bytes of reservoir, ten frames of 1152 samples
# and to spare. A seek right to a frame gives silence or worse until they are there.
_RESERVOIR = 10 * 1152
_CUT = 0.1  # seconds that may lack at an end; MP3's frames of 26 ms round
_OPEN_ENDED = (0, 2**32 - 1)  # the length a WAV has that was written into a pipe


def find(folder: Path) -> list[Path]:
    """List the sound files of a folder and of the folders in it.

    Parameters
    ----------
    folder : Path

    Returns
    -------
    list of Path
        Sorted. Hidden files, and those in hidden folders, are left out.

    Raises
    ------
    MusigError
        If there is no such folder, or no sound in it.

    Notes
    -----
    Notebook: 01_catalog
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise MusigError(f"{folder} is not a folder: give a folder of sound files.")
    paths = _files(folder, SUFFIXES)
    if not paths:
        raise MusigError(
            f"{folder} holds no sound: no file whose name ends in {', '.join(SUFFIXES)}, in it or "
            "in a folder in it."
        )
    return paths


def passed_over(folder: Path) -> list[Path]:
    """List the sound files of a folder that are of kinds which are not read.

    Parameters
    ----------
    folder : Path

    Returns
    -------
    list of Path
        Sorted, those whose name ends in one of :data:`OTHER_SUFFIXES`; hidden files are left out.

    Notes
    -----
    Notebook: 02_audio_features
    """
    return _files(Path(folder), OTHER_SUFFIXES)


def read(
    path: str | Path,
    rate: int | None = None,
    mono: bool = True,
    start: float = 0.0,
    seconds: float | None = None,
) -> tuple[np.ndarray, int]:
    """Read samples of a sound file.

    Parameters
    ----------
    path : str or Path
    rate : int, Hz, optional
        Resample to this; by default the file's own.
    mono : bool
        Whether to take the mean of the channels.
    start : float, seconds, >= 0
        Where to begin.
    seconds : float, > 0, optional
        How much; by default, and where less is there, up to the end.

    Returns
    -------
    samples : ndarray of float32, shape (n,) or (channels, n)
    rate : int
        In Hz.

    Raises
    ------
    MusigError
        If the file is missing, not sound, empty, cut short, or holds what is not a sample.

    Notes
    -----
    Notebook: 01_catalog

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "ramp.wav"
    >>> soundfile.write(path, np.linspace(-0.5, 0.5, 8000), 8000)
    >>> samples, rate = read(path, start=0.25, seconds=0.5)
    >>> samples.shape, rate, round(float(samples[0]), 2)
    ((4000,), 8000, -0.25)
    """
    with _quiet(path), _opened(path) as file:
        first = round(start * file.samplerate)
        if first < 0 or (first >= file.frames > 0):
            raise MusigError(
                f"{path} is {file.frames / file.samplerate:.2f} s long: there is nothing to read "
                f"from {start:.2f} s on."
            )
        left = file.frames - first
        wanted = left if seconds is None else min(left, round(seconds * file.samplerate))
        try:
            early = min(first, _RESERVOIR) if file.format == "MP3" else 0
            if first:
                file.seek(first - early)
            samples = file.read(wanted + early, dtype="float32", always_2d=True).T[:, early:]
        except (soundfile.SoundFileError, RuntimeError) as error:
            raise MusigError(f"{path} is damaged ({_reason(error)}): get it anew.") from error
        own = file.samplerate
    if wanted - samples.shape[1] > _CUT * own:
        there = start + samples.shape[1] / own
        raise MusigError(
            f"{path} is cut short: it breaks off at {there:.2f} s, before the end that it "
            "announces. Get it anew."
        )
    samples = checked(samples, str(path))
    if mono:
        samples = samples.mean(axis=0)
    return (samples, own) if rate is None else (resampled(samples, own, rate), rate)


def checked(samples: np.ndarray, where: str) -> np.ndarray:
    """Refuse what is not sound.

    Parameters
    ----------
    samples : ndarray of real numbers, shape (n,) or (channels, n)
    where : str
        For the message.

    Returns
    -------
    ndarray of float32
        The same.

    Raises
    ------
    MusigError
        If there are no samples, too many axes, or values that are not finite or far out of
        -1 to 1.

    Notes
    -----
    Notebook: 02_audio_features
    """
    if samples.ndim not in (1, 2) or samples.dtype.kind != "f":
        raise MusigError(
            f"{where} is an array of {samples.dtype} of shape {samples.shape}: expected floating "
            "point within -1 to 1, of shape (n,) or (channels, n)."
        )
    if samples.size == 0:
        raise MusigError(f"{where} holds no sound: it is 0 s long.")
    lowest, highest = float(samples.min()), float(samples.max())
    if not np.isfinite([lowest, highest]).all():
        bad = ~np.isfinite(samples)
        first = int(np.flatnonzero(bad.any(axis=0) if bad.ndim == 2 else bad)[0])
        n = int(bad.sum())
        are = "is not a finite number, at" if n == 1 else "are not finite numbers, the first at"
        raise MusigError(
            f"{where} holds {counted(n, 'sample')} that {are} sample {first:,}: expected numbers "
            "within -1 to 1. Write it anew."
        )
    if max(-lowest, highest) > LARGEST:
        raise MusigError(
            f"{where} has samples up to {max(-lowest, highest):.4g}: expected within -1 to 1. "
            "Divide whole numbers by the largest that their type can hold."
        )
    return samples.astype(np.float32, copy=False)


def resampled(samples: np.ndarray, rate: int, wanted: int) -> np.ndarray:
    """Change the rate of samples.

    Parameters
    ----------
    samples : ndarray of float32, shape (n,) or (channels, n)
    rate, wanted : int, Hz

    Returns
    -------
    ndarray of float32, shape (m,) or (channels, m)

    Notes
    -----
    Notebook: 02_audio_features

    Examples
    --------
    >>> resampled(np.zeros((2, 44100), np.float32), 44100, 16000).shape
    (2, 16000)
    """
    if rate == wanted:
        return samples
    # soxr wants time first, and each sample's channels side by side
    made = soxr.resample(np.ascontiguousarray(samples.T), rate, wanted, quality="HQ").T
    return np.ascontiguousarray(made, dtype=np.float32)


def duration(path: str | Path) -> float:
    """Tell how long a sound file is.

    Parameters
    ----------
    path : str or Path

    Returns
    -------
    float, seconds
        As the file says; nothing is decoded.

    Raises
    ------
    MusigError
        If the file is missing or not sound.

    Notes
    -----
    Notebook: 01_catalog
    """
    with _quiet(path), _opened(path) as file:
        return file.frames / file.samplerate


def window_starts(duration: float, window: float, at_most: int | None = None) -> list[float]:
    """Lay windows over a recording.

    Windows follow each other without overlap. If half a window or more is left at the end, one
    more window covers it, which ends with the recording and so overlaps the one before.

    Parameters
    ----------
    duration : float, seconds
        Of the recording.
    window : float, seconds, > 0
        Of a window.
    at_most : int, >= 1, optional
        Keep so many, spread evenly.

    Returns
    -------
    list of float
        Seconds, ascending; ``[0.0]`` where the recording is shorter than a window.

    Raises
    ------
    MusigError
        If a window has no length.

    Notes
    -----
    Notebook: 02_audio_features

    Examples
    --------
    >>> window_starts(100, 30), window_starts(110, 30), window_starts(110, 30, at_most=2)
    ([0.0, 30.0, 60.0], [0.0, 30.0, 60.0, 80.0], [30.0, 80.0])
    >>> window_starts(12, 30)
    [0.0]
    """
    if not window > 0:
        raise MusigError(f"A window of {window} s was asked for: expected more than 0 s.")
    whole = int(duration / window + 1e-6)  # 29.9999 s hold a window of 30 s
    starts = [k * window + 0.0 for k in range(max(whole, 1))]
    if whole and duration - whole * window >= window / 2:
        starts.append(float(duration - window))
    if at_most is not None and at_most < len(starts):
        starts = [starts[int((k + 0.5) * len(starts) / at_most)] for k in range(at_most)]
    return starts


def content_key(paths: Iterable[str | Path]) -> str:
    """Give a fingerprint of what files hold, wherever they are and whatever they are called.

    Parameters
    ----------
    paths : iterable of str or Path
        Order matters.

    Returns
    -------
    str
        SHA-256 of the files' own, in hexadecimal.

    Raises
    ------
    MusigError
        If a file cannot be read.

    Notes
    -----
    Notebook: 03_acoustic_vectors
    """
    total = hashlib.sha256()
    for path in paths:
        try:
            with Path(path).open("rb") as file:
                total.update(hashlib.file_digest(file, "sha256").digest())
        except OSError as error:
            raise MusigError(f"{path} cannot be read ({error.strerror}).") from error
    return total.hexdigest()


def _files(folder: Path, suffixes: tuple[str, ...]) -> list[Path]:
    """List files by the end of their name, sorted, none that is hidden."""
    return sorted(
        path
        for path in folder.rglob("*")
        if path.suffix.lower() in suffixes
        and path.is_file()
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    )


@contextmanager
def _quiet(path: str | Path) -> Iterator[None]:
    """Keep off standard error what the decoder of MP3, in C, notes of each frame that it mends."""
    if Path(path).suffix.lower() != ".mp3":
        yield
        return
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def _opened(path: str | Path) -> soundfile.SoundFile:
    """Open a file, or say why it is not sound."""
    path = Path(path)
    if not path.is_file():
        what = "is a folder, not a sound file" if path.is_dir() else "does not exist"
        raise MusigError(f"{path} {what}: give a sound file ({', '.join(SUFFIXES)}).")
    if path.stat().st_size == 0:
        raise MusigError(f"{path} is empty: it has 0 bytes. Get it anew.")
    try:
        path.open("rb").close()
    except OSError as error:
        raise MusigError(f"{path} cannot be read ({error.strerror}).") from error
    try:
        file = soundfile.SoundFile(path)
    except (soundfile.SoundFileError, RuntimeError, TypeError) as error:
        raise MusigError(
            f"{path} is not sound that can be read, whatever its name says: expected WAV, FLAC, "
            "OGG or MP3. Convert it, or leave it out."
        ) from error
    if _cut(file, path):
        file.close()
        raise MusigError(
            f"{path} is cut short: the end that its format marks is missing. Get it anew."
        )
    if file.frames == 0:
        file.close()
        raise MusigError(f"{path} holds no sound: it is 0 s long.")
    return file


def _cut(file: soundfile.SoundFile, path: Path) -> bool:
    """Tell whether a file ends before its own end, where libsndfile would read what is there."""
    if file.format.startswith("WAV"):
        told = re.search(r"^data\s*: (\d+) \(should be (\d+)\)", file.extra_info, re.M)
        if told is None or int(told[1]) in _OPEN_ENDED:
            return False
        return int(told[1]) > int(told[2])
    if file.format == "OGG":  # RFC 3533: the last page is marked so (bit 4 of byte 5)
        with path.open("rb") as raw:
            raw.seek(max(0, path.stat().st_size - 2**16))
            tail = raw.read()
        last = tail.rfind(b"OggS")
        return last >= 0 and not (tail[last + 5 : last + 6] or b"\0")[0] & 4
    return False


def _reason(error: Exception) -> str:
    return str(error).removeprefix("Error : ").rstrip(".")
