"""New tracks are embedded with the weights as they are; what cannot be is refused in a sentence."""

import json
import pickle
import shutil
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_array

from musig import modelfolder
from musig.errors import MusigError
from musig.inductive import (
    attributes_of,
    can_embed,
    content_of,
    embed_tracks,
    nearest_by_content,
    supported,
    with_tracks,
    without_tracks,
)
from musig.sources.single import read_playlists, read_tracks
from musig.splits import split_playlists
from musig.train import TrainConfig, train
from musig.training_data import prepare

QUICK = TrainConfig(
    embedding_size=16, batch_size=64, epochs=4, evaluate_every=2, patience=9, device="cpu"
)


@pytest.fixture(scope="module")
def data(smoke_catalog):
    return prepare(smoke_catalog, split_playlists(smoke_catalog, seed=0))


@pytest.fixture(scope="module")
def model(data, tmp_path_factory):
    return train(data, QUICK, tmp_path_factory.mktemp("model") / "m", progress=False)


@pytest.fixture(scope="module")
def playlists(data):
    """Training playlists as lists of track ids."""
    train_lists = data.catalog.playlists.subset(data.split.train)
    ids = data.catalog.tracks.index.to_numpy()
    return [ids[train_lists[row]] for row in range(len(train_lists))]


@pytest.fixture(scope="module")
def counts(data):
    return data.catalog.playlists.subset(data.split.train).counts(data.n_tracks)


def others(model, data):
    """Tracks of the data set that the model never had, under other ids if there are too few."""
    tracks = data.catalog.tracks.iloc[:6].copy()
    tracks.index = pd.Index([f"new {n}" for n in range(6)], name="track_id")
    return tracks


# The same as in training, where the same is known


@pytest.mark.parametrize("aggregator", ["mean", "max", "attention"])
@pytest.mark.parametrize("rows", [[7], [3, 50, 120], list(range(0, 90, 3))])
def test_with_the_edges_it_had_a_track_is_where_training_put_it(
    data, playlists, counts, tmp_path, aggregator, rows, model
):
    if aggregator != "mean":
        config = replace(QUICK, aggregator=aggregator, steps="sampled", epochs=1, evaluate_every=1)
        model = train(data, config, tmp_path / "m", progress=False)
    less = without_tracks(model, model.tracks.index[rows])
    made = embed_tracks(
        less,
        data.catalog.tracks.iloc[rows],
        playlists,
        min_weight=2,
        neighbours=0,
        train_count=counts[rows],
    )
    np.testing.assert_allclose(made.vectors, model.embeddings[rows].numpy(), atol=1e-5)


def test_edges_that_are_given_do_the_same(model, data, playlists, counts):
    rows = [3, 50, 120]
    ids = model.tracks.index
    of_new = np.isin(np.arange(len(ids)).repeat(model.csr.degree.numpy()), rows)
    source = np.arange(len(ids)).repeat(model.csr.degree.numpy())[of_new]
    target = model.csr.indices.numpy()[of_new]
    once = ~np.isin(target, rows) | (source < target)
    edges = pd.DataFrame(
        {
            "source": ids[source[once]],
            "target": ids[target[once]],
            "weight": model.csr.weight.numpy()[of_new][once],
        }
    )
    made = embed_tracks(
        without_tracks(model, ids[rows]),
        data.catalog.tracks.iloc[rows],
        edges=edges,
        min_weight=0,
        neighbours=0,
        train_count=counts[rows],
    )
    np.testing.assert_allclose(made.vectors, model.embeddings[rows].numpy(), atol=1e-5)


def test_the_model_with_a_track_is_the_model_it_was(model, data, playlists, counts):
    rows = [10, 20]
    less = without_tracks(model, model.tracks.index[rows])
    made = embed_tracks(
        less, data.catalog.tracks.iloc[rows], playlists,
        min_weight=2, neighbours=0, train_count=counts[rows],
    )  # fmt: skip
    again = with_tracks(less, made)
    order = again.tracks.index.get_indexer(model.tracks.index)
    np.testing.assert_allclose(again.embeddings[order], model.embeddings, atol=1e-5)
    np.testing.assert_allclose(again.x[order], model.x, atol=1e-6)
    found = again.csr.degree[torch.from_numpy(order)]
    assert torch.equal(found, model.csr.degree)
    seed = model.tracks.index[5]
    there = again.complete([seed], k=20)
    expected = model.complete([seed], k=20)
    assert there["track_id"].tolist() == expected["track_id"].tolist()


