"""Plans of sessions, and the minutes of the machine."""

import json
import os
import sys
from pathlib import Path

import pytest

from musig.errors import MusigError
from musig.running import book, exercises, teaching, timing
from musig.running.profiles import find_notebook

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / teaching.PAGE).read_text("utf-8")
KEPT = ROOT / "book/times.json"
PLANS = [pytest.param(plan, id=f"{plan.minutes} minutes") for plan in teaching.plans(PAGE)]
MADE = {"commit": "f" * 40, "when": "2026-01-01T00:00:00+00:00"}
HEAD = "| minutes | what | notebook | exercise |\n| --- | --- | --- | --- |\n"


def times(**seconds):
    """Times as they are kept, for chapters by their number: seconds, or seconds of exercises."""
    chapters = {}
    for key, value in seconds.items():
        notebook = find_notebook(key[1:3]).stem
        blank = {"seconds": 1.0, "cpu_seconds": 1.0, "exercises": {}} | MADE
        one = chapters.setdefault(notebook, blank)
        if len(key) == 3:
            one["seconds"] = value
        else:
            one["exercises"][f"{key[1:3]}.{key[3:]}"] = {"seconds": value, "cpu_seconds": value}
    about = {"profile": "classroom", "threads": 1, "cores": 2, "machine": "x86_64"}
    return {**about, "python": "3.12.1", "chapters": chapters}


def test_there_are_three_plans_whose_minutes_add_up():
    plans = teaching.plans(PAGE)
    assert [plan.minutes for plan in plans] == [50, 120, 240]
    assert [teaching.short(plan, {}) for plan in plans] == [[], [], []]


@pytest.mark.parametrize("plan", PLANS)
def test_a_plan_names_chapters_and_exercises_that_there_are(plan):
    for row in plan.rows:
        for number in row.chapters:
            assert find_notebook(number).stem.startswith(f"{number}_")
        for name in row.exercises:
            there = exercises.exercises(find_notebook(name[:2]))
            assert name in [one.name for one in there]
    opened = [number for row in plan.rows for number in row.chapters]
    assert {name[:2] for row in plan.rows for name in row.exercises} <= set(opened)


@pytest.mark.parametrize("plan", PLANS)
def test_no_exercise_of_a_plan_needs_a_folder_of_ones_own(plan):
    for name in [name for row in plan.rows for name in row.exercises]:
        (one,) = [e for e in exercises.exercises(find_notebook(name[:2])) if e.name == name]
        assert not any("FOLDER" in line or "~" in line for line in one.commands)


@pytest.mark.parametrize("plan", PLANS)
def test_a_plan_has_time_for_its_runs(plan):
    assert teaching.short(plan, timing.read(KEPT)) == []


def test_every_chapter_was_timed():
    missing = {path.stem for path in book.chapters()} - set(timing.read(KEPT)["chapters"])
    assert not missing, "not timed: python -m musig.running.timing " + " ".join(sorted(missing))


def test_what_does_not_fit_is_said():
    plan = teaching.plans(f"(plan-5)=\n{HEAD}| 2 | run | 04 | 04.2 |\n| 3 | again | 04 | |")[0]
    assert teaching.short(plan, times(c04=30.0, c042=29.0)) == []
    (told,) = teaching.short(plan, times(c04=40.0, c042=29.0))
    assert "'run' has 2 minutes" in told and "2.3" in told
    assert teaching.short(plan, times(c04=1.0)) == ["04.2 was not timed."]
    assert teaching.short(plan, times(c05=1.0)) == ["04 was not timed.", "04.2 was not timed."]


def test_a_chapter_is_run_where_it_is_named_first_and_paper_takes_no_time():
    plan = teaching.plans(f"(plan-5)=\n{HEAD}| 2 | run | 04 | 04.1 |\n| 3 | again | 04 | |")[0]
    assert teaching.work(plan, times(c04=9.0)) == [{"04": 9.0, "04.1": 0.0}, {}]


@pytest.mark.parametrize(
    ("table", "told"),
    [
        ("no table", "has no table"),
        ("| minutes | what |\n| - | - |\n| 5 | x |", "has no table"),
        (f"{HEAD}| five | x | | |", "expected minutes"),
        (f"{HEAD}| 5 | x | |", "expected minutes"),
    ],
)
def test_a_plan_that_cannot_be_read_is_named(table, told):
    with pytest.raises(MusigError, match=f"plan of 5 minutes.*{told}"):
        teaching.plans(f"(plan-5)=\n{table}")


def test_the_page_says_that_nothing_was_timed():
    page = teaching.fill(PAGE, {})
    assert page.count(teaching.NOT_TIMED) == 4 and "<!-- teach" not in page


def test_the_page_is_filled_with_links_titles_and_seconds():
    text = f"{teaching.TIMES}\n(plan-5)=\n{HEAD}| 5 | 04 minutes | 04 | 04.2 |\n\n{teaching.SUM}\n"
    page = teaching.fill(text, times(c04=61.0, c042=20.0))
    assert "[04 Music graph](../notebooks/04_music_graph.ipynb)" in page
    assert 'href="../notebooks/04_music_graph.html#try-it">04.2</a> a higher threshold |' in page
    assert "| 5 | 04 minutes |" in page  # only the cells of notebooks and exercises are linked
    assert "1.4 of these 5 minutes" in page and "| 61 | 1 | 04.2: 20 |" in page
    with pytest.raises(MusigError, match=r"exercise 04\.9"):
        teaching.fill(text.replace("04.2", "04.9"), {})


def test_a_command_is_timed_with_what_it_starts():
    work = "sum(i * i for i in range(4_000_000))"
    starts = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {work!r}])"
    found = timing.timed([sys.executable, "-c", starts], {})
    assert found["seconds"] > 0.05
    if os.name != "nt":  # where the processor's time of children is always 0
        assert found["cpu_seconds"] > 0.05
    with pytest.raises(MusigError, match=r"could not be timed[^\n]*\nno such thing"):
        timing.timed([sys.executable, "-c", "raise SystemExit('no such thing')"], {})


def test_times_are_kept_after_each_chapter(tmp_path, monkeypatch, capsys):
    out, asked = tmp_path / "times.json", []

    def one(chapter, profile, wanted):
        asked.append(Path(chapter).stem)
        if len(asked) == 3:
            raise MusigError("The third failed.")
        return {"seconds": 1.0, "cpu_seconds": 1.0, "exercises": {}}

    monkeypatch.setattr(timing, "time_chapter", one)
    assert timing.main(["05", "04", "06", "--out", str(out)]) == 1
    assert "The third failed." in capsys.readouterr().err
    kept = timing.read(out)
    assert list(kept["chapters"]) == ["04_music_graph", "05_multitask_training"]
    assert (kept["profile"], kept["threads"]) == ("classroom", 1)
    asked[:] = []
    assert timing.main(["01", "--out", str(out)]) == 0
    assert len(timing.read(out)["chapters"]) == 3


def test_a_file_that_holds_something_else_is_refused(tmp_path):
    path = tmp_path / "times.json"
    path.write_text(json.dumps({"chapters": {"05": {"seconds": 1}}}))
    with pytest.raises(MusigError, match="does not hold the times"):
        timing.read(path)


@pytest.mark.slow
def test_a_chapter_is_timed_with_its_exercises():
    found = timing.time_chapter("01", "smoke", ["01.1", "01.3", "05.1"])
    assert set(found["exercises"]) == {"01.1"}
    assert found["exercises"]["01.1"]["seconds"] > 1
    if os.name != "nt":
        assert found["cpu_seconds"] > 1  # the kernel's are counted as well
