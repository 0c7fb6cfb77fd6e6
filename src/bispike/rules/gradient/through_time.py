"""Backpropagation through the positions of a sequence: with a tape, or as an explicit recursion with feedback weights.

Backpropagation uses a tape through all positions (and, in spiking networks, all time steps). In the rate network the
same recursion can be computed explicitly, with separate feedback weights in place of the transposed weights:

    e_L(p) = Θ_y ε(p) + Θ_h s_L(p+1),   e_l(p) = Θ_{l+1} s_{l+1}(p) + Θ_h s_l(p+1),   s = e ⊙ f'

f' is the derivative of norm and activation together, with constant statistics of the norm.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from ...nn import RateActivity, RecurrentPathway, SequenceNetwork
from ..rule import Rule, StepReport, write_gradients

RatePass = Sequence[tuple[Tensor, RateActivity]]


def learn_rates_by_tape(rule: Rule, network: SequenceNetwork, stimulus: Tensor, targets: Tensor) -> StepReport:
    """Backpropagation through all positions of the rate twin."""
    with torch.enable_grad():
        layers = network.rates_positions(network.encode(stimulus))
        means = [activity.active for _, activity in layers]
        report = _write(rule, network, layers[-1][1].rate, stimulus, targets, means)
    network.follow([activity.raw_drive.detach() for _, activity in layers])
    return report


def learn_spikes_by_tape(
    rule: Rule, network: SequenceNetwork, stimulus: Tensor, targets: Tensor, *, truncate: int = 0
) -> StepReport:
    """Backpropagation through all positions and time steps of the spiking network.

    Args:
        truncate: largest number of positions through which a gradient passes back; 0: all.
    """
    with torch.enable_grad():
        rate, means, raws = network.taped_positions(network.encode(stimulus), truncate=truncate)
        report = _write(rule, network, rate, stimulus, targets, means)
    network.follow(raws)
    return report


def _write(
    rule: Rule, network: SequenceNetwork, rate: Tensor, stimulus: Tensor, targets: Tensor, means: list[Tensor]
) -> StepReport:
    """Loss of the readout on rates `[S·B, H]` with a tape, and its gradients."""
    loss, correct = network.taped_loss(network.readout(rate), network.target_rows(stimulus, targets))
    write_gradients(loss, rule.parameters())
    return StepReport(loss.detach(), correct / targets.shape[1], {}, means)


def backward_through_time(
    paths: Sequence[RecurrentPathway],
    layers: RatePass,
    length: int,
    arriving: Callable[[int, Tensor], Tensor],
    across: Callable[[int, Tensor], Tensor],
    error: Tensor,
) -> list[tuple[Tensor, Tensor]]:
    """Errors of all layers at all positions, from the last position to the first.

    Args:
        paths: recurrent pathways of the network.
        layers: what `SequenceNetwork.rates_positions` returned.
        length: S.
        arriving: function of i and the signal above, `[B, ·]`, that returns the error of layer i, `[B, H_i]`. For the
            last layer the signal is the error of the readout, for the others that of layer i+1.
        across: function of i and the signal of layer i at the next position that returns the error of layer i.
        error: `[S·B, K]` error of the readout.

    Returns:
        For each layer the errors e and the signals s, `[S·B, H]`.
    """
    depth = len(layers)
    slopes = [
        path.before_norm(activity.slope, activity).unflatten(0, (length, -1))
        for path, (_, activity) in zip(paths, layers, strict=True)
    ]
    errors: list[list[Tensor]] = [[] for _ in range(depth)]
    signals: list[list[Tensor]] = [[] for _ in range(depth)]
    later: list[Tensor | None] = [None] * depth
    for p in range(length - 1, -1, -1):
        above = error.unflatten(0, (length, -1))[p]
        for i in range(depth - 1, -1, -1):
            found = arriving(i, above)
            after = later[i]
            if after is not None:
                found = found + across(i, after)
            above = found * slopes[i][p]
            later[i] = above
            errors[i].append(found)
            signals[i].append(above)
    return [(torch.cat(found[::-1]), torch.cat(signal[::-1])) for found, signal in zip(errors, signals, strict=True)]
