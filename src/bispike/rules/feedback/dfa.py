"""Direct feedback alignment (Nøkland, NeurIPS 2016): fixed random weights broadcast one error to every layer.

δ_l = (B_l e) ⊙ f'(a_l) with e = dL/d drive of the readout. No error passes through a layer on its way to another, so
all layers could learn at once. With one hidden layer and B equal to the transposed readout this is backpropagation.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from ...nn import RATES, Network, Signals
from ..options import NOT_NEGATIVE, RateOptions, option
from ..readouts import learn_top
from ..rule import Rule, StepReport, register
from .backward import broadcast_feedback


@dataclass(frozen=True)
class DFAOptions(RateOptions):
    """Options of direct feedback alignment."""

    feedback_gain: float = option(1.0, NOT_NEGATIVE, "standard deviation of B times √K for K concept neurons")


@register
class DFA(Rule):
    """Direct feedback alignment on the rate network; trains the bottom-up pathway.

    The error arrives at the output of a layer; in a pooled layer the largest unit of each cell receives it.
    The paper draws B uniformly and does not give its scale; here it is the scale of a synapse from K neurons.
    """

    name: ClassVar[str] = "dfa"
    summary: ClassVar[str] = "direct feedback alignment: the top error, broadcast by fixed random weights"
    signals: ClassVar[Signals] = RATES
    Options: ClassVar[type] = DFAOptions
    settings: DFAOptions

    def __init__(self, network: Network, **options: object) -> None:
        super().__init__(network, **options)
        gain = self.settings.feedback_gain
        self.register_state(broadcast_feedback(network, self.random_source(), gain=gain, pooled=True))

    @torch.no_grad()
    def learn(self, stimulus: Tensor, labels: Tensor, *, generator: torch.Generator | None) -> StepReport:
        net = self.network
        layer_pass = list(net.bottom_up_rates(net.encode(stimulus, generator=generator)))
        top = learn_top(net, layer_pass[-1].leaving, labels)
        for step in layer_pass:
            layer, activity = step.layer, step.activity
            grad = layer.unpool(self.state.get_submodule(layer.name)(top.error), activity.rate)
            layer.up.backward(grad * activity.slope, step.below, activity)
        return StepReport(top.loss, top.correct, {}, [step.activity.active for step in layer_pass])
