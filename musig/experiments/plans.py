"""What is run for each table: experiments as lists of cells.

Conventions
-----------
An experiment is named after its notebook. All folds and three-seed tables share one
:class:`~musig.experiments.cells.Evaluation`; the test part of a fold is looked at once, and nothing
is chosen here: settings are the committed ones (:func:`musig.methods.tuned`), chosen on validation
playlists of the first fold, and what a row changes of them.

``adjust`` gives settings for a method on top of the committed ones, for all rows of it: the
chapters use it to train for a minute on the embedded catalogue.

Contents
--------
- :func:`methods_table`, :func:`attribute_groups`, :func:`task_weights`, :func:`sensitivity`,
  :func:`best_ablation`, :func:`new_tracks`, :func:`relations`, :func:`generalization`: the
  experiments, :data:`EXPERIMENTS`.
- :func:`reevaluated`: cells that are evaluated further, without another training.
- :func:`command`: what makes a row or a cell again; :func:`chosen`: which cells that is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from importlib import import_module
from math import inf
from typing import TYPE_CHECKING, Any

from musig import methods
from musig.errors import MusigError, nearest
from musig.experiments.cells import BLENDS, Cell, Evaluation
from musig.relations import RELATIONS as NAMES

if TYPE_CHECKING:  # methods are imported by name: these lines tell the cache what a table rests on
    import musig.baselines.als
    import musig.baselines.chance
    import musig.baselines.content
    import musig.baselines.ease
    import musig.baselines.graphsage
    import musig.baselines.itemknn
    import musig.baselines.node2vec
    import musig.baselines.popularity
    import musig.baselines.track2vec
    import musig.baselines.userknn
    import musig.best
    import musig.blend
    import musig.described
    import musig.downstream
    import musig.encoders
    import musig.moretasks
    import musig.relational  # noqa: F401

Adjust = Mapping[str, Mapping[str, Any]]

RULES = Evaluation()
"""Those of the recorded cells: five folds, tracks in eight training playlists, half as seeds."""

SEEDS = (0, 1, 2)
"""Trainings behind a row, where it is not averaged over folds."""

FRACTIONS = (0.1, 0.2, 0.3, 0.4, 0.6, 0.7, 0.8, 0.9)
"""Shares of seeds at which the methods are evaluated again, beside one half."""

PAPER = ("als", "track2vec", "node2vec", "graphsage")
"""The classes of method that the paper compares with; als is its collaborative filtering."""

GROUPS: dict[str, dict[str, Any]] = {
    "GENRE": {"groups": ["GENRE"]},
    "POPULARITY-external": {"groups": ["POPULARITY"], "popularity": "external"},
    "POPULARITY-train_count": {"groups": ["POPULARITY"], "popularity": "train_count"},
    "AUDIO": {"groups": ["AUDIO"]},
    "ACOUSTIC": {"groups": ["ACOUSTIC"]},
    "GENRE+AUDIO": {"groups": ["GENRE", "AUDIO"]},
    "all": {"groups": ["all"], "popularity": "train_count"},
    "none": {"attributes": "none"},
    "random": {"attributes": "random"},
    "constant": {"attributes": "constant"},
}
"""Attribute groups of the table, and the controls: what a method is given to know of a track."""

SINGLE = {"weight_similarity": 0.0, "weight_genre": 0.0}
"""What makes MUSIG single-task: co-occurrence alone."""

SIMPLEX = (
    (1, 0, 0),
    (0, 1, 0),
    (0, 0, 1),
    (1 / 2, 1 / 2, 0),
    (1 / 2, 0, 1 / 2),
    (0, 1 / 2, 1 / 2),
    (2 / 3, 1 / 6, 1 / 6),
    (1 / 6, 2 / 3, 1 / 6),
    (1 / 6, 1 / 6, 2 / 3),
    (1 / 3, 1 / 3, 1 / 3),
)
"""Weights of co-occurrence, similarity and genre: corners, middles of the edges, and inside."""

FACTORS: dict[str, tuple[dict[str, Any], ...]] = {
    "hops": ({"hops": 1}, {"hops": 2}, {"hops": 3}),
    "fanouts": tuple({"steps": "sampled", "fanouts": [n, n]} for n in (5, 10, 25)),
    "embedding_size": tuple({"embedding_size": n} for n in (32, 64, 128, 256)),
    "min_weight": tuple({"min_weight": n} for n in (1, 2, 5, 10)),
}
"""One factor at a time; values that are the committed ones are computed once."""

RELATIONS: dict[str, tuple[str, ...]] = {
    "playlist": ("playlist",),
    "+artist": ("playlist", "artist"),
    "+audio": ("playlist", "audio"),
    "+consecutive": ("playlist", "consecutive"),
    "+playlist_nodes": ("playlist", "playlist_nodes"),
    "all": ("playlist", "artist", "audio", "consecutive", "playlist_nodes"),
}
"""Rows of the ablation of relations: the paper's alone, one more at a time, all of these."""

