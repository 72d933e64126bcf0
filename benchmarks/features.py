"""The nine audio features of a folder: seconds of sound a second of CPU, against real time.

One process, one thread, by the estimator `signal`, files decoded and all. The peer is the clock:
what is compared is CPU seconds with seconds of sound. The folder holds half-minute excerpts in
stereo at 44.1 kHz, synthesised here, half of them OGG and half MP3; another folder can be named.

    python benchmarks/features.py                     # half a minute
    python benchmarks/features.py --folder my_music --estimator vibenet
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from side_by_side import Took, entry, finish, parser, took  # isort: skip

import numpy as np
import soundfile

from musig.audio import ESTIMATORS, audio_features
from musig.recordings import duration, find

BAR = 60
"""How many times faster than real time a core has to be."""

RATE = 44100


def excerpt(rng: np.random.Generator, seconds: float = 30.0) -> np.ndarray:
    """Chords, a bass and drums, in stereo: as full of partials and noise as music is."""
    t = np.arange(round(seconds * RATE)) / RATE
    beat = t % (60 / rng.uniform(70, 160))
    wave = np.zeros((2, len(t)))
    for frequency in 110 * 2 ** (rng.integers(0, 36, 8) / 12):
        for harmonic in range(1, 6):
            sine = np.sin(2 * np.pi * frequency * harmonic * t) / harmonic**1.5
            wave += 0.02 * sine * rng.uniform(0.5, 1, (2, 1))
    wave += 0.1 * rng.standard_normal((2, len(t))) * np.exp(-beat / 0.05)
    return wave.T


def make(folder: Path, number: int) -> None:
    """Write excerpts, in turn OGG and MP3."""
    rng = np.random.default_rng(0)
    for k in range(number):
        soundfile.write(folder / f"{k:03}.{'ogg' if k % 2 else 'mp3'}", excerpt(rng), RATE)


def main() -> int:
    """Measure, print, write ``_build/bench.json``; 1 if the bar is missed."""
    options = parser(__doc__)
    options.add_argument("--folder", type=Path, help="of sound  [default: synthesised]")
    options.add_argument("--estimator", choices=ESTIMATORS, default="signal")
    options.add_argument("--number", type=int, default=12, help="of synthesised excerpts")
    options.set_defaults(repeats=3)
    arguments = options.parse_args()
    estimator = arguments.estimator

    with tempfile.TemporaryDirectory() as made:
        folder = arguments.folder or Path(made)
        if arguments.folder is None:
            make(folder, arguments.number)
        paths = find(folder)
        sound = sum(duration(path) for path in paths)
        audio_features(paths[0], estimator=estimator)  # compiles, loads
        own = [
            took(lambda: [audio_features(path, estimator=estimator) for path in paths])
            for _ in range(arguments.repeats)
        ]

    what = "synthesised excerpts, stereo OGG and MP3" if arguments.folder is None else "a folder"
    work = f"audio features by {estimator}, {what}, {sound:.0f} s of sound"
    bar = BAR if estimator == "signal" else None
    theirs = [Took(sound, sound, None)] * len(own)
    made = [entry(work, "real time", own, theirs, bar=bar, equal=None)]
    return finish(made, arguments.out, arguments.number >= 12 or arguments.folder is not None)


if __name__ == "__main__":
    sys.exit(main())
