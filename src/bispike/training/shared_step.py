"""What processes that share a batch do together in one step: sum what they measured, and undo a step that broke."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass

import torch

from ..nn import Group, Network
from ..rules import Rule, StepReport
from .distributed import ProcessLost


@dataclass(frozen=True)
class StepTotals:
    """What one step measured on the whole batch.

    Args:
        loss: task loss.
        correct: number of correct decisions before the update.
        layer_losses: local loss of each layer that has one.
        spike_rate: mean firing rate of each layer, bottom to top.
        stop_requested: whether any process was asked to stop.
    """

    loss: float
    correct: float
    layer_losses: dict[str, float]
    spike_rate: list[float]
    stop_requested: bool


def sum_report(group: Group, report: StepReport, *, rows: int, stop_requested: bool) -> StepTotals:
    """Sum the report of a step over the processes. The device is read only once, for all values together.

    Args:
        group: the processes that share the batch.
        report: of this process; losses and counts are sums over its share of the batch, firing rates are means.
        rows: number of samples of this process.
        stop_requested: whether this process was asked to stop.
    """
    found = [report.loss, report.correct, *report.layer_losses.values(), *report.spike_rate]
    values = torch.stack([value.detach().double().reshape(()) for value in found])
    if group.size == 1:
        totals, stop = values.tolist(), stop_requested
    else:
        weights = torch.ones_like(values)
        if group.shares:
            weights[len(values) - len(report.spike_rate) :] = rows / group.count(rows)
        else:  # every process has the whole batch; the values of process 0 stand for all
            weights.fill_(float(group.rank == 0))
        sums = group.add_(torch.cat([values * weights, values.new_tensor([float(stop_requested)])]))
        *totals, stops = sums.tolist()
        stop = stops > 0
    loss, correct, *rest = totals
    layers = dict(zip(report.layer_losses, rest, strict=False))
    return StepTotals(loss, correct, layers, rest[len(layers) :], stop)


@contextlib.contextmanager
def undo_if_lost(group: Group, network: Network, rule: Rule) -> Iterator[None]:
    """While entered, the loss of a process restores buffers and the state of the rule. Weights have not moved yet."""
    if group.size == 1:
        yield
        return
    buffers = [(buffer, buffer.clone()) for buffer in network.buffers()]
    state = {name: value.clone() for name, value in rule.state_dict().items()}
    try:
        yield
    except ProcessLost:
        for buffer, before in buffers:
            buffer.copy_(before)
        rule.load_state_dict(state)
        raise
