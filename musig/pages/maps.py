"""Maps of embeddings that can be looked into: panels of the same tracks, linked to each other.

A map is drawn twice. The figure is there always: on paper, in JupyterLab, without scripts. In the
book a small script (``book/_static/map.js``) puts panels in its place in which a track can be
pointed at, found by name, and followed from one embedding to the other. Everything it needs is in
the page; nothing is loaded from elsewhere.

Conventions
-----------
A *view* is one embedding of the tracks that are drawn, laid out in the plane. Tracks are described
by a table with ``title``, ``artist`` and ``genre``, None where unknown, as
:func:`musig.pages.description.words` makes it. Text from data may hold markup; it stays text.

Contents
--------
- :class:`View`; :func:`views`: lay embeddings out, turned alike.
- :func:`panels`: the figure; :func:`linked`: what the script reads.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from IPython.display import HTML
from matplotlib.figure import Figure
from torch import Tensor

from musig.pages import charts, embeddings
from musig.pages.style import plain
from musig.pages.tables import STATIC, json_text

MOST = 600
"""Tracks on a map: more would cover each other on a phone."""
SIZE = 1000
"""Width of a panel in the numbers that the script reads."""
NEAR = 5
"""Nearest tracks that are named."""


@dataclass(frozen=True, eq=False)
class View:
    """One embedding of the tracks on a map."""

    places: np.ndarray
    """float, shape (n, 2): where they are drawn."""
    near: np.ndarray
    """int64, shape (n, NEAR): those nearest in the embedding itself, nearest first."""
    kept: float
    """Of the ten nearest in the embedding, the share that is among the ten nearest on the map."""


def views(found: Mapping[str, Tensor], seed: int) -> dict[str, View]:
    """Lay embeddings of the same tracks out in the plane.

    Parameters
    ----------
    found : mapping of str to Tensor of float32, shape (n, d)
        Name to embeddings; their widths may differ.
    seed : int, >= 0

    Returns
    -------
    dict of str to View
        Each turned so that it lies as alike as can be to the last.

    Notes
    -----
    :func:`musig.pages.embeddings.planar` keeps near tracks near. How far apart groups are, and how
    large, says nothing. Nearest are counted among the tracks on the map.
    Notebook: 05_multitask_training
    """
    places = {name: embeddings.planar(rows, seed) for name, rows in found.items()}
    like = [*places.values()][-1]
    made = {}
    for name, rows in found.items():
        near = embeddings.nearest(rows, range(len(rows)), NEAR)
        shown = embeddings.turned(places[name], like)
        made[name] = View(shown, near, embeddings.kept(rows, places[name]))
    return made


def panels(laid: Mapping[str, View], tracks: pd.DataFrame) -> tuple[Figure, np.ndarray]:
    """Draw each view as a panel, two in a row.

    Parameters
    ----------
    laid : mapping of str to View
        Of :func:`views`.
    tracks : DataFrame
        One row a track, in the same order.

    Returns
    -------
    Figure, ndarray of Axes

    Notes
    -----
    Notebook: 05_multitask_training
    """
    rows = math.ceil(len(laid) / 2)
    height = 2.7 * rows + 0.8
    fig, axes = plt.subplots(rows, 2, figsize=(5.6, height), squeeze=False)
    for ax in axes.flat[len(laid) :]:
        ax.set_axis_off()
    for ax, (name, view) in zip(axes.flat, laid.items(), strict=False):
        charts.points(view.places, tracks["genre"], ax)
        ax.get_legend().remove()
        ax.set_title(plain(name))
        ax.set_aspect("equal", adjustable="datalim")
    handles, labels = axes.flat[0].get_legend_handles_labels()
    fig.legend(handles, labels, loc="outside lower center", ncols=3, markerscale=1.5)
    return fig, axes


def linked(figure: str, laid: Mapping[str, View], tracks: pd.DataFrame, start: int = -1) -> HTML:
    """Write what the script needs to put linked panels in the place of a figure.

    Parameters
    ----------
    figure : str
        The figure's name.
    laid : mapping of str to View
        Of :func:`views`; two at least. The first and the last are shown first.
    tracks : DataFrame
        One row a track, in the same order.
    start : int
        The track that is marked at first; -1 for none.

    Returns
    -------
    IPython.display.HTML
        Nothing that can be seen where the script does not run.

    Notes
    -----
    Notebook: 05_multitask_training

    Examples
    --------
    >>> view = View(np.eye(2), np.array([[1], [0]]), 1.0)
    >>> tracks = pd.DataFrame({"title": ["</script>", "b"], "artist": "x", "genre": [None, "jazz"]})
    >>> shown = linked("fig-map", {"before": view, "after": view}, tracks).data
    >>> shown.count("</script>"), '"genre":[-1,0]' in shown
    (2, True)
    """
    genres = [*tracks["genre"].value_counts().index]
    artists = [*tracks["artist"].value_counts().index]
    content = {
        "titles": [*tracks["title"]],
        "artists": artists,
        "artist": _codes(tracks["artist"], artists),
        "genres": genres,
        "genre": _codes(tracks["genre"], genres),
        "start": start,
        "views": [
            {"name": name, **_scaled(view.places), "near": view.near.tolist()}
            for name, view in laid.items()
        ],
    }
    return HTML(
        f'<link rel="stylesheet" href="{STATIC}/map.css">'
        f'<div class="musig-map" data-figure="{escape(figure)}" hidden>'
        f'<script type="application/json" data-reader="{STATIC}/map.js">'
        f"{json_text(content)}</script></div>"
        f'<script src="{STATIC}/map.js" defer></script>'
    )


def _codes(values: pd.Series, names: list[str]) -> list[int]:
    places = {name: n for n, name in enumerate(names)}
    return [places.get(value, -1) for value in values]


def _scaled(places: np.ndarray) -> dict[str, list[int]]:
    """Whole numbers from 0 to SIZE; y grows downwards, as on a screen."""
    low, high = places.min(axis=0), places.max(axis=0)
    scaled = (places - (low + high) / 2) * (SIZE / max(float((high - low).max()), 1e-12))
    x, y = (scaled * [1, -1] + SIZE / 2).round().astype(int).T
    return {"x": x.tolist(), "y": y.tolist()}
