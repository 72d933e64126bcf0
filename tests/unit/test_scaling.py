"""Exponents and unit costs find what was planted, and say what they cannot know."""

import json
from contextlib import nullcontext

import numpy as np
import pytest

from musig.errors import MusigError
from musig.growth import STEPS, measure
from musig.scaling import (
    DRIVERS,
    SPARK,
    Cluster,
    along,
    breaking_point,
    drivers,
    limits,
    power_law,
    scaled,
    sized,
    unit_costs,
)
from musig.sources.synthetic import make

BYTES = {"constant": 20.0, "entries": 1e-4, "edges": 5e-5, "numbers": 1e-5, "tracks": 1e-3}
SECONDS = {"constant": 0.01, "entries": 1e-7, "pairs": 2e-9, "edges": 1e-7, "scores": 8e-9}
SECONDS |= {"numbers": 5e-7, "hidden": 1e-8, "tracks": 1e-6}
SIZES = [(10_000, 2_000), (30_000, 6_000), (100_000, 20_000), (100_000, 2_000), (10_000, 20_000)]
NODES = Cluster(memory=256.0, cores=64, price=4.0, hours=24.0, efficiency=0.5)


def point(playlists, tracks, noise=1.0, min_weight=10, **changed):
    """Make up a point whose times follow planted unit costs and whose edges follow a law."""
    made = {
        "playlists": playlists, "tracks": tracks, "embedding_size": 128, "hops": 2,
        "min_weight": min_weight, "entries": 66 * playlists, "pairs": 3000 * playlists,
        "edges": round(2.0 * playlists**0.9 * tracks**0.4), "universe": tracks, "way": "sampled",
        "stopped": None, "threads": 1,
    } | changed  # fmt: skip
    counts = drivers(made)
    made["measured"] = {
        step: {
            "cpu": noise * sum(SECONDS[name] * counts[name] for name in DRIVERS["cpu"][step]),
            "wall": 1.0,
            "peak_mb": sum(BYTES[name] * counts[name] for name in DRIVERS["peak_mb"][step]),
        }
        for step in STEPS
    }
    return made


POINTS = [point(*size) for size in SIZES]


def blind():
    """The same points from a system that does not tell how much a process holds."""
    points = json.loads(json.dumps(POINTS))
    for each in points:
        for spent in each["measured"].values():
            spent["peak_mb"] = None
    return points


def test_an_axis_has_the_points_that_differ_in_nothing_else():
    assert [p["playlists"] for p in along(POINTS, "both")] == [10_000, 30_000, 100_000]
    assert len(along(POINTS, "tracks")) == 2
    wide = [point(30_000, 6_000, embedding_size=n) for n in (32, 64)]
    assert [p["embedding_size"] for p in along([*POINTS, *wide], "embedding_size")] == [
        32, 64, 128,
    ]  # fmt: skip
    other = [point(*size, min_weight=2) for size in [(10_000, 2_000), (30_000, 6_000)]]
    assert all(p["min_weight"] == 10 for p in along([*other, *POINTS], "both"))
    assert along(None, "hops") == []
    with pytest.raises(MusigError, match="axis is 'width'"):
        along(POINTS, "width")


def test_the_interval_of_an_exponent_covers_as_often_as_it_says():
    rng, covered = np.random.default_rng(1), 0
    x = np.geomspace(1, 100, 5)
    for _ in range(400):
        law = power_law(x, 3 * x**1.5 * np.exp(0.2 * rng.normal(size=5)))
        covered += law.low <= 1.5 <= law.high
    assert 0.91 < covered / 400 < 0.985


@pytest.mark.parametrize(
    ("sizes", "values"),
    [([], []), ([1.0], [1.0]), ([5, 5], [1.0, 2.0]), ([1, 2, 3], [0.0, -1.0, np.nan])],
)
def test_too_few_points_have_no_exponent(sizes, values):
    law = power_law(sizes, values)
    assert np.isnan([law.exponent, law.low, law.high, law.at(10.0)]).all()


def test_two_points_have_an_exponent_and_no_interval():
    law = power_law([1, 2], [1.0, 4.0])
    assert law.exponent == pytest.approx(2) and law.at(4) == pytest.approx(16)
    assert np.isnan(law.low) and np.isnan(law.high)


@pytest.mark.parametrize("what", ["cpu", "peak_mb"])
@pytest.mark.parametrize("step", STEPS)
def test_unit_costs_reckon_sizes_that_were_not_measured(step, what):
    found = unit_costs(POINTS, step, what)
    assert found.worst < 1e-6 and found.n == len(POINTS)
    assert all(cost >= 0 for cost in found.costs.values())
    far = point(3_000_000, 600_000)
    value, low, high = found.predict(drivers(far))
    assert value == pytest.approx(far["measured"][step][what], rel=1e-3)
    assert low <= value <= high


def test_unit_costs_of_noisy_points_tell_how_far_off_they_are():
    noisy = [point(*size, noise=factor) for size, factor in zip(SIZES, (1, 1.2, 0.9, 1, 1.1))]  # noqa: B905
    found = unit_costs(noisy, "evaluate")
    assert 0.01 < found.worst < 0.3
    _, low, high = found.predict(drivers(POINTS[2]))
    assert low < high


def test_steps_of_another_kind_do_not_count():
    full = [point(*size, noise=50.0, way="full") for size in SIZES]
    deep = [point(*size, noise=50.0, hops=3) for size in SIZES]
    assert unit_costs([*POINTS, *full, *deep], "epoch").worst < 1e-6
    with pytest.raises(MusigError, match="expected three or more"):
        unit_costs(full, "epoch")


def test_memory_that_was_not_measured_is_said_to_be_missing():
    with pytest.raises(MusigError, match="0 points of growth with a number for read"):
        unit_costs(blind(), "read", "peak_mb")


