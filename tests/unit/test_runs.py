"""Runs of notebooks: refused early, kept when nothing changed, never half-written."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pytest

from musig import cache, source
from musig.errors import MusigError
from musig.running import freshness, kernels, records, runs
from musig.running.profiles import find_notebook, load_profile, settle

PARAMETERS = """data: str = ""  # a folder
seed: int = 0  # ≥ 0
min_weight: int = 2  # ≥ 0
rate: float = 0.5  # in [0, 1]
"""
RECORD = """from types import SimpleNamespace
from musig.running.records import notebook_run
catalog = SimpleNamespace(name="toy", fingerprint="f")
record = notebook_run("01_toy", dict(data=data, seed=seed, min_weight=min_weight), catalog)
record.finish({"double": 2 * min_weight})"""


def notebook(path, *cells, parameters=PARAMETERS, prose="# Toy"):
    made = [nbformat.v4.new_markdown_cell(prose), nbformat.v4.new_code_cell(parameters)]
    made[1].metadata["tags"] = ["parameters"]
    made += [nbformat.v4.new_code_cell(cell) for cell in cells]
    for number, cell in enumerate(made):
        cell.id = f"cell-{number}"
    node = nbformat.v4.new_notebook(cells=made)
    node.metadata["kernelspec"] = {"name": "other", "display_name": "Other", "language": "python"}
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(node, path)
    return path


def profile(folder, text, name="small"):
    path = folder / "profiles" / f"{name}.yml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    return path


@pytest.fixture
def own(tmp_path, monkeypatch):
    """Manifests and cache of this test's own, and a kernel that must not start."""
    monkeypatch.setenv("MUSIG_RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("MUSIG_CACHE", str(tmp_path / "cache"))
    return tmp_path


@pytest.fixture
def no_kernel(monkeypatch):
    def refuse(*arguments):
        raise AssertionError("a kernel was started")

    monkeypatch.setattr(kernels, "execute", refuse)


def text_of(path):
    outputs = [o for cell in nbformat.read(path, 4).cells for o in cell.get("outputs", [])]
    return "".join(o.get("text", "") or o["data"]["text/plain"] for o in outputs)


@pytest.mark.parametrize(
    ("overrides", "says"),
    [
        ({"sede": "1"}, "01_toy.ipynb has no parameter 'sede'; did you mean 'seed'? Valid: data"),
        ({"seed": "x"}, "01_toy.ipynb: parameter seed is 'x', expected a whole number."),
        ({"seed": "-1"}, "seed is -1, expected a whole number >= 0."),
        ({"seed": True}, "seed is True, expected a whole number."),
        ({"rate": "1.5"}, "rate is 1.5, expected a number >= 0 and <= 1."),
        ({"data": "/no/such/folder"}, "No folder /no/such/folder"),
    ],
)
def test_parameters_are_refused_before_a_kernel(own, no_kernel, overrides, says):
    path = notebook(own / "nb" / "01_toy.ipynb", "1 / 0")
    with pytest.raises(MusigError) as error:
        runs.run_notebook(path, own / "out" / "01_toy.ipynb", overrides=overrides)
    assert says in str(error.value)
    assert not (own / "out").exists()


def test_one_refused_parameter_stops_all_notebooks(own, no_kernel):
    paths = [notebook(own / f"{n}.ipynb", parameters=f"seed: int = 0\n{n}: int = 1") for n in "ab"]
    with pytest.raises(MusigError, match=r"a\.ipynb, b\.ipynb has no parameter 'c'"):
        runs.run_notebooks(paths, own / "out", overrides={"c": "1"})
    with pytest.raises(MusigError, match=r"b\.ipynb: parameter b is 'x'"):
        runs.run_notebooks(paths, own / "out", overrides={"b": "x"})


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("common: {sede: 1}", "common: no notebook has a parameter 'sede'; did you mean 'seed'"),
        ("common: {seed: 1.5}", "common: seed is 1.5, expected a whole number."),
        ("common: {rate: 1e-3}", "In YAML write it with a point: 1.0e-3."),
        ("notebooks: {01_toi: {seed: 1}}", "no notebook '01_toi'; did you mean '01_toy'"),
        ("notebooks: {01_toy: {sed: 1}}", "01_toy has no parameter 'sed'; did you mean 'seed'"),
        ("notebooks: {01_toy: {seed: -1}}", "01_toy: seed is -1, expected a whole number >= 0."),
        ("commn: {seed: 1}", "unknown part 'commn'; did you mean 'common'"),
        ("common: 3", "common is 3, expected name: value pairs."),
        ("notebooks: {01_toy: 3}", "01_toy is 3, expected name: value pairs."),
        ("[1, 2]", "expected the parts description, common, notebooks."),
        ("a: [", "cannot be read"),
    ],
)
def test_profiles_are_checked(tmp_path, text, says):
    notebook(tmp_path / "01_toy.ipynb")
    with pytest.raises(MusigError) as error:
        load_profile(profile(tmp_path, text))
    assert says in str(error.value) and "small.yml" in str(error.value)


