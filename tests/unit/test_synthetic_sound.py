"""The recordings of the embedded catalogue say what was planted, and change nothing else."""

from __future__ import annotations

from dataclasses import replace

import librosa
import numpy as np
import pyloudnorm
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from musig.catalog import FEATURES
from musig.errors import MusigError
from musig.sources import synthetic, synthetic_sound
from musig.sources.synthetic_music import PALETTES
from musig.sources.synthetic_sound import RATE, deviations, recorded_rows, render
from musig.sources.synthetic_tracks import GENRES, natural_scale

NAMES = [genre.name for genre in GENRES]


def features(**z):
    """Features on their natural scales, from standard deviations; the others average."""
    return natural_scale(np.array([[z.get(name, 0.0) for name in FEATURES]]))[0]


def played(genre="pop", seconds=6.0, seed=0, **z):
    return render(features(**z), genre, seconds, RATE, np.random.default_rng(seed))


def loudness(sound):
    """Integrated loudness as players play it: the same in two channels."""
    return pyloudnorm.Meter(RATE).integrated_loudness(np.column_stack([sound, sound]))


def level(sound, low, high):
    """Share of the power between two frequencies, in dB."""
    power = np.square(np.abs(np.fft.rfft(sound)))
    f = np.fft.rfftfreq(len(sound), 1 / RATE)
    return 10 * np.log10(power[(f >= low) & (f < high)].sum() / power.sum())


# --- the sound ----------------------------------------------------------------------------------


def test_every_genre_has_a_palette_of_whole_bars():
    assert list(PALETTES) == NAMES
    for palette in PALETTES.values():
        for pattern in (palette.chords, palette.bass_steps, palette.kick_steps):
            assert len(pattern) == 16 and set(pattern) <= set("xo.")
        assert len(palette.snare_steps) == len(palette.hat_steps) == 16


@settings(max_examples=25, deadline=None)
@given(
    z=st.lists(st.floats(-6, 6), min_size=9, max_size=9),
    genre=st.sampled_from(NAMES),
    seconds=st.sampled_from([0.1, 1.0, 2.5]),
    seed=st.integers(0, 2**32),
)
def test_any_features_give_finite_sound_of_the_length_asked_within_full_scale(
    z, genre, seconds, seed
):
    values = natural_scale(np.array([z]))[0]
    sound = render(values, genre, seconds, RATE, np.random.default_rng(seed))
    assert sound.shape == (round(seconds * RATE),) and sound.dtype == np.float32
    assert np.isfinite(sound).all()
    assert 0 < np.abs(sound).max() <= 1


def test_same_seed_same_bits_other_seed_other_music():
    assert np.array_equal(played(seed=3), played(seed=3))
    assert not np.array_equal(played(seed=3), played(seed=4))


def test_unknown_genre_names_the_nearest():
    with pytest.raises(MusigError, match=r"'hiphop'.*did you mean 'hip hop'"):
        played("hiphop")


@given(st.lists(st.floats(-2.4, 2.4), min_size=9, max_size=9))
def test_deviations_are_those_planted(z):
    found = np.array(list(deviations(natural_scale(np.array([z]))[0]).values()))
    known = np.ones(9, dtype=bool)
    # A very small instrumentalness is a true 0: its deviation is gone.
    known[FEATURES.index("instrumentalness")] = z[FEATURES.index("instrumentalness")] > -0.5
    assert found[known] == pytest.approx(np.array(z)[known], abs=1e-6)


@pytest.mark.parametrize("genre", ["folk", "metal", "classical", "hip hop"])
@pytest.mark.parametrize("asked", [-25.0, -14.0, -8.0, -4.0])
def test_loudness_is_the_planted_one(genre, asked):
    values = features()
    values[FEATURES.index("loudness")] = asked
    sound = render(values, genre, 6.0, RATE, np.random.default_rng(1))
    assert loudness(sound) == pytest.approx(asked, abs=0.5)


def test_asked_too_loud_it_stays_below_full_scale():
    values = features()
    values[FEATURES.index("loudness")] = 3.0
    sound = render(values, "pop", 4.0, RATE, np.random.default_rng(1))
    assert np.abs(sound).max() <= 1 and loudness(sound) > -4


@pytest.mark.parametrize("genre", ["pop", "electronic", "rock"])
@pytest.mark.parametrize("z_tempo", [-1.5, 0.0, 1.0])
def test_the_tempo_is_the_planted_one(genre, z_tempo):
    sound = played(genre, 10.0, tempo=z_tempo, danceability=1.5, liveness=-1)
    hop = 128
    onsets = librosa.onset.onset_strength(y=sound, sr=RATE, hop_length=hop)
    again = librosa.autocorrelate(onsets - onsets.mean())
    beat = 60 / features(tempo=z_tempo)[FEATURES.index("tempo")] * RATE / hop
    around = np.arange(int(0.8 * beat), int(1.25 * beat))
    assert around[again[around].argmax()] == pytest.approx(beat, rel=0.02)


