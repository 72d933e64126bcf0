"""Step 2 of MUSIG: multi-task supervision.

Three tasks are predicted from the same embeddings and their weighted losses are back-propagated
together into the aggregators (Saravanou et al., ISMIR 2021): which tracks share playlists, how
far apart two tracks sound, and what genre a track is. The source gives neither the loss formulas
nor the weights; each choice below is ours and says so.

Conventions
-----------
A task is a module with the name and the three methods of :class:`Task`, handed to
:func:`musig.train.train` with its weight: adding one is one class. Everything a task draws from
is a buffer, so that it lives on the model's device. Embeddings are float32 rows of length 1.

Contents
--------
- :class:`Task`: what a task is; :class:`Batch`: what it asks for in a step.
- :class:`CoOccurrence`, :class:`Similarity`, :class:`Genre`: the paper's three, :data:`TASKS`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from musig.catalog import Playlists
from musig.contrast import in_batch_softmax
from musig.errors import MusigError, nearest
from musig.features import complete_rows, fit_attributes, genre_labels
from musig.graph import CSR
from musig.sampling import AliasTables, build_alias, sample_neighbours
from musig.training_data import TrainingData

Embed = Callable[..., Tensor]
"""``embed(hidden=None, groups=("GENRE",))``: exact embeddings of all tracks, float32 (n_tracks,
d), computed with those attribute groups of the tracks `hidden` masked."""

LOSSES = ("softmax", "logistic")
EPOCHS = ("tracks", "pairs")
SIMILARITIES = {"known": ("AUDIO", "ACOUSTIC"), "audio": ("AUDIO",), "acoustic": ("ACOUSTIC",)}
"""What the similarity task may be about, as attribute groups."""
SOUND = SIMILARITIES["known"]
HELD_OUT_PAIRS = 20_000
"""Pairs on which link AUC and similarity error are measured; their sampling error is far below
that between playlists."""


@dataclass(frozen=True)
class Batch:
    """What a task's loss needs of one step."""

    nodes: Tensor
    """int64: the tracks whose embeddings are wanted, in this order; repeats allowed."""
    hidden: Tensor | None = None
    """int64: tracks whose GENRE must not be seen anywhere in this step."""


class Task(Protocol):
    """What a task is. It must be a ``torch.nn.Module`` as well, to have weights and a device."""

    name: str

    def draw(self, size: int, generator: torch.Generator) -> Batch:
        """Choose the tracks of a step; `size` is the batch size, the generator on the device."""
        ...

    def loss(self, z: Tensor, rows: Tensor, batch: Batch) -> Tensor:
        """Return a scalar. ``z[rows]`` are the embeddings of ``batch.nodes``; z has each once."""
        ...

    def held_out(self, embed: Embed) -> dict[str, float]:
        """Measure on what never supervised, each number beside that of a trivial baseline."""
        ...


