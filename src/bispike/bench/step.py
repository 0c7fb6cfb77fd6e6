"""Cost of a training step, rule against rule: `python -m bispike.bench`.

Rules of measurement: one thread; the rules take turns within one run, so that a slow moment of the machine hits all
of them; processor time, medians over ≥ 40 steps after a warm-up; a step is the rule's step and the optimizer's
(fused Adam); ratios are against `bptt` on the same network. Memory: `bench.memory`.
"""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Sequence
from functools import partial
from typing import Any

import torch

from .. import models, rules
from .memory import network_tensors, peak_step_bytes, process_time_ms


def compare_steps(
    *,
    names: Sequence[str] = ("bsd", "bptt"),
    steps: Sequence[int] = (4, 16),
    widths: Sequence[int] = (1024, 512, 256),
    norms: Sequence[bool] = (False, True),
    batch_size: int = 128,
    repeats: int = 40,
    warmup: int = 8,
    seed: int = 0,
) -> list[dict[str, Any]]:
    """Rows of `{case, rule, steps, step_ms, inference_ms, peak_memory_mb, ratio_time, ratio_memory}`.

    Args:
        names: rules; the ratios are against the last one.
        steps: values of T.
        widths: hidden widths of the network on 28×28 stimuli with 10 classes.
        norms: without or with batch norm (the preset `fashion-mlp` has it).
        batch_size: B.
        repeats: timed steps of each rule.
        warmup: untimed steps before them.
        seed: of weights and data.
    """
    generator = torch.Generator().manual_seed(seed)
    stimulus = torch.rand(batch_size, 784, generator=generator)
    labels = torch.randint(0, 10, (batch_size,), generator=generator)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    rows = []
    try:
        for norm, total in itertools.product(norms, steps):
            options = {"widths": widths, "norm": norm, "steps": total, "seed": seed}
            rows += _case(names, options, stimulus, labels, repeats, warmup)
    finally:
        torch.set_num_threads(threads)
    return rows


def _case(
    names: Sequence[str],
    options: dict[str, Any],
    stimulus: torch.Tensor,
    labels: torch.Tensor,
    repeats: int,
    warmup: int,
) -> list[dict[str, Any]]:
    twins = {name: _Twin(name, options) for name in names}
    memory = {name: twin.peak_bytes(stimulus, labels) for name, twin in twins.items()}
    times: dict[str, list[float]] = {name: [] for name in names}
    inference: dict[str, list[float]] = {name: [] for name in names}
    for turn in range(warmup + repeats):
        for name, twin in twins.items():
            spent = process_time_ms(partial(twin.step, stimulus, labels))
            looked = process_time_ms(partial(twin.network.logits, stimulus))
            if turn >= warmup:
                times[name].append(spent)
                inference[name].append(looked)
    against = names[-1]
    return [
        {
            "case": f"mlp-T{options['steps']}" + ("-norm" if options["norm"] else ""),
            "rule": name,
            "library": "bispike",
            "steps": options["steps"],
            "step_ms": statistics.median(times[name]),
            "inference_ms": statistics.median(inference[name]),
            "peak_memory_mb": memory[name] / 2**20,
            "ratio_time": statistics.median(times[name]) / statistics.median(times[against]),
            "ratio_memory": memory[name] / memory[against],
        }
        for name in names
    ]


class _Twin:
    """The same network under one rule, with its optimizer."""

    def __init__(self, name: str, options: dict[str, Any]) -> None:
        self.network = models.create("mlp", 784, 10, **options)
        self.rule = rules.create(name, self.network)
        self.optimizer = torch.optim.Adam(self.rule.parameters(), lr=1e-3, fused=True)

    def step(self, stimulus: torch.Tensor, labels: torch.Tensor) -> None:
        self.rule.step(stimulus, labels)
        self.optimizer.step()

    def peak_bytes(self, stimulus: torch.Tensor, labels: torch.Tensor) -> int:
        step = partial(self.rule.step, stimulus, labels)
        return peak_step_bytes(step, self.rule.parameters(), network_tensors(self.network))
