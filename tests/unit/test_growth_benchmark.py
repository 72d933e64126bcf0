"""The benchmark of growth measures a point in its own process, and ends one beyond a limit."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from musig import sources
from musig.growth import STEPS

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


@pytest.fixture
def growth(monkeypatch):
    monkeypatch.syspath_prepend(BENCHMARKS)
    monkeypatch.setattr("sys.argv", ["growth.py"])
    import growth

    return growth


def test_every_point_is_listed_once_and_the_small_ones_are_small(growth):
    every, small = growth.points(True), growth.points(False)
    assert all(point in every for point in small)
    assert len({json.dumps(point) for point in every}) == len(every)
    assert max(point["playlists"] for point in small) == 100_000
    largest = every[-1]
    assert (largest["playlists"], largest["tracks"]) == (1_000_000, 200_000)


def test_what_was_measured_is_left_unless_a_lower_limit_ended_it(growth):
    point = growth.points(False)[0] | {"min_weight": 10, "threads": 1, "code": "a"}
    done = {**point, "stopped": None, "minutes": 1, "gigabytes": 1}
    assert growth.is_done(point, [done], 9, 9)
    assert not growth.is_done(point, [], 9, 9)
    assert not growth.is_done(point | {"min_weight": 2}, [done], 9, 9)
    assert not growth.is_done(point | {"code": "b"}, [done], 9, 9)
    late = done | {"stopped": "time", "minutes": 3}
    assert growth.is_done(point, [late], 3, 99) and not growth.is_done(point, [late], 4, 99)
    full = done | {"stopped": "memory", "gigabytes": 8}
    assert growth.is_done(point, [full], 99, 8) and not growth.is_done(point, [full], 99, 9)
    assert not growth.is_done(point, [done | {"stopped": "MusigError: no edge"}], 1, 1)


def test_code_is_known_by_what_it_computes(growth):
    assert growth.code("musig.growth") == growth.code("musig.growth")
    assert growth.code("musig.growth") != growth.code("musig.spark")


def test_of_several_timings_the_shortest_counts(growth, monkeypatch, tmp_path):
    told = iter([3.0, 1.0, 2.0])

    def watched(*given, **variables):
        spent = next(told)
        return {"edges": 5, "measured": {"read": {"cpu": spent, "wall": spent}}}, None

    monkeypatch.setattr(growth, "watched", watched)
    point = growth.points(False)[0]
    found = growth.run(point, tmp_path, 1, 1)
    assert found["measured"]["read"] == {"cpu": 1.0, "wall": 1.0} and next(told, None) is None
    assert found["edges"] == 5 and found["stopped"] is None
    told = iter([4.0])
    assert growth.run(growth.points(True)[-1], tmp_path, 1, 1)["measured"]["read"]["cpu"] == 4.0


def test_nothing_is_measured_where_every_point_is_too_large(tmp_path):
    command = [sys.executable, str(BENCHMARKS / "growth.py"), "--most", "0"]
    command += ["--out", str(tmp_path / "growth.json"), "--folders", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0 and not done.stdout and not list(tmp_path.iterdir())


@pytest.mark.slow
def test_a_point_is_measured_and_its_limits_are_kept(growth, monkeypatch, tmp_path):
    folder = tmp_path / "600-300"
    growth.make(600, 300, folder)
    catalog = sources.load(folder)
    assert len(catalog.playlists) == 600 and catalog.n_tracks == 300 and catalog.notes == ()
    size = {"playlists": 600, "tracks": 300, "embedding_size": 8, "hops": 1}
    point = size | {"min_weight": 2, "threads": 1}
    monkeypatch.setattr(growth, "TIMINGS", 1)
    found = growth.run(point, folder, minutes=5, gigabytes=8)
    assert found["stopped"] is None and set(found["measured"]) == set(STEPS)
    assert found["entries"] == len(catalog.playlists.tracks) and found["edges"] > 0
    assert all(spent["cpu"] > 0 and spent["wall"] > 0 for spent in found["measured"].values())
    assert "evaluate" in growth.told(found)
    stopped = growth.run(point, folder, minutes=0.001, gigabytes=8)
    assert stopped["stopped"] == "time" and "stopped in" in growth.told(stopped)
    if growth.kilobytes("self", "VmRSS"):
        assert growth.run(point, folder, minutes=5, gigabytes=0.01)["stopped"] == "memory"
    broken = growth.run(point | {"hops": 0}, folder, minutes=5, gigabytes=8)
    assert "hops is 0" in broken["stopped"]


@pytest.mark.slow
def test_a_whole_run_goes_on_where_it_was_stopped(tmp_path):
    out = tmp_path / "whole.json"
    size = ["400", "250"]
    command = [sys.executable, str(BENCHMARKS / "whole.py"), *size, "--out", str(out)]
    command += ["--folders", str(tmp_path)]

    def run(*more):
        done = subprocess.run([*command, *more], capture_output=True, text=True, check=False)
        (record,) = json.loads(out.read_text("utf-8"))
        return done, record

    if Path("/proc/self/status").exists():
        done, record = run("--memory", "0.1")
        assert done.returncode == 1 and record["stopped"] == "memory in make"
    done, record = run()
    assert done.returncode == 0, done.stdout + done.stderr
    assert record["stopped"] is None and [*record["steps"]] == [
        "make",
        "graph",
        "train",
        "evaluate",
    ]
    assert record["test_playlists"] == 40 and 0 < record["metrics"]["recall@10"] < 1
    done, again = run()
    assert done.returncode == 0 and again == record and not done.stdout
