"""Graphs with a part left out: symmetric, as much as was asked for, and never the tracks drawn."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_array

from musig.csr import CSR
from musig.errors import MusigError
from musig.splits import split_playlists
from musig.thinning import mirror_of, thinned
from musig.train import TrainConfig, steps_for, train
from musig.training_data import prepare

QUICK = TrainConfig(
    embedding_size=8, batch_size=64, epochs=2, evaluate_every=1, patience=9, device="cpu"
)


def graph(n, density, seed):
    rng = np.random.default_rng(seed)
    upper = np.triu(rng.integers(1, 9, (n, n)) * (rng.random((n, n)) < density), 1)
    made = csr_array((upper + upper.T).astype(np.float32))
    made.sort_indices()
    parts = (torch.from_numpy(part.astype(np.int64)) for part in (made.indptr, made.indices))
    return CSR(*parts, torch.from_numpy(made.data), n, n)


def dense(csr):
    parts = (part.numpy() for part in (csr.weight, csr.indices, csr.indptr))
    return csr_array(tuple(parts), shape=(csr.n_rows, csr.n_cols)).toarray()


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


@given(
    st.integers(1, 30),
    st.floats(0, 1),
    st.floats(0, 0.95),
    st.floats(0, 0.95),
    st.integers(0, 99),
)
def test_what_is_left_is_symmetric_and_of_the_same_weight(n, density, edges, tracks, seed):
    csr = graph(n, density, seed)
    left = dense(thinned(csr, mirror_of(csr), edges, tracks, generator(seed)))
    assert np.array_equal(left, left.T)
    assert np.array_equal(left[left > 0], dense(csr)[left > 0])


def test_the_other_direction_of_an_edge_is_found():
    csr = graph(25, 0.3, 0)
    mirror = mirror_of(csr)
    rows = torch.arange(25).repeat_interleave(csr.degree)
    assert torch.equal(rows[mirror], csr.indices) and torch.equal(csr.indices[mirror], rows)
    assert torch.equal(csr.weight[mirror], csr.weight)


def test_an_edge_of_one_direction_is_refused():
    one_way = CSR(torch.tensor([0, 1, 1]), torch.tensor([1]), torch.ones(1), 2, 2)
    with pytest.raises(MusigError, match="edges of one direction only"):
        mirror_of(one_way)


def test_as_many_edges_go_as_was_asked_for():
    csr = graph(120, 0.5, 1)
    left = thinned(csr, mirror_of(csr), 0.3, 0.0, generator())
    n = len(csr.indices) // 2
    assert abs(len(left.indices) / len(csr.indices) - 0.7) < 4 * (0.3 * 0.7 / n) ** 0.5


def test_as_many_tracks_lose_every_edge_as_was_asked_for():
    csr = graph(200, 0.5, 2)
    left = thinned(csr, mirror_of(csr), 0.0, 0.4, generator())
    isolated = (left.degree == 0).numpy()
    assert abs(isolated.mean() - 0.4) < 4 * (0.4 * 0.6 / 200) ** 0.5
    kept = np.ix_(~isolated, ~isolated)
    assert np.array_equal(dense(left)[kept], dense(csr)[kept])  # no other edge is touched


def test_each_step_has_a_graph_of_its_own_and_the_same_again():
    csr = graph(40, 0.5, 3)
    mirror = mirror_of(csr)
    one, again, other = (
        dense(thinned(csr, mirror, 0.5, 0.2, generator(seed))) for seed in (0, 0, 1)
    )
    assert np.array_equal(one, again) and not np.array_equal(one, other)


@pytest.fixture(scope="module")
def data(smoke_catalog):
    return prepare(smoke_catalog, split_playlists(smoke_catalog, seed=0))


def test_a_training_lives_without_edges_and_tracks(data, tmp_path):
    plain = train(data, QUICK, tmp_path / "plain", progress=False)
    config = replace(QUICK, drop_edges=0.4, drop_tracks=0.3)
    assert steps_for(config, data) == "full"
    dropped = train(data, config, tmp_path / "dropped", progress=False)
    assert np.isfinite(dropped.embeddings.numpy()).all()
    assert not torch.equal(plain.embeddings, dropped.embeddings)
    again = train(data, config, tmp_path / "again", progress=False)
    assert torch.equal(dropped.embeddings, again.embeddings)
    assert torch.equal(plain.csr.weight, dropped.csr.weight)  # only the steps do without


@pytest.mark.parametrize("name", ["drop_edges", "drop_tracks"])
def test_what_cannot_be_dropped_is_refused(name):
    with pytest.raises(MusigError, match=f"{name} is 1.0; expected a share in"):
        TrainConfig(**{name: 1.0})
    with pytest.raises(MusigError, match="set steps to 'full' or 'auto'"):
        TrainConfig(**{name: 0.1}, steps="sampled")
    with pytest.raises(MusigError, match="aggregator to 'mean'"):
        TrainConfig(**{name: 0.1}, aggregator="max")
