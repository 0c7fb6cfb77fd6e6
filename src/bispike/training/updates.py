"""When the optimizer moves the weights: after the whole step, or in the pass, as soon as a gradient is final.

    after      gradients of all layers -> clip -> check the values -> move all weights
    in-pass    gradients of layer 1 -> move its weights, drop its gradients -> layer 2 ... -> check the values

Local rules do not read a weight again once its gradient is final, so both orders give the same bits; in-pass never
holds the gradients of more than one layer. Where several processes share a batch, the gradients of a layer are summed
over the processes while the next layer computes.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import nn

from ..rules import Rule

Reduce = Callable[[Sequence[nn.Parameter]], Callable[[], None]]
"""Starts to sum the gradients of some parameters over processes; the function that it returns waits for the sum."""


class Updates:
    """Moves the weights of one training.

    Args:
        optimizer: over the parameters of the rule.
        in_pass: whether parameters move as soon as the rule announces that their gradients are final.
        reduce: sums gradients over processes; None where one process has the whole batch.
    """

    def __init__(self, optimizer: torch.optim.Optimizer, *, in_pass: bool, reduce: Reduce | None = None) -> None:
        self.optimizer, self.in_pass, self.reduce = optimizer, in_pass, reduce
        self.pending: deque[tuple[Sequence[nn.Parameter], Callable[[], None]]] = deque()

    @contextmanager
    def attached(self, rule: Rule) -> Iterator[None]:
        """While entered, the rule announces final gradients here, if they are summed or applied during the step."""
        if self.in_pass or self.reduce is not None:
            rule.on_gradients_ready = self._gradients_ready
        try:
            yield
        finally:
            rule.on_gradients_ready = None

    def gather(self) -> None:
        """At the end of a step, finish the sums over processes; in-pass, apply the gradients too."""
        while self.pending:
            self._take_first()

    def apply(self) -> None:
        """Move the weights, unless they moved in the pass."""
        if not self.in_pass:
            self.optimizer.step()

    def _gradients_ready(self, parameters: Sequence[nn.Parameter]) -> None:
        if self.reduce is None:
            self._move(parameters)
            return
        self.pending.append((parameters, self.reduce(parameters)))
        if (
            self.in_pass and len(self.pending) > 1
        ):  # the gradients of the layer before were summed while this one computed
            self._take_first()

    def _take_first(self) -> None:
        parameters, wait = self.pending.popleft()
        wait()
        if self.in_pass:
            self._move(parameters)

    def _move(self, parameters: Sequence[nn.Parameter]) -> None:
        """One step of the optimizer on some of its parameters; their gradients are dropped."""
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
