r"""MUSIG as good as we can make it: one graph encoder, one playlist decoder, trained on playlists.

The paper's encoder is trained on pairs of tracks and asked for the tracks nearest to the mean seed.
Here three things are different, each a row of the ablation in chapter 07:

1. **Structure.** A track's embedding begins with its filtered spectral coordinates
   (:mod:`musig.spectral`): the part of the graph that needs no training.
2. **A learned part** from attributes and the slowest coordinates, both of the track itself and
   averaged over one, two, ... hops of neighbours: first aggregated, then learned, as in SIGN
   (Frasca et al. 2020), so that a step of training touches no edge.
3. **A decoder trained on what it is for**: one random half of a training playlist is to be found
   from the other among *all* tracks (softmax), not one track from another.

.. math:: s(t \mid S) = c \log(1 + e^{b}\,[\tilde a_{St}]_+) + e^{g}\,\cos(q_S, z_t)
          + p \log n_t + b_t

with :math:`a_{St} = \sum_{s \in S} n_s^{-\ell} v_s \cdot n_t^{\ell} v_t` the spectral affinity of
seeds and track (:math:`\tilde a`: divided by its deviation over tracks), :math:`q_S` the seeds'
learned vectors pooled by attention, and :math:`n_t` the training playlists that hold the track.

A playlist is not predicted by coordinates that were computed from it: the training playlists are
cut into folds, and while one fold is learned from, affinities come from a spectrum of the others.
Without this the decoder learns to trust affinities that are too good.

Conventions
-----------
Tracks are positions in the universe; everything is counted and learned on training playlists, and
validation playlists say which step's weights are kept. No score of any other method is inside.

Contents
--------
- :class:`BestConfig`: every setting; :class:`MusigBest`: the scorer.
- :func:`fit_best`: the training, resumable, to a folder of the cache.
"""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional as F
from tqdm import tqdm

from musig import cache, checkpoint
from musig.catalog import Catalog, Playlists
from musig.completion import evaluate
from musig.device import fabric as open_fabric
from musig.device import step_generator
from musig.errors import MusigError, nearest
from musig.files import aside
from musig.product import product
from musig.spectral import Spectrum, spectrum
from musig.splits import Split
from musig.tasks import Genre, Similarity
from musig.training_data import TrainingData, prepare

AFFINITIES = ("log", "linear", "none")
POOLINGS = ("attention", "mean")
ABLATION: dict[str, dict[str, Any]] = {
    "structure-only": {"learned": False},
    "learned-only": {"affinity": "none"},
    "half-the-frequencies": {"frequencies": 512},
    "linear-affinity": {"affinity": "linear"},
    "one-spectrum": {"folds": 1},
    "no-coordinates": {"coordinates": 0},
    "no-attributes": {"attributes": "constant"},
    "no-hops": {"hops": 0},
    "mean-pooling": {"pooling": "mean"},
    "no-bias": {"bias": False},
    "no-dropout": {"dropout": 0.0, "input_dropout": 0.0},
    "all-tasks": {"weight_similarity": 0.5, "weight_genre": 0.5},
}
"""Every idea that was tried, taken out (the last one: put in): a row of the ablation each."""
DECODER, TOLD = "decoder.safetensors", "told.json"
LONGEST = 200
"""Tracks of a training playlist that are used in one step; a random part of longer ones."""


