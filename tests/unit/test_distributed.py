"""Several processes train as one does, and go on after one is lost."""

import json
import os
import subprocess
import sys
from dataclasses import asdict, replace

import pytest
import torch

from musig import distributed
from musig.distributed import _join, is_first, part_of, processes, require_shareable
from musig.errors import MusigError
from musig.model import Encoder
from musig.modelfolder import load
from musig.sampling import build_alias, sample_blocks
from musig.splits import split_playlists
from musig.train import TrainConfig, train
from musig.training_data import prepare

QUICK = TrainConfig(
    embedding_size=16, batch_size=64, epochs=4, evaluate_every=2, patience=9, device="cpu"
)
WAYS = {
    "full": replace(QUICK, steps="full"),
    "sampled": replace(QUICK, steps="sampled", fanouts=(4, 3), hops=3),
    "pairs": replace(QUICK, steps="full", epoch_over="pairs", balance="uncertainty"),
    "thinned": replace(QUICK, drop_edges=0.3, drop_tracks=0.2),
    "max": replace(QUICK, steps="sampled", aggregator="max", fanouts=(4, 3)),
    "learned": replace(QUICK, steps="full"),
}
"""What may be asked for; the last with attributes that are learned."""
WORKER = """
import json, os, signal, sys
from pathlib import Path
from musig import distributed
from musig.sources.synthetic import make
from musig.splits import split_playlists
from musig.train import config_from
from musig.training_data import prepare

class Mortal(distributed.SharedNetwork):
    steps_done = 0
    def forward(self, generator):
        self.steps_done += 1
        wanted = os.environ.get("MUSIG_TEST_DIES_AT")
        first_life = os.environ["TORCHELASTIC_RESTART_COUNT"] == "0"
        if os.environ["RANK"] == "1" and first_life and str(self.steps_done) == wanted:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().forward(generator)

distributed.SharedNetwork = Mortal
catalog = make("smoke")
split = split_playlists(catalog, seed=0)
for name, settings in json.loads(sys.argv[1]).items():
    data = prepare(catalog, split, attributes="none" if name == "learned" else "known")
    folder = Path(sys.argv[2]) / name
    distributed.train_together(data, config_from(settings), folder, progress=False)
"""


def torchrun(arguments, *options, processes=2, **environment):
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    command += ["--nproc-per-node", str(processes), *options, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, env=os.environ | environment)


def trainings(place, ways, *options, **environment):
    """Train in two processes; where the models are, and what torchrun said."""
    script = place / "worker.py"
    script.write_text(WORKER, encoding="utf-8")
    settings = json.dumps({name: asdict(way) for name, way in ways.items()})
    done = torchrun([script, settings, place / "models"], *options, **environment)
    assert done.returncode == 0, done.stderr[-3000:]
    return place / "models", done.stderr


def losses(folder):
    """Every number of the history, a row an epoch."""
    info = json.loads((folder / "model.json").read_text("utf-8"))
    return torch.tensor([list(row.values())[:4] for row in info["history"]])


def valid(folder):
    info = json.loads((folder / "model.json").read_text("utf-8"))
    return [row["valid_ndcg@100"] for row in info["history"] if "valid_ndcg@100" in row]


@pytest.fixture(scope="module")
def data(smoke_catalog):
    return prepare(smoke_catalog, split_playlists(smoke_catalog, seed=0))


def test_a_part_of_sampled_blocks_embeds_its_receivers_alike(data):
    nodes = torch.arange(5, 95, 3)
    sources, blocks = sample_blocks(
        data.csr, build_alias(data.csr), nodes, (4, 3, 2), torch.Generator().manual_seed(0)
    )
    x = torch.from_numpy(data.attributes.x)
    encoder = Encoder(x.shape[1], 16, hops=3)
    whole = encoder(x[sources], blocks)
    for start, stop in ((0, 11), (11, 30), (7, 7)):
        some, cut = part_of(sources, blocks, start, stop)
        assert len(some.unique()) == len(some) <= len(sources)
        torch.testing.assert_close(encoder(x[some], cut), whole[start:stop])


