"""Every metric against an obvious slow loop, by hand, and against torch_geometric."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch_geometric import metrics as pyg

from musig import metrics

# few values, so that ties are common; -0.0 and 0.0 are one
SCORES = st.sampled_from([0.0, -0.0, 1.0, -1.0, 1e-30, -3e38, 2.5, float("-inf"), float("inf")])


@st.composite
def rankings(draw):
    """A block of playlists: scores, and disjoint seeds and targets."""
    n = draw(st.integers(1, 14))
    rows = draw(st.integers(1, 4))
    scores = [draw(st.lists(SCORES, min_size=n, max_size=n)) for _ in range(rows)]
    seeds, targets = torch.zeros(2, rows, n, dtype=torch.bool)
    for row in range(rows):
        order = draw(st.permutations(range(n)))
        n_targets = draw(st.integers(1, n))
        n_seeds = draw(st.integers(0, n - n_targets))
        targets[row, list(order[:n_targets])] = True
        seeds[row, list(order[n_targets : n_targets + n_seeds])] = True
    return torch.tensor(scores), seeds, targets


@given(rankings(), st.integers(1, 20))
def test_ranking_is_the_sorted_list(case, length):
    scores, seeds, targets = case
    top, first = metrics.ranking(scores, seeds, targets, length)
    for row in range(len(scores)):
        allowed = ~seeds[row] & (scores[row] > -math.inf)
        candidates = torch.where(allowed)[0].tolist()
        ranked = sorted(candidates, key=lambda i: (-scores[row, i].item(), i))
        listed = [i for i in top[row].tolist() if i >= 0]
        assert listed == ranked[:length]
        assert top[row].tolist() == listed + [-1] * (top.shape[1] - len(listed))
        wanted = torch.where(targets[row] & allowed)[0].tolist()
        assert first[row] == (1 + min(map(ranked.index, wanted)) if wanted else 0)


def test_ranking_without_targets_has_no_first_hit():
    nothing = torch.zeros(1, 3, dtype=torch.bool)
    _, first = metrics.ranking(torch.rand(1, 3), nothing, nothing, 2)
    assert first.tolist() == [0]


def test_ranking_leaves_the_scores_alone():
    # a view that every row shares must not be written to
    scores = torch.tensor([3.0, -2.0, 1.0]).expand(2, -1)
    seeds = torch.tensor([[True, False, False], [False, False, True]])
    top, _ = metrics.ranking(scores, seeds, ~seeds, 3)
    assert top.tolist() == [[2, 1, -1], [0, 1, -1]]
    assert scores[0].tolist() == [3.0, -2.0, 1.0]


@given(rankings(), st.integers(1, 20))
def test_list_metrics_agree_with_torch_geometric(case, k):
    scores, seeds, targets = case
    n_tracks = scores.shape[1]
    top, first = metrics.ranking(scores, seeds, targets, n_tracks)
    hits = targets.gather(1, top.clamp(min=0)) & (top >= 0)
    n_targets = targets.sum(1)
    # it knows no padding: a track that exists nowhere stands for the end of a list
    listed = torch.where(top < 0, n_tracks, top)
    edges = targets.nonzero().T
    share = torch.rand(n_tracks + 1, dtype=torch.float64)
    share[n_tracks] = 0
    ours = {
        pyg.LinkPredHitRatio(k): metrics.hit_rate(hits, k),
        pyg.LinkPredRecall(k): metrics.recall(hits, n_targets, k),
        pyg.LinkPredNDCG(k): metrics.ndcg(hits, n_targets, k),
        # theirs is cut off at k, ours is not: the same if k is the whole list
        pyg.LinkPredMRR(n_tracks): metrics.reciprocal_rank(first),
    }
    for theirs, values in ours.items():
        theirs.update(listed, edges)
        assert theirs.compute().item() == pytest.approx(values.mean().item(), abs=1e-6)


@given(rankings())
def test_r_precision_is_precision_at_the_number_of_targets(case):
    scores, seeds, targets = case
    top, _ = metrics.ranking(scores, seeds, targets, scores.shape[1])
    hits = targets.gather(1, top.clamp(min=0)) & (top >= 0)
    values = metrics.r_precision(hits, targets.sum(1))
    for row, n_targets in enumerate(targets.sum(1).tolist()):  # theirs has one k for all
        theirs = pyg.LinkPredPrecision(n_targets)
        listed = torch.where(top < 0, scores.shape[1], top)[row : row + 1]
        theirs.update(listed, targets[row : row + 1].nonzero().T)
        assert theirs.compute().item() == pytest.approx(values[row].item(), abs=1e-6)


def everything(hits, n_targets, ks=(1, 2, 5, 9)):
    at = [
        f(k)
        for k in ks
        for f in (
            lambda k: metrics.hit_rate(hits, k),
            lambda k: metrics.recall(hits, n_targets, k),
            lambda k: metrics.ndcg(hits, n_targets, k),
        )
    ]
    return torch.stack([*at, metrics.r_precision(hits, n_targets)])


def test_a_perfect_list_scores_one():
    hits = torch.tensor([[True, True, True, False, False]])
    n_targets = torch.tensor([3])
    assert metrics.ndcg(hits, n_targets, 1).item() == 1
    assert metrics.ndcg(hits, n_targets, 5).item() == 1
    assert metrics.recall(hits, n_targets, 3).item() == 1
    assert metrics.recall(hits, n_targets, 1).item() == pytest.approx(1 / 3)
    assert metrics.r_precision(hits, n_targets).item() == 1


def test_a_list_without_a_match_scores_zero():
    hits = torch.zeros(2, 5, dtype=torch.bool)
    assert not everything(hits, torch.tensor([1, 4])).any()


def test_an_empty_list_scores_zero():
    hits = torch.zeros(1, 0, dtype=torch.bool)
    assert not everything(hits, torch.tensor([2])).any()
    assert metrics.popularity(torch.full((1, 3), -1), torch.rand(4).double()).item() == 0


def test_a_short_list_is_held_to_the_full_ideal():
    # one of two targets, in a list of one: perfect as far as it goes, but it ends
    hits, n_targets = torch.tensor([[True]]), torch.tensor([2])
    assert metrics.ndcg(hits, n_targets, 10).item() == pytest.approx(1 / (1 + 1 / math.log2(3)))
    assert metrics.recall(hits, n_targets, 10).item() == 0.5
    assert metrics.r_precision(hits, n_targets).item() == 0.5


@given(st.lists(st.booleans(), min_size=1, max_size=12), st.integers(1, 15))
def test_with_one_target_recall_is_hit_rate(row, k):
    first = row.index(True) if True in row else None
    hits = torch.tensor([[i == first for i in range(len(row))]])
    one = torch.tensor([1])
    assert metrics.recall(hits, one, k).equal(metrics.hit_rate(hits, k))
    gain = 1 / math.log2(first + 2) if first is not None and first < k else 0
    assert metrics.ndcg(hits, one, k).item() == pytest.approx(gain)


@given(st.lists(st.booleans(), min_size=1, max_size=20), st.integers(0, 5))
def test_recall_and_hit_rate_grow_with_k(row, more):
    hits = torch.tensor([row])
    n_targets = torch.tensor([max(1, sum(row) + more)])
    for metric in (metrics.hit_rate, lambda h, k: metrics.recall(h, n_targets, k)):
        curve = [metric(hits, k).item() for k in range(1, 25)]
        assert curve == sorted(curve)
        assert curve[0] >= 0 and curve[-1] <= 1


@pytest.mark.parametrize(
    ("rank", "expected"), [(1, 0), (10, 0), (11, 1), (491, 49), (500, 49), (501, 51), (0, 51)]
)
def test_clicks_are_those_of_the_challenge(rank, expected):
    assert metrics.clicks(torch.tensor([rank])).item() == expected


def test_an_artist_counts_once():
    # targets 0, 1 by artist 7; the list finds neither track but the artist twice
    targets = torch.tensor([[True, True, False, False]])
    value = metrics.r_precision_artist(torch.tensor([[2, 3]]), targets, torch.tensor([7, 7, 7, 7]))
    assert value.item() == 0.25 / 2


def test_the_best_r_precision_with_artists_is_five_quarters():
    targets = torch.tensor([[True, True, False]])
    value = metrics.r_precision_artist(torch.tensor([[1, 0, 2]]), targets, torch.tensor([0, 1, 2]))
    assert value.item() == 1.25


def test_popularity_is_that_of_average_popularity_in_torch_geometric():
    counts = torch.tensor([4, 0, 2, 1])
    top = torch.tensor([[0, 1, 2], [3, 2, 1]])
    theirs = pyg.LinkPredAveragePopularity(3, counts)
    theirs.update(top, torch.zeros(2, 0, dtype=torch.long))
    ours = metrics.popularity(top, counts.double()).mean()
    assert theirs.compute().item() == pytest.approx(ours.item())


def test_equal_scores_rank_by_position_however_many():
    n = 3000
    scores = torch.zeros(2, n)
    seeds = torch.zeros(2, n, dtype=torch.bool)
    seeds[1, 0] = True
    top, _ = metrics.ranking(scores, seeds, ~seeds, 500)
    assert np.array_equal(top[0], np.arange(500))
    assert np.array_equal(top[1], np.arange(1, 501))
