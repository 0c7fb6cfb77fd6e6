"""Situations of runs on series: tables, frames and arrays in use."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from bispike import data
from bispike.errors import BispikeError, DataError
from bispike.runs.run import load_run
from bispike.training import evaluation

from . import Situation
from .series_makers import (
    ROWS,
    VALUES,
    cli,
    days,
    hours,
    load,
    moments,
    note_in,
    refused,
    rows_of,
    run_folder,
    spaced,
    table,
    values_of,
    written,
)


def apart(folder: Path) -> None:
    cells = [(t.astype(object), row) for t, row in zip(moments("1h"), VALUES.tolist(), strict=True)]
    rows = [[i + 1, t.year, t.month, t.day, t.hour, *row] for i, (t, row) in enumerate(cells)]
    found = load(table(folder, rows, ("No", "year", "month", "day", "hour", "A", "B")))
    assert found.inputs == ("A", "B")
    note_in(found, "'year', 'month', 'day', 'hour' are the time; its step is 1 hour", "'No' only counts the rows")


def forecast(kind: str, source: Any) -> dict[str, Any]:
    found = load_run(run_folder(kind)).predict(source)
    return {**found.rows[0], "notes": found.notes}


def last_window(folder: Path) -> None:
    run = load_run(run_folder("daily"))
    found = run.predict(run_folder("daily").parent / "series.csv").rows[0]
    stimuli = torch.from_numpy(VALUES[-4:].astype(np.float32))[None]
    expected = run.network.logits(stimuli)[0, -1].tolist()
    assert list(found["values"].values()) == expected
    assert found["time"] == "2020-03-01"


def same_forecast(rows: list[list[Any]], header: tuple[str, ...], *words: str, kind: str = "daily") -> Any:
    def check(folder: Path) -> None:
        expected = forecast(kind, run_folder(kind).parent / "series.csv")
        found = forecast(kind, table(folder, rows, header, name="new.csv"))
        assert found["values"] == expected["values"]
        assert found["time"] == expected["time"]
        for word in words:
            assert any(word in note for note in found["notes"]), found["notes"]

    return check


def not_used(kind: str, rows: list[list[Any]], match: str, header: tuple[str, ...] = ("date", "A", "B")) -> Any:
    def check(folder: Path) -> None:
        path = table(folder, rows, header, name="new.csv")
        with pytest.raises(BispikeError, match=match):
            load_run(run_folder(kind)).predict(path)
        assert cli("predict", run_folder(kind), path)[0] == 2

    return check


def shown_time(folder: Path) -> None:
    path = run_folder("hourly").parent / "series.csv"
    status, out, _ = cli("predict", run_folder("hourly"), path)
    assert status == 0
    assert "2020-01-03T12:00:00" in out
    row = json.loads(cli("predict", run_folder("hourly"), path, "--json")[1])["rows"][0]
    assert row["time"] == "2020-01-03T12:00:00"
    assert forecast("monthly", run_folder("monthly").parent / "series.csv")["time"] == "2020-01-01"
    assert forecast("plain", run_folder("plain").parent / "series.csv")["time"] is None


def filled_in_use(folder: Path) -> None:
    rows = rows_of(days())
    rows[-1][2] = None
    holed = [*rows[:30], *rows[33:], rows[-1]]
    found = forecast("filled", table(folder, holed, name="new.csv"))
    assert found["rows"] == ROWS
    notes = " ".join(found["notes"])
    assert "3 rows that the table lacks" in notes
    assert "1 row repeated a time" in notes


def short_table(folder: Path) -> None:
    found = forecast("daily", table(folder, rows_of(days())[-2:], name="new.csv"))
    assert any("fewer than the window of 4" in note for note in found["notes"])


def evaluated(folder: Path) -> None:
    other = table(
        folder,
        [[b, a, d] for d, a, b in rows_of(days("%Y-%m-%d", "2021-01-01"), VALUES * 1.5)][::-1],
        ("B", "A", "date"),
    )
    found = evaluation.evaluate_run(run_folder("daily"), dataset=str(other))
    run = load_run(run_folder("daily"))
    again = data.load(other, task="series", like=run.schema)
    assert again.stimulus == run.network.stimulus
    assert again.concept == run.network.concept
    assert again.inputs == ("A", "B")
    assert found["test"] is not None
    assert any("newest first" in note for note in found["notes"])


def frames(folder: Path) -> None:
    frame = pd.DataFrame(VALUES, columns=["A", "B"], index=pd.DatetimeIndex(days(), name="date"))
    found = data.from_series(frame[::-1], window=4)
    np.testing.assert_array_equal(values_of(found), VALUES.astype(np.float32))
    assert found.schema.frequency.text == "1 day"  # type: ignore[union-attr]
    expected = forecast("daily", run_folder("daily").parent / "series.csv")
    assert forecast("daily", frame)["values"] == expected["values"]
    assert forecast("daily", frame)["time"] == "2020-03-01"
    assert forecast("daily", frame.reset_index())["values"] == expected["values"]


def periods(folder: Path) -> None:
    frame = pd.DataFrame(VALUES, columns=["A", "B"], index=pd.period_range("2015-01", periods=ROWS, freq="M"))
    assert data.from_series(frame, window=4).schema.frequency.text == "1 month"  # type: ignore[union-attr]
    one = data.from_series(pd.Series(VALUES[:, 0], name="A", index=frame.index), window=4)
    assert one.inputs == ("A",)
    assert data.from_series(VALUES, window=4).inputs == ("column 1", "column 2")
    two = pd.concat({"x": frame, "y": frame})
    with pytest.raises(DataError, match="index of one level"):
        data.from_series(two, window=4)


def an_array(folder: Path) -> None:
    expected = forecast("plain", run_folder("plain").parent / "series.csv")
    found = forecast("plain", VALUES)
    assert found["values"] == expected["values"]
    with pytest.raises(DataError, match=r"expected numbers \[L, 2\]"):
        forecast("plain", VALUES[:, :1])


def ett(folder: Path) -> None:
    values = np.random.default_rng(1).normal(size=(ROWS, 7)).cumsum(0).round(3)
    for step in ("1h", "15m"):
        rows = [[written(t), *row] for t, row in zip(moments(step, "2016-07-01"), values.tolist(), strict=True)]
        path = table(folder, rows, ("date", "HUFL", "HULL", "MUFL", "MULL", "LUFL", "LULL", "OT"))
        _train_and_predict(folder / step, path, ["target=OT", "window=4"], {"OT"})


def beijing(folder: Path) -> None:
    rows = []
    for i, t in enumerate(moments("1h", "2010-01-01")):
        when = t.astype(object)
        pm = "NA" if i < 6 or i == 30 else round(129 + 20 * np.sin(i), 1)
        weather = [
            -11 - i % 7,
            -5 + i % 5,
            1021 + i % 3,
            "NW" if i % 3 else "cv",
            round(1.79 * (i % 9), 2),
            i % 2,
            i % 4,
        ]
        rows.append([i + 1, when.year, when.month, when.day, when.hour, pm, *weather])
    header = ("No", "year", "month", "day", "hour", "pm2.5", "DEWP", "TEMP", "PRES", "cbwd", "Iws", "Is", "Ir")
    path = table(folder, rows, header)
    settings = ["target=pm2.5", "drop=[cbwd]", "missing=previous", "window=4"]
    notes = _train_and_predict(folder / "run", path, settings, {"pm2.5"})
    assert "the first 6 rows were left out" in notes


def household(folder: Path) -> None:
    names = ("Global_active_power", "Global_reactive_power", "Voltage", "Global_intensity", "Sub_metering_1")
    values = np.random.default_rng(1).uniform(0, 5, size=(ROWS, 5)).round(3)
    rows = [
        [written(t, "%-d/%-m/%Y"), written(t, "%H:%M:%S"), *("?" if i == 20 else f"{x:.3f}" for x in row)]
        for i, (t, row) in enumerate(zip(moments("1m", "2006-12-16T23:30"), values.tolist(), strict=True))
    ]
    path = table(folder, rows, ("Date", "Time", *names), mark=";", name="household_power_consumption.txt")
    settings = ["target=Global_active_power", "missing=previous", "window=4"]
    _train_and_predict(folder / "run", path, settings, {"Global_active_power"})


def _train_and_predict(out: Path, path: Path, settings: list[str], targets: set[str]) -> str:
    """Train and predict from one command each; the notes of the forecast."""
    small = ["widths=[8]", "threshold=0.5", "excitability=0.5", "validation=0.1", *settings]
    words = ["--task", "series", "--model", "rnn", "--epochs", "1", "--set", *small]
    status, _, err = cli("train", "--dataset", path, *words, "--out", out)
    assert status == 0, err
    status, text, err = cli("predict", out, path, "--json")
    assert status == 0, err
    row = json.loads(text)["rows"][0]
    assert set(row["values"]) == targets
    assert row["time"] is not None
    return " ".join(json.loads(text)["notes"])


def other_unit(folder: Path) -> None:
    found = forecast("daily", table(folder, rows_of(days(), VALUES * [1000, 1]), name="new.csv"))
    assert len(found["notes"]) == 1
    assert "standard deviations from the training's mean" in found["notes"][0]


def other_notation(folder: Path) -> None:
    rows = [[day, *(str(x).replace(".", ",") for x in row)] for day, row in zip(days(), VALUES.tolist(), strict=True)]
    path = table(folder, rows, mark=";", name="new.txt")
    assert forecast("daily", path)["values"] == forecast("daily", run_folder("daily").parent / "series.csv")["values"]
    status, _, err = cli("evaluate", run_folder("daily"), "--dataset", path)
    assert status == 0, err


def numbers_as_names(folder: Path) -> None:
    path = table(folder, VALUES.tolist(), ("773869", "767541"))
    schema = load(path, header=True).schema
    again = data.load(path, like=schema)
    assert again.inputs == ("773869", "767541")  # type: ignore[attr-defined]
    bare = table(folder, VALUES.tolist(), None, name="bare.csv")
    with pytest.raises(DataError, match="missing: '773869', '767541'"):
        data.load(bare, like=schema)


SITUATIONS: list[Situation] = [
    Situation(
        "A weekday is missing among business days",
        "refused as a hole",
        refused(
            spaced(
                [
                    d
                    for i, d in enumerate([str(one)[:10] for one in pd.bdate_range("2020-01-01", periods=60)])
                    if i != 30
                ]
            ),
            "1 row is missing in 1 place.*trading days",
        ),
    ),
    Situation(
        "A run predicts on its training table", "the network's forecast of its last window, with its time", last_window
    ),
    Situation(
        "The rows of a table in use stand newest first",
        "the same forecast, with a note",
        same_forecast(rows_of(days())[::-1], ("date", "A", "B"), "newest first"),
    ),
    Situation(
        "The columns of a table in use stand in another order, with others beside them",
        "the same forecast, with a note",
        same_forecast(
            [[b, "x", d, a] for d, a, b in rows_of(days())], ("B", "remark", "date", "A"), "ignored: 'remark'"
        ),
    ),
    Situation("A table in use holds only the last rows", "a forecast; fewer rows than a window are noted", short_table),
    Situation(
        "A table in use lacks a column",
        "refused by name",
        not_used("daily", [row[:2] for row in rows_of(days())], "missing: 'B'", ("date", "A")),
    ),
    Situation(
        "A table in use lacks the time",
        "refused by name",
        not_used("daily", VALUES.tolist(), "missing: 'date'", ("A", "B")),
    ),
    Situation(
        "Hourly rows for a run on days",
        "refused: another step",
        not_used(
            "daily",
            rows_of(hours()),
            "expected rows that are 1 day apart, as in training, received rows that are 1 hour apart",
        ),
    ),
    Situation(
        "Daily rows for a run on hours",
        "refused: another step",
        not_used("hourly", rows_of(days()), "1 hour apart.*1 day apart"),
    ),
    Situation(
        "Daily rows for a run on months",
        "refused: another step",
        not_used("monthly", rows_of([d[:7] for d in days()]), "occurs twice|1 month apart", ("month", "A", "B")),
    ),
    Situation(
        "Dates in another form than in training",
        "refused, with the line",
        not_used("daily", rows_of(days("%d.%m.%Y")), "line 2, column 'date': expected a time of the form 'ymd'"),
    ),
    Situation(
        "A table in use has a hole, the training had none",
        "refused",
        not_used("daily", [*rows_of(days())[:30], *rows_of(days())[35:]], "rows are missing.*options of the training"),
    ),
    Situation(
        "Holes, gaps and doubles in use after a training with options",
        "mended as in training, with notes",
        filled_in_use,
    ),
    Situation(
        "A text in a column of numbers in use",
        "refused, with the line",
        not_used(
            "daily",
            [*rows_of(days())[:-1], ["2020-02-29", "high", 1]],
            "line 61, column 'A': expected a number, received 'high'",
        ),
    ),
    Situation(
        "A run on rows without times; the table in use is dated newest first",
        "refused",
        not_used("plain", rows_of(days())[::-1], "expected rows in the order of time"),
    ),
    Situation("bispike predict on hourly and monthly tables", "each forecast says the time that it is for", shown_time),
    Situation(
        "evaluate --dataset on another table, columns and rows in another order",
        "read and scaled as in training",
        evaluated,
    ),
    Situation("A DataFrame whose index holds the times", "as the file, in training and in use", frames),
    Situation("A DataFrame by periods, a pandas Series, an array, an index of two levels", "read, or refused", periods),
    Situation("An array of the input columns in use", "forecast by the order of the columns, with a note", an_array),
    Situation("The ETT tables, hourly and by 15 minutes", "train and predict from one command each", ett),
    Situation("The Beijing air-quality table", "trains and predicts from one command each", beijing),
    Situation("UCI household power", "trains and predicts from one command each", household),
    Situation("Values in another unit in use (a thousand times as large)", "a forecast, with a note", other_unit),
    Situation("Semicolons, decimal commas and another ending in use", "the same forecast", other_notation),
    Situation(
        "Headings that are numbers of sensors, in use", "names as in training; without them refused", numbers_as_names
    ),
]
