"""Situations of series: the column of the time, in every notation."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from . import Situation
from .series_makers import (
    ROWS,
    VALUES,
    days,
    equals,
    hours,
    load,
    moments,
    note_in,
    order,
    refused,
    rows_of,
    table,
    times,
    values_of,
    written,
)


def apart(folder: Path) -> None:
    cells = [(t.astype(object), row) for t, row in zip(moments("1h"), VALUES.tolist(), strict=True)]
    rows = [[i + 1, t.year, t.month, t.day, t.hour, *row] for i, (t, row) in enumerate(cells)]
    found = load(table(folder, rows, ("No", "year", "month", "day", "hour", "A", "B")))
    assert found.inputs == ("A", "B")
    note_in(found, "'year', 'month', 'day', 'hour' are the time; its step is 1 hour", "'No' only counts the rows")


def date_and_clock(folder: Path) -> None:
    rows = [
        [written(t, "%d/%m/%Y"), written(t, "%H:%M:%S"), *row] for t, row in zip(moments("1h"), VALUES, strict=True)
    ]
    path = table(folder, rows, ("Date", "Time", "A", "B"), mark=";")
    equals(lambda _: path, "1 hour", "'Date', 'Time' are the time")(folder)


def clock_with_points(folder: Path) -> None:
    rows = [
        [written(t, "%d/%m/%Y"), written(t, "%H.%M.%S"), *(str(x).replace(".", ",") for x in row), "", ""]
        for t, row in zip(moments("1h", "2004-03-10T18"), VALUES.tolist(), strict=True)
    ]
    rows += [[""] * 6] * 5
    path = table(folder, rows, ("Date", "Time", "A", "B", "", ""), mark=";")
    equals(lambda _: path, "1 hour", "'Date', 'Time' are the time")(folder)


def hours_from_one(folder: Path) -> None:
    cells = [t.astype(object) for t in moments("1h")]
    rows = [[f"{t:%Y-%m-%d}", t.hour + 1, *row] for t, row in zip(cells, VALUES.tolist(), strict=True)]
    path = table(folder, rows, ("date", "hour", "A", "B"))
    equals(lambda _: path, "1 hour", "counts the hours from 1")(folder)


def said_order(folder: Path) -> None:
    cells = [f"{1 + i % 12:02d}/{1 + i // 12:02d}/2020" for i in range(ROWS)]
    by_month = [(i % 12, i // 12) for i in range(ROWS)]
    path = table(folder, rows_of(cells))
    found = load(path, day_first=False, holes="keep")
    expected = VALUES[sorted(range(ROWS), key=lambda i: by_month[i])]
    np.testing.assert_array_equal(values_of(found), expected.astype(np.float32))
    again = load(path, time_format="mdy", holes="keep")
    np.testing.assert_array_equal(values_of(again), values_of(found))


def numbered_names(folder: Path) -> None:
    found = load(table(folder, VALUES.tolist(), ("0", "1")))
    assert found.inputs == ("0", "1")
    np.testing.assert_array_equal(values_of(found), VALUES.astype(np.float32))


def last_column(folder: Path) -> None:
    rows = [[*row, t] for t, row in zip(hours(), VALUES.tolist(), strict=True)]
    path = table(folder, rows, ("A", "B", "recorded"))
    equals(lambda _: path, "1 hour", "'recorded' is the time")(folder)


def two_times(folder: Path) -> None:
    local = hours("%Y-%m-%dT%H:%M:%S+0100", "2020-01-01T01")
    rows = [[a, b, *row] for a, b, row in zip(hours("%Y-%m-%dT%H:%M:%SZ"), local, VALUES.tolist(), strict=True)]
    path = table(folder, rows, ("utc_timestamp", "cet_cest_timestamp", "A", "B"))
    refused(lambda _: path, "which column is the time.*utc_timestamp.*time=utc_timestamp")(folder)
    equals(lambda _: path, "1 hour", "'cet_cest_timestamp' holds times too", time="utc_timestamp")(folder)


def date_and_unix(folder: Path) -> None:
    rows = [[1577836800 + 3600 * i, t, *row] for i, (t, row) in enumerate(zip(hours(), VALUES.tolist(), strict=True))]
    path = table(folder, rows, ("unix", "date", "A", "B"))
    equals(lambda _: path, "1 hour", "'unix' holds times too and is left out")(folder)


def kept_hole(folder: Path) -> None:
    rows = rows_of(days())
    found = load(table(folder, rows[:20] + rows[25:]), holes="keep")
    np.testing.assert_array_equal(values_of(found), np.delete(VALUES, range(20, 25), 0).astype(np.float32))
    note_in(found, "1 of 54 steps are not 1 day")


FORMS = [
    ("ISO days", days(), "1 day", "date"),
    ("ISO times with T", hours("%Y-%m-%dT%H:%M:%S"), "1 hour", "when"),
    ("ISO times with Z", hours("%Y-%m-%dT%H:%M:%SZ"), "1 hour", "utc"),
    ("ISO times with an offset", hours("%Y-%m-%d %H:%M:%S+02:00"), "1 hour", "time"),
    ("ISO times where midnight has no time of day", [t.removesuffix(" 00:00:00") for t in hours()], "1 hour", "date"),
    ("German dates", days("%d.%m.%Y"), "1 day", "Datum"),
    ("German times", hours("%d.%m.%Y %H:%M"), "1 hour", "Date Time"),
    ("dates with the day first", days("%d/%m/%Y"), "1 day", "date"),
    ("dates with the month first", days("%m/%d/%Y"), "1 day", "date"),
    ("dates with years of two digits", days("%d/%m/%y", "2020-01-13"), "1 day", "date"),
    ("times of twelve hours", hours("%m/%d/%Y %I:%M %p", "2020-01-13"), "1 hour", "date"),
    ("dates with names of months", days("%d-%b-%Y"), "1 day", "date"),
    ("dates in American words", [f'"{written(t, "%B %d, %Y")}"' for t in moments("1D")], "1 day", "Date"),
    ("times of a web server", hours("%d/%b/%Y:%H:%M:%S +0000"), "1 hour", "time"),
    ("dates without separators", days("%Y%m%d"), "1 day", "date"),
    ("times without separators", hours("%Y%m%d%H%M"), "1 hour", "timestamp"),
    ("months without separators", [f"{2015 + i // 12}{1 + i % 12:02d}" for i in range(ROWS)], "1 month", "period"),
    ("ISO months", [f"{2015 + i // 12}-{1 + i % 12:02d}" for i in range(ROWS)], "1 month", "Month"),
    ("months with names", [written(np.datetime64("2015-01", "M") + i, "%b %Y") for i in range(ROWS)], "1 month", "m"),
    ("quarters", [f"{2005 + i // 4}Q{1 + i % 4}" for i in range(ROWS)], "3 months", "quarter"),
    ("ISO weeks", [f"2020-W{1 + i:02d}" for i in range(53)], "1 week", "week"),
    ("years", list(range(1950, 1950 + ROWS)), "1 year", "Year"),
    ("seconds since 1970", [1577836800 + 3600 * i for i in range(ROWS)], "1 hour", "timestamp"),
    ("seconds since 1970 under another name", [1577836800 + 60 * i for i in range(ROWS)], "1 minute", "x1"),
    ("milliseconds since 1970", [1577836800000 + 3600000 * i for i in range(ROWS)], "1 hour", "open_time"),
    ("microseconds since 1970", [1577836800000000 + 1000 * i for i in range(ROWS)], "1 millisecond", "ts"),
    ("nanoseconds since 1970", [(1577836800 + 60 * i) * 10**9 for i in range(ROWS)], "1 minute", "time"),
    ("days of Excel", list(range(43831, 43831 + ROWS)), "1 day", "Date"),
    ("a time in seconds since the start", [round(0.1 * i, 1) for i in range(ROWS)], "0.1", "time"),
    ("a number of the step", list(range(100, 100 + ROWS)), "1", "step"),
    (
        "business days",
        [str(one)[:10] for one in pd.bdate_range("2020-01-01", periods=ROWS)],
        "1 day (Mon, Tue, Wed, Thu, Fri)",
        "date",
    ),
    (
        "last days of months",
        [str(one)[:10] for one in pd.date_range("2015-01-31", periods=ROWS, freq="ME")],
        "1 month",
        "date",
    ),
    (
        "first days of quarters",
        [str(one)[:10] for one in pd.date_range("2005-01-01", periods=ROWS, freq="QS")],
        "3 months",
        "date",
    ),
    (
        "intervals of an energy exchange",
        [f"{a} - {b}" for a, b in zip(hours("%d.%m.%Y %H:%M"), hours("%d.%m.%Y %H:%M", "2020-01-01T01"), strict=True)],
        "1 hour",
        "MTU",
    ),
]


def of_form(cells: Sequence[Any], step: str, header: str) -> Any:
    def check(folder: Path) -> None:
        values = np.resize(VALUES, (len(cells), 2))
        path = table(folder, rows_of(cells, values), (header, "A", "B"))
        equals(lambda _: path, step, "is the time", values=values)(folder)

    return check


def columns_of_times(folder: Path) -> None:
    for names in (days(count=10), [str(1990 + i) for i in range(10)]):
        path = table(folder, VALUES[:50].reshape(10, 10).tolist(), names)
        refused(lambda _, path=path: path, "columns that are named by times")(folder)


def quarters_apart(folder: Path) -> None:
    rows = [[2000 + i // 4, 1 + i % 4, *row] for i, row in enumerate(VALUES.tolist())]
    equals(lambda _: table(folder, rows, ("Year", "Quarter", "A", "B")), "3 months")(folder)
    rows = [[2020 + i // 53, 1 + i % 53, *row] for i, row in enumerate(VALUES.tolist())]
    equals(lambda _: table(folder, rows[:53], ("year", "week", "A", "B")), "1 week", values=VALUES[:53])(folder)
    names = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
    rows = [[2000 + i // 12, names[i % 12], *row] for i, row in enumerate(VALUES.tolist())]
    equals(lambda _: table(folder, rows, ("Year", "Month", "A", "B")), "1 month")(folder)


def decimal_years(folder: Path) -> None:
    rows = [[round(1958 + i / 12 + 0.003 * (i % 2), 4), *row] for i, row in enumerate(VALUES.tolist())]
    found = load(table(folder, rows, ("decimal_date", "A", "B")))
    assert found.inputs == ("A", "B")
    note_in(found, "'decimal_date' is the time", "not exactly equal")
    apart = [[1958 + i // 12, 1 + i % 12, *row] for i, row in enumerate(rows)]
    path = table(folder, apart, ("year", "month", "decimal_date", "A", "B"))
    equals(lambda _: path, "1 month", "'decimal_date' holds times too")(folder)


def counts_of_hours(folder: Path) -> None:
    rows = [[i % 24, *row] for i, row in enumerate(VALUES.tolist())]
    assert load(table(folder, rows, ("hour", "A", "B"))).inputs == ("hour", "A", "B")


def counter_beside(folder: Path) -> None:
    rows = [[day, i + 5, *row] for i, (day, row) in enumerate(zip(days(), VALUES.tolist(), strict=True))]
    found = load(table(folder, rows, ("date", "meter", "A", "B")))
    note_in(found, "column 'meter' changes by 1 from row to row", "drop=[meter]")


def midnight(folder: Path) -> Path:
    """Hours from 20:00 to 19:00."""
    return table(folder, rows_of(hours("%H:%M", "2020-01-01T20:00", 24), VALUES[:24]), ("time", "A", "B"))


def half_hours(folder: Path) -> Path:
    """Half hours of one day, without a mark between hours and minutes."""
    cells = [f"{i // 2:02d}{i % 2 * 3}0" for i in range(40)]
    return table(folder, rows_of(cells, VALUES[:40]), ("time", "A", "B"))


def julian(folder: Path) -> None:
    for name, first, step in (("MJD", 58849.0, 1.0), ("datenum", 737791.0, 1 / 24)):
        found = load(table(folder, rows_of([first + i * step for i in range(60)]), (name, "A", "B")))
        assert found.inputs == ("A", "B")
        note_in(found, f"'{name}' is the time")


def large(folder: Path) -> Path:
    """Daily values near 1.6e9."""
    return table(folder, rows_of(days(), 1.6e9 + VALUES))


SITUATIONS: list[Situation] = [
    *(
        Situation(
            f"A table whose times are {what}",
            f"the time is known, and its step is {step}",
            of_form(cells, step, header),
        )
        for what, cells, step, header in FORMS
    ),
    Situation("A hole with holes=keep", "neighbours are one step apart, with a note", kept_hole),
    Situation(
        "Dates such as 01/02/2020 whose order no row decides",
        "refused, with the options",
        refused(
            times([f"{1 + i % 12:02d}/{1 + i // 12:02d}/2020" for i in range(ROWS)]),
            "cannot tell the day from the month.*time_format=dmy.*day_first",
        ),
    ),
    Situation("The same with day_first or time_format", "read as the user says", said_order),
    Situation(
        "Hours of twelve days as 01/02/2020 10:00",
        "the order that gives equal steps, with a note",
        equals(times(hours("%d/%m/%Y %H:%M", "2020-02-01")), "1 hour", "since only so the steps are equal"),
    ),
    Situation(
        "A cell in a column of dates that is none",
        "refused, with its line",
        refused(
            times([*days()[:30], "total", *days()[31:]]),
            "line 32, column 'date': expected a date or time, received 'total'",
        ),
    ),
    Situation(
        "A row without its time",
        "refused, with its line",
        refused(times([*days()[:30], None, *days()[31:]]), "line 32: expected a time in column 'date', found none"),
    ),
    Situation(
        "Times of day without a date over several days",
        "refused",
        refused(times([written(t, "%H:%M") for t in moments("1h")], "clock"), "times of a day without a date"),
    ),
    Situation(
        "time=none for a table with dates",
        "rows in the order of the table, with a note",
        equals(order(range(ROWS)), None, "no column holds times", time="none"),
    ),
    Situation(
        "time names a column that does not exist",
        "refused, with the nearest name",
        refused(order(range(ROWS)), "did you mean 'date'|date", time="dat"),
    ),
    Situation(
        "A form of times that the user gives",
        "read by that form",
        equals(times([f"t{d}" for d in days("%Y/%d/%m")]), "1 day", time="date", time_format="t%Y/%d/%m"),
    ),
    Situation(
        "Year, month, day and hour in columns of their own (Beijing)",
        "one time; the number of the row is left out",
        apart,
    ),
    Situation("A date beside a time of day (UCI household power)", "one time", date_and_clock),
    Situation(
        "UCI air quality: clocks with points, decimal commas, empty columns and rows",
        "one time, equal values",
        clock_with_points,
    ),
    Situation("A date beside hours from 1 to 24", "one time, with a note", hours_from_one),
    Situation("The time in the last column", "the time", last_column),
    Situation(
        "Two columns of times (UTC and local)", "refused until the user names one; the other is left out", two_times
    ),
    Situation(
        "A date beside seconds since 1970", "the date is the time; the other is left out, with a note", date_and_unix
    ),
    Situation(
        "The index of pandas in the first column",
        "left out, with a note",
        equals(
            lambda f: table(f, rows_of(list(range(ROWS))), ("", "A", "B")),
            None,
            "only counts the rows",
            "no column holds times",
        ),
    ),
    Situation("Headings that are numbers", "names of columns", numbered_names),
    Situation(
        "A table without headings and without times",
        "columns by their number, rows in order, with a note",
        lambda f: note_in(load(table(f, VALUES.tolist(), None)), "no column holds times"),
    ),
    Situation("A table whose columns are named by dates or years", "refused: rows have to be times", columns_of_times),
    Situation("A year beside quarters, weeks or names of months", "one time", quarters_apart),
    Situation("Decimal years, alone and beside year and month", "a time, and no quantity", decimal_years),
    Situation("Hours of the day without a date", "a quantity", counts_of_hours),
    Situation("A counter beside the time", "a quantity, with a note on how to leave it out", counter_beside),
    Situation(
        "A number of the row that counts down, without a time",
        "sorted, with a note",
        equals(
            lambda f: table(f, rows_of(list(range(ROWS, 0, -1)))[::1], ("No", "A", "B")),
            "1",
            "newest first",
            values=VALUES[::-1],
        ),
    ),
    Situation(
        "Dates of which some have another form",
        "refused, with the line of the first",
        refused(times([*days()[:30], *days("%d/%m/%Y")[30:]]), "line 32, column 'date': expected a date or time"),
    ),
    Situation(
        "Times with the name of a zone",
        "refused, with the options",
        refused(times([f"{one} CET" for one in hours()], "time"), "received '2020-01-01 00:00:00 CET'.*time_format"),
    ),
    Situation(
        "Times of day that pass midnight, without a date",
        "refused, never sorted by the hour",
        refused(midnight, r"line 6.*pass midnight.*drop=\[time\]"),
    ),
    Situation(
        "Dates as numbers with the day in front (01022020) and time_format=%d%m%Y",
        "read with the zeros that numbers lose",
        equals(times(days("%d%m%Y")), "1 day", "from 2020-01-01 to 2020-02-29", time_format="%d%m%Y"),
    ),
    Situation(
        "Hours and minutes as numbers (0030) and time_format=%H%M",
        "read with the zeros that numbers lose",
        equals(half_hours, "30 minutes", values=VALUES[:40], time_format="%H%M"),
    ),
    Situation(
        "Modified Julian dates, and days of MATLAB with fractions",
        "a time",
        julian,
    ),
    Situation(
        "Values near 1600000000 that differ by ones",
        "refused: 32 bits do not hold their changes",
        refused(large, "column 'A'.*32 bits do not hold.*Subtract a constant"),
    ),
    Situation(
        "Numbers that could be days of Excel or something else (20001)",
        "the note says the first and the last time",
        equals(times([20001 + i for i in range(60)]), "1 day", "from 1954-10-04 to 1954-12-02"),
    ),
]
