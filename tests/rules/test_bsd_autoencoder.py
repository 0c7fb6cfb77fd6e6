"""Rules on autoencoders: locality and closed form of bsd, gradients of the controls, options, other rules."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from bispike import models, rules
from bispike.errors import ConfigurationError
from bispike.functional import affinity, random_cue
from bispike.nn import Autoencoder, Network
from bispike.rules import Rule


def network(kind: str = "dense", **options: object) -> Network:
    if kind == "conv":
        made = models.conv_autoencoder((1, 8, 8), [3, 4], 3, latent=6, **options)
    else:
        made = models.autoencoder(12, [10, 8], 3, latent=6, **options)
    return made.double().train()


def batch(net: Network, count: int = 40) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    stimuli = torch.rand(count, *net.stimulus.shape, generator=generator, dtype=torch.float64)
    return stimuli, torch.randint(0, 3, (count,), generator=generator)


def gradients(rule: Rule, stimuli: Tensor, labels: Tensor, seed: int = 0) -> list[Tensor]:
    rule.compute_gradients(stimuli, labels, generator=torch.Generator().manual_seed(seed))
    return [parameter.grad.clone() for parameter in rule.parameters() if parameter.grad is not None]


def upward(net: Network) -> list[nn.Parameter]:
    return [p for layer in net.layers for p in layer.up.parameters()]


@pytest.mark.parametrize("name", ["bsd", "bptt", "backprop"])
@pytest.mark.parametrize("kind", ["dense", "conv"])
def test_learning_brings_the_error_down(name: str, kind: str) -> None:
    net = network(kind)
    rule = rules.create(name, net)
    optimizer = torch.optim.Adam(rule.parameters(), 1e-2)
    stimuli, labels = batch(net)
    errors = []
    for _ in range(60):
        errors.append(float(rule.compute_gradients(stimuli, labels).layer_losses["recall"]))
        optimizer.step()
    assert errors[-1] < 0.8 * errors[0]


@pytest.mark.parametrize("options", [{}, {"reconstruction": "reco"}, {"occlusion": 0.5}])
def test_no_label_reaches_a_layer_of_the_way_up(options: dict[str, object]) -> None:
    net = network()
    rule = rules.create("bsd", net, **options)
    stimuli, labels = batch(net)
    found = []
    for given in (labels, (labels + 1) % 3):
        rule.compute_gradients(stimuli, given, generator=torch.Generator().manual_seed(0))
        found.append([p.grad.clone() for p in upward(net) if p.grad is not None])
    assert all(torch.equal(a, b) for a, b in zip(*found, strict=True))


def test_no_error_reaches_the_way_up_from_above_or_from_the_way_down() -> None:
    net = network()
    rule = rules.create("bsd", net)
    stimuli, labels = batch(net)
    rule.compute_gradients(stimuli, labels)
    before = [p.grad.clone() for p in net.layers[0].up.parameters() if p.grad is not None]
    with torch.no_grad():
        for layer in net.layers[1:]:
            layer.up.synapse.weight.mul_(-0.5)
        for layer in net.layers:
            layer.down.synapse.weight.mul_(-0.5)
        net.stimulus_readout.weight.zero_()
    rule.compute_gradients(stimuli, labels)
    after = [p.grad for p in net.layers[0].up.parameters()]
    assert all(torch.equal(a, b) for a, b in zip(before, after, strict=True) if b is not None)


def test_the_first_layer_descends_its_loss_in_closed_form() -> None:
    """dL/dW of the loss of affinities, against autograd through norm and slope."""
    net = network()
    rule = rules.create("bsd", net, whitening=1.0)
    stimuli, labels = batch(net)
    rule.compute_gradients(stimuli, labels)
    layer = net.layers[0].up
    source = net.encode(stimuli)
    activity = layer.forward_spikes(source, net.time_steps, constant=True, unrolled=True, track=False)
    assert layer.norm is not None
    raw = layer.synapse(source)
    norm = layer.norm
    drive = F.batch_norm(raw, None, None, norm.weight, norm.bias, training=True, eps=norm.eps)
    rate = activity.rate + layer.rate_slope(activity) * (drive - drive.detach())
    centred = rate - rate.mean(0)
    unit = centred / (centred.square().sum(1, keepdim=True) + 1e-4).sqrt()
    loss = (unit @ unit.T - affinity(source)).square().sum() / len(stimuli)
    (expected,) = torch.autograd.grad(loss, layer.synapse.weight)
    torch.testing.assert_close(layer.synapse.weight.grad, expected, rtol=1e-6, atol=1e-9)


def test_the_top_down_layer_descends_the_distance_to_the_bottom_up_rates() -> None:
    net = network()
    rule = rules.create("bsd", net)
    stimuli, labels = batch(net)
    rule.compute_gradients(stimuli, labels)
    layers = list(net.bottom_up_pass(net.encode(stimuli)))
    code = layers[-1].activity
    descent = net.top_down_from_code(code.spikes, code.rate, unrolled=True)
    above, down = (descent.take(0), descent.take(1))[1]
    pathway = net.layers[1].down
    assert pathway.norm is not None
    raw = pathway.synapse(above)
    norm = pathway.norm
    drive = F.batch_norm(raw, None, None, norm.weight, norm.bias, training=True, eps=norm.eps)
    rate = down.rate + pathway.rate_slope(down) * (drive - drive.detach())
    loss = (rate - layers[1].activity.rate).square().mean()
    (expected,) = torch.autograd.grad(loss, pathway.synapse.weight)
    torch.testing.assert_close(pathway.synapse.weight.grad, expected, rtol=1e-6, atol=1e-9)


def test_bands_change_what_the_first_layer_keeps() -> None:
    stimuli, labels = batch(network("conv"))
    plain = gradients(rules.create("bsd", network("conv"), whitening=1.0), stimuli, labels)
    bands = gradients(rules.create("bsd", network("conv"), whitening=1.0, cutoff=0.2, high=4.0), stimuli, labels)
    one = gradients(rules.create("bsd", network("conv"), whitening=1.0, cutoff=0.2, high=1.0), stimuli, labels)
    assert not torch.allclose(plain[0], bands[0])
    torch.testing.assert_close(plain[0], one[0], rtol=1e-6, atol=1e-9)


def test_reco_in_bands_keeps_each_layer_to_itself() -> None:
    net = network("conv")
    rule = rules.create("bsd", net, reconstruction="reco", cutoff=0.2, low=0.2, high=0.8)
    stimuli, labels = batch(net)
    assert all(bool(grad.isfinite().all()) for grad in gradients(rule, stimuli, labels))


def test_cues_are_drawn_from_the_generator() -> None:
    net = network()
    rule = rules.create("bsd", net, occlusion=0.7)
    stimuli, labels = batch(net)
    first, again, other = (gradients(rule, stimuli, labels, seed)[0] for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert float(random_cue(stimuli, 0.0).min()) == 1


@pytest.mark.parametrize(
    ("model", "options"),
    [({"stimulus_code": "bernoulli"}, {"occlusion": 0.5}), ({}, {"occlusion": 0.5, "reconstruction": "reco"})],
)
def test_cues_need_a_current_and_affinities(model: dict[str, object], options: dict[str, object]) -> None:
    with pytest.raises(ConfigurationError, match="occlusion"):
        rules.create("bsd", network(**model), **options)


def test_spike_codes_go_up_and_come_down() -> None:
    net = network(stimulus_code="bernoulli")
    rule = rules.create("bsd", net)
    stimuli, labels = batch(net)
    report = rule.compute_gradients(stimuli, labels, generator=torch.Generator().manual_seed(0))
    assert float(report.layer_losses["recall"]) > 0


def test_other_rules_say_which_ones_fit() -> None:
    for name in rules.registry:
        if name not in rules.defined_for(Autoencoder):
            with pytest.raises(ConfigurationError, match="backprop, bptt, bsd"):
                rules.create(name, network())


def test_bptt_is_the_gradient_of_the_whole_way() -> None:
    """Against autograd of the error, written out for a network of one layer below its code."""
    net = models.autoencoder(12, [10], 3, latent=6).double().train()
    rule = rules.create("bptt", net)
    stimuli, labels = batch(net)
    rule.compute_gradients(stimuli, labels)
    found = [p.grad.clone() for p in net.layers[0].up.parameters() if p.grad is not None]
    source = net.encode(stimuli)
    with torch.enable_grad():
        low = net.layers[0].up.forward_taped(source, net.time_steps, constant=True)
        code = net.layers[1].up.forward_taped(low, net.time_steps, constant=False)
        down = net.layers[0].down.forward_taped(code, net.time_steps, constant=False)
        loss = (net.stimulus_readout(down.mean(0)) - source).square().mean()
        expected = torch.autograd.grad(loss, list(net.layers[0].up.parameters()))
    for a, b in zip(found, expected, strict=True):
        torch.testing.assert_close(a, b)
