"""Supervised symmetric STDP (Hao, Huang, Dong & Xu, Neural Networks 2020): both orders potentiate, scaling depresses.

    h_ij = mean over samples of Σ_{t,t'} s_i[t] s_j[t'] κ^|t-t'|

with s_i the spikes of a winner in a layer (the k neurons with the largest drive; the others are inhibited), or of the
teacher at the readout. Only synaptic scaling depresses. Of all changes that preserve the incoming sum Σ_j w_ij and the
power Σ_j w_ij² of a neuron, the nearest to h is h minus its components along 1 and along v = w - mean(w):

    Δw_ij = c_ij - v_ij (v_i·c_i) / (v_i·v_i),     c_ij = h_ij - mean_j h_ij

and a last term, (1 - Σ_j w_ij²) w_ij, corrects the change of the power by finite steps.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from ...functional import cross_entropy, symmetric_trace
from ...nn import Layer, StimulusNetwork, Synapse
from ..options import FRACTION, NOT_NEGATIVE, SHARE, RuleOptions, option
from ..rule import Rule, StepReport, register
from .competition import Contest, InhibitedDecision, contests, winner_count


@dataclass(frozen=True)
class SymSTDPOptions(RuleOptions):
    """Options of supervised symmetric STDP."""

    decay: float = option(0.5, FRACTION, "κ, share of a trace that remains after a time step")
    winners: float = option(
        0.01,
        SHARE,
        "k as a share of a layer's neurons (channels at each position); at least 6, or half of fewer",
    )
    homeostasis: float = option(1.0, NOT_NEGATIVE, "step of excitability over that of synapses")
    hidden_rate: float = option(1.0, NOT_NEGATIVE, "step of the layers over that of the readout; 0: layers stay random")


@register
class SymSTDP(Rule):
    """Symmetric STDP: unsupervised in the layers, supervised at the readout; trains the bottom-up synapses.

    Only winners fire, in learning and in decisions (`plasticity.competition`): the readout receives a pass with lateral
    inhibition. Differences to Hao et al., and why:

    - several layers that learn at the same time, in place of one layer;
    - T steps of LIF neurons driven by currents, in place of 350 ms of Poisson spikes; a constant current is paired as
      the spikes of a neuron that it drives;
    - weights are signed. The sum of signed weights does not bound their size, so scaling preserves sum and power, by a
      term of the change; there weights are positive and each sum is scaled to a constant after the change;
    - k winners per sample in place of inhibitory cells, and homeostasis of the excitability (the bias of the norm, or
      of the synapse without norms), by which all neurons win equally often, in place of a threshold that grows with
      spikes and decays;
    - where there is no norm, deep layers need many steps until homeostasis has made them fire.

    Global: only the teacher, which drives the readout neurons of the code of the label. Signed: the weights.
    """

    name: ClassVar[str] = "sym-stdp"
    summary: ClassVar[str] = "symmetric STDP with scaling: layers compete unsupervised, a teacher drives the readout"
    needs_chain: ClassVar[bool] = True
    Options: ClassVar[type] = SymSTDPOptions
    settings: SymSTDPOptions
    recommended: ClassVar[dict[str, object]] = {"optimizer": "sgd", "lr": 0.1, "schedule": "linear"}

    def __init__(self, network: StimulusNetwork, **options: object) -> None:
        super().__init__(network, **options)
        self.decision = InhibitedDecision(network, self.settings.winners)

    def parameters(self) -> list[nn.Parameter]:
        found = [self.network.readout.weight]
        for layer in self.network.layers:
            excitability = _excitability(layer)
            found += [layer.up.synapse.weight] + ([] if excitability is None else [excitability])
        return found

    @torch.no_grad()
    def learn(self, stimulus: Tensor, labels: Tensor, *, generator: torch.Generator | None) -> StepReport:
        net = self.network
        source = net.encode(stimulus, generator=generator)
        rates = []
        for contest in contests(net, source, share=self.settings.winners):
            self._learn_layer(contest)
            rates.append(contest.spikes.mean())
            top = contest.leaving
        code = net.code.rate(net.time_steps).to(top)
        scores = net.scores(top)
        self._write(net.readout, code[labels].expand(net.time_steps, -1, -1), top, len(code))
        loss, _ = cross_entropy(scores, labels, samples=net.group.count(len(labels)))
        return StepReport(loss, (scores.argmax(1) == labels).sum(), {}, rates)

    def _learn_layer(self, contest: Contest) -> None:
        layer = contest.layer
        channels = layer.feature_shape[0]
        rarity = channels / winner_count(channels, share=self.settings.winners)
        self._write(layer.up.synapse, contest.spikes, contest.before, self.settings.hidden_rate * rarity)
        excitability = _excitability(layer)
        if excitability is not None:
            fired = contest.spikes.amax(0)
            share = fired if fired.dim() == 2 else fired.flatten(2).mean(2)
            excess = (share * rarity - 1).sum(0) / self.network.group.count(len(share))
            excitability.grad = excess * (self.settings.hidden_rate * self.settings.homeostasis)

    def _write(self, synapse: Synapse, post: Tensor, pre: Tensor, rate: float) -> None:
        """Gradient of a synapse: minus the change by pairs of these spikes `[T, B, *]`.

        h is in units of the mean norm of presynaptic traces over the inputs of a neuron, so that few spikes have the
        same effect as many.
        """
        group, rows = self.network.group, post.shape[1]
        samples, positions = group.count(rows), math.prod(post.shape[3:])
        trace = symmetric_trace(pre, self.settings.decay)
        lengths = group.sum(trace.mean(0).flatten(1).norm(dim=1).sum()).clamp(min=1e-6)  # Σ over samples
        lengths = lengths * (synapse.fan_in / math.prod(synapse.source)) ** 0.5
        paired = synapse.pairing(post.flatten(0, 1), trace.flatten(0, 1))
        growth = paired.flatten(1) * (rate / (lengths * len(post) * positions))
        change = scaled(growth, synapse.weight.flatten(1))
        excess = (synapse.weight.flatten(1).square().sum(1, keepdim=True) - 1) * synapse.weight.flatten(1)
        synapse.weight.grad = (excess * (rows / samples) - change).view_as(synapse.weight)


def scaled(growth: Tensor, weight: Tensor) -> Tensor:
    """Change `[N, inputs]` after synaptic scaling, which preserves the incoming sum and power of each neuron."""
    centred = growth - growth.mean(1, keepdim=True)
    shape = weight - weight.mean(1, keepdim=True)
    along = (shape * centred).sum(1, keepdim=True) / shape.square().sum(1, keepdim=True).clamp(min=1e-12)
    return centred - along * shape


def _excitability(layer: Layer) -> nn.Parameter | None:
    """Excitability of the neurons of a layer: the bias of the norm, or of the synapse without a norm."""
    return layer.up.synapse.bias if layer.up.norm is None else layer.up.norm.bias