@dataclass(frozen=True)
class BestConfig:
    """Every setting of :class:`MusigBest`.

    Examples
    --------
    >>> BestConfig(pooling="attension")
    Traceback (most recent call last):
    musig.errors.MusigError: pooling is 'attension': did you mean 'attention'? ...
    """

    frequencies: int = 1024
    """Spectral coordinates a track, > 0; fewer where the graph has fewer."""
    half_at: int = 50
    """The frequency that the low-pass filter halves, > 0."""
    lean: float = 0.05
    """Power of a candidate's count in its affinity, in [-1, 1]; seeds have the opposite one."""
    affinity: str = "log"
    """How the affinity enters the score, one of log|linear|none."""
    learned: bool = True
    """Whether there is a learned part at all; without it nothing is trained."""
    coordinates: int = 256
    """How many of the spectral coordinates the learned part is given, >= 0."""
    groups: tuple[str, ...] = ()
    """Attribute groups that it is given; none: all that the data know."""
    attributes: str = "known"
    """Or control attributes, one of known|random|constant."""
    popularity: str = "train_count"
    """Which popularity, one of train_count|external."""
    min_weight: int = 2
    """Edges of this weight or less are dropped, >= 0."""
    hops: int = 2
    """Search depth: how many times neighbours are averaged, >= 0."""
    embedding_size: int = 256
    """Width of the learned part, > 0."""
    pooling: str = "attention"
    """How the seeds' learned vectors become one, one of attention|mean."""
    bias: bool = True
    """Whether a candidate's popularity and a learned number of its own are added."""
    folds: int = 5
    """Parts of the training playlists that are held out of the spectrum in turn; 1: none is."""
    weight_similarity: float = 0.0
    """Weight of MUSIG's similarity task beside the completion of playlists, >= 0."""
    weight_genre: float = 0.0
    """Weight of its genre task, >= 0; with it GENRE is no longer among the attributes."""
    dropout: float = 0.5
    """Share of the hidden units set to zero in training, in [0, 1)."""
    input_dropout: float = 0.2
    """Share of the inputs, in [0, 1)."""
    steps: int = 300
    """Of training, > 0; the learning rate falls to zero over them."""
    batch_size: int = 256
    """Playlists a step, > 0."""
    learning_rate: float = 0.003
    """Of Adam at the start, > 0."""
    evaluate_every: int = 50
    """Steps between looks at the validation playlists, each a checkpoint; > 0."""

    def __post_init__(self) -> None:
        for name, valid in (("affinity", AFFINITIES), ("pooling", POOLINGS)):
            if getattr(self, name) not in valid:
                raise MusigError(
                    f"{name} is '{getattr(self, name)}': {nearest(str(getattr(self, name)), valid)}"
                )
        least = dict.fromkeys(("coordinates", "hops", "min_weight"), 0)
        least |= dict.fromkeys(("weight_similarity", "weight_genre"), 0)
        least |= dict.fromkeys(
            ("frequencies", "half_at", "embedding_size", "folds", "steps", "batch_size"), 1
        )
        for name, low in (least | {"evaluate_every": 1}).items():
            if getattr(self, name) < low:
                raise MusigError(f"{name} is {getattr(self, name)}; expected {low} or more.")
        for name in ("dropout", "input_dropout"):
            if not 0 <= getattr(self, name) < 1:
                raise MusigError(f"{name} is {getattr(self, name)}; expected a share in [0, 1).")
        if not -1 <= self.lean <= 1:
            raise MusigError(f"lean is {self.lean}; expected a power from -1 to 1.")
        if not self.learning_rate > 0:
            raise MusigError(f"learning_rate is {self.learning_rate}; expected a number above 0.")
        if self.affinity == "none" and not self.learned:
            raise MusigError(
                "affinity is 'none' and learned is False, which leaves nothing to score tracks by:"
                " set affinity to 'log' or learned to True."
            )


@dataclass(frozen=True)
class Told:
    """What is known of a finished training."""

    history: list[dict[str, float]]
    """A row a look at the validation playlists: ``epoch`` (steps), ``loss``, ``valid_ndcg@100``."""
    info: dict[str, float]
    """``seconds`` of the training, over all interruptions."""
    held_out: dict[str, float]
    """Empty: the measures of MUSIG's tasks are the paper's encoder's."""


