"""The acoustic vectors: the network's form, its pairs, its training, and what it may not see."""

import copy
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import soundfile
import torch
from sklearn.metrics import roc_auc_score

from musig import checkpoint
from musig.acoustic import (
    embed_recording,
    fitted,
    fitted_on,
    held_out,
    nearest_tracks,
    with_vectors,
)
from musig.acoustic_auc import pair_auc
from musig.acoustic_config import AcousticConfig
from musig.acoustic_evaluation import over_seeds, permuted, unseen_auc
from musig.acoustic_network import SHORTEST, AcousticNetwork, GlobalPooling
from musig.acoustic_pairs import PairLoss, make_pairs, shared_playlists
from musig.acoustic_train import _batches, embed_tracks, load_network, train_acoustic
from musig.catalog import Catalog, Playlists
from musig.errors import MusigError
from musig.features import ACOUSTIC
from musig.splits import Split, split_artists

QUICK = AcousticConfig(epochs=4, batch_size=16, device="cpu", save_every=0)


# --- the network -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    return AcousticNetwork(12).eval()


@pytest.mark.parametrize("frames", [SHORTEST, 17, 201, 601])
@pytest.mark.parametrize("loud", [0.0, 1.0, 1e4])
def test_vectors_are_eight_numbers_within_one(network, frames, loud):
    x = loud * torch.randn(3, 12, frames, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        z = network(x)
    assert z.shape == (3, 8) and z.abs().max() <= 1


def test_the_pooling_does_not_care_when_something_sounds():
    x = torch.randn(2, 5, 40, generator=torch.Generator().manual_seed(0))
    pool = GlobalPooling()
    for moved in (x.roll(7, -1), x.flip(-1), torch.cat([x, x], -1)):
        torch.testing.assert_close(pool(moved), pool(x))
    mean, highest, norm = pool(x).split(5, 1)
    torch.testing.assert_close(mean, x.mean(-1))
    torch.testing.assert_close(highest, x.max(-1).values)
    torch.testing.assert_close(norm, x.norm(dim=-1) / 40**0.5)


def test_a_sound_in_silence_may_come_when_it_likes(network):
    """Moved by the 16 frames that the pooling makes one, away from the ends."""
    x = torch.zeros(1, 12, 640)
    x[:, :, 300:340] = torch.randn(12, 40, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        torch.testing.assert_close(network(x), network(x.roll(64, -1)))
        assert (network(x) - network(x.roll(-64, -1))).abs().max() < 1e-5
        assert (network(x) - network(x.flip(-1))).abs().max() > 1e-4, "time has no direction"


def test_bands_are_channels_and_filters_run_over_time_only(network):
    """Exchange two bands and the first layer's weights for them: nothing may change."""
    order = torch.randperm(12, generator=torch.Generator().manual_seed(1))
    other = copy.deepcopy(network)
    with torch.no_grad():
        other.convolutions[0].weight.copy_(network.convolutions[0].weight[:, order])
        x = torch.randn(2, 12, 64, generator=torch.Generator().manual_seed(2))
        torch.testing.assert_close(other(x[:, order]), network(x))
        assert (network(x[:, order]) - network(x)).abs().max() > 1e-4
    assert [tuple(c.kernel_size) for c in network.convolutions] == [(4,)] * 4


def test_bands_are_standardised(network):
    other = copy.deepcopy(network)
    mean, deviation = torch.arange(12.0), torch.arange(1.0, 13.0)
    other.standardise_by(mean, deviation)
    x = torch.randn(2, 12, 64, generator=torch.Generator().manual_seed(2))
    torch.testing.assert_close(other(x * deviation[:, None] + mean[:, None]), network(x))


def test_an_unknown_size_is_refused():
    with pytest.raises(MusigError, match="Unknown network 'papr': did you mean 'paper'"):
        AcousticNetwork(12, "papr")


# --- pairs -----------------------------------------------------------------------------------


def some_playlists(seed=0, n_tracks=30, n_playlists=40):
    rng = np.random.default_rng(seed)
    lists = [rng.choice(n_tracks, rng.integers(1, 6), replace=False) for _ in range(n_playlists)]
    return Playlists.from_lists(lists)


@pytest.fixture(scope="module")
def lists():
    return some_playlists()


def slow_counts(playlists, tracks):
    count = np.zeros((len(tracks), len(tracks)), int)
    for k in range(len(playlists)):
        for i, one in enumerate(tracks):
            for j, other in enumerate(tracks):
                count[i, j] += one in playlists[k] and other in playlists[k]
    return count


@pytest.mark.parametrize("min_weight", [0, 1])
def test_pairs_are_those_of_an_obvious_count(lists, min_weight):
    tracks = np.arange(0, 30, 2)
    pairs = make_pairs(lists, tracks, 30, min_weight)
    count = slow_counts(lists, tracks)
    assert np.array_equal(pairs.shared(np.arange(15)), count)
    assert np.array_equal(shared_playlists(lists, tracks, 30), count)
    some = np.array([3, 11, 5])
    assert np.array_equal(pairs.shared(some), count[np.ix_(some, some)])

    off = count * (1 - np.eye(15, dtype=int))
    degree = off.sum(0)
    expected = degree[:, None] * degree / degree.sum()
    labels = pairs.labels(np.arange(15))
    for i in range(15):
        for j in range(15):
            if i == j:
                assert labels[i, j] == 0
            elif count[i, j] == 0:
                assert labels[i, j] == -1
            elif count[i, j] <= min_weight:
                assert labels[i, j] == 0
            else:
                more = max(0, count[i, j] - expected[i, j]) / np.sqrt(expected[i, j])
                assert labels[i, j] == pytest.approx(more, rel=1e-5)
    assert np.array_equal(pairs.anchors.numpy(), np.flatnonzero((off > min_weight).any(0)))


def test_partners_come_in_proportion_to_the_playlists_shared():
    """Three tracks beside the anchor, sharing 4, 1 and 0 playlists; one draw is two tracks."""
    lists = Playlists.from_lists([[0, 1]] * 4 + [[0, 2]] + [[3]] * 3)
    pairs = make_pairs(lists, np.arange(4), 4, 0)
    generator = torch.Generator().manual_seed(0)
    drawn = {(0, 1): 0, (0, 2): 0}
    for _ in range(4_000):
        nodes = pairs.draw(2, generator)
        drawn[tuple(nodes.tolist())] += 1
    # The anchor is 0, 1 or 2 evenly: 0 chooses 1 four times of five, 1 and 2 have no choice.
    assert drawn[0, 1] / 4_000 == pytest.approx((0.8 + 1) / 3, abs=0.03)


def test_a_draw_has_the_wanted_size_and_knows_only_its_tracks(lists):
    pairs = make_pairs(lists, np.arange(30), 30, 0)
    for seed in range(20):
        nodes = pairs.draw(12, torch.Generator().manual_seed(seed))
        assert len(nodes) <= 12 and (np.diff(nodes) > 0).all() and nodes.max() < 30
    assert np.array_equal(pairs.draw(64, torch.Generator()), np.arange(30))


def test_no_positive_or_no_negative_pair_is_a_sentence():
    lists = Playlists.from_lists([[0, 1, 2], [0, 1]])
    with pytest.raises(
        MusigError,
        match="Lower the number of shared playlists that makes a yes",
    ):
        make_pairs(lists, np.arange(3), 3, 2)
    with pytest.raises(MusigError, match="no negative pair to learn from"):
        make_pairs(lists, np.arange(3), 3, 0)


def test_a_track_in_no_playlist_is_in_no_pair():
    """Whom it goes with is unknown; it is no strange track to all others."""
    lists = Playlists.from_lists([[0, 1], [2, 3]])
    pairs = make_pairs(lists, np.arange(6), 6, 0)
    assert pairs.tracks.tolist() == [0, 1, 2, 3]
    vectors = np.array([[0.0], [0.1], [1.0], [1.1], [0.05], [1.05]])
    judged = pair_auc(vectors, lists, np.arange(6), 6, np.random.default_rng(0), 0, 10)
    assert (judged.n_tracks, judged.n_positive, judged.n_negative) == (4, 2, 4)
    assert judged.auc == 1.0
    with pytest.raises(MusigError, match=r"no positive pair to learn from\. Use more playlists"):
        make_pairs(lists, np.array([4, 5]), 6, 0)


def test_the_loss_is_balanced_and_half_its_negatives_are_the_nearest():
    z = torch.tensor([[0.0], [0.1], [0.5], [0.6], [0.9], [1.0]])
    labels = -torch.ones(6, 6)
    labels[0, 1] = labels[1, 0] = 3.0
    loss = PairLoss()
    first, second = torch.triu_indices(6, 6, 1)
    odds = loss.bias - (z[first] - z[second]).square().sum(1)
    negative = labels[first, second] < 0
    cost = torch.nn.functional.softplus(odds[negative])
    hard = cost.sort(descending=True).values[:4]  # the quarter of 14, rounded up
    expected = (torch.nn.functional.softplus(-odds[0]) + (cost.mean() + hard.mean()) / 2) / 2
    torch.testing.assert_close(loss(z, labels), expected)


def test_a_batch_without_positives_has_a_finite_loss():
    loss = PairLoss()(torch.zeros(3, 8), -torch.ones(3, 3))
    assert torch.isfinite(loss)


# --- training --------------------------------------------------------------------------------


class Toy:
    """Spectrograms in which four groups of tracks each have a band of their own."""

    n_mels, frames, fingerprint = 12, 40, "toy"

    def __init__(self, n=48, seed=0, change=()):
        rng = np.random.default_rng(seed)
        self.rows = np.arange(n)
        self.data = rng.normal(0, 1, (n, 2, 12, 40)).astype(np.float32)
        for k in range(n):
            self.data[k, :, 3 * (k % 4)] += 3
        self.data[list(change)] += 50.0
        self.fingerprint = f"toy {seed} {sorted(change)}"
        self.read = set()

    def windows(self, row):
        self.read.add(row)
        return self.data[row]

    def window(self, row, place):
        return self.windows(row)[int(2 * place)]


def toy_catalog(n=48):
    """Playlists of tracks of one group; two tracks an artist, of different groups."""
    rng = np.random.default_rng(0)
    lists = [rng.choice(np.arange(k % 4, n, 4), 5, replace=False) for k in range(160)]
    tracks = pd.DataFrame(
        {"artist": [f"artist {k // 2}" for k in range(n)]}, index=[f"t{k}" for k in range(n)]
    )
    return Catalog(tracks, Playlists.from_lists(lists), "toy")


@pytest.fixture(scope="module")
def catalog():
    return toy_catalog()


def weights_of(found):
    return torch.cat([v.double().flatten() for v in found.network.state_dict().values()])


def trained(folder, spectrograms=None, config=QUICK):
    catalog = toy_catalog()
    pairs = make_pairs(catalog.playlists, np.arange(36), 48, 0)
    valid = make_pairs(catalog.playlists, np.arange(36, 48), 48, 0)
    return train_acoustic(spectrograms or Toy(), pairs, config, folder, False, valid)


@pytest.fixture(scope="module")
def straight(tmp_path_factory):
    return trained(tmp_path_factory.mktemp("network"))


def test_the_losses_fall(tmp_path):
    history = trained(tmp_path, config=replace(QUICK, epochs=25)).history
    assert history.columns.tolist() == ["epoch", "loss", "valid_loss"]
    assert history["loss"].iloc[-1] < 0.7 * history["loss"].iloc[0]
    assert history["valid_loss"].iloc[-1] < 0.9 * history["valid_loss"].iloc[0]


def test_the_same_seed_gives_the_same_bits_and_another_others(straight, tmp_path):
    state = torch.get_rng_state()
    assert torch.equal(weights_of(trained(tmp_path / "a")), weights_of(straight))
    assert torch.equal(torch.get_rng_state(), state), "the global random state was touched"
    other = trained(tmp_path / "b", config=replace(QUICK, seed=1))
    assert not torch.equal(weights_of(other), weights_of(straight))


@pytest.mark.parametrize("dropout", [0.0, 0.5])
def test_stopped_and_resumed_it_ends_with_the_same_bits(tmp_path, monkeypatch, dropout):
    config = replace(QUICK, dropout=dropout)
    expected = trained(tmp_path / "straight", config=config)
    real, saves = checkpoint.save, []

    def save_then_stop(*args):
        real(*args)
        saves.append(1)
        if len(saves) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(checkpoint, "save", save_then_stop)
    with pytest.raises(KeyboardInterrupt):
        trained(tmp_path / "m", config=config)
    with pytest.raises(MusigError, match="holds no finished acoustic network"):
        load_network(tmp_path / "m")
    monkeypatch.undo()
    found = trained(tmp_path / "m", config=config)
    assert torch.equal(weights_of(found), weights_of(expected))
    assert found.history.equals(expected.history)


def test_validation_artists_change_nothing(straight, tmp_path):
    pairs = make_pairs(toy_catalog().playlists, np.arange(36), 48, 0)
    sound = Toy()
    without = train_acoustic(sound, pairs, QUICK, tmp_path, progress=False)
    assert torch.equal(weights_of(without), weights_of(straight))
    assert sound.read <= set(range(36)) and without.history["valid_loss"].isna().all()


def test_a_folder_is_not_resumed_with_other_settings_or_data(tmp_path):
    trained(tmp_path)
    with pytest.raises(MusigError, match=r"begun with learning_rate = 0.001, now asked for 0.1"):
        trained(tmp_path, config=replace(QUICK, learning_rate=0.1))
    with pytest.raises(MusigError, match="begun with other data"):
        trained(tmp_path, Toy(seed=1))


def test_a_loss_that_is_not_finite_is_a_sentence(tmp_path):
    sound = Toy()
    sound.data[5] = np.nan
    with pytest.raises(MusigError, match=r"became nan in epoch 1 .*lower learning_rate"):
        trained(tmp_path, sound)


def test_bfloat16_trains(straight, tmp_path):
    found = trained(tmp_path, config=replace(QUICK, precision="bf16"))
    assert not torch.equal(weights_of(found), weights_of(straight)), "precision was not used"
    assert found.history["loss"].iloc[-1] == pytest.approx(straight.history["loss"].iloc[-1], 0.1)


def test_a_track_is_the_mean_of_its_windows_and_a_damaged_one_unknown(straight):
    sound = Toy()
    vectors = embed_tracks(straight.network, sound, np.array([3, 7]), "cpu", progress=False)
    with torch.no_grad():
        expected = straight.network(torch.from_numpy(sound.data[7])).mean(0)
    torch.testing.assert_close(torch.from_numpy(vectors[1]), expected)
    assert np.abs(vectors).max() <= 1
    sound.windows = lambda row: np.empty((0, 12, 40), np.float32)
    assert np.isnan(embed_tracks(straight.network, sound, np.array([3]), "cpu", False)).all()


class Holed(Toy):
    """The same, some tracks of which cannot be read."""

    def __init__(self, damaged, **options):
        super().__init__(**options)
        self.damaged = damaged

    def window(self, row, place):
        return None if row in self.damaged else super().window(row, place)


def test_a_damaged_track_is_in_no_batch(tmp_path):
    damaged, config, cpu = [4, 5, 40], replace(QUICK, batch_size=48), torch.device("cpu")
    pairs = make_pairs(toy_catalog().playlists, np.arange(36), 48, 0)
    windows, labels = next(_batches(Holed(damaged), pairs, config, range(1), cpu))
    kept = np.setdiff1d(np.arange(36), damaged)
    assert len(windows) == len(kept)
    assert np.array_equal(labels.numpy(), pairs.labels(kept))
    found = trained(tmp_path, Holed(damaged))
    assert torch.isfinite(weights_of(found)).all()
    with pytest.raises(MusigError, match="Of the tracks of step 1, fewer than two can be read"):
        next(_batches(Holed(range(48)), pairs, config, range(1), cpu))


@pytest.mark.gpu
def test_cuda_and_cpu_agree(straight, tmp_path):
    cuda = trained(tmp_path, config=replace(QUICK, device="cuda"))
    assert cuda.device.startswith("cuda")
    assert cuda.history["loss"].iloc[-1] == pytest.approx(straight.history["loss"].iloc[-1], 0.1)


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"network": "smal"}, "network is 'smal': did you mean 'small'"),
        ({"epochs": 0}, "epochs is 0; expected a number above 0"),
        ({"window": -1.0}, "window is -1.0; expected a number above 0"),
        ({"batch_size": 1}, "batch_size is 1; a pair needs 2 tracks or more"),
        ({"min_weight": -1}, "min_weight is -1; expected 0 or more"),
        ({"dropout": 1.0}, r"dropout is 1.0; expected a share in \[0, 1\)"),
        ({"crop": 0.0}, r"crop is 0.0; expected a share in \(0, 1\]"),
        ({"precision": "16"}, "precision is '16'"),
    ],
)
def test_wrong_settings_are_refused(settings, sentence):
    with pytest.raises(MusigError, match=sentence):
        AcousticConfig(**settings)


