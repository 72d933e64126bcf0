"""One cell of a table: a method fitted once and evaluated, playlist by playlist.

The wide tables of the book are made of some three hundred cells. Each is computed, kept and made
again alone, so that a kill costs one training at most and any number can be checked by itself.

Conventions
-----------
A cell is named ``EXPERIMENT/ROW-foldF-seedS``, and so is its file. Two seeds are told apart: that
of the :class:`Evaluation`, which draws folds and halves and is the same for all, and that of the
cell, which draws the weights and batches of a training. Scores are kept as float32.

Contents
--------
- :class:`Evaluation`: the rules all cells of a table share; :class:`Cell`: one fit under them.
- :func:`run_cell`: compute it, to a :class:`CellResult`.
- :func:`settings_of_cell`, :func:`modules_of_cell`: what it depends on.
"""

from __future__ import annotations

import inspect
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

import numpy as np
import pandas as pd
import torch

from musig import methods
from musig.catalog import Catalog, universe
from musig.completion import KS, Holdout, Result, evaluate, holdout
from musig.errors import MusigError, nearest
from musig.features import ABSENT, GROUPS, control_attributes, fit_attributes, known_groups
from musig.ranking import ranking
from musig.scorers import Scorer, checked_scores
from musig.splits import Split, fold_playlists

METRICS = (
    "hit_rate@10",
    "recall@10",
    "recall@100",
    "recall@500",
    "ndcg@100",
    "r_precision",
    "r_precision_artist",
    "mrr",
    "clicks",
    "popularity",
)
"""What is kept of every playlist; means of the others are in the curves."""

AGAIN = ("hit_rate@10", "recall@10", "r_precision")
"""What is kept of every playlist where the share of seeds is another."""

DEPTH = 100
"""Length of the list in which targets of each popularity are looked for."""

CURVES = ("hit_rate", "recall")

BLENDS = {"blend": ("musig-best", "ease"), "blend-cf": ("ease", "itemknn")}
"""Rows that mix the scores of two methods: does the graph know something that they do not?"""

OTHERS = {
    "content": "musig.baselines.content:Content",
    "attributes": "musig.described:Described",
    "musig-tasks": "musig.moretasks:MusigTasks",
    "musig-relations": "musig.relational:MusigRelations",
}
"""Rows that are no method of the methods table: measuring sticks, and MUSIG with more than the
paper gives it, tasks or relations."""

ALIKE = {"musig-relations": "musig", "musig-tasks": "musig"}
"""Of these, those that begin at the committed settings of a method."""

PROTOCOLS = {"new_tracks": "musig.newtracks", "downstream": "musig.downstream"}
"""Other ways to measure a method than to complete playlists: each a module whose ``measured`` fits
the method itself, and gives a table of scores and measures, or the reason why there are none."""

COMPLETION = "completion"

PROBED = ("musig", "graphsage", "musig-relations", "musig-tasks")
"""Methods that leave an encoder, which :mod:`musig.probes` can measure."""

_BLEND = "musig.blend:Blend"


@dataclass(frozen=True)
class Evaluation:
    """The rules of a table: the same for all of its cells.

    Notes
    -----
    Notebook: 07_methods

    Examples
    --------
    >>> Evaluation(folds=1)
    Traceback (most recent call last):
    musig.errors.MusigError: Parameter folds is 1; expected 2 or more.
    """

    folds: int = 5
    """Into how many parts the playlists are cut, >= 2; each is the test part of one fold."""
    min_playlists: int = 8
    """In how many training playlists a track must be, >= 1."""
    fraction: float = 0.5
    """Share of a playlist that is given as seeds, in (0, 1)."""
    valid: float = 0.1
    """Share of the playlists for validation, in (0, 1)."""
    seed: int = 0
    """Draws the folds and the halves, >= 0."""
    fractions: tuple[float, ...] = ()
    """Further shares of seeds at which the same fitted method is evaluated."""
    deciles: bool = False
    """Whether targets found are counted by how popular they are."""

    def __post_init__(self) -> None:
        if self.folds < 2:
            raise MusigError(f"Parameter folds is {self.folds}; expected 2 or more.")
        for share in (self.fraction, self.valid, *self.fractions):
            if not 0 < share < 1:
                raise MusigError(f"A share is {share}; expected a number between 0 and 1.")


