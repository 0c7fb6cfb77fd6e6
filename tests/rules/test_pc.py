"""Predictive coding: with fixed predictions it becomes backpropagation, with moving ones it descends its energy."""

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from bispike import models
from bispike.errors import ConfigurationError
from bispike.nn import Classifier
from bispike.rules import FA, PC, Backprop, check_rule
from tests.builders import rate_network

STIMULUS = torch.rand(6, 1, 8, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
LABELS = torch.tensor([0, 1, 2, 0, 1, 2])


def gradients(rule: PC | FA | Backprop) -> list[Tensor]:
    rule.compute_gradients(STIMULUS, LABELS)
    return [parameter.grad.clone() for parameter in rule.parameters()]


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"order": "ordered", "inference_steps": 1},
        {"inference_steps": 100, "inference_rate": 0.2},
        {"inference_steps": 60, "inference_rate": 0.3, "order": "ordered"},
    ],
)
@pytest.mark.parametrize("norm", [False, True])
@pytest.mark.parametrize("conv", [False, True])
def test_with_fixed_predictions_it_converges_to_backpropagation(conv: bool, norm: bool, options: dict) -> None:
    exact = gradients(Backprop(rate_network(conv=conv, norm=norm), activation="tanh"))
    relaxed = gradients(PC(rate_network(conv=conv, norm=norm), activation="tanh", **options))
    for a, b in zip(relaxed, exact, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-7)


def test_an_error_climbs_down_one_layer_a_step() -> None:
    rule = PC(rate_network(conv=False, norm=False), inference_steps=2)
    rule.compute_gradients(STIMULUS, LABELS)
    silent = [float(layer.up.synapse.weight.grad.abs().max()) == 0 for layer in rule.network.layers]
    assert silent == [True, False, False]


def test_random_feedback_converges_to_feedback_alignment() -> None:
    aligned = gradients(FA(rate_network(conv=True, norm=True)))
    relaxed = gradients(PC(rate_network(conv=True, norm=True), feedback="random"))
    for a, b in zip(relaxed, aligned, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-9, atol=1e-12)


def energy(net: Classifier, activities: list[Tensor]) -> Tensor:
    """F as it is written, from the stimulus up."""
    below, total = net.encode(STIMULUS), torch.zeros((), dtype=torch.float64)
    for layer, activity in zip(net.layers, activities, strict=True):
        total = (
            total + (activity - layer.pool_rates(layer.up.forward_rates(below, track=False).rate)).square().sum() / 2
        )
        below = activity
    return total + F.cross_entropy(net.scores(below), LABELS, reduction="sum")


@pytest.mark.parametrize("norm", [False, True])
@pytest.mark.parametrize("conv", [False, True])
def test_with_moving_predictions_activities_and_weights_descend_the_energy(conv: bool, norm: bool) -> None:
    steps, rate = 7, 0.1
    found = gradients(
        PC(
            rate_network(conv=conv, norm=norm),
            activation="elu",
            predictions="moving",
            inference_steps=steps,
            inference_rate=rate,
        )
    )
    net = rate_network(conv=conv, norm=norm)
    net.activation = "elu"
    with torch.no_grad():
        activities = [step.leaving for step in net.bottom_up_rates(net.encode(STIMULUS), track=False)]
    first = float(energy(net, activities).detach())
    for _ in range(steps):
        activities = [activity.detach().requires_grad_() for activity in activities]
        slopes = torch.autograd.grad(energy(net, activities), activities)
        activities = [activity - rate * slope for activity, slope in zip(activities, slopes, strict=True)]
    value = energy(net, [activity.detach() for activity in activities])
    assert float(value.detach()) < first
    expected = torch.autograd.grad(value / len(LABELS), net.bottom_up_parameters())
    for a, b in zip(found, expected, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-8, atol=1e-11)


@pytest.mark.parametrize("options", [{"predictions": "moving"}, {"feedback": "random"}])
def test_keeps_the_contract_under_its_options(options: dict) -> None:
    check_rule(PC, **options)


def test_wrong_options_are_listed_together() -> None:
    with pytest.raises(ConfigurationError) as error:
        PC(
            models.mlp(4, [3], 2),
            predictions="still",
            inference_rate=2,
            inference_steps=-1,
            order="random",
            feedback="x",
        )
    assert len(error.value.problems) == 5


@pytest.mark.parametrize(("options", "steps", "rate"), [({}, 3, 1.0), ({"predictions": "moving"}, 20, 0.1)])
def test_inference_unless_said_otherwise(options: dict[str, str], steps: int, rate: float) -> None:
    """As many steps of rate 1 as there are layers, or 20 of 0.1: the options that say so give the same gradients."""
    found = []
    for given in (options, {**options, "inference_steps": steps, "inference_rate": rate}):
        net = rate_network()
        report = PC(net, **given).compute_gradients(STIMULUS, LABELS)
        found.append([*report.layer_losses.values(), *[p.grad for p in net.bottom_up_parameters()]])
    assert all(torch.equal(one, two) for one, two in zip(*found, strict=True))
