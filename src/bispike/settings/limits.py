"""Which values of its type a setting takes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import unknown_name


@dataclass(frozen=True)
class Limit:
    """The values that a setting takes, beyond its type.

    Args:
        expected: completes "expected ...", such as "a number above 0".
        holds: whether a value is one of them.
        names: the choices, if these are names; a function if listing them takes long.
    """

    expected: str
    holds: Callable[[Any], bool]
    names: Sequence[str] | Callable[[], Iterable[str]] = ()

    @property
    def choices(self) -> list[str]:
        """The names to choose from; empty if the limit is a range."""
        return list(self.names() if callable(self.names) else self.names)

    def __call__(self, name: str, value: Any) -> str:
        """What is wrong with the value of this setting, in a sentence; empty if nothing is."""
        if self.holds(value):
            return ""
        if self.choices:
            return unknown_name(name, value, self.choices)
        return f"{name}: expected {self.expected}, received {value}."


def one_of(names: Sequence[str] | Callable[[], Iterable[str]]) -> Limit:
    """Limit of a setting that is one of several names."""
    limit = Limit("a known name", lambda value: value in limit.choices, names)
    return limit


def at_least(least: float, expected: str = "") -> Limit:
    """Limit of a number with a smallest value."""
    return Limit(expected or f"at least {least}", lambda value: value >= least)


def in_range(least: float, most: float) -> Limit:
    """Limit of a number between two others, both included."""
    return Limit(f"a number in [{least}, {most}]", lambda value: least <= value <= most)


NOT_NEGATIVE = at_least(0)
POSITIVE = Limit("a positive number", lambda value: value > 0)
FRACTION = in_range(0, 1)
SHARE = Limit("a share in (0, 1]", lambda value: 0 < value <= 1)
BELOW_ONE = Limit("a number in [0, 1)", lambda value: 0 <= value < 1)


def among(values: Limit | Sequence[Any]) -> Limit:
    """Limit of a setting to some values; a limit stays as it is."""
    if isinstance(values, Limit):
        return values
    shown = (str(value).lower() if isinstance(value, bool) else repr(value) for value in values)
    return Limit(" or ".join(shown), lambda value: value in values)
