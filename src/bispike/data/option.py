"""Options of formats and published data sets: one table that gives names, meanings, defaults and checks."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Any

from ..errors import unknown_name

Check = Callable[[str, Any], str | None]
"""Name and value of an option to a sentence that says what is wrong with the value, or None."""
LARGEST = 2**31 - 1
"""The largest whole number that an option takes."""


def any_value(name: str, value: Any) -> str | None:
    """Accept everything; the reader itself checks the value."""
    return None


@dataclass(frozen=True)
class Option:
    """One option of a reader.

    Args:
        name: keyword of the reader's function.
        meaning: purpose, with unit and range.
        default: value where it is not given; None often means "from the data".
        check: sentence on what is wrong with a value, or None.
    """

    name: str
    meaning: str
    _: KW_ONLY
    default: Any = None
    check: Check = any_value

    def problem(self, value: Any) -> str | None:
        """What is wrong with a value; the default is always right."""
        return None if value == self.default else self.check(self.name, value)


def defaults(options: Iterable[Option]) -> dict[str, Any]:
    """Defaults by name."""
    return {option.name: option.default for option in options}


def problems(options: Iterable[Option], given: Mapping[str, Any], *, of: object) -> list[str]:
    """All that is wrong with the options given, one sentence each.

    Args:
        options: those that exist.
        given: values by name.
        of: the file or data set, for messages.
    """
    known = {option.name: option for option in options}
    found = [
        known[name].problem(value) if name in known else unknown_name(f"option for {of}", name, known)
        for name, value in given.items()
    ]
    return [problem for problem in found if problem is not None]


# ------------------------------------------------------------------ checks


def whole_number(least: int, unit: str = "") -> Check:
    """A whole number of at least `least` and at most `LARGEST`."""

    def check(name: str, value: Any) -> str | None:
        if not isinstance(value, int) or isinstance(value, bool) or value < least:
            return f"{name}: expected a whole number of at least {least}{unit and ' ' + unit}, received {value!r}."
        return None if value <= LARGEST else f"{name}: expected a whole number of at most {LARGEST}."

    return check


def positive(unit: str) -> Check:
    """A number above 0."""

    def check(name: str, value: Any) -> str | None:
        fits = isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < math.inf
        return None if fits else f"{name}: expected a positive number of {unit}, received {value!r}."

    return check


def share(name: str, value: Any) -> str | None:
    """A number between 0 and 1, both excluded."""
    fits = isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < 1
    return None if fits else f"{name}: expected a share between 0 and 1, received {value!r}."


def yes_or_no(name: str, value: Any) -> str | None:
    """True or False."""
    return None if isinstance(value, bool) else f"{name}: expected true or false, received {value!r}."


def text(name: str, value: Any) -> str | None:
    """A text."""
    return None if isinstance(value, str) else f"{name}: expected a text, received {value!r}."


def texts(name: str, value: Any) -> str | None:
    """A list of texts."""
    fits = isinstance(value, Sequence) and not isinstance(value, str) and all(isinstance(one, str) for one in value)
    return None if fits else f"{name}: expected a list of texts, received {value!r}."


def one_character(name: str, value: Any) -> str | None:
    """A text of one character that does not end or quote a cell by itself."""
    fits = isinstance(value, str) and len(value) == 1 and value not in '\r\n"'
    return None if fits else f"{name}: expected one character such as ',' or ';', received {value!r}."


def one_of(*choices: str) -> Check:
    """One of some names."""

    def check(name: str, value: Any) -> str | None:
        return None if isinstance(value, str) and value in choices else unknown_name(name, str(value), choices)

    return check


NAMES = "name, or several in brackets or separated by commas"


def name_or_names(name: str, value: Any) -> str | None:
    """A name, or a list of names."""
    several = isinstance(value, list | tuple) and all(isinstance(one, str) for one in value)
    fits = isinstance(value, str | int) or several
    return None if fits else f"{name}: expected a {NAMES}, received {value!r}."


def names_of(value: str | int | list[str] | tuple[str, ...] | None) -> tuple[str, ...]:
    """Names that a user gives: a list, or a text such as "a", "a,b" or "[a, b]"."""
    if value is None:
        return ()
    if isinstance(value, list | tuple):
        return tuple(str(one).strip() for one in value)
    plain = str(value).strip()
    if plain.startswith("[") and plain.endswith("]"):
        plain = plain[1:-1]
    return tuple(one.strip().strip("'\"") for one in plain.split(",") if one.strip())


# ------------------------------------------------------------------ options that several readers share

TEST_SHARE = Option(
    "test_fraction", "share that becomes the test part where the source has none", default=0.2, check=share
)
DELIMITER = Option(
    "delimiter", "character between the columns; recognised from the first row if not given", check=one_character
)
MEMORY_LIMIT = Option(
    "memory_limit",
    "GiB that reading may take; 64 times the size on the disk, at least 0.25 and at most 8, if not given",
    check=positive("GiB"),
)
