"""The music graph says what its definition says, whatever the playlists."""

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from musig import cooccurrence as counting
from musig.errors import MusigError
from musig.graph import (
    cooccurrence,
    edge_table,
    graph_statistics,
    music_graph,
    shuffled,
    to_csr,
    write_edges,
)
from musig.playlists import Playlists
from musig.prefetch import above, lowest

N = 9
playlists_of_n = st.lists(st.lists(st.integers(0, N - 1), unique=True, max_size=N), max_size=25)


@counting.numba.njit
def larger_ones(array, position, threshold):
    bits, found = above(array, position, threshold), []
    while bits:
        found.append(position + lowest(bits))
        bits &= bits - np.uint64(1)
    return found


def ragged(lists):
    indptr = np.cumsum([0, *(len(tracks) for tracks in lists)])
    return indptr, np.array([t for tracks in lists for t in tracks], dtype=np.int32)


def by_definition(lists, n, min_weight):
    """The weight of a pair, playlist by playlist, as a dictionary."""
    sets = [set(tracks) for tracks in lists]
    weights = {
        (i, j): sum(i in tracks and j in tracks for tracks in sets)
        for i in range(n)
        for j in range(n)
        if i != j
    }
    return {pair: weight for pair, weight in weights.items() if weight > min_weight}


def as_dictionary(indptr, indices, weights):
    rows = np.repeat(np.arange(len(indptr) - 1), np.diff(indptr))
    return dict(zip(zip(rows.tolist(), indices.tolist(), strict=True), weights, strict=True))


def random_playlists(seed, n_tracks=300, n_playlists=400, longest=60):
    rng = np.random.default_rng(seed)
    chance = 1 / np.arange(1, n_tracks + 1)
    return Playlists.from_lists(
        rng.choice(n_tracks, rng.integers(0, longest), replace=False, p=chance / chance.sum())
        for _ in range(n_playlists)
    )


@given(playlists_of_n, st.integers(0, 4))
def test_weight_is_the_number_of_playlists_with_both(lists, min_weight):
    result = cooccurrence(*ragged(lists), N, min_weight)
    assert as_dictionary(*result) == by_definition(lists, N, min_weight)
    assert [array.dtype for array in result] == [np.int64, np.int32, np.int32]


@given(playlists_of_n)
def test_rows_are_sorted_without_loops_and_symmetric(lists):
    indptr, indices, weights = cooccurrence(*ragged(lists), N)
    dense = np.zeros((N, N), int)
    for row in range(N):
        columns = indices[indptr[row] : indptr[row + 1]]
        assert (np.diff(columns) > 0).all() and row not in columns
        dense[row, columns] = weights[indptr[row] : indptr[row + 1]]
    assert (dense == dense.T).all()


@pytest.mark.parametrize("min_weight", [0, 1, 5])
@pytest.mark.parametrize(
    ("n_tracks", "n_playlists", "longest"),
    [(300, 400, 60), (200, 9_000, 20), (20_000, 300, 60)],
    ids=["buffers grow", "many playlists", "thin rows"],
)
def test_equals_the_matrix_product(n_tracks, n_playlists, longest, min_weight):
    """Larger than the property above: rows thick and thin, several pieces, buffers that grow."""
    playlists = random_playlists(min_weight, n_tracks, n_playlists, longest)
    given = np.ones(len(playlists.tracks), np.int64), playlists.tracks, playlists.indptr
    member = sparse.csr_array(given, shape=(n_playlists, n_tracks))
    product = sparse.csr_array(member.T @ member)
    product.setdiag(0)
    product.data[product.data <= min_weight] = 0
    product.eliminate_zeros()
    product.sort_indices()
    found = cooccurrence(playlists.indptr, playlists.tracks, n_tracks, min_weight)
    assert len(found[1]) > 0
    for own, theirs in zip(found, (product.indptr, product.indices, product.data), strict=True):
        assert np.array_equal(own, theirs)


@pytest.mark.parametrize("others", [[], list(range(2, 20))], ids=["pair", "among others"])
@pytest.mark.parametrize("repeats", [255, 256, 65_535, 65_536, 70_000])
def test_counters_are_wide_enough(repeats, others):
    """Also where a block holds tracks that a row has no need to count."""
    lists = [[0, 1, *others]] * repeats
    n = 2 + len(others)
    _, indices, weights = cooccurrence(*ragged(lists), n)
    assert len(indices) == n * (n - 1) and (weights == repeats).all()
    assert len(cooccurrence(*ragged(lists), n, repeats - 1)[1]) == n * (n - 1)
    assert len(cooccurrence(*ragged(lists), n, repeats)[1]) == 0


def test_more_tracks_than_16_bits_can_name():
    n = 70_000
    indptr, indices, _ = cooccurrence(np.array([0, 3, n]), np.r_[[0, 9, n - 1], 3:n], n, 1)
    assert indptr[-1] == len(indices) == 2 * 1 and indices.tolist() == [n - 1, 9]


