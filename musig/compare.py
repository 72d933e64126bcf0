"""Every method on playlists of your own, with the settings that were chosen elsewhere.

What a table of ours says can be checked on other playlists: nothing is tuned here, and every method
meets the same seeds and the same universe.

Conventions
-----------
Without test playlists the data are split 80/10/10 by the first seed: methods learn from the first
part, stop by the second, and complete the third. With test playlists they learn from all of the
data but a tenth, which is for stopping, and complete the test playlists. Further seeds train
again; the split and the halves of the playlists stay those of the first, and a playlist counts with
its mean over the trainings, so that an interval is always about playlists.

Contents
--------
- :func:`prepared`: what is learned from and what is completed; :class:`Prepared`.
- :func:`compare`: all of it, to a :class:`Comparison`; :func:`records`: its rows for a file.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from musig import methods
from musig.catalog import Catalog, Playlists, universe
from musig.completion import Holdout, Result, evaluate, holdout
from musig.errors import MusigError, counted
from musig.splits import Split, split_playlists

SHOWN = ("hit_rate@10", "recall@10", "ndcg@100", "r_precision")
"""What is printed; everything is written."""
MANY = 0.1
"""Of test playlists with the tracks of one that is learned from. Short lists and whole albums are
the same now and then, in honest data too; so many are not."""


@dataclass(frozen=True)
class Prepared:
    """What is learned from and what is completed."""

    catalog: Catalog
    """Restricted to the universe."""
    split: Split
    """Of its playlists."""
    held: Holdout
    """The playlists to complete."""
    notes: tuple[str, ...]
    """What was dropped, skipped or wondered about."""


@dataclass
class Comparison:
    """How the methods did."""

    table: pd.DataFrame
    """A row a method and metric: ``method, metric, mean, low, high, n, seed_count``."""
    seconds: dict[str, float] = field(default_factory=dict)
    """To fit and evaluate each method, over all seeds."""
    failed: dict[str, str] = field(default_factory=dict)
    """Methods that gave no result, and why."""

    def shown(self) -> pd.DataFrame:
        """Return the chief metrics side by side, as text: mean and interval, and the seconds."""
        known = [metric for metric in SHOWN if metric in set(self.table["metric"])]
        rows = self.table[self.table["metric"].isin(known)]
        text = [f"{r.mean:.3f} [{r.low:.3f}, {r.high:.3f}]" for r in _named(rows)]
        wide = rows.assign(text=text).pivot(index="method", columns="metric", values="text")
        wide = wide.reindex(index=list(self.seconds), columns=known).rename_axis(columns=None)
        return wide.assign(seconds=[f"{s:.0f}" for s in self.seconds.values()]).reset_index()


@dataclass(frozen=True)
class _Row:
    mean: float
    low: float
    high: float


def _named(rows: pd.DataFrame) -> list[_Row]:
    return [_Row(*values) for values in rows[["mean", "low", "high"]].itertuples(index=False)]


def prepared(
    catalog: Catalog, test: Catalog | None = None, *, min_playlists: int = 8, seed: int = 0
) -> Prepared:
    """Say what is learned from and what is completed.

    Parameters
    ----------
    catalog : Catalog
        The data.
    test : Catalog, optional
        Playlists to complete; by default a tenth of the data's.
    min_playlists : int, >= 0
        In how many training playlists a track must be to be recommended.
    seed : int, >= 0
        Draws the split and the halves.

    Returns
    -------
    Prepared

    Raises
    ------
    MusigError
        If the test shares no track with the data, or shares playlists with it, or no playlist can
        be split.

    Notes
    -----
    Notebook: 07_methods
    """
    if test is None:
        split = split_playlists(catalog, seed)
        tracks = universe(catalog, split.train, min_playlists)
        held, notes = holdout(catalog, tracks, split.test, seed), []
        completed, asked = catalog, split.test
    else:
        joined = _joined(catalog, test)
        notes = _overlap(catalog, test, joined)
        split = split_playlists(catalog, seed, (0.9, 0.1, 0.0))
        tracks = universe(catalog, split.train, min_playlists)
        completed, asked = joined, np.arange(len(joined.playlists))
        held = holdout(joined, tracks, asked, seed)
    notes.append(_dropped(completed, asked, tracks, held))
    return Prepared(catalog.restrict(tracks), split, held, tuple(notes))


def compare(
    data: Prepared,
    names: Sequence[str],
    seeds: Sequence[int] = (0,),
    *,
    device: str = "auto",
    say: Callable[[str], object] = lambda sentence: None,
) -> Comparison:
    """Fit methods with their committed settings, and measure them.

    Parameters
    ----------
    data : Prepared
        From :func:`prepared`.
    names : sequence of str
        Of :data:`musig.methods.METHODS`.
    seeds : sequence of int, >= 0
        Of the trainings. A method without randomness is fitted once and counts for each.
    device : {"auto", "cpu", "cuda"}
    say : callable, optional
        Told a sentence a fit.

    Returns
    -------
    Comparison
        A method that fails is noted there, and the others go on.

    Raises
    ------
    MusigError
        If a method does not exist or is named twice, or there is no method or no seed; before
        anything is fitted.

    Notes
    -----
    Notebook: 07_methods

    Examples
    --------
    >>> from musig.sources.synthetic import make
    >>> table = compare(prepared(make("smoke")), ["popularity", "itemknn"]).table
    >>> means = table[table["metric"] == "recall@10"].set_index("method")["mean"]
    >>> bool(means["itemknn"] > means["popularity"])
    True
    """
    require_names(names, seeds)
    parts: list[pd.DataFrame] = []
    found = Comparison(pd.DataFrame())
    for name in names:
        start, results = time.perf_counter(), []
        try:
            for seed in seeds if methods.is_random(name) else seeds[:1]:
                results.append(_result(data, name, seed, device, say))
        except Exception as error:  # of whatever kind: it must not cost the others their hour
            kind = "" if isinstance(error, MusigError) else f"{type(error).__name__}: "
            found.failed[name] = f"{kind}{error}"
            say(f"{name}: failed: {found.failed[name]}")
            continue
        found.seconds[name] = time.perf_counter() - start
        parts.append(_summary(results).assign(method=name, seed_count=len(seeds)))
    if parts:
        columns = ["method", "metric", "mean", "low", "high", "n", "seed_count"]
        found.table = pd.concat(parts, ignore_index=True)[columns]
    return found


def require_names(names: Sequence[str], seeds: Sequence[int]) -> None:
    """Refuse methods that do not exist, and lists that are empty or repeat.

    Parameters
    ----------
    names : sequence of str
    seeds : sequence of int

    Raises
    ------
    MusigError
        Naming what is wrong.

    Notes
    -----
    Cheap, so that it can be asked before any data are read.
    Notebook: 07_methods
    """
    for what, values in (("method", names), ("seed", seeds)):
        if not values:
            raise MusigError(f"No {what} was given; expected at least one.")
        twice = [value for value in values if list(values).count(value) > 1]
        if twice:
            raise MusigError(f"The {what} {twice[0]} is given twice; give it once.")
    if min(seeds) < 0:
        raise MusigError(f"A seed is {min(seeds)}; expected whole numbers of 0 or more.")
    for name in names:
        methods.module_of(name)


def records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Give the rows of a table as JSON takes them; None for an end that an interval has not.

    Parameters
    ----------
    table : DataFrame
        Of a :class:`Comparison`.

    Returns
    -------
    list of dict

    Notes
    -----
    Notebook: 07_methods

    Examples
    --------
    >>> records(pd.DataFrame({"metric": ["coverage"], "low": [np.nan], "n": [3]}))
    [{'metric': 'coverage', 'low': None, 'n': 3}]
    """
    plain = table.astype(object).where(table.notna(), None)
    return [dict(zip(table.columns, row, strict=True)) for row in plain.to_numpy().tolist()]


