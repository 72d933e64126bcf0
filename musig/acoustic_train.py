"""Training of the acoustic network on pairs of tracks.

One plain loop (:func:`train_acoustic`) on Lightning Fabric, with the guarantees of
:mod:`musig.train`: CPU and CUDA by the same code, bfloat16 on request; killed and resumed it ends
bit by bit as if it had never been stopped.

Conventions
-----------
A step embeds a part of one window, both drawn at random, of each track of its batch, and asks
about all pairs of the batch. An *epoch* is as many steps as batches make up the tracks. The number
of epochs is fixed and the last weights are kept: nothing is selected. Validation artists are only
looked at.

Contents
--------
- :func:`train_acoustic`: the loop, to a finished folder; :class:`TrainedNetwork`: what is in it;
  :func:`load_network` reads it, :func:`fresh_network` makes the one it begins with.
- :func:`embed_tracks`: the vector of each track.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from tqdm import tqdm

from musig import cache, checkpoint
from musig.acoustic_config import AcousticConfig
from musig.acoustic_network import SHORTEST, VECTOR, AcousticNetwork
from musig.acoustic_pairs import PairLoss, Pairs
from musig.device import fabric, one_thread, step_generator
from musig.errors import MusigError
from musig.files import aside
from musig.spectrograms import Spectrograms

AHEAD = 4
"""Batches that are fetched while a step is computed."""
LOOKED_AT = 256
"""Validation tracks at most, and windows that are embedded at a time."""
FITTED_ON = 2_000
"""Training tracks at most whose windows give the mean and deviation of each band."""


@dataclass(frozen=True, eq=False)
class TrainedNetwork:
    """A network that was trained, ready for use."""

    network: AcousticNetwork
    """On the CPU, in evaluation mode."""
    history: pd.DataFrame
    """A row an epoch: ``epoch``, ``loss`` on training pairs, ``valid_loss`` on pairs of validation
    artists (NaN without)."""
    seconds: float
    """Time of training, over all interruptions."""
    device: str


class _Model(nn.Module):
    """Network and loss as one module: what a step moves, and what a checkpoint holds."""

    def __init__(self, network: AcousticNetwork) -> None:
        super().__init__()
        self.network = network
        self.pair_loss = PairLoss()

    def forward(self, windows: Tensor, labels: Tensor) -> Tensor:
        """Give the loss of a batch: windows (b, n_mels, frames), labels (b, b)."""
        return self.pair_loss(self.network(windows.float()).float(), labels)


def train_acoustic(
    spectrograms: Spectrograms,
    pairs: Pairs,
    config: AcousticConfig,
    folder: Path | str,
    progress: bool = True,
    valid: Pairs | None = None,
) -> TrainedNetwork:
    """Train the acoustic network, or go on with a training that was stopped.

    Parameters
    ----------
    spectrograms : Spectrograms
        Only those of the tracks in `pairs` and `valid` are read.
    pairs : Pairs
        Of the training tracks.
    config : AcousticConfig
    folder : path
        Made if it does not exist, resumed if a training was begun there.
    progress : bool
        A bar on stderr with the losses.
    valid : Pairs, optional
        Of the validation artists; looked at after every epoch, nothing depends on it.

    Returns
    -------
    TrainedNetwork

    Raises
    ------
    MusigError
        If a loss is not finite, or the folder holds a training with other settings or data.

    Notes
    -----
    Notebook: 03_acoustic_vectors
    """
    folder = Path(folder)
    identity = {
        "config": config.settings(),
        "data": cache.digest([spectrograms.fingerprint, pairs.fingerprint]),
    }
    if (folder / "network.json").exists():
        info = json.loads((folder / "network.json").read_text("utf-8"))
        checkpoint.require_same(identity, info["identity"], folder)
        return load_network(folder)

    runner = fabric(config.device, config.precision)
    with one_thread(config.network == "small"), torch.random.fork_rng():
        net = _Model(fresh_network(spectrograms, pairs.tracks, config))
        optimiser = torch.optim.AdamW(net.parameters(), lr=config.learning_rate)
        model, optimiser = runner.setup(net, optimiser)
        state = checkpoint.resume(folder, identity, net, optimiser)
        look = _looked_at(spectrograms, valid)
        steps = math.ceil(len(pairs.tracks) / config.batch_size)
        total = steps * config.epochs
        bar = tqdm(
            range(state.epoch, config.epochs),
            initial=state.epoch,
            total=config.epochs,
            desc="acoustic network",
            unit="epoch",
            disable=None if progress else True,
        )
        batches = _batches(
            spectrograms, pairs, config, range(state.epoch * steps, total), runner.device
        )
        saved = start = time.perf_counter()
        before = state.seconds
        for epoch in bar:
            model.train()
            losses = []
            for step in range(epoch * steps, (epoch + 1) * steps):
                windows, labels = next(batches)
                step_generator(config.seed, step, "cpu")  # for dropout
                for group in optimiser.param_groups:
                    group["lr"] = config.learning_rate * _schedule(step, total)
                loss = model(windows, labels)
                optimiser.zero_grad()
                runner.backward(loss)
                optimiser.step()
                losses.append(loss.detach())
            mean = float(torch.stack(losses).mean())  # once an epoch off the device
            if not math.isfinite(mean):
                raise MusigError(
                    f"The loss of the acoustic network became {mean} in epoch {epoch + 1} "
                    f"(learning_rate {config.learning_rate}, precision {config.precision}): "
                    "lower learning_rate or use precision 32."
                )
            row = {"epoch": epoch + 1, "loss": mean}
            if look is not None:
                row["valid_loss"] = _loss_on(model, look, runner.device)
            bar.set_postfix({k: f"{v:.3f}" for k, v in row.items() if k != "epoch"})
            state.history.append(row)
            state.epoch = epoch + 1
            now = time.perf_counter()
            state.seconds = before + now - start
            if now - saved > config.save_every or state.epoch == config.epochs:
                checkpoint.save(folder, identity, net, optimiser, state)
                saved = now
        bar.close()
    weights = {k: v.detach().cpu().contiguous() for k, v in net.network.state_dict().items()}
    with aside(folder / "network.safetensors") as passing:
        save_file(weights, passing)
    info = {
        "identity": identity,
        "n_mels": spectrograms.n_mels,
        "history": state.history,
        "seconds": state.seconds,
        "device": str(runner.device),
    }
    with aside(folder / "network.json") as passing:  # last: a folder with it is complete
        passing.write_text(json.dumps(info, indent=1), "utf-8")
    return load_network(folder)


def fresh_network(
    spectrograms: Spectrograms, rows: np.ndarray, config: AcousticConfig
) -> AcousticNetwork:
    """Make the network as it is before the first step.

    Parameters
    ----------
    spectrograms : Spectrograms
    rows : ndarray of int
        Positions of the training tracks, whose windows standardise the bands.
    config : AcousticConfig
        Its seed draws the weights.

    Returns
    -------
    AcousticNetwork

    Notes
    -----
    Notebook: 03_acoustic_vectors
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        network = AcousticNetwork(spectrograms.n_mels, config.network, config.dropout)
    network.standardise_by(*_bands(spectrograms, rows))
    return network


