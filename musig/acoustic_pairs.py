"""Pairs of tracks: which co-occur in a playlist, and which never do.

The classification the acoustic network learns (Saravanou et al., ISMIR 2021): do these two tracks
co-occur in a playlist? A pair is *positive* if it shares more than `min_weight` training
playlists, *negative* if it shares none; what is between is neither. A track that is in no such
playlist at all is in no pair: whom it goes with is unknown, and not "nobody".

Two well-known tracks share playlists whatever they sound like, and their sound cannot say how well
known they are. So a positive pair weighs as much as it shares *more* playlists than chance would
have it: ``(count - expected) / √expected``, the residual of Pearson's test of independence, and
nothing where it shares fewer. `expected` is what it would share if each track kept its number of
shared playlists and partners were drawn at random. (Weights by pointwise mutual information,
after Church and Hanks 1990, did as well in our trials; equal weights and counts did worse.)

Conventions
-----------
*Nodes* are numbers 0, 1, ... of the tracks that may be seen; ``Pairs.tracks`` gives their
positions in the catalogue. Playlists are restricted to them before anything is counted.

Contents
--------
- :class:`Pairs`, :func:`make_pairs`; :func:`shared_playlists`; :func:`listed`.
- :class:`PairLoss`.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from scipy.sparse import csr_array
from torch import Tensor, nn
from torch.nn import functional as F

from musig.alias import AliasTables
from musig.csr import CSR, to_csr
from musig.errors import MusigError, counted
from musig.graph import music_graph
from musig.playlists import Playlists
from musig.sampling import build_alias, sample_neighbours


@dataclass(frozen=True, eq=False)
class Pairs:
    """Tracks, and the playlists they share."""

    tracks: np.ndarray
    """int64, shape (n,), ascending: positions in the catalogue."""
    min_weight: int
    """Pairs that share more playlists than this are positive."""
    graph: CSR
    """The positive pairs, with the number of playlists they share."""
    member: csr_array
    """int32, shape (n, n_playlists): 1 where a playlist holds a track."""
    alias: AliasTables
    """For drawing from `graph`."""
    degree: np.ndarray
    """float64, shape (n,): playlists shared with all other tracks together."""

    @cached_property
    def anchors(self) -> Tensor:
        """Nodes that have a positive partner: int64."""
        return torch.nonzero(self.graph.degree > 0).squeeze(1)

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of tracks, membership and of what counts as positive."""
        digest = hashlib.sha256()
        for values in (self.tracks, self.member.indptr, self.member.indices):
            digest.update(np.ascontiguousarray(values, dtype=np.int64).tobytes())
        digest.update(str(self.min_weight).encode())
        return digest.hexdigest()

    def shared(self, nodes: np.ndarray) -> np.ndarray:
        """Count the playlists that every two of some nodes share.

        Parameters
        ----------
        nodes : ndarray of int, shape (b,)

        Returns
        -------
        ndarray of int32, shape (b, b)
            The diagonal says in how many playlists each is.
        """
        member = self.member[nodes]
        return (member @ member.T).toarray()

    def labels(self, nodes: np.ndarray) -> np.ndarray:
        """Say of every two of some nodes whether they co-occur.

        Parameters
        ----------
        nodes : ndarray of int, shape (b,)

        Returns
        -------
        ndarray of float32, shape (b, b)
            -1 for a negative pair, the weight of a positive pair, 0 for what is neither.
        """
        count = self.shared(nodes)
        degree = self.degree[nodes]
        expected = np.outer(degree, degree) / self.degree.sum()
        excess = np.maximum(count - expected, 0) / np.sqrt(np.maximum(expected, 1e-9))
        labels = np.where(count > self.min_weight, excess, 0)
        labels[count == 0] = -1
        np.fill_diagonal(labels, 0)
        return labels.astype(np.float32)

    def draw(self, size: int, generator: torch.Generator) -> np.ndarray:
        """Choose the nodes of a step.

        Parameters
        ----------
        size : int, > 0
            How many to draw. A quarter are anchors, evenly from those that have partners; as many
            are their partners, in proportion to the number of playlists shared; half are any.
        generator : torch.Generator

        Returns
        -------
        ndarray of int64
            Distinct, ascending; at most `size`.
        """
        n, quarter = len(self.tracks), max(1, size // 4)
        if size >= n:
            return np.arange(n)
        pick = torch.randint(len(self.anchors), (quarter,), generator=generator)
        anchors = self.anchors[pick]
        partners = sample_neighbours(self.graph, self.alias, anchors, 1, generator).squeeze(1)
        others = torch.randint(n, (max(0, size - 2 * quarter),), generator=generator)
        return torch.cat([anchors, partners, others]).unique().numpy()


def make_pairs(playlists: Playlists, tracks: np.ndarray, n_tracks: int, min_weight: int) -> Pairs:
    """Find the pairs among some tracks.

    Parameters
    ----------
    playlists : Playlists
        Those that count: the training playlists.
    tracks : ndarray of int, shape (n,)
        Positions of the tracks that may be seen, ascending. Those in no playlist are left out.
    n_tracks : int
        Number of tracks of the catalogue.
    min_weight : int, >= 0
        Pairs that share more playlists than this are positive.

    Returns
    -------
    Pairs

    Raises
    ------
    MusigError
        If no pair is positive, or none is negative.

    Notes
    -----
    Notebook: 03_acoustic_vectors

    Examples
    --------
    >>> playlists = Playlists.from_lists([[0, 1, 3], [1, 0], [2, 3]])
    >>> pairs = make_pairs(playlists, np.array([0, 1, 2]), n_tracks=4, min_weight=1)
    >>> pairs.shared(np.arange(3)).tolist(), pairs.anchors.tolist()
    ([[2, 2, 0], [2, 2, 0], [0, 0, 1]], [0, 1])
    >>> pairs.labels(np.arange(3)).round(2).tolist()
    [[0.0, 1.0, -1.0], [1.0, 0.0, -1.0], [-1.0, -1.0, 0.0]]
    """
    tracks = np.asarray(tracks, dtype=np.int64)
    tracks = tracks[listed(playlists, tracks, n_tracks)]
    known = playlists.restrict(tracks, n_tracks)
    n = len(tracks)
    graph = to_csr(music_graph(known, n, min_weight))
    member = _member(known, n)
    among = f"among the {counted(n, 'track')} with sound that may be learned from, in "
    among += counted(len(playlists), "training playlist")
    lower = "Lower the number of shared playlists that makes a yes, or use" if min_weight else "Use"
    if len(graph.indices) == 0:
        raise MusigError(
            f"No two tracks {among}, share more than {counted(min_weight, 'playlist')}: there is "
            f"no positive pair to learn from. {lower} more playlists."
        )
    entries = known.lengths
    if (entries * (entries - 1)).sum() >= n * (n - 1):  # else some pair must be apart
        together = to_csr(music_graph(known, n, 0))
        if len(together.indices) == n * (n - 1):
            raise MusigError(
                f"Every two tracks {among}, share a playlist: there is no negative pair to learn "
                "from. Use more tracks, or playlists that differ more."
            )
    degree = member @ np.maximum(entries - 1, 0).astype(np.float64)
    return Pairs(tracks, min_weight, graph, member, build_alias(graph), degree)


def shared_playlists(playlists: Playlists, tracks: np.ndarray, n_tracks: int) -> np.ndarray:
    """Count the playlists that every two of some tracks share.

    Parameters
    ----------
    playlists : Playlists
    tracks : ndarray of int, shape (n,)
        Positions, ascending.
    n_tracks : int
        Number of tracks of the catalogue.

    Returns
    -------
    ndarray of int32, shape (n, n)
        The diagonal says in how many playlists each is.

    Notes
    -----
    Notebook: 03_acoustic_vectors

    Examples
    --------
    >>> shared_playlists(Playlists.from_lists([[0, 2], [2]]), np.array([0, 2]), 3).tolist()
    [[1, 1], [1, 2]]
    """
    member = _member(playlists.restrict(tracks, n_tracks), len(tracks))
    return (member @ member.T).toarray()


def listed(playlists: Playlists, tracks: np.ndarray, n_tracks: int) -> np.ndarray:
    """Tell which tracks are in a playlist.

    Parameters
    ----------
    playlists : Playlists
    tracks : ndarray of int, shape (n,)
        Positions.
    n_tracks : int
        Number of tracks of the catalogue.

    Returns
    -------
    ndarray of bool, shape (n,)

    Notes
    -----
    Notebook: 03_acoustic_vectors

    Examples
    --------
    >>> listed(Playlists.from_lists([[0, 2]]), np.array([1, 2]), 3).tolist()
    [False, True]
    """
    return np.bincount(playlists.tracks, minlength=n_tracks)[tracks] > 0


def _member(playlists: Playlists, n: int) -> csr_array:
    """Say which playlists hold a track: int32, shape (n, n_playlists)."""
    ones = np.ones(len(playlists.tracks), dtype=np.int32)
    shape = (len(playlists), n)
    holds = csr_array((ones, playlists.tracks.astype(np.int64), playlists.indptr), shape=shape)
    return holds.T.tocsr()


class PairLoss(nn.Module):
    """Cross-entropy of "do these two tracks co-occur?" over all pairs of a batch.

    Notes
    -----
    The log-odds of a pair are ``bias - scale * d²``, with d the distance of the two vectors and
    both numbers learned: what is near co-occurs, so that nearest neighbours mean something, as
    the product of two vectors would not promise. Positive and negative pairs weigh the same,
    however many there are. Of the weight of the negatives a half is spread over all, and a half
    over the hard ones: the quarter of them that the present vectors have nearest.
    Notebook: 03_acoustic_vectors

    Examples
    --------
    >>> z = torch.tensor([[0.0], [0.0], [1.0]])
    >>> labels = torch.tensor([[0.0, 2.0, -1.0], [2.0, 0.0, -1.0], [-1.0, -1.0, 0.0]])
    >>> bool(PairLoss()(z, labels) < PairLoss()(z.flip(0), labels))
    True
    """

    def __init__(self) -> None:
        super().__init__()
        self.log_scale = nn.Parameter(torch.tensor(0.0))
        self.bias = nn.Parameter(torch.tensor(1.0))

    def forward(self, z: Tensor, labels: Tensor) -> Tensor:
        """Give the loss of vectors (b, d) with the labels (b, b) of :meth:`Pairs.labels`."""
        first, second = torch.triu_indices(len(z), len(z), 1, device=z.device)
        distance = (z[first] - z[second]).square().sum(1)  # (pairs,)
        odds = self.bias - self.log_scale.exp() * distance
        label = labels[first, second]
        positive, negative = label.clamp_min(0), (label < 0).float()
        hard = _nearest_quarter(distance, negative)
        loss_of_negative = F.softplus(odds)
        return (
            _mean(F.softplus(-odds), positive)
            + (_mean(loss_of_negative, negative) + _mean(loss_of_negative, hard)) / 2
        ) / 2


def _mean(values: Tensor, weight: Tensor) -> Tensor:
    """Mean of the weighted values; 0 where nothing has weight."""
    return (values * weight).sum() / weight.sum().clamp_min(1e-9)


def _nearest_quarter(distance: Tensor, negative: Tensor) -> Tensor:
    """Mark the quarter of the negative pairs that are nearest: 1 or 0, shape (pairs,)."""
    order = torch.where(negative > 0, distance.detach(), torch.inf).argsort()
    rank = torch.empty_like(order)
    rank[order] = torch.arange(len(order), device=order.device)
    return (rank < negative.sum() / 4).float() * negative
