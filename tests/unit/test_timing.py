"""What was timed is kept with what it was timed on."""

import json

import pytest

from musig.errors import MusigError
from musig.running import book, exercises, teaching, timing
from musig.running.profiles import find_notebook

ABOUT = {"profile": "classroom", "threads": 1, "cores": 2, "machine": "x", "python": "3"}
MADE = {"commit": "a" * 40, "when": "2026-01-01T00:00:00+00:00"}
ONE = {"seconds": 1.0, "cpu_seconds": 1.0, "exercises": {}}


@pytest.fixture
def out(tmp_path, monkeypatch):
    """Give a place for the file, and make timing take no time."""
    monkeypatch.setattr(timing, "time_chapter", lambda chapter, profile, wanted: dict(ONE))
    took = {"seconds": 1.0, "cpu_seconds": 1.0}
    monkeypatch.setattr(
        timing, "time_book", lambda profile: {name: dict(took) for name in timing.BUILDING}
    )
    return tmp_path / "times.json"


def test_every_entry_has_its_own_commit_and_time(out, monkeypatch):
    for commit, arguments in {"a": ["04", "05"], "b": ["05"], "c": ["--book"]}.items():
        monkeypatch.setattr(timing, "git_state", lambda commit=commit: (commit * 40, False))
        assert timing.main([*arguments, "--out", str(out)]) == 0
    kept = timing.read(out)
    chapters, building = kept["chapters"].items(), kept["building"].values()
    commits = {name[:2]: one["commit"][0] for name, one in chapters}
    assert commits == {"04": "a", "05": "b"}
    assert {one["commit"][0] for one in building} == {"c"}
    assert not set(timing.MADE) & set(kept)
    assert all(one["when"][:2] == "20" for _, one in chapters)
    assert f"commit {'a' * 9}, {'b' * 9}, " in teaching.times_table(kept)


@pytest.mark.parametrize("changed", ["--profile smoke", "cores", "machine", "python"])
def test_times_of_another_kind_are_refused(out, changed, capsys):
    assert timing.main(["04", "--out", str(out)]) == 0
    before = json.loads(out.read_text())
    options = changed.split() if changed[0] == "-" else []
    if not options:
        out.write_text(json.dumps(before | {changed: 99}))
    kept = out.read_text()
    assert timing.main(["05", "--out", str(out), *options]) == 1
    assert f"{changed.split()[0].strip('-')} " in capsys.readouterr().err
    assert out.read_text() == kept


def test_what_is_the_same_for_all_may_stand_at_the_top(tmp_path):
    path = tmp_path / "times.json"
    other = ONE | {"commit": "b" * 40}
    path.write_text(json.dumps({**ABOUT, **MADE, "chapters": {"01_a": ONE, "02_b": other}}))
    kept = timing.read(path)
    assert [one["commit"][0] for one in kept["chapters"].values()] == ["a", "b"]
    assert kept["chapters"]["02_b"]["when"] == MADE["when"]


@pytest.mark.parametrize(
    "wrong",
    [
        [],
        [1],
        {"chapters": []},
        {"chapters": {"05": 1}},
        {"chapters": {"05": ONE | {"exercises": {"05.1": {}}}}},
        {"chapters": {}, "profile": None} | {name: 1 for name in timing.ABOUT[2:]},
        {**ABOUT, "chapters": {"05": ONE}},
        {**ABOUT, **MADE, "chapters": {}, "building": {"book": ONE}},
    ],
)
def test_a_file_that_holds_something_else_is_refused(tmp_path, wrong):
    path = tmp_path / "times.json"
    path.write_text(json.dumps(wrong))
    with pytest.raises(MusigError, match="does not hold the times"):
        timing.read(path)


def test_one_who_stops_it_is_told_and_what_was_timed_is_kept(out, monkeypatch, capsys):
    def stopped(chapter, profile, wanted):
        if "05" in chapter:
            raise KeyboardInterrupt
        return dict(ONE)

    monkeypatch.setattr(timing, "time_chapter", stopped)
    assert timing.main(["04", "05", "06", "--out", str(out)]) == book.STOPPED == 130
    assert "Stopped. What is finished is kept." in capsys.readouterr().err
    assert list(timing.read(out)["chapters"]) == ["04_music_graph"]


def test_the_runs_of_an_exercise_are_those_of_its_commands():
    for one in exercises.exercises(find_notebook("04")):
        assert len(one.runs) == sum(line.startswith("musig run") for line in one.commands)
        assert all(path.is_file() for path, _ in one.runs)