def load_network(folder: Path | str) -> TrainedNetwork:
    """Read a finished training.

    Parameters
    ----------
    folder : path
        Of :func:`train_acoustic`.

    Returns
    -------
    TrainedNetwork

    Raises
    ------
    MusigError
        If it is not there, or was not finished.

    Notes
    -----
    Notebook: 03_acoustic_vectors
    """
    folder = Path(folder)
    try:
        info = json.loads((folder / "network.json").read_text("utf-8"))
        weights = load_file(folder / "network.safetensors")
    except (OSError, ValueError) as error:
        raise MusigError(
            f"{folder} holds no finished acoustic network ({type(error).__name__}): train it with "
            "musig.acoustic_train.train_acoustic."
        ) from error
    with torch.random.fork_rng(devices=[]):  # the weights it draws are replaced at once
        network = AcousticNetwork(info["n_mels"], info["identity"]["config"]["network"])
    network.load_state_dict(weights)
    history = pd.DataFrame(info["history"], columns=["epoch", "loss", "valid_loss"])
    return TrainedNetwork(network.eval(), history, info["seconds"], info["device"])


def embed_tracks(
    network: AcousticNetwork,
    spectrograms: Spectrograms,
    rows: np.ndarray,
    device: str = "auto",
    progress: bool = True,
) -> np.ndarray:
    """Give the acoustic vector of tracks: the mean over their windows.

    Parameters
    ----------
    network : AcousticNetwork
    spectrograms : Spectrograms
    rows : ndarray of int, shape (n,)
        Positions of tracks that have sound.
    device : {"auto", "cpu", "cuda"}
    progress : bool
        A bar on stderr.

    Returns
    -------
    ndarray of float32, shape (n, 8)
        In [-1, 1]; NaN for a track whose sound cannot be read.

    Notes
    -----
    Averaging predictions over windows: van den Oord, Dieleman and Schrauwen, NIPS 2013.
    Notebook: 03_acoustic_vectors
    """
    target = fabric(device, "32").device
    home = network.mean.device
    network.to(target).eval()
    vectors = np.full((len(rows), VECTOR), np.nan, dtype=np.float32)
    bar = tqdm(
        rows.tolist(), desc="acoustic vectors", unit="track", disable=None if progress else True
    )
    with torch.no_grad(), ThreadPoolExecutor(1) as worker:
        for i, windows in enumerate(_ahead(worker, spectrograms.windows, iter(bar))):
            if len(windows):
                parts = torch.from_numpy(windows).to(target).split(LOOKED_AT)
                embedded = torch.cat([network(part) for part in parts])
                vectors[i] = embedded.mean(0).cpu().numpy()
    network.to(home)
    return vectors


