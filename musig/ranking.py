"""Ranking: from scores to the head of each playlist's list and the ranks of its targets.

The measures of :mod:`musig.metrics` need little of a ranking: its first tracks, which of its first
few hundred ranks are hits, and the rank of the first hit. None of this needs the tracks in order.
On a CPU, a row of scores is read once into the near cache; a bound is found that enough tracks
reach and few exceed; ranks are counted among the tracks above it. On another device the tracks are
sorted as far as is needed. Both give the same.

Conventions
-----------
The ranking of a playlist holds all tracks but its seeds and those of score -inf, highest score
first; of two tracks with the same score (-0.0 is 0.0) the one at the lower position comes first.
Ranks start at 1. Results are on the CPU, whatever ranked.

Contents
--------
ranking; below it the two ways to it. membership, which playlist holds which track.
"""

from __future__ import annotations

from typing import NamedTuple

import numba
import numpy as np
import torch
from torch import Tensor

from musig.catalog import Playlists
from musig.errors import MusigError

NEVER = np.float32(-np.inf)
LOWEST = np.finfo(np.float32).min  # of the scores that can be ranked
GROUPS = 4  # of tracks, for each rank asked for; more: a closer bound, found more slowly
MAGNITUDE = np.int32(0x7FFFFFFF)  # the bits of a float but its sign


class Ranked(NamedTuple):
    """What is kept of the rankings of a block of playlists.

    Notes
    -----
    Made by :func:`ranking`.

    Notebook: 06_playlist_completion
    """

    top: Tensor
    """int64, shape (n_playlists, longest): the first tracks of each list, as many as were asked
    for or as the playlist has targets, whichever is more; -1 after the last."""
    hits: Tensor
    """bool, shape (n_playlists, longer): is the track of this rank a target? As far as was asked
    for, or as `top` goes."""
    first: Tensor
    """int64, shape (n_playlists,): rank of the first target in the full ranking, 0 for none."""


def ranking(
    scores: Tensor,
    seeds: Playlists,
    targets: Playlists,
    length: int,
    head: int,
    *,
    method: str = "scores",
) -> Ranked:
    """Rank the tracks for each playlist.

    Parameters
    ----------
    scores : Tensor, shape (n_playlists, n_tracks)
        Higher is better. A track of -inf is never recommended.
    seeds : Playlists
        Tracks that are never recommended.
    targets : Playlists
        What should be found; no seed among them.
    length : int
        Up to which rank hits are wanted.
    head : int
        How many tracks are wanted by name, at least 1.
    method : str
        What gave the scores, for the message.

    Returns
    -------
    Ranked
        ``top``, ``hits`` and ``first``.

    Raises
    ------
    MusigError
        If a score is NaN.

    Notes
    -----
    The device of the scores decides in which of the two ways. Memory beside the scores: on a CPU
    a few rows, on another device about 30 bytes a score.

    Notebook: 06_playlist_completion

    Examples
    --------
    >>> scores = torch.tensor([[0.5, 9.0, 0.7, 0.5]])
    >>> seeds, targets = Playlists.from_lists([[1]]), Playlists.from_lists([[3]])
    >>> ranking(scores, seeds, targets, length=4, head=2)
    Ranked(top=tensor([[2, 0]]), hits=tensor([[False, False,  True, False]]), first=tensor([3]))
    """
    way = _counted if scores.device.type == "cpu" else _sorted
    width = max(head, targets.lengths.max(initial=0))
    found = way(scores.detach().float(), seeds, targets, max(length, width), head, width)
    if found is None:
        missing = scores.isnan()
        row, column = (int(i) for i in missing.nonzero()[0])
        raise MusigError(
            f"Method '{method}' gave NaN for track {column} in playlist {seeds.ids[row]}"
            f" ({int(missing.sum())} in this block); expected a number for every track, or -inf for"
            " one never to be recommended."
        )
    return found


