"""A folder of recordings: what is a track, and what is a playlist."""

import shutil

import numpy as np
import pytest
import soundfile

from musig import sources
from musig.catalog import validate
from musig.errors import MusigError
from musig.sources import music


def sound(folder, *paths):
    for path in paths:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        name = folder / path
        soundfile.write(name.with_suffix(".wav"), np.zeros(80, np.float32), 8000)
        name.with_suffix(".wav").rename(name)
    return folder


def told(problems):
    return [str(problem) for problem in problems]


def lists(catalog):
    names = catalog.playlists.names
    ids = catalog.tracks.index
    return {
        str(name): ids[entries].tolist()
        for name, entries in zip(names, catalog.playlists, strict=True)
    }


def test_files_at_any_depth_are_tracks(tmp_path):
    sound(tmp_path, "b.wav", "Can/Tago Mago/Hallelujah.FLAC", "夜 & <b> 🎸.ogg", "x/a.mp3")
    (tmp_path / "notes.txt").write_text("no sound")
    sound(tmp_path, ".hidden/c.wav")
    catalog, problems = sources.inspect(tmp_path)
    assert problems == [] and validate(catalog) == []
    assert catalog.name == tmp_path.name
    ids = ["Can/Tago Mago/Hallelujah.FLAC", "b.wav", "x/a.mp3", "夜 & <b> 🎸.ogg"]
    assert sorted(catalog.tracks.index) == sorted(ids)
    assert catalog.tracks.loc[ids[0], "name"] == "Hallelujah"
    assert not {"artist", "album"} & set(catalog.tracks)  # folders' names are not believed
    assert catalog.recordings()[ids[3]] == str(tmp_path / ids[3])
    assert lists(catalog) == {tmp_path.name: catalog.tracks.index.tolist()}


def test_the_fingerprint_does_not_know_where_the_folder_is(tmp_path):
    one = sound(tmp_path / "one" / "mine", "a.wav", "b.wav")
    shutil.copytree(one, tmp_path / "two" / "mine")
    first, second = sources.load(one), sources.load(tmp_path / "two" / "mine")
    assert first.fingerprint == second.fingerprint
    assert first.recordings().iloc[0] != second.recordings().iloc[0]


def test_folders_with_two_files_are_playlists(tmp_path):
    sound(tmp_path, "a/1.wav", "a/2.wav", "b/c/1.wav", "b/c/2.wav", "b/alone.wav", "top.wav")
    catalog = sources.load(tmp_path)
    assert lists(catalog) == {"a": ["a/1.wav", "a/2.wav"], "c": ["b/c/1.wav", "b/c/2.wav"]}
    assert catalog.playlists.ids.tolist() == ["a", "b/c"]


def test_collections_of_the_index_come_before_folders(tmp_path):
    sound(tmp_path, "a/1.wav", "a/2.wav", "3.wav", "4.wav")
    rows = ["file,licence,collection", "a/1.wav,GPL,x.m3u", "3.wav,GPL,B", "gone.wav,,B", "4.wav,,"]
    (tmp_path / "index.csv").write_text("\n".join([*rows, ""]))
    catalog, problems = sources.inspect(tmp_path)
    assert lists(catalog) == {"x.m3u": ["a/1.wav"], "B": ["3.wav"]}
    assert told(problems) == [
        "warning: index.csv, row 3, column file: found 'gone.wav', dropped; expected a recording "
        "in the folder.",
        "warning: index.csv, column file: found no row for 1 recording, which are in no playlist; "
        "expected every recording.",
    ]


@pytest.mark.parametrize(
    ("content", "level", "message"),
    [
        (b"a,b\n1,2\n", "warning", "found only a, b; expected columns file and collection"),
        (b"file,collection\n\xff.wav,x\n", "error", "found a byte that is not UTF-8"),
        (b"", "error", "found an empty file"),
    ],
)
def test_an_index_that_is_something_else(tmp_path, content, level, message):
    sound(tmp_path, "a.wav", "b.wav")
    (tmp_path / "index.csv").write_bytes(content)
    catalog, problems = sources.inspect(tmp_path)
    assert [problem.level for problem in problems] == [level]
    assert message in str(problems[0])
    assert (catalog is None) == (level == "error")


