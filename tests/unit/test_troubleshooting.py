"""Every message of ours that the troubleshooting page lists is printed, word for word."""

import json
import re
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import papermill.execute
import pytest
import soundfile
import torch

from musig import cache, catalog, checkpoint, device, features, modelfolder, recordings, sources
from musig.errors import MusigError
from musig.experiments import work
from musig.files import aside
from musig.running import book, kernels, parameters, profiles, rendering

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "book/troubleshooting.md").read_text("utf-8")
OURS, OTHERS = PAGE.split("## Messages of other programs")
NOTEBOOK = ROOT / "notebooks/05_multitask_training.ipynb"


def terms(text):
    """Give the messages that a part of the page explains."""
    found = re.findall(r"^(`+)(.+)\1\n: ", text, re.M)
    return [words.removeprefix(" ").removesuffix(" ") for _, words in found]


def settled(**given):
    return lambda folder: profiles.settle(NOTEBOOK, profiles.Profile(), given)


def of_profile(folder):
    (folder / "mine.yml").write_text("common: {epoch: 3}")
    profiles.load_profile(folder / "mine.yml")


def table_without_a_column(folder):
    (folder / "playlists.csv").write_text("pid,song\n1,a\n")
    sources.load(folder)


def table_that_is_none(folder):
    (folder / "playlists.parquet").write_text("pid,track_id\n1,a\n")
    sources.load(folder)


def slice_cut_off(folder):
    text = '{"playlists": [{"pid": 0, "tracks": [{"track_uri": "spotify:track:a", "track_na'
    (folder / "mpd.slice.0-999.json").write_text(text)
    sources.load(folder)


def small(folder):
    return sources.load(dataset="embedded-smoke", seed=0)


def too_few(folder):
    data = small(folder)
    catalog.universe(data, np.arange(len(data.playlists)), 10**6)


def nothing_known(folder):
    tracks = small(folder).tracks.assign(main_genre=None)
    features.fit_attributes(tracks, ["GENRE"])


def no_sound(folder):
    data = small(folder)
    catalog.Catalog(data.tracks.drop(columns="recording"), data.playlists, "mine").recordings()


def not_sound(folder):
    (folder / "a.wav").write_text("words")
    recordings.read(folder / "a.wav")


def cut_short(folder):
    path = folder / "a.wav"
    soundfile.write(path, np.zeros(80_000), 8000)
    path.write_bytes(path.read_bytes()[:40_000])
    recordings.read(path)


def unknown_seed(folder):
    model = SimpleNamespace(tracks=pd.DataFrame(index=["a"]), folder=folder)
    modelfolder.Trained.complete(model, ["nobody"])


def changed_model(folder):
    written = {"format": modelfolder.FORMAT, "sha256": "0"}
    (folder / "model.json").write_text(json.dumps(written))
    modelfolder.load(folder)


def no_device(folder):
    device.fabric("cuda", "32")


def no_cache(folder):
    (folder / "file").write_text("")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MUSIG_CACHE", str(folder / "file" / "cache"))
        cache.root()


def not_written(folder):
    (folder / "file").write_text("")
    with aside(folder / "file" / "below.csv") as passing:
        passing.write_text("x")


def no_book(folder):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rendering.subprocess, "run", lambda *a, **k: SimpleNamespace(returncode=1))
        rendering.render(folder, folder / "_build")


def no_chapter(folder):
    (folder / "book").mkdir()
    (folder / "book/_toc.yml").write_text("root: book/index\nchapters: [{file: notebooks/01_x}]")
    book.chapters(folder)


