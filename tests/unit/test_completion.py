"""The protocol: who is asked for what, and whether every figure is the one it is said to be."""

from __future__ import annotations

import math
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from musig.baselines.itemknn import ItemKNN
from musig.baselines.popularity import Popularity
from musig.catalog import Catalog, Playlists, universe
from musig.completion import KS, Holdout, evaluate, holdout
from musig.errors import MusigError
from musig.experiments import compare_methods, completion_table, evaluate_methods
from musig.scorers import EmbeddingScorer, recommend
from musig.splits import Split, split_playlists


class Fixed:
    """Give the scores it was made with."""

    def __init__(self, scores, name="fixed"):
        self.name, self.scores = name, torch.as_tensor(scores, dtype=torch.float32)

    def fit(self, catalog, split):
        return self

    def score(self, seeds, candidates=None):
        return self.scores[np.asarray(seeds.ids)]


def catalog_of(lists, n_tracks, artists=None):
    tracks = pd.DataFrame(
        {"artist": artists if artists is not None else [f"artist {i}" for i in range(n_tracks)]},
        index=pd.Index([f"t{i}" for i in range(n_tracks)], name="track_id"),
    )
    return Catalog(tracks, Playlists.from_lists(lists), "test", ())


def all_train(n):
    return Split(np.arange(n), np.array([], int), np.array([], int), seed=0, name="all")


def slow(scores, seeds, targets, outside, artists, share, ks):
    """All metrics of one playlist, from the definitions, with lists and sets only."""
    candidates = [i for i in range(len(scores)) if i not in seeds and scores[i] > -math.inf]
    ranked = sorted(candidates, key=lambda i: (-scores[i], i))
    out = {}
    for k in ks:
        found = [i for i in ranked[:k] if i in targets]
        gain = sum(1 / math.log2(r + 1) for r, i in enumerate(ranked[:k], 1) if i in targets)
        ideal = sum(1 / math.log2(r + 1) for r in range(1, min(k, len(targets)) + 1))
        out[f"hit_rate@{k}"] = 1.0 if found else 0.0
        out[f"recall@{k}"] = len(found) / len(targets)
        out[f"recall_all@{k}"] = len(found) / (len(targets) + outside)
        out[f"ndcg@{k}"] = gain / ideal
    head = ranked[: len(targets)]
    same = len(set(head) & set(targets))
    their = {artists[i] for i in head} & {artists[i] for i in targets}
    out["r_precision"] = same / len(targets)
    out["r_precision_artist"] = (same + 0.25 * len(their)) / len(targets)
    first = min((ranked.index(i) + 1 for i in targets if i in ranked), default=math.inf)
    out["mrr"] = 1 / first
    out["clicks"] = (first - 1) // 10 if first <= 500 else 51
    out["popularity"] = sum(share[i] for i in ranked[:10]) / max(len(ranked[:10]), 1)
    return out, ranked[:10]


@st.composite
def tasks(draw):
    n = draw(st.integers(2, 16))
    rows = draw(st.integers(1, 5))
    seeds, targets = [], []
    for _ in range(rows):
        order = draw(st.permutations(range(n)))
        n_targets = draw(st.integers(1, n - 1))
        n_seeds = draw(st.integers(1, n - n_targets))
        targets.append(list(order[:n_targets]))
        seeds.append(list(order[n_targets : n_targets + n_seeds]))
    values = st.sampled_from([0.0, -0.0, 1.0, -1.0, 0.5, float("-inf")])
    scores = draw(st.lists(st.lists(values, min_size=n, max_size=n), min_size=rows, max_size=rows))
    outside = draw(st.lists(st.integers(0, 3), min_size=rows, max_size=rows))
    artists = draw(st.lists(st.sampled_from("abc"), min_size=n, max_size=n))
    ks = sorted(draw(st.sets(st.integers(1, n), min_size=1, max_size=4)))
    block = draw(st.integers(1, 6))
    return scores, seeds, targets, outside, artists, ks, block


@settings(max_examples=80)
@given(tasks())
def test_evaluate_against_the_slow_loop(task):
    scores, seeds, targets, outside, artists, ks, block = task
    n, rows = len(artists), len(seeds)
    # the third playlist is not for training: it must not count for popularity
    catalog = catalog_of([[0, 1], [1], [0, 1]], n, artists)
    share = [0.5, 1.0, *[0.0] * (n - 2)]
    held = Holdout(
        Playlists.from_lists(seeds),
        Playlists.from_lists(targets),
        np.array(outside),
        np.arange(rows) + 7,
        skipped=0,
        seed=0,
    )
    result = evaluate(Fixed(scores), held, catalog, ks, split=all_train(2), block=block)
    listed = set()
    for row in range(rows):
        expected, top = slow(
            scores[row], seeds[row], targets[row], outside[row], artists, share, ks
        )
        assert result.per_playlist.loc[row + 7].to_dict() == pytest.approx(expected)
        listed |= set(top)
    assert result.coverage == pytest.approx(len(listed) / n)


