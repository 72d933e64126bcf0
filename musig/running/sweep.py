"""Sets of runs, for an engine that spreads them over a cluster: what there is to be asked for.

The workflow in ``workflow/Snakefile`` (Mölder et al., F1000Research 10:33, 2021) orders and
distributes; it never decides what is computed. Every point is asked for in every run, and ends at
once where :mod:`musig.running.runs` finds that nothing changed, as a cell does that is recorded.

Conventions
-----------
A point is one notebook with one value of each swept parameter. Its name is its folder:
``05_multitask_training/embedding_size=32,seed=0``; what a folder's name cannot hold is written as
in web addresses. Values are what ``musig run -p`` takes, as text.

Contents
--------
- :func:`points`: the points of a sweep over notebooks, by name, with the arguments of each.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any
from urllib.parse import quote

from musig.errors import MusigError
from musig.running.parameters import find, parameters
from musig.running.profiles import find_notebook, load_profile, settle


def points(
    notebooks: Sequence[Any], swept: Mapping[str, Any], profile: str = "classroom"
) -> dict[str, list[str]]:
    """List the runs of a sweep: every notebook with every combination of the values.

    Parameters
    ----------
    notebooks : sequence of str or int
        As ``musig run`` takes them.
    swept : mapping of str to value or list of values
        The values of each parameter; one that is itself a list is written with commas, as text.
        A notebook gets those that it declares.
    profile : str
        What goes for all other parameters.

    Returns
    -------
    dict of str to list of str
        By name the arguments of ``musig run``, without ``--out``.

    Raises
    ------
    MusigError
        For a notebook, profile, parameter or value that is refused: before anything runs.

    Notes
    -----
    Notebook: 10_sensitivity

    Examples
    --------
    >>> for name, arguments in points(["05"], {"seed": [0, 1]}, "smoke").items():
    ...     print(name, " ".join(arguments))
    05_multitask_training/seed=0 05_multitask_training --profile smoke -p seed 0
    05_multitask_training/seed=1 05_multitask_training --profile smoke -p seed 1
    """
    paths = [find_notebook(str(given)) for given in notebooks]
    if not paths:
        return {}
    settings = load_profile(profile, paths[0].parent)
    declared = {path: {item.name: item for item in parameters(path)} for path in paths}
    everything = {name: item for items in declared.values() for name, item in items.items()}
    for name in swept:
        find(list(everything.values()), name, ", ".join(path.name for path in paths))
    values = {name: _texts(name, given) for name, given in swept.items()}
    found = {}
    for path, items in declared.items():
        names = [name for name in values if name in items]
        for chosen in product(*(values[name] for name in names)):
            given = dict(zip(names, chosen, strict=True))
            settle(path, settings, given)
            point = ",".join(f"{name}={quote(text, safe='+')}" for name, text in given.items())
            options = [part for name, text in given.items() for part in ("-p", name, text)]
            arguments = [path.stem, "--profile", profile, *options]
            found[f"{path.stem}/{point or 'defaults'}"] = arguments
    return found


def _texts(name: str, given: Any) -> list[str]:
    """Write the values of a parameter as one would on the command line."""
    listed = given if isinstance(given, list | tuple) else [given]
    if not listed:
        raise MusigError(f"The sweep has no value for {name}: give one or more, or leave it out.")
    return [str(one).lower() if isinstance(one, bool) else str(one) for one in listed]
