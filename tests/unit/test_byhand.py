"""The ten tracks: what the pages write out is what the package computes, and what was counted."""

import itertools
import json
import re
from pathlib import Path

import numpy as np
import pytest
import torch

from musig import graph
from musig.model import WeightedMean, embed
from musig.pages import byhand, written
from musig.sampling import full_blocks
from musig.tasks import Batch

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"
CHAPTERS = [NOTEBOOKS / f"{name}.ipynb" for name in ("04_music_graph", "05_multitask_training")]
PARTS = {"cooccurrence": 1.0, "similarity": 0.5, "genre": 0.5}


@pytest.fixture(scope="module")
def ten():
    return byhand.example()


@pytest.fixture(scope="module")
def made(ten):
    return byhand.tasks(ten)


@pytest.fixture(scope="module")
def z(ten):
    return embed(byhand.encoder(), torch.from_numpy(ten.attributes.x), ten.csr)


def circle(seed):
    """Ten random points of the unit circle."""
    angle = np.random.default_rng(seed).uniform(0, 2 * np.pi, 10)
    return torch.from_numpy(np.stack([np.cos(angle), np.sin(angle)], axis=1)).float()


def loss_of(task, z, word):
    batch = Batch(torch.tensor(byhand.letters(word)))
    return task.loss(z, batch.nodes, batch).item()


def test_the_weights_are_those_that_are_counted_word_by_word():
    playlists = byhand.catalog().playlists
    parts = graph.cooccurrence(playlists.indptr, playlists.tracks, 10)
    kept = byhand.weights(byhand.example(min_weight=0).csr)
    for (i, a), (j, b) in itertools.combinations(enumerate(byhand.LETTERS), 2):
        counted = sum(a in word and b in word for word in byhand.PLAYLISTS)
        row = slice(parts[0][i], parts[0][i + 1])
        assert dict(zip(parts[1][row], parts[2][row], strict=True)).get(j, 0) == counted
        assert kept[i, j] == kept[j, i] == counted
        assert written.weight(byhand.PLAYLISTS, a + b).value == counted


def test_the_chapters_say_what_is_so():
    """What their prose says of the graph: who is joined, who is alone, how many are dropped."""
    every = byhand.weights(byhand.example(min_weight=0).csr)
    weights = byhand.weights(byhand.example().csr)
    joined = {
        byhand.LETTERS[i] + byhand.LETTERS[j]: int(weights[i, j])
        for i, j in zip(*np.nonzero(np.triu(weights)), strict=True)
    }
    assert max(joined, key=joined.get) == "EG"
    twos = ["AC", "BC", "CE", "CG", "EF", "FG", "HI", "HJ", "IJ"]
    assert joined == {"AB": 3, "EG": 4} | dict.fromkeys(twos, 2)
    assert weights[byhand.letters("D")].sum() == 0 < every[byhand.letters("D")].max()
    more = byhand.catalog([*byhand.PLAYLISTS, "DH"]).playlists
    found = graph.music_graph(more, 10, 1)
    assert [3, 7] in found.edge_index.T.tolist()
    same = byhand.catalog([*byhand.PLAYLISTS, "DF"]).playlists
    assert 3 not in graph.music_graph(same, 10, 1).edge_index


def test_the_features_are_small_whole_numbers_once_they_are_standardised(ten):
    x = ten.attributes.x
    np.testing.assert_allclose(x, [track[3:] for track in byhand.TRACKS], atol=1e-5)
    np.testing.assert_allclose([x.mean(0), x.std(0)], [[0, 0], [1, 1]], atol=1e-6)
    assert list(byhand.table(ten)["x"])[:3] == ["(-1,\u00a00)", "(-1,\u00a01)", "(-1,\u00a0-1)"]


@pytest.mark.parametrize("letter", byhand.LETTERS)
def test_a_hop_is_what_the_encoder_computes(ten, z, letter):
    x, weights, (n,) = ten.attributes.x, byhand.weights(ten.csr), byhand.letters(letter)
    means = WeightedMean()(torch.from_numpy(x), full_blocks(ten.csr, 1)[0]).numpy()
    np.testing.assert_allclose(written.mean(weights, x, letter).value, means[n], atol=1e-6)
    hop = byhand.encoder().hop(0)
    halves = [part.weight.detach().numpy() for part in (hop.own, hop.neighbours)]
    found = written.hop(*halves, x[n], means[n], letter).value
    np.testing.assert_allclose(found, z[n], atol=1e-6)
    other = np.random.default_rng(n).normal(size=(2, 2, 2))
    raw = other[0] @ x[n] + other[1] @ means[n]
    found = written.hop(*other, x[n], means[n], letter).value
    np.testing.assert_allclose(found, raw / np.linalg.norm(raw), atol=1e-9)


@pytest.mark.parametrize("letter", sorted(set(byhand.LETTERS) - {"D"}))
def test_positives_are_drawn_as_often_as_the_task_says(ten, made, letter):
    (n,) = byhand.letters(letter)
    found = written.drawn(byhand.weights(ten.csr), letter).value
    assert found == pytest.approx(float(made["cooccurrence"].log_drawn[n].exp()), abs=1e-6)