@dataclass(frozen=True)
class Cell:
    """One fit of one method, and how it is evaluated.

    Notes
    -----
    Notebook: 07_methods

    Examples
    --------
    >>> Cell("07_methods", "ease", "ease").name
    '07_methods/ease-fold0-seed0'
    """

    experiment: str
    """Name of the notebook that shows it, such as ``07_methods``."""
    row: str
    """The row of the table: letters, digits and ``_ . + , = -``."""
    method: str
    """One of :data:`musig.methods.METHODS`, :data:`BLENDS` or :data:`OTHERS`."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """On top of the committed settings of the method."""
    fold: int = 0
    """Which part of the playlists is the test, from 0."""
    seed: int = 0
    """Of the training."""
    evaluation: Evaluation = Evaluation()
    probes: bool = False
    """Whether all three tasks are measured by :mod:`musig.probes`."""
    protocol: str = COMPLETION
    """How it is measured: "completion" of playlists, or one of :data:`PROTOCOLS`."""

    def __post_init__(self) -> None:
        known = [*methods.METHODS, *BLENDS, *OTHERS]
        if self.method not in known:
            raise MusigError(f"Unknown method '{self.method}': {nearest(self.method, known)}")
        protocols = [COMPLETION, *PROTOCOLS]
        if self.protocol not in protocols:
            told = nearest(self.protocol, protocols)
            raise MusigError(f"Unknown protocol '{self.protocol}': {told}")
        if not 0 <= self.fold < self.evaluation.folds:
            raise MusigError(
                f"{self.experiment}/{self.row} asks for fold {self.fold}; expected one from 0 to"
                f" {self.evaluation.folds - 1}."
            )
        if self.probes and self.method not in PROBED:
            raise MusigError(
                f"{self.experiment}/{self.row} asks for probes of '{self.method}'; expected a"
                f" method that leaves an encoder: {', '.join(PROBED)}."
            )
        for part in (self.experiment, self.row):
            if not re.fullmatch(r"[\w.+,=-]+", part, re.ASCII) or re.search(r"-fold\d", part):
                raise MusigError(
                    f"'{part}' cannot name a cell, since it names a file: use letters, digits and"
                    " _ . + , = - only, and not '-fold'."
                )

    @property
    def name(self) -> str:
        """Name of the cell and of its file, without ending."""
        return f"{self.experiment}/{self.row}-fold{self.fold}-seed{self.seed}"


@dataclass(frozen=True, eq=False)
class CellResult:
    """What came out of a cell, or why nothing did.

    Notes
    -----
    Made by :func:`run_cell`, or read by :func:`musig.experiments.store.read`.

    Notebook: 07_methods
    """

    cell: Cell
    per_playlist: pd.DataFrame | None = None
    """float32, one row a playlist (index ``playlist``: its position), one column a metric of
    :data:`METRICS`; then how many ``seeds`` and ``targets`` it has, and where that was asked for
    ``METRIC|FRACTION`` and, for each decile, ``found|D`` and ``among|D``. Of another protocol: what
    its module says."""
    curves: pd.DataFrame | None = None
    """Means of ``hit_rate`` and ``recall`` for each ``k`` (index)."""
    measures: Mapping[str, Any] = field(default_factory=dict)
    """``n, skipped, n_tracks, coverage, size, fit_seconds, fit_cpu_seconds, seconds, cpu_seconds,
    epochs, held_out``; of a blend the ``share`` of its first part; of deciles ``popularity``: from
    how many to how many training playlists; of probes, whose measures are among those
    ``held_out``, ``probed``: ``by_artist`` and ``tracks`` of :class:`musig.probes.Probed`; of task
    weights that are learned ``balance``: how they ended. None or missing where the method has no
    such."""
    absent: str = ""
    """Why the data cannot give this cell; then there are no scores."""
    remark: str = ""
    """"not run yet", "recorded with an earlier source", "recorded with other settings", or none."""
    run: Mapping[str, Any] = field(default_factory=dict)
    """Where it comes from: data, versions, commit, device, threads, when."""

    @property
    def has_scores(self) -> bool:
        """Whether there are scores to be shown."""
        return self.per_playlist is not None


def settings_of_cell(cell: Cell) -> dict[str, Any]:
    """Give all settings that a cell's method is made with: the committed ones, then its own.

    Parameters
    ----------
    cell : Cell

    Returns
    -------
    dict
        For a blend, with the settings of each part under ``parts``.

    Notes
    -----
    Notebook: 07_methods

    Examples
    --------
    >>> settings_of_cell(Cell("07_methods", "itemknn", "itemknn", {"shrinkage": 7}))["shrinkage"]
    7
    """
    if cell.method in OTHERS:
        alike = ALIKE.get(cell.method)
        return (methods.tuned(alike) if alike else {}) | dict(cell.settings)
    if cell.method in BLENDS:
        parts = {name: methods.tuned(name) for name in BLENDS[cell.method]}
        given = cell.settings.get("parts", {})
        parts = {name: known | dict(given.get(name, {})) for name, known in parts.items()}
        return {**cell.settings, "parts": parts}
    return methods.tuned(cell.method) | dict(cell.settings)


def modules_of_cell(cell: Cell) -> tuple[str, ...]:
    """Name the modules whose source decides what a cell comes out as.

    Parameters
    ----------
    cell : Cell

    Returns
    -------
    tuple of str
        The method's, the evaluation's and those of the probes and of another protocol, if there
        are; not those that arrange cells in tables.

    Notes
    -----
    Notebook: 07_methods

    Examples
    --------
    >>> modules_of_cell(Cell("07_methods", "ease", "ease"))
    ('musig.completion', 'musig.baselines.ease')
    """
    if cell.method in OTHERS:
        own = [OTHERS[cell.method].partition(":")[0]]
    elif cell.method in BLENDS:
        own = [_BLEND.partition(":")[0], *map(methods.module_of, BLENDS[cell.method])]
    else:
        own = [methods.module_of(cell.method)]
    also = ["musig.probes"] if cell.probes else []
    also += [PROTOCOLS[cell.protocol]] if cell.protocol in PROTOCOLS else []
    return ("musig.completion", *own, *also)


def run_cell(cell: Cell, catalog: Catalog, device: str = "cpu") -> CellResult:
    """Fit and evaluate.

    Parameters
    ----------
    cell : Cell
    catalog : Catalog
        The whole data set.
    device : {"cpu", "cuda", "auto"}
        Where methods train that can.

    Returns
    -------
    CellResult
        Without scores but with a reason, where the data lack an attribute group.

    Raises
    ------
    MusigError
        If a setting is refused, or nothing can be evaluated.

    Notes
    -----
    Settings are chosen on validation playlists and never here.

    Notebook: 07_methods

    Examples
    --------
    >>> from musig.sources.synthetic import make
    >>> cell = Cell("07_methods", "popularity", "popularity", evaluation=Evaluation(2, 3))
    >>> result = run_cell(cell, make("smoke", seed=0))
    >>> result.measures["n"] == len(result.per_playlist), result.measures["skipped"]
    (True, 0)
    """
    began, rules = (time.perf_counter(), time.process_time()), cell.evaluation
    split = fold_playlists(
        catalog, cell.fold, folds=rules.folds, seed=rules.seed, valid=rules.valid
    )
    settings = settings_of_cell(cell)
    # an acoustic network is fitted without the artists that another protocol holds out
    artists = 0 if cell.protocol == COMPLETION else rules.seed
    catalog = _heard(catalog, split, settings, device, artists)
    tracks = universe(catalog, split.train, rules.min_playlists)
    known = catalog.restrict(tracks)
    absent = _absent(settings, known)
    if absent:
        return CellResult(cell, absent=absent)
    settings = _given(cell, settings, known, split)
    if cell.protocol != COMPLETION:
        return _by_protocol(cell, settings, catalog, split, device, began)
    scorer = _scorer(cell, settings, device)
    absent = scorer.absent(known, split) if hasattr(scorer, "absent") else ""
    if absent:
        return CellResult(cell, absent=absent)
    wall, cpu = time.perf_counter(), time.process_time()
    scorer.fit(known, split)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    held = holdout(catalog, tracks, split.test, rules.seed, rules.fraction)
    result = evaluate(scorer, held, known, split=split)
    table = result.per_playlist[[name for name in METRICS if name in result.per_playlist]]
    table = table.assign(seeds=held.seeds.lengths, targets=held.targets.lengths)
    for fraction in rules.fractions:
        other = holdout(catalog, tracks, split.test, rules.seed, fraction)
        scores = evaluate(scorer, other, known, ks=[min(10, len(tracks))])
        again = scores.per_playlist[[name for name in AGAIN if name in scores.per_playlist]]
        table = table.join(again.add_suffix(f"|{fraction:g}"))
    measures: dict[str, Any] = {
        "n": len(held),
        "skipped": held.skipped,
        "n_tracks": len(tracks),
        "coverage": result.coverage,
        "size": getattr(scorer, "size", None),
        "cannot": getattr(scorer, "cannot", ""),
        "fit_seconds": round(wall, 3),
        "fit_cpu_seconds": round(cpu, 3),
    }
    if rules.deciles:
        counts = known.playlists.subset(split.train).counts(len(tracks))
        found, ranges = _by_decile(scorer, held, counts)
        table, measures["popularity"] = table.join(found), ranges
    if cell.method in BLENDS:
        measures["share"] = scorer.weight  # type: ignore[attr-defined]
    measures |= _of_training(scorer, wall)
    if cell.probes:
        measures |= _of_probes(scorer, known, split, measures.get("held_out", {}))
    measures["seconds"] = round(time.perf_counter() - began[0], 3)
    measures["cpu_seconds"] = round(time.process_time() - began[1], 3)
    return CellResult(cell, table.astype(np.float32), _curves(result), measures)


def _by_protocol(
    cell: Cell,
    settings: dict[str, Any],
    catalog: Catalog,
    split: Split,
    device: str,
    began: tuple[float, float],
) -> CellResult:
    """Have another protocol fit and measure a method."""
    made: list[Scorer] = []

    def make() -> Scorer:
        made.append(_scorer(cell, dict(settings), device))
        return made[-1]

    rules = cell.evaluation
    table, measures = import_module(PROTOCOLS[cell.protocol]).measured(
        make,
        catalog,
        split,
        min_playlists=rules.min_playlists,
        seed=rules.seed,
        fraction=rules.fraction,
    )
    if measures.get("absent"):
        return CellResult(cell, absent=str(measures["absent"]))
    if len(made) == 1:  # of several no one is the training
        known = _of_training(made[0], float(measures.get("fit_seconds", 0)))
        both = {**known.pop("held_out", {}), **measures.get("held_out", {})}
        measures = {**measures, **known, **({"held_out": both} if both else {})}
    measures["seconds"] = round(time.perf_counter() - began[0], 3)
    measures["cpu_seconds"] = round(time.process_time() - began[1], 3)
    return CellResult(cell, None if table is None else table.astype(np.float32), None, measures)


def _heard(
    catalog: Catalog, split: Split, settings: Mapping[str, Any], device: str, seed: int = 0
) -> Catalog:
    """Add acoustic vectors where they are asked for, not known, and there is sound."""
    if "ACOUSTIC" not in settings.get("groups", ()) or not catalog.has_sound:
        return catalog
    from musig.acoustic import with_vectors  # only here: few cells listen
    from musig.acoustic_config import AcousticConfig

    return with_vectors(catalog, split, AcousticConfig(seed=seed, device=device), progress=False)


def _absent(settings: Mapping[str, Any], known: Catalog) -> str:
    """Say which attribute group the data lack, or that they can teach no task; or nothing."""
    asked = [group for group in settings.get("groups") or () if group in GROUPS]
    if not asked:
        return _untaught(settings, known)
    there = known_groups(known.tracks, settings.get("popularity", "train_count"))
    lacking = [ABSENT[group] for group in asked if group not in there]
    return "; ".join(lacking) or _untaught(settings, known)


def _untaught(settings: Mapping[str, Any], known: Catalog) -> str:
    """Say why the data can teach none of the tasks that have a weight, or nothing."""
    if settings.get("weight_cooccurrence", 1.0) > 0:
        return ""
    there = known_groups(known.tracks, "train_count")
    needs = {"similarity": ("AUDIO", "ACOUSTIC"), "genre": ("GENRE",)}
    asked = [kinds for task, kinds in needs.items() if settings.get(f"weight_{task}", 1.0) > 0]
    if not asked or any(kind in there for kinds in asked for kind in kinds):
        return ""
    return "; ".join(ABSENT[kinds[0]] for kinds in asked)


def _given(cell: Cell, settings: dict[str, Any], known: Catalog, split: Split) -> dict[str, Any]:
    """Put in what only the data can say: which groups are "all", and Track2Vec's controls."""
    popularity = settings.get("popularity", "train_count")
    everything = list(known_groups(known.tracks, popularity))
    if list(settings.get("groups") or ()) == ["all"]:
        settings = {**settings, "groups": everything}
    control = settings.get("attributes")
    if cell.method != "track2vec" or control is None:
        return settings
    settings = {name: value for name, value in settings.items() if name != "attributes"}
    if control == "none":  # it needs no attributes, unlike a network
        return settings
    counts = known.playlists.subset(split.train).counts(known.n_tracks)
    told = fit_attributes(known.tracks, everything, popularity=popularity, train_count=counts)
    made = control_attributes(control, known.n_tracks, told.x.shape[1], cell.seed)
    return {**settings, "attributes": made.x}


