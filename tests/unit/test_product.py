"""The product of a graph with rows of numbers, and the softmax loss made in pieces."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from musig import contrast, product
from musig.contrast import in_batch_softmax


def sparse(rows, columns, entries, seed):
    """A CSR tensor whose rows may be empty and may name a column more than once."""
    random = torch.Generator().manual_seed(seed)
    row = torch.randint(rows, (entries,), generator=random).sort().values
    indptr = torch.cat([torch.zeros(1, dtype=torch.int64), row.bincount(minlength=rows).cumsum(0)])
    column = torch.randint(columns, (entries,), generator=random)
    return torch.sparse_csr_tensor(
        indptr, column, torch.randn(entries, generator=random), (rows, columns)
    ), torch.stack([row, column])


@pytest.mark.filterwarnings("ignore:Sparse")
@given(
    rows=st.integers(1, 20),
    columns=st.integers(1, 20),
    entries=st.integers(0, 60),
    width=st.sampled_from([1, 31, 32, 33, 64, 65]),
    seed=st.integers(0, 999),
)
@settings(max_examples=60, deadline=None)
def test_product_is_the_dense_one(rows, columns, entries, width, seed):
    matrix, place = sparse(rows, columns, entries, seed)
    dense = torch.zeros(rows, columns).index_put_(tuple(place), matrix.values(), accumulate=True)
    h = torch.randn(columns, width, generator=torch.Generator().manual_seed(seed))
    torch.testing.assert_close(product.product(matrix, h), dense @ h)


@pytest.mark.gpu
def test_a_gpu_multiplies_as_a_cpu_does():
    matrix, _ = sparse(30, 20, 100, 0)
    h = torch.randn(20, 40)
    on_gpu = product.product(matrix.cuda(), h.cuda())
    torch.testing.assert_close(on_gpu.cpu(), product.product(matrix, h))


def softmax_by_definition(z, pairs, log_drawn, temperature, groups):
    """Pair by pair, with autograd's gradient."""
    first, second = pairs.tolist()
    losses = []
    for group in groups:
        for i in group:
            scores = [
                z[first[i]] @ z[second[j]] / temperature - log_drawn[j]
                for j in group
                if j == i or second[j] not in (second[i], first[i])
            ]
            own = z[first[i]] @ z[second[i]] / temperature - log_drawn[i]
            losses.append(torch.stack(scores).logsumexp(0) - own)
    return torch.stack(losses).mean()


@given(
    pairs=st.integers(1, 14),
    most=st.integers(1, 16),
    tracks=st.integers(2, 20),
    piece=st.integers(1, 100),
    seed=st.integers(0, 999),
)
@settings(max_examples=100, deadline=None)
def test_softmax_and_its_gradient_are_the_definition(pairs, most, tracks, piece, seed):
    random = torch.Generator().manual_seed(seed)
    ours = F.normalize(torch.randn(tracks, 5, generator=random)).requires_grad_()
    slow = ours.detach().clone().requires_grad_()
    drawn = torch.randint(tracks, (2, pairs), generator=random)
    log_drawn = torch.randn(pairs, generator=random)
    groups = [range(first, min(first + most, pairs)) for first in range(0, pairs, most)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(contrast.SCORES, "cpu", piece)
        loss = in_batch_softmax(ours, drawn, log_drawn, 0.3, most)
    expected = softmax_by_definition(slow, drawn, log_drawn, 0.3, groups)
    torch.testing.assert_close(loss, expected)
    (3 * loss).backward()
    (3 * expected).backward()
    torch.testing.assert_close(ours.grad, slow.grad, rtol=1e-4, atol=1e-5)


def test_a_pair_alone_has_nothing_to_be_told_from():
    z = torch.ones(2, 4, requires_grad=True)
    loss = in_batch_softmax(z, torch.tensor([[0], [1]]), torch.zeros(1), 0.1, contrast=8)
    loss.backward()
    assert loss.item() == pytest.approx(0, abs=1e-6)
    assert z.grad.abs().max() < 1e-5
