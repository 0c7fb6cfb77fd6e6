"""Situations of series: order, doubles, holes, gaps and columns."""

from __future__ import annotations

from pathlib import Path

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
    shuffled,
    spaced,
    table,
    times,
    values_of,
    written,
)


def local_hours() -> list[str]:
    """Hours of central Europe over a change from summer time, without their offsets."""
    zone = pd.date_range("2020-10-24", periods=ROWS, freq="h", tz="Europe/Berlin")
    return [str(one)[:19] for one in zone.tz_localize(None)]


def index_after_dropna(folder: Path) -> None:
    rows = rows_of([i for i in range(ROWS + 5) if not 10 <= i < 15])
    refused(lambda _: table(folder, rows, ("", "A", "B")), "rows are missing.*5 rows are")(folder)


def gaps(folder: Path) -> Path:
    rows = rows_of(days())
    rows[0][1] = rows[1][1] = rows[9][2] = "NA"
    return table(folder, rows)


def previous(folder: Path) -> None:
    found = load(gaps(folder), missing="previous")
    expected = VALUES[2:].copy()
    expected[7, 1] = VALUES[8, 1]
    np.testing.assert_array_equal(values_of(found), expected.astype(np.float32))
    note_in(found, "the first 2 rows were left out", "1 missing value was filled (previous)")


def interpolated(folder: Path) -> None:
    found = load(gaps(folder), missing="interpolate")
    assert values_of(found)[7, 1] == np.float32((VALUES[8, 1] + VALUES[10, 1]) / 2)
    note_in(found, "the first 2 rows were left out", "forecasts near gaps are too good")


def filled_hole(folder: Path) -> None:
    rows = rows_of(days())
    found = load(table(folder, rows[:20] + rows[25:]), holes="fill", missing="previous")
    expected = VALUES.copy()
    expected[20:25] = VALUES[19]
    np.testing.assert_array_equal(values_of(found), expected.astype(np.float32))
    note_in(found, "5 rows that the table lacks, in 1 hole", "10 missing values were filled")


def doubles(folder: Path) -> Path:
    rows = rows_of(days())
    return table(folder, [*rows[:11], ["2020-01-11", 100, 200], *rows[11:]])


def mended_doubles(folder: Path) -> None:
    for way, row in (("first", VALUES[10]), ("last", [100, 200]), ("mean", (VALUES[10] + [100, 200]) / 2)):
        expected = VALUES.copy()
        expected[10] = row
        equals(doubles, "1 day", f"of each time the {way} was taken", values=expected, duplicates=way)(folder)


def one_below_the_other(folder: Path) -> None:
    rows = [[day, city, *row] for day, row in zip(days(), VALUES.tolist(), strict=True) for city in ("x", "y")]
    path = table(folder, rows, ("date", "city", "A", "B"))
    refused(lambda _: path, "several series, one below the other", drop="city")(folder)


def texts_in_a_series(folder: Path) -> None:
    rows = [[*row, "NW"] for row in rows_of(days())]
    path = table(folder, rows, ("date", "A", "B", "cbwd"))
    refused(lambda _: path, r"line 2, column 'cbwd': expected a number, received 'NW'.*drop=\[cbwd\].*columns=")(folder)
    equals(lambda _: path, "1 day", drop="[cbwd]")(folder)
    equals(lambda _: path, "1 day", columns=["A", "B"])(folder)


def marked(folder: Path) -> Path:
    rows = rows_of(days())
    rows[5][1] = rows[6][1] = -9999
    return table(folder, rows)


def sentinel(folder: Path) -> None:
    note_in(load(marked(folder)), "column 'A' holds -9999 in 2 rows", "missing_marks=[-9999]")
    found = load(marked(folder), missing_marks="-9999", missing="previous")
    assert values_of(found)[5, 0] == np.float32(VALUES[4, 0])


def still(folder: Path) -> Path:
    return table(folder, [[*row, 5] for row in rows_of(days())], ("date", "A", "B", "C"))


def _blank_lines(folder: Path) -> Path:
    lines = table(folder, rows_of(days())).read_text().splitlines()
    lines[38] = ",".join([days()[37], "", "1.5"])
    lines[5:5] = ["", "# measured by hand", "", ""]
    path = folder / "blank.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