# Tracks that are really new


def test_a_track_without_any_edge_is_told_by_content_or_by_nothing(model, data):
    new = others(model, data)
    by_content = embed_tracks(model, new)
    assert set(by_content.tracks["by"]) == {"content"}
    assert (by_content.tracks["neighbours"] == 10).all()
    assert (by_content.tracks["co_occurrences"] == 0).all()
    alone = embed_tracks(model, new, neighbours=0)
    assert set(alone.tracks["by"]) == {"nothing"}
    assert np.abs(alone.vectors - by_content.vectors).max() > 1e-3
    for made in (by_content, alone):
        np.testing.assert_allclose(np.linalg.norm(made.vectors, axis=1), 1, atol=1e-5)


def test_who_is_near_by_content_is_the_track_of_the_same_content(model, data):
    new = others(model, data)
    groups = {name: tuple(span) for name, span in model.info["attributes"]["groups"].items()}
    x = attributes_of(model, new).numpy()
    found = nearest_by_content(content_of(model.x.numpy(), groups), content_of(x, groups), 1)
    same = content_of(model.x.numpy(), groups)[found.indices]
    np.testing.assert_allclose(same, content_of(x, groups), atol=1e-6)


def test_neighbours_by_content_hear_nothing_of_the_new_track(model, data):
    big = with_tracks(model, embed_tracks(model, others(model, data)))
    n = len(model.tracks)
    assert torch.equal(big.csr.degree[:n], model.csr.degree)
    assert (big.csr.degree[n:] == 10).all()


def test_a_few_co_occurrences_count_and_many_weak_ones_do_not(model, data):
    new = others(model, data).iloc[:1]
    known = model.tracks.index.to_numpy()
    few = embed_tracks(model, new, [[new.index[0], known[0], known[1]]])
    assert few.tracks.iloc[0].tolist()[2:] == [2.0, 2, "playlists"]
    strong = [[new.index[0], *known[:12]]] * 3
    weak = [[new.index[0], *known[20:60]]]
    made = embed_tracks(model, new, strong + weak)
    assert made.tracks.iloc[0]["neighbours"] == 12  # the weak are dropped, as in training
    everything = embed_tracks(model, new, strong + weak, min_weight=0)
    assert everything.tracks.iloc[0]["neighbours"] == 52


@given(st.integers(1, 8), st.integers(1, 20), st.integers(0, 4), st.integers(1, 6), st.data())
def test_strong_edges_stay_and_symmetry_too(n_new, n_known, weak, enough, given_data):
    rng = np.random.default_rng(given_data.draw(st.integers(0, 999)))
    among = np.triu(rng.integers(0, 6, (n_new, n_new)), 1)
    whole = np.hstack([rng.integers(0, 6, (n_new, n_known)), among + among.T]).astype(np.float32)
    kept = supported(csr_array(whole), n_known, weak, enough).toarray()
    assert np.array_equal(kept[whole > weak], whole[whole > weak])
    assert np.array_equal(kept[kept > 0], whole[kept > 0])
    assert np.array_equal(kept[:, n_known:], kept[:, n_known:].T)
    settled = (whole > weak).sum(1) >= enough
    assert np.array_equal(kept[~settled], whole[~settled])
    assert not (kept[settled, :n_known][(whole <= weak)[settled, :n_known]]).any()


def test_playlists_of_others_and_unknown_ids_are_passed_over(model, data):
    new = others(model, data)
    known = model.tracks.index
    lists = [[known[0], known[1]], ["nobody", new.index[0]], [new.index[1], "nobody", known[4]]]
    made = embed_tracks(model, new, lists)
    assert made.tracks["by"].tolist() == ["content", "playlists", *["content"] * 4]


def test_nothing_is_fitted_again(model, data):
    """Columns are scaled as in training, whatever the new tracks hold."""
    new = others(model, data)
    one = attributes_of(model, new.iloc[:1])
    assert torch.equal(one[0], attributes_of(model, new)[0])


def test_what_training_never_saw_unknown_is_not_said_to_be_unknown(model, data):
    groups = model.info["attributes"]["groups"]
    x = attributes_of(model, others(model, data))
    start, stop = groups["POPULARITY"]
    assert (model.x[:, stop - 1] == 0).all() and (x[:, start:stop] == 0).all()
    silent = others(model, data).assign(main_genre=None)
    start, stop = groups["GENRE"]
    assert (attributes_of(model, silent)[:, stop - 1] == 1).all()  # the genre task hid it


