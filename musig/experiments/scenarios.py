"""Cells of new tracks, one scenario at a time: what is told of a track, and among what it ranks.

Conventions
-----------
A cell of the protocol :mod:`musig.newtracks` holds, beside the measures of one scenario, how many
targets were found in every other. :func:`at` makes of such cells what
:mod:`musig.experiments.tables` takes, as if that scenario were all that was measured.

Contents
--------
- :data:`HEADS`: what scenarios are called.
- :func:`at`: cells in one scenario; :func:`table`, :func:`tests`: several side by side.
- :func:`series`: quality against what is told; :func:`first_ten`: what a list of all tracks holds;
  :func:`abilities`: who can place a new track.
- :func:`inductive`: the test of the claim.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from musig.errors import MusigError, nearest
from musig.experiments import tables
from musig.experiments.cells import CellResult
from musig.experiments.findings import Rules, Running, above
from musig.experiments.tables import Row, rows
from musig.newtracks import AMONG, SCENARIOS

OWN = ("encoder", "attributes", "chance")
"""How a method places a new track, where it needs no fallback."""

HEADS = {
    "none": "nothing",
    "0": "ten like it",
    "1": "1",
    "3": "3",
    "10": "10",
    "30": "30",
    "100": "100",
    "300": "300",
    "all": "all",
}
"""Scenario to what is told of a new track: nothing, which known tracks are like it by content, so
many co-occurrences."""


def at(
    results: Iterable[CellResult], scenario: str = "all", among: str = "new"
) -> list[CellResult]:
    """Show cells in one scenario.

    Parameters
    ----------
    results : iterable of CellResult
        Of the protocol ``new_tracks``.
    scenario : str
        One of :data:`musig.newtracks.SCENARIOS`.
    among : {"new", "whole"}
        What the tracks are ranked among.

    Returns
    -------
    list of CellResult
        With ``hit_rate@k`` and ``recall@k`` of the scenario, ``seeds`` and ``targets``, and, for
        some scenarios among new tracks, what is found by popularity. Cells without that scenario
        are left out; those without scores stay.

    Raises
    ------
    MusigError
        For an unknown scenario.

    Notes
    -----
    Notebook: 12_new_tracks
    """
    for told, value, valid in (("scenario", scenario, SCENARIOS), ("among", among, AMONG)):
        if value not in valid:
            raise MusigError(f"Parameter {told} is '{value}': {nearest(value, valid)}")
    shown = []
    for result in results:
        scores = result.per_playlist
        if scores is None:
            shown.append(result)
            continue
        columns: dict[str, pd.Series] = {}
        for name in map(str, scores):
            found, _, told = name.partition("|")
            if told == f"{among},{scenario}":
                k = found.partition("@")[2]
                columns[f"hit_rate@{k}"] = scores[name] > 0
                columns[f"recall@{k}"] = scores[name] / scores["targets"]
        if not columns:
            continue
        names = sorted(columns, key=lambda name: (int(name.partition("@")[2]), name))
        table = pd.DataFrame({name: columns[name] for name in names})
        table = table.join(scores[["seeds", "targets"]])
        if among == "new" and f"found|{scenario}|1" in scores:
            for decile in range(1, 11):
                table[f"found|{decile}"] = scores[f"found|{scenario}|{decile}"]
                table[f"among|{decile}"] = scores[f"among|{decile}"]
        shown.append(replace(result, per_playlist=table.astype(np.float32), curves=None))
    return shown


def table(
    results: Iterable[CellResult],
    scenarios: Sequence[str],
    metric: str = "recall@10",
    among: str = "new",
    level: float = 0.95,
) -> pd.DataFrame:
    """Put rows side by side, a metric in several scenarios.

    Parameters
    ----------
    results : iterable of CellResult
    scenarios : sequence of str
        Of :data:`musig.newtracks.SCENARIOS`.
    metric : str
    among : {"new", "whole"}
    level : float in (0, 1)

    Returns
    -------
    DataFrame
        As :func:`musig.experiments.tables.table`, the scenario under ``metric``. In each scenario
        all rows that have it are compared with all. A row without it has no number there.

    Raises
    ------
    MusigError
        For an unknown scenario or metric.

    Notes
    -----
    Notebook: 12_new_tracks
    """
    results, parts = list(results), []
    for scenario in scenarios:
        made = tables.table(at(results, scenario, among), [metric], level)
        parts.append(made.assign(metric=scenario))
    return pd.concat(parts, ignore_index=True)


def tests(
    results: Iterable[CellResult],
    scenarios: Sequence[str],
    metric: str = "recall@10",
    among: str = "new",
    reference: str | None = None,
    level: float = 0.95,
) -> pd.DataFrame:
    """Test in each scenario which rows differ.

    Parameters
    ----------
    results : iterable of CellResult
    scenarios : sequence of str
    metric : str
    among : {"new", "whole"}
    reference : str, optional
        Compare every other row with this one; by default all pairs.
    level : float in (0, 1)

    Returns
    -------
    DataFrame
        As :func:`musig.experiments.tables.tests`, with ``scenario`` first. The correction is over
        the pairs of a scenario.

    Raises
    ------
    MusigError
        For an unknown scenario, metric or reference.

    Notes
    -----
    Notebook: 12_new_tracks
    """
    results, parts = list(results), []
    for scenario in scenarios:
        made = tables.tests(at(results, scenario, among), [metric], reference, level)
        made.insert(0, "scenario", scenario)
        parts.append(made)
    known = [part for part in parts if len(part)]
    return pd.concat(known, ignore_index=True) if known else parts[0]


def series(
    results: Iterable[CellResult],
    metric: str = "recall@10",
    among: str = "new",
    level: float = 0.95,
) -> pd.DataFrame:
    """Give quality against what is told of a new track.

    Parameters
    ----------
    results : iterable of CellResult
    metric : str
        ``hit_rate@k`` or ``recall@k``.
    among : {"new", "whole"}
    level : float in (0, 1)
        Of the intervals, over playlists.

    Returns
    -------
    DataFrame
        Columns ``method, scenario, mean, low, high, n, seeds``; scenarios in their order.

    Raises
    ------
    MusigError
        For an unknown metric.

    Notes
    -----
    Notebook: 12_new_tracks
    """
    results, lines, values = list(results), [], []
    for scenario in SCENARIOS:
        shown = [result for result in at(results, scenario, among) if result.has_scores]
        for name, row in rows(shown).items():
            counted = {"n": len(row.per_playlist), "seeds": len(row.seeds)}
            lines.append({"method": name, "scenario": scenario} | counted)
            values.append(row.values(metric).to_numpy())
    told = tables.means(values, level)
    made = pd.DataFrame([line | three for line, three in zip(lines, told, strict=True)])
    return made.reindex(columns=["method", "scenario", "mean", "low", "high", "n", "seeds"])


def first_ten(
    results: Iterable[CellResult], scenarios: Sequence[str], level: float = 0.95
) -> pd.DataFrame:
    """Say what stands in the first ten places where all tracks are ranked.

    Parameters
    ----------
    results : iterable of CellResult
    scenarios : sequence of str
        Of :data:`musig.newtracks.SCENARIOS`.
    level : float in (0, 1)
        Of the intervals, over playlists.

    Returns
    -------
    DataFrame
        Columns ``method, scenario``, ``of`` ("new": any new track; "known": known tracks of the
        playlist that were not given), ``mean, low, high`` (of the share of ten places) and
        ``chance`` (the share of new tracks in the universe; NaN for known ones).

    Raises
    ------
    MusigError
        For an unknown scenario.

    Notes
    -----
    Recall among all is of new tracks only: a method that fills its list with new tracks gains in
    it, and loses the known ones that belong there.

    Notebook: 12_new_tracks
    """
    lines, values, made = [], [], rows(results)
    for scenario in scenarios:
        if scenario not in SCENARIOS:
            raise MusigError(f"Unknown scenario '{scenario}': {nearest(scenario, SCENARIOS)}")
        for name, row in made.items():
            if f"new|{scenario}" not in row.per_playlist:
                continue
            measures = row.results[0].measures
            chances = {"new": measures["n_new"] / measures["n_tracks"], "known": float("nan")}
            for of, chance in chances.items():
                line = {"method": name, "scenario": scenario, "of": of, "chance": chance}
                lines.append(line)
                values.append(row.per_playlist[f"{of}|{scenario}"].to_numpy() / 10)
    told = tables.means(values, level)
    shares = pd.DataFrame([line | three for line, three in zip(lines, told, strict=True)])
    return shares.reindex(columns=["method", "scenario", "of", "mean", "low", "high", "chance"])


def abilities(results: Iterable[CellResult]) -> pd.DataFrame:
    """Say which methods can place a new track, and what is done for those that cannot.

    Parameters
    ----------
    results : iterable of CellResult

    Returns
    -------
    DataFrame
        One row a row: ``method``, ``itself`` ("yes", "cannot"; None where nothing is recorded),
        ``instead`` (the fallback, or what its own way is), ``seconds`` (to place all new tracks in
        every scenario, the mean over cells).

    Notes
    -----
    Notebook: 12_new_tracks
    """
    own = {
        "encoder": "its encoder, with the weights as they are",
        "attributes": "its attributes are all there is to a track",
        "chance": "knows no track",
    }
    lines: list[dict[str, Any]] = []
    for name, row in rows(results).items():
        line: dict[str, Any] = {"method": name, "itself": None, "instead": None, "seconds": None}
        if row.results:
            measures = row.results[0].measures
            how = str(measures["how"])
            line["itself"] = "yes" if how in OWN else "cannot"
            line["instead"] = own.get(how) or measures["fallback"]
            line["seconds"] = float(
                np.mean([part.measures["place_seconds"] for part in row.results])
            )
        lines.append(line)
    return pd.DataFrame(lines, columns=["method", "itself", "instead", "seconds"])


def inductive(of: Sequence[Row], rules: Rules) -> Running:
    """Test whether new tracks are embedded without retraining, and to some use.

    Parameters
    ----------
    of : sequence of Row
        MUSIG; attributes without a graph; random; a fallback to be shown beside.
    rules : Rules

    Returns
    -------
    generator
        To :class:`musig.experiments.findings.Finding`, which holds where MUSIG without any
        co-occurrence, as ``musig embed`` places such a track, is above random, and MUSIG told all
        co-occurrences above itself told none, and above the attributes. Beside it, and no part of
        whether it holds: MUSIG told nothing, not even tracks like it, against random and the
        attributes; MUSIG told all against the fallback.

    Notes
    -----
    Ranked among new tracks, for test playlists that hold some.

    Notebook: 11_claims
    """
    musig, content, chance, fallback = of

    def shown(row: Row, scenario: str) -> Row:
        (made,) = rows(at(row.results, scenario)).values()
        return replace(made, row=f"{row.row} (told {HEADS[scenario]})", whole=row.whole)

    asked = [
        shown(musig, "all"),
        shown(musig, "0"),
        shown(chance, "0"),
        shown(content, "0"),
        shown(fallback, "all"),
        shown(musig, "none"),
        shown(chance, "none"),
        shown(content, "none"),
    ]
    beside = [(5, 6), (5, 7), (0, 4)]
    return (yield from above((0, 1), (1, 2), (0, 3), beside=beside)(asked, rules))
