"""The maps in a browser: pointed at, found by name, followed by keyboard; nothing without a figure.

The page is made here, of the same pieces as the book's, so that no book has to be built.
"""

import re
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from musig.pages import maps

ROOT = Path(__file__).resolve().parents[2]
pytestmark = [pytest.mark.slow, pytest.mark.browser]

TITLES = ["Amber Road", "Birch and Bone", "<i>Cradle</i>", "Éclair", "Foghorn", "Grey Harbour"]
PICTURE = "data:image/gif;base64,R0lGODlhAQABAAAAACw="
PAGE = """<!doctype html><html lang="en" data-theme="light"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width"><title>A map</title></head>
<body style="margin:8px"><main><h1>A map</h1>{shown}
<figure id="{figure}"><a href="#x"><img src="{picture}" alt="Two maps."></a>
<figcaption>A map of six tracks.</figcaption></figure></main></body></html>"""


def views(*names):
    """Six tracks on a row, then turned around: nearest are those beside."""
    around = [[1, 2], [0, 2], [1, 3], [2, 4], [3, 5], [4, 3]]
    made = {}
    for k, name in enumerate(names):
        x = np.arange(6.0) * (-1 if k % 2 else 1)
        made[name] = maps.View(np.stack([x, x * 0], axis=1), np.array(around), 1.0)
    return made


@pytest.fixture
def write(tmp_path):
    """Write a page with a map beside the book's scripts; give its address."""
    shutil.copytree(ROOT / "book/_static", tmp_path / "_static", ignore=lambda _, __: ["mathjax"])

    def make(*names, figure="fig-map", start=-1):
        genres = ["folk", "folk", "folk", "jazz", "jazz", None]
        tracks = pd.DataFrame({"title": TITLES, "artist": "The Ants", "genre": genres})
        shown = maps.linked("fig-map", views(*names), tracks, start).data
        path = tmp_path / "notebooks/page.html"
        path.parent.mkdir(exist_ok=True)
        path.write_text(PAGE.format(shown=shown, figure=figure, picture=PICTURE), "utf-8")
        return path.as_uri()

    return make


@pytest.fixture
def visit(chromium):
    """Open an address; whatever goes wrong in the page fails the test."""
    wrong, contexts = [], []

    def go(address, width=1000, **options):
        context = chromium.new_context(viewport={"width": width, "height": 800}, **options)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("requestfailed", lambda request: wrong.append(request.url))
        page.on("request", lambda r: None if "/_static/map." in r.url or r.url in (address, PICTURE)
                else wrong.append(r.url))  # fmt: skip
        page.goto(address)
        return page

    yield go
    for context in contexts:
        context.close()
    assert wrong == []


def marked(page):
    """What is written beside the mark, panel by panel."""
    return page.locator(".musig-map-plot text").all_text_contents()


def point(page, panel, track):
    """Where a track is on the screen."""
    room = page.locator(".musig-map-plot svg").nth(panel).bounding_box()
    across = track / 5 if panel % 2 == 0 else 1 - track / 5
    return room["x"] + (30 + 1000 * across) / 1060 * room["width"], room["y"] + room["height"] / 2


def test_pointing_at_a_track_marks_it_in_both_panels(write, visit):
    page = visit(write("before", "after"))
    assert page.locator(".musig-map-app").is_visible()
    assert not page.locator("figure img").is_visible()
    assert page.locator("figcaption").is_visible()
    for panel in (0, 1):
        page.mouse.move(*point(page, panel, 4))
        assert marked(page) == ["Foghorn", "Foghorn"]
        assert "Foghorn by The Ants · jazz" in page.locator(".musig-map-told").text_content()
    page.mouse.move(5, 5)
    assert marked(page) == []
    page.mouse.click(*point(page, 1, 1))
    page.mouse.move(5, 5)
    assert marked(page) == ["Birch and Bone", "Birch and Bone"]
    near = page.locator(".musig-map-near").nth(0).locator("button")
    assert near.all_text_contents() == ["Amber Road", "<i>Cradle</i>"]
    near.nth(1).click()
    assert marked(page) == ["<i>Cradle</i>"] * 2
    assert page.locator("main i").count() == 0


def test_a_track_is_found_by_its_name_with_the_keyboard_alone(write, visit):
    page = visit(write("before", "after"))
    page.keyboard.press("Tab")
    page.keyboard.type("ecl")  # without its accent
    field = page.get_by_role("combobox", name="Find a track")
    assert field.get_attribute("aria-expanded") == "true"
    assert page.get_by_role("option").all_text_contents() == ["Éclair by The Ants, jazz"]
    page.keyboard.press("ArrowDown")
    chosen = page.locator(f"#{field.get_attribute('aria-activedescendant')}")
    assert chosen.get_attribute("aria-selected") == "true"
    page.keyboard.press("Enter")
    assert marked(page) == ["Éclair", "Éclair"]
    assert field.get_attribute("aria-expanded") == "false"
    told = page.locator("[aria-live=polite]").text_content()
    assert told.startswith("Éclair by The Ants, jazz. Nearest, before: <i>Cradle</i>; Foghorn.")
    page.keyboard.press("Escape")
    assert marked(page) == []


def test_who_leaves_the_search_and_comes_back_finds_it_closed(write, visit):
    page = visit(write("before", "after"))
    field = page.get_by_role("combobox", name="Find a track")
    field.fill("b")
    field.press("ArrowDown")
    page.keyboard.press("Tab")
    field.focus()
    assert field.get_attribute("aria-activedescendant") is None
    page.keyboard.press("Enter")  # of a list that is not seen
    assert marked(page) == []
    page.keyboard.press("ArrowDown")
    assert page.get_by_role("option", selected=True).count() == 1
    page.keyboard.press("Enter")
    assert marked(page) == ["Amber Road"] * 2


