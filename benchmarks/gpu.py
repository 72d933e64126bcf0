"""Training on a GPU: what an epoch takes, and how near the card's own limits the product comes.

For a machine with CUDA that may have no network, no data and few packages: torch 2.11 or newer,
torch_geometric (with the tqdm it brings) and numpy are enough. From the repository alone this makes
playlists of the paper's size by the rules of the synthetic catalogue, and measures, one after the
other, writing one JSON after each:

- ``limits``: bytes a second of a copy on the card, operations a second of matrix products;
- ``aggregation``: the product of the graph with 128 columns, as :mod:`musig.product` does it and in
  other ways, beside the roofline: the longest of the time that the bytes need and the operations;
- ``equality``: embeddings, losses and gradients of one batch, there against the CPU's;
- ``round_trips``: where in an epoch the host waits for the card, and what is copied between them;
- ``pairs``: an epoch over all positive pairs, co-occurrence alone, on the full graph: float32 and
  bfloat16, with and without torch.compile, with the scores of the loss in larger pieces, with a
  dense product;
- ``training``: 50 epochs of three tasks in batches of 4,096 with an evaluation every five, as the
  profile ``paper`` has it, without files;
- ``train``: the same by :func:`musig.train.train` with all files. Needs numba, pandas, pyarrow,
  scipy, scikit-learn, safetensors and lightning-fabric; left out without.

A part that fails is an ``error`` in the JSON, and the next one runs. Where there is no CUDA the
same runs on the CPU, and says so: to see that it works, not to measure.

    python benchmarks/gpu.py                              # minutes on a data-centre card
    python benchmarks/gpu.py --size smoke --device cpu    # half a minute
    python benchmarks/gpu.py --only limits,aggregation --out limits.json
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import sys
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

NEEDS = (
    "benchmarks/gpu.py needs torch 2.11 or newer, torch_geometric, tqdm and numpy, and the "
    "repository's folder musig beside its own."
)
try:
    import numpy as np
    import torch
    from torch import Tensor, nn
    from torch.nn import functional as F
except ImportError as error:
    sys.exit(f"error: {error}. {NEEDS}")

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

ABSENT: list[str] = []
"""Packages for which something else stands in, in the order in which they were asked for."""
OPTIONAL = (
    "filelock",
    "ijson",
    "joblib",
    "llvmlite",
    "numba",
    "pandas",
    "platformdirs",
    "pooch",
    "pyarrow",
    "pyloudnorm",
    "safetensors",
    "scipy",
    "soundfile",
)
"""What musig imports and this does without."""


class Nothing:
    """What is imported of an absent package: it may be named, and not used."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __getattr__(self, name: str) -> Nothing:
        return Nothing(f"{self.name}.{name}")

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        """Refuse to be used."""
        raise ImportError(
            f"{self.name} is needed here and {self.name.split('.')[0]} is not installed: install "
            "it, or leave this part out with --only."
        )


class Transposable:
    """Of scipy's sparse arrays what :mod:`musig.sampling` asks for: columns out of rows."""

    def __init__(self, parts: tuple[np.ndarray, ...], shape: tuple[int, int]) -> None:
        self.data, self.indices, self.indptr = parts
        self.shape = shape

    def tocsc(self) -> Transposable:
        """Give the same by columns."""
        order = np.argsort(self.indices, kind="stable")
        rows = np.repeat(np.arange(self.shape[0], dtype=self.indptr.dtype), np.diff(self.indptr))
        counts = np.bincount(self.indices, minlength=self.shape[1])
        indptr = np.concatenate([[0], np.cumsum(counts)]).astype(self.indptr.dtype)
        return Transposable((self.data[order], rows[order], indptr), self.shape)


def _as_is(*given: Any, **options: Any) -> Any:
    """Decorate nothing: a loop for a compiler is a slow loop without one."""
    return given[0] if given and callable(given[0]) else lambda function: function


def _special(name: str) -> Callable[[Any], Any]:
    function = getattr(torch.special, name)
    return lambda x: function(torch.as_tensor(np.asarray(x, dtype=np.float64))).numpy()


STAND_INS: dict[str, dict[str, Any]] = {
    "numba": {"njit": _as_is, "prange": range},
    "numba.extending": {"intrinsic": _as_is},
    "scipy.sparse": {"csr_array": Transposable},
    "scipy.special": {name: _special(name) for name in ("expit", "logit", "ndtr", "ndtri")},
}


