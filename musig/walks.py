r"""Random walks over the music graph, biased by where they came from.

Grover, Leskovec: node2vec: Scalable Feature Learning for Networks, KDD 2016. From node :math:`v`,
reached from :math:`t`, the walk goes on to a neighbour :math:`x` with a chance in proportion to
:math:`\alpha(t, x) \, w_{vx}`, where :math:`\alpha` is :math:`1/p` if :math:`x = t` (back), 1 if
:math:`x` is a neighbour of :math:`t` (sideways) and :math:`1/q` otherwise (away). The first step is
in proportion to :math:`w` alone, as is every step with p = q = 1.

Conventions
-----------
Nodes are positions. The graph is undirected: both directions of an edge are stored, with one
weight. A block of walks is int32, shape (n_walks, length), with -1 after the end of a walk, which
comes early only at a node without neighbours.

Exactness
---------
Tables of all (t, v, x) would not fit, so a step is drawn by rejection (Yang, Zhang, Chen, Ma, Chen,
Jiang: KnightKing: A Fast Distributed Graph Random Walk Engine, SOSP 2019): propose x in proportion
to :math:`w_{vx}` by the alias tables, accept with :math:`\alpha(t, x) / \alpha_{\max}`, else
propose again. An accepted x has the chance
:math:`w_{vx} \alpha(t, x) / \sum_y w_{vy} \alpha(t, y)`, however many were refused before it. Where
``TRIES`` in a row are refused (extreme p or q), x is drawn from just this distribution by adding up
the row: how long it took to accept says nothing about what is accepted, so both ways together have
the same distribution, and no step takes longer than a row. What is left are the rounding of the
alias tables (2^-32 for graphs up to 65,536 nodes, see :meth:`musig.alias.AliasTables.packed`) and
of double precision.

Contents
--------
walk: one walk from each of some nodes. walk_blocks: walks from all nodes, block by block.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import inf

import numba
import numpy as np

from musig.alias import AliasTables, _bits, _width
from musig.csr import CSR
from musig.errors import MusigError

TRIES = 64
"""Proposals before a row is added up."""

BLOCK = 2**16
"""Walks at a time."""


def walk(
    csr: CSR,
    alias: AliasTables,
    starts: np.ndarray,
    length: int,
    generator: np.random.Generator,
    *,
    p: float = 1.0,
    q: float = 1.0,
) -> np.ndarray:
    """Walk once from each of some nodes.

    Parameters
    ----------
    csr : CSR
        Undirected, on the CPU.
    alias : AliasTables
        From :func:`musig.alias.build_alias`.
    starts : ndarray of int, shape (n_walks,)
    length : int >= 1
        Nodes in a walk, the start among them.
    generator : np.random.Generator
        Draws one number, the key of all draws: the same walks however many threads there are.
    p : float > 0
        Above 1 the walk seldom turns back, below 1 often.
    q : float > 0
        Above 1 it stays near where it came from, below 1 it goes away.

    Returns
    -------
    ndarray of int32, shape (n_walks, length)
        -1 after the end.

    Raises
    ------
    MusigError
        If length, p or q is out of its range, a start is not a node, or the graph has more than
        2^24 nodes.

    Notes
    -----
    Grover and Leskovec 2016, algorithm 1.

    Notebook: 07_methods

    Examples
    --------
    Two tracks that share a playlist, and one alone:

    >>> from musig.alias import build_alias
    >>> from musig.graph import music_graph, to_csr
    >>> from musig.playlists import Playlists
    >>> pair = to_csr(music_graph(Playlists.from_lists([[0, 1]]), 3, 0))
    >>> walk(pair, build_alias(pair), np.array([1, 2]), 4, np.random.default_rng(0)).tolist()
    [[1, 0, 1, 0], [2, -1, -1, -1]]
    """
    check_walk(length, p, q)
    starts = np.asarray(starts, dtype=np.int32)
    if len(starts) and not 0 <= starts.min() <= starts.max() < csr.n_rows:
        wrong = starts[(starts < 0) | (starts >= csr.n_rows)][0]
        raise MusigError(
            f"A walk is to start at node {wrong}; expected nodes from 0 to {csr.n_rows - 1}."
        )
    back, away = 1.0 / p, 1.0 / q
    return np.asarray(
        _walk(
            csr.indptr.numpy(),
            csr.indices.numpy(),
            csr.weight.numpy(),
            alias.packed(csr),
            _width(csr),
            starts,
            length,
            back,
            away,
            generator.integers(2**64, dtype=np.uint64),
        )
    )


def walk_blocks(
    csr: CSR,
    alias: AliasTables,
    length: int,
    generator: np.random.Generator,
    *,
    p: float = 1.0,
    q: float = 1.0,
    walks: int = 1,
    block: int = BLOCK,
) -> Iterator[np.ndarray]:
    """Walk from all nodes that have a neighbour, in random order, a block of walks at a time.

    Parameters
    ----------
    csr : CSR
        Undirected, on the CPU.
    alias : AliasTables
    length : int >= 1
    generator : np.random.Generator
        Draws the orders, and a key for each block.
    p, q : float > 0
        As in :func:`walk`.
    walks : int >= 1
        Rounds: walks from each node.
    block : int >= 1
        Walks at a time: memory is bounded by ``4 * block * length`` bytes.

    Yields
    ------
    ndarray of int32, shape (at most block, length)

    Raises
    ------
    MusigError
        As :func:`walk`.

    Notes
    -----
    Every round takes the nodes in a new order (Perozzi, Al-Rfou, Skiena: DeepWalk: Online Learning
    of Social Representations, KDD 2014).

    Notebook: 07_methods

    Examples
    --------
    >>> from musig.alias import build_alias
    >>> from musig.graph import music_graph, to_csr
    >>> from musig.playlists import Playlists
    >>> pair = to_csr(music_graph(Playlists.from_lists([[0, 1]]), 3, 0))
    >>> blocks = walk_blocks(pair, build_alias(pair), 3, np.random.default_rng(0), walks=2)
    >>> [sorted(walks.tolist()) for walks in blocks]
    [[[0, 1, 0], [1, 0, 1]], [[0, 1, 0], [1, 0, 1]]]
    """
    nodes = np.flatnonzero(csr.degree.numpy()).astype(np.int32)
    for _ in range(walks):
        order = generator.permutation(nodes)
        for start in range(0, len(order), block):
            yield walk(csr, alias, order[start : start + block], length, generator, p=p, q=q)


def check_walk(length: int, p: float, q: float) -> None:
    """Refuse what cannot be walked.

    Parameters
    ----------
    length : int
    p, q : float

    Raises
    ------
    MusigError
        If the length is below 1, or p or q is not positive and finite.

    Notes
    -----
    Notebook: 07_methods
    """
    if length < 1:
        raise MusigError(
            f"Parameter length is {length}; expected the number of nodes in a walk, at least 1."
        )
    for name, value in (("p", p), ("q", q)):
        if not 0 < value < inf:
            raise MusigError(f"Parameter {name} is {value}; expected a number above 0, such as 1.")


@numba.njit(cache=True, parallel=True)
def _walk(indptr, indices, weight, packed, width, starts, length, back, away, key):  # type: ignore[no-untyped-def]
    walks = np.full((len(starts), length), -1, np.int32)
    plain = back == 1.0 and away == 1.0
    highest = max(back, 1.0, away)
    for i in numba.prange(len(starts)):
        stream = _bits(key, np.uint64(i))  # each walk has its own numbers
        drawn = np.uint64(0)
        node = starts[i]
        before = np.int32(-1)
        walks[i, 0] = node
        for step in range(1, length):
            if indptr[node] == indptr[node + 1]:
                break
            tries = 0
            while True:
                chosen = _neighbour(indptr, packed, width, node, _bits(stream, drawn))
                drawn += np.uint64(1)
                if plain or before < 0:
                    break
                level = _unit(_bits(stream, drawn)) * highest
                drawn += np.uint64(1)
                # The search, which costs most, only where its outcome matters.
                if level < _least(chosen, before, back, away) or level < _bias(
                    indptr, indices, before, chosen, back, away
                ):
                    break
                tries += 1
                if tries == TRIES:
                    u = _unit(_bits(stream, drawn))
                    drawn += np.uint64(1)
                    chosen = _scan(indptr, indices, weight, before, node, back, away, u)
                    break
            before = node
            node = chosen
            walks[i, step] = node
    return walks


@numba.njit(cache=True)
def _neighbour(indptr, packed, width, node, bits):  # type: ignore[no-untyped-def]
    """Draw a neighbour in proportion to weight, as :func:`musig.alias.sample_neighbours_numba`."""
    half, low = np.uint64(32), np.uint64(0xFFFFFFFF)
    start = np.uint64(indptr[node])
    degree = np.uint64(indptr[node + 1]) - start
    place = (bits >> half) * degree + ((bits & low) * degree >> half)
    pair = packed[start + (place >> half)]
    if place & low < pair >> half:
        pair >>= np.uint64(width)
    return np.int32(pair & np.uint64((1 << width) - 1))


@numba.njit(cache=True)
def _unit(bits):  # type: ignore[no-untyped-def]
    """Turn 64 bits into a number in [0, 1)."""
    return np.float64(bits >> np.uint64(11)) * 2.0**-53


@numba.njit(cache=True)
def _least(node, before, back, away):  # type: ignore[no-untyped-def]
    """Return the least that the bias of a step can be, without looking at the graph."""
    return back if node == before else min(1.0, away)


@numba.njit(cache=True)
def _bias(indptr, indices, before, node, back, away):  # type: ignore[no-untyped-def]
    """Return alpha of a step to `node` of a walk that came from `before`."""
    if node == before:
        return back
    if away == 1.0:
        return 1.0
    first, last = indptr[before], indptr[before + 1]
    while first < last:
        middle = (first + last) // 2
        if indices[middle] < node:
            first = middle + 1
        else:
            last = middle
    return 1.0 if first < indptr[before + 1] and indices[first] == node else away


@numba.njit(cache=True)
def _scan(indptr, indices, weight, before, node, back, away, u):  # type: ignore[no-untyped-def]
    """Draw the next node by adding up the row of this one."""
    total = 0.0
    for edge in range(indptr[node], indptr[node + 1]):
        total += weight[edge] * _bias(indptr, indices, before, indices[edge], back, away)
    left = u * total
    for edge in range(indptr[node], indptr[node + 1]):
        left -= weight[edge] * _bias(indptr, indices, before, indices[edge], back, away)
        if left < 0.0:
            return np.int32(indices[edge])
    return np.int32(indices[indptr[node + 1] - 1])  # rounding left a little over
