"""Centring before the cosine: what all samples share says nothing about any of them.

Features lose the mean of the batch (or a running mean that is treated as constant, which also works at batch 1);
templates lose the class-weighted mean of all templates. Each function has its closed-form backward beside it.
"""

from __future__ import annotations

from torch import Tensor

CENTRES = ("none", "batch", "running")


def centre_rows(feature: Tensor, mean: Tensor | None = None) -> Tensor:
    """`[B, D]` minus its mean over B, or minus the given constant mean `[D]`."""
    return feature - (feature.mean(0) if mean is None else mean)


def centre_rows_backward(grad: Tensor, mean: Tensor | None = None) -> Tensor:
    """Gradient of `centre_rows` with the batch mean, in place: the mean over B is taken off the gradient too.

    `mean` `[D]` is the gradient's mean over the batch where the rows are only some of it.
    """
    return grad.sub_(grad.mean(0) if mean is None else mean)


def centre_templates(template: Tensor, prior: Tensor) -> Tensor:
    """`[C, D]` minus Σ_c prior_c template_c."""
    return template - prior @ template


def centre_templates_backward(grad: Tensor, prior: Tensor) -> Tensor:
    """Gradient of `centre_templates`, in place: each row loses its prior times the sum of all rows."""
    return grad.sub_(prior[:, None] * grad.sum(0))
