"""Features of real recordings: 38 excerpts of half a minute, of three collections.

What a listener would say, of collections as a whole and of pieces that stand out: orchestral music
(wesnoth), electronic music with beats (singularity), game music, much of it by synthesisers
(supertux). All of it is without voices and without an audience. Nothing was fitted to these 38.

What does not hold, and is therefore not asserted:

- `signal` hears no difference in acousticness between singularity and supertux, whose chamber-like
  pieces (forest_theme, airship_remix) a listener calls acoustic, and `vibenet` too. The piano and
  bells of singularity's orbital-elevator sound acoustic to both.
- Its liveness calls noisy pads live (singularity's media-threat, by-product: 0.8 where vibenet says
  0.15): a steady noise floor is all that it knows of an audience.
- Its instrumentalness and speechiness order these pieces unlike vibenet does (rank correlation near
  0). There is no voice in them to be found, so neither order means much.
- Its valence agrees with vibenet weakly (0.4), as said of it.
"""

import os
from pathlib import Path

import numpy as np
import pytest

from musig.agreement import agreement
from musig.audio import ESTIMATORS, audio_features
from musig.catalog import FEATURES
from musig.errors import MusigError
from musig.feature_table import feature_table
from musig.recordings import duration, find, read
from musig.vibenet_features import need

pytestmark = [pytest.mark.realdata, pytest.mark.slow]


@pytest.fixture(scope="module")
def audio():
    folder = Path(os.environ.get("MUSIG_DATA") or "-") / "audio"
    if not folder.is_dir():
        pytest.skip("MUSIG_DATA holds no folder audio: no real recordings on this machine")
    return folder


@pytest.fixture(scope="module")
def signal(audio):
    return by_name(feature_table(audio, estimator="signal", progress=False))


@pytest.fixture(scope="module")
def vibenet(audio):
    try:
        need()
    except MusigError as error:
        pytest.skip(str(error))
    return by_name(feature_table(audio, estimator="vibenet", progress=False))


def by_name(table):
    table = table.set_index(table.path.str.removesuffix(".ogg"))
    return table.assign(collection=table.index.str.split("_").str[0])


@pytest.fixture(params=ESTIMATORS)
def table(request):
    return request.getfixturevalue(request.param)


def test_all_can_be_read(audio):
    paths = find(audio)
    assert len(paths) == 38
    for path in paths[::6]:
        samples, rate = read(path, rate=22050)
        assert len(samples) == pytest.approx(duration(path) * rate, abs=2)
        assert 0.01 < samples.std() < 1


def test_all_are_told_within_their_ranges(table):
    assert table.error.isna().all()
    unit = [name for name in FEATURES if name not in ("tempo", "loudness")]
    assert table[unit].notna().all(axis=None)
    assert (table[unit] >= 0).all(axis=None) and (table[unit] <= 1).all(axis=None)
    assert table.loudness.between(-40, -5).all()
    assert table.tempo.dropna().between(40, 200).all()


def test_some_pieces_have_no_tempo(signal):
    """Slow strings without a beat: some, all of them orchestral."""
    without = signal[signal.tempo.isna()]
    assert 1 <= len(without) <= 9
    assert set(without.collection) == {"wesnoth"}


def test_features_spread(table):
    """An estimator that says the same of all says nothing."""
    spread = table[["acousticness", "danceability", "energy", "valence"]].std()
    assert (spread > 0.05).all()


def test_orchestral_pieces_are_more_acoustic(table):
    mean = table.groupby("collection").acousticness.mean()
    assert mean["wesnoth"] > mean["singularity"] + 0.2
    assert mean["wesnoth"] > mean["supertux"] + 0.1
    assert table.acousticness["wesnoth_silvan_sanctuary"] > 0.75  # a harp and a flute


def test_orchestral_pieces_are_less_danceable_and_less_energetic(table):
    for name in ("danceability", "energy"):
        mean = table.groupby("collection")[name].mean()
        assert mean["wesnoth"] < min(mean["singularity"], mean["supertux"]) - 0.1, name
    orchestral = table[table.collection == "wesnoth"].danceability
    assert orchestral["wesnoth_northerners"] >= orchestral.quantile(0.8)  # drums throughout


def test_the_loud_and_the_quiet_one(table):
    assert table.loudness.idxmax() == "supertux_ice_music"
    assert table.loudness.idxmin() == "wesnoth_casualties_of_war"
    assert table.energy["supertux_ice_music"] >= table.energy.quantile(0.9)
    assert table.energy["wesnoth_casualties_of_war"] <= table.energy.quantile(0.2)


def test_there_are_no_voices_and_there_is_no_audience(table):
    assert (table.instrumentalness > 0.5).all()
    assert (table.speechiness < 0.66).all() and table.speechiness.median() < 0.33
    assert table.liveness.median() < 0.5 and (table.liveness < 0.8).all()


def test_the_estimators_agree_where_both_know_something(signal, vibenet):
    """Rank correlation whose interval is above 0: nothing was fitted, so this is evidence."""
    found = agreement(signal, vibenet).set_index("feature")
    for name in ("acousticness", "danceability", "energy"):
        assert found.spearman[name] > 0.4 and found.low[name] > 0.1, name
    assert found.spearman["valence"] > 0
    assert found.spearman["loudness"] == found.spearman["tempo"] == 1  # the same numbers
    assert found.loc["energy", "n"] == 38


def test_windows_change_little(audio, signal):
    for path in find(audio)[::9]:
        found = audio_features(path, window=10)
        whole = signal.loc[path.stem]
        for name in ("acousticness", "danceability", "energy"):
            assert found[name] == pytest.approx(whole[name], abs=0.25), (path.stem, name)
        assert np.isfinite(found["loudness"])