def _sorted(
    scores: Tensor, seeds: Playlists, targets: Playlists, length: int, head: int, width: int
) -> Ranked | None:
    """Rank by a partial sort, on the device of the scores; None if a score is NaN.

    To make ties impossible, score and position are packed into 64 bits: the bits of a float, read
    as an integer, keep the order of floats above zero and reverse that of those below.
    """
    if bool(scores.isnan().any()):
        return None
    n_tracks, device = scores.shape[1], scores.device
    scores = scores + 0.0  # a copy; + 0.0: -0.0 and 0.0 are a tie
    never = membership(seeds, n_tracks, device) | scores.isneginf()
    wanted = membership(targets, n_tracks, device)
    bits = scores.view(torch.int32)
    bits ^= (bits >> 31) & int(MAGNITUDE)  # negative: the larger the magnitude, the lower
    key = bits.long()
    key <<= 32
    key += torch.arange(n_tracks - 1, -1, -1, device=device)
    lowest = torch.iinfo(torch.int64).min
    key.masked_fill_(never, lowest)
    best, top = key.topk(min(length, n_tracks), dim=1)
    listed = best > lowest
    hits = wanted.gather(1, top) & listed
    asked = wanted.sum(dim=1, keepdim=True).clamp(min=head)
    listed &= torch.arange(top.shape[1], device=device) < asked
    best_target = key.masked_fill(~wanted, lowest).amax(dim=1, keepdim=True)
    first = (key >= best_target).sum(dim=1).masked_fill_(best_target.squeeze(1) == lowest, 0)
    return Ranked(top.masked_fill(~listed, -1)[:, :width].cpu(), hits.cpu(), first.cpu())


def _counted(
    scores: Tensor, seeds: Playlists, targets: Playlists, length: int, head: int, width: int
) -> Ranked | None:
    """Rank by counting; None if a score is NaN."""
    n, n_tracks = scores.shape
    found = Ranked(
        torch.full((n, min(width, n_tracks)), -1),
        torch.zeros(n, min(length, n_tracks), dtype=torch.bool),
        torch.zeros(n, dtype=torch.int64),
    )
    nan = _count(
        scores.contiguous().numpy(),
        *(seeds.indptr, seeds.tracks, targets.indptr, targets.tracks, head),
        *(kept.numpy() for kept in found),
    )
    return None if nan else found


@numba.njit(cache=True, nogil=True)
def _count(
    scores: np.ndarray,
    seed_start: np.ndarray,
    seed: np.ndarray,
    target_start: np.ndarray,
    target: np.ndarray,
    head: int,
    top: np.ndarray,
    hits: np.ndarray,
    first: np.ndarray,
) -> bool:
    """Rank by counting, into `top`, `hits` and `first`; True if a score is NaN."""
    n, length = scores.shape[1], hits.shape[1]
    best, above = np.empty(n, np.float32), np.empty(n, np.float32)
    group, position = np.empty(n + 1, np.int32), np.empty(n + 1, np.int32)
    key = np.empty(n, np.int16)
    seeds = np.zeros(n, np.bool_)
    for b in range(len(scores)):
        row, given = scores[b], seed[seed_start[b] : seed_start[b + 1]]
        wanted = length + len(given)  # so that enough are left without the seeds
        groups = best[: min(n, GROUPS * wanted)]
        bound = _bound(row, wanted, groups, key)
        if np.isnan(bound):
            return True
        for track in given:
            seeds[track] = True
        count = 0
        for track in position[: _above(row, bound, groups, group, position)]:
            above[count], position[count] = row[track], track
            count += not seeds[track]

        targets = target[target_start[b] : target_start[b + 1]]
        score, place = NEVER, np.int32(0)  # of the best target
        for track in targets:
            own = NEVER if seeds[track] else row[track]
            if own >= bound:
                rank = _rank(above[:count], position, own, track)
                if rank <= length:
                    hits[b, rank - 1] = True
            if own > score or (own == score and track < place):
                score, place = own, track
        if score >= bound:
            first[b] = _rank(above[:count], position, score, place)
        elif score > NEVER:
            first[b] = 1 + (row[:place] >= score).sum() + (row[place:] > score).sum()
            for track in given:
                first[b] -= row[track] > score or (row[track] == score and track < place)
        for track in given:
            seeds[track] = False

        asked = min(max(head, len(targets)), count)
        if asked:
            bound = _bound(above[:count], asked, best[: min(count, GROUPS * asked)], key)
        size = 0  # of the head so far, sorted by insertion
        for i in range(count):
            if above[i] < bound or (
                size == asked and not _before(above, position, i, top[b, size - 1])
            ):
                continue
            size = min(size + 1, asked)
            j = size - 1
            while j and _before(above, position, i, top[b, j - 1]):
                top[b, j] = top[b, j - 1]
                j -= 1
            top[b, j] = i
        for j in range(asked):
            top[b, j] = position[top[b, j]]
    return False