def test_what_is_given_by_hand_goes_first(tmp_path):
    path = notebook(tmp_path / "01_toy.ipynb")
    notebook(tmp_path / "02_other.ipynb", parameters="epochs: int = 1")
    text = """
        description: For a test.
        common: {seed: 1, min_weight: 1, rate: 1, epochs: 9}
        notebooks: {01_toy: {min_weight: 5}}
    """
    small = load_profile("small", tmp_path) if profile(tmp_path, text) else None
    values, changed = settle(path, small, {"seed": "7"})
    assert values == {"data": "", "seed": 7, "min_weight": 5, "rate": 1.0}
    assert changed == {"seed": 7} and isinstance(values["rate"], float)
    assert small.name == "small" and small.description == "For a test."
    with pytest.raises(MusigError, match="no profile 'smal'; did you mean 'small'"):
        load_profile("smal", tmp_path)


def test_notebooks_are_found_by_path_name_or_number(tmp_path, monkeypatch):
    monkeypatch.setattr("musig.running.profiles.folder", lambda: tmp_path)
    with pytest.raises(MusigError, match=r"and none in .*: give its path"):
        find_notebook("05")
    five, _ = notebook(tmp_path / "05_some_thing.ipynb"), notebook(tmp_path / "06_other.ipynb")
    for given in (str(five), "05_some_thing.ipynb", "05_some_thing", "some_thing", "05", "5"):
        assert find_notebook(given) == five
    with pytest.raises(
        MusigError, match="no notebook '05_some_thin'; did you mean '05_some_thing'"
    ):
        find_notebook("05_some_thin")
    notebook(tmp_path / "05_more.ipynb")
    with pytest.raises(MusigError, match="'05' is 05_more and 05_some_thing: give the whole name"):
        find_notebook("05")


