"""The nine features of synthesised sound: what a person who knows signals would ask of them."""

import os
import re
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import soundfile

from musig.audio import ESTIMATORS, audio_features, estimate
from musig.catalog import FEATURES
from musig.errors import MusigError
from musig.recordings import resampled
from musig.signal_features import LIMITS, PARTS, features_from, parts_table
from musig.signal_measures import Measures, measure
from musig.signal_tones import mode, pitch_classes

RATE = 44100
MAJOR, MINOR = (0, 4, 7), (0, 3, 7)
UNIT = [name for name in FEATURES if name not in ("loudness", "tempo")]


def strike(length, frequency, decay):
    t = np.arange(length) / RATE
    return np.sin(2 * np.pi * frequency * t) * np.exp(-t / decay)


def clicks(bpm, seconds=10.0, accent=1, weak=0.5):
    """A metronome: short bursts of 1.5 kHz, every `accent`-th louder."""
    wave = np.zeros(round(seconds * RATE), np.float32)
    burst = 0.5 * strike(round(0.03 * RATE), 1500, 0.006)
    for k, start in enumerate(np.arange(0.1, seconds - 0.05, 60 / bpm)):
        first = round(start * RATE)
        wave[first : first + len(burst)] += burst * (1 if k % accent == 0 else weak)
    return wave


def song(bpm=100, third=MAJOR, seconds=12.0, seed=0, drums=0.3):
    """Chords that change each bar, a bass, and noise on the beats; two channels."""
    rng = np.random.default_rng(seed)
    t = np.arange(round(seconds * RATE)) / RATE
    bar = (t * bpm / 240).astype(int)
    root = 220 * 2 ** (np.array([0, 5, 7, 0])[bar % 4] / 12)
    phase = 2 * np.pi * np.cumsum(root) / RATE
    notes = [np.sin(2 ** (k / 12) * phase * h) / h for k in third for h in (1, 2, 3)]
    beat = (t * bpm / 60) % 1 * 60 / bpm
    noise = rng.standard_normal(len(t)) * np.exp(-beat / 0.03)
    mono = 0.05 * sum(notes) * (0.5 + 0.5 * np.exp(-beat / 0.3)) + 0.1 * np.sin(phase / 2)
    left, right = mono + drums * 0.3 * noise, 0.8 * mono + drums * 0.3 * noise
    return np.array([left, right], dtype=np.float32)


def syllables(seconds=12.0, seed=0):
    """What has the rhythm of speech: four or so bursts of buzz a second, with pauses."""
    rng = np.random.default_rng(seed)
    wave = np.zeros(round(seconds * RATE))
    at = 0.1
    while at < seconds - 0.5:
        length = round(rng.uniform(0.12, 0.2) * RATE)
        t = np.arange(length) / RATE
        pitch, formant = rng.uniform(100, 160), rng.uniform(400, 1200)
        harmonics = np.arange(1, 30)[:, None] * pitch
        weight = 1 / (1 + ((harmonics - formant) / 200) ** 2)
        tone = (weight * np.sin(2 * np.pi * harmonics * t)).sum(axis=0)
        first = round(at * RATE)
        wave[first : first + length] += tone * np.hanning(length)
        at += rng.uniform(0.19, 0.32) + (0.7 if rng.random() < 0.2 else 0)
    return (0.2 * wave / np.abs(wave).max()).astype(np.float32)


def noise(seconds=10.0, seed=0, level=0.1):
    samples = round(seconds * RATE)
    return (level * np.random.default_rng(seed).standard_normal(samples)).astype(np.float32)


@pytest.fixture(scope="module")
def reference():
    return audio_features(song(), RATE)


def differences(found, reference):
    """Largest difference of the features within 0 to 1; of loudness in LU; of tempo as a ratio."""
    unit = max(abs(found[name] - reference[name]) for name in UNIT)
    loudness = found["loudness"] - reference["loudness"]
    return unit, loudness, abs(found["tempo"] / reference["tempo"] - 1)


# --- rhythm


@pytest.mark.parametrize("bpm", range(60, 181, 10))
@pytest.mark.parametrize("accent", [1, 4])
def test_tempo_of_clicks_within_two_per_cent(bpm, accent):
    """No octave error either: clicks have one tempo, which half and double are not."""
    found = audio_features(clicks(bpm, accent=accent), RATE)["tempo"]
    assert found == pytest.approx(bpm, rel=0.02)


