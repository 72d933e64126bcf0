"""Figures: they draw what they are given, on the axes they are given, whatever that is."""

from __future__ import annotations

import warnings

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_rgb

from musig.pages import charts, plots, style


@pytest.fixture(autouse=True)
def styled():
    """Draw with our style, strictly: a warning would stop the book."""
    with plt.rc_context(), warnings.catch_warnings():
        warnings.simplefilter("error")
        style.style()
        yield
        plt.close("all")


TABLE = pd.DataFrame({"a": [1.0, 0.5], "b": [0.5, np.nan]}, index=pd.Index([0, 1], name="x"))
DRAWN = {
    "curves": lambda ax: plots.curves(TABLE, ax, percent=True),
    "survival": lambda ax: plots.survival({"a": np.array([1, 2])}, ax, xlabel="x", ylabel="y"),
    "rank_curve": lambda ax: plots.rank_curve(np.array([3, 1, 0]), ax, threshold=2),
    "histogram": lambda ax: plots.histogram(np.array([1, 5]), ax, xlabel="x", ylabel="y", log=True),
    "bars": lambda ax: charts.bars(TABLE["a"], ax, xlabel="x", percent=True),
    "boxes": lambda ax: charts.boxes(TABLE["a"], pd.Series(["g", "h"]), ax, xlabel="x"),
    "heatmap": lambda ax: charts.heatmap(TABLE, ax, label="l"),
    "small_graph": lambda ax: charts.small_graph(np.array([[0, 2], [2, 0]]), "AB", ax),
}


@pytest.mark.parametrize("name", DRAWN)
def test_a_figure_is_drawn_on_given_axes_or_on_new_ones(name):
    fig, ax = DRAWN[name](None)
    assert ax.get_figure() is fig
    mine, given = plt.subplots()
    assert DRAWN[name](given) == (mine, given)
    for figure in (fig, mine):
        figure.canvas.draw()  # a name that reads as a formula, or a missing glyph, fails here


EMPTY = pd.DataFrame({"a": [np.nan]}, index=pd.Index([1], name="x"))
NOTHING = {
    "curves": lambda: plots.curves(EMPTY),
    "histogram": lambda: plots.histogram(np.array([np.nan]), xlabel="x", ylabel="y"),
    "bars": lambda: charts.bars(pd.Series(dtype=float), xlabel="x"),
    "boxes": lambda: charts.boxes(EMPTY["a"], pd.Series([None], index=[1]), xlabel="x"),
    "heatmap": lambda: charts.heatmap(EMPTY.iloc[:0], label="l"),
}


@pytest.mark.parametrize("name", NOTHING)
def test_where_nothing_is_known_the_figure_says_so(name):
    fig, ax = NOTHING[name]()
    fig.canvas.draw()
    assert [text.get_text() for text in ax.texts] == ["not known in this data set"]


def test_nine_columns_make_nine_panels_and_a_missing_one_says_so():
    table = pd.DataFrame({"energy": [0.1, 0.2], "tempo": [100.0, np.nan]})
    fig, axes = plots.histograms(table, {"energy": "energy", "tempo": "tempo", "loudness": "dB"})
    fig.canvas.draw()
    assert axes.shape == (3, 3)
    assert [len(ax.texts) for ax in axes.flat[:3]] == [0, 0, 1]


def test_names_from_data_are_not_read_as_formulas_or_scripts():
    odd = ["a$b$c", "$\\frac{", "100%", "r&b <soul>", "음악", "اندلوملوم", "🐙"]
    fig, _ = charts.bars(pd.Series(1.0, index=odd), xlabel="share")
    fig.canvas.draw()
    table = pd.DataFrame(np.eye(len(odd)), index=odd, columns=odd)
    charts.heatmap(table, label="l")[0].canvas.draw()
    plots.curves(table.rename_axis("$x$"))[0].canvas.draw()


def test_long_names_of_columns_are_slanted_and_their_kind_is_written():
    table = pd.DataFrame([[0.5, -0.5]], index=["energy"])
    _, ax = charts.heatmap(table.rename_axis("dimension", axis=1), label="l")
    assert ax.get_xlabel() == "dimension"
    assert [label.get_rotation() for label in ax.get_xticklabels()] == [0, 0]
    _, ax = charts.heatmap(table.set_axis(["loudness", "tempo"], axis=1), label="l")
    assert ax.get_xlabel() == "" and ax.get_xticklabels()[0].get_rotation() == 55


def test_a_line_differs_from_the_others_in_colour_dash_and_marker():
    table = pd.DataFrame(np.ones((3, 5)), columns=list("abcde"))
    lines = plots.curves(table)[1].lines
    for what in ("get_color", "get_marker"):
        assert len({getattr(line, what)() for line in lines}) == 5
    assert len({line._unscaled_dash_pattern for line in lines}) == 5


def test_colours_stand_out_from_white_and_from_each_other():
    def luminance(colour):
        linear = [c / 12.92 if c <= 0.04 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(colour)]
        return np.dot(linear, [0.2126, 0.7152, 0.0722])

    contrast = [1.05 / (luminance(colour) + 0.05) for colour in (*style.PALETTE, style.GREY)]
    assert min(contrast) > 2 and contrast[-1] > 7  # text is grey or darker
    assert contrast[0] > 4.5 and contrast[1] > 3.5  # the two that are used for text
    assert len(style.PALETTE) == len(style.DASHES) == len(style.MARKERS)


def test_survival_counts_those_at_least_as_large():
    values = np.random.default_rng(0).integers(1, 50, 300)
    line = plots.survival({"v": values}, xlabel="x", ylabel="y")[1].lines[0]
    for x, y in zip(*line.get_data(), strict=True):
        assert y == (values >= x).sum()


def test_a_logarithmic_histogram_loses_no_value():
    values = np.random.default_rng(0).integers(1, 300, 1000)
    ax = plots.histogram(values, xlabel="x", ylabel="y", log=True)[1]
    assert sum(bar.get_height() for bar in ax.patches) == len(values)


def test_numbers_on_logarithmic_axes_are_written_as_people_write_them():
    fig, ax = plots.rank_curve(np.array([20_000, 3_000, 40, 1]))
    fig.canvas.draw()
    written = {label.get_text() for label in ax.get_yticklabels()}
    assert {"1", "10", "1,000", "10,000"} <= written


def test_edges_that_would_be_dropped_are_dashed():
    weights = np.array([[0, 3, 1], [3, 0, 0], [1, 0, 0]])
    lines = charts.small_graph(weights, "ABC", min_weight=1)[1].lines
    assert [line.get_linestyle() for line in lines] == ["-", "--"]
