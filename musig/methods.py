"""Every method by its name: what the tables compare, and with which settings.

Conventions
-----------
A method is a class with the shape of :class:`musig.scorers.Scorer` whose constructor takes
settings by name, and where it is random ``seed``, where it trains on a device ``device``. Modules
are imported when a method is made: to use one, the libraries of the others need not be there, and
the fingerprint of one method's source does not hold the others'.

``tuned.json`` beside this file holds the *committed settings*: of each method the best that its
study found on validation playlists (:mod:`musig.tuning`). Nothing in it was chosen on a test.

Contents
--------
- :data:`METHODS`: name to class; :func:`make`: a method, ready to be fitted.
- :func:`tuned`, :func:`settings_of`: its committed settings, and all that it has.
- :func:`module_of`: where it is defined.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from musig.errors import MusigError, nearest
from musig.scorers import Scorer

METHODS = {
    "popularity": "musig.baselines.popularity:Popularity",
    "random": "musig.baselines.chance:Random",
    "itemknn": "musig.baselines.itemknn:ItemKNN",
    "userknn": "musig.baselines.userknn:UserKNN",
    "als": "musig.baselines.als:ALS",
    "ease": "musig.baselines.ease:EASE",
    "track2vec": "musig.baselines.track2vec:Track2Vec",
    "node2vec": "musig.baselines.node2vec:Node2Vec",
    "graphsage": "musig.baselines.graphsage:GraphSAGE",
    "musig": "musig.encoders:Musig",
    "musig-best": "musig.best:MusigBest",
}
"""The methods of the tables, in the order of their rows: module and class."""

TUNED = Path(__file__).with_name("tuned.json")
HANDED = ("seed", "device")  # by whoever makes a method; no settings to be tuned


def module_of(name: str) -> str:
    """Tell in which module a method is defined.

    Parameters
    ----------
    name : str
        One of :data:`METHODS`.

    Returns
    -------
    str
        Dotted name: what :func:`musig.cache.source_key` takes.

    Raises
    ------
    MusigError
        If there is no such method.

    Notes
    -----
    Notebook: 07_methods

    Examples
    --------
    >>> module_of("itemknn")
    'musig.baselines.itemknn'
    >>> module_of("item-knn")
    Traceback (most recent call last):
    musig.errors.MusigError: Unknown method 'item-knn': did you mean 'itemknn'? Valid: ...
    """
    if name not in METHODS:
        raise MusigError(f"Unknown method '{name}': {nearest(name, METHODS)}")
    return METHODS[name].partition(":")[0]


def settings_of(name: str) -> dict[str, Any]:
    """Give the settings that a method has.

    Parameters
    ----------
    name : str
        One of :data:`METHODS`.

    Returns
    -------
    dict
        Name to default, without ``seed`` and ``device``.

    Raises
    ------
    MusigError
        If there is no such method.

    Notes
    -----
    A class that passes its settings on lists them in its attribute ``defaults``.
    Notebook: 07_methods

    Examples
    --------
    >>> settings_of("popularity")
    {}
    """
    method = _class_of(name)
    declared = getattr(method, "defaults", None)
    if declared is None:
        parameters = inspect.signature(method).parameters
        declared = {key: parameter.default for key, parameter in parameters.items()}
    return {key: default for key, default in declared.items() if key not in HANDED}


def tuned(name: str) -> dict[str, Any]:
    """Give the committed settings of a method.

    Parameters
    ----------
    name : str
        One of :data:`METHODS`.

    Returns
    -------
    dict
        Setting to value; empty where the defaults are what is used.

    Raises
    ------
    MusigError
        If there is no such method.

    Notes
    -----
    Notebook: 07_methods
    """
    module_of(name)  # refuses what does not exist
    return dict(json.loads(TUNED.read_text("utf-8")).get(name, {}))


def make(
    name: str, settings: Mapping[str, Any] | None = None, *, seed: int = 0, device: str = "auto"
) -> Scorer:
    """Make a method, not yet fitted.

    Parameters
    ----------
    name : str
        One of :data:`METHODS`.
    settings : mapping, optional
        By default the committed ones (:func:`tuned`); ``{}``: the defaults of its class.
    seed : int, >= 0
        For the methods that are random.
    device : {"auto", "cpu", "cuda"}
        For those that train on one.

    Returns
    -------
    Scorer

    Raises
    ------
    MusigError
        If there is no such method or setting.

    Notes
    -----
    Notebook: 07_methods

    Examples
    --------
    >>> make("itemknn", {"shrinkage": 10}).shrinkage
    10
    >>> make("itemknn", {"shrinkages": 10})
    Traceback (most recent call last):
    musig.errors.MusigError: Method 'itemknn' has no setting 'shrinkages': did you mean ...
    """
    method = _class_of(name)
    chosen = tuned(name) if settings is None else dict(settings)
    known = settings_of(name)
    for key in chosen:
        if key not in known:
            told = nearest(key, known) if known else "it has none."
            raise MusigError(f"Method '{name}' has no setting '{key}': {told}")
    handed = {"seed": seed, "device": device}
    taken = inspect.signature(method).parameters
    return method(**chosen, **{key: value for key, value in handed.items() if key in taken})


def is_random(name: str) -> bool:
    """Tell whether a method gives something else for another seed.

    Parameters
    ----------
    name : str
        One of :data:`METHODS`.

    Returns
    -------
    bool

    Notes
    -----
    Notebook: 07_methods

    Examples
    --------
    >>> is_random("popularity")
    False
    """
    return "seed" in inspect.signature(_class_of(name)).parameters


def _class_of(name: str) -> Any:
    return getattr(import_module(module_of(name)), METHODS[name].partition(":")[2])