@pytest.mark.parametrize(("bpm", "seconds"), [(97.3, 10), (133.7, 30), (75.0, 4), (120.0, 60)])
def test_tempo_of_other_lengths_and_fractions(bpm, seconds):
    assert audio_features(clicks(bpm, seconds), RATE)["tempo"] == pytest.approx(bpm, rel=0.02)


def test_octave_errors_are_where_the_docstring_says():
    """Quavers as loud as the beat are a beat: of 60 and 120 the one near 120 is taken."""
    slow = clicks(120, accent=2, weak=0.9)  # 60 beats a minute, nearly even quavers
    assert audio_features(slow, RATE)["tempo"] == pytest.approx(120, rel=0.02)
    clear = clicks(160, accent=2, weak=0.02) + noise(level=0.003)  # 80, quavers hardly heard
    assert audio_features(clear, RATE)["tempo"] == pytest.approx(80, rel=0.02)


def test_the_level_is_one_that_the_sound_has():
    """Clicks return at half their tempo too, which is nearer 120, but have nothing there."""
    assert audio_features(clicks(190), RATE)["tempo"] == pytest.approx(190, rel=0.02)


def test_tempo_of_a_song_follows_the_song():
    for bpm in (84, 100, 126):
        assert audio_features(song(bpm), RATE)["tempo"] == pytest.approx(bpm, rel=0.02)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("seconds", [3.2, 6, 20])
def test_noise_has_no_tempo(seed, seconds):
    found = estimate(noise(seconds, seed), RATE)
    assert np.isnan(found.features["tempo"])
    assert found.reasons["tempo"] == "there is no pulse that noise would not have too"


def test_irregular_clicks_are_less_regular_and_less_danceable():
    rng = np.random.default_rng(3)
    wave = np.zeros(12 * RATE, np.float32)
    for start in np.sort(rng.uniform(0.1, 11.5, 24)):
        first = round(start * RATE)
        wave[first : first + 1323] += 0.5 * strike(1323, 1500, 0.006)
    even, uneven = measure(clicks(120, 12), RATE), measure(wave, RATE)
    assert even.pulse_clarity > 0.9 > 0.5 > uneven.pulse_clarity
    assert even.regularity > 0.9 > uneven.regularity
    assert features_from(even)[0]["danceability"] > features_from(uneven)[0]["danceability"] + 0.2


# --- level, rate, channels


def test_loudness_is_that_of_the_standard():
    """EBU Tech 3341, case 1: a sine of 1 kHz at -23 dBFS in both channels has -23 LUFS."""
    t = np.arange(20 * 48000) / 48000
    sine = (10 ** (-23 / 20) * np.sin(2 * np.pi * 1000 * t)).astype(np.float32)
    assert audio_features(np.array([sine, sine]), 48000)["loudness"] == pytest.approx(-23, abs=0.1)
    assert audio_features(sine, 48000)["loudness"] == pytest.approx(-23, abs=0.1)  # as two channels


@pytest.mark.parametrize("gain", [-6, -20, 3])
def test_gain_moves_loudness_alone(reference, gain):
    found = audio_features(song() * np.float32(10 ** (gain / 20)), RATE)
    unit, loudness, tempo = differences(found, reference)
    assert loudness == pytest.approx(gain, abs=0.1)
    assert unit < 0.001 and tempo < 1e-6


@pytest.mark.parametrize("rate", [22050, 32000, 48000, 96000])
def test_rate_does_not_matter(reference, rate):
    found = audio_features(resampled(song(), RATE, rate), rate)
    unit, loudness, tempo = differences(found, reference)
    assert unit < 0.01 and abs(loudness) < 0.3 and tempo < 0.005


def test_a_mono_file_is_its_stereo_copy():
    left = song()[:1]
    both = np.concatenate([left, left])
    one, row, two = (audio_features(x, RATE) for x in (left, left[0], both))
    assert differences(one, row) == (0, 0, 0)
    unit, loudness, tempo = differences(two, one)
    assert unit < 1e-4 and abs(loudness) < 0.01 and tempo < 1e-6


@pytest.mark.parametrize("channels", [3, 5, 6, 8])
def test_any_number_of_channels(reference, channels):
    found = audio_features(np.repeat(song()[:1], channels, axis=0), RATE)
    assert found["tempo"] == pytest.approx(reference["tempo"], rel=0.01)
    assert -40 < found["loudness"] < 0


def test_low_effects_do_not_count_in_loudness():
    surround = np.repeat(song()[:1], 6, axis=0)
    quiet = surround.copy()
    quiet[3] = 0
    assert measure(surround, RATE).loudness == pytest.approx(measure(quiet, RATE).loudness)


