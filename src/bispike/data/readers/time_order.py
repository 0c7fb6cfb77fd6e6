"""Rows in the order of time, each time once, in equal steps: what is not so is refused, or mended as the user says.

duplicates    error, or the first or last row of a time, or the mean of its rows
holes         error, or fill: rows are inserted and filled as missing values; or keep: neighbours are one step apart
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from ...errors import ConfigurationError, DataError
from ..memory_limit import Room
from .dates import MICROSECONDS
from .frequency import SLACK, Frequency
from .time_columns import TimeColumns

DUPLICATES = ("error", "first", "last", "mean", "keep")
HOLES = ("error", "fill", "keep")
_HOUR = 3600 * MICROSECONDS
_INSERTED = -1  # number of a row that the file has not


@dataclass(frozen=True)
class Rows:
    """Rows of a series with their times.

    Args:
        values: float64 `[L, D]`, NaN for gaps.
        times: `[L]`, int64 microseconds or float64 numbers; None: none are known.
        numbers: int64 `[L]` of each row in the table, from 0, for messages; -1: it was inserted.
        place: of a row by its number, for messages.
        time: the columns that the times are from.
        notes: what was done.
    """

    values: np.ndarray
    times: np.ndarray | None
    numbers: np.ndarray
    place: Callable[[int], str]
    time: TimeColumns | None = None
    notes: tuple[str, ...] = ()

    def taken(self, chosen: np.ndarray) -> Rows:
        """The rows of a mask or of places."""
        times = None if self.times is None else self.times[chosen]
        return replace(self, values=self.values[chosen], times=times, numbers=self.numbers[chosen])

    def noted(self, note: str) -> Rows:
        """The same rows with one more note."""
        return replace(self, notes=(*self.notes, note))

    def at(self, row: int) -> str:
        """The place of a row in the table."""
        return self.place(int(self.numbers[row]))

    def shown(self, row: int) -> str:
        """The time of a row."""
        assert self.time is not None
        assert self.times is not None
        return self.time.shown(self.times[row])


def in_zone(rows: Rows, zone: str) -> Rows:
    """Local times brought to UTC; an hour that occurs twice is told apart by the order of the rows.

    Raises:
        ConfigurationError: no such time zone.
        DataError: a time does not exist there, or occurs twice in a way that no change of clocks explains.
    """
    import pandas as pd

    times = rows.times
    if times is None or times.dtype.kind == "f":
        raise ConfigurationError("time_zone: expected a column of dates and times, received none.")
    backwards = len(times) > 1 and times[0] > times[-1]
    index = pd.DatetimeIndex((times[::-1] if backwards else times).astype("datetime64[us]"))
    try:
        local = index.tz_localize(zone, ambiguous="infer", nonexistent="raise")
    except (KeyError, ModuleNotFoundError) as error:
        raise ConfigurationError(f"time_zone: expected a name such as Europe/Berlin, received {zone!r}.") from error
    except ValueError as error:
        raise DataError(
            f"{rows.at(0)}: the times are no local times of {zone} ({error}). Correct time_zone, or leave it out."
        ) from error
    moved = local.tz_convert("UTC").tz_localize(None).to_numpy().astype("datetime64[us]").astype(np.int64)
    return replace(rows, times=moved[::-1] if backwards else moved)


def in_order(rows: Rows) -> Rows:
    """Rows sorted by time.

    Raises:
        DataError: times of a day without a date rise but for one fall, as over midnight.
    """
    times = rows.times
    if times is None or len(times) < 2 or (np.diff(times) >= 0).all():
        return rows
    falls = np.flatnonzero(np.diff(times) < 0)
    if rows.time is not None and rows.time.forms == ("clock",) and len(falls) == 1 < len(times) - 1:
        row = int(falls[0]) + 1
        raise DataError(
            f"{rows.at(row)}: expected times of one day, received {rows.shown(row)} after {rows.shown(row - 1)}: do "
            f"they pass midnight? Add a column of dates, or leave this one out (drop=[{rows.time.columns[0]}]), which "
            "takes the rows in their order."
        )
    if (np.diff(times) <= 0).all():
        return rows.taken(np.arange(len(times))[::-1]).noted(
            f"the rows are newest first; all {len(times)} were sorted by time."
        )
    order = np.argsort(times, kind="stable")
    moved = int((order != np.arange(len(order))).sum())
    return rows.taken(order).noted(f"{moved} of {len(times)} rows were not in the order of time; they were sorted.")


def each_once(rows: Rows, duplicates: str) -> Rows:
    """Rows with one row per time; the rows are in order.

    Raises:
        DataError: times occur twice, and the user has not said what to do.
    """
    times = rows.times
    if times is None or duplicates == "keep" or not (same := np.diff(times) == 0).any():
        return rows
    count = int(same.sum())
    first = int(same.argmax())
    if duplicates == "error":
        _, copies = np.unique(times, return_counts=True)
        likely = "Remove them, or choose duplicates=first, last or mean."
        if copies.min() > 1:
            likely = (
                f"Each time occurs at least {copies.min()} times: does the table hold several series, one below the "
                "other, or lack the column of hours? Write one column per series, name all columns of the time "
                "(time=[date,hour]), or choose duplicates=first, last or mean."
            )
        elif _clock_changes(rows):
            likely = _local(likely)
        raise DataError(
            f"{rows.at(first + 1)}: the time {rows.shown(first)} occurs twice, first in {_short(rows.at(first))} "
            f"({counted(count, 'row repeats', 'rows repeat')} a time in all). {likely}"
        )
    groups = np.concatenate([[0], np.cumsum(~same)])
    if duplicates == "mean":
        totals = np.zeros((groups[-1] + 1, rows.values.shape[1]))
        counts = np.zeros_like(totals)
        known = np.isfinite(rows.values)
        np.add.at(totals, groups, np.where(known, rows.values, 0.0))
        np.add.at(counts, groups, known)
        with np.errstate(invalid="ignore"):
            means = totals / counts
        found = replace(rows.taken(np.flatnonzero(np.concatenate([[True], ~same]))), values=means)
    else:
        kept = np.concatenate([[True], ~same]) if duplicates == "first" else np.concatenate([~same, [True]])
        found = rows.taken(np.flatnonzero(kept))
    return found.noted(f"{counted(count, 'row')} repeated a time; of each time the {duplicates} was taken.")


def without_holes(
    rows: Rows, holes: str, room: Room, *, frequency: Frequency | None = None
) -> tuple[Rows, Frequency | None]:
    """Rows in equal steps, and the step; the rows are in order.

    Args:
        rows: each time once.
        holes: what to do about holes.
        room: for rows that are inserted.
        frequency: of the training, which the rows must have; None: that of the rows.

    Raises:
        DataError: rows are missing, or the step changes, and the user has not said what to do.
    """
    times = rows.times
    if times is None:
        return rows, None
    own = Frequency.of(np.unique(times))
    if frequency is not None and own is not None and (np.abs(frequency.steps(times) - 1) > SLACK).any():
        _expect_step(rows, own, frequency)
    step = frequency or own
    if step is None or holes == "keep":
        return _kept(rows, step), step
    steps = step.steps(times)
    whole = np.round(steps)
    off = (np.abs(steps - whole) > SLACK) | (whole < 1)
    if off.any():
        raise _changing(rows, step, steps, int(off.argmax()))
    if _jitters(step, steps):
        rows = rows.noted(f"the steps are not exactly equal; each is taken as {step.text}.")
    missing = int((whole - 1).sum())
    if not missing:
        return rows, step
    if holes == "error":
        raise _hole(rows, step, whole)
    room.expect_stimuli((len(times) + missing, rows.values.shape[1]), bytes_each=16)
    return _filled(rows, step, whole.astype(np.int64)), step


def _kept(rows: Rows, step: Frequency | None) -> Rows:
    if step is None or rows.times is None or len(rows.times) < 2:
        return rows
    count = int((np.abs(step.steps(rows.times) - 1) > SLACK).sum())
    if not count:
        return rows
    return rows.noted(
        f"{count} of {len(rows.times) - 1} steps are not {step.text}; each is taken as one step (holes=keep)."
    )


def _filled(rows: Rows, step: Frequency, counts: np.ndarray) -> Rows:
    """The rows with rows without values in the holes."""
    assert rows.times is not None
    places = np.concatenate([[0], np.cumsum(counts)])
    total = int(places[-1]) + 1
    values = np.full((total, rows.values.shape[1]), np.nan)
    numbers = np.full(total, _INSERTED, dtype=np.int64)
    times = np.zeros(total, dtype=rows.times.dtype)
    values[places], numbers[places], times[places] = rows.values, rows.numbers, rows.times
    for place in np.flatnonzero(counts > 1).tolist():
        first, count = int(places[place]), int(counts[place]) - 1
        times[first + 1 : first + 1 + count] = step.between(times[first].item(), count)
    found = replace(rows, values=values, numbers=numbers, times=times)
    return found.noted(
        f"{counted(total - len(counts) - 1, 'row')} that the table lacks, in "
        f"{counted(int((counts > 1).sum()), 'hole')}, were inserted and filled like missing values (holes=fill)."
    )


def _expect_step(rows: Rows, own: Frequency, expected: Frequency) -> None:
    if not expected.agrees(own):
        raise DataError(
            f"{rows.at(0)}: expected rows that are {expected.text} apart, as in training, received rows that are "
            f"{own.text} apart. Resample the table to that step."
        )


def _changing(rows: Rows, step: Frequency, steps: np.ndarray, first: int) -> DataError:
    likely = "Resample the table to one step, or choose holes=keep, which takes neighbours as one step apart."
    if _clock_changes(rows):
        likely = _local(likely)
    return DataError(
        f"{rows.at(first + 1)}: the time step changes: from {rows.shown(first)} to {rows.shown(first + 1)} it is "
        f"{steps[first]:.4g} times the usual {step.text} ({int((np.abs(steps - 1) > SLACK).sum())} of "
        f"{len(steps)} steps differ). {likely}"
    )


def _hole(rows: Rows, step: Frequency, counts: np.ndarray) -> DataError:
    longer = np.flatnonzero(counts > 1)
    first, missing = int(longer[0]), int((counts - 1).sum())
    likely = (
        "Add the rows, or choose holes=fill (with missing=previous or interpolate), which inserts and fills them, or "
        "holes=keep, which takes neighbours as one step apart (trading days, opening hours)."
    )
    if _clock_changes(rows):
        likely = _local(likely)
    same = np.unique(counts[longer])
    changed = len(longer) >= 3 and len(same) == 1 and (np.diff(longer) == 1).all()
    what = f"the time step changes to {same[0]:g} times the usual {step.text}" if changed else "rows are missing"
    return DataError(
        f"{rows.at(first + 1)}: {what}: expected rows that are {step.text} apart, received {rows.shown(first + 1)} "
        f"after {rows.shown(first)} ({counted(missing, 'row is', 'rows are')} missing in "
        f"{counted(len(longer), 'place')}). {likely}"
    )


def _jitters(step: Frequency, steps: np.ndarray) -> bool:
    return step.unit in ("microseconds", "number") and bool((np.abs(steps - np.round(steps)) > 1e-3).any())


def _clock_changes(rows: Rows) -> bool:
    """Whether hours are doubled or missing at night in spring and autumn, as where clocks change."""
    times = rows.times
    if times is None or times.dtype.kind == "f" or rows.time is None or rows.time.utc or rows.time.zone:
        return False
    steps = np.diff(times)
    usual = int(np.median(steps))
    odd = np.flatnonzero(steps != usual)
    months = times[odd].astype("datetime64[us]").astype("datetime64[M]").astype(np.int64) % 12 + 1
    short = usual <= _HOUR and len(odd) <= max(2, len(times) // 100)
    return (
        short
        and bool(len(odd))
        and bool((steps[odd] <= usual + _HOUR).all() and np.isin(months, (3, 4, 9, 10, 11)).all())
    )


def _local(likely: str) -> str:
    return f"If these are local times where clocks change, name the zone (time_zone=Europe/Berlin). {likely}"


def counted(count: int, one: str, several: str = "") -> str:
    """A number with its noun: "1 row", "2 rows"."""
    return f"{count:,} {one if count == 1 else several or one + 's'}"


def _short(place: str) -> str:
    """The last part of a place: "line 7"."""
    return place.rpartition(", ")[2]
