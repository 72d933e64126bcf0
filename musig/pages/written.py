r"""Equations written out with their numbers, for the ten tracks that are followed by hand.

Each function works out one equation of the book in plain arithmetic, a number at a time and away
from the package's own code, and returns what it found with the lines a reader would write. The
page then compares it with what the package found.

Conventions
-----------
Tracks are letters (:mod:`musig.pages.byhand`); embeddings and attributes are arrays with two
numbers a track. Numbers are shown to three decimals: after an ``=`` a number is exact, after an
:math:`\approx` it is rounded. Lines are short enough for a phone.

Contents
--------
- :class:`Written`: the lines, and the value. :func:`weight`: an edge, counted.
- :func:`mean`, :func:`hop`: the aggregator; :func:`drawn`: how often a track is a positive.
- :func:`cooccurrence`, :func:`similarity`, :func:`genre`, :func:`total`: the losses.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from musig.pages.byhand import LETTERS


@dataclass(frozen=True, eq=False)
class Written:
    """An equation with its numbers; a notebook shows it as a formula."""

    lines: tuple[str, ...]
    """LaTeX, a line each."""
    value: np.ndarray
    """What was found: float64, of any shape."""

    @property
    def latex(self) -> str:
        """The lines one below the other, aligned at their ``&``."""
        return r"\begin{aligned} " + r" \\[0.3em] ".join(self.lines) + r" \end{aligned}"

    def _repr_latex_(self) -> str:
        return f"$\\displaystyle {self.latex}$"


def weight(playlists: Sequence[str], pair: str) -> Written:
    r"""Count the playlists that hold both tracks of a pair.

    Parameters
    ----------
    playlists : sequence of str
        A word a playlist.
    pair : str
        Two letters.

    Returns
    -------
    Written
        The weight of the edge.

    Notes
    -----
    Notebook: 04_music_graph

    Examples
    --------
    >>> print(weight(["ABC", "AB", "BC"], "AB").lines[0])
    w_{AB} &= \bigl| \{ \text{ABC}, \text{AB} \} \bigr|
    """
    both = [word for word in playlists if set(pair) <= set(word)]
    words = ", ".join(rf"\text{{{word}}}" for word in both)
    held = rf"\{{ {words} \}}" if both else r"\emptyset"
    lines = (rf"w_{{{pair}}} &= \bigl| {held} \bigr|", f"&= {len(both)}")
    return Written(lines, np.array(float(len(both))))


def mean(weights: np.ndarray, x: np.ndarray, letter: str) -> Written:
    """Work out the weighted mean over the neighbours of a track.

    Parameters
    ----------
    weights : ndarray of float, shape (10, 10)
        0 where there is no edge.
    x : ndarray of float, shape (10, 2)
        What each track knows.
    letter : str
        The track.

    Returns
    -------
    Written
        Two numbers; zeros for a track without neighbours.

    Notes
    -----
    Notebook: 05_multitask_training

    Examples
    --------
    >>> from musig.pages import byhand
    >>> ten = byhand.example()
    >>> mean(byhand.weights(ten.csr), ten.attributes.x, "G").value.round(6).tolist()
    [-0.25, -0.75]
    """
    own = weights[LETTERS.index(letter)]
    around = [n for n in range(len(own)) if own[n]]
    if not around:
        return Written((rf"m_{letter} &= {_column([0, 0])}",), np.zeros(2))
    total = sum(float(own[n]) for n in around)
    sums = [sum(float(own[n]) * float(x[n, k]) for n in around) for k in (0, 1)]
    found = np.array([each / total for each in sums])
    names = " + ".join(rf"{_number(own[n])}\, x_{LETTERS[n]}" for n in around)
    below = " + ".join(_number(own[n]) for n in around)
    terms = " + ".join(_number(own[n]) + _column(x[n]) for n in around)
    return Written(
        (
            rf"m_{letter} &= \frac{{{names}}}{{{below}}}",
            rf"&= \frac{{1}}{{{_number(total)}}} \left( {terms} \right)",
            rf"&{_equals(found)} {_column(found)}",
        ),
        found,
    )


def hop(
    own: np.ndarray, neighbours: np.ndarray, x: np.ndarray, m: np.ndarray, letter: str
) -> Written:
    """Work out one hop without a rectifier: the last, and here the only one.

    Parameters
    ----------
    own, neighbours : ndarray of float, shape (2, 2)
        The left and the right half of the matrix.
    x, m : ndarray of float, shape (2,)
        What the track knows, and what it heard.
    letter : str
        The track.

    Returns
    -------
    Written
        Two numbers, of length 1 together.

    Notes
    -----
    Notebook: 05_multitask_training

    Examples
    --------
    >>> hop(np.eye(2), np.eye(2), np.array([1, 0]), np.array([2, 4]), "A").value.tolist()
    [0.6, 0.8]
    """
    raw = [
        sum(float(own[k, j]) * float(x[j]) + float(neighbours[k, j]) * float(m[j]) for j in (0, 1))
        for k in (0, 1)
    ]
    length = math.sqrt(raw[0] ** 2 + raw[1] ** 2)
    found = np.array([each / length for each in raw])
    return Written(
        (
            rf"W_1 [x_{letter}, m_{letter}] &= {_matrix(own)}{_column(x)}",
            rf"&\quad + {_matrix(neighbours)}{_column(m)}",
            rf"&{_equals(raw)} {_column(raw)}",
            rf"\text{{its length}} &= \sqrt{{{_squares(raw)}}}",
            rf"&{_equals(length)} {_number(length)}",
            rf"z_{letter} &= {_column(raw)} \Big/ {_number(length)}",
            rf"&{_equals(found)} {_column(found)}",
        ),
        found,
    )


def drawn(weights: np.ndarray, letter: str) -> Written:
    """Work out how often a track is the positive of a random anchor.

    Parameters
    ----------
    weights : ndarray of float, shape (10, 10)
        0 where there is no edge.
    letter : str
        The track.

    Returns
    -------
    Written
        Its probability. Anchors are drawn evenly over the tracks that have neighbours, a positive
        in proportion to weight.

    Notes
    -----
    Notebook: 05_multitask_training

    Examples
    --------
    >>> from musig.pages import byhand
    >>> round(float(drawn(byhand.weights(byhand.example().csr), "B").value), 4)
    0.0944
    """
    sums = weights.sum(axis=1)
    anchors = int((sums > 0).sum())
    own = weights[:, LETTERS.index(letter)]
    shares = [(float(own[n]), float(sums[n])) for n in range(len(own)) if own[n]]
    found = sum(a / b for a, b in shares) / anchors
    terms = " + ".join(rf"\tfrac{{{_number(a)}}}{{{_number(b)}}}" for a, b in shares)
    line = rf"q({letter}) &= \tfrac{{1}}{{{anchors}}} \left( {terms} \right) "
    return Written((line + rf"{_equals(found)} {_number(found)}",), np.array(found))


def cooccurrence(
    z: np.ndarray, q: Mapping[str, float], anchors: str, positives: str, temperature: float
) -> Written:
    """Work out the softmax loss of a few pairs.

    Parameters
    ----------
    z : ndarray of float, shape (10, 2)
        Embeddings.
    q : mapping of str to float
        How often each positive is drawn.
    anchors, positives : str
        A letter a pair; all letters different.
    temperature : float, > 0

    Returns
    -------
    Written
        The loss, in nats. The first pair is written out in full.

    Notes
    -----
    Notebook: 05_multitask_training
    """
    scores = np.array(
        [[_dot(z, a, p) / temperature - math.log(float(q[p])) for p in positives] for a in anchors]
    )
    sums = [sum(math.exp(score) for score in row) for row in scores]
    costs = [-math.log(math.exp(scores[i, i]) / sums[i]) for i in range(len(anchors))]
    a, lines = anchors[0], []
    for j, p in enumerate(positives):
        cosine, frequency = _number(_dot(z, a, p)), _number(q[p])
        lines.append(
            rf"s_{{{a}{p}}} &\approx {cosine} / {_number(temperature)} - \log {frequency} "
            rf"\approx {_number(scores[0, j])}"
        )
    below = " + ".join(f"e^{{{_number(score)}}}" for score in scores[0])
    lines.append(rf"\ell_{a} &\approx -\log \frac{{e^{{{_number(scores[0, 0])}}}}}{{{below}}}")
    lines.append(rf"&\approx {_number(costs[0])}")
    return _averaged(r"L_\text{co}", r"\ell", dict(zip(anchors, costs, strict=True)), lines)


def similarity(z: np.ndarray, x: np.ndarray, first: str, second: str, k: int) -> Written:
    """Work out the squared error of a few distances, with P the identity.

    Parameters
    ----------
    z, x : ndarray of float, shape (10, 2)
        Embeddings, and the standardised features that differ.
    first, second : str
        A letter a pair.
    k : int
        How many features there are, those included that do not differ.

    Returns
    -------
    Written
        The loss.

    Notes
    -----
    Notebook: 05_multitask_training
    """
    costs, lines = {}, []
    for a, b in zip(first, second, strict=True):
        i, j = LETTERS.index(a), LETTERS.index(b)
        apart = [float(x[i, n]) - float(x[j, n]) for n in (0, 1)]
        sound = math.sqrt(apart[0] ** 2 + apart[1] ** 2) / math.sqrt(k)
        gap = math.sqrt(sum((float(z[i, n]) - float(z[j, n])) ** 2 for n in (0, 1)))
        costs[a + b] = (gap - sound) ** 2
        lines += [
            rf"d_{{{a}{b}}} &= \sqrt{{\tfrac{{{_squares(apart)}}}{{{k}}}}} "
            rf"{_equals(sound)} {_number(sound)}",
            rf"\lVert z_{a} - z_{b} \rVert &\approx {_number(gap)}",
            rf"e_{{{a}{b}}} &\approx ({_number(gap)} - {_number(sound)})^2 "
            rf"\approx {_number(costs[a + b])}",
        ]
    return _averaged(r"L_\text{sim}", "e", costs, lines)


def genre(
    z: np.ndarray, directions: np.ndarray, names: Sequence[str], truth: Mapping[str, str]
) -> Written:
    """Work out the cross-entropy of a few tracks, without a bias.

    Parameters
    ----------
    z : ndarray of float, shape (10, 2)
        Embeddings.
    directions : ndarray of float, shape (n_genres, 2)
        What the classifier looks for.
    names : sequence of str, length n_genres
        Of the genres.
    truth : mapping of str to str
        Track to genre.

    Returns
    -------
    Written
        The loss, in nats.

    Notes
    -----
    Notebook: 05_multitask_training
    """
    costs, lines = {}, []
    for letter, own in truth.items():
        logs = []
        for name, direction in zip(names, directions, strict=True):
            score = sum(float(z[LETTERS.index(letter), n]) * float(direction[n]) for n in (0, 1))
            chance = 1 / (1 + math.exp(-score))
            logs.append(math.log(chance if name == own else 1 - chance))
            lines.append(
                rf"\hat y_{{{letter},\text{{{name}}}}} &\approx \sigma({_number(score)}) "
                rf"\approx {_number(chance)}"
            )
        costs[letter] = -sum(logs)
        terms = " ".join(f"{_number(each)}" for each in logs)
        lines.append(rf"\ell_{letter} &\approx -({terms})")
        lines.append(rf"&\approx {_number(costs[letter])}")
    return _averaged(r"L_\text{genre}", r"\ell", costs, lines)


def total(losses: Mapping[str, float], weights: Mapping[str, float]) -> Written:
    r"""Add up weighted losses.

    Parameters
    ----------
    losses, weights : mapping of str to float
        The same names, in the same order.

    Returns
    -------
    Written
        The sum.

    Notes
    -----
    Notebook: 05_multitask_training

    Examples
    --------
    >>> print(total({"a": 0.5, "b": 3.0}, {"a": 1, "b": 0.5}).lines[0])
    L &= 1 \cdot 0.5 + 0.5 \cdot 3
    """
    found = sum(float(weights[name]) * float(losses[name]) for name in losses)
    terms = " + ".join(rf"{_number(weights[n])} \cdot {_number(losses[n])}" for n in losses)
    exact = all(_exact(loss) for loss in losses.values()) and _exact(found)
    first = rf"L &{'=' if exact else chr(92) + 'approx'} {terms}"
    return Written((first, rf"&{_equals(found)} {_number(found)}"), np.array(found))


def _averaged(name: str, part: str, costs: Mapping[str, float], lines: Sequence[str]) -> Written:
    """End with the mean of what the parts cost."""
    found = sum(costs.values()) / len(costs)
    terms = " + ".join(rf"{part}_{{{each}}}" for each in costs)
    numbers = " + ".join(_number(cost) for cost in costs.values())
    end = (
        rf"{name} &= \tfrac{{1}}{{{len(costs)}}} \left( {terms} \right)",
        rf"&\approx \tfrac{{1}}{{{len(costs)}}} \left( {numbers} \right)",
        rf"&\approx {_number(found)}",
    )
    return Written((*lines, *end), np.array(found))


def _dot(z: np.ndarray, a: str, b: str) -> float:
    i, j = LETTERS.index(a), LETTERS.index(b)
    return float(z[i, 0]) * float(z[j, 0]) + float(z[i, 1]) * float(z[j, 1])


def _exact(value: float) -> bool:
    return abs(value - round(value, 3)) < 1e-6


def _equals(value: float | Sequence[float] | np.ndarray) -> str:
    """Return an equals sign where numbers are shown in full."""
    return "=" if all(_exact(float(each)) for each in np.ravel(value)) else r"\approx"


def _number(value: float) -> str:
    """Write to three decimals, without zeros at the end."""
    text = f"{float(value) + 0.0:.3f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def _squares(values: Sequence[float]) -> str:
    told = [_number(value) for value in values]
    return " + ".join(f"({each})^2" if each.startswith("-") else f"{each}^2" for each in told)


def _column(values: Sequence[float] | np.ndarray) -> str:
    return r"\begin{pmatrix} " + r" \\ ".join(_number(v) for v in values) + r" \end{pmatrix}"


def _matrix(values: np.ndarray) -> str:
    rows = r" \\ ".join(" & ".join(_number(v) for v in row) for row in values)
    return r"\begin{pmatrix} " + rows + r" \end{pmatrix}"
