"""Other uses: nothing leaks, what is there is found, and what cannot be asked is a sentence."""

from dataclasses import replace
from functools import partial

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.stats import spearmanr
from sklearn.metrics import f1_score, roc_auc_score

from musig import acoustic, by_artist, downstream, methods
from musig.catalog import FEATURES, Catalog, Playlists, universe
from musig.downstream import MEASURES, UNHIDDEN, UNSEEN, ask, blanked, measured, view_of
from musig.encoders import Musig
from musig.errors import MusigError
from musig.experiments import Cell, Evaluation, generalization, run_cell
from musig.experiments.plans import USES
from musig.experiments.store import key, load, save
from musig.features import genre_labels
from musig.probes import Probed
from musig.splits import artist_groups, fold_playlists, split_artists

QUICK = {"epochs": 2, "evaluate_every": 1, "embedding_size": 8, "batch_size": 64, "device": "cpu"}


@pytest.fixture(scope="module")
def split(smoke_catalog):
    return fold_playlists(smoke_catalog, 0)


@pytest.fixture(scope="module")
def catalog(smoke_catalog):
    """All that can be asked about: sound of every track, and two versions of some."""
    rng = np.random.default_rng(0)
    tracks = smoke_catalog.tracks.assign(
        **{name: rng.uniform(0, 1, smoke_catalog.n_tracks) for name in FEATURES}
    )
    names, artists = tracks["name"].to_numpy(dtype=object), artist_groups(tracks)
    for artist in range(8):
        first, *others = np.flatnonzero(artists == artist)
        for other in others[:1]:
            names[other] = f"  {names[first]}".upper()
    return replace(smoke_catalog, tracks=tracks.assign(name=names))


@pytest.fixture(scope="module")
def unseen(catalog):
    return split_artists(catalog, 0, UNSEEN)


def fixed(z):
    return lambda *hidden: z


def one_hot(values):
    return torch.nn.functional.one_hot(torch.as_tensor(values)).float()


def test_of_unseen_artists_nothing_is_told_but_names_and_playlists(catalog, unseen):
    before = catalog.fingerprint
    left = blanked(catalog, unseen)
    assert Catalog(catalog.tracks, catalog.playlists, "again").fingerprint == before
    for name in left.tracks:
        gone, kept = left.tracks[name][unseen], left.tracks[name][~unseen]
        if name == "genres":
            assert all(tags == [] for tags in gone)
        elif name != "name":
            assert gone.isna().all(), name
        pd.testing.assert_series_equal(kept, catalog.tracks[name][~unseen], check_dtype=False)
    assert left.playlists is catalog.playlists
    assert len(left.fingerprint) == 64
    alone = artist_groups(left.tracks)
    assert (np.bincount(alone)[alone][unseen] == 1).all()
    labels = genre_labels(left.tracks, column="all")[1]
    assert not labels[unseen].any()


class Spy:
    """Vectors at random, and what it was shown."""

    name = "spy"

    def fit(self, catalog, split):
        self.seen, self.split = catalog, split
        self.vectors = torch.randn(catalog.n_tracks, 4)
        return self

    def score(self, seeds, candidates=None):
        return torch.zeros(len(seeds), self.seen.n_tracks)


def test_a_method_is_fitted_on_the_blanked_universe_and_evaluated_on_test_playlists(catalog, split):
    spies = []

    def make():
        spies.append(Spy())
        return spies[-1]

    table, measures = measured(make, catalog, split, min_playlists=3, seed=0)
    (spy,) = spies
    tracks = universe(catalog, split.train, 3)
    known = catalog.restrict(tracks)
    unseen = split_artists(catalog, 0, UNSEEN)[tracks]
    assert spy.seen.fingerprint == blanked(known, unseen).fingerprint
    assert spy.split is split
    assert set(table.index) <= set(split.test)
    assert measures["unseen"] == unseen.sum() and measures["n"] == len(table)
    assert set(MEASURES) <= set(measures["held_out"]) and measures["lacking"] == {}
    assert {"recall@10", "seeds", "targets"} <= set(table)


