"""The landing page: three routes with their times, the verdicts counted, the methods in short.

Nothing here is typed that was measured. How long reading takes is counted from the words of the
chapters; how long a laptop takes comes from ``book/times.json``, what a GPU takes from
``benchmarks/gpu.json``; where a file is not there the page says so.

Conventions
-----------
What is written is Markdown for MyST, with HTML where a table has bars. Reading is reckoned at
:data:`SPEED` words a minute. The verdicts and the table are made from the recorded cells, which
takes seconds, so they are kept in the cache (:func:`musig.cache.stage`) until a cell changes.

Contents
--------
- :func:`words`, :func:`spell`: what is counted, and how a time is said;
- :func:`laptop`, :func:`gpu`: what was measured, in short and in a sentence; :func:`real`: in a
  sentence; :func:`routes`: the three cards;
- :func:`found`: verdicts and methods, from the recorded cells; :func:`tiles`,
  :func:`short_table`: their two parts; :func:`landing`: both.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

from musig.cache import stage
from musig.errors import counted
from musig.running import timing
from musig.running.ledger import results

SPEED = 200
"""Words a minute: an unhurried reader of a text with formulas."""
METRICS = ("recall@10", "hit_rate@10")
GLOSS = {
    "popularity": "the same list for all",
    "random": "chance",
    "itemknn": "tracks like the seeds",
    "userknn": "playlists like this one",
    "als": "matrix factorisation",
    "ease": "a linear model",
    "track2vec": "words in a sentence",
    "node2vec": "walks in the graph",
    "graphsage": "the graph, one task",
    "musig": "the paper's method",
    "musig-best": "our best version of it",
    "blend": "musig-best and ease",
    "blend-cf": "ease and itemknn",
}
"""What a method is, in a few words; the chapter says more."""
_BLOCK = re.compile(r"```.*?```|\$\$.*?\$\$|<!--.*?-->", re.S)
_TERM = re.compile(r"\{term\}`([^`<]*)[^`]*`")  # of all roles the one that shows its words
_INLINE = re.compile(
    r"^:{3,}(?:\{admonition\}|.*$)|^:[\w-]+:.*$|^\([\w-]+\)=$"  # directives, options, labels
    r"|(?:\{[\w:]+\})?`+[^`]*`+|\$[^$]*\$|</?\w[^>]*>|\]\([^)\s]*\)",
    re.M,
)


def words(notebooks: Sequence[Path]) -> int:
    """Count the words a reader of some notebooks meets; code, formulas and markup left out.

    Parameters
    ----------
    notebooks : sequence of Path
        Files as they are committed.

    Returns
    -------
    int

    Notes
    -----
    Notebook: 01_catalog
    """
    number = 0
    for path in notebooks:
        for cell in json.loads(path.read_text("utf-8"))["cells"]:
            if cell["cell_type"] == "markdown":
                text = "".join(cell["source"])
                text = _TERM.sub(r"\1", _BLOCK.sub(" ", text))
                number += len(re.findall(r"[^\W\d_][\w'’-]*", _INLINE.sub(" ", text)))
    return number


def spell(seconds: float) -> str:
    """Say how long something takes, rounded as one would say it.

    Parameters
    ----------
    seconds : float

    Returns
    -------
    str

    Notes
    -----
    Notebook: 01_catalog

    Examples
    --------
    >>> [spell(seconds) for seconds in (0.2, 41.4, 100, 3000, 9000)]
    ['1 second', '41 seconds', '2 minutes', '50 minutes', '2.5 hours']
    """
    if seconds < 89.5:
        return counted(max(1, round(seconds)), "second")
    if seconds < 89.5 * 60:
        return counted(round(seconds / 60), "minute")
    hours = round(seconds / 1800) / 2
    return f"{hours:g} hours"


def laptop(path: Path) -> tuple[str, str]:
    """Say how long this book takes to make on a machine without a GPU, all of it or a chapter.

    Parameters
    ----------
    path : Path
        What :mod:`musig.running.timing` wrote; it may not be there.

    Returns
    -------
    tuple of str and str
        The time of the whole book as a reader would say it, and all times in a sentence or two.

    Notes
    -----
    Notebook: 01_catalog
    """
    kept = timing.read(path)
    if not kept.get("building") or not kept["chapters"]:
        return "not timed yet", "Not timed yet: `python -m musig.running.timing` does it."
    whole, again, changed, chapter = (
        spell(kept["building"][name]["seconds"]) for name in timing.BUILDING
    )
    took = sorted(one["seconds"] for one in kept["chapters"].values())
    return whole, (
        f"With an empty cache and {counted(kept['cores'], 'core')}, `make book` took {whole} once "
        f"the packages were installed, a second one {again}, `make chapter N=05` with a parameter "
        f"changed {changed}, and without the cache that the book leaves {chapter}. "
        f"Run alone on one thread, a chapter took from {spell(took[0])} to {spell(took[-1])}."
    )


def gpu(path: Path) -> tuple[str, str]:
    """Say how long the training at the paper's size took on a GPU.

    Parameters
    ----------
    path : Path
        What ``benchmarks/gpu.py`` wrote; it may not be there.

    Returns
    -------
    tuple of str and str
        The time as a reader would say it, and in a sentence.

    Notes
    -----
    Notebook: 15_speed_and_scale
    """
    missing = "not timed yet", "Not timed yet on a GPU: `python benchmarks/gpu.py` does it."
    if not path.is_file():
        return missing
    measured = json.loads(path.read_text("utf-8"))
    machine = measured.get("machine", {})
    trained = measured.get("training", {}).get("float32", {})
    if machine.get("device") != "cuda" or measured.get("size") != "paper" or not trained:
        return missing
    took = spell(trained["seconds"])
    card = machine.get("name", "GPU")
    return f"a training: {took}", (
        f"Training at the paper's size, {trained['epochs']} epochs of three tasks over "
        f"{measured['edges']:,} edges, took {took} on one {card}, in float32. "
        "The chapters around it compute on the processor too, and were not timed there."
    )


def real(folder: Path) -> str:
    """Say how long the longest recorded run on real data took.

    Parameters
    ----------
    folder : Path
        Of the recorded results.

    Returns
    -------
    str
        A sentence; empty where none is recorded.

    Notes
    -----
    Notebook: 06_playlist_completion
    """
    runs = [run for run in results(folder) if run.profile == "real"]
    if not runs:
        return ""
    longest = max(runs, key=lambda run: run.seconds)
    return (
        f"Of the notebooks recorded with it, [{longest.notebook}]"
        f"(../notebooks/{longest.notebook}.ipynb) took longest: {spell(longest.seconds)} "
        f"({longest.device}, {counted(longest.threads, 'thread')})."
    )


def routes(root: Path) -> str:
    """Write the three routes as cards.

    Parameters
    ----------
    root : Path
        Folder of the project, with ``notebooks``, ``book`` and ``benchmarks``.

    Returns
    -------
    str
        A grid of three cards.

    Notes
    -----
    Notebook: 01_catalog
    """
    chapters = sorted((root / "notebooks").glob("*.ipynb"))
    number = words(chapters)
    here, here_told = laptop(root / timing.KEPT)
    card, card_told = gpu(root / "benchmarks/gpu.json")
    cards = (
        (
            *("book", "Read", f"about {spell(60 * number / SPEED)}"),
            "Follow the chapters in order; every output is here.\n"
            "Offline, on any device, nothing to install.",
            f"{len(chapters)} chapters of {number:,} words, at {SPEED} words a minute.",
            ("Start reading", "../notebooks/01_catalog.ipynb"),
        ),
        (
            *("device-desktop", "Re-run on a laptop", here),
            "`make book` runs everything.\n"
            "Any chapter also works first and alone, with any parameter changed.",
            here_told,
            ("How to re-run", "reading.md"),
        ),
        (
            *("cpu", "Re-run on a GPU", card),
            "`make book PROFILE=paper` takes the size of the paper's data.\n"
            "The same notebooks, other parameters.",
            card_told,
            ("Speed and scale", "../notebooks/15_speed_and_scale.ipynb"),
        ),
    )
    parts = ["::::{grid} 1 1 3 3", ":gutter: 3", ":class-container: musig-routes", ""]
    for icon, title, time, text, source, (link, target) in cards:
        parts += [
            f":::{{grid-item-card}} {{octicon}}`{icon};1.6em;musig-icon` {title}",
            f"[{time}]{{.musig-time}}",
            "",
            f"{text}",
            "",
            f"[{link}]({target})",
            "",
            f"```{{card-footer}}\n{source}\n```",
            ":::",
            "",
        ]
    return "\n".join([*parts, "::::"])


def found(folder: Path) -> dict[str, Any]:
    """Compute what the landing page tells of the recorded cells, or find it in the cache.

    Parameters
    ----------
    folder : Path
        Of the recorded cells.

    Returns
    -------
    dict
        ``verdicts``: by family of claims, a number a verdict; ``methods``: a row a method, the
        best first; ``data``: what they are of.

    Notes
    -----
    Notebook: 11_claims
    """

    def make(out: Path) -> None:
        (out / "found.json").write_text(json.dumps(_found(folder)), encoding="utf-8")

    contents = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        contents.update(path.relative_to(folder).as_posix().encode())
        contents.update(hashlib.sha256(path.read_bytes()).digest())
    kept = stage("landing", {"cells": contents.hexdigest()}, make, "musig.running.landing")
    return dict(json.loads((kept / "found.json").read_text("utf-8")))


def _found(folder: Path) -> dict[str, Any]:
    from musig.experiments import claims, plans, store, tables

    judged = claims.verdicts(folder)
    told: dict[str, Any] = {"verdicts": {}, "methods": [], "data": [], "playlists": 0, "folds": 0}
    for family in (claims.PAPERS, claims.OURS):
        mine = judged.loc[judged["family"] == family, "verdict"]
        told["verdicts"][family] = {each: int((mine == each).sum()) for each in claims.VERDICTS}
    read = store.read(plans.methods_table(), folder)
    told["data"] = sorted({result.run["data"] for result in read if result.run})
    if not told["data"]:
        return told
    made = tables.table(read, METRICS)
    for name in dict.fromkeys(made["method"]):
        rows = made[made["method"] == name].set_index("metric")
        first = rows.loc[METRICS[0]]
        if not first["n"]:
            continue
        told["playlists"] = max(told["playlists"], int(first["n"]))
        told["folds"] = max(told["folds"], int(first["folds"]))
        told["methods"].append(
            {
                "method": name,
                "beats": len([each for each in str(first["beats"] or "").split(", ") if each]),
                "remark": str(first["remark"] or ""),
                **{
                    m: [float(rows.loc[m, end]) for end in ("mean", "low", "high")] for m in METRICS
                },
            }
        )
    told["methods"].sort(key=lambda row: -row[METRICS[0]][0])
    return told


def tiles(told: dict[str, Any]) -> str:
    """Write the verdicts as a row of numbers, and a sentence about ours.

    Parameters
    ----------
    told : dict
        From :func:`found`.

    Returns
    -------
    str
        HTML and a line of Markdown.

    Notes
    -----
    Notebook: 11_claims
    """
    from musig.experiments import claims
    from musig.pages.verdicts import SIGNS, slug

    papers, ours = told["verdicts"][claims.PAPERS], told["verdicts"][claims.OURS]
    items = "".join(
        f'<li class="verdict-{slug(verdict)}"><strong>{number}</strong> '
        f"<span>{SIGNS[verdict]} {verdict}</span></li>"
        for verdict, number in papers.items()
        if number
    )
    return (
        f"Of the paper's {sum(papers.values())} claims, on real playlists:\n\n"
        f'```{{raw}} html\n<ul class="musig-tiles">{items}</ul>\n```\n\n'
        f"Of {sum(ours.values())} claims about our best version, "
        f"{ours[claims.REPRODUCED]} {'holds' if ours[claims.REPRODUCED] == 1 else 'hold'}.\n"
        "[Each claim with its test, its numbers and its run](../notebooks/11_claims.ipynb)."
    )


def short_table(told: dict[str, Any]) -> str:
    """Write the methods in short: one measure with its interval and a bar, and what each beats.

    Parameters
    ----------
    told : dict
        From :func:`found`.

    Returns
    -------
    str
        HTML and a line of Markdown; a sentence where nothing is recorded.

    Notes
    -----
    Notebook: 07_methods
    """
    if not told["methods"]:
        return "No cell of the methods table has been recorded yet."
    most = {metric: max(row[metric][0] for row in told["methods"]) for metric in METRICS}
    lines = []
    for row in told["methods"]:
        name = row["method"]
        gloss = "; ".join(filter(None, [GLOSS.get(name, ""), row["remark"]]))
        values = "".join(
            f'<td class="musig-bar {kind}" style="--share: {100 * row[m][0] / most[m]:.0f}%">'
            f"<b>{row[m][0]:.3f}</b> <small>{row[m][1]:.3f} to {row[m][2]:.3f}</small></td>"
            for m, kind in zip(METRICS, ("", "musig-wide"), strict=True)
        )
        mark = ' class="musig-own"' if name.startswith("musig") else ""
        lines.append(
            f'<tr{mark}><th scope="row"><code>{escape(name)}</code> <small>{escape(gloss)}</small>'
            f'</th>{values}<td class="musig-count">{row["beats"]}</td></tr>'
        )
    head = (
        '<tr><th scope="col">method</th>'
        f'<th scope="col">{METRICS[0]}</th><th scope="col" class="musig-wide">{METRICS[1]}</th>'
        '<th scope="col">beats</th></tr>'
    )
    caption = (
        f"{len(told['methods'])} methods on {told['playlists']:,} playlists of "
        f"{escape(', '.join(told['data']))}, each a test playlist once in {told['folds']} folds: "
        f"mean and 95 % interval. <em>Beats</em>: how many others the method is above in "
        f"{METRICS[0]}, by paired tests with Holm's correction."
    )
    table = (
        f'<table class="musig-short"><caption>{caption}</caption>'
        f"<thead>{head}</thead><tbody>{''.join(lines)}</tbody></table>"
    )
    return (
        f"```{{raw}} html\n{table}\n```\n\n"
        "[Every measure, every test, and what each method is](../notebooks/07_methods.ipynb)."
    )


def landing(folder: Path) -> str:
    """Write what was found, in short: the verdicts counted, and the methods.

    Parameters
    ----------
    folder : Path
        Of the recorded cells.

    Returns
    -------
    str
        Markdown with HTML.

    Notes
    -----
    Notebook: 11_claims
    """
    told = found(folder)
    return f"{tiles(told)}\n\n### The methods in short\n\n{short_table(told)}"
