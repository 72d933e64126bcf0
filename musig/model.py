"""Step 1 of MUSIG: the neighbourhood aggregator.

A track's embedding gathers what is known about the track itself and about the tracks it shares
playlists with, hop by hop up to a search depth (Saravanou et al., ISMIR 2021; the scheme is that
of GraphSAGE, Hamilton et al., NeurIPS 2017, Algorithm 1). The parameters are shared by all
tracks, so that a track never seen in training can be embedded: that is the *I* of MUSIG.

Conventions
-----------
``x`` is float32, shape (n_src, n_attributes), one row a source node of the outermost block;
blocks are given outermost hop first (see :class:`musig.sampling.Block`); embeddings are float32
rows of length 1. The source does not say which aggregator the paper uses; the mean weighted by
edge weight is our choice, and the others stand beside it.

Contents
--------
- :class:`WeightedMean`, :class:`Pooled`: what a node takes from its neighbours;
  :func:`dense_pays`: which product a GPU takes.
- :class:`Encoder`: K hops of it.
- :func:`embed`: exact embeddings of all tracks, for use.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.rnn import pack_padded_sequence
from torch_geometric.nn import aggr
from torch_geometric.utils import to_dense_batch

from musig.errors import MusigError, nearest
from musig.graph import CSR
from musig.product import product
from musig.sampling import Block, full_blocks

AGGREGATORS = ("mean", "max", "lstm", "attention")
DENSE, DENSE_BYTES = 0.01, 8e9
"""Share of all possible edges from which a dense matrix may be the faster one, and its room."""
RELATION = "playlist"
"""The one relation of the paper's graph: two tracks share a playlist."""


class WeightedMean(nn.Module):
    """Mean of the neighbours' rows weighted by edge weight; zero for a track without neighbours.

    Notes
    -----
    ``SAGEConv`` ignores weights and ``GraphConv(aggr="mean")`` divides by the degree; this
    divides by the row's sum of weights. Neighbours sampled in proportion to weight and
    averaged are its unbiased estimate (:mod:`musig.sampling`).
    Notebook: 05_multitask_training

    Examples
    --------
    >>> block = Block(torch.tensor([0, 2]), torch.tensor([1, 2]), torch.tensor([0.75, 0.25]), 3)
    >>> WeightedMean()(torch.tensor([[9.0], [0.0], [4.0]]), block).tolist()
    [[1.0]]
    """

    def forward(self, h: Tensor, block: Block) -> Tensor:
        """Aggregate `h`, shape (n_src, d), to shape (n_dst, d)."""
        return _WeightedSum.apply(h, block)


class _WeightedSum(torch.autograd.Function):
    """The product of a block with h; its gradient is the transposed product.

    Written out because the product is linear: nothing but the block has to be kept for the
    backward pass.
    """

    @staticmethod
    def forward(ctx, h: Tensor, block: Block) -> Tensor:  # type: ignore[no-untyped-def]
        ctx.block, ctx.dense = block, dense_pays(block, h)
        return product(block.dense if ctx.dense else block.matrix(), h)  # (n_dst, d)

    @staticmethod
    def backward(ctx, gradient: Tensor) -> tuple[Tensor, None]:  # type: ignore[no-untyped-def]
        block = ctx.block
        matrix = block.dense.T if ctx.dense else block.transposed_matrix()
        return product(matrix, gradient), None  # (n_src, d)


def dense_pays(block: Block, h: Tensor) -> bool:
    """Tell whether a product is faster with a dense matrix, whose zeros are multiplied as well.

    Parameters
    ----------
    block : Block
    h : Tensor
        What it is multiplied with.

    Returns
    -------
    bool
        On a GPU, in bfloat16, of a whole graph with more than :data:`DENSE` of all possible edges,
        if the matrix takes :data:`DENSE_BYTES` at most.

    Notes
    -----
    A sparse product reads a row of `h` for each edge, in no order; a dense one reads its matrix
    once, in order, and has tensor cores. The paper's graph has 4 % of all possible edges.
    Notebook: 05_multitask_training
    """
    possible = block.n_dst * block.n_src
    return (
        h.is_cuda
        and block.fanout is None
        and torch.is_autocast_enabled("cuda")
        and len(block.indices) > DENSE * possible
        and 2 * possible <= DENSE_BYTES
    )


