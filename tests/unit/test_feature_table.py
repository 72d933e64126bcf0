"""A folder of recordings as a table: nothing is lost, nothing is computed twice."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile

from musig import feature_table as module
from musig.agreement import agreement, is_echonest, matched, read_truth
from musig.audio import audio_features
from musig.catalog import FEATURES
from musig.cli import main
from musig.errors import MusigError
from musig.feature_table import broken, feature_table

RATE = 16000


def wave(k, seconds=4.0):
    """Clicks over a tone, different for each k."""
    t = np.arange(round(seconds * RATE)) / RATE
    beat = t % (60 / (80 + 10 * k))
    rng = np.random.default_rng(k)
    clicks = rng.standard_normal(len(t)) * np.exp(-beat / 0.02)
    return (0.1 * np.sin(2 * np.pi * 110 * (k + 2) * t) + (0.02 + 0.02 * k) * clicks).astype("f4")


@pytest.fixture
def folder(tmp_path):
    """Four recordings in three formats, a text, a truncated file, and silence."""
    music = tmp_path / "music"
    (music / "b").mkdir(parents=True)
    for k, name in enumerate(["000002.wav", "000003.ogg", "b/000010.flac", "b/000011.wav"]):
        soundfile.write(music / name, wave(k), RATE)
    (music / "lyrics.mp3").write_text("la la la\n" * 500)
    (music / "cut.flac").write_bytes((music / "b/000010.flac").read_bytes()[:9000])
    soundfile.write(music / "b/silence.wav", np.zeros(4 * RATE), RATE)
    return music


@pytest.fixture
def counting(monkeypatch):
    """Names of the files that are really computed, in this process."""
    seen = []
    real = module.estimate

    def counted(path, **options):
        seen.append(Path(path).name)
        return real(path, **options)

    monkeypatch.setattr(module, "estimate", counted)
    return seen


@pytest.fixture
def musig(capsys):
    def run(*arguments):
        with pytest.raises(SystemExit) as ended:
            main([str(argument) for argument in arguments])
        return ended.value.code, *capsys.readouterr()

    return run


def table_of(folder, out=None, **options):
    return feature_table(folder, out, jobs=1, progress=False, **options)


def test_a_row_a_file_and_a_sentence_for_what_is_broken(folder):
    table = table_of(folder)
    assert table.columns.tolist() == ["path", *FEATURES, "error"]
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    assert table.path.tolist() == [path.relative_to(folder).as_posix() for path in files]
    bad = table.error.notna()
    assert set(table.path[bad]) == {"cut.flac", "lyrics.mp3", "b/silence.wav"}
    assert table.loc[bad, list(FEATURES)].isna().all(axis=None)
    assert table.loc[~bad, list(FEATURES)].notna().all(axis=None)
    assert len(broken(table)) == 3
    assert "b/silence.wav: it is silent: nowhere above -70 LUFS" in broken(table)
    assert not any(str(folder) in sentence for sentence in broken(table))  # of any machine
    row = table[table.path == "000002.wav"].iloc[0]
    assert row[list(FEATURES)].to_dict() == audio_features(folder / "000002.wav")


@pytest.mark.parametrize("suffix", [".parquet", ".csv"])
def test_what_is_written_is_what_is_returned(folder, tmp_path, suffix):
    out = tmp_path / "new" / f"table{suffix}"
    table = table_of(folder, out)
    read = pd.read_csv(out) if suffix == ".csv" else pd.read_parquet(out)
    pd.testing.assert_frame_equal(read.replace({np.nan: None}), table.replace({np.nan: None}))
    assert sorted(path.name for path in out.parent.iterdir()) == [out.name, out.name + ".rows"]


def test_only_what_is_new_or_changed_is_computed(folder, tmp_path, counting):
    out = tmp_path / "table.csv"
    first = table_of(folder, out)
    assert len(counting) == 7
    counting.clear()
    assert table_of(folder, out).equals(first) and counting == []
    soundfile.write(folder / "new.wav", wave(5), RATE)
    soundfile.write(folder / "000002.wav", wave(6, 5.0), RATE)
    (folder / "lyrics.mp3").unlink()
    second = table_of(folder, out)
    assert sorted(counting) == ["000002.wav", "new.wav"]
    kept = ["000003.ogg", "b/000010.flac", "b/000011.wav"]
    one, other = (table.set_index("path").loc[kept] for table in (first, second))
    pd.testing.assert_frame_equal(one, other)
    assert "lyrics.mp3" not in set(second.path)
    counting.clear()
    table_of(folder, out, window=3)  # other settings, other numbers
    assert len(counting) == 7
    assert table_of(folder, out).equals(second) and len(counting) == 7  # both are kept
    rows = out.with_name("table.csv.rows").read_text().splitlines()
    assert len(rows) == 14  # and not what has changed or is gone


def test_a_line_that_was_not_finished_is_computed_again(folder, tmp_path, counting):
    out = tmp_path / "table.csv"
    table = table_of(folder, out)
    journal = out.with_name("table.csv.rows")
    lines = journal.read_text().splitlines(keepends=True)
    assert len(lines) == 7 and all(json.loads(line) for line in lines)
    journal.write_text("".join(lines[:5]) + lines[5][:40])
    out.unlink()
    counting.clear()
    assert table_of(folder, out).equals(table)
    assert len(counting) == 2


def test_an_interruption_keeps_what_was_finished(folder, tmp_path, monkeypatch, counting):
    out = tmp_path / "table.csv"
    real = module.estimate

    def interrupted(path, **options):
        if len(counting) == 4:
            raise KeyboardInterrupt
        return real(path, **options)

    with monkeypatch.context() as patch:
        patch.setattr(module, "estimate", interrupted)
        with pytest.raises(KeyboardInterrupt):
            table_of(folder, out)
    assert not out.exists() and len(counting) == 4
    table_of(folder, out)
    assert len(counting) == len(set(counting)) == 7


def test_a_bug_costs_one_row(folder, monkeypatch):
    real = module.estimate

    def failing(path, **options):
        if path.name == "000003.ogg":
            raise ZeroDivisionError("division by zero")
        return real(path, **options)

    monkeypatch.setattr(module, "estimate", failing)
    table = table_of(folder).set_index("path")
    assert table.error["000003.ogg"] == "it failed (ZeroDivisionError: division by zero)"
    assert pd.isna(table.error["000002.wav"])


def _without_memory(*_, **__):
    raise MemoryError("no memory")


def _without_library(*_, **__):
    raise ImportError("no onnxruntime")


def _not_allowed(path, **_):
    raise MusigError(f"{path} cannot be read (Permission denied).") from PermissionError()


@pytest.mark.parametrize("failing", [_without_memory, _without_library, _not_allowed])
def test_what_failed_for_another_reason_is_tried_again(folder, tmp_path, monkeypatch, failing):
    out = tmp_path / "table.csv"
    with monkeypatch.context() as patch:
        patch.setattr(module, "estimate", failing)
        assert table_of(folder, out).error.notna().all()
    assert not out.with_name("table.csv.rows").read_text()
    assert len(broken(table_of(folder, out))) == 3


def test_a_sentence_begins_with_the_file_once(tmp_path):
    (tmp_path / "empty.wav").touch()
    assert broken(table_of(tmp_path)) == ["empty.wav: is empty: it has 0 bytes. Get it anew."]


def test_options_are_checked_before_any_work(folder, tmp_path, counting, monkeypatch):
    with pytest.raises(MusigError, match=r"has to end in \.parquet or \.csv"):
        table_of(folder, tmp_path / "table.xlsx")
    with pytest.raises(MusigError, match="did you mean 'vibenet'"):
        table_of(folder, estimator="vibnet")
    monkeypatch.setattr("musig.vibenet_features.find_spec", lambda name: None)
    with pytest.raises(MusigError, match="not installed"):
        table_of(folder, estimator="vibenet")
    assert counting == []


@pytest.mark.slow
def test_processes_give_the_same_table(folder):
    one = feature_table(folder, jobs=1, progress=False)
    two = feature_table(folder, jobs=2, progress=False)
    pd.testing.assert_frame_equal(one, two)


def _dying(path, seconds=0.0):
    if path.name == "000003.ogg":
        os._exit(1)
    return {**dict.fromkeys(FEATURES, 1.0), "error": None}


@pytest.mark.slow
def test_a_process_that_dies_costs_one_row(folder):
    """As a decoder does that crashes, or the system that has no memory left."""
    todo = [(path.name, path) for path in sorted(folder.rglob("*.*"))]
    rows = dict(module._computed(_dying, todo, 2))
    assert set(rows) == {name for name, _ in todo}
    died = {name for name, row in rows.items() if row["error"]}
    assert died == {"000003.ogg"} and "ended the process" in rows["000003.ogg"]["error"]


def _runs(process):
    """Whether it goes on; one that has ended may wait in the list for a parent that asks."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.posix
