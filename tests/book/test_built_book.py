"""The book as a product: built once on the smoke profile, then read as a reader would."""

import itertools
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from bs4 import BeautifulSoup

from musig.running import book

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.slow

# What a page loads by itself, as opposed to what a reader may follow.
ASSETS = {
    "img": ("src", "srcset"),
    "script": ("src",),
    "link": ("href",),
    "iframe": ("src",),
    "source": ("src", "srcset"),
    "audio": ("src",),
    "video": ("src", "poster"),
    "embed": ("src",),
    "object": ("data",),
    "image": ("href", "xlink:href"),
    "use": ("href", "xlink:href"),
}
REMOTE = re.compile(r"^\s*(?:https?:)?//", re.I)
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


@pytest.fixture(scope="session")
def built(tmp_path_factory):
    """Build as `make book` does; return the folder of what was produced."""
    out = tmp_path_factory.mktemp("book")
    command = [sys.executable, "-m", "musig.running.book", "--profile", "smoke", "--out", str(out)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"Open {out / '_build/html/index.html'}" in done.stdout
    return out / "_build"


@pytest.fixture(scope="session")
def pages(built):
    """Every HTML page, parsed."""
    return {
        path: BeautifulSoup(path.read_text("utf-8"), "html.parser")
        for path in sorted((built / "html").rglob("*.html"))
        if "_static" not in path.parts
    }


@pytest.fixture(scope="session")
def listed(built, pages):
    """The pages of the table of contents."""
    return {name: pages[built / f"html/{name}.html"] for name in book.listed(ROOT)}


def test_every_listed_page_is_there_and_says_something(built, listed):
    assert (built / "html/index.html").stat().st_size > 0
    for name, page in listed.items():
        article = page.find("article")
        assert article is not None, name
        assert len(article.get_text(" ", strip=True)) > 200, name


def test_no_cell_ended_in_an_error(built, listed):
    for path in sorted((built / "source/notebooks").glob("*.ipynb")):
        for cell in json.loads(path.read_text("utf-8"))["cells"]:
            for output in cell.get("outputs", []):
                assert output["output_type"] != "error", f"{path.name}: {output.get('ename')}"
                assert output.get("name") != "stderr", f"{path.name}: {output.get('text')}"
    for name, page in listed.items():
        assert not page.select(".output.traceback, .output.stderr"), name


def test_no_page_loads_anything_from_elsewhere(built, pages):
    for path, page in pages.items():
        for tag, attributes in ASSETS.items():
            for element in page.find_all(tag):
                for attribute in attributes:
                    value = element.get(attribute, "")
                    assert not REMOTE.match(value), f"{path.name}: <{tag} {attribute}={value}>"
        for style in [*page.find_all("style"), *page.find_all(style=True)]:
            text = style.string if style.name == "style" else style["style"]
            assert not re.search(r"(?:url\(|@import)\s*['\"]?(?:https?:)?//", text or ""), path.name
    for path in (built / "html/_static").rglob("*.css"):
        text = path.read_text("utf-8")
        assert not re.search(r"(?:url\(|@import)\s*['\"]?(?:https?:)?//", text), path.name


def test_every_picture_has_words(pages):
    for path, page in pages.items():
        for image in page.find_all("img"):
            if image.find_parent("a", class_="navbar-brand") or image.find_parent("button"):
                continue
            alt = image.get("alt", "").strip()
            assert alt and not alt.startswith(("../_images", "_images")), f"{path.name}: {image}"
        for drawing in page.find_all("svg", role="img"):
            assert drawing.find("title"), path.name


def test_headings_come_in_order(listed):
    for name, page in listed.items():
        levels = [int(tag.name[1]) for tag in page.find("article").find_all(re.compile("^h[1-6]$"))]
        assert levels[0] == 1 and levels.count(1) == 1, f"{name}: {levels}"
        for before, after in itertools.pairwise(levels):
            assert after <= before + 1, f"{name} jumps from h{before} to h{after}"


def test_the_search_knows_words_of_the_book(built):
    index = (built / "html/searchindex.js").read_text("utf-8")
    for term in ("playlist", "embed", "neighbour"):
        assert f'"{term}' in index or f"{term}:" in index, term
    for name in book.listed(ROOT):
        assert f'"{name}"' in index, name


def test_links_inside_the_book_lead_somewhere(pages):
    anchors = {
        path: {tag["id"] for tag in page.find_all(id=True)}
        | {tag["name"] for tag in page.find_all("a", attrs={"name": True})}
        for path, page in pages.items()
    }
    for path, page in pages.items():
        for link in page.find_all("a", href=True):
            parts = urlsplit(link["href"])
            if parts.scheme or parts.netloc or link["href"] == "#":
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            assert target.is_file(), f"{path.name}: {link['href']}"
            if parts.fragment and target in anchors:
                known = unquote(parts.fragment) in anchors[target]
                assert known, f"{path.name}: {link['href']} has no such place"


def test_launch_links_point_at_committed_notebooks(listed):
    found = 0
    for page in listed.values():
        for link in page.find_all("a", href=re.compile(r"mybinder|colab")):
            (path,) = re.findall(r"(notebooks/\w+\.ipynb)$", link["href"])
            assert (ROOT / path).is_file()
            found += 1
    assert found >= 2 * len(book.chapters(ROOT))


def test_the_ledger_has_a_row_for_every_chapter(listed):
    text = listed["book/ledger"].find("article").get_text(" ")
    for path in book.chapters(ROOT):
        assert path.stem in text
    assert "smoke" in text


def test_markup_in_data_is_shown_not_obeyed(pages):
    """Names of tracks hold tags; none may become an element of a page."""
    own = re.compile(r"mathjax|_static|togglebutton|DOCUMENTATION_OPTIONS|localStorage|toggle")
    for path, page in pages.items():
        for script in page.select("article script"):
            assert own.search(str(script)), f"{path.name}: {str(script)[:200]}"


def test_a_second_build_keeps_what_did_not_change(built):
    out = built.parent
    before = {path: path.stat().st_mtime_ns for path in (built / "source").rglob("*.ipynb")}
    command = [sys.executable, "-m", "musig.running.book", "--profile", "smoke", "--out", str(out)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("kept") >= len(before), done.stderr
    assert {path: path.stat().st_mtime_ns for path in before} == before


def rendered(path, *more):
    """Return a page as a browser without a network makes it."""
    if CHROMIUM is None:
        pytest.skip("there is no chromium on this machine")
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    options += ["--host-resolver-rules=MAP * ~NOTFOUND", "--virtual-time-budget=10000"]
    done = subprocess.run(
        [CHROMIUM, *options, *more, "--dump-dom", path],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return BeautifulSoup(done.stdout, "html.parser")


@pytest.mark.browser
def test_formulas_are_drawn_without_a_network(built, listed):
    with_math = [name for name, page in listed.items() if page.select(".math")]
    assert with_math
    for name in with_math:
        page = rendered((built / f"html/{name}.html").as_uri())
        for formula in page.select("article .math"):
            assert formula.find("mjx-container"), f"{name}: {formula.get_text()[:80]}"
        assert not page.find("mjx-merror"), f"{name}: {page.find('mjx-merror')}"


@pytest.mark.browser
def test_the_search_finds_a_page(built):
    page = rendered((built / "html/search.html").as_uri() + "?q=embedding")
    assert len(page.select("ul.search li a")) > 2


@pytest.mark.browser
def test_no_page_is_wider_than_a_narrow_window(built, listed):
    """500 pixels, the narrowest window that chromium opens without a screen."""
    script = "addEventListener('load', () => document.title = document.documentElement.scrollWidth)"
    for name in listed:
        path = built / f"html/{name}.html"
        probe = path.with_name(f"probe-{path.name}")
        html = path.read_text("utf-8").replace("</body>", f"<script>{script}</script></body>")
        probe.write_text(html, "utf-8")
        width = rendered(probe.as_uri(), "--window-size=500,900").title.get_text()
        probe.unlink()
        assert int(width) <= 500, name
