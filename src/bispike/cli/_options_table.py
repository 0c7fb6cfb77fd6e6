"""The options of a rule or a model as rows for programs and as a table for people."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from rich.table import Table

from ._output import table

WIDTH = 100  # columns of a terminal
HEADINGS = ("option", "default", "values", "meaning")
LARGEST = 24  # columns of a default or of the values
LEAST_MEANING = 24
GAP = 3  # columns between two columns of a table


def option_rows(defaults: Mapping[str, Any], declared: type) -> list[dict[str, Any]]:
    """One row per option: name, type, default, choices or range, meaning.

    Args:
        defaults: of all options by name.
        declared: the dataclass that declares them, in whole or in part; metadata of its fields give "limit" and
            "meaning".
    """
    fields = {field.name: field for field in dataclasses.fields(declared)}
    rows = []
    for name, default in defaults.items():
        field = fields.get(name)
        limit = field.metadata.get("limit") if field else None
        choices = list(getattr(limit, "choices", ()))
        rows.append(
            {
                "name": name,
                "type": str(field.type) if field else "" if default is None else type(default).__name__,
                "default": default,
                "choices": choices or None,
                "range": None if choices else getattr(limit, "expected", None),
                "meaning": field.metadata.get("meaning", "") if field else "",
            }
        )
    return rows


def option_table(rows: Sequence[Mapping[str, Any]]) -> Table:
    """The rows in at most 100 columns."""
    cells = [[row["name"], _text(row["default"]), _values(row), row["meaning"]] for row in rows]
    made = table(HEADINGS, cells)
    used = GAP * (len(HEADINGS) - 1)
    for i, column in enumerate(made.columns[:-1]):
        width = max(len(HEADINGS[i]), *(len(row[i]) for row in cells)) if cells else len(HEADINGS[i])
        column.width = width if i == 0 else min(width, LARGEST)
        used += column.width
    made.columns[-1].max_width = max(LEAST_MEANING, WIDTH - used)
    return made


def _values(row: Mapping[str, Any]) -> str:
    return ", ".join(row["choices"] or [row["range"] or row["type"]])


def _text(value: Any) -> str:
    return str(value).lower() if value is None or isinstance(value, bool) else str(value)