# --- what it may see -------------------------------------------------------------------------


def test_unseen_tracks_train_nothing(catalog):
    """Change their sound, and what they share: the weights stay the same bits."""
    unseen = np.flatnonzero(split_artists(catalog, 0, 0.25))
    first = fitted_on(Toy(), catalog, catalog.playlists, QUICK, progress=False)
    assert np.array_equal(np.flatnonzero(first.unseen), unseen) and len(unseen) == 12
    assert not set(first.learned) & set(unseen)
    changed = fitted_on(Toy(change=unseen), catalog, catalog.playlists, QUICK, progress=False)
    assert torch.equal(weights_of(first.trained), weights_of(changed.trained))
    assert not np.array_equal(first.vectors[unseen], changed.vectors[unseen])
    moved = permuted(catalog.playlists, unseen, 48, np.random.default_rng(0))
    assert not np.array_equal(moved.tracks, catalog.playlists.tracks)
    other = fitted_on(Toy(), catalog, moved, QUICK, progress=False)
    assert torch.equal(weights_of(first.trained), weights_of(other.trained))
    seen = fitted_on(Toy(change=first.learned[:1]), catalog, catalog.playlists, QUICK, False)
    assert not torch.equal(weights_of(first.trained), weights_of(seen.trained))


def test_few_recordings_are_refused_by_their_number(catalog):
    with pytest.raises(MusigError, match="toy has 1 recording; pairs need at least 3"):
        held_out(catalog, np.array([5]), 0)


