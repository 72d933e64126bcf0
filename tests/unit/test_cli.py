"""The command line: sentences, exit codes, and results that can be read by a program."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from collections import Counter
from itertools import combinations
from pathlib import Path

import nbformat
import numpy as np
import pandas as pd
import pytest
import soundfile

from musig import spark
from musig.catalog import FEATURES
from musig.cli import cli, main
from musig.cli_data import EXAMPLES
from musig.errors import MusigError
from musig.running import runs
from musig.running.environment import report
from musig.sources import write_folder
from musig.sources.synthetic import make


@pytest.fixture
def musig(capsys):
    """Run a command; give exit code, standard output, standard error."""

    def run(*arguments):
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main([str(argument) for argument in arguments])
        return ended.value.code, *capsys.readouterr()

    return run


@pytest.fixture(scope="module")
def folder(tmp_path_factory, smoke_catalog):
    return write_folder(smoke_catalog, tmp_path_factory.mktemp("data") / "smoke")


def commands(group=cli, path=()):
    for name, command in getattr(group, "commands", {}).items():
        yield (*path, name)
        yield from commands(command, (*path, name))


@pytest.mark.parametrize("path", [(), *commands()], ids=" ".join)
def test_every_help_has_a_sentence_and_an_example(musig, path):
    code, out, err = musig(*path, "--help")
    assert (code, err) == (0, "")
    assert re.search(rf"Example:\n    musig {' '.join(path)}", out)
    assert re.search(r"Usage: .*\n\n  [A-Z][^.]*\.", out)


def test_every_command_of_the_plan_is_there():
    data = {f"data {name}" for name in ("list", "describe", "validate", "get", "make", "join")}
    wanted = data | {"graph", "train", "complete", "run", "doctor", "compare", "tune", "embed"}
    wanted |= {"export"}
    assert wanted <= {" ".join(path) for path in commands()}


def test_help_is_quick_because_nothing_heavy_is_imported():
    code = (
        "import sys\nfrom musig.cli import main\ntry:\n    main(['train', '--help'])\n"
        "except SystemExit:\n    pass\nprint(*sys.modules, file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    heavy = {"torch", "numba", "pandas", "numpy", "nbformat", "papermill", "scipy"}
    assert "--learning-rate" in done.stdout and not heavy & set(done.stderr.split())


def test_options_of_train_are_its_settings(musig):
    from dataclasses import fields

    from musig.train import TrainConfig

    out = musig("train", "--help")[1]
    for field in fields(TrainConfig):
        assert f"--{field.name.replace('_', '-')} " in out
    listed = cli.commands["train"].make_context("train", ["--out", "x"]).params
    for field in fields(TrainConfig):
        value = listed[field.name]
        assert (tuple(value) if isinstance(value, list) else value) == field.default


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["trian"], 2, "No such command 'trian'"),
        (["graph"], 2, "Missing option '--out'"),
        (["graph", "--out", "x", "--data", "a", "--dataset", "b"], 2, "not both"),
        (["graph", "--out", "x", "--min-weight", "-1"], 2, "-1 is not in the range x>=0"),
        (["graph", "--out", "x", "--data", "/no/such"], 1, "error: No folder /no/such"),
        (["train", "--out", "x", "--hops", "0"], 2, "hops is 0, expected a whole number > 0"),
        (["train", "--out", "x", "--steps", "ful"], 2, "did you mean 'full'"),
        (["train", "--out", "x", "--dataset", "embeded-smoke"], 1, "did you mean 'embedded-smoke'"),
        (["complete", "--model", "/no/such", "--seeds", "a"], 1, "error: /no/such"),
        (["data", "validate", "/no/such"], 1, "error: No folder /no/such"),
        (["data", "make", "smal", "--out", "x"], 1, "error: There is no size 'smal'"),
        (["data", "get", "embedded-smoke"], 1, "error: No data set 'embedded-smoke' can be"),
        (["compare", "--out", "/no/such/x.json"], 1, "error: /no/such/x.json cannot be written"),
        (["compare", "--out", "."], 1, "error: . is a folder; expected the name of a file"),
        (["compare", "--out", "x", "--methods", "itemkn"], 1, "did you mean 'itemknn'?"),
        (["compare", "--out", "x", "--methods", "ease,ease"], 1, "method ease is given twice"),
        (["compare", "--out", "x", "--methods", ","], 1, "error: No method was given"),
        (["compare", "--out", "x", "--seeds", "0,a"], 1, "error: The seeds are '0,a'; expected"),
        (["compare", "--out", "x", "--seeds", "0,0"], 1, "error: The seed 0 is given twice"),
        (["compare", "--out", "x", "--seeds", "-1"], 1, "error: A seed is -1; expected whole"),
        (["tune", "--method", "itemkn", "--out", "x"], 1, "did you mean 'itemknn'?"),
        (["tune", "--method", "ease", "--trials", "0", "--out", "x"], 1, "budget is 0 trials"),
        (
            [
                "tune",
                "--method",
                "ease",
                "--fold",
                "5",
                "--dataset",
                "embedded-smoke",
                "--out",
                "x",
            ],
            1,
            "error: There is no fold 5 of 5",
        ),
        (["run", "/no/such.ipynb"], 1, "error: There is no notebook 'such'"),
        (["run", "01", "--profile", "smke"], 1, "error: There is no profile 'smke'"),
        (
            ["run", "05", "-p", "hops", "1", "-p", "seed", "3", "-p", "hops", "3"],
            2,
            "Error: The parameter hops is given twice (1 and 3): give it once.",
        ),
    ],
)
def test_what_is_refused(musig, tmp_path, monkeypatch, arguments, code, says):
    monkeypatch.chdir(tmp_path)
    got, out, err = musig(*arguments)
    assert got == code and says in err and out == ""
    assert "Traceback" not in err and not list(tmp_path.iterdir())


def test_graph_is_that_of_all_playlists(musig, tmp_path, folder, smoke_catalog):
    code, out, err = musig(
        "graph", "--data", folder, "--min-weight", 1, "--out", tmp_path / "e.parquet"
    )
    assert code == 0 and "edges between" in out and "600 playlists" in err
    edges = pd.read_parquet(tmp_path / "e.parquet")
    names = smoke_catalog.tracks.index
    pairs = Counter(
        pair
        for position in range(len(smoke_catalog.playlists))
        for pair in combinations(sorted(names[smoke_catalog.playlists[position]]), 2)
    )
    wanted = {pair: weight for pair, weight in pairs.items() if weight > 1}
    assert list(edges.columns) == ["source", "target", "weight"]
    assert (
        dict(zip(zip(edges.source, edges.target, strict=True), edges.weight, strict=True)) == wanted
    )


def test_train_and_complete(musig, tmp_path, folder):
    model = tmp_path / "model"
    arguments = ["--data", folder, "--out", model, "--epochs", 2, "--embedding-size", 8]
    code, out, _ = musig("train", *arguments)
    assert code == 0 and f"{model}: " in out and "trained in" in out
    record = json.loads((model / "run.json").read_text("utf-8"))
    assert record["parameters"]["epochs"] == 2 and record["parameters"]["data"] == "smoke"
    assert record["metrics"] and record["data"] == "smoke"
    assert "was finished before" in musig("train", *arguments)[1]
    assert json.loads((model / "run.json").read_text("utf-8")) == record

    ids = pd.read_parquet(model / "tracks.parquet").reset_index()["track_id"].tolist()
    code, out, err = musig("complete", "--model", model, "--seeds", f"{ids[0]}, {ids[1]}", "--json")
    rows = json.loads(out)
    assert (code, err) == (0, "") and len(rows) == 20
    assert [list(row) for row in rows] == [["rank", "track_id", "name", "artist", "score"]] * 20
    assert [row["rank"] for row in rows] == list(range(1, 21))
    scores = [row["score"] for row in rows]
    assert scores == sorted(scores, reverse=True)
    assert not {row["track_id"] for row in rows} & {ids[0], ids[1]}
    code, out, _ = musig("complete", "--model", model, "--seeds", ids[0], "--k", 3)
    assert code == 0 and len(out.splitlines()) == 4 and out.split()[:2] == ["rank", "track_id"]
    code, out, err = musig("complete", "--model", model, "--seeds", f"{ids[0]},nobody", "--json")
    assert (code, out) == (1, "") and "'nobody'" in err and "tracks.parquet" in err


def test_compare_writes_what_was_measured(musig, tmp_path, folder):
    out = tmp_path / "results.json"
    arguments = ["compare", "--data", folder, "--methods", "popularity, itemknn,random"]
    code, printed, err = musig(*arguments, "--seeds", "0,1", "--min-playlists", "3", "--out", out)
    assert code == 0, err
    rows = json.loads(out.read_text("utf-8"))
    keys = ["method", "metric", "mean", "low", "high", "n", "seed_count"]
    assert all(list(row) == keys for row in rows)
    assert {row["seed_count"] for row in rows} == {2} and len({row["n"] for row in rows}) == 1
    assert list(dict.fromkeys(row["method"] for row in rows)) == ["popularity", "itemknn", "random"]
    found = {(row["method"], row["metric"]): row for row in rows}
    for metric in ("hit_rate@10", "recall@10", "recall_all@100", "ndcg@100", "r_precision", "mrr"):
        row = found["itemknn", metric]
        assert 0 <= row["low"] <= row["mean"] <= row["high"] <= 1
    assert found["itemknn", "coverage"]["low"] is None
    assert found["itemknn", "ndcg@100"]["mean"] > found["popularity", "ndcg@100"]["mean"]
    assert "r_precision" in printed and "itemknn" in printed and "95 % interval" in printed
    assert "can be recommended" in err and "itemknn, seed 0: fitted in" in err
    assert "random, seed 1: fitted" in err and "itemknn, seed 1" not in err
    assert [path.name for path in tmp_path.iterdir()] == ["results.json"]


def test_compare_goes_on_where_one_method_fails(musig, tmp_path, folder, monkeypatch):
    def fail(self, catalog, split):
        raise ZeroDivisionError("by zero")

    monkeypatch.setattr("musig.baselines.itemknn.ItemKNN.fit", fail)
    out = tmp_path / "results.json"
    arguments = ["--data", folder, "--methods", "itemknn,popularity", "--min-playlists", "3"]
    code, printed, err = musig("compare", *arguments, "--out", out)
    assert code == 1 and err.endswith("error: itemknn: ZeroDivisionError: by zero\n")
    assert {row["method"] for row in json.loads(out.read_text("utf-8"))} == {"popularity"}
    assert "popularity" in printed and "Traceback" not in err


def test_tune_writes_a_study_and_goes_on_with_it(musig, tmp_path, folder, monkeypatch):
    from musig import methods

    committed = tmp_path / "package" / "tuned.json"
    committed.parent.mkdir()
    committed.write_text("{}")
    monkeypatch.setattr(methods, "TUNED", committed)
    studies = tmp_path / "studies"
    arguments = ["tune", "--method", "itemknn", "--data", folder, "--min-playlists", "3"]
    code, printed, err = musig(*arguments, "--trials", "1", "--out", studies)
    assert code == 0 and "trial 1 of 1, ndcg@100" in err
    assert committed.read_text("utf-8") == "{}"
    code, printed, err = musig(*arguments, "--trials", "2", "--out", studies, "--commit")
    assert code == 0 and "trial 2 of 2" in err and "trial 1" not in err
    assert "2 trials, best mean ndcg@100 on the validation playlists" in printed
    assert "shrinkage" in printed and [p.name for p in studies.iterdir()] == ["itemknn.json"]
    best = json.loads((studies / "itemknn.json").read_text("utf-8"))["best"]["settings"]
    assert methods.tuned("itemknn") == best


def test_data_commands(musig, tmp_path, folder):
    code, out, _ = musig("data", "list")
    assert code == 0 and "embedded-classroom" in out and "tidytuesday" in out
    code, out, _ = musig("data", "describe", "embedded-smoke")
    assert code == 0 and re.search(r"playlists +600\n", out) and "danceability" in out
    code, out, _ = musig("data", "validate", folder)
    assert code == 0 and out.endswith("0 errors, 0 warnings; 600 playlists, 300 tracks\n")
    code, out, _ = musig("data", "make", "smoke", "--seed", 3, "--out", tmp_path / "made")
    assert code == 0 and (tmp_path / "made" / "tracks.parquet").exists()
    code, _, err = musig("data", "make", "smoke", "--out", tmp_path / "made")
    assert code == 1 and "exists already" in err


def test_validate_lists_every_problem(musig, tmp_path):
    (tmp_path / "playlists.csv").write_text("pid,track_id,pos\n1,a,0\n1,b,1\n1,a,2\n")
    (tmp_path / "tracks.csv").write_text("track_id,energy,mood\na,1.5,x\nb,-3,y\n")
    code, out, _ = musig("data", "validate", tmp_path)
    assert code == 1 and out.count("error: tracks.csv") == 2 and "warning: " in out
    assert "2 errors, 2 warnings: it cannot be used as it is" in out
    (tmp_path / "tracks.csv").write_text("track_id,energy,mood\na,0.5,x\nb,0.3,y\n")
    code, out, _ = musig("data", "validate", tmp_path)
    assert code == 0 and "0 errors, 2 warnings; 1 playlist, 2 tracks" in out


def test_doctor_says_what_a_run_would_run_on(musig, monkeypatch, tmp_path):
    monkeypatch.setenv("MUSIG_DATA", str(tmp_path / "gone"))
    (tmp_path / "graph-0123").mkdir()
    (tmp_path / "graph-0123" / "x").write_bytes(b"0" * 2_000_000)
    monkeypatch.setenv("MUSIG_CACHE", str(tmp_path))
    code, out, _ = musig("doctor")
    lines = dict(line.split(maxsplit=1) for line in out.splitlines())
    assert code == 0 and out.strip() == report()
    assert {"musig", "python", "numpy", "devices", "cores", "cache", "MUSIG_DATA"} <= set(lines)
    assert lines["cache"] == f"{tmp_path}: 1 stage, 2.0 MB"
    assert lines["MUSIG_DATA"].endswith("gone (no such folder)")


LINES = [
    line
    for example in EXAMPLES.values()
    for line in example.replace("\\\n", " ").splitlines()
    if line.startswith("  musig")
]


@pytest.fixture(scope="module")
def workplace(tmp_path_factory, smoke_catalog):
    """Folder that holds what the examples name."""
    place = tmp_path_factory.mktemp("examples")
    write_folder(smoke_catalog, place / "my_playlists")
    write_folder(make("smoke", seed=1), place / "her_playlists")  # the same ids, other lists
    tracks = smoke_catalog.tracks.reset_index()
    tracks[["track_id", "energy", "popularity"]].to_parquet(place / "features.parquet")
    new = tracks[["track_id", "main_genre", *FEATURES]][:4].assign(track_id=list("abcd"))
    new.to_parquet(place / "new.parquet")
    new.to_csv(place / "new.csv", index=False)
    lists = pd.DataFrame({"pid": 0, "track_id": ["a", *tracks["track_id"][:9]]})
    lists.to_csv(place / "new_playlists.csv", index=False)
    genres = tracks[["artist"]].drop_duplicates().assign(genres="rock, pop")
    genres.to_csv(place / "genres.csv", index=False)
    entries = [{"track_uri": f"spotify:track:{track}"} for track in tracks["track_id"]]
    (place / "mpd" / "data").mkdir(parents=True)
    slice_ = json.dumps({"playlists": [{"pid": 0, "tracks": entries}]})
    (place / "mpd" / "data" / "mpd.slice.0-999.json").write_text(slice_)
    (place / "notebooks").symlink_to(Path(__file__).parents[2] / "notebooks")
    tone = 0.1 * np.sin(np.arange(4 * 8000) / 3)
    for path in (place / "my_music" / "a.wav", place / "fma_small" / "000" / "000002.mp3"):
        path.parent.mkdir(parents=True)
        soundfile.write(path, tone, 8000)
    names = [name for name in FEATURES if name != "loudness"]
    header = [["echonest"] * 8, ["audio_features"] * 8, names]
    rows = [["", *row] for row in header] + [["track_id"] + [""] * 8, ["2"] + ["0.5"] * 8]
    (place / "echonest.csv").write_text("\n".join(",".join(row) for row in rows) + "\n")
    return place


@pytest.mark.slow
def test_every_example_of_the_help_works(musig, monkeypatch, workplace):
    """In the order of the help, for one makes what another takes; nothing slow, no network."""
    monkeypatch.chdir(workplace)
    monkeypatch.setenv("MUSIG_DATA", "")
    # what would be downloaded or executed is only checked
    monkeypatch.setattr("musig.sources.fetch", lambda name: {"aotm2011": "file"}[name])
    checked = []
    monkeypatch.setattr(
        runs, "_run", lambda path, out, *rest: checked.append(path) or runs.Outcome(out, "", 0)
    )
    told = {}
    for line in dict.fromkeys(LINES):
        if "--engine spark" in line:
            continue  # below, since it needs more
        arguments = shlex.split(line)[1:]
        if arguments[0] == "train":
            arguments += ["--epochs", "1", "--embedding-size", "8"]
            if "--data" in arguments:
                arguments += ["--out", "OTHER"]  # the model of the other example is there already
            else:
                arguments += ["--groups", "GENRE,AUDIO"]  # an acoustic network takes too long
        code, out, err = musig(*arguments)
        assert code == 0 and out, f"{line}: {err}"
        told[" ".join(arguments[:2])] = out, err
    assert len(checked) == 4 and all(path.is_file() for path in checked)
    assert len(json.loads(told["complete --model"][0])) == 20
    # what a table of genres leaves in doubt
    assert "genres.csv, row 1, column genres: found 'rock, pop', read" in told["data join"][1]


@pytest.mark.slow
def test_the_example_with_spark_works(workplace):
    try:
        spark.need()
    except MusigError as error:
        pytest.skip(str(error))
    (line,) = (line for line in LINES if "--engine spark" in line)
    command = [sys.executable, "-m", "musig.cli", *shlex.split(line)[1:]]
    done = subprocess.run(command, cwd=workplace, capture_output=True, text=True)
    assert done.returncode == 0 and done.stdout.startswith("edges: "), done.stderr


def notebook(path, *cells):
    made = [nbformat.v4.new_code_cell(cell) for cell in ("seed: int = 0", *cells)]
    made[0].metadata["tags"] = ["parameters"]
    nbformat.write(nbformat.v4.new_notebook(cells=made), path)
    return path


@pytest.mark.posix
@pytest.mark.slow
def test_an_interrupt_ends_the_kernel_and_keeps_what_was_done(musig, tmp_path, monkeypatch):
    pid = tmp_path / "pid"
    first = notebook(tmp_path / "01_a.ipynb", "print(seed)")
    waits = f"""import os, time
