"""AotM-2011: a hundred thousand mixtapes from Art of the Mix, matched to the Million Song Dataset.

Collected by Brian McFee and Gert Lanckriet ("Hypergraph models of playlist dialects", ISMIR
2012). One JSON list, compressed with gzip; each mix has ``mix_id``, ``category``, ``user``,
``timestamp``, ``playlist`` and ``filtered_lists``.

Conventions
-----------
- ``playlist`` is a list of ``[[artist, title], id]``. The id is that of the Million Song Dataset,
  or null for a song that was not matched; such a song gets an id made from artist and title
  (``AOTM`` and 14 hexadecimal digits), so that no track is lost.
- There are no features, no popularity, no genres and no names of playlists.

Contents
--------
- :func:`read`: a catalogue and every problem.
- :func:`unmatched_id`: the id of a song without one.
- :data:`URL`, :data:`MD5`: the public file.
"""

from __future__ import annotations

import gzip
import hashlib
import zlib
from pathlib import Path
from typing import Any

import ijson
from tqdm import tqdm

from musig.catalog import Catalog, Problem
from musig.errors import counted
from musig.sources.collect import Collector, json_problem
from musig.sources.report import Report, short

URL = "https://bmcfee.github.io/data/aotm2011_playlists.json.gz"
MD5 = "66dd2c85067e3721f252cabfbf9d00b9"

NAME = "aotm2011_playlists.json.gz"
"""The file name that is recognised."""


def read(path: Path) -> tuple[Catalog | None, list[Problem]]:
    """Read the file, streamed.

    Parameters
    ----------
    path : Path
        ``aotm2011_playlists.json.gz``.

    Returns
    -------
    catalog : Catalog or None
        With ``name`` and ``artist``. None if there is an error.
    problems : list of Problem
        Empty mixes, repeated mixes and repeated tracks are dropped and counted.

    Notes
    -----
    Notebook: 01_catalog
    """
    report = Report(path.name)
    collector = Collector(("name", "artist"))
    repeats = empty = twice = 0
    try:
        with gzip.open(path, "rb") as file:
            mixes = ijson.items(file, "item", use_float=True)
            for number, mix in enumerate(tqdm(mixes, desc="mixes", unit="mix", disable=None)):
                tracks = _tracks(mix, f"mix {number + 1}", collector, report)
                if tracks is None:
                    continue
                if not tracks:
                    empty += 1
                elif mix["mix_id"] in collector.ids:
                    twice += 1
                else:
                    repeats += collector.playlist(mix["mix_id"], None, tracks)
    except (ijson.JSONError, UnicodeDecodeError, gzip.BadGzipFile, zlib.error, EOFError):
        report.problems.append(json_problem(path))
    if not collector.ids and not report.failed():
        report.error(None, None, "no mix", "a list of mixes")
    for count, noun, which in (
        (repeats, "repeat", " of a track within a mix"),
        (empty, "empty mix", ""),
        (twice, "mix", " with the id of an earlier one"),
    ):
        if count:
            report.warning(None, None, f"{counted(count, noun)}{which}, dropped", "none")
    return (None if report.failed() else collector.catalog("aotm2011")), report.problems


def unmatched_id(artist: str, title: str) -> str:
    """Return an id for a song that has none in the Million Song Dataset.

    Parameters
    ----------
    artist, title : str
        Upper and lower case and spaces around count as the same.

    Returns
    -------
    str

    Notes
    -----
    Notebook: 01_catalog

    Examples
    --------
    >>> unmatched_id("Can", "Vitamin C") == unmatched_id("CAN ", "vitamin c")
    True
    >>> unmatched_id("Can", "Vitamin C")
    'AOTM5f7899f2443373'
    """
    text = "\x1f".join(part.strip().casefold() for part in (artist, title))
    return "AOTM" + hashlib.sha256(text.encode()).hexdigest()[:14]


def _tracks(mix: Any, where: str, collector: Collector, report: Report) -> list[int] | None:
    """Return positions of tracks; None, with the reason told, if the mix is not as it should be."""
    if not isinstance(mix, dict) or type(mix.get("mix_id")) not in (int, str):
        report.error(where, "mix_id", short(mix), "an object with 'mix_id' and 'playlist'")
        return None
    if not isinstance(mix.get("playlist"), list):
        report.error(where, "playlist", short(mix.get("playlist")), "a list")
        return None
    tracks = []
    for number, entry in enumerate(mix["playlist"]):
        match entry:
            case [[str(artist), str(title)], None]:
                song = unmatched_id(artist, title)
            case [[str(artist), str(title)], str(song)]:
                pass
            case _:
                place = f"{where}, track {number + 1}"
                report.error(place, "playlist", short(entry), "[[artist, title], id or null]")
                return None
        tracks.append(collector.track(song, (title, artist)))
    return tracks
