"""Augmentation of image batches: shift by a few pixels, mirror left and right.

Every draw is from a given generator. A shifted picture is filled at its border by reflection or with zeros
(black). Both are pure index arithmetic on the whole batch, so that shape, type and the set of values stay.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ..arguments import checked
from ..errors import ConfigurationError, UnknownNameError, expect_shape

NAMES = {"none": (False, False), "crop": (True, False), "flip": (False, True), "crop-flip": (True, True)}
PADDINGS = ("reflect", "zero")


@dataclass(frozen=True)
class Augmentation:
    """What happens to each image of a batch `[B, C, H, W]`, drawn anew for each.

    Args:
        crop: shift by up to `shift` pixels along each axis (padding by `shift`, then a random crop).
        flip: mirror left and right with probability 1/2.
        shift: largest shift in pixels; an eighth of the shorter side where not given.
        padding: "reflect" or "zero".
    """

    crop: bool
    flip: bool
    shift: int | None = None
    padding: str = "reflect"

    def __call__(self, images: Tensor, generator: torch.Generator) -> Tensor:
        """Augmented images of the same shape and type; the given ones stay as they are."""
        if not (self.crop or self.flip):
            return images
        if images.ndim != 4:
            raise expect_shape(
                "augmentation", "B, C, H, W", images.shape, "Flat stimuli cannot be shifted or mirrored."
            )
        if self.crop:
            images = self._shifted(images, generator)
        if self.flip:
            mirrored = torch.rand(len(images), generator=generator, device=generator.device) < 0.5
            images = torch.where(mirrored.to(images.device).view(-1, 1, 1, 1), images.flip(-1), images)
        return images

    def _shifted(self, images: Tensor, generator: torch.Generator) -> Tensor:
        count, _, height, width = images.shape
        reach = max(1, round(min(height, width) / 8)) if self.shift is None else self.shift
        if reach >= min(height, width):
            raise ConfigurationError(
                f"shift: expected less than the {min(height, width)} pixels of a side, received {reach}."
            )
        drawn = torch.randint(-reach, reach + 1, (2, count, 1), generator=generator, device=generator.device)
        drawn = drawn.to(images.device)
        rows = drawn[0] + torch.arange(height, device=images.device)
        columns = drawn[1] + torch.arange(width, device=images.device)
        which = torch.arange(count, device=images.device).view(-1, 1, 1, 1)
        channels = torch.arange(images.shape[1], device=images.device).view(1, -1, 1, 1)
        moved = images[
            which,
            channels,
            _reflected(rows, height)[:, None, :, None],
            _reflected(columns, width)[:, None, None, :],
        ]
        if self.padding == "reflect":
            return moved
        inside = _within(rows, height)[:, None, :, None] & _within(columns, width)[:, None, None, :]
        return torch.where(inside, moved, torch.zeros((), dtype=images.dtype, device=images.device))


@checked
def create(name: str, *, shift: int | None = None, padding: str = "reflect") -> Augmentation:
    """The augmentation of a name: "none", "crop", "flip" or "crop-flip".

    Args:
        name: one of `NAMES`.
        shift: largest shift in pixels; an eighth of the shorter side where not given.
        padding: what fills the border: "reflect" or "zero".
    """
    if name not in NAMES:
        raise UnknownNameError("augmentation", name, NAMES)
    problems = []
    if shift is not None and (isinstance(shift, bool) or not isinstance(shift, int) or shift < 0):
        problems.append(f"shift: expected a whole number of pixels of at least 0, received {shift!r}.")
    if padding not in PADDINGS:
        problems.append(f"padding: expected one of {', '.join(PADDINGS)}, received {padding!r}.")
    if problems:
        raise ConfigurationError(problems)
    crop, flip = NAMES[name]
    return Augmentation(crop=crop, flip=flip, shift=shift, padding=padding)


def _reflected(positions: Tensor, size: int) -> Tensor:
    return (size - 1) - ((size - 1) - positions.abs()).abs()


def _within(positions: Tensor, size: int) -> Tensor:
    return (positions >= 0) & (positions < size)
