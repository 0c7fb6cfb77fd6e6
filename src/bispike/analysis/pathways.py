"""Similarity of the two pathways in spikes, features and weights.

Spikes: the share of equal entries means little alone, since two silent units agree fully. It is given beside the chance
level of independent spikes, p q + (1 - p)(1 - q) for rates p and q of one unit, averaged over units, and beside the
agreement with the imaginations of *other* classes. Features: cosines. Weights: the angle between W and the transposed
top-down weights, 0 degrees for tied and 90 degrees for unrelated weights.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ..arguments import checked
from ..errors import expect_shape
from ..functional import angle_between
from ..nn import Network
from .recorded_passes import LayerReading


@dataclass(frozen=True)
class Agreement:
    """Share of equal spikes of the two pathways at one layer.

    Args:
        own: with the imagination of the stimulus's own class.
        other: with the imaginations of the other classes, averaged.
        chance: expected for independent spikes with the same rates of each unit.
        margin: own minus other, paired by stimulus.
        error: standard error of the margin over stimuli (which share the imaginations); NaN for one stimulus.
    """

    name: str
    own: float
    other: float
    chance: float
    margin: float
    error: float


@dataclass(frozen=True)
class Angle:
    """Angle between W and the transposed top-down weights of two neighbouring layers.

    Args:
        name: of the lower layer.
        degrees: the angle.
        spread: standard deviation, in degrees, of the angle of unrelated weights around 90.
    """

    name: str
    degrees: float
    spread: float


@dataclass(frozen=True)
class Affinity:
    """Summary of a class affinity matrix `[C, C]`.

    Args:
        own: mean cosine on the diagonal.
        other: mean cosine off the diagonal.
        matched: share of classes whose largest affinity is with their own template.
    """

    own: float
    other: float
    matched: float


@checked
def agreement(readings: Sequence[LayerReading], labels: Tensor) -> list[Agreement]:
    """Agreement of each layer for stimuli with labels `[n]`; empty for a network that does not spike."""
    return [_agreement(reading, reading.equal, labels) for reading in readings if reading.equal is not None]


def _agreement(reading: LayerReading, equal: Tensor, labels: Tensor) -> Agreement:
    if labels.shape != equal.shape[:1]:
        raise expect_shape("labels", "samples", labels.shape, f"There are {len(equal)} samples.")
    own = torch.zeros_like(equal, dtype=torch.bool).scatter(1, labels[:, None], value=True)
    margins = (equal[own] - equal.masked_fill(own, 0.0).sum(1) / max(equal.shape[1] - 1, 1)).double()
    p = reading.rates.mean(0)
    q = reading.templates[labels].mean(0)
    return Agreement(
        name=reading.name,
        own=float(equal[own].mean()),
        other=float(equal[~own].mean()),
        chance=float((p * q + (1 - p) * (1 - q)).mean()),
        margin=float(margins.mean()),
        error=float(margins.std() / math.sqrt(len(margins))) if len(margins) > 1 else math.nan,
    )


@checked
def random_angle_spread(entries: int) -> float:
    """Standard deviation, in degrees, of the angle between two random arrays with this number of zero-mean entries.

    The cosine of two independent directions in n dimensions has variance 1/n; near 90 degrees the angle in
    radians is π/2 minus the cosine.
    """
    return math.degrees(1 / math.sqrt(entries))


@checked
def pathway_angles(network: Network) -> list[Angle]:
    """Angle between W and the transposed top-down weights for each pair of neighbouring layers."""
    return [
        Angle(name, angle_between(w, theta), random_angle_spread(w.numel()))
        for name, (w, theta) in network.pathway_weights().items()
    ]


@checked
def affinity(features: Tensor, templates: Tensor, *, centred: bool = False) -> Tensor:
    """Cosines `[n, C]` of features `[n, D]` with class templates `[C, D]`.

    Args:
        features: bottom-up features, one row per sample (or per class).
        templates: top-down features, one row per class.
        centred: subtract the mean row of each side first, which removes what all rows have in common.

    A row of zeros (a silent layer) has cosine 0; a row of NaN (a class without samples) stays NaN.
    """
    if features.ndim != 2 or templates.ndim != 2 or features.shape[1] != templates.shape[1]:
        raise expect_shape("features", f"samples, {templates.shape[-1]} units", features.shape)
    a, b = features.double(), templates.double()
    if centred:
        a, b = a - a.nanmean(0), b - b.nanmean(0)
    return (_unit_rows(a) @ _unit_rows(b).T).to(features.dtype)


def _unit_rows(rows: Tensor) -> Tensor:
    norms = rows.norm(dim=1, keepdim=True)
    return torch.where(norms < 1e-12, torch.zeros_like(rows), rows / norms.clamp_min(1e-12))


@checked
def class_means(features: Tensor, labels: Tensor, classes: int) -> Tensor:
    """Mean row `[C, *f]` of features `[n, *f]` for each class; NaN where a class has no sample."""
    sums = features.new_zeros((classes, *features.shape[1:])).index_add(0, labels, features)
    counts = torch.bincount(labels, minlength=classes).to(features.dtype)
    return sums / counts.reshape(-1, *[1] * (features.ndim - 1))


@checked
def class_affinity(reading: LayerReading, labels: Tensor, *, centred: bool = False) -> Tensor:
    """Affinity matrix `[C, C]` of one layer: class-mean bottom-up rates against the class templates."""
    means = class_means(reading.rates, labels, len(reading.templates))
    return affinity(means, reading.templates, centred=centred)


@checked
def summarise_affinity(matrix: Tensor) -> Affinity:
    """Summarise a class affinity matrix `[C, C]`; classes without samples (NaN rows) are left out."""
    present = ~matrix.isnan().any(1)
    diagonal = torch.eye(len(matrix), dtype=torch.bool)[present]
    rows = matrix[present]
    return Affinity(
        own=float(rows[diagonal].mean()),
        other=float(rows[~diagonal].mean()),
        matched=float((rows.argmax(1) == torch.arange(len(matrix))[present]).float().mean()),
    )
