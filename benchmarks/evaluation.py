"""Completing playlists and measuring it: ours against ranx, ir-measures and torchmetrics.

Ours is `musig.completion.evaluate` as a whole: scores of all tracks for every playlist, exact
ranks, all measures and the popularity of what is recommended. Theirs is first only what comes
after scoring: the lists of the best 500 are given, in the form each asks for. The bar is on ranx
by its documented way, a `Qrels` and a `Run` made of dictionaries. It also takes the dictionaries
themselves, and arrays (all tracks as numbers): both are faster, and are lines of their own. A last
line adds to ranx what has to be done before: scoring, the best 500 and the dictionaries.

The playlists are synthetic (`musig.sources.synthetic`), in number and length like those of the
paper: 10,000 of them are cut in two, the rest is for training. The embedding of a track is a random
projection to 128 dimensions of the training playlists that hold it. Ranks beyond 500 count for our
reciprocal rank alone; for the comparison they are set to 0.

    python benchmarks/evaluation.py            # about three minutes
    python benchmarks/evaluation.py --size classroom --repeats 1
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from side_by_side import THREADS, compare, finish, parser, peer  # isort: skip

import numpy as np
import torch
from scipy import sparse

from musig.catalog import universe
from musig.completion import KS, Result, evaluate, holdout
from musig.ranking import ranking
from musig.scorers import EmbeddingScorer
from musig.sources.synthetic import make
from musig.splits import Split

PLAYLISTS = 10_000
DIMENSION = 128
LIST = 500
FEW = 50  # playlists for torchmetrics
BAR = 12
"""How many times faster ours as a whole has to be than ranx's share, at the size of the paper."""

Values = dict[str, np.ndarray]


