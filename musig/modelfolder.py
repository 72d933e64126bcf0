"""A trained model as a folder: what a training leaves, and how it is used again.

Conventions
-----------
========================== ==================================================================
``model.json``             format version, identity (settings, data fingerprint, task weights),
                           kind of encoder, attribute groups and how they were scaled and
                           imputed, history, held-out measures, SHA-256 of the other files
                           and of itself; written last, so that a folder with it is complete
``weights.safetensors``    the encoder's parameters
``graph.safetensors``      the training graph (CSR) and the attributes x; further relations, too
``tracks.parquet``         id, name, artist of each row
``split.json``             which playlists trained, validated and test it
``embeddings.safetensors`` the exact embeddings, a row a track
``state/``                 the last checkpoint (:mod:`musig.checkpoint`)
========================== ==================================================================

No file is a pickle: opening a model from elsewhere runs no code.

Contents
--------
- :class:`Trained`, :func:`load`, :func:`save`.
- :func:`is_finished`, :func:`read_identity`: what :func:`musig.train.train` asks first.
"""

from __future__ import annotations

import hashlib
import json
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from musig.catalog import Catalog, Playlists
from musig.errors import MusigError, nearest
from musig.files import aside
from musig.graph import CSR
from musig.model import Encoder, embed
from musig.scorers import EmbeddingScorer, recommend
from musig.training_data import TrainingData

FORMAT = 2
FILES = (
    "weights.safetensors",
    "graph.safetensors",
    "tracks.parquet",
    "split.json",
    "embeddings.safetensors",
)
ENCODERS = {"hetero": "musig.hetero"}
"""Encoders beside the plain one, by the `kind` that ``model.json`` names: a module that has
``restored``. Such an encoder has ``graph_tensors`` and ``embed``."""


@dataclass(frozen=True, eq=False)
class Trained:
    """A trained model, ready for use."""

    folder: Path
    """Where it was read from."""
    tracks: pd.DataFrame
    """Index ``track_id``; columns ``name``, ``artist``."""
    embeddings: Tensor
    """float32, shape (n_tracks, embedding_size), rows of length 1."""
    encoder: Any
    """The aggregators with their weights: :class:`musig.model.Encoder`, or one of
    :data:`ENCODERS`."""
    x: Tensor
    """float32, shape (n_tracks, n_attributes): the attributes as the encoder wants them."""
    csr: CSR
    """The training graph."""
    info: dict[str, Any]
    """What ``model.json`` holds."""

    @property
    def history(self) -> pd.DataFrame:
        """A row an epoch: the loss of each task and the validation measure."""
        return pd.DataFrame(self.info["history"])

    @property
    def held_out(self) -> dict[str, float]:
        """Measures of each task on what never supervised it, beside trivial baselines."""
        return {k: float("nan") if v is None else v for k, v in self.info["held_out"].items()}

    def embed(self, x: Tensor) -> Tensor:
        """Embed the model's tracks exactly, were their attributes `x`; shaped as `embeddings`."""
        if hasattr(self.encoder, "kind"):
            return self.encoder.embed(x)
        return embed(self.encoder, x, self.csr)

    def scorer(self, name: str = "musig") -> EmbeddingScorer:
        """Return the model as a scorer, to be evaluated beside other methods."""
        return EmbeddingScorer(name, self.embeddings)

    def complete(self, seeds: Sequence[str], k: int = 20) -> pd.DataFrame:
        """Complete a playlist.

        Parameters
        ----------
        seeds : sequence of str
            Track ids.
        k : int, > 0
            How many tracks to recommend.

        Returns
        -------
        DataFrame
            Columns ``rank, track_id, name, artist, score``; no seed is among them.

        Raises
        ------
        MusigError
            If there is no seed, or a seed is not in the model.

        Notes
        -----
        Notebook: 06_playlist_completion
        """
        if len(seeds) == 0:
            raise MusigError("No seed was given: name at least one track id.")
        positions = self.tracks.index.get_indexer(pd.Index(list(seeds)))
        unknown = [seed for seed, position in zip(seeds, positions, strict=True) if position < 0]
        if unknown:
            raise MusigError(
                f"Track '{unknown[0]}' is not among the {len(self.tracks)} tracks of the model "
                f"{self.folder}{_several(unknown)}: it was in too few training playlists, or is "
                f"misspelt; the ids are in {self.folder / 'tracks.parquet'}."
            )
        distinct = np.unique(positions)
        known = Catalog(self.tracks, Playlists.from_lists([]), self.folder.name)
        return recommend(self.scorer(), distinct, known, k)


