"""The music graph of real playlists equals scipy's product, edge by edge."""

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from musig.features import GROUPS, fit_attributes
from musig.graph import cooccurrence, edge_table, graph_statistics, music_graph, shuffled, to_csr
from musig.sources import load

pytestmark = pytest.mark.realdata


@pytest.fixture(scope="module")
def catalog(realdata):
    return load(realdata / "mpd_sample")


@pytest.mark.parametrize(("min_weight", "every"), [(2, 1), (0, 8)])
def test_equals_scipy(catalog, min_weight, every):
    """All playlists above a weight; of every eighth each single pair (all would take gigabytes)."""
    playlists = catalog.playlists.subset(np.arange(0, len(catalog.playlists), every))
    n = len(catalog.tracks)
    ones = np.ones(len(playlists.tracks), np.int32)
    member = sparse.csr_array((ones, playlists.tracks, playlists.indptr), shape=(len(playlists), n))
    product = (member.T @ member).tocsr()
    product.setdiag(0)
    product.data[product.data <= min_weight] = 0
    product.eliminate_zeros()
    product.sort_indices()
    found = cooccurrence(playlists.indptr, playlists.tracks, n, min_weight)
    assert len(found[1]) > 100_000
    for ours, theirs in zip(found, (product.indptr, product.indices, product.data), strict=True):
        assert np.array_equal(ours, theirs)


def test_table_and_statistics_agree(catalog):
    data = music_graph(
        catalog.playlists, len(catalog.tracks), 2, track_ids=catalog.tracks.index.tolist()
    )
    table = edge_table(data)
    statistics = graph_statistics(data)
    assert len(table) == statistics["edges"] == to_csr(data).degree.sum() // 2
    assert (table.source < table.target).all() and not table.duplicated(["source", "target"]).any()
    assert table.weight.min() == statistics["weight_min"] == 3
    ends = pd.concat([table.source, table.target]).unique()
    assert statistics["isolated"] == len(catalog.tracks) - len(ends)


def test_real_playlists_join_tracks_more_than_their_shuffle(catalog):
    """The signal: far fewer heavy edges where membership says nothing."""
    control = shuffled(catalog.playlists, np.random.default_rng(0))
    assert (
        control.counts(len(catalog.tracks)) == catalog.playlists.counts(len(catalog.tracks))
    ).all()
    real, chance = (
        music_graph(playlists, len(catalog.tracks), 2).edge_weight
        for playlists in (catalog.playlists, control)
    )
    assert len(chance) < len(real) / 2


def test_attributes_of_real_tracks(catalog):
    attributes = fit_attributes(catalog.tracks, GROUPS[:3])
    assert np.isfinite(attributes.x).all()
    for group in ("POPULARITY", "AUDIO"):
        start, stop = attributes.groups[group]
        known = attributes.x[attributes.x[:, stop - 1] == 0, start : stop - 1].astype(float)
        np.testing.assert_allclose(known.mean(axis=0), 0, atol=0.02)
        np.testing.assert_allclose(known.std(axis=0), 1, atol=0.02)
    indicator = attributes.x[:, attributes.groups["AUDIO"][1] - 1]
    assert set(np.unique(indicator)) == {0, 1}  # all nine features or none: one indicator is enough
