"""The benchmarks run, write what they promise, and the page shows what was measured."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
FIELDS = {
    "work": str,
    "peer": str,
    "threads": int,
    "ours": float,
    "theirs": float,
    "ratio": float,
    "repeats": int,
    "ratio_range": list,
    "bar": (int, float, type(None)),
    "equal": (bool, type(None)),
}
SMALL = {
    "graph.py": ["--size", "smoke", "--min-weight", "1"],
    "sampling.py": ["--size", "smoke", "--min-weight", "1", "--batches", "1"],
    "training.py": ["--size", "smoke", "--min-weight", "1"],
    "evaluation.py": ["--size", "smoke"],
    "ease.py": ["--size", "smoke"],
    "features.py": ["--number", "2"],
    "mel.py": ["--windows", "2"],
}
BY_HAND = {"gpu.py", "growth.py", "whole.py"}
"""Not of `make bench`: one needs a card, the others hours; they have tests of their own."""


def check(entries):
    for entry in entries:
        for name, kind in FIELDS.items():
            assert isinstance(entry[name], kind), (entry["work"], name)
        low, high = entry["ratio_range"]
        assert 0 < low <= entry["ratio"] <= high
        assert entry["ours"] > 0 and entry["theirs"] > 0
        assert entry["equal"] is not False, entry["work"]


def test_every_benchmark_is_run_by_make_and_named_on_the_page():
    scripts = {path.name for path in BENCHMARKS.glob("*.py")} - {"side_by_side.py", "table.py"}
    assert scripts - BY_HAND == set(SMALL)
    makefile = (BENCHMARKS.parent / "Makefile").read_text("utf-8")
    (line,) = (line for line in makefile.splitlines() if line.startswith("BENCHMARKS"))
    assert set(line.split(":=")[1].split()) == {Path(name).stem for name in SMALL}
    page = (BENCHMARKS / "README.md").read_text("utf-8")
    assert all(f"`{name}`" in page for name in scripts)


def test_the_page_shows_what_was_measured(monkeypatch):
    monkeypatch.syspath_prepend(BENCHMARKS)
    import table

    entries = json.loads(table.MEASURED.read_text("utf-8"))
    check(entries)
    page = table.README.read_text("utf-8")
    assert table.written(page, entries) == page, "run python benchmarks/table.py"
    missed = [one for one in entries if one["bar"] is not None and one["ratio"] < one["bar"]]
    assert page.count("**missed**") == len(missed)


@pytest.mark.slow
@pytest.mark.parametrize("script", SMALL)
def test_a_benchmark_runs_small_and_writes_its_entries(script, tmp_path):
    """Peers that are not installed are a line; a bar says nothing about less work."""
    out = tmp_path / "bench.json"
    command = [sys.executable, str(BENCHMARKS / script), *SMALL[script], "--repeats", "1"]
    done = subprocess.run(
        [*command, "--out", str(out)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    entries = json.loads(out.read_text("utf-8"))
    assert entries or script == "evaluation.py"  # all of its peers are optional
    check(entries)
    assert all(entry["bar"] is None for entry in entries)
    assert all(entry["work"] in done.stdout for entry in entries)
