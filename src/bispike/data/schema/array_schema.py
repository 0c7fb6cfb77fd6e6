"""How arrays were read: shape and order of axes, and the unit of the values."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
import torch
from torch import Tensor

from ...errors import ConfigurationError, DataError
from ...json_values import Check, expect, is_text, list_of, record, whole
from ..readers.image_rules import facts_of, usage_notes
from ..readers.pixels import Form, Reading, decode_image, to_unit
from ..readers.table import Table
from .schema import Inputs, Schema
from .table_rows import numbers_of, without_counter
from .units import Units, as_float

if TYPE_CHECKING:
    from PIL import Image

ORDERS = ("auto", "features", "grey", "channels-first", "channels-last")
_LARGEST_SIDE = 2**31
_CHECK: Check = record(
    {
        "shape": list_of(whole(1, _LARGEST_SIDE)),
        "order": is_text,
        "units": lambda value, place: None,
        "classes": list_of(is_text),
    },
    others=False,
)


@dataclass(frozen=True)
class ArraySchema(Schema):
    """How arrays were read.

    Args:
        shape: of one stimulus in the data set.
        order: meaning of the axes of the array, one of `ORDERS` without "auto".
        units: of the values.
        classes: names of the classes.
    """

    kind: ClassVar[str] = "arrays"
    what: ClassVar[str] = "an array"

    shape: tuple[int, ...]
    order: str
    units: Units
    classes: tuple[str, ...] = ()

    @property
    def divisor(self) -> float | None:
        """What a network divides whole numbers by; None: it refuses them."""
        return self.units.stimulus_divisor

    @property
    def limits(self) -> tuple[float, float]:
        """Least and largest value of the training part in the units of the data."""
        return self.units.limits

    @classmethod
    def of(cls, array: np.ndarray, *, order: str = "auto", what: str = "stimuli") -> Self:
        """Determine how the training part is read; the classes are added later.

        Raises:
            DataError: no numbers, a shape that no stimuli have, or axes that cannot be told apart.
        """
        if order not in ORDERS:
            raise ConfigurationError(f"layout: expected one of {', '.join(ORDERS)}, received {order!r}.")
        expect_numbers(array, what)
        order = _order(array.shape, what) if order == "auto" else order
        expected = {"features": 2, "grey": 3}.get(order, 4)
        if array.ndim != expected:
            raise DataError(f"{what}: layout {order!r} needs {expected} axes, received {list(array.shape)}.")
        return cls(_in_order(array[:1], order).shape[1:], order, Units.of(array, image=order != "features"))

    def apply(self, array: np.ndarray, what: str = "stimuli", *, owned: bool = False) -> tuple[Tensor, list[str]]:
        """Stimuli `[N, D]` or `[N, C, H, W]`, uint8 or float32, that own their memory; and notes.

        Args:
            array: a part of the data set.
            what: the array, for messages.
            owned: whether nobody else uses the array, so that it need not be copied.

        Raises:
            DataError: other axes or another unit than in training.
        """
        expect_numbers(array, what)
        axes = {"features": 2, "grey": 3}.get(self.order, 4)
        if array.ndim != axes:
            raise DataError(f"{what}: expected {axes} axes as in training, received {list(array.shape)}.")
        return self.units.apply(_in_order(array, self.order), what, part=True, owned=owned)

    def of_array(self, array: np.ndarray, source: object) -> Inputs:
        """Stimuli in an array of a user, in the axes of the training, as the network takes them, or flat."""
        if array.dtype.kind not in "buif":
            raise DataError(f"{source}: expected numbers, received dtype {array.dtype}.")
        order, single = self._layout(source, array)
        rows = array[None] if single else array
        if len(rows) == 0:
            raise DataError(f"{source}: holds no stimulus.")
        rows = rows.reshape(-1, *self.shape) if order == "flat" else _in_order(rows, order)
        stimuli, notes = self.units.apply(rows, source)
        name = Path(str(source)).name
        names = (name,) if single or len(rows) == 1 else tuple(f"{name}[{i}]" for i in range(len(rows)))
        return Inputs(names, as_float(stimuli), tuple(notes))

    def of_table(self, table: Table, source: object) -> Inputs:
        """Stimuli in the rows of a table of numbers, one column per value of the array; judged by a column of classes.

        The class column is the one besides them, if it has a usual name or stands first or last and holds classes only.
        """
        table, notes = without_counter(table)
        values = math.prod(self.shape)
        target = self._class_column(table, source) if len(table.names) == values + 1 else None
        features = [name for name in table.names if name != target]
        _expect_order(features, source)
        matrix = numbers_of(table, features)
        inputs = self.of_array(matrix[0] if len(matrix) == 1 else matrix, source)
        inputs = replace(inputs, notes=(*table.notes, *notes, *inputs.notes))
        return inputs if target is None else inputs.judged(table.texts(target), self, f"{source}: column {target!r}")

    def _class_column(self, table: Table, source: object) -> str:
        """The column that names the class, of a table with one column more than an array has values."""
        usual = [name for name in table.names if name.lower() in ("label", "class", "target", "y")]
        ends = [
            name for name in (table.names[0], table.names[-1]) if set(table.texts(name).tolist()) <= {*self.classes}
        ]
        found = usual or [name for name in ends if len(set(table.texts(name).tolist())) > 1] or ends
        if len(found) != 1:
            raise DataError(
                f"{source}: received {len(table.names)} columns for {len(table.names) - 1} values, and cannot tell "
                "which one is the class. Name it 'label' in the first row."
            )
        return found[0]

    def of_image(self, image: Image.Image, source: object) -> Inputs:
        """The stimulus in an opened image, scaled to the size of the training: stored values over their full scale.

        Raises:
            DataError: the stimuli are no images of 1 or 3 channels, or their values are in no unit of images.
        """
        if len(self.shape) != 3 or self.shape[0] not in (1, 3):
            raise DataError(
                f"{source}: expected stimuli of shape {list(self.shape)}, as in the arrays of the training; the "
                "network takes no images. Store the values as an .npy or .csv file."
            )
        units, name = self.units, Path(str(source)).name
        if units.divisor == 1 and not (units.image and units.low >= 0 and units.high <= 1):
            raise DataError(
                f"{source}: expected values in the unit of the training, {units.low:g} to {units.high:g}, which pixels "
                "of an image are not. Store the stimulus as an .npy file in that unit."
            )
        form = Form(*self.shape)
        try:
            found = decode_image(image)
            values = torch.from_numpy(to_unit(found, form))
        except (ValueError, OSError, SyntaxError) as error:  # Pillow decodes only now
            raise DataError(f"{source}: {error}.") from error
        notes = usage_notes([facts_of(found, Reading(form))], Reading(form), None)
        return Inputs((name,), values[None], tuple(f"{name}: {note}" for note in notes))

    def _layout(self, source: object, array: np.ndarray) -> tuple[str, bool]:
        """Order of the axes of an array with its batch axis, and whether it is a single stimulus without that axis."""
        choices: dict[tuple[int, ...], str] = {}
        if len(self.shape) == 3:
            channels, height, width = self.shape
            axes = {"channels-first": self.shape, "channels-last": (height, width, channels)}
            if self.order in axes:  # where both fit, the axes mean what they meant in training
                choices[axes[self.order]] = self.order
            for order, shape in axes.items():
                choices.setdefault(shape, order)
            if channels == 1:
                choices.setdefault((height, width), "grey")
            choices.setdefault((math.prod(self.shape),), "flat")
        else:
            choices[self.shape] = "features" if len(self.shape) == 1 else "channels-first"
        if array.shape in choices:
            return choices[array.shape], True
        if array.shape[1:] in choices:
            return choices[array.shape[1:]], False
        expected = " or ".join(f"[{', '.join(map(str, axes))}]" for axes in choices)
        raise DataError(
            f"{source}: expected a stimulus of shape {expected}, or N of them on a first axis; received "
            f"{list(array.shape)}."
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "shape": list(self.shape),
            "order": self.order,
            "units": self.units.to_dict(),
            "classes": list(self.classes),
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any], place: str) -> Self:
        """The schema of plain values from a file, which are not trusted; a DamagedError says what is wrong."""
        _CHECK(values, place)
        expect(values["order"] in ORDERS[1:], f"{place}: order", f"one of {', '.join(ORDERS[1:])}", values["order"])
        units = Units.from_dict(values["units"], f"{place}: units")
        return cls(tuple(values["shape"]), values["order"], units, tuple(values["classes"]))


def _expect_order(names: Sequence[str], source: object) -> None:
    """Refuse columns with numbers in their names that are not in the order of the numbers."""
    ends = [re.search(r"[0-9]{1,9}$", name) for name in names]
    numbers = [int(end.group()) for end in ends if end is not None]
    if len(set(numbers)) == len(names) > 1 and numbers != sorted(numbers):
        raise DataError(
            f"{source}: expected columns in the order of the numbers in their names, received "
            f"{', '.join(names[:3])}, ...: a run on arrays takes them by their place."
        )


def expect_numbers(array: np.ndarray, what: str) -> None:
    """Raise a DataError unless an array holds numbers, in the axes of stimuli, and at least one of them."""
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


def _in_order(array: np.ndarray, order: str) -> np.ndarray:
    """The array with its channels first."""
    if order == "channels-last":
        return array.transpose(0, 3, 1, 2)
    return array[:, None] if order == "grey" else array


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