class Pooled(nn.Module):
    """Max pooling, LSTM or attention over the neighbours.

    Parameters
    ----------
    name : {"max", "lstm", "attention"}
    channels : int, > 0
        Width of the rows.

    Notes
    -----
    Each gathers a row for every edge of the block: made for sampled blocks, whose rows are
    short. Edge weights count through the sampling, which is in proportion to them.
    Hamilton et al. 2017, section 3.3 (LSTM and max pooling). The LSTM is torch's: the one in
    torch_geometric runs over the padding, so that its answer depends on the longest row.
    """

    def __init__(self, name: str, channels: int) -> None:
        super().__init__()
        self.pre = nn.Sequential(nn.Linear(channels, channels), nn.ReLU())
        self.pool: nn.Module
        match name:
            case "max":
                self.pool = aggr.MaxAggregation()
            case "lstm":
                self.pool = nn.LSTM(channels, channels, batch_first=True)
            case "attention":
                self.pool = aggr.AttentionalAggregation(gate_nn=nn.Linear(channels, 1))
            case _:
                raise MusigError(f"Unknown aggregator '{name}': {nearest(name, AGGREGATORS)}")

    def forward(self, h: Tensor, block: Block) -> Tensor:
        """Aggregate `h`, shape (n_src, d), to shape (n_dst, d)."""
        sent = self.pre(h)[block.indices]  # (nnz, d)
        if not isinstance(self.pool, nn.LSTM):
            return self.pool(sent, block.rows, dim_size=block.n_dst)  # (n_dst, d)
        lengths = block.indptr.diff()
        rows, _ = to_dense_batch(sent, block.rows, batch_size=block.n_dst)  # (n_dst, longest, d)
        packed = pack_padded_sequence(
            rows, lengths.clamp(min=1).cpu(), batch_first=True, enforce_sorted=False
        )
        _, (last, _) = self.pool(packed)
        return last[-1] * (lengths > 0)[:, None]  # (n_dst, d)


class Encoder(nn.Module):
    """K hops: h_v ← normalise(W · [h_v, aggregate of the neighbours' h]).

    Parameters
    ----------
    n_attributes : int, > 0
        Width of the node attributes.
    embedding_size : int, > 0
        Width of every hop's output.
    hops : int, > 0
        Search depth K.
    aggregator : {"mean", "max", "lstm", "attention"}
    dropout : float in [0, 1)
        Share of a hop's inputs set to zero in training. Of a first hop that is known already,
        the inputs are a node's own row and what it gathered.
    relations : sequence of str
        Names of the relations; each has its own parameters.

    Raises
    ------
    MusigError
        For an aggregator or a relation that does not exist.

    Notes
    -----
    Hamilton et al. 2017, Algorithm 1, with the weighted mean of :class:`WeightedMean`.
    Notebook: 05_multitask_training

    Examples
    --------
    >>> csr = CSR(torch.tensor([0, 1, 2]), torch.tensor([1, 0]), torch.ones(2), 2, 2)
    >>> encoder = Encoder(n_attributes=3, embedding_size=4)
    >>> encoder(torch.ones(2, 3), full_blocks(csr, hops=2)).shape
    torch.Size([2, 4])
    """

    def __init__(
        self,
        n_attributes: int,
        embedding_size: int = 128,
        hops: int = 2,
        aggregator: str = "mean",
        dropout: float = 0.0,
        relations: Sequence[str] = (RELATION,),
    ) -> None:
        super().__init__()
        self.hops = hops
        self.dropout = dropout
        widths = [n_attributes] + [embedding_size] * hops
        self.relations = nn.ModuleDict(
            {
                relation: nn.ModuleList(
                    _Hop(widths[k], widths[k + 1], aggregator) for k in range(hops)
                )
                for relation in relations
            }
        )

    def forward(
        self,
        x: Tensor,
        blocks: Sequence[Block],
        relation: str = RELATION,
        gathered: Tensor | None = None,
    ) -> Tensor:
        """Embed the destination nodes of the last block.

        Parameters
        ----------
        x : Tensor of float32, shape (n_src of blocks[0], n_attributes)
        blocks : sequence of Block, length hops
            Outermost hop first.
        relation : str
            Whose parameters to use.
        gathered : Tensor of float32, shape of `x`, optional
            What the nodes of `x` gather in the first hop, where that is known already; `blocks`
            are then those of the other hops. With the weighted mean it does not depend on any
            parameter, so that it need be computed only once.

        Returns
        -------
        Tensor of float32, shape (n_dst of blocks[-1], embedding_size)
            Rows of length 1.
        """
        h, first = x, 0
        if gathered is not None:
            own, gathered = (F.dropout(part, self.dropout, self.training) for part in (x, gathered))
            h, first = self.hop(0, relation).join(own, gathered, last=self.hops == 1), 1
        for k, block in enumerate(blocks, first):
            h = F.dropout(h, self.dropout, self.training)
            h = self.hop(k, relation)(h, block, last=k == self.hops - 1)  # (n_dst, embedding_size)
        return h

    def hop(self, k: int, relation: str = RELATION) -> _Hop:
        """Return the k-th hop of a relation."""
        if relation not in self.relations:
            raise MusigError(f"Unknown relation '{relation}': {nearest(relation, self.relations)}")
        return self.relations[relation][k]  # type: ignore[index]


