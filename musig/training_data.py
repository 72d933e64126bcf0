"""What one training sees: universe, graph, attributes, and what is held out.

Everything is counted and fitted on training playlists, and on tracks whose artist is not held
out, once, here, so that no later step can look further (the traps this avoids are listed in the
book's page on the choices we made).

Conventions
-----------
Tracks are positions in the universe: the tracks in at least `min_playlists` training playlists.
A tenth of the *artists* is held out: nearly every track of an artist has the same genre, so
tracks held out singly would test whether the artist is recognised. Their tracks stay in the graph;
their labels and distances never supervise.

Contents
--------
- :class:`TrainingData` and :func:`prepare`, which makes it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from musig.catalog import Catalog, universe
from musig.completion import Holdout, holdout
from musig.errors import MusigError, nearest
from musig.features import (
    CONTROLS,
    Attributes,
    control_attributes,
    fit_attributes,
    known_groups,
)
from musig.graph import CSR, music_graph, to_csr
from musig.splits import Split, split_artists

LEARNED = 128
"""Width of the table of ``attributes="none"``: that of the embedding, by default."""


@dataclass(frozen=True, eq=False)
class TrainingData:
    """Universe, graph, attributes, and what is held out."""

    catalog: Catalog
    """The universe: the catalogue restricted to it, with all its playlists."""
    split: Split
    """Which playlists train, validate and test."""
    csr: CSR
    """The music graph of the training playlists."""
    attributes: Attributes
    """Node attributes, a row a track of the universe."""
    held_out: np.ndarray
    """bool, shape (n_tracks,): tracks whose artist's labels and distances never supervise."""
    valid: Holdout
    """Validation playlists as seeds and targets, for early stopping."""
    settings: dict = field(default_factory=dict)
    """The arguments of :func:`prepare` that made it."""

    @property
    def n_tracks(self) -> int:
        """Number of tracks in the universe."""
        return self.catalog.n_tracks

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of the data and of how it was prepared."""
        parts = [self.catalog.fingerprint, json.dumps(self.settings, sort_keys=True)]
        digest = hashlib.sha256("\n".join(parts).encode())
        for positions in (self.split.train, self.split.valid):
            digest.update(np.ascontiguousarray(positions, dtype=np.int64).tobytes())
        return digest.hexdigest()


def prepare(
    catalog: Catalog,
    split: Split,
    *,
    min_playlists: int = 3,
    min_weight: int = 2,
    groups: Sequence[str] = (),
    popularity: str = "train_count",
    genres: str = "main",
    attributes: str = "known",
    seed: int = 0,
    draw: int | None = None,
) -> TrainingData:
    """Make what a training sees.

    Parameters
    ----------
    catalog : Catalog
        The whole data set.
    split : Split
        Of its playlists.
    min_playlists : int, >= 0
        In how many training playlists a track must be to belong to the universe.
    min_weight : int, >= 0
        Edges of this weight or less are dropped.
    groups : sequence of str
        Attribute groups, of :data:`musig.features.GROUPS`; none: all of which the data know
        anything.
    popularity : {"train_count", "external"}
        The number of training playlists that hold the track, or the data set's own column. The
        latter is often a later snapshot, partly a consequence of the playlists themselves.
    genres : {"main", "all"}
        Main genre, or every tag.
    attributes : {"known", "random", "constant", "none"}
        What the tracks are described by: those groups, or attributes without any knowledge
        (:func:`musig.features.control_attributes`), random ones as many as the groups have
        columns. What the tasks learn from stays the same.
    seed : int
        Draws the held-out artists and the halves of the validation playlists.
    draw : int, optional
        Draws random and learned attributes, by default `seed`: trainings that are to differ in
        them, and be measured on the same artists and playlists, differ in this.

    Returns
    -------
    TrainingData

    Raises
    ------
    MusigError
        If the universe is empty, a group is unknown or not in this data, or no validation
        playlist can be split.

    Notes
    -----
    Notebook: 05_multitask_training

    Examples
    --------
    >>> from musig.sources.synthetic import make
    >>> from musig.splits import split_playlists
    >>> catalog = make("smoke")
    >>> data = prepare(catalog, split_playlists(catalog, seed=0))
    >>> data.attributes.x.shape[0] == data.csr.n_rows == data.n_tracks
    True
    """
    positions = universe(catalog, split.train, min_playlists)
    known = catalog.restrict(positions)
    train = known.playlists.subset(split.train)
    # Of the whole catalogue, so that the same artists are held out whatever the universe is: an
    # acoustic network that was fitted without them (musig.acoustic) never heard one of them.
    held_out = split_artists(catalog, seed)[positions]
    groups = groups or known_groups(known.tracks, popularity)
    kinds = ("known", *CONTROLS)
    if attributes not in kinds:
        raise MusigError(f"attributes is '{attributes}': {nearest(attributes, kinds)}")
    described = fit_attributes(
        known.tracks,
        groups,
        popularity=popularity,
        train_count=train.counts(known.n_tracks),
        genres=genres,
        fit_rows=np.flatnonzero(~held_out),
    )
    settings = {
        "min_playlists": min_playlists,
        "min_weight": min_weight,
        "groups": list(groups),
        "popularity": popularity,
        "genres": genres,
        "seed": seed,
    }
    if attributes != "known":
        width = LEARNED if attributes == "none" else described.x.shape[1]
        draw = seed if draw is None else draw
        described = control_attributes(attributes, known.n_tracks, width, draw)
        settings |= {"attributes": attributes, "draw": draw}
    return TrainingData(
        catalog=known,
        split=split,
        csr=to_csr(music_graph(train, known.n_tracks, min_weight)),
        attributes=described,
        held_out=held_out,
        valid=holdout(catalog, positions, split.valid, seed),
        settings=settings,
    )
