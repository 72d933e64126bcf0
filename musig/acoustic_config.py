"""Every setting of the acoustic network, in one place.

Conventions
-----------
Fields have the names of the notebooks' parameters. A value that cannot work is refused in a
sentence when the object is made.

Contents
--------
- :class:`AcousticConfig`.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

from musig.acoustic_network import SIZES
from musig.errors import MusigError, nearest

CHOICES = {
    "network": tuple(SIZES),
    "device": ("auto", "cpu", "cuda"),
    "precision": ("32", "bf16"),
}
POSITIVE = ("window", "windows", "epochs", "batch_size", "learning_rate")


@dataclass(frozen=True)
class AcousticConfig:
    """Settings of the acoustic network. Where the paper is silent the default is our own choice.

    Examples
    --------
    >>> AcousticConfig(network="larg")
    Traceback (most recent call last):
    musig.errors.MusigError: network is 'larg': expected one of small, medium, paper.
    """

    network: str = "small"
    """Widths of the layers, one of small|medium|paper."""
    window: float = 30.0
    """Seconds of a window, > 0; the longest recording where none is so long."""
    windows: int = 8
    """Windows a track, spread evenly over it; at most so many, > 0."""
    min_weight: int = 0
    """Two tracks are a positive pair of the training if they share more training playlists than
    this, >= 0; what a pair weighs grows with its count (:mod:`musig.acoustic_pairs`)."""
    epochs: int = 100
    """> 0; all are trained, and the last weights are kept."""
    batch_size: int = 64
    """Tracks embedded a step, > 1; all pairs of them are asked about."""
    learning_rate: float = 0.001
    """Of AdamW at its highest, > 0."""
    crop: float = 0.7
    """Share of a window that a training step hears, from a random place on, in (0, 1]."""
    dropout: float = 0.0
    """Share of the inputs of the dense layers set to zero in training, in [0, 1)."""
    save_every: float = 10.0
    """Seconds between checkpoints, >= 0; no result depends on it."""
    seed: int = 0
    """Draws unseen artists, weights and batches, >= 0."""
    device: str = "auto"
    """One of auto|cpu|cuda."""
    precision: str = "32"
    """One of 32|bf16."""

    def settings(self) -> dict[str, object]:
        """Give every field that a result depends on."""
        return {name: value for name, value in asdict(self).items() if name != "save_every"}

    def __post_init__(self) -> None:
        for name, valid in CHOICES.items():
            value = getattr(self, name)
            if value not in valid:
                raise MusigError(f"{name} is '{value}': {nearest(str(value), valid)}")
        for name in POSITIVE:
            if not getattr(self, name) > 0:
                raise MusigError(f"{name} is {getattr(self, name)}; expected a number above 0.")
        if self.batch_size < 2:
            raise MusigError(f"batch_size is {self.batch_size}; a pair needs 2 tracks or more.")
        for name in ("min_weight", "save_every", "seed"):
            if getattr(self, name) < 0:
                raise MusigError(f"{name} is {getattr(self, name)}; expected 0 or more.")
        if not 0 < self.crop <= 1:
            raise MusigError(f"crop is {self.crop}; expected a share in (0, 1].")
        if not 0 <= self.dropout < 1:
            raise MusigError(f"dropout is {self.dropout}; expected a share in [0, 1).")
