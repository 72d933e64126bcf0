"""When pages are drawn, and when they are kept."""

import json
from types import SimpleNamespace

import pytest

from musig import cache
from musig.errors import MusigError
from musig.running import rendering


@pytest.fixture
def laid_out(tmp_path, monkeypatch):
    """Sources, a package, and a Jupyter Book that only counts how often it is asked."""
    source, package = tmp_path / "_build/source", tmp_path / "package"
    for path in (source / "book/index.md", package / "one.py"):
        path.parent.mkdir(parents=True)
        path.write_text("text\n")
    asked = []

    def draw(command, **options):
        asked.append(command)
        page = tmp_path / "_build/html/index.html"
        page.parent.mkdir(parents=True, exist_ok=True)
        page.write_text((source / "book/index.md").read_text())
        return SimpleNamespace(returncode="wrong" in page.read_text())

    key = rendering.drawn_from
    monkeypatch.setattr(rendering.subprocess, "run", draw)
    monkeypatch.setattr(rendering, "drawn_from", lambda source: key(source, package))
    return source, package, asked


def test_a_book_is_kept_until_something_changes(laid_out, monkeypatch):
    source, package, asked = laid_out
    build = source.parent

    def drawn():
        before = len(asked)
        assert rendering.render(source, build) == build / "html/index.html"
        return len(asked) > before

    assert drawn()
    assert not drawn()
    (source / "book/index.md").write_text("other\n")
    assert drawn() and not drawn()
    (source / "book/new.md").write_text("new\n")
    assert drawn() and not drawn()
    (source / "book/new.md").unlink()
    assert drawn() and not drawn()
    (package / "one.py").write_text('"""Another docstring."""\n')
    assert drawn() and not drawn()
    (build / "html/index.html").unlink()
    assert drawn() and not drawn()
    monkeypatch.setattr(cache, "versions", lambda names: {"sphinx": "0"})
    assert drawn() and not drawn()


def test_a_failed_build_forgets_what_it_read(laid_out):
    """Otherwise a page whose warning was shown once would pass the second time."""
    source, _, asked = laid_out
    build = source.parent
    rendering.render(source, build)
    (build / ".doctrees").mkdir()
    (source / "book/index.md").write_text("wrong\n")
    for attempt in (2, 3):
        with pytest.raises(MusigError, match="was not built"):
            rendering.render(source, build)
        assert len(asked) == attempt  # nothing of it is kept
    assert not (build / ".doctrees").exists()


def test_a_damaged_note_is_no_reason_to_keep(laid_out):
    source, _, asked = laid_out
    build = source.parent
    rendering.render(source, build)
    (build / "rendered.json").write_text(json.dumps({"drawn_from": "other", "files": {}}))
    rendering.render(source, build)
    (build / "rendered.json").write_text("{")
    rendering.render(source, build)
    assert len(asked) == 3
