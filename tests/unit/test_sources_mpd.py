import json
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from musig import sources
from musig.errors import MusigError
from musig.sources import mpd

TEXT = ["<b>Rock & Roll</b>", 'He said "hi"', "Ночь", "夜", "ليل", "🎸 🎶", "NA", "a\tb"]


def track(number, **fields):
    return {"track_uri": f"spotify:track:t{number}"} | fields


def playlist(pid, tracks, **fields):
    return {"pid": pid, "tracks": tracks} | fields


def write(folder, playlists, first=0, last=999):
    folder.mkdir(exist_ok=True)
    path = folder / f"mpd.slice.{first}-{last}.json"
    path.write_text(json.dumps({"info": {"version": "v1"}, "playlists": playlists}, indent=1))
    return path


def errors(folder):
    catalog, problems = sources.inspect(folder)
    assert catalog is None
    return [str(problem) for problem in problems if problem.level == "error"]


def test_official_fields_are_read(tmp_path):
    entry = {
        "pos": 0,
        "artist_name": "Can",
        "track_uri": "spotify:track:x",
        "artist_uri": "spotify:artist:y",
        "track_name": "Vitamin C",
        "album_uri": "spotify:album:z",
        "duration_ms": 1,
        "album_name": "Ege Bamyası",
    }
    fields = {"collaborative": "false", "modified_at": 1, "num_tracks": 1, "num_albums": 1}
    fields |= {"num_followers": 1, "num_edits": 1, "duration_ms": 1, "num_artists": 1}
    write(tmp_path, [playlist(7, [entry], name="mix", description="d", **fields)])
    catalog, problems = sources.inspect(tmp_path)
    assert problems == []
    assert catalog.tracks.reset_index().iloc[0].to_dict() == {
        "track_id": "x",
        "name": "Vitamin C",
        "artist": "Can",
        "artist_id": "y",
        "album": "Ege Bamyası",
    }
    assert (catalog.playlists.ids.tolist(), catalog.playlists.names.tolist()) == ([7], ["mix"])


def test_missing_fields_are_unknown_and_found_later(tmp_path):
    write(tmp_path, [playlist(0, [track(1), track(2)]), playlist(1, [track(1, artist_name="A")])])
    catalog, problems = sources.inspect(tmp_path)
    assert problems == []
    assert list(catalog.tracks.columns) == ["artist"]
    assert catalog.tracks["artist"].fillna("?").tolist() == ["A", "?"]
    assert catalog.playlists.names.tolist() == [None, None]


def test_slices_are_in_the_order_of_their_numbers(tmp_path):
    for first in (10000, 2000, 0):
        write(tmp_path, [playlist(first, [track(first)])], first, first + 999)
    (tmp_path / "mpd.slice.0-999.json.txt").write_text("no slice")
    assert [path.name for path in mpd.slices(tmp_path)] == [
        "mpd.slice.0-999.json",
        "mpd.slice.2000-2999.json",
        "mpd.slice.10000-10999.json",
    ]
    assert sources.load(tmp_path).playlists.ids.tolist() == [0, 2000, 10000]


def test_order_is_that_of_pos(tmp_path):
    write(tmp_path, [playlist(0, [track(5, pos=2), track(6, pos=0), track(7, pos=1)])])
    catalog = sources.load(tmp_path)
    assert catalog.tracks.index[catalog.playlists[0]].tolist() == ["t6", "t7", "t5"]


def test_repeats_are_dropped_and_counted(tmp_path):
    write(tmp_path, [playlist(0, [track(1), track(2), track(1), track(1)])])
    catalog = sources.load(tmp_path)
    assert catalog.playlists[0].tolist() == [0, 1]
    (note,) = catalog.notes
    assert "found 2 repeats of a track within a playlist, dropped;" in note


def test_text_of_every_script_is_kept_and_shown_escaped(tmp_path):
    tracks = [track(i, track_name=text, artist_name=text) for i, text in enumerate(TEXT)]
    write(tmp_path, [playlist(0, tracks, name=TEXT[0])])
    catalog = sources.load(tmp_path)
    assert catalog.tracks["name"].tolist() == TEXT
    assert catalog.tracks["artist"].tolist() == TEXT
    assert catalog.playlists.names.tolist() == [TEXT[0]]
    shown = catalog.tracks.to_html()
    assert "<b>" not in shown
    assert "&lt;b&gt;Rock &amp; Roll" in shown


