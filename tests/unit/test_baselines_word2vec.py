"""Track2Vec and Node2Vec: what is trained, what is refused, and what the scores are."""

from __future__ import annotations

import logging
import os
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from musig.baselines.node2vec import Node2Vec
from musig.baselines.track2vec import Track2Vec, joined
from musig.catalog import Catalog, Playlists
from musig.errors import MusigError
from musig.skipgram import LONGEST, SkipGram, skipgram
from musig.splits import Split

N = 16  # two styles of seven tracks, and two tracks of no playlist
STYLES = (range(7), range(7, 14))
SMALL = {"dimension": 8, "alpha": 0.1}
METHODS = [
    lambda **s: Track2Vec(**{"epochs": 10, **SMALL, **s}),
    lambda **s: Node2Vec(**{"min_weight": 0, "walks": 10, "length": 10, **SMALL, **s}),
]
IDS = ["track2vec", "node2vec"]
SEEDS = Playlists.from_lists([[0], [8, 9], [1, 2, 3]])


def lists_of(n=60, seed=0):
    generator = np.random.default_rng(seed)
    return [generator.permutation(STYLES[i % 2])[:4].tolist() for i in range(n)]


def catalog_of(lists):
    tracks = pd.DataFrame(
        {"energy": np.linspace(0, 1, N), "popularity": np.arange(N) * 5.0},
        index=[f"t{i}" for i in range(N)],
    )
    return Catalog(tracks, Playlists.from_lists(lists), "", ())


def train_on(n, total):
    return Split(np.arange(n), np.array([], int), np.arange(n, total), seed=0, name="first")


def fitted(method, lists=None):
    lists = lists_of() if lists is None else lists
    return method.fit(catalog_of(lists), train_on(len(lists), len(lists)))


# skip-gram


def sentences_of(lists):
    arrays = [np.array(entries, dtype=np.int32) for entries in lists]
    return lambda epoch: arrays


