"""Every solution does what its text says, on the smallest data.

Fast: every exercise is well formed, its commands are accepted, and it has a check below or is open.
Slow: of some chapters a solution that runs its page again. For the audit: all, and the code.
A check is named after its exercise; the sentences of the solution that it holds to what came out
stand above it, and have to be there still.
"""

from __future__ import annotations

import re
from functools import cached_property
from pathlib import Path

import nbformat
import numpy as np
import pandas as pd
import pytest
import torch
from bs4 import BeautifulSoup
from test_notebooks import errors_of, own_data, own_music

from musig import scaling
from musig.audio import audio_features
from musig.catalog import Playlists
from musig.errors import MusigError
from musig.experiments import read, tables
from musig.experiments.plans import methods_table, reevaluated
from musig.pages import byhand, speed
from musig.running import exercises, records, runs
from musig.running.exercises import Exercise
from musig.running.profiles import find_notebook, load_profile, settle
from musig.splits import fold_playlists

PROFILE = "smoke"
CHAPTERS = sorted((Path(__file__).resolve().parents[2] / "notebooks").glob("*.ipynb"))
ALL = [each for path in CHAPTERS for each in exercises.exercises(path)]

# For `make test`: re-runs that take seconds, two minutes together; all others are for the audit.
QUICK = ("01.1", "02.1", "03.1", "04.2", "05.1", "06.1", "07.3", "10.3", "13.1")

# Lines at the end of a solution, to look at what came out.
ADDED = {
    "06.4": "print(*luck)",
    "07.4": "print(len(result.values('recall@10')), result.values('recall@10').mean())",
    "08.3": "print(*curve['AUDIO'], *curve['AUDIO, shuffled'])",
    "10.4": (
        "display(made.interaction(found, ('both', 'min_weight=10'), ('hops=1', 'default')))\n"
        "print(made.rows(found)['both'].values('recall@10').mean())"
    ),
    "13.3": (
        "links, genre = by_genre(seen, 1), known.tracks['main_genre'].to_numpy()\n"
        "print((genre[links.source] == genre[links.target]).mean())\n"
        "print(seen.held_out[links.source].sum())"
    ),
    "14.3": (
        "whole = [np.mean([len(row) for row in train if n in row]) for n in range(20)]\n"
        "print(np.abs(length[:20] - whole).max())\n"
        "artist = known.tracks['artist'].astype(str)\n"
        "print(len(set(artist[unseen]) & set(artist[~unseen])))\n"
        "for answer in (fitted.predict(z), length[unseen].mean()):\n"
        "    print(((length - answer)[unseen] ** 2).mean())"
    ),
}

# What the smallest data are too small for: a list of five hundred, unseen artists, their genres.
LARGER = {
    "03.2": {"dataset": "embedded-classroom", "network_epochs": 40},
    "11.2": {"dataset": "embedded-classroom"},
    "13.3": {"dataset": "embedded-classroom", "epochs": 6, "embedding_size": 32},
}


class Page:
    """An executed chapter."""

    def __init__(self, path):
        self.path = path
        self.notebook = nbformat.read(path, 4)
        self.record = records.from_notebook(path)
        self.metrics = self.record.metrics
        assert [e for e in errors_of(self.notebook) if e.output_type == "error"] == []

    def outputs(self, cell_id):
        (cell,) = [cell for cell in self.notebook.cells if cell.id == cell_id]
        return cell.outputs

    def printed(self, cell_id):
        return "".join(o.text for o in self.outputs(cell_id) if o.get("name") == "stdout")

    def shown(self, cell_id):
        """Everything that a reader sees of a cell, as text."""
        html = "".join(o.get("data", {}).get("text/html", "") for o in self.outputs(cell_id))
        plain = [
            o.data["text/plain"]
            for o in self.outputs(cell_id)
            if "data" in o and "text/html" not in o.data
        ]
        text = BeautifulSoup(html, "html.parser").get_text(" ", strip=True)
        return "\n".join([self.printed(cell_id), text, *plain])

    def rows(self, cell_id, table=0):
        """One dict a row of a table."""
        html = "".join(o.get("data", {}).get("text/html", "") for o in self.outputs(cell_id))
        found = BeautifulSoup(html, "html.parser").find_all("table")[table]
        head, *body = [[c.get_text(" ", strip=True) for c in tr.find_all(["th", "td"])]
                       for tr in found.find_all("tr")]  # fmt: skip
        return [dict(zip(head, cells, strict=True)) for cells in body]

    def glued(self, name):
        outputs = [o for cell in self.notebook.cells for o in cell.get("outputs", [])]
        pasted = [o for o in outputs if o.get("metadata", {}).get("scrapbook")]
        kept = {output.metadata.scrapbook.name: output for output in pasted}
        (text,) = kept[name].data.values()
        return text.strip("'")

    def frame(self, metric="table"):
        return pd.DataFrame(self.metrics[metric])


