r"""Other uses of the same embedding: what it knows that nobody asked for in training.

A representation *generalises* if it serves tasks that it was not trained for. The paper leaves open
how well MUSIG's does (Saravanou et al., ISMIR 2021). Here every method's embedding is frozen and
asked six things, by the same simple means for all.

Conventions
-----------
A fifth of the tracks, by whole artists, is *unseen* (:data:`UNSEEN`). While a method is fitted, the
catalogue tells nothing of these tracks but their names and the playlists they are in
(:func:`blanked`): no genre, no sound, no popularity, no artist. When a probe asks for one thing,
the other attributes are given, and what is asked for is hidden from the encoder (:data:`HIDDEN`),
both of the unseen tracks and, part by part (:data:`PARTS`, of whole artists), of those that fit
the probe: a track never shows the answer, and most of its neighbours do. The same was done in
:mod:`musig.probes`, for the tasks that MUSIG is trained on.

==================== ========================================= ============ =====================
measure              what is asked                             by           trivial answer
==================== ========================================= ============ =====================
genre_f1             genre of an unseen track: macro F1        logistic     the most frequent one
popularity_spearman  its popularity: rank correlation          ridge        its training playlists
audio_r2             its nine features: R², and ``audio_r2_``  ridge        the mean, 0
                     with each one's name
artist_r_precision   are the nearest tracks by its artist?     nearest      a random order
theme_auc            is a test playlist nearer to training     nearest      how many tracks
                     playlists of its name than to others?                  they share
version_mrr          how near is another version of it (same   nearest      a random order
                     artist and name) of any track?
==================== ========================================= ============ =====================

Logistic and ridge regressions are scikit-learn's, on embeddings standardised by the tracks that
fit. The nearest are by cosine, and nothing is fitted. POPULARITY as an attribute is a number of
training playlists, hidden where popularity is asked for; what a graph tells of it is not.

What is measured is spread over artists (:mod:`musig.by_artist`), so that intervals and tests are
over artists; of ``theme_auc`` over playlists.

Of musig-best, whose scores are only half those of vectors, it is these that are asked; and since
they are kept and not made again, only for what needs nothing hidden (:data:`UNHIDDEN`). Methods
that keep no vectors keep a table of tracks by tracks: its first :data:`DIRECTIONS` singular
directions are their embedding. One that keeps neither is not asked.

Contents
--------
- :func:`measured`: the protocol of a cell.
- :func:`blanked`: the catalogue that a method is fitted on; :func:`view_of`: its embedding.
- :func:`ask`: all six measures, :data:`MEASURES`.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import torch
from safetensors.torch import load_file
from scipy import sparse
from torch import Tensor

from musig import by_artist
from musig.catalog import FEATURES, Catalog, Playlists, universe
from musig.completion import evaluate, holdout
from musig.errors import MusigError, nearest
from musig.features import apply_attributes, mask_group
from musig.modelfolder import Trained
from musig.probes import Probed
from musig.retrieval import among_nearest, chance
from musig.scorers import EmbeddingScorer, Scorer
from musig.splits import Split, artist_groups, split_artists
from musig.tasks import Embed

UNSEEN = 0.2
"""Share of the tracks whose artists no probe has seen."""

PARTS = 5
"""In how many parts, of whole artists, what is asked for is hidden of the tracks that fit."""

DIRECTIONS = 128
"""Of a table of tracks by tracks that stand for an embedding."""

THEME = 5
"""In how many training playlists a name must be given to be a theme."""

PENALTIES = tuple(10.0**n for n in range(-1, 7))
"""Of the ridge regressions; which is chosen by leaving out one fitting track at a time."""

HIDDEN = {"genre": ("GENRE",), "popularity": ("POPULARITY",), "audio": ("AUDIO", "ACOUSTIC")}
"""Which attribute groups are hidden where something is asked for."""

MEASURES = (
    "genre_f1",
    "popularity_spearman",
    "audio_r2",
    "artist_r_precision",
    "theme_auc",
    "version_mrr",
)
"""One for each task; each with ``_trivial``, the answer that needs no embedding."""

UNHIDDEN = ("artist_r_precision", "theme_auc", "version_mrr")
"""Of these, what is asked without hiding an attribute: no method is given the answer."""

COMPLETED = ("hit_rate@10", "recall@10", "recall@100", "recall@500", "ndcg@100", "r_precision")
"""What is kept of the completion of every test playlist."""

KEPT = ["name"]
"""What is known of unseen tracks while a method is fitted."""


def measured(
    make: Callable[[], Scorer],
    catalog: Catalog,
    split: Split,
    *,
    min_playlists: int,
    seed: int,
    fraction: float = 0.5,
) -> tuple[pd.DataFrame | None, dict[str, Any]]:
    """Fit a method without what is asked for; complete playlists, and ask.

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
        Draws the unseen artists, the halves of the test playlists and the parts: the same for all
        methods that are compared.
    fraction : float in (0, 1)
        Share of a test playlist that is given.

    Returns
    -------
    per_playlist : DataFrame
        Completion of the test playlists (:data:`COMPLETED`), with how many ``seeds`` and
        ``targets`` each has: by the method as it was fitted, without knowing the unseen tracks.
    measures : dict
        As :class:`musig.experiments.CellResult` has them; ``held_out`` and ``probed`` are those of
        :func:`ask`, ``lacking`` says which could not be taken and why.

    Raises
    ------
    MusigError
        If the universe is empty or has one artist, or no test playlist can be cut.

    Notes
    -----
    Notebook: 14_generalization
    """
    tracks = universe(catalog, split.train, min_playlists)
    known = catalog.restrict(tracks)
    unseen = split_artists(catalog, seed, UNSEEN)[tracks]
    scorer = make()
    began = time.perf_counter(), time.process_time()
    scorer.fit(blanked(known, unseen), split)
    spent = time.perf_counter() - began[0], time.process_time() - began[1]
    held = holdout(catalog, tracks, split.test, seed, fraction)
    result = evaluate(scorer, held, known, split=split)
    table = result.per_playlist[[name for name in COMPLETED if name in result.per_playlist]]
    table = table.assign(seeds=held.seeds.lengths, targets=held.targets.lengths)
    measures: dict[str, Any] = {
        "n": len(held),
        "skipped": held.skipped,
        "n_tracks": len(tracks),
        "unseen": int(unseen.sum()),
        "coverage": result.coverage,
        "size": getattr(scorer, "size", None),
        "cannot": getattr(scorer, "cannot", ""),
        "fit_seconds": round(spent[0], 3),
        "fit_cpu_seconds": round(spent[1], 3),
    }
    view = view_of(scorer, known, split)
    if view is None:
        told = f"{scorer.name} keeps neither vectors nor a table of tracks by tracks"
        return table, {**measures, "lacking": {"all": told}}
    asked = MEASURES if _can_hide(scorer) else UNHIDDEN
    found, lacking = ask(view, known, split, unseen, seed, asked)
    told = f"{scorer.name} keeps vectors made of attributes, of which none can be hidden afterwards"
    lacking |= {name: told for name in MEASURES if name not in asked}
    measures |= {
        "held_out": found.measures,
        "probed": {"by_artist": found.by_artist, "tracks": found.tracks},
        "lacking": lacking,
    }
    return table, measures


def blanked(catalog: Catalog, rows: np.ndarray) -> Catalog:
    """Forget all that is known of some tracks but their names and their playlists.

    Parameters
    ----------
    catalog : Catalog
    rows : ndarray of bool, shape (n_tracks,)

    Returns
    -------
    Catalog
        Of the same tracks.

    Notes
    -----
    Notebook: 14_generalization

    Examples
    --------
    >>> told = {"artist": ["a", "b"], "genres": [["pop"], ["rock"]]}
    >>> tracks = pd.DataFrame(told, index=["1", "2"])
    >>> catalog = Catalog(tracks, Playlists.from_lists([[0, 1]]), "tiny")
    >>> blanked(catalog, np.array([True, False])).tracks.to_numpy().tolist()
    [[nan, []], ['b', ['rock']]]
    """
    tracks = catalog.tracks.copy()
    for name in tracks.columns.difference(KEPT):
        if name == "genres":
            tags = [[] if gone else tags for tags, gone in zip(tracks[name], rows, strict=True)]
            tracks[name] = pd.Series(tags, index=tracks.index, dtype=object)
        else:
            tracks[name] = tracks[name].where(~rows)
    return replace(catalog, tracks=tracks)


def view_of(scorer: Scorer, catalog: Catalog, split: Split) -> Embed | None:
    """Give a fitted method's embedding, as a function that can hide attributes.

    Parameters
    ----------
    scorer : Scorer
        Fitted.
    catalog : Catalog
        The universe with all that is known: encoders embed from it, with their weights as they
        are.
    split : Split
        Whose training playlists are counted, for POPULARITY.

    Returns
    -------
    callable or None
        As :data:`musig.tasks.Embed`. Methods without attributes give the same whatever is hidden.
        None where there is no embedding.

    Notes
    -----
    Notebook: 14_generalization
    """
    model: Any = getattr(scorer, "model", None)
    if isinstance(model, Trained):
        return _of_encoder(model, catalog, split)
    if hasattr(scorer, "describe"):
        return scorer.describe(catalog).view
    vectors = _vectors(scorer)
    return None if vectors is None else lambda *hidden: vectors


def _of_encoder(model: Trained, catalog: Catalog, split: Split) -> Embed:
    """Embed with the weights of a training and the attributes of a fuller table."""
    told = model.info["attributes"]
    groups = {group: (int(a), int(b)) for group, (a, b) in told["groups"].items()}
    known = model.x
    if groups:  # attributes that are random, constant or learned say nothing and have none
        counts = catalog.playlists.subset(split.train).counts(catalog.n_tracks)
        known = torch.from_numpy(apply_attributes(catalog.tracks, told["state"], counts).x)

    def view(hidden: Tensor | None = None, kinds: tuple[str, ...] = ()) -> Tensor:
        x = known
        for kind in kinds:
            x = mask_group(x, groups, kind, hidden) if hidden is not None else x
        return model.embed(x)

    return view


def _can_hide(scorer: Scorer) -> bool:
    """Tell whether an attribute can be hidden from a method's embedding, or is in none."""
    from musig.best import MusigBest  # only here: it is slow to import

    return not isinstance(scorer, MusigBest)