def _several(unknown: list[str]) -> str:
    return f" (nor are {len(unknown) - 1} more)" if len(unknown) > 1 else ""


def is_finished(folder: Path | str) -> bool:
    """Whether a folder holds a finished model.

    Parameters
    ----------
    folder : path

    Returns
    -------
    bool

    Notes
    -----
    Notebook: 05_multitask_training
    """
    return (Path(folder) / "model.json").exists()


def read_identity(folder: Path | str) -> dict[str, Any]:
    """Return settings, data fingerprint and task weights of a finished model.

    Parameters
    ----------
    folder : path
        A MODEL folder.

    Returns
    -------
    dict
        As :func:`musig.train.train` wrote it.

    Notes
    -----
    Notebook: 05_multitask_training
    """
    return _read_info(Path(folder))["identity"]


def save(
    folder: Path,
    *,
    identity: dict[str, Any],
    data: TrainingData,
    encoder: Any,
    x: Tensor,
    embeddings: Tensor,
    history: list[dict[str, float]],
    held_out: dict[str, float],
    seconds: float,
    device: str,
) -> None:
    """Write a finished model; ``model.json`` comes last and makes it one.

    Parameters
    ----------
    folder : Path
        The MODEL folder.
    identity : dict
        Settings, data fingerprint and tasks of the training.
    data : TrainingData
    encoder : Encoder
        With the best weights.
    x : Tensor of float32, shape (n_tracks, n_attributes)
        The attributes, as the encoder takes them: those of `data`, or learned from there.
    embeddings : Tensor of float32, shape (n_tracks, embedding_size)
        Exact ones.
    history : list of dict
        A row an epoch.
    held_out : dict of str to float
        The tasks' measures; NaN where one could not be taken.
    seconds : float
        Time spent, over all interruptions.
    device : str
        Where it was trained.

    Notes
    -----
    Notebook: 05_multitask_training
    """
    csr = data.csr
    tensors = {
        "weights.safetensors": encoder.state_dict(),
        "graph.safetensors": {
            "indptr": csr.indptr,
            "indices": csr.indices,
            "weight": csr.weight,
            "x": x,
        }
        | (encoder.graph_tensors() if hasattr(encoder, "kind") else {}),
        "embeddings.safetensors": {"embeddings": embeddings},
    }
    for name, content in tensors.items():
        with aside(folder / name) as passing:
            save_file({k: v.detach().cpu().contiguous() for k, v in content.items()}, passing)
    tracks = data.catalog.tracks.reindex(columns=["name", "artist"])
    with aside(folder / "tracks.parquet") as passing:
        tracks.to_parquet(passing)
    data.split.save(folder / "split.json")
    info: dict[str, Any] = {
        "format": FORMAT,
        "encoder": getattr(encoder, "kind", "plain"),
        "identity": identity,
        "prepared": data.settings,
        "attributes": {
            "columns": list(data.attributes.columns),
            "groups": {group: list(span) for group, span in data.attributes.groups.items()},
            "state": data.attributes.state,
        },
        "history": history,
        "held_out": {k: None if np.isnan(v) else v for k, v in held_out.items()},
        "seconds": round(seconds, 2),
        "device": device,
        "files": {name: _sha256(folder / name) for name in FILES},
    }
    sealed = info | {"sha256": _digest(info)}
    with aside(folder / "model.json") as passing:
        passing.write_text(json.dumps(sealed, indent=1), encoding="utf-8")


