"""Tracks that a model never saw: embedded with its weights as they are.

The aggregators have one set of parameters for all tracks, so that they answer for a track that came
after the training: what is known of it goes in, and what its neighbours know (Saravanou et al.,
ISMIR 2021, call the representations inductive; Hamilton et al., NeurIPS 2017, section 3.1).
Nothing is fitted again here: scalers, imputation and vocabularies are those of the model.

Conventions
-----------
The nodes of an extended graph are the tracks of the model, in its order, then the new ones. What
playlists say holds in both directions, as everywhere; a neighbour by content is no fact about
playlists, so that only the new track gathers from it. New tracks that are embedded together are in
one graph. The vectors of the model's own tracks stay what they are.

Where the source is silent these are our choices. The threshold of the training would leave nothing
of a few co-occurrences: it holds for a new track that keeps :data:`ENOUGH` edges with it, and of
others every edge counts. A track without an edge gathers from its :data:`NEIGHBOURS` nearest by
content. How many training playlists hold a new
track is unknown, and imputed; the column that says "unknown" is left at 0 where no track of the
training had it at 1, since its weights were never learned.

Contents
--------
- :func:`embed_tracks`, :class:`Embedded`: vectors of new tracks; :func:`with_tracks`,
  :func:`without_tracks`: the model with them, and without some of its own.
- :func:`require_new`, :func:`can_embed`: what is refused.
- :func:`attributes_of`, :func:`content_of`, :func:`nearest_by_content`, :func:`supported`,
  :func:`embed_rows`: the steps to it.

Tables as people have them are read by :mod:`musig.sources.single`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import torch
from scipy.sparse import block_array, csr_array, hstack
from torch import Tensor

from musig.catalog import FEATURES, Playlists
from musig.cooccurrence import cooccurrence
from musig.csr import CSR
from musig.errors import MusigError, counted
from musig.features import ACOUSTIC, apply_attributes
from musig.model import Encoder, embed
from musig.modelfolder import Trained

CONTENT = ("GENRE", "AUDIO", "ACOUSTIC")
"""Attribute groups that tell what a track sounds like, and are known before anybody listens."""

NEIGHBOURS = 10
"""Tracks by content that a track without an edge gathers from."""

ENOUGH = 10
"""Edges above the threshold of the training with which weaker ones are no longer needed."""

COLUMNS = {"GENRE": ("main_genre", "genres"), "AUDIO": FEATURES, "ACOUSTIC": ACOUSTIC}
"""Columns of a table of tracks that a group is made from; one of them has to be there."""


@dataclass(frozen=True, eq=False)
class Embedded:
    """Vectors of new tracks, and what they were made from.

    Notes
    -----
    Made by :func:`embed_tracks`.

    Notebook: 12_new_tracks
    """

    tracks: pd.DataFrame
    """Index ``track_id``; ``name``, ``artist``; ``co_occurrences`` (sum of the weights of its
    edges), ``neighbours`` (how many edges) and ``by``: "playlists", "content" or "nothing"."""
    vectors: np.ndarray
    """float32, shape (n_new, embedding_size), rows of length 1."""
    x: Tensor
    """float32, shape (n_new, n_attributes): the attributes, as the encoder takes them."""
    links: csr_array
    """shape (n_new, n_known + n_new): weights of the edges that playlists give."""
    content: csr_array
    """shape (n_new, n_known): 1 where a new track gathers from a track that is like it."""

    def table(self) -> pd.DataFrame:
        """Put the vectors beside the tracks: columns ``track_id``, those of `tracks`, ``vector``.

        Returns
        -------
        DataFrame
            One row a track, its vector an array: what ``musig embed`` writes.
        """
        return self.tracks.reset_index().assign(vector=list(self.vectors))


def embed_tracks(
    model: Trained,
    tracks: pd.DataFrame,
    playlists: Iterable[Sequence[str] | np.ndarray] = (),
    *,
    edges: pd.DataFrame | None = None,
    min_weight: int | None = None,
    neighbours: int = NEIGHBOURS,
    train_count: np.ndarray | None = None,
) -> Embedded:
    """Embed tracks that the model was not trained with; its weights are not touched.

    Parameters
    ----------
    model : Trained
        From :func:`musig.modelfolder.load`.
    tracks : DataFrame
        The new tracks: index ``track_id``, columns as in :class:`musig.catalog.Catalog`.
    playlists : iterable of sequences or arrays of str
        Track ids, of new tracks and of the model's. Ids that are neither are passed over, and so
        are playlists without a new track.
    edges : DataFrame, optional
        Edges instead of playlists: ``source``, ``target`` (track ids, in either order) and
        ``weight``, as ``musig graph`` writes them.
    min_weight : int, >= 0, optional
        Edges of this weight or less are dropped. By default those that training dropped, of tracks
        that have enough others (:func:`supported`).
    neighbours : int, >= 0
        From how many tracks a track without an edge gathers, the nearest by content
        (:func:`nearest_by_content`); 0: from none.
    train_count : ndarray, shape (n_new,), optional
        In how many training playlists each track would have been, where that is known; only a
        model with that kind of POPULARITY asks. NaN, or none at all: unknown.

    Returns
    -------
    Embedded
        In the order of `tracks`.

    Raises
    ------
    MusigError
        If a track is one of the model's, or comes twice; if the table has no column of a group that
        the model was trained with; if both playlists and edges are given, or neither names a new
        track, or edges are not in order; if a number is not one that is expected; or if the model
        cannot embed new tracks.

    Notes
    -----
    With the edges that a track had in training, the attributes it had, and the model's own
    `min_weight`, the vector is the one that training ended with.

    Notebook: 12_new_tracks
    """
    require_new(model, tracks)
    if neighbours < 0:
        raise MusigError(f"neighbours is {neighbours}; expected 0 or more.")
    playlists = list(playlists)
    if edges is not None and playlists:
        raise MusigError("Both playlists and edges were given; expected only one of them.")
    x = attributes_of(model, tracks, train_count)
    ids = model.tracks.index.append(tracks.index)
    links = (
        _links_of(playlists, ids, len(model.tracks), min_weight or 0)
        if edges is None
        else _links_given(edges, ids, len(model.tracks), min_weight or 0)
    )
    if min_weight is None:
        links = supported(links, len(model.tracks), model.info["prepared"]["min_weight"])
    lonely = np.flatnonzero(np.diff(links.indptr) == 0)
    content = csr_array((len(tracks), len(model.tracks)), dtype=np.float32)
    if neighbours and len(lonely):
        groups = _groups_of(model)
        of_known, of_new = (content_of(part.numpy(), groups) for part in (model.x, x[lonely]))
        content = _placed(nearest_by_content(of_known, of_new, neighbours), lonely, len(tracks))
    vectors = embed_rows(model.encoder, model.x, model.csr, x, links, content)
    told = tracks.reindex(columns=["name", "artist"])
    edged, alike = np.diff(links.indptr), np.diff(content.indptr)
    told = told.assign(
        co_occurrences=np.asarray(links.sum(axis=1)),
        neighbours=edged + alike,
        by=np.select([edged > 0, alike > 0], ["playlists", "content"], "nothing"),
    )
    return Embedded(told, vectors.numpy(), x, links, content)


def with_tracks(model: Trained, new: Embedded) -> Trained:
    """Give the model with new tracks among its own, to complete playlists from or with them.

    Parameters
    ----------
    model : Trained
    new : Embedded
        From :func:`embed_tracks`, of this model.

    Returns
    -------
    Trained
        Nothing is written. Its own tracks have the vectors that they had.

    Raises
    ------
    MusigError
        If a new track is one of the model's.

    Notes
    -----
    Notebook: 12_new_tracks
    """
    require_new(model, new.tracks)
    return replace(
        model,
        tracks=pd.concat([model.tracks, new.tracks[["name", "artist"]]]),
        embeddings=torch.cat([model.embeddings, torch.from_numpy(new.vectors)]),
        x=torch.cat([model.x, new.x]),
        csr=_extended(model.csr, new.links, new.content),
    )


def without_tracks(model: Trained, ids: Sequence[str]) -> Trained:
    """Give the model without some of its tracks and their edges, its weights as they are.

    Parameters
    ----------
    model : Trained
    ids : sequence of str
        Track ids.

    Returns
    -------
    Trained
        Nothing is written. The other tracks have the vectors that they had.

    Raises
    ------
    MusigError
        If a track is not one of the model's, or none is left.

    Notes
    -----
    To ask how a known track would be placed if it were new. The weights have seen it: a measure of
    what is new takes it out before anything is fitted (:mod:`musig.newtracks`).

    Notebook: 12_new_tracks
    """
    unknown = pd.Index(list(ids)).difference(model.tracks.index)
    if len(unknown):
        raise MusigError(
            f"Track '{unknown[0]}' is not among the {len(model.tracks)} tracks of the model"
            f" {model.folder}: nothing to leave out."
        )
    kept = np.flatnonzero(~model.tracks.index.isin(list(ids)))
    if not len(kept):
        raise MusigError("All tracks of the model would be left out: leave one at least.")
    csr = model.csr
    n, at = csr.n_rows, torch.from_numpy(kept)
    whole = csr_array((csr.weight.numpy(), csr.indices.numpy(), csr.indptr.numpy()), (n, n))
    return replace(
        model,
        tracks=model.tracks.iloc[kept],
        embeddings=model.embeddings[at],
        x=model.x[at],
        csr=_csr_of(csr_array(whole[kept][:, kept])),
    )


def require_new(model: Trained, tracks: pd.DataFrame) -> None:
    """Refuse tracks that are the model's own, or come twice, or none at all.

    Parameters
    ----------
    model : Trained
    tracks : DataFrame
        Index ``track_id``.

    Raises
    ------
    MusigError
        Naming the first.

    Notes
    -----
    Notebook: 12_new_tracks
    """
    if not len(tracks):
        raise MusigError("There is no new track: give a table with a row for each.")
    twice = tracks.index[tracks.index.duplicated()]
    if len(twice):
        raise MusigError(f"The new track '{twice[0]}' is there twice: give each once.")
    both = tracks.index.intersection(model.tracks.index)
    if len(both):
        raise MusigError(
            f"Of the {counted(len(tracks), 'new track')}, {len(both):,} were trained with, the"
            f" first is '{both[0]}': leave them out, their vectors are in {model.folder}."
        )


def attributes_of(
    model: Trained, tracks: pd.DataFrame, train_count: np.ndarray | None = None
) -> Tensor:
    """Describe new tracks in the columns that the model's encoder takes.

    Parameters
    ----------
    model : Trained
    tracks : DataFrame
        Index ``track_id``, columns as in :class:`musig.catalog.Catalog`.
    train_count : ndarray, shape (n_new,), optional
        See :func:`embed_tracks`.

    Returns
    -------
    Tensor of float32, shape (n_new, n_attributes)

    Raises
    ------
    MusigError
        If the model describes tracks by numbers that say nothing of a new one, its encoder is not
        that of one graph, or a group of its attributes has no column in the table.

    Notes
    -----
    A column that is there and empty is unknown, and is imputed as in training.

    Notebook: 12_new_tracks
    """
    state = _state_of(model)
    for group in state["groups"]:
        columns = COLUMNS.get(group, ())
        if columns and not any(column in tracks for column in columns):
            raise MusigError(
                f"The model {model.folder} was trained with {', '.join(state['groups'])}, and the"
                f" new tracks have no column of {group}: add {' or '.join(columns[:2])}"
                f"{', …' if len(columns) > 2 else ''}, left empty where it is unknown, or train a"
                f" model without {group}."
            )
    if train_count is None:
        train_count = np.full(len(tracks), np.nan)
    if len(train_count) != len(tracks):
        raise MusigError(
            f"train_count has {counted(len(train_count), 'number')} for"
            f" {counted(len(tracks), 'new track')}; expected one each."
        )
    x = apply_attributes(tracks, state, train_count).x
    config = model.info["identity"]["config"]
    hides = config.get("mask_genre", False) and config.get("weight_genre", 0) > 0
    for group, (_, stop) in _groups_of(model).items():
        taught = bool((model.x[:, stop - 1] != 0).any()) or (group == "GENRE" and hides)
        if not taught:
            x[:, stop - 1] = 0.0
    return torch.from_numpy(x)


def can_embed(model: object) -> bool:
    """Tell whether something is a model that can embed tracks it never saw.

    Parameters
    ----------
    model : object

    Returns
    -------
    bool

    Notes
    -----
    Notebook: 12_new_tracks

    Examples
    --------
    >>> can_embed(None)
    False
    """
    return (
        isinstance(model, Trained)
        and isinstance(model.encoder, Encoder)
        and "groups" in model.info["attributes"]["state"]
    )


def _state_of(model: Trained) -> Mapping:
    """Give how attributes were scaled, or say why the model cannot embed new tracks."""
    state = model.info["attributes"]["state"]
    if not isinstance(model.encoder, Encoder):
        raise MusigError(
            f"The model {model.folder} was trained on several relations; expected one of the music"
            " graph alone, such as musig train makes."
        )
    if "groups" not in state:
        raise MusigError(
            f"The model {model.folder} was trained with attributes '{state['control']}', which say"
            " nothing of a new track: train one with attribute groups, such as GENRE,AUDIO."
        )
    return state


def _groups_of(model: Trained) -> dict[str, tuple[int, int]]:
    """Give the columns of each attribute group of a model."""
    return {
        group: (int(start), int(stop))
        for group, (start, stop) in model.info["attributes"]["groups"].items()
    }


def supported(links: csr_array, n_known: int, min_weight: int, enough: int = ENOUGH) -> csr_array:
    """Drop weak edges of the nodes that have enough strong ones.

    Parameters
    ----------
    links : csr_array, shape (n_new, n_known) or (n_new, n_known + n_new)
        Weights of the edges of new nodes.
    n_known : int
    min_weight : int, >= 0
        Edges of this weight or less are weak.
    enough : int, > 0

    Returns
    -------
    csr_array of float32
        An edge between two new nodes is there if either keeps it.

    Notes
    -----
    On validation playlists of ``mpd_sample`` an encoder that was trained on strong edges placed new
    tracks better by theirs than by all edges, and better by few weak edges than by none.

    Notebook: 12_new_tracks

    Examples
    --------
    >>> links = csr_array(np.array([[3.0, 1.0, 4.0], [3.0, 1.0, 1.0]]))
    >>> supported(links, n_known=3, min_weight=2, enough=2).toarray().tolist()
    [[3.0, 0.0, 4.0], [3.0, 1.0, 1.0]]
    """
    n_new = links.shape[0]
    rows = np.repeat(np.arange(n_new), np.diff(links.indptr))
    strong = links.data > min_weight
    settled = np.bincount(rows[strong], minlength=n_new) >= enough
    kept = strong | ~settled[rows]
    indptr = np.concatenate([[0], np.cumsum(np.bincount(rows[kept], minlength=n_new))])
    fewer = csr_array((links.data[kept], links.indices[kept], indptr), links.shape)
    if links.shape[1] == n_known:
        return fewer
    among = csr_array(fewer[:, n_known:])
    return csr_array(hstack([fewer[:, :n_known], among.maximum(among.T)], format="csr"))


def content_of(x: np.ndarray, groups: Mapping[str, tuple[int, int]]) -> np.ndarray:
    """Take what tracks sound like out of their attributes, each group of the same weight.

    Parameters
    ----------
    x : ndarray of float32, shape (n, d)
        Scaled attributes.
    groups : mapping of str to (int, int)
        Columns of each group, of which those of :data:`CONTENT` are taken.

    Returns
    -------
    ndarray of float32, shape (n, k)
        The columns of a group over the root of their number.

    Raises
    ------
    MusigError
        If there is no such group.

    Notes
    -----
    As :class:`musig.baselines.content.Content` weights them.

    Notebook: 12_new_tracks

    Examples
    --------
    >>> content_of(np.array([[1.0, 1.0, 3.0]]), {"GENRE": (0, 1), "POPULARITY": (1, 3)}).tolist()
    [[1.0]]
    """
    parts = [
        x[:, start:stop] / np.sqrt(stop - start)
        for group, (start, stop) in groups.items()
        if group in CONTENT
    ]
    if not parts:
        raise MusigError(
            f"Tracks are described by {', '.join(groups) or 'nothing'} alone, which does not tell"
            f" what they sound like: neighbours by content need one of {', '.join(CONTENT)}."
        )
    return np.concatenate(parts, axis=1)


def nearest_by_content(known: np.ndarray, new: np.ndarray, k: int = NEIGHBOURS) -> csr_array:
    """Find the known tracks that sound most like each new one.

    Parameters
    ----------
    known : ndarray, shape (n_known, d)
        From :func:`content_of`.
    new : ndarray, shape (n_new, d)
    k : int, > 0
        How many for each; all, if there are fewer.

    Returns
    -------
    scipy.sparse.csr_array of float32, shape (n_new, n_known)
        1 for each of the nearest by cosine.

    Notes
    -----
    All neighbours count alike: how near they are is not comparable from one data set to another.

    Notebook: 12_new_tracks

    Examples
    --------
    >>> nearest_by_content(np.eye(3), np.array([[0.0, 2.0, 1.0]]), k=2).toarray().tolist()
    [[0.0, 1.0, 1.0]]
    """
    from sklearn.neighbors import NearestNeighbors  # slow to import

    nearest = NearestNeighbors(metric="cosine").fit(known)
    found = nearest.kneighbors(new, min(k, len(known)), return_distance=False)
    indptr = np.arange(len(new) + 1) * found.shape[1]
    ones = np.ones(found.size, dtype=np.float32)
    return csr_array((ones, np.sort(found, axis=1).ravel(), indptr), (len(new), len(known)))


def embed_rows(
    encoder: Encoder,
    x: Tensor,
    csr: CSR,
    x_new: Tensor,
    links: csr_array,
    content: csr_array | None = None,
) -> Tensor:
    """Embed new nodes of a graph exactly.

    Parameters
    ----------
    encoder : Encoder
    x : Tensor of float32, shape (n_known, n_attributes)
    csr : CSR
        The graph of the known nodes.
    x_new : Tensor of float32, shape (n_new, n_attributes)
    links : csr_array, shape (n_new, n_known) or (n_new, n_known + n_new)
        Weights of the edges of the new nodes, which hold in both directions; among themselves they
        are symmetric.
    content : csr_array, shape (n_new, n_known), optional
        Weights of what the new nodes gather from besides, in this direction only.

    Returns
    -------
    Tensor of float32, shape (n_new, embedding_size)

    Notes
    -----
    The whole graph is embedded and the new rows are kept: with all the edges a node had, the
    result is what it was when the node was one of the known ones.

    Notebook: 12_new_tracks
    """
    whole = _extended(csr, links, content)
    return embed(encoder, torch.cat([x, x_new]), whole)[csr.n_rows :]


def _extended(csr: CSR, links: csr_array, content: csr_array | None = None) -> CSR:
    """Append new nodes to a graph."""
    n, n_new = csr.n_rows, links.shape[0]
    old = csr_array((csr.weight.numpy(), csr.indices.numpy(), csr.indptr.numpy()), (n, n))
    known = links[:, :n]
    among = links[:, n:] if links.shape[1] > n else csr_array((n_new, n_new), dtype=np.float32)
    gathered = known if content is None else known + content
    whole = csr_array(block_array([[old, known.T], [gathered, among]], format="csr"))
    return _csr_of(whole)


def _csr_of(whole: csr_array) -> CSR:
    """Turn a square sparse matrix into a graph."""
    whole.sort_indices()
    indptr, indices = (
        torch.from_numpy(part.astype(np.int64)) for part in (whole.indptr, whole.indices)
    )
    weight = torch.from_numpy(whole.data.astype(np.float32))
    return CSR(indptr, indices, weight, *whole.shape)


def _placed(rows: csr_array, at: np.ndarray, n: int) -> csr_array:
    """Spread rows over a taller matrix."""
    counts = np.zeros(n, dtype=np.int64)
    counts[at] = np.diff(rows.indptr)
    indptr = np.concatenate([[0], np.cumsum(counts)])
    return csr_array((rows.data, rows.indices, indptr), (n, rows.shape[1]))


def _links_of(
    playlists: Iterable[Sequence[str] | np.ndarray], ids: pd.Index, n_known: int, min_weight: int
) -> csr_array:
    """Count with whom new tracks share playlists."""
    lists, n_given = [], 0
    for n_given, each in enumerate(playlists, 1):
        if isinstance(each, str):
            raise MusigError(f"Playlist {n_given} is the text '{each}'; expected a list of ids.")
        positions = ids.get_indexer(pd.Index(list(each), dtype="object"))
        positions = positions[positions >= 0]
        if (positions >= n_known).any():
            lists.append(positions)
    if n_given and not lists:
        raise MusigError(
            f"Of the {counted(n_given, 'playlist')} none holds a new track, such as"
            f" '{ids[n_known]}': compare the ids, or leave the playlists out."
        )
    some, n = Playlists.from_lists(lists), len(ids)
    indptr, indices, weights = cooccurrence(some.indptr, some.tracks, n, min_weight)
    whole = csr_array((weights.astype(np.float32), indices, indptr), (n, n))
    return csr_array(whole[n_known:])


def _links_given(edges: pd.DataFrame, ids: pd.Index, n_known: int, min_weight: int) -> csr_array:
    """Check edges that were given, and put those of new tracks in rows."""
    for column in ("source", "target", "weight"):
        if column not in edges:
            raise MusigError(
                f"The edges have no column {column}, only {', '.join(map(str, edges))}: expected"
                " source, target and weight, as musig graph writes them."
            )
    n = len(ids)
    source, target = (
        ids.get_indexer(pd.Index(edges[end].astype("str"))) for end in ("source", "target")
    )
    given = edges["weight"]
    weight = pd.to_numeric(given, errors="coerce").to_numpy(dtype=np.float32)
    wrong = ~(np.isfinite(weight) & (weight > 0))
    if wrong.any():
        first = int(wrong.argmax())
        raise MusigError(
            f"Edge {first + 1} has the weight '{given.iloc[first]}'; expected a number above 0."
        )
    if len(edges) and not ((source >= n_known) | (target >= n_known)).any():
        raise MusigError(
            f"Of the {counted(len(edges), 'edge')} none ends at a new track, such as"
            f" '{ids[n_known]}': compare the ids, or leave the edges out."
        )
    kept = (source >= 0) & (target >= 0) & (source != target) & (weight > min_weight)
    ends = np.sort(np.stack([source[kept], target[kept]]), axis=0)
    twice = pd.DataFrame(ends.T).duplicated().to_numpy()
    if twice.any():
        a, b = ids[ends[:, twice.argmax()]]
        raise MusigError(f"The edge between '{a}' and '{b}' is there twice: give each once.")
    both = np.concatenate([ends, ends[::-1]], axis=1)
    return csr_array(csr_array((np.tile(weight[kept], 2), tuple(both)), (n, n))[n_known:])
