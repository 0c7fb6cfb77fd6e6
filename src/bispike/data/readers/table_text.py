"""The text of a table: unpacked, in UTF-8, with line ends as \\n; and where its rows begin.

A row may span several lines, where a cell in quotes holds a line end. Lines are counted from 1, as an editor counts.
"""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from ...errors import ConfigurationError, DataError
from ..memory_limit import Room
from .contents import PACKED, read_unpacked

PER_CHARACTER = 3
"""Bytes that reading takes per byte of the text: the bytes, their copy, and the numbers."""
BLOCK = 1 << 20
_FOREIGN = {
    b"PAR1": ("a Parquet file", "pandas.read_parquet reads it; give the DataFrame, or save it as CSV"),
    b"ARROW1": ("an Arrow file", "pandas.read_feather reads it; give the DataFrame, or save it as CSV"),
    b"\xd0\xcf\x11\xe0": ("an old spreadsheet", "save its sheet as CSV"),
    b"%PDF": ("a PDF file", "save the table as CSV"),
    b"\x89HDF": ("an HDF5 file", "save the table as CSV"),
    b"\x93NUMPY": ("a NumPy file", "give it the ending .npy"),
    b"SQLite": ("a database", "save the table as CSV"),
    b"{\\rtf": ("a text document", "save the table as plain text or CSV"),
    b"version https://git-lfs": ("a pointer of Git LFS", "fetch the file itself: git lfs pull"),
}
_FOREIGN_LINES = {
    b"@relation": ("an ARFF file", "save the rows below @data as CSV, with the names of the columns above them"),
    b"{": ("a JSON file", "save it as CSV (pandas.read_json reads it)"),
    b"[{": ("a JSON file", "save it as CSV (pandas.read_json reads it)"),
    b"[[": ("a JSON file", "save it as CSV (pandas.read_json reads it)"),
    b"<!doctype": ("a web page", "fetch the file itself, not the page that shows it"),
    b"<html": ("a web page", "fetch the file itself, not the page that shows it"),
    b"<?xml": ("an XML file", "save the table as CSV"),
    b"<table": ("a web page", "save its table as CSV"),
}
_MARKS = {codecs.BOM_UTF8: "utf-8", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}


def read_text(path: Path, encoding: str | None, likely: str | None, memory_limit: float | None) -> tuple[bytes, str]:
    """The text of a file in UTF-8 without a byte order mark and with line ends as \\n; and its encoding.

    Args:
        path: the file, also packed.
        encoding: of the file; None: by its byte order mark, else UTF-8.
        likely: encoding that is tried where UTF-8 fails.
        memory_limit: GiB that reading may take.

    Raises:
        DataError: unreadable, damaged, of another encoding, no text, or more than the limit.
        ConfigurationError: no such encoding.
    """
    content = read_unpacked(path, Room.of(path, memory_limit), per_byte=PER_CHARACTER, kinds=PACKED.values())
    for first, (what, fix) in _FOREIGN.items():
        if content.startswith(first):
            raise DataError(f"{path}: expected a table as text, received {what}: {fix}.")
    start = content[:4096].lstrip(b"\xef\xbb\xbf \r\n\t").lower()
    lines = [line for line in start.splitlines() if line and not line.startswith((b"%", b"#"))]
    for first, (what, fix) in _FOREIGN_LINES.items():
        if lines and lines[0].startswith(first):
            raise DataError(f"{path}: expected a table as text, received {what}: {fix}.")
    marked = next((name for mark, name in _MARKS.items() if content.startswith(mark)), None)
    name = marked or encoding or "utf-8"
    if name.lower().replace("_", "-") in ("utf-8", "utf8", "ascii", "utf-8-sig"):
        fault = None if content.isascii() else _fault(content)
        if fault is not None and likely is not None and encoding is None:
            name, content = likely, _recoded(path, content, likely)
        elif fault is not None:
            raise _wrong_encoding(path, content, fault)
        else:
            name, content = "utf-8", content.removeprefix(codecs.BOM_UTF8)
    else:
        content = _recoded(path, content, name)
    if b"\x00" in content:
        hint = " Is it UTF-16? Try encoding=utf-16-le." if content.count(0) * 3 > len(content) else ""
        raise DataError(f"{path}: expected a table as text, received a file with zero bytes.{hint}")
    content = content.removesuffix(b"\x1a")  # the end of a file in DOS
    if b"\r" in content:
        content = content.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    return content, name


def _fault(content: bytes) -> int | None:
    """Place of the first byte that is not UTF-8."""
    decoder, view = codecs.getincrementaldecoder("utf-8")(), memoryview(content)
    for start in range(0, len(content), BLOCK):
        before = len(decoder.getstate()[0])
        try:
            decoder.decode(view[start : start + BLOCK], final=start + BLOCK >= len(content))
        except UnicodeDecodeError as error:
            return start - before + error.start
    return None


def _wrong_encoding(path: Path, content: bytes, fault: int) -> DataError:
    line = content.count(b"\n", 0, fault) + 1
    begin = content.rfind(b"\n", 0, fault) + 1
    shown = content[max(begin, fault - 15) : fault + 10].split(b"\n")[0].decode("cp1252", errors="replace")
    return DataError(
        f"{path}, line {line}: byte {fault} is not text in UTF-8. Save the file as UTF-8, or name its encoding: "
        f"encoding=cp1252 or encoding=latin-1 would read {shown!r} there (--set data.encoding=latin-1)."
    )


