"""Forked processes that run cases, watched by the process that forks them.

A worker announces each case before the damaged files are used, and sends the outcome after it. If it dies in between,
the case is an abort; if it takes too long it is killed, and the case is a hang. The rest of its block goes to another
worker.
"""

from __future__ import annotations

import faulthandler
import json
import os
import resource
import selectors
import signal
import sys
import time
import traceback
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import NoReturn

from .case import Outcome, run_case, where
from .target import Target

WAIT = 6
"""Seconds on the clock, per second of processor time, after which a case counts as a hang: other work may go on."""


@dataclass(frozen=True)
class Job:
    """A block of cases of one target.

    Args:
        target: whose cases.
        numbers: of the cases.
        seeds: folder of its valid files; the first worker that finds none makes them.
        scratch: folder for copies.
        seed: of the run.
    """

    target: Target
    numbers: Sequence[int]
    seeds: Path
    scratch: Path
    seed: int


@dataclass
class _Worker:
    pid: int
    stream: int
    job: Job
    rest: bytes = b""
    current: int | None = None  # the case that it runs
    since: float = 0.0
    cpu: float = 0.0


def run_jobs(jobs: Iterator[Job], *, jobs_at_a_time: int, cpu: float, until: float) -> Iterator[Outcome]:
    """Run jobs and yield the outcome of each case.

    Args:
        jobs: the jobs, in order.
        jobs_at_a_time: number of workers.
        cpu: processor seconds after which a case is a hang; on the clock `WAIT` times as many.
        until: no job starts after it (`time.monotonic`).
    """
    selector = selectors.DefaultSelector()
    workers: dict[int, _Worker] = {}
    again: list[Job] = []
    made: set[Path] = set()
    try:
        while True:
            while len(workers) < jobs_at_a_time and time.monotonic() < until:
                job = again.pop() if again else next(jobs, None)
                if job is None:
                    break
                if job.seeds not in made:
                    made.add(job.seeds)
                    yield from _make(job)
                worker = _start(job)
                workers[worker.stream] = worker
                selector.register(worker.stream, selectors.EVENT_READ)
            if not workers:
                return
            for key, _ in selector.select(timeout=0.5):
                worker = workers[key.fd]
                data = os.read(key.fd, 1 << 16)
                if data:
                    yield from _receive(worker, data)
                    continue
                selector.unregister(key.fd)
                del workers[key.fd]
                yield from _ended(worker, again)
            for worker in workers.values():
                if worker.current is not None and _is_stuck(worker, cpu):
                    os.kill(worker.pid, signal.SIGKILL)
    finally:
        for worker in workers.values():
            os.kill(worker.pid, signal.SIGKILL)
            os.waitpid(worker.pid, 0)


def _make(job: Job) -> Iterator[Outcome]:
    """Make the valid files of a target in a process of its own; they must be usable."""
    pid = os.fork()
    if pid == 0:
        _leave(_made(job))
    _, status = os.waitpid(pid, 0)
    if status:
        yield Outcome(job.target.name, -1, "foreign", "none", "the valid files cannot be made or used; see above")


def _made(job: Job) -> int:
    try:
        for folder in (job.seeds, job.scratch):
            folder.mkdir(parents=True)
        job.target.make(job.seeds)
        copy = replace(job.target, damages=(lambda path, rng: "nothing",))
        outcome = run_case(copy, 0, seed=0, seeds=job.seeds, scratch=job.scratch)
        if outcome.kind != "fine":
            print(f"{job.target.name}, undamaged: {outcome.kind}: {outcome.detail}", file=sys.stderr, flush=True)
        return int(outcome.kind != "fine")
    except BaseException:
        traceback.print_exc()
        return 1


def _start(job: Job) -> _Worker:
    out, end = os.pipe()
    pid = os.fork()
    if pid:
        os.close(end)
        return _Worker(pid, out, job, since=time.monotonic())
    os.close(out)
    status = 1
    try:
        _work(job, end)
        status = 0
    finally:
        _leave(status)


def _work(job: Job, end: int) -> None:
    nothing = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nothing, descriptor)
    faulthandler.disable()  # it would write into the descriptors of the process that was forked
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    warnings.simplefilter("ignore")
    for number in job.numbers:
        try:
            outcome = run_case(
                job.target,
                number,
                seed=job.seed,
                seeds=job.seeds,
                scratch=job.scratch,
                begins=partial(os.write, end, f"{number}\n".encode()),
            )
        except Exception as error:  # of the harness itself
            outcome = Outcome(
                job.target.name, number, "foreign", "harness", f"{where(error)}: {type(error).__name__}: {error}"
            )
        os.write(end, (json.dumps(outcome.__dict__) + "\n").encode())
        if outcome.kind == "memory":
            return  # the peak of the process stays: another one goes on


def _receive(worker: _Worker, data: bytes) -> Iterator[Outcome]:
    *lines, worker.rest = (worker.rest + data).split(b"\n")
    for line in lines:
        value = json.loads(line)
        if isinstance(value, int):
            worker.current, worker.since, worker.cpu = value, time.monotonic(), _cpu(worker.pid)
        else:
            outcome = Outcome(**value)
            worker.job = replace(worker.job, numbers=worker.job.numbers[1:])
            worker.current = None
            yield outcome


def _ended(worker: _Worker, again: list[Job]) -> Iterator[Outcome]:
    os.close(worker.stream)
    _, status = os.waitpid(worker.pid, 0)
    job = worker.job
    current = worker.current
    if current is None and status and job.numbers:
        current = job.numbers[0]  # it died while it damaged the files
    if current is not None:
        number = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
        kind = "hang" if number == signal.SIGKILL else "abort"
        how = f"signal {signal.Signals(number).name}" if number else f"exit status {os.WEXITSTATUS(status)}"
        yield Outcome(job.target.name, current, kind, "", how, time.monotonic() - worker.since)
        job = replace(job, numbers=job.numbers[1:])
    if job.numbers:
        again.append(job)


def _is_stuck(worker: _Worker, cpu: float) -> bool:
    return _cpu(worker.pid) - worker.cpu > cpu or time.monotonic() - worker.since > WAIT * cpu


def _cpu(pid: int) -> float:
    """Processor seconds of a process; 0 where the system does not tell."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _leave(status: int) -> NoReturn:
    """End a forked process without the clean-up of the one that it was forked from."""
    os._exit(status)
