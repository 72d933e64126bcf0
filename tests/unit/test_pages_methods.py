"""Tables, sentences and figures of many methods say what the tests say, and no more."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from musig import methods
from musig.errors import MusigError
from musig.experiments import Cell, CellResult, Evaluation, methods_table, read
from musig.experiments import tables as made
from musig.pages import intervals, standing
from musig.pages import methods as pages
from musig.splits import fold_playlists

RULES = Evaluation(folds=2)
RUN = {"data": "made up", "commit": "0123456789", "device": "cpu", "when": "2026-01-02T03:04:05"}


def result(row, values, fold=0, seed=0, remark="", experiment="07_methods"):
    """Make a cell with the same scores for every metric."""
    cell = Cell(experiment, row, "itemknn", {}, fold, seed, RULES)
    index = pd.Index(np.arange(len(values)) + 100 * fold, name="playlist")
    columns = ["hit_rate@10", "recall@10", "clicks"]
    scores = pd.DataFrame(dict.fromkeys(columns, np.asarray(values, np.float32)), index=index)
    measures = {"n": len(values), "coverage": 0.5}
    return CellResult(cell, scores, None, measures, remark=remark, run=RUN)


@pytest.fixture(scope="module")
def results():
    """Three rows: high and middle are far above low, and not told apart from each other."""
    rng = np.random.default_rng(0)
    low = rng.random(80) * 0.1 + 0.01
    noise = rng.normal(0, 0.05, 80)
    scores = {"low": low, "middle": low + 0.5, "high": low + 0.5 + noise - noise.mean() + 0.001}
    return [result(row, values) for row, values in scores.items()]


@pytest.fixture(scope="module")
def table(results):
    return made.table(results, ["recall@10", "coverage"])


def test_a_wide_table_has_a_line_a_row_and_letters_of_those_it_beats(table):
    wide = pages.wide(table, ["recall@10", "coverage"]).set_index("row")
    assert wide[""].tolist() == ["a", "b", "c"]
    assert wide.loc["high", "recall@10"].endswith("] a")
    assert wide.loc["low", "recall@10"].endswith("]")
    assert wide.loc["low", "coverage"] == "0.500"  # one number, without an interval
    assert wide.loc["low", "n"] == "80"


def test_what_was_not_run_has_no_numbers_but_a_remark(tmp_path):
    table = made.table(read(methods_table(["ease"]), tmp_path), ["recall@10"])
    line = pages.wide(table, ["recall@10"]).iloc[0]
    assert line[["recall@10", "n", "folds", "trainings"]].tolist() == [None] * 4
    assert line["remark"] == "not run yet"
    assert "make results ROW=07_methods/ease" in pages.commands(table).data
    assert standing.there(table) == "none of 1 rows has been recorded"
    assert standing.standing(table, "ease", "recall@10") == f"ease: {standing.NOTHING}"
    assert standing.NOTHING in standing.leaders(table, "recall@10")
    assert standing.moved(table, table, "recall@10") == standing.NOTHING
    assert standing.noise_told(table, "ease", "recall@10") == standing.NOTHING
    assert "make results ROW=07_methods" in standing.origin(read(methods_table(["ease"]), tmp_path))


@pytest.mark.parametrize(
    ("letters", "written"),
    [("", ""), ("a", "a"), ("ab", "a b"), ("abc", "a–c"), ("abcefhij", "a–c e f h–j")],
)
def test_letters_that_follow_each_other_are_a_range(letters, written):
    assert pages.together(list(letters)) == written


def test_no_winner_is_named_where_the_test_does_not_say_so(table):
    assert standing.standing(table, "high", "recall@10") == (
        "high beats low; no test tells it from middle"
    )
    assert standing.standing(table, "low", "recall@10") == "low is beaten by middle, high"
    assert standing.leaders(table, "recall@10") == (
        "no single row beats all others; beaten by none: middle, high"
    )
    two = made.table([result("low", np.zeros(40)), result("high", np.ones(40))], ["recall@10"])
    assert standing.leaders(two, "recall@10") == "high beats every other row"
    alone = made.table([result("high", np.ones(9))], ["recall@10"])
    assert standing.standing(alone, "high", "recall@10") == "high has nobody to be compared with"
    same = made.table([result("one", np.ones(9)), result("two", np.ones(9))], ["recall@10"])
    assert standing.standing(same, "one", "recall@10") == "no test tells one from any other row"


def test_a_row_with_cells_missing_is_compared_with_nobody():
    missing = CellResult(
        Cell("07_methods", "part", "itemknn", {}, 1, 0, RULES), remark="not run yet"
    )
    table = made.table([result("whole", np.ones(9)), result("part", np.zeros(9)), missing])
    assert standing.standing(table, "part", "recall@10") == f"part: {standing.NOTHING}"
    assert standing.standing(table, "whole", "recall@10") == "whole has nobody to be compared with"
    assert standing.there(table) == "1 of 2 rows are whole, 1 with a remark"


def test_two_tables_of_the_same_rows(table):
    turned = [
        result("low", np.ones(80)),
        result("middle", np.zeros(80)),
        result("high", np.ones(80)),
    ]
    told = standing.moved(table, made.table(turned, ["recall@10"]), "recall@10")
    assert "low beats middle here, and middle beats low there" in told
    assert told.startswith("the largest change of a mean is +0.9")


def test_a_difference_in_words_in_either_order(results):
    tests = made.tests(results, ["recall@10"])
    one = standing.difference_told(tests, "low", "middle", "recall@10")
    other = standing.difference_told(tests, "middle", "low", "recall@10")
    assert one.startswith("low is -0.5000 [-0.5000, -0.5000] from middle")
    assert other.startswith("middle is +0.5000 [+0.5000, +0.5000] from low")
    assert one.endswith("middle beats low") and other.endswith("middle beats low")
    told = standing.difference_told(tests, "high", "middle", "recall@10")
    assert told.endswith("no test tells the two apart")
    assert standing.NOTHING in standing.difference_told(tests, "high", "gone", "recall@10")


def test_changes_against_a_reference(results):
    tests = made.tests(results, ["recall@10"], reference="middle")
    told = standing.changes_told(tests)
    assert told == (
        "In recall@10, below middle: low (-0.500); above it: none; not told apart from it: high"
    )
    arranged = standing.against(tests, ["high", "low", "gone"])
    assert arranged["sure"].tolist() == [False, True, False]
    assert np.isnan(arranged.loc["gone", "mean"])
    fewer = made.tests(results, ["clicks"], reference="middle")  # of which less is better
    assert "below middle: low (-0.500); above it: none" in standing.changes_told(fewer)


def test_gains_are_over_the_best_of_the_others_and_know_the_ceiling(results):
    gains = pages.gains(results, ["high", "gone"], ["low", "middle"], ["recall@10", "hit_rate@10"])
    assert gains["best"].tolist() == ["middle", "middle"]
    assert gains["asked"].iloc[0] == pytest.approx(1.27 * gains["of_best"].iloc[0])
    assert gains["low"].iloc[0] < gains["gain"].iloc[0] < gains["high"].iloc[0]
    assert "above the most there is" not in standing.gain_told(gains, "high", "recall@10")
    strong = pages.gains(
        [result("a", np.full(9, 0.9)), result("b", np.full(9, 0.8))], ["a"], ["b"], ["hit_rate@10"]
    )
    told = standing.gain_told(strong, "a", "hit_rate@10")
    assert told.startswith("+12 % [+12, +12] against b") and told.endswith(
        "above the most there is"
    )
    assert pages.gains(results, ["high"], ["gone"], ["recall@10"]).empty
    nothing = pages.gains(
        [result("a", np.ones(9)), result("b", np.zeros(9))], ["a"], ["b"], ["clicks"]
    )
    assert nothing.empty  # no share of a mean of 0


def test_the_spread_is_that_of_single_trainings():
    of_seeds = [result("default", np.full(9, 0.1 * n), seed=n) for n in (1, 2)]
    table = made.table(of_seeds, ["recall@10"])
    line = standing.spread(table, "recall@10").iloc[0]
    assert line[["trainings", "lowest", "highest"]].tolist() == ["2", "0.1000", "0.2000"]
    assert "of 2 trainings of default" in standing.noise_told(table, "default", "recall@10")


def test_where_cells_were_recorded():
    told = standing.origin([result("a", np.ones(3)), result("b", np.ones(3), remark="earlier")])
    assert told == "made up · 2 of 2 cells · commit 012345678 · cpu · 2026-01-02 · 1 earlier"


def test_settings_and_their_trials(tmp_path):
    trials = [
        {"number": n, "settings": {"regularization": 9.0}, "value": 0.1 * n, "seconds": 1.0}
        for n in (0, 1)
    ]
    study = {
        "method": "ease",
        "fingerprint": "",
        "sampler": "",
        "trials": trials,
        "best": trials[1],
    }
    (tmp_path / "ease.json").write_text(json.dumps(study))
    listed = pages.settings(studies=tmp_path).set_index("method")
    assert listed.index.tolist() == list(methods.METHODS)
    assert listed.loc["ease", "trials"] == 2
    assert listed.loc["ease", ["ndcg of the defaults", "of the best"]].tolist() == [0.0, 0.1]
    assert pd.isna(listed.loc["als", "trials"])
    assert listed.loc["random", "chosen"] == "nothing to choose"


def test_every_method_has_a_line_of_what_it_cannot_do():
    cannot = pages.limits().set_index("method")["cannot"]
    assert cannot.index.tolist() == list(methods.METHODS)
    assert "not trained on" in cannot["musig-best"] and cannot.isna().any()  # not every row has one
    known = cannot.dropna()
    assert not known.str.contains("cannot").any() and not known.str.endswith(".").any()


def test_quick_settings_are_ones_that_the_methods_have():
    for name, settings in pages.quick(1, 2).items():
        assert methods.make(name, methods.tuned(name) | settings).name == name


def test_dots_are_hollow_where_nothing_is_sure_and_say_what_is_missing():
    columns = {"mean": [0.1, np.nan], "low": [0.0, np.nan], "high": [0.2, np.nan]}
    frame = pd.DataFrame(columns, index=["here", "$gone"])
    _, ax = intervals.dots(frame.assign(sure=[False, False]), xlabel="recall@10", at=0)
    assert ax.lines[1].get_markerfacecolor() == "white"
    assert ax.texts[0].get_text() == "not run yet"
    _, ax = intervals.dots(frame.assign(remark=["", "not in this data"]), xlabel="recall@10")
    assert [text.get_text() for text in ax.texts] == ["not in this data"]
    assert ax.lines[1].get_markerfacecolor() != "white"


def test_steps_are_drawn_for_at_most_seven_methods_or_not_at_all():
    columns = ["method", "length", "mean", "low", "high"]
    lines = [(f"m{n}", length, 0.2, 0.1, 0.4) for n in range(8) for length in ("2 to 4", "5 to 9")]
    table = pd.DataFrame(lines, columns=columns)
    _, ax = intervals.steps(table[table["method"] != "m7"], "length")
    assert len(ax.containers) == 7
    with pytest.raises(MusigError, match="8 methods; expected at most 7"):
        intervals.steps(table, "length")
    _, ax = intervals.steps(table[:0], "length")
    assert ax.texts[0].get_text() == "not run yet"


def test_folds_are_folds():
    splits = [fold_playlists(10, fold) for fold in range(5)]
    _, ax = intervals.folds(splits)
    assert len(ax.patches) == 50
    with pytest.raises(MusigError, match="in exactly one test part"):
        intervals.folds(splits[:4] + splits[:1])