@pytest.mark.parametrize(
    "lists",
    [[], [[]], [[], [], []], [[3]], [[0], [1], [2]]],
    ids=["none", "empty", "empties", "one", "singles"],
)
def test_no_pair_no_edge(lists):
    indptr, indices, weights = cooccurrence(*ragged(lists), 4)
    assert indptr.tolist() == [0] * 5 and len(indices) == len(weights) == 0


@pytest.mark.parametrize("length", [1, 2, 7, 8, 9, 15, 16, 17, 31, 32, 33, 128, 129, 145, 300])
def test_playlists_that_end_at_about_a_block(length):
    """Whole and broken blocks, and more of them than are listed at once."""
    full, half = list(range(length)), list(range(0, length, 2))
    expected = np.full((length, length), 2)
    expected[np.ix_(half, half)] = 3
    np.fill_diagonal(expected, 0)
    indptr, indices, weights = cooccurrence(*ragged([full[::-1], half, [], full]), length)
    found = np.zeros_like(expected)
    found[np.repeat(full, np.diff(indptr)), indices] = weights
    assert (found == expected).all()


def test_playlists_that_are_sorted_some_at_a_time_are_counted_together():
    lists = [[7 + p % 5, 12, p % 7] for p in range(2 * counting.NEAR + 1)]
    found = as_dictionary(*cooccurrence(*ragged(lists), 13))
    p = np.arange(len(lists))
    for i in range(7):
        assert found[i, 12] == found[12, i] == (p % 7 == i).sum()
        for j in range(5):
            assert found[i, 7 + j] == ((p % 7 == i) & (p % 5 == j)).sum()


@given(st.lists(st.integers(0, 2**16 - 1), min_size=64, max_size=80), st.integers(0, 2**16 - 1))
@pytest.mark.parametrize("dtype", [np.uint16, np.uint32, np.uint64])
def test_above_says_which_numbers_are_larger(dtype, numbers, threshold):
    array, position = np.array(numbers, dtype), len(numbers) - 64
    found = larger_ones(array, position, dtype(threshold))
    assert found == [t for t in range(position, len(numbers)) if numbers[t] > threshold]


def test_no_track_at_all():
    assert cooccurrence(np.array([0]), np.empty(0, np.int32), 0)[0].tolist() == [0]


def test_a_threshold_above_every_weight_leaves_nothing():
    assert len(cooccurrence(*ragged([[0, 1], [0, 1]]), 2, 10**9)[1]) == 0


def test_a_repeated_track_is_outside_the_contract_and_dropped_before():
    """What the kernel needs, the container gives: a track once a playlist."""
    playlists = Playlists.from_lists([[0, 1, 0, 1, 1]])
    assert cooccurrence(playlists.indptr, playlists.tracks, 2)[2].tolist() == [1, 1]


def test_threads_do_not_change_the_result(monkeypatch):
    playlists = random_playlists(5)
    results = []
    for threads in (1, 3):
        monkeypatch.setattr(counting.numba, "get_num_threads", lambda n=threads: n)
        results.append(cooccurrence(playlists.indptr, playlists.tracks, 300, 1))
    for one, three in zip(*results, strict=True):
        assert (one == three).all()


@pytest.mark.parametrize(
    ("tracks", "n", "min_weight", "sentence"),
    [
        ([0, 1], 2, -1, r"min_weight is -1; expected 0 or more"),
        ([0, 5], 2, 0, r"track positions 0 to 5; expected 0 to 1"),
        ([-1, 1], 2, 0, r"track positions -1 to 1; expected 0 to 1"),
    ],
)
def test_refusals_are_sentences(tracks, n, min_weight, sentence):
    with pytest.raises(MusigError, match=sentence):
        cooccurrence(np.array([0, 2]), np.array(tracks), n, min_weight)


@given(playlists_of_n, st.integers(0, 2))
def test_data_and_csr_hold_the_same_graph(lists, min_weight):
    x = np.arange(N * 2).reshape(N, 2)
    ids = [f"t{i}" for i in range(N)]
    data = music_graph(Playlists.from_lists(lists), N, min_weight, x=x, track_ids=ids)
    truth = by_definition(lists, N, min_weight)
    pairs = [tuple(pair) for pair in data.edge_index.T.tolist()]
    assert pairs == sorted(truth) and data.edge_weight.tolist() == [truth[p] for p in pairs]
    assert data.num_nodes == N and data.track_id == ids
    assert data.x.dtype == data.edge_weight.dtype == torch.float32
    assert data.edge_index.dtype == torch.int64
    csr = to_csr(data)
    assert as_dictionary(csr.indptr.numpy(), csr.indices.numpy(), csr.weight.tolist()) == truth
    assert csr.n_rows == csr.n_cols == N and csr.degree.sum() == len(pairs)