def test_what_shares_sentences_points_the_same_way():
    settings = SkipGram(epochs=10, **SMALL)
    vectors = skipgram(sentences_of(lists_of()), N, settings)
    assert vectors.dtype == np.float32 and vectors.shape == (N, 8)
    unit = vectors[:14] / np.linalg.norm(vectors[:14], axis=1, keepdims=True)
    cosine = unit @ unit.T
    same = np.equal.outer(np.arange(14) // 7, np.arange(14) // 7)
    assert cosine[same].min() > cosine[~same].max()


def test_tracks_without_company_have_zero_vectors():
    vectors = skipgram(sentences_of([[0, 1], [2], [], [1, 3]]), 6, SkipGram(dimension=4))
    assert vectors.any(axis=1).tolist() == [True, True, False, True, False, False]
    assert not skipgram(sentences_of([[0], []]), 3, SkipGram(dimension=4)).any()
    assert skipgram(sentences_of([]), 0, SkipGram(dimension=4)).shape == (0, 4)


def test_pairs_reach_as_far_as_the_window():
    """Tell two styles by their last track, far from the first: in between all is alike."""
    generator = np.random.default_rng(0)
    lists = []
    for i in range(400):
        style = i % 2
        first, last = generator.integers(3, size=2) + 3 * style
        between = generator.permutation(np.arange(12, 32))[:6]
        lists.append([first, *between, 6 + last])

    def gap(window):
        v = skipgram(sentences_of(lists), 32, SkipGram(window=window, epochs=10, **SMALL))[:6]
        unit = v / np.linalg.norm(v, axis=1, keepdims=True)
        cosine = unit @ unit.T
        return cosine[:3, :3][~np.eye(3, dtype=bool)].mean() - cosine[:3, 3:].mean()

    assert gap(None) > 0.5 and gap(40) > 0.5
    assert abs(gap(1)) < 0.25


def test_every_pass_is_asked_for():
    asked = []

    def sentences(epoch):
        asked.append(epoch)
        return [np.array([0, 1, 2])] * 5

    skipgram(sentences, 3, SkipGram(dimension=4, epochs=3))
    assert asked == [0, 0, 1, 2]  # counted, then trained


def test_other_sentences_in_another_pass_are_read():
    first = [np.array([0, 1, 2]), np.array([3, 4, 5])] * 50
    other = [np.array([0, 3, 2]), np.array([1, 4, 5])] * 50
    settings = SkipGram(dimension=4, epochs=2)
    same = skipgram(lambda epoch: first, 6, settings)
    assert (skipgram(lambda epoch: other if epoch else first, 6, settings) != same).any()


def test_a_sentence_too_long_for_gensim_is_read_to_its_end():
    long = np.arange(2 * LONGEST + 500) % (LONGEST + 200)
    trained = skipgram(lambda epoch: [long], LONGEST + 200, SkipGram(4, window=1, epochs=1))
    alone = skipgram(
        lambda epoch: [long], LONGEST + 200, SkipGram(4, window=1, epochs=1, alpha=1e-9)
    )
    moved = np.abs(trained - alone).max(axis=1) > 1e-9
    assert moved.mean() > 0.95


CODE = """
import numpy as np, sys
from musig.skipgram import SkipGram, skipgram
lists = [np.random.default_rng(i).permutation(30)[:6] for i in range(50)]
sys.stdout.write(skipgram(lambda e: lists, 30, SkipGram(8, sample=0.01), seed=3).tobytes().hex())
"""


@pytest.mark.slow
def test_same_bits_whatever_the_hash_seed():
    outputs = []
    for hashing in ("1", "77"):
        environment = {**os.environ, "PYTHONHASHSEED": hashing}
        run = subprocess.run(
            [sys.executable, "-c", CODE],
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
        assert not run.stderr  # gensim is quiet, and no bar where there is no terminal
        outputs.append(run.stdout)
    assert outputs[0] == outputs[1] and len(outputs[0]) == 30 * 8 * 8


def test_gensim_speaks_again_afterwards():
    level = logging.getLogger("gensim").level
    skipgram(sentences_of([[0, 1]]), 2, SkipGram(dimension=4))
    assert logging.getLogger("gensim").level == level


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"dimension": 0}, "dimension is 0; expected a whole number, at least 1"),
        ({"dimension": 8.5}, "dimension is 8.5; expected a whole number"),
        ({"window": 0}, "window is 0; expected .* or None for the whole sentence"),
        ({"negative": 0}, "negative is 0; expected a whole number, at least 1"),
        ({"ns_exponent": float("nan")}, "ns_exponent is nan; expected a number"),
        ({"sample": -0.1}, "sample is -0.1; expected a share"),
        ({"sample": 1}, "sample is 1; expected a share"),
        ({"alpha": 0.0}, "alpha is 0.0; expected a learning rate above 0"),
        ({"seed": -1}, "seed is -1; expected a whole number, 0 or more"),
    ],
)
@pytest.mark.parametrize("method", [Track2Vec, Node2Vec], ids=IDS)
def test_wrong_settings_are_refused(method, wrong, sentence):
    with pytest.raises(MusigError, match=sentence):
        method(**wrong)


@pytest.mark.parametrize(
    ("method", "wrong", "sentence"),
    [
        (Track2Vec, {"epochs": 0}, "epochs is 0; expected a whole number, at least 1"),
        (Track2Vec, {"order": "shufled"}, "order has 'shufled'; did you mean 'shuffled'"),
        (Track2Vec, {"groups": ["GENRES"]}, "groups has 'GENRES'; did you mean 'GENRE'"),
        (Track2Vec, {"popularity": "count"}, "popularity has 'count'; .*train_count"),
        (Track2Vec, {"content_weight": -1.0}, "content_weight is -1.0; expected a number"),
        (
            Track2Vec,
            {"groups": ["AUDIO"], "attributes": np.ones((N, 1))},
            r"Both groups \(AUDIO\) and attributes",
        ),
        (Node2Vec, {"min_weight": -1}, "min_weight is -1; expected a number of playlists"),
        (Node2Vec, {"walks": 0}, "walks is 0; expected the walks from each track"),
        (Node2Vec, {"length": 1}, "length is 1; expected at least 2 tracks"),
        (Node2Vec, {"p": 0}, "p is 0; expected a number above 0"),
        (Node2Vec, {"q": -2}, "q is -2; expected a number above 0"),
    ],
)
def test_wrong_settings_of_one_method_are_refused(method, wrong, sentence):
    with pytest.raises(MusigError, match=sentence):
        method(**wrong)


