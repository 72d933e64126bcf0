"""Settings chosen on validation playlists: as many trials for every method.

What a comparison shows is often who was tuned (Ferrari Dacrema, Cremonesi, Jannach, RecSys 2019):
so every family of methods has the same number of trials, the same objective and the same sampler,
and what was tried is kept beside what was chosen.

Conventions
-----------
A *study* is a readable file ``NAME.json``: method, data, split, objective, sampler, and each trial
with its settings, value and seconds. It is rewritten, aside and then renamed, after every trial,
and goes on from there. The first trial has the method's defaults. The objective is the mean
ndcg@100 (or at the size of a smaller universe) on the split's *validation* playlists; test
playlists are not looked at. The sampler of a trial is made anew from the study's seed and the
trial's number, and sees the trials before it: a study that was stopped goes on with the settings
it would have tried.

Contents
--------
- :data:`SPACES`: what is tried, method by method; :data:`BY_HAND`: how much was before.
- :func:`study`: the trials of a method; :func:`read_study`.
- :func:`write_tuned`: from studies to the committed settings of :mod:`musig.methods`.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pandas as pd
from optuna.distributions import BaseDistribution, CategoricalDistribution
from optuna.distributions import FloatDistribution as Real
from optuna.distributions import IntDistribution as Whole
from optuna.trial import TrialState, create_trial

from musig import methods
from musig.catalog import Catalog
from musig.completion import evaluate, holdout
from musig.errors import MusigError, counted, nearest
from musig.files import aside
from musig.methods import METHODS
from musig.splits import Split

Space = dict[str, BaseDistribution]


def _choice(*values: Any) -> CategoricalDistribution:
    return CategoricalDistribution(values)


WORD2VEC: Space = {
    "dimension": Whole(16, 64, log=True),
    "ns_exponent": Real(-1.0, 0.75),
    "alpha": Real(0.05, 0.2, log=True),
}
ENCODER: Space = {
    "learning_rate": Real(0.0005, 0.05, log=True),
    "temperature": Real(0.01, 1.0, log=True),
    "dropout": Real(0.0, 0.5),
}
SPACES: dict[str, Space] = {
    "itemknn": {
        "neighbours": _choice(None, 500, 1000, 2000),
        "shrinkage": Real(0.0, 100.0),
        "weighting": _choice("cosine", "bm25"),
        "alpha": Real(0.2, 0.6),
    },
    "userknn": {
        "neighbours": _choice(None, 50, 100, 200, 500),
        "shrinkage": Real(0.0, 30.0),
        "weighting": _choice("cosine", "bm25"),
        "power": Real(1.0, 3.0),
    },
    "als": {
        "factors": Whole(128, 320, log=True),
        "regularization": Real(5.0, 300.0, log=True),
        "alpha": Real(10.0, 120.0, log=True),
        "iterations": Whole(10, 30),
    },
    "ease": {"regularization": Real(50.0, 1000.0, log=True)},
    "track2vec": WORD2VEC
    | {
        "order": _choice("shuffled", "kept"),
        "window": _choice(2, 3, 5),
        "epochs": Whole(20, 40),
        "negative": Whole(2, 5),
        "sample": _choice(0.0, 1e-3),
    },
    "node2vec": WORD2VEC
    | {
        "p": Real(0.25, 4.0, log=True),
        "q": Real(0.25, 4.0, log=True),
        "walks": Whole(20, 50),
        "window": _choice(1, 2, 3),
        "negative": Whole(2, 4),
        "min_weight": _choice(0, 1, 2),
    },
    "graphsage": ENCODER | {"negatives": Whole(10, 100, log=True)},
    "musig": ENCODER
    | {
        "weight_similarity": Real(0.05, 2.0, log=True),
        "weight_genre": Real(0.05, 2.0, log=True),
    },
    "musig-best": {
        "half_at": Whole(20, 120, log=True),
        "lean": Real(-0.05, 0.15),
        "coordinates": _choice(128, 256, 512),
        "dropout": Real(0.3, 0.7),
        "input_dropout": Real(0.0, 0.4),
        "learning_rate": Real(0.001, 0.006, log=True),
    },
}
"""Settings and where their values are looked for; the defaults lie inside. A method that is not
here has nothing to tune."""

BY_HAND: dict[str, int] = {
    "itemknn": 42,
    "userknn": 39,
    "als": 26,
    "ease": 6,
    "track2vec": 35,
    "node2vec": 16,
    "graphsage": 14,
    "musig": 18,
    "musig-best": 120,
}
"""Number of configurations of a method that were looked at on validation playlists while it was
written, to set its defaults and the ranges above; the trials of its study come on top. Mostly they
were the validation playlists of another split of the same data, in 80, 10 and 10 %; those of
``graphsage`` and ``musig`` were also the ones of the study. Either are test playlists of other
folds, as the study's are. Most of itemknn and userknn were variants of weighting and
neighbourhood before there was a class; of track2vec 14 are ways to join attributes; of graphsage
12 are an earlier study, whose space was then widened (its trials count here, not as trials). Those
of ``musig`` (8, and about 10 of earlier chapters) and of ``musig-best`` (12 trainings; the others
closed-form variants of its spectral part: exponents, ranks, shapes of the filter) are estimates. A
method that is not here has nothing to choose."""

STARTUP = 4
"""Trials drawn at random, the defaults among them, before the sampler models what it saw."""


def study(
    name: str,
    catalog: Catalog,
    split: Split,
    tracks: np.ndarray,
    folder: Path | str,
    *,
    trials: int = 12,
    seed: int = 0,
    device: str = "auto",
    say: Callable[[str], object] | None = None,
) -> pd.DataFrame:
    """Try settings of a method, or go on with a study that was begun.

    Parameters
    ----------
    name : str
        One of :data:`SPACES`.
    catalog : Catalog
        The whole data set.
    split : Split
        Its training playlists are learned from, its validation playlists evaluated.
    tracks : ndarray of int64
        The universe (:func:`musig.catalog.universe`).
    folder : path
        Where ``NAME.json`` is.
    trials : int, > 0
        How many there are to be in all.
    seed : int, >= 0
        Of the sampler, and of the methods that are tried.
    device : {"auto", "cpu", "cuda"}
    say : callable, optional
        Told a sentence a trial.

    Returns
    -------
    DataFrame
        A row a trial: ``number``, ``value``, ``seconds`` and a column a setting. The value is NaN
        where a trial failed.

    Raises
    ------
    MusigError
        If there is no such method or nothing to tune in it, the budget is 0 or less, the file
        holds a study of something else, or no trial succeeded.

    Notes
    -----
    Tree-structured Parzen estimators: Bergstra et al., NeurIPS 2011; Akiba et al., Optuna, KDD
    2019.
    Notebook: 07_methods
    """
    methods.module_of(name)  # refuses what does not exist
    if name not in SPACES:
        raise MusigError(f"Method '{name}' has nothing to tune; {nearest(name, SPACES)}")
    if trials < 1:
        raise MusigError(f"The budget is {trials} trials; expected at least 1.")
    path = Path(folder) / f"{name}.json"
    held, restricted = holdout(catalog, tracks, split.valid, split.seed), catalog.restrict(tracks)
    k = min(100, len(tracks))
    kept: dict[str, Any] = {
        "method": name,
        "data": catalog.name,
        "fingerprint": catalog.fingerprint,
        "split": {"name": split.name, "seed": split.seed},
        "tracks": len(tracks),
        "playlists": len(held),
        "objective": f"mean ndcg@{k} on the validation playlists",
        "sampler": {"name": "TPE", "seed": seed, "startup": STARTUP},
        "trials": [],
        "best": None,
    }
    if path.exists():
        kept = _same(read_study(path), kept, path)
    level = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        made = _remade(name, kept, path)
        for number in range(len(kept["trials"]), trials):
            if number == 0:
                defaults = methods.settings_of(name)
                made.enqueue_trial({key: defaults[key] for key in SPACES[name]})
            made.sampler = _sampler(seed, number)
            trial = made.ask(SPACES[name])
            start, settings, value, error = time.perf_counter(), dict(trial.params), None, None
            try:
                method = methods.make(name, settings, seed=seed, device=device)
                result = evaluate(method.fit(restricted, split), held, restricted, (k,))
                value = float(result.values(f"ndcg@{k}").mean())
                made.tell(trial, value)
            except MusigError as problem:  # a training that diverged is a result too
                error = str(problem)
                made.tell(trial, state=TrialState.FAIL)
            seconds = round(time.perf_counter() - start, 1)
            row = {"number": number, "settings": settings, "value": value, "seconds": seconds}
            kept["trials"].append(row | ({"error": error} if error else {}))
            kept["best"] = _best(kept["trials"])
            with aside(path) as passing:
                passing.write_text(json.dumps(kept, indent=1) + "\n", "utf-8")
            if say:
                told = "failed" if value is None else f"ndcg@{k} {value:.4f}"
                say(f"{name}: trial {number + 1} of {trials}, {told}, {seconds:.0f} s, {settings}")
    finally:
        optuna.logging.set_verbosity(level)
    if kept["best"] is None:
        raise MusigError(
            f"None of {counted(len(kept['trials']), 'trial')} of '{name}' succeeded; the last: "
            f"{kept['trials'][-1]['error']}"
        )
    rows = [{**trial, **trial["settings"]} for trial in kept["trials"]]
    table = pd.DataFrame(rows, columns=["number", "value", "seconds", *SPACES[name]])
    return table.astype({"value": float})


def read_study(path: Path | str) -> dict[str, Any]:
    """Read what :func:`study` wrote.

    Parameters
    ----------
    path : path
        Of ``NAME.json``.

    Returns
    -------
    dict
        As described under Conventions; ``best`` is one of ``trials``, or None.

    Raises
    ------
    MusigError
        If it is not a study.

    Notes
    -----
    Notebook: 07_methods
    """
    try:
        kept = json.loads(Path(path).read_text("utf-8"))
        for trial in kept["trials"]:
            _ = trial["number"], trial["settings"], trial["value"], trial["seconds"]
        _ = kept["method"], kept["fingerprint"], kept["sampler"], kept["best"]
        return kept
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise MusigError(
            f"{path} is not a study ({type(error).__name__}: {error}): delete it to begin anew."
        ) from error


def write_tuned(folder: Path | str, path: Path | str | None = None) -> dict[str, dict[str, Any]]:
    """Make the best settings of all studies the committed ones.

    Parameters
    ----------
    folder : path
        Of the studies.
    path : path, optional
        The file to write; by default the one that :mod:`musig.methods` reads.

    Returns
    -------
    dict
        Method to settings. One without a study keeps those it has.

    Raises
    ------
    MusigError
        If a study cannot be read, or holds no trial that succeeded.

    Notes
    -----
    Notebook: 07_methods
    """
    chosen: dict[str, dict[str, Any]] = {}
    for name in METHODS:
        file = Path(folder) / f"{name}.json"
        chosen[name] = methods.tuned(name)
        if file.exists():
            best = read_study(file)["best"]
            if best is None:
                raise MusigError(f"No trial of {file} succeeded: there is nothing to commit.")
            chosen[name] = best["settings"]
    with aside(Path(path or methods.TUNED)) as passing:
        passing.write_text(json.dumps(chosen, indent=1) + "\n", "utf-8")
    return chosen


def _same(found: dict[str, Any], wanted: dict[str, Any], path: Path) -> dict[str, Any]:
    """Refuse to go on with a study of something else."""
    for key in wanted:
        if key not in ("trials", "best", "data") and found.get(key) != wanted[key]:
            raise MusigError(
                f"{path} was begun with {key} {found.get(key)}, now asked for {wanted[key]}: "
                "choose another folder, or delete it to begin anew."
            )
    return found


def _remade(name: str, kept: dict[str, Any], path: Path) -> optuna.Study:
    """Make a study that has seen the recorded trials."""
    made = optuna.create_study(direction="maximize", sampler=_sampler(0, 0))
    for trial in kept["trials"]:
        value = trial["value"]
        state = TrialState.FAIL if value is None else TrialState.COMPLETE
        try:
            made.add_trial(
                create_trial(
                    params=trial["settings"],
                    distributions=SPACES[name],
                    value=value,
                    state=state,
                )
            )
        except ValueError as error:
            raise MusigError(
                f"{path} has a trial that is not in the space of '{name}' ({error}): delete it to "
                "begin anew."
            ) from error
    return made


def _sampler(seed: int, number: int) -> optuna.samplers.TPESampler:
    drawn = int(np.random.SeedSequence([seed, number]).generate_state(1)[0])
    return optuna.samplers.TPESampler(seed=drawn, n_startup_trials=STARTUP)


def _best(trials: list[dict[str, Any]]) -> dict[str, Any] | None:
    """Give the best trial; of equals the first."""
    done = [trial for trial in trials if trial["value"] is not None]
    return max(done, key=lambda trial: trial["value"]) if done else None
