"""Tables of cells: what stands in them is what plain arithmetic gives."""

import json
from dataclasses import replace
from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from musig.errors import MusigError
from musig.experiments import Cell, CellResult, Evaluation, tables
from musig.experiments.store import EARLIER, NOT_RUN
from musig.statistics import bootstrap_interval, holm, paired_test, paired_tests
from musig.tuning import BY_HAND, SPACES

N = 60


def result(row, values, *, fold=0, seed=0, folds=2, remark="", measures=None, **columns):
    """Make up a cell: one value a playlist in both readings of hit-rate."""
    rules = Evaluation(folds=folds, fractions=(0.2,))
    cell = Cell("07_methods", row, "popularity", fold=fold, seed=seed, evaluation=rules)
    if values is None:
        return CellResult(cell, remark=remark)
    values = np.asarray(values, dtype=np.float32)
    index = pd.Index(np.arange(len(values)) * folds + fold, name="playlist")
    frame = pd.DataFrame({"hit_rate@10": values > 0.5, "recall@10": values, **columns}, index=index)
    curves = pd.DataFrame(
        {"hit_rate": [0.1, 0.2], "recall": [values.mean(), 0.3]}, index=pd.Index([1, 10], name="k")
    )
    known = {"n": len(values), "coverage": 0.25 * (1 + fold), "size": 10, "fit_seconds": 2.0}
    return CellResult(cell, frame.astype(np.float32), curves, known | (measures or {}), "", remark)


@pytest.fixture
def noise():
    return np.random.default_rng(0)


def test_trainings_are_averaged_by_playlist_and_folds_are_joined(noise):
    values = {(fold, seed): noise.random(N) for fold in range(2) for seed in range(3)}
    made = tables.rows(result("a", v, fold=f, seed=s) for (f, s), v in values.items())
    row = made["a"]
    assert row.folds == (0, 1) and row.seeds == (0, 1, 2) and row.whole and row.remark == ""
    assert len(row.per_playlist) == 2 * N
    for fold in range(2):
        mean = np.mean([values[fold, seed] for seed in range(3)], axis=0)
        np.testing.assert_allclose(row.values("recall@10").to_numpy()[fold::2], mean, atol=1e-6)
    single = [np.mean([values[0, seed].mean(), values[1, seed].mean()]) for seed in range(3)]
    np.testing.assert_allclose(row.trainings["recall@10"], single, atol=1e-6)
    shown = tables.table(row.results, ["recall@10"]).iloc[0]
    assert shown["spread"] == pytest.approx(np.std(single, ddof=1), abs=1e-6)
    assert (shown["least"], shown["most"]) == pytest.approx((min(single), max(single)), abs=1e-6)
    assert (shown["n"], shown["folds"], shown["seeds"]) == (2 * N, 2, 3)


def test_means_and_intervals_are_those_of_scipy(noise):
    values = noise.random(N)
    shown = tables.table([result("a", values)], ["recall@10"]).iloc[0]
    assert shown["mean"] == pytest.approx(values.mean(), abs=1e-6)
    expected = stats.bootstrap(
        (values,), np.mean, n_resamples=20_000, method="percentile", rng=1
    ).confidence_interval
    assert shown["low"] == pytest.approx(expected.low, abs=0.01)
    assert shown["high"] == pytest.approx(expected.high, abs=0.01)
    assert np.isnan(shown["spread"])  # one training has none


def test_who_beats_whom_is_tested_on_the_same_playlists_and_corrected(noise):
    base = noise.random(N) * 0.8
    values = {"a": base, "b": base + 0.1, "c": base + noise.normal(0, 0.001, N)}
    shown = tables.table([result(n, v) for n, v in values.items()], ["recall@10"])
    beats = shown.set_index("method")["beats"]
    assert beats["b"] == "a, c" and beats["a"] == ""
    found = tables.tests([result(n, v) for n, v in values.items()], ["recall@10"])
    single = [
        paired_test(values[a], values[b], np.random.default_rng(3)).p
        for a, b in combinations("abc", 2)
    ]
    np.testing.assert_allclose(found["p_holm"], holm(np.array(single)), atol=0.05)
    np.testing.assert_allclose(
        found["difference"], [(values[a] - values[b]).mean() for a, b in combinations("abc", 2)],
        atol=1e-6,
    )  # fmt: skip


