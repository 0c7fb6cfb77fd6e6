"""Reward-modulated STDP (Mozafari et al. 2018, 2019: SpykeTorch): winners are reinforced when their class is right.

The neurons of a layer belong to classes, in blocks. For each sample those with the largest drive win; only they fire
and learn, each from its first spike:

    Δw_ij = (R_i - R̄) [ 1 if j fired at or before i, else -a⁻ ] (b - w_ij)(b + w_ij) / b

R_i is 1 if the class of the neuron is that of the sample, else 0; R̄ is its running mean over the winners of the layer.
So reward gives STDP and punishment anti-STDP, each scaled by its surprise: rewards by the share of errors, punishments
by the share of hits.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ...errors import ConfigurationError
from ...functional import causal_contrast, cross_entropy, first_spikes, unit_code
from ...nn import StimulusNetwork, Synapse
from ..feedback.backward import READOUT
from ..options import NOT_NEGATIVE, POSITIVE, SHARE, RuleOptions, at_least, one_of, option
from ..rule import Rule, StepReport, register
from .competition import Contest, InhibitedDecision, contests, winner_count

BALANCES = ("neuron", "fixed")


@dataclass(frozen=True)
class RSTDPOptions(RuleOptions):
    """Options of reward-modulated STDP."""

    balance: str = option(
        "neuron",
        one_of(BALANCES),
        "a⁻ over a⁺: neuron: the changes of a neuron's synapses sum to zero; fixed: the option depression",
    )
    depression: float = option(0.75, NOT_NEGATIVE, "a⁻ over a⁺", only_with={"balance": ("fixed",)})
    bound: float = option(
        3.0, POSITIVE, "b, largest size of a weight times √fan_in (initial weights have a standard deviation of 1)"
    )
    winners: float = option(
        0.02,
        SHARE,
        "share of a layer's neurons (channels at each position) that fire and learn; at least 6, or half of fewer",
    )
    hidden_rate: float = option(1.0, NOT_NEGATIVE, "step of the layers over that of the readout; 0: layers stay random")
    memory: int = option(1280, at_least(1), "memory of the mean reward R̄, in samples")


@register
class RSTDP(Rule):
    """Reward-modulated STDP in every layer and at the readout; trains the bottom-up synapses.

    Only winners fire, in learning and in decisions (`plasticity.competition`): the readout receives a pass with lateral
    inhibition. Differences to SpykeTorch, and why:

    - all layers learn by reward at the same time, in place of unsupervised layers trained one after another; each has
      its own reward, for the class of its own winners;
    - weights are signed and bounded in [-b, b], where SpykeTorch has [0, 1] or [0.2, 0.8]: the forward network is the
      same for all rules. A weight beyond the bound after an optimizer step is reduced again;
    - a⁻ balances a⁺ over the synapses of a neuron (`balance`), since the share of neurons that fire differs by layer;
      under `fixed` weights drift to the bounds where few fire. Anti-STDP is the exact opposite of STDP;
    - at the readout the class with the highest score wins and has its spike after the last time step. Its neurons adapt
      their excitability (the bias) until each class wins its share 1/C; otherwise few of them win from random weights,
      and neurons that do not win do not learn;
    - the change is in units of the target frequency of wins, so that it does not depend on the number of neurons;
    - a constant current is paired as the spikes of a neuron that it drives, so each pixel has a latency.

    Norms and biases of the layers keep their initial values; without norms deep layers receive too few spikes to fire.

    Global: the reward, one number for all winners of a class. Signed: the weights, and the deviation of the reward from
        R̄.
    """

    name: ClassVar[str] = "r-stdp"
    summary: ClassVar[str] = "reward-modulated STDP: winners learn, anti-STDP where their class is wrong"
    needs_chain: ClassVar[bool] = True
    Options: ClassVar[type] = RSTDPOptions
    settings: RSTDPOptions
    recommended: ClassVar[dict[str, object]] = {"optimizer": "sgd", "lr": 0.1, "schedule": "linear"}

    def __init__(self, network: StimulusNetwork, **options: object) -> None:
        super().__init__(network, **options)
        classes = network.concept.classes
        small = [layer.name for layer in network.layers if layer.feature_shape[0] < classes]
        if small:
            raise ConfigurationError(
                f"rule 'r-stdp': expected at least one neuron or channel a class ({classes}) in every layer; "
                f"{', '.join(small)} has fewer. Use wider layers."
            )
        places = [*network.layer_names, READOUT]
        self.register_state({f"expected_{name}": torch.tensor(1 / classes) for name in places})
        self.decision = InhibitedDecision(network, self.settings.winners)

    def parameters(self) -> list[nn.Parameter]:
        synapses = [layer.up.synapse.weight for layer in self.network.layers]
        return [*synapses, *self.network.readout.parameters()]

    def decision_state(self) -> dict[str, Tensor]:
        """Nothing: expected rewards teach, and do not decide."""
        return {}

    @torch.no_grad()
    def learn(self, stimulus: Tensor, labels: Tensor, *, generator: torch.Generator | None) -> StepReport:
        net = self.network
        source = net.encode(stimulus, generator=generator)
        rates = []
        for contest in contests(net, source, share=self.settings.winners):
            self._learn_layer(contest, labels)
            rates.append(contest.spikes.mean())
            top = contest.leaving
        scores = net.scores(top)
        chosen = scores.argmax(1)
        self._learn_readout(top, chosen, labels)
        loss, _ = cross_entropy(scores, labels, samples=net.group.count(len(labels)))
        return StepReport(loss, (chosen == labels).sum(), self._errors(len(labels)), rates)

    def _learn_layer(self, contest: Contest, labels: Tensor) -> None:
        layer, won = contest.layer, contest.won
        channels, classes = layer.feature_shape[0], self.network.concept.classes
        block = torch.arange(channels, device=labels.device) * classes // channels
        right = block == labels[:, None]
        modulation = won * self._surprise(layer.name, won, right.view(*right.shape, *[1] * (won.dim() - 2)))
        positions = math.prod(won.shape[2:])
        rate = self.settings.hidden_rate * channels / winner_count(channels, share=self.settings.winners) / positions
        post = first_spikes(contest.spikes) * modulation
        self._write(layer.up.synapse, post.flatten(0, 1), self._contrast(contest.before).flatten(0, 1), len(won), rate)

    def _learn_readout(self, top: Tensor, chosen: Tensor, labels: Tensor) -> None:
        readout, classes = self.network.readout, self.network.concept.classes
        code = unit_code(self.network.code.rate(self.network.time_steps).to(top))
        won = F.one_hot(chosen, classes).to(top)
        post = (won * self._surprise(READOUT, won, (chosen == labels)[:, None])) @ code
        self._write(readout, post, self._contrast(top)[-1], len(labels), classes)
        if readout.bias is not None:
            excess = ((won - 1 / classes) @ code).sum(0)
            readout.bias.grad = excess * (self.settings.bound * classes / self.network.group.count(len(labels)))

    def _contrast(self, before: Tensor) -> Tensor:
        """Effect `[T, B, *source]` of a first spike at t on each synapse of the neuron."""
        return causal_contrast(
            before, depression=self.settings.depression if self.settings.balance == "fixed" else None
        )

    def _surprise(self, name: str, won: Tensor, right: Tensor) -> Tensor:
        """R - R̄ for neurons `[B, C, ...]` whose class is right; winners update R̄."""
        group, expected = self.network.group, self.state.get_buffer(f"expected_{name}")
        reward = right.to(won)
        surprise = reward - expected
        hits, wins = group.sum(torch.stack([(won * reward).sum(), won.sum()]))
        expected.lerp_(hits / wins, 1 - (1 - 1 / self.settings.memory) ** group.count(len(won)))
        return surprise

    def _write(self, synapse: Synapse, post: Tensor, pre: Tensor, rows: int, rate: float) -> None:
        """Gradient of a synapse: minus the mean change per sample, within soft bounds."""
        weight, samples = synapse.weight, self.network.group.count(rows)
        bound = self.settings.bound * synapse.fan_in**-0.5
        room = ((bound - weight) * (bound + weight) / bound).clamp_(min=0)
        beyond = weight - weight.clamp(-bound, bound)
        weight.grad = beyond * (rows / samples) - synapse.pairing(post, pre) * room * (rate / samples)

    def _errors(self, rows: int) -> dict[str, Tensor]:
        """Running share of the winners of each layer whose class is wrong; the part of this process."""
        part = rows / self.network.group.count(rows)
        return {name: part * (1 - self.state.get_buffer(f"expected_{name}")) for name in self.network.layer_names}
