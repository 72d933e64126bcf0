"""Drawing neighbours in proportion to edge weight.

By the alias method (Walker, ACM TOMS 3(3), 1977; Vose, IEEE TSE 17(9), 1991) a draw costs the
same for a track with three neighbours as for one with ten thousand: a row of n neighbours
becomes n columns of equal height, each shared by at most two of them.

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


@dataclass(frozen=True)
class AliasTables:
    """For every edge: the chance to stay with it once it was hit, and where to go else.

    Parameters
    ----------
    probability : Tensor of float32, shape (nnz,)
        In [0, 1].
    alias : Tensor of int32, shape (nnz,)
        An offset within the same row.
    """

    probability: torch.Tensor
    alias: torch.Tensor

    def to(self, device: torch.device | str) -> AliasTables:
        """Return the same tables on `device`."""
        return AliasTables(self.probability.to(device), self.alias.to(device))


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
    ([0.5, 1.0], [1, 1])
    """
    wrong = ~((csr.weight > 0) & torch.isfinite(csr.weight))
    if wrong.any():
        edge = int(wrong.nonzero()[0])
        raise MusigError(
            f"Edge {edge} of the graph has weight {float(csr.weight[edge])}; "
            "expected a positive number."
        )
    probability, alias = _vose(csr.indptr.cpu().numpy(), csr.weight.cpu().numpy())
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
    Walker 1977; one uniform number chooses the column, another the neighbour in it.
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
    column, share = torch.rand((2, len(rows), fanout), generator=generator, device=rows.device)
    # The product can round up to `degree`; an isolated row (0 neighbours) must not point past
    # the end of the arrays.
    edge = start + torch.minimum((column * degree).long(), degree - 1)
    edge = edge.clamp(min=0)
    edge = torch.where(share < alias.probability[edge], edge, start + alias.alias[edge])
    drawn = csr.indices[edge.clamp(max=len(csr.indices) - 1)]
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

    Notes
    -----
    The random numbers are a function of (seed, place in the result) by the finaliser of
    SplitMix64 (Steele, Lea & Flood, OOPSLA 2014), so no thread waits for another's state.
    Notebook: 05_multitask_training

    Examples
    --------
    >>> pair = CSR(torch.tensor([0, 1, 2, 2]), torch.tensor([1, 0]), torch.ones(2), 3, 3)
    >>> sample_neighbours_numba(pair, build_alias(pair), torch.tensor([0, 2]), 2, seed=0).tolist()
    [[1, 1], [-1, -1]]
    """
    key = np.random.SeedSequence(seed).generate_state(1, np.uint64)[0]
    drawn = _draw(
        csr.indptr.numpy(),
        csr.indices.numpy(),
        alias.probability.numpy(),
        alias.alias.numpy(),
        rows.numpy(),
        fanout,
        key,
    )
    return torch.from_numpy(drawn)


@numba.njit(cache=True)
def _vose(indptr, weight):  # type: ignore[no-untyped-def]
    """Alias tables of every row, in double precision until they are stored."""
    probability = np.ones(len(weight), np.float32)
    alias = np.empty(len(weight), np.int32)
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
            alias[start + k] = k
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
            alias[start + short] = tall
            height[tall] -= 1.0 - height[short]
            if height[tall] < 1.0:
                high += 1
                stack[low] = tall
                low += 1
        # What rounding leaves over is a full column: its probability stays 1.
    return probability, alias


@numba.njit(cache=True, parallel=True)
def _draw(indptr, indices, probability, alias, rows, fanout, key):  # type: ignore[no-untyped-def]
    drawn = np.full((len(rows), fanout), np.int64(-1))
    for i in numba.prange(len(rows)):
        start = indptr[rows[i]]
        degree = indptr[rows[i] + 1] - start
        if degree > 0:
            for j in range(fanout):
                place = np.uint64(2 * (i * fanout + j))
                edge = start + np.int64(_uniform(key, place) * degree)
                if _uniform(key, place + np.uint64(1)) >= probability[edge]:
                    edge = start + alias[edge]
                drawn[i, j] = indices[edge]
    return drawn


@numba.njit(cache=True)
def _uniform(key, place):  # type: ignore[no-untyped-def]
    """Return the place-th number in [0, 1) of the SplitMix64 stream that starts at `key`."""
    z = key + (place + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    z = z ^ (z >> np.uint64(31))
    return (z >> np.uint64(11)) * 2.0**-53
