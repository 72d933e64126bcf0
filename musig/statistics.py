r"""How sure a table may be: intervals and paired tests over playlists.

The playlist is the unit that was sampled, so it is what is resampled: an interval says how far the
mean would move with other playlists of the same kind, not with another training run. Two methods
meet on the *same* playlists, and the differences are what is tested.

Conventions
-----------
Values are float64, one row a playlist. Generators are passed in; the same generator state gives the
same interval. Tests are two-sided.

Contents
--------
bootstrap_interval, for a mean; paired_test, for a difference; paired_tests, for many; holm, for
the p-values of many.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from musig.errors import MusigError

RESAMPLES = 2_000  # the ends of a 95 % interval then stand on 50 resamples each
PERMUTATIONS = 9_999  # the smallest p that can be seen is 1 in 10,000
CELLS = 4_000_000  # random numbers held at a time


def bootstrap_interval(
    values: np.ndarray,
    generator: np.random.Generator,
    level: float = 0.95,
    resamples: int = RESAMPLES,
) -> tuple[np.ndarray, np.ndarray]:
    """Percentile bootstrap interval of the mean over playlists.

    Parameters
    ----------
    values : ndarray of float, shape (n,) or (n, n_metrics)
        One row a playlist. All columns are resampled together.
    generator : numpy.random.Generator
        Draws the resamples.
    level : float in (0, 1)
        Share of the resampled means inside the interval.
    resamples : int
        How many.

    Returns
    -------
    low, high : ndarray of float64, shape () or (n_metrics,)
        NaN for a single playlist, which says nothing about the spread.

    Raises
    ------
    MusigError
        If there is no value, or the level is not between 0 and 1.

    Notes
    -----
    Efron and Tibshirani: An Introduction to the Bootstrap, 1993, chapter 13. Equal, to the bit of
    the drawn indices, to ``scipy.stats.bootstrap(method="percentile")`` with ``batch`` as here, but
    resampled means are one matrix product of how often each playlist was drawn with the values, so
    that sixty metrics cost as much as one.

    Notebook: 06_playlist_completion

    Examples
    --------
    >>> low, high = bootstrap_interval(np.arange(100.0), np.random.default_rng(0))
    >>> bool(43 < low < 45), bool(54 < high < 56)
    (True, True)
    """
    values = np.asarray(values, dtype=np.float64)
    n = len(values)
    if n == 0:
        raise MusigError("There is no value to make an interval of; expected one a playlist.")
    if not 0 < level < 1:
        raise MusigError(f"Parameter level is {level}; expected a share such as 0.95.")
    if n == 1:
        return np.full(values.shape[1:], np.nan), np.full(values.shape[1:], np.nan)
    tail = (1 - level) / 2
    means = _resampled_means(values, generator, resamples)
    low, high = np.quantile(means, [tail, 1 - tail], axis=0)
    return low, high


def _resampled_means(
    values: np.ndarray, generator: np.random.Generator, resamples: int
) -> np.ndarray:
    """Means over playlists drawn with replacement: float64, (resamples,) or (resamples, m)."""
    n, means = len(values), []
    for start in range(0, resamples, batch := max(1, CELLS // n)):
        size = min(batch, resamples - start)
        drawn = generator.integers(0, n, (size, n))
        drawn += n * np.arange(size)[:, None]
        times = np.bincount(drawn.ravel(), minlength=size * n).reshape(size, n)
        means.append(times @ values / n)
    return np.concatenate(means)


@dataclass(frozen=True)
class PairedTest:
    """What :func:`paired_test` found."""

    difference: float
    """Mean of a minus mean of b."""
    low: float
    """Lower end of the bootstrap interval of the difference."""
    high: float
    """Upper end."""
    p: float
    """Two-sided p-value of "the difference is zero", in (0, 1]."""


def paired_test(
    a: np.ndarray,
    b: np.ndarray,
    generator: np.random.Generator,
    level: float = 0.95,
    permutations: int = PERMUTATIONS,
) -> PairedTest:
    r"""Test whether two methods differ on the same playlists, by flipping signs.

    Parameters
    ----------
    a, b : ndarray of float, shape (n,)
        One metric of the two methods, the same playlists in the same order.
    generator : numpy.random.Generator
        Draws the signs and the bootstrap.
    level : float in (0, 1)
        Of the interval.
    permutations : int
        Number of random sign patterns.

    Returns
    -------
    PairedTest
        ``difference, low, high, p``.

    Raises
    ------
    MusigError
        If the two are not of the same length or there is no value.

    Notes
    -----
    If the methods were alike, each difference could as well have the other sign. p is the share of
    random sign patterns whose mean is at least as far from zero as the observed one, counting the
    observed pattern itself, so that it is valid and never 0 (Phipson and Smyth 2010). Smucker,
    Allan and Carterette (CIKM 2007) recommend this test for rankings: it tests the mean that the
    table shows and assumes no distribution, where Wilcoxon's tests ranks and drops the playlists on
    which the methods agree, which for hit-rates are most. Equal in distribution to
    ``scipy.stats.permutation_test(permutation_type="samples")`` of the differences, at a fraction
    of the time.

    Notebook: 06_playlist_completion

    Examples
    --------
    >>> a, b = np.array([0.9, 0.8, 0.7, 0.9] * 5), np.array([0.5, 0.6, 0.6, 0.7] * 5)
    >>> paired_test(a, b, np.random.default_rng(0)).p < 0.001
    True
    """
    a, b = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    if a.shape != b.shape or a.ndim != 1 or len(a) == 0:
        raise MusigError(
            f"A paired test needs the same playlists for both methods; found {a.shape} and"
            f" {b.shape} values."
        )
    differences = a - b
    low, high = bootstrap_interval(differences, generator, level)
    observed = abs(differences.sum())
    # sums that are equal but for rounding count as equally far
    observed -= 1e-12 * np.abs(differences).sum()
    moved = differences[differences != 0]  # the sign of a zero does not matter
    extreme = 0
    for start in range(0, permutations, batch := max(1, CELLS // max(1, len(moved)))):
        size = min(batch, permutations - start)
        flipped = generator.integers(0, 2, (size, len(moved)), dtype=np.int8)
        sums = moved.sum() - 2 * (flipped @ moved)
        extreme += int((np.abs(sums) >= observed).sum())
    p = (1 + extreme) / (1 + permutations)
    return PairedTest(float(differences.mean()), float(low), float(high), p)


def paired_tests(
    values: np.ndarray,
    pairs: Sequence[tuple[int, int]],
    generator: np.random.Generator,
    level: float = 0.95,
    permutations: int = PERMUTATIONS,
) -> list[PairedTest]:
    r"""Test many pairs of methods on the same playlists, at the cost of few.

    Parameters
    ----------
    values : ndarray of float, shape (n, n_methods)
        One metric, a row a playlist, a column a method.
    pairs : sequence of (int, int)
        Columns to be compared, at least one.
    generator : numpy.random.Generator
        Draws the bootstrap and the signs.
    level : float in (0, 1)
        Of the intervals.
    permutations : int
        Number of random sign patterns.

    Returns
    -------
    list of PairedTest
        One a pair, each the test of :func:`paired_test`.

    Raises
    ------
    MusigError
        If there is no value or no pair.

    Notes
    -----
    Resamples and sign patterns are the same for all pairs. So the sum of signed differences is a
    difference of signed sums, :math:`\sum_i s_i (a_i - b_i) = \sum_i s_i a_i - \sum_i s_i b_i`,
    and one product with the table of all methods serves every pair.

    Notebook: 07_methods

    Examples
    --------
    >>> a = np.array([[0.9, 0.5], [0.8, 0.6], [0.7, 0.6], [0.9, 0.7]] * 5)
    >>> paired_tests(a, [(0, 1)], np.random.default_rng(0))[0].p < 0.001
    True
    """
    values = np.asarray(values, dtype=np.float64)
    if values.ndim != 2 or len(values) == 0 or len(pairs) == 0:
        raise MusigError(
            f"Paired tests need a value for each playlist and method, and a pair; found values of"
            f" shape {values.shape} and {len(pairs)} pairs."
        )
    first, second = np.array(pairs, dtype=np.int64).T
    means = values.mean(axis=0)
    if len(values) == 1:  # which says nothing about the spread
        low = high = np.full(len(pairs), np.nan)
    else:
        tail = (1 - level) / 2
        drawn = _resampled_means(values, generator, RESAMPLES)
        low, high = np.quantile(drawn[:, first] - drawn[:, second], [tail, 1 - tail], axis=0)
    sums, sizes = values.sum(axis=0), np.abs(values).sum(axis=0)
    # sums that are equal but for rounding count as equally far
    observed = np.abs(sums[first] - sums[second]) - 1e-12 * (sizes[first] + sizes[second])
    extreme = np.zeros(len(pairs), dtype=np.int64)
    for start in range(0, permutations, batch := max(1, CELLS // max(values.shape[0], len(pairs)))):
        size = min(batch, permutations - start)
        signs = 2.0 * generator.integers(0, 2, (size, len(values)), dtype=np.int8) - 1.0
        signed = signs @ values
        extreme += (np.abs(signed[:, first] - signed[:, second]) >= observed).sum(axis=0)
    p = (1 + extreme) / (1 + permutations)
    return [
        PairedTest(*map(float, each))
        for each in zip(means[first] - means[second], low, high, p, strict=True)
    ]


def holm(p: np.ndarray) -> np.ndarray:
    """Adjust the p-values of several tests so that the chance of *any* false finding is bounded.

    Parameters
    ----------
    p : ndarray of float, shape (n_tests,)
        Values in [0, 1].

    Returns
    -------
    ndarray of float64, shape (n_tests,)
        Adjusted values in [0, 1]; compare with the level as usual.

    Notes
    -----
    Holm: A simple sequentially rejective multiple test procedure. Scandinavian Journal of
    Statistics 6(2), 1979. Never weaker than Bonferroni's and as general.

    Notebook: 06_playlist_completion

    Examples
    --------
    >>> holm(np.array([0.01, 0.04, 0.03]))
    array([0.03, 0.06, 0.06])
    """
    p = np.asarray(p, dtype=np.float64)
    order = np.argsort(p, kind="stable")
    steps = np.maximum.accumulate(p[order] * (len(p) - np.arange(len(p))))
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(steps, 1)
    return adjusted
