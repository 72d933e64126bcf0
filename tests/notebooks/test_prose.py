"""The words of the chapters: one shape, one idea a sentence, one word an idea, no typed result."""

from __future__ import annotations

import ast
import json
import re

import pytest
from make_expected import NOTEBOOKS

from musig.running.exercises import exercises

ALL = sorted(NOTEBOOKS.glob("*.ipynb"))
EACH = [pytest.param(path, id=path.stem) for path in ALL]

LONGEST = 40
"""Words of a sentence."""

GIVES = {
    "then": {
        "claims.choices",
        "experiments.read",
        "ledger.results",
        "records.load",
        "speed.recorded",
    },
    "now": {"experiments.run"},
    "origin": {"standing.origin", "speed.origin", "records.provenance"},
}
"""What reads the results of other runs, what makes those of this one, what says where from."""

OTHER_WORDS = {
    r"songs?": "track",
    r"catalogs?": "catalogue",
    r"datasets?": "data set",
    r"hit rates?": "hit-rate",
    r"playlist continuation": "playlist completion",
    r"ground[- ]truth": "planted truth, or target",
    r"hyper-?parameters?": "settings, or parameters",
    r"cooccurrences?|co-occurences?": "co-occurrence",
    r"fan-outs?": "fanout",
    r"item ?k-?nn|item-based": "item-kNN",
    r"feature groups?": "attribute group",
    r"node features?": "node attributes",
    r"side information": "node attributes",
    r"cold items?|unseen tracks?": "new track",
    r"query (?:tracks?|playlists?)": "seeds",
    r"data leakage|leakage": "leak",
    r"users?": "listener, reader, or playlist",
    r"neural nets?": "network",
    r"state[- ]of[- ]the[- ]art|cutting[- ]edge|novel|powerful|impressive": "the numbers",
}
"""What a chapter does not say, as a whole word, and what it says instead."""

NAMES = re.compile(r"Million Song Dataset|Melon Playlist Dataset|in the place of users")
"""Names, and what is said of other fields, that may hold one of these words."""

TYPED = {
    "": {
        "95 %": "the level of every interval, a convention",
        "0.05": "the level of every test, a convention",
        "0.5": "what a coin gives",
        "27 %": "claimed by the paper",
        "95 thousand": "the paper's playlists",
        "15.9 thousand": "the paper's tracks",
        "5.2 million": "the paper's edges",
        "500": "the longest list that is looked at",
    },
    "02": {
        "2024": "the year of an announcement",
        "128": "of the name EBU R 128",
        "1770": "of the name ITU-R BS.1770",
        "100 Hz": "of the standard",
        "0.4 s": "of the standard",
        "0.1 s": "of the standard",
        "4 %": "the tolerance of the measure that is cited",
    },
    "03": {"30 seconds": "the paper's window"},
    "05": {
        "2,000 times": "how often the cell draws",
        "error of 0.1": "chosen in an exercise",
    },
    "06": {"1.25": "a bound of the measure", "0.25": "of the measure's definition"},
    "07": {"ndcg@100": "a measure"},
    "08": {"0 to 100": "the range of a column"},
    "09": {"1.00-0.00-0.00": "the name of a row", "90 %": "chosen in an exercise"},
    "10": {"50 %": "the paper's share of seeds"},
    "11": {"0.001": "chosen in an exercise", "0.3": "made up in an exercise"},
    "12": {"1, 3, 10, 30, 100, 300": "how many are told: a choice"},
    "14": {"128": "how many directions are kept: a choice", "its weight, 0.5": "a choice"},
    "15": {
        "654": "follows from the paper's tracks and edges",
        "24 GiB": "the limit that the script is given",
    },
}
"""Numbers that may be typed into prose, by chapter ("": all), each with the reason."""

MEASURED = re.compile(
    r"\d+[.,]\d+|\d+(?:\.\d+)?\s?%|\d{3,}|"
    r"\d+\s(?:s|ms|seconds|minutes|hours|[KMGT]i?B|thousand|million|billion)\b"
)
"""How a number looks that somebody measured."""


def cells(path):
    return json.loads(path.read_text("utf-8"))["cells"]


def source(cell):
    return "".join(cell["source"])


def markdown(path):
    return [source(cell) for cell in cells(path) if cell["cell_type"] == "markdown"]


def words(text):
    """Give every line of words: neither code nor formulas, headings, labels or directives."""
    text = re.sub(r"^(`{3,}).*?^\1\s*$", "", text, flags=re.M | re.S)
    text = re.sub(r"^\$\$.*?^\$\$.*?$", "", text, flags=re.M | re.S)
    for line in text.splitlines():
        if line.strip() and not re.match(r"\(.*\)=$|:::|:class:|#|<!--|\| --- ", line):
            yield line


