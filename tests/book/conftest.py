"""One finished book and one look at its pages, for all tests of the book as a product."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest
import visits
from filelock import FileLock

ROOT = Path(__file__).resolve().parents[2]


def draw(out: Path) -> subprocess.CompletedProcess:
    """Build as `make book` does, on the smallest data."""
    command = [sys.executable, "-m", "musig.running.book", "--profile", "smoke", "--out", str(out)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.fixture(scope="session")
def built(tmp_path_factory):
    """Folder of a finished book, ``_build``: that of ``$MUSIG_BOOK``, or one drawn on smoke."""
    if os.environ.get("MUSIG_BOOK"):
        build = Path(os.environ["MUSIG_BOOK"]).expanduser().resolve()
        assert (build / "html/index.html").is_file(), f"MUSIG_BOOK: no html/index.html in {build}"
        return build
    together = tmp_path_factory.getbasetemp()
    if os.environ.get("PYTEST_XDIST_WORKER"):
        together = together.parent  # one book for all processes
    out = together / "book"
    with FileLock(together / "book.lock"):
        if not (out / "_build/rendered.json").is_file():
            done = draw(out)
            assert done.returncode == 0, done.stdout + done.stderr
            assert f"Open {out / '_build/html/index.html'}" in done.stdout
    return out / "_build"


@pytest.fixture(scope="session")
def html(built):
    """Folder of the pages."""
    return built / "html"


@pytest.fixture(scope="session")
def chromium():
    """A browser without a network."""
    if visits.CHROMIUM is None:
        pytest.skip("there is no chromium on this machine")
    if importlib.util.find_spec("playwright") is None:
        pytest.skip("playwright is not installed: make test installs it")
    with visits.browser() as browser:
        yield browser


@pytest.fixture(scope="session")
def origin(html):
    """Address at which the book is served on this machine."""
    with visits.served(html) as address:
        yield address


@pytest.fixture(scope="session")
def seen(html, chromium, origin):
    """A visit to every page, by its name."""
    with_axe = importlib.util.find_spec("axe_playwright_python") is not None
    names = [
        path.relative_to(html).with_suffix("").as_posix()
        for path in sorted(html.rglob("*.html"))
        if "_static" not in path.parts and "Refresh" not in path.read_text("utf-8")[:80]
    ]
    return {name: visits.visit(chromium, html, origin, name, with_axe) for name in names}
