"""Counting co-occurrence: ours against scipy and everything else one might reach for.

`paper` size, one thread: ``scipy.sparse``'s bare product ``A.T @ A``, on whose line the bars are,
and the same with what ours includes (sorting, clearing the diagonal, dropping light edges); MKL's
Gram matrix through sparse-dot-mkl. The self-joins of DuckDB, Polars and pandas and NetworkX's
loop over pairs need minutes or much memory there: they run at `classroom` size. Results must be
equal. Memory is by how much the peak of a fresh process grows that holds the input already.

    python benchmarks/graph.py                        # about two minutes and 4 GB
    python benchmarks/graph.py --playlists 1000000    # as many tracks: about five minutes, 10 GB
    python benchmarks/graph.py --size classroom
"""

from __future__ import annotations

import multiprocessing
import os
import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from itertools import combinations
from typing import Any

from side_by_side import THREADS, compare, entry, finish, growth, parser, peer, took  # isort: skip

import numpy as np
import pandas as pd
from scipy import sparse

from musig.graph import cooccurrence
from musig.playlists import Playlists
from musig.sources import synthetic

BAR, BAR_MILLION = 25, 20
"""How many times as fast as scipy's bare product: at the size of the paper, and at 1M playlists."""
MEMORY_BAR = 150.0  # MB on top of the input, at the size of the paper

Arrays = tuple[np.ndarray, np.ndarray, np.ndarray]
Input = tuple[Playlists, int, int]  # playlists, number of tracks, min_weight


def ours(given: Input) -> Arrays:
    """Count our way."""
    playlists, n, min_weight = given
    return cooccurrence(playlists.indptr, playlists.tracks, n, min_weight)


def incidence(given: Input, dtype: type = np.int32) -> sparse.csr_array:
    """Make scipy's form of playlists; with 32-bit indices, which it multiplies faster."""
    playlists, n, _ = given
    places = playlists.tracks.astype(np.int32), playlists.indptr.astype(np.int32)
    return sparse.csr_array((np.ones(len(places[0]), dtype), *places), shape=(len(playlists), n))


def dropped(product: Any, min_weight: int) -> Arrays:
    """Turn a product into what ours returns."""
    product = product.tocsr()
    product.setdiag(0)
    product.data[product.data <= min_weight] = 0
    product.eliminate_zeros()
    product.sort_indices()
    return product.indptr, product.indices, product.data


def mirrored(below: Any, above: Any, weight: Any, n: int) -> Arrays:
    """Turn a list of pairs, each there once, into what ours returns."""
    below, above, weight = (np.asarray(part) for part in (below, above, weight))
    half = sparse.coo_array((weight.astype(np.int32), (below, above)), shape=(n, n)).tocsr()
    return dropped(half + half.T, 0)


def same(own: Arrays, theirs: Arrays) -> bool:
    """Compare two graphs."""
    return all(np.array_equal(one, other) for one, other in zip(own, theirs, strict=True))


def memory_of(way: str, given: Input) -> float | None:
    """By how many MB the peak grows; to be called in a fresh process."""
    if way == "ours":
        ours((given[0].subset(np.arange(100)), *given[1:]))  # loads the machine code
        return growth(lambda: ours(given))
    member = incidence(given)
    return growth(lambda: member.T @ member)


def with_scipy(
    name: str, given: Input, bar: float | None, repeats: int, memory: bool
) -> list[dict[str, Any]]:
    """Run scipy's product once a repeat; the second line adds the dropping to it."""
    member = incidence(given)
    ours(given)  # compiles
    own, bare, full, equal = [], [], [], True
    for _ in range(repeats):
        own.append(took(lambda: ours(given)))
        product = took(lambda: member.T @ member)
        after = took(lambda product=product: dropped(product.made, given[2]))
        equal &= same(own[-1].made, after.made)
        own[-1] = replace(own[-1], made=None)
        bare.append(replace(product, made=None))
        both = product.cpu + after.cpu, product.wall + after.wall
        full.append(replace(product, cpu=both[0], wall=both[1], made=None))
        del product, after
    entries = [
        entry(name, "scipy.sparse A.T @ A, product", own, bare, bar=bar, equal=equal),
        entry(name, "scipy.sparse A.T @ A, product and dropping", own, full, bar=None, equal=equal),
    ]
    if memory:
        # in the fresh process freed memory is given back, whatever was freed before the work
        os.environ["MALLOC_MMAP_THRESHOLD_"] = str(2**17)
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(1, context, max_tasks_per_child=1) as fresh:
            mine, theirs = (
                fresh.submit(memory_of, way, given).result() for way in ("ours", "scipy")
            )
        entries[0] |= {"memory_mb": mine, "memory_mb_theirs": theirs, "memory_bar_mb": MEMORY_BAR}
    return entries


