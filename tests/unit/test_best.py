"""musig-best: the decoder against a slow version, no look at what is to be predicted, resuming."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from musig import best, checkpoint
from musig.best import ABLATION, BestConfig, MusigBest, fit_best
from musig.catalog import Catalog, Playlists, universe
from musig.completion import evaluate, holdout
from musig.errors import MusigError
from musig.methods import settings_of
from musig.scorers import EmbeddingScorer
from musig.sources.synthetic import make
from musig.splits import Split, split_playlists
from musig.training_data import TrainingData, prepare

SMALL = {
    "frequencies": 24,
    "half_at": 6,
    "coordinates": 8,
    "embedding_size": 16,
    "steps": 6,
    "batch_size": 32,
    "evaluate_every": 3,
    "folds": 3,
}


@pytest.fixture(scope="module")
def universe_of() -> tuple[Catalog, Split]:
    catalog = make("smoke", seed=0)
    split = split_playlists(catalog, seed=0)
    return catalog.restrict(universe(catalog, split.train, 3)), split


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MUSIG_CACHE", str(tmp_path / "cache"))


@pytest.fixture(scope="module")
def data(universe_of: tuple[Catalog, Split]) -> TrainingData:
    return prepare(*universe_of, min_playlists=0, seed=0)


def test_the_decoder_is_the_formula_of_the_page(universe_of: tuple[Catalog, Split]) -> None:
    method = MusigBest(**SMALL).fit(*universe_of)
    kept = {name: t.numpy() for name, t in method._decoder.tensors.items()}
    seeds = Playlists.from_lists([[3, 1], [5], [0, 2, 4]])
    scores = method.score(seeds).numpy()
    for row in range(len(seeds)):
        given = seeds[row]
        affinity = kept["query"][given].sum(0) @ kept["item"].T
        affinity /= affinity.std(ddof=1)
        pooled = (kept["attention"][given][:, None] * kept["seed"][given]).sum(0)
        slow = kept["bias"] + kept["strength"] * np.log1p(
            np.maximum(affinity, 0) * np.exp(kept["bend"])
        )
        slow += kept["candidate"] @ (pooled / np.linalg.norm(pooled))
        assert np.allclose(scores[row], slow, atol=1e-4)


def test_rows_do_not_depend_on_the_block_and_candidates_are_columns(
    universe_of: tuple[Catalog, Split],
) -> None:
    method = MusigBest(**SMALL).fit(*universe_of)
    seeds = Playlists.from_lists([[3, 1], [5], [0, 2, 4]])
    together = method.score(seeds)
    alone = method.score(Playlists.from_lists([[5]]))
    assert torch.allclose(together[1], alone[0], atol=1e-5)
    picked = method.score(seeds, np.array([7, 2]))
    assert torch.equal(picked, together[:, [7, 2]])
    shuffled = method.score(Playlists.from_lists([[1, 3]]))
    assert torch.allclose(together[0], shuffled[0], atol=1e-5), "seeds are a set"


def test_the_settings_are_those_of_the_config(universe_of: tuple[Catalog, Split]) -> None:
    assert settings_of("musig-best") == MusigBest.defaults
    assert len(ABLATION) <= 12
    for settings in ABLATION.values():
        BestConfig(**settings)
        assert any(settings[key] != MusigBest.defaults[key] for key in settings)


@pytest.mark.parametrize("row", sorted(ABLATION))
def test_every_row_of_the_ablation_can_be_fitted(
    row: str, universe_of: tuple[Catalog, Split]
) -> None:
    method = MusigBest(**{**SMALL, **ABLATION[row]}).fit(*universe_of)
    scores = method.score(Playlists.from_lists([[0, 1]]))
    assert bool(torch.isfinite(scores).all())
    assert method.size > 0


def test_a_fold_is_predicted_by_a_spectrum_that_never_saw_it(data: TrainingData) -> None:
    train = data.catalog.playlists.subset(data.split.train)
    config = BestConfig(**SMALL)
    whole = best._sides(best.spectrum(train, data.n_tracks, 24), config)
    folds = best._Folds(train, data.n_tracks, config, 0, whole)
    assert sorted(np.bincount(folds.of)) == sorted(np.bincount(np.arange(len(train)) % 3))
    for fold in range(3):
        others = train.subset(np.flatnonzero(folds.of != fold))
        expected = best._sides(best.spectrum(others, data.n_tracks, 24, 0), config)
        assert torch.equal(folds.sides[fold][0], expected[0])
    seeds, targets, sides = folds.draw(np.random.default_rng(0))
    place = next(i for i, each in enumerate(folds.sides) if each is sides)
    mine = [set(train[int(row)]) for row in np.flatnonzero(folds.of == place)]
    for row in range(len(seeds)):
        together = set(seeds[row]) | set(targets[row])
        assert not set(seeds[row]) & set(targets[row])
        assert together in mine, "a playlist of the held-out fold, cut in two"


def test_learning_improves_on_chance_and_beats_random_vectors(data: TrainingData) -> None:
    catalog, split = data.catalog, data.split
    held = holdout(catalog, np.arange(data.n_tracks), split.test, seed=0)
    method = MusigBest(**{**SMALL, "steps": 40, "evaluate_every": 20}).fit(catalog, split)
    rng = np.random.default_rng(0)
    noise = EmbeddingScorer("noise", rng.normal(size=(data.n_tracks, 16)))
    k = (10,)
    found, chance = (
        evaluate(each, held, catalog, k).values("recall@10").mean() for each in (method, noise)
    )
    assert found > 3 * chance
    assert method.model.history[-1]["epoch"] == 40
    assert method.model.info["seconds"] > 0


def test_same_seed_same_bits_and_another_seed_others(universe_of: tuple[Catalog, Split]) -> None:
    catalog, split = universe_of
    data = prepare(catalog, split, min_playlists=0, seed=0)
    config = BestConfig(**SMALL)
    results = []
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        folder = best.cache.root() / name
        folder.mkdir()
        fit_best(data, config, folder, seed)
        results.append(best.load_file(folder / best.DECODER))
    assert all(torch.equal(results[0][name], results[1][name]) for name in results[0])
    assert not torch.equal(results[0]["seed"], results[2]["seed"])


def test_a_stopped_training_goes_on_bit_by_bit(
    data: TrainingData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = BestConfig(**SMALL)
    straight, stopped = tmp_path / "straight", tmp_path / "stopped"
    straight.mkdir(), stopped.mkdir()
    fit_best(data, config, straight)
    save = checkpoint.save

    def save_then_die(*arguments: object) -> None:
        save(*arguments)  # type: ignore[arg-type]
        raise KeyboardInterrupt

    monkeypatch.setattr(checkpoint, "save", save_then_die)
    with pytest.raises(KeyboardInterrupt):
        fit_best(data, config, stopped)
    assert not (stopped / best.DECODER).exists()
    monkeypatch.setattr(checkpoint, "save", save)
    fit_best(data, config, stopped)
    one, other = (best.load_file(folder / best.DECODER) for folder in (straight, stopped))
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_genre_is_no_input_where_it_is_a_task(data: TrainingData) -> None:
    coordinates = torch.zeros(data.n_tracks, 0)
    plain = BestConfig(**SMALL, hops=0)
    tasked = BestConfig(**SMALL, hops=0, weight_genre=0.5)
    start, stop = data.attributes.groups["GENRE"]
    wide, narrow = (best._inputs(data, each, coordinates).shape[1] for each in (plain, tasked))
    assert wide - narrow == stop - start


@pytest.mark.parametrize(
    "settings",
    [
        {"pooling": "attension"},
        {"affinity": "logarithm"},
        {"hops": -1},
        {"folds": 0},
        {"steps": 0},
        {"dropout": 1.0},
        {"lean": 2.0},
        {"learning_rate": 0.0},
        {"affinity": "none", "learned": False},
    ],
)
def test_settings_that_make_no_sense_are_refused(settings: dict) -> None:
    with pytest.raises(MusigError, match=next(iter(settings))):
        MusigBest(**settings)
