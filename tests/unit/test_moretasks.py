"""The artist and the next track as tasks: what they draw, what they learn, what they refuse."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
import torch

from musig.catalog import Catalog, Playlists
from musig.encoders import Musig
from musig.errors import MusigError
from musig.moretasks import MusigTasks, NextTrack, SameArtist
from musig.splits import artist_groups, split_playlists
from musig.tasks import Batch
from musig.train import TrainConfig, default_tasks, train
from musig.training_data import prepare

QUICK = {"epochs": 2, "evaluate_every": 1, "embedding_size": 8, "batch_size": 64}


@pytest.fixture(scope="module")
def split(smoke_catalog):
    return split_playlists(smoke_catalog, seed=0)


@pytest.fixture(scope="module")
def data(smoke_catalog, split):
    return prepare(smoke_catalog, split)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def test_an_artist_is_drawn_once_a_step_with_two_of_his_tracks_that_supervise(data):
    task, artist = SameArtist(data, 8), artist_groups(data.catalog.tracks)
    drawn = set()
    for seed in range(50):
        first, second = task.draw(20, generator(seed)).nodes.view(2, -1).numpy()
        assert (first != second).all()
        assert (artist[first] == artist[second]).all()
        assert len(set(artist[first])) == len(first) <= 20
        assert not data.held_out[first].any() and not data.held_out[second].any()
        drawn |= {*first.tolist(), *second.tolist()}
    supervised = np.flatnonzero(~data.held_out)
    several = np.bincount(artist[supervised], minlength=artist.max() + 1)[artist] > 1
    assert drawn <= set(np.flatnonzero(several & ~data.held_out).tolist())
    assert len(task.draw(10_000, generator()).nodes) == 2 * len(set(artist[several]))


def test_every_pair_of_an_artist_is_as_likely(data):
    task = SameArtist(data, 8)
    sizes = task.sizes.numpy()
    which = int(np.flatnonzero(sizes > 2)[0])
    begin, size = int(task.begins[which]), int(sizes[which])
    tracks = task.members[begin : begin + size].tolist()
    counts = np.zeros((size, size))
    for seed in range(3_000):
        pairs = task.draw(10_000, generator(seed)).nodes.view(2, -1).T.tolist()
        for first, second in pairs:
            if first in tracks:
                counts[tracks.index(first), tracks.index(second)] += 1
    assert np.trace(counts) == 0
    expected = 3_000 / (size * (size - 1))
    off = counts[~np.eye(size, dtype=bool)]
    assert np.abs(off - expected).max() < 6 * np.sqrt(expected)


def test_the_artist_loss_is_small_where_artists_stand_apart(data):
    task, artist = SameArtist(data, 8), artist_groups(data.catalog.tracks)
    batch = task.draw(50, generator())
    apart = torch.nn.functional.one_hot(torch.from_numpy(artist)).float()
    alike = torch.ones(data.n_tracks, 4) / 2
    assert task.loss(apart, batch.nodes, batch) < 0.1
    n = len(batch.nodes) // 2
    assert task.loss(alike, batch.nodes, batch).item() == pytest.approx(np.log(n), rel=1e-4)
    found = task.held_out(lambda *hidden: apart)
    assert found["same_artist_precision"] == 1 > found["same_artist_precision_chance"] > 0


def test_without_artists_there_is_a_sentence_and_no_task(smoke_catalog, split):
    tracks = smoke_catalog.tracks.drop(columns=["artist", "artist_id"])
    data = prepare(replace(smoke_catalog, tracks=tracks), split)
    with pytest.raises(MusigError, match=r"two artists with two tracks each.*weight_artist to 0"):
        SameArtist(data, 8)


def test_no_held_out_artist_with_two_tracks_is_no_number(data):
    alone = replace(data, held_out=np.zeros_like(data.held_out))
    found = SameArtist(alone, 8).held_out(lambda *hidden: torch.ones(data.n_tracks, 2))
    assert all(np.isnan(value) for value in found.values())


def test_pairs_follow_each_other_in_a_training_playlist(data):
    task = NextTrack(data, 8)
    train = data.catalog.playlists.subset(data.split.train)
    expected = [(int(a), int(b)) for playlist in train for a, b in pairwise(playlist)]
    assert sorted(map(tuple, task.pairs.T.tolist())) == sorted(expected)
    before, after = task.draw(500, generator()).nodes.view(2, -1)
    assert set(zip(before.tolist(), after.tolist(), strict=True)) <= set(expected)


def chain():
    """Playlists that walk round one circle of tracks, always the same way."""
    rng = np.random.default_rng(0)
    starts, lengths = rng.integers(30, size=400), rng.integers(1, 8, size=400)
    lists = [(start + np.arange(n)) % 30 for start, n in zip(starts, lengths, strict=True)]
    tracks = pd.DataFrame(
        {"artist": [f"{n % 7}" for n in range(30)], "energy": rng.uniform(size=30)},
        index=pd.Index([f"t{n}" for n in range(30)], name="track_id"),
    )
    return Catalog(tracks, Playlists.from_lists(lists), "chain")


def test_what_comes_next_is_learned_and_which_way_it_goes(tmp_path):
    catalog = chain()
    # with nothing but edges a circle looks the same from everywhere: tracks need to differ
    data = prepare(catalog, split_playlists(catalog, seed=0), attributes="random", groups=["AUDIO"])
    config = TrainConfig(
        epochs=40, embedding_size=16, batch_size=128, weight_similarity=0, weight_genre=0,
        hops=1, device="cpu", patience=40,
    )  # fmt: skip
    tasks = [*default_tasks(data, config), (NextTrack(data, 16), 1.0)]
    found = train(data, config, tmp_path, tasks, progress=False).held_out
    assert found["next_auc"] > 0.8
    assert found["next_order"] > 0.8
    assert NextTrack(data, 16).held_out(lambda *hidden: torch.ones(30, 16)) == {
        "next_auc": 0.5,
        "next_order": 0.5,
    }


def test_a_map_that_does_nothing_cannot_tell_which_came_first(data):
    z = torch.nn.functional.normalize(torch.randn(data.n_tracks, 8, generator=generator()))
    assert NextTrack(data, 8).held_out(lambda *hidden: z)["next_order"] == pytest.approx(
        0.5, abs=0.01
    )


def test_the_next_loss_does_not_count_the_same_track_as_its_own_rival(data):
    task = NextTrack(data, 8)
    pair = task.pairs[:, :1]
    batch = Batch(pair.repeat(1, 4).flatten())  # one pair four times: nothing to tell apart
    z = torch.nn.functional.normalize(torch.randn(data.n_tracks, 8, generator=generator()))
    assert task.loss(z, batch.nodes, batch).item() == pytest.approx(0, abs=1e-5)


def test_no_playlist_of_two_is_refused(smoke_catalog, split):
    lists = [playlist[:1] for playlist in smoke_catalog.playlists]
    data = prepare(smoke_catalog, split)
    single = replace(data.catalog, playlists=Playlists.from_lists(lists))
    with pytest.raises(MusigError, match="next track needs a training playlist"):
        NextTrack(replace(data, catalog=single), 8)


def test_with_no_weight_it_is_the_method_without(smoke_catalog, split):
    plain = Musig(**QUICK, device="cpu").fit(smoke_catalog, split)
    none = MusigTasks(**QUICK, device="cpu", weight_artist=0, weight_next=0)
    none.fit(smoke_catalog, split)
    assert torch.equal(plain.model.embeddings, none.model.embeddings)
    both = MusigTasks(**QUICK, device="cpu").fit(smoke_catalog, split)
    assert {"artist", "next"} <= set(both.model.history)
    assert set(both.model.info["identity"]["tasks"]) == {
        "cooccurrence", "similarity", "genre", "artist", "next",
    }  # fmt: skip
    assert not torch.equal(plain.model.embeddings, both.model.embeddings)


def test_the_same_seed_gives_the_same_model(smoke_catalog, split, monkeypatch, tmp_path):
    made = []
    for name in ("one", "two"):
        monkeypatch.setenv("MUSIG_CACHE", str(tmp_path / name))
        made.append(MusigTasks(**QUICK, device="cpu", seed=3).fit(smoke_catalog, split).model)
    assert torch.equal(made[0].embeddings, made[1].embeddings)
    assert made[0].folder != made[1].folder


def test_a_task_that_the_data_cannot_teach_is_left_out_and_told(smoke_catalog, split):
    tracks = smoke_catalog.tracks.drop(columns=["artist", "artist_id"])
    method = MusigTasks(**QUICK, device="cpu").fit(replace(smoke_catalog, tracks=tracks), split)
    assert any("artist task" in note for note in method.notes)
    assert "artist" not in method.model.history and "next" in method.model.history


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"weight_next": -1}, "weight_next is -1.0"),
        ({"weight_artist": float("nan")}, "weight_artist is nan"),
        ({"weight_artists": 1}, "did you mean 'weight_artist'"),
    ],
)
def test_wrong_settings_are_refused(settings, words):
    with pytest.raises(MusigError, match=words):
        MusigTasks(**settings)
