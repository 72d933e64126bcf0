"""What the deterministic notebooks show on the smallest data, kept to notice every change.

``python tests/notebooks/make_expected.py`` writes ``expected/`` anew; look at its diff before
committing it. What may differ between two machines is masked: pictures, times, the commit, the
device. Numbers, tables and sentences are kept.
"""

from __future__ import annotations

import re
import sys
import tempfile
from pathlib import Path

import nbformat

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"
EXPECTED = Path(__file__).resolve().parent / "expected"
DETERMINISTIC = ("01_catalog", "04_music_graph")
PROFILE = "smoke"
PROVENANCE = re.compile(r"(no commit|commit \w+( with changes)?) · .* · [\d.]+ s")


def reduced(executed: Path) -> nbformat.NotebookNode:
    """Keep of an executed notebook what must come out the same again."""
    notebook = nbformat.read(executed, as_version=4)
    notebook.metadata = {"kernelspec": notebook.metadata["kernelspec"]}
    for cell in notebook.cells:
        tags = cell.metadata.get("tags", [])
        cell.metadata = {"tags": tags} if tags else {}
        if "injected-parameters" in tags:
            cell.id = "injected-parameters"  # papermill draws another one each time
            cell.source = cell.source.strip()
        if cell.cell_type == "code":
            cell.execution_count = None
            cell.outputs = [_reduced(output) for output in cell.outputs]
    return notebook


def _reduced(output: nbformat.NotebookNode) -> nbformat.NotebookNode:
    if "execution_count" in output:
        output.execution_count = None
    if "data" not in output:
        return output
    output.metadata.pop("musig", None)  # the whole run record: its line is shown, and enough
    data = {}
    for mime, text in output.data.items():
        if mime == "image/png":
            text = "a picture"
        elif mime == "text/plain" and "image/png" in output.data:
            continue  # the size of the picture, in pixels
        elif mime.startswith("text/"):
            text = PROVENANCE.sub("commit · device · seconds", text)
        data[mime] = text
    output.data = data
    return output


def main() -> None:
    """Run the notebooks and write what is kept of them."""
    from musig.running import runs

    EXPECTED.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        for name in DETERMINISTIC:
            executed = Path(folder) / f"{name}.ipynb"
            runs.run_notebook(NOTEBOOKS / f"{name}.ipynb", executed, PROFILE)
            nbformat.write(reduced(executed), EXPECTED / f"{name}.ipynb")
            print(f"wrote {EXPECTED / name}.ipynb", file=sys.stderr)


if __name__ == "__main__":
    main()
