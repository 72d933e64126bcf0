"""From measured growth to other sizes: exponents, unit costs, and where a limit is reached.

Two ways to say how a step grows. An *exponent* (twice the tracks, so much more time) is short, and
misleads where a step has a constant part, or two that grow apart. A *unit cost* (so much for each
entry, pair, edge, score) needs to know what the step works through, and then holds further. The
first is drawn, the second is what other sizes are reckoned with.

Conventions
-----------
A *point* is a dict, as ``benchmarks/growth.py`` writes them: what was varied (``playlists``,
``tracks``, ``embedding_size``, ``hops``, ``min_weight``), what was found (``entries``, ``pairs``,
``edges``, ``way``) and ``measured``: by step ``cpu`` (seconds of all threads), ``wall`` and
``peak_mb`` (the most the process held while the step ran, over what it held before everything; None
where it cannot be measured). Intervals are of 95 %.

Contents
--------
- :class:`PowerLaw`, :func:`power_law`: exponents, fitted to logarithms.
- :data:`DRIVERS`, :func:`drivers`, :class:`UnitCosts`, :func:`unit_costs`: what a step works
  through, and what a unit of it costs.
- :func:`sized`: what another size holds; :func:`breaking_point`: where a limit is reached.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy import optimize, stats

from musig.errors import MusigError, counted

LEVEL = 0.95
TEST_SHARE = 0.1
"""Of the playlists, in the split that is measured."""
Point = Mapping[str, Any]


@dataclass(frozen=True)
class PowerLaw:
    """A quantity as a product of powers: ``value = factor · Π quantity ** exponent``."""

    names: tuple[str, ...]
    """Of the quantities."""
    exponents: np.ndarray
    """float64, shape (n_names,); NaN where there were too few points."""
    low: np.ndarray
    high: np.ndarray
    """Ends of the exponents' intervals; NaN without a point to spare."""
    n: int
    """Points that were fitted."""
    _coefficients: np.ndarray = field(repr=False)
    _covariance: np.ndarray = field(repr=False)
    _noise: float = field(repr=False)

    def predict(self, **quantities: float) -> tuple[float, float, float]:
        """Reckon the value of another size.

        Parameters
        ----------
        **quantities : float, > 0
            One for each name.

        Returns
        -------
        value, low, high : float
            With the interval of a single new measurement, if the law holds that far: NaN where
            there was no point to spare.
        """
        row = np.array([1.0, *(np.log(quantities[name]) for name in self.names)])
        middle = float(row @ self._coefficients)
        free = self.n - len(row)
        if free < 1:
            return float(np.exp(middle)), float("nan"), float("nan")
        spread = float(np.sqrt(self._noise + row @ self._covariance @ row))
        reach = float(stats.t.ppf((1 + LEVEL) / 2, free)) * spread
        with np.errstate(over="ignore"):
            return tuple(float(np.exp(middle + side)) for side in (0.0, -reach, reach))  # type: ignore[return-value]


def power_law(values: Sequence[float], **quantities: Sequence[float]) -> PowerLaw:
    """Fit exponents by least squares in the logarithms.

    Parameters
    ----------
    values : sequence of float, length n
        Points where a number is missing or not above 0 are left out.
    **quantities : sequence of float, length n
        What the values grow with.

    Returns
    -------
    PowerLaw
        All NaN where there are fewer points than numbers to fit, or a quantity does not vary.

    Notes
    -----
    The errors of logarithms are errors in per cent, the same for small and large values. Intervals
    are those of ordinary least squares, by Student's t. They hold if the law does: a step that has
    a constant part as well grows more slowly at first than later.
    Notebook: 15_speed_and_scale

    Examples
    --------
    >>> law = power_law([1, 4, 16, 64], n=[1, 2, 4, 8])
    >>> law.exponents.round(6).tolist(), round(law.predict(n=16)[0], 3)
    ([2.0], 256.0)
    """
    names = tuple(quantities)
    table = np.array([values, *quantities.values()], dtype=float)
    table = table[:, (np.isfinite(table) & (table > 0)).all(axis=0)]
    y, x = np.log(table[0]), np.column_stack([np.ones(table.shape[1]), *np.log(table[1:])])
    n, k = x.shape
    nothing = np.full(k, np.nan)
    if n < k or np.linalg.matrix_rank(x) < k:
        unknown = np.full((k, k), np.nan)
        none = nothing[1:]
        return PowerLaw(names, none, none, none, n, nothing, unknown, float("nan"))
    coefficients = np.linalg.lstsq(x, y, rcond=None)[0]
    if n == k:
        unknown = np.full((k, k), np.nan)
        none = nothing[1:]
        return PowerLaw(names, coefficients[1:], none, none, n, coefficients, unknown, float("nan"))
    noise = float(((y - x @ coefficients) ** 2).sum() / (n - k))
    covariance = noise * np.linalg.inv(x.T @ x)
    reach = stats.t.ppf((1 + LEVEL) / 2, n - k) * np.sqrt(np.diag(covariance))
    low, high = (coefficients + side * reach for side in (-1, 1))
    return PowerLaw(names, coefficients[1:], low[1:], high[1:], n, coefficients, covariance, noise)


