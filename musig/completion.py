"""Playlist completion: hide half of a playlist, rank all tracks by the other half, look.

The evaluation of Saravanou, Tomasi, Mehrotra and Lalmas (ISMIR 2021): 50 % of each held-out
playlist is the seed list, the rest is to be found. Every method goes through this one protocol, so
that a difference between two rows of a table is a difference between two methods.

Conventions
-----------
The *universe* is the set of tracks that may be recommended, the same for every method; a catalogue
restricted to it (``Catalog.restrict``) numbers them from 0. ``Holdout`` speaks in these numbers.
Scores are float32, shape (n_playlists, n_tracks), higher is better, not NaN. Of equal scores the
lower position comes first. Seeds and tracks of score -inf are never recommended.

Contents
--------
Holdout, holdout: what is given and what is to be found. evaluate, Result: how a method did,
playlist by playlist. Scorer, EmbeddingScorer, recommend: from :mod:`musig.scorers`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from musig import metrics
from musig.catalog import Catalog, Playlists
from musig.errors import MusigError, nearest
from musig.ranking import Ranked, ranking
from musig.scorers import EmbeddingScorer, Scorer, checked_scores, recommend
from musig.splits import Split, artist_groups
from musig.statistics import bootstrap_interval

__all__ = [
    "KS",
    "EmbeddingScorer",
    "Holdout",
    "Result",
    "Scorer",
    "evaluate",
    "holdout",
    "recommend",
]

KS = (*range(1, 11), 15, 20, 30, 40, 50, 70, 100, 140, 200, 300, 400, 500)
"""Cut-offs of the curves: every rank of the first screen, then evenly in the logarithm of k."""

TOP = 10
"""Length of the list on which coverage and popularity are measured."""


@dataclass(frozen=True)
class Holdout:
    """Seeds and targets of the playlists that are evaluated, row by row.

    Notes
    -----
    Made by :func:`holdout`.

    Notebook: 06_playlist_completion
    """

    seeds: Playlists
    """What a method is given; positions in the universe."""
    targets: Playlists
    """What it should find; positions in the universe, no seed among them, none empty."""
    outside: np.ndarray
    """int64, shape (n,): further targets, outside the universe, that no method can reach."""
    playlist: np.ndarray
    """int64, shape (n,): position of each row's playlist in the catalogue."""
    skipped: int
    """How many of the playlists asked for had fewer than two tracks in the universe."""
    seed: int
    """What drew the halves."""

    def __len__(self) -> int:
        return len(self.playlist)


def holdout(
    catalog: Catalog,
    tracks: np.ndarray,
    playlists: np.ndarray,
    seed: int,
    fraction: float = 0.5,
) -> Holdout:
    """Split playlists into seeds and targets.

    Parameters
    ----------
    catalog : Catalog
        The whole catalogue, not restricted.
    tracks : ndarray of int64, shape (n_tracks,)
        Positions of the universe in it, sorted.
    playlists : ndarray of int64
        Positions of the playlists to evaluate: those of a test or validation split.
    seed : int
        Draws the halves. The same playlist is cut in the same way for every method, whichever
        other playlists are evaluated.
    fraction : float in (0, 1)
        Share of the tracks that are seeds, rounded up; at least one track is left as a target.

    Returns
    -------
    Holdout
        Playlists with fewer than two tracks in the universe are skipped and counted.

    Raises
    ------
    MusigError
        If no playlist can be split, or the fraction is not between 0 and 1.

    Notes
    -----
    Tracks outside the universe are halved in number as well: the half that would have been targets
    is kept as ``outside``, to count as misses in ``recall_all@k``.

    Notebook: 06_playlist_completion

    Examples
    --------
    >>> tracks = pd.DataFrame(index=pd.Index(["a", "b", "c", "d"], name="track_id"))
    >>> catalog = Catalog(tracks, Playlists.from_lists([[0, 1, 2, 3], [3, 0]]), "tiny", ())
    >>> held = holdout(catalog, np.array([0, 1, 2]), np.array([0, 1]), seed=0)
    >>> held.seeds[0].tolist(), held.targets[0].tolist(), held.outside.tolist(), held.skipped
    ([2, 0], [1], [0], 1)
    """
    if not 0 < fraction < 1:
        raise MusigError(
            f"Parameter fraction is {fraction}; expected a share between 0 and 1, such as 0.5."
        )
    number = np.full(len(catalog.tracks), -1, dtype=np.int32)  # position in the universe, or -1
    number[tracks] = np.arange(len(tracks), dtype=np.int32)
    seeds, targets, outside, kept = [], [], [], []
    for row in np.asarray(playlists, dtype=np.int64):
        entries = number[catalog.playlists[row]]
        known = entries[entries >= 0]
        if len(known) < 2:
            continue
        shuffled = np.random.default_rng([seed, row]).permutation(known)
        n_seeds = min(ceil(fraction * len(known)), len(known) - 1)
        n_outside = len(entries) - len(known)
        seeds.append(shuffled[:n_seeds])
        targets.append(shuffled[n_seeds:])
        outside.append(n_outside - ceil(fraction * n_outside))
        kept.append(row)
    if not kept:
        raise MusigError(
            f"None of the {len(playlists)} playlists to evaluate has two of the"
            f" {len(tracks)} tracks of the universe, so none can be split into seeds and targets;"
            " use more playlists or a smaller min_playlists."
        )
    position = np.array(kept, dtype=np.int64)
    ids, names = catalog.playlists.ids[position], catalog.playlists.names[position]
    return Holdout(
        seeds=Playlists.from_lists(seeds, ids, names),
        targets=Playlists.from_lists(targets, ids, names),
        outside=np.array(outside, dtype=np.int64),
        playlist=position,
        skipped=len(playlists) - len(kept),
        seed=seed,
    )


