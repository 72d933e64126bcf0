"""The Melon Playlist Dataset on small files in its format: three JSON files and tars of arrays."""

import io
import json
import os
import tarfile

import numpy as np
import pytest

from musig import sources
from musig.catalog import validate
from musig.errors import MusigError
from musig.sources import melon, melon_sound

GENRES = {
    "GN0100": "발라드",
    "GN0101": "세부장르전체",
    "GN0103": "'90",
    "GN0900": "POP",
    "GN0901": "세부장르전체",
    "GN0903": "'90",
    "GN3000": "크리스마스",
}


def song(number, **changed):
    return {
        "song_gn_dtl_gnr_basket": ["GN0101", "GN0103"],
        "issue_date": "20140512",
        "album_name": "불후의 명곡 <1>",
        "album_id": 2255639,
        "artist_id_basket": [7, 8],
        "song_name": f"노래 & {number}",
        "song_gn_gnr_basket": ["GN0100"],
        "artist_name_basket": ["양희은", "Can"],
        "id": number,
    } | changed


def playlist(number, songs, **changed):
    fixed = {"tags": ["락"], "plylst_title": "여행 🎸", "like_cnt": 71, "updt_date": "2013-12-19"}
    return {"id": number, "songs": songs} | fixed | changed


def mel(number, frames=12, bands=48):
    return np.full((bands, frames), number, np.float32) + np.arange(frames, dtype=np.float32)


def npy(array):
    out = io.BytesIO()
    np.save(out, array)
    return out.getvalue()


def write_tar(path, members, form=tarfile.GNU_FORMAT):
    with tarfile.open(path, "w", format=form) as tar:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            raw = content if isinstance(content, bytes) else npy(content)
            info.size = len(raw)
            tar.addfile(info, io.BytesIO(raw))
    return path


def write(folder, songs=None, playlists=None, genres=GENRES, tars=True):
    folder.mkdir(exist_ok=True)
    contents = {
        "song_meta.json": [song(0), song(1), song(2)] if songs is None else songs,
        "train.json": [playlist(61281, [2, 0]), playlist(5, [1])]
        if playlists is None
        else playlists,
        "genre_gn_all.json": genres,
    }
    for name, content in contents.items():
        raw = content if isinstance(content, str) else json.dumps(content, ensure_ascii=False)
        (folder / name).write_text(raw, "utf-8")
    if tars:
        write_tar(folder / "arena_mel_0.tar", {"0/0.npy": mel(0), "0/1.npy": mel(10, frames=7)})
        write_tar(folder / "arena_mel_10.tar", {"arena_mel_10/0/2.npy": mel(20)})
    return folder


def problems_of(folder, level):
    catalog, problems = sources.inspect(folder)
    assert (catalog is None) == any(problem.level == "error" for problem in problems)
    return [str(problem) for problem in problems if problem.level == level]


def test_the_files_are_read(tmp_path):
    catalog, problems = sources.inspect(write(tmp_path))
    assert problems == [] and validate(catalog) == []
    assert catalog.name == "melon"
    tracks = catalog.tracks
    assert tracks.index.tolist() == ["0", "1", "2"]
    assert tracks["name"].tolist() == ["노래 & 0", "노래 & 1", "노래 & 2"]
    assert set(tracks["artist"]) == {"양희은"} and set(tracks["artist_id"]) == {"7"}
    assert set(tracks["album"]) == {"불후의 명곡 <1>"}
    assert set(tracks["main_genre"]) == {"발라드"}
    assert tracks["genres"].tolist() == [["발라드", "발라드: '90"]] * 3
    assert "popularity" not in tracks  # like_cnt is a playlist's
    assert catalog.playlists.ids.tolist() == [61281, 5]
    assert catalog.playlists.names.tolist() == ["여행 🎸"] * 2
    assert [entries.tolist() for entries in catalog.playlists] == [[2, 0], [1]]
    assert tracks["recording"].tolist() == [
        "arena_mel_0.tar:0/0.npy",
        "arena_mel_0.tar:0/1.npy",
        "arena_mel_10.tar:arena_mel_10/0/2.npy",
    ]


def test_spectrograms_are_read_from_where_the_recording_says(tmp_path):
    catalog = sources.load(write(tmp_path))
    for recording, expected in zip(
        catalog.tracks["recording"], (mel(0), mel(10, frames=7), mel(20)), strict=True
    ):
        found = melon.read_mel(catalog.sound(), recording)
        assert found.dtype == np.float32
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
@pytest.mark.parametrize("folder", ["", "0/", "a/" * 60])
def test_members_are_found_in_every_kind_of_tar(tmp_path, form, folder):
    contents = {f"{folder}{n}.npy": mel(n, frames=n + 1) for n in range(3)}
    write_tar(tmp_path / "arena_mel_3.tar", contents, form)
    for name, expected in contents.items():
        np.testing.assert_array_equal(melon.read_mel(tmp_path, f"arena_mel_3.tar:{name}"), expected)


