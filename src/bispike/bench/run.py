"""Run a suite: a process for the times of a case, and a fresh one for the memory of each of its contenders.

Rules of measurement
- One thread. On a CPU the processor time, on CUDA the wall clock between synchronisations.
- All contenders of a case, peers included, take turns in one process with one torch, so that a slow moment of the
  machine affects all of them. (Separate processes would differ in their caches and allocators.)
- 20 untimed and 100 timed turns for small cases, fewer for large ones; the rows give the numbers. Times are medians
  with quartiles; ratios are medians of the ratios turn by turn.
- A step consists of the step of the rule and that of fused Adam with learning rate 0: the full work, at constant
  weights and constant density of spikes. A layer case has no optimizer.
- Peers get the same weights, constants, batch, loss and optimizer; spikes are compared before the timing.
- Memory: tensors alive beyond weights, gradients and optimizer state (`memory`), and the resident set beyond weights,
  gradients, optimizer state and data (`resident`), which includes memory that the C library fails to reuse.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ..errors import WorkError
from . import peers
from .cases import Case
from .contenders import OWN
from .peers.environment import PeersError, peers_python, search_path
from .rows import rows_of

Note = Callable[[str], None]
Ask = Callable[[dict[str, Any]], dict[str, Any]]


class WorkerError(WorkError):
    """A measuring process failed; the message gives the reason."""


@dataclass
class Result:
    """Rows of the table, and the problems of what could not be measured."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def run_suite(
    cases: Sequence[Case],
    *,
    with_peers: bool = False,
    device: str = "cpu",
    note: Note = lambda message: None,
    keep: Callable[[Result], object] = lambda result: None,
) -> Result:
    """Measure cases one after the other.

    Args:
        cases: the cases.
        with_peers: whether peers are measured too. If their environment cannot be created, only bispike is measured
            and the problem is listed.
        device: `cpu` or `cuda`.
        note: receives messages about the progress, one line each.
        keep: receives the result so far after each case, so that it can be saved during a long suite.

    Returns:
        Rows (see `rows.rows_of`) and problems.
    """
    result = Result()
    python, libraries = Path(sys.executable), []
    if with_peers:
        try:
            python, libraries = peers_python(note=note), list(peers.NAMES)
        except PeersError as error:
            result.problems.append(str(error))
            note(str(error))
    for number, case in enumerate(cases, start=1):
        note(f"{case.name} ({number} of {len(cases)})")
        contenders = [*((OWN, rule) for rule in case.rules), *((library, "bptt") for library in libraries)]
        try:
            measured = measure(case, contenders, device, ask=lambda request: ask_worker(request, python), note=note)
        except WorkerError as error:
            result.problems.append(f"{case.name}: {error}")
            note(result.problems[-1])
            continue
        except KeyboardInterrupt:
            result.problems.append(f"interrupted at {case.name}; the results of earlier cases are complete")
            note(result.problems[-1])
            break
        result.rows += measured.rows
        result.problems += measured.problems
        keep(result)
    return result


def measure(case: Case, contenders: Sequence[tuple[str, str]], device: str, *, ask: Ask, note: Note) -> Result:
    """Measure one case: first the times, then the memory of each contender that could be timed.

    Raises:
        WorkerError: no times could be measured.
    """
    result = Result()
    request = {"case": asdict(case), "device": device}
    timing = ask({**request, "task": "time", "contenders": contenders})
    for name, message in timing["failed"].items():
        result.problems.append(f"{case.name}, {name}: {message}")
        note(result.problems[-1])
    memory = {}
    for name in timing["contenders"]:
        try:
            memory[name] = ask({**request, "task": "memory", "contenders": [name.split(" ", 1)]})
        except WorkerError as error:
            result.problems.append(f"{case.name}, memory of {name}: {error}")
            note(result.problems[-1])
    result.rows = rows_of(case, timing, memory)
    return result


def ask_worker(request: dict[str, Any], python: Path) -> dict[str, Any]:
    """Send one request to a fresh measuring process.

    Raises:
        WorkerError: it failed; the message contains the last line of its output.
    """
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(search_path(python)), "PYTHONSAFEPATH": "1"}
    environment |= dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    done = subprocess.run(
        [str(python), "-m", "bispike.bench.worker"],
        input=json.dumps(request),
        env=environment,
        text=True,
        capture_output=True,
        check=False,
    )
    if done.returncode < 0:
        raise WorkerError(f"the measuring process was ended by signal {-done.returncode} (out of memory?).")
    if done.returncode:
        last = (done.stderr.strip() or "no message").splitlines()[-1]
        raise WorkerError(f"the measuring process failed: {last}")
    return json.loads(done.stdout)