DROPPED: dict[str, Any] = {"drop_edges": 0.5, "drop_tracks": 0.5}
"""What the rows that end in -drop do without in each step: a half of either, which was not searched
for. All else is as in the row of the same name without it."""

NEW_TRACKS: dict[str, tuple[str, dict[str, Any]]] = {
    "musig": ("musig", {}),
    "musig-content": ("musig", {"groups": ["GENRE", "AUDIO"]}),
    "musig-drop": ("musig", {}),
    "musig-content-drop": ("musig", {"groups": ["GENRE", "AUDIO"]}),
    "musig-best": ("musig-best", {}),
    "graphsage": ("graphsage", {}),
    "content": ("content", {"groups": ["GENRE", "AUDIO"]}),
    "track2vec": ("track2vec", {}),
    "node2vec": ("node2vec", {}),
    "als": ("als", {}),
    "ease": ("ease", {}),
    "popularity": ("popularity", {}),
    "random": ("random", {}),
}
"""Rows that place new tracks: method and settings."""

_WITHOUT: dict[str, dict[str, Any]] = {
    "GENRE": {"groups": ["POPULARITY", "AUDIO"]},
    "AUDIO": {"groups": ["GENRE", "POPULARITY"]},
    "POPULARITY": {"groups": ["GENRE", "AUDIO"]},
}
_UNTAUGHT = {
    "GENRE": {"weight_genre": 0.0},
    "AUDIO": {"weight_similarity": 0.0},
    "POPULARITY": {},
}

USES: dict[str, tuple[str, dict[str, Any]]] = {
    "random": ("random", {}),
    "attributes": ("attributes", {"hops": 0}),
    "attributes+neighbours": ("attributes", {"hops": 2}),
    "itemknn": ("itemknn", {}),
    "ease": ("ease", {}),
    "als": ("als", {}),
    "track2vec": ("track2vec", {}),
    "node2vec": ("node2vec", {}),
    "graphsage": ("graphsage", {}),
    "musig-best": ("musig-best", {}),
    "musig-single": ("musig", SINGLE),
    "musig": ("musig", {}),
    "musig-uncertainty": ("musig", {"balance": "uncertainty"}),
    "musig-surgery": ("musig", {"balance": "surgery"}),
    "musig+artist": ("musig-tasks", {"weight_next": 0.0}),
    "musig+next": ("musig-tasks", {"weight_artist": 0.0}),
    "musig+artist+next": ("musig-tasks", {}),
    **{f"graphsage-no-{group}": ("graphsage", own) for group, own in _WITHOUT.items()},
    **{f"musig-no-{group}": ("musig", own | _UNTAUGHT[group]) for group, own in _WITHOUT.items()},
}
"""Rows of the matrix of methods and tasks. Of the last six a group of attributes is taken away,
from what the encoder is given and is taught: what it knows of it then is of playlists and of the
other groups."""


