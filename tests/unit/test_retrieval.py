"""Nearest tracks: counted as by hand, with ties that favour nobody."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from musig import retrieval
from musig.retrieval import among_nearest, chance


def by_hand(z, row, group):
    unit = z / np.linalg.norm(z, axis=1, keepdims=True)
    order = np.argsort(-(unit @ unit[row]), kind="stable")
    order = order[order != row]
    same = group[order] == group[row]
    return same[: same.sum()].mean(), 1 / (1 + np.flatnonzero(same)[0])


@given(st.integers(0, 2**32 - 1), st.integers(4, 40), st.integers(1, 5))
def test_it_counts_as_by_hand(seed, n, width):
    rng = np.random.default_rng(seed)
    z = rng.normal(size=(n, width + 2)).astype(np.float32)
    group = rng.integers(n // 2, size=n)
    rows = np.flatnonzero(np.bincount(group)[group] > 1)
    found = among_nearest(torch.from_numpy(z), rows, group, seed=seed % 7)
    expected = np.array([by_hand(z.astype(np.float64), row, group) for row in rows]).reshape(-1, 2)
    np.testing.assert_allclose(np.stack(found, axis=1), expected)


def test_blocks_do_not_matter(monkeypatch):
    z, group = torch.randn(50, 4), np.arange(50) % 5
    whole = among_nearest(z, np.arange(50), group)
    monkeypatch.setattr(retrieval, "BLOCK", 7)
    for one, other in zip(whole, among_nearest(z, np.arange(50), group), strict=True):
        np.testing.assert_array_equal(one, other)


def test_tracks_that_are_equally_near_are_in_no_order_of_the_table():
    """Of an artist's tracks that stand side by side equal vectors find no more than chance."""
    group = np.repeat(np.arange(50), 4)
    rows = np.arange(200)
    for z in (torch.ones(200, 3), torch.zeros(200, 3)):
        found = [among_nearest(z, rows, group, seed)[0].mean() for seed in range(20)]
        assert np.mean(found) == pytest.approx(chance(rows, group)[0], abs=0.01)


def test_chance_is_that_of_random_vectors():
    group = np.repeat(np.arange(100), 2)
    rows = np.arange(200)
    found = [
        [each.mean() for each in among_nearest(torch.randn(200, 16), rows, group)]
        for _ in range(20)
    ]
    np.testing.assert_allclose(np.mean(found, axis=0), chance(rows, group), atol=0.01)
