import gzip
import hashlib
import time
from pathlib import Path

import pandas as pd
import pytest

from musig import sources
from musig.catalog import FEATURES
from musig.errors import MusigError
from musig.sources import tidytuesday
from musig.sources.genres import main_genre

pytestmark = pytest.mark.realdata


def test_mpd_sample_has_warnings_only(realdata):
    start = time.perf_counter()
    catalog, problems = sources.inspect(realdata / "mpd_sample")
    seconds = time.perf_counter() - start
    assert {problem.level for problem in problems} == {"warning"}
    assert [problem.column for problem in problems] == ["loudness", "track_id"]
    entries = pd.read_parquet(realdata / "mpd_sample" / "playlists.parquet")
    repeats = int(entries.duplicated(["pid", "track_id"]).sum())
    assert f"found {repeats:,} repeats" in str(problems[1])
    assert len(catalog.playlists.tracks) == len(entries) - repeats
    assert len(catalog.playlists) == entries["pid"].nunique()
    tracks = pd.read_parquet(realdata / "mpd_sample" / "tracks.parquet")
    for column in tracks.columns.drop(["track_id", "genres"]):
        assert catalog.tracks[column].isna().sum() == tracks[column].isna().sum()
    assert (catalog.tracks["popularity"] == 0).sum() == (tracks["popularity"] == 0).sum() > 0
    assert catalog.tracks["name"].tolist() == tracks["name"].tolist()
    print(f"read in {seconds:.1f} s")


def test_the_card_gives_the_figures_of_the_sample(realdata):
    card = (Path(__file__).parents[2] / "data" / "README.md").read_text(encoding="utf-8")
    folder = realdata / "mpd_sample"
    tracks = pd.read_parquet(folder / "tracks.parquet")
    entries = pd.read_parquet(folder / "playlists.parquet")
    followers = pd.read_parquet(folder / "playlist_info.parquet")["num_followers"].min()
    repeated = entries.duplicated(["pid", "track_id"])
    held_by = entries.loc[~repeated, "track_id"].value_counts()
    lacking = tracks[list(FEATURES)].isna().any(axis=1)
    rare = (held_by.reindex(tracks.loc[lacking, "track_id"]).fillna(0) < 8).mean()
    known = tracks[tracks["main_genre"].notna()]
    several = (known.groupby("artist")["main_genre"].nunique() > 1).sum()
    artists = known.drop_duplicates("artist")
    agree = (artists["genres"].map(main_genre) == artists["main_genre"]).mean()
    for figure in (
        f"fingerprint of the contents. That of `mpd_sample` as we read it is"
        f" `{sources.load(folder).fingerprint}`",
        f"{entries['pid'].nunique():,} playlists with at least {followers} followers",
        f"{len(tracks):,} tracks, with features",
        f"({(tracks['popularity'] == 0).sum():,} tracks of `mpd_sample` have it)",
        f"In `mpd_sample` {100 * lacking.mean():.0f} % of all tracks lack them, and"
        f" {100 * rare:.0f} % of those are in fewer than eight playlists",
        f"{several} artists in `mpd_sample` have tracks of more than one `main_genre`",
        f"{repeated.sum():,} of the {len(entries):,} entries of `mpd_sample` are such repeats",
        f"*Loudness reaches {tracks['loudness'].max():+.1f} dB.*",
        f"agrees with the main genres of `mpd_sample` for {100 * agree:.0f} % of the artists",
    ):
        assert figure in card, figure


def test_order_is_that_of_the_table(realdata):
    catalog = sources.load(realdata / "mpd_sample")
    entries = pd.read_parquet(realdata / "mpd_sample" / "playlists.parquet")
    for i in (0, 1234, len(catalog.playlists) - 1):
        rows = entries[entries["pid"] == catalog.playlists.ids[i]].sort_values("pos")
        expected = list(dict.fromkeys(rows["track_id"]))
        assert catalog.tracks.index[catalog.playlists[i]].tolist() == expected


@pytest.mark.parametrize("kind", ["full", "reduced"])
def test_slices_are_read(realdata, kind):
    catalog, problems = sources.inspect(realdata / "mpd_slices" / kind)
    assert catalog is not None
    assert {problem.level for problem in problems} <= {"warning"}
    assert ("album" in catalog.tracks) == (kind == "full")
    assert catalog.playlists.lengths.min() > 0


def test_a_slice_that_is_cut_off_gives_nothing(realdata):
    catalog, _ = sources.inspect(realdata / "mpd_slices" / "broken")
    assert catalog is None
    with pytest.raises(MusigError) as caught:
        sources.load(realdata / "mpd_slices" / "broken")
    told = str(caught.value)
    raw = (realdata / "mpd_slices" / "broken" / "mpd.slice.0-999.json").read_text()
    assert f"mpd.slice.0-999.json, line {raw.count(chr(10)) + 1:,}, column " in told
    assert "the end of the file is missing" in told


def test_tidytuesday_is_the_public_file(realdata):
    path = realdata / "tidytuesday" / "spotify_songs.csv.gz"
    with gzip.open(path) as file:
        assert hashlib.sha256(file.read()).hexdigest() == tidytuesday.SHA256
    catalog, problems = sources.inspect(path)
    assert {problem.level for problem in problems} == {"warning"}
    assert (catalog.n_tracks, len(catalog.playlists)) == (28_356, 471)


def test_slices_joined_with_tables_of_the_sample(realdata, tmp_path):
    known = pd.read_parquet(realdata / "mpd_sample" / "tracks.parquet")
    known = known[known["feature_source"] == "id"]
    known.drop(columns=["genres", "main_genre", "feature_source"]).to_parquet(
        tmp_path / "f.parquet"
    )
    artists = known.drop_duplicates("artist")[["artist", "genres", "main_genre"]]
    artists.to_parquet(tmp_path / "g.parquet")
    slices = realdata / "mpd_slices" / "reduced"
    folder = sources.join(slices, tmp_path / "f.parquet", tmp_path / "g.parquet", tmp_path / "out")
    catalog, problems = sources.inspect(folder)
    assert {problem.level for problem in problems} <= {"warning"}
    ours = catalog.tracks[catalog.tracks["feature_source"] == "id"]
    theirs = known.set_index("track_id").loc[ours.index]
    assert len(ours) > 100
    assert (ours["energy"] == theirs["energy"]).all()
    assert ours["main_genre"].notna().mean() > 0.9


def test_the_excerpts_are_a_folder_of_recordings(realdata):
    folder = realdata.parent / "audio"
    index = pd.read_csv(folder / "index.csv")
    catalog, problems = sources.inspect(folder)
    assert problems == []
    assert sorted(catalog.tracks.index) == sorted(index["file"])
    assert catalog.tracks["recording"].tolist() == catalog.tracks.index.tolist()
    lists = zip(catalog.playlists.names, catalog.playlists, strict=True)
    for name, entries in lists:
        expected = index.loc[index["collection"] == name, "file"].tolist()
        assert catalog.tracks.index[entries].tolist() == expected
    assert len(catalog.playlists) == index["collection"].nunique() == 3
    assert all(Path(path).is_file() for path in catalog.recordings())
