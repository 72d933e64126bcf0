"""The commands ``musig data``: what data there are, and whether they are in order.

Conventions
-----------
As in :mod:`musig.cli`. Data are a folder or the name of a data set; commands that compute take
them as ``--data FOLDER`` or ``--dataset NAME``, commands that look at them as an argument.

Contents
--------
- :data:`data`: the group, with ``list``, ``describe``, ``validate``, ``get``, ``make``, ``join``;
- :func:`data_options`, :func:`load_data`: the options of the other commands.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from musig.errors import MusigError, counted, nearest

if TYPE_CHECKING:
    from musig.catalog import Catalog, Problem

Command = TypeVar("Command", bound=Callable[..., Any])
DEFAULT = "embedded-classroom"


def _example(*lines: str) -> str:
    return "\b\nExample:\n" + "\n".join(f"  {line}" for line in lines)


EXAMPLES = {
    "musig": _example("musig run 05 --profile smoke"),
    "data": _example("musig data list", "musig data validate my_playlists"),
    "list": _example("musig data list"),
    "describe": _example("musig data describe embedded-classroom"),
    "validate": _example("musig data validate my_playlists"),
    "get": _example("musig data get aotm2011"),
    "make": _example("musig data make smoke --seed 1 --out synthetic"),
    "join": _example(
        "musig data join --slices mpd/data --features features.parquet \\",
        "    --genres genres.csv --out mpd_joined",
    ),
    "features": _example(
        "musig features my_music --out my_features.parquet",
        "musig features fma_small --window 30 --against echonest.csv --out fma.csv",
    ),
    "graph": _example(
        "musig graph --data my_playlists --min-weight 2 --out edges.parquet",
        "musig graph --data my_playlists --min-weight 2 --engine spark --out edges",
    ),
    "train": _example(
        "musig train --dataset embedded-classroom --out MODEL",
        "musig train --data my_playlists --min-playlists 8 --groups GENRE,AUDIO --out MODEL",
        "torchrun --nproc-per-node 2 --max-restarts 3 -m musig.cli train --out MODEL",
    ),
    "complete": _example("musig complete --model MODEL --seeds t000001,t000002 --k 20 --json"),
    "embed": _example(
        "musig embed --model MODEL --tracks new.parquet --out vectors.parquet",
        "musig embed --model MODEL --tracks new.csv --playlists new_playlists.csv \\",
        "    --out vectors.parquet",
    ),
    "export": _example(
        "musig export --model MODEL --out vectors.parquet",
        "musig export --model MODEL --out vectors.npy --out vectors.txt",
    ),
    "compare": _example(
        "musig compare --data my_playlists --methods popularity,itemknn --out results.json",
        "musig compare --data my_playlists --test her_playlists --methods itemknn,ease \\",
        "    --seeds 0,1 --out results.json",
    ),
    "tune": _example("musig tune --method itemknn --data my_playlists --trials 3 --out studies"),
    "run": _example(
        "musig run 04 05 --profile smoke --jobs 2",
        "musig run notebooks/05_multitask_training.ipynb --profile real -p data my_playlists",
    ),
    "doctor": _example("musig doctor"),
}
"""What the help of each command ends with."""


def data_options(command: Command) -> Command:
    """Give a command the options ``--data`` and ``--dataset``.

    Parameters
    ----------
    command : callable
        Takes ``folder`` and ``dataset``, each a str or None.

    Returns
    -------
    callable
        The same command.

    Notes
    -----
    Notebook: 01_catalog
    """
    named = click.option(
        "--dataset",
        metavar="NAME",
        help=f"Name of a data set; see musig data list.  [default: {DEFAULT}]",
    )
    folder = click.option(
        "--data",
        "folder",
        metavar="FOLDER",
        help="Folder of playlists, also looked up under $MUSIG_DATA/data.",
    )
    return folder(named(command))


def load_data(folder: str | None, dataset: str | None, seed: int = 0) -> Catalog:
    """Load what the two options name, and say on standard error what was found.

    Parameters
    ----------
    folder, dataset : str or None
        At most one of them; the default data set if none.
    seed : int, >= 0
        Of the synthetic catalogue.

    Returns
    -------
    Catalog
        The data.

    Raises
    ------
    click.UsageError
        If both are given.
    MusigError
        If the data are not there or not in order.

    Notes
    -----
    Notebook: 01_catalog
    """
    if folder and dataset:
        raise click.UsageError("Give --data or --dataset, not both.")
    from musig.sources import load

    catalog = load(folder, None if folder else dataset or DEFAULT, seed)
    for note in catalog.notes:
        click.echo(note, err=True)
    click.echo(f"{catalog.name}: {_found(catalog)}", err=True)
    return catalog


@click.group(epilog=EXAMPLES["data"])
def data() -> None:
    """List, describe, check, download, make and join data sets."""


@data.command("list", epilog=EXAMPLES["list"])
def list_() -> None:
    """List the data sets, and how to get each."""
    from musig.sources import list_sources

    for card in list_sources().to_dict("records"):
        click.echo(click.style(card["name"], bold=True))
        for part in ("what", "size", "licence", "how"):
            click.echo(f"    {part:8} {card[part]}")


@data.command(epilog=EXAMPLES["describe"])
@click.argument("target", metavar="FOLDER|NAME")
def describe(target: str) -> None:
    """Count what a folder or data set holds, and what is missing in it."""
    from musig.sources import DATASETS, load
    from musig.sources import describe as describe_catalog

    catalog = load(dataset=target) if _is_name(target, DATASETS) else load(data=target)
    click.echo(f"{catalog.name}, fingerprint {catalog.fingerprint[:16]}")
    for note in catalog.notes:
        click.echo(note)
    for name, table in describe_catalog(catalog).items():
        click.echo(f"\n{name}")
        click.echo(table.to_string(index=False, na_rep="", float_format="{:,.3g}".format))


@data.command(epilog=EXAMPLES["validate"])
@click.argument("target", metavar="FOLDER|NAME")
def validate(target: str) -> None:
    """List every problem of a folder or data set; exit with 1 if one is an error."""
    from musig.sources import inspect

    catalog, problems = inspect(target)
    for problem in problems:
        click.echo(problem)
    errors = sum(problem.level == "error" for problem in problems)
    warnings = len(problems) - errors
    counts = f"{counted(errors, 'error')}, {counted(warnings, 'warning')}"
    if errors or catalog is None:
        click.echo(f"{target}: {counts}: it cannot be used as it is")
        sys.exit(1)
    click.echo(f"{target}: {counts}; {_found(catalog)}")


@data.command(epilog=EXAMPLES["get"])
@click.argument("name")
def get(name: str) -> None:
    """Download a public data set and verify its checksum."""
    from musig.sources import fetch

    click.echo(fetch(name))


@data.command(epilog=EXAMPLES["make"])
@click.argument("size")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True)
@click.option("--out", type=click.Path(path_type=Path), required=True, help="A new folder.")
def make(size: str, seed: int, out: Path) -> None:
    """Make a synthetic catalogue as a folder: smoke, classroom or paper."""
    from musig.sources import write_folder
    from musig.sources.synthetic import SIZES
    from musig.sources.synthetic import make as make_catalog

    size = size.removeprefix("embedded-")
    if size not in SIZES:
        raise MusigError(f"There is no size {size!r}; {nearest(size, SIZES)}")
    if out.exists():  # before minutes are spent
        raise MusigError(f"{out} exists already: choose another name, or remove it first.")
    catalog = make_catalog(size, seed)
    write_folder(catalog, out)
    click.echo(f"{out}: {_found(catalog)}")


@data.command(epilog=EXAMPLES["join"])
@click.option(
    "--slices", type=click.Path(path_type=Path), required=True, help="Folder of MPD slices."
)
@click.option(
    "--features",
    type=click.Path(path_type=Path),
    required=True,
    help="Table of features by track id.",
)
@click.option(
    "--genres", type=click.Path(path_type=Path), required=True, help="Table of genres by artist."
)
@click.option("--out", type=click.Path(path_type=Path), required=True, help="A new folder.")
def join(slices: Path, features: Path, genres: Path, out: Path) -> None:
    """Join playlists with features by track and genres by artist, as a folder."""
    from musig.sources.join import join as join_tables

    problems: list[Problem] = []
    joined = join_tables(slices, features, genres, out, problems)
    for problem in problems:
        click.echo(problem, err=True)
    click.echo(joined)


def _is_name(target: str, names: tuple[str, ...]) -> bool:
    return target in names and not Path(target).exists()


def _found(catalog: Catalog) -> str:
    return f"{counted(len(catalog.playlists), 'playlist')}, {counted(catalog.n_tracks, 'track')}"
