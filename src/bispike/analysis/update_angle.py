"""Angle between the update of a rule and the gradient, layer by layer, on the same network and batch.

The gradient is that of `bptt` for rules of spiking networks and that of `backprop` for rules of rate networks, in the
same state and in training mode. 0 degrees is gradient descent, 90 degrees an unrelated direction; above 90 degrees the
rule increases the loss. Updates are compared as the rule writes them, before an optimizer scales them. Source:
Lillicrap et al., Nature Communications 2016: an update within 90 degrees of the gradient still descends.
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
from ..arguments import checked, pair
from ..functional import angle_between
from ..nn import Network
from ..rules import Rule
from .pathways import random_angle_spread

ALL = "all"
READOUT = "readout"
REFERENCE = {"spikes": "bptt", "rates": "backprop"}
"""Rule of the true gradient, by the signals of the network."""


@dataclass(frozen=True)
class UpdateAngle:
    """Angle between the update of a rule and the gradient, in one layer or in all weights.

    Args:
        name: name of the layer, `"readout"`, or `"all"` for all weights that the rule changes, taken together.
        degrees: mean over batches; None where the rule changes nothing.
        error: standard error of that mean; None for fewer than two batches.
        spread: standard deviation, in degrees, of the angle of random directions around 90; None likewise.
    """

    name: str
    degrees: float | None
    error: float | None
    spread: float | None


@checked
def reference_rule(rule: Rule) -> str:
    """Name of the rule whose gradient serves as the reference."""
    return REFERENCE[rule.signals.name]


@checked
def update_angles(rule: Rule, batches: Iterable[tuple[Tensor, Tensor]], *, seed: int = 0) -> list[UpdateAngle]:
    """Angle to the gradient at every layer, at the readout and of all weights together.

    Args:
        rule: the rule and its network; both are left unchanged.
        batches: stimuli `[B, *stimulus.shape]` with labels `[B]`, at least one batch.
        seed: of stochastic codes; rule and gradient get the same random numbers.
    """
    found: dict[str, list[float]] = {}
    entries: dict[str, int] = {}
    for batch in batches:
        stimuli, labels = pair("batches", batch, "stimuli and labels")
        updates = _updates(_copy(rule), stimuli, labels, seed)
        gradients = _updates(_reference(rule), stimuli, labels, seed)
        moved = [name for name, update in updates.items() if bool(update.any())]
        pairs = {name: (updates[name], gradients[name]) for name in moved}
        if moved:
            pairs[ALL] = _joined(updates, moved), _joined(gradients, moved)
        for name in [*updates, ALL]:
            found.setdefault(name, [])
            if name in pairs:
                found[name].append(angle_between(*pairs[name]))
                entries[name] = pairs[name][0].numel()
    return [_summary(name, values, entries.get(name)) for name, values in found.items()]


def _joined(updates: Mapping[str, Tensor], names: Sequence[str]) -> Tensor:
    return torch.cat([updates[name].flatten() for name in names])


def _summary(name: str, values: Sequence[float], entries: int | None) -> UpdateAngle:
    mean = statistics.fmean(values) if values else None
    error = statistics.stdev(values) / math.sqrt(len(values)) if len(values) > 1 else None
    return UpdateAngle(name, mean, error, random_angle_spread(entries) if entries else None)


def _copy(rule: Rule) -> Rule:
    copied = copy.deepcopy(rule)
    copied.on_gradients_ready = None
    return copied


def _reference(rule: Rule) -> Rule:
    name, network = reference_rule(rule), copy.deepcopy(rule.network)
    options = {"activation": rule.settings.activation} if name == "backprop" else {}
    return rules.create(name, network, **options)


def _updates(rule: Rule, stimuli: Tensor, labels: Tensor, seed: int) -> dict[str, Tensor]:
    """Gradients that one step of the rule writes for the bottom-up weights; zeros where it writes none."""
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
