r"""Measures of tracks, spread over artists: what intervals and paired tests are over.

Tracks by one artist are alike: mostly of one genre, of one sound, in the same playlists. So what is
measured on tracks is counted by *artist*. A measure :math:`m` becomes a number an artist,
:math:`m + n \, d_a`, with :math:`d_a` the first-order effect of the artist's tracks on the measure
and :math:`n` artists: their mean is the measure, and their spread that of the measure over artists
(the infinitesimal jackknife; rough where few artists decide).

Conventions
-----------
``owner`` is the number of the artist of each track, below ``n``. A pair of tracks counts for both
of its artists, since either could have been another: its owners are those of all first tracks, then
those of all second ones.

Contents
--------
- :func:`owners`: number the artists; :func:`spread`: a measure and its effects.
- :func:`mean`, :func:`rmse`, :func:`auc`, :func:`f1`: measures that are spread.
- :func:`spearman`: a rank correlation, and what each pair adds to it.
"""

from __future__ import annotations

import numpy as np


def owners(among: np.ndarray, artist: np.ndarray) -> tuple[np.ndarray, int]:
    """Give the artists of some tracks numbers from 0.

    Parameters
    ----------
    among : ndarray of int
        The artists that count; repeats allowed.
    artist : ndarray of int, any shape
        Of these.

    Returns
    -------
    owner : ndarray of int, shape of `artist`
    n : int
        How many artists there are.

    Notes
    -----
    Notebook: 09_task_weights

    Examples
    --------
    >>> owner, n = owners(np.array([7, 3, 7]), np.array([7, 3]))
    >>> owner.tolist(), n
    ([1, 0], 2)
    """
    distinct = np.unique(among)
    return np.searchsorted(distinct, artist), len(distinct)


def spread(measure: float, effect: np.ndarray) -> list[float]:
    """Spread a measure over artists, given what each adds to it.

    Parameters
    ----------
    measure : float
    effect : ndarray of float, shape (n,)
        First-order effect of each artist's tracks; they add up to 0.

    Returns
    -------
    list of float
        One an artist, to six digits.

    Notes
    -----
    Notebook: 09_task_weights

    Examples
    --------
    >>> spread(0.5, np.array([0.1, -0.1]))
    [0.7, 0.3]
    """
    return [round(float(value), 6) for value in measure + len(effect) * effect]


def mean(values: np.ndarray, owner: np.ndarray, n: int) -> list[float]:
    """Spread a mean over tracks.

    Parameters
    ----------
    values : ndarray of float, shape (n_tracks,)
    owner : ndarray of int, shape (n_tracks,)
    n : int

    Returns
    -------
    list of float

    Notes
    -----
    Notebook: 14_generalization

    Examples
    --------
    >>> mean(np.array([1.0, 0.0, 0.5]), np.array([0, 1, 1]), 2)
    [0.833333, 0.166667]
    """
    middle = float(values.mean())
    return spread(middle, np.bincount(owner, (values - middle) / len(values), n))


def rmse(squared: np.ndarray, owner: np.ndarray, n: int) -> list[float]:
    """Spread the root of the mean square of errors on pairs.

    Parameters
    ----------
    squared : ndarray of float, shape (n_pairs,)
        Squared errors.
    owner : ndarray of int, shape (2 * n_pairs,)
    n : int

    Returns
    -------
    list of float

    Notes
    -----
    Notebook: 09_task_weights

    Examples
    --------
    >>> rmse(np.array([4.0, 4.0]), np.array([0, 1, 1, 0]), 2)
    [2.0, 2.0]
    """
    error = float(np.sqrt(squared.mean()))
    slope = 1 / (2 * max(error, 1e-12) * len(squared))  # of the root, a unit of the sum
    return spread(error, slope * np.bincount(owner, np.tile(squared - squared.mean(), 2), n))


