"""The script for a GPU machine runs small on a CPU, with every package and with hardly any."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

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
    assert found["machine"]["device"] == "cpu"
    assert found["tracks"] == 300 and found["edges"] == 11_000
    for part in PARTS:
        assert "error" not in found[part], found[part]
    assert found["equality"]["float32"]["worst"] < 1e-6  # the same device
    assert 0 < found["equality"]["bfloat16"]["worst"] < 0.05
    made = found["aggregation"]
    for name in ("sparse float32", "dense float32", "dense bfloat16", "dense bfloat16, gradient"):
        rounding = 1e-5 if "float32" in name else 0.02  # of means of numbers about 1
        assert made["ways"][name]["seconds"] > 0
        assert 0 < made["ways"][name]["largest_error"] < rounding
        assert made["ways"][name]["share_of_roofline"] > 0
    assert made["chosen"]["bfloat16"]["way"] == "sparse float32"  # as on any CPU
    losses = [way["loss"] for way in found["pairs"]["ways"].values()]
    assert len(losses) == 4 and max(losses) - min(losses) < 0.01  # whichever way: the same
    for way in found["training"].values():
        assert way["seconds"] > 0 and 0.1 < way["ndcg@100"][0] < 1
    # every bar has its value; on a CPU none is judged
    left_out = "left_out" in found["train"]
    for row in found["bars"]:
        assert (row["value"] is None) == (left_out and "files" in row["what"])
        assert row["bar"] > 0 and row["met"] is None


@pytest.mark.slow
def test_it_measures_every_part(tmp_path):
    found = measured([str(SCRIPT)], tmp_path / "gpu.json")
    check(found)
    assert found["machine"]["absent"] == []
    assert found["train"]["bfloat16"]["epochs"] == 2


@pytest.mark.slow
def test_torch_and_pyg_are_enough(tmp_path):
    found = measured(["-c", BARE], tmp_path / "gpu.json")
    check(found)
    assert {"numba", "pandas", "scipy"} <= set(found["machine"]["absent"])
    assert "needs lightning_fabric, llvmlite, numba" in found["train"]["left_out"]


def test_a_part_that_is_not_there_is_refused():
    done = subprocess.run(
        [sys.executable, str(SCRIPT), "--only", "limit"], capture_output=True, text=True
    )
    assert done.returncode == 1
    assert "error: there is no part 'limit'" in done.stderr
