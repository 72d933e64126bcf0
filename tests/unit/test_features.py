"""Attributes: scaled on the rows given, honest about what is missing, hidden when masked."""

import json

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from musig.catalog import FEATURES
from musig.errors import MusigError
from musig.features import (
    ACOUSTIC,
    GROUPS,
    apply_attributes,
    control_attributes,
    fit_attributes,
    genre_labels,
    known_groups,
    mask_group,
)

GENRES = ["rock", "pop", "jazz"]


def table(n=40, seed=0, sound=True):
    """Tracks with holes: whole groups missing, as in real data, and single values too."""
    rng = np.random.default_rng(seed)
    tracks = pd.DataFrame(rng.random((n, len(FEATURES))), columns=list(FEATURES))
    tracks["loudness"] = -30 * tracks["loudness"]
    tracks["tempo"] = 60 + 120 * tracks["tempo"]
    tracks.loc[rng.random(n) < 0.2, list(FEATURES)] = np.nan
    tracks.loc[0, "tempo"] = np.nan
    tracks["popularity"] = np.where(rng.random(n) < 0.3, np.nan, rng.integers(0, 101, n))
    tracks["main_genre"] = rng.choice(np.array([*GENRES, None], dtype=object), n)
    tracks["genres"] = [
        None if g is None else [g, "indie"] if rng.random() < 0.5 else [g]
        for g in tracks["main_genre"]
    ]
    if sound:
        tracks[list(ACOUSTIC)] = rng.uniform(-1, 1, (n, 8))
    return tracks.set_index(pd.Index([f"t{i}" for i in range(n)], name="track_id"))


@pytest.mark.parametrize("genres", ["main", "all"])
def test_columns_groups_and_types(genres):
    attributes = fit_attributes(table(), GROUPS[::-1], genres=genres)
    assert list(attributes.groups) == list(GROUPS)  # in the canonical order
    stops = [0, *(stop for _, stop in attributes.groups.values())]
    assert [start for start, _ in attributes.groups.values()] == stops[:-1]
    assert stops[-1] == len(attributes.columns) == attributes.x.shape[1]
    assert len(set(attributes.columns)) == len(attributes.columns)
    assert attributes.x.dtype == np.float32 and np.isfinite(attributes.x).all()
    for group, (start, stop) in attributes.groups.items():
        assert attributes.columns[stop - 1] == f"{group.lower()}:unknown"
        indicator = attributes.x[:, stop - 1]
        assert ((indicator >= 0) & (indicator <= 1)).all()
        assert (attributes.x[indicator == 1, start : stop - 1] == 0).all()