def _vectors(scorer: Any) -> Tensor | None:
    """Find the vectors that a method keeps, or make some of its table of tracks by tracks."""
    from sklearn.decomposition import TruncatedSVD

    from musig.best import DECODER, MusigBest

    if isinstance(scorer, MusigBest):
        return load_file(scorer.folder / DECODER)["candidate"]
    for kept in (scorer, getattr(scorer, "scorer", None)):
        if isinstance(kept, EmbeddingScorer):
            return kept.unit.cpu()
    vectors = getattr(scorer, "vectors", None)
    if isinstance(vectors, Tensor):
        return vectors.cpu().float()
    for name in ("similarity", "weights"):  # of neighbours of tracks, and of EASE
        table: Any = getattr(scorer, name, None)
        if hasattr(table, "shape") and len(table.shape) == 2 and table.shape[0] == table.shape[1]:
            made = TruncatedSVD(min(DIRECTIONS, table.shape[0] - 1), random_state=0)
            plain = table.numpy() if isinstance(table, Tensor) else table
            return torch.from_numpy(np.asarray(made.fit_transform(plain), dtype=np.float32))
    n_tracks = getattr(scorer, "n_tracks", None)
    if n_tracks is None:
        return None
    drawn = np.random.default_rng(scorer.seed).standard_normal((n_tracks, DIRECTIONS))
    return torch.from_numpy(drawn.astype(np.float32))  # the random method: vectors at random