def _scorer(cell: Cell, settings: dict[str, Any], device: str) -> Scorer:
    """Make the method of a cell, not yet fitted."""
    if cell.method in OTHERS:
        other, handed = _class(OTHERS[cell.method]), {"seed": cell.seed, "device": device}
        taken = inspect.signature(other).parameters
        return other(**settings, **{name: v for name, v in handed.items() if name in taken})
    if cell.method in BLENDS:
        others = {name: value for name, value in settings.items() if name != "parts"}
        parts = [
            methods.make(name, given, seed=cell.seed, device=device)
            for name, given in settings["parts"].items()
        ]
        return _class(_BLEND)(cell.method, parts, **others)
    return methods.make(cell.method, settings, seed=cell.seed, device=device)


def _class(place: str) -> Any:
    module, _, name = place.partition(":")
    return getattr(import_module(module), name)


def _of_training(scorer: Scorer, wall: float) -> dict[str, Any]:
    """Give what a trained method knows of its training: epochs, time, measures of its tasks."""
    models = [getattr(part, "model", None) for part in getattr(scorer, "parts", (scorer,))]
    known: dict[str, Any] = {}
    if len(models) == 1 and models[0] is not None:
        history = pd.DataFrame(models[0].history)  # of some a list of rows
        known = {"epochs": len(history), "held_out": dict(models[0].held_out)}
        told = [n for n in map(str, history) if n == "conflicts" or n.startswith("weight_")]
        if told:  # of a balance that learns, what it came to in the last epoch
            known["balance"] = {name: float(history[name].iloc[-1]) for name in told}
    seconds = sum(float(model.info.get("seconds", 0)) for model in models if model is not None)
    if seconds > wall:  # it came from the cache, and says itself how long it took
        known |= {"fit_seconds": round(seconds, 3), "fit_cpu_seconds": None}
    return known


