"""Exported embeddings: whole, in order, readable elsewhere, and never a pickle."""

import pickle

import numpy as np
import pandas as pd
import pytest
from gensim.models import KeyedVectors
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from musig import cli
from musig.errors import MusigError
from musig.export import ENDINGS, export, vectors_of
from musig.splits import split_playlists
from musig.train import TrainConfig, train
from musig.training_data import prepare

TRACKS = pd.DataFrame(
    {"name": ["Träume", None, "'$x$', \"<b>\""], "artist": ["Can", "夢", None]},
    index=pd.Index(["a", "夢:1", "-3.5"], name="track_id"),
)
VECTORS = np.array([[1, 0, -0.1], [1 / 3, 1e-30, 2], [0, 0, 0]], dtype=np.float32)


@pytest.fixture(scope="module")
def model(smoke_catalog, tmp_path_factory):
    data = prepare(smoke_catalog, split_playlists(smoke_catalog, seed=0))
    config = TrainConfig(epochs=1, evaluate_every=1, embedding_size=8, device="cpu")
    return train(data, config, tmp_path_factory.mktemp("export") / "MODEL", progress=False)


@pytest.mark.parametrize("ending", ENDINGS)
def test_what_is_written_is_read_back_to_the_bit(tmp_path, ending):
    place = tmp_path / f"vectors{ending}"
    files = export(TRACKS, VECTORS, place)
    assert place in files and all(file.is_file() for file in files)
    back = vectors_of(place)
    assert back.index.tolist() == TRACKS.index.tolist()
    assert back.to_numpy().dtype == np.float32
    np.testing.assert_array_equal(back.to_numpy(), VECTORS)
    assert sorted(file.name for file in tmp_path.iterdir()) == sorted(f.name for f in files)


def test_gensim_loads_the_text(tmp_path):
    export(TRACKS, VECTORS, tmp_path / "vectors.txt")
    loaded = KeyedVectors.load_word2vec_format(str(tmp_path / "vectors.txt"), binary=False)
    assert loaded.index_to_key == TRACKS.index.tolist()
    np.testing.assert_array_equal(loaded.vectors, VECTORS)


@given(
    arrays.arrays(np.float32, (2, 3), elements=st.floats(-1, 1, width=32)),
)
def test_every_number_survives_as_text(tmp_path_factory, vectors):
    place = tmp_path_factory.mktemp("text") / "v.txt"
    export(TRACKS.iloc[:2], vectors, place)
    np.testing.assert_array_equal(vectors_of(place).to_numpy(), vectors)


def test_the_table_has_the_names_and_none_where_unknown(tmp_path):
    export(TRACKS, VECTORS, tmp_path / "v.parquet")
    table = pd.read_parquet(tmp_path / "v.parquet")
    assert list(table) == ["track_id", "name", "artist", "vector"]
    assert table["name"].isna().tolist() == [False, True, False]
    assert table["artist"].tolist()[1] == "夢"


def test_some_tracks_in_the_order_asked_for(tmp_path):
    export(TRACKS, VECTORS, tmp_path / "v.npy", ["-3.5", "a", "a"])
    back = vectors_of(tmp_path / "v.npy")
    assert back.index.tolist() == ["-3.5", "a"]
    np.testing.assert_array_equal(back.to_numpy(), VECTORS[[2, 0]])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"path": "v.csv"}, "ends in '.csv'"),
        ({"path": "v"}, "ends in ''"),
        ({"path": "v.parq"}, "did you mean '.parquet'"),
        ({"ids": ["zzz"]}, "Track 'zzz' is not among the 3 tracks"),
        ({"ids": []}, "No track was named"),
        ({"embeddings": VECTORS[:2]}, "2 embeddings for 3 tracks"),
        ({"embeddings": VECTORS * np.nan}, "not finite"),
    ],
)
def test_what_cannot_be_written_is_refused_in_a_sentence(tmp_path, change, words):
    given = {"tracks": TRACKS, "embeddings": VECTORS, "path": "v.txt", **change}
    given["path"] = tmp_path / given["path"]
    with pytest.raises(MusigError, match=words.replace("(", r"\(")):
        export(**given)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("track", "ending"), [("a b", ".txt"), ("a\u00a0b", ".txt"), ("", ".txt"), ("a\nb", ".npy")]
)
def test_an_id_that_the_format_cannot_hold_is_refused(tmp_path, track, ending):
    tracks = pd.DataFrame(index=pd.Index([track], name="track_id"))
    with pytest.raises(MusigError, match=r"write \.parquet"):
        export(tracks, VECTORS[:1], tmp_path / f"v{ending}")
    assert list(tmp_path.iterdir()) == []
    export(tracks, VECTORS[:1], tmp_path / "v.parquet")  # which holds any
    assert vectors_of(tmp_path / "v.parquet").index.tolist() == [track]