@given(st.randoms())
def test_csr_does_not_depend_on_the_order_of_edges(random):
    data = music_graph(random_playlists(1, 40, 30, 12), 40, 0)
    order = list(range(len(data.edge_weight)))
    random.shuffle(order)
    mixed = data.clone()
    mixed.edge_index, mixed.edge_weight = data.edge_index[:, order], data.edge_weight[order]
    one, other = to_csr(data), to_csr(mixed)
    assert torch.equal(one.indptr, other.indptr) and torch.equal(one.indices, other.indices)
    assert torch.equal(one.weight, other.weight)


def test_a_graph_needs_a_row_a_track():
    playlists = Playlists.from_lists([[0, 1]])
    with pytest.raises(MusigError, match="x has 3 rows; expected one a track: 2"):
        music_graph(playlists, 2, 0, x=np.ones((3, 1)))
    with pytest.raises(MusigError, match="track_ids has 1 rows; expected one a track: 2"):
        music_graph(playlists, 2, 0, track_ids=["a"])


@settings(max_examples=30)
@given(playlists_of_n, st.integers(0, 2**32 - 1))
def test_shuffled_keeps_lengths_and_counts(lists, seed):
    playlists = Playlists.from_lists(lists)
    control = shuffled(playlists, np.random.default_rng(seed))
    assert (control.lengths == playlists.lengths).all()
    assert (control.counts(N) == playlists.counts(N)).all()
    assert all(len(set(control[i])) == len(control[i]) for i in range(len(control)))
    again = shuffled(playlists, np.random.default_rng(seed))
    assert (control.tracks == again.tracks).all()


def test_shuffled_forgets_who_was_with_whom():
    """Two worlds that never meet: in the control, a joint playlist is as likely as by chance."""
    rng = np.random.default_rng(0)
    playlists = Playlists.from_lists(
        rng.choice(100, 20, replace=False) + 100 * (p % 2) for p in range(200)
    )
    control = shuffled(playlists, rng)
    share = np.mean([(control[p] < 100).mean() for p in range(0, 200, 2)])
    assert share == pytest.approx(0.5, abs=0.04)  # 2000 draws: 3.6 standard deviations


def small_graph():
    return music_graph(
        Playlists.from_lists([[0, 1, 2], [1, 0], [3, 0]]), 5, 0, track_ids=["m", "é", "Z", "a", "q"]
    )


def test_edge_table_tells_each_edge_once():
    table = edge_table(small_graph())
    assert {tuple(row) for row in table.itertuples(index=False)} == {
        ("m", "é", 2),
        ("Z", "m", 1),
        ("Z", "é", 1),
        ("a", "m", 1),
    }
    assert (table.source < table.target).all() and table.weight.dtype == np.int64


def test_write_edges_is_the_table_in_pieces(tmp_path, monkeypatch):
    monkeypatch.setattr("musig.edges.ROWS", 3)
    path = tmp_path / "new" / "edges.parquet"
    assert write_edges(small_graph(), path) == 4
    pd.testing.assert_frame_equal(pd.read_parquet(path), edge_table(small_graph()))
    assert [file.name for file in path.parent.iterdir()] == ["edges.parquet"]


def test_write_edges_leaves_nothing_half_written(tmp_path):
    path = tmp_path / "edges.parquet"
    with pytest.raises(MusigError, match="2 names for the 5 tracks"):
        write_edges(small_graph(), path, track_ids=["a", "b"])
    assert list(tmp_path.iterdir()) == []
    nameless = music_graph(Playlists.from_lists([[0, 1]]), 2, 0)
    with pytest.raises(MusigError, match="no names for the 2 tracks"):
        edge_table(nameless)


def test_a_graph_without_edges_is_written_too(tmp_path):
    data = music_graph(Playlists.from_lists([[0]]), 2, 0, track_ids=["a", "b"])
    assert write_edges(data, tmp_path / "edges.parquet") == 0
    assert list(pd.read_parquet(tmp_path / "edges.parquet")) == ["source", "target", "weight"]


def test_statistics_of_a_known_graph():
    statistics = graph_statistics(small_graph())
    # a triangle 0-1-2 with a tail 0-3, and 4 alone: degrees 3, 2, 2, 1, 0
    assert statistics["nodes"] == 5 and statistics["edges"] == 4 and statistics["isolated"] == 1
    assert statistics["components"] == 1 and statistics["largest_component_share"] == 0.8
    assert statistics["mean_degree"] == 1.6 and statistics["max_degree"] == 3
    assert statistics["density"] == 0.4 and statistics["weight_max"] == 2
    # paths of length two: 3 at 0, 1 at 1, 1 at 2; three of the five are closed
    assert statistics["transitivity"] == pytest.approx(0.6, abs=0.01)


@pytest.mark.parametrize("n", [0, 1, 3])
def test_statistics_without_edges(n):
    statistics = graph_statistics(music_graph(Playlists.from_lists([]), n, 0))
    assert statistics["edges"] == 0 and statistics["isolated"] == n
    assert np.isnan(statistics["transitivity"]) and np.isnan(statistics["weight_median"])