def test_playlist_files_come_first_and_are_read_as_players_write_them(tmp_path):
    sound(tmp_path, "a/1.wav", "a/2 é.wav", "3.wav")
    (tmp_path / "index.csv").write_text("file,collection\n3.wav,x\n")
    (tmp_path / "lists").mkdir()
    lines = ["#EXTM3U", "#EXTINF:1,One", "../a/1.wav", "", "..\\a\\2 é.wav", "../a/1.wav"]
    (tmp_path / "lists" / "Evening.M3U8").write_text("\ufeff" + "\r\n".join(lines), "utf-8")
    absolute = str(tmp_path / "3.wav")
    old = "\n".join(["a/2 é.wav", absolute, "a/2%20%C3%A9.wav"])
    (tmp_path / "old.m3u").write_bytes(old.encode("cp1252"))
    catalog, problems = sources.inspect(tmp_path)
    assert lists(catalog) == {
        "Evening": ["a/1.wav", "a/2 é.wav"],
        "old": ["a/2 é.wav", "3.wav"],
    }
    assert catalog.playlists.ids.tolist() == ["lists/Evening.M3U8", "old.m3u"]
    assert [problem.level for problem in problems] == ["warning"] * 2
    assert all("found 1 repeat of a recording, dropped" in text for text in told(problems))


def test_lines_that_name_no_recording_are_told_with_their_place(tmp_path):
    outside = sound(tmp_path / "outside", "o.wav")
    mine = sound(tmp_path / "mine", "a.wav", "b.wav")
    lines = ["# mine", "gone.wav", "a.wav", "http://x.example/stream", "../outside/o.wav", "\0"]
    (mine / "p.m3u").write_text("\n".join(lines))
    (mine / "empty.m3u").write_text("#EXTM3U\ngone.wav\n")
    catalog, problems = sources.inspect(mine)
    assert outside.is_dir() and lists(catalog) == {"p": ["a.wav"]}
    assert told(problems) == [
        "warning: empty.m3u, row 2: found 'gone.wav', dropped; expected a recording in the folder.",
        "warning: empty.m3u: found no recording, so no playlist; expected at least one.",
        "warning: p.m3u, row 2: found 'gone.wav' (and 3 lines more like it), dropped; expected a "
        "recording in the folder.",
    ]


def test_playlist_files_without_a_recording_leave_the_folders(tmp_path):
    sound(tmp_path, "a/1.wav", "a/2.wav")
    (tmp_path / "p.m3u").write_text("gone.wav\n")
    catalog, problems = sources.inspect(tmp_path)
    assert lists(catalog) == {"a": ["a/1.wav", "a/2.wav"]}
    assert len(problems) == 2


def test_sound_alone_does_not_make_other_data_ambiguous(tmp_path, smoke_catalog):
    folder = sources.write_folder(smoke_catalog, tmp_path / "mine")
    sound(folder, "extra.wav")
    assert sources.load(folder).n_tracks == smoke_catalog.n_tracks


def test_a_folder_without_sound(tmp_path):
    (tmp_path / "p.m3u").write_text("a.wav\n")
    assert not music.holds(tmp_path)
    with pytest.raises(MusigError, match=r"only files of other names: p\.m3u; expected"):
        sources.load(tmp_path)
    with pytest.raises(MusigError, match="holds no sound"):
        music.read(tmp_path)


def test_a_name_that_is_not_utf_8_is_told(tmp_path):
    sound(tmp_path, "a.wav")
    try:
        (tmp_path / "a.wav").rename(tmp_path / "\udcff.wav")
    except OSError:
        pytest.skip("this file system has no such names")
    catalog, problems = sources.inspect(tmp_path)
    assert catalog is None
    assert "a file name in UTF-8: rename the file" in str(problems[0])
