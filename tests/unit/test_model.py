"""The encoder: the weighted mean, the other aggregators, exact embeddings."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from musig import model
from musig.errors import MusigError
from musig.graph import CSR
from musig.model import AGGREGATORS, Encoder, WeightedMean, embed
from musig.sampling import build_alias, full_blocks, sample_blocks


def random_graph(n: int, seed: int, density: float = 0.4) -> CSR:
    """A symmetric weighted graph; some nodes have no neighbour."""
    rng = np.random.default_rng(seed)
    dense = np.triu(rng.integers(1, 20, (n, n)) * (rng.random((n, n)) < density), 1)
    dense = dense + dense.T
    rows, cols = np.nonzero(dense)
    indptr = np.concatenate([[0], np.bincount(rows, minlength=n).cumsum()])
    return CSR(
        torch.from_numpy(indptr),
        torch.from_numpy(cols),
        torch.from_numpy(dense[rows, cols].astype(np.float32)),
        n,
        n,
    )


def dense_mean(csr: CSR, h: torch.Tensor) -> torch.Tensor:
    """The definition, row by row."""
    out = torch.zeros(csr.n_rows, h.shape[1]) + 0 * h.sum()  # so that it has a gradient
    for row in range(csr.n_rows):
        span = slice(int(csr.indptr[row]), int(csr.indptr[row + 1]))
        weight = csr.weight[span]
        if len(weight):
            out[row] = (weight[:, None] * h[csr.indices[span]]).sum(0) / weight.sum()
    return out


@given(n=st.integers(1, 12), seed=st.integers(0, 1000))
@settings(max_examples=30, deadline=None)
def test_weighted_mean_is_its_definition_and_so_is_its_gradient(n, seed):
    csr = random_graph(n, seed)
    (block,) = full_blocks(csr, 1)
    h = torch.randn(n, 3, generator=torch.Generator().manual_seed(seed))
    ours, slow = h.clone().requires_grad_(), h.clone().requires_grad_()
    out, expected = WeightedMean()(ours, block), dense_mean(csr, slow)
    torch.testing.assert_close(out, expected)
    pull = torch.randn(n, 3, generator=torch.Generator().manual_seed(seed + 1))
    (out * pull).sum().backward()
    (expected * pull).sum().backward()
    torch.testing.assert_close(ours.grad, slow.grad)


@pytest.mark.parametrize("aggregator", AGGREGATORS)
def test_every_aggregator_embeds_and_learns_on_sampled_blocks(aggregator):
    csr = random_graph(20, 0)
    encoder = Encoder(4, 6, hops=2, aggregator=aggregator)
    x = torch.randn(20, 4)
    generator = torch.Generator().manual_seed(0)
    nodes = torch.tensor([3, 7, 11])
    sources, blocks = sample_blocks(csr, build_alias(csr), nodes, (5, 4), generator)
    z = encoder(x[sources], blocks)
    assert z.shape == (3, 6)
    torch.testing.assert_close(z.norm(dim=1), torch.ones(3))
    z[:, 0].sum().backward()
    assert all(torch.isfinite(p.grad).all() for p in encoder.parameters() if p.grad is not None)


@pytest.mark.parametrize("aggregator", AGGREGATORS)
def test_exact_embeddings_do_not_depend_on_the_piece_size(aggregator):
    csr = random_graph(20, 1)
    encoder = Encoder(4, 6, aggregator=aggregator)
    x = torch.randn(20, 4)
    whole, pieces = embed(encoder, x, csr), embed(encoder, x, csr, rows_at_once=7)
    torch.testing.assert_close(whole, pieces)


def test_exact_embeddings_are_the_forward_pass_over_the_full_graph():
    csr = random_graph(20, 2)
    encoder = Encoder(4, 6, dropout=0.5).eval()
    x = torch.randn(20, 4)
    torch.testing.assert_close(embed(encoder, x, csr), encoder(x, full_blocks(csr, 1) * 2))


@pytest.mark.parametrize("hops", [1, 2, 3])
def test_a_first_hop_that_is_known_is_the_first_hop(hops):
    csr = random_graph(20, 4)
    encoder, x = Encoder(4, 6, hops=hops), torch.randn(20, 4)
    blocks = full_blocks(csr, hops)
    gathered = WeightedMean()(x, blocks[0])
    torch.testing.assert_close(encoder(x, blocks[1:], gathered=gathered), encoder(x, blocks))


def test_dropout_reaches_a_first_hop_that_is_known():
    csr = random_graph(20, 6)
    encoder, x = Encoder(4, 6, dropout=0.5), torch.randn(20, 4)
    blocks = full_blocks(csr, 2)
    gathered = WeightedMean()(x, blocks[0])
    assert not torch.equal(*(encoder(x, blocks[1:], gathered=gathered) for _ in range(2)))
    encoder.eval()
    torch.testing.assert_close(encoder(x, blocks[1:], gathered=gathered), encoder(x, blocks))


def test_a_first_hop_that_is_known_serves_sampled_blocks():
    """With every neighbour drawn often, the second hop sampled and the first exact."""
    torch.manual_seed(0)
    csr = random_graph(15, 5)
    encoder, x = Encoder(4, 6).eval(), torch.randn(15, 4)
    gathered = WeightedMean()(x, full_blocks(csr, 1)[0])
    generator = torch.Generator().manual_seed(0)
    nodes, blocks = sample_blocks(csr, build_alias(csr), torch.arange(15), (20_000,), generator)
    with torch.no_grad():
        z = encoder(x[nodes], blocks, gathered=gathered[nodes])
    assert (z - embed(encoder, x, csr)).abs().max() < 0.02


def test_wide_sampling_comes_close_to_the_exact_embedding():
    torch.manual_seed(0)  # how far noise is carried depends on the weights
    csr = random_graph(15, 3)
    encoder = Encoder(4, 6).eval()
    x = torch.randn(15, 4)
    generator = torch.Generator().manual_seed(0)
    sources, blocks = sample_blocks(
        csr, build_alias(csr), torch.arange(15), (4000, 4000), generator
    )
    with torch.no_grad():
        sampled = encoder(x[sources], blocks)
    assert (sampled - embed(encoder, x, csr)).abs().max() < 0.05


def test_an_isolated_track_is_embedded_from_its_own_attributes_only():
    csr = CSR(torch.tensor([0, 1, 2, 2]), torch.tensor([1, 0]), torch.ones(2), 3, 3)
    encoder = Encoder(2, 4)
    x = torch.randn(3, 2)
    other = x.clone()
    other[:2] = torch.randn(2, 2)
    torch.testing.assert_close(embed(encoder, x, csr)[2], embed(encoder, other, csr)[2])
    assert not torch.allclose(embed(encoder, x, csr)[0], embed(encoder, other, csr)[0])


def test_unknown_names_are_refused():
    with pytest.raises(MusigError, match="did you mean 'attention'"):
        Encoder(2, 4, aggregator="atention")
    with pytest.raises(MusigError, match=r"Unknown relation 'artist'.*playlist"):
        Encoder(2, 4)(torch.ones(1, 2), full_blocks(random_graph(1, 0), 2), relation="artist")


def test_a_dense_matrix_gives_what_a_sparse_one_gives_in_bfloat16(monkeypatch):
    csr, random = random_graph(60, 0), torch.Generator().manual_seed(0)
    (block,) = full_blocks(csr, 1)
    h = torch.randn(60, 7, generator=random)
    outcomes = []
    for dense in (False, True):
        monkeypatch.setattr(model, "dense_pays", lambda block, h, dense=dense: dense)
        x = h.clone().requires_grad_()
        out = WeightedMean()(x, block)
        (out * torch.arange(7)).sum().backward()
        outcomes.append((out.detach(), x.grad))
    for sparse, dense in zip(*outcomes, strict=True):
        assert dense.dtype == torch.float32
        assert not torch.equal(sparse, dense)  # it is another product
        torch.testing.assert_close(dense, sparse, rtol=0.03, atol=0.03)


def test_a_cpu_and_sampled_blocks_never_take_a_dense_matrix():
    csr = random_graph(30, 0)
    (block,) = full_blocks(csr, 1)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert not model.dense_pays(block, torch.ones(30, 2))
