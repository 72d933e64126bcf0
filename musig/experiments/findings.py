"""How a claim is tested: from rows of recorded cells to a finding in both readings of hit-rate.

Conventions
-----------
The paper reports hit-rate; its cut-off and which of two readings it means are not published in the
source we have. So every test is made in both readings, any hit among k and the share of the targets
among k, for one k. A test names comparisons; all must go its way, and its p is the largest of
theirs, so that no correction is needed within a claim.

Intervals and tests are over playlists. In how many trainings, or folds, every comparison goes the
way of the claim is counted beside them and is no part of a verdict.

Contents
--------
- :class:`Rules`: cut-off and level. :class:`Finding`: what a test came to.
- :class:`Wanted`, :func:`found`: tests ask for comparisons, and are brought to their end together.
- :func:`above`, :func:`gains`, :func:`helps_more`, :func:`differ`: the tests.
- :func:`scores`: of a row, each training apart.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations
from math import ceil

import numpy as np
import pandas as pd

from musig.errors import MusigError
from musig.experiments.tables import Row, gain
from musig.statistics import PERMUTATIONS, PairedTest, holm, paired_tests

KS = (10, 100, 500)
"""Cut-offs of which enough is kept of every playlist."""

LEVEL = 0.05
CLAIMED_GAIN = 0.27


@dataclass(frozen=True)
class Rules:
    """By which the claims are judged.

    Notes
    -----
    Notebook: 11_claims

    Examples
    --------
    >>> Rules().readings
    ('hit_rate@10', 'recall@10')
    >>> Rules(k=20)
    Traceback (most recent call last):
    musig.errors.MusigError: The cut-off k is 20; of every playlist 10, 100 and 500 are kept.
    """

    k: int = 10
    """One of :data:`KS`."""
    level: float = LEVEL
    """Of significance, in (0, 1)."""

    def __post_init__(self) -> None:
        if self.k not in KS:
            raise MusigError(
                f"The cut-off k is {self.k}; of every playlist 10, 100 and 500 are kept."
            )
        if not 0 < self.level < 1:
            raise MusigError(f"The level is {self.level}; expected a number between 0 and 1.")

    @property
    def readings(self) -> tuple[str, str]:
        """Both readings of hit-rate: any hit among k, and the share of the targets among k."""
        return f"hit_rate@{self.k}", f"recall@{self.k}"


@dataclass(frozen=True)
class Finding:
    """What a test of a claim came to.

    Notes
    -----
    Notebook: 11_claims
    """

    measured: str
    """In words and numbers."""
    quantity: str
    """What `difference` is."""
    difference: float
    """In recall, of the least of all comparisons; for a gain, the gain."""
    low: float
    high: float
    readings: Mapping[str, tuple[bool, float]]
    """Reading to whether every comparison goes the way of the claim, and the largest p of them."""
    n: int
    """Playlists."""
    short: str = ""
    """Why it does not hold, where that is more than chance."""
    agree: str = ""
    """In how many trainings, or folds, all comparisons go the way of the claim."""

    @property
    def p(self) -> float:
        """The largest of all comparisons."""
        return max(p for _, p in self.readings.values())

    @property
    def holds(self) -> bool:
        """Whether every comparison goes the way of the claim."""
        return all(holds for holds, _ in self.readings.values())


@dataclass(frozen=True)
class Wanted:
    """What a test asks to be compared.

    Notes
    -----
    Notebook: 11_claims
    """

    tables: list[np.ndarray]
    """For each reading the scores: a row a playlist, a column whatever is compared. Of other uses
    one for each use, with a row an artist."""
    pairs: list[list[tuple[int, int]]]
    """Columns, for each table."""
    permutations: int = PERMUTATIONS


Running = Generator[Wanted, list[list[PairedTest]], Finding]
Test = Callable[[Sequence[Row], Rules], Running]
"""Asks once for comparisons, is sent them, and returns what it found: so that many tests can share
what costs most, the drawing of random numbers (:func:`found`)."""


def found(running: Sequence[Running], level: float = LEVEL) -> list[Finding]:
    """Bring tests to their end together.

    Parameters
    ----------
    running : sequence of generator
        Tests that were given rows and rules.
    level : float in (0, 1)
        Of significance, of the rules.

    Returns
    -------
    list of Finding
        One a test, each what the test alone would have found.

    Notes
    -----
    Tests on as many playlists share resamples and sign patterns, as the pairs of one call of
    :func:`musig.statistics.paired_tests` do; they are drawn from the same seed in any case.

    Notebook: 11_claims
    """
    wanted = [next(each) for each in running]
    tests: list[list[list[PairedTest]]] = [[[] for _ in each.tables] for each in wanted]
    tables = {
        (number, place): table
        for number, each in enumerate(wanted)
        for place, table in enumerate(each.tables)
    }
    for n in dict.fromkeys(map(len, tables.values())):
        some = {at: table for at, table in tables.items() if len(table) == n}
        columns: dict[bytes, int] = {}  # the same column is compared in many claims
        flat = [
            (_place(columns, table[:, a]), _place(columns, table[:, b]))
            for (number, place), table in some.items()
            for a, b in wanted[number].pairs[place]
        ]
        values = np.stack([np.frombuffer(column) for column in columns], axis=1)
        permutations = max(wanted[number].permutations for number, _ in some)
        generator = np.random.default_rng(0)
        done = iter(paired_tests(values, flat, generator, 1 - level, permutations))
        for number, place in some:
            tests[number][place] = [next(done) for _ in wanted[number].pairs[place]]
    findings = []
    for each, found_of in zip(running, tests, strict=True):
        try:
            each.send(found_of)
        except StopIteration as ended:
            findings.append(ended.value)
    return findings


def _place(columns: dict[bytes, int], column: np.ndarray) -> int:
    """Give the place of a column among others, adding it where it is new."""
    return columns.setdefault(column.tobytes(), len(columns))


@lru_cache(maxsize=128)  # the claims ask for the same rows many times
def scores(row: Row, metric: str) -> pd.DataFrame:
    """Give the scores of a row, each training apart.

    Parameters
    ----------
    row : Row
        With scores.
    metric : str
        ``hit_rate@k`` is made of ``recall@k`` where it is not kept.

    Returns
    -------
    DataFrame
        float64, one row a playlist, one column a training seed.

    Raises
    ------
    MusigError
        If the lists are shorter than k.

    Notes
    -----
    Notebook: 11_claims
    """
    kind, _, k = metric.partition("@")
    of_seed: dict[int, list[pd.Series]] = {}
    for part in row.results:
        table = part.per_playlist
        assert table is not None
        if metric in table:
            values = table[metric]
        elif kind == "hit_rate" and f"recall@{k}" in table:
            values = table[f"recall@{k}"] > 0
        else:
            raise MusigError(
                f"The row {row.row} has no {metric}: this data have fewer than {k} tracks to"
                " recommend; take a smaller k."
            )
        of_seed.setdefault(part.cell.seed, []).append(values.astype(np.float64))
    return pd.DataFrame({seed: pd.concat(parts).sort_index() for seed, parts in of_seed.items()})


def _values(of: Sequence[Row], metric: str) -> np.ndarray:
    """Give the scores of rows, one column each, averaged over trainings."""
    return np.stack([scores(row, metric).mean(axis=1).to_numpy() for row in of], axis=1)


def _agree(of: Sequence[Row], rules: Rules, goes: Callable[[np.ndarray], bool]) -> str:
    """Count the trainings, or folds, in which means go the way of a claim in both readings."""
    seeds = max((row.seeds for row in of), key=len)
    folds = of[0].folds
    if len(seeds) < 2 and len(folds) < 2:
        return ""
    n, kind = (len(seeds), "trainings") if len(seeds) > 1 else (len(folds), "folds")
    agreed = np.ones(n, dtype=bool)
    for metric in rules.readings:
        tables = [scores(row, metric) for row in of]
        for part in range(n):
            if kind == "trainings":  # a row that is trained once stands beside each
                each = [table.get(seeds[part], table.mean(axis=1)) for table in tables]
            else:
                index = next(
                    result.per_playlist.index
                    for result in of[0].results
                    if result.cell.fold == folds[part] and result.per_playlist is not None
                )
                each = [table.loc[index].mean(axis=1) for table in tables]
            agreed[part] &= goes(np.array([values.mean() for values in each]))
    return f"{agreed.sum()} of {n} {kind}"


def above(*pairs: tuple[int, int], beside: Sequence[tuple[int, int]] = ()) -> Test:
    """Make a test that rows are above others, on the same playlists and in both readings.

    Parameters
    ----------
    *pairs : (int, int)
        Numbers of the rows of a claim: the first should be above the second.
    beside : sequence of (int, int)
        Pairs that are measured and shown, and are no part of the verdict.

    Returns
    -------
    callable
        From rows and rules to a running test, and from there to :class:`Finding`.

    Notes
    -----
    Notebook: 11_claims
    """

    def test(of: Sequence[Row], rules: Rules) -> Running:
        told, worse, readings = [], [], {}
        shown = [*pairs, *beside]
        tables = [_values(of, metric) for metric in rules.readings]
        everything = yield Wanted(tables, [shown] * len(tables))
        for metric, values, found in zip(rules.readings, tables, everything, strict=True):
            for number, ((a, b), each) in enumerate(zip(shown, found, strict=True)):
                aside = "" if number < len(pairs) else "not part of the verdict: "
                told.append(
                    f"{aside}{metric} of {of[a].row} {values[:, a].mean():.3f}, of {of[b].row}"
                    f" {values[:, b].mean():.3f} ({_signed(each)})"
                )
            tested = found[: len(pairs)]
            readings[metric] = (
                all(each.difference > 0 for each in tested),
                max(each.p for each in tested),
            )
            for (a, b), each in zip(pairs, tested, strict=True):
                if each.difference < 0 and each.p <= rules.level:
                    worse.append(f"{of[a].row} is below {of[b].row} in {metric}")
        least = min(range(len(pairs)), key=lambda number: found[number].difference)
        a, b = pairs[least]  # of several comparisons the one that decides
        return Finding(
            "; ".join(told),
            f"{rules.readings[-1]}, {of[a].row} less {of[b].row}",
            *_three(found[least]),
            readings,
            len(values),
            "; ".join(worse),
            _agree(of, rules, lambda means: all(means[a] > means[b] for a, b in pairs)),
        )

    return test


def _three(test: PairedTest) -> tuple[float, float, float]:
    return test.difference, test.low, test.high


def _signed(test: PairedTest) -> str:
    return "{:+.3f} [{:+.3f}, {:+.3f}]".format(*_three(test))


def gains(of: Sequence[Row], rules: Rules) -> Running:
    """Test whether the first row is 27 % above the best of the others.

    Parameters
    ----------
    of : sequence of Row
    rules : Rules

    Returns
    -------
    generator
        To :class:`Finding`, which holds where the first row is above, and the interval of the gain
        reaches 27 %.

    Notes
    -----
    The best is picked by its mean, which makes it a little harder to beat. Where 1.27 times the
    best is more than 1, no method could gain as much: the finding says so.

    Notebook: 11_claims
    """
    told, short, readings = [], [], {}
    share = low = high = float("nan")
    tables = [_values(of, metric) for metric in rules.readings]
    bests = [1 + int(np.argmax(values.mean(axis=0)[1:])) for values in tables]
    tests = yield Wanted(tables, [[(0, best)] for best in bests])
    for metric, values, best, (each,) in zip(rules.readings, tables, bests, tests, strict=True):
        means = values.mean(axis=0)
        top = float(means[best])
        numbers = f"{means[0]:.3f} and {top:.3f}"
        if top == 0:
            share = low = high = float("nan")
            readings[metric] = (False, 1.0)
            told.append(f"{metric} {numbers}: {of[best].row} finds nothing")
            short.append(f"a gain over nothing found has no size, in {metric}")
            continue
        share, low, high = gain(values[:, 0], values[:, best], 1 - rules.level)
        readings[metric] = (each.difference > 0 and high >= CLAIMED_GAIN, each.p)
        told.append(
            f"{metric} {100 * share:+.0f} % [{100 * low:+.0f}, {100 * high:+.0f}] against"
            f" {of[best].row}, {numbers}"
        )
        if top * (1 + CLAIMED_GAIN) > 1:
            short.append(
                f"no method could gain 27 % in {metric}, since {top:.2f} × 1.27 is more than 1"
            )
        elif high < 0:
            short.append(f"{of[0].row} is below {of[best].row} in {metric}")
        elif high < CLAIMED_GAIN:
            short.append(f"the gain in {metric} is below 27 %")
    return Finding(
        "; ".join(told),
        f"gain in {rules.readings[-1]} over {of[best].row}, as a share of it",
        share,
        low,
        high,
        readings,
        len(values),
        "; ".join(short),
        _agree(of, rules, lambda means: bool(means[0] > means[1:].max())),
    )


def helps_more(of: Sequence[Row], rules: Rules) -> Running:
    """Test a difference of differences: rows with, without; there with, there without; and again.

    Parameters
    ----------
    of : sequence of Row
        Four for each interaction.
    rules : Rules

    Returns
    -------
    generator
        To :class:`Finding`.

    Notes
    -----
    As :func:`musig.experiments.tables.interaction`.

    Notebook: 11_claims
    """
    told, short, readings = [], [], {}
    fours = range(0, len(of), 4)
    tables = [_values(of, metric) for metric in rules.readings]
    helped = [values[:, 0::2] - values[:, 1::2] for values in tables]
    pairs = [(start // 2, start // 2 + 1) for start in fours]
    everything = yield Wanted(helped, [pairs] * len(tables))
    for metric, values, found in zip(rules.readings, helped, everything, strict=True):
        means = values.mean(axis=0)
        for start, (a, b), each in zip(fours, pairs, found, strict=True):
            names = [row.row for row in of[start : start + 4]]
            told.append(
                f"{metric}: {names[0]} over {names[1]} {means[a]:+.3f}, {names[2]} over {names[3]}"
                f" {means[b]:+.3f}, difference {_signed(each)}"
            )
            if each.difference < 0 and each.p <= rules.level:
                short.append(f"it helps less there in {metric}: {names[0]} over {names[1]}")
        readings[metric] = (
            all(each.difference > 0 for each in found),
            max(each.p for each in found),
        )

    def goes(means: np.ndarray) -> bool:
        return all(means[n] - means[n + 1] > means[n + 2] - means[n + 3] for n in fours)

    quantity = (
        f"{rules.readings[-1]}, ({of[0].row} less {of[1].row}) less ({of[2].row} less {of[3].row})"
    )
    return Finding(
        "; ".join(told),
        quantity,
        *_three(found[0]),
        readings,
        len(values),
        "; ".join(short),
        _agree(of, rules, goes),
    )


def differ(*among: int) -> Test:
    """Make a test that any two rows differ, in both readings.

    Parameters
    ----------
    *among : int
        Numbers of the rows that are compared; the others are only shown. None: all.

    Returns
    -------
    callable
        From rows and rules to a running test, and from there to :class:`Finding`, whose p is the
        smallest of all pairs, corrected by Holm's method, in the worse reading.

    Notes
    -----
    Notebook: 11_claims
    """

    def test(of: Sequence[Row], rules: Rules) -> Running:
        chosen = list(among or range(len(of)))
        told, readings = [], {}
        permutations = max(PERMUTATIONS, ceil(4 * len(chosen) * (len(chosen) - 1) / rules.level))
        names = [of[number].row for number in chosen]
        tables = [_values(of, metric) for metric in rules.readings]
        # the better first: every difference is of the better less the worse
        ordered = [
            [
                (a, b) if values[:, a].mean() >= values[:, b].mean() else (b, a)
                for a, b in combinations(chosen, 2)
            ]
            for values in tables
        ]
        everything = yield Wanted(tables, ordered, permutations)
        for metric, values, pairs, found in zip(
            rules.readings, tables, ordered, everything, strict=True
        ):
            whole = values.mean(axis=0)
            means = whole[chosen]
            corrected = holm(np.array([each.p for each in found]))
            most, least = int(means.argmax()), int(means.argmin())
            told.append(
                f"{metric} from {means[least]:.3f} ({names[least]}) to {means[most]:.3f}"
                f" ({names[most]}), {(corrected <= rules.level).sum()} of {len(pairs)} pairs differ"
            )
            if len(chosen) < len(of):
                told.append(
                    f"not part of the verdict: {metric} of all {len(of)} from {whole.min():.3f}"
                    f" ({of[int(whole.argmin())].row}) to {whole.max():.3f}"
                    f" ({of[int(whole.argmax())].row})"
                )
            readings[metric] = (True, float(corrected.min()))
            apart = (chosen[most], chosen[least])
            widest = _three(found[pairs.index(apart)]) if apart in pairs else (0.0, 0.0, 0.0)
        quantity = f"{rules.readings[-1]}, {names[most]} less {names[least]}"
        return Finding("; ".join(told), quantity, *widest, readings, len(values))

    return test
