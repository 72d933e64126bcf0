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

    Examples
    --------
    >>> nearest("GENRES", ["GENRE", "AUDIO"])
    "did you mean 'GENRE'? Valid: GENRE, AUDIO."
    >>> nearest("zzz", ["GENRE", "AUDIO"])
    'valid: GENRE, AUDIO.'
    """
    names = list(valid)
    listing = ", ".join(names)
    match = get_close_matches(name, names, n=1, cutoff=0.5)
    if match:
        return f"did you mean '{match[0]}'? Valid: {listing}."
    return f"valid: {listing}."
