"""Feedback alignment (Lillicrap et al., Nature Communications 2016): errors return through fixed random weights.

δ_l = (B_l δ_{l+1}) ⊙ f'(a_l). The forward weights come to agree with B; no weight is transported. B has the shape of W
and begins like it, from other draws; with B = W the rule is backpropagation exactly.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from ..nn import Network
from .base import RateOptions, Rule, StepReport, register
from .feedback import feedback_places, learn_by_feedback, random_feedback
from .readouts import learn_top


@dataclass(frozen=True)
class FAOptions(RateOptions):
    """Options of feedback alignment.

    Args:
        feedback_gain: standard deviation of B times √fan_in, at least 0. It scales the gradients of each stage by one
            factor, which optimizers that normalise gradients (Adam) undo.
    """

    feedback_gain: float = 1.0

    def problems(self) -> list[str]:
        found = super().problems()
        if not self.feedback_gain >= 0:
            found.append(f"feedback_gain: expected a number of at least 0, received {self.feedback_gain}.")
        return found


@register
class FA(Rule):
    """Feedback alignment on the rate network; trains the bottom-up pathway."""

    name: ClassVar[str] = "fa"
    summary: ClassVar[str] = "feedback alignment: errors return through fixed random weights"
    activity: ClassVar[str] = "rates"
    Options: ClassVar[type] = FAOptions
    settings: FAOptions

    def __init__(self, network: Network, **options: object) -> None:
        super().__init__(network, **options)
        draws = self.random_source()
        for name, synapse in feedback_places(network).items():
            weight = random_feedback(synapse, draws, gain=self.settings.feedback_gain)
            self.own.register_buffer(name, weight)
        self.settle()

    def parameters(self) -> list[nn.Parameter]:
        return self.network.bottom_up_parameters()

    @torch.no_grad()
    def learn(self, stimulus: Tensor, labels: Tensor, *, generator: torch.Generator | None) -> StepReport:
        net = self.network
        sweep = list(net.sweep_rates(net.encode(stimulus, generator=generator)))
        top = learn_top(net, sweep[-1].leaving, labels)
        learn_by_feedback(net, sweep, top.error, dict(self.own.named_buffers()))
        return StepReport(top.loss, top.correct, {}, [step.activity.active for step in sweep])
