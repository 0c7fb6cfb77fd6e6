"""Columns of a text file: pandas reads numbers in blocks of rows; what it takes for no numbers is read as texts."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import DataError
from ..memory_limit import Room
from .cells import GAPS, decimal_of, gaps_of, number, plain
from .characters import shortened
from .columns import Column, column_of_texts, written
from .dialect import Dialect
from .recognition import Form, recognise
from .table_text import read_text

PER_CELL = 24
"""Bytes of a cell while a block is read, on average; the number stays."""
MOST_COLUMNS = 100_000
BLOCK = 1 << 18
"""Cells of a block."""
PER_TEXT = 72
DECIDING = 2000
"""First cells of a column, which mostly show its decimal mark."""


def parse(
    path: Path, given: Dialect, like: Dialect | None, memory_limit: float | None
) -> tuple[dict[str, Column], Dialect, np.ndarray, list[str]]:
    """Columns, dialect, lines of the rows, and notes; arguments and errors as for `table.read_table_file`."""
    room = Room.of(path, memory_limit)
    content, encoding = read_text(path, given.encoding, None if like is None else like.encoding, memory_limit)
    if not content.strip():
        raise DataError(f"{path}: the file is empty.")
    form, content = recognise(path, content, given, like)
    width, count = len(form.names), len(form.rows)
    if width > MOST_COLUMNS:
        raise DataError(
            f"{path}: expected at most {MOST_COLUMNS} columns, received {width} in {count} rows. Do the rows stand in "
            "the columns? Transpose the table."
        )
    room.expect(PER_CELL * width * count, f"a table of {width * count} cells")
    marks = given.missing_marks or (() if like is None else like.missing_marks)
    values = given.not_missing or (() if like is None else like.not_missing)
    gaps = gaps_of(marks, values)
    if like is not None and form.delimiter == "," != like.delimiter:
        like = replace(like, decimal=None)  # a comma cannot be both
    first = given.decimal or (None if like is None else like.decimal) or "."
    numbers, textual = _numbers(path, content, form, gaps, first)
    texts = _texts(path, content, form, textual, room)
    decimal, notes = _decimal(path, form, texts, given, like)
    if decimal != first:
        numbers, textual = _numbers(path, content, form, gaps, decimal)
        texts = _texts(path, content, form, textual, room)
    columns: dict[str, Column] = {}
    for i, name in enumerate(form.names):
        if i in texts:
            columns[name] = column_of_texts(texts[i], decimal, gaps)
        else:
            columns[name] = _numeric(path, form, name, numbers[i])
    _expect_names_once(path, form, columns)
    dialect = replace(
        given,
        delimiter=given.delimiter or form.delimiter,
        decimal=decimal,
        encoding=encoding,
        quote=form.quote,
        header=form.header,
        missing_marks=marks,
        not_missing=values,
    )
    notes += [
        f"column {shortened(form.names[i])!r} holds numbers with zeros in front, such as {cell.strip()}; they are read "
        f"as numbers (categories: data.one_hot=[{shortened(form.names[i])}])."
        for i, cell in form.zeros.items()
        if i not in texts
    ]
    kept, lines, more = _without_empty(columns, form, content)
    return kept, dialect, lines, [*form.notes, *notes, *more]


def _blocks(content: bytes, form: Form, **options: Any) -> Iterator[tuple[int, Any]]:
    """Blocks of rows with the number of the first, as pandas reads them."""
    import pandas

    rows = max(1, BLOCK // len(form.names))
    if tuple(map(int, pandas.__version__.split(".")[:2])) < (3, 1):  # later ones read exactly in any case
        options["float_precision"] = "round_trip"
    stream = io.BytesIO(content)
    stream.seek(int(form.rows.starts[0]))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", pandas.errors.DtypeWarning)
        reader = pandas.read_csv(
            stream,
            sep=form.delimiter or r"\s+",
            quotechar=form.quote or '"',
            quoting=0 if form.quote else 3,
            header=None,
            names=range(len(form.names)),
            index_col=False,
            skipinitialspace=True,
            keep_default_na=False,
            low_memory=False,
            chunksize=rows,
            engine="c",
            **options,
        )
        first = 0
        with reader:
            for block in reader:
                yield first, block
                first += len(block)


def _numbers(
    path: Path, content: bytes, form: Form, gaps: frozenset[str], decimal: str
) -> tuple[np.ndarray, list[int]]:
    """float64 `[W, N]`, and the places of columns that hold something else somewhere."""
    values = np.empty((len(form.names), len(form.rows)))
    textual: set[int] = set()
    upto = 0
    options = {"na_values": sorted({gap for gap in GAPS if gap.lower() in gaps} | gaps), "decimal": decimal}
    try:
        for first, block in _blocks(content, form, **options):
            upto = first + len(block)
            if upto > len(form.rows):
                break
            for i in block.columns:
                if block[i].dtype.kind in "iuf":
                    values[i, first:upto] = block[i].to_numpy()
                else:
                    textual.add(i)
    except (ValueError, OverflowError, TypeError) as error:  # pandas' own are ValueErrors
        raise DataError(f"{path}: not a readable table ({shortened(str(error))}).") from error
    if upto != len(form.rows):
        raise DataError(
            f"{path}: expected {len(form.rows)} rows, received {upto}. Is a quote not closed? If quotes are ordinary "
            "characters here, give quote='' (--set data.quote='')."
        )
    return values, sorted(textual)


def _texts(path: Path, content: bytes, form: Form, places: list[int], room: Room) -> dict[int, np.ndarray]:
    """The cells of some columns as the file holds them, object `[N]` each."""
    if not places:
        return {}
    room.expect(PER_TEXT * len(places) * len(form.rows), f"{len(places)} columns of texts")
    found = {i: np.empty(len(form.rows), dtype=object) for i in places}
    try:
        for first, block in _blocks(content, form, dtype=object, na_filter=False, usecols=places):
            for i in places:
                found[i][first : first + len(block)] = block[i].to_numpy()
    except (ValueError, OverflowError, TypeError) as error:
        raise DataError(f"{path}: not a readable table ({shortened(str(error))}).") from error
    return found


def _decimal(
    path: Path, form: Form, texts: dict[int, np.ndarray], given: Dialect, like: Dialect | None
) -> tuple[str, list[str]]:
    """The decimal mark of the file, and notes."""
    if given.decimal is not None:
        return given.decimal, []
    seen: dict[str, tuple[int, str]] = {}
    for cells in texts.values():
        for upto in (DECIDING, len(cells)):
            found = _marks(cells[:upto])
            if found.keys() & {",", "."} or upto == len(cells):
                break
        seen = {**found, **seen}
    trained = None if like is None else like.decimal
    if "," in seen and "." in seen:
        first, second = seen[","], seen["."]
        raise DataError(
            f"{path}: {first[1]!r} in line {form.rows.lines[first[0]]} has a decimal comma and {second[1]!r} in line "
            f"{form.rows.lines[second[0]]} a decimal point. Write all numbers in one way."
        )
    if "," in seen:
        return ",", ["commas in numbers are decimal commas."]
    if "." in seen:
        return ".", [] if trained != "," else ["numbers have decimal points, unlike those of the training."]
    if like is not None and (
        trained == "," or "?" not in seen or (given.delimiter or form.delimiter) == like.delimiter
    ):
        return trained or ".", []
    if "?" in seen:
        row, cell = seen["?"]
        raise DataError(
            f"{path}, line {form.rows.lines[row]}: {cell!r} may be {cell.replace(',', '')} or "
            f"{cell.replace(',', '.')}. Give decimal='.' if commas group thousands, or decimal=',' (--set "
            "data.decimal=',')."
        )
    return ".", []


def _marks(cells: np.ndarray) -> dict[str, tuple[int, str]]:
    """The decimal marks in cells (see `cells.decimal_of`), with the row and the text of the first of each."""
    seen: dict[str, tuple[int, str]] = {}
    kept = [plain(cell) for cell in dict.fromkeys(cells.tolist())]
    numeric = sum(number(cell) is not None or number(cell, ",") is not None for cell in kept)
    if 2 * numeric < len(kept):  # texts that hold a few numbers
        return {}
    for cell in kept:
        mark = decimal_of(cell)
        if mark and mark not in seen:
            seen[mark] = (next(row for row, text in enumerate(cells.tolist()) if plain(text) == cell), cell)
    return seen


def _numeric(path: Path, form: Form, name: str, values: np.ndarray) -> Column:
    """A column of numbers; its texts are those of the numbers, whole ones without a point."""
    if np.isinf(values).any():
        row = int(np.isinf(values).argmax())
        raise DataError(
            f"{path}, line {form.rows.lines[row]}, column {shortened(name)!r}: expected a finite number, received "
            f"{values[row]}. Correct the cell, or name it as a missing value (missing_marks)."
        )
    kind = "empty" if np.isnan(values).all() else "number"
    return Column(kind, values, lambda: written(values))


def _expect_names_once(path: Path, form: Form, columns: dict[str, Column]) -> None:
    """Refuse a row that repeats the names of the columns, as two joined files have it."""
    if not form.header or any(column.values is not None for column in columns.values()):
        return
    again = np.ones(len(form.rows), dtype=bool)
    for name, column in columns.items():
        again &= column.texts == name
        if not again.any():
            return
    raise DataError(
        f"{path}, line {form.rows.lines[int(again.argmax())]}: repeats the names of the columns. Were two files "
        "joined? Remove the line."
    )


def _without_empty(
    columns: dict[str, Column], form: Form, content: bytes
) -> tuple[dict[str, Column], np.ndarray, list[str]]:
    """The columns without rows of nothing but delimiters, and without nameless columns that hold no value at all."""
    notes = []
    nameless = [
        name
        for place, (name, column) in enumerate(columns.items(), start=1)
        if column.kind == "empty" and (name == "" or (form.header and name == f"column {place}"))
    ]
    kept = {name: column for name, column in columns.items() if name not in nameless} or columns
    lines = form.rows.lines
    blank: np.ndarray | None = None
    for column in kept.values():
        gaps = column.gaps
        blank = gaps if blank is None else blank & gaps
        if not blank.any():
            break
    between = int(lines[-1] - lines[0]) + 1 - len(lines)
    if len(form.names) == 1 and between:
        notes.append(f"{between} lines between the values are blank or comments and are left out: they are no gaps.")
    if blank is not None and blank.any() and len(kept) > 1:
        nothing = b' \t\n"' + form.delimiter.encode()
        starts = [*form.rows.starts.tolist(), len(content)]
        for row in np.flatnonzero(blank).tolist():
            blank[row] = not content[starts[row] : starts[row + 1]].strip(nothing)
    if blank is not None and blank.any() and not blank.all() and len(kept) > 1:
        notes.append(f"{int(blank.sum())} rows without any value are left out.")
        kept = {name: column.rows(~blank) for name, column in kept.items()}
        lines = lines[~blank]
    return kept, lines, notes