def ask(
    view: Embed,
    catalog: Catalog,
    split: Split,
    unseen: np.ndarray,
    seed: int = 0,
    only: Sequence[str] = MEASURES,
) -> tuple[Probed, dict[str, str]]:
    """Take all six measures of an embedding, or some.

    Parameters
    ----------
    view : callable
        From :func:`view_of`.
    catalog : Catalog
        The universe with all that is known.
    split : Split
        Its training playlists teach nothing here: they are what test playlists are near to.
    unseen : ndarray of bool, shape (n_tracks,)
        Whole artists.
    seed : int, >= 0
        Draws the parts, and which of equally near tracks comes first.
    only : sequence of str
        Of :data:`MEASURES`.

    Returns
    -------
    found : Probed
        ``measures``: those of :data:`MEASURES`, each feature's ``audio_r2_NAME``, and ``_trivial``
        answers; NaN nowhere, what cannot be taken is missing. ``tracks`` of ``theme_auc`` are
        playlists.
    lacking : dict of str to str
        Measure to why it is missing.

    Raises
    ------
    MusigError
        For an unknown measure.

    Notes
    -----
    Notebook: 14_generalization

    Examples
    --------
    Embeddings that are the answer:

    >>> from musig.features import genre_labels
    >>> from musig.sources.synthetic import make
    >>> from musig.splits import split_playlists
    >>> catalog = make("smoke")
    >>> split = split_playlists(catalog, seed=0)
    >>> unseen = split_artists(catalog, 0, UNSEEN)
    >>> labels = torch.from_numpy(genre_labels(catalog.tracks)[0])
    >>> found, lacking = ask(lambda *hidden: labels, catalog, split, unseen)
    >>> found.measures["genre_f1"] > 0.9, sorted(lacking)
    (True, ['version_mrr'])
    """
    for name in only:
        if name not in MEASURES:
            raise MusigError(f"Unknown measure '{name}': {nearest(name, MEASURES)}")
    artist = artist_groups(catalog.tracks)
    part = np.random.default_rng(seed).permutation(artist.max() + 1)[artist] % PARTS
    part[unseen] = -1
    found, lacking = Probed({}, {}, {}), dict[str, str]()
    if "genre_f1" in only:
        _ask_genre(view, catalog, part, artist, found, lacking)
    if "popularity_spearman" in only:
        _ask_popularity(view, catalog, split, part, artist, found, lacking)
    if "audio_r2" in only:
        _ask_audio(view, catalog, part, artist, found, lacking)
    whole = view().detach().cpu().float()
    if "artist_r_precision" in only:
        _ask_artist(whole, unseen, artist, seed, found, lacking)
    if "theme_auc" in only:
        _ask_theme(whole, catalog, split, found, lacking)
    if "version_mrr" in only:
        _ask_version(whole, catalog, artist, seed, found, lacking)
    return found, lacking


