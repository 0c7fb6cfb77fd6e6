"""A value that a user can set: its name, type, range, meaning and default. All that is done with values is here."""

from __future__ import annotations

import dataclasses
import json
import math
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from numbers import Rational, Real
from typing import Any, ClassVar

from ..arguments import NUMPY_BOOLS, plain, shown
from ..errors import ConfigurationError, unknown_name
from .kinds import ANY, LIST, NUMBER, TEXT, WHOLE, WHOLES, Kind, value_kind
from .limits import Limit

_DECLARED: dict[type, dict[str, Setting]] = {}


@dataclass(frozen=True)
class Setting:
    """A value that a user can set.

    Args:
        name: of the field.
        kind: type of its values.
        default: the value where none is given.
        meaning: what it is, in a phrase, with its unit.
        limit: the values that it takes.
        optional: whether None is a value as well; it switches something off unless the meaning tells otherwise.
        flag: of the command line; without one the setting is given as `--set name=value`.
        metavar: what stands for the value in the help.
        incidental: whether it says where and how a training runs, not what it computes; such a setting may differ
            when a training is resumed.
        only_with: other settings by name and the values that they need for this one to have an effect.
        one_suffices: whether one of the settings in `only_with` is enough.
    """

    name: str
    kind: Kind
    default: Any
    meaning: str = ""
    limit: Limit | None = None
    optional: bool = False
    flag: str | None = None
    metavar: str | None = None
    incidental: bool = False
    only_with: Mapping[str, Limit] = field(default_factory=dict)
    one_suffices: bool = False

    def problem(self, value: Any) -> str:
        """What is wrong with a value, in a sentence; empty if nothing is."""
        if value is None and self.optional:
            return ""
        if not self.fits(value):
            return f"{self.name}: expected {self.kind.expected}, received {shown(value)}."
        if not _is_finite(value):
            expected = "finite numbers" if isinstance(value, dict) else "a finite number"
            return f"{self.name}: expected {expected}, received {shown(value)}."
        if self.limit is None or _within(self.limit, value):
            return ""
        if self.limit.choices:
            return unknown_name(self.name, value, self.limit.choices)
        return f"{self.name}: expected {self.limit.expected}, received {shown(value)}."

    def fits(self, value: Any) -> bool:
        """Whether a value has the type of this setting."""
        if value is None and self.optional:
            return True
        if isinstance(value, list | tuple) and self.kind.items is not None:
            return all(_is_a(item, self.kind.items) for item in value)
        return self.kind.types is None or _is_a(value, self.kind.types)

    def convert(self, value: Any) -> Any:
        """A value of this type as a plain one (a whole number as a float, a tuple as a list); others unchanged."""
        if value is None or not self.fits(value):
            return value
        if self.kind is NUMBER:
            return float(value) if _is_finite(value) else value
        return int(value) if self.kind is WHOLE else plain(value)

    def accept(self, value: Any, *, received: Any = None) -> Any:
        """A value of this type as a plain one; its range is not checked.

        Raises:
            ConfigurationError: the value has another type.
        """
        if not self.fits(value):
            given = shown(value if received is None else received)
            raise ConfigurationError(f"{self.name}: expected {self.kind.expected}, received {given}.")
        return self.convert(value)

    def read(self, text: str) -> Any:
        """The value that a text stands for. Lists are written `[256,128]` or `256,128`, None as `none`.

        Raises:
            ConfigurationError: the text stands for no value of this type.
        """
        if self.optional and text.lower() == "none":
            return None
        if self.kind is TEXT:
            return text
        value = _parse(text)
        if self.kind in (LIST, WHOLES) and not isinstance(value, list):
            value = _parse(f"[{text}]")
        return self.accept(value, received=text)

    def acts(self, in_force: Mapping[str, Any]) -> bool:
        """Whether this setting has an effect with the settings in force, by name."""
        met = [_within(limit, in_force[name]) for name, limit in self.only_with.items() if name in in_force]
        return not met or (any(met) if self.one_suffices else all(met))

    @property
    def condition(self) -> str:
        """When this setting has an effect; empty if always."""
        conditions = [f"{name} is {limit.expected}" for name, limit in self.only_with.items()]
        return (" or " if self.one_suffices else " and ").join(conditions)

    def no_effect(self, value: Any, in_force: Mapping[str, Any]) -> str:
        """Why this value has no effect with the settings in force, in a sentence; empty if it has one."""
        if self.acts(in_force):
            return ""
        against = ", ".join(f"{name} {in_force[name]!r}" for name in self.only_with if name in in_force)
        return (
            f"{self.name}: received {shown(value)}, which has no effect with {against}; it acts where "
            f"{self.condition}. Set that too, or leave {self.name} out."
        )

    def describe(self) -> dict[str, Any]:
        """As plain values: name, type, default, choices or range, meaning, acts (when it has an effect), flag."""
        choices = self.limit.choices if self.limit else []
        return {
            "name": self.name,
            "type": self.kind.name + (" or none" if self.optional and self.kind is not ANY else ""),
            "default": plain(self.default),
            "choices": choices or None,
            "range": self.limit.expected if self.limit and not choices else None,
            "meaning": self.meaning,
            "acts": self.condition or None,
            "flag": self.flag,
        }


