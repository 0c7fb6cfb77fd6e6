"""e-prop: an eligibility that each synapse carries forward in time, times a learning signal that is broadcast.

    dL/dW_ij = Σ_t L_i[t] e_ij[t],   L_i[t] = 1/T Σ_k B_ik (softmax(scores) − one-hot)_k

with the eligibility e of `functional.eligibility`. Source: Bellec, Scherr, Subramoney, Hajek, Salaj, Legenstein and
Maass, Nature Communications 11:3625 (2020). With one hidden layer and symmetric feedback this is the exact surrogate
gradient; what it leaves out elsewhere are the ways from a spike to the loss that lead through other neurons: through
the layers above, and through recurrent synapses.

What differs from the paper: the readout reads time means, so the error comes at the end of the trial and is the same
for all of its steps, and the filter F_κ of a leaky readout has no place. With a hard reset, the network's default, a
spike ends the eligibility of its neuron (theirs subtracts the threshold: `reset="soft"`). No adaptive threshold, no
regulariser of the rate. The sum over time is computed within each neuron (`functional.drive_gradient`): the same
numbers without B·I·J of them a step.

In recurrent networks each position is a trial: the error comes at every position, the neuron's eligibility is that of
the position's inner steps (its slope d rate / d drive, since the signal does not change within a position), and the
position before is an input. ψ is then always `atan`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from ...functional import PSEUDO_DERIVATIVES
from ...nn import Layer, Network, SequenceNetwork, SpikeStep, bottom_up_trajectories
from ..bsd.sequences import learn_positions
from ..options import NOT_NEGATIVE, RuleOptions, one_of, option
from ..readouts import learn_top
from ..rule import Rule, StepReport, register
from .backward import broadcast_feedback

FEEDBACKS = ("random", "symmetric")


@dataclass(frozen=True)
class EPropOptions(RuleOptions):
    """Options of e-prop."""

    feedback: str = option(
        "random",
        one_of(FEEDBACKS),
        "broadcast weights: random for every layer, or symmetric: the last layer, the only one that the readout reads, "
        "receives through the readout's transposed weights",
    )
    pseudo_derivative: str = option(
        "atan",
        one_of(PSEUDO_DERIVATIVES),
        "ψ: atan, as the other rules on this network, or triangular, as in the paper (γ = 0.3; 0 for membrane "
        "potentials below 0 and above 2θ)",
    )
    feedback_gain: float = option(
        1.0,
        NOT_NEGATIVE,
        "standard deviation of B times √K for K concept neurons; an optimizer that scales each weight's step, as Adam, "
        "hardly notices it",
    )


@register
class EProp(Rule):
    """e-prop; trains the bottom-up pathway."""

    name: ClassVar[str] = "e-prop"
    summary: ClassVar[str] = "forward eligibility of each synapse times a broadcast learning signal"
    sequences: ClassVar[bool] = True
    Options: ClassVar[type] = EPropOptions
    settings: EPropOptions

    def __init__(self, network: Network, **options: object) -> None:
        super().__init__(network, **options)
        self.feedback = broadcast_feedback(network, self.random_source(), gain=self.settings.feedback_gain)
        if self.settings.feedback == "symmetric":
            del self.feedback[network.layers[-1].name]
        self.keep(self.feedback)

    @torch.no_grad()
    def learn(self, stimulus: Tensor, labels: Tensor, *, generator: torch.Generator | None) -> StepReport:
        net = self.network
        if isinstance(net, SequenceNetwork):
            return learn_positions(net, stimulus, labels, self._broadcast)
        layer_pass = list(bottom_up_trajectories(net, net.encode(stimulus, generator=generator)))
        top = learn_top(net, layer_pass[-1].leaving.mean(0), labels)
        for step in layer_pass:
            signal = self._signal(step, top.error / net.time_steps)
            step.trajectory.learn(signal, kind=self.settings.pseudo_derivative)
            self.gradients_ready(step.layer.up.parameters())
        return StepReport(top.loss, top.correct, {}, [step.trajectory.spikes.mean() for step in layer_pass])

    def _broadcast(self, layer: Layer, error: Tensor) -> Tensor:
        """`[N, H]` learning signal of a recurrent layer, from the error `[N, K]`."""
        synapse = self.feedback.get(layer.name)
        return self.network.readout.backward_input(error) if synapse is None else synapse(error)

    def _signal(self, step: SpikeStep, error: Tensor) -> Tensor:
        """`[T, B, *shape]` learning signal at the spikes of a layer, from the error `[B, K]`."""
        synapse = self.feedback.get(step.layer.name)
        time_steps = self.network.time_steps
        if synapse is None:
            carried = self.network.readout.backward_input(error)
            return step.unpool_signal(carried.expand(time_steps, *carried.shape))
        broadcast = synapse(error)
        return broadcast.expand(time_steps, *broadcast.shape)
