"""MUSIG as a method among others: the paper's encoder, trained and asked for the nearest tracks.

The row ``musig`` of the tables is the paper's method as its source describes it, with our choices
where the source is silent (Saravanou, Tomasi, Mehrotra, Lalmas, ISMIR 2021), and it stays as it is:
neighbours weighted by shared playlists are averaged over two hops, 128 dimensions, three tasks of
weights 1, 0.5 and 0.5, every attribute group that the data know. A playlist is completed with the
tracks nearest to the mean of its seeds. What we would do otherwise is :mod:`musig.best`.

Conventions
-----------
Tracks are positions in the universe. Trainings go through the cache: cells of different tables that
ask for the same training share it.

Contents
--------
Musig.
"""

from __future__ import annotations

from dataclasses import fields
from typing import Any, ClassVar, Self

import numpy as np
from torch import Tensor

from musig.catalog import Catalog, Playlists
from musig.errors import MusigError, nearest
from musig.features import complete_rows, genre_labels
from musig.modelfolder import Trained
from musig.splits import Split
from musig.tasks import SIMILARITIES
from musig.train import Network, TrainConfig, config_from, trained
from musig.training_data import TrainingData, prepare

PREPARATION: dict[str, Any] = {
    "min_weight": 2,
    "groups": (),
    "popularity": "train_count",
    "attributes": "known",
}
"""What :func:`musig.training_data.prepare` is told, besides settings of the training."""
CONFIG: dict[str, Any] = {
    field.name: field.default
    for field in fields(TrainConfig)
    if field.name not in ("seed", "device")
} | {"epochs": 60}
"""Settings of the training. Of the 100 epochs of ``musig train`` the last 40 gain little, and the
tables have hundreds of trainings: with 60 the longest, by gradient surgery, takes a minute and a
half of one core on ``mpd_sample``."""


class Musig:
    """Train the paper's encoder; score tracks by the cosine with the mean seed.

    Parameters
    ----------
    seed : int, >= 0
        Draws weights and batches. Held-out artists and the halves of the validation playlists are
        those of the split's seed, so that trainings with other seeds see the same data.
    device : {"auto", "cpu", "cuda"}
    progress : bool
        A bar on stderr.
    **settings
        ``min_weight`` (edges of this weight or less are dropped, 2), ``groups`` (attribute groups;
        none: all that are known), ``popularity`` ("train_count" or "external") and ``attributes``
        ("known", or without any knowledge: "random", "constant", "none", see
        :func:`musig.features.control_attributes`); and every field of
        :class:`musig.train.TrainConfig`. All of them with their defaults: :attr:`defaults`.

    Raises
    ------
    MusigError
        For an unknown setting or a wrong value.

    Notes
    -----
    ``groups`` and ``attributes`` are about what the encoder is *given*; the tasks go on to learn
    from genre and sound where their weights say so. A task for which the data know nothing is left
    out, and ``notes`` says so.

    Notebook: 07_methods

    Examples
    --------
    >>> Musig(hops=1).settings["hops"], Musig().settings["weight_genre"]
    (1, 0.5)
    >>> Musig(atributes="random")
    Traceback (most recent call last):
    musig.errors.MusigError: Method 'musig' has no setting 'atributes': did you mean ...
    """

    name = "musig"
    cannot: ClassVar[str] = ""
    defaults: ClassVar[dict[str, Any]] = PREPARATION | CONFIG
    network: ClassVar[type[Network]] = Network

    def __init__(
        self, *, seed: int = 0, device: str = "auto", progress: bool = False, **settings: Any
    ) -> None:
        for key in settings:
            if key not in self.defaults:
                raise MusigError(
                    f"Method '{self.name}' has no setting '{key}': {nearest(key, self.defaults)}"
                )
        self.settings = {**self.defaults, **settings}
        training = {key: value for key, value in self.settings.items() if key in CONFIG}
        self.config = config_from({**training, **self.fixed(), "seed": seed, "device": device})
        self.progress = progress

    def fixed(self) -> dict[str, Any]:
        """Fields of TrainConfig that are what the method is, and no settings."""
        return {}

    def fit(self, catalog: Catalog, split: Split) -> Self:
        """Train on the training playlists; stop when the validation playlists say so."""
        data = self.prepared(catalog, split)
        self.notes, unknown = _left_out(data, self.config)
        config = config_from({**vars(self.config), **unknown})
        self.model = self.trained(data, config)
        self.scorer = self.model.scorer(self.name)
        return self

    def trained(self, data: TrainingData, config: TrainConfig) -> Trained:
        """Give the model: from the cache, or trained now."""
        return trained(data, config, self.progress, self.network)

    def prepared(self, catalog: Catalog, split: Split) -> TrainingData:
        """Make what the training sees; no track is left out, the catalogue is the universe."""
        preparation = {key: self.settings[key] for key in PREPARATION}
        return prepare(
            catalog,
            split,
            **preparation,
            min_playlists=0,
            genres=self.config.genres,
            seed=split.seed,
            draw=self.config.seed,  # random attributes are another draw in every training
        )

    def score(self, seeds: Playlists, candidates: np.ndarray | None = None) -> Tensor:
        """Cosine of candidates with the mean seed: float32, (n_playlists, n_candidates)."""
        return self.scorer.score(seeds, candidates)

    @property
    def size(self) -> int:
        """Numbers kept to recommend with: the embeddings."""
        return self.model.embeddings.numel()


def _left_out(data: TrainingData, config: TrainConfig) -> tuple[list[str], dict[str, Any]]:
    """Find the tasks that this data cannot supervise: a sentence each, and the weights to set."""
    tracks, supervises = data.catalog.tracks, ~data.held_out
    sound = any(
        (complete_rows(tracks, group) & supervises).sum() > 1
        for group in SIMILARITIES[config.similarity]
    )
    genre = bool((genre_labels(tracks, column=config.genres)[1] & supervises).any())
    notes, weights = [], {}
    for task, known in (("similarity", sound), ("genre", genre)):
        if not known and getattr(config, f"weight_{task}"):
            notes.append(f"{data.catalog.name}: nothing to learn the {task} task from: left out.")
            weights[f"weight_{task}"] = 0.0
    return notes, weights
