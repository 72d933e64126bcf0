"""Notebooks as a stranger runs them: from a folder of their own, by commands, with a slip or two.

That every parameter of every notebook may be changed, and that every kind of nonsense is refused,
is tested without processes in ``test_notebooks.py``.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys

import nbformat
import pytest
from make_expected import NOTEBOOKS, PROFILE
from test_notebooks import ALL, OWN, errors_of, other

from musig.running.parameters import parameters
from musig.running.profiles import load_profile, settle

NEVER = sorted(OWN)  # folders: there is no value to give
TRIED = "05_multitask_training"  # by make test; the others by make audit
EACH = [
    pytest.param(
        path, id=path.stem, marks=pytest.mark.slow if path.stem == TRIED else pytest.mark.audit
    )
    for path in ALL
]


def run(module, *arguments, cwd):
    """Run a command of this Python in a folder."""
    return subprocess.run(
        [sys.executable, "-m", module, *arguments],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONWARNINGS": "ignore"},
    )


def slips(path):
    """A wrong name, a wrong type and a value out of range, with a word of each answer."""
    declared = parameters(path)
    number = next(each for each in declared if each.type == "int" and each.bounds)
    sign, bound = number.bounds[0]
    beyond = bound - 1 if sign.startswith(">") else bound + 1
    return [
        ("sede", "1", "did you mean 'seed'?"),
        ("seed", "eins", "seed is 'eins'"),
        (number.name, str(int(beyond)), f"{number.name} is {int(beyond)}"),
    ]


@pytest.mark.parametrize("path", EACH)
def test_a_slip_ends_in_one_clear_sentence(path, tmp_path):
    for name, value, told in slips(path):
        arguments = ["run", str(path), "--profile", PROFILE, "--out", str(tmp_path / "out")]
        done = run("musig.cli", *arguments, "-p", name, value, cwd=tmp_path)
        assert done.returncode != 0
        assert done.stdout == ""
        lines = done.stderr.strip().splitlines()
        assert len(lines) == 1, done.stderr
        assert told in lines[0] and "Traceback" not in lines[0]
        assert re.search(r"[.?]$", lines[0]), lines[0]
        assert path.name in lines[0]  # where it was found
        assert list(tmp_path.iterdir()) == []  # nothing is left behind


@pytest.mark.audit
@pytest.mark.parametrize("path", [pytest.param(path, id=path.stem) for path in ALL])
def test_plain_papermill_runs_it_with_another_value(path, tmp_path):
    """Without anything of musig around it: the parameters cell is the interface."""
    before = sorted(NOTEBOOKS.rglob("*"))
    values, _ = settle(path, load_profile(PROFILE, NOTEBOOKS), {})
    last = [each for each in parameters(path) if each.name not in NEVER][-1]
    values |= {"seed": values["seed"] + 1, last.name: other(last)}
    out = tmp_path / "mine.ipynb"
    done = run("papermill", str(path), str(out), "-y", json.dumps(values), cwd=tmp_path)
    assert done.returncode == 0, done.stderr[-2000:]
    executed = nbformat.read(out, 4)
    assert errors_of(executed) == []
    given = [cell for cell in executed.cells if "injected-parameters" in cell.metadata["tags"]]
    assert f"seed = {values['seed']}" in given[0].source
    assert list(tmp_path.iterdir()) == [out]
    assert sorted(NOTEBOOKS.rglob("*")) == before
