"""Tables, figures and sentences of other uses, made of cells that are made up."""

import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot as plt

from musig.errors import MusigError
from musig.experiments import CellResult, generalization
from musig.experiments.claims import CLAIMS, verdicts
from musig.experiments.findings import Rules, found
from musig.experiments.plans import USES
from musig.experiments.tables import rows
from musig.experiments.uses import UNTAUGHT, generalises
from musig.pages import generalization as pages

ROWS = ("attributes+neighbours", "als", "musig-single", "musig", "musig+artist", "musig-no-GENRE")
LEVELS = {"musig": 0.3, "musig-single": 0.2, "musig+artist": 0.4, "attributes+neighbours": 0.1}


@pytest.fixture(autouse=True)
def _closed():
    yield
    plt.close("all")


def made_up(levels=LEVELS, lacking=None):
    """Give every row scores about its level, on the same playlists and artists."""
    results = []
    for cell in generalization(ROWS):
        rng = np.random.default_rng(0)
        level = levels.get(cell.row, 0.25)
        playlists = pd.DataFrame(
            {"hit_rate@10": level > 0.2, "recall@10": level + 0.02 * rng.normal(size=60)},
            index=pd.Index(np.arange(60), name="playlist"),
        ).astype(np.float32)
        held, by_artist, tracks = {}, {}, {}
        for n, measure in enumerate(pages.MEASURES):
            values = level + 0.01 * np.random.default_rng(n).normal(size=30 + n)
            held |= {measure: values.mean(), f"{measure}_trivial": 0.05}
            by_artist[measure], tracks[measure] = values.tolist(), 100
        measures = {
            "n": 60, "unseen": 100, "held_out": held,
            "probed": {"by_artist": by_artist, "tracks": tracks}, "lacking": lacking or {},
        }  # fmt: skip
        run = {"data": "made up", "data_fingerprint": "0" * 64, "commit": "0", "when": "2026"}
        results.append(CellResult(cell, playlists, None, measures, run=run))
    return results


@pytest.fixture(scope="module")
def results():
    return made_up()


@pytest.fixture(scope="module")
def table(results):
    return pages.side_by_side(results)


def test_every_row_and_task_has_a_line_with_its_own_number_of_units(results, table):
    assert len(table) == len(ROWS) * len(pages.TASKS)
    musig = table[table["method"] == "musig"].set_index("metric")
    assert musig.loc["recall@10", "n"] == 60
    assert musig.loc["genre_f1", "n"] == 30 and musig.loc["version_mrr", "n"] == 35
    assert musig["mean"].to_numpy() == pytest.approx(0.3, abs=0.02)
    assert (musig["low"] < musig["mean"]).all() and (musig["mean"] < musig["high"]).all()
    assert set(musig.loc["genre_f1", "beats"].split(", ")) == {
        "attributes+neighbours", "als", "musig-single", "musig-no-GENRE"
    }  # fmt: skip
    assert table[table["method"] == "attributes+neighbours"]["beats"].eq("").all()
    assert pages.trivial(results).to_dict() == dict.fromkeys(pages.MEASURES, 0.05)


def test_the_matrix_ends_with_the_trivial_answers(results, table):
    shown = pages.matrix(table, pages.trivial(results))
    assert shown["row"].tolist() == [*ROWS, "trivial answer"]
    assert shown["genre, macro F1"].iloc[-1] == "0.050"
    assert shown["completion, recall@10"].iloc[-1] is None


def test_every_feature_has_a_column(results):
    shown = pages.features(results).data
    assert shown.count("<th>") == 1 + 9 and "<details>" in shown
    for result in results:
        result.measures["held_out"]["audio_r2_energy"] = 0.123
    assert "0.123" in pages.features(results).data


def test_shares_go_from_the_trivial_answer_to_the_best_row(results, table):
    shares = pages.shares(table, pages.trivial(results))
    assert list(shares.index) == list(ROWS) and list(shares) == list(pages.TASKS.values())
    assert (shares.loc["musig+artist"] == 1).all()
    assert 0 < shares.loc["attributes+neighbours", "theme, AUC"] < 0.3
    bad = pages.shares(table, pd.Series(dict.fromkeys(pages.MEASURES, 0.9)))
    assert bad["theme, AUC"].isna().all()  # nobody is above the trivial answer


def test_what_is_left_without_a_group_stands_below_what_is_known_of_it(table):
    left = pages.removed(table).set_index("row")
    assert list(left.index) == [
        "attributes+neighbours", "musig-single", "musig", "musig, without the group"
    ]  # fmt: skip
    without = left.loc["musig, without the group"]
    assert without.iloc[0].startswith("0.2") and pd.isna(without.iloc[1])


