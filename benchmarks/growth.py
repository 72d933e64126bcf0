"""How time and memory grow with playlists, tracks, embedding size and hops.

From a folder of tables to an evaluation, each step on its own: read; graph (both directions of
every edge, as rows); prepare (universe, attributes and the graph again); begin (tasks, tables and
the first step of training); epoch; evaluate (every test playlist). The playlists are synthetic, of
the length of real ones, made once for each size.

Each point is a process of its own, with a limit on time and on memory; one that goes beyond is
ended and says so. After each point the file is written, so that a run that was stopped goes on
where it was. What is there already is left as it is, unless it was ended by a lower limit.

    python benchmarks/growth.py               # what takes under two minutes each: a quarter hour
    python benchmarks/growth.py --all         # to 1M playlists and 200K tracks: hours, 12 GiB
    python benchmarks/growth.py --all --min-weight 2 --minutes 600 --memory 20

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
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from side_by_side import THREADS  # isort: skip

import numpy as np

MEASURED = Path(__file__).resolve().parent / "growth.json"
FOLDERS = Path("_build/growth")
SMALL = 100_000, 20_000
"""Playlists and tracks of the largest point that is measured without ``--all``."""
COMMON = {"embedding_size": 128, "hops": 2}
AXES: dict[str, list[dict[str, int]]] = {
    "both": [{"playlists": 5 * n, "tracks": n} for n in (2_000, 6_000, 20_000, 60_000, 200_000)],
    "playlists": [
        {"playlists": n, "tracks": 20_000} for n in (10_000, 30_000, 100_000, 300_000, 1_000_000)
    ],
    "tracks": [
        {"playlists": 100_000, "tracks": n} for n in (2_000, 6_000, 20_000, 60_000, 200_000)
    ],
    "embedding_size": [
        {"playlists": 30_000, "tracks": 6_000, "embedding_size": n} for n in (32, 64, 128, 256)
    ],
    "hops": [{"playlists": 30_000, "tracks": 6_000, "hops": n} for n in (1, 2, 3)],
}
"""What is varied. In ``both`` a track is in as many playlists whatever the size, about 330, as in
the paper's data."""
THEMES = 400  # as the synthetic catalogue of the paper's size
TRACKS_AN_ARTIST = 6.6
BLOCK = 20_000  # playlists that are made at a time
LOOK = 0.1  # seconds between two looks at what a process holds
Point = dict[str, Any]


def points(largest: bool, min_weight: int) -> list[Point]:
    """List every point once, the cheap ones first."""
    found: list[Point] = []
    for axis in AXES.values():
        for given in axis:
            point = {**COMMON, **given, "min_weight": min_weight, "threads": THREADS}
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


def measure(point: Point, folder: Path) -> None:
    """Do every step of a point, and print a line of JSON after each."""
    import torch

    from musig import growth, sources

    torch.set_num_threads(THREADS)
    settings = {key: point[key] for key in ("embedding_size", "hops")}
    growth.measure(lambda: sources.load(dataset="embedded-smoke"), **settings)  # compiles, loads
    base = kilobytes("self", "VmRSS")

    def tell(**what: Any) -> None:
        print(json.dumps(what), flush=True)

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
        memory = None if peak is None or base is None else (peak - base) / 1000
        tell(step=step, cpu=cpu, wall=wall, peak_mb=memory)

    weight = point["min_weight"]
    found = growth.measure(lambda: sources.load(folder), min_weight=weight, watch=watch, **settings)
    tell(base_mb=None if base is None else base / 1000, **found | {"measured": {}})


