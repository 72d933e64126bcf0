"""Verdicts are computed from cells: made-up cells give each of them."""

import zlib
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from musig.errors import MusigError
from musig.experiments import Cell, CellResult, Evaluation, claims, plans, store
from musig.experiments.claims import CLAIMS, Claim, above, choices, verdicts
from musig.sources import synthetic

N = 200
RULES = Evaluation(folds=2, min_playlists=3)
LUCK = np.random.default_rng(0).random(N)
"""How easily each playlist is completed: the same for all methods."""


@pytest.fixture(scope="module")
def catalog():
    return synthetic.make("smoke")


@pytest.fixture
def folder(tmp_path, catalog):
    """Give a function that records a made-up cell: half of the playlists are hits, or more."""

    def record(cell, hits=0.0, *, recall=0.0, absent=""):
        drawn = np.random.default_rng(zlib.crc32(cell.name.encode()))
        hit = LUCK + drawn.normal(0, 0.01, N) < 0.5 + hits
        found = np.where(hit, 400 + 1000 * recall + drawn.integers(-20, 20, N), 0).round()
        targets = np.full(N, 1000)
        frame = pd.DataFrame(
            {
                "hit_rate@10": found > 0,
                "recall@10": found / targets,
                "seeds": targets,
                "targets": targets,
            },
            index=pd.Index(np.arange(N) * 2 + cell.fold, name="playlist"),
        ).astype(np.float32)
        result = CellResult(cell, frame, measures={"n": N, "coverage": 0.1})
        if absent:
            result = CellResult(cell, absent=absent)
        key = store.key(cell, catalog.fingerprint)
        store.save(result, tmp_path / f"{cell.name}.json", catalog, key)

    return tmp_path, record


def cells_of(*rows, folds=1, seeds=1, experiment="08_attribute_groups"):
    return [
        Cell(experiment, row, "popularity", fold=fold, seed=seed, evaluation=RULES)
        for row in rows
        for fold in range(folds)
        for seed in range(seeds)
    ]


TWO = ("08_attribute_groups/a", "08_attribute_groups/b")
ONE = Claim("a over b", "a is better", "tested so", TWO, above((0, 1)))


def judged(folder, cells, claim=ONE):
    table = verdicts(folder, cells, [claim])
    assert len(table) == 1
    return table.iloc[0]


def test_nothing_recorded_is_not_run_yet_with_the_command(tmp_path):
    found = judged(tmp_path, cells_of("a", "b"))
    assert found["verdict"] == "not run yet"
    assert found["command"] == ('make results ROW="08_attribute_groups/a 08_attribute_groups/b"')
    assert found["reason"] == "cells are missing: a, b"


def test_a_claim_with_a_cell_missing_waits_for_it(folder):
    place, record = folder
    cells = cells_of("a", "b", seeds=2)
    for cell in cells[:-1]:
        record(cell, 0.2 if cell.row == "a" else 0.0)
    assert judged(place, cells)["verdict"] == "not run yet"
    record(cells[-1])
    assert judged(place, cells)["verdict"] == "reproduced"


def test_a_clear_difference_reproduces_a_claim(folder):
    place, record = folder
    cells = cells_of("a", "b")
    record(cells[0], 0.2)
    record(cells[1])
    found = judged(place, cells)
    assert found["verdict"] == "reproduced" and found["reason"] == ""
    assert found["difference"] == pytest.approx(0.2 * 0.4, abs=0.02)
    assert found["low"] < found["difference"] < found["high"] and found["n"] == N
    assert found["p"] <= 0.001 and "recall@10 of a" in found["measured"]
    assert found["run"].startswith("embedded-smoke ") and "commit" in found["run"]


def test_the_other_way_round_is_not_reproduced_and_says_so(folder):
    place, record = folder
    cells = cells_of("a", "b")
    record(cells[0])
    record(cells[1], 0.2)
    found = judged(place, cells)
    assert found["verdict"] == "not reproduced"
    assert "a is below b in recall@10" in found["reason"]


def test_chance_does_not_reproduce_a_claim(folder):
    place, record = folder
    cells = cells_of("a", "b")
    for cell in cells:
        record(cell)
    found = judged(place, cells)
    assert found["verdict"] == "not reproduced" and "chance" in found["reason"]


def test_one_reading_of_hit_rate_is_not_enough(folder):
    place, record = folder
    cells = cells_of("a", "b")
    record(cells[0], recall=0.2)
    record(cells[1])
    found = judged(place, cells)
    assert found["verdict"] == "not reproduced" and found["low"] > 0
    assert (found["any_hit"], found["per_target"]) == ("not reproduced", "reproduced")
    assert found["reason"].endswith("in recall@10 alone it would be reproduced")


