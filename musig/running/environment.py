"""What a run would run on: the same short block in the book and on the command line.

Conventions
-----------
Nothing here identifies a machine; sizes are in MB of 10⁶ bytes.

Contents
--------
- :func:`report`: versions, devices, threads, folders, as lines of text.
"""

from __future__ import annotations

import os
import platform
from pathlib import Path

import musig
from musig import cache
from musig.errors import counted
from musig.running import machine, records


def report() -> str:
    """Describe the environment.

    Returns
    -------
    str
        Lines of ``what: value``.

    Notes
    -----
    Notebook: 05_multitask_training
    """
    import torch

    commit, dirty = machine.git_state()
    cuda = [
        f"cuda {i}: {torch.cuda.get_device_name(i)}, "
        f"{torch.cuda.get_device_properties(i).total_memory / 1e9:.0f} GB"
        for i in range(torch.cuda.device_count())
    ]
    threads = ", ".join(
        f"{name} {os.environ[name]}"
        for name in ("OMP_NUM_THREADS", "NUMBA_NUM_THREADS", "OPENBLAS_NUM_THREADS")
        if name in os.environ
    )
    root = cache.root()
    files = [path for path in root.rglob("*") if path.is_file()]
    size = sum(path.stat().st_size for path in files) / 1e6
    stages = [path for path in root.glob("*-*") if path.is_dir() and not path.suffix]
    data = os.environ.get("MUSIG_DATA", "")
    missing = "" if Path(data).is_dir() else " (no such folder)"
    lines = {
        "musig": musig.__version__,
        "commit": f"{commit}{' with changes' if dirty else ''}" if commit else "none",
        "python": f"{platform.python_version()}, {platform.system()} {platform.machine()}",
        **{name: version or "not installed" for name, version in cache.versions().items()},
        "devices": "; ".join(["cpu", *cuda]),
        "cores": str(machine.available_cores()),
        "torch threads": str(torch.get_num_threads()),
        "set": threads or "no number of threads",
        "cache": f"{root}: {counted(len(stages), 'stage')}, {size:,.1f} MB",
        "runs": str(records.folder()),
        "MUSIG_DATA": "not set" if not data else data + missing,
    }
    width = max(map(len, lines))
    return "\n".join(f"{name:{width}}  {value}" for name, value in lines.items())
