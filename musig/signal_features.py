"""The nine audio features from measures of a signal.

The definitions are those of the Spotify Web API [1]_; its algorithms are closed, so what is here is
an estimate. Two features are measures themselves, loudness and tempo. The other seven are weighted
means of measures that their definitions name, or that the literature ties to them: on rhythm [2]_
[6]_, on speech [3]_, on singing [4]_ [5]_, on emotion [7]_. Weights and
ends of scales are our choice throughout, made from the meaning of the measures and from test
signals; nothing was fitted to any table of features.

Conventions
-----------
Each part of a feature lies on a scale: the measure's value `low` counts -1, `high` counts +1,
linear between and beyond, at most 2 either way. `high` may be the smaller number: the feature then
falls as the measure rises. The feature is the logistic function of the parts' weighted mean, such
that -1 becomes 0.1, 0 becomes 0.5 and +1 becomes 0.9: monotone in every measure, never 0 or 1.
A part that could not be measured is left out. If the first, the main one, could not, the feature
is NaN.

Loudness alone depends on level. Energy, which listeners do tie to loudness, is made from what a
change of level leaves alone, so that a quiet copy has the energy of the original.

What this cannot tell is in :data:`LIMITS`.

Contents
--------
- :data:`PARTS`: which measures make which feature, and why; :func:`parts_table`: as a table;
- :func:`features_from`: the nine.

References
----------
.. [1] Spotify, Web API reference, "Get track's audio features".
.. [2] Lartillot, Eerola, Toiviainen, Fornari (2008). Multi-feature modeling of pulse clarity.
   ISMIR.
.. [3] Scheirer, Slaney (1997). Construction and evaluation of a robust multifeature speech/music
   discriminator. ICASSP.
.. [4] Rocamora, Herrera (2007). Comparing audio descriptors for singing voice detection. SBCM.
.. [5] Regnier, Peeters (2009). Singing voice detection in music tracks using direct voice vibrato
   detection. ICASSP.
.. [6] Moelants (2002). Preferred tempo reconsidered. ICMPC.
.. [7] Gabrielsson, Lindström (2010). The role of structure in the musical expression of emotions.
   In Handbook of music and emotion: mode, tempo and brightness.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from musig.catalog import FEATURES
from musig.signal_measures import Measures
from musig.signal_rhythm import PREFERRED_TEMPO


class Part(NamedTuple):
    """A measure's part in a feature: its scale, its weight, and why it is there.

    Notes
    -----
    Notebook: 02_audio_features
    """

    measure: str
    low: float
    high: float
    weight: float
    why: str


PARTS: dict[str, tuple[Part, ...]] = {
    "acousticness": (
        Part("percussive", 0.6, 0.15, 2, "drums and drum machines"),
        Part("bass", -2, -12, 1, "few instruments without a loudspeaker reach so low"),
        Part("beat_strength", 2.5, 0.5, 1, "soft attacks, no click"),
        Part("loudness_range", 1, 9, 1, "players have dynamics, productions are levelled"),
    ),
    "danceability": (
        Part("pulse_clarity", 0.1, 0.7, 2, "beat strength [2]: how well the pulse is felt"),
        Part("beat_strength", 0.5, 2.5, 1, "accents on the beats"),
        Part("regularity", 0.2, 0.95, 1, "the pulse lasts"),
        Part("tempo_distance", 1, 0, 0.5, "octaves from 120 beats a minute [6]"),
    ),
    "energy": (
        Part("onset_rate", 0.5, 5, 2, "onset rate [1]"),
        Part("entropy", 0.35, 0.7, 1, "general entropy [1]"),
        Part("brightness", -25, -8, 1, "timbre [1]"),
        Part("percussive", 0.15, 0.6, 1, "timbre [1]: struck rather than sustained"),
        Part("loudness_range", 9, 1, 1, "dynamic range [1]"),
        Part("crest", 15, 8, 1, "compressed to be loud: what loudness leaves at any level"),
    ),
    "instrumentalness": (
        Part("articulation", 4, 1, 1, "a voice changes the spectral envelope [4]"),
        Part("glide", 40, 5, 1, "a voice has vibrato and glides [5]"),
        Part("modulation_4hz", 0.8, 0.2, 1, "syllables [3]"),
    ),
    "liveness": (
        Part("floor", -20, -5, 1, "room and audience between the notes"),
        Part("floor_flatness", -6, 0, 1, "that are noise rather than tones"),
    ),
    "speechiness": (
        Part("modulation_4hz", 0.25, 0.9, 2, "four syllables a second [3]"),
        Part("low_energy", 0.05, 0.4, 2, "pauses between words [3]"),
        Part("pulse_clarity", 0.6, 0.1, 1, "speech has no beat [3]"),
    ),
    "valence": (
        Part("mode", -0.3, 0.3, 2, "major or minor [7]"),
        Part("tempo", 70, 150, 1, "fast or slow [7]"),
        Part("brightness", -25, -8, 1, "bright or dark [7]"),
    ),
}
"""Which measures make which feature. Numbers in brackets are references above."""

LIMITS = {
    "acousticness": "Synthesised strings sound acoustic to it, a plucked guitar less so.",
    "danceability": "What a pulse feels like is measured, not whether people dance.",
    "energy": "Level is left out on purpose; distortion and shouting are heard only as brightness.",
    "instrumentalness": "Weak: a violin with vibrato or a lead synthesiser passes for a voice.",
    "liveness": "Weak: a sustained chord of noisy timbre passes for an audience.",
    "loudness": "A measurement, by EBU R 128.",
    "speechiness": "A regular rhythm of four notes a second with rests passes for speech.",
    "valence": "Weak: mode, tempo and brightness say little of what a listener feels.",
    "tempo": "Half or double of what a listener taps is a common error.",
}
"""What each feature cannot tell."""

_NINE_TO_ONE = float(np.log(9))


def features_from(measures: Measures) -> tuple[dict[str, float], dict[str, str]]:
    """Make the nine features of measures.

    Parameters
    ----------
    measures : musig.signal_measures.Measures

    Returns
    -------
    features : dict of str to float
        The nine of :data:`musig.catalog.FEATURES`, in their order; NaN if it cannot be told.
    reasons : dict of str to str
        Why a feature is NaN.

    Notes
    -----
    Notebook: 02_audio_features

    Examples
    --------
    >>> features, reasons = features_from(Measures(tempo=120.0, reasons={"mode": "no tones"}))
    >>> features["tempo"], features["valence"], reasons["valence"]
    (120.0, nan, 'no tones')
    """
    features, reasons = {}, {}
    for name in FEATURES:
        main = PARTS[name][0].measure if name in PARTS else name
        value = getattr(measures, main)
        if not np.isnan(value) and name in PARTS:
            value = _combined(PARTS[name], measures)
        features[name] = float(value)
        if np.isnan(value):
            why = measures.reasons
            reasons[name] = why.get("all", why.get(main, "it was not measured"))
    return features, reasons


def parts_table() -> pd.DataFrame:
    """Give :data:`PARTS` as a table.

    Returns
    -------
    DataFrame
        Columns ``feature``, ``measure``, ``low``, ``high``, ``weight``, ``why``.

    Notes
    -----
    Notebook: 02_audio_features
    """
    rows = [(feature, *part) for feature, parts in PARTS.items() for part in parts]
    return pd.DataFrame(rows, columns=["feature", *Part._fields])


def _combined(parts: tuple[Part, ...], measures: Measures) -> float:
    total = weights = 0.0
    for part in parts:
        value = _value(part.measure, measures)
        if not np.isnan(value):
            place = 2 * (value - part.low) / (part.high - part.low) - 1
            total += part.weight * float(np.clip(place, -2, 2))
            weights += part.weight
    return float(1 / (1 + np.exp(-_NINE_TO_ONE * total / weights)))


def _value(name: str, measures: Measures) -> float:
    if name == "tempo_distance":
        return abs(float(np.log2(measures.tempo / PREFERRED_TEMPO)))
    return float(getattr(measures, name))
