"""How far a rule's weight change points from the gradient: the angle, layer by layer, on the same network and batch.

The gradient is that of `bptt` for rules on the spiking network and of `backprop` for rules on the rate network, both of
the same state, in training mode. 0 degrees is gradient descent itself, 90 an unrelated direction, above 90 the rule
works against the loss. What is compared is what the rule writes, before an optimizer scales it. The question is that
of Lillicrap et al., Nature Communications 2016: a change within 90 degrees of the gradient still descends.
"""

from __future__ import annotations

import copy
import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from .. import rules
from ..functional import angle_between
from ..nn import Network
from ..rules import Rule
from .pathways import random_angle_spread

ALL = "all"
READOUT = "readout"


@dataclass(frozen=True)
class UpdateAngle:
    """Angle of a rule's weight change to the gradient at one place.

    Args:
        name: of the layer, `"readout"`, or `"all"` for all weights that the rule changes together.
        degrees: mean over batches; None where the rule changes nothing.
        error: standard error of that mean; None for fewer than two batches.
        spread: standard deviation, in degrees, of random directions around 90; None likewise.
    """

    name: str
    degrees: float | None
    error: float | None
    spread: float | None


def reference_rule(rule: Rule) -> str:
    """Name of the rule whose gradient is compared with."""
    return "bptt" if rule.signals.spiking else "backprop"


def update_angles(rule: Rule, batches: Iterable[tuple[Tensor, Tensor]], *, seed: int = 0) -> list[UpdateAngle]:
    """Angle to the gradient at every layer, at the readout and of all weights together.

    Args:
        rule: with its network, in the state to be looked at; both are left as they are.
        batches: stimuli `[B, *stimulus.shape]` with labels `[B]`, at least one batch.
        seed: of stochastic codes; the same draws for the rule and for the gradient.
    """
    found: dict[str, list[float]] = {}
    entries: dict[str, int] = {}
    for stimuli, labels in batches:
        changes = _changes(_copy(rule), stimuli, labels, seed)
        gradients = _changes(_reference(rule), stimuli, labels, seed)
        moved = [name for name, change in changes.items() if bool(change.any())]
        pairs = {name: (changes[name], gradients[name]) for name in moved}
        if moved:
            pairs[ALL] = _joined(changes, moved), _joined(gradients, moved)
        for name in [*changes, ALL]:
            found.setdefault(name, [])
            if name in pairs:
                found[name].append(angle_between(*pairs[name]))
                entries[name] = pairs[name][0].numel()
    return [_summary(name, values, entries.get(name)) for name, values in found.items()]


def _joined(changes: Mapping[str, Tensor], names: Sequence[str]) -> Tensor:
    return torch.cat([changes[name].flatten() for name in names])


def _summary(name: str, values: Sequence[float], entries: int | None) -> UpdateAngle:
    mean = statistics.fmean(values) if values else None
    error = statistics.stdev(values) / math.sqrt(len(values)) if len(values) > 1 else None
    return UpdateAngle(name, mean, error, random_angle_spread(entries) if entries else None)


def _copy(rule: Rule) -> Rule:
    twin = copy.deepcopy(rule)
    twin.on_gradients_ready = None
    return twin


def _reference(rule: Rule) -> Rule:
    network = copy.deepcopy(rule.network)
    options = {"activation": network.activation} if not rule.signals.spiking else {}
    return rules.create(reference_rule(rule), network, **options)


def _changes(rule: Rule, stimuli: Tensor, labels: Tensor, seed: int) -> dict[str, Tensor]:
    """What one step writes for the bottom-up weights of each place; zeros where it changes nothing."""
    network = rule.network.train()
    for parameter in [*network.parameters(), *rule.parameters()]:
        parameter.grad = None
    device = network.stimulus_mean.device
    draws = torch.Generator(device=device).manual_seed(seed)
    rule.compute_gradients(stimuli.to(device), labels.to(device), generator=draws)
    trained = {id(parameter) for parameter in rule.parameters()}
    return {
        name: weight.grad if weight.grad is not None and id(weight) in trained else torch.zeros_like(weight)
        for name, weight in _weights(network).items()
    }


def _weights(network: Network) -> dict[str, nn.Parameter]:
    return {**{layer.name: layer.up.synapse.weight for layer in network.layers}, READOUT: network.readout.weight}
