"""Training on a GPU: what an epoch takes, and how near the card's own limits the product comes.

For a machine with CUDA that may have no network, no data and few packages: of the repository the
folders ``benchmarks`` and ``musig``, and torch 2.11 or newer, torch_geometric (with the tqdm it
brings) and numpy are enough. A graph of the paper's size is drawn (15.9K tracks, 5.18M edges,
degrees like those of the synthetic catalogue), and one part after the other measures what the
package does by itself, with the alternatives beside it:

- ``limits``: bytes a second of a copy on the card, operations a second of matrix products;
- ``aggregation``: the product of the graph with 128 columns, forward and for the gradient, beside
  the roofline: the longer of the times that the bytes need and the operations (those of the matrix
  that is multiplied: of a dense one with its zeros);
- ``equality``: embeddings, losses and gradients of one batch, there against the CPU's;
- ``round_trips``: where in an epoch the host waits for the card, what is copied, what takes long;
- ``pairs``: an epoch over all positive pairs, co-occurrence alone;
- ``training``: all epochs of the profile ``paper``, three tasks, and every five epochs a plain
  evaluation, since the package's own needs pandas;
- ``train``: the same by :func:`musig.train.train` on the synthetic catalogue, files and all. Left
  out where a package of :data:`NEEDED_TO_TRAIN` is missing.

One JSON is written after each part, with every bar beside what was measured. A part that fails is
an ``error`` in it, and the next one runs. Where there is no CUDA the same runs on the CPU, to see
that it works, not to measure; a bar is judged at full size on a card only.

    python benchmarks/gpu.py                              # minutes on a data-centre card
    python benchmarks/gpu.py --size smoke --device cpu    # half a minute, anywhere
    python benchmarks/gpu.py --only limits,aggregation --out limits.json
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import MagicMock, patch

NEEDS = (
    "benchmarks/gpu.py needs torch 2.11 or newer, torch_geometric, tqdm and numpy, and the "
    "repository's folder musig beside its own."
)
NEEDED_TO_TRAIN = (
    *("lightning_fabric", "llvmlite", "numba", "pandas", "platformdirs", "filelock", "pyarrow"),
    *("safetensors", "scipy", "sklearn", "ijson", "joblib", "pooch", "pyloudnorm", "soundfile"),
)
IMPORTED = (  # by the modules below, which can do without when they compute on a card
    *("filelock", "platformdirs", "pandas", "pyarrow", "safetensors", "safetensors.torch"),
    *("scipy", "scipy.sparse", "scipy.sparse.csgraph"),
    *("numba", "numba.extending", "llvmlite"),
)
ABSENT = [name for name in IMPORTED if find_spec(name.split(".")[0]) is None]

try:
    import torch
    import torch_geometric.nn  # noqa: F401  # asks what there is: before the rest is made up
    from torch import Tensor, nn
    from torch.nn import functional as F

    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
    # Of an absent package everything may be named, and nothing does anything; but a loop for a
    # compiler is a slow loop without one.
    sys.modules |= {name: MagicMock() for name in ABSENT}
    if "numba" in ABSENT:
        sys.modules["numba"].njit = lambda *given, **_: given[0] if given else lambda loop: loop
    from musig import contrast, sampling
    from musig import model as model_module
    from musig import tasks as tasks_module
    from musig import train as train_module
    from musig.csr import CSR
    from musig.device import step_generator
    from musig.features import Attributes
    from musig.model import dense_pays
    from musig.product import product
    from musig.sampling import Block, build_alias, full_blocks
    from musig.tasks import CoOccurrence, Genre, Similarity
    from musig.train import Network, TrainConfig, steps_an_epoch, steps_for
except ImportError as error:
    sys.exit(f"error: {error}. {NEEDS}")
for name in ABSENT:  # or libraries that ask what is there would believe it
    del sys.modules[name]

WIDTH = 128
SIZES = {"smoke": (300, 11_000, 1), "paper": (15_900, 5_180_000, 10)}
"""Tracks, edges, cut-off of the weights."""
PRECISIONS = {"float32": "32", "bfloat16": "bf16"}
BARS = (
    # what, where its value is, the side it has to be on, the bar
    ("seconds of an epoch over all pairs", "pairs/ways/bfloat16/seconds", "below", 1.0),
    ("seconds of the whole training", "training/bfloat16/seconds", "below", 60.0),
    ("the same in float32", "training/float32/seconds", "below", 60.0),
    ("the same with files and all", "train/bfloat16/seconds", "below", 60.0),
    ("the same with files and all, in float32", "train/float32/seconds", "below", 60.0),
    ("share of the roofline", "aggregation/chosen/bfloat16/share_of_roofline", "above", 0.5),
    ("waits of the host in an epoch", "round_trips/waits_of_an_epoch", "below", 1),
    ("difference from the CPU", "equality/bfloat16/worst", "below", 5e-2),
    ("the same in float32", "equality/float32/worst", "below", 1e-3),
)
"""In bfloat16 if nothing else is said."""


# --- a graph of the paper's size ---------------------------------------------------------------


def data_of(size: str, device: torch.device) -> SimpleNamespace:
    """Make what a network and its tasks ask of training data, and playlists to complete."""
    n, n_edges, min_weight = SIZES[size]
    generator = torch.Generator().manual_seed(0)
    popularity = torch.randn(n, generator=generator).mul(0.9).exp()
    theme = torch.randint(max(2, n // 80), (n,), generator=generator)
    n_genres = max(2, n // 600)
    genre = F.one_hot(theme % n_genres, n_genres).float()
    groups = {
        "GENRE": genre,
        "POPULARITY": popularity.log()[:, None],
        "AUDIO": torch.randn(n, 9, generator=generator),
        "ACOUSTIC": torch.randn(n, 8, generator=generator),
    }
    spans, columns = {}, []
    for name, values in groups.items():  # each with its column "unknown"
        start = sum(part.shape[1] for part in columns)
        columns += [values, torch.zeros(n, 1)]
        spans[name] = (start, start + values.shape[1] + 1)
    x = torch.cat(columns, 1).numpy()

    popularity, theme = popularity.to(device), theme.to(device)
    drawn = torch.Generator(device).manual_seed(0)
    strength = torch.empty(n, n, device=device).exponential_(generator=drawn)
    strength *= popularity[:, None] * popularity * (1 + 20 * (theme[:, None] == theme))
    strength = strength.triu_(1)
    least = strength.flatten().kthvalue(n * n - n_edges).values
    strength = strength.where(strength > least, 0)
    strength += strength.T.clone()
    rows, columns_of = strength.nonzero(as_tuple=True)
    weight = (min_weight * strength[rows, columns_of] / least).ceil()
    indptr = F.pad(rows.bincount(minlength=n).cumsum(0), (1, 0))
    csr = CSR(indptr.cpu(), columns_of.cpu(), weight.cpu(), n, n)

    of = torch.randint(int(theme.max()) + 1, (n * 3 // 5,), generator=drawn, device=device)
    liked = popularity * (1 + 20 * (of[:, None] == theme))
    return SimpleNamespace(
        csr=csr,
        n_tracks=n,
        attributes=Attributes(x, tuple(map(str, range(x.shape[1]))), spans, {}),
        settings={"min_weight": min_weight},
        genre=genre,
        sound={name: groups[name] for name in ("AUDIO", "ACOUSTIC")},
        playlists=liked.multinomial(min(64, n // 15), generator=drawn),  # (playlists, tracks)
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
        pairs = CoOccurrence(data, contrast=config.contrast, epoch_over=config.epoch_over)
        tasks: list[tuple[Any, float]] = [(pairs, 1.0)]
        if not alone:
            tasks += [(task(data, WIDTH), 0.5) for task in (BareSimilarity, BareGenre)]
        self.net = Network(data, self.config, tasks).to(device)
        self.net.place_graph(data, device)
        if compiled:
            self.net.encoder.compile()
        self.optimiser = torch.optim.Adam(self.net.parameters(), lr=config.learning_rate)

    def precision(self) -> AbstractContextManager[Any]:
        """Compute in bfloat16 what can be, if that is asked for."""
        if self.config.precision == "32":
            return nullcontext()
        return torch.autocast(self.device.type, dtype=torch.bfloat16)

    def run(self, steps: int) -> list[float]:
        """Do some steps more; the losses come off the device once, at the end."""
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


def ndcg(net: Network, playlists: Tensor) -> float:
    """ndcg@100 of completing playlists of one length, all of it on the device."""
    unit, k = net.embed(), min(100, len(net.x))
    gain = 1 / torch.arange(2, k + 2, device=unit.device).log2()
    total = torch.zeros((), device=unit.device)
    for some in playlists.split(2048):
        seeds, targets = some.chunk(2, 1)
        scores = F.normalize(unit[seeds].sum(1)) @ unit.T
        top = scores.scatter(1, seeds, -torch.inf).topk(k).indices
        hit = torch.zeros_like(scores).scatter_(1, targets, 1.0).gather(1, top)
        total += (hit @ gain).sum()
    return float(total / gain[: targets.shape[1]].sum()) / len(playlists)


# --- measuring ---------------------------------------------------------------------------------


def seconds(work: Callable[[], Any], device: torch.device) -> float:
    """Seconds of one piece of work, until the device has finished."""
    wait = torch.cuda.synchronize if device.type == "cuda" else lambda: None
    wait()
    start = time.perf_counter()
    work()
    wait()
    return time.perf_counter() - start


def steady(work: Callable[[], Any], device: torch.device, repeats: int) -> float:
    """Median seconds of a short piece of work: many in a row, since one is too short to time."""
    once = max(min(seconds(work, device) for _ in range(3)), 1e-6)
    many = max(1, min(100, int(0.05 / once)))

    def several() -> None:
        for _ in range(many):
            work()

    return statistics.median(seconds(several, device) / many for _ in range(repeats))


def tf32(wanted: bool) -> None:
    """Let float32 products round their factors to 10 bits, or not."""
    torch.set_float32_matmul_precision("high" if wanted else "highest")


def limits(place: SimpleNamespace) -> dict[str, Any]:
    """Bytes a second of a copy, operations a second of a matrix product."""
    one = torch.empty(2**30 if place.cuda else 2**26, dtype=torch.uint8, device=place.device)
    other = torch.empty_like(one)
    took = steady(lambda: other.copy_(one), place.device, place.repeats)
    found: dict[str, Any] = {"bytes_a_second": 2 * len(one) / took}
    n = 8192 if place.cuda else 512
    for name in ("float32", "tf32", "bfloat16"):
        dtype = torch.bfloat16 if name == "bfloat16" else torch.float32
        a, b = (torch.randn(n, n, device=place.device, dtype=dtype) for _ in range(2))
        tf32(name == "tf32")
        took = steady(lambda a=a, b=b: a @ b, place.device, place.repeats)
        tf32(False)
        found[f"operations_a_second_{name}"] = 2 * n**3 / took
    return found


def aggregation(place: SimpleNamespace) -> dict[str, Any]:
    """Time the product in several ways, beside what bytes and operations need at the least."""
    bounds = place.found.get("limits") or limits(place)
    rate = bounds["bytes_a_second"]
    block: Block = full_blocks(place.data.csr.to(place.device), 1)[0]
    n, entries = block.n_dst, len(block.indices)
    matrix, turned = block.matrix(), block.transposed_matrix()
    h = torch.randn(n, WIDTH, generator=torch.Generator().manual_seed(0)).to(place.device)
    rows = torch.arange(0, n, max(1, n // 256), device=place.device)
    wide = matrix.to_dense()
    exact, exact_turned = wide[rows].double() @ h.double(), wide.T[rows].double() @ h.double()
    parts = (matrix.crow_indices(), matrix.col_indices(), matrix.values().bfloat16())
    short = torch.sparse_csr_tensor(*parts, matrix.shape)

    ways: dict[str, tuple[Callable[[], Tensor], bool, int, str]] = {
        # work, dense, bytes of a weight, operations of which kind
        "sparse float32": (lambda: product(matrix, h), False, 4, "float32"),
        "sparse float32, gradient": (lambda: product(turned, h), False, 4, "float32"),
        "sparse bfloat16": (lambda: (short @ h.bfloat16()).float(), False, 2, "float32"),
        "dense float32": (lambda: wide @ h, True, 4, "float32"),
        "dense tf32": (lambda: wide @ h, True, 4, "tf32"),
        "dense bfloat16": (lambda: product(block.dense, h), True, 2, "bfloat16"),
        "dense bfloat16, gradient": (lambda: product(block.dense.T, h), True, 2, "bfloat16"),
    }
    result: dict[str, Any] = {"nodes": n, "entries": entries, "columns": WIDTH}
    result |= {"density": entries / n**2, "ways": {}, "chosen": {}}
    for name, (work, dense, number, kind) in ways.items():
        tf32(kind == "tf32")
        try:
            made, again = work(), work()
            took = steady(work, place.device, place.repeats)
        except RuntimeError as error:
            result["ways"][name] = {"error": str(error).splitlines()[0]}
            continue
        finally:
            tf32(False)
        held = n * n * number if dense else entries * (number + 4) + 4 * n
        moved = held + 2 * n * WIDTH * 4
        operations = 2 * WIDTH * (n * n if dense else entries)
        needed = max(moved / rate, operations / bounds[f"operations_a_second_{kind}"])
        # A sparse product reads a row of h for each entry: from the card's cache, if h fits.
        anew = None if dense else (held + (entries + n) * WIDTH * 4) / took / rate
        wanted = exact_turned if "gradient" in name else exact
        result["ways"][name] = {
            "seconds": took,
            "bytes": moved,
            "operations": operations,
            "operations_a_second": operations / took,
            "share_of_bandwidth": moved / took / rate,
            "share_of_roofline": needed / took,
            "share_of_bandwidth_so_counted": anew,
            "largest_error": float((made[rows].double() - wanted).abs().max()),
            "same_bits_again": bool(torch.equal(made, again)),
        }
    for precision in PRECISIONS:  # what the package does by itself
        with torch.autocast(place.device.type, torch.bfloat16, enabled=precision == "bfloat16"):
            way = "dense bfloat16" if dense_pays(block, h) else "sparse float32"
        result["chosen"][precision] = {"way": way, **result["ways"][way]}
    return result


def equality(place: SimpleNamespace) -> dict[str, Any]:
    """Compare one full step of the same batch with the CPU's in float32."""
    config = TrainConfig(steps="full", batch_size=place.batch, embedding_size=WIDTH)
    here = Training(place.data, config, torch.device("cpu"))
    generator = step_generator(0, 0, "cpu")
    batches = {name: task.draw(place.batch, generator) for name, task in here.net.tasks.items()}
    z, losses, own = given(here, batches)
    found: dict[str, Any] = {}
    for name, precision in PRECISIONS.items():
        there = Training(place.data, replace(config, precision=precision), place.device)
        there.net.load_state_dict(here.net.state_dict())
        z_there, losses_there, gradient = given(there, batches)
        apart = {
            "embeddings": float((z_there - z).abs().max()),
            **{f"loss_{task}": abs(losses_there[task] / losses[task] - 1) for task in losses},
            "gradient": float((gradient - own).norm() / own.norm()),
        }
        found[name] = {**apart, "worst": max(apart.values())}
    return found


