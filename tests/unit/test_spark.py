"""The graph by Spark: the same edges as by the local kernel, no task with most of the work."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from musig import spark
from musig.catalog import Catalog
from musig.cli import main
from musig.edges import edge_table
from musig.errors import MusigError
from musig.graph import music_graph
from musig.playlists import Playlists
from musig.sources import write_folder

SETTINGS = {
    "spark.master": "local[1]",
    "spark.sql.shuffle.partitions": "4",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.memory": "1g",
}
COMMAND = [sys.executable, "-m", "musig.cli", "graph", "--data"]


def can_run():
    try:
        spark.need()
    except MusigError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def running():
    """One Spark for all tests, on one core."""
    can_run()
    from pyspark.sql import SparkSession

    builder = SparkSession.builder
    for name, value in SETTINGS.items():
        builder = builder.config(name, value)
    session = builder.getOrCreate()
    session.sparkContext.setLogLevel("OFF")
    yield session
    session.stop()


def catalog_of(lists, n_tracks, rng):
    """Give tracks ids whose order is not that of their positions."""
    ids = [f"é{n:x}" for n in rng.permutation(16 * n_tracks)[:n_tracks]]
    tracks = pd.DataFrame(index=pd.Index(ids, name="track_id", dtype="str"))
    return Catalog(tracks, Playlists.from_lists(lists), "drawn")


def skewed(rng, n_playlists=40, n_tracks=300):
    """Draw short playlists with a popular track, and one that holds nearly all tracks."""
    lengths = rng.integers(0, 12, n_playlists)
    lists = [np.append(rng.choice(n_tracks, n, replace=False), 0) for n in lengths]
    return catalog_of([*lists, rng.permutation(n_tracks)[:280]], n_tracks, rng)


def local(catalog, min_weight):
    ids = catalog.tracks.index.tolist()
    graph = music_graph(catalog.playlists, catalog.n_tracks, min_weight, track_ids=ids)
    return sort(edge_table(graph))


def sort(edges):
    return edges.sort_values(["source", "target"], ignore_index=True)


def frame(session, catalog):
    playlists = catalog.playlists
    owner = np.repeat(np.arange(len(playlists)), playlists.lengths).tolist()
    tracks = catalog.tracks.index[playlists.tracks].tolist()
    return session.createDataFrame(list(zip(owner, tracks, strict=True)), ["playlist", "track"])


def collected(edges):
    table = pd.DataFrame([tuple(row) for row in edges.collect()], columns=edges.columns)
    return sort(table.astype({"source": "str", "target": "str", "weight": "int64"}))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("seed", "min_weight", "block", "salts"), [(0, 0, 256, 16), (1, 1, 7, 3), (2, 2, 1, 1)]
)
def test_random_playlists_give_the_edges_of_the_local_kernel(
    running, seed, min_weight, block, salts
):
    catalog = skewed(np.random.default_rng(seed))
    edges = collected(spark.pair_weights(frame(running, catalog), min_weight, block, salts))
    wanted = local(catalog, min_weight)
    assert len(wanted) > 10
    pd.testing.assert_frame_equal(edges, wanted, check_dtype=False)


@pytest.mark.slow
def test_a_repeat_within_a_playlist_counts_once(running):
    rows = [(0, "b"), (0, "a"), (0, "b"), (1, "a"), (1, "b"), (2, "a"), (2, "a"), (3, "c")]
    entries = running.createDataFrame(rows, ["playlist", "track"])
    for min_weight in (0, 1):
        found = spark.pair_weights(entries, min_weight).collect()
        assert [tuple(row) for row in found] == [("a", "b", 2)]
    assert spark.pair_weights(entries, 2).collect() == []


@pytest.mark.slow
def test_numbers_serve_as_tracks_as_well_as_text(running):
    entries = running.createDataFrame([(0, 10), (0, 9), (1, 9)], ["playlist", "track"])
    assert [tuple(row) for row in spark.pair_weights(entries).collect()] == [(9, 10, 1)]


@pytest.mark.slow
def test_no_row_and_no_task_has_most_of_the_pairs(running):
    """One playlist has nearly all pairs: its own would be one row in one task."""
    from pyspark.sql import functions as F

    block, n_tracks = 10, 400
    lists = [[0, 1], [1, 2], list(range(n_tracks))]
    catalog = catalog_of(lists, n_tracks, np.random.default_rng(0))
    pairs = spark._block_pairs(frame(running, catalog), block)
    made = pairs.select(
        F.spark_partition_id().alias("task"), (F.size("one") * F.size("other")).alias("pairs")
    )
    table = pd.DataFrame([row.asDict() for row in made.collect()])
    assert table["pairs"].max() <= block**2
    by_task = table.groupby("task")["pairs"].sum()
    assert len(by_task) == 4 and by_task.max() < 1.5 * by_task.mean()


@pytest.mark.slow
def test_the_rows_of_a_popular_track_are_dealt(running):
    from pyspark.sql import functions as F

    rows = [(playlist, "popular") for playlist in range(1000)]
    entries = running.createDataFrame(rows, ["playlist", "track"])
    dealt = spark._salted(entries, 8).groupBy("salt").agg(F.count("*").alias("rows")).collect()
    assert {row["salt"] for row in dealt} == set(range(8))
    assert max(row["rows"] for row in dealt) < 2 * 1000 / 8


@pytest.mark.slow
def test_an_entry_without_an_id_stops_it(running):
    entries = running.createDataFrame([(0, "a"), (0, None)], "playlist int, track string")
    with pytest.raises(Exception, match="no track: every entry needs one"):
        spark.pair_weights(entries).collect()


@pytest.mark.slow
def test_a_negative_weight_is_refused(running):
    entries = running.createDataFrame([(0, "a")], ["playlist", "track"])
    with pytest.raises(MusigError, match="min_weight is -1; expected 0 or more"):
        spark.pair_weights(entries, -1)


@pytest.mark.slow
def test_a_catalogue_is_written_whole_or_not_at_all(running, tmp_path, smoke_catalog):
    out = tmp_path / "deep" / "edges"
    assert spark.write_graph(smoke_catalog, out, 2) == len(local(smoke_catalog, 2))
    pd.testing.assert_frame_equal(sort(pd.read_parquet(out)), local(smoke_catalog, 2))
    assert [path.name for path in out.parent.iterdir()] == ["edges"]
    with pytest.raises(MusigError, match="exists already"):
        spark.write_graph(smoke_catalog, out, 2)
    table = pd.DataFrame({"pid": [0, 0], "track_id": ["a", None]})
    table.to_parquet(tmp_path / "playlists.parquet")
    with pytest.raises(MusigError, match=r"no track: every entry needs one.*nothing was written"):
        spark.write_graph(tmp_path / "playlists.parquet", tmp_path / "wrong")
    table.rename(columns={"pid": "list"}).to_parquet(tmp_path / "playlists.parquet")
    with pytest.raises(MusigError, match=r"no column pid, only list, track_id"):
        spark.write_graph(tmp_path / "playlists.parquet", tmp_path / "wrong")
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["deep", "playlists.parquet"]


@pytest.mark.slow
def test_the_command_gives_the_same_edges_with_both_engines(tmp_path, smoke_catalog):
    """In a process of its own, set up as a cluster would be: by Spark's own file of settings."""
    can_run()
    write_folder(smoke_catalog, tmp_path / "data")
    lines = "\n".join(f"{name} {value}" for name, value in SETTINGS.items())
    (tmp_path / "spark-defaults.conf").write_text(lines, "utf-8")
    options = ["--engine", "spark", "--min-weight", "1", "--out", str(tmp_path / "edges")]
    done = subprocess.run(
        [*COMMAND, str(tmp_path / "data"), *options],
        capture_output=True,
        text=True,
        env=os.environ | {"SPARK_CONF_DIR": str(tmp_path)},
        check=False,
    )
    wanted = local(smoke_catalog, 1)
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"{tmp_path / 'edges'}: {len(wanted):,} edges\n"
    pd.testing.assert_frame_equal(sort(pd.read_parquet(tmp_path / "edges")), wanted)


