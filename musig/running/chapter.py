"""One chapter alone: run, drawn as a page, in seconds.

While a chapter is being written, or changed by a class, the whole book is too much. Here a small
book is made of it: the chapter, and the glossary and the bibliography that its words and citations
lead to. It is drawn by the same program with the same settings as the whole, so that what is wrong
with the page is told; what it says of pages that were left out cannot be checked, and is not.

Conventions
-----------
``make chapter N=05`` ends here; ``P="hops=1 epochs=5"`` gives parameters. ``_build/chapter/NAME``
holds the small book. A run without parameters of its own is that of the whole book, and kept for
it; one with parameters is kept apart. A page of which nothing changed is not drawn again.

Contents
--------
- :func:`lay_out`: the sources of the small book; :func:`unresolved`: what is wrong with the page;
- :func:`draw`: the page as HTML; :func:`main`: ``python -m musig.running.chapter``.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import yaml

from musig.errors import MusigError
from musig.files import aside
from musig.running import book, rendering

BESIDE = ("book/glossary", "book/bibliography")
"""Pages that are drawn with every chapter: its terms and citations lead there."""
_MISSING = re.compile(
    r"(?:target not found|undefined label|unknown document|reference target not found|No number is "
    r"assigned[^:]*|equation not found|Failed to create a cross reference[^:]*):? *"
    r"(?:['\"‘“]([^'\"’”]+)['\"’”]|(\S+))",
    re.I,
)
_COLOUR = re.compile(r"\x1b\[[\d;]*m")
_WARNED = re.compile(r"WARNING|ERROR|CRITICAL")


def lay_out(root: Path, executed: Path, record: Path, source: Path) -> str:
    """Write what Sphinx reads of the small book; only what changed.

    Parameters
    ----------
    root : Path
        Folder of the project.
    executed : Path
        The executed chapter.
    record : Path
        Its run record, for the lines under figures and tables.
    source : Path
        Folder for the sources, which keep their committed paths.

    Returns
    -------
    str
        Fingerprint of all of them, and of what draws them.

    Notes
    -----
    Notebook: 05_multitask_training
    """
    from musig.running import records

    page = f"notebooks/{executed.stem}"
    contents = {f"{page}.ipynb": book.signed(executed, records.load(record), root)}
    toc = {"format": "jb-book", "root": page, "chapters": [{"file": name} for name in BESIDE]}
    contents["book/_toc.yml"] = yaml.safe_dump(toc, sort_keys=False).encode("utf-8")
    others = [root / "_config.yml", root / "book/references.bib"]
    others += [root / f"{name}.md" for name in BESIDE]
    others += [path for path in (root / "book/_static").rglob("*") if path.is_file()]
    contents |= {path.relative_to(root).as_posix(): path.read_bytes() for path in others}
    book.write_changed(source, contents)
    return rendering.fingerprint(contents.items())


def unresolved(told: str, root: Path, page: str) -> list[str]:
    """Choose from what Sphinx told what is wrong with the page itself.

    Parameters
    ----------
    told : str
        Its messages, a line each.
    root : Path
        Folder of the project, which has the pages that were left out.
    page : str
        The chapter, without ending.

    Returns
    -------
    list of str
        Lines. References to what only a page that was left out has are no fault of this one, and
        messages on the pages beside it are passed over.

    Notes
    -----
    Notebook: 05_multitask_training
    """
    beside = {root / f"{name}.md" for name in BESIDE}
    away = [path for path in root.glob("notebooks/*.ipynb") if path.stem != Path(page).name]
    away += [path for path in root.glob("book/**/*.md") if path not in beside]
    texts = "\n".join(path.read_text("utf-8") for path in away)
    wrong = []
    for line in _COLOUR.sub("", told).splitlines():
        if _WARNED.search(line) and f"{page}.ipynb" in line.replace("\\", "/"):
            found = _MISSING.search(line)
            name = (found[1] or found[2]) if found else ""
            there = name and (
                (root / page).parent.joinpath(name.partition("#")[0]).is_file()
                or f"({name})" in texts  # a label, or that of an equation
                or f'"name": "{name}"' in texts  # of a figure
            )
            if not there:
                wrong.append(line.strip())
    return wrong


def draw(root: Path, source: Path, page: str) -> Path:
    """Draw the small book, and say what is wrong with its chapter.

    Parameters
    ----------
    root : Path
        Folder of the project.
    source : Path
        What :func:`lay_out` wrote.
    page : str
        The chapter, without ending.

    Returns
    -------
    Path
        The page.

    Raises
    ------
    MusigError
        With every message on the chapter, but for references to pages that were left out.

    Notes
    -----
    Notebook: 05_multitask_training
    """
    command = rendering.command(source, source.parent)
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    html = source.parent / "_build/html" / f"{page}.html"
    wrong = unresolved(f"{done.stdout}\n{done.stderr}", root, page)
    if wrong:
        shutil.rmtree(source.parent / "_build/.doctrees", ignore_errors=True)  # tell it again
        raise MusigError("\n".join([*wrong, f"{html} was drawn, with what is said above."]))
    if done.returncode or not html.is_file():
        last = "\n".join((done.stderr or done.stdout).strip().splitlines()[-5:])
        raise MusigError(f"The page was not drawn:\n{last}")
    return html


def build(
    chapter: str,
    profile: str = "classroom",
    parameters: Mapping[str, str] | None = None,
    *,
    data: str | None = None,
    out: Path = book.ROOT,
) -> Path:
    """Run one chapter and draw its page.

    Parameters
    ----------
    chapter : str
        As ``musig run`` takes it.
    profile : str
        A name in ``notebooks/profiles``.
    parameters : mapping, optional
        Values that go before the profile's.
    data : str, optional
        A folder to read instead of the profile's data set.
    out : Path
        Where to make ``_build``.

    Returns
    -------
    Path
        The page, ``.html``.

    Raises
    ------
    MusigError
        If the chapter, a parameter or the page is wrong.

    Notes
    -----
    Notebook: 05_multitask_training
    """
    from musig.running import runs
    from musig.running.profiles import find_notebook

    notebook, given = find_notebook(chapter), dict(parameters or {})
    whole = out.resolve() / "_build"
    alone = whole / "chapter" / notebook.stem
    place = alone if given else whole
    os.environ["MUSIG_RUNS"] = str(place / "runs")  # the kernel inherits it
    given |= {"data": data, "dataset": ""} if data else {}
    target = place / "executed" / profile / notebook.name
    runs.run_notebook(notebook, target, profile, given, progress=True)
    record = place / "runs" / f"{notebook.stem}-{profile}.json"
    key = lay_out(book.ROOT, target, record, alone / "source")
    page = f"notebooks/{notebook.stem}"
    stamp, html = alone / "drawn", alone / "_build/html" / f"{page}.html"
    if not (stamp.is_file() and stamp.read_text("utf-8") == key and html.is_file()):
        stamp.unlink(missing_ok=True)
        print("Drawing the page …", file=sys.stderr, flush=True)
        draw(book.ROOT, alone / "source", page)
        with aside(stamp) as passing:
            passing.write_text(key, "utf-8")
    return html


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one chapter and draw its page alone.

    Parameters
    ----------
    arguments : sequence of str, optional
        As on the command line.

    Returns
    -------
    int
        Exit code: 0 if all went well.

    Notes
    -----
    Notebook: 05_multitask_training
    """
    parser = argparse.ArgumentParser(
        prog="python -m musig.running.chapter", description=main.__doc__
    )
    parser.add_argument("chapter", help="number, name or path, for example 05")
    parser.add_argument("given", nargs="*", help="parameters, for example hops=1")
    parser.add_argument("--profile", default="classroom", help="a name in notebooks/profiles")
    parser.add_argument("--data", help="a folder to read instead of the profile's data set")
    parser.add_argument("--out", type=Path, default=book.ROOT, help="where to make _build")
    options = parser.parse_args(arguments)
    return book.exit_code(lambda: _chapter(options))


def _chapter(options: argparse.Namespace) -> int:
    pairs = [each.partition("=") for each in options.given]
    for name, sign, _ in pairs:
        if not sign:
            raise MusigError(f"{name!r} is no parameter with a value: write it as hops=1.")
    given = {name: value for name, _, value in pairs}
    html = build(options.chapter, options.profile, given, data=options.data, out=options.out)
    print(f"The page is ready. Open {html}")
    print("Its links to other chapters lead nowhere until `make book`.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
