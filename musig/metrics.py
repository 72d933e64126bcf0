r"""Measures of a ranked list against the tracks a playlist really went on with.

One shared computation, many measures: :func:`ranking` turns scores into the best list of every
playlist and the rank of its first hit; everything else is arithmetic on the table of hits. The
measures are those of the RecSys Challenge 2018 [1]_ and of information retrieval [2]_.

Conventions
-----------
``hits`` is a bool tensor of shape (n_playlists, length): ``hits[b, r]`` says that the track at
rank r + 1 of the list of playlist b is one of its targets. ``n_targets`` is int64, shape
(n_playlists,), the size of the target set G, never 0. Every measure returns float64, shape
(n_playlists,). Wherever the list is shorter than k, the whole list counts: what was not
recommended is not a hit. Ranks start at 1; rank 0 means that no target can be reached.

Contents
--------
ranking; hit_rate, recall, ndcg, r_precision, r_precision_artist, reciprocal_rank, clicks,
popularity.

References
----------
.. [1] Zamani, Schedl, Lamere, Chen: An Analysis of Approaches Taken in the ACM RecSys Challenge
   2018 for Automatic Music Playlist Continuation. ACM TIST 10(5), 2019, arXiv 1810.01520.
.. [2] Manning, Raghavan, Schütze: Introduction to Information Retrieval, chapter 8. Cambridge
   University Press, 2008.
"""

from __future__ import annotations

import torch
from torch import Tensor

ARTIST_CREDIT = 0.25  # of a match of artist in R-precision; Zamani et al. 2019
CLICKS_PAGE = 10  # tracks shown at a time by the Recommended Songs of the Challenge
CLICKS_LENGTH = 500  # tracks in a submitted list of the Challenge
CLICKS_NONE = 51  # "1 greater than the maximum number of clicks possible"


def ranking(
    scores: Tensor, excluded: Tensor, targets: Tensor, length: int
) -> tuple[Tensor, Tensor]:
    """Rank the candidates of each playlist.

    Parameters
    ----------
    scores : Tensor, shape (n_playlists, n_tracks)
        Higher is better; not NaN. A track of -inf is never recommended.
    excluded : Tensor of bool, shape (n_playlists, n_tracks)
        Tracks that are never recommended: the seeds.
    targets : Tensor of bool, shape (n_playlists, n_tracks)
        The targets, none of them excluded.
    length : int
        How much of the list is wanted.

    Returns
    -------
    top : Tensor of int64, shape (n_playlists, min(length, n_tracks))
        Positions of the best tracks, best first; -1 after the last that may be recommended.
    first : Tensor of int64, shape (n_playlists,)
        Rank of the first target in the full ranking, from 1; 0 if no target is in it.

    Notes
    -----
    Of two tracks with the same score the one at the lower position comes first. To say so in one
    number, score and position are packed into 64 bits: the bits of a float, read as an integer,
    keep the order of floats above zero and reverse that of those below. All keys of a row differ,
    so the order of the top is the same on every device, and a partial sort suffices.

    Notebook: 06_playlist_completion

    Examples
    --------
    >>> nothing = torch.zeros(1, 4, dtype=torch.bool)
    >>> seed, target = nothing.clone(), nothing.clone()
    >>> seed[0, 1] = target[0, 3] = True
    >>> ranking(torch.tensor([[0.5, 9.0, 0.7, 0.5]]), seed, target, length=4)
    (tensor([[ 2,  0,  3, -1]]), tensor([3]))
    """
    n_tracks = scores.shape[1]
    scores = scores.float() + 0.0  # a copy; + 0.0: -0.0 and 0.0 are a tie
    never = excluded | scores.isneginf()
    bits = scores.view(torch.int32)
    bits ^= (bits >> 31) & 0x7FFFFFFF  # negative: the larger the magnitude, the lower
    key = bits.long()
    key <<= 32
    key += torch.arange(n_tracks - 1, -1, -1, device=scores.device)
    lowest = torch.iinfo(torch.int64).min
    key.masked_fill_(never, lowest)
    best, top = key.topk(min(length, n_tracks), dim=1)
    top.masked_fill_(best == lowest, -1)
    best_target = key.masked_fill(~targets, lowest).amax(dim=1, keepdim=True)
    first = (key >= best_target).sum(dim=1)
    return top, first.masked_fill_(best_target.squeeze(1) == lowest, 0)


def hit_rate(hits: Tensor, k: int) -> Tensor:
    r"""Hit-rate@k: 1 if any target is among the first k tracks, else 0.

    :math:`\mathrm{HR@}k = [\,|G \cap R_{1:k}| > 0\,] \in \{0, 1\}`

    Parameters
    ----------
    hits : Tensor of bool, shape (n_playlists, length)
        Whether each track of the list is a target.
    k : int
        Cut-off, at least 1. Beyond the list: the whole list.

    Returns
    -------
    Tensor of float64, shape (n_playlists,), in {0, 1}
        One value a playlist.

    Notes
    -----
    The any-hit definition saturates on long playlists (many targets, one suffices): read it
    beside :func:`recall`. Deshpande and Karypis, ACM TOIS 22(1), 2004, use it with one target,
    where the two are the same.

    Notebook: 06_playlist_completion

    Examples
    --------
    >>> hit_rate(torch.tensor([[False, True], [False, False]]), k=2)
    tensor([1., 0.], dtype=torch.float64)
    """
    return hits[:, :k].any(dim=1).double()