@pytest.mark.parametrize("share", [0.2, 0.5, 0.9, 0.99])
def test_a_truncated_slice_names_file_and_place_and_gives_nothing(tmp_path, share):
    write(tmp_path, [playlist(0, [track(0)])], 0, 999)
    path = write(tmp_path, [playlist(1000 + i, [track(i)]) for i in range(9)], 1000, 1999)
    whole = path.read_text()
    path.write_text(whole[: int(share * len(whole))])
    (told,) = errors(tmp_path)
    assert told.startswith("error: mpd.slice.1000-1999.json, line ")
    assert "column" in told
    assert f"of {int(share * len(whole))}" in told
    assert "found JSON that breaks off here: the end of the file is missing" in told
    assert "copy or download it again" in told
    with pytest.raises(MusigError, match=r"mpd\.slice\.1000-1999\.json, line \d+, column \d+"):
        sources.load(tmp_path)


def test_an_error_in_the_middle_names_its_line(tmp_path):
    path = write(tmp_path, [playlist(0, [track(0)]), playlist(1, [track(1)])])
    lines = path.read_text().splitlines()
    bad = next(i for i, line in enumerate(lines) if "t1" in line)
    lines[bad] = lines[bad].replace(":", ";")
    path.write_text("\n".join(lines))
    (told,) = errors(tmp_path)
    assert f"mpd.slice.0-999.json, line {bad + 1}, column" in told
    assert "which is not JSON" in told


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("pid,track_id\n1,a\n", "line 1, column 1 (character 0 of 17): found 'pid,track_id"),
        ("", "found an empty file"),
        ("[]", "found a list; expected an object with a list 'playlists'"),
        ("3", "found a single number; expected an object with a list 'playlists'"),
        ('{"info": {}}', "found no 'playlists'; expected an object with a list 'playlists'"),
        ('{"playlists": {"pid": 1}}', "found 'playlists' of another type (an object)"),
        ('{"playlists": null}', "found 'playlists' of another type (null)"),
    ],
)
def test_a_file_that_is_no_slice(tmp_path, content, message):
    (tmp_path / "mpd.slice.0-999.json").write_text(content)
    (told,) = errors(tmp_path)
    assert told.startswith("error: mpd.slice.0-999.json")
    assert message in told


def test_bytes_that_are_not_utf8(tmp_path):
    path = write(tmp_path, [playlist(0, [track(0, track_name="Café")])])
    path.write_bytes(json.dumps({"playlists": "Café"}, ensure_ascii=False).encode("latin-1"))
    (told,) = errors(tmp_path)
    assert "found" in told
    path.write_bytes(b'{"playlists": [{"pid": 1, "name": "Caf\xe9", "tracks": []}]}')
    (told,) = errors(tmp_path)
    assert "a byte that is not UTF-8 (byte 38 of 57)" in told


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ("x", "playlist 2: found 'x'; expected an object"),
        (playlist("1", [track(1)]), "playlist 2, column pid: found '1'; expected a whole number"),
        (playlist(True, [track(1)]), "column pid: found True; expected a whole number"),
        ({"tracks": [track(1)]}, "playlist 2, column pid: found nothing; expected a whole number"),
        (playlist(0, [track(1)]), "column pid: found 0; expected each pid once in all slices"),
        (playlist(1, [track(1)], name=3), "(pid 1), column name: found 3; expected text"),
        (playlist(1, None), "column tracks: found nothing; expected a list of tracks"),
        (playlist(1, {}), "column tracks: found {}; expected a list of tracks"),
        (playlist(1, []), "playlist 2 (pid 1), column tracks: found []; expected at least one"),
        (playlist(1, [5]), "playlist 2 (pid 1), track 1: found 5; expected an object"),
        (playlist(1, [{}]), "track 1, column track_uri: found nothing; expected text such as"),
        (playlist(1, [{"track_uri": 4}]), "column track_uri: found 4; expected text such as"),
        (playlist(1, [track(1, pos="0")]), "column pos: found '0'; expected a whole number"),
        (playlist(1, [track(9, track_name=[1])]), "column track_name: found [1]; expected text"),
    ],
)
def test_wrong_types_are_told_with_their_place(tmp_path, bad, message):
    write(tmp_path, [playlist(0, [track(1)]), bad])
    (told,) = errors(tmp_path)
    assert told.startswith("error: mpd.slice.0-999.json, playlist 2")
    assert message in told


