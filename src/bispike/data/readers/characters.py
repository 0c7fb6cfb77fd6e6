"""Text files, also `.gz`: their characters."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from ...errors import ConfigurationError, DataError
from ..memory_limit import Room
from .contents import read_unpacked

PER_CHARACTER = 12
"""Bytes of a character: in the file, in the text, and its number."""
LONGEST_QUOTE = 60


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
                f"{path}: byte {error.start} is not text in {encoding.upper()}. Save the file as UTF-8; a "
                "training also takes its encoding (for example --set encoding=latin-1)."
            ) from error
        if isinstance(error, UnicodeError):  # idna and others that say nothing about the place
            raise DataError(f"{path}: is not text in {encoding.upper()} ({error}).") from error
        raise ConfigurationError(f"encoding: {encoding!r} is not known; try utf-8, latin-1 or gbk.") from error
    return text.removeprefix("\ufeff").replace("\r\n", "\n")


def typed(names: Iterable[str]) -> str:
    """Names as an option takes them, [a,b]; those that contain a comma stand between quotes."""
    quoted = [f'"{name}"' if "," in name and '"' not in name else name for name in names]
    return f"[{','.join(quoted)}]"
