"""How docstrings become the API reference: a small Sphinx extension.

Module docstrings here have headed parts, which Sphinx would take for sections of the page, and
they name constants and other packages, which have no entry in the reference to link to.

Conventions
-----------
Listed among the extensions in ``_config.yml``. A name that exists in the code but has no entry is
shown as code without a link; a name that does not exist stays a warning, so a misspelt one stops
the build.

Contents
--------
- :func:`rubrics`: headed parts of a docstring as unnumbered headings;
- :func:`exists`: whether a dotted name can be imported;
- :func:`setup`: what Sphinx calls.
"""

from __future__ import annotations

import importlib
import re
from typing import Any


def rubrics(lines: list[str]) -> list[str]:
    """Turn underlined titles into rubrics, which are no sections of the page.

    Parameters
    ----------
    lines : list of str
        A module's docstring.

    Returns
    -------
    list of str
        Of the same text.

    Notes
    -----
    Notebook: 01_catalog

    Examples
    --------
    >>> rubrics(["Purpose.", "", "Contents", "--------", "- one"])
    ['Purpose.', '', '.. rubric:: Contents', '', '- one']
    """
    new = list(lines)
    for at in range(1, len(lines)):
        title = lines[at - 1]
        if title.strip() and re.fullmatch(r"[-=~]{3,}", lines[at]) and len(lines[at]) == len(title):
            new[at - 1 : at + 1] = [f".. rubric:: {title}", ""]
    return new


def exists(name: str, module: str | None = None) -> bool:
    """Tell whether a dotted name can be found in the code.

    Parameters
    ----------
    name : str
        Such as ``"musig.catalog.FEATURES"``, or ``"FEATURES"`` within a module.
    module : str, optional
        Where to look first.

    Returns
    -------
    bool
        True if importing what can be imported, and looking up the rest, finds it.

    Notes
    -----
    Notebook: 01_catalog

    Examples
    --------
    >>> exists("musig.errors.nearest"), exists("nearest", "musig.errors"), exists("nearest")
    (True, True, False)
    """
    for full in filter(None, (f"{module}.{name}" if module else None, name)):
        parts = full.split(".")
        for cut in range(len(parts), 0, -1):
            try:
                found: Any = importlib.import_module(".".join(parts[:cut]))
            except ImportError:
                continue
            for part in parts[cut:]:
                found = getattr(found, part, None)
            if found is not None:
                return True
            break
    return False


def setup(app: Any) -> dict[str, bool]:
    """Connect the above to Sphinx.

    Parameters
    ----------
    app : sphinx.application.Sphinx
        The build.

    Returns
    -------
    dict
        That pages may be read in parallel.

    Notes
    -----
    Notebook: 01_catalog
    """

    def mend(app: Any, what: str, name: str, object: Any, options: Any, lines: list[str]) -> None:
        if what == "module":
            lines[:] = rubrics(lines)

    def unlinked(app: Any, environment: Any, node: Any, content: Any) -> Any:
        known = node.get("refdomain") == "py" and exists(node["reftarget"], node.get("py:module"))
        return content if known else None

    app.connect("autodoc-process-docstring", mend, priority=100)
    app.connect("missing-reference", unlinked)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
