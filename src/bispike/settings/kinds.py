"""Types of settings: what a value of each is, and what a text stands for."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any


@dataclass(frozen=True)
class Kind:
    """A type of values.

    Args:
        name: in tables.
        expected: in messages, with its article.
        accepts: whether a value has this type. A bool is no number, and 2.0 is not whole.
        convert: an accepted value as a plain one.
    """

    name: str
    expected: str
    accepts: Callable[[Any], bool]
    convert: Callable[[Any], Any] = lambda value: value


def plain(value: Any) -> Any:
    """A value with lists in place of tuples, at any depth."""
    if isinstance(value, dict):
        return {key: plain(inner) for key, inner in value.items()}
    return [plain(item) for item in value] if isinstance(value, list | tuple) else value


def _is_whole(value: Any) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool)


def _is_wholes(value: Any) -> bool:
    return isinstance(value, list | tuple) and all(_is_whole(item) for item in value)


TEXT = Kind("text", "text", lambda value: isinstance(value, str))
SWITCH = Kind("true or false", "true or false", lambda value: isinstance(value, bool))
WHOLE = Kind("whole number", "a whole number", _is_whole, int)
NUMBER = Kind("number", "a number", lambda value: isinstance(value, Real) and not isinstance(value, bool), float)
TABLE = Kind("table", "a table", lambda value: isinstance(value, dict), plain)
LIST = Kind("list", "a list such as [0.9,0.99]", lambda value: isinstance(value, list | tuple), plain)
WHOLES = Kind("list of whole numbers", "a list such as [256,128]", _is_wholes, plain)
WHOLE_OR_LIST = Kind(
    "whole number or list",
    "a whole number or a list such as [2,1]",
    lambda value: _is_whole(value) or _is_wholes(value),
    plain,
)
ANY = Kind("any", "a value", lambda value: True, plain)
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


def kind_of(annotation: Any, default: Any) -> tuple[Kind, bool]:
    """Type of a setting by its annotation, or else by its default; and whether it may be None."""
    text = annotation.__name__ if isinstance(annotation, type) else str(annotation)
    optional = text.endswith(" | None") or (default is None and annotation is None)
    text = text.removesuffix(" | None")
    if text in _BY_ANNOTATION:
        return _BY_ANNOTATION[text], optional
    return next((kind for types, kind in _BY_DEFAULT if isinstance(default, types)), ANY), optional


def is_finite(value: Any) -> bool:
    """Whether all numbers in a value are finite."""
    if isinstance(value, list | tuple):
        return all(is_finite(item) for item in value)
    if isinstance(value, dict):
        return all(is_finite(item) for item in value.values())
    return not isinstance(value, float) or math.isfinite(value)


def parse(text: str) -> Any:
    """What a text stands for by itself: a word, a number, true, false, none or a list."""
    if text.lower() == "none":
        return None
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    try:
        return json.loads(text)
    except ValueError:
        pass
    try:
        return float(text)  # 1e-3 is JSON, but .5, inf and nan are not
    except ValueError:
        return text
