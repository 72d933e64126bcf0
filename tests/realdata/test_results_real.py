"""Recorded results: a row made again comes out as it was recorded."""

from pathlib import Path

import pytest

from musig import sources
from musig.baselines.itemknn import ItemKNN
from musig.baselines.popularity import Popularity
from musig.catalog import universe
from musig.experiments import completion_table, evaluate_methods
from musig.running import records
from musig.splits import split_playlists

RECORDED = Path(__file__).resolve().parents[2] / "results/06_playlist_completion-real.json"

pytestmark = pytest.mark.realdata


def test_the_recorded_baselines_come_out_again(realdata):
    record = records.load(RECORDED)
    recorded = {(row["method"], row["metric"]): row for row in record.metrics["table"]}
    settings = record.parameters
    catalog = sources.load(realdata / "mpd_sample")
    if catalog.fingerprint != record.data_fingerprint:
        pytest.skip("mpd_sample here is not the one of the recorded run")
    split = split_playlists(catalog, settings["seed"])
    tracks = universe(catalog, split.train, settings["min_playlists"])
    methods = [Popularity(), ItemKNN()]
    results = evaluate_methods(catalog, split, tracks, methods, settings["seed"])
    again = completion_table(results).set_index(["method", "metric"])
    compared = [key for key in recorded if key[0] in results]
    assert len(compared) > 20
    for key in compared:
        assert again.loc[key, "n"] == recorded[key]["n"]
        assert again.loc[key, "mean"] == pytest.approx(recorded[key]["mean"], abs=1e-6), key
