r"""Probes: what a trained encoder knows of all three tasks, whichever of them it was trained on.

The held-out measures of :mod:`musig.tasks` need the heads that a training leaves: a model trained
without a task has none for it, and one trained with the task at a small weight has a poor one. A
probe is a head fitted afterwards, the same for every model: linear, on frozen embeddings (Alain and
Bengio, 2016). So rows with and without a task can stand in one column.

Conventions
-----------
What is probed for is hidden from the encoder, for the tracks that are probed, both where the probe
is fitted and where it is measured. Tracks of held-out artists (:attr:`TrainingData.held_out
<musig.training_data.TrainingData.held_out>`) are hidden throughout, and are what is measured. The
others fit: their artists are put in :data:`PARTS` parts, and each track is embedded with its part
hidden, so that a track never shows its genre or sound to the probe and most of its neighbours do.
Parts are of whole artists, because held-out artists are hidden whole, too: with another track by
the same artist in sight a genre is easily told. What is measured is embedded with the first part
hidden as well, so that as much is hidden where a probe is fitted as where it is measured: a network
that was trained on sound answers a neighbourhood without it by embeddings of another length, and a
map fitted with more hidden than measured was worse than a constant.

Embeddings are standardised by the tracks that fit. Names of measures are those of
:mod:`musig.tasks` with ``probe`` in them; each has a trivial baseline beside it. Everything drawn
comes from fixed seeds.

*Tracks* are what is measured here, not playlists; and since tracks by one artist mostly share a
genre, whole artists are what intervals and tests are over: :attr:`Probed.by_artist`, made by
:mod:`musig.by_artist`. Artists are the held-out ones, except for links: these are pairs of all
artists' tracks.

Contents
--------
- :func:`embedder`: a trained model as a function that embeds with attributes hidden.
- :func:`probe`: all measures, to :class:`Probed`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from musig import by_artist
from musig.errors import MusigError
from musig.features import mask_group
from musig.modelfolder import Trained
from musig.splits import artist_groups
from musig.tasks import HELD_OUT_PAIRS, SOUND, Batch, CoOccurrence, Embed, Genre, Similarity
from musig.training_data import TrainingData

PARTS = 10
"""In how many parts, of whole artists, the fitting tracks are hidden one after the other."""

STEPS, PAIRS, RATE = 400, 2048, 0.01
"""Of the linear map for distances: steps, pairs a step, learning rate of Adam at the beginning."""

NEVER = -30.0
"""Score of a genre that no fitting track has (its negative: that all have)."""


@dataclass(frozen=True)
class Probed:
    """What the probes found of one model.

    Notes
    -----
    Made by :func:`probe`.

    Notebook: 09_task_weights
    """

    measures: dict[str, float]
    """``link_auc, link_auc_popularity, link_auc_matched`` as
    :meth:`musig.tasks.CoOccurrence.held_out`: it has no parameters, so there is nothing to fit, and
    it is measured on pairs of validation playlists; ``similarity_probe_error`` and
    ``acoustic_similarity_probe_error``, with ``_constant``; ``genre_probe_f1_macro`` and
    ``genre_probe_f1_micro``, with ``_frequent``. NaN, or missing, where the data know nothing."""
    by_artist: dict[str, list[float]]
    """Of every measure that is no trivial answer: a number an artist, whose mean is the measure."""
    tracks: dict[str, int]
    """On how many tracks these were measured."""


def embedder(model: Trained) -> Embed:
    """Turn a trained model into a function that embeds with attributes hidden.

    Parameters
    ----------
    model : Trained

    Returns
    -------
    callable
        ``embed(hidden=None, groups=("GENRE",))``, as :data:`musig.tasks.Embed`.

    Notes
    -----
    Attributes that are learned, random or constant have no groups: nothing of them is hidden, since
    they say nothing of genre or sound.

    Notebook: 09_task_weights
    """
    groups = {
        group: (int(a), int(b)) for group, (a, b) in model.info["attributes"]["groups"].items()
    }

    def of(hidden: Tensor | None = None, kinds: tuple[str, ...] = ("GENRE",)) -> Tensor:
        if hidden is None:
            return model.embeddings
        x = model.x
        for kind in kinds:
            x = mask_group(x, groups, kind, hidden) if kind in groups else x
        return model.embed(x)

    return of


def probe(
    data: TrainingData,
    embed: Embed,
    *,
    genres: str = "main",
    similarity: str = "known",
    seed: int = 0,
) -> Probed:
    """Measure all three tasks on embeddings as they are.

    Parameters
    ----------
    data : TrainingData
        What the model was trained on.
    embed : callable
        Of :func:`embedder`.
    genres : {"main", "all"}
        Main genre, or every tag.
    similarity : {"known", "audio", "acoustic"}
        What sound is, as in :class:`musig.tasks.Similarity`.
    seed : int, >= 0
        Draws the parts, the pairs and where the linear map begins. What is compared must share it.

    Returns
    -------
    Probed

    Notes
    -----
    Distances: a linear map P, such that the length of P(z_i - z_j) fits the distance of the
    standardised features, by the loss of :class:`musig.tasks.Similarity`; both tracks of a pair are
    of one part. Genre: a logistic regression a genre, by the rule and on the tracks of
    :class:`musig.tasks.Genre`.

    Notebook: 09_task_weights

    Examples
    --------
    >>> from musig.sources.synthetic import make
    >>> from musig.splits import split_playlists
    >>> from musig.training_data import prepare
    >>> catalog = make("smoke")
    >>> data = prepare(catalog, split_playlists(catalog, seed=0))
    >>> constant = torch.ones(data.n_tracks, 4)  # embeddings that say nothing
    >>> found = probe(data, lambda hidden=None, groups=(): constant).measures
    >>> found["link_auc"], found["genre_probe_f1_macro"] <= found["genre_probe_f1_macro_frequent"]
    (0.5, True)
    """
    artist = artist_groups(data.catalog.tracks)
    part = np.random.default_rng(seed).permutation(artist.max() + 1)[artist] % PARTS
    part[data.held_out] = -1
    found = Probed({}, {}, {})
    if len(data.csr.indices):  # a graph without edges is refused, and has no links to tell
        _links(CoOccurrence(data, epoch_over="pairs"), embed, artist, found)
    _probe_similarity(data, embed, part, artist, similarity, seed, found)
    _probe_genre(data, embed, part, artist, genres, found)
    return found


def _links(links: CoOccurrence, embed: Embed, artist: np.ndarray, found: Probed) -> None:
    """Measure how well the cosine tells pairs that share a validation playlist."""
    z = embed()
    found.measures.update(links.held_out(lambda *hidden: z))
    pairs = links.held_out_pairs()
    left = z.cpu().numpy()
    cosine = {kind: np.einsum("ij,ij->i", left[a], left[b]) for kind, (a, b) in pairs.items()}
    for name, negative in (("link_auc", "random"), ("link_auc_matched", "matched")):
        nodes = np.concatenate([pairs["positive"], pairs[negative]], axis=1)
        owner, n = by_artist.owners(artist[nodes.ravel()], artist[nodes.ravel()])
        values = by_artist.auc(cosine["positive"], cosine[negative], owner, n)
        found.by_artist[name] = values
        found.tracks[name] = len(np.unique(nodes))


def _frozen(embed: Embed, part: np.ndarray, groups: tuple[str, ...]) -> Tensor:
    """Embed each track with its part and all held-out artists hidden; standardise."""
    z = torch.empty(0)
    for each in range(PARTS):
        hidden = torch.from_numpy(np.flatnonzero((part == each) | (part < 0)))
        embedded = embed(hidden, groups).detach().cpu()
        if each == 0:
            z = embedded.clone()  # of the held-out artists, these stay
        rows = torch.from_numpy(np.flatnonzero(part == each))
        z[rows] = embedded[rows]
    fitting = z[torch.from_numpy(part >= 0)]
    deviation = fitting.std(0, correction=0)
    deviation[deviation < 1e-6] = 1.0  # a direction that says nothing
    return (z - fitting.mean(0)) / deviation


def _probe_similarity(
    data: TrainingData,
    embed: Embed,
    part: np.ndarray,
    artist: np.ndarray,
    on: str,
    seed: int,
    found: Probed,
) -> None:
    """Fit a linear map to distances of sound; add what it measures."""
    # Which of its groups the data have is seen only when the task is made; z has its width.
    z = _frozen(embed, part, SOUND)
    try:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            task = Similarity(data, z.shape[1], on)
    except MusigError:  # no sound in this data: there is nothing to measure
        return
    _fit_distances(task, z, part, seed)
    for name, value in task.held_out(lambda *hidden: z).items():
        if name.endswith("_hidden"):  # z hides all sound: what is seen is the same
            continue
        found.measures[name.replace("similarity_error", "similarity_probe_error")] = value
    for group, rows in task.unseen.items():
        if len(rows) < 2:
            continue
        # the pairs of musig.tasks
        nodes = torch.from_numpy(np.random.default_rng(0).choice(rows, 2 * HELD_OUT_PAIRS))
        with torch.no_grad():
            ends = task.project[group](z[nodes]).chunk(2)
            predicted = ((ends[0] - ends[1]).square().sum(1) + 1e-8).sqrt()
        features = task.get_buffer(f"features_{group}")[nodes].chunk(2)
        truth = (features[0] - features[1]).square().mean(1).sqrt()
        squared = (predicted - truth).square().double().numpy()
        name = "similarity_probe_error" if group == "AUDIO" else "acoustic_similarity_probe_error"
        owner, n = by_artist.owners(artist[rows], artist[nodes.numpy()])
        found.by_artist[name] = by_artist.rmse(squared, owner, n)
        found.tracks[name] = len(rows)


def _fit_distances(task: Similarity, z: Tensor, part: np.ndarray, seed: int) -> None:
    """Train the task's own map, nothing else, on pairs of one part."""
    pools = []
    for group in task.project:
        rows = task.get_buffer(f"supervised_{group}").numpy()
        of_parts = [rows[part[rows] == each] for each in range(PARTS)]
        pools.append([each for each in of_parts if len(each) > 1] or [rows])
    generator = np.random.default_rng(seed)
    optimiser = torch.optim.Adam(task.parameters(), lr=RATE)
    slower = torch.optim.lr_scheduler.LinearLR(optimiser, 1.0, 0.01, STEPS)
    for step in range(STEPS):
        drawn = [generator.choice(pool[step % len(pool)], 2 * PAIRS) for pool in pools]
        nodes = torch.from_numpy(np.concatenate(drawn))
        loss = task.loss(z, nodes, Batch(nodes))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        slower.step()


