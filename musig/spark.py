"""The music graph counted by Apache Spark, for playlists that one machine cannot hold.

The same weights as :func:`musig.cooccurrence.cooccurrence`, as a query: playlists become lists of
tracks, lists become pairs, pairs are counted. Spark (Zaharia et al., CACM 59(11), 2016) spreads
the rows over machines, spills to disk, and repeats what a lost machine had done. Two things would
leave one machine with most of the work, and are seen to:

- *long playlists*: one of L tracks has L (L - 1) / 2 pairs. A list is cut into blocks of
  :data:`BLOCK` tracks, and every two blocks of a list are a row of their own, dealt anew to all
  tasks: no row makes more than ``BLOCK ** 2`` pairs;
- *popular tracks*: where tracks in too few playlists are dropped, all rows of a track would meet
  in one task. A salt, a number drawn from the playlist, parts them among :data:`SALTS`. Counting
  needs none: every task first adds up its own pairs and hands on one row for each that it met.

Conventions
-----------
Playlists are a data frame with the columns `playlist` and `track`, of any types that can be
sorted; a repeat of a track within a playlist counts once. An edge is told once, ``source <
target``; text is compared by its code points, as Python does. What is set for a cluster is set
where Spark looks for it, in ``spark-defaults.conf``; without any, it runs on this machine's cores.

Contents
--------
- :func:`write_graph`: from playlists to a folder of Parquet, what ``musig graph --engine spark``
  does; :func:`table_of`, :func:`read_entries`: playlists that Spark reads itself.
- :func:`pair_weights`: the counting, from data frame to data frame.
- :func:`need`, :func:`session`: whether there is a Spark, and a running one.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from musig.errors import MusigError

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame, SparkSession

    from musig.catalog import Catalog

BLOCK = 256
"""Tracks of a list that are paired together: a row makes at most this many, squared."""

SALTS = 16
"""Parts into which the rows of a track are dealt."""

INSTEAD = "or leave out --engine spark to count on this machine"


def need() -> None:
    """Refuse if Spark cannot run here; nothing is started.

    Raises
    ------
    MusigError
        If the package or Java is not installed; it says how to go on.

    Notes
    -----
    A server of Spark Connect, named by ``SPARK_REMOTE``, has its own Java.
    Notebook: 15_speed_and_scale
    """
    if find_spec("pyspark") is None:
        raise MusigError(
            f'Spark is not installed: pip install -c requirements.lock -e ".[spark]", {INSTEAD}.'
        )
    if os.environ.get("SPARK_REMOTE"):
        return
    home = os.environ.get("JAVA_HOME")
    if shutil.which("java", path=str(Path(home) / "bin") if home else None) is None:
        place = f"in JAVA_HOME, which is {home}" if home else "on the PATH, and JAVA_HOME is unset"
        raise MusigError(
            f"Spark needs Java 17 or newer and found none {place}: install one, {INSTEAD}."
        )


@contextmanager
def session() -> Iterator[SparkSession]:
    """Give the Spark session of this process; one that is begun here is ended here.

    Yields
    ------
    SparkSession
        On the cluster that Spark's own settings name, else on this machine.

    Raises
    ------
    MusigError
        If Spark or Java is not installed, Spark does not start, or it gives up on a query.

    Notes
    -----
    Notebook: 15_speed_and_scale
    """
    need()
    from pyspark.errors import PySparkException
    from pyspark.sql import SparkSession

    running = SparkSession.getActiveSession()
    try:
        with warnings.catch_warnings():  # what it says of pandas is of what is not used here
            warnings.filterwarnings("ignore", message="PySpark does not yet fully support pandas")
            spark = running or SparkSession.builder.appName("musig").getOrCreate()
    except PySparkException as error:
        raise MusigError(
            f"Spark did not start ({_line(error)}): it needs Java 17 or newer and, for a cluster, "
            "a master that answers. What it printed above says more."
        ) from error
    try:
        yield spark
    except Exception as error:
        if not _of_spark(error):
            raise
        raise MusigError(
            f"Spark gave up ({_line(error)}); nothing was written. What it printed above says "
            "more; if it ran out of memory, raise spark.sql.shuffle.partitions or the memory of "
            "its executors."
        ) from error
    finally:
        if running is None:
            spark.stop()


def _of_spark(error: Exception) -> bool:
    """Tell whether an error came from Spark: its own, or one of Java handed on."""
    return type(error).__module__.split(".")[0] in ("pyspark", "py4j")


def _line(error: Exception) -> str:
    """Give the first line of an error that says something; those of Java have a hundred."""
    lines = [line.strip(" :") for line in str(error).splitlines()]
    told = [line for line in lines if line and not line.startswith("An error occurred")]
    return told[0].rstrip(".") if told else type(error).__name__


def write_graph(playlists: Path | Catalog, out: Path, min_weight: int = 0) -> int:
    """Count the graph of playlists and write it.

    Parameters
    ----------
    playlists : Path or Catalog
        A Parquet file, or a folder of them, with the columns `pid` and `track_id`, which Spark
        reads itself: this process never holds it. A catalogue is handed over in such a file.
    out : Path
        A folder of Parquet files to be made, with the columns of :func:`musig.edges.edge_table`.
        On a cluster all machines see it, at the same place.
    min_weight : int, >= 0
        Edges of this weight or less are dropped.

    Returns
    -------
    int
        Number of edges.

    Raises
    ------
    MusigError
        If there is something at `out`, a column or an id is missing, or Spark cannot run.

    Notes
    -----
    Written aside, then renamed: it is there whole or not at all.
    Notebook: 15_speed_and_scale
    """
    if out.exists():
        raise MusigError(f"{out} exists already: choose another name, or remove it first.")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        passing = Path(tempfile.mkdtemp(prefix=f".{out.stem}.", dir=out.parent))
        passing.chmod(0o755)  # other machines may read as another user
    except OSError as error:
        raise MusigError(
            f"{out} cannot be written ({error.strerror}): choose a folder that can be."
        ) from error
    try:
        place = playlists if isinstance(playlists, Path) else passing / "playlists.parquet"
        if not isinstance(playlists, Path):
            _hand_over(playlists, place)
        written = passing / "edges.parquet"
        with session() as spark:
            edges = pair_weights(read_entries(spark, place), min_weight)
            edges.write.parquet(_address(written))
            n_edges = spark.read.parquet(_address(written)).count()
        written.replace(out)
        return n_edges
    finally:
        shutil.rmtree(passing, ignore_errors=True)


def table_of(folder: str | None) -> Path | None:
    """Find playlists that Spark can read itself.

    Parameters
    ----------
    folder : str or None
        A folder of data, as ``--data`` takes it.

    Returns
    -------
    Path or None
        Its ``playlists.parquet``, a file or a folder; None where the data are of another kind.

    Raises
    ------
    MusigError
        If there is no such folder.

    Notes
    -----
    Notebook: 15_speed_and_scale
    """
    from musig.sources import locate

    place = locate(folder) / "playlists.parquet" if folder else Path()
    return place if folder and place.exists() else None


def _hand_over(catalog: Catalog, path: Path) -> None:
    """Write the entries of a catalogue where Spark can read them."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    playlists = catalog.playlists
    owner = np.repeat(np.arange(len(playlists)), playlists.lengths)
    ids = pa.array(catalog.tracks.index.tolist(), pa.string())
    track = pa.DictionaryArray.from_arrays(playlists.tracks, ids)
    pq.write_table(pa.table({"pid": owner, "track_id": track}), path)