class MusigBest:
    """Complete playlists by spectral affinity and a learned graph encoder.

    Parameters
    ----------
    seed : int, >= 0
        Draws weights, halves and batches. The halves of the validation playlists are those of the
        split's seed.
    device : {"auto", "cpu", "cuda"}
    progress : bool
        A bar on stderr.
    **settings
        The fields of :class:`BestConfig`.

    Raises
    ------
    MusigError
        For an unknown setting or a wrong value.

    Notes
    -----
    The training goes through the cache.

    Notebook: 07_methods

    Examples
    --------
    >>> MusigBest(hops=1).config.hops
    1
    >>> MusigBest(hop=1)
    Traceback (most recent call last):
    musig.errors.MusigError: Method 'musig-best' has no setting 'hop': did you mean 'hops'? ...
    """

    name = "musig-best"
    cannot: ClassVar[str] = ""
    defaults: ClassVar[dict[str, Any]] = {field.name: field.default for field in fields(BestConfig)}

    def __init__(
        self, *, seed: int = 0, device: str = "auto", progress: bool = False, **settings: Any
    ) -> None:
        for key in settings:
            if key not in self.defaults:
                raise MusigError(
                    f"Method '{self.name}' has no setting '{key}': {nearest(key, self.defaults)}"
                )
        self.config = BestConfig(**{**settings, "groups": tuple(settings.get("groups", ()))})
        self.seed, self.device, self.progress = seed, device, progress

    def fit(self, catalog: Catalog, split: Split) -> Self:
        """Find the spectrum of the training playlists, and train what is learned."""
        data = prepare(
            catalog,
            split,
            min_playlists=0,
            min_weight=self.config.min_weight,
            groups=self.config.groups,
            popularity=self.config.popularity,
            attributes=self.config.attributes,
            seed=split.seed,
        )
        inputs = {"data": data.fingerprint, "config": _plain(self.config), "seed": self.seed}
        self.folder = cache.stage(
            "best",
            inputs,
            lambda folder: fit_best(
                data, self.config, folder, self.seed, self.device, self.progress
            ),
            fit_best,
        )
        self._decoder = _Decoder(load_file(self.folder / DECODER), self.config)
        self.model = Told(**json.loads((self.folder / TOLD).read_text("utf-8")))
        return self

    def score(self, seeds: Playlists, candidates: np.ndarray | None = None) -> Tensor:
        """Score candidates for each seed list: float32, (n_playlists, n_candidates)."""
        scores = self._decoder(*_bags(seeds, torch.device("cpu")))
        return scores if candidates is None else scores[:, torch.as_tensor(candidates)]

    @property
    def size(self) -> int:
        """Numbers kept to recommend with: both parts of the embeddings, and the decoder."""
        return sum(tensor.numel() for tensor in self._decoder.tensors.values())


class _Decoder:
    """Scores from what a training leaves: nothing of the graph or the attributes is needed."""

    def __init__(self, tensors: dict[str, Tensor], config: BestConfig) -> None:
        self.tensors, self.config = tensors, config

    @torch.no_grad()
    def __call__(self, tracks: Tensor, starts: Tensor) -> Tensor:
        """Score all tracks for bags of seeds: (n_playlists, n_tracks)."""
        kept = self.tensors
        scores = kept["bias"][None, :]
        if self.config.affinity != "none":
            affinity = _affinity(kept["query"], kept["item"], tracks, starts)
            scores = scores + _entering(affinity, self.config, kept["strength"], kept["bend"])
        if self.config.learned:
            pooled = _pooled(kept["seed"], kept["attention"], tracks, starts)
            scores = scores + F.normalize(pooled) @ kept["candidate"].T
        return scores


def _bags(playlists: Playlists, device: torch.device) -> tuple[Tensor, Tensor]:
    """Playlists as torch's bags: tracks one after the other, and where each bag starts."""
    tracks = torch.as_tensor(playlists.tracks, dtype=torch.long, device=device)
    return tracks, torch.as_tensor(playlists.indptr[:-1], device=device)


def _affinity(query: Tensor, item: Tensor, tracks: Tensor, starts: Tensor) -> Tensor:
    """Spectral affinity of bags of seeds to all tracks, over its deviation."""
    affinity = F.embedding_bag(tracks, query, starts, mode="sum") @ item.T
    return affinity / affinity.std(1, keepdim=True).clamp(min=1e-6)


def _entering(affinity: Tensor, config: BestConfig, strength: Tensor, bend: Tensor) -> Tensor:
    """Turn an affinity into a part of the score; its largest are many deviations away."""
    if config.affinity == "linear":
        return strength * affinity
    return strength * torch.log1p(affinity.relu() * bend.exp())


def _pooled(vectors: Tensor, attention: Tensor, tracks: Tensor, starts: Tensor) -> Tensor:
    """Weighted sum of the seeds' vectors: the direction of their weighted mean."""
    return F.embedding_bag(
        tracks, vectors, starts, mode="sum", per_sample_weights=attention[tracks]
    )