def load(folder: Path | str) -> Trained:
    """Read a finished model.

    Parameters
    ----------
    folder : path
        A MODEL folder.

    Returns
    -------
    Trained

    Raises
    ------
    MusigError
        If the folder holds no finished model, is of another format, or a file is missing, cut
        short or not the one the training wrote: of ``model.json`` too, by its own SHA-256.

    Notes
    -----
    Notebook: 06_playlist_completion
    """
    folder = Path(folder)
    info = _read_info(folder)
    for name, expected in info["files"].items():
        path = folder / name
        found = _sha256(path) if path.exists() else None
        if found != expected:
            what = "is missing" if found is None else "is not the file that was written (SHA-256)"
            raise MusigError(f"{path} {what}: train the model again, or copy it anew.")
    kind = info.get("encoder")
    if kind not in ("plain", *ENCODERS):
        raise MusigError(
            f"{folder / 'model.json'} names the encoder '{kind}': "
            f"{nearest(str(kind), ('plain', *ENCODERS))}"
        )
    try:
        weights = load_file(folder / "weights.safetensors")
        graph = load_file(folder / "graph.safetensors")
        embeddings = load_file(folder / "embeddings.safetensors")["embeddings"]
        encoder = _encoder(kind, info["identity"]["config"], graph)
        encoder.load_state_dict(weights)
    except SafetensorError as error:
        raise MusigError(f"{folder} cannot be read ({error}): train the model again.") from error
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise MusigError(
            f"{folder}: its files are not of one model ({_in_short(error)}); train the model "
            "again, or copy it anew."
        ) from error
    n = len(embeddings)
    return Trained(
        folder=folder,
        tracks=pd.read_parquet(folder / "tracks.parquet"),
        embeddings=embeddings,
        encoder=encoder.eval(),
        x=graph["x"],
        csr=CSR(graph["indptr"], graph["indices"], graph["weight"], n, n),
        info=info,
    )


def _encoder(kind: str, config: dict[str, Any], graph: dict[str, Tensor]) -> Any:
    """Make the encoder that ``model.json`` describes, with weights that are still random."""
    width = graph["x"].shape[1]
    with torch.random.fork_rng(devices=[]):  # the random weights it begins with are replaced
        if kind == "plain":
            size, hops = config["embedding_size"], config["hops"]
            return Encoder(width, size, hops, config["aggregator"], config["dropout"])
        return import_module(ENCODERS[kind]).restored(graph, width, config)


def _read_info(folder: Path) -> dict[str, Any]:
    path = folder / "model.json"
    if not path.exists():
        begun = (folder / "state").exists()
        what = "holds a training that was not finished" if begun else "is not a MODEL folder"
        raise MusigError(
            f"{folder} {what} (no model.json in it): run musig train --out {folder}"
            + (" with the same settings to finish it." if begun else " first.")
        )
    try:
        info = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise MusigError(
            f"{path} is not JSON ({error}): train the model again, or copy it anew."
        ) from error
    found = info.get("format") if isinstance(info, dict) else None
    if found != FORMAT:
        raise MusigError(
            f"{path} is of format {found}; this version of musig reads format {FORMAT}: train the "
            "model again."
        )
    if info.pop("sha256", None) != _digest(info):
        raise MusigError(
            f"{path} is not the file that was written (SHA-256): train the model again, or copy it "
            "anew."
        )
    return info


def _digest(info: dict[str, Any]) -> str:
    """Sum up what ``model.json`` says, however it is laid out."""
    as_read = json.loads(json.dumps(info))  # tuples are lists there, and all keys are strings
    return hashlib.sha256(json.dumps(as_read, sort_keys=True).encode()).hexdigest()


def _in_short(error: Exception) -> str:
    return textwrap.shorten(f"{type(error).__name__}: {error}", 120, placeholder=" …")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
