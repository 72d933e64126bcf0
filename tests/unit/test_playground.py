"""The page that completes playlists, up to its HTML: what is packed, and what it is worth."""

import io
import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile
import torch

from musig.baselines.itemknn import ItemKNN
from musig.blend import standardise
from musig.catalog import FEATURES, Playlists, universe
from musig.errors import MusigError
from musig.pages import completed, offers, packing, playground
from musig.pages.style import PALETTE
from musig.pages.tables import STATIC as FROM_A_CHAPTER
from musig.ranking import ranking
from musig.scorers import EmbeddingScorer
from musig.sources import synthetic
from musig.splits import split_playlists

STATIC = Path(__file__).resolve().parents[2] / "book/_static"


class Vectors:
    """A fitted method with an embedding, drawn at random."""

    def __init__(self, n, size, seed):
        rows = np.random.default_rng(seed).normal(size=(n, size)) + 1
        self.scorer = EmbeddingScorer("drawn", rows)
        self.score = self.scorer.score


@pytest.fixture(scope="module")
def models():
    """Item-kNN as it is, and vectors that nobody trained."""
    catalog = synthetic.make("smoke")
    split = split_playlists(catalog, 0)
    known = catalog.restrict(universe(catalog, split.train, 3))
    n = known.n_tracks
    return offers.Models(
        known,
        split,
        {
            "musig": Vectors(n, 16, 1),
            "track2vec": Vectors(n, 8, 2),
            "itemknn": ItemKNN(neighbours=9).fit(known, split),
        },
        {task: Vectors(n, 16, 3 + at) for at, task in enumerate(offers.TASKS)},
        {"cooccurrence": 1.0, "similarity": 0.5, "genre": 0.5},
        known.playlists.subset(split.train).counts(n),
    )


@pytest.fixture(scope="module")
def some(models):
    """Fewer tracks than there are, and examples among them."""
    shown = offers.most_frequent(models.counts, 150)
    return shown, offers.examples(models, shown, heard=[], seed=0)


def drawn(n, lists=40, seed=0):
    rng = np.random.default_rng(seed)
    sizes = [3, 10, *rng.integers(3, 11, lists)]
    return Playlists.from_lists([rng.choice(n, size, replace=False) for size in sizes])


@pytest.mark.parametrize(
    ("values", "kind"),
    [([0, 255], "u1"), ([256], "u2"), ([65_536, 3], "u4"), ([], "u1")],
)
def test_whole_numbers_come_back_in_as_few_bytes_as_they_need(values, kind):
    text = packing.packed(np.array(values, dtype=np.int64))
    assert text["type"] == kind
    assert packing.unpacked(text).tolist() == values


def test_signed_numbers_come_back():
    values = np.array([-32_767, 0, 5, 32_767], dtype=np.int16)
    assert packing.unpacked(packing.packed(values)).tolist() == values.tolist()


@pytest.mark.parametrize("values", [[-1], [2**32]])
def test_what_does_not_fit_is_refused(values):
    with pytest.raises(MusigError, match="expected whole numbers from 0"):
        packing.packed(np.array(values))


def test_codes_keep_cosines_however_long_the_vectors_are():
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(2000, 32)) * rng.lognormal(size=(2000, 1))
    rows[7] = 0
    before, after = EmbeddingScorer("a", rows), EmbeddingScorer("b", packing.codes(rows) / 1.0)
    seeds = drawn(2000)
    assert float((before.score(seeds) - after.score(seeds)).abs().max()) < 4e-5
    assert not packing.codes(rows)[7].any()


def test_levels_are_within_half_a_step_and_unknown_is_none_of_them():
    values = np.array([[0.1, -30.0], [np.nan, 0.0], [1.5, -60.0]])
    low, high = np.array([0.0, -40.0]), np.array([1.0, 0.0])
    found = packing.levels(values, low, high)
    assert found[1, 0] == packing.UNKNOWN and found[2].tolist() == [254, 0]
    assert abs(low[1] + found[0, 1] / 254 * 40 - values[0, 1]) <= 20 / 254


