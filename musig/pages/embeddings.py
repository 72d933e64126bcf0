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
- :func:`planar`: a map in the plane; :func:`turned`: as alike to another as turning makes it;
  :func:`kept`: how much of who is near whom is left.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from torch import Tensor
from torch.nn import functional as F

MOST = 1000
"""Tracks asked for their neighbours, or drawn on a map: more would cost time and show no more."""
ROUNDS = 400
"""Steps of t-SNE; twice as many take twice as long, and keep the same neighbours near."""


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
    reduce = TSNE(
        metric="cosine", init="pca", perplexity=perplexity, random_state=seed, max_iter=ROUNDS
    )
    return reduce.fit_transform(rows)


def turned(places: np.ndarray, like: np.ndarray) -> np.ndarray:
    """Turn, and perhaps mirror, a map so that its points lie as near as can be to those of another.

    Parameters
    ----------
    places, like : ndarray of float, shape (n, 2)
        The same tracks on two maps.

    Returns
    -------
    ndarray of float64, shape (n, 2)
        Around 0; no distance between two points has changed.

    Notes
    -----
    Orthogonal Procrustes (Schönemann, Psychometrika 31, 1966). A map of t-SNE has no up and no
    left: two maps of the same tracks can be compared by eye only if they are turned alike.
    Notebook: 05_multitask_training

    Examples
    --------
    >>> corner = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 2.0]])
    >>> mirrored = corner[:, ::-1]
    >>> bool(np.allclose(turned(mirrored, corner), corner - corner.mean(axis=0)))
    True
    """
    own, other = (rows - rows.mean(axis=0) for rows in (places, like))
    left, _, right = np.linalg.svd(own.T.astype(np.float64) @ other)
    return own @ (left @ right)


def kept(embeddings: Tensor, places: np.ndarray, k: int = 10) -> float:
    """Tell how much of who is near whom is left on a map.

    Parameters
    ----------
    embeddings : Tensor of float32, shape (n, d)
    places : ndarray of float, shape (n, 2)
        The same tracks on the map.
    k : int, > 0
        Nearest tracks of each that are compared.

    Returns
    -------
    float in [0, 1]
        Of the `k` nearest by cosine, the share that is among the `k` nearest on the map.

    Notes
    -----
    Notebook: 05_multitask_training

    Examples
    --------
    >>> import torch
    >>> around = np.array([[1.0, 0.0], [0.9, 0.1], [0.0, 1.0], [0.1, 0.9]])
    >>> kept(torch.tensor(around), around, k=1)
    1.0
    """
    from scipy.spatial import cKDTree

    k = min(k, len(places) - 1)
    true = nearest(embeddings, range(len(places)), k)
    _, drawn = cKDTree(places).query(places, k + 1)
    found = [len(set(a) & (set(b) - {n})) for n, (a, b) in enumerate(zip(true, drawn, strict=True))]
    return float(np.mean(found) / k)
