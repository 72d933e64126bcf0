"""Methods by name: made, refused in sentences, and with the settings that were committed."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from musig import cache, methods
from musig.catalog import universe
from musig.errors import MusigError
from musig.splits import split_playlists
from musig.tuning import SPACES, read_study

STUDIES = Path(__file__).parents[2] / "results" / "studies"


@pytest.fixture(scope="module")
def known(smoke_catalog):
    split = split_playlists(smoke_catalog, seed=0)
    return smoke_catalog.restrict(universe(smoke_catalog, split.train, 3)), split


@pytest.mark.parametrize("name", [name for name in methods.METHODS if name != "musig-best"])
def test_every_method_is_a_scorer(known, name):
    """Same shape, float32, no NaN, rows that stand alone; musig-best has tests of its own."""
    catalog, split = known
    quick = {"musig": {"epochs": 1}, "graphsage": {"epochs": 1}, "track2vec": {"epochs": 1}}
    quick["node2vec"] = {"walks": 1}
    method = methods.make(name, quick.get(name, {}), device="cpu")
    assert method.name == name and isinstance(method.cannot, str)
    fitted = method.fit(catalog, split)
    assert fitted is method and method.size >= 0
    seeds = catalog.playlists.subset(split.test[:4])
    scores = method.score(seeds)
    assert scores.dtype == torch.float32 and scores.shape == (4, catalog.n_tracks)
    assert not torch.isnan(scores).any()
    some = np.array([3, 0, 7])
    torch.testing.assert_close(method.score(seeds, some), scores[:, some])
    torch.testing.assert_close(method.score(seeds.subset(np.array([2]))), scores[2:3])


@pytest.mark.parametrize("name", methods.METHODS)
def test_every_method_can_be_made_and_fingerprinted(name):
    assert methods.make(name).name == name
    assert cache.source_key(methods.module_of(name))
    assert {"seed", "device"}.isdisjoint(methods.settings_of(name))


def test_seed_and_device_go_to_those_that_take_them():
    made = methods.make("musig", {"hops": 1}, seed=3, device="cpu")
    assert (made.config.seed, made.config.device, made.config.hops) == (3, "cpu", 1)
    assert methods.is_random("musig") and not methods.is_random("itemknn")


@pytest.mark.parametrize(
    ("name", "settings", "says"),
    [
        ("itemkn", None, r"^Unknown method 'itemkn': did you mean 'itemknn'\?"),
        ("itemknn", {"neighbors": 3}, r"no setting 'neighbors': did you mean 'neighbours'\?"),
        ("popularity", {"k": 3}, r"^Method 'popularity' has no setting 'k': it has none\."),
        ("musig", {"hop": 3}, r"^Method 'musig' has no setting 'hop': did you mean 'hops'\?"),
        ("graphsage", {"weight_genre": 1.0}, r"^Method 'graphsage' has no setting 'weight_genre'"),
        ("musig", {"hops": 0}, r"^hops is 0; expected a number above 0"),
    ],
)
def test_what_does_not_exist_is_refused_with_the_nearest_name(name, settings, says):
    with pytest.raises(MusigError, match=says):
        methods.make(name, settings)


def test_committed_settings_are_those_of_the_studies():
    """``tuned.json`` says of each method with a study what was best on validation playlists."""
    committed = json.loads(methods.TUNED.read_text("utf-8"))
    assert set(committed) == set(methods.METHODS)
    for name in SPACES:
        path = STUDIES / f"{name}.json"
        if path.exists():
            assert methods.tuned(name) == read_study(path)["best"]["settings"], name
