"""Training: the weighted losses of all tasks, back-propagated into one encoder.

One plain loop (:func:`train`) on Lightning Fabric: CPU and CUDA by the same code, bfloat16 on
request. It can be killed at any moment and resumed: what was seen since the last checkpoint is
recomputed with the same random numbers, so that the weights end bit by bit as in a run that was
never stopped (same device, threads and versions).

Conventions
-----------
An *epoch* has each track of the graph as the anchor of a positive pair once, on average, or each
edge as a positive pair once (`epoch_over`). The random numbers of a step depend on the seed and
the step's number only. Fields of :class:`TrainConfig` have the names of the notebooks' parameters.

Contents
--------
- :class:`TrainConfig`: every setting of a training.
- :func:`default_tasks`: the paper's three tasks with their weights.
- :func:`train`: the loop, to a finished MODEL folder (:mod:`musig.modelfolder`).
- :func:`trained`: the same through the cache.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from tqdm import tqdm

from musig import cache, checkpoint, modelfolder
from musig.balance import BALANCES
from musig.completion import EmbeddingScorer, evaluate
from musig.device import fabric as open_fabric
from musig.device import on_cuda, step_generator
from musig.errors import MusigError, nearest
from musig.features import mask_group
from musig.model import AGGREGATORS, Encoder, embed
from musig.product import product
from musig.sampling import build_alias, full_blocks, sample_blocks
from musig.tasks import EPOCHS, LOSSES, SIMILARITIES, TASKS, Batch, Task
from musig.thinning import mirror_of, thinned
from musig.training_data import TrainingData

CHOICES = {
    "aggregator": AGGREGATORS,
    "loss": LOSSES,
    "epoch_over": EPOCHS,
    "steps": ("auto", "full", "sampled"),
    "device": ("auto", "cpu", "cuda"),
    "precision": ("32", "bf16"),
    "similarity": tuple(SIMILARITIES),
    "genres": ("main", "all"),
    "balance": tuple(BALANCES),
}
DEARER = 10
"""How many rows a full step may add up for each that a sampled step draws. A drawn row costs more,
since it is looked up and named anew, and sampling adds noise; ``benchmarks/training.py`` times
steps of either kind."""
POSITIVE = (
    "hops",
    "embedding_size",
    "temperature",
    "negatives",
    "contrast",
    "epochs",
    "batch_size",
    "learning_rate",
    "evaluate_every",
    "patience",
)


@dataclass(frozen=True)
class TrainConfig:
    """Every setting of a training. Where the paper is silent the default is our own choice.

    Examples
    --------
    >>> TrainConfig(steps="ful")
    Traceback (most recent call last):
    musig.errors.MusigError: steps is 'ful': did you mean 'full'? Valid: auto, full, sampled.
    """

    hops: int = 2
    """Search depth K, > 0."""
    aggregator: str = "mean"
    """One of mean|max|lstm|attention; all but mean need sampled steps."""
    embedding_size: int = 128
    """Width of the embedding, > 0."""
    dropout: float = 0.0
    """Share of each hop's inputs set to zero in training, in [0, 1); in the first hop of the mean
    the inputs are a track's attributes and their average over its neighbours."""
    drop_edges: float = 0.0
    """Share of the edges that a step embeds without, in [0, 1); full steps only."""
    drop_tracks: float = 0.0
    """Share of the tracks that a step embeds without any edge, in [0, 1); full steps only."""
    steps: str = "auto"
    """One of auto|full|sampled: every step embeds all tracks, or the batch from sampled neighbours;
    auto: whichever is cheaper."""
    fanouts: tuple[int, ...] = (25, 10)
    """Neighbours sampled a track, first hop first; used by sampled steps, as many as there are
    hops to sample. With the mean that is one less: what attributes average to is exact."""
    weight_cooccurrence: float = 1.0
    """Weight of the co-occurrence loss, >= 0."""
    weight_similarity: float = 0.5
    """Weight of the similarity loss, >= 0."""
    weight_genre: float = 0.5
    """Weight of the genre loss, >= 0."""
    balance: str = "fixed"
    """How the weights are used, one of fixed|uncertainty|surgery: as they are; learned, from these
    on; as they are, with what contradicts another task cut out of a gradient."""
    loss: str = "softmax"
    """Co-occurrence loss, one of softmax|logistic."""
    temperature: float = 0.1
    """Divides the cosine of two embeddings, > 0."""
    negatives: int = 20
    """Tracks each pair is held against in the logistic loss, > 0."""
    contrast: int = 1024
    """Pairs among which each has to be recognised in the softmax loss, > 1; at most the batch."""
    epoch_over: str = "tracks"
    """One of tracks|pairs: an epoch has each track as an anchor once, or each edge once."""
    similarity: str = "known"
    """Sound of the similarity task, one of known|audio|acoustic; known: each that the data have."""
    genres: str = "main"
    """Labels of the genre task, one of main|all."""
    mask_genre: bool = True
    """Whether tracks that supervise the genre task have their own GENRE hidden."""
    epochs: int = 100
    """At most so many, > 0."""
    batch_size: int = 1024
    """Anchors, pairs and labelled tracks a step, > 0."""
    learning_rate: float = 0.01
    """Of Adam, > 0."""
    evaluate_every: int = 5
    """Epochs between evaluations on the validation playlists, each a checkpoint; > 0."""
    patience: int = 5
    """Evaluations without a better validation ndcg@100 before training stops, > 0."""
    seed: int = 0
    """Draws weights and batches, >= 0."""
    device: str = "auto"
    """One of auto|cpu|cuda."""
    precision: str = "32"
    """One of 32|bf16."""

    def __post_init__(self) -> None:
        for name, valid in CHOICES.items():
            value = getattr(self, name)
            if value not in valid:
                raise MusigError(f"{name} is '{value}': {nearest(str(value), valid)}")
        for name in POSITIVE:
            if not getattr(self, name) > 0:
                raise MusigError(f"{name} is {getattr(self, name)}; expected a number above 0.")
        if self.contrast < 2:
            raise MusigError("contrast is 1; expected 2 or more: one pair alone teaches nothing.")
        weights = (self.weight_cooccurrence, self.weight_similarity, self.weight_genre)
        if min(weights) < 0:
            raise MusigError(f"The task weights are {weights}; expected numbers of 0 or more.")
        for name in ("dropout", "drop_edges", "drop_tracks"):
            if not 0 <= getattr(self, name) < 1:
                raise MusigError(f"{name} is {getattr(self, name)}; expected a share in [0, 1).")
        if not all(fanout > 0 for fanout in self.fanouts):
            raise MusigError(f"fanouts is {self.fanouts}; expected numbers above 0, one a hop.")
        pooled = self.aggregator != "mean"
        if (self.steps == "sampled" or pooled) and len(self.fanouts) < self.hops - (not pooled):
            raise MusigError(
                f"fanouts has {len(self.fanouts)} numbers for {self.hops} hops; expected one a hop"
                f"{'' if pooled else ' but the outermost, which is exact for the mean'}."
            )
        if is_thinned(self) and (self.steps == "sampled" or pooled):
            raise MusigError(
                "drop_edges and drop_tracks leave out a part of the whole graph in each step: set "
                "steps to 'full' or 'auto', and aggregator to 'mean'."
            )
        if self.steps == "full" and pooled:
            raise MusigError(
                f"The aggregator '{self.aggregator}' gathers a row for every edge: it is made for "
                "sampled neighbourhoods. Set steps to 'sampled' or 'auto', or aggregator to 'mean'."
            )


