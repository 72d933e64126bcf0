"""How far two tables of audio features agree: by rank, feature by feature.

Two estimators may mean the same with other numbers, so what is compared is the order they put
tracks in: Spearman's rank correlation [1]_, with a bootstrap interval over tracks [2]_.

Conventions
-----------
Tables have a row a track and a column a feature; rows are matched by index. A track of which one
of the two knows nothing (NaN) does not count for that feature.

Contents
--------
- :func:`agreement`: of two tables; :func:`read_truth`: a table from outside, and
  :func:`is_echonest`: whether it is FMA's;
- :func:`matched`: a table of recordings under the keys of another.

References
----------
.. [1] Spearman (1904). The proof and measurement of association between two things. American
   Journal of Psychology 15(1).
.. [2] Efron, Tibshirani (1993). An introduction to the bootstrap: percentile intervals.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import rankdata

from musig.catalog import FEATURES
from musig.errors import MusigError, counted

RESAMPLES = 1000
"""How often tracks are drawn anew."""

FEWEST = 3
"""Tracks below which a rank correlation says nothing."""


def agreement(
    table: pd.DataFrame, truth: pd.DataFrame, generator: np.random.Generator | None = None
) -> pd.DataFrame:
    """Correlate two tables of features by rank.

    Parameters
    ----------
    table, truth : DataFrame
        Indexed by track; the features that both have as columns are compared.
    generator : numpy.random.Generator, optional
        Of the bootstrap; by default one of seed 0.

    Returns
    -------
    DataFrame
        A row a feature: ``feature``, ``spearman``, ``low``, ``high`` (95 %), ``n``. NaN if either
        is constant or fewer than three tracks are known to both.

    Raises
    ------
    MusigError
        If the tables have no track or no feature in common.

    Notes
    -----
    Notebook: 02_audio_features

    Examples
    --------
    >>> one = pd.DataFrame({"energy": [0.1, 0.2, 0.3, 0.4]})
    >>> agreement(one, one**2)[["feature", "spearman", "n"]].to_dict("records")
    [{'feature': 'energy', 'spearman': 1.0, 'n': 4}]
    """
    generator = generator or np.random.default_rng(0)
    common = table.index.intersection(truth.index)
    if common.empty:
        raise MusigError(
            f"The tables have no track in common: one has {_some(table.index)}, the other "
            f"{_some(truth.index)}."
        )
    names = [name for name in FEATURES if name in table and name in truth]
    if not names:
        raise MusigError(f"The tables share none of the features {', '.join(FEATURES)}.")
    rows = []
    for name in names:
        pair = np.stack([frame.loc[common, name].to_numpy(float) for frame in (table, truth)])
        pair = pair[:, ~np.isnan(pair).any(axis=0)]
        n = pair.shape[1]
        draws = generator.integers(n, size=(RESAMPLES, n)) if n >= FEWEST else np.empty((0, 0), int)
        found = [_spearman(pair[:, drawn]) for drawn in draws]
        found = [value for value in found if not np.isnan(value)]
        low, high = np.quantile(found, [0.025, 0.975]) if found else (np.nan, np.nan)
        whole = _spearman(pair) if n >= FEWEST else np.nan
        rows.append((name, whole, float(low), float(high), n))
    return pd.DataFrame(rows, columns=["feature", "spearman", "low", "high", "n"])


def read_truth(path: str | Path) -> pd.DataFrame:
    """Read a table of features from outside.

    Parameters
    ----------
    path : str or Path
        FMA's ``echonest.csv``, or a CSV or Parquet table with a column ``track_id`` or ``path``
        and some of the nine features.

    Returns
    -------
    DataFrame
        Indexed by ``track_id`` or ``path``, as text; the features that it has.

    Raises
    ------
    MusigError
        If it cannot be read, or has no such columns.

    Notes
    -----
    Notebook: 02_audio_features
    """
    path = Path(path)
    if not path.is_file():
        raise MusigError(f"{path} does not exist: give a table of features.")
    if is_echonest(path):
        from musig.sources.fma import read_echonest

        return read_echonest(path)
    try:
        frame = pd.read_csv(path) if path.suffix == ".csv" else pd.read_parquet(path)
    except (ValueError, OSError) as error:
        raise MusigError(
            f"{path} is no table that can be read: expected CSV or Parquet."
        ) from error
    key = next((name for name in ("track_id", "path") if name in frame), None)
    names = [name for name in FEATURES if name in frame]
    if key is None or not names:
        raise MusigError(
            f"{path} has the columns {', '.join(map(str, frame.columns))}: expected track_id or "
            f"path, and some of {', '.join(FEATURES)}."
        )
    frame.index = pd.Index(frame[key].astype(str), name=key)
    if frame.index.has_duplicates:
        raise MusigError(
            f"{path} has {frame.index[frame.index.duplicated()][0]} more than once in {key}."
        )
    return frame[names].astype(float)


def is_echonest(path: str | Path) -> bool:
    """Tell whether a table holds FMA's features of the Echo Nest, which vibenet learned from.

    Parameters
    ----------
    path : str or Path
        Of a file that exists, whatever it is called.

    Returns
    -------
    bool
        Whether its first line names them, as that of FMA's ``echonest.csv`` does.

    Notes
    -----
    Notebook: 02_audio_features
    """
    with Path(path).open(encoding="utf-8-sig", errors="replace") as file:
        return "echonest" in file.readline(2**16).strip().split(",")


def matched(table: pd.DataFrame, truth: pd.DataFrame) -> pd.DataFrame:
    """Give recordings the keys that a table from outside has for them.

    Parameters
    ----------
    table : DataFrame
        Of :func:`musig.feature_table.feature_table`.
    truth : DataFrame
        Of :func:`read_truth`.

    Returns
    -------
    DataFrame
        The same, indexed by path, or by the name of the file without its ending, where zeros that
        lead a number are left out: ``000/000002.mp3`` is track 2.

    Raises
    ------
    MusigError
        If two recordings have the same key.

    Notes
    -----
    Notebook: 02_audio_features

    Examples
    --------
    >>> table = pd.DataFrame({"path": ["000/000002.mp3"], "energy": [0.5]})
    >>> matched(table, pd.DataFrame(index=pd.Index(["2"], name="track_id"))).index.tolist()
    ['2']
    """
    if truth.index.name == "path":
        return table.set_index("path", drop=False)
    stems = [Path(path).stem for path in table["path"]]
    known = set(truth.index)
    keys = [
        str(int(stem)) if stem not in known and stem.isascii() and stem.isdigit() else stem
        for stem in stems
    ]
    index = pd.Index(keys, name=truth.index.name)
    if index.has_duplicates:
        twice = index[index.duplicated()][0]
        raise MusigError(f"{counted(keys.count(twice), 'recording')} are called {twice}.")
    return table.set_index(index)


def _spearman(pair: np.ndarray) -> float:
    one, other = (rankdata(values) for values in pair)
    one, other = one - one.mean(), other - other.mean()
    scale = float(np.sqrt((one**2).sum() * (other**2).sum()))
    return float((one * other).sum() / scale) if scale > 0 else np.nan


def _some(index: pd.Index) -> str:
    return ", ".join(map(str, index[:3])) + (", …" if len(index) > 3 else "")