def methods_table(
    names: Sequence[str] | None = None,
    evaluation: Evaluation = RULES,
    folds: Sequence[int] | None = None,
    seeds: Sequence[int] = (0,),
    adjust: Adjust | None = None,
) -> list[Cell]:
    """Plan 07_methods: every method, and two blends, on every fold.

    Parameters
    ----------
    names : sequence of str, optional
        Rows; by default all of :data:`musig.methods.METHODS` and
        :data:`musig.experiments.cells.BLENDS`.
    evaluation : Evaluation
    folds : sequence of int, optional
        By default all of the evaluation.
    seeds : sequence of int
        Of the trainings.
    adjust : mapping, optional
        Settings by method.

    Returns
    -------
    list of Cell
        Those of the first fold are evaluated for further shares of seeds, and by how popular the
        targets are: see :func:`reevaluated`.

    Raises
    ------
    MusigError
        For an unknown method or fold.

    Notes
    -----
    Notebook: 07_methods

    Examples
    --------
    >>> len(methods_table(["popularity", "ease"]))
    10
    """
    names = [*methods.METHODS, *BLENDS] if names is None else names
    folds = range(evaluation.folds) if folds is None else folds
    first = replace(evaluation, fractions=FRACTIONS, deciles=True)
    adjust = adjust or {}
    return [
        Cell(
            "07_methods",
            name,
            name,
            _for_method(name, adjust),
            fold,
            seed,
            first if fold == 0 else evaluation,
        )
        for fold in folds
        for name in names
        for seed in seeds
    ]


def _for_method(name: str, adjust: Adjust) -> dict[str, Any]:
    """Give the settings of a method, of a blend those of its parts."""
    if name not in BLENDS:
        return dict(adjust.get(name, {}))
    parts = {part: dict(adjust[part]) for part in BLENDS[name] if part in adjust}
    return {"parts": parts} if parts else {}


def attribute_groups(
    groups: Sequence[str] | None = None,
    evaluation: Evaluation = RULES,
    fold: int = 0,
    seeds: Sequence[int] = SEEDS,
    adjust: Adjust | None = None,
) -> list[Cell]:
    """Plan 08_attribute_groups: what methods gain from knowing something of the tracks.

    Parameters
    ----------
    groups : sequence of str, optional
        Of :data:`GROUPS`; by default all.
    evaluation : Evaluation
    fold : int
        The one that is the test.
    seeds : sequence of int
        Of the trainings.
    adjust : mapping, optional
        Settings by method.

    Returns
    -------
    list of Cell
        Rows ``METHOD+GROUP`` with the methods ``track2vec``, ``graphsage``, ``musig-multi`` and
        ``musig-single``; and ``content+GROUP``, attributes without a graph, of one seed.

    Raises
    ------
    MusigError
        For an unknown group.

    Notes
    -----
    A group that the data lack is a row that says so.

    Notebook: 08_attribute_groups

    Examples
    --------
    >>> [cell.row for cell in attribute_groups(["AUDIO"], seeds=[0])][:3]
    ['track2vec+AUDIO', 'graphsage+AUDIO', 'musig-multi+AUDIO']
    """
    groups = list(GROUPS) if groups is None else groups
    for group in groups:
        if group not in GROUPS:
            raise MusigError(f"Unknown attribute group '{group}': {nearest(group, GROUPS)}")
    adjust = adjust or {}
    rows = {
        "track2vec": ("track2vec", {}),
        "graphsage": ("graphsage", {}),
        "musig-multi": ("musig", {}),
        "musig-single": ("musig", SINGLE),
    }
    cells = []
    for seed in seeds:
        for group in groups:
            for row, (method, own) in rows.items():
                settings = {**adjust.get(method, {}), **own, **GROUPS[group]}
                cells.append(
                    Cell(
                        "08_attribute_groups",
                        f"{row}+{group}",
                        method,
                        settings,
                        fold,
                        seed,
                        evaluation,
                    )
                )
            if seed == seeds[0] and "groups" in GROUPS[group]:
                cells.append(
                    Cell(
                        "08_attribute_groups",
                        f"content+{group}",
                        "content",
                        GROUPS[group],
                        fold,
                        seed,
                        evaluation,
                    )
                )
    return cells