def test_a_clip_can_be_decoded_and_is_small():
    rate = 22_050
    tone = 0.3 * np.sin(2 * np.pi * 440 * np.arange(5 * rate) / rate).astype(np.float32)
    small = packing.clip(tone, rate, seconds=2.0)
    samples, again = soundfile.read(io.BytesIO(small))
    assert again == packing.CLIP_RATE and abs(len(samples) / again - 2) < 0.15
    assert 0.25 < np.abs(samples).max() < 0.35 and len(small) < 5000
    heard = np.abs(np.fft.rfft(samples[:again])).argmax()
    assert abs(heard - 440) <= 2


def test_the_most_frequent_tracks_are_shown_in_their_order():
    assert offers.most_frequent(np.array([1, 3, 3, 2]), 2).tolist() == [1, 2]
    assert offers.most_frequent(np.array([1, 3]), 9).tolist() == [0, 1]


def test_scores_of_shown_tracks_are_those_of_the_universe(models, some):
    shown, _ = some
    seeds = drawn(len(shown))
    there = Playlists.from_lists([shown[seeds[row]] for row in range(len(seeds))])
    for scorer in models.scorers.values():
        whole = scorer.score(there)[:, torch.as_tensor(shown)]
        assert torch.equal(completed.scores(scorer, seeds, shown), whole)


def test_a_blend_ranks_as_standardised_scores_do_and_one_model_alone_is_itself(models, some):
    shown, _ = some
    seeds = drawn(len(shown))
    parts = [completed.scores(scorer, seeds, shown) for scorer in models.parts.values()]
    weights = [3.0, 1.0, 2.0]
    found = completed.mixed(parts, weights, seeds)
    plain = sum(w * standardise(part, seeds) / 6 for w, part in zip(weights, parts, strict=True))
    nothing = Playlists.from_lists([[]] * len(seeds))
    tops = [ranking(each, seeds, nothing, 20, 20).top for each in (found, plain)]
    assert torch.equal(*tops)
    for at in range(3):
        alone = completed.mixed(parts, np.eye(3)[at].tolist(), seeds)
        assert torch.allclose(alone, parts[at], atol=1e-6)
    assert torch.allclose(found, completed.mixed(parts, [30, 10, 20], seeds), atol=1e-6)


def test_a_model_without_an_opinion_is_silent_in_a_blend():
    one, flat = torch.tensor([[0.0, 1.0, 3.0]]), torch.full((1, 3), 0.5)
    found = completed.mixed([one, flat], [1, 1], Playlists.from_lists([[0]]))[0]
    assert found[2] > found[1] and bool(found.isfinite().all())


@pytest.mark.parametrize("weights", [[0, 0], [1, -1], [1]])
def test_weights_that_make_no_blend_are_refused(weights):
    part = torch.zeros((1, 3))
    with pytest.raises(MusigError, match="2 numbers of 0 or more"):
        completed.mixed([part, part], weights, Playlists.from_lists([[0]]))


def test_reasons_of_itemknn_are_the_seeds_it_shares_playlists_with(models, some):
    shown, examples = some
    knn, seeds = models.methods["itemknn"], examples[0]["seeds"]
    best = completed.lists(models, shown, seeds, 5)["itemknn"][0]
    total = completed.scores(knn, Playlists.from_lists([seeds]), shown)[0, best]
    alone = completed.reasons(knn, int(best), seeds, shown, k=len(seeds))
    assert sum(score for _, score in alone) == pytest.approx(float(total), abs=1e-6)
    assert [score for _, score in alone] == sorted((score for _, score in alone), reverse=True)
    assert len(completed.reasons(knn, int(best), seeds, shown)) <= 2


def test_a_portrait_by_hand():
    tracks = pd.DataFrame(
        {"main_genre": ["folk", "jazz", None, "folk"], "energy": [0.0, 1.0, np.nan, 0.5]}
    )
    found = completed.portrait(tracks, np.array([9, 4, 2, 8]), seeds=[0], listed=[1, 2, 3])
    spread = np.std([0.0, 1.0, 0.5])
    assert found["genre"] == 1 and found["playlists"] == 4
    assert found["sound"] == pytest.approx((1 / spread + 0.5 / spread) / 2)


def test_a_portrait_of_tracks_of_which_nothing_is_known():
    found = completed.portrait(pd.DataFrame(index=["a", "b"]), np.array([1, 3]), [0], [1])
    assert found["genre"] == 0 and np.isnan(found["sound"]) and found["playlists"] == 3


