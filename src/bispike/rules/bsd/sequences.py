"""BSD on sequences: at each position the recurrent bottom-up population meets what the target calls up from above.

A sequence is taken in blocks of positions. Within a block every position is a sample: what the population did at the
position before is an input like any other, so the update is that of a layer at one time step, local in space and in
time. Blocks add up their gradients and hand on the state, so memory does not grow with the length of a sequence.

    classes       templates of the vocabulary, C rows, whatever the length and the batch
    quantities    each position's target fires its tuned neurons; the templates of the block are each other's contrast

Where the top-down pathway is recurrent a template depends on the targets before, so every position has its own, for
classes too; there the templates of other classes are the contrast.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from ...functional import negative_counts
from ...nn import Activity, Group, Layer, QuantityCode, SequenceNetwork, State, TopDownPass
from ..gradient.through_time import learn_outputs
from ..readouts import learn_quantities, learn_reconstruction, learn_top
from ..rule import StepReport
from .encounter import Encounter

if TYPE_CHECKING:
    from .rule import BSD

POSITIONS = 32  # in a block of rules without contrast
PAIRED = 512  # rows of a block at most where each is contrasted with all others


class Gathered:
    """Sums of gradients over the blocks of a sequence."""

    def __init__(self, parameters: Sequence[nn.Parameter]) -> None:
        self.parameters = list(parameters)
        self.sums: list[Tensor | None] = [None] * len(self.parameters)

    def add(self, share: float) -> None:
        """Take in what `.grad` holds of a block that is this share of the whole."""
        for i, parameter in enumerate(self.parameters):
            if parameter.grad is None:
                continue
            known = self.sums[i]
            if known is None:
                self.sums[i] = parameter.grad * share
            else:
                known.add_(parameter.grad, alpha=share)

    def write(self) -> None:
        """Put the sums into `.grad`."""
        for parameter, total in zip(self.parameters, self.sums, strict=True):
            if total is not None and parameter.grad is not None:
                parameter.grad.copy_(total)


def learn_sequences(rule: BSD, network: SequenceNetwork, stimulus: Tensor, targets: Tensor) -> StepReport:
    """Write the gradients of both pathways for a batch of sequences; `loss` is a mean over positions.

    Args:
        rule: gives the options.
        network: of the rule.
        stimulus: `[B, S]` symbols or `[B, S, D]` values.
        targets: `[B, S]` classes or `[B, S, K]` quantities.
    """
    batch, length = targets.shape[:2]
    in_rows = network.continuous or bool(network.paths_down)
    positions, everyone = rule.settings.block, network.group.count(batch)
    if in_rows:
        positions = min(positions, max(1, PAIRED // everyone))
    state, state_down = network.rest(batch), network.rest_down(everyone)
    gathered = Gathered(rule.parameters())
    told, rule.on_gradients_ready = rule.on_gradients_ready, None  # nothing is final before the last block
    reports = []
    try:
        for first in range(0, length, positions):
            here = slice(first, first + positions)
            part = network.encode(stimulus[:, here])
            wanted = targets[:, here]
            rows = network.standard_targets(stimulus[:, here], wanted) if network.continuous else wanted.T.flatten()
            if in_rows:
                report = _learn_rows(rule, network, part, rows, state, state_down)
            else:
                report = _learn_classes(rule, network, part, rows, state)
            report = replace(report, correct=report.correct.to(part) / length)
            reports.append((len(part) / length, report))
            gathered.add(len(part) / length)
    finally:
        rule.on_gradients_ready = told
    gathered.write()
    return _mean(reports)


def _learn_classes(rule: BSD, network: SequenceNetwork, part: Tensor, labels: Tensor, state: State) -> StepReport:
    """A block whose templates are those of the classes."""
    rows = part.flatten(0, 1)
    raws: list[Tensor] = []

    def up():  # type: ignore[no-untyped-def]
        for layer, below, activity in network.bottom_up_positions(
            part, state, unrolled=rule.follows(rule.settings.feature)
        ):
            raws.append(activity.raw_drive)
            yield layer, below, activity

    report = rule.learn_from_pass(rows, rows, up(), labels)
    network.follow(raws)
    return report


def _learn_rows(
    rule: BSD, network: SequenceNetwork, part: Tensor, wanted: Tensor, state: State, state_down: State
) -> StepReport:
    """A block in which each position of each sample has a template of its own.

    Processes that share a batch call up the templates of all of it, for they are each other's contrast.

    Args:
        wanted: `[N]` classes or `[N, K]` standardised quantities of the N = P·B rows.
    """
    group, positions = network.group, len(part)
    everyones = _of_all(group, wanted, positions)
    count = len(everyones)
    own = _of_mine(group, torch.arange(count, device=wanted.device), positions)
    once = torch.ones(count, dtype=part.dtype, device=part.device)
    negatives = negative_counts(own, count, contrast="batch", occurrences=once, dtype=part.dtype)
    if not network.continuous:
        negatives *= wanted[:, None] != everyones
    prior = once / count
    down = _templates(rule, network, everyones, positions, state_down)
    lowest = _of_mine(group, down[0][1].rate, positions)
    losses: dict[str, Tensor] = {}
    rates, raws = [], []
    top = lowest
    layer_pass = network.bottom_up_positions(part, state, unrolled=rule.follows(rule.settings.feature))
    for (layer, below, activity), (above, called) in zip(layer_pass, down, strict=True):
        losses[layer.name] = rule.align_layer(Encounter(layer, below, activity, above, called), own, negatives, prior)
        raws.append(activity.raw_drive)
        rates.append(activity.rate.mean())
        top = activity.rate
    correct = part.new_zeros(())
    if network.continuous:
        loss = learn_quantities(network, top, wanted)
    else:
        said = learn_top(network, top, wanted)
        loss, correct = said.loss, said.correct
    losses["recall"] = learn_reconstruction(network, lowest, part.flatten(0, 1))
    network.follow(raws)
    if state_down:
        network.follow_down([called.raw_drive for _, called in down])
    return StepReport(loss, correct, losses, rates)


def _of_all(group: Group, rows: Tensor, positions: int) -> Tensor:
    """Rows `[P·B, ...]` of the whole batch from those of each process's samples."""
    samples = rows.unflatten(0, (positions, -1)).transpose(0, 1)
    return group.sum(group.whole(samples)).transpose(0, 1).flatten(0, 1)


