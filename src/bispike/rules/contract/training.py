"""Checks over several steps: learning, reproducibility, resuming, and updates during a step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from safetensors.torch import load, save
from torch import nn

from ... import models
from ...errors import BispikeError
from ..rule import Rule
from .problems import are_equal, network_of, toy_problem, train, weights_of


def saves_its_state(rule: type[Rule], options: dict[str, Any]) -> None:
    """The state of the rule is unchanged by safetensors, and the state of another rule is refused."""
    network = network_of()
    instance = rule(network, **options)
    train(network, instance, 3)
    state = instance.state_dict()
    read = load(save({key: value.contiguous() for key, value in state.items()}))
    other = rule(network_of(), **options)
    other.load_state_dict(read)
    assert are_equal(dict(other.state_dict()), dict(state)), "the state differs after it was written and read"
    try:
        other.load_state_dict({**read, "no such tensor": torch.zeros(1)})
    except BispikeError:
        return
    raise AssertionError("no error for a state with a tensor that is not the rule's")


def replaces_gradients(rule: type[Rule], options: dict[str, Any]) -> None:
    """A second step writes its own gradients and does not add to the first's."""
    stimuli, labels = toy_problem()
    network = network_of()
    instance = rule(network, **options)
    instance.compute_gradients(stimuli, labels)
    once = [parameter.grad.clone() for parameter in instance.parameters() if parameter.grad is not None]
    fresh = network_of()
    other = rule(fresh, **options)
    other.load_state_dict(instance.state_dict())
    instance.compute_gradients(stimuli, labels)
    other.compute_gradients(stimuli, labels)
    twice = [parameter.grad for parameter in instance.parameters() if parameter.grad is not None]
    again = [parameter.grad for parameter in other.parameters() if parameter.grad is not None]
    assert len(once) == len(twice), "the set of gradients changed between steps"
    assert all(torch.equal(a, b) for a, b in zip(twice, again, strict=True)), "gradients accumulate over steps"


def allows_updates_during_the_pass(rule: type[Rule], options: dict[str, Any]) -> None:
    """Weights that are updated when their gradients are announced equal weights that are updated after the step."""

    def move(parameters: Sequence[nn.Parameter]) -> None:
        with torch.no_grad():
            for parameter in parameters:
                if parameter.grad is not None:
                    parameter.sub_(parameter.grad, alpha=0.05)
                    parameter.grad = None

    stimuli, labels = toy_problem()
    results = []
    for at_once in (True, False):
        network = network_of(norm=True, concept_code="learned")
        instance = rule(network, **options)
        instance.on_gradients_ready = move if at_once else None
        for _ in range(3):
            instance.compute_gradients(stimuli, labels)
            if not at_once:
                move(instance.parameters())
        results.append(weights_of(network))
    assert are_equal(*results), "the step reads a weight, or writes its gradient, after it announced it"


def repeats_itself(rule: type[Rule], options: dict[str, Any]) -> None:
    """The same seed gives the same weights."""
    results = []
    for _ in range(2):
        network = network_of()
        train(network, rule(network, **options), 10)
        results.append(weights_of(network))
    assert are_equal(*results), "two runs from the same seed differ"


def resumes_exactly(rule: type[Rule], options: dict[str, Any]) -> None:
    """A training that is saved and loaded ends with the same bits as an uninterrupted one."""
    network = network_of()
    first = rule(network, **options)
    train(network, first, 6)
    copy = models.build(network.spec)
    copy.load_state_dict(network.state_dict())
    second = rule(copy, **options)
    second.load_state_dict({key: value.clone() for key, value in first.state_dict().items()})
    train(network, first, 6)
    train(copy, second, 6)
    assert are_equal(weights_of(network), weights_of(copy)), "training after a reload differs from training without one"


def learns(rule: type[Rule], options: dict[str, Any]) -> None:
    """At least 90 % right on a separable problem."""
    network = network_of()
    train(network, rule(network, **options), 150)
    stimuli, labels = toy_problem()
    accuracy = float((network.perceive(stimuli) == labels).float().mean())
    assert accuracy >= 0.9, f"expected at least 0.9 on a separable problem, reached {accuracy:.2f}"
