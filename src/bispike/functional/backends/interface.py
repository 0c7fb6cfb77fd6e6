"""Interface of backends: the computation of a population, independent of its implementation.

    drive      synapse and spikes           -> drives of all time steps and their mean
    fire       drives, norm and neuron      -> spikes, rates, slope

`compiled` computes float32 on the CPU; `reference` is torch, step by step, for every other precision and device. The
tape of backpropagation through time is `functional.lif` (on CUDA by `triton_neuron`).
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

from torch import Tensor

from ..neuron import Neuron
from ..spikes import Received, Spikes


class Linear(Protocol):
    """Methods of a synapse that a backend uses."""

    weight: Tensor

    @property
    def target(self) -> tuple[int, ...]:
        """Shape of the population that it leads to."""

    def __call__(self, source: Tensor) -> Tensor:
        """Drive `[N, *target]` of `[N, *source]`."""

    def forward_packed(self, spikes: Received) -> Tensor:
        """Drives `[T·B, positions, C]` of packed spikes."""


class Fired(NamedTuple):
    """Activity of a population over all time steps.

    Attributes:
        spikes: `[T, B, *shape]`.
        rate: `[B, *shape]` time-mean of the spikes.
        slope: `[B, *shape]` d rate / d drive through the time steps, if requested.
    """

    spikes: Spikes
    rate: Tensor
    slope: Tensor | None


class DrivesOf(Protocol):
    """Drives of all time steps, in the layout of the backend."""

    @property
    def mean(self) -> Tensor:
        """Time-mean `[B, *shape]` of the drives; complete after `fire`, or earlier if a norm reads it."""


class Backend(Protocol):
    """One way to compute a population."""

    def drive(self, synapse: Linear, source: Received, time_steps: int, *, constant: bool) -> DrivesOf:
        """Drives of all time steps.

        Args:
            synapse: leads to the population.
            source: spikes `[T, B, *source]`, or with `constant` a current `[B, *source]` that does not change.
            time_steps: T.
            constant: whether the source is constant over time: its drive is computed once.
        """

    def fire(
        self, drives: DrivesOf, neuron: Neuron, *, affine: tuple[Tensor, Tensor] | None = None, unrolled: bool = False
    ) -> Fired:
        """Spikes of a population.

        Args:
            drives: what `drive` returned.
            neuron: constants.
            affine: scale and shift `[C]` that a norm applies to the drive.
            unrolled: whether to compute d rate / d drive through the time steps.
        """
