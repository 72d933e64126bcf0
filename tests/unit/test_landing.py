"""The landing page: no time that was not recorded, no verdict that was not computed."""

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from bs4 import BeautifulSoup

from musig.experiments import CellResult, claims, plans, store
from musig.running import landing, publishing, timing
from musig.running.records import RunRecord
from musig.sources import synthetic

ROOT = Path(__file__).resolve().parents[2]


def run(name, seconds, **more):
    settings = {"device": "cpu", "threads": 2} | more
    when = "2026-01-01T00:00:00+00:00"
    return RunRecord(name, "classroom", {}, {}, "x", "0" * 16, 0, when, seconds=seconds, **settings)


@pytest.mark.parametrize(
    "text",
    [
        "# One two\n\nThree *four* [five](../six.md) $$x_y$$ <b>six</b> 7\n```\ncode\n```\n",
        "(a-label)=\n:::{admonition} One two\n:class: dropdown\nThree four (five) six.\n:::\n",
        "One two three, `code` and $x < y_{ij}$ `musig run 05`, four five {eq}`eq-x`",
        "{term}`One two` {term}`three four <other words>` five {cite:p}`key2020`{numref}`fig` six",
        "One <!-- left out --> two three: four < five {glue:text}`n-tracks` > six",
    ],
)
def test_words_are_counted_and_code_is_not(tmp_path, text):
    cells = [
        {"cell_type": "markdown", "source": [text]},
        {"cell_type": "code", "source": ["many words"]},
    ]
    path = tmp_path / "01_x.ipynb"
    path.write_text(json.dumps({"cells": cells}))
    assert landing.words([path]) == 6
    assert landing.words([path, path]) == 12


def test_the_laptop_route_is_what_was_timed(tmp_path):
    path = tmp_path / "times.json"
    assert landing.laptop(path)[1].startswith("Not timed yet")
    one = {"cpu_seconds": 1.0, "exercises": {}}
    kept = {**dict.fromkeys((*timing.ABOUT, *timing.MADE), "x"), "cores": 2}
    kept["chapters"] = {"01_a": one | {"seconds": 61.0}, "02_b": one | {"seconds": 9}}
    path.write_text(json.dumps(kept))
    assert landing.laptop(path)[1].startswith("Not timed yet")
    took = {"book": 605.0, "again": 5, "changed": 44.4, "chapter": 71}
    kept["building"] = {name: one | {"seconds": each} for name, each in took.items()}
    path.write_text(json.dumps(kept))
    short, told = landing.laptop(path)
    assert short == "10 minutes"
    assert "2 cores, `make book` took 10 minutes" in told and "a second one 5 seconds" in told
    assert "with a parameter changed 44 seconds, and without the cache" in told
    assert "leaves 71 seconds" in told and "from 9 seconds to 61 seconds" in told


def test_building_takes_no_longer_than_it_may():
    """What was timed once, on two cores; nothing is timed here."""
    building = timing.read(ROOT / timing.KEPT)["building"]
    most = {"book": 12 * 60, "again": 40, "changed": 60}
    assert {name: building[name]["seconds"] <= most[name] for name in most} == dict.fromkeys(
        most, True
    )


@pytest.fixture
def measured(tmp_path):
    """Write what the benchmark of a GPU writes."""

    def write(**more):
        found = {
            "machine": {"device": "cuda", "name": "A Card"},
            "size": "paper",
            "edges": 5_180_000,
            "training": {"float32": {"seconds": 41.2, "epochs": 50}},
        }
        path = tmp_path / "gpu.json"
        path.write_text(json.dumps(found | more))
        return path

    return write


def test_the_gpu_route_is_filled_once_it_was_timed(measured, tmp_path):
    assert landing.gpu(tmp_path / "none.json")[1].startswith("Not timed yet")
    short, told = landing.gpu(measured())
    assert short == "a training: 41 seconds"
    assert "50 epochs" in told and "5,180,000 edges" in told
    assert "41 seconds on one A Card" in told


@pytest.mark.parametrize(
    "more", [{"machine": {"device": "cpu"}}, {"size": "smoke"}, {"training": {"error": "x"}}]
)
def test_what_is_no_time_of_a_gpu_is_not_told_as_one(measured, more):
    assert landing.gpu(measured(**more))[1].startswith("Not timed yet")


