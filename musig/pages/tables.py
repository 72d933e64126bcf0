"""What a page shows beside figures: tables with escaped text, and where the data are from.

Conventions
-----------
Text from data may hold ``<``, ``&`` or quotes in any script; it is always escaped. What is unknown
is shown as an en dash. Results are :class:`IPython.display.HTML`, shown as a cell's last value.

Contents
--------
- :func:`show`: a table; :func:`source_note`: a box that says what the data are.
- :func:`intervals`: results of methods, side by side.
- :func:`percent`, :func:`number`: a share, a number, as written in a sentence;
  :func:`glue`: keeps them for the sentence.
- :func:`json_text`: what a script of the book (in :data:`STATIC`) reads.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING

import pandas as pd
from IPython.display import HTML, display

if TYPE_CHECKING:
    from musig.catalog import Catalog

STATIC = "../_static"
"""Where the book keeps its scripts and styles, seen from a chapter."""


def show(
    frame: pd.DataFrame,
    caption: str = "",
    formats: Mapping[str, str | Callable[[object], str]] | None = None,
) -> HTML:
    """Show a table without its index, text escaped.

    Parameters
    ----------
    frame : DataFrame
        What to show; column names are the header.
    caption : str
        Stands above the table.
    formats : mapping of str to str or callable, optional
        Column to a format such as ``"{:,}"`` or ``"{:.1%}"``, or to a function that writes a value.

    Returns
    -------
    IPython.display.HTML

    Notes
    -----
    Notebook: 01_catalog

    Examples
    --------
    >>> shown = show(pd.DataFrame({"title": ["<b>", None]})).data
    >>> "&lt;b&gt;" in shown, "<td>–</td>" in shown
    (True, True)
    """
    cells = pd.DataFrame(index=frame.index)
    for column in frame.columns:
        write = (formats or {}).get(str(column), str)
        write = write.format if isinstance(write, str) else write
        cells[escape(str(column))] = [_cell(value, write) for value in frame[column].tolist()]
    text = cells.to_html(index=False, escape=False, border=0, justify="left")
    if caption:
        head, opening, rest = text.partition(">")
        text = f"{head}{opening}\n  <caption>{escape(caption)}</caption>{rest}"
    return HTML(text)


def intervals(rows: pd.DataFrame, metrics: Sequence[str]) -> pd.DataFrame:
    r"""Put results of methods side by side, with their intervals and whom each one beats.

    Parameters
    ----------
    rows : DataFrame
        As :func:`musig.experiments.completion_table` makes it: ``method``, ``metric``, ``mean``,
        ``low``, ``high``, perhaps ``beats``.
    metrics : sequence of str
        Which to show; those that were not measured are left out.

    Returns
    -------
    DataFrame
        One row a metric, one column a method. Methods have letters; the letters after a result are
        those of the methods that it beats.

    Notes
    -----
    The letters are a habit of Bassani's ranx (ECIR 2022).
    Notebook: 06_playlist_completion

    Examples
    --------
    >>> rows = [("one", "mrr", 0.1, 0.0, 0.2, ""), ("two", "mrr", 0.6, 0.5, 0.7, "one")]
    >>> columns = ["method", "metric", "mean", "low", "high", "beats"]
    >>> intervals(pd.DataFrame(rows, columns=columns), ["mrr"]).iloc[0].tolist()
    ['mrr', '0.100 [0.000,\xa00.200]', '0.600 [0.500,\xa00.700] a']
    """
    letters = dict(zip(rows["method"].unique(), "abcdefghijklmnopqrstuvwxyz", strict=False))
    cells: dict[str, dict[str, str]] = {metric: {"metric": metric} for metric in metrics}
    for row in rows[rows["metric"].isin(metrics)].to_dict("records"):
        text = f"{row['mean']:.3f}"
        if not pd.isna(row["low"]):
            text += f" [{row['low']:.3f},\u00a0{row['high']:.3f}]"  # does not break
        beaten = [letters[name] for name in str(row.get("beats", "")).split(", ") if name]
        column = f"{letters[row['method']]} {row['method']}"
        cells[row["metric"]][column] = " ".join([text, *sorted(beaten)])
    return pd.DataFrame([row for row in cells.values() if len(row) > 1])


def percent(share: float, decimals: int = 0) -> str:
    """Write a share as a percentage.

    Parameters
    ----------
    share : float
        NaN where it is not known.
    decimals : int
        After the point.

    Returns
    -------
    str

    Notes
    -----
    Notebook: 01_catalog

    Examples
    --------
    >>> percent(0.251), percent(float("nan"))
    ('25 %', 'an unknown share')
    """
    return "an unknown share" if math.isnan(share) else f"{100 * share:.{decimals}f} %"


def number(value: float) -> str:
    """Write a number as people read it: whole ones in full, others to three digits.

    Parameters
    ----------
    value : float
        NaN where it is not known.

    Returns
    -------
    str

    Notes
    -----
    Notebook: 04_music_graph

    Examples
    --------
    >>> number(1372766.0), number(0.35563), number(234.6)
    ('1,372,766', '0.356', '235')
    """
    if math.isnan(value):
        return "–"
    if value == round(value) or abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def glue(values: Mapping[str, str]) -> None:
    """Keep texts in the notebook, for its prose to quote: ``{glue:text}`name```.

    Parameters
    ----------
    values : mapping of str to str
        Name to text, a number already written as it is to be read.

    Notes
    -----
    Does what ``myst_nb.glue`` does with ``display=False``, without its import, which takes seconds.
    Notebook: 01_catalog
    """
    prefix = "application/papermill.record/"
    for name, text in values.items():
        kept = {"scrapbook": {"name": name, "mime_prefix": prefix}}
        display({prefix + "text/plain": repr(text)}, metadata=kept, raw=True)


def json_text(value: object) -> str:
    r"""Write plain values as JSON that may stand in a page, for a script to read.

    Parameters
    ----------
    value : object
        Of dict, list, str, int, float, bool and None; numbers are finite.

    Returns
    -------
    str
        Without any ``<``, so that no text from data ends the element around it.

    Notes
    -----
    Notebook: 05_multitask_training

    Examples
    --------
    >>> print(json_text({"title": "</script>"}))
    {"title":"\u003c/script>"}
    """
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c")


def source_note(catalog: Catalog) -> HTML:
    """Say what the data are: synthetic, or read from elsewhere, with what the reader noticed.

    Parameters
    ----------
    catalog : Catalog
        Its name tells whether it is the embedded one; its notes are listed.

    Returns
    -------
    IPython.display.HTML
        A box in the manner of the book's.

    Notes
    -----
    Notebook: 01_catalog

    Examples
    --------
    >>> from musig.sources import synthetic
    >>> "synthetic" in source_note(synthetic.make("smoke")).data
    True
    """
    if catalog.name.startswith("embedded-"):
        kind, title = "warning", "Synthetic data"
        text = (
            f"The catalogue {catalog.name} is <strong>synthetic</strong>: drawn from a seeded "
            "recipe, not from people. It shows how to look at data, and what the methods do; it is "
            "no evidence about music, nor about which method is better."
        )
    else:
        kind, title = "note", "Where the data are from"
        text = f"This page was made from the data set {escape(catalog.name)}."
    notes = "".join(f"<li>{escape(note)}</li>" for note in catalog.notes)
    notes = f"<p>When it was read:</p><ul>{notes}</ul>" if notes else ""
    return HTML(
        f'<div class="admonition {kind}"><p class="admonition-title">{title}</p>'
        f"<p>{text}</p>{notes}</div>"
    )


def _cell(value: object, write: Callable[[object], str]) -> str:
    if isinstance(value, list | tuple):
        return escape(", ".join(map(str, value))) or "–"
    return "–" if pd.isna(value) else escape(write(value))  # type: ignore[call-overload]
