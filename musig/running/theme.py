"""The book without what its theme ships and no page needs.

The theme brings the whole of Font Awesome to show some twenty icons: a script of 1.5 MB that every
page loads, three fonts, each twice, and two thousand rules of style. Here the icons that the pages
show become one small style sheet with their fonts inside; so a browser that takes no font from a
folder draws them as well. Source maps, unused translations and templates go.

Conventions
-----------
Works on the folder that Sphinx wrote, after every build; a page that is as it should be is not
written again. Icons are found by their classes in pages and scripts, and by their characters in
style sheets (Unicode's private area, where Font Awesome has them).

Contents
--------
- :func:`lighten`: the whole step; :func:`icons`: the style sheet of the icons that are used.
"""

from __future__ import annotations

import base64
import io
import re
import shutil
from collections.abc import Iterable
from pathlib import Path

SHEET = "_static/styles/icons.css"
UNUSED = ("locales", "*/*.map", "*-macros.html", "file.png")
"""In ``_static``, of the theme and of Sphinx: what no page loads."""
FACES = {
    "fa-solid-900": ("Font Awesome 6 Free", 900),
    "fa-regular-400": ("Font Awesome 6 Free", 400),
    "fa-brands-400": ("Font Awesome 6 Brands", 400),
}
"""Fonts of Font Awesome: family and weight."""
STYLES = {"far": "fa-regular-400", "fab": "fa-brands-400"}
STYLES |= {"fa-regular": "fa-regular-400", "fa-brands": "fa-brands-400"}
"""Classes that ask for another font than the solid one."""


def lighten(html: Path) -> None:
    """Take from a book what its pages do not need.

    Parameters
    ----------
    html : Path
        Folder that Sphinx wrote; changed in place. Doing it again changes nothing.

    Notes
    -----
    Notebook: 01_catalog
    """
    static = html / "_static"
    pages = {
        path: path.read_text("utf-8") for path in html.rglob("*.html") if static not in path.parents
    }
    for awesome in sorted((static / "vendor/fontawesome").glob("*")):
        ours = [path for path in static.rglob("*.css") if awesome not in path.parents]
        scripts = [path for path in static.glob("**/*.js") if awesome not in path.parents]
        marked = [*pages.values(), *(path.read_text("utf-8") for path in scripts)]
        styles = [path.read_text("utf-8") for path in ours if path != html / SHEET]
        (html / SHEET).write_text(icons(awesome, marked, styles), "utf-8")
        shutil.rmtree(awesome)
    for pattern in UNUSED:
        for path in static.glob(pattern):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    for path, text in pages.items():
        lighter = _page(text)
        if lighter != text:
            path.write_text(lighter, "utf-8")


def _page(text: str) -> str:
    """Let a page load the small style sheet in place of Font Awesome."""
    awesome = r'="(?P<up>[./]*)_static/vendor/fontawesome/[^"]*'
    text = re.sub(rf"<script src{awesome}\"></script>\n?", "", text)
    text = re.sub(rf'<link rel="preload" [^>]*href{awesome}" ?/>\n?', "", text)
    sheet = rf'<link href="\g<up>{SHEET}" rel="stylesheet" />'
    text = re.sub(rf'<link href{awesome}" rel="stylesheet" ?/>', sheet, text)
    # For screen readers: a list of references holds items, the column beside the page is a place
    # of its own, what unfolds a part of the contents has a name, and a corner heads nothing.
    text = text.replace('role="doc-biblioentry"', 'role="listitem"')
    column = '<div class="bd-sidebar-primary bd-sidebar"'
    text = text.replace(f"{column}>", f'{column} role="complementary" aria-label="The book">')
    text = re.sub(r"<th([^>]*)>(?:<p></p>)?</th>", r"<td\1></td>", text)
    named = r'\1<summary aria-label="Pages of: \2">'
    return re.sub(r"(>([^<>]+)</a><details[^>]*>)<summary>", named, text)


def icons(awesome: Path, marked: Iterable[str], styles: Iterable[str]) -> str:
    """Make the style sheet of the icons that are used.

    Parameters
    ----------
    awesome : Path
        Folder of Font Awesome, with ``css`` and ``webfonts``.
    marked : iterable of str
        Pages and scripts, whose classes name icons.
    styles : iterable of str
        Other style sheets, which name icons by their characters.

    Returns
    -------
    str
        Its rules for these icons, after fonts that hold no other character; with its licence.

    Notes
    -----
    Notebook: 01_catalog
    """
    rules = (awesome / "css/all.min.css").read_text("utf-8")
    licence = rules[: rules.index("*/") + 2]
    used = set(re.findall(r"\bfa[srb](?= fa-)|\bfa-[a-z0-9-]+", "\n".join(marked)))
    characters = set()
    for style in styles:
        characters |= set(re.findall("[\ue000-\uf8ff]", style))
        characters |= {chr(int(code, 16)) for code in re.findall(r"\\([ef][0-9a-f]{3})\b", style)}
    kept = []
    for selectors, body in re.findall(r"([^{}]+)\{([^{}]*)\}", rules[len(licence) :]):
        each = [one for one in selectors.split(",") if _asked(one, used)]
        if each:
            kept.append(f"{','.join(each)}{{{body}}}")
            characters |= {chr(int(code, 16)) for code in re.findall(r"\\([ef]\w{3})", body)}
    faces = ["fa-solid-900", *sorted({STYLES[name] for name in used & set(STYLES)})]
    fonts = [
        f"@font-face{{font-family:{FACES[face][0]!r};font-weight:{FACES[face][1]};"
        f"font-display:block;src:url(data:font/woff;base64,"
        f"{_font(awesome / 'webfonts' / f'{face}.ttf', characters)})}}"
        for face in faces
    ]
    return "\n".join([licence, *fonts, *kept, ""])


def _asked(selector: str, used: set[str]) -> bool:
    """Tell whether a rule is one of the fonts' names or of a class that is used."""
    if selector.strip() == ":root":
        return True
    name = re.match(r"\s*\.([a-z0-9-]+)", selector)
    return name is not None and name[1] in used


def _font(path: Path, characters: set[str]) -> str:
    """Take from a font its glyphs of some characters; as base64 of a WOFF file."""
    from fontTools import subset  # comes with matplotlib; slow to import

    # Of the font's names only its notices stay: a changed font may not go by a reserved name.
    options = subset.Options(
        layout_features=[], notdef_outline=False, hinting=False, name_IDs=[0, 13, 14]
    )
    font = subset.load_font(str(path), options)
    cutter = subset.Subsetter(options)
    cutter.populate(unicodes=[ord(character) for character in characters])
    cutter.subset(font)
    font.flavor = "woff"
    written = io.BytesIO()
    font.save(written)
    return base64.b64encode(written.getvalue()).decode("ascii")
