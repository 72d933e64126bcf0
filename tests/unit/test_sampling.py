"""Neighbours are drawn in proportion to weight, and a block is what it says."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chisquare

from musig import alias as drawing
from musig.errors import MusigError
from musig.graph import CSR, music_graph, to_csr
from musig.playlists import Playlists
from musig.sampling import (
    Block,
    build_alias,
    full_blocks,
    sample_blocks,
    sample_neighbours,
    sample_neighbours_numba,
)

SAMPLERS = {
    "torch": lambda csr, tables, rows, fanout, seed: sample_neighbours(
        csr, tables, rows, fanout, torch.Generator(rows.device).manual_seed(seed)
    ),
    "numba": sample_neighbours_numba,
}


def graph(rows):
    """A CSR of lists of (neighbour, weight)."""
    indptr = torch.tensor([0, *np.cumsum([len(row) for row in rows])])
    flat = [pair for row in rows for pair in row]
    indices = torch.tensor([neighbour for neighbour, _ in flat], dtype=torch.int64)
    weight = torch.tensor([weight for _, weight in flat], dtype=torch.float32)
    return CSR(indptr, indices, weight, len(rows), max(len(rows), 10))


def random_graph(seed=0, n=60, n_playlists=80):
    rng = np.random.default_rng(seed)
    lists = [rng.choice(n - 5, rng.integers(1, 15), replace=False) for _ in range(n_playlists)]
    return to_csr(music_graph(Playlists.from_lists(lists), n, 1))  # the last five are isolated


weights = st.floats(2.0**-20, 2.0**20, width=32)
graphs = st.lists(
    st.lists(st.tuples(st.integers(0, 9), weights), max_size=12, unique_by=lambda pair: pair[0]),
    min_size=1,
    max_size=10,
).map(graph)


@given(graphs)
def test_alias_tables_hold_exactly_the_weights(csr):
    """Add up what every column gives to every neighbour: the weights come out again."""
    tables = build_alias(csr)
    assert ((tables.probability >= 0) & (tables.probability <= 1)).all()
    for row in range(csr.n_rows):
        part = slice(csr.indptr[row], csr.indptr[row + 1])
        own, other = tables.probability[part].double(), tables.alias[part].long()
        assert ((other >= 0) & (other < len(own))).all()
        chance = (own + torch.zeros_like(own).index_add(0, other, 1 - own)) / max(len(own), 1)
        weight = csr.weight[part].double()
        torch.testing.assert_close(chance, weight / weight.sum(), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("sampler", SAMPLERS)
@pytest.mark.parametrize("row_weights", [[1, 1], [1, 2, 3, 4], [100, 1, 1], range(1, 40)])
def test_draws_follow_the_weights(sampler, row_weights):
    csr = graph([[], list(zip(range(len(row_weights)), row_weights, strict=True))])
    csr = CSR(csr.indptr, csr.indices, csr.weight, 2, 40)
    drawn = SAMPLERS[sampler](csr, build_alias(csr), torch.tensor([1] * 400), 100, 7)
    counts = np.bincount(drawn.flatten(), minlength=len(row_weights))
    expected = np.array(row_weights) / sum(row_weights) * drawn.numel()
    assert chisquare(counts, expected).pvalue > 1e-3


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_draws_are_independent_of_each_other(sampler):
    """Pairs of successive draws, in a row and across rows, are as often as chance has them."""
    csr = graph([[(0, 1), (1, 2), (2, 1)]])
    drawn = SAMPLERS[sampler](csr, build_alias(csr), torch.zeros(200, dtype=torch.int64), 200, 3)
    chance = np.array([0.25, 0.5, 0.25])
    for one, two in ((drawn[:, ::2], drawn[:, 1::2]), (drawn[::2], drawn[1::2])):
        pairs = np.bincount((3 * one + two).flatten(), minlength=9)
        assert chisquare(pairs, np.outer(chance, chance).ravel() * pairs.sum()).pvalue > 1e-3


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_draws_are_neighbours_or_nothing(sampler):
    csr = random_graph()
    rows = torch.arange(csr.n_rows).flip(0).repeat(2)
    drawn = SAMPLERS[sampler](csr, build_alias(csr), rows, 6, 0)
    assert drawn.shape == (len(rows), 6) and drawn.dtype == torch.int64
    for row, neighbours in zip(rows, drawn, strict=True):
        own = csr.indices[csr.indptr[row] : csr.indptr[row + 1]]
        assert torch.isin(neighbours, own).all() if len(own) else (neighbours == -1).all()


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_a_seed_says_it_all(sampler):
    csr = random_graph()
    tables, rows = build_alias(csr), torch.arange(csr.n_rows)
    one, again, other = (SAMPLERS[sampler](csr, tables, rows, 8, seed) for seed in (1, 1, 2))
    assert torch.equal(one, again) and not torch.equal(one, other)


def test_numba_draws_depend_on_the_place_alone():
    """So that neither the number of threads nor their order can matter."""
    csr = random_graph()
    tables, rows = build_alias(csr), torch.arange(csr.n_rows)
    drawn = sample_neighbours_numba(csr, tables, rows, 8, 5)
    assert torch.equal(sample_neighbours_numba(csr, tables, rows[:7], 8, 5), drawn[:7])


@pytest.mark.parametrize("sampler", SAMPLERS)
@pytest.mark.parametrize("rows", [[], [0, 1]])
def test_nothing_to_draw_from(sampler, rows):
    csr = graph([[], []])
    drawn = SAMPLERS[sampler](csr, build_alias(csr), torch.tensor(rows, dtype=torch.int64), 3, 0)
    assert drawn.tolist() == [[-1, -1, -1]] * len(rows)


def test_isolated_at_the_end_beside_a_last_edge():
    """An isolated last row starts where the arrays end."""
    csr = graph([[], [(0, 1.0)], []])
    for sampler in SAMPLERS.values():
        drawn = sampler(csr, build_alias(csr), torch.tensor([2, 1, 0]), 2, 0)
        assert drawn.tolist() == [[-1, -1], [0, 0], [-1, -1]]


@pytest.mark.parametrize("weight", [0.0, -1.0, float("nan"), float("inf")])
def test_weights_must_be_positive(weight):
    with pytest.raises(MusigError, match=r"Edge 1 of the graph has weight .*; expected a positive"):
        build_alias(graph([[(0, 1.0), (1, weight)]]))


def test_the_numba_stream_is_splitmix64():
    """First outputs for seed 0, as the reference implementation gives them (Vigna, 2015)."""
    expected = [0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4, 0x06C45D188009454F]
    found = [drawing._uniform(np.uint64(0), np.uint64(place)) for place in range(3)]
    assert found == [(number >> 11) * 2.0**-53 for number in expected]


@given(graphs)
def test_full_block_is_the_row_normalised_graph(csr):
    first, second = full_blocks(csr, 2)
    assert first is second and first.fanout is None
    assert (first.n_src, first.n_dst) == (csr.n_cols, csr.n_rows)
    sums = np.bincount(first.rows, weights=first.weight, minlength=csr.n_rows)
    np.testing.assert_allclose(sums, csr.degree > 0, atol=1e-5)
    for row in range(csr.n_rows):
        part = slice(csr.indptr[row], csr.indptr[row + 1])
        weight = csr.weight[part].double()
        torch.testing.assert_close(
            first.weight[part].double(), weight / weight.sum(), rtol=1e-5, atol=0
        )


@settings(max_examples=40)
@given(
    st.integers(0, 5),
    st.lists(st.integers(0, 59), unique=True, max_size=12),
    st.lists(st.integers(1, 6), min_size=1, max_size=3),
)
def test_sampled_blocks_fit_together(seed, seeds, fanouts):
    csr = random_graph(seed)
    nodes, blocks = sample_blocks(
        csr,
        build_alias(csr),
        torch.tensor(seeds, dtype=torch.int64),
        fanouts,
        torch.Generator().manual_seed(seed),
    )
    assert [block.fanout for block in blocks] == fanouts[::-1]
    assert len(nodes.unique()) == len(nodes) == blocks[0].n_src
    assert nodes[: len(seeds)].tolist() == seeds and blocks[-1].n_dst == len(seeds)
    assert [block.n_dst for block in blocks[:-1]] == [block.n_src for block in blocks[1:]]
    for block, fanout in zip(blocks, fanouts[::-1], strict=True):
        linked = csr.degree[nodes[: block.n_dst]] > 0
        assert torch.equal(block.indptr.diff(), linked * fanout)
        assert (block.weight == torch.tensor(1 / fanout)).all()
        for row, column in zip(block.rows, block.indices, strict=True):
            node = nodes[row]
            own = csr.indices[csr.indptr[node] : csr.indptr[node + 1]]
            assert nodes[column] in own


def test_sampled_mean_is_an_unbiased_estimate():
    """The mean of many sampled means is the weighted mean, within five standard errors."""
    csr = random_graph()
    x = torch.randn(csr.n_cols, 3, generator=torch.Generator().manual_seed(0))
    exact = full_blocks(csr, 1)[0].matrix() @ x
    tables, generator = build_alias(csr), torch.Generator().manual_seed(1)
    rows = torch.arange(csr.n_rows)
    means = []
    for _ in range(2000):
        nodes, (block,) = sample_blocks(csr, tables, rows, (4,), generator)
        means.append(block.matrix() @ x[nodes])
    means = torch.stack(means)
    error = (means.mean(0) - exact).abs()
    assert (error <= 5 * means.std(0) / len(means) ** 0.5 + 1e-6).all()
    assert (means.std(0)[csr.degree > 1] > 0).all()  # it does sample


@given(graphs, st.integers(0, 3))
def test_transposed_matrix_is_the_transpose(csr, seed):
    rows = torch.arange(csr.n_rows)
    square = CSR(csr.indptr, csr.indices % csr.n_rows, csr.weight, csr.n_rows, csr.n_rows)
    _, sampled = sample_blocks(
        square, build_alias(square), rows, (3,), torch.Generator().manual_seed(seed)
    )
    for block in (full_blocks(csr, 1)[0], sampled[0]):
        matrix, transposed = block.matrix(), block.transposed_matrix()
        assert matrix.shape == (block.n_dst, block.n_src)
        torch.testing.assert_close(transposed.to_dense(), matrix.to_dense().T)
        assert block.transposed_matrix() is transposed


def test_repeated_seeds_are_refused():
    csr = random_graph()
    with pytest.raises(MusigError, match="3 seeds name 2 nodes; expected each once"):
        sample_blocks(csr, build_alias(csr), torch.tensor([1, 2, 1]), (2,))


@pytest.mark.gpu
def test_a_device_draws_from_the_same_distribution():
    csr = graph([[(k, k + 1.0) for k in range(10)]]).to("cuda")
    generator = torch.Generator("cuda").manual_seed(0)
    rows = torch.zeros(1000, dtype=torch.int64, device="cuda")
    drawn = sample_neighbours(csr, build_alias(csr), rows, 40, generator)
    counts = np.bincount(drawn.cpu().flatten(), minlength=10)
    assert chisquare(counts, np.arange(1, 11) / 55 * counts.sum()).pvalue > 1e-3
    nodes, blocks = sample_blocks(csr, build_alias(csr), rows[:1], (3,), generator)
    assert nodes.is_cuda and blocks[0].matrix().is_cuda


def test_a_block_is_one_of_many_rows():
    block = Block(torch.tensor([0, 1, 1, 3]), torch.tensor([3, 0, 1]), torch.ones(3), 4)
    assert block.n_dst == 3 and block.rows.tolist() == [0, 2, 2]
