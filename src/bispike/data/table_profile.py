"""What a table looks like before anybody says what it is for: its columns, and what could be typed next."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import DataError
from . import roles
from .memory_limit import Room
from .readers.cells import oddity
from .readers.characters import shortened, typed
from .readers.dialect import Dialect
from .readers.series_table import Choice, Policy, read_series
from .readers.table import Table, read_table_file

MOST_CLASSES = 20
"""Values of a column that may be the class."""
SUGGESTED = 3
EXAMPLE = 12
"""Characters that are shown of a text in a cell."""
TIMES = frozenset(("time", "date", "datetime", "timestamp", "ds", "day", "month", "year", "hour", "utc_time", "period"))
DELIMITERS = {"\t": "tab", "": "white space", ",": "comma", ";": "semicolon", "|": "bar"}


def profile(path: Path, given: Dialect, *, target: str | int | None, memory_limit: float | None) -> dict[str, Any]:
    """The columns of a table, as plain values.

    Args:
        path: the file.
        given: what the user says about how it is written.
        target: class column, if the user gives it.
        memory_limit: GiB that reading may take.

    Returns:
        "rows", "written" (delimiter, decimal, encoding, header), "columns" (name, type, missing, low, high, values,
        note), "class_columns" and "time_columns" (names of those that may be), "next" (commands), "notes".

    Raises:
        DataError: as `read_table_file`.
    """
    table = read_table_file(path, given, memory_limit=memory_limit)
    counter = table.counter()
    columns = [_column(table, name, counter) for name in table.names]
    times = [one["name"] for one in columns if one["type"] == "date" or one["name"].lower() in TIMES]
    classes = _class_columns(table, columns, target)
    dialect = table.dialect
    commands, more = _next(path, table, columns, classes, times, given)
    return {
        "rows": len(table),
        "written": {
            "delimiter": DELIMITERS.get(dialect.delimiter or "", dialect.delimiter),
            "decimal": dialect.decimal,
            "encoding": dialect.encoding,
            "header": dialect.header,
        },
        "columns": columns,
        "class_columns": classes,
        "time_columns": times,
        "next": commands,
        "notes": [*table.notes, *more],
    }


def _column(table: Table, name: str, counter: str | None) -> dict[str, Any]:
    column = table.columns[name]
    gaps = int(table.gaps(name).sum())
    found: dict[str, Any] = {"name": name, "type": column.kind, "missing": gaps, "low": None, "high": None}
    found |= {"values": None, "note": ""}
    numbers = table.numbers(name)
    if column.kind == "number" and numbers is not None:
        known = numbers[~np.isnan(numbers)]
        found |= {"low": float(known.min()), "high": float(known.max()), "values": len(np.unique(known))}
        found["note"] = "counts the rows" if name == counter else f"with {column.mark}" if column.mark else ""
        return found
    texts = [text for text in column.texts.tolist() if text is not None]
    distinct = dict.fromkeys(texts)
    found["values"] = len(distinct)
    if column.kind == "text" and texts and all(oddity(text) == "a date or time" for text in texts[:50]):
        found["type"] = "date"
        found |= {"note": f"{shortened(texts[0])} to {shortened(texts[-1])}"}
    elif column.odd >= 0:
        found["note"] = f"{table.at(column.odd)}: {shortened(str(column.texts[column.odd]))!r} is {column.fault}"
    elif column.kind == "text":
        some = ", ".join(text if len(text) <= EXAMPLE else f"{text[:EXAMPLE]}..." for text in list(distinct)[:3])
        found["note"] = f"{some}{', ...' if len(distinct) > 3 else ''}"
    return found


def _class_columns(table: Table, columns: Sequence[dict[str, Any]], target: str | int | None) -> list[str]:
    """Names of columns that may be the class, the likeliest first."""
    if target is not None:
        return [roles.class_column(table, target)]
    found: list[tuple[int, int, str]] = []
    for place, one in enumerate(columns):
        few = one["values"] is not None and 2 <= one["values"] <= max(2, min(MOST_CLASSES, len(table) // 5))
        usual = one["name"].lower() in roles.USUAL_TARGETS
        numbers = table.numbers(one["name"])
        whole = numbers is None or not bool(
            (np.floor(numbers[~np.isnan(numbers)]) != numbers[~np.isnan(numbers)]).any()
        )
        if not (usual or (few and whole and one["type"] in ("number", "truth", "text"))):
            continue
        last = place in (0, len(columns) - 1)
        found.append((0 if usual else 1 if last and one["type"] == "text" else 2 if last else 3, place, one["name"]))
    return [name for _, _, name in sorted(found)]


def _next(
    path: Path,
    table: Table,
    columns: Sequence[dict[str, Any]],
    classes: Sequence[str],
    times: Sequence[str],
    given: Dialect,
) -> tuple[list[str], list[str]]:
    """Commands that train on this table, with the encoding that the user gives; and notes on what they
    need besides."""
    encoding = f"data.encoding={given.encoding}" if given.encoding else None
    data = f"bispike train --dataset {shlex.quote(str(path))}"
    commands = []
    for target in classes[:SUGGESTED]:
        settings = [encoding, *_settings(table, columns, target)]
        commands.append(f"{data} --target {shlex.quote(_typed(table, target))}{_typed_settings(settings)}")
    numbers = [one for one in columns if one["type"] == "number" and one["note"] != "counts the rows"]
    if not numbers or (classes and not times):
        return commands, []
    drop = [one["name"] for one in columns if one["name"] not in times and _is_no_quantity(one)]
    gaps = any(one["missing"] for one in numbers)
    settings = [encoding, "data.missing=previous" if gaps else None, f"data.drop={typed(drop)}" if drop else None]
    commands.append(f"{data} --task series --model rnn{_typed_settings(settings)}")
    policy = Policy(missing="previous" if gaps else "error")
    try:
        read_series(table, Room.in_memory(path), name=path.name, choice=Choice(drop=tuple(drop)), policy=policy)
    except DataError as error:
        return commands, [f"as a series the table is not read yet: {error}"]
    return commands, []


def _is_no_quantity(column: dict[str, Any]) -> bool:
    """Whether a column holds texts, nothing, or one value in every row."""
    return column["type"] in ("text", "empty") or column["values"] == 1


def _typed_settings(settings: Sequence[str | None]) -> str:
    given = [shlex.quote(one) for one in settings if one]
    return f" --set {' '.join(given)}" if given else ""


def _settings(table: Table, columns: Sequence[dict[str, Any]], target: str) -> list[str]:
    """Options that a training with this class column needs."""
    drop, gaps = [], False
    for one in columns:
        name = one["name"]
        if name == target or one["type"] == "empty" or one["note"] == "counts the rows":
            continue
        try:
            roles.features_of(table, [name], roles.Choices(target))
            gaps = gaps or bool(one["missing"])
        except DataError:
            drop.append(name)
    missing = ["data.missing=drop-rows"] if table.gaps(target).any() else ["data.missing=median"] if gaps else []
    return [*missing, *([f"data.drop={typed(drop)}"] if drop else [])]


def _typed(table: Table, name: str) -> str:
    return name if table.dialect.header else str(table.names.index(name) + 1)
