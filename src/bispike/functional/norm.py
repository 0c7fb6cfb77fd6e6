"""Batch normalisation of a drive, with its closed-form backward.

The statistics are those of the *time-mean* drive over the batch (and the map positions of a convolution):

    z[t] = γ (a[t] − μ) / σ + β,      μ, σ² = mean and variance over B (and H, W) of ā = mean_t a[t]

The time-mean of z is then the ordinary batch norm of ā, so the gradient of any function of time means passes
through the norm exactly, without a tape over time: with ẑ = (ā − μ)/σ and g = dL/dz̄,

    dL/dā = γ/σ ( g − mean(g) − ẑ mean(g ẑ) ),   dL/dγ = Σ g ẑ,   dL/dβ = Σ g

(Ioffe & Szegedy 2015 for the norm; means and sums run over all axes but the channel axis.)
"""

from __future__ import annotations

import torch
from torch import Tensor

from ..arguments import checked


@checked
def channel_view(values: Tensor, dims: int) -> Tensor:
    """View of `[C]` that broadcasts to `[N, C, ...]` with `dims` axes."""
    return values.reshape(1, -1, *([1] * (dims - 2)))


@checked
def batch_statistics(mean_drive: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and biased variance `[C]` of `[B, C, ...]` over all axes except the channel axis."""
    axes = [0, *range(2, mean_drive.dim())]
    mean = mean_drive.mean(axes)
    centred = mean_drive - channel_view(mean, mean_drive.dim())
    return mean, (centred * centred).mean(axes)


@checked
def normalise(drive: Tensor, mean: Tensor, variance: Tensor, weight: Tensor, bias: Tensor, eps: float) -> Tensor:
    """γ (a − μ)/σ + β for `[N, C, ...]`; call it on `[T·B, C, ...]` for a spike train."""
    scale = weight * (variance + eps).rsqrt()
    shift = bias - mean * scale
    return drive * channel_view(scale, drive.dim()) + channel_view(shift, drive.dim())


@checked
def normalise_backward(
    grad: Tensor, mean_drive: Tensor, mean: Tensor, variance: Tensor, weight: Tensor, eps: float
) -> tuple[Tensor, Tensor, Tensor]:
    """Gradients of batch norm with batch statistics.

    Args:
        grad: `[B, C, ...]` dL/dz̄.
        mean_drive: `[B, C, ...]` ā.
        mean, variance: `[C]` from `batch_statistics(mean_drive)`.
        weight: γ, `[C]`.
        eps: added to the variance.

    Returns:
        dL/dā `[B, C, ...]`, dL/dγ `[C]`, dL/dβ `[C]`.
    """
    inverse = (variance + eps).rsqrt()
    below, grad_weight, grad_bias = torch.ops.aten.native_batch_norm_backward(
        _laid_as(grad, mean_drive),
        mean_drive,
        weight,
        None,
        None,
        mean,
        inverse,
        train=True,
        eps=eps,
        output_mask=[True] * 3,
    )
    return below, grad_weight, grad_bias


@checked
def normalise_backward_fixed(
    grad: Tensor, drive: Tensor, mean: Tensor, variance: Tensor, weight: Tensor, eps: float
) -> tuple[Tensor, Tensor, Tensor]:
    """`normalise_backward` with constant statistics: γ/σ g `[N, C, ...]`, Σ g ẑ and Σ g `[C]`."""
    below, grad_weight, grad_bias = torch.ops.aten.native_batch_norm_backward(
        _laid_as(grad, drive),
        drive,
        weight,
        mean,
        variance,
        None,
        None,
        train=False,
        eps=eps,
        output_mask=[True] * 3,
    )
    return below, grad_weight, grad_bias


def _laid_as(grad: Tensor, drive: Tensor) -> Tensor:
    """A gradient in the memory layout of its drive: torch's kernel is ten times slower where they differ."""
    if grad.stride() == drive.stride():
        return grad
    if drive.dim() == 4 and drive.is_contiguous(memory_format=torch.channels_last):
        return grad.contiguous(memory_format=torch.channels_last)
    return grad.contiguous()


@checked
def normalise_backward_reference(
    grad: Tensor, mean_drive: Tensor, mean: Tensor, variance: Tensor, weight: Tensor, eps: float
) -> tuple[Tensor, Tensor, Tensor]:
    """`normalise_backward` by the formula above; the fast version is tested against it."""
    dims = grad.dim()
    axes = [0, *range(2, dims)]
    count = grad.numel() // grad.shape[1]
    inverse = (variance + eps).rsqrt()
    unit = (mean_drive - channel_view(mean, dims)) * channel_view(inverse, dims)
    grad_bias = grad.sum(axes)
    grad_weight = (grad * unit).sum(axes)
    centred = grad - channel_view(grad_bias / count, dims) - unit * channel_view(grad_weight / count, dims)
    return centred * channel_view(weight * inverse, dims), grad_weight, grad_bias
