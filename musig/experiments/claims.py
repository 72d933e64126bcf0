"""What the paper claims, and what the recorded cells say of it.

Every verdict is computed from cells of real data (:mod:`musig.experiments.store`) and never typed.
A claim that does not hold here stays in the table, and so does one that cannot be tested.

Conventions
-----------
The paper reports hit-rate; its cut-off and which of two forms it means are not published in the
source we have. So a claim counts as *reproduced* only if it holds in both readings,
:data:`READINGS`, at k = 10: any hit, and per target. Every comparison a claim names must go its way
and be significant; the p of a claim is the largest of theirs, so that no correction is needed
within a claim, and Holm's method corrects over the claims that could be tested.

Contents
--------
- :class:`Claim`, :data:`CLAIMS`: what is said, and how it is tested.
- :func:`verdicts`: the table. :func:`choices`: where the paper is silent.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from math import ceil
from pathlib import Path

import numpy as np
import pandas as pd

from musig import methods
from musig.experiments import store
from musig.experiments.cells import Cell
from musig.experiments.comparison import compare_methods
from musig.experiments.plans import PAPER, SIMPLEX, command, planned, point_name
from musig.experiments.tables import Row, comparable, gain, rows
from musig.statistics import PERMUTATIONS, holm, paired_test, paired_tests

READINGS = ("hit_rate@10", "recall@10")
"""Any hit among ten, and the share of the targets among ten: both forms of hit-rate."""

LEVEL = 0.05
CLAIMED_GAIN = 0.27

REPRODUCED = "reproduced"
NOT_REPRODUCED = "not reproduced"
NOT_TESTABLE = "not testable on this data"
NOT_RUN = store.NOT_RUN
OPEN = "open"


@dataclass(frozen=True)
class Finding:
    """What a test of a claim came to.

    Notes
    -----
    Notebook: 11_claims
    """

    measured: str
    """In words and numbers."""
    difference: float
    """In recall@10, of the first comparison; for a gain, the gain."""
    low: float
    high: float
    p: float
    """The largest of all comparisons."""
    holds: bool
    """Whether every comparison goes the way of the claim."""
    n: int
    """Playlists."""
    short: str = ""
    """Why it does not hold, where that is more than chance."""


@dataclass(frozen=True)
class Claim:
    """One sentence of the source, and its test.

    Notes
    -----
    Notebook: 11_claims
    """

    name: str
    says: str
    """What the source says."""
    tested: str
    """How it is tested here."""
    needs: tuple[str, ...] = ()
    """Rows, as ``EXPERIMENT/ROW``."""
    test: Callable[[Sequence[Row]], Finding] | None = field(default=None, repr=False)
    """Given those rows; None where it is open."""
    command: str = ""
    """What computes the rows; by default made from them."""

    def how(self) -> str:
        """Give the command that computes the rows."""
        names = " ".join(dict.fromkeys(self.needs))
        return self.command or (command(f'"{names}"') if " " in names else command(names))


def above(*pairs: tuple[int, int]) -> Callable[[Sequence[Row]], Finding]:
    """Make a test that rows are above others, on the same playlists and in both readings.

    Parameters
    ----------
    *pairs : (int, int)
        Numbers of the rows of a claim: the first should be above the second.

    Returns
    -------
    callable
        From rows to :class:`Finding`.

    Notes
    -----
    Notebook: 11_claims
    """

    def test(of: Sequence[Row]) -> Finding:
        told, p, holds = [], 0.0, True
        first: tuple[float, float, float] | None = None
        worse = []
        for metric in READINGS:
            values = np.stack([row.values(metric).to_numpy() for row in of], axis=1)
            found = paired_tests(values, pairs, np.random.default_rng(0))
            for (a, b), each in zip(pairs, found, strict=True):
                told.append(
                    f"{metric} of {of[a].row} {values[:, a].mean():.3f}, of {of[b].row}"
                    f" {values[:, b].mean():.3f} ({_signed(each.difference, each.low, each.high)})"
                )
                p, holds = max(p, each.p), holds and each.difference > 0
                if each.difference < 0 and each.p <= LEVEL:
                    worse.append(f"{of[a].row} is below {of[b].row} in {metric}")
            if metric == READINGS[-1]:
                first = (found[0].difference, found[0].low, found[0].high)
        assert first is not None
        return Finding("; ".join(told), *first, p, holds, len(values), "; ".join(worse))

    return test


def _signed(difference: float, low: float, high: float) -> str:
    return f"{difference:+.3f} [{low:+.3f}, {high:+.3f}]"


def gains(of: Sequence[Row]) -> Finding:
    """Test whether the first row is 27 % above the best of the others.

    Parameters
    ----------
    of : sequence of Row

    Returns
    -------
    Finding
        It holds where the first row is above, and the interval of the gain reaches 27 %.

    Notes
    -----
    The best is picked by its mean, which makes it a little harder to beat. Where 1.27 times the
    best is more than 1, no method could gain as much: the finding says so.

    Notebook: 11_claims
    """
    told, p, holds, short = [], 0.0, True, []
    share = low = high = float("nan")
    for metric in READINGS:
        columns = [row.values(metric).to_numpy() for row in of]
        best = 1 + int(np.argmax([column.mean() for column in columns[1:]]))
        share, low, high = gain(columns[0], columns[best])
        top = columns[best].mean()
        each = paired_test(columns[0], columns[best], np.random.default_rng(0))
        p, holds = max(p, each.p), holds and each.difference > 0 and high >= CLAIMED_GAIN
        told.append(
            f"{metric} {100 * share:+.0f} % [{100 * low:+.0f}, {100 * high:+.0f}] against"
            f" {of[best].row}, {columns[0].mean():.3f} and {top:.3f}"
        )
        if top * (1 + CLAIMED_GAIN) > 1:
            short.append(
                f"no method could gain 27 % in {metric}, since {top:.2f} × 1.27 is more than 1"
            )
        elif high < CLAIMED_GAIN:
            short.append(f"the gain in {metric} is below 27 %")
    return Finding("; ".join(told), share, low, high, p, holds, len(columns[0]), "; ".join(short))


def helps_more(of: Sequence[Row]) -> Finding:
    """Test a difference of differences: rows with, without; there with, there without; and again.

    Parameters
    ----------
    of : sequence of Row
        Four for each interaction.

    Returns
    -------
    Finding

    Notes
    -----
    As :func:`musig.experiments.tables.interaction`.

    Notebook: 11_claims
    """
    told, p, holds, short = [], 0.0, True, []
    first: tuple[float, float, float] | None = None
    for metric in READINGS:
        for start in range(0, len(of), 4):
            four = of[start : start + 4]
            given, lacking, there, elsewhere = (row.values(metric).to_numpy() for row in four)
            each = paired_test(given - lacking, there - elsewhere, np.random.default_rng(0))
            names = f"{four[0].row} over {four[1].row}"
            told.append(
                f"{metric}: {names} {given.mean() - lacking.mean():+.3f}, {four[2].row} over"
                f" {four[3].row} {there.mean() - elsewhere.mean():+.3f}, difference"
                f" {_signed(each.difference, each.low, each.high)}"
            )
            p, holds = max(p, each.p), holds and each.difference > 0
            if each.difference < 0 and each.p <= LEVEL:
                short.append(f"it helps less there in {metric}: {names}")
            if metric == READINGS[-1] and first is None:
                first = (each.difference, each.low, each.high)
    assert first is not None
    return Finding("; ".join(told), *first, p, holds, len(given), "; ".join(short))


def differ(of: Sequence[Row]) -> Finding:
    """Test whether any two rows differ, in both readings.

    Parameters
    ----------
    of : sequence of Row

    Returns
    -------
    Finding
        Its p is the smallest of all pairs, corrected by Holm's method, in the worse reading.

    Notes
    -----
    Notebook: 11_claims
    """
    told, p = [], 0.0
    widest = (float("nan"),) * 3
    pairs = list(combinations(range(len(of)), 2))
    permutations = max(PERMUTATIONS, ceil(4 * len(pairs) / LEVEL))
    for metric in READINGS:
        values = np.stack([row.values(metric).to_numpy() for row in of], axis=1)
        means = values.mean(axis=0)
        # the better first: every difference is of the better less the worse
        pairs = [(a, b) if means[a] >= means[b] else (b, a) for a, b in pairs]
        generator = np.random.default_rng(0)
        found = paired_tests(values, pairs, generator, permutations=permutations)
        corrected = holm(np.array([each.p for each in found]))
        most, least = int(means.argmax()), int(means.argmin())
        told.append(
            f"{metric} from {means[least]:.3f} ({of[least].row}) to {means[most]:.3f}"
            f" ({of[most].row}), {(corrected <= LEVEL).sum()} of {len(pairs)} pairs differ"
        )
        p = max(p, float(corrected.min()))
        if most != least:
            apart = found[pairs.index((most, least))]
            widest = (apart.difference, apart.low, apart.high)
    return Finding("; ".join(told), *widest, p, True, len(of[0].per_playlist))


_OF_07 = "five folds, every playlist a test playlist once; paired tests"
_OF_08 = "one fold, scores averaged over three trainings; paired tests"
_ORDERED = {"als": "collaborative filtering", "track2vec": "TRACK2VEC", "node2vec": "NODE2VEC"}
_NAMES = _ORDERED | {"graphsage": "GRAPHSAGE"}


def _rows_08(*names: str) -> tuple[str, ...]:
    return tuple(f"08_attribute_groups/{name}" for name in names)


def _over(method: str, ours: str) -> list[Claim]:
    """Make the claims that MUSIG is above each class, and by how much."""
    suffix = "" if method == "musig" else f", by {method}"
    claims = [
        Claim(
            f"MUSIG over {_NAMES[other]}{suffix}",
            "MUSIG beats every other model in hit-rate.",
            f"{ours} against {other} in {' and '.join(READINGS)}: {_OF_07}",
            (f"07_methods/{method}", f"07_methods/{other}"),
            above((0, 1)),
        )
        for other in PAPER
    ]
    claims.append(
        Claim(
            f"+27 % hit-rate{suffix}",
            "+27 % hit-rate over the best existing model.",
            f"{ours} against the best of the paper's classes: {_OF_07}; the gain's interval must"
            " reach 27 %",
            (f"07_methods/{method}", *(f"07_methods/{other}" for other in PAPER)),
            gains,
        )
    )
    return claims


_MELON = (
    "get Melon (musig data describe melon), then python -m musig.running.results"
    " '08_attribute_groups/*ACOUSTIC' --data FOLDER"
)
_NEXT = "open: it is for the chapters on new tracks, on types of relations and on other tasks"

CLAIMS: tuple[Claim, ...] = (
    *_over("musig", "the paper's MUSIG"),
    *_over("musig-best", "our best version"),
    Claim(
        "POPULARITY helps MUSIG",
        "MUSIG, multi-task, is best with POPULARITY in the node attributes.",
        f"with all groups against all but POPULARITY: {_OF_08}",
        _rows_08("musig-multi+all", "musig-multi+GENRE+AUDIO"),
        above((0, 1)),
    ),
    Claim(
        "Content hurts TRACK2VEC",
        "TRACK2VEC is best without content features.",
        f"without attributes against with AUDIO: {_OF_08}",
        _rows_08("track2vec+none", "track2vec+AUDIO"),
        above((0, 1)),
    ),
    Claim(
        "Content helps GRAPHSAGE",
        "Content (audio or acoustic) helps the others.",
        f"AUDIO against random attributes, and GENRE + AUDIO against GENRE: {_OF_08}",
        _rows_08("graphsage+AUDIO", "graphsage+random", "graphsage+GENRE+AUDIO", "graphsage+GENRE"),
        above((0, 1), (2, 3)),
    ),
    Claim(
        "Content helps MUSIG",
        "Content (audio or acoustic) helps the others.",
        f"AUDIO against random attributes, and GENRE + AUDIO against GENRE: {_OF_08}",
        _rows_08(
            "musig-multi+AUDIO",
            "musig-multi+random",
            "musig-multi+GENRE+AUDIO",
            "musig-multi+GENRE",
        ),
        above((0, 1), (2, 3)),
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
        "The weights were chosen empirically, each setting stressing one loss more or less.",
        f"any two of the ten points differ, with Holm's correction: {_OF_08}",
        tuple(f"09_task_weights/{point_name(point)}" for point in SIMPLEX),
        differ,
        command("09_task_weights"),
    ),
    Claim(
        "Structure and content complement each other",
        "The embeddings aggregate structure and features, which complement each other.",
        "MUSIG with GENRE + AUDIO against the same content without a graph, and against MUSIG"
        f" without attributes: {_OF_08}",
        _rows_08("musig-multi+GENRE+AUDIO", "content+GENRE+AUDIO", "musig-multi+none"),
        above((0, 1), (0, 2)),
    ),
    Claim("Inductive", "It embeds new tracks without retraining.", _NEXT),
    Claim("Types of relations", "One may specify different types of relations or nodes.", _NEXT),
    Claim(
        "Generalises across tasks",
        "How well the representation generalizes to other tasks is left for future work.",
        _NEXT,
    ),
)
"""Those of the source, in the order of the page."""

COLUMNS = (
    "claim",
    "source",
    "tested",
    "measured",
    "difference",
    "low",
    "high",
    "p",
    "p_holm",
    "n",
    "run",
    "verdict",
    "reason",
    "command",
)


def verdicts(
    folder: Path | None = None,
    cells: Sequence[Cell] | None = None,
    claims: Sequence[Claim] = CLAIMS,
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

    Returns
    -------
    DataFrame
        One row a claim: ``claim, source`` (what it says), ``tested`` (how), ``measured, difference,
        low, high, p, p_holm, n, run`` (data, commit, date), ``verdict`` (reproduced, not
        reproduced, not testable on this data, not run yet, open), ``reason`` and ``command``.

    Raises
    ------
    MusigError
        If a recorded cell is damaged.

    Notes
    -----
    Notebook: 11_claims

    Examples
    --------
    >>> import tempfile
    >>> table = verdicts(Path(tempfile.mkdtemp()))
    >>> sorted(table["verdict"].unique())
    ['not run yet', 'open']
    """
    by_row: dict[str, list[Cell]] = {}
    for cell in planned() if cells is None else cells:
        by_row.setdefault(f"{cell.experiment}/{cell.row}", []).append(cell)
    needed = dict.fromkeys(name for claim in claims for name in claim.needs)
    known: dict[str, Row] = {}
    for name in needed:
        for row in rows(store.read(by_row.get(name, []), folder)).values():
            known[name] = row
    lines = [_line(claim, known) for claim in claims]
    tested = [line for line in lines if isinstance(line["p"], float) and line["p"] >= 0]
    corrected = holm(np.array([line["p"] for line in tested], dtype=np.float64))
    for line, p in zip(tested, corrected, strict=True):
        line["p_holm"] = float(p)
        line |= _judged(line["verdict"] == REPRODUCED, float(p) <= LEVEL, str(line["reason"]))
    return pd.DataFrame(lines, columns=list(COLUMNS))


