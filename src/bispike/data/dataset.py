"""A data set: stimuli with labels in a training and a test part, and the description of its two ends.

Pixels stay in the compact type they came in (uint8); indexing a `Split` gives float32 in 0..1. Every draw that
parts a set (validation, a missing test part) is stratified and follows from a seed alone.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
import torch.utils.data
from torch import Tensor

from ..errors import ConfigurationError, ShapeError
from ..spaces import Concept, Stimulus

Indices = Tensor | np.ndarray | Sequence[int] | range | slice
Index = Indices | int

PIXEL_STD_FLOOR = 1 / 32
"""Least standard deviation of a uint8 channel, in the unit 0..1: eight of 256 grey levels."""


@dataclass(frozen=True, eq=False)
class Split(torch.utils.data.Dataset[tuple[Tensor, Tensor]]):
    """One part of a data set; also a `torch.utils.data.Dataset`, so that torch's `DataLoader` takes it.

    Args:
        stimuli: uint8 or float32, `[N, *shape]`.
        labels: int64, `[N]`, each in 0..C-1.
    """

    stimuli: Tensor
    labels: Tensor

    def __post_init__(self) -> None:
        if self.stimuli.dtype not in (torch.uint8, torch.float32) or self.labels.dtype != torch.int64:
            raise ShapeError(
                "split: expected uint8 or float32 stimuli and int64 labels, received "
                f"{self.stimuli.dtype} and {self.labels.dtype}."
            )
        if self.labels.ndim != 1 or len(self.stimuli) != len(self.labels):
            raise ShapeError(
                "split: expected stimuli [N, *shape] and labels [N], received "
                f"{list(self.stimuli.shape)} and {list(self.labels.shape)}."
            )

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: Index) -> tuple[Tensor, Tensor]:
        """One sample, or a batch of samples.

        Args:
            index: a whole number for one sample; a slice, a list or a tensor of B whole numbers (or a mask of N
                booleans) for a batch. So `torch.utils.data.DataLoader(split, batch_size=8)` works.

        Returns:
            Stimuli, float32 `[*shape]` or `[B, *shape]`, uint8 divided by 255; labels, int64 `[]` or `[B]`.

        Raises:
            IndexError: no such sample.
        """
        rows = _rows(index)
        return as_float(self.stimuli[rows]), self.labels[rows]

    def subset(self, indices: Indices) -> Split:
        """A split of its own that holds copies of some rows."""
        rows = _rows(indices)
        return Split(self.stimuli[rows].clone(), self.labels[rows].clone())

    def to(self, device: torch.device | str) -> Split:
        """The same split on a device."""
        return Split(self.stimuli.to(device), self.labels.to(device))

    def counts(self, classes: int) -> list[int]:
        """Number of rows of each class 0..classes-1."""
        return torch.bincount(self.labels, minlength=classes).tolist()


@dataclass(frozen=True, eq=False)
class Dataset:
    """Stimuli with concepts, in a training and a test part.

    Args:
        name: what the set is called in reports.
        stimulus: shape of one stimulus, and mean and deviation of each channel of the training part.
        concept: names of the C classes.
        train: what a network may learn from; the validation part is taken from it.
        test: looked at once, at the end.
        task: what the set is used for.
        notes: what a reader should know about how the data were read, a sentence each.
    """

    name: str
    stimulus: Stimulus
    concept: Concept
    train: Split
    test: Split
    task: str = "classification"
    notes: tuple[str, ...] = ()

    def split_validation(self, fraction: float, seed: int) -> tuple[Split, Split]:
        """Training part without, and with only, a stratified share for validation.

        Args:
            fraction: share of the training part for validation, 0 (an empty validation part) up to below 1.
            seed: the same seed always gives the same rows.
        """
        rest, chosen = stratified(self.train.labels, fraction, seed=seed)
        if not len(chosen):
            return self.train, self.train.subset(chosen)
        return self.train.subset(rest), self.train.subset(chosen)

    @cached_property
    def fingerprint(self) -> str:
        """16 hexadecimal digits of the content (values, labels, class names), whatever the name or place."""
        digest = hashlib.blake2b(digest_size=8)
        digest.update(repr((self.task, self.stimulus.shape, self.concept.names)).encode())
        for part in (self.train, self.test):
            digest.update(repr((part.stimuli.dtype, tuple(part.stimuli.shape))).encode())
            for tensor in (part.stimuli, part.labels):
                digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
        return digest.hexdigest()


def as_float(stimuli: Tensor) -> Tensor:
    """float32 in data units: uint8 is divided by 255, float32 stays as it is."""
    return stimuli.to(torch.float32).div_(255) if stimuli.dtype == torch.uint8 else stimuli


def stratified(labels: Tensor, fraction: float, *, seed: int) -> tuple[Tensor, Tensor]:
    """Row numbers, each part in ascending order, of the rest and of a drawn share of every class.

    The share is `ceil(fraction * N)` rows, parted among the classes by largest remainder. A drawn class gives
    at least one row and keeps at least one, so a class of a single row stays whole in the rest.

    Args:
        labels: int64 `[N]`.
        fraction: share to draw, 0 <= fraction < 1.
        seed: of the draw.
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


def channel_statistics(stimuli: Tensor) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and standard deviation of each channel (axis 1), in the units that indexing a `Split` gives.

    No deviation is 0: for uint8 it is at least `PIXEL_STD_FLOOR`, and a constant float channel has 1.
    """
    channels = stimuli.shape[1]
    others = [axis for axis in range(stimuli.ndim) if axis != 1]
    count = stimuli.numel() / channels
    chunk = max(1, 2**22 // stimuli[0].numel())
    total = torch.zeros(channels, dtype=torch.float64)
    for rows in stimuli.split(chunk):
        total += rows.double().sum(others)
    mean = total / count
    square = torch.zeros(channels, dtype=torch.float64)
    centre = mean.view(1, -1, *[1] * (stimuli.ndim - 2))
    for rows in stimuli.split(chunk):
        square += (rows.double() - centre).square().sum(others)
    std = (square / count).sqrt()
    if stimuli.dtype == torch.uint8:
        mean, std = mean / 255, (std / 255).clamp_min(PIXEL_STD_FLOOR)
    else:
        constant = std <= 1e-7 * mean.abs().clamp_min(1e-30)
        std = torch.where(constant, torch.ones_like(std), std)
    return tuple(mean.tolist()), tuple(std.tolist())


def _rows(indices: Index) -> Tensor | slice:
    if isinstance(indices, slice):
        return indices
    rows = torch.as_tensor(list(indices) if isinstance(indices, range) else indices)
    return rows.to(torch.int64) if rows.numel() == 0 else rows
