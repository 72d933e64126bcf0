"""One large size from tables to metrics, as its user would do it.

Tables are made, a graph is written, a model is trained and evaluated, each step by a process that
hands on its files. Memory is all that the process holds: one that goes beyond the limit is ended.
What is there already is left as it is, unless the code that it measured has changed since: a run
that was stopped goes on with the step that it was in, and a training from its last checkpoint.

    python benchmarks/whole.py                      # 1M playlists over 200K tracks: 15 minutes
    python benchmarks/whole.py 100000 20000         # a tenth of both: minutes

Each epoch ends with a checkpoint, and so with a look at the validation playlists, which are few.
"""

from __future__ import annotations

import argparse
import math
import shutil
import sys
from pathlib import Path

import growth  # first: it holds every library to as many threads as are given
from growth import THREADS, Point, tell, watched, watching

SIZE = [1_000_000, 200_000]
SETTINGS = {"min_playlists": 3, "min_weight": 10, "split": [0.89, 0.01, 0.1], "epochs": 5}


def make(folder: Path, tables: Path, size: list[int]) -> None:
    """Write the tables."""
    shutil.rmtree(tables, ignore_errors=True)  # so that making is measured
    with watching()("make"):
        growth.make(*size, tables)


def graph(folder: Path, tables: Path, size: list[int]) -> None:
    """Count the graph of all playlists and write it."""
    from musig import sources
    from musig.edges import write_edges
    from musig.graph import music_graph

    watch = watching()
    with watch("read"):
        catalog = sources.load(tables)
    tell(entries=len(catalog.playlists.tracks))
    ids = catalog.tracks.index.tolist()
    with watch("count"):
        made = music_graph(catalog.playlists, len(ids), SETTINGS["min_weight"], track_ids=ids)
    with watch("write"):
        edges = write_edges(made, folder / "edges.parquet")
    tell(edges=edges)


def train(folder: Path, tables: Path, size: list[int]) -> None:
    """Train on the training playlists, or go on with a training that was stopped."""
    import torch

    from musig import sources
    from musig.splits import split_playlists
    from musig.train import TrainConfig
    from musig.train import train as train_model
    from musig.training_data import prepare

    torch.set_num_threads(THREADS)
    watch = watching()
    with watch("read"):
        catalog = sources.load(tables)
    split = split_playlists(catalog, 0, tuple(SETTINGS["split"]))
    kept = {key: SETTINGS[key] for key in ("min_playlists", "min_weight")}
    with watch("prepare"):
        data = prepare(catalog, split, **kept)
    del catalog
    tell(universe=data.n_tracks, training_edges=len(data.csr.indices) // 2)
    tell(resumed=(folder / "MODEL").is_dir())
    config = TrainConfig(epochs=SETTINGS["epochs"], evaluate_every=1, device="cpu")
    with watch("train"):
        train_model(data, config, folder / "MODEL", progress=False)


def evaluate(folder: Path, tables: Path, size: list[int]) -> None:
    """Complete every test playlist with the model."""
    import torch

    from musig import completion, modelfolder, sources
    from musig.catalog import universe
    from musig.splits import Split

    torch.set_num_threads(THREADS)
    watch = watching()
    with watch("read"):
        catalog = sources.load(tables)
        model = modelfolder.load(folder / "MODEL")
    split = Split.load(folder / "MODEL" / "split.json")
    with watch("evaluate"):
        tracks = universe(catalog, split.train, SETTINGS["min_playlists"])
        held = completion.holdout(catalog, tracks, split.test, seed=0)
        known = catalog.restrict(tracks)
        result = completion.evaluate(model.scorer(), held, known, split=split).summary()
    means = result.set_index("metric")["mean"]
    metrics = {name: float(means[name]) for name in ("hit_rate@10", "recall@10", "ndcg@100")}
    tell(test_playlists=len(held), metrics=metrics)


STEPS = {"make": make, "graph": graph, "train": train, "evaluate": evaluate}
"""Each from files to files."""


def main() -> int:
    """Do what is missing, a process a step; 1 if a step was stopped."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])  # type: ignore[union-attr]
    options.add_argument(
        "size", type=int, nargs="*", default=SIZE, help="playlists, tracks  [default: 1M, 200K]"
    )
    options.add_argument("--threads", type=int, default=1, help="of every library  [default: 1]")
    options.add_argument("--memory", type=float, default=24, help="limit in GiB  [default: 24]")
    options.add_argument("--out", type=Path, default=growth.HERE / "whole.json")
    options.add_argument("--folders", type=Path, default=growth.FOLDERS, help="for what is made")
    options.add_argument("--step", choices=STEPS, help=argparse.SUPPRESS)
    given = options.parse_args()
    if len(given.size) != 2:
        options.error("give two numbers, playlists and tracks")
    tables = given.folders / "-".join(map(str, given.size))
    folder = tables.with_name(tables.name + "-whole")
    if given.step:
        STEPS[given.step](folder, tables, given.size)
        return 0
    size = dict(zip(("playlists", "tracks"), given.size, strict=True))
    about: Point = {**size, **SETTINGS, "threads": THREADS, "code": growth.code("musig.growth")}
    known = growth.read(given.out)
    record = next((one for one in known if about.items() <= one.items()), None)
    if record is None:
        shutil.rmtree(folder, ignore_errors=True)
        record = {**about, "steps": {}}
    folder.mkdir(parents=True, exist_ok=True)
    others = [one for one in known if any(one[key] != size[key] for key in size)]
    for step in STEPS:
        if step in record["steps"]:
            continue
        command = [sys.executable, __file__, *map(str, given.size), "--threads", str(THREADS)]
        command += ["--folders", str(given.folders), "--step", step]
        found, stopped = watched(command, math.inf, given.memory)
        parts, _ = found.pop("measured"), found.pop("last", None)
        for part, each in parts.items():
            peak = "" if each["peak_mb"] is None else f", {each['peak_mb']:,.0f} MB"
            print(f"{step}, {part}: {each['cpu']:.3g} s of CPU{peak}", flush=True)
        record |= found | {"gigabytes": given.memory, "stopped": stopped and f"{stopped} in {step}"}
        if not stopped:
            record["steps"][step] = parts
        growth.write(given.out, [*others, record])
        if stopped:
            print(f"{step} was stopped: {stopped}; the same command goes on with it")
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
