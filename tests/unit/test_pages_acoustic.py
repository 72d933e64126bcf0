"""Looking at acoustic vectors: the drawing says what the network is, the map and the rest count."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import soundfile
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import spearmanr
from sklearn.metrics import auc, roc_auc_score

from musig import acoustic_auc
from musig.acoustic_auc import answers, pair_auc
from musig.acoustic_config import AcousticConfig
from musig.acoustic_network import FILTER, SIZES, AcousticNetwork
from musig.catalog import Catalog, Playlists
from musig.errors import MusigError
from musig.pages import acoustic, acoustic_figures, pair_answers, plots
from musig.spectrograms import spectrograms_of


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def normal(seed, *shape):
    return np.random.default_rng(seed).normal(size=shape)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("frames", [16, 81, 600])
def test_the_layers_are_those_of_the_network(size, frames):
    network = AcousticNetwork(48, size).eval()
    table = acoustic_figures.layers(network, frames)
    assert table["weights"].sum() == sum(p.numel() for p in network.parameters())
    seen = []
    for part in [*network.convolutions, network.pooling, network.projection]:
        part.register_forward_hook(lambda part, took, gave: seen.append((took[0], gave)))
    network(torch.zeros(1, 48, frames))
    padded = (FILTER - 1,) * 3 + (0,)  # what the next layer got, pooled and padded
    convolved = [
        [took.shape[1], took.shape[2] - more]
        for (took, _), more in zip(seen[1:5], padded, strict=True)
    ]
    drawn = table[["channels", "frames"]].to_numpy().tolist()
    assert drawn[0] == [48, frames]
    assert drawn[1:5] == convolved
    assert drawn[5][0] == seen[4][1].shape[1]
    assert drawn[-1][0] == seen[5][1].shape[1]


def test_the_drawing_names_every_layer_from_the_top_down():
    table = acoustic_figures.layers(AcousticNetwork(128), 600)
    _, ax = acoustic_figures.network(table)
    named = [
        (text.get_position()[1], text.get_text()) for text in ax.texts if "\n" in text.get_text()
    ]
    assert [text.split("\n")[0] for _, text in named] == table["layer"].tolist()
    heights = [height for height, _ in named]
    assert heights == sorted(heights, reverse=True)
    widths = [box.get_width() for box in ax.patches if hasattr(box, "get_width")]
    assert widths == sorted(widths, reverse=True)  # frames only become fewer


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.integers(2, 30), st.integers(1, 8))
def test_the_plane_never_stretches_and_shows_its_share(seed, n, d):
    vectors = normal(seed, n, d)
    xy, share = acoustic.plane(vectors)
    flat = np.linalg.norm(xy[:, None] - xy[None], axis=2)
    full = np.linalg.norm(vectors[:, None] - vectors[None], axis=2)
    assert (flat <= full + 1e-9).all()
    assert xy[:, 0].var() >= xy[:, 1].var() - 1e-12
    assert share == pytest.approx(xy.var(axis=0).sum() / vectors.var(axis=0).sum())


def test_the_plane_does_not_depend_on_the_order_and_is_not_mirrored():
    vectors = normal(0, 40, 8) * np.arange(8, 0, -1)
    xy, _ = acoustic.plane(vectors)
    order = np.random.default_rng(1).permutation(40)
    np.testing.assert_allclose(acoustic.plane(vectors[order])[0], xy[order], atol=1e-9)


def test_vectors_that_are_all_the_same_lie_on_one_point():
    xy, share = acoustic.plane(np.ones((3, 8)))
    assert np.isnan(share)
    np.testing.assert_allclose(xy, 0)
    assert sorted(acoustic.corners(xy)) == [0, 1, 2]
    assert acoustic.plane(np.ones((1, 8)))[0].shape == (1, 2)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 40))
def test_corners_are_far_out_and_far_from_each_other(seed, n):
    xy = normal(seed, n, 2)
    found = acoustic.corners(xy)
    assert len(set(found)) == len(found) == min(4, n)
    assert np.argmax(np.linalg.norm(xy - xy.mean(axis=0), axis=1)) in found
    # no other point is further from all of them than they are from each other
    apart = np.linalg.norm(xy[found][:, None] - xy[found], axis=2)
    nearest = np.linalg.norm(xy[:, None] - xy[found], axis=2).min(axis=1)
    assert nearest.max() <= apart[~np.eye(len(found), dtype=bool)].min(initial=np.inf) + 1e-12


def test_corners_of_a_square_are_read_clockwise():
    square = np.array([[1.0, 1.0], [-1, 1], [1, -1], [-1, -1], [0, 0]])
    assert acoustic.corners(square) == [1, 0, 2, 3]
    assert acoustic.corners(square + 100) == [1, 0, 2, 3]


def test_the_map_has_a_letter_at_every_corner():
    xy = normal(3, 30, 2)
    marked = acoustic.corners(xy)
    genres = pd.Series(["folk", "metal", None] * 10)
    _, ax = acoustic_figures.map_with_corners(xy, genres, marked)
    assert [text.get_text() for text in ax.texts] == list("ABCD")
    assert [text.xy for text in ax.texts] == [tuple(xy[position]) for position in marked]


def test_a_map_without_a_genre_is_drawn():
    _, ax = acoustic_figures.map_with_corners(normal(4, 5, 2), pd.Series([None] * 5), [0])
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["other or unknown"]


def test_labels_that_are_blocks_are_found_and_others_are_chance():
    labels = pd.Series(np.repeat(["a", "b", "c", "d"], 50))
    artists = np.arange(200)
    blocks = np.eye(4).repeat(50, axis=0) + 0.01 * normal(1, 200, 4)
    assert acoustic.same_label_share(blocks, labels, artists) == (1.0, pytest.approx(49 / 199))
    share, chance = acoustic.same_label_share(normal(2, 200, 8), labels, artists)
    assert share == pytest.approx(chance, abs=0.06)


def test_tracks_by_the_same_artist_or_without_a_label_do_not_count():
    vectors = np.array([[0.0], [0.1], [0.2], [-0.3], [9.0]])
    labels = pd.Series(["a", "a", None, "b", "a"])
    share, chance = acoustic.same_label_share(vectors, labels, np.array([0, 0, 1, 2, 3]), k=1)
    assert share == 0.25  # of 0, 1, 3 and 4 only the last has its own label nearest
    assert chance == 4 / 10
    alone = acoustic.same_label_share(vectors, labels, np.zeros(5, dtype=int))
    assert np.isnan(alone).all()
    assert np.isnan(acoustic.same_label_share(vectors, pd.Series([None] * 5), np.arange(5))).all()


def write(folder, seconds=1.0, rate=16_000):
    tone = 0.1 * np.sin(2 * np.pi * 440 * np.arange(int(seconds * rate)) / rate)
    soundfile.write(folder / "tone.wav", tone, rate)


def catalogue(folder, name, recording):
    tracks = pd.DataFrame({"recording": [None, recording]}, index=pd.Index(["a", "b"], dtype="str"))
    return Catalog(tracks, Playlists.from_lists([[0, 1]]), name, sound=lambda: folder)


def test_clips_are_played_and_synthetic_ones_are_called_so(tmp_path):
    write(tmp_path)
    for name, called in (("embedded-smoke", True), ("mine", False)):
        page = acoustic.listen(catalogue(tmp_path, name, "tone.wav"), [1], ["<A>"], 0.5).data
        assert page.count("<audio") == 1
        assert "&lt;A&gt;" in page
        assert ("synthetic" in page) == called


def test_spectrograms_cannot_be_played(tmp_path):
    page = acoustic.listen(
        catalogue(tmp_path, "melon", "arena_mel_0.tar:0.npy"), [1], ["A"], 1
    ).data
    assert "<audio" not in page
    assert "nothing can be played" in page


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.booleans())
def test_the_area_under_the_table_is_the_auc(seed, ties):
    rng = np.random.default_rng(seed)
    truth = rng.random(400) < 0.4
    scores = truth + rng.normal(size=400)
    scores = scores.round() if ties else scores
    table = pair_answers.roc_table({"one": (scores, truth)})
    assert auc(table.index, table["one"]) == pytest.approx(roc_auc_score(truth, scores), abs=0.02)
    assert table["one"].is_monotonic_increasing
    assert table["one"].iloc[-1] == 1


def test_scores_that_say_nothing_lie_on_the_diagonal():
    truth = np.arange(200) % 2 == 0
    table = pair_answers.roc_table({"same": (np.zeros(200), truth)})
    np.testing.assert_allclose(table["same"], table.index, atol=1e-12)


def test_rank_correlations_are_spearmans_and_skip_the_unknown():
    vectors = normal(5, 50, 8)
    features = pd.DataFrame(
        {"energy": vectors[:, 3] ** 3, "tempo": normal(6, 50)}, index=range(7, 57)
    )
    features.loc[10:20, "tempo"] = np.nan
    features["loudness"] = np.nan
    features["valence"] = 0.5
    found = acoustic.rank_correlations(vectors, features)
    assert found.shape == (4, 8)
    assert found.loc["energy", 3] == pytest.approx(1)
    known = features["tempo"].notna().to_numpy()
    expected = spearmanr(vectors[known, 2], features["tempo"][known]).statistic
    assert found.loc["tempo", 2] == pytest.approx(expected)
    assert found.loc[["loudness", "valence"]].isna().all(axis=None)


def playlists_of(seed, n=30):
    rng = np.random.default_rng(seed)
    return Playlists.from_lists([rng.choice(n, 6, replace=False) for _ in range(25)])


@pytest.mark.parametrize("strict", [0, 1, 2])
def test_pairs_are_counted_as_by_hand(strict):
    playlists = playlists_of(0)
    tracks = np.arange(3, 25)
    lists = [set(playlists[n]) for n in range(len(playlists))]
    shared = [
        sum(a in each and b in each for each in lists)
        for n, a in enumerate(tracks)
        for b in tracks[n + 1 :]
    ]
    counts = pair_answers.pair_counts(playlists, tracks, 30, strict)
    assert counts == {
        "tracks": 22,
        "pairs": 231,
        "no": sum(count == 0 for count in shared),
        "yes": sum(count > 0 for count in shared),
        "yes, strictly": sum(count > strict for count in shared),
    }
    expected = strict if max(shared) > strict else 0
    assert pair_answers.strictness(playlists, tracks, 30, strict) == expected
    assert pair_answers.strictness(playlists, tracks, 30, max(shared)) == 0


def test_answers_are_those_that_the_table_judges():
    playlists, tracks, vectors = playlists_of(1), np.arange(2, 28), normal(7, 26, 8)
    vectors[4] = np.nan
    told = answers(vectors, playlists, tracks, 30, 1)
    judged = pair_auc(vectors, playlists, tracks, 30, np.random.default_rng(0), 1, resamples=10)
    assert roc_auc_score(told.positive, -told.distance) == pytest.approx(judged.auc)
    assert told.positive.sum() == judged.n_positive
    assert (~told.positive).sum() == judged.n_negative


def test_of_many_tracks_the_same_are_asked_for_table_curve_and_counts(monkeypatch):
    monkeypatch.setattr(acoustic_auc, "TRACKS", 5)
    playlists, tracks, vectors = playlists_of(2), np.arange(20), normal(8, 20, 2)
    found = answers(vectors, playlists, tracks, 30, 0)
    again = answers(vectors[::4], playlists, tracks[::4], 30, 0)
    np.testing.assert_array_equal(found.distance, again.distance)
    np.testing.assert_array_equal(found.positive, again.positive)
    counts = pair_answers.pair_counts(playlists, tracks, 30, 0)
    assert (counts["tracks"], counts["pairs"]) == (20, 10)
    judged = pair_auc(vectors, playlists, tracks, 30, np.random.default_rng(0), 0, resamples=10)
    assert (judged.n_positive, judged.n_negative) == (counts["yes"], counts["no"])
    assert roc_auc_score(found.positive, -found.distance) == pytest.approx(judged.auc)


def test_neighbours_of_many_tracks_are_looked_at_for_some_evenly(monkeypatch):
    vectors, artists = normal(3, 90, 4), np.arange(90) // 2
    labels = pd.Series(np.random.default_rng(4).choice(["a", "b", None], 90))
    whole = acoustic.same_label_share(vectors, labels, artists)
    monkeypatch.setattr(acoustic, "CELLS", 200)  # blocks of a few rows
    assert acoustic.same_label_share(vectors, labels, artists) == whole
    blocks = np.eye(3).repeat(30, axis=0) + 0.01 * vectors[:, :3]
    kinds = pd.Series(np.repeat(["a", "b", "c"], 30))
    monkeypatch.setattr(acoustic, "QUERIES", 7)
    share, chance = acoustic.same_label_share(blocks, kinds, np.arange(90))
    assert share == 1 and chance == 29 / 89


def test_a_few_playlists_of_ones_own_are_all_for_training():
    def catalog(n):
        tracks = pd.DataFrame({"name": ["a", "b"]}, index=["0", "1"])
        return Catalog(tracks, Playlists.from_lists([[0, 1]] * n), "mine")

    assert acoustic.split(catalog(3), 0, own=True).train.tolist() == [0, 1, 2]
    assert len(acoustic.split(catalog(10), 0, own=False).train) == 8
    assert len(acoustic.split(catalog(20), 0, own=True).train) == 16
    with pytest.raises(MusigError, match="mine has no playlists"):
        acoustic.split(catalog(0), 0, own=False)


def test_what_is_held_out_is_called_artists_only_where_one_is_known():
    tracks = pd.DataFrame({"name": ["a", "b"]}, index=["0", "1"])
    lists = Playlists.from_lists([[0, 1]])
    assert acoustic.unseen_name(Catalog(tracks, lists, "mine")) == "unseen tracks"
    known = tracks.assign(artist=[None, "x"])
    assert acoustic.unseen_name(Catalog(known, lists, "mine")) == "unseen artists"


def test_spectrograms_are_sound_enough_and_silence_is_not(tmp_path):
    melon = catalogue(tmp_path, "melon", "arena_mel_0.tar:0.npy")
    assert acoustic.with_sound(melon, "embedded-smoke", 0) is melon
    silent = Catalog(melon.tracks[[]], melon.playlists, "silent")
    heard = acoustic.with_sound(silent, "embedded-smoke", 0)
    assert heard.name == "embedded-smoke" and "silent has no recordings" in heard.notes[0]


def test_answers_that_are_all_the_same_have_no_curve():
    table = pair_answers.roc_table({"none": (np.zeros(3), np.zeros(3, dtype=bool))})
    assert table.shape == (101, 0)


def test_where_no_pair_can_be_judged_a_sentence_says_so(tmp_path, monkeypatch):
    monkeypatch.setenv("MUSIG_CACHE", str(tmp_path / "cache"))
    for n in range(8):
        tone = 0.1 * np.sin(2 * np.pi * (200 + 50 * n) * np.arange(16_000) / 16_000)
        soundfile.write(tmp_path / f"{n}.wav", tone, 16_000)
    ids = pd.Index([str(n) for n in range(8)], dtype="str")
    tracks = pd.DataFrame({"recording": [f"{n}.wav" for n in range(8)]}, index=ids)
    playlists = Playlists.from_lists([[0, 2, 4, 6], [1, 3, 5, 7]])
    mine = Catalog(tracks, playlists, "mine", sound=lambda: tmp_path)
    sound = spectrograms_of(mine, progress=False)
    config = AcousticConfig(epochs=1, device="cpu")
    # two of eight are unseen: their one pair is either a yes or a no
    table, curves, why_not = pair_answers.judge(mine, np.arange(2), config, 0, sound)
    assert "both are needed to judge" in why_not
    assert table.loc["trained"].isna().all()
    assert curves.shape == (101, 0)
    plots.curves(curves)  # says that nothing is known