def task_weights(
    points: Sequence[tuple[float, float, float]] = SIMPLEX,
    evaluation: Evaluation = RULES,
    fold: int = 0,
    seeds: Sequence[int] = SEEDS,
    adjust: Adjust | None = None,
) -> list[Cell]:
    """Plan 09_task_weights: MUSIG with its three tasks weighted in many ways.

    Parameters
    ----------
    points : sequence of (co-occurrence, similarity, genre)
        Weights, by default :data:`SIMPLEX`; a weight of 0 leaves the task out.
    evaluation : Evaluation
    fold : int
        The one that is the test.
    seeds : sequence of int
        Of the trainings.
    adjust : mapping, optional
        Settings by method.

    Returns
    -------
    list of Cell
        Rows such as ``0.67-0.17-0.17``; ``default``, the committed weights; and ``uncertainty`` and
        ``surgery``, which begin at the committed weights and learn from the losses and gradients.

    Raises
    ------
    MusigError
        If a point is not three numbers, none below 0 and not all 0.

    Notes
    -----
    Learned weights are an answer to what the paper leaves for future work (Kendall et al. 2018; Yu
    et al. 2020); see :mod:`musig.balance`. A training without a task leaves no measure of it:
    :mod:`musig.probes` measures all three tasks of every row in the same way.

    Notebook: 09_task_weights

    Examples
    --------
    >>> [cell.row for cell in task_weights([(1, 0, 0)], seeds=[0])]
    ['1.00-0.00-0.00', 'default', 'uncertainty', 'surgery']
    """
    for point in points:
        if len(point) != 3 or not all(0 <= weight < inf for weight in point) or not any(point):
            raise MusigError(
                f"The weights {', '.join(map(str, point)) or 'given'} are no mixture of tasks;"
                " expected three numbers, none below 0 and not all 0: of co-occurrence, similarity"
                " and genre."
            )
    own = dict((adjust or {}).get("musig", {}))
    tasks = ("weight_cooccurrence", "weight_similarity", "weight_genre")
    rows: dict[str, dict[str, Any]] = {
        point_name(point): dict(zip(tasks, map(float, point), strict=True)) for point in points
    }
    rows |= {"default": {}} | {name: {"balance": name} for name in ("uncertainty", "surgery")}
    return [
        Cell("09_task_weights", row, "musig", own | settings, fold, seed, evaluation, probes=True)
        for seed in seeds
        for row, settings in rows.items()
    ]


def point_name(point: Sequence[float]) -> str:
    """Name a point of the simplex.

    Parameters
    ----------
    point : sequence of float
        Weights of co-occurrence, similarity and genre.

    Returns
    -------
    str
        The row of it.

    Notes
    -----
    Notebook: 09_task_weights

    Examples
    --------
    >>> point_name((2 / 3, 1 / 6, 1 / 6))
    '0.67-0.17-0.17'
    """
    return "-".join(f"{weight:.2f}" for weight in point)


def sensitivity(
    factors: Sequence[str] | None = None,
    evaluation: Evaluation = RULES,
    fold: int = 0,
    seeds: Sequence[int] = SEEDS,
    adjust: Adjust | None = None,
) -> list[Cell]:
    """Plan 10_sensitivity: one factor of the paper's MUSIG at a time.

    Parameters
    ----------
    factors : sequence of str, optional
        Of :data:`FACTORS`; by default all.
    evaluation : Evaluation
    fold : int
        The one that is the test.
    seeds : sequence of int
        Of the trainings.
    adjust : mapping, optional
        Settings by method.

    Returns
    -------
    list of Cell
        Rows ``default`` and ``FACTOR=VALUE``.

    Raises
    ------
    MusigError
        For an unknown factor.

    Notes
    -----
    What needs no training is in :func:`reevaluated`.

    Notebook: 10_sensitivity

    Examples
    --------
    >>> [cell.row for cell in sensitivity(["hops"], seeds=[0])]
    ['default', 'hops=1', 'hops=2', 'hops=3']
    """
    factors = list(FACTORS) if factors is None else factors
    own = dict((adjust or {}).get("musig", {}))
    rows: dict[str, dict[str, Any]] = {"default": {}}
    for factor in factors:
        if factor not in FACTORS:
            raise MusigError(f"Unknown factor '{factor}': {nearest(factor, FACTORS)}")
        for settings in FACTORS[factor]:
            value = settings[factor]
            rows[f"{factor}={value[0] if isinstance(value, list) else value}"] = settings
    return [
        Cell("10_sensitivity", row, "musig", own | settings, fold, seed, evaluation)
        for seed in seeds
        for row, settings in rows.items()
    ]


