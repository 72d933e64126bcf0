import json

import numpy as np
import pandas as pd
import pytest

from musig import sources
from musig.errors import MusigError
from musig.sources.genres import KEYWORDS, main_genre


@pytest.fixture
def inputs(tmp_path):
    """Slices, features and genres: every way in which a track can be matched, or not."""

    def track(number, artist, artist_id, name):
        entry = {"track_uri": f"spotify:track:t{number}", "track_name": name, "artist_name": artist}
        return entry | ({"artist_uri": f"spotify:artist:{artist_id}"} if artist_id else {})

    tracks = [
        track(0, "Can", "a0", "Vitamin C"),  # by id
        track(1, "CAN", "a0", "vitamin c"),  # by artist and title
        track(2, "Neu!", None, "Hallogallo"),  # features unknown, genre by name
        track(3, "Nobody", "a9", "<b>夜 & 🎸"),  # nothing at all
    ]
    folder = tmp_path / "slices"
    folder.mkdir()
    playlists = [{"pid": 0, "name": "kraut", "tracks": tracks}, {"pid": 1, "tracks": tracks[2:]}]
    (folder / "mpd.slice.0-999.json").write_text(json.dumps({"playlists": playlists}))
    features = pd.DataFrame(
        {
            "track_id": ["spotify:track:t0", "other"],
            "name": ["Vitamin C", "Spoon"],
            "artist": ["Can", "Can"],
            "energy": [0.9, 0.1],
            "tempo": [100.0, 80.0],
            "popularity": [0.0, 50.0],
        }
    )
    genres = pd.DataFrame(
        {
            "artist_id": ["a0", "a1"],
            "artist": ["Can", "NEU!"],
            "genres": ["['krautrock', 'experimental rock']", "krautrock"],
        }
    )
    features.to_csv(tmp_path / "features.csv", index=False)
    genres.to_csv(tmp_path / "genres.csv", index=False)
    return folder, tmp_path / "features.csv", tmp_path / "genres.csv"


def test_join_makes_a_folder_of_tables(inputs, tmp_path):
    catalog, problems = sources.inspect(sources.join(*inputs, tmp_path / "out"))
    assert [problem for problem in problems if problem.level == "error"] == []
    tracks = catalog.tracks
    assert tracks["feature_source"].tolist() == ["id", "name", "none", "none"]
    assert tracks["energy"].iloc[:2].tolist() == [np.float32(0.9)] * 2
    assert tracks["energy"].iloc[2:].isna().all()
    # popularity belongs to an id: 0 is a value, and no other track gets it
    assert tracks["popularity"].iloc[0] == 0
    assert tracks["popularity"].iloc[1:].isna().all()
    assert tracks["genres"].tolist() == [
        ["krautrock", "experimental rock"],
        ["krautrock", "experimental rock"],
        ["krautrock"],
        [],
    ]
    assert tracks["main_genre"].fillna("?").tolist() == ["rock", "rock", "rock", "?"]
    assert tracks["name"].iloc[3] == "<b>夜 & 🎸"
    assert [entries.tolist() for entries in catalog.playlists] == [[0, 1, 2, 3], [2, 3]]
    assert catalog.playlists.names.tolist() == ["kraut", None]


def test_join_takes_a_given_main_genre_and_parquet(inputs, tmp_path):
    slices, features, _ = inputs
    table = pd.DataFrame({"artist": ["Can"], "main_genre": ["krautrock"]})
    table.to_parquet(tmp_path / "genres.parquet")
    folder = sources.join(slices, features, tmp_path / "genres.parquet", tmp_path / "out")
    tracks = sources.load(folder).tracks
    assert tracks["main_genre"].fillna("?").tolist() == ["krautrock", "krautrock", "?", "?"]
    assert "genres" not in tracks


def test_two_artists_of_one_name_are_not_guessed(inputs, tmp_path):
    slices, features, _ = inputs
    table = pd.DataFrame({"artist": ["Neu!", "neu!"], "main_genre": ["rock", "pop"]})
    table.to_csv(tmp_path / "two.csv", index=False)
    folder = sources.join(slices, features, tmp_path / "two.csv", tmp_path / "out")
    assert sources.load(folder).tracks.get("main_genre", pd.Series([None])).isna().all()


@pytest.mark.parametrize(
    ("which", "table", "message"),
    [
        (1, {"id": ["t0"], "energy": [0.5]}, "column track_id: found only id, energy"),
        (1, {"track_id": ["t0"], "name": ["x"]}, "found only track_id, name; expected a column of"),
        (1, {"track_id": ["t0", "t0"], "energy": [0.5, 0.5]}, "row 2, column track_id: found 't0'"),
        (1, {"track_id": ["t0"], "energy": [5]}, "row 1, column energy: found 5; expected"),
        (2, {"name": ["Can"], "genres": ["rock"]}, "column artist_id or artist: found only name"),
        (2, {"artist": ["Can"], "style": ["rock"]}, "column genres or main_genre: found only"),
        (2, {"artist_id": ["a", "a"], "genres": ["x", "y"]}, "row 2, column artist_id: found 'a'"),
        (2, {"artist": ["Can"], "genres": ["[1]"]}, "row 1, column genres: found '[1]'"),
    ],
)
def test_a_bad_table_stops_the_join_and_leaves_nothing(inputs, tmp_path, which, table, message):
    pd.DataFrame(table).to_csv(inputs[which], index=False)
    with pytest.raises(MusigError) as caught:
        sources.join(*inputs, tmp_path / "out")
    assert message in str(caught.value)
    assert inputs[which].name in str(caught.value)
    assert not list(tmp_path.glob("out*"))


def test_bad_slices_stop_the_join(inputs, tmp_path):
    path = inputs[0] / "mpd.slice.0-999.json"
    path.write_text(path.read_text()[:200])
    with pytest.raises(MusigError, match=r"mpd\.slice\.0-999\.json, line 1, column"):
        sources.join(*inputs, tmp_path / "out")


def test_join_says_early_what_is_not_there(inputs, tmp_path):
    slices, features, genres = inputs
    with pytest.raises(MusigError, match="exists already"):
        sources.join(slices, features, genres, slices)
    with pytest.raises(MusigError, match=r"nothing\.csv does not exist"):
        sources.join(slices, features, tmp_path / "nothing.csv", tmp_path / "out")
    with pytest.raises(MusigError, match="holds no slice"):
        sources.join(tmp_path, features, genres, tmp_path / "out")


def test_a_tag_that_is_a_main_genre_is_that_genre():
    for main in KEYWORDS:
        if main not in ("indie/alternative", "r&b/soul"):
            assert main_genre([main]) == main


def test_most_tags_win_and_the_first_of_equals():
    assert main_genre(["pop", "rock", "art rock"]) == "rock"
    assert main_genre(["pop", "jazz"]) == main_genre(["jazz", "pop"]) == "jazz"
    assert main_genre([]) is None