def _judged(holds: bool, sure: bool, short: str) -> dict[str, str]:
    """Say whether a claim is reproduced, and why not."""
    if holds and sure:
        return {"verdict": REPRODUCED, "reason": ""}
    chance = "the difference is within what chance gives, in one reading at least"
    other = "it goes the other way, in one reading at least"
    return {"verdict": NOT_REPRODUCED, "reason": short or (other if sure else chance)}


def _line(claim: Claim, known: dict[str, Row]) -> dict[str, object]:
    """Make a line of the table; whether a finding is significant is for the whole of it."""
    line: dict[str, object] = dict.fromkeys(COLUMNS, "")
    line |= dict.fromkeys(("difference", "low", "high", "p", "p_holm"), float("nan"))
    line |= {"claim": claim.name, "source": claim.says, "tested": claim.tested, "n": 0}
    if claim.test is None:
        return line | {"verdict": OPEN, "reason": claim.tested, "tested": ""}
    line["command"] = claim.how()
    there = [known[name] for name in claim.needs if name in known]
    line["run"] = _run(there)
    absent = [row for row in there if row.absent]
    if absent:
        return line | {"verdict": NOT_TESTABLE, "reason": absent[0].absent}
    missing = [name for name in claim.needs if name not in known or not known[name].whole]
    fit = comparable({str(number): row for number, row in enumerate(there)})
    if missing or len(fit) < len(there):
        told = missing or [row.row for number, row in enumerate(there) if str(number) not in fit]
        return line | {"verdict": NOT_RUN, "reason": f"cells are missing: {', '.join(told)}"}
    found = claim.test(there)
    return line | {
        "measured": found.measured,
        "difference": found.difference,
        "low": found.low,
        "high": found.high,
        "p": found.p,
        "n": found.n,
        "verdict": REPRODUCED if found.holds else NOT_REPRODUCED,
        "reason": found.short,
    }


