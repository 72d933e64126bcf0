r"""Measures of a ranked list against the tracks a playlist really went on with.

One shared computation, many measures: :func:`musig.ranking.ranking` turns scores into the first
tracks of every list, the table of its hits and the rank of the first; what is here is arithmetic on
these. The measures are those of the RecSys Challenge 2018 [1]_ and of information retrieval [2]_.

Conventions
-----------
``hits`` is a bool tensor of shape (n_playlists, length): ``hits[b, r]`` says that the track at
rank r + 1 of the list of playlist b is one of its targets. ``n_targets`` is int64, shape
(n_playlists,), the size of the target set G, never 0. Every measure returns float64, one value a
playlist; those with a cut-off k are given all cut-offs at once and return a column for each.
Wherever the list is shorter than k, the whole list counts: what was not recommended is not a hit.
Ranks start at 1; rank 0 means that no target can be reached.

Contents
--------
hit_rate, recall, ndcg, r_precision, r_precision_artist, reciprocal_rank, clicks, popularity.

References
----------
.. [1] Zamani, Schedl, Lamere, Chen: An Analysis of Approaches Taken in the ACM RecSys Challenge
   2018 for Automatic Music Playlist Continuation. ACM TIST 10(5), 2019, arXiv 1810.01520.
.. [2] Manning, Raghavan, Schütze: Introduction to Information Retrieval, chapter 8. Cambridge
   University Press, 2008.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from musig.catalog import Playlists

ARTIST_CREDIT = 0.25  # of a match of artist in R-precision; Zamani et al. 2019
CLICKS_PAGE = 10  # tracks shown at a time by the Recommended Songs of the Challenge
CLICKS_LENGTH = 500  # tracks in a submitted list of the Challenge
CLICKS_NONE = 51  # "1 greater than the maximum number of clicks possible"


def _sums(hits: Tensor, gain: Tensor, ks: Sequence[int]) -> Tensor:
    """Add up the gains of the hits among the first k, for every k: float64, (n_playlists, n_ks).

    On the CPU, cut-offs ascending. Hits are few: each is added where the first cut-off has it, and
    the later ones have it too.
    """
    place = torch.from_numpy(np.flatnonzero(hits.numpy()))  # faster than torch's
    row, rank = place // hits.shape[1], place % hits.shape[1]
    first = torch.searchsorted(torch.as_tensor(ks), rank + 1)  # of the cut-offs; n_ks: beyond all
    width = len(ks) + 1
    sums = torch.bincount(row * width + first, weights=gain[rank], minlength=len(hits) * width)
    return sums.view(len(hits), -1)[:, :-1].cumsum(1)


def _found(hits: Tensor, ks: Sequence[int]) -> Tensor:
    """Count the hits among the first k, for every k: float64, (n_playlists, n_ks)."""
    return _sums(hits, torch.ones(hits.shape[1], dtype=torch.float64), ks)


def hit_rate(hits: Tensor, ks: Sequence[int]) -> Tensor:
    r"""Hit-rate@k: 1 if any target is among the first k tracks, else 0.

    :math:`\mathrm{HR@}k = [\,|G \cap R_{1:k}| > 0\,] \in \{0, 1\}`

    Parameters
    ----------
    hits : Tensor of bool, shape (n_playlists, length)
        Whether each track of the list is a target.
    ks : sequence of int
        Cut-offs, ascending, at least 1. Beyond the list: the whole list.

    Returns
    -------
    Tensor of float64, shape (n_playlists, n_ks), in {0, 1}
        A row a playlist, a column a cut-off.

    Notes
    -----
    The any-hit definition saturates on long playlists (many targets, one suffices): read it
    beside :func:`recall`. Deshpande and Karypis, ACM TOIS 22(1), 2004, use it with one target,
    where the two are the same.

    Notebook: 06_playlist_completion

    Examples
    --------
    >>> hit_rate(torch.tensor([[False, True], [False, False]]), ks=[1, 2])
    tensor([[0., 1.],
            [0., 0.]], dtype=torch.float64)
    """
    return (_found(hits, ks) > 0).double()


def recall(hits: Tensor, n_targets: Tensor, ks: Sequence[int]) -> Tensor:
    r"""Recall@k: the share of the targets among the first k tracks.

    :math:`\mathrm{R@}k = |G \cap R_{1:k}| / |G| \in [0, 1]`

    Parameters
    ----------
    hits : Tensor of bool, shape (n_playlists, length)
        Whether each track of the list is a target.
    n_targets : Tensor of int64, shape (n_playlists,)
        Number of targets; adding those outside the universe gives ``recall_all@k``.
    ks : sequence of int
        Cut-offs, ascending, at least 1. Below the number of targets 1 cannot be reached.

    Returns
    -------
    Tensor of float64, shape (n_playlists, n_ks), in [0, 1]
        A row a playlist, a column a cut-off.

    Notes
    -----
    Manning et al. 2008, section 8.3. This is the hit-rate "per target".

    Notebook: 06_playlist_completion

    Examples
    --------
    >>> recall(torch.tensor([[False, True, True]]), torch.tensor([4]), ks=[1, 3])
    tensor([[0.0000, 0.5000]], dtype=torch.float64)
    """
    return _found(hits, ks) / n_targets[:, None]


def ndcg(hits: Tensor, n_targets: Tensor, ks: Sequence[int]) -> Tensor:
    r"""NDCG@k with binary gains: hits count less the further down they stand.

    :math:`\mathrm{NDCG@}k = \sum_{i \le k} [R_i \in G] / \log_2(i + 1) \;\big/\;
    \sum_{i \le \min(k, |G|)} 1 / \log_2(i + 1) \in [0, 1]`

    Parameters
    ----------
    hits : Tensor of bool, shape (n_playlists, length)
        Whether each track of the list is a target.
    n_targets : Tensor of int64, shape (n_playlists,)
        Number of targets.
    ks : sequence of int
        Cut-offs, ascending, at least 1. A list shorter than k is still held to the ideal of
        min(k, targets).

    Returns
    -------
    Tensor of float64, shape (n_playlists, n_ks), in [0, 1]
        A row a playlist, a column a cut-off; 1 if the first min(k, targets) tracks are all targets.

    Notes
    -----
    Järvelin and Kekäläinen, ACM TOIS 20(4), 2002. The RecSys Challenge 2018 divides by the ideal of
    the targets that were *found*, so that its figures are higher than these.

    Notebook: 06_playlist_completion

    Examples
    --------
    >>> ndcg(torch.tensor([[True, False], [False, True]]), torch.tensor([1, 1]), ks=[2])
    tensor([[1.0000],
            [0.6309]], dtype=torch.float64)
    """
    discount = 1 / torch.log2(torch.arange(2, max(ks) + 2, dtype=torch.float64))
    gain = torch.nn.functional.pad(discount, (0, hits.shape[1]))[: hits.shape[1]]
    ideal = discount.cumsum(0)[torch.minimum(n_targets[:, None], torch.as_tensor(ks)) - 1]
    return _sums(hits, gain, ks) / ideal


def r_precision(hits: Tensor, n_targets: Tensor) -> Tensor:
    r"""R-precision: precision where the list is as long as the target set.

    :math:`|G \cap R_{1:|G|}| / |G| \in [0, 1]`

    Parameters
    ----------
    hits : Tensor of bool, shape (n_playlists, length)
        Whether each track of the list is a target; at least the largest \|G\| long, or complete.
    n_targets : Tensor of int64, shape (n_playlists,)
        Number of targets.

    Returns
    -------
    Tensor of float64, shape (n_playlists,), in [0, 1]
        One value a playlist.

    Notes
    -----
    Manning et al. 2008, section 8.4; at the level of tracks, that of the RecSys Challenge 2018.

    Notebook: 06_playlist_completion

    Examples
    --------
    >>> r_precision(torch.tensor([[True, False, True]]), torch.tensor([2]))
    tensor([0.5000], dtype=torch.float64)
    """
    hits = hits[:, : int(n_targets.max())]
    return (hits & _within(hits.shape[1], n_targets)).sum(dim=1).double() / n_targets


def _within(length: int, n_targets: Tensor) -> Tensor:
    """Mark the first |G| ranks of each list: bool, shape (n_playlists, length)."""
    return torch.arange(length, device=n_targets.device) < n_targets[:, None]


def r_precision_artist(top: Tensor, hits: Tensor, targets: Playlists, artists: Tensor) -> Tensor:
    r"""R-precision with credit for the right artist.

    :math:`\bigl(|G \cap S| + 0.25\,|A(G) \cap A(S)|\bigr) / |G|` with :math:`S = R_{1:|G|}` and
    :math:`A(\cdot)` the *set* of artists: an artist counts once, however many tracks match.

    Parameters
    ----------
    top : Tensor of int64, shape (n_playlists, length)
        Positions of the recommended tracks, -1 after the last.
    hits : Tensor of bool, shape (n_playlists, length)
        Whether each of them is a target; `top` and `hits` are at least the largest \|G\| long, or
        complete.
    targets : Playlists
        The targets.
    artists : Tensor of int64, shape (n_tracks,)
        Number of the artist of each track, from 0; a track of an unknown artist has its own.

    Returns
    -------
    Tensor of float64, shape (n_playlists,), in [0, 1.25]
        One value a playlist; 1.25 needs a perfect list in which no artist comes twice.

    Notes
    -----
    Zamani et al. 2019, section on metrics. Artists of tracks that match themselves count too.

    Notebook: 06_playlist_completion

    Examples
    --------
    One target found, and the artist of the other:

    >>> top, hits = torch.tensor([[0, 2]]), torch.tensor([[True, False]])
    >>> r_precision_artist(top, hits, Playlists.from_lists([[0, 1]]), torch.tensor([0, 1, 1]))
    tensor([0.7500], dtype=torch.float64)
    """
    n_targets = torch.as_tensor(targets.lengths)
    n, n_artists = len(top), int(artists.max()) + 1
    rows = torch.arange(n) * n_artists  # row and artist in one number
    wanted = torch.zeros(n * n_artists, dtype=torch.bool)
    wanted[rows.repeat_interleave(n_targets) + artists[targets.tracks]] = True
    row, rank = ((top >= 0) & _within(top.shape[1], n_targets)).nonzero(as_tuple=True)
    found = rows[row] + artists[top[row, rank]]
    once = found[wanted[found]].unique()
    shared = torch.bincount(once // n_artists, minlength=n)
    return r_precision(hits, n_targets) + ARTIST_CREDIT * shared / n_targets


def reciprocal_rank(first: Tensor) -> Tensor:
    r"""Reciprocal rank of the first hit in the full ranking; its mean is the MRR.

    :math:`1 / \min\{i : R_i \in G\} \in [0, 1]`

    Parameters
    ----------
    first : Tensor of int64, shape (n_playlists,)
        Rank of the first hit from 1, or 0 where there is none, which gives 0.

    Returns
    -------
    Tensor of float64, shape (n_playlists,), in [0, 1]
        One value a playlist.

    Notes
    -----
    Voorhees, TREC-8 question answering track, 1999. Without a cut-off: rank 1000 gives 0.001.

    Notebook: 06_playlist_completion

    Examples
    --------
    >>> reciprocal_rank(torch.tensor([1, 4, 0]))
    tensor([1.0000, 0.2500, 0.0000], dtype=torch.float64)
    """
    return torch.where(first > 0, 1 / first.clamp(min=1).double(), 0.0)


def clicks(first: Tensor) -> Tensor:
    r"""Recommended Songs clicks: pages of ten to be turned before the first hit.

    :math:`\lfloor (\min\{i : R_i \in G\} - 1) / 10 \rfloor`, or 51 if there is no hit in the first
    500 tracks; in {0, …, 49, 51}, lower is better.

    Parameters
    ----------
    first : Tensor of int64, shape (n_playlists,)
        Rank of the first hit from 1, or 0 where there is none.

    Returns
    -------
    Tensor of float64, shape (n_playlists,)
        One value a playlist.

    Notes
    -----
    Zamani et al. 2019. Nothing is changed for a universe of fewer than 500 tracks.

    Notebook: 06_playlist_completion

    Examples
    --------
    >>> clicks(torch.tensor([1, 10, 11, 500, 501, 0]))
    tensor([ 0.,  0.,  1., 49., 51., 51.], dtype=torch.float64)
    """
    missing = (first == 0) | (first > CLICKS_LENGTH)
    return ((first - 1) // CLICKS_PAGE).masked_fill(missing, CLICKS_NONE).double()


def popularity(top: Tensor, share: Tensor) -> Tensor:
    """Popularity of what is recommended: the mean share of training playlists that hold it.

    Parameters
    ----------
    top : Tensor of int64, shape (n_playlists, length)
        Positions of the recommended tracks, -1 after the last, which do not count.
    share : Tensor of float64, shape (n_tracks,), in [0, 1]
        Share of the training playlists that hold each track.

    Returns
    -------
    Tensor of float64, shape (n_playlists,), in [0, 1]
        One value a playlist; 0 for an empty list.

    Notes
    -----
    Average recommendation popularity, Yin et al., VLDB 2012, as a share so that data sets compare.

    Notebook: 06_playlist_completion

    Examples
    --------
    >>> popularity(torch.tensor([[0, 1, -1]]), torch.tensor([0.5, 0.1], dtype=torch.float64))
    tensor([0.3000], dtype=torch.float64)
    """
    listed = top >= 0
    total = (share[top.clamp(min=0)] * listed).sum(dim=1)
    return total / listed.sum(dim=1).clamp(min=1)
