"""The times of the rows of a table, from the columns that hold them (`readers.time_columns`)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from ...errors import DataError
from . import dates
from .characters import shortened
from .dates import MICROSECONDS
from .frequency import Frequency
from .time_columns import FROM_ONE, PARTS, STORED, UNIX, TimeColumns, texts

if TYPE_CHECKING:
    from .table import Table

_EXCEL_ZERO = -25_569  # days from 1970 to the day 0 of Excel
_DIGITS = {"Y": 4, "y": 2, "m": 2, "d": 2, "j": 3, "H": 2, "M": 2, "S": 2}
"""Digits of directives; a column of numbers has lost the zeros in front."""
_RANGES = {
    "year": (1, 9999),
    "quarter of year": (1, 4),
    "month": (1, 12),
    "week of year": (1, 53),
    "day": (1, 31),
    "day of year": (1, 366),
    "hour": (0, 23),
    FROM_ONE: (1, 24),
    "minute": (0, 59),
    "second": (0, 60),
}


def read_times(table: Table, columns: TimeColumns) -> tuple[np.ndarray, bool]:
    """The times of all rows, and whether texts have offsets from UTC.

    Args:
        table: with those columns.
        columns: which they are, with their forms.

    Returns:
        int64 microseconds since 1970 `[L]`; float64 where times are numbers.

    Raises:
        DataError: a cell has no time, or one of another form.
    """
    pairs = list(zip(columns.columns, columns.forms, strict=True))
    inside = [pair for pair in pairs if pair[1] in PARTS] if pairs[0][1] != "year" or len(pairs) > 1 else []
    found = [_one(table, name, form) for name, form in pairs if (name, form) not in inside]
    times = [one for one, _ in found]
    if inside:
        names, forms = zip(*inside, strict=True)
        times.append(_from_parts(table, TimeColumns(names, forms)))
    return sum(times[1:], times[0]), any(utc for _, utc in found)


def _one(table: Table, name: str, form: str) -> tuple[np.ndarray, bool]:
    gaps = np.flatnonzero(table.gaps(name))
    if len(gaps):
        raise DataError(f"{table.place(int(gaps[0]))}: expected a time in column {shortened(name)!r}, found none.")
    stored = table.dates(name)
    if stored is not None:
        return stored.astype("datetime64[us]").astype(np.int64), False
    if form == STORED:
        raise DataError(
            f"{table.place(0)}: expected times in column {shortened(name)!r}, as in training, found others."
        )
    if form in dates.FORMS or "%" in form:
        return _from_texts(table, name, form)
    return _from_numbers(table, name, form), False


def _from_texts(table: Table, name: str, form: str) -> tuple[np.ndarray, bool]:
    numbers = table.numbers(name)
    if numbers is not None and bool((np.floor(numbers) == numbers).all()):  # 20200131
        given, codes = np.unique(numbers, return_inverse=True)
        different = [str(int(one)).zfill(_digits(form)) for one in given]
    else:
        codes, different = texts(table, name)
    found = dates.moments(different, form)
    wrong = next((i for i, value in enumerate(found.values) if value is None), None)
    if wrong is not None:
        row = int((codes == wrong).argmax())
        raise DataError(
            f"{table.place(row)}, column {shortened(name)!r}: expected a time of the form {form!r}, as in the other "
            f"rows, received {shortened(different[wrong])!r}. Correct it, or give the form: time_format=..., for "
            "example time_format='%d.%m.%Y %H:%M'."
        )
    if found.zoned is None:
        raise DataError(
            f"{table.place(0)}, column {shortened(name)!r}: some times have an offset from UTC and others have not; "
            "expected one form."
        )
    return np.array(found.values, dtype=np.int64)[codes], found.zoned


def _digits(form: str) -> int:
    """Digits of a time by directives without anything between them, such as "%d%m%Y"; 0: of any other form."""
    directives = re.findall("%(.)", form)
    known = all(one in _DIGITS for one in directives) and re.fullmatch("(?:%.)+", form) is not None
    return sum(_DIGITS[one] for one in directives) if known else 0


def _from_numbers(table: Table, name: str, form: str) -> np.ndarray:
    values = table.numbers(name)
    if values is None:
        raise DataError(
            f"{table.place(0)}, column {shortened(name)!r}: expected numbers that are times ({form}), received "
            f"{shortened(str(table.texts(name)[0]))!r}."
        )
    if form == "number":
        return values
    low, high = (1.0, 9999.0) if form == "year" else (1.0, 2_958_465.0) if form == "excel" else (-2e17, 2e17)
    scaled = values * UNIX.get(form, 1.0)
    bad = ~((scaled >= low) & (scaled <= high)) | ((form == "year") & (np.floor(values) != values))
    if bad.any():
        row = int(bad.argmax())
        raise DataError(
            f"{table.place(row)}, column {shortened(name)!r}: expected a time of the form {form!r}, received "
            f"{values[row]:g}. Give the form of the times: time_format=..."
        )
    if form == "year":
        return (values.astype(np.int64) - 1970).astype("datetime64[Y]").astype("datetime64[us]").astype(np.int64)
    if form == "excel":
        return np.round((values + _EXCEL_ZERO) * 86_400_000).astype(np.int64) * 1000
    return np.round(scaled).astype(np.int64)


def _from_parts(table: Table, columns: TimeColumns) -> np.ndarray:
    found = {form: _part(table, name, form) for name, form in zip(columns.columns, columns.forms, strict=True)}
    times = np.zeros(len(table), dtype=np.int64)
    if "year" in found:
        times = _days(table, found).astype("datetime64[us]").astype(np.int64)
    for form, length in (("hour", 3600), (FROM_ONE, 3600), ("minute", 60), ("second", 1)):
        if form in found:
            times = times + (found[form] - (form == FROM_ONE)) * length * MICROSECONDS
    return times


def _days(table: Table, found: dict[str, np.ndarray]) -> np.ndarray:
    """The days of a year and its parts, datetime64[D]."""
    months = (found["year"] - 1970) * 12
    if "week of year" in found:  # the first week of a year holds the fourth of January
        fourth = months.astype("datetime64[M]").astype("datetime64[D]") + 3
        monday = fourth - (fourth.astype(np.int64) + 3) % 7
        return monday + 7 * (found["week of year"] - 1)
    if "month" in found:
        months = months + found["month"] - 1
    elif "quarter of year" in found:
        months = months + 3 * found["quarter of year"] - 3
    firsts = months.astype("datetime64[M]")
    ahead = found["day"] - 1 if "day" in found else found["day of year"] - 1 if "day of year" in found else 0
    days = firsts.astype("datetime64[D]") + ahead
    wrong = days.astype("datetime64[M]") != firsts
    if "day" in found and wrong.any():
        row = int(wrong.argmax())
        raise DataError(f"{table.place(row)}: expected a day of the month, received {found['day'][row]}.")
    return days


def _part(table: Table, name: str, form: str) -> np.ndarray:
    """The numbers of a part of the time, int64."""
    low, high = _RANGES[form]
    values = table.numbers(name)
    if values is None and form == "month":
        months = [dates.month_of(str(one)) for one in table.texts(name)]
        values = np.array([np.nan if one is None else one for one in months])
    if values is None:
        raise DataError(
            f"{table.place(0)}, column {shortened(name)!r}: expected numbers ({form} of a time), received texts."
        )
    bad = ~((values >= low) & (values <= high) & (values == np.floor(values)))
    if bad.any():
        row = int(bad.argmax())
        raise DataError(
            f"{table.place(row)}, column {shortened(name)!r}: expected the {form} of a time, {low} to {high}, received "
            f"{values[row]:g}."
        )
    return values.astype(np.int64)


def regular(times: np.ndarray) -> bool:
    """Whether times, in some order, lie in equal steps and none occurs twice."""
    ordered = np.unique(times)
    frequency = Frequency.of(ordered)
    return len(ordered) == len(times) and frequency is not None and bool((frequency.steps(ordered) == 1).all())
