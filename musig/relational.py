"""MUSIG over several relations, as a method among others.

The row ``musig-relations`` of the tables is :class:`musig.encoders.Musig` with another encoder
(:mod:`musig.hetero`): which relations, and so which types of nodes, is a setting. With the relation
"playlist" alone it is the paper's method.

Conventions
-----------
As in :mod:`musig.encoders`.

Contents
--------
MusigRelations.
"""

from __future__ import annotations

from typing import Any, ClassVar, Self

from musig.catalog import Catalog
from musig.encoders import Musig
from musig.hetero import HeteroNetwork
from musig.relations import RelationalData, chosen, with_relations
from musig.splits import Split


class MusigRelations(Musig):
    """Train an encoder over several relations; score tracks by the cosine with the mean seed.

    Parameters
    ----------
    seed : int, >= 0
    device : {"auto", "cpu", "cuda"}
    progress : bool
    **settings
        As for :class:`musig.encoders.Musig`, and ``relations`` (of
        :data:`musig.relations.RELATIONS`; none: all that the data have) and ``neighbours`` (how
        many nearest tracks the relation "audio" joins each with, 10).

    Raises
    ------
    MusigError
        For an unknown setting or relation, or a wrong value.

    Notes
    -----
    Relations that the data do not have are left out, and ``notes`` says so.

    Notebook: 13_relations

    Examples
    --------
    >>> MusigRelations(relations=["playlist", "artist"]).settings["relations"]
    ['playlist', 'artist']
    >>> MusigRelations(relation=["playlist"])
    Traceback (most recent call last):
    musig.errors.MusigError: Method 'musig-relations' has no setting 'relation': did you mean ...
    >>> MusigRelations(relations=["albums"])
    Traceback (most recent call last):
    musig.errors.MusigError: Unknown relation 'albums': did you mean 'album'? Valid: playlist, ...
    """

    name = "musig-relations"
    cannot: ClassVar[str] = ""
    defaults: ClassVar[dict[str, Any]] = Musig.defaults | {"relations": (), "neighbours": 10}
    network = HeteroNetwork

    def __init__(
        self, *, seed: int = 0, device: str = "auto", progress: bool = False, **settings: Any
    ) -> None:
        super().__init__(seed=seed, device=device, progress=progress, **settings)
        chosen(self.settings["relations"])  # an unknown one is told before anything is computed

    def fit(self, catalog: Catalog, split: Split) -> Self:
        """Train on the training playlists; stop when the validation playlists say so."""
        super().fit(catalog, split)
        self.notes += [f"{catalog.name}: {why}: left out." for why in self._lacking]
        return self

    def prepared(self, catalog: Catalog, split: Split) -> RelationalData:
        """Make what the training sees."""
        names, neighbours = self.settings["relations"], self.settings["neighbours"]
        data = with_relations(super().prepared(catalog, split), names, neighbours)
        self._lacking = [
            f"the relation {name} is not there, since {why}"
            for name, why in data.graph.absent.items()
        ]
        return data

    def absent(self, catalog: Catalog, split: Split) -> str:
        """Say why a relation that was asked for by name cannot be had; or nothing."""
        if not self.settings["relations"]:
            return ""
        self.prepared(catalog, split)
        return "; ".join(self._lacking)
