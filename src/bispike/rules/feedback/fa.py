"""Feedback alignment (Lillicrap et al., Nature Communications 2016): fixed random weights pass errors backward.

δ_l = (B_l δ_{l+1}) ⊙ f'(a_l). The forward weights align with B during learning; no weight is transported. B has
the shape and the distribution of the initial W, from other draws; with B = W the rule is exactly backpropagation.
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
from .backward import feedback_places, learn_by_feedback, random_feedback


@dataclass(frozen=True)
class FAOptions(RateOptions):
    """Options of feedback alignment."""

    feedback_gain: float = option(
        1.0,
        NOT_NEGATIVE,
        "standard deviation of B times √fan_in; it scales the gradients of a layer by one factor, which optimizers "
        "that normalise gradients (Adam) undo",
    )


@register
class FA(Rule):
    """Feedback alignment on the rate network; trains the bottom-up pathway."""

    name: ClassVar[str] = "fa"
    summary: ClassVar[str] = "feedback alignment: errors return through fixed random weights"
    needs_chain: ClassVar[bool] = True
    signals: ClassVar[Signals] = RATES
    Options: ClassVar[type] = FAOptions
    settings: FAOptions

    def __init__(self, network: Network, **options: object) -> None:
        super().__init__(network, **options)
        draws = self.random_source()
        gain = self.settings.feedback_gain
        places = feedback_places(network)
        self.register_state({name: random_feedback(synapse, draws, gain=gain) for name, synapse in places.items()})

    @torch.no_grad()
    def learn(self, stimulus: Tensor, labels: Tensor, *, generator: torch.Generator | None) -> StepReport:
        net = self.network
        layer_pass = list(net.bottom_up_rates(net.encode(stimulus, generator=generator)))
        top = learn_top(net, layer_pass[-1].leaving, labels)
        learn_by_feedback(net, layer_pass, top.error, dict(self.state.named_buffers()))
        return StepReport(top.loss, top.correct, {}, [step.activity.active for step in layer_pass])
