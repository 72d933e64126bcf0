"""Tables of tracks as people have them, brought to the types of a catalogue.

Conventions
-----------
- Parquet (``.parquet``) or CSV in UTF-8 (``.csv``, ``.csv.gz``), recognised by name and checked
  by content. Rows are counted from 1, a header not counted.
- Numbers become float32, unknown NaN. In a column of numbers an empty cell and ``NaN``, ``NA``,
  ``null``, ``None`` are unknown; in a column of text only an empty cell is, for "NA" and "None"
  are names of artists.
- ``genres`` in CSV: a JSON list, the same in Python's spelling, or tags separated by ``|``. A
  comma outside a list separates nothing, for names of genres hold some: it is warned of.

Contents
--------
- :func:`read_frame`: a file as a table.
- :func:`tidy_tracks`: a table of tracks, checked and typed.
- :func:`tidy_numbers`, :func:`tidy_genres`, :func:`parse_genres`: its parsers.
"""

from __future__ import annotations

import ast
import json
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from musig.errors import counted
from musig.sources.report import Report, short
from musig.validation import COLUMNS, RANGES, TEXT, check_tracks

_GENRES = 'JSON such as ["rock", "folk"], or rock|folk'
_UNKNOWN_NUMBERS = ("nan", "na", "n/a", "null", "none", "")


def read_frame(path: Path, report: Report, unknown: tuple[str, ...] = ("",)) -> pd.DataFrame | None:
    """Read a Parquet or CSV file.

    Parameters
    ----------
    path : Path
        Ends in ``.parquet``, ``.csv`` or ``.csv.gz``.
    report : Report
        Takes what is wrong with the file.
    unknown : tuple of str
        Cells of a CSV file that stand for unknown.

    Returns
    -------
    DataFrame or None
        CSV columns are all text. None if the file is not what its name says.

    Notes
    -----
    Notebook: 01_catalog
    """
    named = {".parquet": "Parquet", ".gz": "gzip"}.get(path.suffix, "CSV")
    expected = f"a {named} file, as its name says"
    with path.open("rb") as file:
        start = file.read(40)
    actual = "Parquet" if start[:4] == b"PAR1" else "gzip" if start[:2] == b"\x1f\x8b" else "CSV"
    if not start:
        report.error(None, None, "an empty file", expected)
        return None
    if named != actual:
        found = f"contents that begin {start[:20]!r}" if actual == "CSV" else f"a {actual} file"
        report.error(None, None, found, expected)
        return None
    try:
        if named == "Parquet":
            return pq.read_table(path).to_pandas()
        return pd.read_csv(
            path, dtype="str", keep_default_na=False, na_values=list(unknown), encoding="utf-8"
        )
    except UnicodeDecodeError as error:
        found, expected = f"a byte that is not UTF-8 ({error.reason})", "CSV in UTF-8"
    except pd.errors.EmptyDataError:
        found = "no columns"
    except (pa.ArrowException, OSError, EOFError, zlib.error, pd.errors.ParserError) as error:
        found = f"a damaged file ({' '.join(str(error).split())[:100]})"
    report.error(None, None, found, expected)
    return None


def tidy_tracks(frame: pd.DataFrame, report: Report) -> pd.DataFrame | None:
    """Check a table of tracks and give its columns their types.

    Parameters
    ----------
    frame : DataFrame
        With ``track_id`` and any of the known columns.
    report : Report
        Takes what is wrong.

    Returns
    -------
    DataFrame or None
        As ``Catalog.tracks``. None if there is no column ``track_id``.

    Notes
    -----
    Notebook: 01_catalog
    """
    if "track_id" not in frame:
        report.missing("track_id", frame.columns)
        return None
    ids = frame["track_id"]
    ids = ids.astype("str") if pd.api.types.is_integer_dtype(ids.dtype) else ids
    missing = ids.isna().to_numpy()
    for row in np.flatnonzero(missing):
        report.error(row, "track_id", "nothing", "an id")
    repeated = ids.duplicated().to_numpy() & ~missing
    first = pd.Series(np.arange(1, len(ids) + 1)[~repeated], index=ids[~repeated])
    for row in np.flatnonzero(repeated):
        found = f"{ids.iloc[row]!r}, which is also in row {first[ids.iloc[row]]}"
        report.error(row, "track_id", found, "each id once")
    columns: dict[str, Any] = {}
    for column in map(str, frame.columns):
        values = frame[column]
        if column in RANGES:
            columns[column] = tidy_numbers(values, report)
        elif column == "genres":
            columns[column] = tidy_genres(values, report)
        elif column in TEXT:
            columns[column] = _tidy_text(values, report)
    report.unknown(frame.columns, ("track_id", *COLUMNS))
    tracks = pd.DataFrame(columns, index=pd.Index(ids, name="track_id", dtype="str"))
    report.problems += check_tracks(tracks, report.file, report.rows)
    if "tempo" in tracks:  # 0 beats a minute is how Spotify writes "no beat found"
        tracks["tempo"] = tracks["tempo"].where(tracks["tempo"] != 0)
    return tracks


