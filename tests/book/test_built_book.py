"""The book as a product: finished once, then read as a reader would, and as a browser does."""

import importlib.util
import itertools
import json
import os
import re
from urllib.parse import unquote, urlsplit

import pytest
import visits
from bs4 import BeautifulSoup
from conftest import ROOT, draw

from musig.running import book

pytestmark = pytest.mark.slow

MB = 1_000_000
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
OTHER_PAGES = ("next", "prev", "index", "search", "genindex")  # links of a head that load nothing
# What axe-core may go on finding, by rule, and why it is not ours to mend.
EXCUSED: dict[str, str] = {}


@pytest.fixture(scope="session")
def pages(html):
    """Every HTML page, parsed."""
    return {
        path: BeautifulSoup(path.read_text("utf-8"), "html.parser")
        for path in sorted(html.rglob("*.html"))
        if "_static" not in path.parts
    }


@pytest.fixture(scope="session")
def listed(html, pages):
    """The pages of the table of contents."""
    return {name: pages[html / f"{name}.html"] for name in book.listed(ROOT)}


@pytest.fixture
def page(chromium):
    """An empty window, which notes errors and may use the clipboard."""
    context = chromium.new_context(permissions=["clipboard-read", "clipboard-write"])
    one = context.new_page()
    noted = visits.Visit("")
    visits.listened(one, noted, "asked")
    yield one
    context.close()
    assert noted.errors == []


def opened(page, address):
    """Go to a page and wait until it has settled."""
    page.goto(address)
    page.evaluate(visits.SETTLED)
    return page


def assets(page):
    """Addresses of what a parsed page loads by itself."""
    for tag, attributes in ASSETS.items():
        for element in page.find_all(tag):
            if not set(element.get("rel", [])) & set(OTHER_PAGES):
                yield from (element[each] for each in attributes if element.get(each))


# What is on the pages.


def test_every_listed_page_is_there_and_says_something(html, listed):
    assert (html / "index.html").stat().st_size > 0
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


def test_no_page_loads_anything_from_elsewhere(html, pages):
    for path, page in pages.items():
        for value in assets(page):
            assert not REMOTE.match(value), f"{path.name}: {value}"
        for style in [*page.find_all("style"), *page.find_all(style=True)]:
            text = style.string if style.name == "style" else style["style"]
            assert not re.search(r"(?:url\(|@import)\s*['\"]?(?:https?:)?//", text or ""), path.name
    for path in (html / "_static").rglob("*.css"):
        text = path.read_text("utf-8")
        assert not re.search(r"(?:url\(|@import)\s*['\"]?(?:https?:)?//", text), path.name


def test_everything_a_page_loads_is_in_the_book(pages):
    """Also after the theme was made lighter."""
    for path, page in pages.items():
        for value in assets(page):
            if not value.startswith("data:"):
                there = (path.parent / unquote(urlsplit(value).path)).resolve()
                assert there.is_file(), f"{path.name}: {value}"


@pytest.fixture(scope="session")
def weights(pages):
    """What each page weighs with what it alone loads; what others load too is loaded once."""
    loaded = {
        path: {
            (path.parent / unquote(urlsplit(value).path)).resolve()
            for value in assets(page)
            if not value.startswith("data:")
        }
        for path, page in pages.items()
    }
    found = {}
    for path, own in loaded.items():
        shared = set().union(*(others for other, others in loaded.items() if other != path))
        found[path] = path.stat().st_size + sum(each.stat().st_size for each in own - shared)
    return found


def test_no_page_is_heavy_and_the_book_is_light(html, weights):
    for path, weight in weights.items():
        assert weight < 3 * MB, f"{path.relative_to(html)}: {weight / MB:.1f} MB"
    files = [path for path in html.rglob("*") if path.is_file()]
    whole = sum(path.stat().st_size for path in files)
    heaviest = sorted(files, key=lambda path: -path.stat().st_size)[:5]
    assert whole < 40 * MB, f"{whole / MB:.1f} MB; the largest: {[p.name for p in heaviest]}"


def test_the_playlist_page_loads_at_once(html, pages, weights):
    """Itself, and the scripts and styles that are its own."""
    path = html / "notebooks/16_playground.html"
    own = {urlsplit(value).path.rpartition("/")[2] for value in assets(pages[path])}
    assert {"playground.js", "playground-scores.js", "playground.css"} <= own
    assert weights[path] > path.stat().st_size
    assert weights[path] < 2 * MB, f"{weights[path] / MB:.2f} MB"


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


def test_the_search_knows_words_of_the_book(html):
    index = (html / "searchindex.js").read_text("utf-8")
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


def test_the_ledger_has_a_row_for_every_chapter(built, listed):
    text = listed["book/ledger"].find("article").get_text(" ")
    for path in book.chapters(ROOT):
        assert path.stem in text
    assert any(folder.name in text for folder in (built / "executed").iterdir())