@pytest.mark.slow
@pytest.mark.parametrize("how", ["SIGINT", "SIGKILL"])  # Windows has no SIGKILL
def test_a_stopped_run_goes_on(tmp_path, how):
    music = tmp_path / "music"
    music.mkdir()
    for k in range(40):
        soundfile.write(music / f"{k:02}.wav", wave(k % 8, 60), RATE)
    out = tmp_path / "table.csv"
    journal = tmp_path / "table.csv.rows"
    command = [sys.executable, "-m", "musig.cli", "features", music, "--out", out, "--jobs", "2"]
    process = subprocess.Popen(
        command,
        stderr=subprocess.PIPE,
        start_new_session=True,
        # a shell in the background ignores it, and so would all that it starts
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    deadline = time.monotonic() + 120
    while not (journal.exists() and journal.read_text().count("\n") >= 2):
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.05)
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    children = children.read_text().split() if children.exists() else []
    os.kill(process.pid, getattr(signal, how))
    said = process.communicate(timeout=60)[1].decode()
    kept = journal.read_text().count("\n")
    assert 2 <= kept < 40 and not out.exists()
    if how == "SIGINT":
        assert process.returncode == 130 and "goes on from there" in said
    assert "Traceback" not in said
    deadline = time.monotonic() + 20  # no process stays behind
    while any(_runs(child) for child in children):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    begun = {next(iter(json.loads(line))) for line in journal.read_text().splitlines()}
    table = feature_table(music, out, jobs=1, progress=False)
    assert len(table) == 40 and table.error.isna().all()
    ended = {next(iter(json.loads(line))) for line in journal.read_text().splitlines()}
    assert begun <= ended and len(ended) == 40