def _of_probes(
    scorer: Any, known: Catalog, split: Split, held_out: Mapping[str, float]
) -> dict[str, Any]:
    """Measure what an encoder knows of each task, whether it was trained on it or not."""
    from musig.probes import embedder, probe  # only here: few cells are probed

    config = scorer.config
    found = probe(
        scorer.prepared(known, split),
        embedder(scorer.model),
        genres=config.genres,
        similarity=config.similarity,
        seed=split.seed,  # the same for every training, so that they can be compared
    )
    return {
        "held_out": {**held_out, **found.measures},
        "probed": {"by_artist": found.by_artist, "tracks": found.tracks},
    }


def _curves(result: Result) -> pd.DataFrame:
    """Average both forms of the hit-rate for every cut-off."""
    means = result.per_playlist.mean()
    ks = [k for k in KS if f"hit_rate@{k}" in means]
    values = {kind: [means[f"{kind}@{k}"] for k in ks] for kind in CURVES}
    return pd.DataFrame(values, index=pd.Index(ks, name="k"))


def _by_decile(
    scorer: Scorer, held: Holdout, counts: np.ndarray, block: int = 256
) -> tuple[pd.DataFrame, list[list[int]]]:
    """Count targets, and those found in the first hundred, by the popularity of the track.

    The tenths are of the universe, from the least popular tracks on: each holds as many tracks.
    """
    n_tracks = len(counts)
    decile = np.empty(n_tracks, dtype=np.int64)
    order = np.argsort(counts, kind="stable")
    decile[order] = np.arange(n_tracks) * 10 // n_tracks
    found, among = np.zeros((2, len(held), 10), dtype=np.int64)
    for start in range(0, len(held), block):
        rows = np.arange(start, min(start + block, len(held)))
        seeds, targets = held.seeds.subset(rows), held.targets.subset(rows)
        length = min(DEPTH, n_tracks)
        with torch.no_grad():
            scores = checked_scores(scorer, seeds, n_tracks).cpu()
        top = ranking(scores, seeds, targets, length, length, method=scorer.name).top[:, :length]
        owner = np.repeat(np.arange(len(rows)), targets.lengths)
        listed = (top.numpy() + np.arange(len(rows))[:, None] * n_tracks)[top.numpy() >= 0]
        is_found = np.isin(owner * n_tracks + targets.tracks, listed)
        place = owner * 10 + decile[targets.tracks]
        shape = (len(rows), 10)
        among[rows] = np.bincount(place, minlength=10 * len(rows)).reshape(shape)
        found[rows] = np.bincount(place[is_found], minlength=10 * len(rows)).reshape(shape)
    columns = {f"found|{d + 1}": found[:, d] for d in range(10)}
    columns |= {f"among|{d + 1}": among[:, d] for d in range(10)}
    table = pd.DataFrame(columns, index=pd.Index(held.playlist, name="playlist"))
    ranges = [
        [int(counts[decile == d].min()), int(counts[decile == d].max())]
        for d in range(10)
        if (decile == d).any()
    ]
    return table, ranges
