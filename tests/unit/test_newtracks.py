"""New tracks: nothing leaks from them, each is told what it should be, ranks are what they say."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_array

from musig import methods
from musig.baselines.chance import Random
from musig.baselines.content import Content
from musig.baselines.popularity import Popularity
from musig.catalog import Catalog, Playlists
from musig.errors import MusigError
from musig.experiments import Cell, Evaluation, new_tracks, run, scenarios, store, tables
from musig.experiments.cells import modules_of_cell
from musig.newtracks import SCENARIOS, measured, newcomers, placed, revealed
from musig.pages.methods import quick
from musig.splits import artist_groups, split_playlists

RULES = Evaluation(folds=3, min_playlists=3)


@pytest.fixture(scope="module")
def split(smoke_catalog):
    return split_playlists(smoke_catalog, seed=0)


@pytest.fixture(scope="module")
def setting(smoke_catalog, split):
    return newcomers(smoke_catalog, split, min_playlists=3, seed=0)


class Spy:
    """Scores by position, and keeps what it was fitted on."""

    name = "spy"

    def fit(self, catalog, split):
        self.catalog, self.split = catalog, split
        return self

    def score(self, seeds, candidates=None):
        assert seeds.tracks.max(initial=0) < self.catalog.n_tracks
        return torch.arange(self.catalog.n_tracks, dtype=torch.float32).expand(len(seeds), -1)


# What is known and what is new


def test_no_artist_is_on_both_sides(setting):
    artists = artist_groups(setting.whole.tracks)
    assert not set(artists[setting.new]) & set(artists[~setting.new])
    assert 0 < setting.new.sum() < 0.25 * len(setting.new)
    assert setting.known.tracks.index.equals(setting.whole.tracks.index[~setting.new])


def test_a_method_is_fitted_on_nothing_of_a_new_track(smoke_catalog, split, setting):
    """Whatever is said of new tracks, and wherever they are: what is fitted on is the same."""
    spy = Spy()
    measured(lambda: spy, smoke_catalog, split, min_playlists=3, seed=0)
    assert spy.catalog.fingerprint == setting.known.fingerprint
    names = set(setting.whole.tracks.index[setting.new])
    assert not names & set(spy.catalog.tracks.index)
    rows = smoke_catalog.tracks.index.isin(names)
    changed = smoke_catalog.tracks.assign(
        energy=smoke_catalog.tracks["energy"].mask(rows, 0.123),
        main_genre=smoke_catalog.tracks["main_genre"].mask(rows, "polka"),
        popularity=smoke_catalog.tracks["popularity"].mask(rows, 99.0),
    )
    other = replace(smoke_catalog, tracks=changed)
    told = newcomers(other, split, min_playlists=3, seed=0)
    assert told.known.fingerprint == setting.known.fingerprint


def test_what_is_told_is_of_training_playlists_only(smoke_catalog, split, setting):
    """Other validation and test playlists tell nothing, and train's are counted right."""
    lists = [smoke_catalog.playlists[row] for row in range(len(smoke_catalog.playlists))]
    for row in (*split.valid, *split.test):
        lists[row] = lists[row][:1]
    ids, names = smoke_catalog.playlists.ids, smoke_catalog.playlists.names
    emptied = replace(smoke_catalog, playlists=Playlists.from_lists(lists, ids, names))
    swapped = replace(split, test=split.train[:40])  # so that there is something to evaluate
    told = newcomers(emptied, swapped, min_playlists=3, seed=0)
    assert (told.counts != setting.counts).nnz == 0
    new, known = np.flatnonzero(setting.new), np.flatnonzero(~setting.new)
    train = [set(setting.whole.playlists[row]) for row in split.train]
    dense = setting.counts.toarray()
    for a, b in [(0, 3), (1, 10), (len(new) - 1, 50)]:
        assert dense[a, b] == sum(new[a] in each and known[b] in each for each in train)
    assert setting.original[2] == sum(new[2] in each for each in train)


