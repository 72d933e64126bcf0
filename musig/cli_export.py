"""The command ``musig export``: the embeddings of a model, for use elsewhere.

Conventions
-----------
As in :mod:`musig.cli`.

Contents
--------
- :data:`export`: the command.
"""

from __future__ import annotations

from pathlib import Path

import click

from musig.cli_data import EXAMPLES
from musig.errors import counted


@click.command(epilog=EXAMPLES["export"])
@click.option("--model", type=click.Path(path_type=Path), required=True, help="A MODEL folder.")
@click.option(
    "--out", "places", type=click.Path(path_type=Path), required=True, multiple=True,
    help="A file: .parquet is a table, .npy an array with the ids beside it, .txt is word2vec's "
    "text, which gensim loads. May be repeated.",
)  # fmt: skip
@click.option("--tracks", metavar="ID,ID", help="Only these tracks, in this order.  [default: all]")
def export(model: Path, places: tuple[Path, ...], tracks: str | None) -> None:
    """Write the embeddings of a model with the ids of their tracks.

    Vectors are of length 1: the product of two is their cosine.
    """
    from musig.export import export as write
    from musig.export import require_ending
    from musig.modelfolder import load

    for place in places:  # before anything is written
        require_ending(place)
    trained = load(model)
    ids = None if tracks is None else [each.strip() for each in tracks.split(",") if each.strip()]
    for place in places:
        written = write(trained.tracks, trained.embeddings.numpy(), place, ids)
        n = len(trained.tracks) if ids is None else len(set(ids))
        told = f"{counted(n, 'track')}, {trained.embeddings.shape[1]} numbers each"
        click.echo(f"{' and '.join(map(str, written))}: {told}")
