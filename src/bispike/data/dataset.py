"""A data set: stimuli with labels in a training and a test part, and the description of stimulus and concept.

Pixels stay in the compact type they came in (uint8); indexing a `Split` gives float32 in 0..1. What differs
between single stimuli and sequences is a method here that `sequence_dataset` overrides, so that callers need not
ask what kind of data they have.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
import torch
import torch.utils.data
from torch import Tensor

from ..errors import ShapeError
from ..spaces import Concept, Stimulus
from . import sampling
from .schema import Schema
from .schema.units import as_float

Indices = Tensor | np.ndarray | Sequence[int] | range | slice
Index = Indices | int

PIXEL_STD_FLOOR = 1 / 32
"""Least standard deviation of a uint8 channel, in the unit 0..1: eight of 256 grey levels."""

_BLOCK = 1 << 16
"""Values that are looked at together: few enough to stay in the cache of a processor."""

UNEVEN = 10
"""Ratio of the largest to the smallest class from which `Dataset.suspicions` mentions it."""


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
        rows = as_rows(index)
        return as_float(self.stimuli[rows]), self.labels[rows]

    def subset(self, indices: Indices) -> Split:
        """A split with copies of some rows."""
        rows = as_rows(indices)
        stimuli, labels = self.stimuli[rows], self.labels[rows]
        return Split(stimuli.clone(), labels.clone()) if isinstance(rows, slice) else Split(stimuli, labels)

    def to(self, device: torch.device | str) -> Split:
        """The same split on a device."""
        return Split(self.stimuli.to(device), self.labels.to(device))

    def counts(self, classes: int) -> list[int]:
        """Number of rows of each class 0..classes-1."""
        return torch.bincount(self.labels, minlength=classes).tolist()

    # ------------------------------------------------------------------ parts

    def spread_rows(self, count: int) -> Tensor:
        """Ascending row numbers, int64, of at most `count` samples that stand for the whole split.

        Single stimuli: the first rows, with the class proportions of all. Windows: rows spread evenly over the
        sequence.
        """
        return sampling.first_in_proportion(self.labels, count)

    def limited(self, count: int) -> Split:
        """At most `count` samples to learn from: the first ones, with the class proportions of all."""
        return self if count >= len(self) else self.subset(sampling.first_in_proportion(self.labels, count))

    def hold_out(self, fraction: float, seed: int) -> tuple[Split, Split]:
        """This split without, and with only, a stratified share of its rows.

        Args:
            fraction: share to hold out, 0 (an empty second part) up to below 1.
            seed: the same seed always gives the same rows.

        Raises:
            ConfigurationError: a fraction out of range.
        """
        rest, chosen = sampling.stratified(self.labels, fraction, seed=seed)
        return self.subset(rest) if len(chosen) else self, self.subset(chosen)

    def imbalanced(self, ratio: float, generator: torch.Generator) -> Split:
        """A part in which the first class is `ratio` times as frequent as the last one (see `data.sampling`).

        Raises:
            ConfigurationError: windows of a sequence, which have no class of their own.
        """
        return self.subset(sampling.imbalanced(self.labels, ratio, generator))

    def mislabelled(self, share: float, classes: int, generator: torch.Generator) -> Split:
        """The same stimuli with a share (0 to 1) of the labels wrong; each wrong class is equally likely.

        Raises:
            ConfigurationError: windows of a sequence, or fewer than two classes.
        """
        return replace(self, labels=sampling.mislabelled(self.labels, share, classes, generator))

    def mean_steps(self) -> Tensor | None:
        """`[K]` mean |y(t) - y(t-1)| of each quantity over the samples, float64; None where labels are classes."""
        return None


@dataclass(frozen=True, eq=False)
class Dataset:
    """Stimuli with concepts, in a training and a test part.

    Args:
        name: what the set is called in reports.
        stimulus: shape of one stimulus, and mean and deviation of each channel of the training part.
        concept: names of the C classes.
        train: what a network may learn from; the validation part is taken from it.
        test: evaluated once, at the end.
        task: what the set is used for: "classification", "events", "text" or "series".
        notes: what a reader should know about how the data were read, one sentence each.
        schema: how the data were read, by which files in use are read too; None: not known.
        validation: the source's own validation part; None: a share of the training part is held out for it.
        facts: what the reader counted, as plain values, for reports.
    """

    sequential: ClassVar[bool] = False
    """Whether stimuli are sequences, for recurrent networks."""

    name: str
    stimulus: Stimulus
    concept: Concept
    train: Split
    test: Split
    task: str = "classification"
    notes: tuple[str, ...] = ()
    schema: Schema | None = None
    validation: Split | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)

    def split_validation(self, fraction: float, seed: int) -> tuple[Split, Split]:
        """Training part without, and with only, a share for validation (see `Split.hold_out`).

        A source with a validation part of its own gives both as they are, unless the share is 0.
        """
        if self.validation is not None and fraction > 0:
            return self.train, self.validation
        return self.train.hold_out(fraction, seed)

    def protocol_summary(self) -> dict[str, Any]:
        """Protocol and targets of sequences, as a run's summary holds them; empty for single stimuli."""
        return {}

    def describe(self) -> dict[str, Any]:
        """What the data set holds, as plain values (`data.check` lists the keys)."""
        classes, held_out = self.concept.classes, self.validation
        low, high = torch.aminmax(self.train.stimuli)
        return {
            "name": self.name,
            "task": self.task,
            "shape": list(self.stimulus.shape),
            "dtype": str(self.train.stimuli.dtype).removeprefix("torch."),
            "classes": classes,
            "class_names": list(self.concept.names),
            "train": {"count": len(self.train), "per_class": self.train.counts(classes)},
            "validation": None if held_out is None else {"count": len(held_out), "per_class": held_out.counts(classes)},
            "test": {"count": len(self.test), "per_class": self.test.counts(classes)},
            "value_range": [low.item(), high.item()],
            "mean": list(self.stimulus.mean),
            "std": list(self.stimulus.std),
            "fingerprint": self.fingerprint,
            "facts": dict(self.facts),
        }

    def suspicions(self) -> list[str]:
        """What is unusual about the content though it can be used, one sentence each."""
        notes = []
        counts = self.train.counts(self.concept.classes)
        if max(counts) > UNEVEN * min(counts):
            rare, common = (self.concept.names[counts.index(edge(counts))] for edge in (min, max))
            notes.append(f"classes of very different size: {max(counts)} of {common!r}, {min(counts)} of {rare!r}.")
        absent = [name for name, n in zip(self.concept.names, self.test.counts(len(counts)), strict=True) if n == 0]
        if absent:
            notes.append(f"the test part has no stimulus of class {', '.join(absent[:5])}.")
        for what, part in (("test", self.test), ("validation", self.validation)):
            shared = 0 if part is None else len(_hashes(self.train) & _hashes(part))
            if shared:
                notes.append(f"{shared} different {what} stimuli also occur in the training part.")
        return notes

    @cached_property
    def fingerprint(self) -> str:
        """16 hexadecimal digits of the content (values, labels, class names), whatever the name or place."""
        digest = hashlib.blake2b(digest_size=8)
        digest.update(repr((self.task, self.stimulus.shape, self.concept.names)).encode())
        for part in (self.train, self.test, *([] if self.validation is None else [self.validation])):
            digest.update(repr((part.stimuli.dtype, tuple(part.stimuli.shape))).encode())
            for tensor in (part.stimuli, part.labels):
                digest.update(tensor.detach().cpu().contiguous().numpy().reshape(-1).view(np.uint8).data)
        return digest.hexdigest()