def settings_of(owner: type) -> dict[str, Setting]:
    """The settings that a dataclass declares, by name, in its order."""
    if owner not in _DECLARED:
        _DECLARED[owner] = {part.name: _of_field(part) for part in dataclasses.fields(owner)}
    return _DECLARED[owner]


def setting(name: str, default: Any, annotation: Any = None, **declared: Any) -> Setting:
    """A setting outside of a dataclass: its type follows from the annotation, or else from the default."""
    kind, optional = value_kind(annotation, default)
    return Setting(name, kind, default, optional=optional, **declared)


def no_effects(
    settings: Mapping[str, Setting],
    given: Mapping[str, Any],
    *,
    defaults_too: bool = False,
    others: Mapping[str, Any] | None = None,
) -> dict[str, str]:
    """The values that have no effect with the others, by name with the reason.

    Args:
        settings: all that there are.
        given: the values of some of them.
        defaults_too: whether a value that is the default may be one of them.
        others: what else is in force, by the names that conditions use.
    """
    in_force = {name: one.default for name, one in settings.items()} | dict(given) | dict(others or {})
    found = {
        name: settings[name].no_effect(value, in_force)
        for name, value in given.items()
        if name in settings and (defaults_too or value != settings[name].default)
    }
    return {name: reason for name, reason in found.items() if reason}


@dataclass(frozen=True)
class Declared:
    """Base of dataclasses whose fields are declared with `option`: each value is checked and converted.

    Attributes:
        refuses_idle: whether values that differ from the default and have no effect with the others are refused.

    Raises:
        ConfigurationError: all values that do not fit, together.
    """

    refuses_idle: ClassVar[bool] = True

    def __post_init__(self) -> None:
        settings = settings_of(type(self))
        values = {name: getattr(self, name) for name in settings}
        problems = list(filter(None, (one.problem(values[name]) for name, one in settings.items())))
        if not problems and self.refuses_idle:
            problems = list(no_effects(settings, values).values())
        if problems:
            raise ConfigurationError(problems)
        for name, one in settings.items():
            object.__setattr__(self, name, one.convert(values[name]))


def _of_field(part: dataclasses.Field[Any]) -> Setting:
    default = part.default
    if default is dataclasses.MISSING:
        default = part.default_factory() if part.default_factory is not dataclasses.MISSING else None
    return setting(part.name, default, part.type, **part.metadata)


def _is_a(value: Any, types: tuple[type, ...]) -> bool:
    if type(value).__name__ in NUMPY_BOOLS:
        return bool in types or object in types
    return isinstance(value, types) and (not isinstance(value, bool) or bool in types or object in types)


def _within(limit: Limit, value: Any) -> bool:
    if value in limit.without:
        return False
    if limit.values is not None:
        return value in limit.values
    if limit.choices:
        return value in limit.choices
    if isinstance(value, str):
        return True
    low = value > limit.least if limit.above else value >= limit.least
    return low and (value < limit.most if limit.below else value <= limit.most)


def _is_finite(value: Any) -> bool:
    if isinstance(value, list | tuple | dict):
        return all(_is_finite(item) for item in (value.values() if isinstance(value, dict) else value))
    if isinstance(value, Rational):  # whole numbers have no end
        most: Any = sys.float_info.max
        return -most <= value <= most
    return not isinstance(value, Real) or math.isfinite(value)


def _parse(text: str) -> Any:
    """What a text stands for by itself: a word, a number, true, false, none or a list."""
    if text.lower() == "none":
        return None
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    try:
        return json.loads(text)
    except ValueError:
        pass
    except RecursionError:
        return text  # lists in lists, thousands of them
    try:
        return float(text)  # 1e-3 is JSON, but .5, inf and nan are not
    except ValueError:
        return text
