"""Text files, also `.gz`: their characters, and the cells of a table."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable
from pathlib import Path

from ...errors import ConfigurationError, DataError
from ..memory_limit import Room
from .contents import read_unpacked

PER_CHARACTER = 12
"""Bytes of a character: in the file, in the text, and its number."""
PER_CELL = 64
"""Bytes of a cell of a table: its text, and its place in a row."""
LONGEST_QUOTE = 60
LINE_END = re.compile("[\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029]")
"""Where `str.splitlines` cuts."""


def shortened(text: str) -> str:
    """A text as messages quote it: long ones are cut."""
    return text if len(text) <= LONGEST_QUOTE else f"{text[:LONGEST_QUOTE]}... (of {len(text)} characters)"


def read_characters(path: Path, *, encoding: str = "utf-8", memory_limit: float | None = None) -> str:
    """The content of a text file (also `.gz`), without a byte order mark and with line ends as \\n.

    Raises:
        DataError: unreadable, damaged, of another encoding, or more than the limit (see `data.memory_limit`).
        ConfigurationError: no such encoding.
    """
    room = Room.of(path, memory_limit)
    content = read_unpacked(path, room, per_byte=PER_CHARACTER)
    try:
        text = content.decode(encoding)
    except (LookupError, ValueError) as error:
        if isinstance(error, UnicodeDecodeError):
            raise DataError(
                f"{path}: byte {error.start} is not text in {encoding.upper()}. Save the file as UTF-8, or give "
                "the encoding of a text (for example --set encoding=latin-1)."
            ) from error
        if isinstance(error, UnicodeError):  # idna and others that say nothing about the place
            raise DataError(f"{path}: is not text in {encoding.upper()} ({error}).") from error
        raise ConfigurationError(f"encoding: {encoding!r} is not known; try utf-8, latin-1 or gbk.") from error
    return text.removeprefix("\ufeff").replace("\r\n", "\n")


def read_cells(
    path: Path, delimiter: str | None = None, *, memory_limit: float | None = None
) -> tuple[list[tuple[int, list[str]]], str]:
    """The rows of a table with their numbers in the file (from 1), empty ones left out; and the delimiter.

    Args:
        path: the file, UTF-8.
        delimiter: character between the columns; recognised from the first row if not given.
        memory_limit: GiB that reading may take (see `data.memory_limit`).

    Raises:
        DataError: as `read_characters`, or no row at all.
    """
    text = read_characters(path, memory_limit=memory_limit)
    end = LINE_END.search(text)
    first = text if end is None else text[: end.start()]
    separator = delimiter or max(",;\t", key=first.count)
    cells = text.count(separator) + sum(1 for _ in LINE_END.finditer(text)) + 1
    Room.of(path, memory_limit).expect(PER_CELL * cells, f"a table of {cells} cells")
    try:
        lines = csv.reader(text.splitlines(), delimiter=separator)
        rows = [(number, row) for number, row in enumerate(lines, start=1) if row]
    except (csv.Error, TypeError, ValueError) as error:
        raise DataError(f"{path}: not a readable table ({error}).") from error
    if not rows:
        raise DataError(f"{path}: the file is empty.")
    return rows, separator


def typed(names: Iterable[str]) -> str:
    """Names as an option takes them, [a,b]; those that contain a comma stand between quotes."""
    quoted = [f'"{name}"' if "," in name and '"' not in name else name for name in names]
    return f"[{','.join(quoted)}]"
