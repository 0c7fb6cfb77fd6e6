"""Which columns of a table are its time, and in which form: found once, in training, and kept in the schema.

Texts that are dates are a time whatever their column is called (`readers.dates`). Numbers are one where the name of the
column says so, or where they count seconds, milli-, micro- or nanoseconds since 1970 in equal steps:

    unix-s ... unix-ns   since 1970         compact   20200131, 202001         year      2020
    excel                days since 1900    number    0, 0.1, 0.2, ...
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from ...json_values import Check, expect, is_switch, is_text, list_of, optional, record
from . import dates
from .dates import DAY, MICROSECONDS

if TYPE_CHECKING:
    from .table import Table

UNIX = {"unix-s": 1e6, "unix-ms": 1e3, "unix-us": 1.0, "unix-ns": 1e-3}
"""Forms of times since 1970, with the microseconds of their unit."""
FROM_ONE = "hour from 1"
"""Form of hours that are counted from 1 to 24; the first one begins at midnight."""
PARTS = ("year", "quarter of year", "month", "week of year", "day", "day of year", "hour", FROM_ONE, "minute", "second")
"""Forms of columns that hold a part of the time each."""
STORED = "stored"
"""Form of columns that hold times by their type."""
FORMS = (*dates.FORMS, *UNIX, "year", "excel", "number")
"""Forms that a user may name, beside directives such as "%d.%m.%Y"."""
_CHECK: Check = record(
    {"columns": list_of(is_text), "forms": list_of(is_text), "zone": optional(is_text), "utc": is_switch}, others=False
)
COMPACT = (180_001, 18_000_101, 1_800_010_100, 180_001_010_000, 18_000_101_000_000)
"""The least numbers that are months, days, hours, minutes and seconds without separators: 1800 and later."""
MOST = 0.8
"""Share of the rows of a clock that are as they should be."""
_EARLIEST, _LATEST = 1e8, 4.2e9  # 1973 to 2103, in seconds
_NEAR = 6e8, 2.2e9  # 1989 to 2039, where no name says that the column is a time


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_STRONG = _words(
    "time date datetime timestamp ts epoch unix unixtime utc utctime ds when datum zeit zeitstempel zeitpunkt fecha "
    "datenum jd mjd bjd juliandate datetimeutc timeutc dateutc unixtimestamp unixseconds datetimestamp"
)
_WEAK = _words(
    "t step day days week weeks month months hour hours minute minutes second seconds sec ms dt period date time "
    "timestamp datetime elapsed frame tick"
)
_TIMELY = _words("time date datetime timestamp")
_YEARS = _words("year years yr yyyy jahr année annee ano año anno")
_PART_NAMES = {
    "month": "month months mo mon mm mnth monat mois mes mese", "day": "day days dy dd dom tag jour dia día giorno",
    "quarter of year": "quarter qtr q quartal trimestre", "week of year": "week weeknumber weekno isoweek wk kw woche",
    "day of year": "doy dayofyear yday jday julianday", "hour": "hour hours hr hh h stunde heure hora ora",
    "minute": "minute minutes min mi mn minuto", "second": "second seconds sec ss s segundo",
}  # fmt: skip


@dataclass(frozen=True)
class TimeColumns:
    """The columns that give the time of a row.

    Args:
        columns: their names; several ones are added up (a date and a time of day, or year, month, day, ...).
        forms: of each, see the module and `readers.dates`; directives of `strptime` contain a "%".
        zone: name of the time zone whose local time they hold; times are then brought to UTC. None: as they are.
        utc: whether the texts have offsets from UTC, so that times are in UTC.
    """

    columns: tuple[str, ...]
    forms: tuple[str, ...]
    zone: str | None = None
    utc: bool = False

    @property
    def numeric(self) -> bool:
        """Whether times are plain numbers, not dates."""
        return self.forms == ("number",)

    def shown(self, time: float) -> str:
        """A time as messages and forecasts give it: a date, a date with a time of day, a year or a number."""
        if self.numeric:
            return f"{time:.12g}"
        moment = np.datetime64(int(time), "us")
        if self.forms == ("year",):
            return str(moment.astype("datetime64[Y]"))
        if self.forms == ("clock",):
            return str(moment.astype("datetime64[s]")).partition("T")[2]
        if int(time) % DAY == 0 and not self.utc and self.zone is None:
            return str(moment.astype("datetime64[D]"))
        unit = "s" if int(time) % MICROSECONDS == 0 else "us"
        return str(moment.astype(f"datetime64[{unit}]")) + ("+00:00" if self.utc or self.zone else "")

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {"columns": list(self.columns), "forms": list(self.forms), "zone": self.zone, "utc": self.utc}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any], place: str) -> Self:
        """The columns of plain values from a file, which are not trusted; a DamagedError says what is wrong."""
        _CHECK(values, place)
        columns, forms = tuple(values["columns"]), tuple(values["forms"])
        expect(0 < len(columns) == len(forms), f"{place}: forms", f"one for each of {len(columns)} columns", forms)
        for form in forms:
            expect(form in (*FORMS, *PARTS, STORED) or "%" in form, f"{place}: form", "a form of times", form)
        return cls(columns, forms, values["zone"], values["utc"])


# ------------------------------------------------------------------ what a column may be


def compared(name: str) -> str:
    """A name for comparison: lower case, without units in brackets, spaces and marks."""
    return re.sub(r"[\W_]+", "", re.sub(r"[(\[].*?[)\]]", "", name.lower()))


def named_as_time(name: str) -> bool:
    """Whether the name says that the column is the time."""
    return compared(name) in _STRONG


def timely(name: str) -> bool:
    """Whether a word of the name says that the column has to do with time, such as "decimal_date"."""
    return bool(set(re.split(r"[\W_]+", name.lower())) & _TIMELY)


def named_by_times(names: Sequence[str]) -> bool:
    """Whether most columns are named by dates or rising years: times stand in the columns, not in the rows."""
    dated = [name for name in names if not re.fullmatch(r"\d{6,7}|\d{9,}", name) and dates.fitting([name])]
    years = [int(name) for name in names if re.fullmatch(r"(1[5-9]|20|21)\d{2}", name)]
    rising = len(years) > 2 and all(b - a == years[1] - years[0] > 0 for a, b in pairwise(years))
    return len(dated) > max(2, len(names) / 2) or (rising and len(years) > len(names) / 2)


def part_of(name: str) -> str | None:
    """The part of a time that the name says, one of `PARTS`."""
    plain = re.sub(r"[\W_]+", "", name.lower())
    if plain in _YEARS:
        return "year"
    return next((part for part, names in _PART_NAMES.items() if plain in names.split()), None)


def holds_texts(table: Table, name: str) -> bool:
    """Whether a column holds texts (and gaps), not numbers or times."""
    return table.numbers(name) is None and table.dates(name) is None


def texts(table: Table, name: str) -> tuple[np.ndarray, list[str]]:
    """The number of the text of each row, -1 for a gap, and the different texts."""
    import pandas as pd

    codes, different = pd.factorize(table.texts(name), use_na_sentinel=True)
    return codes, [str(one) for one in different]


def text_forms(table: Table, name: str) -> list[str]:
    """The forms that all texts of a column have; none where they are no times."""
    _, different = texts(table, name)
    return dates.fitting(different) if different else []


def number_form(name: str, values: np.ndarray) -> str | None:
    """The form in which the numbers of a column, float64 `[N]`, are a time; None: they are a quantity."""
    values = values[np.isfinite(values)]
    if not len(values):
        return None
    low, high, whole = values.min(), values.max(), bool((np.floor(values) == values).all())
    plain, words = compared(name), set(re.split(r"[\W_]+", name.lower()))
    strong = plain in _STRONG
    named = strong or bool(words & (_WEAK | _STRONG)) or plain in _WEAK or plain in _YEARS
    if named and whole and any(one <= low <= high < 2 * one for one in COMPACT) and _fits(values, "compact"):
        return "compact"
    clock = strong or _is_clock(values) or (timely(name) and _rises(values))
    for form, microseconds in UNIX.items():
        seconds = 1e6 / microseconds
        earliest, latest = (_EARLIEST, _LATEST) if named else _NEAR
        if clock and earliest * seconds <= low and high < latest * seconds:
            return form
    if not named:
        return None
    if whole and 1500 <= low <= high <= 2300 and (strong or plain in _YEARS):
        return "year"
    by_day = any(word in plain for word in ("date", "datum", "fecha", "day"))
    if by_day and 10_000 <= low <= high <= 80_000 and clock:
        return "excel"
    return "number" if clock else None


def _is_clock(values: np.ndarray) -> bool:
    """Whether numbers, in some order, increase in steps of which most are equal; few occur twice."""
    ordered = np.unique(values)
    differences = np.diff(ordered)
    if len(values) < 3 or len(ordered) < MOST * len(values):
        return False
    step = float(np.median(differences))
    return bool((np.abs(differences - step) <= 1e-3 * step).mean() > MOST)


def _rises(values: np.ndarray) -> bool:
    """Whether numbers rise, or fall, from row to row; few occur twice."""
    differences = np.diff(values)
    one_way = (differences >= 0).all() or (differences <= 0).all()
    return len(values) > 2 and bool(one_way) and bool((differences != 0).mean() > MOST)


def _fits(values: np.ndarray, form: str) -> bool:
    return dates.fitting([str(int(one)) for one in np.unique(values)]) == [form]


def with_parts(names: Sequence[str]) -> dict[str, str]:
    """The columns that hold parts of a time, by part; {} unless a year and a smaller part are there."""
    found: dict[str, str] = {}
    for name in names:
        part = part_of(name)
        if part is not None:
            found.setdefault(part, name)
    whole = next((part for part in ("month", "quarter of year", "week of year", "day of year") if part in found), None)
    if "year" not in found or whole is None:
        return {}
    before = ["year", "month", "day"] if whole == "month" else ["year", whole]
    kept = {}
    for part in [*before, "hour", "minute", "second"]:  # up to the first that is missing
        if part not in found or (part == "hour" and whole in ("quarter of year", "week of year")):
            break
        kept[part] = found[part]
    return kept
