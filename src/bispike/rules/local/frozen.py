"""Frozen hidden layers: only the readout learns. A control with random spiking features."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor, nn

from ..readouts import learn_top
from ..rule import Rule, StepReport, register


@register
class Frozen(Rule):
    """Random hidden layers and a trained readout."""

    name: ClassVar[str] = "frozen"
    summary: ClassVar[str] = "random hidden layers, only the readout learns"

    def parameters(self) -> list[nn.Parameter]:
        return list(self.network.readout.parameters())

    @torch.no_grad()
    def learn(self, stimulus: Tensor, labels: Tensor, *, generator: torch.Generator | None) -> StepReport:
        net = self.network
        top = net.encode(stimulus, generator=generator)
        rates = []
        for step in net.bottom_up_pass(top):
            rates.append(step.activity.rate.mean())
            top = step.leaving
        found = learn_top(net, top, labels)
        return StepReport(found.loss, found.correct, {}, rates)
