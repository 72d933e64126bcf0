"""The embedded catalogue: what is planted in it can be found in it."""

from __future__ import annotations

import itertools
import time
import unicodedata

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from musig.catalog import FEATURES, validate
from musig.errors import MusigError
from musig.graph import cooccurrence
from musig.sources import synthetic
from musig.sources.synthetic_draws import Table, fill_distinct
from musig.sources.synthetic_playlists import (
    FROM_ARTIST,
    FROM_FIRST,
    FROM_HITS,
    FROM_SECOND,
    HITS,
    RETURNS,
    lognormal_lengths,
)
from musig.sources.synthetic_table import MISSING
from musig.sources.synthetic_tracks import GENRES, natural_scale


@pytest.fixture(scope="module")
def classroom():
    return synthetic.make_with_truth("classroom", seed=0)


def entries_of(catalog):
    """Playlist of each entry."""
    return np.repeat(np.arange(len(catalog.playlists)), catalog.playlists.lengths)


# --- contract -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("size", "seed"), [("smoke", 0), ("smoke", 7), ("classroom", 0)])
def test_is_a_valid_catalogue_of_the_stated_size(size, seed):
    catalog = synthetic.make(size, seed)
    expected = synthetic.SIZES[size]
    assert validate(catalog) == []
    assert len(catalog.tracks) == expected.n_tracks
    assert len(catalog.playlists) == expected.n_playlists
    assert catalog.name == f"embedded-{size}"
    assert catalog.playlists.lengths.min() >= 5
    assert catalog.playlists.lengths.max() <= expected.max_length


@settings(max_examples=20)
@given(st.integers(0, 2**32))
def test_any_seed_gives_distinct_tracks_in_every_playlist(seed):
    catalog = synthetic.make("smoke", seed)
    key = entries_of(catalog) * len(catalog.tracks) + catalog.playlists.tracks
    assert np.unique(key).size == key.size


def test_same_seed_same_catalogue_other_seed_another():
    prints = [synthetic.make("smoke", seed).fingerprint for seed in (3, 3, 4)]
    assert prints[0] == prints[1] != prints[2]


def test_seeding_leaves_the_global_generator_alone():
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    synthetic.make("smoke", 5)
    assert np.array_equal(before, np.random.get_state()[1])  # noqa: NPY002


def test_unknown_size_names_the_nearest():
    with pytest.raises(MusigError, match=r"'clasroom'.*did you mean 'classroom'"):
        synthetic.make("clasroom")


def test_negative_seed_is_refused():
    with pytest.raises(MusigError, match="seed is -1; it must be an integer ≥ 0"):
        synthetic.make("smoke", -1)


# --- tracks -------------------------------------------------------------------------------------


