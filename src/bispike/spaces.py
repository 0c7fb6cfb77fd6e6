"""What stands at the two ends of a network: the stimulus below and the concept above.

A stimulus is an array of real values with a fixed shape; a concept is one of C named classes. Both are plain
descriptions without data; data sets provide them and model builders take them.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from numbers import Integral
from typing import Any

from .arguments import expect, is_number, shown, whole, wholes
from .errors import ConfigurationError

LARGEST = 2**28
"""Values in one stimulus: 1 GiB in float32."""
MOST_CLASSES = 100_000


@dataclass(frozen=True)
class Stimulus:
    """Shape and scale of one stimulus.

    Args:
        shape: axes of one stimulus without the batch; `(channels, height, width)` for images, `(features,)`
            for tables.
        mean: mean of each channel (first axis) over the training data, in the units of the data.
        std: standard deviation of each channel; must be positive.
        divisor: what whole numbers, such as pixels of uint8, are divided by to be in the units of the data; None: it
            is not known, and whole numbers are no stimuli.
        limits: least and largest value of the training data, in the units of the data; None: not known.
    """

    shape: tuple[int, ...]
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    divisor: float | None = None
    limits: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "shape", tuple(wholes("stimulus shape", self.shape)))
        if self.size > LARGEST:
            raise ConfigurationError(
                f"stimulus shape: expected at most {LARGEST:,} values in one stimulus, received {shown(self.shape)}."
            )
        for part in ("mean", "std"):
            object.__setattr__(self, part, _numbers(f"stimulus {part}", getattr(self, part)))
        if not self.mean:
            object.__setattr__(self, "mean", (0.0,) * self.shape[0])
        if not self.std:
            object.__setattr__(self, "std", (1.0,) * self.shape[0])
        if len(self.mean) != self.shape[0] or len(self.std) != self.shape[0]:
            raise ConfigurationError(
                f"stimulus mean and std: expected one value for each of {self.shape[0]} channels, "
                f"received {len(self.mean)} and {len(self.std)}."
            )
        if any(s <= 0 for s in self.std):
            raise ConfigurationError(f"stimulus std: expected positive values, received {shown(self.std)}.")
        if self.divisor is not None and not (is_number(self.divisor) and 0 < self.divisor < math.inf):
            raise ConfigurationError(f"stimulus divisor: expected a positive number, received {shown(self.divisor)}.")
        if self.limits is not None:
            limits = _numbers("stimulus limits", self.limits)
            if len(limits) != 2 or limits[0] > limits[1]:
                raise ConfigurationError(
                    f"stimulus limits: expected the least and the largest value, received {shown(self.limits)}."
                )
            object.__setattr__(self, "limits", limits)

    @property
    def spec(self) -> dict[str, Any]:
        """Plain values from which `from_spec` makes the same stimulus, for the description of a network."""
        return {
            "stimulus_shape": list(self.shape),
            "stimulus_mean": list(self.mean),
            "stimulus_std": list(self.std),
            "stimulus_divisor": self.divisor,
            "stimulus_limits": None if self.limits is None else list(self.limits),
        }

    @classmethod
    def from_spec(cls, values: dict[str, Any]) -> Stimulus:
        """The stimulus of a description; its values are removed from the table."""
        limits = values.pop("stimulus_limits", None)
        return cls(
            tuple(values.pop("stimulus_shape")),
            tuple(values.pop("stimulus_mean")),
            tuple(values.pop("stimulus_std")),
            values.pop("stimulus_divisor", None),
            None if limits is None else tuple(limits),
        )

    @property
    def size(self) -> int:
        """Number of values in one stimulus."""
        return math.prod(self.shape)

    @classmethod
    def of(cls, value: Stimulus | Sequence[int] | int) -> Stimulus:
        """Accept a Stimulus, a shape, or a number of features."""
        if isinstance(value, Stimulus):
            return value
        if isinstance(value, Integral):
            return cls((whole("stimulus", value, 1, LARGEST),))
        return cls(tuple(wholes("stimulus", value)))


@dataclass(frozen=True)
class Concept:
    """The C classes that a network tells apart, by name."""

    names: tuple[str, ...] = field(default=())

    def __post_init__(self) -> None:
        object.__setattr__(self, "names", _distinct("concept", "classes", self.names))
        if len(self.names) < 2:
            raise ConfigurationError(f"concept: expected at least 2 classes, received {len(self.names)}.")

    @property
    def classes(self) -> int:
        """Number of classes C."""
        return len(self.names)

    @classmethod
    def of(cls, value: Concept | Sequence[str] | int) -> Concept:
        """Accept a Concept, a list of names, or a number of classes."""
        if isinstance(value, Concept):
            return value
        if isinstance(value, Integral):
            return cls(tuple(str(i) for i in range(whole("concept", value, 0, MOST_CLASSES))))
        return cls(tuple(value) if isinstance(value, list) else value)  # type: ignore[arg-type]


@dataclass(frozen=True)
class Quantities(Concept):
    """What a network forecasts of a series instead of classes: K real values, by name.

    Args:
        names: of the K quantities, at least one.
        mean, std: of what the network has to say, over the training part, in the units of the data.
        present: of each quantity the input column that holds its present value; then the network says the change from
            there, and `mean` and `std` are those of the change. Empty: it says the value itself.
        scale: deviation of each quantity itself, which errors are measured in; `std` if empty.
    """

    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    present: tuple[int, ...] = ()
    scale: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "names", _distinct("quantities", "quantities", self.names))
        if not self.names:
            raise ConfigurationError("quantities: expected at least one name, received none.")
        for part in ("mean", "std", "scale"):
            object.__setattr__(self, part, _numbers(f"quantities {part}", getattr(self, part)))
        object.__setattr__(self, "present", tuple(wholes("quantities present", self.present, 0, empty=True)))
        count = len(self.names)
        for name, default in (("mean", (0.0,) * count), ("std", (1.0,) * count)):
            if not getattr(self, name):
                object.__setattr__(self, name, default)
        if not self.scale:
            object.__setattr__(self, "scale", self.std)
        lengths = [len(values) for values in (self.mean, self.std, self.scale)]
        if lengths != [count] * 3 or min(*self.std, *self.scale) <= 0 or len(self.present) not in (0, count):
            raise ConfigurationError(
                f"quantities: expected a mean, a positive std and a positive scale for each of {count}, and a present "
                f"column for each or none; received {', '.join(map(str, lengths))} and {len(self.present)}."
            )


def _numbers(name: str, values: Any) -> tuple[float, ...]:
    """A tuple of finite numbers, as plain ones."""
    expect(name, values, (list, tuple), "a list of numbers")
    if not all(is_number(value) and abs(value) < math.inf for value in values):
        raise ConfigurationError(f"{name}: expected finite numbers, received {shown(values)}.")
    return tuple(float(value) for value in values)


def _distinct(name: str, what: str, names: Any) -> tuple[str, ...]:
    """A tuple of names that differ; each is a text that is not empty."""
    expect(name, names, (list, tuple), f"a list of names of {what}")
    wrong = [one for one in names if not isinstance(one, str) or not one]
    if wrong:
        raise ConfigurationError(f"{name}: expected a text as the name of each, received {shown(wrong[0])}.")
    foreign = [one for one in names if re.search("[\ud800-\udfff]", one)]  # a name of a file in another encoding
    if foreign:
        raise ConfigurationError(
            f"{name}: expected names in UTF-8, received {shown(foreign[0])}, which no settings can hold. Rename it."
        )
    if len(names) > MOST_CLASSES:
        raise ConfigurationError(f"{name}: expected at most {MOST_CLASSES:,} {what}, received {len(names):,}.")
    if len({*names}) < len(names):
        twice = next(one for place, one in enumerate(names) if one in names[:place])
        raise ConfigurationError(f"{name}: expected a name of its own for each, received {shown(twice)} twice.")
    return tuple(names)
