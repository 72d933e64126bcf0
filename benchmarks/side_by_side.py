"""What every benchmark here does: run ours and a peer's in turn, compare, print, write it down.

Import this module before numpy: it reads ``--threads`` and holds every library to that number.
What is compared is CPU seconds, so that a busy machine does not decide; wall time is kept beside
it, since with more than one thread it is what one waits for. Ratios are taken within a repeat,
in which both ran one after the other.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

OUT = Path("_build/bench.json")

_threads = argparse.ArgumentParser(add_help=False)
_threads.add_argument("--threads", type=int, default=1, help="of every library  [default: 1]")
THREADS = _threads.parse_known_args()[0].threads
for _name in (
    "NUMBA_NUM_THREADS",
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "POLARS_MAX_THREADS",
):
    os.environ[_name] = str(THREADS)  # read when a library is imported


@dataclass(frozen=True)
class Took:
    """What a piece of work took, and what it made."""

    cpu: float
    """Seconds of all threads of the process."""
    wall: float
    """Seconds on the clock."""
    made: Any


def parser(doc: str | None) -> argparse.ArgumentParser:
    """Give the options all benchmarks have."""
    made = argparse.ArgumentParser(description=(doc or "").splitlines()[0], parents=[_threads])
    made.add_argument("--repeats", type=int, default=5)
    made.add_argument("--out", type=Path, default=OUT)
    return made


def peer(module: str, what: str) -> ModuleType | None:
    """Import a peer, or return None and print a line that says what is left out for want of it."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        print(f"{what}: left out, {module} cannot be imported ({error})")
        return None


def took(work: Callable[[], Any]) -> Took:
    """Do a piece of work once."""
    wall, cpu = time.perf_counter(), time.process_time()
    made = work()
    return Took(time.process_time() - cpu, time.perf_counter() - wall, made)


def growth(work: Callable[[], Any]) -> float | None:
    """By how many MB the peak of this process grows over a piece of work. Linux only, else None."""
    status, forget = Path("/proc/self/status"), Path("/proc/self/clear_refs")
    if not forget.exists():
        return None

    def kilobytes(field: str) -> int:
        return int(status.read_text().split(f"{field}:")[1].split()[0])

    forget.write_text("5")  # the peak begins anew
    before = kilobytes("VmRSS")
    made = work()
    peak = kilobytes("VmHWM")
    del made
    return (peak - before) / 1000


def compare(
    work: str,
    ours: Callable[[], Any],
    peers: Mapping[str, Callable[[], Any]],
    equal: Callable[[Any, Any], bool] | None,
    *,
    bars: Mapping[str, float] | None = None,
    repeats: int = 5,
    warm_up: bool = True,
) -> list[dict[str, Any]]:
    """Run ours and every peer in turn, `repeats` times; an entry a peer.

    `equal` says of what ours and a peer made whether they agree; None where there is nothing to
    compare. `bars` names the ratio that is asked for, by peer; bars are for one thread.
    """
    if warm_up:  # compiles, loads, fills caches
        ours()
        for other in peers.values():
            other()
    own: list[Took] = []
    theirs: dict[str, list[Took]] = {name: [] for name in peers}
    agree = dict.fromkeys(peers, True)
    for _ in range(repeats):
        own.append(took(ours))
        for name, other in peers.items():
            theirs[name].append(took(other))
            if equal is not None:
                agree[name] &= bool(equal(own[-1].made, theirs[name][-1].made))
            theirs[name][-1] = Took(theirs[name][-1].cpu, theirs[name][-1].wall, None)
        own[-1] = Took(own[-1].cpu, own[-1].wall, None)  # results are not kept: they may be large
    return [
        entry(
            work,
            name,
            own,
            theirs[name],
            bar=(bars or {}).get(name),
            equal=None if equal is None else agree[name],
        )
        for name in peers
    ]


def entry(
    work: str,
    name: str,
    own: Sequence[Took],
    theirs: Sequence[Took],
    *,
    bar: float | None,
    equal: bool | None,
) -> dict[str, Any]:
    """One line of ``bench.json``: medians in seconds, and the ratio with its range."""
    ratios = [other.cpu / mine.cpu for mine, other in zip(own, theirs, strict=True)]
    median = statistics.median
    return {
        "work": work,
        "peer": name,
        "threads": THREADS,
        "ours": median(one.cpu for one in own),
        "theirs": median(one.cpu for one in theirs),
        "ratio": median(ratios),
        "ratio_range": [min(ratios), max(ratios)],
        "ours_wall": median(one.wall for one in own),
        "theirs_wall": median(one.wall for one in theirs),
        "repeats": len(ratios),
        "bar": bar if THREADS == 1 else None,
        "equal": equal,
    }


def finish(entries: Sequence[dict[str, Any]], out: Path, full_size: bool = True) -> int:
    """Print the entries and write them; 1 if a bar is missed or results differ, else 0.

    Bars are for the full size: less work says nothing about them.
    """
    wrong = 0
    if not full_size:
        for one in entries:
            one["bar"] = None
    for one in entries:
        low, high = one["ratio_range"]
        missed = one["bar"] is not None and one["ratio"] < one["bar"]
        wrong += missed or one["equal"] is False
        agree = {None: "", True: ", equal", False: ", RESULTS DIFFER"}[one["equal"]]
        bar = "" if one["bar"] is None else f", bar {one['bar']:g}{' MISSED' if missed else ''}"
        threads = f", {one['threads']} threads" if one["threads"] > 1 else ""
        print(
            f"{one['work']}{threads}\n  {one['peer']}: {one['theirs']:.3g} s, ours "
            f"{one['ours']:.3g} s, ratio {one['ratio']:.1f} ({low:.1f} to {high:.1f}, "
            f"{one['repeats']} repeats){bar}{agree}",
            flush=True,
        )
    record(entries, out)
    return 1 if wrong else 0


def record(entries: Sequence[Mapping[str, Any]], out: Path = OUT) -> None:
    """Replace the entries of the same work, peer and threads; leave all others as they are."""

    def key(one: Mapping[str, Any]) -> tuple[str, str, int]:
        return one["work"], one["peer"], one["threads"]

    known = json.loads(out.read_text(encoding="utf-8")) if out.is_file() else []
    replaced = {key(one) for one in entries}
    kept = [one for one in known if key(one) not in replaced]
    out.parent.mkdir(parents=True, exist_ok=True)
    passing = out.with_suffix(".partial")
    passing.write_text(json.dumps([*kept, *entries], indent=1) + "\n", encoding="utf-8")
    passing.replace(out)


if __name__ == "__main__":
    sys.exit("This module is imported by the benchmarks beside it; run one of those.")
