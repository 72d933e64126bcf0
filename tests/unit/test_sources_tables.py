import gzip
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from musig import sources
from musig.catalog import FEATURES, validate
from musig.errors import MusigError
from musig.sources.columns import parse_genres

TEXT = ["<b>Rock & Roll</b>", 'He said "hi", twice', "Ночь", "夜", "ليل", "🎸 🎶", "NA", "null"]


def tables(**changed):
    n = len(TEXT)
    tracks = pd.DataFrame({"track_id": [f"t{i}" for i in range(n)], "name": TEXT, "artist": TEXT})
    for i, feature in enumerate(FEATURES):
        tracks[feature] = np.linspace(0.1, 0.9, n) + i / 100
    tracks["loudness"] -= 9
    tracks["popularity"] = [0.0, None, 50.0, 100.0, 1.0, 2.0, 3.0, 4.0]
    tracks["genres"] = [["rock", "r&b"], [], ["pop"], [], [], [], [], []]
    tracks["main_genre"] = ["rock", None, "pop", None, None, None, None, None]
    playlists = pd.DataFrame(
        {"pid": [4, 4, 4, 9, 9], "track_id": ["t1", "t0", "t2", "t3", "t7"], "pos": [1, 0, 2, 0, 1]}
    )
    info = pd.DataFrame({"pid": [9, 4], "name": ["🎸 <i>", "calm"]})
    return {"tracks": tracks, "playlists": playlists, "playlist_info": info} | changed


def write(folder, kind="parquet", **changed):
    folder.mkdir(exist_ok=True)
    for name, table in tables(**changed).items():
        if table is None:
            continue
        if kind == "parquet":
            table.to_parquet(folder / f"{name}.parquet")
        else:
            if "genres" in table and not isinstance(table["genres"].iloc[0], str):
                table = table.assign(genres=[json.dumps(tags) for tags in table["genres"]])
            table.to_csv(folder / f"{name}.{kind}", index=False)
    return folder


def changed_tracks(**columns):
    return tables()["tracks"].assign(**columns)


def errors(folder):
    catalog, problems = sources.inspect(folder)
    assert catalog is None
    return [str(problem) for problem in problems if problem.level == "error"]


@pytest.mark.parametrize("kind", ["parquet", "csv", "csv.gz"])
def test_a_folder_is_read(tmp_path, kind):
    catalog, problems = sources.inspect(write(tmp_path / "mine", kind))
    assert problems == []
    assert validate(catalog) == []
    assert catalog.name == "mine"
    assert catalog.tracks["name"].tolist() == TEXT  # NA and null are names, not unknown
    assert catalog.tracks["artist"].tolist() == TEXT
    assert catalog.playlists.ids.tolist() == [4, 9]
    assert catalog.playlists.names.tolist() == ["calm", "🎸 <i>"]
    listed = [catalog.tracks.index[entries].tolist() for entries in catalog.playlists]
    assert listed == [["t0", "t1", "t2"], ["t3", "t7"]]
    assert catalog.tracks["genres"].iloc[0] == ["rock", "r&b"]
    assert catalog.tracks["genres"].iloc[1] == []
    assert catalog.tracks["main_genre"].isna().sum() == 6
    assert catalog.tracks["energy"].dtype == np.float32


def test_parquet_and_csv_give_the_same_catalogue(tmp_path):
    prints = {
        kind: sources.load(write(tmp_path / kind, kind)).fingerprint
        for kind in ("parquet", "csv", "csv.gz")
    }
    assert len(set(prints.values())) == 1


def test_popularity_0_is_a_value_and_unknown_is_nan(tmp_path):
    for kind in ("parquet", "csv"):
        popularity = sources.load(write(tmp_path / kind, kind)).tracks["popularity"]
        assert popularity.iloc[0] == 0
        assert np.isnan(popularity.iloc[1])


