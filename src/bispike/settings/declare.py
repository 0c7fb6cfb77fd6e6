"""Declaring a setting as a field of a dataclass."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field
from typing import Any, TypeVar

from .limits import Limit, among

T = TypeVar("T")


def option(
    default: T,
    limit: Limit | None = None,
    meaning: str = "",
    *,
    flag: str | None = None,
    metavar: str | None = None,
    incidental: bool = False,
    only_with: Mapping[str, Limit | Sequence[Any]] | None = None,
    one_suffices: bool = False,
) -> T:
    """Declare a setting as a field of a dataclass.

    Args:
        default: its default.
        limit: the values that it takes: `one_of(...)`, `at_least(...)`, `POSITIVE`, ...; None: all of its type.
        meaning: what it is, in a phrase, with its unit.
        flag, metavar, incidental: as for `Setting`.
        only_with: fields of the same class and the values (or the limit) that they need for this one to have an effect,
            such as `{"loss": ("infonce", "cross-entropy")}` or `{"cutoff": POSITIVE}`.
    """
    metadata = {
        "limit": limit,
        "meaning": meaning,
        "flag": flag,
        "metavar": metavar,
        "incidental": incidental,
        "only_with": {name: among(values) for name, values in (only_with or {}).items()},
        "one_suffices": one_suffices,
    }
    made: T = field(default=default, metadata=metadata)
    return made
