"""Image files become arrays: one colour mode and one size for all, decoded on several threads.

Orientation tags are honoured, 16-bit greys keep their upper 8 bits, transparent pixels become black. Files that
cannot be decoded are all named together.
"""

from __future__ import annotations

import io
import os
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor

from ...errors import ConfigurationError, DataError

ENDINGS = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".ppm", ".pgm"})
LARGEST_PIXELS = 64_000_000
ORIENTATION_TAG = 0x0112
GREY_MODES = ("1", "L", "LA", "I", "I;16", "I;16B", "I;16L", "F")

Opener = Callable[[], bytes]


@dataclass(frozen=True)
class Picture:
    """An image file: the name for messages, and a function that reads its bytes."""

    name: str
    opener: Opener

    @classmethod
    def at(cls, path: Path) -> Picture:
        """The image in a file."""
        return cls(str(path), path.read_bytes)


@dataclass(frozen=True)
class Form:
    """Shape that every image is converted to: 1 (grey) or 3 (colour) channels, height and width in pixels."""

    channels: int
    height: int
    width: int

    @property
    def shape(self) -> tuple[int, int, int]:
        """Axes `(channels, height, width)`."""
        return (self.channels, self.height, self.width)


def parse_size(size: int | str | Sequence[int]) -> tuple[int, int]:
    """Height and width from 32, "32", "24x32" (height x width) or (24, 32)."""
    try:
        numbers = [int(n) for n in (str(size).lower().split("x") if isinstance(size, int | str) else size)]
    except (TypeError, ValueError):
        numbers = []
    if len(numbers) not in (1, 2) or min(numbers) < 1:
        raise ConfigurationError(f"image size: expected 32, or height and width as 24x32, received {size!r}.")
    return numbers[0], numbers[-1]


def survey(pictures: Sequence[Picture]) -> tuple[Form, int]:
    """The most frequent size with the mode that loses nothing, and how many images have another size."""
    seen = _all(pictures, _header)
    sizes = Counter(size for size, _ in seen)
    (width, height), count = sizes.most_common(1)[0]
    channels = 1 if all(grey for _, grey in seen) else 3
    return Form(channels, height, width), len(seen) - count


def decode(pictures: Sequence[Picture], form: Form) -> Tensor:
    """uint8 `[N, channels, height, width]`; images of another size are scaled (bilinear).

    Raises:
        DataError: images that cannot be decoded, by name.
    """
    stimuli = torch.empty((len(pictures), *form.shape), dtype=torch.uint8)
    rows = stimuli.numpy()
    # Writing into rows keeps one decoded copy in memory, however many images there are.
    numbered = list(enumerate(pictures))

    def place(item: tuple[int, Picture]) -> None:
        rows[item[0]] = _pixels(item[1], form)

    _gather(numbered, place, lambda item: item[1].name)
    return stimuli


def _all(pictures: Sequence[Picture], work: Callable[[Picture], tuple[tuple[int, int], bool]]) -> list:
    return _gather(pictures, work, lambda picture: picture.name)


def _gather(items: Sequence, work: Callable, name: Callable[..., str]) -> list:
    def attempt(item: object) -> tuple[object, str | None]:
        try:
            return work(item), None
        except Exception as error:  # Pillow raises many unrelated kinds for damaged files
            return (
                None,
                f"{name(item)} ({str(error).splitlines()[0] if str(error) else type(error).__name__})",
            )

    with ThreadPoolExecutor(max_workers=min(8, os.cpu_count() or 1)) as pool:
        outcomes = list(pool.map(attempt, items, chunksize=64))
    broken = [message for _, message in outcomes if message is not None]
    if broken:
        more = [f"  and {len(broken) - 5} more"] if len(broken) > 5 else []
        listed = [f"  {message}" for message in broken[:5]]
        raise DataError(
            f"{len(broken)} of {len(items)} images cannot be decoded:", *listed, *more, "Remove or repair them."
        )
    return [value for value, _ in outcomes]


def _header(picture: Picture) -> tuple[tuple[int, int], bool]:
    with Image.open(io.BytesIO(picture.opener())) as image:
        width, height = image.size
        if image.getexif().get(ORIENTATION_TAG, 1) >= 5:
            width, height = height, width
        return (width, height), image.mode in GREY_MODES


def _pixels(picture: Picture, form: Form) -> np.ndarray:
    with Image.open(io.BytesIO(picture.opener())) as opened:
        if opened.width * opened.height > LARGEST_PIXELS:
            raise ValueError(f"{opened.width}x{opened.height} pixels are more than {LARGEST_PIXELS}")
        image = _eight_bit(ImageOps.exif_transpose(opened))
    image = image.convert("L" if form.channels == 1 else "RGB")
    if image.size != (form.width, form.height):
        image = image.resize((form.width, form.height), Image.Resampling.BILINEAR)
    pixels = np.asarray(image, dtype=np.uint8)
    return pixels[None] if form.channels == 1 else pixels.transpose(2, 0, 1)


def _eight_bit(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I"):
        values = np.asarray(image).astype(np.int64)
        return Image.fromarray((values >> 8 if values.max() > 255 else values).clip(0, 255).astype(np.uint8))
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        image = image.convert("RGBA")
        ground = Image.new("RGBA", image.size, (0, 0, 0, 255))
        return Image.alpha_composite(ground, image)
    return image
