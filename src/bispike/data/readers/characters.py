"""Text files, also `.gz`: their characters, and the cells of a table."""

from __future__ import annotations

import csv
import gzip
import zlib
from pathlib import Path

from ...errors import ConfigurationError, DataError


def read_characters(path: Path, *, encoding: str = "utf-8") -> str:
    """The content of a text file (also `.gz`), without a byte order mark and with line ends as \\n.

    Raises:
        DataError: unreadable, damaged, or of another encoding. ConfigurationError: no such encoding.
    """
    try:
        content = path.read_bytes()
        content = gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content
        text = content.decode(encoding)
    except LookupError as error:
        raise ConfigurationError(f"encoding: {encoding!r} is not known; try utf-8, latin-1 or gbk.") from error
    except UnicodeDecodeError as error:
        raise DataError(
            f"{path}: byte {error.start} is not text in {encoding.upper()}. Save the file as UTF-8, or give "
            "the encoding of a text (for example --set encoding=latin-1)."
        ) from error
    except (EOFError, zlib.error) as error:
        raise DataError(f"{path}: the gzip file is truncated or damaged ({error}).") from error
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror or error}).") from error
    return text.removeprefix("\ufeff").replace("\r\n", "\n")


def read_cells(path: Path, delimiter: str | None = None) -> tuple[list[tuple[int, list[str]]], str]:
    """The rows of a table with their numbers in the file (from 1), empty ones left out; and the delimiter.

    Args:
        path: the file, UTF-8.
        delimiter: character between the columns; recognised from the first row if not given.

    Raises:
        DataError: as `read_characters`, or no row at all.
    """
    lines = read_characters(path).splitlines()
    if not lines:
        raise DataError(f"{path}: the file is empty.")
    separator = delimiter or max(",;\t", key=lines[0].count)
    try:
        rows = [(number, row) for number, row in enumerate(csv.reader(lines, delimiter=separator), start=1) if row]
    except (csv.Error, TypeError) as error:
        raise DataError(f"{path}: not a readable table ({error}).") from error
    if not rows:
        raise DataError(f"{path}: the file is empty.")
    return rows, separator
