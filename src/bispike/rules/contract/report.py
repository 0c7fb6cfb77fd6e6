"""Checks of the report of a step and of its random numbers."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ...nn import StimulusNetwork
from ..rule import Rule, StepReport
from .problems import conv_network, network_of, toy_problem


def reports_what_it_did(rule: type[Rule], options: dict[str, Any]) -> None:
    """Decisions, firing rates and losses of a report are those of the weights before the step, and carry no tape."""
    stimuli, labels = toy_problem(31)
    maps = torch.rand(31, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    for network, batch in ((network_of(norm=False), stimuli), (network_of(norm=True), stimuli), (conv_network(), maps)):
        network.eval()  # a norm uses its running statistics, as `logits` does
        instance = rule(network, **options).attach()
        expected = None
        if network.decision is None:  # otherwise the rule has its own pass, as with lateral inhibition
            expected = int((network.logits(batch).argmax(1) == labels).sum()), _mean_activity(network, batch)
        _assert_report(instance.compute_gradients(batch, labels), instance, len(labels), expected)


def _mean_activity(network: StimulusNetwork, stimuli: Tensor) -> list[float]:
    """Mean firing rate of each layer; of a rate network the share of active neurons."""
    with network.inference():
        return [float(step.activity.active) for step in network.steps(network.encode(stimuli))]


def _assert_report(report: StepReport, instance: Rule, samples: int, expected: tuple[int, list[float]] | None) -> None:
    """Every number is a scalar without a tape, within its range, and equal to the expected one if there is one."""
    names = instance.network.layer_names
    unknown = sorted(set(report.layer_losses) - {*names, "recall"})
    assert not unknown, f"layer_losses: expected names of layers or 'recall', received {unknown}"
    assert len(report.spike_rate) == len(names), (
        f"spike_rate: expected one per layer, received {len(report.spike_rate)}"
    )
    values = {"loss": report.loss, "correct": report.correct, **report.layer_losses}
    values |= {f"spike_rate of {name}": rate for name, rate in zip(names, report.spike_rate, strict=True)}
    for name, value in values.items():
        assert isinstance(value, Tensor), f"{name}: expected a tensor, received {type(value).__name__}"
        assert value.dim() == 0, f"{name}: expected a scalar, received {list(value.shape)}"
        assert not value.requires_grad, f"{name} carries a tape"
        assert torch.isfinite(value), f"{name} is not finite"
    correct, rates = int(report.correct), [float(rate) for rate in report.spike_rate]
    assert 0 <= correct <= samples, f"correct: expected 0 to {samples} samples, received {correct}"
    for name, rate in zip(names, rates, strict=True):
        assert 0 <= rate <= 1, f"spike_rate of {name}: expected a share in [0, 1], received {rate}"
    if expected is not None:
        assert correct == expected[0], f"correct: expected {expected[0]} of the logits, received {correct}"
        for name, rate, known in zip(names, rates, expected[1], strict=True):
            assert abs(rate - known) < 1e-5, f"spike_rate of {name}: expected {known:.5f}, received {rate:.5f}"
    for parameter in instance.parameters():
        assert parameter.grad is not None, "a gradient is missing"
        assert not parameter.grad.requires_grad, "a gradient carries a tape"


def draws_from_its_generator(rule: type[Rule], options: dict[str, Any]) -> None:
    """A step draws only from the given generator: the same seed gives the same gradients."""
    stimuli, labels = toy_problem(24)
    stimuli = (stimuli - stimuli.min()) / (stimuli.max() - stimuli.min())
    gradients, left = [], []
    for seed in (1, 1, 2):
        instance = rule(network_of(stimulus_code="bernoulli"), **options)
        generator = torch.Generator().manual_seed(seed)
        before = torch.get_rng_state()
        instance.compute_gradients(stimuli, labels, generator=generator)
        assert torch.equal(before, torch.get_rng_state()), "a step drew from torch's global generator"
        gradients.append([parameter.grad for parameter in instance.parameters() if parameter.grad is not None])
        left.append(generator.get_state())
    same = [all(torch.equal(a, b) for a, b in zip(gradients[0], other, strict=True)) for other in gradients[1:]]
    assert same[0], "two steps with the same seed differ"
    assert torch.equal(left[0], left[1]), "two steps with the same seed leave different generators"
    assert not same[1], "the code of the stimulus does not come from the generator"
