"""Collaborative filtering against its definitions, written densely and slowly."""

from __future__ import annotations

import os
import subprocess
import sys
import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from musig.baselines.als import ALS
from musig.baselines.chance import Random
from musig.baselines.ease import EASE, gram, inverse
from musig.baselines.incidence import bm25, incidence
from musig.baselines.itemknn import ItemKNN
from musig.baselines.popularity import Popularity
from musig.baselines.userknn import UserKNN
from musig.catalog import Catalog, Playlists
from musig.errors import MusigError
from musig.splits import Split

N = 9
LISTS = st.lists(st.lists(st.integers(0, N - 1), unique=True, max_size=N), min_size=1, max_size=10)
SEEDS = Playlists.from_lists([[0], [3, 1, 5], [2, 7], [8]])
WEIGHTINGS = st.sampled_from(["cosine", "bm25"])
METHODS = {
    "popularity": Popularity,
    "random": lambda: Random(seed=3),
    "itemknn": ItemKNN,
    "itemknn, bm25": lambda: ItemKNN(3, 1.0, "bm25", 0.3),
    "userknn": UserKNN,
    "userknn, bm25": lambda: UserKNN(3, 1.0, "bm25", 2.0),
    "als": lambda: ALS(factors=4, regularization=0.1, alpha=5),
    "ease": lambda: EASE(2),
}
LEARNING = [name for name in METHODS if name != "random"]


def fitted(method, lists, train=None):
    catalog = Catalog(
        pd.DataFrame(index=[f"t{i}" for i in range(N)]), Playlists.from_lists(lists), "", ()
    )
    n = len(lists) if train is None else train
    none = np.array([], int)
    return method.fit(catalog, Split(np.arange(n), none, none, seed=0, name="first"))


def drawn(seed=0, n=40):
    generator = np.random.default_rng(seed)
    return [generator.permutation(N)[: generator.integers(1, 6)].tolist() for _ in range(n)]


def dense(lists):
    return np.array([[t in entries for t in range(N)] for entries in lists], dtype=float)


def weighted(lists, weighting):
    """Playlists by tracks; BM25 by its formula: rarity of a track, length of a playlist."""
    held = dense(lists)
    if weighting == "cosine" or not held.any():
        return held, np.ones(N)
    rarity = np.log(len(held)) - np.log1p(held.sum(0))
    length = held.sum(1) / held.sum(1).mean()
    saturation = 2.2 * held / (1.2 * (0.25 + 0.75 * length[:, None]) + held)
    return saturation * rarity, rarity


def over(numbers, below):
    return np.divide(numbers, below, out=np.zeros_like(numbers), where=below > 0)


@given(LISTS)
def test_bm25_is_its_formula(lists):
    matrix = incidence(Playlists.from_lists(lists), N)
    assert matrix.toarray() == pytest.approx(dense(lists))
    assert bm25(matrix).toarray() == pytest.approx(weighted(lists, "bm25")[0], abs=1e-5)


@given(LISTS, WEIGHTINGS, st.sampled_from([0.0, 0.5, 20.0]), st.sampled_from([0.0, 0.3, 0.5, 1.0]))
def test_itemknn_is_its_formula(lists, weighting, shrinkage, alpha):
    method = fitted(ItemKNN(None, shrinkage, weighting, alpha), lists)
    matrix = weighted(lists, weighting)[0]
    product = matrix.T @ matrix
    own = product.diagonal().copy()
    np.fill_diagonal(product, 0)
    similar = over(product, own[:, None] ** (1 - alpha) * own**alpha + shrinkage)
    for row, scores in zip(range(len(SEEDS)), method.score(SEEDS).numpy(), strict=True):
        assert scores == pytest.approx(similar[SEEDS[row]].sum(0), abs=1e-5)


def test_itemknn_by_default_is_the_cosine_to_the_bit():
    lists = drawn()
    train = Playlists.from_lists(lists)
    held = incidence(train, N).toarray().astype(np.int32)
    count, root = held.T @ held, np.sqrt(train.counts(N))
    np.fill_diagonal(count, 0)
    expected = (count.astype(np.float32) / (root[:, None] * root)).astype(np.float32)
    assert np.array_equal(fitted(ItemKNN(), lists).similarity.toarray(), expected)


