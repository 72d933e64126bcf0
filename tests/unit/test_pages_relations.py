"""Tables and figures of graphs with several relations."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import torch
from torch_geometric.data import HeteroData

from musig import experiments
from musig.pages import relations as pages
from musig.relations import TRACK, RelationGraph


@pytest.fixture
def graph():
    """Four tracks: 0-1 and 1-2 share playlists; 0 and 2 are of one artist, who is also a node."""
    hetero = HeteroData()
    hetero[TRACK].x, hetero["artist"].x = torch.ones(4, 2), torch.ones(1, 1)
    for edge, ends, weight in (
        ((TRACK, "by_playlist", TRACK), [[1, 0, 2, 1], [0, 1, 1, 2]], [3, 3, 5, 5]),
        ((TRACK, "by_artist", TRACK), [[2, 0], [0, 2]], [1, 1]),
        (("artist", "by_artist_nodes", TRACK), [[0, 0], [0, 2]], [1, 1]),
        ((TRACK, "by_artist_nodes", "artist"), [[0, 2], [0, 0]], [1, 1]),
    ):
        hetero[edge].edge_index = torch.tensor(ends)
        hetero[edge].edge_weight = torch.tensor(weight, dtype=torch.float32)
    return RelationGraph(hetero, {"album": "no track has an album"})


def test_relations_are_listed_with_what_is_missing(graph):
    table = pages.listed(graph, pd.Series(["rock", "rock", "pop", None])).set_index("relation")
    assert list(table.index) == ["playlist", "artist", "artist_nodes", "album"]
    assert table["edges"].tolist() == [2, 1, 2, None]
    assert table["tracks"].tolist() == [3, 2, 2, None]
    assert table["median"].tolist() == [1, 1, 1, None]
    assert table["same genre"].tolist() == [0.5, 0.0, 0.0, None]
    assert table["nodes"]["artist_nodes"] == "track - artist - track"
    assert table["nodes"]["album"] == "no track has an album"
    assert "same genre" not in pages.listed(graph)
    nobody = pages.listed(graph, pd.Series([None] * 4))
    assert nobody["same genre"].isna().all()


def test_overlap_is_the_share_of_the_rows_pairs(graph):
    table = pages.overlap(graph)
    assert table.loc["artist", "artist_nodes"] == table.loc["artist_nodes", "artist"] == 1
    assert table.loc["playlist", "artist"] == 0
    assert (np.diag(table) == 1).all()


def test_nearest_lists_the_heaviest_first(graph):
    tracks = pd.DataFrame({"name": ["a", "b", "c", None], "artist": list("ABCD")})
    table = pages.nearest(graph, tracks, 1, rows=2)
    assert table["playlist"].tolist() == ["c (C)", "a (A)"]
    assert table["artist"].tolist() == [None, None]
    assert pages.nearest(graph, tracks, 0, rows=1)["artist_nodes"].tolist() == ["c (C)"]


def test_the_schema_names_types_and_relations(graph):
    _, ax = pages.schema(graph)
    texts = {text.get_text() for text in ax.texts}
    assert {"playlist, artist", "artist_nodes", "track\n4", "artist\n1"} <= texts
    hetero = HeteroData()
    hetero[TRACK].x = torch.ones(2, 1)
    _, ax = pages.schema(RelationGraph(hetero, {}))
    assert "no relation" in " ".join(text.get_text() for text in ax.texts)
    plt.close("all")


def test_what_is_missing_is_said(graph):
    assert pages.told(graph) == "album is missing, since no track has an album"
    whole = RelationGraph(graph.hetero, {})
    assert pages.told(whole) == "every relation that was asked for is there"


def test_without_recorded_cells_the_page_says_so(tmp_path):
    results = experiments.read(experiments.relations(), tmp_path)
    assert pages.compared(results, ["recall@10"]).empty
    table = experiments.tables.table(results, ["recall@10"])
    assert pages.counted(table, "Completion") == "Completion: not run yet"
    held = experiments.tables.held_out(results)
    assert pages.counted_probes(held, "Probes") == "Probes: not run yet"
    assert "row" in pages.probes(held)