# both methods


@pytest.mark.parametrize("make", METHODS, ids=IDS)
def test_tracks_of_the_style_of_the_seeds_come_first(make):
    scores = fitted(make()).score(SEEDS)
    assert set(scores[0].topk(7).indices.tolist()) == set(STYLES[0])
    assert set(scores[1].topk(7).indices.tolist()) == set(STYLES[1])
    assert scores[:, 14:].abs().sum() == 0  # of no playlist: zero vectors, similar to nothing


@pytest.mark.parametrize("make", METHODS, ids=IDS)
def test_same_seed_same_bits(make):
    scores = fitted(make(seed=2)).score(SEEDS)
    assert fitted(make(seed=2)).score(SEEDS).equal(scores)
    assert not fitted(make(seed=3)).score(SEEDS).equal(scores)


@pytest.mark.parametrize("make", METHODS, ids=IDS)
def test_only_training_playlists_are_seen(make):
    train, test = lists_of(), [[0, 13], [1, 12, 14]]
    split = train_on(60, 62)
    scores = make().fit(catalog_of(train + test), split).score(SEEDS)
    for other in (test[::-1], [[5, 9], [15, 0]], [[]] * 2):
        assert make().fit(catalog_of(train + other), split).score(SEEDS).equal(scores)
    changed = make().fit(catalog_of([*train[:-1], [0, 13], *test]), split).score(SEEDS)
    assert not changed.equal(scores)


@pytest.mark.parametrize("make", METHODS, ids=IDS)
def test_candidates_are_columns_and_rows_are_independent(make):
    method = fitted(make())
    scores = method.score(SEEDS)
    assert scores.shape == (3, N) and str(scores.dtype) == "torch.float32"
    some = np.array([6, 0, 15, 2])
    np.testing.assert_allclose(method.score(SEEDS, some), scores[:, some], atol=1e-6)
    np.testing.assert_allclose(method.score(SEEDS.subset(np.array([1])))[0], scores[1], atol=1e-6)
    assert method.size == N * 8
    assert type(method).cannot.endswith(".") and method.name in IDS


@pytest.mark.parametrize("make", METHODS, ids=IDS)
def test_a_catalogue_in_which_nothing_goes_together(make):
    scores = fitted(make(), [[0], [1], []]).score(SEEDS)
    assert scores.shape == (3, N) and not scores.any()


# Track2Vec


def test_order_counts_only_where_it_is_kept():
    lists = lists_of()
    turned = [sorted(entries) for entries in lists]
    kept, whole = Track2Vec("kept", window=1, **SMALL), Track2Vec("kept", window=None, **SMALL)
    scores = fitted(kept, lists).score(SEEDS)
    assert not fitted(Track2Vec("kept", window=1, **SMALL), turned).score(SEEDS).equal(scores)
    assert not fitted(Track2Vec("shuffled", window=1, **SMALL), lists).score(SEEDS).equal(scores)
    assert fitted(whole, lists).score(SEEDS).isfinite().all()


def test_playlists_are_shuffled_anew_in_each_epoch(monkeypatch):
    read = {}

    def spy(sentences, n_tracks, settings, *, seed):
        read.update({epoch: list(sentences(epoch)) for epoch in range(2)})
        return np.zeros((n_tracks, 8), np.float32)

    monkeypatch.setattr("musig.baselines.track2vec.skipgram", spy)
    lists = lists_of()
    fitted(Track2Vec("shuffled", **SMALL), lists)
    assert [sorted(s) for s in read[0]] == [sorted(entries) for entries in lists]
    assert any((a != b).any() for a, b in zip(read[0], read[1], strict=True))
    fitted(Track2Vec("kept", **SMALL), lists)
    assert [s.tolist() for s in read[0]] == [s.tolist() for s in read[1]] == lists


def cosines(x):
    length = np.linalg.norm(x, axis=1, keepdims=True)
    unit = x / np.where(length == 0, 1, length)
    return unit @ unit.T


