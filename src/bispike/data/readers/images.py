"""Image files become arrays: one colour mode and one size for all, decoded on several threads.

Orientation tags are honoured, 16-bit greys keep their upper 8 bits, transparent pixels become black. Files that
cannot be decoded are all named together. A small file can declare any number of pixels, so the size is compared with a
limit before any pixel is decoded, and large images are decoded one after the other.
"""

from __future__ import annotations

import contextlib
import io
import math
import os
import threading
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor

from ...errors import ConfigurationError, DataError
from ..memory_limit import Room
from .contents import read_file

ENDINGS = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".ppm", ".pgm"})
DECODERS = ("PNG", "JPEG", "BMP", "GIF", "TIFF", "WEBP", "PPM")
"""What Pillow may take a file for, whatever its ending; others run programs (EPS) or open parts of office files."""
LARGEST_PIXELS = 64_000_000
PER_PIXEL = 8
"""Bytes of a decoded pixel, with copies of another mode."""
LARGE_PIXELS = 4_000_000
"""From here on images are decoded one after the other."""
ORIENTATION_TAG = 0x0112
GREY_MODES = ("1", "L", "LA", "I", "I;16", "I;16B", "I;16L", "F")

Opener = Callable[[], bytes]


@dataclass(frozen=True)
class Picture:
    """An image file: the name for messages, and a function that reads its bytes."""

    name: str
    opener: Opener

    @classmethod
    def at(cls, path: Path, room: Room) -> Picture:
        """The image in a file, which is read when it is needed."""
        return cls(str(path), partial(read_file, path, room))


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


def survey(pictures: Sequence[Picture], room: Room) -> tuple[Form, int]:
    """The most frequent size with the mode that loses nothing, and how many images have another size.

    Raises:
        DataError: images that cannot be read, or have more pixels than the limit, by name.
    """
    seen = _gather(pictures, partial(_header, decoder=_Decoder(room)), lambda picture: picture.name)
    sizes = Counter(size for size, _ in seen)
    (width, height), count = sizes.most_common(1)[0]
    channels = 1 if all(grey for _, grey in seen) else 3
    return Form(channels, height, width), len(seen) - count


def decode(pictures: Sequence[Picture], form: Form, room: Room) -> Tensor:
    """uint8 `[N, channels, height, width]`; images of another size are scaled (bilinear).

    Raises:
        DataError: images that cannot be decoded, or have more pixels than the limit, by name.
    """
    room.expect(len(pictures) * math.prod(form.shape), f"{len(pictures)} images of {form.height}x{form.width}")
    stimuli = torch.empty((len(pictures), *form.shape), dtype=torch.uint8)
    rows = stimuli.numpy()
    decoder = _Decoder(room)
    # Writing into rows keeps one decoded copy in memory, however many images there are.
    numbered = list(enumerate(pictures))

    def place(item: tuple[int, Picture]) -> None:
        rows[item[0]] = _pixels(item[1], form, decoder)

    _gather(numbered, place, lambda item: item[1].name)
    return stimuli


class _Decoder:
    """Opens images whose size is within the limit; of the large ones a single one at a time."""

    def __init__(self, room: Room) -> None:
        self._room = room
        self._large = threading.Lock()

    @contextlib.contextmanager
    def open(self, picture: Picture) -> Iterator[Image.Image]:
        with Image.open(io.BytesIO(picture.opener()), formats=DECODERS) as image:
            pixels = image.width * image.height
            if pixels > LARGEST_PIXELS:
                raise ValueError(f"{image.width}x{image.height} pixels are more than {LARGEST_PIXELS}; scale it down")
            self._room.expect(PER_PIXEL * pixels, f"an image of {image.width}x{image.height} pixels")
            with self._large if pixels > LARGE_PIXELS else contextlib.nullcontext():
                yield image


def _gather(items: Sequence, work: Callable, name: Callable[..., str]) -> list:
    def attempt(item: object) -> tuple[object, str | None]:
        try:
            return work(item), None
        except Exception as error:  # Pillow raises many unrelated kinds for damaged files
            return (
                None,
                f"{name(item)} ({str(error).splitlines()[0] if str(error) else type(error).__name__})",
            )

    with warnings.catch_warnings(), ThreadPoolExecutor(max_workers=min(8, os.cpu_count() or 1)) as pool:
        warnings.simplefilter("ignore")  # damaged tags; what keeps an image from being decoded is an error
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        outcomes = list(pool.map(attempt, items, chunksize=64))
    broken = [message for _, message in outcomes if message is not None]
    if broken:
        more = [f"  and {len(broken) - 5} more"] if len(broken) > 5 else []
        listed = [f"  {message}" for message in broken[:5]]
        raise DataError(
            f"{len(broken)} of {len(items)} images cannot be decoded:", *listed, *more, "Remove or repair them."
        )
    return [value for value, _ in outcomes]


def _header(picture: Picture, *, decoder: _Decoder) -> tuple[tuple[int, int], bool]:
    with decoder.open(picture) as image:
        width, height = image.size
        if image.getexif().get(ORIENTATION_TAG, 1) >= 5:
            width, height = height, width
        return (width, height), image.mode in GREY_MODES


def _pixels(picture: Picture, form: Form, decoder: _Decoder) -> np.ndarray:
    with decoder.open(picture) as opened:
        image = _eight_bit(ImageOps.exif_transpose(opened))
        image = image.convert("L" if form.channels == 1 else "RGB")
        if image.size != (form.width, form.height):
            image = image.resize((form.width, form.height), Image.Resampling.BILINEAR)
        pixels = np.asarray(image, dtype=np.uint8)
    return pixels[None] if form.channels == 1 else pixels.transpose(2, 0, 1)


def _eight_bit(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I"):
        values = np.asarray(image)
        return Image.fromarray((values >> 8 if values.max() > 255 else values).clip(0, 255).astype(np.uint8))
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        image = image.convert("RGBA")
        ground = Image.new("RGBA", image.size, (0, 0, 0, 255))
        return Image.alpha_composite(ground, image)
    return image
