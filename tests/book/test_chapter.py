"""One chapter alone: what `make chapter` does."""

import subprocess
import sys
from pathlib import Path

import pytest
from bs4 import BeautifulSoup

from musig.running import chapter

ROOT = Path(__file__).resolve().parents[2]
PAGE = "notebooks/05_multitask_training"


def warned(text, page=PAGE):
    return f"\x1b[91m/x/source/{page}.ipynb:10: WARNING: {text}\x1b[39;49;00m"


@pytest.mark.parametrize(
    "text",
    [
        "'myst' cross-reference target not found: '01_catalog.ipynb' [myst.xref_missing]",
        "'myst' cross-reference target not found: '../book/choices.md' [myst.xref_missing]",
        "undefined label: 'use-own-task' [ref.ref]",
    ],
)
def test_what_a_page_that_was_left_out_has_is_no_fault(text):
    assert chapter.unresolved(warned(text), ROOT, PAGE) == []


@pytest.mark.parametrize(
    "text",
    [
        "'myst' cross-reference target not found: '01_catalogue.ipynb' [myst.xref_missing]",
        "'myst' cross-reference target not found: '../book/none.md' [myst.xref_missing]",
        "undefined label: 'fig-of-nobody' [ref.ref]",
        "term not in glossary: 'wurlitzer' [ref.term]",
        'could not find bibtex key "nobody1999"',
        "Non-consecutive header level increase; H1 to H3 [myst.header]",
    ],
)
def test_what_is_wrong_with_the_page_is_told(text):
    (told,) = chapter.unresolved(warned(text), ROOT, PAGE)
    assert text in told and "\x1b" not in told
    assert chapter.unresolved(warned(text, "book/glossary"), ROOT, PAGE) == []


def test_nonsense_is_refused_in_a_sentence(tmp_path, capsys):
    for arguments, told in {
        ("99",): "There is no notebook '99'",
        ("05", "hops"): "'hops' is no parameter with a value: write it as hops=1.",
        ("05", "hop=1"): "did you mean 'hops'?",
        ("05", "hops=many"): "hops is 'many', expected a whole number",
    }.items():
        assert chapter.main([*arguments, "--out", str(tmp_path)]) == 1
        assert told in capsys.readouterr().err


@pytest.mark.slow
def test_a_chapter_is_run_and_drawn_alone_and_kept(tmp_path):
    def made(*more):
        command = [sys.executable, "-m", "musig.running.chapter", "01", *more]
        command += ["--profile", "smoke", "--out", str(tmp_path)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        path = Path(done.stdout.splitlines()[0].partition("Open ")[2])
        return done, path, BeautifulSoup(path.read_text("utf-8"), "html.parser")

    done, path, page = made()
    assert "executed in" in done.stderr and "Drawing" in done.stderr
    assert page.find("h1").get_text().startswith("Catalogue")
    assert page.select("article img") and page.select("article .provenance")
    assert "Playlist 0" in page.get_text()
    for link in page.select('article a[href*="glossary.html#"], article a[href*="bibliography"]'):
        assert (path.parent / link["href"].partition("#")[0]).is_file()
    written = path.stat().st_mtime_ns

    done, path, _ = made()  # nothing changed
    assert "unchanged, kept" in done.stderr and "Drawing" not in done.stderr
    assert path.stat().st_mtime_ns == written

    done, path, page = made("playlist=7")
    assert "Playlist 7" in page.get_text()
    kept = (tmp_path / "_build/executed/smoke/01_catalog.ipynb").read_text("utf-8")
    assert "Playlist 0" in kept and "Playlist 7" not in kept  # the book's own run is as it was
