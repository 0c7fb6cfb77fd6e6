"""Progress goes to its stream, in at most a hundred columns."""

from __future__ import annotations

import io
from typing import Any

import pytest

from bispike.errors import ConfigurationError
from bispike.training import progress

MEASURED = ["train 100.0 %", "validation 50.0 %"]


def row(layers: int) -> dict[str, Any]:
    return {
        "epoch": 7,
        "loss": 123456.789,
        "spike_rate": [i / layers for i in range(layers)],
        "seconds": 12345.6,
    }


@pytest.mark.parametrize("layers", [0, 1, 5, 8, 9, 40])
@pytest.mark.parametrize("measured", [[], MEASURED])
def test_a_line_holds_the_epoch_in_a_hundred_columns(layers: int, measured: list[str]) -> None:
    line = progress.epoch_line(row(layers), measured, 1000)
    assert len(line) <= 100
    assert line.startswith("epoch    7/1000")
    assert all(text in line for text in measured)
    assert ("rates" in line) == (layers > 0)


def test_plain_lines_and_notes_go_to_the_stream() -> None:
    stream = io.StringIO()
    plain = progress.Plain(stream)
    plain.begin(10, 5)
    plain.start_epoch(0, 0)
    plain.step(1.0)
    plain.note("careful")
    plain.end_epoch(row(2), MEASURED)
    plain.end()
    lines = stream.getvalue().splitlines()
    assert lines[0] == "careful"
    assert lines[1].startswith("epoch  7/10")
    assert len(lines) == 2


def test_the_bar_prints_lines_above_itself() -> None:
    stream = io.StringIO()
    bar = progress.Bar(stream)
    bar.begin(10, 5)
    bar.start_epoch(6, 2)
    bar.step(0.5)
    assert bar.display.tasks[0].completed == 3
    bar.note("[careful]")
    bar.end_epoch(row(2), MEASURED)
    bar.end()
    assert "[careful]" in stream.getvalue()
    assert "epoch  7/10" in stream.getvalue()


def test_modes(capsys: pytest.CaptureFixture[str]) -> None:
    assert type(progress.create(None)) is type(progress.create("none")) is progress.Progress
    assert isinstance(progress.create("auto"), progress.Plain)  # under test, standard error is no terminal
    assert isinstance(progress.create("bar"), progress.Bar)
    given = progress.Plain()
    assert progress.create(given) is given
    with pytest.raises(ConfigurationError, match="did you mean 'plain'"):
        progress.create("plane")
    progress.create("plain").note("x")
    assert capsys.readouterr() == ("", "x\n")


@pytest.mark.parametrize("kind", [progress.Plain, progress.Bar])
def test_a_note_lets_no_name_act(kind: type[progress.Plain] | type[progress.Bar]) -> None:
    stream = io.StringIO()
    shown = kind(stream)
    shown.note("class \x1b[2J\u202e\nfake [b] :skull: :\n  listed")
    shown.end()
    lines = [line.rstrip() for line in stream.getvalue().splitlines()]
    assert lines[:2] == ["class \\x1b[2J\\u202e\\nfake [b] :skull: :", "  listed"]