def _result(
    data: Prepared, name: str, seed: int, device: str, say: Callable[[str], object]
) -> Result:
    """Fit and evaluate one method with one seed; it is gone when the next begins."""
    start = time.perf_counter()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Sparse ")  # of torch, about its own tensors
        method = methods.make(name, seed=seed, device=device).fit(data.catalog, data.split)
    fitted = time.perf_counter()
    for note in getattr(method, "notes", ()):
        say(f"{name}: {note}")
    result = evaluate(method, data.held, data.catalog, split=data.split)
    seconds = f"fitted in {fitted - start:.0f} s, evaluated in {time.perf_counter() - fitted:.0f} s"
    say(f"{name}, seed {seed}: {seconds}")
    return result


def _summary(results: Sequence[Result]) -> pd.DataFrame:
    """Average over trainings, playlist by playlist, then over playlists."""
    tables = [result.per_playlist for result in results]
    mean = pd.DataFrame(
        np.mean([table.to_numpy() for table in tables], axis=0),
        index=tables[0].index,
        columns=tables[0].columns,
    )
    rows = replace(results[0], per_playlist=mean).summary()
    coverage = float(np.mean([result.coverage for result in results]))
    rows.loc[rows["metric"] == "coverage", "mean"] = coverage
    return rows


def _joined(catalog: Catalog, test: Catalog) -> Catalog:
    """Give the test's tracks the numbers they have in the data, new ones those after them."""
    ids = catalog.tracks.index
    new = test.tracks.index[~test.tracks.index.isin(ids)]
    known = test.n_tracks - len(new)
    if known == 0:
        raise MusigError(
            f"{test.name} shares no track with {catalog.name}: expected test playlists of the same "
            f"track ids, such as '{ids[0]}'; found such as '{test.tracks.index[0]}'."
        )
    together = ids.append(new)
    number = together.get_indexer(test.tracks.index).astype(np.int32)
    playlists = replace(test.playlists, tracks=number[test.playlists.tracks])
    return Catalog(pd.DataFrame(index=together), playlists, test.name)


