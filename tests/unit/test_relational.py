"""MUSIG over relations as a method and as cells of a table."""

from dataclasses import replace

import pytest

from musig import experiments
from musig.errors import MusigError
from musig.experiments import plans, tables
from musig.experiments.cells import Cell, modules_of_cell, run_cell, settings_of_cell
from musig.experiments.claims import CLAIMS
from musig.relational import MusigRelations
from musig.relations import RELATIONS
from musig.splits import split_playlists

QUICK = {"epochs": 2, "evaluate_every": 1, "embedding_size": 8, "batch_size": 64}
RULES = experiments.Evaluation(2, 3)


@pytest.fixture(scope="module")
def known(smoke_catalog):
    return smoke_catalog, split_playlists(smoke_catalog, seed=0)


@pytest.fixture(scope="module")
def without_albums(smoke_catalog):
    return replace(smoke_catalog, tracks=smoke_catalog.tracks.drop(columns="album"))


def test_relations_are_a_setting(known):
    method = MusigRelations(device="cpu", relations=["playlist", "artist_nodes"], **QUICK)
    method.fit(*known)
    assert {edge[1] for edge in method.model.encoder.graph} == {"by_playlist", "by_artist_nodes"}
    assert method.notes == [] and method.size == known[0].n_tracks * 8
    assert method.model.info["prepared"]["relations"] == ["playlist", "artist_nodes"]
    assert MusigRelations().settings["relations"] == ()


def test_what_the_data_lack_is_left_out_and_said(known, without_albums):
    method = MusigRelations(device="cpu", **QUICK).fit(without_albums, known[1])
    said = "the relation album is not there, since no track has an album"
    assert method.notes == [f"{without_albums.name}: {said}: left out."]
    assert method.absent(without_albums, known[1]) == ""  # nobody asked for it by name
    asked = MusigRelations(relations=["playlist", "album"])
    assert asked.absent(without_albums, known[1]) == said
    assert asked.absent(*known) == ""


def test_wrong_settings_are_refused(known):
    with pytest.raises(MusigError, match=r"has no setting 'neighbors': did you mean 'neighbours'"):
        MusigRelations(neighbors=3)
    with pytest.raises(MusigError, match=r"Unknown relation 'albums': did you mean 'album'"):
        MusigRelations(relations=["albums"], **QUICK).fit(*known)
    with pytest.raises(MusigError, match="neighbours is 0; expected a number above 0"):
        MusigRelations(neighbours=0, **QUICK).fit(*known)


def test_the_ablation_has_at_most_six_rows_of_three_trainings():
    cells = experiments.relations()
    assert {cell.row for cell in cells} == set(plans.RELATIONS) and len(plans.RELATIONS) <= 6
    assert {cell.seed for cell in cells} == {0, 1, 2} and all(cell.probes for cell in cells)
    everything = set().union(*map(set, plans.RELATIONS.values()))
    assert set(plans.RELATIONS["all"]) == everything <= set(RELATIONS)
    assert cells[0].settings == {"relations": ["playlist"]}
    with pytest.raises(MusigError, match=r"Unknown row '\+albums': did you mean '\+album'"):
        experiments.relations(["+albums"])
    (further,) = experiments.relations(["+artist_nodes"], seeds=[0], adjust={"musig": QUICK})
    assert further.settings == {**QUICK, "relations": ["playlist", "artist_nodes"]}


def test_a_cell_begins_at_the_committed_settings_of_musig():
    cell = experiments.relations(["+audio"], seeds=[1])[0]
    assert settings_of_cell(cell)["weight_genre"] == pytest.approx(0.5)
    assert "musig.relational" in modules_of_cell(cell)
    other = Cell("13_relations", "content", "content", {"groups": ["GENRE"]})
    assert settings_of_cell(other) == {"groups": ["GENRE"]}


def test_cells_are_trained_with_their_seed_and_probed(smoke_catalog):
    cells = experiments.relations(
        ["playlist", "+artist"], RULES, seeds=[0, 1], adjust={"musig": QUICK}
    )
    results = [run_cell(cell, smoke_catalog) for cell in cells]
    means = {
        (result.cell.row, result.cell.seed): result.per_playlist["recall@100"].mean()
        for result in results
    }
    assert len(set(means.values())) == 4
    assert all("genre_probe_f1_macro" in result.measures["held_out"] for result in results)
    tested = tables.tests(results, ["recall@10"], reference="playlist")
    assert tested["method"].tolist() == ["+artist"]


def test_a_cell_of_a_relation_that_the_data_lack_says_so(without_albums):
    (cell,) = experiments.relations(["+album"], RULES, seeds=[0], adjust={"musig": QUICK})
    result = run_cell(cell, without_albums)
    assert result.absent == "the relation album is not there, since no track has an album"
    assert not result.has_scores


def test_the_claim_is_tested_on_the_rows_that_are_planned():
    (claim,) = [claim for claim in CLAIMS if claim.name == "Types of relations"]
    assert claim.needs == tuple(f"13_relations/{row}" for row in plans.RELATIONS)
    assert claim.test is not None and claim.how() == "make results ROW=13_relations"
