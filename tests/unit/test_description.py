"""Tables of the first chapter: a catalogue described, whatever it lacks."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from musig.catalog import Catalog, Playlists
from musig.errors import MusigError
from musig.pages import attributes, description, tables
from musig.splits import Split, split_playlists

PARTS = {
    "name": ["<b>One</b>", None, "Three", "Four"],
    "artist": ["x", "x", "y", None],
    "main_genre": ["folk", "folk", "metal", None],
    "energy": [0.1, 0.3, 0.9, np.nan],
}


def catalog(columns=tuple(PARTS), lists=((0, 1), (0, 2), (0, 1, 2))):
    tracks = pd.DataFrame({name: PARTS[name] for name in columns}, index=list("abcd"))
    return Catalog(tracks, Playlists.from_lists(lists), "tiny")


def test_a_playlist_is_told_in_words_and_an_untitled_track_by_its_id():
    shown = description.playlist_table(catalog(), 2, rows=2)
    assert shown["title"].tolist() == ["<b>One</b>", "b"]
    assert shown["playlists"].tolist() == [3, 2]
    with pytest.raises(MusigError, match=r"Playlist 3 does not exist: tiny has 3, numbered 0 to 2"):
        description.playlist_table(catalog(), 3)


@pytest.mark.parametrize("columns", [(), ("name",), ("main_genre",), ("energy",), tuple(PARTS)])
def test_every_table_can_be_made_of_a_data_set_that_lacks_columns(columns):
    tiny = catalog(columns)
    split = Split(np.array([0, 1]), np.array([], dtype=np.int64), np.array([2]), 0, "by hand")
    shown = [
        description.playlist_table(tiny, 0),
        attributes.feature_table(tiny),
        attributes.feature_by_genre(tiny),
        attributes.genre_table(tiny),
        attributes.missing_by_popularity(tiny, 2),
        description.universe_table(tiny, split, [1, 2]),
    ]
    for table in shown:
        assert tables.show(table, "caption").data.startswith("<table")
    assert 0 <= description.seen_artist_share(tiny, split) <= 1 or "artist" not in columns
    assert np.isnan(attributes.one_genre_share(tiny)) or len(columns) == len(PARTS)


def test_what_is_missing_is_counted_by_popularity():
    lacking = attributes.missing_by_popularity(catalog(lists=[(0, 1), (0, 3)]), 3)
    assert lacking["genre"].tolist() == [0, 0, 1]  # a, b, d; c is in no playlist
    assert lacking["popularity"].tolist() == [1, 1, 1]  # the column is not there


def test_artists_of_one_genre_are_those_with_two_tracks_or_more():
    assert attributes.one_genre_share(catalog()) == 1.0


def test_a_genre_differs_from_the_mean_of_all():
    table = attributes.feature_by_genre(catalog())
    assert table.loc["metal", "energy"] > 0 > table.loc["folk", "energy"]


@given(st.lists(st.integers(0, 30), min_size=1, max_size=40))
def test_the_head_takes_a_share_that_grows_with_its_size(counts):
    counts = np.array(counts)
    shares = [description.head_share(counts, share) for share in (0.01, 0.5, 1.0)]
    assert shares == sorted(shares)
    assert shares[-1] == (1.0 if counts.any() else 0.0)


@pytest.mark.parametrize("exponent", [0.5, 1.0, 1.5])
def test_the_exponent_of_a_power_law_is_found(exponent):
    counts = 1e6 * np.arange(1, 2001) ** -exponent
    assert description.zipf_exponent(counts) == pytest.approx(exponent, abs=1e-6)
    assert np.isnan(description.zipf_exponent(np.array([3, 2, 1])))


def test_a_threshold_keeps_what_the_definition_says(smoke_catalog):
    split = split_playlists(smoke_catalog, 0)
    table = description.universe_table(smoke_catalog, split, [1, 3, 9])
    counts = smoke_catalog.playlists.subset(split.train).counts(smoke_catalog.n_tracks)
    tested = np.concatenate([smoke_catalog.playlists[i] for i in split.test])
    for threshold in table.index:
        assert table.loc[threshold, "tracks"] == (counts >= threshold).sum() / (counts > 0).sum()
        assert table.loc[threshold, "test entries"] == (counts[tested] >= threshold).mean()


def test_text_from_data_is_escaped_wherever_it_is_shown():
    odd = "<script>&\"'"
    shown = tables.show(pd.DataFrame({odd: [odd], "tags": [[odd, "b"]]}), odd).data
    assert "<script>" not in shown and shown.count("&lt;script&gt;") == 4
    named = Catalog(pd.DataFrame(index=["a"]), Playlists.from_lists([[0]]), odd, (odd,))
    assert "<script>" not in tables.source_note(named).data


def test_only_the_embedded_catalogue_is_called_synthetic(smoke_catalog):
    assert "synthetic" in tables.source_note(smoke_catalog).data
    assert "synthetic" not in tables.source_note(catalog()).data
