"""Windows of spectrograms: the right ones, computed once, by what the recordings hold."""

import io
import logging
import tarfile

import librosa
import numpy as np
import pandas as pd
import pytest
import soundfile

from musig import recordings, spectrograms
from musig.catalog import Catalog, Playlists
from musig.errors import MusigError
from musig.mel import COMPRESSION
from musig.spectrograms import MelonSpectrograms, fitted, from_recordings, spectrograms_of

RATE = 16_000


@pytest.fixture
def cache_of_its_own(tmp_path, monkeypatch):
    monkeypatch.setenv("MUSIG_CACHE", str(tmp_path / "cache"))


def write(folder, name, seconds, seed):
    sound = np.random.default_rng(seed).normal(0, 0.1, round(seconds * RATE))
    soundfile.write(folder / name, sound.astype(np.float32), RATE, subtype="PCM_16")
    return folder / name


def made(paths, **options):
    return from_recordings(paths, np.arange(len(paths)), progress=False, **options)


def test_windows_are_librosas_of_the_parts_of_the_recording(tmp_path):
    path = write(tmp_path, "a.wav", 6.0, 0)
    windows = made([path], window=2.0).windows(0)
    sound = soundfile.read(path, dtype="float32")[0]
    assert windows.shape == (3, 128, 41) and windows.dtype == np.float32
    for k, window in enumerate(windows):
        part = sound[2 * k * RATE : 2 * (k + 1) * RATE]
        power = librosa.feature.melspectrogram(y=part, sr=RATE, n_fft=2048, hop_length=800)
        np.testing.assert_allclose(window, np.log10(1 + COMPRESSION * power), atol=4e-3)  # float16


def test_at_most_so_many_windows_spread_over_the_recording(tmp_path):
    path = write(tmp_path, "a.wav", 9.0, 0)
    all_of_them, some = made([path], window=1.0), made([path], window=1.0, at_most=3)
    assert len(all_of_them.windows(0)) == 8  # the default
    every = made([path], window=1.0, at_most=9).windows(0)
    chosen = [int(s) for s in recordings.window_starts(9.0, 1.0, 3)]
    assert np.array_equal(some.windows(0), every[chosen])


def test_place_chooses_the_window(tmp_path):
    sound = made([write(tmp_path, "a.wav", 4.0, 0), write(tmp_path, "b.wav", 2.0, 1)], window=1.0)
    for row, count in ((0, 4), (1, 2)):
        windows = sound.windows(row)
        assert len(windows) == count
        for place in (0.0, 0.26, 0.6, 0.999):
            expected = windows[int(place * count)]
            assert np.array_equal(sound.window(row, place).astype(np.float32), expected)


def test_short_clips_are_their_own_window_and_shorter_ones_are_repeated(tmp_path):
    paths = [write(tmp_path, "a.wav", 3.0, 0), write(tmp_path, "b.wav", 1.5, 1)]
    sound = made(paths, window=30.0)
    assert sound.frames == 61, "30 s of frames for clips of 3 s"
    assert 60 * sound.frame_seconds == pytest.approx(3.0)
    short = sound.windows(1)[0]
    alone = made(paths[1:], window=30.0).windows(0)[0]
    assert alone.shape[1] == 31
    assert np.array_equal(short, fitted(alone, 61))
    assert np.array_equal(short[:, 31:], short[:, :30]) and short[:, 31:].any()


def test_a_hundredth_of_a_second_still_has_a_window_the_network_can_take(tmp_path):
    from musig.acoustic_network import SHORTEST

    sound = made([write(tmp_path, "a.wav", 0.01, 0)])
    assert sound.windows(0).shape == (1, 128, SHORTEST)


def test_computed_once_and_anew_only_if_a_byte_changes(tmp_path, cache_of_its_own, monkeypatch):
    calls, real = [], spectrograms._sounds
    monkeypatch.setattr(spectrograms, "_sounds", lambda *a: calls.append(a) or real(*a))
    paths = [write(tmp_path, "a.wav", 1.0, 0), write(tmp_path, "b.wav", 1.0, 1)]
    first = made(paths)
    assert len(calls) == 2
    assert made(paths).fingerprint == first.fingerprint and len(calls) == 2
    renamed = [paths[0].rename(tmp_path / "other name.wav"), paths[1]]
    again = made(renamed)
    assert len(calls) == 2 and again.fingerprint == first.fingerprint
    content = bytearray(renamed[1].read_bytes())
    content[-1] ^= 1
    renamed[1].write_bytes(content)
    changed = made(renamed)
    assert len(calls) == 4 and changed.fingerprint != first.fingerprint
    assert made(renamed, window=0.5).frames != changed.frames and len(calls) == 6


def test_stopped_it_goes_on_where_it_was(tmp_path, cache_of_its_own, monkeypatch):
    monkeypatch.setattr(spectrograms, "AT_ONCE", 2)
    paths = [write(tmp_path, f"{k}.wav", 1.0, k) for k in range(6)]
    expected = [made([path]).windows(0) for path in paths]
    calls, real = [], spectrograms._sounds

    def stop_at_the_fifth(path, *rest):
        calls.append(path)
        if len(calls) == 5:
            raise KeyboardInterrupt
        return real(path, *rest)

    monkeypatch.setattr(spectrograms, "_sounds", stop_at_the_fifth)
    with pytest.raises(KeyboardInterrupt):
        made(paths)
    found = made(paths)
    assert calls[5:] == paths[4:], "it began anew"
    for row, windows in enumerate(expected):
        assert np.array_equal(found.windows(row), windows)


