"""New tracks: how well methods place what they were not trained with.

A protocol without leaks. Whole artists are held out, and their tracks are taken out of the
catalogue *before* anything is fitted: no edge, scaler, imputation, label or vocabulary knows them,
and an acoustic network that was fitted without these artists never heard them. Then each new track
is told some of its co-occurrences with known tracks in training playlists, and test playlists that
hold new tracks are completed with them.

Conventions
-----------
The *universe* is that of playlist completion: tracks in enough training playlists. Its tracks by
held-out artists are *new*, the others *known*. A track counts as its original self only in the
figures that go by its popularity: POPULARITY of a new track is unknown.

A *scenario* is what is told of a new track: ``none`` (its attributes), ``0`` (also the nearest
known tracks by content), a number of its co-occurrences, ``all`` of them. One co-occurrence is one
known track in one training playlist; they are drawn without replacement, and fewer are part of
more. New tracks are told nothing of each other.

Given are half of the known tracks of a test playlist; its new tracks are to be found: ranked among
the ``new`` tracks only, or among the ``whole`` universe, where the playlist's other known tracks
stand in the way.

A method that cannot place a new track has the usual fallback: the mean of the vectors, or else of
the scores, of the known tracks nearest by content, and once there are co-occurrences, of the known
tracks it is told of, weighted by how often. Neither needs another training. Weak edges are left out
where there are enough strong ones (:func:`musig.inductive.supported`), for encoders and vectors;
means of scores were better with all of them, on validation playlists of ``mpd_sample``.

Contents
--------
- :func:`measured`: the protocol, as cells ask for it.
- :class:`Newcomers`, :func:`newcomers`: what is known, new and to be found; :func:`revealed`:
  co-occurrences that are told, :func:`told` of a scenario.
- :func:`placed`: a fitted method with new tracks in each scenario.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from math import ceil
from typing import Any

import numpy as np
import pandas as pd
import torch
from scipy.sparse import csr_array
from torch import Tensor

from musig.baselines.chance import Random
from musig.baselines.content import Content
from musig.catalog import Catalog, Playlists, universe
from musig.completion import Holdout, Result, evaluate
from musig.cooccurrence import cooccurrence
from musig.errors import MusigError, counted, nearest
from musig.features import fit_attributes, known_groups
from musig.inductive import (
    CONTENT,
    NEIGHBOURS,
    attributes_of,
    can_embed,
    content_of,
    embed_rows,
    nearest_by_content,
    supported,
)
from musig.scorers import EmbeddingScorer, Scorer
from musig.splits import Split, split_artists

REVEALED = (1, 3, 10, 30, 100, 300)
"""How many co-occurrences are told, beside none and all."""

SCENARIOS = ("none", "0", *map(str, REVEALED), "all")
AMONG = ("new", "whole")
HEADLINE = "new,all"
"""What the plain columns of the table are about; others are ``found@k|AMONG,SCENARIO``."""

KS = (10, 100, 500)
"""Cut-offs that are kept."""

PLAIN = (
    "hit_rate@10",
    *(f"recall@{k}" for k in KS),
    "ndcg@100",
    "r_precision",
    "r_precision_artist",
    "mrr",
    "clicks",
)
"""Measures of :data:`HEADLINE` that are kept."""

BY_POPULARITY = ("0", "all")
"""Scenarios in which what is found is counted by how popular the original track is."""

STRONG = 2
"""Edges of this weight or less are weak, where a method has no threshold of its own."""

FALLBACK = {
    "vectors": "mean of the vectors of known tracks: nearest by content, or told of",
    "scores": "mean of the scores of known tracks: nearest by content, or told of",
}


@dataclass(frozen=True, eq=False)
class Newcomers:
    """What is known, what is new, and what is to be found.

    Notes
    -----
    Made by :func:`newcomers`.

    Notebook: 12_new_tracks
    """

    known: Catalog
    """What methods are fitted on: the known tracks of the universe, with all playlists."""
    whole: Catalog
    """The universe."""
    new: np.ndarray
    """bool, shape (n_tracks,): which tracks of the universe are new."""
    split: Split
    counts: csr_array
    """shape (n_new, n_known): in how many training playlists a new and a known track are."""
    original: np.ndarray
    """int64, shape (n_new,): in how many training playlists each new track really is."""
    held: Holdout
    """Seeds are known tracks, targets are new ones; positions in the universe."""
    others: Playlists
    """The known tracks of the same playlists that are not given; nobody is asked for them."""
    seed: int

    @cached_property
    def content(self) -> csr_array:
        """Known tracks nearest to each new one by content, shape (n_new, n_known)."""
        x, groups = self.attributes(CONTENT)
        sound = content_of(x, groups)
        return nearest_by_content(sound[~self.new], sound[self.new], NEIGHBOURS)

    def attributes(
        self, groups: tuple[str, ...], popularity: str = "train_count"
    ) -> tuple[np.ndarray, dict[str, tuple[int, int]]]:
        """Describe all tracks by those of some groups that the known ones have.

        Parameters
        ----------
        groups : tuple of str
        popularity : {"train_count", "external"}

        Returns
        -------
        x : ndarray of float32, shape (n_tracks, d)
            Scaled and imputed by the known tracks; POPULARITY of new ones is unknown.
        groups : dict of str to (int, int)
            Columns of each.
        """
        there = known_groups(self.known.tracks, popularity)
        chosen = [group for group in groups if group in there]
        if not chosen:
            raise MusigError(
                f"{self.whole.name}: no known track has any of {', '.join(groups)}: new tracks"
                " cannot be placed by content."
            )
        train = self.whole.playlists.subset(self.split.train)
        counts = train.counts(self.whole.n_tracks).astype(np.float64)
        counts[self.new] = np.nan
        described = fit_attributes(
            self.unpopular,
            chosen,
            popularity=popularity,
            train_count=counts,
            fit_rows=~self.new,
        )
        return described.x, described.groups

    @property
    def unpopular(self) -> pd.DataFrame:
        """Tracks of the universe, without the popularity of new ones."""
        tracks = self.whole.tracks
        if "popularity" not in tracks:
            return tracks
        return tracks.assign(popularity=tracks["popularity"].mask(self.new))


def newcomers(
    catalog: Catalog,
    split: Split,
    *,
    min_playlists: int,
    seed: int,
    fraction: float = 0.5,
    part: str = "test",
) -> Newcomers:
    """Take the tracks of some artists out of a catalogue.

    Parameters
    ----------
    catalog : Catalog
        The whole data set.
    split : Split
        Of its playlists.
    min_playlists : int, >= 0
        In how many training playlists a track must be to belong to the universe.
    seed : int, >= 0
        Draws the artists and what is given of a playlist.
    fraction : float in (0, 1)
        Share of the known tracks of a playlist that is given, rounded up.
    part : {"test", "valid"}
        Which playlists are completed. Choose settings on "valid".

    Returns
    -------
    Newcomers

    Raises
    ------
    MusigError
        If no track is left on either side, or no playlist holds a new track beside a known one.

    Notes
    -----
    The artists are those of :func:`musig.splits.split_artists` of the whole catalogue, which an
    acoustic network of the same seed was not fitted on either.

    Notebook: 12_new_tracks

    Examples
    --------
    >>> from musig.sources.synthetic import make
    >>> from musig.splits import split_playlists
    >>> catalog = make("smoke")
    >>> found = newcomers(catalog, split_playlists(catalog, seed=0), min_playlists=3, seed=0)
    >>> found.known.n_tracks + int(found.new.sum()) == found.whole.n_tracks
    True
    """
    if part not in ("test", "valid"):
        raise MusigError(f"Parameter part is '{part}': {nearest(part, ('test', 'valid'))}")
    if not 0 < fraction < 1:
        raise MusigError(f"Parameter fraction is {fraction}; expected a share between 0 and 1.")
    tracks = universe(catalog, split.train, min_playlists)
    new = split_artists(catalog, seed)[tracks]
    if new.all() or not new.any():
        raise MusigError(
            f"Of the {counted(len(tracks), 'track')} of the universe {new.sum():,} are by the"
            " artists that were held out; expected some of each kind: use more tracks or another"
            " seed."
        )
    whole = catalog.restrict(tracks)
    train = whole.playlists.subset(split.train)
    indptr, indices, weights = cooccurrence(train.indptr, train.tracks, len(tracks), 0)
    together = csr_array((weights.astype(np.float32), indices, indptr), (len(tracks),) * 2)
    playlists = split.test if part == "test" else split.valid
    held, others = _held(whole, new, playlists, seed, fraction)
    return Newcomers(
        known=catalog.restrict(tracks[~new]),
        whole=whole,
        new=new,
        split=split,
        counts=csr_array(together[new][:, ~new]),
        original=train.counts(len(tracks))[new],
        held=held,
        others=others,
        seed=seed,
    )


def _held(
    whole: Catalog, new: np.ndarray, playlists: np.ndarray, seed: int, fraction: float
) -> tuple[Holdout, Playlists]:
    """Give a part of the known tracks of each playlist; its new tracks are to be found."""
    seeds, targets, others, kept = [], [], [], []
    for row in playlists:
        entries = whole.playlists[row]
        wanted, there = entries[new[entries]], entries[~new[entries]]
        if len(wanted) and len(there):
            shuffled = np.random.default_rng([seed, row]).permutation(there)
            given = ceil(fraction * len(there))
            seeds.append(shuffled[:given])
            others.append(shuffled[given:])
            targets.append(wanted)
            kept.append(row)
    if not kept:
        raise MusigError(
            f"None of the {counted(len(playlists), 'playlist')} to evaluate holds a new track"
            " beside a known one: use more playlists or a smaller min_playlists."
        )
    position = np.array(kept, dtype=np.int64)
    ids, names = whole.playlists.ids[position], whole.playlists.names[position]
    held = Holdout(
        seeds=Playlists.from_lists(seeds, ids, names),
        targets=Playlists.from_lists(targets, ids, names),
        outside=np.zeros(len(kept), dtype=np.int64),
        playlist=position,
        skipped=len(playlists) - len(kept),
        seed=seed,
    )
    return held, Playlists.from_lists(others, ids, names)


def revealed(counts: csr_array, n: int, seed: int) -> csr_array:
    """Draw what is told of each new track.

    Parameters
    ----------
    counts : csr_array, shape (n_new, n_known)
        All co-occurrences.
    n : int, >= 0
        How many are told; all, of a track that has fewer.
    seed : int, >= 0
        The same seed draws the same, and what is told for a smaller n is told for a larger one.

    Returns
    -------
    csr_array of float32, shape (n_new, n_known)

    Notes
    -----
    Notebook: 12_new_tracks

    Examples
    --------
    >>> counts = csr_array(np.array([[5, 0, 2], [0, 1, 0]]))
    >>> revealed(counts, 3, seed=0).sum(axis=1).tolist()
    [3.0, 1.0]
    """
    drawn = []
    for row in range(counts.shape[0]):
        of_row = slice(counts.indptr[row], counts.indptr[row + 1])
        each = np.repeat(counts.indices[of_row], counts.data[of_row].astype(np.int64))
        drawn.append(np.random.default_rng([seed, row]).permutation(each)[:n])
    rows = np.repeat(np.arange(len(drawn)), [len(each) for each in drawn])
    columns = np.concatenate([np.empty(0, np.int64), *drawn]).astype(np.int64)
    ones = np.ones(len(columns), dtype=np.float32)
    made = csr_array((ones, (rows, columns)), counts.shape)  # what is drawn twice adds up
    made.sum_duplicates()
    return made


def told(setting: Newcomers, scenario: str) -> csr_array:
    """Give the co-occurrences that a scenario tells of each new track.

    Parameters
    ----------
    setting : Newcomers
    scenario : str
        One of :data:`SCENARIOS`.

    Returns
    -------
    csr_array of float32, shape (n_new, n_known)

    Raises
    ------
    MusigError
        For an unknown scenario.

    Notes
    -----
    Notebook: 12_new_tracks
    """
    if scenario not in SCENARIOS:
        raise MusigError(f"Unknown scenario '{scenario}': {nearest(scenario, SCENARIOS)}")
    if scenario == "all":
        return setting.counts
    return revealed(setting.counts, 0 if scenario == "none" else int(scenario), setting.seed)


def placed(scorer: Scorer, setting: Newcomers) -> tuple[str, Iterator[tuple[str, Scorer]]]:
    """Give a fitted method with the new tracks in their places.

    Parameters
    ----------
    scorer : Scorer
        Fitted on the known tracks.
    setting : Newcomers

    Returns
    -------
    how : {"encoder", "attributes", "chance", "vectors", "scores"}
        The first three can place a new track by themselves.
    scorers : iterator of (str, Scorer)
        Scenario, and what scores all tracks of the universe in it. "none" is for those that can: a
        fallback has nothing to go by.

    Notes
    -----
    Notebook: 12_new_tracks
    """
    if can_embed(getattr(scorer, "model", None)):
        return "encoder", _encoded(scorer, setting)
    if isinstance(scorer, Content):
        return "attributes", _described(scorer, setting)
    if isinstance(scorer, Random):
        return "chance", _same(Random(scorer.seed).fit(setting.whole, setting.split))
    vectors = getattr(scorer, "scorer", scorer)
    if isinstance(vectors, EmbeddingScorer):
        return "vectors", _averaged(vectors, setting)
    means = _neighbours(setting, strong=0)
    return "scores", ((name, _Mean(scorer, setting, rows)) for name, rows in means)


def _encoded(scorer: Any, setting: Newcomers) -> Iterator[tuple[str, Scorer]]:
    model = scorer.model
    x = attributes_of(model, setting.unpopular[setting.new])
    strong = model.info["prepared"]["min_weight"]
    none = csr_array(setting.counts.shape, dtype=np.float32)
    for name in SCENARIOS:
        links, content = none, None
        if name not in ("none", "0"):
            links = supported(told(setting, name), links.shape[1], strong)
        if name != "none":  # a track without an edge, whatever it could be told
            content = _only(setting.content, np.flatnonzero(np.diff(links.indptr) == 0))
        vectors = embed_rows(model.encoder, model.x, model.csr, x, links, content)
        yield name, _together(scorer.name, model.embeddings, vectors, setting.new)


def _described(scorer: Content, setting: Newcomers) -> Iterator[tuple[str, Scorer]]:
    groups = scorer.groups or known_groups(setting.known.tracks, scorer.popularity)
    x, columns = setting.attributes(tuple(groups), scorer.popularity)
    for start, stop in columns.values():
        x[:, start:stop] /= np.sqrt(stop - start)
    return _same(EmbeddingScorer(scorer.name, x))


def _same(scorer: Scorer) -> Iterator[tuple[str, Scorer]]:
    """Place new tracks alike in every scenario."""
    return ((name, scorer) for name in SCENARIOS)


def _neighbours(setting: Newcomers, strong: int) -> Iterator[tuple[str, csr_array]]:
    """Give the known tracks that a fallback goes by, weights of a row with sum 1."""
    for name in SCENARIOS:
        if name == "none":
            continue
        rows = setting.content
        if name != "0":
            rows = supported(told(setting, name), rows.shape[1], strong)
            lonely = np.flatnonzero(np.diff(rows.indptr) == 0)
            rows = csr_array(rows + _only(setting.content, lonely))
        total = np.asarray(rows.sum(axis=1))
        yield name, csr_array(rows.multiply(1 / total[:, None])).astype(np.float32)


def _only(rows: csr_array, kept: np.ndarray) -> csr_array:
    """Empty all rows but these."""
    chosen = np.zeros(rows.shape[0], dtype=np.float32)
    chosen[kept] = 1.0
    fewer = csr_array(rows.multiply(chosen[:, None]))
    fewer.eliminate_zeros()
    return fewer


def _averaged(scorer: EmbeddingScorer, setting: Newcomers) -> Iterator[tuple[str, Scorer]]:
    known = scorer.unit.cpu()
    for name, rows in _neighbours(setting, STRONG):
        means = torch.from_numpy(rows @ known.numpy())
        yield name, _together(scorer.name, known, means, setting.new)


def _together(name: str, known: Tensor, vectors: Tensor, new: np.ndarray) -> EmbeddingScorer:
    """Put vectors of known and new tracks in the order of the universe."""
    whole = torch.empty(len(new), known.shape[1])
    at = torch.from_numpy(new)
    whole[~at], whole[at] = known.float(), vectors.float()
    return EmbeddingScorer(name, whole)


class _Mean:
    """Score new tracks by the mean of the scores of some known ones."""

    def __init__(self, scorer: Scorer, setting: Newcomers, rows: csr_array) -> None:
        self.name, self.scorer, self.rows = scorer.name, scorer, rows
        self.new = torch.from_numpy(setting.new)
        self.number = np.cumsum(~setting.new) - 1  # of a known track, where the method knows it

    def fit(self, catalog: Catalog, split: Split) -> _Mean:
        """Learn nothing: the method is fitted."""
        return self

    def score(self, seeds: Playlists, candidates: np.ndarray | None = None) -> Tensor:
        """Score all tracks of the universe."""
        own = Playlists(
            seeds.ids, seeds.names, seeds.indptr, self.number[seeds.tracks].astype(np.int32)
        )
        known = self.scorer.score(own).cpu().float()
        whole = torch.empty(len(seeds), len(self.new))
        whole[:, ~self.new] = known
        whole[:, self.new] = torch.from_numpy(np.ascontiguousarray((self.rows @ known.numpy().T).T))
        return whole if candidates is None else whole[:, torch.as_tensor(candidates)]


class _OnlyNew:
    """Never recommend a known track."""

    def __init__(self, scorer: Scorer, new: np.ndarray) -> None:
        self.name, self.scorer, self.known = scorer.name, scorer, torch.from_numpy(~new)

    def fit(self, catalog: Catalog, split: Split) -> _OnlyNew:
        """Learn nothing: the method is fitted."""
        return self

    def score(self, seeds: Playlists, candidates: np.ndarray | None = None) -> Tensor:
        """Score all tracks; -inf for known ones."""
        scores = self.scorer.score(seeds, candidates)
        known = self.known if candidates is None else self.known[torch.as_tensor(candidates)]
        return scores.masked_fill(known.to(scores.device), -torch.inf)


def measured(
    make: Callable[[], Scorer],
    catalog: Catalog,
    split: Split,
    *,
    min_playlists: int,
    seed: int,
    fraction: float = 0.5,
    part: str = "test",
) -> tuple[pd.DataFrame | None, dict[str, Any]]:
    """Fit a method without the new tracks, and complete playlists with them.

    Parameters
    ----------
    make : callable
        Gives the method, not yet fitted.
    catalog : Catalog
        The whole data set.
    split : Split
        Of its playlists.
    min_playlists : int, >= 0
        In how many training playlists a track must be.
    seed : int, >= 0
        Draws the artists, what is given of a playlist, and what is told of a new track.
    fraction : float in (0, 1)
        Share of the known tracks of a playlist that is given.
    part : {"test", "valid"}
        Which playlists are completed. Choose settings on "valid".

    Returns
    -------
    per_playlist : DataFrame or None
        Index ``playlist``. The measures of playlist completion for :data:`HEADLINE`; ``seeds`` and
        ``targets``; how many targets are among the first k, ``found@k|AMONG,SCENARIO``; how many of
        the first ten of the universe are new, ``new|SCENARIO``, or known tracks of the playlist
        that were not given, ``known|SCENARIO``; and for some scenarios, among new tracks, how many
        of the targets of each decile of popularity are among the first ten, ``found|SCENARIO|D``,
        of ``among|D``.
    measures : dict
        ``n, skipped, n_tracks, n_known, n_new, how`` (:func:`placed`), ``fallback``, ``scenarios``,
        ``co_occurrences`` (quartiles of how many a new track has), ``popularity`` (of each decile
        the least and the most training playlists of an original track), ``coverage``, ``size``,
        ``cannot``, ``fit_seconds``, ``fit_cpu_seconds`` and ``place_seconds`` (all scenarios). Or
        ``absent`` alone: why these data cannot be asked; then there is no table.

    Raises
    ------
    MusigError
        As :func:`newcomers`.

    Notes
    -----
    Notebook: 12_new_tracks

    Examples
    --------
    >>> from musig.baselines.popularity import Popularity
    >>> from musig.sources.synthetic import make
    >>> from musig.splits import split_playlists
    >>> catalog = make("smoke")
    >>> split = split_playlists(catalog, seed=0)
    >>> table, measures = measured(Popularity, catalog, split, min_playlists=3, seed=0)
    >>> measures["how"], measures["scenarios"]
    ('scores', ['0', '1', '3', '10', '30', '100', '300', 'all'])
    """
    setting = newcomers(
        catalog, split, min_playlists=min_playlists, seed=seed, fraction=fraction, part=part
    )
    if not set(CONTENT) & set(known_groups(setting.known.tracks)):
        told = f"no known track has any of {', '.join(CONTENT)}, by which new ones are placed"
        return None, {"absent": told}
    wall, cpu = time.perf_counter(), time.process_time()
    scorer = make().fit(setting.known, split)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    began = time.perf_counter()
    how, scorers = placed(scorer, setting)
    columns: dict[str, np.ndarray] = {}
    headline: Result | None = None
    scenarios, decile = [], _deciles(setting)
    for scenario, each in scorers:
        scenarios.append(scenario)
        for among in AMONG:
            asked = _OnlyNew(each, setting.new) if among == "new" else each
            result = _evaluated(asked, setting, among)
            if f"{among},{scenario}" == HEADLINE:
                headline = result
            for k in KS:
                if f"recall@{k}" in result.per_playlist:
                    found = result.per_playlist[f"recall@{k}"] * setting.held.targets.lengths
                    columns[f"found@{k}|{among},{scenario}"] = found.round().to_numpy()
            if among == "whole":
                columns[f"new|{scenario}"] = _new_among(result.top, setting.new)
                columns[f"known|{scenario}"] = _hits(result.top, setting.others).lengths
            elif scenario in BY_POPULARITY:
                found = _by_decile(_hits(result.top, setting.held.targets), decile)
                columns |= {f"found|{scenario}|{d + 1}": found[:, d] for d in range(10)}
    assert headline is not None
    of_each = _by_decile(setting.held.targets, decile)
    columns |= {f"among|{d + 1}": of_each[:, d] for d in range(10)}
    base = headline.per_playlist[[name for name in PLAIN if name in headline.per_playlist]]
    held = setting.held
    table = base.assign(seeds=held.seeds.lengths, targets=held.targets.lengths)
    table = table.join(pd.DataFrame(columns, index=table.index))
    each_has = np.asarray(setting.counts.sum(axis=1))
    measures = {
        "n": len(held),
        "skipped": held.skipped,
        "n_tracks": setting.whole.n_tracks,
        "n_known": setting.known.n_tracks,
        "n_new": int(setting.new.sum()),
        "how": how,
        "fallback": FALLBACK.get(how, ""),
        "scenarios": scenarios,
        "co_occurrences": np.quantile(each_has, [0.25, 0.5, 0.75]).round().astype(int).tolist(),
        "popularity": [
            [int(of.min()), int(of.max())] if len(of) else [0, 0]
            for of in (setting.original[decile[setting.new] == d] for d in range(10))
        ],
        "coverage": headline.coverage * setting.whole.n_tracks / int(setting.new.sum()),
        "size": getattr(scorer, "size", None),
        "cannot": getattr(scorer, "cannot", ""),
        "fit_seconds": round(wall, 3),
        "fit_cpu_seconds": round(cpu, 3),
        "place_seconds": round(time.perf_counter() - began, 3),
    }
    return table.astype(np.float32), measures


def _evaluated(scorer: Scorer, setting: Newcomers, among: str) -> Result:
    """Evaluate at the cut-offs that there are enough tracks for; the first is always one."""
    most = int(setting.new.sum()) if among == "new" else setting.whole.n_tracks
    ks = [k for k in KS if k <= most] or [KS[0]]
    return evaluate(scorer, setting.held, setting.whole, ks)


def _deciles(setting: Newcomers) -> np.ndarray:
    """Give each track of the universe the decile of its original popularity; -1 for known ones."""
    decile = np.full(len(setting.new), -1)
    order = np.argsort(setting.original, kind="stable")
    n = len(order)
    of_new = np.empty(n, dtype=np.int64)
    of_new[order] = np.arange(n) * 10 // n
    decile[setting.new] = of_new
    return decile


def _new_among(first: np.ndarray, new: np.ndarray) -> np.ndarray:
    """Count the new tracks among the first ones of each playlist; -1 is no track."""
    return (new[first] & (first >= 0)).sum(axis=1)


def _hits(first: np.ndarray, wanted: Playlists) -> Playlists:
    """Keep the wanted tracks of each playlist that are among its first ones."""
    lists = [wanted[row][np.isin(wanted[row], first[row])] for row in range(len(wanted))]
    return Playlists.from_lists(lists)


def _by_decile(tracks: Playlists, decile: np.ndarray) -> np.ndarray:
    """Count the tracks of each playlist by decile: shape (n_playlists, 10)."""
    rows = np.repeat(np.arange(len(tracks)), tracks.lengths)
    flat = np.bincount(rows * 10 + decile[tracks.tracks], minlength=len(tracks) * 10)
    return flat.reshape(-1, 10)
