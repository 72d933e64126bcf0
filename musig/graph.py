"""The music graph: tracks are nodes, joint playlists are weights.

An edge joins two tracks that co-appear in playlists; its weight is the number of distinct
playlists that hold both (Saravanou et al., ISMIR 2021). Edges of weight `min_weight` or less
are dropped.

Conventions
-----------
Nodes are row positions of the catalogue's tracks, ``0 .. n - 1``; a track without an edge stays
in the graph, isolated. Both directions of an edge are stored, sorted by row, then by column.

Contents
--------
- :func:`music_graph` makes the :class:`torch_geometric.data.Data` of playlists.
- :func:`shuffled` is the control: playlists whose membership says nothing.
- From :mod:`musig.cooccurrence`: :func:`cooccurrence`, the counting on arrays.
- From :mod:`musig.csr`: :class:`CSR`, :func:`to_csr`, the graph as three tensors.
- From :mod:`musig.edges`: :func:`edge_table`, :func:`write_edges`, :func:`graph_statistics`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numba
import numpy as np
import torch

from musig.cooccurrence import cooccurrence
from musig.csr import CSR, to_csr
from musig.edges import edge_table, graph_statistics, write_edges
from musig.errors import MusigError
from musig.playlists import Playlists

if TYPE_CHECKING:
    from torch_geometric.data import Data

__all__ = [
    "CSR",
    "cooccurrence",
    "edge_table",
    "graph_statistics",
    "music_graph",
    "shuffled",
    "to_csr",
    "write_edges",
]

ROUNDS = 3
"""Swaps tried an entry by :func:`shuffled`; Gionis et al. find a few enough to mix."""


def music_graph(
    playlists: Playlists,
    n_tracks: int,
    min_weight: int,
    x: np.ndarray | torch.Tensor | None = None,
    track_ids: Sequence[str] | None = None,
) -> Data:
    """Make the music graph of some playlists.

    Parameters
    ----------
    playlists : Playlists
        Those that count; in an experiment the training playlists only.
    n_tracks : int
        Number of nodes.
    min_weight : int, >= 0
        Edges of this weight or less are dropped.
    x : array of float32, shape (n_tracks, d), optional
        Node attributes (:mod:`musig.features`).
    track_ids : sequence of str, length n_tracks, optional
        Names of the nodes.

    Returns
    -------
    Data
        With `edge_index` (2, 2 * n_edges) int64, `edge_weight` (2 * n_edges,) float32,
        `num_nodes`, and `x`, `track_id` where given.

    Raises
    ------
    MusigError
        If `x` or `track_ids` do not have one row a track.

    Notes
    -----
    Saravanou et al. 2021: a homogeneous, weighted graph.
    Notebook: 04_music_graph

    Examples
    --------
    >>> music_graph(Playlists.from_lists([[0, 1, 2], [1, 0]]), 4, min_weight=1).edge_index.tolist()
    [[0, 1], [1, 0]]
    """
    from torch_geometric.data import Data  # takes seconds to import

    for name, given in (("x", x), ("track_ids", track_ids)):
        if given is not None and len(given) != n_tracks:
            raise MusigError(f"{name} has {len(given)} rows; expected one a track: {n_tracks}.")
    indptr, indices, weights = cooccurrence(
        playlists.indptr, playlists.tracks, n_tracks, min_weight
    )
    rows = np.repeat(np.arange(n_tracks), np.diff(indptr))
    data = Data(
        edge_index=torch.from_numpy(np.stack([rows, indices])),
        edge_weight=torch.from_numpy(weights.astype(np.float32)),
        num_nodes=n_tracks,
    )
    if x is not None:
        data.x = torch.as_tensor(x, dtype=torch.float32)
    if track_ids is not None:
        data.track_id = list(track_ids)
    return data


def shuffled(playlists: Playlists, generator: np.random.Generator) -> Playlists:
    """Shuffle who is in which playlist: a control without any information in it.

    Parameters
    ----------
    playlists : Playlists
    generator : np.random.Generator

    Returns
    -------
    Playlists
        Every playlist as long as before, every track in as many playlists as before, no track
        twice in a playlist; beyond that, nothing of who was with whom is left.

    Notes
    -----
    Swap randomisation (Gionis, Mannila, Mielikäinen & Tsaparas, ACM TKDD 1(3), 2007): two
    entries of two playlists change places unless either playlist would hold a track twice.
    Notebook: 04_music_graph

    Examples
    --------
    >>> playlists = Playlists.from_lists([[0, 1, 2], [3, 4], [0, 5]])
    >>> control = shuffled(playlists, np.random.default_rng(0))
    >>> control.lengths.tolist(), control.counts(6).tolist()
    ([3, 2, 2], [2, 1, 1, 1, 1, 1])
    """
    tracks = playlists.tracks.copy()
    owner = np.repeat(np.arange(len(playlists), dtype=np.int32), playlists.lengths)
    for _ in range(ROUNDS if len(tracks) else 0):
        partners = generator.integers(len(tracks), size=len(tracks))
        _swap(playlists.indptr, tracks, owner, partners)
    return replace(playlists, tracks=tracks)


@numba.njit(cache=True)
def _swap(indptr, tracks, owner, partners):  # type: ignore[no-untyped-def]
    """Swap each entry with its partner in place, where both playlists stay without repeats."""
    for e in range(len(tracks)):
        f = partners[e]
        p, q = owner[e], owner[f]
        allowed = p != q
        for entry in tracks[indptr[p] : indptr[p + 1]] if allowed else tracks[:0]:
            allowed &= entry != tracks[f]
        for entry in tracks[indptr[q] : indptr[q + 1]] if allowed else tracks[:0]:
            allowed &= entry != tracks[e]
        if allowed:
            tracks[e], tracks[f] = tracks[f], tracks[e]
