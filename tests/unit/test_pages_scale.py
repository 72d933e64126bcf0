"""What the chapter on speed and scale shows, of measurements that are made up."""

import json

import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot as plt
from test_scaling import NODES, POINTS, blind, point

from musig.errors import MusigError
from musig.growth import STEPS
from musig.pages import scale, speed
from musig.scaling import SPARK, limits, scaled
from musig.sources.synthetic import make


@pytest.fixture(autouse=True)
def _closed():
    yield
    plt.close("all")


def entry(work, peer, ratio, bar=None, threads=1, equal=True):
    return {
        "work": work, "peer": peer, "threads": threads, "ours": 1.0, "theirs": ratio,
        "ratio": ratio, "ratio_range": [0.9 * ratio, 1.1 * ratio], "repeats": 3, "bar": bar,
        "equal": equal,
    }  # fmt: skip


CARD = {
    "machine": {"name": "a card"},
    "edges": 5_000_000,
    "limits": {
        "bytes_a_second": 3e12, "operations_a_second_float32": 5e13,
        "operations_a_second_tf32": 4e14, "operations_a_second_bfloat16": 8e14,
    },
    "aggregation": {
        "ways": {
            "sparse": {
                "seconds": 1e-3, "bytes": 1e8, "operations": 2.6e9, "operations_a_second": 2.6e12,
                "share_of_bandwidth": 0.03, "share_of_roofline": 0.03,
                "share_of_bandwidth_so_counted": 0.6, "largest_error": 1e-6,
            },
            "dense": {
                "seconds": 3e-4, "bytes": 5e8, "operations": 6.5e10, "operations_a_second": 2e14,
                "share_of_bandwidth": 0.55, "share_of_roofline": 0.55,
                "share_of_bandwidth_so_counted": None, "largest_error": 1e-3,
            },
            "another": {"error": "no kernel"},
        }
    },
    "pairs": {"ways": {"float32": {"seconds": 0.9}, "compiled": {"error": "no compiler"}}},
    "training": {"full": {"seconds": 12.0}},
    "train": {"left_out": "left out, needs pandas"},
    "bars": [
        {"what": "an epoch", "bar": 1.0, "side": "below", "value": 0.9, "met": True},
        {"what": "training", "bar": 60.0, "side": "below", "value": None, "met": None},
    ],
}  # fmt: skip


def test_what_is_recorded_is_read_and_what_is_damaged_is_told(tmp_path):
    assert speed.recorded("growth.json", tmp_path) is None
    (tmp_path / "growth.json").write_text("[1]")
    assert speed.recorded("growth.json", tmp_path) == [1]
    (tmp_path / "growth.json").write_text("[1")
    with pytest.raises(MusigError, match="is not JSON"):
        speed.recorded("growth.json", tmp_path)


def test_the_committed_measurements_are_shown():
    table = speed.peers(speed.recorded("measured.json"))
    assert len(table) > 20 and table["ratio"].gt(0).all()
    assert speed.ratios_told(table).startswith(f"{len(table)} comparisons")
    points = speed.recorded("growth.json")
    assert len(scale.points_table(points)) == len(points)
    assert {point["min_weight"] for point in points} >= {10}
    for found in points:
        json.dumps(found, allow_nan=False)
        assert set(found["measured"]) <= set(STEPS)


def test_peers_are_numbered_by_work_and_missed_bars_are_named():
    entries = [
        entry("count", "scipy", 20.0, bar=10),
        entry("count", "$slow$", 0.5),
        entry("rank", "ranx", 8.0, bar=12, equal=None),
        entry("rank", "ranx", 9.0, threads=2),
    ]
    table = speed.peers(entries)
    assert table["no"].tolist() == [1, 1, 2] and len(speed.peers(entries, threads=2)) == 1
    told = speed.ratios_told(table)
    assert "1 of them lost; 2 have a bar, and 1 of those are missed: 8 where 12" in told
    assert speed.ratios_told(table[:1]).endswith("each is reached")
    _, ax = speed.ratios(table)
    assert [text.get_text() for text in ax.get_yticklabels()] == [
        "1  scipy",
        "1  \\$slow\\$",
        "2  ranx",
    ]
    _, ax = speed.ratios(speed.peers(None))
    assert ax.texts[0].get_text() == "nothing was recorded"