def prose(path):
    return [line for text in markdown(path) for line in words(text)]


def figures(path):
    """Give the caption and the alternative text of every figure."""
    for cell in cells(path):
        shown = cell["metadata"].get("mystnb", {})
        yield from filter(None, (shown.get("figure", {}).get("caption"),
                                 shown.get("image", {}).get("alt")))  # fmt: skip


def labels(path):
    """Give the texts in the code that have a space in them: legends, headings, axes, sentences."""
    for cell in cells(path):
        if cell["cell_type"] == "code" and not hidden(cell):
            for node in ast.walk(parsed(cell)):
                if isinstance(node, ast.Constant) and " " in str(node.value):
                    yield str(node.value)


def parsed(cell):
    return ast.parse(re.sub(r"^(\s*)[!%].*$", r"\1pass", source(cell), flags=re.M))


def plain(line):
    """Take out what is not words: roles, code, formulas, addresses."""
    line = re.sub(r"\{term\}`([^`<]*?)(?: <[^`]*>)?`", r"\1", line)
    line = re.sub(r"\{[\w:]+\}`[^`]*`|`[^`]*`|\$[^$]*\$", "§", line)
    line = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", line)
    return re.sub(r"^\s*(?:[-:] |\d+\. )", "", line)


def sentences(line):
    return re.split(r"(?<=[.?!])[*”\"]*\s+(?=[*“\"]*[A-Z§])", plain(line).strip())


def hidden(cell):
    return {"parameters", "remove-cell", "remove-input"} & set(cell["metadata"].get("tags", []))


@pytest.mark.parametrize("path", EACH)
def test_a_chapter_opens_with_its_question_and_what_it_gives(path):
    first = markdown(path)[0]
    assert re.match(r"\([a-z-]+\)=\n# \S.*\n\n\*\*[^*]+\?\*\*\n", first), "label, title, question"
    box = re.search(r"^:::\{admonition\} You will\n(.*?)^:::$", first, re.M | re.S)
    assert box, "an admonition 'You will'"
    assert 3 <= len(re.findall(r"^- \S", box[1], re.M)) <= 6, "three to six outcomes"
    assert re.search(r"^\*Time:\* \S.*<!-- time -->$", box[1], re.M), "pasted when drawn"
    assert re.search(r"^\*Before this page:\* \S", box[1], re.M)
    assert "saravanou2021" in "".join(markdown(path)), "what is said of the paper is cited"


@pytest.mark.parametrize("path", EACH)
def test_a_chapter_closes_alike(path):
    texts, number = "\n".join(markdown(path)), path.name[:2]
    headings = re.findall(r"^## (.+)$", texts, re.M)
    closing = ["Paper and ours", "Try it", "What to remember"]
    assert headings[-len(closing) :] == closing
    assert headings[0] == "Parameters"
    asked = exercises(path)  # each with a folded solution right after it
    assert 2 <= len(asked) <= 4
    assert not any(each.open for each in asked[:-1]), "what is open comes last"
    commands = [command for each in asked for command in each.commands]
    assert any(re.match(rf"musig run {number} -p ", command) for command in commands)
    remembered = texts.split("## What to remember")[1]
    assert 3 <= len(re.findall(r"^- \S", remembered, re.M)) <= 4
    *_, finish, again = cells(path)
    assert "record.finish(" in source(finish), "the run record, and its line"
    assert "hide-input" in finish["metadata"].get("tags", []), "its line alone is for readers"
    assert source(again).startswith(f"This page is made again by `musig run {number}`")


@pytest.mark.parametrize("path", EACH)
def test_words_stand_before_and_after_each_cell(path):
    """Before: what it computes. After: what to see. Between two cells one paragraph may do both."""
    shown = [cell for cell in cells(path) if not hidden(cell)]
    for at, cell in enumerate(shown[:-1]):
        if cell["cell_type"] == "code":
            before, after = (source(shown[at + step]).strip() for step in (-1, 1))
            kinds = [shown[at + step]["cell_type"] for step in (-1, 1)]
            assert kinds == ["markdown", "markdown"], f"{cell['id']}: words on both sides"
            last = before.splitlines()[-1]
            assert not re.match(r"#|\(.*\)=$|:::|\|", last), f"{cell['id']}: {last}"
            first = next(line for line in after.splitlines() if not re.match(r"\(.*\)=$", line))
            assert not re.match(r"#|:::", first), f"{cell['id']}: say what to see before {first}"