def relations(
    rows: Sequence[str] | None = None,
    evaluation: Evaluation = RULES,
    fold: int = 0,
    seeds: Sequence[int] = SEEDS,
    adjust: Adjust | None = None,
) -> list[Cell]:
    """Plan 13_relations: MUSIG with one relation more.

    Parameters
    ----------
    rows : sequence of str, optional
        Of :data:`RELATIONS`, or further relations to be put beside the paper's, such as ``+album``;
        by default all of :data:`RELATIONS`.
    evaluation : Evaluation
    fold : int
        The one that is the test.
    seeds : sequence of int
        Of the trainings.
    adjust : mapping, optional
        Settings by method; those of ``musig`` are taken.

    Returns
    -------
    list of Cell
        All three tasks are probed. A relation that the data lack is a row that says so.

    Raises
    ------
    MusigError
        For an unknown row.

    Notes
    -----
    The row ``playlist`` is the paper's MUSIG: one relation, and the same embeddings to the last
    bit.

    Notebook: 13_relations

    Examples
    --------
    >>> [cell.row for cell in relations(["playlist", "+album"], seeds=[0])]
    ['playlist', '+album']
    """
    known = RELATIONS | {f"+{name}": ("playlist", name) for name in NAMES if name != "playlist"}
    own = dict((adjust or {}).get("musig", {}))
    for row in rows or ():
        if row not in known:
            raise MusigError(f"Unknown row '{row}': {nearest(row, known)}")
    return [
        Cell(
            "13_relations",
            row,
            "musig-relations",
            own | {"relations": list(known[row])},
            fold,
            seed,
            evaluation,
            probes=True,
        )
        for seed in seeds
        for row in rows or RELATIONS
    ]


def reevaluated(
    names: Sequence[str] = ("popularity", "itemknn", "ease", "als", "musig", "musig-best"),
    evaluation: Evaluation = RULES,
    adjust: Adjust | None = None,
) -> list[Cell]:
    """Plan what 10_sensitivity shows without another training.

    Parameters
    ----------
    names : sequence of str
        Rows of :func:`methods_table`.
    evaluation : Evaluation
    adjust : mapping, optional
        Settings by method, those of the methods table.

    Returns
    -------
    list of Cell
        Of the first fold of :func:`methods_table`: they hold the scores for other shares of seeds
        (:data:`FRACTIONS`) and by how popular the targets are.

    Notes
    -----
    Notebook: 10_sensitivity

    Examples
    --------
    >>> [cell.name for cell in reevaluated(["ease"])]
    ['07_methods/ease-fold0-seed0']
    """
    return methods_table(names, evaluation, folds=[0], adjust=adjust)