def test_the_recorded_real_run_is_told(tmp_path):
    assert landing.real(tmp_path) == ""
    run("06_x", 700.0).write(tmp_path / "a.json")
    assert landing.real(tmp_path) == ""  # of another profile
    real = run("06_x", 700.0)
    real.profile = "real"
    real.write(tmp_path / "b.json")
    assert "[06_x](../notebooks/06_x.ipynb) took longest: 12 minutes" in landing.real(tmp_path)


def test_three_routes_and_each_with_a_link():
    text = landing.routes(ROOT)
    assert text.count(":::{grid-item-card}") == 3
    for target in ("../notebooks/01_catalog.ipynb", "reading.md"):
        assert f"]({target})" in text
    assert text.count("{.musig-time}") == 3 and "not timed yet" not in text


def test_the_pages_hold_no_time_of_their_own():
    """Minutes and seconds are filled in, not typed."""
    for name in ("index", "reading"):
        page = (ROOT / f"book/{name}.md").read_text("utf-8")
        for word in ("minute", "second", "hour", "evening"):
            words = {line: re.findall(r"\w+", line.lower()) for line in page.splitlines()}
            lines = [line for line, said in words.items() if f"{word}s" in said]
            assert all("because they took hours" in line for line in lines), f"{name}: {lines}"
        assert "measured once" not in page.lower()
    assert "<!-- landing:routes -->" in (ROOT / "book/index.md").read_text("utf-8")


@pytest.fixture
def recorded(tmp_path):
    """Record three methods of the wide table on small data."""
    for cell in plans.methods_table(["popularity", "itemknn", "musig"], folds=[0, 1]):
        catalog = synthetic.make("smoke")
        scores = pd.DataFrame(
            {"hit_rate@10": 1.0, "recall@10": {"itemknn": 0.3}.get(cell.method, 0.1),
             "ndcg@100": 0.1, "r_precision": 0.1, "seeds": 10, "targets": 10},
            index=pd.Index(np.arange(30) * 2 + cell.fold, name="playlist"),
        ).astype(np.float32)  # fmt: skip
        result = CellResult(cell, scores, measures={"n": 30, "cpu_seconds": 90.0})
        path = tmp_path / "cells" / f"{cell.name}.json"
        store.save(result, path, catalog, store.key(cell, catalog.fingerprint))
    return tmp_path / "cells"


def test_what_was_found_is_computed_from_the_cells(recorded):
    told = landing.found(recorded)
    assert [row["method"] for row in told["methods"]] == ["itemknn", "popularity", "musig"]
    assert told["playlists"] == 60 and told["folds"] == 2
    verdicts = claims.verdicts(recorded)
    for family, numbers in told["verdicts"].items():
        of_family = verdicts.loc[verdicts["family"] == family, "verdict"]
        assert numbers == {each: int((of_family == each).sum()) for each in claims.VERDICTS}
    text = publishing.fill("<!-- results:landing -->", [], recorded.parent)
    page = BeautifulSoup(text, "html.parser")
    rows = page.select("table.musig-short tbody tr")
    assert [row.find("code").get_text() for row in rows] == ["itemknn", "popularity", "musig"]
    assert "0.300" in rows[0].get_text() and rows[0].find("th")["scope"] == "row"
    assert "--share: 33%" in str(rows[1])
    assert "2 of 5 cells" in rows[0].get_text()  # what is not whole says so
    assert "musig-own" in rows[2]["class"]
    assert "60 playlists of embedded-smoke" in page.find("caption").get_text()


def test_found_is_kept_until_a_cell_changes(recorded, monkeypatch):
    first = landing.found(recorded)
    monkeypatch.setattr(landing, "_found", lambda folder: {"again": True})
    assert landing.found(recorded) == first
    (recorded / "07_methods" / "another.json").write_text("{}")
    assert landing.found(recorded) == {"again": True}


def test_nothing_recorded_is_said(tmp_path):
    text = landing.landing(tmp_path / "nowhere")
    assert "No cell of the methods table has been recorded yet." in text
    assert "not run yet" in text


def test_every_method_has_a_gloss():
    assert set(landing.GLOSS) == {cell.row for cell in plans.methods_table()}
