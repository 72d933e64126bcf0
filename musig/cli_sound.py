"""The command ``musig features``: the nine audio features of a folder of recordings.

Conventions
-----------
As in :mod:`musig.cli`. The table is written before anything is complained of.

Contents
--------
- :data:`features`: the command.
"""

from __future__ import annotations

from pathlib import Path

import click

from musig.cli_data import EXAMPLES
from musig.errors import MusigError, counted


@click.command(epilog=EXAMPLES["features"])
@click.argument("folder", type=click.Path(path_type=Path))
@click.option(
    "--out", type=click.Path(path_type=Path), required=True,
    help="The table to write, .parquet or .csv.",
)  # fmt: skip
@click.option(
    "--estimator",
    type=click.Choice(["signal", "vibenet"]),
    default="signal",
    show_default=True,
    help="What estimates them; vibenet is installed apart.",
)
@click.option(
    "--window", type=click.FloatRange(min=3), metavar="SECONDS",
    help="Take the mean over windows so long; loudness is always that of the whole recording.  "
    "[default: the whole recording]",
)  # fmt: skip
@click.option(
    "--jobs", type=click.IntRange(min=1), help="Files at a time.  [default: one a core]"
)  # fmt: skip
@click.option(
    "--against", type=click.Path(path_type=Path), metavar="TABLE",
    help="Compare with these features: FMA's echonest.csv, or a table with track_id or path.",
)  # fmt: skip
def features(
    folder: Path,
    out: Path,
    estimator: str,
    window: float | None,
    jobs: int | None,
    against: Path | None,
) -> None:
    """Estimate the nine audio features of every sound file of a folder.

    What was computed before, and has not changed, is kept. The exit code is 1 if nothing could be
    told of some file; they are listed, and have a row with the error in the table.
    """
    from musig.agreement import agreement, is_echonest, matched, read_truth
    from musig.feature_table import broken, feature_table
    from musig.recordings import OTHER_SUFFIXES, SUFFIXES, passed_over

    truth = None if against is None else read_truth(against)
    others = passed_over(folder)
    if others:
        ends = ", ".join(
            end for end in OTHER_SUFFIXES if any(end == p.suffix.lower() for p in others)
        )
        click.echo(
            f"{counted(len(others), 'sound file')} of other kinds passed over ({ends}): only "
            f"{', '.join(SUFFIXES)} are read. Convert them.",
            err=True,
        )
    table = feature_table(folder, out, estimator, window, jobs)
    problems = broken(table)
    told = counted(len(table) - len(problems), "recording")
    click.echo(f"{out}: the features of {told}, by the estimator {estimator}")
    if truth is not None:
        found = agreement(matched(table, truth), truth)
        click.echo(f"\nrank correlation (Spearman) with {against}, and its 95 % interval")
        if estimator == "vibenet" and against and is_echonest(against):
            click.echo("vibenet learned from these very labels: this is not evidence of its own")
        click.echo(found.to_string(index=False, na_rep="", float_format="{:.2f}".format))
    if problems:
        raise MusigError("\n".join(problems))
