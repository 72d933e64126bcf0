"""Neighbours are drawn in proportion to weight, and a block is what it says."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chisquare

from musig import alias as drawing
from musig import sampling
from musig.errors import MusigError
from musig.graph import CSR, music_graph, to_csr
from musig.playlists import Playlists
from musig.sampling import (
    AliasTables,
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
        neighbours, other = csr.indices[part], tables.alias[part].long()
        assert torch.isin(other, neighbours).all()
        own = tables.probability[part].double()
        chance = torch.zeros(csr.n_cols, dtype=torch.float64).index_add(0, neighbours, own)
        chance = chance.index_add(0, other, 1 - own) / max(len(own), 1)
        weight = csr.weight[part].double()
        expected = torch.zeros_like(chance).index_add(0, neighbours, weight / weight.sum())
        torch.testing.assert_close(chance, expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("sampler", SAMPLERS)
@pytest.mark.parametrize("row_weights", [[1, 1], [1, 2, 3, 4], [100, 1, 1], range(1, 40)])
def test_draws_follow_the_weights(sampler, row_weights):
    csr = graph([[], list(zip(range(len(row_weights)), row_weights, strict=True))])
    csr = CSR(csr.indptr, csr.indices, csr.weight, 2, 40)
    drawn = SAMPLERS[sampler](csr, build_alias(csr), torch.tensor([1] * 400), 100, 7)
    counts = np.bincount(drawn.flatten(), minlength=len(row_weights))
    expected = np.array(row_weights) / sum(row_weights) * drawn.numel()
    assert chisquare(counts, expected).pvalue > 1e-3


multigraphs = st.lists(  # a neighbour may be there twice, a row may be empty
    st.lists(st.tuples(st.integers(0, 9), st.integers(1, 9)), max_size=12), min_size=1, max_size=10
).map(graph)


@settings(max_examples=60, deadline=None)
@given(
    csr=multigraphs,
    rows=st.lists(st.integers(0, 9), max_size=9),
    fanout=st.sampled_from([1, 2, 85, 86, 127, 128, 129, 256, 257, 600]),
    seed=st.integers(0, 2**62),
)
def test_numba_draws_are_those_of_exact_arithmetic(csr, rows, fanout, seed):
    """Draw by draw in whole numbers of any length, whatever tile a draw falls into."""
    rows = [row % csr.n_rows for row in rows]
    tables = build_alias(csr)
    key = np.random.SeedSequence(seed).generate_state(1, np.uint64)[0]
    expected = []
    for place, row in enumerate(np.repeat(np.array(rows, np.int64), fanout)):
        start, degree = int(csr.indptr[row]), int(csr.degree[row])
        column, fraction = divmod(int(drawing._bits(key, np.uint64(place))) * degree, 2**64)
        edge = start + column
        if degree == 0:
            expected.append(-1)
        elif (fraction >> 32) / 2**32 < float(tables.probability[edge]):
            expected.append(int(csr.indices[edge]))
        else:
            expected.append(int(tables.alias[edge]))
    drawn = sample_neighbours_numba(
        csr, tables, torch.tensor(rows, dtype=torch.int64), fanout, seed
    )
    assert drawn.flatten().tolist() == expected


@settings(max_examples=25, derandomize=True)
@given(
    st.lists(
        st.lists(st.tuples(st.integers(0, 9), st.floats(0.125, 8, width=32)), max_size=12),
        min_size=1,
        max_size=6,
    )
)
def test_both_samplers_follow_the_weights_of_random_graphs(rows):
    """Rows of any degree, with neighbours named more than once: against the exact chances."""
    csr = graph(rows)
    tables, often = build_alias(csr), torch.arange(len(rows)).repeat_interleave(100)
    for sampler in SAMPLERS.values():
        drawn = sampler(csr, tables, often, 40, 11).reshape(len(rows), -1)
        for row, neighbours in zip(rows, drawn.numpy(), strict=True):
            if not row:
                assert (neighbours == -1).all()
                continue
            weight = np.bincount([k for k, _ in row], [w for _, w in row], minlength=10)
            counts = np.bincount(neighbours, minlength=10)
            assert (counts[weight == 0] == 0).all()
            expected = weight[weight > 0] / weight.sum() * len(neighbours)
            if len(expected) > 1:
                assert chisquare(counts[weight > 0], expected).pvalue > 1e-6


@pytest.mark.parametrize("sampler", SAMPLERS)
@pytest.mark.parametrize("degree", [1, 2, 3, 100, 40_000])
def test_column_and_share_are_independent(sampler, degree):
    """Tables whose every column has neighbours of its own show which column a draw hit, and how.

    A number too short to be split between the two would favour some shares in some columns.
    """
    csr = CSR(
        torch.tensor([0, degree]), torch.arange(degree), torch.ones(degree), 1, n_cols=2 * degree
    )
    stays = torch.rand(degree, generator=torch.Generator().manual_seed(degree))
    tables = AliasTables(stays, torch.arange(degree, 2 * degree, dtype=torch.int32))
    drawn = SAMPLERS[sampler](csr, tables, torch.zeros(1000, dtype=torch.int64), 400, 5).flatten()
    column, stayed = (drawn % degree).numpy(), (drawn < degree).numpy()
    groups = min(degree, 100)
    cells = 2 * (column * groups // degree) + stayed
    group = np.arange(degree) * groups // degree
    stays = stays.double().numpy()
    chance = np.stack([np.bincount(group, 1 - stays), np.bincount(group, stays)], 1) / degree
    assert chisquare(np.bincount(cells, minlength=2 * groups), chance.ravel() * 4e5).pvalue > 1e-6
    # Low places of the column, too: odd against even columns.
    if degree > 1:
        odd = np.array([np.sum(stays[k::2]) for k in (0, 1)]) / degree
        counts = np.bincount(column[stayed] % 2, minlength=2)
        assert chisquare(counts, odd / odd.sum() * counts.sum()).pvalue > 1e-6


@pytest.mark.parametrize("n_cols", [1, 2, 2**16, 2**16 + 1, 2**20, 2**24])
def test_packed_tables_say_the_same(n_cols):
    """Whatever the number of nodes: neighbours exactly, probabilities to the bits left for them."""
    rng = np.random.default_rng(n_cols)
    indices = torch.from_numpy(rng.integers(0, n_cols, 500))
    csr = CSR(torch.tensor([0, 500]), indices, torch.ones(500), 1, n_cols)
    probability = torch.from_numpy(rng.random(500, np.float32))
    probability[:2] = torch.tensor([0.0, 1.0])
    alias = torch.from_numpy(rng.integers(0, n_cols, 500, np.int32))
    packed = AliasTables(probability, alias).packed(csr)
    width = (n_cols - 1).bit_length()
    for word, own, other, chance in zip(
        packed.tolist(), indices.tolist(), alias.tolist(), probability.tolist(), strict=True
    ):
        assert (word >> width) % 2**width == own and word % 2**width == other
        assert abs((word >> 32) / 2**32 - chance) <= 2.0 ** max(2 * width - 64, -32)


def test_packed_tables_are_made_once_and_have_a_limit():
    csr = graph([[(0, 1.0), (1, 2.0)]])
    tables = build_alias(csr)
    assert tables.packed(csr) is tables.packed(csr)
    large = CSR(csr.indptr, csr.indices, csr.weight, 1, 2**24 + 1)
    with pytest.raises(MusigError, match=r"16,777,217 nodes; the numba sampler takes up to 16,7"):
        sample_neighbours_numba(large, build_alias(large), torch.tensor([0]), 2, 0)


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
    for n in (0, 1, 7, 31, 32, 33):  # 32 rows are a tile
        assert torch.equal(sample_neighbours_numba(csr, tables, rows[:n], 8, 5), drawn[:n])
    wide = sample_neighbours_numba(csr, tables, rows, drawing.TILE + 1, 5)  # a row is a tile
    one = sample_neighbours_numba(csr, tables, rows[:1], drawing.TILE + 1, 5)
    assert torch.equal(one, wide[:1])


@pytest.mark.parametrize("sampler", SAMPLERS)
@pytest.mark.parametrize("fanout", [1, 3, 255, 256, 257, 1000])
def test_isolated_rows_lie_anywhere_in_a_tile(sampler, fanout):
    """Rows of one neighbour can only draw it, and the rows around them nothing, or theirs."""
    csr = graph([[], [(4, 1.0)], [], [], [(2, 3.0)], [(7, 1.0), (7, 2.0)], []])
    expected = torch.tensor([-1, 4, -1, -1, 2, 7, -1]).repeat(50)
    rows = torch.arange(7).repeat(50)
    drawn = SAMPLERS[sampler](csr, build_alias(csr), rows, fanout, 1)
    assert torch.equal(drawn, expected[:, None].expand(-1, fanout))


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_a_graph_of_one_node(sampler):
    csr = CSR(torch.tensor([0, 1]), torch.tensor([0]), torch.ones(1), 1, 1)
    assert SAMPLERS[sampler](csr, build_alias(csr), torch.tensor([0]), 3, 0).tolist() == [[0] * 3]


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
    assert [drawing._bits(np.uint64(0), np.uint64(place)) for place in range(3)] == expected


@pytest.mark.parametrize("at_once", [1, 7, 10**6])
def test_weights_are_normalised_alike_however_many_at_a_time(at_once, monkeypatch):
    csr = random_graph()
    whole = full_blocks(csr, 1)[0].weight
    monkeypatch.setattr(sampling, "AT_ONCE", at_once)
    assert torch.equal(full_blocks(csr, 1)[0].weight, whole)


@given(graphs)
def test_full_block_is_the_row_normalised_graph(csr):
    first, second = full_blocks(csr, 2)
    assert first is second and first.fanout is None
    assert (first.n_src, first.n_dst) == (csr.n_cols, csr.n_rows)
    assert first.indptr.dtype == first.indices.dtype == torch.int32
    assert torch.equal(first.indptr.long(), csr.indptr)
    assert torch.equal(first.indices.long(), csr.indices)
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
    st.lists(st.integers(1, 6), max_size=3),
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
    assert [block.n_src for block in blocks[:1]] == [len(nodes)] * bool(fanouts)
    assert [block.n_dst for block in blocks[-1:]] == [len(seeds)] * bool(fanouts)
    assert len(nodes.unique()) == len(nodes) >= len(seeds)
    assert nodes.dtype == torch.int64 and nodes[: len(seeds)].tolist() == seeds
    assert [block.n_dst for block in blocks[:-1]] == [block.n_src for block in blocks[1:]]
    for block, fanout in zip(blocks, fanouts[::-1], strict=True):
        assert block.indptr.dtype == block.indices.dtype == torch.int32
        assert block.rows.dtype == torch.int64
        # Nobody is there in vain: a sender is a receiver or was drawn.
        assert set(range(block.n_dst, block.n_src)) <= set(block.indices.tolist())
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
        assert transposed.crow_indices().dtype == matrix.crow_indices().dtype
        # In the order of the receivers, as a stable sort has it, duplicates kept.
        order = torch.argsort(block.indices, stable=True)
        assert torch.equal(transposed.col_indices().long(), block.rows[order])
        assert torch.equal(transposed.values(), block.weight[order])


def test_no_hop_needs_no_block():
    csr = random_graph()
    nodes, blocks = sample_blocks(csr, build_alias(csr), torch.tensor([3, 1]), ())
    assert nodes.tolist() == [3, 1] and blocks == []


def test_repeated_seeds_are_refused():
    csr = random_graph()
    with pytest.raises(MusigError, match="3 seeds name 2 nodes; expected each once"):
        sample_blocks(csr, build_alias(csr), torch.tensor([1, 2, 1]), (2,))
    with pytest.raises(MusigError, match="120 seeds name 60 nodes"):  # more than there are
        sample_blocks(csr, build_alias(csr), torch.arange(60).repeat(2), (2,))


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