@pytest.mark.parametrize("weight", [0.0, 0.25, 1.0, 4.0])
def test_the_cosine_of_joined_vectors_is_the_weighted_mean(weight):
    generator = np.random.default_rng(0)
    v, a = generator.normal(size=(9, 5)) * 7, generator.normal(size=(9, 3)) * 0.1
    expected = (cosines(v) + weight * cosines(a)) / (1 + weight)
    np.testing.assert_allclose(cosines(joined(v, a, weight)), expected, atol=1e-6)


def test_scores_with_content_are_those_of_both_cosines():
    generator = np.random.default_rng(1)
    attributes = generator.normal(size=(N, 3))
    plain = fitted(Track2Vec(**SMALL)).scorer.unit.numpy()
    method = fitted(Track2Vec(**SMALL, attributes=attributes, content_weight=0.5))
    every = (cosines(plain) + 0.5 * cosines(attributes)) / 1.5
    inside = np.ix_(range(14), range(14))  # of the others only the attributes are known
    scores = method.score(Playlists.from_lists([[i] for i in range(14)]))[:, :14]
    np.testing.assert_allclose(scores, every[inside], atol=1e-5)
    assert method.size == N * (8 + 3)


def test_no_weight_and_constant_attributes_change_no_ranking():
    plain = fitted(Track2Vec(**SMALL))
    scores = plain.score(SEEDS)
    nothing = fitted(Track2Vec(**SMALL, groups=["AUDIO"], content_weight=0.0))
    assert nothing.score(SEEDS).equal(scores)
    constant = fitted(Track2Vec(**SMALL, attributes=np.full((N, 4), 3.0)))
    some = constant.score(SEEDS)[:, :14]
    for row, (a, b) in enumerate(zip(scores[:, :14].numpy(), some.numpy(), strict=True)):
        slope, _ = np.polyfit(a, b, 1)
        assert slope > 0, row
        assert b == pytest.approx(np.poly1d(np.polyfit(a, b, 1))(a), abs=1e-5)


def test_groups_are_the_attributes_of_the_package():
    from musig.features import fit_attributes

    lists = lists_of()
    catalog = catalog_of(lists)
    for popularity in ("external", "train_count"):
        counts = catalog.playlists.counts(N)
        x = fit_attributes(
            catalog.tracks, ["POPULARITY", "AUDIO"], popularity=popularity, train_count=counts
        ).x
        groups = Track2Vec(**SMALL, groups=["AUDIO", "POPULARITY"], popularity=popularity)
        handed = Track2Vec(**SMALL, attributes=x)
        assert fitted(groups, lists).score(SEEDS).equal(fitted(handed, lists).score(SEEDS))


def test_attributes_that_do_not_fit_are_refused():
    with pytest.raises(MusigError, match="attributes has 3 rows; expected one for each of the 16"):
        fitted(Track2Vec(**SMALL, attributes=np.ones((3, 2))))
    with pytest.raises(MusigError, match="GENRE was asked for, but no track has a genre"):
        fitted(Track2Vec(**SMALL, groups=["GENRE"]))
    broken = np.ones((N, 2))
    broken[3] = np.nan
    with pytest.raises(MusigError, match="not finite"):
        fitted(Track2Vec(**SMALL, attributes=broken))


# Node2Vec


def test_light_edges_are_dropped():
    lists = [[0, 1, 2]] * 5 + [[0, 9]] * 2
    kept = fitted(METHODS[1](min_weight=1), lists).score(SEEDS)
    dropped = fitted(METHODS[1](min_weight=2), lists).score(SEEDS)
    assert kept[0, 9] != 0 and dropped[0, 9] == 0


def test_walks_are_new_in_each_epoch(monkeypatch):
    read = {}

    def spy(sentences, n_tracks, settings, *, seed):
        assert settings.epochs == 10  # the walks from each track
        read.update({epoch: np.stack(list(sentences(epoch))) for epoch in range(2)})
        return np.zeros((n_tracks, 8), np.float32)

    monkeypatch.setattr("musig.baselines.node2vec.skipgram", spy)
    fitted(METHODS[1](p=0.5, q=2.0))
    assert read[0].shape == (14, 10) and read[0].min() >= 0
    assert (read[0] != read[1]).any()
    assert sorted(read[1][:, 0]) == list(range(14))
