"""Sign symmetry (Liao, Leibo & Poggio, AAAI 2016; Xiao et al., ICLR 2019): errors return through the weights' signs.

    δ_l = (B_lᵀ δ_{l+1}) ⊙ f'(a_l),   B = sign(W) ⊙ M

Only one bit per weight is transported. The magnitudes M are the same for all weights (uSF), drawn again at each step
(brSF), or drawn once (frSF).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from ...nn import RATES, Network, Signals, Synapse
from ..options import POSITIVE, RateOptions, one_of, option
from ..readouts import learn_top
from ..rule import Rule, StepReport, register
from .backward import feedback_places, learn_by_feedback, random_feedback

VARIANTS = ("uniform", "batch-random", "fixed-random")


@dataclass(frozen=True)
class SignSymmetryOptions(RateOptions):
    """Options of sign symmetry."""

    variant: str = option("uniform", one_of(VARIANTS), "magnitudes M of the feedback: uSF, brSF or frSF of the paper")
    feedback_gain: float = option(
        1.0, POSITIVE, "root mean square of M times √fan_in; with 1 as large as weights are initially"
    )


@register
class SignSymmetry(Rule):
    """Sign symmetry on the rate network; trains the bottom-up pathway.

    The papers scale B by the fan-in and fan-out of a layer, and Liao et al. normalise each update; here M has the
    size of the initial weights of a synapse, and normalisation is left to the optimizer.
    """

    name: ClassVar[str] = "sign-symmetry"
    summary: ClassVar[str] = "sign symmetry: errors return through weights with the signs of the forward ones"
    needs_chain: ClassVar[bool] = True
    signals: ClassVar[Signals] = RATES
    Options: ClassVar[type] = SignSymmetryOptions
    settings: SignSymmetryOptions

    def __init__(self, network: Network, **options: object) -> None:
        super().__init__(network, **options)
        if self.settings.variant == "fixed-random":
            draws = self.random_source()
            gain = self.settings.feedback_gain
            places = feedback_places(network)
            self.register_state(
                {name: random_feedback(synapse, draws, gain=gain).abs() for name, synapse in places.items()}
            )

    @torch.no_grad()
    def learn(self, stimulus: Tensor, labels: Tensor, *, generator: torch.Generator | None) -> StepReport:
        net = self.network
        layer_pass = list(net.bottom_up_rates(net.encode(stimulus, generator=generator)))
        draws = self.step_generator(generator)
        back = {
            name: synapse.weight.sign() * self._magnitude(name, synapse, draws)
            for name, synapse in feedback_places(net).items()
        }
        top = learn_top(net, layer_pass[-1].leaving, labels)
        learn_by_feedback(net, layer_pass, top.error, back)
        return StepReport(top.loss, top.correct, {}, [step.activity.active for step in layer_pass])

    def _magnitude(self, name: str, synapse: Synapse, draws: torch.Generator) -> Tensor | float:
        """M of one synapse: a single number, or one number per weight."""
        gain = self.settings.feedback_gain
        if self.settings.variant == "uniform":
            return gain / synapse.fan_in**0.5
        if self.settings.variant == "batch-random":
            return random_feedback(synapse, draws, gain=gain).abs().to(synapse.weight)
        return self.state.get_buffer(name)
