"""Sound files: what is read is what was written, and what is not sound is refused in a sentence."""

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from musig.errors import MusigError
from musig.recordings import (
    SUFFIXES,
    checked,
    content_key,
    duration,
    find,
    passed_over,
    read,
    resampled,
    window_starts,
)

RATE = 22050


def tones(seconds=2.0, rate=RATE, frequencies=(440.0, 660.0)):
    """Sines, a channel each."""
    t = np.arange(round(seconds * rate)) / rate
    waves = [0.4 * np.sin(2 * np.pi * f * t) for f in frequencies]
    return np.array(waves, dtype=np.float32)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """The same two channels in each format, by suffix."""
    folder = tmp_path_factory.mktemp("sound")
    for suffix in SUFFIXES:
        soundfile.write(folder / f"a{suffix}", tones().T, RATE)
    return {suffix: folder / f"a{suffix}" for suffix in SUFFIXES}


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_what_is_read_is_what_was_written(files, suffix):
    samples, rate = read(files[suffix], mono=False)
    assert (samples.dtype, samples.shape, rate) == (np.float32, (2, 2 * RATE), RATE)
    assert duration(files[suffix]) == pytest.approx(2.0)
    tolerance = 1e-4 if suffix in (".wav", ".flac") else 0.05  # the others are lossy
    inner = slice(RATE // 4, -RATE // 4)
    assert np.abs(samples - tones())[:, inner].max() < tolerance
    mono, _ = read(files[suffix])
    np.testing.assert_allclose(mono, samples.mean(axis=0), atol=1e-6)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_part_is_the_part_of_the_whole(files, suffix):
    whole, _ = read(files[suffix])
    part, _ = read(files[suffix], start=0.7, seconds=0.5)
    first = round(0.7 * RATE)
    np.testing.assert_allclose(part, whole[first : first + RATE // 2], atol=1e-6)
    rest, _ = read(files[suffix], start=1.5, seconds=30)
    assert len(rest) == RATE // 2
    with pytest.raises(MusigError, match=r"2\.00 s long: there is nothing to read from 2\.00 s"):
        read(files[suffix], start=2.0)


@pytest.mark.parametrize("rate", [8000, 16000, 44100, 48000, 96000])
def test_resampling_keeps_a_tone(tmp_path, rate):
    path = tmp_path / "tone.wav"
    soundfile.write(path, tones(rate=rate)[0], rate, subtype="FLOAT")
    samples, new = read(path, rate=RATE)
    assert (new, len(samples)) == (RATE, 2 * RATE)
    inner = slice(RATE // 10, -RATE // 10)
    assert np.abs(samples - tones()[0])[inner].max() < 1e-3
    assert read(path)[1] == rate


def test_resampling_removes_what_the_new_rate_cannot_hold():
    high = tones(frequencies=(9000.0,), rate=48000)
    low = resampled(high, 48000, 16000)
    assert low.shape == (1, 32000)
    assert np.abs(low[:, 1000:-1000]).max() < 1e-4


def test_find_sorts_and_passes_over_what_is_hidden(tmp_path):
    for name in ("b.OGG", "a/c.mp3", "a/b.Flac", "notes.txt", ".hidden.wav", ".trash/d.wav"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    found = [path.relative_to(tmp_path).as_posix() for path in find(tmp_path)]
    assert found == ["a/b.Flac", "a/c.mp3", "b.OGG"]
    with pytest.raises(MusigError, match=r"holds no sound: no file whose name ends in \.wav"):
        find(_empty(tmp_path))
    with pytest.raises(MusigError, match="is not a folder"):
        find(tmp_path / "nowhere")


def _empty(folder):
    (folder / "empty").mkdir()
    return folder / "empty"


def broken(folder, files, what, suffix):
    """A file that is not what its name says."""
    path = folder / f"{what}{suffix}"
    whole = files[suffix].read_bytes()
    contents = {
        "text": b"This is no sound at all. " * 400,
        "zero": b"",
        "head": whole[:30],
        "noise": np.random.default_rng(0).bytes(50_000),
        "half": whole[: len(whole) // 2],
    }
    path.write_bytes(contents[what])
    return path


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("what", ["text", "zero", "head", "noise", "half"])
def test_what_is_not_sound_is_refused(tmp_path, files, what, suffix):
    path = broken(tmp_path, files, what, suffix)
    said = {"zero": "is empty: it has 0 bytes", "half": "is (cut short|damaged)"}
    with pytest.raises(MusigError, match=said.get(what, "is not sound that can be read")) as error:
        read(path)
    assert str(path) in str(error.value)


def test_what_the_decoder_of_mp3_prints_is_not_heard_of(tmp_path, capfd):
    path = tmp_path / "a.mp3"
    soundfile.write(path, np.random.default_rng(0).normal(0, 0.1, 5 * 44100), 44100)
    broken = bytearray(path.read_bytes())
    broken[20000:22000] = bytes(2000)
    path.write_bytes(broken)
    with pytest.raises(MusigError, match=r"a\.mp3 is damaged"):
        read(path)
    assert capfd.readouterr().err == ""
    with pytest.raises(soundfile.SoundFileError):
        soundfile.read(path)
    assert "Illegal Audio-MPEG-Header" in capfd.readouterr().err  # standard error is back


def test_a_file_that_may_not_be_read_says_so(files, monkeypatch):
    def refused(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("pathlib.Path.open", refused)
    with pytest.raises(MusigError, match=r"a\.wav cannot be read \(Permission denied\)") as caught:
        read(files[".wav"])
    assert isinstance(caught.value.__cause__, OSError)  # by which a table knows to try again


def test_sound_of_other_kinds_is_counted(tmp_path):
    for name in ("a.wav", "b.M4A", "c/d.opus", ".e.opus", "cover.jpg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert [path.name for path in passed_over(tmp_path)] == ["b.M4A", "d.opus"]


def test_missing_and_folder_are_refused(tmp_path):
    with pytest.raises(MusigError, match="does not exist: give a sound file"):
        read(tmp_path / "none.wav")
    (tmp_path / "album.mp3").mkdir()
    with pytest.raises(MusigError, match="is a folder, not a sound file"):
        duration(tmp_path / "album.mp3")


def test_a_wav_of_no_samples_is_refused(tmp_path):
    soundfile.write(tmp_path / "none.wav", np.zeros((0, 2)), RATE)
    with pytest.raises(MusigError, match="holds no sound: it is 0 s long"):
        read(tmp_path / "none.wav")


def test_a_wav_written_into_a_pipe_is_read(tmp_path, files):
    """Such a file claims the largest length there is; that is no sign of a missing end."""
    whole = bytearray(files[".wav"].read_bytes())
    at = whole.index(b"data") + 4
    whole[at : at + 4] = b"\xff\xff\xff\xff"
    (tmp_path / "piped.wav").write_bytes(whole)
    assert read(tmp_path / "piped.wav")[0].shape == (2 * RATE,)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_samples_that_are_no_numbers_are_refused(tmp_path, bad):
    samples = tones()
    samples[1, 100:110] = bad
    soundfile.write(tmp_path / "bad.wav", samples.T, RATE, subtype="FLOAT")
    with pytest.raises(MusigError, match="10 samples that are not finite numbers, the first at"):
        read(tmp_path / "bad.wav")
    assert len(read(tmp_path / "bad.wav", start=1.0)[0]) == RATE  # only what is read is judged


@pytest.mark.parametrize(
    ("samples", "said"),
    [
        (np.zeros(0), "0 s long"),
        (np.zeros((1, 2, 3)), r"shape \(1, 2, 3\)"),
        (np.ones(9, np.int16), "array of int16"),
        (np.full(9, 20000.0), "samples up to 2e.04: expected within -1 to 1"),
    ],
)
def test_arrays_that_are_not_sound_are_refused(samples, said):
    with pytest.raises(MusigError, match=said):
        checked(samples, "The recording")


@given(
    st.floats(0.01, 2000), st.floats(0.5, 60), st.one_of(st.none(), st.integers(1, 9))
)  # fmt: skip
def test_windows_fit_and_cover(length, window, at_most):
    starts = window_starts(length, window, at_most)
    assert starts == sorted(set(starts)) and starts[0] >= 0
    if length < window:
        assert starts == [0.0]
        return
    assert starts[-1] + window <= length * (1 + 1e-6) + 1e-6 * window
    if at_most is None:
        assert starts[0] == 0
        assert length - (starts[-1] + window) < window / 2
        assert (np.diff(starts) <= window * (1 + 1e-9)).all()
    else:
        assert 1 <= len(starts) <= at_most


def test_a_window_has_a_length():
    with pytest.raises(MusigError, match="expected more than 0 s"):
        window_starts(10, 0)


def test_content_key_is_of_contents_in_order(tmp_path):
    for name, content in {"a": b"12", "b": b"3", "c": b"12", "d": b"123", "e": b""}.items():
        (tmp_path / name).write_bytes(content)

    def key(names):
        return content_key([tmp_path / name for name in names])

    assert key("ab") == key("cb") != key("ba")
    assert len({key("ab"), key("d"), key("de"), key("ed"), key("a")}) == 5
    with pytest.raises(MusigError, match="cannot be read"):
        key("z")
