"""Run records: where every number comes from.

A run leaves a small JSON manifest: what was run, with which parameters, on which data, by which
versions and commit, on what device, for how long, and what came out. The line under every table
and figure is made from it, and so is the run ledger of the book; the idea is that of
showyourwork and of the checklist *Releasing research code*.

Conventions
-----------
Times are UTC, in ISO 8601; durations are seconds. A folder of data is recorded by its last name
and its fingerprint, never by where it lies on a machine. Numbers that are not finite are
recorded as null. Manifests of notebooks are written to :func:`folder`.

Contents
--------
- :class:`RunRecord`: begins with :meth:`~RunRecord.start`, ends with :meth:`~RunRecord.finish`;
- :func:`notebook_run`: the record of a notebook; :func:`provenance`: a record as one line;
- :func:`ledger`: a table of all records in a folder; :func:`load`: one of them;
- :func:`from_notebook`: the record that an executed notebook carries.
"""

from __future__ import annotations

import json
import math
import os
import platform
import re
import time
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import musig
from musig.cache import LIBRARIES, versions
from musig.errors import MusigError
from musig.files import aside
from musig.running.machine import git_state, hardware

if TYPE_CHECKING:
    import pandas as pd

    from musig.catalog import Catalog


@dataclass
class RunRecord:
    """What is known about one run."""

    notebook: str
    """Name without ending, or the command."""
    profile: str
    """Name of the profile; empty where none was used."""
    changed: dict[str, Any]
    """Parameters given by hand on top of the profile."""
    parameters: dict[str, Any]
    """All parameters, with their final values."""
    data: str
    """Name of the data set or of the folder."""
    data_fingerprint: str
    """SHA-256 of the catalogue."""
    seed: int | None
    """The run's seed."""
    when: str
    """When it began, UTC."""
    commit: str | None = None
    """Git commit of the source; None outside a repository."""
    dirty: bool | None = None
    """Whether the source differed from that commit."""
    device: str = ""
    """``cpu``, or ``cuda`` with the name of the card."""
    threads: int = 0
    """Threads for numerical work."""
    seconds: float = 0.0
    """From start to finish."""
    versions: dict[str, str | None] = field(default_factory=dict)
    """Of Python, of this package and of the numerical libraries."""
    metrics: dict[str, Any] = field(default_factory=dict)
    """What came out, by name."""

    @classmethod
    def start(
        cls,
        parameters: dict[str, Any],
        notebook: str,
        profile: str = "",
        *,
        data: str,
        fingerprint: str,
        changed: dict[str, Any] | None = None,
    ) -> RunRecord:
        """Begin a record; the clock runs from here.

        Parameters
        ----------
        parameters : dict
            All parameters of the run; ``seed`` and ``device`` are looked up there.
        notebook : str
            Name of the notebook or command.
        profile : str
            Name of the profile, if any.
        data : str
            Name of the data set, or a folder, of which only the last name is kept.
        fingerprint : str
            Of the catalogue.
        changed : dict, optional
            Parameters given by hand on top of the profile.

        Returns
        -------
        RunRecord
            Without metrics; see :meth:`finish`.

        Notes
        -----
        Notebook: 01_catalog
        """
        commit, dirty = git_state()
        record = cls(
            notebook=notebook,
            profile=profile,
            changed=_portable(changed or {}),
            parameters=_portable(parameters),
            data=Path(data).name,
            data_fingerprint=fingerprint,
            seed=parameters.get("seed"),
            when=datetime.now(UTC).isoformat(timespec="seconds"),
            commit=commit,
            dirty=dirty,
        )
        record._began = time.perf_counter()
        return record

    def finish(self, metrics: dict[str, Any], path: Path | None = None) -> RunRecord:
        """End the record and write its manifest.

        Parameters
        ----------
        metrics : dict
            Numbers by name; nested dicts and lists are allowed, numpy's numbers too.
        path : Path, optional
            The manifest; by default ``NOTEBOOK-PROFILE.json`` in :func:`folder`.

        Returns
        -------
        RunRecord
            Itself. As the last expression of a cell it is shown as its provenance line, and the
            whole record is kept in the metadata of that output.

        Raises
        ------
        MusigError
            If a metric is not a number, string or a collection of them.

        Notes
        -----
        Notebook: 01_catalog
        """
        self.metrics = _numbers(metrics, "metrics")
        self.seconds = round(time.perf_counter() - self._began, 3)
        self.device, self.threads = hardware(str(self.parameters.get("device", "auto")))
        self.versions = {"python": platform.python_version(), "musig": musig.__version__}
        self.versions |= versions(LIBRARIES)
        self.write(path)
        return self

    def path(self) -> Path:
        """Name the manifest: ``NOTEBOOK-PROFILE.json`` in :func:`folder`.

        Returns
        -------
        Path

        Notes
        -----
        Notebook: 01_catalog
        """
        return folder() / f"{'-'.join(filter(None, (self.notebook, self.profile)))}.json"

    def write(self, path: Path | None = None) -> Path:
        """Write the manifest, aside and then renamed.

        Parameters
        ----------
        path : Path, optional
            By default :meth:`path`.

        Returns
        -------
        Path
            The file.

        Notes
        -----
        Notebook: 01_catalog
        """
        path = path or self.path()
        with aside(path) as passing:
            text = json.dumps(asdict(self), indent=1, ensure_ascii=False, allow_nan=False)
            passing.write_text(text + "\n", "utf-8")
        return path

    def __str__(self) -> str:
        return provenance(self)

    def _repr_mimebundle_(self, **_: Any) -> tuple[dict[str, str], dict[str, Any]]:
        """Show it in a notebook: the line, and the whole record as the output's metadata."""
        line = provenance(self)
        # a folder's name may hold what Markdown and mathematics take for their own
        safe = re.sub(r"([\\`*_{}\[\]<>$&#|~^])", r"\\\1", line)
        return {"text/plain": line, "text/markdown": f"*{safe}*"}, {"musig": asdict(self)}

    _began = 0.0  # not a field: a reading of this process's clock


