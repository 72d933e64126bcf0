"""The command ``musig embed``: vectors of tracks that a model never saw.

Conventions
-----------
As in :mod:`musig.cli`. Where the result goes is checked before anything is computed.

Contents
--------
- :data:`embed`: the command.
"""

from __future__ import annotations

from pathlib import Path

import click

from musig.cli_data import EXAMPLES
from musig.errors import MusigError, counted


@click.command(epilog=EXAMPLES["embed"])
@click.option("--model", type=click.Path(path_type=Path), required=True, help="A MODEL folder.")
@click.option(
    "--tracks", type=click.Path(path_type=Path), required=True, metavar="TABLE",
    help="The new tracks: track_id and what is known of each, .parquet or .csv.",
)  # fmt: skip
@click.option(
    "--playlists", type=click.Path(path_type=Path), metavar="TABLE",
    help="Playlists that hold some of them: pid, track_id.  [default: none are known]",
)  # fmt: skip
@click.option(
    "--min-weight", type=click.IntRange(min=0),
    help="Drop edges of this weight or less.  [default: as in training, where ten others are left]",
)  # fmt: skip
@click.option(
    "--neighbours", type=click.IntRange(min=0), default=10, show_default=True,
    help="From how many known tracks, the nearest by content, a track without an edge gathers.",
)  # fmt: skip
@click.option(
    "--out", type=click.Path(path_type=Path), required=True, help="The Parquet file to write."
)
def embed(
    model: Path,
    tracks: Path,
    playlists: Path | None,
    min_weight: int | None,
    neighbours: int,
    out: Path,
) -> None:
    """Embed tracks that a model was not trained with, without training again.

    One row a track: track_id, name, artist, co_occurrences, neighbours, by (what it gathered from:
    playlists, content or nothing) and vector.
    """
    if out.suffix != ".parquet" or out.is_dir():
        raise MusigError(f"{out} is no Parquet file: give a name that ends in .parquet.")
    from musig.files import aside
    from musig.inductive import embed_tracks
    from musig.modelfolder import load
    from musig.sources.single import read_playlists, read_tracks

    new = read_tracks(tracks)
    lists = [] if playlists is None else read_playlists(playlists)
    made = embed_tracks(load(model), new, lists, min_weight=min_weight, neighbours=neighbours)
    with aside(out) as passing:
        made.table().to_parquet(passing, index=False)
    told = made.tracks["by"].value_counts()
    ways = ", ".join(
        f"{told.get(way, 0):,} by {way}" for way in ("playlists", "content", "nothing")
    )
    click.echo(f"{out}: {counted(len(new), 'track')}, {made.vectors.shape[1]} numbers each: {ways}")