@given(
    LISTS,
    WEIGHTINGS,
    st.sampled_from([0.0, 0.5, 20.0]),
    st.sampled_from([1, 2, 30, None]),
    st.sampled_from([0.5, 1.0, 3.0]),
)
def test_userknn_is_its_formula(lists, weighting, shrinkage, neighbours, power):
    method = fitted(UserKNN(neighbours, shrinkage, weighting, power), lists)
    matrix, rarity = weighted(lists, weighting)
    alike, scores = method.similarity(SEEDS), method.score(SEEDS).numpy()
    for row in range(len(SEEDS)):
        seeds = dense([SEEDS[row]])[0] * rarity
        below = np.linalg.norm(seeds) * np.linalg.norm(matrix, axis=1) + shrinkage
        assert alike[row] == pytest.approx(over(matrix @ seeds, below), abs=1e-5)
        similar = alike[row].astype(float)  # of ours, so that rounding breaks no tie
        near = sorted(np.flatnonzero(similar > 0), key=lambda p: (-similar[p], p))[:neighbours]
        expected = (similar[near, None] ** power * dense(lists)[near]).sum(0)
        assert scores[row] == pytest.approx(expected, abs=1e-5)


def test_userknn_splits_large_blocks(monkeypatch):
    method = fitted(UserKNN(neighbours=3), drawn())
    whole = method.score(SEEDS)
    monkeypatch.setattr("musig.baselines.userknn.BLOCK", 1)
    assert method.score(SEEDS).equal(whole)


@given(LISTS, st.sampled_from([0.5, 10.0, 300.0]))
def test_ease_is_its_closed_form(lists, regularization):
    held = dense(lists)
    inverted = np.linalg.inv(held.T @ held + regularization * np.eye(N))
    weights = -inverted / inverted.diagonal()
    np.fill_diagonal(weights, 0)
    method = fitted(EASE(regularization), lists)
    assert method.weights.numpy() == pytest.approx(weights, abs=1e-4)
    assert (method.weights.diagonal() == 0).all()
    for row, scores in zip(range(len(SEEDS)), method.score(SEEDS).numpy(), strict=True):
        assert scores == pytest.approx(weights[SEEDS[row]].sum(0), abs=1e-4)


def test_ease_solves_its_regression():
    """No other weights with an empty diagonal have a smaller loss: its gradient is 0 elsewhere."""
    held = dense(drawn())
    weights = fitted(EASE(3), drawn()).weights.numpy().astype(float)
    gradient = held.T @ (held @ weights - held) + 3 * weights
    np.fill_diagonal(gradient, 0)
    assert np.abs(gradient).max() < 1e-4


@pytest.mark.parametrize("n", [1, 5, 64, 130])
def test_the_inverse_is_in_place_and_that_of_numpy(monkeypatch, n):
    monkeypatch.setattr("musig.baselines.ease.BLOCK", 32)  # blocks that do not divide n
    generator = np.random.default_rng(n)
    members = generator.random((40, n)) < 0.3
    table = (members.T.astype(np.float32) @ members + 5 * np.eye(n)).astype(np.float32)
    expected = np.linalg.inv(table.astype(float))
    result = inverse(table)
    assert result is table and np.array_equal(table, table.T)
    assert np.abs(table - expected).max() < 1e-5


def test_gram_counts_playlists():
    lists = drawn()
    assert np.array_equal(gram(Playlists.from_lists(lists), N), dense(lists).T @ dense(lists))


def test_a_matrix_that_is_not_positive_definite_is_refused():
    with pytest.raises(MusigError, match=r"not positive definite in float32 .*larger regular"):
        inverse(np.ones((3, 3), dtype=np.float32))


@pytest.mark.parametrize("alpha", [0.5, 1.0, 40.0])
def test_als_folds_in_as_implicit_does(alpha):
    from implicit.cpu.als import AlternatingLeastSquares

    method = fitted(ALS(factors=5, regularization=0.3, alpha=alpha, seed=2), drawn())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # of BLAS threads
        model = AlternatingLeastSquares(factors=5, regularization=0.3, alpha=alpha, num_threads=1)
    model.item_factors = method.vectors.numpy()
    rows = sparse.csr_matrix(incidence(SEEDS, N))
    expected = model.recalculate_user(np.arange(len(SEEDS)), rows)
    assert method.fold_in(SEEDS).numpy() == pytest.approx(expected, abs=1e-4)


