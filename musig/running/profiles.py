"""Profiles: named sets of parameters, and what a notebook is finally run with.

A profile is how the same notebooks serve a test of seconds, a class, and a machine with a GPU,
without a default being edited.

Conventions
-----------
A profile is a YAML file in ``profiles`` beside the notebooks, with ``description``, ``common``
(parameters for every notebook that declares them) and ``notebooks`` (name without ending to
parameters of that one). What is given by hand goes before the notebook's own, that before the
common, that before the default. A name that no notebook declares is an error wherever it stands.

Contents
--------
- :class:`Profile`, :func:`load_profile`: a profile, read and checked against the notebooks;
- :func:`find_notebook`, :func:`folder`: notebooks by path, name or number;
- :func:`settle`: the parameters a notebook is run with.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from musig.errors import MusigError, nearest
from musig.running.parameters import Parameter, check, find, parameters, parse


@dataclass(frozen=True)
class Profile:
    """A named set of parameters; the empty one leaves every default."""

    name: str = ""
    """Name of its file without the ending."""
    path: Path | None = None
    """Its file."""
    description: str = ""
    """What it is for, in a sentence."""
    common: Mapping[str, Any] = ()  # type: ignore[assignment]
    """Parameters for every notebook that declares them."""
    notebooks: Mapping[str, Mapping[str, Any]] = ()  # type: ignore[assignment]
    """Parameters by notebook."""


def folder() -> Path:
    """Folder of the notebooks: in the checkout, else in the current folder.

    Returns
    -------
    Path
        It may not exist.

    Notes
    -----
    Notebook: 01_catalog
    """
    checkout = Path(__file__).resolve().parents[2] / "notebooks"
    return checkout if checkout.is_dir() else Path("notebooks")


def find_notebook(given: str) -> Path:
    """Find a notebook by its path, name or number.

    Parameters
    ----------
    given : str
        Such as ``notebooks/05_multitask_training.ipynb``, ``05_multitask_training``,
        ``multitask_training``, ``05`` or ``5``.

    Returns
    -------
    Path
        An existing file.

    Raises
    ------
    MusigError
        If there is none, or several.

    Notes
    -----
    Notebook: 01_catalog
    """
    if Path(given).suffix == ".ipynb":
        if Path(given).is_file():
            return Path(given)
        given = Path(given).stem
    found = {path.stem: path for path in sorted(folder().glob("*.ipynb"))}
    if given in found:
        return found[given]
    number = given.zfill(2)
    matches = [
        path
        for stem, path in found.items()
        if number == stem.partition("_")[0] or given == stem.partition("_")[2]
    ]
    if len(matches) == 1:
        return matches[0]
    if matches:
        names = " and ".join(path.stem for path in matches)
        raise MusigError(f"{given!r} is {names}: give the whole name.")
    if not found:
        raise MusigError(f"There is no notebook {given!r}, and none in {folder()}: give its path.")
    raise MusigError(f"There is no notebook {given!r}; {nearest(given, found)}")


def load_profile(given: str | Path, notebooks: Path | None = None) -> Profile:
    """Read a profile and check its names and values against the notebooks.

    Parameters
    ----------
    given : str or Path
        Its name, or the path of a ``.yml`` file.
    notebooks : Path, optional
        A folder of notebooks that count beside those the profile lies with; also a place where
        its name is looked up.

    Returns
    -------
    Profile
        Every name of which is declared by a notebook, every value of the declared type.

    Raises
    ------
    MusigError
        Naming the file and the parameter.

    Notes
    -----
    Notebook: 01_catalog
    """
    import yaml

    path = Path(given)
    if path.suffix not in (".yml", ".yaml"):
        places = [place / "profiles" for place in (notebooks, folder()) if place is not None]
        found = {item.stem: item for place in reversed(places) for item in place.glob("*.yml")}
        if str(given) not in found:
            names = sorted(found)
            raise MusigError(f"There is no profile {str(given)!r}; {nearest(str(given), names)}")
        path = found[str(given)]
    try:
        content = yaml.safe_load(path.read_text("utf-8")) or {}
    except (OSError, yaml.YAMLError) as error:
        raise MusigError(f"The profile {path} cannot be read: {error}.") from error
    parts = {"description": str, "common": dict, "notebooks": dict}
    if not isinstance(content, dict):
        raise MusigError(f"{path}: expected the parts {', '.join(parts)}.")
    for part, value in content.items():
        if part not in parts:
            raise MusigError(f"{path}: unknown part {part!r}; {nearest(str(part), parts)}")
        if not isinstance(value or parts[part](), parts[part]):
            raise MusigError(f"{path}: {part} is {value!r}, expected name: value pairs.")
    beside = path.resolve().parents[1] if path.resolve().parent.name == "profiles" else folder()
    declared = _all_declared(beside) | (_all_declared(notebooks) if notebooks else {})
    common, own = content.get("common") or {}, content.get("notebooks") or {}
    everything = {item.name: item for items in declared.values() for item in items}
    for name, value in common.items():
        if name not in everything:
            told = nearest(str(name), everything)
            raise MusigError(f"{path}: common: no notebook has a parameter {name!r}; {told}")
        for items in declared.values():
            for item in items:
                if item.name == name:
                    check(item, value, f"{path}: common:")
    for notebook, values in own.items():
        if notebook not in declared:
            raise MusigError(f"{path}: no notebook {notebook!r}; {nearest(notebook, declared)}")
        if not isinstance(values or {}, dict):
            raise MusigError(f"{path}: {notebook} is {values!r}, expected name: value pairs.")
        for name, value in (values or {}).items():
            item = find(declared[notebook], str(name), f"{path}: {notebook}")
            check(item, value, f"{path}: {notebook}:")
    description = str(content.get("description", "")).strip()
    return Profile(path.stem, path, description, common, {k: v or {} for k, v in own.items()})


def settle(
    notebook: Path, profile: Profile, overrides: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Work out what a notebook is run with, refusing what it does not declare.

    Parameters
    ----------
    notebook : Path
        The notebook.
    profile : Profile
        Values that go before the defaults.
    overrides : mapping
        Values that go before the profile's: strings, read by the declared type, or values of it.

    Returns
    -------
    tuple of dict
        All parameters with their final values, and those that were overridden.

    Raises
    ------
    MusigError
        For an unknown name, with the nearest; for a value of another type or against the rules.

    Notes
    -----
    Notebook: 01_catalog
    """
    notebook = Path(notebook)
    declared = parameters(notebook)
    values: dict[str, Any] = {item.name: item.default for item in declared}
    own = dict(profile.notebooks or {}).get(notebook.stem, {})
    for item in declared:
        for given in (dict(profile.common or {}), own):
            if item.name in given:
                values[item.name] = check(item, given[item.name], f"profile {profile.name}:")
    changed = {}
    for name, value in overrides.items():
        item = find(declared, name, notebook.name)
        read = parse if isinstance(value, str) else check
        changed[name] = values[name] = read(item, value, f"{notebook.name}: parameter")
    return values, changed


def _all_declared(notebooks: Path) -> dict[str, list[Parameter]]:
    """Parameters of every notebook of a folder, by name without ending."""
    return {path.stem: parameters(path) for path in sorted(notebooks.glob("*.ipynb"))}