def test_only_rows_that_nobody_is_above_are_on_a_front(table):
    x, y = (
        pd.Series([3.0, 2, 1, 1, np.nan], list("abcde")),
        pd.Series([1.0, 2, 3, 2, 9], list("abcde")),
    )
    assert pages.front(x, y) == ["c", "b", "a"]
    assert pages.front(x[:0], y[:0]) == []
    assert all(names == ["musig+artist"] for names in pages.fronts(table).values())


def test_a_panel_a_task_is_drawn(results, table):
    _, axes = pages.pareto(table, pages.trivial(results))
    titles = [ax.get_title() for ax in axes]
    assert titles == [words for name, words in pages.TASKS.items() if name != "recall@10"]
    _, axes = pages.pareto(table[table["metric"] != "version_mrr"], pd.Series(dtype=float))
    assert not axes[-1].axison and axes[0].axison


def test_what_helps_is_told_by_tests_alone(results):
    tests = pages.against(results)
    assert set(tests["metric"]) == {"recall@10", *pages.MEASURES}
    told = pages.helped(tests, {"musig+artist": "the artist task", "nobody": "x"})
    assert told.startswith("the artist task: better in completion (+0.1")
    assert told.endswith("worse in nothing; not told apart in nothing")
    assert "worse in completion" in pages.helped(tests, {"musig-single": "one task"})
    assert pages.against(results, "nobody").empty
    same = made_up(dict.fromkeys(ROWS, 0.3))
    assert "better in nothing; worse in nothing" in pages.helped(
        pages.against(same), {"musig-single": "one task"}
    )


def test_nothing_recorded_is_shown_as_such(tmp_path):
    nothing = [CellResult(cell, remark="not run yet") for cell in generalization()]
    table, answers = pages.side_by_side(nothing), pages.trivial(nothing)
    assert table["mean"].isna().all() and answers.empty
    shown = pages.matrix(table, answers)
    assert shown["row"].tolist() == list(USES) and "genre, macro F1" not in shown
    pages.pareto(table, answers)
    assert pages.fronts(table) == {} and pages.lacking(nothing) == "nothing"
    assert pages.helped(pages.against(nothing), {"als": "ALS"}) == "no test yet"


def test_what_cannot_be_asked_is_told_once():
    told = pages.lacking(made_up(lacking={"version_mrr": "no two alike", "all": "it has none"}))
    assert told == "version: no two alike; it has none"


def test_rows_are_chosen_by_name():
    assert pages.chosen("") == [name for name in USES if name in pages.COMPUTED]
    assert len(pages.chosen("")) == len(pages.COMPUTED)
    assert pages.chosen("all") == list(USES)
    with pytest.raises(MusigError, match="did you mean 'musig'"):
        pages.chosen("musig,mussig")


def judged(levels):
    made = rows(made_up(levels))
    three = [made[name] for name in ("musig", "musig-single", "attributes+neighbours")]
    (finding,) = found([generalises(three, Rules())])
    return finding


def test_the_claim_needs_every_use_above_both():
    finding = judged(LEVELS)
    assert finding.holds and finding.p < 0.001 and finding.short == ""
    assert finding.n == 31 and all(use in finding.measured for use in UNTAUGHT)
    finding = judged(LEVELS | {"attributes+neighbours": 0.5})
    assert (
        not finding.holds and "musig is below attributes+neighbours in theme_auc" in finding.short
    )


def test_the_claim_is_among_the_others_and_is_judged(results):
    claim = [claim for claim in CLAIMS if claim.test is generalises]
    (line,) = verdicts(claims=claim, results=results).to_dict("records")
    assert line["verdict"] == "reproduced" and line["quantity"].startswith("popularity_spearman")
    kept = [r for r in results if r.cell.row != "musig-single"]
    (line,) = verdicts(claims=claim, results=kept).to_dict("records")
    assert line["verdict"] == "not run yet" and "musig-single" in line["reason"]


def test_a_use_that_the_data_lack_makes_no_claim_hold(results):
    for result in results:
        assert "theme_auc" in result.measures["probed"]["by_artist"]
    short = made_up()
    for result in short:
        result.measures["probed"]["by_artist"].pop("theme_auc")
    made = rows(short)
    three = [made[name] for name in ("musig", "musig-single", "attributes+neighbours")]
    (finding,) = found([generalises(three, Rules())])
    assert not finding.holds and finding.short == "there is no theme_auc in this data"