def test_saving_more_often_is_the_same_training(catalog, tmp_path, monkeypatch):
    monkeypatch.setenv("MUSIG_CACHE", str(tmp_path))
    fitted_on(Toy(), catalog, catalog.playlists, QUICK, progress=False)
    fitted_on(Toy(), catalog, catalog.playlists, replace(QUICK, save_every=5), progress=False)
    assert len(list(tmp_path.glob("acoustic-*/network.json"))) == 1


def test_what_later_experiments_hold_out_is_among_the_unseen(smoke_catalog):
    for seed in range(5):
        tenth = split_artists(smoke_catalog, seed, 0.1)
        assert (split_artists(smoke_catalog, seed, 0.25) | ~tenth).all()


# --- judging ---------------------------------------------------------------------------------


@pytest.mark.parametrize("ties", [False, True])
def test_the_area_is_sklearns_and_its_interval_holds_it(lists, ties):
    rng = np.random.default_rng(0)
    vectors = rng.integers(0, 3, (30, 2)) if ties else rng.normal(size=(30, 8))
    judged = pair_auc(vectors, lists, np.arange(30), 30, rng, min_weight=1, resamples=200)
    count = slow_counts(lists, np.arange(30))
    pairs = [(i, j) for i in range(30) for j in range(i) if count[i, j] != 1]
    truth = [count[p] > 1 for p in pairs]
    distance = [np.linalg.norm(vectors[i] - vectors[j]) for i, j in pairs]
    assert judged.auc == pytest.approx(roc_auc_score(truth, -np.array(distance)))
    assert judged.low < judged.auc < judged.high
    assert (judged.n_positive, judged.n_negative) == (sum(truth), len(truth) - sum(truth))


