r"""ALS: playlists and tracks as vectors whose inner product says what belongs together.

Hu, Koren, Volinsky: Collaborative Filtering for Implicit Feedback Datasets, ICDM 2008 (iALS).
Tuned, it is level with newer models (Rendle, Krichene, Zhang, Koren: Revisiting the Performance of
iALS on Item Recommendation Benchmarks, RecSys 2022, arXiv 2110.14037). The collaborative filtering
that the paper most likely means.

Conventions
-----------
Tracks are positions in the universe. Only training playlists are factorised; the seeds of another
playlist are *folded in*: its vector is the one that the same least squares give for them.

Contents
--------
ALS.
"""

from __future__ import annotations

from typing import ClassVar, Self

import numpy as np
import torch
from scipy import sparse
from threadpoolctl import threadpool_limits
from torch import Tensor

from musig.baselines.incidence import incidence
from musig.catalog import Catalog, Playlists
from musig.errors import MusigError
from musig.splits import Split

BLOCK = 2**24  # numbers of the systems solved together: 128 MB


class ALS:
    r"""Score a track by the inner product of its vector with that of the playlist.

    Vectors minimise :math:`\sum_{p,i} c_{pi} (r_{pi} - x_p^\top y_i)^2 + \lambda (\sum_p \|x_p\|^2
    + \sum_i \|y_i\|^2)` over all playlists p and tracks i, with :math:`r_{pi} = 1` and
    :math:`c_{pi} = \alpha` where p holds i, else 0 and 1. Seeds S are folded in by
    :math:`x = (Y^\top Y + (\alpha - 1) Y_S^\top Y_S + \lambda I)^{-1} \alpha Y_S^\top 1`.

    Parameters
    ----------
    factors : int >= 1
        Dimension of the vectors.
    regularization : float > 0
        :math:`\lambda`.
    alpha : float > 0
        Confidence in what a playlist holds, against 1 in what it does not. By default the 40 of
        Hu et al.; the regularization has to grow with it.
    iterations : int >= 1
        Each solves for all playlists, then for all tracks.
    seed : int, >= 0
        Draws the vectors to begin with.

    Notes
    -----
    ``implicit.als.AlternatingLeastSquares`` fits, with its conjugate gradient and its meaning of
    all settings. It folds in one playlist after the other; here the systems of a block are solved
    together.

    Notebook: 07_methods

    Examples
    --------
    >>> import pandas as pd
    >>> playlists = Playlists.from_lists([[0, 1], [0, 1], [2, 3], [2, 3]])
    >>> catalog = Catalog(pd.DataFrame(index=list("abcd")), playlists, "tiny")
    >>> split = Split(np.arange(4), np.array([], int), np.array([], int), seed=0, name="all")
    >>> scores = ALS(factors=2).fit(catalog, split).score(Playlists.from_lists([[0]]))
    >>> bool(scores[0, 1] > 0.5), bool(scores[0, 2] < 0.1)
    (True, True)
    """

    name = "als"
    cannot: ClassVar[str] = "cannot place a track that is in no training playlist"

    def __init__(
        self,
        factors: int = 128,
        regularization: float = 10.0,
        alpha: float = 40.0,
        iterations: int = 15,
        seed: int = 0,
    ) -> None:
        for label, value in (("factors", factors), ("iterations", iterations)):
            if value < 1:
                raise MusigError(f"Parameter {label} is {value}; expected at least 1.")
        for label, number in (("regularization", regularization), ("alpha", alpha)):
            if not 0 < number < float("inf"):
                raise MusigError(f"Parameter {label} is {number}; expected a number above 0.")
        if seed < 0:
            raise MusigError(f"Parameter seed is {seed}; expected 0 or more.")
        self.factors = factors
        self.regularization = regularization
        self.alpha = alpha
        self.iterations = iterations
        self.seed = seed

    @property
    def size(self) -> int:
        """How many numbers are kept: a vector a track."""
        return self.vectors.numel()

    def fit(self, catalog: Catalog, split: Split) -> Self:
        """Factorise the training playlists."""
        member = incidence(catalog.playlists.subset(split.train), len(catalog.tracks))
        # OpenBLAS's threads under implicit's own slow it down many times, or stop it; so it is
        # imported only here, where they are held to one.
        with threadpool_limits(1, "blas"):
            from implicit.cpu.als import AlternatingLeastSquares

            model = AlternatingLeastSquares(
                factors=self.factors,
                regularization=self.regularization,
                alpha=self.alpha,
                iterations=self.iterations,
                num_threads=torch.get_num_threads(),
                random_state=self.seed,
            )
            model.fit(sparse.csr_matrix(member), show_progress=False)
        self.vectors = torch.from_numpy(model.item_factors)
        return self

    def fold_in(self, seeds: Playlists) -> Tensor:
        """Give playlists of these seeds their vectors: float32, (n_playlists, factors)."""
        vectors = self.vectors.double()  # a small regularization leaves systems nearly singular
        dimension = vectors.shape[1]
        base = vectors.T @ vectors + self.regularization * torch.eye(dimension)
        found = torch.empty(len(seeds), dimension)
        step = max(1, BLOCK // dimension**2)
        for start in range(0, len(seeds), step):
            rows = range(start, min(start + step, len(seeds)))
            systems = base.new_empty(len(rows), dimension, dimension)
            wanted = base.new_empty(len(rows), dimension, 1)
            for i, row in enumerate(rows):
                own = vectors[torch.as_tensor(seeds[row], dtype=torch.long)]
                torch.addmm(base, own.T, own, alpha=self.alpha - 1, out=systems[i])
                wanted[i, :, 0] = self.alpha * own.sum(0)
            factor = torch.linalg.cholesky(systems)
            found[start : start + len(rows)] = torch.cholesky_solve(wanted, factor)[:, :, 0]
        return found

    def score(self, seeds: Playlists, candidates: np.ndarray | None = None) -> Tensor:
        """Multiply playlists and tracks: float32, (n_playlists, n_candidates)."""
        among = self.vectors
        if candidates is not None:
            among = among[torch.as_tensor(candidates, dtype=torch.long)]
        return self.fold_in(seeds) @ among.T
