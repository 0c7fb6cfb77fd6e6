"""Processes that share a batch, played by threads: the same sums in the same order, without sockets."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from typing import TypeVar

import torch
from torch import Tensor

from bispike.nn import Group
from bispike.rules import Rule

Result = TypeVar("Result")


class Together(Group):
    """One of several threads; each sum waits for all of them."""

    def __init__(self, *, rank: int, size: int, barrier: threading.Barrier, slots: list[Tensor | None]) -> None:
        super().__init__(rank=rank, size=size)
        self.barrier, self.slots = barrier, slots

    def add_(self, values: Tensor) -> Tensor:
        self.slots[self.rank] = values.clone()
        self.barrier.wait(20)
        parts = [part for part in self.slots if part is not None]
        assert len({part.shape for part in parts}) == 1, "processes add up tensors of different shapes"
        total = torch.stack(parts).sum(0)
        self.barrier.wait(20)
        return values.copy_(total)


def learned(
    group: Group, rule: Rule, batches: Iterable[tuple[Tensor, Tensor]], *, lr: float
) -> tuple[dict[str, Tensor], dict[str, Tensor], list[float]]:
    """Weights, the rule's memory and the losses after a step of SGD on each batch, this process with its share."""
    optimizer = torch.optim.SGD(rule.parameters(), lr=lr, momentum=0.9)
    losses: list[float] = []
    for step, (stimuli, targets) in enumerate(batches):
        mine = group.share(len(targets))
        report = rule.compute_gradients(stimuli[mine], targets[mine], generator=torch.Generator().manual_seed(step))
        parts = torch.stack([report.loss, report.correct.to(report.loss), *report.layer_losses.values()])
        losses += group.sum(parts).tolist()
        for parameter in rule.parameters():
            assert parameter.grad is not None
            parameter.grad = group.sum(parameter.grad)
        optimizer.step()
    return dict(rule.network.state_dict()), rule.state_dict(), losses


def together(size: int, work: Callable[[Group], Result]) -> list[Result]:
    """What each of `size` threads returns from `work(group)`."""
    barrier, slots = threading.Barrier(size), list[Tensor | None]([None] * size)
    results, errors = dict[int, Result](), list[BaseException]()

    def run(rank: int) -> None:
        try:
            results[rank] = work(Together(rank=rank, size=size, barrier=barrier, slots=slots))
        except BaseException as error:
            errors.append(error)
            barrier.abort()

    threads = [threading.Thread(target=run, args=(rank,)) for rank in range(size)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    return [results[rank] for rank in range(size)]
