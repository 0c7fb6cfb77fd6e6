"""Signals that ask a process to end.

    SIGINT (Ctrl-C), SIGTERM, SIGHUP (lost terminal), SIGQUIT, SIGUSR1 (what batch systems send before the time is up)

A signal that the process was started to ignore stays ignored, as SIGHUP under `nohup`.
"""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType
from typing import Any

SIGNALS: tuple[signal.Signals, ...] = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGUSR1") if hasattr(signal, name)
)
INSISTENT = frozenset(number for number in SIGNALS if number.name in ("SIGINT", "SIGTERM", "SIGQUIT"))
"""Those that a person sends again to be obeyed at once; the others are sent by systems, also several times."""


@contextlib.contextmanager
def at_once() -> Iterator[None]:
    """While entered, each of `SIGNALS` that would end the process raises KeyboardInterrupt, as Ctrl-C does.

    Handlers that the program has set itself stay. Outside the main thread, where Python delivers no signals, nothing
    changes.
    """
    before: dict[int, Any] = {}
    if threading.current_thread() is threading.main_thread():
        for asking in SIGNALS:
            if signal.getsignal(asking) is signal.SIG_DFL:
                before[asking] = signal.signal(asking, _raise)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _raise(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt
