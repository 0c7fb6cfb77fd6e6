"""Fréchet distance between two Gaussians: how far a set of features is from another.

    d² = |μ_a − μ_b|² + tr(A + B − 2 (A^½ B A^½)^½)

Sources: Dowson and Landau 1982; as a measure of generated images, Heusel et al. 2017 (there of Inception features).
"""

from __future__ import annotations

import torch
from torch import Tensor

from ..errors import ShapeError


def gaussian_of(features: Tensor) -> tuple[Tensor, Tensor]:
    """Mean `[D]` and unbiased covariance `[D, D]` of features `[N, D]`, N ≥ 2, in double precision."""
    if features.dim() != 2 or features.shape[0] < 2:
        raise ShapeError(f"features: expected [N, D] with at least 2 rows, received {list(features.shape)}.")
    rows = features.double()
    mean = rows.mean(0)
    centred = rows - mean
    return mean, centred.T @ centred / (rows.shape[0] - 1)


def frechet_distance(mean_a: Tensor, covariance_a: Tensor, mean_b: Tensor, covariance_b: Tensor) -> Tensor:
    """d² as a scalar in double precision, at least 0; covariances may be singular.

    Args:
        mean_a, mean_b: `[D]`.
        covariance_a, covariance_b: `[D, D]`, symmetric and positive semi-definite.

    Raises:
        ShapeError.
    """
    size = mean_a.shape[0] if mean_a.dim() == 1 else -1
    shapes = [tuple(value.shape) for value in (mean_a, covariance_a, mean_b, covariance_b)]
    if shapes != [(size,), (size, size)] * 2:
        raise ShapeError(
            f"frechet_distance: expected means [D] and covariances [D, D], received {[list(s) for s in shapes]}."
        )
    a, b = covariance_a.double(), covariance_b.double()
    values, vectors = torch.linalg.eigh(a)
    root = (vectors * values.clamp(min=0).sqrt()) @ vectors.T
    inner = root @ b @ root
    cross = torch.linalg.eigvalsh((inner + inner.T) / 2).clamp(min=0).sqrt().sum()
    apart = (mean_a.double() - mean_b.double()).square().sum()
    return (apart + a.trace() + b.trace() - 2 * cross).clamp(min=0)
