"""Drawing neighbours in proportion to edge weight.

By the alias method (Walker, ACM TOMS 3(3), 1977; Vose, IEEE TSE 17(9), 1991) a draw costs the
same for a track with three neighbours as for one with ten thousand: a row of n neighbours
becomes n columns of equal height, each shared by at most two of them. A draw takes one random
number, stretched to n: its whole part is the column, its fraction says which of the two.

Conventions
-----------
Rows and neighbours are node positions, int64. Draws are with replacement. An isolated row draws
−1.

Contents
--------
- :func:`build_alias`: the tables, once a graph.
- :func:`sample_neighbours`: on any device, with torch.
- :func:`sample_neighbours_numba`: from the same distribution, on a CPU, faster.
"""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np
import torch

from musig.errors import MusigError
from musig.graph import CSR
from musig.prefetch import prefetch

TILE = 256
"""Draws on their way from memory at a time: more than wait at once, fewer than a cache holds."""


PACKED = 2**24
"""Nodes of the largest graph that the numba sampler takes."""


@dataclass(frozen=True)
class AliasTables:
    """For every edge: the chance to stay with it once it was hit, and whom to take else.

    Parameters
    ----------
    probability : Tensor of float32, shape (nnz,)
        In [0, 1].
    alias : Tensor of int32, shape (nnz,)
        A neighbour of the same row.
    """

    probability: torch.Tensor
    alias: torch.Tensor

    def to(self, device: torch.device | str) -> AliasTables:
        """Return the same tables on `device`."""
        return AliasTables(self.probability.to(device), self.alias.to(device))

    def packed(self, csr: CSR) -> np.ndarray:
        """Return a number an edge, uint64, which holds all that a draw reads; made once.

        From the top: the probability in 2^-32; the neighbour itself; its alias. With numbers of
        nodes of b > 16 bits the probability keeps 64 - 2b bits: 24 for a million nodes, 16 for
        the most there may be. Always of the graph the tables were built from.

        Raises
        ------
        MusigError
            If the graph has more than 2^24 nodes.
        """
        if "_packed" not in self.__dict__:
            if csr.n_cols > PACKED:
                raise MusigError(
                    f"The graph has {csr.n_cols:,} nodes; the numba sampler takes up to "
                    f"{PACKED:,}: use sample_neighbours."
                )
            parts = (csr.indices, self.probability, self.alias)
            self.__dict__["_packed"] = _pack(_width(csr), *(part.numpy() for part in parts))
        packed: np.ndarray = self.__dict__["_packed"]
        return packed


def build_alias(csr: CSR) -> AliasTables:
    """Build the alias tables of a graph's rows.

    Parameters
    ----------
    csr : CSR
        Weights must be positive.

    Returns
    -------
    AliasTables
        On the device of `csr`.

    Raises
    ------
    MusigError
        If a weight is not positive and finite.

    Notes
    -----
    Vose 1991: columns of height 1, each shared by at most two neighbours, O(nnz).
    Notebook: 04_music_graph

    Examples
    --------
    A row with weights 1 and 3: the first column holds half of its own and half of the second's.

    >>> indptr, indices = torch.tensor([0, 2]), torch.tensor([5, 7])
    >>> tables = build_alias(CSR(indptr, indices, torch.tensor([1.0, 3.0]), 1, 8))
    >>> tables.probability.tolist(), tables.alias.tolist()
    ([0.5, 1.0], [7, 7])
    """
    wrong = ~((csr.weight > 0) & torch.isfinite(csr.weight))
    if wrong.any():
        edge = int(wrong.nonzero()[0])
        raise MusigError(
            f"Edge {edge} of the graph has weight {float(csr.weight[edge])}; "
            "expected a positive number."
        )
    probability, alias = _vose(*(t.cpu().numpy() for t in (csr.indptr, csr.indices, csr.weight)))
    device = csr.weight.device
    return AliasTables(torch.from_numpy(probability).to(device), torch.from_numpy(alias).to(device))


def sample_neighbours(
    csr: CSR,
    alias: AliasTables,
    rows: torch.Tensor,
    fanout: int,
    generator: torch.Generator | None = None,
) -> torch.Tensor:
    """Draw neighbours with replacement, in proportion to weight, on the device of `csr`.

    Parameters
    ----------
    csr : CSR
    alias : AliasTables
        From :func:`build_alias`, on the same device.
    rows : Tensor of int64, shape (n,)
    fanout : int, >= 1
        How many to draw a row.
    generator : torch.Generator, optional
        On the same device.

    Returns
    -------
    Tensor of int64, shape (n, fanout)
        Neighbours; −1 in the rows of isolated nodes.

    Notes
    -----
    Walker 1977. Of the 53 bits of a number, log2 of the degree choose the column and the rest,
    independent of them, the neighbour in it: 30 bits even in a row of eight million neighbours.
    Notebook: 05_multitask_training

    Examples
    --------
    >>> pair = CSR(torch.tensor([0, 1, 2, 2]), torch.tensor([1, 0]), torch.ones(2), 3, 3)
    >>> sample_neighbours(pair, build_alias(pair), torch.tensor([0, 2]), 2).tolist()
    [[1, 1], [-1, -1]]
    """
    if not len(csr.indices):
        return torch.full((len(rows), fanout), -1, device=rows.device)
    start = csr.indptr[rows][:, None]
    degree = csr.indptr[rows + 1][:, None] - start
    place = torch.rand(
        (len(rows), fanout), generator=generator, device=rows.device, dtype=torch.float64
    ).mul_(degree)
    column = place.long()
    # An isolated row may start where the arrays end.
    edge = (start + column).clamp_(max=len(csr.indices) - 1)
    stays = place.sub_(column) < alias.probability[edge]
    drawn = torch.where(stays, csr.indices[edge], alias.alias[edge])
    return torch.where(degree > 0, drawn, -1)


