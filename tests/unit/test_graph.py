"""The music graph says what its definition says, whatever the playlists."""

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

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

N = 9
playlists_of_n = st.lists(st.lists(st.integers(0, N - 1), unique=True, max_size=N), max_size=25)


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


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("min_weight", [0, 1, 5])
def test_equals_the_matrix_product(seed, min_weight):
    """Larger than the property above: rows thick and thin, several pieces, buffers that grow."""
    playlists = random_playlists(seed)
    member = np.zeros((len(playlists), 300), np.int64)
    member[np.repeat(np.arange(len(playlists)), playlists.lengths), playlists.tracks] = 1
    product = member.T @ member
    np.fill_diagonal(product, 0)
    product[product <= min_weight] = 0
    indptr, indices, weights = cooccurrence(playlists.indptr, playlists.tracks, 300, min_weight)
    found = np.zeros_like(product)
    found[np.repeat(np.arange(300), np.diff(indptr)), indices] = weights
    assert (found == product).all()


@pytest.mark.parametrize("repeats", [255, 256, 65_535, 65_536, 70_000])
def test_counters_are_wide_enough(repeats):
    lists = [[0, 1]] * repeats
    _, indices, weights = cooccurrence(*ragged(lists), 2)
    assert indices.tolist() == [1, 0] and weights.tolist() == [repeats, repeats]
    assert len(cooccurrence(*ragged(lists), 2, repeats - 1)[1]) == 2
    assert len(cooccurrence(*ragged(lists), 2, repeats)[1]) == 0


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
