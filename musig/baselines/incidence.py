"""Training playlists as a matrix, its weights, and sums of its rows: what neighbours are made of.

Conventions
-----------
A row a playlist, a column a track of the universe: scipy CSR, float32, columns of a row ascending.
Sums of sparse rows are dense: for many rows that is several times as fast as scipy's sparse
product.

Contents
--------
incidence: playlists as a matrix. bm25: its weights. add_rows: sums of rows. check: the settings
that both kinds of neighbours have.
"""

from __future__ import annotations

import numba
import numpy as np
from scipy import sparse

from musig.catalog import Playlists
from musig.errors import MusigError, nearest

WEIGHTINGS = ("cosine", "bm25")
K1, B = 1.2, 0.75  # of BM25: the usual ones, and those of implicit's BM25Recommender


def check(neighbours: int | None, shrinkage: float, weighting: str) -> None:
    """Refuse settings that make no sense.

    Parameters
    ----------
    neighbours : int or None
    shrinkage : float
    weighting : str

    Returns
    -------
    None

    Raises
    ------
    MusigError
        If there is less than one neighbour, the shrinkage is negative, or the weighting unknown.

    Notes
    -----
    Notebook: 07_methods
    """
    if neighbours is not None and neighbours < 1:
        raise MusigError(
            f"Parameter neighbours is {neighbours}; expected at least 1, or None for all."
        )
    if not shrinkage >= 0:
        raise MusigError(
            f"Parameter shrinkage is {shrinkage}; expected a number of playlists, 0 or more."
        )
    if weighting not in WEIGHTINGS:
        raise MusigError(f"Unknown weighting '{weighting}'; {nearest(weighting, WEIGHTINGS)}")


def incidence(playlists: Playlists, n_tracks: int) -> sparse.csr_array:
    """Write playlists as a matrix of ones.

    Parameters
    ----------
    playlists : Playlists
    n_tracks : int
        Number of columns.

    Returns
    -------
    csr_array of float32, shape (n_playlists, n_tracks)

    Notes
    -----
    Notebook: 07_methods

    Examples
    --------
    >>> incidence(Playlists.from_lists([[2, 0], [1]]), 3).toarray().tolist()
    [[1.0, 0.0, 1.0], [0.0, 1.0, 0.0]]
    """
    ones = np.ones(len(playlists.tracks), dtype=np.float32)
    places = playlists.tracks.astype(np.int32), playlists.indptr.astype(np.int64)
    matrix = sparse.csr_array((ones, *places), shape=(len(playlists), n_tracks))
    matrix.sort_indices()
    return matrix


def bm25(matrix: sparse.csr_array) -> sparse.csr_array:
    """Weight tracks in playlists as BM25 weights words in documents.

    Parameters
    ----------
    matrix : csr_array of float32, shape (n_playlists, n_tracks)
        From :func:`incidence`.

    Returns
    -------
    csr_array of float32, shape (n_playlists, n_tracks)
        A frequent track weighs less, and so does any track of a long playlist.

    Notes
    -----
    ``implicit.nearest_neighbours.bm25_weight`` with k1 = 1.2, b = 0.75; Robertson and Zaragoza: The
    Probabilistic Relevance Framework: BM25 and Beyond, Foundations and Trends in Information
    Retrieval 3(4), 2009.

    Notebook: 07_methods

    Examples
    --------
    >>> matrix = incidence(Playlists.from_lists([[0, 1, 2], [0, 1], [3], [4]]), 5)
    >>> print(bm25(matrix).toarray()[:2].round(2))
    [[0.22 0.22 0.54 0.   0.  ]
     [0.27 0.27 0.   0.   0.  ]]
    """
    if matrix.nnz == 0:
        return matrix
    from implicit.nearest_neighbours import bm25_weight  # here: loads much that others do not need

    return sparse.csr_array(bm25_weight(matrix, K1, B), dtype=np.float32)


@numba.njit(cache=True, nogil=True)
def add_rows(
    starts: np.ndarray,
    rows: np.ndarray,
    factors: np.ndarray,
    indptr: np.ndarray,
    indices: np.ndarray,
    values: np.ndarray,
    total: np.ndarray,
) -> None:
    """Add up rows of a sparse matrix, each times a factor, into dense ones.

    Parameters
    ----------
    starts : ndarray of int64, shape (n + 1,)
        Sum i is over ``rows[starts[i]:starts[i + 1]]``.
    rows : ndarray of int
        Which rows, in the order in which they are added.
    factors : ndarray of float32, the shape of `rows`
    indptr, indices, values : ndarray
        The matrix, CSR; values float32.
    total : ndarray of float32, shape (n, n_columns)
        What they are added to.

    Returns
    -------
    None
        `total` is changed.

    Notes
    -----
    Notebook: 07_methods
    """
    for i in range(len(starts) - 1):
        out = total[i]
        for at in range(starts[i], starts[i + 1]):
            row, factor = rows[at], factors[at]
            for entry in range(indptr[row], indptr[row + 1]):
                out[indices[entry]] += factor * values[entry]
