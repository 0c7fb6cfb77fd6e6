"""Missing values of a series: refused, or filled from the past alone, or between the values beside a gap.

previous       the last known value of the column; rows before the first one are left out, since their value lies
               in the future
interpolate    the line between the known values beside a gap, which looks ahead
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ...errors import DataError
from .characters import shortened
from .time_order import Rows, counted

MISSING = ("error", "previous", "interpolate")
MOST_LEFT_OUT = 0.5
"""Share of the rows that may be left out at the beginning."""


def expect_values(rows: Rows, columns: Sequence[str]) -> None:
    """Refuse gaps.

    Raises:
        DataError: a value is missing.
    """
    gaps = ~np.isfinite(rows.values)
    if not gaps.any():
        return
    row, column = (int(one) for one in np.argwhere(gaps)[0])
    total, touched = int(gaps.sum()), int(gaps.any(0).sum())
    raise DataError(
        f"{rows.at(row)}: no value in column {shortened(columns[column])!r} "
        f"({counted(total, 'value is', 'values are')} missing in all, in {counted(touched, 'column')}). "
        "Fill them, or choose missing=previous or missing=interpolate (--set missing=previous)."
    )


def filled(rows: Rows, columns: Sequence[str], missing: str) -> Rows:
    """Rows without gaps.

    Args:
        rows: in order.
        columns: their D names.
        missing: "previous" or "interpolate".

    Raises:
        DataError: a column has no value, or begins so late that more than half of the rows would be left out.
    """
    gaps = ~np.isfinite(rows.values)
    if not gaps.any():
        return rows
    empty = np.flatnonzero(gaps.all(0))
    if len(empty):
        name = shortened(columns[int(empty[0])])
        raise DataError(f"{rows.place(0)}: column {name!r} has no value at all. Leave it out: drop=[{name}].")
    begins = (~gaps).argmax(0)
    first = int(begins.max())
    if first > MOST_LEFT_OUT * len(gaps):
        name = shortened(columns[int(begins.argmax())])
        raise DataError(
            f"{rows.at(first)}: column {name!r} has its first value here; the {first} rows before it cannot be filled "
            f"from the past. Leave the column out (drop=[{name}]), or these rows."
        )
    values = rows.values.copy()
    for j in np.flatnonzero(gaps.any(0)):
        known = np.flatnonzero(~gaps[:, j])
        if missing == "interpolate":
            values[:, j] = np.interp(np.arange(len(values)), known, values[known, j])
        else:
            values[:, j] = values[np.maximum.accumulate(np.where(gaps[:, j], 0, np.arange(len(values)))), j]
    rows = replace(rows, values=values)
    if first:
        rows = rows.taken(np.arange(first, len(gaps))).noted(
            f"the first {counted(first, 'row was', 'rows were')} left out: column "
            f"{shortened(columns[int(begins.argmax())])!r} has no earlier value to fill them with."
        )
    total = int(gaps[first:].sum())
    if not total:
        return rows
    note = f"{counted(total, 'missing value was', 'missing values were')} filled ({missing})."
    if missing == "interpolate":
        note = f"{note[:-1]}; filled values contain the value after the gap, so forecasts near gaps are too good."
    return rows.noted(note)
