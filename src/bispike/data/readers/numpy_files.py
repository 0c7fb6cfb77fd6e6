"""NumPy files, `.npz` and `.npy`; nothing in them is ever unpickled, and what they declare is compared with a limit.

An `.npz` file is a zip archive of `.npy` files. Each begins with the type and the axes of its array, from which NumPy
would allocate it; they are read first.
"""

from __future__ import annotations

import io
import math
import os
import struct
import sys
import tokenize
import zipfile
import zlib
from pathlib import Path
from typing import IO

import numpy as np

from ...errors import DataError
from ..memory_limit import Room
from .contents import BLOCK, open_file

ZIP = (b"PK\x03\x04", b"PK\x05\x06")
NPY = b"\x93NUMPY"
PICKLE = b"\x80"
LONGEST_HEADER = 10_000  # bytes; NumPy's own limit
PACKED = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
"""How NumPy packs arrays. Other methods may ask for any amount of memory to be unpacked at all."""

DAMAGE = (zipfile.BadZipFile, zlib.error, struct.error, EOFError, KeyError, RuntimeError, ValueError, OSError)
"""What reading a damaged archive raises (RuntimeError: flipped flags that ask for a password or another method)."""


def array_names(path: Path) -> set[str]:
    """Names of the arrays in an `.npz` file, from its table of contents; empty if that cannot be read."""
    try:
        with open_file(path) as stream, zipfile.ZipFile(stream) as archive:
            return {name.removesuffix(".npy") for name in archive.namelist()}
    except (*DAMAGE, DataError):
        return set()


def load_arrays(path: Path, room: Room) -> dict[str, np.ndarray]:
    """The arrays of an `.npz` file by name; a plain `.npy` file gives one array named `x`.

    Args:
        path: the file.
        room: what all arrays together may take.

    Raises:
        DataError: damaged, with Python objects, or more than the limit.
    """
    with open_file(path) as stream:
        return arrays_of(stream, os.fstat(stream.fileno()).st_size, path, room)


def arrays_of(stream: IO[bytes], size: int, path: object, room: Room) -> dict[str, np.ndarray]:
    """The arrays of an open `.npz` or `.npy` file of `size` bytes, as `load_arrays`; `path` is its name in messages."""
    begin = stream.read(6)
    stream.seek(0)
    try:
        if begin == NPY:
            return {"x": _read(stream, size, path, room)}
        if begin[:4] in ZIP:
            return _read_archive(stream, path, room)
    except DataError:
        raise
    except DAMAGE as error:
        raise DataError(f"{path}: the file is truncated or damaged ({error}).") from error
    if begin[:1] == PICKLE:
        raise _pickled(path)
    raise DataError(f"{path}: not a readable NumPy file (it begins with {begin.hex(' ') or 'nothing'}).")


def _read_archive(stream: IO[bytes], path: object, room: Room) -> dict[str, np.ndarray]:
    found, taken = {}, 0
    with zipfile.ZipFile(stream) as archive:
        for member in archive.infolist():
            if member.compress_type not in PACKED:
                raise DataError(f"{path}: is damaged: {member.filename} is packed in a way that NumPy does not use.")
            with archive.open(member) as content:
                if content.read(len(NPY)) != NPY:
                    continue  # no array
            with archive.open(member) as content:
                found[member.filename.removesuffix(".npy")] = array = _read(
                    content, member.file_size, path, Room(room.place, room.limit - taken)
                )
            taken += array.nbytes
    return found


def _read(stream: IO[bytes], size: int, path: object, room: Room) -> np.ndarray:
    """The array in an `.npy` file of `size` bytes, after a look at its header."""
    start = stream.read(12)
    version = tuple(start[6:8])
    long = version != (1, 0)
    if version not in ((1, 0), (2, 0)) or len(start) < 12:
        raise DataError(f"{path}: not a readable NumPy file (version {version}, {len(start)} bytes).")
    length = struct.unpack("<I", start[8:12])[0] if long else struct.unpack("<H", start[8:10])[0]
    if length > LONGEST_HEADER:
        raise DataError(f"{path}: the file is damaged (a header of {length} bytes).")
    head = start[8:] + stream.read(max(length - (0 if long else 2), 0))  # its length, and what it says
    read_header = np.lib.format.read_array_header_2_0 if long else np.lib.format.read_array_header_1_0
    try:
        shape, fortran, kind = read_header(io.BytesIO(head))
    except (ValueError, TypeError, SyntaxError, tokenize.TokenError, RecursionError, OverflowError) as error:
        raise DataError(f"{path}: the file is damaged (its header describes no array).") from error
    if kind.hasobject:
        raise _pickled(path)
    if any(type(length) is not int or length < 0 for length in shape) or len(shape) > 32 or kind.itemsize == 0:
        raise DataError(f"{path}: the file is damaged (an array of {shape} values of type {kind}).")
    count = math.prod(shape)
    room.expect(count * kind.itemsize, f"an array of {' x '.join(map(str, shape)) or 1} values of type {kind}")
    content = bytearray(count * kind.itemsize)  # the array owns it and may be written to, so that no copy is needed
    if _fill(stream, content) < len(content):
        raise DataError(f"{path}: the file is truncated or damaged (an array that is not complete).")
    if kind.kind == "U" and np.frombuffer(content, kind.byteorder + "u4").max(initial=0) > sys.maxunicode:
        raise DataError(f"{path}: the file is damaged (texts with characters that do not exist).")
    return np.frombuffer(content, dtype=kind).reshape(shape, order="F" if fortran else "C")


def _fill(stream: IO[bytes], content: bytearray) -> int:
    """Read into all of a buffer; returns how many bytes there were."""
    view, filled = memoryview(content), 0
    while filled < len(content):
        count = stream.readinto(view[filled : filled + BLOCK])  # type: ignore[attr-defined]
        if not count:
            break
        filled += count
    return filled


def _pickled(path: object) -> DataError:
    return DataError(
        f"{path}: holds Python objects (pickles), which are never loaded. Store plain arrays: "
        "numbers, or texts made with np.array([...], dtype=str)."
    )