@settings(max_examples=30)
@given(st.integers(0, 1000), st.sets(st.integers(0, 39), min_size=5))
def test_scaled_over_the_known_values_of_the_rows_fitted_on(seed, rows):
    rows = np.array(sorted(rows))
    tracks = table(seed=seed)
    try:
        attributes = fit_attributes(tracks, ["AUDIO"], fit_rows=rows)
    except MusigError:  # nothing known in these rows
        assert tracks[list(FEATURES)].iloc[rows].isna().all(axis=None)
        return
    values = tracks[list(FEATURES)].to_numpy()
    for k in range(len(FEATURES)):
        known = values[rows, k][~np.isnan(values[rows, k])]
        deviation = known.std() if len(known) and known.std() > 1e-6 else 1.0
        mean = known.mean() if len(known) else 0.0
        expected = np.nan_to_num((values[:, k] - mean) / deviation, nan=0.0)
        np.testing.assert_allclose(attributes.x[:, k], expected, rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(attributes.x[:, 9], np.isnan(values).mean(axis=1), rtol=1e-6)


def test_other_rows_do_not_touch_what_is_fitted():
    tracks, changed = table(), table()
    changed.iloc[20:, changed.columns.get_indexer(list(FEATURES))] *= 100
    changed.iloc[20:, changed.columns.get_loc("main_genre")] = "yodel"
    rows = np.arange(20)
    one, other = (fit_attributes(t, GROUPS[:3], fit_rows=rows) for t in (tracks, changed))
    assert one.state == other.state and (one.x[:20] == other.x[:20]).all()
    unknown = other.columns.index("genre:unknown")
    assert (other.x[20:, unknown] == 1).all()  # a genre never seen is an unknown one


def test_a_mask_of_rows_is_as_good_as_positions():
    mask = np.arange(40) % 3 == 0
    one = fit_attributes(table(), GROUPS, fit_rows=mask)
    assert one.state == fit_attributes(table(), GROUPS, fit_rows=np.flatnonzero(mask)).state


@pytest.mark.parametrize("popularity", ["external", "train_count"])
@pytest.mark.parametrize("genres", ["main", "all"])
def test_state_survives_json_and_applies_to_the_same_rows(popularity, genres):
    tracks, count = table(), np.arange(40)
    attributes = fit_attributes(
        tracks, GROUPS, popularity=popularity, train_count=count, genres=genres
    )
    state = json.loads(json.dumps(attributes.state))
    again = apply_attributes(tracks.iloc[::-1], state, count[::-1])
    assert (again.x[::-1] == attributes.x).all()
    assert again.columns == attributes.columns and again.groups == attributes.groups


def test_tracks_of_which_nothing_is_known():
    attributes = fit_attributes(table(), GROUPS)
    new = apply_attributes(pd.DataFrame(index=["new"]), attributes.state)
    unknown = [column.endswith(":unknown") for column in new.columns]
    assert new.x.tolist() == [[float(flag) for flag in unknown]]


def test_popularity_zero_is_known():
    tracks = pd.DataFrame({"popularity": [0, None, 100]})
    assert fit_attributes(tracks, ["POPULARITY"]).x.tolist() == [[-1, 0], [0, 1], [1, 0]]


def test_popularity_of_the_training_playlists_is_logarithmic():
    count = np.array([0, 9, 99])
    x = fit_attributes(table(3), ["POPULARITY"], popularity="train_count", train_count=count).x
    assert x[:, 1].tolist() == [0, 0, 0]
    assert x[1, 0] - x[0, 0] == pytest.approx(x[2, 0] - x[1, 0], rel=1e-5)


def test_a_constant_feature_is_zero():
    tracks = table()
    tracks["tempo"] = 120.1
    attributes = fit_attributes(tracks, ["AUDIO"])
    assert (np.abs(attributes.x[:, attributes.columns.index("tempo")]) < 1e-6).all()


@settings(max_examples=25)
@given(st.sets(st.integers(0, 39)), st.integers(0, 100))
def test_masked_rows_do_not_depend_on_the_genre(rows, seed):
    """Change the genres of the masked tracks at will: what the model sees stays the same."""
    tracks, other = table(), table()
    rows = torch.tensor(sorted(rows), dtype=torch.int64)
    attributes = fit_attributes(tracks, GROUPS)
    rng = np.random.default_rng(seed)
    column = other.columns.get_loc("main_genre")
    other.iloc[rows.numpy(), column] = rng.choice(np.array([*GENRES, None], object), len(rows))
    seen, changed = (
        mask_group(torch.from_numpy(x), attributes.groups, "GENRE", rows)
        for x in (attributes.x, apply_attributes(other, attributes.state).x)
    )
    assert torch.equal(seen, changed)


def test_masking_copies_and_leaves_the_rest():
    attributes = fit_attributes(table(), GROUPS)
    x = torch.from_numpy(attributes.x.copy())
    hidden = torch.arange(40) % 2 == 0
    masked = mask_group(x, attributes.groups, "GENRE", hidden)
    start, stop = attributes.groups["GENRE"]
    assert torch.equal(x, torch.from_numpy(attributes.x))
    assert torch.equal(masked[~hidden], x[~hidden])
    assert torch.equal(masked[:, stop:], x[:, stop:])
    assert (masked[hidden, start : stop - 1] == 0).all() and (masked[hidden, stop - 1] == 1).all()


def test_masking_a_group_that_is_not_there_hides_nothing():
    x = torch.ones(2, 3)
    assert torch.equal(mask_group(x, {"AUDIO": (0, 3)}, "GENRE", torch.tensor([0])), x)


def test_genre_labels_of_both_columns():
    tracks = pd.DataFrame(
        {"main_genre": ["rock", None, "pop"], "genres": [["a", "b"], [], np.array(["b", "c"])]}
    )
    labels, known, vocabulary = genre_labels(tracks)
    assert vocabulary == ["pop", "rock"] and known.tolist() == [True, False, True]
    assert labels.tolist() == [[0, 1], [0, 0], [1, 0]] and labels.dtype == np.float32
    labels, known, vocabulary = genre_labels(tracks, ["c", "b"], "all")
    assert labels.tolist() == [[0, 1], [0, 0], [1, 1]] and known.tolist() == [True, False, True]
    assert genre_labels(tracks, ["c"], "all")[1].tolist() == [False, False, True]


def test_rare_genres_are_left_out_of_all_but_not_of_main():
    tracks = pd.DataFrame({"genres": [["common"]] * 400 + [["rare"]], "main_genre": "main"})
    assert genre_labels(tracks, column="all")[2] == ["common"]
    tracks.loc[0, "main_genre"] = "other"
    assert genre_labels(tracks)[2] == ["main", "other"]


@pytest.mark.parametrize(
    ("groups", "options", "sentence"),
    [
        (["GENRES"], {}, r"Unknown attribute group 'GENRES': did you mean 'GENRE'\?"),
        ([], {}, "No attribute group was chosen"),
        (["POPULARITY"], {"popularity": "extern"}, r"popularity is 'extern': did you mean 'exte"),
        (["GENRE"], {"genres": "fine"}, "genres is 'fine': did you mean 'main'"),
        (["POPULARITY"], {"popularity": "train_count"}, "no counts were given"),
        (["GENRE", "ACOUSTIC"], {}, "ACOUSTIC was asked for, but this data has no sound"),
    ],
)
def test_refusals_are_sentences(groups, options, sentence):
    with pytest.raises(MusigError, match=sentence):
        fit_attributes(table(sound=False), groups, **options)


@pytest.mark.parametrize("group", GROUPS)
def test_a_group_without_any_value_is_refused_by_name(group):
    with pytest.raises(MusigError, match=f"{group} was asked for, but .* Leave {group} out"):
        fit_attributes(pd.DataFrame({"name": ["a", "b"]}), [group])


def test_groups_of_which_something_is_known():
    tracks = pd.DataFrame({"genres": [[], ["rock"]], "energy": [None, 0.5], "popularity": None})
    assert known_groups(tracks) == ("GENRE", "AUDIO")
    assert known_groups(tracks, "train_count") == ("GENRE", "POPULARITY", "AUDIO")
    assert known_groups(tracks.assign(energy=np.nan, acoustic_0=[0.1, None])) == (
        "GENRE",
        "ACOUSTIC",
    )
    for group in known_groups(tracks, "train_count"):
        options = {"popularity": "train_count", "train_count": np.ones(2), "genres": "all"}
        fit_attributes(tracks, [group], **options)  # none is refused


def test_an_unknown_group_cannot_be_masked():
    with pytest.raises(MusigError, match="did you mean 'AUDIO'"):
        mask_group(torch.ones(1, 2), {}, "AUDI", torch.tensor([0]))


def test_control_attributes_hold_no_knowledge():
    random = control_attributes("random", 500, 7, seed=1)
    assert random.x.shape == (500, 7) and random.x.dtype == np.float32 and not random.learned
    assert abs(random.x.mean()) < 0.1 and abs(random.x.std() - 1) < 0.1
    assert np.array_equal(random.x, control_attributes("random", 500, 7, seed=1).x)
    assert not np.array_equal(random.x, control_attributes("random", 500, 7, seed=2).x)
    assert control_attributes("constant", 3, 7).x.tolist() == [[1.0]] * 3
    free = control_attributes("none", 500, 64)
    assert free.learned and np.linalg.norm(free.x, axis=1).mean() == pytest.approx(1, abs=0.05)
    for attributes in (random, free):
        assert attributes.groups == {} and len(attributes.columns) == attributes.x.shape[1]
        assert json.loads(json.dumps(attributes.state)) == attributes.state
    with pytest.raises(MusigError, match="Unknown control attributes 'rnd': did you mean 'random'"):
        control_attributes("rnd", 3, 7)
