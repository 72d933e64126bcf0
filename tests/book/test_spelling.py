"""No word is misspelt, and the prose is British."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
READ = ["README.md", "CONTRIBUTING.md", "CITATION.cff", "book", "notebooks", "musig", "benchmarks"]
READ += ["data", "workflow", "_config.yml", "Makefile"]
PAGES = [
    *(ROOT / "book").rglob("*.md"),
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "data/README.md")),
    *sorted((ROOT / "notebooks").glob("*.ipynb")),
]
EITHER = {"biased", "check", "draft", "practice", "program", "programs"}
"""American words that are British words too."""


def american():
    """Read the American spellings that codespell knows, with the British ones."""
    pytest.importorskip("codespell_lib", reason="codespell is not installed")
    table = files("codespell_lib").joinpath("data/dictionary_en-GB_to_en-US.txt")
    pairs = (line.split("->") for line in table.read_text("utf-8").splitlines())
    known = {us.strip(", "): british for british, us in pairs}
    return {us: british for us, british in known.items() if us not in EITHER}


def prose(path):
    """Give the words of a page or of a chapter."""
    text = path.read_text("utf-8")
    if path.suffix == ".ipynb":
        cells = json.loads(text)["cells"]
        text = "\n".join("".join(c["source"]) for c in cells if c["cell_type"] == "markdown")
    text = re.sub(r"^\([\w-]+\)=$", "", text, flags=re.M)  # labels are names
    text = re.sub(r"^(`{3,})(?!\{).*?^\1\s*$", "", text, flags=re.M | re.S)
    return re.sub(r"^>.*$|https?://\S+", "", text, flags=re.M)  # quotations, addresses


def test_no_word_is_misspelt():
    pytest.importorskip("codespell_lib", reason="codespell is not installed")
    command = [sys.executable, "-m", "codespell_lib", *READ]  # settings: pyproject.toml
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr


def test_the_prose_is_british():
    spelling = american()
    assert {"color", "neighbor", "catalog"} <= set(spelling)
    found = []
    for path in PAGES:
        words = re.sub(r"`[^`]*`|\$[^$]*\$|\]\([^)]*\)", " ", prose(path))
        for word in re.findall(r"(?<![\w./@-])[A-Za-z]+(?![\w./@(=]|-\w)", words):
            if word.lower() in spelling:
                found.append(f"{path.relative_to(ROOT)}: {word}, {spelling[word.lower()]}")
    assert not found, "\n".join(found)
