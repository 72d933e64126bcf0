"""Who is joined to whom: whether the edges of a music graph follow genre or artist.

If tracks that share playlists also share genres, the graph knows something about music that nobody
told it. The control for that is :func:`musig.graph.shuffled`: the same popularity, no taste.

Conventions
-----------
A graph is a :class:`torch_geometric.data.Data` as :func:`musig.graph.music_graph` makes it, both
directions of each edge stored. Labels are one a node, None or NaN where unknown; an edge with an
unknown end is left out. Shares are in [0, 1].

Contents
--------
- :func:`mixing_matrix`: the weight between labels; :func:`mixing_table`: beside what is expected;
  :func:`assortativity`: the same as one number.
- :func:`same_label_share`: whether heavier edges join more alike tracks.
- :func:`compare`: several graphs side by side.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from musig.edges import graph_statistics

if TYPE_CHECKING:
    from torch_geometric.data import Data

FEWEST = 50  # a share over fewer edges is noise and is not shown


def mixing_matrix(data: Data, labels: Sequence | np.ndarray | pd.Series) -> pd.DataFrame:
    """Give the share of all edge weight that joins each label to each other.

    Parameters
    ----------
    data : Data
    labels : sequence, length n_tracks

    Returns
    -------
    DataFrame of float64
        Symmetric, sums to 1 (or empty); labels in the order of their share, largest first.

    Notes
    -----
    The matrix e of Newman, *Mixing patterns in networks*, Physical Review E 67, 2003.
    Notebook: 04_music_graph
    """
    codes, names = pd.factorize(pd.Series(labels))
    row, column = codes[data.edge_index.numpy()]
    known = (row >= 0) & (column >= 0)
    pair = row[known] * len(names) + column[known]
    weight = np.bincount(pair, data.edge_weight.numpy()[known], minlength=len(names) ** 2)
    matrix = pd.DataFrame(weight.reshape(len(names), len(names)), index=names, columns=names)
    order = matrix.sum().sort_values(ascending=False, kind="stable").index
    return matrix.loc[order, order] / max(1.0, weight.sum())


def assortativity(matrix: pd.DataFrame) -> float:
    """Say how much more often like joins like than chance would have it.

    Parameters
    ----------
    matrix : DataFrame, shape (k, k)
        From :func:`mixing_matrix`.

    Returns
    -------
    float
        1 if every edge joins equal labels, 0 if edges ignore them, below 0 if they avoid them; NaN
        without edges or with one label.

    Notes
    -----
    Equation 2 of Newman 2003: ``(Σ e_ii − Σ a_i²) / (1 − Σ a_i²)`` with ``a_i = Σ_j e_ij``.
    Notebook: 04_music_graph

    Examples
    --------
    >>> assortativity(pd.DataFrame([[0.5, 0.0], [0.0, 0.5]]))
    1.0
    """
    e = matrix.to_numpy()
    by_chance = float((e.sum(axis=0) ** 2).sum())
    if e.sum() == 0 or np.isclose(by_chance, 1):
        return float("nan")
    return float((np.trace(e) - by_chance) / (1 - by_chance))


def mixing_table(matrix: pd.DataFrame, most: int = 10) -> pd.DataFrame:
    """Compare how much weight joins two labels with what their popularity would give.

    Parameters
    ----------
    matrix : DataFrame, shape (k, k)
        From :func:`mixing_matrix`.
    most : int
        Only so many labels, from the first.

    Returns
    -------
    DataFrame
        Binary logarithm of found over expected: 1 is twice as much, −1 half; NaN where none is
        found.

    Notes
    -----
    Notebook: 04_music_graph
    """
    found = matrix.to_numpy()
    expected = np.outer(found.sum(axis=0), found.sum(axis=1))
    ratio = np.divide(found, expected, out=np.full_like(found, np.nan), where=found > 0)
    table = pd.DataFrame(np.log2(ratio), index=matrix.index, columns=matrix.columns)
    return table.iloc[:most, :most]


def same_label_share(data: Data, labels: Sequence | np.ndarray | pd.Series) -> pd.Series:
    """Give the share of edges that join equal labels, among edges of at least each weight.

    Parameters
    ----------
    data : Data
    labels : sequence, length n_tracks

    Returns
    -------
    Series
        Index ``edges of at least this weight``, as far as 50 edges are left; shares in [0, 1].

    Notes
    -----
    Notebook: 04_music_graph
    """
    codes, _ = pd.factorize(pd.Series(labels))
    row, column = codes[data.edge_index.numpy()]
    known = (row >= 0) & (column >= 0)
    weight = data.edge_weight.numpy()[known].astype(np.int64)
    edges = np.bincount(weight)[::-1].cumsum()[::-1]
    same = np.bincount(weight, row[known] == column[known])[::-1].cumsum()[::-1]
    shown = np.flatnonzero(edges >= 2 * FEWEST)  # both directions are counted
    shown = shown[shown > 0]
    # The share among "at least w" changes only where a weight occurs.
    shown = np.intersect1d(shown, weight)
    index = pd.Index(shown, name="edges of at least this weight")
    return pd.Series(same[shown] / edges[shown], index=index, dtype=float)


def compare(graphs: Mapping[str, Data], labels: pd.DataFrame) -> pd.DataFrame:
    """Set the measures of several graphs side by side.

    Parameters
    ----------
    graphs : mapping of str to Data
        Names and graphs, over the same tracks.
    labels : DataFrame, one row a track
        Columns of labels, such as ``main_genre`` and ``artist``.

    Returns
    -------
    DataFrame
        ``measure``, and a column a graph.

    Notes
    -----
    Notebook: 04_music_graph
    """
    columns = {}
    for name, data in graphs.items():
        found = graph_statistics(data)
        rows: dict[str, float] = {
            "tracks": found["nodes"],
            "tracks without a neighbour": found["isolated"],
            "edges": found["edges"],
            "mean degree": found["mean_degree"],
            "largest weight": found["weight_max"],
            "transitivity": found["transitivity"],
        }
        for column in labels:
            rows[f"assortativity by {column}"] = assortativity(mixing_matrix(data, labels[column]))
        columns[name] = rows
    return pd.DataFrame(columns).rename_axis("measure").reset_index()
