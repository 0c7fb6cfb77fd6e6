"""Direct feedback alignment on the spiking network: the error of the readout is broadcast to every layer.

    δ_l = (B_l e) ⊙ d rate_l / d drive_l,   dL/dW_l = δ_l rate_{l−1}ᵀ

e = dL/d drive of the readout, B_l fixed and random, the slope that of the spiking neuron's rate. No error passes
through another layer, and no tape is kept. Source: Samadi, Lillicrap & Tweed, Neural Computation 29:578 (2017); direct
feedback alignment itself is Nøkland, NeurIPS 2016.

Difference to the source: there an error is broadcast at every time of a simulation; here the error of the whole trial
is broadcast once and changes rates (`e-prop` weights every time step separately). In maps B has one weight per
position, and kernels that are shared over positions cannot align with it: convolutional layers learn, but less than
dense layers, as is known of the method.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from ...nn import SLOPES, Network
from ..options import NOT_NEGATIVE, RuleOptions, one_of, option
from ..readouts import learn_top
from ..rule import Rule, StepReport, register
from .backward import broadcast_feedback


@dataclass(frozen=True)
class DFASNNOptions(RuleOptions):
    """Options of broadcast feedback on spikes."""

    slope: str = option(
        "mean-field", one_of(SLOPES), "d rate / d drive: from the time-mean drive, or unrolled through the time steps"
    )
    feedback_gain: float = option(
        1.0,
        NOT_NEGATIVE,
        "standard deviation of B times √K for K concept neurons; an optimizer that scales each weight's step, as Adam, "
        "hardly notices it",
    )


@register
class DFASNN(Rule):
    """Broadcast feedback on the spiking network; trains the bottom-up pathway."""

    name: ClassVar[str] = "dfa-snn"
    summary: ClassVar[str] = "the readout's error broadcast to every spiking layer through fixed random weights"
    Options: ClassVar[type] = DFASNNOptions
    settings: DFASNNOptions

    def __init__(self, network: Network, **options: object) -> None:
        super().__init__(network, **options)
        self.feedback = broadcast_feedback(network, self.random_source(), gain=self.settings.feedback_gain)
        self.register_state(self.feedback)

    @torch.no_grad()
    def learn(self, stimulus: Tensor, labels: Tensor, *, generator: torch.Generator | None) -> StepReport:
        net = self.network
        source = net.encode(stimulus, generator=generator)
        steps = list(net.bottom_up_pass(source, unrolled=self.settings.slope == "unrolled"))
        top = learn_top(net, steps[-1].leaving, labels)
        for step in steps:
            up = step.layer.up
            signal = self.feedback[step.layer.name](top.error)
            up.backward(signal * up.rate_slope(step.activity), step.below, step.activity)
            self.gradients_ready(up.parameters())
        return StepReport(top.loss, top.correct, {}, [step.activity.rate.mean() for step in steps])
