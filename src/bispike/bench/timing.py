"""Time of a step: contenders take turns, and all times are stored so that ratios can be paired by turn.

On a CPU the clock is the processor time of this process, summed over its threads: other processes on the machine do not
increase it, and further threads do not decrease it. On CUDA it is the wall clock between two synchronisations.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import torch


@dataclass(frozen=True)
class Work:
    """The timed functions of one contender: a training step with that of the optimizer, and an inference step."""

    step: Callable[[], object]
    infer: Callable[[], object]


@dataclass(frozen=True)
class Times:
    """Milliseconds of every timed turn; equal indices of two contenders belong to the same turn."""

    step_ms: list[float] = field(default_factory=list)
    inference_ms: list[float] = field(default_factory=list)


def take_turns(
    works: Mapping[str, Work],
    *,
    warmup: int,
    repeats: int,
    device: torch.device,
) -> dict[str, Times]:
    """Time all contenders in turns. Each turn begins with another contender, so that none is always first.

    Args:
        works: timed functions by contender.
        warmup, repeats: numbers of untimed and of timed turns; a turn is one step and one inference of each.
        device: device of the work.
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
    """Milliseconds of one call, by the clock that the module describes."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
        start = time.perf_counter()
        call()
        torch.cuda.synchronize(device)
        return (time.perf_counter() - start) * 1e3
    start = time.process_time()
    call()
    return (time.process_time() - start) * 1e3
