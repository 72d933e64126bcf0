"""The log-mel front-end: batches in torch against librosa, side by side.

Both run in this process, on one thread, over the same windows of 30 seconds, in turn; what is
compared is CPU seconds, so that a busy machine does not decide. The results must be equal. On a
GPU it is wall time against librosa's on one core, and the share of time in which a training keeps
the GPU busy is for whoever has one at hand; without one both are said to be left out.

    python benchmarks/mel.py
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

for _name in ("NUMBA_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_name] = "1"  # before the imports that read it

import librosa  # noqa: E402
import numpy as np  # noqa: E402
import torch  # noqa: E402
from record import OUT, record  # noqa: E402

from musig.mel import COMPRESSION, LogMel  # noqa: E402

BAR, BAR_GPU = 1, 50
"""How many times faster than librosa on one core ours has to be, on one core and on a GPU."""
TOLERANCE = 1e-4


def seconds(work: Callable[[], object]) -> tuple[float, object]:
    """CPU seconds of a piece of work, and what it returns."""
    start = time.process_time()
    result = work()
    return time.process_time() - start, result


def main() -> int:
    """Measure, print, write ``_build/bench.json``; 1 if a bar is missed or results differ."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--windows", type=int, default=32, help="of 30 seconds, in a batch")
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--out", type=Path, default=OUT)
    arguments = parser.parse_args()
    torch.set_num_threads(1)

    front = LogMel()
    rng = np.random.default_rng(0)
    sound = rng.normal(0, 0.2, (arguments.windows, 30 * front.rate)).astype(np.float32)
    batch = torch.from_numpy(sound)

    def theirs() -> np.ndarray:
        power = [
            librosa.feature.melspectrogram(
                y=one, sr=front.rate, n_fft=front.n_fft, hop_length=front.hop, n_mels=front.n_mels
            )
            for one in sound
        ]
        return np.log10(1 + COMPRESSION * np.stack(power))

    devices = {"one core": front}
    if torch.cuda.is_available():
        devices["GPU"] = LogMel().cuda()
    else:
        print("GPU: none at hand, so neither the front-end on it nor its busy share was measured")
    theirs(), front(batch)  # warm up
    entries = []
    for name, module in devices.items():
        there = batch.to(module.window.device)

        def on_gpu(module: LogMel = module, there: torch.Tensor = there) -> tuple[float, object]:
            torch.cuda.synchronize()
            start = time.perf_counter()
            result = module(there)
            torch.cuda.synchronize()
            return time.perf_counter() - start, result

        own, peer, difference = [], [], 0.0
        for _ in range(arguments.repeats):
            took, made = on_gpu() if name == "GPU" else seconds(lambda: front(batch))
            other, reference = seconds(theirs)
            own.append(took)
            peer.append(other)
            difference = max(difference, float(np.abs(made.cpu().numpy() - reference).max()))
        ratios = [other / took for other, took in zip(peer, own, strict=True)]
        equal = difference <= TOLERANCE
        entries.append(
            {
                "work": f"log-mel of {arguments.windows} windows of 30 s, {name}",
                "peer": "librosa.feature.melspectrogram, one core",
                "ours": statistics.median(own),
                "theirs": statistics.median(peer),
                "ratio": statistics.median(ratios),
                "ratio_range": [min(ratios), max(ratios)],
                "bar": BAR_GPU if name == "GPU" else BAR,
                "equal": equal,
            }
        )
        print(
            f"{name}: librosa {entries[-1]['theirs']:.3f} s, ours {entries[-1]['ours']:.3f} s, "
            f"ratio {entries[-1]['ratio']:.1f} ({min(ratios):.1f} to {max(ratios):.1f}, "
            f"{len(ratios)} repeats), largest difference {difference:.1e}, "
            f"{'equal' if equal else 'DIFFERENT'}"
        )
    record(entries, arguments.out)
    return 0 if all(entry["equal"] and entry["ratio"] >= entry["bar"] for entry in entries) else 1


if __name__ == "__main__":
    sys.exit(main())
