r"""Numbers within a page: models, features and sound as text that a script can read.

A page that is opened from a file may not fetch anything, so what it computes with is inside it.
Text of 64 letters holds six bits a letter: four letters for three bytes.

Conventions
-----------
A *packed* array is a dict of plain values, fit for JSON: ``type``, a kind and its number of bytes
(:data:`KINDS`), and ``base64``, its numbers row by row with the low byte first. Positions are rows
of the page's tracks.

Contents
--------
- :func:`packed`, :func:`unpacked`: any array of whole numbers.
- :func:`codes`: vectors as 16-bit numbers, for cosines; :func:`levels`: features as 8-bit ones.
- :func:`neighbours`: shared playlists of item-kNN, sparse.
- :func:`clip`: a few seconds of sound.
"""

from __future__ import annotations

import base64
import io

import numpy as np
import soundfile
from scipy import sparse

from musig.errors import MusigError
from musig.pages.sound import FADE, PEAK, middle
from musig.recordings import resampled

KINDS = {"u1": np.uint8, "u2": np.uint16, "u4": np.uint32, "i2": np.int16}
"""Kinds of numbers: u is unsigned, i is signed, then the bytes of each."""
STEPS = 32_767
"""The largest number of a vector becomes this, of either sign."""
UNKNOWN = 255
"""The level of a feature that is not known; levels go from 0 to 254."""
CLIP_RATE = 16_000
"""Samples a second of a clip in the page, Hz."""
CLIP_TYPE = "audio/mpeg"
_COMPRESSION = 0.93  # of soundfile: 16 kbit/s, of one channel at that rate


def packed(values: np.ndarray) -> dict[str, str]:
    """Write whole numbers as text, each in as few bytes as the largest needs.

    Parameters
    ----------
    values : ndarray of int
        int16, or numbers from 0 to 2³² - 1.

    Returns
    -------
    dict
        ``type`` and ``base64``.

    Raises
    ------
    MusigError
        If a number is below 0 or too large.

    Notes
    -----
    Notebook: 16_playground

    Examples
    --------
    >>> packed(np.array([1, 2, 3])), packed(np.array([1, 300]))["type"]
    ({'type': 'u1', 'base64': 'AQID'}, 'u2')
    """
    values = np.asarray(values)
    if values.dtype == np.int16:
        kind = "i2"
    else:
        least, most = (int(values.min()), int(values.max())) if values.size else (0, 0)
        if least < 0 or most >= 2**32:
            raise MusigError(
                f"A number of {least if least < 0 else most} is to be packed; expected whole"
                " numbers from 0 to 2³² - 1."
            )
        kind = next(key for key in ("u1", "u2", "u4") if most < 256 ** int(key[1]))
    raw = values.astype(np.dtype(KINDS[kind]).newbyteorder("<")).tobytes()
    return {"type": kind, "base64": base64.b64encode(raw).decode("ascii")}


def unpacked(text: dict[str, str]) -> np.ndarray:
    """Read what :func:`packed` wrote.

    Parameters
    ----------
    text : dict
        ``type`` and ``base64``.

    Returns
    -------
    ndarray, shape (n,)
        Of the type's dtype.

    Notes
    -----
    Notebook: 16_playground

    Examples
    --------
    >>> unpacked(packed(np.array([7, 70_000]))).tolist()
    [7, 70000]
    """
    kind = np.dtype(KINDS[text["type"]])
    return np.frombuffer(base64.b64decode(text["base64"]), kind.newbyteorder("<")).astype(kind)


def codes(vectors: np.ndarray) -> np.ndarray:
    r"""Write vectors as 16-bit numbers that keep their directions.

    Parameters
    ----------
    vectors : ndarray of float, shape (n, d)

    Returns
    -------
    ndarray of int16, shape (n, d)
        Each row is stretched until its largest number is :data:`STEPS`, then rounded. A row of
        zeros stays one.

    Notes
    -----
    A cosine does not ask how long a vector is, so no scale has to be kept: whoever reads the row
    divides it by its length. Rounding moves a number by at most half a step, :math:`1 / 2^{16}` of
    the row's largest.

    Notebook: 16_playground

    Examples
    --------
    >>> codes(np.array([[0.5, -0.25], [0.0, 0.0]])).tolist()
    [[32767, -16384], [0, 0]]
    """
    rows = np.asarray(vectors, dtype=np.float64)
    most = np.abs(rows).max(axis=1, keepdims=True, initial=0.0)
    return np.rint(rows / np.where(most > 0, most, 1) * STEPS).astype(np.int16)


