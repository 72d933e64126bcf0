"""Inverting the matrix of EASE: ours, in its own place, against numpy, scipy and torch.

Ours is `musig.baselines.ease.inverse`, on the counts of a synthetic catalogue with a constant on
the diagonal; the peers are given the same float32 matrix (numpy computes in double). Ours
overwrites what it is given, so it is given a copy, which the time includes. Results must agree to
float32, and undo the matrix. Memory is by how much the peak of a fresh process grows over the whole
fit: the counts, the inverse, the table.

    python benchmarks/ease.py                    # about half an hour and 10 GB
    python benchmarks/ease.py --size classroom
"""

from __future__ import annotations

import multiprocessing
import os
import sys
from concurrent.futures import ProcessPoolExecutor

from side_by_side import THREADS, compare, finish, growth, parser  # isort: skip

import numpy as np
import scipy.linalg
import torch

from musig.baselines.ease import EASE, gram, inverse
from musig.catalog import Catalog
from musig.sources import synthetic
from musig.splits import Split

REGULARIZATION = 100.0
BAR = 5
"""How many times as fast as numpy.linalg.inv, at the size of the paper."""
MEMORY_BAR = 2000.0  # MB, at the size of the paper
WITHIN = 1e-3  # of the largest entry: float32, after n subtractions


def fitted(size: str) -> float | None:
    """By how many MB the peak grows over a fit; to be called in a fresh process."""
    torch.set_num_threads(THREADS)
    small, catalog = synthetic.make("smoke"), synthetic.make(size)

    def fit(catalog: Catalog) -> EASE:
        everything = np.arange(len(catalog.playlists))
        none = np.array([], int)
        return EASE(REGULARIZATION).fit(catalog, Split(everything, none, none, seed=0, name="all"))

    fit(small)  # loads the machine code
    return growth(lambda: fit(catalog))


def main() -> int:
    """Measure, print, write ``_build/bench.json``; 1 if a bar is missed or results differ."""
    options = parser(__doc__)
    options.add_argument("--size", default="paper", help="of the synthetic catalogue")
    arguments = options.parse_args()
    torch.set_num_threads(THREADS)
    full = arguments.size == "paper"

    # in the fresh process freed memory is given back, whatever was freed before the work
    os.environ["MALLOC_MMAP_THRESHOLD_"] = str(2**17)
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, context, max_tasks_per_child=1) as fresh:
        memory = fresh.submit(fitted, arguments.size).result()

    catalog = synthetic.make(arguments.size)
    table = gram(catalog.playlists, catalog.n_tracks)
    table.flat[:: len(table) + 1] += np.float32(REGULARIZATION)
    some = np.random.default_rng(0).normal(size=(len(table), 4)).astype(np.float32)

    def agree(own: np.ndarray, theirs: np.ndarray) -> bool:
        close = np.abs(own - theirs).max() <= WITHIN * np.abs(theirs).max()
        undone = np.abs(table @ (own @ some) - some).max() <= 100 * WITHIN
        return bool(close and undone)

    work = f"EASE: inverse of {len(table)} by {len(table)}, float32, {arguments.size}"
    entries = compare(
        work,
        lambda: inverse(table.copy()),
        {
            "numpy.linalg.inv": lambda: np.linalg.inv(table),
            "scipy.linalg.inv, positive definite": lambda: scipy.linalg.inv(
                table, assume_a="pos", check_finite=False
            ),
            "torch.linalg.inv": lambda: torch.linalg.inv(torch.from_numpy(table)).numpy(),
        },
        agree,
        bars={"numpy.linalg.inv": BAR},
        repeats=min(arguments.repeats, 3),
        warm_up=not full,
    )
    if memory is not None:
        bar = MEMORY_BAR if full else None
        entries[0] |= {"memory_mb": memory, "memory_bar_mb": bar}
    code = finish(entries, arguments.out, full)
    if memory is not None:
        print(f"  memory of a fit: {memory:.0f} MB, bar {MEMORY_BAR:.0f}")
        code |= int(THREADS == 1 and full and memory > MEMORY_BAR)
    return code


if __name__ == "__main__":
    sys.exit(main())
