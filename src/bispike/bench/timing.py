"""Time of a step: contenders take turns, and every turn is kept so that ratios can be paired.

On a CPU the clock is the processor time of this process, all of its threads together: a machine that is shared with
others does not lengthen it, and a second thread does not shorten it. On CUDA it is the wall clock between two
synchronisations.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import torch


@dataclass(frozen=True)
class Work:
    """What is timed of one contender: a training step with the optimizer's, and an inference step."""

    step: Callable[[], object]
    infer: Callable[[], object]


@dataclass(frozen=True)
class Times:
    """Milliseconds of every timed turn; equal places of two contenders belong to the same turn."""

    step_ms: list[float] = field(default_factory=list)
    inference_ms: list[float] = field(default_factory=list)


def take_turns(
    works: Mapping[str, Work],
    *,
    warmup: int,
    repeats: int,
    device: torch.device,
) -> dict[str, Times]:
    """Time all contenders in turns. Who begins a turn changes from turn to turn, so that all follow all.

    Args:
        works: by contender.
        warmup, repeats: untimed and timed turns; a turn is one step and one inference of each.
        device: of the work.
    """
    names = list(works)
    times = {name: Times() for name in names}
    for turn in range(warmup + repeats):
        first = turn % len(names)
        for name in names[first:] + names[:first]:
            step_ms = elapsed_ms(works[name].step, device)
            inference_ms = elapsed_ms(works[name].infer, device)
            if turn >= warmup:
                times[name].step_ms.append(step_ms)
                times[name].inference_ms.append(inference_ms)
    return times


def elapsed_ms(call: Callable[[], object], device: torch.device) -> float:
    """Milliseconds of one call (see the module's text for the clock)."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
        start = time.perf_counter()
        call()
        torch.cuda.synchronize(device)
        return (time.perf_counter() - start) * 1e3
    start = time.process_time()
    call()
    return (time.process_time() - start) * 1e3
