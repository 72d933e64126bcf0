"""The edges of a music graph, for people and for other programs.

The graph itself stores an edge in both directions; here each is told once, and a graph is
described in a dozen numbers (as Saravanou et al., ISMIR 2021, describe theirs by nodes and
edges: 15.9K and 5.2M).

Conventions
-----------
In a table, `source` and `target` are track ids and ``source < target`` as strings. Counts of
edges are of undirected ones.

Contents
--------
- :func:`edge_table`: the edges as a data frame.
- :func:`write_edges`: the same as a Parquet file, in pieces.
- :func:`graph_statistics`: sizes, degrees, weights, components, transitivity.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from musig.errors import MusigError
from musig.files import aside

if TYPE_CHECKING:
    import pyarrow
    from scipy.sparse import csr_array
    from torch_geometric.data import Data

ROWS = 1 << 20  # edges handled at a time when writing
WEDGES = 100_000  # paths of length two looked at for the transitivity: ± 0.3 percentage points


def edge_table(data: Data, track_ids: Sequence[str] | None = None) -> pd.DataFrame:
    """List every edge of a graph once.

    Parameters
    ----------
    data : Data
    track_ids : sequence of str, length n, optional
        Names of the nodes; by default ``data.track_id``.

    Returns
    -------
    DataFrame
        `source`, `target` (str, source < target) and `weight` (int64), in the order of the
        graph's rows.

    Raises
    ------
    MusigError
        If the names are missing or not one a node.

    Notes
    -----
    Notebook: 04_music_graph

    Examples
    --------
    >>> from musig.graph import music_graph
    >>> from musig.playlists import Playlists
    >>> data = music_graph(Playlists.from_lists([[0, 1, 2], [1, 0]]), 3, min_weight=1)
    >>> edge_table(data, ["z", "y", "x"]).to_dict("records")
    [{'source': 'y', 'target': 'z', 'weight': 2}]
    """
    import pyarrow as pa

    return pa.Table.from_batches(_batches(data, track_ids), _schema()).to_pandas()


def write_edges(data: Data, path: Path | str, track_ids: Sequence[str] | None = None) -> int:
    """Write every edge of a graph once, as a Parquet file.

    Parameters
    ----------
    data : Data
    path : Path or str
        Written aside, then renamed.
    track_ids : sequence of str, length n, optional
        Names of the nodes; by default ``data.track_id``.

    Returns
    -------
    int
        Number of edges written.

    Raises
    ------
    MusigError
        If the names are missing or not one a node, or the folder cannot be written.

    Notes
    -----
    The columns are those of :func:`edge_table`.
    Notebook: 04_music_graph
    """
    import pyarrow.parquet as pq

    n_edges = 0
    with aside(Path(path)) as passing, pq.ParquetWriter(passing, _schema()) as writer:
        for batch in _batches(data, track_ids):
            writer.write_batch(batch)
            n_edges += batch.num_rows
    return n_edges


def _schema() -> pyarrow.Schema:
    import pyarrow as pa

    return pa.schema([("source", pa.string()), ("target", pa.string()), ("weight", pa.int64())])


def _batches(data: Data, track_ids: Sequence[str] | None) -> Iterator[pyarrow.RecordBatch]:
    """Yield the edges in pieces of at most :data:`ROWS`, with the names filled in."""
    import pyarrow as pa

    names = data.get("track_id") if track_ids is None else track_ids
    n = int(data.num_nodes)
    if names is None or len(names) != n:
        found = "no names" if names is None else f"{len(names)} names"
        raise MusigError(f"{found} for the {n} tracks of the graph; expected one a track.")
    ids = np.asarray(names, dtype=object)
    rank = np.empty(n, np.int64)
    rank[np.argsort(ids)] = np.arange(n)
    ids = pa.array(ids, pa.string())
    for start in range(0, data.edge_index.shape[1], ROWS):
        row, column = data.edge_index[:, start : start + ROWS].cpu().numpy()
        once = row < column
        row, column = row[once], column[once]
        weight = data.edge_weight[start : start + ROWS].cpu().numpy()[once].astype(np.int64)
        first = rank[row] < rank[column]
        ends = (np.where(first, row, column), np.where(first, column, row))
        source, target = (ids.take(pa.array(end)) for end in ends)
        yield pa.record_batch([source, target, pa.array(weight)], schema=_schema())


def graph_statistics(
    data: Data, generator: np.random.Generator | None = None
) -> dict[str, int | float]:
    """Describe a graph.

    Parameters
    ----------
    data : Data
    generator : np.random.Generator, optional
        Draws the paths of length two that the transitivity is estimated from; by default one
        seeded with 0.

    Returns
    -------
    dict
        `nodes`; `isolated` nodes; `edges`; `mean_degree`; `median_degree`; `max_degree`;
        `density` in [0, 1], share of the pairs that are joined; `components`, isolated nodes
        not counted; `largest_component_share` in [0, 1], of all nodes; `weight_min`,
        `weight_q25`, `weight_median`, `weight_q75`, `weight_max` (NaN without edges);
        `transitivity` in [0, 1], the chance that two neighbours of a track are joined, within
        about 0.003 (NaN where no track has two).

    Notes
    -----
    Transitivity by wedge sampling: Schank & Wagner, JGAA 9(2), 2005.
    Notebook: 04_music_graph

    Examples
    --------
    >>> from musig.graph import music_graph
    >>> from musig.playlists import Playlists
    >>> statistics = graph_statistics(music_graph(Playlists.from_lists([[0, 1, 2]]), 4, 0))
    >>> [statistics[name] for name in ("nodes", "isolated", "edges", "components", "transitivity")]
    [4, 1, 3, 1, 1.0]
    """
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import connected_components

    n = int(data.num_nodes)
    row, column = data.edge_index.cpu().numpy()
    weight = data.edge_weight.cpu().numpy()
    degree = np.bincount(row, minlength=n)
    isolated = int((degree == 0).sum())
    adjacency = csr_array((np.ones(len(row), np.int8), (row, column)), shape=(n, n))
    components, label = connected_components(adjacency, directed=False)
    quantiles = np.quantile(weight, [0, 0.25, 0.5, 0.75, 1]) if len(weight) else np.full(5, np.nan)
    names = ("weight_min", "weight_q25", "weight_median", "weight_q75", "weight_max")
    return {
        "nodes": n,
        "isolated": isolated,
        "edges": len(row) // 2,
        "mean_degree": float(degree.mean()) if n else 0.0,
        "median_degree": float(np.median(degree)) if n else 0.0,
        "max_degree": int(degree.max(initial=0)),
        "density": len(row) / (n * (n - 1)) if n > 1 else 0.0,
        "components": int(components) - isolated,
        "largest_component_share": float(np.bincount(label).max(initial=0) / n) if n else 0.0,
        **dict(zip(names, quantiles.tolist(), strict=True)),
        "transitivity": _transitivity(adjacency, generator or np.random.default_rng(0)),
    }


def _transitivity(adjacency: csr_array, generator: np.random.Generator) -> float:
    """Estimate the share of paths of length two whose ends are joined."""
    degree = np.diff(adjacency.indptr).astype(np.int64)
    wedges = degree * (degree - 1) / 2
    if not wedges.any():
        return float("nan")
    centre = generator.choice(len(degree), size=WEDGES, p=wedges / wedges.sum())
    one = generator.integers(degree[centre])
    other = (one + generator.integers(1, degree[centre])) % degree[centre]  # never the same
    start = adjacency.indptr[centre]
    ends = (adjacency.indices[start + one], adjacency.indices[start + other])
    return float(np.asarray(adjacency[ends]).mean())
