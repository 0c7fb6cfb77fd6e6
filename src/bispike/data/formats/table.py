"""Tables in `.csv` files (also `.csv.gz`): one row per stimulus, one column per feature, one column for the class.

The first row names the columns. Columns of numbers are features as they are; a column of texts becomes one
feature for each of its values (1 or 0).
"""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

from ...errors import DataError, unknown_name
from ...spaces import Stimulus
from ..assemble import from_arrays
from ..dataset import Dataset
from ..option import DELIMITER, TEST_SHARE, Option
from ..readers.characters import read_cells
from ..readers.inputs import Inputs, from_array
from .format import Format

USUAL_TARGETS = ("target", "label", "class", "y", "species")
LARGEST_CATEGORY = 50


def read(
    path: Path,
    *,
    target: str | None = None,
    delimiter: str | None = None,
    test_fraction: float = 0.2,
) -> Dataset:
    """A classification data set from a table.

    Args:
        path: the file, UTF-8.
        target: name of the class column; one of target, label, class, y where not given.
        delimiter: character between the columns; recognised from the first row if not given.
        test_fraction: share that becomes the test part.

    Raises:
        DataError: no such column, missing values, rows of different lengths, or unsound content.
    """
    header, rows = _rows(path, delimiter)
    column = _target(path, header, target)
    labels = np.array([row[column] for row in rows])
    features = [_feature(path, header[i], [row[i] for row in rows]) for i in range(len(header)) if i != column]
    if not features:
        raise DataError(f"{path}: expected at least one column besides {header[column]!r}.")
    try:
        return from_arrays(
            np.concatenate(features, axis=1),
            _numbered(labels),
            name=path.name.split(".")[0],
            layout="features",
            test_fraction=test_fraction,
        )
    except DataError as error:
        raise DataError(f"{path}, column {header[column]!r} as class: {error}") from error


def _rows(path: Path, delimiter: str | None) -> tuple[list[str], list[list[str]]]:
    table, _ = read_cells(path, delimiter)
    header, rows = [name.strip() for name in table[0][1]], table[1:]
    if not rows:
        raise DataError(f"{path}: expected rows below the column names, found none.")
    for number, row in rows:
        if len(row) != len(header):
            raise DataError(f"{path}, row {number}: expected {len(header)} columns, received {len(row)}.")
        missing = next((name for name, cell in zip(header, row, strict=True) if not cell.strip()), None)
        if missing is not None:
            raise DataError(f"{path}, row {number}: no value in column {missing!r}. Fill or remove such rows.")
    return header, [[cell.strip() for cell in row] for _, row in rows]


def _target(path: Path, header: list[str], target: str | None) -> int:
    if target is None:
        lowered = [name.lower() for name in header]
        usual = [name for name in USUAL_TARGETS if name in lowered]
        if not usual:
            raise DataError(f"{path}: which column is the class? Give target; columns: {', '.join(header)}.")
        return lowered.index(usual[0])
    if target not in header:
        raise DataError(f"{path}: {unknown_name('column', target, header)}")
    return header.index(target)


def _feature(path: Path, name: str, cells: list[str]) -> np.ndarray:
    try:
        return np.array([float(cell) for cell in cells], dtype=np.float64)[:, None]
    except ValueError:
        values = sorted(set(cells))
    if len(values) > LARGEST_CATEGORY:
        raise DataError(
            f"{path}: column {name!r} holds {len(values)} different texts (such as {values[0]!r}); "
            f"expected numbers, or at most {LARGEST_CATEGORY} texts. Remove the column."
        )
    return (np.array(cells)[:, None] == np.array(values)[None, :]).astype(np.float64)


def _numbered(labels: np.ndarray) -> np.ndarray:
    try:
        numbers = labels.astype(np.int64)
    except (ValueError, OverflowError):
        return labels
    distinct = np.unique(numbers)
    return numbers if distinct[0] == 0 and distinct[-1] == len(distinct) - 1 else labels


def read_inputs(path: Path, stimulus: Stimulus) -> Inputs:
    """Stimuli from rows of numbers, all columns; a first row without any number is a heading."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: is not a text file in UTF-8 ({error.reason}).") from error
    delimiter = "\t" if path.suffix.lower() == ".tsv" else ","
    lines = [(number, row) for number, row in enumerate(csv.reader(text.splitlines(), delimiter=delimiter), 1) if row]
    if lines and not any(_number(cell) is not None for cell in lines[0][1]):
        lines = lines[1:]  # a heading
    if not lines:
        raise DataError(f"{path}: holds no row of numbers.")
    values = []
    for number, row in lines:
        read = [_number(cell) for cell in row]
        if len(row) != len(lines[0][1]):
            raise DataError(f"{path}, line {number}: expected {len(lines[0][1])} values, received {len(row)}.")
        if None in read:
            raise DataError(f"{path}, line {number}: {row[read.index(None)]!r} is not a number.")
        values.append([value for value in read if value is not None])
    return from_array(path, np.array(values, dtype=np.float64), stimulus)


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
        Option("target", "name of the class column; target, label, class, y or species if not given"),
        DELIMITER,
        TEST_SHARE,
    ),
    endings=(".csv", ".csv.gz", ".tsv"),
    task="tabular",
    inputs=read_inputs,
    input_endings=(".csv", ".tsv", ".txt"),
)