DRIVERS: dict[str, dict[str, tuple[str, ...]]] = {
    "cpu": {
        "read": ("constant", "entries", "tracks"),
        "graph": ("constant", "entries", "pairs", "edges"),
        "prepare": ("constant", "entries", "pairs", "edges", "tracks"),
        "begin": ("constant", "entries", "edges", "numbers"),
        "epoch": ("constant", "numbers", "hidden"),
        "evaluate": ("constant", "entries", "edges", "scores"),
    },
    "peak_mb": {
        "read": ("constant", "entries", "tracks"),
        "graph": ("constant", "entries", "edges"),
        "prepare": ("constant", "entries", "edges", "tracks"),
        "begin": ("constant", "entries", "edges", "numbers"),
        "epoch": ("constant", "entries", "edges", "numbers"),
        "evaluate": ("constant", "entries", "edges", "numbers"),
    },
}
"""What each step works through, and what it holds. See :func:`drivers`."""


def drivers(point: Point) -> dict[str, float]:
    """Count what the steps of a point work through.

    Parameters
    ----------
    point : mapping
        With ``playlists``, ``tracks``, ``entries``, ``pairs``, ``edges``, ``embedding_size``.

    Returns
    -------
    dict of str to float
        ``constant``, 1; ``entries`` of playlists; ``tracks``; ``pairs`` of tracks in the same
        playlist, playlist by playlist; ``edges``; ``numbers``, tracks times the embedding's width;
        ``scores``, test playlists times tracks; ``hidden``, edges that an epoch goes through anew
        where genre is hidden: all of them in each step, and there are as many steps as tracks ask
        for.

    Notes
    -----
    Notebook: 15_speed_and_scale
    """
    playlists, tracks = float(point["playlists"]), float(point["tracks"])
    return {
        "constant": 1.0,
        "entries": float(point["entries"]),
        "tracks": tracks,
        "pairs": float(point["pairs"]),
        "edges": float(point["edges"]),
        "numbers": tracks * point["embedding_size"],
        "scores": TEST_SHARE * playlists * tracks,
        "hidden": tracks / 1024 * float(point["edges"]),
    }


@dataclass(frozen=True)
class UnitCosts:
    """What a step costs, as a sum over what it works through."""

    step: str
    what: str
    """``cpu``, seconds, or ``peak_mb``."""
    costs: dict[str, float]
    """Of a unit of each driver, 0 or more."""
    others: tuple[dict[str, float], ...]
    """The same, fitted without one of the points in turn."""
    worst: float
    """The largest error of a point that was fitted, as a share of it."""
    n: int
    """Points that were fitted."""

    def predict(self, counts: Mapping[str, float]) -> tuple[float, float, float]:
        """Reckon the cost of another size.

        Parameters
        ----------
        counts : mapping of str to float
            Of :func:`drivers`.

        Returns
        -------
        value, low, high : float
            With the range over fits that lack one of the points: NaN where there were too few.
        """
        value, *rest = (
            sum(cost * counts[name] for name, cost in costs.items())
            for costs in (self.costs, *self.others)
        )
        if not rest:
            return value, float("nan"), float("nan")
        return value, min(value, *rest), max(value, *rest)


