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


def first_stratified(labels: Tensor, count: int) -> Tensor:
    """The first `count` samples with the class proportions of the whole, in their original order.

    Each class contributes its first samples; fractions go to the classes with the largest remainders.

    Args:
        labels: int64 `[N]`.
        count: number of samples to choose; all if it is at least N.

    Returns:
        Sorted indices, int64 `[min(count, N)]`.
    """
    classes, sizes = labels.unique(return_counts=True)
    if count >= len(labels):
        return torch.arange(len(labels))
    shares = sizes.double() * count / len(labels)
    quota = shares.floor().long()
    remainders = (shares - quota).tolist()
    largest = sorted(range(len(classes)), key=lambda index: (-remainders[index], index))
    quota[largest[: count - int(quota.sum())]] += 1
    chosen = [(labels == label).nonzero().flatten()[: int(share)] for label, share in zip(classes, quota, strict=True)]
    return torch.cat(chosen).sort().values