def test_seeds_are_known_and_targets_are_all_the_new_ones(setting):
    held, new = setting.held, setting.new
    for row in range(len(held)):
        entries = setting.whole.playlists[held.playlist[row]]
        assert not new[held.seeds[row]].any()
        assert set(held.targets[row]) == set(entries[new[entries]])
        n_known = (~new[entries]).sum()
        assert len(held.seeds[row]) == -(-n_known // 2)
        assert set(held.seeds[row]) <= set(entries)


def test_popularity_of_a_new_track_is_unknown(smoke_catalog, split, setting):
    for kind in ("train_count", "external"):
        x, groups = setting.attributes(("POPULARITY", "GENRE"), kind)
        start, stop = groups["POPULARITY"]
        assert (x[setting.new, start] == 0).all() and (x[setting.new, stop - 1] == 1).all()
        assert x[~setting.new, start].std() > 0.5


@given(st.integers(0, 40), st.integers(0, 99))
def test_less_is_part_of_more_and_never_more_than_there_is(n, seed):
    rng = np.random.default_rng(seed)
    counts = csr_array(rng.integers(0, 4, (5, 9)) * (rng.random((5, 9)) < 0.6))
    few, more = (revealed(counts, k, seed).toarray() for k in (n, n + 7))
    whole = counts.toarray()
    assert (few <= more).all() and (more <= whole).all()
    assert few.sum(1).tolist() == np.minimum(n, whole.sum(1)).tolist()
    assert (revealed(counts, 10_000, seed) != counts).nnz == 0


# How methods place them


def made(name, smoke_catalog, setting):
    settings = {**methods.tuned(name), **quick(2, 8).get(name, {})}
    return methods.make(name, settings, device="cpu").fit(setting.known, setting.split)


def test_vectors_of_a_fallback_are_means_of_known_ones(smoke_catalog, setting):
    scorer = made("track2vec", smoke_catalog, setting)
    how, scorers = placed(scorer, setting)
    known = scorer.scorer.unit
    by_name = dict(scorers)
    assert how == "vectors" and list(by_name) == list(SCENARIOS[1:])
    for name in ("0", "3"):
        rows = setting.content if name == "0" else revealed(setting.counts, 3, 0)
        mean = torch.from_numpy(rows.toarray()[4].astype(np.float32)) @ known
        found = by_name[name].unit[np.flatnonzero(setting.new)[4]]
        expected = torch.nn.functional.normalize(mean, dim=0)
        torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)
        torch.testing.assert_close(by_name[name].unit[~setting.new], known, atol=1e-5, rtol=0)


def test_scores_of_a_fallback_are_means_of_known_ones(setting):
    how, scorers = placed(Spy().fit(setting.known, setting.split), setting)
    by_name = dict(scorers)
    scores = by_name["0"].score(setting.held.seeds.subset(np.arange(3)))
    assert how == "scores" and scores.shape == (3, setting.whole.n_tracks)
    assert scores[0, ~setting.new].tolist() == list(range(setting.known.n_tracks))
    means = [setting.content[[row]].indices.mean() for row in range(setting.new.sum())]
    np.testing.assert_allclose(scores[1, setting.new], means, rtol=1e-5)
    some = np.array([5, 0])
    assert torch.equal(
        by_name["0"].score(setting.held.seeds.subset(np.arange(3)), some), scores[:, some]
    )


@pytest.mark.parametrize("name", ["musig", "graphsage"])
def test_an_encoder_places_them_with_its_weights_as_they_are(name, smoke_catalog, setting):
    scorer = made(name, smoke_catalog, setting)
    before = [weight.clone() for weight in scorer.model.encoder.parameters()]
    how, scorers = placed(scorer, setting)
    by_name = dict(scorers)
    assert how == "encoder" and list(by_name) == list(SCENARIOS)
    after = scorer.model.encoder.parameters()
    assert all(torch.equal(a, b) for a, b in zip(before, after, strict=True))
    for each in by_name.values():
        torch.testing.assert_close(each.unit[~setting.new], scorer.model.embeddings)
    vectors = [by_name[scenario].unit[setting.new] for scenario in SCENARIOS]
    assert all(not torch.equal(vectors[0], other) for other in vectors[1:])


def test_an_encoder_that_knows_nothing_of_tracks_has_a_fallback(smoke_catalog, setting):
    settings = {**quick(2, 8)["musig"], "attributes": "random"}
    scorer = methods.make("musig", settings, device="cpu").fit(setting.known, setting.split)
    assert placed(scorer, setting)[0] == "vectors"


@pytest.mark.parametrize(
    ("method", "how"), [(Content(["GENRE", "AUDIO"]), "attributes"), (Popularity(), "scores")]
)
def test_others_place_them_their_way(method, how, setting):
    found, scorers = placed(method.fit(setting.known, setting.split), setting)
    assert found == how
    for _, scorer in scorers:
        scores = scorer.score(setting.held.seeds.subset(np.arange(2)))
        assert scores.shape == (2, setting.whole.n_tracks) and torch.isfinite(scores).all()


def test_attributes_alone_place_a_track_where_its_like_are(setting):
    _, scorers = placed(Content(["GENRE"]).fit(setting.known, setting.split), setting)
    unit = next(scorers)[1].unit
    genre = setting.whole.tracks["main_genre"].to_numpy()
    new = np.flatnonzero(setting.new)[0]
    same = np.flatnonzero(genre == genre[new])
    torch.testing.assert_close(unit[same] @ unit[new], torch.ones(len(same)))


# What is measured


@pytest.fixture(scope="module")
def content(smoke_catalog, split):
    return measured(
        lambda: Content(["GENRE", "AUDIO"]), smoke_catalog, split, min_playlists=3, seed=0
    )


