"""Checkpoints: a training that can be stopped at any moment and goes on where it was.

Everything a training needs to go on is one file, ``state/checkpoint.safetensors``, written aside
and renamed: a reader finds the old one or the new one, never a half. Tensors and a JSON header
only: no pickle, so that opening a checkpoint from elsewhere runs no code.

Conventions
-----------
The *identity* of a training is its settings, its data's fingerprint and its tasks' weights. A
folder is only ever resumed by a training of the same identity.

Contents
--------
- :class:`State`: how far a training is.
- :func:`save`, :func:`resume`.
- :func:`require_same`: the sentence that tells two identities apart.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from musig.errors import MusigError
from musig.files import aside


@dataclass
class State:
    """How far a training is."""

    epoch: int = 0
    """Epochs done."""
    best_quality: float = float("-inf")
    """Best measure on validation playlists so far."""
    stale: int = 0
    """Evaluations since then."""
    seconds: float = 0.0
    """Time spent, over all interruptions."""
    history: list[dict[str, float]] = field(default_factory=list)
    """A row an epoch: ``epoch``, the loss of each task, ``valid_ndcg@100`` where measured."""
    best: dict[str, Tensor] = field(default_factory=dict)
    """The weights at the best evaluation."""

    def note(self, quality: float, net: nn.Module) -> None:
        """Take an evaluation into account: keep the weights if they are the best so far."""
        if quality > self.best_quality:
            self.best_quality, self.stale = quality, 0
            self.best = {k: v.detach().clone() for k, v in net.state_dict().items()}
        else:
            self.stale += 1


def path_in(folder: Path) -> Path:
    """Where a MODEL folder keeps its checkpoint.

    Parameters
    ----------
    folder : Path
        The MODEL folder.

    Returns
    -------
    Path
        Of a file that may not exist yet.

    Notes
    -----
    Notebook: 05_multitask_training
    """
    return folder / "state" / "checkpoint.safetensors"


def save(
    folder: Path,
    identity: dict[str, Any],
    net: nn.Module,
    optimiser: torch.optim.Optimizer,
    state: State,
) -> None:
    """Write a checkpoint in place of the last one.

    Parameters
    ----------
    folder : Path
        The MODEL folder.
    identity : dict
        Of the training.
    net : Module
    optimiser : Optimizer
    state : State

    Notes
    -----
    Notebook: 05_multitask_training
    """
    tensors = {f"net.{name}": value for name, value in net.state_dict().items()}
    tensors |= {f"best.{name}": value for name, value in state.best.items()}
    for number, entries in optimiser.state_dict()["state"].items():
        tensors |= {f"optimiser.{number}.{key}": value for key, value in entries.items()}
    scalars = {k: getattr(state, k) for k in ("epoch", "best_quality", "stale", "seconds")}
    header = {"identity": identity, "state": scalars, "history": state.history}
    tensors = {name: value.detach().cpu().clone() for name, value in tensors.items()}
    with aside(path_in(folder)) as passing:
        save_file(tensors, passing, metadata={"musig": json.dumps(header)})


def resume(
    folder: Path, identity: dict[str, Any], net: nn.Module, optimiser: torch.optim.Optimizer
) -> State:
    """Take up the checkpoint of a folder, if there is one.

    Parameters
    ----------
    folder : Path
        The MODEL folder.
    identity : dict
        Of the training that wants to go on.
    net, optimiser : Module, Optimizer
        Filled from the checkpoint, in place.

    Returns
    -------
    State
        A new one where there is no checkpoint.

    Raises
    ------
    MusigError
        If the checkpoint cannot be read, or is of a training of another identity.

    Notes
    -----
    Notebook: 05_multitask_training
    """
    path = path_in(folder)
    if not path.exists():
        return State()
    try:
        with safe_open(path, framework="pt") as file:
            header = json.loads(file.metadata()["musig"])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError, TypeError, KeyError, ValueError) as error:
        raise MusigError(
            f"The checkpoint {path} cannot be read ({error}): delete it to train from the start."
        ) from error
    require_same(identity, header["identity"], folder)
    parts: dict[str, dict[str, Tensor]] = {"net": {}, "best": {}, "optimiser": {}}
    for name, tensor in tensors.items():
        part, _, rest = name.partition(".")
        parts[part][rest] = tensor
    net.load_state_dict(parts["net"])
    settings = optimiser.state_dict()
    settings["state"] = {}
    for name, tensor in parts["optimiser"].items():
        number, _, key = name.partition(".")
        settings["state"].setdefault(int(number), {})[key] = tensor
    optimiser.load_state_dict(settings)
    device = next(iter(net.state_dict().values())).device
    best = {name: tensor.to(device) for name, tensor in parts["best"].items()}
    return State(**header["state"], history=header["history"], best=best)


def require_same(wanted: dict[str, Any], found: dict[str, Any], folder: Path) -> None:
    """Refuse to go on with a training of another identity.

    Parameters
    ----------
    wanted, found : dict
        Identities: of the training asked for, and of the one in the folder.
    folder : Path
        Named in the message.

    Raises
    ------
    MusigError
        Naming what differs.

    Notes
    -----
    Notebook: 05_multitask_training

    Examples
    --------
    >>> require_same({"config": {"hops": 2}}, {"config": {"hops": 1}}, Path("MODEL"))
    Traceback (most recent call last):
    musig.errors.MusigError: MODEL was begun with hops = 1, now asked for 2. ...
    """
    flat_wanted, flat_found = _flat(wanted), _flat(found)
    for name in sorted(flat_wanted.keys() | flat_found.keys()):
        was, now = flat_found.get(name), flat_wanted.get(name)
        if was != now:
            what = "other data" if name == "data" else f"{name} = {was}"
            asked = "" if name == "data" else f", now asked for {now}"
            raise MusigError(
                f"{folder} was begun with {what}{asked}. Choose another folder, or delete this one "
                "to train anew."
            )


def _flat(identity: dict[str, Any], before: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in identity.items():
        if isinstance(value, dict):
            flat |= _flat(value, before if name in ("config", "tasks") else f"{before}{name} ")
        else:
            flat[before + name] = value
    return flat
