"""Fréchet distance of two Gaussians, and the Gaussian of a set of features.

    d² = |μa − μb|² + tr(A + B − 2 (A^½ B A^½)^½)

The trace of the last root is the sum of the singular values of A^½ B^½: real, not negative, and exact to rounding
where covariances are singular. Source: Dowson & Landau, Journal of Multivariate Analysis 1982; for features of images
Heusel et al., NeurIPS 2017.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ..arguments import checked
from ..errors import UserError, expect_shape


@checked
def gaussian_of(features: Tensor) -> tuple[Tensor, Tensor]:
    """Mean `[D]` and unbiased covariance `[D, D]` of features `[N, D]`, in float64.

    Raises:
        ShapeError: not `[N, D]` with N of at least 2.
    """
    if features.dim() != 2 or len(features) < 2:
        raise expect_shape("features", "at least 2 samples, features", features.shape)
    values = features.detach().double()
    mean = values.mean(0)
    centred = values - mean
    return mean, centred.T @ centred / (len(values) - 1)


@checked
def frechet_distance(mean_a: Tensor, cov_a: Tensor, mean_b: Tensor, cov_b: Tensor) -> Tensor:
    """Squared Fréchet distance d² ≥ 0 of two Gaussians: a scalar in float64, in squared units of the features.

    Args:
        mean_a, mean_b: `[D]`.
        cov_a, cov_b: `[D, D]`, symmetric and positive semi-definite; may be singular.

    Raises:
        ShapeError: the shapes do not match.
        UserError: a value is not finite.
    """
    if mean_a.dim() != 1:
        raise expect_shape("first mean", "features", mean_a.shape)
    size = len(mean_a)
    if mean_b.shape != mean_a.shape:
        raise expect_shape("second mean", str(size), mean_b.shape, "Do both sets have the same features?")
    for which, covariance in (("first", cov_a), ("second", cov_b)):
        if covariance.shape != (size, size):
            raise expect_shape(f"{which} covariance", f"{size}, {size}", covariance.shape)
    given = [value.detach().double() for value in (mean_a, cov_a, mean_b, cov_b)]
    if not all(bool(value.isfinite().all()) for value in given):
        raise UserError("frechet_distance: expected finite means and covariances, received NaN or infinity.")
    mean, covariance, other_mean, other_covariance = given
    overlap = torch.linalg.svdvals(_root(covariance) @ _root(other_covariance)).sum()
    distance = (mean - other_mean).square().sum() + covariance.trace() + other_covariance.trace() - 2 * overlap
    return distance.clamp_min(0)


def _root(matrix: Tensor) -> Tensor:
    """The symmetric square root of a symmetric positive semi-definite matrix."""
    values, vectors = torch.linalg.eigh(matrix)
    return vectors * values.clamp_min(0).sqrt() @ vectors.T