def test_the_vectors_leave_as_a_table(model, data, tmp_path):
    made = embed_tracks(model, others(model, data))
    path = tmp_path / "vectors.parquet"
    made.table().to_parquet(path, index=False)
    again = pd.read_parquet(path)
    assert list(again) == [
        "track_id", "name", "artist", "co_occurrences", "neighbours", "by", "vector",
    ]  # fmt: skip
    np.testing.assert_array_equal(np.stack(again["vector"]), made.vectors)


# What is refused


def test_tracks_of_the_training_are_refused(model, data):
    both = pd.concat([others(model, data), data.catalog.tracks.iloc[:2]])
    with pytest.raises(MusigError, match=r"Of the 8 new tracks, 2 were trained with, the first is"):
        embed_tracks(model, both)
    with pytest.raises(MusigError, match="is there twice"):
        embed_tracks(model, pd.concat([others(model, data)] * 2))
    with pytest.raises(MusigError, match="There is no new track"):
        embed_tracks(model, others(model, data).iloc[:0])


def test_a_group_of_the_model_that_the_table_lacks_is_refused(model, data):
    silent = others(model, data).drop(columns=[*data.catalog.tracks.filter(regex="ness$|tempo")])
    silent = silent.drop(columns=["energy", "danceability", "loudness", "valence"], errors="ignore")
    silent = silent.drop(columns=["instrumentalness"], errors="ignore")
    with pytest.raises(MusigError, match=r"trained with GENRE, POPULARITY, AUDIO.* no column of"):
        embed_tracks(model, silent)
    with pytest.raises(MusigError, match="no column of GENRE: add main_genre or genres"):
        embed_tracks(model, others(model, data).drop(columns=["main_genre", "genres"]))
    empty = others(model, data).assign(main_genre=None, genres=None)
    assert np.isfinite(embed_tracks(model, empty).vectors).all()  # there, and unknown


@pytest.mark.parametrize(
    ("edges", "told"),
    [
        ({"source": ["new 0"], "to": ["t"]}, "no column target, only source, to"),
        ({"source": ["new 0"], "target": ["t"], "weight": [0]}, "has the weight '0'; expected"),
        ({"source": ["new 0"], "target": ["t"], "weight": [np.nan]}, "has the weight 'nan'"),
        ({"source": ["new 0"], "target": ["t"], "weight": [np.inf]}, "Edge 1 has the weight 'inf'"),
        ({"source": ["new 0"], "target": ["t"], "weight": ["much"]}, "has the weight 'much'"),
        ({"source": ["nobody"], "target": ["t"], "weight": [1]}, "1 edge none ends at a new track"),
        (
            {"source": ["new 0", "new 1"], "target": ["new 1", "new 0"], "weight": [1, 1]},
            "between 'new 0' and 'new 1' is there twice",
        ),
    ],
)
def test_edges_that_cannot_be_are_refused(model, data, edges, told):
    with pytest.raises(MusigError, match=told):
        embed_tracks(model, others(model, data), edges=pd.DataFrame(edges))


def test_playlists_and_edges_together_are_refused(model, data):
    edges = pd.DataFrame({"source": ["new 0"], "target": [model.tracks.index[0]], "weight": [1]})
    with pytest.raises(MusigError, match="Both playlists and edges were given"):
        embed_tracks(model, others(model, data), [["new 0"]], edges=edges)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"playlists": ["new 0"]}, "Playlist 1 is the text 'new 0'; expected a list of ids"),
        ({"playlists": [["a", "b"], ["c"]]}, "Of the 2 playlists none holds a new track, such as"),
        ({"neighbours": -1}, "neighbours is -1; expected 0 or more"),
        ({"train_count": np.ones(99)}, "train_count has 99 numbers for .* expected one each"),
    ],
)
def test_what_cannot_be_told_of_new_tracks_is_refused(model, data, given, told):
    with pytest.raises(MusigError, match=told):
        embed_tracks(model, others(model, data), **given)


