"""A blend is as good as its better part on what it was chosen on, and says how it was chosen."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from musig.baselines.chance import Random
from musig.baselines.itemknn import ItemKNN
from musig.baselines.popularity import Popularity
from musig.blend import Blend, standardise
from musig.catalog import Playlists, universe
from musig.completion import evaluate, holdout
from musig.errors import MusigError
from musig.splits import split_playlists


@pytest.fixture(scope="module")
def sample(smoke_catalog):
    split = split_playlists(smoke_catalog, seed=0)
    return smoke_catalog.restrict(universe(smoke_catalog, split.train, 3)), split


@pytest.fixture(scope="module")
def blend(sample):
    return Blend("both", [ItemKNN(), Popularity()], points=6).fit(*sample)


class Given:
    """Scores that were written down."""

    name, size, cannot = "given", 7, ""

    def __init__(self, scores):
        self.scores = torch.as_tensor(scores, dtype=torch.float32)

    def fit(self, catalog, split):
        raise AssertionError("fitted twice")

    def score(self, seeds, candidates=None):
        return self.scores.expand(len(seeds), -1)


def quality(scorer, sample, seed=0):
    catalog, split = sample
    held = holdout(catalog, np.arange(catalog.n_tracks), split.valid, seed)
    return evaluate(scorer, held, catalog, ks=[100]).per_playlist["ndcg@100"].mean()


def test_the_share_is_the_best_on_validation(blend, sample):
    assert list(blend.tried) == pytest.approx([0, 0.2, 0.4, 0.6, 0.8, 1])
    assert blend.tried[blend.weight] == max(blend.tried.values())
    assert blend.tried[0.0] == pytest.approx(quality(blend.parts[1], sample))
    assert blend.tried[1.0] == pytest.approx(quality(blend.parts[0], sample))
    assert blend.tried[blend.weight] == pytest.approx(quality(blend, sample))
    assert blend.size == sum(part.size for part in blend.parts) + 1


def test_scores_are_the_sum_of_standardised_scores(blend, sample):
    catalog, _ = sample
    seeds = catalog.playlists.subset(np.array([0, 5, 9]))
    scores = blend.score(seeds).numpy()
    for row in range(len(seeds)):
        others = np.setdiff1d(np.arange(catalog.n_tracks), seeds[row])
        expected = 0
        for part, share in zip(blend.parts, (blend.weight, 1 - blend.weight), strict=True):
            own = part.score(seeds)[row].numpy().astype(float)
            expected = expected + share * (own - own[others].mean()) / own[others].std()
        assert scores[row] == pytest.approx(expected, abs=1e-3)
        alone = blend.score(seeds.subset(np.array([row])))
        assert alone.numpy()[0] == pytest.approx(scores[row], abs=1e-5)
    chosen = np.array([4, 1, 30])
    assert np.array_equal(blend.score(seeds, chosen).numpy(), scores[:, chosen])


def test_what_is_useless_gets_no_share(sample):
    assert Blend("x", [Random(), ItemKNN()]).fit(*sample).weight < 0.2
    assert Blend("x", [ItemKNN(), Random()]).fit(*sample).weight > 0.8


def test_of_equal_shares_the_lowest(sample):
    assert Blend("x", [Popularity(), Popularity()]).fit(*sample).weight == 0


def test_fitted_parts_are_not_fitted_again(sample):
    catalog, _ = sample
    given = Given(np.arange(catalog.n_tracks))
    blend = Blend("x", [given, given], fitted=True).fit(*sample)
    assert blend.size == 15
    with pytest.raises(AssertionError, match="fitted twice"):
        Blend("x", [given, given]).fit(*sample)


def test_the_seed_draws_the_halves(sample):
    parts = [part.fit(*sample) for part in (ItemKNN(), Popularity())]
    for seed in (0, 1):
        blend = Blend("x", parts, points=2, fitted=True, seed=seed).fit(*sample)
        assert blend.tried[1.0] == pytest.approx(quality(parts[0], sample, seed))


def test_what_a_part_never_recommends_the_blend_never_does(sample):
    catalog, _ = sample
    scores = np.arange(catalog.n_tracks, dtype=float)
    scores[3] = -np.inf
    for parts in ([Given(scores), Given(-np.arange(len(scores)))], [Given(scores)] * 2):
        blend = Blend("x", parts, fitted=True).fit(*sample)
        found = blend.score(Playlists.from_lists([[0], [3]]))
        assert (found == -torch.inf).nonzero().tolist() == [[0, 3], [1, 3]]
        assert not found.isnan().any()


def test_scores_that_are_all_the_same_or_not_there():
    scores = torch.full((1, 4), 2.5)
    assert standardise(scores, Playlists.from_lists([[1]])).tolist() == [[0, 0, 0, 0]]
    nothing = torch.full((1, 2), -torch.inf)
    assert standardise(nothing, Playlists.from_lists([[0]])).tolist() == [[-np.inf, -np.inf]]


def test_nan_is_refused_where_it_is_ranked(sample):
    catalog, _ = sample
    scores = np.zeros(catalog.n_tracks)
    scores[5] = np.nan
    with pytest.raises(MusigError, match="'x' gave NaN"):
        Blend("x", [Given(scores), Given(scores)], fitted=True).fit(*sample)


def test_a_part_of_another_universe_is_refused(sample):
    wrong = Given(np.ones(3))
    with pytest.raises(MusigError, match=r"'given' gave scores of shape .*another universe"):
        Blend("x", [wrong, wrong], fitted=True).fit(*sample)


@pytest.mark.parametrize(
    ("parts", "points", "message"),
    [([1], 11, "1 parts; expected two"), ([1, 2], 1, "points is 1; expected at least 2")],
)
def test_wrong_settings_are_refused(parts, points, message):
    with pytest.raises(MusigError, match=message):
        Blend("x", parts, points)
