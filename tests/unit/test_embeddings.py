"""Looking at embeddings: neighbours are those of the definition, and shares are counted right."""

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from musig.pages.embeddings import nearest, planar, same_label_share


def vectors(seed, n=30, d=4):
    return torch.from_numpy(np.random.default_rng(seed).normal(size=(n, d)).astype(np.float32))


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 40))
def test_nearest_are_those_of_the_definition(seed, k):
    z = vectors(seed)
    found = nearest(z, [3, 17], k)
    assert found.shape == (2, min(k, 29))
    for row, own in zip(found, (3, 17), strict=True):
        cosine = {
            j: float(torch.cosine_similarity(z[own], z[j], dim=0)) for j in range(30) if j != own
        }
        expected = sorted(cosine, key=cosine.get, reverse=True)[:k]
        assert [cosine[j] for j in row] == pytest.approx([cosine[j] for j in expected], abs=1e-5)
        assert own not in row


def test_length_does_not_matter():
    z = vectors(0)
    scaled = z * torch.arange(1, 31)[:, None]
    np.testing.assert_array_equal(nearest(z, range(30), 5), nearest(scaled, range(30), 5))


def test_labels_that_are_blocks_are_found_and_shuffled_ones_are_chance():
    rng = np.random.default_rng(0)
    z = torch.eye(4).repeat_interleave(50, dim=0) + 0.01 * vectors(1, 200)
    labels = pd.Series(np.repeat(["a", "b", "c", "d"], 50))
    assert same_label_share(z, labels, rng) == (1.0, 0.25)
    shuffled = pd.Series(rng.permutation(labels))
    assert same_label_share(z, shuffled, rng)[0] == pytest.approx(0.25, abs=0.06)


def test_unknown_labels_do_not_count():
    z = torch.eye(2).repeat_interleave(3, dim=0)
    labels = pd.Series(["a", "a", None, "b", "b", np.nan], dtype=object)
    assert same_label_share(z, labels, np.random.default_rng(0), k=2)[0] == 1.0
    nothing = same_label_share(z, pd.Series([None] * 6), np.random.default_rng(0))
    assert np.isnan(nothing).all()


def test_the_map_keeps_blocks_apart_and_its_seed():
    z = torch.eye(2).repeat_interleave(20, dim=0) + 0.01 * vectors(2, 40, 2)
    xy = planar(z, seed=0)
    assert xy.shape == (40, 2)
    inside = np.linalg.norm(xy[:20] - xy[:20].mean(0), axis=1).mean()
    assert np.linalg.norm(xy[:20].mean(0) - xy[20:].mean(0)) > 2 * inside
    np.testing.assert_array_equal(xy, planar(z, seed=0))