def with_mkl(name: str, given: Input, repeats: int) -> list[dict[str, Any]]:
    """Run MKL's Gram matrix, of which it makes the upper triangle."""
    mkl = peer("sparse_dot_mkl", "MKL")
    if mkl is None:
        return []
    member = sparse.csr_matrix(incidence(given, np.float32))  # floats are all that it takes

    def equal(own: Arrays, product: Any) -> bool:
        pairs = sparse.triu(product, 1).tocoo()
        kept = pairs.data > given[2]
        return same(own, mirrored(pairs.row[kept], pairs.col[kept], pairs.data[kept], given[1]))

    way = {"sparse-dot-mkl gram_matrix_mkl": lambda: mkl.gram_matrix_mkl(member)}
    return compare(name, lambda: ours(given), way, equal, repeats=repeats)


def joins(given: Input) -> dict[str, Callable[[], tuple[Any, Any, Any]]]:
    """Ways to count pairs with libraries for tables and graphs: each pair and its weight."""
    playlists, _, min_weight = given
    table = pd.DataFrame(
        {"p": np.repeat(np.arange(len(playlists)), playlists.lengths), "t": playlists.tracks}
    )
    ways: dict[str, Callable[[], tuple[Any, Any, Any]]] = {}

    def pandas() -> tuple[Any, Any, Any]:
        pairs = table.merge(table, on="p")
        count = pairs[pairs.t_x < pairs.t_y].groupby(["t_x", "t_y"], sort=False).size()
        count = count[count > min_weight]
        return count.index.get_level_values(0), count.index.get_level_values(1), count

    ways["pandas, merge and groupby"] = pandas

    if duckdb := peer("duckdb", "DuckDB"):
        base = duckdb.connect()
        base.execute(f"SET threads = {THREADS}")
        base.register("given", table)
        base.execute("CREATE TABLE member AS SELECT * FROM given")

        def sql() -> tuple[Any, Any, Any]:
            found = base.execute(
                "SELECT a.t AS x, b.t AS y, count(*) AS w FROM member a JOIN member b "
                "ON a.p = b.p AND a.t < b.t GROUP BY a.t, b.t HAVING count(*) > ?",
                [min_weight],
            ).fetchnumpy()
            return found["x"], found["y"], found["w"]

        ways["DuckDB, self-join"] = sql

    if polars := peer("polars", "Polars"):
        frame = polars.DataFrame({"p": table.p.to_numpy(), "t": table.t.to_numpy()}).lazy()

        def join() -> tuple[Any, Any, Any]:
            pairs = frame.join(frame, on="p").filter(polars.col("t") < polars.col("t_right"))
            count = pairs.group_by("t", "t_right").len("w").filter(polars.col("w") > min_weight)
            found = count.collect(engine="streaming")
            return found["t"].to_numpy(), found["t_right"].to_numpy(), found["w"].to_numpy()

        ways["Polars, self-join"] = join

    if networkx := peer("networkx", "NetworkX"):

        def loop() -> tuple[Any, Any, Any]:
            graph = networkx.Graph()
            for p in range(len(playlists)):
                for one, other in combinations(playlists[p].tolist(), 2):
                    if graph.has_edge(one, other):
                        graph[one][other]["weight"] += 1
                    else:
                        graph.add_edge(one, other, weight=1)
            kept = [edge for edge in graph.edges(data="weight") if edge[2] > min_weight]
            return tuple(np.array(kept, np.int64).reshape(-1, 3).T)  # type: ignore[return-value]

        ways["NetworkX, a loop over pairs"] = loop
    return ways


def main() -> int:
    """Measure, print, write ``_build/bench.json``; 1 if a bar is missed or results differ."""
    options = parser(__doc__)
    options.add_argument("--size", default="paper", help="of the synthetic catalogue")
    options.add_argument("--playlists", type=int, help="so many, instead of the size's")
    options.add_argument("--min-weight", type=int, default=10)
    arguments = options.parse_args()

    def made(size: str) -> tuple[str, Input]:
        catalog, min_weight = synthetic.make(size), arguments.min_weight
        name = f"co-occurrence, {size}, {len(catalog.playlists)} playlists, min_weight {min_weight}"
        return name, (catalog.playlists, len(catalog.tracks), min_weight)

    size, repeats, bar = arguments.size, min(arguments.repeats, 3), None
    if arguments.playlists:
        usual = synthetic.SIZES[size]
        synthetic.SIZES[size] = replace(usual, n_playlists=arguments.playlists)
        repeats = 1
        bar = BAR_MILLION if (size, arguments.playlists) == ("paper", 1_000_000) else None
    elif size == "paper":
        bar = BAR
    name, given = made(size)
    entries = with_scipy(name, given, bar, repeats, memory=bar == BAR)
    if not arguments.playlists:
        entries += with_mkl(name, given, repeats)
        name, given = made("classroom")
        pairs = joins(given)
        entries += compare(
            name,
            lambda: ours(given),
            pairs,
            lambda own, theirs: same(own, mirrored(*theirs, given[1])),
            repeats=repeats,
        )
    code = finish(entries, arguments.out)
    used = entries[0].get("memory_mb")
    if used is not None:
        print(
            f"  memory: ours {used:.0f} MB, bar {MEMORY_BAR:.0f}; "
            f"scipy {entries[0]['memory_mb_theirs']:.0f} MB"
        )
        code |= THREADS == 1 and used > MEMORY_BAR
    return int(code)


if __name__ == "__main__":
    sys.exit(main())
