"""What the acoustic network is fed: windows of the log-mel spectrogram of every track.

Two kinds of data give the same thing. Recordings are turned into spectrograms once and kept, by
what the recordings hold. The Melon data set comes as spectrograms, which are read where they lie
in its tar files.

Conventions
-----------
- A *window* is float32 ``(n_mels, frames)``: 30 seconds, or the longest recording where none has
  30 seconds. All windows of a data set have the same number of frames, so that they fit into a
  batch; what is shorter is repeated from its start, because silence would count as sound of the
  track in the pooling over time.
- A *row* is the position of a track in the catalogue. A track has at least one window.
- *place* in [0, 1) chooses a window of a track: 0 the first, just below 1 the last.

Contents
--------
- :class:`Spectrograms`: what both kinds can do.
- :class:`RecordedSpectrograms`, :func:`from_recordings`; :class:`MelonSpectrograms`.
- :func:`spectrograms_of`: the right kind for a catalogue.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from tqdm import tqdm

from musig import cache, recordings
from musig.acoustic_network import SHORTEST
from musig.catalog import Catalog
from musig.device import fabric
from musig.errors import MusigError, counted
from musig.files import aside
from musig.mel import LogMel
from musig.sources.melon_sound import N_MELS, read_mel

AT_ONCE = 64
"""So many windows, or those of one recording more, go through the front-end and are written
together."""
MELON_FRAMES = 62.5
"""Frames a second in the Melon data set: 16 kHz, hop 256 (Ferraro et al., ICASSP 2021)."""
log = logging.getLogger(__name__)


class Spectrograms(Protocol):
    """Windows of the spectrograms of some tracks."""

    rows: np.ndarray
    """int64, ascending: positions of the tracks that have sound."""
    n_mels: int
    frames: int
    frame_seconds: float
    """From one frame to the next."""
    unit: str
    """What a value is, for people."""
    fingerprint: str
    """Of the sound and of how it was cut into windows."""

    def windows(self, row: int) -> np.ndarray:
        """Give all windows of a track: float32 (w, n_mels, frames), w = 0 if it is damaged."""
        ...

    def window(self, row: int, place: float) -> np.ndarray | None:
        """Give one window of a track: (n_mels, frames), of any float type; None if damaged."""
        ...


class RecordedSpectrograms:
    """Windows that were computed from recordings; see :func:`from_recordings`.

    Parameters
    ----------
    folder : Path
        Where they are kept.
    rows : ndarray of int64, shape (n,)
        The track of each recording.
    frame_seconds : float
        From one frame to the next.
    """

    unit = "log₁₀(1 + 10⁴ power)"

    def __init__(self, folder: Path, rows: np.ndarray, frame_seconds: float) -> None:
        index = json.loads((folder / "index.json").read_text("utf-8"))
        self.data = np.load(
            folder / "windows.npy", mmap_mode="r"
        )  # float16 (total, n_mels, frames)
        self.n_mels, self.frames = self.data.shape[1:]
        self.frame_seconds = frame_seconds
        start = np.concatenate([[0], np.cumsum(index["counts"])])
        readable = [i for i in range(len(rows)) if str(i) not in index["unreadable"]]
        self.rows = np.asarray(rows, dtype=np.int64)[readable]
        self.unreadable: dict[int, str] = {
            int(rows[int(i)]): why for i, why in index["unreadable"].items()
        }
        self.span = {int(rows[i]): (int(start[i]), int(start[i + 1])) for i in readable}
        self.fingerprint = cache.digest([folder.name, self.rows.tolist()])

    def windows(self, row: int) -> np.ndarray:
        """Give all windows of a track: float32 (w, n_mels, frames)."""
        return self.data[slice(*self.span[row])].astype(np.float32)

    def window(self, row: int, place: float) -> np.ndarray:
        """Give one window of a track: float16 (n_mels, frames)."""
        start, stop = self.span[row]
        return self.data[start + int(place * (stop - start))]


def from_recordings(
    paths: Sequence[str | Path],
    rows: np.ndarray,
    window: float = 30.0,
    at_most: int = 8,
    progress: bool = True,
    device: str = "auto",
) -> RecordedSpectrograms:
    """Compute the windows of recordings, or find them where they were computed before.

    Parameters
    ----------
    paths : sequence of path, length n
    rows : ndarray of int, shape (n,)
        The track of each, ascending.
    window : float, seconds, > 0
    at_most : int, >= 1
        Windows a recording, spread evenly over it.
    progress : bool
        A bar on stderr.
    device : {"auto", "cpu", "cuda"}
        Where they are computed. It is no part of the key: what differs is rounding, far below
        the step of a float16.

    Returns
    -------
    RecordedSpectrograms
        Of the recordings that can be read; a warning names each of the others.

    Raises
    ------
    MusigError
        If none can be read.

    Notes
    -----
    Kept as float16, whose step at the loudest is 0.004, in a memory-mapped file; a computation
    that was stopped goes on. The key is what the recordings hold: a renamed file is the same.
    Notebook: 03_acoustic_vectors
    """
    keys: list[str | None] = []
    for path in paths:
        try:
            keys.append(recordings.content_key([path]))
        except MusigError:
            keys.append(None)
    mel = LogMel()
    inputs = {
        "recordings": cache.digest(keys),
        "window": float(window),
        "at_most": at_most,
        "mel": [mel.rate, mel.n_fft, mel.hop, mel.n_mels],
    }
    folder = cache.stage(
        "spectrograms",
        inputs,
        lambda folder: _compute(
            folder,
            [Path(p) for p in paths],
            mel.to(fabric(device, "32").device),
            window,
            at_most,
            progress,
        ),
        from_recordings,
    )
    result = RecordedSpectrograms(folder, rows, mel.hop / mel.rate)
    for why in result.unreadable.values():
        log.warning("%s Its track stays without an acoustic vector.", why)
    return result


def _compute(
    folder: Path, paths: list[Path], mel: LogMel, window: float, at_most: int, progress: bool
) -> None:
    """Write windows.npy and index.json, from where an earlier attempt got to."""
    plan, unreadable = [], {}  # seconds at which each window starts; index to reason
    lengths: list[float] = []
    for i, path in enumerate(paths):
        try:
            lengths.append(recordings.duration(path))
        except MusigError as error:
            unreadable[str(i)] = str(error)
            lengths.append(0.0)
    seconds = min(window, max(lengths, default=0.0))
    if seconds <= 0:
        raise MusigError(
            f"None of {counted(len(paths), 'recording')} can be read. The first: "
            f"{next(iter(unreadable.values()), 'there is none.')}"
        )
    for i, length in enumerate(lengths):
        starts = recordings.window_starts(length, seconds, at_most)
        plan.append([] if str(i) in unreadable else starts)
    counts = [len(starts) for starts in plan]
    ends = np.cumsum(counts)
    frames = max(mel.frames(round(seconds * mel.rate)), SHORTEST)

    target, note = folder / "windows.npy", folder / "progress.json"
    done = 0
    if target.exists() and note.exists():
        reached = json.loads(note.read_text("utf-8"))
        done, unreadable = reached["done"], reached["unreadable"]
        data = np.lib.format.open_memmap(target, mode="r+")
    else:
        shape = (int(ends[-1]), mel.n_mels, frames)
        data = np.lib.format.open_memmap(target, mode="w+", dtype=np.float16, shape=shape)
    bar = tqdm(
        total=len(paths),
        initial=done,
        desc="spectrograms",
        unit="track",
        disable=None if progress else True,
    )
    while done < len(paths):
        first = done
        sounds: list[np.ndarray] = []
        places: list[int] = []  # of each, in the file
        while done < len(paths) and len(sounds) < AT_ONCE:
            if str(done) not in unreadable:
                try:
                    sounds += _sounds(paths[done], plan[done], seconds, mel.rate)
                    places += range(ends[done] - counts[done], ends[done])
                except MusigError as error:
                    unreadable[str(done)] = str(error)
            done += 1
        for place, spectrogram in zip(places, _through(mel, sounds), strict=True):
            data[place] = fitted(spectrogram, frames)
        data.flush()
        with aside(note) as passing:
            passing.write_text(json.dumps({"done": done, "unreadable": unreadable}), "utf-8")
        bar.update(done - first)
    bar.close()
    if len(unreadable) == len(paths):
        raise MusigError(
            f"None of {counted(len(paths), 'recording')} can be read. The first: {unreadable['0']}"
        )
    with aside(folder / "index.json") as passing:
        passing.write_text(json.dumps({"counts": counts, "unreadable": unreadable}), "utf-8")


def _sounds(path: Path, starts: list[float], seconds: float, rate: int) -> list[np.ndarray]:
    """Read all windows of a recording; the last may be a few samples short."""
    return [recordings.read(path, rate, start=s, seconds=seconds)[0] for s in starts]


def _through(mel: LogMel, sounds: list[np.ndarray]) -> list[np.ndarray]:
    """Give the spectrogram of each window: those of one length go through together."""
    made: list[np.ndarray] = [np.empty(0)] * len(sounds)
    for length in {len(sound) for sound in sounds}:
        alike = [k for k, sound in enumerate(sounds) if len(sound) == length]
        batch = torch.from_numpy(np.stack([sounds[k] for k in alike])).to(mel.window.device)
        for k, spectrogram in zip(alike, mel(batch).cpu().numpy(), strict=True):
            made[k] = spectrogram
    return made


def fitted(spectrogram: np.ndarray, frames: int) -> np.ndarray:
    """Cut a spectrogram to a number of frames, or repeat it from its start up to there.

    Parameters
    ----------
    spectrogram : ndarray of float, shape (n_mels, m), m > 0
    frames : int, > 0

    Returns
    -------
    ndarray, shape (n_mels, frames)

    Notes
    -----
    Notebook: 03_acoustic_vectors

    Examples
    --------
    >>> fitted(np.array([[1.0, 2.0, 3.0]]), 5).tolist(), fitted(np.ones((1, 9)), 2).shape
    ([[1.0, 2.0, 3.0, 1.0, 2.0]], (1, 2))
    """
    return spectrogram[:, np.arange(frames) % spectrogram.shape[1]]


class MelonSpectrograms:
    """Windows of the Melon data set's spectrograms, read by offset from its tar files.

    Parameters
    ----------
    folder : Path
        That of the tar files.
    names : sequence of str, length n
        ``arena_mel_0.tar:0/12.npy``, as :mod:`musig.sources.melon` has them.
    rows : ndarray of int, shape (n,)
        The track of each, ascending.
    window : float, seconds, > 0
    at_most : int, >= 1
        Windows a track, spread evenly.

    Notes
    -----
    48 bands, 62.5 frames a second, at most 30 seconds a track (Ferraro et al.: Melon Playlist
    Dataset, ICASSP 2021). Nothing is unpacked and nothing kept: 649,091 spectrograms stay where
    they are. A damaged one is found when it is first read and told in a warning, once.
    Notebook: 03_acoustic_vectors
    """

    frame_seconds = 1 / MELON_FRAMES
    unit = "level (dB)"

    def __init__(
        self,
        folder: Path,
        names: Sequence[str],
        rows: np.ndarray,
        window: float = 30.0,
        at_most: int = 8,
    ) -> None:
        self.folder, self.at_most = Path(folder), at_most
        self.rows = np.asarray(rows, dtype=np.int64)
        self.name = dict(zip(self.rows.tolist(), names, strict=True))
        self.n_mels, self.frames = N_MELS, max(round(window * MELON_FRAMES), SHORTEST)
        self.damaged: set[int] = set()
        tars = sorted({name.partition(":")[0] for name in names})
        sizes = [[tar, (self.folder / tar).stat().st_size] for tar in tars]
        self.fingerprint = cache.digest([list(names), self.rows.tolist(), sizes, window, at_most])

    def _read(self, row: int) -> np.ndarray | None:
        if row in self.damaged:
            return None
        try:
            return read_mel(self.folder, self.name[row])
        except MusigError as error:
            self.damaged.add(row)
            log.warning("%s Its track stays without an acoustic vector.", error)
            return None

    def _starts(self, frames: int) -> list[int]:
        return [int(s) for s in recordings.window_starts(frames, self.frames, self.at_most)]

    def windows(self, row: int) -> np.ndarray:
        """Give all windows of a track: float32 (w, n_mels, frames); none if it is damaged."""
        mel = self._read(row)
        if mel is None:
            return np.empty((0, self.n_mels, self.frames), np.float32)
        return np.stack([fitted(mel[:, s:], self.frames) for s in self._starts(mel.shape[1])])

    def window(self, row: int, place: float) -> np.ndarray | None:
        """Give one window of a track: float32 (n_mels, frames); None if it is damaged."""
        mel = self._read(row)
        if mel is None:
            return None
        starts = self._starts(mel.shape[1])
        return fitted(mel[:, starts[int(place * len(starts))] :], self.frames)


def spectrograms_of(
    catalog: Catalog,
    window: float = 30.0,
    at_most: int = 8,
    progress: bool = True,
    device: str = "auto",
) -> Spectrograms:
    """Give the spectrograms of a catalogue's sound.

    Parameters
    ----------
    catalog : Catalog
        With recordings, or with the spectrograms of the Melon data set.
    window : float, seconds, > 0
    at_most : int, >= 1
        Windows a track.
    progress : bool
        A bar on stderr while they are computed.
    device : {"auto", "cpu", "cuda"}
        Where they are computed.

    Returns
    -------
    Spectrograms

    Raises
    ------
    MusigError
        If no track has sound.

    Notes
    -----
    Notebook: 03_acoustic_vectors
    """
    known = catalog.recordings()
    rows = catalog.tracks.index.get_indexer(known.index)
    if str(known.iloc[0]).endswith(".npy"):
        assert catalog.sound is not None  # recordings() has seen to it
        names = catalog.tracks["recording"].iloc[rows].tolist()
        return MelonSpectrograms(catalog.sound(), names, rows, window, at_most)
    return from_recordings(known.tolist(), rows, window, at_most, progress, device)