def main() -> int:
    """Measure, print, write ``_build/bench.json``; 1 if the bar is missed or results differ."""
    options = parser(__doc__)
    options.add_argument("--size", default="paper", help="of the synthetic catalogue")
    arguments = options.parse_args()
    torch.set_num_threads(THREADS)

    whole = make(arguments.size)
    n = min(PLAYLISTS, len(whole.playlists) // 5)
    rest, tested = np.split(np.arange(len(whole.playlists)), [-n])
    split = Split(rest, np.array([], int), tested, seed=0, name="last")
    tracks = universe(whole, rest, 10)
    held, catalog = holdout(whole, tracks, tested, seed=0), whole.restrict(tracks)
    training, n_tracks = catalog.playlists.subset(rest), len(tracks)
    ones = np.ones(len(training.tracks), np.float32)
    member = sparse.csr_array((ones, training.tracks, training.indptr), shape=(len(rest), n_tracks))
    projection = np.random.default_rng(0).normal(size=(len(rest), DIMENSION)).astype(np.float32)
    scorer = EmbeddingScorer("projection", member.T @ projection)
    ks = tuple(k for k in KS if k <= n_tracks)

    def masked(first: int, last: int) -> torch.Tensor:
        """Score, and give the seeds -inf."""
        seeds = held.seeds.subset(np.arange(first, last))
        scores = scorer.score(seeds)
        rows = np.repeat(np.arange(last - first), seeds.lengths)
        scores[rows, seeds.tracks] = -torch.inf
        return scores

    def best() -> np.ndarray:
        """Rank as is usual; the lists that are measured: (n_playlists, 500)."""
        blocks = [
            masked(start, min(start + 256, len(held))).topk(min(LIST, n_tracks)).indices
            for start in range(0, len(held), 256)
        ]
        return torch.cat(blocks).numpy()

    names = np.array([f"t{i}" for i in range(n_tracks)])
    ids = [f"p{i:06d}" for i in range(len(held))]  # their order is that of the playlists
    falling = [float(i) for i in range(min(LIST, n_tracks), 0, -1)]  # scores: ties are broken

    def dictionaries(top: np.ndarray) -> tuple[dict[str, Any], dict[str, Any]]:
        """Name targets and lists, in the form that ranx and ir-measures are given."""
        wanted = {q: dict.fromkeys(names[held.targets[i]].tolist(), 1) for i, q in enumerate(ids)}
        return (
            wanted,
            {  # -1 stands after the last of a list
                q: dict(zip(row, falling[: len(row)], strict=True))
                for q, row in (
                    (q, names[row[row >= 0]].tolist()) for q, row in zip(ids, top, strict=True)
                )
            },
        )

    def ours() -> Result:
        return evaluate(scorer, held, catalog, ks, split=split)

    def agree(result: Result, values: Values, within: float = 1e-6) -> bool:
        """Compare each value of each playlist, or the means if there are means only."""
        table = result.per_playlist[list(values)].copy()
        table["mrr"] = table["mrr"].where(table["mrr"] >= 1 / LIST, 0)
        theirs = np.array(list(values.values()))
        own = table.to_numpy().T if theirs.ndim == 2 else table.mean().to_numpy()
        return len(values) == 3 * len(ks) + 2 and np.abs(own - theirs).max() <= within

    work = f"completion of {len(held)} playlists over {n_tracks} tracks, {arguments.size}"
    bars = {"ranx, Qrels and Run": BAR} if arguments.size == "paper" else {}
    every = scorer.score(held.seeds)  # ties broken as ours are: theirs are of no rule
    top = ranking(every, held.seeds, held.targets, LIST, min(LIST, n_tracks)).top.numpy()
    del every
    wanted, listed = dictionaries(top)
    peers: dict[str, Callable[[], Values]] = {}
    asked = [f"{name}@{k}" for name in ("hit_rate", "recall", "ndcg") for k in ks]

    if ranx := peer("ranx", work):
        from numba.typed import List

        def measured(wanted: Any, listed: Any) -> Values:
            values = ranx.evaluate(
                wanted,
                listed,
                [*asked, "r-precision", "mrr"],
                return_mean=False,
                save_results_in_run=False,
                threads=THREADS,
            )
            return {name.replace("-", "_"): one for name, one in values.items()}

        def arrays() -> Values:
            numbered = List([np.column_stack([held.targets[i], np.ones(len(held.targets[i]))])
                             for i in range(len(held))])  # fmt: skip
            lists = np.empty((*top.shape, 2))
            lists[:, :, 0], lists[:, :, 1] = top, falling
            return measured(numbered, lists)

        def from_scores() -> Values:
            qrels, run = dictionaries(best())
            values = measured(ranx.Qrels(qrels), ranx.Run(run))
            return {name: np.mean(one) for name, one in values.items()}  # ties fall as they will

        peers |= {
            "ranx, Qrels and Run": lambda: measured(ranx.Qrels(wanted), ranx.Run(listed)),
            "ranx, dictionaries": lambda: measured(wanted, listed),
            "ranx, arrays": arrays,
            "ranx, with scoring, the best 500 and dictionaries": from_scores,
        }
    if ir := peer("ir_measures", work):
        measures = {ir.Success @ k: f"hit_rate@{k}" for k in ks}
        measures |= {ir.R @ k: f"recall@{k}" for k in ks}
        measures |= {ir.nDCG @ k: f"ndcg@{k}" for k in ks}
        measures |= {ir.Rprec: "r_precision", ir.RR: "mrr"}

        def aggregated() -> Values:
            means = ir.pytrec_eval.calc_aggregate(list(measures), wanted, listed)
            return {measures[measure]: np.float64(mean) for measure, mean in means.items()}

        peers["ir-measures (pytrec_eval), means"] = aggregated
    entries = compare(work, ours, peers, agree, bars=bars, repeats=arguments.repeats)

    few = (
        f"completion of {FEW} playlists over {n_tracks} tracks, {arguments.size}, too slow for more"
    )
    if peer("torchmetrics", few):
        from torchmetrics.functional import retrieval as tm

        rows = np.arange(FEW)
        part = type(held)(
            held.seeds.subset(rows), held.targets.subset(rows), held.outside[:FEW],
            held.playlist[:FEW], held.skipped, held.seed,
        )  # fmt: skip
        scores = masked(0, FEW)
        scores[scores.isneginf()] = -2  # below any cosine
        found = torch.zeros_like(scores, dtype=torch.bool)
        for i in range(FEW):
            found[i, torch.as_tensor(held.targets[i], dtype=torch.int64)] = True

        def one_by_one() -> Values:
            at = {
                "hit_rate": tm.retrieval_hit_rate,
                "recall": tm.retrieval_recall,
                "ndcg": tm.retrieval_normalized_dcg,
            }
            pairs = list(zip(scores, found, strict=True))
            values = {
                f"{name}@{k}": np.array([float(measure(*pair, top_k=k)) for pair in pairs])
                for name, measure in at.items()
                for k in ks
            }
            values["r_precision"] = np.array([float(tm.retrieval_r_precision(*p)) for p in pairs])
            mrr = [float(tm.retrieval_reciprocal_rank(*p, top_k=LIST)) for p in pairs]
            return values | {"mrr": np.array(mrr)}

        entries += compare(
            few,
            lambda: evaluate(scorer, part, catalog, ks),
            {"torchmetrics, after scoring": one_by_one},
            lambda result, values: agree(result, values, within=1e-5),  # theirs are float32
            repeats=1,
        )
    return finish(entries, arguments.out, arguments.size == "paper")


if __name__ == "__main__":
    sys.exit(main())