def _frozen(view: Embed, part: np.ndarray, kinds: tuple[str, ...]) -> np.ndarray:
    """Embed each fitting track with its part hidden, unseen ones always; standardise.

    Unseen tracks are embedded with the first part hidden as well: as much is hidden where a probe
    is fitted as where it is measured.
    """
    z = np.empty(0)
    for each in range(PARTS):
        hidden = torch.from_numpy(np.flatnonzero((part == each) | (part < 0)))
        embedded = view(hidden, kinds).detach().cpu().double().numpy()
        if each == 0:
            z = embedded.copy()
        z[part == each] = embedded[part == each]
    deviation = z[part >= 0].std(axis=0)
    deviation[deviation < 1e-6] = 1.0  # a direction that says nothing
    return (z - z[part >= 0].mean(axis=0)) / deviation


def _ask_genre(
    view: Embed,
    catalog: Catalog,
    part: np.ndarray,
    artist: np.ndarray,
    found: Probed,
    lacking: dict[str, str],
) -> None:
    from sklearn.linear_model import LogisticRegression

    genre = catalog.tracks.reindex(columns=["main_genre"])["main_genre"].to_numpy(dtype=object)
    known = pd.notna(genre)
    fit, asked = np.flatnonzero(known & (part >= 0)), np.flatnonzero(known & (part < 0))
    if len(set(genre[fit])) < 2 or len(asked) == 0:
        lacking["genre_f1"] = "fewer than two genres, or none of an unseen artist, are known"
        return
    z = _frozen(view, part, HIDDEN["genre"])
    classifier = LogisticRegression(max_iter=500, tol=1e-3).fit(z[fit], genre[fit].astype(str))
    answers = classifier.predict(z[asked])
    names = np.unique(np.concatenate([genre[asked].astype(str), answers]))
    truth, given = (values[:, None] == names for values in (genre[asked].astype(str), answers))
    there = truth.any(axis=0)  # a genre that nobody asks about is no part of the mean
    values, counts = np.unique(genre[fit].astype(str), return_counts=True)
    frequent = np.repeat(values[counts.argmax()], len(asked))[:, None] == names
    owner, n = by_artist.owners(artist[asked], artist[asked])
    for name, answer in (("genre_f1", given), ("genre_f1_trivial", frequent)):
        spread = by_artist.f1(truth[:, there], answer[:, there], owner, n, macro=True)
        found.measures[name] = float(np.mean(spread))
        if answer is given:
            found.by_artist[name], found.tracks[name] = spread, len(asked)