def is_thinned(config: TrainConfig) -> bool:
    """Tell whether each step has a graph of its own.

    Parameters
    ----------
    config : TrainConfig

    Returns
    -------
    bool

    Notes
    -----
    Notebook: 12_new_tracks
    """
    return config.drop_edges > 0 or config.drop_tracks > 0


def default_tasks(data: TrainingData, config: TrainConfig) -> list[tuple[Task, float]]:
    """Make the paper's three tasks, leaving out those of weight 0.

    Parameters
    ----------
    data : TrainingData
    config : TrainConfig
        Its weights, and the settings of each task.

    Returns
    -------
    list of (task, weight)
        To be handed to :func:`train`, alone or with tasks of your own.

    Raises
    ------
    MusigError
        If every weight is 0, or the data lacks what a task needs.

    Notes
    -----
    Notebook: 05_multitask_training
    """
    size = config.embedding_size
    hide = config.mask_genre and "GENRE" in data.attributes.groups
    options: dict[str, dict[str, Any]] = {
        "cooccurrence": {
            "loss": config.loss,
            "temperature": config.temperature,
            "negatives": config.negatives,
            "contrast": config.contrast,
            "epoch_over": config.epoch_over,
        },
        "similarity": {"embedding_size": size, "on": config.similarity},
        "genre": {"embedding_size": size, "genres": config.genres, "hide": hide},
    }
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)  # the tasks' own weights are part of the run's seed
        tasks: list[tuple[Task, float]] = []
        for name, task_class in TASKS.items():
            weight = getattr(config, f"weight_{name}")
            if weight:
                tasks.append((task_class(data, **options[name]), weight))
    if not tasks:
        raise MusigError("Every task has weight 0: give at least one task a weight above 0.")
    return tasks


