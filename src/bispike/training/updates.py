"""When the optimizer moves the weights: after the whole step, or in the sweep, as soon as a gradient is final.

    after      rule.step -> all gradients are there -> clip -> look at the loss -> move
    in-sweep   rule.step: stage 1 is done -> move it, forget its gradient -> stage 2 ... -> look at the loss

Local rules read no weight again once its gradient is written, so both ways give the same bits; in-sweep never
holds more than one stage's gradients. Where several processes share a batch, a stage's gradients are summed over
them while the next stage sweeps.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import nn

from ..rules import Rule

Reduce = Callable[[Sequence[nn.Parameter]], Callable[[], None]]
"""Starts to sum the gradients of some parameters over processes; what it returns waits for the sum."""


class Updates:
    """Moves the weights of one training.

    Args:
        optimizer: over the parameters of the rule.
        in_sweep: whether parameters move as soon as they are announced.
        reduce: sums gradients over processes; None where one process has the whole batch.
    """

    def __init__(self, optimizer: torch.optim.Optimizer, *, in_sweep: bool, reduce: Reduce | None = None) -> None:
        self.optimizer, self.in_sweep, self.reduce = optimizer, in_sweep, reduce
        self.waiting: deque[tuple[Sequence[nn.Parameter], Callable[[], None]]] = deque()

    @contextmanager
    def hearing(self, rule: Rule) -> Iterator[None]:
        """While entered, the rule announces its gradients here, if anything is to be done with them in the step."""
        if self.in_sweep or self.reduce is not None:
            rule.when_written = self._written
        try:
            yield
        finally:
            rule.when_written = None

    def gather(self) -> None:
        """At the end of a step: gradients are those of the whole batch; in-sweep, they are applied."""
        while self.waiting:
            self._take_first()

    def apply(self) -> None:
        """Move the weights, unless the sweep did."""
        if not self.in_sweep:
            self.optimizer.step()

    def _written(self, parameters: Sequence[nn.Parameter]) -> None:
        if self.reduce is None:
            self._move(parameters)
            return
        self.waiting.append((parameters, self.reduce(parameters)))
        if self.in_sweep and len(self.waiting) > 1:  # the sum of the stage before ran while this one swept
            self._take_first()

    def _take_first(self) -> None:
        parameters, wait = self.waiting.popleft()
        wait()
        if self.in_sweep:
            self._move(parameters)

    def _move(self, parameters: Sequence[nn.Parameter]) -> None:
        """One step of the optimizer on some of its parameters; their gradients are let go."""
        chosen = {id(parameter) for parameter in parameters}
        groups = self.optimizer.param_groups
        parts = [{**group, "params": [p for p in group["params"] if id(p) in chosen]} for group in groups]
        self.optimizer.param_groups = [part for part in parts if part["params"]]
        try:
            self.optimizer.step()
        finally:
            self.optimizer.param_groups = groups
        for parameter in parameters:
            parameter.grad = None