def test_a_folder_is_no_file(tmp_path):
    (tmp_path / "v.npy").mkdir()
    with pytest.raises(MusigError, match="is a folder"):
        export(TRACKS, VECTORS, tmp_path / "v.npy")


def test_a_pickle_is_not_opened(tmp_path):
    place = tmp_path / "v.npy"
    np.save(place, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    (tmp_path / "v.ids.txt").write_text("a\n")
    with pytest.raises(MusigError, match="cannot be read as embeddings"):
        vectors_of(place)
    place.write_bytes(pickle.dumps([1]))
    with pytest.raises(MusigError, match="cannot be read as embeddings"):
        vectors_of(place)


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_file_that_was_cut_short_is_refused(tmp_path, ending):
    place = tmp_path / f"v{ending}"
    export(TRACKS, VECTORS, place)
    whole = place.read_bytes()
    place.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(MusigError, match="cannot be read as embeddings"):
        vectors_of(place)
    place.unlink()
    with pytest.raises(MusigError, match="cannot be read as embeddings"):
        vectors_of(place)


def test_the_ids_beside_an_array_must_be_there_and_as_many(tmp_path):
    place = tmp_path / "v.npy"
    export(TRACKS, VECTORS, place)
    (tmp_path / "v.ids.txt").write_text("a\nb\n")
    with pytest.raises(MusigError, match="3 vectors for 2 ids"):
        vectors_of(place)
    (tmp_path / "v.ids.txt").unlink()
    with pytest.raises(MusigError, match=r"v\.ids\.txt"):
        vectors_of(place)


def run(capsys, *arguments):
    with pytest.raises(SystemExit) as ended:
        cli.main([str(each) for each in arguments])
    told = capsys.readouterr()
    return ended.value.code, told.out, told.err


def test_the_command_writes_all_forms_of_a_model(capsys, model, tmp_path):
    places = [tmp_path / f"deep/v{ending}" for ending in ENDINGS]
    outs = [part for place in places for part in ("--out", place)]
    code, told, _ = run(capsys, "export", "--model", model.folder, *outs)
    assert code == 0 and told.count(f"{len(model.tracks)} tracks, 8 numbers each") == 3
    for place in places:
        back = vectors_of(place)
        assert back.index.equals(model.tracks.index)
        np.testing.assert_array_equal(back.to_numpy(), model.embeddings.numpy())


def test_the_command_takes_some_tracks(capsys, model, tmp_path):
    some = model.tracks.index[[3, 1]].tolist()
    place = tmp_path / "v.txt"
    arguments = ("export", "--model", model.folder, "--out", place, "--tracks")
    assert run(capsys, *arguments, ", ".join(some))[0] == 0
    assert vectors_of(place).index.tolist() == some
    code, _, told = run(capsys, *arguments, "nobody")
    assert code == 1 and told.startswith("error: Track 'nobody'") and "musig embed" in told
    assert vectors_of(place).index.tolist() == some  # what was there is kept
    assert run(capsys, *arguments, " , ")[0] == 1


def test_the_command_refuses_before_it_writes(capsys, model, tmp_path):
    good, bad = tmp_path / "v.npy", tmp_path / "v.csv"
    code, _, told = run(capsys, "export", "--model", model.folder, "--out", good, "--out", bad)
    assert code == 1 and "ends in '.csv'" in told and not good.exists()
    code, _, told = run(capsys, "export", "--model", tmp_path, "--out", good)
    assert code == 1 and "is not a MODEL folder" in told and not good.exists()
