"""Random walks against the definition of node2vec, written out node by node."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import stats

from musig import walks as module
from musig.alias import build_alias
from musig.csr import CSR
from musig.errors import MusigError
from musig.walks import walk, walk_blocks

BIASES = [(1.0, 1.0), (0.25, 4.0), (4.0, 0.25), (1.0, 0.5), (2.0, 1.0), (1e-4, 1.0), (1.0, 1e-4)]


def graph_of(edges, n):
    """Make a graph of (a, b, weight), each edge once."""
    both = sorted([(a, b, w) for a, b, w in edges] + [(b, a, w) for a, b, w in edges])
    rows, cols, weights = (list(part) for part in zip(*both, strict=True)) if both else ([], [], [])
    indptr = np.concatenate([[0], np.bincount(np.array(rows, int), minlength=n).cumsum()])
    return CSR(
        torch.from_numpy(indptr),
        torch.tensor(cols, dtype=torch.int64),
        torch.tensor(weights, dtype=torch.float32),
        n,
        n,
    )


def random_graph(n, share, seed):
    generator = np.random.default_rng(seed)
    edges = [
        (a, b, float(generator.integers(1, 9)))
        for a in range(n)
        for b in range(a)
        if generator.random() < share
    ]
    return graph_of(edges, n)


def dense(csr):
    weight = np.zeros((csr.n_rows, csr.n_rows))
    for row in range(csr.n_rows):
        begin, end = csr.indptr[row], csr.indptr[row + 1]
        weight[row, csr.indices[begin:end]] = csr.weight[begin:end]
    return weight


def chances(weight, before, node, p, q):
    """Chances of the next node: the definition of Grover and Leskovec, section 3.2.2."""
    mass = np.zeros(len(weight))
    for x in range(len(weight)):
        if weight[node, x] > 0:
            distance = 0 if x == before else 1 if weight[before, x] > 0 else 2
            mass[x] = weight[node, x] * {0: 1 / p, 1: 1.0, 2: 1 / q}[distance]
    return mass / mass.sum()


def counts_of(paths, n):
    """Count (before, node, next) in walks."""
    counts = np.zeros((n, n, n), dtype=int)
    for step in range(2, paths.shape[1]):
        np.add.at(counts, (paths[:, step - 2], paths[:, step - 1], paths[:, step]), 1)
    return counts


def p_value(observed, expected):
    """Chi-square of counts, those of small expectation in one cell."""
    total = observed.sum()
    possible = expected > 0
    assert observed[~possible].sum() == 0
    few = possible & (expected * total < 5)
    cells = [(observed[i], expected[i] * total) for i in np.flatnonzero(possible & ~few)]
    if few.any():
        cells.append((observed[few].sum(), expected[few].sum() * total))
    seen, wanted = np.array(cells).T
    if len(seen) == 1:
        return 1.0
    return stats.chisquare(seen, wanted * seen.sum() / wanted.sum()).pvalue


def check_transitions(csr, p, q, length=20, per_node=3000, seed=1):
    """Compare how often each step was taken with the definition, wherever the walk came from."""
    n = csr.n_rows
    weight = dense(csr)
    starts = np.repeat(np.flatnonzero(weight.any(axis=1)), per_node)
    generator = np.random.default_rng(seed)
    counts = counts_of(walk(csr, build_alias(csr), starts, length, generator, p=p, q=q), n)
    values = [
        p_value(counts[before, node], chances(weight, before, node, p, q))
        for before in range(n)
        for node in range(n)
        if counts[before, node].sum() >= 100
    ]
    assert len(values) > 10
    assert min(values) > 1e-3 / len(values)  # Bonferroni


@pytest.mark.parametrize(("p", "q"), BIASES)
@pytest.mark.parametrize("share", [0.35, 0.8])
def test_steps_are_taken_as_often_as_the_definition_says(p, q, share):
    check_transitions(random_graph(8, share, seed=3), p, q)


@pytest.mark.slow
@pytest.mark.parametrize("tries", [1, 3])
@pytest.mark.parametrize(("p", "q"), [(0.25, 4.0), (4.0, 0.25)])
def test_adding_up_a_row_draws_from_the_same_distribution(p, q, tries, monkeypatch):
    """With few tries most steps are drawn by the row; the kernel is compiled anew for it."""
    monkeypatch.setattr(module, "TRIES", tries)
    monkeypatch.setattr(module, "_walk", uncached(module._walk))
    check_transitions(random_graph(8, 0.5, seed=4), p, q)


def uncached(kernel):
    """Compile a kernel anew: what it reads from its module is fixed when it is compiled."""
    import numba

    return numba.njit(parallel=True)(kernel.py_func)


def test_first_steps_follow_the_weights():
    csr = random_graph(8, 0.6, seed=5)
    weight = dense(csr)
    for node in range(8):
        starts = np.full(20_000, node)
        paths = walk(csr, build_alias(csr), starts, 2, np.random.default_rng(node), p=0.1, q=9.0)
        share = weight[node] / weight[node].sum()
        assert p_value(np.bincount(paths[:, 1], minlength=8), share) > 1e-4


def test_an_unbiased_walk_visits_nodes_in_proportion_to_their_strength():
    csr = random_graph(12, 0.5, seed=6)
    strength = dense(csr).sum(axis=1)
    paths = walk(
        csr, build_alias(csr), np.repeat(np.arange(12), 2000), 60, np.random.default_rng(0)
    )
    visits = np.bincount(paths[:, 30:].ravel(), minlength=12) / (24_000 * 30)
    assert visits == pytest.approx(strength / strength.sum(), rel=0.03)


def test_extremes_of_p_and_q():
    # a path 0-1-2-3-4: back or on, nothing else
    path = graph_of([(i, i + 1, 1.0) for i in range(4)], 5)
    alias = build_alias(path)
    starts = np.full(500, 0)
    onward = walk(path, alias, starts, 5, np.random.default_rng(0), p=1e9)
    assert (onward == np.arange(5)).all()
    back = walk(path, alias, starts, 5, np.random.default_rng(0), p=1e-9)
    assert (back == [0, 1, 0, 1, 0]).all()
    # two triangles that share node 2: a walk that must not go away stays in its own
    triangles = graph_of(
        [(0, 1, 1.0), (0, 2, 1.0), (1, 2, 1.0), (2, 3, 9.0), (2, 4, 9.0), (3, 4, 1.0)], 5
    )
    starts = np.full(500, 0)
    stay = walk(triangles, build_alias(triangles), starts, 40, np.random.default_rng(0), q=1e12)
    inside = stay[stay[:, 1] == 1]  # whose first step was not to the shared node
    assert len(inside) > 100 and inside.max() == 2
    leave = walk(triangles, build_alias(triangles), starts, 4, np.random.default_rng(0), q=1e-12)
    assert set(leave[leave[:, 1] == 2, 2].tolist()) == {3, 4}


def test_every_step_is_an_edge_and_isolated_nodes_stay():
    csr = random_graph(30, 0.08, seed=7)
    weight = dense(csr)
    alone = np.flatnonzero(~weight.any(axis=1))
    assert len(alone)
    paths = walk(csr, build_alias(csr), np.arange(30), 15, np.random.default_rng(0), p=0.5, q=2.0)
    assert paths.dtype == np.int32 and paths.shape == (30, 15)
    assert paths[:, 0].tolist() == list(range(30))
    for node, path in enumerate(paths):
        if node in alone:
            assert (path[1:] == -1).all()
        else:
            assert (weight[path[:-1], path[1:]] > 0).all()


def test_the_end_of_a_one_way_street():
    """Only a graph that is not symmetric has one; a walk that reaches it is over."""
    street = CSR(torch.tensor([0, 1, 2, 2]), torch.tensor([1, 2]), torch.ones(2), 3, 3)
    paths = walk(street, build_alias(street), np.array([0, 1]), 4, np.random.default_rng(0), p=0.5)
    assert paths.tolist() == [[0, 1, 2, -1], [1, 2, -1, -1]]


def test_a_graph_without_edges_or_starts():
    empty = graph_of([], 3)
    alias = build_alias(empty)
    paths = walk(empty, alias, np.arange(3), 2, np.random.default_rng(0))
    assert paths.tolist() == [[0, -1], [1, -1], [2, -1]]
    assert walk(empty, alias, np.array([], int), 2, np.random.default_rng(0)).shape == (0, 2)
    assert list(walk_blocks(empty, alias, 2, np.random.default_rng(0))) == []


def test_same_generator_same_walks_whichever_the_blocks_and_threads():
    import numba

    csr = random_graph(40, 0.2, seed=8)
    alias = build_alias(csr)

    def walked(seed, block=module.BLOCK):
        generator = np.random.default_rng(seed)
        return np.concatenate(
            list(walk_blocks(csr, alias, 10, generator, p=0.5, q=2.0, walks=3, block=block))
        )

    first = walked(0)
    assert (walked(0) == first).all()
    assert (walked(1) != first).any()
    threads = numba.get_num_threads()
    numba.set_num_threads(1)
    assert (walked(0) == first).all()
    numba.set_num_threads(threads)
    small = walked(0, block=7)
    assert small.shape == first.shape
    connected = np.flatnonzero(csr.degree.numpy())
    for rounds in (first, small):  # a round is a walk from every node that has a neighbour
        for starts in rounds[:, 0].reshape(3, -1):
            assert sorted(starts) == connected.tolist()
    assert (first[: len(connected), 0] != first[len(connected) : 2 * len(connected), 0]).any()


def test_blocks_are_bounded():
    csr = random_graph(20, 0.5, seed=9)
    blocks = list(walk_blocks(csr, build_alias(csr), 5, np.random.default_rng(0), block=8))
    assert [len(block) for block in blocks] == [8, 8, 4]


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"length": 0}, "length is 0; expected the number of nodes in a walk"),
        ({"p": 0.0}, "p is 0.0; expected a number above 0"),
        ({"q": -1.0}, "q is -1.0; expected a number above 0"),
        ({"q": float("nan")}, "q is nan; expected a number above 0"),
        ({"p": float("inf")}, "p is inf; expected a number above 0"),
        ({"starts": np.array([0, 4])}, "start at node 4; expected nodes from 0 to 3"),
        ({"starts": np.array([-1])}, "start at node -1; expected nodes from 0 to 3"),
    ],
)
def test_what_cannot_be_walked_is_refused(wrong, sentence):
    csr = graph_of([(0, 1, 1.0)], 4)
    settings = {"starts": np.array([0]), "length": 3, **wrong}
    starts, length = settings.pop("starts"), settings.pop("length")
    with pytest.raises(MusigError, match=sentence):
        walk(csr, build_alias(csr), starts, length, np.random.default_rng(0), **settings)
