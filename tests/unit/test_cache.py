"""The stage cache: never stale, never half, computed once."""

from __future__ import annotations

import importlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from musig import cache, source
from musig.errors import MusigError
from musig.files import aside

PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@pytest.fixture
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("MUSIG_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def package(tmp_path, monkeypatch):
    """Write a package ``toy`` of some modules; importable, forgotten afterwards."""

    def write(**modules):
        folder = tmp_path / "src" / "toy"
        for name, text in {"__init__": "", **modules}.items():
            path = folder.joinpath(*name.split("__in__")).with_suffix(".py")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")
            os.utime(path, ns=(time.time_ns(), time.time_ns()))  # a coarse clock must not hide it
        importlib.invalidate_caches()
        source._parse.cache_clear()

    monkeypatch.syspath_prepend(str(tmp_path / "src"))
    yield write
    for name in [name for name in sys.modules if name.partition(".")[0] == "toy"]:
        del sys.modules[name]


BASE = 'def f(x):\n    """Say."""\n    # why\n    return x + 1\n'


@pytest.mark.parametrize(
    "same",
    [
        pytest.param(BASE.replace("# why", "# because"), id="comment"),
        pytest.param(BASE.replace("Say.", "Say more."), id="docstring"),
        pytest.param(BASE.replace('    """Say."""\n', ""), id="no docstring"),
        pytest.param('"""Module."""\n\n\n' + BASE, id="module docstring"),
        pytest.param(BASE.replace("x + 1", "(x\n        + 1)"), id="layout"),
        pytest.param(BASE + '"""A string that stands alone."""\n', id="bare string"),
    ],
)
def test_key_ignores_what_does_nothing(package, same):
    package(a=BASE)
    before = cache.source_key("toy.a")
    package(a=same)
    assert cache.source_key("toy.a") == before


@pytest.mark.parametrize(
    "other",
    [
        BASE.replace("+ 1", "+ 2"),
        BASE.replace("x + 1", "x - 1"),
        BASE + "K = 3\n",
        BASE.replace("def f(x)", "def f(x, y=0)"),
        BASE.replace("return x + 1", "return 'Say.'"),
    ],
)
def test_key_follows_code(package, other):
    package(a=BASE)
    before = cache.source_key("toy.a")
    package(a=other)
    assert cache.source_key("toy.a") != before


IMPORTS = {
    "from package": "from toy import b\n",
    "from module": "from toy.b import f\n",
    "plain": "import toy.b\n",
    "renamed": "import toy.b as other\n",
    "relative": "from . import b\n",
    "relative module": "from .b import f\n",
    "lazy": "def g():\n    from toy.b import f\n    return f\n",
    "lazy method": "class G:\n    def g(self):\n        import toy.b\n",
    "checked": "try:\n    from toy import b\nexcept ImportError:\n    b = None\n",
    "by name": "import importlib\nb = importlib.import_module('toy.b')\n",
    "through": "from toy import c\n",
    "through a package": "from toy import pack\n",
    "a package's module": "from toy.pack.d import z\n",
}


@pytest.mark.parametrize("text", IMPORTS.values(), ids=IMPORTS)
def test_key_follows_imports_however_written(package, text):
    rest = {
        "c": "from toy import b\n",
        "pack__in____init__": "from ..b import f\n",
        "pack__in__d": "z = 1\n",
        "unrelated": "y = 1\n",
    }
    package(a=text, b=BASE, **rest)
    before = cache.source_key("toy.a")
    package(unrelated="y = 2\n", b=BASE + "# a remark\n")
    assert cache.source_key("toy.a") == before
    package(b=BASE.replace("+ 1", "+ 2"))
    assert cache.source_key("toy.a") != before


def test_key_follows_the_packages_init_and_survives_circles(package):
    package(a="from toy import b\n", b="from toy import a\n")
    before = cache.source_key("toy.a")
    package(__init__="K = 1\n")
    assert cache.source_key("toy.a") != before


def test_key_of_a_function_is_its_modules(package):
    package(a=BASE)
    module = importlib.import_module("toy.a")
    assert cache.source_key(module) == cache.source_key(module.f) == cache.source_key("toy.a")


def test_everything_musig_imports_is_found():
    """A module's closure holds every musig module that importing it really loads."""
    code = "import sys, musig.cli; print(*sorted(m for m in sys.modules if m.startswith('musig')))"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert set(loaded.stdout.split()) <= set(source.closure("musig.cli"))


def test_source_without_a_file_is_refused():
    with pytest.raises(MusigError, match=r"no file with the source of 'toy\.nowhere'"):
        cache.source_key("toy.nowhere")
    with pytest.raises(MusigError, match="move the function from the notebook to a module"):
        cache.source_key(SimpleNamespace(__module__="__nowhere__"))


def test_broken_source_is_named(package):
    package(a="def f(:\n")
    with pytest.raises(MusigError, match=r"a\.py cannot be read as Python"):
        cache.source_key("toy.a")


@given(PLAIN, PLAIN)
def test_digest_tells_values_apart(a, b):
    assert cache.digest(a) == cache.digest(json.loads(json.dumps(a)))
    same = json.dumps(a, sort_keys=True) == json.dumps(b, sort_keys=True)
    assert (cache.digest(a) == cache.digest(b)) == same


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ({"x": np.arange(3)}, r"inputs\['x'\] is a ndarray"),
        ({"x": [1, np.int64(3)]}, r"inputs\['x'\]\[1\] is a int64"),
        ({"x": Path("a")}, r"inputs\['x'\] is a \w*Path.*a path as a string"),
        ({"x": {1, 2}}, r"inputs\['x'\] is a set"),
        ({"x": float("nan")}, r"inputs\['x'\] is nan: a cache key takes finite numbers"),
        ({"x": {1: 2}}, r"inputs\['x'\] has the key 1: keys must be strings"),
    ],
)
def test_inputs_that_are_not_plain_are_refused(own_cache, value, says):
    with pytest.raises(MusigError, match=says):
        cache.stage("x", value, lambda folder: None, "musig.errors")
    assert not list(own_cache.glob("x-*"))


