"""Cues: masks of the known part of a stimulus whose rest is hidden."""

from __future__ import annotations

import torch
from torch import Tensor

from ..arguments import checked

HALVES = ("bottom", "top", "left", "right", "none")  # the half of a stimulus that is hidden


@checked
def random_cue(stimulus: Tensor, most: float, *, generator: torch.Generator | None = None) -> Tensor:
    """Mask of each stimulus with a random hidden share of at most `most`: 1 known, 0 hidden.

    In an image the hidden part is a strip along one of its four sides; in a vector it is a random subset.

    Args:
        stimulus: `[B, C, H, W]` or `[B, D]`.
        most: largest share that is hidden, in [0, 1].
        generator: source of randomness.

    Returns:
        `[B, 1, H, W]` or `[B, D]`.
    """
    batch, device = stimulus.shape[0], stimulus.device
    share = torch.rand(batch, generator=generator, device=device) * most
    if stimulus.dim() != 4:
        draw = torch.rand(stimulus.shape, generator=generator, device=device)
        return (draw >= share.view(-1, *[1] * (stimulus.dim() - 1))).to(stimulus.dtype)
    side = torch.randint(4, (batch,), generator=generator, device=device)
    height, width = stimulus.shape[2:]
    down = (torch.arange(height, device=device) + 0.5).div(height).view(1, height, 1).expand(batch, -1, width)
    across = (torch.arange(width, device=device) + 0.5).div(width).view(1, 1, width).expand(batch, height, -1)
    along = torch.stack([down, 1 - down, across, 1 - across])[side, torch.arange(batch, device=device)]
    return (along >= share.view(-1, 1, 1)).to(stimulus.dtype).unsqueeze(1)


@checked
def half_cue(shape: tuple[int, ...], hidden: str) -> Tensor:
    """Mask of a stimulus, 1 known and 0 in the hidden half: `[1, *shape[1:]]` for images, `shape` for vectors."""
    known = torch.ones(shape if len(shape) == 1 else (1, *shape[1:]))
    if hidden == "none":
        return known
    axis = -1 if hidden in ("left", "right") or len(shape) == 1 else -2
    half = known.shape[axis] // 2
    start = half if hidden in ("bottom", "right") else 0
    known.narrow(axis, start, known.shape[axis] - half if start else half).zero_()
    return known