def test_als_folds_in_by_least_squares_and_in_blocks(monkeypatch):
    method = fitted(ALS(factors=3, regularization=0.7, alpha=6), drawn())
    vectors = method.vectors.numpy().astype(float)
    whole = method.fold_in(SEEDS)
    for row, found in enumerate(whole.numpy()):
        held = dense([SEEDS[row]])[0]
        confidence = np.diag(1 + 5 * held)
        system = vectors.T @ confidence @ vectors + 0.7 * np.eye(3)
        expected = np.linalg.solve(system, vectors.T @ confidence @ held)
        assert found == pytest.approx(expected, abs=1e-4)
    scores = method.score(SEEDS).numpy()
    assert scores == pytest.approx(whole.numpy() @ vectors.T, abs=1e-5)
    monkeypatch.setattr("musig.baselines.als.BLOCK", 1)
    assert method.fold_in(SEEDS).equal(whole)


def test_als_has_more_factors_than_tracks():
    """The systems are singular but for the regularization."""
    method = fitted(ALS(factors=64, regularization=1e-5, alpha=40), drawn())
    assert bool(method.score(SEEDS).isfinite().all())


def test_als_finds_what_stands_together():
    """Two groups of tracks that share no playlist: no track of the other group comes first."""
    generator = np.random.default_rng(0)
    lists = [
        (generator.permutation(4)[:3] + 4 * (i % 2)).tolist() for i in range(40)
    ]  # track 8 in none
    scores = fitted(ALS(factors=2), lists).score(Playlists.from_lists([[0], [7]])).numpy()
    assert scores[0, :4].min() > scores[0, 4:].max()
    assert scores[1, 4:8].min() > scores[1, [0, 1, 2, 3, 8]].max()


@pytest.mark.slow
def test_als_is_fitted_without_a_word_about_threads():
    """Whatever the number of BLAS threads, and importing it imports nothing of implicit."""
    code = (
        "import sys, musig.baselines.als, musig.baselines.itemknn, musig.baselines.userknn\n"
        "assert 'implicit' not in sys.modules\n"
        "sys.path.insert(0, 'tests/unit')\n"
        "import test_baselines_filtering as own\n"
        "own.fitted(own.ALS(factors=4), own.drawn()).score(own.SEEDS)\n"
    )
    threads = {f"{name}_NUM_THREADS": "2" for name in ("OMP", "OPENBLAS", "MKL")}
    done = subprocess.run(
        [sys.executable, "-W", "error::RuntimeWarning", "-c", code],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | threads,
        timeout=300,
    )
    assert done.returncode == 0 and not done.stdout, done.stderr


def test_chance_depends_on_seeds_alone():
    method = fitted(Random(seed=1), [[0, 1]])
    scores = method.score(SEEDS)
    for row in range(len(SEEDS)):
        assert sorted(scores[row].tolist()) == list(range(N))
        alone = Playlists.from_lists([SEEDS[row][::-1]], ids=["other"])
        assert method.score(alone)[0].equal(scores[row])
    assert not scores[0].equal(scores[1])
    assert not fitted(Random(seed=2), [[0, 1]]).score(SEEDS).equal(scores)


def test_chance_prefers_no_track():
    method = fitted(Random(), [[0]])
    lists = Playlists.from_lists(
        [[i, j, k] for i in range(N) for j in range(i) for k in range(j)]
    )  # 84
    assert np.abs(method.score(lists).mean(0).numpy() - (N - 1) / 2).max() < 1.1  # 4 deviations


@pytest.mark.parametrize("name", METHODS)
def test_scores_keep_to_the_contract(name):
    method = fitted(METHODS[name](), drawn())
    scores = method.score(SEEDS)
    assert scores.shape == (len(SEEDS), N) and str(scores.dtype) == "torch.float32"
    assert bool(scores.isfinite().all())
    for some in ([6, 0, 2], [4], []):
        chosen = method.score(SEEDS, np.array(some, dtype=np.int64))
        assert chosen.shape == (len(SEEDS), len(some))
        assert chosen.numpy() == pytest.approx(scores[:, some].numpy(), abs=1e-6)
    assert method.score(Playlists.from_lists([])).shape == (0, N)
    assert isinstance(method.size, int) and method.size >= 0
    assert method.cannot.startswith("cannot ") and method.name == name.split(",")[0]


