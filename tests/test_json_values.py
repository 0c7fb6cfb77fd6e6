"""Plain values from files are checked, and the message names the place."""

from __future__ import annotations

from typing import Any

import pytest

from bispike.errors import DamagedError
from bispike.json_values import (
    Check,
    anything,
    is_switch,
    is_table,
    is_text,
    list_of,
    number,
    optional,
    record,
    table_of,
    whole,
)

ROW = record({"epoch": whole(1), "rates": list_of(number(0, 1), length=2)}, {"ended": optional(is_text)})


@pytest.mark.parametrize(
    ("check", "value"),
    [
        (whole(), 0),
        (whole(-3, 3), -3),
        (number(), -1.5),
        (number(0), 3),
        (is_text, ""),
        (is_switch, False),
        (is_table, {}),
        (anything, object()),
        (optional(whole()), None),
        (list_of(whole()), []),
        (table_of(number()), {"a": 1, "": 2.5}),
        (ROW, {"epoch": 1, "rates": [0, 1.0], "more": object()}),
        (ROW, {"epoch": 1, "rates": [0, 1.0], "ended": None}),
    ],
)
def test_values_that_fit(check: Check, value: Any) -> None:
    check(value, "file")


@pytest.mark.parametrize(
    ("check", "value", "message"),
    [
        (whole(), True, "file: expected a whole number"),
        (whole(), 2.0, "a whole number"),
        (whole(), -1, "from 0"),
        (whole(0, 3), 4, "from 0 to 3, received 4"),
        (number(), True, "a finite number"),
        (number(), float("nan"), "a finite number"),
        (number(), float("inf"), "a finite number"),
        (number(0), -0.1, "at least 0"),
        (number(0, 1), 1.1, r"in \[0, 1\]"),
        (number(), "1", "received '1'"),
        (is_text, 3, "expected text"),
        (is_switch, 1, "true or false"),
        (is_table, [], "a table"),
        (list_of(whole()), {}, "a list"),
        (list_of(whole()), (1,), "a list"),
        (list_of(whole(), length=2), [1], "a list of 2"),
        (list_of(list_of(whole())), [[], [1, "x"]], r"file\[1\]\[1\]: expected a whole number"),
        (table_of(number()), {"a": None}, "file: a: expected a finite number"),
        (ROW, {"epoch": 1}, "received 'none of rates'"),
        (ROW, {"epoch": 1, "rates": [0, 2]}, r"file: rates\[1\]: expected a number in \[0, 1\], received 2"),
        (ROW, {"epoch": 1, "rates": [0, 0], "ended": 1}, "file: ended: expected text"),
        (record({}, others=False), {"x": 1}, "only the values"),
        (is_text, list(range(10**6)), "received \\[0, 1, 2, 3, 4, 5, ...\\]"),
    ],
)
def test_values_that_do_not_fit(check: Check, value: Any, message: str) -> None:
    with pytest.raises(DamagedError, match=message):
        check(value, "file")
