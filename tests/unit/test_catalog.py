import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from musig.catalog import (
    FEATURES,
    Catalog,
    Playlists,
    Problem,
    distinct,
    universe,
    validate,
)
from musig.errors import MusigError

N_TRACKS = 7
ragged = st.lists(st.lists(st.integers(0, N_TRACKS - 1), max_size=9), max_size=8)


def make(lists, **columns):
    index = pd.Index([f"t{i}" for i in range(N_TRACKS)], name="track_id")
    return Catalog(pd.DataFrame(columns, index=index), Playlists.from_lists(lists), "made")


@given(ragged)
def test_from_lists_keeps_order_and_drops_repeats(lists):
    playlists = Playlists.from_lists(lists)
    assert [playlists[i].tolist() for i in range(len(playlists))] == [
        list(dict.fromkeys(entries)) for entries in lists
    ]
    assert playlists.tracks.dtype == np.int32
    assert playlists.indptr.dtype == np.int64


@given(ragged)
def test_distinct_counts_what_it_drops(lists):
    lengths = [len(entries) for entries in lists]
    indptr = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    flat = np.array([track for entries in lists for track in entries], dtype=np.int32)
    shorter, kept, dropped = distinct(indptr, flat)
    assert dropped.tolist() == [len(entries) - len(set(entries)) for entries in lists]
    assert len(kept) == shorter[-1] == len(flat) - dropped.sum()


