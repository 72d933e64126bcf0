"""The sources of the book hold together; fast, without building it."""

import pkgutil
import re
import tomllib
from pathlib import Path

import pytest
import yaml
from pybtex.database import parse_file

import musig
from musig.running import book, publishing
from musig.running.parameters import parameters

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
PAGES = sorted((ROOT / "book").rglob("*.md"))


def test_the_table_of_contents_lists_every_page_once():
    listed = book.listed(ROOT)
    there = [path.relative_to(ROOT).with_suffix("").as_posix() for path in [*NOTEBOOKS, *PAGES]]
    assert sorted(listed) == sorted(there)


def test_every_module_is_on_one_page_of_the_reference():
    text = "\n".join(path.read_text("utf-8") for path in (ROOT / "book/api").glob("*.md"))
    listed = re.findall(r"^\.\. automodule:: (\S+)$", text, re.M)
    modules = [module.name for module in pkgutil.walk_packages(musig.__path__, "musig.")]
    assert sorted(listed) == sorted(modules)


def test_every_parameter_of_a_notebook_is_in_the_glossary():
    glossary = (ROOT / "book/glossary.md").read_text("utf-8")
    named = set(re.findall(r"^`(\w+)`$", glossary.split("## Names of parameters")[1], re.M))
    used = {parameter.name for path in NOTEBOOKS for parameter in parameters(path)}
    assert used <= named, f"not in the glossary: {sorted(used - named)}"
    assert named <= used, f"in the glossary, but of no notebook: {sorted(named - used)}"


@pytest.mark.slow
def test_the_readme_shows_the_recorded_results():
    readme = (ROOT / "README.md").read_text("utf-8")
    assert readme == publishing.fill_readme(readme, ROOT / "results"), (
        "run python -m musig.running.book --readme"
    )


def test_no_page_carries_code_or_outputs_of_its_own():
    """Numbers come from notebooks: a page with executed code would need its own record."""
    for path in PAGES:
        assert "{code-cell}" not in path.read_text("utf-8"), path.name


def test_every_entry_of_the_bibliography_is_whole():
    entries = parse_file(ROOT / "book/references.bib").entries
    cited = set()
    texts = [path.read_text("utf-8") for path in [*PAGES, *NOTEBOOKS]]
    for keys in re.findall(r"\{cite(?::\w+)?\}`([^`]+)`", "\n".join(texts)):
        cited |= {key.strip() for key in keys.split(",")}
    assert cited == set(entries), "the bibliography holds what is cited, no more and no less"
    for key, entry in entries.items():
        assert {"title", "year"} <= set(entry.fields), key
        assert entry.persons["author"], key
        where = {"booktitle", "journal", "note", "howpublished", "publisher"}
        assert where & set(entry.fields), key


def test_extensions_and_settings_stay_as_decided():
    """thebe throws a script error on every page, intersphinx asks the network."""
    config = yaml.safe_load((ROOT / "_config.yml").read_text("utf-8"))
    extensions = config["sphinx"]["config"]["extensions"]
    assert not {"sphinx_thebe", "sphinx.ext.intersphinx"} & set(extensions)
    assert config["execute"]["execute_notebooks"] == "off"
    assert (ROOT / "book/_static" / config["sphinx"]["config"]["mathjax_path"]).is_file()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert config["author"] == project["authors"][0]["name"]


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_a_page_begins_with_a_label_and_one_title(path):
    text = path.read_text("utf-8")
    assert re.match(r"\([a-z-]+\)=\n# \S", text), "first a label, then the title"
    outside = re.sub(r"^```.*?^```", "", text, flags=re.M | re.S)
    assert len(re.findall(r"^# ", outside, re.M)) == 1
