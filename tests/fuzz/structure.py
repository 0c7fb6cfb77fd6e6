"""Damages of the structure of JSON, JSON lines and TOML: other types, missing and additional keys, deep nesting."""

from __future__ import annotations

import copy
import json
import random
import tomllib
from pathlib import Path
from typing import Any

VALUES: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 3, 2**31, 2**63, -(2**70), 10**400, 0.0, -0.5, 1e308, float("nan"), float("inf"),
    "", "x", "nan", "a\x1b[31mb", "../../x", "/dev/zero", "x" * 5000,
    [], {}, [[]], [0], [1, 2, 3], [None], ["x"], {"a": 1}, [1e9] * 4, {"": {}},
)  # fmt: skip


def damage_json(path: Path, rng: random.Random) -> str:
    """Change one value of a JSON file, or the file as a whole."""
    try:
        value = json.loads(path.read_bytes())
    except ValueError:
        path.write_bytes(b"{}")
        return "replaced by {}"
    new, done = changed(value, rng)
    path.write_text(_dump(new, rng))
    return done


def damage_jsonl(path: Path, rng: random.Random) -> str:
    """Change one row of a file of JSON lines."""
    rows = path.read_text(errors="replace").splitlines()
    if not rows:
        path.write_text("{}\n")
        return "one empty row"
    at = rng.randrange(len(rows))
    try:
        new, done = changed(json.loads(rows[at]), rng)
        rows[at] = _dump(new, rng)
    except ValueError:
        rows[at], done = "{}", "replaced by {}"
    if rng.random() < 0.2:
        rows.insert(at, rng.choice(rows))
        done += ", one row twice"
    path.write_text("\n".join(rows) + rng.choice(("\n", "")))
    return f"row {at + 1}: {done}"


def damage_toml(path: Path, rng: random.Random) -> str:
    """Change one value of a TOML file."""
    try:
        value = tomllib.loads(path.read_text())
    except (ValueError, RecursionError):
        path.write_text("")
        return "emptied"
    new, done = changed(value, rng)
    if not isinstance(new, dict):
        new = {"x": new}
    try:
        path.write_text("\n".join(_toml(new, "")) + "\n", encoding="utf-8", errors="replace")
    except RecursionError:
        path.write_text("a = " + "[" * 50000)
        done = "deep arrays"
    return done


def changed(value: Any, rng: random.Random) -> tuple[Any, str]:
    """A copy of a tree of plain values with one node changed, and what was done."""
    value = copy.deepcopy(value)
    places = [place for place in _places(value, "") if place[0] is not None]
    if not places or rng.random() < 0.03:
        return rng.choice(VALUES), "the whole replaced"
    owner, key, name = rng.choice(places)
    way = rng.randrange(10)
    if way == 0:
        del owner[key]
        return value, f"{name} removed"
    if way == 1 and isinstance(owner, dict):
        owner[rng.choice(("x", "", "a.b", "\x1b[2J", "epochs", "__class__"))] = owner.pop(key)
        return value, f"{name} renamed"
    if way == 2:
        nested: Any = owner[key]
        for _ in range(rng.choice((2, 100, 900))):
            nested = [nested] if rng.random() < 0.7 else {"a": nested}
        owner[key] = nested
        return value, f"{name} nested"
    if way == 3 and isinstance(owner[key], list):
        owner[key] = owner[key] * rng.choice((2, 1000)) if rng.random() < 0.5 else owner[key][:-1]
        return value, f"{name} of another length"
    if way == 4 and isinstance(owner[key], int | float):
        owner[key] = -owner[key] if rng.random() < 0.5 else owner[key] + rng.choice((1, 0.5, 10**6, 10**12))
        return value, f"{name} = {owner[key]!r:.20}"
    owner[key] = rng.choice(VALUES)
    return value, f"{name} = {owner[key]!r:.20}"


def _places(value: Any, name: str) -> list[tuple[Any, Any, str]]:
    """Every node as (its owner, its key in it, its path)."""
    items = value.items() if isinstance(value, dict) else enumerate(value[:50]) if isinstance(value, list) else ()
    found: list[tuple[Any, Any, str]] = []
    for key, item in items:
        found.append((value, key, f"{name}/{key}"))
        found += _places(item, f"{name}/{key}")
    return found


def _dump(value: Any, rng: random.Random) -> str:
    text = json.dumps(value)
    way = rng.random()
    if way < 0.02:
        return "[" * 100_000
    if way < 0.04:
        return text[: len(text) // 2]
    return text


def _toml(table: dict[str, Any], prefix: str) -> list[str]:
    lines = [f"{json.dumps(str(key))} = {_inline(item)}" for key, item in table.items() if not isinstance(item, dict)]
    for key, item in table.items():
        if isinstance(item, dict):
            path = f"{prefix}.{json.dumps(str(key))}" if prefix else json.dumps(str(key))
            lines += [f"[{path}]", *_toml(item, path)]
    return lines


def _inline(value: Any) -> str:
    if value is None:
        return '""'
    if isinstance(value, list):
        return "[" + ", ".join(_inline(item) for item in value) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(str(key))} = {_inline(item)}" for key, item in value.items()) + "}"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float | str):
        return json.dumps(value).replace("NaN", "nan").replace("Infinity", "inf")
    return str(value)  # dates and times
