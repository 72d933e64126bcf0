"""TidyTuesday, AotM-2011 and their download, on small files made in their formats."""

import functools
import gzip
import hashlib
import http.server
import json
import threading
import zipfile

import numpy as np
import pytest

from musig import sources
from musig.errors import MusigError
from musig.sources import aotm, download

HEADER = (
    "track_id,track_name,track_artist,track_popularity,track_album_id,track_album_name,"
    "track_album_release_date,playlist_name,playlist_id,playlist_genre,playlist_subgenre,"
    "danceability,energy,key,loudness,mode,speechiness,acousticness,instrumentalness,liveness,"
    "valence,tempo,duration_ms"
)


def row(track, playlist, name="Song", popularity=50, energy=0.5, tempo=120):
    return (
        f'{track},"{name}",Artist,{popularity},al,Album,2019-06-14,"Pop ""2020"" & more",'
        f"{playlist},pop,dance pop,0.7,{energy},6,-2.6,1,0.05,1.33e-4,0,0.06,0.5,{tempo},194754"
    )


def csv(folder, *rows, header=HEADER):
    path = folder / "spotify_songs.csv"
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return path


def mixes(folder, content, compress=True):
    raw = content if isinstance(content, bytes) else json.dumps(content).encode()
    path = folder / "aotm2011_playlists.json.gz"
    path.write_bytes(gzip.compress(raw) if compress else raw)
    return path


def mix(number, *entries):
    return {
        "mix_id": number,
        "category": "Rock",
        "user": {"name": "x"},
        "timestamp": "2011-01-01T00:00:00",
        "playlist": list(entries),
        "filtered_lists": [],
    }


def errors(folder):
    catalog, problems = sources.inspect(folder)
    assert catalog is None
    return [str(problem) for problem in problems if problem.level == "error"]


def test_tidytuesday_is_read(tmp_path):
    csv(
        tmp_path,
        row("a", "p1", "夜 <b> & 🎸"),
        row("b", "p2", "NA", 0),
        row("a", "p2", "夜 <b> & 🎸"),
    )
    catalog, problems = sources.inspect(tmp_path)
    assert problems == []
    assert catalog.name == "tidytuesday"
    assert catalog.tracks.index.tolist() == ["a", "b"]
    assert catalog.tracks["name"].iloc[0] == "夜 <b> & 🎸"
    assert catalog.tracks["name"].isna().tolist() == [False, True]
    assert catalog.tracks["popularity"].tolist() == [50, 0]
    assert catalog.tracks["acousticness"].iloc[0] == np.float32(1.33e-4)
    assert catalog.playlists.ids.tolist() == ["p1", "p2"]
    assert catalog.playlists.names.tolist() == ['Pop "2020" & more'] * 2
    assert [entries.tolist() for entries in catalog.playlists] == [[0], [1, 0]]
    # the genre is the playlist's: as an attribute it would tell which playlist a track is in
    assert not {"genres", "main_genre"} & set(catalog.tracks)


def test_tidytuesday_compressed_is_the_same(tmp_path):
    path = csv(tmp_path, row("a", "p1"))
    plain = sources.load(tmp_path).fingerprint
    (tmp_path / "spotify_songs.csv.gz").write_bytes(gzip.compress(path.read_bytes()))
    assert "more than one data set" in errors(tmp_path)[0]
    path.unlink()
    assert sources.load(tmp_path).fingerprint == plain
    assert sources.load(tmp_path / "spotify_songs.csv.gz").fingerprint == plain


def test_tidytuesday_repeats_are_dropped_and_counted(tmp_path):
    csv(tmp_path, row("a", "p1"), row("a", "p1"), row("b", "p1", tempo=0))
    catalog = sources.load(tmp_path)
    assert catalog.playlists[0].tolist() == [0, 1]
    assert "column tempo: found the value 0 (count: 1)" in catalog.notes[0]
    assert "found 1 repeat of a track within a playlist, dropped;" in catalog.notes[1]


