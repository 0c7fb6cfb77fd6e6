"""Symmetric STDP: its change is a sum over pairs of spikes that leaves the length of a cell's weights, and says nothing
about errors."""

import torch

from bispike import models
from bispike.functional import dense_spikes
from bispike.nn import Network
from bispike.rules.sym_stdp import SymSTDP

LABELS = torch.tensor([0, 1, 2, 0, 1, 2])


def stimuli() -> torch.Tensor:
    return torch.randn(6, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


def build() -> Network:
    return models.mlp(8, [9, 12], 3, norm=False, gain=1.5).double()


def test_the_readout_learns_from_pairs_of_its_teachers_spikes() -> None:
    net = build()
    rule = SymSTDP(net, pull=0.0, decay=0.4, memory=1)  # memory 1: the mean is that of this batch
    *_, (_, _, top) = net.sweep_up(net.encode(stimuli()))
    pre = dense_spikes(top.spikes, like=top.rate)
    rule.step(stimuli(), LABELS)
    pre = pre - pre.mean((0, 1))
    pairs = torch.zeros(3, 12, dtype=torch.float64)
    for sample, label in enumerate(LABELS.tolist()):
        for t in range(4):
            for s in range(4):
                pairs[label] += 0.4 ** abs(t - s) * pre[s, sample]
    weight = net.readout.weight.detach()
    change = pairs - weight * (weight * pairs).sum(1, keepdim=True) / weight.square().sum(1, keepdim=True)
    written = -net.readout.weight.grad
    scale = (written * change).sum() / change.square().sum()
    assert scale > 0
    torch.testing.assert_close(written, scale * change)


def test_scaling_holds_lengths_and_pulls_at_wrong_ones() -> None:
    net = build()
    SymSTDP(net, pull=0.0).step(stimuli(), LABELS)
    for synapse in [*(stage.up.synapse for stage in net.hidden), net.readout]:
        along = (synapse.weight.detach() * synapse.weight.grad).sum(1)
        torch.testing.assert_close(along, torch.zeros_like(along), atol=1e-12, rtol=0)
    with torch.no_grad():
        net.readout.weight.mul_(3)
    SymSTDP(net, pull=1.0).step(stimuli(), LABELS)
    assert bool(((net.readout.weight.detach() * net.readout.weight.grad).sum(1) > 0).all())  # descent shortens them


def test_only_winners_of_the_samples_class_learn() -> None:
    net = build()
    rule = SymSTDP(net, pull=0.0, winners=1.0)
    rule.step(stimuli()[:1], LABELS[:1])  # class 0: the first three of nine cells
    moved = net.hidden[0].up.synapse.weight.grad.abs().sum(1) > 0
    assert not bool(moved[3:].any())


def test_busy_cells_raise_their_thresholds() -> None:
    net = build()
    with torch.no_grad():
        net.hidden[0].up.synapse.bias[0] = 5.0
        net.hidden[0].up.synapse.bias[1] = -5.0
    SymSTDP(net).step(stimuli(), LABELS)
    grad = net.hidden[0].up.synapse.bias.grad
    assert grad[0] > 0 > grad[1]


def test_stages_above_tell_lower_ones_nothing() -> None:
    gradients = []
    for gain in (1.0, -2.0):
        net = build()
        with torch.no_grad():
            net.hidden[1].up.synapse.weight.mul_(gain)
            net.readout.weight.mul_(gain)
        SymSTDP(net).step(stimuli(), LABELS)
        gradients.append(net.hidden[0].up.synapse.weight.grad)
    assert torch.equal(*gradients)
