"""Embeddings for use elsewhere: as a table, as an array, and as word vectors.

Conventions
-----------
The ending of a file says what it becomes (:data:`ENDINGS`). Rows are in the order of the model, the
ids of the tracks are with them, and rows are of length 1, so that a product of two is their cosine.
No file is a pickle.

Contents
--------
- :func:`export`: write embeddings; :func:`vectors_of`: read them back;
  :func:`require_ending`: refuse other files.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from musig.errors import MusigError, nearest
from musig.files import aside

ENDINGS = {
    ".parquet": "a table with a row a track: track_id, name, artist, vector",
    ".npy": "an array of float32, and beside it the ids, a line each, in NAME.ids.txt",
    ".txt": "word2vec's text format, which gensim loads; the words are the ids",
}
"""What a file becomes."""


def export(
    tracks: pd.DataFrame, embeddings: np.ndarray, path: Path, ids: Sequence[str] | None = None
) -> list[Path]:
    """Write embeddings with the ids of their tracks.

    Parameters
    ----------
    tracks : DataFrame
        Index ``track_id``; ``name`` and ``artist`` where they are known.
    embeddings : ndarray of float, shape (n_tracks, d)
        A row a track.
    path : Path
        With one of :data:`ENDINGS`. What is there already is replaced.
    ids : sequence of str, optional
        Only these tracks, in this order, each once; by default all.

    Returns
    -------
    list of Path
        The files.

    Raises
    ------
    MusigError
        For another ending, an unknown track, numbers that are not finite, or an id that word2vec's
        format cannot hold.

    Notes
    -----
    Notebook: 14_generalization

    Examples
    --------
    >>> import tempfile
    >>> tracks = pd.DataFrame({"name": ["Un", "Deux"]}, index=pd.Index(["a", "b"], name="track_id"))
    >>> place = Path(tempfile.mkdtemp()) / "vectors.txt"
    >>> _ = export(tracks, np.array([[1.0, 0.0], [0.0, -1.0]]), place)
    >>> place.read_text().splitlines()
    ['2 2', 'a 1 0', 'b 0 -1']
    """
    path = require_ending(path)
    vectors = np.asarray(embeddings, dtype=np.float32)
    if len(vectors) != len(tracks):
        raise MusigError(
            f"There are {len(vectors)} embeddings for {len(tracks)} tracks; expected one for each."
        )
    if not np.isfinite(vectors).all():
        raise MusigError(
            f"Some embeddings for {path} are not finite; expected numbers only. The training that"
            " made them has probably diverged."
        )
    if ids is not None:
        ids = list(dict.fromkeys(ids))
        if not ids:
            raise MusigError("No track was named: name at least one, or leave ids out for all.")
        rows = tracks.index.get_indexer(pd.Index(list(ids)))
        for each, row in zip(ids, rows, strict=True):
            if row < 0:
                raise MusigError(
                    f"Track '{each}' is not among the {len(tracks)} tracks of the model: leave it"
                    " out, or embed it as a new track with musig embed."
                )
        tracks, vectors = tracks.iloc[rows], vectors[rows]
    return WRITERS[path.suffix](tracks, vectors, path)


def require_ending(path: Path | str) -> Path:
    """Refuse a file whose ending does not say what it is.

    Parameters
    ----------
    path : path

    Returns
    -------
    Path
        The same.

    Raises
    ------
    MusigError
        For another ending than :data:`ENDINGS`.

    Notes
    -----
    Notebook: 14_generalization

    Examples
    --------
    >>> require_ending("vectors.csv")
    Traceback (most recent call last):
    musig.errors.MusigError: vectors.csv ends in '.csv', which does not say what is written; ...
    """
    path = Path(path)
    if path.suffix not in ENDINGS:
        raise MusigError(
            f"{path} ends in '{path.suffix}', which does not say what is written;"
            f" {nearest(path.suffix, ENDINGS)}"
        )
    if path.is_dir():
        raise MusigError(f"{path} is a folder: give the name of a file.")
    return path


def _parquet(tracks: pd.DataFrame, vectors: np.ndarray, path: Path) -> list[Path]:
    table = tracks.reindex(columns=["name", "artist"]).assign(vector=list(vectors))
    with aside(path) as passing:
        table.rename_axis("track_id").reset_index().to_parquet(passing, index=False)
    return [path]


def _npy(tracks: pd.DataFrame, vectors: np.ndarray, path: Path) -> list[Path]:
    ids = [str(each) for each in tracks.index]
    for each in ids:
        if len(each.splitlines()) != 1:
            raise MusigError(
                f"The track id {each!r} is empty or holds a line break, and beside an array ids are"
                " written a line each: write .parquet."
            )
    listing = path.with_suffix(".ids.txt")
    with aside(listing) as passing:
        passing.write_text("".join(f"{each}\n" for each in ids), "utf-8", newline="\n")
    with aside(path) as passing, passing.open("wb") as file:
        np.save(file, vectors, allow_pickle=False)
    return [path, listing]


def _word2vec(tracks: pd.DataFrame, vectors: np.ndarray, path: Path) -> list[Path]:
    ids = [str(each) for each in tracks.index]
    for each in ids:
        if not each or each.split() != [each]:
            raise MusigError(
                f"The track id '{each}' holds white space or nothing, which word2vec's text format"
                " cannot: write .parquet or .npy."
            )
    with aside(path) as passing, passing.open("w", encoding="utf-8", newline="\n") as file:
        file.write(f"{len(ids)} {vectors.shape[1]}\n")
        for each, row in zip(ids, vectors, strict=True):
            # nine digits tell every float32 from the next
            file.write(f"{each} {' '.join(f'{value:.9g}' for value in row.tolist())}\n")
    return [path]


WRITERS: dict[str, Callable[[pd.DataFrame, np.ndarray, Path], list[Path]]] = {
    ".parquet": _parquet,
    ".npy": _npy,
    ".txt": _word2vec,
}


def vectors_of(path: Path) -> pd.DataFrame:
    """Read back what :func:`export` wrote.

    Parameters
    ----------
    path : Path

    Returns
    -------
    DataFrame of float32
        Index ``track_id``, a column a number.

    Raises
    ------
    MusigError
        If the file, or the ids beside it, is missing or not what was written; a pickle is never
        opened.

    Notes
    -----
    What ``musig embed`` writes can be read as well.

    Notebook: 14_generalization
    """
    path = require_ending(path)
    try:
        if path.suffix == ".parquet":
            table = pd.read_parquet(path, columns=["track_id", "vector"])
            ids, values = table["track_id"].tolist(), np.stack(table["vector"].to_list())
        elif path.suffix == ".npy":
            with path.open("rb") as file:
                if file.read(6) != b"\x93NUMPY":
                    raise ValueError("it is no array of numbers; a pickle is never opened")
            values = np.load(path, allow_pickle=False)
            listing = path.with_suffix(".ids.txt").read_text("utf-8")
            ids = listing.splitlines()
        else:
            head, *lines = path.read_text("utf-8").splitlines()
            n, width = map(int, head.split(" "))
            words = [line.split(" ") for line in lines]
            ids = [word[0] for word in words]
            values = np.array([word[1:] for word in words], dtype=np.float32).reshape(-1, width)
            if len(ids) != n:
                raise ValueError(f"{len(ids)} vectors, where the first line says {n}")
        if len(ids) != len(values):
            raise ValueError(f"{len(values)} vectors for {len(ids)} ids")
    except (OSError, ValueError, KeyError) as error:
        raise MusigError(
            f"{path} cannot be read as embeddings ({error}): write it again with musig export."
        ) from error
    return pd.DataFrame(values.astype(np.float32), index=pd.Index(ids, name="track_id"))