def test_what_the_data_lack_cannot_be_tested(folder):
    place, record = folder
    cells = cells_of("a", "b")
    record(cells[0], absent="this data has no sound")
    found = judged(place, cells)
    assert found["verdict"] == "not testable on this data"
    assert found["reason"] == "this data has no sound" and found["command"]


def test_many_tests_together_find_what_each_finds_alone(folder):
    place, record = folder
    cells = [*cells_of("a", "b", "c"), *cells_of("d", "e", folds=2)]
    for cell in cells:
        record(cell, {"a": 0.03, "c": 0.02, "d": 0.01}.get(cell.row, 0.0))
    pairs = [("a", "b"), ("a", "c"), ("d", "e")]
    many = [
        replace(ONE, name=f"{a} {b}", needs=tuple(f"08_attribute_groups/{n}" for n in (a, b)))
        for a, b in pairs
    ]
    columns = ["measured", "difference", "low", "high", "p", "n"]
    together = verdicts(place, cells, many)[columns]
    alone = pd.concat([verdicts(place, cells, [claim])[columns] for claim in many])
    pd.testing.assert_frame_equal(together, alone.reset_index(drop=True))
    assert together["n"].tolist() == [N, N, 2 * N] and together["p"].between(0.0002, 0.99).any()


def test_results_are_judged_as_their_cells_are(folder):
    place, record = folder
    cells = cells_of("a", "b")
    record(cells[0], 0.2)
    record(cells[1])
    found = verdicts(claims=[ONE], results=store.read(cells, place))
    pd.testing.assert_frame_equal(found, verdicts(place, cells, [ONE]))


def test_many_claims_are_corrected(folder):
    place, record = folder
    cells = cells_of("a", "b")
    record(cells[0], 0.2)
    record(cells[1])
    many = [replace(ONE, name=f"claim {n}") for n in range(5)]
    table = verdicts(place, cells, many)
    assert table["p_holm"].iloc[0] == pytest.approx(5 * table["p"].iloc[0])


def test_what_we_add_makes_the_papers_claims_no_harder(folder):
    place, record = folder
    cells = cells_of("a", "b")
    record(cells[0], 0.2)
    record(cells[1])
    ours = [replace(ONE, name=f"ours {n}", family=claims.OURS) for n in range(5)]
    alone, table = verdicts(place, cells, [ONE]), verdicts(place, cells, [ONE, *ours])
    assert table["p_holm"].iloc[0] == alone["p_holm"].iloc[0] < table["p_holm"].iloc[1]


def test_pairs_beside_are_shown_and_decide_nothing(folder):
    place, record = folder
    cells = cells_of("a", "b", "c")
    for cell in cells:
        record(cell, {"a": 0.2, "b": 0.0, "c": 0.4}[cell.row])
    claim = replace(ONE, needs=(*TWO, "08_attribute_groups/c"), test=above((0, 1), beside=[(0, 2)]))
    found = judged(place, cells, claim)
    assert found["verdict"] == "reproduced"
    assert found["measured"].count("not part of the verdict: ") == 2
    assert judged(place, cells, replace(claim, test=above((0, 1), (0, 2))))["verdict"] != (
        "reproduced"
    )


@pytest.mark.parametrize(("folds", "seeds", "told"), [(1, 1, ""), (2, 1, "2 of 2 folds"),
                                                      (1, 3, "2 of 3 trainings")])  # fmt: skip
def test_trainings_or_folds_that_agree_are_counted(folder, folds, seeds, told):
    place, record = folder
    cells = cells_of("a", "b", folds=folds, seeds=seeds)
    for cell in cells:
        record(cell, 0.0 if cell.row == "b" else -0.1 if cell.seed == 2 else 0.3)
    found = judged(place, cells)
    assert found["agree"] == told
    assert found["verdict"] == "reproduced"  # counted beside the verdict


def test_a_row_trained_once_stands_beside_each_training(folder):
    place, record = folder
    cells = [*cells_of("a", seeds=3), *cells_of("b")]
    for cell in cells:
        record(cell, 0.2 if cell.row == "a" else 0.0)
    assert judged(place, cells)["agree"] == "3 of 3 trainings"