def test_what_processes_cannot_share_is_refused():
    require_shareable(TrainConfig(batch_size=1000), 4)
    require_shareable(TrainConfig(batch_size=1000, balance="surgery"), 1)
    with pytest.raises(MusigError, match="multiple of 3, such as 1002"):
        require_shareable(TrainConfig(batch_size=1000), 3)
    with pytest.raises(MusigError, match=r"surgery.*Set balance to 'fixed'"):
        require_shareable(TrainConfig(balance="surgery"), 2)


def test_a_lost_process_is_told_in_a_sentence(monkeypatch, data, tmp_path):
    def lost(*arguments):
        raise RuntimeError("[gloo/transport/tcp/pair.cc:537] Connection reset by peer")

    def wrong(*arguments):
        raise RuntimeError("something else")

    monkeypatch.setattr(distributed, "processes", lambda: 2)
    monkeypatch.setattr(distributed, "open_shared", lambda *arguments: None)
    monkeypatch.setattr(distributed, "train", lost)
    with pytest.raises(MusigError, match=r"process was lost .* go on from the last"):
        distributed.train_together(data, QUICK, tmp_path)
    monkeypatch.setattr(distributed, "train", wrong)
    with pytest.raises(RuntimeError, match="something else"):
        distributed.train_together(data, QUICK, tmp_path)


def test_restarts_of_several_machines_need_a_store_each(monkeypatch):
    monkeypatch.setenv("TORCHELASTIC_USE_AGENT_STORE", "True")
    monkeypatch.setenv("TORCHELASTIC_MAX_RESTARTS", "3")
    with pytest.raises(MusigError, match="TORCH_DISABLE_SHARE_RDZV_TCP_STORE=1"):
        _join("gloo", several=True)
    monkeypatch.setenv("TORCHELASTIC_USE_AGENT_STORE", "False")
    _join("gloo", several=True)  # left to Fabric


def test_a_world_size_that_is_not_torchruns_means_nothing(monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "8")  # as some batch systems set it
    monkeypatch.setenv("RANK", "3")
    assert processes() == 1 and is_first()


@pytest.fixture(scope="module")
def together(tmp_path_factory):
    """Models of two processes, trained in every way."""
    return trainings(tmp_path_factory.mktemp("together"), WAYS)[0]


@pytest.mark.slow
@pytest.mark.parametrize("name", WAYS)
def test_two_processes_have_the_loss_curve_of_one(data, smoke_catalog, together, tmp_path, name):
    if name == "learned":
        data = prepare(smoke_catalog, data.split, attributes="none")
    train(data, WAYS[name], tmp_path / "one", progress=False)
    alone = losses(tmp_path / "one")
    assert alone.shape == (4, 4)
    torch.testing.assert_close(losses(together / name), alone, rtol=2e-5, atol=1e-6)
    assert valid(together / name) == pytest.approx(valid(tmp_path / "one"), abs=2e-3)


@pytest.mark.slow
def test_a_training_goes_on_when_a_worker_is_lost(together, tmp_path):
    """After the second epoch it has a checkpoint; it dies in the third, and ends bit by bit."""
    way = {"full": WAYS["full"]}
    models, told = trainings(tmp_path, way, "--max-restarts", "1", MUSIG_TEST_DIES_AT="13")
    assert "exitcode: -9" in told, told[-3000:]
    assert torch.equal(losses(models / "full"), losses(together / "full"))
    assert torch.equal(load(models / "full").embeddings, load(together / "full").embeddings)


@pytest.mark.slow
def test_the_command_trains_under_torchrun_and_refuses_once_for_all(tmp_path):
    command = ["-m", "musig.cli", "train", "--dataset", "embedded-smoke", "--groups", "GENRE,AUDIO"]
    command += ["--epochs", "1", "--device", "cpu", "--out", tmp_path / "MODEL"]
    refused = torchrun([*command, "--batch-size", "64"], processes=3)
    assert refused.returncode == 1
    assert "error: batch_size is 64, which 3 processes cannot share" in refused.stderr
    assert not (tmp_path / "MODEL").exists()
    done = torchrun([*command, "--batch-size", "63"], processes=3)
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.count("trained in") == 1
    assert len(load(tmp_path / "MODEL").tracks) > 0
    assert (tmp_path / "MODEL" / "run.json").exists()
