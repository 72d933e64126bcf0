"""Experiments: every table of the book as cells that are computed one by one and kept.

Following ranx (Bassani, ECIR 2022), scores of every playlist are kept and means come last, so that
a table says not only which row is higher but which row *beats* which: on the same playlists,
tested, and corrected for the number of tests.

Conventions
-----------
An experiment is named after its notebook. It is a function that gives *cells*
(:mod:`musig.experiments.plans`); cells are computed (:mod:`musig.experiments.work`) or read as they
are recorded (:mod:`musig.experiments.store`), and put in tidy tables
(:mod:`musig.experiments.tables`). The fingerprint of a cell holds its method's source and not this
package's, so that a new table costs no training.

Contents
--------
comparison: methods side by side under one protocol, computed at once. cells, plans, store, work,
tables: as above. claims: the paper's, put to the test. The names below are theirs.
"""

from musig.experiments.cells import Cell, CellResult, Evaluation, run_cell
from musig.experiments.comparison import (
    LOWER_IS_BETTER,
    NEITHER_IS_BETTER,
    TESTED,
    compare_methods,
    completion_table,
    evaluate_methods,
)
from musig.experiments.plans import (
    attribute_groups,
    best_ablation,
    chosen,
    command,
    generalization,
    methods_table,
    new_tracks,
    planned,
    reevaluated,
    relations,
    sensitivity,
    task_weights,
)
from musig.experiments.store import RECORDED, read
from musig.experiments.work import run

__all__ = [
    "LOWER_IS_BETTER",
    "NEITHER_IS_BETTER",
    "RECORDED",
    "TESTED",
    "Cell",
    "CellResult",
    "Evaluation",
    "attribute_groups",
    "best_ablation",
    "chosen",
    "command",
    "compare_methods",
    "completion_table",
    "evaluate_methods",
    "generalization",
    "methods_table",
    "new_tracks",
    "planned",
    "read",
    "reevaluated",
    "relations",
    "run",
    "run_cell",
    "sensitivity",
    "task_weights",
]