def _bands(spectrograms: Spectrograms, rows: np.ndarray) -> tuple[Tensor, Tensor]:
    """Mean and deviation of each band over the training tracks, float32 (n_mels,)."""
    if len(rows) > FITTED_ON:
        rows = rows[np.linspace(0, len(rows) - 1, FITTED_ON).astype(np.int64)]
    total, square, count = np.zeros(spectrograms.n_mels), np.zeros(spectrograms.n_mels), 0
    for row in rows.tolist():
        windows = spectrograms.windows(row).astype(np.float64)
        total += windows.sum((0, 2))
        square += np.square(windows).sum((0, 2))
        count += windows.shape[0] * windows.shape[2]
    mean = total / max(count, 1)
    deviation = np.sqrt(np.maximum(square / max(count, 1) - mean**2, 0))
    return torch.from_numpy(mean).float(), torch.from_numpy(deviation).float()


def _batches(
    spectrograms: Spectrograms,
    pairs: Pairs,
    config: AcousticConfig,
    steps: range,
    device: torch.device,
) -> Iterator[tuple[Tensor, Tensor]]:
    """Give windows and labels of each step, fetched ahead by a thread of its own."""
    heard = max(SHORTEST, round(config.crop * spectrograms.frames))

    def fetch(step: int) -> tuple[Tensor, Tensor]:
        number = int(np.random.SeedSequence([config.seed, step]).generate_state(1)[0])
        generator = torch.Generator().manual_seed(number)
        nodes = pairs.draw(config.batch_size, generator)
        places = torch.rand(len(nodes), generator=generator).tolist()
        first = int(torch.randint(spectrograms.frames - heard + 1, (), generator=generator))
        windows, nodes = _readable(spectrograms, pairs, nodes, places)
        if len(nodes) < 2:
            raise MusigError(
                f"Of the tracks of step {step + 1}, fewer than two can be read: see the warnings, "
                "and replace what is damaged or use a larger batch_size."
            )
        heard_of = np.stack([window[:, first : first + heard] for window in windows])
        batch = torch.from_numpy(heard_of), torch.from_numpy(pairs.labels(nodes))
        return tuple(t.pin_memory() for t in batch) if device.type == "cuda" else batch  # type: ignore[return-value]

    with ThreadPoolExecutor(1) as worker:
        for windows, labels in _ahead(worker, fetch, iter(steps)):
            yield windows.to(device, non_blocking=True), labels.to(device, non_blocking=True)


def _readable(
    spectrograms: Spectrograms, pairs: Pairs, nodes: np.ndarray, places: list[float]
) -> tuple[list[np.ndarray], np.ndarray]:
    """Give a window of each node, and the nodes, without those whose sound is damaged."""
    rows = pairs.tracks[nodes].tolist()
    windows = [spectrograms.window(r, p) for r, p in zip(rows, places, strict=True)]
    known = [window is not None for window in windows]
    return [window for window in windows if window is not None], nodes[known]


def _ahead(worker: ThreadPoolExecutor, work: Any, items: Iterator[int]) -> Iterator[Any]:
    """Do the work for each item, in order, a few items ahead of who asks."""
    waiting: list[Future] = []
    for item in items:
        waiting.append(worker.submit(work, item))
        if len(waiting) > AHEAD:
            yield waiting.pop(0).result()
    for future in waiting:
        yield future.result()


def _schedule(step: int, total: int) -> float:
    """Share of the learning rate: a short rise, then a cosine down to 0."""
    rise = min(20, max(1, total // 10))
    return min(1.0, (step + 1) / rise) * 0.5 * (1 + math.cos(math.pi * step / total))


def _looked_at(spectrograms: Spectrograms, valid: Pairs | None) -> tuple[Tensor, Tensor] | None:
    """First windows of the validation tracks, and the labels of their pairs."""
    if valid is None:
        return None
    nodes = np.arange(min(len(valid.tracks), LOOKED_AT))
    windows, nodes = _readable(spectrograms, valid, nodes, [0.0] * len(nodes))
    if len(nodes) < 2:
        return None
    return torch.from_numpy(np.stack(windows)), torch.from_numpy(valid.labels(nodes))


def _loss_on(model: nn.Module, look: tuple[Tensor, Tensor], device: torch.device) -> float:
    model.eval()
    with torch.no_grad():
        return float(model(look[0].to(device), look[1].to(device)))
