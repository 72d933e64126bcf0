"""MUSIG and GraphSAGE as methods: what they are made of, what they are given, what they tell."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from musig.baselines.graphsage import GraphSAGE
from musig.catalog import universe
from musig.encoders import Musig
from musig.errors import MusigError
from musig.model import embed
from musig.scorers import EmbeddingScorer
from musig.splits import split_playlists
from musig.train import TrainConfig

QUICK = {"epochs": 2, "evaluate_every": 1, "embedding_size": 8, "batch_size": 64}


@pytest.fixture(scope="module")
def known(smoke_catalog):
    split = split_playlists(smoke_catalog, seed=0)
    return smoke_catalog.restrict(universe(smoke_catalog, split.train, 3)), split


def fitted(known, method=Musig, **settings):
    return method(device="cpu", **{**QUICK, **settings}).fit(*known)


def test_the_row_of_the_paper_has_the_papers_choices_and_ours():
    config = Musig().config
    assert config == TrainConfig(epochs=60)
    weights = (config.weight_cooccurrence, config.weight_similarity, config.weight_genre)
    assert (weights, config.hops, config.aggregator) == ((1.0, 0.5, 0.5), 2, "mean")
    assert (config.embedding_size, config.loss) == (128, "softmax")


def test_it_completes_by_the_mean_seed_and_keeps_the_model(known):
    method = fitted(known)
    catalog, split = known
    seeds = catalog.playlists.subset(split.test[:5])
    expected = EmbeddingScorer("musig", method.model.embeddings).score(seeds)
    assert torch.equal(method.score(seeds), expected)
    assert method.size == catalog.n_tracks * 8 and method.notes == []
    assert {"link_auc", "genre_f1_macro"} <= set(method.model.held_out)
    assert method.model.info["seconds"] > 0
    assert list(method.model.tracks.index) == list(catalog.tracks.index)  # no track is lost


def test_another_seed_trains_otherwise_on_the_same_data(known):
    one, other = fitted(known), fitted(known, seed=1)
    assert not torch.equal(one.model.embeddings, other.model.embeddings)
    identities = [method.model.info["identity"]["data"] for method in (one, other)]
    assert identities[0] == identities[1]


@pytest.mark.parametrize("kind", ["random", "constant", "none"])
def test_attributes_without_knowledge_take_the_place_of_what_is_known(known, kind):
    real, control = fitted(known), fitted(known, attributes=kind)
    width = {"random": real.model.x.shape[1], "constant": 1, "none": 128}[kind]
    assert control.model.x.shape == (known[0].n_tracks, width)
    assert not set(control.model.info["attributes"]["groups"])
    assert {"genre", "similarity", "cooccurrence"} <= set(control.model.history)
    if kind == "constant":
        assert (control.model.x == 1).all()


def test_the_table_of_none_is_learned_and_saved(known):
    method = fitted(known, attributes="none")
    begun = method.prepared(*known).attributes
    assert begun.learned and not np.allclose(begun.x, method.model.x.numpy())
    again = embed(method.model.encoder, method.model.x, method.model.csr)
    torch.testing.assert_close(again, method.model.embeddings)


@pytest.mark.parametrize("steps", ["full", "sampled"])
def test_a_learned_table_trains_with_either_kind_of_step(known, steps):
    settings = {"steps": steps, "attributes": "none", "epochs": 8, "embedding_size": 16}
    history = fitted(known, **settings).model.history
    assert history["cooccurrence"].iloc[-1] < history["cooccurrence"].iloc[0]


def test_a_learned_table_asks_for_a_fanout_a_hop(known):
    settings = {"attributes": "none", "steps": "sampled", "fanouts": (5,)}
    with pytest.raises(MusigError, match=r"fanouts has 1 numbers for 2 hops; expected one a hop"):
        fitted(known, **settings)


def test_groups_are_what_the_encoder_is_given(known):
    method = fitted(known, groups=["AUDIO"])
    assert set(method.model.info["attributes"]["groups"]) == {"AUDIO"}
    with pytest.raises(MusigError, match="Unknown attribute group 'AUDI': did you mean 'AUDIO'"):
        fitted(known, groups=["AUDI"])
    with pytest.raises(MusigError, match="attributes is 'rando': did you mean 'random'"):
        fitted(known, attributes="rando")


def test_a_task_without_labels_is_left_out_and_said(known):
    catalog, split = known
    bare = replace(catalog, tracks=catalog.tracks[["name", "artist"]])
    method = fitted((bare, split))
    assert [note.split(": ")[1] for note in method.notes] == [
        "nothing to learn the similarity task from",
        "nothing to learn the genre task from",
    ]
    assert set(method.model.info["identity"]["tasks"]) == {"cooccurrence"}


def test_graphsage_is_one_task_with_the_logistic_loss(known):
    method = fitted(known, GraphSAGE)
    tasks = method.model.info["identity"]["tasks"]
    assert list(tasks) == ["cooccurrence"] and tasks["cooccurrence"]["form"] == "logistic"
    assert tasks["cooccurrence"]["temperature"] == 1.0
    assert method.model.x.shape == fitted(known).model.x.shape  # structure and content
