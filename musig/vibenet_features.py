"""Seven audio features by a learned network, if the package ``vibenet`` is installed.

The network learned its labels from the Echo Nest's features of the Free Music Archive, the same
that FMA's ``echonest.csv`` holds: agreement with that table is not evidence of anything else. It
is under the GPL, version 3, so nothing of it is part of this package.

Conventions
-----------
The network hears the mean of the channels at 16 kHz. It is loaded once a process and computes on
one thread. It was trained on clips of half a minute, and makes a guess of anything: it is not to be
asked of silence, of what lasts less than 3 s, or of channels that cancel each other, as
:func:`musig.audio.estimate` does not.

Contents
--------
- :func:`predict`: the seven; :func:`need`: whether it can be asked.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from importlib.util import find_spec
from typing import Any

import numpy as np

from musig.errors import MusigError
from musig.recordings import resampled

NAMES = (
    "acousticness",
    "danceability",
    "energy",
    "instrumentalness",
    "liveness",
    "speechiness",
    "valence",
)
"""What it predicts; not loudness and tempo."""

RATE = 16000
"""Hz that it hears."""


def need() -> None:
    """Refuse if the package is not installed; it is not imported.

    Raises
    ------
    MusigError
        With the command that installs it.

    Notes
    -----
    Notebook: 02_audio_features
    """
    if find_spec("vibenet") is None:
        raise MusigError(
            "The estimator vibenet is not installed. It is free software under the GPL, version 3: "
            'pip install -c requirements.lock -e ".[vibenet]"'
        )


def predict(samples: np.ndarray, rate: int) -> dict[str, float]:
    """Ask the network.

    Parameters
    ----------
    samples : ndarray of float32, shape (n,) or (channels, n)
    rate : int, Hz

    Returns
    -------
    dict of str to float
        Of each of :data:`NAMES`, within 0 to 1.

    Raises
    ------
    MusigError
        If the package is not installed, or laid out otherwise.

    Notes
    -----
    Notebook: 02_audio_features
    """
    network = _network()
    mono = resampled(np.atleast_2d(samples).mean(axis=0), rate, RATE)
    found = network.predict(mono, RATE)[0].to_dict()
    return {name: float(found[name]) for name in NAMES}


@cache
def _network() -> Any:
    need()
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # one of its libraries looks for ffmpeg, which it needs not
        import onnxruntime
        from vibenet.backends import EfficientNetModel

    path = files("vibenet") / "artifacts" / "efficientnet_model.onnx"
    if not path.is_file():
        raise MusigError(
            "This vibenet is laid out otherwise than version 0.1, which holds its network in "
            "artifacts/efficientnet_model.onnx: "
            'pip install -c requirements.lock -e ".[vibenet]"'
        )
    network = EfficientNetModel()
    options = onnxruntime.SessionOptions()  # its own are not handed on: it would take all cores
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    network.ort_sess = onnxruntime.InferenceSession(str(path), options)
    return network
