"""The claim that the embeddings generalise: a test of other uses, by artist.

Conventions
-----------
Takes cells of the protocol :mod:`musig.downstream`. Hit-rate has no part in it, so that both
readings of it (:mod:`musig.experiments.findings`) say the same.

Contents
--------
- :data:`UNTAUGHT`: the uses that MUSIG is not trained for; :func:`generalises`: the test.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from musig.experiments import tables
from musig.experiments.findings import Finding, Rules, Running, Wanted
from musig.experiments.tables import Row

UNTAUGHT = ("popularity_spearman", "artist_r_precision", "theme_auc")
"""MUSIG is taught co-occurrence, sound and genre, and none of these."""


def generalises(of: Sequence[Row], rules: Rules) -> Running:
    """Test whether what MUSIG learned serves uses that it was not trained for.

    Parameters
    ----------
    of : sequence of Row
        MUSIG; MUSIG taught co-occurrence alone; attributes with those of neighbours.
    rules : Rules

    Returns
    -------
    generator
        To :class:`musig.experiments.findings.Finding`, which holds where MUSIG is above both of the
        others in each use.

    Notes
    -----
    Notebook: 11_claims
    """
    units = [tables.by_unit(row) for row in of]
    asked = [use for use in UNTAUGHT if all(use in each for each in units)]
    pairs = [(0, 1), (0, 2)]
    values = [
        np.stack([each[use].dropna().to_numpy(dtype=np.float64) for each in units], axis=1)
        for use in asked
    ]
    everything = yield Wanted(values, [pairs] * len(values))
    told, short = [], [f"there is no {use} in this data" for use in UNTAUGHT if use not in asked]
    for use, table, found in zip(asked, values, everything, strict=True):
        for (a, b), each in zip(pairs, found, strict=True):
            told.append(
                f"{use} of {of[a].row} {table[:, a].mean():.3f}, of {of[b].row}"
                f" {table[:, b].mean():.3f}"
                f" ({each.difference:+.3f} [{each.low:+.3f}, {each.high:+.3f}])"
            )
            if each.difference < 0 and each.p <= rules.level:
                short.append(f"{of[a].row} is below {of[b].row} in {use}")
    tests = [each for found in everything for each in found]
    holds = not short and bool(tests) and all(each.difference > 0 for each in tests)
    reading = (holds, max((each.p for each in tests), default=1.0))
    first = tests[0] if tests else None
    return Finding(
        "; ".join(told),
        f"{asked[0] if asked else UNTAUGHT[0]}, {of[0].row} less {of[1].row}",
        first.difference if first else float("nan"),
        first.low if first else float("nan"),
        first.high if first else float("nan"),
        dict.fromkeys(rules.readings, reading),
        len(values[0]) if values else 0,
        "; ".join(short),
    )
