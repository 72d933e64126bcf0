"""From laid-out sources to HTML: Jupyter Book, and only where something changed.

Sphinx rebuilds only the pages that changed, but it takes half a minute to find out that none did,
and what the pages tell of recorded runs takes as long to gather. So whether anything changed is
seen first, by contents: of the project's pages, notebooks, records and code (its docstrings are the
API reference), of what was executed, and of the installed packages, which draw the pages and whose
licences are listed.

Conventions
-----------
The fingerprint of what a good build was made from is in ``rendered.json`` beside ``html``, with the
names and sizes of all it wrote, so that a book with a page missing is drawn again. A failed build
forgets what Sphinx had read: a page whose warning was reported once would pass the second time.

Contents
--------
- :func:`fingerprint`: of any sources; :func:`drawn_from`: of those of the book;
- :func:`kept`: a book that still holds;
- :func:`command`: what draws sources; :func:`render`: build the HTML.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping
from importlib import metadata
from pathlib import Path

from musig import cache
from musig.errors import MusigError
from musig.files import aside
from musig.running import theme

READ = ("book", "notebooks", "musig", "results", "benchmarks")
"""Folders of the project that the book is made from, beside the files at its top."""


def fingerprint(contents: Iterable[tuple[str, bytes]]) -> str:
    """Fingerprint of what pages are drawn from, and of what draws them.

    Parameters
    ----------
    contents : iterable of tuple of str and bytes
        Names and contents of the sources, in any order.

    Returns
    -------
    str
        SHA-256, 64 hexadecimal digits; another one with other packages, or another Python.

    Notes
    -----
    Notebook: 01_catalog
    """
    installed = ((str(each.name), str(each.version)) for each in metadata.distributions())
    return cache.digest(
        {
            "files": {name: hashlib.sha256(content).hexdigest() for name, content in contents},
            "installed": [list(each) for each in sorted(installed)],
            "python": sys.version,
        }
    )


def drawn_from(root: Path, build: Path, executed: Mapping[str, Path], profile: str) -> str:
    """Fingerprint of all that the pages are drawn from.

    Parameters
    ----------
    root : Path
        Folder of the project.
    build : Path
        Folder for what is produced.
    executed : mapping of str to Path
        Executed notebooks by committed path.
    profile : str
        Whose runs the pages tell of.

    Returns
    -------
    str
        SHA-256, 64 hexadecimal digits.

    Notes
    -----
    Notebook: 01_catalog
    """
    files = {path.name: path for path in root.iterdir() if not path.name.startswith(".")}
    files |= {
        path.relative_to(root).as_posix(): path
        for folder in READ
        for path in (root / folder).rglob("*")
        if not {"__pycache__", ".ipynb_checkpoints"} & set(path.parts)
    }
    files["data/README.md"] = root / "data/README.md"  # beside it may be anybody's data
    files |= {f"executed: {name}": path for name, path in executed.items()}
    runs = {path.name: path for path in (build / "runs").glob(f"*-{profile}.json")}
    files |= {f"run: {name}": path for name, path in runs.items()}
    return fingerprint((name, path.read_bytes()) for name, path in files.items() if path.is_file())


def kept(build: Path, key: str) -> Path | None:
    """Find a book that still holds.

    Parameters
    ----------
    build : Path
        Folder for what is produced.
    key : str
        See :func:`drawn_from`.

    Returns
    -------
    Path or None
        Its ``index.html``, if it was drawn from the same and all its files are there.

    Notes
    -----
    Notebook: 01_catalog
    """
    html, stamp = build / "html", build / "rendered.json"
    holds = stamp.is_file() and stamp.read_text("utf-8") == _note(key, html)
    return html / "index.html" if holds else None


def command(source: Path, out: Path, *options: str) -> list[str]:
    """Give the command that draws laid-out sources.

    Parameters
    ----------
    source : Path
        Has ``_config.yml`` and ``book/_toc.yml``.
    out : Path
        Where Jupyter Book makes ``_build``.
    *options : str
        More of its options.

    Returns
    -------
    list of str
        Program and arguments.

    Notes
    -----
    Notebook: 01_catalog
    """
    # Jupyter Book has no ``python -m``; its script may not be on the path.
    run = [sys.executable, "-c", "from jupyter_book.cli.main import main; main()", "build"]
    places = ["--config", str(source / "_config.yml"), "--toc", str(source / "book/_toc.yml")]
    places += ["--path-output", str(out), str(source)]
    return [*run, "--keep-going", "-q", *options, *places]


def render(source: Path, build: Path, key: str = "") -> Path:
    """Build the HTML, with warnings and missing references as errors.

    Parameters
    ----------
    source : Path
        What :func:`musig.running.book.assemble` laid out.
    build : Path
        Folder for what is produced; its name must be ``_build``.
    key : str
        See :func:`drawn_from`; noted for :func:`kept`.

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
    Notebook: 01_catalog
    """
    html, stamp = build / "html", build / "rendered.json"
    stamp.unlink(missing_ok=True)
    draw = command(source, build.parent, "-W", "-n")
    if subprocess.run(draw, check=False, stdout=subprocess.DEVNULL).returncode:
        shutil.rmtree(build / ".doctrees", ignore_errors=True)
        raise MusigError("The book was not built: each WARNING and ERROR above must be mended.")
    theme.lighten(html)
    with aside(stamp) as passing:
        passing.write_text(_note(key, html), "utf-8")
    return html / "index.html"


def _note(key: str, html: Path) -> str:
    """Write down what a book was drawn from, and the names and sizes of its files."""
    files = (path for path in html.rglob("*") if path.is_file())
    sizes = {path.relative_to(html).as_posix(): path.stat().st_size for path in files}
    return json.dumps({"drawn_from": key, "files": sizes}, sort_keys=True, indent=0)
