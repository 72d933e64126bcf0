"""Two methods as one: their scores standardised and added, in a share found on validation.

What it is for is a question: does one method know something that the other does not? If so, the
blend is better than either.

Conventions
-----------
Scores of a playlist are standardised (mean 0, standard deviation 1) over the tracks that are not
its seeds and not at -inf. A track that a part never recommends, the blend never recommends.

Contents
--------
Blend.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Self

import numpy as np
import torch
from torch import Tensor

from musig.catalog import Catalog, Playlists
from musig.completion import holdout
from musig.errors import MusigError
from musig.metrics import ndcg
from musig.ranking import ranking
from musig.scorers import checked_scores
from musig.splits import Split

CUTOFF = 100  # of the ndcg that chooses the share
BLOCK = 256  # playlists at a time


class Blend:
    r"""Score a track by two methods: :math:`w z_1 + (1 - w) z_2`, with standardised scores z.

    Parameters
    ----------
    name : str
        The method's name in tables.
    parts : sequence of two scorers
        What is blended.
    points : int >= 2
        How many shares w are tried, evenly from 0 to 1, both ends among them.
    fitted : bool
        Whether the parts are fitted already, on the same catalogue and split.
    seed : int, >= 0
        Draws the halves of the validation playlists.

    Attributes
    ----------
    weight : float in [0, 1]
        Share w of the first part: the best in ndcg@100 on validation playlists, of equals the
        lowest.
    tried : dict of float to float
        The ndcg of every share.

    Notes
    -----
    Parts that stop early on the same validation playlists have seen them: a share chosen on them
    may lean a little towards such a part.

    Notebook: 07_methods

    Examples
    --------
    >>> from musig.baselines.itemknn import ItemKNN
    >>> from musig.baselines.popularity import Popularity
    >>> from musig.sources.synthetic import make
    >>> from musig.splits import split_playlists
    >>> catalog = make("smoke")
    >>> blend = Blend("both", [ItemKNN(), Popularity()]).fit(catalog, split_playlists(catalog, 0))
    >>> blend.tried[blend.weight] == max(blend.tried.values())
    True
    """

    cannot: ClassVar[str] = "cannot do what either of its parts cannot"

    def __init__(
        self,
        name: str,
        parts: Sequence[Any],
        points: int = 11,
        *,
        fitted: bool = False,
        seed: int = 0,
    ) -> None:
        if len(parts) != 2:
            raise MusigError(f"Blend '{name}' has {len(parts)} parts; expected two methods.")
        if points < 2:
            raise MusigError(
                f"Parameter points is {points}; expected at least 2, the shares 0 and 1."
            )
        self.name = name
        self.parts = tuple(parts)
        self.points = points
        self.fitted = fitted
        self.seed = seed

    @property
    def size(self) -> int:
        """How many numbers are kept: those of both parts, and the share."""
        return sum(part.size for part in self.parts) + 1

    def fit(self, catalog: Catalog, split: Split) -> Self:
        """Fit the parts, unless they are, and find the share on the validation playlists."""
        n_tracks = len(catalog.tracks)
        if not self.fitted:
            self.parts = tuple(part.fit(catalog, split) for part in self.parts)
            self.fitted = True
        held = holdout(catalog, np.arange(n_tracks), split.valid, self.seed)
        shares = (np.arange(self.points) / (self.points - 1)).tolist()
        cutoff = min(CUTOFF, n_tracks)
        gains = torch.zeros(self.points, dtype=torch.float64)
        for start in range(0, len(held), BLOCK):
            rows = np.arange(start, min(start + BLOCK, len(held)))
            seeds, targets = held.seeds.subset(rows), held.targets.subset(rows)
            first, second = self._standardised(seeds, n_tracks)
            number = torch.as_tensor(targets.lengths)
            for i, share in enumerate(shares):
                mixed = _mixed(share, first, second)
                hits = ranking(mixed, seeds, targets, cutoff, 1, method=self.name).hits
                gains[i] += ndcg(hits, number, [cutoff]).sum()
        self.tried = dict(zip(shares, (gains / len(held)).tolist(), strict=True))
        self.weight = max(self.tried, key=lambda share: self.tried[share])
        self.n_tracks = n_tracks
        return self

    def score(self, seeds: Playlists, candidates: np.ndarray | None = None) -> Tensor:
        """Add the standardised scores of both: float32, (n_playlists, n_candidates)."""
        scores = _mixed(self.weight, *self._standardised(seeds, self.n_tracks))
        return scores if candidates is None else scores[:, torch.as_tensor(candidates)]

    def _standardised(self, seeds: Playlists, n_tracks: int) -> list[Tensor]:
        """Score by both parts, each playlist on the same scale."""
        return [standardise(checked_scores(part, seeds, n_tracks), seeds) for part in self.parts]


def standardise(scores: Tensor, seeds: Playlists) -> Tensor:
    """Bring the scores of every playlist to mean 0 and standard deviation 1.

    Parameters
    ----------
    scores : Tensor, shape (n_playlists, n_tracks)
        Numbers, or -inf for a track never to be recommended.
    seeds : Playlists
        Tracks that do not count; they are scaled with the others.

    Returns
    -------
    Tensor of float32, shape (n_playlists, n_tracks)
        On the CPU. Where a playlist's scores are all the same: 0. What was -inf stays so.

    Notes
    -----
    Notebook: 07_methods

    Examples
    --------
    >>> scores = torch.tensor([[9.0, 1.0, 3.0, -torch.inf]])
    >>> standardise(scores, Playlists.from_lists([[0]]))
    tensor([[ 7., -1.,  1., -inf]])
    """
    scores = scores.detach().cpu().float()
    counted = scores != -torch.inf  # what is NaN stays NaN, and is refused where it is ranked
    row = np.repeat(np.arange(len(seeds)), seeds.lengths)
    counted[torch.as_tensor(row), torch.as_tensor(seeds.tracks, dtype=torch.long)] = False
    number = counted.sum(1, keepdim=True).clamp(min=1)
    mean = scores.where(counted, 0).sum(1, keepdim=True, dtype=torch.float64) / number
    centred = scores - mean.float()
    square = centred.where(counted, 0).square().sum(1, keepdim=True, dtype=torch.float64)
    deviation = (square / number).sqrt().float()
    return centred / deviation.where(deviation > 0, 1)


def _mixed(share: float, first: Tensor, second: Tensor) -> Tensor:
    """Add the two; -inf in either is -inf, also where its share is 0."""
    mixed = share * first + (1 - share) * second
    return mixed.masked_fill((first == -torch.inf) | (second == -torch.inf), -torch.inf)
