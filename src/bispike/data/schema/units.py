"""The unit of stored values: decided once, by the values of the training part, whatever type they are stored in.

images, whole values 0 and 1            as they are, kept as uint8 0 and 255
images, whole values 0..255             divided by 255, kept as uint8
images, whole values 0..65535           divided by 65535
images, 0 <= x <= 255, some above 2     divided by 255
everything else                         as it is (a network normalises by mean and deviation)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor

from ...arguments import checked
from ...errors import DataError
from ...json_values import Check, is_switch, number, record

BYTE, WORD = 255.0, 65535.0
SMALLEST_SCALED = 2.0
"""Fractional images with a value above this one are in 0..255, not in 0..1."""
SLACK = 2.0
"""How many spans of the training's values an image may lie outside of them before its unit is another one."""
MANY_OUTSIDE = 0.1
"""Share of values outside those of training from which a note says so."""
DARK = 2.0
"""How many times as large as all values of an image the largest of training is, from which a note says so."""
_BLOCK = 1 << 20
_CHECK: Check = record(
    {"image": is_switch, "divisor": number(1e-30), "whole": is_switch, "low": number(), "high": number()}, others=False
)


@dataclass(frozen=True)
class Units:
    """What stored values mean.

    Args:
        image: whether stimuli are images or maps, whose values have one unit; else features, each with its own.
        divisor: what stored values are divided by.
        whole: whether all values of the training part were whole numbers.
        low, high: least and largest stored value of the training part.
    """

    image: bool
    divisor: float
    whole: bool
    low: float
    high: float

    @classmethod
    def of(cls, array: np.ndarray, *, image: bool) -> Self:
        """Determine the unit of the training part, an array of numbers with at least one value."""
        low, high = extremes(array)
        whole = is_whole(array)
        return cls(image, _divisor(low, high, whole=whole) if image else 1.0, whole, low, high)

    @property
    def compact(self) -> bool:
        """Whether stimuli are kept as uint8."""
        return self.image and self.whole and self.low >= 0 and self.high <= BYTE

    @property
    def stimulus_divisor(self) -> float | None:
        """What a network divides whole numbers by (see `Stimulus`); None: it refuses them."""
        return self.divisor if self.whole or not self.image or self.divisor > 1 else None

    @property
    def limits(self) -> tuple[float, float]:
        """Least and largest value of the training part in the units of the data."""
        return self.low / self.divisor, self.high / self.divisor

    def apply(
        self, array: np.ndarray, what: object, *, part: bool = False, owned: bool = False
    ) -> tuple[Tensor, list[str]]:
        """Values as a data set keeps them, uint8 or float32, of the same shape; and notes on what was converted.

        Args:
            array: the stored values.
            what: them, for messages.
            part: whether they are a part of the data set itself, whose unit is not doubted.
            owned: whether the array belongs to the caller's result, so that it need not be copied.

        Raises:
            DataError: the values are in another unit, or not finite.
        """
        if array.size == 0:
            return torch.from_numpy(np.array(array, dtype=np.uint8 if self.compact else np.float32)), []
        low, high = extremes(array)
        if not (np.isfinite(low) and np.isfinite(high)):
            raise not_finite(array, what)
        far = [] if part else self._far_values(array, low, high, what)
        if not self.image:
            return _float32(array, owned=owned), far
        if array.dtype.kind == "b":
            return _bytes(array, 255 if self.compact else 1), []
        whole = is_whole(array)
        if self.divisor > 1 and array.dtype.kind == "f" and low >= 0 and high <= 1 and not (low == high == 0):
            if part and self.whole and not whole:
                raise DataError(
                    f"{what}: expected whole values in 0..{self.divisor:g} as in the training part, received "
                    f"{low:g} to {high:g}. Store both parts in the same unit."
                )
            if self.whole and not whole:
                return _float32(array), [f"{what}: values in 0..1 are taken as divided by {self.divisor:g} already."]
            if not part:
                raise DataError(
                    f"{what}: cannot tell whether values from {low:g} to {high:g} are in 0..{self.divisor:g}, as in "
                    "training, or were divided already. Store them as whole numbers of type uint8 or uint16."
                )
        self._expect_unit(low, high, what)
        if self.compact and whole:
            return _bytes(array, 1 if self.divisor > 1 else 255, owned=owned), far
        return _float32(array).div_(self.divisor), far

    def _far_values(self, array: np.ndarray, low: float, high: float, what: object) -> list[str]:
        """A note if many values lie outside those of training, or all are small, which another unit makes likely."""
        if self.image and self.divisor > 1 and 0 < high < self.high / DARK:
            return [
                f"{what}: all values are below half of the largest of training, {self.high:g}; is the unit the same?"
            ]
        if self.divisor > 1 or (low >= self.low and high <= self.high):
            return []
        outside = sum(int(((block < self.low) | (block > self.high)).sum()) for block in _blocks(array)) / array.size
        if outside <= MANY_OUTSIDE:
            return []
        return [
            f"{what}: {outside:.0%} of the values lie outside those of training, {self.low:g} to {self.high:g}; is the "
            "unit the same?"
        ]

    def _expect_unit(self, low: float, high: float, what: object) -> None:
        """Refuse values that the unit of the training cannot hold."""
        bounded = self.divisor > 1 or (self.whole and self.compact)
        span = SLACK * max(self.high - self.low, abs(self.high), 1e-30)
        least, most = (0.0, self.divisor) if bounded else (self.low - span, self.high + span)
        if not least <= low <= high <= most:
            meant = f"in {least:g}..{most:g}" if bounded else f"near those of training, {self.low:g} to {self.high:g}"
            raise DataError(
                f"{what}: expected values {meant}, received {low:g} to {high:g}. Store them in the unit of the "
                "training data."
            )

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        names = ("image", "divisor", "whole", "low", "high")
        return {name: getattr(self, name) for name in names}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any], place: str) -> Self:
        """The unit of plain values from a file, which are not trusted.

        Raises:
            DamagedError: the values are no unit.
        """
        _CHECK(values, place)
        return cls(**values)


