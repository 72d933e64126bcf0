"""When pages are drawn, and when they are kept."""

from importlib import metadata
from types import SimpleNamespace

import pytest

from musig.errors import MusigError
from musig.running import rendering


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project with a file of each kind, and a Jupyter Book that draws one page."""
    build = tmp_path / "_build"
    for name in (
        "README.md", "book/index.md", "notebooks/01.ipynb", "musig/one.py", "results/cells/a.json",
        "benchmarks/gpu.json", "_build/source/_config.yml", "_build/executed/smoke/01.ipynb",
        "_build/runs/01-smoke.json", "_build/runs/01-real.json", "tests/test_one.py",
    ):  # fmt: skip
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("text\n")

    def draw(command, **options):
        page = build / "html/index.html"
        page.parent.mkdir(parents=True, exist_ok=True)
        page.write_text((tmp_path / "book/index.md").read_text())
        return SimpleNamespace(returncode=int("wrong" in page.read_text()))

    monkeypatch.setattr(rendering.subprocess, "run", draw)
    return tmp_path


def made(root):
    """Draw the book if it has to be; say whether it was."""
    build = root / "_build"
    executed = {"notebooks/01.ipynb": build / "executed/smoke/01.ipynb"}
    key = rendering.drawn_from(root, build, executed, "smoke")
    index = rendering.kept(build, key)
    if index is None:
        assert rendering.render(build / "source", build, key) == build / "html/index.html"
        return True
    assert index == build / "html/index.html"
    return False


@pytest.mark.parametrize(
    "changed",
    [
        "README.md", "book/index.md", "book/_static/new.css", "notebooks/01.ipynb", "musig/one.py",
        "results/cells/a.json", "benchmarks/gpu.json", "_build/executed/smoke/01.ipynb",
        "_build/runs/01-smoke.json",
    ],
)  # fmt: skip
def test_a_book_is_kept_until_something_changes(project, changed):
    assert made(project)
    assert not made(project)
    (project / changed).parent.mkdir(exist_ok=True)
    (project / changed).write_text('"""Another docstring."""\n')
    assert made(project)
    assert not made(project)
    (project / changed).unlink()
    if "_build/executed" not in changed and changed != "book/index.md":
        assert made(project)


def test_what_no_page_tells_of_changes_nothing(project):
    assert made(project)
    (project / "tests/test_one.py").write_text("other")
    (project / "_build/runs/01-real.json").write_text("other")
    (project / ".hidden").write_text("other")
    (project / "book/index.md").touch()
    assert not made(project)


def test_another_package_draws_another_page(project, monkeypatch):
    assert made(project)
    one = SimpleNamespace(name="sphinx", version="0")
    monkeypatch.setattr(metadata, "distributions", lambda: [one])
    assert made(project) and not made(project)


def test_a_fingerprint_is_of_contents_and_of_what_draws_them(monkeypatch):
    """A package that does not say its name is one all the same."""
    first = rendering.fingerprint([("a", b"1"), ("b", b"2")])
    assert rendering.fingerprint([("b", b"2"), ("a", b"1")]) == first
    assert rendering.fingerprint([("a", b"2"), ("b", b"1")]) != first
    some = [SimpleNamespace(name=None, version=None), SimpleNamespace(name="sphinx", version="0")]
    monkeypatch.setattr(metadata, "distributions", lambda: some)
    assert rendering.fingerprint([("a", b"1"), ("b", b"2")]) != first


def test_a_page_that_is_missing_is_drawn_again(project):
    assert made(project)
    (project / "_build/html/index.html").unlink()
    assert made(project) and not made(project)
    (project / "_build/rendered.json").write_text("{")
    assert made(project) and not made(project)


def test_a_failed_build_forgets_what_it_read(project):
    """Otherwise a page whose warning was shown once would pass the second time."""
    assert made(project)
    doctrees = project / "_build/.doctrees"
    doctrees.mkdir()
    (project / "book/index.md").write_text("wrong\n")
    for _ in range(2):
        with pytest.raises(MusigError, match="was not built"):
            made(project)
    assert not doctrees.exists()
