"""The angle of a weight change to the gradient: 0 for the gradient itself, 180 for its opposite."""

from __future__ import annotations

import statistics
from typing import ClassVar

import pytest
import torch

from bispike import models, rules
from bispike.analysis import update_angles
from bispike.analysis.update_angle import ALL
from bispike.nn import Network


class Ascent(rules.BPTT):
    """Works against the loss."""

    name: ClassVar[str] = "ascent"

    def learn(self, stimulus, labels, *, generator):
        report = super().learn(stimulus, labels, generator=generator)
        for parameter in self.parameters():
            parameter.grad.neg_()
        return report


def network(**options: object) -> Network:
    return models.mlp((20,), [30, 25], 3, **{"time_steps": 3, "norm": True, "seed": 1, "gain": 2.0, **options})


def batches(count: int = 2) -> list[tuple[torch.Tensor, torch.Tensor]]:
    generator = torch.Generator().manual_seed(5)
    return [(torch.randn(16, 20, generator=generator), torch.arange(16) % 3) for _ in range(count)]


@pytest.mark.parametrize(("kind", "degrees"), [(rules.BPTT, 0.0), (rules.Backprop, 0.0), (Ascent, 180.0)])
def test_the_gradient_and_its_opposite(kind: type[rules.Rule], degrees: float) -> None:
    found = update_angles(kind(network()), batches())
    assert [angle.name for angle in found] == ["layer1", "layer2", "readout", "all"]
    for angle in found:
        assert angle.degrees == pytest.approx(degrees, abs=1e-4)
        assert angle.error == pytest.approx(0, abs=1e-4)


def test_feedback_that_mirrors_the_weights_gives_the_gradient_and_random_feedback_does_not() -> None:
    rule = rules.FA(network(norm=False))
    layer1, layer2, readout, _ = update_angles(rule, batches())
    assert layer1.degrees is not None
    assert abs(layer1.degrees - 90) < 45  # unrelated feedback, through the same slopes
    assert layer2.degrees > 5
    assert readout.degrees == pytest.approx(0, abs=1e-4)  # its error crosses no feedback
    net = rule.network
    rule.state.layer2.copy_(net.layers[1].up.synapse.weight.detach())
    rule.state.readout.copy_(net.readout.weight.detach())
    for angle in update_angles(rule, batches()):
        assert angle.degrees == pytest.approx(0, abs=1e-2)


class Turned(rules.BPTT):
    """Adds to each gradient a direction of the same norm at right angles."""

    name: ClassVar[str] = "turned"

    def learn(self, stimulus, labels, *, generator):
        report = super().learn(stimulus, labels, generator=generator)
        draws = torch.Generator().manual_seed(0)
        for parameter in self.parameters():
            gradient = parameter.grad
            other = torch.randn(gradient.shape, generator=draws)
            other -= (other * gradient).sum() / gradient.square().sum() * gradient
            parameter.grad = gradient + other * gradient.norm() / other.norm()
        return report


def test_an_update_halfway_to_an_orthogonal_direction_lies_at_45_degrees() -> None:
    for angle in update_angles(Turned(network()), batches()):
        assert angle.degrees == pytest.approx(45, abs=1e-3)


def test_the_angle_is_the_mean_over_batches_with_its_standard_error() -> None:
    rule, three = rules.FA(network(norm=False)), batches(3)
    alone = [[angle.degrees for angle in update_angles(rule, [batch])] for batch in three]
    for angle, degrees in zip(update_angles(rule, three), zip(*alone, strict=True), strict=True):
        assert angle.degrees == pytest.approx(statistics.fmean(degrees))
        assert angle.error == pytest.approx(statistics.stdev(degrees) / 3**0.5)
    assert len(set(alone[0][:2] + alone[1][:2])) == 4


def test_the_activation_of_a_rate_rule_is_that_of_its_reference() -> None:
    for angle in update_angles(rules.Backprop(network(), activation="tanh"), batches(1)):
        assert angle.degrees == pytest.approx(0, abs=1e-4)
        assert angle.error is None


def test_layers_that_do_not_learn_have_no_angle() -> None:
    found = {angle.name: angle.degrees for angle in update_angles(rules.Frozen(network()), batches())}
    assert (found["layer1"], found["layer2"]) == (None, None)
    assert found["readout"] == pytest.approx(0, abs=1e-4)
    assert found[ALL] == found["readout"]


def test_looking_changes_neither_rule_nor_network() -> None:
    rule = rules.create("bsd", network())
    before = {**rule.network.state_dict(), **rule.state_dict()}
    before = {name: value.clone() for name, value in before.items()}
    rule.network.eval()
    update_angles(rule, batches())
    assert not rule.network.training
    after = {**rule.network.state_dict(), **rule.state_dict()}
    assert all(torch.equal(after[name], value) for name, value in before.items())
    assert all(parameter.grad is None for parameter in rule.network.parameters())