@pytest.mark.parametrize("path", EACH)
def test_between_two_cells_there_is_a_sentence_for_each(path):
    """One on what the first showed, and one on what the next computes."""
    shown = [cell for cell in cells(path) if not hidden(cell)]
    for one, between, other in zip(shown, shown[1:], shown[2:], strict=False):
        kinds = [cell["cell_type"] for cell in (one, between, other)]
        if kinds == ["code", "markdown", "code"] and shows(one):
            lines = list(words(source(between)))
            assert len(lines) >= 2, f"between {one['id']} and {other['id']}: {lines}"


def shows(cell):
    """Say whether a cell has something to see: a figure, a table, a line; imports have not."""
    body = parsed(cell).body
    printed = re.search(r"\b(?:print|display)\(", source(cell))
    seen = "mystnb" in cell["metadata"] or printed or isinstance(body[-1], ast.Expr)
    return bool(seen) and not isinstance(body[0], (ast.Import, ast.ImportFrom))


@pytest.mark.parametrize("path", EACH)
def test_a_cell_that_shows_recorded_results_says_whose_they_are(path):
    """It has the tag, so that no line says it was this run, and prints where they are from.

    Where this run's are in the same picture, its line is right as well, and the tag may be missing.
    """
    held = {"then": set(), "now": set(), "origin": set()}  # names that hold what, so far
    for cell in cells(path):
        if cell["cell_type"] == "code":
            made = {kind: uses(cell, kind, names) for kind, names in held.items()}
            caption = cell["metadata"].get("mystnb", {}).get("figure", {}).get("caption", "")
            made["then"] |= bool(re.search(r"\brecorded\b|\breal playlists\b", caption, re.I))
            if not hidden(cell) and "record.finish(" not in source(cell):
                tagged = "recorded" in cell["metadata"].get("tags", [])
                mixed = made["then"] and made["now"]
                assert tagged == made["then"] or mixed, cell["id"]
                assert made["origin"] or not made["then"], f"{cell['id']}: where it is from"


def uses(cell, kind, held):
    """Say whether a cell calls what gives this kind of thing, or uses a name that holds it."""
    found = False
    for statement in parsed(cell).body:
        nodes = list(ast.walk(statement))
        names = [node for node in nodes if isinstance(node, ast.Name)]
        inner = {
            name.id
            for node in nodes
            if isinstance(node, ast.comprehension)
            for name in ast.walk(node.target)
            if isinstance(name, ast.Name)
        }
        kept = {name.id for name in names if isinstance(name.ctx, ast.Store)} - inner
        if isinstance(statement, ast.FunctionDef):
            inner |= kept | {node.arg for node in nodes if isinstance(node, ast.arg)}
            kept = {statement.name}
        used = {name.id for name in names if isinstance(name.ctx, ast.Load)} - inner
        calls = {ast.unparse(node.func) for node in nodes if isinstance(node, ast.Call)}
        taken = bool(used & held or calls & GIVES[kind])
        if taken and (kind != "origin" or isinstance(statement, ast.FunctionDef)):
            held |= kept
        elif isinstance(statement, (ast.Assign, ast.FunctionDef)):
            held -= kept
        found |= taken
    return found


@pytest.mark.parametrize("path", EACH)
def test_no_result_is_typed(path):
    """A number comes from a run, from a source that is cited, or is listed above with a reason."""
    known = {**TYPED[""], **TYPED.get(path.name[:2], {})}
    for line in prose(path):
        if "{cite" in line:
            continue
        left = plain(line)
        for number in sorted(known, key=len, reverse=True):
            left = re.sub(rf"(?<![\d.,]){re.escape(number)}(?!\d)", "", left)
        assert not MEASURED.findall(left), f"paste it from a run, or say why it is typed: {line}"


def test_every_number_that_may_be_typed_is():
    texts = {path.name[:2]: "\n".join(map(plain, prose(path))) for path in ALL}
    texts[""] = "\n".join(texts.values())
    unused = [(at, each) for at, known in TYPED.items() for each in known if each not in texts[at]]
    assert not unused


@pytest.mark.parametrize("path", EACH)
def test_one_word_for_one_idea(path):
    for line in [*prose(path), *figures(path), *labels(path)]:
        for other, word in OTHER_WORDS.items():
            found = re.search(rf"\b(?:{other})\b", NAMES.sub("", plain(line)), re.I)
            assert not found, f"{found[0]!r} is {word!r} in the glossary: {line}"


@pytest.mark.parametrize("path", EACH)
def test_a_line_is_a_sentence_and_a_sentence_is_short(path):
    for line in prose(path):
        if not line.startswith("|"):
            assert len(sentences(line)) == 1, f"one sentence a line: {line}"
            words = len(plain(line).split())
            assert words <= LONGEST, f"{words} words, at most {LONGEST}: {line}"
