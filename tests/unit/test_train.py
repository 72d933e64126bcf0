"""Training: it learns, it is reproducible, it survives being killed, it refuses in sentences."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from musig import checkpoint, modelfolder
from musig.baselines.popularity import Popularity
from musig.completion import evaluate
from musig.errors import MusigError
from musig.graph import shuffled
from musig.model import WeightedMean
from musig.splits import Split, split_playlists
from musig.tasks import Batch, CoOccurrence
from musig.train import (
    Network,
    TrainConfig,
    config_from,
    default_tasks,
    steps_an_epoch,
    steps_for,
    train,
)
from musig.training_data import prepare

QUICK = TrainConfig(
    embedding_size=16, batch_size=64, epochs=6, evaluate_every=2, patience=9, device="cpu"
)


@pytest.fixture(scope="module")
def data(smoke_catalog):
    return prepare(smoke_catalog, split_playlists(smoke_catalog, seed=0))


@pytest.fixture(scope="module")
def trained(data, tmp_path_factory):
    return train(data, QUICK, tmp_path_factory.mktemp("model"), progress=False)


def weights_of(model):
    return torch.cat([p.flatten() for p in model.encoder.state_dict().values()])


@pytest.mark.slow
@pytest.mark.parametrize("steps", ["full", "sampled"])
@pytest.mark.parametrize("loss", ["softmax", "logistic"])
@pytest.mark.parametrize("epoch_over", ["tracks", "pairs"])
def test_the_loss_of_every_task_falls(data, tmp_path, steps, loss, epoch_over):
    config = replace(QUICK, steps=steps, loss=loss, fanouts=(8, 4), epoch_over=epoch_over)
    history = train(data, config, tmp_path / "m", progress=False).history
    for task in ("cooccurrence", "similarity", "genre"):
        assert history[task].iloc[-1] < history[task].iloc[0], task


def test_the_same_seed_gives_the_same_weights_and_another_seed_others(data, trained, tmp_path):
    again = train(data, QUICK, tmp_path / "again", progress=False)
    assert torch.equal(weights_of(again), weights_of(trained))
    assert torch.equal(again.embeddings, trained.embeddings)
    other = train(data, replace(QUICK, seed=1), tmp_path / "other", progress=False)
    assert not torch.equal(weights_of(other), weights_of(trained))


def test_an_epoch_goes_through_all_tracks_or_all_pairs(data):
    edges, linked = len(data.csr.indices) // 2, int((data.csr.degree > 0).sum())
    for epoch_over, length in {"tracks": linked, "pairs": edges}.items():
        config = replace(QUICK, epoch_over=epoch_over, batch_size=50)
        assert steps_an_epoch(config, data) == -(-length // 50)


def test_a_genre_that_is_hidden_is_in_no_input_of_the_step(data):
    """Neither in the attributes nor in what was averaged over the neighbours beforehand."""
    net = Network(data, QUICK, default_tasks(data, QUICK))
    net.place_graph(data, torch.device("cpu"))
    hidden = torch.arange(0, data.n_tracks, 3)
    start, stop = data.attributes.groups["GENRE"]
    attributes = data.attributes.x.copy()
    attributes[hidden, start:stop] = 7.0  # another genre, even an impossible one
    other_data = replace(data, attributes=replace(data.attributes, x=attributes))
    other = Network(other_data, QUICK, default_tasks(data, QUICK))
    other.place_graph(other_data, torch.device("cpu"))
    assert not torch.equal(net.gathered, other.gathered)
    for one, another in zip(net.inputs([hidden]), other.inputs([hidden]), strict=True):
        assert torch.equal(one, another)
    x, gathered = net.inputs([hidden])
    torch.testing.assert_close(gathered, WeightedMean()(x, net.blocks[0]))


def test_steps_are_chosen_by_what_they_cost(data):
    """The more edges a graph has, and the smaller the batch, the more is saved by sampling."""
    chosen = [
        steps_for(replace(QUICK, batch_size=size, fanouts=(fanout, 1)), data)
        for size in (1, 8, 64, 512)
        for fanout in (1, 10, 100)
    ]
    assert {"sampled", "full"} == set(chosen)
    assert steps_for(replace(QUICK, batch_size=1, fanouts=(1, 1)), data) == "sampled"
    assert steps_for(replace(QUICK, batch_size=512, fanouts=(100, 1)), data) == "full"
    assert steps_for(replace(QUICK, hops=1, fanouts=(1,), batch_size=1), data) == "full"
    assert steps_for(replace(QUICK, hops=4, batch_size=1), data) == "full"  # too few fan-outs
    assert steps_for(replace(QUICK, aggregator="max"), data) == "sampled"
    assert steps_for(replace(QUICK, batch_size=1, fanouts=(1, 1), device="cuda"), data) == "full"
    for steps in ("full", "sampled"):
        assert steps_for(replace(QUICK, steps=steps), data) == steps


@pytest.mark.parametrize("hops", [1, 3])
def test_sampled_steps_learn_whatever_the_depth(data, tmp_path, hops):
    config = replace(QUICK, steps="sampled", hops=hops, fanouts=(8, 4), dropout=0.1)
    history = train(data, config, tmp_path / "m", progress=False).history
    assert history["cooccurrence"].iloc[-1] < history["cooccurrence"].iloc[0]


def test_a_training_is_resumed_with_the_steps_that_were_chosen(data, trained):
    chosen = steps_for(QUICK, data)
    assert trained.info["identity"]["config"]["steps"] == chosen
    train(data, replace(QUICK, steps=chosen), trained.folder, progress=False)  # the same training
    other = {"full": "sampled", "sampled": "full"}[chosen]
    with pytest.raises(MusigError, match=f"begun with steps = {chosen}"):
        train(data, replace(QUICK, steps=other), trained.folder, progress=False)


def test_the_global_random_state_is_left_alone(data, tmp_path):
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    train(data, replace(QUICK, epochs=1), tmp_path / "m", progress=False)
    assert torch.equal(torch.rand(3), expected)


SCRIPT = """
import sys
from dataclasses import replace
from musig.sources.synthetic import make
from musig.splits import split_playlists
from musig.train import TrainConfig, train
from musig.training_data import prepare
catalog = make("smoke", seed=0)
data = prepare(catalog, split_playlists(catalog, seed=0))
config = TrainConfig(embedding_size=16, batch_size=64, epochs=200, evaluate_every=1, patience=999,
                     dropout=0.2, device="cpu")
