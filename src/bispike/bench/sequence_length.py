"""Memory and time of a training step against the length of the sequence: `bispike study
sequence-length`.

Random symbols, one thread. Memory: largest number of bytes of tensors alive at once beyond weights, gradients and the
batch (`bench.memory`). Time: median of a few steps. Each rule gets a new network for each length.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from .. import models, rules, tasks
from ..files import write_json
from ..nn import Network, SequenceForecaster, SequenceNetwork
from ..rules import Rule
from ..runs.marker import RESULTS, claim
from ..tasks.sequences import SequenceTask
from ..training.environment import deterministic
from .memory import network_tensors, peak_step_bytes

FILE = "sequences.json"
SYMBOLS, UNITS, BATCH = 65, 324, 64
LENGTHS = (32, 128, 512)
REPEATS = 5


def measure(
    rule: str, length: int, *, units: int = UNITS, batch: int = BATCH, repeats: int = REPEATS
) -> dict[str, Any]:
    """Peak bytes and median milliseconds of a step of a rule on sequences of a length."""
    network = models.create("rnn", SYMBOLS, SYMBOLS, widths=[units])
    trained, stimulus, targets = prepare(network, rule, {}, length, batch)
    times = []
    for _ in range(repeats):
        started = time.perf_counter()
        trained.compute_gradients(stimulus, targets)
        times.append(time.perf_counter() - started)
    peak = peak_bytes(trained, stimulus, targets)
    return {"rule": rule, "length": length, "peak_mb": peak / 2**20, "step_ms": 1e3 * statistics.median(times)}


def step_memory(spec: Mapping[str, Any], rule: str, options: Mapping[str, Any], length: int, batch: int) -> int:
    """Peak bytes of a step of a rule on a new network.

    Args:
        spec: description of a recurrent network (`Network.spec`).
        rule, options: name and options of the rule.
        length: number of positions.
        batch: number of sequences.
    """
    return peak_bytes(*prepare(models.build(dict(spec)), rule, options, length, batch))


def prepare(
    network: Network, rule: str, options: Mapping[str, Any], length: int, batch: int
) -> tuple[Rule, Tensor, Tensor]:
    """The rule after a first short step, which allocates its buffers, and random sequences for the network."""
    recurrent = tasks.expect(network, SequenceTask, "memory by length").network
    stimulus, targets = random_sequences(recurrent, length, batch)
    created = rules.create(rule, network.train(), **options)
    created.compute_gradients(stimulus[:, :2], targets[:, :2])
    return created, stimulus, targets


def random_sequences(network: SequenceNetwork, length: int, batch: int) -> tuple[Tensor, Tensor]:
    """Random stimuli `[B, S]` or `[B, S, D]` and targets `[B, S]` or `[B, S, K]` that fit the network."""
    draws = torch.Generator().manual_seed(0)
    size, classes = network.stimulus.size, network.concept.classes
    if network.symbols:
        stimulus = torch.randint(size, (batch, length), generator=draws)
    else:
        stimulus = torch.randn(batch, length, size, generator=draws)
    if isinstance(network, SequenceForecaster):
        targets = torch.randn(batch, length, classes, generator=draws)
    else:
        targets = torch.randint(classes, (batch, length), generator=draws)
    return stimulus, targets


def peak_bytes(rule: Rule, stimulus: Tensor, targets: Tensor) -> int:
    """Peak bytes of one step."""
    existing = [*network_tensors(rule.network), stimulus, targets]
    return peak_step_bytes(lambda: rule.compute_gradients(stimulus, targets), rule.parameters(), existing)


HEADINGS = ("rule", "length", "memory MiB", "relative", "step ms")


def measure_all(names: Sequence[str], lengths: Sequence[int], *, out: Path | None = None) -> list[dict[str, Any]]:
    """A row for each rule and length, measured on one thread; `out` is a folder for `sequences.json`."""
    if out is not None:
        claim(out, RESULTS, [FILE])
    with deterministic(torch.device("cpu"), threads=1):
        rows = [measure(rule, length) for rule in names for length in lengths]
    if out is not None:
        write_json(out / FILE, {"rows": rows})
    return rows


def cells(rows: Sequence[dict[str, Any]]) -> list[list[str]]:
    """The rows as texts under `HEADINGS`; "relative" is the memory relative to the rule's first row."""
    first = {row["rule"]: row["peak_mb"] for row in reversed(rows)}
    return [
        [
            row["rule"],
            str(row["length"]),
            f"{row['peak_mb']:.1f}",
            f"{row['peak_mb'] / first[row['rule']]:.2f}",
            f"{row['step_ms']:.1f}",
        ]
        for row in rows
    ]