class CoOccurrence(nn.Module):
    """Which tracks share a playlist: pull neighbours together, push others apart.

    Parameters
    ----------
    data : TrainingData
    loss : {"softmax", "logistic"}
        ``logistic``: each positive pair against shared negatives, as GraphSAGE has it.
        ``softmax``: each anchor's positive against the batch's other positives, whose scores
        are corrected for how often popular tracks turn up in a batch.
    temperature : float, > 0
        Divides the cosine of two embeddings. GraphSAGE has none (1).
    negatives : int, > 0
        Tracks each pair is held against in the logistic loss.
    contrast : int, > 1
        Pairs among which each has to be recognised in the softmax loss; a larger batch is cut
        into groups of that size.
    epoch_over : {"tracks", "pairs"}
        ``tracks``: anchors are drawn evenly over the tracks that have neighbours, their positive
        in proportion to edge weight. ``pairs``: all edges in random order, each once an epoch,
        and either end the anchor.

    Raises
    ------
    MusigError
        For an unknown loss or epoch, or a graph without edges.

    Notes
    -----
    Logistic: Hamilton et al. 2017, equation 1, negatives in proportion to
    degree^0.75. Softmax with the logQ correction: Bengio & Senécal 2008; Yi et al. 2019.
    The paper's formula and its positives are not published in the source we have.
    Notebook: 05_multitask_training
    """

    name = "cooccurrence"
    indptr: Tensor
    indices: Tensor
    weight: Tensor
    probability: Tensor
    alias: Tensor
    anchors: Tensor
    log_drawn: Tensor
    unigram: Tensor
    pairs: Tensor

    def __init__(
        self,
        data: TrainingData,
        loss: str = "softmax",
        temperature: float = 0.1,
        negatives: int = 20,
        contrast: int = 1024,
        epoch_over: str = "tracks",
    ) -> None:
        super().__init__()
        if loss not in LOSSES:
            raise MusigError(f"Unknown loss '{loss}': {nearest(loss, LOSSES)}")
        if epoch_over not in EPOCHS:
            raise MusigError(f"Unknown epoch '{epoch_over}': {nearest(epoch_over, EPOCHS)}")
        csr = data.csr
        if len(csr.indices) == 0:
            raise MusigError(
                f"The music graph has no edge of weight above {data.settings.get('min_weight')}: "
                "lower min_weight or use more playlists."
            )
        self.form, self.temperature, self.negatives = loss, temperature, negatives
        self.contrast, self.epoch_over = contrast, epoch_over
        self.data = data
        buffers = {"unigram": csr.degree.double().pow(0.75).cumsum(0)}
        if epoch_over == "pairs":
            buffers["pairs"] = _pairs_of(csr)
            buffers["log_drawn"] = (csr.degree / len(csr.indices)).clamp_min(1e-12).log()
        else:
            alias = build_alias(csr)
            buffers |= {
                "indptr": csr.indptr,
                "indices": csr.indices,
                "weight": csr.weight,
                "probability": alias.probability,
                "alias": alias.alias,
                "anchors": torch.nonzero(csr.degree > 0).squeeze(1),
                "log_drawn": _log_probability_of_being_drawn(csr),
            }
        for name, values in buffers.items():
            self.register_buffer(name, values, persistent=False)
        # Of the epoch's pairs, in their order; no buffer, since each epoch draws it on its device.
        self._left = torch.empty(0, dtype=torch.int64)

    def draw(self, size: int, generator: torch.Generator) -> Batch:
        """Draw `size` anchors and their positives, and for the logistic loss the negatives.

        Of an epoch over pairs the last batch has what is left.
        """
        device = self.log_drawn.device
        draw = self._next_pairs if self.epoch_over == "pairs" else self._random_pairs
        nodes = [*draw(size, generator)]
        if self.form == "logistic":
            u = torch.rand(self.negatives, generator=generator, device=device, dtype=torch.float64)
            nodes.append(torch.searchsorted(self.unigram, u * self.unigram[-1], right=True))
        return Batch(torch.cat(nodes))

    def _random_pairs(self, size: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Random anchors, and a neighbour of each in proportion to weight."""
        n, device = len(self.log_drawn), self.anchors.device
        pick = torch.randint(len(self.anchors), (size,), generator=generator, device=device)
        anchors = self.anchors[pick]
        csr = CSR(self.indptr, self.indices, self.weight, n, n)
        alias = AliasTables(self.probability, self.alias)
        return anchors, sample_neighbours(csr, alias, anchors, 1, generator).squeeze(1)

    def _next_pairs(self, size: int, generator: torch.Generator) -> Tensor:
        """Take the next edges of the epoch, either end first: int64, (2, size or what is left).

        An epoch's order is drawn in its first step, and its last step takes what is left: a
        training that goes on after an epoch finds the same pairs.
        """
        device = self.pairs.device
        if len(self._left) == 0:
            n = self.pairs.shape[1]
            self._left = torch.randperm(n, generator=generator, device=device)
        chosen, self._left = self._left[:size], self._left[size:]
        pairs = self.pairs[:, chosen].long()
        swap = torch.rand(len(chosen), generator=generator, device=device) < 0.5
        return torch.where(swap, pairs.flip(0), pairs)

    def loss(self, z: Tensor, rows: Tensor, batch: Batch) -> Tensor:
        """Mean over the pairs, in nats."""
        size = (len(rows) - self.negatives * (self.form == "logistic")) // 2
        if self.form == "logistic":
            anchor, positive, negative = (z[r] for r in rows.split([size, size, self.negatives]))
            attract = F.softplus(-(anchor * positive).sum(1) / self.temperature)  # (size,)
            repel = F.softplus(anchor @ negative.T / self.temperature).sum(1)  # (size,)
            return (attract + repel).mean()
        log_drawn = self.log_drawn[batch.nodes[size:]]
        return in_batch_softmax(z, rows.view(2, size), log_drawn, self.temperature, self.contrast)

    def held_out_pairs(self) -> dict[str, np.ndarray]:
        """Draw the pairs of tracks that :meth:`held_out` measures on, always the same.

        Returns
        -------
        dict of str to ndarray of int, shape (2, n)
            ``positive``: both tracks are in one validation playlist; ``random``: any two tracks;
            ``matched``: the tracks of the positive pairs, paired at random, so that they are as
            popular.

        Notes
        -----
        Notebook: 05_multitask_training
        """
        rng = np.random.default_rng(0)
        valid = self.data.catalog.playlists.subset(self.data.split.valid)
        first, second = _pairs(valid, HELD_OUT_PAIRS, rng)
        return {
            "positive": np.stack([first, second]),
            "random": rng.integers(self.data.n_tracks, size=(2, len(first))),
            "matched": np.stack([rng.permutation(first), rng.permutation(second)]),
        }

    def held_out(self, embed: Embed) -> dict[str, float]:
        """Link AUC on pairs of *validation* playlists, which also chose when training stopped.

        Returns
        -------
        dict of str to float in [0, 1]
            ``link_auc``: a pair that shares a validation playlist against a pair of random
            tracks; ``link_auc_popularity``: the same by the tracks' training counts;
            ``link_auc_matched``: against random pairs as popular as the positive ones, where
            popularity alone is at 0.5.
        """
        from sklearn.metrics import roc_auc_score

        pairs = self.held_out_pairs()
        counts = self.data.catalog.playlists.subset(self.data.split.train).counts(
            self.data.n_tracks
        )
        z = embed().cpu().numpy()
        truth = np.repeat([1, 0], pairs["positive"].shape[1])

        def auc(negative: str, popularity: bool = False) -> float:
            left, right = np.concatenate([pairs["positive"], pairs[negative]], axis=1)
            cosine = np.einsum("ij,ij->i", z[left], z[right])
            product = np.log1p(counts[left]) + np.log1p(counts[right])
            return float(roc_auc_score(truth, product if popularity else cosine))

        return {
            "link_auc": auc("random"),
            "link_auc_popularity": auc("random", popularity=True),
            "link_auc_matched": auc("matched"),
        }


class Similarity(nn.Module):
    """How far apart two tracks sound: a distance of embeddings that fits the distance of features.

    Parameters
    ----------
    data : TrainingData
    embedding_size : int, > 0
    on : {"known", "audio", "acoustic"}
        What sound is: the nine audio features, the acoustic vector, or each of the two that the
        data have.
    projection : int, > 0
        Width of the linear map in which a distance is taken, so that this task claims only
        some directions of the embedding.

    Raises
    ------
    MusigError
        If fewer than two tracks that supervise have what is asked for.

    Notes
    -----
    Loss: squared error of ‖P(z_i − z_j)‖ against the Euclidean distance of the k standardised
    features over √k, over random pairs of tracks that have all of them. AUDIO (k = 9) and
    ACOUSTIC (k = 8) have a map P each; where both are used their losses are averaged. The source
    says "acoustic/audio similarity (distance)" and no more.
    Notebook: 05_multitask_training
    """

    name = "similarity"

    def __init__(
        self,
        data: TrainingData,
        embedding_size: int,
        on: str = "known",
        projection: int = 32,
    ) -> None:
        super().__init__()
        tracks = data.catalog.tracks
        wanted = SIMILARITIES[on]
        complete = {group: complete_rows(tracks, group) for group in wanted}
        supervised = {group: rows & ~data.held_out for group, rows in complete.items()}
        found = [group for group in wanted if supervised[group].sum() > 1]
        if not found or (on != "known" and len(found) < len(wanted)):
            lacking = [f"{supervised[group].sum()} have all of {group}" for group in wanted]
            raise MusigError(
                f"{data.catalog.name}: the similarity task needs two tracks whose sound is known, "
                f"of those that supervise {' and '.join(lacking)}: set weight_similarity to 0 or "
                "join a table of features."
            )
        self.on = "+".join(found)
        self.project = nn.ModuleDict()
        self.unseen = {group: np.flatnonzero(complete[group] & data.held_out) for group in found}
        for group in found:
            rows = np.flatnonzero(supervised[group])
            features = fit_attributes(tracks, (group,), fit_rows=rows).x[:, :-1]
            self.register_buffer(f"features_{group}", torch.from_numpy(features), persistent=False)
            self.register_buffer(f"supervised_{group}", torch.from_numpy(rows), persistent=False)
            self.project[group] = nn.Linear(embedding_size, projection, bias=False)

    def draw(self, size: int, generator: torch.Generator) -> Batch:
        """Draw `size` random pairs for each kind of sound."""
        pairs = []
        for group in self.project:
            rows = self.get_buffer(f"supervised_{group}")
            pick = torch.randint(len(rows), (2 * size,), generator=generator, device=rows.device)
            pairs.append(rows[pick])
        return Batch(torch.cat(pairs))

    def loss(self, z: Tensor, rows: Tensor, batch: Batch) -> Tensor:
        """Mean squared error of the distances."""
        n = len(self.project)
        losses = [
            F.mse_loss(self._predicted(group, z[part]), self._distance(group, nodes))
            for group, part, nodes in zip(
                self.project, rows.chunk(n), batch.nodes.chunk(n), strict=True
            )
        ]
        return torch.stack(losses).mean()

    def _predicted(self, group: str, z: Tensor) -> Tensor:
        first, second = self.project[group](z).float().chunk(2)
        # without the small constant the gradient of a distance of 0 is not a number
        return ((first - second).square().sum(1) + 1e-8).sqrt()  # (pairs,)

    def _distance(self, group: str, nodes: Tensor) -> Tensor:
        first, second = self.get_buffer(f"features_{group}")[nodes].chunk(2)
        return (first - second).square().mean(1).sqrt()  # (pairs,)

    def held_out(self, embed: Embed) -> dict[str, float]:
        """Root mean squared error on random pairs of held-out artists' tracks.

        Returns
        -------
        dict of str to float
            For AUDIO: ``similarity_error``: with the AUDIO of these tracks among the encoder's
            inputs, so that it tells whether the embedding *keeps* the sound.
            ``similarity_error_hidden``: with all of their sound masked, AUDIO and ACOUSTIC, so
            that it tells what neighbours and genre say about it. ``similarity_error_constant``:
            that of always answering the mean distance of training pairs. NaN where no held-out
            track has the features.
            For ACOUSTIC the same three as ``acoustic_similarity_error`` and so on.
        """
        measures = {}
        for group in self.project:
            name = "similarity_error" if group == "AUDIO" else "acoustic_similarity_error"
            measures.update(self._errors(group, name, embed))
        return measures

    def _errors(self, group: str, name: str, embed: Embed) -> dict[str, float]:
        rows, supervised = self.unseen[group], self.get_buffer(f"supervised_{group}")
        if len(rows) < 2:
            return dict.fromkeys((name, f"{name}_hidden", f"{name}_constant"), float("nan"))
        rng = np.random.default_rng(0)
        device = supervised.device

        def pairs(of: np.ndarray) -> Tensor:
            return torch.from_numpy(rng.choice(of, 2 * HELD_OUT_PAIRS)).to(device)

        nodes = pairs(rows)
        truth = self._distance(group, nodes)
        constant = self._distance(group, pairs(supervised.cpu().numpy())).mean()

        def error(predicted: Tensor) -> float:
            return float((predicted - truth).square().mean().sqrt())

        unseen = torch.from_numpy(rows).to(device)
        with torch.no_grad():
            seen, hidden = embed().to(device), embed(unseen, SOUND).to(device)
            return {
                name: error(self._predicted(group, seen[nodes])),
                f"{name}_hidden": error(self._predicted(group, hidden[nodes])),
                f"{name}_constant": error(constant),
            }


class Genre(nn.Module):
    """What genre a track is: multi-label classification from its embedding.

    Parameters
    ----------
    data : TrainingData
    embedding_size : int, > 0
    genres : {"main", "all"}
        Main genre, or every tag.
    hide : bool
        Whether the tracks that supervise a step have their own GENRE attribute masked in it.
        Without, the answer can be copied from the input; shown as a row, never the default.

    Raises
    ------
    MusigError
        If no track that supervises has a genre.

    Notes
    -----
    Loss: binary cross-entropy summed over genres. A masked track's GENRE is hidden from every
    track's input in that step, so that it cannot come back over two hops.
    Notebook: 05_multitask_training
    """

    name = "genre"
    labels: Tensor
    supervised: Tensor

    def __init__(
        self, data: TrainingData, embedding_size: int, genres: str = "main", hide: bool = True
    ) -> None:
        super().__init__()
        labels, known, self.vocabulary = genre_labels(data.catalog.tracks, column=genres)
        supervised = np.flatnonzero(known & ~data.held_out)
        if len(supervised) == 0:
            raise MusigError(
                f"{data.catalog.name}: no track has a genre, the genre task needs some: set "
                "weight_genre to 0 or join a table of genres."
            )
        self.register_buffer("labels", torch.from_numpy(labels), persistent=False)
        self.register_buffer("supervised", torch.from_numpy(supervised), persistent=False)
        self.unseen = np.flatnonzero(known & data.held_out)
        self.hide = hide
        self.classify = nn.Linear(embedding_size, labels.shape[1])

    def draw(self, size: int, generator: torch.Generator) -> Batch:
        """Draw up to `size` tracks, at most a fifth of those that supervise.

        The rest keep their GENRE, so that a masked track can still be told by its neighbours.
        """
        supervised = self.supervised
        size = max(1, min(size, len(supervised) // 5))
        order = torch.randperm(len(supervised), generator=generator, device=supervised.device)
        nodes = supervised[order[:size]]
        return Batch(nodes, hidden=nodes if self.hide else None)

    def loss(self, z: Tensor, rows: Tensor, batch: Batch) -> Tensor:
        """Mean over the tracks of the summed binary cross-entropy, in nats."""
        scores, truth = self.classify(z[rows]), self.labels[batch.nodes]  # (size, n_genres)
        return F.binary_cross_entropy_with_logits(scores, truth, reduction="none").sum(1).mean()

    def held_out(self, embed: Embed) -> dict[str, float]:
        """F1 on the tracks of held-out artists, all of them masked at once.

        Returns
        -------
        dict of str to float in [0, 1]
            ``genre_f1_macro`` and ``genre_f1_micro``, and the same with ``_frequent``: of always
            answering the most frequent genre. A track gets its likeliest genre and every other
            above one half. NaN where no held-out track has a genre.
        """
        from sklearn.metrics import f1_score

        names = ("genre_f1_macro", "genre_f1_micro")
        if len(self.unseen) == 0:
            return {name + end: float("nan") for end in ("", "_frequent") for name in names}
        unseen = torch.from_numpy(self.unseen).to(self.labels.device)
        with torch.no_grad():
            scores = self.classify(embed(unseen).to(self.labels.device)[unseen])
        predicted = scores > 0
        predicted[torch.arange(len(scores)), scores.argmax(1)] = True
        frequent = torch.zeros_like(predicted)
        frequent[:, self.labels[self.supervised].sum(0).argmax()] = True
        truth = self.labels[unseen].bool().cpu().numpy()
        # A genre that no held-out track has cannot be found: it counts against the micro
        # average when it is predicted, and is no part of the macro average.
        columns = {"macro": np.flatnonzero(truth.any(axis=0)), "micro": None}
        return {
            f"genre_f1_{average}{end}": float(
                f1_score(
                    truth, answer.cpu().numpy(), average=average, labels=labels, zero_division=0
                )
            )
            for end, answer in (("", predicted), ("_frequent", frequent))
            for average, labels in columns.items()
        }


TASKS = {"cooccurrence": CoOccurrence, "similarity": Similarity, "genre": Genre}
"""The paper's tasks by name; :func:`musig.train.default_tasks` makes them in this order."""


def _pairs_of(csr: CSR) -> Tensor:
    """Each edge once, the smaller track first: int32, shape (2, n_edges)."""
    rows = torch.arange(csr.n_rows, dtype=torch.int32).repeat_interleave(csr.degree)
    columns = csr.indices.int()
    return torch.stack([rows, columns])[:, rows < columns]


def _log_probability_of_being_drawn(csr: CSR) -> Tensor:
    """Log of the chance that a track is the positive of a random anchor; float32, (n,)."""
    rows = torch.repeat_interleave(torch.arange(csr.n_rows), csr.degree)
    strength = torch.zeros(csr.n_rows).index_add_(0, rows, csr.weight)
    drawn = torch.zeros(csr.n_cols).index_add_(0, csr.indices, csr.weight / strength[rows])
    return (drawn / (csr.degree > 0).sum()).clamp_min(1e-12).log()


def _pairs(
    playlists: Playlists, n_pairs: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Draw pairs of different tracks that share a playlist, playlists by number of entries."""
    lengths = playlists.lengths
    usable = np.flatnonzero(lengths > 1)
    row = rng.choice(usable, n_pairs, p=lengths[usable] / lengths[usable].sum())
    first = rng.integers(lengths[row])
    second = (first + 1 + rng.integers(lengths[row] - 1)) % lengths[row]
    start = playlists.indptr[row]
    return playlists.tracks[start + first], playlists.tracks[start + second]
