"""The reference of parameters says what the cells say."""

from pathlib import Path

import pytest

from musig.errors import MusigError
from musig.running import publishing, reference
from musig.running.parameters import Parameter

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def chapters():
    """Give all notebooks with what they take."""
    return reference.read(ROOT / "notebooks")


@pytest.mark.parametrize(
    ("help_", "may_be", "what"),
    [
        ("of folds and weights, ≥ 0", "≥ 0", "of folds and weights"),
        ("one of quick|committed; quick: small", "`quick` or `committed`", "quick: small"),
        ("seconds, > 0, ≤ 30, in the middle", "> 0, ≤ 30", "seconds, in the middle"),
        ("a share, in (0, 1]", "> 0, ≤ 1", "a share"),
        ("name of a data set (a|b); see", "–", "name of a data set (a\\|b); see"),
        ("≥ 1", "≥ 1", "–"),
        ("", "–", "–"),
    ],
)
def test_a_comment_is_parted_in_rules_and_words(help_, may_be, what):
    parameter = Parameter("x", "float", 1.0, help_)
    assert reference.allowed(parameter) == may_be
    assert reference.told(parameter) == what


def test_a_truth_may_be_two_things():
    assert reference.allowed(Parameter("x", "bool", True, "")) == "`true` or `false`"


def test_every_parameter_of_every_notebook_has_its_row(chapters):
    page = reference.parameters_page(ROOT / "notebooks")
    assert len(chapters) == len(list((ROOT / "notebooks").glob("*.ipynb")))
    sections = page.split("\n(parameters-")[1:]
    assert len(sections) == len(chapters)
    for chapter, section in zip(chapters, sections, strict=True):
        assert f"(../notebooks/{chapter.name}.ipynb)" in section
        rows = [line for line in section.splitlines() if line.startswith("| `")]
        assert [row.split("`")[1] for row in rows] == [each.name for each in chapter.parameters]
        assert {row.count(" | ") for row in rows} <= {5}
    assert "<!--" not in page


def test_the_index_tells_who_has_what(chapters):
    table = reference.index_table(chapters)
    rows = {line.split("`")[1]: line for line in table.splitlines() if line.startswith("| `")}
    assert list(rows) == sorted(rows)
    for name, row in rows.items():
        having = [each for each in chapters if name in {item.name for item in each.parameters}]
        if len(having) == len(chapters):
            assert "| all |" in row
        else:
            assert row.count("](#parameters-") == len(having)
            assert all(f"[{each.name[:2]}](#parameters-" in row for each in having)


def test_profiles_are_told_where_they_differ(chapters):
    by_name = {each.name: each for each in chapters}
    row = next(
        line
        for line in reference.chapter_table(by_name["05_multitask_training"]).splitlines()
        if line.startswith("| `epochs`")
    )
    values = {n: v["epochs"] for n, v in by_name["05_multitask_training"].profiles.items()}
    (default,) = (
        p.default for p in by_name["05_multitask_training"].parameters if p.name == "epochs"
    )
    for name, value in values.items():
        assert (name in row) == (value != default)


def test_a_notebook_without_parameters_says_so():
    assert reference.chapter_table(reference.Chapter("99_x", "X", (), {})) == (
        "It has no parameters."
    )


def test_what_is_wrong_in_a_profile_is_told(tmp_path):
    (tmp_path / "profiles").mkdir()
    (tmp_path / "profiles" / "x.yml").write_text("common: {nothing: 1}")
    with pytest.raises(MusigError, match="no notebook has a parameter 'nothing'"):
        reference.read(tmp_path)


def test_the_page_has_the_place():
    page = (ROOT / "book/parameters.md").read_text("utf-8")
    assert "<!-- reference:parameters -->" in page
    filled = publishing.fill(page, [], ROOT / "results")
    assert "<!--" not in filled and "| `seed` | all |" in filled
