"""DECOLLE: each layer's gradient is that of its own local loss over time, and no other layer has a part in it."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from bispike import models
from bispike.errors import ConfigurationError
from bispike.functional import lif_reference
from bispike.nn import Network
from bispike.rules import DECOLLE
from tests.builders import exact

LABELS = torch.tensor([0, 1, 2, 0, 1, 2])


def build(*, conv: bool, steps: int = 4, reset: str = "hard", norm: bool = False) -> Network:
    options = {"norm": norm, "time_steps": steps, "reset": reset, "gain": 1.5}
    if conv:
        net = models.cnn((1, 6, 6), [3, 4], 3, pools=[2, 1], dense=[5], **options)
    else:
        net = models.mlp((1, 6, 6), [7, 6], 3, **options)
    return exact(net)


def stimuli() -> torch.Tensor:
    return torch.rand(6, 1, 6, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


@given(
    conv=st.booleans(),
    steps=st.integers(1, 5),
    reset=st.sampled_from(["hard", "soft"]),
    loss=st.sampled_from(["smooth-l1", "cross-entropy"]),
)
@settings(max_examples=25, deadline=None)
def test_gradients_equal_autograd_of_the_local_loss(conv: bool, steps: int, reset: str, loss: str) -> None:
    net = build(conv=conv, steps=steps, reset=reset)
    rule = DECOLLE(net, loss=loss, readout_bound=8.0)  # large: smooth-l1 is to leave its parabola too
    report = rule.compute_gradients(stimuli(), LABELS)
    source = net.encode(stimuli()).expand(steps, 6, 1, 6, 6)
    for layer, readout in zip(net.layers, rule.state_dict().values(), strict=True):
        spikes = lif_reference(torch.stack([layer.up.synapse(step) for step in source]), layer.up.neuron)
        leaving = torch.stack([F.max_pool2d(s, layer.pool) if layer.pool > 1 else s for s in spikes])
        value = 0
        for step in leaving:
            scores = step.flatten(1) @ readout.T
            if loss == "smooth-l1":
                value = value + F.smooth_l1_loss(scores, F.one_hot(LABELS, 3).double(), reduction="sum") / 6 / steps
            else:
                value = value + F.cross_entropy(scores, LABELS) / steps
        torch.testing.assert_close(report.layer_losses[layer.name], value.detach())
        parameters = list(layer.up.parameters())
        for parameter, gradient in zip(parameters, torch.autograd.grad(value, parameters), strict=True):
            torch.testing.assert_close(parameter.grad, gradient, rtol=1e-9, atol=1e-12)
        source = leaving.detach()


@pytest.mark.parametrize("conv", [False, True])
def test_no_layer_above_has_a_part_in_a_gradient(conv: bool) -> None:
    net = build(conv=conv, norm=True)
    rule = DECOLLE(net)
    for i, layer in enumerate(net.layers):
        rule.compute_gradients(stimuli(), LABELS)
        before = [parameter.grad.clone() for parameter in layer.up.parameters()]
        with torch.no_grad():
            for above in net.layers[i + 1 :]:
                above.up.synapse.weight.mul_(-1.5)
            net.readout.weight.add_(1)
        rule.compute_gradients(stimuli(), LABELS)
        after = [parameter.grad for parameter in layer.up.parameters()]
        assert all(torch.equal(a, b) for a, b in zip(before, after, strict=True))


def test_readouts_are_uniform_within_their_bound_and_stay() -> None:
    net = models.mlp(12, [400, 100], 3)
    rule = DECOLLE(net, readout_bound=0.5)
    before = {name: value.clone() for name, value in rule.state_dict().items()}
    for width, weight in zip((400, 100), before.values(), strict=True):
        assert list(weight.shape) == [3, width]
        assert 0.45 < float(weight.abs().max()) * width**0.5 <= 0.5
    rule.compute_gradients(torch.rand(6, 12), LABELS)
    assert all(torch.equal(before[name], value) for name, value in rule.state_dict().items())


def test_options_are_checked_together() -> None:
    with pytest.raises(ConfigurationError) as error:
        DECOLLE(build(conv=False), loss="hinge", readout_bound=0)
    assert len(error.value.problems) == 2


def test_readouts_are_no_parameters_of_an_optimizer() -> None:
    rule = DECOLLE(build(conv=False))
    assert not any(value.requires_grad for value in [*rule.state.parameters(), *rule.state.buffers()])
    assert {id(p) for p in rule.parameters()} == {id(p) for p in rule.network.bottom_up_parameters()}