def steps_an_epoch(config: TrainConfig, data: TrainingData) -> int:
    """How many steps go through all tracks, or all pairs.

    Parameters
    ----------
    config : TrainConfig
    data : TrainingData

    Returns
    -------
    int
        At least 1.

    Notes
    -----
    Notebook: 05_multitask_training
    """
    tracks, pairs = int((data.csr.degree > 0).sum()), len(data.csr.indices) // 2
    length = pairs if config.epoch_over == "pairs" else tracks
    return max(1, math.ceil(length / config.batch_size))


def steps_for(config: TrainConfig, data: TrainingData) -> str:
    """Choose between steps on the full graph and sampled ones, where that is left open.

    Parameters
    ----------
    config : TrainConfig
    data : TrainingData

    Returns
    -------
    {"full", "sampled"}
        What the settings say, unless they say "auto". Then "sampled" for aggregators that need
        it, and on a CPU where a full step would add up more than :data:`DEARER` times as many rows
        as a sampled one: large graphs, small batches. Else "full", whose steps have less noise, and
        in which a GPU never waits for the host.

    Notes
    -----
    An estimate: rows are counted hop by hop, all edges or `fanouts` a track asked for, without
    the first hop, which is the same for both: what attributes average to is computed once, and
    where genre is hidden its columns again in each step, over all edges. With too few `fanouts`
    steps are full.
    Notebook: 05_multitask_training
    """
    if config.steps != "auto":
        return config.steps
    if is_thinned(config):
        return "full"
    if config.aggregator != "mean":
        return "sampled"
    if on_cuda(config.device):
        return "full"
    sampled = config.hops - (not data.attributes.learned)  # the first is exact, where it is known
    if len(config.fanouts) < sampled:
        return "full"
    asked = 2 * (config.weight_cooccurrence > 0) + 2 * (config.weight_similarity > 0)
    asked += config.weight_genre > 0
    nodes, drawn = min(asked * config.batch_size, data.n_tracks), 0
    for fanout in config.fanouts[:sampled]:
        drawn += nodes * fanout
        nodes = min(nodes + nodes * fanout, data.n_tracks)
    added = sampled * len(data.csr.indices)
    return "sampled" if added > DEARER * drawn else "full"


