"""Alignment of two pathways in one layer: value and closed-form gradient of the alignment losses.

Bottom-up features A `[B, D]` are compared with top-down templates P `[C, D]`, one per class. With C_kc = cos(a_k, p_c):

    ReCo     Σ_k (1 − C_k,y(k))² + λ Σ_k Σ_c n_kc max(0, C_kc)²
    InfoNCE  −Σ_k log( exp(C_k,y/κ) / (exp(C_k,y/κ) + Σ_c n_kc exp(C_kc/κ)) )
    CE       the same with the dot product a_k·p_c / √D in place of the cosine: a classifier whose weights are p
    MSE      Σ_k mean_d (a_kd − p_y(k),d)²

n_kc is the number of times that class c counts as a negative of sample k. Because samples of one class share their
template, the literal B×B loss of the paper is exactly this B×C loss with counted columns; other contrasts only change
the counts. Sources: ReCo, Lin et al., WACV 2023; its layer-wise use, arXiv 2509.20284 §4.3; derivation of
the gradients: docs/mathematics.md.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import torch
from torch import Tensor

from ..arguments import checked
from ..errors import ConfigurationError, ShapeError, unknown_name

LOSSES = ("reco", "infonce", "cross-entropy", "mse")
CONTRASTS = ("batch", "masked", "classes", "expected")
REDUCTIONS = ("sum", "sample", "mean")
SILENCE = 1e-2
"""ε, the norm below which a row is silent. It is small compared with the norm of any row that fires, and large enough
that the gradient of a silent row, which grows like 1/ε, does not dominate the state of the optimizer."""


@dataclass(frozen=True)
class AlignmentLoss:
    """Alignment loss of pairs of features and templates.

    Args:
        kind: `"reco"`, `"infonce"`, `"cross-entropy"` or `"mse"`.
        strength: λ of ReCo, non-negative.
        temperature: κ of InfoNCE and cross-entropy, positive.
        reduction: `"sum"` over samples and pairs (the formula as printed in the paper); `"sample"`: sums over pairs,
            mean over samples; `"mean"`: mean over samples and mean over each sample's negatives.

    Attributes:
        normed: whether rows and templates are compared with unit norm.

    Raises:
        ConfigurationError: unknown names.
    """

    kind: str = "reco"
    strength: float = 0.1
    temperature: float = 0.1
    reduction: str = "sample"
    normed: bool = field(init=False, default=True)

    def __post_init__(self) -> None:
        problems = []
        if self.kind not in LOSSES:
            problems.append(unknown_name("alignment loss", self.kind, LOSSES))
        if self.reduction not in REDUCTIONS:
            problems.append(unknown_name("reduction", self.reduction, REDUCTIONS))
        if problems:
            raise ConfigurationError(problems)
        object.__setattr__(self, "normed", self.kind in ("reco", "infonce"))

    def scale(self, samples: int) -> float:
        """Factor of a sum over this many samples."""
        return 1.0 if self.reduction == "sum" else 1.0 / max(samples, 1)


@dataclass(frozen=True)
class Alignment:
    """Result of `align`.

    Attributes:
        value: scalar loss.
        grad_feature: `[B, D]` dL/dA.
        grad_template: `[C, D]` dL/dP.
        cosine: `[B, C]` affinity C_kc (of the centred features).
    """

    value: Tensor
    grad_feature: Tensor
    grad_template: Tensor
    cosine: Tensor


@checked
def negative_counts(
    labels: Tensor,
    classes: int,
    *,
    contrast: str = "expected",
    prior: Tensor | None = None,
    reference_batch: int = 128,
    occurrences: Tensor | None = None,
    dtype: torch.dtype = torch.float32,
) -> Tensor:
    """How often each class counts as a negative of each sample.

    Args:
        labels: `[B]` class of each sample.
        classes: C.
        contrast: `"batch"`: every other sample of the batch, also of the same class (the literal loss of the
            paper); `"masked"`: every sample of another class; `"classes"`: every other class with its expected
            count in a reference batch; `"expected"`: the expectation of the literal loss over reference batches:
            every class with its expected count, the same class with its count minus one. The last two do not
            depend on the other samples of the batch.
        prior: `[C]` share of each class, summing to 1; uniform if None.
        reference_batch: size of the reference batch.
        occurrences: `[C]` how often each class occurs in the batch, where the labels are only a part of it.
        dtype: dtype of the result.

    Returns:
        `[B, C]` counts, at least 0.
    """
    if contrast not in CONTRASTS:
        raise ConfigurationError(unknown_name("contrast", contrast, CONTRASTS))
    if contrast in ("batch", "masked"):
        base = (torch.bincount(labels, minlength=classes) if occurrences is None else occurrences).to(dtype)
    elif prior is None:
        base = torch.full((classes,), reference_batch / classes, dtype=dtype, device=labels.device)
    else:
        base = reference_batch * prior.to(dtype)
    counts = base.repeat(labels.shape[0], 1)
    own = (base[labels] - 1).clamp_(min=0) if contrast in ("batch", "expected") else torch.zeros_like(base[labels])
    return counts.scatter_(1, labels[:, None], own[:, None])


@checked
def align(
    feature: Tensor,
    template: Tensor,
    labels: Tensor,
    negatives: Tensor,
    loss: AlignmentLoss | None = None,
    *,
    samples: int | None = None,
    consume: bool = False,
) -> Alignment:
    """Value and closed-form gradient of an alignment loss for both sides.

    Args:
        feature: A, `[B, D]` bottom-up features.
        template: P, `[C, D]` top-down features, one row per class (or per sample, with `labels = arange(B)`).
        labels: `[B]` row of `template` that belongs to each sample.
        negatives: n, `[B, C]` from `negative_counts`.
        loss: the alignment loss; None: the defaults of `AlignmentLoss`.
        consume: whether the memory of `feature` and `template` may be overwritten.
        samples: divisor of a mean over samples, where the rows are only a part of a batch; B if None.

    Returns:
        Alignment.

    Raises:
        ShapeError.
    """
    _check(feature, template, labels, negatives)
    loss = loss or AlignmentLoss()
    samples = samples or labels.shape[0]
    if loss.kind == "mse":
        return _mse(feature, template, labels, loss.scale(samples))
    if not loss.normed:
        return _dot(feature, template, labels, negatives, loss, samples)
    unit_a, norm_a = unit_rows(feature, consume=consume)
    unit_p, norm_p = unit_rows(template, consume=consume)
    cosine = unit_a @ unit_p.T
    value, grad = pair_gradient(cosine, labels, negatives, loss, samples)
    shared = grad * cosine
    grad_a = (grad @ unit_p).addcmul_(unit_a, shared.sum(1, keepdim=True), value=-1).div_(norm_a)
    grad_p = (grad.T @ unit_a).addcmul_(unit_p, shared.sum(0)[:, None], value=-1).div_(norm_p)
    return Alignment(value, grad_a, grad_p, cosine)


@checked
def pair_gradient(
    cosine: Tensor,
    labels: Tensor,
    negatives: Tensor,
    loss: AlignmentLoss,
    samples: int,
) -> tuple[Tensor, Tensor]:
    """Value of a loss and its gradient with respect to the affinities (not MSE, which has none).

    Args:
        cosine: `[B, C]` affinities: cosines, or dot products over √D for cross-entropy.
        labels, negatives, loss: as for `align`.
        samples: divisor of a mean over samples.

    Returns:
        Scalar loss, and G = dL/dC `[B, C]`.
    """
    scale = 1.0 if loss.reduction == "sum" else 1.0 / max(samples, 1)
    rows = torch.arange(labels.shape[0], device=labels.device)
    own = cosine[rows, labels]
    if loss.reduction == "mean":
        negatives = negatives / negatives.sum(1, keepdim=True).clamp(min=1e-12)
    if loss.kind == "reco":
        positive = cosine.clamp(min=0)
        weighted = negatives * positive
        value = scale * ((1 - own).square().sum() + loss.strength * (weighted * positive).sum())
        grad = weighted.mul_(2 * loss.strength * scale)
        grad[rows, labels] -= 2 * scale * (1 - own)
    else:
        if loss.reduction == "mean":
            negatives = negatives * (cosine.shape[1] - 1)
        logits = cosine / loss.temperature
        logits = logits - logits.amax(1, keepdim=True)
        weights = negatives.scatter_add(1, labels[:, None], torch.ones_like(own)[:, None])
        mass = weights * logits.exp()
        total = mass.sum(1, keepdim=True)
        value = scale * (total.log().squeeze(1) - logits[rows, labels]).sum()
        grad = (mass / total) * (scale / loss.temperature)
        grad[rows, labels] -= scale / loss.temperature
    return value, grad


@checked
def unit_rows(rows: Tensor, *, consume: bool = False) -> tuple[Tensor, Tensor]:
    """Rows divided by sqrt(|row|² + ε²): a silent row gives a zero row, and the gradient stays exact."""
    norm = (torch.linalg.vector_norm(rows, dim=1, keepdim=True).square_() + SILENCE**2).sqrt_()
    return rows.div_(norm) if consume else rows / norm, norm


def _dot(
    feature: Tensor, template: Tensor, labels: Tensor, negatives: Tensor, loss: AlignmentLoss, samples: int
) -> Alignment:
    """Alignment with cross-entropy; the reported affinity is still the cosine."""
    root = math.sqrt(feature.shape[1])
    dots = feature @ template.T / root
    value, grad = pair_gradient(dots, labels, negatives, loss, samples)
    grad = grad / root
    lengths = feature.square().sum(1, keepdim=True) + SILENCE**2, template.square().sum(1) + SILENCE**2
    return Alignment(value, grad @ template, grad.T @ feature, dots * root / (lengths[0] * lengths[1]).sqrt())


def _mse(feature: Tensor, template: Tensor, labels: Tensor, scale: float) -> Alignment:
    width = feature.shape[1]
    difference = feature - template[labels]
    value = scale * difference.square().sum() / width
    grad = difference * (2 * scale / width)
    grad_template = torch.zeros_like(template).index_add_(0, labels, grad, alpha=-1)
    with torch.no_grad():
        cosine = unit_rows(feature)[0] @ unit_rows(template)[0].T
    return Alignment(value, grad, grad_template, cosine)


def _check(feature: Tensor, template: Tensor, labels: Tensor, negatives: Tensor) -> None:
    if feature.dim() != 2 or template.dim() != 2 or feature.shape[1] != template.shape[1]:
        raise ShapeError(
            "align: expected features [B, D] and templates [C, D] with the same D, received "
            f"{list(feature.shape)} and {list(template.shape)}."
        )
    if labels.shape != feature.shape[:1] or negatives.shape != (feature.shape[0], template.shape[0]):
        raise ShapeError(
            f"align: expected labels [B={feature.shape[0]}] and negatives [B, C={template.shape[0]}], received "
            f"{list(labels.shape)} and {list(negatives.shape)}."
        )
