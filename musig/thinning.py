"""A graph with edges and whole tracks left out: what an encoder is to live without.

A track that is new has few edges, or none. An encoder that has only ever seen tracks with all of
theirs answers it badly, as one trained without dropout answers a missing input. So a training may
take some edges, or all edges of some tracks, out of the graph, anew in each step (DropEdge, Rong et
al., ICLR 2020; cold start as input dropout, Volkovs et al., NeurIPS 2017).

Conventions
-----------
The graph is symmetric: an edge goes with both of its directions. What is left keeps its weight;
rows are normalised when they become a block (:func:`musig.sampling.full_blocks`). Only what tracks
*gather* changes: pairs of tracks are drawn from the whole graph.

Contents
--------
- :func:`mirror_of`: where the other direction of each edge is; :func:`thinned`: the graph of a
  step.
"""

from __future__ import annotations

import torch
from torch import Tensor

from musig.csr import CSR
from musig.errors import MusigError


def mirror_of(csr: CSR) -> Tensor:
    """Find the other direction of each edge.

    Parameters
    ----------
    csr : CSR
        Symmetric.

    Returns
    -------
    Tensor of int64, shape (nnz,)
        The entry of (j, i) for that of (i, j).

    Raises
    ------
    MusigError
        If an edge has no other direction.

    Notes
    -----
    Notebook: 12_new_tracks

    Examples
    --------
    >>> path = CSR(torch.tensor([0, 1, 3, 4]), torch.tensor([1, 0, 2, 1]), torch.ones(4), 3, 3)
    >>> mirror_of(path).tolist()
    [1, 0, 3, 2]
    """
    rows = torch.arange(csr.n_rows, device=csr.indices.device).repeat_interleave(csr.degree)
    mirror = torch.argsort(csr.indices * csr.n_rows + rows)
    if not torch.equal(csr.indices[mirror], rows):
        raise MusigError(
            "The graph has edges of one direction only; expected both directions of each."
        )
    return mirror


def thinned(
    csr: CSR, mirror: Tensor, drop_edges: float, drop_tracks: float, generator: torch.Generator
) -> CSR:
    """Leave out a random part of the graph.

    Parameters
    ----------
    csr : CSR
        Symmetric.
    mirror : Tensor of int64, shape (nnz,)
        Of :func:`mirror_of`.
    drop_edges : float in [0, 1)
        Share of the edges that go, each by itself.
    drop_tracks : float in [0, 1)
        Share of the tracks that lose every edge.
    generator : torch.Generator
        On the device of the graph.

    Returns
    -------
    CSR
        Of the same tracks, symmetric.

    Notes
    -----
    Notebook: 12_new_tracks

    Examples
    --------
    >>> path = CSR(torch.tensor([0, 1, 3, 4]), torch.tensor([1, 0, 2, 1]), torch.ones(4), 3, 3)
    >>> generator = torch.Generator().manual_seed(0)
    >>> thinned(path, mirror_of(path), 0.0, 0.0, generator).indices.tolist()
    [1, 0, 2, 1]
    """
    device = csr.indices.device
    rows = torch.arange(csr.n_rows, device=device).repeat_interleave(
        csr.degree, output_size=len(csr.indices)
    )
    kept = torch.ones(len(rows), dtype=torch.bool, device=device)
    if drop_edges > 0:
        drawn = torch.rand(len(rows), generator=generator, device=device)
        one_way = rows < csr.indices  # either direction takes the number of this one
        kept &= torch.where(one_way, drawn, drawn[mirror]) >= drop_edges
    if drop_tracks > 0:
        linked = torch.rand(csr.n_rows, generator=generator, device=device) >= drop_tracks
        kept &= linked[rows] & linked[csr.indices]
    indptr = torch.zeros_like(csr.indptr)
    indptr[1:] = torch.bincount(rows[kept], minlength=csr.n_rows).cumsum(0)
    return CSR(indptr, csr.indices[kept], csr.weight[kept], csr.n_rows, csr.n_cols)
