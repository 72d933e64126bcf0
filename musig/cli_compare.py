"""The commands ``musig compare`` and ``musig tune``: all methods on other playlists.

Conventions
-----------
As in :mod:`musig.cli`. Where the result goes is checked before anything is computed.

Contents
--------
- :data:`compare`, :data:`tune`: the commands.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import click

from musig.cli_data import EXAMPLES, data_options, load_data
from musig.errors import MusigError, counted

MIN_PLAYLISTS = click.option(
    "--min-playlists",
    type=click.IntRange(min=0),
    default=8,
    show_default=True,
    help="A track can be recommended if it is in so many training playlists.",
)


@click.command(epilog=EXAMPLES["compare"])
@data_options
@click.option(
    "--test", metavar="FOLDER",
    help="Playlists to complete.  [default: a tenth of the data's]",
)  # fmt: skip
@click.option(
    "--methods", "names", metavar="NAME,NAME", help="Which methods.  [default: all]"
)  # fmt: skip
@click.option(
    "--seeds", default="0", show_default=True, metavar="N,N",
    help="Of the trainings; the first draws split and halves as well.",
)  # fmt: skip
@MIN_PLAYLISTS
@click.option(
    "--out", type=click.Path(path_type=Path), required=True, help="The JSON file to write."
)
def compare(
    folder: str | None,
    dataset: str | None,
    test: str | None,
    names: str | None,
    seeds: str,
    min_playlists: int,
    out: Path,
) -> None:
    """Compare methods with their committed settings on playlists of your own.

    Writes a list of objects with method, metric, mean, low and high (a 95 % interval over
    playlists), n (playlists) and seed_count. Nothing is tuned.
    """
    _require_place(out)
    from musig import compare as comparing
    from musig.files import aside
    from musig.methods import METHODS

    chosen = list(METHODS) if names is None else _listed(names)
    numbers = _numbers(seeds)
    comparing.require_names(chosen, numbers)
    catalog = load_data(folder, dataset, numbers[0])
    test_catalog = None if test is None else load_data(test, None)
    prepared = comparing.prepared(
        catalog, test_catalog, min_playlists=min_playlists, seed=numbers[0]
    )
    for note in prepared.notes:
        click.echo(note, err=True)
    found = comparing.compare(prepared, chosen, numbers, say=lambda s: click.echo(s, err=True))
    if found.seconds:
        with aside(out) as passing:
            rows = comparing.records(found.table)
            passing.write_text(json.dumps(rows, indent=1, allow_nan=False) + "\n", "utf-8")
        click.echo(found.shown().to_string(index=False))
        n = counted(len(prepared.held), "playlist")
        click.echo(f"\n{out}: {n}, {counted(len(numbers), 'seed')}, mean and 95 % interval")
    if found.failed:
        raise MusigError("\n".join(f"{name}: {why}" for name, why in found.failed.items()))


@click.command(epilog=EXAMPLES["tune"])
@data_options
@click.option("--method", "name", required=True, help="Whose settings.")
@click.option("--trials", type=int, default=12, show_default=True, help="How many there are to be.")
@click.option(
    "--fold", type=int, default=0, show_default=True,
    help="Of five; its training and validation playlists are used.",
)  # fmt: skip
@MIN_PLAYLISTS
@click.option(
    "--seed", type=click.IntRange(min=0), default=0, show_default=True,
    help="Of the sampler and the trainings.",
)  # fmt: skip
@click.option(
    "--out", type=click.Path(path_type=Path), required=True,
    help="Folder for the study NAME.json; go on with it if it was begun.",
)  # fmt: skip
@click.option(
    "--commit", is_flag=True,
    help="Make what the studies of that folder chose the settings that compare uses.",
)  # fmt: skip
def tune(
    folder: str | None,
    dataset: str | None,
    name: str,
    trials: int,
    fold: int,
    min_playlists: int,
    seed: int,
    out: Path,
    commit: bool,
) -> None:
    """Choose the settings of a method on validation playlists."""
    from musig.methods import module_of

    module_of(name)  # before any data are read
    if trials < 1:
        raise MusigError(f"The budget is {trials} trials; expected at least 1.")
    catalog = load_data(folder, dataset)
    from musig.catalog import universe
    from musig.splits import fold_playlists
    from musig.tuning import read_study, study, write_tuned

    split = fold_playlists(catalog, fold)
    tracks = universe(catalog, split.train, min_playlists)
    study(
        name, catalog, split, tracks, out,
        trials=trials, seed=seed, say=lambda sentence: click.echo(sentence, err=True),
    )  # fmt: skip
    kept = read_study(out / f"{name}.json")
    best = kept["best"]
    tried = counted(len(kept["trials"]), "trial")
    click.echo(f"{out / f'{name}.json'}: {tried}, best {kept['objective']} {best['value']:.4f}:")
    for key, value in best["settings"].items():
        click.echo(f"  {key:20} {value}")
    if commit:
        write_tuned(out)


def _require_place(out: Path) -> None:
    """Refuse a file that could not be written, before hours are spent."""
    if out.is_dir():
        raise MusigError(f"{out} is a folder; expected the name of a file to write.")
    try:
        with tempfile.TemporaryFile(dir=out.parent):
            pass
    except OSError as error:
        raise MusigError(
            f"{out} cannot be written ({error.strerror}): choose a folder that exists and can be "
            "written."
        ) from error


def _listed(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _numbers(text: str) -> list[int]:
    try:
        return [int(part) for part in _listed(text)]
    except ValueError as error:
        raise MusigError(
            f"The seeds are '{text}'; expected whole numbers with commas, such as 0,1,2."
        ) from error