def test_a_list_of_more_than_500(monkeypatch):
    # clicks and the reciprocal rank look beyond the lists that are kept
    n = 700
    catalog = catalog_of([[0]], n)
    for rank in (499, 500, 501, 699):  # the seed is at position 0 and does not count
        held = Holdout(
            Playlists.from_lists([[0]]), Playlists.from_lists([[rank]]), np.zeros(1, int),
            np.zeros(1, int), skipped=0, seed=0,
        )  # fmt: skip
        row = evaluate(Fixed(-np.arange(n)[None]), held, catalog, [1]).per_playlist.iloc[0]
        assert row["mrr"] == 1 / rank
        assert row["clicks"] == ((rank - 1) // 10 if rank <= 500 else 51)


@pytest.mark.gpu
def test_a_gpu_ranks_as_a_cpu_does(experiment):
    held = holdout(experiment.catalog, experiment.tracks, experiment.split.test, seed=0)
    restricted = experiment.catalog.restrict(experiment.tracks)
    method = Popularity().fit(restricted, experiment.split)  # counts: many ties
    cpu, gpu = (
        evaluate(method, held, restricted, [10], split=experiment.split, device=device)
        for device in ("cpu", "cuda")
    )
    pd.testing.assert_frame_equal(cpu.per_playlist, gpu.per_playlist)
    assert np.array_equal(cpu.top, gpu.top)


# the protocol ------------------------------------------------------------------------------------


@st.composite
def playlists_and_universe(draw):
    n = draw(st.integers(2, 20))
    lists = draw(st.lists(st.lists(st.integers(0, n - 1), unique=True), min_size=1, max_size=8))
    tracks = draw(st.sets(st.integers(0, n - 1), min_size=2))
    return n, [[0, 1], *lists], np.array(sorted({0, 1} | tracks))


@given(playlists_and_universe(), st.integers(0, 50), st.sampled_from([0.1, 0.5, 0.9]))
def test_holdout_cuts_every_playlist_in_two(case, seed, fraction):
    n, lists, tracks = case
    catalog = catalog_of(lists, n)
    held = holdout(catalog, tracks, np.arange(len(lists)), seed, fraction)
    assert len(held) + held.skipped == len(lists)
    for row, position in enumerate(held.playlist):
        known = [t for t in lists[position] if t in tracks]
        seeds = tracks[held.seeds[row]].tolist()
        targets = tracks[held.targets[row]].tolist()
        assert sorted(seeds + targets) == sorted(known)
        assert len(seeds) == min(math.ceil(fraction * len(known)), len(known) - 1)
        assert len(targets) >= 1
        n_outside = len(lists[position]) - len(known)
        assert held.outside[row] == n_outside - math.ceil(fraction * n_outside)
    kept = [i for i, entries in enumerate(lists) if len(set(entries) & set(tracks)) >= 2]
    assert held.playlist.tolist() == kept


def test_half_of_the_tracks_outside_count_as_targets():
    catalog = catalog_of([[0, 1, 2, 3, 4]], 5)
    assert holdout(catalog, np.array([0, 1]), np.array([0]), seed=0).outside.tolist() == [1]


def test_the_cut_of_a_playlist_depends_on_nothing_else():
    lists = [list(range(i, i + 8)) for i in range(10)]
    catalog = catalog_of(lists, 18)
    every, some = np.arange(10), np.array([3, 7])
    of_all = holdout(catalog, np.arange(18), every, seed=4)
    of_some = holdout(catalog, np.arange(18), some, seed=4)
    for row, position in enumerate(some):
        assert of_some.seeds[row].tolist() == of_all.seeds[position].tolist()
    other = holdout(catalog, np.arange(18), every, seed=5)
    assert of_all.seeds.tracks.tolist() != other.seeds.tracks.tolist()


def test_seeds_are_a_random_half_not_the_first():
    lists = [list(range(10))] * 400
    held = holdout(catalog_of(lists, 10), np.arange(10), np.arange(400), seed=0)
    often = held.seeds.counts(10) / 400
    assert (abs(often - 0.5) < 0.1).all()


def test_holdout_refuses_what_cannot_be_split():
    catalog = catalog_of([[0], [1, 2]], 3)
    with pytest.raises(MusigError, match="None of the 2 playlists to evaluate has two of the 2"):
        holdout(catalog, np.array([0, 1]), np.array([0, 1]), seed=0)
    with pytest.raises(MusigError, match="fraction is 1; expected a share between 0 and 1"):
        holdout(catalog, np.arange(3), np.array([1]), seed=0, fraction=1)


# scorers -----------------------------------------------------------------------------------------


@given(st.integers(0, 100))
def test_embedding_scores_against_a_loop(seed):
    generator = np.random.default_rng(seed)
    vectors = generator.normal(size=(7, 3)).astype(np.float32)
    seeds = Playlists.from_lists([[0], [3, 1, 6], [2, 5]])
    scores = EmbeddingScorer("e", vectors).score(seeds)
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    for row in range(3):
        mean = unit[seeds[row]].mean(0)
        assert scores[row].numpy() == pytest.approx(unit @ mean / np.linalg.norm(mean), abs=1e-5)
    chosen = EmbeddingScorer("e", vectors).score(seeds, np.array([4, 0]))
    assert chosen.equal(scores[:, [4, 0]])


def test_the_length_of_a_vector_does_not_matter_and_zero_is_similar_to_nothing():
    vectors = torch.tensor([[1.0, 0.0], [5.0, 5.0], [0.0, 0.0]])
    seeds = Playlists.from_lists([[0], [2]])
    scores = EmbeddingScorer("e", vectors).score(seeds)
    longer = EmbeddingScorer("e", vectors * torch.tensor([[9.0], [0.1], [3.0]])).score(seeds)
    assert torch.allclose(scores, longer)
    assert scores[:, 2].tolist() == [0, 0]
    assert scores[1].tolist() == [0, 0, 0]


def test_embeddings_are_checked():
    with pytest.raises(MusigError, match="embeddings of 'e' are not finite"):
        EmbeddingScorer("e", np.array([[np.nan, 1.0]]))
    with pytest.raises(MusigError, match="'e' has 2 embeddings for 3 tracks"):
        EmbeddingScorer("e", np.eye(2)).fit(catalog_of([[0]], 3), all_train(1))


def test_evaluate_refuses_what_cannot_be_ranked():
    catalog = catalog_of([[0, 1, 2]], 3)
    held = holdout(catalog, np.arange(3), np.array([0]), seed=0)
    with pytest.raises(MusigError, match="'fixed' gave NaN for track 1 in playlist 0"):
        evaluate(Fixed([[0.0, np.nan, 1.0]]), held, catalog)
    with pytest.raises(MusigError, match=r"shape \(1, 2\); expected \(1, 3\)"):
        evaluate(Fixed([[0.0, 1.0]]), held, catalog)
    for ks, found in (([1, 4], "4"), ([0], "0"), ([1.5], "1.5"), ([], "nothing")):
        with pytest.raises(MusigError, match=f"ks holds {found}; expected whole numbers from 1 to"):
            evaluate(Fixed([[0.0, 1.0, 2.0]]), held, catalog, ks)


def test_default_cut_offs_are_those_that_fit():
    catalog = catalog_of([[0, 1, 2]], 3)
    held = holdout(catalog, np.arange(3), np.array([0]), seed=0)
    columns = evaluate(Fixed([[0.0, 1.0, 2.0]]), held, catalog).per_playlist.columns
    assert [c for c in columns if c.startswith("recall@")] == ["recall@1", "recall@2", "recall@3"]
    assert "popularity" not in columns  # no training playlists were named
    assert KS[:10] == tuple(range(1, 11)) and KS[-1] == 500


def test_recommend_is_the_list_that_is_evaluated():
    catalog = catalog_of([], 6)
    scorer = EmbeddingScorer("e", np.random.default_rng(0).normal(size=(6, 2)))
    table = recommend(scorer, np.array([2, 4]), catalog, k=20)
    assert table["rank"].tolist() == [1, 2, 3, 4]  # six less two seeds
    assert set(table["track_id"]) == {"t0", "t1", "t3", "t5"}
    assert table["score"].is_monotonic_decreasing
    assert table["artist"][0] == catalog.tracks["artist"][table["track_id"][0]]
    assert table["name"].isna().all()
    assert len(recommend(scorer, np.array([2]), catalog, k=1)) == 1


def test_a_score_of_minus_infinity_is_never_recommended():
    scorer = Fixed([[9.0, 1.0, -math.inf, 0.0]])
    table = recommend(scorer, np.array([0]), catalog_of([], 4), k=4)
    assert table["track_id"].tolist() == ["t1", "t3"]


@pytest.mark.parametrize(
    ("seeds", "k", "message"),
    [
        ([], 5, "No seed track was given"),
        ([6], 5, "position 6; expected positions from 0 to 5"),
        ([-1], 5, "position -1"),
        ([0], 0, "k is 0"),
    ],
)
def test_recommend_says_what_is_wrong(seeds, k, message):
    scorer = EmbeddingScorer("e", np.eye(6))
    with pytest.raises(MusigError, match=message):
        recommend(scorer, np.array(seeds, dtype=int), catalog_of([], 6), k)


# experiments -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def experiment(smoke_catalog):
    split = split_playlists(smoke_catalog, seed=0)
    tracks = universe(smoke_catalog, split.train, 3)
    noise = EmbeddingScorer("noise", np.random.default_rng(0).normal(size=(len(tracks), 8)))
    scorers = [Popularity(), ItemKNN(), noise]
    return SimpleNamespace(
        catalog=smoke_catalog,
        split=split,
        tracks=tracks,
        results=evaluate_methods(smoke_catalog, split, tracks, scorers, seed=3, ks=[1, 10, 100]),
    )


def test_the_table_is_tidy_and_says_how_sure_it_is(experiment):
    table = completion_table(experiment.results)
    assert list(table) == ["method", "metric", "mean", "low", "high", "n", "seed"]
    assert not table.duplicated(["method", "metric"]).any()
    assert list(table["method"].unique()) == ["popularity", "itemknn", "noise"]
    asked = {"hit_rate@10", "recall@100", "recall_all@10", "r_precision", "r_precision_artist",
             "ndcg@100", "mrr", "clicks", "coverage", "popularity"}  # fmt: skip
    assert asked <= set(table["metric"])
    sure = table[table["metric"] != "coverage"]
    assert ((sure["low"] <= sure["mean"]) & (sure["mean"] <= sure["high"])).all()
    assert (table["n"] == len(experiment.results["noise"].per_playlist)).all()
    assert (table["seed"] == 3).all()
    again = completion_table(experiment.results)
    pd.testing.assert_frame_equal(table, again)


def test_methods_are_asked_about_the_same_playlists(experiment):
    index = [result.per_playlist.index for result in experiment.results.values()]
    assert index[0].equals(index[1]) and index[0].equals(index[2])
    assert set(index[0]) <= set(experiment.split.test)


def test_neighbours_beat_noise_and_the_table_says_so(experiment):
    tests = compare_methods(experiment.results, metrics=["recall@100", "clicks"])
    assert len(tests) == 2 * 3
    table = completion_table(experiment.results, ["recall@100", "clicks", "coverage"], tests)
    beats = table.set_index(["method", "metric"])["beats"]
    assert "noise" in beats["itemknn", "recall@100"]
    assert "noise" in beats["itemknn", "clicks"]  # where less is better
    assert beats["noise", "recall@100"] == ""
    assert (beats[:, "coverage"] == "").all()


def test_against_a_reference_only_it_is_compared_with(experiment):
    tests = compare_methods(experiment.results, ["recall@100"], reference="itemknn")
    assert tests["method"].tolist() == ["popularity", "noise"]
    assert (tests["against"] == "itemknn").all()
    pairs = compare_methods(experiment.results, ["recall@100"])
    both = pairs[(pairs["method"] == "itemknn") & (pairs["against"] == "noise")].iloc[0]
    assert both["difference"] == pytest.approx(-tests["difference"][1])
    assert both["p"] == tests["p"][1]
    assert (tests["p_holm"] >= tests["p"]).all()


def test_popularity_of_what_is_recommended_wins_nothing(experiment):
    tests = compare_methods(experiment.results, ["popularity"])
    assert (tests["verdict"] == "").all()
    assert tests["p"].min() < 0.01


def test_a_method_does_not_beat_itself_under_another_name(experiment):
    result = experiment.results["noise"]
    tests = compare_methods({"noise": result, "again": result})
    assert (tests["verdict"] == "").all() and (tests["p"] == 1).all()


def test_unknown_names_and_unlike_playlists_are_refused(experiment):
    results = experiment.results
    with pytest.raises(MusigError, match="Unknown metric 'recall@99'; did you mean 'recall@1"):
        completion_table(results, metrics=["recall@99"])
    with pytest.raises(MusigError, match="Unknown metric 'ndgc@10'; did you mean 'ndcg@10'"):
        compare_methods(results, metrics=["ndgc@10"])
    with pytest.raises(MusigError, match="Unknown method 'itemkn'; did you mean 'itemknn'"):
        compare_methods(results, reference="itemkn")
    with pytest.raises(MusigError, match="needs two methods or more; found 1"):
        compare_methods({"noise": results["noise"]})
    with pytest.raises(MusigError, match="no result"):
        completion_table({})
    args = experiment.catalog, experiment.split, experiment.tracks
    with pytest.raises(MusigError, match="Unknown part 'tset' of the split; did you mean 'test'"):
        evaluate_methods(*args, [Popularity()], part="tset")
    with pytest.raises(MusigError, match="Two methods are called 'popularity'"):
        evaluate_methods(*args, [Popularity(), Popularity()], ks=[1])
    valid = evaluate_methods(*args, [Popularity()], ks=[10], part="valid")["popularity"]
    with pytest.raises(MusigError, match="different playlists"):
        compare_methods({"a": results["popularity"], "b": valid}, ["hit_rate@10"])
