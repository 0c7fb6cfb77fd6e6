"""Linear probe of a layer: ridge regression from its rates to the classes, in closed form.

    W = (XᵀX + λ I)⁻¹ Xᵀ Y,   decision = argmax of x W + b

X are centred rates, Y centred one-hot labels. λ, in units of the mean eigenvalue of XᵀX, is chosen by the accuracy on
held-out samples. The eigenvectors of the smaller of XᵀX and XXᵀ serve all λ. Source: Alain & Bengio, "Understanding
intermediate layers using linear classifier probes", 2016. A random network separates classes too, so compare a probe
with that of the untrained network.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from ..arguments import checked
from ..errors import ShapeError, expect_shape

RIDGES = (1e-4, 1e-3, 1e-2, 1e-1, 1.0, 10.0)


@dataclass(frozen=True)
class Probe:
    """Result of a linear probe of one layer.

    Args:
        accuracy: accuracy on the test samples.
        validation: accuracy on the held-out samples that chose λ.
        ridge: λ in units of the mean eigenvalue.
    """

    accuracy: float
    validation: float
    ridge: float


@dataclass(frozen=True)
class Sample:
    """Features `[n, D]` and labels `[n]`."""

    features: Tensor
    labels: Tensor

    def __post_init__(self) -> None:
        if self.features.ndim != 2 or len(self.features) != len(self.labels):
            raise expect_shape("features", f"{len(self.labels)} samples, units", self.features.shape)
        if len(self.labels) == 0:
            raise ShapeError("probe: expected at least one sample, received none.")


@checked
def linear_probe(train: Sample, validation: Sample, test: Sample, *, classes: int) -> Probe:
    """Fit on the training samples, choose the ridge on the validation samples, measure on the test samples."""
    mean = train.features.double().mean(0)
    inputs = train.features.double() - mean
    targets = F.one_hot(train.labels, classes).double()
    offset = targets.mean(0)
    targets = targets - offset
    best: tuple[float, float, Tensor] | None = None
    for ridge, weights in zip(RIDGES, _solutions(inputs, targets), strict=True):
        share = _accuracy(validation, mean, weights, offset)
        if best is None or share > best[0]:
            best = share, ridge, weights
    assert best is not None
    return Probe(_accuracy(test, mean, best[2], offset), best[0], best[1])


def _solutions(inputs: Tensor, targets: Tensor) -> list[Tensor]:
    """Weights `[D, C]` for each of RIDGES."""
    wide = inputs.shape[1] > inputs.shape[0]
    gram = inputs @ inputs.T if wide else inputs.T @ inputs
    values, vectors = torch.linalg.eigh(gram)
    scale = float(values.clamp(min=0).mean()) or 1.0
    projected = vectors.T @ (targets if wide else inputs.T @ targets)
    solved = [vectors @ (projected / (values.clamp(min=0) + ridge * scale)[:, None]) for ridge in RIDGES]
    return [inputs.T @ one for one in solved] if wide else solved


def _accuracy(sample: Sample, mean: Tensor, weights: Tensor, offset: Tensor) -> float:
    scores = (sample.features.double() - mean) @ weights + offset
    return float((scores.argmax(1) == sample.labels).double().mean())