def counted(calls, text="done"):
    def make(folder):
        calls.append(folder)
        (folder / "deep").mkdir(exist_ok=True)
        (folder / "deep" / "result.txt").write_text(text)

    return make


def test_stage_computes_once_per_key(own_cache):
    calls = []
    first = cache.stage("toy", {"a": 1, "b": [1, 2]}, counted(calls), "musig.errors")
    again = cache.stage("toy", {"b": (1, 2), "a": 1}, counted(calls), "musig.errors")
    other = cache.stage("toy", {"a": 2, "b": [1, 2]}, counted(calls), "musig.errors")
    third = cache.stage("toy", {"a": 1, "b": [1, 2]}, counted(calls), "musig.files")
    assert first == again and len({first, other, third}) == 3 and len(calls) == 3
    assert (first / "deep" / "result.txt").read_text() == "done"
    assert first.parent == own_cache.resolve()


def test_versions_are_part_of_the_key(own_cache, monkeypatch):
    first = cache.stage("toy", {}, counted([]), "musig.errors")
    monkeypatch.setattr(cache, "versions", lambda: {"torch": "0.0"})
    assert cache.stage("toy", {}, counted([]), "musig.errors") != first


def test_failed_make_keeps_its_folder_to_go_on_from(own_cache):
    def fail(folder):
        (folder / "half.txt").write_text("half")
        raise RuntimeError("no")

    with pytest.raises(RuntimeError, match="no"):
        cache.stage("toy", {}, fail, "musig.errors")
    assert [p.name.endswith(".partial") for p in own_cache.glob("toy-*/")] == [True]

    def resume(folder):
        assert (folder / "half.txt").read_text() == "half"
        (folder / "half.txt").rename(folder / "whole.txt")

    folder = cache.stage("toy", {}, resume, "musig.errors")
    assert [p.name for p in folder.glob("*.txt")] == ["whole.txt"]
    assert not list(own_cache.glob("*.partial"))


