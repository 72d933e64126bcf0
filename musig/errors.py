"""Errors that are sentences.

Every refusal a user can meet is a :class:`MusigError`: what was found, where, what was
expected, what to do. The command line prints it without a traceback and exits with 1.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


class MusigError(ValueError):
    """A mistake in the input, told in a sentence or two."""


def nearest(name: str, valid: Iterable[str]) -> str:
    """Say which valid name was probably meant, and list all of them.

    Parameters
    ----------
    name : str
        What was given.
    valid : iterable of str
        What would have been accepted.

    Returns
    -------
    str
        The end of a sentence, to be appended to "unknown …".

    Notes
    -----
    Notebook: 01_catalog

    Examples
    --------
    >>> nearest("GENRES", ["GENRE", "AUDIO"])
    "did you mean 'GENRE'? Valid: GENRE, AUDIO."
    >>> nearest("zzz", ["GENRE", "AUDIO"])
    'expected one of GENRE, AUDIO.'
    """
    names = list(valid)
    listing = ", ".join(names)
    match = get_close_matches(name, names, n=1, cutoff=0.5)
    if match:
        return f"did you mean '{match[0]}'? Valid: {listing}."
    return f"expected {'one of ' if len(names) > 1 else ''}{listing}."


def counted(number: int, noun: str) -> str:
    """Give a number with its noun, in the plural unless there is one of it.

    Parameters
    ----------
    number : int
        How many.
    noun : str
        What, in the singular.

    Returns
    -------
    str
        To be put into a sentence.

    Notes
    -----
    Notebook: 01_catalog

    Examples
    --------
    >>> counted(1, "track"), counted(7071, "playlist"), counted(2, "entry"), counted(0, "mix")
    ('1 track', '7,071 playlists', '2 entries', '0 mixes')
    """
    plural = noun[:-1] + "ies" if noun.endswith("y") else noun + "s"
    plural = noun + "es" if noun.endswith("x") else plural
    return f"{number:,} {noun if number == 1 else plural}"