@pytest.mark.slow
def test_a_run_from_source_to_record_and_what_is_kept(own, capfd):
    """One story, because every kernel costs a second."""
    path = notebook(own / "nb" / "01_toy.ipynb", "import sys; print(sys.executable)", RECORD)
    profile(own / "nb", "common: {min_weight: 3}")
    small = load_profile("small", own / "nb")
    out = own / "out {of} tests"  # papermill takes paths for format strings

    done = runs.run_notebook(path, out / "01_toy.ipynb", small, {"seed": "4"}, progress=True)
    assert done.status == "executed" and done.path == out / "01_toy.ipynb"
    assert "01_toy: running\n01_toy: executed in " in capfd.readouterr().err
    # by this interpreter, though the notebook names another kernel
    assert Path(text_of(done.path).splitlines()[0]).samefile(sys.executable)
    injected = [c for c in nbformat.read(done.path, 4).cells if "seed = 4" in c.source]
    assert len(injected) == 1 and "min_weight = 3" in injected[0].source
    assert "rate" not in injected[0].source and "data" not in injected[0].source
    record = records.load(own / "runs" / "01_toy-small.json")
    assert record == records.from_notebook(done.path)
    assert record.metrics == {"double": 6} and record.changed == {"seed": 4}
    assert "profile small, seed=4 · toy · seed 4" in text_of(done.path)
    assert not list((own / "cache" / "unfinished").iterdir())
    assert [path.name for path in (own / "runs").iterdir()] == ["01_toy-small.json"]
    assert str(own) not in json.dumps(nbformat.read(done.path, 4).metadata)

    # nothing changed: not even a byte, and the manifest is restored
    before = done.path.read_bytes()
    shutil.rmtree(own / "runs")
    again = runs.run_notebook(path, done.path, small, {"seed": 4}, progress=True)
    assert again.status == "unchanged, kept" and done.path.read_bytes() == before
    assert "01_toy: unchanged, kept\n" in capfd.readouterr().err
    manifest = own / "runs" / "01_toy-small.json"
    assert records.load(manifest) == record

    # one that says the same in another order stays as it is: its bytes are part of the book's key
    said = json.loads(manifest.read_text("utf-8"))
    manifest.write_text(json.dumps(dict(reversed(said.items()))), "utf-8")
    untouched = manifest.read_bytes()
    assert runs.run_notebook(path, done.path, small, {"seed": 4}).status == "unchanged, kept"
    assert manifest.read_bytes() == untouched

    # prose, and a comment in code: new text, old outputs
    notebook(path, "import sys; print(sys.executable)  # why", RECORD, prose="# Toy, *better*")
    text = runs.run_notebook(path, done.path, small, {"seed": "4"})
    assert text.status == "text changed, results kept"
    node = nbformat.read(done.path, 4)
    nbformat.validate(node)
    assert node.cells[0].source == "# Toy, *better*" and "# why" in node.cells[3].source
    assert text_of(done.path).count(sys.executable) == 1 and node.cells[3].execution_count == 3
    assert runs.run_notebook(path, done.path, small, {"seed": "4"}).status == "unchanged, kept"

    # a cell that fails: a sentence, the partial output elsewhere, the good output as it was
    before = done.path.read_bytes()
    notebook(path, "print('so far')", "def f():\n    raise ValueError('first\\nlast words')\nf()")
    with pytest.raises(MusigError) as error:
        runs.run_notebook(path, done.path, small, {"seed": "4"})
    said = str(error.value)
    assert said.startswith("01_toy.ipynb, cell [4]: ValueError: last words What was executed until")
    unfinished = Path(said.rpartition(" is in ")[2].rstrip("."))
    assert "so far" in text_of_streams(unfinished)
    assert unfinished.parent == own / "cache" / "unfinished"  # never among what is published
    assert done.path.read_bytes() == before


def text_of_streams(path):
    outputs = [o for cell in nbformat.read(path, 4).cells for o in cell.get("outputs", [])]
    return "".join(o.text for o in outputs if o.output_type == "stream")


@pytest.mark.posix
@pytest.mark.slow
def test_several_run_side_by_side_and_a_failure_stops_none(own, monkeypatch):
    monkeypatch.setattr(runs, "available_cores", lambda: 4)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    threads = "import os; print(os.environ['OMP_NUM_THREADS'], os.environ['NUMBA_NUM_THREADS'])"
    paths = [
        notebook(
            own / "01_a.ipynb", "from musig.errors import MusigError; raise MusigError('No.')"
        ),
        notebook(own / "02_b.ipynb", "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"),
        notebook(own / "03_c.ipynb", threads),
    ]
    with pytest.raises(MusigError) as error:
        runs.run_notebooks(paths, own / "out", jobs=2)
    first, second = str(error.value).splitlines()
    assert first.startswith("01_a.ipynb, cell [2]: No. What was executed")
    assert second.startswith("02_b.ipynb: the kernel ended before the notebook did")
    assert [p.name for p in (own / "out").iterdir()] == ["03_c.ipynb"]
    assert text_of(own / "out" / "03_c.ipynb") == "2 2\n"


@pytest.mark.posix
def test_no_kernel_outlives_an_interrupt_however_late_it_starts(own):
    def kernel():
        process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        return SimpleNamespace(provisioner=SimpleNamespace(process=process))

    before, after = kernel(), kernel()
    started = kernels.Started()
    started.note(before)
    started.go_on()
    assert before.provisioner.process.poll() is None
    started.end()
    started.note(after)
    for manager in (before, after):
        assert manager.provisioner.process.wait(timeout=10) == -signal.SIGKILL
    with pytest.raises(MusigError, match=r"^The run was interrupted\.$"):
        started.go_on()


