"""Looking at embeddings: nearest tracks, how alike they are, a map of two dimensions.

What a model has learned shows in who is near whom before any measure of a task does: the habit
comes from word vectors (Mikolov et al., NIPS 2013). A number beside the example keeps the eye
honest.

Conventions
-----------
Embeddings are a float32 Tensor of shape (n_tracks, d), one row a track; near means a large cosine.
Positions are rows. Labels are one a track, None or NaN where unknown. Shares are in [0, 1].

Contents
--------
- :func:`nearest`: the tracks nearest to some; :func:`same_label_share`: whether they are alike.
- :func:`planar`: a map in the plane.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from torch import Tensor
from torch.nn import functional as F

MOST = 1000
"""Tracks asked for their neighbours, or drawn on a map: more would cost time and show no more."""


def nearest(embeddings: Tensor, positions: Sequence[int] | np.ndarray, k: int = 10) -> np.ndarray:
    """Find the tracks nearest to some tracks, themselves left out.

    Parameters
    ----------
    embeddings : Tensor of float32, shape (n_tracks, d)
    positions : sequence of int, length m
    k : int, > 0
        At most ``n_tracks - 1`` are given.

    Returns
    -------
    ndarray of int64, shape (m, min(k, n_tracks - 1))
        Nearest first.

    Notes
    -----
    Notebook: 05_multitask_training

    Examples
    --------
    >>> import torch
    >>> nearest(torch.tensor([[1.0, 0.0], [0.0, 1.0], [2.0, 1.0]]), [0], k=1).tolist()
    [[2]]
    """
    unit = F.normalize(embeddings.detach().cpu().float(), dim=1)
    rows = np.asarray(positions, dtype=np.int64)
    cosine = unit[rows] @ unit.T  # (m, n_tracks)
    cosine[np.arange(len(rows)), rows] = -np.inf
    return cosine.topk(min(k, len(unit) - 1), dim=1).indices.numpy()


def same_label_share(
    embeddings: Tensor, labels: pd.Series, generator: np.random.Generator, k: int = 10
) -> tuple[float, float]:
    """Give the share of nearest tracks that have a track's own label.

    Parameters
    ----------
    embeddings : Tensor of float32, shape (n_tracks, d)
    labels : Series, length n_tracks
        Such as ``tracks["main_genre"]``.
    generator : numpy.random.Generator
        Draws the tracks that are asked, where there are more than :data:`MOST`.
    k : int, > 0
        Neighbours of each.

    Returns
    -------
    tuple of float
        The share, and what it would be if neighbours were drawn at random. Neighbours without a
        label do not count. NaN where no track has one.

    Notes
    -----
    Notebook: 05_multitask_training

    Examples
    --------
    >>> import torch
    >>> embeddings = torch.tensor([[1.0, 0.0], [1.0, 0.1], [0.0, 1.0], [0.1, 1.0]])
    >>> labels = pd.Series(["folk", "folk", "metal", "metal"])
    >>> same_label_share(embeddings, labels, np.random.default_rng(0), k=1)
    (1.0, 0.5)
    """
    codes, _ = pd.factorize(labels)  # -1 where unknown
    known = np.flatnonzero(codes >= 0)
    if len(known) == 0:
        return float("nan"), float("nan")
    asked = generator.permutation(known)[:MOST]
    around = codes[nearest(embeddings, asked, k)]  # (m, k)
    same = around == codes[asked][:, None]
    shares = np.bincount(codes[known]) / len(known)
    return float(same[around >= 0].mean()), float((shares**2).sum())


def planar(embeddings: Tensor, seed: int) -> np.ndarray:
    """Lay tracks out in the plane so that near ones stay near.

    Parameters
    ----------
    embeddings : Tensor of float32, shape (n, d)
        Of the tracks to draw; a few hundred take seconds.
    seed : int, >= 0

    Returns
    -------
    ndarray of float32, shape (n, 2)

    Notes
    -----
    t-SNE by cosine distance, from the first two principal components (van der Maaten & Hinton,
    JMLR 9, 2008). Distances between far groups, and their sizes, mean nothing.
    Notebook: 05_multitask_training
    """
    from sklearn.manifold import TSNE

    rows = embeddings.detach().cpu().numpy()
    perplexity = min(30.0, (len(rows) - 1) / 3)
    reduce = TSNE(metric="cosine", init="pca", perplexity=perplexity, random_state=seed)
    return reduce.fit_transform(rows)
