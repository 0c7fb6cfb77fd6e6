"""Options of rules: fields of a frozen dataclass, declared with `option` (see `bispike.settings`).

@dataclass(frozen=True)
class FAOptions(RateOptions):
    feedback_gain: float = option(1.0, NOT_NEGATIVE, "standard deviation of B times √fan_in")
"""

from __future__ import annotations

from dataclasses import dataclass

from ..functional import ACTIVATIONS
from ..settings import (
    BELOW_ONE,
    FRACTION,
    NOT_NEGATIVE,
    POSITIVE,
    SHARE,
    Declared,
    Limit,
    at_least,
    in_range,
    one_of,
    option,
)


@dataclass(frozen=True)
class RuleOptions(Declared):
    """Options of a rule without options, and base of all other options.

    Raises:
        ConfigurationError: values are invalid, or differ from the default and have no effect with the other options.
    """


@dataclass(frozen=True)
class RateOptions(RuleOptions):
    """Options of every rule on the rate network."""

    activation: str = option("relu", one_of(ACTIVATIONS), "activation function of the layers")


__all__ = [
    "BELOW_ONE",
    "FRACTION",
    "NOT_NEGATIVE",
    "POSITIVE",
    "SHARE",
    "Limit",
    "RateOptions",
    "RuleOptions",
    "at_least",
    "in_range",
    "one_of",
    "option",
]
