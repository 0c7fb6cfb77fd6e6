"""Rows of numbers in a table, whatever the training was on; and what is said where numbers are missing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from ...errors import DataError
from ..readers.cells import number, plain
from ..readers.characters import shortened
from ..readers.table import Table

LISTED = 20
"""Names in a message."""


def without_counter(table: Table) -> tuple[Table, list[str]]:
    """A table without the column that only counts the rows, and a note on it."""
    counter = table.counter()
    if counter is None:
        return table, []
    return table.without([counter]), [f"column {shortened(counter) or '(no name)'!r} only counts the rows; left out."]


def numbers_of(table: Table, names: Sequence[str]) -> np.ndarray:
    """Columns of numbers, float64 `[N, D]`.

    Raises:
        DataError: a text in place of a number, or a missing value.
    """
    found = [expect_numbers(table, name) for name in names]
    gaps = {name: where for name in names if (where := table.gaps(name)).any()}
    if gaps:
        raise missing_values(table, gaps)
    return np.stack(found, axis=1) if found else np.zeros((len(table), 0))


def expect_numbers(table: Table, name: str) -> np.ndarray:
    """The numbers of a column, float64 `[N]` with NaN as gap, or a DataError that names the first other cell."""
    values = table.numbers(name)
    if values is not None:
        return values
    texts, decimal = table.texts(name).tolist(), table.dialect.decimal or "."
    odd = [row for row, text in enumerate(texts) if text is not None and number(plain(text), decimal) is None]
    row = odd[0] if odd else 0
    raise DataError(
        f"{table.place(row)}: {shortened(str(texts[row]))!r} is not a number (column {shortened(name)!r}; expected "
        "numbers, as in training)."
    )


def missing_values(table: Table, gaps: Mapping[str, np.ndarray]) -> DataError:
    """The error for missing values: how many, where, and the options that fill them.

    Args:
        table: for the lines of its rows.
        gaps: by column, where values are missing, with at least one each.
    """
    counts = {name: int(where.sum()) for name, where in gaps.items()}
    first = min(gaps, key=lambda name: int(gaps[name].argmax()))
    row, total = int(gaps[first].argmax()), sum(counts.values())
    where = table.at(row) if table.lines is None else f"{table.at(row)} (row {row + 1})"
    if total == 1:
        what = f"one missing value in {shortened(first)!r}, {where}"
    else:
        columns = ", ".join(f"{shortened(name)!r} ({count})" for name, count in list(counts.items())[:LISTED])
        what = f"{total} missing values in {columns}; the first in {shortened(first)!r}, {where}"
    numeric = all(table.numbers(name) is not None for name in gaps)
    hint = "" if numeric else " If a text such as 'none' is a value: not_missing=[none]."
    return DataError(
        f"{table.source}: {what}. Fill them in the file, or train with missing=median, mean, most-frequent, "
        f"own-category or drop-rows (--set data.missing=median).{hint}"
    )


def listed(names: Iterable[str]) -> str:
    """Names for a message."""
    shown = [repr(shortened(name)) for name in names]
    more = f" and {len(shown) - LISTED} more" if len(shown) > LISTED else ""
    return ", ".join(shown[:LISTED]) + more