train(data, config, sys.argv[1], progress=False)
"""


@pytest.mark.posix
@pytest.mark.slow
def test_killed_and_resumed_it_ends_as_if_it_had_not_been(tmp_path):
    """SIGKILL at a moment of its own choosing, several times; the same bits at the end."""
    environment = os.environ | {"OMP_NUM_THREADS": "1"}

    def start(folder):
        return subprocess.Popen([sys.executable, "-c", SCRIPT, str(folder)], env=environment)

    straight, killed = tmp_path / "straight", tmp_path / "killed"
    assert start(straight).wait() == 0
    kills = 0
    for pause in (0.05, 0.4, 1.1):
        process = start(killed)
        before = _modified(checkpoint.path_in(killed))
        while _modified(checkpoint.path_in(killed)) == before and process.poll() is None:
            time.sleep(0.01)
        time.sleep(pause)
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
            kills += 1
        process.wait()
    assert kills >= 2, "the training ended before it could be killed: make it longer"
    assert not modelfolder.is_finished(killed)
    assert start(killed).wait() == 0
    one, other = modelfolder.load(straight), modelfolder.load(killed)
    assert torch.equal(weights_of(one), weights_of(other))
    assert torch.equal(one.embeddings, other.embeddings)
    assert one.history.equals(other.history)


def _modified(path):
    return path.stat().st_mtime_ns if path.exists() else None


@pytest.mark.slow
@pytest.mark.parametrize(
    ("settings", "attributes"),
    [
        ({}, "known"),
        ({"epoch_over": "pairs"}, "known"),
        ({"balance": "uncertainty"}, "known"),  # the weights are learned, and go on being so
        ({"balance": "surgery"}, "known"),
        ({}, "none"),  # so are the attributes
    ],
)
def test_interrupted_between_checkpoints_it_ends_as_if_it_had_not_been(
    smoke_catalog, tmp_path, monkeypatch, settings, attributes
):
    """The same without a process: stop in the epoch after a checkpoint."""
    config = replace(QUICK, **settings)
    split = split_playlists(smoke_catalog, seed=0)
    data = prepare(smoke_catalog, split, attributes=attributes)
    straight = train(data, config, tmp_path / "straight", progress=False)
    folder, real_save, saves = tmp_path / "m", checkpoint.save, []

    def save_then_stop(*args):
        real_save(*args)
        saves.append(1)
        if len(saves) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(checkpoint, "save", save_then_stop)
    with pytest.raises(KeyboardInterrupt):
        train(data, config, folder, progress=False)
    assert not modelfolder.is_finished(folder)
    monkeypatch.undo()
    resumed = train(data, config, folder, progress=False)
    assert torch.equal(weights_of(resumed), weights_of(straight))
    assert torch.equal(resumed.x, straight.x) and torch.equal(
        resumed.embeddings, straight.embeddings
    )
    assert resumed.history.equals(straight.history)


def test_a_folder_is_not_resumed_with_other_settings_or_data(data, trained, smoke_catalog):
    with pytest.raises(MusigError, match=r"begun with dropout = 0.0, now asked for 0.5"):
        train(data, replace(QUICK, dropout=0.5), trained.folder, progress=False)
    other = prepare(smoke_catalog, split_playlists(smoke_catalog, seed=1))
    with pytest.raises(MusigError, match="begun with other data"):
        train(other, QUICK, trained.folder, progress=False)


def test_a_finished_training_is_read_not_repeated(data, trained):
    before = (trained.folder / "model.json").stat().st_mtime_ns
    again = train(data, QUICK, trained.folder, progress=False)
    assert (trained.folder / "model.json").stat().st_mtime_ns == before
    assert torch.equal(again.embeddings, trained.embeddings)


def test_early_stopping_keeps_the_best_weights(data, tmp_path):
    config = replace(QUICK, epochs=60, evaluate_every=1, patience=2, learning_rate=0.05)
    model = train(data, config, tmp_path / "m", progress=False)
    quality = model.history["valid_ndcg@100"]
    assert len(quality) < 60, "it should have stopped"
    assert quality.idxmax() == len(quality) - 1 - 2
    result = evaluate(model.scorer(), data.valid, data.catalog, ks=(100,))
    assert result.values("ndcg@100").mean() == pytest.approx(quality.max(), abs=1e-6)


class Explode(nn.Module):
    """A fourth task, and one that goes wrong."""

    name = "explode"

    def draw(self, size, generator):
        return Batch(torch.arange(4))

    def loss(self, z, rows, batch):
        return z.sum() * float("nan")


def test_a_loss_that_is_not_finite_stops_with_a_sentence(data, tmp_path):
    tasks = [*default_tasks(data, QUICK), (Explode(), 1.0)]
    with pytest.raises(MusigError, match=r"explode loss became nan in epoch 1 .*lower learning"):
        train(data, QUICK, tmp_path / "m", tasks, progress=False)


def test_tasks_with_other_settings_or_the_same_name_are_refused(data, trained, tmp_path):
    first, *rest = default_tasks(data, QUICK)
    assert trained.info["identity"]["tasks"]["cooccurrence"]["form"] == "softmax"
    other = [(CoOccurrence(data, "logistic"), 1.0), *rest]
    told = "begun with cooccurrence form = softmax, now asked for logistic"
    with pytest.raises(MusigError, match=told):
        train(data, QUICK, trained.folder, other, progress=False)
    with pytest.raises(MusigError, match="Two tasks are called 'cooccurrence'"):
        train(data, QUICK, tmp_path / "m", [first, first], progress=False)
    with pytest.raises(MusigError, match="No task was handed in"):
        train(data, QUICK, tmp_path / "m", [], progress=False)


class Uniform(nn.Module):
    """A fourth task: spread the embeddings over the sphere (Wang & Isola 2020)."""

    name = "uniform"

    def __init__(self, n_tracks):
        super().__init__()
        self.n_tracks = n_tracks

    def draw(self, size, generator):
        return Batch(torch.randint(self.n_tracks, (size,), generator=generator))

    def loss(self, z, rows, batch):
        return torch.pdist(z[rows]).square().mul(-2).exp().mean().log()

    def held_out(self, embed):
        return {"uniformity": float(torch.pdist(embed(None)).square().mul(-2).exp().mean().log())}


def test_a_fourth_task_is_one_class_handed_in(data, trained, tmp_path):
    tasks = [*default_tasks(data, QUICK), (Uniform(data.n_tracks), 5.0)]
    model = train(data, QUICK, tmp_path / "m", tasks, progress=False)
    spread = Uniform(data.n_tracks).held_out(lambda hidden: trained.embeddings)
    assert model.held_out["uniformity"] < spread["uniformity"]
    assert {"uniform", "genre", "similarity", "cooccurrence"} <= set(model.history)


def test_bfloat16_trains(data, tmp_path):
    model = train(data, replace(QUICK, precision="bf16"), tmp_path / "m", progress=False)
    assert model.embeddings.dtype == torch.float32
    full = train(data, QUICK, tmp_path / "full", progress=False).embeddings
    assert not torch.equal(model.embeddings, full), "precision was not used"
    assert (model.embeddings * full).sum(1).mean() > 0.9
    assert model.history["cooccurrence"].iloc[-1] < model.history["cooccurrence"].iloc[0]


@pytest.mark.gpu
def test_cuda_and_cpu_agree(data, tmp_path):
    cpu = train(data, replace(QUICK, epochs=2), tmp_path / "cpu", progress=False)
    cuda = train(data, replace(QUICK, epochs=2, device="cuda"), tmp_path / "cuda", progress=False)
    assert cuda.info["device"].startswith("cuda")
    assert cuda.history["genre"].iloc[-1] == pytest.approx(cpu.history["genre"].iloc[-1], rel=0.2)


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"hops": 0}, "hops is 0; expected a number above 0"),
        ({"steps": "fully"}, "steps is 'fully': did you mean 'full'"),
        ({"aggregator": "max", "steps": "full"}, "Set steps to 'sampled'"),
        ({"steps": "sampled", "hops": 4}, "2 numbers for 4 hops; expected one a hop but"),
        ({"aggregator": "max", "hops": 3}, "2 numbers for 3 hops; expected one a hop."),
        ({"contrast": 1}, "contrast is 1; expected 2 or more"),
        ({"fanouts": [5, -1]}, r"fanouts is \(5, -1\); expected numbers above 0"),
        ({"weight_genre": -1.0}, "task weights are"),
        ({"dropout": 1.0}, r"dropout is 1.0; expected a share in \[0, 1\)"),
        ({"epoch": 3}, "Unknown setting 'epoch': did you mean 'epochs'"),
    ],
)
def test_wrong_settings_are_refused(settings, sentence):
    with pytest.raises(MusigError, match=sentence):
        config_from(settings)


def test_no_task_at_all_is_refused(data):
    none = replace(QUICK, weight_cooccurrence=0, weight_similarity=0, weight_genre=0)
    with pytest.raises(MusigError, match="Every task has weight 0"):
        default_tasks(data, none)


@pytest.mark.skipif(torch.cuda.is_available(), reason="CUDA is here")
def test_cuda_where_there_is_none_is_refused(data, tmp_path):
    with pytest.raises(MusigError, match="torch sees no CUDA device"):
        train(data, replace(QUICK, device="cuda"), tmp_path / "m", progress=False)


# --- the MODEL folder -----------------------------------------------------------------------


def test_a_model_is_read_back_as_it_was_written(trained, data):
    model = modelfolder.load(trained.folder)
    assert list(model.tracks.index) == list(data.catalog.tracks.index)
    assert model.embeddings.shape == (data.n_tracks, 16)
    assert np.array_equal(Split.load(model.folder / "split.json").test, data.split.test)
    from musig.model import embed

    torch.testing.assert_close(embed(model.encoder, model.x, model.csr), model.embeddings)


def test_a_model_folder_holds_no_pickle(trained):
    kinds = {path.suffix for path in trained.folder.rglob("*") if path.is_file()}
    assert kinds == {".safetensors", ".json", ".parquet"}


def test_completion_leaves_out_the_seeds_and_knows_its_tracks(trained):
    seeds = list(trained.tracks.index[:3])
    table = trained.complete(seeds, k=5)
    assert list(table.columns) == ["rank", "track_id", "name", "artist", "score"]
    assert list(table["rank"]) == [1, 2, 3, 4, 5]
    assert not set(table["track_id"]) & set(seeds)
    assert table["score"].is_monotonic_decreasing
    with pytest.raises(MusigError, match=r"Track 'nobody' is not among the \d+ tracks"):
        trained.complete(["nobody"])
    with pytest.raises(MusigError, match="No seed was given"):
        trained.complete([])


def test_damaged_models_are_refused_in_a_sentence(trained, tmp_path, write_sealed):
    import shutil

    def copy(name):
        return shutil.copytree(trained.folder, tmp_path / name)

    short = copy("short")
    content = (short / "embeddings.safetensors").read_bytes()
    (short / "embeddings.safetensors").write_bytes(content[: len(content) // 2])
    with pytest.raises(MusigError, match="is not the file that was written"):
        modelfolder.load(short)
    missing = copy("missing")
    (missing / "graph.safetensors").unlink()
    with pytest.raises(MusigError, match=r"graph.safetensors is missing"):
        modelfolder.load(missing)
    later = copy("later")
    info = json.loads((later / "model.json").read_text())
    (later / "model.json").write_text(json.dumps(info | {"format": 99}))
    with pytest.raises(MusigError, match="is of format 99; this version of musig reads format 2"):
        modelfolder.load(later)
    changed = copy("changed")
    info["identity"]["config"]["hops"] += 1
    (changed / "model.json").write_text(json.dumps(info))
    with pytest.raises(MusigError, match=r"model\.json is not the file that was written"):
        modelfolder.load(changed)
    forged = copy("forged")  # with a checksum that fits what it says, and not with the weights
    write_sealed(forged, info)
    with pytest.raises(MusigError, match=r"not of one model \(RuntimeError: .*Missing key"):
        modelfolder.load(forged)
    del info["identity"]["config"]
    write_sealed(forged, info)
    with pytest.raises(MusigError, match=r"its files are not of one model \(KeyError: 'config'\)"):
        modelfolder.load(forged)
    other_split = copy("other_split")
    (other_split / "split.json").write_text("{}")
    with pytest.raises(MusigError, match=r"split\.json is not the file that was written"):
        modelfolder.load(other_split)
    unfinished = copy("unfinished")
    (unfinished / "model.json").unlink()
    with pytest.raises(MusigError, match="holds a training that was not finished"):
        modelfolder.load(unfinished)
    with pytest.raises(MusigError, match="is not a MODEL folder"):
        modelfolder.load(tmp_path)
    broken = copy("broken")
    (broken / "model.json").unlink()
    checkpoint.path_in(broken).write_bytes(b"no")
    data_free = checkpoint.path_in(broken)
    with pytest.raises(MusigError, match=r"cannot be read.*delete it to train from the start"):
        checkpoint.resume(
            broken, {}, trained.encoder, torch.optim.Adam(trained.encoder.parameters())
        )
    assert data_free.read_bytes() == b"no"


# --- science ---------------------------------------------------------------------------------


@pytest.mark.slow
def test_musig_beats_popularity_on_planted_data_and_loses_its_edge_on_a_shuffled_graph(tmp_path):
    from musig.catalog import Catalog, universe
    from musig.completion import holdout
    from musig.sources import synthetic

    catalog = synthetic.make("classroom", seed=0)
    split = split_playlists(catalog, seed=0)
    config = replace(
        QUICK, embedding_size=64, batch_size=512, epochs=60, evaluate_every=10, patience=3
    )

    def r_precision(catalog, groups, scorer=None):
        data = prepare(catalog, split, groups=groups, min_weight=1)
        tracks = universe(catalog, split.train, data.settings["min_playlists"])
        held = holdout(catalog, tracks, split.test, seed=0)
        if scorer is None:
            folder = tmp_path / f"{catalog.name}-{len(groups)}"
            scorer = train(data, config, folder, progress=False).scorer()
        scorer = scorer.fit(data.catalog, split)
        return evaluate(scorer, held, data.catalog, ks=(10,)).values("r_precision").mean()

    groups = ("GENRE", "POPULARITY", "AUDIO")
    musig = r_precision(catalog, groups)
    popularity = r_precision(catalog, groups, Popularity())
    assert musig > 2 * popularity

    mixed = shuffled(catalog.playlists, np.random.default_rng(0))
    control = Catalog(catalog.tracks, mixed, "shuffled")
    assert r_precision(control, groups) < 1.5 * r_precision(control, groups, Popularity())