class Network(nn.Module):
    """Encoder and tasks as one module: what a step moves, and what a checkpoint holds.

    Parameters
    ----------
    data : TrainingData
    config : TrainConfig
    tasks : sequence of (task, weight)

    Notes
    -----
    What :func:`train` asks of a network: :meth:`place_graph`, then :meth:`forward` in each step,
    :meth:`shared`, and :meth:`embed`. Another encoder is another network: one that inherits from
    this one and answers :meth:`make_encoder`, :meth:`place_graph`, :meth:`embedded` and
    :meth:`embed` (:mod:`musig.hetero`).
    Notebook: 05_multitask_training
    """

    x: Tensor

    def __init__(
        self, data: TrainingData, config: TrainConfig, tasks: Sequence[tuple[Task, float]]
    ) -> None:
        super().__init__()
        self.config = config
        self.groups = data.attributes.groups
        self.learned = data.attributes.learned
        x = torch.from_numpy(data.attributes.x)
        self.encoder = self.make_encoder(data, config)
        self.modules_of_tasks = nn.ModuleDict({task.name: task for task, _ in tasks})  # type: ignore[misc]
        self.tasks = {task.name: task for task, _ in tasks}
        self.weights = {task.name: weight for task, weight in tasks}
        self.balance = BALANCES[config.balance](self.weights)
        if self.learned:
            self.x = nn.Parameter(x.clone())
        else:
            self.register_buffer("x", x, persistent=False)

    def make_encoder(self, data: TrainingData, config: TrainConfig) -> Any:
        """Make the encoder, not yet trained."""
        return Encoder(
            data.attributes.x.shape[1],
            config.embedding_size,
            config.hops,
            config.aggregator,
            config.dropout,
        )

    def place_graph(self, data: TrainingData, device: torch.device) -> None:
        """Put the graph where the weights are; nothing is moved after this."""
        self.csr = data.csr.to(device)
        self.steps = steps_for(self.config, data)
        self.blocks = full_blocks(self.csr, self.config.hops)
        self.mirror = mirror_of(self.csr) if is_thinned(self.config) else None
        if self.steps == "sampled":
            self._require_fanouts()
            self.alias = build_alias(data.csr).to(device)
        # What attributes average to over the neighbours changes with no parameter: the first hop
        # of the mean is done here, once, and exactly, also for sampled steps. Attributes that are
        # learned are parameters themselves.
        known = self.config.aggregator == "mean" and not self.learned
        self.matrix = self.blocks[0].matrix() if known else None
        self.gathered = None if self.matrix is None else product(self.matrix, self.x)

    def _require_fanouts(self) -> None:
        """Of learned attributes the first hop is sampled as well."""
        config = self.config
        if self.learned and len(config.fanouts) < config.hops:
            raise MusigError(
                f"fanouts has {len(config.fanouts)} numbers for {config.hops} hops; expected one a "
                "hop, since what attributes that are learned average to is not known beforehand."
            )

    def shared(self) -> list[nn.Parameter]:
        """Parameters that every task reaches."""
        own = [self.x] if isinstance(self.x, nn.Parameter) else []
        return [*own, *self.encoder.parameters()]

    def forward(self, generator: torch.Generator) -> dict[str, Tensor]:
        """Draw a batch of every task, embed what they need, return the loss of each."""
        size = self.config.batch_size
        batches: dict[str, Batch] = {
            name: task.draw(size, generator) for name, task in self.tasks.items()
        }
        nodes = torch.cat([batch.nodes for batch in batches.values()])
        hidden = [batch.hidden for batch in batches.values() if batch.hidden is not None]
        z, rows = self.embedded(nodes, hidden, generator)
        z, pieces = z.float(), rows.split([len(batch.nodes) for batch in batches.values()])
        return {
            name: self.tasks[name].loss(z, piece, batch)
            for (name, batch), piece in zip(batches.items(), pieces, strict=True)
        }

    def embedded(
        self, nodes: Tensor, hidden: Sequence[Tensor], generator: torch.Generator
    ) -> tuple[Tensor, Tensor]:
        """Embed `nodes`, with the GENRE of some tracks hidden; give embeddings and their rows."""
        if self.mirror is not None:
            config = self.config
            csr = thinned(self.csr, self.mirror, config.drop_edges, config.drop_tracks, generator)
            x = self.attributes(torch.cat(list(hidden))) if hidden else self.x
            return self.encoder(x, full_blocks(csr, config.hops)), nodes
        x, gathered = self.inputs(hidden)
        exact = int(gathered is not None)  # hops that are done
        if self.steps == "full":
            return self.encoder(x, self.blocks[exact:], gathered=gathered), nodes
        unique, rows = torch.unique(nodes, return_inverse=True)
        fanouts = self.config.fanouts[: self.config.hops - exact]
        sources, blocks = sample_blocks(self.csr, self.alias, unique, fanouts, generator)
        known = None if gathered is None else gathered[sources]
        return self.encoder(x[sources], blocks, gathered=known), rows

    def inputs(self, hidden: Sequence[Tensor]) -> tuple[Tensor, Tensor | None]:
        """Attributes, and what they average to, with the GENRE of some tracks hidden from both."""
        if not hidden or "GENRE" not in self.groups:
            return self.x, self.gathered
        x, gathered = self.attributes(torch.cat(list(hidden))), self.gathered
        if self.matrix is not None and gathered is not None:
            columns = slice(*self.groups["GENRE"])
            gathered = gathered.clone()
            gathered[:, columns] = product(self.matrix, x[:, columns])
        return x, gathered

    def attributes(self, hidden: Tensor, groups: Sequence[str] = ("GENRE",)) -> Tensor:
        """Node attributes, with groups of the tracks `hidden` masked, where they are among them."""
        x = self.x
        for group in groups:
            x = mask_group(x, self.groups, group, hidden) if group in self.groups else x
        return x

    def embed(self, hidden: Tensor | None = None, groups: Sequence[str] = ("GENRE",)) -> Tensor:
        """Exact embeddings of all tracks."""
        x = self.x if hidden is None else self.attributes(hidden, groups)
        return embed(self.encoder, x, self.csr, block=self.blocks[0])


