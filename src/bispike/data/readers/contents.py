"""What a file holds, within a limit: only ordinary files are opened, and what is packed is unpacked block by block.

A pipe or a device could keep a reader waiting for ever, and a packed file can unpack to a thousand times its size.
"""

from __future__ import annotations

import gzip
import io
import os
import stat
import zlib
from pathlib import Path
from typing import BinaryIO

from ...errors import DataError
from ..memory_limit import Room, amount

GZIP = b"\x1f\x8b"
BLOCK = 1 << 20
_GZIP_FORMAT = 31
"""What zlib calls a gzip file, whose checksum it compares."""


def exists(path: Path) -> bool:
    """Whether a file or folder exists.

    Raises:
        DataError: the system cannot tell: too long a name, a folder that may not be entered.
    """
    try:
        return path.exists()
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: cannot be read ({getattr(error, 'strerror', None) or error}).") from error


def open_file(path: Path) -> BinaryIO:
    """An ordinary file, open for reading.

    Raises:
        DataError: it cannot be read, or is a pipe, a socket, a device or a folder.
    """
    # A pipe without a writer keeps an ordinary `open` waiting.
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise _not_ordinary(path)
        stream = os.fdopen(os.open(path, flags), "rb")
    except (OSError, ValueError) as error:  # ValueError: a name with a zero byte
        raise DataError(f"{path}: cannot be read ({getattr(error, 'strerror', None) or error}).") from error
    if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
        stream.close()
        raise _not_ordinary(path)
    return stream


def read_file(path: Path, room: Room) -> bytes:
    """The bytes of a file as they are.

    Raises:
        DataError: it cannot be read, or is larger than the limit.
    """
    with open_file(path) as stream:
        size = os.fstat(stream.fileno()).st_size
        room.expect(size, f"{path.name}, a file of this size,")
        try:
            return stream.read(size)
        except OSError as error:
            raise DataError(f"{path}: cannot be read ({error.strerror or error}).") from error


def read_unpacked(path: Path, room: Room, *, per_byte: int = 1) -> bytes:
    """The bytes of a file, unpacked if it is a gzip file (recognised by its first bytes).

    Args:
        path: the file.
        room: what it may take.
        per_byte: bytes that the caller needs for each byte of the content, the content included.

    Raises:
        DataError: it cannot be read, is damaged, or holds more than the limit.
    """
    content = read_file(path, room)
    if content[:2] != GZIP:
        room.expect(per_byte * len(content), f"{path.name}, {len(content)} bytes,")
        return content
    try:
        whole = zlib.decompressobj(wbits=_GZIP_FORMAT)
        unpacked = whole.decompress(content, room.limit // per_byte + 1)
        if per_byte * len(unpacked) > room.limit:
            raise room.excess(f"{path.name} unpacks to {amount(len(unpacked))} or more, which")
        if whole.eof and not whole.unused_data:
            return unpacked
        del unpacked  # several packed files one after the other, or a damaged one
        with gzip.GzipFile(fileobj=io.BytesIO(content)) as stream:
            return _read_blocks(stream, path, room, per_byte)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DataError(f"{path}: the gzip file is truncated or damaged ({error}). Fetch it again.") from error


def _read_blocks(stream: gzip.GzipFile, path: Path, room: Room, per_byte: int) -> bytes:
    blocks, total = [], 0
    while block := stream.read(BLOCK):
        blocks.append(block)
        total += len(block)
        if per_byte * total > room.limit:
            raise room.excess(f"{path.name} unpacks to {amount(total)} or more, which")
    return b"".join(blocks)


def _not_ordinary(path: Path) -> DataError:
    return DataError(f"{path}: expected an ordinary file, received a pipe, a device, a socket or a folder.")
