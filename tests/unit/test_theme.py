"""What is taken from a finished book, and what stays."""

import base64
import io
import re
import shutil
from importlib.util import find_spec
from pathlib import Path

import pytest
from fontTools.ttLib import TTFont

from musig.running import theme

THEME = Path(find_spec("pydata_sphinx_theme").origin).parent / "theme/pydata_sphinx_theme/static"
PAGE = """<head>
<link href="../_static/vendor/fontawesome/6.5.2/css/all.min.css?digest=1" rel="stylesheet" />
<link rel="preload" as="font" href="../_static/vendor/fontawesome/6.5.2/webfonts/x.woff2" />
<link rel="preload" as="script" href="../_static/scripts/theme.js" />
<script src="../_static/vendor/fontawesome/6.5.2/js/all.min.js?digest=1"></script>
</head>
<div class="bd-sidebar-primary bd-sidebar">
<a href="api.html">API</a><details><summary><i class="fa-solid fa-chevron-down"></i></summary>
</details>
<i class="fab fa-github"></i> as far as one sees
<table><thead><tr><th></th><th class="head"><p></p></th><th>a</th></tr></thead></table>
"""


@pytest.fixture
def html(tmp_path):
    """A book of one page with the theme's files."""
    static = tmp_path / "html/_static"
    shutil.copytree(THEME / "vendor", static / "vendor")
    for name in ("styles", "scripts", "locales/de"):
        (static / name).mkdir(parents=True)
    (static / "styles/theme.css").write_text('a:after{content:"\uf0f3"}b:after{content:"\\f107"}')
    (static / "styles/theme.css.map").write_text("{}")
    (static / "scripts/theme.js").write_text("button.innerHTML = '<i class=\"fas fa-xmark\">'")
    (static / "webpack-macros.html").write_text("{{ macros }}")
    (tmp_path / "html/book").mkdir()
    (tmp_path / "html/book/index.html").write_text(PAGE)
    return tmp_path / "html"


def fonts(sheet):
    """Characters of the fonts in a style sheet, by family."""
    found = {}
    for family, data in re.findall(r"font-family:'([^']+)'.*?base64,([^)]+)\)", sheet):
        font = TTFont(io.BytesIO(base64.b64decode(data)))
        found[family] = {chr(code) for code in font.getBestCmap()}
    return found


def test_the_icons_of_the_book_are_kept_and_no_others(html):
    theme.lighten(html)
    sheet = (html / theme.SHEET).read_text()
    rules = set(re.findall(r"\.(fa-[a-z-]+):before", sheet))
    assert rules == {"fa-chevron-down", "fa-github", "fa-xmark"}
    # of classes in pages and scripts, and of characters in style sheets, written in both ways
    solid = {"\uf078", "\uf00d", "\uf0f3", "\uf107"}
    assert fonts(sheet) == {"Font Awesome 6 Free": solid, "Font Awesome 6 Brands": {"\uf09b"}}
    assert "Fonts: SIL OFL 1.1" in sheet
    assert len(sheet) < 10_000


def test_what_nothing_loads_goes_and_the_rest_stays(html):
    theme.lighten(html)
    left = {p.relative_to(html).as_posix() for p in html.rglob("*") if p.is_file()}
    assert left == {
        "book/index.html", "_static/styles/theme.css", "_static/scripts/theme.js", theme.SHEET,
    }  # fmt: skip


def test_a_page_loads_the_small_sheet_and_has_names_for_screen_readers(html):
    theme.lighten(html)
    page = (html / "book/index.html").read_text()
    assert "fontawesome" not in page
    assert f'<link href="../{theme.SHEET}" rel="stylesheet" />' in page
    assert "../_static/scripts/theme.js" in page
    assert '<summary aria-label="Pages of: API">' in page
    assert 'role="complementary" aria-label="The book">' in page
    assert '<thead><tr><td></td><td class="head"></td><th>a</th></tr></thead>' in page


def test_twice_is_as_once(html):
    theme.lighten(html)
    before = {path: path.stat().st_mtime_ns for path in html.rglob("*")}
    theme.lighten(html)
    assert {path: path.stat().st_mtime_ns for path in html.rglob("*")} == before


def test_a_later_build_finds_icons_of_pages_that_were_not_written_again(html):
    theme.lighten(html)
    shutil.copytree(THEME / "vendor", html / "_static/vendor", dirs_exist_ok=True)
    first = (html / theme.SHEET).read_text()
    theme.lighten(html)
    assert (html / theme.SHEET).read_text() == first
