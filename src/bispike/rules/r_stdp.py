"""Reward-modulated STDP (Mozafari et al. 2018, 2019: SpykeTorch): winners are reinforced when their class is right.

The neurons of a stage belong to classes, in blocks. For each sample those with the largest drive win and learn, each
from its first spike:

    Δw_ij = (R_i - R̄) [ a⁺ if j fired at or before i, else -a⁻ ] (b - w_ij)(b + w_ij) / b

R_i is 1 if the neuron's class is that of the sample, else 0; R̄ is its running mean among the winners of the stage. So
reward gives STDP and punishment anti-STDP, each scaled by how unexpected it was: rewards by the share of errors,
punishments by the share of hits.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..errors import ConfigurationError
from ..functional import causal_contrast, cross_entropy, dense_spikes, first_spikes, lif, unit_code
from ..nn import Activity, Network, Stage, Synapse
from .base import Rule, StepReport, register
from .feedback import READOUT


@dataclass(frozen=True)
class RSTDPOptions:
    """Options of reward-modulated STDP.

    Args:
        potentiation: a⁺, where the presynaptic neuron fired at or before the winner, at least 0.
        depression: a⁻, everywhere else, at least 0.
        bound: b, largest size of a weight times √fan_in (weights begin with a standard deviation of 1), positive.
        winners: neurons of a stage that learn from a sample, as a share of its neurons or channels, in (0, 1]; at least
            one does.
        hidden_rate: step of the stages over that of the readout, at least 0; 0: stages stay random.
        memory: of R̄, in samples, at least 1.
    """

    potentiation: float = 1.0
    depression: float = 0.75
    bound: float = 3.0
    winners: float = 0.1
    hidden_rate: float = 0.03
    memory: int = 1280

    def __post_init__(self) -> None:
        problems = []
        for name in ("potentiation", "depression", "hidden_rate"):
            if not getattr(self, name) >= 0:
                problems.append(f"{name}: expected a number of at least 0, received {getattr(self, name)}.")
        if not self.bound > 0:
            problems.append(f"bound: expected a positive number, received {self.bound}.")
        if not 0 < self.winners <= 1:
            problems.append(f"winners: expected a share in (0, 1], received {self.winners}.")
        if self.memory < 1:
            problems.append(f"memory: expected at least 1 sample, received {self.memory}.")
        if problems:
            raise ConfigurationError(problems)


@register
class RSTDP(Rule):
    """Reward-modulated STDP in every stage and at the readout; trains the bottom-up synapses.

    Differences to SpykeTorch, and why:

    - all stages learn by reward, at the same time, in place of unsupervised ones trained one after another; each has a
      reward of its own, for the class of its own winners;
    - weights are signed and bounded in [-b, b], where SpykeTorch has [0, 1] or [0.2, 0.8]: the forward network is the
      one of all rules. A weight that an optimizer moved beyond the bound is pulled back;
    - at the readout the class with the highest score wins and answers after the last step. Its neurons adapt their
      excitability (the bias) until each class wins its share 1/C; otherwise few of them win from random weights, and
      neurons that do not win do not learn;
    - anti-STDP is the exact opposite of STDP; there a⁻ is smaller after punishment;
    - the change per win does not depend on the number of neurons: it is divided by how often a neuron is to win;
    - a constant current enters as the spikes of a neuron that it drives, which gives pixels their latencies.

    Stages learn slowly by default (`hidden_rate`): reward aligns the neurons of a class with what its samples share,
    and a fast rule leaves few dimensions for the stage above. Norms and biases of the stages stay as they began.

    Global: the reward, one number per winner. Signed: the weights, and the reward's deviation from its mean.
    """

    name: ClassVar[str] = "r-stdp"
    summary: ClassVar[str] = "reward-modulated STDP: winners learn, anti-STDP where their class is wrong"
    Options: ClassVar[type] = RSTDPOptions
    settings: RSTDPOptions
    advised: ClassVar[dict[str, object]] = {"optimizer": "sgd", "lr": 0.03, "schedule": "linear"}

    def __init__(self, network: Network, **options: object) -> None:
        super().__init__(network, **options)
        classes = network.concept.classes
        small = [stage.name for stage in network.hidden if stage.feature_shape[0] < classes]
        if small:
            raise ConfigurationError(
                f"rule 'r-stdp': expected at least one neuron or channel a class ({classes}) in every stage; "
                f"{', '.join(small)} has fewer. Use wider stages."
            )
        for name in [*network.stage_names, READOUT]:
            self.own.register_buffer(f"expected_{name}", torch.tensor(1 / classes))
        self.settle()

    def parameters(self) -> list[nn.Parameter]:
        synapses = [stage.up.synapse.weight for stage in self.network.hidden]
        return [*synapses, *self.network.readout.parameters()]

    @torch.no_grad()
    def learn(self, stimulus: Tensor, labels: Tensor, *, generator: torch.Generator | None) -> StepReport:
        net = self.network
        source = net.encode(stimulus, generator=generator)
        before = lif(source, net.neuron, steps=net.steps) if net.constant_input else source
        rates = []
        for stage, _, activity in net.sweep_up(source):
            self._learn_stage(stage, before, activity, labels)
            rates.append(activity.rate.mean())
            before = dense_spikes(stage.leave(activity.spikes), like=before)
        scores = net.readout(before.mean(0)) @ (code := unit_code(net.code.rate(net.steps).to(before))).T
        chosen = scores.argmax(1)
        self._learn_readout(before, chosen, labels, code)
        loss, _ = cross_entropy(scores, labels, samples=net.group.count(len(labels)))
        return StepReport(loss, (chosen == labels).sum(), self._errors(len(labels)), rates)

    def _learn_stage(self, stage: Stage, before: Tensor, activity: Activity, labels: Tensor) -> None:
        drive = activity.drive.flatten(1)
        channels = stage.feature_shape[0]
        count = max(1, round(self.settings.winners * channels))
        winner = drive.topk(count, dim=1).indices
        block = winner // (drive.shape[1] // channels) * self.network.concept.classes // channels
        surprise = self._surprise(stage.name, block == labels[:, None])
        modulation = torch.zeros_like(drive).scatter_(1, winner, surprise).view_as(activity.drive)
        post = first_spikes(dense_spikes(activity.spikes, like=before)) * modulation
        rate = self.settings.hidden_rate * channels / count
        self._write(stage.up.synapse, post.flatten(0, 1), self._contrast(before).flatten(0, 1), len(labels), rate)

    def _learn_readout(self, before: Tensor, chosen: Tensor, labels: Tensor, code: Tensor) -> None:
        readout, classes = self.network.readout, len(code)
        post = code[chosen] * self._surprise(READOUT, (chosen == labels)[:, None])
        self._write(readout, post, self._contrast(before)[-1], len(labels), classes)
        if readout.bias is not None:
            excess = (F.one_hot(chosen, classes).to(code) - 1 / classes) @ code
            readout.bias.grad = excess.sum(0) * (self.settings.bound * classes / self.network.group.count(len(labels)))

    def _contrast(self, before: Tensor) -> Tensor:
        """`[T, B, *source]` what a first spike at t does to each of its synapses."""
        return causal_contrast(before, potentiation=self.settings.potentiation, depression=self.settings.depression)

    def _surprise(self, name: str, right: Tensor) -> Tensor:
        """R - R̄ `[B, winners]`; moves R̄."""
        group, expected = self.network.group, self.own.get_buffer(f"expected_{name}")
        reward = right.to(expected)
        surprise = reward - expected
        samples = group.count(len(reward))
        mean = group.sum(reward.mean(1).sum()) / samples
        expected.lerp_(mean, 1 - (1 - 1 / self.settings.memory) ** samples)
        return surprise

    def _write(self, synapse: Synapse, post: Tensor, pre: Tensor, rows: int, rate: float) -> None:
        """Gradient of a synapse: minus the mean change per sample, within soft bounds."""
        weight, samples = synapse.weight, self.network.group.count(rows)
        bound = self.settings.bound * synapse.fan_in**-0.5
        room = ((bound - weight) * (bound + weight) / bound).clamp_(min=0)
        beyond = weight - weight.clamp(-bound, bound)
        weight.grad = beyond * (rows / samples) - synapse.pairing(post, pre) * room * (rate / samples)

    def _errors(self, rows: int) -> dict[str, Tensor]:
        """Running share of each stage's winners whose class is wrong; of it, these rows' part of the batch."""
        part = rows / self.network.group.count(rows)
        return {name: part * (1 - self.own.get_buffer(f"expected_{name}")) for name in self.network.stage_names}
