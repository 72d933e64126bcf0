"""``musig embed``: vectors of new tracks from a shell, and its refusals."""

import numpy as np
import pandas as pd
import pytest

from musig.cli import main
from musig.inductive import embed_tracks
from musig.modelfolder import load
from musig.splits import split_playlists
from musig.train import TrainConfig, train
from musig.training_data import prepare

QUICK = TrainConfig(embedding_size=8, batch_size=64, epochs=1, evaluate_every=1, device="cpu")


@pytest.fixture
def musig(capsys):
    """Run a command; give exit code, standard output, standard error."""

    def run(*arguments):
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main([str(argument) for argument in arguments])
        return ended.value.code, *capsys.readouterr()

    return run


@pytest.fixture(scope="module")
def model(smoke_catalog, tmp_path_factory):
    data = prepare(smoke_catalog, split_playlists(smoke_catalog, seed=0))
    return train(data, QUICK, tmp_path_factory.mktemp("model") / "m", progress=False)


@pytest.fixture
def tables(smoke_catalog, model, tmp_path):
    """Write new tracks and playlists that hold one of them."""
    tracks = smoke_catalog.tracks.iloc[:3].drop(columns=["recording"])
    tracks.index = pd.Index(["new 0", "new 1", "new 2"], name="track_id")
    tracks.reset_index().to_parquet(tmp_path / "new.parquet")
    known = model.tracks.index
    entries = pd.DataFrame(
        {"pid": [1] * 4 + [2] * 2, "track_id": ["new 0", *known[:3], *known[:2]]}
    )
    entries.to_csv(tmp_path / "lists.csv", index=False)
    return tmp_path


def test_vectors_are_those_of_the_function(musig, model, tables):
    out = tables / "out" / "vectors.parquet"
    code, told, err = musig(
        "embed", "--model", model.folder, "--tracks", tables / "new.parquet",
        "--playlists", tables / "lists.csv", "--out", out,
    )  # fmt: skip
    assert (code, err) == (0, "")
    assert told == f"{out}: 3 tracks, 8 numbers each: 1 by playlists, 2 by content, 0 by nothing\n"
    table = pd.read_parquet(out)
    assert table["track_id"].tolist() == ["new 0", "new 1", "new 2"]
    assert table["co_occurrences"].tolist() == [3.0, 0.0, 0.0]
    tracks = pd.read_parquet(tables / "new.parquet").set_index("track_id")
    lists = [["new 0", *model.tracks.index[:3]]]
    expected = embed_tracks(load(model.folder), tracks, lists)
    np.testing.assert_array_equal(np.stack(table["vector"]), expected.vectors)


def test_without_playlists_or_neighbours_there_is_what_is_known_of_a_track(musig, model, tables):
    out = tables / "vectors.parquet"
    told = musig(
        "embed", "--model", model.folder, "--tracks", tables / "new.parquet",
        "--neighbours", 0, "--out", out,
    )[1]  # fmt: skip
    assert told.endswith("0 by playlists, 0 by content, 3 by nothing\n")


def test_nothing_is_written_where_something_is_refused(musig, model, tables, smoke_catalog):
    old = smoke_catalog.tracks.iloc[:2].reset_index().drop(columns=["recording", "genres"])
    old.to_csv(tables / "old.csv", index=False)
    pd.DataFrame({"track_id": ["x"], "main_genre": ["folk"]}).to_csv(
        tables / "few.csv", index=False
    )
    (tables / "new.pkl").write_bytes(b"\x80\x04N.")
    out = tables / "vectors.parquet"
    base = {"--model": model.folder, "--tracks": tables / "new.parquet", "--out": out}
    for changed, says in [
        ({"--tracks": tables / "old.csv"}, "error: Of the 2 new tracks, 2 were trained with"),
        ({"--tracks": tables / "few.csv"}, "no column of AUDIO: add acousticness or danceability"),
        ({"--tracks": tables / "new.pkl"}, "is of an unknown kind; expected a table"),
        ({"--tracks": tables / "none.csv"}, "error: There is no file"),
        ({"--playlists": tables / "few.csv"}, "expected a column pid"),
        ({"--out": tables / "vectors.npy"}, "give a name that ends in .parquet"),
        ({"--model": tables}, "is not a MODEL folder"),
    ]:
        options = [part for pair in (base | changed).items() for part in pair]
        code, told, err = musig("embed", *options)
        assert (code, told) == (1, "") and says in err and "Traceback" not in err
        assert not out.exists() and not (tables / "vectors.npy").exists()


def test_a_model_that_was_cut_short_is_refused(musig, model, tables, tmp_path_factory):
    import shutil

    folder = tmp_path_factory.mktemp("copy") / "m"
    shutil.copytree(model.folder, folder)
    path = folder / "graph.safetensors"
    path.write_bytes(path.read_bytes()[:100])
    out = tables / "vectors.parquet"
    code, _, err = musig(
        "embed", "--model", folder, "--tracks", tables / "new.parquet", "--out", out
    )
    assert code == 1 and "graph.safetensors is not the file that was written" in err
    assert not out.exists()
