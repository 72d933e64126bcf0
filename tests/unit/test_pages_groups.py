"""The tables and figures of the chapters on attribute groups and on task weights."""

from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from musig.errors import MusigError
from musig.experiments import Cell, CellResult, Evaluation, plans, run_cell, tables
from musig.experiments.store import NOT_RUN
from musig.pages import groups, simplex
from musig.sources.synthetic import make
from musig.statistics import holm

N = 80


def result(row, values, experiment="08_attribute_groups", **more):
    """Make up a cell with both readings of hit-rate."""
    cell = Cell(experiment, row, "musig", evaluation=Evaluation(folds=2))
    if values is None:
        return CellResult(cell, **({"remark": NOT_RUN} | more))
    index = pd.Index(np.arange(N), name="playlist")
    frame = pd.DataFrame({"hit_rate@10": values > 0.3, "recall@10": values}, index=index)
    return CellResult(cell, frame.astype(np.float32), None, {"n": N, **more})


@pytest.fixture
def made():
    """Two methods; content helps the first by 0.2 and the second by nothing."""
    noise = np.random.default_rng(0)
    values = {
        "musig-multi+AUDIO": 0.5,
        "musig-multi+none": 0.3,
        "musig-single+AUDIO": 0.3,
        "musig-single+none": 0.3,
    }
    results = [result(row, mean + 0.02 * noise.normal(size=N)) for row, mean in values.items()]
    lost = "this data has no sound: no track has an acoustic vector"
    results += [result(f"{name}+ACOUSTIC", None, absent=lost, remark="") for name in
                ("musig-multi", "musig-single")]  # fmt: skip
    return [*results, result("content+AUDIO", None)]


def test_a_grid_has_a_line_a_group_and_says_why_a_row_has_no_numbers(made):
    table = tables.table(made, ["recall@10"], family=tables.before_plus)
    shown = groups.grid(table, "recall@10").set_index("attributes")
    assert list(shown.index) == ["a AUDIO", "b none", "c ACOUSTIC"]
    assert list(shown.columns) == ["musig-multi", "musig-single", "content"]
    assert shown.loc["a AUDIO", "musig-multi"].endswith(" b")
    assert shown.loc["a AUDIO", "musig-single"].endswith("]")  # beats nobody
    assert shown.loc["c ACOUSTIC", "musig-multi"] == "not in this data"
    assert shown.loc["a AUDIO", "content"] == NOT_RUN
    assert pd.isna(shown.loc["b none", "content"])
    table = tables.table(made, ["recall@10"], family=tables.after_plus)
    across = groups.grid(table, "recall@10", across=True).set_index("attributes")
    assert list(across.columns) == ["a musig-multi", "b musig-single", "c content"]
    assert across.loc["AUDIO", "a musig-multi"].endswith(" b")
    assert "no acoustic" not in groups.remarks(table)
    assert "2 of 7 rows" in groups.remarks(table) and "1 of 7 rows" in groups.remarks(table)
    folded = groups.particulars(table).data
    assert "08_attribute_groups/musig-multi+AUDIO" in folded and "<summary>" in folded


def test_what_content_adds_is_told_from_either_side(made):
    found = tables.tests(made, ["recall@10"], family=tables.before_plus)
    shown = groups.over(found, ["AUDIO", "GENRE"], ["none"], "recall@10")
    assert shown[["attributes", "over"]].to_numpy().tolist() == [["AUDIO", "none"]]
    assert shown["musig-multi"].item().endswith("better")
    assert shown["musig-single"].item().endswith("not sure")
    one = groups.told(found, "musig-multi+AUDIO", "musig-multi+none")
    other = groups.told(found, "musig-multi+none", "musig-multi+AUDIO")
    assert "+0.2" in one and "(better, p < 0.001)" in one
    assert "-0.2" in other and "(worse, p < 0.001)" in other
    assert groups.told(found, "musig-multi+all", "musig-multi+none").endswith(groups.NO_TEST)


def test_interactions_are_corrected_over_all_that_were_tested(made):
    found = groups.interactions(made, ["AUDIO", "all"], ["none", "random"])
    assert found["metric"].tolist() == ["hit_rate@10", "recall@10"]  # the others are not there
    np.testing.assert_allclose(found["p_holm"], holm(found["p"].to_numpy()))
    recall = found.iloc[1]
    assert recall["musig-multi"] == pytest.approx(0.2, abs=0.02)
    assert recall["difference"] == pytest.approx(recall["musig-multi"] - recall["musig-single"])
    assert recall["verdict"] == "more"
    assert "more with several tasks in" in groups.counted(found)
    turned = groups.interactions(
        made, ["AUDIO"], ["none"], first="musig-single", second="musig-multi"
    )
    assert turned.iloc[1]["verdict"] == "less"
    assert groups.counted(groups.interactions(made, ["all"], ["none"])) == groups.NO_TEST


def test_panels_mark_controls_and_what_is_missing(made):
    table = tables.table(made, ["recall@10"])
    _, axes = groups.panels(table, "recall@10")
    told = [text.get_text() for ax in axes.flat for text in ax.texts]
    assert told.count("not in this data") == 2 and NOT_RUN in told
    assert [tick.get_text() for tick in axes[0, 0].get_yticklabels()] == [
        "AUDIO", "none", "ACOUSTIC",
    ]  # fmt: skip
    markers = {line.get_marker() for line in axes[0, 0].lines}
    assert {"o", "s"} <= markers
    nothing = tables.table([result("musig-multi+AUDIO", None)], ["recall@10"])
    groups.panels(nothing, "recall@10")
    long = "recorded with an earlier source; not in this data: no track has any"
    nothing["remark"] = long
    fig, axes = groups.panels(nothing, "recall@10")
    fig.draw_without_rendering()  # lays it out
    assert [text.get_text() for text in axes[0, 0].texts] == ["not in this data"]
    assert axes[0, 0].get_window_extent().width > 50
    plt.close("all")


