"""Write the entries of one benchmark into ``_build/bench.json``, beside those of the others."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

OUT = Path("_build/bench.json")


def record(entries: Sequence[Mapping[str, Any]], out: Path = OUT) -> None:
    """Replace the entries of the same work and peer; leave all others as they are."""
    known = json.loads(out.read_text(encoding="utf-8")) if out.is_file() else []
    ours = {(entry["work"], entry["peer"]) for entry in entries}
    kept = [entry for entry in known if (entry["work"], entry["peer"]) not in ours]
    out.parent.mkdir(parents=True, exist_ok=True)
    passing = out.with_suffix(".partial")
    passing.write_text(json.dumps([*kept, *entries], indent=1) + "\n", encoding="utf-8")
    passing.replace(out)