class Ran:
    """One exercise, and the pages that its check asks for; each is executed once."""

    def __init__(self, exercise, folder, done):
        self.exercise, self.folder, self.done = exercise, folder, done

    def page(self, *extra, **given):
        """Execute the chapter, with parameters and with further cells at its end."""
        chapter = find_notebook(self.exercise.chapter)
        blocks = {f"extra-{n}": code for n, code in enumerate(extra)}
        return self._run(chapter, given, blocks)

    def _run(self, chapter, given, blocks):
        given = LARGER.get(self.exercise.name, {}) | given
        given = {name: str(self._own(name, value)) for name, value in given.items()}
        what = (chapter.stem, tuple(sorted(given.items())))
        key = (what, tuple(blocks.items()))
        if not blocks:  # cells at the end of a page change nothing above them
            key = next((each for each in self.done if each[0] == what), key)
        if key not in self.done:
            place = self.folder / f"run{len(list(self.folder.glob('run*')))}"
            source = place / "source" / chapter.name
            source.parent.mkdir(parents=True)
            whole = nbformat.from_dict(exercises.with_solutions(chapter, blocks))
            nbformat.write(whole, source)
            out = runs.run_notebook(source, place / chapter.name, PROFILE, given).path
            self.done[key] = Page(out)
        return self.done[key]

    def _own(self, name, value):
        """A folder of one's own, where the command says FOLDER."""
        if value not in ("FOLDER", "~/Music"):
            return value
        place = self.folder / "own" / name
        if not place.exists():
            {"recordings": own_music, "data": own_data}[name](place)
        return str(place)

    @cached_property
    def again(self):
        """The pages of the solution's commands, in their order."""
        found = [exercises.rerun(line) for line in self.exercise.commands]
        return [self._run(each[0], each[1], {}) for each in found if each]

    @property
    def plain(self):
        """The chapter as it is, with the code of all its solutions at its end."""
        there = [each for each in ALL if each.chapter == self.exercise.chapter]
        blocks = {
            f"solution-{each.number}-{n}": "\n".join([code, ADDED.get(each.name, "")])
            for each in there
            for n, code in enumerate(each.code)
            if not exercises_need_own(each)
        }
        return self._run(find_notebook(self.exercise.chapter), {}, blocks)

    @property
    def code(self):
        """What the solution's code showed."""
        return self.plain.shown(f"solution-{self.exercise.number}-0")


def exercises_need_own(exercise: Exercise) -> bool:
    return "/path/to/" in "".join(exercise.code)


def numbers(text):
    return [float(n) for n in re.findall(r"-?\d+\.?\d*(?:e-?\d+)?", text)]


CHECKS = {}


def says(name, *sentences):
    """Keep a check by its exercise, with the sentences of the solution that it holds to."""

    def keep(check):
        CHECKS[name] = (sentences, check)
        return check

    return keep


# 01 Catalogue


@says("01.1", "Run this page with another number")
def _(ran):
    assert "Playlist 7" in ran.again[0].shown("a-playlist")
    assert ran.again[0].record.changed == {"playlist": 7}


@says("01.2", "gives both numbers", "Tracks go faster than entries")
def _(ran):
    high, low = ran.again[0], ran.page()
    tracks, entries = (numbers(high.glued(name))[0] for name in ("kept-tracks", "kept-entries"))
    assert tracks < entries < 100
    assert high.metrics["universe"] < low.metrics["universe"]
    assert high.metrics["test_entries_kept"] < low.metrics["test_entries_kept"]


# 02 Audio features


@says("02.1", "Where you and the page disagree, look at the row of measures")
def _(ran):
    (page,) = ran.again
    assert page.metrics["recordings"] == 8 and page.metrics["untold"] == 0
    measures = {row["measure"] for row in page.rows("measures")}
    assert len(measures) > 5
    assert {"acousticness", "tempo", "danceability"} <= {
        row["feature"] for row in page.rows("features")
    }


@says("02.2", "Of more recordings no tempo is told at all", "nothing but loudness")
def _(ran):
    from musig.signal_rhythm import SHORTEST

    (short,), whole = ran.again, ran.page()
    told = []
    for page in (short, whole):
        rows = pd.DataFrame(page.metrics["agreement"]["signal and planted, synthetic"])
        told.append(rows.set_index("feature")["n"]["tempo"])
    assert told[0] < told[1]
    assert short.record.parameters["window"] == SHORTEST
    noise = np.random.default_rng(0).normal(size=4 * 16_000).astype(np.float32)
    for seconds, all_but in ((SHORTEST + 0.1, False), (SHORTEST - 0.1, True)):
        found = audio_features(noise[: round(seconds * 16_000)], 16_000)
        there = {name for name, value in found.items() if not np.isnan(value)}
        assert (there == {"loudness"}) == all_but and "loudness" in there


@says("02.3", "In the embedded data the two were planted to go together")
def _(ran):
    energy, _ = ran.again
    assert [page.record.parameters["feature"] for page in ran.again] == ["energy", "loudness"]
    groups = pd.DataFrame(energy.metrics["medians"]["signal"])
    assert groups["energy"].rank().corr(groups["loudness"].rank()) > 0
    from musig.sources.synthetic import make

    planted = make("smoke").tracks[["energy", "loudness"]].astype(float)
    assert planted.corr().iloc[0, 1] > 0.5