def test_a_card_is_drawn_under_its_roofs():
    _, ax = speed.roofline(CARD)
    labels = [text.get_text() for text in ax.get_legend().get_texts()]
    assert labels == ["roof, float32", "roof, tf32", "roof, bfloat16", "sparse", "dense"]
    table = speed.aggregation(CARD)
    assert table["way"].tolist() == ["dense", "sparse"]
    times = speed.card_times(CARD)
    assert times["seconds"].dropna().tolist() == [0.9, 12.0]
    assert times["remark"].dropna().tolist() == ["no compiler"]
    told = speed.card_told(CARD)
    assert told == "measured on a card, with 5,000,000 edges; of 2 bars 1 reached, 1 not judged"
    bars = speed.card_bars(CARD)
    assert bars.to_numpy().tolist() == [
        ["an epoch", "0.9", "below 1", "reached"],
        ["training", "–", "below 60", "not judged"],
    ]


def test_the_ways_on_a_card_are_put_in_one_sentence():
    ways = {"sparse float32": {**CARD["aggregation"]["ways"]["sparse"], "seconds": 6e-4},
            "dense tf32": CARD["aggregation"]["ways"]["dense"]}  # fmt: skip
    card = CARD | {
        "aggregation": {"ways": ways},
        "training": {"float32": {"seconds": 8.0}, "bfloat16": {"seconds": 6.0}},
        "round_trips": {
            "steps_an_epoch": 4,
            "waits": {"features.py:3": 4, "gpu.py:2": 1},
            "waits_of_an_epoch": 4,
        },
    }
    assert speed.ways_told(card) == (
        "the fastest product is dense tf32, 2.0 times as fast as sparse float32; a whole training "
        "in bfloat16 takes 0.75 times what float32 takes; the host waits 4 times in an epoch, in "
        "each of 4 steps at features.py:3"
    )
    assert speed.ways_told(CARD) == "nothing was measured"


@pytest.mark.parametrize("card", [None, {}, {"machine": {}, "limits": {"error": "no memory"}}])
def test_a_card_that_was_not_measured_is_said_to_be(card):
    _, ax = speed.roofline(card)
    assert ax.texts[0].get_text() == "not measured"
    assert not len(speed.aggregation(card)) and not len(speed.card_times(card))
    assert not len(speed.card_bars(card)) and speed.ways_told(card) == "nothing was measured"
    assert "GPU was at hand" in speed.card_told(card) or "CPU" in speed.card_told(card)


def test_a_file_of_measurements_tells_what_it_knows_of_its_origin(tmp_path):
    points = [{"threads": 1, "code": "d8d8"}, {"threads": 2, "code": "d8d8"}]
    (tmp_path / "growth.json").write_text(json.dumps(points), "utf-8")
    card = {"machine": {"name": "a card", "torch": "2.11", "absent": []}}
    (tmp_path / "gpu.json").write_text(json.dumps(card), "utf-8")
    told = speed.origin("growth.json", tmp_path)
    assert told.startswith("benchmarks/growth.json · 2 measurements · threads 1, 2 · code d8d8")
    assert "no machine" in told
    assert " · a card · torch 2.11 · no date" in speed.origin("gpu.json", tmp_path)
    assert "not recorded" in speed.origin("whole.json", tmp_path)


def test_exponents_are_put_side_by_side():
    fitted = scale.exponents(POINTS)
    table = scale.side_by_side(fitted, "cpu")
    assert table["step"].tolist() == list(STEPS)
    evaluate = fitted[(fitted["step"] == "evaluate") & (fitted["axis"] == "both")].iloc[0]
    assert 1.0 < evaluate["exponent"] < 2 and evaluate["n"] == 3
    assert "[" in table.iloc[-1]["playlists, with tracks in proportion"]
    assert table["hops"].isna().all()
    assert "exponent" in scale.steepest(fitted, "both")
    assert scale.steepest(scale.exponents(None), "both") == "not measured"


def test_growth_is_drawn_with_memory_where_there_is_any():
    _, axes = scale.growth(POINTS, "both")
    assert len(axes) == 2 and len(axes[0].lines) == 2 * len(STEPS)
    _, axes = scale.growth(None, "both")
    assert len(axes) == 1 and axes[0].texts[0].get_text() == "nothing was recorded"


