"""GraphSAGE: MUSIG's encoder with one task, the published way.

Hamilton, Ying, Leskovec: Inductive Representation Learning on Large Graphs, NeurIPS 2017. The
baseline that sees what MUSIG sees, structure and content, and differs in the supervision alone.

Conventions
-----------
As in :mod:`musig.encoders`.

Contents
--------
GraphSAGE.
"""

from __future__ import annotations

from typing import Any, ClassVar

from musig.encoders import CONFIG, PREPARATION, Musig

SINGLE = ("weight_cooccurrence", "weight_similarity", "weight_genre", "balance", "loss", "contrast")
LABELS = ("similarity", "mask_genre")


class GraphSAGE(Musig):
    """The encoder of :class:`musig.encoders.Musig`, taught by co-occurrence with the logistic loss.

    Parameters
    ----------
    seed : int, >= 0
    device : {"auto", "cpu", "cuda"}
    progress : bool
    **settings
        As for :class:`musig.encoders.Musig`, without what more than one task or another loss asks
        for: :attr:`defaults`.

    Notes
    -----
    Equation 1 of the source: neighbours attract, 20 tracks drawn in proportion to degree^0.75
    repel. K = 2 hops, 128 dimensions as published. As there, the score of two tracks is the plain
    product of their embeddings, of length 1, so that no pair can be told from another with more
    than a factor of e² in the odds: ``temperature`` (1 in the source) is a setting here, since a
    baseline should not lose by what one number mends.

    Notebook: 07_methods

    Examples
    --------
    >>> GraphSAGE(weight_genre=1.0)
    Traceback (most recent call last):
    musig.errors.MusigError: Method 'graphsage' has no setting 'weight_genre': ...
    """

    name = "graphsage"
    cannot: ClassVar[str] = ""
    defaults: ClassVar[dict[str, Any]] = {
        key: value
        for key, value in {**PREPARATION, **CONFIG, "temperature": 1.0}.items()
        if key not in SINGLE + LABELS
    }

    def fixed(self) -> dict[str, Any]:
        """One task, one loss."""
        return {
            "loss": "logistic",
            "weight_cooccurrence": 1.0,
            "weight_similarity": 0.0,
            "weight_genre": 0.0,
        }
