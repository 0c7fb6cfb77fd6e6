"""IDX, the format of MNIST: a magic number with type and rank, the axes, the values; gzip or plain.

    0x00 0x00 type rank | axis 1 .. axis rank (4 bytes each, big-endian) | values, row by row

Source: Y. LeCun, C. Cortes, C. Burges, "The MNIST database of handwritten digits", section "File formats".
"""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ...errors import DataError
from ..assemble import from_arrays
from ..dataset import Dataset
from ..memory_limit import Room
from ..option import MEMORY_LIMIT, Option, text, texts
from ..readers.contents import read_unpacked
from ..schema import Schema
from .format import Format

TYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
FILES = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)


def read_idx(path: Path, *, rank: int, memory_limit: float | None = None) -> np.ndarray:
    """The array in an IDX file.

    Args:
        path: the file, gzip or plain (recognised by its first bytes).
        rank: number of axes it must have: 3 for images, 1 for labels.
        memory_limit: GiB that reading may take (see `data.memory_limit`).

    Raises:
        DataError: unreadable, truncated, not IDX, of another rank, or more than the limit.
    """
    room = Room.of(path, memory_limit)
    content = read_unpacked(path, room)
    if len(content) < 4 or content[:2] != b"\0\0" or content[2] not in TYPES:
        raise DataError(
            f"{path}: not an IDX file (expected the magic bytes 00 00 08 0{rank}, "
            f"received {content[:4].hex(' ') or 'an empty file'})."
        )
    if content[3] != rank:
        what = {1: "labels, 1 axis", 3: "images, 3 axes"}.get(rank, f"{rank} axes")
        raise DataError(f"{path}: expected {what}, received an IDX file of {content[3]} axes (files exchanged?).")
    start = 4 + 4 * rank
    kind = np.dtype(TYPES[content[2]])
    axes = struct.unpack(f">{rank}I", content[4:start]) if len(content) >= start else (0,)
    expected = start + math.prod(axes) * kind.itemsize
    if len(content) != expected or len(content) < start:
        raise DataError(
            f"{path}: expected {expected} bytes for axes {list(axes)}, received {len(content)}. "
            "The file is truncated or damaged; fetch it again."
        )
    room.expect_stimuli(axes, bytes_each=1 if kind.itemsize == 1 else 4)
    values = np.frombuffer(content, kind, offset=start).reshape(axes)
    return values.astype(kind.newbyteorder("="), copy=False)


def locate(folder: Path) -> Path | None:
    """The folder, or its `raw` folder, if it holds all four files."""
    for place in (folder, folder / "raw"):
        if all(_file(place, name) is not None for name in FILES):
            return place
    return None


def read(
    folder: Path,
    *,
    like: Schema | None = None,
    name: str | None = None,
    class_names: Sequence[str] | None = None,
    memory_limit: float | None = None,
) -> Dataset:
    """A data set in the four files of MNIST; `like`: schema of a training, by which they are read."""
    place = locate(folder)
    if place is None:
        missing = [name for name in FILES if _file(folder, name) is None]
        raise DataError(f"{folder}: no {', '.join(missing)} (plain or .gz).")
    paths = [path for path in (_file(place, name) for name in FILES) if path is not None]
    train_x, train_y, test_x, test_y = (
        read_idx(path, rank=3 if "images" in path.name else 1, memory_limit=memory_limit) for path in paths
    )
    for images, labels, file in ((train_x, train_y, paths[0]), (test_x, test_y, paths[2])):
        if len(images) != len(labels):
            raise DataError(f"{file}: {len(images)} images but {len(labels)} labels; the files do not belong together.")
    return from_arrays(
        train_x, train_y, test_x, test_y, name=name or folder.name, class_names=class_names, layout="grey", like=like
    )


def _file(folder: Path, name: str) -> Path | None:
    dotted = name.replace("-idx", ".idx")
    candidates = (folder / f"{spelling}{ending}" for spelling in (name, dotted) for ending in (".gz", ""))
    return next((path for path in candidates if path.is_file()), None)


FORMAT = Format(
    name="idx",
    summary="a folder with the four files of MNIST",
    read=read,
    options=(
        Option("name", "name of the data set; that of the folder if not given", check=text),
        Option("class_names", "names of the classes, in order; their numbers if not given", check=texts),
        MEMORY_LIMIT,
    ),
    belongs=lambda path: path.is_dir() and locate(path) is not None,
)