def _run(of: Sequence[Row]) -> str:
    """Say on which data, from which commit and when the cells were recorded."""
    runs = [part.run for row in of for part in row.results if part.run]
    if not runs:
        return ""
    data = sorted({f"{run['data']} {run['data_fingerprint'][:8]}" for run in runs})
    commits = sorted({(run["commit"] or "no commit")[:9] for run in runs})
    days = sorted({run["when"][:10] for run in runs})
    span = days[0] if len(days) == 1 else f"{days[0]} to {days[-1]}"
    shown = ", ".join(commits[:3]) + (", …" if len(commits) > 3 else "")
    remarks = sorted({row.remark for row in of if row.remark and not row.absent})
    return "; ".join([*data, f"commit {shown}", span, *remarks])


_SILENT = {
    "search depth, hops": "hops",
    "neighbours sampled a hop": "fanouts",
    "size of the embedding": "embedding_size",
    "edges of this weight and less are left out": "min_weight",
}


def choices(folder: Path | None = None, cells: Sequence[Cell] | None = None) -> pd.DataFrame:
    """List our choices where the paper is silent, and how much they matter.

    Parameters
    ----------
    folder : Path, optional
        Of the cells; by default :data:`musig.experiments.store.RECORDED`.
    cells : sequence of Cell, optional
        By default all that are planned.

    Returns
    -------
    DataFrame
        One row a choice: ``choice, ours, metric, tried`` (rows), ``least, most`` (means over what
        was tried), ``default`` (mean of ours), ``differ`` (rows that differ from ours, corrected),
        ``n`` and ``command``; NaN where nothing is recorded.

    Notes
    -----
    Notebook: 11_claims
    """
    planned_cells = planned() if cells is None else list(cells)
    of_10 = [cell for cell in planned_cells if cell.experiment == "10_sensitivity"]
    made = rows(store.read(of_10, folder))
    settings = methods.settings_of("musig") | methods.tuned("musig")
    lines = []
    for told, factor in _SILENT.items():
        tried = [name for name in made if name.startswith(f"{factor}=")]
        fit = comparable({name: made[name] for name in ["default", *tried] if name in made})
        for metric in READINGS:
            line = {
                "choice": told,
                "ours": settings[factor],
                "metric": metric,
                "tried": ", ".join(name.partition("=")[2] for name in tried),
                "command": command(f"'10_sensitivity/{factor}=*'"),
                "n": 0,
            }
            if "default" in fit and len(fit) > 1:
                means = {name: row.values(metric).mean() for name, row in fit.items()}
                found = compare_methods(fit, [metric], reference="default")
                apart = found.loc[found["p_holm"] <= LEVEL, "method"]
                line |= {
                    "default": means["default"],
                    "least": min(means.values()),
                    "most": max(means.values()),
                    "differ": ", ".join(name.partition("=")[2] for name in apart),
                    "n": len(fit["default"].per_playlist),
                }
            lines.append(line)
    columns = ["choice", "ours", "metric", "tried", "default", "least", "most", "differ", "n"]
    return pd.DataFrame(lines, columns=[*columns, "command"])
