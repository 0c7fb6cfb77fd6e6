"""Supervised symmetric STDP: pairs by a loop, scaling as the projection that it is, competition and homeostasis."""

import pytest
import torch
from torch import Tensor

from bispike import models
from bispike.errors import ConfigurationError
from bispike.functional import lif
from bispike.nn import Network
from bispike.rules import SymSTDP
from bispike.rules.plasticity.competition import contests, winners
from bispike.rules.plasticity.sym_stdp import scaled


def build(*, conv: bool = False, **options: object) -> Network:
    if conv:
        net = models.cnn((1, 6, 6), [14, 4], 3, pools=[2, 1], dense=[8], gain=1.5, **options)
    else:
        net = models.mlp((1, 6, 6), [15, 9], 3, gain=1.5, **options)
    return net.double()


def batch(count: int = 5) -> tuple[Tensor, Tensor]:
    draws = torch.Generator().manual_seed(2)
    return torch.rand(count, 1, 6, 6, dtype=torch.float64, generator=draws), torch.arange(count) % 3


def test_scaling_is_the_projection_that_holds_sum_and_power() -> None:
    draws = torch.Generator().manual_seed(0)
    growth, weight = torch.rand(2, 4, 7, dtype=torch.float64, generator=draws).unbind()
    change = scaled(growth, weight)
    for h, w, found in zip(growth, weight, change, strict=True):
        held = torch.stack([torch.ones_like(w), w], 1)
        nearest = h - held @ torch.linalg.lstsq(held, h).solution
        torch.testing.assert_close(found, nearest)
        assert abs(float(found.sum())) < 1e-12
        assert abs(float(found @ w)) < 1e-12


def pairs(post: Tensor, pre: Tensor, decay: float) -> Tensor:
    """Σ over pairs of spikes κ^|t-t'|, divided by T and by the summed lengths of the presynaptic traces."""
    steps, samples, _ = post.shape
    total = torch.zeros(post.shape[2], pre.shape[2], dtype=torch.float64)
    lengths = 0.0
    for b in range(samples):
        length = torch.zeros(pre.shape[2], dtype=torch.float64)
        for t in range(steps):
            for u in range(steps):
                total += decay ** abs(t - u) * torch.outer(post[t, b], pre[u, b])
                length += decay ** abs(t - u) * pre[u, b] / steps
        lengths += float(length.norm())
    return total / (steps * lengths)


def test_layers_and_readout_change_by_pairs_of_spikes() -> None:
    stimuli, labels = batch()
    net, twin = build(), build()
    rule = SymSTDP(net, decay=0.3, winners=0.5)
    rule.compute_gradients(stimuli, labels)
    source = twin.encode(stimuli)
    found = list(contests(twin, source, share=0.5))
    pre = lif(source, twin.neuron, time_steps=4).flatten(2)
    teacher = torch.nn.functional.one_hot(labels, 3).double().expand(4, -1, -1)
    cases = [
        (net.layers[0].up.synapse, found[0].spikes, pre, 15 / 8),
        (net.layers[1].up.synapse, found[1].spikes, found[0].spikes, 9 / 4),
        (net.readout, teacher, found[1].spikes, 3),
    ]
    for synapse, post, below, rarity in cases:
        weight = synapse.weight.detach()
        growth = scaled(rarity * pairs(post, below, 0.3), weight)
        power = (weight.square().sum(1, keepdim=True) - 1) * weight
        torch.testing.assert_close(synapse.weight.grad, power - growth, rtol=1e-6, atol=1e-9)


def test_small_steps_hold_the_incoming_sum_and_lead_the_power_to_one() -> None:
    net = build()
    with torch.no_grad():
        net.readout.weight.mul_(2)
    rule = SymSTDP(net)
    optimizer = torch.optim.SGD(rule.parameters(), lr=0.05)
    for _ in range(200):
        rule.compute_gradients(*batch())
        optimizer.step()
    power = net.readout.weight.detach().square().sum(1)
    torch.testing.assert_close(power, torch.ones_like(power), rtol=0.05, atol=0)


def test_only_the_largest_drives_win_and_maps_compete_at_each_position() -> None:
    drive = torch.randn(2, 20, 3, 3, generator=torch.Generator().manual_seed(0))
    won = winners(drive, share=0.4)
    assert torch.equal(won.sum(1), torch.full((2, 3, 3), 8.0))
    assert bool(((drive * won + (1 - won) * 99).amin(1) >= (drive * (1 - won) - 99 * won).amax(1)).all())


def test_homeostasis_raises_those_that_fire_too_little() -> None:
    net = build()
    SymSTDP(net, winners=0.5).compute_gradients(*batch())
    *_, last = contests(build(), build().encode(batch()[0]), share=0.5)
    bias = net.layers[-1].up.norm.bias
    share = last.spikes.amax(0).mean(0)
    torch.testing.assert_close(bias.grad, share * 9 / 4 - 1, rtol=1e-6, atol=1e-9)


def test_the_network_decides_with_inhibition() -> None:
    net = build()
    SymSTDP(net, winners=0.5)
    stimuli, _ = batch()
    with net.inference():
        *_, last = contests(net, net.encode(stimuli), share=0.5)
        torch.testing.assert_close(net.logits(stimuli), net.scores(last.leaving))
    SymSTDP(net, winners=1.0)
    with_all = net.logits(stimuli)
    net.decision = None
    torch.testing.assert_close(net.logits(stimuli), with_all)


def test_maps_learn_and_options_are_checked() -> None:
    net = build(conv=True)
    SymSTDP(net).compute_gradients(*batch())
    assert all(float(layer.up.synapse.weight.grad.abs().sum()) > 0 for layer in net.layers)
    with pytest.raises(ConfigurationError) as error:
        SymSTDP(net, decay=2, winners=0, homeostasis=-1, hidden_rate=-1)
    assert len(error.value.problems) == 4