def test_families_are_tested_apart(noise):
    base = noise.random(N)
    rows = [result(f"{m}+{g}", base + i) for i, (m, g) in enumerate(
        [("x", "A"), ("x", "B"), ("y", "A"), ("y", "B")])]  # fmt: skip
    by_method = tables.tests(rows, ["recall@10"], family=tables.before_plus)
    assert list(zip(by_method["method"], by_method["against"], strict=True)) == [
        ("x+A", "x+B"),
        ("y+A", "y+B"),
    ]
    by_group = tables.table(rows, ["recall@10"], family=tables.after_plus).set_index("method")
    assert by_group["beats"].to_dict() == {"x+A": "", "x+B": "", "y+A": "x+A", "y+B": "x+B"}


def test_a_row_that_is_not_whole_is_shown_and_not_tested(noise):
    values = noise.random(N)
    rows = [
        *(result("a", values, fold=fold) for fold in range(2)),
        *(result("b", values + 1, fold=fold) for fold in range(2)),
        result("c", values + 2),
        result("c", None, fold=1, remark=NOT_RUN),
        result("d", None, remark=NOT_RUN),
        result("d", None, fold=1, remark=NOT_RUN),
        result("e", values + 3, remark=EARLIER),
        result("e", values + 3, fold=1, remark=EARLIER),
    ]
    shown = tables.table(rows, ["recall@10"]).set_index("method")
    assert shown["remark"].to_dict() == {
        "a": "",
        "b": "",
        "c": "1 of 2 cells",
        "d": NOT_RUN,
        "e": EARLIER,
    }
    assert shown["n"].to_dict() == {"a": 2 * N, "b": 2 * N, "c": N, "d": 0, "e": 2 * N}
    assert shown["beats"].to_dict() == {"a": "", "b": "a", "c": "", "d": "", "e": "a, b"}
    assert np.isnan(shown.loc["d", "mean"]) and not np.isnan(shown.loc["c", "mean"])
    assert shown.loc["c", "command"] == "make results ROW=07_methods/c"


def test_a_row_that_the_data_cannot_give_is_not_dropped(noise):
    cell = Cell("07_methods", "silent", "popularity")
    rows = [result("a", noise.random(N)), CellResult(cell, absent="this data has no sound")]
    shown = tables.table(rows).set_index("method")
    assert (shown.loc["silent", "remark"] == "not in this data: this data has no sound").all()
    assert shown.loc["silent", "mean"].isna().all() and shown.loc["a", "mean"].notna().all()
    assert "silent" in set(tables.costs(rows)["method"])
    assert "silent" not in set(tables.curves(rows)["method"])
    assert tables.by_length([rows[1]]).empty and tables.by_popularity(rows).empty


def test_a_table_of_nothing_says_so():
    shown = tables.table([result("a", None, remark=NOT_RUN)])
    assert (shown["remark"] == NOT_RUN).all() and shown["mean"].isna().all()
    assert tables.tests([result("a", None, remark=NOT_RUN)]).empty
    assert tables.curves([result("a", None, remark=NOT_RUN)]).empty


@pytest.mark.parametrize("metric", ["recal@10", "hit_rate@7"])
def test_an_unknown_metric_is_refused_with_the_nearest(metric, noise):
    with pytest.raises(MusigError, match=f"Unknown metric '{metric}'; did you mean"):
        tables.table([result("a", noise.random(N))], [metric])


def test_rows_of_one_name_are_of_one_experiment(noise):
    other = CellResult(Cell("10_sensitivity", "a", "popularity"))
    with pytest.raises(MusigError, match="'a' is one of 07_methods and of 10_sensitivity"):
        tables.rows([result("a", noise.random(N)), other])


def test_an_unknown_reference_is_refused(noise):
    with pytest.raises(MusigError, match="Unknown row 'aa'; "):
        tables.tests([result("a", noise.random(N))], reference="aa")


