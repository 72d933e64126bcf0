"""One visit to each page of a finished book, by a browser; many tests read what it saw.

Every page is opened as a reader would open it: from the folder, by ``file://``, where it is read at
three widths, in light and in dark, and looked at by axe-core; and from a server of this machine.
"""

from __future__ import annotations

import functools
import http.server
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome")
CHROMIUM = next(filter(None, map(shutil.which, NAMES)), None)
OPTIONS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
NOWHERE = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"
WIDE, TABLET, PHONE = (1280, 800), (768, 1024), (390, 844)
STANDARDS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
COLOURS = ["color-contrast"]
"""A rule that a theme may break; slow, and looked at last."""
NARROW = ["scrollable-region-focusable"]
"""A rule that a width may break."""
SHORTEN = """() => {
  const seen = {};
  for (const word of document.querySelectorAll('.highlight span[class], dt.sig span[class]')) {
    const place = word.closest('.output, .cell_input, dt.sig, pre')?.className;
    const kind = `${place} ${word.className} ${word.parentElement?.className}`;
    seen[kind] = (seen[kind] || 0) + 1;
    if (seen[kind] > 3) word.remove();
  }
  for (const many of ['article dl.py', 'table.indextable li', 'mjx-container'])
    [...document.querySelectorAll(many)].slice(40).forEach(one => one.remove());
}"""
"""What makes the rule of colours take minutes: words of code, of which three of a kind stay, and
entries of the reference, entries of the index and formulas, of each of which forty stay."""

LAY = """() => {
  const room = document.documentElement.clientWidth, wide = [];
  if (document.documentElement.scrollWidth > room)
    for (const one of document.querySelectorAll('main *'))
      if (one.getBoundingClientRect().right > room + 1) wide.push(one.outerHTML.slice(0, 150));
  return [document.documentElement.scrollWidth, wide.slice(0, 3)];
}"""
SETTLED = """async () => {
  await document.fonts.ready;
  if (window.MathJax && MathJax.startup) await MathJax.startup.promise;
  await new Promise(done => requestAnimationFrame(() => setTimeout(done, 50)));
}"""
FORMULAS = """() => {
  const all = [...document.querySelectorAll('article .math')];
  return {
    all: all.length,
    bare: all.filter(one => !one.querySelector('mjx-container')).map(one => one.textContent),
    wrong: [...document.querySelectorAll('mjx-merror')].map(one => one.textContent),
  };
}"""
UNDRAWN = """() => [...document.querySelectorAll('img')]
  .filter(one => one.complete && !one.naturalWidth).map(one => one.src)"""

BACKGROUND = "getComputedStyle(document.body).backgroundColor"


@dataclass
class Visit:
    """What was seen of one page."""

    name: str
    errors: list[str] = field(default_factory=list)
    """What the page wrote on the console as an error, or threw."""
    requests: dict[str, list[str]] = field(default_factory=dict)
    """All it asked for, by how it was opened: ``file`` or ``http``."""
    too_wide: list[str] = field(default_factory=list)
    """Where it scrolls sideways: width, theme, how wide, and the first elements beyond."""
    violations: list[dict] = field(default_factory=list)
    """What axe-core found, with the theme and the width."""
    formulas: dict = field(default_factory=dict)
    undrawn: list[str] = field(default_factory=list)
    """Pictures that are not there."""
    backgrounds: list[str] = field(default_factory=list)
    """Background of the page, for readers who like it light and who like it dark."""


@contextmanager
def browser() -> Iterator:
    """A headless chromium without a network."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as tool:
        one = tool.chromium.launch(executable_path=CHROMIUM, args=[*OPTIONS, NOWHERE])
        yield one
        one.close()


class _Silent(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """The address at which a folder is served on this machine."""
    handler = functools.partial(_Silent, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def listened(page, visit: Visit, how: str) -> None:
    """Note in a visit what a page asks for and complains of."""
    asked = visit.requests.setdefault(how, [])
    page.on("request", lambda request: asked.append(request.url))
    page.on("pageerror", lambda error: visit.errors.append(f"{how}: {error}"))
    page.on(
        "console",
        lambda told: visit.errors.append(f"{how}: {told.text}") if told.type == "error" else None,
    )


def axe(page, rules: list[str] | None = None) -> list[dict]:
    """What axe-core has against a page as it stands: some rules, or all but those of colour."""
    only = {"type": "rule", "values": rules} if rules else {"type": "tag", "values": STANDARDS}
    options = {"runOnly": only, "resultTypes": ["violations"], "preload": False}
    if not rules:
        options["rules"] = {name: {"enabled": False} for name in COLOURS}
    if not page.evaluate("typeof axe == 'object'"):
        from axe_playwright_python.base import AXE_SCRIPT

        page.evaluate(AXE_SCRIPT)
    return page.evaluate("options => axe.run(document, options)", options)["violations"]


def visit(chromium, html: Path, origin: str, name: str, with_axe: bool = True) -> Visit:
    """Look at one page, from its folder and from a server."""
    seen = Visit(name)
    for theme in ("light", "dark"):
        context = chromium.new_context(color_scheme=theme, reduced_motion="reduce")
        page = context.new_page()
        if theme == "light":
            listened(page, seen, "file")

        def check(place: str, rules: list[str] | None = None, page=page) -> None:
            found = axe(page, rules) if with_axe else []
            seen.violations += [{**each, "where": place} for each in found]

        for width, height in (WIDE, TABLET, PHONE):
            place = f"{theme}, {width} px"
            page.set_viewport_size({"width": width, "height": height})
            if width == WIDE[0]:
                page.goto((html / f"{name}.html").as_uri())
                page.evaluate(SETTLED)
                seen.backgrounds.append(page.evaluate(BACKGROUND))
            else:
                page.evaluate("new Promise(done => setTimeout(done, 60))")
            room, beyond = page.evaluate(LAY)
            if room > width:
                seen.too_wide.append(f"{place}: {room} px, {beyond}")
            if theme == "light" and width == WIDE[0]:
                seen.formulas = page.evaluate(FORMULAS)
                seen.undrawn = page.evaluate(UNDRAWN)
                check(place)
            elif theme == "light" and width == PHONE[0]:
                check(place, NARROW)
        page.set_viewport_size({"width": WIDE[0], "height": WIDE[1]})
        page.evaluate(SHORTEN)
        check(f"{theme}, {WIDE[0]} px", COLOURS)
        context.close()
    context = chromium.new_context()
    page = context.new_page()
    listened(page, seen, "http")
    page.goto(f"{origin}/{name}.html")
    page.evaluate(SETTLED)
    context.close()
    return seen