def _recoded(path: Path, content: bytes, encoding: str) -> bytes:
    try:
        text = content.decode(encoding)
    except (LookupError, ValueError) as error:
        if isinstance(error, UnicodeError):
            raise DataError(f"{path}: is not text in {encoding.upper()} ({error}). Give another encoding.") from error
        raise ConfigurationError(f"encoding: {encoding!r} is not known; try utf-8, latin-1, cp1252 or gbk.") from error
    try:
        return text.removeprefix("\ufeff").encode("utf-8")
    except (UnicodeError, AttributeError) as error:
        raise DataError(f"{path}: is not text in {encoding.upper()} ({error}).") from error


@dataclass(frozen=True)
class Rows:
    """The rows of a text.

    Args:
        starts: int64 `[R]` place of the first byte of each row.
        lines: int64 `[R]` line that each begins on.
        widths: int64 `[R]` number of cells of each.
    """

    starts: np.ndarray
    lines: np.ndarray
    widths: np.ndarray

    def __getitem__(self, chosen: slice | np.ndarray) -> Rows:
        return Rows(self.starts[chosen], self.lines[chosen], self.widths[chosen])

    def __len__(self) -> int:
        return len(self.starts)


def find_rows(path: Path, content: bytes, delimiter: str, quote: str) -> Rows:
    """The rows of a text that are not blank.

    Args:
        path: for messages.
        content: the text.
        delimiter: between cells; "": any white space.
        quote: character around cells that hold delimiters or line ends.

    Raises:
        DataError: a quote that is never closed, or a cell without end.
    """
    if delimiter == "" or (quote and quote.encode() in content):
        return _rows_by_cell(path, content, delimiter, quote)
    return _rows_by_byte(path, content, delimiter.encode())


def _rows_by_byte(path: Path, content: bytes, delimiter: bytes) -> Rows:
    ends: list[np.ndarray] = []
    widths: list[np.ndarray] = []
    values = np.frombuffer(content, dtype=np.uint8)
    rest = 0
    for begin in range(0, len(values), BLOCK):
        block = values[begin : begin + BLOCK]
        newlines = np.flatnonzero(block == 10)
        counts = _counted(block, delimiter, begin, values)
        if len(newlines):
            upto = counts[newlines]
            widths.append(np.diff(upto, prepend=-rest).astype(np.int32))
            rest = int(counts[-1] - upto[-1])
        else:
            rest += int(counts[-1])
        ends.append(newlines + begin)
    if len(content) and content[-1] != 10:
        ends.append(np.array([len(content)]))
        widths.append(np.array([rest]))
    stops = np.concatenate([np.zeros(0, np.int64), *ends])
    starts = np.concatenate([[0], stops[:-1] + 1]).astype(np.int64)[: len(stops)]
    separators = np.concatenate([np.zeros(0, np.int64), *widths]).astype(np.int64)
    found = Rows(starts, np.arange(1, len(stops) + 1), separators + 1)
    short = np.flatnonzero((separators == 0) & (stops - starts < 200))
    blank = [row for row in short.tolist() if not content[starts[row] : stops[row]].strip()]
    return found[np.setdiff1d(np.arange(len(stops)), blank)] if blank else found


def _counted(block: np.ndarray, delimiter: bytes, begin: int, values: np.ndarray) -> np.ndarray:
    """Running number of delimiters in a block."""
    marked = block == delimiter[0]
    for offset, byte in enumerate(delimiter[1:], start=1):  # a character of several bytes
        following = values[begin + offset : begin + offset + len(block)]
        marked[: len(following)] &= following == byte
        marked[len(following) :] = False
    return np.cumsum(marked, dtype=np.int32)


def _rows_by_cell(path: Path, content: bytes, delimiter: str, quote: str) -> Rows:
    lengths: list[int] = []

    def lines() -> Iterator[str]:
        for line in io.BytesIO(content):
            lengths.append(len(line))
            yield _spaced(line.decode("utf-8"), delimiter)

    found: list[tuple[int, int]] = []  # first line, cells
    line = 1
    reader = csv.reader(lines(), delimiter=delimiter or " ", quotechar=quote or None, quoting=_quoting(quote),
                        skipinitialspace=True, strict=True)  # fmt: skip
    try:
        for row in reader:
            cells = [cell for cell in row if cell] if delimiter == "" else row
            if len(cells) > 1 or (cells and cells[0].strip()):
                found.append((line, len(cells)))
            line = reader.line_num + 1
    except csv.Error as error:
        raise DataError(
            f"{path}, line {line}: not a readable table ({error}). Is a quote not closed? Option: quote=''."
        ) from error
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    table = np.array(found, dtype=np.int64).reshape(-1, 2)
    return Rows(offsets[table[:, 0] - 1], table[:, 0], table[:, 1])


def _spaced(text: str, delimiter: str) -> str:
    """A text with single spaces where any white space separates cells."""
    return text.replace("\t", " ") if delimiter == "" else text


def _quoting(quote: str) -> Literal[0, 3]:
    return 0 if quote else 3  # csv.QUOTE_MINIMAL, csv.QUOTE_NONE


def cells_of(path: Path, content: bytes, rows: Rows, delimiter: str, quote: str, count: int) -> list[list[str]]:
    """The cells of the first rows.

    Raises:
        DataError: a cell without end.
    """
    if not len(rows):
        return []
    last = int(rows.starts[count]) if count < len(rows) else len(content)
    text = _spaced(content[int(rows.starts[0]) : last].decode("utf-8", "replace"), delimiter)
    reader = csv.reader(
        io.StringIO(text, newline="\n"),
        delimiter=delimiter or " ",
        quotechar=quote or None,
        quoting=_quoting(quote),
        skipinitialspace=True,
    )
    try:
        found = [[cell for cell in row if cell] if delimiter == "" else row for row in reader]
    except csv.Error as error:
        raise DataError(f"{path}: not a readable table ({error}).") from error
    return [row for row in found if len(row) > 1 or (row and row[0].strip())][:count]
