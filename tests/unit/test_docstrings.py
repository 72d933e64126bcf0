"""Every public function and class says what it is, takes and gives, and where it is explained."""

import importlib
import inspect
import pkgutil
import re
from pathlib import Path

import pytest
from numpydoc.docscrape import NumpyDocString

import musig

NOTEBOOKS = {path.stem for path in (Path(__file__).parents[2] / "notebooks").glob("*.ipynb")}


def public():
    """Give every public function and class of the package, with its full name."""
    for module in pkgutil.walk_packages(musig.__path__, "musig."):
        if module.name == "musig.running.docstrings":  # imported by Sphinx only
            continue
        for name, thing in vars(importlib.import_module(module.name)).items():
            known = inspect.isfunction(thing) or inspect.isclass(thing)
            if known and thing.__module__ == module.name and not name.startswith("_"):
                yield f"{module.name}.{name}", thing


def returns(function):
    """Tell whether a function gives something back."""
    return inspect.signature(function).return_annotation not in ("None", None)


def missing(thing):
    """List what the docstring of a function or class lacks."""
    doc = NumpyDocString(inspect.getdoc(thing) or "")
    lacks = []
    if not doc["Summary"]:
        lacks.append("summary")
    if inspect.isfunction(thing):
        if inspect.signature(thing).parameters and not doc["Parameters"]:
            lacks.append("Parameters")
        if returns(thing) and not (doc["Returns"] or doc["Yields"]):
            lacks.append("Returns")
    named = re.findall(r"^Notebook: (\w+)$", "\n".join(doc["Notes"]), re.M)
    if inspect.isfunction(thing) and not named:
        lacks.append("Notebook")
    lacks += [f"notebook {name} does not exist" for name in named if name not in NOTEBOOKS]
    return lacks


def test_public_docstrings_are_whole():
    found = {name: lacks for name, thing in public() if (lacks := missing(thing))}
    assert not found, "\n".join(f"{name}: {', '.join(lacks)}" for name, lacks in found.items())


@pytest.mark.parametrize(
    ("doc", "lacks"),
    [
        ("", ["summary", "Parameters", "Returns", "Notebook"]),
        ("Sum.\n\nNotes\n-----\nNotebook: 99_gone", ["Parameters", "Returns", "notebook 99_gone"]),
    ],
)
def test_what_is_missing_is_found(doc, lacks):
    def total(values: list) -> int:
        return sum(values)

    total.__doc__ = doc
    assert [lack[: len(want)] for lack, want in zip(missing(total), lacks, strict=True)] == lacks
