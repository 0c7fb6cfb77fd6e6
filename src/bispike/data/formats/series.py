"""Time series of a user: one row per time step, one column per quantity, in a file or in memory.

Tables are read by `data.readers.series_table`: time decides the order of the rows. `data.series_windows` cuts
windows out of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from ...arguments import checked
from ...errors import ConfigurationError, DataError
from ..memory_limit import Room
from ..option import MEMORY_LIMIT, NAMES, Option, name_or_names, names_of, one_of, problems, text, yes_or_no
from ..readers.series_table import Choice, Policy, read_series, read_table
from ..readers.table import Table
from ..readers.time_order import HOLES
from ..readers.time_search import Asked
from ..schema import Schema, SeriesSchema
from ..sequence_dataset import SequenceDataset
from ..series_windows import OPTIONS, TEST_FRACTION, windowed
from .format import Format
from .table import DIALECT, dialect_of

if TYPE_CHECKING:
    import pandas as pd

TABLE_OPTIONS = (
    Option("columns", f"quantities of the series: {NAMES}; all columns of numbers if not given", check=name_or_names),
    Option("drop", f"columns to leave out: {NAMES}", check=name_or_names),
    Option("time", f"columns that hold the time: {NAMES}; none: no column does", check=name_or_names),
    Option(
        "time_format", "form of the times, such as dmy, unix-s or '%d.%m.%Y %H:%M'; recognised if not given", check=text
    ),
    Option("day_first", "whether 01/02/2020 is the first of February; recognised if not given", check=yes_or_no),
    Option("time_zone", "zone of local times whose clocks change, such as Europe/Berlin", check=text),
    Option(
        "duplicates",
        "what to do where a time occurs twice: error, or take the first or last row, or the mean",
        default="error",
        check=one_of("error", "first", "last", "mean"),
    ),
    Option(
        "holes",
        "what to do where times are missing: error, fill (insert rows, filled by 'missing'), or keep (neighbours are "
        "one step apart)",
        default="error",
        check=one_of(*HOLES),
    ),
)
"""Options of a user's own series."""
FILE_OPTIONS = (*DIALECT, MEMORY_LIMIT)
"""Options of a file with a series."""


Names = list[str] | tuple[str, ...] | str | None
"""Names as a user gives them."""


def read(
    path: Path,
    *,
    like: Schema | None = None,
    target: str | None = None,
    horizon: int = 1,
    window: int | None = None,
    protocol: str = "chronological",
    target_mode: str = "change",
    test_fraction: float = TEST_FRACTION,
    columns: Names = None,
    drop: Names = None,
    time: Names = None,
    time_format: str | None = None,
    day_first: bool | None = None,
    time_zone: str | None = None,
    duplicates: str = "error",
    holes: str = "error",
    missing: str = "error",
    delimiter: str | None = None,
    decimal: str | None = None,
    encoding: str | None = None,
    header: bool | None = None,
    names: Names = None,
    comment: str | None = None,
    quote: str | None = None,
    missing_marks: Sequence[str] | str | float | None = None,
    not_missing: Sequence[str] | str | None = None,
    memory_limit: float | None = None,
) -> SequenceDataset:
    """A series from a table, in windows.

    Args:
        path: the file.
        like: schema of a training, by which the table is read: columns, time, step, gaps, scale and task are its own.
        target, horizon, window, protocol, target_mode, test_fraction: what is forecast, see `series_windows.OPTIONS`.
        columns, drop, time, time_format, day_first, time_zone: which columns are what, see `TABLE_OPTIONS`.
        duplicates, holes, missing: what is done about times that occur twice, holes and missing values.
        delimiter, decimal, encoding, header, names, comment, quote, missing_marks, not_missing: how it is
            written, see `formats.table.DIALECT`.
        memory_limit: GiB that reading may take (see `data.memory_limit`).

    Raises:
        ConfigurationError: options that do not fit together or name no column.
        DataError: unreadable, ragged, not numeric, missing values, times without order, too short, or more than the
            limit.
    """
    room, name = Room.of(path, memory_limit), path.name.split(".")[0]
    written = {"delimiter": delimiter, "decimal": decimal, "encoding": encoding, "header": header, "names": names}
    marks = {"comment": comment, "quote": quote, "missing_marks": missing_marks, "not_missing": not_missing}
    given = dialect_of({**written, **marks})
    task = {"target": target, "horizon": horizon, "window": window, "protocol": protocol, "target_mode": target_mode}
    chosen = {"columns": columns, "drop": drop, "time": time, "time_format": time_format, "day_first": day_first}
    ways = {"time_zone": time_zone, "duplicates": duplicates, "holes": holes, "missing": missing}
    options = {**task, **chosen, **ways, "test_fraction": test_fraction}
    if like is None:
        return _of_table(read_table(path, given, memory_limit=memory_limit), room, name, None, options, path)
    schema = _series_schema(like, path)
    return _of_table(schema.read(path, memory_limit=memory_limit), room, name, schema, options, path)


