"""The benchmark of growth measures a point in its own process, and ends one beyond a limit."""

import json
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
    every, small = growth.points(True, 10), growth.points(False, 10)
    assert all(point in every for point in small)
    assert len({json.dumps(point) for point in every}) == len(every)
    assert max(point["playlists"] for point in small) == 100_000
    largest = every[-1]
    assert (largest["playlists"], largest["tracks"]) == (1_000_000, 200_000)


def test_what_was_measured_is_left_unless_a_lower_limit_ended_it(growth):
    point = growth.points(False, 10)[0]
    done = {**point, "stopped": None, "minutes": 1, "gigabytes": 1}
    assert growth.is_done(point, [done], 9, 9)
    assert not growth.is_done(point, [], 9, 9)
    assert not growth.is_done(point | {"min_weight": 2}, [done], 9, 9)
    late = done | {"stopped": "time", "minutes": 3}
    assert growth.is_done(point, [late], 3, 99) and not growth.is_done(point, [late], 4, 99)
    full = done | {"stopped": "memory", "gigabytes": 8}
    assert growth.is_done(point, [full], 99, 8) and not growth.is_done(point, [full], 99, 9)
    assert not growth.is_done(point, [done | {"stopped": "MusigError: no edge"}], 1, 1)


@pytest.mark.slow
def test_a_point_is_measured_and_its_limits_are_kept(growth, tmp_path):
    folder = tmp_path / "600-300"
    growth.make(600, 300, folder)
    catalog = sources.load(folder)
    assert len(catalog.playlists) == 600 and catalog.n_tracks == 300 and catalog.notes == ()
    size = {"playlists": 600, "tracks": 300, "embedding_size": 8, "hops": 1}
    point = size | {"min_weight": 2, "threads": 1}
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
