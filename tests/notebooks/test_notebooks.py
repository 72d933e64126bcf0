"""Every notebook runs: on the smallest data, with everything changed, and never on nonsense."""

from __future__ import annotations

import io
import json
import re
import tarfile

import nbformat
import numpy as np
import pytest
import soundfile
from make_expected import DETERMINISTIC, EXPECTED, NOTEBOOKS, PROFILE, reduced
from pytest_notebook.diffing import diff_notebooks, diff_to_string

from musig import sources
from musig.errors import MusigError
from musig.running import kernels, records, runs
from musig.running.parameters import Parameter, check, parameters
from musig.sources import synthetic

ALL = sorted(NOTEBOOKS.glob("*.ipynb"))
EACH = [pytest.param(path, id=path.stem) for path in ALL]

# Values other than the default, where one cannot be worked out or would take long. `data` and
# `recordings` are folders that are written for the test.
CHANGED = {
    "dataset": "embedded-smoke",
    "device": "cpu",
    "min_playlists": 2,
    "min_weight": 0,
    "track": "t000001",
    "rows": 3,
    "epochs": 2,
    "embedding_size": 8,
    "network_epochs": 2,
    "k": 100,  # of every playlist, what the claims need is kept for a few cut-offs only
    "weights": [0.2, 0.3, 0.5],
    "methods": "popularity,itemknn",
    "compared": "attributes,musig-single,musig",
    "shares": [0.4, 0.8],
    "groups": ["GENRE"],  # with ACOUSTIC a larger network would be trained, to its end
}


def other(parameter: Parameter) -> object:
    """Give a value that is allowed and is not the default."""
    if parameter.name in CHANGED:
        return CHANGED[parameter.name]
    kind = parameter.type
    many = kind.startswith("list")
    default = next(iter(parameter.default), None) if many else parameter.default
    if parameter.choices:
        candidates = [*parameter.choices]
    elif "bool" in kind:
        candidates = [not default]
    elif "int" in kind:
        candidates = [default + 1, default - 1]
    elif "float" in kind:
        candidates = [default / 2, default + 0.5, 0.5, 1.0]
    else:
        candidates = []
    for value in candidates:
        changed = [value] if many else value
        try:
            if check(parameter, changed) != parameter.default:
                return changed
        except MusigError:
            continue
    raise AssertionError(f"say in CHANGED what {parameter.name} may be beside its default")


def own_data(folder):
    """Write a folder of playlists and tracks."""
    return str(sources.write_folder(synthetic.make("smoke", seed=1), folder))


def own_music(folder):
    """Write a folder of music: chords over a beat, two playlists of them."""
    rng = np.random.default_rng(0)
    time = np.arange(4 * 16_000) / 16_000
    for n in range(8):
        path = folder / f"{'ab'[n % 2]}" / f"piece {n}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        tones = sum(np.sin(2 * np.pi * (220 + 20 * n) * k * time) / k for k in (1, 1.25, 1.5))
        beat = (time * (2 + 0.1 * n)) % 1 < 0.1
        soundfile.write(path, 0.1 * tones + 0.1 * beat * rng.normal(size=len(time)), 16_000)
    return str(folder)