class _Net(nn.Module):
    """Encoder and decoder in training."""

    inputs: Tensor
    log_share: Tensor

    def __init__(self, data: TrainingData, config: BestConfig, coordinates: Tensor) -> None:
        super().__init__()
        self.config = config
        width, size = config.embedding_size, data.n_tracks
        inputs = _inputs(data, config, coordinates)
        self.register_buffer("inputs", inputs, persistent=False)
        counts = data.catalog.playlists.subset(data.split.train).counts(size)
        share = torch.from_numpy(np.maximum(counts, 1) / len(data.split.train))
        self.register_buffer("log_share", share.log().float(), persistent=False)
        self.hidden = nn.Linear(inputs.shape[1], width)
        self.out = nn.Linear(width, width)
        self.skip = nn.Linear(inputs.shape[1], width, bias=False)
        self.query = nn.Linear(width, width, bias=False)
        nn.init.eye_(self.query.weight)  # at first a seed asks for what is like itself
        self.attention = nn.Linear(width, 1)
        nn.init.zeros_(self.attention.weight)
        nn.init.zeros_(self.attention.bias)
        self.strength = nn.Parameter(torch.tensor(2.0 if config.affinity == "log" else 1.0))
        self.bend = nn.Parameter(torch.tensor(0.0))
        self.sharpness = nn.Parameter(torch.tensor(1.0))
        self.popular = nn.Parameter(torch.tensor(0.3))
        self.own = nn.Parameter(torch.zeros(size))

    def encode(self) -> Tensor:
        """Learned vectors of all tracks, (n_tracks, width)."""
        x = F.dropout(self.inputs, self.config.input_dropout, self.training)
        hidden = F.dropout(F.relu(self.hidden(x)), self.config.dropout, self.training)
        return self.skip(x) + self.out(hidden)

    def biases(self) -> Tensor:
        """Give what every candidate brings along, (n_tracks,)."""
        if not self.config.bias:
            return torch.zeros_like(self.own)
        return self.own + self.popular * self.log_share

    def attended(self, vectors: Tensor) -> Tensor:
        """Weight of each track as a seed, (n_tracks,)."""
        if self.config.pooling == "mean":
            return torch.ones_like(self.own)
        return self.attention(vectors).squeeze(1).exp()

    def logits(self, vectors: Tensor, tracks: Tensor, starts: Tensor, affinity: Tensor) -> Tensor:
        """Scores of all tracks for bags of seeds, (n_playlists, n_tracks)."""
        scores = self.biases()[None, :]
        if self.config.affinity != "none":
            scores = scores + _entering(affinity, self.config, self.strength, self.bend)
        pooled = _pooled(vectors, self.attended(vectors), tracks, starts)
        cosine = F.normalize(self.query(pooled)) @ F.normalize(vectors).T
        return scores + self.sharpness.exp() * cosine

    @torch.no_grad()
    def decoder(self, query: Tensor, item: Tensor) -> dict[str, Tensor]:
        """Put together what :class:`_Decoder` needs, on the CPU."""
        self.eval()
        vectors = self.encode()
        kept = {
            "query": query,
            "item": item,
            "strength": self.strength,
            "bend": self.bend,
            "bias": self.biases(),
            "seed": self.query(vectors),
            "attention": self.attended(vectors),
            "candidate": F.normalize(vectors) * self.sharpness.exp(),
        }
        return {name: tensor.detach().cpu().contiguous() for name, tensor in kept.items()}


def _inputs(data: TrainingData, config: BestConfig, coordinates: Tensor) -> Tensor:
    """Attributes and coordinates, of the track itself and averaged over each number of hops."""
    x = torch.from_numpy(data.attributes.x)
    if config.weight_genre and "GENRE" in data.attributes.groups:
        start, stop = data.attributes.groups["GENRE"]
        x = torch.cat([x[:, :start], x[:, stop:]], dim=1)
    hop = torch.cat([x, coordinates[:, : config.coordinates]], dim=1)
    parts = [hop]
    csr = data.csr
    # Cosine weights: of two edges of equal weight, the one to the rarer track says more.
    counts = torch.from_numpy(data.catalog.playlists.subset(data.split.train).counts(csr.n_rows))
    scale = counts.clamp(min=1).float().rsqrt()
    rows = torch.repeat_interleave(torch.arange(csr.n_rows), csr.degree)
    weight = csr.weight * scale[rows] * scale[csr.indices]
    total = torch.zeros(csr.n_rows).index_add_(0, rows, weight)
    mean = torch.sparse_csr_tensor(
        csr.indptr, csr.indices, weight / total[rows], (csr.n_rows, csr.n_rows)
    )
    for _ in range(config.hops):
        hop = product(mean, hop)
        parts.append(hop)
    inputs = torch.cat(parts, dim=1)
    return (inputs - inputs.mean(0)) / (inputs.std(0) + 1e-6)