def auc(positive: np.ndarray, negative: np.ndarray, owner: np.ndarray, n: int) -> list[float]:
    """Spread an AUC of pairs.

    Parameters
    ----------
    positive, negative : ndarray of float, shape (n_pairs,) each
        Scores. A positive pair is worth the share of the negative ones that it is above, and these
        likewise; ties count half.
    owner : ndarray of int, shape (4 * n_pairs,)
        Of the first tracks of the positive pairs and of the negative ones, then of the second.
    n : int

    Returns
    -------
    list of float

    Notes
    -----
    Notebook: 09_task_weights

    Examples
    --------
    >>> auc(np.array([0.9]), np.array([0.1]), np.array([0, 1, 1, 0]), 2)
    [1.0, 1.0]
    """

    def above(values: np.ndarray, others: np.ndarray) -> np.ndarray:
        others = np.sort(others)
        return (np.searchsorted(others, values) + np.searchsorted(others, values, "right")) / (
            2 * len(others)
        )

    worth = [above(positive, negative), 1 - above(negative, positive)]
    area = float(worth[0].mean())
    effect = np.concatenate([(each - area) / len(each) for each in worth])
    return spread(area, np.bincount(owner, np.tile(effect, 2), n))


def f1(
    truth: np.ndarray, predicted: np.ndarray, owner: np.ndarray, n: int, *, macro: bool
) -> list[float]:
    """Spread F1 = 2 hits / (answers + truths).

    Parameters
    ----------
    truth, predicted : ndarray of bool, shape (n_tracks, n_genres)
    owner : ndarray of int, shape (n_tracks,)
    n : int
    macro : bool
        The mean over genres; or of all together.

    Returns
    -------
    list of float

    Notes
    -----
    Notebook: 09_task_weights

    Examples
    --------
    >>> answers = np.eye(2, dtype=bool)
    >>> f1(answers, answers, np.array([0, 1]), 2, macro=True)
    [1.0, 1.0]
    """

    def by_artist(values: np.ndarray) -> np.ndarray:
        total = np.zeros((n, values.shape[1]))
        np.add.at(total, owner, values)
        return total if macro else total.sum(1, keepdims=True)  # (artists, genres or 1)

    hits = 2 * by_artist((truth & predicted).astype(float))
    of = by_artist(truth.astype(float)) + by_artist(predicted.astype(float))
    each = hits.sum(0) / of.sum(0)
    effect = ((hits - each * of) / of.sum(0)).mean(axis=1)
    return spread(float(each.mean()), effect)


def spearman(a: np.ndarray, b: np.ndarray) -> tuple[float, np.ndarray]:
    r"""Give Spearman's correlation, and to first order what each pair adds to it.

    Parameters
    ----------
    a, b : ndarray of float, shape (n,)

    Returns
    -------
    rho : float in [-1, 1]
        0 where all of one are the same.
    effect : ndarray of float, shape (n,)
        They add up to 0.

    Notes
    -----
    :math:`\rho = 12 E[F(X) G(Y)] - 3`, whose influence function has, beside the pair's own
    :math:`F(x) G(y)`, what the pair does to the ranks of all others.

    Notebook: 14_generalization

    Examples
    --------
    >>> round(spearman(np.array([1.0, 2.0, 9.0]), np.array([2.0, 3.0, 4.0]))[0], 6)
    1.0
    """
    from scipy.stats import rankdata

    n = len(a)
    f, g = (rankdata(each) / n - 0.5 / n for each in (a, b))
    f, g = f - f.mean(), g - g.mean()
    scale = np.sqrt((f**2).mean() * (g**2).mean())
    if scale == 0:  # the same answer for all
        return 0.0, np.zeros(n)
    rho = float((f * g).mean() / scale)
    effect = f * g + _above(a, g) + _above(b, f)
    return rho, (effect - effect.mean()) / scale / n


def _above(values: np.ndarray, of: np.ndarray) -> np.ndarray:
    """Average a number over all whose value is larger; those that are equal count half."""
    order = np.argsort(values, kind="stable")
    total = np.concatenate([[0.0], np.cumsum(of[order])])
    ordered = values[order]
    low, high = (np.searchsorted(ordered, values, side) for side in ("left", "right"))
    return (total[-1] - (total[low] + total[high]) / 2) / len(values)