def _overlap(catalog: Catalog, test: Catalog, joined: Catalog) -> list[str]:
    """Refuse a test that was learned from; wonder about single playlists."""
    known: dict[bytes, list[str]] = {}
    for key, id_ in _contents(catalog.playlists):
        known.setdefault(key, []).append(id_)
    asked = list(_contents(joined.playlists))
    same = [(id_, known[key]) for key, id_ in asked if key in known]
    itself = [id_ for id_, others in same if id_ in others]
    if itself or len(same) > MANY * len(asked):
        example = itself[0] if itself else same[0][0]
        what = "id and the same tracks" if itself else "tracks"
        raise MusigError(
            f"{counted(len(itself or same), 'playlist')} of the test {test.name} ('{example}' "
            f"is one) would be learned from: {catalog.name} holds playlists of the same {what}. "
            "Take them out of one of the two."
        )
    if not same:
        return []
    return [
        f"{counted(len(same), 'playlist')} of {test.name} ('{same[0][0]}' is one) and some of "
        f"{catalog.name} have the same tracks, under other ids: kept, as few are."
    ]


def _contents(playlists: Playlists) -> list[tuple[bytes, str]]:
    """Which tracks a playlist holds, in whichever order, and its id; of two tracks or more."""
    return [
        (np.sort(playlists[row]).tobytes(), str(playlists.ids[row]))
        for row in np.flatnonzero(playlists.lengths > 1).tolist()
    ]


def _dropped(catalog: Catalog, asked: np.ndarray, tracks: np.ndarray, held: Holdout) -> str:
    """Count what cannot be recommended, and what cannot be completed."""
    entries = catalog.playlists.subset(asked).tracks
    outside = entries[~np.isin(entries, tracks)]
    return (
        f"{counted(len(tracks), 'track')} can be recommended; of the playlists to complete "
        f"{counted(len(np.unique(outside)), 'track')} ({len(outside):,} of {len(entries):,} "
        f"entries) are not among them: dropped; {held.skipped:,} of "
        f"{counted(len(asked), 'playlist')} have fewer than two others: skipped."
    )