def test_targets_that_are_found_are_counted_right(content, setting):
    table, measures = content
    _, scorers = placed(Content(["GENRE", "AUDIO"]).fit(setting.known, setting.split), setting)
    scores = dict(scorers)["all"].score(setting.held.seeds).numpy()
    new = np.flatnonzero(setting.new)
    for row in (0, 7, len(setting.held) - 1):
        targets = setting.held.targets[row]
        top = new[np.argsort(-scores[row, new], kind="stable")[:10]]
        assert table.iloc[row]["found@10|new,all"] == np.isin(targets, top).sum()
        among = scores[row].copy()
        among[setting.held.seeds[row]] = -np.inf
        top = np.argsort(-among, kind="stable")[:10]
        assert table.iloc[row]["found@10|whole,all"] == np.isin(targets, top).sum()
    assert (table["recall@10"] * table["targets"]).round().equals(table["found@10|new,all"])
    deciles = table[[f"found|all|{d}" for d in range(1, 11)]].sum(axis=1)
    assert deciles.equals(table["found@10|new,all"])
    assert table[[f"among|{d}" for d in range(1, 11)]].sum(axis=1).equals(table["targets"])
    assert measures["n_known"] + measures["n_new"] == measures["n_tracks"]
    assert measures["n"] + measures["skipped"] == len(setting.split.test)


def test_validation_playlists_can_be_asked_instead(smoke_catalog, split):
    table, _ = measured(Popularity, smoke_catalog, split, min_playlists=3, seed=0, part="valid")
    assert set(table.index) <= set(split.valid)


def test_what_cannot_be_measured_is_refused(smoke_catalog, split):
    asked = {"min_playlists": 3, "seed": 0}
    with pytest.raises(MusigError, match="fraction is 1"):
        newcomers(smoke_catalog, split, **asked, fraction=1.0)
    with pytest.raises(MusigError, match="part is 'tests': did you mean 'test'"):
        newcomers(smoke_catalog, split, **asked, part="tests")
    with pytest.raises(MusigError, match=r"No track of .* lower min_playlists"):
        newcomers(smoke_catalog, split, min_playlists=999, seed=0)
    with pytest.raises(MusigError, match="holds a new track beside a known one"):
        newcomers(smoke_catalog, replace(split, test=split.test[:0]), **asked)
    bare = replace(smoke_catalog, tracks=smoke_catalog.tracks[["name", "artist"]], sound=None)
    table, measures = measured(Popularity, bare, split, **asked)
    assert table is None and "no known track has any of GENRE" in measures["absent"]
    with pytest.raises(MusigError, match="cannot be placed by content"):
        _ = newcomers(bare, split, **asked).content
    lone = Catalog(
        pd.DataFrame({"artist": ["A", "A"], "main_genre": ["x", "y"]}, index=["a", "b"]),
        Playlists.from_lists([[0, 1]] * 9),
        "lone",
    )
    with pytest.raises(MusigError, match="it has 1 artist"):
        newcomers(lone, split_playlists(9, 0), min_playlists=1, seed=0)


# As cells and tables


@pytest.fixture(scope="module")
def results(smoke_catalog, tmp_path_factory):
    names = ["musig", "content", "track2vec", "random"]
    cells = new_tracks(names, RULES, seeds=[0, 1], adjust=quick(2, 8))
    return run(cells, smoke_catalog, folder=tmp_path_factory.mktemp("cells"))


def test_cells_of_the_protocol_are_named_trained_and_kept(results):
    assert len(results) == 7  # content is not random
    for result in results:
        assert result.cell.protocol == "new_tracks"
        assert "musig.newtracks" in modules_of_cell(result.cell)
        assert result.measures["cpu_seconds"] > 0
    assert results[0].measures["epochs"] == 2 and results[0].measures["how"] == "encoder"


def test_a_protocol_is_part_of_the_key_and_completion_is_as_it_was():
    plain = Cell("07_methods", "ease", "ease", evaluation=RULES)
    other = replace(plain, protocol="new_tracks")
    assert store.key(plain, "x")["inputs"] != store.key(other, "x")["inputs"]
    assert modules_of_cell(plain) == ("musig.completion", "musig.baselines.ease")
    with pytest.raises(MusigError, match="Unknown protocol 'new_track': did you mean 'new_tracks'"):
        replace(plain, protocol="new_track")


def test_counts_come_back_from_the_disk_as_whole_numbers(results):
    for result in results:  # `run` has read them
        table = result.per_playlist
        counted = [name for name in table if str(name).startswith(("found", "among"))]
        assert len(counted) > 30
        assert (table[counted] == table[counted].round()).all().all()


