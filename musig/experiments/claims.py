"""What the paper claims, and what the recorded cells say of it.

Every verdict is computed from cells of real data (:mod:`musig.experiments.store`) and never typed.
A claim that does not hold here stays in the table, and so does one that cannot be tested.

Conventions
-----------
A claim counts as *reproduced* only if every comparison it names goes its way and is significant in
both readings of hit-rate (:mod:`musig.experiments.findings`); whether it holds in one of them alone
is told beside it. Holm's method corrects over the claims that could be tested. Those about our best
version are a family of their own: what we add to the paper makes its claims no harder to reproduce.

Contents
--------
- :class:`Claim`, :data:`CLAIMS`: what is said, and how it is tested.
- :func:`verdicts`: the table. :func:`choices`: where the paper is silent.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from musig import methods
from musig.experiments import store
from musig.experiments.cells import Cell, CellResult
from musig.experiments.comparison import compare_methods
from musig.experiments.findings import (
    CLAIMED_GAIN,
    Finding,
    Rules,
    Running,
    Test,
    above,
    differ,
    found,
    gains,
    helps_more,
    scores,
)
from musig.experiments.plans import PAPER, RELATIONS, SIMPLEX, command, planned, point_name
from musig.experiments.scenarios import inductive
from musig.experiments.tables import Row, comparable, rows
from musig.experiments.uses import generalises
from musig.statistics import holm

REPRODUCED = "reproduced"
NOT_REPRODUCED = "not reproduced"
NOT_TESTABLE = "not testable on this data"
NOT_RUN = store.NOT_RUN
PAPERS, OURS = "the paper's", "our best version's"
"""Families of claims, each corrected by itself."""

VERDICTS = (REPRODUCED, NOT_REPRODUCED, NOT_TESTABLE, NOT_RUN)


@dataclass(frozen=True)
class Claim:
    """One claim of the source, and its test.

    Notes
    -----
    Notebook: 11_claims
    """

    name: str
    says: str
    """What the source says, in our words; what is more than it says is marked as our reading."""
    tested: str
    """How it is tested here."""
    needs: tuple[str, ...]
    """Rows, as ``EXPERIMENT/ROW``."""
    test: Test = field(repr=False)
    """Given those rows."""
    command: str = ""
    """What computes the rows; by default made from them."""
    family: str = PAPERS
    """Claims of one family are corrected together."""

    def how(self) -> str:
        """Give the command that computes the rows."""
        names = " ".join(dict.fromkeys(self.needs))
        return self.command or (command(f'"{names}"') if " " in names else command(names))


_OF_07 = "five folds, every playlist a test playlist once; paired tests"
_OF_08 = "one fold, scores averaged over three trainings; paired tests"
_NAMES = {
    "als": "collaborative filtering",
    "track2vec": "TRACK2VEC",
    "node2vec": "NODE2VEC",
    "graphsage": "GRAPHSAGE",
}
_INSIDE = tuple(number for number, point in enumerate(SIMPLEX) if all(point))


def _rows_08(*names: str) -> tuple[str, ...]:
    return tuple(f"08_attribute_groups/{name}" for name in names)


def _over(method: str, ours: str) -> list[Claim]:
    """Make the claims that MUSIG is above each class, and by how much."""
    suffix, family = ("", PAPERS) if method == "musig" else (f", by {method}", OURS)
    claims = [
        Claim(
            f"MUSIG over {_NAMES[other]}{suffix}",
            "MUSIG beats every other model in hit-rate.",
            f"{ours} against {other}: {_OF_07}",
            (f"07_methods/{method}", f"07_methods/{other}"),
            above((0, 1)),
            family=family,
        )
        for other in PAPER
    ]
    claims.append(
        Claim(
            f"+27 % hit-rate{suffix}",
            "+27 % hit-rate over the best existing model.",
            f"{ours} against the best of the paper's classes: {_OF_07}; the gain's interval must"
            f" reach {100 * CLAIMED_GAIN:.0f} %",
            (f"07_methods/{method}", *(f"07_methods/{other}" for other in PAPER)),
            gains,
            family=family,
        )
    )
    return claims


_CONTENT = (
    "AUDIO against random attributes and against none (a learned row a track), and GENRE + AUDIO"
    " against GENRE"
)
_MELON = (
    "get Melon (musig data describe melon), then python -m musig.running.results"
    " '08_attribute_groups/*ACOUSTIC' --data FOLDER"
)

CLAIMS: tuple[Claim, ...] = (
    *_over("musig", "the paper's MUSIG"),
    *_over("musig-best", "our best version"),
    Claim(
        "POPULARITY helps MUSIG",
        "MUSIG, multi-task, is best with POPULARITY in the node attributes.",
        f"all groups against all but POPULARITY: {_OF_08}; beside it POPULARITY alone against"
        " random attributes",
        _rows_08(
            "musig-multi+all",
            "musig-multi+GENRE+AUDIO",
            "musig-multi+POPULARITY-train_count",
            "musig-multi+random",
        ),
        above((0, 1), beside=[(2, 3)]),
    ),
    Claim(
        "Content hurts TRACK2VEC",
        "TRACK2VEC is best without content features.",
        f"no attributes against AUDIO, and GENRE against GENRE + AUDIO: {_OF_08}",
        _rows_08("track2vec+none", "track2vec+AUDIO", "track2vec+GENRE", "track2vec+GENRE+AUDIO"),
        above((0, 1), (2, 3)),
    ),
    Claim(
        "Content helps GRAPHSAGE",
        "Content (audio or acoustic) helps the others.",
        f"{_CONTENT}: {_OF_08}",
        _rows_08(
            "graphsage+AUDIO",
            "graphsage+random",
            "graphsage+GENRE+AUDIO",
            "graphsage+GENRE",
            "graphsage+none",
        ),
        above((0, 1), (0, 4), (2, 3)),
    ),
    Claim(
        "Content helps MUSIG",
        "Content (audio or acoustic) helps the others.",
        f"{_CONTENT}: {_OF_08}",
        _rows_08(
            "musig-multi+AUDIO",
            "musig-multi+random",
            "musig-multi+GENRE+AUDIO",
            "musig-multi+GENRE",
            "musig-multi+none",
        ),
        above((0, 1), (0, 4), (2, 3)),
    ),
    Claim(
        "Acoustic vectors help",
        "Content (audio or acoustic) helps the others.",
        f"ACOUSTIC against random attributes, in GRAPHSAGE and in MUSIG: {_OF_08}",
        _rows_08(
            "graphsage+ACOUSTIC", "graphsage+random", "musig-multi+ACOUSTIC", "musig-multi+random"
        ),
        above((0, 1), (2, 3)),
        _MELON,
    ),
    Claim(
        "Content helps most in the multi-task setting",
        "Content helps most in the multi-task setting.",
        "the gain by content in multi-task less that in single-task, playlist by playlist: AUDIO"
        f" over random, and GENRE + AUDIO over GENRE: {_OF_08}",
        _rows_08(
            "musig-multi+AUDIO",
            "musig-multi+random",
            "musig-single+AUDIO",
            "musig-single+random",
            "musig-multi+GENRE+AUDIO",
            "musig-multi+GENRE",
            "musig-single+GENRE+AUDIO",
            "musig-single+GENRE",
        ),
        helps_more,
    ),
    Claim(
        "Multi-task over single-task",
        "Multi-task beats single-task.",
        f"three tasks against co-occurrence alone, with all groups: {_OF_08}",
        _rows_08("musig-multi+all", "musig-single+all"),
        above((0, 1)),
    ),
    Claim(
        "The weights of the tasks matter",
        "The weights were chosen empirically, each setting stressing one loss more or less. That"
        " they matter is our reading.",
        "any two of the points with all three tasks on differ, with Holm's correction: a corner,"
        f" where a task is off, would make the claim easy: {_OF_08}",
        tuple(f"09_task_weights/{point_name(point)}" for point in SIMPLEX),
        differ(*_INSIDE),
        command("09_task_weights"),
    ),
    Claim(
        "Structure and content complement each other",
        "The embeddings aggregate structure and features. That the two complement each other is our"
        " reading.",
        "MUSIG with GENRE + AUDIO against the same content without a graph, and against the graph"
        f" without content, with no attributes and with random ones: {_OF_08}",
        _rows_08(
            "musig-multi+GENRE+AUDIO",
            "content+GENRE+AUDIO",
            "musig-multi+none",
            "musig-multi+random",
        ),
        above((0, 1), (0, 2), (0, 3)),
    ),
    Claim(
        "Inductive",
        "It embeds new tracks without retraining.",
        "tracks of held-out artists, found for test playlists among each other: MUSIG told no"
        " co-occurrence but ten known tracks like the new one, as it is where there are no"
        " playlists, against random; told all co-occurrences against itself told none, and against"
        f" attributes without a graph: {_OF_08}; beside it, and no part of the verdict, MUSIG told"
        " nothing at all, and told all against a fallback of TRACK2VEC, which it need not be above",
        tuple(f"12_new_tracks/{name}" for name in ("musig", "content", "random", "track2vec")),
        inductive,
    ),
    Claim(
        "Types of relations",
        "One may specify different types of relations or nodes.",
        "the same training over six graphs: the paper's relation alone, with one more, with all;"
        " that they can be specified is no test, so any two must differ, with Holm's correction:"
        f" {_OF_08}",
        tuple(f"13_relations/{row}" for row in RELATIONS),
        differ(),
        command("13_relations"),
    ),
    Claim(
        "Generalises across tasks",
        "How well the embeddings generalise to other downstream tasks, and what multi-task"
        " supervision costs there, is left for future work. That they do is our reading.",
        "in popularity, artist and theme, which it is not trained for, MUSIG against co-occurrence"
        " alone, and against attributes averaged over neighbours, on artists no probe has seen:"
        " one fold, averaged over three trainings; paired tests over artists, of themes over"
        " playlists",
        tuple(
            f"14_generalization/{name}"
            for name in ("musig", "musig-single", "attributes+neighbours")
        ),
        generalises,
    ),
)
"""Those of the source, in the order of the page."""

COLUMNS = (
    "claim",
    "family",
    "source",
    "tested",
    "measured",
    "quantity",
    "difference",
    "low",
    "high",
    "p",
    "p_holm",
    "n",
    "agree",
    "run",
    "verdict",
    "any_hit",
    "per_target",
    "reason",
    "command",
)


def verdicts(
    folder: Path | None = None,
    cells: Sequence[Cell] | None = None,
    claims: Sequence[Claim] = CLAIMS,
    rules: Rules | None = None,
    results: Sequence[CellResult] | None = None,
) -> pd.DataFrame:
    """Judge every claim by the recorded cells.

    Parameters
    ----------
    folder : Path, optional
        Of the cells; by default :data:`musig.experiments.store.RECORDED`.
    cells : sequence of Cell, optional
        Those that belong to the rows; by default all that are planned.
    claims : sequence of Claim
        By default :data:`CLAIMS`.
    rules : Rules, optional
        By default k = 10 and a level of 0.05.
    results : sequence of CellResult, optional
        From :func:`musig.experiments.run`, to be judged instead of recorded cells.

    Returns
    -------
    DataFrame
        One row a claim: ``claim, family, source`` (what it says), ``tested`` (how), ``measured``,
        ``quantity`` (what the next are of), ``difference, low, high, p, p_holm`` (Holm, over the
        tested claims of a family), ``n, agree`` (trainings or folds), ``run`` (data, commit, date),
        ``verdict`` (one of :data:`VERDICTS`), ``any_hit, per_target`` (the verdict if that reading
        were the paper's), ``reason`` and ``command``.

    Raises
    ------
    MusigError
        If a recorded cell is damaged, or k is longer than its lists.

    Notes
    -----
    Notebook: 11_claims

    Examples
    --------
    >>> import tempfile
    >>> table = verdicts(Path(tempfile.mkdtemp()))
    >>> sorted(table["verdict"].unique())
    ['not run yet']
    """
    rules = rules or Rules()
    needed = {name for claim in claims for name in claim.needs}
    if results is None:
        cells = planned() if cells is None else cells
        results = store.read([cell for cell in cells if _name(cell) in needed], folder)
    by_row: dict[str, list[CellResult]] = {}
    for result in results:
        by_row.setdefault(_name(result.cell), []).append(result)
    known = {name: row for name, some in by_row.items() for row in rows(some).values()}
    lines: list[dict[str, Any]] = []
    running: dict[int, Running] = {}
    for number, claim in enumerate(claims):
        line, test = _line(claim, known, rules)
        lines.append(line)
        if test is not None:
            running[number] = test
    findings = dict(zip(running, found(list(running.values()), rules.level), strict=True))
    for number, finding in findings.items():
        lines[number] |= {name: getattr(finding, name) for name in _FOUND}
    for family in dict.fromkeys(claim.family for claim in claims):
        tested = [number for number in findings if claims[number].family == family]
        _judge([lines[number] for number in tested], [findings[n] for n in tested], rules)
    return pd.DataFrame(lines, columns=list(COLUMNS))


_FOUND = ("measured", "quantity", "difference", "low", "high", "p", "n", "agree")


def _name(cell: Cell) -> str:
    return f"{cell.experiment}/{cell.row}"


def _judge(lines: Sequence[dict[str, Any]], of: Sequence[Finding], rules: Rules) -> None:
    """Correct over the claims of a family, and say whether each is reproduced, and why not."""

    def judged(holds: bool, p: float) -> str:
        return REPRODUCED if holds and p <= rules.level else NOT_REPRODUCED

    corrected = holm(np.array([finding.p for finding in of], dtype=np.float64))
    alone: dict[str, list[str]] = {}
    for metric in rules.readings:
        each = [finding.readings[metric] for finding in of]
        p_alone = holm(np.array([p for _, p in each], dtype=np.float64))
        alone[metric] = [judged(holds, p) for (holds, _), p in zip(each, p_alone, strict=True)]
    for number, (line, finding) in enumerate(zip(lines, of, strict=True)):
        p = float(corrected[number])
        by_reading = [alone[metric][number] for metric in rules.readings]
        line |= dict(zip(("any_hit", "per_target"), by_reading, strict=True))
        line |= {"p_holm": p, "verdict": judged(finding.holds, p), "reason": ""}
        if line["verdict"] == NOT_REPRODUCED:
            sure = p <= rules.level
            chance = "the difference is within what chance gives, in one reading at least"
            other = "it goes the other way, in one reading at least"
            reasons = [finding.short or (other if sure else chance)]
            reasons += [
                f"in {metric} alone it would be reproduced"
                for metric, verdict in zip(rules.readings, by_reading, strict=True)
                if verdict == REPRODUCED
            ]
            line["reason"] = "; ".join(reasons)


def _line(
    claim: Claim, known: Mapping[str, Row], rules: Rules
) -> tuple[dict[str, Any], Running | None]:
    """Make a line of the table, and begin the test of a claim that can be tested."""
    line: dict[str, Any] = dict.fromkeys(COLUMNS, "")
    line |= dict.fromkeys(("difference", "low", "high", "p", "p_holm"), float("nan"))
    line |= {"claim": claim.name, "family": claim.family, "source": claim.says, "n": 0}
    line |= {"tested": claim.tested, "command": claim.how()}
    there = [known[name] for name in claim.needs if name in known]
    line["run"] = _run(there)
    absent = [row for row in there if row.absent]
    if absent:
        return line | {"verdict": NOT_TESTABLE, "reason": absent[0].absent}, None
    missing = [
        name.partition("/")[2] for name in claim.needs if name not in known or not known[name].whole
    ]
    if missing:
        told = f"cells are missing: {', '.join(dict.fromkeys(missing))}"
        return line | {"verdict": NOT_RUN, "reason": told}, None
    if len(_data(there)) > 1 or len(comparable({str(n): row for n, row in enumerate(there)})) < len(
        there
    ):
        told = "the cells are of different data or playlists, which cannot be compared"
        return line | {"verdict": NOT_RUN, "reason": told}, None
    return line, claim.test(there, rules)


def _data(of: Sequence[Row]) -> list[str]:
    """Name the data that cells are of."""
    runs = [part.run for row in of for part in row.results if part.run]
    return sorted({f"{run['data']} {run['data_fingerprint'][:8]}" for run in runs})


def _run(of: Sequence[Row]) -> str:
    """Say on which data, from which commit and when the cells were recorded."""
    runs = [part.run for row in of for part in row.results if part.run]
    if not runs:
        return ""
    commits = sorted({(run["commit"] or "no commit")[:9] for run in runs})
    days = sorted({run["when"][:10] for run in runs})
    span = days[0] if len(days) == 1 else f"{days[0]} to {days[-1]}"
    shown = ", ".join(commits[:3]) + (", …" if len(commits) > 3 else "")
    remarks = sorted({row.remark for row in of if row.remark and not row.absent})
    return "; ".join([*_data(of), f"commit {shown}", span, *remarks])


@dataclass(frozen=True)
class _Choice:
    """Something on which the paper is silent, and the rows that tried it otherwise."""

    name: str
    ours: Callable[[Mapping[str, Any]], str]
    """From the settings of MUSIG to what we chose."""
    reference: str
    """Row of our choice, as ``EXPERIMENT/ROW``."""
    tried: str
    """Other rows: a pattern such as ``10_sensitivity/hops=*``, or several."""
    label: Callable[[str], str] = lambda row: row.partition("=")[2]


def _of_factor(name: str, factor: str) -> _Choice:
    return _Choice(
        name,
        lambda settings: str(settings[factor]),
        "10_sensitivity/default",
        f"10_sensitivity/{factor}=*",
    )


def _weights(settings: Mapping[str, Any]) -> str:
    kinds = ("cooccurrence", "similarity", "genre")
    return " : ".join(f"{settings[f'weight_{kind}']:g}" for kind in kinds)


_SILENT = (
    _of_factor("search depth, hops", "hops"),
    _of_factor("neighbours sampled a hop", "fanouts"),
    _of_factor("size of the embedding", "embedding_size"),
    _of_factor("edges of this weight and less are left out", "min_weight"),
    _Choice(
        "weights of co-occurrence, similarity, genre",
        _weights,
        "10_sensitivity/default",
        " ".join(f"09_task_weights/{point_name(SIMPLEX[number])}" for number in _INSIDE),
        lambda row: row,
    ),
    _Choice(
        "which popularity is POPULARITY",
        lambda settings: str(settings["popularity"]),
        "08_attribute_groups/musig-multi+POPULARITY-train_count",
        "08_attribute_groups/musig-multi+POPULARITY-external",
        lambda row: row.rpartition("-")[2],
    ),
)


def choices(
    folder: Path | None = None,
    cells: Sequence[Cell] | None = None,
    rules: Rules | None = None,
) -> pd.DataFrame:
    """List our choices where the paper is silent, and how much they matter.

    Parameters
    ----------
    folder : Path, optional
        Of the cells; by default :data:`musig.experiments.store.RECORDED`.
    cells : sequence of Cell, optional
        By default all that are planned.
    rules : Rules, optional
        By default k = 10 and a level of 0.05.

    Returns
    -------
    DataFrame
        One row a choice and reading: ``choice, ours, metric, tried`` (rows), ``least, most`` (means
        over what was tried and ours), ``default`` (mean of ours), ``differ`` (rows that differ from
        ours, corrected), ``n`` and ``command``; NaN where nothing is recorded.

    Raises
    ------
    MusigError
        As :func:`verdicts`.

    Notes
    -----
    Notebook: 11_claims
    """
    rules = rules or Rules()
    settings = methods.settings_of("musig") | methods.tuned("musig")
    by_row: dict[str, list[Cell]] = {}
    for cell in planned() if cells is None else cells:
        by_row.setdefault(_name(cell), []).append(cell)

    def made(names: Sequence[str]) -> dict[str, Row]:
        read = [rows(store.read(by_row[name], folder)).values() for name in names]
        return {name: row for name, some in zip(names, read, strict=True) for row in some}

    lines = []
    for choice in _SILENT:
        tried = [
            name
            for name in by_row
            if any(fnmatchcase(name, pattern) for pattern in choice.tried.split())
        ]
        fit = comparable(made([name for name in (choice.reference, *tried) if name in by_row]))
        labels = {name: choice.label(name.partition("/")[2]) for name in tried}
        for metric in rules.readings:
            line: dict[str, Any] = {
                "choice": choice.name,
                "ours": choice.ours(settings),
                "metric": metric,
                "tried": ", ".join(labels.values()),
                "command": command(f'"{choice.reference} {choice.tried}"'),
                "n": 0,
            }
            if choice.reference in fit and len(fit) > 1:
                scored = {name: _Scored(row, metric) for name, row in fit.items()}
                means = {name: each.values(metric).mean() for name, each in scored.items()}
                level = 1 - rules.level
                tests = compare_methods(scored, [metric], choice.reference, level=level)
                apart = tests.loc[tests["p_holm"] <= rules.level, "method"]
                line |= {
                    "default": means[choice.reference],
                    "least": min(means.values()),
                    "most": max(means.values()),
                    "differ": ", ".join(labels[name] for name in apart),
                    "n": len(scored[choice.reference].per_playlist),
                }
            lines.append(line)
    columns = ["choice", "ours", "metric", "tried", "default", "least", "most", "differ", "n"]
    return pd.DataFrame(lines, columns=[*columns, "command"])


class _Scored:
    """One metric of a row, to be compared: a hit-rate may have to be made."""

    def __init__(self, row: Row, metric: str) -> None:
        self.per_playlist = scores(row, metric).mean(axis=1).to_frame(metric)

    def values(self, metric: str) -> pd.Series:
        """Scores of the metric, by playlist."""
        return self.per_playlist[metric]