class _Hop(nn.Module):
    """One hop; lines 4 and 5 of Algorithm 1, and the normalisation of line 7."""

    def __init__(self, n_in: int, n_out: int, aggregator: str) -> None:
        super().__init__()
        mean = aggregator == "mean"
        self.aggregate = WeightedMean() if mean else Pooled(aggregator, n_in)
        self.own = nn.Linear(n_in, n_out)
        self.neighbours = nn.Linear(n_in, n_out, bias=False)  # with `own`: W · [h_v, aggregate]

    def forward(self, h: Tensor, block: Block, last: bool) -> Tensor:
        return self.join(h[: block.n_dst], self.aggregate(h, block), last)

    def join(self, own: Tensor, gathered: Tensor, last: bool) -> Tensor:
        """Put together what a node knows and what it gathered."""
        h = self.own(own) + self.neighbours(gathered)
        # A rectified output would confine the embeddings to the positive orthant, in which
        # no two tracks can point away from each other: the last hop stays linear.
        return F.normalize(h if last else F.relu(h), dim=1)


@torch.no_grad()
def embed(
    encoder: Encoder,
    x: Tensor,
    csr: CSR,
    rows_at_once: int = 1024,
    block: Block | None = None,
) -> Tensor:
    """Embed every track exactly, from all of its neighbours.

    Parameters
    ----------
    encoder : Encoder
    x : Tensor of float32, shape (n, n_attributes)
    csr : CSR
        The graph of the n tracks, on the device of `x`.
    rows_at_once : int, > 0
        Tracks per piece where an aggregator needs a row for every edge; bounds the memory.
    block : Block, optional
        The graph as one, of :func:`musig.sampling.full_blocks`, where it is at hand.

    Returns
    -------
    Tensor of float32, shape (n, embedding_size)

    Notes
    -----
    Sampling is for training; embeddings for use are computed hop by hop for all tracks, so
    that they do not depend on a seed.
    Notebook: 05_multitask_training
    """
    training = encoder.training
    encoder.eval()
    block = full_blocks(csr, hops=1)[0] if block is None else block
    h = x
    for k in range(encoder.hops):
        hop, last = encoder.hop(k), k == encoder.hops - 1
        if isinstance(hop.aggregate, WeightedMean):
            h = hop(h, block, last)
        else:
            starts = range(0, csr.n_rows, rows_at_once)
            pieces = [_rows(block, h, start, start + rows_at_once) for start in starts]
            h = torch.cat([hop(h_piece, piece, last) for h_piece, piece in pieces])
    encoder.train(training)
    return h.float()


def _rows(block: Block, h: Tensor, start: int, stop: int) -> tuple[Tensor, Block]:
    """Cut rows out of a full block: their own rows of h first, as blocks have it."""
    stop = min(stop, block.n_dst)
    indptr = block.indptr[start : stop + 1]
    entries = slice(int(indptr[0]), int(indptr[-1]))
    own = stop - start
    piece = Block(
        indptr - indptr[0], block.indices[entries] + own, block.weight[entries], own + block.n_src
    )
    return torch.cat([h[start:stop], h]), piece
