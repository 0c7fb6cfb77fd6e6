"""Surrogates: smooth substitutes for the derivative of a spike.

`atan_surrogate` replaces d S / d H at one step (backpropagation through time). The two rate slopes replace
d rate / d (time-mean drive) for a whole spike train, so that a rate can be aligned without a tape over time:
`mean_field_slope` uses only the time-mean drive (it is the slope of `mean_field_rate`), and `UnrolledSlope` computes
the linearisation of the neuron forward in time.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from ..arguments import checked
from .neuron import Neuron

MEAN_FIELD_CENTRE = 0.6
"""Drive, in thresholds, at which the mean-field slope is largest."""
MEAN_FIELD_STEEPNESS = math.pi / math.sqrt(2)
"""Decrease of the mean-field slope per unit of drive."""


@checked
def atan_surrogate(distance: Tensor) -> Tensor:
    """1 / (1 + (π v)²) at distance v = H − θ: the derivative of arctan(π v)/π + ½ (ATan surrogate, α = 2)."""
    return (distance * math.pi).square_().add_(1).reciprocal_()


@checked
def triangular_surrogate(distance: Tensor, neuron: Neuron, *, damping: float = 0.3) -> Tensor:
    """γ/θ max(0, 1 − |v|/θ) at distance v = H − θ, with damping γ: the pseudo-derivative of the e-prop paper."""
    return distance.abs().div_(-neuron.threshold).add_(1).clamp_(min=0).mul_(damping / neuron.threshold)


@checked
def mean_field_slope(
    mean_drive: Tensor, neuron: Neuron, *, centre: float = MEAN_FIELD_CENTRE, width: float = 1.0
) -> Tensor:
    """Slope of the rate against the time-mean drive ā: 1 / (1 + ½ (π (ā − centre·θ) / width)²).

    Args:
        mean_drive: `[B, ...]` time-mean drive (dimensionless).
        neuron: constants, with the threshold θ.
        centre: drive of the largest slope, in thresholds.
        width: width of the slope; larger is flatter.

    Returns:
        `[B, ...]`, in (0, 1].
    """
    scale = math.pi / (width * math.sqrt(2))
    return ((mean_drive - centre * neuron.threshold) * scale).square_().add_(1).reciprocal_()


@checked
def mean_field_rate(
    mean_drive: Tensor, neuron: Neuron, *, centre: float = MEAN_FIELD_CENTRE, width: float = 1.0
) -> Tensor:
    """The rate whose slope `mean_field_slope` is: ½ + arctan(π (ā − centre·θ) / (width √2)) · width √2 / π.

    It smooths the staircase of the rate of the neuron, and exceeds [0, 1] by 0.2·width far from the threshold. It is
    for differences of rates, which are independent of a constant.

    Args:
        mean_drive, centre, width: as for `mean_field_slope`.
        neuron: constants, with the threshold θ.

    Returns:
        `[B, ...]`; ½ at `centre`·θ.
    """
    scale = math.pi / (width * math.sqrt(2))
    return 0.5 + ((mean_drive - centre * neuron.threshold) * scale).arctan() / scale


class UnrolledSlope:
    """d rate / d (a shift of the drive at every time step), by the linearisation of the neuron with ATan slopes.

    The recursion runs forward with the neuron (forward-mode differentiation), so nothing is kept over time:
    D[t] = β U'[t−1] + 1 with U'[t−1] = D[t−1] (1 − S[t−1]) for a hard reset, D[t−1] for a soft one;
    slope = mean over t of atan'(H[t] − θ) D[t].

    Args:
        like: `[B, ...]` tensor with the shape, dtype and device.
        neuron: constants.
    """

    def __init__(self, like: Tensor, neuron: Neuron) -> None:
        self.neuron = neuron
        self.sensitivity = torch.zeros_like(like)
        self.total = torch.zeros_like(like)
        self.time_steps = 0

    def watch(self, membrane: Tensor) -> None:
        """Update the slope with H[t], the membrane after integration and before the reset."""
        self.sensitivity.mul_(self.neuron.decay).add_(1)
        self.total.addcmul_(atan_surrogate(membrane - self.neuron.threshold), self.sensitivity)
        if self.neuron.reset == "hard":
            self.sensitivity.mul_((membrane < self.neuron.threshold).to(membrane.dtype))
        self.time_steps += 1

    def result(self) -> Tensor:
        """The slope `[B, ...]`, non-negative."""
        return self.total / self.time_steps
