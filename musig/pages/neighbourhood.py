"""The neighbourhood of a track: whom it is joined to, how strongly, and what a threshold removes.

The weight of an edge grows with how popular its two tracks are, whether or not they belong
together; so what is found is set beside what popularity alone would give.

Conventions
-----------
A graph is a :class:`torch_geometric.data.Data` as :func:`musig.graph.music_graph` makes it, both
directions of each edge stored; shares are in [0, 1].

Contents
--------
- :func:`find_track`: an example to look at; :func:`neighbours`: whom it is joined to, in words;
  :func:`reach`: how many tracks are a few hops away.
- :func:`expected_weight`: what popularity alone would give.
- :func:`edge_weights`: each edge once; :func:`threshold_table`: what each ``min_weight`` keeps.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from musig.errors import MusigError
from musig.pages.description import words
from musig.playlists import Playlists

if TYPE_CHECKING:
    from torch_geometric.data import Data


def find_track(data: Data, track_ids: pd.Index, track: str, generator: np.random.Generator) -> int:
    """Find a track by its id, or draw one.

    Parameters
    ----------
    data : Data
    track_ids : Index of str, length n_tracks
    track : str
        An id; empty to draw one, with a chance in proportion to the weight of its edges.
    generator : numpy.random.Generator

    Returns
    -------
    int
        Its position.

    Raises
    ------
    MusigError
        If the graph has no such track, or no edge to draw by.

    Notes
    -----
    Notebook: 04_music_graph
    """
    if track:
        if track not in track_ids:
            raise MusigError(
                f"Track {track!r} is not in the graph: its id is unknown, or it is in fewer "
                "training playlists than min_playlists. Leave track empty to have one drawn."
            )
        return int(np.flatnonzero(track_ids == track)[0])
    n = int(data.num_nodes)
    strength = np.bincount(data.edge_index[0].numpy(), data.edge_weight.numpy(), minlength=n)
    if not strength.any():
        raise MusigError("The graph has no edge: lower min_weight or min_playlists.")
    return int(generator.choice(n, p=strength / strength.sum()))


def neighbours(
    data: Data, playlists: Playlists, tracks: pd.DataFrame, position: int, rows: int = 10
) -> pd.DataFrame:
    """List the tracks a track is joined to most strongly.

    Parameters
    ----------
    data : Data
    playlists : Playlists
        Those the graph was made from.
    tracks : DataFrame
        One row a node, as ``Catalog.tracks``.
    position : int
        The node.
    rows : int
        At most so many.

    Returns
    -------
    DataFrame
        ``title``, ``artist``, ``genre``, ``weight``, ``times expected`` (weight over
        :func:`expected_weight`); heaviest first, ties by position.

    Notes
    -----
    Notebook: 04_music_graph
    """
    row, column = data.edge_index.numpy()
    of = row == position
    other, weight = column[of], data.edge_weight.numpy()[of].astype(np.int64)
    first = np.lexsort((other, -weight))[:rows]
    other, weight = other[first], weight[first]
    expected = expected_weight(playlists, int(data.num_nodes), position, other)
    return words(tracks, other).assign(weight=weight, **{"times expected": weight / expected})


def reach(data: Data, position: int, hops: int = 2) -> list[float]:
    """Give the share of all tracks that are at most so many hops away.

    Parameters
    ----------
    data : Data
    position : int
        Where to begin.
    hops : int
        The largest number of hops.

    Returns
    -------
    list of float in [0, 1], length hops
        For 1, 2, ... hops; the track itself counts.

    Notes
    -----
    Notebook: 04_music_graph
    """
    row, column = data.edge_index.numpy()
    reached = np.arange(int(data.num_nodes)) == position
    shares = []
    for _ in range(hops):
        reached[column[reached[row]]] = True
        shares.append(float(reached.mean()))
    return shares


def expected_weight(
    playlists: Playlists, n_tracks: int, i: np.ndarray | int, j: np.ndarray | int
) -> np.ndarray:
    """Give the weight two tracks would have if membership were drawn by popularity alone.

    Parameters
    ----------
    playlists : Playlists
        Those the graph was made from.
    n_tracks : int
        Number of nodes.
    i, j : int or ndarray of int
        Positions of the tracks.

    Returns
    -------
    ndarray of float64

    Notes
    -----
    With M entries in all, n_p of them in playlist p, and c_i playlists that hold track i:
    ``c_i c_j Σ_p n_p (n_p − 1) / (M (M − 1))``, the chance that two given entries fall into one
    playlist, for each pair of entries. It ignores that a playlist holds a track once, so it is a
    little high for the most popular tracks. :func:`musig.graph.shuffled` is the exact control.
    Notebook: 04_music_graph

    Examples
    --------
    >>> playlists = Playlists.from_lists([[0, 1], [2, 3]])
    >>> round(float(expected_weight(playlists, 4, 0, 1)), 3)
    0.333
    """
    counts = playlists.counts(n_tracks).astype(float)
    lengths = playlists.lengths.astype(float)
    total = max(2.0, lengths.sum())
    together = (lengths * (lengths - 1)).sum() / (total * (total - 1))
    return counts[i] * counts[j] * together


def edge_weights(data: Data) -> np.ndarray:
    """List the weight of every edge, each edge once.

    Parameters
    ----------
    data : Data

    Returns
    -------
    ndarray of int64, shape (n_edges,)

    Notes
    -----
    Notebook: 04_music_graph
    """
    row, column = data.edge_index.numpy()
    return data.edge_weight.numpy()[row < column].astype(np.int64)


def threshold_table(indptr: np.ndarray, weights: np.ndarray, most: int) -> pd.DataFrame:
    """Show what each threshold on edge weights keeps.

    Parameters
    ----------
    indptr : ndarray of int64, shape (n_tracks + 1,)
    weights : ndarray of int, shape (2 * n_edges,)
        As :func:`musig.graph.cooccurrence` gives them without a threshold.
    most : int, >= 0
        The largest threshold.

    Returns
    -------
    DataFrame
        Index ``min_weight`` from 0 to `most`; ``edges`` and ``total weight``, shares kept;
        ``tracks with a neighbour``, a share of all tracks.

    Notes
    -----
    Notebook: 04_music_graph

    Examples
    --------
    >>> threshold_table(np.array([0, 2, 3, 4]), np.array([1, 3, 1, 3]), most=1)["edges"].tolist()
    [1.0, 0.5]
    """
    heaviest = np.zeros(len(indptr) - 1, dtype=np.int64)
    filled = np.diff(indptr) > 0
    if len(weights):
        heaviest[filled] = np.maximum.reduceat(weights, indptr[:-1][filled])
    of_weight = np.bincount(weights, minlength=most + 2)
    of_heaviest = np.bincount(heaviest, minlength=most + 2)  # 0: a track without any edge
    values = np.arange(len(of_weight))
    kept = {
        "edges": of_weight,
        "total weight": of_weight * values,
        "tracks with a neighbour": of_heaviest,
    }
    table = {n: 1 - np.cumsum(v)[: most + 1] / (v.sum() or np.nan) for n, v in kept.items()}
    return pd.DataFrame(table, index=pd.RangeIndex(most + 1, name="min_weight"))
