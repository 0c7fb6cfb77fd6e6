"""Backpropagation on a rate network of the same shape: what rates and gradients reach without spikes."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor

from .base import Rule, StepReport, register, write_gradients
from .options import RateOptions
from .readouts import batch_cross_entropy


@register
class Backprop(Rule):
    """Backpropagation with rates in place of the spiking neurons; trains the bottom-up pathway."""

    name: ClassVar[str] = "backprop"
    summary: ClassVar[str] = "backpropagation on a rate network of the same shape"
    activity: ClassVar[str] = "rates"
    Options: ClassVar[type] = RateOptions

    def learn(self, stimulus: Tensor, labels: Tensor, *, generator: torch.Generator | None) -> StepReport:
        net = self.network
        source = net.encode(stimulus, generator=generator)
        rates = []
        with torch.enable_grad():
            for step in net.sweep_rates(source):
                rates.append(step.activity.active)
                source = step.leaving
            scores = net.scores(source)
            loss = batch_cross_entropy(net, scores, labels)
            write_gradients(loss, self.parameters())
        return StepReport(loss.detach(), (scores.detach().argmax(1) == labels).sum(), {}, rates)
