"""Exponents and unit costs find what was planted, and say what they cannot know."""

import json
from contextlib import nullcontext

import numpy as np
import pytest

from musig.errors import MusigError
from musig.growth import STEPS, measure
from musig.scaling import (
    DRIVERS,
    breaking_point,
    drivers,
    power_law,
    sized,
    unit_costs,
)
from musig.sources.synthetic import make

BYTES = {"constant": 20.0, "entries": 1e-4, "edges": 5e-5, "numbers": 1e-5, "tracks": 1e-3}
SECONDS = {"constant": 0.01, "entries": 1e-7, "pairs": 2e-9, "edges": 1e-7, "scores": 8e-9}
SECONDS |= {"numbers": 5e-7, "hidden": 1e-8, "tracks": 1e-6}
SIZES = [(10_000, 2_000), (30_000, 6_000), (100_000, 20_000), (100_000, 2_000), (10_000, 20_000)]


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


def test_a_power_law_is_found_with_its_interval():
    rng = np.random.default_rng(0)
    n, m = 10 ** rng.uniform(2, 6, (2, 40))
    law = power_law(3 * n**1.5 * m**-0.5 * np.exp(0.1 * rng.normal(size=40)), n=n, m=m)
    assert law.names == ("n", "m") and law.n == 40
    assert np.all(law.low < [1.5, -0.5]) and np.all(law.high > [1.5, -0.5])
    value, low, high = law.predict(n=1e7, m=1e3)
    assert low < 3 * 1e7**1.5 * 1e3**-0.5 < high and low < value < high


def test_the_interval_covers_as_often_as_it_says():
    rng, covered = np.random.default_rng(1), 0
    x = np.geomspace(1, 100, 5)
    for _ in range(400):
        law = power_law(x * np.exp(0.2 * rng.normal(size=5)), x=x)
        covered += law.low[0] <= 1 <= law.high[0]
    assert 0.91 < covered / 400 < 0.985


@pytest.mark.parametrize(
    ("values", "sizes"),
    [([], []), ([1.0], [1.0]), ([1.0, 2.0], [5, 5]), ([0.0, -1.0, np.nan], [1, 2, 3])],
)
def test_too_few_points_have_no_exponent(values, sizes):
    law = power_law(values, n=sizes)
    assert np.isnan(law.exponents).all() and np.isnan(law.low).all()
    assert np.isnan(law.predict(n=10.0)[0])


def test_two_points_have_an_exponent_and_no_interval():
    law = power_law([1.0, 4.0], n=[1, 2])
    assert law.exponents[0] == pytest.approx(2) and np.isnan(law.low[0])
    value, low, high = law.predict(n=4)
    assert value == pytest.approx(16) and np.isnan(low) and np.isnan(high)


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


def test_steps_on_the_full_graph_do_not_count_for_those_that_are_sampled():
    full = [point(*size, noise=50.0, way="full") for size in SIZES]
    assert unit_costs([*POINTS, *full], "epoch").worst < 1e-6
    with pytest.raises(MusigError, match="expected two or more"):
        unit_costs(full, "epoch")


def test_memory_that_was_not_measured_is_said_to_be_missing():
    blind = json.loads(json.dumps(POINTS))
    for each in blind:
        for spent in each["measured"].values():
            spent["peak_mb"] = None
    with pytest.raises(MusigError, match="0 points of growth with a number for read"):
        unit_costs(blind, "read", "peak_mb")


def test_a_size_has_the_edges_of_its_law_and_never_more_than_pairs_allow():
    law = sized(POINTS, 1e6, 2e5, 128, 10)
    assert law["edges"] == pytest.approx(2.0 * 1e6**0.9 * 2e5**0.4, rel=1e-3)
    assert law["entries"] == pytest.approx(66e6) and law["pairs"] == pytest.approx(3e9)
    dense = [point(*size, edges=3000 * size[0] // 11) for size in SIZES]
    few = sized(dense, 1e6, 100.0, 128, 10)
    assert few["edges"] <= 100 * 99 / 2
    with pytest.raises(MusigError, match="--min-weight 3"):
        sized(POINTS, 1e6, 2e5, 128, 3)


def test_a_limit_is_reached_at_the_start_somewhere_or_never():
    assert breaking_point(lambda n: 5.0, limit=1.0) == 1.0
    assert breaking_point(lambda n: n, limit=100.0) == pytest.approx(100)
    assert breaking_point(lambda n: 0.5, limit=1.0) == float("inf")


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
