"""Probes: they find what is there, do not see what is hidden, and say how sure they are."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from sklearn.metrics import f1_score, roc_auc_score

from musig import by_artist, probes
from musig.catalog import FEATURES, universe
from musig.encoders import Musig
from musig.features import ACOUSTIC, fit_attributes, genre_labels
from musig.model import embed
from musig.probes import Probed, embedder, probe
from musig.splits import artist_groups, split_artists, split_playlists
from musig.training_data import prepare

QUICK = {"epochs": 2, "evaluate_every": 1, "embedding_size": 8, "batch_size": 64}


@pytest.fixture(scope="module")
def data(smoke_catalog):
    """Every track with sound of both kinds, so that there is enough to measure."""
    rng = np.random.default_rng(0)
    known = {name: rng.uniform(0, 1, smoke_catalog.n_tracks) for name in (*FEATURES, *ACOUSTIC)}
    catalog = replace(smoke_catalog, tracks=smoke_catalog.tracks.assign(**known))
    return prepare(catalog, split_playlists(catalog, seed=0))


@pytest.fixture(scope="module")
def labels(data):
    return torch.from_numpy(genre_labels(data.catalog.tracks)[0])


@pytest.fixture(scope="module")
def sound(data):
    made = fit_attributes(data.catalog.tracks, ("AUDIO", "ACOUSTIC"))
    return torch.from_numpy(made.x)


@pytest.fixture(autouse=True)
def _short(monkeypatch, request):
    """Fit the map for distances in a moment, where how well is not asked."""
    if "whole" not in request.fixturenames:
        monkeypatch.setattr(probes, "STEPS", 20)
        monkeypatch.setattr(probes, "PAIRS", 256)


@pytest.fixture
def whole():
    """Ask for the fit as it is."""


def fixed(z):
    """Embeddings that are the same whatever is hidden."""
    return lambda hidden=None, groups=(): z


def test_what_is_in_the_embeddings_is_found(whole, data, labels, sound):
    found = probe(data, fixed(torch.cat([labels, sound], dim=1))).measures
    assert found["genre_probe_f1_micro"] > 0.99
    for way in ("similarity", "acoustic_similarity"):
        error = found[f"{way}_probe_error"]
        assert 0 < error < 0.35 * found[f"{way}_probe_error_constant"], way


def test_noise_is_at_chance(whole, data):
    z = torch.randn(data.n_tracks, 4, generator=torch.Generator().manual_seed(0))
    found = probe(data, fixed(torch.nn.functional.normalize(z))).measures
    assert found["link_auc"] == pytest.approx(0.5, abs=0.03)
    assert found["genre_probe_f1_macro"] < 2 * found["genre_probe_f1_macro_frequent"]
    assert found["genre_probe_f1_micro"] < 1.5 * found["genre_probe_f1_micro_frequent"]
    for way in ("similarity", "acoustic_similarity"):
        ratio = found[f"{way}_probe_error"] / found[f"{way}_probe_error_constant"]
        assert 0.97 < ratio < 1.3, way


def test_the_names_are_those_of_the_tasks_with_probe_in_them(data, labels):
    found = probe(data, fixed(labels))
    assert isinstance(found, Probed)
    assert set(found.measures) == {
        *("link_auc", "link_auc_popularity", "link_auc_matched"),
        *("genre_probe_f1_macro", "genre_probe_f1_micro"),
        *("genre_probe_f1_macro_frequent", "genre_probe_f1_micro_frequent"),
        *("similarity_probe_error", "similarity_probe_error_constant"),
        *("acoustic_similarity_probe_error", "acoustic_similarity_probe_error_constant"),
    }
    trivial = ("popularity", "frequent", "constant")
    asked = {name for name in found.measures if not name.endswith(trivial)}
    assert set(found.by_artist) == set(found.tracks) == asked


def test_baselines_are_those_of_the_tasks(data, labels):
    from musig.tasks import Genre, Similarity

    found = probe(data, fixed(labels)).measures
    genre = Genre(data, labels.shape[1]).held_out(fixed(labels))
    assert found["genre_probe_f1_macro_frequent"] == genre["genre_f1_macro_frequent"]
    distances = Similarity(data, labels.shape[1]).held_out(fixed(labels))
    constant = distances["similarity_error_constant"]
    assert found["similarity_probe_error_constant"] == constant


# What is hidden


def test_what_a_track_shows_of_itself_is_not_seen(data, labels, sound):
    """An encoder that hands over what it is shown: everything, unless it is hidden."""
    known = {"GENRE": labels, "AUDIO": sound, "ACOUSTIC": sound}

    def copies(hidden=None, groups=("GENRE",)):
        z = torch.cat([known[group] for group in groups], dim=1).clone()
        z[hidden if hidden is not None else slice(0)] = 0
        return z if hidden is not None else torch.ones(data.n_tracks, 2)

    found = probe(data, copies).measures
    assert found["genre_probe_f1_macro"] <= found["genre_probe_f1_macro_frequent"]
    # embeddings that are all alike have distance 0
    assert found["similarity_probe_error"] > found["similarity_probe_error_constant"]


def test_what_a_track_shows_by_way_of_its_artist_is_not_seen(data, labels):
    artist = torch.from_numpy(artist_groups(data.catalog.tracks))

    def of_the_same_artist(hidden=None, groups=("GENRE",)):
        shown = labels.clone()
        shown[hidden if hidden is not None else slice(0)] = 0
        total = torch.zeros(int(artist.max()) + 1, labels.shape[1]).index_add_(0, artist, shown)
        return total[artist] - shown

    found = probe(data, of_the_same_artist).measures
    assert found["genre_probe_f1_macro"] <= found["genre_probe_f1_macro_frequent"]


def test_attributes_of_held_out_artists_change_nothing(data):
    """Neither where the probe is fitted nor where it is measured."""
    method = trained(data)
    model = method.model
    before = probe(data, embedder(model))
    held_out = torch.from_numpy(data.held_out)
    assert {"GENRE", "AUDIO", "ACOUSTIC"} <= set(data.attributes.groups)
    for task, groups in (("genre", ("GENRE",)), ("similarity", ("AUDIO", "ACOUSTIC"))):
        x = model.x.clone()
        for group in groups:
            start, stop = data.attributes.groups[group]
            x[held_out, start:stop] += 1
        after = probe(data, embedder(replace(model, x=x)))
        for name in (name for name in before.measures if task in name):
            assert after.measures[name] == before.measures[name], name
        assert after.by_artist.keys() == before.by_artist.keys()
        for name in (name for name in before.by_artist if task in name):
            assert after.by_artist[name] == before.by_artist[name], name


def test_no_label_of_a_held_out_artist_is_fitted_on(data, labels, monkeypatch):
    """With other genres on the held-out side the classifier is the same; its measure is not."""
    kept = []
    fit = probes._fit_genres

    def watched(task, z):
        fit(task, z)
        kept.append(task.classify.weight.detach().clone())

    monkeypatch.setattr(probes, "_fit_genres", watched)
    z = fixed(labels + torch.randn(labels.shape, generator=torch.Generator().manual_seed(1)))
    first = probe(data, z).measures
    genre = data.catalog.tracks["main_genre"].to_numpy(dtype=object).copy()
    genre[data.held_out] = np.roll(genre[data.held_out], 7)
    other = replace(data.catalog, tracks=data.catalog.tracks.assign(main_genre=genre))
    second = probe(replace(data, catalog=other), z).measures
    assert torch.equal(*kept)
    assert first["genre_probe_f1_micro"] != second["genre_probe_f1_micro"]


def test_as_much_is_hidden_where_it_is_fitted_as_where_it_is_measured(data, labels):
    asked = []

    def watched(hidden=None, groups=()):
        if hidden is not None:
            asked.append((hidden.numpy(), groups))
        return labels

    probe(data, watched)
    held_out = np.flatnonzero(data.held_out)
    artist = artist_groups(data.catalog.tracks)
    for groups in (("AUDIO", "ACOUSTIC"), ("GENRE",)):
        passes = [hidden for hidden, each in asked if tuple(each) == groups]
        assert len(passes) == probes.PARTS
        assert all(set(held_out) <= set(hidden) for hidden in passes)
        rest = np.concatenate([np.setdiff1d(hidden, held_out) for hidden in passes])
        assert sorted(rest) == list(np.flatnonzero(~data.held_out))  # each in one part
        for hidden in passes:
            assert not set(artist[hidden]) & set(
                artist[np.setdiff1d(np.arange(data.n_tracks), hidden)]
            )


# The model


def trained(data, **settings):
    """Train in a moment; returned with its model."""
    method = Musig(device="cpu", **{**QUICK, **settings})
    return method.fit(data.catalog, data.split)


@pytest.mark.parametrize("kind", ["known", "none", "constant"])
def test_a_saved_model_embeds_with_attributes_hidden(data, kind):
    model = trained(data, attributes=kind).model
    of = embedder(model)
    assert torch.equal(of(), model.embeddings)
    hidden = torch.tensor([3, 5])
    x = model.x.clone()
    if kind == "known":
        start, stop = data.attributes.groups["GENRE"]
        x[hidden, start:stop] = torch.eye(stop - start)[-1]
    torch.testing.assert_close(of(hidden, ("GENRE",)), embed(model.encoder, x, model.csr))
    if kind == "known":
        assert not torch.equal(of(hidden, ("GENRE",)), model.embeddings)
    assert np.isfinite(list(probe(data, of).measures.values())).all()


def test_tasks_that_were_not_trained_are_measured(data):
    method = trained(data, weight_cooccurrence=0.0, weight_genre=0.0)
    known = set(method.model.held_out)
    assert not any("auc" in name or "genre" in name for name in known)
    prepared = method.prepared(data.catalog, data.split)
    assert prepared.fingerprint == method.model.info["identity"]["data"]
    found = probe(prepared, embedder(method.model)).measures
    assert {"link_auc", "genre_probe_f1_macro", "similarity_probe_error"} <= set(found)


def test_link_auc_is_that_of_the_task(data):
    model = trained(data).model
    found = probe(data, embedder(model)).measures
    for name in ("link_auc", "link_auc_matched", "link_auc_popularity"):
        assert found[name] == pytest.approx(model.held_out[name], abs=1e-6)


def test_the_same_is_found_again_and_the_global_generator_is_not_touched(data, labels):
    z = fixed(labels + torch.randn(labels.shape, generator=torch.Generator().manual_seed(1)))
    before = torch.get_rng_state()
    assert probe(data, z) == probe(data, z)
    assert torch.equal(torch.get_rng_state(), before)
    assert probe(data, z, seed=1) != probe(data, z)


def test_what_the_data_do_not_know_is_left_out(smoke_catalog):
    tracks = smoke_catalog.tracks.drop(columns=["main_genre", "genres", *FEATURES])
    silent = replace(smoke_catalog, tracks=tracks)
    data = prepare(silent, split_playlists(silent, seed=0), groups=("POPULARITY",))
    found = probe(data, fixed(torch.eye(data.n_tracks)))
    assert set(found.measures) == {"link_auc", "link_auc_popularity", "link_auc_matched"}
    assert set(found.by_artist) == {"link_auc", "link_auc_matched"}
    no_graph = prepare(silent, data.split, groups=("POPULARITY",), min_weight=10_000)
    assert probe(no_graph, fixed(torch.eye(data.n_tracks))).measures == {}


# How sure


def test_the_mean_over_artists_is_the_measure(data, labels, sound):
    noise = torch.randn(data.n_tracks, 20, generator=torch.Generator().manual_seed(2))
    z = torch.cat([labels, sound, torch.zeros(data.n_tracks, 20)], dim=1)[:, :20]
    found = probe(data, fixed(z + 2 * noise))
    for name, values in found.by_artist.items():
        assert np.mean(values) == pytest.approx(found.measures[name], abs=1e-5), name
        assert np.std(values) > 0
    artist = artist_groups(data.catalog.tracks)
    known = genre_labels(data.catalog.tracks)[1] & data.held_out
    assert found.tracks["genre_probe_f1_macro"] == known.sum()
    assert len(found.by_artist["genre_probe_f1_macro"]) == len(np.unique(artist[known]))


@pytest.mark.parametrize("average", ["macro", "micro"])
def test_the_spread_over_artists_is_that_of_resampled_artists(average):
    rng = np.random.default_rng(0)
    n_artists, n_genres = 300, 4
    owner = np.repeat(np.arange(n_artists), rng.integers(1, 9, n_artists))
    genre = rng.integers(n_genres, size=n_artists)[owner]  # tracks by one artist are alike
    wrong = (rng.random(n_artists) < 0.4)[owner]
    answer = np.where(wrong, rng.integers(n_genres, size=len(owner)), genre)
    truth, predicted = (np.eye(n_genres, dtype=bool)[each] for each in (genre, answer))
    values = np.array(by_artist.f1(truth, predicted, owner, n_artists, macro=average == "macro"))
    assert values.mean() == pytest.approx(f1_score(truth, predicted, average=average), abs=1e-6)
    resampled = []
    tracks_of = [np.flatnonzero(owner == each) for each in range(n_artists)]
    for _ in range(400):
        drawn = np.concatenate([tracks_of[k] for k in rng.integers(n_artists, size=n_artists)])
        resampled.append(f1_score(truth[drawn], predicted[drawn], average=average))
    assert values.std() / np.sqrt(n_artists) == pytest.approx(np.std(resampled), rel=0.15)


def test_the_spread_of_an_error_is_that_of_resampled_artists():
    """Both tracks of a pair are drawn: the spread over pairs alone would be too small."""
    rng = np.random.default_rng(0)
    n, n_pairs = 200, 20_000
    level = rng.gamma(2.0, size=n)  # some artists are hard to tell, and so are their pairs
    first, second = rng.integers(n, size=(2, n_pairs))
    squared = (level[first] + level[second]) * rng.uniform(0.5, 1.5, n_pairs)
    values = np.array(by_artist.rmse(squared, np.concatenate([first, second]), n))
    assert values.mean() == pytest.approx(np.sqrt(squared.mean()), abs=1e-5)
    resampled = []
    for _ in range(400):
        times = np.bincount(rng.integers(n, size=n), minlength=n)
        weight = times[first] * times[second]
        resampled.append(np.sqrt((weight * squared).sum() / weight.sum()))
    assert values.std() / np.sqrt(n) == pytest.approx(np.std(resampled), rel=0.15)


def test_held_out_artists_are_those_of_the_training(data, smoke_catalog):
    assert data.held_out.any()
    tracks = data.catalog.tracks
    whole = split_artists(smoke_catalog, 0)
    positions = universe(smoke_catalog, data.split.train, 3)
    assert len(tracks) == len(positions)
    np.testing.assert_array_equal(data.held_out, whole[positions])


@pytest.mark.slow
def test_the_spread_of_an_auc_is_that_of_resampled_artists():
    """Links are pairs, too, and an AUC moves with its negative pairs as with its positive ones."""
    rng = np.random.default_rng(1)
    n, n_pairs = 200, 20_000
    level = rng.normal(size=n)  # pairs of some artists are near each other, whatever they are
    ends = rng.integers(n, size=(2, 2 * n_pairs))  # positive pairs, then negative ones
    truth = np.repeat([1, 0], n_pairs)
    scores = np.round(level[ends].sum(0) + rng.normal(size=2 * n_pairs) + truth, 1)  # with ties
    values = np.array(by_artist.auc(scores[:n_pairs], scores[n_pairs:], ends.ravel(), n))
    assert values.mean() == pytest.approx(roc_auc_score(truth, scores), abs=1e-5)
    resampled = []
    for _ in range(400):
        times = np.bincount(rng.integers(n, size=n), minlength=n)
        weight = times[ends[0]] * times[ends[1]]
        resampled.append(roc_auc_score(truth, scores, sample_weight=weight))
    assert values.std() / np.sqrt(n) == pytest.approx(np.std(resampled), rel=0.15)