def channel_statistics(stimuli: Tensor) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and standard deviation of each channel (axis 1), in the units that indexing a `Split` gives.

    No deviation is 0: for uint8 it is at least `PIXEL_STD_FLOOR`, and a constant float channel has 1.
    """
    if stimuli.dtype == torch.uint8:
        return _byte_statistics(stimuli.cpu().numpy())
    channels = stimuli.shape[1]
    others = [axis for axis in range(stimuli.ndim) if axis != 1]
    count = stimuli.numel() / channels
    chunk = max(1, 2**20 // stimuli[0].numel())
    total = torch.zeros(channels, dtype=torch.float64)
    for rows in stimuli.split(chunk):
        total += rows.double().sum(others)
    mean = total / count
    square = torch.zeros(channels, dtype=torch.float64)
    centre = mean.view(1, -1, *[1] * (stimuli.ndim - 2))
    for rows in stimuli.split(chunk):
        square += (rows.double() - centre).square().sum(others)
    std = (square / count).sqrt()
    constant = std <= 1e-7 * mean.abs().clamp_min(1e-30)
    std = torch.where(constant, torch.ones_like(std), std)
    return tuple(mean.tolist()), tuple(std.tolist())


def _byte_statistics(stimuli: np.ndarray) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and standard deviation of each channel of uint8 stimuli; sums of whole numbers are exact."""
    channels = stimuli.shape[1]
    count = stimuli.size // channels
    totals, squares = [0] * channels, [0] * channels
    rows = max(1, _BLOCK // stimuli[0].size)
    for first in range(0, len(stimuli), rows):
        block = stimuli[first : first + rows].swapaxes(0, 1).reshape(channels, -1).astype(np.float64)
        for channel, values in enumerate(block):
            totals[channel] += int(values.sum())
            squares[channel] += int(values.dot(values))
    mean = [total / count / 255 for total in totals]
    variance = [(count * square - total**2) / count**2 for total, square in zip(totals, squares, strict=True)]
    return tuple(mean), tuple(max(one**0.5 / 255, PIXEL_STD_FLOOR) for one in variance)


def as_rows(index: Index) -> Tensor | slice:
    """What tensors are indexed with: a slice, or int64 or boolean numbers of rows."""
    if isinstance(index, slice):
        return index
    rows = torch.as_tensor(list(index) if isinstance(index, range) else index)
    return rows.to(torch.int64) if rows.numel() == 0 else rows


def _hashes(split: Split) -> set[int]:
    return {hash(row.tobytes()) for row in split.stimuli.cpu().numpy()}