def test_a_lenient_level_lets_more_pass(folder):
    place, record = folder
    cells = cells_of("a", "b")
    record(cells[0], 0.03)
    record(cells[1])
    p = judged(place, cells)["p"]
    assert 0.0001 < p < 0.5, "the test needs a difference that is not sure"
    lenient = verdicts(place, cells, [ONE], claims.Rules(level=1.5 * p)).iloc[0]
    strict = verdicts(place, cells, [ONE], claims.Rules(level=0.5 * p)).iloc[0]
    assert (lenient["verdict"], strict["verdict"]) == ("reproduced", "not reproduced")
    assert strict["high"] - strict["low"] > lenient["high"] - lenient["low"]


def test_another_k_reads_other_lists_and_makes_its_hit_rate(folder, catalog):
    place, _ = folder
    cells = cells_of("a", "b")
    for cell, found in zip(cells, (0.5, 0.0), strict=True):
        drawn = np.random.default_rng(cell.row == "a").random(N)
        frame = pd.DataFrame(
            {"hit_rate@10": 0, "recall@10": 0, "recall@100": np.where(drawn < found, 0.1, 0.0),
             "seeds": 10, "targets": 10},
            index=pd.Index(np.arange(N), name="playlist"),
        ).astype(np.float32)  # fmt: skip
        store.save(
            CellResult(cell, frame, measures={"n": N}),
            place / f"{cell.name}.json",
            catalog,
            store.key(cell, catalog.fingerprint),
        )
    assert judged(place, cells)["verdict"] == "not reproduced"
    table = verdicts(place, cells, [ONE], claims.Rules(k=100))
    assert table.loc[0, "verdict"] == "reproduced"
    assert (
        "hit_rate@100 of a 0.4" in table.loc[0, "measured"]
        or "hit_rate@100 of a 0.5" in (table.loc[0, "measured"])
    )
    with pytest.raises(MusigError, match=r"fewer than 500 tracks.*smaller k"):
        verdicts(place, cells, [ONE], claims.Rules(k=500))


def test_cells_of_different_data_are_not_compared(folder):
    place, record = folder
    cells = cells_of("a", "b")
    for cell in cells:
        record(cell)
    path = place / f"{cells[0].name}.json"
    path.write_text(path.read_text("utf-8").replace("embedded-smoke", "another"), "utf-8")
    found = judged(place, cells)
    assert found["verdict"] == "not run yet" and "different data" in found["reason"]


def gain_claim():
    return replace(next(c for c in CLAIMS if c.name == "+27 % hit-rate"), needs=(
        "07_methods/musig", "07_methods/als", "07_methods/ease"))  # fmt: skip


@pytest.mark.parametrize(
    ("share", "verdict", "reason"),
    [(0.4, "reproduced", ""), (0.1, "not reproduced", "below 27 %"), (-0.1, "not reproduced", "")],
)
def test_the_gain_must_reach_what_is_claimed(folder, share, verdict, reason):
    place, record = folder
    cells = cells_of("musig", "als", "ease", folds=2, experiment="07_methods")
    for cell in cells:
        record(cell, {"musig": share / 2, "als": -0.05}.get(cell.row, 0.0))
    found = judged(place, cells, gain_claim())
    assert found["verdict"] == verdict and reason in found["reason"]
    assert found["measured"].count("against ease") == 2
    assert found["difference"] == pytest.approx(share, abs=0.08) and found["n"] == 2 * N


def test_a_gain_that_no_method_could_have_says_so(folder):
    place, record = folder
    cells = cells_of("musig", "als", "ease", folds=2, experiment="07_methods")
    for cell in cells:
        record(cell, 0.45)
    assert "more than 1" in judged(place, cells, gain_claim())["reason"]


def test_a_gain_over_nothing_has_no_size(folder, catalog):
    place, record = folder
    cells = cells_of("musig", "als", "ease", folds=2, experiment="07_methods")
    for cell in cells:
        record(cell, 0.0 if cell.row == "musig" else -3.0)
    found = judged(place, cells, gain_claim())
    assert found["verdict"] == "not reproduced" and "over nothing" in found["reason"]


def test_helping_more_here_than_there_is_a_difference_of_differences(folder):
    place, record = folder
    names = ("m1", "m0", "s1", "s0")
    claim = Claim(
        "more", "", "", tuple(f"08_attribute_groups/{n}" for n in names), claims.helps_more
    )
    cells = cells_of(*names)
    for cell in cells:
        record(cell, {"m1": 0.3, "s1": 0.05}.get(cell.row, 0.0))
    found = judged(place, cells, claim)
    assert found["verdict"] == "reproduced"
    assert found["difference"] == pytest.approx(0.25 * 0.4, abs=0.03)
    for cell in cells:
        record(cell, {"m1": 0.05, "s1": 0.3}.get(cell.row, 0.0))
    found = judged(place, cells, claim)
    assert found["verdict"] == "not reproduced" and "helps less there" in found["reason"]


