"""What is declared, what is locked and what is installed agree."""

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import musig

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
MAKEFILE = (ROOT / "Makefile").read_text("utf-8")
LOCK = [
    Requirement(line)
    for line in (ROOT / "requirements.lock").read_text("utf-8").splitlines()
    if line and not line.startswith("#")
]
EXTRAS = PROJECT["optional-dependencies"]
APART = [Requirement(text) for text in EXTRAS["cluster"]]
"""Not in the lock: Snakemake holds back packages that nothing else wants older."""
LOCKED = [texts for name, texts in EXTRAS.items() if name != "cluster"]
ASKED = [Requirement(text) for texts in (PROJECT["dependencies"], *LOCKED) for text in texts]
PYTHONS = ("3.11", "3.12", "3.13")


def locked(name, python):
    """Return the one version locked for a Python, or None."""
    platform = {"python_version": python, "python_full_version": f"{python}.7"}
    environment = default_environment() | platform
    found = [
        str(entry.specifier).removeprefix("==")
        for entry in LOCK
        if canonicalize_name(entry.name) == canonicalize_name(name)
        and (entry.marker is None or entry.marker.evaluate(environment))
    ]
    assert len(found) <= 1, f"{name} is locked twice for {python}: {found}"
    return found[0] if found else None


@pytest.mark.parametrize("requirement", ASKED, ids=lambda asked: asked.name)
@pytest.mark.parametrize("python", PYTHONS)
def test_every_dependency_is_locked_within_its_range(requirement, python):
    version = locked(requirement.name, python)
    assert version, f"{requirement.name} is not in requirements.lock: run make lock"
    assert requirement.specifier.contains(version), f"{requirement} is locked at {version}"


def test_the_lock_pins_exactly_and_leaves_cuda_to_torch():
    for entry in LOCK:
        assert re.fullmatch(r"==[^,*]+", str(entry.specifier)), f"{entry} is not an exact pin"
        assert not re.match(r"nvidia-|cuda-|triton", entry.name)
    torch = re.search(r"^TORCH\s*:=\s*(\S+)", MAKEFILE, re.M).group(1)
    assert {locked("torch", python) for python in PYTHONS} == {torch}


def test_what_is_not_locked_is_pinned_and_installed_without_the_lock():
    assert all(re.fullmatch(r"==[^,*]+", str(asked.specifier)) for asked in APART)
    assert not {asked.name for asked in APART} & {entry.name for entry in LOCK}
    pages = [ROOT / name for name in ("Makefile", "CONTRIBUTING.md", "book/cluster.md")]
    text = "\n".join(page.read_text("utf-8") for page in pages)
    told = re.findall(r"pip install ([^`\n]*)\[[^`\n]*cluster", text)
    assert len(told) > len(pages) and not any("requirements.lock" in one for one in told)


def test_the_rendering_is_pinned_in_pyproject_too():
    exact = {asked.name: str(asked.specifier) for asked in ASKED if "==" in str(asked.specifier)}
    assert set(exact) == {"jupyter-book", "sphinx-book-theme", "pydata-sphinx-theme"}
    for name, specifier in exact.items():
        assert f"=={locked(name, '3.12')}" == specifier


def test_what_a_class_downloads_builds_the_package():
    """Without a network an editable installation needs exactly this."""
    build = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["build-system"]["requires"]
    told = re.findall(
        r"pip download [^`]* (\S+==\S+)`", (ROOT / "book/teach.md").read_text("utf-8")
    )
    assert told == build


def test_conda_installs_what_make_installs():
    conda = yaml.safe_load((ROOT / "environment.yml").read_text("utf-8"))["dependencies"]
    (pip,) = [part["pip"] for part in conda if isinstance(part, dict)]
    recipes = re.findall(r"pip install .*?(-c requirements\.lock .*)$", MAKEFILE, re.M)
    assert " ".join(pip) in recipes
    (python,) = [part for part in conda if isinstance(part, str) and part.startswith("python=")]
    assert python.removeprefix("python=") in PYTHONS


def test_every_package_is_installed():
    folders = [path.parent for path in (ROOT / "musig").rglob("__init__.py")]
    present = {str(path.relative_to(ROOT)).replace(os.sep, ".") for path in folders}
    tool = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]
    assert set(tool["setuptools"]["packages"]) == present


def test_one_version_everywhere():
    version = PROJECT["version"]
    assert musig.__version__ == version
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))
    assert str(citation["version"]) == version
    assert f"version = {{{version}}}" in (ROOT / "book/cite.md").read_text("utf-8")


def test_importing_the_package_is_light():
    heavy = "{'torch', 'numba', 'pandas', 'matplotlib', 'sphinx'} & set(sys.modules)"
    code = f"import sys, musig; sys.exit(1 if {heavy} else 0)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def make(*arguments):
    """Run make and return what it printed."""
    return subprocess.run(
        ["make", *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )


@pytest.mark.posix
def test_profile_and_data_are_all_that_changes():
    default = make("-n", "book").stdout
    real = make("-n", "book", "PROFILE=real", "DATA=/a folder").stdout
    assert "-m musig.running.book --profile classroom" in default
    assert "--data" not in default
    assert '-m musig.running.book --profile real --data "/a folder"' in real


@pytest.mark.posix
def test_an_old_python_is_refused_with_a_sentence(tmp_path):
    old = tmp_path / "old-python"
    old.write_text(
        f"#!/bin/sh\nexec {sys.executable} -c "
        f"\"import sys; sys.version_info = (3, 9, 1, 'final', 0)\n$2\"\n"
    )
    old.chmod(0o755)
    done = make(f"VENV={tmp_path}/venv", f"PYTHON={old}", f"{tmp_path}/venv/bin/python")
    assert done.returncode != 0
    assert "musig needs Python 3.11 or newer" in done.stderr
    assert "is 3.9" in done.stderr
    assert not (tmp_path / "venv").exists()


@pytest.mark.posix
def test_continuous_integration_runs_the_tests():
    script = ROOT / ".ci/run"
    assert os.access(script, os.X_OK)
    assert subprocess.run(["bash", "-n", script], check=False).returncode == 0
    assert re.search(r"^make test$", script.read_text("utf-8"), re.M)


def test_nothing_tells_where_it_was_written():
    """No path of anybody's machine in a file that people edit."""
    endings = {".py", ".md", ".yml", ".toml", ".ipynb", ".cff", ".css", ".json", ""}
    skip = {"_build", "shared", "tests"}
    place = re.compile(r"/(?:home|Users|root)/\w|file:///\w|C:\\\\Users")
    for path in ROOT.rglob("*"):
        parts = set(path.relative_to(ROOT).parts)
        hidden = any(part.startswith(".") and part != ".ci" for part in parts)
        if path.is_dir() or parts & skip or hidden or path.suffix not in endings:
            continue
        found = place.search(path.read_text("utf-8"))
        assert not found, f"{path.relative_to(ROOT)}: {found.group()}"
