"""The music of the embedded catalogue: which notes, on which instruments, how loud.

The genre chooses the instruments and the rhythm, the nine features the rest: see
:mod:`musig.sources.synthetic_sound`.

Conventions
-----------
Sound is mono float32 ``(samples,)``. Time is counted in steps of a quarter of a beat; patterns are
16 steps, a bar of four beats: ``x`` strikes, ``o`` strikes softly, ``.`` rests. A note is its step,
its length in steps, and its degree in the scale. Features are in standard deviations.

Contents
--------
- :class:`Palette`, :data:`PALETTES`: who plays what in each genre
- :class:`Player`: plays the parts of one track and mixes them
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy.special import expit

from musig.sources.synthetic_instruments import TIMBRES, VOWELS, hat, kick, snare, tone, vowel

MAJOR, MINOR = (0, 2, 4, 5, 7, 9, 11), (0, 2, 3, 5, 7, 8, 10)  # semitones
TURNS = ((0, 4, 5, 3), (0, 3, 4, 0), (0, 5, 3, 4))  # progressions, as degrees of the scale


@dataclass(frozen=True)
class Palette:
    """Who plays what in a genre, a bar of sixteen steps."""

    acoustic: str
    """Timbre of the chords where the track is acoustic."""
    electric: str
    """Timbre of the chords where it is not."""
    chords: str
    """Pattern of the chords."""
    lead: str
    """Timbre of the melody."""
    bass: str
    bass_steps: str
    kick_steps: str
    snare_steps: str
    hat_steps: str
    drums: float
    """Level of the drums in dB."""
    octave: int = 0
    """Of the chords: -1 lower, 1 higher."""
    tones: tuple[int, ...] = (0, 2, 4)
    """Degrees of a chord above its root."""
    swing: float = 0.0
    """How late the second of two half-beats comes, as a part of a step."""
    ring: float = 0.03
    """Seconds a cymbal rings."""
    skin: float = 200.0
    """Pitch of the snare or hand drum."""
    colour: tuple[float, float, float, float] = (0, 0, 0, 0)
    """How the mix is equalised: dB at 60, 300, 1500 and 6000 Hz."""


PALETTES = {
    "pop": Palette("piano", "saw", "x...x...x...x...", "pluck", "slap", "x.x.x.x.x.x.x.x.",
                   "x...x...x...x...", "....x.......x...", "..x...x...x...x.", 0,
                   colour=(0, -1, 1, 2)),
    "hip hop": Palette("rhodes", "pluck", "x.......o.......", "bell", "sub", "x......x..x.....",
                       "x......x..x.....", "........x.......", "x.x.x.xxx.x.xoxo", 2,
                       octave=1, ring=0.012, colour=(5, 0, -2, 0)),
    "rock": Palette("guitar", "fuzz", "x.x.x.x.x.x.x.x.", "steel", "slap", "x.x.x.x.x.x.x.x.",
                    "x.....x.x.......", "....x.......x...", "x.x.x.x.x.x.x.x.", 1, ring=0.07,
                    colour=(-1, 2, 2, -1)),
    "electronic": Palette("marimba", "saw", "..x...x...x...x.", "square", "sub",
                          "..xx..xx..xx..xx", "x...x...x...x...", "....o.......o...",
                          "..x...x...x...x.", 3, octave=1, ring=0.05, colour=(3, -3, 0, 3)),
    "folk": Palette("guitar", "organ", "x.o.x.o.x.o.x.oo", "flute", "upright", "x.......x.......",
                    "o.......o.......", "....o.......o...", "....o.......o...", -12, skin=340.0,
                    colour=(-4, 2, 0, 0)),
    "metal": Palette("guitar", "fuzz", "x.xxx.xxx.xxx.xx", "fuzz", "slap", "x.xxx.xxx.xxx.xx",
                     "x.xxx.xxx.xxx.xx", "....x.......x...", "x...x...x...x...", 2, octave=-1,
                     tones=(0, 4, 7), ring=0.2, colour=(2, -4, 3, 1)),
    "latin": Palette("piano", "horn", "x..x..x...x.x...", "horn", "upright", "...x..x....x..x.",
                     "x...x...x...x...", "..xx..x...xx..xx", "xxxxxxxxxxxxxxxx", 0, octave=1,
                     ring=0.015, skin=420.0, colour=(-2, -1, 2, 3)),
    "country": Palette("banjo", "steel", "..x.x.x...x.x.xx", "steel", "upright",
                       "x.......x.......", "x.......x.......", "ooxoooxoooxoooxo",
                       "....x.......x...", -3, octave=1, skin=250.0, colour=(-3, -1, 4, 1)),
    "r&b/soul": Palette("rhodes", "organ", "x.........o..o..", "sax", "slap", "x..x......x..x..",
                        "x......x..x.....", "....x.......x...", "x.x.x.x.x.x.x.x.", -1,
                        tones=(0, 2, 4, 6), swing=0.3, ring=0.02, skin=400.0,
                        colour=(2, 2, -2, -2)),
    "jazz": Palette("piano", "rhodes", "x.....o.......x.", "sax", "upright", "x...x...x...x...",
                    "o...............", "......o.......o.", "x...x.x.x...x.x.", -1,
                    tones=(2, 6, 8), swing=0.66, ring=0.15, colour=(-1, 2, 0, -4)),
    "classical": Palette("strings", "saw", "x...............", "strings", "harp",
                         "x.x.x.x.x.x.x.x.", "o...............", "................",
                         "................", -18, octave=1, colour=(-3, 2, 2, -5)),
    "reggae": Palette("chop", "organ", "..x...x...x...x.", "horn", "sub", "x..x..x.x.......",
                      "........x.......", "........x.......", "x.x.x.x.x.x.x.x.", -1, swing=0.2,
                      ring=0.02, skin=350.0, colour=(4, 2, -2, -3)),
}  # fmt: skip


class Player:
    """Plays the parts of one track.

    Parameters
    ----------
    z : dict of str to float
        Features in standard deviations.
    tempo : float
        Beats a minute.
    palette : Palette
        Instruments and rhythm.
    samples : int
        Length.
    rate : int
        Samples a second.
    rng : numpy.random.Generator
    """

    def __init__(
        self,
        z: dict[str, float],
        tempo: float,
        palette: Palette,
        samples: int,
        rate: int,
        rng: np.random.Generator,
    ) -> None:
        self.z, self.rate, self.rng = z, rate, rng
        self.palette, self.samples = palette, samples
        self.step = 15.0 / tempo
        self.steps = int(np.ceil(samples / rate / self.step))
        self.noise = rng.standard_normal(rate, dtype=np.float32)
        self.bright = 0.2 * z["energy"] - 0.2 * z["acousticness"]
        major = z["valence"] + 0.2 * rng.normal() > 0
        self.scale = MAJOR if major else MINOR
        self.key = int(rng.integers(-3, 4))
        self.turn = TURNS[rng.integers(len(TURNS))]
        uneven = 0.03 * expit(-2 * z["danceability"] - 1)
        hurry = np.sin(2 * np.pi * (np.arange(self.steps) / 48 + rng.random()))
        at = np.arange(self.steps) * self.step
        at += uneven * (rng.normal(size=self.steps) + 2 * hurry)
        at[2::4] += self.palette.swing * self.step * 0.5
        at[1::4] += self.palette.swing * self.step * 0.25
        self.at = np.maximum(0, at * rate).astype(np.int64)

    def frequency(self, degree: int, octave: int = 0) -> float:
        """Give the pitch of a degree of the scale; degree 0, octave 0 is near 262 Hz."""
        semitones = self.scale[degree % 7] + 12 * (degree // 7 + octave) + self.key
        return 261.63 * 2 ** (semitones / 12)

    def struck(self, pattern: str) -> list[tuple[int, float, int]]:
        """List the strokes of a pattern: step, how hard, steps to the next one."""
        hard = {"x": 1.0, "o": 0.5}
        every = 2 if self.step < 0.1 else 1  # too fast for sixteenths
        at = [s for s in range(0, self.steps, every) if pattern[s % 16] != "."]
        return [
            (step, hard[pattern[step % 16]], after - step)
            for step, after in pairwise([*at, self.steps])
        ]

    def put(self, into: np.ndarray, step: int, sound: np.ndarray, gain: float = 1.0) -> None:
        """Add a sound at a step."""
        start = int(self.at[step])
        end = min(len(into), start + len(sound))
        if end > start:
            into[start:end] += np.float32(gain) * sound[: end - start]

    def silence(self) -> np.ndarray:
        """Give an empty part."""
        return np.zeros(self.samples, dtype=np.float32)

    def long(self, steps: float, least: float = 0.08) -> int:
        """Count the samples in so many steps."""
        return max(int(least * self.rate), int(steps * self.step * self.rate))

    def chords(self, name: str) -> np.ndarray:
        """Play the harmony on one instrument."""
        out, timbre = self.silence(), TIMBRES[name]
        known: dict[tuple[int, int], np.ndarray] = {}
        for step, hard, gap in self.struck(self.palette.chords):
            root, gap = self.turn[(step // 16) % 4], min(gap, 16)
            if (root, gap) not in known:
                samples = self.long(max(gap, 4) if timbre.decay else 0.9 * gap)
                octave = self.palette.octave - (root > 3)
                pitches = [self.frequency(root + degree, octave) for degree in self.palette.tones]
                tones = [tone(pitch, samples, timbre, self.bright, self.rate) for pitch in pitches]
                known[root, gap] = np.sum(tones, axis=0)
            self.put(out, step, known[root, gap], hard)
        return out

    def bass(self) -> np.ndarray:
        """Play the bass line: the root of the chord, on the third beat its fifth."""
        out, timbre = self.silence(), TIMBRES[self.palette.bass]
        for step, _, gap in self.struck(self.palette.bass_steps):
            root = self.turn[(step // 16) % 4]
            pitch = self.frequency(root + (0, 0, 4, 0)[(step // 4) % 4], -2 - (root > 3))
            sound = tone(pitch, self.long(0.9 * min(gap, 8)), timbre, self.bright, self.rate)
            self.put(out, step, sound)
        return out

    def melody(self) -> list[tuple[int, int, int]]:
        """Compose a tune: step, length in steps and degree of each note."""
        rng, notes, degree, step = self.rng, [], 4, 0
        lengths = np.array([2, 4, 6, 8] if self.step >= 0.1 else [4, 8, 12, 16])
        chance = np.array([2.0, 3.0, 1.0, 1.0]) * np.exp(
            self.z["energy"] * np.array([1, 0, -1, -1]) / 2
        )
        while step < self.steps:
            length = int(rng.choice(lengths, p=chance / chance.sum()))
            degree += int(rng.integers(-2, 3))
            degree = degree - 3 if degree > 9 else degree + 3 if degree < -1 else degree
            if step % 16 == 0:  # a bar begins on a tone of its chord
                degree = self.turn[(step // 16) % 4] % 7 + 2 * int(rng.integers(0, 2))
            if rng.random() < 0.85:
                notes.append((step, length, degree))
            step += length
        return notes

    def lead(self, name: str, notes: list[tuple[int, int, int]], octave: int) -> np.ndarray:
        """Play a tune on one instrument."""
        out, timbre = self.silence(), TIMBRES[name]
        for step, length, degree in notes:
            pitch = self.frequency(degree, octave)
            sound = tone(pitch, self.long(length * 0.95), timbre, self.bright, self.rate)
            self.put(out, step, sound)
        return out

    def singing(self, notes: list[tuple[int, int, int]], octave: int) -> np.ndarray:
        """Sing a tune on vowels."""
        out = self.silence()
        for step, length, degree in notes:
            timbre = vowel(int(self.rng.integers(len(VOWELS))))
            pitch = self.frequency(degree, octave)
            self.put(out, step, tone(pitch, self.long(length * 0.92, 0.15), timbre, 0.0, self.rate))
        return out

    def talking(self) -> np.ndarray:
        """Talk in time, four syllables a second, each a hiss and a vowel of falling pitch."""
        rng, rate, out = self.rng, self.rate, self.silence()
        voice = rng.uniform(95, 190)
        hiss = np.diff(self.noise[: rate // 20]) * 0.25
        for time in np.arange(0, self.samples / rate, 0.25):
            step = min(round(time / self.step), self.steps - 1)
            if rng.random() < 0.1:  # a breath
                continue
            samples = int(rng.uniform(0.13, 0.2) * rate)
            glide = voice * rng.uniform(0.8, 1.35) * np.linspace(1.1, 0.85, samples)
            sound = tone(glide, samples, vowel(int(rng.integers(len(VOWELS)))), 0.0, rate)
            self.put(out, step, sound * np.sqrt(np.hanning(samples)).astype(np.float32))
            self.put(out, step, hiss)
        return out

    def drum(self, pattern: str, sound: np.ndarray) -> np.ndarray:
        """Strike a drum on its pattern."""
        out = self.silence()
        for step, hard, _ in self.struck(pattern):
            self.put(out, step, sound, hard * self.rng.uniform(0.85, 1.0))
        return out

    def mix(self) -> np.ndarray:
        """Play all parts, each at the level in dB that its feature asks for."""
        z, p, rate = self.z, self.palette, self.rate
        notes = self.melody()
        octave = int(np.clip(np.round(z["valence"] * 0.5), -1, 1))
        plucked = expit(2 * z["acousticness"])
        instrumental = max(z["instrumentalness"], -0.5) + 0.5  # below, it is a plain 0
        drums = p.drums + 2 * z["energy"] - 2 * z["acousticness"]
        click = hat(rate, 0.02, self.noise)
        beat = kick(rate, 50.0)
        beat[: len(click)] += 0.6 * click
        struck = [
            (self.drum(p.kick_steps, kick(rate, 50.0)), drums - 2),
            (self.drum("x...x...x...x...", beat), drums / 4 - 4 + 6 * z["danceability"]),
            (self.drum(p.snare_steps, snare(rate, p.skin, self.noise)), drums - 4),
            (
                self.drum(p.hat_steps, hat(rate, p.ring, self.noise)),
                drums / 2 - 8 + 3 * z["energy"],
            ),
        ]
        played = [
            (self.chords(p.acoustic), 2 + 10 * np.log10(plucked)),
            (self.chords(p.electric), 2 + 10 * np.log10(1 - plucked)),
            (self.bass(), -1 + 2 * z["danceability"] - 2 * z["acousticness"]),
            (self.lead(p.lead, notes, octave), min(1.0, -9 + 7 * instrumental)),
            (self.singing(notes, octave - 1), 5 - 8 * instrumental),
            (self.talking(), -6 + 8 * z["speechiness"]),
            (self.lead("bell", notes, 2), -9 + 7 * z["valence"]),
            (self.drone(), -9 - 7 * z["valence"]),
        ]
        return (self.together(struck) + self.together(played) * self.pump()) * self.swell()

    def together(self, parts: list[tuple[np.ndarray, float]]) -> np.ndarray:
        """Add parts up, each at its level: root mean square in dB."""
        out = self.silence()
        for sound, level in parts:
            size = np.sqrt(np.mean(np.square(sound)))
            if size > 0:
                out += np.float32(10 ** (level / 20) / size) * sound
        return out

    def drone(self) -> np.ndarray:
        """Hold the lowest tone of the key."""
        return tone(self.frequency(0, -1), self.samples, TIMBRES["drone"], -0.3, self.rate)

    def swell(self) -> np.ndarray:
        """Give the dynamics: players swell and fade, machines do not."""
        depth = 7 * float(expit(1.5 * self.z["acousticness"] - 0.5))  # dB
        bars = np.arange(self.samples, dtype=np.float32) / (16 * self.step * self.rate)
        wave = np.sin(np.float32(np.pi) * (bars + np.float32(self.rng.random())))
        return 10 ** (np.float32(depth / 20) * wave)

    def pump(self) -> np.ndarray:
        """Give the level of everything but the drums: dance music ducks it at every beat."""
        dip = np.exp(-np.arange(self.long(4)) / (0.09 * self.rate), dtype=np.float32)
        depth = 0.8 * expit(1.5 * self.z["danceability"] - 0.5)
        out = np.ones(self.samples, dtype=np.float32)
        for step in range(0, self.steps, 4):
            self.put(out, step, dip, -depth)
        return np.maximum(out, 0)
