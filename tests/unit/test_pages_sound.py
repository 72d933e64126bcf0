"""Sound on a page: what is played is what was recorded, and what cannot be analysed is said."""

from __future__ import annotations

import base64
import io
import re
import sys
import warnings
from dataclasses import replace
from html.parser import HTMLParser

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import soundfile

from musig import sources
from musig.agreement import agreement
from musig.catalog import FEATURES, Catalog, Playlists
from musig.errors import MusigError
from musig.pages import estimates, listening, sound, style
from musig.sources import music, synthetic


@pytest.fixture(autouse=True)
def styled():
    """Draw with our style, strictly: a warning would stop the book."""
    with plt.rc_context(), warnings.catch_warnings():
        warnings.simplefilter("error")
        style.style()
        yield
        plt.close("all")


def tone(seconds=1.0, rate=22_050, level=0.25, hertz=440.0):
    return (level * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)).astype(
        np.float32
    )


def heard(html):
    """Decode the clips of a page."""
    clips = re.findall(r"data:audio/mpeg;base64,([^\"]+)", html.data)
    return [soundfile.read(io.BytesIO(base64.b64decode(clip))) for clip in clips]


def level(samples):
    middle = samples[len(samples) // 4 : -len(samples) // 4]
    return 20 * np.log10(np.sqrt(np.mean(middle**2)))


class Tags(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.found, self.text = [], ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text += data


@pytest.mark.parametrize("rate", [8_000, 22_050, 44_100, 48_000])
def test_a_clip_holds_what_was_recorded(rate):
    (clip, found) = heard(sound.player(tone(2.0, rate), rate, "a tone"))[0]
    assert found == sound.RATE
    assert len(clip) / found == pytest.approx(2.0, abs=0.15)  # MP3 has whole frames
    spectrum = np.abs(np.fft.rfft(clip * np.hanning(len(clip))))
    assert np.argmax(spectrum) * found / len(clip) == pytest.approx(440, abs=1)


def test_clips_keep_their_level_and_only_what_would_clip_is_turned_down():
    loud, quiet, over = (
        heard(sound.player(tone(level=size), 22_050, "x"))[0][0] for size in (0.4, 0.04, 4.0)
    )
    assert level(loud) - level(quiet) == pytest.approx(20, abs=0.3)
    assert np.abs(over).max() <= 1.0
    assert np.abs(over).max() > 0.9


def test_a_clip_begins_and_ends_without_a_click():
    loud = np.full(22_050, 0.9, np.float32)
    clip, _ = heard(sound.player(loud, 22_050, "a step"))[0]
    assert np.abs(np.diff(clip)).max() < 0.1  # the step of 0.9 became a slope


def test_a_part_is_taken_from_the_middle():
    steps = np.repeat(np.float32([0.01, 0.5, 0.01]), 22_050) * np.tile(tone(), 3) / 0.25
    clip, rate = heard(sound.player(steps, 22_050, "the loud third", seconds=0.8))[0]
    assert len(clip) / rate == pytest.approx(0.8, abs=0.15)
    assert level(clip) > -15


def test_five_seconds_stay_small():
    noise = np.random.default_rng(0).normal(0, 0.1, 5 * 44_100).astype(np.float32)
    assert len(sound.player(noise, 44_100, "noise").data) < 40_000


def test_players_can_be_reached_without_seeing_them_and_run_no_script():
    name = '"><script>alert(1)</script> & 음악'
    shown = sound.players([(name, tone(), 22_050), ("second", tone(), 22_050)])
    tags = Tags(shown.data)
    players = [attributes for tag, attributes in tags.found if tag == "audio"]
    assert [each["aria-label"] for each in players] == [name, "second"]
    assert name in tags.text  # and it is visible too
    assert all("controls" in each and each["preload"] == "metadata" for each in players)
    assert not {"script", "style", "link", "img"} & {tag for tag, _ in tags.found}
    assert not re.search(r"https?://", shown.data)  # nothing is fetched


@pytest.mark.parametrize(
    "samples", [np.empty(0, np.float32), np.float32([0.0, np.nan]), np.zeros((2, 3, 4))]
)
def test_what_is_no_sound_is_no_clip(samples):
    with pytest.raises(MusigError, match="clip 'odd'"):
        sound.player(samples, 22_050, "odd")


TABLE = pd.DataFrame({"energy": [0.1, 0.5], "tempo": [90.0, np.nan]}, index=["a", "b"])
DRAWN = {
    "waveform": lambda ax: sound.waveform(tone(), 22_050, ax),
    "waveform of a moment": lambda ax: sound.waveform(tone(0.001), 22_050, ax),
    "spectrogram": lambda ax: sound.spectrogram(tone(), 22_050, ax),
    "spectrogram of silence": lambda ax: sound.spectrogram(np.zeros(5000), 8_000, ax),
    "pulse": lambda ax: sound.pulse(np.arange(5.0), np.array([0.1]), 0.02, ax),
    "pulse of nothing": lambda ax: sound.pulse(np.zeros(0), np.zeros(0), 0.02, ax),
    "levels": lambda ax: sound.levels(pd.Series([-20.0, -np.inf]), {"mean": -20.0}, ax),
    "levels of silence": lambda ax: sound.levels(pd.Series([-np.inf]), {"mean": np.nan}, ax),
}


@pytest.mark.parametrize("name", DRAWN)
def test_a_figure_is_drawn_on_given_axes_or_on_new_ones(name):
    fig, ax = DRAWN[name](None)
    assert ax.get_figure() is fig
    mine, given = plt.subplots()
    assert DRAWN[name](given) == (mine, given)
    for figure in (fig, mine):
        figure.canvas.draw()


def test_a_tone_lies_at_its_frequency_in_the_spectrogram():
    _, ax = sound.spectrogram(tone(hertz=1000.0), 22_050)
    image = ax.images[0].get_array()
    (ticks,) = [
        place.get_position()[1] for place in ax.get_yticklabels() if place.get_text() == "1,000"
    ]
    assert np.argmax(image.mean(axis=1)) == pytest.approx(ticks, abs=1.5)


def test_pairs_show_what_both_tables_know():
    fig, axes = sound.pairs(TABLE, TABLE, FEATURES, xlabel="x", ylabel="y")
    fig.canvas.draw()
    drawn = {
        ax.get_title(): len(ax.collections[0].get_offsets()) for ax in axes.flat if ax.collections
    }
    assert drawn == {"energy": 2, "tempo": 1}
    assert sum(bool(ax.texts) for ax in axes.flat) == 7  # the others say so


def own_music(folder, names=("one.wav", "b/two.wav", "b/three.ogg"), seconds=4.0):
    rng = np.random.default_rng(0)
    for n, name in enumerate(names):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        samples = tone(seconds, level=0.1 * (n + 1)) + rng.normal(0, 0.01, round(seconds * 22_050))
        soundfile.write(folder / name, samples, 22_050)
    return folder


def test_what_was_analysed_is_kept_and_a_broken_file_says_why(tmp_path, monkeypatch):
    monkeypatch.setenv("MUSIG_CACHE", str(tmp_path / "cache"))
    folder = own_music(tmp_path / "music")
    (folder / "text.mp3").write_text("this is not sound")
    soundfile.write(folder / "silence.wav", np.zeros(22_050), 22_050)
    paths = music.read(folder)[0].recordings()
    features, measures, untold = listening.analysed(paths, 3.5)
    assert list(features.index) == list(paths.index) == list(measures.index)
    assert list(features.columns) == list(FEATURES)
    assert set(untold) == {"text.mp3", "silence.wav"}
    assert str(folder) not in " ".join(untold.values())
    assert features.loc[list(untold)].isna().all(axis=None)
    assert features.drop(list(untold))["loudness"].notna().all()
    monkeypatch.setattr(listening, "estimate", None)  # it is not asked again
    folder.rename(tmp_path / "moved")
    moved = music.read(tmp_path / "moved")[0].recordings()
    pd.testing.assert_frame_equal(listening.analysed(moved, 3.5)[0], features)


def test_a_window_is_read_around_the_middle(tmp_path):
    ramp = np.linspace(-0.5, 0.5, 40_000, dtype=np.float32)
    soundfile.write(tmp_path / "ramp.wav", np.stack([ramp, ramp], axis=1), 8_000)
    part, rate = listening.excerpt(tmp_path / "ramp.wav", 1.0)
    assert part.shape == (8_000,) and rate == 8_000
    assert abs(part.mean()) < 1e-3
    assert listening.excerpt(tmp_path / "ramp.wav", 60.0, mono=False)[0].shape == (2, 40_000)


def test_momentary_loudness_makes_the_loudness_of_the_whole():
    from musig.signal_measures import measure

    steps = np.concatenate([tone(3.0, level=0.2), tone(3.0, level=0.02), np.zeros(22_050)])
    blocks = listening.momentary(steps, 22_050)

    def mean(values):
        return 10 * np.log10(np.mean(10 ** (values / 10)))

    sounding = blocks[blocks > -70]
    loudness = mean(sounding[sounding > mean(sounding) - 10])
    assert loudness == pytest.approx(measure(steps.astype(np.float32), 22_050).loudness, abs=0.01)
    assert listening.momentary(steps[:100], 22_050).empty


def test_beats_lie_where_clicks_are():
    rate = 22_050
    clicks = np.zeros(8 * rate, np.float32)
    clicks[rate // 2 :: rate // 2] = 0.8
    _, beats, _ = listening.onsets(clicks, rate)
    inner = beats[(beats > 1) & (beats < 7)]
    assert len(inner) >= 10
    assert np.abs(inner - np.round(inner * 2) / 2).max() < 0.06
    silence, none, _ = listening.onsets(np.zeros(5 * rate, np.float32), rate)
    assert not silence.any() and len(none) == 0


def test_where_there_is_no_sound_another_catalogue_is_heard_and_it_says_so():
    silent = Catalog(pd.DataFrame({"name": ["x"]}, index=["a"]), Playlists.from_lists([]), "mine")
    heard_instead = listening.with_sound(silent, "embedded-smoke", 0)
    assert heard_instead.name == "embedded-smoke"
    assert "mine has no recordings" in heard_instead.notes[0]
    assert listening.is_synthetic(heard_instead) and not listening.is_synthetic(silent)
    with_own = synthetic.make("smoke")
    assert listening.with_sound(with_own, "embedded-classroom", 0) is with_own
    mels = replace(silent, tracks=silent.tracks.assign(recording="arena_mel_0.tar:0.npy"))
    mels = replace(mels, sound=lambda: None)  # spectrograms are no sound
    assert listening.with_sound(mels, "embedded-smoke", 0).name == "embedded-smoke"
    assert listening.SPARE in sources.DATASETS


def test_the_second_estimator_is_asked_only_where_it_is_wanted_and_there(monkeypatch, tmp_path):
    paths = pd.Series({"a": str(own_music(tmp_path, ("a.wav",)) / "a.wav")})
    assert listening.second_opinion(paths, 4.0, "signal")[0] is None
    monkeypatch.setitem(sys.modules, "vibenet", None)  # as if it were not installed
    found, told = listening.second_opinion(paths, 4.0, "vibenet")
    assert found is None and "pip install" in told


def test_groups_are_genres_or_else_playlists():
    tracks = synthetic.make("smoke").tracks
    genres = listening.groups(synthetic.make("smoke"))
    assert (genres.dropna() == tracks["main_genre"].dropna()).all()
    assert genres.isna().equals(tracks["main_genre"].isna())


def test_extremes_are_each_named_once_and_unknown_ones_never():
    table = pd.DataFrame({"energy": [np.nan, 0.3, 0.7], "tempo": [50.0, 60.0, np.nan]}, list("abc"))
    both = ["lowest", "highest"]
    found = estimates.extremes(table, {"energy": both, "tempo": both})
    assert list(found) == ["b", "c", "a"]
    assert found["a"] == "tempo 50, the lowest"
    assert estimates.extremes(table * np.nan, {"energy": both}) == {"a": "nothing could be told"}


def test_groups_differ_from_all_by_standard_deviations():
    rng = np.random.default_rng(1)
    table = pd.DataFrame(rng.random((30, 2)), columns=["energy", "tempo"])
    of = pd.Series(["x"] * 20 + ["y"] * 9 + [None])
    found = estimates.by_group(table, of)
    assert list(found.index) == ["x", "y"]
    expected = (table[:20].mean() - table.mean()) / table.std()
    np.testing.assert_allclose(found.loc["x"], expected)
    assert estimates.by_group(table * 0 + 1, of).isna().all(axis=None)  # no spread, no units
    rows = estimates.medians({"signal": table}, of)["signal"]
    assert [(row["group"], row["recordings"]) for row in rows] == [("x", 20), ("y", 9)]
    assert rows[1]["energy"] == table["energy"][20:29].median()


def test_every_feature_is_defined_and_has_its_limits():
    assert list(estimates.definition_table()["feature"]) == list(FEATURES)
    assert (estimates.definition_table()["measured here"].str.len() > 5).all()
    assert list(estimates.limits_table()["feature"]) == list(FEATURES)


def test_agreement_is_written_with_its_interval_or_as_unknown():
    rng = np.random.default_rng(0)
    one = pd.DataFrame({"energy": rng.random(20), "tempo": np.nan})
    shown = estimates.agreement_table(agreement(one, one)).set_index("feature")
    assert shown.loc["energy"].tolist() == [20, "1.00 [1.00,\u00a01.00]"]
    assert shown.loc["tempo"].tolist() == [0, "–"]


def test_tempo_is_right_strictly_or_up_to_its_level():
    truth = pd.Series([100.0, 100.0, 100.0, 100.0, 100.0, np.nan, 100.0])
    told = pd.Series([103.9, 104.1, 50.0, 200.0, 300.0, 100.0, np.nan])
    assert estimates.tempo_accuracy(told, truth) == (0.2, 0.8)
    assert np.isnan(estimates.tempo_accuracy(told * np.nan, truth)).all()
