"""Dendritic localized learning against its formula, layer by layer, and against backpropagation where Θ = Wᵀ."""

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from bispike import models
from bispike.errors import ConfigurationError
from bispike.nn import Network
from bispike.rules import DLL, Backprop, check_rule
from tests.builders import rate_network

STIMULUS = torch.rand(6, 1, 8, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
LABELS = torch.tensor([0, 1, 2, 0, 1, 2])


def build(*, conv: bool, norm: bool, depth: int = 3) -> Network:
    net = rate_network(conv=conv, norm=norm, depth=depth)
    with torch.no_grad():
        for layer in net.layers:
            layer.down.synapse.bias.fill_(0.3)  # must play no part
    return net


def test_dense_updates_are_the_papers_formula() -> None:
    net = build(conv=False, norm=False, depth=2)
    rule = DLL(net, activation="tanh", feedback_sign="minus")
    rule.compute_gradients(STIMULUS, LABELS)
    first, second = net.layers
    w1, w2, w3 = (s.weight.detach() for s in (first.up.synapse, second.up.synapse, net.readout))
    theta2, theta3 = first.down.synapse.weight.detach(), second.down.synapse.weight.detach()
    expected = [torch.zeros_like(w) for w in (w1, w2, w3, theta2, theta3)]
    for x, label in zip(STIMULUS.flatten(1), LABELS, strict=True):
        u1 = torch.tanh(w1 @ x)
        u2 = torch.tanh(w2 @ u1)
        target = 0.9 * F.one_hot(label, 3) + 0.1 / 3
        s3 = target - (w3 @ u2).softmax(0)
        xi2 = theta3 @ s3
        s2 = xi2 * (1 - u2**2)
        xi1 = theta2 @ s2
        s1 = xi1 * (1 - u1**2)
        for total, up in zip(
            expected,
            (s1.outer(x), s2.outer(u1), s3.outer(u2), -xi1.outer(s2), -xi2.outer(s3)),
            strict=True,
        ):
            total += up / len(LABELS)
    moved = [first.up.synapse, second.up.synapse, net.readout, first.down.synapse, second.down.synapse]
    for synapse, update in zip(moved, expected, strict=True):
        torch.testing.assert_close(-synapse.weight.grad, update, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("norm", [False, True])
@pytest.mark.parametrize("conv", [False, True])
def test_each_layer_follows_its_own_error(conv: bool, norm: bool) -> None:
    net = build(conv=conv, norm=norm)
    rule = DLL(net, activation="relu", feedback_sign="minus")
    report = rule.compute_gradients(STIMULUS, LABELS)
    with torch.no_grad():
        layer_pass = list(net.bottom_up_rates(net.encode(STIMULUS), track=False))
    top = layer_pass[-1].leaving.detach().requires_grad_()
    drive = net.readout(top)
    signal = torch.autograd.grad(F.cross_entropy(drive, LABELS, label_smoothing=0.1), drive)[0]
    for step in reversed(layer_pass):
        layer, feedback = step.layer, step.layer.down.synapse
        error = feedback(signal) - feedback(torch.zeros_like(signal))
        energy = error.square().sum() / 2 * len(LABELS)
        torch.testing.assert_close(report.layer_losses[layer.name], energy.detach(), rtol=1e-6, atol=1e-9)
        theta = torch.autograd.grad(energy, feedback.weight)[0]
        torch.testing.assert_close(feedback.weight.grad, theta, rtol=1e-6, atol=1e-7)
        activity = layer.up.forward_rates(step.below, track=False)
        rate = activity.rate.detach()
        largest = rate if layer.pool == 1 else F.interpolate(F.max_pool2d(rate, layer.pool), size=rate.shape[2:])
        pushed = (error.detach() * (rate == largest) * activity.rate).sum()
        names = list(layer.up.parameters())
        signal, *expected = torch.autograd.grad(pushed, [activity.raw_drive, *names])
        for parameter, grad in zip(names, expected, strict=True):
            torch.testing.assert_close(parameter.grad, grad, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("norm", [False, True])
def test_with_the_transposed_weights_it_is_backpropagation(norm: bool) -> None:
    gradients: list[list[Tensor]] = []
    for rule in (
        Backprop(build(conv=False, norm=norm), activation="tanh"),
        DLL(build(conv=False, norm=norm), activation="tanh", label_smoothing=0),
    ):
        net = rule.network
        with torch.no_grad():
            for layer, above in zip(net.layers, [*[s.up.synapse for s in net.layers[1:]], net.readout], strict=True):
                layer.down.synapse.weight.copy_(above.weight.T)
        rule.compute_gradients(STIMULUS, LABELS)
        gradients.append([parameter.grad for parameter in net.bottom_up_parameters()])
    for exact, local in zip(*gradients, strict=True):
        torch.testing.assert_close(local, exact, rtol=1e-6, atol=1e-7)


def test_the_sign_is_of_the_feedback_alone() -> None:
    found = {}
    for sign in ("minus", "plus", "none"):
        net = build(conv=True, norm=True)
        rule = DLL(net, feedback_sign=sign)
        rule.compute_gradients(STIMULUS, LABELS)
        found[sign] = [layer.down.synapse.weight.grad for layer in net.layers], net.layers[0].up.synapse.weight.grad
    assert all(torch.equal(a, -b) for a, b in zip(found["minus"][0], found["plus"][0], strict=True))
    assert found["none"][0] == [None] * 3
    assert torch.equal(found["minus"][1], found["plus"][1])
    assert torch.equal(found["minus"][1], found["none"][1])


@pytest.mark.parametrize("sign", ["plus", "minus", "none"])
def test_keeps_the_contract_under_its_options(sign: str) -> None:
    check_rule(DLL, feedback_sign=sign)


def test_wrong_options_are_listed_together() -> None:
    with pytest.raises(ConfigurationError) as error:
        DLL(models.mlp(4, [3], 2), feedback_sign="up", label_smoothing=1, activation="cosine")
    assert len(error.value.problems) == 3
