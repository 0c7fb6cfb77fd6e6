"""Times of events: where each recording begins and ends, whether times run backwards, and the unit that they are in.

Whole numbers whose recordings last 10 ms to 30 s as microseconds are microseconds; fractions whose recordings last
10 ms to 10 s as seconds are seconds. Nothing else is certain: a recording of 3000 could last three seconds, or three
milliseconds. Bins that follow the longest recording are right in any unit; a duration needs a unit.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ...errors import DataError
from ..readers.event_files import LARGEST_WHOLE, Events

BLOCK = 1 << 18
"""Events that are looked at together, so that copies of other types stay small."""
MICROSECONDS = (1e4, 3e7)
"""How long a recording of whole microseconds lasts, from 10 ms to 30 s."""
FRACTIONAL_MICROSECONDS = (1e5, 3e7)
SECONDS = (1e-2, 10.0)
CALENDAR_NANOSECONDS = 9e17
"""Whole times beyond this number count nanoseconds since 1970; as microseconds they would be 28,000 years."""
COUNTERS = (2**32, 2**31)
"""Where the counters of cameras begin again."""
MANY = 10
"""So many events of one recording cannot have one time."""


@dataclass(frozen=True)
class Timing:
    """Times of the events of N recordings.

    Args:
        t: `[E]`, as stored, or int64 where a counter was unwrapped.
        begin: `[N]` first time of each recording; 0 where it has no event.
        span: float64 `[N]` from the first to the last time.
        events: int64 `[N]` number of events of each.
        whole: whether all times are whole numbers.
        backwards: events that come earlier than the one before them.
        wraps: how often a counter began again.
        step: least difference that the type of fractional times can hold; 0 of whole numbers.
    """

    t: np.ndarray
    begin: np.ndarray
    span: np.ndarray
    events: np.ndarray
    whole: bool
    backwards: int
    wraps: int
    step: float

    @classmethod
    def of(cls, events: Events) -> Timing:
        """Look at the times of a file.

        Raises:
            DataError: no numbers, not finite, or beyond 2^53 (2^62 for whole numbers).
        """
        t = _numbers(events)
        whole = t.dtype.kind in "iu" or all(bool((np.floor(t[part]) == t[part]).all()) for part in blocks(len(t)))
        sample, count = events.sample, events.count
        backwards = wraps = 0
        if sample is None or not bool((sample[1:] < sample[:-1]).any()):
            t, backwards, wraps = _forwards(t, sample)
        number = np.zeros(count, dtype=np.int64)
        fractional = t.dtype.kind == "f"
        wide = np.dtype(np.float64 if fractional else np.int64)
        beyond = np.inf if fractional else np.iinfo(np.int64).max
        begin, end = np.full(count, beyond, dtype=wide), np.full(count, -beyond, dtype=wide)
        for part in blocks(len(t)):
            values = t[part].astype(wide)
            if sample is None:
                begin[0], end[0] = min(begin[0], values.min()), max(end[0], values.max())
                number[0] += len(values)
            else:
                rows = sample[part].astype(np.int64)
                np.minimum.at(begin, rows, values)
                np.maximum.at(end, rows, values)
                np.add.at(number, rows, 1)
        empty = number == 0
        begin[empty] = end[empty] = 0
        span = (end - begin).astype(np.float64)
        largest = max(abs(float(begin.min())), abs(float(end.max())))
        step = float(np.spacing(np.asarray(largest, dtype=t.dtype))) if fractional else 0.0
        return cls(t, begin, span, number, whole, backwards, wraps, step)


def blocks(count: int) -> Iterator[slice]:
    """Slices of at most `BLOCK` events."""
    for first in range(0, count, BLOCK):
        yield slice(first, first + BLOCK)


def _numbers(events: Events) -> np.ndarray:
    """The times, finite numbers of their own type."""
    t, place = events.t, events.place
    if t.dtype.kind not in "iuf":
        raise DataError(f"{place}: expected finite times as t, numbers, received other values ({t.dtype}).")
    if len(t) == 0:
        return t
    if t.dtype.kind == "f" and t.dtype.itemsize > 8:
        with np.errstate(over="ignore"):
            t = t.astype(np.float64)
    if t.dtype.kind in "iu" and t.dtype.itemsize == 8 and t.max() >= 2**62:
        raise DataError(f"{place}: expected finite times as t, below 2^62, received {t.max()}.")
    if t.dtype.kind == "i" and t.min() < -(2**62):
        raise DataError(f"{place}: expected finite times as t, received {t.min()}, which stands for a missing time.")
    if t.dtype.kind == "f":
        for part in blocks(len(t)):
            bad = _beyond(t[part])
            if bad.any():
                first = part.start + int(bad.argmax())
                total = sum(int(_beyond(t[one]).sum()) for one in blocks(len(t)))
                raise DataError(
                    f"{place}: expected finite times as t, received {t[first]} at event {first} ({total} such events). "
                    "Remove them."
                )
    return t


def _beyond(t: np.ndarray) -> np.ndarray:
    """Which times are not finite, or too large to be exact."""
    return ~(np.abs(t.astype(np.float64)) < LARGEST_WHOLE)


def _forwards(t: np.ndarray, sample: np.ndarray | None) -> tuple[np.ndarray, int, int]:
    """Times with unwrapped counters, where events of a recording follow each other; steps backwards, and wraps."""
    backwards = 0
    ends: list[tuple[int, int]] = []
    for part in blocks(len(t) - 1):
        now, before = t[1:][part], t[:-1][part]
        falls = now < before
        if sample is not None:
            falls &= sample[1:][part] == sample[:-1][part]
        places = np.flatnonzero(falls)
        backwards += len(places)
        if t.dtype.kind == "f" or not len(places) or int(before.max()) - int(now.min()) < min(COUNTERS) // 2:
            continue
        for place in places:
            fall = int(before[place]) - int(now[place])
            turn = next((turn for turn in COUNTERS if 0.9 * turn < fall < 1.001 * turn), 0)
            if turn:
                ends.append((part.start + int(place) + 1, turn))
    if not ends or len(ends) > 10 * MANY:
        return t, backwards, 0
    moved = t.astype(np.int64)
    for first, turn in ends:
        last = len(t) if sample is None else int(np.searchsorted(sample, sample[first], side="right"))
        moved[first:last] += turn
    return moved, backwards - len(ends), len(ends)


def recognise(span: float, *, whole: bool, begin: float) -> str | None:
    """The unit of times in which a typical recording lasts `span`; None where it is not certain."""
    if whole and begin >= CALENDAR_NANOSECONDS:
        return "ns"
    for unit, (least, most) in (("us", MICROSECONDS if whole else FRACTIONAL_MICROSECONDS), ("s", SECONDS)):
        if least <= span <= most and not (whole and unit == "s"):
            return unit
    return None
