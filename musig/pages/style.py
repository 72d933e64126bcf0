"""The look of the figures: colours, dashes, markers, type, sizes.

A figure has to be read on a phone, on paper, on a light and on a dark page, and by people who see
colours differently. So the sizes suit a narrow page, the background is a white card, the palette
is that of Okabe and Ito (*Color Universal Design*, 2008), and what a colour says is also said by a
dash or a marker.

Conventions
-----------
Sizes are inches. Names that come from data are drawn as they are: a ``$`` does not begin a formula.

Contents
--------
- :func:`style`, called once at the top of a page; :data:`PALETTE`, :data:`DASHES`, :data:`MARKERS`.
- :func:`new_axes`, :func:`log_scales`, :func:`plain`, :func:`nothing`: what the functions of
  :mod:`musig.pages.plots` and :mod:`musig.pages.charts` share.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
from cycler import cycler
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

if TYPE_CHECKING:
    from matplotlib.axis import Axis

PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
"""Okabe and Ito's colours in the order of use; their yellow is too pale on white."""
DASHES = ("-", (0, (5, 2)), (0, (1, 1.5)), (0, (5, 1.5, 1, 1.5)), (0, (9, 2)), (0, (3, 1)), "-")
"""Line styles, one for each colour."""
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
"""Marker shapes, one for each colour."""
WIDTH, HEIGHT = 5.6, 3.5  # inches; with the type below readable at 360 pixels
GREY = "#595959"  # 7:1 on white
SCRIPTS = ("DejaVu Sans", "Noto Sans CJK JP", "Noto Sans CJK KR", "Noto Sans Arabic", "Noto Emoji")


def style() -> None:
    """Set the look of all figures that follow.

    Notes
    -----
    Changes ``matplotlib.rcParams``; call it once, with the imports of a page.
    Notebook: 01_catalog
    """
    import warnings

    from matplotlib.font_manager import fontManager

    # A name in a script no installed font has becomes boxes; it must not become a warning, for
    # what a notebook writes to the error stream stops the book.
    warnings.filterwarnings("ignore", message=r"Glyph \d+ .* missing from")
    installed = {font.name for font in fontManager.ttflist}
    plt.rcParams.update(
        {
            "axes.axisbelow": True,
            "axes.edgecolor": GREY,
            "axes.grid": True,
            "axes.prop_cycle": cycler(color=PALETTE) + cycler(linestyle=DASHES),
            "axes.spines.right": False,
            "axes.spines.top": False,
            "axes.titlesize": 11,
            "figure.constrained_layout.use": True,
            "figure.dpi": 150,
            "figure.facecolor": "white",  # a card: figures keep their contrast on a dark page
            "figure.figsize": (WIDTH, HEIGHT),
            "font.family": [name for name in SCRIPTS if name in installed],
            "font.size": 11,
            "grid.color": "#d9d9d9",
            "grid.linewidth": 0.6,
            "legend.frameon": False,
            "lines.linewidth": 2,
            "savefig.facecolor": "white",
            "xtick.color": GREY,
            "ytick.color": GREY,
        }
    )


def new_axes(
    ax: Axes | None, *, width: float = WIDTH, height: float = HEIGHT
) -> tuple[Figure, Axes]:
    """Return the axes given with their figure, or new ones of that size.

    Parameters
    ----------
    ax : Axes or None
        None for new ones.
    width, height : float
        Of new ones, in inches.

    Returns
    -------
    (Figure, Axes)

    Notes
    -----
    Notebook: 01_catalog
    """
    if ax is not None:
        return ax.get_figure(root=True), ax  # type: ignore[return-value]
    return plt.subplots(figsize=(width, height))


def log_scales(ax: Axes, log: str) -> None:
    """Make axes logarithmic, with numbers as people write them: 1, 10, 1,000.

    Parameters
    ----------
    ax : Axes
    log : str
        Letters of the axes: ``""``, ``"x"``, ``"y"`` or ``"xy"``.

    Notes
    -----
    Notebook: 01_catalog
    """
    for letter in log:
        getattr(ax, f"set_{letter}scale")("log")
        axis: Axis = getattr(ax, f"{letter}axis")
        low, high = sorted(axis.get_view_interval())
        beside = letter == "x" and high > 1e5  # long numbers, which would run into each other
        if high < (20 if beside else 1000) * low:  # few powers of ten in sight
            axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axis.set_major_formatter(FuncFormatter(lambda value, _: _number(value)))
        axis.set_minor_formatter(NullFormatter())


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 1 else f"{value:.10f}".rstrip("0")


def plain(text: object) -> str:
    """Keep a name from being read as a formula.

    Parameters
    ----------
    text : object
        For example a track's name.

    Returns
    -------
    str
        With its dollar signs escaped.

    Notes
    -----
    Notebook: 01_catalog
    """
    return str(text).replace("$", r"\$")


def nothing(fig: Figure, ax: Axes, why: str = "not known in this data set") -> tuple[Figure, Axes]:
    """Say on the axes that there is nothing to draw.

    Parameters
    ----------
    fig, ax : Figure, Axes
        Where something should have been.
    why : str
        What is said.

    Returns
    -------
    (Figure, Axes)
        The same.

    Notes
    -----
    Notebook: 01_catalog
    """
    ax.text(0.5, 0.5, why, ha="center", color=GREY, transform=ax.transAxes)
    ax.set_xticks([])
    ax.set_yticks([])
    return fig, ax
