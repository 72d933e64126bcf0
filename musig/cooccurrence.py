"""Counting co-occurrence: in how many playlists two tracks appear together.

This is the sparse matrix product ``A.T @ A`` of the playlist-by-track incidence matrix without
its diagonal, as rows with a dense accumulator (Gustavson, ACM TOMS 4(3), 1978), specialised:
each pair is counted once and mirrored, counters are as narrow as the data allow (so that those
of a row stay in the nearest cache), tracks in too few playlists leave before the counting, and
what a row will read next is fetched ahead.

Conventions
-----------
Tracks are positions ``0 .. n_tracks - 1``. Playlists are ragged: playlist ``p`` is
``tracks[indptr[p]:indptr[p + 1]]`` and holds no track twice. The result is a symmetric CSR
matrix without diagonal: both directions of an edge are there, the columns of a row ascend.

Contents
--------
- :func:`cooccurrence`, the only public name; below it the compiled loops it calls, in order.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numba
import numpy as np

from musig.errors import MusigError
from musig.prefetch import prefetch

Arrays = tuple[np.ndarray, np.ndarray, np.ndarray]
AHEAD = 8  # playlists between the one that is counted and the one that is fetched
PIECES = 64  # rows are counted in pieces of about equal work, so no thread waits long for another


def cooccurrence(
    indptr: np.ndarray, tracks: np.ndarray, n_tracks: int, min_weight: int = 0
) -> Arrays:
    """Count in how many playlists every two tracks appear together.

    Parameters
    ----------
    indptr : ndarray of int64, shape (n_playlists + 1,)
        Where each playlist starts in `tracks`.
    tracks : ndarray of int, shape (n_entries,)
        Track positions, distinct within a playlist (:class:`musig.catalog.Playlists` sees to
        it); a repeated track would count as often as it is repeated.
    n_tracks : int
        Number of rows of the result.
    min_weight : int, >= 0
        Pairs of this weight or less are dropped.

    Returns
    -------
    indptr : ndarray of int64, shape (n_tracks + 1,)
    indices : ndarray of int32, shape (2 * n_edges,)
    weights : ndarray of int32, shape (2 * n_edges,)

    Raises
    ------
    MusigError
        If `min_weight` is negative or a track position is out of range.

    Notes
    -----
    Saravanou et al. 2021 define the weight. The pairs are never stored: memory is bounded by
    the result. Threads: ``NUMBA_NUM_THREADS``. The machine code is kept beside the module or,
    where the installation is read-only, in the user's cache folder (numba chooses; where
    neither can be written, ``NUMBA_CACHE_DIR`` names a third).
    Notebook: 04_music_graph

    Examples
    --------
    Two playlists, {0, 1, 2} and {0, 1}:

    >>> indptr, indices, weights = cooccurrence(np.array([0, 3, 5]), np.array([0, 1, 2, 1, 0]), 3)
    >>> indptr.tolist(), indices.tolist(), weights.tolist()
    ([0, 2, 4, 6], [1, 2, 0, 2, 0, 1], [2, 1, 2, 1, 1, 1])
    """
    if min_weight < 0:
        raise MusigError(f"min_weight is {min_weight}; expected 0 or more.")
    if len(tracks) and not (tracks.min() >= 0 and tracks.max() < n_tracks):
        raise MusigError(
            f"The playlists hold track positions {tracks.min()} to {tracks.max()}; "
            f"expected 0 to {n_tracks - 1}."
        )
    # A track in min_weight playlists or fewer cannot have an edge: count among the others.
    playlists_of = np.bincount(tracks, minlength=n_tracks)
    kept = np.flatnonzero(playlists_of > min_weight).astype(np.int32)
    renumbered = np.full(n_tracks, -1, np.int32)
    renumbered[kept] = np.arange(len(kept), dtype=np.int32)
    # Narrow numbers are fast; the data say how narrow. No weight exceeds a track's playlists.
    most = int(playlists_of.max(initial=0))
    lists = _sort(
        indptr.astype(np.int64),
        tracks,
        renumbered,
        playlists_of[kept],
        _narrow(len(tracks), least=2**16)(0),
        _narrow(len(kept))(0),
    )
    threshold = _narrow(most)(min(min_weight, most))

    cuts = np.searchsorted(lists[0], np.linspace(0, lists[0][-1], PIECES + 1))
    cuts[0], cuts[-1] = 0, len(kept)
    count = partial(_count, *lists, threshold)  # type: ignore[call-arg]
    with ThreadPoolExecutor(numba.get_num_threads()) as pool:
        pieces = list(pool.map(count, cuts[:-1], cuts[1:]))
    del lists, count
    lengths, columns, weights = (np.concatenate(part) for part in zip(*pieces, strict=True))
    del pieces
    return _mirror(lengths, columns, weights, kept, n_tracks)


def _narrow(largest: int, least: int = 2**8) -> type[np.unsignedinteger]:
    """Return the narrowest unsigned type for `largest`; never one too narrow for `least`."""
    return np.min_scalar_type(max(largest, least)).type


@numba.njit(cache=True)
def _sort(indptr, tracks, renumbered, playlists_of, position, number):  # type: ignore[no-untyped-def]
    """Sort every playlist; list for every track where its playlists begin, and how far it is in.

    Returns where each track's list starts, the list itself as two arrays (the position in the
    sorted playlists at which the playlist begins, the number of smaller tracks in it), and the
    sorted playlists. `position` and `number` are zeros of the types for positions and tracks.
    """
    starts = np.zeros(len(playlists_of) + 1, np.int64)
    starts[1:] = np.cumsum(playlists_of)
    cursor = starts[:-1].copy()
    first = np.full(len(indptr), position)
    begin = np.full(starts[-1], position)
    kept = 0
    for p in range(len(indptr) - 1):
        first[p] = kept
        for e in range(indptr[p], indptr[p + 1]):
            t = renumbered[tracks[e]]
            if t >= 0:
                begin[cursor[t]] = p  # the playlist, for now
                cursor[t] += 1
                kept += 1
    end = first.copy()
    before = np.full(starts[-1], number)
    members = np.full(starts[-1], number)
    for t in range(len(playlists_of)):  # tracks come in order, so playlists fill in order
        for e in range(starts[t], starts[t + 1]):
            p = begin[e]
            members[end[p]] = t
            begin[e] = first[p]
            before[e] = end[p] - first[p]
            end[p] += 1
    return starts, begin, before, members


@numba.njit(cache=True, nogil=True)
def _count(starts, begin, before, members, threshold, row_begin, row_end):  # type: ignore[no-untyped-def]
    """Count some rows below the diagonal; only weights above `threshold` are kept."""
    counter = np.full(row_end, threshold)
    counter[:] = 0  # of the threshold's type; zero again after every row
    lengths = np.zeros(row_end - row_begin, np.int64)
    columns = np.empty(1024, members.dtype)
    weights = np.empty(1024, counter.dtype)
    size = 0
    for row in range(row_begin, row_end):
        steps = 0
        for e in range(starts[row], starts[row + 1]):
            ahead = np.int64(begin[min(e + AHEAD, len(begin) - 1)])
            prefetch(members, ahead)  # type: ignore[call-arg]
            prefetch(members, ahead + 64 // members.itemsize)
            for q in range(begin[e], begin[e] + before[e]):
                counter[members[q]] += 1
            steps += before[e]
        room = size + min(steps, row)
        if room > len(columns):
            columns = _grown(columns, size, max(room, 2 * len(columns)))
            weights = _grown(weights, size, len(columns))
        begun = size
        if steps > row // 8:  # a full row: look at all counters
            for t in range(row):
                if counter[t] > threshold:
                    columns[size] = t
                    weights[size] = counter[t]
                    size += 1
            counter[:row] = 0
        else:  # a thin row: look again at what was counted
            for e in range(starts[row], starts[row + 1]):
                for t in members[begin[e] : begin[e] + before[e]]:
                    if counter[t] > threshold:
                        columns[size] = t
                        weights[size] = counter[t]
                        size += 1
                    counter[t] = 0
            order = np.argsort(columns[begun:size])
            columns[begun:size] = columns[begun:size][order]
            weights[begun:size] = weights[begun:size][order]
        lengths[row - row_begin] = size - begun
    return lengths, columns[:size].copy(), weights[:size].copy()


@numba.njit(cache=True, nogil=True)
def _grown(array, size, capacity):  # type: ignore[no-untyped-def]
    larger = np.empty(capacity, array.dtype)
    larger[:size] = array[:size]
    return larger


@numba.njit(cache=True)
def _mirror(lengths, columns, weights, names, n):  # type: ignore[no-untyped-def]
    """Both triangles of the named tracks from the counted rows; names ascend, so columns do."""
    larger = np.zeros(len(names), np.int64)  # neighbours of a larger number
    for column in columns:
        larger[column] += 1
    starts = np.zeros(n + 1, np.int64)
    for row in range(len(names)):
        starts[names[row] + 1] = lengths[row] + larger[row]
    starts = np.cumsum(starts)
    indices = np.empty(starts[-1], np.int32)
    both = np.empty(starts[-1], np.int32)
    cursor = starts[names] + lengths  # where a row's larger neighbours go: they come in order
    e = 0
    for row in range(len(names)):
        at = starts[names[row]]
        for _ in range(lengths[row]):
            column = columns[e]
            indices[at] = names[column]
            indices[cursor[column]] = names[row]
            both[at] = both[cursor[column]] = weights[e]
            cursor[column] += 1
            at += 1
            e += 1
    return starts, indices, both
