"""The products of spike trains against loops over pairs of spikes."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from bispike.functional import causal_contrast, fired_by, first_spikes, symmetric_trace


def trains(seed: int, *shape: int) -> Tensor:
    draws = torch.Generator().manual_seed(seed)
    return (torch.rand(shape, generator=draws) < 0.3).double()


@given(seed=st.integers(0, 99), time_steps=st.integers(1, 6), decay=st.sampled_from([0.0, 0.5, 1.0]))
@settings(max_examples=25, deadline=None)
def test_symmetric_trace_sums_over_all_pairs(seed: int, time_steps: int, decay: float) -> None:
    pre, post = trains(seed, time_steps, 2, 3), trains(seed + 1, time_steps, 2, 2)
    expected = torch.zeros(2, 3, dtype=torch.float64)
    for sample in range(2):
        for i in range(2):
            for j in range(3):
                for after in range(time_steps):
                    for before in range(time_steps):
                        pair = post[after, sample, i] * pre[before, sample, j]
                        expected[i, j] += pair * decay ** abs(after - before)
    found = post.flatten(0, 1).T @ symmetric_trace(pre, decay).flatten(0, 1)
    torch.testing.assert_close(found, expected)


@given(seed=st.integers(0, 99), time_steps=st.integers(1, 6), depression=st.sampled_from([0.0, 0.75, None]))
@settings(max_examples=25, deadline=None)
def test_first_spikes_potentiate_what_fired_at_or_before_them(
    seed: int, time_steps: int, depression: float | None
) -> None:
    pre, post = trains(seed, time_steps, 2, 5), trains(seed + 1, time_steps, 2, 2)
    expected = torch.zeros(2, 5, dtype=torch.float64)
    for sample in range(2):
        for i in range(2):
            when = [t for t in range(time_steps) if post[t, sample, i]]
            if not when:
                continue
            causal = [any(pre[t, sample, j] for t in range(when[0] + 1)) for j in range(5)]
            less = min(sum(causal) / max(5 - sum(causal), 1), 1.0) if depression is None else depression
            for j in range(5):
                expected[i, j] += 1.0 if causal[j] else -less
    contrast = causal_contrast(pre, depression=depression)
    found = first_spikes(post).flatten(0, 1).T @ contrast.flatten(0, 1)
    torch.testing.assert_close(found, expected)


def test_balanced_depression_takes_what_potentiation_gave() -> None:
    spikes = trains(0, 4, 3, 40)[:2] * trains(1, 2, 3, 40)
    contrast = causal_contrast(spikes, depression=None)
    torch.testing.assert_close(contrast.sum(2), torch.zeros(2, 3, dtype=torch.float64), atol=1e-12, rtol=0)
    assert torch.equal(contrast > 0, fired_by(spikes) > 0)


@pytest.mark.parametrize("shape", [(4, 2, 3), (4, 2, 3, 5, 5)])
def test_traces_keep_the_shape(shape: tuple[int, ...]) -> None:
    spikes = trains(1, *shape)
    for found in (symmetric_trace(spikes, 0.5), causal_contrast(spikes, depression=None), first_spikes(spikes)):
        assert found.shape == shape
    assert float(first_spikes(spikes).sum(0).max()) == 1
