"""Sampling neighbourhoods: the *S* of MUSIG.

A hop of the aggregator is a mean over neighbours, weighted by edge weight. Drawing `fanout`
neighbours with replacement, each in proportion to its weight, and taking their plain mean
estimates it without bias, at a cost that does not grow with the degree. GraphSAGE draws
uniformly (Hamilton et al., NeurIPS 2017, Algorithm 2); PinSage in proportion to visits (Ying et
al., KDD 2018).

Conventions
-----------
A :class:`Block` is one hop: `n_dst` nodes take from `n_src`, and the receivers are the first
`n_dst` of the senders. Its weights are normalised by row. Blocks are listed in the order in which
an encoder applies them: outermost hop first. Their pointers and positions are int32 while there
are fewer than 2³¹ entries, since sparse products read half as much then; node positions elsewhere
are int64.

Contents
--------
- :class:`Block`, with its matrix for the sparse product.
- :func:`full_blocks`: the whole graph as blocks; :func:`sample_blocks`: those of a mini-batch.
- From :mod:`musig.alias`: :func:`build_alias`, :func:`sample_neighbours`,
  :func:`sample_neighbours_numba`.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import torch

from musig.alias import PACKED, AliasTables, build_alias, sample_neighbours, sample_neighbours_numba
from musig.errors import MusigError
from musig.graph import CSR

__all__ = [
    "AliasTables",
    "Block",
    "build_alias",
    "full_blocks",
    "sample_blocks",
    "sample_neighbours",
    "sample_neighbours_numba",
]


AT_ONCE = 2**22
"""Entries whose weights are normalised at a time."""


@dataclass(frozen=True, eq=False)
class Block:
    """One hop from `n_src` nodes to the first `n_dst` of them.

    Parameters
    ----------
    indptr : Tensor of int32 or int64, shape (n_dst + 1,)
        int32 from :func:`full_blocks` and :func:`sample_blocks` where nnz < 2³¹, else int64.
    indices : Tensor of the dtype of `indptr`, shape (nnz,)
        Positions among the `n_src` senders; sampled rows may name one more than once.
    weight : Tensor of float32, shape (nnz,)
        Normalised: a row sums to 1, or is empty.
    n_src : int
    fanout : int or None
        Neighbours drawn a node (an isolated node has none); None where all are there.

    Examples
    --------
    >>> block = Block(torch.tensor([0, 2]), torch.tensor([1, 2]), torch.tensor([0.75, 0.25]), 3)
    >>> block.matrix().to_dense().tolist()
    [[0.0, 0.75, 0.25]]
    """

    indptr: torch.Tensor
    indices: torch.Tensor
    weight: torch.Tensor
    n_src: int
    fanout: int | None = None

    @property
    def n_dst(self) -> int:
        """Number of receiving nodes."""
        return len(self.indptr) - 1

    @property
    def rows(self) -> torch.Tensor:
        """Receiver of each entry: Tensor of int64, shape (nnz,)."""
        nodes = torch.arange(self.n_dst, device=self.indptr.device)
        return nodes.repeat_interleave(self.indptr.diff(), output_size=len(self.indices))

    def matrix(self) -> torch.Tensor:
        """Return the block as a sparse CSR tensor, shape (n_dst, n_src), float32."""
        return _sparse(self.indptr, self.indices, self.weight, (self.n_dst, self.n_src))

    @cached_property
    def dense(self) -> torch.Tensor:
        """The block of a whole graph as a dense matrix, bfloat16, shape (n_dst, n_src)."""
        shape = (self.n_dst, self.n_src)
        matrix = torch.zeros(shape, dtype=torch.bfloat16, device=self.weight.device)
        matrix[self.rows, self.indices.long()] = self.weight.bfloat16()
        return matrix

    def transposed_matrix(self) -> torch.Tensor:
        """Return its transpose, shape (n_src, n_dst), CSR too; made once a block."""
        return self._transposed

    @cached_property
    def _transposed(self) -> torch.Tensor:
        shape = (self.n_src, self.n_dst)
        if self.indices.device.type == "cpu":  # scipy counts where torch sorts
            from scipy.sparse import csr_array  # slow to import

            parts = (part.numpy() for part in (self.weight, self.indices, self.indptr))
            flipped = csr_array(tuple(parts), shape=shape[::-1]).tocsc()
            indptr, rows, weight = (
                torch.from_numpy(part) for part in (flipped.indptr, flipped.indices, flipped.data)
            )
        else:
            order = torch.argsort(self.indices, stable=True)
            counts = torch.bincount(self.indices, minlength=self.n_src)
            indptr = _pointers(counts, self.indptr.dtype)
            rows, weight = self.rows[order].to(self.indptr.dtype), self.weight[order]
        return _sparse(indptr, rows, weight, shape)


def full_blocks(csr: CSR, hops: int) -> list[Block]:
    """Return the whole graph as the blocks of all its nodes.

    Parameters
    ----------
    csr : CSR
        Square.
    hops : int, >= 1

    Returns
    -------
    list of Block, length hops
        The same block, as often as there are hops.

    Notes
    -----
    Notebook: 05_multitask_training

    Examples
    --------
    >>> csr = CSR(torch.tensor([0, 2, 2]), torch.tensor([0, 1]), torch.tensor([3.0, 1.0]), 2, 2)
    >>> full_blocks(csr, hops=1)[0].weight.tolist()
    [0.75, 0.25]
    """
    dtype = _narrowest(len(csr.indices))
    return [Block(csr.indptr.to(dtype), csr.indices.to(dtype), _shares(csr), csr.n_cols)] * hops


def _shares(csr: CSR) -> torch.Tensor:
    """Divide weights by the sum of their row."""
    # some rows at a time: in double precision all of them would take more memory than the graph
    shares = torch.empty_like(csr.weight)
    at_once = max(1, AT_ONCE * csr.n_rows // max(1, len(shares)))
    for start in range(0, csr.n_rows, at_once):
        indptr = csr.indptr[start : start + at_once + 1]
        entries = slice(int(indptr[0]), int(indptr[-1]))
        degree, weight = indptr.diff(), csr.weight[entries].double()
        rows = torch.arange(len(degree), device=degree.device).repeat_interleave(degree)
        sums = weight.new_zeros(len(degree)).index_add_(0, rows, weight)
        shares[entries] = (weight / sums[rows]).float()
    return shares


def sample_blocks(
    csr: CSR,
    alias: AliasTables,
    seeds: torch.Tensor,
    fanouts: Sequence[int] = (25, 10),
    generator: torch.Generator | None = None,
) -> tuple[torch.Tensor, list[Block]]:
    """Sample the neighbourhood of some nodes, hop by hop.

    Parameters
    ----------
    csr : CSR
    alias : AliasTables
        From :func:`build_alias`, on the same device.
    seeds : Tensor of int64, shape (n,)
        Distinct nodes to embed.
    fanouts : sequence of int
        Neighbours drawn a node: of the seeds first, then of their neighbours, and so on.
    generator : torch.Generator, optional
        On the same device.

    Returns
    -------
    nodes : Tensor of int64, shape (n_src of the first block,)
        Whose attributes the first block takes; each once, the seeds first.
    blocks : list of Block
        Outermost hop first; the last block's receivers are the seeds.

    Raises
    ------
    MusigError
        If a seed is repeated.

    Notes
    -----
    Hamilton et al. 2017, Algorithm 2; their fan-outs 25 and 10 are the default.
    Notebook: 05_multitask_training

    Examples
    --------
    >>> pair = CSR(torch.tensor([0, 1, 2]), torch.tensor([1, 0]), torch.ones(2), 2, 2)
    >>> nodes, blocks = sample_blocks(pair, build_alias(pair), torch.tensor([1]), (2,))
    >>> nodes.tolist(), blocks[0].indices.tolist()
    ([1, 0], [1, 1])
    """
    nodes = seeds
    count = torch.arange(max(csr.n_cols, len(seeds)), dtype=torch.int32, device=seeds.device)
    position = torch.empty_like(count)
    position[seeds] = count[: len(seeds)]
    if not torch.equal(position[seeds], count[: len(seeds)]):  # of equal seeds one was overwritten
        raise MusigError(
            f"{len(seeds)} seeds name {len(seeds.unique())} nodes; expected each once."
        )
    blocks = []
    for fanout in fanouts:
        drawn = _draw(csr, alias, nodes, fanout, generator)  # (n_dst, fanout)
        linked = drawn[:, 0] >= 0
        drawn = drawn[linked].flatten()
        # A mark for every node of the graph: in one pass, without sorting what was drawn.
        new = torch.zeros(csr.n_cols, dtype=torch.bool, device=seeds.device)
        new = new.index_fill_(0, drawn, True).index_fill_(0, nodes, False).nonzero().squeeze(1)
        position[new] = count[len(nodes) : len(nodes) + len(new)]
        nodes = torch.cat([nodes, new])
        dtype = _narrowest(len(drawn))
        indices = position.index_select(0, drawn).to(dtype)
        weight = torch.full((len(drawn),), 1 / fanout, device=seeds.device)
        indptr = _pointers(linked * fanout, dtype)
        blocks.append(Block(indptr, indices, weight, len(nodes), fanout))
    return nodes, blocks[::-1]


def _draw(
    csr: CSR, alias: AliasTables, rows: torch.Tensor, fanout: int, generator: torch.Generator | None
) -> torch.Tensor:
    """Draw with the sampler that is faster: on a CPU numba's, for as many nodes as it packs."""
    if rows.device.type != "cpu" or csr.n_cols > PACKED:
        return sample_neighbours(csr, alias, rows, fanout, generator)
    seed = int(torch.randint(2**62, (), generator=generator))
    return sample_neighbours_numba(csr, alias, rows, fanout, seed)


def _narrowest(entries: int) -> torch.dtype:
    """Of the index types sparse products take, the narrower that can count the entries."""
    return torch.int32 if entries < 2**31 else torch.int64


def _pointers(lengths: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    """Where rows of these lengths start, and where the last ends."""
    return torch.cat([lengths.new_zeros(1), lengths.cumsum(0)]).to(dtype)


def _sparse(
    indptr: torch.Tensor, indices: torch.Tensor, weight: torch.Tensor, shape: tuple[int, int]
) -> torch.Tensor:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Sparse CSR tensor support is in beta")
        return torch.sparse_csr_tensor(indptr, indices, weight, shape, check_invariants=False)