def test_all_groups_but_acoustic_are_shown_unless_named():
    assert set(plans.GROUPS) - set(groups.chosen([], [])) == {"ACOUSTIC"}
    assert groups.chosen(["ACOUSTIC"], ["none"]) == ["ACOUSTIC", "none"]


@pytest.mark.parametrize("point", [(0, 0, 0), (1, -0.1, 0), (1, 2), (1, 1, float("inf"))])
def test_weights_that_are_no_mixture_are_refused(point):
    with pytest.raises(MusigError, match="no mixture of tasks; expected three numbers"):
        plans.task_weights([point])


def test_every_point_of_the_simplex_is_drawn_where_its_weights_say():
    for point in plans.SIMPLEX:
        read = simplex.weights_of(plans.point_name(point))
        np.testing.assert_allclose(simplex.place(read), simplex.place(point), atol=0.01)
    np.testing.assert_allclose(simplex.place((1, 1, 1)), simplex.CORNERS.mean(axis=0))
    np.testing.assert_allclose(simplex.place((4, 2, 2)), simplex.place((1, 0.5, 0.5)))


def test_triangles_ring_the_best_whether_high_or_low_is_good():
    names = [plans.point_name(point) for point in plans.SIMPLEX]
    series = pd.Series(np.linspace(0.1, 0.9, 10), index=names)
    series["default"] = 0.95
    _, axes = simplex.triangles(
        {"recall": series, "error": series}, lower=["error"], others={"default": (1, 0.5, 0.5)}
    )
    for ax, place in zip(axes[:2], ((1, 0.5, 0.5), plans.SIMPLEX[0]), strict=True):
        (ring,) = [line for line in ax.lines if line.get_markersize() == 16]
        np.testing.assert_allclose(np.ravel(ring.get_data()), simplex.place(place), atol=0.01)
        assert len(ax.texts) == 10  # the default has no number
    assert "genre" in [text.get_text() for text in axes[3].texts]
    _, axes = simplex.triangles({"recall": series * np.nan})
    assert "no result" in [text.get_text() for text in axes[0].texts]
    plt.close("all")


def test_a_tradeoff_letters_points_and_names_the_others():
    columns = ["letter", "x", "x_low", "x_high", "y", "y_low", "y_high"]
    lines = [("a", 0.1, 0.05, 0.15, 0.5, 0.4, 0.6), ("b", 0.2, np.nan, np.nan, 0.4, 0.3, 0.5)]
    table = pd.DataFrame(lines, columns=columns, index=["1.00-0.00-0.00", "surgery"])
    _, ax = simplex.tradeoff(table, xlabel="recall", ylabel="F1")
    assert [text.get_text() for text in ax.texts] == ["a"]
    named = [text.get_text() for text in ax.get_legend().get_texts()]
    assert named == ["points of the simplex", "b surgery"]
    _, ax = simplex.tradeoff(table.iloc[:0], xlabel="", ylabel="")
    assert [text.get_text() for text in ax.texts] == ["no result"]
    plt.close("all")


def test_learned_weights_are_shares_averaged_over_trainings():
    ends = [(2.0, 1.0, 1.0), (0.0, 1.0, 1.0)]
    tasks = ("cooccurrence", "similarity", "genre")
    results = [
        result(
            "uncertainty",
            np.zeros(N),
            "09_task_weights",
            balance={f"weight_{task}": end for task, end in zip(tasks, each, strict=True)},
        )
        for each in ends
    ]
    assert simplex.learned(results) == pytest.approx((0.25, 0.375, 0.375))
    assert simplex.learned([result("uncertainty", None, "09_task_weights")]) is None
    assert simplex.paths(pd.DataFrame({"epoch": [1], "genre": [0.3]}), {}).empty


def test_tests_against_the_default_are_put_in_a_table_and_in_words():
    lines = [
        ("recall@10", "a", "default", 0.1, 0.05, 0.15, "better"),
        ("recall@10", "b", "default", -0.1, -0.15, -0.05, "worse"),
        ("recall@10", "c", "default", 0.0, -0.05, 0.05, ""),
        ("f1", "a", "default", 0.0, -0.1, 0.1, ""),
    ]
    columns = ["metric", "method", "against", "difference", "low", "high", "verdict"]
    tests = pd.DataFrame(lines, columns=columns)
    shown = simplex.differences(tests, ["recall@10", "f1"]).set_index("row")
    assert shown.loc["a", "recall@10"] == "+0.100 [+0.050,\u00a0+0.150] better"
    assert shown.loc["c", "recall@10"].endswith("not sure") and pd.isna(shown.loc["b", "f1"])
    assert simplex.beating(tests, "recall@10") == "better a, worse b, not sure 1"
    assert simplex.differences(tests.iloc[:0], ["f1"]).empty


def test_a_task_alone_that_the_data_cannot_teach_is_a_row_that_says_so():
    catalog = make("smoke", seed=0)
    tracks = catalog.tracks.drop(columns=["main_genre", "genres"])
    catalog = replace(catalog, tracks=tracks)
    quick = {"musig": {"epochs": 1, "embedding_size": 8}}
    (cell, *_) = plans.task_weights([(0, 0, 1)], Evaluation(2, 3), seeds=[0], adjust=quick)
    found = run_cell(cell, catalog)
    assert found.absent == "no track has a genre" and not found.has_scores
