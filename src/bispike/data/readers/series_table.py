"""Series from files: tables of numbers, one row per time step, with dates, gaps and decimal commas.

Files: CSV (also `.gz`; commas, semicolons or tabs; with or without names of the columns; a column of times is left
out; numbers may have decimal commas where commas do not separate the columns), and the HDF5 files of pandas, as METR-LA
and PEMS-BAY are published (needs h5py).
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...errors import ConfigurationError, DataError, unknown_name
from ..memory_limit import Room
from .characters import read_cells, shortened
from .hdf import read_hdf

MISSING = ("error", "previous", "interpolate")
DECIMAL_COMMA = re.compile(r"^(\s*[-+]?\d*),(\d+(?:[eE][-+]?\d+)?\s*)$")
GAPS = frozenset({"", "na", "nan", "null", "none", "-", "?"})


@dataclass(frozen=True)
class Series:
    """A multivariate series.

    Args:
        name: of the set.
        columns: names of the D quantities.
        values: float64 `[L, D]`, finite.
        notes: on how it was read.
    """

    name: str
    columns: tuple[str, ...]
    values: np.ndarray
    notes: tuple[str, ...] = ()


def read_table(
    path: Path,
    *,
    delimiter: str | None = None,
    missing: str = "error",
    names: Sequence[str] | bool | None = None,
    memory_limit: float | None = None,
) -> Series:
    """A table of numbers, one row per time step.

    Args:
        path: `.csv`, `.tsv`, `.txt`, also `.gz`; or `.h5`.
        delimiter: character between the columns; recognised from the first row if not given.
        missing: what to do where a value is missing: "error", the "previous" value of the column, or "interpolate".
        names: of the columns; True: in the first row; None: in the first row if it is not all numbers.
        memory_limit: GiB that reading may take (see `data.memory_limit`).

    Raises:
        ConfigurationError: an unknown way to fill missing values.
        DataError: unreadable, ragged, not numeric, missing values, or more than the limit.
    """
    if missing not in MISSING:
        raise ConfigurationError(unknown_name("missing", missing, MISSING))
    if path.suffix.lower() in (".h5", ".hdf5"):
        columns, numbers = read_hdf(path, Room.of(path, memory_limit))
        return _filled(Series(path.name.split(".")[0], columns, numbers), missing, path, first=1)
    rows, separator = read_cells(path, delimiter, memory_limit=memory_limit)
    notes = []
    if separator != ",":
        rows, commas = _with_points(rows)
        notes += ["commas in numbers are decimal commas."] if commas else []
    first = rows[0][1]
    headed = names is True or (names is None and any(_number(cell) is None and not _gap(cell) for cell in first))
    header = [cell.strip() for cell in first] if headed else [f"column {i + 1}" for i in range(len(first))]
    if isinstance(names, Sequence) and not isinstance(names, bool):
        header = list(names)
    body = rows[1:] if headed else rows
    if not body:
        raise DataError(f"{path}: expected rows of numbers below the column names, found none.")
    for number, row in body:
        if len(row) != len(header):
            raise DataError(f"{path}, row {number}: expected {len(header)} columns, received {len(row)}.")
    keep = list(range(len(header)))
    if _is_time(header[0], [row[0] for _, row in body[:50]]) and len(header) > 1:
        keep = keep[1:]
        notes.append(f"column {shortened(header[0])!r} is the time and is left out.")
    values = np.empty((len(body), len(keep)))
    for i, (number, row) in enumerate(body):
        for j, column in enumerate(keep):
            cell = row[column]
            found = _number(cell)
            if found is None and not _gap(cell):
                raise DataError(
                    f"{path}, row {number}, column {shortened(header[column])!r}: expected a number, received "
                    f"{shortened(cell.strip())!r}. Remove the column, or write texts as numbers."
                )
            values[i, j] = math.nan if found is None else found
    columns = tuple(header[column] for column in keep)
    if len(set(columns)) < len(columns):
        double = Counter(columns).most_common(1)[0][0]
        raise DataError(f"{path}: expected different names of the columns, {shortened(double)!r} occurs twice.")
    name = path.name.split(".")[0]
    return _filled(Series(name, columns, values, tuple(notes)), missing, path, first=2 if headed else 1)


def _with_points(rows: list[tuple[int, list[str]]]) -> tuple[list[tuple[int, list[str]]], bool]:
    """Rows with a point in place of the decimal comma, and whether there was one."""
    found = [(number, [DECIMAL_COMMA.sub(r"\1.\2", cell) for cell in row]) for number, row in rows]
    return found, found != rows


def _number(cell: str) -> float | None:
    try:
        found = float(cell)
    except ValueError:
        return None
    return found if math.isfinite(found) else None


def _gap(cell: str) -> bool:
    return cell.strip().lower() in GAPS


def _is_time(name: str, cells: Sequence[str]) -> bool:
    """Whether a column holds dates or times: no numbers, but each cell with digits and a mark of dates or times."""
    if any(_number(cell) is not None for cell in cells):
        return False
    marked = [any(mark in cell for mark in "-/:.T ") and any(c.isdigit() for c in cell) for cell in cells]
    return all(marked) or name.lower() in ("time", "date", "datetime", "timestamp")


def _filled(series: Series, missing: str, path: object, *, first: int) -> Series:
    gaps = ~np.isfinite(series.values)
    if not gaps.any():
        return series
    row, column = np.argwhere(gaps)[0]
    total = int(gaps.sum())
    if missing == "error":
        raise DataError(
            f"{path}, row {row + first}: no value in column {shortened(series.columns[column])!r} ({total} values are "
            "missing in all). Fill them, or choose missing=previous or missing=interpolate (--set missing=previous)."
        )
    values = series.values.copy()
    for j in np.flatnonzero(gaps.any(0)):
        known = np.flatnonzero(~gaps[:, j])
        if not len(known):
            raise DataError(f"{path}: column {shortened(series.columns[j])!r} has no value at all; remove it.")
        if missing == "interpolate":
            values[:, j] = np.interp(np.arange(len(values)), known, values[known, j])
        else:
            last = np.maximum.accumulate(np.where(gaps[:, j], -1, np.arange(len(values))))
            values[:, j] = values[np.where(last < 0, known[0], last), j]
    note = f"{total} missing values were filled ({missing})."
    if missing == "interpolate":
        note = f"{note[:-1]}; filled values contain the value after the gap, so forecasts near gaps are too good."
    return Series(series.name, series.columns, values, (*series.notes, note))
