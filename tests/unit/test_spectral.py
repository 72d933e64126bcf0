"""Spectral coordinates: against numpy's whole decomposition, and what a filter must do."""

from __future__ import annotations

import numpy as np
import pytest

from musig.catalog import Playlists
from musig.spectral import spectrum


def _random_playlists(seed: int, n_playlists: int = 40, n_tracks: int = 30) -> Playlists:
    rng = np.random.default_rng(seed)
    lists = [rng.choice(n_tracks, rng.integers(2, 9), replace=False) for _ in range(n_playlists)]
    return Playlists.from_lists(lists)


def _normalised(playlists: Playlists, n_tracks: int) -> np.ndarray:
    matrix = np.zeros((len(playlists), n_tracks))
    for row in range(len(playlists)):
        matrix[row, playlists[row]] = 1
    lengths, counts = matrix.sum(1), np.maximum(matrix.sum(0), 1)
    return matrix / lengths[:, None] ** 0.25 / counts**0.25


@pytest.mark.parametrize("seed", range(5))
def test_is_the_singular_value_decomposition(seed: int) -> None:
    playlists = _random_playlists(seed)
    matrix = _normalised(playlists, 30)
    found = spectrum(playlists, 30, dimension=10, seed=seed)
    values = np.linalg.svd(matrix, compute_uv=False)
    assert np.allclose(found.values, values[:10], atol=1e-3)
    # a vector may have either sign, and equal values any rotation: compare what they span
    kept = found.vectors * found.values
    _, exact, right = np.linalg.svd(matrix, full_matrices=False)
    expected = right[:10].T * exact[:10]
    assert np.allclose(kept @ kept.T, expected @ expected.T, atol=2e-2)


def test_columns_are_orthonormal_and_sorted() -> None:
    found = spectrum(_random_playlists(0), 30, dimension=12)
    assert np.allclose(found.vectors.T @ found.vectors, np.eye(12), atol=1e-4)
    assert (np.diff(found.values) <= 1e-6).all()


def test_the_filter_falls_and_is_one_half_where_it_is_asked_to() -> None:
    found = spectrum(_random_playlists(1), 30, dimension=12)
    answer = found.low_pass(5)
    assert answer[4] == pytest.approx(0.5)
    assert (np.diff(answer) <= 1e-6).all()
    assert ((answer > 0) & (answer < 1)).all()
    assert np.array_equal(found.low_pass(999), found.low_pass(12)), "the last stands for more"


def test_a_track_in_no_playlist_lies_at_zero() -> None:
    found = spectrum(Playlists.from_lists([[0, 1], [1, 2], [0, 2]]), 5, dimension=2)
    assert np.abs(found.vectors[3:]).max() < 1e-6
    assert found.counts.tolist() == [2, 2, 2, 0, 0]


def test_no_more_coordinates_than_the_graph_has() -> None:
    twins = Playlists.from_lists([[0, 1], [0, 1], [0, 1], [0, 1]])
    assert spectrum(twins, 6, dimension=50).vectors.shape == (6, 1)


def test_same_seed_same_bits() -> None:
    playlists = _random_playlists(2)
    one, other = (spectrum(playlists, 30, 8, seed=3) for _ in range(2))
    assert np.array_equal(one.vectors, other.vectors)
