"""Tables and figures of graphs with several relations.

Conventions
-----------
Relations are named as in :data:`musig.relations.RELATIONS`; what is told of one with nodes of
another type is told of the tracks that such a node joins.

Contents
--------
- :func:`schema`: types of nodes and relations, drawn; :func:`listed`: how many of each, and how
  often two joined tracks are of one genre.
- :func:`overlap`: how much of one relation is in another.
- :func:`nearest`: the neighbours of one track by each relation; :func:`told`: what is missing.
- :func:`compared`: rows of the ablation tested against one; :func:`probes`: what else was measured
  of them; :func:`counted`, :func:`counted_probes`: what is behind the numbers.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy.sparse import csr_array

from musig.experiments import tables
from musig.experiments.cells import CellResult
from musig.pages.simplex import measured
from musig.pages.style import GREY, PALETTE, new_axes, nothing, plain
from musig.relations import TRACK, RelationGraph, rows_of


def _between_tracks(graph: RelationGraph) -> dict[str, csr_array]:
    """Who is joined with whom, by name of the relation, perhaps by way of another node."""
    made: dict[str, csr_array] = {}
    for edge, csr in rows_of(graph.hetero).items():
        sender, label, receiver = edge
        if receiver == TRACK:
            parts = (part.numpy() for part in (csr.weight, csr.indices, csr.indptr))
            joined = csr_array(tuple(parts), shape=(csr.n_rows, csr.n_cols))
            if sender != TRACK:
                joined = joined @ joined.T
                joined.setdiag(0)
                joined.eliminate_zeros()
            made[label.removeprefix("by_")] = joined
    return made


def listed(graph: RelationGraph, genres: pd.Series | None = None) -> pd.DataFrame:
    """List the relations that there are, and why others are not.

    Parameters
    ----------
    graph : RelationGraph
    genres : Series, length n_tracks, optional
        Main genre of each track, None where unknown.

    Returns
    -------
    DataFrame
        ``relation``, ``nodes`` (their types), ``edges`` (each once), ``tracks`` (joined by any),
        ``median`` (neighbours of such a track) and, with `genres`, ``same genre``: the share of
        joined pairs that are of one. A relation with nodes of another type has its edges to those,
        and the tracks they join as neighbours. An absent relation has its reason in ``nodes``.

    Notes
    -----
    Notebook: 13_relations
    """
    lines: list[dict[str, object]] = []
    codes = None if genres is None else pd.factorize(genres)[0]
    pairs = _between_tracks(graph)
    for edge in graph.hetero.edge_types:
        sender, label, receiver = edge
        if receiver != TRACK:
            continue
        name, n_edges = label.removeprefix("by_"), graph.hetero[edge].edge_index.shape[1]
        joined = pairs[name]
        degree = np.diff(joined.indptr)
        line: dict[str, object] = {
            "relation": name,
            "nodes": "track - track" if sender == TRACK else f"track - {sender} - track",
            "edges": n_edges // 2 if sender == TRACK else n_edges,
            "tracks": int((degree > 0).sum()),
            "median": float(np.median(degree[degree > 0])),
        }
        if codes is not None:
            row, column = codes[np.stack(joined.tocoo().coords)]
            known = (row >= 0) & (column >= 0)
            line["same genre"] = float((row == column)[known].mean()) if known.any() else None
        lines.append(line)
    lines += [{"relation": name, "nodes": why} for name, why in graph.absent.items()]
    columns = ["relation", "nodes", "edges", "tracks", "median"]
    frame = pd.DataFrame(lines, columns=[*columns, *(["same genre"] if codes is not None else [])])
    return frame.astype(object).where(frame.notna(), None)


def overlap(graph: RelationGraph) -> pd.DataFrame:
    """Say how much of one relation is in another.

    Parameters
    ----------
    graph : RelationGraph

    Returns
    -------
    DataFrame of float
        Of the pairs of tracks that the relation of a row joins, the share that the relation of a
        column joins as well.

    Notes
    -----
    Notebook: 13_relations
    """
    pairs = {name: (joined > 0).astype(np.int64) for name, joined in _between_tracks(graph).items()}
    shares = {
        other: [float(one.multiply(two).sum() / one.sum()) for one in pairs.values()]
        for other, two in pairs.items()
    }
    return pd.DataFrame(shares, index=list(pairs), dtype=float)


def nearest(
    graph: RelationGraph, tracks: pd.DataFrame, position: int, rows: int = 5
) -> pd.DataFrame:
    """List whom one track is joined with, by each relation.

    Parameters
    ----------
    graph : RelationGraph
    tracks : DataFrame
        One row a track, as ``Catalog.tracks``.
    position : int
        The track.
    rows : int
        At most so many, heaviest first, ties by position.

    Returns
    -------
    DataFrame
        One column a relation, with titles and artists; None where there are no more.

    Notes
    -----
    Notebook: 13_relations
    """
    shown: dict[str, list[str | None]] = {}
    named = tracks.reindex(columns=["name", "artist"]).fillna("?")
    for name, joined in _between_tracks(graph).items():
        of = slice(joined.indptr[position], joined.indptr[position + 1])
        other, weight = joined.indices[of], joined.data[of]
        first = other[np.lexsort((other, -weight))[:rows]]
        texts = [f"{title} ({artist})" for title, artist in named.iloc[first].to_numpy()]
        shown[name] = [*texts, *[None] * (rows - len(texts))]
    return pd.DataFrame(shown, dtype=object)


PLACES = {TRACK: (0.0, 0.0), "artist": (-2.2, 0.0), "playlist": (2.2, 0.0)}
"""Where types of nodes are drawn; others are below."""


def schema(graph: RelationGraph, ax: Axes | None = None) -> tuple[Figure, Axes]:
    """Draw the types of nodes as circles, and the relations between them.

    Parameters
    ----------
    graph : RelationGraph
    ax : Axes, optional
        Where to draw.

    Returns
    -------
    Figure, Axes

    Notes
    -----
    Notebook: 13_relations
    """
    fig, ax = new_axes(ax, height=2.2)
    if not graph.hetero.edge_types:
        return nothing(fig, ax, "no relation")
    places = {kind: PLACES.get(kind, (0.0, -1.4)) for kind in graph.hetero.node_types}
    loops = []
    for sender, label, receiver in graph.hetero.edge_types:
        (x, y), name = places[receiver], label.removeprefix("by_")
        if sender == receiver:
            loops.append(name)
        elif sender == TRACK:
            ax.plot([0, x], [0, y], color=PALETTE[1], linestyle="-", linewidth=1.5, zorder=1)
            ax.text(x / 2, y / 2 + 0.1, name, ha="center", color=PALETTE[1], size=9, zorder=3)
    if loops:
        arrow = {"arrowstyle": "<->", "connectionstyle": "arc3,rad=-1.3", "color": PALETTE[0]}
        ax.annotate("", (0.3, 0.36), (-0.3, 0.36), arrowprops=arrow, zorder=1)
        ax.text(0, 0.85, ", ".join(loops), ha="center", color=PALETTE[0], size=9)
    for kind, (x, y) in places.items():
        ax.scatter(x, y, s=2300, color="white", edgecolors=GREY, linewidths=1.5, zorder=2)
        count = f"{kind}\n{graph.hetero[kind].x.shape[0]:,}"
        ax.text(x, y, plain(count), ha="center", va="center", size=9, zorder=3)
    below = min(y for _, y in places.values()) - 0.6
    ax.set(xlim=(-3, 3), ylim=(below, 1.1))
    ax.axis("off")
    return fig, ax


def told(graph: RelationGraph) -> str:
    """Say in words what the data do not have.

    Parameters
    ----------
    graph : RelationGraph

    Returns
    -------
    str
        Without a full stop.

    Notes
    -----
    Notebook: 13_relations

    Examples
    --------
    >>> from torch_geometric.data import HeteroData
    >>> told(RelationGraph(HeteroData(), {"album": "no track has an album"}))
    'album is missing, since no track has an album'
    """
    reasons = [f"{name} is missing, since {why}" for name, why in graph.absent.items()]
    return "; ".join(reasons) or "every relation that was asked for is there"


def compared(
    results: Sequence[CellResult], metrics: Sequence[str], reference: str = "playlist"
) -> pd.DataFrame:
    """Test every row of the ablation against one, in completion and in what probes find.

    Parameters
    ----------
    results : sequence of CellResult
        Of :func:`musig.experiments.relations`.
    metrics : sequence of str
        Of completion.
    reference : str
        The row that others are held against.

    Returns
    -------
    DataFrame
        As :func:`musig.experiments.tables.tests`; of probes links, the distance of sounds and
        genre, where they were measured. Empty where no two rows can be compared.

    Notes
    -----
    Corrected by Holm's method over the rows, for each measure apart.

    Notebook: 13_relations
    """
    completed = tables.tests(results, metrics, reference)
    held = tables.held_out(results)
    probed = [name for name in PROBED if name in set(held["measure"])]
    asked = tables.held_out_tests(results, probed, reference) if probed else completed[:0]
    parts = [part for part in (completed, asked) if len(part)]
    return pd.concat(parts, ignore_index=True) if parts else completed


PROBED = {
    "link_auc_matched": "",
    "similarity_probe_error": "similarity_probe_error_constant",
    "acoustic_similarity_probe_error": "acoustic_similarity_probe_error_constant",
    "genre_probe_f1_macro": "genre_probe_f1_macro_frequent",
}
"""Measures of the probes that are shown, each with its trivial answer."""


def probes(held: pd.DataFrame) -> pd.DataFrame:
    """Put rows one under the other, with what probes found and the trivial answer.

    Parameters
    ----------
    held : DataFrame
        From :func:`musig.experiments.tables.held_out`.

    Returns
    -------
    DataFrame
        As :func:`musig.pages.simplex.measured`, of :data:`PROBED`; of sound, the measures there
        are.

    Notes
    -----
    Notebook: 13_relations

    Examples
    --------
    >>> probes(pd.DataFrame(columns=["method", "measure", "mean", "low", "high"])).columns.tolist()
    ['row', 'link_auc_matched', 'similarity_probe_error', 'genre_probe_f1_macro']
    """
    there = set(held["measure"]) or set(PROBED) - {"acoustic_similarity_probe_error"}
    return measured(held, {name: answer for name, answer in PROBED.items() if name in there})


def counted_probes(held: pd.DataFrame, of: str) -> str:
    """Say on how many tracks and artists probes were measured.

    Parameters
    ----------
    held : DataFrame
        From :func:`musig.experiments.tables.held_out`.
    of : str
        What the table is about.

    Returns
    -------
    str

    Notes
    -----
    Notebook: 13_relations

    Examples
    --------
    >>> given = [("genre_probe_f1_macro", 900, 80)]
    >>> counted_probes(pd.DataFrame(given, columns=["measure", "tracks", "artists"]), "Probes")
    'Probes: up to 900 tracks of 80 held-out artists'
    """
    asked = held[held["measure"].astype(str).str.contains("_probe_")].dropna(subset="tracks")
    if asked.empty:
        return f"{of}: not run yet"
    n_tracks, artists = (int(asked[column].max()) for column in ("tracks", "artists"))
    return f"{of}: up to {n_tracks:,} tracks of {artists:,} held-out artists"


def counted(table: pd.DataFrame, of: str) -> str:
    """Say what is behind the numbers of a table.

    Parameters
    ----------
    table : DataFrame
        From :func:`musig.experiments.tables.table`.
    of : str
        What the table is about.

    Returns
    -------
    str

    Notes
    -----
    Notebook: 13_relations

    Examples
    --------
    >>> columns = ["mean", "n", "folds", "seeds"]
    >>> counted(pd.DataFrame([[0.1, 900, 1, 3]], columns=columns), "Completion")
    'Completion: 900 test playlists, folds: 1, trainings of a row: up to 3'
    """
    known = table[table["mean"].notna()]
    if known.empty:
        return f"{of}: not run yet"
    n, folds, seeds = (known[column].max() for column in ("n", "folds", "seeds"))
    return f"{of}: {n:,} test playlists, folds: {folds}, trainings of a row: up to {seeds}"