# --- against truth from outside


def test_agreement_is_one_for_any_rising_map_and_none_for_chance():
    rng = np.random.default_rng(0)
    one = pd.DataFrame(rng.random((200, 2)), columns=["energy", "valence"])
    other = pd.DataFrame({"energy": np.exp(5 * one.energy), "valence": rng.random(200)})
    other.loc[:49, "energy"] = np.nan
    found = agreement(one, other).set_index("feature")
    assert found.loc["energy", ["spearman", "low", "high", "n"]].tolist() == [1, 1, 1, 150]
    chance = found.loc["valence"]
    assert chance.low < 0 < chance.high and abs(chance.spearman) < 0.2 and chance.n == 200
    assert agreement(one, -one).spearman.tolist() == [-1, -1]


def test_agreement_equals_pandas_with_ties():
    rng = np.random.default_rng(1)
    one, other = (pd.DataFrame({"tempo": rng.integers(0, 5, 80)}) for _ in range(2))
    expected = one.tempo.corr(other.tempo, method="spearman")
    found = agreement(one, other).iloc[0]
    assert found.spearman == pytest.approx(expected)
    assert found.low < found.spearman < found.high


def test_agreement_of_what_cannot_be_compared():
    table = pd.DataFrame({"energy": [1.0, 2.0, 3.0]}, index=["a", "b", "c"])
    few = agreement(table, table.iloc[:2]).iloc[0]
    assert np.isnan([few.spearman, few.low, few.high]).all() and few.n == 2
    assert np.isnan(agreement(table, table * 0).spearman[0])
    with pytest.raises(MusigError, match="no track in common: one has a, b, c"):
        agreement(table, table.rename(index=str.upper))
    with pytest.raises(MusigError, match="share none of the features"):
        agreement(table, table.rename(columns={"energy": "speed"}))