def test_popularity_is_zipf_like(classroom):
    # Rank-frequency slope of how many playlists hold a track. In real playlists it is about -0.2
    # among the first hundred, -0.4 in the hundreds, steeper in the thousands.
    catalog, _ = classroom
    counts = np.sort(catalog.playlists.counts(len(catalog.tracks)))[::-1]
    ranks = np.log(np.arange(1, counts.size + 1))
    middle = slice(50, 1500)
    slope = stats.linregress(ranks[middle], np.log(counts[middle])).slope
    assert -1.1 < slope < -0.5
    assert counts[: counts.size // 10].sum() > 0.3 * counts.sum()  # a head …
    assert np.median(counts) > 20  # … and a tail one can still learn from


def test_popular_by_plan_is_popular_in_playlists(classroom):
    catalog, truth = classroom
    counts = catalog.playlists.counts(len(catalog.tracks))
    # Themes lift some tracks and sink others (about 0.6 from several seeds); real tables give less.
    assert stats.spearmanr(counts, truth.tracks.popularity).statistic > 0.45


def test_external_popularity_rises_with_the_planted_one_and_has_zeros(classroom):
    catalog, truth = classroom
    column = catalog.tracks["popularity"].to_numpy()
    known = ~np.isnan(column)
    assert 0.8 < stats.spearmanr(column[known], truth.tracks.popularity[known]).statistic < 0.99
    assert column[known].min() == 0  # a true zero, not an unknown
    assert column[known].max() <= 100
    hits = column[known & (truth.tracks.popularity > np.median(truth.tracks.popularity))]
    assert np.mean(hits == 0) < np.mean(column[known] == 0)


def test_features_have_the_ranges_and_shapes_of_the_real_ones(classroom):
    tracks = classroom[0].tracks
    for name in FEATURES:
        values = tracks[name].dropna()
        low, high = {"loudness": (-60, 0), "tempo": (40, 220)}.get(name, (0, 1))
        assert values.between(low, high).all(), name
    median = tracks[list(FEATURES)].median()
    assert median["acousticness"] < 0.25 and median["liveness"] < 0.25  # skewed to the left end
    assert median["speechiness"] < 0.1 and median["instrumentalness"] < 0.01
    assert 0.5 < median["danceability"] < 0.75 and 0.5 < median["energy"] < 0.8
    assert -9 < median["loudness"] < -4 and 110 < median["tempo"] < 130
    assert tracks["energy"].corr(tracks["loudness"], method="spearman") > 0.5
    assert tracks["energy"].corr(tracks["acousticness"], method="spearman") < -0.3


@given(st.lists(st.floats(-6, 6), min_size=2, max_size=2), st.sampled_from(range(9)))
def test_natural_scale_keeps_the_order(pair, column):
    z = np.zeros((2, 9))
    z[:, column] = sorted(pair)
    values = natural_scale(z)[:, column]
    assert values[0] <= values[1]


def test_every_feature_differs_between_genres(classroom):
    truth = classroom[1]
    for j, name in enumerate(FEATURES):
        groups = [truth.tracks.z[truth.tracks.genre == g, j] for g in range(len(GENRES))]
        assert stats.f_oneway(*groups).pvalue < 0.01, name


def test_genre_can_be_guessed_from_sound_but_not_always(classroom):
    # Nearest genre mean, on the features as a reader gets them, for artists not seen before.
    catalog, truth = classroom
    known = catalog.tracks[list(FEATURES)].notna().all(axis=1).to_numpy()
    z = stats.rankdata(catalog.tracks.loc[known, list(FEATURES)].to_numpy(), axis=0) / known.sum()
    genre, artist = truth.tracks.genre[known], truth.tracks.artist[known]
    test = artist % 3 == 0
    means = np.stack([z[~test & (genre == g)].mean(axis=0) for g in range(len(GENRES))])
    guess = np.square(z[test][:, None] - means).sum(axis=2).argmin(axis=1)
    chance = np.bincount(genre[test]).max() / test.sum()
    assert 1.5 * chance < np.mean(guess == genre[test]) < 0.9


def test_genres_belong_mostly_to_artists(classroom):
    tracks = classroom[0].tracks.dropna(subset="main_genre")
    most_common = tracks.groupby("artist_id")["main_genre"].agg(lambda g: g.mode()[0])
    same = tracks["main_genre"] == tracks["artist_id"].map(most_common)
    assert 0.9 < same.mean() < 0.99


def test_tags_are_finer_than_the_main_genre(classroom):
    tracks = classroom[0].tracks
    of_genre = {genre.name: set(genre.tags) for genre in GENRES}
    known = tracks[tracks["main_genre"].notna()]
    for tags, main in zip(known["genres"], known["main_genre"], strict=True):
        assert len(set(tags)) == len(tags) >= 1
        assert set(tags) & of_genre[main]
    unknown = tracks.loc[tracks["main_genre"].isna(), "genres"]
    assert len(unknown) > 0 and not unknown.map(len).any()


def test_the_tail_misses_more(classroom):
    catalog, truth = classroom
    tracks = catalog.tracks
    tail = truth.tracks.popularity < np.median(truth.tracks.popularity)
    missing = {
        "features": tracks["energy"].isna(),
        "popularity": tracks["popularity"].isna(),
        "genres": tracks["main_genre"].isna(),
    }
    for what, gone in missing.items():
        head_share, tail_share = gone[~tail].mean(), gone[tail].mean()
        assert tail_share > 1.5 * head_share > 0, what
        assert MISSING[what][0] * 0.5 < gone.mean() < MISSING[what][1], what
    # A table knows a recording or does not: the nine features are missing together.
    assert tracks[list(FEATURES)].isna().sum(axis=1).isin([0, len(FEATURES)]).all()


@pytest.mark.parametrize("size", ["smoke", "classroom"])
def test_names_exercise_the_display_path(size):
    catalog = synthetic.make(size)
    playlist_names = catalog.playlists.names.tolist()
    for names in (catalog.tracks["name"].tolist(), playlist_names):
        text = "".join(name for name in names if name)
        assert all(mark in text for mark in "<&\"'")
        assert any(unicodedata.category(letter) == "So" for letter in text)  # emoji
    assert any(name is None for name in playlist_names)
    text = "".join(catalog.tracks["name"]) + "".join(catalog.tracks["artist"])
    scripts = {unicodedata.name(letter).split()[0] for letter in text if letter.isalpha()}
    assert scripts >= {"LATIN", "CYRILLIC", "GREEK", "ARABIC", "DEVANAGARI", "KATAKANA", "HANGUL"}
    assert catalog.tracks[["name", "artist", "album"]].notna().all(axis=None)


def test_an_album_is_by_one_artist(classroom):
    tracks = classroom[0].tracks
    assert tracks.groupby(["artist_id", "album"]).size().max() <= 16  # two of one name at the most
    assert tracks.groupby("artist_id")["artist"].nunique().eq(1).all()


# --- playlists ----------------------------------------------------------------------------------


def test_lengths_are_lognormal(classroom):
    size = synthetic.SIZES["classroom"]
    logs = np.log(classroom[0].playlists.lengths + 0.5)  # lengths are rounded down
    assert np.exp(np.median(logs)) == pytest.approx(size.median_length, rel=0.08)
    assert logs.std() == pytest.approx(size.sigma_length, rel=0.1)
    assert abs(stats.skew(logs)) < 0.3


@given(st.floats(8, 40), st.floats(0.2, 1.5), st.integers(6, 60), st.integers(0, 99))
def test_lengths_stay_within_bounds(median, sigma, longest, seed):
    lengths = lognormal_lengths(200, median, sigma, longest, np.random.default_rng(seed))
    assert lengths.min() >= 5 and lengths.max() <= longest


def test_entries_come_from_where_the_truth_says(classroom):
    catalog, truth = classroom
    playlist, track = entries_of(catalog), catalog.playlists.tracks
    share = np.bincount(truth.source, minlength=4) / truth.source.size
    # Repeats are drawn again, so the shares move a little from those of single draws.
    assert share[FROM_HITS] == pytest.approx(HITS, abs=0.05)
    assert share[FROM_ARTIST] == pytest.approx(RETURNS, abs=0.05)
    assert truth.playlist_themes.shape == (len(catalog.playlists), 2)
    assert (truth.playlist_themes[playlist[truth.source == FROM_SECOND], 1] >= 0).all()
    assert (truth.playlist_themes[:, 0] != truth.playlist_themes[:, 1]).all()
    at = truth.source == FROM_FIRST
    own = truth.themes.tracks[truth.playlist_themes[playlist[at], 0], track[at]]
    other = truth.themes.tracks[truth.playlist_themes[np.roll(playlist, 9999)[at], 0], track[at]]
    assert np.median(own / other) > 5


def test_tracks_of_a_playlist_are_mostly_of_its_themes(classroom):
    catalog, truth = classroom
    playlist, track = entries_of(catalog), catalog.playlists.tracks
    themes = truth.playlist_themes[playlist]
    belongs = truth.track_themes[track, themes[:, 0]]
    belongs = belongs + np.where(themes[:, 1] >= 0, truth.track_themes[track, themes[:, 1]], 0)
    chance = np.where(themes[:, 1] >= 0, 2, 1) / truth.track_themes.shape[1]
    assert np.mean(belongs > chance) > 0.6
    assert belongs.mean() > 4 * chance.mean()
    assert np.allclose(truth.track_themes.sum(axis=1), 1, atol=1e-4)


def test_playlists_prefer_genres_artists_and_a_sound(classroom):
    """Structure and content complement each other: both are above what shuffling leaves."""
    catalog, truth = classroom
    playlist, track = entries_of(catalog), catalog.playlists.tracks
    shuffled = np.random.default_rng(0).permutation(track)

    def spread(tracks):  # mean variance of the features within a playlist
        sums = np.zeros((len(catalog.playlists), 9))
        np.add.at(sums, playlist, truth.tracks.z[tracks])
        mean = (sums / catalog.playlists.lengths[:, None])[playlist]
        return np.square(truth.tracks.z[tracks] - mean).mean()

    def concentration(labels):  # chance that two entries of a playlist agree
        table = sp.coo_matrix((np.ones(len(labels)), (playlist, labels))).tocsr()
        return (table.power(2).sum(axis=1) / np.square(table.sum(axis=1))).mean()

    assert spread(track) < 0.9 * spread(shuffled)
    assert concentration(truth.tracks.genre[track]) > 1.8 * concentration(
        truth.tracks.genre[shuffled]
    )
    assert concentration(truth.tracks.artist[track]) > 1.3 * concentration(
        truth.tracks.artist[shuffled]
    )


def test_neighbours_in_a_playlist_are_alike(classroom):
    catalog, truth = classroom
    playlist, track = entries_of(catalog), catalog.playlists.tracks
    order = np.lexsort((np.random.default_rng(0).random(track.size), playlist))
    next_to = playlist[1:] == playlist[:-1]

    def apart(tracks):
        z, artist = truth.tracks.z[tracks], truth.tracks.artist[tracks]
        step = np.square(z[1:] - z[:-1]).sum(axis=1)[next_to].mean()
        return step, np.mean(artist[1:][next_to] == artist[:-1][next_to])

    (step, same_artist), (step_shuffled, same_artist_shuffled) = apart(track), apart(track[order])
    assert step < 0.9 * step_shuffled
    assert same_artist > 2 * same_artist_shuffled


def test_item_neighbours_beat_popularity_and_neither_is_perfect(classroom):
    catalog, _ = classroom
    n, m = len(catalog.tracks), len(catalog.playlists)
    order = np.random.default_rng(0).permutation(m)
    test, train = order[:300], order[m // 5 :]
    ones = np.ones(catalog.playlists.tracks.size, dtype=np.float32)
    held = sp.csr_matrix((ones, catalog.playlists.tracks, catalog.playlists.indptr), (m, n))[train]
    together = (held.T @ held).toarray()
    count = together.diagonal().copy()
    np.fill_diagonal(together, 0)
    cosine = together / np.sqrt(np.outer(count, count))

    def r_precision(score):
        values = []
        for playlist in test:
            known = np.random.default_rng([0, playlist]).permutation(catalog.playlists[playlist])
            seeds, targets = np.array_split(known, 2)
            ranked = score(seeds).copy()
            ranked[seeds] = -np.inf
            best = np.argsort(-ranked, kind="stable")[: targets.size]
            values.append(np.isin(best, targets).mean())
        return np.mean(values)

    popularity = r_precision(lambda seeds: count)
    neighbours = r_precision(lambda seeds: cosine[seeds].sum(axis=0))
    assert 0.02 < popularity < 0.1
    assert 3 * popularity < neighbours < 0.5


# --- drawing ------------------------------------------------------------------------------------


def test_table_draws_each_column_as_often_as_its_chance():
    chances = np.array([[0.5, 0.0, 0.5], [0.1, 0.9, 0.0], [0.0, 0.0, 1.0]])
    rows = np.repeat(np.arange(3), 20_000)
    drawn = Table(chances).draw(rows, np.random.default_rng(0))
    observed = np.zeros((3, 3))
    np.add.at(observed, (rows, drawn), 1)
    assert np.abs(observed / 20_000 - chances).max() < 0.015


def test_filling_is_sampling_without_replacement():
    """Sets of two out of four are as frequent as the definition, term by term, says."""
    chances = np.array([0.5, 0.3, 0.15, 0.05])
    rng = np.random.default_rng(0)
    m = 40_000

    def draw(playlist):
        return rng.choice(4, playlist.size, p=chances), np.zeros(playlist.size, dtype=np.int8)

    _, track, _ = fill_distinct(np.full(m, 2), 4, draw)
    pairs = track.reshape(m, 2)
    for a, b in itertools.combinations(range(4), 2):
        expected = chances[a] * chances[b] * (1 / (1 - chances[a]) + 1 / (1 - chances[b]))
        observed = np.mean((pairs[:, 0] == a) & (pairs[:, 1] == b))
        assert observed == pytest.approx(expected, abs=0.01)


# --- the size of the paper ----------------------------------------------------------------------


@pytest.mark.audit
@pytest.mark.parametrize("seed", [0, 1])
def test_paper_size_has_the_edges_of_the_paper(seed):
    # That the 5.2M are those of weight above 10 is second-hand: see musig/sources/synthetic.py.
    # The limit is one minute on one core; CPU seconds, so that a busy machine does not fail it.
    start = time.process_time()
    catalog = synthetic.make("paper", seed)
    assert time.process_time() - start < 60
    _, _, weights = cooccurrence(
        catalog.playlists.indptr, catalog.playlists.tracks, len(catalog.tracks), min_weight=10
    )
    assert weights.size / 2 == pytest.approx(5.2e6, rel=0.05)
    assert len(catalog.tracks) == 15_900
    assert len(catalog.playlists) == 95_000