def test_a_track_without_a_vector_is_not_judged(lists):
    vectors = np.random.default_rng(0).normal(size=(30, 8))
    vectors[4] = np.nan
    rest = np.delete(np.arange(30), 4)
    one = pair_auc(vectors, lists, np.arange(30), 30, np.random.default_rng(1), 0, 50)
    other = pair_auc(vectors[rest], lists, rest, 30, np.random.default_rng(1), 0, 50)
    assert one == other and one.n_tracks == 29


def test_judging_without_positive_pairs_is_a_sentence(lists):
    with pytest.raises(MusigError, match="0 pairs share more than 99 playlists"):
        pair_auc(np.zeros((30, 8)), lists, np.arange(30), 30, np.random.default_rng(0), 99)


def test_sound_that_tells_is_found_and_a_shuffle_is_not(catalog):
    config = replace(QUICK, epochs=30)
    table = unseen_auc(
        catalog, np.arange(160), config, min_weight=0, spectrograms=Toy(), progress=False
    )
    assert table.index.tolist() == ["trained", "untrained", "shuffled playlists"]
    assert table.auc["trained"] > 0.95 > table.auc["untrained"]
    assert table.low["shuffled playlists"] < 0.6 and table.auc["shuffled playlists"] < 0.75


# --- from recordings to a catalogue ----------------------------------------------------------