def test_examples_are_test_playlists_and_keep_a_half_back(models, some):
    shown, examples = some
    tested = [set(models.catalog.playlists[int(row)].tolist()) for row in models.split.test]
    for example in examples:
        seeds, targets = (set(shown[example[key]].tolist()) for key in ("seeds", "targets"))
        assert offers.FEWEST <= len(seeds) <= offers.MOST
        assert targets and not seeds & targets
        assert any(seeds | targets <= each for each in tested)
    again = offers.examples(models, shown, heard=[], seed=0, first=1)
    assert again == examples[1:] + examples[:1]
    heard = examples[-1]["seeds"]
    assert set(offers.examples(models, shown, heard=heard, seed=0)[0]["seeds"]) & set(heard)


def test_too_few_tracks_for_an_example_is_said(models):
    with pytest.raises(MusigError, match="show more tracks"):
        offers.examples(models, np.arange(3), heard=[], seed=0)


def test_lists_leave_out_the_seeds_and_the_table_ticks_what_was_kept_back(models, some):
    shown, examples = some
    found = completed.lists(models, shown, examples[0]["seeds"], 10)
    assert set(found) == {*models.scorers, completed.BLEND}
    for listed in found.values():
        assert len(listed) == 10 and not set(listed.tolist()) & set(examples[0]["seeds"])
    targets = [int(track) for track in found["musig"][:2]]
    names = {"musig": "M", "itemknn": "K", "absent": "A"}
    table = completed.side_by_side(models, shown, examples[0] | {"targets": targets}, names, 10)
    assert list(table) == ["place", "M", "K"]
    assert table["M"].str.startswith("✓ ").tolist() == [True, True, *[False] * 8]
    portraits = completed.portraits(models, shown, examples[:3], 10)
    assert set(portraits.index) == set(found) and portraits["genre"].between(0, 10).all()


def test_what_was_packed_scores_as_the_originals_do(models, some):
    shown, examples = some
    made = json.loads(json.dumps(playground.content(models, shown, {}, examples)))
    blends = [[1, 0.5, 0.5], [1, 0, 0], [0, 1, 0], [0, 0, 1]]
    errors = playground.largest_error(models, shown, made, drawn(len(shown)), blends)
    assert set(errors) == {*models.scorers, "blend"}
    assert max(errors.values()) < 1e-4
    assert errors["itemknn"] < 1e-6


def test_an_error_of_packing_would_be_seen(models, some):
    shown, examples = some
    made = playground.content(models, shown, {}, examples)
    made["methods"][0]["codes"] = made["parts"][0]["codes"]
    assert playground.largest_error(models, shown, made, drawn(len(shown)))["musig"] > 0.1


def test_features_and_words_are_packed(models, some):
    shown, examples = some
    tracks = models.catalog.tracks.iloc[shown]
    made = playground.content(models, shown, {}, examples)
    features, told = made["features"], made["tracks"]
    assert features["names"] == list(FEATURES)
    table = packing.unpacked(features["levels"]).reshape(len(shown), -1).astype(float)
    table[table == packing.UNKNOWN] = np.nan
    low, high = np.array(features["low"]), np.array(features["high"])
    again = low + table / 254 * (high - low)
    assert np.nanmax(np.abs(again - tracks[list(FEATURES)]) / (high - low)) < 0.5 / 254 + 1e-9
    assert (np.isnan(again) == tracks[list(FEATURES)].isna()).to_numpy().all()
    artists = np.array(["", *told["artists"]])[packing.unpacked(told["artist"])]
    assert artists.tolist() == tracks["artist"].fillna("").tolist()
    assert packing.unpacked(told["playlists"]).tolist() == models.counts[shown].tolist()


def test_clips_are_kept_while_there_is_room(models, some, monkeypatch):
    shown, examples = some
    clips = {at: bytes(3000) for at in (5, 2, 9)}
    made = playground.content(models, shown, clips, examples)
    assert list(made["clips"]["sounds"]) == ["5", "2", "9"]
    monkeypatch.setattr(playground, "LARGEST", playground.sizes(made)["all"] - 3000)
    assert list(playground.content(models, shown, clips, examples)["clips"]["sounds"]) == ["5", "2"]


