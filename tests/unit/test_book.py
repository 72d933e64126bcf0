"""How the sources of the book are laid out."""

import json

import pytest

from musig.errors import MusigError
from musig.running import book, docstrings

RECORD = {
    "notebook": "01_x",
    "profile": "smoke",
    "changed": {},
    "parameters": {},
    "data": "embedded-smoke",
    "data_fingerprint": "0123456789abcdef",
    "seed": 0,
    "when": "2026-01-01T00:00:00+00:00",
}


@pytest.fixture
def project(tmp_path):
    """A project with one page, a ledger and one chapter."""
    root = tmp_path / "project"
    for name in ("book", "data", "results", "notebooks"):
        (root / name).mkdir(parents=True)
    for name in book.COPIED:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("text\n")
    (root / "book/_toc.yml").write_text(
        "format: jb-book\nroot: book/index\nparts:\n"
        "  - chapters:\n    - file: book/ledger\n      sections:\n"
        "      - file: notebooks/01_x\n"
    )
    (root / "book/index.md").write_text("# Title\n")
    (root / "book/ledger.md").write_text("<!-- ledger:runs -->\n<!-- ledger:results -->\n")
    (root / "notebooks/01_x.ipynb").write_text("{}")
    build = root / "_build"
    (build / "runs").mkdir(parents=True)
    (build / "runs/01_x-smoke.json").write_text(json.dumps(RECORD))
    executed = build / "executed.ipynb"
    executed.write_text('{"cells": []}')
    return root, build, {"notebooks/01_x.ipynb": executed}


def test_the_table_of_contents_is_read_in_order(project):
    root, _, _ = project
    assert book.listed(root) == ["book/index", "book/ledger", "notebooks/01_x"]
    assert book.chapters(root) == [root / "notebooks/01_x.ipynb"]


def test_a_listed_notebook_that_is_missing_is_named(project):
    root, _, _ = project
    (root / "notebooks/01_x.ipynb").unlink()
    with pytest.raises(MusigError, match=r"notebooks/01_x\.ipynb, which does not exist"):
        book.chapters(root)


def test_sources_keep_their_committed_paths(project):
    root, build, executed = project
    source = book.assemble(root, build, executed, "smoke")
    assert json.loads((source / "notebooks/01_x.ipynb").read_text()) == {"cells": []}
    assert "01_x" in (source / "book/ledger.md").read_text()
    assert (source / "book/index.md").read_text() == "# Title\n"


def test_only_what_changed_is_written(project):
    root, build, executed = project
    source = book.assemble(root, build, executed, "smoke")
    (root / "book/old.md").write_text("old")
    book.assemble(root, build, executed, "smoke")
    before = {path: path.stat().st_mtime_ns for path in source.rglob("*") if path.is_file()}
    assert source / "book/old.md" in before
    (root / "book/old.md").unlink()
    (root / "book/index.md").write_text("# Other\n")
    book.assemble(root, build, executed, "smoke")
    after = {path: path.stat().st_mtime_ns for path in source.rglob("*") if path.is_file()}
    assert set(before) - set(after) == {source / "book/old.md"}
    assert {path for path in after if after[path] != before[path]} == {source / "book/index.md"}


def test_a_folder_of_data_takes_the_place_of_the_data_set(project, monkeypatch):
    root, build, _ = project
    seen = {}

    def run_notebooks(notebooks, out, profile, overrides, progress):
        seen.update(out=out, profile=profile, overrides=overrides)
        return []

    monkeypatch.setattr("musig.running.runs.run_notebooks", run_notebooks)
    monkeypatch.setenv("MUSIG_RUNS", "restored afterwards")
    assert book.execute(book.chapters(root), build, "real", "/some/folder") == {}
    assert seen["overrides"] == {"data": "/some/folder", "dataset": ""}
    assert seen["out"] == build / "executed" / "real"


def test_underlines_that_are_not_titles_stay():
    lines = ["a", "---", "", "title", "-----", "", "===== ====="]
    assert docstrings.rubrics(lines) == ["a", "---", "", ".. rubric:: title", "", "", "===== ====="]
