"""Node attributes: what is known of a track besides its playlists.

The groups of the paper (Saravanou et al., ISMIR 2021, the table of attribute groups): GENRE,
POPULARITY, AUDIO (the nine features of the recording) and ACOUSTIC (eight numbers from a deep
model of the recording).

Conventions
-----------
- A row a track, in the order of the table; float32. A group is a range of columns; its last
  column is the indicator "unknown".
- Numbers are standardised: mean 0 and deviation 1 over the *known* values of the rows fitted on.
  Popularity as a count is taken as log(1 + count) first. Genres are 0 or 1.
- What is missing is imputed by the mean, 0 after standardising; the indicator is the share of the
  group that is missing. One indicator a group, since a group is missing as a whole: it comes from
  one source.
- So the code of "nothing is known" is zeros and an indicator of 1.

Contents
--------
- :func:`known_groups`: the groups of which the data know something; :func:`complete_rows`.
- :func:`fit_attributes` fits and applies; :func:`apply_attributes` applies what was fitted.
- :func:`control_attributes`: attributes that say nothing, to tell what real ones are worth.
- :func:`mask_group` hides a group of some tracks.
- :func:`genre_labels`: genres as targets.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from musig.catalog import FEATURES
from musig.errors import MusigError, nearest

if TYPE_CHECKING:
    import torch

GROUPS = ("GENRE", "POPULARITY", "AUDIO", "ACOUSTIC")
ACOUSTIC = tuple(f"acoustic_{k}" for k in range(8))
CONTROLS = ("random", "constant", "none")
RARE = 0.005
"""Fine genres of fewer than this share of the tracks are left out."""

ABSENT = {
    "GENRE": "no track has a genre",
    "POPULARITY": "no track has a popularity (popularity='train_count' counts playlists instead)",
    "AUDIO": "no track has any of the nine audio features",
    "ACOUSTIC": "this data has no sound: no track has an acoustic vector",
}


@dataclass(frozen=True, eq=False)
class Attributes:
    """Node attributes as a matrix, with what is needed to make the same of other tracks.

    Parameters
    ----------
    x : ndarray of float32, shape (n_tracks, d)
    columns : tuple of str, length d
    groups : dict of str to (int, int)
        First column of each group, and the one after its last.
    state : dict
        Can be written as JSON; :func:`apply_attributes` takes it.
    learned : bool
        Whether `x` is only where training begins, a parameter like others.

    Notes
    -----
    Made by :func:`fit_attributes`.

    Notebook: 05_multitask_training
    """

    x: np.ndarray
    columns: tuple[str, ...]
    groups: dict[str, tuple[int, int]]
    state: dict[str, Any]
    learned: bool = False


def known_groups(tracks: pd.DataFrame, popularity: str = "external") -> tuple[str, ...]:
    """Tell of which attribute groups a table knows anything.

    Parameters
    ----------
    tracks : DataFrame
        A catalogue's tracks.
    popularity : {"external", "train_count"}
        As in :func:`fit_attributes`; counts are always known.

    Returns
    -------
    tuple of str
        Some of :data:`GROUPS`, in this order.

    Notes
    -----
    Notebook: 05_multitask_training

    Examples
    --------
    >>> known_groups(pd.DataFrame({"main_genre": ["rock", None], "energy": [None, 0.5]}))
    ('GENRE', 'AUDIO')
    """

    def known(group: str) -> bool:
        if group == "GENRE":
            return any(genre_labels(tracks, column=column)[1].any() for column in ("main", "all"))
        if group == "POPULARITY" and popularity == "train_count":
            return True
        return bool(tracks.reindex(columns=_names(group)).notna().to_numpy().any())

    return tuple(group for group in GROUPS if known(group))


def complete_rows(tracks: pd.DataFrame, group: str) -> np.ndarray:
    """Tell for which tracks all numbers of a group are known.

    Parameters
    ----------
    tracks : DataFrame
        A catalogue's tracks.
    group : {"POPULARITY", "AUDIO", "ACOUSTIC"}

    Returns
    -------
    ndarray of bool, shape (n_tracks,)

    Notes
    -----
    Notebook: 05_multitask_training

    Examples
    --------
    >>> complete_rows(pd.DataFrame({"popularity": [10, None]}), "POPULARITY")
    array([ True, False])
    """
    return np.asarray(tracks.reindex(columns=_names(group)).notna().to_numpy().all(axis=1))


def fit_attributes(
    tracks: pd.DataFrame,
    groups: Sequence[str],
    *,
    popularity: str = "external",
    train_count: np.ndarray | None = None,
    genres: str = "main",
    fit_rows: np.ndarray | None = None,
) -> Attributes:
    """Fit scalers, imputation and vocabulary on some tracks; make the attributes of all.

    Parameters
    ----------
    tracks : DataFrame
        A catalogue's tracks.
    groups : sequence of {"GENRE", "POPULARITY", "AUDIO", "ACOUSTIC"}
        In any order; the columns come in this one.
    popularity : {"external", "train_count"}
        The column `popularity`, or how many training playlists hold the track.
    train_count : ndarray, shape (n_tracks,), optional
        Needed for ``popularity="train_count"``; NaN where unknown.
    genres : {"main", "all"}
        The main genre, or every genre that is not :data:`RARE`.
    fit_rows : ndarray of int (positions) or of bool (n_tracks,), optional
        Rows to fit on; by default all.

    Returns
    -------
    musig.features.Attributes

    Raises
    ------
    MusigError
        For an unknown group or option, or a group of which the data know nothing.

    Notes
    -----
    Notebook: 05_multitask_training

    Examples
    --------
    >>> tracks = pd.DataFrame({"main_genre": ["rock", "pop", None], "popularity": [10, None, 30.0]})
    >>> attributes = fit_attributes(tracks, ["POPULARITY", "GENRE"])
    >>> attributes.columns
    ('genre:pop', 'genre:rock', 'genre:unknown', 'popularity', 'popularity:unknown')
    >>> attributes.x.tolist()
    [[0.0, 1.0, 0.0, -1.0, 0.0], [1.0, 0.0, 0.0, 0.0, 1.0], [0.0, 0.0, 1.0, 1.0, 0.0]]
    """
    for group in groups:
        if group not in GROUPS:
            raise MusigError(f"Unknown attribute group '{group}': {nearest(group, GROUPS)}")
    if not groups:
        raise MusigError(f"No attribute group was chosen; choose from {', '.join(GROUPS)}.")
    for option, value, valid in (
        ("popularity", popularity, ("external", "train_count")),
        ("genres", genres, ("main", "all")),
    ):
        if value not in valid:
            raise MusigError(f"{option} is '{value}': {nearest(value, valid)}")
    state: dict[str, Any] = {"popularity": popularity, "genres": genres, "groups": {}}
    rows = np.arange(len(tracks)) if fit_rows is None else np.asarray(fit_rows)
    for group in sorted(set(groups), key=GROUPS.index):
        if group == "GENRE":
            _, known, vocabulary = genre_labels(tracks.iloc[rows], column=genres)
            state["groups"][group] = {"vocabulary": vocabulary}
        else:
            values = _numbers(group, tracks, popularity, train_count)[rows]
            known = ~np.isnan(values)
            count = np.maximum(known.sum(axis=0), 1)
            mean = np.where(known, values, 0).sum(axis=0) / count
            deviation = np.sqrt((np.where(known, values - mean, 0) ** 2).sum(axis=0) / count)
            deviation[deviation < 1e-6] = 1.0  # a constant
            state["groups"][group] = {"mean": mean.tolist(), "deviation": deviation.tolist()}
        if not known.any():
            raise MusigError(
                f"The attribute group {group} was asked for, but {ABSENT[group]}. "
                f"Leave {group} out of groups."
            )
    return apply_attributes(tracks, state, train_count)


def apply_attributes(
    tracks: pd.DataFrame, state: Mapping[str, Any], train_count: np.ndarray | None = None
) -> Attributes:
    """Make the same columns of other tracks, without fitting anything again.

    Parameters
    ----------
    tracks : DataFrame
        A catalogue's tracks; whole groups may be missing.
    state : mapping
        Of :func:`fit_attributes`, perhaps by way of JSON.
    train_count : ndarray, shape (n_tracks,), optional
        As in :func:`fit_attributes`.

    Returns
    -------
    musig.features.Attributes

    Raises
    ------
    MusigError
        If popularity was fitted on counts and there are none.

    Notes
    -----
    Notebook: 05_multitask_training

    Examples
    --------
    >>> fitted = fit_attributes(pd.DataFrame({"popularity": [10, 30]}), ["POPULARITY"])
    >>> apply_attributes(pd.DataFrame({"popularity": [40, None]}), fitted.state).x.tolist()
    [[2.0, 0.0], [0.0, 1.0]]
    """
    parts: list[np.ndarray] = []
    columns: list[str] = []
    ranges: dict[str, tuple[int, int]] = {}
    for group, fitted in state["groups"].items():
        if group == "GENRE":
            values, known, names = genre_labels(tracks, fitted["vocabulary"], state["genres"])
            names = [f"genre:{name}" for name in names]
            missing = 1.0 - known
        else:
            numbers = _numbers(group, tracks, state["popularity"], train_count)
            names = _names(group)
            missing = np.isnan(numbers).mean(axis=1)
            values = (numbers - np.array(fitted["mean"])) / np.array(fitted["deviation"])
            values = np.where(np.isnan(values), 0.0, values)
        ranges[group] = (len(columns), len(columns) + len(names) + 1)
        columns += [*names, f"{group.lower()}:unknown"]
        parts += [values, missing[:, None]]
    x = np.concatenate(parts, axis=1, dtype=np.float32)
    return Attributes(x, tuple(columns), ranges, dict(state))


def control_attributes(kind: str, n_tracks: int, width: int, seed: int = 0) -> Attributes:
    r"""Make attributes that hold no knowledge of the tracks.

    Parameters
    ----------
    kind : {"random", "constant", "none"}
        ``random``: standard normal numbers, fixed. ``constant``: a single column of ones, so that
        all tracks are alike and a mean over neighbours is 1 as well. ``none``: a free vector a
        track, small at first, that is *learned* with the rest.
    n_tracks : int, > 0
    width : int, > 0
        Columns; of a constant there is one whatever is said here.
    seed : int, >= 0
        Draws the numbers.

    Returns
    -------
    musig.features.Attributes
        Without any group.

    Raises
    ------
    MusigError
        For an unknown kind.

    Notes
    -----
    Random attributes do surprisingly well in a graph network, because they tell the nodes apart
    (Korzeniowski, Oramas, Gouyon, TISMIR 2022): that content helps can only be said against them.
    There is no network without an input. What "structure only" means is our choice: identity
    features, that is a learned table, as the published code of GraphSAGE offers them. It cannot
    embed a track that it was not trained with. The table begins at standard normal numbers over
    the square root of the width: rows of about length 1.

    Notebook: 08_attribute_groups

    Examples
    --------
    >>> control_attributes("constant", n_tracks=2, width=5).x.tolist()
    [[1.0], [1.0]]
    >>> control_attributes("none", n_tracks=2, width=5).learned
    True
    """
    if kind not in CONTROLS:
        raise MusigError(f"Unknown control attributes '{kind}': {nearest(kind, CONTROLS)}")
    width = 1 if kind == "constant" else width
    x = np.random.default_rng(seed).standard_normal((n_tracks, width), dtype=np.float32)
    if kind == "constant":
        x[:] = 1.0
    elif kind == "none":
        x /= np.float32(np.sqrt(width))
    state = {"control": kind, "seed": seed}
    columns = tuple(f"{kind}:{k}" for k in range(width))
    return Attributes(x, columns, {}, state, learned=kind == "none")


def mask_group(
    x: torch.Tensor, groups: Mapping[str, tuple[int, int]], group: str, rows: torch.Tensor
) -> torch.Tensor:
    """Hide a group of some tracks: their columns say "unknown".

    Parameters
    ----------
    x : Tensor of float32, shape (n, d)
        Attributes; not changed.
    groups : mapping of str to (int, int)
        Of :class:`Attributes`.
    group : str
        Which to hide. One that is not among the attributes is hidden already.
    rows : Tensor of int64 (positions) or of bool, shape (n,)

    Returns
    -------
    Tensor of float32, shape (n, d)
        A copy.

    Raises
    ------
    MusigError
        If there is no such group.

    Notes
    -----
    A genre that is to be predicted must not be among the inputs.

    Notebook: 05_multitask_training

    Examples
    --------
    >>> import torch
    >>> mask_group(torch.ones(2, 4), {"AUDIO": (0, 1), "GENRE": (1, 4)}, "GENRE", torch.tensor([1]))
    tensor([[1., 1., 1., 1.],
            [1., 0., 0., 1.]])
    """
    if group not in GROUPS:
        raise MusigError(f"Unknown attribute group '{group}': {nearest(group, GROUPS)}")
    x = x.clone()
    if group in groups:
        start, stop = groups[group]
        x[rows, start : stop - 1] = 0.0
        x[rows, stop - 1] = 1.0
    return x


def genre_labels(
    tracks: pd.DataFrame, vocabulary: Sequence[str] | None = None, column: str = "main"
) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Turn genres into a matrix of zeros and ones.

    Parameters
    ----------
    tracks : DataFrame
    vocabulary : sequence of str, optional
        Genres, a column each; others count as unknown. By default those of `tracks`, in
        alphabetical order, for "all" without the :data:`RARE`.
    column : {"main", "all"}
        From `main_genre` (one a track at most) or from the lists in `genres`.

    Returns
    -------
    labels : ndarray of float32, shape (n_tracks, n_genres)
    known : ndarray of bool, shape (n_tracks,)
        Whether a track has any genre of the vocabulary.
    vocabulary : list of str, length n_genres

    Notes
    -----
    Notebook: 05_multitask_training

    Examples
    --------
    >>> tracks = pd.DataFrame({"genres": [["soft rock", "rock"], None, ["rock"]]})
    >>> labels, known, vocabulary = genre_labels(tracks, column="all")
    >>> vocabulary, labels.tolist(), known.tolist()
    (['rock', 'soft rock'], [[1.0, 1.0], [0.0, 0.0], [1.0, 0.0]], [True, False, True])
    """
    name = "main_genre" if column == "main" else "genres"
    cells = tracks[name] if name in tracks else pd.Series([None] * len(tracks), dtype=object)
    # One line a pair of track and genre; a track without any has one line, which is dropped.
    pairs = pd.Series(cells.to_numpy(dtype=object)).explode().dropna()
    if vocabulary is None:
        share = pairs.value_counts() / max(len(tracks), 1)
        vocabulary = sorted(share.index[share >= (RARE if column == "all" else 0)])
    column_of = pairs.map({genre: k for k, genre in enumerate(vocabulary)}).dropna()
    labels = np.zeros((len(tracks), len(vocabulary)), np.float32)
    labels[column_of.index.to_numpy(), column_of.to_numpy(dtype=np.int64)] = 1.0
    return labels, np.asarray(labels.any(axis=1)), list(vocabulary)


def _names(group: str) -> list[str]:
    """Columns of the tracks' table that hold a group of numbers."""
    return list({"POPULARITY": ("popularity",), "AUDIO": FEATURES, "ACOUSTIC": ACOUSTIC}[group])


def _numbers(
    group: str, tracks: pd.DataFrame, popularity: str, train_count: np.ndarray | None
) -> np.ndarray:
    """Return a group's numbers before scaling, float64, shape (n_tracks, k); NaN is unknown."""
    if group == "POPULARITY" and popularity == "train_count":
        if train_count is None:
            raise MusigError(
                "popularity is 'train_count', but no counts were given: pass train_count, "
                "with NaN where it is unknown."
            )
        return np.log1p(np.asarray(train_count, dtype=np.float64))[:, None]
    return tracks.reindex(columns=_names(group)).to_numpy(dtype=np.float64, na_value=np.nan)