def generalization(
    names: Sequence[str] | None = None,
    evaluation: Evaluation = RULES,
    fold: int = 0,
    seeds: Sequence[int] = SEEDS,
    adjust: Adjust | None = None,
) -> list[Cell]:
    """Plan 14_generalization: what else the embeddings of every method are good for.

    Parameters
    ----------
    names : sequence of str, optional
        Rows of :data:`USES`; by default all.
    evaluation : Evaluation
    fold : int
        The one that is the test.
    seeds : sequence of int
        Of the trainings; rows without chance in them have the first alone, and so has musig-best.
    adjust : mapping, optional
        Settings by method; those of ``musig`` are also for ``musig-tasks``.

    Returns
    -------
    list of Cell
        By the protocol of :mod:`musig.downstream`.

    Raises
    ------
    MusigError
        For an unknown row.

    Notes
    -----
    Notebook: 14_generalization

    Examples
    --------
    >>> [cell.name for cell in generalization(["ease"])]
    ['14_generalization/ease-fold0-seed0']
    """
    names = list(USES) if names is None else names
    for name in names:
        if name not in USES:
            raise MusigError(f"Unknown row '{name}': {nearest(name, USES)}")
    adjust = dict(adjust or {})
    adjust.setdefault("musig-tasks", adjust.get("musig", {}))
    return [
        Cell(
            "14_generalization",
            name,
            method,
            {**adjust.get(method, {}), **own},
            fold,
            seed,
            evaluation,
            protocol="downstream",
        )
        for seed in seeds
        for name, (method, own) in ((name, USES[name]) for name in names)
        if seed == seeds[0] or method not in ("itemknn", "ease", "attributes", "musig-best")
    ]


def best_ablation(
    rows: Mapping[str, Mapping[str, Any]] | None = None,
    evaluation: Evaluation = RULES,
    fold: int = 0,
    seeds: Sequence[int] = (0,),
    adjust: Adjust | None = None,
) -> list[Cell]:
    """Plan the ablation of musig-best: which idea carried the gain.

    Parameters
    ----------
    rows : mapping of str to mapping, optional
        Name of a row to what it changes of the committed settings; by default ``ABLATION`` of
        :mod:`musig.best`, at most twelve.
    evaluation : Evaluation
    fold : int
        The one that is the test.
    seeds : sequence of int
        Of the trainings; one by default, since a training takes minutes.
    adjust : mapping, optional
        Settings by method.

    Returns
    -------
    list of Cell
        Rows ``full`` and those.

    Raises
    ------
    MusigError
        If there are more than twelve.

    Notes
    -----
    Notebook: 07_methods

    Examples
    --------
    >>> [cell.row for cell in best_ablation({"no-dropout": {"dropout": 0.0}})]
    ['full', 'no-dropout']
    """
    if rows is None:
        try:
            module = import_module(methods.module_of("musig-best"))
        except ModuleNotFoundError:
            return []
        rows = getattr(module, "ABLATION", {})
    if len(rows) > 12:
        raise MusigError(f"The ablation has {len(rows)} rows; expected at most twelve.")
    own = dict((adjust or {}).get("musig-best", {}))
    return [
        Cell("07_ablation", row, "musig-best", own | dict(settings), fold, seed, evaluation)
        for seed in seeds
        for row, settings in {"full": {}, **rows}.items()
    ]


def new_tracks(
    names: Sequence[str] | None = None,
    evaluation: Evaluation = RULES,
    fold: int = 0,
    seeds: Sequence[int] = SEEDS,
    adjust: Adjust | None = None,
    dropped: Mapping[str, Any] = DROPPED,
) -> list[Cell]:
    """Plan 12_new_tracks: methods that have to place tracks they were not trained with.

    Parameters
    ----------
    names : sequence of str, optional
        Of :data:`NEW_TRACKS`; by default all.
    evaluation : Evaluation
    fold : int
        The one that is the test.
    seeds : sequence of int
        Of the trainings; a method that is not random has the first, and so has musig-best, which
        takes minutes.
    adjust : mapping, optional
        Settings by method.
    dropped : mapping
        What the rows that end in -drop do without, by setting.

    Returns
    -------
    list of Cell
        Of the protocol ``new_tracks`` (:mod:`musig.newtracks`).

    Raises
    ------
    MusigError
        For an unknown row.

    Notes
    -----
    Notebook: 12_new_tracks

    Examples
    --------
    >>> [f"{cell.row} {cell.seed}" for cell in new_tracks(["content", "als"], seeds=[0, 1])]
    ['content 0', 'als 0', 'als 1']
    """
    names = list(NEW_TRACKS) if names is None else names
    adjust = adjust or {}
    cells = []
    for number, seed in enumerate(seeds):
        for name in names:
            if name not in NEW_TRACKS:
                raise MusigError(f"Unknown row '{name}': {nearest(name, NEW_TRACKS)}")
            method, own = NEW_TRACKS[name]
            random = method in methods.METHODS and methods.is_random(method)
            if number == 0 or (random and method != "musig-best"):
                left_out = dropped if name.endswith("-drop") else {}
                settings = {**adjust.get(method, {}), **own, **left_out}
                cells.append(
                    Cell(
                        "12_new_tracks",
                        name,
                        method,
                        settings,
                        fold,
                        seed,
                        evaluation,
                        protocol="new_tracks",
                    )
                )
    return cells