def given(training: Training, batches: dict[str, Any]) -> tuple[Tensor, dict[str, float], Tensor]:
    """Embeddings, losses and gradient with batches that were drawn elsewhere, on the CPU."""
    net, device = training.net, training.device
    for name, batch in batches.items():
        there = replace(
            batch,
            nodes=batch.nodes.to(device),
            hidden=None if batch.hidden is None else batch.hidden.to(device),
        )
        net.tasks[name].draw = lambda *_, batch=there: batch
    generator = step_generator(0, 0, device)
    with training.precision():
        z, losses = net.embed(), net(generator)
    net.balance.backward(losses, net.shared(), Tensor.backward, generator)
    gradient = torch.cat([parameter.grad.flatten() for parameter in net.shared()])
    return z.cpu(), {name: loss.item() for name, loss in losses.items()}, gradient.cpu()


def round_trips(place: SimpleNamespace) -> dict[str, Any]:
    """Count, in an epoch, where the host waits and what is copied to and fro."""
    from torch.profiler import ProfilerActivity, profile

    training = Training(place.data, place.paper(precision="bf16"), place.device)
    training.run(2)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        if place.cuda:
            torch.cuda.set_sync_debug_mode("warn")
        try:
            training.run(training.epoch)
        finally:
            if place.cuda:
                torch.cuda.set_sync_debug_mode("default")
    waits = Counter(
        f"{Path(one.filename).name}:{one.lineno}"
        for one in told
        if "synchroniz" in str(one.message)
    )
    at_the_end = [where for where in waits if where.startswith(Path(__file__).name)]
    kinds = [ProfilerActivity.CPU] + [ProfilerActivity.CUDA] * place.cuda
    with profile(activities=kinds) as watched:
        training.run(training.epoch)
    spent: Counter[str] = Counter()
    for one in watched.key_averages():
        spent[one.key[:80]] += getattr(one, "self_device_time_total", 0) / 1e6
    events = watched.events() or []
    return {
        "steps": training.config.steps,
        "steps_an_epoch": training.epoch,
        "waits": dict(waits.most_common()),
        # this script reads the losses where the package does: once, after the last step
        "waits_of_an_epoch": sum(waits.values()) - sum(waits[where] for where in at_the_end),
        "copies": dict(Counter(one.name for one in events if one.name.startswith("Memcpy"))),
        "kernels": sum(one.name.startswith(("cudaLaunchK", "cuLaunchK")) for one in events),
        "device_seconds": {key: value for key, value in spent.most_common(12) if value},
    }


