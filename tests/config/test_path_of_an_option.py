"""How many files an option passes from the command line to the loss: those that a reader has to follow."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import pytest

import bispike
from bispike.cli import main

ROOT = Path(bispike.__file__).parent
SENTINEL = 0.123456
TINY = ["--set", "widths=[12]", "--limit", "120", "--epochs", "1", "--time-steps", "2", "--batch-size", "32"]


def carries(value: Any) -> bool:
    """Whether an argument is the option itself, a text that gives it, or options or settings that hold it."""
    if isinstance(value, str):
        return str(SENTINEL) in value
    if isinstance(value, float):
        return value == SENTINEL
    if isinstance(value, dict):
        return any(carries(inner) for inner in value.values())
    if isinstance(value, list | tuple):
        return any(carries(inner) for inner in value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return any(carries(getattr(value, part.name, None)) for part in dataclasses.fields(value))
    return False


def arguments(frame: FrameType) -> list[Any]:
    """What a function was called with."""
    code: CodeType = frame.f_code
    starred = bool(code.co_flags & 0x04) + bool(code.co_flags & 0x08)
    names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount + starred]
    return [frame.f_locals[name] for name in names if name in frame.f_locals]


def path_of_strength(out: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """Files of the package by the number of their calls that received the option, up to the loss, in order."""
    calls: dict[str, int] = {}

    def watch(frame: FrameType, event: str, argument: object) -> None:
        if event != "call" or not frame.f_code.co_filename.startswith(str(ROOT)):
            return
        if any(carries(value) for value in arguments(frame)):
            file = Path(frame.f_code.co_filename).relative_to(ROOT).as_posix()
            calls[file] = calls.get(file, 0) + 1
            if file.startswith("functional/"):
                sys.setprofile(None)

    words = ["bispike", "train", "--set", f"strength={SENTINEL}", *TINY, "--out", str(out)]
    monkeypatch.setattr(sys, "argv", words)
    sys.setprofile(watch)
    try:
        with pytest.raises(SystemExit, match="0"):
            main()
    finally:
        sys.setprofile(None)
    return calls


def test_strength_passes_few_files_on_its_way_to_the_loss(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = path_of_strength(tmp_path / "run", monkeypatch)
    files = [file for file in calls if file != "arguments.py"]  # compares types; nobody has to read on there
    assert files[0].startswith("cli/")
    assert files[-1].startswith("functional/")
    assert len(files) <= 9, files  # one of them, config/combinations.py, refuses it before the data are read
    assert len([file for file in files if file.startswith("settings/")]) == 1
    assert sum(calls.values()) <= 100, calls
