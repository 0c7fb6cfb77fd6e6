"""Confusion matrix of decisions, and the numbers that follow from it.

Rows are the true classes and columns the decisions, so the diagonal holds the correct ones.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from ..arguments import checked
from ..errors import ShapeError, expect_shape


@dataclass(frozen=True)
class Confusion:
    """Number of samples of class `true` that were decided as class `decided`."""

    true: int
    decided: int
    count: int


@checked
def confusion_matrix(labels: Tensor, decisions: Tensor, classes: int) -> Tensor:
    """Counts `[C, C]` (int64) of labels `[n]` (rows) against decisions `[n]` (columns).

    Raises:
        ShapeError: the two differ in length, or a value is not a class.
    """
    if labels.shape != decisions.shape or labels.ndim != 1:
        raise expect_shape("decisions", f"{len(labels)} samples", decisions.shape)
    for what, values in (("labels", labels), ("decisions", decisions)):
        if values.numel() and not 0 <= int(values.min()) <= int(values.max()) < classes:
            raise ShapeError(f"{what}: expected classes 0 to {classes - 1}, received {_range(values)}.")
    return torch.bincount(labels * classes + decisions, minlength=classes**2).reshape(classes, classes)


def _range(values: Tensor) -> str:
    return f"values from {int(values.min())} to {int(values.max())}"


@checked
def accuracy(matrix: Tensor) -> float:
    """Share of correct decisions; NaN if there are none."""
    return float(matrix.diagonal().sum() / matrix.sum())


@checked
def per_class_accuracy(matrix: Tensor) -> Tensor:
    """Share of correct decisions of each true class `[C]`; NaN where a class has no sample."""
    return matrix.diagonal() / matrix.sum(1)


@checked
def frequent_confusions(matrix: Tensor, count: int = 3) -> list[Confusion]:
    """The most frequent mistakes, most frequent first."""
    wrong = matrix.clone().fill_diagonal_(0)
    order = wrong.flatten().argsort(descending=True, stable=True)[:count].tolist()
    found = (Confusion(i // len(matrix), i % len(matrix), int(wrong.flatten()[i])) for i in order)
    return [c for c in found if c.count > 0]


@checked
def accuracy_interval(share: float, samples: int) -> tuple[float, float]:
    """95 % interval (Wilson score) of the accuracy, given the `share` of correct decisions on `samples`."""
    z = 1.959964
    centre = (share + z * z / (2 * samples)) / (1 + z * z / samples)
    half = z / (1 + z * z / samples) * math.sqrt(share * (1 - share) / samples + z * z / (4 * samples**2))
    return max(0.0, centre - half), min(1.0, centre + half)
