"""Studies: the same budget for all, kept trial by trial, and taken up where they were left."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from optuna.trial import create_trial

from musig import methods, tuning
from musig.catalog import universe
from musig.completion import evaluate, holdout
from musig.errors import MusigError
from musig.splits import fold_playlists
from musig.tuning import SPACES, read_study, study, write_tuned


@pytest.fixture(scope="module")
def data(smoke_catalog):
    split = fold_playlists(smoke_catalog, 0)
    return smoke_catalog, split, universe(smoke_catalog, split.train, 3)


@pytest.mark.parametrize("name", SPACES)
def test_defaults_lie_in_the_space(name):
    defaults = methods.settings_of(name)
    create_trial(
        params={key: defaults[key] for key in SPACES[name]},
        distributions=SPACES[name],
        value=0.0,
    )


def test_a_study_is_a_readable_file_whose_first_trial_has_the_defaults(data, tmp_path):
    told = []
    table = study("itemknn", *data, tmp_path, trials=3, say=told.append)
    kept = json.loads((tmp_path / "itemknn.json").read_text("utf-8"))
    assert list(table["number"]) == [0, 1, 2] and len(told) == 3
    defaults = methods.settings_of("itemknn")
    assert kept["trials"][0]["settings"] == {key: defaults[key] for key in SPACES["itemknn"]}
    assert kept["objective"] == "mean ndcg@100 on the validation playlists"
    assert kept["split"] == {"name": "fold 1 of 5", "seed": 0}
    assert kept["best"]["value"] == max(table["value"]) == max(t["value"] for t in kept["trials"])
    assert [path.name for path in tmp_path.iterdir()] == ["itemknn.json"]


def test_the_value_is_the_mean_on_validation_playlists(data, tmp_path):
    catalog, split, tracks = data
    (value,) = study("itemknn", *data, tmp_path, trials=1)["value"]
    known = catalog.restrict(tracks)
    held = holdout(catalog, tracks, split.valid, split.seed)
    method = methods.make("itemknn", {}).fit(known, split)
    assert value == evaluate(method, held, known, (100,)).values("ndcg@100").mean()


def test_test_playlists_are_not_looked_at(data, tmp_path, monkeypatch):
    _, split, _ = data
    asked = []

    def noted(catalog, tracks, playlists, seed):
        asked.append(playlists)
        return holdout(catalog, tracks, playlists, seed)

    monkeypatch.setattr(tuning, "holdout", noted)
    study("itemknn", *data, tmp_path, trials=1)
    assert len(asked) == 1 and np.array_equal(asked[0], split.valid)


def test_a_study_that_was_stopped_goes_on_as_if_it_had_not_been(data, tmp_path, monkeypatch):
    straight = study("itemknn", *data, tmp_path / "straight", trials=8)
    real = methods.make

    def stops(name, *rest, **named):
        if len(read_study(tmp_path / "m" / "itemknn.json")["trials"]) == 6:
            raise KeyboardInterrupt
        return real(name, *rest, **named)

    study("itemknn", *data, tmp_path / "m", trials=5)
    monkeypatch.setattr(methods, "make", stops)
    with pytest.raises(KeyboardInterrupt):
        study("itemknn", *data, tmp_path / "m", trials=8)
    monkeypatch.undo()
    resumed = study("itemknn", *data, tmp_path / "m", trials=8)
    pd.testing.assert_frame_equal(resumed.drop(columns="seconds"), straight.drop(columns="seconds"))
    assert len(resumed) == 8 and resumed["shrinkage"].nunique() > 5
    before = (tmp_path / "m" / "itemknn.json").read_text("utf-8")
    assert len(study("itemknn", *data, tmp_path / "m", trials=2)) == 8  # nothing is thrown away
    assert (tmp_path / "m" / "itemknn.json").read_text("utf-8") == before


def test_nothing_is_printed(data, tmp_path, capfd):
    study("itemknn", *data, tmp_path, trials=6)
    assert capfd.readouterr() == ("", "")


def test_a_trial_that_fails_is_a_result(data, tmp_path, monkeypatch):
    real = methods.make

    def fails(name, settings, **named):
        if settings["shrinkage"] == 0:
            raise MusigError("It diverged.")
        return real(name, settings, **named)

    monkeypatch.setattr(methods, "make", fails)
    with pytest.raises(MusigError, match=r"^None of 1 trial of 'itemknn' succeeded.*It diverged"):
        study("itemknn", *data, tmp_path, trials=1)
    table = study("itemknn", *data, tmp_path, trials=3)
    assert table["value"].isna().tolist() == [True, False, False]
    kept = read_study(tmp_path / "itemknn.json")
    assert kept["trials"][0]["error"] == "It diverged." and kept["best"]["number"] > 0


@pytest.mark.parametrize("budget", [0, -3])
def test_a_budget_of_nothing_is_refused(data, tmp_path, budget):
    with pytest.raises(MusigError, match=rf"budget is {budget} trials; expected at least 1"):
        study("itemknn", *data, tmp_path, trials=budget)
    assert not list(tmp_path.iterdir())


def test_what_cannot_be_tuned_is_refused(data, tmp_path):
    with pytest.raises(MusigError, match="did you mean 'itemknn'"):
        study("itemkn", *data, tmp_path)
    with pytest.raises(MusigError, match="'popularity' has nothing to tune"):
        study("popularity", *data, tmp_path)


def test_a_study_of_something_else_is_not_gone_on_with(data, tmp_path, smoke_catalog):
    study("itemknn", *data, tmp_path, trials=1)
    with pytest.raises(MusigError, match=r"itemknn.json was begun with sampler .*choose another"):
        study("itemknn", *data, tmp_path, trials=2, seed=1)
    split = fold_playlists(smoke_catalog, 1)
    tracks = universe(smoke_catalog, split.train, 3)
    with pytest.raises(MusigError, match=r"begun with split .*fold 1 of 5.*now asked for .*fold 2"):
        study("itemknn", smoke_catalog, split, tracks, tmp_path, trials=2)
    path = tmp_path / "itemknn.json"
    kept = read_study(path)
    kept["trials"][0]["settings"]["shrinkage"] = -7.0
    path.write_text(json.dumps(kept))
    with pytest.raises(MusigError, match="a trial that is not in the space of 'itemknn'"):
        study("itemknn", *data, tmp_path, trials=2)
    path.write_text('{"trials": [{}]}')
    with pytest.raises(MusigError, match=r"itemknn.json is not a study \(KeyError"):
        study("itemknn", *data, tmp_path, trials=2)


def test_the_best_settings_become_the_committed_ones(data, tmp_path):
    study("itemknn", *data, tmp_path, trials=3)
    chosen = write_tuned(tmp_path, tmp_path / "tuned.json")
    assert json.loads((tmp_path / "tuned.json").read_text("utf-8")) == chosen
    assert chosen["itemknn"] == read_study(tmp_path / "itemknn.json")["best"]["settings"]
    assert set(chosen) == set(methods.METHODS)
    others = {name: methods.tuned(name) for name in chosen if name != "itemknn"}
    assert {name: chosen[name] for name in others} == others
