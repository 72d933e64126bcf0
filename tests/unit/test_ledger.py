"""Tables made from records."""

import json
import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from musig.errors import MusigError
from musig.experiments import CellResult, plans, store
from musig.running import ledger, publishing
from musig.running.records import RunRecord
from musig.sources import synthetic

RUN = RunRecord(
    notebook="06_playlist_completion",
    profile="real",
    changed={},
    parameters={"seed": 0},
    data="sample",
    data_fingerprint="0123456789abcdef",
    seed=0,
    when="2026-01-01T00:00:00+00:00",
    commit="f" * 40,
    dirty=False,
    device="cpu",
    threads=2,
    seconds=12.3,
    versions={"python": "3.12.1", "torch": "2.13.0"},
)
ROW = {
    "method": "popularity",
    "metric": "hit_rate@10",
    "mean": 0.5,
    "low": 0.4,
    "high": 0.6,
    "n": 7,
}


@given(st.text())
def test_escaped_text_comes_out_as_text(text):
    """Whatever a folder is called, a reader sees its name and nothing else happens."""
    html = (
        MarkdownIt("commonmark")
        .enable("table")
        .render(ledger.table(["name"], [[f"x{ledger.escaped(text)}x"]]))
    )
    assert html.count("<td>") == 1
    assert not re.search(r"<(?!/?(table|thead|tbody|tr|th|td)>)", html)


def test_runs_are_rows_with_their_source():
    text = ledger.runs_table([RUN, replace(RUN, dirty=True, commit=None, changed={"seed": 3})])
    assert "../notebooks/06_playlist_completion.ipynb" in text
    assert "`01234567`" in text and "`fffffffff`" in text
    assert "seed=3" in text and "none changed" in text
    assert len(text.splitlines()) == 4


def test_versions_that_differ_are_both_shown():
    text = ledger.versions_table([RUN, replace(RUN, versions={"torch": "2.14.0"})])
    assert "| torch | 2.13.0 and 2.14.0 |" in text
    assert ledger.versions_table([]) == ""


def test_results_come_from_the_files(tmp_path):
    rows = [ROW, ROW | {"method": "a|b", "metric": "r_precision", "low": None, "high": None}]
    replace(RUN, metrics={"table": rows}).write(tmp_path / "completion.json")
    replace(RUN, metrics={"edges": 3}).write(tmp_path / "graph.json")
    record, other = ledger.results(tmp_path)
    assert other.metrics == {"edges": 3}
    text = ledger.result_table(record)
    assert "| popularity | 0.500 [0.400, 0.600] | – | 7 |" in text
    assert "| a\\|b | – | 0.500 | 7 |" in text
    block = ledger.result_blocks(tmp_path)
    assert "musig run notebooks/06_playlist_completion.ipynb --profile real" in block
    assert ledger.result_blocks(tmp_path / "nowhere") == "No run has been recorded yet."


def test_a_row_without_n_is_refused():
    row = {key: value for key, value in ROW.items() if key != "n"}
    with pytest.raises(MusigError, match="without 'n'"):
        ledger.result_table(replace(RUN, metrics={"table": [row]}))


def test_the_ledger_page_is_filled(tmp_path):
    page = publishing.fill("a\n<!-- ledger:runs -->\nb\n<!-- ledger:results -->\n", [RUN], tmp_path)
    assert "<!--" not in page
    assert "06_playlist_completion" in page and "No run has been recorded yet." in page


@pytest.fixture
def recorded(tmp_path):
    """Record two methods of the wide table on small data, and a study."""
    for cell in plans.methods_table(["popularity", "itemknn"], folds=[0, 1]):
        catalog = synthetic.make("smoke")
        scores = pd.DataFrame(
            {"hit_rate@10": 1.0, "recall@10": 0.1, "ndcg@100": 0.1, "r_precision": 0.1,
             "seeds": 10, "targets": 10},
            index=pd.Index(np.arange(30) * 2 + cell.fold, name="playlist"),
        ).astype(np.float32)  # fmt: skip
        result = CellResult(cell, scores, measures={"n": 30, "cpu_seconds": 90.0})
        path = tmp_path / "cells" / f"{cell.name}.json"
        store.save(result, path, catalog, store.key(cell, catalog.fingerprint))
    trial = {"number": 0, "settings": {"shrinkage": 1 / 3}, "value": 0.25, "seconds": 61}
    study = {"method": "itemknn", "fingerprint": "f" * 64, "data": "a|b", "sampler": {},
             "trials": [trial, trial | {"number": 1, "value": 0.2}], "best": trial}  # fmt: skip
    (tmp_path / "studies").mkdir()
    (tmp_path / "studies" / "itemknn.json").write_text(json.dumps(study), "utf-8")
    return tmp_path


def test_cells_are_rows_with_their_command(recorded):
    text = ledger.cells(recorded / "cells")
    assert "**07\\_methods**: 4 of " in text and "**10\\_sensitivity**: 0 of " in text
    row = next(line for line in text.splitlines() if line.startswith("| `popularity` |"))
    assert "2 of 5" in row and "embedded-smoke" in row and "| 3.0 |" in row
    assert "`make results ROW=07_methods/popularity`" in row and "not run yet" in row
    assert {line.count(" | ") for line in text.splitlines() if line.startswith("| `")} == {7}


def test_studies_say_what_they_chose(recorded):
    text = ledger.studies(recorded / "studies")
    assert "| itemknn | 2 | 0.2500 | shrinkage 0.3333 | 2 | a\\|b `ffffffff` |" in text
    assert ledger.studies(recorded / "nowhere") == "No study has been recorded yet."


def test_the_ledger_page_lists_cells_and_studies(recorded):
    page = publishing.fill("<!-- ledger:cells -->\n<!-- ledger:studies -->\n", [], recorded)
    assert "<!--" not in page and "07_methods/popularity" in page and "shrinkage" in page


def test_figures_and_tables_are_signed_and_nothing_else():
    def cell(name, data, tags=()):
        return {"id": name, "metadata": {"tags": [*tags]}, "outputs": [{"data": data}]}

    figure, table = {"image/png": "…"}, {"text/html": ["<table>", "</table>"]}
    cells = [
        cell("figure", figure),
        cell("table", table),
        cell("text", {"text/plain": "1"}),
        cell("others", table, ["recorded"]),
        {"id": "words", "metadata": {}, "cell_type": "markdown", "source": ["x"]},
    ]
    signed = ledger.sign({"cells": cells, "nbformat": 4}, "06_x · <seed> 0", "")
    names = ["figure", "figure-from", "table", "table-from", "text", "others", "words"]
    assert [each["id"] for each in signed["cells"]] == names
    assert signed["cells"][1]["source"] == ['<p class="provenance">06_x · &lt;seed&gt; 0</p>']
    assert len(cells) == 5  # the notebook given is left as it was


@pytest.mark.parametrize("took", ["", "It took a second."])
def test_a_chapter_says_how_long_it_takes(took):
    words = ["# Title\n", "*Time:* a minute.<!-- time -->\n", "*Before this page:* nothing."]
    cell = {"id": "title", "metadata": {}, "cell_type": "markdown", "source": words}
    signed = ledger.sign({"cells": [cell]}, "06_x", took)["cells"]
    assert signed[0]["source"][1] == f"*Time:* a minute. {took}".rstrip() + "\n"
    assert cell["source"][1] == words[1]
