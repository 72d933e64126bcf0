"""The table of measurements in ``benchmarks/README.md``, from ``benchmarks/measured.json``.

python benchmarks/table.py --record    # take over _build/bench.json, then write the table
python benchmarks/table.py             # write the table anew
"""

from __future__ import annotations

import argparse
import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
MEASURED, README = HERE / "measured.json", HERE / "README.md"
BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"


def table(entries: Sequence[Mapping[str, Any]]) -> str:
    """Put the entries of one thread first, those of two below; a row a peer."""
    lines = [
        "| work | against | ours, s | theirs, s | ratio (range) | bar | equal |",
        "| --- | --- | --: | --: | --- | --: | --- |",
    ]
    for one in sorted(entries, key=lambda one: one["threads"]):  # stable: else as measured
        threads = f" ({one['threads']} threads)" if one["threads"] > 1 else ""
        low, high = one["ratio_range"]
        bar, missed = "", ""
        if one["bar"] is not None:
            bar = f"{one['bar']:g}"
            missed = "" if one["ratio"] >= one["bar"] else " **missed**"
        if one.get("memory_mb") is not None:
            bar += f"; {one['memory_bar_mb']:g} MB" if one.get("memory_bar_mb") else ""
        memory = f"; {one['memory_mb']:.0f} MB" if one.get("memory_mb") is not None else ""
        equal = {True: "yes", False: "**no**", None: ""}[one["equal"]]
        lines.append(
            f"| {one['work']}{threads} | {one['peer']} | {one['ours']:.3g}{memory} "
            f"| {one['theirs']:.3g} | {one['ratio']:.3g} ({low:.3g} to {high:.3g}, "
            f"n = {one['repeats']}) | {bar}{missed} | {equal} |"
        )
    return "\n".join(lines)


def written(readme: str, entries: Sequence[Mapping[str, Any]]) -> str:
    """Put the table in its place."""
    before, rest = readme.split(BEGIN)
    return f"{before}{BEGIN}\n{table(entries)}\n{END}{rest.split(END)[1]}"


def main() -> None:
    """Write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--record", type=Path, nargs="?", const=Path("_build/bench.json"))
    arguments = parser.parse_args()
    if arguments.record:
        shutil.copyfile(arguments.record, MEASURED)
    entries = json.loads(MEASURED.read_text("utf-8"))
    README.write_text(written(README.read_text("utf-8"), entries), "utf-8")


if __name__ == "__main__":
    main()
