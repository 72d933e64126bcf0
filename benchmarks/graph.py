"""Counting co-occurrence: ours against ``scipy.sparse``'s ``A.T @ A``, side by side.

Both run in this process, on one thread, on the `paper` catalogue, in turn; what is compared is
CPU seconds, so that a busy machine does not decide. Theirs is the product alone: sorting it,
clearing its diagonal and dropping light edges, all of which ours includes, is added on a second
line. The results must be equal.

    python benchmarks/graph.py            # about three minutes and 4 GB, nearly all of it scipy's
    python benchmarks/graph.py --size classroom --min-weight 2
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

for _name in ("NUMBA_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_name] = "1"  # before the imports that read it

import numpy as np  # noqa: E402
from side_by_side import OUT, record  # noqa: E402
from scipy import sparse  # noqa: E402

from musig.graph import cooccurrence  # noqa: E402
from musig.sources.synthetic import make  # noqa: E402

BAR = 10
"""How many times faster than the product alone ours has to be, at the size of the paper."""


def seconds(work: Callable[[], object]) -> tuple[float, object]:
    """CPU seconds of a piece of work, and what it returns."""
    start = time.process_time()
    result = work()
    return time.process_time() - start, result


def main() -> int:
    """Measure, print, write ``_build/bench.json``; 1 if the bar is missed or results differ."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", default="paper", help="of the synthetic catalogue")
    parser.add_argument("--min-weight", type=int, default=10)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--out", type=Path, default=OUT)
    arguments = parser.parse_args()
    min_weight = arguments.min_weight

    catalog = make(arguments.size)
    playlists, n = catalog.playlists, len(catalog.tracks)
    ones = np.ones(len(playlists.tracks), np.int32)
    member = sparse.csr_array((ones, playlists.tracks, playlists.indptr), shape=(len(playlists), n))

    def ours() -> tuple[np.ndarray, ...]:
        return cooccurrence(playlists.indptr, playlists.tracks, n, min_weight)

    def drop(product: sparse.csr_array) -> sparse.csr_array:
        product = product.tocsr()
        product.setdiag(0)
        product.data[product.data <= min_weight] = 0
        product.eliminate_zeros()
        product.sort_indices()
        return product

    ours()  # compiles
    times: dict[str, list[float]] = {"ours": [], "product": [], "product and dropping": []}
    equal = True
    for _ in range(arguments.repeats):
        own, graph = seconds(ours)
        product_seconds, product = seconds(lambda: member.T @ member)
        drop_seconds, reference = seconds(lambda product=product: drop(product))
        pairs = zip(graph, (reference.indptr, reference.indices, reference.data), strict=True)
        equal &= all(np.array_equal(one, other) for one, other in pairs)
        times["ours"].append(own)
        times["product"].append(product_seconds)
        times["product and dropping"].append(product_seconds + drop_seconds)
        del product, reference

    entries = []
    for peer in ("product", "product and dropping"):
        ratios = [theirs / own for theirs, own in zip(times[peer], times["ours"], strict=True)]
        entries.append(
            {
                "work": f"co-occurrence, {arguments.size}, min_weight {min_weight}",
                "peer": f"scipy.sparse A.T @ A, {peer}",
                "ours": statistics.median(times["ours"]),
                "theirs": statistics.median(times[peer]),
                "ratio": statistics.median(ratios),
                "ratio_range": [min(ratios), max(ratios)],
                "bar": BAR,
                "equal": equal,
            }
        )
        print(
            f"{peer}: {entries[-1]['theirs']:.2f} s, ours {entries[-1]['ours']:.2f} s, "
            f"ratio {entries[-1]['ratio']:.1f} ({min(ratios):.1f} to {max(ratios):.1f}, "
            f"{len(ratios)} repeats), {'equal' if equal else 'DIFFERENT'}, "
            f"{len(graph[1]) // 2} edges"
        )
    record(entries, arguments.out)
    return 0 if equal and (arguments.size != "paper" or entries[0]["ratio"] >= BAR) else 1


if __name__ == "__main__":
    sys.exit(main())
