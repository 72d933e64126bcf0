"""Cells that are kept: on disk, found again by what they depend on, never half-written.

Conventions
-----------
A cell is two files: ``NAME.parquet``, its scores playlist by playlist, and ``NAME.json``, which
people can read: the cell, its settings, what it depends on, where it was computed and the means.
Shares are kept as the whole numbers behind them: targets found, the rank of the first.
The JSON file is removed first and written last, so that what it names is whole.

A cell's key has two parts. *Inputs*: method, settings, evaluation and the fingerprint of the data.
*Source*: the method's module and that of the evaluation, with all that they import; comments do
not count. The name of the cell is in neither, so that the same cell under another name need not
be computed again.

Contents
--------
- :func:`key`: what a cell depends on. :func:`save`, :func:`load`: one cell.
- :func:`read`: cells as they are recorded, with a remark where that is not as they would be now.
- :func:`found`, :func:`kept`: the cell that has a key, recorded or in the cache.
- :func:`seconds_of`: how long a cell takes.
"""

from __future__ import annotations

import json
import math
import platform
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

import musig
from musig.cache import LIBRARIES, digest, source_key, stage, versions
from musig.catalog import Catalog
from musig.errors import MusigError
from musig.experiments.cells import (
    COMPLETION,
    METRICS,
    Cell,
    CellResult,
    modules_of_cell,
    settings_of_cell,
)
from musig.files import aside
from musig.metrics import clicks, reciprocal_rank
from musig.running.machine import git_state, hardware

RECORDED = Path(__file__).resolve().parents[2] / "results" / "cells"
"""The committed cells: those of the real data that the book argues from."""

PACKED = {"r_precision": 1, "r_precision_artist": 4}
"""Shares of the targets that are kept as whole numbers, and in what parts of one they count."""

ALSO = ("gensim", "implicit", "optuna")  # libraries of the methods, beside those of the cache

NOT_RUN = "not run yet"
EARLIER = "recorded with an earlier source"
OTHERWISE = "recorded with other settings"

SECONDS = {"musig-best": 900.0, "blend": 960.0, "popularity": 3.0, "random": 3.0, "itemknn": 15.0}
"""CPU seconds a cell takes, where none of its method is recorded; others 90."""


def key(cell: Cell, fingerprint: str) -> dict[str, str]:
    """Tell what a cell depends on.

    Parameters
    ----------
    cell : Cell
    fingerprint : str
        Of the data (:attr:`musig.catalog.Catalog.fingerprint`).

    Returns
    -------
    dict
        ``inputs`` and ``source``, 64 hexadecimal digits each.

    Notes
    -----
    Notebook: 07_methods

    Examples
    --------
    >>> one, two = (Cell("07_methods", row, "popularity") for row in ("popularity", "again"))
    >>> key(one, "0") == key(two, "0"), key(one, "0") == key(one, "1")
    (True, False)
    """
    inputs = {
        "method": cell.method,
        "settings": settings_of_cell(cell),
        "fold": cell.fold,
        "seed": cell.seed,
        "evaluation": asdict(cell.evaluation),
        "data": fingerprint,
    }
    if cell.probes:  # only then: cells without are what they were before there were probes
        inputs["probes"] = True
    if cell.protocol != COMPLETION:
        inputs["protocol"] = cell.protocol
    return {"inputs": digest(inputs), "source": _source(modules_of_cell(cell))}


_NUMBERS = re.compile(r"\[\n[\s\d.,eE+-]+\]")
"""A list of numbers, as JSON indents it; no string of JSON has such a line break."""


@lru_cache(maxsize=256)  # what was imported is what runs: a later change of a file is not
def _source(modules: tuple[str, ...]) -> str:
    return digest({name: source_key(name) for name in modules})


