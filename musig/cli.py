"""The command ``musig``: the package from a shell.

Every command is thin: it reads options, calls one or two functions of the package, and prints.
What a user got wrong is told in a sentence, never in a traceback.

Conventions
-----------
Results go to standard output, everything else to standard error. Exit codes: 0 done, 1 refused
or failed (``error: ...``), 2 the command itself is written wrong, 130 interrupted. Modules are
imported by the command that needs them, so that help comes at once.

Contents
--------
- :func:`main`: the entry point; the commands ``graph``, ``train``, ``complete``, ``run``,
  ``doctor``, the command ``features`` of :mod:`musig.cli_sound`, ``compare`` and ``tune`` of
  :mod:`musig.cli_compare`, ``embed`` of :mod:`musig.cli_embed`, ``export`` of
  :mod:`musig.cli_export`, and the group ``data`` of :mod:`musig.cli_data`.
"""

from __future__ import annotations

import io
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from musig import __version__
from musig.cli_compare import compare, tune
from musig.cli_data import EXAMPLES, data, data_options, load_data
from musig.cli_embed import embed
from musig.cli_export import export
from musig.cli_sound import features
from musig.errors import MusigError, counted
from musig.running.parameters import Parameter, class_fields, declared, parse

if TYPE_CHECKING:
    import pandas as pd

# What `musig train` takes beside the fields of TrainConfig: how its data are prepared.
PREPARATION = """
min_playlists: int = 3  # A track belongs if it is in so many training playlists, >= 1.
min_weight: int = 2  # Edges of this weight or less are dropped, >= 0.
groups: list[str] = []  # Attribute groups, with commas; none: all that the data know.
popularity: str = "train_count"  # Which popularity, one of train_count|external.
network: str = "small"  # That makes ACOUSTIC of recordings, one of small|medium|paper.
"""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit.

    Parameters
    ----------
    arguments : sequence of str, optional
        By default the process's own.

    Raises
    ------
    SystemExit
        Always, with the exit code.

    Notes
    -----
    Notebook: 01_catalog
    """
    for stream in (sys.stdout, sys.stderr):  # names are in every script, terminals are not
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    try:
        cli.main(args=arguments, prog_name="musig", standalone_mode=False)
        sys.stdout.flush()
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except MusigError as error:
        for line in str(error).splitlines():
            click.echo(f"error: {line}", err=True)
        sys.exit(1)
    except (KeyboardInterrupt, click.Abort):
        told = "interrupted: what was finished is kept; the same command again goes on from there."
        click.echo(f"\n{told}", err=True)
        sys.exit(130)
    except BrokenPipeError:  # `musig ... | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    sys.exit(0)


@click.group(
    epilog=EXAMPLES["musig"],
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name="musig")
def cli() -> None:
    """Multi-task learning of graph-based representations of music, from playlists to a book."""


cli.add_command(data)
cli.add_command(features)
cli.add_command(compare)
cli.add_command(tune)
cli.add_command(embed)
cli.add_command(export)


@cli.command(epilog=EXAMPLES["graph"])
@data_options
@click.option(
    "--min-weight",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="Drop edges of this weight or less.",
)
@click.option(
    "--engine",
    type=click.Choice(["local", "spark"]),
    default="local",
    show_default=True,
    help="What counts: this process, or Apache Spark, on a cluster if it is set up for one.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    required=True,
    help="A Parquet file; of Spark, a folder of them.",
)
def graph(folder: str | None, dataset: str | None, min_weight: int, engine: str, out: Path) -> None:
    """Write the music graph of all playlists and tracks.

    One row an edge: source, target (track ids, source < target) and weight, the number of
    playlists in which both are.
    """
    if engine == "spark":
        from musig import spark

        spark.need()  # before the data are read
        playlists = None if dataset else spark.table_of(folder)
        n_edges = spark.write_graph(playlists or load_data(folder, dataset), out, min_weight)
        click.echo(f"{out}: {counted(n_edges, 'edge')}")
        return
    catalog = load_data(folder, dataset)
    from musig.edges import write_edges
    from musig.graph import music_graph

    ids = catalog.tracks.index.tolist()
    made = music_graph(catalog.playlists, catalog.n_tracks, min_weight, track_ids=ids)
    n_edges = write_edges(made, out)
    click.echo(f"{out}: {counted(n_edges, 'edge')} between {counted(catalog.n_tracks, 'track')}")


class Declared(click.ParamType):
    """Type of an option that is declared as a notebook's parameter is."""

    def __init__(self, parameter: Parameter) -> None:
        self.parameter = parameter
        self.name = parameter.type

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Read and check a value."""
        if not isinstance(value, str):
            return value
        try:
            return parse(self.parameter, value, "the value of")
        except MusigError as error:
            self.fail(str(error), param, ctx)


class Train(click.Command):
    """Command whose options are the fields of TrainConfig, read without importing torch."""

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        """Give its own options and one for each setting."""
        settings = [*_preparation(), *_config_fields()]
        return [
            *super().get_params(ctx)[:-1],
            *map(_option, settings),
            *super().get_params(ctx)[-1:],
        ]


def _preparation() -> list[Parameter]:
    return declared(PREPARATION, "musig train")


def _config_fields() -> list[Parameter]:
    code = Path(__file__).with_name("train.py").read_text("utf-8")
    return class_fields(code, "TrainConfig", "musig/train.py")


def _option(item: Parameter) -> click.Option:
    many = isinstance(item.default, list)
    default = ",".join(map(str, item.default)) if many else str(item.default)
    return click.Option(
        [f"--{item.name.replace('_', '-')}"],
        type=Declared(item),
        default=default.lower() if isinstance(item.default, bool) else default,
        show_default=True,
        help=item.help,
        metavar="|".join(item.choices) or item.type.upper(),
    )


@cli.command(cls=Train, epilog=EXAMPLES["train"])
@data_options
@click.option(
    "--out", type=click.Path(path_type=Path), required=True, help="The MODEL folder to make."
)
def train(folder: str | None, dataset: str | None, out: Path, **settings: Any) -> None:
    """Train MUSIG into a MODEL folder; go on with it if it was begun.

    Under torchrun several processes share each step. The batch size is that of all together.
    """
    from musig.acoustic import AcousticConfig, with_vectors
    from musig.distributed import is_first, processes, require_shareable, train_together
    from musig.modelfolder import is_finished
    from musig.running.records import RunRecord
    from musig.splits import split_playlists
    from musig.train import config_from
    from musig.training_data import prepare

    preparation = {item.name: settings[item.name] for item in _preparation()}
    config = config_from({k: v for k, v in settings.items() if k not in preparation})
    require_shareable(config, processes())  # before the data are read
    catalog = load_data(folder, dataset, settings["seed"])
    finished = is_finished(out)
    network, groups = preparation.pop("network"), preparation["groups"]
    record = RunRecord.start(
        {**settings, "data": folder or "", "dataset": "" if folder else (dataset or catalog.name)},
        "musig train",
        data=catalog.name,
        fingerprint=catalog.fingerprint,
    )
    split = split_playlists(catalog, settings["seed"])
    if not groups or "ACOUSTIC" in groups:
        hearing = AcousticConfig(network=network, seed=config.seed, device=config.device)
        catalog = with_vectors(catalog, split, hearing)
    prepared = prepare(
        catalog, split, **preparation, genres=settings["genres"], seed=settings["seed"]
    )
    trained = train_together(prepared, config, out)
    if not is_first():
        return
    if not finished:
        record.finish(trained.held_out, out / "run.json")
    state = "was finished before" if finished else f"trained in {record.seconds:.0f} s"
    click.echo(f"{out}: {counted(len(trained.tracks), 'track')}, {state}")
    for name, value in trained.held_out.items():
        click.echo(f"  {name:32} {value:.4g}")


@cli.command(epilog=EXAMPLES["complete"])
@click.option("--model", type=click.Path(path_type=Path), required=True, help="A MODEL folder.")
@click.option("--seeds", required=True, metavar="ID,ID", help="Track ids of the playlist so far.")
@click.option("--k", type=click.IntRange(min=1), default=20, show_default=True, help="How many.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
def complete(model: Path, seeds: str, k: int, as_json: bool) -> None:
    """Recommend tracks that go on with a playlist."""
    from musig.modelfolder import load

    wanted = [seed.strip() for seed in seeds.split(",") if seed.strip()]
    table = load(model).complete(wanted, k)
    if as_json:
        click.echo(json.dumps(_rows(table), ensure_ascii=False, indent=1))
    else:
        click.echo(table.to_string(index=False, na_rep="", formatters={"score": "{:.4f}".format}))


def _rows(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows of a table as JSON takes them; null for what is unknown."""
    columns = ["rank", "track_id", "name", "artist", "score"]
    known = table[columns].astype(object).where(table[columns].notna(), None)
    rows = []
    for rank, track, name, artist, score in known.itertuples(index=False):
        words = {"track_id": track, "name": name, "artist": artist}
        rows.append({"rank": int(rank), **words, "score": float(score)})
    return rows


