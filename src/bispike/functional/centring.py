"""Centring before the cosine: what all samples share says nothing about any of them.

Features lose the mean of the batch (or a running mean that is treated as constant, which also works at batch 1);
templates lose the class-weighted mean of all templates. Each function has its closed-form backward beside it, and
`align_centred` is the whole: centring, alignment, and the way back.
"""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

from .alignment import AlignmentLoss, align

CENTRES = ("none", "batch", "running")


def centre_rows(feature: Tensor, mean: Tensor | None = None) -> Tensor:
    """`[B, D]` minus its mean over B, or minus the given constant mean `[D]`."""
    return feature - (feature.mean(0) if mean is None else mean)


def centre_rows_backward(grad: Tensor, mean: Tensor | None = None) -> Tensor:
    """Gradient of `centre_rows` with the batch mean, in place: the mean over B is subtracted from the gradient too.

    `mean` `[D]` is the gradient's mean over the batch where the rows are only some of it.
    """
    return grad.sub_(grad.mean(0) if mean is None else mean)


def centre_templates(template: Tensor, prior: Tensor) -> Tensor:
    """`[C, D]` minus Σ_c prior_c template_c."""
    return template - prior @ template


def centre_templates_backward(grad: Tensor, prior: Tensor) -> Tensor:
    """Gradient of `centre_templates`, in place: each row loses its prior times the sum of all rows."""
    return grad.sub_(prior[:, None] * grad.sum(0))


def align_centred(
    features: Tensor,
    templates: Tensor,
    labels: Tensor,
    negatives: Tensor,
    loss: AlignmentLoss,
    *,
    centre: Tensor | None,
    prior: Tensor | None,
    batch_mean: Callable[[Tensor], Tensor] | None,
    samples: int,
) -> tuple[Tensor, Tensor, Tensor]:
    """Local loss of a layer with centring: value and gradients of both sides.

    Args:
        features: X, `[B, D]`; left unchanged.
        templates: P, `[C, D]`; left unchanged.
        labels, negatives, loss: as for `align`.
        centre: m, `[D]`; None for features that are not centred.
        prior: `[C]` weights of the templates' centre; None for templates that are not centred.
        batch_mean: mean `[D]` over the batch of rows `[B, D]`, where m is the mean of these features, so that the
            gradient goes through it; None where m is a constant.
        samples: what a mean over samples divides by.

    Returns:
        Scalar loss, its gradients `[B, D]` of the features and `[C, D]` of the templates.
    """
    rows = features.clone() if centre is None else centre_rows(features, centre)
    columns = templates.clone() if prior is None else centre_templates(templates, prior)
    found = align(rows, columns, labels, negatives, loss, samples=samples, consume=True)
    grad_features, grad_templates = found.grad_feature, found.grad_template
    if batch_mean is not None:
        centre_rows_backward(grad_features, batch_mean(grad_features))
    if prior is not None:
        centre_templates_backward(grad_templates, prior)
    return found.value, grad_features, grad_templates
