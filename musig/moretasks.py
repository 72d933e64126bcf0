"""Two further tasks to train on: examples of how one is added.

The paper leaves further training tasks for future work (Saravanou et al., ISMIR 2021). A task is a
class with a name and three methods (:class:`musig.tasks.Task`), handed to
:func:`musig.train.train` with its weight; nothing else has to know of it. Here are a fourth, which
tracks are by the same artist, and a fifth, which track comes next in a playlist.

Conventions
-----------
As in :mod:`musig.tasks`: what a task draws from is a buffer; tracks of held-out artists never
supervise what is known of tracks, and playlists that train supervise what is known of playlists.

Contents
--------
- :class:`SameArtist`, :class:`NextTrack`: the tasks; :data:`MORE`, by name.
- :class:`MusigTasks`: the paper's method with them, as a method among others.
"""

from __future__ import annotations

from math import inf
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from musig import cache, modelfolder
from musig.contrast import in_batch_softmax
from musig.encoders import Musig
from musig.errors import MusigError
from musig.relations import consecutive
from musig.retrieval import among_nearest, chance
from musig.splits import artist_groups
from musig.tasks import HELD_OUT_PAIRS, Batch, Embed, Task
from musig.train import TrainConfig, default_tasks, train
from musig.training_data import TrainingData


