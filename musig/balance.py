r"""How the losses of several tasks become one step: fixed weights, or weights that are learned.

The paper chose its task weights by hand and leaves the trade-off between tasks to future work
(Saravanou et al., ISMIR 2021). Two published answers stand beside fixed weights here.

Conventions
-----------
A balance is a module with one method, ``backward``: from the losses of a step it leaves a gradient
in every parameter. What it learns are its own parameters, so that the optimiser moves them and a
checkpoint holds them. *Shared* parameters are those of the encoder, which every task reaches; the
parameters of a task's own head have the gradient of that task alone.

Contents
--------
- :class:`Fixed`, :class:`Uncertainty`, :class:`Surgery`; :data:`BALANCES`, by name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from musig.errors import MusigError

Backward = Callable[..., Any]
"""``backward(loss, retain_graph=False)``: of Fabric, which knows the precision."""


class Fixed(nn.Module):
    """The weighted sum of the losses.

    Parameters
    ----------
    weights : mapping of str to float, > 0
        Of each task.

    Notes
    -----
    Notebook: 09_task_weights
    """

    def __init__(self, weights: Mapping[str, float]) -> None:
        super().__init__()
        self.weights = dict(weights)

    def backward(
        self,
        losses: Mapping[str, Tensor],
        shared: Sequence[nn.Parameter],
        backward: Backward,
        generator: torch.Generator,
    ) -> None:
        """Leave the gradient of the weighted sum in every parameter."""
        backward(sum(self.weights[name] * loss for name, loss in losses.items()))

    def report(self) -> dict[str, float]:
        """Nothing is learned, so there is nothing to tell."""
        return {}


class Uncertainty(nn.Module):
    r"""Weights learned with the rest, each from how large its task's loss stays.

    Parameters
    ----------
    weights : mapping of str to float, > 0
        Of each task; where the learning begins.

    Raises
    ------
    MusigError
        If a weight is 0 or less.

    Notes
    -----
    :math:`\sum_i e^{-s_i} L_i + s_i / 2` with :math:`s_i = \log \sigma_i^2` a parameter: Kendall,
    Gal, Cipolla: Multi-Task Learning Using Uncertainty to Weigh Losses, CVPR 2018, equation 10.
    There a squared error has the factor 1/2 besides; it moves :math:`s_i` by log 2 and nothing
    else. At rest the weight of a task is :math:`1 / (2 L_i)`.
    Notebook: 09_task_weights

    Examples
    --------
    >>> balance = Uncertainty({"one": 1.0, "other": 0.5})
    >>> {name: round(weight, 3) for name, weight in balance.report().items()}
    {'weight_one': 1.0, 'weight_other': 0.5}
    """

    def __init__(self, weights: Mapping[str, float]) -> None:
        super().__init__()
        if not all(weight > 0 for weight in weights.values()):
            raise MusigError(
                f"The task weights are {dict(weights)}; expected numbers above 0, from which those "
                "that are learned can begin."
            )
        self.names = list(weights)
        self.log_variance = nn.Parameter(-torch.tensor(list(weights.values())).log())  # (tasks,)

    def backward(
        self,
        losses: Mapping[str, Tensor],
        shared: Sequence[nn.Parameter],
        backward: Backward,
        generator: torch.Generator,
    ) -> None:
        """Leave the gradient of the formula in every parameter, the weights' own among them."""
        values = torch.stack([losses[name] for name in self.names])
        backward(((-self.log_variance).exp() * values + self.log_variance / 2).sum())

    def report(self) -> dict[str, float]:
        """Give the weight of each task as it is now."""
        weights = (-self.log_variance).detach().exp().tolist()
        return {f"weight_{name}": w for name, w in zip(self.names, weights, strict=True)}


class Surgery(nn.Module):
    r"""Fixed weights, but what contradicts another task is cut out of a task's gradient.

    Parameters
    ----------
    weights : mapping of str to float, > 0
        Of each task.

    Notes
    -----
    PCGrad, Yu et al.: Gradient Surgery for Multi-Task Learning, NeurIPS 2020, algorithm 1: where
    the gradient of a task points against that of another (a negative product), it is projected
    onto the plane that the other does not see; the others come in random order. Gradients are of
    the *weighted* losses, over the shared parameters taken as one vector.
    Notebook: 09_task_weights
    """

    def __init__(self, weights: Mapping[str, float]) -> None:
        super().__init__()
        self.weights = dict(weights)
        self.met = 0
        self.conflicts: Tensor | int = 0

    def backward(
        self,
        losses: Mapping[str, Tensor],
        shared: Sequence[nn.Parameter],
        backward: Backward,
        generator: torch.Generator,
    ) -> None:
        """Leave the sum of the projected gradients in the shared parameters."""
        gradients = []
        for number, (name, loss) in enumerate(losses.items(), 1):
            backward(self.weights[name] * loss, retain_graph=number < len(losses))
            parts = [torch.zeros_like(p) if p.grad is None else p.grad for p in shared]
            gradients.append(torch.cat([part.flatten() for part in parts]))  # a copy
            for parameter in shared:
                parameter.grad = None
        total, conflicts = operate(gradients, generator)
        self.met += len(losses) * (len(losses) - 1)
        self.conflicts += conflicts
        pieces = total.split([parameter.numel() for parameter in shared])
        for parameter, piece in zip(shared, pieces, strict=True):
            parameter.grad = piece.view_as(parameter)

    def report(self) -> dict[str, float]:
        """Give the share of the projections that were needed, since this was last asked."""
        share = int(self.conflicts) / max(1, self.met)
        self.met, self.conflicts = 0, 0
        return {"conflicts": share}


def operate(gradients: Sequence[Tensor], generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Project gradients so that none points against another, and add them up.

    Parameters
    ----------
    gradients : sequence of Tensor, each of shape (n,)
        One a task.
    generator : torch.Generator
        Draws in which order the others come.

    Returns
    -------
    total : Tensor, shape (n,)
    conflicts : Tensor of int64, scalar
        How many projections were made; on the device, which nothing here waits for.

    Notes
    -----
    The algorithm of :class:`Surgery`. With more than two tasks a projection onto one may turn a
    gradient against another that came before, as in the source.
    Notebook: 09_task_weights

    Examples
    --------
    >>> against = [torch.tensor([1.0, 0.0]), torch.tensor([-1.0, 1.0])]
    >>> total, conflicts = operate(against, torch.Generator().manual_seed(0))
    >>> total.tolist(), int(conflicts)
    ([0.5, 1.5], 2)
    """
    table = torch.stack(list(gradients))
    norms = table.square().sum(1)
    total, conflicts = torch.zeros_like(table[0]), norms.new_zeros((), dtype=torch.int64)
    for number, gradient in enumerate(table):
        order = torch.randperm(len(table), generator=generator, device=generator.device)
        kept = gradient.clone()
        for other in order:  # a tensor: where it points is never asked of the device
            against = table.index_select(0, other[None])[0]
            product = kept @ against
            cut = (product < 0) & (other != number)
            kept -= torch.where(cut, product / norms[other], 0) * against
            conflicts += cut
        total += kept
    return total, conflicts


BALANCES: dict[str, type[Fixed] | type[Uncertainty] | type[Surgery]] = {
    "fixed": Fixed,
    "uncertainty": Uncertainty,
    "surgery": Surgery,
}
"""What :class:`musig.train.TrainConfig` may ask for."""
