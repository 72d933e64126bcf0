"""What is published: workflows, the citation, Binder and Colab, the README, the cards."""

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from types import ModuleType, SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import yaml
from click.testing import CliRunner
from IPython.core.inputtransformer2 import TransformerManager
from packaging.requirements import Requirement

from musig.errors import MusigError
from musig.experiments import CellResult, plans, store
from musig.running import book, publishing, teaching, timing
from musig.sources import cards, synthetic

ROOT = Path(__file__).resolve().parents[2]
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
EACH = [pytest.param(path, id=path.stem) for path in WORKFLOWS]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
MAKEFILE = (ROOT / "Makefile").read_text("utf-8")


def workflow(path):
    return yaml.safe_load(path.read_text("utf-8"))


def steps(path):
    return [step for job in workflow(path)["jobs"].values() for step in job["steps"]]


# --- workflows and the citation, with their validators


@pytest.mark.parametrize(
    ("schema", "files"),
    [
        ("vendor.github-workflows", WORKFLOWS),
        ("custom.github-workflows-require-timeout", WORKFLOWS),
        ("vendor.citation-file-format", [ROOT / "CITATION.cff"]),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_the_validator_takes_them(schema, files):
    validator = pytest.importorskip("check_jsonschema", reason="the extra test is not installed")
    command = ["--builtin-schema", schema, *map(str, files)]
    done = CliRunner().invoke(validator.main, command)
    assert done.exit_code == 0, done.output


def test_there_is_a_workflow_for_each_truth():
    assert [path.stem for path in WORKFLOWS] == ["audit", "book", "links", "tests"]


@pytest.mark.parametrize("path", EACH)
def test_a_workflow_may_do_little_and_ends(path):
    """Read the source and no more, unless a job says otherwise; no secrets; pinned; in time."""
    text, found = path.read_text("utf-8"), workflow(path)
    assert found["permissions"] == {"contents": "read"}
    assert found["concurrency"]["group"].startswith(path.stem)
    assert "secrets." not in text
    for name, job in found["jobs"].items():
        assert job["timeout-minutes"] <= 180, name
        beyond = {key for key, value in job.get("permissions", {}).items() if value == "write"}
        allowed = {"publish": {"pages", "id-token"}, "tell": {"issues"}}
        assert beyond == allowed.get(name, set())
    for step in steps(path):
        if "uses" in step:
            assert re.fullmatch(r"actions/[\w-]+@v\d+", step["uses"])


@pytest.mark.parametrize("path", EACH)
def test_what_a_workflow_runs_is_there(path):
    targets = set(re.findall(r"^([a-z]+):", MAKEFILE, re.M))
    for command in (step["run"] for step in steps(path) if "run" in step):
        for target in re.findall(r"\bmake (\w+)", command):
            assert target in targets
        for script in re.findall(r"\bpython (\S+\.py)", command):
            assert (ROOT / script).is_file(), f"{path.name} runs {script}, which does not exist"
        for number, profile in re.findall(r"musig run (\d\d) --profile (\w+)", command):
            assert list((ROOT / "notebooks").glob(f"{number}_*.ipynb"))
            assert (ROOT / f"notebooks/profiles/{profile}.yml").is_file()


def test_the_tests_run_on_three_systems_and_all_pythons_of_the_lock():
    matrix = workflow(ROOT / ".github/workflows/tests.yml")["jobs"]["fast"]["strategy"]["matrix"]
    assert {name.partition("-")[0] for name in matrix["os"]} == {"ubuntu", "macos", "windows"}
    assert matrix["python"] == ["3.11", "3.12", "3.13"]


def test_the_pages_are_those_that_make_book_leaves():
    (upload,) = [
        step
        for step in steps(ROOT / ".github/workflows/book.yml")
        if step.get("uses", "").startswith("actions/upload-pages-artifact")
    ]
    assert upload["with"]["path"] == "_build/html"
    assert "_build/html" in MAKEFILE


def test_the_citation_names_the_paper_first():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))
    paper = citation["preferred-citation"]
    page = (ROOT / "book/cite.md").read_text("utf-8")
    assert paper["doi"] in page and paper["title"] in page and f"{paper['year']}" in page
    assert [author["family-names"] for author in paper["authors"]] == [
        "Saravanou",
        "Tomasi",
        "Mehrotra",
        "Lalmas",
    ]
    assert citation["license"] == PROJECT["license"]
    assert citation["repository-code"] in page


