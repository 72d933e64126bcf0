"""The picture of the landing page: MUSIG in ten seconds, drawn from ten tracks and seven playlists.

Playlists become a weighted graph; three kinds of knowledge flow into the embedding of a track, and
three tasks pull at it; a playlist is completed. The edges and the completion are computed from the
playlists below. The shades of the embedding are for show.

Conventions
-----------
Coordinates are pixels of the drawing. There are two: ``wide`` for a page, ``narrow`` for a phone,
in which the three cards stand one under the other. Inside the book colours are those of its theme
(``--pst-color-…``); alone, as in the README, the drawing brings its own ground and follows the
reader's system. What a colour says is also said by a shape and a letter.

Contents
--------
- :data:`KINDS`, :data:`PLAYLISTS`, :data:`SEEDS`: what is drawn.
- :func:`weights`: its edges; :func:`completion`: which tracks come next.
- :func:`drawing`: the SVG; :func:`main`: ``python -m musig.pages.picture`` writes both.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence
from itertools import combinations
from pathlib import Path

from musig.files import aside

ROOT = Path(__file__).resolve().parents[2]
FILES = {"wide": "book/_static/musig.svg", "narrow": "book/_static/musig-narrow.svg"}
"""Where each drawing is kept."""

KINDS = {"blue": "ABCD", "orange": "EFG", "green": "HIJ"}
"""The ten tracks by their genre, which is a colour and a shape."""
PLAYLISTS = ("ABCD", "BDA", "CDF", "EFG", "GFEH", "HIJG", "JIH")
SEEDS = "CA"
"""What the playlist holds that is to be completed."""
WANTED = 3
PLACES = {
    **{"A": (22, 40), "B": (92, 18), "C": (34, 112), "D": (112, 84)},
    **{"E": (178, 24), "F": (176, 122), "G": (222, 74), "H": (276, 24), "I": (304, 92)},
    "J": (250, 130),
}
FOCUS = "D"  # whose embedding is shown
SHADES = (0.9, 0.25, 0.6, 0.12, 0.75, 0.4, 1.0, 0.3)
KNOWLEDGE = ("neighbours", "sound", "genre")
TASKS = (("in one", "playlist?"), ("alike", "in sound?"), ("of which", "genre?"))
TITLE = "MUSIG in one picture"
TEXT = (
    "Seven playlists over ten tracks become a graph. Two tracks that share a playlist are joined, "
    "by a thicker line the more they share. The neighbours of a track, its sound and its genre "
    "flow into its embedding, a row of numbers. Three tasks pull at the embedding: which tracks "
    "are in one playlist, which sound alike, and of which genre a track is. A playlist that holds "
    "{seeds} is then completed with {added}."
)
STYLE = """
.musig-picture { --ink: var(--pst-color-text-base, #1b1f24); --edge: #8b949e;
  --hue: var(--musig-hue, #6f42c1); --soft: var(--pst-color-text-muted, #57606a);
  --line: var(--pst-color-border, #c4cad1);
  --card: var(--pst-color-surface, #f4f6f8); --ground: none; --number: #fff;
  font-family: system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
html[data-theme="dark"] .musig-picture { --edge: #768390; --number: #14181e; }
:root.musig-picture { --ground: #fff; }
@media (prefers-color-scheme: dark) { :root.musig-picture { --ink: #e6edf3; --soft: #9ea7b3;
  --line: #3d444d; --card: #1c222a; --hue: #b392f0; --edge: #768390; --number: #14181e;
  --ground: #0d1117; } }
.musig-picture text { fill: var(--ink); font-size: 14px; }
.musig-picture .title { font-size: 17px; font-weight: 650; }
.musig-picture .soft { fill: var(--soft); }
.musig-picture :is(.letter, .numeral) { font-weight: 650; text-anchor: middle; }
.musig-picture .letter { fill: #fff; }
.musig-picture .numeral { fill: var(--number); }
.musig-picture .mid { text-anchor: middle; }
.musig-picture .ground { fill: var(--ground); }
.musig-picture .panel { fill: var(--card); stroke: var(--line); }
.musig-picture .pill { fill: var(--ground); stroke: var(--line); stroke-width: 1.5; }
.musig-picture .bar { fill: var(--line); }
.musig-picture .edge { stroke: var(--edge); stroke-linecap: round; }
.musig-picture .ink { fill: var(--ink); }
.musig-picture .icon { fill: none; stroke: var(--ink); stroke-width: 2.25; stroke-linecap: round;
  stroke-linejoin: round; }
.musig-picture .hue, .musig-picture .cell { fill: var(--hue); }
.musig-picture .flow, .musig-picture .spring, .musig-picture .frame { fill: none;
  stroke: var(--hue); stroke-width: 2; stroke-linejoin: round; }
.musig-picture .ring { fill: none; stroke: var(--hue); stroke-width: 3; }
.musig-picture .new { fill: none; stroke: var(--hue); stroke-width: 2; stroke-dasharray: 4 3; }
.musig-picture .blue { fill: #0072b2; }
.musig-picture .orange { fill: #b84f00; }
.musig-picture .green { fill: #007a59; }
"""


def weights(playlists: Sequence[str] = PLAYLISTS) -> dict[tuple[str, str], int]:
    """Count how many playlists each two tracks share.

    Parameters
    ----------
    playlists : sequence of str
        A letter is a track.

    Returns
    -------
    dict
        By pair, in the order of the letters.

    Notes
    -----
    Notebook: 04_music_graph

    Examples
    --------
    >>> weights(["ABC", "BA"])
    {('A', 'B'): 2, ('A', 'C'): 1, ('B', 'C'): 1}
    """
    pairs = (pair for tracks in playlists for pair in combinations(sorted(set(tracks)), 2))
    return dict(sorted(Counter(pairs).items()))


def completion(
    seeds: str = SEEDS, playlists: Sequence[str] = PLAYLISTS, k: int = WANTED
) -> list[tuple[str, int]]:
    """Rank the other tracks by the weight of their edges to the seeds.

    Parameters
    ----------
    seeds : str
        The tracks that are given.
    playlists : sequence of str
        Of which the graph is made.
    k : int
        How many are wanted.

    Returns
    -------
    list of tuple
        Track and sum of weights, the best first; among equals the earlier letter.

    Notes
    -----
    Notebook: 06_playlist_completion

    Examples
    --------
    >>> completion("A", ["ABC", "BA"])
    [('B', 2), ('C', 1)]
    """
    scores: Counter[str] = Counter()
    for pair, weight in weights(playlists).items():
        for one, other in (pair, pair[::-1]):
            if one in seeds and other not in seeds:
                scores[other] += weight
    return sorted(scores.items(), key=lambda item: (-item[1], item[0]))[:k]


def _text(x: float, y: float, words: str, name: str = "") -> str:
    kind = f' class="{name}"' if name else ""
    return f'<text x="{x:g}" y="{y:g}"{kind}>{words}</text>'


def _kind(track: str) -> str:
    return next(kind for kind, tracks in KINDS.items() if track in tracks)


def _outline(track: str, x: float, y: float, r: float, name: str) -> str:
    """Draw the shape of a track's genre: a circle, a square or a diamond of like area."""
    kind = _kind(track)
    if kind == "blue":
        return f'<circle class="{name}" cx="{x:g}" cy="{y:g}" r="{r:g}"/>'
    if kind == "orange":
        a = 0.9 * r
        return (
            f'<rect class="{name}" x="{x - a:g}" y="{y - a:g}" width="{2 * a:g}" '
            f'height="{2 * a:g}" rx="3"/>'
        )
    a = 1.28 * r
    return (
        f'<path class="{name}" d="M{x:g} {y - a:g} L{x + a:g} {y:g} L{x:g} {y + a:g} '
        f'L{x - a:g} {y:g} Z" stroke-linejoin="round"/>'
    )


def _track(track: str, x: float, y: float, r: float = 12) -> str:
    return _outline(track, x, y, r, _kind(track)) + _text(x, y + 5, track, "letter")


def _card(number: int, title: str, width: float, height: float) -> list[str]:
    return [
        f'<rect class="panel" x="0.75" y="0.75" width="{width - 1.5:g}" '
        f'height="{height - 1.5:g}" rx="14"/>',
        '<circle class="hue" cx="26" cy="28" r="12"/>',
        f'<text class="numeral" x="26" y="33">{number}</text>',
        _text(46, 34, title, "title"),
    ]


def _playlists(width: float, height: float) -> list[str]:
    """Draw a row a playlist, and what they tell."""
    parts = _card(1, "Playlists", width, height)
    columns = 1 if width < height else 2
    rows = -(-len(PLAYLISTS) // columns)
    wide, pitch = (width - 20) / columns - 8, (height - 126) / (rows - 1)
    for number, tracks in enumerate(PLAYLISTS):
        x, y = 14 + number // rows * (wide + 8), 70 + number % rows * pitch
        parts += [
            f'<rect class="pill" x="{x:g}" y="{y - 17:g}" width="{wide:g}" height="34" rx="17"/>',
            f'<path class="soft" d="M{x + 14:g} {y - 6:g} l11 6 l-11 6 z"/>',
            *(_track(track, x + 43 + 29 * place, y, 10.5) for place, track in enumerate(tracks)),
        ]
    parts.append(_text(width / 2, height - 14, "who put what together", "soft mid"))
    return parts


def _graph(width: float, height: float) -> list[str]:
    """Draw the graph, each edge as thick as its weight, and a ring around one track."""
    parts = _card(2, "Music graph", width, height)
    left, top = (width - 326) / 2, 50
    at = {track: (left + x, top + y) for track, (x, y) in PLACES.items()}
    for (one, other), weight in weights().items():
        (x1, y1), (x2, y2) = at[one], at[other]
        parts.append(
            f'<line class="edge" x1="{x1:g}" y1="{y1:g}" x2="{x2:g}" y2="{y2:g}" '
            f'stroke-width="{3 * weight - 1.5:g}"/>'
        )
    parts += [_track(track, x, y) for track, (x, y) in at.items()]
    x, y = at[FOCUS]
    parts.append(f'<circle class="ring" cx="{x:g}" cy="{y:g}" r="18"/>')
    parts.append(_text(width / 2, height - 14, "thicker: in more playlists together", "soft mid"))
    return parts


def _icon(what: str, x: float, y: float) -> str:
    """Draw joined dots, a wave or a label, about 24 wide."""
    if what == "neighbours":
        dots = ((-9, 5), (0, -7), (9, 5))
        lines = (
            f'<path class="icon" d="M{x - 9:g} {y + 5:g} L{x:g} {y - 7:g} L{x + 9:g} {y + 5:g}"/>'
        )
        return lines + "".join(
            f'<circle class="ink" cx="{x + dx:g}" cy="{y + dy:g}" r="3.5"/>' for dx, dy in dots
        )
    if what == "sound":
        bars = zip((-12, -6, 0, 6, 12), (3, 8, 5, 10, 4), strict=True)
        path = " ".join(f"M{x + dx:g} {y - h:g} V{y + h:g}" for dx, h in bars)
        return f'<path class="icon" d="{path}"/>'
    path = f"M{x - 12:g} {y - 8:g} h16 l9 8 l-9 8 h-16 Z"
    dot = f'<circle class="ink" cx="{x + 4:g}" cy="{y:g}" r="2"/>'
    return f'<path class="icon" d="{path}"/>{dot}'


def _spring(x1: float, y1: float, x2: float, y2: float, coils: int = 5) -> str:
    """Draw a spring that pulls from one point to the other."""
    steps = 2 * coils
    along, across = (x2 - x1, y2 - y1), (y2 - y1, x1 - x2)
    length = (along[0] ** 2 + along[1] ** 2) ** 0.5
    points = [(x1, y1)]
    for step in range(1, steps):
        share, side = 0.15 + 0.7 * step / steps, 5 * (-1) ** step / length
        points.append(
            (x1 + share * along[0] + side * across[0], y1 + share * along[1] + side * across[1])
        )
    path = " L".join(f"{x:.1f} {y:.1f}" for x, y in [*points, (x2, y2)])
    return f'<path class="spring" d="M{path}"/><circle class="hue" cx="{x2:g}" cy="{y2:g}" r="4"/>'


def _embedding(width: float, height: float) -> list[str]:
    """Draw what flows into the embedding of a track, and what pulls at it."""
    parts = _card(3, "Embedding", width, height)
    middle, cell = width / 2, 22
    columns = (middle - 108, middle, middle + 108)
    strip, top, low = middle - 4 * cell, 126, 150
    for number, (what, x) in enumerate(zip(KNOWLEDGE, columns, strict=True)):
        end = middle + (number - 1) * 60
        parts += [
            _icon(what, x, 62),
            _text(x, 92, what, "mid"),
            f'<path class="flow" d="M{x:g} 98 C{x:g} 114 {end:g} 102 {end:g} {top - 9}"/>',
            f'<path class="hue" d="M{end - 6:g} {top - 10} h12 l-6 9 z"/>',
        ]
    parts += [
        f'<rect class="cell" x="{strip + number * cell:g}" y="{top}" width="{cell}" '
        f'height="{low - top}" fill-opacity="{shade}"/>'
        for number, shade in enumerate(SHADES)
    ]
    frame = f'x="{strip:g}" y="{top}" width="{8 * cell}" height="{low - top}"'
    parts += [
        f'<rect class="frame" {frame} rx="4"/>',
        _track(FOCUS, strip - 24, (top + low) / 2),
    ]
    for number, (lines, x) in enumerate(zip(TASKS, columns, strict=True)):
        parts.append(_spring(middle + (number - 1) * 60, low, x, low + 38))
        parts += [_text(x, low + 59 + 17 * n, line, "mid") for n, line in enumerate(lines)]
    parts.append(_text(middle, height - 14, "three tasks pull at it", "soft mid"))
    return parts


def _completed(width: float, height: float) -> list[str]:
    """Draw a playlist of which the seeds are given, and the rest is added."""
    parts = _card(4, "Completion", width, height)
    found = completion()
    tracks = [*SEEDS, *(track for track, _ in found)]
    if width > height:  # side by side
        steps = [40 + 56 * n + (28 if n >= len(SEEDS) else 0) for n in range(len(tracks))]
        at = [(x, 92.0) for x in steps]
    else:
        pitch = (height - 186) / (len(tracks) - 1)
        at = [(36, 94 + pitch * n + (36 if n >= len(SEEDS) else 0)) for n in range(len(tracks))]
    for words, (x, y) in (("given", at[0]), ("added", at[len(SEEDS)])):
        parts.append(_text(x - 18, y - 26, words, "soft"))
    for number, (track, (x, y)) in enumerate(zip(tracks, at, strict=True)):
        new = number - len(SEEDS)
        parts.append(_track(track, x, y))
        if new >= 0:
            parts.append(_outline(track, x, y, 17, "new"))
        if width < height:
            share = found[new][1] / found[0][1] if new >= 0 else 1
            parts.append(
                f'<rect class="{"hue" if new >= 0 else "bar"}" x="64" y="{y - 5:g}" '
                f'width="{(width - 84) * share:g}" height="10" rx="5"/>'
            )
    parts.append(_text(width / 2, height - 14, "what goes on best?", "soft mid"))
    return parts


def _arrow(x: float, y: float, down: bool = False) -> str:
    turn = f' transform="rotate(90 {x:g} {y:g})"' if down else ""
    return f'<path class="ink"{turn} d="M{x - 10:g} {y - 2:g} h9 v-6 l11 8 l-11 8 v-6 h-9 z"/>'


def _placed(parts: Sequence[str], x: float, y: float) -> str:
    inside = "\n".join(parts)
    return f'<g transform="translate({x:g} {y:g})">\n{inside}\n</g>'


def drawing(layout: str = "wide") -> str:
    """Draw the picture.

    Parameters
    ----------
    layout : str
        ``wide`` or ``narrow``.

    Returns
    -------
    str
        An SVG that can stand inside a page or alone.

    Notes
    -----
    Notebook: 01_catalog

    Examples
    --------
    >>> drawing("narrow").splitlines()[1]
    '<title class="nohighlight" id="musig-narrow-title">MUSIG in one picture</title>'
    """
    if layout == "wide":
        width, height = 784, 534
        body = [
            _placed(_playlists(186, 514), 10, 10),
            _placed(_graph(344, 226), 220, 10),
            _placed(_embedding(344, 264), 220, 260),
            _placed(_completed(186, 514), 588, 10),
            *(_arrow(208, 123), _arrow(392, 248, down=True), _arrow(576, 388)),
        ]
    else:
        width, height = 364, 974
        cards = ((_playlists, 244), (_graph, 228), (_embedding, 264), (_completed, 148))
        body, y = [], 6
        for draw, tall in cards:
            body.append(_placed(draw(352, tall), 6, y))
            y += tall + 26
            body.append(_arrow(width / 2, y - 13, down=True))
        body.pop()
    name = f"musig-{layout}"
    added = [track for track, _ in completion()]
    told = TEXT.format(seeds=_listed(SEEDS), added=_listed(added))
    return "\n".join(
        [
            f'<svg class="musig-picture {layout}" xmlns="http://www.w3.org/2000/svg" role="img" '
            f'viewBox="0 0 {width} {height}" aria-labelledby="{name}-title {name}-text">',
            f'<title class="nohighlight" id="{name}-title">{TITLE}</title>',
            f'<desc class="nohighlight" id="{name}-text">{told}</desc>',
            f"<style>{STYLE}</style>",
            f'<rect class="ground" width="{width}" height="{height}" rx="16"/>',
            *body,
            "</svg>\n",
        ]
    )


def _listed(tracks: Sequence[str]) -> str:
    return f"{', '.join(tracks[:-1])} and {tracks[-1]}"


def main(root: Path = ROOT) -> int:
    """Write both drawings.

    Parameters
    ----------
    root : Path
        Folder of the project.

    Returns
    -------
    int
        Exit code.

    Notes
    -----
    Notebook: 01_catalog
    """
    for layout, name in FILES.items():
        with aside(root / name) as passing:
            passing.write_text(drawing(layout), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