def test_a_shift_in_time_hardly_matters(reference):
    unit, loudness, tempo = differences(audio_features(song()[:, 3210:], RATE), reference)
    assert unit < 0.03 and abs(loudness) < 0.1 and tempo < 0.01


def test_an_offset_of_zero_hertz_is_not_heard(reference):
    found = audio_features(song() + np.float32(0.2), RATE)
    unit, loudness, tempo = differences(found, reference)
    assert unit < 0.001 and abs(loudness) < 0.01 and tempo < 1e-6


# --- what cannot be told


@pytest.mark.parametrize(
    ("wave", "why"),
    [
        (np.zeros(10 * RATE, np.float32), "it is silent: nowhere above -70 LUFS"),
        (np.full(10 * RATE, 0.5, np.float32), "it is silent: nowhere above -70 LUFS"),
        (noise(level=1e-6), "it is silent: nowhere above -70 LUFS"),
        (clicks(120)[: RATE // 10], "0.10 s is shorter than the 0.4 s that loudness needs"),
    ],
    ids=["silence", "offset", "faint", "short"],
)
def test_nothing_is_told_of_nothing(wave, why):
    found = estimate(wave, RATE)
    assert list(found.features) == list(FEATURES)
    assert all(np.isnan(value) for value in found.features.values())
    assert found.reasons == dict.fromkeys(FEATURES, why)


def test_short_sound_has_a_loudness_only():
    found = estimate(clicks(120, 2.0), RATE)
    assert found.features["loudness"] < 0 and "loudness" not in found.reasons
    assert all(np.isnan(found.features[name]) for name in (*UNIT, "tempo"))
    assert "shorter than the 3 s" in found.reasons["energy"]


def test_a_click_in_a_long_silence_is_survived():
    wave = np.zeros(10 * RATE, np.float32)
    wave[5 * RATE] = 0.04
    found = measure(wave, RATE)
    assert -70 < found.loudness < -50 and np.isnan(found.tempo) and np.isnan(found.loudness_range)
    assert all(
        np.isfinite(value) for name, value in features_from(found)[0].items() if name in UNIT
    )


def test_opposite_channels_have_a_loudness_only():
    left = song()[0]
    found = estimate(np.array([left, -left]), RATE)
    assert found.features["loudness"] < 0
    assert "opposites" in found.reasons["energy"] and np.isnan(found.features["energy"])


def test_a_lasting_tone_has_no_rhythm():
    t = np.arange(10 * RATE) / RATE
    found = estimate((0.3 * np.sin(2 * np.pi * 440 * t)).astype(np.float32), RATE)
    assert np.isnan(found.features["tempo"])
    assert found.features["danceability"] < 0.1 and found.features["speechiness"] < 0.33


def test_clipping_is_survived():
    """Ten decibels over full scale: louder and less dynamic, of the same tempo."""
    wave = song() / np.abs(song()).max()
    clipped = np.clip(wave * np.float32(10 ** (10 / 20)), -1, 1)
    before, after = measure(wave, RATE), measure(clipped, RATE)
    assert after.crest < before.crest and after.loudness > before.loudness + 5
    assert after.tempo == pytest.approx(before.tempo, rel=0.01)
    assert all(0 < features_from(after)[0][name] < 1 for name in UNIT)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_samples_that_are_no_numbers_are_refused(bad):
    wave = clicks(120)
    wave[1000] = bad
    with pytest.raises(MusigError, match="1 sample that is not a finite number, at sample 1,000"):
        audio_features(wave, RATE)


def test_options_are_checked(tmp_path):
    wave = clicks(120)
    with pytest.raises(MusigError, match="did you mean 'signal'"):
        audio_features(wave, RATE, estimator="signals")
    with pytest.raises(MusigError, match="rate of the samples was not given"):
        audio_features(wave)
    with pytest.raises(MusigError, match="4,000 samples a second: expected 8,000"):
        audio_features(wave, 4000)
    for rate in (0, -5, "44100"):
        with pytest.raises(MusigError, match=f"rate is {rate!r}: expected samples a second"):
            audio_features(wave, rate)
    with pytest.raises(MusigError, match="recording is a list: expected the path of a sound"):
        audio_features([0.0] * RATE, RATE)
    with pytest.raises(MusigError, match="window of 1 s was asked for: expected 3 s"):
        audio_features(wave, RATE, window=1)
    (tmp_path / "song.mp3").write_text("la la la\n" * 1000)
    with pytest.raises(MusigError, match=r"song\.mp3 is not sound that can be read"):
        audio_features(tmp_path / "song.mp3")


# --- what the measures mean


def test_files_and_windows(tmp_path):
    wave = np.concatenate([song(100, seconds=9.0), song(126, seconds=18.0)], axis=1)
    soundfile.write(tmp_path / "song.flac", wave.T, RATE)
    found = estimate(tmp_path / "song.flac", window=9)
    assert [round(part.tempo) for part in found.measures] == pytest.approx([100, 126, 126], abs=2)
    assert found.features["tempo"] == pytest.approx(126, rel=0.02)  # the median
    same = estimate(wave, RATE, window=9)
    unit, loudness, tempo = differences(found.features, same.features)
    assert unit < 0.01 and abs(loudness) < 0.01 and tempo < 1e-6  # the file has 16 bits
    mean = np.mean([features_from(part)[0]["energy"] for part in same.measures])
    assert same.features["energy"] == pytest.approx(mean)


def test_loudness_is_that_of_the_whole_whatever_the_window():
    """R 128 gates the whole programme: quiet windows count for little, not for half."""
    wave = np.concatenate([noise(9), noise(9) * np.float32(10 ** (-30 / 20))])
    whole, windows = (audio_features(wave, RATE, window=window) for window in (None, 9))
    assert windows["loudness"] == whole["loudness"]
    assert measure(wave[: 9 * RATE], RATE).loudness - whole["loudness"] < 1  # not 15


def test_a_silent_window_does_not_hide_the_others():
    wave = np.concatenate([np.zeros((2, 9 * RATE), np.float32), song(seconds=9.0)], axis=1)
    found = estimate(wave, RATE, window=9)
    assert not found.reasons and 0 < found.features["energy"] < 1


def test_major_and_minor_are_told_apart_in_any_tuning():
    for tuning in (0.98, 1.0, 1.02):
        for root in (220, 311):
            t = np.arange(3 * 22050) / 22050
            values = {}
            for name, chord in {"major": MAJOR, "minor": MINOR}.items():
                frequencies = [tuning * root * 2 ** (k / 12) for k in chord]
                wave = sum(np.sin(2 * np.pi * f * t) for f in frequencies)
                values[name] = mode(pitch_classes(wave.astype(np.float32)))
            assert values["major"] > 0 > values["minor"]
    assert (
        audio_features(song(third=MAJOR), RATE)["valence"]
        > audio_features(song(third=MINOR), RATE)["valence"] + 0.1
    )


def test_speech_rhythm_is_more_speech_than_music_is():
    """The range of the definition: above 0.66 speech, below 0.33 music."""
    assert audio_features(syllables(), RATE)["speechiness"] > 0.66
    assert audio_features(song(), RATE)["speechiness"] < 0.33


def test_vibrato_is_less_instrumental_than_a_steady_tone():
    t = np.arange(10 * RATE) / RATE
    steady, sung = (
        np.float32(0.2)
        * sum(
            np.sin(h * (2 * np.pi * 330 * t + depth * 330 / 5.5 * np.sin(2 * np.pi * 5.5 * t))) / h
            for h in (1, 2, 3, 4)
        ).astype(np.float32)
        for depth in (0.0, 0.03)  # half a semitone, 5.5 times a second
    )
    one, other = measure(steady, RATE), measure(sung, RATE)
    assert one.glide < 2 and other.glide > 15
    assert (
        features_from(one)[0]["instrumentalness"]
        > features_from(other)[0]["instrumentalness"] + 0.1
    )


def test_a_noisy_room_is_livelier_than_a_dry_one():
    dry = audio_features(song(), RATE)
    room = audio_features(song() + noise(12, level=0.02), RATE)
    assert room["liveness"] > dry["liveness"] + 0.1


def test_drums_are_energy_and_not_acoustic():
    """Drums far above all else are dynamics too, so energy does not go on rising with them."""
    none, some, many = (audio_features(song(drums=drums), RATE) for drums in (0, 0.3, 1))
    assert some["energy"] > none["energy"] + 0.05
    assert many["energy"] > none["energy"] + 0.05
    assert many["acousticness"] < some["acousticness"] < none["acousticness"] + 0.02


def test_each_feature_is_monotone_in_each_of_its_parts():
    middle = {
        part.measure: (part.low + part.high) / 2 for parts in PARTS.values() for part in parts
    }
    middle.pop("tempo_distance")
    measures = Measures(**{**middle, "tempo": 100.0, "loudness": -14.0})
    for feature, parts in PARTS.items():
        for part in parts:
            if part.measure == "tempo_distance":
                ends = [replace(measures, tempo=120 * 2**octaves) for octaves in (1, 0)]
            else:
                ends = [replace(measures, **{part.measure: end}) for end in (part.low, part.high)]
            low, high = (features_from(end)[0][feature] for end in ends)
            assert 0 < low < high < 1, (feature, part.measure)


def test_a_feature_whose_parts_are_all_low_is_a_tenth():
    for feature, parts in PARTS.items():
        for end, value in (("low", 0.1), ("high", 0.9)):
            values = {part.measure: getattr(part, end) for part in parts}
            if "tempo_distance" in values:
                values["tempo"] = 120 * 2 ** values.pop("tempo_distance")
            assert features_from(Measures(**values))[0][feature] == pytest.approx(value)


def test_every_feature_has_parts_or_is_a_measure_and_says_what_it_cannot_tell():
    assert {*PARTS, "loudness", "tempo"} == set(FEATURES) == set(LIMITS)
    known = set(Measures.__dataclass_fields__) | {"tempo_distance"}
    table = parts_table()
    assert set(table.measure) <= known and not table.duplicated(["feature", "measure"]).any()


# --- vibenet


def test_without_vibenet_one_sentence_says_how_to_get_it(monkeypatch):
    monkeypatch.setattr("musig.vibenet_features.find_spec", lambda name: None)
    with pytest.raises(MusigError, match=r'GPL, version 3: pip install .*"\.\[vibenet\]"'):
        audio_features(clicks(120), RATE, estimator="vibenet")


@pytest.mark.slow
def test_signal_does_not_import_vibenet():
    """In a process of its own: other tests, and other libraries, may have imported it here."""
    script = (
        "import sys, numpy as np; from musig.audio import audio_features;"
        "audio_features(np.random.default_rng(0).normal(0, 0.1, 44100), 22050);"
        "assert not {'vibenet', 'onnxruntime'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


def test_vibenet_completes_with_tempo_and_loudness():
    pytest.importorskip("vibenet", reason="the optional estimator is not installed")
    wave = song()
    signal, learned = (audio_features(wave, RATE, estimator) for estimator in ESTIMATORS)
    assert list(learned) == list(FEATURES)
    assert (learned["tempo"], learned["loudness"]) == (signal["tempo"], signal["loudness"])
    assert all(0 <= learned[name] <= 1 for name in UNIT)
    assert all(learned[name] != signal[name] for name in UNIT)


@pytest.mark.parametrize(
    "nothing",
    [np.zeros(10 * RATE, np.float32), clicks(120, 2.0), np.array([song()[0], -song()[0]])],
    ids=["silence", "short", "opposites"],
)
def test_vibenet_makes_nothing_up(nothing):
    pytest.importorskip("vibenet", reason="the optional estimator is not installed")
    found, known = (estimate(nothing, RATE, estimator) for estimator in ("vibenet", "signal"))
    assert found.reasons == known.reasons
    np.testing.assert_equal(found.features, known.features)
    assert all(np.isnan(found.features[name]) for name in UNIT)


def test_a_vibenet_of_another_make_is_refused(monkeypatch, tmp_path):
    pytest.importorskip("vibenet", reason="the optional estimator is not installed")
    from musig import vibenet_features

    monkeypatch.setattr(vibenet_features, "files", lambda name: tmp_path)
    vibenet_features._network.cache_clear()
    with pytest.raises(MusigError, match="vibenet is laid out otherwise"):
        audio_features(clicks(120), RATE, estimator="vibenet")


MEASURING = """
import numpy as np
from musig.signal_measures import measure

beats = np.random.default_rng(0).standard_normal(220_500).astype(np.float32)
beats *= np.exp(-(np.arange(220_500) % 11_025) / 500)
print("beats", measure(0.1 * beats, 22_050).beat_strength)
"""


@pytest.mark.slow
def test_two_that_measure_first_do_not_compile_the_same_at_once(tmp_path):
    """What numba keeps of a generalised function fits only what the same process made."""
    environment = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path), "NUMBA_DEBUG_CACHE": "1"}

    def start():
        command = [sys.executable, "-c", MEASURING]
        return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)

    printed = [process.communicate()[0] for process in (start(), start())]
    saved = [re.findall(r"data saved to '(.*guf-.*)'", text) for text in printed]
    assert sorted(map(len, saved))[0] == 0 and sum(map(len, saved)) > 10
    later = start().communicate()[0]
    assert "saved" not in later
    measured = [re.search(r"^beats (.*)$", text, re.M).group(1) for text in [*printed, later]]
    assert len(set(measured)) == 1 and measured[0] != "nan"