def _ridge(z: np.ndarray, y: np.ndarray, fit: np.ndarray, asked: np.ndarray) -> np.ndarray:
    from sklearn.linear_model import RidgeCV

    return RidgeCV(PENALTIES).fit(z[fit], y[fit]).predict(z[asked])


def _ask_popularity(
    view: Embed,
    catalog: Catalog,
    split: Split,
    part: np.ndarray,
    artist: np.ndarray,
    found: Probed,
    lacking: dict[str, str],
) -> None:
    truth = _numbers(catalog, "popularity")
    known = ~np.isnan(truth)
    fit, asked = np.flatnonzero(known & (part >= 0)), np.flatnonzero(known & (part < 0))
    if len(fit) < 2 or len(np.unique(truth[asked])) < 2:
        lacking["popularity_spearman"] = "no popularity is known of unseen artists' tracks"
        return
    answers = _ridge(_frozen(view, part, HIDDEN["popularity"]), truth, fit, asked)
    counts = catalog.playlists.subset(split.train).counts(catalog.n_tracks)
    owner, n = by_artist.owners(artist[asked], artist[asked])
    name = "popularity_spearman"
    found.measures[name], effect = by_artist.spearman(answers, truth[asked])
    found.measures[f"{name}_trivial"] = by_artist.spearman(counts[asked], truth[asked])[0]
    found.by_artist[name] = by_artist.spread(found.measures[name], np.bincount(owner, effect, n))
    found.tracks[name] = len(asked)


def _ask_audio(
    view: Embed,
    catalog: Catalog,
    part: np.ndarray,
    artist: np.ndarray,
    found: Probed,
    lacking: dict[str, str],
) -> None:
    table = np.stack([_numbers(catalog, name) for name in FEATURES], axis=1)
    known = ~np.isnan(table)
    asked = np.flatnonzero(known.any(axis=1) & (part < 0))
    owner, n = by_artist.owners(artist[asked], artist[asked])
    shares, effects, z = [], [], None
    for name, values, there in zip(FEATURES, table.T, known.T, strict=True):
        fit = np.flatnonzero(there & (part >= 0))
        rows = np.flatnonzero(there[asked])
        truth = values[asked[rows]]
        if len(fit) < 2 or len(np.unique(truth)) < 2:
            continue
        z = _frozen(view, part, HIDDEN["audio"]) if z is None else z
        wrong = (truth - _ridge(z, values, fit, asked[rows])) ** 2
        spread = (truth - truth.mean()) ** 2
        share = 1 - wrong.sum() / spread.sum()
        effect = np.bincount(owner[rows], ((1 - share) * spread - wrong) / spread.sum(), n)
        found.measures[f"audio_r2_{name}"] = float(share)
        found.by_artist[f"audio_r2_{name}"] = by_artist.spread(share, effect)
        found.tracks[f"audio_r2_{name}"] = len(rows)
        shares.append(share)
        effects.append(effect)
    if not shares:
        lacking["audio_r2"] = "no audio feature is known of unseen artists' tracks"
        return
    found.measures.update({"audio_r2": float(np.mean(shares)), "audio_r2_trivial": 0.0})
    found.by_artist["audio_r2"] = by_artist.spread(float(np.mean(shares)), np.mean(effects, axis=0))
    found.tracks["audio_r2"] = len(asked)


def _numbers(catalog: Catalog, name: str) -> np.ndarray:
    """Give a column as float64, NaN where it is not known or not there."""
    column = catalog.tracks.reindex(columns=[name])[name]
    return column.to_numpy(dtype=np.float64, na_value=np.nan)


def _ask_artist(
    z: Tensor,
    unseen: np.ndarray,
    artist: np.ndarray,
    seed: int,
    found: Probed,
    lacking: dict[str, str],
) -> None:
    rows = np.flatnonzero(unseen & (np.bincount(artist)[artist] > 1))
    if len(rows) == 0:
        lacking["artist_r_precision"] = "no unseen artist has two tracks"
        return
    values = among_nearest(z, rows, artist, seed)[0]
    _add_means("artist_r_precision", values, rows, artist, found)
    found.measures["artist_r_precision_trivial"] = chance(rows, artist)[0]


