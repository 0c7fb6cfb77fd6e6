"""Options of rules: each field says beside its default which values it takes, and all that is wrong is told together.

@dataclass(frozen=True)
class FAOptions(RateOptions):
    feedback_gain: float = option(1.0, NOT_NEGATIVE)
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from ..errors import ConfigurationError, unknown_name
from ..functional import ACTIVATIONS

Limit = Callable[[str, Any], str]
"""From name and value of an option to what is wrong with it, in a sentence; empty if nothing is."""

T = TypeVar("T")


def option(default: T, limit: Limit) -> T:
    """A field of options with the values that it takes."""
    made: T = dataclasses.field(default=default, metadata={"limit": limit})
    return made


def one_of(choices: Sequence[str]) -> Limit:
    """Limit of an option that names one of several ways."""
    return lambda name, value: "" if value in choices else unknown_name(name, value, choices)


def _number(expected: str, holds: Callable[[Any], bool]) -> Limit:
    return lambda name, value: "" if holds(value) else f"{name}: expected {expected}, received {value}."


def at_least(least: int) -> Limit:
    """Limit of a number with a smallest value."""
    return _number(f"a number of at least {least}", lambda value: value >= least)


def in_range(least: float, most: float) -> Limit:
    """Limit of a number between two others, both included."""
    return _number(f"a number in [{least}, {most}]", lambda value: least <= value <= most)


NOT_NEGATIVE = at_least(0)
POSITIVE = _number("a number above 0", lambda value: value > 0)
FRACTION = _number("a number in [0, 1]", lambda value: 0 <= value <= 1)
SHARE = _number("a share in (0, 1]", lambda value: 0 < value <= 1)
BELOW_ONE = _number("a number in [0, 1)", lambda value: 0 <= value < 1)


@dataclass(frozen=True)
class RuleOptions:
    """Options of a rule that has none, and base of all others.

    Raises:
        ConfigurationError: all values that do not fit, together.
    """

    def __post_init__(self) -> None:
        fields = [field for field in dataclasses.fields(self) if "limit" in field.metadata]
        found = [field.metadata["limit"](field.name, getattr(self, field.name)) for field in fields]
        problems = [problem for problem in found if problem]
        if problems:
            raise ConfigurationError(problems)


@dataclass(frozen=True)
class RateOptions(RuleOptions):
    """Options of every rule on the rate network.

    Args:
        activation: of the layers, one of `functional.ACTIVATIONS`.
    """

    activation: str = option("relu", one_of(ACTIVATIONS))
