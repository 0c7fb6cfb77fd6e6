"""Dates and times of day in texts: one form per column, decided over all of its cells, never cell by cell.

    ymd        2020-01-31T13:45:00+01:00, 2020/1/31        week       2020-W05, 2020-W05-3
    dmy, mdy   31.01.2020, 31/01/20 1:45 PM, 01/31/2020    ym, my     2020-01, 01/2020
    named      31 Jan 2020, January 31, 2020, Jan-20       clock      13:45, 18.00.00, 1:45 PM: a time of day alone
    compact    20200131, 202001, 202001311345              quarter    2020Q1, Q1 2020

Of an interval ("... - ...") the time is its beginning. Times are int64 microseconds since 1970; those with an offset
from UTC are in UTC.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache

import numpy as np

EPOCH = datetime(1970, 1, 1)
MICROSECONDS = 1_000_000
DAY = 86_400 * MICROSECONDS
LONGEST = 60  # characters of a cell that may be a time
_CLOCK = (
    r"(?P<h>\d{1,2})(?:[:.h](?P<mi>\d{2})(?:[:.](?P<s>\d{2})(?:[.,](?P<f>\d{1,9}))?)?)?"
    r"\s*(?P<half>[AaPp])?(?(half)\.?[Mm]\.?)"
)
_ZONE = r"(?:Z|z|UTC|GMT)|(?P<sign>[+-])(?P<zh>\d{2}):?(?P<zm>\d{2})?"
_CELL = re.compile(
    r"(?:(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*[,.]?\s+)?"
    r"(?P<date>.+?)(?:(?:T|,?\s+|:)(?P<clock>" + _CLOCK + r")\s*(?P<zone>" + _ZONE + r")?)?",
    re.IGNORECASE | re.ASCII,
)
_CLOCK_ONLY = re.compile(_CLOCK, re.ASCII)
_SEPARATED = r"(?P<{0}>{3})(?P<sep>[-/.\s])(?P<{1}>{4})(?P=sep)\s?(?P<{2}>{5})\.?"
_INTERVAL = re.compile(r"^(.*\d) - .*\d$|^(?=\d{4}-)([^/]+)/\d{4}-.*$")
_USUAL = re.compile(r"\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,6})?)?)?", re.ASCII)
_TWO, _YEAR = r"\d{1,2}", r"\d{4}|\d{2}"
_WORD = r"(?P<word>[^\W\d_]{3,10})\.?"
_PATTERNS = {
    "ymd": [_SEPARATED.format("y", "m", "d", _YEAR, _TWO, _TWO)],
    "dmy": [_SEPARATED.format("d", "m", "y", _TWO, _TWO, _YEAR)],
    "mdy": [_SEPARATED.format("m", "d", "y", _TWO, _TWO, _YEAR)],
    "ym": [r"(?P<y>\d{4})[-/.](?P<m>\d{1,2})"],
    "my": [r"(?P<m>\d{1,2})[-/.](?P<y>\d{4})"],
    "week": [r"(?P<y>\d{4})-?W(?P<w>\d{1,2})(?:-?(?P<wd>[1-7]))?"],
    "quarter": [r"(?P<y>\d{4})[-/\s]?Q(?P<q>[1-4])", r"Q(?P<q>[1-4])[-/\s]?(?P<y>\d{4})"],
    "named": [
        rf"(?P<d>\d{{1,2}})\.?[-/\s]*(?:de\s+)?{_WORD}[-/,\s]*(?:de\s+)?(?P<y>\d{{4}}|\d{{2}})",
        rf"{_WORD}\s*(?P<d>\d{{1,2}})(?:st|nd|rd|th)?,?\s+(?P<y>\d{{4}})",
        rf"(?P<y>\d{{4}})[-/\s]?{_WORD}[-/\s]?(?P<d>\d{{1,2}})?",
        rf"{_WORD}[-/,\s]*(?P<y>\d{{4}}|\d{{2}})",
    ],
    "compact": [r"(?P<y>\d{4})(?P<m>\d{2})(?:(?P<d>\d{2})(?:[T_\s]?(?P<ch>\d{2})(?P<cm>\d{2})?(?P<cs>\d{2})?Z?)?)?"],
}
_COMPILED = {form: [re.compile(one, re.IGNORECASE) for one in patterns] for form, patterns in _PATTERNS.items()}
FORMS = (*_PATTERNS, "clock")
"""Forms of texts."""
ORDERS = ("ymd", "dmy", "mdy")
"""Forms that one text may fit equally."""
_MONTHS = (
    "january januar enero janvier gennaio janeiro januari",
    "february februar febrero février fevrier febbraio fevereiro februari",
    "march märz maerz mrz marzo mars março maart mrt",
    "april abril avril aprile",
    "may mai mayo maggio maio mei",
    "june juni junio juin giugno junho",
    "july juli julio juillet luglio julho",
    "august agosto août aout augustus",
    "september septiembre septembre settembre setembro",
    "october oktober octubre octobre ottobre outubro",
    "november noviembre novembre novembro",
    "december dezember diciembre décembre decembre dicembre dezembro",
)


@dataclass(frozen=True)
class Moments:
    """Times of texts.

    Args:
        values: int microseconds since 1970 (in UTC where the text has an offset); None: the text has another form.
        zoned: whether the texts have offsets from UTC; None: some have and some have not.
        plain: whether there is no time of day.
    """

    values: list[int | None]
    zoned: bool | None
    plain: bool


def fitting(cells: Sequence[str]) -> list[str]:
    """The forms of `FORMS` that all cells have.

    Args:
        cells: different texts, without spaces around them, at least one.
    """
    if _usual(cells) is not None:
        return ["ymd"]
    found = []
    for form in FORMS:
        read = reader(form)
        if all(read(cell) is not None for cell in cells[:20]) and all(read(cell) is not None for cell in cells):
            found.append(form)
    return found


def moments(cells: Sequence[str], form: str) -> Moments:
    """The times of cells in one form.

    Args:
        cells: texts without spaces around them.
        form: one of `FORMS`, or directives of `datetime.strptime`, such as "%d.%m.%y %H:%M".
    """
    usual = _usual(cells) if form == "ymd" else None
    if usual is not None:
        return Moments(usual, zoned=False, plain=len(cells[0]) == len("2020-01-31"))
    read = reader(form)
    found = [read(cell) for cell in cells]
    zones = {one[1] for one in found if one is not None}
    return Moments(
        [None if one is None else one[0] for one in found],
        None if len(zones) > 1 else zones == {True},
        all(one is None or one[2] for one in found),
    )


def _usual(cells: Sequence[str]) -> list[int | None] | None:
    """Times of cells that are all written as 2020-01-31 13:45:00, up to any part; None: they are not."""
    if len({*map(len, cells)}) != 1 or _USUAL.fullmatch(cells[0]) is None:
        return None
    try:
        found: list[int | None] = np.array(list(cells), dtype="datetime64[us]").astype(np.int64).tolist()
    except ValueError:
        return None
    return found


def reader(form: str) -> Callable[[str], tuple[int, bool, bool] | None]:
    """A function of a text to its time, whether it has an offset, and whether it has no time of day; None: no such."""
    if "%" in form:
        return lambda cell: _by_directives(cell, form)
    if form == "clock":
        return _clock_alone
    return lambda cell: _dated(cell, form)


def _by_directives(cell: str, form: str) -> tuple[int, bool, bool] | None:
    try:
        found = datetime.strptime(cell, form)
        offset = found.utcoffset() or timedelta()
        zoned = found.tzinfo is not None
        return _microseconds(found.replace(tzinfo=None)) - _span(offset), zoned, False
    except (ValueError, OverflowError, re.error):
        return None


def _clock_alone(cell: str) -> tuple[int, bool, bool] | None:
    match = _CLOCK_ONLY.fullmatch(cell) if len(cell) <= LONGEST else None
    if match is None or (match["mi"] is None and match["half"] is None):
        return None
    clock = _clock(match)
    return None if clock is None else (clock, False, False)


def _dated(cell: str, form: str) -> tuple[int, bool, bool] | None:
    if len(cell) > LONGEST:
        return None
    date_text, space, clock_text = cell.partition(" ")
    day = _plain_day(date_text, form)
    if day is not None and not space:
        return day * DAY, False, True
    clock = None if day is None else _plain_clock(clock_text)
    if day is not None and clock is not None:
        return day * DAY + clock, False, False
    return _any_dated(cell, form)


@lru_cache(maxsize=1 << 14)
def _plain_day(text: str, form: str) -> int | None:
    """The day of a date without a time of day; None: it is none. Many rows have the same."""
    whole = next((found for one in _COMPILED[form] if (found := one.fullmatch(text))), None)
    parts = {} if whole is None else whole.groupdict()
    return None if not parts or parts.get("ch") else _day(parts, form)


@lru_cache(maxsize=1 << 14)
def _plain_clock(text: str) -> int | None:
    """Microseconds since midnight of a time of day without an offset; None: it is none. Many rows have the same."""
    match = _CLOCK_ONLY.fullmatch(text)
    return None if match is None or match["mi"] is None else _clock(match)


def _any_dated(cell: str, form: str) -> tuple[int, bool, bool] | None:
    if "年" in cell:
        cell = cell.replace("年", "-").replace("月", "-").replace("日", " ").strip()
    cell = _INTERVAL.sub(r"\1\2", cell)
    match = _CELL.fullmatch(cell)
    if match is None:
        return None
    whole = next((found for one in _COMPILED[form] if (found := one.fullmatch(match["date"].strip()))), None)
    if whole is None:
        return None
    if match["clock"] is not None and match["mi"] is None and match["half"] is None and form != "ymd":
        return None  # a number after such a date is no hour
    day = _day(whole.groupdict(), form)
    clock = _clock(match) if match["clock"] is not None else _compact_clock(whole.groupdict())
    if day is None or clock is None:
        return None
    offset = 0
    if match["sign"]:
        offset = (int(match["zh"]) * 60 + int(match["zm"] or 0)) * 60 * MICROSECONDS
        offset = -offset if match["sign"] == "-" else offset
    plain = match["clock"] is None and not whole.groupdict().get("ch")
    return day * DAY + clock - offset, match["zone"] is not None, plain


def _day(parts: dict[str, str | None], form: str) -> int | None:
    """Days since 1970 of the parts of a date; None: there is no such day."""
    try:
        year = _year(parts["y"] or "")
        if form == "week":
            return (date.fromisocalendar(year, int(parts["w"] or 0), int(parts["wd"] or 1)) - EPOCH.date()).days
        if form == "quarter":
            month: int | None = 3 * int(parts["q"] or 0) - 2
        elif form == "named":
            month = month_of(parts["word"] or "")
        else:
            month = int(parts["m"] or 0)
        if month is None or (form == "compact" and not 1800 <= year <= 2200):
            return None
        return (date(year, month, int(parts.get("d") or 1)) - EPOCH.date()).days
    except ValueError:
        return None


def _year(text: str) -> int:
    year = int(text)
    return year if len(text) > 2 else year + (2000 if year < 69 else 1900)


def month_of(word: str) -> int | None:
    """The number of a month by its name in one of several languages; None: it is none."""
    word = word.lower().rstrip(".")
    if len(word) < 3:
        return None
    return next((i for i, names in enumerate(_MONTHS, 1) if any(name.startswith(word) for name in names.split())), None)


def _clock(match: re.Match[str]) -> int | None:
    """Microseconds since midnight; 24:00 is the end of the day."""
    hour, minute, second = int(match["h"]), int(match["mi"] or 0), int(match["s"] or 0)
    if match["half"]:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if match["half"] in "Pp" else 0)
    if minute > 59 or second > 60 or hour * 3600 + minute * 60 + second > 24 * 3600:
        return None
    return (hour * 3600 + minute * 60 + second) * MICROSECONDS + int((match["f"] or "").ljust(6, "0")[:6])


def _compact_clock(parts: dict[str, str | None]) -> int | None:
    hour, minute, second = (int(parts.get(name) or 0) for name in ("ch", "cm", "cs"))
    return None if hour > 24 or minute > 59 or second > 59 else (hour * 3600 + minute * 60 + second) * MICROSECONDS


def _microseconds(moment: datetime) -> int:
    return _span(moment - EPOCH)


def _span(difference: timedelta) -> int:
    return (difference.days * 86_400 + difference.seconds) * MICROSECONDS + difference.microseconds
