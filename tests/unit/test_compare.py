"""Other playlists: what is learned from, what is refused, and what the rows mean."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from musig import compare as comparing
from musig import methods
from musig.catalog import Catalog, Playlists, universe
from musig.compare import compare, prepared, records
from musig.completion import evaluate, holdout
from musig.errors import MusigError
from musig.splits import split_playlists


@pytest.fixture(scope="module")
def halves(smoke_catalog):
    """Two catalogues of the same tracks, of which they know different ones."""
    first, second = np.arange(0, 400), np.arange(400, 600)
    playlists = smoke_catalog.playlists
    data = replace(smoke_catalog, playlists=playlists.subset(first), name="data")
    order = np.random.default_rng(0).permutation(smoke_catalog.n_tracks)[:-20]
    test = replace(smoke_catalog, playlists=playlists.subset(second), name="test")
    test = test.restrict(np.sort(order))  # other numbers for the same ids
    return data, test


def ids_of(catalog, playlists, row):
    return catalog.tracks.index[playlists[row]].tolist()


def test_without_a_test_a_tenth_of_the_data_is_completed(smoke_catalog):
    data = prepared(smoke_catalog, min_playlists=3, seed=4)
    split = split_playlists(smoke_catalog, 4)
    tracks = universe(smoke_catalog, split.train, 3)
    assert data.split.test.tolist() == split.test.tolist()
    assert data.catalog.n_tracks == len(tracks)
    expected = holdout(smoke_catalog, tracks, split.test, 4)
    assert data.held.seeds.tracks.tolist() == expected.seeds.tracks.tolist()
    assert data.held.playlist.tolist() == expected.playlist.tolist()


def test_with_a_test_all_of_the_data_is_learned_from_but_a_tenth(halves):
    data, test = halves
    made = prepared(data, test, min_playlists=3)
    assert (len(made.split.train), len(made.split.valid), len(made.split.test)) == (360, 40, 0)
    assert len(made.catalog.playlists) == 400
    known = made.catalog.tracks.index
    for row, position in enumerate(made.held.playlist):
        whole = set(test.tracks.index[test.playlists[position]])
        seeds = set(known[made.held.seeds[row]])
        targets = set(known[made.held.targets[row]])
        assert seeds and targets and not seeds & targets
        assert seeds | targets == whole & set(known)


def test_what_is_dropped_and_skipped_is_counted(halves):
    data, test = halves
    lists = [test.playlists[row] for row in range(3)]
    new = [test.n_tracks, test.n_tracks + 1]
    index = test.tracks.index.append(pd.Index(["new1", "new2"]))
    lists += [np.array(new), np.array([lists[0][0], new[0]])]
    small = Catalog(pd.DataFrame(index=index), Playlists.from_lists(lists), "small")
    made = prepared(data, small, min_playlists=1)
    assert len(made.held) == 3 and made.held.skipped == 2
    assert "2 tracks (3 of " in made.notes[-1]
    assert "2 of 5 playlists have fewer than two others: skipped." in made.notes[-1]


def test_tracks_of_the_test_alone_are_misses_of_recall_all(halves):
    data, test = halves
    index = test.tracks.index.append(pd.Index([f"new{k}" for k in range(4)]))
    some = test.playlists[0]
    lists = [np.concatenate([some, np.arange(4) + test.n_tracks])]
    small = Catalog(pd.DataFrame(index=index), Playlists.from_lists(lists), "small")
    assert prepared(data, small, min_playlists=1).held.outside.tolist() == [2]


def test_a_test_without_a_track_of_the_data_is_refused(halves):
    data, test = halves
    index = pd.Index([f"x{k}" for k in range(test.n_tracks)])
    other = replace(test, tracks=test.tracks.set_axis(index))
    with pytest.raises(MusigError, match=r"^test shares no track with data: expected .* 'x0'\.$"):
        prepared(data, other, min_playlists=3)


def test_a_test_that_was_learned_from_is_refused(halves, smoke_catalog):
    data, _ = halves
    with pytest.raises(MusigError, match=r"^400 playlists of the test data .*same id and the same"):
        prepared(data, data, min_playlists=3)
    one = replace(data, playlists=data.playlists.subset(np.array([7])), name="one")
    with pytest.raises(MusigError, match=r"^1 playlist of the test one \('7' is one\) would be"):
        prepared(data, one, min_playlists=3)
    shuffled = [np.random.default_rng(row).permutation(data.playlists[row]) for row in range(50)]
    renamed = Playlists.from_lists(shuffled, ids=[f"p{k}" for k in range(50)])
    with pytest.raises(MusigError, match=r"^50 playlists of the test r .*of the same tracks\."):
        prepared(data, replace(data, playlists=renamed, name="r"), min_playlists=3)


def test_single_lists_that_are_alike_are_kept_and_said(halves):
    data, test = halves
    index = data.tracks.index
    lists = [index.get_indexer(ids_of(test, test.playlists, row)) for row in range(30)]
    lists.append(data.playlists[5])
    ids = [f"p{k}" for k in range(31)]
    mixed = Catalog(pd.DataFrame(index=index), Playlists.from_lists(lists, ids=ids), "mixed")
    made = prepared(data, mixed, min_playlists=1)
    assert made.notes[0].startswith("1 playlist of mixed ('p30' is one) and some of data have")
    assert len(made.held) == 31


def test_a_row_is_the_mean_over_trainings_playlist_by_playlist(smoke_catalog):
    data = prepared(smoke_catalog, min_playlists=3)
    told = []
    found = compare(data, ["random", "popularity"], seeds=(0, 1, 2), say=told.append)
    values = []
    for seed in (0, 1, 2):
        method = methods.make("random", seed=seed).fit(data.catalog, data.split)
        result = evaluate(method, data.held, data.catalog, split=data.split)
        values.append(result.values("recall@100").to_numpy())
    rows = found.table.set_index(["method", "metric"])
    assert rows.loc[("random", "recall@100"), "mean"] == pytest.approx(np.mean(values))
    assert set(rows["n"]) == {len(data.held)} and set(rows["seed_count"]) == {3}
    assert len(told) == 4  # popularity is the same for any seed
    assert list(found.seconds) == ["random", "popularity"] and not found.failed


def test_a_method_that_fails_costs_the_others_nothing(smoke_catalog, monkeypatch):
    real = methods.make

    def fails(name, *rest, **named):
        if name == "itemknn":
            raise MusigError("No.")
        return real(name, *rest, **named)

    monkeypatch.setattr(comparing.methods, "make", fails)
    found = compare(prepared(smoke_catalog, min_playlists=3), ["itemknn", "popularity"])
    assert found.failed == {"itemknn": "No."}
    assert found.shown()["method"].tolist() == ["popularity"]
    none = compare(prepared(smoke_catalog, min_playlists=3), ["itemknn"])
    assert none.table.empty and list(none.failed) == ["itemknn"]


def test_what_is_shown_has_means_and_intervals(smoke_catalog):
    found = compare(prepared(smoke_catalog, min_playlists=3), ["popularity"])
    shown = found.shown()
    assert list(shown) == ["method", *comparing.SHOWN, "seconds"]
    row = found.table.set_index("metric").loc["ndcg@100"]
    assert shown["ndcg@100"][0] == f"{row['mean']:.3f} [{row['low']:.3f}, {row['high']:.3f}]"
    assert all(isinstance(row["mean"], float) for row in records(found.table))