SITUATIONS: list[Situation] = [
    Situation(
        "Rows with the newest first",
        "equal to the table in order, with a note",
        equals(order(range(ROWS - 1, -1, -1)), "1 day", "newest first; all 60"),
    ),
    Situation(
        "Rows in any order",
        "sorted by time, with a note and a count",
        equals(order(shuffled()), "1 day", "were not in the order of time"),
    ),
    Situation(
        "Twenty of sixty days are missing",
        "refused, with the count, the line and the options",
        refused(
            order([*range(20), *range(40, 60)]),
            r"line 22: rows are missing.*2020-02-10 after 2020-01-20 \(20 rows.*1 place\).*holes=fill.*holes=keep",
        ),
    ),
    Situation(
        "A hole with holes=fill and missing=previous", "rows are inserted with the values before the hole", filled_hole
    ),
    Situation(
        "A hole with holes=fill and nothing to fill it",
        "refused with the option",
        refused(order([*range(20), *range(25, 60)]), "missing=previous", holes="fill"),
    ),
    Situation(
        "Steps of 15 minutes that become hours",
        "refused, with the change",
        refused(
            spaced(
                [
                    *hours("%Y-%m-%d %H:%M", "2020-01-01", 1),
                    *[written(t) for t in moments("15m", "2020-01-01T00:15", 40)],
                    *[written(t) for t in moments("1h", "2020-01-01T11", 20)],
                ]
            ),
            "the time step changes",
        ),
    ),
    Situation(
        "Hours of local time over a change of clocks",
        "refused, with the option",
        refused(spaced(local_hours()), "occurs twice.*time_zone=Europe/Berlin"),
    ),
    Situation(
        "The same with time_zone=Europe/Berlin",
        "equal steps of one hour",
        equals(spaced(local_hours()), "1 hour", time_zone="Europe/Berlin"),
    ),
    Situation(
        "Clocks that are seconds early or late",
        "equal steps, with a note",
        equals(
            times([written(t + np.timedelta64(i % 3, "s")) for i, t in enumerate(moments("5m"))]),
            "5 minutes",
            "not exactly equal",
        ),
    ),
    Situation(
        "A time that occurs twice",
        "refused, with both lines",
        refused(doubles, "line 13: the time 2020-01-11 occurs twice, first in line 12.*duplicates=first"),
    ),
    Situation(
        "A time that occurs twice with duplicates=first, last or mean", "one row per time, with a note", mended_doubles
    ),
    Situation("Several series one below the other", "refused: one column per series", one_below_the_other),
    Situation("The index of pandas after rows were removed", "refused as a hole", index_after_dropna),
    Situation(
        "Gaps at the beginning and later, missing=previous",
        "never filled from the future: the first rows are left out, with a note",
        previous,
    ),
    Situation(
        "The same with missing=interpolate",
        "filled between neighbours; the note says that it looks ahead",
        interpolated,
    ),
    Situation(
        "A gap after blank lines",
        "refused, with the line of the file",
        refused(lambda f: _blank_lines(f), "line 43: no value in column 'A'"),
    ),
    Situation(
        "A column that begins after half of the rows",
        "refused, with the column",
        refused(
            lambda f: table(f, [[d, a, b if i > 40 else None] for i, (d, a, b) in enumerate(rows_of(days()))]),
            r"drop=\[B\]",
            missing="previous",
        ),
    ),
    Situation(
        "A gap without an option",
        "refused, with line, count and option",
        refused(
            gaps, r"line 2: no value in column 'A' \(3 values are missing in all, in 2 columns\).*missing=previous"
        ),
    ),
    Situation("-9999 as a mark of missing values", "a note, and read as a gap with missing_marks", sentinel),
    Situation("A column of texts among quantities", "refused, with drop and columns, which mend it", texts_in_a_series),
    Situation(
        "A column with one value in every row",
        "refused, with drop",
        refused(still, r"column 'C'.*received 5 in every row.*drop=\[C\]"),
    ),
    Situation(
        "An infinite value",
        "refused, with its line",
        refused(lambda f: table(f, [*rows_of(days())[:5], ["2020-01-06", "inf", 1]]), "line 7.*received inf"),
    ),
    Situation(
        "drop names a column that does not exist", "refused", refused(order(range(ROWS)), "column 'C'|'C'", drop="C")
    ),
]
