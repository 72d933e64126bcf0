"""A weighted graph by rows: what sampling and sparse products read.

Compressed sparse rows, as three tensors on any device. ``torch_geometric`` keeps a graph as a
list of edges; its own row form needs compiled extensions that are not on PyPI.

Conventions
-----------
The neighbours of node ``i`` are ``indices[indptr[i]:indptr[i + 1]]``, ascending, with ``weight``
beside them. Both directions of an edge are there.

Contents
--------
- :class:`CSR`, and :func:`to_csr`, which makes it of a ``Data``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch_geometric.data import Data


@dataclass(frozen=True)
class CSR:
    """A weighted graph by rows, on any device.

    Parameters
    ----------
    indptr : Tensor of int64, shape (n_rows + 1,)
    indices : Tensor of int64, shape (nnz,)
    weight : Tensor of float32, shape (nnz,)
    n_rows, n_cols : int
    """

    indptr: torch.Tensor
    indices: torch.Tensor
    weight: torch.Tensor
    n_rows: int
    n_cols: int

    @property
    def degree(self) -> torch.Tensor:
        """Neighbours of each row: Tensor of int64, shape (n_rows,)."""
        return self.indptr[1:] - self.indptr[:-1]

    def to(self, device: torch.device | str) -> CSR:
        """Return the same graph on `device`."""
        indptr, indices, weight = (t.to(device) for t in (self.indptr, self.indices, self.weight))
        return CSR(indptr, indices, weight, self.n_rows, self.n_cols)


def to_csr(data: Data) -> CSR:
    """Turn a graph into row form.

    Parameters
    ----------
    data : Data
        With `edge_index`, `edge_weight`, `num_nodes`; edges in any order.

    Returns
    -------
    CSR

    Notes
    -----
    Notebook: 04_music_graph

    Examples
    --------
    >>> from musig.graph import music_graph
    >>> from musig.playlists import Playlists
    >>> to_csr(music_graph(Playlists.from_lists([[0, 1, 2], [1, 0]]), 4, 0)).indptr.tolist()
    [0, 2, 4, 6, 6]
    """
    n = int(data.num_nodes)
    row, col = data.edge_index
    place = row * n + col
    sorted_already = bool((place.diff() > 0).all())  # as music_graph leaves them
    order = slice(None) if sorted_already else torch.argsort(place)
    indptr = torch.zeros(n + 1, dtype=torch.int64, device=row.device)
    indptr[1:] = torch.bincount(row, minlength=n).cumsum(0)
    # a copy: a view would keep the rows, which are no longer needed, in memory as well
    col = col.clone() if sorted_already else col[order]
    return CSR(indptr, col, data.edge_weight[order].float(), n, n)
