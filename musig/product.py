"""The product of a graph with rows of numbers: where most of a training step goes.

A hop of the aggregator is a sparse matrix (who listens to whom, and how much) times a dense one
(what everybody knows). Libraries have that product; this chooses the one to use.

Conventions
-----------
The matrix of the graph is a torch CSR tensor, float32, or, where a GPU is faster with it, a dense
one (:func:`musig.model.dense_pays`); what it is multiplied with has a row a node.

Contents
--------
- :func:`product`.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

COLUMNS = 32
"""Columns at a time on a CPU. A track with a thousand neighbours reads a thousand rows: narrow
pieces of all rows stay in a core's own cache, whole rows do not."""


def product(matrix: Tensor, h: Tensor) -> Tensor:
    """Multiply the matrix of a graph with rows of numbers.

    Parameters
    ----------
    matrix : Tensor, shape (n, m)
        Sparse CSR, float32; or dense, in the precision to be computed in.
    h : Tensor of float, shape (m, d)
        On the same device.

    Returns
    -------
    Tensor of float32, shape (n, d)
        Whatever the precision of the training is.

    Notes
    -----
    On a CPU by torch's ``embedding_bag``, whose rows are the neighbours and whose bags are the
    nodes: at the size of the paper's graph twice as fast as torch's sparse product
    (``benchmarks/training.py``). Elsewhere by torch's sparse product. No gradient:
    :class:`musig.model.WeightedMean` writes its own.
    Notebook: 05_multitask_training

    Examples
    --------
    >>> dense = torch.tensor([[0.0, 2.0], [0.0, 0.0]])
    >>> product(dense.to_sparse_csr(), torch.tensor([[1.0], [3.0]])).tolist()
    [[6.0], [0.0]]
    """
    if matrix.layout == torch.strided:
        return (matrix @ h.to(matrix.dtype)).float()
    if h.device.type != "cpu":
        with torch.autocast(h.device.type, enabled=False):  # no bfloat16 kernel everywhere
            return matrix @ h.float()
    h = h.float()
    out = torch.empty(matrix.shape[0], h.shape[1])
    for start in range(0, h.shape[1], COLUMNS):
        columns = slice(start, start + COLUMNS)
        out[:, columns] = F.embedding_bag(
            matrix.col_indices(),
            h[:, columns].contiguous(),
            matrix.crow_indices(),
            mode="sum",
            per_sample_weights=matrix.values(),
            include_last_offset=True,
        )
    return out
