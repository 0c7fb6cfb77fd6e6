"""Which values of its type a setting takes, as data."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Limit:
    """The values that a setting takes, beyond its type.

    Args:
        expected: completes "expected ...", such as "a number above 0".
        least, most: the smallest and the largest number.
        above, below: whether `least` and `most` themselves are left out.
        names: the choices, if these are names; a function if listing them takes long.
        values: the only values; None: any.
        without: values that are left out.
    """

    expected: str
    least: float = -math.inf
    most: float = math.inf
    above: bool = False
    below: bool = False
    names: Sequence[str] | Callable[[], Iterable[str]] = ()
    values: tuple[Any, ...] | None = None
    without: tuple[Any, ...] = ()

    @property
    def choices(self) -> list[str]:
        """The names to choose from; empty if the limit is none of names."""
        return list(self.names() if callable(self.names) else self.names)


def one_of(names: Sequence[str] | Callable[[], Iterable[str]]) -> Limit:
    """Limit of a setting that is one of several names."""
    return Limit("a known name", names=names)


def at_least(least: float, expected: str = "") -> Limit:
    """Limit of a number with a smallest value."""
    return Limit(expected or f"at least {least}", least)


def in_range(least: float, most: float, expected: str = "") -> Limit:
    """Limit of a number between two others, both included."""
    return Limit(expected or f"a number in [{least}, {most}]", least, most)


def among(values: Limit | Sequence[Any]) -> Limit:
    """Limit of a setting to some values; a limit stays as it is."""
    if isinstance(values, Limit):
        return values
    shown = (str(value).lower() if isinstance(value, bool) else repr(value) for value in values)
    return Limit(" or ".join(shown), values=tuple(values))


SEED = Limit("a whole number from 0 to 2^62", 0, 2**62)
NOT_ZERO = Limit("not 0", without=(0,))
NOT_NEGATIVE = at_least(0)
POSITIVE = Limit("a positive number", 0, above=True)
FRACTION = in_range(0, 1)
SHARE = Limit("a share in (0, 1]", 0, 1, above=True)
BELOW_ONE = Limit("a number in [0, 1)", 0, 1, below=True)
