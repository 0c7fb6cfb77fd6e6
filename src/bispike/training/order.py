"""The order of the training samples, epoch by epoch, and the samples of each step."""

from __future__ import annotations

import torch
from torch import Tensor

from ..seeds import generator


def epoch_order(samples: int, seed: int, epoch: int) -> Tensor:
    """The permutation of the training samples in one epoch: int64 `[samples]`."""
    return torch.randperm(samples, generator=generator(seed, "order", epoch))


def steps_per_epoch(samples: int, batch_size: int) -> int:
    """Full batches in one epoch, at least one. The samples that are left over differ from epoch to epoch."""
    return max(1, samples // batch_size)


def batch_indices(order: Tensor, step: int, batch_size: int) -> Tensor:
    """The samples of one step of the epoch, int64 `[B]`."""
    return order[step * batch_size : (step + 1) * batch_size]
