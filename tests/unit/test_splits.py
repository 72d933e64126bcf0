import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from musig.catalog import Catalog, Playlists
from musig.errors import MusigError
from musig.splits import Split, artist_groups, fold_playlists, split_artists, split_playlists


@given(st.integers(10, 300), st.integers(0, 5))
def test_a_split_is_a_partition(n, seed):
    split = split_playlists(n, seed)
    parts = [split.train, split.valid, split.test]
    assert sorted(np.concatenate(parts).tolist()) == list(range(n))
    for part, share in zip(parts, (0.8, 0.1, 0.1), strict=True):
        assert part.dtype == np.int64
        assert (np.diff(part) > 0).all()
        assert abs(len(part) - share * n) <= 1.0


def test_a_split_depends_on_its_seed_only(smoke_catalog):
    n = len(smoke_catalog.playlists)
    assert split_playlists(smoke_catalog, 3).test.tolist() == split_playlists(n, 3).test.tolist()
    assert split_playlists(n, 3).test.tolist() != split_playlists(n, 4).test.tolist()


@pytest.mark.parametrize("fractions", [(0.8, 0.1), (0.9, 0.2, -0.1), (0.5, 0.1, 0.1)])
def test_fractions_that_are_none_are_refused(fractions):
    with pytest.raises(MusigError, match="give three numbers of at least 0 whose sum is 1"):
        split_playlists(10, 0, fractions)


def test_a_split_without_training_is_refused():
    with pytest.raises(MusigError, match=r"^Of 1 playlist, .* leave none for training: use"):
        split_playlists(1, 0, (0.0, 0.5, 0.5))


@given(st.integers(20, 300), st.integers(2, 9), st.integers(0, 5))
def test_folds_are_partitions_and_every_playlist_is_a_test_once(n, folds, seed):
    splits = [fold_playlists(n, fold, folds, seed) for fold in range(folds)]
    tests = np.concatenate([split.test for split in splits])
    assert sorted(tests.tolist()) == list(range(n))
    for fold, split in enumerate(splits):
        parts = [split.train, split.valid, split.test]
        assert sorted(np.concatenate(parts).tolist()) == list(range(n))
        assert all(part.dtype == np.int64 and (np.diff(part) > 0).all() for part in parts)
        assert len(split.test) in (n // folds, -(-n // folds))
        assert abs(len(split.valid) - n / 10) <= 0.5
        assert (split.name, split.seed) == (f"fold {fold + 1} of {folds}", seed)


def test_folds_depend_on_their_seed_and_number_only(smoke_catalog):
    n = len(smoke_catalog.playlists)
    one, other = fold_playlists(smoke_catalog, 2, seed=3), fold_playlists(n, 2, seed=3)
    for key in ("train", "valid", "test"):
        assert getattr(one, key).tolist() == getattr(other, key).tolist()
    assert one.test.tolist() != fold_playlists(n, 2, seed=4).test.tolist()
    assert one.valid.tolist() != fold_playlists(n, 3, seed=3).valid.tolist()
    bare = fold_playlists(n, 2, seed=3, valid=0)
    assert len(bare.valid) == 0 and bare.test.tolist() == one.test.tolist()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((10, 5), r"^There is no fold 5 of 5: give two folds or more, and a fold from 0"),
        ((10, -1), "There is no fold -1 of 5"),
        ((10, 0, 1), "There is no fold 0 of 1"),
        ((3, 0), r"^3 playlists cannot be cut into 5 folds: use fewer folds or more"),
        ((10, 0, 2, 0, 1.0), r"share of validation playlists is 1.0; expected one in \[0, 1\)"),
        ((10, 0, 2, 0, 0.5), "leave none for training: use more folds or a smaller share"),
    ],
)
def test_folds_that_cannot_be_are_refused(arguments, says):
    with pytest.raises(MusigError, match=says):
        fold_playlists(*arguments)


def test_a_split_is_saved_and_loaded(tmp_path):
    split = split_playlists(50, 7, (0.6, 0.2, 0.2))
    split.save(tmp_path / "split.json")
    again = Split.load(tmp_path / "split.json")
    for key in ("train", "valid", "test"):
        assert getattr(again, key).tolist() == getattr(split, key).tolist()
    assert (again.seed, again.name) == (7, "playlists 60/20/20")
    assert [path.name for path in tmp_path.iterdir()] == ["split.json"]


@pytest.mark.parametrize("content", ["", "[]", '{"train": [1]}', '{"train": "x"}'])
def test_what_is_no_split_is_refused(tmp_path, content):
    (tmp_path / "split.json").write_text(content)
    with pytest.raises(MusigError, match=r"split.json is not a saved split"):
        Split.load(tmp_path / "split.json")


def catalogue(**columns):
    tracks = pd.DataFrame(columns)
    tracks.index = pd.Index([f"t{i}" for i in range(len(tracks))], name="track_id")
    return Catalog(tracks, Playlists.from_lists([[0]]), "made")


letters = st.one_of(st.none(), st.sampled_from("abcdefg"))


@given(st.lists(st.tuples(letters, letters), min_size=1, max_size=30))
def test_tracks_that_share_an_id_or_a_name_are_by_one_artist(pairs):
    tracks = pd.DataFrame(pairs, columns=["artist_id", "artist"], dtype="str")
    groups = artist_groups(tracks)
    # the slow version: merge until nothing changes
    slow = list(range(len(pairs)))
    for _ in pairs:
        for i, one in enumerate(pairs):
            for j, other in enumerate(pairs):
                if any(a is not None and a == b for a, b in zip(one, other, strict=True)):
                    slow[i] = slow[j] = min(slow[i], slow[j])
    same = groups[:, None] == groups[None, :]
    assert (same == (np.array(slow)[:, None] == np.array(slow)[None, :])).all()


@given(st.lists(st.sampled_from("abcdefghij"), min_size=12, max_size=80), st.integers(0, 3))
def test_no_artist_is_on_both_sides(artists, seed):
    catalog = catalogue(artist=artists)
    if len(set(artists)) < 2:
        return
    held_out = split_artists(catalog, seed, 0.3)
    sides = pd.Series(held_out).groupby(pd.Series(artists)).nunique()
    assert (sides == 1).all()
    assert 0 < held_out.sum() < len(artists)
    one = np.array(artists) == np.array(artists)[held_out.argmax()]
    assert held_out.mean() <= 0.3 or held_out.sum() == one.sum()  # one large artist at most


def test_unknown_artists_stand_alone():
    held_out = split_artists(catalogue(name=[str(i) for i in range(100)]), 0, 0.25)
    assert held_out.sum() == 25


def test_artists_that_cannot_be_split_are_told():
    with pytest.raises(MusigError, match=r"^No artist of made .* has 1 artist: use data with two"):
        split_artists(catalogue(artist=["x", "X", "x"]), 0)
    with pytest.raises(MusigError, match="by the fraction 2: give a number above 0 and below 1"):
        split_artists(catalogue(artist=["x", "y"]), 0, 2)
