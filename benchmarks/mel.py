"""The log-mel front-end: batches in torch against librosa, side by side.

Both run in this process, on one thread, over the same windows of 30 seconds, in turn; what is
compared is CPU seconds, so that a busy machine does not decide. The results must be equal. On a
GPU it is wall time against librosa's on one core, and an epoch of the acoustic network is timed
with and without the fetching of windows: their ratio is the share of time in which the GPU is
kept busy. Without a GPU both are said to be left out.

    python benchmarks/mel.py
"""

from __future__ import annotations

import argparse
import json
import math
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path

for _name in ("NUMBA_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_name] = "1"  # before the imports that read it

import librosa  # noqa: E402
import numpy as np  # noqa: E402
import torch  # noqa: E402
from side_by_side import OUT, record  # noqa: E402

from musig.acoustic_config import AcousticConfig  # noqa: E402
from musig.acoustic_pairs import make_pairs  # noqa: E402
from musig.acoustic_train import _batches, _Model, fresh_network  # noqa: E402
from musig.catalog import Playlists  # noqa: E402
from musig.device import fabric  # noqa: E402
from musig.mel import COMPRESSION, LogMel  # noqa: E402
from musig.spectrograms import RecordedSpectrograms  # noqa: E402

BAR, BAR_GPU = 1, 50
"""How many times faster than librosa on one core ours has to be, on one core and on a GPU."""
TOLERANCE = 1e-4
TRACKS = 2_048
"""In the epoch that is timed on a GPU."""


def seconds(work: Callable[[], object]) -> tuple[float, object]:
    """CPU seconds of a piece of work, and what it returns."""
    start = time.process_time()
    result = work()
    return time.process_time() - start, result


def busy_share(device: str) -> float:
    """Time of an epoch whose batches lie there already, as a share of one that fetches them."""
    config = AcousticConfig(network="paper", device=device)
    runner = fabric(config.device, config.precision)
    rng = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        data = rng.normal(2, 1, (4 * TRACKS, 128, 601)).astype(np.float16)  # 4 windows a track
        np.save(folder / "windows.npy", data)
        index = {"counts": [4] * TRACKS, "unreadable": {}}
        (folder / "index.json").write_text(json.dumps(index), "utf-8")
        sound = RecordedSpectrograms(folder, np.arange(TRACKS), 0.05)
        lists = [rng.choice(TRACKS, 10, replace=False) for _ in range(TRACKS)]
        pairs = make_pairs(Playlists.from_lists(lists), np.arange(TRACKS), TRACKS, 0)
        net = _Model(fresh_network(sound, pairs.tracks, config))
        model, optimiser = runner.setup(net, torch.optim.AdamW(net.parameters()))
        steps = range(math.ceil(TRACKS / config.batch_size))

        def epoch(batches: Iterable[tuple[torch.Tensor, torch.Tensor]]) -> float:
            start = time.perf_counter()
            for windows, labels in batches:
                optimiser.zero_grad()
                loss = model(windows, labels)
                runner.backward(loss)
                optimiser.step()
            loss.item()  # waits for the device
            return time.perf_counter() - start

        there = list(_batches(sound, pairs, config, steps, runner.device))
        epoch(there)  # warm up
        without = epoch(there)
        return without / epoch(_batches(sound, pairs, config, steps, runner.device))


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
    if torch.cuda.is_available():
        print(f"GPU: busy for {busy_share('cuda'):.0%} of an epoch of the acoustic network")
    record(entries, arguments.out)
    return 0 if all(entry["equal"] and entry["ratio"] >= entry["bar"] for entry in entries) else 1


if __name__ == "__main__":
    sys.exit(main())