@pytest.fixture(scope="module")
def own_music(tmp_path_factory):
    """Seven recordings without artists, one of them damaged, three playlists."""
    folder = tmp_path_factory.mktemp("music")
    rng = np.random.default_rng(0)
    names = [f"{k}.wav" for k in range(7)]
    for k, name in enumerate(names):
        sound = rng.normal(0, 0.05 + 0.1 * (k % 2), 16_000).astype(np.float32)
        soundfile.write(folder / name, sound, 16_000)
    (folder / names[6]).write_text("not sound")
    tracks = pd.DataFrame({"recording": [*names, None]}, index=[f"t{k}" for k in range(8)])
    lists = Playlists.from_lists([[0, 2, 4], [1, 3, 5], [0, 6, 4]])
    return Catalog(tracks, lists, "own", sound=lambda: folder)


def everything(catalog):
    none = np.array([], dtype=np.int64)
    return Split(np.arange(len(catalog.playlists)), none, none, 0, "all")


def test_a_folder_of_a_few_recordings_has_vectors(own_music):
    config = replace(QUICK, epochs=2)
    catalog = with_vectors(own_music, everything(own_music), config, progress=False)
    vectors = catalog.tracks[list(ACOUSTIC)].to_numpy()
    assert np.isfinite(vectors[:6]).all() and np.abs(vectors[:6]).max() <= 1
    assert np.isnan(vectors[6:]).all(), "the damaged one, and the one without a recording"
    assert "acoustic_0" not in own_music.tracks
    assert with_vectors(catalog, everything(catalog), config) is catalog
    found = fitted(own_music, np.arange(3), config, progress=False)
    with pytest.raises(MusigError, match=r"spectrograms of 48 bands, .* recording have 128"):
        embed_recording(AcousticNetwork(48), own_music.recordings().iloc[2], config)
    alone = embed_recording(found.trained.network, own_music.recordings().iloc[2], config)
    np.testing.assert_allclose(alone, vectors[2], atol=1e-5)
    near = nearest_tracks(catalog, vectors[2], k=3)
    assert near.track_id.iloc[0] == "t2" and near.distance.iloc[0] == pytest.approx(0, abs=1e-6)
    assert near.distance.is_monotonic_increasing and near["rank"].tolist() == [1, 2, 3]


