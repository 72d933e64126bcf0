"""Training: a step on the whole graph, an epoch of sampled steps, an epoch over all pairs.

On the music graph of the `paper` catalogue, with its attributes; in turn, CPU seconds:

- the product of the graph with 128 columns, against torch's sparse product and scipy's;
- a step on the full graph (forward, backward, Adam; two hops, width 128) against PyG's `SAGEConv`
  on the graph as torch CSR and as `EdgeIndex`. `SAGEConv` ignores weights, so here all are 1, and
  the two encoders have the same parameters;
- an epoch with every track as a seed once, 512 a step, neighbours sampled, against the dense
  arithmetic of the same steps alone: matrix products, normalisation and Adam on inputs that lie
  there already. And against PyG's `NeighborLoader`, where the library it needs is installed;
- a step of all three tasks, genre hidden, sampled against full, at three batch sizes;
- an epoch over all pairs, co-occurrence alone: steps on the full graph against our own sampled
  steps, of which some are timed and the rest reckoned.

    python benchmarks/training.py    # about five minutes
    python benchmarks/training.py --size classroom --min-weight 5 --repeats 2
    python benchmarks/training.py --quality --data mpd_sample --min-playlists 8 --min-weight 2

The last one trains, and compares the time to the same quality on validation playlists: an epoch
over pairs has few steps on the full graph and many sampled ones, and does not teach the same.
"""

from __future__ import annotations

import math
import sys
import warnings
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from side_by_side import THREADS, Took, compare, entry, finish, growth, parser, took  # isort: skip

import numpy as np
import torch
from scipy import sparse
from torch import Tensor
from torch.nn import functional as F
from torch_geometric import EdgeIndex
from torch_geometric.nn import SAGEConv

from musig import sources
from musig.device import step_generator
from musig.model import Encoder
from musig.product import product
from musig.sampling import build_alias, full_blocks, sample_blocks
from musig.splits import Split, split_playlists
from musig.train import (
    Network,
    TrainConfig,
    _validation_quality,
    default_tasks,
    steps_an_epoch,
    steps_for,
)
from musig.training_data import TrainingData, prepare

WIDTH, SEEDS, FANOUT = 128, 512, 25
BAR_PYG, BAR_DENSE, BAR_PAIRS = 3.0, 0.5, 15.0
"""Times as fast as PyG's step; of the dense arithmetic's speed; as our own sampled epoch."""

Step = Callable[[], Tensor]


def step_of(network: torch.nn.Module, forward: Callable[[], Tensor], pull: Tensor) -> Step:
    """One step of training: forward, backward, Adam; returns the embeddings from before it."""
    optimiser = torch.optim.Adam(network.parameters(), lr=0.0)  # so that every repeat is the same

    def step() -> Tensor:
        optimiser.zero_grad()
        z = forward()
        (z * pull).sum().backward()
        optimiser.step()
        return z.detach()

    return step


def products(data: TrainingData, repeats: int) -> list[dict[str, Any]]:
    """Time the product alone."""
    matrix = full_blocks(data.csr, 1)[0].matrix()
    h = torch.randn(data.n_tracks, WIDTH, generator=torch.Generator().manual_seed(0))
    parts = (matrix.values(), matrix.col_indices(), matrix.crow_indices())
    other = sparse.csr_array(tuple(part.numpy() for part in parts), shape=matrix.shape)
    peers = {
        "torch, sparse CSR": lambda: matrix @ h,
        "scipy.sparse": lambda: torch.from_numpy(other @ h.numpy()),
    }
    what = f"graph times {WIDTH} columns, {len(data.csr.indices):,} entries"
    return compare(what, lambda: product(matrix, h), peers, close, repeats=repeats)