def test_keys_from_outside(tmp_path):
    table = pd.DataFrame({"path": ["000/000002.mp3", "b/song.ogg"], "energy": [0.1, 0.2]})
    ids = pd.DataFrame({"energy": [1.0, 2.0]}, index=pd.Index(["2", "song"], name="track_id"))
    assert matched(table, ids).index.tolist() == ["2", "song"]
    padded = ids.set_axis(pd.Index(["000002", "song"], name="track_id"))
    assert matched(table, padded).index.tolist() == ["000002", "song"]
    with pytest.raises(MusigError, match="2 recordings are called 2"):
        matched(pd.DataFrame({"path": ["a/2.mp3", "b/002.mp3"]}), ids)
    for content, said in {
        "name,energy\na,1\n": "has the columns name, energy: expected track_id or path",
        "track_id,speed\na,1\n": "expected track_id or path, and some of acousticness",
        "path,energy\na,1\na,2\n": "has a more than once in path",
    }.items():
        (tmp_path / "truth.csv").write_text(content)
        with pytest.raises(MusigError, match=said):
            read_truth(tmp_path / "truth.csv")
    (tmp_path / "truth.parquet").write_text("this is none")
    with pytest.raises(MusigError, match="no table that can be read"):
        read_truth(tmp_path / "truth.parquet")
    with pytest.raises(MusigError, match="does not exist"):
        read_truth(tmp_path / "none.csv")


def echonest(path, table):
    """Write features in the format of FMA: three rows of header."""
    names = [name for name in FEATURES if name != "loudness"]
    lines = [
        "," + ",".join(["echonest"] * len(names)),
        "," + ",".join(["audio_features"] * len(names)),
        "," + ",".join(names),
        "track_id" + "," * len(names),
    ]
    for _, row in table.iterrows():
        values = ",".join(str(row[name]) for name in names)
        lines.append(f"{int(Path(row.path).stem)},{values}")
    path.write_text("\n".join(lines) + "\n")


@pytest.mark.slow
def test_the_labels_of_vibenet_are_known_by_what_they_hold(folder, tmp_path, musig, monkeypatch):
    table = table_of(folder).dropna(subset="energy")
    echonest(tmp_path / "mine.csv", table)
    table.to_csv(tmp_path / "echonest.csv", index=False)
    assert is_echonest(tmp_path / "mine.csv") and not is_echonest(tmp_path / "echonest.csv")
    monkeypatch.setattr(module, "feature_table", lambda *_: table)
    for name, warned in {"mine.csv": True, "echonest.csv": False}.items():
        said = musig(
            "features", folder, "--out", tmp_path / "t.csv", "--estimator", "vibenet",
            "--against", tmp_path / name,
        )[1]  # fmt: skip
        assert ("learned from these very labels" in said) == warned


def test_the_command_writes_lists_and_compares(folder, tmp_path, musig):
    out = tmp_path / "table.parquet"
    code, said, errors = musig("features", folder, "--out", out, "--jobs", 1)
    assert code == 1 and "the features of 4 recordings, by the estimator signal" in said
    listed = [line for line in errors.splitlines() if line.startswith("error: ")]
    assert [line.split()[1] for line in listed] == ["b/silence.wav:", "cut.flac:", "lyrics.mp3:"]
    table = pd.read_parquet(out)
    assert len(table) == 7
    for name in ("cut.flac", "lyrics.mp3", "b/silence.wav"):
        (folder / name).unlink()
    truth = table[table.error.isna()].copy()
    truth["valence"] = -truth.valence
    echonest(tmp_path / "echonest.csv", truth.assign(valence=1 - table.valence))
    code, said, errors = musig(
        "features", folder, "--out", out, "--jobs", 1, "--against", tmp_path / "echonest.csv"
    )
    assert code == 0
    found = {line.split()[0]: line.split()[1:] for line in said.splitlines() if "1.00 " in line}
    assert found["energy"][0] == "1.00" and found["energy"][-1] == "4"
    assert found["valence"][0] == "-1.00" and "loudness" not in found
    (folder / "b" / "tape.M4A").touch()
    (folder / "cover.jpg").touch()
    code, said, errors = musig("features", folder, "--out", out, "--jobs", 1)
    assert code == 0 and "1 sound file of other kinds passed over (.m4a)" in errors
    code, said, errors = musig("features", folder, "--out", out, "--against", tmp_path / "no.csv")
    assert code == 1 and "no.csv does not exist" in errors
