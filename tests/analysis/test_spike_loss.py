"""Loss of spikes: nothing at p = 0, silence at p = 1, the stated share between, the same for a seed."""

from __future__ import annotations

import pytest
import torch

from bispike import models, rules
from bispike.analysis import spike_loss
from bispike.errors import ConfigurationError
from bispike.functional import dense_spikes
from bispike.nn import Network


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def spiking() -> Network:
    return models.mlp((1, 6, 6), [40, 30], 3, time_steps=4, norm=True, seed=2, gain=3.0)


def pooled() -> Network:
    return models.cnn((1, 6, 6), [4], 3, pools=[2], dense=[9], time_steps=4, norm=False, seed=2, gain=3.0)


def rate_network() -> Network:
    net = spiking()
    rules.create("backprop", net)
    return net


NETWORKS = [spiking, pooled, rate_network]
STIMULI = torch.rand(8, 1, 6, 6, generator=seeded(1))


@pytest.mark.parametrize("build", NETWORKS)
def test_no_loss_changes_nothing_and_the_context_leaves_no_trace(build) -> None:
    net = build()
    before = net.logits(STIMULI)
    with spike_loss(net, 0.0, generator=seeded()):
        torch.testing.assert_close(net.logits(STIMULI), before, rtol=0, atol=0)
    with spike_loss(net, 0.5, generator=seeded()):
        assert not torch.equal(net.logits(STIMULI), before)
    assert torch.equal(net.logits(STIMULI), before)


@pytest.mark.parametrize("build", NETWORKS)
def test_full_loss_is_silence_so_all_stimuli_look_alike(build) -> None:
    net = build()
    with spike_loss(net, 1.0, generator=seeded()):
        scores = net.logits(STIMULI)
    silent = torch.zeros(1, *net.layers[-1].output_shape)
    torch.testing.assert_close(scores, net.scores(silent).detach().expand_as(scores))


@pytest.mark.parametrize("build", NETWORKS)
def test_loss_is_a_function_of_the_seed(build) -> None:
    net, found = build(), []
    for seed in (3, 3, 4):
        with spike_loss(net, 0.3, generator=seeded(seed)):
            found.append(net.logits(STIMULI))
    assert torch.equal(found[0], found[1])
    assert not torch.equal(found[0], found[2])


def test_the_share_of_lost_spikes_is_p_in_every_layer() -> None:
    net = spiking().eval()
    for layer in net.layers:
        source = torch.rand(200, *layer.up.synapse.source, generator=seeded(1))
        with torch.no_grad():
            whole = dense_spikes(layer.up.forward_spikes(source, 4, constant=True).spikes, like=source)
            with spike_loss(net, 0.3, generator=seeded()):
                left = layer.up.forward_spikes(source, 4, constant=True)
        assert bool((left.spikes <= whole).all())
        count = float(whole.sum())
        assert float(left.spikes.sum()) / count == pytest.approx(0.7, abs=4 * (0.21 / count) ** 0.5)
        torch.testing.assert_close(left.rate, left.spikes.mean(0))


@pytest.mark.parametrize("probability", [0.0, 0.3, 1.0])
def test_spikes_with_a_gradient_are_lost_too(probability: float) -> None:
    layer = (net := spiking().eval()).layers[1]
    source = torch.rand(200, *layer.up.synapse.source, generator=seeded(1)).requires_grad_()
    whole = layer.up.forward_taped(source, 4, constant=True)
    with spike_loss(net, probability, generator=seeded()):
        left = layer.up.forward_taped(source, 4, constant=True)
    assert bool((left <= whole).all())
    count = float(whole.detach().sum())
    assert float(left.detach().sum()) / count == pytest.approx(1 - probability, abs=4 * (0.25 / count) ** 0.5)
    (gradient,) = torch.autograd.grad(left.sum(), source)
    assert bool(gradient.any()) == (probability < 1)


@pytest.mark.parametrize("probability", [-0.1, 1.5, float("nan")])
def test_what_is_no_probability_is_refused(probability: float) -> None:
    with pytest.raises(ConfigurationError, match="probability"), spike_loss(spiking(), probability, generator=seeded()):
        pass
