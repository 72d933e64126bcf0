"""New tracks on a page: tables, sentences and one track, from a few cells of the smallest data."""

import numpy as np
import pytest

from musig import inductive, methods
from musig.experiments import Evaluation, new_tracks, run, scenarios
from musig.newtracks import SCENARIOS, newcomers
from musig.pages import intervals
from musig.pages import newtracks as pages
from musig.pages.methods import quick
from musig.splits import fold_playlists

RULES = Evaluation(folds=3, min_playlists=3)
ROWS = ["musig", "content", "popularity"]
STEPS = ["nothing", "ten\nlike it", "1", "3", "10", "30", "100", "300", "all"]


@pytest.fixture(scope="module")
def results(smoke_catalog):
    return run(new_tracks(ROWS, RULES, seeds=[0], adjust=quick(2, 8)), smoke_catalog)


def test_every_row_is_in_the_table_in_its_order_whatever_the_first_scenario_has(results):
    made = pages.wide(scenarios.table(results, ["none", "0", "all"]))
    assert made["row"].tolist() == ROWS and made[""].tolist() == ["a", "b", "c"]
    assert list(made)[2:5] == ["told nothing", "told ten like it", "told all"]
    assert made["told nothing"].notna().tolist() == [True, True, False]
    assert made["n"].nunique() == 1


def test_a_curve_has_its_rows_and_steps_in_order(results):
    drawn = pages.drawn(scenarios.series(results), ["content", "musig", "nobody"])
    assert drawn["method"].unique().tolist() == ["content", "musig"]
    assert drawn["told"].unique().tolist() == STEPS
    _, ax = intervals.steps(drawn, "told", ylabel="recall@10")
    labels = [tick.get_text() for tick in ax.get_xticklabels()]
    assert labels == STEPS
    empty = pages.drawn(scenarios.series([]), ROWS)
    assert empty.empty and intervals.steps(empty, "told")[1].texts


def test_what_the_first_ten_hold_is_a_table_and_a_sentence(results):
    shares = scenarios.first_ten(results, ["none", "all"])
    made = pages.first_places(shares)
    assert made["method"].tolist() == ROWS
    assert list(made)[1:] == [
        "new, told nothing", "known, told nothing", "new, told all", "known, told all",
    ]  # fmt: skip
    assert made["new, told nothing"].notna().tolist() == [True, True, False]
    line = shares[(shares["method"] == "musig") & (shares["scenario"] == "all")].iloc[0]
    told = f"{100 * line['mean']:.0f} % of the first ten are new"
    assert pages.crowded(shares, "musig", "all") == told
    assert pages.crowded(shares, "popularity", "none") == "not run yet"


def test_sentences_are_made_from_tests(results):
    tests = scenarios.tests(results, ["0", "all"], reference="musig")
    told = pages.compared(tests, "content", "musig")
    assert told.count("told ") == 2 and told.startswith("told ten like it: ")
    assert pages.compared(tests, "content", "popularity") == "no test yet"
    assert pages.compared(tests.iloc[:0], "content", "musig") == "no test yet"


def test_differences_of_rows_are_a_table(results):
    tests = scenarios.tests(results, ["none", "0"], reference="musig")
    made = pages.differences(tests, [("content", "musig"), ("popularity", "musig")], ["none", "0"])
    assert made["difference"].tolist() == ["content less musig", "popularity less musig"]
    assert made["told nothing"].notna().tolist() == [True, False]
    whole = pages.compared(tests, "content", "musig")
    for column in ("told nothing", "told ten like it"):
        assert f"{column}: {made.loc[0, column]}" in whole


def test_numbers_of_a_sentence_are_those_of_the_table(results):
    new, whole = (scenarios.series(results, "recall@10", among) for among in ("new", "whole"))
    told = pages.in_the_way(new, whole, "musig", "all")
    one = new.set_index(["method", "scenario"])["mean"]
    assert told.startswith(f"{one['musig', 'all']:.3f} among new tracks, ")
    assert pages.in_the_way(new, whole, "popularity", "none") == "not run yet"
    first = one.xs("all", level="scenario").idxmax()
    assert pages.best_of(new, "all").startswith(f"{first} (")
    assert pages.best_of(new.iloc[:0], "all") == "not run yet"


def test_one_track_is_told_what_the_scenario_says(smoke_catalog):
    split = fold_playlists(smoke_catalog, 0, folds=3)
    setting = newcomers(smoke_catalog, split, min_playlists=3, seed=0)
    settings = {**methods.tuned("musig"), **quick(2, 8)["musig"]}
    model = methods.make("musig", settings, device="cpu").fit(setting.known, split).model
    place = int(np.argmax(setting.original))
    track = setting.unpopular[setting.new].iloc[[place]]
    for scenario in SCENARIOS:
        edges = pages.told_of(setting, place, scenario)
        assert set(edges["source"]) <= set(track.index)
        if scenario not in ("none", "0", "all"):
            assert edges["weight"].sum() == int(scenario)
        made = inductive.embed_tracks(model, track, edges=edges)
        near = pages.nearest(model, made, 4)
        assert len(near) == 4 and near["cosine"].is_monotonic_decreasing
        assert near["cosine"].iloc[0] == pytest.approx(
            float((model.embeddings.numpy() @ made.vectors[0]).max())
        )
    assert pages.told_of(setting, place, "0").empty