def _ask_version(
    z: Tensor,
    catalog: Catalog,
    artist: np.ndarray,
    seed: int,
    found: Probed,
    lacking: dict[str, str],
) -> None:
    names = catalog.tracks.reindex(columns=["name"])["name"]
    keys = [  # a track without a name is a version of none
        f"{whose} {' '.join(name.casefold().split())}" if isinstance(name, str) else row
        for row, (whose, name) in enumerate(zip(artist, names, strict=True))
    ]
    group = pd.factorize(np.array(keys, dtype=object))[0].astype(np.int64)
    rows = np.flatnonzero(np.bincount(group)[group] > 1)
    if len(rows) == 0:
        lacking["version_mrr"] = "no two tracks have the same name and artist"
        return
    values = among_nearest(z, rows, group, seed)[1]
    _add_means("version_mrr", values, rows, artist, found)
    found.measures["version_mrr_trivial"] = chance(rows, group)[1]


def _add_means(
    name: str, values: np.ndarray, rows: np.ndarray, artist: np.ndarray, found: Probed
) -> None:
    """Add a mean over tracks, spread over their artists."""
    owner, n = by_artist.owners(artist[rows], artist[rows])
    found.measures[name] = float(values.mean())
    found.by_artist[name] = by_artist.mean(values, owner, n)
    found.tracks[name] = len(rows)


def _ask_theme(
    z: Tensor, catalog: Catalog, split: Split, found: Probed, lacking: dict[str, str]
) -> None:
    theme, usable = _themes(catalog.playlists), catalog.playlists.lengths > 1
    near = split.train[usable[split.train]]
    names, counts = np.unique(theme[near], return_counts=True)
    themes = names[(counts >= THEME) & (names != "")]
    asked = split.test[usable[split.test] & np.isin(theme[split.test], themes)]
    code = pd.factorize(theme)[0]
    if len(asked) == 0:
        lacking["theme_auc"] = (
            f"no test playlist has a name that {THEME} training playlists have as well"
        )
        return
    unit = torch.nn.functional.normalize(z)
    ours, theirs = (_middles(unit, catalog.playlists.subset(rows)) for rows in (asked, near))
    shared, held = (_shares(catalog.playlists.subset(rows), len(z)) for rows in (asked, near))
    values, overlaps = (
        [_auc(line, code[near] == code[row]) for row, line in zip(asked, similar, strict=True)]
        for similar in ((ours @ theirs.T).double().numpy(), (shared @ held.T).toarray())
    )
    found.measures["theme_auc"] = float(np.mean(values))
    found.measures["theme_auc_trivial"] = float(np.mean(overlaps))
    found.by_artist["theme_auc"] = [round(value, 6) for value in values]
    found.tracks["theme_auc"] = len(asked)


def _themes(playlists: Playlists) -> np.ndarray:
    """Write the names of playlists alike: lower case, words with single spaces, no signs."""
    return np.array(
        ["" if name is None else _words(name) for name in playlists.names], dtype=object
    ).astype(str)


def _words(name: str) -> str:
    return re.sub(r"[\W_]+", " ", name.casefold()).strip()


def _middles(unit: Tensor, playlists: Playlists) -> Tensor:
    """Give each playlist the direction of the mean of its tracks."""
    total = torch.nn.functional.embedding_bag(
        torch.as_tensor(playlists.tracks, dtype=torch.long),
        unit,
        torch.as_tensor(playlists.indptr[:-1]),
        mode="sum",
    )
    return torch.nn.functional.normalize(total)


def _shares(playlists: Playlists, n_tracks: int) -> sparse.csr_array:
    """Give each playlist a row of length 1 over its tracks: products are cosines."""
    weight = np.repeat(1 / np.sqrt(np.maximum(playlists.lengths, 1)), playlists.lengths)
    parts = (weight, playlists.tracks, playlists.indptr)
    return sparse.csr_array(parts, shape=(len(playlists), n_tracks))


def _auc(scores: np.ndarray, truth: np.ndarray) -> float:
    """Say how likely a true one is above another; ties count half."""
    true, others = np.sort(scores[truth]), scores[~truth]
    if len(true) == 0 or len(others) == 0:
        return 0.5
    # the true ones are few: only they are sorted
    below = sum(np.searchsorted(true, others, side).mean() for side in ("left", "right")) / 2
    return float(1 - below / len(true))