def test_a_size_has_no_more_edges_than_pairs_allow():
    size = sized(POINTS, 1e6, 2e5, 1e7, min_weight=10)
    assert size["edges"] == 1e7
    assert size["entries"] == pytest.approx(66e6) and size["pairs"] == pytest.approx(3e9)
    assert sized(POINTS, 1e6, 2e5, 1e12, min_weight=10)["edges"] == pytest.approx(3e9 / 11)
    assert sized(POINTS, 1e6, 100.0, 1e12, min_weight=10)["edges"] == 100 * 99 / 2
    stopped = {"playlists": 1, "tracks": 1, "measured": {}}
    assert sized([stopped, *POINTS], 1e6, 2e5, 1e7, min_weight=10) == size


def test_a_limit_is_reached_at_the_start_somewhere_or_never():
    assert breaking_point(lambda n: 5.0, limit=1.0) == 1.0
    assert breaking_point(lambda n: n, limit=100.0) == pytest.approx(100)
    assert breaking_point(lambda n: 0.5, limit=1.0) == float("inf")


def test_one_machine_ends_where_its_memory_or_time_does():
    ends = limits(POINTS, memory=24.0, hours=24.0)
    assert set(ends["step"]) == set(STEPS) and ends["first"].is_monotonic_increasing
    more = limits(POINTS, memory=48.0, hours=24.0)
    both = ends.merge(more, on="step", suffixes=("", "_more"))
    assert (both["by_memory_more"] > both["by_memory"]).all()
    first = ends.iloc[0]
    at = point(first["first"], first["first"] / 5)["measured"][first["step"]]
    limit = {"memory": (at["peak_mb"], 24 * 2**30 / 1e6), "time": (at["cpu"], 24 * 3600)}
    assert limit[first["limit"]][0] == pytest.approx(limit[first["limit"]][1], rel=0.01)
    assert limits(blind(), 24.0, 24.0)["limit"].eq("time").all()
    assert not len(limits(POINTS, 24.0, 24.0, min_weight=3))
    assert not len(limits(None, 24.0, 24.0))


def test_another_size_is_reckoned_from_unit_costs():
    far = point(100_000_000, 20_000_000)
    neighbours = 2 * far["edges"] / 20_000_000
    given = POINTS, 100_000_000, 20_000_000
    table = scaled(*given, [neighbours], NODES, epochs=3).set_index("step")
    for step in STEPS:
        row, planted = table.loc[step], far["measured"][step]
        times = 3 if step == "epoch" else 1
        for end in ("low", "high"):
            assert row[f"gib_{end}"] == pytest.approx(planted["peak_mb"] * 1e6 / 2**30, rel=0.01)
            assert row[f"hours_{end}"] == pytest.approx(times * planted["cpu"] / 3600, rel=0.01)
            assert row[f"cost_{end}"] == pytest.approx(row[f"hours_{end}"] / 32 * 4)
        assert row["nodes"] >= np.ceil(row["gib_high"] / 256)
    wider = scaled(*given, [neighbours / 10, neighbours * 3], NODES, epochs=3).set_index("step")
    assert (wider["gib_low"] < table["gib_low"]).sum() == 5  # reading has no edges
    assert (wider["gib_high"] > table["gib_high"]).sum() == 5


def test_spark_has_a_row_of_its_own_and_its_memory_is_not_known():
    spark = [dict(p, measured={SPARK: {"cpu": 5 + 1e-6 * p["pairs"]}}) for p in POINTS[:3]]
    table = scaled(POINTS, 1e8, 1e8, [10, 654], NODES, spark=spark)
    assert table["step"].tolist() == ["read", "graph", SPARK, *STEPS[2:]]
    row = table.set_index("step").loc[SPARK]
    assert row["hours_high"] == pytest.approx(3000 * 1e8 * 1e-6 / 3600, rel=0.01)
    assert np.isnan(row["gib_high"]) and row["nodes"] >= 1


def test_without_memory_or_points_nothing_is_made_up():
    table = scaled(blind(), 1e8, 1e8, [10], NODES)
    assert table["gib_high"].isna().all() and table["nodes"].notna().all()
    few = scaled(POINTS[:2], 1e8, 1e8, [10], NODES)
    assert few["hours_high"].isna().all() and few["nodes"].isna().all()
    assert not len(scaled(None, 1e8, 1e8, [10], NODES))


def test_nodes_are_as_many_as_memory_or_time_asks_for():
    assert NODES.nodes(gib=1, cpu_hours=1) == 1
    assert NODES.nodes(gib=1000, cpu_hours=1) == 4
    assert NODES.nodes(gib=np.nan, cpu_hours=7680) == 10


def test_every_step_is_done_and_watched():
    seen = []

    def watch(step):
        seen.append(step)
        return nullcontext(step)

    found = measure(lambda: make("smoke"), min_weight=1, embedding_size=8, hops=1, watch=watch)
    assert tuple(seen) == STEPS == tuple(found["measured"])
    catalog = make("smoke")
    lengths = catalog.playlists.lengths
    assert found["entries"] == lengths.sum()
    assert found["pairs"] == (lengths * (lengths - 1) // 2).sum()
    assert 0 < found["edges"] <= found["pairs"] and found["universe"] <= catalog.n_tracks
    assert found["way"] in ("full", "sampled")


def test_data_without_sound_or_genre_are_measured_with_the_tasks_that_are_left():
    from dataclasses import replace

    catalog = make("smoke")
    bare = replace(catalog, tracks=catalog.tracks[["name", "artist"]])
    found = measure(lambda: bare, min_weight=1, embedding_size=8)
    assert found["measured"]["epoch"].cpu > 0
