"""e-prop: the eligibility of each synapse, computed forward in time, times a learning signal that is broadcast.

    dL/dW_ij = Σ_t L_i[t] e_ij[t],   L_i[t] = 1/T Σ_k B_ik (softmax(scores) − one-hot)_k

with the eligibility e of `functional.eligibility`. Source: Bellec, Scherr, Subramoney, Hajek, Salaj, Legenstein and
Maass, Nature Communications 11:3625 (2020). With one hidden layer and symmetric feedback this is the exact surrogate
gradient. Elsewhere it omits the paths from a spike to the loss through other neurons: through the layers above, and
through recurrent synapses.

Differences to the paper: the readout uses time means, so the error is computed at the end of the trial and is the same
for all of its time steps, and there is no filter F_κ of a leaky readout. With a hard reset, the default of the network,
a spike ends the eligibility of its neuron (in the paper it subtracts the threshold: `reset="soft"`). There is no
adaptive threshold and no regulariser of the rate. The sum over time is computed within each neuron
(`functional.drive_gradient`): the result is the same, without B·I·J values per time step.

In recurrent networks each position is a trial: every position has an error, the eligibility of a neuron covers the time
steps of the position (it is the slope d rate / d drive, since the signal is constant within a position), and the
previous position is an input. ψ is then always `atan`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from ...functional import PSEUDO_DERIVATIVES
from ...nn import Layer, Network, SequenceNetwork, State, TrajectoryStep
from ..options import NOT_NEGATIVE, RuleOptions, one_of, option
from ..positions import BlockSums, mean_report
from ..readouts import learn_outputs, learn_top
from ..rule import Rule, StepReport, register
from .backward import broadcast_feedback

FEEDBACKS = ("random", "symmetric")
POSITIONS = 32  # positions in a block of a sequence


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
    Options: ClassVar[type] = EPropOptions
    settings: EPropOptions

    def __init__(self, network: Network, **options: object) -> None:
        super().__init__(network, **options)
        self.feedback = _feedback(self, network, self.settings.feedback, self.settings.feedback_gain)

    @torch.no_grad()
    def learn(self, stimulus: Tensor, labels: Tensor, *, generator: torch.Generator | None) -> StepReport:
        net = self.network
        layer_pass = list(net.bottom_up_trajectories(net.encode(stimulus, generator=generator)))
        top = learn_top(net, layer_pass[-1].leaving.mean(0), labels)
        for step in layer_pass:
            signal = self._signal(step, top.error / net.time_steps)
            step.trajectory.backward(signal, kind=self.settings.pseudo_derivative)
            self.gradients_ready(step.layer.up.parameters())
        return StepReport(top.loss, top.correct, {}, [step.trajectory.spikes.mean() for step in layer_pass])

    def _signal(self, step: TrajectoryStep, error: Tensor) -> Tensor:
        """Learning signal `[T, B, *shape]` at the spikes of a layer, from the error `[B, K]`."""
        synapse = self.feedback.get(step.layer.name)
        time_steps = self.network.time_steps
        if synapse is None:
            carried = self.network.readout.backward_input(error)
            return step.unpool_signal(carried.expand(time_steps, *carried.shape))
        broadcast = synapse(error)
        return broadcast.expand(time_steps, *broadcast.shape)


@dataclass(frozen=True)
class EPropSequenceOptions(RuleOptions):
    """Options of e-prop on sequences, where ψ is always `atan`."""

    feedback: str = option("random", one_of(FEEDBACKS), "weights of the broadcast, as in `EPropOptions`")
    feedback_gain: float = option(1.0, NOT_NEGATIVE, "standard deviation of B times √K, as in `EPropOptions`")


@register
class EPropSequences(Rule):
    """e-prop of sequences: the error is broadcast to all layers at each position, in blocks of positions."""

    name: ClassVar[str] = "e-prop"
    summary: ClassVar[str] = EProp.summary
    networks: ClassVar[tuple[type[Network], ...]] = (SequenceNetwork,)
    Options: ClassVar[type] = EPropSequenceOptions
    settings: EPropSequenceOptions
    network: SequenceNetwork

    def __init__(self, network: Network, **options: object) -> None:
        super().__init__(network, **options)
        self.feedback = _feedback(self, network, self.settings.feedback, self.settings.feedback_gain)

    @torch.no_grad()
    def learn(self, stimulus: Tensor, labels: Tensor, *, generator: torch.Generator | None) -> StepReport:
        net = self.network
        batch, length = labels.shape[:2]
        state = net.rest(batch)
        sums = BlockSums(net.bottom_up_parameters())
        reports = []
        for first in range(0, length, POSITIONS):
            here = slice(first, first + POSITIONS)
            report = self._learn_block(stimulus[:, here], labels[:, here], state)
            share = labels[:, here].shape[1] / length
            sums.add(share)
            reports.append((share, report))
        sums.write()
        return mean_report(reports, length)

    def _learn_block(self, stimulus: Tensor, targets: Tensor, state: State) -> StepReport:
        net = self.network
        steps = list(net.bottom_up_positions(net.encode(stimulus), state, unrolled=True))
        top = learn_outputs(net, steps[-1].activity.rate, net.target_rows(stimulus, targets))
        for step in steps:
            up, activity = step.layer.up, step.activity
            up.backward(self._broadcast(step.layer, top.error) * up.rate_slope(activity), step.below, activity)
        net.follow([step.activity.raw_drive for step in steps])
        return StepReport(top.loss, top.correct, {}, [step.activity.rate.mean() for step in steps])

    def _broadcast(self, layer: Layer, error: Tensor) -> Tensor:
        """Learning signal `[N, H]` of a recurrent layer, from the error `[N, K]`."""
        synapse = self.feedback.get(layer.name)
        return self.network.readout.backward_input(error) if synapse is None else synapse(error)


def _feedback(rule: Rule, network: Network, kind: str, gain: float) -> dict[str, nn.Module]:
    """Feedback of each layer by name, registered as state of the rule; symmetric feedback is the readout itself."""
    found: dict[str, nn.Module] = dict(broadcast_feedback(network, rule.random_source(), gain=gain))
    if kind == "symmetric":
        del found[network.layers[-1].name]
    rule.register_state(found)
    return found
