"""How the jobs of a study are started: as children of a fork server, or where none can be had as new processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from . import fork_server
from .fork_server import ONE_THREAD, ForkServer

POLL_SECONDS = 0.05


class Processes(Protocol):
    """Starts commands of bispike by name and reports which of them have ended."""

    def start(self, name: str, words: Sequence[str], *, stdout: Path, stderr: Path, lock: int | None = None) -> None:
        """Start `bispike WORDS` as a process that holds the descriptor `lock` too."""

    def wait(self, seconds: float | None = None) -> dict[str, int | str]:
        """Wait until a process ends: exit status (negative: a signal) or message by name; empty after `seconds`."""

    def interrupt(self, number: int) -> None:
        """Send a signal to all processes that run."""

    def give_back(self) -> None:
        """The study needs no more processes."""


def processes() -> Processes:
    """The fastest way that this system has."""
    return ForkServer.take() if fork_server.available() else NewProcesses()


class NewProcesses:
    """Each job is a new interpreter."""

    def __init__(self) -> None:
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, name: str, words: Sequence[str], *, stdout: Path, stderr: Path, lock: int | None = None) -> None:
        with open(stdout, "wb") as answer, open(stderr, "ab") as log:
            self._running[name] = subprocess.Popen(
                [sys.executable, "-m", "bispike", *words],
                stdin=subprocess.DEVNULL,
                stdout=answer,
                stderr=log,
                env={**os.environ, **ONE_THREAD},
                pass_fds=() if lock is None else (lock,),
                process_group=0 if os.name == "posix" else None,  # Ctrl-C reaches us only; we forward it once
            )

    def wait(self, seconds: float | None = None) -> dict[str, int | str]:
        until = None if seconds is None else time.monotonic() + seconds
        while True:
            ended: dict[str, int | str] = {n: p.returncode for n, p in self._running.items() if p.poll() is not None}
            if ended or not self._running or (until is not None and time.monotonic() >= until):
                break
            time.sleep(POLL_SECONDS)
        for name in ended:
            del self._running[name]
        return ended

    def interrupt(self, number: int) -> None:
        for process in self._running.values():
            process.send_signal(number)

    def give_back(self) -> None:
        self.interrupt(signal.SIGTERM)
        while self._running:
            self.wait()
