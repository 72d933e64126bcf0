"""How time and memory grow with playlists, tracks, embedding size and hops.

From a folder of tables to an evaluation, each step on its own: read; graph (both directions of
every edge, as rows); prepare (universe, attributes and the graph again); begin (tasks, tables and
the first step of training); epoch; evaluate (every test playlist). The playlists are synthetic, of
the length of real ones, made once for each size.

Each point is a process of its own, with a limit on time and on memory; one that goes beyond is
ended and says so. After each point the file is written, so that a run that was stopped goes on
where it was. What is there already is left as it is, unless the code that it measured has changed
since, or it was ended by a lower limit.

    python benchmarks/growth.py               # what takes under two minutes each: 15 minutes
    python benchmarks/growth.py --min-weight 2
    python benchmarks/growth.py --all         # to 1M playlists, 200K tracks: as long again, 9 GiB
    python benchmarks/growth.py --spark       # the graph of the smallest by Spark, on one core

Memory is the peak of the process over what it holds once everything is imported; where the
system is not Linux it is not measured, and not limited.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

from side_by_side import THREADS  # isort: skip

import numpy as np

HERE = Path(__file__).resolve().parent
FOLDERS = Path("_build/growth")
SMALL = 100_000, 20_000
"""Playlists and tracks of the largest point that is measured without ``--all``."""
COMMON = {"embedding_size": 128, "hops": 2}
TRACKS = (2_000, 3_500, 6_000, 11_000, 20_000, 60_000, 200_000)
PLAYLISTS = (10_000, 17_500, 30_000, 55_000, 100_000, 300_000, 1_000_000)
AXES: dict[str, list[dict[str, int]]] = {
    "both": [{"playlists": 5 * n, "tracks": n} for n in TRACKS],
    "playlists": [{"playlists": n, "tracks": 20_000} for n in PLAYLISTS],
    "tracks": [{"playlists": 100_000, "tracks": n} for n in TRACKS],
    "embedding_size": [
        {"playlists": 30_000, "tracks": 6_000, "embedding_size": n} for n in (32, 64, 128, 256)
    ],
    "hops": [{"playlists": 30_000, "tracks": 6_000, "hops": n} for n in (1, 2, 3)],
}
"""What is varied. In ``both`` a track is in as many playlists whatever the size, about 330, as in
the paper's data."""
TIMINGS = 3
"""How often a small point is measured; the shortest time of each step counts."""
BY_SPARK = [{**point, **COMMON} for point in AXES["both"][:3]]
THEMES = 400  # as the synthetic catalogue of the paper's size
TRACKS_AN_ARTIST = 6.6
BLOCK = 20_000  # playlists that are made at a time
LOOK = 0.1  # seconds between two looks at what a process holds
Point = dict[str, Any]


def points(largest: bool) -> list[Point]:
    """List every point once, the cheap ones first."""
    found: list[Point] = []
    for axis in AXES.values():
        for given in axis:
            point = {**COMMON, **given}
            if point not in found and (largest or fits(point)):
                found.append(point)
    return sorted(found, key=lambda point: point["playlists"] * point["tracks"])


def fits(point: Point) -> bool:
    """Say whether a point is one of the small ones."""
    return point["playlists"] <= SMALL[0] and point["tracks"] <= SMALL[1]