def test_markup_in_data_is_shown_not_obeyed(pages):
    """Names of tracks hold tags; none may become an element of a page."""
    own = re.compile(
        r"mathjax|_static|togglebutton|DOCUMENTATION_OPTIONS|localStorage|toggle"
        r"|^<script[^>]* type=\"application/json\""
    )
    for path, page in pages.items():
        for script in page.select("article script"):
            assert own.search(str(script)), f"{path.name}: {str(script)[:200]}"


@pytest.mark.skipif(bool(os.environ.get("MUSIG_BOOK")), reason="the book is only read")
def test_a_second_build_keeps_what_did_not_change(built):
    def times():
        files = [*(built / "source").rglob("*.ipynb"), *(built / "html").rglob("*.html")]
        return {path: path.stat().st_mtime_ns for path in files}

    before = times()
    done = draw(built.parent)
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("kept") >= len(book.chapters(ROOT)), done.stderr
    assert times() == before


# What a browser sees: every page at three widths, light and dark, from a folder and from a server.


@pytest.mark.browser
def test_no_page_has_script_errors(seen, listed):
    assert set(listed) <= set(seen)
    assert {name: visit.errors for name, visit in seen.items() if visit.errors} == {}


@pytest.mark.browser
def test_no_request_leaves_the_page_s_own_origin(seen, origin):
    own = {"file": ("file:///", "data:", "blob:"), "http": (f"{origin}/", "data:", "blob:")}
    for name, visit in seen.items():
        for how, requests in visit.requests.items():
            assert requests, f"{name}, {how}: nothing was loaded"
            gone = [each for each in requests if not each.startswith(own[how])]
            assert not gone, f"{name}, {how}: {gone}"


@pytest.mark.browser
def test_no_page_scrolls_sideways(seen):
    """On a desk, on a tablet and on a phone of 390 pixels."""
    assert {name: visit.too_wide for name, visit in seen.items() if visit.too_wide} == {}


@pytest.mark.browser
def test_pictures_and_formulas_are_drawn_without_a_network(seen):
    assert {name: visit.undrawn for name, visit in seen.items() if visit.undrawn} == {}
    assert sum(visit.formulas["all"] for visit in seen.values()) > 50
    for name, visit in seen.items():
        assert visit.formulas["bare"] == visit.formulas["wrong"] == [], name


@pytest.mark.browser
def test_every_page_follows_the_reader_s_choice_of_light_or_dark(seen):
    def brightness(colour):
        return sum(int(part) for part in re.findall(r"\d+", colour)[:3]) / 3

    for name, visit in seen.items():
        light, dark = (brightness(each) for each in visit.backgrounds)
        assert light > 200 and dark < 60, f"{name}: {visit.backgrounds}"


@pytest.mark.browser
def test_axe_finds_nothing(seen):
    """The rules of WCAG 2.2 at levels A and AA, and what axe-core calls good practice."""
    if importlib.util.find_spec("axe_playwright_python") is None:
        pytest.skip("axe-playwright-python is not installed: make test installs it")
    told = [
        f"{name} ({found['where']}): {found['id']}, {found['impact']}: {node['html'][:150]}"
        for name, visit in seen.items()
        for found in visit.violations
        if found["id"] not in EXCUSED
        for node in found["nodes"]
    ]
    assert told == []


# What a reader does.


@pytest.mark.browser
@pytest.mark.parametrize("how", ["file", "http"])
def test_the_search_finds_a_term_and_leads_to_it(page, html, origin, how):
    start = origin if how == "http" else html.as_uri()
    opened(page, f"{start}/book/index.html")
    page.keyboard.press("Control+K")
    page.keyboard.type("popularity bias")
    page.keyboard.press("Enter")
    page.wait_for_url("**/search.html?q=popularity*")
    page.wait_for_function("document.querySelectorAll('ul.search li a').length > 1")
    first = page.locator("ul.search li a").first
    title = first.inner_text()
    first.click()
    page.wait_for_url(f"{start}/**.html*")
    assert "search.html" not in page.url
    page.evaluate(visits.SETTLED)
    text = page.locator("article").inner_text().lower()
    assert "popularity" in text and title.split("\n")[0].lower()[:20] in text


@pytest.mark.browser
def test_every_solution_unfolds_by_click_and_by_keyboard(page, html, listed):
    """Folded parts are admonitions with a button, and details of HTML."""
    folded = 0
    for name, parsed in listed.items():
        if not parsed.select("article .dropdown, article details"):
            continue
        opened(page, (html / f"{name}.html").as_uri())
        buttons = page.locator("article .admonition.dropdown > .admonition-title > button")
        assert buttons.count() == len(parsed.select("article .admonition.dropdown")), name
        for at in range(buttons.count()):
            button = buttons.nth(at)
            box = button.locator("xpath=ancestor::div[contains(@class, 'admonition')][1]")
            inside = box.locator("> :not(.admonition-title)").first
            assert not inside.is_visible(), f"{name}: open from the start"
            button.click()
            assert inside.is_visible(), f"{name}: not opened by a click"
            assert button.get_attribute("aria-expanded") == "true", name
            button.press("Enter")
            assert not inside.is_visible(), f"{name}: not closed by the keyboard"
            button.press("Enter")
            assert inside.is_visible(), f"{name}: not opened by the keyboard"
            folded += 1
        for each in page.query_selector_all("article details:not([open]) > summary"):
            if each.is_visible():
                each.press("Enter")
                assert each.evaluate("one => one.parentElement.open"), f"{name}: not opened"
    assert folded >= len(book.chapters(ROOT))  # each chapter has exercises, and a solution