open({str(pid)!r} + 'new', 'w').write(str(os.getpid()))
os.rename({str(pid)!r} + 'new', {str(pid)!r})
time.sleep(600)"""
    second = notebook(tmp_path / "02_b.ipynb", waits)
    (tmp_path / "own.yml").write_text("common: {seed: 3}")
    command = [sys.executable, "-m", "musig.cli", "run", "-P", str(tmp_path / "own.yml")]
    command += ["--out", str(tmp_path / "out")]
    process = subprocess.Popen(
        [*command, str(first), str(second)], stderr=subprocess.PIPE, text=True,
        env={**os.environ, "MUSIG_RUNS": str(tmp_path / "runs")},
        # a shell's background jobs ignore Ctrl-C, and so would what they start
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )  # fmt: skip
    limit = time.monotonic() + 60
    while not pid.exists():
        assert time.monotonic() < limit and process.poll() is None
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    errors = process.communicate(timeout=30)[1]
    assert process.returncode == 130 and "Traceback" not in errors
    assert "interrupted: what was finished is kept; the same command again goes on" in errors
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid.read_text()), 0)
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["01_a.ipynb"]
    monkeypatch.setenv("MUSIG_RUNS", str(tmp_path / "runs"))
    (tmp_path / "02_b.ipynb").unlink()
    code, out, err = musig(*command[3:], first)  # the same again, without the slow one
    assert code == 0 and "01_a: unchanged, kept" in err
    assert out == f"{tmp_path / 'out' / '01_a.ipynb'}\n"


@pytest.mark.slow
@pytest.mark.parametrize(
    "delay", [0.0, 1.0, *(pytest.param(s, marks=pytest.mark.slow) for s in (0.4, 0.7, 1.5, 2.5))]
)
@pytest.mark.posix
def test_an_interrupt_is_heard_while_the_kernel_is_started(tmp_path, delay):
    """At no moment of the first seconds does the notebook go on to its end."""
    pid = tmp_path / "pid"
    waits = f"import os, time; open({str(pid)!r}, 'w').write(str(os.getpid())); time.sleep(600)"
    path = notebook(tmp_path / "01_a.ipynb", waits)
    (tmp_path / "own.yml").write_text("common: {seed: 3}")
    command = [sys.executable, "-m", "musig.cli", "run", "-P", str(tmp_path / "own.yml")]
    process = subprocess.Popen(
        [*command, "--out", str(tmp_path / "out"), str(path)], stderr=subprocess.PIPE, text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )  # fmt: skip
    while "01_a: running" not in (line := process.stderr.readline()):
        assert line, "it ended"
    time.sleep(delay)
    process.send_signal(signal.SIGINT)
    errors = process.communicate(timeout=30)[1]
    assert process.returncode == 130 and "Traceback" not in errors
    assert "interrupted: what was finished is kept" in errors
    assert not (tmp_path / "out").exists()
    if pid.exists() and pid.read_text():
        with pytest.raises(ProcessLookupError):
            os.kill(int(pid.read_text()), 0)