def save(
    result: CellResult, path: Path, catalog: Catalog, key: Mapping[str, str], device: str = "cpu"
) -> None:
    """Write a cell.

    Parameters
    ----------
    result : CellResult
    path : Path
        The JSON file; the scores are beside it.
    catalog : Catalog
        Gives name and fingerprint of the data.
    key : mapping
        From :func:`key`, taken before the cell was computed.
    device : {"cpu", "cuda", "auto"}
        What was asked for.

    Notes
    -----
    Notebook: 07_methods
    """
    scores = path.with_suffix(".parquet")
    commit, dirty = git_state()
    where, threads = hardware(device)
    run = {
        "data": catalog.name,
        "data_fingerprint": catalog.fingerprint,
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": commit,
        "dirty": dirty,
        "device": where,
        "threads": threads,
        "versions": {
            "python": platform.python_version(),
            "musig": musig.__version__,
            **versions((*LIBRARIES, *ALSO)),
        },
    }
    content: dict[str, Any] = {
        "cell": asdict(result.cell),
        "settings": settings_of_cell(result.cell),
        "key": dict(key),
        "run": run,
        "absent": result.absent,
        "measures": _short(result.measures),
    }
    if result.curves is not None:
        content["curves"] = {"k": result.curves.index.tolist()} | {
            name: values.round(6).tolist() for name, values in result.curves.items()
        }
    path.unlink(missing_ok=True)
    if result.per_playlist is None:
        scores.unlink(missing_ok=True)
    else:
        content["means"] = result.per_playlist.mean().round(6).to_dict()
        with aside(scores) as passing:
            _packed(result.per_playlist).to_parquet(
                passing,
                index=False,
                compression="zstd",
                compression_level=19,
                write_statistics=False,  # as large as the numbers themselves in so small a file
                store_schema=False,
            )
    with aside(path) as passing:
        text = json.dumps(_finite(content), indent=1, ensure_ascii=False, allow_nan=False)
        text = _NUMBERS.sub(lambda found: "".join(found[0].split()).replace(",", ", "), text)
        passing.write_text(text + "\n", "utf-8")


def _short(measures: Mapping[str, Any]) -> dict[str, Any]:
    """Keep four digits of what probes found by artist: thousands of numbers a cell."""
    if "probed" not in measures:
        return dict(measures)
    probed = dict(measures["probed"])
    probed["by_artist"] = {
        name: [round(value, 4) for value in values] for name, values in probed["by_artist"].items()
    }
    return {**measures, "probed": probed}


def _packed(scores: pd.DataFrame) -> pd.DataFrame:
    """Turn shares into the whole numbers behind them, which are exact and take half the room."""
    targets = scores["targets"].astype(np.float64)
    columns: dict[str, np.ndarray] = {"playlist": scores.index.to_numpy(np.int32)}
    for name, values in scores.items():
        wide = values.astype(np.float64)
        kind, _, rest = str(name).partition("@")
        if "|" in str(name):
            whole = str(name).startswith(("found", "among"))
            columns[str(name)] = values.to_numpy(np.int16 if whole else np.float32)
        elif kind == "recall":
            columns[f"found@{rest}"] = (wide * targets).round().to_numpy(np.int16)
        elif name in PACKED:
            columns[str(name)] = (wide * targets * PACKED[str(name)]).round().to_numpy(np.int16)
        elif name == "mrr":
            first = np.where(wide > 0, 1 / wide.where(wide > 0, 1.0), 0.0)
            columns["first"] = first.round().astype(np.int32)
        elif name in ("seeds", "targets"):
            columns[str(name)] = values.to_numpy(np.int16)
        elif kind != "hit_rate" and name != "clicks":  # those follow from the others
            columns[str(name)] = values.to_numpy(np.float32)
    return pd.DataFrame(columns)


def _unpacked(packed: pd.DataFrame) -> pd.DataFrame:
    """Turn whole numbers back into shares."""
    packed = packed.astype({"playlist": np.int64}).set_index("playlist")
    targets = packed["targets"].to_numpy(np.float64)
    columns: dict[str, np.ndarray] = {}
    for name, values in packed.items():
        kind, _, rest = str(name).partition("@")
        wide = values.to_numpy(np.float64)
        if "|" not in str(name) and kind == "found":
            if rest == "10":
                columns["hit_rate@10"] = wide > 0
            columns[f"recall@{rest}"] = wide / targets
        elif name in PACKED:
            columns[str(name)] = wide / (targets * PACKED[str(name)])
        elif name == "first":
            first = torch.as_tensor(values.to_numpy(np.int64))
            columns["mrr"] = reciprocal_rank(first).numpy()
            columns["clicks"] = clicks(first).numpy()
        else:
            columns[str(name)] = wide
    metrics = [name for name in METRICS if name in columns]
    others = [name for name in columns if name not in METRICS]
    table = pd.DataFrame(columns, index=packed.index)
    return table[[*metrics, *others]].astype(np.float32)


