"""The batches of a training: the order of the samples, their augmentation, and the share of this process."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from .. import data
from ..config.train_config import TrainConfig
from ..data import Split
from ..nn import Group
from ..seeds import generator
from . import order

RESIDENT_BYTES = 4 * 2**30  # a part of the data up to this size is moved to a GPU as a whole


@dataclass(frozen=True)
class Batch:
    """This process's share of the samples of one step.

    Args:
        stimuli: `[B, ...]` in the units of the data, on the device of the training.
        labels: `[B, ...]`, on the same device.
        samples: in the whole batch, over all processes.
    """

    stimuli: Tensor
    labels: Tensor
    samples: int


class Batches:
    """The training samples, batch by batch; each batch is a function of the seed and the position alone.

    Args:
        train: the training part.
        config: batch size, seed and augmentation.
        device: where batches are used.
        group: processes that share each batch.
    """

    def __init__(self, train: Split, config: TrainConfig, *, device: torch.device, group: Group) -> None:
        self.train, self.config, self.device, self.group = resident(train, device), config, device, group
        self.steps = order.steps_per_epoch(len(train), config.batch_size)
        self.augment = data.augment.create(config.augment)
        self._order: tuple[int, Tensor] | None = None  # of the epoch under way

    def take(self, epoch: int, step: int) -> Batch:
        """The batch at one position, counted from 0. Augmentation draws for the whole batch before it is shared."""
        if self._order is None or self._order[0] != epoch:
            self._order = (epoch, order.epoch_order(len(self.train), self.config.seed, epoch))
        indices = order.batch_indices(self._order[1], step, self.config.batch_size)
        mine = self.group.share(len(indices))
        augmented = self.config.augment != "none"
        stimuli, labels = self.train[indices if augmented else indices[mine]]
        stimuli, labels = stimuli.to(self.device), labels.to(self.device)
        if augmented:
            draws = generator(self.config.seed, "augment", epoch, step)
            stimuli, labels = self.augment(stimuli, draws)[mine], labels[mine]
        return Batch(stimuli, labels, len(indices))


def resident(split: Split, device: torch.device) -> Split:
    """A part of the data where it is used: on the GPU if it is small enough, otherwise where it is."""
    size = split.stimuli.numel() * split.stimuli.element_size()
    return split.to(device) if device.type == "cuda" and size <= RESIDENT_BYTES else split
