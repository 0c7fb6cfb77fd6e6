"""Names that act, on their way through every verb: class, file, run and study names, and words that were mistyped."""

from __future__ import annotations

import json
import os
import re
import sys
from base64 import b64decode
from pathlib import Path

import click
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from PIL import Image
from rich.console import Group

from bispike.cli import _output
from bispike.cli._app import describe

from ..hostile import HOSTILE, acting, names
from .conftest import bispike

CLASSES = ("\x1b]0;owned\x07", "\u202egnp", "a\nerror: fake", "=1+1", "<b>|`$x$", "_under", "x" * 200)
RUN = "run\x1b[31m\n\u202e=<i>"


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A data set of images whose classes and files have hostile names, and a run on it with such a name."""
    root, draw = tmp_path_factory.mktemp("hostile"), np.random.default_rng(0)
    for part, count in (("train", 5), ("test", 2)):
        for name in CLASSES:
            folder = root / "images" / part / name
            folder.mkdir(parents=True)
            for number in range(count):
                picture = Image.fromarray(draw.integers(0, 256, (6, 6), dtype=np.uint8))
                with (folder / f"\x1b[3{number}m\udcff\n.png").open("wb") as file:  # the name is no UTF-8
                    picture.save(file, "PNG")
    tiny = ["--model", "mlp", "--rule", "bsd", "--set", "widths=[8]", "--epochs", "1", "--time-steps", "2"]
    called = bispike("train", "--dataset", root / "images", *tiny, "--out", root / RUN)
    assert called.status == 0, called.err
    assert acting(called.out + called.err, "\n") == set()
    return root / "images", root / RUN


@pytest.mark.parametrize(
    "call",
    [
        "data check {data}",
        "evaluate {run}",
        "predict {run} {picture}",
        "recall {run} --out {out}",
        "evaluate {data}",
        "evaluate {run} --split {word}",
        "predict {run} {data}",
        "train --dataset {word}",
        "train --rule {word}",
        "train --epochs {word}",
        "train --set {word}",
        "{word}",
        "--{word}",
        "rules {word}",
        "presets {word}",
    ],
)
def test_no_verb_lets_a_name_act(hostile: tuple[Path, Path], tmp_path: Path, call: str) -> None:
    data, run = hostile
    picture = next((data / "test" / CLASSES[0]).iterdir())
    values = {"data": data, "run": run, "picture": picture, "word": "\x1b[2J\n\x9b\u202e\udcff", "out": tmp_path / RUN}
    words = [part.format(**values) for part in call.split(" ")]
    called = bispike(*words)
    assert acting(called.out + called.err, "\n") == set()
    assert not re.search(r"^(error: fake|.?=<i>)", called.out + called.err, re.M)  # no name begins a line
    in_json = bispike(*words, "--json")
    assert in_json.out.isascii()
    assert acting(in_json.out + in_json.err, "\n") == set()
    assert in_json.status == called.status
    if called.status == 0 and "run" in in_json.json:
        assert in_json.json["run"] == str(run)  # exactly


def test_predict_keeps_names_exactly_in_json_and_shortens_them_in_the_table(hostile: tuple[Path, Path]) -> None:
    data, run = hostile
    pictures = [next((data / "test" / name).iterdir()) for name in CLASSES]
    called = bispike("predict", run, *pictures, "--best", len(CLASSES), "--json")
    assert {name for name, _ in called.json["rows"][0]["best"]} == {*CLASSES}
    shown = bispike("predict", run, *pictures, "--best", 1)
    assert max(map(len, shown.out.splitlines())) <= 200
    assert "x" * 41 not in shown.out


def test_the_page_of_a_run_shows_names_as_text(hostile: tuple[Path, Path], tmp_path: Path) -> None:
    _, run = hostile
    called = bispike("report", run, "--out", tmp_path / "page\x1b.html")
    assert acting(called.out + called.err, "\n") == set()
    text = (tmp_path / "page\x1b.html").read_text(encoding="utf-8")
    pictures = [b64decode(found).decode() for found in re.findall(r"data:image/svg\+xml;base64,([\w+/=]+)", text)]
    assert pictures
    for part in (text, *pictures):
        assert acting(part, "\n") == set()
        assert "<b>|" not in part
    assert re.search(r"<title>Report on run\\x1b\[31m\\n\\u202e=&lt;i&gt;</title>", text)
    assert "&lt;b&gt;|`$x$" in text


@given(names)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_text_acts_on_its_way_to_the_terminal(capsys: pytest.CaptureFixture[str], name: str) -> None:
    shown = Group(
        name,
        "",
        Group(name, name),
        _output.table([name, "b"], [[name, Group(name, "brief")], [None, 0.5]], right=[name]),
        _output.pairs({name: name, "none": None}),
    )
    _output.show(_output.Answer({}, shown), as_json=False, stream=sys.stdout)
    _output.show(_output.Answer({name: name}, ""), as_json=True, stream=sys.stdout)
    _output.note(name, name)
    _output.transfer(name, 1, None)
    found = capsys.readouterr()
    assert acting(found.out + found.err, "\n") == set()
    answer = found.out[found.out.index("\n{\n") :] if "\n{\n" in found.out else found.out
    assert answer.isascii()
    assert list(json.loads(answer).values()) == [name]


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize(
    "error",
    [
        click.UsageError,
        click.ClickException,
        click.BadParameter,
        click.Abort,
        ValueError,
        lambda name: OSError(2, "No such file or directory", name),
        lambda name: click.FileError(name),
    ],
)
def test_every_error_is_described_in_printable_characters(name: str, error: type[Exception]) -> None:
    _, message = describe(error(name))
    assert acting(message, "\n") == set()
    assert "\nerror: fake" not in message or error is ValueError


def test_choices_of_a_missing_option_are_in_one_line() -> None:
    choice = click.Option(["--kind"], type=click.Choice(["a", "b"]), required=True)
    _, message = describe(click.MissingParameter(param=choice, ctx=None))
    assert message.splitlines()[0].endswith("Choose from: a, b")


def test_a_long_name_is_shortened_in_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    made = _output.table(["name"], [["x" * 5000]])
    _output.show(_output.Answer({}, made), as_json=False, stream=sys.stdout)
    shown = capsys.readouterr().out
    assert shown.count("x") == _output.CELL - 1
    assert max(map(len, shown.splitlines())) <= _output.PIPE_WIDTH


def test_a_class_whose_name_no_settings_can_hold_is_refused_with_the_data(tmp_path: Path) -> None:
    for name in (b"a", b"\xff"):
        folder = tmp_path / "images" / os.fsdecode(name)
        folder.mkdir(parents=True)
        for number in range(3):
            with (folder / f"{number}.png").open("wb") as file:
                Image.fromarray(np.zeros((4, 4), dtype=np.uint8)).save(file, "PNG")
    for call in (["data", "check"], ["train", "--out", tmp_path / "run", "--dataset"]):
        called = bispike(*call, tmp_path / "images")
        assert called.status == 2
        assert "expected a name in Unicode" in called.err
    assert not (tmp_path / "run" / "initial.safetensors").exists()