@says("02.4", "fifteen agreements are the fewest with a p-value below 0.05")
def _(ran):
    chance = {int(right): p for right, p in re.findall(r"^(\d+) ([\d.]+)$", ran.code, re.M)}
    assert float(chance[15]) < 0.05 < float(chance[14])


# 03 Acoustic vectors


@says("03.1", "not one weight has changed", "What changed is the question")
def _(ran):
    (strict,), plain = ran.again, ran.page()
    assert strict.metrics["loss"] == plain.metrics["loss"]
    for after, before in zip(strict.metrics["pairs"], plain.metrics["pairs"], strict=True):
        assert after["yes, strictly"] <= before["yes, strictly"]
        assert after["yes"] == before["yes"]
    assert strict.metrics["strict"] >= plain.metrics["strict"]


@says("03.2", "More weights fit the training pairs more closely, so the lines part more")
def _(ran):
    (medium,), small = ran.again, ran.page()
    assert medium.metrics["weights"] > small.metrics["weights"]
    assert medium.metrics["loss"][-1] < small.metrics["loss"][-1]
    assert medium.metrics["training_seconds"] > small.metrics["training_seconds"]
    apart = [page.metrics["valid_loss"][-1] - page.metrics["loss"][-1] for page in (medium, small)]
    assert apart[0] > apart[1]
    after, before = (page.metrics["judged"]["trained"] for page in (medium, small))
    assert abs(after["auc"] - before["auc"]) < before["high"] - before["low"]


@says("03.3", "Moved in time, the vector hardly moves", "Moved in pitch it moves much further")
def _(ran):
    later, higher, other = numbers(ran.code)
    assert later < higher and later < other


@says("03.4", "one shared playlist is enough for a yes here")
def _(ran):
    own_music(ran.folder / "elsewhere")  # the same pieces once more
    another = ran.folder / "elsewhere/a/piece 0.wav"
    code = ran.exercise.code[0].replace("/path/to/another.mp3", another.as_posix())
    near = ran.page(code, recordings="~/Music").rows("extra-0")
    (page,) = ran.again
    assert page.metrics["strict"] == 0
    assert near[0]["name"] == "piece 0" and float(near[0]["distance"]) < 1e-3
    assert float(near[1]["distance"]) > 1e-2


# 04 Music graph


@says(
    "04.1",
    'DF"` adds an edge of weight 1',
    "the solid edges stay the same",
    "gets weight 2 and becomes solid",
    "D has a neighbour",
)
def _(ran):
    from musig import graph

    cells = {c["id"]: c["source"] for c in nbformat.read(find_notebook("04"), 4).cells}
    (hand,) = re.findall(r"^hand = (\[.*\])$", cells["hand"], re.M)
    lists = re.findall(r'"(\w+)"', hand)

    def weights(words):
        ten = byhand.catalog(words)
        pointers, to, weight = graph.cooccurrence(
            ten.playlists.indptr, ten.playlists.tracks, ten.n_tracks
        )
        names, found = list(ten.tracks.index), {}
        for n, name in enumerate(names):
            for m in range(pointers[n], pointers[n + 1]):
                found[f"{name}{names[to[m]]}"] = int(weight[m])
        return found

    before, with_df, with_dh = (weights([*lists, *more]) for more in ([], ["DF"], ["DH"]))
    assert "DF" not in before and with_df == {**before, "DF": 1, "FD": 1}
    assert before["DH"] == 1 and with_dh == {**before, "DH": 2, "HD": 2}
    assert not any(w > 1 for pair, w in before.items() if pair.startswith("D"))


@says("04.2", "Edges go fastest", "the graph becomes purer")
def _(ran):
    (high,), low = ran.again, ran.page()
    kept = high.metrics["kept"]
    assert kept["edges"] < kept["total weight"] <= kept["tracks with a neighbour"]
    after, before = high.metrics["music_graph"], low.metrics["music_graph"]
    assert after["edges"] < before["edges"]
    assert after["tracks without a neighbour"] >= before["tracks without a neighbour"]
    assert after["assortativity by genre"] > before["assortativity by genre"]


# 05 Multi-task training


@says("05.1", "The rows of tasks that were left out show a dash")
def _(ran):
    (page,) = ran.again
    for row in page.rows("held-out"):
        out = row["task"] in ("similarity", "acoustic similarity", "genre")
        assert (row["model"] == "–") == out, row
    assert not {name for name in page.metrics["held_out"] if "genre" in name}


@says("05.2", "with one hop its own and those of its neighbours", "two hops reach nearly everybody")
def _(ran):
    count = "print(int(prepared.csr.degree.max()))"
    one, three = ran.page(count, hops=1), ran.again[1]
    neighbours = int(one.printed("extra-0"))
    reached = one.metrics["embeddings_moved"]["without_mask"]
    assert reached in (neighbours, neighbours + 1)  # its own among them or not
    assert three.metrics["embeddings_moved"]["without_mask"] > 0.95 * three.metrics["nodes"]
    two = ran.page().metrics
    assert two["embeddings_moved"]["without_mask"] > 0.95 * two["nodes"]