@pytest.mark.parametrize(("apart", "verdict"), [(0.2, "reproduced"), (0.0, "not reproduced")])
def test_weights_matter_where_two_points_differ(folder, apart, verdict):
    place, record = folder
    names = ("p1", "p2", "p3")
    claim = Claim(
        "matter", "", "", tuple(f"08_attribute_groups/{n}" for n in names), claims.differ()
    )
    cells = cells_of(*names)
    for number, cell in enumerate(cells):
        record(cell, apart * number)
    found = judged(place, cells, claim)
    assert found["verdict"] == verdict
    if apart:
        assert found["difference"] == pytest.approx(0.4 * 0.4, abs=0.03)


def test_a_corner_does_not_make_the_weights_matter(folder):
    place, record = folder
    names = ("corner", "p2", "p3")
    needs = tuple(f"08_attribute_groups/{n}" for n in names)
    cells = cells_of(*names)
    for cell in cells:
        record(cell, -0.4 if cell.row == "corner" else 0.0)
    claim = Claim("matter", "", "", needs, claims.differ(1, 2))
    found = judged(place, cells, claim)
    assert found["verdict"] == "not reproduced"
    assert "of all 3 from" in found["measured"] and "(corner)" in found["measured"]
    assert judged(place, cells, replace(claim, test=claims.differ()))["verdict"] == "reproduced"
    tested = next(claim for claim in CLAIMS if claim.name == "The weights of the tasks matter")
    assert len(tested.needs) == 10 and claims._INSIDE == (6, 7, 8, 9)


def test_every_claim_is_there_and_names_rows_that_are_planned(tmp_path):
    rows = {f"{cell.experiment}/{cell.row}" for cell in plans.planned()}
    for claim in CLAIMS:
        assert set(claim.needs) <= rows, claim.name
    table = verdicts(tmp_path)
    assert list(table["claim"]) == [claim.name for claim in CLAIMS]
    assert set(table["verdict"]) == {"not run yet"}
    for words in ("TRACK2VEC", "NODE2VEC", "GRAPHSAGE", "collaborative", "+27 %", "POPULARITY",
                  "Content hurts", "multi-task", "weights", "complement"):  # fmt: skip
        assert table["claim"].str.contains(words, regex=False).any(), words
    melon = table.set_index("claim").loc["Acoustic vectors help", "command"]
    assert "Melon" in melon and "ACOUSTIC" in melon


def test_every_command_makes_rows_that_are_there():
    for claim in CLAIMS:
        if claim.how().startswith("make results"):
            asked = claim.how().partition("ROW=")[2].strip("\"'").split()
            assert plans.chosen(asked)


def test_choices_stand_beside_what_else_was_tried(folder):
    place, record = folder
    rows = ("default", "hops=1", "hops=3")
    cells = cells_of(*rows, experiment="10_sensitivity")
    for cell in cells:
        record(cell, -0.2 if cell.row == "hops=1" else 0.0)
    table = choices(place, cells).set_index(["choice", "metric"])
    hops = table.loc[("search depth, hops", "recall@10")]
    assert hops["tried"] == "1, 3" and hops["differ"] == "1" and hops["ours"] == "2"
    assert hops["most"] - hops["least"] == pytest.approx(0.2 * 0.4, abs=0.02)
    assert hops["command"] == 'make results ROW="10_sensitivity/default 10_sensitivity/hops=*"'
    empty = choices(place / "nowhere", cells)
    assert empty["least"].isna().all() and len(empty) == len(table)


def test_every_choice_names_rows_that_are_planned(tmp_path):
    table = choices(tmp_path)
    assert len(table) == 2 * table["choice"].nunique() == 12
    assert (table["tried"] != "").all()
    for command in table["command"]:
        assert plans.chosen(command.partition("ROW=")[2].strip('"').split())
    weights = table[table["choice"].str.contains("weights")].iloc[0]
    assert weights["ours"] == "1 : 0.5 : 0.5" and weights["tried"].count(",") == 3


@pytest.mark.parametrize("values", [{"k": 20}, {"level": 0.0}, {"level": 1.0}])
def test_rules_that_cannot_be_are_refused(values):
    with pytest.raises(MusigError):
        claims.Rules(**values)