def test_a_scenario_is_shown_as_if_it_were_all_there_is(results):
    musig = results[0]
    (shown,) = scenarios.at([musig], "3")
    scores = musig.per_playlist
    found = scores["found@10|new,3"]
    np.testing.assert_allclose(
        shown.per_playlist["recall@10"], found / scores["targets"], rtol=1e-6
    )
    assert ((found > 0) == (shown.per_playlist["hit_rate@10"] > 0)).all()
    (headline,) = scenarios.at([musig], "all")
    np.testing.assert_allclose(headline.per_playlist["recall@10"], scores["recall@10"], rtol=1e-5)
    with pytest.raises(MusigError, match="scenario is '4'"):
        scenarios.at([musig], "4")
    with pytest.raises(MusigError, match="among is 'old'"):
        scenarios.at([musig], "3", "old")


def test_tables_have_every_row_where_it_has_the_scenario(results):
    table = scenarios.table(results, ["none", "0", "all"])
    assert set(table["metric"]) == {"none", "0", "all"}
    rows = {scenario: set(part["method"]) for scenario, part in table.groupby("metric")}
    assert rows["none"] == {"musig", "content", "random"}  # a mean of nothing is no vector
    assert rows["0"] == {"musig", "content", "track2vec", "random"}
    assert table[table["metric"] == "all"].set_index("method").loc["musig", "seeds"] == 2
    tests = scenarios.tests(results, ["0", "all"], reference="musig")
    assert len(tests) == 6 and set(tests["scenario"]) == {"0", "all"}
    series = scenarios.series(results, "hit_rate@10", "whole")
    assert (series["low"] <= series["mean"] + 1e-9).all()
    flat = series[series["method"] == "content"]["mean"]
    assert flat.nunique() == 1  # told more, attributes alone know no better
    popular = tables.by_popularity(scenarios.at(results, "0"))
    assert set(popular["method"]) == {"musig", "content", "track2vec", "random"}


def test_what_a_list_of_all_tracks_holds_is_counted(smoke_catalog):
    split = split_playlists(smoke_catalog, seed=0)
    table, _ = measured(lambda: Random(0), smoke_catalog, split, min_playlists=3, seed=0)
    setting = newcomers(smoke_catalog, split, min_playlists=3, seed=0)
    scores = Random(0).fit(setting.whole, split).score(setting.held.seeds).numpy()
    for row, line in enumerate(scores):
        seeds, others = setting.held.seeds[row], setting.others[row]
        line[seeds] = -np.inf
        first = np.argsort(-line)[:10]
        assert table["new|none"].iloc[row] == setting.new[first].sum()
        assert table["known|all"].iloc[row] == np.isin(first, others).sum()
        whole = setting.whole.playlists[setting.held.playlist[row]]
        assert set(seeds) | set(others) | set(setting.held.targets[row]) == set(whole)
        assert not set(seeds) & set(others) and not setting.new[others].any()


def test_shares_of_the_first_ten_are_means_over_playlists(results):
    shares = scenarios.first_ten(results, ["0", "all"])
    assert set(shares["of"]) == {"new", "known"} and shares["mean"].between(0, 1).all()
    assert (shares["low"] <= shares["mean"]).all() and (shares["mean"] <= shares["high"]).all()
    measures = results[0].measures
    assert set(shares["chance"].dropna()) == {measures["n_new"] / measures["n_tracks"]}
    random = shares[(shares["method"] == "random") & (shares["of"] == "new")]
    assert abs(random["mean"].iloc[0] - random["chance"].iloc[0]) < 0.05
    with pytest.raises(MusigError, match="Unknown scenario '4'"):
        scenarios.first_ten(results, ["4"])
    assert scenarios.first_ten([], ["all"]).empty


def test_nothing_recorded_is_an_empty_table(tmp_path):
    from musig.experiments import read

    nothing = read(new_tracks(), tmp_path)
    assert scenarios.series(nothing).empty
    assert scenarios.tests(nothing, ["0"]).empty
    assert scenarios.abilities(nothing)["itself"].isna().all()
    table = scenarios.table(nothing, ["0", "all"])
    assert table["mean"].isna().all() and (table["remark"] == "not run yet").all()


def test_who_can_and_who_cannot(results):
    told = scenarios.abilities(results).set_index("method")["itself"].to_dict()
    assert told == {"musig": "yes", "content": "yes", "track2vec": "cannot", "random": "yes"}


def test_the_plan_has_three_trainings_where_there_is_chance():
    counts = pd.Series([cell.row for cell in new_tracks()]).value_counts()
    assert {"musig", "musig-drop", "graphsage", "content", "random"} <= set(counts.index)
    assert counts["ease"] == counts["content"] == 1 and counts["musig"] == counts["random"] == 3
    with pytest.raises(MusigError, match="Unknown row 'musig-dorp': did you mean 'musig-drop'"):
        new_tracks(["musig-dorp"])
