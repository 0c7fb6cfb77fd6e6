"""Tables in `.csv` files (also `.csv.gz`): one row per stimulus, one column per feature, one column for the class.

The first row names the columns. Columns of numbers are features as they are; a column of texts becomes one
feature for each of its values (1 or 0).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ...errors import DataError, unknown_name
from ..assemble import from_arrays
from ..dataset import Dataset
from ..memory_limit import Room
from ..option import DELIMITER, MEMORY_LIMIT, TEST_SHARE, Option, text
from ..readers.characters import read_cells, shortened
from ..schema import Inputs, Schema
from .format import Format

USUAL_TARGETS = ("target", "label", "class", "y", "species")
LARGEST_CATEGORY = 50
LISTED = 200  # columns that a message names
LONGEST_NUMBER = 20  # characters of a label that may be a number


def read(
    path: Path,
    *,
    like: Schema | None = None,
    target: str | None = None,
    delimiter: str | None = None,
    test_fraction: float = 0.2,
    memory_limit: float | None = None,
) -> Dataset:
    """A classification data set from a table.

    Args:
        path: the file, UTF-8.
        target: name of the class column; one of target, label, class, y where not given.
        delimiter: character between the columns; recognised from the first row if not given.
        test_fraction: share that becomes the test part.
        memory_limit: GiB that reading may take (see `data.memory_limit`).

    Raises:
        DataError: no such column, missing values, rows of different lengths, unsound content, or more than the limit.
    """
    header, rows = _rows(path, delimiter, memory_limit)
    column = _target(path, header, target)
    columns = [_feature(path, header[i], [row[i] for row in rows]) for i in range(len(header)) if i != column]
    if not columns:
        raise DataError(f"{path}: expected at least one column besides {shortened(header[column])!r}.")
    width = sum(map(_width, columns))
    Room.of(path, memory_limit).expect_stimuli((len(rows), width), bytes_each=8)
    try:
        return from_arrays(
            _matrix(columns, len(rows), width),
            _numbered([row[column] for row in rows]),
            name=path.name.split(".")[0],
            layout="features",
            test_fraction=test_fraction,
        )
    except DataError as error:
        raise DataError(f"{path}, column {shortened(header[column])!r} as class: {error}") from error


def _rows(path: Path, delimiter: str | None, memory_limit: float | None) -> tuple[list[str], list[list[str]]]:
    table, _ = read_cells(path, delimiter, memory_limit=memory_limit)
    header, rows = [name.strip() for name in table[0][1]], table[1:]
    if not rows:
        raise DataError(f"{path}: expected rows below the column names, found none.")
    for number, row in rows:
        if len(row) != len(header):
            raise DataError(f"{path}, row {number}: expected {len(header)} columns, received {len(row)}.")
        missing = next((name for name, cell in zip(header, row, strict=True) if not cell.strip()), None)
        if missing is not None:
            raise DataError(
                f"{path}, row {number}: no value in column {shortened(missing)!r}. Fill or remove such rows."
            )
    return header, [[cell.strip() for cell in row] for _, row in rows]


def _target(path: Path, header: list[str], target: str | None) -> int:
    if target is None:
        lowered = [name.lower() for name in header]
        usual = [name for name in USUAL_TARGETS if name in lowered]
        if not usual:
            raise DataError(f"{path}: which column is the class? Give target; columns: {', '.join(header[:LISTED])}.")
        return lowered.index(usual[0])
    if target not in header:
        raise DataError(f"{path}: {unknown_name('column', target, header[:LISTED])}")
    return header.index(target)


def _feature(path: Path, name: str, cells: list[str]) -> np.ndarray | list[list[int]]:
    """A column: its numbers, float64 `[N]`; of texts, the rows of each text in turn."""
    try:
        return np.array([float(cell) for cell in cells], dtype=np.float64)
    except ValueError:
        rows: dict[str, list[int]] = {cell: [] for cell in sorted(set(cells))}
    if len(rows) > LARGEST_CATEGORY:
        raise DataError(
            f"{path}: column {shortened(name)!r} holds {len(rows)} different texts (such as "
            f"{shortened(next(iter(rows)))!r}); expected numbers, or at most {LARGEST_CATEGORY} texts. Remove "
            "the column."
        )
    for number, cell in enumerate(cells):
        rows[cell].append(number)
    return list(rows.values())


def _width(column: np.ndarray | list[list[int]]) -> int:
    """Features of a column."""
    return 1 if isinstance(column, np.ndarray) else len(column)


def _matrix(columns: list[np.ndarray | list[list[int]]], rows: int, width: int) -> np.ndarray:
    """All features, float64 `[rows, width]`; a text is 1 in its rows and 0 in the others."""
    matrix = np.zeros((rows, width))
    place = 0
    for column in columns:
        if isinstance(column, np.ndarray):
            matrix[:, place] = column
        else:
            for offset, marked in enumerate(column):
                matrix[marked, place + offset] = 1
        place += _width(column)
    return matrix


def _numbered(labels: list[str]) -> np.ndarray:
    """Labels as numbers 0..C-1 if that is what they are, else as texts."""
    texts = np.array(labels, dtype=object)  # an array of type str would be as wide as the longest text
    if max(map(len, labels)) > LONGEST_NUMBER:
        return texts
    try:
        numbers = np.array(labels).astype(np.int64)
    except (ValueError, OverflowError):
        return texts
    distinct = np.unique(numbers)
    return numbers if distinct[0] == 0 and distinct[-1] == len(distinct) - 1 else texts


def read_inputs(path: Path, schema: Schema, *, memory_limit: float | None = None) -> Inputs:
    """Stimuli from rows of numbers, all columns; a first row without any number is a heading."""
    delimiter = "\t" if path.suffix.lower() == ".tsv" else ","
    lines, _ = read_cells(path, delimiter, memory_limit=memory_limit)
    if not any(_number(cell) is not None for cell in lines[0][1]):
        lines = lines[1:]  # a heading
    if not lines:
        raise DataError(f"{path}: holds no row of numbers.")
    values = []
    for number, row in lines:
        read = [_number(cell) for cell in row]
        if len(row) != len(lines[0][1]):
            raise DataError(f"{path}, line {number}: expected {len(lines[0][1])} values, received {len(row)}.")
        if None in read:
            raise DataError(f"{path}, line {number}: {shortened(row[read.index(None)])!r} is not a number.")
        values.append(np.array(read, dtype=np.float64))
    return schema.of_array(np.array(values), path)


def _number(cell: str) -> float | None:
    try:
        return float(cell)
    except ValueError:
        return None


FORMAT = Format(
    name="table",
    summary="a table",
    read=read,
    options=(
        Option("target", "name of the class column; target, label, class, y or species if not given", check=text),
        DELIMITER,
        TEST_SHARE,
        MEMORY_LIMIT,
    ),
    endings=(".csv", ".csv.gz", ".tsv"),
    task="tabular",
    inputs=read_inputs,
    input_endings=(".csv", ".tsv", ".txt"),
)