def train(
    data: TrainingData,
    config: TrainConfig,
    folder: Path | str,
    tasks: Sequence[tuple[Task, float]] | None = None,
    progress: bool = True,
    network: Callable[..., Network] = Network,
    fabric: Any = None,
) -> modelfolder.Trained:
    """Train MUSIG, or go on with a training that was stopped.

    Parameters
    ----------
    data : TrainingData
        From :func:`musig.training_data.prepare`.
    config : TrainConfig
    folder : path
        The MODEL folder; made if it does not exist, resumed if a training was begun there.
    tasks : sequence of (task, weight), optional
        By default the paper's three (:func:`default_tasks`). A task is any module with the three
        methods described in :mod:`musig.tasks`. Tasks are trained with the rest: make new ones
        for another training.
    progress : bool
        A bar on stderr with the loss of each task.
    network : callable
        Called with data, config and tasks; makes what is trained.
    fabric : lightning_fabric.Fabric, optional
        Opened and launched, where several processes train together: each calls this with the same
        arguments, and the first of them writes. By default one is opened for this process alone.

    Returns
    -------
    Trained
        The finished model, as :func:`musig.modelfolder.load` gives it.

    Raises
    ------
    MusigError
        If a loss is not finite, or the folder holds a training with other settings or data.

    Notes
    -----
    The best weights by ndcg@100 on the validation playlists are kept.
    Notebook: 05_multitask_training
    """
    folder = Path(folder)
    config = replace(config, steps=steps_for(config, data))  # what was chosen is what is resumed
    tasks = default_tasks(data, config) if tasks is None else list(tasks)
    identity = {
        "config": _jsonable(asdict(config)),
        "data": data.fingerprint,
        "tasks": _identity_of(tasks),
    }
    if modelfolder.is_finished(folder):
        checkpoint.require_same(identity, modelfolder.read_identity(folder), folder)
        return modelfolder.load(folder)

    fabric = fabric or open_fabric(config.device, config.precision)
    with torch.random.fork_rng(devices=[fabric.device] if fabric.device.type == "cuda" else []):
        torch.manual_seed(config.seed)
        net = network(data, config, tasks)
        fused = fabric.device.type == "cuda"  # one kernel for all parameters
        optimiser = torch.optim.Adam(net.parameters(), lr=config.learning_rate, fused=fused)
        model, optimiser = fabric.setup(net, optimiser)
        net.place_graph(data, fabric.device)
        state = checkpoint.resume(folder, identity, net, optimiser)
        steps = steps_an_epoch(config, data)
        start = time.perf_counter()
        bar = tqdm(
            range(state.epoch, config.epochs),
            initial=state.epoch,
            total=config.epochs,
            desc="train",
            unit="epoch",
            disable=None if progress and fabric.is_global_zero else True,
        )
        for epoch in bar:
            if state.stale >= config.patience:
                break
            model.train()
            losses_by_step = []
            for step in range(epoch * steps, (epoch + 1) * steps):
                generator = step_generator(config.seed, step, fabric.device)
                losses = model(generator)
                optimiser.zero_grad()
                net.balance.backward(losses, net.shared(), fabric.backward, generator)
                optimiser.step()
                losses_by_step.append(torch.stack(list(losses.values())).detach())
            table = torch.stack(
                losses_by_step
            ).cpu()  # (steps, tasks); once an epoch off the device
            _require_finite(table, list(net.tasks), epoch, config, folder)
            means = dict(zip(net.tasks, table.mean(0).tolist(), strict=True))
            bar.set_postfix({name: f"{value:.3f}" for name, value in means.items()})
            row: dict[str, float] = {"epoch": epoch + 1, **means, **net.balance.report()}
            last = epoch + 1 == config.epochs
            if (epoch + 1) % config.evaluate_every == 0 or last:
                quality = _validation_quality(net, data)
                row["valid_ndcg@100"] = quality
                state.note(quality, net)
            state.history.append(row)
            state.epoch = epoch + 1
            if "valid_ndcg@100" in row:
                state.seconds += time.perf_counter() - start
                start = time.perf_counter()
                if fabric.is_global_zero:
                    checkpoint.save(folder, identity, net, optimiser, state)
        bar.close()
        net.load_state_dict(state.best)
        embeddings = net.embed()
        measures = {}
        for task in net.tasks.values():
            measures.update(task.held_out(net.embed))
    if fabric.is_global_zero:
        modelfolder.save(
            folder,
            identity=identity,
            data=data,
            encoder=net.encoder,
            x=net.x,
            embeddings=embeddings,
            history=state.history,
            held_out=measures,
            seconds=state.seconds,
            device=str(fabric.device),
        )
    fabric.barrier()
    return modelfolder.load(folder)


