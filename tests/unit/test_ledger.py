"""Tables made from records."""

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from musig.errors import MusigError
from musig.running import ledger
from musig.running.records import RunRecord

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


def test_the_readme_keeps_everything_else(tmp_path):
    before = f"# x\n{ledger.BEGIN}\nold\n{ledger.END}\nafter\n"
    after = ledger.fill_readme(before, tmp_path)
    assert after.startswith("# x\n") and after.endswith("\nafter\n") and "old" not in after
    assert ledger.fill_readme(after, tmp_path) == after
    with pytest.raises(MusigError, match="results:begin"):
        ledger.fill_readme("# x", tmp_path)


def test_the_ledger_page_is_filled(tmp_path):
    page = ledger.fill("a\n<!-- ledger:runs -->\nb\n<!-- ledger:results -->\n", [RUN], tmp_path)
    assert "<!--" not in page
    assert "06_playlist_completion" in page and "No run has been recorded yet." in page


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
    signed = ledger.sign({"cells": cells, "nbformat": 4}, "06_x · <seed> 0")
    names = ["figure", "figure-from", "table", "table-from", "text", "others", "words"]
    assert [each["id"] for each in signed["cells"]] == names
    assert signed["cells"][1]["source"] == ['<p class="provenance">06_x · &lt;seed&gt; 0</p>']
    assert len(cells) == 5  # the notebook given is left as it was