def test_the_interaction_is_a_difference_of_differences(noise):
    base = noise.random(N)
    values = {"m+": base + 0.3, "m-": base, "s+": base + 0.1 + noise.normal(0, 0.05, N), "s-": base}
    rows = [result(name.replace("-", "0").replace("+", "1"), v) for name, v in values.items()]
    found = tables.interaction(rows, ("m1", "m0"), ("s1", "s0"), ["recall@10"]).iloc[0]
    gains = (values["m+"] - values["m-"]) - (values["s+"] - values["s-"])
    assert found["difference"] == pytest.approx(gains.mean(), abs=1e-6)
    assert found["first"] == pytest.approx(0.3, abs=1e-6)
    assert found["p"] < 0.001 and found["low"] < gains.mean() < found["high"]
    back = tables.interaction(rows, ("s1", "s0"), ("m1", "m0"), ["recall@10"]).iloc[0]
    assert back["difference"] == pytest.approx(-found["difference"])
    # nothing to find where the gain is the same
    same = [
        result(n, v)
        for n, v in {"a": base + 0.2, "b": base, "c": base + 1, "d": base + 0.8}.items()
    ]
    assert tables.interaction(same, ("a", "b"), ("c", "d"), ["recall@10"])["p"].iloc[0] > 0.01
    lacking = [*rows[:3], result("s0", None, remark=NOT_RUN)]
    assert tables.interaction(lacking, ("m1", "m0"), ("s1", "s0")).empty
    with pytest.raises(MusigError, match="no row 'm2'"):
        tables.interaction(rows, ("m2", "m0"), ("s1", "s0"))


def test_curves_weigh_cells_by_their_playlists(noise):
    first, second = noise.random(N), noise.random(2 * N)
    found = tables.curves([result("a", first), result("a", second, fold=1)])
    expected = np.concatenate([first, second]).mean()
    assert found["recall"].iloc[0] == pytest.approx(expected, abs=1e-6)
    assert list(found["k"]) == [1, 10]


def test_playlists_of_like_length_are_averaged(noise):
    values, seeds = noise.random(N), noise.integers(1, 60, N)
    rows = [result("a", values, seeds=seeds, targets=seeds)]
    found = tables.by_length(rows, ["recall@10"]).set_index("length")
    within = (2 * seeds >= 20) & (2 * seeds < 50)
    assert found.loc["20 to 49", "mean"] == pytest.approx(values[within].mean(), abs=1e-6)
    assert found.loc["20 to 49", "n"] == within.sum()
    assert found["n"].sum() == N and "100 or more" in found.index


def test_other_shares_of_seeds_stand_beside_the_half(noise):
    values, other = noise.random(N), noise.random(N)
    found = tables.by_fraction([result("a", values, **{"recall@10|0.2": other})], ["recall@10"])
    np.testing.assert_allclose(found["fraction"], [0.2, 0.5])
    np.testing.assert_allclose(found["mean"], [other.mean(), values.mean()], atol=1e-6)


def test_targets_found_are_a_share_of_all_targets_of_a_decile(noise):
    among = noise.integers(0, 4, (N, 10))
    found = noise.binomial(among, 0.3)
    columns = {f"among|{d + 1}": among[:, d] for d in range(10)}
    columns |= {f"found|{d + 1}": found[:, d] for d in range(10)}
    ranges = [[d, d + 1] for d in range(10)]
    shown = tables.by_popularity(
        [result("a", noise.random(N), measures={"popularity": ranges}, **columns)]
    )
    np.testing.assert_allclose(shown["found"], found.sum(0) / among.sum(0))
    assert (shown["low"] <= shown["found"]).all() and (shown["found"] <= shown["high"]).all()
    assert list(shown["n"]) == list(among.sum(0)) and list(shown["least"]) == list(range(10))


def test_the_tasks_are_measured_over_trainings(noise):
    rows = [
        result(
            "a", noise.random(N), seed=seed, measures={"held_out": {"link_auc": auc, "f1": None}}
        )
        for seed, auc in enumerate([0.6, 0.7, 0.8])
    ]
    shown = tables.held_out(rows)
    assert list(shown["measure"]) == ["link_auc"]
    assert shown.iloc[0][["mean", "least", "most"]].tolist() == pytest.approx([0.7, 0.6, 0.8])


