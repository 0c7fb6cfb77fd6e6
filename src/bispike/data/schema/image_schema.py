"""How images were read: size and channels, the depth of what is stored, and the ground of transparent pixels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
import torch

from ...errors import DataError
from ...json_values import Check, expect, is_table, is_text, list_of, optional, record, whole
from ..readers.image_rules import facts_of, usage_notes
from ..readers.pixels import (
    BYTES,
    DEEPEST,
    FRACTIONS,
    FULL_DEPTH,
    GROUNDS,
    LIMIT,
    WIDE,
    Form,
    Ground,
    Reading,
    decode_image,
    expect_brightness,
    expect_within,
    scaled,
    to_pixels,
)
from .array_schema import ArraySchema
from .schema import Inputs, Schema
from .units import BYTE, Units, as_float, extremes, not_finite

if TYPE_CHECKING:
    from PIL import Image

_LARGEST_SIDE = 2**31
_CHECK: Check = record(
    {
        "shape": list_of(whole(1, _LARGEST_SIDE), length=3),
        "depths": is_table,
        "background": optional(is_text),
        "classes": list_of(is_text),
    },
    others=False,
)


@dataclass(frozen=True)
class ImageSchema(Schema):
    """How images were read.

    Args:
        shape: `(channels, height, width)`; 1 (grey) or 3 (colour) channels.
        depths: bits of each kind of storage that the training part had (see `readers.pixels`).
        background: "white" or "black", on which transparent pixels were laid; None: the training part had none.
        classes: names of the classes.
    """

    kind: ClassVar[str] = "images"
    what: ClassVar[str] = "images"

    shape: tuple[int, int, int]
    depths: Mapping[str, int] = field(default_factory=lambda: {BYTES: 8})
    background: Ground | None = None
    classes: tuple[str, ...] = ()

    @classmethod
    def of(cls, reading: Reading, classes: tuple[str, ...]) -> Self:
        """The schema of a set that was read by these rules."""
        return cls(reading.form.shape, dict(reading.depths), reading.background, classes)

    @property
    def reading(self) -> Reading:
        """The rules by which images become pixels."""
        return Reading(Form(*self.shape), self.depths, self.background)

    @property
    def divisor(self) -> float | None:
        """Pixels are kept as whole numbers 0..255."""
        return BYTE

    @property
    def limits(self) -> tuple[float, float]:
        """Black and white."""
        return 0.0, 1.0

    def of_image(self, image: Image.Image, source: object) -> Inputs:
        """The stimulus in an opened image, by the rules of the training.

        Raises:
            DataError: its values exceed the depth of the training, or its depth cannot be told.
        """
        name = Path(str(source)).name
        try:
            found = decode_image(image)
            pixels = torch.from_numpy(np.array(to_pixels(found, self.reading)))
        except (ValueError, OSError, SyntaxError) as error:  # Pillow decodes only now
            raise DataError(f"{source}: {error}.") from error
        notes = usage_notes([facts_of(found, self.reading)], self.reading, None)
        return Inputs((name,), as_float(pixels[None]), tuple(f"{name}: {note}" for note in notes))

    def of_array(self, array: np.ndarray, source: object) -> Inputs:
        """Stimuli in an array of pixels, `[H, W]`, `[H, W, C]` or `[C, H, W]`, or N of them on a first axis.

        Whole numbers and fractions are read by the rules that images stored in the same way have: uint8 as 8 bits,
        wider whole numbers by the depth of the training, fractions as 0..1 or by the depth of the training.

        Raises:
            DataError: another shape, or values that the rules do not allow.
        """
        if array.dtype.kind in "uif" and array.size:
            array = self._in_bytes(array, source)
        units = Units(image=True, divisor=BYTE, whole=True, low=0.0, high=BYTE)
        return ArraySchema(self.shape, "channels-first", units, self.classes).of_array(array, source)

    def _in_bytes(self, array: np.ndarray, source: object) -> np.ndarray:
        """Pixels 0..255 where the training has a rule of another depth for such values; else as they are."""
        low, high = extremes(array)
        if not (np.isfinite(low) and np.isfinite(high)):
            raise not_finite(array, source)
        wide = [self.depths[kind] for kind in WIDE if kind in self.depths and kind != FRACTIONS]
        depth: int | None
        if array.dtype == np.uint8:
            depth = self.depths.get(BYTES, 8)
        elif array.dtype.kind == "f" and high <= LIMIT:
            depth = self.depths.get(FRACTIONS)
        elif array.dtype.kind == "f" and FRACTIONS in self.depths:
            depth = self.depths[FRACTIONS]
        else:
            depth = wide[0] if wide else self.depths.get(BYTES, 8)
        if depth is None or (depth == 8 and array.dtype.kind == "f" and FRACTIONS not in self.depths):
            return array
        try:
            expect_brightness(low, str(array.dtype))
            expect_within(high, depth, str(array.dtype))
        except DataError as error:
            raise DataError(f"{source}: {error}.") from None
        return scaled(array, depth)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "shape": list(self.shape),
            "depths": dict(self.depths),
            "background": self.background,
            "classes": list(self.classes),
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any], place: str) -> Self:
        """The schema of plain values from a file, which are not trusted; a DamagedError says what is wrong."""
        _CHECK(values, place)
        channels, height, width = values["shape"]
        expect(channels in (1, 3), f"{place}: shape", "1 or 3 channels", channels)
        for kind, depth in values["depths"].items():
            expect(kind in FULL_DEPTH, f"{place}: depths", f"one of {', '.join(FULL_DEPTH)}", kind)
            whole(1, DEEPEST)(depth, f"{place}: depths: {kind}")
        background = values["background"]
        expect(background in (None, *GROUNDS), f"{place}: background", " or ".join(GROUNDS), background)
        return cls((channels, height, width), dict(values["depths"]), background, tuple(values["classes"]))
