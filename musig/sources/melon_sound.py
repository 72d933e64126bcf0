"""Mel-spectrograms of the Melon Playlist Dataset, read out of their tars.

Forty files ``arena_mel_K.tar``, about 240 GB together, hold a ``.npy`` file for each song. They
are not unpacked: a tar is a row of files, each after a header that tells its length, so once the
headers are read, any song is one seek away.

Conventions
-----------
- A spectrogram is float32, shape ``(48, frames)``: bands, then time. The data set's own text says
  what it is of: the seconds 20 to 50 of a song, at 16 kHz, in Hann windows of 512 samples every
  256 (62.5 frames a second), 48 mel bands, made with Essentia. Published code takes the values as
  decibels.
- The song's id is the name of the member without its folder and ending: ``53/53712.npy``.
- What the headers of a tar say is kept in the cache, under its name, size and time of change.

Contents
--------
- :func:`tars`: the tars of a folder; :func:`members`: what one holds.
- :func:`read_mel`: a spectrogram.
"""

from __future__ import annotations

import io
import tarfile
from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd

from musig import cache
from musig.errors import MusigError, counted
from musig.sources.report import Report

N_MELS = 48
"""Mel bands of a spectrogram."""

_TABLE = "members.parquet"
_WHOLE = "the whole file, as it was published: copy or download it again"


def tars(folder: Path) -> list[Path]:
    """List the tars of a folder.

    Parameters
    ----------
    folder : Path

    Returns
    -------
    list of Path
        ``arena_mel_K.tar``, by K.

    Notes
    -----
    Notebook: 03_acoustic_vectors

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> for k in (10, 9, 0):
    ...     (folder / f"arena_mel_{k}.tar").touch()
    >>> [path.name for path in tars(folder)]
    ['arena_mel_0.tar', 'arena_mel_9.tar', 'arena_mel_10.tar']
    """
    return sorted(Path(folder).glob("arena_mel_*.tar"), key=lambda path: (len(path.name), path))


def members(path: Path, report: Report) -> dict[str, tuple[int, int]] | None:
    """Tell where in a tar each spectrogram is.

    Parameters
    ----------
    path : Path
    report : Report
        Takes what is wrong with the file.

    Returns
    -------
    dict or None
        Name of the member -> where its contents begin, and how many bytes they are. None if the
        tar is damaged: a tar that breaks off is never read as a whole one.

    Notes
    -----
    Notebook: 03_acoustic_vectors
    """
    try:
        located = _located(path)
    except tarfile.TarError as error:
        report.error(None, None, f"a damaged tar ({error})", _WHOLE)
        return None
    named = {name: place for name, place in located.items() if _is_song(name)}
    if others := len(located) - len(named):
        found = f"{counted(others, 'member')} that are no song, not used"
        report.warning(None, None, found, "names such as 53/53712.npy")
    return named


def read_mel(folder: Path, recording: str) -> np.ndarray:
    """Read a mel-spectrogram by its place in a tar.

    Parameters
    ----------
    folder : Path
        That holds the tars.
    recording : str
        ``arena_mel_K.tar:MEMBER``, as in the column ``recording``.

    Returns
    -------
    ndarray of float32, shape (48, frames)

    Raises
    ------
    MusigError
        If there is no such member, or it is not such an array of finite numbers.

    Notes
    -----
    Notebook: 03_acoustic_vectors
    """
    name, _, member = recording.partition(":")
    path = Path(folder) / name
    if not member or not path.is_file():
        raise MusigError(
            f"No recording {recording} in {folder}: expected a tar there and a member of it, "
            "written arena_mel_K.tar:MEMBER."
        )
    try:
        offset, size = _located(path)[member]
    except tarfile.TarError as error:
        raise MusigError(f"{path} is a damaged tar ({error}); expected {_WHOLE}.") from error
    except KeyError as error:
        raise MusigError(f"{path} holds no member {member}: read the folder again.") from error
    with path.open("rb") as file:
        file.seek(offset)
        raw = file.read(size)
    try:
        mel = np.lib.format.read_array(io.BytesIO(raw), allow_pickle=False)
    except (ValueError, EOFError) as error:
        told = " ".join(str(error).split())[:100]
        raise MusigError(
            f"{recording} is not an array of numpy ({told}); expected a .npy file of numbers, "
            f"shape ({N_MELS}, frames): download {name} again."
        ) from error
    if mel.ndim != 2 or mel.shape[0] != N_MELS or not mel.size or mel.dtype.kind not in "fiu":
        raise MusigError(
            f"{recording} is an array of {mel.dtype}, shape {mel.shape}; expected numbers, shape "
            f"({N_MELS}, frames)."
        )
    mel = mel.astype(np.float32)
    if not np.isfinite(mel).all():
        raise MusigError(f"{recording} holds NaN or infinity; expected finite numbers.")
    return mel


def _is_song(name: str) -> bool:
    path = Path(name)
    return path.suffix == ".npy" and path.stem.isascii() and path.stem.isdigit()


def _located(path: Path) -> dict[str, tuple[int, int]]:
    state = path.stat()
    return _index(path.resolve(), state.st_size, state.st_mtime_ns)


@lru_cache(maxsize=64)  # all forty, and some of another folder
def _index(path: Path, size: int, changed: int) -> dict[str, tuple[int, int]]:
    inputs = {"name": path.name, "size": size, "changed": changed}
    folder = cache.stage("melon-tar", inputs, lambda made: _scan(path, made / _TABLE), __name__)
    table = pd.read_parquet(folder / _TABLE)
    places = zip(table["offset"].tolist(), table["size"].tolist(), strict=True)
    return dict(zip(table["member"], places, strict=True))


def _scan(path: Path, table: Path) -> None:
    """Read all headers; raises where the file is no tar or breaks off."""
    rows = []
    with tarfile.open(path, "r:") as tar:
        for member in tar:
            if member.isfile():
                rows.append((member.name, member.offset_data, member.size))
        end = tar.offset
    with path.open("rb") as file:  # tarfile takes a broken header, or no more bytes, for the end
        file.seek(end)
        if file.read(tarfile.BLOCKSIZE) != bytes(tarfile.BLOCKSIZE):
            raise tarfile.ReadError(f"no end where it should be, at byte {end:,}")
    frame = pd.DataFrame(rows, columns=["member", "offset", "size"])
    frame.astype({"member": "str", "offset": "int64", "size": "int64"}).to_parquet(table)