def recall(hits: Tensor, n_targets: Tensor, k: int) -> Tensor:
    r"""Recall@k: the share of the targets among the first k tracks.

    :math:`\mathrm{R@}k = |G \cap R_{1:k}| / |G| \in [0, 1]`

    Parameters
    ----------
    hits : Tensor of bool, shape (n_playlists, length)
        Whether each track of the list is a target.
    n_targets : Tensor of int64, shape (n_playlists,)
        Number of targets; adding those outside the universe gives ``recall_all@k``.
    k : int
        Cut-off, at least 1. Below the number of targets 1 cannot be reached.

    Returns
    -------
    Tensor of float64, shape (n_playlists,), in [0, 1]
        One value a playlist.

    Notes
    -----
    Manning et al. 2008, section 8.3. This is the hit-rate "per target".

    Notebook: 06_playlist_completion

    Examples
    --------
    >>> recall(torch.tensor([[False, True, True]]), torch.tensor([4]), k=3)
    tensor([0.5000], dtype=torch.float64)
    """
    return hits[:, :k].sum(dim=1).double() / n_targets


def ndcg(hits: Tensor, n_targets: Tensor, k: int) -> Tensor:
    r"""NDCG@k with binary gains: hits count less the further down they stand.

    :math:`\mathrm{NDCG@}k = \sum_{i \le k} [R_i \in G] / \log_2(i + 1) \;\big/\;
    \sum_{i \le \min(k, |G|)} 1 / \log_2(i + 1) \in [0, 1]`

    Parameters
    ----------
    hits : Tensor of bool, shape (n_playlists, length)
        Whether each track of the list is a target.
    n_targets : Tensor of int64, shape (n_playlists,)
        Number of targets.
    k : int
        Cut-off, at least 1. A list shorter than k is still held to the ideal of min(k, targets).

    Returns
    -------
    Tensor of float64, shape (n_playlists,), in [0, 1]
        One value a playlist; 1 if the first min(k, targets) tracks are all targets.

    Notes
    -----
    Järvelin and Kekäläinen, ACM TOIS 20(4), 2002. The RecSys Challenge 2018 divides by the ideal of
    the targets that were *found*, so that its figures are higher than these.

    Notebook: 06_playlist_completion

    Examples
    --------
    >>> ndcg(torch.tensor([[True, False], [False, True]]), torch.tensor([1, 1]), k=2)
    tensor([1.0000, 0.6309], dtype=torch.float64)
    """
    ranks = torch.arange(1, k + 1, dtype=torch.float64, device=hits.device)
    discount = 1 / torch.log2(ranks + 1)
    gain = hits[:, :k].double() @ discount[: hits.shape[1]]
    return gain / discount.cumsum(0)[n_targets.clamp(max=k) - 1]


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
    return (hits & _within(hits.shape[1], n_targets)).sum(dim=1).double() / n_targets


def _within(length: int, n_targets: Tensor) -> Tensor:
    """Mark the first |G| ranks of each list: bool, shape (n_playlists, length)."""
    return torch.arange(length, device=n_targets.device) < n_targets[:, None]


def r_precision_artist(top: Tensor, targets: Tensor, artists: Tensor) -> Tensor:
    r"""R-precision with credit for the right artist.

    :math:`\bigl(|G \cap S| + 0.25\,|A(G) \cap A(S)|\bigr) / |G|` with :math:`S = R_{1:|G|}` and
    :math:`A(\cdot)` the *set* of artists: an artist counts once, however many tracks match.

    Parameters
    ----------
    top : Tensor of int64, shape (n_playlists, length)
        Positions of the recommended tracks, -1 after the last.
    targets : Tensor of bool, shape (n_playlists, n_tracks)
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

    >>> targets = torch.tensor([[True, True, False]])
    >>> r_precision_artist(torch.tensor([[0, 2]]), targets, torch.tensor([0, 1, 1]))
    tensor([0.7500], dtype=torch.float64)
    """
    n_targets = targets.sum(dim=1)
    listed = (top >= 0) & _within(top.shape[1], n_targets)
    safe = top.clamp(min=0)
    matches = (targets.gather(1, safe) & listed).sum(dim=1)
    n_artists = int(artists.max()) + 1
    wanted = torch.zeros(len(top), n_artists, dtype=torch.bool, device=top.device)
    found = torch.zeros_like(wanted)
    row, track = targets.nonzero(as_tuple=True)
    wanted[row, artists[track]] = True
    row, rank = listed.nonzero(as_tuple=True)
    found[row, artists[top[row, rank]]] = True
    shared = (wanted & found).sum(dim=1)
    return (matches + ARTIST_CREDIT * shared.double()) / n_targets


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
