"""From laid-out sources to HTML: Jupyter Book, and only where something changed.

Sphinx rebuilds only the pages that changed, but it takes half a minute to find out that none did.
Whether anything did is seen here by contents: of the sources, of this package (its docstrings are
the API reference, and two of its modules make the pages) and of the programs that draw.

Conventions
-----------
The fingerprint of what a good build was made from is in ``rendered.json`` beside ``html``, with the
names and sizes of all it wrote, so that a book with a page missing is drawn again. A failed build
forgets what Sphinx had read: a page whose warning was reported once would pass the second time.

Contents
--------
- :func:`render`: build the HTML, or keep it; :func:`drawn_from`: the fingerprint.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
from pathlib import Path

from musig import cache
from musig.errors import MusigError
from musig.files import aside
from musig.running import theme

PACKAGE = Path(__file__).resolve().parents[1]
DRAWN_BY = (
    "jupyter-book",
    "sphinx",
    "docutils",
    "sphinx-book-theme",
    "pydata-sphinx-theme",
    "myst-nb",
    "myst-parser",
    "sphinx-copybutton",
    "sphinx-design",
    "sphinx-togglebutton",
    "sphinxcontrib-bibtex",
    "numpydoc",
)
"""Libraries whose version may change what a page looks like."""


def render(source: Path, build: Path) -> Path:
    """Build the HTML, with warnings and missing references as errors.

    Parameters
    ----------
    source : Path
        What :func:`musig.running.book.assemble` laid out.
    build : Path
        Folder for what is produced; its name must be ``_build``.

    Returns
    -------
    Path
        ``index.html``.

    Raises
    ------
    MusigError
        If Jupyter Book warned or failed.

    Notes
    -----
    A book that was drawn from the same is kept as it is.

    Notebook: 01_catalog
    """
    html, stamp = build / "html", build / "rendered.json"
    key = drawn_from(source)
    if stamp.is_file() and stamp.read_text("utf-8") == _note(key, html):
        return html / "index.html"
    stamp.unlink(missing_ok=True)
    # Jupyter Book has no ``python -m``; its script may not be on the path.
    command = [sys.executable, "-c", "from jupyter_book.cli.main import main; main()", "build"]
    command += ["-W", "-n", "--keep-going", "-q"]
    command += ["--config", str(source / "_config.yml"), "--toc", str(source / "book/_toc.yml")]
    command += ["--path-output", str(build.parent), str(source)]
    if subprocess.run(command, check=False, stdout=subprocess.DEVNULL).returncode:
        shutil.rmtree(build / ".doctrees", ignore_errors=True)
        raise MusigError("The book was not built: each WARNING and ERROR above must be mended.")
    theme.lighten(html)
    with aside(stamp) as passing:
        passing.write_text(_note(key, html), "utf-8")
    return html / "index.html"


def drawn_from(source: Path, package: Path = PACKAGE) -> str:
    """Fingerprint of all that the pages are drawn from.

    Parameters
    ----------
    source : Path
        What :func:`musig.running.book.assemble` laid out.
    package : Path
        Folder of the code that the API reference is about.

    Returns
    -------
    str
        SHA-256, 64 hexadecimal digits.

    Notes
    -----
    Notebook: 01_catalog
    """
    return cache.digest(
        {
            "sources": _contents(source, "*"),
            "package": _contents(package, "*.py"),
            "versions": cache.versions(DRAWN_BY),
            "python": sys.version,
        }
    )


def _contents(folder: Path, pattern: str) -> dict[str, str]:
    """Give the checksum of every file of a folder, by its name there."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob(pattern)
        if path.is_file()
    }


def _note(key: str, html: Path) -> str:
    """Write down what a book was drawn from, and the names and sizes of its files."""
    files = (path for path in html.rglob("*") if path.is_file())
    sizes = {path.relative_to(html).as_posix(): path.stat().st_size for path in files}
    return json.dumps({"drawn_from": key, "files": sizes}, sort_keys=True, indent=0)
