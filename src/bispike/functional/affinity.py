"""Affinity matching, the local loss of autoencoders: a population preserves the affinities of its input.

The affinity of two samples k, j in a population is the cosine of their centred rows, C_kj = u_k·u_j. A population
that reproduces the affinities R of its input preserves the differences between samples, without a label and without an
error from another layer:

    L = 1/B Σ_kj (C_kj − R_kj)²            dL/du = 4/B (C − R) u

This is similarity matching (Pehlevan and Chklovskii 2015) on the unit sphere; linear neurons learn the principal
subspace. Neurons that fire at most T times add the same noise in every direction, which hides directions with little
variance. A power of R below 1 (of its eigenvalues) amplifies these directions, like linear precoding for a noisy
channel. With the power 1/2 the variances become deviations. Derivation: docs/mathematics.md.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ..arguments import checked
from ..errors import ShapeError
from .alignment import unit_rows
from .similarity import unit_rows_backward


@checked
def affinity(rows: Tensor, power: float = 1.0) -> Tensor:
    """Cosines `[B, B]` of the centred rows `[B, D]` to a matrix power in (0, 1], with a diagonal of ones."""
    unit, _ = unit_rows(rows - rows.mean(0))
    gram = unit @ unit.T
    if power == 1:
        return gram
    values, vectors = torch.linalg.eigh(gram.double())
    raised = (vectors * values.clamp(min=0).pow(power)) @ vectors.T
    deviation = raised.diagonal().clamp(min=1e-12).sqrt()
    return (raised / (deviation[:, None] * deviation)).to(rows.dtype)


@checked
def match_affinity(rows: Tensor, reference: Tensor) -> tuple[Tensor, Tensor]:
    """Value of the affinity loss and its gradient.

    Args:
        rows: `[B, D]` features of a population.
        reference: R, `[B, B]` affinities to preserve.

    Returns:
        Scalar L, and dL/d rows `[B, D]`.

    Raises:
        ShapeError.
    """
    samples = rows.shape[0]
    if rows.dim() != 2 or reference.shape != (samples, samples):
        raise ShapeError(
            f"match_affinity: expected features [B, D] and a reference [B, B], received {list(rows.shape)} "
            f"and {list(reference.shape)}."
        )
    unit, norm = unit_rows(rows - rows.mean(0))
    difference = unit @ unit.T - reference
    value = difference.square().sum() / samples
    grad = unit_rows_backward(difference @ unit * (4 / samples), unit, norm)
    return value, grad - grad.mean(0)
