"""Real sound goes through the acoustic network: a smoke check, no measure of how good it is.

38 excerpts in three collections say nothing of how well co-occurrence is learned.
"""

import numpy as np
import pytest

from musig.acoustic import fitted, nearest_tracks, with_vectors
from musig.acoustic_config import AcousticConfig
from musig.features import ACOUSTIC
from musig.sources import music
from musig.spectrograms import spectrograms_of
from musig.splits import Split

pytestmark = pytest.mark.realdata

CONFIG = AcousticConfig(epochs=30, batch_size=32, device="cpu")


@pytest.fixture(scope="module")
def catalog(realdata):
    folder = realdata.parent / "audio"
    if not folder.is_dir():
        pytest.skip(f"{folder} is not there")
    catalog, problems = music.read(folder)
    assert catalog is not None, problems
    return catalog


@pytest.fixture(scope="module")
def split(catalog):
    none = np.array([], dtype=np.int64)
    return Split(np.arange(len(catalog.playlists)), none, none, 0, "all")


def test_every_excerpt_has_windows_of_sound(catalog):
    sound = spectrograms_of(catalog, CONFIG.window, CONFIG.windows, progress=False)
    assert len(sound.rows) == catalog.n_tracks
    for row in sound.rows:
        windows = sound.windows(row)
        assert np.isfinite(windows).all() and windows.std() > 0.1
        assert windows.min() >= 0 and windows.max() < 8


def test_collections_as_playlists_are_learned(catalog, split):
    found = fitted(catalog, split.train, CONFIG, progress=False)
    history = found.trained.history["loss"]
    assert history.iloc[-1] < 0.8 * history.iloc[0]
    assert np.isfinite(found.vectors).all() and np.abs(found.vectors).max() <= 1
    known = with_vectors(catalog, split, CONFIG, progress=False)
    first = known.tracks[list(ACOUSTIC)].iloc[0].to_numpy(dtype=np.float64)
    table = nearest_tracks(known, first, k=5)
    assert table.track_id.iloc[0] == known.tracks.index[0] and len(table) == 5