def _address(place: Path | str) -> str:
    """Name a file as Spark does: without this, a cluster may look in its own file system."""
    return place.resolve().as_uri() if isinstance(place, Path) else place


def read_entries(spark: SparkSession, place: Path | str) -> DataFrame:
    """Read a table of playlists in Parquet.

    Parameters
    ----------
    spark : SparkSession
    place : Path or str
        A file or folder that all machines see, or an address such as ``s3a://bucket/playlists``;
        with the columns `pid` and `track_id`.

    Returns
    -------
    DataFrame
        `playlist`, and `track` as text.

    Raises
    ------
    MusigError
        If a column is missing.

    Notes
    -----
    Notebook: 15_speed_and_scale
    """
    from pyspark.sql import functions as F

    table = spark.read.parquet(_address(place))
    missing = {"pid", "track_id"} - set(table.columns)
    if missing:
        raise MusigError(
            f"{place} has no column {sorted(missing)[0]}, only {', '.join(table.columns)}; "
            "expected a row an entry, with pid and track_id."
        )
    return table.select(
        F.col("pid").alias("playlist"), F.col("track_id").cast("string").alias("track")
    )


def pair_weights(
    entries: DataFrame, min_weight: int = 0, block: int = BLOCK, salts: int = SALTS
) -> DataFrame:
    """Count in how many playlists every two tracks appear together.

    Parameters
    ----------
    entries : DataFrame
        `playlist` and `track`; rows in which one is missing are an error when they are met.
    min_weight : int, >= 0
        Pairs of this weight or less are dropped.
    block : int, >= 1
        Tracks of a playlist that are paired together.
    salts : int, >= 1
        Parts into which the rows of a track are dealt.

    Returns
    -------
    DataFrame
        `source`, `target` (source < target) and `weight` (bigint), in no order.

    Raises
    ------
    MusigError
        If `min_weight` is negative.

    Notes
    -----
    Saravanou et al. 2021 define the weight. Before pairs are made, ``spark.sql.shuffle.partitions``
    says among how many tasks: more of them need less memory each.
    Notebook: 15_speed_and_scale
    """
    from pyspark.sql import functions as F

    if min_weight < 0:
        raise MusigError(f"min_weight is {min_weight}; expected 0 or more.")
    entries = entries.select(*(_given(name) for name in ("playlist", "track")))
    if min_weight:
        entries = _frequent(entries.distinct(), min_weight, salts)
    return (
        _block_pairs(entries, block)
        .select(F.explode("one").alias("source"), "other")
        .select("source", F.explode("other").alias("target"))
        .where("source < target")  # within a block every pair is met twice
        .groupBy("source", "target")
        .agg(F.count("*").alias("weight"))
        .where(F.col("weight") > min_weight)
    )