def _of_mine(group: Group, rows: Tensor, positions: int) -> Tensor:
    """Rows of this process's samples from those of the whole batch."""
    return group.mine(rows.unflatten(0, (positions, -1)), axis=1).flatten(0, 1)


def _templates(
    rule: BSD, network: SequenceNetwork, wanted: Tensor, positions: int, state: State
) -> list[tuple[Tensor, Activity]]:
    """What the targets call up, a row each: (what the top-down synapse received, what it did), bottom to top."""
    code, time_steps = network.code, network.time_steps
    if isinstance(code, QuantityCode):
        spikes = code.spikes_of(wanted, time_steps)
    else:
        spikes = code.spikes(time_steps)[:, wanted].to(network.stimulus_mean.dtype)
    unrolled = rule.follows(rule.template)
    if state:
        found = network.top_down_positions(spikes.unflatten(1, (positions, -1)), state, unrolled=unrolled)
        return [(here.below, here.activity) for here in found]
    down = TopDownPass([*network.layers], spikes, spikes.mean(0), time_steps, constant=False, unrolled=unrolled)
    return [down.at(i) for i in range(len(network.layers))]


def learn_positions(
    network: SequenceNetwork, stimulus: Tensor, targets: Tensor, broadcast: Callable[[Layer, Tensor], Tensor]
) -> StepReport:
    """Write gradients from an error that is broadcast to all layers at each position, in blocks (e-prop).

    Args:
        broadcast: (layer, error `[N, K]` at the readout) to the learning signal `[N, H]`.
    """
    batch, length = targets.shape[:2]
    state = network.rest(batch)
    gathered = Gathered(network.bottom_up_parameters())
    reports = []
    for first in range(0, length, POSITIONS):
        here = slice(first, first + POSITIONS)
        report = _learn_broadcast(network, stimulus[:, here], targets[:, here], state, broadcast)
        share = targets[:, here].shape[1] / length
        gathered.add(share)
        reports.append((share, replace(report, correct=report.correct * share)))
    gathered.write()
    return _mean(reports)


def _learn_broadcast(
    network: SequenceNetwork,
    stimulus: Tensor,
    targets: Tensor,
    state: State,
    broadcast: Callable[[Layer, Tensor], Tensor],
) -> StepReport:
    """A block of `learn_positions`."""
    layer_pass = list(network.bottom_up_positions(network.encode(stimulus), state, unrolled=True))
    top = learn_outputs(network, layer_pass[-1][2].rate, stimulus, targets)
    for layer, below, activity in layer_pass:
        layer.up.learn(broadcast(layer, top.error) * layer.up.rate_slope(activity), below, activity)
    network.follow([activity.raw_drive for _, _, activity in layer_pass])
    return StepReport(top.loss, top.correct, {}, [activity.rate.mean() for _, _, activity in layer_pass])


def _mean(reports: list[tuple[float, StepReport]]) -> StepReport:
    """Means over positions; right decisions are counted in sequences: a right one at each position is one."""

    def over(values: list[Tensor]) -> Tensor:
        return torch.stack([share * value for (share, _), value in zip(reports, values, strict=True)]).sum()

    first = reports[0][1]
    blocks = [report for _, report in reports]
    return StepReport(
        over([report.loss for report in blocks]),
        torch.stack([report.correct for report in blocks]).sum(),
        {name: over([report.layer_losses[name] for report in blocks]) for name in first.layer_losses},
        [over([report.spike_rate[i] for report in blocks]) for i in range(len(first.spike_rate))],
    )
