"""Everything that a user can set is declared once: its type, its range, its meaning and its default.

    @dataclass(frozen=True)
    class FAOptions(RateOptions):
        feedback_gain: float = option(1.0, NOT_NEGATIVE, "standard deviation of B times √fan_in")

Settings of a training, options of rules and options of models are fields of dataclasses, declared with `option`.
`settings_of` lists them as `Setting`; checks, the reading of texts, the flags and the help of the command line, and
the reference page follow from that list.
"""

from .declare import option
from .limits import (
    BELOW_ONE,
    FRACTION,
    NOT_NEGATIVE,
    NOT_ZERO,
    POSITIVE,
    SEED,
    SHARE,
    Limit,
    at_least,
    in_range,
    one_of,
)
from .setting import Declared, Setting, no_effects, setting, settings_of

__all__ = [
    "BELOW_ONE",
    "FRACTION",
    "NOT_NEGATIVE",
    "NOT_ZERO",
    "POSITIVE",
    "SEED",
    "SHARE",
    "Declared",
    "Limit",
    "Setting",
    "at_least",
    "in_range",
    "no_effects",
    "one_of",
    "option",
    "setting",
    "settings_of",
]
