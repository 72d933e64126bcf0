"""FMA on small files in its format: rows of column names, lists in cells, padded names."""

import csv
import io

import numpy as np
import pytest

from musig import sources
from musig.catalog import Catalog, universe, validate
from musig.errors import MusigError
from musig.sources import fma
from musig.splits import split_playlists

COLUMNS = [
    ("album", "comments"),
    ("album", "id"),
    ("album", "title"),
    ("artist", "bio"),
    ("artist", "id"),
    ("artist", "name"),
    ("set", "split"),
    ("set", "subset"),
    ("track", "genre_top"),
    ("track", "genres"),
    ("track", "genres_all"),
    ("track", "listens"),
    ("track", "title"),
]
GENRES = """genre_id,#tracks,parent,title,top_level
1,2,0,Hip-Hop,1
21,5,0,Rock & Roll,21
45,1,21,夜,21
"""
FEATURES = tuple(sorted(fma.ECHONEST))  # the file's order


def track(number, genres="[21, 45]", top="Rock & Roll", artist="Can", bio="x", title="Food"):
    middle = ["training", "small", top, "[45]", genres, "1293"]
    return [number, "0", "9", "AWOL <b>", bio, "7", artist, *middle, title]


def echo(number, *features):
    return [number, *(features or (0.4, 0.6, 0.6, 0.01, 0.1, 0.2, 165.9, 0.5)), "2009"]


def text(rows):
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(rows)
    return out.getvalue()


def write_tables(folder, tracks=None, echoes=None, genres=GENRES, index="track_id"):
    folder.mkdir(parents=True, exist_ok=True)
    header = [["", *level] for level in zip(*COLUMNS, strict=True)]
    header.append([index] + [""] * len(COLUMNS))
    rows = [track(2), track(30), track(1204)] if tracks is None else tracks
    (folder / "tracks.csv").write_text(text([*header, *rows]), "utf-8")
    if genres is not None:
        (folder / "genres.csv").write_text(genres, "utf-8")
    if echoes is not None:
        write_echonest(folder / "echonest.csv", echoes)
    return folder


def write_echonest(path, rows, features=FEATURES):
    names = [("echonest", "audio_features", feature) for feature in features]
    names.append(("echonest", "metadata", "album_date"))
    header = [["", *level] for level in zip(*names, strict=True)]
    path.write_text(text([*header, ["track_id"] + [""] * len(names), *rows]), "utf-8")
    return path


def write_audio(folder, *numbers):
    for number in numbers:
        path = folder / f"{number // 1000:03d}" / f"{number:06d}.mp3"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"ID3")
    return folder


def errors(folder):
    catalog, problems = sources.inspect(folder)
    assert catalog is None
    return [str(problem) for problem in problems if problem.level == "error"]


def test_the_tables_are_read(tmp_path):
    rows = [
        track(2, bio='a\nlong, "quoted"\n<p>life</p>', title="NA"),
        track(30, "[]", top="", artist=""),
        track(1204, "[1]", top="Hip-Hop", artist="夜"),
    ]
    write_tables(tmp_path / "fma_metadata", rows, [echo(30), echo(2)])
    catalog, problems = sources.inspect(tmp_path)
    assert {problem.level for problem in problems} == {"warning"}
    assert catalog.name == "fma" and isinstance(catalog, Catalog)
    tracks = catalog.tracks
    assert tracks.index.tolist() == ["2", "30", "1204"]
    assert tracks["name"].tolist() == ["NA", "Food", "Food"]
    assert tracks["artist"].isna().tolist() == [False, True, False]
    assert tracks["artist_id"].tolist() == ["7"] * 3
    assert tracks["album"].tolist() == ["AWOL <b>"] * 3
    assert tracks["genres"].tolist() == [["Rock & Roll", "夜"], [], ["Hip-Hop"]]
    assert tracks["main_genre"].fillna("?").tolist() == ["Rock & Roll", "?", "Hip-Hop"]
    assert tracks["tempo"].tolist()[:2] == pytest.approx([165.9] * 2)
    assert tracks.loc["2", "speechiness"] == np.float32(0.2)
    assert tracks.loc["1204", list(fma.ECHONEST)].isna().all()
    assert tracks["loudness"].isna().all()
    assert not {"popularity", "recording"} & set(tracks)  # listens are counts, not 0 to 100
    assert [str(problem) for problem in problems] == [
        "warning: echonest.csv, column loudness: found no such column; expected nine features: it "
        "stays unknown."
    ]


