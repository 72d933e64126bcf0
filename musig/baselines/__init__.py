"""Methods to be beaten: each a file, each a scorer (:class:`musig.scorers.Scorer`).

Simple neighbours, tuned, beat most of what was published to beat them (Ferrari Dacrema, Cremonesi,
Jannach: Are We Really Making Much Progress?, RecSys 2019, arXiv 1907.06902): a method that claims
to win must win against these, on the same split, universe, seeds and metrics.

Contents
--------
baseline: one of them by name.
"""

from __future__ import annotations

from typing import Any

from musig.baselines.itemknn import ItemKNN
from musig.baselines.popularity import Popularity
from musig.errors import MusigError, nearest
from musig.scorers import Scorer

BASELINES: dict[str, type[Popularity] | type[ItemKNN]] = {
    "popularity": Popularity,
    "itemknn": ItemKNN,
}


def baseline(name: str, **options: Any) -> Scorer:
    """Make a baseline by its name.

    Parameters
    ----------
    name : str
        One of ``BASELINES``.
    **options
        Of that baseline.

    Returns
    -------
    Scorer
        Not yet fitted.

    Raises
    ------
    MusigError
        If there is no baseline of that name.

    Notes
    -----
    Notebook: 06_playlist_completion

    Examples
    --------
    >>> baseline("itemknn", neighbours=100).name
    'itemknn'
    """
    if name not in BASELINES:
        raise MusigError(f"Unknown method '{name}'; {nearest(name, BASELINES)}")
    return BASELINES[name](**options)
