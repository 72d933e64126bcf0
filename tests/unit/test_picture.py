"""The picture of the landing page is what the code draws, and says what the playlists say."""

import re
import xml.etree.ElementTree as ET

import pytest

from musig.pages import picture

LAYOUTS = list(picture.FILES)
SVG = "{http://www.w3.org/2000/svg}"


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_committed_picture_is_the_one_that_is_drawn(layout):
    kept = (picture.ROOT / picture.FILES[layout]).read_text("utf-8")
    assert kept == picture.drawing(layout), "run python -m musig.pages.picture"


def test_both_are_written(tmp_path):
    (tmp_path / "book/_static").mkdir(parents=True)
    assert picture.main(tmp_path) == 0
    for layout, name in picture.FILES.items():
        assert (tmp_path / name).read_text("utf-8") == picture.drawing(layout)


def test_ten_tracks_and_every_one_has_a_genre_a_place_and_a_playlist():
    tracks = sorted("".join(picture.KINDS.values()))
    assert len(tracks) == 10
    assert set(tracks) == set(picture.PLACES) == set("".join(picture.PLAYLISTS))


def test_edges_and_completion_are_counted_from_the_playlists():
    weights = picture.weights()
    for pair, weight in weights.items():
        assert weight == sum(set(pair) <= set(tracks) for tracks in picture.PLAYLISTS)
    found = picture.completion()
    assert len(found) == picture.WANTED and not set(picture.SEEDS) & {track for track, _ in found}
    edges = {frozenset(pair): weight for pair, weight in weights.items()}
    for track, score in found:
        assert score == sum(edges.get(frozenset(track + seed), 0) for seed in picture.SEEDS)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_drawing_holds_what_it_tells(layout):
    root = ET.fromstring(picture.drawing(layout))
    assert len(root.findall(f".//{SVG}line")) == len(picture.weights())
    assert root.find(f"{SVG}title").text == picture.TITLE
    told = root.find(f"{SVG}desc").text
    assert all(f"{track}" in told for track, _ in picture.completion())
    ids = {each.get("id") for each in root.iter() if each.get("id")}
    assert set(root.get("aria-labelledby").split()) == ids


def test_its_hue_is_that_of_the_book():
    book = (picture.ROOT / "book/_static/musig.css").read_text("utf-8")
    light, dark = re.findall(r"--musig-hue: (#\w+);", book)
    assert re.findall(r"hue[:,] (#\w+)", picture.STYLE) == [light, dark]


def test_names_of_the_two_drawings_differ():
    """Both stand in one page."""
    both = "".join(picture.drawing(layout) for layout in LAYOUTS)
    ids = re.findall(r'id="([^"]+)"', both)
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("layout", LAYOUTS)
def test_everything_lies_inside_and_no_letter_is_small(layout):
    """On a phone the narrow picture is as wide as the page, some 350 pixels of its 364."""
    text = picture.drawing(layout)
    width, height = map(float, re.search(r'viewBox="0 0 (\d+) (\d+)"', text).groups())
    cards = ET.fromstring(text).findall(f".//{SVG}g[@transform]")
    assert len(cards) == 4
    for card in cards:
        x, y = map(float, re.findall(r"[\d.]+", card.get("transform")))
        panel = card.find(f"{SVG}rect[@class='panel']")
        wide, tall = (float(panel.get(name)) for name in ("width", "height"))
        assert x + wide <= width and y + tall <= height
    shown = {"narrow": 350, "wide": 640}[layout]
    sizes = [float(size) for size in re.findall(r"font-size: ([\d.]+)px", text)]
    assert min(sizes) * shown / width >= 11
