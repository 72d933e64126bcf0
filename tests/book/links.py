"""The links of the book that leave it: listed here, and asked apart from the tests.

    python tests/book/links.py --list     # every address, and where it stands
    python tests/book/links.py --check    # ask each; exit code 1 if one does not answer

A test does not ask the network; a workflow does, once a week. An address is found in pages,
chapters, the bibliography, the README and docstrings. Those that need no answer are in ``ALLOWED``.
"""

from __future__ import annotations

import argparse
import http.client
import json
import re
import sys
import time
import urllib.error
import urllib.request
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SOURCES = ("*.md", "*.cff", "*.yml", "book/**/*.md", "book/*.bib", "data/*.md", "benchmarks/*.md")
SOURCES += ("workflow/*.md", "notebooks/*.ipynb", "musig/**/*.py", ".github/**/*.yml")
_PART = r"[^\s<>\"'`\\{}|^\[\]()]"
ADDRESS = re.compile(rf"https?://{_PART}+(?:\({_PART}*\){_PART}*)?")
DOI = re.compile(r"\bdoi(?:\s*=\s*[{\"]|:\s*)(10\.\d{4,}/[^\s}\",;)\]]+)", re.I)
ALLOWED = {
    r"https?://(localhost|127\.0\.0\.1|example\.(com|org))": "an example, which is nowhere",
    r"https://(github\.com|colab\.research\.google\.com/github)/musig/musig": "this project itself",
    r"https://(mybinder\.org/v2/gh/musig|musig\.github\.io)/musig": "this project itself",
    r"https://(os\.unil\.cloud\.switch\.ch/fma|raw\.githubusercontent\.com/.*/main)/$": (
        "the beginning of addresses in code"
    ),
    r"http://www\.w3\.org/\d{4}/": "the name of a format, no page",
}
"""Patterns of addresses that are not asked, and why."""
CLOSED = {HTTPStatus.FORBIDDEN, HTTPStatus.TOO_MANY_REQUESTS, 999}
"""Answers of publishers that let no program in: the page is there, and a person may read it."""
AGENT = "Mozilla/5.0 (compatible; link check of an open book)"
TRIES, PATIENCE = 3, 20


def addresses(root: Path = ROOT) -> dict[str, list[str]]:
    """Every address of the sources, and the files in which it stands."""
    found: dict[str, set[str]] = defaultdict(set)
    for pattern in SOURCES:
        for path in root.glob(pattern):
            text = path.read_text("utf-8")
            if path.suffix == ".ipynb":
                text = "\n".join("".join(cell["source"]) for cell in json.loads(text)["cells"])
            where = path.relative_to(root).as_posix()
            for address in ADDRESS.findall(text):
                found[address.rstrip(".,;:!?*_")].add(where)
            for doi in DOI.findall(text):
                found[f"https://doi.org/{doi.rstrip('.')}"].add(where)
    return {address: sorted(found[address]) for address in sorted(found)}


def allowed(address: str) -> str | None:
    """Why an address is not asked, or None."""
    return next((why for pattern, why in ALLOWED.items() if re.match(pattern, address)), None)


def asked(address: str, tries: int = TRIES, patience: float = PATIENCE) -> str | None:
    """What is wrong with an address, or None; what may pass is asked again after a while."""
    wrong = None
    for attempt in range(tries):
        time.sleep(attempt * 5)
        for method in ("HEAD", "GET"):  # some servers know only one of them
            request = urllib.request.Request(
                address.partition("#")[0], method=method, headers={"User-Agent": AGENT}
            )
            try:
                with urllib.request.urlopen(request, timeout=patience):
                    return None
            except urllib.error.HTTPError as error:
                wrong = f"{error.code} {error.reason}"
                if error.code in CLOSED:
                    return None
            except (OSError, ValueError, http.client.HTTPException) as error:
                wrong = str(error) or type(error).__name__
        if wrong.startswith(("404", "410")):
            break  # gone is gone
    return wrong


def main(arguments: list[str] | None = None) -> int:
    """List or ask the links that leave the book."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--list", action="store_true", help="say every address and where it stands")
    what.add_argument("--check", action="store_true", help="ask every address; needs a network")
    options = parser.parse_args(arguments)
    found = addresses()
    if options.list:
        for address, where in found.items():
            why = allowed(address)
            print(f"{address}\t{', '.join(where)}" + (f"\tnot asked: {why}" if why else ""))
        return 0
    waiting = [address for address in found if not allowed(address)]
    with ThreadPoolExecutor(8) as pool:
        answers = dict(zip(waiting, pool.map(asked, waiting), strict=True))
    broken = {address: wrong for address, wrong in answers.items() if wrong}
    for address, wrong in broken.items():
        print(f"{address}: {wrong}; in {', '.join(found[address])}", file=sys.stderr)
    print(f"{len(waiting)} addresses asked, {len(broken)} without an answer.")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
