"""Interruptions of a training: in its loop it saves the current step first, elsewhere it says what was saved before."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any

from ..config.train_config import CONFIG_FILE
from ..errors import BispikeError, WorkError
from ..runs import checkpoint
from ..runs.folder import CHECKPOINT, is_finished, resume_command
from ..runs.marker import read_marker
from ..stopping import INSISTENT, SIGNALS, at_once


class TrainingInterrupted(WorkError):
    """A training ended on request; the message states what was saved and how to resume."""


class Interrupt:
    """While entered, the first of `SIGNALS` sets `requested`; the same one of `INSISTENT` again raises
    KeyboardInterrupt.

    Outside the main thread, where Python delivers no signals, it does nothing.
    """

    def __init__(self) -> None:
        self.requested = False
        self._received: set[int] = set()
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Interrupt:
        if threading.current_thread() is threading.main_thread():
            for number in SIGNALS:
                if signal.getsignal(number) not in (signal.SIG_IGN, None):
                    self._before[number] = signal.signal(number, self._receive)
        return self

    def __exit__(self, *error: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before.clear()

    def _receive(self, number: int, frame: FrameType | None) -> None:
        if number in self._received and number in INSISTENT:
            raise KeyboardInterrupt
        self._received.add(number)
        self.requested = True


@contextlib.contextmanager
def explained(folder: Path | None, *, resume: bool) -> Iterator[None]:
    """While entered, a signal or a full disk outside the training loop ends the training with a message that says how
    to go on, as one in the loop does.

    Args:
        folder: of the run; None keeps it in memory.
        resume: whether a run in the folder is resumed.

    Raises:
        TrainingInterrupted, WorkError: they state what was saved before, and how to go on.
    """
    before = None if folder is None else _run_in(folder)
    try:
        with at_once():
            yield
    except KeyboardInterrupt as stop:
        raise TrainingInterrupted(f"interrupted; {_left(folder, None if resume else before)}") from stop
    except WorkError as error:
        if type(error) is not WorkError or not isinstance(error.__cause__, OSError):
            raise
        left = _left(folder, None if resume else before)
        raise WorkError(f"{error} {left[:1].upper()}{left[1:]}") from error


def _left(folder: Path | None, replaced: str | None) -> str:
    """What is left of a training that ended outside its loop.

    Args:
        folder: of the run.
        replaced: the run in it that was to be replaced.
    """
    if folder is None:
        return "nothing was saved: the training had no folder (out)."
    present = _run_in(folder)
    if present is None or present == replaced:
        return f"the training had not begun, and nothing in {folder} was changed. Start it again with the same command."
    if is_finished(folder):
        return f"the run in {folder} is complete."
    if not (folder / CONFIG_FILE).exists():
        return "the training had not begun. Start it again with the same command."
    if (folder / CHECKPOINT / checkpoint.LATEST).is_file():
        saved = f"the last checkpoint is in {folder / CHECKPOINT}"
    else:
        saved = "there is no checkpoint yet"
    return f"{saved}. Resume with:\n  {resume_command(folder)}"


def _run_in(folder: Path) -> str | None:
    """The id of the run in a folder; None if there is none."""
    try:
        marker = read_marker(folder)
    except BispikeError:
        return None
    return None if marker is None else marker.id