def levels(values: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Write features as 8-bit levels between bounds.

    Parameters
    ----------
    values : ndarray of float, shape (n, k)
        NaN where unknown.
    low, high : ndarray of float, shape (k,)
        Beyond them a value is taken to be the bound.

    Returns
    -------
    ndarray of uint8, shape (n, k)
        0 at the lower bound, 254 at the upper; :data:`UNKNOWN` where unknown.

    Notes
    -----
    Notebook: 16_playground

    Examples
    --------
    >>> levels(np.array([[0.5], [2.0], [np.nan]]), np.array([0.0]), np.array([1.0])).tolist()
    [[127], [254], [255]]
    """
    values = np.asarray(values, dtype=np.float64)
    share = np.clip((values - low) / (high - low), 0, 1)
    return np.where(np.isnan(values), UNKNOWN, np.rint(share * (UNKNOWN - 1))).astype(np.uint8)


def neighbours(
    similarity: sparse.csr_array, counts: np.ndarray, positions: np.ndarray
) -> dict[str, dict[str, str]]:
    r"""Write the neighbours of item-kNN as counts of shared playlists.

    Parameters
    ----------
    similarity : csr_array of float32, shape (n_tracks, n_tracks)
        Of :class:`musig.baselines.itemknn.ItemKNN` with its default weighting: cosines.
    counts : ndarray of int, shape (n_tracks,)
        In how many training playlists each track is.
    positions : ndarray of int, shape (m,)
        The tracks of the page, ascending; of the others nothing is kept.

    Returns
    -------
    dict
        Packed arrays: ``lengths``, of every row; ``indices`` and ``shared``, its tracks in
        ascending order and the playlists shared with each.

    Notes
    -----
    The cosine is :math:`c_{ij} / \sqrt{c_i c_j}`, so that the whole number :math:`c_{ij}` says it
    exactly, and is worth showing beside it.

    Notebook: 16_playground

    Examples
    --------
    >>> pair = sparse.csr_array(np.array([[0, 0.5], [0.5, 0]], dtype=np.float32))
    >>> kept = neighbours(pair, np.array([4, 4]), np.array([0, 1]))
    >>> [unpacked(kept[key]).tolist() for key in ("lengths", "indices", "shared")]
    [[1, 1], [1, 0], [2, 2]]
    """
    kept = sparse.csr_array(similarity[positions][:, positions])
    kept.sort_indices()
    of_row = np.repeat(np.arange(len(positions)), np.diff(kept.indptr))
    together = np.sqrt(counts[positions][of_row] * counts[positions][kept.indices].astype(float))
    return {
        "lengths": packed(np.diff(kept.indptr)),
        "indices": packed(kept.indices),
        "shared": packed(np.rint(kept.data * together).astype(np.int64)),
    }


def clip(samples: np.ndarray, rate: int, seconds: float) -> bytes:
    """Write a few seconds from around the middle of a recording as a small MP3.

    Parameters
    ----------
    samples : ndarray of float32, shape (n,)
    rate : int, Hz
    seconds : float, > 0

    Returns
    -------
    bytes
        About 2 kB a second: enough to tell a style by, and no more.

    Notes
    -----
    A recording keeps its level, unless it would be over full scale; its ends are faded.
    Notebook: 16_playground

    Examples
    --------
    >>> len(clip(np.zeros(44_100, dtype=np.float32), 22_050, seconds=1.0)) < 4000
    True
    """
    sound = resampled(middle(samples, rate, seconds), rate, CLIP_RATE).copy()
    fade = np.linspace(0.0, 1.0, min(round(FADE * CLIP_RATE), len(sound) // 2), dtype=np.float32)
    if len(fade):
        sound[: len(fade)] *= fade
        sound[-len(fade) :] *= fade[::-1]
    sound *= PEAK / max(PEAK, float(np.abs(sound).max(initial=0.0)))
    file = io.BytesIO()
    soundfile.write(
        file, sound, CLIP_RATE, format="MP3", bitrate_mode="CONSTANT",
        compression_level=_COMPRESSION,
    )  # fmt: skip
    return file.getvalue()
