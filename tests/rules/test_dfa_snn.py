"""Broadcast feedback on spikes: exact where there is nothing to broadcast past, the stated formula everywhere."""

import pytest
import torch

from bispike import models
from bispike.errors import ConfigurationError
from bispike.functional import lif_reference
from bispike.nn import Network
from bispike.rules import BPTT, DFASNN
from tests.builders import exact

LABELS = torch.tensor([0, 1, 2, 0, 1, 2])


def build(widths: list[int], *, norm: bool, conv: bool = False) -> Network:
    if conv:
        net = models.cnn((1, 6, 6), widths, 3, pools=[2, 1], norm=norm, gain=1.5)
    else:
        net = models.mlp((1, 6, 6), widths, 3, norm=norm, gain=1.5)
    return exact(net)


def stimuli() -> torch.Tensor:
    return torch.rand(6, 1, 6, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("norm", [False, True])
def test_one_layer_with_the_readouts_weights_is_bptt(norm: bool) -> None:
    """With a constant current a shift of the drive at every step is all that a weight can do to it."""
    net, twin = build([9], norm=norm), build([9], norm=norm)
    rule, exact = DFASNN(net, slope="unrolled"), BPTT(twin)
    (name,) = rule.state_dict()
    rule.load_state_dict({name: net.readout.weight.detach().T.clone()})
    rule.compute_gradients(stimuli(), LABELS)
    exact.compute_gradients(stimuli(), LABELS)
    for received, expected in zip(rule.parameters(), exact.parameters(), strict=True):
        torch.testing.assert_close(received.grad, expected.grad, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("conv", [False, True])
@pytest.mark.parametrize("slope", ["mean-field", "unrolled"])
def test_the_formula(slope: str, conv: bool) -> None:
    """Autograd within each layer of Σ (B e)·ρ(time-mean drive), ρ having the slope in question."""
    net = build([4, 6], norm=False, conv=conv)
    rule = DFASNN(net, slope=slope)
    source = net.encode(stimuli()).expand(net.time_steps, 6, 1, 6, 6)
    drives, spikes = [], []
    for layer in net.layers:
        drives.append(torch.stack([layer.up.synapse(step) for step in source]))
        spikes.append(lif_reference(drives[-1], layer.up.neuron).detach())
        source = torch.stack(
            [torch.nn.functional.max_pool2d(s, layer.pool) if layer.pool > 1 else s for s in spikes[-1]]
        )
    error = (net.readout(source.mean(0)).softmax(1) - torch.nn.functional.one_hot(LABELS, 3)).detach() / 6
    rule.compute_gradients(stimuli(), LABELS)
    for layer, drive, feedback in zip(net.layers, drives, rule.state_dict().values(), strict=True):
        neuron, mean = layer.up.neuron, drive.mean(0)
        if slope == "mean-field":
            gain = 1 / (1 + 0.5 * (torch.pi * (mean.detach() - 0.6 * neuron.threshold)) ** 2)
        else:
            shift = torch.zeros_like(mean, requires_grad=True)
            gain = torch.autograd.grad(lif_reference(drive.detach() + shift, neuron).mean(0).sum(), shift)[0]
        value = (mean * gain * (error @ feedback.T).view_as(mean)).sum()
        parameters = list(layer.up.parameters())
        for parameter, gradient in zip(parameters, torch.autograd.grad(value, parameters), strict=True):
            torch.testing.assert_close(parameter.grad, gradient, rtol=1e-6, atol=1e-8)


def test_feedback_stays_and_options_are_checked() -> None:
    net = build([7, 6], norm=True)
    rule = DFASNN(net)
    before = {name: value.clone() for name, value in rule.state_dict().items()}
    assert [list(value.shape) for value in before.values()] == [[7, 3], [6, 3]]
    rule.compute_gradients(stimuli(), LABELS)
    assert all(torch.equal(before[name], value) for name, value in rule.state_dict().items())
    with pytest.raises(ConfigurationError) as error:
        DFASNN(net, slope="flat", feedback_gain=-1)
    assert len(error.value.problems) == 2
