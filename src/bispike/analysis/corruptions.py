"""Corruptions of a stimulus in five severities, to measure how robust decisions are.

Each is a pure function of a batch `[B, *shape]` with values in 0..1 (images `[B, C, H, W]`) and a random generator. The
kinds follow Hendrycks & Dietterich, "Benchmarking Neural Network Robustness to Common Corruptions and Perturbations",
ICLR 2019: noise and contrast with the levels of the paper; blur with a Gaussian kernel whose width is relative to the
image, so that a severity means the same for 8x8 and for 64x64 pixels; occlusion by a grey square (DeVries & Taylor,
"Improved Regularization of Convolutional Neural Networks with Cutout", 2017).
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

from ..arguments import checked
from ..errors import ConfigurationError, UnknownNameError, expect_shape

NOISE_STD = (0.08, 0.12, 0.18, 0.26, 0.38)  # in units of the pixel range
BLUR_SIGMA = (0.02, 0.03, 0.045, 0.06, 0.08)  # in units of the image's shorter side
OCCLUDED_AREA = (0.05, 0.10, 0.20, 0.30, 0.40)  # share of the image
CONTRAST = (0.4, 0.3, 0.2, 0.1, 0.05)  # remaining share of the deviation from the mean of the image
GREY = 0.5


@checked
def gaussian_noise(stimulus: Tensor, severity: int, *, generator: torch.Generator | None = None) -> Tensor:
    """Add independent normal noise to each value and clip to 0..1."""
    noise = torch.empty_like(stimulus).normal_(generator=generator)
    return (stimulus + NOISE_STD[severity - 1] * noise).clamp_(0.0, 1.0)


@checked
def blur(stimulus: Tensor, severity: int, *, generator: torch.Generator | None = None) -> Tensor:
    """Convolve each channel with a Gaussian; the border is repeated."""
    _expect_image(stimulus, "blur")
    channels, height, width = stimulus.shape[1:]
    sigma = BLUR_SIGMA[severity - 1] * min(height, width)
    reach = max(1, math.ceil(3 * sigma))
    offsets = torch.arange(-reach, reach + 1, dtype=stimulus.dtype, device=stimulus.device)
    kernel = torch.exp(-0.5 * (offsets / sigma) ** 2)
    kernel = (kernel / kernel.sum()).expand(channels, 1, -1)
    padded = F.pad(stimulus, (reach, reach, reach, reach), mode="replicate")
    rows = F.conv2d(padded, kernel.unsqueeze(2), groups=channels)
    return F.conv2d(rows, kernel.unsqueeze(3), groups=channels)


@checked
def occlusion(stimulus: Tensor, severity: int, *, generator: torch.Generator | None = None) -> Tensor:
    """Cover a square at a random place of each image with grey."""
    _expect_image(stimulus, "occlusion")
    batch, _, height, width = stimulus.shape
    area = OCCLUDED_AREA[severity - 1] * height * width
    side = min(max(1, round(math.sqrt(area))), height, width)
    device = stimulus.device
    top = torch.randint(height - side + 1, (batch, 1, 1, 1), generator=generator, device=device)
    left = torch.randint(width - side + 1, (batch, 1, 1, 1), generator=generator, device=device)
    row = torch.arange(height, device=device).view(1, 1, height, 1)
    column = torch.arange(width, device=device).view(1, 1, 1, width)
    covered = (row >= top) & (row < top + side) & (column >= left) & (column < left + side)
    return torch.where(covered, torch.full_like(stimulus, GREY), stimulus)


@checked
def contrast(stimulus: Tensor, severity: int, *, generator: torch.Generator | None = None) -> Tensor:
    """Shrink the deviation of each value from the mean of its own stimulus."""
    mean = stimulus.flatten(1).mean(1).view(-1, *[1] * (stimulus.dim() - 1))
    return (stimulus - mean) * CONTRAST[severity - 1] + mean


registry: dict[str, Callable[..., Tensor]] = {
    "gaussian-noise": gaussian_noise,
    "blur": blur,
    "occlusion": occlusion,
    "contrast": contrast,
}


@checked
def parse(text: str) -> tuple[str, int]:
    """`"blur:3"` as kind and severity.

    Raises:
        UnknownNameError: the kind is not known.
        ConfigurationError: the severity is missing or not 1..5.
    """
    kind, _, level = text.partition(":")
    kind = kind.strip().replace("_", "-")
    if kind not in registry:
        raise UnknownNameError("corruption", kind, registry)
    if level.strip() not in {"1", "2", "3", "4", "5"}:
        raise ConfigurationError(
            f"corruption: expected KIND:SEVERITY with a severity of 1 to 5, such as '{kind}:3'; received {text!r}."
        )
    return kind, int(level)


@checked
def corrupt(stimulus: Tensor, kind: str, severity: int, *, generator: torch.Generator | None = None) -> Tensor:
    """Apply the corruption `kind` with `severity` 1..5 to a batch; the input is left unchanged.

    Args:
        stimulus: `[B, *shape]`, values in 0..1.
        kind: a name of `registry`.
        severity: 1 (weak) to 5 (strong).
        generator: random generator of noise and of the place of the occlusion.
    """
    kind, severity = parse(f"{kind}:{severity}")
    return registry[kind](stimulus, severity, generator=generator)


@checked
def transform(text: str) -> Callable[[Tensor, torch.Generator], Tensor]:
    """The corruption that `KIND:SEVERITY` names, as a function of a batch on any device and a generator (CPU)."""
    kind, severity = parse(text)

    def damage(stimulus: Tensor, generator: torch.Generator) -> Tensor:
        return registry[kind](stimulus.cpu(), severity, generator=generator).to(stimulus.device)

    return damage


def _expect_image(stimulus: Tensor, what: str) -> None:
    if stimulus.dim() != 4:
        raise expect_shape(what, "batch, channels, height, width", stimulus.shape, "It works on images only.")
