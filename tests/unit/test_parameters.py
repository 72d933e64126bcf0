"""Parameters: read from the cell, refused with a sentence."""

from __future__ import annotations

import json

import nbformat
import pytest
from hypothesis import given
from hypothesis import strategies as st

from musig.errors import MusigError
from musig.running.parameters import Parameter, check, declared, parameters, parse

CELL = """
# what all notebooks share
dataset: str = "embedded-smoke"  # name of a data set; see musig data list
data: str = "a # b"  # folder instead of a named data set
seed: int = 0  # ≥ 0
rate: float = 1e-3  # step, > 0
share: float = 0.5  # in [0, 1)
device: str = "auto"  # one of auto|cpu|cuda
groups: list[str] = ["GENRE"]  # one of GENRE|POPULARITY|AUDIO
sizes: list[int] = [
    25,
    10,
]  # neighbours a hop, >= 1
shuffle: bool = False
"""


@pytest.fixture
def cell():
    return {item.name: item for item in declared(CELL, "05_x.ipynb")}


def test_a_cell_is_read(cell):
    assert [(p.type, p.default) for p in cell.values()] == [
        ("str", "embedded-smoke"),
        ("str", "a # b"),
        ("int", 0),
        ("float", 0.001),
        ("float", 0.5),
        ("str", "auto"),
        ("list[str]", ["GENRE"]),
        ("list[int]", [25, 10]),
        ("bool", False),
    ]
    assert cell["data"].help == "folder instead of a named data set"
    assert cell["share"].bounds == ((">=", 0.0), ("<", 1.0))
    assert cell["sizes"].bounds == ((">=", 1.0),)
    assert cell["device"].choices == ("auto", "cpu", "cuda")
    assert cell["shuffle"].help == "" and cell["dataset"].bounds == ()