def test_unseen_labels_change_neither_the_training_nor_what_a_probe_is_given(
    catalog, split, unseen
):
    """Every label of unseen artists may be wrong: the embedding that is asked is the same."""
    rng = np.random.default_rng(1)
    tracks = catalog.tracks.copy()
    order = np.flatnonzero(unseen)[rng.permutation(unseen.sum())]
    columns = [name for name in tracks if name not in ("name", "artist", "artist_id", "album")]
    for name in columns:
        values = tracks[name].to_numpy(dtype=object).copy()
        values[np.flatnonzero(unseen)] = values[order]
        tracks[name] = pd.Series(list(values), index=tracks.index, dtype=tracks[name].dtype)
    other = replace(catalog, tracks=tracks)
    assert blanked(other, unseen).fingerprint == blanked(catalog, unseen).fingerprint
    model = Musig(**QUICK).fit(blanked(catalog, unseen), split)
    hidden = torch.from_numpy(np.flatnonzero(unseen))
    one, two = (view_of(model, each, split) for each in (catalog, other))
    for of, groups in (
        ("genre", ("GENRE",)),
        ("audio", ("AUDIO",)),
        ("popularity", ("POPULARITY",)),
    ):
        assert set(groups) <= set(downstream.HIDDEN[of])
        tracks_of = {"genre": ["main_genre", "genres"], "audio": list(FEATURES)}.get(
            of, ["popularity"]
        )
        changed = catalog.tracks.assign(**{name: tracks[name] for name in tracks_of})
        view = view_of(model, replace(catalog, tracks=changed), split)
        assert torch.equal(view(hidden, groups), one(hidden, groups)), of
    assert not torch.equal(one(), two())  # what is not asked for is given back


def test_parts_are_hidden_with_the_unseen_artists(catalog, split, unseen):
    asked = []

    def view(hidden=None, groups=()):
        asked.append((None if hidden is None else set(hidden.tolist()), groups))
        return torch.zeros(catalog.n_tracks, 2) + torch.arange(catalog.n_tracks)[:, None]

    ask(view, catalog, split, unseen)
    missing, artist = set(np.flatnonzero(unseen).tolist()), artist_groups(catalog.tracks)
    for groups in downstream.HIDDEN.values():
        hidden = [rows for rows, kinds in asked if kinds == groups]
        assert len(hidden) == downstream.PARTS and all(missing <= rows for rows in hidden)
        parts = [rows - missing for rows in hidden]
        assert set().union(*parts) | missing == set(range(catalog.n_tracks))
        assert sum(map(len, parts)) == catalog.n_tracks - len(missing)
        artists = [set(artist[list(part)]) for part in parts]
        assert len(set().union(*artists)) == sum(map(len, artists))  # whole artists


def test_what_is_in_the_embedding_is_found(catalog, split, unseen):
    labels = torch.from_numpy(genre_labels(catalog.tracks)[0])
    sound = torch.from_numpy(catalog.tracks[list(FEATURES)].to_numpy(dtype=np.float32))
    fame = torch.from_numpy(catalog.tracks["popularity"].to_numpy(dtype=np.float32))
    fame = fame.nan_to_num(50)[:, None] / 100
    z = torch.cat([labels, sound, fame], 1)
    found = ask(fixed(z), catalog, split, unseen)[0].measures
    assert found["genre_f1"] > 0.95
    assert found["audio_r2"] > 0.99 and all(found[f"audio_r2_{name}"] > 0.99 for name in FEATURES)
    assert found["popularity_spearman"] > 0.99
    whose = ask(fixed(one_hot(artist_groups(catalog.tracks))), catalog, split, unseen)[0].measures
    assert whose["artist_r_precision"] == 1