@pytest.mark.parametrize("name", METHODS)
def test_neither_block_nor_order_matters(name):
    method = fitted(METHODS[name](), drawn())
    scores = method.score(SEEDS).numpy()
    order = np.array([2, 0, 3, 1])
    assert method.score(SEEDS.subset(order)).numpy() == pytest.approx(scores[order], abs=1e-5)
    for row in range(len(SEEDS)):
        turned = Playlists.from_lists([SEEDS[row][::-1]])
        assert method.score(turned).numpy()[0] == pytest.approx(scores[row], abs=1e-5)


@pytest.mark.parametrize("name", METHODS)
def test_the_same_seed_gives_the_same_bits(name):
    first, second = (fitted(METHODS[name](), drawn()).score(SEEDS) for _ in range(2))
    assert first.equal(second)


@pytest.mark.parametrize("name", LEARNING)
def test_only_training_playlists_are_seen(name):
    lists = drawn(n=30)
    scores = fitted(METHODS[name](), lists, train=20).score(SEEDS)
    for other in (lists[20:][::-1], [[i % N] for i in range(10)], [[]] * 10):
        assert fitted(METHODS[name](), lists[:20] + other, train=20).score(SEEDS).equal(scores)
    assert not fitted(METHODS[name](), lists, train=25).score(SEEDS).equal(scores)


@pytest.mark.parametrize("name", LEARNING)
def test_tracks_of_no_training_playlist_and_lists_of_one(name):
    """Nothing breaks, and a seed that nobody knows says nothing."""
    method = fitted(METHODS[name](), [[0], [1], [0, 1, 2], [3, 2], [], [4]])
    scores = method.score(SEEDS)
    assert bool(scores.isfinite().all())
    if name != "popularity":
        assert scores[3].numpy() == pytest.approx(0, abs=1e-6)


def test_sizes_are_the_numbers_kept():
    lists = drawn()
    entries = sum(len(one) for one in lists)
    held = dense(lists)
    pairs = np.count_nonzero(held.T @ held) - np.count_nonzero(held.any(0))
    for method, size in [
        (Popularity(), N),
        (Random(), 0),
        (ItemKNN(), pairs),
        (UserKNN(), entries),
        (ALS(factors=3), 3 * N),
        (EASE(), N * N),
    ]:
        assert fitted(method, lists).size == size, method.name


@pytest.mark.parametrize(
    ("method", "settings", "message"),
    [
        (ItemKNN, {"weighting": "bm52"}, "Unknown weighting 'bm52'; did you mean 'bm25'"),
        (ItemKNN, {"alpha": 1.5}, "alpha is 1.5; expected a share between 0 and 1"),
        (UserKNN, {"neighbours": 0}, "neighbours is 0; expected at least 1"),
        (UserKNN, {"shrinkage": -1}, "shrinkage is -1; expected"),
        (UserKNN, {"weighting": "tfidf"}, "Unknown weighting 'tfidf'"),
        (UserKNN, {"power": 0}, "power is 0; expected a number above 0"),
        (ALS, {"factors": 0}, "factors is 0; expected at least 1"),
        (ALS, {"iterations": 0}, "iterations is 0; expected at least 1"),
        (ALS, {"regularization": 0}, "regularization is 0; expected a number above 0"),
        (ALS, {"alpha": float("nan")}, "alpha is nan; expected a number above 0"),
        (ALS, {"seed": -1}, "seed is -1; expected 0 or more"),
        (EASE, {"regularization": 0}, "regularization is 0; expected a number of playlists"),
        (EASE, {"regularization": float("inf")}, "regularization is inf; expected"),
        (Random, {"seed": -1}, "seed is -1; expected 0 or more"),
    ],
)
def test_wrong_settings_are_refused(method, settings, message):
    with pytest.raises(MusigError, match=message):
        method(**settings)