@pytest.mark.browser
def test_the_switch_of_light_and_dark_is_kept_from_page_to_page(page, origin):
    opened(page, f"{origin}/book/index.html")
    switch = page.locator("button.theme-switch-button:visible").first
    found = set()
    for _ in range(3):
        switch.click()
        found.add(page.evaluate("document.documentElement.dataset.mode"))
    assert found == {"auto", "light", "dark"}
    while page.evaluate("document.documentElement.dataset.mode") != "dark":
        switch.click()
    opened(page, f"{origin}/book/glossary.html")
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"


@pytest.mark.browser
def test_the_contents_open_on_a_phone(page, html):
    page.set_viewport_size({"width": 390, "height": 844})
    opened(page, (html / "book/index.html").as_uri())
    link = page.locator(".bd-sidebar-primary a", has_text="Glossary")
    assert not link.is_visible()
    page.locator("button.primary-toggle").click()
    link.scroll_into_view_if_needed()
    link.click()
    page.wait_for_url("**/glossary.html")


@pytest.mark.browser
def test_code_can_be_copied(page, origin):
    opened(page, f"{origin}/book/reading.html")
    block = page.locator("div.highlight:has(button.copybtn)").first
    block.hover()
    block.locator("button.copybtn").click()
    page.wait_for_function("document.querySelector('button.copybtn.success')")
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied.strip() == block.locator("pre").inner_text().strip()


@pytest.mark.browser
def test_a_box_that_scrolls_can_be_scrolled_by_keyboard(page, html, listed):
    page.set_viewport_size({"width": 390, "height": 844})
    wide = 0
    for name in ("notebooks/05_multitask_training", "book/use"):
        opened(page, (html / f"{name}.html").as_uri())
        for box in page.locator("[data-scrolls]:visible").all()[:4]:
            assert box.get_attribute("aria-label")
            box.focus()
            before = box.evaluate("one => [one.scrollLeft, one.scrollTop]")
            box.press("ArrowRight")
            box.press("ArrowDown")
            page.wait_for_timeout(200)
            assert box.evaluate("one => [one.scrollLeft, one.scrollTop]") != before, name
            wide += 1
    assert wide


@pytest.mark.browser
def test_maps_draw_and_answer(page, html):
    opened(page, (html / "notebooks/05_multitask_training.html").as_uri())
    maps = page.locator(".musig-map-app")
    assert maps.count() > 0
    for one in maps.all():
        figure = one.locator("xpath=ancestor::figure[1]")
        assert figure.locator("img").get_attribute("alt")  # the static map stays, for print
        plots = one.locator(".musig-map-plot")
        assert plots.count() == 2
        for plot in plots.all():
            drawn = plot.locator("svg path").evaluate_all(
                "all => all.map(one => one.getAttribute('d').length)"
            )
            assert sum(drawn) > 1000
        before = one.locator(".musig-map-told").inner_text()
        plots.first.focus()
        plots.first.press("ArrowRight")
        plots.first.press("ArrowDown")
        assert one.locator(".musig-map-told").inner_text() != before


@pytest.mark.browser
@pytest.mark.parametrize("how", ["file", "http"])
def test_the_playlist_page_completes_a_playlist(page, html, origin, how):
    start = origin if how == "http" else html.as_uri()
    opened(page, f"{start}/notebooks/16_playground.html")
    while page.locator(".pg-remove").count():
        page.locator(".pg-remove").first.press("Enter")
    search = page.get_by_role("combobox", name=re.compile("^Search"))
    for number in range(3):
        search.press_sequentially("a")
        page.locator("[role=option]").first.wait_for()
        search.press("ArrowDown")
        search.press("Enter")
        assert page.locator(".pg-chip").count() == number + 1
    lists = page.locator(".pg-columns [role=list], .pg-columns ol")
    assert lists.count() == 3
    for each in lists.all():
        assert each.locator("[data-track]").count() == 10


@pytest.mark.browser
def test_a_page_prints_whole(page, html):
    """Without the columns beside it, with what is folded open."""
    opened(page, (html / "notebooks/05_multitask_training.html").as_uri())
    page.emulate_media(media="print")
    assert not page.locator(".bd-sidebar-primary").is_visible()
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.locator(".admonition.toggle-hidden").count() == 0
    assert len(page.pdf()) > 50_000
