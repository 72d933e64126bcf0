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
from musig.statistics import PairedTest, holm

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
        others in each use. Its difference is the one that decides: in units of its own interval
        the least. Where MUSIG is said to be below, that is so after Holm's correction over all
        comparisons of the claim.

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
    short = [f"there is no {use} in this data" for use in UNTAUGHT if use not in asked]
    if not asked:
        nothing = float("nan")
        reading = dict.fromkeys(rules.readings, (False, 1.0))
        return Finding("", UNTAUGHT[0], nothing, nothing, nothing, reading, 0, "; ".join(short))
    told, compared = [], []
    for use, table, found in zip(asked, values, everything, strict=True):
        for (a, b), each in zip(pairs, found, strict=True):
            compared.append((use, of[a].row, of[b].row, each, len(table)))
            told.append(
                f"{use} of {of[a].row} {table[:, a].mean():.3f}, of {of[b].row}"
                f" {table[:, b].mean():.3f}"
                f" ({each.difference:+.3f} [{each.low:+.3f}, {each.high:+.3f}])"
            )
    p = [each.p for *_, each, _ in compared]
    for (use, first, second, each, _), corrected in zip(compared, holm(np.array(p)), strict=True):
        if each.difference < 0 and corrected <= rules.level:
            short.append(f"{first} is below {second} in {use}")
    holds = not short and all(each.difference > 0 for *_, each, _ in compared)
    # measures are in different units: the least is that of its own interval's width
    use, first, second, least, n = min(compared, key=lambda one: _in_widths(one[3]))
    return Finding(
        "; ".join(told),
        f"{use}, {first} less {second}",
        least.difference,
        least.low,
        least.high,
        dict.fromkeys(rules.readings, (holds, max(p))),
        n,
        "; ".join(short),
    )


def _in_widths(test: PairedTest) -> float:
    return test.difference / max(test.high - test.low, 1e-12)