def probed(row, by_artist, *, seed=0, tracks=99, fold=0, **others):
    """Make up a cell with probes: the measure is the mean over artists."""
    measures = {
        "held_out": {name: np.mean(values) for name, values in by_artist.items()} | others,
        "probed": {
            "by_artist": {name: list(values) for name, values in by_artist.items()},
            "tracks": dict.fromkeys(by_artist, tracks),
        },
    }
    return result(row, np.zeros(3), seed=seed, fold=fold, measures=measures)


def test_probes_have_an_interval_over_artists_and_a_spread_over_trainings(noise):
    each = noise.normal(0.5, 0.1, (3, 80))
    rows = [
        probed("a", {"genre_probe_f1_macro": each[seed]}, seed=seed, link_auc=0.6 + seed / 10)
        for seed in range(3)
    ]
    shown = tables.held_out(rows).set_index("measure")
    line = shown.loc["genre_probe_f1_macro"]
    low, high = bootstrap_interval(each.mean(0), np.random.default_rng(0))
    assert (line["low"], line["high"]) == pytest.approx((low, high))
    assert line["mean"] == pytest.approx(each.mean()) and low < line["mean"] < high
    assert line["spread"] == pytest.approx(each.mean(1).std(ddof=1))
    assert (line["tracks"], line["artists"], line["seeds"]) == (99, 80, 3)
    other = shown.loc["link_auc"]  # without numbers an artist there is no interval
    assert np.isnan(other["low"]) and np.isnan(other["artists"])
    assert other["spread"] == pytest.approx(0.1)


def test_probes_are_compared_on_the_same_artists(noise):
    base = noise.normal(0.5, 0.1, 80)
    few = noise.normal(0.4, 0.1, 60)  # not every artist has tracks with sound
    rows = [
        probed("a", {"genre_probe_f1_macro": base, "similarity_probe_error": few}),
        probed("b", {"genre_probe_f1_macro": base + 0.1, "similarity_probe_error": few + 0.1}),
        probed("c", {"genre_probe_f1_macro": base, "similarity_probe_error": few}),
        result("d", np.zeros(3)),
    ]
    found = tables.held_out_tests(rows)
    verdicts = found.set_index(["metric", "method", "against"])["verdict"]
    assert verdicts["genre_probe_f1_macro", "a", "b"] == "worse"
    assert verdicts["similarity_probe_error", "a", "b"] == "better"  # lower is better
    assert verdicts["genre_probe_f1_macro", "a", "c"] == ""
    sizes = found.groupby("metric")["n"].first()
    assert sizes.to_dict() == {"genre_probe_f1_macro": 80, "similarity_probe_error": 60}
    against = tables.held_out_tests(rows, ["genre_probe_f1_macro"], reference="a")
    assert list(against["method"]) == ["b", "c"]
    assert against["difference"].iloc[0] == pytest.approx(0.1)
    assert tables.held_out_tests([rows[0], rows[3]]).empty
    assert tables.held_out_tests(rows, reference="d").empty  # it was not probed
    with pytest.raises(MusigError, match="Unknown measure 'genre_probe'"):
        tables.held_out_tests(rows, ["genre_probe"])
    with pytest.raises(MusigError, match="Unknown row 'e'"):
        tables.held_out_tests(rows, reference="e")


def test_artists_of_several_folds_are_not_mixed(noise):
    rows = [probed("a", {"genre_probe_f1_macro": noise.random(9)}, fold=fold) for fold in range(2)]
    assert np.isnan(tables.held_out(rows)["low"].iloc[0])


def test_what_was_looked_at_by_hand_stands_beside_the_trials(noise):
    assert set(BY_HAND) == set(SPACES)
    assert all(isinstance(count, int) and count > 0 for count in BY_HAND.values())
    rows = [result(name, noise.random(N)) for name in ("a", "b")]
    easy = replace(rows[0], cell=replace(rows[0].cell, row="ease", method="ease"))
    shown = tables.table([*rows, easy], ["recall@10"])
    columns = list(shown.columns)
    assert columns.index("by_hand") == columns.index("trials") + 1
    shown = shown.set_index("method")["by_hand"]
    assert shown["ease"] == BY_HAND["ease"] and np.isnan(shown["a"])  # popularity has none
    costs = tables.costs([easy])
    assert costs["by_hand"].iloc[0] == BY_HAND["ease"]
    assert tables.by_hand("blend") == BY_HAND["musig-best"] + BY_HAND["ease"]


