"""Sets of runs by Snakemake: checked before the first job, asked every time, computed once."""

import json
import os
import re
import shlex
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pandas as pd
import pytest
import yaml

from musig.errors import MusigError
from musig.running.records import ledger
from musig.running.sweep import points
from musig.sources import write_folder

ROOT = Path(__file__).parents[2]
PROFILES = sorted(path.parent.name for path in ROOT.glob("workflow/profiles/*/config.yaml"))
PAGE = (ROOT / "book/cluster.md").read_text("utf-8")
COMMANDS = re.findall(r"^snakemake .*$", PAGE, re.M)
COMMAND = [sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "workflow/Snakefile")]

needs_snakemake = pytest.mark.skipif(
    any(
        find_spec(name) is None
        for name in (
            "snakemake",
            "snakemake_executor_plugin_slurm",
            "snakemake_executor_plugin_kubernetes",
            "snakemake_storage_plugin_fs",
        )
    ),
    reason='Snakemake is not installed: pip install -e ".[cluster]"',
)


def snakemake(folder, *arguments):
    """Run the workflow in a folder of its own; give the exit code and what was printed."""
    environment = os.environ | {
        "PYTHONPATH": str(ROOT),
        "XDG_CACHE_HOME": str(folder / "cache"),
        "MUSIG_CACHE": str(folder / "musig"),
    }
    done = subprocess.run(
        [*COMMAND, "--directory", str(folder), *map(str, arguments)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def test_the_cache_decides_in_every_profile():
    assert PROFILES == ["kubernetes", "local", "slurm"]
    for name in PROFILES:
        text = (ROOT / f"workflow/profiles/{name}/config.yaml").read_text("utf-8")
        profile = yaml.safe_load(text)
        assert profile["executor"] == name
        assert profile["forceall"] is True and profile["keep-going"] is True
        assert f"workflow/profiles/{name} " in PAGE


def test_a_sweep_is_every_combination_and_a_notebook_gets_what_it_declares():
    swept = {"seed": [0, 1], "embedding_size": [32, 64]}
    found = points(["04", "05"], swept, "smoke")
    assert [name for name in found if name.startswith("04")] == [
        "04_music_graph/seed=0",
        "04_music_graph/seed=1",
    ]
    assert len(found) == 2 + 4
    assert found["05_multitask_training/seed=1,embedding_size=64"] == shlex.split(
        "05_multitask_training --profile smoke -p seed 1 -p embedding_size 64"
    )


def test_values_are_written_as_on_the_command_line():
    swept = {"groups": ["GENRE,AUDIO"], "mask_genre": [True, False], "data": "a folder/of mine"}
    found = points([5], swept, "smoke")
    assert list(found) == [
        "05_multitask_training/groups=GENRE%2CAUDIO,mask_genre=true,data=a%20folder%2Fof%20mine",
        "05_multitask_training/groups=GENRE%2CAUDIO,mask_genre=false,data=a%20folder%2Fof%20mine",
    ]
    assert "a folder/of mine" in next(iter(found.values()))
    assert list(points(["05"], {}, "smoke")) == ["05_multitask_training/defaults"]
    assert points([], {}) == {}


@pytest.mark.parametrize(
    ("notebooks", "swept", "profile", "says"),
    [
        (["99"], {}, "smoke", "There is no notebook '99'"),
        (["05"], {"sed": [0]}, "smoke", "sed.*did you mean.*seed"),
        (["05"], {"seed": ["one"]}, "smoke", "one"),
        (["05"], {"seed": []}, "smoke", "no value for seed"),
        (["05"], {"seed": [0]}, "smok", "There is no profile 'smok'"),
    ],
)
def test_what_is_wrong_is_told_before_anything_runs(notebooks, swept, profile, says):
    with pytest.raises(MusigError, match=says):
        points(notebooks, swept, profile)


@needs_snakemake
@pytest.mark.slow
@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_of_the_page_passes_a_dry_run(command, tmp_path, monkeypatch):
    monkeypatch.chdir(ROOT)
    code, told = snakemake(tmp_path, *shlex.split(command)[1:], "--dry-run")
    assert code == 0, told
    count = re.search(r"^(?:cell|point) +(\d+)$", told, re.M)
    assert count and int(count[1]) >= 5
    assert "forced:\n        all, " in told


@needs_snakemake
@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["rows=07_methods/eas"], "did you mean '07_methods/ease'"),
        (["notebooks=[5]", "parameters={sed: 1}"], "did you mean .*seed"),
        (["data=x"], "Nothing is asked for"),
    ],
)
def test_the_workflow_refuses_with_a_sentence(arguments, says, tmp_path):
    profile = ROOT / "workflow/profiles/local"
    code, told = snakemake(tmp_path, "--profile", profile, "--config", *arguments)
    assert code == 1 and re.search(says, told) and "Finished jobid" not in told


def contents(path):
    """Read a result; records, which say when it was made, may be written anew in another order."""
    return json.loads(path.read_bytes()) if path.suffix == ".json" else path.read_bytes()


@needs_snakemake
@pytest.mark.slow
def test_cells_and_notebooks_are_asked_again_and_computed_once(tmp_path, smoke_catalog):
    data = write_folder(smoke_catalog, tmp_path / "data")
    asked = ["--profile", ROOT / "workflow/profiles/local", "--cores", "1", "--config"]
    asked += ["rows=07_methods/popularity-fold0", f"data={data}", f"out={tmp_path / 'out'}"]
    asked += ["notebooks=[4]", "profile=smoke", "parameters={seed: 3}"]
    code, told = snakemake(tmp_path, *asked)
    assert code == 0, told
    assert "1 of 1 cells left" in told and "3 of 3 steps" in told
    results = sorted(path for path in (tmp_path / "out").rglob("*") if path.is_file())
    written = {path: contents(path) for path in results}
    names = {path.relative_to(tmp_path / "out").as_posix() for path in results}
    assert names == {
        "cells/07_methods/popularity-fold0-seed0.json",
        "cells/07_methods/popularity-fold0-seed0.parquet",
        "sweep/04_music_graph/seed=3/04_music_graph-smoke.json",
        "sweep/04_music_graph/seed=3/04_music_graph.ipynb",
    }
    assert not (tmp_path / "_build/asked").exists()
    code, told = snakemake(tmp_path, *asked[2:])  # without a profile, too
    assert code == 0, told
    assert "0 of 1 cells left" in told and "3 of 3 steps" in told  # asked, and nothing to do
    assert {path: contents(path) for path in results} == written
    folders = (tmp_path / "out/sweep/04_music_graph").iterdir()
    runs = pd.concat([ledger(folder) for folder in folders], ignore_index=True)
    assert runs["changed"].tolist() == [{"seed": 3}]
