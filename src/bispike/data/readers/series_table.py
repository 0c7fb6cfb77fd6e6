"""Series from tables: rows in the order of time and in equal steps, one column per quantity.

Everything that is decided about a table is decided in training (`read_series`) and kept; a table in use is brought to
it (`read_again`), or refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from ...errors import ConfigurationError, DataError, unknown_name
from ..memory_limit import Room
from .characters import shortened
from .dialect import Dialect
from .frequency import Frequency
from .hdf import ENDINGS, read_hdf
from .missing_values import expect_values, filled
from .table import INDEX_NAMES, Table, read_table_file
from .time_columns import TimeColumns
from .time_order import Rows, counted, each_once, in_order, in_zone, without_holes
from .time_search import LISTED, Asked, Found, find
from .time_values import read_times

SENTINELS = (-99.0, -200.0, -999.0, -9999.0, -99999.0, -999.9, -99.9, 999.0, 9999.0, 99999.0, 999.9, 9999.9, 99.99)
"""Numbers that often mark a missing value."""
MOST_LOST = 0.01
"""Largest error of a value in float32, as a share of the deviation of its column."""


@dataclass(frozen=True)
class Policy:
    """What is done about times that occur twice, holes between times, and missing values."""

    duplicates: str = "error"
    holes: str = "error"
    missing: str = "error"

    def __post_init__(self) -> None:
        if self.holes == "fill" and self.missing == "error":
            raise ConfigurationError(
                "holes: 'fill' inserts rows without values; also say what they hold: missing=previous or interpolate."
            )


@dataclass(frozen=True)
class Choice:
    """Which columns of a table a user takes.

    Args:
        time: what the user says about the time.
        columns: names of the quantities; (): all columns of numbers.
        drop: names of columns that are left out.
    """

    time: Asked = field(default_factory=Asked)
    columns: tuple[str, ...] = ()
    drop: tuple[str, ...] = ()


@dataclass(frozen=True)
class Series:
    """A multivariate series.

    Args:
        name: of the set.
        columns: names of the D quantities.
        values: float64 `[L, D]`, finite.
        notes: on how it was read.
        times: of the rows, `[L]`, int64 microseconds since 1970 or float64 numbers; None: they are not known.
        time: the columns that the times are from.
        frequency: the step from row to row.
        policy: how it was brought into steps.
        dialect: how its file is written.
        ignored: names of the columns of its table that are neither time nor quantities.
    """

    name: str
    columns: tuple[str, ...]
    values: np.ndarray
    notes: tuple[str, ...] = ()
    times: np.ndarray | None = None
    time: TimeColumns | None = None
    frequency: Frequency | None = None
    policy: Policy = field(default_factory=Policy)
    dialect: Dialect = field(default_factory=Dialect)
    ignored: tuple[str, ...] = ()

    def time_ahead(self, steps: int) -> str | None:
        """The time `steps` after the last row, as text; None where it is not known."""
        if self.times is None or self.time is None or not len(self.times):
            return None
        if steps and self.frequency is None:
            return None
        last = self.times[-1].item()
        try:
            return self.time.shown(last if self.frequency is None else self.frequency.after(last, steps))
        except (OverflowError, ValueError):  # later than dates reach
            return None


def read_table(
    path: Path,
    given: Dialect | None = None,
    *,
    like: Dialect | None = None,
    memory_limit: float | None = None,
) -> Table:
    """The table in a file: a text file, or an HDF5 file of pandas.

    Args:
        path: the file.
        given: what the user says about how it is written.
        like: dialect of the training's file.
        memory_limit: GiB that reading may take (see `data.memory_limit`).

    Raises:
        DataError: as `read_table_file` and `read_hdf`.
    """
    if path.suffix.lower() in ENDINGS:
        return read_hdf(path, Room.of(path, memory_limit))
    return read_table_file(path, given, like=like, memory_limit=memory_limit)


def read_series(
    table: Table, room: Room, *, name: str, choice: Choice | None = None, policy: Policy | None = None
) -> Series:
    """The series in the table of a training.

    Args:
        table: one row per time.
        room: for rows that are inserted.
        name: of the set.
        choice: which columns the user takes.
        policy: what is done about doubles, holes and gaps.

    Raises:
        ConfigurationError: a column or form that does not exist.
        DataError: no certain time, times that occur twice, holes, missing values, texts, or constant columns.
    """
    choice, policy, names = choice or Choice(), policy or Policy(), table.names
    table, found = _with_time(table, choice)
    columns = _quantities(table, choice, found)
    values = np.stack([_numbers(table, column) for column in columns], 1) if columns else np.zeros((len(table), 0))
    rows, frequency = _in_steps(table, found, values, columns, policy, room)
    notes = [*table.notes, *found.notes, *rows.notes, *_doubtful(columns, rows.values)]
    if found.time is None:
        notes.append("no column holds times: the rows are taken in the order of the table, in equal steps.")
    elif len(found.time.columns) == 1:
        notes.append(f"column {_quoted(found.time.columns[0])} is the time{_step(frequency, found, rows)}.")
    else:
        notes.append(
            f"the columns {', '.join(map(_quoted, found.time.columns))} are the time{_step(frequency, found, rows)}."
        )
    _expect_changing(table, columns, rows.values)
    _expect_digits(table, columns, rows.values)
    used = {*columns, *(found.time.columns if found.time is not None else ())}
    return Series(
        name,
        columns,
        rows.values,
        tuple(notes),
        rows.times,
        found.time,
        frequency,
        policy,
        table.dialect,
        tuple(one for one in names if one not in used),
    )


def read_again(table: Table, like: Series, room: Room, *, needed: Sequence[str], name: str) -> Series:
    """The series in a table in use, read as in training.

    Args:
        table: with the columns of the training by name, in any order; others are ignored.
        like: a series (of any length) with columns, time, step and policy of the training.
        room: for rows that are inserted.
        needed: columns that must be there, some of those of `like`; the result has these.
        name: of the set.

    Raises:
        DataError: columns are missing, times have another form or step, or values do not fit.
    """
    time = like.time.columns if like.time is not None else ()
    absent = [one for one in (*time, *needed) if one not in table.names]
    if absent:
        raise DataError(
            f"{table.source}: expected the columns that the network was trained on; missing: "
            f"{_listed(absent)}; found: {_listed(table.names)}. Check the heading of the "
            "table."
        )
    notes = list(table.notes)
    extra = [one for one in table.names if one not in (*time, *like.columns)]
    new = [one for one in extra if one not in like.ignored]
    if new:
        what = counted(
            len(new), "column that the training did not have is", "columns that the training did not have are"
        )
        notes.append(f"{what} ignored: {_listed(new)}.")
    if like.time is None:
        found = Found()
        _expect_old_first(table, extra)
    else:
        times, utc = read_times(table, like.time)
        if utc != like.time.utc and table.dates(like.time.columns[0]) is None:
            here, there = ("with", "without") if utc else ("without", "with")
            raise DataError(
                f"{table.place(0)}: expected times {there} an offset from UTC, as in training, received times {here}."
            )
        found = Found(like.time, times)
    columns = tuple(needed)
    values = np.stack([_numbers(table, column) for column in columns], 1) if columns else np.zeros((len(table), 0))
    try:
        rows, _ = _in_steps(table, found, values, columns, like.policy, room, like.frequency)
    except DataError as error:
        raise DataError(
            f"{error} A table in use is read by the options of the training; mend it, or train with them."
        ) from error
    return replace(like, name=name, columns=columns, values=rows.values, times=rows.times, notes=(*notes, *rows.notes))


# ------------------------------------------------------------------ columns


def _with_time(table: Table, choice: Choice) -> tuple[Table, Found]:
    """The table without the columns that the user leaves out, and its time."""
    names = (*choice.drop, *choice.columns)
    unknown = [unknown_name("column", name, table.names[:LISTED]) for name in names if name not in table.names]
    if unknown:
        raise ConfigurationError(unknown)
    table = table.without(choice.drop)
    found = find(table, choice.time)
    counter = table.counter()  # "" is a name
    counter = _countdown(table) if counter is None else counter
    if counter is None or (found.time is not None and counter in found.time.columns) or counter in choice.columns:
        return table, found
    numbers = table.numbers(counter)
    if found.time is None and numbers is not None and len(table.names) > 1 and not (np.diff(numbers) == 1).all():
        time = TimeColumns((counter,), ("number",))
        return table, Found(time, read_times(table, time)[0], found.beside, found.notes)
    if len(table.names) == 1:
        return table, found
    return table.without([counter], f"column {_quoted(counter)} only counts the rows and is left out."), found


def _countdown(table: Table) -> str | None:
    """A first column that is named as the number of the row, in another order; None: there is none."""
    name = table.names[0] if table.names else ""
    values = table.numbers(name) if name.lower() in INDEX_NAMES else None
    if values is None or len(values) < 3 or np.isnan(values).any():
        return None
    return name if (np.sort(values) == values.min() + np.arange(len(values))).all() else None


def _quantities(table: Table, choice: Choice, found: Found) -> tuple[str, ...]:
    """Names of the columns that are quantities."""
    time = found.time.columns if found.time is not None else ()
    columns = choice.columns or tuple(one for one in table.names if one not in (*time, *found.beside))
    textual = [one for one in columns if table.numbers(one) is None and table.columns[one].odd < 0]
    if textual:
        first = textual[0]
        example = next((text for text in table.texts(first).tolist() if text is not None), "")
        also = f" (as do {_listed(textual[1:])})" if textual[1:] else ""
        raise DataError(
            f"{table.place(0)}, column {_quoted(first)}: expected a number, received {shortened(example)!r}; the "
            f"column holds texts{also}. Leave it out (drop=[{','.join(textual[:20])}]), name the quantities "
            "(columns=[...]), or write texts as numbers."
        )
    if not columns:
        raise DataError(f"{table.source}: expected at least one column of numbers besides the time, found none.")
    return tuple(columns)


def _numbers(table: Table, name: str) -> np.ndarray:
    """The numbers of a column, float64 `[L]`, NaN for gaps."""
    values = table.numbers(name)
    if values is None:
        column = table.columns[name]
        row = max(column.odd, 0)
        raise DataError(
            f"{table.place(row)}, column {_quoted(name)}: expected a number, received "
            f"{shortened(str(table.texts(name)[row]))!r}. Correct it; if it marks a missing value, name it "
            "(missing_marks=[...])."
        )
    infinite = np.isinf(values)
    if infinite.any():
        raise DataError(
            f"{table.place(int(infinite.argmax()))}, column {_quoted(name)}: expected a finite number, received "
            f"{values[int(infinite.argmax())]:g}. Remove it, or leave it empty."
        )
    return values


def _expect_changing(table: Table, columns: Sequence[str], values: np.ndarray) -> None:
    if not len(values):
        return
    still = [columns[i] for i in np.flatnonzero((values == values[0]).all(0)).tolist()]
    if still and len(values) > 1:
        raise DataError(
            f"{table.source}: {'column' if len(still) == 1 else 'columns'} {_listed(still)}: expected values that "
            f"change, received {values[0, columns.index(still[0])]:g} in every row. Leave it out: "
            f"drop=[{','.join(still[:20])}]."
        )


def _expect_digits(table: Table, columns: Sequence[str], values: np.ndarray) -> None:
    """Refuse columns whose changes are lost in float32, in which networks compute."""
    if np.abs(values).max(initial=0) > np.finfo(np.float32).max:
        return  # refused by their size
    lost = np.abs(values - values.astype(np.float32)).max(0, initial=0) > MOST_LOST * values.std(0)
    if lost.any():
        place = int(lost.argmax())
        name, low = columns[place], values[:, place].min()
        raise DataError(
            f"{table.source}, column {_quoted(name)}: values from {low:.12g} to {values[:, place].max():.12g} differ "
            f"in digits that 32 bits do not hold. Subtract a constant, such as {low:.6g}, or leave the column out: "
            f"drop=[{name}]."
        )


def _doubtful(columns: Sequence[str], values: np.ndarray) -> list[str]:
    """Notes on columns that may be no quantity, or hold marks of missing values."""
    found = []
    for name, column in zip(columns, values.T, strict=True):
        steps = np.diff(column)
        if len(steps) > 2 and steps[0] != 0 and (np.abs(steps - steps[0]) <= 1e-6 * abs(steps[0])).all():
            found.append(
                f"column {_quoted(name)} changes by {steps[0]:g} from row to row; if it is a time or a counter, say so "
                f"(time={name}), or leave it out (drop=[{name}])."
            )
        for mark in (column.min(), column.max()) if len(column) else ():
            rest = column[column != mark]
            far = len(rest) > 1 and min(abs(mark - rest.min()), abs(mark - rest.max())) > np.ptp(rest)
            if mark in SENTINELS and len(column) - len(rest) > 1 and far:
                found.append(
                    f"column {_quoted(name)} holds {mark:g} in {len(column) - len(rest)} rows, far from its other "
                    f"values; if it marks missing values, say so (missing_marks=[{mark:g}])."
                )
    return found


def _expect_old_first(table: Table, extra: Sequence[str]) -> None:
    """Refuse rows that a column beside those of the training shows to be newest first."""
    for name in extra:
        try:
            found = find(table.without([one for one in table.names if one != name]), Asked())
        except DataError:
            continue
        if found.times is not None and len(found.times) > 1 and (np.diff(found.times) < 0).any():
            raise DataError(
                f"{table.source}: expected rows in the order of time, since the training's table had no column of "
                f"times; by column {_quoted(name)} they are in another order. Sort them, oldest first."
            )


# ------------------------------------------------------------------ rows


def _in_steps(
    table: Table,
    found: Found,
    values: np.ndarray,
    columns: Sequence[str],
    policy: Policy,
    room: Room,
    frequency: Frequency | None = None,
) -> tuple[Rows, Frequency | None]:
    """Rows in order, in equal steps and without gaps; and the step."""
    rows = Rows(values, found.times, np.arange(len(values)), table.place, found.time)
    if found.time is not None and found.time.zone is not None:
        rows = in_zone(rows, found.time.zone)
    rows = in_order(rows)
    if policy.missing == "error":
        expect_values(rows, columns)
    rows, step = without_holes(each_once(rows, policy.duplicates), policy.holes, room, frequency=frequency)
    return filled(rows, columns, policy.missing), step


def _step(frequency: Frequency | None, found: Found, rows: Rows) -> str:
    """Step, first and last time, which show a form that was misread."""
    step = "" if frequency is None else f"; its step is {frequency.text}"
    if rows.times is None or found.time is None or not len(rows.times):
        return step
    return f"{step}, from {rows.shown(0)} to {rows.shown(len(rows.times) - 1)}"


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - 10} others" if len(names) > 10 else ""
    return ", ".join(map(_quoted, names[:10])) + more


def _quoted(name: str) -> str:
    return repr(shortened(name))
