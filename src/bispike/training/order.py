"""Everything random in a training, as a function of the position.

No generator runs through a training. The order of the samples derives from (seed, epoch); augmentation and
stochastic coding derive from (seed, epoch, step). Each gets a fresh generator whose seed is a hash of what it is
for, so a resumed training needs nothing but its position to continue bit for bit.
"""

from __future__ import annotations

import hashlib

import torch
from torch import Tensor


def mix(*parts: int | str) -> int:
    """A seed of 63 bits from the parts; nearby parts give unrelated seeds."""
    digest = hashlib.sha256("\x1f".join(f"{type(part).__name__}:{part}" for part in parts).encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def generator(seed: int, purpose: str, *position: int, device: torch.device | str = "cpu") -> torch.Generator:
    """A fresh generator for one purpose ("augment", "rule", ...) at one position."""
    return torch.Generator(device=device).manual_seed(mix(seed, purpose, *position))


def epoch_order(samples: int, seed: int, epoch: int) -> Tensor:
    """The permutation of the training samples in one epoch: int64 [samples]."""
    return torch.randperm(samples, generator=generator(seed, "order", epoch))


def steps_per_epoch(samples: int, batch_size: int) -> int:
    """Full batches in one epoch; the samples left over (other ones each epoch) wait for the next. At least one."""
    return max(1, samples // batch_size)


def batch_indices(order: Tensor, step: int, batch_size: int) -> Tensor:
    """The samples of one step of the epoch."""
    return order[step * batch_size : (step + 1) * batch_size]


def first_stratified(labels: Tensor, count: int) -> Tensor:
    """The first `count` samples with the class proportions of the whole, in their old order.

    Each class contributes its first samples; fractions go to the classes with the largest remainders.

    Args:
        labels: int64 [N].
        count: how many to keep, at most N.

    Returns:
        Sorted indices, int64 [count].
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