def notebook_run(notebook: str, parameters: dict[str, Any], catalog: Catalog) -> RunRecord:
    """Begin the record of a notebook, in its first cells.

    Parameters
    ----------
    notebook : str
        Its name without ending, such as ``"05_multitask_training"``.
    parameters : dict
        Name to value, all of its parameters cell.
    catalog : Catalog
        Gives the name and the fingerprint of the data.

    Returns
    -------
    RunRecord
        End the notebook with ``record.finish({...})`` as the last expression of its last cell.

    Notes
    -----
    The profile, and what was changed by hand on top of it, are told by ``musig run`` through
    ``MUSIG_PROFILE`` and ``MUSIG_CHANGED``; by hand there is none.

    Notebook: 01_catalog
    """
    return RunRecord.start(
        parameters,
        notebook,
        os.environ.get("MUSIG_PROFILE", ""),
        data=catalog.name,
        fingerprint=catalog.fingerprint,
        changed=json.loads(os.environ.get("MUSIG_CHANGED", "{}")),
    )


def provenance(record: RunRecord) -> str:
    """Write a record as the line that stands under tables and figures.

    Parameters
    ----------
    record : RunRecord
        A finished record.

    Returns
    -------
    str
        Notebook, profile, data, seed, commit, device, threads and seconds.

    Notes
    -----
    Notebook: 06_playlist_completion

    Examples
    --------
    >>> provenance(RunRecord("05_x", "smoke", {}, {}, "embedded-smoke", "", 0, "", None, None,
    ...                      "cpu", 1, 2.31))
    '05_x · profile smoke · embedded-smoke · seed 0 · no commit · cpu, 1 thread · 2.3 s'
    """
    changed = "".join(f", {name}={value}" for name, value in record.changed.items() if value != "")
    parts = [
        record.notebook,
        (f"profile {record.profile}" if record.profile else "no profile") + changed,
        record.data,
        f"seed {record.seed}",
        f"commit {record.commit[:9]}" if record.commit else "no commit",
        f"{record.device}, {record.threads} thread{'' if record.threads == 1 else 's'}",
        f"{record.seconds:.1f} s" if record.seconds < 60 else f"{record.seconds:.0f} s",
    ]
    if record.dirty:
        parts[4] += " with changes"
    return " · ".join(parts)


