"""Smooth stand-ins for the derivative of a spike.

`atan_surrogate` replaces d S / d H at one step (backpropagation through time). The two rate slopes replace
d rate / d (time-mean drive) for a whole spike train, so that a rate can be aligned without a tape over time:
`mean_field_slope` looks at the time-mean drive only, `unrolled_slope` runs the neuron's own linearisation forward.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from .lif import Neuron


def atan_surrogate(distance: Tensor) -> Tensor:
    """1 / (1 + (π v)²) at distance v = H − θ: the derivative of arctan(π v)/π + ½ (ATan surrogate, α = 2)."""
    return (distance * math.pi).square_().add_(1).reciprocal_()


def mean_field_slope(mean_drive: Tensor, neuron: Neuron, *, centre: float = 0.6, width: float = 1.0) -> Tensor:
    """Slope of the rate against the time-mean drive ā: 1 / (1 + ½ (π (ā − centre·θ) / width)²).

    Args:
        mean_drive: `[B, ...]` time-mean drive (dimensionless).
        neuron: gives the threshold θ.
        centre: where the slope is largest, in thresholds.
        width: scale of the fall-off; larger is flatter.

    Returns:
        `[B, ...]`, in (0, 1].
    """
    scale = math.pi / (width * math.sqrt(2))
    return ((mean_drive - centre * neuron.threshold) * scale).square_().add_(1).reciprocal_()


def unrolled_slope(drive: Tensor, neuron: Neuron, *, steps: int | None = None) -> Tensor:
    """d rate / d (a shift of the drive at every step), by the neuron's linearisation with ATan slopes.

    The recursion runs forward beside the neuron (forward-mode differentiation), so nothing is kept over time:
    D[t] = β (1 − S[t−1]) D[t−1] + 1 (hard reset), slope = mean over t of atan'(H[t] − θ) D[t].

    Args:
        drive: `[T, B, ...]`, or `[B, ...]` constant with `steps`.
        neuron: constants.
        steps: T for a constant drive.

    Returns:
        `[B, ...]` slope, non-negative.
    """
    constant = steps is not None
    total = steps if steps is not None else drive.shape[0]
    one = drive if constant else drive[0]
    membrane = torch.zeros_like(one)
    sensitivity = torch.zeros_like(one)
    slope = torch.zeros_like(one)
    for t in range(total):
        membrane.mul_(neuron.leak).add_(drive if constant else drive[t])
        sensitivity.mul_(neuron.leak).add_(1)
        slope.addcmul_(atan_surrogate(membrane - neuron.threshold), sensitivity)
        fired = membrane >= neuron.threshold
        if neuron.reset == "hard":
            membrane.masked_fill_(fired, 0)
            sensitivity.masked_fill_(fired, 0)
        else:
            membrane.sub_(fired.to(membrane.dtype), alpha=neuron.threshold)
    return slope.div_(total)
