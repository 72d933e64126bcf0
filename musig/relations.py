"""Relations: in how many ways two tracks can be neighbours.

The paper's graph has one relation, a shared playlist, and its source says that one may "specify
different types of relations or nodes" (Saravanou et al., ISMIR 2021). Here a relation is a function
from what a training sees to its edges, and a name in :data:`RELATIONS`: adding one is both.

Conventions
-----------
There are three types of nodes: tracks, artists, playlists. A relation joins tracks with tracks, or
tracks with nodes of another type; either way both directions of an edge are there. An edge type is
``(type of the sender, relation, type of the receiver)``, the relation with ``by_`` before its name,
since ``torch_geometric`` finds stores by either and "playlist" is a type of node as well. Whatever
is counted is counted over *training* playlists. Nodes that are no tracks are described by a single
1: all that is known of them is whom they are joined with.

What the data do not know, such as albums, is a sentence in :attr:`RelationGraph.absent` and no
error.

Contents
--------
- :data:`RELATIONS`: name to function: :func:`by_playlist`, :func:`by_artist`, :func:`by_album`,
  :func:`by_audio`, :func:`by_order`, :func:`artist_nodes`, :func:`playlist_nodes`;
  :func:`consecutive`: the pairs of :func:`by_order`.
- :class:`Links`: what such a function gives.
- :func:`relation_graph`: chosen relations as :class:`torch_geometric.data.HeteroData`;
  :func:`rows_of`: the same by rows, as sampling and sparse products read it.
- :func:`with_relations`: what a training over relations sees, :class:`RelationalData`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import torch
from scipy.sparse import coo_array, csr_array

from musig.catalog import Playlists
from musig.csr import CSR
from musig.errors import MusigError, nearest
from musig.features import complete_rows, fit_attributes
from musig.splits import artist_groups
from musig.training_data import TrainingData

if TYPE_CHECKING:
    from torch_geometric.data import HeteroData

EdgeType = tuple[str, str, str]
"""Type of the sender, ``by_`` and the name of the relation, type of the receiver."""

TRACK = "track"


@dataclass(frozen=True, eq=False)
class Links:
    """What one relation joins.

    Notes
    -----
    Made by the functions of :data:`RELATIONS`.

    Notebook: 13_relations
    """

    source: np.ndarray
    """int64, shape (n,): tracks."""
    target: np.ndarray
    """int64, shape (n,): tracks, each edge in both directions; or nodes of `node_type`, each edge
    once."""
    weight: np.ndarray
    """float32, shape (n,), above 0."""
    node_type: str = TRACK
    """Of the targets."""
    names: tuple[str, ...] = ()
    """Of the nodes, where they are no tracks."""


@dataclass(frozen=True, eq=False)
class RelationGraph:
    """Chosen relations of one training, and what could not be had.

    Notes
    -----
    Made by :func:`relation_graph`.

    Notebook: 13_relations
    """

    hetero: HeteroData
    """Nodes ``track`` (with `x`, `track_id`) and others (with `x`, a 1 each, and `name`); of every
    edge type `edge_index`, senders above receivers, and `edge_weight`."""
    absent: dict[str, str]
    """Relations that were asked for and that the data do not have, each with the reason."""


@dataclass(frozen=True, eq=False)
class RelationalData(TrainingData):
    """What one training over relations sees.

    Notes
    -----
    Made by :func:`with_relations`.

    Notebook: 13_relations
    """

    graph: RelationGraph = field(kw_only=True)
    """The relations; ``settings`` has their names and a digest of their edges."""


def by_playlist(data: TrainingData, neighbours: int) -> Links | str:
    """Join tracks that share training playlists: the paper's relation.

    Parameters
    ----------
    data : TrainingData
    neighbours : int
        Not used here.

    Returns
    -------
    Links or str
        Edges weighted by the number of shared playlists, those of ``min_weight`` or less dropped:
        the music graph itself. Or why there is none.

    Notes
    -----
    Notebook: 13_relations
    """
    csr = data.csr
    rows = torch.arange(csr.n_rows).repeat_interleave(csr.degree)
    links = Links(csr.indices.numpy(), rows.numpy(), csr.weight.numpy())
    return links if len(rows) else "no two tracks share enough playlists"


def by_artist(data: TrainingData, neighbours: int) -> Links | str:
    """Join tracks by the same artist.

    Parameters
    ----------
    data : TrainingData
    neighbours : int
        Not used here.

    Returns
    -------
    Links or str
        Edges of weight 1, every track with every other; or why there is none.

    Notes
    -----
    Artists are told apart as :func:`musig.splits.artist_groups` does it. One of m tracks has
    m (m - 1) edges: where some have thousands, :func:`artist_nodes` says the same with m.

    Notebook: 13_relations
    """
    if not data.catalog.tracks.reindex(columns=["artist_id", "artist"]).notna().any(axis=None):
        return "no track has an artist"
    return _all_pairs(artist_groups(data.catalog.tracks)) or "no two tracks are by one artist"


def by_album(data: TrainingData, neighbours: int) -> Links | str:
    """Join tracks of the same album.

    Parameters
    ----------
    data : TrainingData
    neighbours : int
        Not used here.

    Returns
    -------
    Links or str
        Edges of weight 1; or why there is none.

    Notes
    -----
    Album and artist together say which album is meant: many are called "Greatest Hits".

    Notebook: 13_relations
    """
    tracks = data.catalog.tracks
    if "album" not in tracks or not tracks["album"].notna().any():
        return "no track has an album"
    codes, _ = pd.factorize(tracks["album"].astype("str").str.casefold())
    known = tracks["album"].notna().to_numpy()
    album = np.where(known, artist_groups(tracks) * (codes.max() + 1) + codes, -1)
    return _all_pairs(album) or "no two tracks are of one album"


def by_audio(data: TrainingData, neighbours: int) -> Links | str:
    """Join each track with those that sound most like it.

    Parameters
    ----------
    data : TrainingData
    neighbours : int, > 0
        How many nearest tracks each is joined with.

    Returns
    -------
    Links or str
        Edges of weight 1 between tracks of which either is among the nearest of the other; or why
        there is none.

    Notes
    -----
    Nearest by the Euclidean distance of the nine audio features, standardised over the tracks that
    supervise, among tracks that have all nine. Where a track's AUDIO is *hidden* to test what the
    encoder knows of its sound, these edges still tell it.

    Notebook: 13_relations
    """
    from sklearn.neighbors import NearestNeighbors  # slow to import

    complete = complete_rows(data.catalog.tracks, "AUDIO")
    fit_rows, rows = np.flatnonzero(complete & ~data.held_out), np.flatnonzero(complete)
    if len(fit_rows) < 2:
        return "fewer than two tracks have all nine audio features"
    x = fit_attributes(data.catalog.tracks, ("AUDIO",), fit_rows=fit_rows).x[rows, :-1]
    k = min(neighbours, len(rows) - 1)
    near = NearestNeighbors(n_neighbors=k + 1).fit(x).kneighbors(return_distance=False, X=x)
    # A track is the nearest of itself, unless others sound exactly like it.
    own = near == np.arange(len(rows))[:, None]
    own[~own.any(axis=1), -1] = True
    one, other = np.repeat(rows, k), rows[near[~own]]
    n = data.n_tracks
    joined = np.unique(np.concatenate([one * n + other, other * n + one]))
    return Links(joined % n, joined // n, np.ones(len(joined), np.float32))


def consecutive(playlists: Playlists) -> np.ndarray:
    """Give the pairs of tracks that follow one another in a playlist.

    Parameters
    ----------
    playlists : Playlists

    Returns
    -------
    ndarray of int64, shape (2, n_pairs)
        The one before, and the one after, in the order of the playlists.

    Notes
    -----
    Notebook: 13_relations

    Examples
    --------
    >>> consecutive(Playlists.from_lists([[0, 1, 2], [2], [2, 0]])).tolist()
    [[0, 1, 2], [1, 2, 0]]
    """
    owner = np.repeat(np.arange(len(playlists)), playlists.lengths)
    follows = owner[:-1] == owner[1:]
    tracks = playlists.tracks.astype(np.int64)
    return np.stack([tracks[:-1][follows], tracks[1:][follows]])


def by_order(data: TrainingData, neighbours: int) -> Links | str:
    """Join tracks that follow one another in a training playlist.

    Parameters
    ----------
    data : TrainingData
    neighbours : int
        Not used here.

    Returns
    -------
    Links or str
        Edges weighted by the number of playlists in which the two are next to each other,
        whichever comes first; or why there is none.

    Notes
    -----
    Next to each other among the tracks of the universe: a track that is too rare to be in it is no
    gap. No weight is dropped; most pairs follow each other once.

    Notebook: 13_relations
    """
    first, second = consecutive(data.catalog.playlists.subset(data.split.train))
    if len(first) == 0:
        return "no training playlist has two tracks"
    n = data.n_tracks
    pairs = coo_array((np.ones(len(first), np.float32), (first, second)), shape=(n, n)).tocsr()
    return _links((pairs + pairs.T).tocoo())


def artist_nodes(data: TrainingData, neighbours: int) -> Links | str:
    """Join each track with its artist.

    Parameters
    ----------
    data : TrainingData
    neighbours : int
        Not used here.

    Returns
    -------
    Links or str
        Edges of weight 1 to nodes of type ``artist``, of artists with two tracks or more; or why
        there is none.

    Notes
    -----
    Two hops over an artist reach the tracks that :func:`by_artist` reaches in one.

    Notebook: 13_relations
    """
    tracks = data.catalog.tracks
    named = tracks.reindex(columns=["artist", "artist_id"])
    if not named.notna().any(axis=None):
        return "no track has an artist"
    groups = artist_groups(tracks)
    rows = np.flatnonzero(np.bincount(groups)[groups] > 1)
    if len(rows) == 0:
        return "no two tracks are by one artist"
    _, first, nodes = np.unique(groups[rows], return_index=True, return_inverse=True)
    names = named["artist"].fillna(named["artist_id"]).iloc[rows[first]]
    return Links(rows, nodes, np.ones(len(rows), np.float32), "artist", tuple(map(str, names)))


def playlist_nodes(data: TrainingData, neighbours: int) -> Links | str:
    """Join each track with the training playlists that hold it.

    Parameters
    ----------
    data : TrainingData
    neighbours : int
        Not used here.

    Returns
    -------
    Links or str
        Edges of weight 1 to nodes of type ``playlist``, of those with two tracks or more; or why
        there is none.

    Notes
    -----
    Playlists that validate or test have no node: who is in them is what is asked.

    Notebook: 13_relations
    """
    playlists = data.catalog.playlists.subset(data.split.train)
    playlists = playlists.subset(np.flatnonzero(playlists.lengths > 1))
    if len(playlists) == 0:
        return "no training playlist has two tracks"
    nodes = np.repeat(np.arange(len(playlists)), playlists.lengths)
    weight = np.ones(len(nodes), np.float32)
    names = tuple(map(str, playlists.ids))
    return Links(playlists.tracks.astype(np.int64), nodes, weight, "playlist", names)


RELATIONS: dict[str, Callable[[TrainingData, int], Links | str]] = {
    "playlist": by_playlist,
    "artist": by_artist,
    "album": by_album,
    "audio": by_audio,
    "consecutive": by_order,
    "artist_nodes": artist_nodes,
    "playlist_nodes": playlist_nodes,
}
"""Relations by name; each is given what a training sees, and how many nearest tracks are wanted."""


def _all_pairs(group: np.ndarray) -> Links | None:
    """Join all tracks of a group; those of group -1 stay alone."""
    rows = np.flatnonzero(group >= 0)
    _, column = np.unique(group[rows], return_inverse=True)
    ones = np.ones(len(rows), np.float32)
    member = csr_array((ones, (rows, column)), shape=(len(group), len(rows)))
    links = _links((member @ member.T).tocoo())
    return links if len(links.source) else None


def _links(pairs: coo_array) -> Links:
    """Take the edges out of a symmetric matrix, without its diagonal."""
    row, column = (part.astype(np.int64) for part in pairs.coords)
    kept = row != column
    return Links(column[kept], row[kept], pairs.data[kept].astype(np.float32))


def chosen(names: Sequence[str] = ()) -> tuple[str, ...]:
    """Check the names of relations.

    Parameters
    ----------
    names : sequence of str
        None: all.

    Returns
    -------
    tuple of str
        Each once, in the order of :data:`RELATIONS`: another order is not another graph.

    Raises
    ------
    MusigError
        If there is no such relation.

    Notes
    -----
    Notebook: 13_relations

    Examples
    --------
    >>> chosen(["audio", "playlist", "audio"])
    ('playlist', 'audio')
    >>> chosen(["albums"])
    Traceback (most recent call last):
    musig.errors.MusigError: Unknown relation 'albums': did you mean 'album'? Valid: playlist, ...
    """
    if isinstance(names, str):
        raise MusigError(f"relations is the text '{names}'; expected a list of names.")
    for name in names:
        if name not in RELATIONS:
            raise MusigError(f"Unknown relation '{name}': {nearest(name, RELATIONS)}")
    return tuple(name for name in RELATIONS if name in names or not names)


def relation_graph(
    data: TrainingData, names: Sequence[str] = (), neighbours: int = 10
) -> RelationGraph:
    """Build chosen relations.

    Parameters
    ----------
    data : TrainingData
    names : sequence of str
        Of :data:`RELATIONS`; none: all.
    neighbours : int, > 0
        For :func:`by_audio`.

    Returns
    -------
    RelationGraph

    Raises
    ------
    MusigError
        If a relation is unknown, or `neighbours` is not above 0.

    Notes
    -----
    Notebook: 13_relations

    Examples
    --------
    >>> from musig.sources.synthetic import make
    >>> from musig.splits import split_playlists
    >>> from musig.training_data import prepare
    >>> catalog = make("smoke")
    >>> data = prepare(catalog, split_playlists(catalog, seed=0))
    >>> hetero = relation_graph(data, ["playlist", "playlist_nodes"]).hetero
    >>> hetero.node_types, len(hetero.edge_types)
    (['track', 'playlist'], 3)
    >>> hetero.edge_types[0]
    ('track', 'by_playlist', 'track')
    """
    from torch_geometric.data import HeteroData  # takes seconds to import

    names = chosen(names)
    if neighbours < 1:
        raise MusigError(f"neighbours is {neighbours}; expected a number above 0.")
    hetero, absent = HeteroData(), {}
    hetero[TRACK].x = torch.from_numpy(data.attributes.x)
    hetero[TRACK].track_id = list(data.catalog.tracks.index)
    for name in names:
        links = RELATIONS[name](data, neighbours)
        if isinstance(links, str):
            absent[name] = links
            continue
        ends = torch.from_numpy(np.stack([links.source, links.target]))
        weight = torch.from_numpy(links.weight)
        other, label = links.node_type, f"by_{name}"
        if other != TRACK:
            hetero[other].x = torch.ones(len(links.names), 1)
            hetero[other].name = list(links.names)
            _set(hetero, (other, label, TRACK), ends.flip(0), weight)
        _set(hetero, (TRACK, label, other), ends, weight)
    return RelationGraph(hetero, absent)


def _set(hetero: HeteroData, edge: EdgeType, ends: torch.Tensor, weight: torch.Tensor) -> None:
    """Put an edge type in, sorted by receiver, then by sender."""
    order = torch.from_numpy(np.lexsort((ends[0].numpy(), ends[1].numpy())))
    hetero[edge].edge_index = ends[:, order]
    hetero[edge].edge_weight = weight[order]


def rows_of(hetero: HeteroData) -> dict[EdgeType, CSR]:
    """Turn each relation into row form: a row a receiver, its senders in the columns.

    Parameters
    ----------
    hetero : HeteroData
        Of :func:`relation_graph`.

    Returns
    -------
    dict of (str, str, str) to CSR

    Notes
    -----
    Notebook: 13_relations

    Examples
    --------
    >>> from torch_geometric.data import HeteroData
    >>> hetero = HeteroData()
    >>> hetero["track"].x, hetero["artist"].x = torch.ones(3, 1), torch.ones(1, 1)
    >>> edge = ("track", "by_artist_nodes", "artist")
    >>> hetero[edge].edge_index = torch.tensor([[0, 2], [0, 0]])
    >>> hetero[edge].edge_weight = torch.ones(2)
    >>> csr = rows_of(hetero)[edge]
    >>> csr.indptr.tolist(), csr.indices.tolist(), csr.n_cols
    ([0, 2], [0, 2], 3)
    """
    made = {}
    for edge in hetero.edge_types:
        source, _, target = edge
        store, n = hetero[edge], hetero[target].x.shape[0]
        senders, receivers = store.edge_index
        indptr = torch.zeros(n + 1, dtype=torch.int64)
        indptr[1:] = torch.bincount(receivers, minlength=n).cumsum(0)
        made[edge] = CSR(indptr, senders, store.edge_weight, n, hetero[source].x.shape[0])
    return made


def with_relations(
    data: TrainingData, names: Sequence[str] = (), neighbours: int = 10
) -> RelationalData:
    """Add relations to what a training sees.

    Parameters
    ----------
    data : TrainingData
    names : sequence of str
        Of :data:`RELATIONS`; none: all.
    neighbours : int, > 0
        For :func:`by_audio`.

    Returns
    -------
    RelationalData
        For :func:`musig.train.train` with ``network=HeteroNetwork`` (:mod:`musig.hetero`).

    Raises
    ------
    MusigError
        As :func:`relation_graph`.

    Notes
    -----
    The edges themselves are a part of the fingerprint: a relation may be defined in a notebook,
    whose source no cache knows.

    Notebook: 13_relations
    """
    graph = relation_graph(data, names, neighbours)
    digest = hashlib.sha256()
    for edge in graph.hetero.edge_types:
        store = graph.hetero[edge]
        digest.update("|".join(edge).encode())
        digest.update(store.edge_index.numpy().tobytes())
        digest.update(store.edge_weight.numpy().tobytes())
    told = {"relations": list(chosen(names)), "neighbours": neighbours, "edges": digest.hexdigest()}
    parts = {each.name: getattr(data, each.name) for each in fields(TrainingData)}
    return RelationalData(**{**parts, "settings": data.settings | told}, graph=graph)
