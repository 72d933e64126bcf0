r"""EASE: a linear model from seeds to tracks, in closed form.

Steck: Embarrassingly Shallow Autoencoders for Sparse Data, WWW 2019, arXiv 1905.03375 (EASE^R).
A regression of every track on all the others: what item-kNN would be if it knew that its
neighbours know each other.

Conventions
-----------
Tracks are positions in the universe. Only training playlists are counted. Row j of the table holds
what a seed j gives to each other track.

Contents
--------
EASE. inverse, of a symmetric matrix in its own place.
"""

from __future__ import annotations

from typing import ClassVar, Self

import numpy as np
import torch
from scipy.linalg import lapack
from torch import Tensor

from musig.baselines.incidence import add_rows, incidence
from musig.catalog import Catalog, Playlists
from musig.errors import MusigError
from musig.splits import Split

BLOCK = 1024  # rows that are mirrored together


class EASE:
    r"""Score a track by the sum over the seeds of a weight that is learned for every pair.

    :math:`s(i) = \sum_{j \in \mathrm{seeds}} B_{ji}` with
    :math:`B = \arg\min \|X - XB\|_F^2 + \lambda \|B\|_F^2` under :math:`B_{ii} = 0`, X the binary
    playlist-by-track matrix: :math:`B_{ji} = -P_{ji} / P_{ii}`,
    :math:`P = (X^\top X + \lambda I)^{-1}`.

    Parameters
    ----------
    regularization : float > 0
        :math:`\lambda`, in playlists.

    Notes
    -----
    The table is of n_tracks² float32, 1 GB at 15,900 tracks, and the inverse is computed in its
    place: nothing else of that size is made. The time is that of n_tracks³ multiplications,
    whatever the number of playlists.

    Notebook: 07_methods

    Examples
    --------
    >>> import pandas as pd
    >>> playlists = Playlists.from_lists([[0, 1], [0, 1], [1, 2]])
    >>> catalog = Catalog(pd.DataFrame(index=["a", "b", "c"]), playlists, "tiny")
    >>> split = Split(np.arange(3), np.array([], int), np.array([], int), seed=0, name="all")
    >>> fitted = EASE(regularization=1).fit(catalog, split)
    >>> fitted.score(Playlists.from_lists([[0]])).round(decimals=2)
    tensor([[ 0.0000,  0.6700, -0.2500]])
    """

    name = "ease"
    cannot: ClassVar[str] = (
        "cannot grow: its table has a number for every two tracks, and a new track means all anew"
    )

    def __init__(self, regularization: float = 100.0) -> None:
        if not 0 < regularization < float("inf"):
            raise MusigError(
                f"Parameter regularization is {regularization}; expected a number of playlists,"
                " above 0."
            )
        self.regularization = regularization

    @property
    def size(self) -> int:
        """How many numbers are kept: one for every two tracks, in either direction."""
        return self.weights.numel()

    def fit(self, catalog: Catalog, split: Split) -> Self:
        """Count, invert, scale: all in one table."""
        table = gram(catalog.playlists.subset(split.train), len(catalog.tracks))
        diagonal = np.einsum("ii->i", table)  # a view
        diagonal += np.float32(self.regularization)
        inverse(table)
        table /= -diagonal.copy()
        diagonal[:] = 0
        self.weights = torch.from_numpy(table)
        return self

    def score(self, seeds: Playlists, candidates: np.ndarray | None = None) -> Tensor:
        """Sum the rows of the seeds: float32, (n_playlists, n_candidates)."""
        scores = torch.nn.functional.embedding_bag(
            torch.as_tensor(seeds.tracks, dtype=torch.long),
            self.weights,
            torch.as_tensor(seeds.indptr[:-1]),
            mode="sum",
        )
        return scores if candidates is None else scores[:, torch.as_tensor(candidates)]


def gram(playlists: Playlists, n_tracks: int) -> np.ndarray:
    """Count in how many playlists every two tracks stand, densely.

    Parameters
    ----------
    playlists : Playlists
    n_tracks : int

    Returns
    -------
    ndarray of float32, shape (n_tracks, n_tracks)
        On the diagonal: the playlists of each track.

    Notes
    -----
    Beside the result, only the playlists are held.

    Notebook: 07_methods

    Examples
    --------
    >>> gram(Playlists.from_lists([[0, 1], [1]]), 2).tolist()
    [[1.0, 1.0], [1.0, 2.0]]
    """
    members = incidence(playlists, n_tracks)
    holding = members.T.tocsr()  # of each track: its playlists
    table = np.zeros((n_tracks, n_tracks), dtype=np.float32)
    rows = members.indptr, members.indices, members.data
    add_rows(holding.indptr, holding.indices, holding.data, *rows, table)
    return table


def inverse(table: np.ndarray) -> np.ndarray:
    """Invert a symmetric positive definite matrix in its own place.

    Parameters
    ----------
    table : ndarray of float32, shape (n, n), C-contiguous
        Overwritten.

    Returns
    -------
    ndarray of float32, shape (n, n)
        The same array, symmetric to the bit.

    Raises
    ------
    MusigError
        If the matrix is not positive definite in float32.

    Notes
    -----
    LAPACK's Cholesky factor (``spotrf``) and its inverse (``spotri``), both blocked and both in
    place: n³ operations. ``numpy.linalg.inv`` does 8/3 n³, and in double, whatever it is given.

    Notebook: 07_methods

    Examples
    --------
    >>> inverse(np.array([[2, 1], [1, 1]], dtype=np.float32)).round(3).tolist()
    [[1.0, -1.0], [-1.0, 2.0]]
    """
    columns = table.T  # Fortran's order, and the same matrix
    failed = lapack.spotrf(columns, lower=1, clean=0, overwrite_a=1)[1]
    failed = failed or lapack.spotri(columns, lower=1, overwrite_c=1)[1]
    if failed:
        raise MusigError(
            f"The matrix of {len(table)} tracks is not positive definite in float32 (column"
            f" {failed}); use a larger regularization."
        )
    for start in range(0, len(table), BLOCK):  # LAPACK leaves the other triangle as it was
        rows = slice(start, start + BLOCK)
        table[rows, :start] = table[:start, rows].T
        corner = table[rows, rows]
        corner[:] = np.triu(corner) + np.triu(corner, 1).T
    return table
