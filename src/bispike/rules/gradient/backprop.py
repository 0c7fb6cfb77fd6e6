"""Backpropagation on a rate network of the same shape: a control without spikes."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor, nn

from ...nn import RATES, Autoencoder, Classifier, Network, SequenceNetwork, Signals
from ..options import RateOptions
from ..readouts import batch_cross_entropy, batch_error, learn_latent_ends, reconstructing
from ..rule import Rule, StepReport, register, write_gradients
from .through_time import learn_rates_by_tape


@register
class Backprop(Rule):
    """Backpropagation with rates in place of the spiking neurons; trains the bottom-up pathway."""

    name: ClassVar[str] = "backprop"
    summary: ClassVar[str] = "backpropagation on a rate network of the same shape"
    signals: ClassVar[Signals] = RATES
    Options: ClassVar[type] = RateOptions
    network: Classifier

    def learn(self, stimulus: Tensor, labels: Tensor, *, generator: torch.Generator | None) -> StepReport:
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


@register
class BackpropAutoencoder(Rule):
    """Backpropagation of an autoencoder on rates: the reconstruction error passes back through both pathways."""

    name: ClassVar[str] = "backprop"
    summary: ClassVar[str] = Backprop.summary
    signals: ClassVar[Signals] = RATES
    networks: ClassVar[tuple[type[Network], ...]] = (Autoencoder,)
    Options: ClassVar[type] = RateOptions
    network: Autoencoder

    def parameters(self) -> list[nn.Parameter]:
        return [*super().parameters(), *self.network.top_down_parameters()]

    def learn(self, stimulus: Tensor, labels: Tensor, *, generator: torch.Generator | None) -> StepReport:
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


@register
class BackpropSequences(Rule):
    """Backpropagation through all positions of a sequence, on rates."""

    name: ClassVar[str] = "backprop"
    summary: ClassVar[str] = Backprop.summary
    signals: ClassVar[Signals] = RATES
    networks: ClassVar[tuple[type[Network], ...]] = (SequenceNetwork,)
    Options: ClassVar[type] = RateOptions

    def learn(self, stimulus: Tensor, labels: Tensor, *, generator: torch.Generator | None) -> StepReport:
        return learn_rates_by_tape(self, self.network, stimulus, labels)
