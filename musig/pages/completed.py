r"""Completions of a playlist, as a page shows them: scores, blends, reasons, what lists are like.

Computed here from the methods' own scorers; the page's script does the same with numbers that were
packed (:mod:`musig.pages.packing`).

Conventions
-----------
Seeds, candidates and scores are in shown positions: row i of a score is track ``shown[i]`` of the
universe (:mod:`musig.pages.offers`). Scores are float32, (n_playlists, n_shown).

Contents
--------
- :func:`scores`: of one method; :func:`mixed`: of several, blended.
- :func:`lists`: the first tracks by each method; :func:`side_by_side`: in words.
- :func:`reasons`: why a track is there; :func:`portrait`: what a list is like;
  :func:`portraits`: what the lists of several playlists are like.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from musig.catalog import FEATURES, Playlists
from musig.errors import MusigError
from musig.pages.description import words
from musig.pages.offers import Models
from musig.ranking import ranking
from musig.scorers import Scorer

BLEND = "blend"
"""The models of one task, blended as MUSIG's tasks were weighted."""


def scores(scorer: Scorer, seeds: Playlists, shown: np.ndarray) -> Tensor:
    """Score the shown tracks for lists of shown tracks.

    Parameters
    ----------
    scorer : Scorer
        Fitted on the universe.
    seeds : Playlists
        In shown positions.
    shown : ndarray of int, shape (n_shown,)
        Positions in the universe.

    Returns
    -------
    Tensor of float32, shape (n_playlists, n_shown)

    Notes
    -----
    Notebook: 16_playground
    """
    there = Playlists(seeds.ids, seeds.names, seeds.indptr, shown[seeds.tracks].astype(np.int32))
    return scorer.score(there, shown).cpu()


def mixed(parts: Sequence[Tensor], weights: Sequence[float], seeds: Playlists) -> Tensor:
    r"""Blend scores of models: bring them to one spread, then take their weighted mean.

    Parameters
    ----------
    parts : sequence of Tensor, each (n_playlists, n_shown)
        Scores of each model.
    weights : sequence of float, >= 0
        One a model; only their proportions count.
    seeds : Playlists
        What was completed; these tracks do not count for mean and deviation.

    Returns
    -------
    Tensor of float32, shape (n_playlists, n_shown)

    Raises
    ------
    MusigError
        If there is no weight for a model, one is below 0, or all are 0.

    Notes
    -----
    With shares :math:`\omega_t` that add up to 1, and mean :math:`\mu_t` and deviation
    :math:`\sigma_t` of a model's scores over the tracks that are no seeds,
    :math:`b = \bar\mu + \bar\sigma \sum_t \omega_t (s_t - \mu_t) / \sigma_t`, where
    :math:`\bar\mu` and :math:`\bar\sigma` are the means of both by the same shares. So one model
    alone keeps its own scores, and the order is that of the standardised scores
    (:mod:`musig.blend`). A model whose scores are all the same says nothing.

    Notebook: 16_playground

    Examples
    --------
    >>> one, two = torch.tensor([[9.0, 1.0, 3.0]]), torch.tensor([[0.0, 5.0, 3.0]])
    >>> seeds = Playlists.from_lists([[0]])
    >>> mixed([one, two], [2, 0], seeds), mixed([one, two], [3, 1], seeds)
    (tensor([[9., 1., 3.]]), tensor([[6.7500, 2.0000, 3.0000]]))
    """
    total = float(sum(weights))
    if len(weights) != len(parts) or min(weights, default=-1) < 0 or not total > 0:
        raise MusigError(
            f"The weights of a blend are {list(weights)}; expected {len(parts)} numbers of 0 or"
            " more, one a model, and not all of them 0."
        )
    counted = torch.ones(parts[0].shape, dtype=torch.bool)
    row = np.repeat(np.arange(len(seeds)), seeds.lengths)
    counted[torch.as_tensor(row), torch.as_tensor(seeds.tracks, dtype=torch.long)] = False
    number = counted.sum(1, keepdim=True).clamp(min=1)
    middle, spread, blend = (torch.zeros((len(counted), 1), dtype=torch.float64) for _ in "msb")
    for part, weight in zip(parts, weights, strict=True):
        share, scored = weight / total, part.double()
        mean = scored.where(counted, 0).sum(1, keepdim=True) / number
        centred = scored - mean
        square = centred.where(counted, 0).square().sum(1, keepdim=True) / number
        middle, spread = middle + share * mean, spread + share * square.sqrt()
        blend = blend + share * centred / square.sqrt().where(square > 0, 1)
    return (middle + spread * blend).float()


def lists(models: Models, shown: np.ndarray, seeds: Sequence[int], k: int) -> dict[str, np.ndarray]:
    """Complete one playlist by every method, every part, and their blend.

    Parameters
    ----------
    models : Models
    shown : ndarray of int, shape (n_shown,)
    seeds : sequence of int
        Shown positions.
    k : int, >= 1

    Returns
    -------
    dict of str to ndarray of int
        The first k tracks by name, best first, in shown positions; last :data:`BLEND`, with the
        weights that MUSIG's tasks had in training.

    Notes
    -----
    Notebook: 16_playground
    """
    given, nothing = Playlists.from_lists([seeds]), Playlists.from_lists([[]])
    found = {name: scores(scorer, given, shown) for name, scorer in models.scorers.items()}
    parts = [found[task] for task in models.parts]
    found[BLEND] = mixed(parts, list(models.weights.values()), given)
    k = min(k, len(shown) - len(seeds))
    return {
        name: ranking(scored, given, nothing, k, k, method=name).top[0].numpy()
        for name, scored in found.items()
    }