@pytest.mark.parametrize("harm", ["cut", "missing", "no listing", "bad listing", "empty"])
def test_damaged_folder_is_computed_again(own_cache, harm):
    calls = []
    folder = cache.stage("toy", {}, counted(calls), "musig.errors")
    result, listing = folder / "deep" / "result.txt", folder / ".stage.json"
    if harm == "cut":
        result.write_text("do")
    elif harm == "missing":
        result.unlink()
    elif harm == "no listing":
        listing.unlink()
    elif harm == "bad listing":
        listing.write_text('{"files": 3')
    else:
        result.unlink()
        result.parent.rmdir()
        listing.unlink()
    assert cache.stage("toy", {}, counted(calls), "musig.errors") == folder
    assert len(calls) == 2 and result.read_text() == "done"
    assert {p.name for p in own_cache.iterdir()} == {folder.name, folder.name + ".lock"}


SCRIPT = """
import sys, time
from pathlib import Path
from musig import cache

log, pause = Path(sys.argv[1]), float(sys.argv[2])

def make(folder):
    with log.open("a") as lines:
        lines.write("begun\\n")
    done = sorted(folder.glob("part*"))
    for number in range(len(done), 4):
        (folder / f"part{number}").write_text("x" * 1000)
        (log.parent / "ready").touch()
        time.sleep(pause)

print(cache.stage("toy", {}, make, "musig.errors"))
"""


def start(log, pause):
    return subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(log), str(pause)], stdout=subprocess.PIPE, text=True
    )


def wait_for(path):
    limit = time.monotonic() + 60
    while not path.exists():
        assert time.monotonic() < limit
        time.sleep(0.01)


@pytest.mark.posix
def test_killed_make_leaves_no_result_and_is_resumed(own_cache, tmp_path):
    log = tmp_path / "log"
    process = start(log, 60)
    wait_for(tmp_path / "ready")
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    assert [p.suffix for p in own_cache.glob("toy-*/")] == [".partial"]
    process = start(log, 0)  # not held up by the lock of the dead
    folder = Path(process.communicate(timeout=60)[0].strip())
    assert sorted(p.name for p in folder.glob("part*")) == ["part0", "part1", "part2", "part3"]
    assert log.read_text() == "begun\n" * 2


def test_parallel_processes_compute_once(own_cache, tmp_path):
    log = tmp_path / "log"
    processes = [start(log, 0.1) for _ in range(3)]
    folders = {process.communicate(timeout=60)[0] for process in processes}
    assert all(process.returncode == 0 for process in processes)
    assert len(folders) == 1 and log.read_text() == "begun\n"


def test_cache_that_cannot_be_written_is_named(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("MUSIG_CACHE", str(tmp_path / "file" / "cache"))
    with pytest.raises(MusigError, match="set MUSIG_CACHE to a folder that can be written"):
        cache.root()


@pytest.mark.parametrize("name", ["", "a/b", "a b", ".."])
def test_stage_names_are_words(own_cache, name):
    with pytest.raises(MusigError, match="named by letters"):
        cache.stage(name, {}, counted([]), "musig.errors")


def test_aside_keeps_the_old_file_when_writing_fails(tmp_path):
    path = tmp_path / "new" / "table.csv"
    with aside(path) as passing:
        assert passing.suffix == ".csv" and not path.exists()
        passing.write_text("old")
    with pytest.raises(KeyboardInterrupt), aside(path) as passing:
        passing.write_text("ne")
        raise KeyboardInterrupt
    assert path.read_text() == "old"
    assert [p.name for p in path.parent.iterdir()] == ["table.csv"]
    with pytest.raises(MusigError, match="cannot be written"), aside(path / "below.csv"):
        pass
