"""A catalogue written as a folder of tables, with its sound.

What is written is plain: any program that opens Parquet can read the tables, and any player the
recordings.

Conventions
-----------
The shape is that of :mod:`musig.sources.tables`. Recordings go into a folder beside the tables,
under the paths they have in the catalogue, so that its fingerprint stays the same.

Contents
--------
- :func:`write_folder`: writes the folder.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from musig.catalog import Catalog
from musig.errors import MusigError
from musig.sources.tables import SOUND


def write_folder(catalog: Catalog, folder: Path) -> Path:
    """Write a catalogue as a folder of Parquet tables.

    Parameters
    ----------
    catalog : Catalog
    folder : Path
        Must not exist yet. Written aside and renamed, so it is there whole or not at all.
        Recordings are copied into it.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    MusigError
        If the folder exists, or a recording is not there as a file.

    Notes
    -----
    Notebook: 01_catalog
    """
    folder = Path(folder)
    if folder.exists():
        raise MusigError(f"{folder} exists already: choose another name, or remove it first.")
    aside = folder.with_name(folder.name + ".partial")
    if aside.exists():
        shutil.rmtree(aside)
    try:
        aside.mkdir(parents=True)
    except OSError as error:
        raise MusigError(
            f"{folder} cannot be written ({error.strerror}): choose a folder that can be."
        ) from error
    playlists, lengths = catalog.playlists, catalog.playlists.lengths
    starts = np.repeat(playlists.indptr[:-1], lengths)
    ids = pa.array(catalog.tracks.index.tolist(), type=pa.string())
    entries = {
        "pid": np.repeat(playlists.ids, lengths),
        "track_id": pa.DictionaryArray.from_arrays(playlists.tracks, ids),
        "pos": np.arange(len(playlists.tracks)) - starts,
    }
    info = {"pid": playlists.ids, "name": pa.array(playlists.names, type=pa.string())}
    _write(pa.table(entries), aside / "playlists.parquet")
    _write(pa.table(info), aside / "playlist_info.parquet")
    _write(pa.Table.from_pandas(catalog.tracks.reset_index()), aside / "tracks.parquet")
    if catalog.sound is not None and "recording" in catalog.tracks:
        _copy_sound(catalog, catalog.sound(), aside / SOUND)
    aside.rename(folder)
    return folder


def _copy_sound(catalog: Catalog, source: Path, folder: Path) -> None:
    for track, recording in catalog.tracks["recording"].dropna().items():
        name = Path(recording)
        if name.is_absolute() or ".." in name.parts or not (source / name).is_file():
            raise MusigError(
                f"{catalog.name} cannot be written as tables: the recording {name} of track "
                f"{track} is no file in {source}."
            )
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source / name, folder / name)


def _write(table: pa.Table, path: Path) -> None:
    # without the schema of this library any reader sees plain columns
    pq.write_table(
        table.replace_schema_metadata(None), path, store_schema=False, compression="zstd"
    )
