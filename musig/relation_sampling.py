"""Sampled neighbourhoods over several relations: the *S* of MUSIG, relation by relation.

Each node draws neighbours of every relation apart, in proportion to weight, as
:mod:`musig.sampling` draws those of one; so a relation with few edges is not drowned by one with
many.

Conventions
-----------
As in :mod:`musig.sampling`: outermost hop first, the receivers of a hop before the nodes that are
new in it, now by type of node. The rows of a block are receivers of one type, its columns all
senders of another, or of the same.

Contents
--------
- :func:`full_relations`: whole relations as blocks; :func:`sample_relations`: those of a
  mini-batch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from musig.csr import CSR
from musig.relations import TRACK, EdgeType
from musig.sampling import AliasTables, Block, _draw, full_blocks

Blocks = Mapping[EdgeType, Block]
"""One hop: a block for each relation."""


def full_relations(graph: Mapping[EdgeType, CSR]) -> dict[EdgeType, Block]:
    """Give every relation as the block of all its nodes.

    Parameters
    ----------
    graph : mapping of edge type to CSR

    Returns
    -------
    dict of edge type to Block

    Notes
    -----
    Notebook: 13_relations
    """
    return {edge: full_blocks(csr, hops=1)[0] for edge, csr in graph.items()}


def sample_relations(
    graph: Mapping[EdgeType, CSR],
    alias: Mapping[EdgeType, AliasTables],
    seeds: Tensor,
    edges: Sequence[Sequence[EdgeType]],
    fanouts: Sequence[int],
    generator: torch.Generator,
) -> tuple[dict[str, Tensor], list[dict[EdgeType, Block]]]:
    """Sample the neighbourhood of some tracks, hop by hop and relation by relation.

    Parameters
    ----------
    graph : mapping of edge type to CSR
    alias : mapping of edge type to AliasTables
        From :func:`musig.sampling.build_alias`, on the same device.
    seeds : Tensor of int64, shape (n,)
        Distinct tracks to embed.
    edges : sequence of sequences of edge types
        Relations of each hop, outermost first, as many as there are `fanouts`.
    fanouts : sequence of int
        Neighbours drawn a node and relation: of the seeds first, then of what was drawn.
    generator : torch.Generator
        On the same device.

    Returns
    -------
    nodes : dict of str to Tensor of int64
        By type, whose attributes the first hop takes; each once, the receivers first.
    blocks : list of dict of edge type to Block
        Outermost hop first; the last one's receivers are the seeds.

    Notes
    -----
    With one relation between tracks it is :func:`musig.sampling.sample_blocks`, to the last random
    number.
    Notebook: 13_relations

    Examples
    --------
    >>> from musig.sampling import build_alias
    >>> edge = ("track", "by_audio", "track")
    >>> pair = CSR(torch.tensor([0, 1, 2]), torch.tensor([1, 0]), torch.ones(2), 2, 2)
    >>> alias, generator = {edge: build_alias(pair)}, torch.Generator().manual_seed(0)
    >>> nodes, blocks = sample_relations(
    ...     {edge: pair}, alias, torch.tensor([1]), [[edge]], (2,), generator
    ... )
    >>> nodes["track"].tolist(), blocks[0][edge].indices.tolist()
    ([1, 0], [1, 1])
    """
    size = {kind: n for edge, csr in graph.items() for kind, n in _sizes(edge, csr)}
    nodes = {kind: seeds.new_empty(0) for kind in size} | {TRACK: seeds}
    position = {kind: seeds.new_empty(n, dtype=torch.int32) for kind, n in size.items()}
    seen = {kind: torch.zeros(n, dtype=torch.bool, device=seeds.device) for kind, n in size.items()}
    _append(TRACK, seeds, {TRACK: seeds.new_empty(0)}, position, seen)
    hops = []
    for fanout, asked in zip(fanouts, reversed(edges), strict=True):
        receivers = dict(nodes)
        drawn = {
            edge: _draw(graph[edge], alias[edge], receivers[edge[2]], fanout, generator)
            for edge in asked
        }
        for edge, rows in drawn.items():
            sender = edge[0]
            marks = torch.zeros_like(seen[sender])
            marks[rows[rows >= 0]] = True
            new = (marks & ~seen[sender]).nonzero().squeeze(1)
            nodes[sender] = _append(sender, new, nodes, position, seen)
        hops.append(
            {
                edge: _block(rows, position[edge[0]], len(nodes[edge[0]]), fanout)
                for edge, rows in drawn.items()
            }
        )
    return nodes, hops[::-1]


def _sizes(edge: EdgeType, csr: CSR) -> tuple[tuple[str, int], tuple[str, int]]:
    return (edge[0], csr.n_cols), (edge[2], csr.n_rows)


def _append(
    kind: str,
    new: Tensor,
    nodes: Mapping[str, Tensor],
    position: Mapping[str, Tensor],
    seen: Mapping[str, Tensor],
) -> Tensor:
    """Give new nodes the places after those there are."""
    n = len(nodes[kind])
    count = torch.arange(n, n + len(new), dtype=torch.int32, device=new.device)
    position[kind][new] = count
    seen[kind][new] = True
    return torch.cat([nodes[kind], new])


def _block(drawn: Tensor, position: Tensor, n_src: int, fanout: int) -> Block:
    """Make the block of what was drawn for every receiver."""
    linked = drawn[:, 0] >= 0
    indices = position[drawn[linked].flatten()]
    indptr = torch.cat([linked.new_zeros(1, dtype=torch.int32), (linked * fanout).cumsum(0).int()])
    weight = torch.full((len(indices),), 1 / fanout, device=drawn.device)
    return Block(indptr, indices, weight, n_src, fanout)
