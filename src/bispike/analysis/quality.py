"""How good recalled and generated images are: each beside its original, and a set beside the set of real ones."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ..errors import ConfigurationError, ShapeError, expect_shape

ROWS = 2048  # of distances in memory at a time


def mean_squared_error(images: Tensor, originals: Tensor) -> float:
    """Mean over images `[N, *shape]` and pixels of the squared difference."""
    _same(images, originals)
    return float((images.double() - originals.double()).square().mean())


def psnr(images: Tensor, originals: Tensor, peak: float = 1.0) -> float:
    """Peak signal-to-noise ratio in dB, mean over images: 10 log10(peak² / MSE of the image)."""
    _same(images, originals)
    errors = (images.double() - originals.double()).square().flatten(1).mean(1)
    return float((10 * (peak**2 / errors.clamp(min=1e-12)).log10()).mean())


def ssim(images: Tensor, originals: Tensor, peak: float = 1.0) -> float:
    """Structural similarity of images `[N, C, H, W]`, mean over images, −1 to 1 (Wang et al. 2004).

    Raises:
        ConfigurationError: torchmetrics is not installed.
    """
    _same(images, originals)
    try:
        from torchmetrics.functional.image import structural_similarity_index_measure
    except ImportError as error:
        raise ConfigurationError('SSIM needs torchmetrics: pip install "bispike[quality]".') from error
    found = structural_similarity_index_measure(images.float(), originals.float(), data_range=float(peak))
    assert isinstance(found, Tensor)
    return float(found)


@dataclass(frozen=True)
class SetQuality:
    """A generated set beside a real one, by balls around each sample that reach its k-th neighbour.

    Args:
        precision: share of generated samples inside a ball of a real one (Kynkäänniemi et al. 2019).
        recall: share of real samples inside a ball of a generated one.
        density: real balls that a generated sample lies in, over k (Naeem et al. 2020); 1 for equal sets.
        coverage: share of real balls with a generated sample inside.
        diversity: mean distance between generated samples over that between real ones; 0 for copies.
    """

    precision: float
    recall: float
    density: float
    coverage: float
    diversity: float


def set_quality(real: Tensor, generated: Tensor, neighbours: int = 5) -> SetQuality:
    """Compare two sets of features.

    Args:
        real: `[N, D]`, N > neighbours.
        generated: `[M, D]`, M > neighbours.
        neighbours: k.

    Raises:
        ShapeError, ConfigurationError.
    """
    if real.dim() != 2 or generated.dim() != 2 or real.shape[1] != generated.shape[1]:
        raise ShapeError(
            f"set_quality: expected features [N, D] and [M, D], received {list(real.shape)} and "
            f"{list(generated.shape)}."
        )
    if not 0 < neighbours < min(len(real), len(generated)):
        raise ConfigurationError(
            f"neighbours: expected at least 1 and fewer than the {min(len(real), len(generated))} samples, received "
            f"{neighbours}."
        )
    real, generated = real.double(), generated.double()
    reach_real, apart_real = _reach(real, neighbours)
    reach_made, apart_made = _reach(generated, neighbours)
    inside, precise, recalled = 0, 0, torch.zeros(len(real), dtype=torch.bool)
    covered = torch.zeros(len(real), dtype=torch.bool)
    for first in range(0, len(generated), ROWS):
        rows = slice(first, first + ROWS)
        distance = torch.cdist(generated[rows], real)
        hit = distance <= reach_real
        inside += int(hit.sum())
        precise += int(hit.any(1).sum())
        covered |= hit.any(0)
        recalled |= (distance <= reach_made[rows, None]).any(0)
    return SetQuality(
        precision=precise / len(generated),
        recall=float(recalled.double().mean()),
        density=inside / (neighbours * len(generated)),
        coverage=float(covered.double().mean()),
        diversity=apart_made / max(apart_real, 1e-12),
    )


def _reach(rows: Tensor, neighbours: int) -> tuple[Tensor, float]:
    """Distance `[N]` of each row to its k-th neighbour, and the mean distance between two rows."""
    reach, total = [], 0.0
    for part in rows.split(ROWS):
        distance = torch.cdist(part, rows)
        reach.append(distance.topk(neighbours + 1, largest=False).values[:, -1])
        total += float(distance.sum())
    return torch.cat(reach), total / (len(rows) * (len(rows) - 1))


def _same(images: Tensor, originals: Tensor) -> None:
    if images.shape != originals.shape:
        raise expect_shape("images", ", ".join(map(str, originals.shape)), images.shape)