def test_without_playlists_all_is_well_until_one_is_needed(tmp_path):
    catalog = sources.load(write_tables(tmp_path, echoes=[echo(2)]))
    assert len(catalog.playlists) == 0
    assert {problem.level for problem in validate(catalog)} <= {"warning"}
    assert len(catalog.fingerprint) == 64
    counts = sources.describe(catalog)["counts"].set_index("what")["number"]
    assert (counts["playlists"], counts["tracks in no playlist"]) == (0, 3)
    assert sources.describe(catalog)["lengths"]["tracks"].isna().all()
    assert catalog.restrict(np.array([1])).n_tracks == 1
    with pytest.raises(MusigError, match="Of 0 playlists"):
        split_playlists(catalog, seed=0)
    with pytest.raises(MusigError, match="No track of fma is in at least 1 of the 0 training"):
        universe(catalog, np.array([], dtype=np.int64), min_playlists=1)


@pytest.mark.parametrize(
    ("tables", "audio", "asked"),
    [
        ("fma_metadata", "fma_small", "."),
        ("fma_metadata", "fma_small", "fma_metadata"),
        ("fma_metadata", "fma_small", "fma_small"),
        ("fma_metadata", "fma_metadata/fma_small", "."),
        ("fma_small/fma_metadata", "fma_small", "fma_small"),
        (".", "fma_small", "."),
        ("fma_metadata", "fma_large", "."),
    ],
)
def test_recordings_are_found_in_every_layout(tmp_path, tables, audio, asked):
    write_tables(tmp_path / tables)
    write_audio(tmp_path / audio, 2, 1204)
    (tmp_path / audio / "000" / "README.mp3").write_bytes(b"")
    catalog = sources.load(tmp_path / asked)
    names = catalog.tracks["recording"]
    stem = audio.rpartition("/")[2]
    assert names[["2", "1204"]].tolist() == [f"{stem}/000/000002.mp3", f"{stem}/001/001204.mp3"]
    assert names.isna()["30"]
    assert catalog.recordings()["2"] == str(tmp_path / audio / "000" / "000002.mp3")


def test_the_whole_recording_is_preferred_to_a_clip(tmp_path):
    write_tables(tmp_path / "fma_metadata")
    write_audio(tmp_path / "fma_small", 2, 30)
    write_audio(tmp_path / "fma_full", 2)
    recordings = sources.load(tmp_path).tracks["recording"]
    assert recordings["2"].startswith("fma_full/") and recordings["30"].startswith("fma_small/")


def test_a_folder_of_our_own_tables_is_not_fma(tmp_path, smoke_catalog):
    folder = sources.write_folder(smoke_catalog, tmp_path / "mine")
    (folder / "genres.csv").write_text(GENRES)
    frame = smoke_catalog.tracks[["name"]].reset_index()
    (folder / "tracks.parquet").unlink()
    frame.to_csv(folder / "tracks.csv", index=False)
    assert sources.load(folder).name == "mine"


def test_fma_beside_other_data_is_ambiguous(tmp_path, smoke_catalog):
    folder = sources.write_folder(smoke_catalog, tmp_path / "mine")
    write_tables(folder / "fma_metadata")
    assert "found more than one data set: FMA and tables" in errors(folder)[0]


def test_missing_and_wrong_files_are_told(tmp_path):
    folder = write_tables(tmp_path / "a", genres=None)
    assert "genres.csv: found no such file; expected genres.csv beside" in errors(folder)[0]
    folder = write_tables(tmp_path / "b", genres="id,name\n1,Rock\n")
    assert [text.split(":")[2] for text in errors(folder)] == [" found only id, name; expected a "
    "column genre_id.", " found only id, name; expected a column title."]  # fmt: skip
    folder = write_tables(tmp_path / "c", genres="genre_id,title\nx,Rock\n2,\n")
    assert errors(folder) == [
        "error: genres.csv, row 1, column genre_id: found 'x'; expected a number.",
        "error: genres.csv, row 2, column title: found nothing; expected the name of the genre.",
    ]
    catalog, problems = sources.inspect(write_tables(tmp_path / "d"))
    assert catalog is not None and "energy" not in catalog.tracks
    assert "echonest.csv: found no file" in str(problems[0])


def test_another_header_is_told(tmp_path):
    folder = write_tables(tmp_path / "a", index="2")
    assert errors(folder) == [
        "error: tracks.csv: found a file that begins "
        "',album,album,album,artist,arti / ,comments,id,title,bio,id,name / 2,,,,,,,,,,,,,'; "
        "expected 2 rows of column names, then a row that begins with track_id."
    ]
    (folder / "tracks.csv").write_text("track_id,title\n2,Food\n")
    assert "found a file that begins 'track_id,title / 2,Food'" in errors(folder)[0]
    (folder / "tracks.csv").write_text("")
    assert "found a file that begins 'nothing'" in errors(folder)[0]
    folder = write_tables(tmp_path / "b")
    path = folder / "tracks.csv"
    path.write_text(path.read_text("utf-8").replace("genres_all", "genres_too"), "utf-8")
    assert errors(folder) == [
        "error: tracks.csv, column track / genres_all: found 13 columns of other names; expected "
        "this column."
    ]


