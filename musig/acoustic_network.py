"""The acoustic network: from windows of a spectrogram to eight numbers.

After Dieleman's network for Spotify (*Recommending music on Spotify with deep learning*, 2014):
four convolutions over time only (the bands of the spectrogram are channels, so that a pitch
is never taken for another), pooling between them, then pooling over all of time at once by mean,
maximum and L2 norm, and dense layers. His output was a factor vector of collaborative filtering;
here it is what Saravanou et al. (ISMIR 2021) describe: a projection to eight dimensions. Batch
normalisation of what is pooled (Ioffe and Szegedy, ICML 2015) is our addition: the three poolings
have different scales, and with a few hundred tracks the network learns little without it.

Conventions
-----------
- In: float32 ``(batch, n_mels, frames)``, log-mel values as :class:`musig.mel.LogMel` gives them;
  the network standardises each band by the mean and deviation of the training windows.
- Out: float32 ``(batch, 8)`` in [-1, 1].

Contents
--------
- :data:`SIZES`; :class:`AcousticNetwork`; :class:`GlobalPooling`.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from musig.errors import MusigError, nearest

VECTOR = 8
"""Dimensions of the acoustic vector."""
FILTER = 4
"""Frames under each filter, in Dieleman's network as here."""
POOLING = (4, 2, 2)
"""Frames that become one after the first, second and third convolution; as there."""
SHORTEST = 16
"""Frames that are left as one by the pooling: the shortest window the network can take."""


@dataclass(frozen=True)
class Size:
    """Widths of the layers."""

    channels: tuple[int, int, int, int]
    """Of the four convolutions."""
    dense: int
    """Of both dense layers."""


# Dieleman's dense layers have 2048 units; his post does not give the filters of every layer, and
# the MUSIG paper says nothing of either. All channel counts and the smaller sizes are our choice.
SIZES = {
    "small": Size((48, 48, 64, 64), 64),
    "medium": Size((128, 128, 256, 256), 512),
    "paper": Size((256, 256, 512, 512), 2048),
}


class GlobalPooling(nn.Module):
    """Pool over all of time by mean, maximum and L2 norm (root mean square), side by side.

    Notes
    -----
    The norm is divided by the root of the number of frames, so that a window twice as long is
    not twice as loud. What is left does not depend on when something sounds.
    Notebook: 03_acoustic_vectors

    Examples
    --------
    >>> GlobalPooling()(torch.tensor([[[3.0, 4.0, 0.0, 0.0]]])).tolist()
    [[1.75, 4.0, 2.5]]
    """

    def forward(self, x: Tensor) -> Tensor:
        """Turn (batch, channels, frames) into (batch, 3 channels)."""
        square = x.square().mean(-1)
        return torch.cat([x.mean(-1), x.amax(-1), (square + 1e-12).sqrt()], dim=1)


class AcousticNetwork(nn.Module):
    """Windows of a spectrogram to vectors of eight numbers in [-1, 1].

    Parameters
    ----------
    n_mels : int, > 0
        Bands of the spectrogram.
    size : {"small", "medium", "paper"}
        See :data:`SIZES`.
    dropout : float in [0, 1)
        Share of the inputs of the dense layers set to zero in training.

    Raises
    ------
    MusigError
        For an unknown size.

    Notes
    -----
    Notebook: 03_acoustic_vectors

    Examples
    --------
    >>> AcousticNetwork(128)(torch.zeros(2, 128, 600)).shape
    torch.Size([2, 8])
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self, n_mels: int, size: str = "small", dropout: float = 0.5) -> None:
        super().__init__()
        if size not in SIZES:
            raise MusigError(f"Unknown network '{size}': {nearest(size, SIZES)}")
        widths = SIZES[size]
        self.register_buffer("mean", torch.zeros(n_mels))
        self.register_buffer("deviation", torch.ones(n_mels))
        ends = (n_mels, *widths.channels)
        self.convolutions = nn.ModuleList(
            nn.Conv1d(before, after, FILTER) for before, after in pairwise(ends)
        )
        self.pooling = nn.Sequential(GlobalPooling(), nn.BatchNorm1d(3 * ends[-1]))
        self.dense = nn.Sequential(
            nn.Dropout(dropout),
            nn.Linear(3 * ends[-1], widths.dense),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(widths.dense, widths.dense),
            nn.ReLU(),
            nn.Dropout(dropout),
        )
        self.projection = nn.Linear(widths.dense, VECTOR)

    def standardise_by(self, mean: Tensor, deviation: Tensor) -> None:
        """Set the mean and deviation of each band, of the training windows."""
        self.mean.copy_(mean)
        self.deviation.copy_(deviation.clamp_min(1e-3))  # a band in which nothing ever sounds

    def forward(self, x: Tensor) -> Tensor:
        """Embed windows, (batch, n_mels, frames) to (batch, 8)."""
        x = (x - self.mean[:, None]) / self.deviation[:, None]
        for convolution, frames in zip(self.convolutions, (*POOLING, 1), strict=True):
            x = F.relu(convolution(F.pad(x, (1, FILTER - 2))))  # as many frames out as in
            x = F.max_pool1d(x, frames)
        return torch.tanh(self.projection(self.dense(self.pooling(x))))