@checked
def as_float(stimuli: Tensor) -> Tensor:
    """float32 in data units: uint8 is divided by 255, float32 stays as it is."""
    return stimuli.to(torch.float32).div_(255) if stimuli.dtype == torch.uint8 else stimuli


def extremes(array: np.ndarray) -> tuple[float, float]:
    """Least and largest value; NaN if one is NaN."""
    return float(array.min()), float(array.max())


def is_whole(array: np.ndarray) -> bool:
    """Whether all values are whole numbers; looks at a block at a time and stops at the first that is not."""
    if array.dtype.kind in "bui":
        return True
    return all(bool((np.floor(block) == block).all()) for block in _blocks(array))


def not_finite(array: np.ndarray, what: object) -> DataError:
    """The error for values that are NaN or infinite, with the place of the first."""
    bad = ~np.isfinite(array)
    first = np.argwhere(bad)[0].tolist()
    return DataError(
        f"{what}: {int(bad.sum())} values are not finite (NaN or infinite), the first is {array[tuple(first)]} at "
        f"{first}. Remove or fill them."
    )


def _divisor(low: float, high: float, *, whole: bool) -> float:
    if low < 0:
        return 1.0
    if whole:
        return 1.0 if high <= 1 or high > WORD else BYTE if high <= BYTE else WORD
    return BYTE if SMALLEST_SCALED < high <= BYTE else 1.0


def _blocks(array: np.ndarray) -> Iterator[np.ndarray]:
    rows = max(1, _BLOCK // max(array[0].size, 1)) if array.ndim else 1
    for first in range(0, len(array), rows):
        yield array[first : first + rows]


def _bytes(array: np.ndarray, factor: int, *, owned: bool = False) -> Tensor:
    """uint8 that owns its memory, in C order."""
    found = np.ascontiguousarray(array, np.uint8) if owned else np.array(array, dtype=np.uint8, order="C")
    return torch.from_numpy(found * np.uint8(factor) if factor != 1 else found)


def _float32(array: np.ndarray, *, owned: bool = False) -> Tensor:
    """float32 that owns its memory, in C order and native byte order."""
    with np.errstate(over="ignore"):
        if owned:
            return torch.from_numpy(np.ascontiguousarray(array, np.float32))
        return torch.from_numpy(np.array(array, dtype=np.float32, order="C"))
