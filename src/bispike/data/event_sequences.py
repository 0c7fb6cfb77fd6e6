"""Recordings as sequences: for recurrent networks each bin of real time is a position with the recording's class.

A recording `[T, 2, H, W]` becomes T rows of 2·H·W values; the mean of the scores at its positions is its decision.
"""

from __future__ import annotations

import torch

from ..spaces import Stimulus
from .dataset import Dataset, Split
from .sequence_dataset import Recordings, SequenceDataset


class RecordingDataset(SequenceDataset):
    """Recordings, each a window of its own; no order among them."""


def as_sequences(recordings: Dataset) -> RecordingDataset:
    """The same recordings, stimuli uint8 or float32 `[N, T, ...]`, as sequences of T positions."""
    positions = recordings.stimulus.shape[0]

    def part(split: Split) -> Recordings:
        return Recordings(
            split.stimuli.flatten(2).flatten(0, 1),
            split.labels.repeat_interleave(positions),
            torch.arange(len(split)) * positions,
            positions,
            scored="vote",
        )

    train = part(recordings.train)
    return RecordingDataset(
        recordings.name,
        Stimulus((train.stimuli.shape[1],)),  # not standardised: the events themselves are the spikes
        recordings.concept,
        train,
        part(recordings.test),
        validation=None if recordings.validation is None else part(recordings.validation),
        task=recordings.task,
        notes=recordings.notes,
        schema=recordings.schema,
        facts=recordings.facts,
        horizon=0,
    )