class StandIns(MetaPathFinder, Loader):
    """The last to be asked for a module: answers for the optional packages that nobody found."""

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        """Offer a stand-in for an absent package and its modules."""
        package = name.split(".")[0]
        if package not in OPTIONAL or (package in sys.modules and package not in ABSENT):
            return None
        if package not in ABSENT:
            ABSENT.append(package)
        return ModuleSpec(name, self, is_package=True)

    def create_module(self, spec: Any) -> ModuleType:
        """Make a module of which everything can be imported."""
        module = ModuleType(spec.name)

        def missing(name: str) -> Any:
            if name.startswith("__"):
                raise AttributeError(name)
            return Nothing(f"{spec.name}.{name}")

        vars(module).update(STAND_INS.get(spec.name, {}), __getattr__=missing)
        return module

    def exec_module(self, module: ModuleType) -> None:
        """Run nothing."""

    def leave(self) -> None:
        """Let later imports fail as they should: libraries ask what is there, and adapt."""
        sys.meta_path.remove(self)
        for name in list(sys.modules):
            if name.split(".")[0] in ABSENT and name not in ("scipy", "scipy.sparse"):
                del sys.modules[name]


stand_ins = StandIns()
sys.meta_path.append(stand_ins)

try:
    from musig import contrast, sampling
    from musig import model as model_module
    from musig import tasks as tasks_module
    from musig import train as train_module
    from musig.alias import AliasTables, build_alias
    from musig.csr import CSR
    from musig.device import step_generator
    from musig.features import Attributes
    from musig.product import product
    from musig.sampling import full_blocks
    from musig.sources.synthetic import SIZES
    from musig.sources.synthetic_draws import fill_distinct
    from musig.sources.synthetic_playlists import Sampler, choose_themes, lognormal_lengths
    from musig.sources.synthetic_themes import plant_themes
    from musig.sources.synthetic_tracks import plant
    from musig.tasks import CoOccurrence, Genre, Similarity
    from musig.train import Network, TrainConfig, steps_an_epoch, steps_for
except ImportError as error:
    sys.exit(f"error: {error}. {NEEDS}")

import_module("scipy.sparse")  # for musig.sampling, which asks for it when a step needs it
stand_ins.leave()

NEEDED_TO_TRAIN = (
    "lightning_fabric",
    "numba",
    "pandas",
    "pyarrow",
    "safetensors",
    "scipy",
    "sklearn",
)
WIDTH, MIN_WEIGHT = 128, {"smoke": 1, "classroom": 5, "paper": 10}
PIECES = 2**26
"""Scores at a time on a card: 256 MB, instead of what a CPU's cache holds."""
TABLES: dict[int, AliasTables] = {}
BARS = {
    "all positive pairs, seconds an epoch": (1.0, "below"),
    "the whole training of profile paper, seconds": (60.0, "below"),
    "aggregation, the fastest way's share of its roofline": (0.5, "above"),
}


# --- data of the paper's size ------------------------------------------------------------------


def playlists_of(size: str, seed: int = 0) -> tuple[np.ndarray, np.ndarray, Any]:
    """Draw the entries of the synthetic playlists: which playlist, which track; and the truth."""
    s = SIZES[size]
    for_tracks, for_themes, rng = np.random.default_rng(seed).spawn(5)[:3]
    tracks = plant(s.n_tracks, s.n_artists, s.n_genres, s.exponent, for_tracks)
    themes = plant_themes(s.n_themes, s.n_genres, tracks, for_themes)
    lengths = lognormal_lengths(s.n_playlists, s.median_length, s.sigma_length, s.max_length, rng)
    sampler = Sampler(tracks, themes, choose_themes(s.n_playlists, themes.weight, rng), rng)
    playlist, track, _ = fill_distinct(lengths, s.n_tracks, sampler.draw)
    order = np.argsort(playlist, kind="stable")
    return playlist[order], track[order], tracks


def graph_of(
    playlist: np.ndarray, track: np.ndarray, n: int, min_weight: int, device: torch.device
) -> CSR:
    """Count in how many playlists two tracks are, by dense products: exact up to 2^24."""
    counts = torch.zeros(n, n, device=device)
    ends = np.searchsorted(playlist, np.arange(0, playlist[-1] + 2048, 2048))
    for start, end in pairwise(ends):
        member = torch.zeros(2048, n, device=device)
        rows = torch.from_numpy(playlist[start:end] % 2048).to(device)
        member[rows.long(), torch.from_numpy(track[start:end]).to(device).long()] = 1.0
        counts.addmm_(member.T, member)
    counts.fill_diagonal_(0)
    linked = counts > min_weight
    indptr = F.pad(linked.sum(1).cumsum(0), (1, 0))
    indices = linked.nonzero()[:, 1]
    return CSR(*(t.cpu() for t in (indptr, indices, counts[linked])), n, n)


