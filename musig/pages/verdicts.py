"""Claims on a page: a compact list of verdicts, each with what stands behind it.

Conventions
-----------
Takes what :mod:`musig.experiments.claims` gives and only arranges it. A verdict is a word and a
sign; colour only repeats them. Text is escaped. Nothing here says how a claim came out that the
table does not.

Contents
--------
- :func:`overview`, :func:`details`: the list, and what is unfolded; :func:`counted_verdicts`: in a
  sentence; :func:`amount`: what was measured, in short; :func:`slug`: names of places and styles.
- :func:`by_cutoff`: verdicts for several k; :func:`sensitivity`: our choices.
- :func:`by_chance`: the figure of a permutation test.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import numpy as np
import pandas as pd
from IPython.display import HTML
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from musig.experiments.claims import (
    NOT_REPRODUCED,
    NOT_RUN,
    NOT_TESTABLE,
    REPRODUCED,
    VERDICTS,
)
from musig.pages.style import PALETTE, new_axes

SIGNS = {REPRODUCED: "✓", NOT_REPRODUCED: "✗", NOT_TESTABLE: "∅", NOT_RUN: "…"}
"""What stands before the word of a verdict."""


def slug(text: str) -> str:
    """Write a text as the name of a place or a style.

    Parameters
    ----------
    text : str
        For example a verdict.

    Returns
    -------
    str
        Small letters, digits and hyphens.

    Notes
    -----
    Notebook: 11_claims

    Examples
    --------
    >>> slug("not run yet"), slug("MUSIG > GraphSAGE")
    ('not-run-yet', 'musig-graphsage')
    """
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


def _signed(verdict: str) -> str:
    return f"{SIGNS[verdict]} {verdict}" if verdict else ""


def amount(row: Mapping[Any, Any]) -> str:
    """Write what was measured of a claim, in short.

    Parameters
    ----------
    row : mapping
        A row of :func:`musig.experiments.claims.verdicts`.

    Returns
    -------
    str
        A difference, or a gain in percent, with its interval, and the measure where it is not
        recall; empty where there is none.

    Notes
    -----
    Notebook: 11_claims

    Examples
    --------
    >>> amount({"quantity": "recall@10, a less b", "difference": 0.05, "low": 0.04, "high": 0.06})
    '+0.050 [+0.040, +0.060]'
    >>> amount({"quantity": "gain in recall@10", "difference": -0.3, "low": -0.33, "high": -0.27})
    '-30 % [-33, -27]'
    >>> amount({"quantity": "theme_auc, a less b", "difference": 0.1, "low": 0.0, "high": 0.2})
    '+0.100 [+0.000, +0.200] in theme_auc'
    """
    if pd.isna(row["difference"]):
        return ""
    three = [row[name] for name in ("difference", "low", "high")]
    if str(row["quantity"]).startswith("gain"):
        share, low, high = (round(100 * value) for value in three)
        return f"{share:+d} % [{low:+d}, {high:+d}]"
    measure = str(row["quantity"]).partition(",")[0]
    where = "" if measure.startswith("recall@") else f" in {measure}"
    return "{:+.3f} [{:+.3f}, {:+.3f}]".format(*three) + where


def counted_verdicts(table: pd.DataFrame) -> str:
    """Count the verdicts in a sentence.

    Parameters
    ----------
    table : DataFrame
        From :func:`musig.experiments.claims.verdicts`.

    Returns
    -------
    str
        Without a full stop.

    Notes
    -----
    Notebook: 11_claims

    Examples
    --------
    >>> counted_verdicts(pd.DataFrame({"verdict": ["not run yet", "reproduced", "not run yet"]}))
    '1 reproduced, 0 not reproduced, 0 not testable on this data, 2 not run yet'
    """
    return ", ".join(f"{(table['verdict'] == verdict).sum()} {verdict}" for verdict in VERDICTS)


def overview(table: pd.DataFrame, caption: str = "", *, link: bool = True) -> HTML:
    """List claims with their verdicts.

    Parameters
    ----------
    table : DataFrame
        From :func:`musig.experiments.claims.verdicts`.
    caption : str
        Stands above the list.
    link : bool
        Whether a claim leads to its part of :func:`details`.

    Returns
    -------
    IPython.display.HTML
        Three narrow columns: claim, verdict, and what was measured.

    Notes
    -----
    Notebook: 11_claims
    """
    lines = []
    for row in table.to_dict("records"):
        name = escape(row["claim"])
        named = f'<a href="#claim-{slug(row["claim"])}">{name}</a>' if link else name
        kind = slug(row["verdict"])
        lines.append(
            f'<tr class="verdict-{kind}"><td>{named}</td><td>{escape(_signed(row["verdict"]))}</td>'
            f"<td>{escape(amount(row)) or '–'}</td></tr>"
        )
    head = "<tr><th>claim</th><th>verdict</th><th>measured</th></tr>"
    above = f"<caption>{escape(caption)}</caption>" if caption else ""
    return HTML(
        f'<table class="musig-verdicts">{above}<thead>{head}</thead>'
        f"<tbody>{''.join(lines)}</tbody></table>"
    )


def details(table: pd.DataFrame) -> HTML:
    """Unfold claims one by one: source, test, numbers, run, reason and command.

    Parameters
    ----------
    table : DataFrame
        From :func:`musig.experiments.claims.verdicts`.

    Returns
    -------
    IPython.display.HTML

    Notes
    -----
    Notebook: 11_claims
    """
    return HTML("".join(_claim(row) for row in table.to_dict("records")))


def _claim(row: Mapping[Any, Any]) -> str:
    parts = {
        "The source says": escape(row["source"]),
        "How it is tested": escape(row["tested"]),
        "Measured": _listed(str(row["measured"]).split("; ") if row["measured"] else []),
        "In one number": escape(f"{row['quantity']}: {amount(row)}") if amount(row) else "",
        "Playlists": f"{row['n']:,}" if row["n"] else "",
        "p-value": _p(row),
        "All comparisons go this way": f"in {row['agree']}" if row["agree"] else "",
        "If hit-rate means any hit": escape(_signed(row["any_hit"])),
        "If it means the share of targets": escape(_signed(row["per_target"])),
        "Recorded": escape(row["run"]),
        "Verdict": escape(_signed(row["verdict"])),
        "Why": escape(row["reason"]),
        "Made again by": f"<code>{escape(row['command'])}</code>" if row["command"] else "",
    }
    body = "".join(f"<dt>{name}</dt><dd>{text}</dd>" for name, text in parts.items() if text)
    summary = f"{SIGNS[row['verdict']]} {row['claim']}: {row['verdict']}"
    # the target of a link is inside, so that a browser unfolds what it jumps to
    return (
        f'<details class="musig-claim"><summary>{escape(summary)}</summary>'
        f'<dl id="claim-{slug(row["claim"])}">{body}</dl></details>'
    )


def _listed(texts: Sequence[str]) -> str:
    items = "".join(f"<li>{escape(text)}</li>" for text in texts)
    return f"<ul>{items}</ul>" if items else ""


def _p(row: Mapping[Any, Any]) -> str:
    if pd.isna(row["p"]):
        return ""
    return f"{row['p']:.4f}, corrected over the claims {row['p_holm']:.4f}"


def by_cutoff(tables: Mapping[int, pd.DataFrame]) -> pd.DataFrame:
    """Put the verdicts for several cut-offs side by side.

    Parameters
    ----------
    tables : mapping of int to DataFrame
        Cut-off to what :func:`musig.experiments.claims.verdicts` gave for it.

    Returns
    -------
    DataFrame
        One row a claim; one column a cut-off.

    Notes
    -----
    Notebook: 11_claims
    """
    first = next(iter(tables.values()))
    columns = {"claim": first["claim"]}
    columns |= {f"k = {k}": table["verdict"].map(_signed) for k, table in tables.items()}
    return pd.DataFrame(columns)


def sensitivity(choices: pd.DataFrame) -> pd.DataFrame:
    """Put our choices in a table: ours, what else was tried, and how far results moved.

    Parameters
    ----------
    choices : DataFrame
        From :func:`musig.experiments.claims.choices`.

    Returns
    -------
    DataFrame
        One row a choice, one column a reading: the mean of ours, the least and the most of all
        tried; after a semicolon what differs from ours.

    Notes
    -----
    Notebook: 11_claims

    Examples
    --------
    >>> line = {"choice": "hops", "ours": "2", "metric": "recall@10", "tried": "1, 3",
    ...         "default": 0.08, "least": 0.05, "most": 0.08, "differ": "1", "n": 9}
    >>> sensitivity(pd.DataFrame([line]))["recall@10"].item()
    '0.080 (0.050 to 0.080); 1 differs'
    """
    lines: dict[str, dict[str, Any]] = {}
    for row in choices.to_dict("records"):
        line = lines.setdefault(
            row["choice"],
            {"choice": row["choice"], "ours": row["ours"], "tried": row["tried"], "playlists": ""},
        )
        text = "not run yet"
        if not pd.isna(row["default"]):
            text = f"{row['default']:.3f} ({row['least']:.3f} to {row['most']:.3f})"
            differ = str(row["differ"])
            verb = "differ" if ", " in differ else "differs"
            text += f"; {differ} {verb}" if differ else "; no test tells them apart"
            line["playlists"] = f"{row['n']:,}"
        line[row["metric"]] = text
    table = pd.DataFrame(list(lines.values()))
    return table[[*(name for name in table if name != "playlists"), "playlists"]]


def by_chance(
    differences: np.ndarray,
    generator: np.random.Generator,
    ax: Axes | None = None,
    times: int = 2_000,
) -> tuple[Figure, Axes]:
    """Draw what chance gives: means of differences whose signs are flipped at random.

    Parameters
    ----------
    differences : ndarray of float, shape (n,)
        Of two rows, playlist by playlist.
    generator : numpy.random.Generator
    ax : matplotlib Axes, optional
    times : int
        How often the signs are flipped.

    Returns
    -------
    figure, axes

    Notes
    -----
    The test itself is :func:`musig.statistics.paired_test`.

    Notebook: 11_claims
    """
    figure, ax = new_axes(ax)
    signs = generator.choice(np.array([-1.0, 1.0]), (times, len(differences)))
    ax.hist(signs @ differences / len(differences), bins=40, color=PALETTE[5])
    ax.axvline(differences.mean(), color=PALETTE[1], linestyle="--", linewidth=2)
    ax.annotate(
        "measured",
        (differences.mean(), 0.96),
        xycoords=("data", "axes fraction"),
        xytext=(-6 if differences.mean() > 0 else 6, 0),
        textcoords="offset points",
        ha="right" if differences.mean() > 0 else "left",
        va="top",
        color=PALETTE[1],
    )
    ax.set(xlabel="mean difference", ylabel=f"of {times:,} flips")
    return figure, ax