def pairs(place: SimpleNamespace) -> dict[str, Any]:
    """Time an epoch over all positive pairs on the full graph."""
    every = len(place.data.csr.indices) // 2
    config = TrainConfig(
        steps="full", epoch_over="pairs", batch_size=min(200_000, every), embedding_size=WIDTH
    )
    pieces = patch.dict(contrast.SCORES, cuda=contrast.SCORES["cpu"])
    ways: dict[str, tuple[str, bool, Any]] = {
        # precision, compiled, something set otherwise
        "float32": ("32", False, nullcontext()),
        "bfloat16": ("bf16", False, nullcontext()),
        "bfloat16, torch.compile": ("bf16", True, nullcontext()),
        "bfloat16, sparse product": ("bf16", False, patch.object(model_module, "DENSE", 1.0)),
        "bfloat16, small pieces of scores": ("bf16", False, pieces),
    }
    result: dict[str, Any] = {"pairs": every, "batch": config.batch_size, "ways": {}}
    for name, (precision, compiled, changed) in ways.items():
        if compiled and not place.cuda:  # needs a compiler, and tells nothing
            continue
        try:
            with changed:
                data, chosen = place.data, replace(config, precision=precision)
                training = Training(data, chosen, place.device, alone=True, compiled=compiled)
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
    if place.cuda:
        result["peak_bytes"] = torch.cuda.max_memory_allocated(place.device)
    return result


