"""Invented names for the embedded catalogue: tracks, artists, albums, playlists.

Every word is built from syllables that belong to no real artist, in several scripts, and a fixed
share of the names holds what breaks careless display code: ``<``, ``&``, quotes, apostrophes and
emoji. So each table, plot and page of the book meets them on the embedded data already.

Conventions
-----------
Names are ``str`` in object arrays. Patterns are dealt out, not drawn: even the smallest
catalogue holds every pattern and every script.

Contents
--------
- :func:`words`: invented words, single script each
- :func:`track_names`, :func:`artist_names`, :func:`album_names`, :func:`playlist_names`
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

# Syllables by script; the Latin line is repeated so that five words in six are Latin.
SYLLABLES = (
    *("bra vel zor quin mesk tal ondu fri kael nim ros dva lum pesh gri tuo vok xan yel",) * 30,
    "вел зор ква мин тал онд фри лум ряш гри",  # Cyrillic
    "βελ ζορ κιν μισ ταλ ονδ φρι λουμ ροσ γρι",  # Greek
    "بلو زور كين مسك طال اند فري لوم",  # Arabic, right to left
    "वे जोर की मेस ताल ओन फ्री लूम",  # Devanagari, combining vowels
    "ベル ゾル キン メス タル オン フリ ルム",  # Katakana
    "벨 조르 킨 메스 탈 온두 프리 룸",  # Hangul
)
# {a}, {b} are words, {t} is the theme of a playlist. Most patterns are plain.
TRACK_PATTERNS = (
    *("{a}", "{a} {b}", "{a} of {b}", "{a}", "{a} {b}") * 3,
    "{a} & {b}",
    "<{a}>",
    '"{a}" ({b} mix)',
    "{a}'s {b}",
    "{a} ✨",
    "{a} < {b} > {a}",
    "{a} 🌙🎹",
    "{a} - live at {b}",
    "{a}; {b}, {a}",
)
ARTIST_PATTERNS = (
    *("{a} {b}", "{a}", "The {a}s", "{a} Ensemble") * 4,
    "{a} & the {b}s",
    "{a} <{b}>",
    'DJ "{a}"',
    "{a} 🐙",
)
ALBUM_PATTERNS = ("{a}", "{a} {b}", "{a} & {b}", "{a}, vol. 2", "{a} <remastered>", "“{a}”")
PLAYLIST_PATTERNS = (
    *("{t}", "{t} mix", "{a}", "my {t}", "{t} {a}") * 3,
    "{t} & chill",
    "<3 {t}",
    "{t} 🔥🔥",
    '{a}\'s "{t}"',
    "",  # no name known
)


def words(n: int, rng: np.random.Generator) -> np.ndarray:
    """Invent words of two or three syllables.

    Parameters
    ----------
    n : int
        How many.
    rng : numpy.random.Generator
        The source of chance.

    Returns
    -------
    ndarray of object, shape (n,)
        Words; a Latin word starts with a capital letter. Words may repeat.

    Notes
    -----
    Notebook: 01_catalog

    Examples
    --------
    >>> words(3, np.random.default_rng(0)).shape
    (3,)
    """
    scripts = [line.split() for line in SYLLABLES]
    kinds = dealt(len(scripts), n, rng)
    lengths = rng.integers(2, 4, n)
    picks = rng.integers(0, 1 << 20, (n, 3))
    out = np.empty(n, dtype=object)
    for i, (script, length, pick) in enumerate(zip(kinds, lengths, picks, strict=True)):
        syllables = scripts[script]
        out[i] = "".join(syllables[k % len(syllables)] for k in pick[:length]).capitalize()
    return out


def dealt(n_kinds: int, n: int, rng: np.random.Generator) -> np.ndarray:
    """Deal ``n`` kinds out like cards: as equal in number as possible, in random order.

    Parameters
    ----------
    n_kinds : int, > 0
    n : int
        How many to deal.
    rng : numpy.random.Generator

    Returns
    -------
    ndarray of int64, shape (n,)
        Kinds, from 0.

    Notes
    -----
    Notebook: 01_catalog
    """
    return rng.permutation(np.arange(n) % n_kinds)


def fill(
    patterns: Sequence[str], n: int, rng: np.random.Generator, **extra: Sequence[str]
) -> np.ndarray:
    """Fill one dealt pattern per row with two invented words and the row's extra fields.

    Parameters
    ----------
    patterns : sequence of str
        With ``{a}``, ``{b}`` and the extra fields in braces.
    n : int
        Number of rows.
    rng : numpy.random.Generator
    **extra : sequence of str, length n
        Further fields.

    Returns
    -------
    ndarray of str (object), shape (n,)

    Notes
    -----
    Notebook: 01_catalog
    """
    a, b = words(n, rng), words(n, rng)
    out = np.empty(n, dtype=object)
    for i, pattern in enumerate(dealt(len(patterns), n, rng)):
        out[i] = patterns[pattern].format(
            a=a[i], b=b[i], **{key: values[i] for key, values in extra.items()}
        )
    return out


def track_names(n: int, rng: np.random.Generator) -> np.ndarray:
    """Invent ``n`` track titles (object array); see :func:`words`.

    Parameters
    ----------
    n : int
    rng : numpy.random.Generator

    Returns
    -------
    ndarray of str (object), shape (n,)

    Notes
    -----
    Notebook: 01_catalog
    """
    return fill(TRACK_PATTERNS, n, rng)


def artist_names(n: int, rng: np.random.Generator) -> np.ndarray:
    """Invent ``n`` artist names (object array); see :func:`words`.

    Parameters
    ----------
    n : int
    rng : numpy.random.Generator

    Returns
    -------
    ndarray of str (object), shape (n,)

    Notes
    -----
    Notebook: 01_catalog
    """
    return fill(ARTIST_PATTERNS, n, rng)


def album_names(n: int, rng: np.random.Generator) -> np.ndarray:
    """Invent ``n`` album titles (object array); see :func:`words`.

    Parameters
    ----------
    n : int
    rng : numpy.random.Generator

    Returns
    -------
    ndarray of str (object), shape (n,)

    Notes
    -----
    Notebook: 01_catalog
    """
    return fill(ALBUM_PATTERNS, n, rng)


def playlist_names(themes: Sequence[str], rng: np.random.Generator) -> np.ndarray:
    """Invent a name for each playlist from the description of its theme; some have none.

    Parameters
    ----------
    themes : sequence of str, length n
        What the main theme of each playlist is called, for example ``"calm folk"``.
    rng : numpy.random.Generator
        The source of chance.

    Returns
    -------
    ndarray of object, shape (n,)
        Names; ``None`` where the name is unknown.

    Notes
    -----
    Notebook: 01_catalog

    Examples
    --------
    >>> names = playlist_names(["calm folk"] * 40, np.random.default_rng(0))
    >>> sum(name is None for name in names)
    2
    """
    names = fill(PLAYLIST_PATTERNS, len(themes), rng, t=themes)
    names[names == ""] = None
    return names
