"""Locality in time, for recurrent networks: what an update at a position depends on.

A sequence's gradient is a sum over positions. Change the target of the last position alone, and the gradient of a layer
changes by what that target adds. If the rule is local in time, only what the synapse received at that position is in
it: the change is a sum of post ⊗ pre over the samples with the pre of the last position, and nothing is left when
those directions are taken out of its rows. Backpropagation through time leaves what reached earlier positions.
"""

from __future__ import annotations

import copy

import torch
from torch import Tensor

from ...nn import SequenceForecaster, SequenceNetwork
from ...rules import Rule

LENGTH = 6  # positions of the sequences that are looked at
SAMPLES = 4
FIXED = 2**62  # rows below which a norm is a constant map
LOCAL = 1e-6  # share of the change up to which nothing is left


@torch.no_grad()
def left_in_earlier_positions(rule: Rule, stimuli: Tensor, targets: Tensor) -> float:
    """Share of the change of the gradients that cannot come from the last position alone; the largest of all layers.

    Args:
        rule: on a recurrent network; left unchanged.
        stimuli: `[B, S]` symbols or `[B, S, D]` values; the first samples and positions are used.
        targets: `[B, S]` or `[B, S, K]`.
    """
    subject = copy.deepcopy(rule)
    subject.on_gradients_ready = None
    network = subject.network
    assert isinstance(network, SequenceNetwork)
    network.cpu().double().eval()
    subject.settle()
    for path in network.paths:
        if path.norm is not None:
            path.norm.least = FIXED  # a norm's backward joins all rows; as elsewhere in the audit it is left out
    seen, wanted = stimuli[:SAMPLES, :LENGTH].clone(), targets[:SAMPLES, :LENGTH].clone()
    if not network.symbols:
        seen = seen.double()
    if isinstance(network, SequenceForecaster):
        wanted = wanted.double()
    other = wanted.clone()
    other[:, -1] = other[:, -1] + 1
    if not isinstance(network, SequenceForecaster):
        other[:, -1] %= network.concept.classes
    first, second = (_gradients(subject, seen, labels) for labels in (wanted, other))
    received = _received_last(network, seen)
    shares = []
    for one, two, last in zip(first, second, received, strict=True):
        change = one - two
        size = float(change.norm())
        directions = torch.linalg.qr(last.T)[0]
        left = change - change @ directions @ directions.T
        shares.append(float(left.norm()) / size if size > 0 else 0.0)
    return max(shares)


def _gradients(rule: Rule, stimuli: Tensor, targets: Tensor) -> list[Tensor]:
    """`[H, D + H]` of each layer, by a copy of the rule."""
    trial = copy.deepcopy(rule)
    trial.step(stimuli, targets)
    network = trial.network
    assert isinstance(network, SequenceNetwork)
    grads = [path.synapse.weight.grad for path in network.paths]
    return [torch.zeros_like(p.synapse.weight) if g is None else g for g, p in zip(grads, network.paths, strict=True)]


def _received_last(network: SequenceNetwork, stimuli: Tensor) -> list[Tensor]:
    """`[B, D + H]` what each layer received at the last position."""
    source = network.encode(stimuli)
    batch = source.shape[1]
    if not network.signals.spiking:
        return [below[-batch:].detach() for below, _ in network.rates_positions(source)]
    return [below[-batch:] for _, below, _ in network.bottom_up_positions(source, network.rest(batch))]
