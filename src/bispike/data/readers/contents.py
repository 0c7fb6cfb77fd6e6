"""What a file holds, within a limit: only ordinary files are opened, and what is packed is unpacked block by block.

A pipe or a device could keep a reader waiting for ever, and a packed file can unpack to a thousand times its size.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import stat
import zipfile
import zlib
from collections.abc import Collection
from pathlib import Path
from typing import IO, BinaryIO, cast

from ...errors import DataError
from ..memory_limit import Room, amount

PACKED = {b"\x1f\x8b": "gzip", b"BZh": "bzip2", b"\xfd7zXZ\x00": "xz", b"PK\x03\x04": "zip"}
"""Kinds of packed files by their first bytes."""
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


def read_unpacked(path: Path, room: Room, *, per_byte: int = 1, kinds: Collection[str] = ("gzip",)) -> bytes:
    """The bytes of a file, unpacked if it is packed, as its first bytes say.

    Args:
        path: the file; a zip file holds one file.
        room: what it may take.
        per_byte: bytes that the caller needs for each byte of the content, the content included.
        kinds: of packed files that are unpacked, of `PACKED`; others are returned as they are.

    Raises:
        DataError: it cannot be read, is damaged, or holds more than the limit.
    """
    content = read_file(path, room)
    kind = next((kind for first, kind in PACKED.items() if kind in kinds and content.startswith(first)), None)
    if kind is None:
        room.expect(per_byte * len(content), f"{path.name}, {len(content)} bytes,")
        return content
    try:
        whole = _gunzipped(content, path, room, per_byte) if kind == "gzip" else None
        if whole is not None:
            return whole
        with _unpacker(kind, io.BytesIO(content), path) as stream:
            return _read_blocks(stream, path, room, per_byte)
    except DataError:
        raise
    except (
        EOFError,
        OSError,
        zlib.error,
        lzma.LZMAError,
        zipfile.BadZipFile,
        ValueError,
        NotImplementedError,
    ) as error:
        raise DataError(f"{path}: the {kind} file is truncated or damaged ({error}). Fetch it again.") from error
    except RuntimeError as error:  # a zip file with a password
        raise DataError(f"{path}: the {kind} file cannot be unpacked ({error}).") from error


def _gunzipped(content: bytes, path: Path, room: Room, per_byte: int) -> bytes | None:
    """The content of a gzip file, unpacked at once; None if it is several files one after the other, or damaged."""
    stream = zlib.decompressobj(wbits=_GZIP_FORMAT)
    unpacked = stream.decompress(content, room.limit // per_byte + 1)
    if per_byte * len(unpacked) > room.limit:
        raise room.excess(f"{path.name} unpacks to {amount(len(unpacked))} or more, which")
    return unpacked if stream.eof and not stream.unused_data else None


def _unpacker(kind: str, packed: io.BytesIO, path: Path) -> IO[bytes]:
    if kind == "gzip":
        return cast(IO[bytes], gzip.GzipFile(fileobj=packed))
    if kind == "bzip2":
        return bz2.BZ2File(packed)
    if kind == "xz":
        return lzma.LZMAFile(packed)
    archive = zipfile.ZipFile(packed)
    members = [name for name in archive.namelist() if not name.endswith("/") and not name.startswith("__MACOSX/")]
    if any(name.startswith(("xl/", "[Content_Types]")) or name == "mimetype" for name in members):
        raise DataError(f"{path}: expected a text file, received a spreadsheet. Save its sheet as CSV.")
    if len(members) != 1:
        raise DataError(f"{path}: expected a zip file with one file in it, found {len(members)}. Unpack it first.")
    return archive.open(members[0])


def _read_blocks(stream: IO[bytes], path: Path, room: Room, per_byte: int) -> bytes:
    blocks, total = [], 0
    while block := stream.read(BLOCK):
        blocks.append(block)
        total += len(block)
        if per_byte * total > room.limit:
            raise room.excess(f"{path.name} unpacks to {amount(total)} or more, which")
    return b"".join(blocks)


def _not_ordinary(path: Path) -> DataError:
    return DataError(f"{path}: expected an ordinary file, received a pipe, a device, a socket or a folder.")
