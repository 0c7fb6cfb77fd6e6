"""Draws of rows by class: a stratified share, the first rows in proportion, imbalanced parts, wrong labels.

Every draw follows from a given seed or generator. The functions know labels only, `[N]` with values
0..C-1; `Split` and `Windows` apply them.

The profile of imbalance is exponential, after Cui et al., "Class-Balanced Loss Based on Effective Number of
Samples", CVPR 2019: of C classes, class c keeps a share r^(-c / (C - 1)) of what class 0 keeps.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from ..arguments import checked
from ..errors import ConfigurationError


@checked
def stratified(labels: Tensor, fraction: float, *, seed: int) -> tuple[Tensor, Tensor]:
    """Row numbers of the rest and of a drawn share of every class, each in ascending order.

    The share is `ceil(fraction * N)` rows, divided among the classes by largest remainder. Every class gives at
    least one row and keeps at least one, except a class of a single row, which stays in the rest.

    Args:
        labels: int64 `[N]`.
        fraction: share to draw, 0 <= fraction < 1.
        seed: of the draw.

    Raises:
        ConfigurationError: a fraction out of range.
    """
    if not 0 <= fraction < 1:
        raise ConfigurationError(f"share to split off: expected 0 <= fraction < 1, received {fraction}.")
    if fraction == 0:
        return torch.arange(len(labels)), torch.empty(0, dtype=torch.int64)
    counts = torch.bincount(labels).tolist()
    quota = _quotas(counts, fraction)
    generator = torch.Generator().manual_seed(seed)
    drawn = torch.zeros(len(labels), dtype=torch.bool)
    for label, share in enumerate(quota):
        rows = (labels == label).nonzero().flatten()
        drawn[rows[torch.randperm(len(rows), generator=generator)[:share]]] = True
    return (~drawn).nonzero().flatten(), drawn.nonzero().flatten()


def first_in_proportion(labels: Tensor, count: int) -> Tensor:
    """The first `count` rows with the class proportions of all rows, in their old order.

    Each class contributes its first rows; fractions go to the classes with the largest remainders.

    Args:
        labels: int64 `[N]`.
        count: number of rows, at least 0; all rows where it is N or more.

    Returns:
        Ascending row numbers, int64 `[min(count, N)]`.
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


def imbalanced(labels: Tensor, ratio: float, generator: torch.Generator) -> Tensor:
    """Rows of an imbalanced part, as large as the classes allow.

    Args:
        labels: int64 `[N]`.
        ratio: size of the most frequent class, the first, over that of the least frequent one, the last; at least 1.
        generator: decides which samples of a class stay.

    Returns:
        Ascending row numbers; at least one row of every class that occurs.
    """
    classes, sizes = labels.unique(return_counts=True)
    shares = float(ratio) ** -torch.linspace(0, 1, len(classes), dtype=torch.float64)
    quota = (shares * (sizes / shares).min() + 1e-9).floor().long().clamp_min(1)  # no class has less than its share
    drawn = [
        rows[torch.randperm(len(rows), generator=generator)[: int(count)]]
        for rows, count in zip(((labels == label).nonzero().flatten() for label in classes), quota, strict=True)
    ]
    return torch.cat(drawn).sort().values


def mislabelled(labels: Tensor, share: float, classes: int, generator: torch.Generator) -> Tensor:
    """Labels with a share of them replaced, each by one of the other classes, all equally likely.

    Args:
        labels: int64 `[N]`; not changed.
        share: 0 (none) to 1 (all); rounded to the nearest whole number of samples.
        classes: C, at least 2.
        generator: decides which labels are replaced, and by what.

    Raises:
        ConfigurationError: fewer than two classes.
    """
    if classes < 2:
        raise ConfigurationError(f"label_noise: expected data with at least 2 classes, received {classes}.")
    wrong = torch.randperm(len(labels), generator=generator)[: round(share * len(labels))]
    shift = torch.randint(1, classes, (len(wrong),), generator=generator)
    replaced = labels.clone()
    replaced[wrong] = (labels[wrong] + shift) % classes
    return replaced


def _quotas(counts: list[int], fraction: float) -> list[int]:
    exact = [fraction * n for n in counts]
    quota = [min(max(math.floor(e), 1), n - 1) if n > 1 else 0 for e, n in zip(exact, counts, strict=True)]
    missing = math.ceil(fraction * sum(counts) - 1e-9) - sum(quota)
    by_remainder = sorted(range(len(counts)), key=lambda c: quota[c] - exact[c])
    for label in by_remainder:
        if missing > 0 and quota[label] < counts[label] - 1:
            quota[label] += 1
            missing -= 1
    return quota
