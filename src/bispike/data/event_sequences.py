"""Recordings as sequences: for recurrent networks each bin of real time is a position that asks for the class.

A recording `[T, 2, H, W]` becomes T rows of 2·H·W values; what is said of it is what its positions say together.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ..spaces import Stimulus
from .dataset import Dataset, Split, stratified
from .sequence_dataset import SequenceDataset, Windows


class RecordingDataset(SequenceDataset):
    """Recordings, each a window of its own; no order among them."""

    def split_validation(self, fraction: float, seed: int) -> tuple[Split, Split]:
        """Training recordings, and a stratified share of them for validation."""
        train = self.train
        assert isinstance(train, Windows)
        rest, chosen = stratified(recorded_classes(train), fraction, seed=seed)
        return train.subset(rest), train.subset(chosen)


def recorded_classes(windows: Windows) -> Tensor:
    """int64 `[N]` class of each recording."""
    return windows.labels[windows.starts]


def as_sequences(found: Dataset) -> RecordingDataset:
    """The same recordings, stimuli uint8 or float32 `[N, T, ...]`, as sequences of T positions."""
    positions = found.stimulus.shape[0]

    def part(split: Split) -> Windows:
        starts = torch.arange(len(split)) * positions
        return Windows(
            split.stimuli.flatten(2).flatten(0, 1),
            split.labels.repeat_interleave(positions),
            starts,
            positions,
            scored="vote",
        )

    train = part(found.train)
    return RecordingDataset(
        found.name,
        Stimulus((train.stimuli.shape[1],)),  # not standardised: events come in as the spikes that they are
        found.concept,
        train,
        part(found.test),
        task=found.task,
        notes=found.notes,
        horizon=0,
    )
