"""Estimated features on a page: what they are made of, and how they differ.

Conventions
-----------
Features are in tables with a row a track and the columns of :data:`musig.catalog.FEATURES`, NaN
where they could not be told. A group is a genre, or a collection where no genre is known.

Contents
--------
- :func:`definition_table`, :func:`limits_table`: what a feature is, and what it cannot tell.
- :func:`extremes`: recordings worth hearing.
- :func:`by_group`, :func:`medians`: how groups differ.
- :func:`agreement_table`, :func:`tempo_accuracy`: how two tables agree.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from musig.catalog import FEATURES
from musig.pages.attributes import MEANINGS
from musig.signal_features import LIMITS, PARTS

SOURCES = {
    "acousticness": "FitzGerald 2010; weights ours",
    "danceability": "Lartillot et al. 2008, Ellis 2007; weights ours",
    "energy": "the definition's own list; weights ours",
    "instrumentalness": "Rocamora and Herrera 2007, Regnier and Peeters 2009; weights ours",
    "liveness": "ours",
    "loudness": "EBU R 128, ITU-R BS.1770",
    "speechiness": "Scheirer and Slaney 1997; weights ours",
    "valence": "Gabrielsson and Lindström 2010, Krumhansl 1990; weights ours",
    "tempo": "Peeters 2007, Moelants 2002; its level by librosa, McFee et al. 2015",
}
"""Who proposed what is measured for a feature, as :mod:`musig.signal_measures` cites them."""


def extremes(features: pd.DataFrame, wanted: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Choose recordings at the ends of scales, each once.

    Parameters
    ----------
    features : DataFrame
        By track id.
    wanted : mapping of str to sequence of str
        Feature to ends, ``lowest`` or ``highest``. A recording that is taken is passed over.

    Returns
    -------
    dict of str to str
        Track id to what it is; the first recordings where nothing is known of any.

    Notes
    -----
    Notebook: 02_audio_features

    Examples
    --------
    >>> table = pd.DataFrame({"energy": [0.2, 0.9, 0.4]}, index=["a", "b", "c"])
    >>> extremes(table, {"energy": ["lowest", "highest"]})
    {'a': 'energy 0.20, the lowest', 'b': 'energy 0.90, the highest'}
    """
    found: dict[str, str] = {}
    for name, ends in wanted.items():
        for end in ends:
            values = features[name].drop(list(found)).dropna()
            if len(values):
                key = str(values.idxmin() if end == "lowest" else values.idxmax())
                digits = 0 if name == "tempo" else 1 if name == "loudness" else 2
                found[key] = f"{name} {values[key]:.{digits}f}, the {end}"
    return found or dict.fromkeys(features.index[:1].map(str), "nothing could be told")


def by_group(features: pd.DataFrame, of: pd.Series) -> pd.DataFrame:
    """Say how each group's mean differs from that of all, in standard deviations.

    Parameters
    ----------
    features : DataFrame
        By track id.
    of : Series of str
        The group of each, None where unknown.

    Returns
    -------
    DataFrame
        A row a group, the largest first.

    Notes
    -----
    Notebook: 02_audio_features

    Examples
    --------
    >>> table = pd.DataFrame({"energy": [0.0, 1.0]}, index=["a", "b"])
    >>> by_group(table, pd.Series(["x", "y"], index=["a", "b"])).round(2)["energy"].tolist()
    [-0.71, 0.71]
    """
    spread_out = features.std().replace(0, np.nan)
    standard = ((features - features.mean()) / spread_out).groupby(of).mean()
    return standard.loc[of.value_counts().index]


def medians(tables: Mapping[str, pd.DataFrame], of: pd.Series) -> dict[str, list[dict[str, Any]]]:
    """Give the median of each feature in each group, for the record of a run.

    Parameters
    ----------
    tables : mapping of str to DataFrame
        Estimator to features by track id.
    of : Series of str
        The group of each, None where unknown.

    Returns
    -------
    dict of str to list of dict
        Estimator to rows with ``group``, ``recordings`` and the features, the largest group first.

    Notes
    -----
    Notebook: 02_audio_features
    """
    found: dict[str, list[dict[str, Any]]] = {}
    for name, features in tables.items():
        table = features.groupby(of).median()
        table.insert(0, "recordings", of.value_counts())
        table = table.sort_values("recordings", ascending=False, kind="stable")
        rows = table.rename_axis("group").reset_index().to_dict("records")
        found[name] = [{str(key): value for key, value in row.items()} for row in rows]
    return found


def definition_table() -> pd.DataFrame:
    """Set the definition of each feature beside what is measured for it.

    Returns
    -------
    DataFrame
        ``feature``, ``range``, ``definition``, ``measured here``, ``source``.

    Notes
    -----
    Notebook: 02_audio_features
    """
    itself = {"loudness": "integrated loudness, EBU R 128", "tempo": "period of the onset strength"}
    rows = [
        {
            "feature": name,
            "range": MEANINGS[name][0],
            "definition": MEANINGS[name][1],
            "measured here": itself.get(name)
            or ", ".join(part.measure.replace("_", " ") for part in PARTS[name]),
            "source": SOURCES[name],
        }
        for name in FEATURES
    ]
    return pd.DataFrame(rows)


def limits_table() -> pd.DataFrame:
    """Say what each feature cannot tell.

    Returns
    -------
    DataFrame
        ``feature``, ``what to know``.

    Notes
    -----
    Notebook: 02_audio_features
    """
    rows = [(name, LIMITS[name]) for name in FEATURES]
    return pd.DataFrame(rows, columns=["feature", "what to know"])


def agreement_table(agreed: pd.DataFrame) -> pd.DataFrame:
    """Write rank correlations with their intervals.

    Parameters
    ----------
    agreed : DataFrame
        As :func:`musig.agreement.agreement` gives it.

    Returns
    -------
    DataFrame
        ``feature``, ``recordings``, ``rank correlation [95 %]``.

    Notes
    -----
    Notebook: 02_audio_features
    """
    rows = []
    for row in agreed.to_dict("records"):
        text = "–"
        if np.isfinite(row["spearman"]):
            text = f"{row['spearman']:.2f} [{row['low']:.2f},\u00a0{row['high']:.2f}]"
        rows.append({"feature": row["feature"], "recordings": row["n"], "spearman": text})
    return pd.DataFrame(rows).rename(columns={"spearman": "rank correlation [95 %]"})


def tempo_accuracy(estimated: pd.Series, truth: pd.Series) -> tuple[float, float]:
    """Give the share of tempi that are right, strictly and up to their metrical level.

    Parameters
    ----------
    estimated, truth : Series of float
        Beats a minute by track id, NaN where unknown.

    Returns
    -------
    strict : float in [0, 1]
        Within 4 % of the truth; of the tracks of which both are known, NaN where there is none.
    lenient : float in [0, 1]
        Within 4 % of it, of its half or double, of its third or triple.

    Notes
    -----
    Accuracy 1 and accuracy 2 of Gouyon et al. (2006).
    Notebook: 02_audio_features

    Examples
    --------
    >>> tempo_accuracy(pd.Series([100.0, 61.0, 90.0]), pd.Series([100.0, 120.0, 120.0]))[0] == 1 / 3
    True
    """
    ratio = (estimated / truth).dropna().to_numpy()[:, None]
    if not len(ratio):
        return float("nan"), float("nan")
    levels = np.array([1, 2, 1 / 2, 3, 1 / 3])
    right = np.abs(ratio / levels - 1) <= 0.04
    return float(right[:, 0].mean()), float(right.any(axis=1).mean())
