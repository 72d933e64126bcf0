from pathlib import Path

import pytest

from musig import sources
from musig.errors import MusigError
from musig.sources import aotm, fma, synthetic, tidytuesday


def test_an_embedded_catalogue_by_name():
    one = sources.load(dataset="embedded-smoke", seed=1)
    assert one.fingerprint == sources.load(dataset="embedded-smoke", seed=1).fingerprint
    assert one.fingerprint != sources.load(dataset="embedded-smoke", seed=2).fingerprint
    catalog, problems = sources.inspect("embedded-smoke")
    assert catalog is not None
    assert [problem for problem in problems if problem.level == "error"] == []


def test_a_folder_wins_over_a_name_and_an_empty_text_is_none(tmp_path, smoke_catalog):
    folder = sources.write_folder(smoke_catalog, tmp_path / "mine")
    assert sources.load(folder, "embedded-classroom").name == "mine"
    assert sources.load("", "embedded-smoke").n_tracks == smoke_catalog.n_tracks


def test_folders_are_also_looked_up_in_musig_data(tmp_path, monkeypatch, smoke_catalog):
    sources.write_folder(smoke_catalog, tmp_path / "data" / "mine")
    monkeypatch.setenv("MUSIG_DATA", str(tmp_path))
    assert sources.load("mine").name == "mine"
    sources.write_folder(smoke_catalog, tmp_path / "beside")
    assert sources.load("beside").name == "beside"
    monkeypatch.delenv("MUSIG_DATA")
    with pytest.raises(MusigError, match="No folder mine: give a folder that exists"):
        sources.load("mine")


def test_a_mistyped_folder_of_musig_data_is_recognised(tmp_path, monkeypatch):
    for name in ("mpd_sample", "tidytuesday"):  # the second is known by its name, too
        (tmp_path / "data" / name).mkdir(parents=True)
    (tmp_path / "data" / "README.md").write_text("")
    monkeypatch.setenv("MUSIG_DATA", str(tmp_path))
    with pytest.raises(MusigError) as error:
        sources.load("mpd_sampl")
    assert str(error.value) == (
        f"No folder mpd_sampl or {tmp_path}/data/mpd_sampl or {tmp_path}/mpd_sampl: give a folder "
        "that exists. If one by its name was meant: did you mean 'mpd_sample'? Valid: "
        "embedded-smoke, embedded-classroom, embedded-paper, tidytuesday, aotm2011, mpd_sample."
    )
    monkeypatch.setenv("MUSIG_DATA", str(tmp_path / "gone"))
    with pytest.raises(MusigError, match="give a folder that exists"):
        sources.load("mpd_sampl")
    with pytest.raises(MusigError, match=r"so give it as dataset \(--dataset embedded-smoke\)\."):
        sources.load("embedded-smoke")


def test_names_that_are_not_there():
    with pytest.raises(MusigError, match="No data: give a folder"):
        sources.load()
    with pytest.raises(MusigError, match=r"'embedded-small': did you mean 'embedded-smoke'"):
        sources.load(dataset="embedded-small")
    with pytest.raises(MusigError, match="did you mean 'tidytuesday'"):
        sources.inspect("tidytuesdy")


def test_a_folder_without_data(tmp_path):
    with pytest.raises(MusigError, match=r"found nothing: the folder is empty; expected one data"):
        sources.load(tmp_path)
    for name in "abcdefg":
        (tmp_path / f"{name}.json").write_text("{}")
    with pytest.raises(MusigError, match=r"only files of other names: a\.json, b\.json, .*, …"):
        sources.load(tmp_path)
    with pytest.raises(MusigError, match=r"only files of other names: a\.json; expected"):
        sources.load(tmp_path / "a.json")


def test_two_data_sets_in_one_folder(tmp_path, smoke_catalog):
    folder = sources.write_folder(smoke_catalog, tmp_path / "mine")
    (folder / "mpd.slice.0-999.json").write_text('{"playlists": []}')
    with pytest.raises(
        MusigError, match=r"more than one data set: slices of the Million .* and tab"
    ):
        sources.load(folder)


def test_every_named_data_set_has_a_card():
    listed = sources.list_sources()
    assert set(sources.DATASETS) <= set(listed["name"])
    assert not listed.isna().any().any()
    assert (listed != "").all().all()


def test_describe_counts(smoke_catalog):
    tables = sources.describe(smoke_catalog)
    counts = tables["counts"].set_index("what")["number"]
    assert counts["playlists"] == len(smoke_catalog.playlists)
    assert counts["entries"] == sum(len(entries) for entries in smoke_catalog.playlists)
    columns = tables["columns"].set_index("column")
    assert columns["missing_share"].between(0, 1).all()
    assert columns.loc["energy", "known"] == smoke_catalog.tracks["energy"].notna().sum()
    assert tables["lengths"]["tracks"].is_monotonic_increasing


CARDS = Path(__file__).parents[2] / "data" / "README.md"


def test_the_cards_give_the_checksums_and_sizes_in_the_code():
    text = CARDS.read_text(encoding="utf-8")
    assert aotm.MD5 in text
    assert tidytuesday.SHA256 in text
    assert all(sha1 in text for sha1 in fma.SHA1.values())
    listed = sources.list_sources().set_index("name")["size"]
    for name, size in synthetic.SIZES.items():
        assert listed[f"embedded-{name}"] == (
            f"{size.n_tracks:,} tracks, {size.n_playlists:,} playlists"
        )
        assert f"{size.n_tracks:,}" in text
        assert f"{size.n_playlists:,}" in text


def test_the_cards_have_three_boxes_each_and_headings_in_order():
    lines = CARDS.read_text(encoding="utf-8").splitlines()
    headings = [line for line in lines if line.startswith("#")]
    assert headings[0] == "# Data cards"
    assert all(heading.startswith("## ") for heading in headings[1:])
    boxes = [line.removeprefix("```{admonition} ") for line in lines if "{admonition}" in line]
    assert boxes == ["What it is", "What trips you up", "What to do"] * (len(headings) - 1)
    fences = [line for line in lines if line.startswith("```")]
    assert len(fences) == 2 * len(boxes)
