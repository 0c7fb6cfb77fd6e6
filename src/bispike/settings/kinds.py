"""Types of settings, as data; what is done with values stands in `setting.py`."""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any


@dataclass(frozen=True)
class Kind:
    """A type of values.

    Args:
        name: in tables.
        expected: in messages, with its article.
        types: Python types of its values; a bool is no number, and 2.0 is not whole. None: any value.
        items: types of the items where a value may be a list; None: no lists.
    """

    name: str
    expected: str
    types: tuple[type, ...] | None
    items: tuple[type, ...] | None = None


TEXT = Kind("text", "text", (str,))
SWITCH = Kind("true or false", "true or false", (bool,))
WHOLE = Kind("whole number", "a whole number", (Integral,))
NUMBER = Kind("number", "a number", (Real,))
TABLE = Kind("table", "a table", (dict,))
LIST = Kind("list", "a list such as [0.9,0.99]", (), (object,))
WHOLES = Kind("list of whole numbers", "a list such as [256,128]", (), (Integral,))
WHOLE_OR_LIST = Kind("whole number or list", "a whole number or a list such as [2,1]", (Integral,), (Integral,))
ANY = Kind("any", "a value", None)
_BY_ANNOTATION = {
    "str": TEXT,
    "bool": SWITCH,
    "int": WHOLE,
    "float": NUMBER,
    "Sequence[int]": WHOLES,
    "Sequence[int] | int": WHOLE_OR_LIST,
}
_BY_DEFAULT: tuple[tuple[type | tuple[type, ...], Kind], ...] = (
    (str, TEXT),
    (bool, SWITCH),
    (int, WHOLE),
    (float, NUMBER),
    ((list, tuple), LIST),
    (dict, TABLE),
)


def value_kind(annotation: Any, default: Any) -> tuple[Kind, bool]:
    """Type of a setting by its annotation, or else by its default; and whether it may be None."""
    text = annotation.__name__ if isinstance(annotation, type) else str(annotation)
    optional = text.endswith(" | None") or (default is None and annotation is None)
    text = text.removesuffix(" | None")
    if text in _BY_ANNOTATION:
        return _BY_ANNOTATION[text], optional
    return next((kind for types, kind in _BY_DEFAULT if isinstance(default, types)), ANY), optional
