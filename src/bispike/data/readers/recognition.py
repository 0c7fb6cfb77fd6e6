"""How a text file of a table is written, recognised from its first rows.

What cannot be told apart is refused, with the option that decides it.
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ...errors import DataError
from .cells import is_gap, number, plain
from .dialect import Dialect
from .heading import heading, names_of
from .table_text import Rows, cells_of, find_rows

DELIMITERS = ("\t", ";", ",", "|", "")
SAMPLE = 200
"""Rows that decide."""
ZEROS = re.compile(r"\s*0[0-9]+\s*")
RARE = b"\x1f"
"""Stands for a delimiter of several bytes."""
_COMMENTS = ("#", "%", "//")


@dataclass(frozen=True)
class Form:
    """What was recognised of a text.

    Args:
        delimiter, quote: as in `Dialect`.
        names: of the columns; the heading of a row index is "".
        header: whether the file names the columns.
        rows: the rows of data.
        zeros: places of columns with zeros in front of a number in the first rows, and such a cell.
        notes: one sentence each.
    """

    delimiter: str
    quote: str
    names: tuple[str, ...]
    header: bool
    rows: Rows
    zeros: dict[int, str]
    notes: tuple[str, ...]


def recognise(path: Path, content: bytes, given: Dialect, like: Dialect | None) -> tuple[Form, bytes]:
    """The form of a text, and the text without lines that are no rows.

    Args:
        path: for messages.
        content: UTF-8 with \\n as line ends.
        given: what the user gives.
        like: dialect of the training, which decides about a heading.

    Raises:
        DataError: no rows, rows of different lengths, or columns of one name.
    """
    notes: list[str] = []
    given, content = _without_head(content, given)
    if like is not None:  # these cannot be recognised
        mark = like.comment if given.comment is None else given.comment
        given = replace(given, comment=mark, quote=like.quote if given.quote is None else given.quote)
    quote = _quote(content) if given.quote is None else given.quote
    if like is not None and given.delimiter is None and like.delimiter and not like.delimiter.isascii():
        given = replace(given, delimiter=like.delimiter)
    if given.delimiter is not None and not given.delimiter.isascii():
        content = content.replace(given.delimiter.encode(), RARE)
        given = replace(given, delimiter=RARE.decode())
    likely = None if like is None else like.delimiter
    delimiter = _delimiter(content, quote, likely) if given.delimiter is None else given.delimiter
    rows = find_rows(path, content, delimiter, quote)
    if not len(rows):
        raise DataError(f"{path}: the file is empty.")
    content, rows, left_out, comment = _without_comments(path, content, rows, given.comment, delimiter, quote)
    if left_out:
        notes.append(f"{left_out} comment lines are left out.")
    first = cells_of(path, content, rows, delimiter, quote, SAMPLE)
    rows, first, skipped = _without_title(rows, first)
    if skipped:
        notes.append(f"{skipped} lines above the column names are left out.")
    header, named = heading(first, given, like, comment)
    body = rows[1:] if named else rows
    if not len(body):
        raise DataError(f"{path}: expected rows below the column names, found none.")
    names, notes_on_names = names_of(path, header, first[1:] if named else first, given, like)
    _expect_even(path, body, len(names))
    zeros = {i: cell for row in first for i, cell in enumerate(row) if ZEROS.fullmatch(cell) and i < len(names)}
    form = Form(delimiter, quote, names, header is not None, body, zeros, (*notes, *notes_on_names))
    return form, content


def _without_head(content: bytes, given: Dialect) -> tuple[Dialect, bytes]:
    """The text without a first line `sep=;` of Excel, whose delimiter is taken."""
    line, _, _ = content[:20].partition(b"\n")
    if line.strip(b'"').lower().startswith(b"sep=") and len(line.strip(b'"')) <= 5:
        mark = line.strip(b'"')[4:].decode("utf-8", errors="replace") or "\t"
        blank = b" " * len(line) + content[len(line) :]
        return (given if given.delimiter is not None else replace(given, delimiter=mark)), blank
    return given, content


def _quote(content: bytes) -> str:
    """The character around cells: a double quote, unless all cells of the first line stand between single ones."""
    line = content[: 1 << 16].partition(b"\n")[0].decode("utf-8", errors="replace").strip()
    single = len(line) > 1 and all(re.fullmatch(r" *'[^']*' *", cell) for cell in re.split(r"[,;\t|]", line))
    return "'" if single and '"' not in line else '"'


def _delimiter(content: bytes, quote: str, likely: str | None) -> str:
    """The character that cuts the first lines into most alike rows, of which most cells are numbers.

    Args:
        content: the text.
        quote: character around cells that hold delimiters.
        likely: that of the training, which is taken if it cuts all lines into rows of one length.
    """
    lines = content[: 1 << 18].decode("utf-8", errors="replace").split("\n")
    if len(content) > 1 << 18:
        lines = lines[:-1] or lines
    kept = [line for line in lines if line.strip() and not line.lstrip().startswith(_COMMENTS)][:SAMPLE]
    kept = kept or [line for line in lines if line.strip()][:SAMPLE]
    if likely and likely.isascii():
        cut = {len(row) for row in _cut(kept, likely, quote)}
        if len(cut) == 1 and cut != {1}:
            return likely
    best, chosen = (0.0, 0.0), ","
    for mark in DELIMITERS:
        if mark and not any(mark in line for line in kept):
            continue
        rows = _cut(kept, mark, quote)
        widths = Counter(map(len, rows))
        width, alike = max(widths.items(), key=lambda pair: (pair[1], pair[0]), default=(0, 0))
        if width < 2:
            continue
        cells = [plain(cell) for row in rows[:50] for cell in row[:100]]
        numbers = sum(number(cell) is not None or number(cell, ",") is not None or is_gap(cell) for cell in cells)
        if mark == "" and ({*map(len, rows[1:])} - {width} or (width == 2 and len(rows[0]) == 1)):
            continue  # ordinary text has spaces too
        even = alike / len(rows) - (0.1 if len(rows[0]) != width else 0)
        score = (round(even, 1), numbers / max(len(cells), 1) + (0.2 if mark else 0))
        if score > best:
            best, chosen = score, mark
    return chosen


def _cut(lines: Sequence[str], mark: str, quote: str) -> list[list[str]]:
    if mark == "":
        return [line.split() for line in lines]
    try:
        reader = csv.reader(lines, delimiter=mark, quotechar=quote or None, skipinitialspace=True,
                            quoting=csv.QUOTE_MINIMAL if quote else csv.QUOTE_NONE)  # fmt: skip
        return [row for row in reader if row]
    except csv.Error:
        return [line.split(mark) for line in lines]


def _without_comments(
    path: Path, content: bytes, rows: Rows, comment: str | None, delimiter: str, quote: str
) -> tuple[bytes, Rows, int, list[str] | None]:
    """The text with blanks over its comments, the other rows, how many are comments, and the names in the last one
    above the first row.
    """
    marks = (comment,) if comment else _COMMENTS
    if not any(content.startswith(mark.encode()) or f"\n{mark}".encode() in content for mark in marks):
        return content, rows, 0, None
    width = Counter(rows.widths.tolist()).most_common(1)[0][0]
    starts = [content[start : start + 2].decode("utf-8", errors="replace") for start in rows.starts.tolist()]
    marked = np.array([start.startswith(marks) for start in starts])
    body = np.flatnonzero(~marked)
    first = int(body[0]) if len(body) else len(rows)
    above = np.arange(len(rows)) < first
    # Below the first row, a line with as many cells as a row may be a row whose first cell begins with the mark.
    drop = marked if comment else marked & (above | (rows.widths != width))
    if not comment:  # "#,name,type": the first column is named "#"
        drop &= ~(
            (rows.widths == width)
            & np.array([start.strip() in marks for start in _first_cells(content, rows, delimiter)])
        )
    heading = None
    if first and drop[first - 1]:
        line = cells_of(path, content, rows[first - 1 : first], delimiter, quote, 1)
        heading = [plain(cell) for cell in line[0]] if line else None
        heading = heading and [heading[0].lstrip("#%/ "), *heading[1:]]
        if heading and heading[0] == "" and delimiter == "":
            heading = heading[1:]
    blanked = bytearray(content)
    stops = np.append(rows.starts[1:], len(content))
    for row in np.flatnonzero(drop).tolist():
        start, stop = int(rows.starts[row]), int(stops[row])
        end = content.find(b"\n", start, stop)
        blanked[start : stop if end < 0 else end] = b" " * ((stop if end < 0 else end) - start)
    return bytes(blanked), rows[~drop], int(drop.sum()), heading


def _first_cells(content: bytes, rows: Rows, delimiter: str) -> list[str]:
    mark = (delimiter or " ").encode()
    return [
        content[start : start + 20].split(mark)[0].decode("utf-8", errors="replace") for start in rows.starts.tolist()
    ]


def _without_title(rows: Rows, first: list[list[str]]) -> tuple[Rows, list[list[str]], int]:
    """Rows without lines of description above the names: rows of few cells where all others have several."""
    width = Counter(map(len, first)).most_common(1)[0][0]
    skipped = 0
    while skipped < len(first) - 1 and width > 1 and _is_title(first[skipped], width):
        skipped += 1
    if skipped and (skipped > 20 or len(first) - skipped < 2 or len(first[skipped]) not in (width, width - 1)):
        return rows, first, 0
    return rows[skipped:], first[skipped:], skipped


def _is_title(row: list[str], width: int) -> bool:
    filled = sum(cell.strip() != "" for cell in row)
    few = len(row) == 1 or len(row) < width - 1 or (len(row) == width > 2 and filled == 1)
    return few and all(number(plain(cell)) is None for cell in row)


def _expect_even(path: Path, rows: Rows, width: int) -> None:
    """Refuse rows with more or fewer cells than there are columns."""
    uneven = rows.widths != width
    if uneven.any():
        row = int(uneven.argmax())
        more = f" ({int(uneven.sum())} such rows in all)" if uneven.sum() > 1 else ""
        raise DataError(
            f"{path}, line {rows.lines[row]}: expected {width} columns, received {rows.widths[row]}{more}. Put quotes "
            "around cells that hold the delimiter, or give delimiter, comment or header, if they are not recognised."
        )