def _sides(found: Spectrum, config: BestConfig) -> tuple[Tensor, Tensor]:
    """Filter the coordinates, and lean them: as those of a seed, as those of a candidate."""
    vectors = found.vectors * np.sqrt(found.low_pass(config.half_at))
    lean = np.maximum(found.counts, 1)[:, None].astype(np.float32) ** config.lean
    return torch.from_numpy(vectors / lean), torch.from_numpy(vectors * lean)


def fit_best(
    data: TrainingData,
    config: BestConfig,
    folder: Path,
    seed: int = 0,
    device: str = "auto",
    progress: bool = False,
) -> None:
    """Train, or go on with a training that was stopped.

    Parameters
    ----------
    data : TrainingData
    config : BestConfig
    folder : Path
        Gets ``decoder.safetensors`` when done; holds the checkpoint before.
    seed : int, >= 0
    device : {"auto", "cpu", "cuda"}
    progress : bool
        A bar on stderr with loss and validation ndcg@100.

    Raises
    ------
    MusigError
        If the loss is not finite.

    Notes
    -----
    Of playlists, not of targets, the loss is a mean that gives longer ones the root of their length
    as weight. The learning rate rises over the first twenty steps and falls as a cosine.

    Notebook: 07_methods
    """
    start = time.perf_counter()
    train = data.catalog.playlists.subset(data.split.train)
    whole = spectrum(train, data.n_tracks, config.frequencies, seed)
    if not config.learned:
        query, item = _sides(whole, config)
        nothing = {"bias": torch.zeros(data.n_tracks), "bend": torch.zeros(())}
        tensors = {"query": query, "item": item, "strength": torch.ones(())} | nothing
        _write(tensors, [], time.perf_counter() - start, folder)
        return
    fabric = open_fabric(device, "32")
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        coordinates = torch.from_numpy(whole.vectors)
        tasks = [
            (task(data, config.embedding_size), weight)
            for task, weight in (
                (Similarity, config.weight_similarity),
                (_GenreInSight, config.weight_genre),
            )
            if weight
        ]
        net = nn.ModuleDict({"best": _Net(data, config, coordinates)})
        net.update({task.name: task for task, _ in tasks})
        net.to(fabric.device)
        optimiser = torch.optim.Adam(net.parameters(), lr=config.learning_rate)
        best: _Net = net["best"]  # type: ignore[assignment]
        query, item = (side.to(fabric.device) for side in _sides(whole, config))
        folds = _Folds(train, data.n_tracks, config, seed, (query, item))
        identity = {"config": _plain(config), "data": data.fingerprint, "seed": seed}
        state = checkpoint.resume(folder, identity, net, optimiser)
        bar = tqdm(
            range(state.epoch, config.steps),
            initial=state.epoch,
            total=config.steps,
            desc="musig-best",
            unit="step",
            disable=None if progress else True,
        )
        for step in bar:
            net.train()
            for group in optimiser.param_groups:
                group["lr"] = config.learning_rate * _schedule(step, config.steps)
            generator = step_generator(seed, step, fabric.device)
            rng = np.random.default_rng([seed, step])
            vectors = best.encode()
            loss = _completion_loss(best, vectors, folds, rng)
            for task, weight in tasks:
                drawn = task.draw(config.batch_size, generator)
                unit = F.normalize(vectors)
                loss = loss + weight * task.loss(unit, drawn.nodes, drawn)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            state.epoch = step + 1
            if state.epoch % config.evaluate_every == 0 or state.epoch == config.steps:
                if not bool(torch.isfinite(loss.detach())):
                    raise MusigError(
                        f"The loss of musig-best became {loss.item()} by step {step + 1}"
                        f" (learning_rate {config.learning_rate}): lower learning_rate."
                    )
                quality = _quality(best.decoder(query, item), config, data)
                bar.set_postfix({"loss": f"{loss.item():.3f}", "ndcg": f"{quality:.3f}"})
                state.note(quality, net)
                row = {"epoch": state.epoch, "loss": loss.item(), "valid_ndcg@100": quality}
                state.history.append(row)
                state.seconds += time.perf_counter() - start
                start = time.perf_counter()
                checkpoint.save(folder, identity, net, optimiser, state)
        bar.close()
        net.load_state_dict(state.best)
        _write(best.decoder(query, item), state.history, state.seconds, folder)


class _GenreInSight(Genre):
    """MUSIG's genre task for an encoder whose inputs hold no GENRE: there is nothing to hide."""

    def __init__(self, data: TrainingData, embedding_size: int) -> None:
        super().__init__(data, embedding_size, hide=False)


