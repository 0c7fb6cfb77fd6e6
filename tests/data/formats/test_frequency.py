"""The step of a series: what pandas gives by a rule is regular, and its next time is that of pandas."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from bispike.data.readers.frequency import Frequency

RULES = ["h", "15min", "D", "7D", "B", "MS", "QS", "YS", "W", "s", "ms"]


def times(index: pd.DatetimeIndex) -> np.ndarray:
    """Microseconds since 1970."""
    return index.to_numpy().astype("datetime64[us]").astype(np.int64)


@pytest.mark.parametrize("rule", RULES)
def test_steps_of_calendars_are_regular_and_go_on(rule: str) -> None:
    whole = times(pd.date_range("2020-01-15", periods=60, freq=rule))
    found = Frequency.of(whole[:-5])
    assert found is not None
    assert (found.steps(whole) == 1).all()
    assert [found.after(int(whole[-6]), ahead) for ahead in range(1, 6)] == whole[-5:].tolist()
    assert found.between(int(whole[-6]), 5).tolist() == whole[-5:].tolist()
    assert Frequency.from_dict(found.to_dict(), "frequency") == found


@pytest.mark.parametrize("rule", RULES)
def test_rows_that_are_missing_are_counted(rule: str) -> None:
    whole = times(pd.date_range("2020-01-15", periods=60, freq=rule))
    found = Frequency.of(np.delete(whole, [20, 21, 40]))
    assert found is not None
    steps = found.steps(np.delete(whole, [20, 21, 40]))
    assert np.flatnonzero(steps != 1).tolist() == [19, 37]
    assert steps[[19, 37]].tolist() == [3, 2]


def test_the_last_days_of_months_stay_the_last_days() -> None:
    whole = times(pd.date_range("2019-11-30", periods=30, freq="ME"))
    found = Frequency.of(whole)
    assert found is not None
    assert [found.after(int(whole[0]), ahead) for ahead in range(30)] == whole.tolist()


def test_days_1_to_28_of_months_have_no_hole_at_their_ends() -> None:
    days = [f"2020-{1 + i // 28:02d}-{1 + i % 28:02d}" for i in range(120)]
    whole = times(pd.DatetimeIndex(days))
    found = Frequency.of(whole)
    assert found is not None
    assert (found.steps(whole) == 1).all()
    assert found.between(int(whole[0]), 119).tolist() == whole[1:].tolist()
    once = Frequency.of(whole[:40])  # one end of a month may be a hole as well
    assert once is not None
    assert once.unit == "microseconds"
    assert once.steps(whole[:40]).max() == 4


def test_clocks_that_are_not_exact_have_a_plain_step() -> None:
    exact = times(pd.date_range("2020-01-01", periods=50, freq="10min"))
    draws = np.random.default_rng(0).integers(-20, 20, 50) * 1_000_000
    found = Frequency.of(exact + draws)
    assert found is not None
    assert found.text == "10 minutes"


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [("h", "h", True), ("h", "D", False), ("D", "B", True), ("MS", "D", False), ("MS", "QS", False)],
)
def test_steps_agree_where_they_may_be_the_same(one: str, other: str, same: bool) -> None:
    first, second = (Frequency.of(times(pd.date_range("2020-01-01", periods=30, freq=rule))) for rule in (one, other))
    assert first is not None
    assert second is not None
    assert first.agrees(second) is same
