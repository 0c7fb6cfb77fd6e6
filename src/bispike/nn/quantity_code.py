"""The top of a network that forecasts quantities: a population of tuned neurons for each value.

Neuron m of a quantity fires at the rate exp(−(v − c_m)²/2w²), where v is the value in deviations from its mean. The
centres c_m are spaced evenly over the usual range. Near values fire nearly the same neurons, distant values others
(population code by tuning curves, Pouget, Dayan and Zemel, Nature Reviews Neuroscience 2000).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ..functional import Neuron, even_code
from .concept_code import ConceptCode
from .weight_limit import reserve

RANGE = 2.5  # range of the centres on both sides of the mean, in deviations
FEW, MANY = 4, 64  # least number of neurons per quantity; largest number in all, unless `FEW` per quantity are more


class QuantityCode(ConceptCode):
    """Spike code of K real values over K·M neurons. As a concept, a quantity has a value one deviation above its mean.

    Args:
        quantities: K.
        size: M, tuned neurons per quantity; 0: 64 for one quantity, fewer for several quantities, 4 at least.
        neuron: constants of the population, for reference only: tuned neurons emit spikes at given rates.
    """

    centres: Tensor

    def __init__(self, quantities: int, *, size: int, neuron: Neuron) -> None:
        nn.Module.__init__(self)
        self.kind, self.classes, self.neuron = "tuned", quantities, neuron
        self.constant = False
        self.each = size or max(FEW, MANY // quantities)
        self.size = quantities * self.each
        reserve(quantities * self.size, f"concept code of {quantities} quantities in {self.size} neurons")
        self.register_buffer("centres", torch.linspace(-RANGE, RANGE, self.each), persistent=False)
        self.register_buffer("fixed", self.rates(torch.eye(quantities)), persistent=False)

    @property
    def width(self) -> float:
        """w, equal to the spacing of the centres, at least 0.3 deviations."""
        return max(2 * RANGE / max(self.each - 1, 1), 0.3)

    def rates(self, values: Tensor) -> Tensor:
        """Rates `[N, K·M]` for standardised values `[N, K]`."""
        nearest = values.clamp(-RANGE, RANGE)
        distance = (nearest.unsqueeze(2) - self.centres) / self.width
        return distance.square().mul_(-0.5).exp_().flatten(1)

    def spikes_of(self, values: Tensor, time_steps: int) -> Tensor:
        """Spike trains `[T, N, K·M]` for standardised values `[N, K]`, each rate rounded to a multiple of 1/T."""
        return even_code(self.rates(values), time_steps)

    def spikes(self, time_steps: int) -> Tensor:
        return even_code(self.fixed, time_steps)

    def rate(self, time_steps: int) -> Tensor:
        return self.spikes(time_steps).mean(0)

    def write_gradient(self, grad_rate: Tensor) -> None:
        """Do nothing: the tuning is fixed."""
