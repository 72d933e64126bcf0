"""Tables of the graph chapter, against their definitions and against the shuffled control."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from musig import graph
from musig.errors import MusigError
from musig.pages import mixing, neighbourhood
from musig.playlists import Playlists

LISTS = st.lists(
    st.lists(st.integers(0, 7), min_size=1, max_size=6, unique=True), min_size=1, max_size=12
)
LABELS = ["a", "b", "a", None, "b", "a", "c", "c"]


def made(lists, min_weight=0):
    playlists = Playlists.from_lists(lists)
    return playlists, graph.music_graph(playlists, 8, min_weight)


def pairs(lists):
    """Weight of every pair, the slow way."""
    return {
        (i, j): weight
        for i in range(8)
        for j in range(i + 1, 8)
        if (weight := sum({i, j} <= set(entries) for entries in lists))
    }


@given(LISTS)
def test_each_edge_is_listed_once(lists):
    assert sorted(neighbourhood.edge_weights(made(lists)[1])) == sorted(pairs(lists).values())


@given(LISTS, st.integers(0, 4))
def test_a_threshold_keeps_what_the_definition_says(lists, most):
    playlists = Playlists.from_lists(lists)
    indptr, _, weights = graph.cooccurrence(playlists.indptr, playlists.tracks, 8)
    table = neighbourhood.threshold_table(indptr, weights, most)
    found = pairs(lists)
    for threshold in range(most + 1):
        kept = {pair: weight for pair, weight in found.items() if weight > threshold}
        joined = {track for pair in kept for track in pair}
        row = table.loc[threshold]
        assert row["tracks with a neighbour"] == pytest.approx(len(joined) / 8)
        if found:
            assert row["edges"] == pytest.approx(len(kept) / len(found))
            whole = sum(kept.values()) / sum(found.values())
            assert row["total weight"] == pytest.approx(whole, abs=1e-12)


@given(LISTS)
def test_mixing_counts_weight_between_known_labels(lists):
    matrix = mixing.mixing_matrix(made(lists)[1], LABELS)
    found = {}
    for (i, j), weight in pairs(lists).items():
        if LABELS[i] and LABELS[j]:
            for ends in ((LABELS[i], LABELS[j]), (LABELS[j], LABELS[i])):
                found[ends] = found.get(ends, 0) + weight
    total = sum(found.values())
    for g in matrix.index:
        for h in matrix.columns:
            assert matrix.loc[g, h] * max(1, total) == pytest.approx(found.get((g, h), 0))
    assert not mixing.assortativity(matrix) > 1


def test_assortativity_is_one_within_labels_and_zero_by_chance():
    assert mixing.assortativity(pd.DataFrame(np.outer([0.2, 0.8], [0.2, 0.8]))) == pytest.approx(0)
    assert mixing.assortativity(pd.DataFrame(np.diag([0.3, 0.7]))) == pytest.approx(1)
    assert np.isnan(mixing.assortativity(pd.DataFrame([[1.0]])))
    assert np.isnan(mixing.assortativity(mixing.mixing_matrix(made([[0, 1]])[1], [None] * 8)))


def test_neighbours_come_heaviest_first_and_in_words():
    lists = [[0, 1], [0, 1, 2], [0, 3]]
    playlists, data = made(lists)
    tracks = pd.DataFrame({"name": list("abcdefgh")}, index=[f"t{i}" for i in range(8)])
    table = neighbourhood.neighbours(data, playlists, tracks, 0, rows=2)
    assert table["title"].tolist() == ["b", "c"]
    assert table["weight"].tolist() == [2, 1]


def test_what_popularity_alone_would_give_is_the_mean_over_shuffles():
    generator = np.random.default_rng(0)
    lists = [generator.choice(40, 5, replace=False) for _ in range(60)]
    playlists = Playlists.from_lists(lists)
    total = np.zeros((40, 40))
    for _ in range(200):
        control = graph.shuffled(playlists, generator)
        data = graph.music_graph(control, 40, 0)
        total[tuple(data.edge_index.numpy())] += data.edge_weight.numpy()
    i, j = np.triu_indices(40, 1)
    expected = neighbourhood.expected_weight(playlists, 40, i, j)
    assert total[i, j].sum() / 200 == pytest.approx(expected.sum(), rel=0.03)
    assert np.corrcoef(total[i, j], expected)[0, 1] > 0.95


def test_reach_counts_tracks_within_each_number_of_hops():
    data = made([[0, 1], [1, 2], [3, 4]])[1]
    assert neighbourhood.reach(data, 0, hops=3) == [2 / 8, 3 / 8, 3 / 8]


def test_a_track_is_found_by_id_drawn_by_weight_or_refused():
    ids, generator = pd.Index([f"t{i}" for i in range(8)]), np.random.default_rng(0)
    data = made([[0, 1], [0, 1]], min_weight=1)[1]
    assert neighbourhood.find_track(data, ids, "t5", generator) == 5
    assert neighbourhood.find_track(data, ids, "", generator) in (0, 1)
    with pytest.raises(MusigError, match=r"Track 'nope' is not in the graph"):
        neighbourhood.find_track(data, ids, "nope", generator)
    with pytest.raises(MusigError, match=r"no edge: lower min_weight"):
        neighbourhood.find_track(made([[0]])[1], ids, "", generator)


def test_the_planted_catalogue_joins_like_with_like_and_its_control_does_not(smoke_catalog):
    playlists, n = smoke_catalog.playlists, smoke_catalog.n_tracks
    control = graph.shuffled(playlists, np.random.default_rng(0))
    graphs = {"graph": playlists, "control": control}
    graphs = {name: graph.music_graph(each, n, 1) for name, each in graphs.items()}
    labels = smoke_catalog.tracks[["main_genre"]]
    table = mixing.compare(graphs, labels).set_index("measure")
    found = table.loc["assortativity by main_genre"]
    assert found["graph"] > 0.2 > 0.05 > abs(found["control"])
    share = {name: mixing.same_label_share(g, labels["main_genre"]) for name, g in graphs.items()}
    assert share["graph"].iloc[0] > share["control"].iloc[0]
    assert share["graph"].between(0, 1).all()
