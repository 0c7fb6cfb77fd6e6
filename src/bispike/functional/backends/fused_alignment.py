"""Where two pathways meet, with few passes over the large arrays: `align` and what surrounds it in one piece.

For rates X `[B, D]` with centre m, templates P `[C, D]` with centre q, a_k = X_k − m, w_c = (P_c − q)/|P_c − q| and the
gradient G of the affinities (`alignment.pair_gradient`), the gradient of a row is

    dL/dX_k = Σ_c (G_kc/|a_k|) w_c − s_k (X_k − m) [− v],    s_k = Σ_c G_kc C_kc / |a_k|²

v being the mean over the batch where m is. Neither the centred nor the unit rows are ever written out. One more pass
multiplies it, in place, by the slope of the rate and sums what the backward of the norm needs; a last one ends that
backward. Cross-entropy compares dot products with the templates as they are: √D and 1 stand in for |a_k| and |P_c − q|,
and s is 0. `align`, `centring` and `normalise_backward` are the reference, step by step.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from ..alignment import SILENCE, AlignmentLoss, pair_gradient
from . import native


def meet(
    rates: Tensor,
    templates: Tensor,
    labels: Tensor,
    negatives: Tensor,
    loss: AlignmentLoss,
    *,
    centre: Tensor | None,
    prior: Tensor | None,
    by_batch: bool,
    samples: int,
) -> tuple[Tensor, Tensor, Tensor]:
    """Local loss of a layer and what it pulls on both sides.

    Args:
        rates: X, float32 `[B, D]`.
        templates: P, float32 `[C, D]`.
        labels, negatives, loss: as for `align` (not MSE).
        centre: m, `[D]`; None for rows that are not centred.
        prior: `[C]` weights of the templates' centre q; None for templates that are not centred.
        by_batch: whether m is the mean of these rows, so that the gradient goes through it.
        samples: what a mean over samples divides by.

    Returns:
        Scalar loss, its gradients `[B, D]` of the rows and `[C, D]` of the templates.
    """
    unit = templates - prior @ templates if prior is not None else templates
    if loss.normed:
        squares = torch.empty(rates.shape[0], dtype=torch.float32)
        native.call("centred_squares", rates, centre, rates.shape[0], rates.shape[1], squares)
        length = (squares + SILENCE**2).sqrt_()[:, None]
        unit_length = (unit.square().sum(1, keepdim=True) + SILENCE**2).sqrt_()
        unit = unit / unit_length
    else:
        length = rates.new_full((rates.shape[0], 1), math.sqrt(rates.shape[1]))
        unit_length = unit.new_ones((unit.shape[0], 1))
    dots = rates @ unit.T
    cosine = (dots - unit @ centre if centre is not None else dots).div_(length)
    value, grad = pair_gradient(cosine, labels, negatives, loss, loss.scale(samples))
    shared = grad * cosine if loss.normed else torch.zeros_like(grad)
    weights = (grad / length).contiguous()
    shrink = shared.sum(1).div_(length.squeeze(1).square())
    above = (weights @ unit).addcmul_(rates, shrink[:, None], value=-1)
    if centre is not None:
        above.addr_(shrink, centre)
        if by_batch:
            above.sub_(weights.mean(0) @ unit - (shrink @ rates - shrink.sum() * centre).div_(rates.shape[0]))
    below = weights.T @ rates  # with unit rows this is Gᵀ u, without them Gᵀ a / √D
    if centre is not None:
        below.addr_(weights.sum(0), centre, alpha=-1)
    below.addcmul_(unit, shared.sum(0)[:, None], value=-1).div_(unit_length)
    if prior is not None:
        below.sub_(prior[:, None] * below.sum(0))
    return value, above, below


def fused_drive_gradient(
    pull: Tensor,
    raw: Tensor,
    *,
    affine: tuple[Tensor, Tensor] | None,
    mean_field: tuple[float, float] | None,
    unrolled: Tensor | None,
    moments: tuple[Tensor, Tensor] | None,
) -> tuple[Tensor, Tensor | None]:
    """From the pull on a population's rates (or drives) to the gradient of its time-mean drive, after the norm.

    Args:
        pull: `[B, D]`; written over.
        raw: `[B, positions, C]` time-mean drive before the norm.
        affine: scale and shift `[C]` of the norm.
        mean_field: centre and steepness of the slope 1 / (1 + (steepness (drive − centre))²).
        unrolled: the slope itself, `[B, positions, C]`. Neither of the two: no slope, the drive is aligned.
        moments: mean and inverse deviation `[C]` of the norm, where the sums are wanted.

    Returns:
        Gradient `[B, positions, C]`; with `moments` Σ g and Σ g ẑ, `[2, C]`.
    """
    samples, positions, channels = raw.shape
    grad = pull.view_as(raw)
    sums = torch.zeros((2, channels), dtype=torch.float32) if moments is not None else None
    centre, steep = mean_field if mean_field is not None else (0.0, 0.0)
    scale, shift = affine if affine is not None else (None, None)
    mean, inverse = moments if moments is not None else (None, None)
    native.call(
        "pull_rows",
        grad,
        samples,
        positions * channels,
        channels,
        *[raw, scale, shift, unrolled],
        float(centre),
        float(steep),
        *[mean, inverse, sums],
    )
    return grad, sums


def through_norm(
    grad: Tensor, raw: Tensor, scale: Tensor, moments: tuple[Tensor, Tensor], means: Tensor | None
) -> Tensor:
    """Backward of batch norm with its sums known: γ/σ (g − mean(g) − ẑ mean(g ẑ)), in place.

    Args:
        grad: `[B, positions, C]` gradient after the norm; written over.
        raw: `[B, positions, C]` drive before the norm.
        scale: γ/σ, `[C]`.
        moments: μ and 1/σ, `[C]`.
        means: mean(g) and mean(g ẑ), `[2, C]`; None where the statistics are constants: γ/σ g.
    """
    mean, inverse = moments
    tilt = torch.zeros_like(scale) if means is None else -scale * inverse * means[1]
    level = torch.zeros_like(scale) if means is None else -scale * means[0] - tilt * mean
    channels = grad.shape[2]
    native.call("combine_channels", grad, raw, scale, tilt, level, grad.numel() // channels, channels)
    return grad


def mean_field_constants(threshold: float, *, centre: float = 0.6, width: float = 1.0) -> tuple[float, float]:
    """Centre and steepness of `surrogate.mean_field_slope`."""
    return centre * threshold, math.pi / (width * math.sqrt(2))