@given(ragged, st.data())
def test_subset_is_the_chosen_lists(lists, data):
    playlists = Playlists.from_lists(lists)
    chosen = data.draw(st.permutations(range(len(lists))))[: len(lists) // 2]
    subset = playlists.subset(np.array(chosen, dtype=int))
    assert [subset[i].tolist() for i in range(len(subset))] == [
        playlists[i].tolist() for i in chosen
    ]
    assert subset.ids.tolist() == chosen


@given(ragged)
def test_counts_are_numbers_of_playlists(lists):
    counts = Playlists.from_lists(lists).counts(N_TRACKS)
    assert counts.tolist() == [sum(t in entries for entries in lists) for t in range(N_TRACKS)]


@given(ragged, st.sets(st.integers(0, N_TRACKS - 1)))
def test_restrict_keeps_all_playlists_and_only_these_tracks(lists, kept):
    positions = np.array(sorted(kept), dtype=int)
    small = make(lists).restrict(positions)
    assert small.tracks.index.tolist() == [f"t{i}" for i in positions]
    assert len(small.playlists) == len(lists)
    for i, entries in enumerate(lists):
        expected = [t for t in dict.fromkeys(entries) if t in kept]
        assert positions[small.playlists[i]].tolist() == expected


def test_restrict_wants_ascending_positions():
    with pytest.raises(MusigError, match=r"of .* to keep are given out of order or twice: give"):
        make([[0]]).restrict(np.array([3, 1]))


def test_indexing_knows_both_ends():
    playlists = Playlists.from_lists([[1], [2, 3]])
    assert playlists[-1].tolist() == [2, 3]
    with pytest.raises(IndexError):
        playlists[2]
    assert [entries.tolist() for entries in playlists] == [[1], [2, 3]]


def test_ids_and_names_are_kept_as_given():
    playlists = Playlists.from_lists([[0], [1]], ids=["a", "b"], names=["<b>", None])
    assert playlists.ids.tolist() == ["a", "b"]
    assert playlists.names.tolist() == ["<b>", None]


@given(ragged, st.integers(1, 4))
def test_universe_counts_training_playlists_only(lists, min_playlists):
    catalog, train = make(lists), np.arange(0, len(lists), 2)
    counts = [sum(t in lists[i] for i in train) for t in range(N_TRACKS)]
    expected = [t for t in range(N_TRACKS) if counts[t] >= min_playlists]
    if expected:
        assert universe(catalog, train, min_playlists).tolist() == expected
    else:
        with pytest.raises(MusigError, match=r"at best \d+\): lower min_playlists"):
            universe(catalog, train, min_playlists)


def test_fingerprint_sees_every_part_and_nothing_else():
    base = make([[0, 1], [2]], energy=0.5, name="Träume", genres=[["a"]] * N_TRACKS)
    same = Catalog(
        base.tracks[["name", "genres", "energy"]].copy(), base.playlists, "other", ("n",)
    )
    assert same.fingerprint == base.fingerprint
    assert len(base.fingerprint) == 64
    changed = [
        make([[1, 0], [2]], energy=0.5, name="Träume", genres=[["a"]] * N_TRACKS),
        make([[0], [1, 2]], energy=0.5, name="Träume", genres=[["a"]] * N_TRACKS),
        make([[0, 1], [2]], energy=0.6, name="Träume", genres=[["a"]] * N_TRACKS),
        make([[0, 1], [2]], energy=np.nan, name="Träume", genres=[["a"]] * N_TRACKS),
        make([[0, 1], [2]], energy=0.5, name=None, genres=[["a"]] * N_TRACKS),
        make([[0, 1], [2]], energy=0.5, name="Träume", genres=[["a", "b"]] * N_TRACKS),
        make([[0, 1], [2]], energy=0.5, name="Träume"),
    ]
    assert len({catalog.fingerprint for catalog in [base, *changed]}) == len(changed) + 1


def test_fingerprint_of_unknown_genres_is_one():
    empty = make([[0]], genres=[[] for _ in range(N_TRACKS)])
    none = make([[0]], genres=[None] * N_TRACKS)
    assert empty.fingerprint == none.fingerprint


def test_a_good_catalogue_has_no_problem():
    columns = dict.fromkeys(FEATURES, 0.5) | {"loudness": -7.0, "popularity": 0.0, "name": "x"}
    columns["popularity"] = [0.0, np.nan, 100.0, 50.0, 1.0, 2.0, 3.0]
    assert validate(make([[0, 1]], **columns)) == []


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("energy", 1.5, "column energy: found 1.5; expected a number in [0, 1]"),
        ("valence", -0.1, "column valence: found -0.1; expected a number in [0, 1]"),
        ("loudness", 6.5, "column loudness: found 6.5; expected a number in [-100, 6]"),
        ("tempo", 301.0, "column tempo: found 301; expected a number in [0, 300]"),
        ("tempo", np.inf, "column tempo: found inf; expected a number in [0, 300]"),
        ("popularity", -1.0, "column popularity: found -1; expected a number in [0, 100]"),
        ("acoustic_3", -np.inf, "column acoustic_3: found -inf; expected a finite number"),
    ],
)
def test_a_value_out_of_range_is_an_error_with_its_place(column, value, message):
    values = [np.nan] * N_TRACKS
    values[4] = value
    (problem,) = (p for p in validate(make([[0]], **{column: values})) if p.level == "error")
    assert problem.row == 5
    assert str(problem).startswith(f"error: tracks, row 5, {message}")
    assert "nothing if unknown" in str(problem)


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"loudness": 0.5}, "column loudness: found 7 values above 0 dB, the highest 0.500"),
        ({"tempo": 0.0}, "column tempo: found the value 0 (count: 7)"),
        ({"popularity": 0.0}, "found 0 for 100% of the tracks and unknown for none"),
        ({"energy": 0.5, "valence": np.nan}, "NaN in some but not all audio features of 7 tracks"),
        ({"n_playlists": 3.0}, "column n_playlists: found a column of an unknown name"),
    ],
)
def test_oddities_are_warnings(columns, message):
    (problem,) = validate(make([[0]], **columns))
    assert problem.level == "warning"
    assert message in str(problem)


def test_unknown_is_never_a_problem():
    nothing = dict.fromkeys((*FEATURES, "popularity", "main_genre"), np.nan)
    assert validate(make([[0]], **nothing)) == []


def test_broken_structure_is_told():
    tracks = pd.DataFrame(index=pd.Index(["a", "b", "a"], name="track_id"))
    playlists = Playlists(
        ids=np.array([5, 5, 6]),
        names=np.full(3, None, dtype=object),
        indptr=np.array([0, 2, 2, 4]),
        tracks=np.array([0, 0, 1, 9], dtype=np.int32),
    )
    told = [str(problem) for problem in validate(Catalog(tracks, playlists, "made"))]
    assert told == [
        "error: tracks, row 3, column track_id: found 'a'; expected each id once.",
        "error: playlists, row 2, column pid: found 5; expected each id once.",
        "error: playlists, playlist 5: found no track; expected at least one track.",
        "error: playlists, playlist 6, column track_id: found position 9; "
        "expected a position from 0 to 2.",
        "error: playlists, playlist 5, column track_id: found 1 repeat of a track; "
        "expected each track once.",
    ]


def test_a_problem_is_one_sentence():
    problem = Problem("warning", "a.csv", "line 3, column 9", None, "x", "y")
    assert str(problem) == "warning: a.csv, line 3, column 9: found x; expected y."