@numba.njit(cache=True, nogil=True)
def _bound(row: np.ndarray, length: int, best: np.ndarray, key: np.ndarray) -> np.floating:
    """Find a score that at least `length` of a row reach, or the lowest there is, and few exceed.

    The row is cut into groups, as many as `best` is long: as many tracks reach a score as there
    are groups of which the best does, or more. Among these bests the score is found by bisection.
    Counts are taken in the order of the floats' bits, of which the upper half will do. NaN if one
    of the row is.
    """
    best[:] = NEVER
    missing = np.int32(0)
    for start in range(0, len(row), len(best)):
        part = row[start : start + len(best)]
        for i in range(len(part)):
            best[i] = part[i] if part[i] > best[i] else best[i]
            missing = np.int32(missing + np.int32(part[i] != part[i]))
    if missing:
        return np.float32(np.nan)
    bits = best.view(np.int32)
    for i in range(len(best)):  # as in _sorted
        key[i] = (bits[i] ^ ((bits[i] >> 31) & MAGNITUDE)) >> 16
    low, high = np.int64(-(2**15)), np.int64(2**15)
    while high - low > 1:
        middle = np.int16((low + high) >> 1)
        count = np.int32(0)
        for i in range(len(best)):
            count = np.int32(count + np.int32(key[i] >= middle))
        if count < length:
            high = np.int64(middle)
        else:
            low = np.int64(middle)
            if count <= length + length // 16:  # few enough
                break
    lowest = np.empty(1, np.int32)
    lowest[0] = low << 16
    lowest[0] ^= (lowest[0] >> 31) & MAGNITUDE
    bound = lowest.view(np.float32)[0]
    return bound if bound >= LOWEST else LOWEST


@numba.njit(cache=True, nogil=True)
def _above(
    row: np.ndarray, bound: np.floating, best: np.ndarray, group: np.ndarray, position: np.ndarray
) -> int:
    """List the positions where a row reaches the bound, in no order. Return how many."""
    groups, count = 0, 0
    for i in range(len(best)):  # without branches, which could not be foreseen
        group[groups] = i
        groups += best[i] >= bound
    for j in group[:groups]:
        while j < len(row):
            position[count] = j
            count += row[j] >= bound
            j += len(best)
    return count


@numba.njit(cache=True, nogil=True)
def _rank(
    scores: np.ndarray, position: np.ndarray, score: np.floating, place: np.integer
) -> np.int32:
    """Count those that come before a track, and itself."""
    rank = np.int32(1)
    for i in range(len(scores)):
        before = (scores[i] > score) | ((scores[i] == score) & (position[i] < place))
        rank = np.int32(rank + np.int32(before))
    return rank


@numba.njit(cache=True, nogil=True)
def _before(scores: np.ndarray, position: np.ndarray, one: int, other: int) -> bool:
    """Say whether one comes before the other."""
    if scores[one] == scores[other]:
        return position[one] < position[other]
    return scores[one] > scores[other]


def membership(playlists: Playlists, n_tracks: int, device: torch.device | str = "cpu") -> Tensor:
    """Which playlist holds which track.

    Parameters
    ----------
    playlists : Playlists
        A block of them.
    n_tracks : int
        Size of the universe.
    device : torch.device or str
        Where the table is made.

    Returns
    -------
    Tensor of bool, shape (n_playlists, n_tracks)

    Notes
    -----
    Notebook: 06_playlist_completion

    Examples
    --------
    >>> membership(Playlists.from_lists([[2], []]), n_tracks=3)
    tensor([[False, False,  True],
            [False, False, False]])
    """
    mask = torch.zeros(len(playlists), n_tracks, dtype=torch.bool, device=device)
    tracks = torch.as_tensor(playlists.tracks, dtype=torch.long, device=device)
    rows = torch.as_tensor(np.repeat(np.arange(len(playlists)), playlists.lengths), device=device)
    mask[rows, tracks] = True
    return mask
