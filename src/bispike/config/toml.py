"""TOML for settings: the standard library reads it, this writes it.

Values are text, integers, numbers, truth values, lists of those, and nested tables. TOML has no null: inside a table
of options, None is written as the empty inline table `{}`, which no option uses for anything else. What is written
and read again is equal to what was there, bit for bit.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..arguments import checked
from ..errors import ConfigurationError, DamagedError
from ..escaping import printable
from ..files import MOST_NESTED, describe, read_bytes

MOST_BYTES = 4 << 20
"""Largest file of settings; names of 100,000 classes fit."""
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")


@checked
def dumps(table: Mapping[str, Any], *, heading: str = "") -> str:
    """A table as TOML text; `heading` lines become comments at the top."""
    lines = [f"# {line}" for line in heading.splitlines()]
    _write_table(table, (), lines)
    return "\n".join(lines) + "\n"


@checked
def load(path: str | Path) -> dict[str, Any]:
    """Read a TOML file.

    Raises:
        ConfigurationError: the file is missing, is not TOML, or nests values too deeply; the message names the line.
    """
    try:
        content = read_bytes(path, most=MOST_BYTES)
    except FileNotFoundError as error:
        raise describe(error, Path(path)) from error
    except DamagedError as error:
        raise ConfigurationError(str(error)) from error
    try:
        table = tomllib.loads(content.decode())
        if _nesting(table) > MOST_NESTED:
            raise ValueError(f"values are nested more than {MOST_NESTED} deep")
    except (ValueError, RecursionError) as error:  # of TOML, of Unicode, and of numbers with thousands of digits
        reason = "values are nested too deeply" if isinstance(error, RecursionError) else error
        raise ConfigurationError(f"{path}: is not valid TOML ({reason}).") from error
    return table


def _nesting(table: dict[str, Any]) -> int:
    """How deeply tables and lists are nested; the table itself counts 1."""
    depth = 0
    level: list[Any] = [table]
    while level and depth <= MOST_NESTED:
        depth += 1
        inner = [item for part in level for item in (part.values() if isinstance(part, dict) else part)]
        level = [item for item in inner if isinstance(item, dict | list)]
    return depth


def with_none(options: Mapping[str, Any]) -> dict[str, Any]:
    """Read a table of options back: empty inline tables are None, at any depth."""
    return {key: _restore(value) for key, value in options.items()}


def _restore(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _restore(inner) for key, inner in value.items()} or None
    return [_restore(item) for item in value] if isinstance(value, list) else value


def _write_table(table: Mapping[str, Any], path: tuple[str, ...], lines: list[str]) -> None:
    nested = {key: value for key, value in table.items() if isinstance(value, Mapping) and value}
    if path:
        lines += ["", f"[{'.'.join(_key(part) for part in path)}]"]
    lines += [f"{_key(key)} = {_value(value, key)}" for key, value in table.items() if key not in nested]
    for key, value in nested.items():
        _write_table(value, (*path, key), lines)


def _key(key: str) -> str:
    return key if _BARE_KEY.fullmatch(key) else _text(key)


def _value(value: Any, key: str) -> str:
    if value is None or (isinstance(value, Mapping) and not value):
        return "{}"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(int(value))
    if isinstance(value, float):
        return repr(float(value))
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_value(item, key) for item in value) + "]"
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{_key(k)} = {_value(v, k)}" for k, v in value.items()) + " }"
    raise ConfigurationError(f"{key}: expected text, a number, true or false, or a list; received {value!r}.")


def _text(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise ConfigurationError(f"{text!r}: is not valid Unicode text.") from error
    return "".join(map(_escaped, json.dumps(text, ensure_ascii=False)))


def _escaped(character: str) -> str:
    """A character of a quoted text; one that acts on a terminal is written by its code."""
    number = ord(character)
    if printable(character) == character:
        return character
    return f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"