@dataclass(frozen=True)
class Result:
    """How one method did, playlist by playlist.

    Notes
    -----
    Made by :func:`evaluate`.

    Notebook: 06_playlist_completion
    """

    name: str
    """The method."""
    per_playlist: pd.DataFrame
    """One row a playlist (index ``playlist``: its position), one column a metric."""
    top: np.ndarray
    """int64, shape (n, 10): positions of the recommended tracks; -1 after the last."""
    n_tracks: int
    """Size of the universe."""
    skipped: int
    """Playlists too short to split."""
    seed: int
    """What drew seeds and targets; the bootstrap is drawn by it too."""

    @property
    def coverage(self) -> float:
        """Share of the universe that is in at least one playlist's first ten, in [0, 1]."""
        return len(np.unique(self.top[self.top >= 0])) / self.n_tracks

    def summary(self, level: float = 0.95) -> pd.DataFrame:
        """Average over playlists.

        Parameters
        ----------
        level : float in (0, 1)
            Of the intervals.

        Returns
        -------
        DataFrame
            Columns ``metric, mean, low, high, n``, one row a metric. ``coverage`` is one number
            for all playlists, not a mean over them, and has no interval.

        Notes
        -----
        See :func:`musig.statistics.bootstrap_interval`.

        Notebook: 06_playlist_completion
        """
        values = self.per_playlist.to_numpy()
        low, high = bootstrap_interval(values, np.random.default_rng(self.seed), level)
        rows = {
            "metric": [*self.per_playlist.columns, "coverage"],
            "mean": [*values.mean(axis=0), self.coverage],
            "low": [*low, np.nan],
            "high": [*high, np.nan],
        }
        return pd.DataFrame(rows).assign(n=len(values))

    def values(self, metric: str) -> pd.Series:
        """Scores of one metric, by playlist; an unknown name is a MusigError."""
        if metric not in self.per_playlist:
            raise MusigError(
                f"Unknown metric '{metric}'; {nearest(metric, self.per_playlist.columns)}"
            )
        return self.per_playlist[metric]