class SameArtist(nn.Module):
    """Which tracks are by the same artist: pull two of them together, push others apart.

    Parameters
    ----------
    data : TrainingData
    embedding_size : int, > 0
        Of the encoder; this task has no weights of its own.
    temperature : float, > 0
        Divides the cosine of two embeddings.
    contrast : int, > 1
        Pairs among which each has to be recognised.

    Raises
    ------
    MusigError
        If fewer than two artists have two tracks that supervise.

    Notes
    -----
    Loss: the softmax of :func:`musig.contrast.in_batch_softmax`. A step has each artist once at
    most, so that no track of an artist is ever a negative of another of his. Artists whose names
    are unknown have one track each and supervise nothing.

    Notebook: 14_generalization
    """

    name = "artist"
    members: Tensor
    begins: Tensor
    sizes: Tensor

    def __init__(
        self,
        data: TrainingData,
        embedding_size: int,
        temperature: float = 0.1,
        contrast: int = 1024,
    ) -> None:
        super().__init__()
        self.temperature, self.contrast = temperature, contrast
        self.artist = artist_groups(data.catalog.tracks)
        supervised = np.flatnonzero(~data.held_out)
        members = supervised[np.argsort(self.artist[supervised], kind="stable")]
        _, begins, sizes = np.unique(self.artist[members], return_index=True, return_counts=True)
        if (sizes > 1).sum() < 2:
            raise MusigError(
                f"{data.catalog.name}: the artist task needs two artists with two tracks each, of"
                f" those that supervise {(sizes > 1).sum()} have two: set weight_artist to 0."
            )
        for name, values in (
            ("members", members),
            ("begins", begins[sizes > 1]),
            ("sizes", sizes[sizes > 1]),
        ):
            self.register_buffer(name, torch.from_numpy(values), persistent=False)
        alone = np.bincount(self.artist)[self.artist] == 1
        self.unseen = np.flatnonzero(data.held_out & ~alone)

    def draw(self, size: int, generator: torch.Generator) -> Batch:
        """Draw two tracks by each of at most `size` artists."""
        device, n = self.begins.device, len(self.begins)
        chosen = torch.randperm(n, generator=generator, device=device)[:size]
        begins, sizes = self.begins[chosen], self.sizes[chosen]
        first, gap = torch.rand(2, len(chosen), generator=generator, device=device).double()
        first = (first * sizes).long()
        second = (first + 1 + (gap * (sizes - 1)).long()) % sizes
        return Batch(self.members[torch.cat([begins + first, begins + second])])

    def loss(self, z: Tensor, rows: Tensor, batch: Batch) -> Tensor:
        """Mean over the pairs, in nats."""
        alike = z.new_zeros(len(rows) // 2)  # every artist is as likely to be drawn
        return in_batch_softmax(z, rows.view(2, -1), alike, self.temperature, self.contrast)

    def held_out(self, embed: Embed) -> dict[str, float]:
        """R-precision of the nearest tracks of held-out artists' tracks.

        Returns
        -------
        dict of str to float in [0, 1]
            ``same_artist_precision``, and with ``_chance`` that of a random order. NaN where no
            held-out artist has two tracks.
        """
        if len(self.unseen) == 0:
            return dict.fromkeys(
                ("same_artist_precision", "same_artist_precision_chance"), float("nan")
            )
        found = among_nearest(embed().cpu(), self.unseen, self.artist)[0]
        return {
            "same_artist_precision": float(found.mean()),
            "same_artist_precision_chance": chance(self.unseen, self.artist)[0],
        }


class NextTrack(nn.Module):
    """Which track comes next in a playlist: from one embedding to the next, by a linear map.

    Parameters
    ----------
    data : TrainingData
    embedding_size : int, > 0
        Of the encoder: the width of the map.
    temperature : float, > 0
        Divides the cosine of where the map leads and the next track.
    contrast : int, > 1
        Pairs among which each has to be recognised.

    Raises
    ------
    MusigError
        If no training playlist has two tracks of the universe.

    Notes
    -----
    Loss: the softmax of :func:`musig.contrast.in_batch_softmax`, corrected for how often a track
    comes next. Co-occurrence is the same both ways, and what comes next is not: hence the map.
    Tracks outside the universe are passed over, so that next means the next that is known.

    Notebook: 14_generalization
    """

    name = "next"
    pairs: Tensor
    log_drawn: Tensor

    def __init__(
        self,
        data: TrainingData,
        embedding_size: int,
        temperature: float = 0.1,
        contrast: int = 1024,
    ) -> None:
        super().__init__()
        self.temperature, self.contrast = temperature, contrast
        pairs = consecutive(data.catalog.playlists.subset(data.split.train))
        if pairs.shape[1] == 0:
            raise MusigError(
                f"{data.catalog.name}: the task of the next track needs a training playlist with"
                " two tracks of the universe, and none has: set weight_next to 0, or lower"
                " min_playlists."
            )
        drawn = np.bincount(pairs[1], minlength=data.n_tracks) / pairs.shape[1]
        self.register_buffer("pairs", torch.from_numpy(pairs), persistent=False)
        log_drawn = torch.from_numpy(np.log(np.maximum(drawn, 1e-12))).float()
        self.register_buffer("log_drawn", log_drawn, persistent=False)
        self.step = nn.Linear(embedding_size, embedding_size, bias=False)
        nn.init.eye_(self.step.weight)  # to begin with, what comes next is like what was
        self.valid = consecutive(data.catalog.playlists.subset(data.split.valid))

    def draw(self, size: int, generator: torch.Generator) -> Batch:
        """Draw `size` tracks and what came after them."""
        n = self.pairs.shape[1]
        pick = torch.randint(n, (size,), generator=generator, device=self.pairs.device)
        return Batch(self.pairs[:, pick].flatten())

    def loss(self, z: Tensor, rows: Tensor, batch: Batch) -> Tensor:
        """Mean over the pairs, in nats."""
        before, after = rows.view(2, -1)
        size = len(before)
        led = F.normalize(self.step(z[before]), dim=1)
        pairs = torch.stack([torch.arange(size, device=rows.device), size + after])
        drawn = self.log_drawn[batch.nodes[size:]]
        return in_batch_softmax(torch.cat([led, z]), pairs, drawn, self.temperature, self.contrast)

    def held_out(self, embed: Embed) -> dict[str, float]:
        """Measure on pairs of consecutive tracks of *validation* playlists.

        Returns
        -------
        dict of str to float in [0, 1]
            ``next_auc``: a next track against one that came next elsewhere, so that popularity
            alone is at 0.5; ``next_order``: how often the map tells which of the two came first,
            where a coin is at 0.5. NaN where no validation playlist has two tracks.
        """
        from sklearn.metrics import roc_auc_score

        if self.valid.shape[1] == 0:
            return {"next_auc": float("nan"), "next_order": float("nan")}
        rng = np.random.default_rng(0)
        pick = rng.integers(self.valid.shape[1], size=HELD_OUT_PAIRS)
        before, after = torch.from_numpy(self.valid[:, pick])
        other = after[torch.from_numpy(rng.permutation(len(pick)))]
        with torch.no_grad():
            z = embed().to(self.step.weight.device)
            led = F.normalize(self.step(z), dim=1)
            own, elsewhere, back = (
                (led[a] * z[b]).sum(1).cpu().numpy()
                for a, b in ((before, after), (before, other), (after, before))
            )
        truth = np.repeat([1, 0], len(pick))
        auc = roc_auc_score(truth, np.concatenate([own, elsewhere]))
        order = (own > back) + 0.5 * (own == back)
        return {"next_auc": float(auc), "next_order": float(order.mean())}


MORE: dict[str, Any] = {"artist": SameArtist, "next": NextTrack}
"""Further tasks by name, as ``TASKS`` of :mod:`musig.tasks` has the paper's."""


class MusigTasks(Musig):
    """The paper's method, taught further tasks beside its three.

    Parameters
    ----------
    seed : int, >= 0
    device : {"auto", "cpu", "cuda"}
    progress : bool
    **settings
        As for :class:`musig.encoders.Musig`, and ``weight_artist`` and ``weight_next``, of
        :class:`SameArtist` and :class:`NextTrack` (0.5 each); with 0 a task is left out.

    Raises
    ------
    MusigError
        For an unknown setting or a wrong value.

    Notes
    -----
    A task for which the data know nothing is left out, and ``notes`` says so.

    Notebook: 14_generalization

    Examples
    --------
    >>> MusigTasks(weight_next=0.0).more
    {'artist': 0.5, 'next': 0.0}
    >>> MusigTasks(weight_artist=-1)
    Traceback (most recent call last):
    musig.errors.MusigError: weight_artist is -1.0; expected a number of 0 or more.
    """

    name = "musig-tasks"
    defaults: ClassVar[dict[str, Any]] = Musig.defaults | {"weight_artist": 0.5, "weight_next": 0.5}

    def __init__(
        self, *, seed: int = 0, device: str = "auto", progress: bool = False, **settings: Any
    ) -> None:
        super().__init__(seed=seed, device=device, progress=progress, **settings)
        self.more = {name: float(self.settings[f"weight_{name}"]) for name in MORE}
        for name, weight in self.more.items():
            if not 0 <= weight < inf:
                raise MusigError(f"weight_{name} is {weight}; expected a number of 0 or more.")

    def trained(self, data: TrainingData, config: TrainConfig) -> modelfolder.Trained:
        """Give the model, trained on the further tasks as well that the data can supervise."""
        weights = dict(self.more)
        for name, weight in self.more.items():
            try:
                if weight:
                    MORE[name](data, config.embedding_size)
            except MusigError as error:
                self.notes.append(str(error))
                weights[name] = 0.0
        return _trained(data, config, weights, self.progress)


def _trained(
    data: TrainingData, config: TrainConfig, weights: dict[str, float], progress: bool
) -> modelfolder.Trained:
    """Give the model with further tasks: from the cache, or trained now."""
    settings = {key: list(v) if isinstance(v, tuple) else v for key, v in vars(config).items()}
    inputs = {"data": data.fingerprint, "config": settings, "more": weights}

    def make(folder: Any) -> None:
        tasks: list[tuple[Task, float]] = default_tasks(data, config)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(config.seed)
            for name, weight in weights.items():
                if weight:
                    tasks.append((MORE[name](data, config.embedding_size), weight))
        train(data, config, folder, tasks, progress)

    return modelfolder.load(cache.stage("model", inputs, make, "musig.moretasks"))