def training(place: SimpleNamespace) -> dict[str, Any]:
    """Time the training of profile `paper`, with its evaluations."""
    result: dict[str, Any] = {}
    for name, changed in (
        ("float32", {}),
        ("bfloat16", {"precision": "bf16"}),
        ("float32, sampled steps", {"steps": "sampled"}),
    ):
        start = time.perf_counter()
        run = Training(place.data, place.paper(**changed), place.device)
        placed, evaluated, quality = time.perf_counter() - start, 0.0, []
        for epoch in range(1, place.epochs + 1):
            losses = run.run(run.epoch)
            if epoch % 5 == 0 or epoch == place.epochs:
                begun = time.perf_counter()
                quality.append(ndcg(run.net, place.data.playlists))
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
    if missing := [name for name in NEEDED_TO_TRAIN if find_spec(name) is None]:
        return {"left_out": f"left out, needs {', '.join(missing)}"}
    from musig.sources.synthetic import make
    from musig.splits import split_playlists
    from musig.training_data import prepare

    begun = time.perf_counter()
    catalog = make(place.size)
    made = time.perf_counter()
    data = prepare(catalog, split_playlists(catalog, seed=0), min_weight=SIZES[place.size][2])
    result = {"seconds_making": made - begun, "seconds_preparing": time.perf_counter() - made}
    with tempfile.TemporaryDirectory() as folder:
        for name, precision in PRECISIONS.items():
            model = Path(folder) / name
            config = place.paper(precision=precision, epochs=place.epochs)
            took = seconds(
                lambda c=config, m=model: train_module.train(data, c, m, progress=False),
                place.device,
            )
            info = json.loads((model / "model.json").read_text("utf-8"))
            result[name] = {
                "seconds": took,
                "edges": len(data.csr.indices) // 2,
                "epochs": len(info["history"]),
                "steps": info["identity"]["config"]["steps"],
                "held_out": info["held_out"],
                "valid_ndcg@100": info["history"][-1].get("valid_ndcg@100"),
            }
    return result


