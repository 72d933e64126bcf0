"""Maps: what the script reads is what was embedded, in the page, small, and never markup."""

import inspect
import json
import re
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import torch
from bs4 import BeautifulSoup

from musig.pages import charts, embeddings, maps
from musig.pages.style import PALETTE

STATIC = Path(__file__).resolve().parents[2] / "book/_static"


def tracks(n, genres=("folk", "jazz", None)):
    rows = [
        (f"<b>{k}</b> & </script> “𝄞” {'long title ' * 3}", f"artist {k % 7}", genres[k % 3])
        for k in range(n)
    ]
    return pd.DataFrame(rows, columns=["title", "artist", "genre"])


def vectors(seed, n=60, d=5):
    return torch.from_numpy(np.random.default_rng(seed).normal(size=(n, d)).astype(np.float32))


@pytest.fixture(scope="module")
def laid():
    return maps.views({"before": vectors(0), "after": vectors(1, d=3)}, seed=0)


def read(shown):
    page = BeautifulSoup(shown.data, "html.parser")
    return page, json.loads(page.select_one('script[type="application/json"]').string)


def test_nearest_are_those_of_the_embedding_and_places_those_of_the_map(laid):
    for name, rows in {"before": vectors(0), "after": vectors(1, d=3)}.items():
        np.testing.assert_array_equal(laid[name].near, embeddings.nearest(rows, range(60), 5))
        drawn = embeddings.planar(rows, 0)
        moved = laid[name].places
        apart = [np.linalg.norm(each[:, None] - each, axis=2) for each in (drawn, moved)]
        np.testing.assert_allclose(*apart, rtol=1e-3, atol=1e-3)
        assert laid[name].kept == embeddings.kept(rows, drawn)


def test_a_turned_map_is_found_again():
    rng, angle = np.random.default_rng(0), 1.1
    like = rng.normal(size=(30, 2))
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    for mirror in (np.eye(2), np.diag([1, -1])):
        found = embeddings.turned(like @ turn @ mirror + 5, like)
        np.testing.assert_allclose(found, like - like.mean(axis=0), atol=1e-9)


def test_what_is_kept_is_counted_as_by_hand():
    rows, places = vectors(3, 25), np.random.default_rng(4).normal(size=(25, 2))
    near = embeddings.nearest(rows, range(25), 4)
    count = 0
    for n in range(25):
        apart = np.linalg.norm(places - places[n], axis=1)
        apart[n] = np.inf
        count += len({*np.argsort(apart)[:4]} & {*near[n]})
    assert embeddings.kept(rows, places, k=4) == pytest.approx(count / 100)
    assert embeddings.kept(torch.from_numpy(places - places.mean(0)), places, 24) == 1


def test_the_script_reads_what_is_in_the_table(laid):
    table = tracks(60)
    page, content = read(maps.linked("fig-map", laid, table, start=4))
    assert content["titles"] == [*table["title"]]
    assert [content["artists"][k] for k in content["artist"]] == [*table["artist"]]
    names = [content["genres"][k] if k >= 0 else None for k in content["genre"]]
    assert names == [None if pd.isna(each) else each for each in table["genre"]]
    assert content["start"] == 4
    assert [view["name"] for view in content["views"]] == ["before", "after"]
    for view, each in zip(content["views"], laid.values(), strict=True):
        assert view["near"] == each.near.tolist()
        x, y = np.array(view["x"]), np.array(view["y"])
        assert min(x.min(), y.min()) >= 0 and max(x.max(), y.max()) <= maps.SIZE
        assert np.corrcoef(x, each.places[:, 0])[0, 1] > 0.999
        assert np.corrcoef(y, each.places[:, 1])[0, 1] < -0.999  # a screen counts downwards
    box = page.select_one("div.musig-map")
    assert box["data-figure"] == "fig-map" and box.has_attr("hidden")


def test_text_from_data_becomes_no_element(laid):
    page, _ = read(maps.linked("fig-map", laid, tracks(60)))
    assert [tag.name for tag in page.find_all(True)] == ["link", "div", "script", "script"]


def test_what_is_not_known_is_left_out(laid):
    table = tracks(60).assign(artist=None, genre=np.nan)
    _, content = read(maps.linked("fig-map", laid, table))
    assert content["artists"] == content["genres"] == []
    assert {*content["artist"]} == {*content["genre"]} == {-1}
    fig, axes = maps.panels(laid, table)
    assert [ax.get_title() for ax in axes.flat] == ["before", "after"]
    plt.close(fig)


def test_a_map_of_four_views_is_small():
    n = maps.MOST + 1
    rng = np.random.default_rng(0)
    view = maps.View(rng.normal(size=(n, 2)), rng.integers(n, size=(n, 5)), 1.0)
    shown = maps.linked("fig-map", {name: view for name in "abcd"}, tracks(n))
    assert len(shown.data.encode()) < 300_000


def test_the_figure_has_a_panel_a_view_and_one_legend():
    view = maps.View(np.random.default_rng(0).normal(size=(9, 2)), np.zeros((9, 5), int), 1.0)
    fig, axes = maps.panels({"a": view, "$b$": view, "c": view}, tracks(9))
    assert [ax.get_title() for ax in axes.flat] == ["a", r"\$b\$", "c", ""]
    assert [text.get_text() for text in fig.legends[0].get_texts()] == [
        "folk", "jazz", "other or unknown",
    ]  # fmt: skip
    assert not any(ax.get_legend() for ax in axes.flat)
    fig.canvas.draw()
    plt.close(fig)


def test_the_script_draws_in_the_size_and_the_colours_of_the_figures():
    script = (STATIC / "map.js").read_text("utf-8")
    style = (STATIC / "map.css").read_text("utf-8")
    assert int(re.search(r"const SIZE = (\d+);", script)[1]) == maps.SIZE
    coloured = int(re.search(r"const COLOURED = (\d+);", script)[1])
    assert coloured == inspect.signature(charts.points).parameters["most"].default
    light = re.findall(r"--map-\d: (#\w+);", style)[:coloured]
    assert light == [colour.lower() for colour in PALETTE[:coloured]]


def test_the_script_asks_nobody():
    """No request, no storage, no markup made of text."""
    script = (STATIC / "map.js").read_text("utf-8")
    assert set(re.findall(r"https?://[^\s\"']+", script)) == {"http://www.w3.org/2000/svg"}
    assert not re.search(r"\b(fetch|XMLHttpRequest|import|eval|innerHTML|localStorage)\b", script)
    style = (STATIC / "map.css").read_text("utf-8")
    assert "url(" not in style and "@import" not in style
    assert len(script) + len(style) < 30_000