def _series_schema(like: Schema, source: object) -> SeriesSchema:
    """The schema of a training, which must be one on a series."""
    if not isinstance(like, SeriesSchema):
        raise like.refusal(source, "a series")
    return like


@checked
def from_series(frame: Any, *, name: str = "series", like: Schema | None = None, **options: Any) -> SequenceDataset:
    """A data set of a series in memory.

    Args:
        frame: pandas DataFrame or Series (the index is the time if it holds times), another frame with `to_pandas`, a
            dict of columns, or numbers `[L]` or `[L, D]`; one row per time.
        name: of the data set.
        like: schema of a training (`run.schema`), by which the series is read.
        **options: as for a file with a series: `target`, `horizon`, `window`, `time`, `missing`, `holes`, ...

    Raises:
        ConfigurationError: options that do not exist or do not fit.
        DataError: what is wrong with the series.
    """
    known = (*OPTIONS, *TABLE_OPTIONS, MEMORY_LIMIT)
    given = {key: value for key, value in options.items() if value is not None}
    if wrong := problems(known, given, of=name):
        raise ConfigurationError(wrong)
    schema = None if like is None else _series_schema(like, name)
    memory_limit = given.pop("memory_limit", None)
    room = Room.in_memory(name, memory_limit)
    return _of_table(table_of(frame, name), room, name, schema, given, name)


def _of_table(
    table: Table, room: Room, name: str, like: SeriesSchema | None, options: dict[str, Any], where: object
) -> SequenceDataset:
    """The data set of a table, by the options or as in training."""
    fraction = options.get("test_fraction", TEST_FRACTION)
    if like is not None:
        return windowed(like.series(table, room, name=name), like=like, test_fraction=fraction, where=where)
    time = Asked(
        names_of(options.get("time")), options.get("time_format"), options.get("day_first"), options.get("time_zone")
    )
    choice = Choice(time, names_of(options.get("columns")), names_of(options.get("drop")))
    policy = Policy(*(options.get(key, "error") for key in ("duplicates", "holes", "missing")))
    series = read_series(table, room, name=name, choice=choice, policy=policy)
    task = {key: options[key] for key in WINDOWED if key in options}
    return windowed(series, where=where, **task)


WINDOWED = ("target", "horizon", "window", "protocol", "target_mode", "test_fraction")
"""Options that say what is forecast."""


def table_of(frame: Any, source: str) -> Table:
    """The table of a frame in memory, with its index as a column where it holds times or numbers."""
    import pandas as pd

    if isinstance(frame, np.ndarray | list | torch.Tensor):
        values = np.asarray(frame)
        if values.ndim not in (1, 2) or values.dtype.kind not in "biuf":
            raise DataError(f"{source}: expected numbers [L] or [L, D], received {values.dtype} {list(values.shape)}.")
        values = values[:, None] if values.ndim == 1 else values
        frame = pd.DataFrame(values, columns=[f"column {i + 1}" for i in range(values.shape[1])])
    if isinstance(frame, pd.Series):
        frame = frame.to_frame(name="value" if frame.name is None else str(frame.name))
    if isinstance(frame, pd.DataFrame):
        frame = _with_index(frame, source)
    return Table.of(frame, source=source)


def _with_index(frame: pd.DataFrame, source: str) -> pd.DataFrame:
    """A frame whose index is a column of its own, unless it only counts the rows."""
    import pandas as pd

    index = frame.index
    if isinstance(index, pd.MultiIndex):
        raise DataError(
            f"{source}: expected an index of one level, received {index.nlevels}. Move the others into columns: "
            "frame.unstack() or frame.reset_index(...)."
        )
    if isinstance(index, pd.RangeIndex) and index.step == 1 and index.name is None:
        return frame
    if isinstance(index, pd.PeriodIndex):
        index = index.to_timestamp()
    name = str(index.name) if index.name is not None else "time" if isinstance(index, pd.DatetimeIndex) else "index"
    if name in [str(one) for one in frame.columns]:
        return frame.reset_index(drop=True)
    frame = frame.reset_index(drop=True)
    frame.insert(0, name, index)
    return frame


FORMAT = Format(
    name="series",
    summary="a series",
    read=read,
    options=(*OPTIONS, *TABLE_OPTIONS, *FILE_OPTIONS),
    endings=(".h5", ".hdf5"),
    task="series",
    on_request=True,
)
