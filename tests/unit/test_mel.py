"""The front-end equals librosa's, whatever comes in."""

import librosa
import numpy as np
import pytest
import torch

from musig.errors import MusigError
from musig.mel import COMPRESSION, PIECE, LogMel


def reference(sound, rate, n_fft, hop, n_mels):
    power = librosa.feature.melspectrogram(
        y=sound, sr=rate, n_fft=n_fft, hop_length=hop, n_mels=n_mels
    )
    return np.log10(1 + COMPRESSION * power)


def music_like(samples, rng):
    """Decaying harmonics, a noise floor, and a full-scale click."""
    t = np.arange(samples) / 16_000
    sound = sum(np.sin(2 * np.pi * 110 * k * t) / k for k in range(1, 9)) * np.exp(-3 * (t % 0.5))
    sound = 0.2 * sound + 1e-3 * rng.normal(size=samples)
    sound[samples // 2] = 1.0
    return sound.astype(np.float32)


@pytest.mark.filterwarnings("ignore:n_fft=.*too large:UserWarning")
@pytest.mark.parametrize("samples", [1, 100, 799, 800, 2048, 16_001, 160_000])
def test_it_equals_librosa(samples):
    rng = np.random.default_rng(samples)
    sounds = [rng.normal(0, 0.3, samples).astype(np.float32), music_like(samples, rng)]
    made = LogMel()(torch.from_numpy(np.stack(sounds))).numpy()
    for ours, sound in zip(made, sounds, strict=True):
        theirs = reference(sound, 16_000, 2048, 800, 128)
        assert ours.shape == theirs.shape == (128, LogMel().frames(samples))
        np.testing.assert_allclose(ours, theirs, atol=1e-4)


def test_it_equals_librosa_at_other_settings():
    sound = music_like(30_000, np.random.default_rng(0))
    made = LogMel(22_050, 1024, 333, 48)(torch.from_numpy(sound)[None])[0].numpy()
    np.testing.assert_allclose(made, reference(sound, 22_050, 1024, 333, 48), atol=1e-4)


@pytest.mark.parametrize("batch", [1, 3, PIECE["cpu"] + 1])
def test_a_batch_is_its_recordings_one_by_one(batch):
    sound = torch.randn(batch, 4_000, generator=torch.Generator().manual_seed(0))
    mel = LogMel()
    together = mel(sound)
    for k in {0, batch // 2, batch - 1}:
        torch.testing.assert_close(together[k], mel(sound[k : k + 1])[0], atol=1e-5, rtol=0)


def test_silence_is_zero_and_louder_is_more():
    mel = LogMel()
    assert (mel(torch.zeros(2, 5_000)) == 0).all()
    sound = torch.randn(1, 5_000, generator=torch.Generator().manual_seed(1)) / 10
    assert (mel(2 * sound) > mel(sound)).all()


def test_a_tone_is_in_its_band():
    """By the frequencies librosa gives for the bands."""
    centres = librosa.mel_frequencies(130, fmin=0, fmax=8_000)[1:-1]
    t = torch.arange(16_000) / 16_000
    for hertz in (220.0, 1_000.0, 5_000.0):
        made = LogMel()(torch.sin(2 * torch.pi * hertz * t)[None])[0, :, 10]
        assert abs(int(made.argmax()) - int(np.abs(centres - hertz).argmin())) <= 1


@pytest.mark.parametrize("shape", [(0,), (2, 0), (1, 2, 3)])
def test_what_is_no_batch_of_sound_is_refused(shape):
    with pytest.raises(MusigError, match=r"expected \(batch, samples\) with at least one sample"):
        LogMel()(torch.zeros(shape))


def test_wrong_settings_are_refused():
    with pytest.raises(MusigError, match="hop is 0; expected a whole number above 0"):
        LogMel(hop=0)
    with pytest.raises(MusigError, match=r"n_mels is 12\.5"):
        LogMel(n_mels=12.5)


@pytest.mark.gpu
def test_cuda_equals_librosa():
    sound = music_like(48_000, np.random.default_rng(0))
    made = LogMel().cuda()(torch.from_numpy(sound)[None].cuda())[0].cpu().numpy()
    np.testing.assert_allclose(made, reference(sound, 16_000, 2048, 800, 128), atol=1e-4)
