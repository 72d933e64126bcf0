"""Cells: what they come out as, what they depend on, and that nothing is lost or half-written."""

import json
import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from musig import methods
from musig.baselines.itemknn import ItemKNN
from musig.catalog import universe
from musig.completion import evaluate, holdout
from musig.errors import MusigError
from musig.experiments import Cell, Evaluation, plans, read, run, run_cell, store, work
from musig.experiments import cells as cells_module
from musig.experiments.cells import METRICS, modules_of_cell, settings_of_cell
from musig.files import aside
from musig.source import closure
from musig.splits import fold_playlists

RULES = Evaluation(folds=3, min_playlists=3)


def cell(method="popularity", row=None, **fields):
    return Cell("07_methods", row or method, method, **{"evaluation": RULES, **fields})


@pytest.fixture(scope="module")
def computed(smoke_catalog):
    rules = replace(RULES, fractions=(0.2,), deciles=True)
    return run_cell(cell("itemknn", fold=1, evaluation=rules), smoke_catalog)


@pytest.fixture(scope="module")
def by_hand(smoke_catalog):
    split = fold_playlists(smoke_catalog, 1, folds=3, seed=0, valid=0.1)
    tracks = universe(smoke_catalog, split.train, 3)
    known = smoke_catalog.restrict(tracks)
    return split, tracks, known, ItemKNN(**methods.tuned("itemknn")).fit(known, split)


def test_a_cell_is_the_evaluation_on_the_test_playlists_of_its_fold(
    computed, by_hand, smoke_catalog
):
    split, tracks, known, scorer = by_hand
    held = holdout(smoke_catalog, tracks, split.test, 0)
    result = evaluate(scorer, held, known, split=split)
    for metric in METRICS:
        if metric in result.per_playlist:
            np.testing.assert_allclose(
                computed.per_playlist[metric], result.per_playlist[metric], rtol=1e-6
            )
    assert list(computed.per_playlist.index) == list(held.playlist)
    assert computed.measures["n"] == len(held)
    assert computed.measures["coverage"] == result.coverage
    assert computed.measures["size"] == scorer.size
    np.testing.assert_allclose(
        computed.curves["recall"],
        [result.values(f"recall@{k}").mean() for k in computed.curves.index],
    )


def test_further_shares_of_seeds_are_evaluated_without_another_fit(
    computed, by_hand, smoke_catalog
):
    split, tracks, known, scorer = by_hand
    held = holdout(smoke_catalog, tracks, split.test, 0, fraction=0.2)
    result = evaluate(scorer, held, known, ks=[10])
    np.testing.assert_allclose(
        computed.per_playlist["recall@10|0.2"], result.per_playlist["recall@10"], rtol=1e-6
    )


def test_targets_are_counted_by_how_popular_they_are(computed, by_hand, smoke_catalog):
    split, tracks, known, scorer = by_hand
    held = holdout(smoke_catalog, tracks, split.test, 0)
    counts = known.playlists.subset(split.train).counts(len(tracks))
    decile = np.empty(len(tracks), int)
    decile[np.argsort(counts, kind="stable")] = np.arange(len(tracks)) * 10 // len(tracks)
    scores = scorer.score(held.seeds).numpy()
    for row in (0, 17, len(held) - 1):
        scores[row, held.seeds[row]] = -np.inf
        top = set(np.argsort(-scores[row], kind="stable")[:100])
        targets = held.targets[row]
        for d in range(10):
            of_decile = [t for t in targets if decile[t] == d]
            shown = computed.per_playlist.iloc[row]
            assert shown[f"among|{d + 1}"] == len(of_decile)
            assert shown[f"found|{d + 1}"] == sum(t in top for t in of_decile)
    ranges = computed.measures["popularity"]
    assert len(ranges) == 10 and ranges[0][0] == counts.min() and ranges[-1][1] == counts.max()


def test_over_the_folds_every_playlist_is_evaluated_once(smoke_catalog):
    frames = [run_cell(cell(fold=fold), smoke_catalog).per_playlist for fold in range(3)]
    playlists = np.concatenate([frame.index for frame in frames])
    assert len(np.unique(playlists)) == len(playlists) == len(smoke_catalog.playlists)


def without(catalog, *columns):
    return replace(catalog, tracks=catalog.tracks.drop(columns=list(columns)), sound=None)


