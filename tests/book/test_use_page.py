"""The page for people who program: every line of it runs, with the answers it shows."""

import doctest
import re
import warnings
from pathlib import Path

PAGE = Path(__file__).resolve().parents[2] / "book/use.md"


def test_every_line_of_the_page_does_what_it_says():
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Sparse ")
        found = doctest.testfile(
            str(PAGE), module_relative=False, optionflags=doctest.NORMALIZE_WHITESPACE
        )
    assert found.failed == 0
    assert found.attempted > 30


def test_it_is_ten_lines_from_a_table_to_recommendations():
    part = re.search(r"^## Ten lines\n.*?```python\n(.*?)```", PAGE.read_text("utf-8"), re.M | re.S)
    begun = [line for line in part[1].splitlines() if line.startswith(">>> ")]
    assert len(begun) == 10