def test_a_point_that_was_stopped_says_where():
    stopped = point(1_000_000, 200_000) | {"stopped": "memory", "last": "begin"}
    stopped["measured"] = {"read": stopped["measured"]["read"]}
    table = scale.points_table([stopped, *POINTS])
    assert table["end"].tolist()[-1] == "stopped by memory in begin"
    assert "5 points, the largest of 100,000 playlists" in scale.growth_told([stopped, *POINTS])
    assert "1 were stopped" in scale.growth_told([stopped, *POINTS])
    assert "versions" not in scale.growth_told(POINTS)
    assert "2 versions" in scale.growth_told([{**stopped, "code": "b"}, *POINTS])
    nothing = point(10, 10) | {"stopped": "an error", "measured": {}}
    assert np.isnan(scale.points_table([nothing])["peak, MB"].iloc[0])


def test_the_growth_of_a_catalogue_at_hand():
    settings = {"min_playlists": 2, "min_weight": 1, "embedding_size": 8}
    points = scale.own(lambda: make("smoke"), [1.0, 0.5, 0.5], 1, **settings)
    assert [p["playlists"] for p in points] == [300, 600]
    assert points[0]["entries"] < points[1]["entries"]
    assert set(points[0]["measured"]) == set(STEPS[1:])
    _, axes = scale.growth(points, "playlists")
    assert len(axes) == 1  # memory is not measured
    with pytest.raises(MusigError, match="leaves 6 of the 600 playlists"):
        scale.own(lambda: make("smoke"), [0.01], 1, **settings)


WHOLE = {
    "playlists": 1_000_000, "tracks": 200_000, "entries": 65_000_000, "edges": 11_000_000,
    "epochs": 5, "gigabytes": 24, "stopped": None,
    "steps": {
        "graph": {"read": {"cpu": 60.0, "wall": 120.0, "peak_mb": 11_000.0}},
        "evaluate": {"evaluate": {"cpu": 3540.0, "wall": 3600.0, "peak_mb": 5_000.0}},
    },
}  # fmt: skip


def test_a_whole_run_is_told_with_the_step_that_held_most():
    small = {**WHOLE, "playlists": 10, "steps": {}}
    table = scale.whole_table([small, WHOLE])
    assert table["step"].tolist() == ["graph", "evaluate"] and table["CPU minutes"].sum() == 60
    told = scale.whole_told([small, WHOLE])
    assert "in 1 CPU hours, at most 11 GB of memory (graph: read) of the 26" in told
    stopped = scale.whole_told([{**WHOLE, "stopped": "memory in train"}])
    assert stopped.endswith("were stopped by memory in train, at a limit of 24 GiB")
    assert scale.whole_told([small]) == scale.whole_told(None)
    dark = json.loads(json.dumps(WHOLE))
    dark["steps"]["graph"]["read"]["peak_mb"] = None
    assert scale.whole_told([dark]).endswith("in 1 CPU hours")


def test_where_one_machine_ends_is_told():
    ends = limits(POINTS, memory=24.0, hours=24.0)
    told = scale.limits_told(ends, 24.0, 24.0)
    assert told.startswith(ends.iloc[0]["step"]) and "playlists on" in told
    shown = scale.limits_shown(ends)
    assert shown["playlists that fill the memory"].str.contains("million|billion").all()
    assert not len(scale.limits_shown(pd.DataFrame()))


def test_what_another_size_takes_is_told():
    table = scaled(POINTS, 1e8, 1e8, [10, 654], NODES)
    shown = scale.scaled_shown(table)
    assert shown["step"].tolist() == list(STEPS)
    assert shown["GiB"].iloc[1].count(" to ") == 1
    told = scale.scaled_told(table)
    assert "CPU hours, at a price of" in told["total"] and told["worst"] == "0 %"
    assert told["largest"].startswith("evaluate") and told["largest"].endswith("GiB")
    spark = [dict(p, measured={SPARK: {"cpu": 1e-3 * p["pairs"]}}) for p in POINTS]
    both = scaled(POINTS, 1e8, 1e8, [10, 654], NODES, spark=spark)
    assert scale.scaled_told(both)["longest"].startswith(SPARK)
    assert scale.spark_told(POINTS, spark).endswith("times the CPU seconds of our own kernel")
    assert scale.spark_told(POINTS, []) == scale.spark_told(None, None)
    assert not len(scale.scaled_shown(pd.DataFrame()))
    dark = scaled(blind(), 1e8, 1e8, [10], NODES)
    assert scale.scaled_shown(dark)["GiB"].isna().all()
    assert scale.scaled_told(dark)["largest"] == "not measured"