def _given(name: str) -> Column:
    """Take a column, and stop at a row that lacks it."""
    from pyspark.sql import functions as F

    told = F.raise_error(F.lit(f"A row of the playlists has no {name}: every entry needs one."))
    return F.coalesce(name, told).alias(name)


def _frequent(entries: DataFrame, min_weight: int, salts: int) -> DataFrame:
    """Keep tracks in more playlists than `min_weight`: no other can have an edge."""
    from pyspark.sql import functions as F

    kept = entries.groupBy("track").count().where(F.col("count") > min_weight)
    everywhere = F.explode(F.sequence(F.lit(0), F.lit(salts - 1)))
    kept = kept.select("track", everywhere.alias("salt"))
    joined = _salted(entries, salts).join(kept, ["track", "salt"], "left_semi")
    return joined.select("playlist", "track")


def _salted(entries: DataFrame, salts: int) -> DataFrame:
    """Draw a number for every row, from its playlist: a row has the same one if drawn again."""
    from pyspark.sql import functions as F

    return entries.withColumn("salt", F.pmod(F.hash("playlist"), F.lit(salts)))


def _block_pairs(entries: DataFrame, block: int) -> DataFrame:
    """Cut every playlist into blocks, and deal every two of them, or one with itself, to a task."""
    from pyspark.sql import functions as F

    tracks = F.sort_array(F.collect_set("track"))
    cut = F.expr(
        f"transform(sequence(0, (size(tracks) - 1) div {block}),"
        f" at -> slice(tracks, at * {block} + 1, {block}))"
    )
    lists = entries.groupBy("playlist").agg(tracks.alias("tracks")).where("size(tracks) > 1")
    blocks = lists.select("playlist", cut.alias("blocks"))
    one = blocks.select("playlist", "blocks", F.posexplode("blocks").alias("at", "one"))
    # those before it are its partner in their own rows
    partners = F.expr("slice(blocks, at + 1, size(blocks))")
    both = one.select("playlist", "at", "one", F.posexplode(partners).alias("further", "other"))
    n_tasks = int(entries.sparkSession.conf.get("spark.sql.shuffle.partitions") or 200)
    return both.repartition(n_tasks, "playlist", "at", "further")
