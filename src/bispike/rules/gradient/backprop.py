"""Backpropagation on a rate network of the same shape: what rates and gradients reach without spikes."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor, nn

from ...nn import SequenceNetwork
from ..options import RateOptions
from ..readouts import batch_cross_entropy, batch_error, learn_latent_ends, reconstructing
from ..rule import Rule, StepReport, register, write_gradients
from .through_time import learn_by_tape


@register
class Backprop(Rule):
    """Backpropagation with rates in place of the spiking neurons; trains the bottom-up pathway."""

    name: ClassVar[str] = "backprop"
    summary: ClassVar[str] = "backpropagation on a rate network of the same shape"
    activity: ClassVar[str] = "rates"
    reconstructs: ClassVar[bool] = True
    sequences: ClassVar[bool] = True
    Options: ClassVar[type] = RateOptions

    def parameters(self) -> list[nn.Parameter]:
        net = self.network
        return [*super().parameters(), *(net.top_down_parameters() if net.latent else [])]

    def learn(self, stimulus: Tensor, labels: Tensor, *, generator: torch.Generator | None) -> StepReport:
        if isinstance(self.network, SequenceNetwork):
            return learn_by_tape(self, self.network, stimulus, labels)
        if self.network.latent:
            return self._reconstruct(stimulus, labels, generator)
        net = self.network
        source = net.encode(stimulus, generator=generator)
        rates = []
        with torch.enable_grad():
            for step in net.bottom_up_rates(source):
                rates.append(step.activity.active)
                source = step.leaving
            scores = net.scores(source)
            loss = batch_cross_entropy(net, scores, labels)
            write_gradients(loss, self.parameters())
        return StepReport(loss.detach(), (scores.detach().argmax(1) == labels).sum(), {}, rates)

    def _reconstruct(self, stimulus: Tensor, labels: Tensor, generator: torch.Generator | None) -> StepReport:
        """An autoencoder: the error of the recalled stimulus goes back through both pathways."""
        net = self.network
        source = net.encode(stimulus, generator=generator)
        target = source if net.constant_input else net.standardise(stimulus)
        rates = []
        with torch.enable_grad():
            for step in net.bottom_up_rates(source):
                rates.append(step.activity.active)
                source = step.leaving
            recalled = code = source
            for step in net.top_down_rates(code, layers=net.layers[:-1]):
                recalled = step.leaving
            loss = batch_error(net, net.stimulus_readout(recalled), target)
            write_gradients(loss, reconstructing(net))
        with torch.no_grad():
            top = learn_latent_ends(net, code.detach(), code.detach(), labels)
        return StepReport(top.loss, top.correct, {"recall": loss.detach()}, rates)
