"""Centring of features and templates before the cosine, which removes what all samples have in common.

The mean of the batch is subtracted from features (or a running mean as a constant, which also works with one sample);
the class-weighted mean of all templates is subtracted from templates. Each function has a closed-form backward, and
`align_centred` computes centring, alignment and backward together.
"""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

from ..arguments import checked
from .alignment import AlignmentLoss, align

CENTRES = ("none", "batch", "running")


@checked
def centre_rows(feature: Tensor, mean: Tensor | None = None) -> Tensor:
    """Rows `[B, D]` minus their mean over B, or minus the given constant mean `[D]`."""
    return feature - (feature.mean(0) if mean is None else mean)


@checked
def centre_rows_backward(grad: Tensor, mean: Tensor | None = None) -> Tensor:
    """Gradient of `centre_rows` with the batch mean, in place: the mean over B is subtracted from the gradient too.

    `mean` `[D]` is the mean of the gradient over the batch, where the rows are only a part of it.
    """
    return grad.sub_(grad.mean(0) if mean is None else mean)


@checked
def centre_templates(template: Tensor, prior: Tensor) -> Tensor:
    """Templates `[C, D]` minus Σ_c prior_c template_c."""
    return template - prior @ template


@checked
def centre_templates_backward(grad: Tensor, prior: Tensor) -> Tensor:
    """Gradient of `centre_templates`, in place: its prior times the sum of all rows is subtracted from each."""
    return grad.sub_(prior[:, None] * grad.sum(0))


@checked
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
        centre: m, `[D]`; None if features are not centred.
        prior: `[C]` weights of the centre of templates; None if templates are not centred.
        batch_mean: mean `[D]` over the batch of rows `[B, D]`, if m is the mean of these features and has a gradient;
            None if m is a constant.
        samples: divisor of a mean over samples.

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