def sample_neighbours_numba(
    csr: CSR, alias: AliasTables, rows: torch.Tensor, fanout: int, seed: int
) -> torch.Tensor:
    """Draw neighbours with replacement, in proportion to weight, on the CPU with numba.

    Parameters
    ----------
    csr : CSR
        On the CPU.
    alias : AliasTables
    rows : Tensor of int64, shape (n,)
    fanout : int, >= 1
        How many to draw a row.
    seed : int
        The same seed draws the same, however many threads there are.

    Returns
    -------
    Tensor of int64, shape (n, fanout)
        Neighbours; −1 in the rows of isolated nodes.

    Raises
    ------
    MusigError
        If the graph has more than 2^24 nodes.

    Notes
    -----
    The random numbers are a function of (seed, place in the result) by the finaliser of
    SplitMix64 (Steele, Lea & Flood, OOPSLA 2014), so no thread waits for another's state. One of
    them, 64 bits, makes a draw: u * degree / 2^32, rounded down, is uniform among the whole
    numbers below degree * 2^32, and any range of these has its chance to within 2^-64. The upper
    half is the column and the lower its fraction, which thus does not depend on the column.
    The draws of a tile of rows are placed before the first is read: memory is on its way by then.
    Notebook: 05_multitask_training

    Examples
    --------
    >>> pair = CSR(torch.tensor([0, 1, 2, 2]), torch.tensor([1, 0]), torch.ones(2), 3, 3)
    >>> sample_neighbours_numba(pair, build_alias(pair), torch.tensor([0, 2]), 2, seed=0).tolist()
    [[1, 1], [-1, -1]]
    """
    key = np.random.SeedSequence(seed).generate_state(1, np.uint64)[0]
    drawn = _draw(csr.indptr.numpy(), alias.packed(csr), _width(csr), rows.numpy(), fanout, key)
    return torch.from_numpy(drawn)


def _width(csr: CSR) -> int:
    """Bits of a node's number."""
    return max(csr.n_cols - 1, 0).bit_length()


@numba.njit(cache=True)
def _vose(indptr, indices, weight):  # type: ignore[no-untyped-def]
    """Alias tables of every row, in double precision until they are stored."""
    probability = np.ones(len(weight), np.float32)
    alias = indices.astype(np.int32)
    for row in range(len(indptr) - 1):
        start, end = indptr[row], indptr[row + 1]
        n = end - start
        if n == 0:
            continue
        height = weight[start:end].astype(np.float64)
        height *= n / height.sum()
        # One array, two stacks: the low columns from the left, the high ones from the right.
        stack = np.empty(n, np.int32)
        low, high = 0, n
        for k in range(n):
            if height[k] < 1.0:
                stack[low] = k
                low += 1
            else:
                high -= 1
                stack[high] = k
        while low > 0 and high < n:
            low -= 1
            short, tall = stack[low], stack[high]
            probability[start + short] = height[short]
            alias[start + short] = indices[start + tall]
            height[tall] -= 1.0 - height[short]
            if height[tall] < 1.0:
                high += 1
                stack[low] = tall
                low += 1
        # What rounding leaves over is a full column: its probability stays 1.
    return probability, alias


@numba.njit(cache=True)
def _pack(width, indices, probability, alias):  # type: ignore[no-untyped-def]
    packed = np.empty(len(indices), np.uint64)
    nodes = np.uint64((1 << (2 * width)) - 1)
    for edge in range(len(indices)):
        # A full column is its own alias: no matter that 1 is stored as a little less.
        share = np.uint64(min(probability[edge] * 2.0**32, 2.0**32 - 1))
        pair = np.uint64(indices[edge]) << np.uint64(width) | np.uint64(alias[edge])
        packed[edge] = (share << np.uint64(32)) & ~nodes | pair
    return packed


@numba.njit(cache=True, parallel=True)
def _draw(indptr, packed, width, rows, fanout, key):  # type: ignore[no-untyped-def]
    drawn = np.empty((len(rows), fanout), np.int64)
    half, low = np.uint64(32), np.uint64(0xFFFFFFFF)
    right, node = np.uint64(width), np.uint64((1 << width) - 1)
    tile = max(1, TILE // fanout)  # rows
    for t in numba.prange((len(rows) + tile - 1) // tile):
        first, last = t * tile, min((t + 1) * tile, len(rows))
        for i in range(first, last):
            start = np.uint64(indptr[rows[i]])
            degree = np.uint64(indptr[rows[i] + 1]) - start
            for j in range(fanout):
                bits = _bits(key, np.uint64(i * fanout + j))
                place = (bits >> half) * degree + ((bits & low) * degree >> half)  # bits 32 to 95
                drawn[i, j] = place
                prefetch(packed, np.int64(start + (place >> half)))  # type: ignore[call-arg]
        for i in range(first, last):
            start = np.uint64(indptr[rows[i]])
            if indptr[rows[i] + 1] == indptr[rows[i]]:
                drawn[i] = -1
                continue
            for j in range(fanout):
                place = np.uint64(drawn[i, j])
                pair = packed[start + (place >> half)]
                if place & low < pair >> half:
                    pair >>= right
                drawn[i, j] = pair & node
    return drawn


@numba.njit(cache=True)
def _bits(key, place):  # type: ignore[no-untyped-def]
    """Return the place-th number, of 64 bits, of the SplitMix64 stream that starts at `key`."""
    z = key + (place + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))
