"""The encoder over relations: with one it is the paper's; with more nothing leaks and all learn."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from musig import modelfolder
from musig.csr import CSR
from musig.encoders import Musig
from musig.errors import MusigError
from musig.hetero import HeteroEncoder, HeteroNetwork
from musig.model import RELATION, Encoder, embed
from musig.probes import embedder
from musig.relation_sampling import full_relations, sample_relations
from musig.relational import MusigRelations
from musig.relations import TRACK, relation_graph, rows_of, with_relations
from musig.sampling import build_alias, full_blocks, sample_blocks
from musig.splits import split_playlists
from musig.train import Network, TrainConfig, default_tasks, train, trained
from musig.training_data import prepare

QUICK = TrainConfig(
    embedding_size=16, batch_size=64, epochs=3, evaluate_every=1, patience=9, device="cpu"
)
PAPER = (TRACK, "by_playlist", TRACK)


@pytest.fixture(scope="module")
def data(smoke_catalog):
    return prepare(smoke_catalog, split_playlists(smoke_catalog, seed=0))


@pytest.fixture(scope="module")
def everything(data):
    return with_relations(data)


def network(data, config=QUICK):
    net = HeteroNetwork(data, config, default_tasks(data, config))
    net.place_graph(data, torch.device("cpu"))
    return net


@pytest.mark.parametrize("hops", [1, 2, 3])
def test_with_one_relation_it_is_the_plain_encoder(data, hops):
    """As many parameters, begun with the same numbers, and the same embeddings to the last bit."""
    torch.manual_seed(0)
    plain = Encoder(data.attributes.x.shape[1], 16, hops)
    torch.manual_seed(0)
    graph = rows_of(relation_graph(data, ["playlist"]).hetero)
    one = HeteroEncoder(graph, data.attributes.x.shape[1], 16, hops)
    for k, layer in enumerate(one.layers):
        hop = plain.hop(k, RELATION)
        assert torch.equal(layer.own[TRACK].weight, hop.own.weight)
        assert torch.equal(layer.own[TRACK].bias, hop.own.bias)
        (message,) = layer.neighbours.convs.values()
        assert torch.equal(message.linear.weight, hop.neighbours.weight)
    count = [sum(each.numel() for each in encoder.parameters()) for encoder in (plain, one)]
    assert count[0] == count[1]
    x = torch.from_numpy(data.attributes.x)
    assert torch.equal(one.embed(x), embed(plain, x, data.csr))


@pytest.mark.parametrize(
    "settings",
    [
        {"steps": "full"},
        {"steps": "sampled", "hops": 3},
        {"steps": "sampled", "dropout": 0.2, "loss": "logistic"},
        {"attributes": "none", "steps": "sampled"},
    ],
    ids=str,
)
def test_with_one_relation_a_training_ends_in_the_papers_embeddings(smoke_catalog, settings):
    """Batches, hidden genres, neighbours that are drawn, dropout: nothing of it is drawn anew."""
    quick = {"epochs": 2, "evaluate_every": 1, "embedding_size": 8, "batch_size": 64}
    known = smoke_catalog, split_playlists(smoke_catalog, seed=0)
    plain = Musig(device="cpu", **quick, **settings).fit(*known)
    one = MusigRelations(device="cpu", relations=["playlist"], **quick, **settings).fit(*known)
    assert torch.equal(plain.model.embeddings, one.model.embeddings)
    assert plain.model.held_out == pytest.approx(one.model.held_out, nan_ok=True)


def test_one_relation_is_sampled_as_ever(data):
    alias, seeds = build_alias(data.csr), torch.arange(0, data.n_tracks, 7)
    nodes, blocks = sample_blocks(
        data.csr, alias, seeds, (4, 3), torch.Generator().manual_seed(1)
    )  # fmt: skip
    by_type, found = sample_relations(
        {PAPER: data.csr}, {PAPER: alias}, seeds, [[PAPER]] * 2, (4, 3),
        torch.Generator().manual_seed(1),
    )  # fmt: skip
    assert torch.equal(by_type[TRACK], nodes)
    for expected, hop in zip(blocks, found, strict=True):
        for part in ("indptr", "indices", "weight"):
            assert torch.equal(getattr(hop[PAPER], part), getattr(expected, part)), part
        assert hop[PAPER].n_src == expected.n_src


def test_sampled_neighbourhoods_fit_together(everything):
    """Rows sum to 1 or are empty, receivers come first, and what is drawn are neighbours."""
    graph = rows_of(everything.graph.hetero)
    encoder = HeteroEncoder(graph, everything.attributes.x.shape[1], 8, hops=3)
    aliases = {edge: build_alias(csr) for edge, csr in graph.items()}
    seeds, generator = torch.tensor([5, 2, 9]), torch.Generator().manual_seed(0)
    nodes, blocks = sample_relations(graph, aliases, seeds, encoder.edges, (3, 2, 2), generator)
    assert torch.equal(nodes[TRACK][:3], seeds)
    assert all(len(part.unique()) == len(part) for part in nodes.values())
    for hop, edges in zip(blocks, encoder.edges, strict=True):
        assert set(hop) == set(edges)
        for edge, block in hop.items():
            sender, _, receiver = edge
            sums = block.matrix().to_dense().sum(1)
            linked = graph[edge].degree[nodes[receiver][: block.n_dst]] > 0
            torch.testing.assert_close(sums, linked.float())
            for row, column in zip(block.rows.tolist(), block.indices.tolist(), strict=True):
                one, csr = int(nodes[receiver][row]), graph[edge]
                near = csr.indices[csr.indptr[one] : csr.indptr[one + 1]]
                assert int(nodes[sender][column]) in near
    assert {block.n_dst for block in blocks[-1].values()} == {3}


def test_a_sampled_hop_is_on_average_the_exact_one(everything):
    graph = rows_of(everything.graph.hetero)
    encoder = HeteroEncoder(graph, everything.attributes.x.shape[1], 8, hops=1)
    aliases = {edge: build_alias(csr) for edge, csr in graph.items()}
    x = encoder.inputs(torch.from_numpy(everything.attributes.x))
    seeds, generator = torch.arange(20), torch.Generator().manual_seed(0)
    nodes, blocks = sample_relations(graph, aliases, seeds, encoder.edges, (4000,), generator)
    sent = {kind: part[nodes[kind]] for kind, part in x.items()}
    for edge, block in blocks[0].items():
        exact = full_relations(graph)[edge].matrix() @ x[edge[0]]
        torch.testing.assert_close(
            block.matrix() @ sent[edge[0]], exact[:20], atol=0.15, rtol=0
        )  # fmt: skip


@pytest.mark.parametrize("hops", [1, 2, 3])
@pytest.mark.parametrize("steps", ["full", "sampled"])
def test_every_parameter_learns(everything, hops, steps):
    config = replace(QUICK, hops=hops, steps=steps, fanouts=(5, 3))
    net = network(everything, config)
    losses = net(torch.Generator().manual_seed(0))
    sum(losses.values()).backward()
    still = [name for name, part in net.encoder.named_parameters() if part.grad is None]
    assert still == []
    kinds = {edge[2] for edges in net.encoder.edges for edge in edges}
    assert kinds == ({TRACK} if hops == 1 else {TRACK, "artist", "playlist"})


def test_a_genre_that_is_hidden_comes_back_by_no_relation(everything):
    hidden = torch.arange(0, everything.n_tracks, 3)
    start, stop = everything.attributes.groups["GENRE"]
    x = everything.attributes.x.copy()
    x[hidden, start:stop] = 7.0  # another genre, even an impossible one
    other_data = replace(everything, attributes=replace(everything.attributes, x=x))
    one, other = network(everything), network(other_data)
    assert not torch.equal(one.first[PAPER], other.first[PAPER])
    (x_one, first), (x_other, second) = (net._first_hop([hidden]) for net in (one, other))
    assert torch.equal(x_one, x_other)
    for edge in first:
        torch.testing.assert_close(first[edge], second[edge], msg=str(edge))
        exact = one.encoder.full[edge].matrix() @ one.encoder.inputs(x_one)[edge[0]]
        torch.testing.assert_close(first[edge], exact)
    other.load_state_dict(one.state_dict())
    assert torch.equal(one.embed(hidden), other.embed(hidden))


@pytest.mark.parametrize("kind", ["none", "constant"])
@pytest.mark.parametrize("steps", ["full", "sampled"])
def test_attributes_without_knowledge(smoke_catalog, kind, steps):
    split = split_playlists(smoke_catalog, seed=0)
    data = with_relations(prepare(smoke_catalog, split, attributes=kind))
    config = replace(QUICK, steps=steps)
    losses = network(data, config)(torch.Generator().manual_seed(0))
    assert all(torch.isfinite(loss) for loss in losses.values())


@pytest.mark.parametrize("steps", ["full", "sampled"])
def test_it_learns_and_is_the_same_again(everything, tmp_path, steps):
    config = replace(QUICK, epochs=6, steps=steps)
    one, two = (
        train(everything, config, tmp_path / name, progress=False, network=HeteroNetwork)
        for name in "ab"
    )
    assert one.history["genre"].iloc[-1] < one.history["genre"].iloc[0]
    assert torch.equal(one.embeddings, two.embeddings)
    torch.testing.assert_close(one.embeddings.norm(dim=1), torch.ones(everything.n_tracks))


@pytest.fixture(scope="module")
def saved(everything, tmp_path_factory):
    folder = tmp_path_factory.mktemp("relations") / "model"
    return train(everything, QUICK, folder, progress=False, network=HeteroNetwork)


def test_a_model_is_read_as_it_was(saved, everything):
    again = modelfolder.load(saved.folder)
    assert again.info["encoder"] == "hetero"
    assert isinstance(again.encoder, HeteroEncoder)
    assert torch.equal(again.embed(again.x), saved.embeddings)
    assert set(again.encoder.graph) == set(everything.graph.hetero.edge_types)
    names = {path.suffix for path in saved.folder.rglob("*") if path.is_file()}
    assert names <= {".safetensors", ".json", ".parquet"}  # no pickle
    hidden = torch.arange(10)
    assert not torch.equal(embedder(again)(hidden), again.embeddings)
    assert len(again.complete([again.tracks.index[0]], k=3)) == 3


def test_a_folder_that_was_changed_is_refused(saved, tmp_path, write_sealed):
    import shutil

    folder = tmp_path / "model"
    shutil.copytree(saved.folder, folder)
    path = folder / "graph.safetensors"
    path.write_bytes(path.read_bytes()[:-8])
    with pytest.raises(MusigError, match=r"graph\.safetensors is not the file that was written"):
        modelfolder.load(folder)
    shutil.copy(saved.folder / path.name, path)
    info = json.loads((folder / "model.json").read_text())
    write_sealed(folder, info | {"encoder": "heterro"})
    with pytest.raises(MusigError, match=r"names the encoder 'heterro': did you mean 'hetero'"):
        modelfolder.load(folder)


def test_another_graph_is_another_training(saved, data):
    other = with_relations(data, ["playlist"])
    with pytest.raises(MusigError, match="other"):
        train(other, QUICK, saved.folder, progress=False, network=HeteroNetwork)


def test_what_it_cannot_do_is_refused(everything, data, smoke_catalog):
    for settings in ({"aggregator": "max"}, {"drop_edges": 0.1}, {"drop_tracks": 0.1}):
        config = replace(QUICK, **settings)
        with pytest.raises(
            MusigError, match=r"several relations are gathered by the weighted mean"
        ):
            network(everything, config)
    with pytest.raises(MusigError, match="The data have no relations"):
        network(data)
    bare = replace(smoke_catalog, tracks=smoke_catalog.tracks.drop(columns="album"))
    without = with_relations(prepare(bare, split_playlists(bare, seed=0)), ["album"])
    with pytest.raises(MusigError, match=r"none of the relations asked for \(album: no track has"):
        network(without)
    learned = prepare(smoke_catalog, split_playlists(smoke_catalog, seed=0), attributes="none")
    config = replace(QUICK, steps="sampled", fanouts=(5,))
    with pytest.raises(MusigError, match=r"fanouts has 1 numbers for 2 hops; expected one a hop"):
        network(with_relations(learned), config)


def test_the_cache_tells_the_two_encoders_apart(data):
    """The same settings and data, another network: another model."""
    one = with_relations(data, ["playlist"])
    folders = {trained(one, QUICK, False, network).folder for network in (HeteroNetwork, Network)}
    assert len(folders) == 2


def test_nodes_without_neighbours_are_embedded_by_themselves():
    edge, alone = (TRACK, "by_audio", TRACK), torch.zeros(4, dtype=torch.int64)
    graph = {edge: CSR(alone, alone[:0], torch.ones(0), 3, 3)}
    encoder = HeteroEncoder(graph, 2, 4, hops=2)
    x = torch.from_numpy(np.random.default_rng(0).normal(size=(3, 2)).astype(np.float32))
    exact = encoder.embed(x)
    assert torch.isfinite(exact).all()
    nodes, blocks = sample_relations(
        graph, {edge: build_alias(graph[edge])}, torch.tensor([2]), encoder.edges, (3, 3),
        torch.Generator(),
    )  # fmt: skip
    encoder.eval()
    found = encoder({TRACK: x[nodes[TRACK]]}, blocks)
    torch.testing.assert_close(found, exact[2:])
    assert torch.equal(full_blocks(graph[edge], 1)[0].weight, torch.ones(0))


@pytest.mark.gpu
def test_a_gpu_embeds_as_a_cpu_does(everything, tmp_path):
    config = replace(QUICK, device="cuda", steps="sampled")
    model = train(everything, config, tmp_path / "m", progress=False, network=HeteroNetwork)
    torch.testing.assert_close(model.embed(model.x), model.embeddings, atol=1e-4, rtol=1e-4)
