"""Nearest tracks: how many of those next to a track belong with it.

A probe without parameters: nothing is fitted, so that whatever it finds is in the embedding. Used
for the artist of a track and for other versions of it.

Conventions
-----------
Nearness is the cosine. A track is never its own neighbour. Of tracks that are equally near, which
comes first is drawn from a seed: tracks that are described alike often stand side by side in a
table, which must not be what finds them.

Contents
--------
- :func:`among_nearest`: R-precision and reciprocal rank of each track asked about.
- :func:`chance`: the same of an order drawn at random.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

BLOCK = 512
"""Tracks asked about at a time."""


def among_nearest(
    z: Tensor, rows: np.ndarray, group: np.ndarray, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Look for the others of a track's group among the tracks nearest to it.

    Parameters
    ----------
    z : Tensor of float32, shape (n, d)
        Embeddings.
    rows : ndarray of int, shape (m,)
        Tracks asked about; each must have another of its group.
    group : ndarray of int, shape (n,)
        What belongs together, such as the tracks by an artist.
    seed : int, >= 0
        Draws which of equally near tracks comes first.

    Returns
    -------
    r_precision : ndarray of float64, shape (m,)
        With R others in the group: which share of the R nearest tracks is of it.
    reciprocal_rank : ndarray of float64, shape (m,)
        One over the rank of the nearest of the group.

    Notes
    -----
    Notebook: 14_generalization

    Examples
    --------
    >>> z = torch.tensor([[1.0, 0.0], [1.0, 0.1], [0.9, 0.2], [0.0, 1.0]])
    >>> r_precision, first = among_nearest(z, np.array([0, 3]), np.array([0, 1, 0, 1]))
    >>> r_precision.tolist(), first.tolist()
    ([0.0, 0.0], [0.5, 0.5])
    """
    order = np.random.default_rng(seed).permutation(len(group))
    place = np.empty(len(order), dtype=np.int64)
    place[order] = np.arange(len(order))
    unit = torch.nn.functional.normalize(z.float())[torch.from_numpy(order)]
    groups = torch.from_numpy(group[order])
    precision, first = [torch.empty(0)], [torch.empty(0)]
    for start in range(0, len(rows), BLOCK):
        own = torch.from_numpy(place[rows[start : start + BLOCK]])
        line = torch.arange(len(own))
        similar = unit[own] @ unit.T  # (block, n)
        similar[line, own] = -torch.inf
        same = groups[own][:, None] == groups
        same[line, own] = False
        others = same.sum(1)
        top = similar.topk(int(others.max()), dim=1).indices
        hits = same.gather(1, top) & (torch.arange(top.shape[1]) < others[:, None])
        precision.append(hits.sum(1) / others)
        found, at = similar.masked_fill(~same, -torch.inf).max(1)
        level = (similar == found[:, None]) & (torch.arange(len(unit)) < at[:, None])
        first.append(1 / (1 + (similar > found[:, None]).sum(1) + level.sum(1)))
    return torch.cat(precision).double().numpy(), torch.cat(first).double().numpy()


def chance(rows: np.ndarray, group: np.ndarray) -> tuple[float, float]:
    """Say what an order drawn at random would come to, on average.

    Parameters
    ----------
    rows : ndarray of int, shape (m,)
    group : ndarray of int, shape (n,)
        As for :func:`among_nearest`.

    Returns
    -------
    r_precision, reciprocal_rank : float
        The latter as if each had one other in its group, which most have: a lower bound.

    Notes
    -----
    Notebook: 14_generalization

    Examples
    --------
    >>> chance(np.array([0]), np.array([0, 0, 1]))
    (0.5, 0.75)
    """
    n = len(group) - 1
    others = np.bincount(group)[group[rows]] - 1
    return float((others / n).mean()), float((1 / np.arange(1, n + 1)).mean())