@pytest.mark.parametrize(
    ("change", "kept"),
    [
        ("nothing", True),
        ("comment", True),
        ("prose", True),
        ("code", False),
        ("cells joined", False),
        ("parameter", False),
        ("default", False),
        ("profile", False),
        ("data", False),
        ("data touched", True),
        ("data added", False),
        ("library", False),
        ("module", False),
        ("output damaged", False),
    ],
)
def test_a_notebook_is_executed_again_when_and_only_when_it_must(own, monkeypatch, change, kept):
    executions = []

    def execute(source, name, working, *rest):
        executions.append(name)
        done = nbformat.from_dict(source)
        done.metadata["papermill"] = {}
        return done

    monkeypatch.setattr(kernels, "execute", execute)
    data = own / "data"
    data.mkdir()
    (data / "playlists.csv").write_text("a,b\n1,2\n")
    path = notebook(own / "01_toy.ipynb", "from musig import graph\nx = 1", "y = 2")
    arguments = {"data": str(data), "seed": "0"}
    small = load_profile(profile(own, ""))

    def run(profile=small):
        done = runs.run_notebook(path, own / "out" / "01_toy.ipynb", profile, arguments)
        return done.status.endswith("kept")

    assert not run() and run()
    if change == "comment":
        notebook(path, "from musig import graph\nx = 1  # one", "y = 2")
    elif change == "prose":
        notebook(path, "from musig import graph\nx = 1", "y = 2", prose="# Other")
    elif change == "code":
        notebook(path, "from musig import graph\nx = 3", "y = 2")
    elif change == "cells joined":
        notebook(path, "from musig import graph\nx = 1\ny = 2")
    elif change == "parameter":
        arguments["seed"] = "1"
    elif change == "default":
        other = PARAMETERS.replace("2", "3")
        notebook(path, "from musig import graph\nx = 1", "y = 2", parameters=other)
    elif change == "profile":
        small = load_profile(profile(own, "", name="other"))
    elif change == "data":
        (data / "playlists.csv").write_text("a,b\n1,3\n")
    elif change == "data touched":
        os.utime(data / "playlists.csv", ns=(1, 1))
    elif change == "data added":
        (data / "tracks.csv").write_text("")
    elif change == "library":
        monkeypatch.setattr(cache, "versions", lambda names: {"torch": "0.0"})
    elif change == "module":
        brought = freshness._brought
        monkeypatch.setattr(freshness, "_brought", lambda names: brought(names) | {"x": "changed"})
    elif change == "output damaged":
        (own / "out" / "01_toy.ipynb").write_text("{}")
    assert run(small) == kept
    assert len(executions) == (1 if kept else 2)


@pytest.mark.parametrize("name", ["musig.train", "musig.pages.tables", "musig.experiments.store"])
def test_modules_of_a_cell_are_those_that_source_finds(name):
    brought = freshness._brought([name])
    assert set(brought) == set(source.closure(name, tops=("musig",)))
    assert len(set(brought.values())) > 1


def test_measurements_count_where_a_cell_names_them(monkeypatch):
    def key(text):
        cells = [nbformat.v4.new_code_cell(text)]
        return freshness.run_key(nbformat.v4.new_notebook(cells=cells), {}, [])

    texts = ("x = 'measured.json'", "x = 'measured'")
    before = [key(text) for text in texts]
    contents = freshness._contents
    monkeypatch.setattr(freshness, "_contents", lambda at: contents(at) + at.suffix)
    assert [key(text) == kept for text, kept in zip(texts, before, strict=True)] == [False, True]


def test_fingerprint_of_data(own, monkeypatch):
    folder = own / "data" / "set"
    (folder / "deep").mkdir(parents=True)
    (folder / "deep" / "a.csv").write_text("1")
    first = freshness.data_fingerprint(str(folder))
    assert freshness.data_fingerprint(str(folder)) == first
    monkeypatch.setenv("MUSIG_DATA", str(own))
    assert freshness.data_fingerprint("set") == first
    shutil.copytree(folder, own / "copy")
    assert freshness.data_fingerprint(str(own / "copy")) == first
    (folder / "deep" / "a.csv").rename(folder / "deep" / "b.csv")
    assert freshness.data_fingerprint(str(folder)) != first


@pytest.mark.slow
def test_plain_papermill_works_too(own):
    import papermill

    path = notebook(own / "01_toy.ipynb", RECORD)
    target = str(own / "done.ipynb")
    papermill.execute_notebook(
        str(path), target, {"min_weight": 8}, kernel_name="python3", progress_bar=False
    )
    assert records.from_notebook(target).metrics == {"double": 16}
    assert (own / "runs" / "01_toy.json").exists()


@pytest.mark.parametrize("name", ["smoke", "classroom", "real", "paper"])
def test_profiles_of_the_book_are_in_order(name):
    made = load_profile(name)
    assert made.description.endswith(".")
    assert {"dataset", "data"} & set(made.common)