def test_tidytuesday_errors_name_the_row_of_the_file(tmp_path):
    rows = [row("a", "p1"), row("a", "p2"), row("b", "p1", energy=1.5), row("c", "p1", energy="x")]
    told = errors(csv(tmp_path, *rows).parent)
    assert told == [
        "error: spotify_songs.csv, row 4, column energy: found 'x'; expected a number, or nothing "
        "if unknown.",
        "error: spotify_songs.csv, row 3, column energy: found 1.5; expected a number in [0, 1], "
        "or nothing if unknown.",
    ]


def test_tidytuesday_columns_that_are_missing_or_new(tmp_path):
    csv(tmp_path, row("a", "p1"), header=HEADER.replace("valence", "mood"))
    catalog, problems = sources.inspect(tmp_path)
    assert catalog is None
    assert [(problem.level, problem.column) for problem in problems] == [
        ("error", "valence"),
        ("warning", "mood"),
    ]


def test_aotm_is_read(tmp_path):
    song = [["Can", "Vitamin C"], "SOABC"]
    mixes(tmp_path, [mix(3, song, [["夜", "<b> & 🎸"], None], song), mix(1, song)])
    catalog, problems = sources.inspect(tmp_path)
    assert catalog.name == "aotm2011"
    assert catalog.tracks.index.tolist() == ["SOABC", aotm.unmatched_id("夜", "<b> & 🎸")]
    assert catalog.tracks["name"].tolist() == ["Vitamin C", "<b> & 🎸"]
    assert catalog.tracks["artist"].tolist() == ["Can", "夜"]
    assert catalog.playlists.ids.tolist() == [3, 1]
    assert [entries.tolist() for entries in catalog.playlists] == [[0, 1], [0]]
    (problem,) = problems
    assert "found 1 repeat of a track within a mix, dropped;" in str(problem)


def test_aotm_empty_and_repeated_mixes_are_dropped_and_counted(tmp_path):
    song = [["a", "b"], "SO"]
    mixes(tmp_path, [mix(1, song), mix(2), mix(1, song)])
    catalog = sources.load(tmp_path)
    assert len(catalog.playlists) == 1
    assert "found 1 empty mix, dropped" in catalog.notes[0]
    assert "found 1 mix with the id of an earlier one, dropped" in catalog.notes[1]


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("x", "mix 2, column mix_id: found 'x'; expected an object"),
        ({"playlist": []}, "mix 2, column mix_id: found {'playlist': []}; expected"),
        ({"mix_id": 2}, "mix 2, column playlist: found nothing; expected a list"),
        (mix(2, [["a", 3], None]), "mix 2, track 1, column playlist: found [['a', 3], None]"),
        (mix(2, [["a", "b"], None], "y"), "mix 2, track 2, column playlist: found 'y'; expected"),
        (mix(2, [["a", "b"], 5]), "expected [[artist, title], id or null]"),
    ],
)
def test_aotm_wrong_types_are_told_with_their_place(tmp_path, entry, message):
    mixes(tmp_path, [mix(1, [["a", "b"], "SO"]), entry])
    (told,) = errors(tmp_path)
    assert message in told


def test_aotm_files_that_are_something_else(tmp_path):
    whole = json.dumps([mix(i, [["a", "b"], "SO"]) for i in range(50)]).encode()
    for content, compress, message in (
        (whole, False, "found text or another format where a gzip file should be"),
        (whole[:700], True, "found JSON that breaks off here: the end of the file is missing"),
        (
            gzip.compress(whole, mtime=0)[:-20],
            False,
            "found a gzip file that breaks off before its end",
        ),
        (b"{}", True, "found no mix; expected a list of mixes"),
        (b"artist,title\n", True, "line 1, column 1 (character 0 of 13): found 'artist,title"),
    ):
        mixes(tmp_path, content, compress)
        (told,) = errors(tmp_path)
        assert told.startswith("error: aotm2011_playlists.json.gz")
        assert message in told


