"""What rules that carry errors through the positions of a sequence share: losses at every position, and the way back.

Backpropagation goes back through all positions (and, in spiking networks, all steps) by a tape. In the rate network the
same recursion can be written out, with feedback of its own in place of the transposed weights:

    e_L(p) = Θ_y ε(p) + Θ_h s_L(p+1),   e_l(p) = Θ_{l+1} s_{l+1}(p) + Θ_h s_l(p+1),   s = e ⊙ f'

f' is that of norm and activation together, the norm's statistics being constants.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from ...functional import cross_entropy
from ...nn import RateActivity, RecurrentPathway, SequenceNetwork
from ..readouts import Top, learn_quantities
from ..rule import Rule, StepReport, write_gradients

RecordedPass = Sequence[tuple[Tensor, RateActivity]]


def learn_by_tape(
    rule: Rule, network: SequenceNetwork, stimulus: Tensor, targets: Tensor, *, truncate: int = 0
) -> StepReport:
    """Backpropagation through time, on spikes or on rates as the network's activity says.

    Args:
        truncate: positions that a gradient goes back at most (spikes only); 0: all.
    """
    with torch.enable_grad():
        source = network.encode(stimulus)
        if network.activity == "rates":
            layer_pass = network.rates_positions(source)
            rate, raws = layer_pass[-1][1].rate, [activity.raw_drive.detach() for _, activity in layer_pass]
            means = [activity.active for _, activity in layer_pass]
        else:
            rate, means, raws = network.taped_positions(source, truncate=truncate)
        said = network.outputs(rate)
        loss, correct = _judged(network, said, stimulus, targets)
        write_gradients(loss, rule.parameters())
    network.follow(raws)
    return StepReport(loss.detach(), correct, {}, means)


def _judged(network: SequenceNetwork, said: Tensor, stimulus: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """Loss with a tape, a mean over positions and samples, and the right decisions, a whole sequence being one."""
    if network.continuous:
        difference = said - network.standard_targets(stimulus, targets)
        scale = 1 / (network.group.count(len(difference)) * difference.shape[1])
        return scale * difference.square().sum(), said.new_zeros(())
    labels = targets.T.flatten()
    loss = F.cross_entropy(said, labels, reduction="sum") / network.group.count(len(labels))
    return loss, (said.detach().argmax(1) == labels).sum().to(loss) / targets.shape[1]


def learn_outputs(
    network: SequenceNetwork, rate: Tensor, stimulus: Tensor, targets: Tensor, *, smoothing: float = 0.0
) -> Top:
    """Write the gradient of the readout at all positions at once, without a tape.

    Args:
        rate: `[S·B, H]` of the last layer.
        stimulus: `[B, S]` symbols or `[B, S, D]` values.
        targets: `[B, S]` classes or `[B, S, K]` quantities.
        smoothing: of the targets of classes.
    """
    length = targets.shape[1]
    samples = network.group.count(len(rate))
    said = network.readout(rate)
    if network.continuous:
        values = network.standard_targets(stimulus, targets)
        loss = learn_quantities(network, rate, values)
        return Top(loss, loss.new_zeros(()), (said - values) * (2 / (samples * values.shape[1])))
    labels = targets.T.flatten()
    loss, error = cross_entropy(said, labels, samples=samples, smoothing=smoothing)
    network.readout.learn(error, rate)
    return Top(loss, (said.argmax(1) == labels).sum().to(loss) / length, error)


def carry_through_time(
    paths: Sequence[RecurrentPathway],
    layer_pass: RecordedPass,
    length: int,
    arriving: Callable[[int, Tensor], Tensor],
    across: Callable[[int, Tensor], Tensor],
    error: Tensor,
) -> list[tuple[Tensor, Tensor]]:
    """Errors of all layers at all positions, from the last position to the first.

    Args:
        paths: of the network.
        pass: `SequenceNetwork.rates_positions`.
        length: S.
        arriving: (i, signal above) to the error that it makes in layer i: `[B, ·]` to `[B, H_i]`; the readout's error
            for the last layer, the signal of layer i+1 for the others.
        across: (i, signal of layer i at the position after) to the error that it makes.
        error: `[S·B, K]` at the readout.

    Returns:
        For each layer the errors e and the signals s, `[S·B, H]`.
    """
    layers = len(layer_pass)
    slopes = [
        path.before_norm(activity.slope, activity).unflatten(0, (length, -1))
        for path, (_, activity) in zip(paths, layer_pass, strict=True)
    ]
    errors: list[list[Tensor]] = [[] for _ in range(layers)]
    signals: list[list[Tensor]] = [[] for _ in range(layers)]
    later: list[Tensor | None] = [None] * layers
    for p in range(length - 1, -1, -1):
        above = error.unflatten(0, (length, -1))[p]
        for i in range(layers - 1, -1, -1):
            found = arriving(i, above)
            after = later[i]
            if after is not None:
                found = found + across(i, after)
            above = found * slopes[i][p]
            later[i] = above
            errors[i].append(found)
            signals[i].append(above)
    return [(torch.cat(found[::-1]), torch.cat(signal[::-1])) for found, signal in zip(errors, signals, strict=True)]
