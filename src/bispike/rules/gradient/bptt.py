"""Backpropagation through time on the same spiking network: the control that BSD is measured against.

Surrogate gradients (ATan, reset detached), one fused autograd node a layer, the drive of a constant stimulus computed
once, one product for all time steps of a synapse.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from ...nn import SequenceNetwork
from ..options import RuleOptions, at_least, option
from ..readouts import batch_cross_entropy, batch_error, learn_latent_ends, reconstructing
from ..rule import Rule, StepReport, register, write_gradients
from .through_time import learn_by_tape


@dataclass(frozen=True)
class BPTTOptions(RuleOptions):
    """Options of backpropagation through time.

    Args:
        truncate: in recurrent networks the positions that a gradient goes back at most; 0: all of the window.
    """

    truncate: int = option(0, at_least(0))


@register
class BPTT(Rule):
    """Surrogate-gradient backpropagation through time; trains the bottom-up pathway."""

    name: ClassVar[str] = "bptt"
    summary: ClassVar[str] = "backpropagation through time with surrogate gradients"
    reconstructs: ClassVar[bool] = True
    sequences: ClassVar[bool] = True
    Options: ClassVar[type] = BPTTOptions
    settings: BPTTOptions

    def parameters(self) -> list[nn.Parameter]:
        net = self.network
        return [*super().parameters(), *(net.top_down_parameters() if net.latent else [])]

    def learn(self, stimulus: Tensor, labels: Tensor, *, generator: torch.Generator | None) -> StepReport:
        if isinstance(self.network, SequenceNetwork):
            return learn_by_tape(self, self.network, stimulus, labels, truncate=self.settings.truncate)
        if self.network.latent:
            return self._reconstruct(stimulus, labels, generator)
        net = self.network
        source = net.encode(stimulus, generator=generator)
        constant = net.constant_input
        rates = []
        arrivals = net.bottom_up_arrivals(source)
        with torch.enable_grad():
            for layer in net.layers:
                spikes = layer.up.forward_taped(arrivals.source, net.time_steps, constant=constant)
                rates.append(spikes.detach().mean())
                arrivals.pass_on(layer.pool_rates(spikes.flatten(0, 1)).unflatten(0, spikes.shape[:2]))
                constant = False
            scores = net.scores(arrivals.source)
            loss = batch_cross_entropy(net, scores, labels)
            write_gradients(loss, self.parameters())
        return StepReport(loss.detach(), (scores.detach().argmax(1) == labels).sum(), {}, rates)

    def _reconstruct(self, stimulus: Tensor, labels: Tensor, generator: torch.Generator | None) -> StepReport:
        """An autoencoder: the error of the recalled stimulus goes back through both pathways and all time steps."""
        net = self.network
        spikes = net.encode(stimulus, generator=generator)
        target = spikes if net.constant_input else net.standardise(stimulus)
        constant = net.constant_input
        rates = []
        with torch.enable_grad():
            for layer in net.layers:
                spikes = layer.up.forward_taped(spikes, net.time_steps, constant=constant)
                rates.append(spikes.detach().mean())
                code = spikes.mean(0)
                constant = False
            for layer in reversed(net.layers[:-1]):
                spikes = layer.down.forward_taped(spikes, net.time_steps, constant=False)
            loss = batch_error(net, net.stimulus_readout(spikes.mean(0)), target)
            write_gradients(loss, reconstructing(net))
        with torch.no_grad():
            top = learn_latent_ends(net, code.detach(), code.detach(), labels)
        return StepReport(top.loss, top.correct, {"recall": loss.detach()}, rates)