def trained(
    data: TrainingData,
    config: TrainConfig,
    progress: bool = True,
    network: type[Network] = Network,
) -> modelfolder.Trained:
    """Give the model of these settings: from the cache, or trained now.

    Parameters
    ----------
    data : TrainingData
    config : TrainConfig
    progress : bool
        As for :func:`train`.
    network : type
        As for :func:`train`; its module's source is a part of the cache's key.

    Returns
    -------
    Trained
        In the cache's folder: read it, do not write to it.

    Notes
    -----
    The chapters that need the same model share it, in whichever order they run; a training that
    was killed goes on.
    Notebook: 06_playlist_completion
    """
    inputs = {"data": data.fingerprint, "config": _jsonable(asdict(config))}
    folder = cache.stage(
        "model",
        inputs,
        lambda folder: train(data, config, folder, progress=progress, network=network),
        network.__module__,
    )
    return modelfolder.load(folder)


def _identity_of(tasks: Sequence[tuple[Task, float]]) -> dict[str, Any]:
    """Weight, class and plain settings of each task, by its name."""
    if not tasks:
        raise MusigError("No task was handed in: give at least one, with its weight.")
    identity = {}
    for task, weight in tasks:
        if task.name in identity:
            raise MusigError(f"Two tasks are called '{task.name}': give each a name of its own.")
        plain = {
            key: value
            for key, value in vars(task).items()
            if isinstance(value, bool | int | float | str) and key != "training"
        }
        identity[task.name] = {"class": type(task).__qualname__, "weight": weight} | plain
    return identity


def _require_finite(
    losses: Tensor, names: list[str], epoch: int, config: TrainConfig, folder: Path
) -> None:
    """Name the loss that went wrong first: a step later all of them have."""
    wrong = ~torch.isfinite(losses)  # (steps, tasks)
    if wrong.any():
        step = int(wrong.any(1).nonzero()[0])
        task = int(wrong[step].nonzero()[0])
        raise MusigError(
            f"The {names[task]} loss became {float(losses[step, task])} in epoch {epoch + 1} "
            f"(learning_rate {config.learning_rate}, precision {config.precision}): lower "
            f"learning_rate or use precision 32."
            + (f" The checkpoint in {folder} is from before." * checkpoint.path_in(folder).exists())
        )


def _validation_quality(net: Network, data: TrainingData) -> float:
    """ndcg@100 (or at the size of a smaller universe) on the validation playlists."""
    k = min(100, data.n_tracks)
    scorer = EmbeddingScorer("musig", net.embed())
    block = 2048 if net.x.is_cuda else 256  # a GPU waits for the host once a block
    device = net.x.device
    result = evaluate(scorer, data.valid, data.catalog, ks=(k,), block=block, device=device)
    return float(result.values(f"ndcg@{k}").mean())


def _jsonable(settings: dict) -> dict:
    return {key: list(v) if isinstance(v, tuple) else v for key, v in settings.items()}


def config_from(settings: dict) -> TrainConfig:
    """Make a :class:`TrainConfig` of named values; an unknown name is an error.

    Parameters
    ----------
    settings : dict
        Field name to value; a list stands for a tuple.

    Returns
    -------
    TrainConfig

    Raises
    ------
    MusigError
        For an unknown name, or a value that :class:`TrainConfig` refuses.

    Notes
    -----
    Notebook: 05_multitask_training

    Examples
    --------
    >>> config_from({"hop": 1})
    Traceback (most recent call last):
    musig.errors.MusigError: Unknown setting 'hop': did you mean 'hops'? ...
    """
    names = [field.name for field in fields(TrainConfig)]
    for name in settings:
        if name not in names:
            raise MusigError(f"Unknown setting '{name}': {nearest(name, names)}")
    values: dict[str, Any] = {
        key: tuple(v) if isinstance(v, list) else v for key, v in settings.items()
    }
    return TrainConfig(**values)