def test_a_track_is_taken_when_the_button_is_let_go_over_it(write, visit):
    page = visit(write("before", "after"))
    field = page.get_by_role("combobox", name="Find a track")
    field.fill("grey")
    option = page.get_by_role("option")
    option.hover()
    page.mouse.down()
    page.mouse.move(5, 5)
    page.mouse.up()
    assert marked(page) == []
    assert option.is_visible()
    option.click()
    assert marked(page) == ["Grey Harbour"] * 2
    assert field.evaluate("node => node === document.activeElement")


def test_arrow_keys_go_from_track_to_track(write, visit):
    page = visit(write("before", "after"), width=1000)
    first, second = page.locator(".musig-map-plot").all()
    first.focus()
    page.keyboard.press("ArrowRight")  # the nearest to the middle
    found = TITLES.index(marked(page)[0])
    assert found in (2, 3)
    page.keyboard.press("ArrowRight")
    assert marked(page) == [TITLES[found + 1]] * 2
    second.focus()  # where the row goes the other way
    page.keyboard.press("ArrowRight")
    assert marked(page) == [TITLES[found]] * 2
    page.keyboard.press("ArrowUp")  # there is nothing above
    assert marked(page) == [TITLES[found]] * 2


def test_a_genre_is_brought_forward(write, visit):
    page = visit(write("before", "after"))
    folk, jazz, unknown = page.get_by_role("group", name="Bring a genre forward").locator(
        "button"
    ).all()  # fmt: skip
    assert [each.text_content() for each in (folk, jazz, unknown)] == ["folk", "jazz", "unknown"]
    jazz.click()
    assert jazz.get_attribute("aria-pressed") == "true"
    assert page.locator(".musig-map-plot .front.g1").count() == 2
    assert "jazz: 2 tracks" in page.locator("[aria-live=polite]").text_content()
    page.mouse.move(*point(page, 0, 1))  # folk stands back
    assert marked(page) == []
    jazz.click()
    assert jazz.get_attribute("aria-pressed") == "false"
    assert page.locator(".front").count() == 0
    unknown.click()
    assert "unknown: 1 track b" in page.locator("[aria-live=polite]").text_content()


def test_of_more_than_two_views_each_panel_shows_any(write, visit):
    page = visit(write("co-occurrence", "similarity", "genre", "all"), width=1000)
    left, right = page.get_by_label("Left map"), page.get_by_label("Right map")
    assert (left.input_value(), right.input_value()) == ("0", "3")
    before = page.locator(".musig-map-plot").nth(0).locator("path").first.get_attribute("d")
    left.select_option(label="similarity")
    after = page.locator(".musig-map-plot").nth(0).locator("path").first.get_attribute("d")
    assert before != after
    name = page.locator(".musig-map-plot").nth(0).get_attribute("aria-label")
    assert "similarity" in name


def test_a_track_can_be_marked_from_the_start(write, visit):
    assert marked(visit(write("before", "after", start=0))) == ["Amber Road"] * 2


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_on_a_phone_panels_stack_and_nothing_scrolls_sideways(write, visit, theme):
    page = visit(write("before", "after", start=2), width=390, has_touch=True)
    page.evaluate(f"document.documentElement.dataset.theme = '{theme}'")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    upper, lower = (each.bounding_box() for each in page.locator(".musig-map-plot").all())
    assert lower["y"] > upper["y"] + upper["height"]
    assert upper["width"] > 300
    page.touchscreen.tap(*point(page, 0, 5))
    assert marked(page) == ["Grey Harbour"] * 2
    for button in page.locator(".musig-map-app button").all():
        assert button.bounding_box()["height"] >= 24  # WCAG 2.2: large enough for a finger


def test_without_scripts_and_on_paper_the_picture_stays(write, visit):
    page = visit(write("before", "after"), java_script_enabled=False)
    assert page.locator("figure img").is_visible()
    assert not re.search("Amber Road", page.inner_text("main"))
    page = visit(write("before", "after"))
    page.emulate_media(media="print")
    assert page.locator("figure img").is_visible()
    assert not page.locator(".musig-map-app").is_visible()


def test_where_the_figure_is_missing_nothing_happens(write, visit):
    page = visit(write("before", "after", figure="fig-other"))
    assert page.locator(".musig-map-app").count() == 0
    assert page.locator("figure img").is_visible()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_serious(write, visit, theme):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not here")
    page = visit(write("one", "two", "three", start=2))
    colours = {"light": ("#222", "#fff"), "dark": ("#ced6dd", "#121212")}[theme]
    page.evaluate(
        """([theme, ink, paper]) => {
            const style = document.documentElement.style;
            document.documentElement.dataset.theme = theme;
            style.setProperty('--pst-color-text-base', ink);
            style.setProperty('--pst-color-text-muted', ink);
            style.setProperty('--pst-color-link', ink);
            style.setProperty('--pst-color-background', paper);
            document.body.style.background = paper;
            document.body.style.color = ink;
        }""",
        [theme, *colours],
    )
    page.get_by_role("combobox", name="Find a track").fill("a")
    found = axe.Axe().run(page, options={"preload": False}).response["violations"]
    serious = [v["id"] for v in found if v["impact"] in ("serious", "critical")]
    assert serious == []
