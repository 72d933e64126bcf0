"""The page on adding something of one's own: done as it says, line by line."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from musig.running import records

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "book/add.md").read_text("utf-8")
TEMPLATE = ROOT / "notebooks/template/my_experiment.ipynb"
KINDS = ("method", "data", "task", "relation", "experiment")
MUSIG = [sys.executable, "-c", "from musig.cli import main; main()"]


def blocks(part=TEXT, kind="python"):
    return re.findall(rf"^```{kind}\n(.*?)^```$", part, re.M | re.S)


def section(kind):
    return re.search(rf"^\(add-{kind}\)=$(.*?)(?=^\(add-|\Z)", TEXT, re.M | re.S)[1]


def own(kind):
    """The lines that the reader writes: the block that begins with a comment of one word."""
    (found,) = [block for block in blocks(section(kind)) if re.match(r"# [\w.]+\n", block)]
    return found.split("\n", 1)[1]


@pytest.mark.parametrize("kind", KINDS)
def test_each_is_under_ten_lines(kind):
    assert 0 < len([line for line in own(kind).splitlines() if line.strip()]) < 10


def test_there_is_a_section_for_each_and_no_other():
    assert tuple(sorted(re.findall(r"^\(add-(\w+)\)=$", TEXT, re.M))) == tuple(sorted(KINDS))


def run(command, folder):
    variables = {"MUSIG_CACHE": str(folder / "cache"), "MUSIG_RUNS": str(folder / "runs")}
    done = subprocess.run(
        command, cwd=folder, env=os.environ | variables, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """A folder in which all Python of the page was run, and what it printed."""
    folder = tmp_path_factory.mktemp("own")
    head = "import numpy as np\nimport torch\n\n\n"
    (folder / "same_genre.py").write_text(head + own("method"), "utf-8")
    rest = TEXT.replace(section("experiment"), "")  # that one stands in the notebook
    (folder / "page.py").write_text("\n".join(blocks(rest)), "utf-8")
    return folder, run([sys.executable, "page.py"], folder)


@pytest.mark.slow
def test_a_method_is_compared_with_others(done):
    _, printed = done
    rows = re.findall(r"^ *(\S+) +recall@10 +(\S+)", printed, re.M)
    means = {name: float(mean) for name, mean in rows}
    assert list(means) == ["popularity", "same-genre", "itemknn"]
    assert all(0 < mean < 1 for mean in means.values())


@pytest.mark.slow
def test_a_task_is_trained_and_measured_where_it_was_not_taught(done):
    folder, printed = done
    columns, error = re.search(r"^(\[.*'energy'.*\]) (\S+)$", printed, re.M).groups()
    assert {"cooccurrence", "similarity", "genre"} < set(json.loads(columns.replace("'", '"')))
    assert 0 < float(error) < 1
    assert (folder / "my_model/model.json").is_file()


@pytest.mark.slow
def test_a_relation_is_trained_over(done):
    _, printed = done
    edges = printed.strip().splitlines()[-1]
    assert "track-by_playlist-track" in edges and "track-by_tempo-track" in edges


@pytest.mark.slow
def test_a_folder_of_data_is_valid_and_is_read_by_a_chapter(done):
    folder, _ = done
    (commands,) = blocks(section("data"), "sh")
    validate, chapter = commands.splitlines()
    assert "200 playlists" in run([*MUSIG, *validate.split()[1:]], folder)
    run([*MUSIG, *chapter.split()[1:], "--out", "executed"], folder)
    record = records.from_notebook(folder / "executed/01_catalog.ipynb")
    assert record.data == "my_data"
    assert (record.metrics["playlists"], record.metrics["tracks"]) == (200, 40)


@pytest.mark.slow
def test_an_experiment_is_made_from_the_template(done):
    folder, _ = done
    (commands,) = blocks(section("experiment"), "sh")
    copy, *runs = commands.splitlines()
    _, source, target = copy.split()
    (folder / target).write_bytes((ROOT / source).read_bytes())
    for command in runs:
        run([*MUSIG, *command.split()[1:], "--out", "executed"], folder)
        record = records.from_notebook(folder / "executed" / target)
        names = {row["method"] for row in record.metrics["table"]}
        assert names == {"popularity", "same-genre"}
    assert (record.data, record.parameters["metric"]) == ("my_data", "r_precision")

    notebook = json.loads((folder / target).read_text("utf-8"))
    (cell,) = [cell for cell in notebook["cells"] if cell["id"] == "own"]
    cell["source"] = own("experiment")
    (folder / target).write_text(json.dumps(notebook), "utf-8")
    run([*MUSIG, *runs[0].split()[1:], "--out", "executed"], folder)
    record = records.from_notebook(folder / "executed" / target)
    names = {row["method"] for row in record.metrics["table"]}
    assert names == {"2 neighbours", "20 neighbours", "200 neighbours"}


def test_the_template_is_no_chapter_and_holds_no_outputs():
    notebook = json.loads(TEMPLATE.read_text("utf-8"))
    assert not list((ROOT / "notebooks").glob(TEMPLATE.name))
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert code[0]["metadata"]["tags"] == ["parameters"]
    assert all(not cell["outputs"] and cell["execution_count"] is None for cell in code)
    (cell,) = [cell for cell in code if cell["id"] == "own"]
    lines = {line.strip() for line in "".join(cell["source"]).splitlines()}
    assert lines >= {line.strip() for line in own("method").splitlines()}  # the page's method