class _Folds:
    """Training playlists, each with the affinities of a spectrum that never saw it."""

    def __init__(
        self,
        train: Playlists,
        n_tracks: int,
        config: BestConfig,
        seed: int,
        whole: tuple[Tensor, Tensor],
    ) -> None:
        self.train, self.config = train, config
        self.of = np.random.default_rng(seed).permutation(len(train)) % config.folds
        self.long_enough = train.lengths >= 2
        self.sides = [whole]
        if config.folds > 1 and config.affinity != "none":
            self.sides = []
            for fold in range(config.folds):
                others = train.subset(np.flatnonzero(self.of != fold))
                found = _sides(spectrum(others, n_tracks, config.frequencies, seed), config)
                self.sides.append(tuple(side.to(whole[0].device) for side in found))  # type: ignore[arg-type]
        else:
            self.of[:] = 0

    def draw(self, rng: np.random.Generator) -> tuple[Playlists, Playlists, tuple[Tensor, Tensor]]:
        """Draw playlists of one fold, cut at random: seeds, targets, spectral sides."""
        fold = int(rng.integers(len(self.sides)))
        mine = np.flatnonzero((self.of == fold) & self.long_enough)
        if len(mine) == 0:
            raise MusigError(
                "A fold of the training playlists holds none with two tracks of the universe: use"
                " fewer folds, or more playlists."
            )
        chosen = rng.choice(mine, min(self.config.batch_size, len(mine)), replace=False)
        seeds, targets = [], []
        for row in chosen:
            tracks = rng.permutation(self.train[int(row)])[:LONGEST]
            half = (len(tracks) + 1) // 2
            seeds.append(tracks[:half])
            targets.append(tracks[half:])
        return Playlists.from_lists(seeds), Playlists.from_lists(targets), self.sides[fold]


def _completion_loss(net: _Net, vectors: Tensor, folds: _Folds, rng: np.random.Generator) -> Tensor:
    """Softmax over all tracks but the seeds: minus the mean log probability of the targets."""
    seeds, targets, (query, item) = folds.draw(rng)
    device = vectors.device
    tracks, starts = _bags(seeds, device)
    affinity = _affinity(query, item, tracks, starts)
    logits = net.logits(vectors, tracks, starts, affinity)
    given = torch.as_tensor(np.repeat(np.arange(len(seeds)), seeds.lengths), device=device)
    logits = logits.index_put((given, tracks), logits.new_tensor(-torch.inf))
    lengths = torch.as_tensor(targets.lengths, device=device)
    rows = torch.repeat_interleave(torch.arange(len(targets), device=device), lengths)
    wanted, _ = _bags(targets, device)
    log_probability = logits[rows, wanted] - logits.logsumexp(1)[rows]
    weight = lengths.float().rsqrt()[rows]
    return -(weight * log_probability).sum() / weight.sum()


def _schedule(step: int, steps: int) -> float:
    """Share of the learning rate: a short rise, then a cosine to zero."""
    return min(1.0, (step + 1) / 20) * 0.5 * (1 + float(np.cos(np.pi * step / steps)))


class _Fitted:
    """A decoder with the shape of a scorer, for the validation playlists."""

    name = "musig-best"

    def __init__(self, decoder: _Decoder) -> None:
        self.decoder = decoder

    def fit(self, catalog: Catalog, split: Split) -> Self:
        return self

    def score(self, seeds: Playlists, candidates: np.ndarray | None = None) -> Tensor:
        return self.decoder(*_bags(seeds, torch.device("cpu")))


def _quality(tensors: dict[str, Tensor], config: BestConfig, data: TrainingData) -> float:
    """ndcg@100 (or at the size of a smaller universe) on the validation playlists."""
    k = min(100, data.n_tracks)
    result = evaluate(_Fitted(_Decoder(tensors, config)), data.valid, data.catalog, ks=(k,))
    return float(result.values(f"ndcg@{k}").mean())


def _write(
    tensors: dict[str, Tensor], history: list[dict[str, float]], seconds: float, folder: Path
) -> None:
    with aside(folder / DECODER) as passing:
        save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, passing)
    told = {"history": history, "info": {"seconds": seconds}, "held_out": {}}
    with aside(folder / TOLD) as passing:
        passing.write_text(json.dumps(told), "utf-8")


def _plain(config: BestConfig) -> dict[str, Any]:
    return {key: list(v) if isinstance(v, tuple) else v for key, v in asdict(config).items()}
