"""The samples of a training: which ones it learns from, their order in each epoch, and the batches of the steps.

    split off validation -> imbalance -> limit -> label noise -> order of the epoch -> batch -> augmentation

Validation and test samples stay as they are and keep their true labels. All draws follow from the seed and the
position alone, so a resumed training has the same samples and batches.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from .. import data
from ..config.train_config import TrainConfig
from ..data import Dataset, Split
from ..nn import Group
from ..seeds import generator

RESIDENT_BYTES = 4 * 2**30  # a part of the data up to this size is moved to a GPU as a whole


def training_parts(dataset: Dataset, config: TrainConfig) -> tuple[Split, Split]:
    """The training samples and the validation samples of a training with these settings.

    Raises:
        ConfigurationError: imbalance or label noise of sequences, or label noise with a single class.
    """
    train, validation = dataset.split_validation(config.validation, config.seed)
    if config.imbalance > 1:
        train = train.imbalanced(config.imbalance, generator(config.seed, "imbalance"))
    if config.limit is not None:
        train = train.limited(config.limit)
    if config.label_noise > 0:
        draws = generator(config.seed, "label noise")
        train = train.mislabelled(config.label_noise, dataset.concept.classes, draws)
    return train, validation


def epoch_order(samples: int, seed: int, epoch: int) -> Tensor:
    """The permutation of the training samples in one epoch: int64 `[samples]`."""
    return torch.randperm(samples, generator=generator(seed, "order", epoch))


def steps_per_epoch(samples: int, batch_size: int) -> int:
    """Full batches in one epoch, at least one. The samples that are left over differ from epoch to epoch."""
    return max(1, samples // batch_size)


def batch_indices(order: Tensor, step: int, batch_size: int) -> Tensor:
    """The samples of one step of the epoch, int64 `[B]`."""
    return order[step * batch_size : (step + 1) * batch_size]


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
        self.steps = steps_per_epoch(len(train), config.batch_size)
        self.augment = data.augment.create(config.augment)
        self._order: tuple[int, Tensor] | None = None  # of the epoch under way

    def take(self, epoch: int, step: int) -> Batch:
        """The batch at one position, counted from 0. Augmentation draws for the whole batch before it is shared."""
        if self._order is None or self._order[0] != epoch:
            self._order = (epoch, epoch_order(len(self.train), self.config.seed, epoch))
        indices = batch_indices(self._order[1], step, self.config.batch_size)
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
