"""Pairs of weights of opposite direction: the angle and the distance between W and the weights that lead back.

The opposite weights are those of the top-down pathway, where the rule sends signals through it, and every tensor in the
state of the rule that has the shape of a W or of its transpose.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from ...functional import angle_between
from ...rules import Rule
from ..pathways import random_angle_spread
from .links import BESIDE, UP, Crossing, Link, links_of
from .subject import Trial

MIRRORED = 45.0
"""Angle in degrees below which weights mirror each other: more than half of the squared norm of one lies along the
other."""
CERTAIN = 5.0
"""Standard deviations by which an angle must also lie below 90 degrees, so that small matrices do not mirror each other
by chance."""


@dataclass(frozen=True)
class Pair:
    """Two weights of opposite direction.

    Attributes:
        up, down: names of the weights.
        degrees: angle between W and the opposite weights, in the layout of W.
        distance: |W − Θᵀ| relative to |W|.
        spread: standard deviation in degrees of the angle of random weights, around 90.
    """

    up: str
    down: str
    degrees: float
    distance: float
    spread: float

    @property
    def mirrored(self) -> bool:
        """Whether the angle is below both bounds."""
        return self.degrees < min(MIRRORED, 90 - CERTAIN * self.spread)


def weight_pairs(rule: Rule, trial: Trial) -> dict[tuple[str, str], Pair]:
    """Pairs of opposite weights of a rule, by their names.

    Weights of the rule's own synapses that lead up or stay in their layer are no opposite weights and are left out.
    """
    found: dict[tuple[str, str], Pair] = {}
    if any(trial.sources(f"{layer.name} down") for layer in rule.network.layers):
        for name, (up, down) in rule.network.pathway_weights().items():
            key = (f"W above {name}", f"Θ above {name}")
            found[key] = _pair(*key, up, down)
    upward = [link.synapse.weight for link in links_of(rule).values() if link.kind in (UP, BESIDE)]
    for name, tensor in state_tensors(rule, without=upward):
        for link, weight in upward_weights(trial, rule):
            for opposite in _layouts(tensor, weight):
                pair = _pair(link.name, name, weight, opposite)
                key = (link.name, name)
                if key not in found or pair.degrees < found[key].degrees:
                    found[key] = pair
    return found


def upward_weights(trial: Trial, rule: Rule) -> Iterator[tuple[Link, Tensor]]:
    """Bottom-up synapses through which an error could return, with their weights in `rule`."""
    weights = {f"{layer.name} up": layer.up.synapse.weight for layer in rule.network.layers[1:]}
    weights["readout"] = rule.network.readout.weight
    for name, weight in weights.items():
        yield trial.links[name], weight.detach()


def state_tensors(rule: Rule, *, without: Collection[Tensor]) -> Iterator[tuple[str, Tensor]]:
    """Tensors with two or more axes in the state or the attributes of a rule, without some."""
    listed = {tensor.data_ptr() for tensor in (*rule.network.parameters(), *without)}
    named: list[tuple[str, Any]] = [*rule.state_dict().items(), *vars(rule).items()]
    while named:
        name, value = named.pop(0)
        if isinstance(value, Mapping):
            named += [(f"{name}.{key}", item) for key, item in value.items()]
        elif isinstance(value, list | tuple):
            named += [(f"{name}.{i}", item) for i, item in enumerate(value)]
        elif isinstance(value, Tensor) and value.dim() > 1 and value.data_ptr() not in listed:
            listed.add(value.data_ptr())
            yield name, value.detach()


def _layouts(tensor: Tensor, weight: Tensor) -> Iterator[Tensor]:
    if tensor.shape == weight.shape:
        yield tensor
    if tensor.transpose(0, 1).shape == weight.shape:
        yield tensor.transpose(0, 1)


def _pair(up: str, down: str, weight: Tensor, opposite: Tensor) -> Pair:
    distance = float((weight - opposite.to(weight)).norm() / weight.norm().clamp_min(1e-300))
    return Pair(up, down, angle_between(weight, opposite), distance, random_angle_spread(weight.numel()))


def returning_weights(crossing: Crossing) -> Pair | None:
    """W of a bottom-up synapse and the weights through which a signal returned; None if none returned."""
    if not crossing.returns or crossing.link.kind != UP:
        return None
    own, other = crossing.link.synapse.weight.detach(), crossing.signal.weight
    return _pair(crossing.link.name, "", own, own if other is None else other)
