"""A value that a user can set: its name, type, range, meaning and default."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..errors import ConfigurationError
from .kinds import ANY, LIST, TEXT, WHOLES, Kind, is_finite, parse, plain
from .limits import Limit


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

    def problem(self, value: Any) -> str:
        """What is wrong with a value, in a sentence; empty if nothing is."""
        if value is None and self.optional:
            return ""
        if not self.kind.accepts(value):
            return f"{self.name}: expected {self.kind.expected}, received {value!r}."
        if not is_finite(value):
            expected = "finite numbers" if isinstance(value, dict) else "a finite number"
            return f"{self.name}: expected {expected}, received {value}."
        return self.limit(self.name, value) if self.limit is not None else ""

    def convert(self, value: Any) -> Any:
        """A value of this type as a plain one (a whole number as a float, a tuple as a list); others unchanged."""
        if value is None and self.optional:
            return None
        return self.kind.convert(value) if self.kind.accepts(value) else value

    def accept(self, value: Any, *, received: Any = None) -> Any:
        """A value of this type as a plain one; its range is not checked.

        Raises:
            ConfigurationError: the value has another type.
        """
        if not (value is None and self.optional) and not self.kind.accepts(value):
            shown = value if received is None else received
            raise ConfigurationError(f"{self.name}: expected {self.kind.expected}, received {shown!r}.")
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
        value = parse(text)
        if self.kind in (LIST, WHOLES) and not isinstance(value, list):
            value = parse(f"[{text}]")
        return self.accept(value, received=text)

    def acts(self, in_force: Mapping[str, Any]) -> bool:
        """Whether this setting has an effect with the settings in force, by name."""
        return all(limit.holds(in_force[name]) for name, limit in self.only_with.items() if name in in_force)

    @property
    def condition(self) -> str:
        """When this setting has an effect; empty if always."""
        return " and ".join(f"{name} is {limit.expected}" for name, limit in self.only_with.items())

    def no_effect(self, value: Any, in_force: Mapping[str, Any]) -> str:
        """Why this value has no effect with the settings in force, in a sentence; empty if it has one."""
        if self.acts(in_force):
            return ""
        against = ", ".join(f"{name} {in_force[name]!r}" for name in self.only_with if name in in_force)
        return (
            f"{self.name}: received {value!r}, which has no effect with {against}; it acts where {self.condition}. "
            f"Set that too, or leave {self.name} out."
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
