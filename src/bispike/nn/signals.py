"""Signals between layers: spikes, or the rates of the rate twin of the same network.

A rule is defined for one of the two. Code that only reads the activity of each layer uses `network.signals`, which has
the same methods for both.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, ClassVar

from torch import Tensor

from ..functional import Spikes, even_code, rate_of
from .layer import Layer
from .passes import RateStep, SpikeStep, TopDownPass, bottom_up, bottom_up_rates, top_down, top_down_rates

if TYPE_CHECKING:
    from .concept_code import ConceptCode
    from .pathway import Activity, Pathway, RateActivity


class Signals(ABC):
    """One kind of signal.

    Attributes:
        name: "spikes" or "rates".
        unit: name of one signal that can be lost: "spike" or "value".
        largest: largest rate of a neuron.
    """

    name: ClassVar[str]
    unit: ClassVar[str]
    largest: ClassVar[float]
    spiking: ClassVar[bool]

    @abstractmethod
    def describe(self, time_steps: int) -> str:
        """The signal in words, for reports."""

    @abstractmethod
    def presentations(self, time_steps: int) -> int:
        """How often a pass presents an input that differs in every time step: T times, or once as its mean."""

    @abstractmethod
    def bottom_up(
        self, layers: Sequence[Layer], source: Tensor, time_steps: int, *, constant: bool, like: Tensor
    ) -> Iterator[SpikeStep] | Iterator[RateStep]:
        """Bottom-up pass of what `encode` returned, one step per layer."""

    @abstractmethod
    def top(self, layers: Sequence[Layer], source: Tensor, time_steps: int, *, constant: bool) -> Spikes:
        """Output of the last layer: spikes `[T, B, *output]`, or rates `[B, *output]`."""

    @abstractmethod
    def down(self, layers: Sequence[Layer], code: ConceptCode, labels: Tensor, time_steps: int) -> Tensor:
        """Top-down rates `[N, *shape]` of the lowest layer for labels `[N]`."""

    @abstractmethod
    def from_concepts(
        self, pathway: Pathway, code: ConceptCode, time_steps: int, *, like: Tensor
    ) -> tuple[Activity | RateActivity, Tensor]:
        """Activity of the highest top-down pathway for all concepts, and its slope d rate / d drive `[C, *shape]`."""

    @abstractmethod
    def emit(self, rate: Tensor, time_steps: int) -> Tensor:
        """The signal of a population with rates `[N, K]`: spikes `[T, N, K]`, spread evenly, or the rates."""

    @abstractmethod
    def down_from(self, layers: Sequence[Layer], signal: Spikes, time_steps: int) -> Tensor:
        """Top-down rates `[N, *shape]` of the lowest of `layers`, given the input signal of the highest."""


class SpikeSignals(Signals):
    """Unsigned, all-or-none spikes over T time steps."""

    name = "spikes"
    unit = "spike"
    largest = 1.0
    spiking = True

    def describe(self, time_steps: int) -> str:
        return f"spiking, T = {time_steps}"

    def presentations(self, time_steps: int) -> int:
        return time_steps

    def bottom_up(
        self, layers: Sequence[Layer], source: Tensor, time_steps: int, *, constant: bool, like: Tensor
    ) -> Iterator[SpikeStep]:
        return bottom_up(layers, source, time_steps, constant=constant, like=like)

    def top(self, layers: Sequence[Layer], source: Tensor, time_steps: int, *, constant: bool) -> Spikes:
        like = layers[0].up.synapse.weight
        *_, last = bottom_up(layers, source, time_steps, constant=constant, like=like)
        return last.layer.pool_spikes(last.activity.spikes)

    def down(self, layers: Sequence[Layer], code: ConceptCode, labels: Tensor, time_steps: int) -> Tensor:
        *_, lowest = top_down_concepts(layers, code, labels, time_steps)
        return lowest.activity.rate

    def from_concepts(
        self, pathway: Pathway, code: ConceptCode, time_steps: int, *, like: Tensor
    ) -> tuple[Activity, Tensor]:
        source = (code.rate(time_steps) if code.constant else code.spikes(time_steps)).to(like)
        activity = pathway.forward_spikes(source, time_steps, constant=code.constant, unrolled=True)
        return activity, pathway.rate_slope(activity)

    def emit(self, rate: Tensor, time_steps: int) -> Tensor:
        return even_code(rate, time_steps)

    def down_from(self, layers: Sequence[Layer], signal: Spikes, time_steps: int) -> Tensor:
        rate = rate_of(signal, like=layers[0].up.synapse.weight)
        return TopDownPass(layers, signal, rate, time_steps, constant=False, unrolled=False).take(0)[1].rate


class RateSignals(Signals):
    """Real-valued rates of the rate twin, in one step."""

    name = "rates"
    unit = "value"
    largest = math.inf
    spiking = False

    def describe(self, time_steps: int) -> str:
        return self.name

    def presentations(self, time_steps: int) -> int:
        return 1

    def bottom_up(
        self, layers: Sequence[Layer], source: Tensor, time_steps: int, *, constant: bool, like: Tensor
    ) -> Iterator[RateStep]:
        return bottom_up_rates(layers, source if constant else rate_of(source, like=like))

    def top(self, layers: Sequence[Layer], source: Tensor, time_steps: int, *, constant: bool) -> Tensor:
        *_, last = bottom_up_rates(layers, source if constant else source.mean(0))
        return last.leaving

    def down(self, layers: Sequence[Layer], code: ConceptCode, labels: Tensor, time_steps: int) -> Tensor:
        *_, lowest = top_down_rates(layers, code.spikes(time_steps)[:, labels].mean(0))
        return lowest.leaving

    def from_concepts(
        self, pathway: Pathway, code: ConceptCode, time_steps: int, *, like: Tensor
    ) -> tuple[RateActivity, Tensor]:
        activity = pathway.forward_rates(code.rate(time_steps).to(like))
        return activity, activity.slope

    def emit(self, rate: Tensor, time_steps: int) -> Tensor:
        return rate

    def down_from(self, layers: Sequence[Layer], signal: Spikes, time_steps: int) -> Tensor:
        assert isinstance(signal, Tensor)
        *_, lowest = top_down_rates(layers, signal)
        return lowest.leaving


def top_down_concepts(
    layers: Sequence[Layer], code: ConceptCode, labels: Tensor, time_steps: int
) -> Iterator[SpikeStep]:
    """Top-down pass of spikes for labels `[N]`, one step per layer, top to bottom."""
    spikes = code.spikes(time_steps)[:, labels]
    rate = spikes[0] if code.constant else spikes.mean(0)
    source = rate if code.constant else spikes
    return top_down(layers, source, rate, time_steps, constant=code.constant)


SPIKES = SpikeSignals()
RATES = RateSignals()
