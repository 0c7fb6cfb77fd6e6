"""Similarity losses of features and templates with a target matrix: values and closed-form gradients.

The products M = A Pᵀ of features A `[B, D]` and class templates P `[C, D]` have the target 1 where the classes are the
same and 0 elsewhere:

    match         Σ_k Σ_c w_kc (M_kc − T_kc)²,   T_kc = 1 where c is the class y(k) of sample k, else 0
    decorrelate   Σ_j Σ_k (A Aᵀ − I)²_jk

With one template per class (`classes`), w = 1. With one template per sample, equal for all samples of a class
(`identity`), the target is the B × B identity: sample k is compared n_c times with the template of class c, where n_c
is the number of its samples in the batch, and the target is 1 only once. So w_kc = n_c, with one target of 1 per
sample.
Source: counter-current learning, Kao & Hariharan, NeurIPS 2024 (paper: identity, released code: classes).
"""

from __future__ import annotations

import torch
from torch import Tensor

from ..arguments import checked


@checked
def match_classes(
    feature: Tensor, template: Tensor, labels: Tensor, occurrences: Tensor | None = None
) -> tuple[Tensor, Tensor, Tensor]:
    """Sum over pairs of (product − target)², with its gradients.

    Args:
        feature: A, `[B, D]`.
        template: P, `[C, D]`.
        labels: `[B]` row of `template` that belongs to each sample.
        occurrences: `[C]` how often each class occurs in the whole batch, for the B × B identity; None: the B × C
            matrix of classes.

    Returns:
        Value, dL/dA `[B, D]`, dL/dP `[C, D]`.
    """
    products = feature @ template.T
    weighted = products if occurrences is None else products * occurrences
    own = products.gather(1, labels[:, None])
    value = (weighted * products).sum() - 2 * own.sum() + labels.shape[0]
    grad = 2 * weighted.scatter_add(1, labels[:, None], torch.full_like(own, -1))
    return value, grad @ template, grad.T @ feature


@checked
def decorrelate(rows: Tensor, everyone: Tensor, same: Tensor) -> tuple[Tensor, Tensor]:
    """Sum over pairs of (product − target)², the target 1 for a row with itself and 0 otherwise, with its gradient.

    Args:
        rows: A, `[N, D]`.
        everyone: `[M, D]` all rows, which include the N rows of `rows` (all, or those of one of several processes).
        same: `[N, M]`, 1 where both rows are the same, else 0.

    Returns:
        Value of the pairs that begin with one of `rows`, and dL/dA `[N, D]` of the sum over all pairs.
    """
    difference = rows @ everyone.T - same
    return difference.square().sum(), 4 * difference @ everyone


@checked
def unit_rows_backward(grad: Tensor, unit: Tensor, norm: Tensor) -> Tensor:
    """dL/d rows `[N, D]` from dL/d unit rows, with the output of `unit_rows`."""
    return (grad - unit * (grad * unit).sum(1, keepdim=True)) / norm
