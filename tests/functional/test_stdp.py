"""Plasticity from spike times equals the sum over all pairs of spikes, one by one."""

import pytest
import torch

from bispike.functional import symmetric_trace


@pytest.mark.parametrize("decay", [0.0, 0.3, 1.0])
def test_symmetric_stdp_is_the_sum_over_pairs(decay: float) -> None:
    generator = torch.Generator().manual_seed(0)
    pre = torch.bernoulli(torch.full((5, 3), 0.5, dtype=torch.float64), generator=generator)
    post = torch.bernoulli(torch.full((5, 2), 0.5, dtype=torch.float64), generator=generator)
    expected = torch.zeros(2, 3, dtype=torch.float64)
    for i in range(2):
        for j in range(3):
            for t in range(5):
                for s in range(5):
                    expected[i, j] += post[t, i] * pre[s, j] * decay ** abs(t - s)
    torch.testing.assert_close(post.T @ symmetric_trace(pre, decay), expected)
