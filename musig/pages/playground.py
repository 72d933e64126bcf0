r"""The page that completes playlists: what it holds, packed, and the HTML around it.

The page's two scripts (``book/_static/playground-scores.js``, the arithmetic, and
``book/_static/playground.js``, what is seen) work on what is packed here and on nothing else, so
that the page needs no network and no server.

Conventions
-----------
Positions are those of the shown tracks (:mod:`musig.pages.completed`). Sizes are in bytes. Text
from data reaches the page as JSON, in which no ``<`` is left, and is shown as text only.

Contents
--------
- :func:`content`: everything that the page knows, as plain values; :func:`sounds`: its clips;
  :func:`sizes`: what takes how much of it.
- :func:`from_content`: the methods, made again of what was packed; :func:`largest_error`: how far
  their scores are from the originals'.
- :func:`page`: the HTML.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any

import numpy as np
import pandas as pd
from IPython.display import HTML
from scipy import sparse

from musig.baselines.itemknn import ItemKNN
from musig.catalog import FEATURES, Catalog, Playlists
from musig.errors import MusigError
from musig.pages.completed import mixed, scores
from musig.pages.description import words
from musig.pages.offers import Models
from musig.pages.packing import CLIP_TYPE, clip, codes, levels, neighbours, packed, unpacked
from musig.pages.tables import STATIC, json_text
from musig.recordings import SUFFIXES, read
from musig.scorers import EmbeddingScorer

LARGEST = 1_840_000
"""Bytes of the cell: with the chapter around it and both scripts the page stays within 2 MB."""
LABELS = {"musig": "MUSIG", "track2vec": "Track2Vec", "itemknn": "item-kNN"}
_MEASURED = ("loudness", "tempo")  # features without natural bounds


def content(
    models: Models,
    shown: np.ndarray,
    clips: Mapping[int, bytes],
    examples: Sequence[Mapping[str, Any]],
) -> dict[str, Any]:
    """Gather what the page knows.

    Parameters
    ----------
    models : Models
    shown : ndarray of int, shape (n_shown,)
        Positions in the universe, ascending.
    clips : mapping of int to bytes
        Sound by shown position, see :func:`sounds`. As many are kept as there is room for.
    examples : sequence of mapping
        Playlists to begin with, see :func:`musig.pages.offers.examples`; the first is opened.

    Returns
    -------
    dict
        Plain values, fit for JSON.

    Raises
    ------
    MusigError
        If the page would be too large even without sound.

    Notes
    -----
    Notebook: 16_playground
    """
    tracks, counts = models.catalog.tracks.iloc[shown], models.counts[shown]
    made: dict[str, Any] = {
        "name": models.catalog.name,
        "tracks": _described(tracks, counts),
        "features": _features(tracks),
        "methods": [
            {"id": name, "label": LABELS[name], **_model(models.methods[name], models, shown)}
            for name in LABELS
        ],
        "parts": [
            {"id": task, "weight": models.weights[task], **_model(scorer, models, shown)}
            for task, scorer in models.parts.items()
        ],
        "examples": [dict(each) for each in examples],
    }
    # A link to a list of seeds is kept only where the tracks are the same.
    made["key"] = sha256(json_text([made["name"], made["tracks"]]).encode()).hexdigest()[:8]
    room = LARGEST - _bytes(made) - 1000  # for the HTML around it
    if room < 0:
        raise MusigError(
            f"A page with {len(shown):,} tracks would take {(LARGEST - room) / 1e6:.2f} MB, and"
            f" {LARGEST / 1e6:.2f} MB is the most: lower shown, embedding_size or neighbours."
        )
    kept = {}
    for position, sound in clips.items():
        text = base64.b64encode(sound).decode("ascii")
        room -= len(text) + len(str(position)) + 6
        if room < 0:
            break
        kept[str(position)] = text
    return made | {"clips": {"type": CLIP_TYPE, "sounds": kept}}


def sounds(
    catalog: Catalog, shown: np.ndarray, counts: np.ndarray, at_most: int, seconds: float
) -> dict[int, bytes]:
    """Cut clips from recordings of shown tracks, those in most playlists first.

    Parameters
    ----------
    catalog : Catalog
        The universe.
    shown : ndarray of int, shape (n_shown,)
        Positions in it.
    counts : ndarray of int, shape (n_tracks,)
        Training playlists of every track of the universe.
    at_most : int, >= 0
        How many clips.
    seconds : float, > 0
        Of each.

    Returns
    -------
    dict of int to bytes
        Sound by shown position; empty where there are no recordings that can be played.

    Raises
    ------
    MusigError
        If a recording cannot be read.

    Notes
    -----
    Notebook: 16_playground
    """
    if at_most < 1 or not catalog.has_sound:
        return {}
    paths = catalog.recordings().reindex(catalog.tracks.index[shown])
    playable = np.flatnonzero(paths.fillna("").str.lower().str.endswith(SUFFIXES).to_numpy())
    order = playable[np.argsort(-counts[shown][playable], kind="stable")][:at_most]
    return {int(at): clip(*read(paths.iloc[at]), seconds) for at in order}


def sizes(made: Mapping[str, Any]) -> dict[str, int]:
    """Tell what takes how much of a page.

    Parameters
    ----------
    made : mapping
        As of :func:`content`.

    Returns
    -------
    dict of str to int
        Bytes by kind of content, then ``all``.

    Notes
    -----
    Notebook: 16_playground

    Examples
    --------
    >>> sizes({"clips": {}, "tracks": [1, 2]})["clips"]
    2
    """
    found = {
        part["id"]: _bytes(part) for kind in ("methods", "parts") for part in made.get(kind, ())
    }
    found |= {key: _bytes(made[key]) for key in ("tracks", "features", "clips") if key in made}
    return found | {"all": _bytes(made)}


def from_content(made: Mapping[str, Any]) -> dict[str, Any]:
    """Make the methods again, of what was packed.

    Parameters
    ----------
    made : mapping
        As of :func:`content`.

    Returns
    -------
    dict of str to Scorer
        By name; their universe is the shown tracks.

    Notes
    -----
    Notebook: 16_playground
    """
    counts = unpacked(made["tracks"]["playlists"]).astype(np.int64)
    found: dict[str, Any] = {}
    for each in [*made["methods"], *made["parts"]]:
        if each["kind"] == "vectors":
            rows = unpacked(each["codes"]).reshape(-1, each["size"])
            found[each["id"]] = EmbeddingScorer(each["id"], rows.astype(np.float32))
            continue
        lengths, indices, shared = (
            unpacked(each[key]).astype(np.int64) for key in ("lengths", "indices", "shared")
        )
        of_row = np.repeat(np.arange(len(lengths)), lengths)
        values = (shared / np.sqrt(counts[of_row] * counts[indices])).astype(np.float32)
        indptr = np.concatenate([[0], np.cumsum(lengths)])
        scorer = ItemKNN()
        scorer.similarity = sparse.csr_array((values, indices, indptr), shape=(len(counts),) * 2)
        found[each["id"]] = scorer
    return found


def largest_error(
    models: Models,
    shown: np.ndarray,
    made: Mapping[str, Any],
    seeds: Playlists,
    blends: Sequence[Sequence[float]] = (),
) -> dict[str, float]:
    """Compare scores of packed methods with those of the originals.

    Parameters
    ----------
    models : Models
    shown : ndarray of int
    made : mapping
        As of :func:`content`.
    seeds : Playlists
        Lists to complete, in shown positions.
    blends : sequence of weights, one a part
        Blends that are compared too.

    Returns
    -------
    dict of str to float
        The largest difference of any score, by method; ``blend``: of all blends.

    Notes
    -----
    Notebook: 16_playground
    """
    again, here = from_content(made), np.arange(len(shown))
    before = {name: scores(scorer, seeds, shown) for name, scorer in models.scorers.items()}
    after = {name: scores(again[name], seeds, here) for name in before}
    apart = {name: float((before[name] - after[name]).abs().max()) for name in before}
    for weights in blends:
        one, two = (mixed([of[t] for t in models.parts], weights, seeds) for of in (before, after))
        apart["blend"] = max(apart.get("blend", 0.0), float((one - two).abs().max()))
    return apart


def page(made: Mapping[str, Any]) -> HTML:
    """Write the HTML of the page: its data, and the scripts that read them.

    Parameters
    ----------
    made : mapping
        As of :func:`content`.

    Returns
    -------
    IPython.display.HTML
        Without the scripts of the book it says in a sentence what is missing.

    Notes
    -----
    Notebook: 16_playground

    Examples
    --------
    >>> shown = page({"tracks": {"names": ["</script><b>"]}}).data
    >>> "<b>" in shown, "u003cb>" in shown
    (False, True)
    """
    return HTML(
        '<div class="musig-playground">\n'
        f'<link rel="stylesheet" href="{STATIC}/playground.css">\n'
        '<p class="pg-wait">Here playlists are completed by a script of the book. If nothing else '
        "appears, JavaScript is off, or this is the notebook and not the book: the table above "
        "shows an example, and <code>make book</code> draws the page.</p>\n"
        f'<script type="application/json" data-read-by="{STATIC}/playground.js">'
        f"{json_text(made)}</script>\n"
        f'<script defer src="{STATIC}/playground-scores.js"></script>\n'
        f'<script defer src="{STATIC}/playground.js"></script>\n'
        "</div>"
    )


def _bytes(value: Any) -> int:
    return len(json_text(value).encode("utf-8"))


def _described(tracks: pd.DataFrame, counts: np.ndarray) -> dict[str, Any]:
    """Write what tracks are called, and in how many training playlists each is."""
    told = words(tracks, np.arange(len(tracks)))
    coded: dict[str, Any] = {"names": told["title"].map(str).tolist(), "playlists": packed(counts)}
    for key in ("artist", "genre"):
        numbers, found = pd.factorize(told[key], use_na_sentinel=True)
        coded[key] = packed(numbers + 1)  # 0: unknown
        coded[f"{key}s"] = [str(value) for value in found]
    return coded


def _features(tracks: pd.DataFrame) -> dict[str, Any]:
    """Write the nine features as levels; what the data do not know of any track is left out."""
    names = [name for name in FEATURES if name in tracks and tracks[name].notna().any()]
    table = tracks[names].to_numpy(dtype=np.float64)
    low, high = np.zeros(len(names)), np.ones(len(names))
    for at, name in enumerate(names):
        if name in _MEASURED:
            low[at], high[at] = np.floor(np.nanmin(table[:, at])), np.ceil(np.nanmax(table[:, at]))
    high = np.where(high > low, high, low + 1)
    return {
        "names": names,
        "low": low.tolist(),
        "high": high.tolist(),
        "levels": packed(levels(table, low, high).ravel()),
    }


def _model(scorer: Any, models: Models, shown: np.ndarray) -> dict[str, Any]:
    """Pack one fitted method."""
    if isinstance(scorer, ItemKNN):
        rows = neighbours(scorer.similarity, models.counts, shown)
        return {"kind": "neighbours", **rows}
    unit = scorer.scorer.unit[shown].cpu().numpy()
    return {"kind": "vectors", "size": unit.shape[1], "codes": packed(codes(unit))}
