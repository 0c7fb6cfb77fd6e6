"""Shares of a batch: contiguous, nearly equal, together the whole; sums over them and their gradients."""

from __future__ import annotations

import pytest
import torch

from bispike.nn import ALONE, Group
from tests.together import together


def test_a_process_alone_changes_nothing() -> None:
    for group in (ALONE, Group()):
        assert not group.shares
        assert (group.rank, group.size) == (0, 1)
        assert group.share(7) == slice(0, 7)
        assert not group.shares
        assert group.count(7) == 7
        values = torch.arange(6.0).reshape(3, 2)
        for same in (group.sum(values), group.whole(values), group.mine(values), group.add_(values)):
            assert same is values


@pytest.mark.parametrize("size", [2, 3, 5])
@pytest.mark.parametrize("samples", [5, 6, 7, 16])
def test_shares_are_contiguous_and_nearly_equal(size: int, samples: int) -> None:
    found = []
    for rank in range(size):
        group = Group(rank=rank, size=size)
        assert not group.shares  # before the first batch
        assert group.count(4) == 4
        found.append(group.share(samples))
        assert group.shares
        mine = found[-1].stop - found[-1].start
        assert group.count(mine) == samples
        assert group.count(3 * mine) == 3 * samples  # three rows per sample
        if mine > 1:
            with pytest.raises(AssertionError, match="equally many for each sample"):
                group.count(mine + 1)
    assert [part.start for part in found] == [0, *[part.stop for part in found[:-1]]]
    assert found[-1].stop == samples
    sizes = [part.stop - part.start for part in found]
    assert max(sizes) - min(sizes) <= 1


def test_a_batch_with_fewer_samples_than_processes_is_computed_by_all() -> None:
    group = Group(rank=1, size=3)
    group.share(9)
    assert group.share(2) == slice(0, 2)
    assert not group.shares
    assert group.count(2) == 2
    values = torch.ones(2, 3)
    assert group.whole(values) is values
    assert group.mine(values) is values
    assert group.sum(values) is values
    assert group.share(3) == slice(1, 2)
    assert group.shares


def test_parts_of_a_batch_by_hand() -> None:
    group = Group(rank=1, size=3)
    group.share(7)  # 0-1, 2-3, 4-6
    rows = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
    assert group.whole(rows).tolist() == [[0, 0], [0, 0], [1, 2], [3, 4], [0, 0], [0, 0], [0, 0]]
    assert group.mine(torch.arange(7)).tolist() == [2, 3]
    assert group.mine(torch.arange(14).reshape(2, 7), axis=1).tolist() == [[2, 3], [9, 10]]


def test_sums_over_processes_and_their_gradients() -> None:
    """With L = Σ_r L_r and y the sum that each process has, dL/dx_r = Σ_r' dL_r'/dy."""

    def work(group: Group) -> tuple[list[float], list[float]]:
        group.share(6)
        leaf = torch.tensor([1.0, 2.0]) * (group.rank + 1)
        leaf.requires_grad_()
        total = group.sum(leaf)
        before = leaf.detach().clone()
        (total * (10.0**group.rank)).sum().backward()
        assert torch.equal(leaf.detach(), before)
        assert leaf.grad is not None
        return total.tolist(), leaf.grad.tolist()

    for total, grad in together(3, work):
        assert total == [6, 12]
        assert grad == [111, 111]