def unit_costs(points: Sequence[Point], step: str, what: str = "cpu") -> UnitCosts:
    """Fit what a unit of each driver costs.

    Parameters
    ----------
    points : sequence of mapping
        As measured; those that lack the step are left out, and of ``begin`` and ``epoch`` those
        whose steps are full, as those of large graphs are not.
    step : str
        One of :data:`STEPS`.
    what : {"cpu", "peak_mb"}

    Returns
    -------
    UnitCosts

    Raises
    ------
    MusigError
        If there are not two points.

    Notes
    -----
    Least squares of the errors in per cent, no cost below 0 (Lawson & Hanson 1974). Unlike a
    power law it stays right where a step has a constant part or two that grow apart; what it
    cannot know is a part that was too small to be seen at the sizes that were measured.
    Notebook: 15_speed_and_scale
    """
    names = DRIVERS[what][step]
    used = [
        point
        for point in points
        if (point.get("measured", {}).get(step) or {}).get(what)
        and (step not in ("begin", "epoch") or point["way"] == "sampled")
    ]
    if len(used) < 2:
        raise MusigError(
            f"{counted(len(used), 'point')} of growth with a number for {step} ({what}); expected "
            "two or more: run python benchmarks/growth.py."
        )
    y = np.array([point["measured"][step][what] for point in used], dtype=float)
    x = np.array([[drivers(point)[name] for name in names] for point in used])

    def fit(rows: np.ndarray) -> dict[str, float]:
        shares = x[rows] / y[rows, None]  # of the value: 1 is what their sum should be
        scale = shares.max(axis=0)
        found, _ = optimize.nnls(shares / scale, np.ones(len(shares)))
        return dict(zip(names, (found / scale).tolist(), strict=True))

    every = np.arange(len(y))
    costs = fit(every)
    others = tuple(fit(np.delete(every, n)) for n in every) if len(y) > 2 else ()
    worst = float(np.abs(x @ np.array(list(costs.values())) / y - 1).max())
    return UnitCosts(step, what, costs, others, worst, len(y))


def sized(
    points: Sequence[Point], playlists: float, tracks: float, width: int, min_weight: int
) -> dict[str, Any]:
    """Reckon what another size would hold: entries, pairs, edges.

    Parameters
    ----------
    points : sequence of mapping
        As measured; edges are reckoned from those of this cut-off.
    playlists, tracks : float, > 0
    width : int, > 0
        Of the embedding.
    min_weight : int, >= 0

    Returns
    -------
    dict
        A point that :func:`drivers` takes, with ``edges_low`` and ``edges_high``, the interval of
        the law, and ``edges_most``, what the pairs allow, beside its edges. Edges are NaN where
        there are fewer than three sizes.

    Raises
    ------
    MusigError
        If no point has this cut-off.

    Notes
    -----
    A playlist is as long as those measured. Edges grow by a power law in both numbers, and are
    never more than the pairs allow: each takes more than `min_weight` of them.
    Notebook: 15_speed_and_scale
    """
    found = {
        (point["playlists"], point["tracks"]): point
        for point in points
        if point.get("edges") and point["min_weight"] == min_weight
    }
    if not found:
        raise MusigError(
            f"No point of growth was measured at min_weight {min_weight}; expected one or more: "
            f"run python benchmarks/growth.py --min-weight {min_weight}."
        )
    lists = np.array([key[0] for key in found], dtype=float)
    entries, pairs = (
        float((np.array([point[name] for point in found.values()]) / lists).mean()) * playlists
        for name in ("entries", "pairs")
    )
    law = power_law(
        [point["edges"] for point in found.values()],
        playlists=lists.tolist(),
        tracks=[key[1] for key in found],
    )
    most = min(pairs / (min_weight + 1), tracks * (tracks - 1) / 2)
    edges, low, high = (
        min(value, most) for value in law.predict(playlists=playlists, tracks=tracks)
    )
    return {
        "playlists": playlists,
        "tracks": tracks,
        "embedding_size": width,
        "min_weight": min_weight,
        "entries": entries,
        "pairs": pairs,
        "edges": edges,
        "edges_low": low,
        "edges_high": high,
        "edges_most": most,
    }


def breaking_point(
    cost: Callable[[float], float], limit: float, least: float = 1.0, most: float = 1e12
) -> float:
    """Find the size at which a cost reaches a limit.

    Parameters
    ----------
    cost : callable
        Of a size; it grows.
    limit : float
    least, most : float, > 0
        Between which sizes to look.

    Returns
    -------
    float
        `least` where the limit is passed from the start, infinity where it is not reached.

    Notes
    -----
    Notebook: 15_speed_and_scale

    Examples
    --------
    >>> round(breaking_point(lambda n: n**2, limit=100.0), 6)
    10.0
    """
    if cost(least) >= limit:
        return least
    if cost(most) < limit:
        return float("inf")
    return float(
        np.exp(
            optimize.brentq(lambda size: cost(np.exp(size)) - limit, np.log(least), np.log(most))
        )
    )