def evaluate(
    scorer: Scorer,
    held: Holdout,
    catalog: Catalog,
    ks: Sequence[int] | None = None,
    *,
    split: Split | None = None,
    block: int = 256,
    device: str | torch.device = "cpu",
) -> Result:
    """Measure a fitted method on held-out playlists.

    Parameters
    ----------
    scorer : Scorer
        Fitted on the same universe.
    held : Holdout
        Seeds and targets.
    catalog : Catalog
        The universe: the catalogue restricted to it.
    ks : sequence of int, optional
        Cut-offs, each from 1 to the number of tracks. By default those of ``KS`` that fit.
    split : Split, optional
        Whose training playlists count for ``popularity``; without it that column is left out.
    block : int
        Playlists at a time. Memory is about 5 bytes × block × n_tracks on a CPU, 35 elsewhere.
    device : str or torch.device
        Where the ranking is made. Scores are moved there.

    Returns
    -------
    Result
        Columns ``hit_rate@k, recall@k, recall_all@k, ndcg@k`` for each k, then ``r_precision,
        r_precision_artist, mrr, clicks, popularity``.

    Raises
    ------
    MusigError
        If a score is NaN or of the wrong shape, or a k does not fit.

    Notes
    -----
    The formulas are in :mod:`musig.metrics`. All need at most the first 500 ranks and the rank of
    the first hit, so that nothing need be sorted: see :mod:`musig.ranking`.

    Notebook: 06_playlist_completion

    Examples
    --------
    Given a, the ranking is c, b, d; the targets are b and d:

    >>> tracks = pd.DataFrame({"artist": ["X", "Y", "X", "Z"]}, index=["a", "b", "c", "d"])
    >>> catalog = Catalog(tracks, Playlists.from_lists([]), "tiny")
    >>> seeds, targets = Playlists.from_lists([[0]]), Playlists.from_lists([[1, 3]])
    >>> held = Holdout(seeds, targets, np.zeros(1, int), np.zeros(1, int), skipped=0, seed=0)
    >>> scorer = EmbeddingScorer("fan", np.array([[1, 0], [1, 2], [1, 1], [0, 1.0]]))
    >>> result = evaluate(scorer, held, catalog, ks=[1, 2])
    >>> result.per_playlist[["hit_rate@1", "recall@2", "r_precision", "mrr"]].values.tolist()
    [[0.0, 0.5, 0.5, 0.5]]
    """
    n_tracks, device = len(catalog.tracks), torch.device(device)
    cutoffs = _cutoffs(ks, n_tracks)
    artists = torch.as_tensor(artist_groups(catalog.tracks))
    share = None
    if split is not None:
        counts = np.zeros(n_tracks, dtype=np.int64)
        for some in np.array_split(split.train, 1 + len(split.train) // 4096):  # little memory
            counts += catalog.playlists.subset(some).counts(n_tracks)
        share = torch.as_tensor(counts / len(split.train))
    tables, tops = [], []
    for start in range(0, len(held), block):
        rows = np.arange(start, min(start + block, len(held)))
        seeds, targets = held.seeds.subset(rows), held.targets.subset(rows)
        ranked = ranking(  # no name for the scores: they go before the next are made
            checked_scores(scorer, seeds, n_tracks).to(device),
            *(seeds, targets, max(cutoffs), TOP),
            method=scorer.name,
        )
        outside = torch.as_tensor(held.outside[rows])
        columns = _columns(ranked, targets, outside, artists, share, cutoffs)
        tables.append(torch.column_stack(list(columns.values())).numpy())
        tops.append(ranked.top[:, :TOP].numpy())
    names = [
        name if k is None else f"{name}@{k}"
        for name, values in columns.items()
        for k in (cutoffs if values.ndim == 2 else [None])
    ]
    per_playlist = pd.DataFrame(np.concatenate(tables), columns=names)
    per_playlist.index = pd.Index(held.playlist, name="playlist")
    return Result(
        scorer.name, per_playlist, np.concatenate(tops), n_tracks, held.skipped, held.seed
    )


def _cutoffs(ks: Sequence[int] | None, n_tracks: int) -> tuple[int, ...]:
    """Check the cut-offs, or take those of the default that fit."""
    if ks is None:
        return tuple(k for k in KS if k <= n_tracks)
    wrong = [k for k in ks if k != int(k) or not 1 <= k <= n_tracks]
    if wrong or len(ks) == 0:
        raise MusigError(
            f"Parameter ks holds {wrong[0] if wrong else 'nothing'}; expected whole numbers from 1"
            f" to {n_tracks}, the number of tracks that can be recommended."
        )
    return tuple(sorted({int(k) for k in ks}))


def _columns(
    ranked: Ranked,
    targets: Playlists,
    outside: Tensor,
    artists: Tensor,
    share: Tensor | None,
    ks: tuple[int, ...],
) -> dict[str, Tensor]:
    """Make every metric of one block: a row a playlist, where there are cut-offs a column each."""
    top, hits, first = ranked
    n_targets = torch.as_tensor(targets.lengths)
    columns = {
        "hit_rate": metrics.hit_rate(hits, ks),
        "recall": metrics.recall(hits, n_targets, ks),
        "recall_all": metrics.recall(hits, n_targets + outside, ks),
        "ndcg": metrics.ndcg(hits, n_targets, ks),
        "r_precision": metrics.r_precision(hits, n_targets),
        "r_precision_artist": metrics.r_precision_artist(top, hits, targets, artists),
        "mrr": metrics.reciprocal_rank(first),
        "clicks": metrics.clicks(first),
    }
    if share is not None:
        columns["popularity"] = metrics.popularity(top[:, :TOP], share)
    return columns
