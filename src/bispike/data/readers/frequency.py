"""The step from row to row of a series: how far apart its times are, where some are missing, what comes after the last.

microseconds   a fixed time: hours, days, weeks
months         1, 3 or 12 calendar months: months, quarters, years
weekdays       days of some weekdays only: Monday to Friday, without a hole at the weekend
month days     days of some days of a month only, such as 1 to 28, without a hole at its end
number         a fixed number, where times are numbers
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from ...json_values import Check, expect, is_text, list_of, number, record, whole
from .dates import DAY, MICROSECONDS

SLACK = 0.2
"""Share of a step by which two neighbours may be nearer or farther: clocks are not exact."""
MONTH = 26 * DAY  # the shortest time that may be a month
_UNITS = ("microseconds", "months", "weekdays", "month days", "number")
_CHECK: Check = record({"unit": is_text, "step": number(0), "days": list_of(whole(0, 31))}, others=False)
_NAMES = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_LENGTHS = (("week", 7 * DAY), ("day", DAY), ("hour", 3600 * MICROSECONDS), ("minute", 60 * MICROSECONDS),
            ("second", MICROSECONDS), ("millisecond", 1000), ("microsecond", 1))  # fmt: skip


@dataclass(frozen=True)
class Frequency:
    """The step between neighbouring rows.

    Args:
        unit: "microseconds", "months", "weekdays", "month days" or "number".
        step: in that unit, above 0.
        days: the days of the week, 0 for Monday, or of the month that occur, where that is the unit.
    """

    unit: str
    step: float
    days: tuple[int, ...] = ()

    @classmethod
    def of(cls, times: np.ndarray) -> Self | None:
        """The step that most neighbours have; None for fewer than two times.

        Args:
            times: ascending and different: int64 microseconds since 1970, or float64 numbers, `[L]`.
        """
        if len(times) < 2:
            return None
        differences = np.diff(times)
        if times.dtype.kind == "f":
            return cls("number", _mean_step(differences, float(np.median(differences))))
        middle = _most_frequent(differences)
        if middle >= MONTH:
            step = _most_frequent(np.diff(_months(times)))
            if step >= 1 and _fits_months(times, step):
                return cls("months", step)
        if middle == DAY and (differences != DAY).any():
            for unit in ("weekdays", "month days"):
                if days := _days_that_occur(times // DAY, unit):
                    return cls(unit, 1, days)
        return cls("microseconds", _plain_step(differences, middle))

    def steps(self, times: np.ndarray) -> np.ndarray:
        """How many steps lie between neighbours, float64 `[L - 1]`: 1 for rows without a hole between them."""
        if self.unit == "months":
            return np.diff(_months(times)) / self.step
        if self.days:
            days = times // DAY
            inside = np.isin(_day_numbers(days, self.unit), self.days)
            counted = np.diff(_counted(days, self)).astype(np.float64)
            off_grid = np.diff(times) / DAY - 0.5  # a day that does not occur otherwise
            return np.where(inside[1:] & inside[:-1], counted + np.diff(times % DAY) / DAY, off_grid)
        return np.diff(times) / self.step

    def after(self, time: float, count: int) -> float:
        """The time `count` steps after another one.

        Raises:
            OverflowError, ValueError: it is too late for a date.
        """
        if self.unit == "months":
            return _plus_months(int(time), round(self.step * count))
        if self.days:
            day, clock = divmod(int(time), DAY)
            number = int(_counted(np.array([day]), self)[0]) + count
            return int(_days_of(np.array([number]), self)[0]) * DAY + clock
        return time + (self.step if self.unit == "number" else round(self.step)) * count

    def between(self, time: float, count: int) -> np.ndarray:
        """The next `count` times after another one, of the type of times."""
        if self.unit == "months":
            return np.array([self.after(time, i + 1) for i in range(count)])
        places = np.arange(1, count + 1)
        if self.days:
            day, clock = divmod(int(time), DAY)
            return _days_of(_counted(np.array([day]), self) + places, self) * DAY + clock
        return time + places * (self.step if self.unit == "number" else round(self.step))

    @property
    def text(self) -> str:
        """The step in words, such as "15 minutes"."""
        if self.unit == "number":
            return f"{self.step:g}"
        if self.unit == "weekdays":
            return f"1 day ({', '.join(_NAMES[day % 7] for day in self.days)})"
        if self.unit == "month days":
            return f"1 day (the days {self.days[0]} to {self.days[-1]} of a month)"
        if self.unit == "months":
            count, name = (self.step // 12, "year") if self.step % 12 == 0 else (self.step, "month")
            return f"{count:g} {name}{'s' if count != 1 else ''}"
        return duration(self.step)

    def agrees(self, other: Frequency) -> bool:
        """Whether another step is the same up to the inaccuracy of clocks."""
        daily = {"weekdays", "month days"}
        if {self.unit, other.unit} & daily:  # a part of such days may look like all days
            return all(one.unit in daily or (one.unit == "microseconds" and one.step == DAY) for one in (self, other))
        return self.unit == other.unit and abs(other.step / self.step - 1) <= SLACK

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {"unit": self.unit, "step": self.step, "days": list(self.days)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any], place: str) -> Self:
        """The step of plain values from a file, which are not trusted; a DamagedError says what is wrong."""
        _CHECK(values, place)
        expect(values["unit"] in _UNITS, f"{place}: unit", f"one of {', '.join(_UNITS)}", values["unit"])
        expect(values["step"] > 0, f"{place}: step", "a number above 0", values["step"])
        by_days = values["unit"] in ("weekdays", "month days")
        expect(by_days == bool(values["days"]), f"{place}: days", "days where they are the unit", values["days"])
        expect(values["unit"] != "weekdays" or max(values["days"]) < 7, f"{place}: days", "weekdays", values["days"])
        expect(values["unit"] != "month days" or min(values["days"]) > 0, f"{place}: days", "days", values["days"])
        return cls(values["unit"], values["step"], tuple(values["days"]))


def duration(microseconds: float) -> str:
    """A span of time in words."""
    name, length = next((one for one in _LENGTHS if microseconds % one[1] == 0), ("microsecond", 1))
    count = microseconds / length
    return f"{count:g} {name}{'s' if count != 1 else ''}"


def _most_frequent(differences: np.ndarray) -> int:
    """The value that at least half of them have, else their median."""
    values, counts = np.unique(differences, return_counts=True)
    place = counts.argmax()
    return int(values[place]) if 2 * counts[place] >= len(differences) else int(np.median(differences))


def _mean_step(differences: np.ndarray, middle: float) -> float:
    """The mean step of clocks that are not exact; the one in the middle where steps differ by more."""
    counts = np.round(differences / middle)
    if counts.min() < 1 or (np.abs(differences / middle - counts) > SLACK).any():
        return middle
    return float(differences.sum() / counts.sum())


def _plain_step(differences: np.ndarray, middle: int) -> int:
    """The mean step, as whole minutes, seconds, ... if it is near them and the steps are not exact."""
    if (differences % middle == 0).all():
        return middle
    mean = _mean_step(differences, middle)
    for unit in (DAY, 3600 * MICROSECONDS, 60 * MICROSECONDS, MICROSECONDS, 1000):
        plain = round(mean / unit) * unit
        if plain and abs(plain / mean - 1) < 0.01:
            return plain
    return round(mean)


def _months(times: np.ndarray) -> np.ndarray:
    """Months since 1970, int64."""
    return times.astype("datetime64[us]").astype("datetime64[M]").astype(np.int64)


def _fits_months(times: np.ndarray, step: int) -> bool:
    """Whether most neighbours are whole steps of months apart on about the same day of the month."""
    days = (times.astype("datetime64[us]") - times.astype("datetime64[us]").astype("datetime64[M]")) // np.timedelta64(
        1, "D"
    )
    near = (days.max() <= 6) or (days.min() >= 24) or (days.max() - days.min() <= 3)
    return bool(near) and bool((np.diff(_months(times)) == step).mean() >= 0.5)


def _plus_months(time: int, count: int) -> int:
    """The same day of a later month; the last day of a month stays the last day."""
    moment = np.datetime64(time, "us")
    month = moment.astype("datetime64[M]")
    inside = int((moment - month.astype("datetime64[us]")).astype(np.int64))
    target = month + count
    length = int(((target + 1).astype("datetime64[us]") - target.astype("datetime64[us]")).astype(np.int64))
    own = int(((month + 1).astype("datetime64[us]") - month.astype("datetime64[us]")).astype(np.int64))
    if own - inside <= DAY or inside >= length:  # the last day, or a day that the later month has not
        inside = length - DAY + inside % DAY
    return int(target.astype("datetime64[us]").astype(np.int64)) + inside


def _days_that_occur(days: np.ndarray, unit: str) -> tuple[int, ...]:
    """Five or six weekdays, or the days 1 to 28, 29 or 30 of at least three months, if there are no others."""
    found = tuple(sorted({*_day_numbers(days, unit).tolist()}))
    if unit == "weekdays":
        return found if 5 <= len(found) <= 6 else ()
    ends = len({*_months(days * DAY).tolist()})
    return found if 28 <= len(found) <= 30 and found == tuple(range(1, len(found) + 1)) and ends >= 3 else ()


def _day_numbers(days: np.ndarray, unit: str) -> np.ndarray:
    """Weekday (0 for Monday) or day of the month of days since 1970."""
    if unit == "weekdays":
        return (days + 3) % 7
    dates = days.astype("datetime64[D]")
    return (dates - dates.astype("datetime64[M]")).astype(np.int64) + 1


def _counted(days: np.ndarray, frequency: Frequency) -> np.ndarray:
    """Number of each day when only those of the frequency are counted, int64."""
    length = 7 if frequency.unit == "weekdays" else 32
    before = np.concatenate([[0], np.cumsum(np.isin(np.arange(length), frequency.days))])[:-1]
    blocks = (days + 3) // 7 if frequency.unit == "weekdays" else _months(days * DAY)
    return blocks * len(frequency.days) + before[_day_numbers(days, frequency.unit)]


def _days_of(numbers: np.ndarray, frequency: Frequency) -> np.ndarray:
    """The days since 1970 with numbers that `_counted` gave."""
    blocks, places = np.divmod(numbers, len(frequency.days))
    inside = np.array(frequency.days)[places]
    if frequency.unit == "weekdays":
        return blocks * 7 + inside - 3
    return blocks.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64) + inside - 1