@says("05.3", r"= 0.6875$", "$n = 69$", "the weighted mean $-0.75$")
def _(ran):
    ten = byhand.example()
    tempo, (g,) = ten.attributes.x[:, 1], byhand.letters("G")
    own = byhand.weights(ten.csr)[g]
    near = {name: (own[n], tempo[n]) for n, name in enumerate(byhand.LETTERS) if own[n]}
    assert near == {"C": (2, -1), "E": (4, 0), "F": (2, -2)}
    mean = np.average(tempo, weights=own)
    variance = np.average((tempo - mean) ** 2, weights=own)
    assert (mean, variance) == (pytest.approx(-0.75), pytest.approx(0.6875))
    assert np.ceil(variance / 0.1**2) == 69


# 06 Playlist completion


@says("06.1", "The model is taken from the cache")
def _(ran):
    (other,), plain = ran.again, ran.page()
    assert other.metrics["training_seconds"] == plain.metrics["training_seconds"]
    assert other.shown("one-playlist") != plain.shown("one-playlist")


@says("06.2", "as $p$ nears 1 the interval shrinks")
def _(ran):
    table = ran.again[0].frame().set_index(["method", "metric"])
    for method in table.index.levels[0]:
        ten, hundred = (table.loc[(method, f"hit_rate@{k}")] for k in (10, 100))
        assert hundred["mean"] > ten["mean"]
        assert hundred["high"] - hundred["low"] < ten["high"] - ten["low"]


@says("06.3", "scores averaged over three trainings", "still that of playlists")
def _(ran):
    (three,), one = ran.again, ran.page()
    assert len(three.metrics["epochs"]) == 3
    table = three.frame()
    assert set(table.loc[table["method"] == "musig", "trainings"]) == {3}
    assert set(table["n"]) == set(one.frame()["n"])


@says("06.4", "Recall of a random list is $k / n$")
def _(ran):
    luck = numbers(ran.plain.printed("solution-4-0"))
    assert len(luck) > 5 and luck == sorted(luck) and 0 < luck[0] < luck[-1] <= 1


# 07 Every method


def means(page, metric="recall@10", of="classroom"):
    table = page.frame(of)
    return table[table["metric"] == metric].set_index("method")["mean"]


def widths(page, metric="recall@10", of="classroom"):
    table = page.frame(of)
    table = table[table["metric"] == metric].set_index("method")
    return table["high"] - table["low"]


@says("07.1", "Both gain, and not alike, while `itemknn` stays where it was")
def _(ran):
    long = means(ran.again[0])
    short = means(ran.page(methods="itemknn,graphsage,musig", epochs=10))
    gain = long - short
    assert gain["itemknn"] == 0
    assert gain["graphsage"] > 0 and gain["musig"] > 0 and gain["graphsage"] != gain["musig"]


@says("07.2", "make an interval narrower by about $\\sqrt 5$")
def _(ran):
    five, one = ran.again[0], ran.page(methods="itemknn,ease")
    assert five.frame("classroom")["n"].max() == pytest.approx(
        5 * one.frame("classroom")["n"].max(), rel=0.1
    )
    ratio = widths(one) / widths(five)
    assert (abs(ratio - 5**0.5) < 0.7).all(), ratio


@says("07.3", "Figures and sentences are then about `recall@100`")
def _(ran):
    assert ran.again[0].glued("metric") == "recall@100"


@says("07.4", "A method that it beats has learned less about playlists")
def _(ran):
    asked, own = numbers(ran.code)[-2:]
    table = ran.plain.frame("classroom")
    assert set(table["n"]) == {asked}  # the playlists of the table
    assert own > means(ran.plain)["popularity"]


# 08 Attribute groups


@says(
    "08.1",
    "Only the rows of track2vec with attributes change",
    "*none* has nothing to weigh",
    "*constant* ranks as *none* does at every weight",
)
def _(ran):
    controls = "none,random,constant"
    lighter = means(ran.page(content_weight=0.1, controls=controls), of="table")
    here = means(ran.page(controls=controls), of="table")
    changed = set(here.index[(lighter - here).abs() > 1e-9])
    assert changed and all(name.startswith("track2vec+") for name in changed)
    assert not changed & {"track2vec+none", "track2vec+constant"}
    assert "track2vec+random" in changed
    for table in (lighter, here):
        assert table["track2vec+constant"] == pytest.approx(table["track2vec+none"], abs=1e-6)
    asked = means(ran.again[0], of="table")
    assert (asked == lighter[asked.index]).all()


@says("08.2", "The acoustic network is trained first", "is about yours")
def _(ran):
    here, own = ran.again
    assert means(here, of="table").filter(like="+ACOUSTIC").notna().sum() >= 3
    assert own.record.data == "data"  # the name of the folder


@says("08.3", "What AUDIO has over it is knowledge about the track")
def _(ran):
    audio, shuffled = np.array(numbers(ran.plain.printed("solution-3-0"))).reshape(2, -1)
    assert shuffled[0] == pytest.approx(audio[0])  # no content yet
    assert shuffled[-1] < audio[-1]


