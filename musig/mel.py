"""What the acoustic network sees of sound: log-mel spectrograms, many recordings at a time.

A recording becomes an image of energy by time and pitch, with the frequencies gathered into bands
that are as wide as the ear's and the energy on a logarithmic scale (Dieleman's network of 2014
has 599 frames of 128 bands for 30 seconds). It is computed in torch so that a batch of windows
goes through at once, on the device where the network is.

Conventions
-----------
- Sound is float32, one channel, full scale at ±1, shape ``(batch, samples)`` at `rate` Hz.
- A spectrogram is float32, shape ``(batch, n_mels, frames)``, with a frame every `hop` samples, the
  first and the last centred on the ends of the recording: ``1 + samples // hop`` frames.
- A value is ``log10(1 + 10000 power)``: 0 for silence, about 7 at full scale. The form, and the
  constant, are those of Choi et al. and of musicnn (Pons and Serra, 2019); the source of the paper
  says nothing on it.

Contents
--------
- :class:`LogMel`.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from musig.errors import MusigError

COMPRESSION = 10_000.0
"""What the power is multiplied by before the logarithm: quiet sound is spread, silence stays 0."""
PIECE = {"cpu": 256, "cuda": 65_536}
"""Frames transformed at a time: what fits a core's cache, or half a gigabyte of a GPU."""


class LogMel(nn.Module):
    """Log-mel spectrogram of a batch of recordings.

    Parameters
    ----------
    rate : int, > 0
        Samples a second of what comes in.
    n_fft : int, > 0
        Samples in a frame, under a Hann window.
    hop : int, > 0
        Samples from frame to frame: 800 at 16 kHz is 50 ms, 600 frames in 30 s.
    n_mels : int, > 0
        Bands, from 0 to half of `rate`.

    Notes
    -----
    Equal to ``librosa.feature.melspectrogram`` (power, centred frames, zeros beyond the ends, the
    bands of Slaney's Auditory Toolbox, each of area 1) followed by the same logarithm.
    Notebook: 03_acoustic_vectors

    Examples
    --------
    >>> LogMel()(torch.zeros(2, 16_000)).shape
    torch.Size([2, 128, 21])
    """

    window: Tensor
    filters: Tensor

    def __init__(
        self, rate: int = 16_000, n_fft: int = 2048, hop: int = 800, n_mels: int = 128
    ) -> None:
        import librosa  # slow to import

        super().__init__()
        settings = {"rate": rate, "n_fft": n_fft, "hop": hop, "n_mels": n_mels}
        for name, value in settings.items():
            if not (isinstance(value, int) and value > 0):
                raise MusigError(f"{name} is {value}; expected a whole number above 0.")
        self.rate, self.n_fft, self.hop, self.n_mels = rate, n_fft, hop, n_mels
        filters = librosa.filters.mel(sr=rate, n_fft=n_fft, n_mels=n_mels)
        self.register_buffer("window", torch.hann_window(n_fft), persistent=False)
        self.register_buffer("filters", torch.from_numpy(filters).T.contiguous(), persistent=False)

    def frames(self, samples: int) -> int:
        """Count the frames of a recording of so many samples."""
        return 1 + samples // self.hop

    def forward(self, sound: Tensor) -> Tensor:
        """Give the spectrograms of recordings, float32, shape (batch, n_mels, frames)."""
        if sound.ndim != 2 or sound.shape[1] == 0:
            raise MusigError(
                f"Sound of shape {tuple(sound.shape)} has no spectrogram; expected "
                "(batch, samples) with at least one sample."
            )
        around = (self.n_fft // 2, self.n_fft - self.n_fft // 2)
        framed = F.pad(sound.float(), around).unfold(1, self.n_fft, self.hop)  # a view
        at_once = max(1, PIECE["cuda" if sound.is_cuda else "cpu"] // max(1, len(sound)))
        pieces = []
        for piece in framed.split(at_once, dim=1):
            spectrum = torch.view_as_real(torch.fft.rfft(piece * self.window))
            power = spectrum[..., 0].square().addcmul_(spectrum[..., 1], spectrum[..., 1])
            pieces.append(power @ self.filters)  # (batch, frames of the piece, n_mels)
        mel = torch.cat(pieces, dim=1)
        return mel.mul_(COMPRESSION).log1p_().mul_(1 / math.log(10)).transpose(1, 2)