def test_without_sound_or_pairs_it_is_a_sentence(own_music, smoke_catalog):
    silent = replace(own_music, sound=None)
    assert with_vectors(silent, everything(own_music), QUICK, progress=False) is silent
    with pytest.raises(MusigError, match="has no sound"):
        fitted(silent, np.arange(3), QUICK, progress=False)
    with pytest.raises(MusigError, match="no positive pair to learn from"):
        fitted(own_music, np.arange(3), replace(QUICK, min_weight=9), progress=False)
    with pytest.raises(MusigError, match="has no acoustic vectors"):
        nearest_tracks(own_music, np.zeros(8))


# --- science ---------------------------------------------------------------------------------


@pytest.mark.slow
def test_unseen_artists_of_the_embedded_classroom():
    """On the chapter's seed; one seed is one draw, so the bar itself is held over several."""
    from musig.sources.synthetic import make
    from musig.splits import split_playlists

    catalog = make("classroom", seed=0)
    train = split_playlists(catalog, seed=0).train
    table = unseen_auc(catalog, train, AcousticConfig(device="cpu"), progress=False)
    assert table.auc["trained"] > max(0.7, table.auc["untrained"])
    assert table.low["shuffled playlists"] < 0.5 < table.high["shuffled playlists"]


@pytest.mark.audit
def test_the_bar_over_seeds_and_the_control_at_a_half():
    from musig.sources.synthetic import make

    table = over_seeds(lambda seed: make("classroom", seed), range(5), AcousticConfig(device="cpu"))
    mean = table.mean()
    assert mean["trained"] >= 0.80
    assert mean["trained"] > max(mean["untrained"], mean["nine features"])
    assert abs(mean["shuffled playlists"] - 0.5) < 0.08
