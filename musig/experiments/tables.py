"""Tidy tables of cells: means with intervals, who beats whom, and what else is known of a row.

Conventions
-----------
A *row* is all cells of one name. Its score of a playlist is the mean over its trainings; each
playlist is a test playlist in one fold, so that folds add playlists and trainings do not. Intervals
and tests are over playlists; the *spread* over trainings stands beside them: the standard deviation
of the means of single trainings (over folds, if there are several).

A row whose cells are not all there is shown with what there is and tested against nobody. A row
that the data cannot give is shown without numbers.

Contents
--------
- :class:`Row`, :func:`rows`: cells put together.
- :func:`table`: the wide tables; :func:`means` with intervals; :func:`tests`: paired tests;
  :func:`interaction`: a difference of differences; :func:`gain`: a ratio.
- :func:`curves`, :func:`by_length`, :func:`by_fraction`, :func:`by_popularity`: one figure each.
- :func:`held_out`: the measures of the tasks, :func:`held_out_tests`: who differs in them;
  :func:`by_unit`: what both rest on.
- :func:`costs`: time, size; :func:`trials`, :func:`by_hand`: how much was tried.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from musig.errors import MusigError, nearest
from musig.experiments.cells import AGAIN, BLENDS, METRICS, CellResult
from musig.experiments.comparison import TESTED, compare_methods
from musig.experiments.plans import command
from musig.experiments.store import NOT_RUN, RECORDED
from musig.statistics import bootstrap_interval, holm, paired_test

SHOWN = ("hit_rate@10", "recall@10", "recall@100", "ndcg@100", "r_precision")
"""Metrics of the wide tables."""

STUDIES = RECORDED.parent / "studies"
LENGTHS = (2, 5, 10, 20, 50, 100)
"""Where the classes of playlist length begin, in known tracks."""


@dataclass(frozen=True, eq=False)
class Row:
    """All cells of one name, put together.

    Notes
    -----
    Made by :func:`rows`.

    Notebook: 07_methods
    """

    experiment: str
    row: str
    method: str
    per_playlist: pd.DataFrame
    """float64, one row a playlist, averaged over trainings; empty where there is none."""
    trainings: pd.DataFrame
    """One row a training seed, one column a metric: means over the playlists of all folds."""
    folds: tuple[int, ...]
    """Those there are."""
    seeds: tuple[int, ...]
    """Those there are."""
    results: tuple[CellResult, ...]
    """The cells."""
    absent: str = ""
    """Why the data cannot give this row."""
    remark: str = ""
    """What a reader must know: cells that are missing, or were recorded otherwise."""
    whole: bool = False
    """Whether all cells are there."""

    def values(self, metric: str) -> pd.Series:
        """Scores of one metric, by playlist; an unknown name is a MusigError."""
        if metric not in self.per_playlist:
            raise MusigError(
                f"Unknown metric '{metric}'; {nearest(metric, self.per_playlist.columns)}"
            )
        return self.per_playlist[metric]


def rows(results: Iterable[CellResult]) -> dict[str, Row]:
    """Put cells together by the name of their row.

    Parameters
    ----------
    results : iterable of CellResult
        From :func:`musig.experiments.run` or :func:`musig.experiments.read`, those that are not
        there included.

    Returns
    -------
    dict of str to Row
        In the order in which they come first.

    Raises
    ------
    MusigError
        If two experiments have a row of the same name.

    Notes
    -----
    Notebook: 07_methods
    """
    together: dict[str, list[CellResult]] = {}
    for result in results:
        together.setdefault(result.cell.row, []).append(result)
    made = {}
    for name, parts in together.items():
        experiments = {part.cell.experiment for part in parts}
        if len(experiments) > 1:
            raise MusigError(
                f"The row '{name}' is one of {' and of '.join(sorted(experiments))}; expected the"
                " cells of one experiment."
            )
        made[name] = _row(name, parts)
    return made


def _row(name: str, parts: Sequence[CellResult]) -> Row:
    there = [part for part in parts if part.per_playlist is not None]
    missing = [part for part in parts if part.remark == NOT_RUN]
    folds, seeds = ({getattr(part.cell, kind) for part in there} for kind in ("fold", "seed"))
    by_seed = {seed: [part for part in there if part.cell.seed == seed] for seed in sorted(seeds)}
    frames = {
        seed: pd.concat([part.per_playlist for part in of_seed], join="inner").astype(np.float64)
        for seed, of_seed in by_seed.items()
    }
    per_playlist, trainings = pd.DataFrame(), pd.DataFrame()
    if frames:
        stacked = pd.concat(list(frames.values()), join="inner")
        per_playlist = stacked.groupby(level=0).mean().sort_index()
        trainings = pd.DataFrame({seed: frame.mean() for seed, frame in frames.items()}).T
        trainings.index.name = "seed"
    remarks = []
    if missing:
        remarks.append(
            NOT_RUN if len(missing) == len(parts) else f"{len(there)} of {len(parts)} cells"
        )
    remarks += sorted({part.remark for part in parts if part.remark and part not in missing})
    absent = "; ".join(sorted({part.absent for part in parts if part.absent}))
    if absent:
        remarks.append(f"not in this data: {absent}")
    return Row(
        experiment=parts[0].cell.experiment,
        row=name,
        method=parts[0].cell.method,
        per_playlist=per_playlist,
        trainings=trainings,
        folds=tuple(sorted(folds)),
        seeds=tuple(sorted(seeds)),
        results=tuple(there),
        absent=absent,
        remark="; ".join(remarks),
        whole=bool(there) and not missing,
    )


def comparable(made: Mapping[str, Row]) -> dict[str, Row]:
    """Keep the rows that can be tested against each other: whole, and on the same playlists.

    Parameters
    ----------
    made : mapping of str to Row

    Returns
    -------
    dict of str to Row
        Those with the playlists that most whole rows have.

    Notes
    -----
    Notebook: 07_methods
    """
    whole = {name: row for name, row in made.items() if row.whole}
    if not whole:
        return {}
    indexes = [tuple(row.per_playlist.index) for row in whole.values()]
    common = max(indexes, key=lambda index: (indexes.count(index), len(index)))
    return {name: row for name, row in whole.items() if tuple(row.per_playlist.index) == common}


def tests(
    results: Iterable[CellResult],
    metrics: Sequence[str] | None = None,
    reference: str | None = None,
    level: float = 0.95,
    family: Callable[[str], str] | None = None,
) -> pd.DataFrame:
    """Test which rows differ, on the same playlists.

    Parameters
    ----------
    results : iterable of CellResult
    metrics : sequence of str, optional
        By default those of :data:`musig.experiments.TESTED` that are there.
    reference : str, optional
        Compare every other row with this one; by default all pairs.
    level : float in (0, 1)
    family : callable, optional
        Gives the family of a row, such as :func:`before_plus`: only rows of one family are
        compared, and the correction is over its pairs. By default all rows are one.

    Returns
    -------
    DataFrame
        As :func:`musig.experiments.comparison.compare_methods` gives it; empty where no two rows
        can be compared.

    Raises
    ------
    MusigError
        For an unknown metric, or an unknown reference.

    Notes
    -----
    Notebook: 07_methods
    """
    return _tests(rows(results), metrics, reference, level, family)


def _tests(
    made: Mapping[str, Row],
    metrics: Sequence[str] | None,
    reference: str | None,
    level: float,
    family: Callable[[str], str] | None,
) -> pd.DataFrame:
    fit = comparable(made)
    if reference is not None and reference not in made:
        raise MusigError(f"Unknown row '{reference}'; {nearest(reference, made)}")
    families: dict[str, dict[str, Row]] = {}
    for name, row in fit.items():
        families.setdefault(family(name) if family else "", {})[name] = row
    parts = []
    for members in families.values():
        if len(members) < 2 or (reference is not None and reference not in members):
            continue
        there = next(iter(members.values())).per_playlist
        tested = [metric for metric in TESTED if metric in there] if metrics is None else metrics
        if tested:
            parts.append(compare_methods(members, tested, reference, level=level))
    columns = ["metric", "method", "against", "difference", "low", "high", "p", "p_holm"]
    return (
        pd.concat(parts, ignore_index=True)
        if parts
        else pd.DataFrame(columns=[*columns, "verdict", "n"])
    )


def before_plus(row: str) -> str:
    """Give the method of a row such as ``musig-multi+GENRE``: a family of attribute groups.

    Parameters
    ----------
    row : str

    Returns
    -------
    str

    Notes
    -----
    Notebook: 08_attribute_groups

    Examples
    --------
    >>> before_plus("musig-multi+GENRE+AUDIO"), after_plus("musig-multi+GENRE+AUDIO")
    ('musig-multi', 'GENRE+AUDIO')
    """
    return row.partition("+")[0]


def after_plus(row: str) -> str:
    """Give the attribute group of a row: a family of methods that know the same.

    Parameters
    ----------
    row : str

    Returns
    -------
    str

    Notes
    -----
    Notebook: 08_attribute_groups
    """
    return row.partition("+")[2]


def table(
    results: Iterable[CellResult],
    metrics: Sequence[str] | None = None,
    level: float = 0.95,
    studies: Path | None = None,
    family: Callable[[str], str] | None = None,
) -> pd.DataFrame:
    """Put rows side by side.

    Parameters
    ----------
    results : iterable of CellResult
        From :func:`musig.experiments.run` or :func:`musig.experiments.read`.
    metrics : sequence of str, optional
        By default those of :data:`SHOWN` that are there; ``coverage`` is one too.
    level : float in (0, 1)
        Of the intervals; 1 - level is the chance, for each metric, of any false "beats".
    studies : Path, optional
        Where the studies are that say how many trials a method had.
    family : callable, optional
        As in :func:`tests`.

    Returns
    -------
    DataFrame
        One row a row and metric: ``method`` (the row), ``metric, mean, low, high``, ``n``
        (playlists), ``folds``, ``seeds``, ``spread, least, most`` (over trainings; NaN for one),
        ``trials`` (of tuning, None where nothing was), ``by_hand`` (configurations looked at before
        that, :data:`musig.tuning.BY_HAND`), ``beats`` (rows, joined by commas), ``remark`` and
        ``command``.

    Raises
    ------
    MusigError
        For an unknown metric.

    Notes
    -----
    Who beats whom: paired tests, corrected by Holm's method over the pairs of a metric.

    Notebook: 07_methods
    """
    made = rows(results)
    there = next((row.per_playlist for row in made.values() if len(row.per_playlist)), None)
    if metrics is None:
        metrics = [metric for metric in SHOWN if there is None or metric in there]
    known = [*METRICS, "coverage"] if there is None else [*there.columns, "coverage"]
    for metric in metrics:
        if metric not in known:
            raise MusigError(f"Unknown metric '{metric}'; {nearest(metric, known)}")
    tested = [metric for metric in metrics if metric != "coverage"]
    found = _tests(made, tested, None, level, family)
    estimated = _numbers(made, metrics, level)
    lines: list[dict[str, Any]] = []
    for name, row in made.items():
        same = {
            "n": len(row.per_playlist),
            "folds": len(row.folds),
            "seeds": len(row.seeds),
            "trials": trials(row.method, studies),
            "by_hand": by_hand(row.method),
            "remark": row.remark,
            "command": command(f"{row.experiment}/{name}"),
        }
        numbers = estimated[name]
        beaten = {metric: _beaten(found, name, metric) for metric in metrics}
        for metric in metrics:
            lines.append(
                {"method": name, "metric": metric}
                | numbers[metric]
                | {"beats": ", ".join(each for each in made if each in beaten[metric])}
                | same
            )
    columns = ["method", "metric", "mean", "low", "high", "n", "folds", "seeds", "spread", "least"]
    columns += ["most", "trials", "by_hand", "beats", "remark", "command"]
    return pd.DataFrame(lines, columns=columns)


def _numbers(
    made: Mapping[str, Row], metrics: Sequence[str], level: float
) -> dict[str, dict[str, dict[str, float]]]:
    """Give mean, interval and spread of each metric of each row."""
    names = ("mean", "low", "high", "spread", "least", "most")
    numbers = {
        name: {metric: dict.fromkeys(names, float("nan")) for metric in metrics} for name in made
    }
    over_playlists = [metric for metric in metrics if metric != "coverage"]
    there = {name: row for name, row in made.items() if row.results}
    places = [(name, metric) for name in there for metric in over_playlists]
    values = [there[name].values(metric).to_numpy() for name, metric in places]
    for (name, metric), told in zip(places, means(values, level), strict=True):
        numbers[name][metric] |= told
        single = there[name].trainings[metric]
        if len(single) > 1:
            spread = (single.std(ddof=1), single.min(), single.max())
            numbers[name][metric] |= dict(zip(names[3:], map(float, spread), strict=True))
    if "coverage" in metrics:  # one number a cell, and no mean over playlists
        for name, row in there.items():
            each = [part.measures["coverage"] for part in row.results]
            numbers[name]["coverage"]["mean"] = float(np.mean(each))
    return numbers


def means(values: Sequence[np.ndarray], level: float = 0.95) -> list[dict[str, float]]:
    """Give means with their bootstrap intervals, at the cost of few.

    Parameters
    ----------
    values : sequence of ndarray, each of shape (n,)
        Scores of playlists, or of artists.
    level : float in (0, 1)

    Returns
    -------
    list of dict
        ``mean, low, high``, in the order of `values`. All of one length have the same draws.

    Notes
    -----
    Notebook: 07_methods

    Examples
    --------
    >>> [told["mean"] for told in means([np.array([0.0, 1.0]), np.array([2.0])])]
    [0.5, 2.0]
    """
    made: list[dict[str, float]] = [{} for _ in values]
    for n in {len(each) for each in values}:
        places = [place for place, each in enumerate(values) if len(each) == n]
        table = np.stack([values[place] for place in places], axis=1)
        ends = bootstrap_interval(table, np.random.default_rng(0), level)
        for column, place in enumerate(places):
            told = (table[:, column].mean(), ends[0][column], ends[1][column])
            made[place] = dict(zip(("mean", "low", "high"), map(float, told), strict=True))
    return made


def _beaten(found: pd.DataFrame, name: str, metric: str) -> set[str]:
    """Find the rows that one beats, whichever side of the test it stood on."""
    of_metric = found[found["metric"] == metric]
    ahead = of_metric[(of_metric["method"] == name) & (of_metric["verdict"] == "better")]
    behind = of_metric[(of_metric["against"] == name) & (of_metric["verdict"] == "worse")]
    return {*ahead["against"], *behind["method"]}


def trials(method: str, studies: Path | None = None) -> int | None:
    """Count the trials behind the settings of a method.

    Parameters
    ----------
    method : str
        A blend has those of its parts and its own.
    studies : Path, optional
        Folder of ``NAME.json``; by default ``results/studies``.

    Returns
    -------
    int or None
        None where there is no study: the settings are the defaults.

    Notes
    -----
    Notebook: 07_methods

    Examples
    --------
    >>> trials("popularity") is None
    True
    """
    studies = STUDIES if studies is None else studies
    counts = []
    for name in (method, *BLENDS.get(method, ())):
        path = studies / f"{name}.json"
        try:
            counts.append(len(json.loads(path.read_text("utf-8"))["trials"]))
        except (OSError, ValueError, KeyError, TypeError):
            continue
    return sum(counts) if counts else None


def by_hand(method: str) -> int | None:
    """Count the configurations that were looked at before a method's study.

    Parameters
    ----------
    method : str
        A blend has those of its parts.

    Returns
    -------
    int or None
        As :data:`musig.tuning.BY_HAND`; None where nothing was to be chosen.

    Notes
    -----
    Notebook: 07_methods

    Examples
    --------
    >>> by_hand("popularity") is None, by_hand("blend-cf") == by_hand("ease") + by_hand("itemknn")
    (True, True)
    """
    from musig.tuning import BY_HAND  # only here: it brings optuna

    counts = [BY_HAND[name] for name in (method, *BLENDS.get(method, ())) if name in BY_HAND]
    return sum(counts) if counts else None


def interaction(
    results: Iterable[CellResult],
    first: tuple[str, str],
    second: tuple[str, str],
    metrics: Sequence[str] = ("hit_rate@10", "recall@10"),
    level: float = 0.95,
) -> pd.DataFrame:
    r"""Test whether something helps more here than there: a difference of differences.

    Parameters
    ----------
    results : iterable of CellResult
    first : (str, str)
        Two rows, with and without.
    second : (str, str)
        Two other rows, with and without.
    metrics : sequence of str
    level : float in (0, 1)
        Of the interval.

    Returns
    -------
    DataFrame
        One row a metric: ``metric, first, second`` (the two gains), ``difference, low, high, p,
        p_holm`` (over the metrics) and ``n``; empty where a row is not whole.

    Raises
    ------
    MusigError
        For an unknown row or metric.

    Notes
    -----
    For each playlist :math:`(a_\mathrm{with} - a_\mathrm{without}) - (b_\mathrm{with} -
    b_\mathrm{without})`, then as :func:`musig.statistics.paired_test`. That the gain is significant
    in one setting and not in the other would not show that the gains differ (Gelman and Stern,
    2006).

    Notebook: 08_attribute_groups
    """
    made = rows(results)
    for name in (*first, *second):
        if name not in made:
            raise MusigError(f"There is no row '{name}'; {nearest(name, made)}")
    fit = comparable({name: made[name] for name in (*first, *second)})
    columns = ["metric", "first", "second", "difference", "low", "high", "p", "p_holm", "n"]
    if len(fit) < len({*first, *second}):
        return pd.DataFrame(columns=columns)
    lines = []
    for metric in metrics:
        gains = [
            fit[given].values(metric).to_numpy() - fit[lacking].values(metric).to_numpy()
            for given, lacking in (first, second)
        ]
        test = paired_test(gains[0], gains[1], np.random.default_rng(0), level)
        means = {"first": gains[0].mean(), "second": gains[1].mean(), "n": len(gains[0])}
        lines.append({"metric": metric, **means, **vars(test)})
    made_table = pd.DataFrame(lines)
    made_table["p_holm"] = holm(made_table["p"].to_numpy())
    return made_table[columns]


def gain(a: np.ndarray, b: np.ndarray, level: float = 0.95) -> tuple[float, float, float]:
    """Say by what share the mean of one row is above that of another, with an interval.

    Parameters
    ----------
    a, b : ndarray of float, shape (n,)
        The same playlists in the same order.
    level : float in (0, 1)

    Returns
    -------
    gain, low, high : float
        mean(a) / mean(b) - 1 and its percentile bootstrap interval over playlists.

    Raises
    ------
    MusigError
        If the mean of `b` is 0.

    Notes
    -----
    Notebook: 11_claims

    Examples
    --------
    >>> gain(np.array([1.0, 1.0, 1.0]), np.array([0.5, 0.5, 0.5]))
    (1.0, 1.0, 1.0)
    """
    if not b.mean() > 0:
        raise MusigError("A gain over a mean of 0 has no size; expected a method that finds any.")
    generator, n, ratios = np.random.default_rng(0), len(a), []
    for _ in range(2_000):
        drawn = generator.integers(0, n, n)
        below = b[drawn].mean()
        ratios.append(a[drawn].mean() / below - 1 if below > 0 else np.inf)
    tail = (1 - level) / 2
    low, high = np.quantile(ratios, [tail, 1 - tail])
    return float(a.mean() / b.mean() - 1), float(low), float(high)


def curves(results: Iterable[CellResult]) -> pd.DataFrame:
    """Give both readings of the hit-rate for every length of the list.

    Parameters
    ----------
    results : iterable of CellResult

    Returns
    -------
    DataFrame
        Columns ``method, k, hit_rate, recall``: means over all playlists of a row's cells.

    Notes
    -----
    The paper's k is unknown, and any-hit saturates on long playlists.

    Notebook: 07_methods
    """
    parts = []
    for name, row in rows(results).items():
        weights = np.array([part.measures["n"] for part in row.results], dtype=np.float64)
        tables = [part.curves for part in row.results if part.curves is not None]
        if tables:
            shared = tables[0].index
            for each in tables[1:]:
                shared = shared.intersection(each.index)
            stacked = np.stack([each.loc[shared].to_numpy() for each in tables])
            mean = np.einsum("c,ckm->km", weights / weights.sum(), stacked)
            frame = pd.DataFrame(mean, columns=tables[0].columns, index=shared).reset_index()
            frame.insert(0, "method", name)
            parts.append(frame)
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=_CURVE)


_CURVE = ["method", "k", "hit_rate", "recall"]


def by_length(
    results: Iterable[CellResult],
    metrics: Sequence[str] = ("hit_rate@10", "recall@10", "r_precision"),
    begins: Sequence[int] = LENGTHS,
    level: float = 0.95,
) -> pd.DataFrame:
    """Average over playlists of like length.

    Parameters
    ----------
    results : iterable of CellResult
    metrics : sequence of str
    begins : sequence of int
        Where each class begins, in tracks of the universe, ascending.
    level : float in (0, 1)

    Returns
    -------
    DataFrame
        Columns ``method, metric, length, mean, low, high, n``; ``length`` is such as "10 to 19".

    Notes
    -----
    Notebook: 10_sensitivity
    """
    ends = [*(begin - 1 for begin in begins[1:]), None]
    lines = []
    for name, row in rows(results).items():
        if not row.results:
            continue
        length = row.per_playlist["seeds"] + row.per_playlist["targets"]
        for begin, end in zip(begins, ends, strict=True):
            within = (length >= begin) & (length <= (np.inf if end is None else end))
            label = f"{begin} or more" if end is None else f"{begin} to {end}"
            for metric in metrics:
                values = row.values(metric)[within].to_numpy()
                if len(values):
                    lines.append(
                        {"method": name, "metric": metric, "length": label} | _mean(values, level)
                    )
    return pd.DataFrame(lines, columns=["method", "metric", "length", "mean", "low", "high", "n"])


def _mean(values: np.ndarray, level: float) -> dict[str, float]:
    low, high = bootstrap_interval(values, np.random.default_rng(0), level)
    numbers = {"mean": float(values.mean()), "low": float(low), "high": float(high)}
    return numbers | {"n": len(values)}


def by_fraction(
    results: Iterable[CellResult],
    metrics: Sequence[str] = AGAIN,
    level: float = 0.95,
) -> pd.DataFrame:
    """Average at every share of seeds that was evaluated.

    Parameters
    ----------
    results : iterable of CellResult
        Of cells with further ``fractions``, such as :func:`musig.experiments.reevaluated` plans.
    metrics : sequence of str
    level : float in (0, 1)

    Returns
    -------
    DataFrame
        Columns ``method, metric, fraction, mean, low, high, n``.

    Notes
    -----
    The same fitted methods and the same playlists; only what is given of them changes.

    Notebook: 10_sensitivity
    """
    lines = []
    for name, row in rows(results).items():
        if not row.results:
            continue
        rules = row.results[0].cell.evaluation
        for fraction in sorted({rules.fraction, *rules.fractions}):
            for metric in metrics:
                column = metric if fraction == rules.fraction else f"{metric}|{fraction:g}"
                if column in row.per_playlist:
                    lines.append(
                        {"method": name, "metric": metric, "fraction": fraction}
                        | _mean(row.values(column).to_numpy(), level)
                    )
    return pd.DataFrame(lines, columns=["method", "metric", "fraction", "mean", "low", "high", "n"])


def by_popularity(results: Iterable[CellResult], level: float = 0.95) -> pd.DataFrame:
    """Say which share of targets is found, by how popular they are.

    Parameters
    ----------
    results : iterable of CellResult
        Of cells evaluated with ``deciles``.
    level : float in (0, 1)

    Returns
    -------
    DataFrame
        Columns ``method, decile`` (1: the tenth of the tracks in the fewest training playlists),
        ``least, most`` (training playlists a track is in), ``found`` (share of the targets in the
        first hundred), ``low, high`` and ``n`` (targets). The interval is over playlists.

    Notes
    -----
    A share of all targets of a decile, not a mean over playlists, many of which have none there.

    Notebook: 10_sensitivity
    """
    lines = []
    for name, row in rows(results).items():
        if "found|1" not in row.per_playlist:
            continue
        ranges = row.results[0].measures["popularity"]
        for decile, (least, most) in enumerate(ranges, start=1):
            both = row.per_playlist[[f"found|{decile}", f"among|{decile}"]].to_numpy()
            total = both.sum(axis=0)
            if total[1] == 0:
                continue
            low, high = _ratio_interval(both, level)
            lines.append(
                {
                    "method": name,
                    "decile": decile,
                    "least": least,
                    "most": most,
                    "found": total[0] / total[1],
                    "low": low,
                    "high": high,
                    "n": int(total[1]),
                }
            )
    columns = ["method", "decile", "least", "most", "found", "low", "high", "n"]
    return pd.DataFrame(lines, columns=columns)


def _ratio_interval(both: np.ndarray, level: float) -> tuple[float, float]:
    """Bootstrap the ratio of two sums over playlists."""
    sums = _resampled(len(both)) @ both
    ratios = sums[:, 0] / np.maximum(sums[:, 1], 1)
    tail = (1 - level) / 2
    low, high = np.quantile(ratios, [tail, 1 - tail])
    return float(low), float(high)


@lru_cache(maxsize=2)  # the same for all rows and classes of a figure
def _resampled(n: int, times: int = 1_000) -> np.ndarray:
    """Count how often each playlist is in each resample: (times, n)."""
    generator = np.random.default_rng(0)
    counts = [np.bincount(generator.integers(0, n, n), minlength=n) for _ in range(times)]
    return np.stack(counts).astype(np.float64)


def held_out(results: Iterable[CellResult], level: float = 0.95) -> pd.DataFrame:
    """Give the measures of the tasks on what never supervised them.

    Parameters
    ----------
    results : iterable of CellResult
    level : float in (0, 1)
        Of the intervals.

    Returns
    -------
    DataFrame
        Columns ``method, measure, mean``; ``low, high, tracks, artists``: the interval of a probe
        and on how many tracks of how many artists it was measured (NaN for other measures);
        ``spread, least, most, seeds``: over trainings (the spread of one is NaN). A task that was
        not trained has no measure of its own; probes measure it all the same.

    Notes
    -----
    The measures are those of :mod:`musig.tasks` and :mod:`musig.probes`; their baselines are among
    them. The intervals are over *tracks*, not playlists as everywhere else. Tracks by one artist
    are alike, so that whole artists are resampled: held-out ones, but for link AUC, which is
    measured on pairs of any artists' tracks from validation playlists.

    Notebook: 09_task_weights
    """
    lines, by_artist = [], []
    for name, row in rows(results).items():
        told = pd.DataFrame([dict(part.measures.get("held_out") or {}) for part in row.results])
        artists = by_unit(row)
        for measure in told.columns:
            values = told[measure].astype(np.float64).dropna()
            if not len(values):
                continue
            line = {"method": name, "measure": measure, "mean": float(values.mean())}
            if measure in artists:
                each = artists[measure].dropna().to_numpy()
                tracks = row.results[0].measures["probed"]["tracks"][measure]
                line |= {"tracks": tracks, "artists": len(each)}
                by_artist.append((line, each))
            line |= {
                "spread": float(values.std(ddof=1)) if len(values) > 1 else float("nan"),
                "least": float(values.min()),
                "most": float(values.max()),
                "seeds": len(values),
            }
            lines.append(line)
    estimated = means([each for _, each in by_artist], level)
    for (line, _), numbers in zip(by_artist, estimated, strict=True):
        line |= {end: numbers[end] for end in ("low", "high")}
    columns = ["method", "measure", "mean", "low", "high", "tracks", "artists"]
    return pd.DataFrame(lines, columns=[*columns, "spread", "least", "most", "seeds"])


def held_out_tests(
    results: Iterable[CellResult],
    measures: Sequence[str] | None = None,
    reference: str | None = None,
    level: float = 0.95,
) -> pd.DataFrame:
    """Test which rows differ in what probes find, on the same held-out artists.

    Parameters
    ----------
    results : iterable of CellResult
        Of cells with ``probes``, such as :func:`musig.experiments.task_weights` plans.
    measures : sequence of str, optional
        By default all that the rows share.
    reference : str, optional
        Compare every other row with this one; by default all pairs.
    level : float in (0, 1)

    Returns
    -------
    DataFrame
        As :func:`tests`, with the measure as ``metric`` and ``n`` artists; empty where no two rows
        can be compared.

    Raises
    ------
    MusigError
        For an unknown measure or reference.

    Notes
    -----
    The tracks are what is measured here, not playlists; signs are flipped by artist, since tracks
    by one artist are alike. What an artist adds to a measure is taken to first order
    (:mod:`musig.probes`).

    Notebook: 09_task_weights
    """
    made = rows(results)
    if reference is not None and reference not in made:
        raise MusigError(f"Unknown row '{reference}'; {nearest(reference, made)}")
    there = {name: replace(row, per_playlist=by_unit(row)) for name, row in made.items()}
    fit = comparable({name: row for name, row in there.items() if len(row.per_playlist)})
    nothing = _tests({}, None, None, level, None)
    if len(fit) < 2 or (reference is not None and reference not in fit):
        return nothing
    first = next(iter(fit.values())).per_playlist
    shared = [str(each) for each in first if all(each in row.per_playlist for row in fit.values())]
    for measure in measures or ():
        if measure not in shared:
            raise MusigError(f"Unknown measure '{measure}'; {nearest(measure, shared)}")
    parts = []
    for measure in shared if measures is None else measures:
        # the artists of one measure: not every artist has tracks with sound and with genre
        known = {
            name: replace(row, per_playlist=row.per_playlist[[measure]].dropna())
            for name, row in fit.items()
        }
        parts.append(compare_methods(known, [measure], reference, level=level))
    return pd.concat(parts, ignore_index=True) if parts else nothing


def by_unit(row: Row) -> pd.DataFrame:
    """Give what probes found by artist, or by whatever a measure is of, averaged over trainings.

    Parameters
    ----------
    row : Row

    Returns
    -------
    DataFrame
        A column a measure. Artists are numbered within a measure, so that a line of the table is no
        artist where measures have artists of their own. Universes of other folds have other
        artists: then there is nothing.

    Notes
    -----
    Notebook: 09_task_weights
    """
    found = [part.measures["probed"]["by_artist"] for part in row.results if _is_probed(part)]
    if len(row.folds) != 1 or len(found) < len(row.results):
        return pd.DataFrame()
    means = {
        measure: pd.Series(np.mean([part[measure] for part in found], axis=0))
        for measure in found[0]
    }
    return pd.DataFrame(means)


def _is_probed(result: CellResult) -> bool:
    return "probed" in result.measures


def costs(results: Iterable[CellResult], studies: Path | None = None) -> pd.DataFrame:
    """Say what each row costs, and what its method cannot do.

    Parameters
    ----------
    results : iterable of CellResult
    studies : Path, optional
        As in :func:`table`.

    Returns
    -------
    DataFrame
        Columns ``method``, ``fit_seconds`` (mean, one thread), ``size`` (numbers kept),
        ``coverage``, ``trials`` and ``by_hand`` (as in :func:`table`), ``device``, ``cannot`` and
        ``remark``.

    Notes
    -----
    Notebook: 07_methods
    """

    def mean(row: Row, name: str) -> float:
        values = [part.measures.get(name) for part in row.results]
        known = [float(value) for value in values if value is not None]
        return float(np.mean(known)) if known else float("nan")

    lines = [
        {
            "method": name,
            **{kind: mean(row, kind) for kind in ("fit_seconds", "size", "coverage")},
            "trials": trials(row.method, studies),
            "by_hand": by_hand(row.method),
            "device": ", ".join(sorted({str(part.run.get("device", "")) for part in row.results})),
            "cannot": next((part.measures.get("cannot", "") for part in row.results), ""),
            "remark": row.remark,
        }
        for name, row in rows(results).items()
    ]
    return pd.DataFrame(lines)


def of_fold(results: Iterable[CellResult], fold: int = 0) -> list[CellResult]:
    """Keep the cells of one fold.

    Parameters
    ----------
    results : iterable of CellResult
    fold : int

    Returns
    -------
    list of CellResult
        For a table that checks another: settings were chosen on validation playlists of the first
        fold, which are test playlists of others.

    Notes
    -----
    Notebook: 07_methods
    """
    return [result for result in results if result.cell.fold == fold]