def test_only_parquet_is_read_by_spark_itself(tmp_path):
    assert spark.table_of(None) is None
    assert spark.table_of(str(tmp_path)) is None
    (tmp_path / "playlists.parquet").mkdir()  # as Spark writes a table
    assert spark.table_of(str(tmp_path)) == tmp_path / "playlists.parquet"
    with pytest.raises(MusigError, match="nowhere"):
        spark.table_of("nowhere")


@pytest.mark.parametrize(
    ("installed", "home", "says"),
    [
        (None, None, r'Spark is not installed: pip install .*-e "\.\[spark\]'),
        (True, "no_java", r"Java 17 or newer and found none in JAVA_HOME"),
        (True, None, r"Java 17 or newer and found none on the PATH"),
    ],
)
def test_what_is_missing_is_said_in_a_sentence(
    installed, home, says, monkeypatch, tmp_path, capsys
):
    monkeypatch.setattr(spark, "find_spec", lambda name: installed)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("SPARK_REMOTE", raising=False)
    monkeypatch.delenv("JAVA_HOME", raising=False)
    if home:
        monkeypatch.setenv("JAVA_HOME", str(tmp_path / home))
    with pytest.raises(MusigError, match=says):
        spark.need()
    with pytest.raises(SystemExit) as ended:
        main(["graph", "--engine", "spark", "--out", str(tmp_path / "edges")])
    told = capsys.readouterr()
    assert ended.value.code == 1 and told.out == ""
    assert told.err.count("\n") == 1 and "leave out --engine spark" in told.err
    assert not list(Path(tmp_path).iterdir())


@pytest.mark.posix
@pytest.mark.slow
def test_a_java_that_does_not_start_is_said_in_a_sentence(tmp_path, smoke_catalog):
    pytest.importorskip("pyspark", reason="Spark is not installed")
    java = tmp_path / "java" / "bin" / "java"
    java.parent.mkdir(parents=True)
    java.write_text("#!/bin/sh\nexit 1\n", "utf-8")
    java.chmod(0o755)
    write_folder(smoke_catalog, tmp_path / "data")
    done = subprocess.run(
        [*COMMAND, str(tmp_path / "data"), "--engine", "spark", "--out", str(tmp_path / "edges")],
        capture_output=True,
        text=True,
        env=os.environ | {"JAVA_HOME": str(tmp_path / "java")},
        check=False,
    )
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert "error: Spark did not start (" in done.stderr and "Java 17 or newer" in done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data", "java"]


def test_a_server_has_its_own_java(monkeypatch, tmp_path):
    monkeypatch.setattr(spark, "find_spec", lambda name: True)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("SPARK_REMOTE", "sc://server")
    spark.need()


@pytest.mark.parametrize(
    ("told", "line"),
    [
        ("An error occurred while calling o1.parquet.\n: java.lang.Error: full.\n\tat", "full"),
        ("[CODE] A row has no track. SQLSTATE: P0001\nmore", "A row has no track"),
        ("", "RuntimeError"),
    ],
)
def test_of_a_long_error_the_line_that_says_something_is_shown(told, line):
    assert line in spark._line(RuntimeError(told)) and "\n" not in spark._line(RuntimeError(told))
