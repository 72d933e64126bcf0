"""Tables of the book: methods side by side, with how sure one may be.

Following ranx (Bassani, ECIR 2022), scores of every playlist are kept and means come last, so that
a table says not only which row is higher but which row *beats* which: on the same playlists,
tested, and corrected for the number of tests.

Conventions
-----------
Tables are tidy data frames: one row a method and metric. Intervals are 95 % bootstrap intervals
over playlists unless a level is given. Metric names are those of :func:`musig.completion.evaluate`.

Contents
--------
evaluate_methods: every method under one protocol. completion_table: means and intervals.
compare_methods: paired tests.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from math import ceil
from typing import Protocol

import numpy as np
import pandas as pd
import torch

from musig.catalog import Catalog
from musig.completion import Result, evaluate, holdout
from musig.errors import MusigError, nearest
from musig.scorers import Scorer
from musig.splits import Split
from musig.statistics import PERMUTATIONS, holm, paired_tests

TESTED = ("hit_rate@10", "recall@100", "r_precision", "r_precision_artist", "ndcg@100", "mrr")
"""Metrics that are compared by default: few, since every test more makes each one weaker."""

LOWER_IS_BETTER = ("clicks", "similarity_probe_error", "acoustic_similarity_probe_error")
NEITHER_IS_BETTER = ("popularity",)  # a description, not a merit


class Measured(Protocol):
    """What can be compared: something measured playlist by playlist.

    Notes
    -----
    A :class:`musig.completion.Result`, or a row of several runs
    (:class:`musig.experiments.tables.Row`).

    Notebook: 07_methods
    """

    @property
    def per_playlist(self) -> pd.DataFrame:
        """One row a playlist, one column a metric."""
        ...

    def values(self, metric: str) -> pd.Series:
        """Scores of one metric, by playlist; an unknown name is a MusigError."""
        ...


def evaluate_methods(
    catalog: Catalog,
    split: Split,
    universe: np.ndarray,
    scorers: Iterable[Scorer],
    seed: int = 0,
    ks: Sequence[int] | None = None,
    *,
    part: str = "test",
    block: int = 256,
    device: str | torch.device = "cpu",
) -> dict[str, Result]:
    """Fit methods on the training playlists and evaluate them on others.

    Parameters
    ----------
    catalog : Catalog
        The whole catalogue.
    split : Split
        Which playlists are for training, validation and test.
    universe : ndarray of int64, shape (n_tracks,)
        Positions of the tracks that may be recommended, sorted (:func:`musig.catalog.universe`).
    scorers : iterable of Scorer
        The methods, with different names. Each is fitted here.
    seed : int
        Draws seeds and targets, the same for all.
    ks : sequence of int, optional
        Cut-offs; see :func:`musig.completion.evaluate`.
    part : {"test", "valid"}
        Where the methods are evaluated. Tune on "valid"; look at "test" once.
    block : int
        Playlists at a time.
    device : str or torch.device
        Where the ranking is made.

    Returns
    -------
    dict of str to Result
        By the name of the method, in the order given.

    Raises
    ------
    MusigError
        If two methods have the same name, the part is unknown, or no playlist can be split.

    Notes
    -----
    Notebook: 06_playlist_completion

    Examples
    --------
    >>> from musig.baselines.itemknn import ItemKNN
    >>> from musig.baselines.popularity import Popularity
    >>> from musig.catalog import universe
    >>> from musig.sources.synthetic import make
    >>> from musig.splits import split_playlists
    >>> catalog = make("smoke", seed=0)
    >>> split = split_playlists(catalog, seed=0)
    >>> tracks = universe(catalog, split.train, min_playlists=3)
    >>> results = evaluate_methods(catalog, split, tracks, [Popularity(), ItemKNN()], ks=[10])
    >>> tests = compare_methods(results, ["recall@10"])
    >>> table = completion_table(results, ["recall@10"], tests)
    >>> table.set_index("method")["beats"].to_dict()
    {'popularity': '', 'itemknn': 'popularity'}
    """
    parts = {"test": split.test, "valid": split.valid}
    if part not in parts:
        raise MusigError(f"Unknown part '{part}' of the split; {nearest(part, parts)}")
    held = holdout(catalog, universe, parts[part], seed)
    restricted = catalog.restrict(universe)
    results: dict[str, Result] = {}
    for scorer in scorers:
        if scorer.name in results:
            raise MusigError(
                f"Two methods are called '{scorer.name}'; expected different names, since they head"
                " the rows of the table."
            )
        fitted = scorer.fit(restricted, split)
        results[scorer.name] = evaluate(
            fitted, held, restricted, ks, split=split, block=block, device=device
        )
    return results


def completion_table(
    results: Mapping[str, Result],
    metrics: Sequence[str] | None = None,
    tests: pd.DataFrame | None = None,
    level: float = 0.95,
) -> pd.DataFrame:
    """Put the methods side by side.

    Parameters
    ----------
    results : mapping of str to Result
        From :func:`evaluate_methods`.
    metrics : sequence of str, optional
        Which rows; by default all, ``coverage`` among them.
    tests : DataFrame, optional
        From :func:`compare_methods`; adds the column ``beats``.
    level : float in (0, 1)
        Of the intervals.

    Returns
    -------
    DataFrame
        Columns ``method, metric, mean, low, high, n, seed`` and, with tests, ``beats``: the names
        of the methods that this one beats in this metric, joined by commas.

    Raises
    ------
    MusigError
        If there is no result, or a metric is unknown.

    Notes
    -----
    Notebook: 06_playlist_completion
    """
    if not results:
        raise MusigError("There is no result to put in a table; expected at least one method.")
    parts = []
    for method, result in results.items():
        rows = result.summary(level)
        if metrics is not None:
            known = list(rows["metric"])
            for metric in metrics:
                if metric not in known:
                    raise MusigError(f"Unknown metric '{metric}'; {nearest(metric, known)}")
            rows = rows.set_index("metric").loc[list(metrics)].reset_index()
        rows.insert(0, "method", method)
        parts.append(rows.assign(seed=result.seed))
    table = pd.concat(parts, ignore_index=True)
    if tests is not None:
        table["beats"] = [
            ", ".join(_beaten(tests, method, metric))
            for method, metric in zip(table["method"], table["metric"], strict=True)
        ]
    return table


def _beaten(tests: pd.DataFrame, method: str, metric: str) -> list[str]:
    """List whom a method beats, whichever side of the test it stood on."""
    of_metric = tests[tests["metric"] == metric]
    ahead = of_metric[(of_metric["method"] == method) & (of_metric["verdict"] == "better")]
    behind = of_metric[(of_metric["against"] == method) & (of_metric["verdict"] == "worse")]
    return [*ahead["against"], *behind["method"]]


def compare_methods(
    results: Mapping[str, Measured],
    metrics: Sequence[str] | None = None,
    reference: str | None = None,
    seed: int = 0,
    level: float = 0.95,
) -> pd.DataFrame:
    """Test on the same playlists which methods differ.

    Parameters
    ----------
    results : mapping of str to Result
        Two or more, from :func:`evaluate_methods`, or rows of :mod:`musig.experiments.tables`.
    metrics : sequence of str, optional
        By default those of ``TESTED`` that were measured.
    reference : str, optional
        Compare every other method with this one; by default all pairs.
    seed : int
        Of the permutations.
    level : float in (0, 1)
        1 - level is the chance, for each metric, of any false verdict.

    Returns
    -------
    DataFrame
        One row a metric and pair: ``metric, method, against``, ``difference`` (method minus
        against), ``low, high`` (its interval, not corrected), ``p``, ``p_holm`` (Holm, over the
        pairs of a metric), ``n`` and ``verdict``: "better", "worse" or "" where nothing is sure.

    Raises
    ------
    MusigError
        If fewer than two methods are given, a name is unknown, or the playlists differ.

    Notes
    -----
    See :func:`musig.statistics.paired_tests`. ``popularity`` describes and never yields a verdict.

    Notebook: 06_playlist_completion
    """
    methods = list(results)
    if len(methods) < 2:
        raise MusigError(f"A comparison needs two methods or more; found {len(methods)}.")
    if reference is not None and reference not in results:
        raise MusigError(f"Unknown method '{reference}'; {nearest(reference, methods)}")
    first = results[methods[0]].per_playlist
    for method in methods[1:]:
        if not results[method].per_playlist.index.equals(first.index):
            raise MusigError(
                f"Methods '{methods[0]}' and '{method}' were evaluated on different playlists; a"
                " paired test needs the same split, universe and seed."
            )
    if metrics is None:
        metrics = [metric for metric in TESTED if metric in first]
    pairs = (
        list(combinations(methods, 2))
        if reference is None
        else [(method, reference) for method in methods if method != reference]
    )
    columns = [(methods.index(a), methods.index(b)) for a, b in pairs]
    # the smallest p must be able to pass the strictest step of Holm's method
    permutations = max(PERMUTATIONS, ceil(4 * len(pairs) / (1 - level)))
    parts = []
    for metric in metrics:
        values = np.stack([results[method].values(metric).to_numpy() for method in methods], axis=1)
        tests = paired_tests(values, columns, np.random.default_rng(seed), level, permutations)
        rows = pd.DataFrame(pairs, columns=["method", "against"]).join(pd.DataFrame(tests))
        rows["p_holm"] = holm(rows["p"].to_numpy())
        better = -rows["difference"] if metric in LOWER_IS_BETTER else rows["difference"]
        sure = (rows["p_holm"] <= 1 - level) & (metric not in NEITHER_IS_BETTER)
        rows["verdict"] = np.select(
            [sure & (better > 0), sure & (better < 0)], ["better", "worse"], ""
        )
        rows.insert(0, "metric", metric)
        parts.append(rows.assign(n=len(first)))
    return pd.concat(parts, ignore_index=True)