def full_step(data: TrainingData, repeats: int) -> list[dict[str, Any]]:
    """Time a step on the full graph."""
    csr = replace(data.csr, weight=torch.ones_like(data.csr.weight))
    x, n = torch.from_numpy(data.attributes.x), data.n_tracks
    pull = torch.randn(n, WIDTH, generator=torch.Generator().manual_seed(0))
    encoder = Encoder(x.shape[1], WIDTH, hops=2)
    (block,) = full_blocks(csr, 1)
    gathered = product(block.matrix(), x)
    ours = step_of(encoder, lambda: encoder(x, [block, block]), pull)
    known = step_of(encoder, lambda: encoder(x, [block], gathered=gathered), pull)

    def theirs(adjacency: Any) -> Step:
        layers = torch.nn.ModuleList([SAGEConv(x.shape[1], WIDTH), SAGEConv(WIDTH, WIDTH)])
        for k, layer in enumerate(layers):
            hop = encoder.hop(k)
            layer.lin_l.weight.data, layer.lin_l.bias.data = (
                hop.neighbours.weight.data,
                hop.own.bias.data,
            )
            layer.lin_r.weight.data = hop.own.weight.data

        def forward() -> Tensor:
            h = F.normalize(F.relu(layers[0](x, adjacency)), dim=1)
            return F.normalize(layers[1](h, adjacency), dim=1)

        return step_of(layers, forward, pull)

    rows = torch.arange(n).repeat_interleave(csr.degree)
    ones = torch.ones(len(csr.indices))
    adjacency = torch.sparse_csr_tensor(csr.indptr, csr.indices, ones, (n, n))
    edges = EdgeIndex(
        torch.stack([csr.indices, rows]), sparse_size=(n, n), sort_order="col", is_undirected=True
    ).fill_cache_()
    what = f"a step on the full graph, width {WIDTH}, two hops, forward, backward, Adam"
    csr_peer = {"PyG SAGEConv on torch CSR": theirs(adjacency)}
    return [
        *compare(
            what, ours, csr_peer, close, bars={name: BAR_PYG for name in csr_peer}, repeats=repeats
        ),
        *compare(f"{what}, our first hop known before", known, csr_peer, close, repeats=repeats),
        *compare(what, ours, {"PyG SAGEConv on EdgeIndex": theirs(edges)}, close, repeats=1),
    ]


def sampled_epoch(data: TrainingData, repeats: int) -> list[dict[str, Any]]:
    """Time an epoch in which every track is a seed once."""
    x, csr = torch.from_numpy(data.attributes.x), data.csr
    encoder, alias = Encoder(x.shape[1], WIDTH, hops=2), build_alias(csr)
    optimiser = torch.optim.Adam(encoder.parameters())
    gathered = product(full_blocks(csr, 1)[0].matrix(), x)
    seeds = torch.randperm(data.n_tracks, generator=torch.Generator().manual_seed(0)).split(SEEDS)
    pull = torch.randn(SEEDS, WIDTH)

    def ours() -> None:
        for step, batch in enumerate(seeds):
            nodes, blocks = sample_blocks(
                csr, alias, batch, (FANOUT,), torch.Generator().manual_seed(step)
            )
            optimiser.zero_grad()
            z = encoder(x[nodes], blocks, gathered=gathered[nodes])
            (z * pull[: len(z)]).sum().backward()
            optimiser.step()

    # The same shapes, with everything that is not dense arithmetic done before.
    prepared = []
    for step, batch in enumerate(seeds):
        nodes, _ = sample_blocks(csr, alias, batch, (FANOUT,), torch.Generator().manual_seed(step))
        upper = torch.randn(len(nodes), WIDTH)
        prepared.append((x[nodes], gathered[nodes], upper, torch.randn(len(batch), WIDTH)))

    def dense() -> None:
        for own, known, upper, heard in prepared:
            optimiser.zero_grad()
            h = encoder.hop(0).join(own, known, last=False)
            z = encoder.hop(1).join(h[: len(heard)], heard, last=True)
            # what the first hop hears of the second is a gradient of this shape
            ((z * pull[: len(z)]).sum() + (h * upper).sum()).backward()
            optimiser.step()

    what = (
        f"an epoch of {data.n_tracks:,} seeds, {SEEDS} a step, two hops, the first known before, "
        f"the second sampled {FANOUT}, nothing hidden"
    )
    peer = "the dense arithmetic alone"
    entries = compare(what, ours, {peer: dense}, None, bars={peer: BAR_DENSE}, repeats=repeats)
    return entries + neighbour_loader(data, what, ours, encoder, repeats)


