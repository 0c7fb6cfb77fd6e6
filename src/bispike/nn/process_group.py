"""Processes that share a batch: each holds some of its samples, and sums over samples are sums over all of them.

Every quantity of more than one sample (batch statistics, centres, class counts, means in a loss) is computed with three
methods: `share` returns the samples of this process, `count` the number of all samples, and `sum` the sum of the values
of all processes. A single process is a group of one, where the three methods change nothing.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor


class Group:
    """One of `size` processes that share each batch; the base class is a single process.

    Args:
        rank: number of this process, from 0.
        size: number of processes.

    Attributes:
        shares: whether the samples of the current batch are divided among several processes.
    """

    def __init__(self, *, rank: int = 0, size: int = 1) -> None:
        self.rank, self.size = rank, size
        self._samples: int | None = None  # number of samples of the current batch, if it is shared
        self.shares = False
        self._mine = slice(0, 0)

    def share(self, samples: int) -> slice:
        """Begin a batch of this many samples; return the part of this process: contiguous, nearly the same size in all.

        A batch with fewer samples than processes is not divided: each process computes the whole batch.
        """
        if self.size == 1 or samples < self.size:
            self._samples, self.shares = None, False
            return slice(0, samples)
        self._samples, self.shares = samples, True
        self._mine = slice(samples * self.rank // self.size, samples * (self.rank + 1) // self.size)
        return self._mine

    def count(self, rows: int) -> int:
        """Number of rows of the whole batch, where this process has `rows`: equally many for each of its samples."""
        if self._samples is None:
            return rows
        each, left = divmod(rows, self._mine.stop - self._mine.start)
        assert not left, "rows of a shared batch: expected equally many for each sample"
        return self._samples * each

    def sum(self, values: Tensor) -> Tensor:
        """Sum over the processes that share the batch; differentiable."""
        if not self.shares:
            return values
        total: Tensor = _Sum.apply(values, self)
        return total

    def whole(self, rows: Tensor) -> Tensor:
        """Rows `[B, ...]` of the whole batch, with zeros for the samples of other processes.

        Random numbers that are drawn for these rows do not depend on the number of processes.
        """
        if self._samples is None:
            return rows
        padded = rows.new_zeros((self._samples, *rows.shape[1:]))
        padded[self._mine] = rows
        return padded

    def mine(self, values: Tensor, *, axis: int = 0) -> Tensor:
        """Values of the samples of this process from values of the whole batch."""
        return (
            values
            if self._samples is None
            else values.narrow(axis, self._mine.start, self._mine.stop - self._mine.start)
        )

    def add_(self, values: Tensor) -> Tensor:
        """Sum over all processes, in place, also where they do not share a batch; without a tape."""
        return values


ALONE = Group()


class _Sum(torch.autograd.Function):
    """The sum y = Σ_r x_r, in every process r. The loss is Σ_r L_r, so dL/dx_r = Σ_r' dL_r'/dy, the same sum."""

    @staticmethod
    def forward(ctx: Any, values: Tensor, group: Group) -> Tensor:
        ctx.group = group
        return group.add_(values.detach().clone(memory_format=torch.contiguous_format))

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        return ctx.group.add_(grads[0].clone(memory_format=torch.contiguous_format)), None
