"""Run a suite: a process for the times of a case, and a fresh one for the memory of each of its contenders.

Rules of measurement
- One thread. On a CPU, processor time; on CUDA, wall clock between synchronisations.
- All contenders of a case, peers too, take turns in one process and one torch, so that a slow moment of the machine
  hits all of them. (Processes of their own, taking turns over pipes, would differ in their caches and allocators.)
- 20 untimed and 100 timed turns for small cases, fewer for heavy ones; the rows say how many. Medians and quartiles;
  ratios are medians of the ratios turn by turn.
- A step is the rule's step and fused Adam's, with a learning rate of 0: all of the work, at the same weights and the
  same density of spikes to the end. A layer case has no optimizer.
- Peers have our weights, constants, batch, loss and optimizer; spikes are compared before anything is timed.
- Memory: the tensors alive beyond weights, gradients and optimizer state (`memory`), and beside it the resident set
  above weights, gradients, optimizer state and data (`resident`), where what the C library fails to reuse counts too.
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
    """A measuring process ended without an answer; the message says how."""


@dataclass
class Result:
    """Rows of the table, and what could not be measured."""

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
        cases: what to measure.
        with_peers: whether the peers take part. Where their environment cannot be made, ours are measured alone and
            the problem is named.
        device: `cpu` or `cuda`.
        note: told what is being done, a line each.
        keep: given what is there after each case, so that a long suite can be saved on the way.

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
            result.problems.append(f"interrupted at {case.name}; the cases before it are kept")
            note(result.problems[-1])
            break
        result.rows += measured.rows
        result.problems += measured.problems
        keep(result)
    return result


def measure(case: Case, contenders: Sequence[tuple[str, str]], device: str, *, ask: Ask, note: Note) -> Result:
    """One case: times first, then the memory of those that could be timed.

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
        WorkerError: it failed; the message has its last line.
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