# 09 Task weights


@says(
    "09.1", "all others come from the cache", "the corrected p-values of the others can only rise"
)
def _(ran):
    (more,), plain = ran.again, ran.page()
    assert more.metrics["rows"] == plain.metrics["rows"] + 1
    after, before = means(more, of="table"), means(plain, of="table")
    assert (after[before.index] == before).all()
    keys = ["metric", "method", "against"]
    tests = [page.frame("tests").set_index(keys)["p_holm"] for page in (more, plain)]
    assert (tests[0].reindex(tests[1].index) >= tests[1] - 1e-12).all()


@says("09.2", "an average over three trainings", "their least and most")
def _(ran):
    held = ran.again[0].frame("held_out")
    trained = held[(held["measure"] == "link_auc") & (held["seeds"] == 3)]
    assert len(trained) > 5
    assert (trained["least"] <= trained["mean"]).all() and (
        trained["least"] < trained["most"]
    ).any()


@says("09.3", "is the second rule")
def _(ran):
    recall, held = means(ran.plain, of="table"), ran.plain.frame("held_out")
    genre = held[held["measure"] == "genre_probe_f1_macro"].set_index("method")["mean"]
    enough = genre.reindex(recall.index) >= 0.9 * genre.max()
    assert not enough.all() and ran.code.split()[0] == recall[enough].idxmax()


# 10 Sensitivity


@says("10.1", "With another seed the folds change as well")
def _(ran):
    three, other = ran.again
    table = three.frame("classroom")
    assert set(table["seeds"]) == {3}
    assert {f"embedding_size={n}" for n in (32, 64)} <= set(table["method"])
    assert not (means(three).to_numpy() == means(other).reindex(means(three).index)).any()


@says("10.2", "embedded from its own attributes alone")
def _(ran):
    rows = [numbers(line.replace(",", "")) for line in ran.code.strip().splitlines()]
    weights, edges, alone = np.array([row[:3] for row in rows]).T
    assert weights.tolist() == [1, 2, 5, 10]
    assert (np.diff(edges) < 0).all() and (np.diff(alone) >= 0).all() and alone[-1] > 0


@says(
    "10.3",
    "what is near it may belong to none of the seeds",
    "a sum over neighbours lets every seed speak for itself",
    "a single seed with few neighbours says little in a sum",
    "is what the figure shows, where it is recorded",
)
def _(ran):
    from musig.baselines.itemknn import ItemKNN
    from musig.scorers import EmbeddingScorer
    from musig.sources.synthetic import make

    names = ["itemknn", "als", "musig", "musig-best"]
    recorded = tables.by_fraction(read(reevaluated(names)), ["r_precision"])
    for shares in (ran.again[0].frame("by_fraction"), recorded):
        assert set(shares["metric"]) == {"r_precision"} and shares["mean"].notna().all()
        there = set(zip(shares["method"], shares["fraction"], strict=True))
        assert {(name, share) for name in names for share in (0.1, 0.5)} <= there
    angle = np.deg2rad([0, 90, -20, 110, 45])  # two seeds, one near each, one between
    plane = EmbeddingScorer("plane", np.stack([np.cos(angle), np.sin(angle)], axis=1))
    one, other, both = plane.score(Playlists.from_lists([[0], [1], [0, 1]]))
    assert both.argmax() == 4 and one[4] < one[2] and other[4] < other[3]
    catalog = make("smoke")
    knn = ItemKNN(neighbours=5).fit(catalog, fold_playlists(catalog, 0))
    one, other, both = knn.score(Playlists.from_lists([[0], [1], [0, 1]])).numpy()
    np.testing.assert_allclose(both[2:], (one + other)[2:], rtol=1e-5)
    assert 0 < (one > 0).sum() <= 5 < len(one)


@says("10.4", r"$3 \cdot 3 \cdot 4 \cdot 4 = 144$", "432", "$2 + 3 + 3 + 3 = 11$ settings")
def _(ran):
    from musig.experiments.plans import FACTORS

    sizes = [len(rows) for rows in FACTORS.values()]
    assert sorted(sizes) == [3, 3, 4, 4] and 3 * np.prod(sizes) == 432
    others = [row for rows in FACTORS.values() for row in rows]
    assert len(others) - 3 == 11  # hops, size and min_weight have the default among them
    here = means(ran.plain)
    (row,) = [row for row in ran.plain.rows("solution-4-0") if row["metric"] == "recall@10"]
    gains = {name: float(row[name]) for name in ("first", "second", "difference")}
    assert gains["second"] == pytest.approx(here["hops=1"] - here["default"], abs=1e-5)
    both = float(ran.plain.printed("solution-4-0"))
    assert gains["first"] == pytest.approx(both - here["min_weight=10"], abs=1e-5)
    assert gains["difference"] == pytest.approx(gains["first"] - gains["second"], abs=1e-5)


# 11 The claims


