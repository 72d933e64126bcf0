"""The three tasks: their losses against the formula, what is hidden, what is held out."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from musig.catalog import FEATURES
from musig.errors import MusigError
from musig.features import ACOUSTIC
from musig.splits import split_artists, split_playlists
from musig.tasks import TASKS, CoOccurrence, Genre, Similarity
from musig.train import Network, TrainConfig, default_tasks
from musig.training_data import prepare


@pytest.fixture(scope="module")
def data(smoke_catalog):
    return prepare(smoke_catalog, split_playlists(smoke_catalog, seed=0))


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def unit_rows(n, d=8, seed=0):
    return F.normalize(torch.randn(n, d, generator=generator(seed)), dim=1)


def loss_of(task, z, batch):
    """The loss when row i of z is the embedding of track i, as in a step on the full graph."""
    return task.loss(z, batch.nodes, batch)


def test_tasks_are_found_under_their_own_names():
    assert all(task.name == name for name, task in TASKS.items())


def test_positives_share_a_training_playlist_more_than_min_weight_times(data):
    batch = CoOccurrence(data).draw(200, generator())
    anchors, positives = batch.nodes.chunk(2)
    train = data.catalog.playlists.subset(data.split.train)
    members = [set(train[i].tolist()) for i in range(len(train))]
    for a, p in zip(anchors.tolist()[:30], positives.tolist()[:30], strict=True):
        together = sum(a in playlist and p in playlist for playlist in members)
        assert together > data.settings["min_weight"]


def test_positives_are_drawn_as_often_as_the_correction_of_the_softmax_says(data):
    task = CoOccurrence(data)
    draws = 200_000
    positives = task.draw(draws, generator()).nodes[draws:]
    observed = torch.bincount(positives, minlength=data.n_tracks) / draws
    expected = task.log_drawn.exp() * (data.csr.degree > 0)
    assert float(expected.sum()) == pytest.approx(1, abs=1e-4)
    assert (observed - expected).abs().max() < 4 * (expected.max() / draws) ** 0.5


def test_softmax_loss_is_its_formula_and_spares_repeated_positives(data):
    task = CoOccurrence(data, temperature=0.5)
    batch = task.draw(6, generator())
    nodes = batch.nodes.clone()
    nodes[7] = nodes[6]  # two anchors with the same positive
    nodes[8] = nodes[5]  # an anchor that is the positive of another
    table = unit_rows(data.n_tracks)
    z, total = table[nodes], 0.0
    for i in range(6):
        scores = []
        for j in range(6):
            same = i != j and (nodes[6 + i] == nodes[6 + j] or nodes[6 + j] == nodes[i])
            correction = task.log_drawn[nodes[6 + j]]
            score = float(z[i] @ z[6 + j] / 0.5 - correction)
            scores.append(-np.inf if same else score)
        total += -scores[i] + np.logaddexp.reduce(scores)
    assert float(loss_of(task, table, type(batch)(nodes))) == pytest.approx(total / 6, rel=1e-5)


@pytest.mark.parametrize("loss", ["softmax", "logistic"])
def test_an_epoch_over_pairs_has_each_edge_once(data, loss):
    task, random = CoOccurrence(data, loss=loss, epoch_over="pairs", negatives=3), generator()
    edges = len(data.csr.indices) // 2
    size = edges // 3 + 1
    for _ in range(2):  # two epochs, in two orders
        pairs, smaller_first = [], 0
        for batch in (task.draw(size, random) for _ in range(3)):
            nodes = batch.nodes[: len(batch.nodes) - 3] if loss == "logistic" else batch.nodes
            first, second = nodes.chunk(2)
            smaller_first += int((first < second).sum())
            pairs += [
                tuple(sorted(pair)) for pair in zip(first.tolist(), second.tolist(), strict=True)
            ]
        rows = torch.arange(data.n_tracks).repeat_interleave(data.csr.degree).tolist()
        expected = {tuple(sorted(e)) for e in zip(rows, data.csr.indices.tolist(), strict=True)}
        assert len(pairs) == edges and set(pairs) == expected
        assert abs(smaller_first / edges - 0.5) < 4 * (0.25 / edges) ** 0.5


def test_positives_of_pairs_turn_up_as_often_as_the_correction_says(data):
    task = CoOccurrence(data, epoch_over="pairs")
    expected = task.log_drawn.exp() * (data.csr.degree > 0)
    assert float(expected.sum()) == pytest.approx(1, abs=1e-4)
    torch.testing.assert_close(expected, data.csr.degree / data.csr.degree.sum())


@pytest.mark.parametrize("name", TASKS)
def test_a_loss_asks_only_for_the_rows_it_is_told(with_sound, name):
    """As in a sampled step: z holds the tracks of the step, each once, in another order."""
    task = TASKS[name](with_sound, **({} if name == "cooccurrence" else {"embedding_size": 8}))
    batch, table = task.draw(20, generator()), unit_rows(with_sound.n_tracks)
    some, rows = torch.unique(batch.nodes, return_inverse=True)
    order = torch.randperm(len(some), generator=generator())
    z, rows = table[some[order]], order.argsort()[rows]
    torch.testing.assert_close(task.loss(z, rows, batch), loss_of(task, table, batch))


def test_logistic_loss_is_equation_1_of_graphsage(data):
    task = CoOccurrence(data, loss="logistic", temperature=1.0, negatives=3)
    batch = task.draw(4, generator())
    assert len(batch.nodes) == 2 * 4 + 3
    table = unit_rows(data.n_tracks)
    z, total = table[batch.nodes], 0.0
    for i in range(4):
        total += -np.log(1 / (1 + np.exp(-float(z[i] @ z[4 + i]))))
        total += sum(-np.log(1 / (1 + np.exp(float(z[i] @ z[8 + n])))) for n in range(3))
    assert float(loss_of(task, table, batch)) == pytest.approx(total / 4, rel=1e-5)


def test_negatives_follow_the_degree_to_the_three_quarters(data):
    task = CoOccurrence(data, loss="logistic", negatives=100_000)
    drawn = task.draw(1, generator()).nodes[2:]
    expected = data.csr.degree.double().pow(0.75)
    expected = expected / expected.sum()
    observed = torch.bincount(drawn, minlength=data.n_tracks) / 100_000
    assert (observed - expected).abs().max() < 5 * float(expected.max() / 100_000) ** 0.5


@pytest.fixture(scope="module")
def with_sound(data):
    """The same data, where a third of the tracks has an acoustic vector."""
    rng, tracks = np.random.default_rng(0), data.catalog.tracks.copy()
    vectors = rng.uniform(-1, 1, (len(tracks), len(ACOUSTIC)))
    vectors[rng.random(len(tracks)) < 2 / 3] = np.nan
    tracks[list(ACOUSTIC)] = vectors
    return replace(data, catalog=replace(data.catalog, tracks=tracks))


@pytest.mark.parametrize("on", ["audio", "acoustic", "known"])
def test_similarity_is_the_distance_of_standardised_features(with_sound, on):
    task = Similarity(with_sound, embedding_size=8, on=on)
    batch = task.draw(50, generator())
    table = unit_rows(with_sound.n_tracks)
    z = table[batch.nodes]
    losses = []
    groups = {"audio": [FEATURES], "acoustic": [ACOUSTIC], "known": [FEATURES, ACOUSTIC]}[on]
    for i, columns in enumerate(groups):
        features = with_sound.catalog.tracks[list(columns)].astype(float)
        fitted = features[features.notna().all(axis=1) & ~with_sound.held_out].to_numpy()
        standard = (features.to_numpy() - fitted.mean(0)) / fitted.std(0)
        first, second = batch.nodes[100 * i : 100 * (i + 1)].numpy().reshape(2, 50)
        expected = np.sqrt(((standard[first] - standard[second]) ** 2).mean(1))
        project = task.project["AUDIO" if columns is FEATURES else "ACOUSTIC"]
        mapped = (z[100 * i : 100 * (i + 1)] @ project.weight.T).detach().numpy()
        predicted = np.linalg.norm(mapped[:50] - mapped[50:], axis=1)
        losses.append(((predicted - expected) ** 2).mean())
    assert loss_of(task, table, batch).item() == pytest.approx(np.mean(losses), rel=1e-4)


def test_similarity_without_acoustic_vectors_is_about_the_nine_features(data):
    known, audio = Similarity(data, 8, on="known"), Similarity(data, 8, on="audio")
    assert list(known.project) == list(audio.project) == ["AUDIO"]
    assert torch.equal(known.draw(9, generator()).nodes, audio.draw(9, generator()).nodes)
    with pytest.raises(MusigError, match="0 have all of ACOUSTIC"):
        Similarity(data, 8, on="acoustic")


def test_acoustic_similarity_is_measured_beside_that_of_the_features(with_sound):
    net = net_of(with_sound)
    measures = net.tasks["similarity"].held_out(net.embed)
    kinds = ("", "_hidden", "_constant")
    names = {
        f"{way}_error{kind}" for way in ("similarity", "acoustic_similarity") for kind in kinds
    }
    assert set(measures) == names
    assert np.isfinite(list(measures.values())).all()


def test_hidden_sound_leaves_no_other_sound_behind(smoke_catalog):
    vectors = np.random.default_rng(0).uniform(-1, 1, (smoke_catalog.n_tracks, len(ACOUSTIC)))
    tracks = smoke_catalog.tracks.assign(**dict(zip(ACOUSTIC, vectors.T, strict=True)))
    data = prepare(replace(smoke_catalog, tracks=tracks), split_playlists(smoke_catalog, seed=0))
    assert {"AUDIO", "ACOUSTIC"} <= set(data.attributes.groups)
    net = net_of(data)
    before = net.tasks["similarity"].held_out(net.embed)
    asked = torch.from_numpy(net.tasks["similarity"].unseen["AUDIO"])  # about both kinds of sound
    for group in ("AUDIO", "ACOUSTIC"):
        start, stop = net.groups[group]
        net.x[asked, start:stop] += 1
    after = net.tasks["similarity"].held_out(net.embed)
    for name in ("similarity_error", "acoustic_similarity_error"):
        assert after[name] != before[name]
        assert after[f"{name}_hidden"] == before[f"{name}_hidden"]


def test_similarity_can_be_learnt_between_equal_tracks_without_a_bad_gradient(data):
    task = Similarity(data, embedding_size=8)
    z = unit_rows(1).repeat(data.n_tracks, 1).requires_grad_()
    batch = task.draw(2, generator())
    loss_of(task, z, batch).backward()
    assert torch.isfinite(z.grad).all()


@pytest.mark.parametrize("task_class", [Similarity, Genre])
def test_tracks_of_held_out_artists_never_supervise(data, task_class):
    task = task_class(data, embedding_size=8)
    drawn = torch.cat([task.draw(64, generator(i)).nodes for i in range(30)]).unique().numpy()
    unseen = task.unseen["AUDIO"] if task_class is Similarity else task.unseen
    assert data.held_out.any()
    assert not data.held_out[drawn].any()
    assert len(unseen) and data.held_out[unseen].all()


def test_the_same_artists_are_held_out_whatever_the_universe(smoke_catalog):
    split = split_playlists(smoke_catalog, seed=0)
    held_out = split_artists(smoke_catalog, 0, 0.25)
    held_out = set(smoke_catalog.tracks.index[held_out])
    universes = [prepare(smoke_catalog, split, min_playlists=k) for k in (1, 30)]
    small, large = (set(u.catalog.tracks.index[u.held_out]) for u in universes[::-1])
    assert small < large < held_out  # so what was fitted without a quarter saw none of them


def test_no_artist_is_on_both_sides_of_the_held_out_line(data):
    artists = data.catalog.tracks["artist_id"]
    inside, outside = set(artists[data.held_out].dropna()), set(artists[~data.held_out].dropna())
    assert inside and outside and not inside & outside


def net_of(data, **settings):
    config = TrainConfig(embedding_size=8, batch_size=32, **settings)
    net = Network(data, config, default_tasks(data, config))
    net.place_graph(data, torch.device("cpu"))
    return net


def test_the_genre_mask_hides_a_tracks_genre_from_every_embedding(data):
    """Changing the genre of the masked tracks must not change anything the step computes."""
    net = net_of(data)
    start, stop = data.attributes.groups["GENRE"]
    hidden = net.tasks["genre"].draw(32, generator()).hidden
    before = net.embed(hidden)
    net.x[hidden, start:stop] = 1 - net.x[hidden, start:stop]
    torch.testing.assert_close(net.embed(hidden), before, rtol=0, atol=0)
    assert not torch.equal(net.embed(None), before)


def test_without_the_mask_the_genre_of_a_supervised_track_is_seen(data):
    assert net_of(data, mask_genre=False).tasks["genre"].draw(8, generator()).hidden is None
    assert net_of(data).tasks["genre"].draw(8, generator()).hidden is not None


def test_a_step_leaves_most_genres_visible(data):
    task = Genre(data, 8)
    assert len(task.draw(10**6, generator()).nodes) <= len(task.supervised) / 5


def test_held_out_measures_stand_beside_trivial_baselines(data):
    net = net_of(data)
    measures = {}
    for task in net.tasks.values():
        measures.update(task.held_out(net.embed))
    assert {
        "link_auc",
        "link_auc_popularity",
        "link_auc_matched",
        "similarity_error",
        "similarity_error_hidden",
        "similarity_error_constant",
        "genre_f1_macro",
        "genre_f1_macro_frequent",
        "genre_f1_micro",
        "genre_f1_micro_frequent",
    } == set(measures)
    assert all(np.isfinite(value) for value in measures.values())


def test_held_out_genre_f1_is_one_for_a_perfect_answer(data):
    task = Genre(data, embedding_size=data.n_tracks)
    weight = torch.where(task.labels.T > 0, 10.0, -10.0)
    task.classify.weight.data, task.classify.bias.data = weight, torch.zeros(len(weight))
    measures = task.held_out(lambda hidden: torch.eye(data.n_tracks))
    assert measures["genre_f1_macro"] == measures["genre_f1_micro"] == 1
    assert measures["genre_f1_micro_frequent"] < 1


def test_data_without_what_a_task_needs_is_refused_in_a_sentence(smoke_catalog):
    split = split_playlists(smoke_catalog, seed=0)
    bare = replace(smoke_catalog, tracks=smoke_catalog.tracks[["name", "artist"]])
    data = prepare(bare, split, groups=("POPULARITY",), popularity="train_count")
    with pytest.raises(MusigError, match=r"similarity task needs two.*weight_similarity to 0"):
        Similarity(data, 8)
    with pytest.raises(MusigError, match=r"no track has a genre.*weight_genre to 0"):
        Genre(data, 8)
    empty = prepare(smoke_catalog, split, min_weight=10_000)
    with pytest.raises(MusigError, match="no edge of weight above 10000"):
        CoOccurrence(empty)