def test_what_is_written_is_read_again(tmp_path, smoke_catalog):
    folder = sources.write_folder(smoke_catalog, tmp_path / "written")
    again, problems = sources.inspect(folder)
    assert [problem for problem in problems if problem.level == "error"] == []
    assert again.fingerprint == sources.load(folder).fingerprint
    assert again.tracks.index.tolist() == smoke_catalog.tracks.index.tolist()
    assert (again.playlists.tracks == smoke_catalog.playlists.tracks).all()
    assert (again.playlists.indptr == smoke_catalog.playlists.indptr).all()
    assert again.playlists.names.tolist() == smoke_catalog.playlists.names.tolist()
    assert [path.name for path in tmp_path.iterdir()] == ["written"]
    with pytest.raises(MusigError, match="exists already: choose another name"):
        sources.write_folder(smoke_catalog, folder)


def test_tracks_may_be_missing(tmp_path):
    catalog, problems = sources.inspect(write(tmp_path, tracks=None))
    assert catalog.tracks.index.tolist() == ["t1", "t0", "t2", "t3", "t7"]
    assert catalog.tracks.columns.empty
    (problem,) = problems
    assert problem.level == "warning"
    assert "no table of tracks; expected tracks.parquet or tracks.csv" in str(problem)


def test_without_pos_the_rows_are_in_order(tmp_path):
    playlists = tables()["playlists"].drop(columns="pos")
    catalog = sources.load(write(tmp_path, playlists=playlists, playlist_info=None))
    assert catalog.tracks.index[catalog.playlists[0]].tolist() == ["t1", "t0", "t2"]
    assert catalog.playlists.names.tolist() == [None, None]


def test_pids_may_be_text(tmp_path):
    playlists = tables()["playlists"].assign(pid=["b", "b", "a", "a", "007"])
    catalog = sources.load(write(tmp_path, "csv", playlists=playlists, playlist_info=None))
    assert catalog.playlists.ids.tolist() == ["b", "a", "007"]


def test_repeats_are_dropped_and_counted(tmp_path):
    playlists = tables()["playlists"].assign(track_id=["t1", "t0", "t1", "t3", "t3"])
    catalog = sources.load(write(tmp_path, playlists=playlists))
    assert catalog.playlists.lengths.tolist() == [2, 1]
    (note,) = catalog.notes
    assert "found 2 repeats of a track within a playlist (2 of 2 playlists)" in note


@pytest.mark.parametrize("kind", ["parquet", "csv"])
@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"track_id": ["t0", "t1", "t2", "t3", "t1", "t5", "t6", "t7"]},
         "row 5, column track_id: found 't1', which is also in row 2; expected each id once"),
        ({"track_id": ["t0", "t1", "t2", "t3", None, "t5", "t6", "t7"]},
         "row 5, column track_id: found nothing; expected an id"),
        ({"energy": [0.5] * 7 + [1.7]},
         "row 8, column energy: found 1.7; expected a number in [0, 1], or nothing if unknown"),
        ({"loudness": [-7.0] * 7 + [7.0]}, "row 8, column loudness: found 7; expected a number in"),
        ({"popularity": [-1.0] + [5.0] * 7}, "row 1, column popularity: found -1; expected"),
        ({"tempo": [120.0, np.inf] + [99.0] * 6}, "row 2, column tempo: found inf; expected"),
        ({"valence": ["0.5"] * 7 + ["high"]},
         "row 8, column valence: found 'high'; expected a number, or nothing if unknown"),
        ({"genres": ['["a"]'] * 7 + ["[3]"]}, "row 8, column genres: found '[3]'; expected a list"),
        ({"genres": ['["a"]'] * 7 + ['["a"']}, "expected a list of texts: JSON such as"),
    ],
)  # fmt: skip
def test_a_bad_cell_is_told_with_file_row_and_column(tmp_path, kind, columns, message):
    told = errors(write(tmp_path, kind, tracks=changed_tracks(**columns)))
    assert any(line.startswith(f"error: tracks.{kind}, ") and message in line for line in told), (
        told
    )


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"name": range(8)}, "column name: found values of type int64; expected text"),
        ({"energy": [True] * 8}, "column energy: found values of type bool; expected numbers"),
        ({"energy": [[1.0]] * 8}, "column energy: found values of type object; expected numbers"),
        ({"genres": [[1]] * 8}, "row 1, column genres: found array([1]); expected a list of texts"),
        ({"genres": [1.0] * 8}, "row 1, column genres: found 1.0; expected a list of texts"),
    ],
)
def test_a_column_of_another_type_is_told(tmp_path, columns, message):
    told = errors(write(tmp_path, tracks=changed_tracks(**columns)))
    assert f"error: tracks.parquet, {message}" in told[0]


