"""The microcircuit is silent without a target, sends backpropagation's errors with one, then learns to be silent."""

import pytest
import torch
from torch import Tensor

from bispike import models
from bispike.errors import ConfigurationError
from bispike.functional import mean_field_rate
from bispike.nn import Network
from bispike.rules import BPTT, Microcircuit


def build(*, conv: bool = False, norm: bool = True, dtype: torch.dtype = torch.float64) -> Network:
    options = {"norm": norm, "gain": 1.5, "seed": 3}
    if conv:
        net = models.cnn((1, 8, 8), [3, 4], 3, pools=[2, 1], strides=[1, 2], dense=[9], **options)
    else:
        net = models.mlp((1, 8, 8), [20, 16, 12], 3, **options)
    for layer in net.layers:
        if layer.up.norm is not None:
            layer.up.norm.least = 2
    return net.to(dtype)


def batch(dtype: torch.dtype = torch.float64, count: int = 12) -> tuple[Tensor, Tensor]:
    stimuli = torch.rand(count, 1, 8, 8, dtype=dtype, generator=torch.Generator().manual_seed(0))
    return stimuli, torch.arange(count) % 3


def mean_field_gradients(net: Network, stimuli: Tensor, labels: Tensor) -> list[Tensor]:
    """Autograd of the network whose layers have the values of the spikes' rates and the slopes of the mean field."""
    rate = net.encode(stimuli)
    for step in list(net.bottom_up_pass(rate)):
        layer, activity = step.layer, step.activity
        value = activity.rate
        drive = layer.up.synapse(rate)
        if layer.up.norm is not None:
            drive = layer.up.norm(drive, layer.up.norm.statistics(drive, track=False))
        smooth = mean_field_rate(drive, net.neuron)
        rate = smooth + (value - smooth).detach()
        if layer.pool > 1:  # equal rates are common: the same one of them leaves
            _, places = torch.nn.functional.max_pool2d(value, layer.pool, return_indices=True)
            rate = rate.flatten(2).gather(2, places.flatten(2)).view_as(places)
            rate = rate + (step.leaving - rate).detach()  # pooled step by step
    loss = torch.nn.functional.cross_entropy(net.readout(rate), labels)
    return list(torch.autograd.grad(loss, net.bottom_up_parameters()))


def cosine(a: list[Tensor], b: list[Tensor]) -> float:
    flat = [torch.cat([value.flatten() for value in values]) for values in (a, b)]
    return float(torch.cosine_similarity(*flat, dim=0))


@pytest.mark.parametrize("conv", [False, True])
@pytest.mark.parametrize("norm", [False, True])
@pytest.mark.parametrize("feedback", ["random", "tied"])
def test_without_a_target_the_apical_error_is_zero(conv: bool, norm: bool, feedback: str) -> None:
    for dtype, tolerance in ((torch.float64, 1e-12), (torch.float32, 1e-5)):
        net = build(conv=conv, norm=norm, dtype=dtype)
        apical = Microcircuit(net, feedback=feedback).apical(batch(dtype)[0])
        assert apical.keys() == set(net.layer_names)
        assert all(float(value.abs().max()) < tolerance for value in apical.values())


@pytest.mark.parametrize("conv", [False, True])
@pytest.mark.parametrize("norm", [False, True])
def test_weak_nudging_and_tied_feedback_give_the_gradient_of_the_mean_field(conv: bool, norm: bool) -> None:
    net = build(conv=conv, norm=norm)
    stimuli, labels = batch()
    exact = mean_field_gradients(net, stimuli, labels)
    rule = Microcircuit(net, feedback="tied", nudging=1e-4)
    rule.compute_gradients(stimuli, labels)
    found = [parameter.grad for parameter in net.bottom_up_parameters()]
    for parameter, gradient in zip(net.bottom_up_parameters(), exact, strict=True):
        if gradient.norm() > 1e-9:
            assert cosine([parameter.grad], [gradient]) >= 0.9999
    torch.testing.assert_close(found, exact, rtol=2e-3, atol=1e-4)  # and not the direction alone


def test_stronger_nudging_and_random_feedback_leave_it() -> None:
    net = build(norm=False)
    stimuli, labels = batch()
    exact = mean_field_gradients(net, stimuli, labels)[0]
    found = []
    for options in ({"nudging": 1e-3}, {"nudging": 10.0}, {"feedback": "random"}):
        Microcircuit(net, **{"feedback": "tied", **options}).compute_gradients(stimuli, labels)
        found.append(cosine([net.layers[0].up.synapse.weight.grad], [exact]))
    assert found[0] > found[1] > found[2]
    assert found[2] < 0.9


def test_the_direction_is_near_that_of_backpropagation_through_time() -> None:
    net = build()
    stimuli, labels = batch()
    BPTT(net).compute_gradients(stimuli, labels)
    exact = [parameter.grad.clone() for parameter in net.bottom_up_parameters()]
    Microcircuit(net, feedback="tied", nudging=0.01).compute_gradients(stimuli, labels)
    assert cosine([parameter.grad for parameter in net.bottom_up_parameters()], exact) > 0.8


def test_interneurons_learn_with_the_cells_that_they_copy() -> None:
    net = build()
    rule = Microcircuit(net, inhibition_rate=0.0)
    optimizer = torch.optim.Adam(rule.parameters(), lr=0.01)
    before = net.layers[1].up.synapse.weight.detach().clone()
    for _ in range(20):
        rule.compute_gradients(*batch())
        optimizer.step()
    assert float((net.layers[1].up.synapse.weight.detach() - before).abs().max()) > 0.05
    assert all(float(value.abs().max()) < 1e-6 for value in rule.apical(batch()[0]).values())


def test_interneurons_learn_again_when_forward_weights_have_changed() -> None:
    net = build(norm=False)
    rule = Microcircuit(net, nudging=1e-3)
    with torch.no_grad():
        for synapse in (net.layers[1].up.synapse, net.readout):
            synapse.weight += 0.1 * torch.randn(synapse.weight.shape, generator=torch.Generator().manual_seed(1))
    stimuli, labels = batch(count=48)
    start = {name: float(value.norm()) for name, value in rule.apical(stimuli).items()}
    assert start["layer1"] > 0.1
    assert start["layer3"] > 0.1
    optimizer = torch.optim.Adam(rule.state.parameters(), lr=3e-3)
    for _ in range(300):
        rule.compute_gradients(stimuli, labels)
        optimizer.step()
    end = {name: float(value.norm()) for name, value in rule.apical(stimuli).items()}
    assert end["layer1"] < 0.1 * start["layer1"]
    assert end["layer3"] < 0.1 * start["layer3"]


def test_inhibition_learns_again_when_it_does_not_cancel_feedback() -> None:
    net = build(norm=False)
    rule = Microcircuit(net, nudging=1e-4, inhibition_rate=0.5)
    rule.state.get_buffer("inhibition_layer2").mul_(0.5)
    stimuli, labels = batch(count=48)
    start = float(rule.apical(stimuli)["layer1"].norm())
    for _ in range(300):
        rule.compute_gradients(stimuli, labels)
    assert float(rule.apical(stimuli)["layer1"].norm()) < 0.1 * start


def test_options_are_checked_together() -> None:
    with pytest.raises(ConfigurationError) as error:
        Microcircuit(build(), nudging=0, feedback="tide", feedback_gain=-1, inhibition_rate=2)
    assert len(error.value.problems) == 4