def side_by_side(
    models: Models, shown: np.ndarray, example: Mapping[str, Any], names: Mapping[str, str], k: int
) -> pd.DataFrame:
    """Put completions of one example in words.

    Parameters
    ----------
    models : Models
    shown : ndarray of int, shape (n_shown,)
    example : mapping
        One of :func:`musig.pages.offers.examples`.
    names : mapping of str to str
        Which lists, and the heading of each.
    k : int
        Tracks a list.

    Returns
    -------
    DataFrame
        ``place``, then a column a list: the title, a tick before it if it is a target, and the
        genre behind it.

    Notes
    -----
    Notebook: 16_playground
    """
    tracks, found = models.catalog.tracks.iloc[shown], lists(models, shown, example["seeds"], k)
    table = {}
    for name, heading in names.items():
        if name in found:
            told = words(tracks, found[name])
            ticks = np.where(np.isin(found[name], example["targets"]), "✓ ", "")
            table[heading] = ticks + told["title"] + " (" + told["genre"].fillna("?") + ")"
    frame = pd.DataFrame({heading: list(column) for heading, column in table.items()})
    frame.insert(0, "place", np.arange(1, len(frame) + 1))
    return frame


def reasons(
    scorer: Scorer, track: int, seeds: Sequence[int], shown: np.ndarray, k: int = 2
) -> list[tuple[int, float]]:
    """Say which seeds speak most for a track: those that would score it highest alone.

    Parameters
    ----------
    scorer : Scorer
        Fitted on the universe.
    track : int
        Shown position.
    seeds : sequence of int
        Shown positions.
    shown : ndarray of int, shape (n_shown,)
    k : int
        How many at most.

    Returns
    -------
    list of (int, float)
        Seed and the score it gives alone, highest first; those above 0.

    Notes
    -----
    For embeddings the score of a single seed is its cosine with the track, for item-kNN its
    similarity: the nearest seeds in either case.

    Notebook: 16_playground

    Examples
    --------
    >>> from musig.scorers import EmbeddingScorer
    >>> plane = EmbeddingScorer("plane", np.array([[1.0, 0.0], [0.0, 1.0], [4.0, 3.0]]))
    >>> [(seed, round(alone, 2)) for seed, alone in reasons(plane, 2, [0, 1], np.arange(3))]
    [(0, 0.8), (1, 0.6)]
    """
    alone = scores(scorer, Playlists.from_lists([[seed] for seed in seeds]), shown)[:, track]
    order = np.argsort(-alone.numpy(), kind="stable")[:k]
    return [(int(seeds[i]), float(alone[i])) for i in order if alone[i] > 0]


def portrait(
    tracks: pd.DataFrame, counts: np.ndarray, seeds: Sequence[int], listed: Sequence[int]
) -> dict[str, float]:
    r"""Say in three numbers what a list is like, compared with its seeds.

    Parameters
    ----------
    tracks : DataFrame
        The shown tracks, with ``main_genre`` and the nine features where they are known.
    counts : ndarray of int, shape (n_shown,)
        Training playlists of each.
    seeds, listed : sequence of int
        Shown positions.

    Returns
    -------
    dict
        ``genre``: how many of the list have the main genre of a seed. ``sound``: mean over the
        list of :math:`\sqrt{\frac1k \sum_f (x_f - \bar x_f)^2 / \sigma_f^2}`, with
        :math:`\bar x_f` the mean of the seeds and :math:`\sigma_f` the deviation over all shown
        tracks, over the k features that are known; NaN where none is. ``playlists``: the median
        of the counts.

    Notes
    -----
    Notebook: 16_playground

    Examples
    --------
    >>> table = pd.DataFrame({"main_genre": ["folk", "folk", "jazz"], "energy": [0.0, 1.0, 0.5]})
    >>> portrait(table, np.array([4, 6, 8]), [0], [1, 2])["genre"]
    1.0
    """
    genres = tracks["main_genre"] if "main_genre" in tracks else pd.Series(None, tracks.index)
    there = set(genres.iloc[list(seeds)].dropna())
    known = [name for name in FEATURES if name in tracks]
    table = tracks[known].to_numpy(dtype=float)
    with np.errstate(all="ignore"):
        spread = pd.DataFrame(table).std(ddof=0).to_numpy()
        middle = pd.DataFrame(table[list(seeds)]).mean().to_numpy()
        away = ((table[list(listed)] - middle) / spread) ** 2
    away[~np.isfinite(away)] = np.nan
    each = pd.DataFrame(away).mean(axis=1) ** 0.5
    return {
        "genre": float(genres.iloc[list(listed)].isin(there).sum()),
        "sound": float(each.mean()),
        "playlists": float(np.median(np.asarray(counts)[list(listed)])),
    }


def portraits(
    models: Models, shown: np.ndarray, examples: Sequence[Mapping[str, Any]], k: int
) -> pd.DataFrame:
    """Average the portraits of the lists of several examples.

    Parameters
    ----------
    models : Models
    shown : ndarray of int, shape (n_shown,)
    examples : sequence of mapping
        Of :func:`musig.pages.offers.examples`.
    k : int
        Tracks a list.

    Returns
    -------
    DataFrame
        A row a list, by name: ``genre``, ``sound`` and ``playlists`` of :func:`portrait`.

    Notes
    -----
    Notebook: 16_playground
    """
    tracks, counts = models.catalog.tracks.iloc[shown], models.counts[shown]
    rows = [
        {"list": name, **portrait(tracks, counts, each["seeds"], listed.tolist())}
        for each in examples
        for name, listed in lists(models, shown, each["seeds"], k).items()
    ]
    return pd.DataFrame(rows).groupby("list", sort=False).mean()