@pytest.fixture
def server(tmp_path):
    """A web server on this machine that serves one folder."""
    folder = tmp_path / "served"
    folder.mkdir()

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    handler = functools.partial(Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as web:
        threading.Thread(target=web.serve_forever, daemon=True).start()
        yield folder, f"http://127.0.0.1:{web.server_port}/spotify_songs.csv"
        web.shutdown()


def test_a_download_is_verified(server, tmp_path, monkeypatch):
    folder, url = server
    monkeypatch.setenv("MUSIG_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("MUSIG_DATA", raising=False)
    content = csv(folder, row("a", "p1")).read_bytes()
    good = "sha256:" + hashlib.sha256(content).hexdigest()

    monkeypatch.setitem(download.FILES, "tidytuesday", (url, "sha256:" + "0" * 64))
    with pytest.raises(MusigError, match=r"is not the file that was published .* Nothing was kept"):
        sources.fetch("tidytuesday")
    with pytest.raises(MusigError, match="`musig data get tidytuesday`"):
        sources.load(dataset="tidytuesday")

    monkeypatch.setitem(download.FILES, "tidytuesday", (url, good))
    path = sources.fetch("tidytuesday")
    assert path.read_bytes() == content
    assert sources.load(dataset="tidytuesday").n_tracks == 1

    (folder / "spotify_songs.csv").unlink()
    assert sources.fetch("tidytuesday") == path  # it is here: the network is not asked
    monkeypatch.setitem(download.FILES, "tidytuesday", (url, "sha256:" + "1" * 64))
    with pytest.raises(MusigError, match="cannot be downloaded"):
        sources.fetch("tidytuesday")


def zipped(path, **members):
    """Write an archive compressed as FMA's are."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_BZIP2) as archive:
        for name, content in members.items():
            archive.writestr(f"fma_small/{name}", content)
    return hashlib.sha1(path.read_bytes()).hexdigest()


def test_an_archive_is_verified_unpacked_and_removed(server, tmp_path, monkeypatch):
    folder, url = server
    url = url.replace("spotify_songs.csv", "fma_small.zip")
    monkeypatch.setenv("MUSIG_CACHE", str(tmp_path / "cache"))
    good = zipped(folder / "fma_small.zip", README="text")
    place = tmp_path / "cache" / "data" / "fma"

    monkeypatch.setitem(download.ARCHIVES, "fma_small", (url, "sha1:" + "0" * 40))
    with pytest.raises(MusigError, match="is not the file that was published"):
        sources.fetch("fma_small")
    assert list(place.iterdir()) == []

    monkeypatch.setitem(download.ARCHIVES, "fma_small", (url, "sha1:" + good))
    assert sources.fetch("fma_small") == place / "fma_small"
    assert (place / "fma_small" / "README").read_text() == "text"
    assert [path.name for path in place.iterdir()] == ["fma_small"]

    (folder / "fma_small.zip").unlink()
    assert sources.fetch("fma_small") == place / "fma_small"  # it is here: nothing is asked


def test_an_archive_that_cannot_be_unpacked_leaves_no_half_folder(server, tmp_path, monkeypatch):
    folder, url = server
    url = url.replace("spotify_songs.csv", "fma_small.zip")
    monkeypatch.setenv("MUSIG_CACHE", str(tmp_path / "cache"))
    good = zipped(folder / "fma_small.zip", a="text", b="text")
    monkeypatch.setitem(download.ARCHIVES, "fma_small", (url, "sha1:" + good))
    extract = zipfile.ZipFile.extract

    def full(self, member, path):
        if member.filename.endswith("b"):
            raise OSError(28, "No space left on device")
        return extract(self, member, path)

    monkeypatch.setattr(zipfile.ZipFile, "extract", full)
    with pytest.raises(MusigError, match=r"No space left on device.*.*make room for it"):
        sources.fetch("fma_small")
    place = tmp_path / "cache" / "data" / "fma"
    assert [path.name for path in place.iterdir()] == ["fma_small.zip"]
    monkeypatch.undo()
    monkeypatch.setenv("MUSIG_CACHE", str(tmp_path / "cache"))
    monkeypatch.setitem(download.ARCHIVES, "fma_small", (url, "sha1:" + good))
    (folder / "fma_small.zip").unlink()  # what was downloaded is enough
    assert (sources.fetch("fma_small") / "b").read_text() == "text"


def test_only_known_names_are_downloaded():
    with pytest.raises(MusigError, match=r"'tidytusday' can be downloaded; did you mean 'tidytues"):
        sources.fetch("tidytusday")