@cli.command(epilog=EXAMPLES["run"])
@click.argument("notebooks", nargs=-1, required=True, metavar="NOTEBOOK...")
@click.option(
    "--profile", "-P", help="Name of a profile, or a .yml file.  [default: classroom, if there is]"
)
@click.option(
    "--parameter", "-p", "parameters", nargs=2, multiple=True, metavar="NAME VALUE",
    help="A parameter that goes before the profile's; may be repeated.",
)  # fmt: skip
@click.option(
    "--out", type=click.Path(path_type=Path),
    help="Folder for the executed notebooks.  [default: _build/executed/PROFILE]",
)  # fmt: skip
@click.option(
    "--jobs", type=click.IntRange(min=1), default=1, show_default=True,
    help="Notebooks at a time; the cores are shared among them.",
)  # fmt: skip
def run(
    notebooks: tuple[str, ...],
    profile: str | None,
    parameters: tuple[tuple[str, str], ...],
    out: Path | None,
    jobs: int,
) -> None:
    """Execute notebooks, given by path, name or number (05).

    Names and types of parameters are checked before anything runs. A notebook whose code,
    parameters, data and versions did not change is kept as it is.
    """
    overrides = _once(parameters)
    from musig.running import records, runs
    from musig.running.profiles import find_notebook, folder

    if profile is None and (folder() / "profiles" / "classroom.yml").is_file():
        profile = "classroom"
    paths = [find_notebook(given) for given in notebooks]
    chosen = runs.load_profile(profile, paths[0].parent) if profile else runs.Profile()
    out = out or records.folder().parent / "executed" / (chosen.name or "defaults")
    for outcome in runs.run_notebooks(paths, out, chosen, overrides, progress=True, jobs=jobs):
        click.echo(outcome.path)


def _once(parameters: tuple[tuple[str, str], ...]) -> dict[str, str]:
    """Give the parameters by name; one that is given twice is refused."""
    values: dict[str, str] = {}
    for name, value in parameters:
        if name in values:
            both = f"{values[name]} and {value}"
            raise click.UsageError(f"The parameter {name} is given twice ({both}): give it once.")
        values[name] = value
    return values


@cli.command(epilog=EXAMPLES["doctor"])
def doctor() -> None:
    """Print versions, devices, threads, and where the cache is."""
    from musig.running.environment import report

    click.echo(report())


if __name__ == "__main__":
    main()
