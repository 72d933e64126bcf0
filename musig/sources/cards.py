"""What data there is, in a line each; ``data/README.md`` has the long version.

Conventions
-----------
``name`` is what ``--dataset`` takes, or how the data set is called if it comes as a folder.

Contents
--------
- :data:`CARDS`, :class:`Card`: the data sets.
- :func:`list_sources`: the same as a table.
- :func:`describe`: what a catalogue holds.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
import pandas as pd

from musig.catalog import Catalog


@dataclass(frozen=True)
class Card:
    """A data set in a few words."""

    name: str
    what: str
    size: str
    licence: str
    how: str
    """How to get it."""


CARDS = (
    Card(
        "embedded-smoke",
        "synthetic playlists with a planted truth, the smallest: for tests",
        "300 tracks, 600 playlists",
        "MIT, as the package",
        "--dataset embedded-smoke",
    ),
    Card(
        "embedded-classroom",
        "the same, as large as a chapter needs it: the default",
        "2,000 tracks, 8,000 playlists",
        "MIT, as the package",
        "--dataset embedded-classroom",
    ),
    Card(
        "embedded-paper",
        "the same, as large as the paper's data",
        "15,900 tracks, 95,000 playlists",
        "MIT, as the package",
        "--dataset embedded-paper",
    ),
    Card(
        "tidytuesday",
        "471 Spotify playlists with the nine features and popularity",
        "28,356 tracks; 8 MB",
        "a public teaching collection of values from Spotify's Web API; no licence of its own",
        "musig data get tidytuesday, then --dataset tidytuesday",
    ),
    Card(
        "aotm2011",
        "mixtapes from Art of the Mix, matched to the Million Song Dataset; no features",
        "101,343 playlists; 50 MB",
        "published for research; no licence stated",
        "musig data get aotm2011, then --dataset aotm2011",
    ),
    Card(
        "MPD slices",
        "the Million Playlist Dataset: titles, artists, albums; no features",
        "1M playlists, 2.3M tracks; 33 GB",
        "research only, under the terms of the RecSys Challenge 2018",
        "no longer offered; --data FOLDER with mpd.slice.*.json",
    ),
    Card(
        "FMA",
        "the Free Music Archive: recordings, genres, eight audio features; no playlists",
        "106,574 tracks, 13,129 with features; metadata 342 MiB, 8,000 clips of 30 s 7.2 GiB",
        "metadata CC BY 4.0; each recording under the Creative Commons licence of its artist",
        "musig data get fma_metadata and fma_small, then --data with the folder they print",
    ),
    Card(
        "Melon",
        "playlists and mel-spectrograms of a Korean service; no popularity, no audio features",
        "148,826 playlists (115,071 whole), 649,091 songs; 240 GB",
        "research only, not to be passed on; after registration",
        "arena.kakao.com/melon_dataset; --data FOLDER with train.json and arena_mel_*.tar",
    ),
    Card(
        "folder of tables",
        "playlists and tracks as Parquet or CSV: yours, or what musig data join writes",
        "yours",
        "yours",
        "--data FOLDER with playlists.parquet and tracks.parquet",
    ),
    Card(
        "folder of recordings",
        "WAV, FLAC, OGG or MP3 files; playlists from .m3u files, index.csv or sub-folders",
        "yours",
        "yours",
        "--data FOLDER with recordings at any depth",
    ),
)


def list_sources() -> pd.DataFrame:
    """Return the cards as a table: ``name``, ``what``, ``size``, ``licence``, ``how``.

    Returns
    -------
    DataFrame
        A row a data set.

    Notes
    -----
    Notebook: 01_catalog

    Examples
    --------
    >>> list_sources()["name"].tolist()[:2]
    ['embedded-smoke', 'embedded-classroom']
    """
    return pd.DataFrame([asdict(card) for card in CARDS])


def describe(catalog: Catalog) -> dict[str, pd.DataFrame]:
    """Count what a catalogue holds and what it does not.

    Parameters
    ----------
    catalog : Catalog

    Returns
    -------
    dict of DataFrame
        ``counts`` (``what``, ``number``): playlists, entries, tracks, artists, ...;
        ``columns`` (``column``, ``known``, ``missing_share`` in [0, 1], and for numbers ``min``,
        ``median``, ``max``); ``lengths`` (``quantile`` in [0, 1], ``tracks``): of playlists.

    Notes
    -----
    Notebook: 01_catalog

    Examples
    --------
    >>> from musig.catalog import Playlists
    >>> tracks = pd.DataFrame({"energy": [0.5, None]}, index=["a", "b"])
    >>> tables = describe(Catalog(tracks, Playlists.from_lists([[0], [0]]), "tiny"))
    >>> print(tables["columns"].to_string(index=False))
    column  known  missing_share  min  median  max
    energy      1            0.5  0.5     0.5  0.5
    """
    playlists, tracks = catalog.playlists, catalog.tracks
    times = playlists.counts(catalog.n_tracks)
    counts = {
        "playlists": len(playlists),
        "entries": len(playlists.tracks),
        "tracks": catalog.n_tracks,
        "tracks in no playlist": int((times == 0).sum()),
        "tracks in one playlist": int((times == 1).sum()),
        "tracks in ten or more playlists": int((times >= 10).sum()),
        "playlists with a name": sum(name is not None for name in playlists.names),
    }
    for column, what in (("artist", "artists (by name)"), ("main_genre", "main genres")):
        if column in tracks:
            counts[what] = int(tracks[column].nunique())
    quantiles = np.array([0.0, 0.25, 0.5, 0.75, 0.95, 1.0])
    lengths = np.quantile(playlists.lengths, quantiles) if len(playlists) else np.nan
    return {
        "counts": pd.DataFrame({"what": list(counts), "number": list(counts.values())}),
        "columns": pd.DataFrame([_column(tracks[column]) for column in tracks.columns]),
        "lengths": pd.DataFrame({"quantile": quantiles, "tracks": lengths}),
    }


def _column(values: pd.Series) -> dict[str, object]:
    if values.name == "genres":
        known = values.map(lambda tags: tags is not None and len(tags) > 0)
    else:
        known = values.notna()
    row = {
        "column": values.name,
        "known": int(known.sum()),
        "missing_share": float(1 - known.mean()),
    }
    if pd.api.types.is_numeric_dtype(values.dtype):
        numbers = values.astype(float)
        row |= {"min": numbers.min(), "median": numbers.median(), "max": numbers.max()}
    return row