def test_coverage_and_costs_are_means_over_cells(noise):
    rows = [result("a", noise.random(N), fold=fold) for fold in range(2)]
    shown = tables.table(rows, ["coverage", "recall@10"])
    assert shown["mean"].iloc[0] == pytest.approx(0.375) and np.isnan(shown["low"].iloc[0])
    assert shown["beats"].iloc[0] == ""
    assert tables.costs(rows)["fit_seconds"].iloc[0] == 2.0
    assert [each.cell.fold for each in tables.of_fold(rows, 1)] == [1]


def test_trials_are_counted_in_the_studies(tmp_path):
    for name, n in {"ease": 12, "itemknn": 11}.items():
        (tmp_path / f"{name}.json").write_text(json.dumps({"trials": [{}] * n}), "utf-8")
    assert tables.trials("ease", tmp_path) == 12
    assert tables.trials("popularity", tmp_path) is None
    assert tables.trials("blend-cf", tmp_path) == 23


def test_the_gain_is_a_ratio_of_means_with_an_interval(noise):
    b = noise.random(400)
    a = 1.3 * b + noise.normal(0, 0.05, 400)
    share, low, high = tables.gain(a, b)
    assert share == pytest.approx(a.mean() / b.mean() - 1)

    def ratio(x, y):
        return x.mean() / y.mean() - 1

    expected = stats.bootstrap(
        (a, b), ratio, paired=True, vectorized=False, n_resamples=4000, method="percentile", rng=0
    ).confidence_interval
    assert (low, high) == pytest.approx((expected.low, expected.high), abs=0.005)
    with pytest.raises(MusigError, match="mean of 0"):
        tables.gain(a, np.zeros(400))


# Many tests at once


def test_many_paired_tests_are_the_single_ones(noise):
    values = noise.random((80, 4)) + np.array([0, 0.05, 0.1, 0.3])
    pairs = list(combinations(range(4), 2))
    together = paired_tests(values, pairs, np.random.default_rng(0))
    for (a, b), found in zip(pairs, together, strict=True):
        single = paired_test(values[:, a], values[:, b], np.random.default_rng(1))
        assert found.difference == pytest.approx(single.difference)
        assert found.p == pytest.approx(single.p, abs=0.02)
        assert (found.low, found.high) == pytest.approx((single.low, single.high), abs=0.01)


def test_many_paired_tests_are_exact_where_all_signs_can_be_tried():
    values = np.array([[1.0, 0.0], [3.0, 1.0], [0.5, 0.0], [0.0, 0.25]])
    exact = stats.permutation_test(
        (values[:, 0] - values[:, 1],),
        np.mean,
        permutation_type="samples",
        vectorized=True,
    ).pvalue
    (found,) = paired_tests(values, [(0, 1)], np.random.default_rng(0), permutations=20_000)
    assert found.p == pytest.approx(exact, abs=0.02)


def test_methods_that_are_alike_are_not_told_apart():
    values = np.repeat(np.random.default_rng(0).random((50, 1)), 3, axis=1)
    for found in paired_tests(values, [(0, 1), (2, 1)], np.random.default_rng(0)):
        assert found.p == 1 and found.difference == 0


@pytest.mark.parametrize(("values", "pairs"), [(np.ones((3, 2)), []), (np.ones((0, 2)), [(0, 1)])])
def test_nothing_to_test_is_refused(values, pairs):
    with pytest.raises(MusigError, match="Paired tests need"):
        paired_tests(values, pairs, np.random.default_rng(0))


def test_the_correction_over_many_pairs_can_still_be_passed(noise):
    """With 40 rows Holm's first step asks for p below 0.05 / 780: enough signs must be tried."""
    base = noise.random(N)
    rows = [result(f"r{n}", base + n) for n in range(40)]
    found = tables.tests(rows, ["recall@10"])
    assert len(found) == 780 and (found["p_holm"] <= 0.05).all()