PARTS: dict[str, Callable[[SimpleNamespace], dict[str, Any]]] = {
    "limits": limits,
    "aggregation": aggregation,
    "equality": equality,
    "round_trips": round_trips,
    "pairs": pairs,
    "training": training,
    "train": train,
}


# --- what is written ---------------------------------------------------------------------------


def bars(found: dict[str, Any], judged: bool) -> list[dict[str, Any]]:
    """Hold what was measured against each bar; `met` is None where that would say nothing."""
    rows = []
    for what, where, side, bar in BARS:
        value: Any = found
        for key in where.split("/"):
            value = value.get(key, {})
        value = value if isinstance(value, int | float) else None
        met = None
        if judged and value is not None:
            met = value < bar if side == "below" else value > bar
        rows.append({"what": what, "value": value, "side": side, "bar": bar, "met": met})
    return rows


def machine(device: torch.device) -> dict[str, Any]:
    """Say where this ran."""
    told: dict[str, Any] = {"device": device.type, "torch": torch.__version__}
    told |= {"python": sys.version.split()[0], "absent": ABSENT}
    if device.type == "cuda":
        card = torch.cuda.get_device_properties(device)
        told |= {"name": card.name, "bytes": card.total_memory, "cuda": torch.version.cuda}
        told |= {"cache_bytes": getattr(card, "L2_cache_size", None)}
    return told