def make(playlists: int, tracks: int, folder: Path) -> None:
    """Write synthetic tables, a block of playlists at a time: all at once need too much memory.

    The mechanism is that of :mod:`musig.sources.synthetic` at the size of the paper, without the
    order of listening, which nothing here reads.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    from musig.sources.synthetic import SIZES
    from musig.sources.synthetic_draws import fill_distinct
    from musig.sources.synthetic_playlists import Sampler, choose_themes, lognormal_lengths
    from musig.sources.synthetic_table import observe
    from musig.sources.synthetic_themes import plant_themes
    from musig.sources.synthetic_tracks import plant

    size = SIZES["paper"]
    for_tracks, for_themes, for_playlists, for_table = np.random.default_rng(0).spawn(4)
    truth = plant(
        tracks, round(tracks / TRACKS_AN_ARTIST), size.n_genres, size.exponent, for_tracks
    )
    themes = plant_themes(min(THEMES, tracks // 5), size.n_genres, truth, for_themes)
    rng = for_playlists
    longest = min(size.max_length, tracks // 4)  # longer ones could not be filled
    lengths = lognormal_lengths(playlists, size.median_length, size.sigma_length, longest, rng)
    about = choose_themes(playlists, themes.weight, rng)
    sampler = Sampler(truth, themes, about, rng)
    del themes
    passing = folder.with_name(folder.name + ".partial")
    shutil.rmtree(passing, ignore_errors=True)
    passing.mkdir(parents=True)
    table = observe(truth, np.empty(0, np.int64), for_table)
    table.drop(columns="recording").reset_index().to_parquet(passing / "tracks.parquet")
    ids = pa.array(table.index.tolist(), pa.string())
    schema = pa.schema(
        [
            ("pid", pa.int64()),
            ("track_id", pa.dictionary(pa.int32(), pa.string())),
            ("pos", pa.int64()),
        ]
    )
    path = passing / "playlists.parquet"
    with pq.ParquetWriter(path, schema, store_schema=False, compression="zstd") as writer:
        for first in range(0, playlists, BLOCK):
            some = lengths[first : first + BLOCK]
            drawn = fill_distinct(
                some, tracks, lambda which, first=first: sampler.draw(which + first)
            )
            owner, track, _ = drawn
            starts = np.repeat(np.cumsum(some) - some, some)
            names = pa.DictionaryArray.from_arrays(track.astype(np.int32), ids)
            columns = [owner + first, names, np.arange(len(track)) - starts]
            writer.write_table(pa.table(columns, schema=schema))
    passing.rename(folder)


def code(module: str) -> str:
    """Fingerprint of what a module and the readers compute, and of what they compute with."""
    from musig import cache
    from musig.source import source_key

    libraries = cache.versions(("torch", "numba", "numpy", "pandas", "scipy"))
    sources = [source_key(each) for each in (module, "musig.sources")]
    return cache.digest({"sources": sources, "libraries": libraries})[:12]


def kilobytes(process: int | str, field: str) -> int | None:
    """Read what a process holds, or its peak; None where that cannot be read."""
    try:
        status = Path(f"/proc/{process}/status").read_text()
        return int(status.split(f"{field}:")[1].split()[0])
    except (OSError, IndexError):
        return None


def spent(process: int, begun: float) -> float:
    """Seconds of CPU of a process, so that a busy machine does not end it; else on the clock."""
    try:
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    except (OSError, IndexError, ValueError):
        return time.monotonic() - begun


def tell(**what: Any) -> None:
    """Print a line for the process that watches this one."""
    print(json.dumps(what), flush=True)


def watching(base: int = 0) -> Callable[[str], AbstractContextManager[None]]:
    """Give what surrounds a step and tells its time, and its peak over `base` kilobytes."""

    @contextmanager
    def watch(step: str) -> Iterator[None]:
        tell(step=step)
        forget = Path("/proc/self/clear_refs")
        if forget.exists():
            forget.write_text("5")  # the peak begins anew
        wall, cpu = time.perf_counter(), time.process_time()
        yield
        cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
        peak = kilobytes("self", "VmHWM")
        memory = None if peak is None else (peak - base) / 1000
        tell(step=step, cpu=cpu, wall=wall, peak_mb=memory)

    return watch


def measure(point: Point, folder: Path) -> None:
    """Do every step of a point, and print a line of JSON after each."""
    import torch

    from musig import growth, sources

    torch.set_num_threads(THREADS)
    settings = {key: point[key] for key in ("embedding_size", "hops")}
    growth.measure(lambda: sources.load(dataset="embedded-smoke"), **settings)  # compiles, loads
    base = kilobytes("self", "VmRSS") or 0
    found = growth.measure(
        lambda: sources.load(folder),
        min_weight=point["min_weight"],
        watch=watching(base),
        **settings,
    )
    tell(base_mb=base / 1000, **found | {"measured": {}})


def count_by_spark(point: Point, folder: Path) -> None:
    """Count the graph of a point by Spark on one core, and print what that took."""
    from pyspark.sql import SparkSession

    from musig import sources, spark

    spark.need()
    lengths = sources.load(folder).playlists.lengths
    tell(entries=int(lengths.sum()), pairs=int((lengths * (lengths - 1) // 2).sum()))
    settings = {
        "spark.driver.memory": "2g",
        "spark.sql.shuffle.partitions": "8",  # few tasks: there is one core
        "spark.ui.enabled": "false",
    }
    running = SparkSession.builder.master("local[1]").config(map=settings).getOrCreate()
    java = running.sparkContext._gateway.proc.pid
    begun = time.monotonic()
    before = spent(java, begun)
    entries = spark.read_entries(running, folder / "playlists.parquet")
    edges = spark.pair_weights(entries, point["min_weight"]).count()
    took = {"cpu": spent(java, begun) - before, "wall": time.monotonic() - begun}
    tell(step="spark", **took, peak_mb=None)
    tell(edges=edges)
    running.stop()


def watched(
    command: list[str], minutes: float, gigabytes: float, **variables: str
) -> tuple[dict[str, Any], str | None]:
    """Run a process that tells its steps; end it where it goes beyond a limit.

    Gives what it told, its steps under ``measured``, and what stopped it.
    """
    stopped = None
    with TemporaryFile("w+") as out, TemporaryFile("w+") as err:
        process = subprocess.Popen(command, stdout=out, stderr=err, env=os.environ | variables)
        begun = time.monotonic()
        try:
            while process.poll() is None and stopped is None:
                # the peak, so that no short one is missed between two looks
                if (kilobytes(process.pid, "VmHWM") or 0) > gigabytes * 2**20:
                    stopped = "memory"
                elif spent(process.pid, begun) > 60 * minutes:
                    stopped = "time"
                else:
                    time.sleep(LOOK)
        finally:
            process.kill()  # nothing where it has ended
            process.wait()
        out.seek(0)
        err.seek(0)
        lines = [json.loads(line) for line in out if line.startswith("{") and line.endswith("}\n")]
        last = (err.read().strip().splitlines() or ["no message"])[-1]
    if process.returncode and not stopped:
        # the system ends a process for want of memory before the limit is reached
        stopped = "memory" if process.returncode == -9 else last
    found: dict[str, Any] = {}
    measured: dict[str, Any] = {}
    for line in lines:
        name = line.pop("step", None)
        if name is None:
            found |= line
        elif line:
            measured[name] = line
        else:
            found["last"] = name
    return found | {"measured": measured}, stopped


def run(point: Point, folder: Path, minutes: float, gigabytes: float, by: str = "--point") -> Point:
    """Measure a point in a process of its own: a small one a few times, keeping the best."""
    command = [sys.executable, __file__, "--threads", str(THREADS)]
    command += [by, json.dumps(point), "--folder", str(folder)]
    # what is freed is given back, so that a peak is of the step in which it was
    freed = {"MALLOC_MMAP_THRESHOLD_": str(2**17)}
    best: dict[str, Any] = {}
    for _ in range(TIMINGS if by == "--point" and fits(point) else 1):
        found, stopped = watched(command, minutes, gigabytes, **freed)
        for step, each in found["measured"].items():
            before = best.get("measured", {}).get(step, each)
            each |= {what: min(each[what], before[what]) for what in ("cpu", "wall")}
        best = found
        if stopped:
            break
    return {**point, "minutes": minutes, "gigabytes": gigabytes, "stopped": stopped, **best}


def same(one: Point, other: Point) -> bool:
    """Compare what two points are about."""
    return all(
        one[key] == other[key] for key in (*COMMON, "playlists", "tracks", "min_weight", "threads")
    )


def is_done(point: Point, known: list[Point], minutes: float, gigabytes: float) -> bool:
    """Say whether a point need not be measured again."""
    for one in known:
        if same(one, point) and one.get("code") == point["code"]:
            limit = {"time": minutes <= one["minutes"], "memory": gigabytes <= one["gigabytes"]}
            return one["stopped"] is None or limit.get(one["stopped"], False)
    return False


def told(point: Point) -> str:
    """One line about a point that was measured."""
    name = (
        f"{point['playlists']:,} playlists, {point['tracks']:,} tracks, "
        f"width {point['embedding_size']}, {point['hops']} hops"
    )
    steps = ", ".join(
        f"{step} {each['cpu']:.3g} s"
        + ("" if each["peak_mb"] is None else f" {each['peak_mb']:,.0f} MB")
        for step, each in point["measured"].items()
    )
    end = f"; stopped in {point.get('last', 'the beginning')}: {point['stopped']}"
    return f"{name}: {steps}{end if point['stopped'] else ''}"


def made(point: Point, folders: Path) -> Path:
    """Give the folder of a point's tables, made now if it is not there."""
    folder = folders / f"{point['playlists']}-{point['tracks']}"
    if not folder.is_dir():
        folder.parent.mkdir(parents=True, exist_ok=True)
        size = [str(point["playlists"]), str(point["tracks"])]
        command = [sys.executable, __file__, "--make", *size, "--folder", str(folder)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return folder


def read(path: Path) -> list[Point]:
    """Read what was measured before."""
    return json.loads(path.read_text("utf-8")) if path.is_file() else []


def write(path: Path, known: list[Point]) -> None:
    """Write what is known now, aside and then renamed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    passing = path.with_suffix(".partial")
    passing.write_text(json.dumps(known, indent=1) + "\n", encoding="utf-8")
    passing.replace(path)


def main() -> int:
    """Measure what is missing, print and write it; 1 if a point failed by an error."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])  # type: ignore[union-attr]
    options.add_argument("--threads", type=int, default=1, help="of every library  [default: 1]")
    options.add_argument("--all", action="store_true", help="the large sizes too")
    options.add_argument("--most", type=int, help="playlists of the largest point to measure")
    options.add_argument("--min-weight", type=int, default=10, help="of the graph  [default: 10]")
    options.add_argument("--spark", action="store_true", help="the graph by Spark, on one core")
    options.add_argument(
        "--minutes", type=float, help="of CPU, limit of a point  [default: 3; --all: 240]"
    )
    options.add_argument("--memory", type=float, default=16, help="limit in GiB  [default: 16]")
    options.add_argument("--out", type=Path, help="[default: growth.json or spark.json, here]")
    options.add_argument("--folders", type=Path, default=FOLDERS, help="where the tables are made")
    for name in ("--point", "--by-spark"):
        options.add_argument(name, type=json.loads, help=argparse.SUPPRESS)
    options.add_argument("--make", type=int, nargs=2, help=argparse.SUPPRESS)
    options.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    given = options.parse_args()
    if given.point:
        measure(given.point, given.folder)
    elif given.by_spark:
        count_by_spark(given.by_spark, given.folder)
    elif given.make:
        with watching()("make"):
            make(*given.make, given.folder)
    else:
        return begin(given)
    return 0


def begin(given: argparse.Namespace) -> int:
    """Do what was asked for, in other processes."""
    kind = "spark" if given.spark else "growth"
    out, minutes = given.out or HERE / f"{kind}.json", given.minutes or (240 if given.all else 3)
    about = {"min_weight": given.min_weight, "threads": THREADS, "code": code(f"musig.{kind}")}
    known, failed = read(out), 0
    for point in ({**each, **about} for each in (BY_SPARK if given.spark else points(given.all))):
        if given.most is not None and point["playlists"] > given.most:
            continue
        if is_done(point, known, minutes, given.memory):
            continue
        by = "--by-spark" if given.spark else "--point"
        found = run(point, made(point, given.folders), minutes, given.memory, by)
        print(told(found), flush=True)
        failed |= found["stopped"] not in (None, "time", "memory")
        known = [one for one in known if not same(one, point)] + [found]
        write(out, known)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
