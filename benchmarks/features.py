"""The nine audio features of a folder: seconds of sound a second of CPU, against real time.

One process, one thread, by the estimator `signal`, files decoded and all. The peer is the clock:
what is compared is CPU seconds with seconds of sound. The folder holds half-minute excerpts in
stereo at 44.1 kHz, synthesised here, half of them OGG and half MP3; another folder can be named.

    python benchmarks/features.py                     # half a minute
    python benchmarks/features.py --folder my_music --estimator vibenet
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

for _name in ("NUMBA_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_name] = "1"  # before the imports that read it

import numpy as np  # noqa: E402
import soundfile  # noqa: E402
from side_by_side import OUT, record  # noqa: E402

from musig.audio import ESTIMATORS, audio_features  # noqa: E402
from musig.recordings import duration, find  # noqa: E402

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
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, help="of sound  [default: synthesised]")
    parser.add_argument("--estimator", choices=ESTIMATORS, default="signal")
    parser.add_argument("--number", type=int, default=12, help="of synthesised excerpts")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--out", type=Path, default=OUT)
    arguments = parser.parse_args()

    with tempfile.TemporaryDirectory() as made:
        folder = arguments.folder or Path(made)
        if arguments.folder is None:
            make(folder, arguments.number)
        paths = find(folder)
        sound = sum(duration(path) for path in paths)
        audio_features(paths[0], estimator=arguments.estimator)  # compiles, loads
        times = []
        for _ in range(arguments.repeats):
            start = time.process_time()
            for path in paths:
                audio_features(path, estimator=arguments.estimator)
            times.append(time.process_time() - start)

    ratios = [sound / seconds for seconds in times]
    what = "synthesised excerpts, stereo OGG and MP3" if arguments.folder is None else "a folder"
    entry = {
        "work": f"audio features by {arguments.estimator}, {what}, one core",
        "peer": "real time",
        "ours": statistics.median(times),
        "theirs": sound,
        "ratio": statistics.median(ratios),
        "ratio_range": [min(ratios), max(ratios)],
        "bar": BAR if arguments.estimator == "signal" else None,
        "equal": None,
    }
    record([entry], arguments.out)
    print(
        f"{arguments.estimator}: {len(paths)} files, {sound:.0f} s of sound in "
        f"{entry['ours']:.2f} s of CPU, {entry['ratio']:.0f} times real time "
        f"({min(ratios):.0f} to {max(ratios):.0f}, {len(ratios)} repeats)"
    )
    return 0 if arguments.estimator != "signal" or entry["ratio"] >= BAR else 1


if __name__ == "__main__":
    sys.exit(main())