def melon(folder):
    """Write a folder in the format of the Melon data set: spectrograms, and no recording."""
    rng = np.random.default_rng(0)
    folder.mkdir(parents=True)
    songs = [
        {
            "id": n, "song_name": f"song {n}", "song_gn_gnr_basket": [f"GN0{n % 3 + 1}00"],
            "song_gn_dtl_gnr_basket": [], "artist_id_basket": [n // 2], "album_name": None,
            "artist_name_basket": [f"artist {n // 2}"],
        }
        for n in range(60)
    ]  # fmt: skip
    lists = [
        {"id": n, "plylst_title": f"{n}", "songs": rng.choice(np.arange(n % 3, 60, 3), 8).tolist()}
        for n in range(60)
    ]
    for name, content in {
        "song_meta": songs,
        "train": [each | {"songs": sorted(set(each["songs"]))} for each in lists],
        "genre_gn_all": {f"GN0{n + 1}00": f"genre {n}" for n in range(3)},
    }.items():
        (folder / f"{name}.json").write_text(json.dumps(content), "utf-8")
    with tarfile.open(folder / "arena_mel_0.tar", "w") as tar:
        for n in range(60):
            content = io.BytesIO()
            spectrum = rng.normal(-40 + 5 * (n % 3), 9, (48, 200)).astype(np.float32)
            np.save(content, spectrum if n != 7 else spectrum[:5])  # one is damaged
            member = tarfile.TarInfo(f"0/{n}.npy")
            member.size = content.tell()
            content.seek(0)
            tar.addfile(member, content)
    return str(folder)


OWN = {"data": own_data, "recordings": own_music}


@pytest.fixture(scope="session")
def executed(tmp_path_factory):
    """Give a notebook's path once it was executed on the smallest data."""
    folder, done = tmp_path_factory.mktemp("executed"), {}

    def run(path):
        if path not in done:
            done[path] = runs.run_notebook(path, folder / path.name, PROFILE).path
        return done[path]

    return run


def errors_of(notebook):
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    return [o for o in outputs if o.output_type == "error" or o.get("name") == "stderr"]


@pytest.mark.slow
@pytest.mark.parametrize("path", EACH)
def test_it_runs_on_the_smallest_data(executed, path):
    result = nbformat.read(executed(path), 4)
    assert errors_of(result) == []  # what is written to stderr would stop the book
    record = records.from_notebook(executed(path))
    assert record.notebook == path.stem
    assert record.metrics
    declared = {parameter.name for parameter in parameters(path)}
    assert set(record.parameters) == declared  # none is forgotten in the record


@pytest.mark.slow
@pytest.mark.parametrize("path", EACH)
def test_every_number_that_the_prose_quotes_was_computed(executed, path):
    notebook = nbformat.read(executed(path), 4)
    prose = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    quoted = set(re.findall(r"\{glue(?::\w+)?\}`([^`:]+)[`:]", prose))
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    kept = {
        o.metadata["scrapbook"]["name"] for o in outputs if "scrapbook" in o.get("metadata", {})
    }
    assert quoted == kept


@pytest.mark.slow
@pytest.mark.parametrize("path", EACH)
def test_figures_say_what_they_show(executed, path):
    for cell in nbformat.read(executed(path), 4).cells:
        outputs = cell.get("outputs", [])
        if any("image/png" in output.get("data", {}) for output in outputs):
            shown = cell.metadata["mystnb"]
            assert len(shown["image"]["alt"]) > 20, cell.id
            assert shown["figure"]["caption"] and shown["figure"]["name"], cell.id


@pytest.mark.slow
@pytest.mark.parametrize("path", EACH)
def test_it_runs_with_every_parameter_changed(path, tmp_path):
    declared = parameters(path)
    values = {
        each.name: OWN[each.name](tmp_path / each.name / "own <&> data")
        if each.name in OWN
        else other(each)
        for each in declared
    }
    assert all(values[parameter.name] != parameter.default for parameter in declared)
    outcome = runs.run_notebook(path, tmp_path / path.name, PROFILE, values)
    assert errors_of(nbformat.read(outcome.path, 4)) == []
    assert records.from_notebook(outcome.path).data == "own <&> data"


@pytest.mark.slow
def test_chapter_03_is_about_melon_where_melon_is_given(tmp_path):
    """Its tars hold spectrograms: nothing can be played, and everything can be learned."""
    path = NOTEBOOKS / "03_acoustic_vectors.ipynb"
    values = {"data": melon(tmp_path / "melon"), "network_epochs": 2, "min_shared": 0}
    outcome = runs.run_notebook(path, tmp_path / path.name, PROFILE, values)
    result = nbformat.read(outcome.path, 4)
    told = "".join(output["text"] for output in errors_of(result))
    assert told.count("0/7.npy") == told.count("\n")  # of the damaged one only
    record = records.from_notebook(outcome.path)
    assert record.data == "melon"
    assert record.metrics["with_sound"] == 60
    assert record.metrics["known"]["ACOUSTIC"] == 59
    assert 0 <= record.metrics["judged"]["trained"]["auc"] <= 1


@pytest.mark.audit
@pytest.mark.parametrize(
    ("path", "name"),
    [
        pytest.param(path, p.name, id=f"{path.stem}-{p.name}")
        for path in ALL
        for p in parameters(path)
    ],
)
def test_it_runs_with_one_parameter_changed(path, name, tmp_path):
    parameter = next(each for each in parameters(path) if each.name == name)
    value = OWN[name](tmp_path / "own") if name in OWN else other(parameter)
    outcome = runs.run_notebook(path, tmp_path / path.name, PROFILE, {name: value})
    assert errors_of(nbformat.read(outcome.path, 4)) == []
    assert records.from_notebook(outcome.path).changed.keys() == {name}


@pytest.fixture
def no_kernel(monkeypatch):
    def refuse(*arguments, **named):
        raise AssertionError("a kernel was started")

    monkeypatch.setattr(kernels, "execute", refuse)


@pytest.mark.parametrize("path", EACH)
def test_nonsense_is_refused_before_a_kernel_starts(path, tmp_path, no_kernel):
    def refused(**overrides):
        with pytest.raises(MusigError) as caught:
            runs.run_notebook(path, tmp_path / "out.ipynb", PROFILE, overrides)
        return str(caught.value)

    assert "did you mean 'seed'?" in refused(sede=1)
    for parameter in parameters(path):
        if parameter.type != "str":
            told = "['nonsense']" if parameter.type.startswith("list") else "'nonsense'"
            assert f"{parameter.name} is {told}" in refused(**{parameter.name: "nonsense"})
        if parameter.choices:
            told = refused(**{parameter.name: "nonsense"})
            assert all(choice in told for choice in parameter.choices)
            assert "expected one of" in told or "did you mean" in told
        for sign, bound in parameter.bounds:
            beyond = bound - 1 if sign.startswith(">") else bound + 1
            beyond = int(beyond) if "int" in parameter.type else beyond
            beyond = [beyond] if parameter.type.startswith("list") else beyond
            assert sign in refused(**{parameter.name: beyond})
    assert not (tmp_path / "out.ipynb").exists()


@pytest.mark.parametrize("path", EACH)
def test_sources_are_kept_without_outputs_and_open_alike(path):
    notebook = json.loads(path.read_text("utf-8"))
    assert (notebook["nbformat"], notebook["nbformat_minor"]) == (4, 5)
    assert notebook["metadata"]["kernelspec"]["name"] == "python3"
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert all(not cell["outputs"] and cell["execution_count"] is None for cell in code)
    assert [parameter.name for parameter in parameters(path)][:4] == [
        "dataset",
        "data",
        "seed",
        "device",
    ]
    declared = [cell for cell in code if "parameters" in cell["metadata"].get("tags", [])]
    assert declared == code[:1]  # nothing is computed before the parameters


@pytest.mark.slow
@pytest.mark.parametrize("name", DETERMINISTIC)
def test_it_shows_what_it_showed(executed, name):
    expected = nbformat.read(EXPECTED / f"{name}.ipynb", 4)
    found = reduced(executed(NOTEBOOKS / f"{name}.ipynb"))
    difference = diff_notebooks(expected, found)
    told = diff_to_string(expected, difference, use_git=False, use_diff=False, use_color=False)
    assert not difference, f"If this was meant, run tests/notebooks/make_expected.py.\n{told}"