def test_a_group_that_the_data_lack_is_a_result_with_a_reason(smoke_catalog, tmp_path):
    lacking = cell("content", settings={"groups": ["ACOUSTIC", "GENRE"]})
    silent = replace(smoke_catalog, sound=None)
    (result,) = run([lacking], silent, folder=tmp_path)
    assert not result.has_scores and "no sound" in result.absent
    (again,) = read([lacking], tmp_path)
    assert again.absent == result.absent and again.remark == ""
    assert not list(tmp_path.rglob("*.parquet"))


def test_what_only_the_data_can_say_is_put_in(smoke_catalog):
    split = fold_playlists(smoke_catalog, 0, folds=3)
    known = replace(smoke_catalog, sound=None)

    def given(method, settings):
        return cells_module._given(cell(method), settings, known, split)

    everything = given("track2vec", {"groups": ["all"]})["groups"]
    assert everything == ["GENRE", "POPULARITY", "AUDIO"]
    assert given("musig", {"groups": ["all"]})["groups"] == everything
    assert given("track2vec", {"attributes": "none"}) == {}
    noise = given("track2vec", {"attributes": "random"})["attributes"]
    assert noise.shape[0] == known.n_tracks and noise.shape[1] > 10
    assert given("track2vec", {"attributes": "constant"})["attributes"].std() == 0
    assert given("musig", {"attributes": "random"}) == {"attributes": "random"}


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"method": "eas"}, "did you mean 'ease'"),
        ({"method": "ease", "row": "a/b"}, "cannot name a cell"),
        ({"method": "ease", "row": "ease-fold3"}, "cannot name a cell"),
        ({"method": "ease", "fold": 3}, "asks for fold 3; expected one from 0 to 2"),
    ],
)
def test_a_cell_that_cannot_be_is_refused(fields, told):
    with pytest.raises(MusigError, match=told):
        cell(**fields)


@pytest.mark.parametrize("wrong", [{"folds": 1}, {"fraction": 1.0}, {"fractions": (0.5, 0.0)}])
def test_rules_that_cannot_be_are_refused(wrong):
    with pytest.raises(MusigError, match="expected"):
        Evaluation(**wrong)


# What a cell depends on


def test_the_key_is_of_what_is_computed_and_of_nothing_else():
    base = store.key(cell("itemknn"), "data")
    assert store.key(cell("itemknn", row="another-name"), "data") == base
    assert store.key(replace(cell("itemknn"), experiment="10_sensitivity"), "data") == base
    others = [
        store.key(cell("itemknn", settings={"shrinkage": 3}), "data"),
        store.key(cell("itemknn", fold=1), "data"),
        store.key(cell("itemknn", seed=1), "data"),
        store.key(cell("itemknn", evaluation=Evaluation(folds=3, min_playlists=4)), "data"),
        store.key(cell("itemknn"), "other data"),
        store.key(cell("popularity"), "data"),
    ]
    inputs = [base["inputs"], *(other["inputs"] for other in others)]
    assert len(set(inputs)) == len(inputs)
    assert store.key(cell("popularity"), "data")["source"] != base["source"]


def test_the_committed_settings_are_part_of_the_key(monkeypatch):
    before = store.key(cell("itemknn"), "data")
    monkeypatch.setattr(methods, "tuned", lambda name: {"shrinkage": 12.5})
    assert store.key(cell("itemknn"), "data")["inputs"] != before["inputs"]
    assert settings_of_cell(cell("itemknn", settings={"neighbours": 5})) == {
        "shrinkage": 12.5,
        "neighbours": 5,
    }


def test_the_key_follows_code_and_not_comments(tmp_path, monkeypatch):
    source = tmp_path / "madeup_method.py"
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(methods.METHODS, "madeup", "madeup_method:Method")

    def key(text):
        source.write_text(text, "utf-8")
        store._source.cache_clear()
        sys.path_importer_cache.clear()
        return store.key(cell("madeup"), "data")["source"]

    try:
        before = key("SHARE = 0.5\n")
        assert key('"""A share."""\n\nSHARE = 0.5  # half\n') == before
        assert key("SHARE = 0.6\n") != before
    finally:
        store._source.cache_clear()