def neighbour_loader(
    data: TrainingData, what: str, ours: Callable[[], None], encoder: Encoder, repeats: int
) -> list[dict[str, Any]]:
    """Time the same epoch with PyG's loader, which samples evenly, where it can be had."""
    from torch_geometric.data import Data
    from torch_geometric.loader import NeighborLoader

    rows = torch.arange(data.n_tracks).repeat_interleave(data.csr.degree)
    graph = Data(
        x=torch.from_numpy(data.attributes.x), edge_index=torch.stack([data.csr.indices, rows])
    )
    try:
        with warnings.catch_warnings(action="ignore"):  # the error says the same
            loader = NeighborLoader(
                graph, [FANOUT, 10], batch_size=SEEDS, shuffle=True, replace=True
            )
            next(iter(loader))
    except ImportError as error:
        print(f"PyG NeighborLoader: left out ({str(error).splitlines()[0]})")
        return []
    layers = torch.nn.ModuleList([SAGEConv(graph.num_features, WIDTH), SAGEConv(WIDTH, WIDTH)])
    optimiser = torch.optim.Adam(layers.parameters())

    def theirs() -> None:
        for batch in loader:
            optimiser.zero_grad()
            h = F.normalize(F.relu(layers[0](batch.x, batch.edge_index)), dim=1)
            z = F.normalize(layers[1](h, batch.edge_index)[: batch.batch_size], dim=1)
            z.sum().backward()
            optimiser.step()

    return compare(what, ours, {"PyG NeighborLoader and SAGEConv": theirs}, None, repeats=repeats)


ALONE = TrainConfig(weight_similarity=0, weight_genre=0, contrast=128)
"""Co-occurrence alone; each pair is held against 127 others, whatever the batch."""
CONFIGS = {
    "full": replace(ALONE, steps="full", epoch_over="pairs", batch_size=200_000),
    "sampled": replace(ALONE, steps="sampled", epoch_over="pairs", batch_size=512),
    "tracks": replace(ALONE, steps="full", epoch_over="tracks", batch_size=4096),
}
"""All pairs on the full graph; all pairs in GraphSAGE's batches of 512; and tracks, which is the
default: each once, its positive drawn by weight."""


class Training:
    """A training of which some steps at a time can be timed."""

    def __init__(self, data: TrainingData, config: TrainConfig) -> None:
        torch.manual_seed(config.seed)
        self.config, self.done, self.data = config, 0, data
        self.epoch = steps_an_epoch(config, data)
        self.net = Network(data, config, default_tasks(data, config))
        self.net.place_graph(data, torch.device("cpu"))
        self.optimiser = torch.optim.Adam(self.net.parameters(), lr=config.learning_rate)

    def run(self, steps: int) -> None:
        """Do some steps more."""
        for step in range(self.done, self.done + steps):
            losses = self.net(step_generator(self.config.seed, step, "cpu"))
            total = sum(self.net.weights[name] * loss for name, loss in losses.items())
            self.optimiser.zero_grad()
            total.backward()
            self.optimiser.step()
        self.done += steps

    def until(self, quality: float, epochs: int) -> tuple[Took, float]:
        """Train until validation reaches a quality; what that took, validation not counted."""
        cpu = wall = found = 0.0
        for _ in range(epochs):
            part = took(lambda: self.run(self.epoch))
            cpu, wall = cpu + part.cpu, wall + part.wall
            found = _validation_quality(self.net, self.data)
            print(
                f"  epoch {self.done // self.epoch}: {cpu:.0f} s, ndcg@100 {found:.4f}", flush=True
            )
            if found >= quality:
                break
        return Took(cpu, wall, None), found


def either_way(data: TrainingData, repeats: int, steps: int = 4) -> list[dict[str, Any]]:
    """Time steps of all three tasks, genre hidden, sampled against full: what "auto" chooses of."""
    entries = []
    for size in (256, 1024, 4096):
        ways = {
            way: Training(data, TrainConfig(steps=way, batch_size=size))
            for way in ("sampled", "full")
        }
        auto = steps_for(TrainConfig(batch_size=size), data)
        entries += compare(
            f"{steps} steps of three tasks, {size:,} a batch, sampled (auto: {auto})",
            lambda ways=ways: ways["sampled"].run(steps),
            {"our full steps": lambda ways=ways: ways["full"].run(steps)},
            None,
            repeats=repeats,
        )
    return entries