def tidy_numbers(values: pd.Series, report: Report) -> np.ndarray:
    """Turn a column into float32, with NaN where it is unknown.

    Parameters
    ----------
    values : Series, shape (n,)
        Numbers, or text.
    report : Report
        Takes every cell that is no number.

    Returns
    -------
    ndarray of float32, shape (n,)

    Notes
    -----
    Notebook: 01_catalog
    """
    numeric = pd.api.types.is_numeric_dtype(values.dtype)
    text = pd.api.types.is_string_dtype(values) or bool(values.isna().all())
    if pd.api.types.is_bool_dtype(values.dtype) or not (numeric or text):
        report.error(None, str(values.name), f"values of type {values.dtype}", "numbers")
        return np.full(len(values), np.nan, dtype=np.float32)
    parsed = pd.to_numeric(values, errors="coerce")
    numbers = parsed.to_numpy(dtype=np.float32, na_value=np.nan)
    if not numeric:
        for row in np.flatnonzero(np.isnan(numbers) & values.notna().to_numpy()):
            cell = values.iloc[row]
            if cell.strip().lower() not in _UNKNOWN_NUMBERS:
                report.error(row, str(values.name), short(cell), "a number, or nothing if unknown")
    return numbers


def tidy_genres(values: pd.Series, report: Report) -> list[list[str]]:
    """Turn a column into lists of genres, empty where they are unknown.

    Parameters
    ----------
    values : Series, shape (n,)
        Lists, or text as :func:`parse_genres` reads it.
    report : Report
        Takes every cell that is no list of texts, and the first whose commas were perhaps meant
        to separate.

    Returns
    -------
    list of list of str
        Of length n.

    Notes
    -----
    Notebook: 01_catalog
    """
    genres: list[list[str]] = []
    commas: list[int] = []
    for row, cell in enumerate(values):
        try:
            if isinstance(cell, str):
                tags = parse_genres(cell)
                if "," in cell and "|" not in cell and not cell.lstrip().startswith("["):
                    commas.append(row)
            elif isinstance(cell, list | tuple | np.ndarray):
                tags = [tag for tag in cell if tag is not None]
                if not all(isinstance(tag, str) for tag in tags):
                    raise ValueError(cell)
            elif pd.isna(cell):
                tags = []
            else:
                raise ValueError(cell)
        except ValueError:
            report.error(row, "genres", short(cell), f"a list of texts: {_GENRES}")
            tags = []
        genres.append(tags)
    if commas:
        more = f" (and {counted(len(commas) - 1, 'cell')} more like it)" if commas[1:] else ""
        found = f"{short(values.iloc[commas[0]])}, read as one genre{more}"
        report.warning(commas[0], "genres", found, f"{_GENRES}, where several were meant")
    return genres


def parse_genres(text: str) -> list[str]:
    """Read a list of genres from a cell of text.

    Parameters
    ----------
    text : str

    Returns
    -------
    list of str

    Raises
    ------
    ValueError
        If the cell begins like a list and is none, or holds something that is not text.

    Notes
    -----
    Notebook: 01_catalog

    Examples
    --------
    >>> parse_genres('["glam rock", "r&b"]'), parse_genres("['pop']"), parse_genres("pop | soul")
    (['glam rock', 'r&b'], ['pop'], ['pop', 'soul'])
    """
    text = text.strip()
    if not text.startswith("["):
        return [tag.strip() for tag in text.split("|") if tag.strip()]
    try:
        tags = json.loads(text)
    except json.JSONDecodeError:
        try:
            tags = ast.literal_eval(text)  # literals only: runs nothing
        except (SyntaxError, MemoryError, RecursionError) as error:
            raise ValueError(text) from error
    if not isinstance(tags, list) or not all(isinstance(tag, str) for tag in tags):
        raise ValueError(text)
    return tags


def _tidy_text(values: pd.Series, report: Report) -> Any:
    if not pd.api.types.is_string_dtype(values) and values.notna().any():
        report.error(None, str(values.name), f"values of type {values.dtype}", "text")
        return pd.array([None] * len(values), dtype="str")
    text = values.astype("str")
    return text.where(text != "").array