def test_papermill_reads_the_same_declarations(tmp_path, cell):
    """Where a help holds no equals sign, papermill's own inspection agrees."""
    import papermill

    lines = [line for line in CELL.splitlines() if ">=" not in line and "sizes" not in line]
    code = "\n".join(line for line in lines if not line.startswith(("    ", "]")))
    node = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code)])
    node.cells[0].metadata["tags"] = ["parameters"]
    node.metadata["kernelspec"] = {"name": "python3", "language": "python", "display_name": "x"}
    nbformat.write(node, tmp_path / "05_x.ipynb")
    theirs = papermill.inspect_notebook(tmp_path / "05_x.ipynb")
    ours = {item.name: item for item in parameters(tmp_path / "05_x.ipynb")}
    assert set(theirs) == set(ours) == set(cell) - {"sizes"}
    for name in set(ours) - {"data"}:  # a sign # in a string is beyond papermill's pattern
        assert theirs[name]["inferred_type_name"] == ours[name].type
        assert theirs[name]["help"] == ours[name].help


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (
            "seed = 0",
            "05_x.ipynb, parameters cell, line 1: expected `name: type = default  # help`",
        ),
        ("import os", "line 1: expected `name: type"),
        ("x: int = 0\ny: flaot = 1.0", "line 2: unknown type 'flaot'; did you mean 'float'"),
        ("x: dict = {}", "line 1: unknown type 'dict'"),
        ("x: int = len('a')", "line 1: x needs a default that is a plain value"),
        ("x: int", "line 1: x needs a default"),
        ("x: int = None", "line 1: x needs a default"),
        ("x: int = 1.5", "line 1: the default x is 1.5, expected a whole number"),
        ("x: int = -1  # >= 0", "line 1: the default x is -1, expected a whole number >= 0"),
        ("x: int = (", "the parameters cell is not Python"),
        ("%matplotlib inline", "the parameters cell is not Python"),
    ],
)
def test_a_line_that_declares_nothing_is_named(line, says):
    with pytest.raises(MusigError) as error:
        declared(line, "05_x.ipynb")
    assert says in str(error.value)


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("dataset", "aotm2011", "aotm2011"),
        ("dataset", "", ""),
        ("seed", "12", 12),
        ("rate", "1", 1.0),
        ("rate", "1e-4", 1e-4),
        ("share", "0", 0.0),
        ("device", "cpu", "cpu"),
        ("groups", "GENRE,AUDIO", ["GENRE", "AUDIO"]),
        ("groups", '["AUDIO"]', ["AUDIO"]),
        ("groups", "", []),
        ("sizes", "25, 10", [25, 10]),
        ("sizes", "[5]", [5]),
        ("shuffle", "True", True),
        ("shuffle", "false", False),
    ],
)
def test_text_is_read_by_the_declared_type(cell, name, text, value):
    read = parse(cell[name], text)
    assert read == value and type(read) is type(value)


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("seed", "1.0", "parameter seed is '1.0', expected a whole number."),
        ("seed", "-1", "parameter seed is -1, expected a whole number >= 0."),
        ("seed", "", "parameter seed is '', expected a whole number."),
        ("rate", "fast", "parameter rate is 'fast', expected a number."),
        ("rate", "0", "parameter rate is 0.0, expected a number > 0."),
        ("rate", "nan", "parameter rate is nan, expected a number."),
        ("rate", "inf", "parameter rate is inf, expected a number."),
        ("share", "1", "parameter share is 1.0, expected a number >= 0 and < 1."),
        ("device", "gpu", "parameter device is 'gpu': did you mean 'cpu'? Valid: auto, cpu, cuda."),
        ("device", "zz", "parameter device is 'zz', expected one of auto, cpu, cuda."),
        (
            "groups",
            "GENRE,AUDO",
            "parameter groups is ['GENRE', 'AUDO']: did you mean 'AUDIO'? "
            "Valid: GENRE, POPULARITY, AUDIO.",
        ),
        ("sizes", "25,x", "parameter sizes is [25, 'x'], expected a list of whole numbers only."),
        ("sizes", "25,0", "parameter sizes is [25, 0], expected a whole number >= 1."),
        ("sizes", "[25, true]", "[25, True], expected a list of whole numbers only."),
        ("sizes", "[25", "expected a list of whole numbers only."),
        ("shuffle", "1", "parameter shuffle is '1', expected true or false."),
    ],
)
def test_text_that_does_not_fit_is_refused(cell, name, text, says):
    with pytest.raises(MusigError) as error:
        parse(cell[name], text)
    assert str(error.value).endswith(says)


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("seed", True, "parameter seed is True, expected a whole number."),
        ("seed", 1.0, "parameter seed is 1.0, expected a whole number."),
        ("seed", "1", "parameter seed is '1', expected a whole number."),
        ("seed", None, "parameter seed is None, expected a whole number."),
        ("rate", True, "parameter rate is True, expected a number."),
        ("rate", "1e-3", "expected a number. In YAML write it with a point: 1.0e-3."),
        ("shuffle", 1, "parameter shuffle is 1, expected true or false."),
        ("dataset", 5, "parameter dataset is 5, expected a string."),
        ("groups", "GENRE", "parameter groups is 'GENRE', expected a list of strings."),
    ],
)
def test_value_of_another_type_is_refused(cell, name, value, says):
    with pytest.raises(MusigError) as error:
        check(cell[name], value)
    assert says in str(error.value)


@given(st.floats(-3, 3), st.floats(-3, 3), st.booleans(), st.booleans(), st.floats(-4, 4))
def test_ranges_are_kept_to(a, b, closed_left, closed_right, value):
    low, high = sorted((round(a, 3), round(b, 3)))
    text = f"a share in {'[' if closed_left else '('}{low}, {high}{']' if closed_right else ')'}"
    after = low < value or (closed_left and value == low)
    before = value < high or (closed_right and value == high)
    try:
        check(Parameter("x", "float", 0.0, text), value)
        accepted = True
    except MusigError:
        accepted = False
    assert accepted == (after and before)


@given(st.lists(st.integers(), max_size=5))
def test_lists_written_either_way_are_read_back(values):
    item = Parameter("x", "list[int]", [], "")
    assert parse(item, ",".join(map(str, values))) == values
    assert parse(item, json.dumps(values)) == values


def test_files_that_are_no_notebooks(tmp_path):
    with pytest.raises(MusigError, match="cannot be read: No such file"):
        parameters(tmp_path / "none.ipynb")
    (tmp_path / "bad.ipynb").write_text("{")
    with pytest.raises(MusigError, match=r"bad\.ipynb is not a notebook in version 4"):
        parameters(tmp_path / "bad.ipynb")
    nbformat.write(nbformat.v4.new_notebook(), tmp_path / "empty.ipynb")
    assert parameters(tmp_path / "empty.ipynb") == []