# --- Binder and Colab


def test_every_launch_link_leads_to_a_committed_file():
    config = yaml.safe_load((ROOT / "_config.yml").read_text("utf-8"))
    theme = config["sphinx"]["config"]["html_theme_options"]
    assert theme["path_to_docs"] == "" and theme["repository_branch"] == "main"
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))
    assert theme["repository_url"] == config["repository"]["url"] == citation["repository-code"]
    assert {"binderhub_url", "colab_url"} <= set(theme["launch_buttons"])
    for path in book.chapters(ROOT):  # the link is the path of the page
        assert path.is_file() and path.suffix == ".ipynb"


def test_binder_installs_what_make_book_installs():
    lines = (ROOT / "binder/requirements.txt").read_text("utf-8").splitlines()
    lines = [line for line in lines if line and not line.startswith("#")]
    assert lines[1:] == ["--constraint ../requirements.lock", "--editable ."]
    assert lines[0].startswith("--extra-index-url https://download.pytorch.org/")
    assert (ROOT / "binder" / lines[1].split()[1]).is_file()
    python = (ROOT / "binder/runtime.txt").read_text("utf-8").strip()
    conda = yaml.safe_load((ROOT / "environment.yml").read_text("utf-8"))["dependencies"]
    assert python.replace("-", "=") in conda


DRAWING = {"papermill", "ipykernel", "jupyter-book", "sphinx-book-theme", "pydata-sphinx-theme",
           "numpydoc"}  # fmt: skip
"""What the book is drawn with: a notebook that is open in Colab needs none of it."""


def test_colab_gets_what_the_notebooks_need_and_keeps_its_own_jupyter():
    lines = (ROOT / "binder/colab.txt").read_text("utf-8").splitlines()
    asked = [line for line in lines if line and not line.startswith("#")]
    needed = [text for text in PROJECT["dependencies"] if Requirement(text).name not in DRAWING]
    assert asked == needed
    names = {Requirement(text).name for text in PROJECT["dependencies"]}
    assert names >= DRAWING


@pytest.mark.slow
def test_no_notebook_needs_what_only_draws_the_book():
    """All that the notebooks import can be imported without it."""
    imports = set()
    for path in NOTEBOOKS:
        for cell in json.loads(path.read_text("utf-8"))["cells"]:
            if cell["cell_type"] == "code":
                lines = "".join(cell["source"]).splitlines()
                imports |= {line for line in lines if re.match(r"(from|import) \w", line)}
    blocked = {name.replace("-", "_") for name in DRAWING}
    code = "import sys\n" + "".join(f"sys.modules[{name!r}] = None\n" for name in sorted(blocked))
    code += "\n".join(sorted(imports))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def on_colab(path):
    """Give the cell that prepares Colab."""
    notebook = json.loads(path.read_text("utf-8"))
    found = [cell for cell in notebook["cells"] if cell.get("id") == "on-colab"]
    assert len(found) == 1, f"{path.name} has {len(found)} cells called on-colab"
    return found[0]


@pytest.mark.parametrize("path", [pytest.param(path, id=path.stem) for path in NOTEBOOKS])
def test_every_notebook_prepares_colab_in_the_same_hidden_cell(path):
    cell = on_colab(path)
    assert cell["metadata"] == {"tags": ["remove-cell"]}
    assert cell["source"] == on_colab(NOTEBOOKS[0])["source"]
    code = [c for c in json.loads(path.read_text("utf-8"))["cells"] if c["cell_type"] == "code"]
    assert code[1]["id"] == "on-colab"  # right after the parameters


def run_on(colab, monkeypatch):
    """Run the cell as IPython would; return what it would have done."""
    done = []
    shell = SimpleNamespace(
        system=lambda command: done.append(command),
        run_line_magic=lambda name, line, *_, **__: done.append(f"%{name} {line}"),
    )
    if colab:
        monkeypatch.setitem(sys.modules, "google.colab", ModuleType("google.colab"))
    else:
        monkeypatch.delitem(sys.modules, "google.colab", raising=False)
    code = TransformerManager().transform_cell("".join(on_colab(NOTEBOOKS[0])["source"]))
    exec(code, {"get_ipython": lambda: shell})
    return done


def test_elsewhere_that_cell_does_nothing(monkeypatch, capfd):
    assert run_on(False, monkeypatch) == []
    assert capfd.readouterr() == ("", "")