def write(found: dict[str, Any], out: Path) -> None:
    """Write aside, then rename: a reader finds a whole file."""
    out.parent.mkdir(parents=True, exist_ok=True)
    passing = out.with_suffix(".partial")
    passing.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    passing.replace(out)


def without_packages(data: SimpleNamespace) -> None:
    """Do what numba and scipy would have done: slower, and once where it can be."""
    if "numba" in ABSENT:
        tables = build_alias(data.csr)
        tasks_module.build_alias = train_module.build_alias = lambda csr: tables
        sampling.PACKED = -1  # torch's sampler everywhere
    if "scipy" in ABSENT:
        own = Block.transposed_matrix

        def transposed(block: Block) -> Tensor:
            matrix = block.matrix()
            return own(block) if matrix.is_cuda else matrix.transpose(0, 1).to_sparse_csr()

        Block.transposed_matrix = transposed


def main() -> int:
    """Measure part by part; 1 if one failed or a bar is missed."""
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

    found: dict[str, Any] = {"machine": machine(device), "size": arguments.size}
    start = time.perf_counter()
    data = data_of(arguments.size, device)
    without_packages(data)
    found["seconds_of_data"] = time.perf_counter() - start
    found["edges"], found["tracks"] = len(data.csr.indices) // 2, data.n_tracks
    batch = min(4096, data.n_tracks)

    def paper(**changed: Any) -> TrainConfig:
        """Give the settings of the profile `paper`."""
        return TrainConfig(
            **{"embedding_size": WIDTH, "batch_size": batch, "device": device.type, **changed}
        )

    place = SimpleNamespace(data=data, device=device, cuda=cuda, paper=paper, batch=batch)
    place.size, place.repeats, place.epochs = arguments.size, arguments.repeats, arguments.epochs
    place.found = found
    print(f"{found['machine'].get('name', 'CPU')}: {found['edges']:,} edges", flush=True)
    failed = 0
    for part in chosen:
        start = time.perf_counter()
        try:
            found[part] = PARTS[part](place)
        except Exception as error:  # the next part may work
            failed += 1
            found[part] = {"error": f"{type(error).__name__}: {str(error)[:500]}"}
        took = time.perf_counter() - start
        said = found[part].get("error", found[part].get("left_out", "done"))
        print(f"{part}: {said}, {took:.1f} s", flush=True)
        found["bars"] = bars(found, judged=cuda and arguments.size == "paper")
        write(found, arguments.out)
    for row in found["bars"]:
        state = {True: "reached", False: "MISSED", None: "not judged"}[row["met"]]
        print(f"{row['what']}: {row['value']}, bar: {row['side']} {row['bar']:g}: {state}")
    print(f"{arguments.out}")
    return 1 if failed or any(row["met"] is False for row in found["bars"]) else 0


if __name__ == "__main__":
    sys.exit(main())
