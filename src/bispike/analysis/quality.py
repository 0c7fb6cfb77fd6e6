"""Quality of images: pairs are compared pixel by pixel, sets by the features of their images.

Sets are compared in a feature space (`analysis.extractors`). Each sample is the centre of a ball that reaches to its
k-th nearest neighbour in its own set:

    precision   share of generated samples inside the ball of a real one          (realism)
    recall      share of real samples inside the ball of a generated one          (coverage of the data)
    density     mean number of real balls around a generated sample, over k       (precision, robust to outliers)
    coverage    share of real balls that contain a generated sample               (recall, robust to outliers)

Sources: precision and recall, Kynkäänniemi et al., NeurIPS 2019; density and coverage, Naeem et al., ICML 2020. Balls
are open, as in the code of the latter, so that a set has density 1 relative to itself. A ball always contains its
centre: rates repeat, and a sample with k copies has a ball of radius 0.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from dataclasses import dataclass
from types import ModuleType

import torch
from torch import Tensor

from ..arguments import checked
from ..errors import ShapeError, UserError, expect_shape

ROWS = 1000
"""Rows of a distance matrix that are computed at a time."""

SSIM_BORDER = 5
"""Pixels by which SSIM's window (11 pixels, Gaussian of deviation 1.5) reaches past its centre."""


@checked
def optional_module(name: str) -> ModuleType:
    """A module of the extra `quality`.

    Raises:
        UserError: it is not installed, or does not fit the installed torch.
    """
    try:
        return importlib.import_module(name)
    except (ImportError, RuntimeError) as error:  # a torchvision built for another torch ends in a RuntimeError
        raise UserError(f'{name} cannot be imported ({error}). pip install "bispike[quality]" brings it.') from error


# ------------------------------------------------------------------ pairs of images


@checked
def mean_squared_error(a: Tensor, b: Tensor) -> float:
    """Mean squared difference of images `[N, C, H, W]`, in squared units of the images."""
    return float(_squared_errors(a, b).mean())


@checked
def psnr(a: Tensor, b: Tensor, peak: float = 1.0) -> float:
    """Peak signal-to-noise ratio 10 log₁₀(peak² / MSE) in dB, averaged over pairs of images `[N, C, H, W]`.

    Infinite if a pair is equal.
    """
    return float((10 * torch.log10(peak**2 / _squared_errors(a, b))).mean())


@checked
def ssim(a: Tensor, b: Tensor, peak: float = 1.0) -> float:
    """Structural similarity in [−1, 1], averaged over pairs of images `[N, C, H, W]` of at least 6 × 6 pixels.

    A Gaussian window of deviation 1.5 pixels, mirrored at the borders. Source: Wang et al., IEEE Transactions on Image
    Processing 2004, as in torchmetrics.

    Raises:
        ShapeError: the images are too small or differ in shape.
        UserError: torchmetrics is not installed.
    """
    _check_pairs(a, b)
    if min(a.shape[2:]) <= SSIM_BORDER:
        raise expect_shape("images", f"samples, channels, height and width above {SSIM_BORDER}", a.shape)
    measure = optional_module("torchmetrics.functional.image").structural_similarity_index_measure
    return float(measure(a.detach().float(), b.detach().float(), data_range=float(peak)))


def _squared_errors(a: Tensor, b: Tensor) -> Tensor:
    """Mean squared difference of each pair `[N]`, in float64."""
    _check_pairs(a, b)
    return (a.detach().double() - b.detach().double()).square().flatten(1).mean(1)


def _check_pairs(a: Tensor, b: Tensor) -> None:
    if a.dim() != 4 or a.numel() == 0:
        raise expect_shape("images", "samples, channels, height, width", a.shape)
    if b.shape != a.shape:
        raise expect_shape("second images", ", ".join(map(str, a.shape)), b.shape)


# ------------------------------------------------------------------ sets of features


@dataclass(frozen=True)
class SetQuality:
    """Quality of a generated set relative to a real one.

    Args:
        precision, recall, coverage: 0..1.
        density: at least 0; 1 if generated samples are as dense as real ones.
    """

    precision: float
    recall: float
    density: float
    coverage: float


@checked
def set_quality(real: Tensor, generated: Tensor, neighbours: int = 5) -> SetQuality:
    """Precision, recall, density and coverage of generated features `[M, D]` relative to real ones `[N, D]`.

    Memory is proportional to M + N, time to (M + N)² D.

    Args:
        neighbours: k; a ball reaches to the k-th nearest other sample of its own set.

    Raises:
        ShapeError: the features differ, or a set has no more than k samples.
        UserError: k is below 1.
    """
    if neighbours < 1:
        raise UserError(f"neighbours: expected at least 1, received {neighbours}.")
    _check_sets(real, generated, neighbours + 1)
    real_radius = _neighbour_distances(real, neighbours)
    generated_radius = _neighbour_distances(generated, neighbours)
    around, covers = [], torch.zeros(len(real), dtype=torch.bool, device=real.device)
    recalled = torch.zeros_like(covers)
    for rows, distances in _distances(generated, real):
        inside = (distances < real_radius) | (distances == 0)
        around.append(inside.sum(1))
        covers |= inside.any(0)
        recalled |= ((distances < generated_radius[rows, None]) | (distances == 0)).any(0)
    balls = torch.cat(around).double()
    return SetQuality(
        precision=float((balls > 0).double().mean()),
        recall=float(recalled.double().mean()),
        density=float(balls.mean() / neighbours),
        coverage=float(covers.double().mean()),
    )


@checked
def diversity(real: Tensor, generated: Tensor) -> float:
    """Mean distance between generated features `[M, D]`, over that between real ones `[N, D]`.

    1 if as diverse as the real ones, 0 for copies of one sample; NaN or infinite if all real ones are the same.
    """
    _check_sets(real, generated, 2)
    return float(_mean_distance(generated) / _mean_distance(real))


def _check_sets(real: Tensor, generated: Tensor, least: int) -> None:
    for which, features in (("real", real), ("generated", generated)):
        if features.dim() != 2 or len(features) < least:
            raise expect_shape(f"{which} features", f"at least {least} samples, features", features.shape)
    if real.shape[1] != generated.shape[1]:
        raise ShapeError(
            f"generated features: expected {real.shape[1]} per sample as in real ones, received {generated.shape[1]}."
        )


def _distances(rows: Tensor, others: Tensor) -> Iterator[tuple[slice, Tensor]]:
    """Slices of rows with their Euclidean distances `[rows, others]`; the distance of equal samples is exactly 0."""
    for start in range(0, len(rows), ROWS):
        part = slice(start, start + ROWS)
        yield part, torch.cdist(rows[part], others, compute_mode="donot_use_mm_for_euclid_dist")


def _neighbour_distances(samples: Tensor, neighbours: int) -> Tensor:
    """Distance `[N]` of each sample to its k-th nearest other one; itself is the nearest of all."""
    return torch.cat([found.kthvalue(neighbours + 1, 1).values for _, found in _distances(samples, samples)])


def _mean_distance(samples: Tensor) -> Tensor:
    total = torch.stack([found.double().sum() for _, found in _distances(samples, samples)]).sum()
    return total / (len(samples) * (len(samples) - 1))