def folder() -> Path:
    """Where notebooks write their manifests: ``MUSIG_RUNS``, else ``_build/runs``.

    Returns
    -------
    Path
        In the checkout where there is one, else in the current folder. It may not exist yet.

    Notes
    -----
    Notebook: 01_catalog
    """
    if os.environ.get("MUSIG_RUNS"):
        return Path(os.environ["MUSIG_RUNS"]).expanduser()
    checkout = Path(__file__).resolve().parents[2]
    return (checkout if (checkout / "pyproject.toml").exists() else Path()) / "_build" / "runs"


def load(path: Path) -> RunRecord:
    """Read a manifest.

    Parameters
    ----------
    path : Path
        A JSON file written by :meth:`RunRecord.finish`.

    Returns
    -------
    RunRecord
        The record.

    Raises
    ------
    MusigError
        If the file is not one.

    Notes
    -----
    Notebook: 06_playlist_completion
    """
    try:
        content = json.loads(Path(path).read_text("utf-8"))
        return RunRecord(**content)
    except (OSError, ValueError, TypeError) as error:
        raise MusigError(f"{path} is not the manifest of a run: {error}.") from error


def from_notebook(path: Path) -> RunRecord | None:
    """Read the record that an executed notebook carries.

    Parameters
    ----------
    path : Path
        An executed notebook.

    Returns
    -------
    RunRecord or None
        The last record shown in it, metrics included; None where there is none.

    Notes
    -----
    Notebook: 01_catalog
    """
    content = json.loads(Path(path).read_text("utf-8"))
    outputs = [output for cell in content["cells"] for output in cell.get("outputs", [])]
    found = [
        output["metadata"]["musig"] for output in outputs if output.get("metadata", {}).get("musig")
    ]
    return RunRecord(**found[-1]) if found else None


def ledger(folder: Path) -> pd.DataFrame:
    """Make a table of all runs recorded in a folder.

    Parameters
    ----------
    folder : Path
        Holds manifests, ``*.json``; a folder that is not there holds none.

    Returns
    -------
    pandas.DataFrame
        One row a run, sorted by notebook and profile, with the fields of :class:`RunRecord` as
        columns (``parameters``, ``changed``, ``versions`` and ``metrics`` as dicts) and
        ``manifest``, the file's name.

    Raises
    ------
    MusigError
        If a file there is not a manifest.

    Notes
    -----
    Notebook: 06_playlist_completion
    """
    import pandas as pd

    columns = ["manifest", *(item.name for item in fields(RunRecord))]
    paths = sorted(Path(folder).glob("*.json"))
    rows = [{"manifest": path.name, **asdict(load(path))} for path in paths]
    table = pd.DataFrame(rows, columns=columns)
    return table.sort_values(["notebook", "profile"], kind="stable", ignore_index=True)


def _portable(parameters: dict[str, Any]) -> dict[str, Any]:
    """Parameters without where the data lie on this machine."""
    folders = {name: parameters[name] for name in ("data", "recordings") if parameters.get(name)}
    return parameters | {name: Path(folder).name for name, folder in folders.items()}


def _numbers(value: Any, where: str) -> Any:
    """Plain numbers for JSON; null for what is not finite."""
    if hasattr(value, "item") and getattr(value, "size", 1) == 1:  # a number of numpy or torch
        value = value.item()
    if isinstance(value, dict):
        return {str(key): _numbers(item, f"{where}[{key!r}]") for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_numbers(item, f"{where}[{n}]") for n, item in enumerate(value)]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise MusigError(f"{where} is a {type(value).__name__}: a metric is a number or a string.")