def test_a_page_that_would_be_too_large_is_refused(models, some, monkeypatch):
    shown, examples = some
    monkeypatch.setattr(playground, "LARGEST", 20_000)
    with pytest.raises(MusigError, match=r"150 tracks would take 0\.0\d MB.*lower shown"):
        playground.content(models, shown, {}, examples)


def test_the_page_and_its_scripts_stay_within_two_megabytes():
    around = 100_000  # the chapter and the theme's own HTML
    own = sum(path.stat().st_size for path in STATIC.glob("playground*"))
    assert playground.LARGEST + own + around < 2_000_000


def test_sound_is_cut_of_the_most_frequent_tracks_that_have_a_recording(models, tmp_path):
    for path in models.catalog.tracks["recording"].dropna():
        soundfile.write(tmp_path / path, np.zeros(8000, dtype=np.float32), 8000)
    catalog = replace(models.catalog, sound=lambda: tmp_path)
    shown = np.arange(catalog.n_tracks)
    found = playground.sounds(catalog, shown, models.counts, 3, 0.5)
    recorded = np.flatnonzero(catalog.tracks["recording"].notna())
    wanted = recorded[np.argsort(-models.counts[recorded], kind="stable")][:3]
    assert list(found) == wanted.tolist()
    assert all(len(sound) < 3000 for sound in found.values())
    silent = catalog.restrict(np.flatnonzero(catalog.tracks["recording"].isna()))
    assert playground.sounds(silent, np.arange(4), np.ones(silent.n_tracks), 3, 0.5) == {}
    assert playground.sounds(catalog, shown, models.counts, 0, 0.5) == {}


def test_text_from_data_cannot_leave_its_place(models, some):
    shown, examples = some
    made = playground.content(models, shown, {}, examples)
    made["tracks"]["names"][0] = '</script><img src=x onerror="alert(1)">'
    html = playground.page(made).data
    assert "<img" not in html
    text = re.search(r"<script type=.application/json.[^>]*>(.*?)</script>", html, re.S)[1]
    assert json.loads(text) == made


def test_every_file_that_the_page_asks_for_is_there():
    html = playground.page({}).data
    asked = re.findall(r'(?:src|href)="([^"]+)"', html)
    assert len(asked) == 3
    for name in asked:
        assert (STATIC / name.removeprefix(f"{FROM_A_CHAPTER}/")).is_file(), name
    for path in STATIC.glob("playground*.js"):
        text = path.read_text("utf-8")
        assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write", text)
        assert not re.search(
            r"\bfetch\(|XMLHttpRequest|^\s*import\b|https?://(?!www\.w3\.org)", text, re.M
        )


def test_what_the_scripts_repeat_is_what_python_says():
    script = "".join(path.read_text("utf-8") for path in STATIC.glob("playground*.js"))
    said = {"FEWEST": offers.FEWEST, "MOST": offers.MOST, "UNKNOWN": packing.UNKNOWN}
    for name, value in said.items():
        assert re.findall(rf"const {name} = (\d+);", script) == [str(value)], name
    style = (STATIC / "playground.css").read_text("utf-8")
    for task, colour in zip(offers.TASKS, PALETTE, strict=False):
        assert re.search(rf"--pg-{task}: (#\w+);", style)[1] == colour.lower(), task


def test_only_what_the_data_can_teach_is_fitted():
    catalog = synthetic.make("smoke")
    split = split_playlists(catalog, 0)
    known = catalog.restrict(universe(catalog, split.train, 3))
    bare = known.tracks.drop(columns=[*FEATURES, "recording"])
    known = replace(known, tracks=bare, name="bare", sound=None)
    models = offers.fit(
        known, split, epochs=1, embedding_size=4, neighbours=5, seed=0, device="cpu"
    )
    assert list(models.parts) == ["cooccurrence", "genre"]
    assert models.weights == {"cooccurrence": 1.0, "genre": 0.5}
    shown = offers.most_frequent(models.counts, 100)
    made = playground.content(models, shown, {}, offers.examples(models, shown, [], seed=0))
    assert made["features"]["names"] == [] and len(made["parts"]) == 2
