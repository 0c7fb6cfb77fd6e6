"""Several `bispike` commands at a time, each a process of its own.

The processes share a lock on the folder they work in and end with the process that started them, so a study
can be killed at any moment and started again at once: the new one waits until the last of the old processes
has gone.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import WorkError
from ..files import describe, make_folder

try:
    import fcntl
except ImportError:  # systems without POSIX locks
    fcntl = None  # type: ignore[assignment]

LOGS = "logs"
LOCK = ".lock"
POLL_SECONDS = 0.05
PATIENCE_SECONDS = 60.0  # that an interrupted process has to write its checkpoint


@dataclass(frozen=True)
class Job:
    """A command line of bispike, without the program, under a name."""

    name: str
    words: list[str]


@dataclass
class _Running:
    job: Job
    process: subprocess.Popen[bytes]
    answer: Path
    started: float


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
        lock: descriptor of the folder's lock, for the processes to hold too.
        note: receives a line when a job starts or ends.

    Raises:
        WorkError: interrupted; the processes were asked to end and write their checkpoints first.
    """
    logs = make_folder(folder / LOGS)
    waiting, running, failures, done = list(jobs), list[_Running](), dict[str, str](), 0
    try:
        while waiting or running:
            while waiting and len(running) < most:
                running.append(_start(waiting.pop(0), logs, lock))
                note(f"{running[-1].job.name}: started")
            ended = [entry for entry in running if entry.process.poll() is not None]
            running = [entry for entry in running if entry.process.returncode is None]
            for entry in ended:
                done += 1
                failure = _failure(entry)
                if failure:
                    failures[entry.job.name] = failure
                seconds = time.monotonic() - entry.started
                word = f"failed: {failure}" if failure else "finished"
                note(f"{entry.job.name}: {word} ({seconds:.0f} s, {done} of {len(jobs)})")
            if not ended:
                time.sleep(POLL_SECONDS)
    except KeyboardInterrupt:
        _end(running)
        raise WorkError(
            f"interrupted: {done} of {len(jobs)} runs had ended, {len(running)} were saved in {folder} as "
            "far as they were; the same command goes on from there."
        ) from None
    finally:
        _end(running)
    return failures


def processor_cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _start(job: Job, logs: Path, lock: int | None) -> _Running:
    answer = logs / f"{job.name}.json"
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    try:
        with open(answer, "wb") as stdout, open(logs / f"{job.name}.log", "ab") as stderr:
            process = subprocess.Popen(
                [sys.executable, "-m", "bispike", *job.words],
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=stderr,
                env=environment,
                pass_fds=() if lock is None else (lock,),
                process_group=0 if os.name == "posix" else None,  # we forward an interrupt, once
                preexec_fn=_end_with_parent if sys.platform == "linux" else None,
            )
    except OSError as error:
        raise describe(error, answer) from error
    return _Running(job, process, answer, time.monotonic())


_LIBC = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None
_PR_SET_PDEATHSIG = 1


def _end_with_parent() -> None:
    """In the child: end when the parent does, however it ends. A run saves a checkpoint first."""
    if _LIBC is not None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def _failure(entry: _Running) -> str | None:
    if entry.process.returncode == 0:
        return None
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        return str(json.loads(entry.answer.read_text(encoding="utf-8"))["error"]["message"])
    return f"ended with status {entry.process.returncode}; see {entry.answer.with_suffix('.log')}"


def _end(running: Sequence[_Running]) -> None:
    """Interrupt what still runs, wait for its checkpoints, and at last kill."""
    for entry in running:
        if entry.process.poll() is None:
            entry.process.send_signal(signal.SIGINT)
    deadline = time.monotonic() + PATIENCE_SECONDS
    for entry in running:
        try:
            entry.process.wait(max(0.0, deadline - time.monotonic()))
        except (subprocess.TimeoutExpired, KeyboardInterrupt):
            entry.process.kill()
            entry.process.wait()


@contextlib.contextmanager
def locked(folder: Path, note: Callable[[str], None]) -> Iterator[int | None]:
    """Hold the folder's lock; the processes inherit it, so it outlives us as long as one of them works."""
    if fcntl is None:
        yield None
        return
    try:
        descriptor = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise describe(error, folder / LOCK) from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            note(f"waiting for another study in {folder} to end")
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield descriptor
    finally:
        os.close(descriptor)
