"""The script for a GPU machine runs small on a CPU, with every package and with hardly any."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from musig.graph import music_graph
from musig.sources.synthetic import make

SCRIPT = Path(__file__).resolve().parents[2] / "benchmarks" / "gpu.py"
PARTS = ("limits", "aggregation", "equality", "round_trips", "pairs", "training", "train")
HIDDEN = (
    "ijson",
    "joblib",
    "lightning_fabric",
    "llvmlite",
    "numba",
    "pandas",
    "platformdirs",
    "pooch",
    "pyarrow",
    "pyloudnorm",
    "safetensors",
    "scipy",
    "sklearn",
    "soundfile",
)
BARE = f"""
import runpy, sys
from importlib.machinery import PathFinder

class Hiding:
    @staticmethod
    def find_spec(name, path=None, target=None):
        hidden = name.split(".")[0] in {HIDDEN!r}
        return None if hidden else PathFinder.find_spec(name, path, target)

sys.meta_path[sys.meta_path.index(PathFinder)] = Hiding
runpy.run_path({str(SCRIPT)!r}, run_name="__main__")
"""


def measured(command, out, *options):
    options = ["--size", "smoke", "--device", "cpu", "--repeats", "1", "--epochs", "2", *options]
    done = subprocess.run(
        [sys.executable, *command, *options, "--out", str(out)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(out.read_text("utf-8"))


def check(found):
    assert found["machine"]["device"] == "cpu" and found["tracks"] == 300
    for part in PARTS:
        assert "error" not in found[part], found[part]
    assert found["equality"]["32"]["equal"] and found["equality"]["bf16"]["equal"]
    assert found["equality"]["32"]["gradient"] < 1e-6  # the same device
    ways = found["aggregation"]["ways"]
    for name in ("musig.product, sparse float32", "dense float32", "dense bfloat16"):
        assert ways[name]["seconds"] > 0 and ways[name]["largest_error"] < 0.05
        assert ways[name]["share_of_roofline"] > 0
    losses = [way["loss"] for way in found["pairs"]["ways"].values()]
    assert max(losses) - min(losses) < 0.01  # whichever way: the same training
    trained = found["training"]
    assert all(len(way["ndcg@100"]) == 1 and way["seconds"] > 0 for way in trained.values())
    assert found["bars"] == []  # for full size, on a card


@pytest.mark.slow
def test_it_measures_every_part(tmp_path):
    found = measured([str(SCRIPT)], tmp_path / "gpu.json")
    check(found)
    assert found["machine"]["stand_ins_for"] == []
    assert found["train"]["full"]["epochs"] == 2
    catalog = make("smoke")
    graph = music_graph(catalog.playlists, catalog.n_tracks, 1)
    assert found["edges"] == graph.num_edges // 2  # its own counting, without numba


@pytest.mark.slow
def test_torch_and_pyg_are_enough(tmp_path):
    found = measured(["-c", BARE], tmp_path / "gpu.json")
    check(found)
    assert {"numba", "pandas", "scipy"} <= set(found["machine"]["stand_ins_for"])
    assert "needs lightning_fabric, numba" in found["train"]["left_out"]


def test_a_part_that_is_not_there_is_refused():
    done = subprocess.run(
        [sys.executable, str(SCRIPT), "--only", "limit"], capture_output=True, text=True
    )
    assert done.returncode == 1
    assert "error: there is no part 'limit'" in done.stderr
