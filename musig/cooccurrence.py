"""Counting co-occurrence: in how many playlists two tracks appear together.

This is the sparse matrix product ``A.T @ A`` of the playlist-by-track incidence matrix without
its diagonal, as rows with a dense accumulator (Gustavson, ACM TOMS 4(3), 1978), specialised:
each pair is counted once and mirrored, counters are as narrow as the data allow (so that those
of a row stay in the nearest cache), tracks in too few playlists leave before the counting, and
what a row will read next is fetched ahead. Playlists begin on a block of :data:`BLOCK` places and
are counted in whole blocks: a loop whose end the processor cannot guess costs more than counting
a few tracks in vain. The places left over hold numbers that no track has.

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
from musig.prefetch import above, lowest, prefetch

Arrays = tuple[np.ndarray, np.ndarray, np.ndarray]
BLOCK = 16  # tracks that are counted without asking whether the playlist goes on
WIDE = 8  # blocks of a playlist that are listed at once, needed or not; longer ones take a loop
AHEAD = 32  # blocks between the one that is counted and the one that is fetched
NEAR = 2**12  # playlists that are sorted together: their tracks stay in the second cache
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
        it); with a repeated track the counts are undefined.
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
    playlists_of = _tally(tracks, n_tracks)
    if playlists_of[n_tracks]:
        raise MusigError(
            f"The playlists hold track positions {tracks.min()} to {tracks.max()}; "
            f"expected 0 to {n_tracks - 1}."
        )
    # A track in min_weight playlists or fewer cannot have an edge: count among the others.
    kept = np.flatnonzero(playlists_of[:n_tracks] > min_weight).astype(np.int32)
    renumbered = np.full(n_tracks, -1, np.int32)
    renumbered[kept] = np.arange(len(kept), dtype=np.int32)
    starts = np.concatenate([[0], np.cumsum(playlists_of[kept])])
    # Narrow numbers are fast; the data say how narrow. No weight exceeds a track's playlists.
    number = _narrow(len(kept) + BLOCK)
    most = int(playlists_of.max())
    threshold = _narrow(most)(min(min_weight, most))
    # Large arrays are numpy's, not numba's: they get large pages.
    n_blocks = int((-(-np.diff(indptr) // BLOCK)).sum())
    members = np.tile(np.arange(len(kept), len(kept) + BLOCK, dtype=number), n_blocks)
    begin = np.empty(starts[-1], _narrow(n_blocks, least=2**16))
    blocks = np.empty(starts[-1], number)
    work = _sort(indptr.astype(np.int64), tracks, renumbered, starts, begin, blocks, members)

    cuts = np.searchsorted(np.cumsum(work), np.linspace(0, work.sum(), PIECES + 1))
    cuts[0], cuts[-1] = 0, len(kept)
    count = partial(_count, starts, begin, blocks, members, work.max(initial=0), threshold)
    with ThreadPoolExecutor(numba.get_num_threads()) as pool:
        pieces = list(pool.map(count, cuts[:-1], cuts[1:]))
    del begin, blocks, members, count
    lengths, columns, weights = (np.concatenate(part) for part in zip(*pieces, strict=True))
    del pieces

    both = np.zeros(n_tracks + 1, np.int64)  # neighbours, of smaller and of larger numbers
    both[kept + 1] = lengths + _tally(columns, len(kept))[: len(kept)]
    graph = np.cumsum(both), np.empty(both.sum(), np.int32), np.empty(both.sum(), np.int32)
    _mirror(lengths, columns, weights, kept, *graph)
    return graph


def _narrow(largest: int, least: int = 2**8) -> type[np.unsignedinteger]:
    """Return the narrowest unsigned type for `largest`; never one too narrow for `least`."""
    return np.min_scalar_type(max(largest, least)).type


@numba.njit(cache=True)
def _tally(numbers, n):  # type: ignore[no-untyped-def]
    """How often each number below `n` occurs, and last how often another does."""
    counts = np.zeros(n + 1, np.int64)
    for number in numbers:
        counts[number if 0 <= number < n else n] += 1
    return counts


@numba.njit(cache=True)
def _sort(indptr, tracks, renumbered, starts, begin, blocks, members):  # type: ignore[no-untyped-def]
    """Sort every playlist; list for every track where its playlists begin, and how far it is in.

    Fills `members` (the sorted playlists, each from the first place of a block), `begin` and
    `blocks` (from `starts` on for each track: the block at which the playlist begins, the number
    of blocks that hold the smaller tracks in it). Returns the blocks of each track together.
    """
    cursor = starts[:-1].copy()
    sorted_to = starts[:-1].copy()
    filled = np.zeros(len(members) // BLOCK, members.dtype)
    work = np.zeros(len(cursor), np.int64)
    block = 0
    for near in range(0, len(indptr) - 1, NEAR):
        for p in range(near, min(near + NEAR, len(indptr) - 1)):
            length = 0
            for e in range(indptr[p], indptr[p + 1]):
                t = renumbered[tracks[e]]
                if t >= 0:
                    begin[cursor[t]] = block
                    cursor[t] += 1
                    length += 1
            block += (length + BLOCK - 1) // BLOCK
        for t in range(len(cursor)):  # tracks come in order, so playlists fill in order
            for e in range(sorted_to[t], cursor[t]):
                before = np.int64(filled[begin[e]])
                members[np.int64(begin[e]) * BLOCK + before] = t
                filled[begin[e]] = before + 1
                blocks[e] = (before + BLOCK - 1) // BLOCK
                work[t] += blocks[e]
            sorted_to[t] = cursor[t]
    return work


@numba.njit(cache=True, nogil=True)
def _count(starts, begin, blocks, members, longest, threshold, row_begin, row_end):  # type: ignore[no-untyped-def]
    """Count some rows below the diagonal; only weights above `threshold` are kept."""
    counter = np.full(len(starts) + BLOCK + 64, threshold)
    counter[:] = 0  # of the threshold's type; zero again after every row
    todo = np.zeros(longest + WIDE + AHEAD, begin.dtype)  # the blocks of a row
    lengths = np.zeros(row_end - row_begin, np.int64)
    columns = np.empty(1024, members.dtype)
    weights = np.empty(1024, counter.dtype)
    size = 0
    for row in range(row_begin, row_end):
        n = 0
        for e in range(starts[row], starts[row + 1]):
            for b in range(WIDE):
                todo[n + b] = begin[e] + begin.dtype.type(b)
            for b in range(WIDE, blocks[e]):
                todo[n + b] = begin[e] + begin.dtype.type(b)
            n += blocks[e]
        for i in range(n):
            prefetch(members, np.int64(todo[i + AHEAD]) * BLOCK)  # type: ignore[call-arg]
            at = np.int64(todo[i]) * BLOCK
            for b in range(BLOCK):
                counter[members[at + b]] += 1
        room = size + min(n * BLOCK, row)
        if room > len(columns):
            columns = _grown(columns, size, max(room, 2 * len(columns)))
            weights = _grown(weights, size, len(columns))
        begun = size
        if n * BLOCK > len(counter) // 16:  # a full row: look at all counters
            counter[row:] = 0  # counted in vain
            for some in range(0, row, 64):
                found: np.uint64 = above(counter, some, threshold)  # type: ignore[call-arg]
                while found:
                    t = some + lowest(found)
                    columns[size] = t
                    weights[size] = counter[t]
                    size += 1
                    found &= found - np.uint64(1)  # without its lowest bit
            counter[:row] = 0
        else:  # a thin row: look again at what was counted
            for i in range(n):
                at = np.int64(todo[i]) * BLOCK
                for b in range(BLOCK):
                    t = np.int64(members[at + b])
                    if t < row and counter[t] > threshold:
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
def _mirror(lengths, columns, weights, names, starts, indices, both):  # type: ignore[no-untyped-def]
    """Both triangles of the named tracks from the counted rows; names ascend, so columns do."""
    cursor = starts[names] + lengths  # where a row's larger neighbours go: they come in order
    e = 0
    for row in range(len(names)):
        at = starts[names[row]]
        for _ in range(lengths[row]):
            ahead = cursor[columns[min(e + 16, len(columns) - 1)]]
            prefetch(indices, ahead)  # type: ignore[call-arg]
            prefetch(both, ahead)
            column = columns[e]
            indices[at] = names[column]
            indices[cursor[column]] = names[row]
            both[at] = both[cursor[column]] = weights[e]
            cursor[column] += 1
            at += 1
            e += 1
