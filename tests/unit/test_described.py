"""Attributes as they are: with neighbours' means, and with groups hidden."""

import numpy as np
import pytest
import torch

from musig.baselines.content import Content
from musig.catalog import Playlists
from musig.described import Described
from musig.errors import MusigError
from musig.features import genre_labels
from musig.splits import split_playlists


@pytest.fixture(scope="module")
def split(smoke_catalog):
    return split_playlists(smoke_catalog, seed=0)


def test_without_hops_it_is_content(smoke_catalog, split):
    seeds = Playlists.from_lists([[0, 5], [7]])
    ours, theirs = (made.fit(smoke_catalog, split) for made in (Described(), Content()))
    torch.testing.assert_close(ours.score(seeds), theirs.score(seeds))
    assert ours.size == ours.view().numel()


def test_every_hop_is_the_weighted_mean_of_the_one_before(smoke_catalog, split):
    made = Described(hops=2, min_weight=0).fit(smoke_catalog, split)
    n = smoke_catalog.n_tracks
    member = np.zeros((len(split.train), n))
    for row, playlist in enumerate(split.train):
        member[row, smoke_catalog.playlists[int(playlist)]] = 1
    weight = member.T @ member
    np.fill_diagonal(weight, 0)
    mean = weight / np.maximum(weight.sum(1, keepdims=True), 1)
    own, first, second = made.view().double().numpy().reshape(n, 3, -1).transpose(1, 0, 2)
    np.testing.assert_allclose(first, mean @ own, atol=1e-5)
    np.testing.assert_allclose(second, mean @ mean @ own, atol=1e-5)


def test_what_is_hidden_says_nothing_nor_do_its_neighbours_of_it(smoke_catalog, split):
    """Another genre of a hidden track changes nobody's vector."""
    tracks = smoke_catalog.tracks.copy()
    known = genre_labels(tracks)[1]
    row = int(np.flatnonzero(known)[0])
    names = sorted(tracks["main_genre"].dropna().unique())
    tracks.iloc[row, tracks.columns.get_loc("main_genre")] = next(
        name for name in names if name != tracks["main_genre"].iloc[row]
    )
    other = type(smoke_catalog)(tracks, smoke_catalog.playlists, "other")
    made = Described(hops=2).fit(smoke_catalog, split)
    hidden = torch.tensor([row])
    shown, unseen = made.view(), made.view(hidden, ("GENRE",))
    made.describe(other)
    assert not torch.equal(made.view(), shown)
    assert torch.equal(made.view(hidden, ("GENRE",)), unseen)
    assert torch.equal(made.view(hidden, ()), made.view())


def test_wrong_settings_are_refused(smoke_catalog, split):
    with pytest.raises(MusigError, match="hops is -1"):
        Described(hops=-1)
    with pytest.raises(MusigError, match="did you mean 'GENRE'"):
        Described(groups=["GENRES"]).fit(smoke_catalog, split)
