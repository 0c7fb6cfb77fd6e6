"""BSD on sequences: at each position the recurrent bottom-up population meets what the target calls up from above.

A sequence is taken in blocks of positions. Within a block every position is a sample: what the population did at the
position before is an input like any other, so the update is that of a stage at one time step, local in space and in
time. Blocks add up their gradients and hand on the state, so memory does not grow with the length of a sequence.

    classes       templates of the vocabulary, C rows, whatever the length and the batch
    quantities    each position's target fires its tuned neurons; the templates of the block are each other's contrast
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from ..functional import negative_counts
from ..nn import Descent, QuantityCode, RecurrentNetwork, Stage
from .base import StepReport
from .encounter import Encounter
from .readouts import learn_quantities, learn_reconstruction
from .through_time import learn_said

if TYPE_CHECKING:
    from .bsd import BSD

POSITIONS = 32  # in a block
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


def learn_sequences(rule: BSD, network: RecurrentNetwork, stimulus: Tensor, targets: Tensor) -> StepReport:
    """Write the gradients of both pathways for a batch of sequences; `loss` is a mean over positions.

    Args:
        rule: gives the options.
        network: of the rule.
        stimulus: `[B, S]` symbols or `[B, S, D]` values.
        targets: `[B, S]` classes or `[B, S, K]` quantities.
    """
    batch, length = targets.shape[:2]
    positions = min(POSITIONS, max(1, PAIRED // batch)) if network.continuous else POSITIONS
    state = network.rest(batch)
    gathered = Gathered(rule.parameters())
    told, rule.when_written = rule.when_written, None  # nothing is final before the last block
    reports = []
    try:
        for first in range(0, length, positions):
            here = slice(first, first + positions)
            part = network.encode(stimulus[:, here])
            wanted = targets[:, here]
            rows = network.standard_targets(stimulus[:, here], wanted) if network.continuous else wanted.T.flatten()
            with network.group.repeated(len(part)):
                block = _learn_quantities if network.continuous else _learn_classes
                report = block(rule, network, part, rows, state, length)
            reports.append((len(part) / length, report))
            gathered.add(len(part) / length)
    finally:
        rule.when_written = told
    gathered.write()
    return _mean(reports)


def _learn_classes(
    rule: BSD, network: RecurrentNetwork, part: Tensor, labels: Tensor, state: list[Tensor], length: int
) -> StepReport:
    rows = part.flatten(0, 1)
    raws: list[Tensor] = []

    def up():  # type: ignore[no-untyped-def]
        for stage, below, activity in network.sweep_positions(
            part, state, unrolled=rule.follows(rule.settings.feature)
        ):
            raws.append(activity.raw_drive)
            yield stage, below, activity

    report = rule.meet(rows, rows, up(), labels)
    network.follow(raws)
    return replace(report, correct=report.correct / length)


def _learn_quantities(
    rule: BSD, network: RecurrentNetwork, part: Tensor, values: Tensor, state: list[Tensor], length: int
) -> StepReport:
    code = network.code
    assert isinstance(code, QuantityCode)
    count = len(values)
    labels = torch.arange(count, device=values.device)
    negatives = negative_counts(labels, count, contrast="batch", dtype=values.dtype)
    prior = torch.full((count,), 1 / count, dtype=values.dtype, device=values.device)
    spikes = code.spikes_of(values, network.steps)
    down = Descent(
        network.hidden, spikes, spikes.mean(0), network.steps, constant=False, unrolled=rule.follows(rule.template)
    )
    lowest = down.at(0)[1].rate
    losses: dict[str, Tensor] = {}
    rates, raws = [], []
    top = lowest
    sweep = network.sweep_positions(part, state, unrolled=rule.follows(rule.settings.feature))
    for i, (stage, below, activity) in enumerate(sweep):
        here = Encounter(stage, below, activity, *down.at(i))
        losses[stage.name] = rule.align_stage(here, labels, negatives, prior)
        down.forget(i)
        raws.append(activity.raw_drive)
        rates.append(activity.rate.mean())
        top = activity.rate
    loss = learn_quantities(network, top, values)
    losses["recall"] = learn_reconstruction(network, lowest, part.flatten(0, 1))
    network.follow(raws)
    return StepReport(loss, loss.new_zeros(()), losses, rates)


def learn_positions(
    network: RecurrentNetwork, stimulus: Tensor, targets: Tensor, broadcast: Callable[[Stage, Tensor], Tensor]
) -> StepReport:
    """Write gradients from an error that is broadcast to all stages at each position, in blocks (e-prop).

    Args:
        broadcast: (stage, error `[N, K]` at the readout) to the learning signal `[N, H]`.
    """
    batch, length = targets.shape[:2]
    state = network.rest(batch)
    gathered = Gathered(network.bottom_up_parameters())
    reports = []
    for first in range(0, length, POSITIONS):
        places = slice(first, first + POSITIONS)
        part = network.encode(stimulus[:, places])
        sweep = list(network.sweep_positions(part, state, unrolled=True))
        top = learn_said(network, sweep[-1][2].rate, stimulus[:, places], targets[:, places])
        for stage, below, activity in sweep:
            stage.up.learn(broadcast(stage, top.error) * stage.up.rate_slope(activity), below, activity)
        network.follow([activity.raw_drive for _, _, activity in sweep])
        share = len(part) / length
        gathered.add(share)
        rates = [activity.rate.mean() for _, _, activity in sweep]
        reports.append((share, StepReport(top.loss, top.correct * share, {}, rates)))
    gathered.write()
    return _mean(reports)


def _mean(reports: list[tuple[float, StepReport]]) -> StepReport:
    """Means over positions; right decisions are counted in sequences: a right one at each position is one."""

    def over(values: list[Tensor]) -> Tensor:
        return torch.stack([share * value for (share, _), value in zip(reports, values, strict=True)]).sum()

    first = reports[0][1]
    blocks = [report for _, report in reports]
    return StepReport(
        over([report.loss for report in blocks]),
        torch.stack([report.correct for report in blocks]).sum(),
        {name: over([report.stage_losses[name] for report in blocks]) for name in first.stage_losses},
        [over([report.spike_rate[i] for report in blocks]) for i in range(len(first.spike_rate))],
    )