@says(
    "11.1",
    "its corrected p-value is at most 0.001",
    "the smallest that so many flips can show, times the number of claims",
    "*Not reproduced* stays",
    "The intervals get wider too",
)
def _(ran):
    strict, plain = (
        page.frame("verdicts").set_index("claim") for page in (ran.again[0], ran.page())
    )
    changed = strict["verdict"] != plain["verdict"]
    assert changed.any() and not changed.all()
    assert (plain.loc[changed & plain["p_holm"].notna(), "p_holm"] >= 0.001).all()
    stays = strict["verdict"] == "reproduced"
    assert stays.any() and (strict.loc[stays, "p_holm"] <= 0.001).all()
    fewest = plain["p"] == plain["p"].min()  # no flip was as far from 0
    assert (changed & fewest).any() and (plain["verdict"][changed] == "reproduced").all()
    assert (strict["verdict"][plain["verdict"] == "not reproduced"] == "not reproduced").all()
    wider = (strict["high"] - strict["low"]) - (plain["high"] - plain["low"])
    assert (wider.dropna() >= 0).all() and (wider.dropna() > 0).mean() > 0.9


@says("11.2", "more than nine playlists in ten have a hit", "still tells methods apart")
def _(ran):
    assert ran.again[0].record.parameters["k"] == 500
    recorded = read(methods_table(["itemknn", "ease", "als", "musig-best"]))
    lines = tables.curves(recorded)
    at = lines[lines["k"] == 500]
    assert len(at) == 4 and (at["hit_rate"] > 0.95).all()
    assert np.ptp(at["hit_rate"]) < np.ptp(at["recall"]) / 5


@says("11.3", "EASE over item-kNN")
def _(ran):
    assert "EASE over item-kNN" in ran.code and "reproduced" in ran.code


# 12 New tracks


@says("12.1", 'The column "edges" stops growing as soon as all is told')
def _(ran):
    rows = ran.again[0].rows("example")
    edges = [int(row["edges"].replace(",", "")) for row in rows]
    assert edges[2:] == sorted(edges[2:])  # nothing told: no edge, or those to the nearest
    assert edges[-1] == max(edges) < numbers(ran.page().rows("example")[-1]["edges"])[0]
    assert numbers(rows[-1]["cosine with told all"]) == [1.0]
    assert rows[0]["cosine with told all"] != "1.000"


@says("12.2", "sound alike, have the same genre, and share playlists with each other")
def _(ran):
    from musig.sources.synthetic import make

    catalog = make("smoke")
    artist = catalog.tracks["artist"].factorize()[0]
    genre = catalog.tracks["main_genre"].factorize()[0]
    lists = catalog.playlists
    row = np.repeat(np.arange(len(lists)), lists.lengths)
    with_each = np.zeros((len(lists), catalog.n_tracks))
    with_each[row, lists.tracks] = 1
    shared = with_each.T @ with_each
    energy = catalog.tracks["energy"].astype(float).to_numpy()
    apart = np.abs(energy[:, None] - energy)
    others = ~np.eye(len(artist), dtype=bool)
    same = (artist[:, None] == artist) & others
    assert (genre[:, None] == genre)[same].mean() > 2 * (genre[:, None] == genre)[others].mean()
    assert shared[same].mean() > shared[others].mean()
    assert np.nanmean(apart[same]) < np.nanmean(apart[others])


@says(
    "12.3",
    "it is `drop_tracks` that makes such tracks in training",
    "Leaving out edges makes tracks with *fewer* neighbours",
)
def _(ran):
    from musig.thinning import mirror_of, thinned

    ten = byhand.example(min_weight=0).csr
    generator, left = torch.Generator().manual_seed(0), {}
    for drop in ((0.5, 0.0), (0.0, 0.5)):
        draws = [thinned(ten, mirror_of(ten), *drop, generator).degree for _ in range(100)]
        left[drop] = torch.stack(draws).double()
    edges, tracks = left.values()
    assert (tracks == 0).double().mean() > 0.5 > 0.2 > (edges == 0).double().mean()
    assert edges.mean() / ten.degree.double().mean() == pytest.approx(0.5, abs=0.05)
    plain = ran.page().frame("curve").set_index(["method", "scenario"])["mean"]
    for page in ran.again:
        moved = page.frame("curve").set_index(["method", "scenario"])["mean"] != plain
        assert moved["musig-drop", "none"]
        moved = set(moved.index[moved].get_level_values(0))
        assert moved == {"musig-drop"}  # what is left out in training is its alone


# 13 Relations


@says("13.1", "Every pair of one album is a pair of one artist")
def _(ran):
    show = "print(relation_pages.overlap(graph).loc['album', 'artist'])"
    assert numbers(ran.page(show, relations="artist,album").printed("extra-0")) == [1.0]
    rows = means(ran.again[0], of="table")
    assert set(rows.index) == {"playlist", "+artist", "+album"}


