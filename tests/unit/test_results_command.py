"""`python -m musig.running.results`: what is left is computed, and what is wrong is said."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from musig.experiments import plans
from musig.running import results
from musig.sources.writing import write_folder

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def data(smoke_catalog, tmp_path_factory):
    return write_folder(smoke_catalog, tmp_path_factory.mktemp("data") / "mine")


def test_a_row_is_recorded_and_then_there(data, tmp_path, capsys):
    given = ["07_methods/popularity", "--data", str(data), "--out", str(tmp_path), "--jobs", "1"]
    assert results.main(given) == 0
    out = capsys.readouterr().out
    assert "5 of 5 cells left" in out and "5 cells recorded in" in out
    assert len(list((tmp_path / "07_methods").glob("popularity-fold*.json"))) == 5
    assert results.main(given) == 0
    assert "0 of 5 cells left" in capsys.readouterr().out
    assert results.main([*given, "--again"]) == 0
    assert "5 of 5 cells left" in capsys.readouterr().out
    listed = ["07_methods/popularity", "07_methods/ease", *given[1:], "--list"]
    assert results.main(listed) == 0
    out = capsys.readouterr().out
    assert "07_methods/popularity: 5 of 5\n" in out
    assert "07_methods/ease: 0 of 5; not run yet" in out
    assert "5 of 10 cells recorded; the rest takes about 0.1 CPU hours" in out


def test_an_unknown_row_is_refused_before_the_data_are_read(capsys):
    assert results.main(["07_methods/popularty", "--data", "nowhere"]) == 1
    told = capsys.readouterr().err
    assert "No row is called '07_methods/popularty': did you mean '07_methods/popularity'" in told


def test_a_failure_is_named_and_the_exit_code_says_so(data, tmp_path, capsys, monkeypatch):
    wrong = plans.methods_table(["itemknn"], folds=[0], adjust={"itemknn": {"neighbours": -1}})
    right = plans.methods_table(["popularity"], folds=[0])
    monkeypatch.setattr(plans, "planned", lambda: [*wrong, *right])
    given = ["--data", str(data), "--out", str(tmp_path), "--jobs", "1"]
    assert results.main(given) == 1
    told = capsys.readouterr()
    assert "07_methods/itemknn-fold0-seed0" in told.err and "neighbours is -1" in told.err
    assert (tmp_path / "07_methods/popularity-fold0-seed0.json").exists()


@pytest.mark.posix
@pytest.mark.slow
def test_an_interrupt_ends_it_and_what_is_finished_stays(data, tmp_path):
    rows = ["07_methods/popularity", "07_methods/itemknn", "07_methods/random"]
    command = [sys.executable, "-m", "musig.running.results", *rows, "--data", str(data)]
    running = subprocess.Popen(
        [*command, "--out", str(tmp_path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,  # as at a terminal, an interrupt goes to its processes as well
    )
    finished = "[!.]*.json"  # what begins with a dot is still being written
    deadline = time.monotonic() + 120
    while not list(tmp_path.rglob(finished)) and time.monotonic() < deadline:
        time.sleep(0.05)
    os.killpg(running.pid, signal.SIGINT)
    _, told = running.communicate(timeout=60)
    left = sorted(path.name for path in tmp_path.rglob(finished))
    if running.returncode == 0:
        pytest.skip("it was finished before the interrupt came")
    assert running.returncode == 130
    assert "Stopped. What is finished is kept" in told and "Traceback" not in told
    assert left and not list(tmp_path.rglob(".*"))
    done = subprocess.run(
        [*command, "--out", str(tmp_path), "--jobs", "1"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert f"{15 - len(left)} of 15 cells left" in done.stdout


@pytest.mark.posix
def test_make_makes_one_row_again():
    given = subprocess.run(
        ["make", "-n", "results", "ROW=10_sensitivity/hops=1 07_methods/ease"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    (line,) = [line for line in given.splitlines() if "running.results" in line]
    assert "'10_sensitivity/hops=1' '07_methods/ease' --again --jobs 2" in line
    assert "musig run" not in given
    everything = subprocess.run(
        ["make", "-n", "results"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    assert "-m musig.running.results --jobs 2" in everything and "--again" not in everything
    assert "musig run 06" in everything