def test_on_colab_it_fetches_the_project_that_the_link_names(monkeypatch):
    url = yaml.safe_load((ROOT / "_config.yml").read_text("utf-8"))["repository"]["url"]
    clone, install, enter = run_on(True, monkeypatch)
    assert f" {url} /content/musig" in clone and clone.startswith("test -d /content/musig ||")
    assert install == "bash /content/musig/binder/colab.sh"
    assert enter == "%cd -q /content/musig"
    assert (ROOT / "binder/colab.sh").is_file()


@pytest.mark.posix
def test_the_script_for_colab_installs_the_list_and_the_project(tmp_path):
    told = tmp_path / "told"
    python = tmp_path / "python3"
    python.write_text(f'#!/bin/sh\necho "$PWD: $@" >> "{told}"\n', "utf-8")
    python.chmod(0o755)
    script = ["bash", ROOT / "binder/colab.sh"]
    path = f"{tmp_path}:{os.environ['PATH']}"
    done = subprocess.run(
        script, env=os.environ | {"PATH": path}, cwd=tmp_path, text=True, capture_output=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0 and "musig is ready" in done.stdout, done.stderr
    assert told.read_text("utf-8").splitlines() == [
        f"{ROOT}: -m pip install --quiet --requirement binder/colab.txt",
        f"{ROOT}: -m pip install --quiet --no-deps --editable .",
    ]
    python.write_text("#!/bin/sh\nexit 3\n", "utf-8")
    done = subprocess.run(script, env=os.environ | {"PATH": path}, capture_output=True, check=False)
    assert done.returncode == 3 and not done.stdout


# --- pages


def test_every_data_set_has_a_card_with_its_licence():
    """What `musig data list` names is in data/README.md, in three boxes."""
    text = (ROOT / "data/README.md").read_text("utf-8")
    named = {
        "embedded-smoke": "embedded",
        "embedded-classroom": "embedded",
        "embedded-paper": "embedded",
        "tidytuesday": "tidytuesday",
        "aotm2011": "aotm",
        "MPD slices": "mpd",
        "FMA": "fma",
        "Melon": "melon",
        "folder of tables": "tables",
        "folder of recordings": "recordings",
    }
    assert [card.name for card in cards.CARDS] == list(named)
    parts = re.split(r"^\(card-(\w+)\)=$", text, flags=re.M)[1:]
    written = dict(zip(parts[::2], parts[1::2], strict=True))
    assert set(written) == set(named.values())
    for name, part in written.items():
        for box in ("What it is", "What trips you up", "What to do"):
            assert f"```{{admonition}} {box}\n" in part, f"{name}: {box}"
        for line in ("Licence", "Checksum"):
            assert re.search(rf"^- \*{line}:\* \S", part, re.M), f"{name}: {line}"
        assert f"(#card-{name})" in text, f"{name} is not in the table at the top"


def test_the_changes_and_the_checklist_name_this_version():
    changes = (ROOT / "CHANGES.md").read_text("utf-8")
    headings = re.findall(r"^## \[(.*?)\](?: - \d{4}-\d\d-\d\d)?$", changes, re.M)
    assert headings[0] == "Unreleased"
    assert headings[1:2] == [PROJECT["version"]] or f"what {PROJECT['version']} will be" in changes
    assert len(re.findall(r"^## ", changes, re.M)) == len(headings)
    checklist = (ROOT / "book/release.md").read_text("utf-8")
    files = re.findall(r"\btests/\S+\.py\b", checklist)
    assert files and all((ROOT / file).is_file() for file in files)
    for validator in ("vendor.github-workflows", "vendor.citation-file-format", "cffconvert"):
        assert validator in checklist


@pytest.fixture
def recorded(tmp_path):
    """Record two methods of the wide table on small data: two folds of five, one of five."""
    cells = plans.methods_table(["popularity", "musig"], folds=[0, 1])[:3]
    for cell in cells:
        catalog = synthetic.make("smoke")
        scores = pd.DataFrame(
            {
                "hit_rate@10": 1.0,
                "recall@10": 0.1,
                "ndcg@100": 0.1,
                "r_precision": 0.1,
                "seeds": 10,
                "targets": 10,
            }
            | {f"found|{n}": 1.0 for n in range(1, 11)}
            | {f"among|{n}": 2.0 for n in range(1, 11)},
            index=pd.Index(np.arange(30) * 2 + cell.fold, name="playlist"),
        ).astype(np.float32)
        measures = {"n": 30, "cpu_seconds": 60.0, "fit_seconds": 90.0, "fit_cpu_seconds": 50.0,
                    "size": 7, "coverage": 0.25, "n_tracks": 11,
                    "popularity": [[3, 3], *[[4, 5]] * 9]}  # fmt: skip
        result = CellResult(cell, scores, measures=measures)
        path = tmp_path / "cells" / f"{cell.name}.json"
        store.save(result, path, catalog, store.key(cell, catalog.fingerprint))
    return tmp_path


MARKS = (publishing.BEGIN, publishing.END, publishing.TIME_BEGIN, publishing.TIME_END)


def test_the_readme_keeps_everything_else(tmp_path):
    before = "# x\n{}\nold\n{}\nbetween\n{}\nold\n{}\nafter\n".format(*MARKS)
    after = publishing.fill_readme(before, tmp_path / "results")
    assert after.startswith("# x\n") and after.endswith("\nafter\n")
    assert "\nbetween\n" in after and "old" not in after and "not been measured yet" in after
    assert publishing.fill_readme(after, tmp_path / "results") == after
    for mark in MARKS:
        with pytest.raises(MusigError, match=r"The README lacks <!-- \w+:begin"):
            publishing.fill_readme(before.replace(mark, ""), tmp_path)


def test_the_readme_says_how_long_the_chapters_take(tmp_path):
    times = {"01_a": 30, "02_b": 100, "03_c": 50}
    chapters = {
        name: {"seconds": seconds, "cpu_seconds": seconds, "exercises": {}}
        for name, seconds in times.items()
    }
    (tmp_path / "book").mkdir()
    about = dict.fromkeys((*timing.ABOUT, *timing.MADE), "x")
    (tmp_path / "book/times.json").write_text(json.dumps({**about, "chapters": chapters}), "utf-8")
    text = publishing.fill_readme("\n".join(MARKS), tmp_path / "results")
    assert "the 3 chapters take 3 minutes in all, the longest, `02_b`, 100 seconds." in text


def test_each_row_of_the_readme_has_its_time_and_its_command(recorded):
    text = publishing.fill_readme("\n".join(MARKS), recorded)
    row = next(line for line in text.splitlines() if line.startswith("| a popularity"))
    assert row.startswith("| a popularity (2 of 5 cells) |")
    assert "0.100 [0.100, 0.100]" in row
    assert row.endswith("| 3 | `make results ROW=07_methods/popularity` |")
    assert any("not run yet" in line and "ease" in line for line in text.splitlines())
    assert "3 for all" in text and "Playlists: 30 to 60." in text
    assert "The whole table: `make results ROW=07_methods`" in text
    assert publishing.readme_block(recorded / "nowhere") == ""


def test_the_readme_begins_with_the_results():
    readme = (ROOT / "README.md").read_text("utf-8")
    assert len(re.findall(r"^\[!\[|^!\[.*badge", readme, re.M)) <= 2
    head = readme[: readme.index(publishing.BEGIN)]
    assert "|" not in head and len(head.splitlines()) < 15
    pictures = re.findall(r'(?:src|srcset)="(book/[^"]+\.svg)"', readme)
    assert "book/_static/musig.svg" in pictures and re.search(r' alt="[^"]{40,}"', readme)
    assert all((ROOT / picture).is_file() for picture in pictures)
    rows = [line for line in readme.splitlines() if re.match(r"\| [a-z] ", line)]
    plan = dict.fromkeys(cell.row for cell in plans.methods_table())
    commands = [re.search(r"`(make results ROW=07_methods/(\S+))` \|$", row) for row in rows]
    assert [found and found[2] for found in commands] == list(plan)
    for link in re.findall(r"\]\(([^)#]+)\)", readme):
        if not link.startswith("http"):
            assert (ROOT / link).exists(), link


def test_the_places_of_the_cards_are_filled(recorded):
    for page in ("book/model.md", "book/licences.md"):
        assert page in book.FILLED
        text = (ROOT / page).read_text("utf-8")
        filled = publishing.fill(text, [], recorded)
        assert "<!--" in text and "<!--" not in filled
    card = publishing.model_results(recorded / "cells")
    assert "| popularity | 1.000 [1.000, 1.000] |" in card and "| 60 | 7 |" in card
    told = publishing.model_popularity(recorded / "cells")
    assert "rarest tenth (in 3 playlists)" in told and "(in 4 to 5 playlists)" in told
    assert "| musig | 0.500 [0.500, 0.500] |" in told and "| 25.0 % |" in told
    assert "the 11 tracks that" in publishing.model_data(recorded / "cells")
    for write in (publishing.model_results, publishing.model_popularity, publishing.model_data):
        assert write(recorded / "nowhere") == "No cell of the methods table has been recorded yet."


def test_a_tenth_without_targets_and_a_row_without_the_first_fold_have_a_dash(tmp_path):
    """Nobody looks for a track of the rarest tenth; of musig only another fold is there."""
    catalog = synthetic.make("smoke")
    for method, fold in (("popularity", 0), ("musig", 1)):
        (cell,) = plans.methods_table([method], folds=[fold])
        columns = dict.fromkeys(publishing.OF_MODEL, 0.5) | {"seeds": 10, "targets": 10}
        for n in range(1, 11):
            columns |= {f"found|{n}": 1.0 if n > 1 else 0.0, f"among|{n}": 2.0 if n > 1 else 0.0}
        scores = pd.DataFrame(columns, index=pd.Index([0, 1], name="playlist")).astype(np.float32)
        measures = {"n": 2, "size": 7, "coverage": 0.25, "popularity": [[3, 3]] * 10}
        path = tmp_path / f"{cell.name}.json"
        store.save(
            CellResult(cell, scores, measures=measures),
            path, catalog, store.key(cell, catalog.fingerprint),
        )  # fmt: skip
    lines = publishing.model_popularity(tmp_path).splitlines()
    assert lines[0].startswith("| method | rarest tenth | fifth tenth (in 3 playlists) |")
    half = "0.500 [0.500, 0.500]"
    assert f"| popularity | – | {half} | {half} | 25.0 % |" in lines
    assert "| musig | – | – | – | 25.0 % |" in lines


@pytest.mark.slow
def test_what_the_model_card_says_of_popularity_is_so():
    table = publishing.model_popularity(ROOT / "results/cells")
    rows = [line.split(" | ") for line in table.splitlines() if re.match(r"\| \w+.* \d", line)]
    assert len(rows) >= len(publishing.BESIDE)
    for row in rows[1:] if "tenth" in rows[0][1] else rows:
        rare, _, popular = (float(value.split()[0]) for value in row[1:4])
        assert popular > rare + 0.15, row  # "far more often"
        assert float(row[4].split()[0]) < 50, row  # "most tracks are never shown"


def test_licences_are_those_of_what_is_installed():
    found = publishing.installed()
    assert "sphinx" in found and "musig" not in found  # what is needed by what is needed, too
    text = publishing.licences()
    names = [Requirement(need).name for need in PROJECT["dependencies"]]
    assert all(re.search(rf"^\| {name} \| \d", text, re.M) for name in names)
    assert "not stated" not in text and "gensim (LGPL" in text
    assert "vibenet" not in found
    assert "jupyter-book" in found  # as the index spells it, however it is asked for
    with pytest.raises(MusigError, match="pip install no-such-thing"):
        publishing.licence("no-such-thing")


def test_a_package_that_is_not_installed_has_no_row(monkeypatch):
    needs = ["numpy>=2", "No_Such.Thing>=1", "click>=8; python_version < '3'"]
    known = {"musig": needs}
    monkeypatch.setattr(publishing.metadata, "requires", lambda name: known.get(name))
    assert list(publishing.installed()) == ["numpy"]
    text = publishing.licences()
    assert "| numpy |" in text and "no-such-thing" not in text and "1 package " in text


def test_the_teachers_page_is_filled_too(tmp_path):
    assert teaching.PAGE in book.FILLED
    page = f"a\n{teaching.TIMES}\n"
    assert publishing.fill(page, [], tmp_path / "results") == f"a\n{teaching.NOT_TIMED}\n"
    assert publishing.fill("a\n", [], tmp_path / "results") == "a\n"


def test_names_of_files_can_be_checked_out_on_every_system():
    """Windows takes no ``<>:"|?*`` and no two names that differ in case only."""
    if not shutil.which("git") or not (ROOT / ".git").exists():
        pytest.skip("not a checkout")
    done = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    names = [name for name in done.stdout.split("\0") if name]
    assert not [name for name in names if re.search(r'[<>:"|?*\\]|[. ](/|$)', name)]
    assert max(map(len, names)) < 150
    assert len({name.lower() for name in names}) == len(names)
