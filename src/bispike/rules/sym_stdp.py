"""Supervised symmetric STDP (after Hao, Huang, Dong & Xu, Neural Networks 2020): what fires together is wired together,
in either order, and synaptic scaling takes back what coincidence adds.

    P_ij = Σ_{t,t'} s_i[t] (s_j[t'] − m_j) κ^|t−t'|           s_i: spikes of the cells that learn, s_j: those below
    ΔW_i ∝ P_i − W_i (W_i·P_i)/|W_i|² + h (1 − |W_i|²/S²) W_i

Concept cells are made to fire by a teacher, with the code of the class, and are free afterwards. In hidden stages the
winners of each sample learn (in maps, of each position). The teacher's spikes are all that tells about the label; no
error is computed anywhere. Every cell moves its threshold until it fires at the rate that it is due.

Otherwise than in the paper: the teacher's fibres also choose which block of a stage's cells may win (`teach`); weights
may be negative, so scaling holds the length of what reaches a cell and not its sum, to first order in the step, with a
pull h to S for what is left; the mean m_j of each cell below is taken off, since without it all cells would learn what
all stimuli share; winners by drive stand for the inhibitory cells; there are T steps and not 350 ms. A constant current
counts as its own trace. P is in units of what the busiest cell meets, so that one learning rate serves all stages.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from ..errors import ConfigurationError
from ..functional import cross_entropy, dense_spikes, symmetric_trace
from ..nn import Activity, Network, Stage, Synapse
from .base import Rule, StepReport, choice_problems, register

TEACH = ("stages", "readout")


@dataclass(frozen=True)
class SymSTDPOptions:
    """Options of symmetric STDP.

    Args:
        winners: share of the cells (of the channels, at each position) that may win and do, in (0, 1]; at least one.
        teach: `stages`: cells belong to classes, in blocks, and those of the sample's class may win; `readout`: all.
        rate: that every hidden cell is due to fire at, in (0, 1).
        homeostasis: step of the threshold per unit of rate, at least 0.
        decay: κ, what is left of a trace after a time step, in [0, 1].
        length: S, that scaling holds for the weights of a cell, positive; they begin near 1.
        pull: h, of the lengths to S, at least 0.
        memory: of the means, in samples, at least 1.
    """

    winners: float = 0.5
    teach: str = "stages"
    rate: float = 0.2
    homeostasis: float = 1.0
    decay: float = 0.5
    length: float = 1.0
    pull: float = 1.0
    memory: int = 1280

    def __post_init__(self) -> None:
        problems = choice_problems(self, {"teach": TEACH})
        if not 0 < self.winners <= 1:
            problems.append(f"winners: expected a share above 0 and up to 1, received {self.winners}.")
        if not 0 < self.rate < 1 or not self.homeostasis >= 0:
            problems.append("expected a rate between 0 and 1 and homeostasis >= 0.")
        if not 0 <= self.decay <= 1:
            problems.append(f"decay: expected a number from 0 to 1, received {self.decay}.")
        if not self.length > 0 or not self.pull >= 0 or self.memory < 1:
            problems.append("expected length > 0, pull >= 0 and memory >= 1.")
        if problems:
            raise ConfigurationError(problems)


@register
class SymSTDP(Rule):
    """Supervised symmetric STDP; trains the weights of the bottom-up synapses and the thresholds of hidden cells."""

    name: ClassVar[str] = "sym-stdp"
    summary: ClassVar[str] = "symmetric STDP: winners and taught concept cells, held by synaptic scaling"
    Options: ClassVar[type] = SymSTDPOptions
    advised: ClassVar[dict[str, Any]] = {"optimizer": "sgd", "lr": 0.3, "schedule": "linear"}
    settings: SymSTDPOptions

    def __init__(self, network: Network, **options: object) -> None:
        super().__init__(network, **options)
        for name, synapse in self._synapses().items():
            self.own.register_buffer(name, torch.zeros(synapse.source))
        self.settle()

    def _synapses(self) -> dict[str, Synapse]:
        stages = {stage.name: stage.up.synapse for stage in self.network.hidden}
        return {**stages, "readout": self.network.readout}

    def _threshold(self, stage: Stage) -> nn.Parameter:
        """The bias that every cell of a stage adds to its drive: less of it is a higher threshold."""
        bias = stage.up.synapse.bias if stage.up.norm is None else stage.up.norm.bias
        assert bias is not None
        return bias

    def parameters(self) -> list[nn.Parameter]:
        weights = [synapse.weight for synapse in self._synapses().values()]
        return [*weights, *(self._threshold(stage) for stage in self.network.hidden)]

    @torch.no_grad()
    def learn(self, stimulus: Tensor, labels: Tensor, *, generator: torch.Generator | None) -> StepReport:
        net = self.network
        source = net.encode(stimulus, generator=generator)
        below = source.expand(net.steps, *source.shape) if net.constant_input else source
        traces = not net.constant_input
        rates = []
        for stage, _, activity in net.sweep_up(source):
            spikes = dense_spikes(activity.spikes, like=activity.rate)
            self._pair(stage.name, stage.up.synapse, spikes * self._winners(activity, labels), below, traces=traces)
            self._adapt(stage, activity)
            self.written([stage.up.synapse.weight, self._threshold(stage)])
            rates.append(activity.rate.mean())
            below, traces = dense_spikes(stage.leave(activity.spikes), like=activity.rate), True
        scores = net.scores(below.mean(0))
        teacher = net.code.spikes(net.steps)[:, labels].to(below)
        self._pair("readout", net.readout, teacher, below, traces=traces)
        loss, _ = cross_entropy(scores, labels, samples=net.group.count(len(labels)))
        return StepReport(loss, (scores.argmax(1) == labels).sum(), {}, rates)

    def _adapt(self, stage: Stage, activity: Activity) -> None:
        """Write the gradient of the thresholds: cells that fire too much raise theirs."""
        rate = activity.rate.flatten(2).mean(2) if activity.rate.dim() > 2 else activity.rate
        step = self.settings.homeostasis / self.network.group.count(len(rate))
        self._threshold(stage).grad = (rate - self.settings.rate).sum(0).mul_(step)

    def _winners(self, activity: Activity, labels: Tensor) -> Tensor:
        """`[B, *shape]` 1 where a cell has one of the largest drives of those that may win."""
        drive, classes = activity.drive, self.network.concept.classes
        candidates = drive.shape[1]
        if self.settings.teach == "stages" and candidates >= classes:
            owner = torch.arange(candidates, device=labels.device) * classes // candidates
            other = (owner != labels[:, None]).reshape(*drive.shape[:2], *[1] * (drive.dim() - 2))
            drive, candidates = drive.masked_fill(other, -torch.inf), candidates // classes
        count = max(1, round(self.settings.winners * candidates))
        return torch.zeros_like(drive).scatter_(1, drive.topk(count, dim=1).indices, 1)

    def _pair(self, name: str, synapse: Synapse, post: Tensor, pre: Tensor, *, traces: bool) -> None:
        """Write the gradient of a synapse: minus the change that these spikes `[T, B, ...]` make, a sample."""
        options, group = self.settings, self.network.group
        samples = group.count(pre.shape[1])
        mean = self._mean(name, pre)
        met = symmetric_trace(pre - mean, options.decay) if traces else pre - mean
        pairs = synapse.pairing(post.flatten(0, 1), met.flatten(0, 1)).flatten(1) / samples
        busiest = post.flatten(3).sum((0, 1, 3)) if post.dim() > 3 else post.sum((0, 1))
        unit = group.sum(busiest).amax() / samples * (group.sum(met.flatten(2).norm(dim=2).mean(0).sum()) / samples)
        pairs = pairs / (unit + 1e-12)
        weight = synapse.weight.flatten(1)
        square = weight.square().sum(1, keepdim=True)
        along = (weight * pairs).sum(1, keepdim=True) / square.clamp(min=1e-12)
        pulled = options.pull * (1 - square / options.length**2) * (pre.shape[1] / samples)
        change = (pairs - along * weight + pulled * weight).view_as(synapse.weight)
        synapse.weight.grad = torch.empty_like(synapse.weight).copy_(change.neg_())

    def _mean(self, name: str, pre: Tensor) -> Tensor:
        """Running mean of what the cells below send."""
        group, mean = self.network.group, self.own.get_buffer(name)
        samples = group.count(pre.shape[1])
        mean.lerp_(group.sum(pre.mean(0).sum(0)) / samples, 1 - (1 - 1 / self.settings.memory) ** samples)
        return mean
