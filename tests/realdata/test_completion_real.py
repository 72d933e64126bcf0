"""Real playlists: the protocol gives what was measured before, and its figures hang together."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from musig.baselines.itemknn import ItemKNN
from musig.baselines.popularity import Popularity
from musig.catalog import universe
from musig.completion import evaluate, holdout
from musig.experiments import compare_methods, completion_table, evaluate_methods
from musig.sources import load
from musig.splits import split_playlists

pytestmark = pytest.mark.realdata

MIN_PLAYLISTS = 8


@pytest.fixture(scope="module")
def sample(realdata):
    catalog = load(data=realdata / "mpd_sample")
    split = split_playlists(catalog, seed=0)
    return catalog, split, universe(catalog, split.train, MIN_PLAYLISTS)


@pytest.fixture(scope="module")
def results(sample):
    return evaluate_methods(*sample, [Popularity(), ItemKNN()], seed=0)


def test_figures_are_those_measured_before(results):
    # FACTS: popularity 0.14 / 0.024, itemknn 0.79 / 0.20 on another split. The 640 playlists of a
    # split leave a standard error of 0.014 and 0.018 in the hit-rates, 0.002 and 0.007 in the rest;
    # over five splits with all playlists of two tracks or more, 0.12-0.16 and 0.71-0.76 were seen.
    popular, neighbours = (results[name].per_playlist.mean() for name in ("popularity", "itemknn"))
    assert 0.10 < popular["hit_rate@10"] < 0.18
    assert 0.017 < popular["r_precision"] < 0.028
    assert 0.67 < neighbours["hit_rate@10"] < 0.82
    assert 0.16 < neighbours["r_precision"] < 0.22


def test_neighbours_beat_popularity_in_everything(results):
    tests = compare_methods(results, [*compare_methods(results)["metric"].unique(), "clicks"])
    table = completion_table(results, tests=tests)
    tested = table[table["metric"].isin(tests["metric"])].set_index(["method", "metric"])["beats"]
    assert (tested["itemknn"] == "popularity").all()
    assert (tested["popularity"] == "").all()


def test_metrics_hang_together(results):
    for result in results.values():
        rows = result.per_playlist
        for name in ("hit_rate", "recall", "recall_all"):
            curve = rows[[c for c in rows if c.startswith(f"{name}@")]].to_numpy()
            assert (np.diff(curve, axis=1) >= 0).all()
        assert (rows["recall_all@100"] <= rows["recall@100"]).all()
        assert (rows["hit_rate@10"] == (rows["mrr"] >= 1 / 10)).all()
        assert (rows["hit_rate@500"] == (rows["clicks"] < 51)).all()
        assert (rows["hit_rate@10"] == (rows["clicks"] == 0)).all()
        assert (rows["r_precision_artist"] >= rows["r_precision"]).all()
        assert 0 < result.coverage < 1
        assert len(rows) + result.skipped == 707


def test_scores_are_those_of_scipy(sample):
    catalog, split, tracks = sample
    restricted = catalog.restrict(tracks)
    train = restricted.playlists.subset(split.train)
    held = sparse.csr_array(
        (np.ones(len(train.tracks)), train.tracks, train.indptr), shape=(len(train), len(tracks))
    )
    norm = sparse.diags_array(1 / np.sqrt(held.sum(axis=0)))
    cosine = norm @ (held.T @ held) @ norm
    cosine -= sparse.diags_array(cosine.diagonal())
    cut = holdout(catalog, tracks, split.test, seed=0)
    some = cut.seeds.subset(np.arange(20))
    scores = ItemKNN().fit(restricted, split).score(some).numpy()
    expected = np.stack([cosine[seeds].sum(axis=0) for seeds in some])
    assert scores == pytest.approx(expected, abs=1e-4)


def test_the_size_of_a_block_changes_nothing(sample):
    catalog, split, tracks = sample
    restricted = catalog.restrict(tracks)
    cut = holdout(catalog, tracks, split.test[:100], seed=0)
    method = Popularity().fit(restricted, split)
    frames = [evaluate(method, cut, restricted, [10, 500], block=b).per_playlist for b in (7, 256)]
    assert frames[0].equals(frames[1])
