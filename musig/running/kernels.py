"""Notebooks executed by papermill on this interpreter.

Papermill [1]_ executes a notebook on a kernel it finds by name, which may be another Python than
the one that runs. Here the kernel is always this interpreter, with an environment that does not
depend on the user's habits, and a cell that fails becomes a sentence.

Conventions
-----------
A notebook is written after every cell, so that what was done can be looked at after a failure.

Contents
--------
- :func:`execute`: a notebook, executed; :func:`environment`: the kernel's environment;
- :class:`Started`: the kernels of a run, which end together when the user interrupts.

References
----------
.. [1] https://papermill.readthedocs.io
"""

from __future__ import annotations

import json
import logging
import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from musig import cache
from musig.errors import MusigError
from musig.running.machine import available_cores

if TYPE_CHECKING:
    import nbformat


def execute(
    source: nbformat.NotebookNode,
    name: str,
    working: Path,
    given: dict[str, Any],
    variables: dict[str, str],
    bar: dict[str, Any] | bool,
    started: Started,
) -> nbformat.NotebookNode:
    """Execute a notebook; a failure becomes a sentence.

    Parameters
    ----------
    source : nbformat.NotebookNode
        The notebook.
    name : str
        What to call it in a message.
    working : Path
        File that is written after each cell.
    given : dict
        Parameters to inject; already checked.
    variables : dict
        The kernel's environment, on top of this process's.
    bar : dict or bool
        Options of tqdm for a progress bar, or False for none.
    started : Started
        The kernel is noted here.

    Returns
    -------
    nbformat.NotebookNode
        With outputs.

    Raises
    ------
    MusigError
        If a cell fails or the kernel dies, with the place of what was executed until then; or if
        the run was interrupted before the kernel was there.

    Notes
    -----
    Notebook: 01_catalog
    """
    import nbformat
    import papermill
    from nbclient.exceptions import DeadKernelError
    from papermill.exceptions import PapermillExecutionError

    # It warns of parameters whose line it cannot read, which are checked already, and tells
    # failures, which become our sentences.
    logging.getLogger("papermill").setLevel(logging.CRITICAL + 1)
    working.parent.mkdir(parents=True, exist_ok=True)
    kept = f"What was executed until then is in {working}."
    try:
        return papermill.execute_notebook(
            nbformat.from_dict(source),
            # papermill takes a path for a format string
            str(working.resolve()).replace("{", "{{").replace("}", "}}"),
            parameters=given,
            kernel_name="python3",
            language="python",
            kernel_manager_class=_this_python(variables, started),
            progress_bar=bar,
        )
    except PapermillExecutionError as error:
        lines = [line.strip() for line in str(error.evalue).splitlines() if line.strip()]
        what = lines[-1] if lines else "no message"
        if error.ename != MusigError.__name__:
            what = f"{error.ename}: {what}"
        raise MusigError(f"{name}, cell [{error.exec_count}]: {what} {kept}") from error
    except DeadKernelError as error:
        raise MusigError(
            f"{name}: the kernel ended before the notebook did (killed, or out of memory). {kept}"
        ) from error


def environment(profile: str, changed: dict[str, Any], threads: int | None) -> dict[str, str]:
    """Make the environment of a kernel.

    Parameters
    ----------
    profile : str
        Name of the profile, for the run record.
    changed : dict
        Parameters given by hand, for the run record.
    threads : int or None
        For numerical work; None for ``OMP_NUM_THREADS``, else all cores.

    Returns
    -------
    dict
        Names to values.

    Notes
    -----
    Notebook: 01_catalog
    """
    count = str(threads or os.environ.get("OMP_NUM_THREADS") or available_cores())
    return {
        **dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), count),
        "NUMBA_NUM_THREADS": count,
        # Waiting threads that spin starve the others on a busy machine: 15 times slower was seen.
        "OMP_WAIT_POLICY": os.environ.get("OMP_WAIT_POLICY", "PASSIVE"),
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
        "IPYTHONDIR": str(cache.root() / "ipython"),  # no start-up files
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",
        # torch_geometric imports tqdm.auto, which would complain into the cell that is running.
        "PYTHONWARNINGS": "ignore:IProgress not found",
        "MUSIG_PROFILE": profile,
        "MUSIG_CHANGED": json.dumps(changed),
    }


def _this_python(variables: dict[str, str], started: Started) -> type:
    """Make a kernel manager that starts this interpreter, whatever kernels are installed."""
    from ipykernel.kernelspec import get_kernel_dict
    from jupyter_client.kernelspec import KernelSpec
    from jupyter_client.manager import AsyncKernelManager
    from traitlets import default

    class ThisPython(AsyncKernelManager):
        """Kernel of the running interpreter, which nobody else on the machine can listen to."""

        @default("transport_encryption")
        def _encrypt(self) -> str:
            return "auto"

        @property
        def kernel_spec(self) -> KernelSpec:
            """Its command and environment."""
            quiet = ["--log-level=CRITICAL"]  # it tells of being interrupted at its regular end
            return KernelSpec(**{**get_kernel_dict(quiet), "env": variables})

        async def start_kernel(self, **options: Any) -> None:  # type: ignore[override]
            """Start it, unless the run was interrupted."""
            started.go_on()
            await super().start_kernel(**options)
            started.note(self)

    return ThisPython


class Started:
    """The kernels of a run, which may be started by several threads.

    Notes
    -----
    An interrupt may come while a kernel is being started. That it has come is noted before the
    kernels that are known are ended, and a kernel becomes known before the note is looked at: so
    one of the two sides ends it.

    Notebook: 01_catalog
    """

    def __init__(self) -> None:
        self._interrupted = threading.Event()
        self._managers: list[Any] = []

    def go_on(self) -> None:
        """Refuse to go on once the run was interrupted, which raises MusigError."""
        if self._interrupted.is_set():
            raise MusigError("The run was interrupted.")

    def note(self, manager: Any) -> None:
        """Take a kernel that was just started; end it if it came too late."""
        self._managers.append(manager)
        if self._interrupted.is_set():
            self.end()

    def end(self) -> None:
        """End all kernels at once, whatever they are doing, and those that are yet to come."""
        self._interrupted.set()
        for manager in self._managers:
            process = getattr(manager.provisioner, "process", None)
            if process is not None and process.poll() is None:
                process.kill()
