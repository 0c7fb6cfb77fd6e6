"""Backpropagation through time on the same spiking network: the control that BSD is measured against.

Surrogate gradients (ATan, reset detached), one fused autograd node a stage, the drive of a constant stimulus computed
once, one product for all time steps of a synapse.
"""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor

from .base import Rule, StepReport, register, write_gradients
from .readouts import batch_cross_entropy


@register
class BPTT(Rule):
    """Surrogate-gradient backpropagation through time; trains the bottom-up pathway."""

    name: ClassVar[str] = "bptt"
    summary: ClassVar[str] = "backpropagation through time with surrogate gradients"

    def learn(self, stimulus: Tensor, labels: Tensor, *, generator: torch.Generator | None) -> StepReport:
        net = self.network
        source = net.encode(stimulus, generator=generator)
        constant = net.constant_input
        rates = []
        arrivals = net.ascent(source)
        with torch.enable_grad():
            for stage in net.hidden:
                spikes = stage.up.flow(arrivals.source, net.steps, constant=constant)
                rates.append(spikes.detach().mean())
                arrivals.pass_on(stage.leave_values(spikes.flatten(0, 1)).unflatten(0, spikes.shape[:2]))
                constant = False
            scores = net.scores(arrivals.source)
            loss = batch_cross_entropy(net, scores, labels)
            write_gradients(loss, self.parameters())
        return StepReport(loss.detach(), (scores.detach().argmax(1) == labels).sum(), {}, rates)