def test_other_kinds_of_numbers_and_layouts_become_float32(tmp_path):
    arrays = [
        mel(0).astype(np.float64),
        np.asfortranarray(mel(1)),
        mel(2).astype(np.float16),
        mel(3).astype(">f4"),
        mel(4).astype(np.int32),
    ]
    write_tar(tmp_path / "arena_mel_0.tar", {f"0/{i}.npy": a for i, a in enumerate(arrays)})
    for i, array in enumerate(arrays):
        found = melon.read_mel(tmp_path, f"arena_mel_0.tar:0/{i}.npy")
        assert found.dtype == np.float32
        np.testing.assert_array_equal(found, array)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"not an array at all", "is not an array of numpy"),
        (b"", "is not an array of numpy"),
        (npy(mel(0))[:-9], "is not an array of numpy"),
        (npy(np.array([{}, 1], dtype=object)), "is not an array of numpy"),
        (npy(mel(0, bands=40)), r"is an array of float32, shape \(40, 12\); expected .*\(48, fra"),
        (npy(mel(0)[0]), r"is an array of float32, shape \(12,\); expected"),
        (npy(mel(0, frames=0)), r"is an array of float32, shape \(48, 0\); expected"),
        (npy(np.full((48, 2), "x")), r"is an array of <U1"),
        (npy(mel(np.nan)), "holds NaN or infinity"),
    ],
)
def test_members_that_are_no_spectrogram_are_told(tmp_path, content, message):
    write_tar(tmp_path / "arena_mel_0.tar", {"0/0.npy": content, "0/1.npy": mel(1)})
    with pytest.raises(MusigError, match=rf"^arena_mel_0\.tar:0/0\.npy {message}"):
        melon.read_mel(tmp_path, "arena_mel_0.tar:0/0.npy")
    assert melon.read_mel(tmp_path, "arena_mel_0.tar:0/1.npy").shape == (48, 12)


def test_recordings_that_are_nowhere_are_told(tmp_path):
    write_tar(tmp_path / "arena_mel_0.tar", {"0/0.npy": mel(0)})
    with pytest.raises(MusigError, match=r"holds no member 0/9\.npy: read the folder again"):
        melon.read_mel(tmp_path, "arena_mel_0.tar:0/9.npy")
    for recording in ("arena_mel_1.tar:0/0.npy", "arena_mel_0.tar", ":0/0.npy", ""):
        with pytest.raises(MusigError, match=r"expected a tar there and a member of it"):
            melon.read_mel(tmp_path, recording)


