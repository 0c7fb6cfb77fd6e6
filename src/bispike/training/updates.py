"""When the optimizer moves the weights: after the whole step, or in the pass, as soon as a gradient is final.

    after      rule.step -> all gradients are there -> clip -> look at the loss -> move
    in-pass   rule.step: layer 1 is done -> move it, forget its gradient -> layer 2 ... -> look at the loss

Local rules read no weight again once its gradient is written, so both ways give the same bits; in-pass never
holds more than one layer's gradients. Where several processes share a batch, a layer's gradients are summed over
them while the next layer passes.
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
        in_pass: whether parameters move as soon as they are announced.
        reduce: sums gradients over processes; None where one process has the whole batch.
    """

    def __init__(self, optimizer: torch.optim.Optimizer, *, in_pass: bool, reduce: Reduce | None = None) -> None:
        self.optimizer, self.in_pass, self.reduce = optimizer, in_pass, reduce
        self.waiting: deque[tuple[Sequence[nn.Parameter], Callable[[], None]]] = deque()

    @contextmanager
    def hearing(self, rule: Rule) -> Iterator[None]:
        """While entered, the rule announces its gradients here, if anything is to be done with them in the step."""
        if self.in_pass or self.reduce is not None:
            rule.on_gradients_ready = self._written
        try:
            yield
        finally:
            rule.on_gradients_ready = None

    def gather(self) -> None:
        """At the end of a step: gradients are those of the whole batch; in-pass, they are applied."""
        while self.waiting:
            self._take_first()

    def apply(self) -> None:
        """Move the weights, unless the pass did."""
        if not self.in_pass:
            self.optimizer.step()

    def _written(self, parameters: Sequence[nn.Parameter]) -> None:
        if self.reduce is None:
            self._move(parameters)
            return
        self.waiting.append((parameters, self.reduce(parameters)))
        if self.in_pass and len(self.waiting) > 1:  # the sum of the layer before ran while this one swept
            self._take_first()

    def _take_first(self) -> None:
        parameters, wait = self.waiting.popleft()
        wait()
        if self.in_pass:
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