def test_a_model_without_knowledge_of_tracks_is_refused(smoke_catalog, data, tmp_path):
    for kind in ("random", "none"):
        control = prepare(smoke_catalog, split_playlists(smoke_catalog, seed=0), attributes=kind)
        config = replace(QUICK, epochs=1, evaluate_every=1)
        model = train(control, config, tmp_path / kind, progress=False)
        assert not can_embed(model)
        with pytest.raises(MusigError, match=f"attributes '{kind}', which say nothing of a new"):
            embed_tracks(model, others(model, data))


def test_popularity_alone_tells_no_neighbours(smoke_catalog, data, tmp_path):
    split = split_playlists(smoke_catalog, seed=0)
    popular = prepare(smoke_catalog, split, groups=["POPULARITY"])
    config = replace(QUICK, epochs=1, evaluate_every=1)
    model = train(popular, config, tmp_path / "m", progress=False)
    with pytest.raises(MusigError, match="need one of GENRE, AUDIO, ACOUSTIC"):
        embed_tracks(model, others(model, data))
    assert len(embed_tracks(model, others(model, data), neighbours=0).vectors) == 6


def test_what_is_left_out_has_to_be_there(model):
    with pytest.raises(MusigError, match="'nobody' is not among"):
        without_tracks(model, ["nobody"])
    with pytest.raises(MusigError, match="All tracks of the model would be left out"):
        without_tracks(model, model.tracks.index)


@pytest.fixture
def copied(model, tmp_path):
    folder = tmp_path / "copy"
    shutil.copytree(model.folder, folder)
    return folder


def test_a_model_that_was_cut_short_or_changed_is_refused(copied):
    path = copied / "weights.safetensors"
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(MusigError, match="is not the file that was written"):
        modelfolder.load(copied)
    path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    with pytest.raises(MusigError, match="is not the file that was written"):
        modelfolder.load(copied)


def test_a_pickle_in_the_place_of_weights_is_not_opened(copied, tmp_path, write_sealed):
    """Even where every checksum fits it."""
    import hashlib

    class Harm:
        def __reduce__(self):
            return (open, (str(tmp_path / "harm"), "w"))

    path = copied / "weights.safetensors"
    path.write_bytes(pickle.dumps(Harm()))
    info = json.loads((copied / "model.json").read_text())
    info["files"]["weights.safetensors"] = hashlib.sha256(path.read_bytes()).hexdigest()
    write_sealed(copied, info)
    with pytest.raises(MusigError, match="cannot be read"):
        modelfolder.load(copied)
    assert not (tmp_path / "harm").exists()


# Tables as people have them


def test_tables_are_read_in_both_forms(data, tmp_path):
    tracks = data.catalog.tracks.iloc[:3]
    tracks.reset_index().to_parquet(tmp_path / "new.parquet")
    tracks.drop(columns="genres").to_csv(tmp_path / "new.csv")
    one, two = read_tracks(tmp_path / "new.parquet"), read_tracks(tmp_path / "new.csv")
    assert one.index.tolist() == two.index.tolist() == tracks.index.tolist()
    np.testing.assert_allclose(one["energy"], two["energy"], rtol=1e-5)
    entries = pd.DataFrame({"pid": [5, 5, 2, 5], "track_id": ["a", "b", "a", "c"]})
    entries.to_csv(tmp_path / "lists.csv", index=False)
    assert [each.tolist() for each in read_playlists(tmp_path / "lists.csv")] == [
        ["a", "b", "c"],
        ["a"],
    ]


@pytest.mark.parametrize(
    ("name", "content", "reader", "told"),
    [
        ("none.csv", None, read_tracks, "There is no file"),
        ("new.txt", "track_id\na\n", read_tracks, "of an unknown kind; expected a table"),
        ("new.pkl", pickle.dumps({"a": 1}), read_tracks, "of an unknown kind"),
        ("new.parquet", pickle.dumps({"a": 1}), read_tracks, "a Parquet file, as its name says"),
        ("new.csv", "name\na\n", read_tracks, "expected a column track_id"),
        ("new.csv", "track_id,energy\na,loud\n", read_tracks, "found 'loud'; expected a number"),
        ("new.csv", "track_id\na\na\n", read_tracks, "which is also in row 1"),
        ("lists.csv", "pid\n1\n", read_playlists, "expected a column track_id"),
        ("lists.csv", "pid,track_id\n1,\n", read_playlists, "column track_id: found nothing"),
    ],
)
def test_tables_that_cannot_be_read_are_refused(tmp_path, name, content, reader, told):
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(MusigError, match=told):
        reader(path)