@pytest.mark.parametrize("pid", ["1", None, [1], 0])
def test_a_wrong_pid_hides_no_other_problem(tmp_path, pid):
    wrong = playlist(pid, [{}, track(1, pos="0"), track(2, mood="calm")], name=3, num_tracks=9)
    write(tmp_path, [playlist(0, [track(1)]), wrong])
    assert [told.split("column ")[1].split(":")[0] for told in errors(tmp_path)] == [
        "pid",
        "name",
        "track_uri",
        "pos",
    ]
    warned = [p.column for p in sources.inspect(tmp_path)[1] if p.level == "warning"]
    assert warned == ["num_tracks", "mood"]


def test_every_problem_of_every_file_is_told(tmp_path):
    write(tmp_path, [playlist(0, []), playlist(1, [{}, track(1), {}])])
    (tmp_path / "mpd.slice.1000-1999.json").write_text("{")
    assert len(errors(tmp_path)) == 4


def test_unknown_fields_and_wrong_counts_are_warnings(tmp_path):
    tracks = [track(1, mood="calm"), track(2, mood="wild")]
    write(tmp_path, [playlist(0, tracks, num_tracks=3, owner="me")])
    notes = sources.load(tmp_path).notes
    assert len(notes) == 3
    assert "playlist 1, column owner: found a field of an unknown name" in notes[0]
    assert "(pid 0), column num_tracks: found 2 tracks where num_tracks says 3" in notes[1]
    assert "track 1, column mood: found a field of an unknown name" in notes[2]


def test_memory_is_bounded_by_one_playlist(tmp_path, monkeypatch):
    """No list of playlists is ever made: the reader sees one at a time."""
    write(tmp_path, [playlist(i, [track(i)]) for i in range(500)])
    alive, most = set(), 0
    stream = mpd._stream

    class Watched(dict):
        def __del__(self):
            alive.discard(id(self))

    def watched(file):
        nonlocal most
        for item in stream(file):
            item = Watched(item)
            alive.add(id(item))
            most = max(most, len(alive))
            yield item

    monkeypatch.setattr(mpd, "_stream", watched)
    assert len(sources.load(tmp_path).playlists) == 500
    assert most <= 2


def test_arrays_have_the_types_of_the_contract(tmp_path):
    write(tmp_path, [playlist(3, [track(1), track(2)])])
    playlists = sources.load(tmp_path).playlists
    assert playlists.ids.dtype == np.int64
    assert playlists.indptr.dtype == np.int64
    assert playlists.tracks.dtype == np.int32


@given(st.data())
def test_no_cut_gives_half_a_data_set(data):
    whole = json.dumps({"playlists": [playlist(i, [track(i), track(i + 1)]) for i in range(3)]})
    cut = data.draw(st.integers(0, len(whole) - 1))
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "mpd.slice.0-999.json").write_text(whole[:cut])
        assert errors(Path(folder))


entries = st.lists(st.lists(st.integers(0, 9), min_size=1, max_size=6), min_size=1, max_size=5)


@given(entries)
def test_what_is_in_the_slices_is_read(lists):
    with tempfile.TemporaryDirectory() as folder:
        for i, numbers in enumerate(lists):  # one slice a playlist
            write(
                Path(folder), [playlist(i, [track(n) for n in numbers])], 1000 * i, 1000 * i + 999
            )
        catalog = sources.load(folder)
    for i, numbers in enumerate(lists):
        listed = catalog.tracks.index[catalog.playlists[i]].tolist()
        assert listed == [f"t{n}" for n in dict.fromkeys(numbers)]
