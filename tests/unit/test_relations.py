"""Relations: what joins whom, from training playlists only, and what the data do not have."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from musig import relations
from musig.catalog import Catalog
from musig.errors import MusigError
from musig.playlists import Playlists
from musig.relations import (
    RELATIONS,
    TRACK,
    Links,
    relation_graph,
    rows_of,
    with_relations,
)
from musig.splits import Split, split_playlists
from musig.training_data import prepare
from musig.validation import FEATURES

BETWEEN_TRACKS = ("playlist", "artist", "album", "audio", "consecutive")


@pytest.fixture(scope="module")
def data(smoke_catalog):
    return prepare(smoke_catalog, split_playlists(smoke_catalog, seed=0))


@pytest.fixture(scope="module")
def graph(data):
    return relation_graph(data)


def small(lists, valid=((0, 1, 2, 3),), min_weight=0, **columns):
    """Training data of a few playlists: all train but the last, which validates."""
    n = max(map(max, [*lists, *valid])) + 1
    tracks = pd.DataFrame(columns, index=pd.Index([f"t{k}" for k in range(n)], name="track_id"))
    playlists = Playlists.from_lists([*lists, *valid])
    train, held = np.arange(len(lists)), np.arange(len(lists), len(playlists))
    split = Split(train, held, np.empty(0, np.int64), seed=0, name="test")
    catalog = Catalog(tracks, playlists, "small")
    return prepare(
        catalog, split, min_playlists=0, min_weight=min_weight, groups=("POPULARITY",)
    )  # fmt: skip


def pairs(links):
    return set(zip(links.source.tolist(), links.target.tolist(), strict=True))


def test_the_papers_relation_is_the_music_graph(data, graph):
    csr = rows_of(graph.hetero)[TRACK, "by_playlist", TRACK]
    for part in ("indptr", "indices", "weight"):
        assert torch.equal(getattr(csr, part), getattr(data.csr, part)), part


@pytest.mark.parametrize("name", BETWEEN_TRACKS)
def test_both_directions_are_there_and_no_loops(data, name):
    links = RELATIONS[name](data, 10)
    found = pairs(links)
    assert len(found) == len(links.source) > 0  # each once
    assert found == {(b, a) for a, b in found} and all(a != b for a, b in found)
    assert links.weight.dtype == np.float32 and (links.weight > 0).all()
    assert len(links.weight) == len(links.target)


def test_edges_are_sorted_by_receiver_and_both_ways_between_types(graph):
    for edge in graph.hetero.edge_types:
        senders, receivers = graph.hetero[edge].edge_index
        place = receivers * (int(senders.max()) + 1) + senders
        assert (place.diff() > 0).all()
        sender, label, receiver = edge
        back = graph.hetero[receiver, label, sender].edge_index
        assert set(map(tuple, back.flip(0).T.tolist())) == set(
            map(tuple, graph.hetero[edge].edge_index.T.tolist())
        )


def test_by_artist_joins_all_tracks_of_an_artist():
    data = small([[0, 1, 2, 3]], artist=["Can", "can", None, "Neu!"])
    assert pairs(RELATIONS["artist"](data, 10)) == {(0, 1), (1, 0)}
    assert RELATIONS["artist"](small([[0, 1, 2, 3]], artist=list("abcd")), 10) == (
        "no two tracks are by one artist"
    )


def test_an_album_is_one_of_an_artist():
    """Many albums have the same name, and a missing name is no album."""
    data = small(
        [[0, 1, 2, 3]], valid=((0, 1, 2, 3, 4, 5),),
        artist=["A", "A", "B", "B", "A", "A"],
        album=["Greatest Hits", "greatest hits", "Greatest Hits", None, None, None],
    )  # fmt: skip
    assert pairs(RELATIONS["album"](data, 10)) == {(0, 1), (1, 0)}


def test_by_audio_joins_the_nearest(data):
    k = 3
    links = RELATIONS["audio"](data, k)
    tracks = data.catalog.tracks[list(FEATURES)].to_numpy(float)
    complete = np.flatnonzero(~np.isnan(tracks).any(axis=1))
    fit = np.setdiff1d(complete, np.flatnonzero(data.held_out))
    x = (tracks - tracks[fit].mean(0)) / tracks[fit].std(0)
    far = ((x[complete][:, None] - x[complete][None]) ** 2).sum(-1)
    np.fill_diagonal(far, np.inf)
    nearest = complete[np.argsort(far, axis=1)[:, :k]]
    expected = {(a, b) for a, some in zip(complete, nearest, strict=True) for b in some}
    assert pairs(links) == expected | {(b, a) for a, b in expected}


def test_tracks_that_sound_the_same_are_joined_and_never_with_themselves():
    columns = {name: [0.5, 0.5, 0.5, 0.1] for name in FEATURES}
    data = small([[0, 1, 2, 3]], **columns)
    if data.held_out.all():  # of four tracks without artist each is its own
        pytest.skip("all are held out")
    links = RELATIONS["audio"](data, 1)
    assert all(a != b for a, b in pairs(links)) and {a for a, _ in pairs(links)} == {0, 1, 2, 3}
    many = RELATIONS["audio"](data, 99)  # more than there are
    assert len(pairs(many)) == 12


def test_by_order_counts_who_follows_whom():
    data = small([[0, 1, 2], [2, 1, 0], [1, 3]])
    links = RELATIONS["consecutive"](data, 10)
    found = dict(zip(zip(links.source, links.target, strict=True), links.weight, strict=True))
    expected = {(0, 1): 2, (1, 2): 2, (1, 3): 1}
    assert found == expected | {(b, a): w for (a, b), w in expected.items()}


@settings(max_examples=25)
@given(lists=st.lists(st.lists(st.integers(0, 7), min_size=1, max_size=6), min_size=1, max_size=6))
def test_playlists_are_nodes_of_whoever_is_in_them(lists):
    data = small([*lists, [0, 7]])
    links = RELATIONS["playlist_nodes"](data, 10)
    several = [sorted(set(each)) for each in [*lists, [0, 7]] if len(set(each)) > 1]
    assert links.node_type == "playlist" and len(links.names) == len(several)
    found = [sorted(links.source[links.target == node].tolist()) for node in range(len(several))]
    assert found == several


def test_artists_are_nodes_where_they_have_two_tracks():
    data = small([[0, 1, 2, 3]], artist=["A", "B", "A", None], artist_id=["1", "2", "1", None])
    links = RELATIONS["artist_nodes"](data, 10)
    assert (links.source.tolist(), links.target.tolist(), links.names) == ([0, 2], [0, 0], ("A",))


def test_no_relation_sees_a_playlist_that_validates_or_tests(data):
    """With all of them emptied every relation is what it was."""
    playlists = data.catalog.playlists
    emptied = [
        entries if n in set(data.split.train) else entries[:0]
        for n, entries in enumerate(map(playlists.__getitem__, range(len(playlists))))
    ]
    other = Playlists.from_lists(emptied, playlists.ids, playlists.names)
    blind = replace(data, catalog=replace(data.catalog, playlists=other))
    one, two = with_relations(data), with_relations(blind)
    assert one.settings["edges"] == two.settings["edges"]


def test_what_the_data_lack_is_a_sentence():
    graph = relation_graph(small([[0], [1], [2], [3]]))
    assert graph.hetero.edge_types == []
    assert graph.absent == {
        "playlist": "no two tracks share enough playlists",
        "artist": "no track has an artist",
        "album": "no track has an album",
        "audio": "fewer than two tracks have all nine audio features",
        "consecutive": "no training playlist has two tracks",
        "artist_nodes": "no track has an artist",
        "playlist_nodes": "no training playlist has two tracks",
    }
    alone = small([[0, 1, 2, 3]], artist=list("abcd"), album=list("abcd"))
    told = relation_graph(alone, ["playlist", "album", "artist_nodes"])
    assert told.hetero.edge_types == [(TRACK, "by_playlist", TRACK)]
    assert told.absent == {
        "album": "no two tracks are of one album",
        "artist_nodes": "no two tracks are by one artist",
    }


def test_names_are_checked_and_their_order_is_nothing(data):
    with pytest.raises(MusigError, match=r"Unknown relation 'artists': did you mean 'artist'"):
        relation_graph(data, ["artists"])
    with pytest.raises(MusigError, match=r"relations is the text 'artist'; expected a list"):
        relation_graph(data, "artist")
    with pytest.raises(MusigError, match=r"neighbours is 0; expected a number above 0"):
        relation_graph(data, ["audio"], neighbours=0)
    one, two = (with_relations(data, names) for names in (["audio", "album"], ["album", "audio"]))
    assert one.settings == two.settings and one.fingerprint == two.fingerprint


def test_the_fingerprint_knows_the_edges(data, monkeypatch):
    def linked(to):
        def made(data, neighbours):
            ends = np.array([0, to]), np.array([to, 0])
            return Links(*ends, np.ones(2, np.float32))

        return made

    seen = {data.fingerprint, with_relations(data, ["playlist"]).fingerprint}
    for to in (1, 2):  # as a notebook does that changes its function
        monkeypatch.setitem(relations.RELATIONS, "mine", linked(to))
        seen.add(with_relations(data, ["mine"]).fingerprint)
    seen |= {with_relations(data, ["audio"], neighbours=k).fingerprint for k in (3, 4)}
    assert len(seen) == 6
