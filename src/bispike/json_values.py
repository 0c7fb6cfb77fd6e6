"""What plain values from a file must look like, and the error that says where they do not.

    check = record({"epoch": whole(), "rates": list_of(number(0, 1)), "ended": optional(TEXT)})
    check(value, "latest.json")     # latest.json: rates[3]: expected a number in [0, 1], received 'x'.

A check is a function of a value and its place; it returns nothing, or raises a `DamagedError`. Values come from JSON
or TOML, so they are text, numbers, truth values, None, lists and tables.
"""

from __future__ import annotations

import math
import reprlib
from collections.abc import Callable, Mapping
from typing import Any

from .errors import DamagedError

Check = Callable[[Any, str], None]
LARGEST = 2**53
"""Largest whole number that a double holds exactly; larger counts occur nowhere."""


def expect(holds: bool, place: str, expected: str, received: Any) -> None:  # noqa: FBT001
    """Raise a DamagedError with the place, what was expected and what was received, unless the condition holds."""
    if not holds:
        raise DamagedError(f"{place}: expected {expected}, received {reprlib.repr(received)}.")


def anything(value: Any, place: str) -> None:
    """Every value fits."""


def whole(least: int = 0, most: int = LARGEST) -> Check:
    """A whole number in a range; true and false are none."""

    def check(value: Any, place: str) -> None:
        fits = isinstance(value, int) and not isinstance(value, bool) and least <= value <= most
        expect(fits, place, f"a whole number from {least} to {most}", value)

    return check


def number(least: float = -math.inf, most: float = math.inf) -> Check:
    """A finite number in a range."""

    def check(value: Any, place: str) -> None:
        fits = isinstance(value, int | float) and not isinstance(value, bool)
        expect(fits and math.isfinite(value) and least <= value <= most, place, _range(least, most), value)

    return check


def is_text(value: Any, place: str) -> None:
    """Text."""
    expect(isinstance(value, str), place, "text", value)


def is_switch(value: Any, place: str) -> None:
    """True or false."""
    expect(isinstance(value, bool), place, "true or false", value)


def is_table(value: Any, place: str) -> None:
    """A table of any values."""
    expect(isinstance(value, dict), place, "a table", value)


def optional(check: Check) -> Check:
    """None, or what another check asks for."""

    def checked(value: Any, place: str) -> None:
        if value is not None:
            check(value, place)

    return checked


def list_of(check: Check, *, length: int | None = None) -> Check:
    """A list whose items all fit.

    Args:
        check: of an item.
        length: number of the items; None: any.
    """

    def checked(value: Any, place: str) -> None:
        expected = "a list" if length is None else f"a list of {length}"
        expect(isinstance(value, list) and length in (None, len(value)), place, expected, value)
        for index, item in enumerate(value):
            check(item, f"{place}[{index}]")

    return checked


def table_of(check: Check) -> Check:
    """A table with any names whose values all fit."""

    def checked(value: Any, place: str) -> None:
        is_table(value, place)
        for name, item in value.items():
            check(item, f"{place}: {name}")

    return checked


def record(needed: Mapping[str, Check], also: Mapping[str, Check] | None = None, *, others: bool = True) -> Check:
    """A table with certain names.

    Args:
        needed: check of each value that must be there.
        also: check of each value that may be there.
        others: whether values of other names may be there, unchecked.
    """

    def checked(value: Any, place: str) -> None:
        is_table(value, place)
        missing = [name for name in needed if name not in value]
        expect(not missing, place, f"the values {', '.join(needed)}", f"none of {', '.join(missing)}")
        known = {**needed, **(also or {})}
        unknown = [name for name in value if name not in known]
        expect(others or not unknown, place, f"only the values {', '.join(known)}", unknown)
        for name, check in known.items():
            if name in value:
                check(value[name], f"{place}: {name}")

    return checked


def _range(least: float, most: float) -> str:
    if math.isinf(least) and math.isinf(most):
        return "a finite number"
    return f"a number of at least {least}" if math.isinf(most) else f"a number in [{least}, {most}]"