def pairs_epoch(data: TrainingData, repeats: int, timed: int = 40) -> list[dict[str, Any]]:
    """Time all pairs once: full steps against sampled ones."""
    memory = growth(lambda: Training(data, CONFIGS["full"]).run(1))
    full, sampled = Training(data, CONFIGS["full"]), Training(data, CONFIGS["sampled"])
    full.run(1)
    sampled.run(1)
    own, theirs = [], []
    for _ in range(repeats):
        own.append(took(lambda: full.run(full.epoch)))
        part = took(lambda: sampled.run(timed))
        scale = sampled.epoch / timed
        theirs.append(Took(part.cpu * scale, part.wall * scale, None))
    size = CONFIGS["full"].batch_size
    what = f"an epoch over {len(data.csr.indices) // 2:,} pairs, full graph, {size:,} a step"
    peer = f"our sampled steps, 512 pairs each, {timed} of {sampled.epoch:,} timed"
    return [entry(what, peer, own, theirs, bar=BAR_PAIRS, equal=None) | {"memory_mb": memory}]


def same_quality(data: TrainingData) -> list[dict[str, Any]]:
    """Time each way to the validation quality that one sampled epoch over all pairs gives."""
    print("sampled, all pairs")
    theirs, quality = Training(data, CONFIGS["sampled"]).until(math.inf, epochs=1)
    entries = []
    for name, what in {"full": "all pairs, full graph", "tracks": "tracks, full graph"}.items():
        print(what)
        own, reached = Training(data, CONFIGS[name]).until(quality, epochs=150)
        peer = f"sampled steps of 512 pairs, one epoch over {len(data.csr.indices) // 2:,}"
        work = f"co-occurrence to validation ndcg@100 of {quality:.3f}: {what}"
        bar, equal = BAR_PAIRS if name == "full" else None, bool(reached >= quality)
        entries.append(entry(work, peer, [own], [theirs], bar=bar, equal=equal))
    return entries


def close(one: Tensor, other: Tensor) -> bool:
    """Equal but for rounding."""
    return torch.allclose(one, other, rtol=1e-4, atol=1e-5)


def main() -> int:
    """Measure, print, write ``_build/bench.json``; 1 if a bar is missed or results differ."""
    options = parser(__doc__)
    options.add_argument("--size", default="paper", help="of the synthetic catalogue")
    options.add_argument("--data", default="", help="instead: a folder, such as mpd_sample")
    options.add_argument("--min-playlists", type=int, default=3)
    options.add_argument("--min-weight", type=int, default=10)
    options.add_argument("--quality", action="store_true", help="train to equal quality instead")
    arguments = options.parse_args()
    torch.set_num_threads(THREADS)
    warnings.filterwarnings("ignore", message="Sparse")  # torch's, of its sparse tensors

    catalog = sources.load(arguments.data, f"embedded-{arguments.size}", seed=0)
    if arguments.quality:
        split = split_playlists(catalog, 0)
    else:  # every playlist, as the paper counts; the first are named again only to be there
        some = np.arange(100)
        split = Split(np.arange(len(catalog.playlists)), some, some, seed=0, name="all train")
    rows = {"min_playlists": arguments.min_playlists, "min_weight": arguments.min_weight}
    data = prepare(catalog, split, **rows)
    repeats = arguments.repeats
    if arguments.quality:
        entries = same_quality(data)
    else:
        entries = [
            *pairs_epoch(data, min(repeats, 3)),  # first: its memory is measured
            *products(data, repeats),
            *full_step(data, repeats),
            *sampled_epoch(data, repeats),
            *either_way(data, repeats),
        ]
    for one in entries:
        one["work"] += f", {catalog.name}"
    full_size = arguments.size == "paper"
    return finish(entries, arguments.out, full_size)


if __name__ == "__main__":
    sys.exit(main())