def _finite(value: Any) -> Any:
    """Make what JSON can hold: plain numbers, None for what is not finite."""
    if isinstance(value, dict):
        return {str(name): _finite(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value


def load(path: Path, cell: Cell) -> tuple[CellResult, dict[str, str]]:
    """Read a cell.

    Parameters
    ----------
    path : Path
        Its JSON file.
    cell : Cell
        What it is to be shown as.

    Returns
    -------
    result : CellResult
        Without a remark.
    key : dict
        What it was computed from.

    Raises
    ------
    MusigError
        If a file is missing or not what was written.

    Notes
    -----
    Notebook: 07_methods
    """
    try:
        content = json.loads(path.read_text("utf-8"))
        scores = None
        if not content["absent"]:
            scores = _unpacked(pd.read_parquet(path.with_suffix(".parquet")))
        curves = pd.DataFrame(content["curves"]).set_index("k") if "curves" in content else None
        result = CellResult(
            cell,
            scores,
            curves,
            content["measures"],
            content["absent"],
            run=content["run"],
        )
        return result, dict(content["key"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise MusigError(
            f"The recorded cell {path.name} cannot be read ({type(error).__name__}: {error}): "
            f"remove it, or compute it again with `make results ROW={cell.name}`."
        ) from error


def read(
    cells: Iterable[Cell], folder: Path | None = None, fingerprint: str | None = None
) -> list[CellResult]:
    """Read cells as they are recorded; nothing is computed.

    Parameters
    ----------
    cells : iterable of Cell
        From :mod:`musig.experiments.plans`.
    folder : Path, optional
        By default :data:`RECORDED`.
    fingerprint : str, optional
        Of the data they should be of; by default those each was recorded with.

    Returns
    -------
    list of CellResult
        One a cell, in this order. One that is not there says so in its ``remark``, and so does
        one that was recorded with other settings or an earlier source.

    Raises
    ------
    MusigError
        If a file is damaged.

    Notes
    -----
    Notebook: 07_methods
    """
    folder = RECORDED if folder is None else folder
    results = []
    for cell in cells:
        path = folder / f"{cell.name}.json"
        if not path.exists():
            results.append(CellResult(cell, remark=NOT_RUN))
            continue
        result, recorded = load(path, cell)
        now = key(cell, fingerprint or result.run["data_fingerprint"])
        remark = EARLIER if now["source"] != recorded["source"] else ""
        remark = OTHERWISE if now["inputs"] != recorded["inputs"] else remark
        results.append(
            CellResult(
                cell,
                result.per_playlist,
                result.curves,
                result.measures,
                result.absent,
                remark,
                result.run,
            )
        )
    return results


def found(folder: Path) -> dict[tuple[str, str], Path]:
    """List the cells of a folder by their keys.

    Parameters
    ----------
    folder : Path
        Of recorded cells; one that is not there holds none.

    Returns
    -------
    dict
        ``(inputs, source)`` to JSON file. Files that cannot be read are passed over.

    Notes
    -----
    Notebook: 07_methods
    """
    known = {}
    for path in sorted(folder.glob("*/[!.]*.json")):  # not what is still being written
        try:
            content = json.loads(path.read_text("utf-8"))
            whole = bool(content["absent"]) or path.with_suffix(".parquet").exists()
            if whole:
                known[content["key"]["inputs"], content["key"]["source"]] = path
        except (OSError, ValueError, KeyError, TypeError):
            continue
    return known


def kept(
    cell: Cell,
    catalog: Catalog,
    key: Mapping[str, str],
    compute: Callable[[], CellResult],
    device: str = "cpu",
) -> CellResult:
    """Give a cell from the cache, computing it where it was never finished.

    Parameters
    ----------
    cell : Cell
    catalog : Catalog
    key : mapping
        From :func:`key`.
    compute : callable
        Makes the result.
    device : {"cpu", "cuda", "auto"}
        What was asked for.

    Returns
    -------
    CellResult

    Notes
    -----
    Notebook: 07_methods
    """

    def make(folder: Path) -> None:
        save(compute(), folder / "cell.json", catalog, key, device)

    folder = stage("cell", {**key, "device": device}, make, "musig.completion")
    return load(folder / "cell.json", cell)[0]


def seconds_of(cells: Iterable[Cell], folder: Path | None = None) -> dict[str, float]:
    """Estimate how long cells take.

    Parameters
    ----------
    cells : iterable of Cell
    folder : Path, optional
        Recorded cells to learn from; by default :data:`RECORDED`.

    Returns
    -------
    dict
        Name of the cell to CPU seconds: as recorded, else the mean of its row, else of its method,
        else :data:`SECONDS`.

    Notes
    -----
    Notebook: 07_methods
    """
    folder = RECORDED if folder is None else folder
    known: dict[str, list[float]] = {}
    for path in sorted(folder.glob("*/[!.]*.json")):  # not what is still being written
        try:
            content = json.loads(path.read_text("utf-8"))
            seconds, cell = content["measures"].get("cpu_seconds", 0.1), content["cell"]
            row = f"{cell['experiment']}/{cell['row']}"
            for name in (f"{row}-fold{cell['fold']}-seed{cell['seed']}", row, cell["method"]):
                known.setdefault(name, []).append(float(seconds))
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            continue
    estimates = {}
    for cell in cells:
        estimates[cell.name] = SECONDS.get(cell.method, 90.0)
        for name in (cell.name, f"{cell.experiment}/{cell.row}", cell.method):
            if name in known:
                estimates[cell.name] = sum(known[name]) / len(known[name])
                break
    return estimates