def test_another_version_is_found_whatever_the_case_of_its_name(catalog, split, unseen):
    names = catalog.tracks["name"].str.casefold().str.strip()
    whose = pd.Series(artist_groups(catalog.tracks), index=names.index).astype(str)
    z = one_hot(pd.factorize(whose + names)[0])
    found, lacking = ask(fixed(z), catalog, split, unseen, only=("version_mrr",))
    assert found.measures["version_mrr"] == 1 and lacking == {}
    assert 8 <= found.tracks["version_mrr"] <= 16
    far = ask(fixed(torch.randn(catalog.n_tracks, 16)), catalog, split, unseen)[0].measures
    assert far["version_mrr"] < 0.3


def test_playlists_of_one_theme_are_found_by_what_they_are_about(split, unseen, catalog):
    """Two themes, tracks of their own: vectors that say which leave nothing to guess."""
    rng = np.random.default_rng(0)
    half = np.arange(catalog.n_tracks) % 2
    lists = [rng.choice(np.flatnonzero(half == k % 2), 5, replace=False) for k in range(600)]
    names = [("Chill!", " CHILL ")[k % 4 // 2] if k % 2 else "party" for k in range(600)]
    known = replace(catalog, playlists=Playlists.from_lists(lists, names=names))
    found = ask(fixed(one_hot(half)), known, split, unseen, only=("theme_auc",))[0]
    assert found.measures["theme_auc"] == 1
    assert 0.5 < found.measures["theme_auc_trivial"] < 0.7  # few tracks are shared
    assert found.tracks["theme_auc"] == len(split.test) == len(found.by_artist["theme_auc"])


def test_noise_is_at_chance(catalog, split, unseen):
    z = torch.randn(catalog.n_tracks, 4, generator=torch.Generator().manual_seed(0))
    found = ask(fixed(z), catalog, split, unseen)[0].measures
    assert found["genre_f1"] < 0.25
    assert abs(found["popularity_spearman"]) < 0.35 and abs(found["audio_r2"]) < 0.1
    assert found["artist_r_precision"] < 0.1
    wide = torch.randn(catalog.n_tracks, 512, generator=torch.Generator().manual_seed(0))
    found = ask(fixed(wide), catalog, split, unseen, only=("theme_auc",))[0].measures
    assert found["theme_auc"] == pytest.approx(found["theme_auc_trivial"], abs=0.05)


def test_the_same_seed_gives_the_same_numbers(catalog, split, unseen):
    z = torch.randn(catalog.n_tracks, 8)
    one, two = (ask(fixed(z), catalog, split, unseen, seed=1)[0] for _ in range(2))
    assert one == two


def test_every_measure_is_the_mean_of_its_numbers_by_artist(catalog, split, unseen):
    z = torch.randn(catalog.n_tracks, 6) + one_hot(artist_groups(catalog.tracks))[:, :6]
    found = ask(fixed(z), catalog, split, unseen)[0]
    assert set(MEASURES) <= set(found.by_artist)
    for name, values in found.by_artist.items():
        assert np.mean(values) == pytest.approx(found.measures[name], abs=1e-5), name
        assert found.tracks[name] >= len(values) or name == "theme_auc", name
    artists = len(np.unique(artist_groups(catalog.tracks)[unseen]))
    assert all(
        len(values) <= artists for name, values in found.by_artist.items()
        if name not in ("theme_auc", "version_mrr")
    )  # fmt: skip


def test_the_numbers_are_those_of_scikit_learn_and_scipy(catalog, split, unseen, monkeypatch):
    asked = {}

    def answers(z, y, fit, rows):
        asked["rows"], asked["truth"] = rows, y[rows]
        asked["given"] = z[rows, 0] + np.arange(len(rows))
        return asked["given"]

    monkeypatch.setattr(downstream, "_ridge", answers)
    z = torch.randn(catalog.n_tracks, 3)
    found = ask(fixed(z), catalog, split, unseen, only=("popularity_spearman",))[0].measures
    expected = spearmanr(asked["given"], asked["truth"]).statistic
    assert found["popularity_spearman"] == pytest.approx(expected, abs=1e-6)
    counts = catalog.playlists.subset(split.train).counts(catalog.n_tracks)[asked["rows"]]
    expected = spearmanr(counts, asked["truth"]).statistic  # with ties
    assert found["popularity_spearman_trivial"] == pytest.approx(expected, abs=1e-6)
    genre = catalog.tracks["main_genre"].to_numpy(dtype=object)
    known = pd.notna(genre) & unseen
    fit = pd.Series(genre[pd.notna(genre) & ~unseen])
    found = ask(fixed(z), catalog, split, unseen, only=("genre_f1",))[0].measures
    frequent = np.full(known.sum(), fit.value_counts().sort_index().idxmax())
    truth = genre[known].astype(str)
    expected = f1_score(truth, frequent, average="macro", labels=np.unique(truth), zero_division=0)
    assert found["genre_f1_trivial"] == pytest.approx(expected, abs=1e-5)


def test_an_auc_is_that_of_scikit_learn_with_ties():
    rng = np.random.default_rng(0)
    for _ in range(20):
        scores, truth = rng.integers(5, size=30).astype(float), rng.random(30) < 0.3
        if 0 < truth.sum() < 30:
            assert downstream._auc(scores, truth) == pytest.approx(roc_auc_score(truth, scores))


def test_the_spread_of_spearman_is_that_of_a_jackknife():
    rng = np.random.default_rng(0)
    a = rng.normal(size=400)
    b = 0.6 * a + rng.normal(size=400) ** 3
    rho, effect = by_artist.spearman(a, b)
    assert rho == pytest.approx(spearmanr(a, b).statistic)
    left = np.array(
        [spearmanr(np.delete(a, row), np.delete(b, row)).statistic for row in range(400)]
    )
    jackknife = (left.mean() - left) * 399 / 400
    assert np.corrcoef(jackknife, effect)[0, 1] > 0.99
    assert effect.std() == pytest.approx(jackknife.std(), rel=0.05)
    assert by_artist.spearman(np.ones(5), np.arange(5.0))[0] == 0


def test_the_spread_of_a_share_explained_is_that_of_a_jackknife(catalog, split, unseen):
    z = torch.randn(catalog.n_tracks, 3)
    z[:, 0] += torch.from_numpy(catalog.tracks["energy"].to_numpy(dtype=np.float32)) * 4
    found = ask(fixed(z), catalog, split, unseen, only=("audio_r2",))[0]
    effect = np.array(found.by_artist["audio_r2_energy"]) - found.measures["audio_r2_energy"]
    assert effect.sum() == pytest.approx(0, abs=1e-4)
    assert found.measures["audio_r2_energy"] > found.measures["audio_r2_tempo"]
    mean = np.mean([found.measures[f"audio_r2_{name}"] for name in FEATURES])
    assert found.measures["audio_r2"] == pytest.approx(mean)


def test_what_the_data_lack_is_a_sentence_each(catalog, split, unseen):
    bare = Catalog(
        pd.DataFrame(index=catalog.tracks.index),
        replace(catalog.playlists, names=np.full(len(catalog.playlists), None, dtype=object)),
        "bare",
    )
    found, lacking = ask(fixed(torch.randn(catalog.n_tracks, 2)), bare, split, unseen)
    assert found == Probed({}, {}, {})
    assert set(lacking) == set(MEASURES)
    assert all(len(why.split()) > 4 for why in lacking.values())
    one = replace(catalog, tracks=catalog.tracks.drop(columns=["loudness"]))
    found, lacking = ask(fixed(torch.randn(catalog.n_tracks, 2)), one, split, unseen)
    assert "audio_r2" in found.measures and "audio_r2_loudness" not in found.measures


def test_wrong_names_and_data_are_refused(catalog, split, unseen):
    with pytest.raises(MusigError, match="did you mean 'genre_f1'"):
        ask(fixed(torch.ones(catalog.n_tracks, 1)), catalog, split, unseen, only=("genre_f2",))
    single = replace(catalog, tracks=catalog.tracks.assign(artist="one", artist_id="1"))
    with pytest.raises(MusigError, match="has 1 artist"):
        measured(Spy, single, split, min_playlists=3, seed=0)


@pytest.mark.parametrize("name", methods.METHODS)
def test_every_method_has_an_embedding_or_says_that_it_has_none(catalog, split, name):
    known = catalog.restrict(universe(catalog, split.train, 3))
    settings = {
        "track2vec": {"epochs": 1},
        "node2vec": {"walks": 1, "length": 5},
        "musig": {k: v for k, v in QUICK.items() if k != "device"},
        "graphsage": {k: v for k, v in QUICK.items() if k != "device"},
        "musig-best": {"steps": 2},
    }.get(name, {})
    view = view_of(methods.make(name, settings, device="cpu").fit(known, split), known, split)
    if name in ("popularity", "userknn"):
        assert view is None
    else:
        z = view()
        assert z.shape[0] == known.n_tracks and bool(torch.isfinite(z).all())
        assert torch.equal(z, view(torch.tensor([0]), ("POPULARITY",))) == (
            name not in ("musig", "graphsage")
        )


def test_of_vectors_in_which_nothing_can_be_hidden_only_the_rest_is_asked(catalog, split):
    make = partial(methods.make, "musig-best", {"steps": 2}, device="cpu")
    _, measures = measured(make, catalog, split, min_playlists=3, seed=0)
    asked = {name for name in MEASURES if name in measures["held_out"]}
    assert asked <= set(UNHIDDEN) and {"artist_r_precision", "theme_auc"} <= asked
    for name in ("genre_f1", "popularity_spearman", "audio_r2"):
        assert "none can be hidden afterwards" in measures["lacking"][name]


def test_unseen_artists_are_among_those_that_no_acoustic_network_hears(catalog):
    unheard = split_artists(catalog, 0, acoustic.UNSEEN)
    assert unheard[split_artists(catalog, 0, UNSEEN)].all()


def test_a_method_without_vectors_completes_playlists_and_is_not_asked(catalog, split):
    table, measures = measured(
        lambda: methods.make("userknn"), catalog, split, min_playlists=3, seed=0
    )
    assert len(table) and "held_out" not in measures
    assert "userknn" in measures["lacking"]["all"]


def test_a_cell_is_kept_and_read_back(catalog, tmp_path):
    rules = Evaluation(min_playlists=3)
    cell = Cell("14_generalization", "als", "als", evaluation=rules, protocol="downstream")
    result = run_cell(cell, catalog)
    path = tmp_path / f"{cell.name}.json"
    save(result, path, catalog, key(cell, catalog.fingerprint))
    back, _ = load(path, cell)
    pd.testing.assert_frame_equal(back.per_playlist, result.per_playlist, atol=1e-6)
    assert back.measures["probed"]["tracks"] == result.measures["probed"]["tracks"]
    for name, values in result.measures["probed"]["by_artist"].items():
        assert back.measures["probed"]["by_artist"][name] == pytest.approx(values, abs=1e-4)
    for name, value in result.measures["held_out"].items():
        assert back.measures["held_out"][name] == pytest.approx(value), name


def test_the_plan_has_every_row_once_and_three_trainings_where_there_is_chance():
    cells = generalization()
    assert len({cell.name for cell in cells}) == len(cells)
    assert {cell.row for cell in cells} == set(USES)
    assert all(cell.protocol == "downstream" for cell in cells)
    seeds = {row: sum(cell.row == row for cell in cells) for row in USES}
    once = {row for row, (method, _) in USES.items() if seeds[row] == 1}
    assert once == {"attributes", "attributes+neighbours", "itemknn", "ease", "musig-best"}
    adjusted = generalization(["musig+next"], seeds=[1], adjust={"musig": {"epochs": 3}})
    assert [dict(cell.settings) for cell in adjusted] == [{"epochs": 3, "weight_artist": 0.0}]
    with pytest.raises(MusigError, match="did you mean 'musig'"):
        generalization(["mussig"])
