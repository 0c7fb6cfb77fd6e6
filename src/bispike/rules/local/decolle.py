"""DECOLLE: every layer learns from a fixed random readout of its own spikes, at every time step.

    y_l[t] = G_l s_l[t],   L_l = mean over t of ℓ(y_l[t], label),   dL_l/dW_ij = Σ_t (G_lᵀ ∂ℓ[t])_i e_ij[t]

e is the eligibility of the neuron (`functional.eligibility`). No error leaves a layer; layers send only spikes upward.
Source: Kaiser, Mostafa & Neftci, Frontiers in Neuroscience 14:424 (2020).

Differences to the paper and its code: the neuron is that of this network, a LIF with one decay and a reset that ends
the eligibility of a neuron that fired. The neuron of the paper filters its input twice and has a separate refractory
state, so its presynaptic trace is the same for all neurons. Weights change once for all T time steps, not after each,
and no initial time steps are skipped. Losses are sums over the classes; there is no regulariser of the activity and no
dropout. Pooling follows the spikes, and G_l receives the output of the layer. The readout of the network learns from
the time mean and gives the decision; in the paper it is the most frequent winner of the readout of a layer over time.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor
from torch.nn import functional as F

from ...functional import cross_entropy
from ...nn import Dense, Network, TrajectoryStep
from ..options import POSITIVE, RuleOptions, one_of, option
from ..readouts import learn_top
from ..rule import Rule, StepReport, register

LOCAL_LOSSES = ("smooth-l1", "cross-entropy")


@dataclass(frozen=True)
class DECOLLEOptions(RuleOptions):
    """Options of DECOLLE."""

    loss: str = option(
        "smooth-l1", one_of(LOCAL_LOSSES), "loss of each layer at each time step, between y and the (one-hot) label"
    )
    readout_bound: float = option(
        0.5, POSITIVE, "G is uniform within ± readout_bound/√n for n spikes that leave the layer"
    )


@register
class DECOLLE(Rule):
    """Local readouts at every time step; trains the bottom-up pathway."""

    name: ClassVar[str] = "decolle"
    summary: ClassVar[str] = "each layer learns at every step from a fixed random readout of its own spikes"
    Options: ClassVar[type] = DECOLLEOptions
    settings: DECOLLEOptions

    def __init__(self, network: Network, **options: object) -> None:
        super().__init__(network, **options)
        draws = self.random_source()
        self.readouts: dict[str, Dense] = {}
        for layer in network.layers:
            readout = Dense(layer.output_shape, (network.concept.classes,), bias=False).requires_grad_(
                requires_grad=False
            )
            readout.initialise(self.settings.readout_bound / 3**0.5, draws)
            self.readouts[layer.name] = readout
        self.register_state(self.readouts)

    @torch.no_grad()
    def learn(self, stimulus: Tensor, labels: Tensor, *, generator: torch.Generator | None) -> StepReport:
        net = self.network
        losses, rates = {}, []
        rate = source = net.encode(stimulus, generator=generator)
        for step in net.bottom_up_trajectories(source):
            losses[step.layer.name], signal = self._teach(step, labels)
            step.trajectory.backward(signal)
            self.gradients_ready(step.layer.up.parameters())
            rates.append(step.trajectory.spikes.mean())
            rate = step.leaving.mean(0)
        top = learn_top(net, rate, labels)
        return StepReport(top.loss, top.correct, losses, rates)

    def _teach(self, step: TrajectoryStep, labels: Tensor) -> tuple[Tensor, Tensor]:
        """Local loss of a layer, and its gradient `[T, B, *shape]` at the layer's spikes."""
        readout = self.readouts[step.layer.name]
        time_steps, samples = self.network.time_steps, self.network.group.count(len(labels))
        scores = readout(step.leaving.flatten(0, 1))
        loss, error = _local_loss(self.settings.loss, scores, labels.repeat(time_steps), time_steps * samples)
        signal = readout.backward_input(error).unflatten(0, (time_steps, -1))
        return loss, step.unpool_signal(signal)


def _local_loss(kind: str, scores: Tensor, labels: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Loss of `[N, C]` scores, summed over classes, divided by `count`, and its gradient."""
    if kind == "cross-entropy":
        return cross_entropy(scores, labels, samples=count)
    target = F.one_hot(labels, scores.shape[1]).to(scores)
    return F.smooth_l1_loss(scores, target, reduction="sum") / count, (scores - target).clamp_(-1, 1) / count