def run(point: Point, folder: Path, minutes: float, gigabytes: float) -> Point:
    """Measure a point in a process of its own; end it where it goes beyond a limit."""
    command = [sys.executable, __file__, "--threads", str(THREADS)]
    command += ["--point", json.dumps(point), "--folder", str(folder)]
    # what is freed is given back, so that a peak is of the step in which it was
    environment = os.environ | {"MALLOC_MMAP_THRESHOLD_": str(2**17)}
    log = folder.with_name(folder.name + ".log")
    found: Point = {**point, "minutes": minutes, "gigabytes": gigabytes, "stopped": None}
    with log.open("w+", encoding="utf-8") as out:
        process = subprocess.Popen(command, stdout=out, stderr=subprocess.PIPE, env=environment)
        begun = time.monotonic()
        while process.poll() is None:
            held = kilobytes(process.pid, "VmRSS") or 0
            if held > gigabytes * 2**20:
                found["stopped"] = "memory"
            elif spent(process.pid, begun) > 60 * minutes:
                found["stopped"] = "time"
            if found["stopped"]:
                process.kill()
                break
            time.sleep(LOOK)
        errors = process.communicate()[1].decode()
        out.seek(0)
        lines = [json.loads(line) for line in out if line.startswith("{") and line.endswith("}\n")]
    log.unlink()
    if process.returncode and not found["stopped"]:
        told = (errors.strip().splitlines() or ["no message"])[-1]
        # the system ends a process for want of memory before the limit is reached
        found["stopped"] = "memory" if process.returncode == -9 else told
    measured: dict[str, Any] = {}
    for line in lines:
        name = line.pop("step", None)
        if name is None:
            found |= line
        elif line:
            measured[name] = line
        else:
            found["last"] = name
    return found | {"measured": measured}


def same(one: Point, other: Point) -> bool:
    """Compare what two points are about."""
    return all(
        one[key] == other[key] for key in (*COMMON, "playlists", "tracks", "min_weight", "threads")
    )


def is_done(point: Point, known: list[Point], minutes: float, gigabytes: float) -> bool:
    """Say whether a point need not be measured again."""
    for one in known:
        if same(one, point):
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


def main() -> int:
    """Measure what is missing, print and write it; 1 if a point failed by an error."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])  # type: ignore[union-attr]
    options.add_argument("--threads", type=int, default=1, help="of every library  [default: 1]")
    options.add_argument("--all", action="store_true", help="the large sizes too: hours")
    options.add_argument("--min-weight", type=int, default=10, help="of the graph  [default: 10]")
    options.add_argument(
        "--minutes", type=float, help="of CPU, limit of a point  [default: 3; --all: 240]"
    )
    options.add_argument("--memory", type=float, default=16, help="limit in GiB  [default: 16]")
    options.add_argument("--most", type=int, help="playlists of the largest point to measure")
    options.add_argument("--again", action="store_true", help="also what was measured already")
    options.add_argument("--out", type=Path, default=MEASURED)
    options.add_argument("--folders", type=Path, default=FOLDERS, help="where the tables are made")
    options.add_argument("--point", type=json.loads, help=argparse.SUPPRESS)
    options.add_argument("--make", type=int, nargs=2, help=argparse.SUPPRESS)
    options.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    given = options.parse_args()
    if given.point:
        measure(given.point, given.folder)
        return 0
    if given.make:
        make(*given.make, given.folder)
        return 0
    minutes = given.minutes or (240 if given.all else 3)
    known: list[Point] = []
    if given.out.is_file():
        known = json.loads(given.out.read_text("utf-8"))
    failed = 0
    for point in points(given.all, given.min_weight):
        if given.most and point["playlists"] > given.most:
            continue
        if not given.again and is_done(point, known, minutes, given.memory):
            continue
        folder = given.folders / f"{point['playlists']}-{point['tracks']}"
        if not folder.is_dir():
            folder.parent.mkdir(parents=True, exist_ok=True)
            size = [str(point["playlists"]), str(point["tracks"])]
            command = [sys.executable, __file__, "--make", *size, "--folder", str(folder)]
            subprocess.run(command, check=True)
        found = run(point, folder, minutes, given.memory)
        print(told(found), flush=True)
        failed |= found["stopped"] not in (None, "time", "memory")
        known = [one for one in known if not same(one, point)] + [found]
        given.out.parent.mkdir(parents=True, exist_ok=True)
        passing = given.out.with_suffix(".partial")
        passing.write_text(json.dumps(known, indent=1) + "\n", encoding="utf-8")
        passing.replace(given.out)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
