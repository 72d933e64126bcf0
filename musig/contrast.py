"""The in-batch softmax loss, a piece at a time.

Among the positives of many pairs, each anchor has to recognise its own. For B pairs that is a
table of B² scores. Autograd would keep several such tables until the backward pass; here a few
rows of it exist at a time: loss and gradient are made together while they are in the cache.

Conventions
-----------
``z`` are embeddings, float32, each track once; a pair is two of its rows. Pairs read them and add
to their gradient a piece at a time too: no row is copied for each pair it is in.

Contents
--------
- :func:`in_batch_softmax`.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

SCORES = {"cpu": 2**18, "cuda": 2**26}
"""At a time, of one group or of several: on a CPU they stay in a core's cache; on a GPU fewer and
larger pieces cost less to start (256 MB of scores)."""


def in_batch_softmax(
    z: Tensor, pairs: Tensor, log_drawn: Tensor, temperature: float, contrast: int
) -> Tensor:
    r"""Mean over the pairs of the cross-entropy of recognising the own positive.

    :math:`-\log \exp s_{ii} / \sum_j \exp s_{ij}` with
    :math:`s_{ij} = a_i \cdot p_j / \tau - \log q_j`.

    Parameters
    ----------
    z : Tensor of float32, shape (n, d)
        Embeddings, each track once.
    pairs : Tensor of int64, shape (2, n_pairs)
        The rows of z that are anchors, and those that are their positives. A track that is a
        positive twice is a positive of both anchors, not a negative of either; nor is an anchor
        that is the positive of another pair a negative of itself.
    log_drawn : Tensor of float32, shape (n_pairs,)
        :math:`\log q_j`, of how often the positive turns up as one.
    temperature : float, > 0
        :math:`\tau`.
    contrast : int, > 0
        The pairs are cut, as they come, into groups of so many, the last of what is left; an
        anchor has to recognise its own among the positives of its group.

    Returns
    -------
    Tensor of float32, scalar
        In nats. Can be differentiated once, by z.

    Notes
    -----
    Bengio & Senécal 2008 and Yi et al. 2019 correct for the frequency. Memory: that of `z` once
    more, and a few times :data:`SCORES`.
    Notebook: 05_multitask_training

    Examples
    --------
    Two pairs that nothing tells apart cost log 2 each:

    >>> pairs = torch.tensor([[0, 1], [2, 3]])
    >>> round(in_batch_softmax(torch.ones(4, 3), pairs, torch.zeros(2), 1.0, contrast=2).item(), 4)
    0.6931
    """
    return _InBatchSoftmax.apply(z, pairs, log_drawn, temperature, contrast)


class _InBatchSoftmax(torch.autograd.Function):
    @staticmethod
    def forward(  # type: ignore[no-untyped-def]
        ctx, z: Tensor, pairs: Tensor, log_drawn: Tensor, temperature: float, contrast: int
    ) -> Tensor:
        most = SCORES.get(z.device.type, SCORES["cpu"])
        n, total, gradient = pairs.shape[1], z.new_zeros(()), torch.zeros_like(z)
        whole = n - n % contrast
        with torch.autocast(z.device.type, enabled=False):
            for begin, end, size in ((0, whole, contrast), (whole, n, n - whole)):
                if begin == end:
                    continue
                firsts, seconds, drawns = (
                    each[begin:end].view(-1, size) for each in (*pairs, log_drawn)
                )
                groups, rows = max(1, most // size**2), max(1, most // size)
                for first, second, drawn in zip(
                    firsts.split(groups), seconds.split(groups), drawns.split(groups), strict=True
                ):
                    positive = z[second]  # (groups, size, d)
                    pull = torch.zeros_like(positive)
                    for row in range(0, size, rows):
                        anchors, own = first[:, row : row + rows], second[:, row : row + rows]
                        anchor = z[anchors]  # (groups, rows, d)
                        scores = (anchor @ positive.mT).div_(temperature).sub_(drawn[:, None])
                        spared = second[:, None] == own[:, :, None]
                        spared |= second[:, None] == anchors[:, :, None]
                        spared.diagonal(row, 1, 2).fill_(False)  # the own positive
                        scores.masked_fill_(spared, -torch.inf)  # (groups, rows, size)
                        norm = scores.logsumexp(2)
                        total += (norm - scores.diagonal(row, 1, 2)).sum()
                        share = scores.sub_(norm[:, :, None]).exp_()  # the softmax
                        share.diagonal(row, 1, 2).sub_(1)
                        _add(gradient, anchors, share @ positive)
                        pull.baddbmm_(share.mT, anchor)
                    _add(gradient, second, pull)
        ctx.save_for_backward(gradient.div_(n * temperature))
        return total / n

    @staticmethod
    def backward(ctx: Any, *outer: Tensor) -> tuple[Tensor | None, ...]:
        (gradient,) = ctx.saved_tensors
        return gradient * outer[0], None, None, None, None


def _add(target: Tensor, rows: Tensor, values: Tensor) -> None:
    """Add to rows that may be named more than once; in the same order each time on any device."""
    if target.is_cuda:  # there index_add_ is atomic, in whatever order
        target.index_put_((rows,), values, accumulate=True)
    else:  # faster
        target.index_add_(0, rows.flatten(), values.flatten(0, 1))