@pytest.mark.parametrize("unknown", ["", "NaN", "nan", "NA", "null"])
def test_unknown_numbers_in_csv_are_nan(tmp_path, unknown):
    tracks = changed_tracks(popularity=[unknown] + ["0"] * 3 + ["7"] * 4)
    catalog = sources.load(write(tmp_path, "csv", tracks=tracks))
    assert catalog.tracks["popularity"].isna().tolist() == [True] + [False] * 7
    assert catalog.tracks["popularity"].iloc[1] == 0


def test_features_that_are_nan_stay_unknown(tmp_path):
    tracks = changed_tracks(**dict.fromkeys(FEATURES, np.nan))
    catalog, problems = sources.inspect(write(tmp_path, tracks=tracks))
    assert problems == []
    assert catalog.tracks[list(FEATURES)].isna().all().all()


def test_a_tempo_of_0_is_unknown_and_told(tmp_path):
    tracks = changed_tracks(tempo=[0.0] + [120.0] * 7)
    catalog = sources.load(write(tmp_path, tracks=tracks))
    assert np.isnan(catalog.tracks["tempo"].iloc[0])
    assert "column tempo: found the value 0 (count: 1)" in catalog.notes[0]


def test_an_unknown_column_is_a_warning_and_is_ignored(tmp_path):
    playlists = tables()["playlists"].assign(added_at=1)
    tracks = changed_tracks(n_playlists=3)
    catalog = sources.load(write(tmp_path, tracks=tracks, playlists=playlists))
    assert "n_playlists" not in catalog.tracks
    assert len(catalog.notes) == 2
    for column, note in zip(("n_playlists", "added_at"), catalog.notes, strict=True):
        assert f"column {column}: found a column of an unknown name, which is ignored" in note


def test_an_unknown_track_is_told_once_with_its_first_place(tmp_path):
    playlists = tables()["playlists"].assign(track_id=["t1", "?", "t2", "?", "!"])
    told = errors(write(tmp_path, playlists=playlists))
    assert told == [
        "error: playlists.parquet, row 2, column track_id: found '?' (2 entries, the first in "
        "playlist 4); expected an id from the table of tracks.",
        "error: playlists.parquet, row 5, column track_id: found '!' (1 entry, the first in "
        "playlist 9); expected an id from the table of tracks.",
    ]


def test_an_empty_playlist_is_told(tmp_path):
    info = pd.DataFrame({"pid": [4, 9, 12], "name": ["a", "b", "c"]})
    (told,) = errors(write(tmp_path, playlist_info=info))
    assert told.startswith("error: playlist_info.parquet, row 3, column pid: found playlist 12")
    assert "which is empty" in told


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"playlists": None}, "found no table of playlists; expected playlists.parquet or"),
        ({"playlists": pd.DataFrame({"pid": [1]})}, "column track_id: found only pid; expected a"),
        ({"playlists": pd.DataFrame({"pid": [], "track_id": []})}, "found no rows; expected a row"),
        ({"tracks": pd.DataFrame({"id": ["a"]})}, "column track_id: found only id; expected a"),
        ({"playlist_info": pd.DataFrame({"x": [1]})}, "column pid: found only x; expected a"),
        (
            {"playlist_info": pd.DataFrame({"pid": [4, 4, 9]})},
            "row 2, column pid: found 4;",
        ),
    ],
)
def test_a_table_that_lacks_something(tmp_path, changed, message):
    assert any(message in told for told in errors(write(tmp_path, **changed)))


def test_a_missing_pid_is_told(tmp_path):
    playlists = tables()["playlists"].assign(pid=[4, 4, None, 9, 9])
    told = errors(write(tmp_path, playlists=playlists))
    assert "error: playlists.parquet, row 3, column pid: found nothing; expected an id." in told


