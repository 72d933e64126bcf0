"""The log-mel front-end: batches in torch against librosa, side by side.

Both run in this process, on one thread, over the same windows of 30 seconds, in turn; what is
compared is CPU seconds, so that a busy machine does not decide. The results must be equal. On a
GPU it is wall time against librosa's on one core, and an epoch of the acoustic network is timed
with and without the fetching of windows: their ratio is the share of time in which the GPU is
kept busy. Without a GPU both are said to be left out.

    python benchmarks/mel.py
"""

from __future__ import annotations

import json
import math
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

from side_by_side import THREADS, Took, entry, finish, parser, took  # isort: skip

import librosa
import numpy as np
import torch

from musig.acoustic_config import AcousticConfig
from musig.acoustic_pairs import make_pairs
from musig.acoustic_train import _batches, _Model, fresh_network
from musig.catalog import Playlists
from musig.device import fabric
from musig.mel import COMPRESSION, LogMel
from musig.spectrograms import RecordedSpectrograms

BAR, BAR_GPU = 1, 50
"""How many times faster than librosa on one core ours has to be, on one core and on a GPU."""
TOLERANCE = 1e-4
TRACKS = 2_048
"""In the epoch that is timed on a GPU."""


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
    options = parser(__doc__)
    options.add_argument("--windows", type=int, default=32, help="of 30 seconds, in a batch")
    options.set_defaults(repeats=7)
    arguments = options.parse_args()
    torch.set_num_threads(THREADS)

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

    def on_gpu(module: LogMel, there: torch.Tensor) -> Took:
        """Wall time, since the processor only waits."""
        torch.cuda.synchronize()
        start = time.perf_counter()
        made = module(there)
        torch.cuda.synchronize()
        wall = time.perf_counter() - start
        return Took(wall, wall, made)

    devices = {"one core": front}
    if torch.cuda.is_available():
        devices["GPU"] = LogMel().cuda()
    else:
        print("GPU: none at hand, so neither the front-end on it nor its busy share was measured")
    theirs()  # warm up
    entries = []
    for name, module in devices.items():
        there = batch.to(module.window.device)
        module(there)  # warm up
        own, other, difference = [], [], 0.0
        for _ in range(arguments.repeats):
            own.append(on_gpu(module, there) if name == "GPU" else took(lambda: front(batch)))
            other.append(took(theirs))
            apart = own[-1].made.cpu().numpy() - other[-1].made
            difference = max(difference, float(np.abs(apart).max()))
        print(f"{name}: largest difference {difference:.1e}")
        entries.append(
            entry(
                f"log-mel of {arguments.windows} windows of 30 s, {name}",
                "librosa.feature.melspectrogram, one core",
                own,
                other,
                bar=BAR_GPU if name == "GPU" else BAR,
                equal=difference <= TOLERANCE,
            )
        )
    if torch.cuda.is_available():
        print(f"GPU: busy for {busy_share('cuda'):.0%} of an epoch of the acoustic network")
    return finish(entries, arguments.out, arguments.windows >= 32)


if __name__ == "__main__":
    sys.exit(main())