@says("13.2", "The mean of one neighbour is as noisy as that neighbour")
def _(ran):
    show = (
        "n, links = known.n_tracks, RELATIONS['audio'](seen, neighbours)\n"
        "noise, degree = np.random.default_rng(0).normal(size=n), np.bincount(links.target)\n"
        "total = np.bincount(links.target, noise[links.source])\n"
        "print(neighbours, noise.std(), (total[degree > 0] / degree[degree > 0]).std())"
    )
    pages = [ran.page(show, relations="audio", neighbours=n) for n in (1, 50)]
    assert pages == ran.again
    spread = {}
    for page in pages:
        assert set(means(page, of="table").index) == {"playlist", "+audio"}
        n, alone, spread[n] = numbers(page.printed("extra-0"))
    assert spread[1] > 0.7 * alone  # a few are the nearest of more than one
    assert spread[50] < 0.2 * alone


@says(
    "13.3",
    "On the data of this page the genre F1 rises",
    "the edges were made of it, those of held-out artists too",
)
def _(ran):
    without, told, same, unseen = (numbers(line)[-1] for line in ran.code.strip().splitlines())
    assert told > without and same == 1.0 and unseen > 0


# 14 Other uses


@says("14.1", "Both are asked through 128 singular directions")
def _(ran):
    show = (
        "for name in ('itemknn', 'ease'):\n"
        "    method = methods.make(name, seed=seed, device=device).fit(known, split)\n"
        "    print(*view_of(method, known, split)().shape)"
    )
    page = ran.page(show, compared="itemknn,ease,musig")
    assert [page] == ran.again
    for line in page.printed("extra-0").strip().splitlines():
        n_tracks, directions = numbers(line)
        assert directions == 128 < n_tracks
    table = page.frame()
    assert set(table["method"]) == {"itemknn", "ease", "musig"}
    popularity = table[table["metric"].str.contains("popularity")]
    assert len(popularity) == 3 and (popularity["low"] < popularity["high"]).all()


@says("14.2", "an average over three trainings")
def _(ran):
    table = ran.again[0].frame()
    assert set(table["method"]) == {"musig", "musig-single", "musig+artist"}
    assert set(table.loc[table["mean"].notna(), "seeds"]) == {3}


@says(
    "14.3",
    "Unseen are whole artists",
    "a share of variance explained: 0 is the mean's, and below 0 is worse than the mean",
)
def _(ran):
    score, lengths_apart, shared, error, error_of_mean = numbers(ran.code)
    assert lengths_apart < 1e-9 and shared == 0
    assert score == pytest.approx(1 - error / error_of_mean)


# 15 Speed and scale


@says("15.1", "fewer and fewer pairs reach the threshold", "The epoch still grows")
def _(ran):
    show = "print(fitted[fitted['axis'] == 'tracks'].to_csv())"
    text = ran.page(show, axis="tracks").printed("extra-0")
    lines = [line.split(",") for line in text.strip().splitlines()]
    table = pd.DataFrame(lines[1:], columns=lines[0])
    table["exponent"] = pd.to_numeric(table["exponent"])
    assert (table["exponent"] < 0).any()
    epoch = table[(table["step"] == "epoch") & (table["what"] == "cpu")]["exponent"]
    assert (epoch > 0).all()
    assert ran.again[0].record.parameters["axis"] == "tracks"


@says("15.2", "twice the memory is twice the playlists", r"only $\sqrt 2$ times the playlists")
def _(ran):
    (page,), plain = ran.again, ran.page()
    after, before = page.frame("limits"), plain.frame("limits")
    at_paper = after["min_weight"] == 10
    assert (after[at_paper]["limit"] == "time").any()
    assert (before[before["min_weight"] == 10]["limit"] == "memory").all()
    points = speed.recorded("growth.json")

    def ends(memory, hours):
        return scaling.limits(points, memory, hours, 10).set_index("step")

    more = ends(48.0, 24.0)["by_memory"] / ends(24.0, 24.0)["by_memory"]
    assert more.between(1.9, 2.2).all(), more
    longer = ends(24.0, 48.0)["by_time"] / ends(24.0, 24.0)["by_time"]
    assert longer["evaluate"] == pytest.approx(2**0.5, rel=0.02)


@says(
    "15.3",
    "a third of the efficiency is three times the price",
    "memory is not in it at all",
    "take more than nine tenths of it away",
)
def _(ran):
    price = [page.frame("scaled")["cost_high"].sum() for page in (ran.page(), *ran.again)]
    plain, third, memory, tracks = price
    assert third == pytest.approx(3 * plain) and memory == pytest.approx(plain)
    assert tracks < 0.1 * plain


@says("15.4", "Every pair that occurs becomes an edge")
def _(ran):
    (page,) = ran.again
    for point in page.metrics["own"]:
        assert point["edges"] > 0
    more, fewer = page.metrics["own"][-1], ran.page(data="FOLDER").metrics["own"][-1]
    assert more["edges"] > fewer["edges"]


# 16 Complete a playlist


@says("16.1", "the *distance in sound* belongs to it")
def _(ran):
    portraits = pd.DataFrame(ran.page().metrics["portraits"]).T
    alone = portraits.loc[["cooccurrence", "similarity", "genre"], "sound"]
    assert alone.idxmin() == "similarity"