def _probe_genre(
    data: TrainingData,
    embed: Embed,
    part: np.ndarray,
    artist: np.ndarray,
    genres: str,
    found: Probed,
) -> None:
    """Fit a classifier of genre; add what it measures."""
    z = _frozen(embed, part, ("GENRE",))
    try:
        with torch.random.fork_rng(devices=[]):  # the random weights it begins with are replaced
            task = Genre(data, z.shape[1], genres)
    except MusigError:  # no genre in this data: there is nothing to measure
        return
    _fit_genres(task, z)
    for name, value in task.held_out(lambda *hidden: z).items():
        found.measures[name.replace("genre_", "genre_probe_")] = value
    rows = task.unseen
    if len(rows) == 0:
        return
    with torch.no_grad():
        scores = task.classify(z[torch.from_numpy(rows)]).numpy()
    predicted = scores > 0
    predicted[np.arange(len(rows)), scores.argmax(1)] = True
    truth = task.labels.numpy()[rows] > 0
    there = truth.any(axis=0)  # as in musig.tasks
    owner, n = by_artist.owners(artist[rows], artist[rows])
    everything = np.ones_like(there)
    for name, of in (("genre_probe_f1_macro", there), ("genre_probe_f1_micro", everything)):
        macro = of is there
        values = by_artist.f1(truth[:, of], predicted[:, of], owner, n, macro=macro)
        found.by_artist[name] = values
        found.tracks[name] = len(rows)


def _fit_genres(task: Genre, z: Tensor) -> None:
    """Put a logistic regression a genre in the task's own classifier."""
    from sklearn.linear_model import LogisticRegression

    rows = task.supervised
    x, labels = z[rows].double().numpy(), task.labels[rows].numpy()
    with torch.no_grad():
        for column, truth in enumerate(labels.T):
            if truth.min() == truth.max():
                task.classify.weight[column] = 0.0
                task.classify.bias[column] = -NEVER if truth[0] else NEVER
                continue
            fitted = LogisticRegression(max_iter=500, tol=1e-3).fit(x, truth)
            task.classify.weight[column] = torch.from_numpy(fitted.coef_[0])
            task.classify.bias[column] = float(fitted.intercept_[0])
