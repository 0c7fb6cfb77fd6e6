"""Numeric arrays in MATLAB files of version 5, as SVHN is published: data elements, packed with zlib or plain.

    header of 128 bytes | elements: type and size (4 bytes each, or 2 and 2 with up to 4 bytes of data), data, padding

An array is an element of elements: flags, axes, name, values. Sizes are compared with what is there before anything is
read. Source: MathWorks, "MAT-File Format", version 5.
"""

from __future__ import annotations

import math
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from ...errors import DataError
from ..memory_limit import Room
from .contents import read_file

HEADER = 128
NUMBERS = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8"}
"""How values are stored, by the type of their element."""
CLASSES = {6: "f8", 7: "f4", 8: "i1", 9: "u1", 10: "i2", 11: "u2", 12: "i4", 13: "u4", 14: "i8", 15: "u8"}
"""What values are, by the class of the array; small ones may be stored as a smaller type."""
ARRAY, PACKED = 14, 15
COMPLEX = 0x0800
MOST_AXES = 32


def read_matlab(path: Path, names: tuple[str, ...], room: Room) -> dict[str, np.ndarray]:
    """Some real arrays of a file, by name; those that are not there are left out.

    Raises:
        DataError: unreadable, damaged, of another version, or more than the limit.
    """
    content = memoryview(read_file(path, room))
    try:
        order = {b"IM": "<", b"MI": ">"}[bytes(content[126:128])]
        found: dict[str, np.ndarray] = {}
        for kind, data in _elements(content[HEADER:], order):
            if kind == PACKED:
                kind, data = next(_elements(_unpacked(data, room), order), (0, data))
            if kind == ARRAY and (array := _array(data, order, names)) is not None:
                found[array[0]] = array[1]
    except (KeyError, ValueError, struct.error, zlib.error) as error:
        raise DataError(
            f"{path}: not a readable MATLAB 5 file ({type(error).__name__}: {error}). Fetch it again."
        ) from error
    return found


def _elements(content: memoryview, order: str) -> Iterator[tuple[int, memoryview]]:
    """Type and data of each element."""
    place = 0
    while place + 8 <= len(content):
        kind, size = struct.unpack_from(f"{order}II", content, place)
        if kind >> 16:  # small: size and type in the first four bytes, data in the other four
            size, kind = kind >> 16, kind & 0xFFFF
            begin, after = place + 4, place + 8
        else:
            begin = place + 8
            after = begin + size + (-size % 8 if kind != PACKED else 0)
        if begin + size > len(content):
            raise ValueError(f"an element of {size} bytes where {len(content) - begin} are left")
        yield kind, content[begin : begin + size]
        place = after


def _unpacked(data: memoryview, room: Room) -> memoryview:
    unpacker = zlib.decompressobj()
    content = unpacker.decompress(data, room.limit + 1)
    if len(content) > room.limit:
        raise room.excess("an array, unpacked,")
    if not unpacker.eof:
        raise ValueError("a packed array that is not complete")
    return memoryview(content)


def _array(data: memoryview, order: str, names: tuple[str, ...]) -> tuple[str, np.ndarray] | None:
    """Name and values of an array; None if it is none of the names, or not of real numbers."""
    parts = list(_elements(data, order))
    if len(parts) < 4:
        raise ValueError(f"an array of {len(parts)} parts")
    flags, axes, name = (part for _, part in parts[:3])
    word = struct.unpack_from(f"{order}I", flags)[0]
    called = bytes(name).decode("latin-1")
    if called not in names or word & 0xFF not in CLASSES or word & COMPLEX:
        return None
    shape = struct.unpack(f"{order}{len(axes) // 4}i", axes)
    kind, values = parts[3]
    stored = np.dtype(f"{order}{NUMBERS[kind]}")
    if len(shape) > MOST_AXES or min(shape) < 0 or math.prod(shape) * stored.itemsize != len(values):
        raise ValueError(f"{len(values)} bytes for axes {list(shape)[:MOST_AXES]}")
    array = np.frombuffer(values, stored).reshape(shape, order="F")
    return called, array.astype(CLASSES[word & 0xFF], copy=False)
