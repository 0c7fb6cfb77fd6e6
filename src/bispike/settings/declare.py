"""Declaring settings as fields of a dataclass, and what follows from a declaration."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from ..errors import ConfigurationError
from .kinds import kind_of
from .limits import Limit, among
from .setting import Setting

T = TypeVar("T")
_DECLARED: dict[type, dict[str, Setting]] = {}


def option(
    default: T,
    limit: Limit | None = None,
    meaning: str = "",
    *,
    flag: str | None = None,
    metavar: str | None = None,
    incidental: bool = False,
    only_with: Mapping[str, Limit | Sequence[Any]] | None = None,
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
    }
    made: T = field(default=default, metadata=metadata)
    return made


def settings_of(owner: type) -> dict[str, Setting]:
    """The settings that a dataclass declares, by name, in its order."""
    if owner not in _DECLARED:
        _DECLARED[owner] = {part.name: _of_field(part) for part in dataclasses.fields(owner)}
    return _DECLARED[owner]


def setting(name: str, default: Any, annotation: Any = None, **declared: Any) -> Setting:
    """A setting outside of a dataclass: its type follows from the annotation, or else from the default."""
    kind, optional = kind_of(annotation, default)
    return Setting(name, kind, default, optional=optional, **declared)


def no_effects(settings: Mapping[str, Setting], given: Mapping[str, Any]) -> dict[str, str]:
    """Of given values those that differ from the default and have no effect, with the sentence that explains it."""
    in_force = {name: one.default for name, one in settings.items()} | dict(given)
    found = {
        name: settings[name].no_effect(value, in_force)
        for name, value in given.items()
        if name in settings and value != settings[name].default
    }
    return {name: sentence for name, sentence in found.items() if sentence}


@dataclass(frozen=True)
class Declared:
    """Base of dataclasses whose fields are declared with `option`: each value is checked and converted.

    Raises:
        ConfigurationError: all values that do not fit, together.
    """

    def __post_init__(self) -> None:
        settings = settings_of(type(self))
        problems = [problem for name, one in settings.items() if (problem := one.problem(getattr(self, name)))]
        if problems:
            raise ConfigurationError(problems)
        for name, one in settings.items():
            object.__setattr__(self, name, one.convert(getattr(self, name)))


def _of_field(part: dataclasses.Field[Any]) -> Setting:
    default = part.default
    if default is dataclasses.MISSING:
        default = part.default_factory() if part.default_factory is not dataclasses.MISSING else None
    return setting(part.name, default, part.type, **part.metadata)