def test_features_can_be_heard():
    """One measure each that must move with a feature, on the mean of some genres and seeds."""

    def mean(measure, **z):
        return np.mean([
            measure(played(genre, 5.0, seed, **z))
            for seed, genre in enumerate(["pop", "rock", "folk", "jazz"])
        ])  # fmt: skip

    def rises(measure, by, **z):
        (name,) = z
        low, high = (mean(measure, **{name: s * z[name]}) for s in (-1, 1))
        assert high > low + by, (name, low, high)

    def syllables(sound):  # modulation at 4 Hz of the voice's band
        power = np.square(np.abs(librosa.stft(sound, n_fft=1024, hop_length=441)))[15:160].sum(0)
        envelope = np.sqrt(power) / np.sqrt(power).mean() - 1
        f = np.fft.rfftfreq(len(envelope), 441 / RATE)
        spectrum = np.abs(np.fft.rfft(envelope))
        return spectrum[(f > 3.5) & (f < 4.5)].mean() / spectrum[f < 12].mean()

    def floor(sound):  # what is left in the quietest moments
        power = np.square(np.abs(librosa.stft(sound, n_fft=1024, hop_length=441)))[40:200].sum(0)
        return 10 * np.log10(np.quantile(power, 0.05) / power.mean())

    def swing(sound):  # range of the level in windows of a quarter of a second
        blocks = np.square(sound[: len(sound) // 5512 * 5512]).reshape(-1, 5512).mean(axis=1)
        return np.ptp(10 * np.log10(blocks))

    rises(lambda sound: level(sound, 4000, 11025), 3, energy=1.5)
    rises(lambda sound: level(sound, 20, 90), 3, danceability=1.5)
    rises(floor, 4, liveness=2)
    rises(syllables, 0.3, speechiness=2)
    rises(swing, 1, acousticness=1.5)
    rises(lambda sound: level(sound, 900, 11025), 3, valence=2)
    # The formants and the vibrato of a voice against a lead instrument.
    rises(lambda sound: -level(sound, 2500, 3300), 0.5, instrumentalness=1.5)


# --- which tracks -------------------------------------------------------------------------------


def test_recorded_tracks_are_better_known_and_distinct():
    catalog = synthetic.make("classroom", 3)
    rows = np.flatnonzero(catalog.tracks["recording"].notna())
    counts = catalog.playlists.counts(catalog.n_tracks)
    assert len(rows) == 300
    assert counts[rows].min() >= synthetic_sound.KNOWN_IN
    ids = catalog.tracks.index[rows]
    assert (catalog.tracks["recording"].iloc[rows] == ids + ".flac").all()


def test_where_few_are_known_the_best_known_are_taken():
    counts = synthetic.make("smoke", 0).playlists
    rows = recorded_rows(counts, 300, 299, np.random.default_rng(0))
    assert len(set(rows)) == 299
    left_out = np.setdiff1d(np.arange(300), rows)
    assert counts.counts(300)[left_out] == counts.counts(300).min()


def test_the_largest_size_has_no_sound():
    size = synthetic.SIZES["paper"]
    assert size.n_recordings == 0
    rows = recorded_rows(synthetic.make("smoke").playlists, 300, 0, np.random.default_rng(0))
    assert len(rows) == 0


# Computed before there were recordings.
@pytest.mark.parametrize(
    ("size", "seed", "fingerprint"),
    [
        ("smoke", 0, "d22e4c367bdabfa5dc1fa0254bda5191213fed035955868b4f7bbb3f1c8b33eb"),
        ("smoke", 7, "fa8543d678478f593661764254f96d6a1a8d0a415c3d8f278b79c49214b63b16"),
        ("classroom", 0, "d6ea0b31c3c14dc86cc6062ab48a62a262699693547ae64c90cac2f2d023632a"),
    ],
)
def test_recordings_changed_nothing_else(size, seed, fingerprint):
    catalog = synthetic.make(size, seed)
    without = replace(catalog, tracks=catalog.tracks.drop(columns="recording"))
    assert without.fingerprint == fingerprint


# --- files --------------------------------------------------------------------------------------


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("MUSIG_CACHE", str(tmp_path))
    # A rendering that says when it was called, and as long as the true one.
    calls = []

    def quick(features, genre, seconds, rate, rng):
        calls.append(genre)
        if len(calls) == 20:
            raise KeyboardInterrupt
        return np.full(round(seconds * rate), rng.uniform(0.1, 0.5), dtype=np.float32)

    monkeypatch.setattr(synthetic_sound, "render", quick)
    return tmp_path, calls


def test_a_killed_rendering_goes_on_where_it_stopped(cache):
    folder, calls = cache
    catalog = synthetic.make("smoke", 5)
    with pytest.raises(KeyboardInterrupt):
        catalog.recordings()
    assert not any(path.is_dir() and "." not in path.name for path in folder.iterdir())
    (partial,) = folder.glob("sound-*.partial")
    assert len(list(partial.iterdir())) == 19
    paths = catalog.recordings()
    assert len(calls) == 61  # one of them was interrupted
    assert len(paths) == 60
    interrupted = [soundfile.read(path)[0][0] for path in paths]
    for path in paths:
        (folder / path).unlink()  # damaged: rendered again, all of it
    assert [soundfile.read(path)[0][0] for path in catalog.recordings()] == interrupted


def test_files_are_mono_flac_of_the_track_and_kept(cache):
    _, calls = cache
    calls.extend(["before"] * 30)
    catalog = synthetic.make("smoke", 5)
    paths = catalog.recordings()
    for track, path in paths.items():
        info = soundfile.info(path)
        assert path.endswith(f"{track}.flac")
        assert (info.format, info.subtype, info.channels) == ("FLAC", "PCM_16", 1)
        assert (info.samplerate, info.duration) == (RATE, synthetic.SIZES["smoke"].seconds)
    done = len(calls)
    synthetic.make("smoke", 5).recordings()
    assert len(calls) == done
    assert not paths.equals(synthetic.make("smoke", 6).recordings())