@pytest.mark.parametrize("kind", ["parquet", "csv"])
def test_an_empty_pid_has_no_name(tmp_path, kind):
    playlists = tables()["playlists"].assign(pid=[4, 4, None, 9, 9])
    playlists["pid"] = playlists["pid"].astype("Int64")
    playlists["track_id"] = ["t1", "t0", "?", "t3", "!"]
    info = pd.DataFrame({"pid": pd.array([9, None, 12], "Int64"), "name": ["a", "b", "c"]})
    told = errors(write(tmp_path, kind, playlists=playlists, playlist_info=info))
    wanted = "expected an id from the table of tracks."
    assert told == [
        f"error: playlists.{kind}, row 3, column pid: found nothing; expected an id.",
        f"error: playlists.{kind}, row 3, column track_id: found '?' (1 entry, the first in one "
        f"without an id); {wanted}",
        f"error: playlists.{kind}, row 5, column track_id: found '!' (1 entry, the first in "
        f"playlist 9); {wanted}",
        f"error: playlist_info.{kind}, row 2, column pid: found nothing; expected an id.",
        f"error: playlist_info.{kind}, row 3, column pid: found playlist 12, which is empty: the "
        "table of playlists lacks it; expected at least one track in every playlist.",
    ]


def test_genres_with_commas_are_one_genre_and_told(tmp_path):
    cells = ["r&b", "rock, pop", "", '["a, b"]', "a, b|c", "['a, b']", "jazz,blues", "Folk, World"]
    catalog = sources.load(write(tmp_path, "csv", tracks=changed_tracks(genres=cells)))
    assert catalog.tracks["genres"].iloc[1] == ["rock, pop"]
    (note,) = catalog.notes
    assert note == (
        "warning: tracks.csv, row 2, column genres: found 'rock, pop', read as one genre (and 2 "
        'cells more like it); expected JSON such as ["rock", "folk"], or rock|folk, where several '
        "were meant."
    )
    one = sources.load(
        write(tmp_path, "csv", tracks=changed_tracks(genres=["r&b"] * 7 + ["a, b"]))
    ).notes
    assert len(one) == 1 and "row 8, column genres: found 'a, b', read as one genre;" in one[0]


def test_every_problem_is_told(tmp_path):
    tracks = changed_tracks(energy=2.0)
    playlists = tables()["playlists"].assign(track_id=["t1", "?", "t2", "!", "t3"])
    assert len(errors(write(tmp_path, tracks=tracks, playlists=playlists))) == 10
    with pytest.raises(MusigError, match=r"And 5 more\. `musig data validate .* lists every"):
        sources.load(tmp_path)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("tracks.parquet", b"track_id,name\na,b\n",
         "found contents that begin b'track_id,name\\na,b\\n'; expected a Parquet file, as its"),
        ("tracks.parquet", b"", "found an empty file; expected a Parquet file"),
        ("tracks.parquet", b"PAR1 and no more", "found a damaged file"),
        ("tracks.csv", b"PAR1 and so on", "found a Parquet file; expected a CSV file, as its name"),
        ("tracks.csv", gzip.compress(b"id", mtime=0), "found a gzip file; expected a CSV file"),
        ("tracks.csv", b"track_id\n\xff\xfe\n", "found a byte that is not UTF-8"),
        ("tracks.csv", b"track_id,name\na,b\nc,d,e\n", "Expected 2 fields in line 3, saw 3"),
        ("tracks.csv", b"\n", "found no columns"),
        ("tracks.csv.gz", b"track_id\na\n", "begin b'track_id\\na\\n'; expected a gzip file"),
        ("tracks.csv.gz", gzip.compress(b"track_id\n" * 999, mtime=0)[:-9], "found a damaged file"),
    ],
)  # fmt: skip
def test_a_file_that_is_not_what_its_name_says(tmp_path, name, content, message):
    write(tmp_path, tracks=None)
    (tmp_path / name).write_bytes(content)
    told = errors(tmp_path)
    assert any(line.startswith(f"error: {name}") and message in line for line in told), told


