"""Weighted two-hop sampling: ours against ``torch.multinomial`` and numpy's ``choice``.

On the music graph of the `paper` catalogue, 512 seeds a batch: 25 neighbours of each seed, then 10
of each node met, with replacement and in proportion to edge weight. All draw for the same rows, in
turn; peers a row at a time, as they have no other way to draw from a graph's rows. Results are
equal where a chi-square test finds nothing against either. A last line compares the whole of
:func:`musig.sampling.sample_blocks` with the draws in it.

    python benchmarks/sampling.py            # about a minute
    python benchmarks/sampling.py --size classroom --min-weight 2 --batches 2
"""

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable

from side_by_side import THREADS, compare, finish, parser  # isort: skip

import numpy as np
import torch
from scipy.stats import chisquare

from musig.graph import CSR, music_graph, to_csr
from musig.sampling import (
    build_alias,
    sample_blocks,
    sample_neighbours,
    sample_neighbours_numba,
)
from musig.sources.synthetic import make

BAR = 45
"""How many times as many edges a second as ``torch.multinomial`` ours has to draw."""
SEEDS, FANOUTS = 512, (25, 10)

Hop = tuple[torch.Tensor, int]
Draws = list[np.ndarray]


def fits(csr: CSR, hops: list[Hop]) -> Callable[[Draws], bool]:
    """Return a test of draws against the weights.

    A draw becomes the share of its row's weight that lies on lighter neighbours, plus a random
    part of its own: uniform in [0, 1) if, and for all practical purposes only if, draws are in
    proportion to weight.
    """
    rows = torch.arange(csr.n_rows).repeat_interleave(csr.degree).numpy()
    order = np.lexsort((csr.weight, rows))
    above = np.empty(len(order))
    above[order] = np.cumsum(csr.weight.numpy()[order], dtype=np.float64)
    total = np.bincount(rows, weights=csr.weight, minlength=csr.n_rows)
    before = np.concatenate([[0], np.cumsum(total)])
    keys = rows * csr.n_cols + csr.indices.numpy()
    receivers = np.concatenate([rows.numpy().repeat(fanout) for rows, fanout in hops])

    def fit(draws: Draws) -> bool:
        drawn = np.concatenate([part.ravel() for part in draws])
        edges = np.searchsorted(keys, receivers * csr.n_cols + drawn)
        own = np.random.default_rng(0).random(len(edges)) * csr.weight.numpy()[edges]
        share = (above[edges] - own - before[receivers]) / total[receivers]
        return bool(chisquare(np.histogram(share, 100, (0, 1))[0]).pvalue > 1e-6)

    return fit


def main() -> int:
    """Measure, print, write ``_build/bench.json``; 1 if the bar is missed or results differ."""
    options = parser(__doc__)
    options.add_argument("--size", default="paper", help="of the synthetic catalogue")
    options.add_argument("--min-weight", type=int, default=10)
    options.add_argument("--batches", type=int, default=5, help="of seeds")
    arguments = options.parse_args()
    torch.set_num_threads(THREADS)
    torch.manual_seed(0)

    catalog = make(arguments.size)
    csr = to_csr(music_graph(catalog.playlists, len(catalog.tracks), arguments.min_weight))
    alias, linked = build_alias(csr), torch.nonzero(csr.degree).squeeze(1)
    batches = [linked[torch.randperm(len(linked))[:SEEDS]] for _ in range(arguments.batches)]
    hops: list[Hop] = []
    for seeds in batches:
        nodes, (outer, _) = sample_blocks(csr, alias, seeds, FANOUTS)
        hops += [(seeds, FANOUTS[0]), (nodes[: outer.n_dst], FANOUTS[1])]
    edges = sum(len(rows) * fanout for rows, fanout in hops)

    generator, rng = torch.Generator().manual_seed(1), np.random.default_rng(1)
    seed = itertools.count()

    def ours() -> Draws:
        return [
            sample_neighbours_numba(csr, alias, rows, fanout, next(seed)).numpy()
            for rows, fanout in hops
        ]

    def ours_in_torch() -> Draws:
        return [
            sample_neighbours(csr, alias, rows, fanout, generator).numpy() for rows, fanout in hops
        ]

    # For the peers a list of rows, and for numpy their chances, as it takes no weights.
    neighbours = csr.indices.split(csr.degree.tolist())
    weights = csr.weight.split(csr.degree.tolist())
    as_arrays = [row.numpy() for row in neighbours]
    chances = [row.numpy() / row.double().sum().numpy() for row in weights]

    def by_multinomial() -> Draws:
        def draw(row: int, fanout: int) -> torch.Tensor:
            return neighbours[row][torch.multinomial(weights[row], fanout, replacement=True)]

        return [
            torch.stack([draw(row, fanout) for row in rows.tolist()]).numpy()
            for rows, fanout in hops
        ]

    def by_choice() -> Draws:
        return [
            np.stack([rng.choice(as_arrays[row], fanout, p=chances[row]) for row in rows.tolist()])
            for rows, fanout in hops
        ]

    def blocks() -> None:
        for seeds in batches:
            sample_blocks(csr, alias, seeds, FANOUTS, generator)

    fit = fits(csr, hops)

    def equal(one: Draws, other: Draws) -> bool:
        return fit(one) and fit(other)

    what = f"{edges:,} edges of two hops, {arguments.size} catalogue"
    multinomial = {"torch.multinomial, a row at a time": by_multinomial}
    peers = multinomial | {"numpy.random.Generator.choice, a row at a time": by_choice}
    bars = dict.fromkeys(multinomial, BAR)
    repeats = arguments.repeats
    entries = [
        *compare(f"numba draws {what}", ours, peers, equal, bars=bars, repeats=repeats),
        *compare(f"torch draws {what}", ours_in_torch, multinomial, equal, repeats=repeats),
    ]
    for one in entries:
        ours_a_second, theirs_a_second = (edges / one[side] / 1e6 for side in ("ours", "theirs"))
        print(
            f"{one['work'].split()[0]}: {ours_a_second:.1f} million edges a CPU second, "
            f"{one['peer']}: {theirs_a_second:.2f} million"
        )
    entries += compare(f"sample_blocks, {what}", blocks, {"its draws alone": ours}, None)
    return finish(entries, arguments.out, arguments.size == "paper")


if __name__ == "__main__":
    sys.exit(main())