@says("16.2", "Ten seeds speak for at most fifty tracks", "The page becomes smaller too")
def _(ran):
    ten = (
        "ten = [rng.choice(known.n_tracks, 10, replace=False) for _ in range(50)]\n"
        "scores = models.methods['itemknn'].score(Playlists.from_lists(ten))\n"
        "print(int((scores > 0).sum(1).max()), int((scores > 0).sum(1).min()))"
    )
    few, plain = ran.page(ten, neighbours=5), ran.page()
    most, least = numbers(few.printed("extra-0"))
    assert 0 < least < most <= 50
    assert few.metrics["bytes"]["itemknn"] < plain.metrics["bytes"]["itemknn"]


# The tests


@pytest.fixture(scope="module")
def done():
    """Pages that were executed, by chapter, parameters and what was added."""
    return {}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("exercises")


def one_each():
    """A test for each check: slow where it is quick, else for the audit."""
    for each in ALL:
        if each.name in CHECKS:
            mark = pytest.mark.slow if each.name in QUICK else pytest.mark.audit
            yield pytest.param(each, id=each.name, marks=mark)


@pytest.mark.parametrize("exercise", one_each())
def test_a_solution_does_what_its_text_says(exercise, folder, done):
    ran = Ran(exercise, folder, done)
    CHECKS[exercise.name][1](ran)
    _ = ran.again  # also those pages are made that the check does not look at


def test_every_exercise_has_a_check_or_is_open():
    names = {each.name: each for each in ALL}
    assert set(CHECKS) <= set(names), f"checks of no exercise: {set(CHECKS) - set(names)}"
    for name, each in names.items():
        needed = not each.open or each.code or each.commands
        assert name in CHECKS or not needed, f"{name} has no check: {each.title}"


@pytest.mark.parametrize("exercise", [pytest.param(each, id=each.name) for each in ALL])
def test_a_solution_still_says_what_is_checked(exercise):
    words = " ".join(exercise.solution.split())
    for sentence in CHECKS.get(exercise.name, ((), None))[0]:
        assert " ".join(sentence.split()) in words


@pytest.mark.parametrize("path", [pytest.param(path, id=path.stem) for path in CHAPTERS])
def test_a_chapter_has_exercises_and_one_is_solved_by_running_it_again(path):
    there = exercises.exercises(path)
    assert 2 <= len(there) <= 4
    again = {each.name: list(map(exercises.rerun, each.commands)) for each in there}
    own = [
        name
        for name, runs_of in again.items()
        if any(run and run[0].stem == path.stem and run[1] for run in runs_of)
    ]
    assert own and set(own) <= set(CHECKS)


@pytest.mark.parametrize("exercise", [pytest.param(each, id=each.name) for each in ALL])
def test_its_commands_are_accepted_and_its_code_is_python(exercise, tmp_path):
    for line in exercise.commands:
        found = exercises.rerun(line)
        if found:
            notebook, given = found
            _, changed = settle(notebook, load_profile("classroom"), given)
            assert set(changed) == set(given)
        else:
            script = line.split()[1]
            assert line.startswith("python ") and Path(CHAPTERS[0].parents[1], script).is_file()
    for code in exercise.code:
        compile(code, exercise.name, "exec")


def test_nonsense_is_named(tmp_path):
    def notebook(text):
        cell = {"cell_type": "markdown", "id": "a", "metadata": {}, "source": text}
        path = tmp_path / "20_x.ipynb"
        nbformat.write(nbformat.from_dict({"cells": [cell], "metadata": {}, "nbformat": 4,
                                           "nbformat_minor": 5}), path)  # fmt: skip
        return path

    box = ":::{{admonition}} {}\n{}\n:::\n"
    whole = box.format("Exercise 1: a", "?") + box.format("Solution", ":class: dropdown\nb")
    (read_back,) = exercises.exercises(notebook(whole))
    assert (read_back.name, read_back.text, read_back.solution) == ("20.1", "?", "b")
    for text, told in {
        whole.replace("1: a", "2: a"): "expected 'Exercise 1: title'",
        whole.replace("1: a", "1 a"): "expected 'Exercise 1: title'",
        whole.replace(":class: dropdown", ""): "of class dropdown",
        box.format("Exercise 1: a", "?"): "of class dropdown",
    }.items():
        with pytest.raises(MusigError, match=re.escape(told)):
            exercises.exercises(notebook(text))
    with pytest.raises(MusigError, match="musig run CHAPTER -p name value"):
        exercises.rerun("musig run 05 --jobs 2")
    with pytest.raises(MusigError, match="There is no notebook '99'"):
        exercises.rerun("musig run 99")


def test_solutions_do_not_see_one_another():
    path = find_notebook("01")
    code = {"one": "rows = 99\nmine = 1", "two": "print(rows, 'mine' in globals())"}
    cells = exercises.with_solutions(path, code)["cells"]
    names = {"rows": 10}
    for cell in cells[-6:]:
        exec(cell["source"], names)
    assert names["rows"] == 10 and "mine" not in names
    with pytest.raises(MusigError, match="has a cell 'parameters' already"):
        exercises.with_solutions(path, {"parameters": ""})
