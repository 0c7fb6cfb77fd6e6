"""Trainings in several processes for tests: a driver imports everything once and forks the processes of each scenario.

`played` starts the driver and returns how each process ended. All trainings are in float64, of digits or of the series
mackey-glass. A case may name a step during which a process kills itself, or a step after which it receives a signal to
stop, or a command line instead.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import traceback
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch

from bispike import data, models, rules
from bispike.cli import main
from bispike.errors import BispikeError
from bispike.nn import Network
from bispike.nn.inference import is_inference
from bispike.training import TrainingInterrupted, fit
from bispike.training.progress import Progress

SETTINGS: dict[str, Any] = {"epochs": 2, "batch_size": 40, "lr": 3e-3, "validation": 0.1, "limit": 280, "threads": 1}


@dataclass(frozen=True)
class Case:
    """One training, in the folder `out` below the scenarios' root."""

    out: str
    dataset: str = "digits"
    rule: str = "bsd"
    rule_options: dict[str, Any] = field(default_factory=dict)
    model_options: dict[str, Any] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)
    settings_of_last: dict[str, Any] = field(default_factory=dict)
    stop_after: int | None = None
    die_in: int | None = None
    victim: int = 0
    words: Sequence[str] = ()


@dataclass(frozen=True)
class Scenario:
    """Cases that `size` processes train one after another."""

    name: str
    size: int
    cases: Sequence[Case]


@dataclass(frozen=True)
class Ended:
    """How one process ended: status as of `os.waitstatus_to_exitcode`."""

    status: int
    output: str
    errors: str


def played(root: Path, scenarios: Sequence[Scenario]) -> dict[str, list[Ended]]:
    """How each process of each scenario ended, by name and rank."""
    content = json.dumps([asdict(scenario) for scenario in scenarios])
    command = [sys.executable, str(Path(__file__)), str(root), content]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    with subprocess.Popen(
        command, env=environment, start_new_session=True, stderr=subprocess.PIPE, text=True
    ) as driver:
        try:
            errors = driver.communicate(timeout=500)[1]
        finally:
            if driver.poll() is None:
                os.killpg(driver.pid, signal.SIGKILL)
    assert driver.returncode == 0, errors
    statuses = json.loads((root / "statuses.json").read_text())
    return {
        name: [
            Ended(status, *((root / f"{name}-{rank}.{kind}").read_text() for kind in ("out", "err")))
            for rank, status in enumerate(ranks)
        ]
        for name, ranks in statuses.items()
    }


# ---------------------------------------------------------------------- the driver


def _play(root: Path, scenarios: list[dict[str, Any]]) -> None:
    torch.set_num_threads(1)
    torch.optim.Adam([torch.nn.Parameter(torch.zeros(1))]).step()  # imports what the first optimizer imports
    statuses = {}
    for scenario in scenarios:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        ranks = range(scenario["size"])
        children = [_fork(root, scenario, rank, port) for rank in ranks]
        statuses[scenario["name"]] = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
    (root / "statuses.json").write_text(json.dumps(statuses))


def _fork(root: Path, scenario: dict[str, Any], rank: int, port: int) -> int:
    child = os.fork()
    if child:
        return child
    status = 1
    try:
        for stream, kind in ((1, "out"), (2, "err")):
            target = os.open(root / f"{scenario['name']}-{rank}.{kind}", os.O_WRONLY | os.O_CREAT)
            os.dup2(target, stream)
        if scenario["size"] > 1:  # what torchrun sets
            os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "WORLD_SIZE": str(scenario["size"])}
            os.environ |= {"RANK": str(rank), "LOCAL_RANK": str(rank)}
        for case in scenario["cases"]:
            _train(root, Case(**case), rank, last=rank == scenario["size"] - 1)
        status = 0
    except BispikeError as error:
        print(error, file=sys.stderr)
        status = error.exit_status
    except SystemExit as end:
        status = int(end.code or 0)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def _train(root: Path, case: Case, rank: int, *, last: bool) -> None:
    if case.words:
        sys.argv = ["bispike", *case.words, "--out", str(root / case.out)]
        main()
    dataset = data.load(case.dataset)
    make = models.mlp if case.dataset == "digits" else models.rnn
    options = {"time_steps": 3, "gain": 1.5, **case.model_options}
    network = make(dataset.stimulus, [16, 12], dataset.concept, **options).double()
    rule = rules.create(case.rule, network, **case.rule_options)
    if case.die_in is not None and rank == case.victim:
        _die_in(network, case.die_in)
    settings = {**SETTINGS, "checkpoint_seconds": 0, "progress": _Stops(case.stop_after), **case.settings}
    settings |= case.settings_of_last if last else {}
    try:
        fit(network, rule, dataset, out=root / case.out, resume=True, **settings)
    except TrainingInterrupted:
        assert case.stop_after is not None


class _Stops(Progress):
    """Sends process 0, which alone reports progress, the signal to stop after some steps, as a launcher would."""

    def __init__(self, after: int | None) -> None:
        self.left = after

    def note(self, message: str) -> None:
        print(message, file=sys.stderr)

    def step(self, loss: float) -> None:
        if self.left is not None:
            self.left -= 1
            if self.left == 0:
                signal.raise_signal(signal.SIGTERM)


def _die_in(network: Network, step: int) -> None:
    """Once the first layer has moved its statistics, before the second one does."""
    second, calls = network.layers[1].up, [0]
    respond = second.forward_spikes

    def dying(*arguments: Any, **options: Any) -> Any:
        calls[0] += not is_inference()
        if not is_inference() and calls[0] == step:
            os.kill(os.getpid(), signal.SIGKILL)
        return respond(*arguments, **options)

    second.forward_spikes = dying  # type: ignore[method-assign]


if __name__ == "__main__":
    _play(Path(sys.argv[1]), json.loads(sys.argv[2]))
