"""Methods to be beaten: each a file, each a scorer (:class:`musig.scorers.Scorer`).

Simple neighbours, tuned, beat most of what was published to beat them (Ferrari Dacrema, Cremonesi,
Jannach: Are We Really Making Much Progress?, RecSys 2019, arXiv 1907.06902): a method that claims
to win must win against these, on the same split, universe, seeds and metrics.

Contents
--------
Popularity, ItemKNN: each from the module of its name.
"""

from musig.baselines.itemknn import ItemKNN
from musig.baselines.popularity import Popularity

__all__ = ["ItemKNN", "Popularity"]
