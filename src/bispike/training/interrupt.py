"""Ctrl-C that takes effect at the end of the current step; a second one takes effect at once."""

from __future__ import annotations

import signal
import threading
from types import FrameType
from typing import Any

from ..errors import WorkError


class TrainingInterrupted(WorkError):
    """A training ended on request; the message states what was saved and how to resume."""


class Interrupt:
    """While entered, the first SIGINT or SIGTERM sets `requested`; the second raises KeyboardInterrupt.

    Outside the main thread, where Python delivers no signals, it does nothing. A signal that the process was
    started to ignore stays ignored.
    """

    def __init__(self) -> None:
        self.requested = False
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Interrupt:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                if signal.getsignal(number) not in (signal.SIG_IGN, None):
                    self._before[number] = signal.signal(number, self._receive)
        return self

    def __exit__(self, *error: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before.clear()

    def _receive(self, number: int, frame: FrameType | None) -> None:
        if self.requested:
            raise KeyboardInterrupt
        self.requested = True
