"""Figures of the acoustic network: what it sees, its layers, a map of what it gives.

The network is drawn from the weights it has, so that the picture cannot say anything else.

Conventions
-----------
As in :mod:`musig.pages.plots`: data first, ``ax=None``, ``(figure, axes)`` comes back.

Contents
--------
- :func:`window`: a window of a spectrogram, drawn.
- :func:`layers`: what each layer makes of a window; :func:`network`: the same, drawn.
- :func:`map_with_corners`: vectors in the plane, with letters to listen by.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from torch import nn

from musig.acoustic_network import POOLING
from musig.pages.charts import points
from musig.pages.style import GREY, HEIGHT, WIDTH, new_axes

if TYPE_CHECKING:
    from musig.acoustic_network import AcousticNetwork

FILLS = {"image": "#dceaf4", "time": "#9cc9e8", "pooled": "#f3c9a5", "dense": "#a9dccb"}
"""Pale forms of the palette, on which black letters are read."""


def window(
    values: np.ndarray, frame: float, unit: str, ax: Axes | None = None
) -> tuple[Figure, Axes]:
    """Draw a window of a log-mel spectrogram as the network gets it.

    Parameters
    ----------
    values : ndarray of float, shape (n_mels, frames)
    frame : float, seconds, > 0
        From one frame to the next.
    unit : str
        What a value is.
    ax : Axes, optional
        Where to draw.

    Returns
    -------
    Figure, Axes

    Notes
    -----
    Notebook: 03_acoustic_vectors

    Examples
    --------
    >>> fig, ax = window(np.zeros((128, 600)), frame=0.05, unit="log power")
    >>> ax.get_xlabel(), float(ax.get_xlim()[1])
    ('time (s)', 30.0)
    """
    fig, ax = new_axes(ax, height=0.85 * HEIGHT)
    bands, frames = values.shape
    image = ax.imshow(
        values, aspect="auto", origin="lower", cmap="magma", interpolation="nearest",
        extent=(0, frames * frame, 0, bands),
    )  # fmt: skip
    ax.set(xlabel="time (s)", ylabel="mel band, low to high")
    ax.grid(visible=False)
    fig.colorbar(image, ax=ax, label=unit, pad=0.02).outline.set_visible(False)
    return fig, ax


def layers(network: AcousticNetwork, frames: int) -> pd.DataFrame:
    """List what each layer of a network makes of one window.

    Parameters
    ----------
    network : AcousticNetwork
    frames : int, > 0
        Of the window's spectrogram.

    Returns
    -------
    DataFrame
        A row a layer, with ``layer``, ``kind`` (a key of :data:`FILLS`), ``channels``, ``frames``
        (what comes out) and ``weights``.

    Notes
    -----
    Notebook: 03_acoustic_vectors

    Examples
    --------
    >>> from musig.acoustic_network import AcousticNetwork
    >>> layers(AcousticNetwork(128), frames=600)["frames"].tolist()
    [600, 150, 75, 37, 37, 1, 1, 1, 1]
    """
    convolutions = [layer for layer in network.convolutions if isinstance(layer, nn.Conv1d)]
    rows: list[tuple[str, str, int, int, int]] = []
    rows.append(("spectrogram", "image", convolutions[0].in_channels, frames, 0))
    for n, (convolution, pool) in enumerate(zip(convolutions, (*POOLING, 1), strict=True), 1):
        frames //= pool
        name = f"convolution {n}" + (f", pooled by {pool}" if pool > 1 else "")
        rows.append((name, "time", convolution.out_channels, frames, _weights(convolution)))
    name = "mean, maximum, L2 norm over time"
    pooled = 3 * convolutions[-1].out_channels
    rows.append((name, "pooled", pooled, 1, _weights(network.pooling)))
    dense = [layer for layer in network.dense if isinstance(layer, nn.Linear)]
    for n, layer in enumerate(dense, 1):
        rows.append((f"dense {n}", "dense", layer.out_features, 1, _weights(layer)))
    last = network.projection
    rows.append(("projection, tanh", "dense", last.out_features, 1, _weights(last)))
    return pd.DataFrame(rows, columns=["layer", "kind", "channels", "frames", "weights"])


def _weights(layer: nn.Module) -> int:
    return sum(p.numel() for p in layer.parameters())


def network(table: pd.DataFrame, ax: Axes | None = None) -> tuple[Figure, Axes]:
    """Draw a network from the top down: wide for frames, high for channels.

    Parameters
    ----------
    table : DataFrame
        As :func:`layers` makes it.
    ax : Axes, optional
        Where to draw.

    Returns
    -------
    Figure, Axes
        Widths and heights grow with the logarithm of the numbers.

    Notes
    -----
    Notebook: 03_acoustic_vectors
    """
    widths = 0.16 + np.log2(table["frames"].to_numpy(dtype=float))
    heights = 0.12 + 0.055 * np.log2(table["channels"].to_numpy(dtype=float))
    gap, top = 0.28, 0.0
    fig, ax = new_axes(ax, width=WIDTH, height=0.9 * float(heights.sum() + gap * len(table)))
    middle, right = widths.max() / 2, widths.max() + 0.5
    columns = (table[name].tolist() for name in ("layer", "kind", "channels", "frames"))
    for n, (layer, kind, channels, frames) in enumerate(zip(*columns, strict=True)):
        width, height = widths[n], heights[n]
        if n:
            arrow = {"arrowstyle": "-|>", "color": GREY, "linewidth": 1.2}
            ax.annotate("", (middle, top), (middle, top + gap), arrowprops=arrow)
        corner = (middle - width / 2, top - height)
        ax.add_patch(
            Rectangle(corner, width, height, facecolor=FILLS[kind], edgecolor="black", lw=0.8)
        )
        size = f"{channels} × {frames}" if frames > 1 else f"{channels}"
        ax.text(right, top - height / 2, f"{layer}\n{size}", va="center", size=9)
        if not n:
            ax.text(middle, top - height / 2, "time →", ha="center", va="center", size=9)
            ax.text(-0.15, top - height / 2, "bands", rotation=90, ha="right", va="center", size=9)
        top -= height + gap
    ax.set(xlim=(-0.8, right + 7.2), ylim=(top + gap - 0.1, 0.1))
    ax.axis("off")
    return fig, ax


def map_with_corners(
    xy: np.ndarray, groups: pd.Series, marked: Sequence[int], ax: Axes | None = None
) -> tuple[Figure, Axes]:
    """Draw the map, a group by colour and shape, with a letter at each marked track.

    Parameters
    ----------
    xy : ndarray of float, shape (n, 2)
        See :func:`musig.pages.acoustic.plane`.
    groups : Series of str, length n
        None where unknown.
    marked : sequence of int
        Positions that get the letters A, B, C …
    ax : Axes, optional
        Where to draw.

    Returns
    -------
    Figure, Axes

    Notes
    -----
    Notebook: 03_acoustic_vectors
    """
    fig, ax = points(xy, groups, ax)
    middle = xy.mean(axis=0)
    for n, position in enumerate(marked):
        x, y = xy[position]
        outwards = np.where(xy[position] < middle, -1, 1)
        ax.scatter([x], [y], s=110, facecolors="none", edgecolors="black", linewidths=1.4)
        ax.annotate(
            chr(ord("A") + n), (x, y), tuple(11 * outwards), textcoords="offset points",
            ha="center", va="center", weight="bold",
        )  # fmt: skip
    ax.set(xlabel="first principal component", ylabel="second")
    ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.08), ncols=3, markerscale=1.5)
    ax.margins(0.12)
    return fig, ax