def test_a_damaged_tar_is_never_read_as_a_whole_one(tmp_path):
    path = write(tmp_path / "whole") / "arena_mel_0.tar"
    whole = path.read_bytes()
    size = 512 + -(-len(npy(mel(0))) // 512) * 512  # of the first member with its header
    broken = {
        "empty": b"",
        "text": b"<html>sign in first</html>" * 90,
        "cut in a header": whole[: size + 100],
        "cut after a member": whole[:size],
        "cut in a member": whole[: size + 512 + 700],
        "another header": whole[:size] + b"\xff" * 512 + whole[size + 512 :],
    }
    for name, content in broken.items():
        folder = write(tmp_path / name.replace(" ", "_"))
        (folder / "arena_mel_0.tar").write_bytes(content)
        (told,) = problems_of(folder, "error")
        assert told.startswith("error: arena_mel_0.tar: found a damaged tar ("), name
        with pytest.raises(MusigError, match="is a damaged tar"):
            melon.read_mel(folder, "arena_mel_0.tar:0/1.npy")


def test_headers_are_read_once(tmp_path, monkeypatch):
    path = write_tar(tmp_path / "arena_mel_0.tar", {"0/0.npy": mel(0)})
    scanned = []
    scan = melon_sound._scan
    monkeypatch.setattr(melon_sound, "_scan", lambda *args: (scanned.append(args[0]), scan(*args)))
    for _ in range(3):
        melon.read_mel(tmp_path, "arena_mel_0.tar:0/0.npy")
        melon_sound._index.cache_clear()  # as in another process
    assert len(scanned) == 1
    write_tar(path, {"0/1.npy": mel(1), "0/0.npy": mel(5)})  # another file of the same name
    os.utime(path, ns=(1, 1))
    np.testing.assert_array_equal(melon.read_mel(tmp_path, "arena_mel_0.tar:0/0.npy"), mel(5))
    assert len(scanned) == 2


def test_spectrograms_are_a_part_of_the_songs(tmp_path):
    folder = write(tmp_path, tars=False)
    assert problems_of(folder, "warning") == [
        "warning: arena_mel_*.tar: found no such file; expected spectrograms, where sound "
        "is wanted."
    ]
    catalog = sources.load(folder)
    assert catalog.sound is None and "recording" not in catalog.tracks
    contents = {"README": b"x", "0/._1.npy": b"x", "0/1.npy": mel(1), "1/1.npy": mel(2)}
    write_tar(folder / "arena_mel_0.tar", contents | {"0/77.npy": mel(3)})
    assert problems_of(folder, "warning") == [
        "warning: arena_mel_0.tar: found 2 members that are no song, not used; expected names "
        "such as 53/53712.npy.",
        "warning: arena_mel_*.tar: found 1 spectrogram of which song_meta.json knows nothing, "
        "dropped; expected songs of song_meta.json.",
        "warning: arena_mel_*.tar: found 1 spectrogram of a song that has one already, dropped; "
        "expected one a song.",
        "warning: arena_mel_*.tar: found no spectrogram of 2 songs of 3; expected one a song, if "
        "all 40 files are there.",
    ]
    recordings = sources.load(folder).tracks["recording"]
    assert recordings["1"] == "arena_mel_0.tar:0/1.npy"
    assert recordings.isna().tolist() == [True, False, True]


def test_what_songs_lack_stays_unknown(tmp_path):
    songs = [
        song(0, song_gn_gnr_basket=[], song_gn_dtl_gnr_basket=[]),
        song(1, song_gn_gnr_basket=["GN3000"], song_gn_dtl_gnr_basket=[]),
        song(2, artist_id_basket=[], artist_name_basket=[], album_name=None, song_name=None),
        song(3, song_gn_gnr_basket=["GN7700"], song_gn_dtl_gnr_basket=["GN7701", "GN0903"]),
    ]
    catalog, problems = sources.inspect(write(tmp_path, songs))
    tracks = catalog.tracks
    assert tracks["main_genre"].fillna("?").tolist() == ["?", "크리스마스", "발라드", "GN7700"]
    assert tracks["genres"].tolist()[:2] == [[], ["크리스마스"]]
    assert tracks["genres"]["3"] == ["GN7701", "POP: '90"]  # not the '90 of another genre
    for column in ("artist", "artist_id", "album", "name"):
        assert tracks[column].isna().tolist() == [False, False, True, False]
    told = [str(problem) for problem in problems if problem.column]
    assert len(told) == 2 and "found 'GN7700' of 1 song, kept as a code" in told[0]


def test_repeats_and_empty_playlists_are_dropped_and_counted(tmp_path):
    lists = [playlist(1, [2, 0, 2, 2]), playlist(2, []), playlist(3, [1], plylst_title="")]
    catalog, problems = sources.inspect(write(tmp_path, playlists=lists))
    assert [entries.tolist() for entries in catalog.playlists] == [[2, 0], [1]]
    assert catalog.playlists.names.tolist() == ["여행 🎸", None]
    assert [str(problem) for problem in problems] == [
        "warning: train.json: found 2 repeats of a song within a playlist, dropped; expected none.",
        "warning: train.json: found 1 empty playlist, dropped; expected none.",
    ]


def test_the_questions_of_the_competition_are_not_read(tmp_path):
    plain = sources.load(write(tmp_path))
    for name in ("val.json", "test.json"):
        (tmp_path / name).write_text(json.dumps([playlist(9, [0])]))
    assert sources.load(tmp_path).fingerprint == plain.fingerprint


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"songs": [song(0), song(1), {"song_name": "x"}]}, "song_meta.json, item 3, column id: f"),
        (
            {"songs": [song(0), song(0)]},
            "song_meta.json, item 2, column id: found 0; expected each",
        ),
        ({"songs": [song("0")]}, "item 1, column id: found {"),
        ({"songs": [song(0, artist_name_basket="x")]}, "column artist_name_basket: found 'x'; exp"),
        ({"songs": [song(0, artist_id_basket=["7"])]}, "expected a list of numbers, or nothing"),
        ({"songs": [song(0, song_name=5)]}, "column song_name: found 5; expected a text"),
        ({"songs": []}, "song_meta.json: found no item; expected a list of objects"),
        (
            {"playlists": [playlist(1, [0, 99])]},
            "train.json, item 1, column songs: found 99; expec",
        ),
        (
            {"playlists": [playlist(1, ["0"])]},
            "column songs: found ['0']; expected a list of whole",
        ),
        ({"playlists": [playlist(1, None)]}, "column songs: found nothing; expected a list"),
        ({"playlists": [playlist("1", [0])]}, "train.json, item 1, column id: found {"),
        ({"playlists": [playlist(1, [0])] * 2}, "train.json, item 2, column id: found 1; expected"),
        ({"genres": ["GN0100"]}, "genre_gn_all.json: found ['GN0100']; expected an object"),
        ({"genres": '{"GN0100": '}, "genre_gn_all.json, line 1, column 12 (character 11 of 11): f"),
        ({"playlists": '[{"id": 1, "songs"'}, "train.json, line 1, column 19 (character 18 of 18)"),
        ({"songs": '[{"id": 0}, {"song_name": "노'}, "the end of the file is missing"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(tmp_path, changed, message):
    told = problems_of(write(tmp_path, **changed), "error")
    assert message in told[0]


def test_all_three_files_must_be_there(tmp_path):
    folder = write(tmp_path)
    (folder / "song_meta.json").unlink()
    assert problems_of(folder, "error") == [
        "error: song_meta.json: found no such file; expected all of train.json, song_meta.json, "
        "genre_gn_all.json."
    ]
