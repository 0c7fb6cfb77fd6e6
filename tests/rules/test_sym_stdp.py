"""Symmetric STDP: a sum over pairs of spikes, less what scaling takes back; winners alone fire and learn."""

import torch

from bispike import models
from bispike.nn import Network
from bispike.rules.competition import contests
from bispike.rules.sym_stdp import SymSTDP, scaled

LABELS = torch.tensor([0, 1, 2, 0, 1, 2])


def stimuli() -> torch.Tensor:
    return torch.randn(6, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


def build() -> Network:
    return models.mlp(8, [9, 12], 3, norm=False, gain=1.5).double()


def test_the_readout_learns_from_pairs_of_its_teachers_spikes() -> None:
    net = build()
    rule = SymSTDP(net, decay=0.4, winners=0.4)
    with torch.no_grad():  # unit length: the term that holds it is zero
        net.readout.weight.div_(net.readout.weight.norm(dim=1, keepdim=True))
    *_, top = contests(net, net.encode(stimuli()), share=0.4)
    rule.step(stimuli(), LABELS)
    pairs = torch.zeros(3, 12, dtype=torch.float64)
    for sample, label in enumerate(LABELS.tolist()):
        for t in range(4):
            for s in range(4):
                pairs[label] += 0.4 ** abs(t - s) * top.leaving[s, sample]
    change = scaled(pairs, net.readout.weight.detach())
    written = -net.readout.weight.grad
    scale = (written * change).sum() / change.square().sum()
    assert scale > 0
    torch.testing.assert_close(written, scale * change)


def test_scaling_is_the_nearest_change_that_holds_sum_and_power() -> None:
    generator = torch.Generator().manual_seed(1)
    growth, weight = (torch.randn(3, 7, dtype=torch.float64, generator=generator) for _ in range(2))
    change = scaled(growth, weight)
    torch.testing.assert_close(change.sum(1), torch.zeros(3, dtype=torch.float64))
    torch.testing.assert_close((change * weight).sum(1), torch.zeros(3, dtype=torch.float64))
    for i in range(3):  # projection on the complement of 1 and w, by least squares
        basis = torch.stack([torch.ones(7, dtype=torch.float64), weight[i]], 1)
        removed = basis @ torch.linalg.lstsq(basis, growth[i][:, None]).solution
        torch.testing.assert_close(change[i], growth[i] - removed.squeeze(1))


def test_only_winners_fire_and_learn() -> None:
    net = build()
    won = [contest.won for contest in contests(net, net.encode(stimuli()[:1]), share=0.2)]
    assert [int(winners.sum()) for winners in won] == [3, 3]
    rule = SymSTDP(net, winners=0.2, homeostasis=0.0)
    with torch.no_grad():
        net.hidden[0].up.synapse.weight.div_(net.hidden[0].up.synapse.weight.norm(dim=1, keepdim=True))
    rule.step(stimuli()[:1], LABELS[:1])
    moved = net.hidden[0].up.synapse.weight.grad.abs().sum(1) > 1e-12
    assert not bool((moved & (won[0][0] == 0)).any())


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
