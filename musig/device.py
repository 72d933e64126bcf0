"""Where a training runs, and its random numbers.

Conventions
-----------
The random numbers of a step are a function of the seed and the step's number only, so that a
training that was stopped goes on with the same ones and no state of a generator has to be kept.

Contents
--------
- :func:`fabric`: CPU or CUDA, float32 or bfloat16; :func:`on_cuda`: which of the two.
- :func:`step_generator`: the random numbers of a step.
- :func:`one_thread`: for what is too small to share.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

import numpy as np
import torch

from musig.errors import MusigError


def fabric(device: str, precision: str) -> Any:
    """Open Lightning Fabric on a device.

    Parameters
    ----------
    device : {"auto", "cpu", "cuda"}
        "auto" is CUDA where torch sees it.
    precision : {"32", "bf16"}
        "bf16" computes in bfloat16 what can be, and keeps the weights in float32.

    Returns
    -------
    lightning_fabric.Fabric

    Raises
    ------
    MusigError
        If CUDA is asked for and torch sees none.

    Notes
    -----
    Notebook: 05_multitask_training

    Examples
    --------
    >>> str(fabric("cpu", "32").device)
    'cpu'
    """
    from lightning_fabric import Fabric  # slow to import
    from lightning_fabric.plugins.environments import LightningEnvironment

    if device == "cuda" and not torch.cuda.is_available():
        raise MusigError(
            "device is 'cuda' but torch sees no CUDA device: use device 'auto' or 'cpu', or "
            "install a CUDA build of torch."
        )
    cuda = on_cuda(device)
    mixed: Literal["bf16-mixed", "32-true"] = "bf16-mixed" if precision == "bf16" else "32-true"
    # one process, also within a job of a cluster, whose tasks know nothing of each other
    alone = LightningEnvironment()
    kind = "cuda" if cuda else "cpu"
    return Fabric(accelerator=kind, devices=1, precision=mixed, plugins=[alone])


def on_cuda(device: str) -> bool:
    """Tell whether a setting means CUDA on this machine.

    Parameters
    ----------
    device : {"auto", "cpu", "cuda"}

    Returns
    -------
    bool

    Notes
    -----
    Notebook: 05_multitask_training

    Examples
    --------
    >>> on_cuda("cpu")
    False
    """
    return device == "cuda" or (device == "auto" and torch.cuda.is_available())


def step_generator(seed: int, step: int, device: torch.device | str) -> torch.Generator:
    """Give the random numbers of one step, and seed the global ones (dropout draws from those).

    Parameters
    ----------
    seed, step : int, >= 0
    device : torch.device or str
        Where the generator draws.

    Returns
    -------
    torch.Generator

    Notes
    -----
    Notebook: 05_multitask_training

    Examples
    --------
    >>> one, other = step_generator(0, 7, "cpu"), step_generator(0, 7, "cpu")
    >>> bool((torch.rand(3, generator=one) == torch.rand(3, generator=other)).all())
    True
    """
    number = int(np.random.SeedSequence([seed, step]).generate_state(1, np.uint64)[0] >> 1)
    torch.manual_seed(number)
    return torch.Generator(device).manual_seed(number)


@contextmanager
def one_thread(wanted: bool = True) -> Iterator[None]:
    """Compute on one thread of the CPU for a while.

    Parameters
    ----------
    wanted : bool
        False leaves everything as it is.

    Returns
    -------
    context manager

    Notes
    -----
    Small operations lose more by sharing than they gain.
    Notebook: 03_acoustic_vectors

    Examples
    --------
    >>> with one_thread():
    ...     torch.get_num_threads()
    1
    """
    before = torch.get_num_threads()
    if wanted:
        torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
