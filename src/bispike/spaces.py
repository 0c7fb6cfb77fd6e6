"""What stands at the two ends of a network: the stimulus below and the concept above.

A stimulus is an array of real values with a fixed shape; a concept is one of C named classes. Both are plain
descriptions without data; data sets provide them and model builders take them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from .errors import ConfigurationError


@dataclass(frozen=True)
class Stimulus:
    """Shape and scale of one stimulus.

    Args:
        shape: axes of one stimulus without the batch; `(channels, height, width)` for images, `(features,)`
            for tables.
        mean: mean of each channel (first axis) over the training data, in the units of the data.
        std: standard deviation of each channel; must be positive.
    """

    shape: tuple[int, ...]
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        if not self.shape or any(int(n) < 1 for n in self.shape):
            raise ConfigurationError(f"stimulus shape: expected axes of at least 1, received {self.shape}.")
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
            raise ConfigurationError(f"stimulus std: expected positive values, received {self.std}.")

    @property
    def size(self) -> int:
        """Number of values in one stimulus."""
        return math.prod(self.shape)

    @classmethod
    def of(cls, value: Stimulus | Sequence[int] | int) -> Stimulus:
        """Accept a Stimulus, a shape, or a number of features."""
        if isinstance(value, Stimulus):
            return value
        return cls((value,) if isinstance(value, int) else tuple(int(n) for n in value))


@dataclass(frozen=True)
class Concept:
    """The C classes that a network tells apart, by name."""

    names: tuple[str, ...] = field(default=())

    def __post_init__(self) -> None:
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
        return cls(tuple(str(i) for i in range(value)) if isinstance(value, int) else tuple(value))


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
        if not self.names:
            raise ConfigurationError("quantities: expected at least one name, received none.")
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