EXPERIMENTS: dict[str, Callable[[], list[Cell]]] = {
    "07_methods": methods_table,
    "07_ablation": best_ablation,
    "08_attribute_groups": attribute_groups,
    "09_task_weights": task_weights,
    "10_sensitivity": sensitivity,
    "12_new_tracks": new_tracks,
    "13_relations": relations,
    "14_generalization": generalization,
}
"""What is recorded: experiment to function."""


def planned() -> list[Cell]:
    """List every cell that is recorded.

    Returns
    -------
    list of Cell
        Of all :data:`EXPERIMENTS`, on real data.

    Notes
    -----
    Notebook: 07_methods

    Examples
    --------
    >>> len({cell.name for cell in planned()}) == len(planned()) > 200
    True
    """
    return [cell for plan in EXPERIMENTS.values() for cell in plan()]


def command(of: Cell | str) -> str:
    """Say what makes a cell, a row or an experiment again.

    Parameters
    ----------
    of : Cell or str
        A cell, or ``EXPERIMENT/ROW``, or ``EXPERIMENT``.

    Returns
    -------
    str
        To be typed in the folder of the project.

    Notes
    -----
    Notebook: 07_methods

    Examples
    --------
    >>> command("07_methods/ease"), command(Cell("07_methods", "ease", "ease"))
    ('make results ROW=07_methods/ease', 'make results ROW=07_methods/ease-fold0-seed0')
    """
    return f"make results ROW={of if isinstance(of, str) else of.name}"


def chosen(asked: Iterable[str], cells: Iterable[Cell] | None = None) -> list[Cell]:
    """Find the cells that are meant.

    Parameters
    ----------
    asked : iterable of str
        Each an experiment, ``EXPERIMENT/ROW``, with ``-foldF`` and ``-seedS`` if need be; ``*``
        stands for anything. None at all: every cell.
    cells : iterable of Cell, optional
        By default :func:`planned`.

    Returns
    -------
    list of Cell
        Each once, in the order of the plan.

    Raises
    ------
    MusigError
        If nothing has such a name, with the nearest.

    Notes
    -----
    Notebook: 07_methods

    Examples
    --------
    >>> [cell.name for cell in chosen(["07_methods/ease-fold3"])]
    ['07_methods/ease-fold3-seed0']
    """
    cells = planned() if cells is None else list(cells)
    names = {cell.name: _names(cell) for cell in cells}
    taken: set[str] = set()
    for pattern in asked:
        found = {
            name
            for name, known in names.items()
            if any(fnmatchcase(each, pattern) for each in known)
        }
        if not found:
            everything = dict.fromkeys(each for known in names.values() for each in known[:2])
            everything |= dict.fromkeys(each for known in names.values() for each in known[2:])
            told = nearest(pattern, everything)
            raise MusigError(f"No row is called '{pattern}': {_short(told)}")
        taken |= found
    return [cell for cell in cells if not asked or cell.name in taken]


def _names(cell: Cell) -> list[str]:
    """All that a cell answers to, the widest first."""
    row = f"{cell.experiment}/{cell.row}"
    return [cell.experiment, row, f"{row}-fold{cell.fold}", cell.name]


def _short(told: str, most: int = 12) -> str:
    """Cut a long list of names."""
    names = told.split(", ")
    return told if len(names) <= most else ", ".join(names[:most]) + ", …"
