"""The order of the training samples: a function of seed and epoch, divided into full batches."""

from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st

from bispike.training import batches


@given(st.integers(1, 300), st.integers(0, 2**40), st.integers(0, 50))
def test_an_epoch_is_a_permutation_that_depends_on_nothing_else(samples: int, seed: int, epoch: int) -> None:
    found = batches.epoch_order(samples, seed, epoch)
    torch.manual_seed(epoch)  # the global generator plays no part
    assert torch.equal(found, batches.epoch_order(samples, seed, epoch))
    assert torch.equal(found.sort().values, torch.arange(samples))


@given(st.integers(1, 200), st.integers(1, 250))
def test_batches_are_full_and_disjoint(samples: int, batch_size: int) -> None:
    shuffled = batches.epoch_order(samples, 0, 0)
    steps = batches.steps_per_epoch(samples, batch_size)
    taken = [batches.batch_indices(shuffled, step, batch_size) for step in range(steps)]
    assert all(len(batch) == min(batch_size, samples) for batch in taken)
    seen = torch.cat(taken)
    assert len(seen.unique()) == len(seen) > samples - batch_size