def test_windows_that_go_through_together_are_the_same_bits(tmp_path, monkeypatch):
    lengths = (2.0, 1.0, 3.5, 0.5, 1.0)
    paths = [write(tmp_path, f"{k}.wav", length, k) for k, length in enumerate(lengths)]
    found = []
    for at_once in (1, 3, 64):
        monkeypatch.setattr(spectrograms, "AT_ONCE", at_once)
        monkeypatch.setenv("MUSIG_CACHE", str(tmp_path / str(at_once)))
        sound = made(paths, window=1.0, device="cpu")
        found.append([sound.windows(row) for row in range(5)])
    for other in found[1:]:
        assert all(np.array_equal(a, b) for a, b in zip(found[0], other, strict=True))


def test_a_damaged_recording_is_named_and_the_others_are_there(tmp_path, cache_of_its_own, caplog):
    good = write(tmp_path, "good.wav", 1.0, 0)
    text = tmp_path / "text.mp3"
    text.write_text("no sound at all")
    missing = tmp_path / "missing.wav"
    holed = tmp_path / "holed.wav"
    soundfile.write(holed, np.full(RATE, np.nan), RATE, subtype="FLOAT")
    for _ in range(2):  # the second time from the cache: told again
        caplog.clear()
        with caplog.at_level(logging.WARNING):
            sound = made([text, good, missing, holed])
        assert sound.rows.tolist() == [1] and sound.windows(1).any()
        for path in (text, missing, holed):
            assert sum(str(path) in message for message in caplog.messages) == 1, path


def test_nothing_readable_is_refused(tmp_path, cache_of_its_own):
    text = tmp_path / "text.wav"
    text.write_text("no sound at all")
    with pytest.raises(MusigError, match=r"None of 1 recording can be read. The first: .*text.wav"):
        made([text])


# --- Melon -----------------------------------------------------------------------------------


def melon(folder, spectra):
    """Tar files in the data set's format: two, of float32 arrays (48, frames)."""
    names = []
    for k, spectrum in enumerate(spectra):
        tar = folder / f"arena_mel_{k % 2}.tar"
        names.append(f"{tar.name}:0/{k}.npy")
        content = io.BytesIO()
        np.save(content, spectrum)
        with tarfile.open(tar, "a") as archive:
            member = tarfile.TarInfo(f"0/{k}.npy")
            member.size = content.tell()
            content.seek(0)
            archive.addfile(member, content)
    return names


@pytest.fixture
def spectra():
    rng = np.random.default_rng(0)
    return [rng.normal(-40, 9, (48, n)).astype(np.float32) for n in (1876, 1876, 500, 300)]


def test_melon_is_read_where_it_lies(tmp_path, spectra, cache_of_its_own):
    names = melon(tmp_path, spectra)
    tracks = pd.DataFrame(
        {"recording": [names[0], None, names[1], names[2], names[3]]}, index=list("abcde")
    )
    catalog = Catalog(tracks, Playlists.from_lists([[0, 1]]), "melon", sound=lambda: tmp_path)
    sound = spectrograms_of(catalog, window=8.0, progress=False)
    assert isinstance(sound, MelonSpectrograms)
    assert sound.rows.tolist() == [0, 2, 3, 4]
    assert (sound.n_mels, sound.frames, sound.unit) == (48, 500, "level (dB)")
    assert sound.frames * sound.frame_seconds == pytest.approx(8.0)
    first = sound.windows(0)
    assert first.shape == (4, 48, 500)  # three whole ones, and one that ends with the recording
    assert np.array_equal(first[1], spectra[0][:, 500:1000])
    assert np.array_equal(first[3], spectra[0][:, 1376:])
    assert np.array_equal(sound.windows(3)[0], spectra[2])
    assert np.array_equal(sound.windows(4)[0], fitted(spectra[3], 500))
    assert np.array_equal(sound.window(0, 0.3), spectra[0][:, 500:1000])
    before = {path.name: path.stat().st_size for path in tmp_path.glob("*.tar")}
    assert set(before) == {"arena_mel_0.tar", "arena_mel_1.tar"}, "something was unpacked"


def test_a_damaged_melon_track_has_no_window(tmp_path, spectra, cache_of_its_own, caplog):
    spectra[2] = np.zeros((7, 3), np.float32)
    sound = MelonSpectrograms(tmp_path, melon(tmp_path, spectra), np.arange(4))
    with caplog.at_level(logging.WARNING):
        assert sound.windows(2).shape == (0, 48, 1875)
        assert sound.window(2, 0.5) is None and sound.windows(2).shape == (0, 48, 1875)
    assert sum("0/2.npy" in message for message in caplog.messages) == 1
    assert len(sound.windows(1)) == 1
