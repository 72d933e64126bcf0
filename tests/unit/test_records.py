"""Run records: complete, portable, readable again."""

from __future__ import annotations

import json
import subprocess
from datetime import UTC, datetime
from types import SimpleNamespace

import numpy as np
import pytest

from musig.errors import MusigError
from musig.running import machine
from musig.running.records import RunRecord, ledger, load, notebook_run, provenance

CATALOG = SimpleNamespace(name="mpd_sample", fingerprint="f" * 64)
PARAMETERS = {"dataset": "", "data": "/home/someone/mpd_sample", "seed": 3, "device": "cpu"}


@pytest.fixture
def runs(tmp_path, monkeypatch):
    monkeypatch.setenv("MUSIG_RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("MUSIG_PROFILE", "real")
    monkeypatch.setenv("MUSIG_CHANGED", '{"seed": 3, "dataset": ""}')
    return tmp_path / "runs"


def test_a_record_holds_all_that_a_number_depends_on(runs):
    before = datetime.now(UTC).replace(microsecond=0)
    record = notebook_run("06_x", PARAMETERS, CATALOG).finish({"hit_rate@10": np.float32(0.5)})
    manifest = json.loads((runs / "06_x-real.json").read_text("utf-8"))
    assert manifest["metrics"] == {"hit_rate@10": 0.5}
    assert manifest["parameters"] == {**PARAMETERS, "data": "mpd_sample"}
    assert manifest["data_fingerprint"] == "f" * 64 and manifest["data"] == "mpd_sample"
    assert (manifest["seed"], manifest["device"], manifest["profile"]) == (3, "cpu", "real")
    assert manifest["threads"] >= 1 and manifest["seconds"] >= 0
    assert before <= datetime.fromisoformat(manifest["when"]) <= datetime.now(UTC)
    assert {"python", "musig", "torch", "numpy"} <= set(manifest["versions"])
    assert all(manifest["versions"][name] for name in ("python", "musig", "torch", "numpy"))
    assert "/home" not in (runs / "06_x-real.json").read_text("utf-8")
    assert load(runs / "06_x-real.json") == record
    assert not list(runs.glob(".*"))


def test_the_line_says_it_all(runs):
    record = notebook_run("06_x", PARAMETERS, CATALOG).finish({})
    record.commit, record.dirty, record.seconds, record.threads = "0123456789abcdef", True, 71.4, 2
    assert (
        str(record)
        == provenance(record)
        == (
            "06_x · profile real, seed=3 · mpd_sample · seed 3 · commit 012345678 with changes · "
            "cpu, 2 threads · 71 s"
        )
    )
    record.data = "<b>$x$_*y*"
    data, metadata = record._repr_mimebundle_()
    assert data["text/plain"] == provenance(record)
    assert r" · \<b\>\$x\$\_\*y\* · " in data["text/markdown"]
    assert RunRecord(**json.loads(json.dumps(metadata["musig"]))) == record


def test_by_hand_there_is_no_profile(runs, monkeypatch):
    monkeypatch.delenv("MUSIG_PROFILE")
    monkeypatch.delenv("MUSIG_CHANGED")
    record = notebook_run("06_x", PARAMETERS, CATALOG).finish({})
    assert "no profile" in provenance(record) and (runs / "06_x.json").exists()


def test_numbers_become_plain(runs):
    metrics = {
        "a": np.int64(3),
        "b": float("nan"),
        "c": {"d": [np.float64(0.25), None, True, "text"], 5: (1, 2)},
        "e": np.array(2.0),
    }
    record = notebook_run("06_x", PARAMETERS, CATALOG).finish(metrics)
    plain = {"a": 3, "b": None, "c": {"d": [0.25, None, True, "text"], "5": [1, 2]}, "e": 2.0}
    assert record.metrics == plain
    with pytest.raises(
        MusigError, match=r"metrics\['x'\]\['y'\] is a ndarray: a metric is a number"
    ):
        notebook_run("06_x", PARAMETERS, CATALOG).finish({"x": {"y": np.arange(3)}})


def test_the_ledger_lists_every_run(runs, tmp_path):
    assert list(ledger(tmp_path / "nowhere").columns) == list(ledger(runs).columns)
    assert ledger(runs).empty
    for notebook, value in (("06_x", 2), ("01_y", 1)):
        notebook_run(notebook, PARAMETERS, CATALOG).finish({"n": value})
    table = ledger(runs)
    assert table["notebook"].tolist() == ["01_y", "06_x"]
    assert [metrics["n"] for metrics in table["metrics"]] == [1, 2]
    assert table["manifest"].tolist() == ["01_y-real.json", "06_x-real.json"]
    (runs / "zz.json").write_text('{"half":')
    with pytest.raises(MusigError, match=r"zz\.json is not the manifest of a run"):
        ledger(runs)
    (runs / "zz.json").write_text('{"other": 1}')
    with pytest.raises(MusigError, match="not the manifest"):
        ledger(runs)


def git(folder, *arguments):
    identity = ["-c", "user.name=a", "-c", "user.email=a@b.example"]
    subprocess.run(
        ["git", "-C", str(folder), *identity, *arguments], check=True, capture_output=True
    )


def test_commit_and_changes_are_those_of_the_source(tmp_path, monkeypatch):
    package = tmp_path / "musig" / "running"
    package.mkdir(parents=True)
    (package / "records.py").write_text("x = 1\n")
    monkeypatch.setattr(machine, "__file__", str(package / "records.py"))
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert machine.git_state() == (None, None)  # no repository
    git(tmp_path, "init", "-q")
    assert machine.git_state() == (None, None)  # no commit yet
    git(tmp_path, "add", "musig")
    git(tmp_path, "commit", "-qm", "first")
    commit, dirty = machine.git_state()
    assert len(commit) == 40 and dirty is False
    (tmp_path / "notes.txt").write_text("not source")
    assert machine.git_state() == (commit, False)
    (package / "records.py").write_text("x = 2\n")
    assert machine.git_state() == (commit, True)
    inner = tmp_path / "env" / "musig" / "running"  # installed inside somebody else's repository
    inner.mkdir(parents=True)
    monkeypatch.setattr(machine, "__file__", str(inner / "records.py"))
    assert machine.git_state() == (None, None)
    monkeypatch.setenv("PATH", "")  # no git
    assert machine.git_state() == (None, None)
