"""The book: from notebooks, pages and recorded runs to HTML.

`make book` ends here. Every chapter is executed (or kept, if nothing it depends on changed), the
sources are laid out as Sphinx is to read them, and Jupyter Book builds the pages with warnings as
errors. Separating sources from outputs, and one list that says both what is executed and what is
in the table of contents, are habits of the projects named in the bibliography of the book.

Conventions
-----------
``_build/source`` mirrors the committed paths (``book/…``, ``notebooks/…``), so that relative links
mean the same in the repository and in the book, and launch links point at committed files. Only
files that changed are written there, so that Sphinx rebuilds only what changed. ``_build/html``
is the book.

Contents
--------
- :func:`chapters`: the notebooks, in the order of the table of contents;
- :func:`execute`: run them; :func:`assemble`: lay out the sources; :func:`signed`,
  :func:`write_changed`: its parts, for one chapter alone as well;
- :func:`exit_code`: how commands end; :func:`main`: ``python -m musig.running.book``.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from musig.errors import MusigError
from musig.files import aside
from musig.running import rendering

if TYPE_CHECKING:
    from musig.running.records import RunRecord

ROOT = Path(__file__).resolve().parents[2]
TEMPLATE = "notebooks/template/my_experiment.ipynb"
COPIED = ("_config.yml", "CONTRIBUTING.md", "CHANGES.md", "data/README.md", TEMPLATE)
FILLED = (
    "book/index.md",
    "book/reading.md",
    "book/ledger.md",
    "book/parameters.md",
    "book/model.md",
    "book/licences.md",
    "book/teach.md",
)
"""Pages with places that :func:`musig.running.publishing.fill` fills."""
STOPPED = 130  # what a shell gives for an interrupt


def listed(root: Path = ROOT) -> list[str]:
    """List every page of the table of contents, in order, without endings.

    Parameters
    ----------
    root : Path
        Folder of the project.

    Returns
    -------
    list of str
        For example ``["book/index", "book/reading", …]``.

    Notes
    -----
    Notebook: 01_catalog

    Examples
    --------
    >>> listed()[0]
    'book/index'
    """
    toc = yaml.safe_load((root / "book/_toc.yml").read_text(encoding="utf-8"))

    def below(entry: dict) -> list[str]:
        found = [entry["file"]] if "file" in entry else []
        for key in ("parts", "chapters", "sections"):
            for child in entry.get(key, []):
                found += below(child)
        return found

    return [toc["root"], *below(toc)]


def chapters(root: Path = ROOT) -> list[Path]:
    """Find the notebooks of the table of contents, in its order.

    Parameters
    ----------
    root : Path
        Folder of the project.

    Returns
    -------
    list of Path

    Raises
    ------
    MusigError
        If a notebook is listed but not there.

    Notes
    -----
    Notebook: 01_catalog
    """
    found = [root / f"{page}.ipynb" for page in listed(root) if page.startswith("notebooks/")]
    for path in found:
        if not path.is_file():
            raise MusigError(
                f"book/_toc.yml lists {path.relative_to(root)}, which does not exist: "
                "add the notebook or remove the line."
            )
    return found


def execute(
    notebooks: Sequence[Path], build: Path, profile: str, data: str | None = None
) -> dict[str, Path]:
    """Run notebooks with a profile; those whose inputs did not change are kept.

    Parameters
    ----------
    notebooks : sequence of Path
        Notebooks without outputs.
    build : Path
        Folder for what is produced.
    profile : str
        A name in ``notebooks/profiles``.
    data : str, optional
        A folder to read instead of the profile's data set.

    Returns
    -------
    dict of str to Path
        The executed notebook of each, by committed path.

    Raises
    ------
    MusigError
        If any notebook failed: all are tried, and those that failed are named.

    Notes
    -----
    Notebook: 01_catalog
    """
    from musig.running import runs  # papermill and its kernel client are slow to import

    os.environ["MUSIG_RUNS"] = str(build / "runs")  # kernels inherit it: where they leave records
    overrides = {} if data is None else {"data": data, "dataset": ""}
    out = build / "executed" / profile
    outcomes = runs.run_notebooks(notebooks, out, profile, overrides, progress=True)
    return {f"notebooks/{outcome.path.name}": outcome.path for outcome in outcomes}


def assemble(root: Path, build: Path, executed: dict[str, Path], profile: str) -> Path:
    """Lay out what Sphinx reads: pages, executed notebooks, the ledger.

    Parameters
    ----------
    root : Path
        Folder of the project.
    build : Path
        Folder for what is produced.
    executed : dict of str to Path
        Executed notebooks by committed path.
    profile : str
        Whose runs the ledger lists.

    Returns
    -------
    Path
        The folder, ``build / "source"``.

    Notes
    -----
    Notebook: 01_catalog
    """
    from musig.running import publishing, records

    source = build / "source"
    wanted = {p.relative_to(root).as_posix(): p for p in (root / "book").rglob("*") if p.is_file()}
    wanted |= {name: root / name for name in COPIED}
    contents = {name: path.read_bytes() for name, path in wanted.items()}
    manifests = [build / "runs" / f"{Path(name).stem}-{profile}.json" for name in executed]
    runs = [records.load(path) for path in manifests]
    for (name, path), record in zip(executed.items(), runs, strict=True):
        contents[name] = signed(path, record, root)
    for name in contents.keys() & set(FILLED):
        page = publishing.fill(contents[name].decode("utf-8"), runs, root / "results")
        contents[name] = page.encode("utf-8")

    for path in source.rglob("*"):
        if path.is_file() and path.relative_to(source).as_posix() not in contents:
            path.unlink()
    write_changed(source, contents)
    return source


def signed(executed: Path, record: RunRecord, root: Path = ROOT) -> bytes:
    """Give an executed notebook as a page shows it: its run, and how long it takes, are told.

    Parameters
    ----------
    executed : Path
        The executed notebook.
    record : RunRecord
        Of its run.
    root : Path
        Folder of the project, which holds what was timed.

    Returns
    -------
    bytes
        Its JSON, with the cells that :func:`musig.running.ledger.sign` adds.

    Notes
    -----
    Notebook: 06_playlist_completion
    """
    from musig.running import ledger, records, timing

    took = timing.told(root / timing.KEPT, record.notebook)
    notebook = json.loads(executed.read_text("utf-8"))
    told = ledger.sign(notebook, records.provenance(record), took)
    return (json.dumps(told, indent=1, ensure_ascii=False) + "\n").encode("utf-8")


def write_changed(folder: Path, contents: Mapping[str, bytes]) -> None:
    """Write files, and leave those alone that hold the same already.

    Parameters
    ----------
    folder : Path
        Where.
    contents : mapping of str to bytes
        By path in the folder.

    Notes
    -----
    Sphinx reads again what is newer than its page.

    Notebook: 01_catalog
    """
    for name, content in contents.items():
        path = folder / name
        if not path.is_file() or path.read_bytes() != content:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)


def exit_code(work: Callable[[], int]) -> int:
    """Do the work of a command, and tell in a sentence what ended it.

    Parameters
    ----------
    work : callable
        Gives an exit code.

    Returns
    -------
    int
        That code; 1 where what was given is wrong, 130 where a person stopped it.

    Notes
    -----
    Notebook: 01_catalog

    Examples
    --------
    >>> exit_code(lambda: 0)
    0
    """
    try:
        return work()
    except MusigError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopped. What is finished is kept.", file=sys.stderr)
        return STOPPED


def main(arguments: Sequence[str] | None = None) -> int:
    """Build the book, or bring the README's table of results up to date.

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
    Notebook: 01_catalog
    """
    parser = argparse.ArgumentParser(prog="python -m musig.running.book", description=main.__doc__)
    parser.add_argument("--profile", default="classroom", help="a name in notebooks/profiles")
    parser.add_argument("--data", help="a folder to read instead of the profile's data set")
    parser.add_argument("--out", type=Path, default=ROOT, help="where to make _build")
    parser.add_argument("--readme", action="store_true", help="only rewrite README's results")
    options = parser.parse_args(arguments)
    return exit_code(lambda: _readme() if options.readme else _book(options))


def _readme() -> int:
    from musig.running import publishing

    readme = ROOT / "README.md"
    text = publishing.fill_readme(readme.read_text(encoding="utf-8"), ROOT / "results")
    with aside(readme) as passing:
        passing.write_text(text, encoding="utf-8")
    return 0


def _book(options: argparse.Namespace) -> int:
    build = options.out.resolve() / "_build"
    executed = execute(chapters(), build, options.profile, options.data)
    key = rendering.drawn_from(ROOT, build, executed, options.profile)
    index = rendering.kept(build, key)
    if index is None:
        print("Building the pages …", flush=True)
        source = assemble(ROOT, build, executed, options.profile)
        index = rendering.render(source, build, key)
    print(f"The book is ready. Open {index}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
