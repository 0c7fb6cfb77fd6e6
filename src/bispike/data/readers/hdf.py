"""HDF5 files of pandas (format "fixed"), as METR-LA and PEMS-BAY are published.

`axis0` holds the names of the columns, `axis1` the index of the rows, `block0_values`, `block1_values`, ... the numbers
of each type, and `block0_items`, ... their names. Only what lies in the file itself is read: links to other files are
not followed, nor values that are stored elsewhere.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ...errors import DataError
from ..memory_limit import Room
from .columns import Column, written
from .contents import open_file
from .table import Table

if TYPE_CHECKING:
    import h5py

ENDINGS = (".h5", ".hdf5")
DAMAGE = (OSError, RuntimeError, KeyError, ValueError, TypeError, AttributeError, UnicodeError, OverflowError)
"""What h5py raises for damaged files."""
MOST_BLOCKS = 100
TIME = "time"
"""Name of the column that the index of times becomes."""


def read_hdf(path: Path, room: Room) -> Table:
    """The table in a file; an index of times becomes the column "time".

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
            tables = [one for one in groups if isinstance(one, h5py.Group) and "block0_values" in one]
            if not tables:
                raise DataError(
                    f"{path}: expected a table written by pandas (block0_values), found {list(file)[:10]}. Write it by "
                    "frame.to_hdf(path, key='series', format='fixed'), or as .csv."
                )
            if len(tables) > 1:
                raise DataError(f"{path}: expected one table, found {len(tables)}. Write each into its own file.")
            return _table(path, tables[0], room)
    except DataError:
        raise
    except DAMAGE as error:
        raise DataError(f"{path}: not a readable HDF5 file ({error}).") from error


def _table(path: Path, group: h5py.Group, room: Room) -> Table:
    names = _names(path, _inside(group, "axis0"), room)
    found: dict[str, np.ndarray] = {}
    for number in range(MOST_BLOCKS):
        if f"block{number}_values" not in group:
            break
        values = _numbers(path, _inside(group, f"block{number}_values"), room)
        only = f"block{number + 1}_values" not in group and number == 0 and f"block{number}_items" not in group
        items = names if only else _names(path, _inside(group, f"block{number}_items"), room)
        if values.shape[1] != len(items):
            raise DataError(
                f"{path}: expected a value for each of {len(items)} columns, received {list(values.shape)}."
            )
        found.update(zip(items, values.T, strict=True))
    if len({*names}) < len(names) or {*found} != {*names}:
        raise DataError(f"{path}: expected a value for each of {len(names)} columns, received {len(found)} columns.")
    rows = {len(values) for values in found.values()}
    if len(rows) != 1:
        raise DataError(f"{path}: expected columns of one length, received {sorted(rows)[:5]}.")
    times = _times(path, group, rows.pop(), room)
    columns = {} if times is None or TIME in found else {TIME: times}
    return Table(path, columns | {name: _column(found[name]) for name in names})


def _column(values: np.ndarray) -> Column:
    return Column("empty" if np.isnan(values).all() else "number", values, lambda: written(values))


def _times(path: Path, group: h5py.Group, rows: int, room: Room) -> Column | None:
    """The index of times; None where the index is no time."""
    source = _inside(group, "axis1") if "axis1" in group else None
    kind = getattr(source, "attrs", {}).get("kind", b"")
    kind = kind.decode() if isinstance(kind, bytes) else str(kind)
    if not kind.startswith("datetime64") or getattr(source, "ndim", 0) != 1:
        return None
    stored = _stored_here(path, source)
    if stored.dtype.kind not in "iu" or len(stored) != rows:
        raise DataError(f"{path}: expected a time for each of {rows} rows, received {len(stored)}.")
    room.expect(stored.size * 16, f"{stored.size} times")
    _expect_chunks(stored, room)
    unit = kind[11:-1] if kind.startswith("datetime64[") and kind.endswith("]") else "ns"
    if unit not in ("s", "ms", "us", "ns"):
        return None
    values = np.asarray(stored).astype(np.int64).astype(f"datetime64[{unit}]").astype("datetime64[ns]")
    return Column("date", values, lambda: np.array([str(one) for one in values], dtype=object))


def _inside(group: h5py.Group, key: str) -> object:
    """A member of a group; None for a link, which may lead to another file."""
    import h5py

    return group[key] if isinstance(group.get(key, getlink=True), h5py.HardLink) else None


def _numbers(path: Path, found: object, room: Room) -> np.ndarray:
    source = _stored_here(path, found)
    if source.dtype.kind not in "biuf" or source.ndim != 2:
        raise DataError(f"{path}: expected numbers in rows and columns, received {source.dtype} {list(source.shape)}.")
    room.expect_stimuli(source.shape, bytes_each=source.dtype.itemsize + 16)
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