def test_cells_that_are_wrong_are_told_with_row_and_column(tmp_path):
    rows = [track(2), track(3, "[21, 45"), track(4, "[21, x]"), track(2, '{"a": 1}'), track("")]
    echoes = [echo(2, "loud", *[0.5] * 7), echo(3, *[0.5] * 7, 1.5), echo(3)]
    told = errors(write_tables(tmp_path, rows, echoes))
    assert [text.removeprefix("error: ").split(":")[0] for text in told] == [
        "tracks.csv, row 2, column genres_all",
        "tracks.csv, row 3, column genres_all",
        "tracks.csv, row 4, column genres_all",
        "tracks.csv, row 5, column track_id",
        "tracks.csv, row 4, column track_id",
        "echonest.csv, row 3, column track_id",
        "echonest.csv, row 1, column acousticness",
        "echonest.csv, row 2, column valence",
    ]
    assert "found '[21, 45'; expected a list of numbers such as [21, 45]" in told[0]
    assert "found '2', which is also in row 1; expected each id once" in told[4]


def test_what_can_be_dropped_is_dropped_and_told(tmp_path):
    rows = [track(2, "[21, 99]"), track(3, "[99]")]
    catalog, problems = sources.inspect(write_tables(tmp_path, rows, [echo(2), echo(77)]))
    assert catalog.tracks["genres"].tolist() == [["Rock & Roll"], []]
    told = [str(problem) for problem in problems]
    assert told[0] == (
        "warning: tracks.csv, row 1, column genres_all: found 99, dropped; expected numbers from "
        "genres.csv."
    )
    assert "echonest.csv, column track_id: found 1 track that tracks.csv lacks, dropped" in told[1]


def test_every_cut_file_is_refused(tmp_path):
    bio = 'a, "b"\nc'
    whole = (write_tables(tmp_path, [track(2, bio=bio)] * 2) / "tracks.csv").read_bytes()
    ends = {i + 1 for i in range(len(whole)) if whole[i : i + 1] == b"\n"}
    for cut in range(len(whole) - 1, 0, -7):
        (tmp_path / "tracks.csv").write_bytes(whole[:cut])
        if cut not in ends:
            assert "tracks.csv" in errors(tmp_path)[0], cut
    (tmp_path / "tracks.csv").write_bytes(whole[:-1])
    assert errors(tmp_path) == [
        "error: tracks.csv: found a last row that breaks off; expected the whole file, as it was "
        "published: copy or download it again."
    ]
    inside = whole.index(b"\nc") + 1  # the end of a line, within quotes
    (tmp_path / "tracks.csv").write_bytes(whole[:inside])
    assert "found a damaged file" in errors(tmp_path)[0]
    header = [i for i in sorted(ends)][2]
    (tmp_path / "tracks.csv").write_bytes(whole[:header])
    assert "found no row of a track" in errors(tmp_path)[0]
    (tmp_path / "tracks.csv").write_bytes(whole.replace(b"Can", b"C\xffn"))
    assert "found a byte that is not UTF-8" in errors(tmp_path)[0]


def test_echonest_alone(tmp_path):
    path = write_echonest(tmp_path / "echonest.csv", [echo(30), echo(2, *[""] * 8)])
    features = fma.read_echonest(path)
    assert features.index.tolist() == ["30", "2"] and features.index.name == "track_id"
    assert tuple(features.columns) == fma.ECHONEST and len(fma.ECHONEST) == 8
    assert (features.dtypes == np.float32).all()
    assert features.loc["30", "tempo"] == np.float32(165.9)
    assert features.loc["2"].isna().all()


def test_echonest_that_cannot_be_used_says_why(tmp_path):
    with pytest.raises(MusigError, match=r"found no such file; expected echonest\.csv"):
        fma.read_echonest(tmp_path / "echonest.csv")
    path = write_echonest(tmp_path / "echonest.csv", [echo(2, "loud", *[0.5] * 7)])
    with pytest.raises(
        MusigError, match=r"echonest\.csv, row 1, column acousticness: found 'loud'"
    ):
        fma.read_echonest(path)
    few = FEATURES[1:]
    write_echonest(path, [echo(2, *[0.5] * 7)], features=few)
    with pytest.raises(MusigError, match="column echonest / audio_features / acousticness"):
        fma.read_echonest(path)
