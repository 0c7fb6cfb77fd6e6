"""Reward-modulated STDP: its change is a sum over first spikes, and nothing above a stage takes part."""

import pytest
import torch

from bispike import models
from bispike.errors import ConfigurationError
from bispike.functional import causal_contrast, first_spikes
from bispike.nn import Network
from bispike.rules import RSTDP


def trains(cells: int, seed: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.bernoulli(torch.full((5, 1, cells), 0.3, dtype=torch.float64), generator=generator)


def test_causal_pairs_are_those_of_first_spikes_one_by_one() -> None:
    pre, post = trains(7, 0), trains(4, 1)
    expected = torch.zeros(4, 7, dtype=torch.float64)
    for i in range(4):
        after = post[:, 0, i].nonzero()
        if not len(after):
            continue
        for j in range(7):
            before = pre[:, 0, j].nonzero()
            expected[i, j] = 1.0 if len(before) and before[0] <= after[0] else -0.4
    contrast = causal_contrast(pre, depression=0.4)
    found = torch.einsum("tbi,tbj->ij", first_spikes(post), contrast)
    torch.testing.assert_close(found, expected)


def test_balanced_pairs_change_no_sum() -> None:
    pre = trains(7, 0)
    pre[:, :, 4:] = 0  # at most half of the neurons fire
    contrast = causal_contrast(pre, depression=None)
    fired = pre.cumsum(0).clamp(max=1)
    few = fired.mean(2) <= 0.5
    torch.testing.assert_close(contrast.sum(2)[few], torch.zeros_like(contrast.sum(2)[few]))
    assert bool((contrast[fired == 1] == 1).all())


def build(seed: int = 0) -> Network:
    return models.mlp(8, [9, 12], 3, norm=False, gain=1.5, seed=seed).double()


def step(net: Network) -> None:
    stimuli = torch.randn(6, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    RSTDP(net).step(stimuli, torch.tensor([0, 1, 2, 0, 1, 2]))


def test_stages_above_tell_lower_ones_nothing() -> None:
    gradients = []
    for gain in (1.0, -2.0):
        net = build()
        with torch.no_grad():
            net.hidden[1].up.synapse.weight.mul_(gain)
            net.readout.weight.mul_(gain)
        step(net)
        gradients.append(net.hidden[0].up.synapse.weight.grad)
    assert torch.equal(*gradients)
    assert bool(gradients[0].any())


def test_every_class_needs_cells() -> None:
    with pytest.raises(ConfigurationError, match="one neuron or channel a class"):
        RSTDP(models.mlp(8, [2, 12], 3))
