"""The names of the columns of a text file: whether it has them, where, and what they are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

from ...errors import DataError
from .cells import is_gap, number, plain
from .characters import shortened
from .dialect import Dialect

SAMPLE = 200
"""Rows that decide."""


def heading(
    first: list[list[str]], given: Dialect, like: Dialect | None, comment: list[str] | None
) -> tuple[list[str] | None, bool]:
    """The names that the file gives (None: none), and whether they stand in its first row.

    Args:
        first: cells of the first rows.
        given: what the user gives.
        like: dialect of the training, which decides where the rows do not.
        comment: cells of a comment right above the first row.
    """
    row = [plain(cell) for cell in first[0]]
    if given.header is not None:
        named = given.header
    else:
        named = _is_heading(row, first[1:])
        if like is not None and like.header is not None and _all_texts(row) and not _above_numbers(row, first[1:]):
            named = like.header
    if named:
        return [cell.strip().strip("\ufeff") for cell in first[0]], True
    if comment is not None and len(comment) == len(row) and given.header is not False and _all_texts(comment):
        return comment, False
    return None, False


def _all_texts(row: Sequence[str]) -> bool:
    return all(number(cell) is None for cell in row)


def _is_heading(row: list[str], others: list[list[str]]) -> bool:
    """Whether a first row names the columns."""
    numbers = [number(cell) is not None or number(cell, ",") is not None for cell in row]
    if not any(numbers) and any(not is_gap(cell) for cell in row):
        rows = [cells for other in others if (cells := [plain(cell) for cell in other]) != row]  # of two joined files
        columns = [{other[i] for other in rows if i < len(other)} for i in range(len(row))]
        again = [cell in column for cell, column in zip(row, columns, strict=True) if not is_gap(cell)]
        return not (len(others) >= 4 and all(again))
    if all(numbers):
        return _counts(row, others)
    if row[0] == "" and len(row) > 1 and not any(other[0] == "" for other in others if other):
        return True  # the corner above the names of the rows
    return _above_numbers(row, others)


def _above_numbers(row: list[str], others: list[list[str]]) -> bool:
    """Whether a first row has a text above a column of numbers."""
    for i, cell in enumerate(row):
        below = [plain(other[i]) for other in others[:50] if i < len(other)]
        known = [cell for cell in below if not is_gap(cell)]
        text = number(cell) is None and number(cell, ",") is None and not is_gap(cell)
        if text and known and all(number(c) or number(c, ",") for c in known):
            return True
    return False


def _counts(row: list[str], others: list[list[str]]) -> bool:
    """Whether a row of numbers counts the columns (0, 1, 2..) or rises evenly in whole numbers (1990, 1991..)."""
    if not all(cell.isdecimal() for cell in row):
        return False
    values = [int(cell[:18]) for cell in row]
    steps = {b - a for a, b in pairwise(values)}
    below = [cell for other in others[:50] for cell in other]
    fractions = any("." in cell or "," in cell for cell in below)
    if len(values) == 1:
        return values == [0] and fractions
    if len(steps) != 1 or steps == {0}:
        return False
    if values == list(range(len(values))):
        return len(values) > 2 or fractions
    if others and all(cell.strip().isdecimal() for cell in others[0]):
        following = [int(cell[:18]) for cell in others[0]]
        if {b - a for a, b in pairwise(following)} == steps:
            return False  # the next row rises in the same way
    return len(values) > 3 and (fractions or len(values) > 9)


def names_of(
    path: Path, header: list[str] | None, first: list[list[str]], given: Dialect, like: Dialect | None
) -> tuple[tuple[str, ...], list[str]]:
    """Names of all columns, different ones, and notes; "" for a first column without a name.

    Args:
        path: for messages.
        header: names in the file.
        first: cells of the first rows below.
        given: what the user gives.
        like: dialect of the training, whose names stand for those in the file as they did there.

    Raises:
        DataError: columns of one name, or not a name for each column.
    """
    width = Counter(map(len, first)).most_common(1)[0][0]
    notes: list[str] = []
    names = [f"column {i + 1}" for i in range(width)] if header is None else header
    if header is not None and len(header) == width - 1 and _are_row_names([row[0] for row in first]):
        names = ["", *header]
        notes.append("the first column has no name: it holds the names of the rows.")
    elif header is not None and len(header) == width - 1 and all(len(row) < width or not row[-1] for row in first):
        names = [*header, ""]  # each row ends with a delimiter
    elif header is not None and len(header) == width + 1 and header[-1] == "":
        names = header[:-1]
    names = [name or (f"column {i + 1}" if i else "") for i, name in enumerate(names)]
    if given.names is not None:
        names = list(given.names)
        if len(names) != width:
            raise DataError(f"{path}: expected a name for each of {width} columns, received {len(names)} names.")
    elif like is not None and like.names is not None and len(like.names) == width:
        names = list(like.names)
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise DataError(
            f"{path}: expected different names of the columns, {shortened(twice[0])!r} occurs twice. Rename one; if "
            "the first row holds values and no names, give header=false (--set data.header=false)."
        )
    return tuple(names), notes


def _are_row_names(cells: list[str]) -> bool:
    texts = [plain(cell) for cell in cells]
    if len(set(texts)) < len(texts):
        return False
    return _all_texts(texts) or texts == [str(i) for i in range(int(texts[0] == "1"), len(texts) + (texts[0] == "1"))]
