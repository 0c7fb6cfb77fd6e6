"""Several `bispike` commands at a time, each a process of its own.

The processes share a lock on the folder they work in and end with the process that started them, so a study
can be killed at any moment and started again at once: the new one waits until the last of the old processes
has ended.
"""

from __future__ import annotations

import contextlib
import os
import signal
import stat
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import DamagedError, UserError, WorkError
from ..files import describe, make_folder, read_json, status_of
from ..json_values import is_text, record
from .processes import Processes, processes

_ANSWER = record({"error": record({"message": is_text})})
LOGS = "logs"
SHOWN = 20  # names in a message
PATIENCE_SECONDS = 60.0  # that an interrupted process has to write its checkpoint


@dataclass(frozen=True)
class Job:
    """A command line of bispike, without the program, under a name."""

    name: str
    words: list[str]


def run_jobs(
    jobs: Sequence[Job],
    folder: Path,
    *,
    most: int,
    lock: int | None = None,
    note: Callable[[str], None] = lambda message: None,
) -> dict[str, str]:
    """Run all jobs and return the message of each that failed, by name.

    Args:
        jobs: what to run, in this order.
        folder: what a job prints goes to `logs/NAME.json` and `logs/NAME.log` in it.
        most: processes at a time, at least 1.
        lock: descriptor of the folder's lock, which the processes hold too.
        note: receives a line when a job starts or ends.

    Raises:
        UserError: a link or a pipe stands where a job prints to.
        WorkError: interrupted; the processes were asked to end and write their checkpoints first.
    """
    if not jobs:
        return {}
    return _Batch(jobs, make_folder(folder / LOGS), processes(), note).run(most, lock)


class _Batch:
    """The jobs of one call: those that wait, those that run (with the time of their start), and the failures."""

    def __init__(self, jobs: Sequence[Job], logs: Path, started_by: Processes, note: Callable[[str], None]) -> None:
        self.count, self.waiting, self.logs, self.processes, self.note = len(jobs), list(jobs), logs, started_by, note
        self.running: dict[str, float] = {}
        self.failures: dict[str, str] = {}
        self.done: list[str] = []

    def run(self, most: int, lock: int | None) -> dict[str, str]:
        try:
            while self.waiting or self.running:
                while self.waiting and len(self.running) < most:
                    self._start(self.waiting.pop(0), lock)
                for name, status in self.processes.wait().items():
                    self._end(name, status)
        except KeyboardInterrupt:
            interrupted = list(self.running)
            self._interrupt()
            raise WorkError(
                f"interrupted: {len(self.done)} of {self.count} runs had ended ({_listed(self.done)}), "
                f"{len(interrupted)} were saved in {self.logs.parent} as far as they were ({_listed(interrupted)}); "
                "the same command goes on from there."
            ) from None
        finally:
            self._interrupt()
            self.processes.give_back()
        return self.failures

    def _start(self, job: Job, lock: int | None) -> None:
        answer, log = self._files(job.name)
        _expect_file(answer)
        _expect_file(log)
        try:
            answer.write_bytes(b"")
            self.processes.start(job.name, job.words, stdout=answer, stderr=log, lock=lock)
        except OSError as error:
            raise describe(error, answer) from error
        self.running[job.name] = time.monotonic()
        self.note(f"{job.name}: started")

    def _end(self, name: str, status: int | str) -> None:
        seconds = time.monotonic() - self.running.pop(name)
        failure = self._failure(name, status)
        if failure:
            self.failures[name] = failure
        self.done.append(name)
        word = f"failed: {failure}" if failure else "finished"
        self.note(f"{name}: {word} ({seconds:.0f} s, {len(self.done)} of {self.count})")

    def _failure(self, name: str, status: int | str) -> str | None:
        if status == 0:
            return None
        answer, log = self._files(name)
        if isinstance(status, str):
            return f"{status}; see {log}"
        with contextlib.suppress(DamagedError):
            found = read_json(answer) or {}
            _ANSWER(found, str(answer))
            return str(found["error"]["message"])
        how = f"ended by signal {-status} (out of memory?)" if status < 0 else f"ended with status {status}"
        return f"{how}; see {log}"

    def _files(self, name: str) -> tuple[Path, Path]:
        """Where a job's standard output and standard error go."""
        return self.logs / f"{name}.json", self.logs / f"{name}.log"

    def _interrupt(self) -> None:
        """Interrupt what still runs, wait for its checkpoints, and at last kill."""
        if not self.running:
            return
        self.processes.interrupt(signal.SIGINT)
        deadline = time.monotonic() + PATIENCE_SECONDS
        while self.running:
            try:
                ended = self.processes.wait(max(0.0, deadline - time.monotonic()))
            except KeyboardInterrupt:
                ended = {}
            if not ended:
                self.processes.interrupt(KILL)
                ended = self.processes.wait()
            for name in ended:
                del self.running[name]


def _expect_file(path: Path) -> None:
    """Refuse a link, which could lead to a file of somebody else, and a pipe, which waits for a reader."""
    found = status_of(path)
    if found is not None and not stat.S_ISREG(found.st_mode):
        raise UserError(f"{path}: expected a file of a study, received a link, a pipe or a folder. Move it away.")


def _listed(names: Sequence[str]) -> str:
    """Names between commas; of many the first ones and how many more."""
    shown = ", ".join(names[:SHOWN]) or "none"
    return shown if len(names) <= SHOWN else f"{shown} and {len(names) - SHOWN} more"


KILL = getattr(signal, "SIGKILL", signal.SIGTERM)  # Windows has no SIGKILL; its SIGTERM does not ask either


def processor_cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
