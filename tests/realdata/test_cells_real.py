"""Recorded cells: the smallest row of the methods table made again from scratch."""

import numpy as np
import pytest

from musig import sources
from musig.experiments import RECORDED, plans, read, run_cell

pytestmark = pytest.mark.realdata


def test_the_smallest_row_comes_out_as_it_was_recorded(realdata):
    (cell,) = plans.methods_table(["popularity"], folds=[0])
    (recorded,) = read([cell])
    if not recorded.has_scores:
        pytest.skip(f"{cell.name} is not recorded yet")
    catalog = sources.load(realdata / "mpd_sample")
    if catalog.fingerprint != recorded.run["data_fingerprint"]:
        pytest.skip("mpd_sample here is not the one of the recorded cell")
    again = run_cell(cell, catalog)
    assert list(again.per_playlist.index) == list(recorded.per_playlist.index)
    for metric in again.per_playlist:
        np.testing.assert_allclose(
            again.per_playlist[metric], recorded.per_playlist[metric], atol=1e-6, err_msg=metric
        )
    for name in ("n", "skipped", "n_tracks", "size"):
        assert again.measures[name] == recorded.measures[name]
    np.testing.assert_allclose(again.curves, recorded.curves, atol=1e-6)


def test_the_recorded_cells_are_small():
    sizes = [path.stat().st_size for path in RECORDED.rglob("*") if path.is_file()]
    if not sizes:
        pytest.skip("no cell is recorded yet")
    assert sum(sizes) < 20e6
