"""The options of a rule or a model as a table for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.table import Table

from ._output import table

WIDTH = 100  # columns of a terminal
HEADINGS = ("option", "default", "values", "meaning")
LARGEST = 24  # columns of a default or of the values
LEAST_MEANING = 24
GAP = 3  # columns between two columns of a table


def option_table(rows: Sequence[Mapping[str, Any]]) -> Table:
    """The options in at most 100 columns.

    Args:
        rows: as `Setting.describe` gives them.
    """
    cells = [[row["name"], _text(row["default"]), _values(row), _meaning(row)] for row in rows]
    made = table(HEADINGS, cells)
    used = GAP * (len(HEADINGS) - 1)
    for i, column in enumerate(made.columns[:-1]):
        width = max(len(HEADINGS[i]), *(len(row[i]) for row in cells)) if cells else len(HEADINGS[i])
        column.width = width if i == 0 else min(width, LARGEST)
        used += column.width
    made.columns[-1].max_width = max(LEAST_MEANING, WIDTH - used)
    return made


def _meaning(row: Mapping[str, Any]) -> str:
    return f"{row['meaning']} (acts where {row['acts']})" if row["acts"] else str(row["meaning"])


def _values(row: Mapping[str, Any]) -> str:
    return ", ".join(row["choices"] or [row["range"] or row["type"]])


def _text(value: Any) -> str:
    return str(value).lower() if value is None or isinstance(value, bool) else str(value)
