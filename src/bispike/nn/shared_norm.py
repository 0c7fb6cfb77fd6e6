"""Batch norm over a batch that several processes share: `functional.norm` with its sums taken over all of them.

    μ = Σ ā / n,   σ² = Σ (ā − μ)² / n,   dL/dā = γ/σ ( g − Σ g / n − ẑ Σ g ẑ / n )

n and the sums cover the samples (and map positions) of all processes; the gradients of γ and β are this process's
part, which is summed with all other weight gradients.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ..functional import channel_view
from .process_group import Group


def values_a_channel(mean_drive: Tensor, group: Group) -> int:
    """n: samples of the whole batch times map positions of `[B, C, ...]`."""
    positions = mean_drive[0, 0].numel() if len(mean_drive) else 0
    return group.count(mean_drive.shape[0]) * positions


def shared_mean(values: Tensor, group: Group) -> Tensor:
    """Mean `[C]` of `[B, C, ...]` over the whole batch."""
    axes = [0, *range(2, values.dim())]
    return group.sum(values.sum(axes)) / values_a_channel(values, group)


def shared_statistics(mean_drive: Tensor, group: Group) -> tuple[Tensor, Tensor]:
    """Mean and biased variance `[C]` of `[B, C, ...]` over the whole batch; autograd goes through them."""
    mean = shared_mean(mean_drive, group)
    centred = mean_drive - channel_view(mean, mean_drive.dim())
    return mean, shared_mean(centred * centred, group)


def shared_backward(
    grad: Tensor, mean_drive: Tensor, mean: Tensor, variance: Tensor, weight: Tensor, eps: float, group: Group
) -> tuple[Tensor, Tensor, Tensor]:
    """As `functional.normalise_backward`, with the statistics of the whole batch.

    Returns:
        dL/dā `[B, C, ...]` of this process's samples, and this process's part of dL/dγ and dL/dβ, `[C]`.
    """
    dims = grad.dim()
    axes = [0, *range(2, dims)]
    inverse = (variance + eps).rsqrt()
    unit = (mean_drive - channel_view(mean, dims)) * channel_view(inverse, dims)
    grad_weight, grad_bias = (grad * unit).sum(axes), grad.sum(axes)
    mean_weight, mean_bias = group.sum(torch.stack([grad_weight, grad_bias])) / values_a_channel(mean_drive, group)
    below = grad - channel_view(mean_bias, dims) - unit.mul_(channel_view(mean_weight, dims))
    return below.mul_(channel_view(weight * inverse, dims)), grad_weight, grad_bias
