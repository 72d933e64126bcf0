"""Intervals cover, tests hold their level, and both agree with scipy."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from musig.errors import MusigError
from musig.statistics import bootstrap_interval, holm, paired_test


def test_interval_is_that_of_scipy():
    values = np.random.default_rng(1).exponential(size=60)
    low, high = bootstrap_interval(values, np.random.default_rng(2), resamples=1000)
    theirs = stats.bootstrap(
        (values,), np.mean, n_resamples=1000, method="percentile", rng=np.random.default_rng(2)
    ).confidence_interval
    assert (low, high) == pytest.approx((theirs.low, theirs.high), abs=1e-12)


def test_columns_are_resampled_together_and_alone_alike():
    values = np.random.default_rng(0).random((40, 3))
    low, high = bootstrap_interval(values, np.random.default_rng(5))
    for column in range(3):
        alone = bootstrap_interval(values[:, column], np.random.default_rng(5))
        assert (low[column], high[column]) == pytest.approx(alone)


def test_interval_covers_the_mean_as_often_as_it_says():
    generator = np.random.default_rng(0)
    # hit-rates: n playlists, 30 % of them hit; the two columns would do for two metrics
    trials, n, truth = 400, 150, 0.3
    covered = 0
    for _ in range(trials):
        values = (generator.random(n) < truth).astype(float)
        low, high = bootstrap_interval(values, generator, resamples=400)
        covered += low <= truth <= high
    # 95 % of 400, three standard errors, and a little for n = 150
    assert 0.905 <= covered / trials <= 0.985


@given(st.lists(st.floats(-5, 5), min_size=2, max_size=30), st.integers(0, 9))
def test_interval_lies_within_the_values(values, seed):
    low, high = bootstrap_interval(np.array(values), np.random.default_rng(seed), resamples=50)
    assert min(values) - 1e-9 <= low <= high <= max(values) + 1e-9


def test_interval_narrows_with_more_playlists():
    values = np.random.default_rng(0).random(4000)
    few = np.diff(bootstrap_interval(values[:100], np.random.default_rng(0)))
    many = np.diff(bootstrap_interval(values, np.random.default_rng(0)))
    assert many < few / 4


def test_one_playlist_has_no_interval():
    assert np.isnan(bootstrap_interval(np.array([0.5]), np.random.default_rng(0))).all()


def test_p_is_that_of_scipy():
    generator = np.random.default_rng(3)
    a, b = generator.random(12) + 0.25, generator.random(12)
    exact = stats.permutation_test(  # 12 pairs: all 4096 sign patterns
        (a - b,), lambda x, axis: x.mean(axis), permutation_type="samples", vectorized=True
    ).pvalue
    assert paired_test(a, b, generator).p == pytest.approx(exact, abs=0.02)


def test_the_test_is_symmetric():
    generator = np.random.default_rng(0)
    a, b = generator.random(50), generator.random(50) + 0.05
    forth = paired_test(a, b, np.random.default_rng(1))
    back = paired_test(b, a, np.random.default_rng(1))
    assert forth.p == back.p
    assert forth.difference == -back.difference
    assert (forth.low, forth.high) == pytest.approx((-back.high, -back.low), abs=0.005)


def test_p_is_uniform_where_there_is_nothing():
    generator = np.random.default_rng(0)
    p = []
    for _ in range(300):
        a, b = generator.standard_normal((2, 40))
        p.append(paired_test(a, b, generator, permutations=499).p)
    assert stats.kstest(p, "uniform").pvalue > 0.001
    assert np.mean(np.array(p) <= 0.05) <= 0.09


def test_methods_that_agree_everywhere_do_not_differ():
    values = np.random.default_rng(0).random(20)
    found = paired_test(values, values, np.random.default_rng(0))
    assert (found.difference, found.low, found.high, found.p) == (0, 0, 0, 1)


def test_equal_sums_count_as_extreme_in_spite_of_rounding():
    # every sign pattern of one non-zero difference is as extreme as the observed one
    a, b = np.array([0.1 + 0.2, 0.5, 0.5]), np.array([0.0, 0.5, 0.5])
    assert paired_test(a, b, np.random.default_rng(0)).p == 1


def test_p_counts_the_observed_pattern_and_is_never_zero():
    found = paired_test(np.ones(50), np.zeros(50), np.random.default_rng(0), permutations=99)
    assert found.p == 1 / 100


def test_a_clear_difference_is_found():
    generator = np.random.default_rng(0)
    b = generator.random(300)
    found = paired_test(b + generator.normal(0.1, 0.2, 300), b, generator)
    assert found.p <= 0.001
    assert found.low < 0.1 < found.high
    assert found.low > 0


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_holm_against_a_loop(p):
    order = sorted(range(len(p)), key=lambda i: p[i])
    expected, worst = [0.0] * len(p), 0.0
    for step, i in enumerate(order):
        worst = max(worst, min(1.0, p[i] * (len(p) - step)))
        expected[i] = worst
    assert holm(np.array(p)).tolist() == pytest.approx(expected)
    assert (holm(np.array(p)) >= np.array(p) - 1e-12).all()


def test_errors_say_what_was_expected():
    generator = np.random.default_rng(0)
    with pytest.raises(MusigError, match="no value"):
        bootstrap_interval(np.array([]), generator)
    with pytest.raises(MusigError, match=r"level is 95; expected a share"):
        bootstrap_interval(np.ones(3), generator, level=95)
    with pytest.raises(MusigError, match=r"the same playlists.*\(3,\) and \(2,\)"):
        paired_test(np.ones(3), np.ones(2), generator)
