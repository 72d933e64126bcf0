"""From losses to one step: the published formulas, and what a training does with them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from musig.balance import BALANCES, Fixed, Surgery, Uncertainty, operate
from musig.errors import MusigError
from musig.splits import split_playlists
from musig.train import TrainConfig, train
from musig.training_data import prepare

WEIGHTS = {"one": 1.0, "other": 0.25, "third": 2.0}
QUICK = TrainConfig(
    embedding_size=16, batch_size=64, epochs=4, evaluate_every=2, patience=9, device="cpu"
)


def plain(loss, retain_graph=False):
    loss.backward(retain_graph=retain_graph)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


class Net(nn.Module):
    """One shared layer, and a head a task."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.shared = nn.Linear(4, 3)
        self.heads = nn.ModuleDict({name: nn.Linear(3, 1) for name in WEIGHTS})
        self.x = torch.randn(8, 4)

    def losses(self):
        h = self.shared(self.x).tanh()
        return {
            name: (head(h).squeeze(1) - self.x[:, k]).square().mean()
            for k, (name, head) in enumerate(self.heads.items())
        }

    def gradients(self, balance):
        self.zero_grad()
        balance.zero_grad()
        balance.backward(self.losses(), [*self.shared.parameters()], plain, generator())
        return [parameter.grad.clone() for parameter in self.parameters()]


def test_uncertainty_is_the_formula_of_its_source():
    net, balance = Net(), Uncertainty(WEIGHTS)
    with torch.no_grad():
        balance.log_variance.copy_(torch.tensor([0.3, -1.0, 2.0]))
    found, learned = net.gradients(balance), balance.log_variance.grad.clone()
    s = torch.tensor([0.3, -1.0, 2.0], requires_grad=True)
    net.zero_grad()
    losses = net.losses().values()
    sum(torch.exp(-s[k]) * loss + s[k] / 2 for k, loss in enumerate(losses)).backward()
    for one, parameter in zip(found, net.parameters(), strict=True):
        torch.testing.assert_close(one, parameter.grad)
    torch.testing.assert_close(learned, s.grad)


def test_uncertainty_begins_at_the_weights_and_rests_at_half_of_one_over_the_loss():
    net, balance = Net(), Uncertainty(WEIGHTS)
    expected = net.gradients(Fixed(WEIGHTS))
    for one, other in zip(net.gradients(balance), expected, strict=True):
        torch.testing.assert_close(one, other)
    losses = {"one": torch.tensor(4.0), "other": torch.tensor(0.1), "third": torch.tensor(1.0)}
    optimiser = torch.optim.Adam(balance.parameters(), lr=0.05)
    for _ in range(600):
        optimiser.zero_grad()
        balance.backward(losses, [], plain, generator())
        optimiser.step()
    report = balance.report()
    for name, loss in losses.items():
        assert report[f"weight_{name}"] == pytest.approx(1 / (2 * float(loss)), rel=1e-3)


def test_weights_that_cannot_be_learned_from_are_refused():
    with pytest.raises(MusigError, match=r"'one': 0.0.*expected numbers above 0"):
        Uncertainty({"one": 0.0})


VECTORS = st.integers(0, 10_000).map(
    lambda seed: torch.from_numpy(np.random.default_rng(seed).standard_normal((2, 6)))
)


@given(VECTORS)
def test_after_surgery_two_gradients_do_not_conflict(pair):
    total, conflicts = operate(pair, generator())
    agree = bool(pair[0] @ pair[1] >= 0)
    assert conflicts == (0 if agree else 2)
    if agree:
        torch.testing.assert_close(total, pair.sum(0))
    else:
        one, other = pair
        kept = one - (one @ other) / (other @ other) * other
        assert abs(float(kept @ other)) < 1e-9
        alike = other - (one @ other) / (one @ one) * one
        torch.testing.assert_close(total, kept + alike)
    assert float(total @ pair[0]) > -1e-9 and float(total @ pair[1]) > -1e-9


@given(st.integers(0, 1000), st.integers(1, 4))
def test_each_gradient_is_projected_in_a_random_order(seed, tasks):
    """Algorithm 1 of the source, as loops."""
    table = torch.from_numpy(np.random.default_rng(seed).standard_normal((tasks, 5)))
    drawn, expected = generator(seed), torch.zeros(5, dtype=torch.float64)
    for i in range(tasks):
        kept = table[i].clone()
        for j in torch.randperm(tasks, generator=drawn).tolist():
            if j != i and (kept * table[j]).sum() < 0:
                kept = kept - (kept * table[j]).sum() / table[j].norm() ** 2 * table[j]
        expected += kept
    torch.testing.assert_close(operate(table, generator(seed))[0], expected)


def test_a_task_without_gradient_disturbs_none():
    total, conflicts = operate([torch.ones(3), torch.zeros(3)], generator())
    assert total.tolist() == [1.0] * 3 and conflicts == 0


def test_surgery_is_on_shared_parameters_only():
    net, balance = Net(), Surgery(WEIGHTS)
    found, fixed = net.gradients(balance), net.gradients(Fixed(WEIGHTS))
    for name, one, other in zip(dict(net.named_parameters()), found, fixed, strict=True):
        if name.startswith("heads"):
            torch.testing.assert_close(one, other)
    shared = [*net.shared.parameters()]
    apart = []
    for name, loss in net.losses().items():
        parts = torch.autograd.grad(WEIGHTS[name] * loss, shared, retain_graph=True)
        apart.append(torch.cat([part.flatten() for part in parts]))
    total, conflicts = operate(apart, generator())
    torch.testing.assert_close(torch.cat([part.flatten() for part in found[:2]]), total)
    assert conflicts > 0, "the example has nothing to cut"
    assert balance.report() == {"conflicts": conflicts / 6}
    assert balance.report() == {"conflicts": 0.0}


@pytest.fixture(scope="module")
def data(smoke_catalog):
    return prepare(smoke_catalog, split_playlists(smoke_catalog, seed=0))


@pytest.mark.parametrize("balance", BALANCES)
def test_every_balance_trains_and_tells_what_it_learned(data, tmp_path, balance):
    config = replace(QUICK, balance=balance)
    history = train(data, config, tmp_path / "m", progress=False).history
    for task in ("cooccurrence", "similarity", "genre"):
        assert history[task].iloc[-1] < history[task].iloc[0], task
    learned = {name for name in history if name.startswith("weight_")}
    if balance == "uncertainty":
        assert learned == {"weight_cooccurrence", "weight_similarity", "weight_genre"}
        assert history["weight_similarity"].iloc[-1] > 0.5  # a small loss
        assert history["weight_cooccurrence"].iloc[-1] < 1.0  # a large one
    else:
        assert not learned
    assert ("conflicts" in history) == (balance == "surgery")


def test_balances_are_told_apart(data, tmp_path):
    embeddings = [
        train(data, replace(QUICK, balance=b), tmp_path / b, progress=False).embeddings
        for b in BALANCES
    ]
    assert not torch.equal(embeddings[0], embeddings[1])
    assert not torch.equal(embeddings[0], embeddings[2])


def test_one_task_alone_has_nothing_to_balance(data, tmp_path):
    alone = replace(QUICK, weight_similarity=0.0, weight_genre=0.0)
    fixed = train(data, alone, tmp_path / "fixed", progress=False)
    surgery = train(data, replace(alone, balance="surgery"), tmp_path / "cut", progress=False)
    assert torch.equal(fixed.embeddings, surgery.embeddings)