def test_no_method_depends_on_how_tables_are_made():
    for name in [*methods.METHODS, "blend", "content"]:
        for module in modules_of_cell(cell(name)):
            try:
                found = closure(module)
            except MusigError:  # a method that is not there yet
                continue
            assert not [each for each in found if each.startswith("musig.experiments")], module


# What is kept


def test_what_is_kept_is_what_was_computed(computed, smoke_catalog, tmp_path):
    path = tmp_path / "x" / "cell.json"
    key = store.key(computed.cell, smoke_catalog.fingerprint)
    store.save(computed, path, smoke_catalog, key)
    again, recorded = store.load(path, computed.cell)
    assert recorded == key
    pd.testing.assert_frame_equal(again.per_playlist, computed.per_playlist, rtol=1e-6)
    np.testing.assert_allclose(again.curves, computed.curves, atol=1e-6)
    assert again.run["data"] == smoke_catalog.name and again.run["threads"] >= 1
    content = json.loads(path.read_text("utf-8"))
    assert content["means"]["recall@10"] == pytest.approx(
        computed.per_playlist["recall@10"].mean(), abs=1e-6
    )


def test_a_cell_is_half_written_at_no_moment(computed, smoke_catalog, tmp_path, monkeypatch):
    """Killed between its two files, a cell is not there, and not the old one with new scores."""
    path = tmp_path / "07_methods" / "cell.json"
    key = store.key(computed.cell, smoke_catalog.fingerprint)
    store.save(computed, path, smoke_catalog, key)
    with aside(path) as passing:  # as one that is about to be renamed
        passing.write_bytes(path.read_bytes())
        passing.with_suffix(".parquet").write_bytes(path.with_suffix(".parquet").read_bytes())
        assert list(store.found(tmp_path).values()) == [path]

    def killed(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(store, "_finite", killed)  # the last thing before the manifest
    with pytest.raises(KeyboardInterrupt):
        store.save(computed, path, smoke_catalog, key)
    assert not path.exists() and store.found(tmp_path) == {}


def test_damage_is_told_with_the_command_that_mends_it(computed, smoke_catalog, tmp_path):
    asked = computed.cell
    path = tmp_path / f"{asked.name}.json"
    key = store.key(asked, smoke_catalog.fingerprint)
    store.save(computed, path, smoke_catalog, key)
    path.with_suffix(".parquet").unlink()
    assert store.found(tmp_path) == {}
    with pytest.raises(MusigError, match="make results ROW=07_methods/itemknn-fold1-seed0"):
        read([asked], tmp_path)
    path.write_text("{", "utf-8")
    assert store.found(tmp_path) == {}
    with pytest.raises(MusigError, match="cannot be read"):
        read([asked], tmp_path)


def test_reading_says_what_is_not_as_it_would_be_now(smoke_catalog, tmp_path, monkeypatch):
    popular, other = cell(), cell("itemknn")
    run([popular], smoke_catalog, folder=tmp_path)
    there, missing = read([popular, other], tmp_path)
    assert there.remark == "" and there.has_scores
    assert missing.remark == store.NOT_RUN and not missing.has_scores
    (changed,) = read([popular], tmp_path, fingerprint="other data")
    assert changed.remark == store.OTHERWISE
    monkeypatch.setattr(store, "_source", lambda modules: "0" * 64)
    (old,) = read([popular], tmp_path)
    assert old.remark == store.EARLIER and old.has_scores


# What is computed


def told(lines):
    return [line.partition(":")[0] for line in lines if line.startswith("07_")]


def test_what_is_there_is_not_computed_again(smoke_catalog, tmp_path):
    lines = []
    asked = [cell(fold=fold) for fold in range(2)]
    first = run(asked[:1], smoke_catalog, folder=tmp_path, say=lines.append)
    run(asked, smoke_catalog, folder=tmp_path, say=lines.append)
    assert told(lines) == [each.name for each in asked]
    run(asked, smoke_catalog, folder=tmp_path, say=lines.append, again=True)
    assert len(told(lines)) == 4
    (again,) = run(asked[:1], smoke_catalog, folder=tmp_path)
    pd.testing.assert_frame_equal(again.per_playlist, first[0].per_playlist)


def test_a_run_that_was_killed_goes_on(smoke_catalog, tmp_path, monkeypatch):
    asked = [cell(fold=fold) for fold in range(3)]
    done = []

    def killed(each, catalog, device):
        if len(done) == 1:
            raise KeyboardInterrupt
        done.append(each.name)
        return run_cell(each, catalog, device)

    monkeypatch.setattr(work, "run_cell", killed)
    with pytest.raises(KeyboardInterrupt):
        run(asked, smoke_catalog, folder=tmp_path)
    monkeypatch.setattr(work, "run_cell", run_cell)
    lines = []
    results = run(asked, smoke_catalog, folder=tmp_path, say=lines.append)
    assert told(lines) == [each.name for each in asked[1:]] and len(results) == 3
    assert lines[0].startswith("2 of 3 cells left")


def test_a_cell_that_fails_is_named_and_the_others_go_on(smoke_catalog, tmp_path):
    asked = [
        cell("itemknn", row="wrong", settings={"shrinkages": 1}),
        cell("itemknn", row="worse", settings={"neighbours": -1}),
        cell(),
    ]
    with pytest.raises(MusigError) as error:
        run(asked, smoke_catalog, folder=tmp_path)
    assert "2 cells failed" in str(error.value)
    assert "07_methods/wrong-fold0-seed0: Method 'itemknn' has no setting" in str(error.value)
    assert [each.has_scores for each in read(asked, tmp_path)] == [False, False, True]


def test_the_same_cell_under_another_name_is_computed_once(smoke_catalog, tmp_path):
    lines = []
    asked = [cell(row="one"), cell(row="two")]
    results = run(asked, smoke_catalog, folder=tmp_path, say=lines.append)
    assert told(lines) == ["07_methods/one-fold0-seed0"]
    pd.testing.assert_frame_equal(results[0].per_playlist, results[1].per_playlist)
    third = Cell("10_sensitivity", "default", "popularity", evaluation=RULES)
    run([third], smoke_catalog, folder=tmp_path, say=lines.append)
    assert lines[-1].startswith("0 of 1 cells left")
    content = json.loads((tmp_path / "10_sensitivity/default-fold0-seed0.json").read_text("utf-8"))
    assert content["same_as"].startswith("07_methods/") and content["cell"]["row"] == "default"
    assert [each.remark for each in read([*asked, third], tmp_path)] == ["", "", ""]


def test_without_a_folder_cells_are_in_the_cache(smoke_catalog, tmp_path, monkeypatch):
    monkeypatch.setattr(store, "RECORDED", tmp_path)
    asked = [cell(fold=2)]
    first = run(asked, smoke_catalog)
    monkeypatch.setattr(work, "run_cell", None)  # it would fail
    again = run(asked, smoke_catalog)
    pd.testing.assert_frame_equal(again[0].per_playlist, first[0].per_playlist)
    assert not list(tmp_path.iterdir())


def test_a_recorded_cell_is_taken_before_the_cache(smoke_catalog, tmp_path, monkeypatch):
    monkeypatch.setattr(store, "RECORDED", tmp_path)
    asked = [cell("random", seed=5)]
    run(asked, smoke_catalog, folder=tmp_path)
    monkeypatch.setattr(work, "run_cell", None)
    assert run(asked, smoke_catalog)[0].has_scores


def test_a_process_that_dies_is_reported(smoke_catalog, monkeypatch):
    import multiprocessing
    import os

    def dead(place):
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        process = context.Process(target=os._exit, args=(3,), daemon=True)
        process.start()
        process.join()
        theirs.close()
        return _Deaf(ours), process

    class _Deaf:
        """A pipe to nobody: what is sent is lost, and nothing comes."""

        def __init__(self, connection):
            self.connection = connection

        def send(self, task):
            pass

        def fileno(self):
            return self.connection.fileno()

        def recv(self):
            return self.connection.recv()

        def close(self):
            self.connection.close()

    monkeypatch.setattr(work, "_started", dead)
    monkeypatch.setattr(work, "Connection", _Deaf)
    tasks = [work._Task(cell(fold=fold), {}) for fold in range(2)]
    ended = list(work._in_processes(tasks, work._Place(smoke_catalog, None, "cpu"), 2))
    assert sorted(name for name, _, _ in ended) == sorted(task.cell.name for task in tasks)
    assert {error for _, error, _ in ended} == {"its process ended with code 3"}


@pytest.mark.slow
def test_two_processes_give_what_one_gives(smoke_catalog, tmp_path):
    asked = [cell(name, fold=fold) for fold in range(2) for name in ("popularity", "itemknn")]
    wrong = cell("itemknn", row="wrong", settings={"neighbours": -1})
    lines = []
    with pytest.raises(MusigError, match=r"(?s)1 cell failed.*wrong-fold0-seed0: Parameter neigh"):
        run([wrong, *asked], smoke_catalog, folder=tmp_path, jobs=2, say=lines.append)
    assert len(told(lines)) == 5
    for each, alone in zip(read(asked, tmp_path), asked, strict=True):
        expected = run_cell(alone, smoke_catalog).per_playlist
        pd.testing.assert_frame_equal(each.per_playlist, expected, rtol=1e-6)
        assert each.run["threads"] == 1


def test_time_is_estimated_from_what_was_recorded(smoke_catalog, tmp_path):
    asked = [cell(fold=fold) for fold in range(2)]
    assert store.seconds_of(asked, tmp_path)[asked[0].name] == store.SECONDS["popularity"]
    (done,) = run(asked[:1], smoke_catalog, folder=tmp_path)
    estimates = store.seconds_of([*asked, cell("ease"), cell(row="other")], tmp_path)
    spent = done.measures["cpu_seconds"]
    assert [round(each, 6) for each in estimates.values()] == [spent, spent, 90.0, spent]


def test_a_training_from_the_cache_says_itself_how_long_it_took():
    class Model:
        info = {"seconds": 60.0}  # noqa: RUF012
        history = (1, 2, 3)
        held_out = {"link_auc": 0.5}  # noqa: RUF012

    class Scorer:
        model = Model()

    told = cells_module._of_training(Scorer(), 0.1)
    assert told == {
        "epochs": 3,
        "held_out": {"link_auc": 0.5},
        "fit_seconds": 60.0,
        "fit_cpu_seconds": None,
    }
    assert "fit_seconds" not in cells_module._of_training(Scorer(), 61.0)
    assert cells_module._of_training(object(), 1.0) == {}

    class Both:
        parts = (Scorer(), object())

    blended = cells_module._of_training(Both(), 1.0)
    assert blended == {"fit_seconds": 60.0, "fit_cpu_seconds": None}


def test_jobs_are_counted(smoke_catalog):
    with pytest.raises(MusigError, match="jobs is 0"):
        run([cell()], smoke_catalog, jobs=0)


# What is planned


def test_every_cell_has_a_name_of_its_own_and_known_settings():
    cells = plans.planned()
    assert len({each.name for each in cells}) == len(cells) <= 400
    for name in ("musig", "track2vec", "graphsage"):
        known = {*methods.settings_of(name)}
        for each in cells:
            if each.method == name:
                assert set(each.settings) <= known, each.name


def test_the_tables_have_the_rows_that_are_asked_for():
    rows = {}
    for each in plans.planned():
        rows.setdefault(each.experiment, {}).setdefault(each.row, []).append(each)
    assert set(rows["07_methods"]) == {*methods.METHODS, "blend", "blend-cf"}
    assert {len(parts) for parts in rows["07_methods"].values()} == {5}
    groups = rows["08_attribute_groups"]
    for method in ("track2vec", "graphsage", "musig-multi", "musig-single"):
        for group in plans.GROUPS:
            assert len(groups[f"{method}+{group}"]) == 3
    assert len(rows["09_task_weights"]) == 13
    for point in plans.SIMPLEX:
        assert sum(point) == pytest.approx(1)
    assert {"default", "hops=3", "min_weight=10", "fanouts=5"} <= set(rows["10_sensitivity"])


def test_settings_of_a_chapter_go_to_the_methods_they_are_for():
    adjust = {"musig": {"epochs": 3}, "ease": {"regularisation": 5.0}}
    cells = plans.methods_table(["musig", "blend", "ease", "als"], RULES, [0], adjust=adjust)
    assert [dict(each.settings) for each in cells] == [
        {"epochs": 3},
        {"parts": {"ease": {"regularisation": 5.0}}},
        {"regularisation": 5.0},
        {},
    ]
    blend = settings_of_cell(cells[1])["parts"]
    assert list(blend) == ["musig-best", "ease"] and blend["ease"]["regularisation"] == 5.0
    (point, *_) = plans.task_weights([(1, 0, 0)], RULES, seeds=[0], adjust=adjust)
    assert point.settings == {
        "epochs": 3,
        "weight_cooccurrence": 1.0,
        "weight_similarity": 0.0,
        "weight_genre": 0.0,
    }


def test_an_ablation_has_at_most_twelve_rows():
    with pytest.raises(MusigError, match="13 rows"):
        plans.best_ablation({f"row{n}": {} for n in range(13)})


@pytest.mark.parametrize(
    ("asked", "names"),
    [
        (["07_methods/ease"], [f"07_methods/ease-fold{fold}-seed0" for fold in range(5)]),
        (["07_methods/musig-fold1"], ["07_methods/musig-fold1-seed0"]),
        (["10_sensitivity/hops=3-fold0-seed2"], ["10_sensitivity/hops=3-fold0-seed2"]),
        (
            ["08_attribute_groups/musig-*+GENRE-fold0-seed1"],
            [f"08_attribute_groups/musig-{kind}+GENRE-fold0-seed1" for kind in ("multi", "single")],
        ),
    ],
)
def test_rows_are_found_by_name(asked, names):
    assert [each.name for each in plans.chosen(asked)] == names


def test_a_name_takes_its_row_only():
    assert {each.row for each in plans.chosen(["07_methods/musig"])} == {"musig"}
    assert plans.chosen([]) == plans.planned()
    assert {each.experiment for each in plans.chosen(["09_task_weights"])} == {"09_task_weights"}


@pytest.mark.parametrize(
    ("asked", "nearest"),
    [
        ("07_method/ease", "07_methods/ease"),
        ("09_task_weight", "09_task_weights"),
        ("07_methods/ease-fold7-seed0", "07_methods/ease-fold"),
    ],
)
def test_an_unknown_row_is_refused_with_the_nearest(asked, nearest):
    with pytest.raises(MusigError, match=f"No row is called '{asked}': did you mean '{nearest}"):
        plans.chosen([asked])


# Probes


def test_a_cell_with_probes_is_another_cell_and_others_are_what_they_were():
    plain = cell("musig")
    probed = replace(plain, probes=True)
    one, other = store.key(plain, "data"), store.key(probed, "data")
    assert one["inputs"] != other["inputs"] and one["source"] != other["source"]
    assert "musig.probes" in modules_of_cell(probed)
    assert "musig.probes" not in modules_of_cell(plain)
    for name in methods.METHODS:  # or every recorded cell would have to be computed again
        for module in modules_of_cell(cell(name)):
            assert "musig.probes" not in closure(module), module
    with pytest.raises(MusigError, match="probes of 'ease'; expected a method"):
        cell("ease", probes=True)


def test_all_task_weights_are_probed():
    planned = plans.task_weights()
    assert planned and all(each.probes for each in planned)
    probed = {each.experiment for each in plans.planned() if each.probes}
    assert probed == {"09_task_weights", "13_relations"}


def test_a_cell_has_the_measures_of_tasks_it_was_not_trained_on(smoke_catalog, tmp_path):
    effort = {"musig": {"epochs": 1, "evaluate_every": 1, "embedding_size": 8, "batch_size": 64}}
    cells = plans.task_weights([(0, 1, 0), (1, 0, 0)], RULES, seeds=[0], adjust=effort)[:2]
    computed = run(cells, smoke_catalog, folder=tmp_path)
    for each, own in zip(computed, ("similarity_error", "link_auc"), strict=True):
        measures = each.measures["held_out"]
        assert own in measures and "genre_f1_macro" not in measures
        assert {"link_auc", "similarity_probe_error", "genre_probe_f1_macro"} <= set(measures)
        by_artist = each.measures["probed"]["by_artist"]
        assert set(by_artist) == set(each.measures["probed"]["tracks"])
        for name, values in by_artist.items():
            assert np.mean(values) == pytest.approx(measures[name], abs=1e-4)
    again = read(cells, tmp_path, smoke_catalog.fingerprint)
    assert [each.remark for each in again] == ["", ""]
    assert again[0].measures["probed"] == computed[0].measures["probed"]
