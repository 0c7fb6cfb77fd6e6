"""Locality in time, for recurrent networks: whether an error changes weights by its own position only.

The gradient of a sequence is a sum over positions. If only the target of the last position changes, the gradient of a
layer changes by the contribution of that target. If the rule is local in time, this change is a sum of post ⊗ pre over
the samples with the inputs `pre` of the last position. Projecting these inputs out of its rows then leaves nothing.
Backpropagation through time leaves the contributions of earlier positions.
"""

from __future__ import annotations

import copy

import torch
from torch import Tensor

from ...errors import ConfigurationError
from ...nn import SequenceNetwork
from ...rules import Rule

LENGTH = 6  # positions of the sequences
SAMPLES = 4
FIXED = 2**62  # rows below which a norm uses its running statistics
LOCAL = 1e-6  # share of the change up to which the rule is local in time


@torch.no_grad()
def left_in_earlier_positions(rule: Rule, stimuli: Tensor, targets: Tensor) -> float:
    """Share of the change of the gradients that cannot come from the last position alone; the largest of all layers.

    Args:
        rule: on a recurrent network; left unchanged.
        stimuli: `[B, S]` symbols or `[B, S, D]` values; the first samples and positions are used.
        targets: classes `[B, S]` or quantities `[B, S, K]`.

    Raises:
        ConfigurationError: the network is not recurrent.
    """
    subject = copy.deepcopy(rule)
    subject.on_gradients_ready = None
    network = _sequence_network(subject)
    network.cpu().double().eval()
    subject.move_state()
    for path in network.paths:
        if path.norm is not None:
            path.norm.least = FIXED  # batch statistics would connect all positions; the audit excludes them everywhere
    inputs, wanted = (_in_double(values[:SAMPLES, :LENGTH]) for values in (stimuli, targets))
    other = wanted.clone()
    other[:, -1] += 1
    if not wanted.is_floating_point():
        other[:, -1] %= network.concept.classes
    first, second = (_gradients(subject, inputs, labels) for labels in (wanted, other))
    received = _received_last(network, inputs)
    shares = []
    for one, two, last in zip(first, second, received, strict=True):
        change = one - two
        size = float(change.norm())
        directions = torch.linalg.qr(last.T)[0]
        left = change - change @ directions @ directions.T
        shares.append(float(left.norm()) / size if size > 0 else 0.0)
    return max(shares)


def _gradients(rule: Rule, stimuli: Tensor, targets: Tensor) -> list[Tensor]:
    """Gradients `[H, D + H]` of each layer, by a copy of the rule."""
    trial = copy.deepcopy(rule)
    trial.compute_gradients(stimuli, targets)
    network = _sequence_network(trial)
    grads = [path.synapse.weight.grad for path in network.paths]
    return [torch.zeros_like(p.synapse.weight) if g is None else g for g, p in zip(grads, network.paths, strict=True)]


def _received_last(network: SequenceNetwork, stimuli: Tensor) -> list[Tensor]:
    """Input `[B, D + H]` of each layer at the last position."""
    source = network.encode(stimuli)
    batch = source.shape[1]
    return [received[-batch:].detach() for _, received, _ in network.layer_positions(source, network.rest(batch))]


def _in_double(values: Tensor) -> Tensor:
    """Real values in float64; symbols and classes as they are."""
    return values.double() if values.is_floating_point() else values


def _sequence_network(rule: Rule) -> SequenceNetwork:
    network = rule.network
    if not isinstance(network, SequenceNetwork):
        raise ConfigurationError(
            "left_in_earlier_positions: expected a rule on a recurrent network, received one without positions."
        )
    return network
