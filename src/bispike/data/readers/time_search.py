"""The search for the time of a table: one column, a date beside a time of day, or year, month, day, ... apart."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ...errors import ConfigurationError, DataError, unknown_name
from . import dates
from .characters import shortened
from .time_columns import (
    FORMS,
    FROM_ONE,
    STORED,
    TimeColumns,
    holds_texts,
    named_as_time,
    named_by_times,
    number_form,
    part_of,
    text_forms,
    texts,
    timely,
    with_parts,
)
from .time_values import read_times, regular

if TYPE_CHECKING:
    from .table import Table

NONE = "none"
"""What a user gives in place of a name where no column is the time."""
LISTED = 400  # columns that a message names


@dataclass(frozen=True)
class Asked:
    """What a user says about the time.

    Args:
        columns: names of its columns; ("none",): there is none; (): to be found.
        form: one of `time_columns.FORMS`, or directives such as "%d.%m.%Y"; None: to be found.
        day_first: whether 01/02/2020 is the first of February; None: to be found.
        zone: time zone whose local time the table holds; None: no zone, or offsets from UTC.
    """

    columns: tuple[str, ...] = ()
    form: str | None = None
    day_first: bool | None = None
    zone: str | None = None


@dataclass(frozen=True)
class Found:
    """The time of a table.

    Args:
        time: its columns; None: there is none.
        times: of the rows, as `read_times` gives them; None: there are none.
        beside: other columns that hold times, which are no quantities.
        notes: how it was recognised.
    """

    time: TimeColumns | None = None
    times: np.ndarray | None = None
    beside: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def find(table: Table, asked: Asked) -> Found:
    """Find the time of a table.

    Args:
        table: columns by name.
        asked: what the user says.

    Raises:
        ConfigurationError: the user names a column or form that does not exist.
        DataError: several columns could be the time, or the form of its cells is not certain.
    """
    names = table.names
    if named_by_times(names):
        raise DataError(
            f"{table.source}: expected one row per time, received columns that are named by times, such as "
            f"{_quoted(names[-1])}. Exchange rows and columns (frame.set_index(...).T)."
        )
    if asked.form is not None and asked.form not in FORMS and "%" not in asked.form:
        raise ConfigurationError(
            f"{unknown_name('time_format', asked.form, FORMS)} Or give directives, such as '%d.%m.%Y %H:%M'."
        )
    if asked.columns == (NONE,) and NONE not in names:
        return Found(beside=tuple(_Search(table, asked).dated()))
    unknown = [unknown_name("time: column", name, names[:LISTED]) for name in asked.columns if name not in names]
    if unknown:
        raise ConfigurationError(unknown)
    search = _Search(table, asked)
    pairs = search.named() if asked.columns else search.anywhere()
    if not pairs:
        return Found()
    columns = TimeColumns(tuple(name for name, _ in pairs), tuple(form for _, form in pairs), asked.zone)
    times, utc = read_times(table, columns)
    if utc and asked.zone is not None:
        raise ConfigurationError(
            f"time_zone: the times in {', '.join(columns.columns)} have offsets from UTC; leave time_zone out."
        )
    beside = search.others(columns.columns)
    if beside:
        what = "column {} holds times too and is" if len(beside) == 1 else "the columns {} hold times too and are"
        search.notes.append(f"{what.format(', '.join(map(_quoted, beside)))} left out.")
    columns = TimeColumns(columns.columns, columns.forms, asked.zone, utc)
    return Found(columns, times, tuple(beside), tuple(search.notes))


class _Search:
    """One search; `notes` fills while it goes on."""

    def __init__(self, table: Table, asked: Asked) -> None:
        self.table, self.asked = table, asked
        self.notes: list[str] = []
        self._known: dict[str, list[str]] = {}

    def named(self) -> list[tuple[str, str]]:
        """The columns that the user names, with their forms."""
        names = self.asked.columns
        parts = [part_of(name) for name in names]
        whole = [name for name, part in zip(names, parts, strict=True) if part is None]
        if len(names) > 1 and not whole:
            return [(name, self._part(name, str(part))) for name, part in zip(names, parts, strict=True)]
        beside = []
        for name, part in zip(names[1:], parts[1:], strict=True):
            plain = part is not None and not holds_texts(self.table, name)
            beside.append((name, self._part(name, str(part)) if plain else self._form(name, asked=False)))
        return [(names[0], self._form(names[0], asked=True, beside=beside)), *beside]

    def anywhere(self) -> list[tuple[str, str]]:
        """The columns that are the time, with their forms; [] if there are none."""
        dated = self.dated()
        if dated:
            return self._from_dates(dated)
        if parts := with_parts(self.table.names):
            return [(name, self._part(name, part)) for part, name in parts.items()]
        numbers = self._numbers()
        if numbers:
            name = self._one_of(list(numbers))
            return [(name, self._form(name, asked=True))]
        for name in self._clocks():
            times, _ = read_times(self.table, TimeColumns((name,), ("clock",)))
            if len(np.unique(times)) < len(times):
                raise DataError(
                    f"{self.table.place(0)}, column {_quoted(name)}: holds times of a day without a date, and some "
                    f"occur more than once. Add a column of dates, or leave the column out: drop=[{name}]."
                )
            return [(name, "clock")]
        self._expect_no_broken_time()
        return []

    def dated(self) -> dict[str, list[str]]:
        """Columns of dates, with the forms that their cells may have."""
        found = {name: [STORED] for name in self.table.names if self.table.dates(name) is not None}
        for name in self.table.names:
            forms = self._text_forms(name) if holds_texts(self.table, name) else []
            if forms and forms != ["clock"]:
                found[name] = forms
        return found

    def _text_forms(self, name: str) -> list[str]:
        """The forms that all texts of a column have, looked for once."""
        if name not in self._known:
            self._known[name] = text_forms(self.table, name)
        return self._known[name]

    def others(self, chosen: Sequence[str]) -> list[str]:
        """Columns besides the chosen ones that hold times."""
        rest = [name for name in (*self.dated(), *self._clocks()) if name not in chosen]
        numbers = [name for name, form in self._numbers().items() if form != "number" or timely(name)]
        return list(dict.fromkeys([*rest, *(name for name in numbers if name not in chosen)]))

    def _from_dates(self, dated: dict[str, list[str]]) -> list[tuple[str, str]]:
        """A column of dates, with a column of the time of day beside it if dates occur more than once."""
        name = self._one_of(list(dated))
        rows, plain = len(self.table), [form for form in dated[name] if form != STORED]
        _, different = texts(self.table, name)
        if plain and (len(different) == rows or not dates.moments(different, plain[0]).plain):
            return [(name, self._form(name, asked=True))]
        clocks = self._clocks()
        hours = [one for one in self.table.names if part_of(one) == "hour" and not holds_texts(self.table, one)]
        if clocks:
            beside = [(clocks[0], "clock")]
        elif hours and len(different) < rows:
            beside = [(hours[0], self._part(hours[0], "hour"))]
        else:
            beside = []
        return [(name, self._form(name, asked=True, beside=beside)), *beside]

    def _one_of(self, names: list[str]) -> str:
        """The only one, or the only one that is named as a time."""
        strong = [name for name in names if named_as_time(name)]
        if len(names) == 1 or len(strong) == 1:
            return names[0] if len(names) == 1 else strong[0]
        raise DataError(
            f"{self.table.place(0)}: which column is the time? {', '.join(map(_quoted, names))} hold times; say which "
            f"one: time={names[0]}."
        )

    def _numbers(self) -> dict[str, str]:
        """Columns of numbers that are a time, with their forms; those named as a time first."""
        found = {}
        for name in self.table.names:
            values = self.table.numbers(name)
            if values is not None and (form := number_form(name, values)) is not None:
                found[name] = form
        strong = {name: form for name, form in found.items() if named_as_time(name)}
        return {**strong, **found}

    def _clocks(self) -> list[str]:
        """Columns of times of day."""
        names = [name for name in self.table.names if holds_texts(self.table, name)]
        return [name for name in names if self._text_forms(name) == ["clock"]]

    def _part(self, name: str, part: str) -> str:
        """The form of a column that holds a part; hours may be counted from 1."""
        if part != "hour":
            return part
        hours = self.table.numbers(name)
        if hours is None or not (hours.min() >= 1 and hours.max() == 24):
            return "hour"
        self.notes.append(f"column {_quoted(name)} counts the hours from 1; hour 1 begins at midnight.")
        return FROM_ONE

    def _form(self, name: str, *, asked: bool, beside: Sequence[tuple[str, str]] = ()) -> str:
        """The form of the cells of one column; columns beside it complete the time."""
        if asked and self.asked.form is not None:
            return self.asked.form
        if self.table.dates(name) is not None:
            return STORED
        values = self.table.numbers(name)
        if values is not None:
            return number_form(name, values) or "number"
        forms = self._text_forms(name)
        if not forms:
            raise self._broken(name)
        if len(forms) == 1:
            return forms[0]
        return self._decided(name, forms, beside)

    def _decided(self, name: str, forms: list[str], beside: Sequence[tuple[str, str]]) -> str:
        """The order of year, month and day where texts alone leave several."""
        first = self.asked.day_first
        if first is not None:
            wanted = [form for form in forms if form == ("dmy" if first else "mdy")]
            if wanted:
                return wanted[0]
        example = texts(self.table, name)[1][0]
        if re.match(r"\d{1,2}\.\d{1,2}\.\d", example) and "dmy" in forms:
            return "dmy"
        names, others = (name, *(one for one, _ in beside)), tuple(form for _, form in beside)
        sound = [form for form in forms if regular(read_times(self.table, TimeColumns(names, (form, *others)))[0])]
        if len(sound) == 1:
            said = {"dmy": "day, month, year", "mdy": "month, day, year", "ymd": "year, month, day"}[sound[0]]
            self.notes.append(
                f"column {_quoted(name)}: {example!r} is read as {said}, since only so the steps are equal."
            )
            return sound[0]
        orders = " or ".join(f"time_format={form}" for form in forms)
        raise DataError(
            f"{self.table.place(0)}, column {_quoted(name)}: cannot tell the day from the month (or the year) in "
            f"{example!r} and the other dates. Say it: {orders} (d, m and y stand for day, month and year; "
            "day_first=true or false does the same)."
        )

    def _broken(self, name: str) -> DataError:
        """The error for a column that should hold times, at the first cell that is none."""
        codes, different = texts(self.table, name)
        head = [form for form in dates.FORMS if dates.moments(different[:1], form).values[0] is not None]
        known = dates.moments(different, head[0]).values if head else [None]
        wrong = next((i for i, value in enumerate(known) if value is None), 0)
        return DataError(
            f"{self.table.place(int((codes == wrong).argmax()))}, column {_quoted(name)}: expected a date or time, "
            f"received {shortened(different[wrong])!r}. Correct it, give the form (time_format='%d.%m.%Y %H:%M'), "
            f"or leave the column out (drop=[{name}])."
        )

    def _expect_no_broken_time(self) -> None:
        """Refuse a column that is named as a time, or begins with dates, but is none."""
        for name in self.table.names:
            if not holds_texts(self.table, name):
                continue
            head = texts(self.table, name)[1][:20]
            if head and (named_as_time(name) or dates.fitting(head)):
                raise self._broken(name)


def _quoted(name: str) -> str:
    return repr(shortened(name))
