"""Decoding of the bottom-up output: scores of the classes, and the task loss with its gradient."""

from __future__ import annotations

import torch
from torch import Tensor

from ..arguments import checked

DECODERS = ("drive", "cosine")
EPSILON = 1e-8


@checked
def drive_scores(drive: Tensor, code: Tensor) -> Tensor:
    """Scores `[B, C]`: time-mean drive `[B, K]` projected on the unit code `[C, K]` of each class.

    With a one-hot code the scores are the drives themselves.
    """
    return drive @ unit_code(code).T


@checked
def cosine_scores(spikes: Tensor, label_spikes: Tensor) -> Tensor:
    """Cosine `[B, C]` between output spike trains `[T, B, K]` and the spike train `[T, C, K]` of each class."""
    flat = spikes.transpose(0, 1).flatten(1)
    label = label_spikes.transpose(0, 1).flatten(1)
    product = flat @ label.T
    return product / (flat.norm(dim=1)[:, None] * label.norm(dim=1)[None] + EPSILON)


@checked
def unit_code(code: Tensor) -> Tensor:
    """Rows of `[C, K]` with unit norm."""
    return code / (code.norm(dim=1, keepdim=True) + EPSILON)


@checked
def cross_entropy(
    scores: Tensor, labels: Tensor, *, samples: int | None = None, smoothing: float = 0.0
) -> tuple[Tensor, Tensor]:
    """Mean cross-entropy of `[B, C]` scores and its gradient (softmax − target) / B.

    Args:
        scores: `[B, C]`.
        labels: `[B]`.
        samples: divisor of both in place of B, where these rows are a part of a larger batch.
        smoothing: share of the target that is spread evenly over the classes, in [0, 1); 0: one-hot targets.
    """
    log_probability = scores.log_softmax(1)
    rows = torch.arange(labels.shape[0], device=labels.device)
    samples = samples or labels.shape[0]
    value = -log_probability[rows, labels].sum() / samples
    grad = log_probability.exp()
    grad[rows, labels] -= 1 - smoothing
    if smoothing:
        value = (1 - smoothing) * value - smoothing * log_probability.mean(1).sum() / samples
        grad -= smoothing / scores.shape[1]
    return value, grad / samples
