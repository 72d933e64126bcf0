"""From fine genre tags to eighteen main genres.

Spotify describes an artist with tags such as "deep new americana"; there are thousands of them.
The GENRE attribute and the genre task of the paper need fewer. How the paper grouped them is not
published in the source we have: this rule is our own.

Conventions
-----------
A tag counts for the first main genre of :data:`KEYWORDS` of which it contains a word. The main
genre is the one most tags count for; between equals, the one that comes first.

Contents
--------
- :data:`KEYWORDS`: the rule.
- :func:`main_genre`: the main genre of a list of tags.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import cache

# The order matters: particular genres come before those whose words are in many tags ("pop").
KEYWORDS = {
    "soundtrack": """soundtrack, broadway, show tunes, hollywood, disney, comedy, children,
        movie tunes, video game, lullaby, christmas, cartoon, score, anime""",
    "classical": "classical, orchestra, piano, choir, baroque, romantic, opera, symphon",
    "latin": """latin, reggaeton, salsa, bachata, cumbia, norteno, mexican, mariachi, banda,
        merengue, corrido, tropical, ranchera, grupera, duranguense, espanol, mpb, sierreno,
        tejano, samba, vallenato, tango, sertanejo""",
    "hip hop": "hip hop, rap, trap, drill, crunk, bounce, hyphy, grime",
    "reggae": "reggae, dancehall, soca",
    "country": "country, americana, bluegrass, nashville, cowboy",
    "christian": "christian, worship, ccm, gospel",
    "metal": "metal, deathcore, djent, screamo, grindcore, doom, thrash, sludge",
    "punk": "punk, emo, hardcore, ska punk",
    "jazz": "jazz, swing, bossa, big band, bebop, new jack",
    "blues": "blues",
    "r&b/soul": "r&b, soul, funk, disco, motown, urban contemporary, quiet storm",
    "electronic": """electro, house, techno, edm, trance, dubstep, ambient, idm, chillwave,
        chillhop, downtempo, big room, drum and bass, bass, brostep, trip hop, glitch, tronica,
        vapor""",
    "folk": "folk, singer-songwriter, acoustic, celtic, stomp and holler",
    "indie/alternative": """indie, alternative, art pop, chamber pop, britpop, shoegaze,
        dream pop, lo-fi, new wave, grunge, la pop, garage""",
    "rock": "rock, mellow gold, british invasion, psychedelic, jam band",
    "world": """k-pop, j-pop, cantopop, mandopop, world, afro, bollywood, chanson, opm, turkish,
        swedish, french, italian, german, arab, desi, filmi""",
    "pop": "pop, standards, boy band, easy listening, talent show, doo-wop, idol",
}
"""Main genre -> words, separated by commas."""

_WORDS = {main: [word.strip() for word in words.split(",")] for main, words in KEYWORDS.items()}


def main_genre(tags: Sequence[str]) -> str | None:
    """Choose the main genre of an artist's or a track's tags.

    Parameters
    ----------
    tags : sequence of str

    Returns
    -------
    str or None
        A key of :data:`KEYWORDS`; None if no tag holds a known word.

    Notes
    -----
    Notebook: 01_catalog

    Examples
    --------
    >>> main_genre(["glam rock", "mellow gold", "piano rock", "rock"])
    'rock'
    >>> main_genre(["432hz"]) is None
    True
    """
    votes = Counter(main for main in map(_main, tags) if main)
    # max() keeps the first of equals, and the keys are in order of precedence
    return max(_WORDS, key=lambda main: votes[main]) if votes else None


@cache  # a hundred thousand artists share a few thousand tags
def _main(tag: str) -> str | None:
    for main, words in _WORDS.items():
        if any(word in tag.lower() for word in words):
            return main
    return None