RAISED = {
    "… has no parameter 'epoch'; did you mean 'epochs'? …": settled(epoch=3),
    "… epochs is 'ten', expected a whole number.": settled(epochs="ten"),
    "… epochs is 0, expected a whole number >= 1.": settled(epochs=0),
    "… device is 'gpu': did you mean 'cpu'? …": settled(device="gpu"),
    "… expected a number. In YAML write it with a point: 1.0e-3.": lambda folder: parameters.check(
        parameters.Parameter("rate", "float", 0.1, ""), "1e-3"
    ),
    "There is no notebook '5x'; …": lambda folder: profiles.find_notebook("5x"),
    "There is no profile 'class'; did you mean 'classroom'? …": lambda folder: (
        profiles.load_profile("class")
    ),
    "…: no notebook has a parameter 'epoch'; …": of_profile,
    "…, parameters cell, line …: expected `name: type = default  # help`.": lambda folder: (
        parameters.declared("import os", "05_x")
    ),
    "No data: give a folder (data) or the name of a data set (dataset).": lambda folder: (
        sources.load("", "")
    ),
    "Unknown data set 'embedded-clasroom': did you mean 'embedded-classroom'? …": lambda folder: (
        sources.load(dataset="embedded-clasroom")
    ),
    "No folder …: give a folder that exists.…": lambda folder: sources.load(folder / "x" / "y"),
    "The data set tidytuesday is not on this machine: download it with "
    "`musig data get tidytuesday`.": lambda folder: sources.load(dataset="tidytuesday"),
    "… cannot be used. …column track_id: found only …; expected a column track_id. …": (
        table_without_a_column
    ),
    "… cannot be used. …: found contents that begin …; expected a Parquet file, as its name says. "
    "…": table_that_is_none,
    "… found JSON that breaks off here: the end of the file is missing; …": slice_cut_off,
    "No track of … is in at least … of the … training playlists (at best …): "
    "lower min_playlists.": too_few,
    "The attribute group … was asked for, but …. Leave … out of groups.": nothing_known,
    "… has no sound: no track has a recording. …": no_sound,
    "… holds no sound: no file whose name ends in …": lambda folder: recordings.find(folder),
    "… is not sound that can be read, whatever its name says: …": not_sound,
    "… is cut short: …. Get it anew.": (cut_short),
    "… was begun with …, now asked for …. Choose another folder, or delete this one to train "
    "anew.": lambda folder: checkpoint.require_same({"dropout": 0.5}, {"dropout": 0.0}, folder),
    "Track 'nobody' is not among the … tracks of the model …": unknown_seed,
    "… is not a MODEL folder (no model.json in it): run musig train …": modelfolder.load,
    "… is not the file that was written (SHA-256): train the model again, or copy it anew.": (
        changed_model
    ),
    "device is 'cuda' but torch sees no CUDA device: use device 'auto' or 'cpu', …": no_device,
    "The cache folder … cannot be made (…): set MUSIG_CACHE to a folder that can be written.": (
        no_cache
    ),
    "… cannot be written (…): choose a folder that can be.": not_written,
    "The book was not built: each WARNING and ERROR above must be mended.": no_book,
    "book/_toc.yml lists …, which does not exist: add the notebook or remove the line.": no_chapter,
}
IN_SOURCE = {
    "The … loss became nan in epoch … (learning_rate …": "musig/train.py",
    "… is being computed by another run: waiting for it": cache.__file__,
    "…: the kernel ended before the notebook did (killed, or out of memory). …": kernels.__file__,
    "… failed, the others are kept:…": work.__file__,
}
"""What would take a training, a second process or a dying kernel: looked up where it is written."""


def test_every_message_of_ours_is_one_of_these():
    listed = terms(OURS)
    assert len(listed) == len(set(listed)) >= 25
    assert set(listed) == set(RAISED) | set(IN_SOURCE)


@pytest.mark.parametrize("message", RAISED)
def test_the_message_is_raised(message, tmp_path, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.delenv("MUSIG_DATA", raising=False)
    with pytest.raises(MusigError) as raised:
        RAISED[message](tmp_path)
    pattern = ".*".join(map(re.escape, message.split("…")))
    assert re.fullmatch(pattern, str(raised.value), re.S), str(raised.value)


@pytest.mark.parametrize("message", IN_SOURCE)
def test_the_message_is_in_the_source(message):
    text = re.sub(r'"\s*f?"', "", (ROOT / IN_SOURCE[message]).read_text("utf-8"))
    for part in message.replace("nan", "…").split("…"):
        assert part in text, part


def test_messages_of_other_programs_are_theirs():
    listed = terms(OTHERS)
    assert len(listed) >= 10
    assert "musig needs Python 3.11 or newer; " in (ROOT / "Makefile").read_text("utf-8")
    assert "Passed unknown parameter: " in Path(papermill.execute.__file__).read_text("utf-8")
    locator = Path(__import__("numba.core.caching").core.caching.__file__).read_text("utf-8")
    assert "cannot cache function" in locator and "no locator available" in locator
    for name in ("Passed unknown parameter: …", "musig needs Python 3.11 or newer; …"):
        assert name in listed