@pytest.mark.parametrize("seed", range(5))
def test_the_losses_written_out_are_those_of_the_tasks(ten, made, seed):
    rng, z = np.random.default_rng(seed), circle(seed)
    word = "".join(rng.permutation([*byhand.LETTERS.replace("D", "")]))
    weights, x = byhand.weights(ten.csr), ten.attributes.x
    q = {letter: float(written.drawn(weights, letter).value) for letter in word}
    pairs = written.cooccurrence(z.numpy(), q, word[:4], word[4:8], temperature=0.5)
    assert pairs.value == pytest.approx(loss_of(made["cooccurrence"], z, word[:8]), abs=1e-5)
    pairs = written.similarity(z.numpy(), x, word[:3], word[3:6], k=9)
    assert pairs.value == pytest.approx(loss_of(made["similarity"], z, word[:6]), abs=1e-5)
    task = made["genre"]
    truth = {letter: ten.catalog.tracks.loc[letter, "main_genre"] for letter in word[:2]}
    tracks = written.genre(z.numpy(), task.classify.weight.detach().numpy(), task.vocabulary, truth)
    assert tracks.value == pytest.approx(loss_of(task, z, word[:2]), abs=1e-5)


def test_the_step_is_that_of_the_gradient_by_small_differences(ten, made):
    """Each of the ten numbers is moved a little, and the sum of the losses is looked at again."""
    x, rate, small = torch.from_numpy(ten.attributes.x), 2.0, 1e-2
    start = byhand.encoder()
    numbers = torch.cat([each.detach().flatten() for each in start.parameters()])

    def embedded(values):
        model, used = byhand.encoder(), 0
        with torch.no_grad():
            for each in model.parameters():
                each.copy_(values[used : used + each.numel()].view_as(each))
                used += each.numel()
        return embed(model, x, ten.csr)

    def total(values):
        z = embedded(values)
        return sum(
            PARTS[name] * loss_of(made[name], z, "".join(words))
            for name, words in byhand.BATCHES.items()
        )

    units = torch.eye(len(numbers)) * small
    slope = [(total(numbers + unit) - total(numbers - unit)) / (2 * small) for unit in units]
    taken = byhand.step(ten, made, PARTS, rate)
    expected = embedded(numbers - rate * torch.tensor(slope))
    np.testing.assert_allclose(taken.after["sum"], expected, atol=5e-3)
    assert taken.losses.loc["before", "sum"] == pytest.approx(total(numbers), abs=1e-6)


def test_the_steps_do_what_the_chapter_says(ten, made, z):
    taken = byhand.step(ten, made, PARTS, rate=2.0)
    np.testing.assert_allclose(taken.before, z, atol=1e-6)
    before = taken.losses.loc["before"]
    for name in [*PARTS, "sum"]:
        assert taken.losses.loc[name, name] < before[name]
    assert (taken.losses.loc["sum"] < before).all()
    others = ["similarity", "genre"]
    assert (taken.losses.loc["cooccurrence", others] > before[others]).all()
    turned = {name: np.linalg.norm(new - taken.before, axis=1) for name, new in taken.after.items()}
    assert turned["genre"].argmax() == byhand.letters("D")[0]
    assert turned["cooccurrence"][byhand.letters("ABEFG")].min() > 0.2
    assert turned["similarity"].max() < 0.15
    assert turned["cooccurrence"][byhand.letters("C")] > 0.1  # of no pair
    assert taken.after["genre"][3, 0] < z[3, 0]  # to the left, where folk is


def test_numbers_are_called_equal_only_where_they_are_whole():
    third = written.total({"a": 1 / 3}, {"a": 1})
    assert third.lines == (r"L &\approx 1 \cdot 0.333", r"&\approx 0.333")
    assert written.total({"a": 0.25}, {"a": 2}).lines == (r"L &= 2 \cdot 0.25", "&= 0.5")
    assert third._repr_latex_().count("{") == third._repr_latex_().count("}")
    assert written.mean(np.zeros((10, 10)), np.ones((10, 2)), "D").value.tolist() == [0, 0]


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_every_equation_is_numbered_referred_to_and_has_its_code_below(path):
    cells = json.loads(path.read_text("utf-8"))["cells"]
    prose = "\n\n".join("".join(c["source"]) for c in cells if c["cell_type"] == "markdown")
    ends = re.findall(r"^\$\$([^\n]*)\n\n?([^\n]*)", prose, re.M)
    displayed = [(label, below) for label, below in ends[1::2]]
    assert len(displayed) >= 4 and len(ends) % 2 == 0
    named = [re.fullmatch(r" \((eq-[a-z]+)\)", label) for label, _ in displayed]
    assert all(named), displayed
    labels = [match[1] for match in named]
    assert len(set(labels)) == len(labels)
    for label in labels:
        assert f"{{eq}}`{label}`" in prose, f"{label} is never referred to"
        after = prose.split(f"({label})\n")[1].strip()
        after = after.removeprefix("times.").strip()  # the end of the equation's sentence
        first = after.split("\n")[0]
        assert first.startswith("*In code:*") and "`musig." in first, label


def test_the_chapter_writes_the_same_playlists():
    cells = json.loads(CHAPTERS[0].read_text("utf-8"))["cells"]
    (source,) = ["".join(cell["source"]) for cell in cells if cell["id"] == "hand"]
    assert json.loads(re.search(r"^hand = (\[.*\])$", source, re.M)[1]) == [*byhand.PLAYLISTS]