def test_two_files_for_one_table(tmp_path):
    write(write(tmp_path), "csv")
    told = errors(tmp_path)
    assert "found tracks.parquet and tracks.csv; expected one file for each table" in told[0]


@pytest.mark.parametrize(
    ("text", "genres"),
    [
        ('["r&b", "glam | rock"]', ["r&b", "glam | rock"]),
        ("['pop', \"children's music\"]", ["pop", "children's music"]),
        ("pop| glam rock |", ["pop", "glam rock"]),
        ("r&b", ["r&b"]),
        ("[]", []),
        ("", []),
    ],
)
def test_genres_in_text(text, genres):
    assert parse_genres(text) == genres


@pytest.mark.parametrize("text", ["[1]", "['a'", "[a]", '["a", null]', "[x for x in y]"])
def test_text_that_is_no_list_of_genres(text):
    with pytest.raises(ValueError, match=r".*"):
        parse_genres(text)


def with_sound(folder, *paths):
    for path in paths:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(path.encode())
    return folder


@pytest.mark.parametrize("place", [".", "recordings"])
def test_recordings_are_paths_beside_the_tables(tmp_path, place):
    named = ["a.flac", "deep/b.ogg", *[None] * (len(TEXT) - 2)]
    folder = write(tmp_path / "mine", tracks=changed_tracks(recording=named))
    with_sound(folder / place, "a.flac", "deep/b.ogg")
    catalog, problems = sources.inspect(folder)
    assert problems == []
    expected = {"t0": folder / place / "a.flac", "t1": folder / place / "deep/b.ogg"}
    assert catalog.recordings().to_dict() == {k: str(v.resolve()) for k, v in expected.items()}


def test_recordings_that_are_not_there_are_told(tmp_path):
    named = ["a.flac", "b.flac", None, "c.flac", *[None] * (len(TEXT) - 4)]
    folder = write(tmp_path / "mine", "csv", tracks=changed_tracks(recording=named))
    with_sound(folder, "a.flac")
    _, problems = sources.inspect(folder)
    assert [str(problem) for problem in problems] == [
        "warning: tracks.csv, row 2, column recording: found no file 'b.flac' (and 1 file more); "
        "expected a file in mine or its folder recordings."
    ]


def test_tables_without_a_recording_have_no_sound(tmp_path):
    empty = [None] * len(TEXT)
    for name, table in (("a", tables()["tracks"]), ("b", changed_tracks(recording=empty))):
        catalog = sources.load(write(tmp_path / name, tracks=table))
        assert catalog.sound is None
        with pytest.raises(MusigError, match="has no sound"):
            catalog.recordings()


def test_writing_a_folder_takes_the_sound_along(tmp_path):
    named = ["a.flac", "deep/b.ogg", *[None] * (len(TEXT) - 2)]
    folder = write(tmp_path / "mine", tracks=changed_tracks(recording=named))
    with_sound(folder, "a.flac", "deep/b.ogg")
    catalog = sources.load(folder)
    written = sources.write_folder(catalog, tmp_path / "copy")
    (folder / "a.flac").unlink()  # the copy needs the first no more
    again = sources.load(written)
    assert again.fingerprint == catalog.fingerprint
    paths = again.recordings()
    assert all(Path(path).is_file() for path in paths)
    assert (written / "recordings" / "deep" / "b.ogg").read_bytes() == b"deep/b.ogg"


@pytest.mark.parametrize("name", ["a.flac", "../b.flac", "{folder}/b.flac"])
def test_a_recording_that_cannot_be_copied_stops_the_writing(tmp_path, name):
    with_sound(tmp_path, "b.flac")  # there, but outside
    named = [name.format(folder=tmp_path), *[None] * (len(TEXT) - 1)]
    folder = write(tmp_path / "mine", tracks=changed_tracks(recording=named))
    with pytest.raises(MusigError, match=r"/?[ab]\.flac of track t0 is no file in .*mine"):
        sources.write_folder(sources.load(folder), tmp_path / "copy")
    assert not (tmp_path / "copy").exists()
