"""Learning rate schedules as functions of the step, without a state, so that a resumed training continues exactly."""

from __future__ import annotations

import math
from collections.abc import Callable

from ..arguments import checked
from ..errors import UnknownNameError


def _constant(progress: float) -> float:
    return 1.0


def _cosine(progress: float) -> float:
    return 0.5 * (1.0 + math.cos(math.pi * progress))


def _linear(progress: float) -> float:
    return 1.0 - progress


def _step(progress: float) -> float:
    return 1.0 if progress < 0.5 else 0.1 if progress < 0.75 else 0.01


SCHEDULES: dict[str, Callable[[float], float]] = {
    "constant": _constant,
    "cosine": _cosine,  # half a cosine from 1 to 0
    "linear": _linear,  # from 1 to 0
    "step": _step,  # a tenth after half of the steps, a hundredth after three quarters
}


@checked
def schedule_factor(name: str, step: int, total: int, *, warmup_steps: int = 0) -> float:
    """Factor of the learning rate at a step, dimensionless, in (0, 1].

    Args:
        name: one of SCHEDULES.
        step: from 0 to total - 1.
        total: steps of the whole training.
        warmup_steps: the factor rises linearly over this many steps before the schedule starts.

    Raises:
        UnknownNameError: with the nearest name.
    """
    if name not in SCHEDULES:
        raise UnknownNameError("schedule", name, SCHEDULES)
    if step < warmup_steps:
        return (step + 1) / (warmup_steps + 1)
    return SCHEDULES[name]((step - warmup_steps) / max(1, total - warmup_steps))
