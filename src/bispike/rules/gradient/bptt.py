"""Backpropagation through time on the same spiking network: the control for BSD.

Surrogate gradients (ATan, reset detached), one fused autograd node per layer, the drive of a constant stimulus computed
once, one product for all time steps of a synapse.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from ...nn import Autoencoder, Classifier, Network, SequenceNetwork
from ..options import RuleOptions, at_least, option
from ..readouts import batch_cross_entropy, batch_error, learn_latent_ends, reconstructing
from ..rule import Rule, StepReport, register, write_gradients
from .through_time import learn_spikes_by_tape


@register
class BPTT(Rule):
    """Surrogate-gradient backpropagation through time; trains the bottom-up pathway."""

    name: ClassVar[str] = "bptt"
    summary: ClassVar[str] = "backpropagation through time with surrogate gradients"
    network: Classifier

    def learn(self, stimulus: Tensor, labels: Tensor, *, generator: torch.Generator | None) -> StepReport:
        net = self.network
        source = net.encode(stimulus, generator=generator)
        with torch.enable_grad():
            spikes, rates = net.bottom_up_taped(source)
            scores = net.scores(spikes)
            loss = batch_cross_entropy(net, scores, labels)
            write_gradients(loss, self.parameters())
        return StepReport(loss.detach(), (scores.detach().argmax(1) == labels).sum(), {}, rates)


@register
class BPTTAutoencoder(Rule):
    """BPTT of an autoencoder: the reconstruction error passes back through both pathways and all time steps."""

    name: ClassVar[str] = "bptt"
    summary: ClassVar[str] = BPTT.summary
    networks: ClassVar[tuple[type[Network], ...]] = (Autoencoder,)
    network: Autoencoder

    def parameters(self) -> list[nn.Parameter]:
        return [*super().parameters(), *self.network.top_down_parameters()]

    def learn(self, stimulus: Tensor, labels: Tensor, *, generator: torch.Generator | None) -> StepReport:
        net = self.network
        source = net.encode(stimulus, generator=generator)
        target = source if net.constant_input else net.standardise(stimulus)
        with torch.enable_grad():
            spikes, rates = net.bottom_up_taped(source)
            code = spikes.mean(0)
            for layer in reversed(net.layers[:-1]):
                spikes = layer.down.forward_taped(spikes, net.time_steps, constant=False)
            loss = batch_error(net, net.stimulus_readout(spikes.mean(0)), target)
            write_gradients(loss, reconstructing(net))
        with torch.no_grad():
            top = learn_latent_ends(net, code.detach(), code.detach(), labels)
        return StepReport(top.loss, top.correct, {"recall": loss.detach()}, rates)


@dataclass(frozen=True)
class BPTTSequenceOptions(RuleOptions):
    """Options of backpropagation through time on sequences."""

    truncate: int = option(0, at_least(0), "most positions that a gradient goes back; 0: the whole window")


@register
class BPTTSequences(Rule):
    """BPTT through all positions and time steps of a sequence."""

    name: ClassVar[str] = "bptt"
    summary: ClassVar[str] = BPTT.summary
    networks: ClassVar[tuple[type[Network], ...]] = (SequenceNetwork,)
    Options: ClassVar[type] = BPTTSequenceOptions
    settings: BPTTSequenceOptions

    def learn(self, stimulus: Tensor, labels: Tensor, *, generator: torch.Generator | None) -> StepReport:
        return learn_spikes_by_tape(self, self.network, stimulus, labels, truncate=self.settings.truncate)
