"""Helpers of rules on sequences: sums of gradients over blocks of positions, and reports over positions."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from .rule import StepReport


class BlockSums:
    """Sums of gradients over the blocks of a sequence.

    Args:
        parameters: parameters whose `.grad` each block writes.
    """

    def __init__(self, parameters: Sequence[nn.Parameter]) -> None:
        self.parameters = list(parameters)
        self.sums: list[Tensor | None] = [None] * len(self.parameters)

    def add(self, share: float) -> None:
        """Add the gradients of a block in `.grad`, weighted by its share of the sequence."""
        for i, parameter in enumerate(self.parameters):
            if parameter.grad is None:
                continue
            known = self.sums[i]
            if known is None:
                self.sums[i] = parameter.grad * share
            else:
                known.add_(parameter.grad, alpha=share)

    def write(self) -> None:
        """Write the sums to `.grad`."""
        for parameter, total in zip(self.parameters, self.sums, strict=True):
            if total is not None and parameter.grad is not None:
                parameter.grad.copy_(total)


def mean_report(reports: Sequence[tuple[float, StepReport]], length: int) -> StepReport:
    """Report of a whole sequence from the reports of its blocks.

    Losses and rates are means over positions. The number of right decisions is divided by the number of positions.

    Args:
        reports: of each block, its share of the positions and its report, whose `correct` counts positions.
        length: S, number of positions of the sequence.
    """

    def over(values: list[Tensor]) -> Tensor:
        return torch.stack([share * value for (share, _), value in zip(reports, values, strict=True)]).sum()

    blocks = [report for _, report in reports]
    first = blocks[0]
    return StepReport(
        over([report.loss for report in blocks]),
        torch.stack([report.correct.to(report.loss) / length for report in blocks]).sum(),
        {name: over([report.layer_losses[name] for report in blocks]) for name in first.layer_losses},
        [over([report.spike_rate[i] for report in blocks]) for i in range(len(first.spike_rate))],
    )
