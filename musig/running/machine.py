"""What a run runs on: commit, cores, device.

Conventions
-----------
Nothing here identifies a machine or its user.

Contents
--------
- :func:`git_state`: commit of the source; :func:`available_cores`: cores of this process;
- :func:`hardware`: device and threads that were used.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path


def git_state() -> tuple[str | None, bool | None]:
    """Commit of the source, and whether the source differs from it.

    Returns
    -------
    tuple
        Commit and flag; both None where the package is not in a repository of its own.

    Notes
    -----
    Only the folders that can change a number are compared.

    Notebook: 01_catalog
    """
    checkout = Path(__file__).resolve().parents[2]

    def git(*arguments: str) -> str | None:
        try:
            done = subprocess.run(
                ["git", "-C", str(checkout), *arguments],
                capture_output=True,
                text=True,
                timeout=20,
            )
        except (OSError, subprocess.TimeoutExpired):
            return None
        return done.stdout.strip() if done.returncode == 0 else None

    # A package in a virtual environment may lie in a repository that is not its own.
    top = git("rev-parse", "--show-toplevel")
    if not top or Path(top).resolve() != checkout:
        return None, None
    commit = git("rev-parse", "--verify", "--quiet", "HEAD")
    if not commit:
        return None, None
    status = git("status", "--porcelain", "--", "musig", "notebooks", "requirements.lock")
    return commit, None if status is None else bool(status)


def available_cores() -> int:
    """Cores this process may use.

    Returns
    -------
    int
        At least 1; fewer than the machine's where it is restricted.

    Notes
    -----
    Notebook: 05_multitask_training
    """
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def hardware(device: str) -> tuple[str, int]:
    """Name what a run has used.

    Parameters
    ----------
    device : str
        ``auto``, ``cpu`` or ``cuda``, as it was asked for.

    Returns
    -------
    tuple of str and int
        ``cpu``, or ``cuda`` with the name of the card; and threads for numerical work.

    Notes
    -----
    Torch is asked only where the run has imported it; without it, it was the processor.

    Notebook: 05_multitask_training

    Examples
    --------
    >>> hardware("cpu")[0]
    'cpu'
    """
    torch = sys.modules.get("torch")
    if torch is None:
        return "cpu", int(os.environ.get("OMP_NUM_THREADS", available_cores()))
    if device != "cpu" and torch.cuda.is_available():
        return f"cuda ({torch.cuda.get_device_name()})", torch.get_num_threads()
    return "cpu", torch.get_num_threads()
