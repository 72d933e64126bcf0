"""Ranking against an obvious slow loop; every metric by hand and against torch_geometric."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch_geometric import metrics as pyg

from musig import metrics
from musig.catalog import Playlists
from musig.errors import MusigError
from musig.ranking import _counted, _sorted, membership, ranking

# few values, so that ties are common; -0.0 and 0.0 are one; two that differ in the last bit only
SCORES = [0.0, -0.0, 1.0, -1.0, 1e-30, -1e-45, -3e38, 2.5, -math.inf, math.inf]
SCORES += [float(np.nextafter(np.float32(1), np.float32(2))), float(np.finfo(np.float32).min)]


@st.composite
def rankings(draw):
    """A block of playlists: scores, and disjoint seeds and targets."""
    n = draw(st.integers(1, 40))
    values = draw(st.lists(st.sampled_from(SCORES), min_size=1, max_size=len(SCORES)))
    scores, seeds, targets = [], [], []
    for _ in range(draw(st.integers(1, 4))):
        scores.append(draw(st.lists(st.sampled_from(values), min_size=n, max_size=n)))
        order = draw(st.permutations(range(n)))
        n_targets = draw(st.integers(0, n))
        n_seeds = draw(st.integers(0, n - n_targets))
        targets.append(order[:n_targets])
        seeds.append(order[n_targets : n_targets + n_seeds])
    return torch.tensor(scores), Playlists.from_lists(seeds), Playlists.from_lists(targets)


def sorted_lists(scores, seeds, targets, length, head):
    """What `ranking` should give, by sorting everything."""
    n, n_tracks = scores.shape
    width = max(head, *targets.lengths)
    top = np.full((n, min(width, n_tracks)), -1)
    hits = np.zeros((n, min(max(length, width), n_tracks)), dtype=bool)
    first = np.zeros(n, dtype=np.int64)
    for row, values in enumerate(scores.tolist()):
        allowed = set(range(n_tracks)) - set(seeds[row].tolist())
        candidates = [i for i in allowed if values[i] > -math.inf]
        ranked = sorted(candidates, key=lambda i: (-values[i], i))
        found = [r for r, i in enumerate(ranked) if i in targets[row]]
        named = ranked[: max(head, len(targets[row]))]
        top[row, : len(named)] = named
        hits[row, [r for r in found if r < hits.shape[1]]] = True
        first[row] = found[0] + 1 if found else 0
    return top, hits, first


def assert_ranked(scores, seeds, targets, length, head):
    expected = sorted_lists(scores, seeds, targets, length, head)
    width = max(head, targets.lengths.max())
    for way in (_counted, _sorted):
        found = way(scores, seeds, targets, max(length, width), head, width)
        for one, other in zip(found, expected, strict=True):
            assert one.dtype in (torch.int64, torch.bool)
            assert np.array_equal(one, other), way
    for one, other in zip(ranking(scores, seeds, targets, length, head), expected, strict=True):
        assert np.array_equal(one, other)


@settings(max_examples=300)
@given(rankings(), st.integers(1, 50), st.integers(1, 50))
def test_ranking_is_the_sorted_list(case, length, head):
    # lists longer than there are tracks, seeds that leave nothing, nothing to be found
    assert_ranked(*case, length, head)


@settings(max_examples=30)
@given(st.integers(0, 10_000), st.integers(1, 600), st.integers(1, 30))
def test_ranking_of_long_rows_is_the_sorted_list(seed, length, head):
    # rows of more groups than one, and much that no rank asked for needs
    generator = np.random.default_rng(seed)
    n, n_tracks = 4, int(generator.integers(1000, 5000))
    scores = generator.normal(size=(n, n_tracks)) * 10.0 ** generator.integers(-30, 30, (n, 1))
    scores[1] = scores[1].round(1)  # ties
    scores[2, generator.random(n_tracks) < generator.random()] = -np.inf
    scores[3].sort()  # the last come first, where there are targets too
    order = generator.permuted(np.tile(np.arange(n_tracks), (n, 1)), axis=1)
    seeds = Playlists.from_lists([row[: generator.integers(0, 80)] for row in order])
    targets = Playlists.from_lists([row[100 : 101 + generator.integers(0, 80)] for row in order])
    assert_ranked(torch.tensor(scores, dtype=torch.float32), seeds, targets, length, head)


@pytest.mark.parametrize("value", [0.0, -0.0, 1.5, -math.inf, math.inf, float(np.float32(-3.4e38))])
def test_equal_scores_rank_by_position_however_many(value):
    n = 3000
    scores = torch.full((3, n), value)
    seeds = Playlists.from_lists([[], [0, 7], range(n - 1)])
    targets = Playlists.from_lists([[n - 1, 499, 500], range(20, 40), [n - 1]])
    assert_ranked(scores, seeds, targets, 500, 10)
    assert_ranked(scores, seeds, targets, 2 * n, 2 * n)


def test_ranking_leaves_the_scores_alone():
    # a view that every row shares must not be written to
    scores = torch.tensor([3.0, -2.0, 1.0]).expand(2, -1)
    seeds, targets = Playlists.from_lists([[0], [2]]), Playlists.from_lists([[1, 2], [0, 1]])
    assert ranking(scores, seeds, targets, 3, 3).top.tolist() == [[2, 1, -1], [0, 1, -1]]
    assert scores[0].tolist() == [3.0, -2.0, 1.0]
    assert ranking(scores.double(), seeds, targets, 3, 3).top.tolist() == [[2, 1, -1], [0, 1, -1]]


@pytest.mark.parametrize("track", [0, 1, 1999])
@pytest.mark.parametrize("seeds", [[], [1]])
def test_ranking_refuses_what_is_not_a_number(track, seeds):
    # wherever it is: at a seed, or among tracks far from the head
    scores = torch.linspace(1, 0, 2000).repeat(2, 1)
    scores[1, track] = math.nan
    block = Playlists.from_lists([[], seeds], ids=["a", "b"]), Playlists.from_lists([[3], [4]])
    with pytest.raises(MusigError, match=f"'m' gave NaN for track {track} in playlist b \\(1 in"):
        ranking(scores, *block, 2, 2, method="m")
    for way in (_counted, _sorted):
        assert way(scores, *block, 2, 2, 2) is None


def test_membership_is_a_table():
    lists = [[2, 0], [], [1]]
    table = membership(Playlists.from_lists(lists), 3)
    assert [torch.where(row)[0].tolist() for row in table] == [[0, 2], [], [1]]


@st.composite
def found(draw):
    """Rankings with a target in each, and all of the lists."""
    scores, seeds, targets = draw(rankings())
    rows = np.flatnonzero(targets.lengths)
    assume(len(rows))
    seeds, targets, n_tracks = seeds.subset(rows), targets.subset(rows), scores.shape[1]
    ranked = ranking(scores[rows], seeds, targets, n_tracks, n_tracks)
    return ranked, targets, n_tracks


@given(found(), st.integers(1, 50))
def test_list_metrics_agree_with_torch_geometric(case, k):
    (top, hits, first), targets, n_tracks = case
    n_targets = torch.as_tensor(targets.lengths)
    # it knows no padding: a track that exists nowhere stands for the end of a list
    listed = torch.where(top < 0, n_tracks, top)
    edges = membership(targets, n_tracks).nonzero().T
    ours = {
        pyg.LinkPredHitRatio(k): metrics.hit_rate(hits, [k]),
        pyg.LinkPredRecall(k): metrics.recall(hits, n_targets, [k]),
        pyg.LinkPredNDCG(k): metrics.ndcg(hits, n_targets, [k]),
        # theirs is cut off at k, ours is not: the same if k is the whole list
        pyg.LinkPredMRR(n_tracks): metrics.reciprocal_rank(first),
    }
    for theirs, values in ours.items():
        theirs.update(listed, edges)
        assert theirs.compute().item() == pytest.approx(values.mean().item(), abs=1e-6)


@given(found())
def test_r_precision_is_precision_at_the_number_of_targets(case):
    (top, hits, _), targets, n_tracks = case
    values = metrics.r_precision(hits, torch.as_tensor(targets.lengths))
    member = membership(targets, n_tracks)
    for row, n_targets in enumerate(targets.lengths):  # theirs has one k for all
        theirs = pyg.LinkPredPrecision(int(n_targets))
        listed = torch.where(top < 0, n_tracks, top)[row : row + 1]
        theirs.update(listed, member[row : row + 1].nonzero().T)
        assert theirs.compute().item() == pytest.approx(values[row].item(), abs=1e-6)


@given(found(), st.lists(st.integers(1, 60), min_size=1, max_size=6).map(sorted))
def test_all_cut_offs_at_once_are_each_alone(case, ks):
    (_, hits, _), targets, _ = case
    n_targets = torch.as_tensor(targets.lengths)
    for metric in (
        metrics.hit_rate,
        lambda h, ks: metrics.recall(h, n_targets, ks),
        lambda h, ks: metrics.ndcg(h, n_targets, ks),
    ):
        alone = torch.cat([metric(hits, [k]) for k in ks], dim=1)
        assert torch.allclose(metric(hits, ks), alone, rtol=0, atol=1e-12)


def everything(hits, n_targets, ks=(1, 2, 5, 9)):
    at = (
        metrics.hit_rate(hits, ks),
        metrics.recall(hits, n_targets, ks),
        metrics.ndcg(hits, n_targets, ks),
    )
    return torch.column_stack([*at, metrics.r_precision(hits, n_targets)])


def test_a_perfect_list_scores_one():
    hits = torch.tensor([[True, True, True, False, False]])
    n_targets = torch.tensor([3])
    assert metrics.ndcg(hits, n_targets, [1]).item() == 1
    assert metrics.ndcg(hits, n_targets, [5]).item() == 1
    assert metrics.recall(hits, n_targets, [3]).item() == 1
    assert metrics.recall(hits, n_targets, [1]).item() == pytest.approx(1 / 3)
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
    assert metrics.ndcg(hits, n_targets, [10]).item() == pytest.approx(1 / (1 + 1 / math.log2(3)))
    assert metrics.recall(hits, n_targets, [10]).item() == 0.5
    assert metrics.r_precision(hits, n_targets).item() == 0.5


@given(st.lists(st.booleans(), min_size=1, max_size=12), st.integers(1, 15))
def test_with_one_target_recall_is_hit_rate(row, k):
    first = row.index(True) if True in row else None
    hits = torch.tensor([[i == first for i in range(len(row))]])
    one = torch.tensor([1])
    assert metrics.recall(hits, one, [k]).equal(metrics.hit_rate(hits, [k]))
    gain = 1 / math.log2(first + 2) if first is not None and first < k else 0
    assert metrics.ndcg(hits, one, [k]).item() == pytest.approx(gain)


@given(st.lists(st.booleans(), min_size=1, max_size=20), st.integers(0, 5))
def test_recall_and_hit_rate_grow_with_k(row, more):
    hits = torch.tensor([row])
    n_targets = torch.tensor([max(1, sum(row) + more)])
    for metric in (metrics.hit_rate, lambda h, ks: metrics.recall(h, n_targets, ks)):
        curve = metric(hits, range(1, 25))[0].tolist()
        assert curve == sorted(curve)
        assert curve[0] >= 0 and curve[-1] <= 1


@pytest.mark.parametrize(
    ("rank", "expected"), [(1, 0), (10, 0), (11, 1), (491, 49), (500, 49), (501, 51), (0, 51)]
)
def test_clicks_are_those_of_the_challenge(rank, expected):
    assert metrics.clicks(torch.tensor([rank])).item() == expected


def test_an_artist_counts_once():
    # targets 0, 1 by artist 7; the list finds neither track but the artist twice
    top, hits, targets = torch.tensor([[2, 3]]), torch.zeros(1, 2), Playlists.from_lists([[0, 1]])
    value = metrics.r_precision_artist(top, hits.bool(), targets, torch.tensor([7, 7, 7, 7]))
    assert value.item() == 0.25 / 2


def test_the_best_r_precision_with_artists_is_five_quarters():
    top, hits = torch.tensor([[1, 0, 2]]), torch.tensor([[True, True, False]])
    targets = Playlists.from_lists([[0, 1]])
    value = metrics.r_precision_artist(top, hits, targets, torch.tensor([0, 1, 2]))
    assert value.item() == 1.25


def test_popularity_is_that_of_average_popularity_in_torch_geometric():
    counts = torch.tensor([4, 0, 2, 1])
    top = torch.tensor([[0, 1, 2], [3, 2, 1]])
    theirs = pyg.LinkPredAveragePopularity(3, counts)
    theirs.update(top, torch.zeros(2, 0, dtype=torch.long))
    ours = metrics.popularity(top, counts.double()).mean()
    assert theirs.compute().item() == pytest.approx(ours.item())
