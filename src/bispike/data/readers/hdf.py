"""HDF5 files of pandas, as METR-LA and PEMS-BAY are published: `axis0` holds names, `block0_values` numbers.

Only what lies in the file itself is read: links to other files are not followed, nor values that are stored elsewhere.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ...errors import DataError
from ..memory_limit import Room
from .contents import open_file

if TYPE_CHECKING:
    import h5py

DAMAGE = (OSError, RuntimeError, KeyError, ValueError, TypeError, AttributeError, UnicodeError, OverflowError)
"""What h5py raises for damaged files."""


def read_hdf(path: Path, room: Room) -> tuple[tuple[str, ...], np.ndarray]:
    """Names of the columns and their values, float64 `[L, D]`.

    Raises:
        DataError: damaged, not written by pandas, more than the limit, or h5py is missing.
    """
    try:
        import h5py
    except ImportError as error:
        raise DataError(f"{path}: .h5 files need h5py; install it: pip install 'bispike[series]'.") from error
    open_file(path).close()  # h5py would wait for a pipe
    try:
        with h5py.File(path) as file:
            groups = [_inside(file, key) for key in file]
            group = next((one for one in groups if isinstance(one, h5py.Group) and "block0_values" in one), None)
            if group is None:
                raise DataError(f"{path}: expected a table written by pandas (block0_values), found {list(file)[:10]}.")
            values = _numbers(path, _inside(group, "block0_values"), room)
            names = _names(path, _inside(group, "axis0"), room)
    except DataError:
        raise
    except DAMAGE as error:
        raise DataError(f"{path}: not a readable HDF5 file ({error}).") from error
    if values.ndim != 2 or values.shape[1] != len(names):
        raise DataError(f"{path}: expected a value for each of {len(names)} columns, received {list(values.shape)}.")
    return names, values


def _inside(group: h5py.Group, key: str) -> object:
    """A member of a group; None for a link, which may lead to another file."""
    import h5py

    return group[key] if isinstance(group.get(key, getlink=True), h5py.HardLink) else None


def _numbers(path: Path, found: object, room: Room) -> np.ndarray:
    source = _stored_here(path, found)
    if source.dtype.kind not in "biuf" or source.ndim != 2:
        raise DataError(f"{path}: expected numbers in rows and columns, received {source.dtype} {list(source.shape)}.")
    room.expect_stimuli(source.shape, bytes_each=source.dtype.itemsize + 8)
    _expect_chunks(source, room)
    return np.asarray(source, dtype=np.float64)


def _names(path: Path, found: object, room: Room) -> tuple[str, ...]:
    source = _stored_here(path, found)
    if source.dtype.kind not in "SO" or source.ndim != 1:
        raise DataError(f"{path}: expected names of columns, received {source.dtype} {list(source.shape)}.")
    room.expect(source.size * (source.dtype.itemsize + 64), f"{source.size} names of columns")
    _expect_chunks(source, room)
    return tuple(name.decode() if isinstance(name, bytes) else str(name) for name in source[:])


def _stored_here(path: Path, found: object) -> h5py.Dataset:
    """A data set whose values lie in the file."""
    import h5py

    if not isinstance(found, h5py.Dataset) or found.shape is None:
        raise DataError(f"{path}: expected axis0 and block0_values as arrays in the file, found none.")
    if found.is_virtual or found.external:
        raise DataError(f"{path}: its values are stored in other files, which are not opened.")
    return found


def _expect_chunks(source: h5py.Dataset, room: Room) -> None:
    if source.chunks is not None:
        room.expect(math.prod(source.chunks) * source.dtype.itemsize, f"a chunk of {source.chunks} values")
