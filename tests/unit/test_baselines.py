"""Baselines against their definitions, and blind to what they must not see."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from musig.baselines.itemknn import ItemKNN
from musig.baselines.popularity import Popularity
from musig.catalog import Catalog, Playlists
from musig.errors import MusigError
from musig.splits import Split

N = 8
LISTS = st.lists(st.lists(st.integers(0, N - 1), unique=True, max_size=N), min_size=1, max_size=10)


def catalog_of(lists):
    return Catalog(
        pd.DataFrame(index=[f"t{i}" for i in range(N)]), Playlists.from_lists(lists), "", ()
    )


def train_on(n, total):
    return Split(np.arange(n), np.array([], int), np.arange(n, total), seed=0, name="first")


def fitted(method, lists):
    return method.fit(catalog_of(lists), train_on(len(lists), len(lists)))


def cosine(lists, shrinkage=0.0):
    """Similarities by the definition: a loop over pairs of columns."""
    held = np.array([[t in entries for t in range(N)] for entries in lists], dtype=float)
    similar = np.zeros((N, N))
    for i in range(N):
        for j in range(N):
            if i != j and held[:, i] @ held[:, j] > 0:
                norm = np.linalg.norm(held[:, i]) * np.linalg.norm(held[:, j])
                similar[i, j] = held[:, i] @ held[:, j] / (norm + shrinkage)
    return similar


@given(LISTS, st.sampled_from([0.0, 0.5, 20.0]))
def test_itemknn_is_the_sum_of_cosines(lists, shrinkage):
    seeds = Playlists.from_lists([[0], [3, 1, 5], [2, 7]])
    scores = fitted(ItemKNN(shrinkage=shrinkage), lists).score(seeds).numpy()
    similar = cosine(lists, shrinkage)
    for row in range(len(seeds)):
        assert scores[row] == pytest.approx(similar[seeds[row]].sum(0), abs=1e-6)


@given(LISTS, st.integers(1, N + 2))
def test_itemknn_keeps_the_nearest_neighbours_of_each_seed(lists, neighbours):
    similarity = fitted(ItemKNN(neighbours=neighbours), lists).similarity.toarray()
    full = fitted(ItemKNN(), lists).similarity.toarray()
    for row, kept in zip(full, similarity, strict=True):
        best = sorted(np.flatnonzero(row), key=lambda i: (-row[i], i))[:neighbours]
        assert np.flatnonzero(kept).tolist() == sorted(best)
        assert (kept[best] == row[best]).all()


@given(LISTS)
def test_popularity_counts_playlists(lists):
    scores = fitted(Popularity(), lists).score(Playlists.from_lists([[0], [1, 2]]))
    counts = [sum(t in entries for entries in lists) for t in range(N)]
    assert scores.tolist() == [counts, counts]


@pytest.mark.parametrize("method", [Popularity, ItemKNN])
def test_only_training_playlists_are_seen(method):
    generator = np.random.default_rng(0)
    train = [generator.permutation(N)[:4].tolist() for _ in range(12)]
    test = [generator.permutation(N)[:5].tolist() for _ in range(6)]
    seeds = Playlists.from_lists([[0], [4, 5]])
    split = train_on(12, 18)
    scores = method().fit(catalog_of(train + test), split).score(seeds)
    # other test playlists, in another order, or none: nothing may change
    for other in (test[::-1], [[i] for i in range(6)], [[]] * 6):
        again = method().fit(catalog_of(train + other), split).score(seeds)
        assert again.equal(scores)
    changed = method().fit(catalog_of(train[:6] + [[0, 4]] * 6 + test), split).score(seeds)
    assert not changed.equal(scores)


@pytest.mark.parametrize("method", [Popularity(), ItemKNN()], ids=lambda method: method.name)
def test_candidates_are_columns_and_scores_keep_to_the_contract(method):
    fitted(method, [[0, 1, 2], [1, 2], [5, 6, 0]])
    seeds = Playlists.from_lists([[0], [1, 2]])
    scores = method.score(seeds)
    assert scores.shape == (2, N) and scores.dtype.is_floating_point and scores.element_size() == 4
    assert method.score(seeds, np.array([6, 0, 2])).equal(scores[:, [6, 0, 2]])


def test_tracks_of_no_playlist_score_zero():
    assert fitted(ItemKNN(), [[0, 1]]).score(Playlists.from_lists([[7]])).abs().sum() == 0


def test_wrong_options_are_refused():
    with pytest.raises(MusigError, match="neighbours is 0; expected at least 1"):
        ItemKNN(neighbours=0)
    for wrong in (-1, float("nan")):
        with pytest.raises(MusigError, match=r"shrinkage is .*; expected a number of playlists"):
            ItemKNN(shrinkage=wrong)
