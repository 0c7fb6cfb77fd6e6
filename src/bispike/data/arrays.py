"""Arrays of any common layout and type become stimuli `[N, D]` or `[N, C, H, W]`, uint8 or float32.

Axes: `[N, D]` features; `[N, H, W]` grey images; `[N, C, H, W]` or `[N, H, W, C]` images. Values:

    uint8 (any), bool (as 0 and 255)        kept as uint8; a network receives value / 255
    other integers, images within 0..255    kept as uint8
    uint16 images above 255                 float32, divided by 65535
    float images, 0 <= x <= 255, max > 2    float32, divided by 255
    everything else                         float32 as it is (a network normalises by mean and deviation)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..errors import ConfigurationError, DataError

ORDERS = ("auto", "features", "grey", "channels-first", "channels-last")


@dataclass(frozen=True)
class Layout:
    """How an array is read: determined once, from the training part, and applied to every part.

    Args:
        order: meaning of the axes, one of `ORDERS` without "auto".
        compact: whether values are kept as uint8.
        divisor: what float values are divided by.
    """

    order: str
    compact: bool
    divisor: float

    @classmethod
    def of(cls, array: np.ndarray, *, order: str = "auto", what: str = "stimuli") -> Layout:
        """Determine the layout of an array."""
        if order not in ORDERS:
            raise ConfigurationError(f"layout: expected one of {', '.join(ORDERS)}, received {order!r}.")
        _expect_numbers(array, what)
        order = _order(array.shape, what) if order == "auto" else order
        expected = {"features": 2, "grey": 3}.get(order, 4)
        if array.ndim != expected:
            raise DataError(f"{what}: layout {order!r} needs {expected} axes, received {list(array.shape)}.")
        compact, divisor = _scale(array, image=order != "features")
        return cls(order, compact, divisor)

    def apply(self, array: np.ndarray, *, what: str = "stimuli") -> Tensor:
        """Stimuli `[N, D]` or `[N, C, H, W]` that own their memory; the given array is not changed."""
        _expect_numbers(array, what)
        axes = {"features": 2, "grey": 3}.get(self.order, 4)
        if array.ndim != axes:
            raise DataError(f"{what}: expected {axes} axes as in training, received {list(array.shape)}.")
        if self.order == "channels-last":
            array = array.transpose(0, 3, 1, 2)
        elif self.order == "grey":
            array = array[:, None]
        if self.compact:
            return torch.from_numpy(np.array(_bytes(array, what), order="C"))
        if array.dtype == np.uint8:
            raise DataError(f"{what}: uint8, but the training part is not; store both in the same unit and type.")
        with np.errstate(over="ignore"):
            values = np.array(array, dtype=np.float32, order="C")
        return torch.from_numpy(values).div_(self.divisor)


def as_array(values: Any, what: str) -> np.ndarray:
    """A NumPy array of any array-like (lists, tensors, memory maps), without a copy where possible."""
    if isinstance(values, Tensor):
        values = values.detach().cpu().numpy()
    try:
        return np.asarray(values)
    except ValueError as error:
        raise DataError(f"{what}: expected an array whose rows have one shape ({error}).") from error


def _expect_numbers(array: np.ndarray, what: str) -> None:
    if array.dtype.kind not in "buif":
        likely = " Rows of different lengths make such an array." if array.dtype.kind == "O" else ""
        raise DataError(f"{what}: expected numbers (uint8 or float), received dtype {array.dtype}.{likely}")
    if array.ndim not in (2, 3, 4):
        raise DataError(
            f"{what}: expected [N, D], [N, H, W], [N, H, W, C] or [N, C, H, W], received {list(array.shape)}."
        )
    if array.size == 0:
        raise DataError(
            f"{what}: expected at least one stimulus with at least one value, received {list(array.shape)}."
        )


def _order(shape: tuple[int, ...], what: str) -> str:
    if len(shape) < 4:
        return "features" if len(shape) == 2 else "grey"
    _, first, middle, last = shape
    for usual in ((1, 3), (4,)):
        if (first in usual) != (last in usual):
            return "channels-first" if first in usual else "channels-last"
        if (first == middle) != (middle == last):
            return "channels-first" if middle == last else "channels-last"
    if first == middle == last:
        return "channels-first"
    raise DataError(
        f"{what}: cannot tell which axis of {list(shape)} holds the channels; "
        "give the layout: channels-first or channels-last."
    )


def _scale(array: np.ndarray, *, image: bool) -> tuple[bool, float]:
    if array.dtype == np.uint8 or array.dtype.kind == "b":
        return True, 1.0
    if not image:
        return False, 1.0
    low, high = float(array.min()), float(array.max())
    if array.dtype.kind in "iu":
        if low >= 0 and high <= 255:
            return True, 1.0
        return False, 65535.0 if array.dtype == np.uint16 else 1.0
    return False, 255.0 if low >= 0 and 2 < high <= 255 else 1.0


def _bytes(array: np.ndarray, what: str) -> np.ndarray:
    if array.dtype == np.uint8:
        return array
    if array.dtype.kind == "b":
        return array.astype(np.uint8) * 255
    if array.dtype.kind == "f" or array.min() < 0 or array.max() > 255:
        raise DataError(
            f"{what}: expected whole values in 0..255 as in training, received {array.dtype} "
            f"from {array.min()} to {array.max()}."
        )
    return array.astype(np.uint8)