def data_of(size: str, device: torch.device) -> SimpleNamespace:
    """Make what a network and its tasks ask of training data; all playlists make the graph."""
    playlist, track, truth = playlists_of(size)
    n = SIZES[size].n_tracks
    csr = graph_of(playlist, track, n, MIN_WEIGHT[size], device)
    rng = np.random.default_rng(1)
    count = np.log1p(np.bincount(track, minlength=n))
    genre, n_genres = truth.genre, SIZES[size].n_genres
    unknown = np.zeros((n, 1))
    groups: dict[str, np.ndarray] = {
        "GENRE": np.eye(n_genres)[genre],
        "POPULARITY": ((count - count.mean()) / count.std())[:, None],
        "AUDIO": truth.z,
        "ACOUSTIC": rng.standard_normal((n, 8)),
    }
    spans, at = {}, 0
    for name, values in groups.items():  # each with its column "unknown"
        spans[name], at = (at, at + values.shape[1] + 1), at + values.shape[1] + 1
    x = np.concatenate([part for values in groups.values() for part in (values, unknown)], axis=1)
    chosen = rng.permutation(int(playlist[-1]) + 1)[: max(1, int(playlist[-1]) // 10)]
    held = np.isin(playlist, chosen)
    _, row = np.unique(playlist[held], return_inverse=True)
    return SimpleNamespace(
        csr=csr,
        n_tracks=n,
        attributes=Attributes(x.astype(np.float32), tuple(map(str, range(at))), spans, {}),
        settings={"min_weight": MIN_WEIGHT[size]},
        genre=torch.from_numpy(np.eye(n_genres, dtype=np.float32)[genre]),
        sound={name: torch.from_numpy(groups[name]).float() for name in ("AUDIO", "ACOUSTIC")},
        # Entries of the playlists to complete, in their order; a random half of them are seeds.
        valid=(row, track[held].astype(np.int64), rng.random(held.sum()) < 0.5),
    )


class BareSimilarity(Similarity):
    """The task of that name, of arrays instead of a table."""

    def __init__(self, data: SimpleNamespace, embedding_size: int) -> None:
        nn.Module.__init__(self)
        self.project = nn.ModuleDict()
        for group, features in data.sound.items():
            self.register_buffer(f"features_{group}", features, persistent=False)
            rows = torch.arange(data.n_tracks)
            self.register_buffer(f"supervised_{group}", rows, persistent=False)
            self.project[group] = nn.Linear(embedding_size, 32, bias=False)


class BareGenre(Genre):
    """The task of that name, of arrays instead of a table."""

    def __init__(self, data: SimpleNamespace, embedding_size: int) -> None:
        nn.Module.__init__(self)
        self.hide = True
        self.register_buffer("labels", data.genre, persistent=False)
        self.register_buffer("supervised", torch.arange(data.n_tracks), persistent=False)
        self.classify = nn.Linear(embedding_size, data.genre.shape[1])


# --- training without files --------------------------------------------------------------------


class Training:
    """The steps of :func:`musig.train.train`, without Fabric and without files."""

    def __init__(
        self,
        data: SimpleNamespace,
        config: TrainConfig,
        device: torch.device,
        alone: bool = False,
        compiled: bool = False,
    ) -> None:
        self.config = replace(config, steps=steps_for(config, data))
        self.device, self.done = device, 0
        self.epoch = steps_an_epoch(self.config, data)
        torch.manual_seed(0)
        options = {"contrast": config.contrast, "epoch_over": config.epoch_over}
        tasks: list[tuple[Any, float]] = [(CoOccurrence(data, **options), 1.0)]
        if not alone:
            size = config.embedding_size
            tasks += [(BareSimilarity(data, size), 0.5), (BareGenre(data, size), 0.5)]
        self.net = Network(data, self.config, tasks).to(device)
        self.net.place_graph(data, device)
        if compiled:
            self.net.encoder.compile()
        self.optimiser = torch.optim.Adam(self.net.parameters(), lr=config.learning_rate)

    def precision(self) -> Any:
        """Compute in bfloat16 what can be, if that is asked for."""
        if self.config.precision == "32":
            return nullcontext()
        return torch.autocast(self.device.type, dtype=torch.bfloat16)

    def run(self, steps: int) -> list[float]:
        """Do some steps more; the losses come off the device once."""
        found = []
        for step in range(self.done, self.done + steps):
            generator = step_generator(0, step, self.device)
            with self.precision():
                losses = self.net(generator)
            self.optimiser.zero_grad()
            self.net.balance.backward(losses, self.net.shared(), Tensor.backward, generator)
            self.optimiser.step()
            found.append(torch.stack(list(losses.values())).detach())
        self.done += steps
        return torch.stack(found).mean(0).tolist()


def ndcg(net: Network, data: SimpleNamespace, block: int = 1024) -> float:
    """ndcg@100 of the validation playlists, all of it on the device."""
    unit = net.embed()
    device, n = unit.device, len(unit)
    row, track, seed = data.valid
    ends = np.searchsorted(row, np.arange(0, row[-1] + 1 + block, block))
    k = min(100, n)
    gain = 1 / torch.arange(2, k + 2, device=device).log2()
    best = F.pad(gain.cumsum(0), (1, 0))
    total = torch.zeros((), device=device)
    for start, end in pairwise(ends):
        table = torch.zeros(2, block, n, device=device)  # seeds, targets
        place = (1 - seed[start:end].astype(np.int64), row[start:end] % block, track[start:end])
        table[tuple(torch.from_numpy(part).to(device) for part in place)] = 1.0
        seeds, targets = table
        scores = F.normalize(seeds @ unit) @ unit.T
        top = scores.masked_fill_(seeds > 0, -torch.inf).topk(k).indices
        found = targets.gather(1, top) @ gain
        total += (found / best[targets.sum(1).long().clamp(max=k)].clamp_min(1e-9)).sum()
    return float(total) / (int(row[-1]) + 1)


# --- measuring ---------------------------------------------------------------------------------


def wait(device: torch.device) -> None:
    """Let the device finish."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def seconds(work: Callable[[], Any], device: torch.device) -> float:
    """Seconds of one piece of work, until the device has finished."""
    wait(device)
    start = time.perf_counter()
    work()
    wait(device)
    return time.perf_counter() - start


def steady(work: Callable[[], Any], device: torch.device, repeats: int) -> float:
    """Median seconds of a short piece of work: many in a row, since one is too short to time."""
    once = max(min(seconds(work, device) for _ in range(3)), 1e-6)
    many = max(1, min(100, int(0.05 / once)))

    def several() -> None:
        for _ in range(many):
            work()

    return statistics.median(seconds(several, device) / many for _ in range(repeats))


@contextmanager
def setting(holder: Any, **values: Any) -> Iterator[None]:
    """Set attributes for a while."""
    before = {name: getattr(holder, name) for name in values}
    for name, value in values.items():
        setattr(holder, name, value)
    try:
        yield
    finally:
        for name, value in before.items():
            setattr(holder, name, value)


@contextmanager
def same_tables(csr: CSR) -> Iterator[None]:
    """Give the alias tables of one graph to all who ask, whichever graph they name."""

    def tables(_: CSR) -> AliasTables:
        if csr.indptr.data_ptr() not in TABLES:
            TABLES[csr.indptr.data_ptr()] = build_alias(csr)
        return TABLES[csr.indptr.data_ptr()]

    with setting(tasks_module, build_alias=tables), setting(train_module, build_alias=tables):
        yield


@contextmanager
def tf32(wanted: bool = True) -> Iterator[None]:
    """Let float32 products round their factors to 10 bits."""
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("high" if wanted else "highest")
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)


def dense_of(matrix: Tensor, dtype: torch.dtype) -> Tensor:
    """Write a sparse matrix, in which no place is named twice, as a dense one."""
    lengths, columns = matrix.crow_indices().diff(), matrix.col_indices()
    rows = torch.arange(len(lengths), device=matrix.device).repeat_interleave(lengths)
    dense = torch.zeros(matrix.shape, dtype=dtype, device=matrix.device)
    dense[rows, columns.long()] = matrix.values().to(dtype)
    return dense


@contextmanager
def dense_product(dtype: torch.dtype = torch.bfloat16) -> Iterator[None]:
    """Multiply with the graph as a dense matrix, made once for each sparse one."""
    kept: dict[int, tuple[Tensor, Tensor]] = {}

    def multiply(matrix: Tensor, h: Tensor) -> Tensor:
        values = matrix.values()  # kept too, so that no others come to lie there
        place = values.data_ptr()
        kept[place] = kept.pop(place, None) or (values, dense_of(matrix, dtype))
        if len(kept) > 4:  # evaluations make their own
            del kept[next(iter(kept))]
        with torch.autocast(h.device.type, enabled=False):
            return (kept[place][1] @ h.to(dtype)).float()

    with setting(model_module, product=multiply), setting(train_module, product=multiply):
        yield


# --- the parts ---------------------------------------------------------------------------------


def limits(place: SimpleNamespace) -> dict[str, Any]:
    """Bytes a second of a copy, operations a second of a matrix product."""
    cuda = place.device.type == "cuda"
    one = torch.empty(2**30 if cuda else 2**26, dtype=torch.uint8, device=place.device)
    other = torch.empty_like(one)
    took = steady(lambda: other.copy_(one), place.device, place.repeats)
    found: dict[str, Any] = {"bytes_a_second": 2 * len(one) / took}
    n = 8192 if cuda else 512
    for name, dtype, rounded in (
        ("float32", torch.float32, False),
        ("tf32", torch.float32, True),
        ("bfloat16", torch.bfloat16, False),
    ):
        a, b = (torch.randn(n, n, device=place.device, dtype=dtype) for _ in range(2))
        with tf32(rounded):
            took = steady(lambda a=a, b=b: a @ b, place.device, place.repeats)
        found[f"operations_a_second_{name}"] = 2 * n**3 / took
    return found


def aggregation(place: SimpleNamespace) -> dict[str, Any]:
    """Time the product in several ways, beside what bytes and operations need at the least."""
    bounds = place.found.get("limits") or limits(place)
    csr, device = place.data.csr.to(place.device), place.device
    matrix = full_blocks(csr, 1)[0].matrix()
    n, entries = csr.n_rows, len(csr.indices)
    h = torch.randn(n, WIDTH, generator=torch.Generator().manual_seed(0)).to(device)
    rows = torch.arange(0, n, max(1, n // 256), device=device)
    dense = dense_of(matrix, torch.float32)
    exact = dense[rows].double() @ h.double()
    rate = bounds["bytes_a_second"]
    index = matrix.col_indices().element_size() + 4

    half = torch.sparse_csr_tensor(
        matrix.crow_indices(), matrix.col_indices(), matrix.values().bfloat16(), matrix.shape
    )
    short = dense.bfloat16()
    ways: dict[str, tuple[Callable[[], Tensor], int, int, str]] = {
        # work, bytes of the matrix, bytes a number of h and of the result, operations as
        "musig.product, sparse float32": (
            lambda: product(matrix, h),
            entries * index + 4 * n,
            4,
            "float32",
        ),
        "sparse bfloat16": (
            lambda: half @ h.bfloat16(),
            entries * (index - 2) + 4 * n,
            2,
            "float32",
        ),
        "dense float32": (lambda: dense @ h, 4 * n * n, 4, "float32"),
        "dense tf32": (lambda: dense @ h, 4 * n * n, 4, "tf32"),
        "dense bfloat16": (lambda: short @ h.bfloat16(), 2 * n * n, 2, "bfloat16"),
    }
    result: dict[str, Any] = {"nodes": n, "entries": entries, "columns": WIDTH, "ways": {}}
    result["density"] = entries / n**2
    for name, (work, held, number, kind) in ways.items():
        try:
            with tf32(kind == "tf32"):
                made = work()
                again = work()
                took = steady(work, device, place.repeats)
        except RuntimeError as error:
            result["ways"][name] = {"error": str(error).splitlines()[0]}
            continue
        is_dense = name.startswith("dense")
        operations = 2 * WIDTH * (n * n if is_dense else entries)
        moved = held + 2 * n * WIDTH * number
        needed = max(moved / rate, operations / bounds[f"operations_a_second_{kind}"])
        gathered = None if is_dense else held + (entries + n) * WIDTH * number
        result["ways"][name] = {
            "seconds": took,
            "bytes": moved,
            "operations": operations,
            "bytes_a_second": moved / took,
            "operations_a_second": operations / took,
            "share_of_bandwidth": moved / took / rate,
            "share_of_roofline": needed / took,
            # A sparse product reads a row of h for each entry: from the card's cache, if h fits.
            "bytes_with_each_row_of_h_read_anew": gathered,
            "share_of_bandwidth_so_counted": gathered and gathered / took / rate,
            "largest_error": float((made[rows].double() - exact).abs().max()),
            "same_bits_again": bool(torch.equal(made, again)),
        }
    return result


def _given(training: Training, batches: dict[str, Any]) -> tuple[Tensor, dict[str, Tensor]]:
    """Embeddings and losses of batches that were drawn elsewhere."""
    net, device = training.net, training.device
    moved = {
        name: replace(
            batch,
            nodes=batch.nodes.to(device),
            hidden=None if batch.hidden is None else batch.hidden.to(device),
        )
        for name, batch in batches.items()
    }
    nodes = torch.cat([batch.nodes for batch in moved.values()])
    hidden = [batch.hidden for batch in moved.values() if batch.hidden is not None]
    with training.precision():
        z, rows = net.embedded(nodes, hidden, step_generator(0, 0, device))
        z, pieces = z.float(), rows.split([len(batch.nodes) for batch in moved.values()])
        losses = {
            name: net.tasks[name].loss(z, piece, batch)
            for (name, batch), piece in zip(moved.items(), pieces, strict=True)
        }
    net.zero_grad()
    net.balance.backward(losses, net.shared(), Tensor.backward, step_generator(0, 0, device))
    return z, losses


def equality(place: SimpleNamespace) -> dict[str, Any]:
    """Compare one full step of the same batch with the CPU's in float32."""
    config = TrainConfig(steps="full", batch_size=place.batch)
    here = Training(place.data, config, torch.device("cpu"))
    generator = step_generator(0, 0, "cpu")
    batches = {name: task.draw(place.batch, generator) for name, task in here.net.tasks.items()}
    z, losses = _given(here, batches)
    own = torch.cat([p.grad.flatten() for p in here.net.shared()])
    found: dict[str, Any] = {}
    for precision, tolerance in (("32", 1e-3), ("bf16", 5e-2)):
        there = Training(place.data, replace(config, precision=precision), place.device)
        there.net.load_state_dict(here.net.state_dict())
        z_there, losses_there = _given(there, batches)
        gradient = torch.cat([p.grad.flatten() for p in there.net.shared()]).cpu()
        apart = {
            "embeddings": float((z_there.detach().cpu() - z.detach()).abs().max()),
            **{
                f"loss_{name}": abs(losses_there[name].item() / losses[name].item() - 1)
                for name in losses
            },
            "gradient": float((gradient - own).norm() / own.norm()),
        }
        worst = max(apart.values())
        found[precision] = {**apart, "tolerance": tolerance, "equal": worst <= tolerance}
    return found


def round_trips(place: SimpleNamespace) -> dict[str, Any]:
    """Count, in an epoch, where the host waits, and what is copied to and fro."""
    from torch.profiler import ProfilerActivity, profile

    cuda = place.device.type == "cuda"
    kinds = [ProfilerActivity.CPU] + [ProfilerActivity.CUDA] * cuda
    found: dict[str, Any] = {}
    for steps in ("full", "sampled"):
        training = Training(place.data, place.paper(steps=steps), place.device)
        training.run(2)
        epoch = training.epoch
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            if cuda:
                torch.cuda.set_sync_debug_mode("warn")
            try:
                training.run(epoch)
            finally:
                if cuda:
                    torch.cuda.set_sync_debug_mode("default")
        waits = Counter(
            f"{Path(one.filename).name}:{one.lineno}"
            for one in told
            if "synchroniz" in str(one.message)
        )
        with profile(activities=kinds) as watched:
            training.run(epoch)
            wait(place.device)
        events = watched.events() or []
        copies = Counter(one.name for one in events if one.name.startswith("Memcpy"))
        launches = sum(one.name.startswith(("cudaLaunchK", "cuLaunchK")) for one in events)
        spent: Counter[str] = Counter()
        for one in watched.key_averages():
            spent[one.key[:80]] += getattr(one, "self_device_time_total", 0) / 1e6
        found[steps] = {
            "steps": epoch,
            "waits": dict(waits.most_common()),
            "copies": dict(copies),
            "kernels_launched": launches,
            "device_seconds": {key: value for key, value in spent.most_common(12) if value},
        }
    return found


def pairs(place: SimpleNamespace) -> dict[str, Any]:
    """Time an epoch over all positive pairs on the full graph."""
    every = len(place.data.csr.indices) // 2
    config = TrainConfig(
        steps="full", epoch_over="pairs", batch_size=min(200_000, every), embedding_size=WIDTH
    )
    ways: dict[str, tuple[dict[str, Any], int, bool, bool]] = {
        # settings, scores at a time, compiled, dense product
        "as it is, float32": ({}, contrast.SCORES, False, False),
        "larger pieces, float32": ({}, PIECES, False, False),
        "larger pieces, bfloat16": ({"precision": "bf16"}, PIECES, False, False),
        "larger pieces, float32, torch.compile": ({}, PIECES, True, False),
        "larger pieces, float32, dense bfloat16 product": ({}, PIECES, False, True),
        "larger pieces, bfloat16, dense bfloat16 product": (
            {"precision": "bf16"},
            PIECES,
            False,
            True,
        ),
    }
    result: dict[str, Any] = {"pairs": every, "batch": config.batch_size, "ways": {}}
    for name, (changed, pieces, compiled, dense) in ways.items():
        if compiled and place.device.type == "cpu":  # needs a compiler, and tells nothing
            continue
        try:
            with setting(contrast, SCORES=pieces), dense_product() if dense else nullcontext():
                training = Training(
                    place.data, replace(config, **changed), place.device, True, compiled
                )
                first = seconds(lambda run=training: run.run(run.epoch), place.device)
                took = []
                for _ in range(place.repeats):
                    start = time.perf_counter()
                    losses = training.run(training.epoch)
                    took.append(time.perf_counter() - start)
            result["ways"][name] = {
                "steps": training.epoch,
                "first_epoch": first,
                "seconds": statistics.median(took),
                "range": [min(took), max(took)],
                "loss": losses[0],
            }
        except Exception as error:  # another way may work
            result["ways"][name] = {"error": f"{type(error).__name__}: {str(error)[:300]}"}
    if place.device.type == "cuda":
        result["peak_bytes"] = torch.cuda.max_memory_allocated(place.device)
    return result


def training(place: SimpleNamespace) -> dict[str, Any]:
    """Time the training of profile `paper`, evaluations apart."""
    result: dict[str, Any] = {}
    for name, changed, pieces, dense in (
        ("steps as chosen", {}, contrast.SCORES, False),
        ("full steps", {"steps": "full"}, contrast.SCORES, False),
        ("full steps, larger pieces", {"steps": "full"}, PIECES, False),
        ("full steps, larger pieces, dense bfloat16 product", {"steps": "full"}, PIECES, True),
    ):
        with setting(contrast, SCORES=pieces), dense_product() if dense else nullcontext():
            start = time.perf_counter()
            run = Training(place.data, place.paper(**changed), place.device)
            wait(place.device)
            placed, evaluated, quality = time.perf_counter() - start, 0.0, []
            for epoch in range(1, place.epochs + 1):
                losses = run.run(run.epoch)
                if epoch % 5 == 0 or epoch == place.epochs:
                    begun = time.perf_counter()
                    quality.append(ndcg(run.net, place.data))
                    evaluated += time.perf_counter() - begun
            whole = time.perf_counter() - start
        result[name] = {
            "steps": run.config.steps,
            "steps_an_epoch": run.epoch,
            "epochs": place.epochs,
            "seconds": whole,
            "seconds_placing": placed,
            "seconds_evaluating": evaluated,
            "seconds_an_epoch": (whole - placed - evaluated) / place.epochs,
            "losses": losses,
            "ndcg@100": quality,
        }
    return result


def train(place: SimpleNamespace) -> dict[str, Any]:
    """Time the whole of it by the package itself, files and all."""
    if missing := [name for name in NEEDED_TO_TRAIN if not _there(name)]:
        return {"left_out": f"left out, needs {', '.join(missing)}"}
    from musig.sources.synthetic import make
    from musig.splits import split_playlists
    from musig.training_data import prepare

    begun = time.perf_counter()
    catalog = make(place.size)
    made = time.perf_counter()
    data = prepare(catalog, split_playlists(catalog, seed=0), min_weight=MIN_WEIGHT[place.size])
    result = {"seconds_making": made - begun, "seconds_preparing": time.perf_counter() - made}
    with tempfile.TemporaryDirectory() as folder:
        for steps in ("auto", "full"):
            model = Path(folder) / steps
            config = place.paper(steps=steps, epochs=place.epochs)
            took = seconds(
                lambda c=config, m=model: train_module.train(data, c, m, progress=False),
                place.device,
            )
            info = json.loads((model / "model.json").read_text("utf-8"))
            result[steps] = {
                "seconds": took,
                "edges": len(data.csr.indices) // 2,
                "epochs": len(info["history"]),
                "steps": info["identity"]["config"]["steps"],
                "held_out": info["held_out"],
                "valid_ndcg@100": info["history"][-1].get("valid_ndcg@100"),
            }
    return result


def _there(name: str) -> bool:
    return name not in ABSENT and find_spec(name) is not None


PARTS: dict[str, Callable[[SimpleNamespace], dict[str, Any]]] = {
    "limits": limits,
    "aggregation": aggregation,
    "equality": equality,
    "round_trips": round_trips,
    "pairs": pairs,
    "training": training,
    "train": train,
}


def reached(found: dict[str, Any]) -> list[dict[str, Any]]:
    """Hold the best of each part against its bar."""

    def best(part: str, key: str, choose: Callable[[list[float]], float]) -> float | None:
        ways = found.get(part, {})
        ways = ways.get("ways", ways)
        values = [one[key] for one in ways.values() if isinstance(one, dict) and key in one]
        return choose(values) if values else None

    ways = [one for one in found.get("aggregation", {}).get("ways", {}).values() if "bytes" in one]
    fastest = min(ways, key=lambda one: one["seconds"])["share_of_roofline"] if ways else None
    values = {
        "all positive pairs, seconds an epoch": best("pairs", "seconds", min),
        "the whole training of profile paper, seconds": best("train", "seconds", min)
        or best("training", "seconds", min),
        "aggregation, the fastest way's share of its roofline": fastest,
    }
    rows = []
    for what, (bar, side) in BARS.items():
        value = values[what]
        met = None if value is None else bool(value < bar if side == "below" else value >= bar)
        rows.append({"what": what, "bar": bar, "side": side, "best": value, "met": met})
    return rows


def machine(device: torch.device) -> dict[str, Any]:
    """Say where this ran."""
    told: dict[str, Any] = {
        "device": device.type,
        "torch": torch.__version__,
        "python": sys.version.split()[0],
        "stand_ins_for": list(ABSENT),
    }
    if device.type == "cuda":
        card = torch.cuda.get_device_properties(device)
        told |= {
            "name": card.name,
            "bytes": card.total_memory,
            "cache_bytes": getattr(card, "L2_cache_size", None),
            "processors": card.multi_processor_count,
            "capability": f"{card.major}.{card.minor}",
            "cuda": torch.version.cuda,
        }
    return told


def write(found: dict[str, Any], out: Path) -> None:
    """Write aside, then rename: a reader finds a whole file."""
    out.parent.mkdir(parents=True, exist_ok=True)
    passing = out.with_suffix(".partial")
    passing.write_text(json.dumps(finite(found), indent=1) + "\n", encoding="utf-8")
    passing.replace(out)


def finite(value: Any) -> Any:
    """Replace what JSON has no number for."""
    if isinstance(value, dict):
        return {key: finite(part) for key, part in value.items()}
    if isinstance(value, list):
        return [finite(part) for part in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def main() -> int:
    """Measure part by part; 1 if one failed or, at full size on a card, a bar is missed."""
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--size", choices=list(SIZES), default="paper")
    options.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    options.add_argument("--only", default=",".join(PARTS), help="parts, with commas")
    options.add_argument("--repeats", type=int, default=5)
    options.add_argument("--epochs", type=int, default=50, help="of the whole training")
    options.add_argument("--out", type=Path, default=Path("_build/gpu.json"))
    arguments = options.parse_args()
    chosen = arguments.only.split(",")
    if unknown := [part for part in chosen if part not in PARTS]:
        sys.exit(f"error: there is no part '{unknown[0]}'; expected some of {', '.join(PARTS)}.")
    if arguments.device == "cuda" and not torch.cuda.is_available():
        sys.exit("error: device is 'cuda' but torch sees no CUDA device: use auto or cpu.")
    cuda = arguments.device != "cpu" and torch.cuda.is_available()
    device = torch.device("cuda" if cuda else "cpu")
    warnings.filterwarnings("ignore", message="Sparse")  # torch's, of its sparse tensors
    if "numba" in ABSENT:  # torch's sampler everywhere
        sampling.PACKED = -1  # type: ignore[misc]

    found: dict[str, Any] = {"machine": machine(device), "size": arguments.size}
    start = time.perf_counter()
    data = data_of(arguments.size, device)
    found["seconds_of_data"] = time.perf_counter() - start
    found["edges"], found["tracks"] = len(data.csr.indices) // 2, data.n_tracks
    batch = min(4096, data.n_tracks)

    def paper(**changed: Any) -> TrainConfig:
        """Give the settings of the profile `paper`."""
        return TrainConfig(
            **{"embedding_size": WIDTH, "batch_size": batch, "device": device.type, **changed}
        )

    place = SimpleNamespace(
        data=data,
        device=device,
        size=arguments.size,
        repeats=arguments.repeats,
        epochs=arguments.epochs,
        batch=batch,
        paper=paper,
        found=found,
    )
    print(f"{found['machine'].get('name', 'CPU')}: {found['edges']:,} edges", flush=True)
    failed = 0
    for part in chosen:
        start = time.perf_counter()
        try:
            # Alias tables are made once: without numba that is slow. `train` has its own graph.
            with same_tables(data.csr) if part != "train" else nullcontext():
                found[part] = PARTS[part](place)
        except Exception as error:  # the next part may work
            failed += 1
            found[part] = {"error": f"{type(error).__name__}: {str(error)[:500]}"}
        took = time.perf_counter() - start
        said = found[part].get("error", found[part].get("left_out", "done"))
        print(f"{part}: {said}, {took:.1f} s", flush=True)
        full = cuda and arguments.size == "paper"
        found["bars"] = reached(found) if full else []
        write(found, arguments.out)
    for row in found["bars"]:
        state = {True: "reached", False: "MISSED", None: "not measured"}[row["met"]]
        print(f"{row['what']}: {row['best']}, bar {row['bar']:g} ({row['side']}): {state}")
    print(f"{arguments.out}")
    return 1 if failed or any(row["met"] is False for row in found["bars"]) else 0


if __name__ == "__main__":
    sys.exit(main())
